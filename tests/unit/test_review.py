import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from recto.confidence import Calibration
from recto.entities import extract, review_reasons, with_reasons
from recto.errors import ReviewFailedError
from recto.fields import FieldList
from recto.results import DocumentResult, FieldResult
from recto.review import (
    FieldAnswer,
    ReviewAnswer,
    ReviewTask,
    apply_answers,
    human_loop_name,
    parse_answer,
    parse_human_answers,
)
from tests.unit.drawn_pages import drawn, field_list

A2I = Path(__file__).parents[3] / "shared" / "data" / "groundtruth" / "a2i"
FIELDS = field_list(
    {"Name": "Date", "Select": "first", "Type": "date"},
    {"Name": "Card"},
    {"Name": "Address", "Select": "longest", "Optional": True},
)
RESULT = extract(
    [drawn("dated July@0 1,@0 2020@0 and Gold@1", "or Blue@1 card of", "PO@2 Box@2 1@2", "Reno@2", other=3)],
    FIELDS,
)
NAMES = [
    "Fee - Annual",
    "0",
    "1-2-APR",
    "value-X",
    "present-field-value-",
    'Provider "main"',
    "it's <b>",
    "Gebühr",
    "日付",
    "a.b[c]",
    "field-multival-0-A",
]


def answer(worker: str = "w1", time_spent: float | None = 10.0, **fields: FieldAnswer) -> ReviewAnswer:
    return ReviewAnswer(worker, fields, time_spent)


def reviewed(*answers: ReviewAnswer) -> DocumentResult:
    return apply_answers(RESULT, answers, FIELDS)


def values_of(one: FieldResult) -> list[str]:
    return [value.value for value in one.found]


# --- the task ---------------------------------------------------------------------------------------


def test_a_task_has_no_place_for_a_token() -> None:
    task = ReviewTask(review_id="r", task_object="s3://b/k", model_result=RESULT).to_json()

    assert set(task) == {"ReviewId", "TaskObject", "ModelResult"}
    with pytest.raises(ValidationError, match="TaskToken"):
        ReviewTask.model_validate({**task, "TaskToken": "secret"})


# --- reading answers --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", ["flat", "store", "store as JSON", "JSON"])
def test_any_field_name_is_read_in_every_shape(name: str, shape: str) -> None:
    fields = field_list(*({"Name": other} for other in NAMES))
    posted = {
        f"field-present-{name}": {"checked": True},
        f"field-multival-0-{name}": "one",
        f"field-multival-1-{name}": "two",
    }
    content = {
        "flat": posted,
        "store": {"store": posted},
        "store as JSON": {"store": json.dumps(posted)},
        "JSON": json.dumps(posted),
    }[shape]

    assert parse_answer(content, fields) == {name: FieldAnswer(True, ("one", "two"))}


@pytest.mark.parametrize(
    ("ticked", "is_present"),
    [
        (True, True),
        (False, False),
        ({"checked": True}, True),
        ({"checked": False}, False),
        ({"on": True}, True),
        ("on", True),
        ("false", False),
    ],
)
def test_a_box_is_ticked_in_every_shape(ticked: object, is_present: bool) -> None:
    assert parse_answer({"field-present-Date": ticked}, FIELDS) == {"Date": FieldAnswer(is_present, None)}


def test_values_are_ordered_by_their_index_without_empty_and_repeated_ones() -> None:
    posted = {
        f"field-multival-{i}-Card": text for i, text in [(10, "C"), (2, "B"), (0, "A"), (3, ""), (4, "A")]
    }

    assert parse_answer(posted, FIELDS)["Card"].values == ("A", "B", "C")


def test_a_value_cleared_to_nothing_is_an_answer() -> None:
    posted = {"field-present-Date": True, "field-value-Date": " "}

    assert parse_answer(posted, FIELDS)["Date"].is_absent


def test_a_name_is_found_in_another_unicode_form() -> None:
    fields = field_list({"Name": "Geb\u00fchr"})

    assert "Geb\u00fchr" in parse_answer({"field-value-Gebu\u0308hr": "5"}, fields)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({}, "without a field"),
        ({"something": 1}, "seen something"),
        ({"field-value-Dat": "x"}, "'field-value-Dat' is about a field that the task does not have"),
        ({"field-present-Date": 7}, "expected true or false"),
        ({"field-value-Date": ["x"]}, "expected text, seen list"),
        ({"store": [1]}, "expected an object, seen list"),
        ("no JSON", "not JSON"),
    ],
)
def test_an_answer_that_cannot_be_used_is_refused_with_what_was_seen(content: object, said: str) -> None:
    with pytest.raises(ReviewFailedError) as caught:
        parse_answer(content, FIELDS)  # type: ignore[arg-type]

    assert said in str(caught.value)


def test_fields_of_the_task_are_read_even_when_the_configuration_has_lost_them() -> None:
    task = ReviewTask(review_id="r", task_object="s3://b/k", model_result=RESULT)

    assert parse_answer({"field-value-Card": "A"}, field_list({"Name": "Date"}), task)["Card"].values == (
        "A",
    )


def test_a_worker_who_answers_twice_counts_once_with_the_last_answer() -> None:
    entries = [
        {"workerId": "a", "answerContent": {"field-value-Date": "1"}, "timeSpentInSeconds": 3},
        {"workerId": "a", "answerContent": {"field-value-Date": "2"}},
        {"answerContent": {"field-value-Date": "3"}},
    ]

    answers = parse_human_answers(entries, FIELDS)

    assert [(one.worker_id, one.fields["Date"].values) for one in answers] == [("a", ("2",)), ("", ("3",))]


# --- applying answers -------------------------------------------------------------------------------


def test_a_confirmed_value_keeps_its_places_and_is_certain() -> None:
    before, after = (
        RESULT.fields["Date"],
        reviewed(answer(Date=FieldAnswer(True, ("July 1, 2020",)))).fields["Date"],
    )

    assert (after.value, after.confidence, after.reviewed) == (before.value, 1.0, True)
    assert (after.detections, after.boxes, after.page) == (before.detections, before.boxes, 1)


def test_a_ticked_field_without_a_value_confirms_the_models() -> None:
    after = reviewed(answer(Card=FieldAnswer(True))).fields["Card"]

    assert values_of(after) == values_of(RESULT.fields["Card"])
    assert after.confidence == 1.0


def test_an_edited_value_has_no_places_and_a_normal_form_of_its_own() -> None:
    after = reviewed(answer(Date=FieldAnswer(True, ("August 2, 2021",)))).fields["Date"]

    assert (after.value, after.normalized_value, after.confidence) == ("August 2, 2021", "2021-08-02", 1.0)
    assert (after.detections, after.page, after.raw_text) == ((), None, "")


def test_values_of_a_multi_valued_field_are_added_edited_and_removed() -> None:
    after = reviewed(answer(Card=FieldAnswer(True, ("Gold", "Silver")))).fields["Card"]

    assert values_of(after) == ["Gold", "Silver"]
    assert [len(value.detections) for value in after.found] == [1, 0]
    assert (after.confidence, after.num_detections) == (1.0, 1)


@pytest.mark.parametrize("absent", [FieldAnswer(False), FieldAnswer(False, ("x",)), FieldAnswer(True, ())])
@pytest.mark.parametrize("name", ["Date", "Card"])
def test_an_absent_field_has_no_value_and_does_not_count_as_detected(name: str, absent: FieldAnswer) -> None:
    after = reviewed(answer(**{name: absent}))

    one = after.fields[name]
    assert (one.absent, one.found, one.num_detections, one.num_detected_values, one.confidence) == (
        True,
        (),
        0,
        0,
        0.0,
    )
    assert after.confidence == min(after.fields[other].confidence for other in after.fields if other != name)


def test_a_field_that_nobody_looked_at_stays_as_the_model_left_it() -> None:
    after = reviewed(answer(Date=FieldAnswer(True)))

    assert after.fields["Card"] == RESULT.fields["Card"]
    assert after.confidence < 1


@pytest.mark.parametrize("text", ["PO Box 1\nReno", "PO Box 1 Reno", "PO Box 1Reno"])
def test_a_value_of_several_lines_survives_a_browsers_input(text: str) -> None:
    after = reviewed(answer(Address=FieldAnswer(True, (text,)))).fields["Address"]

    assert after.value == "PO Box 1\nReno"
    assert after.detections == RESULT.fields["Address"].detections


def test_several_values_for_a_single_valued_field_are_refused() -> None:
    with pytest.raises(ReviewFailedError, match="Date takes one value, the answer has 2"):
        reviewed(answer(Date=FieldAnswer(True, ("a", "b"))))


def test_the_reviewer_is_recorded() -> None:
    assert reviewed(answer("me", 12.5, Date=FieldAnswer(True))).to_json()["Review"] == {
        "WorkerId": "me",
        "TimeSpentInSeconds": 12.5,
    }


def test_no_answers_are_no_review() -> None:
    with pytest.raises(ReviewFailedError, match="0 answers"):
        reviewed()


def test_reviewers_who_agree_in_normal_form_make_it_certain() -> None:
    after = reviewed(
        answer("a", Date=FieldAnswer(True, ("August 2, 2021",))),
        answer("b", Date=FieldAnswer(True, ("2021-08-02",))),
    )

    assert (after.fields["Date"].value, after.fields["Date"].confidence) == ("August 2, 2021", 1.0)
    assert after.review is not None
    assert after.review.worker_ids == ("a", "b")
    assert after.review.time_spent_in_seconds == 20.0


def test_the_majority_is_taken_and_the_disagreement_is_marked() -> None:
    after = reviewed(
        answer("a", Card=FieldAnswer(True, ("Silver",))),
        answer("b", Card=FieldAnswer(True, ("Gold", "Blue"))),
        answer("c", Card=FieldAnswer(True, ("Blue", "Gold"))),
    )

    card = after.fields["Card"]
    assert values_of(card) == ["Gold", "Blue"]
    assert card.confidence == pytest.approx(2 / 3)
    assert [reason.message for reason in card.review_reasons or ()] == ["2 of 3 reviewers agree on Card"]
    assert after.to_json()["ReviewReasons"][0]["Code"] == "reviewers_disagree"


def test_reviewers_who_did_not_look_at_a_field_have_no_say_in_it() -> None:
    after = reviewed(answer("a", Date=FieldAnswer(False)), answer("b", Card=FieldAnswer(True)))

    assert after.fields["Date"].absent
    assert after.fields["Date"].review_reasons is None


def test_the_reasons_for_the_review_stay_in_the_result() -> None:
    unsure = extract([drawn("x@0/0.5", other=3)], FIELDS, Calibration.default())
    told = with_reasons(unsure, review_reasons(unsure, FIELDS, {}))

    after = apply_answers(told, [answer(Date=FieldAnswer(True))], FIELDS)

    assert after.review_reasons == told.review_reasons
    assert after.fields["Date"].confidence == 1.0


@pytest.mark.skipif(not A2I.is_dir(), reason="../shared/data is not here")
def test_a_real_result_of_the_reference_is_reviewed() -> None:
    source = json.loads((A2I / "ref-task-input.example.json").read_bytes())
    result = DocumentResult.model_validate(source["ModelResult"])
    fields = _fields_of(result)
    posted = {f"field-present-{name}": {"checked": bool(one.found)} for name, one in result.fields.items()}

    after = apply_answers(result, [ReviewAnswer("w", parse_answer(posted, fields), 1.0)], fields)

    assert after.confidence == 1.0
    assert [values_of(one) for one in after.fields.values()] == [
        values_of(one) for one in result.fields.values()
    ]


def _fields_of(result: DocumentResult) -> FieldList:
    ids = sorted(one.class_id for one in result.fields.values())
    gaps = [{"ClassId": i, "Name": f"gap {i}", "Ignore": True} for i in range(max(ids)) if i not in ids]
    named = [
        {"ClassId": one.class_id, "Name": name, **({} if one.is_multi_valued else {"Select": "first"})}
        for name, one in result.fields.items()
    ]
    return field_list(*gaps, *named)


# --- names ------------------------------------------------------------------------------------------


@given(st.lists(st.one_of(st.text(max_size=90), st.integers(0, 99)), max_size=4))
def test_every_loop_name_is_one_that_a2i_accepts(parts: list[str | int]) -> None:
    name = human_loop_name(*parts)

    assert re.fullmatch(r"[a-z0-9](-*[a-z0-9])*", name)
    assert len(name) <= 63


def test_loop_names_of_different_documents_differ_however_long_they_are() -> None:
    assert human_loop_name("a" * 80, 1) != human_loop_name("a" * 80, 2)
    assert human_loop_name("Ä") != human_loop_name("Ö")
    assert human_loop_name("0123abcd", 2) == "0123abcd-2"


def test_what_was_odd_about_the_ocr_is_still_told_after_the_review() -> None:
    told = RESULT.model_copy(update={"warnings": ("turned: 3 (words do not run to the right); pages 1",)})

    after = apply_answers(told, [answer(Date=FieldAnswer(True))], FIELDS)

    assert after.warnings == told.warnings
