"""What is wrong with an answer while it is typed: the same as the pipeline would say of it afterwards."""

import time
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recto.errors import FieldConfigurationError, ReviewFailedError
from recto.fields import FieldList, dump_fields, parse_fields
from recto.results import DocumentResult, FieldResult, Value
from recto.review import apply_answers, parse_human_answers
from recto.review_check import AnswerCheck, as_taken, check_answer, fields_of_task, in_short

ODD = 'Fee – "été" field-present-x'
FIELDS = [
    {"ClassId": 0, "Name": "Date", "Type": "date", "Select": "confidence", "DateOrder": "DMY",
     "Validators": ["not_in_future"]},
    {"ClassId": 1, "Name": "Due", "Type": "date", "Select": "confidence", "Optional": True,
     "DateOrder": "DMY", "Rules": [{"Name": "not_before", "Field": "Date"}]},
    {"ClassId": 2, "Name": "Total", "Type": "money", "Select": "confidence", "Currency": "EUR",
     "DecimalMark": ".", "Validators": [{"Name": "money_range", "Minimum": 0, "Maximum": 100}]},
    {"ClassId": 3, "Name": ODD, "Optional": True},
]  # fmt: skip


@pytest.fixture
def fields() -> FieldList:
    return parse_fields(FIELDS)


def found(value: str = "", confidence: float = 0.5, **more: Any) -> FieldResult:
    more = {"class_id": 0, "sort_order": 0, "num_detections": 1, "num_detected_values": 1, **more}
    return FieldResult(confidence=confidence, value=value, detections=(), **more)


def result() -> DocumentResult:
    """A date, a total, no due date."""
    return DocumentResult(
        confidence=0.5,
        reference_date=date(2026, 11, 21),
        fields={
            "Date": found("02/03/2026", normalized_value="2026-03-02"),
            "Due": found(),
            "Total": found("12.50 EUR", normalized_value="12.50 EUR"),
            ODD: FieldResult(
                class_id=3, confidence=0, num_detections=0, num_detected_values=0, sort_order=3, values=()
            ),
        },
    )


def messages(checked: AnswerCheck) -> list[tuple[str | None, str]]:
    return [(problem.field, problem.message) for problem in checked.problems]


def test_what_is_typed_is_understood_as_the_pipeline_will(fields: FieldList) -> None:
    answer = {"field-present-Date": True, "field-value-Date": "5 April 2026"}

    checked = check_answer(answer, result(), fields)

    [value] = checked.fields["Date"].values
    assert (value.value, value.normalized, value.parsed) == ("5 April 2026", "2026-04-05", True)
    assert checked.is_complete


def test_an_empty_answer_leaves_the_models_values_and_names_what_is_missing(fields: FieldList) -> None:
    nothing_found = result().model_copy(update={"fields": {**result().fields, "Total": found()}})

    whole, lacking = check_answer({}, result(), fields), check_answer({}, nothing_found, fields)

    assert whole.is_complete
    assert whole.fields["Total"].values[0].value == "12.50 EUR"
    assert lacking.fields["Total"].missing
    assert messages(lacking) == [("Total", "Total is required: give it, or mark it as absent")]


def test_a_required_field_is_given_or_marked_absent_and_not_just_cleared(fields: FieldList) -> None:
    cleared = {"field-present-Total": True, "field-value-Total": " "}
    absent = {"field-present-Total": False}

    assert [name for name, _ in messages(check_answer(cleared, result(), fields))] == ["Total"]
    assert check_answer(absent, result(), fields).is_complete


def test_a_value_that_breaks_a_validator_goes_through_with_a_reason_alone(fields: FieldList) -> None:
    answer = {"field-present-Total": True, "field-value-Total": "250.00 EUR"}

    refused = check_answer(answer, result(), fields)
    without_a_word = check_answer({**answer, "field-confirmed-Total": "  "}, result(), fields)
    confirmed = check_answer({**answer, "field-confirmed-Total": "it is printed so"}, result(), fields)

    assert [(name, text.split(":")[0]) for name, text in messages(refused)] == [("Total", "money_range")]
    assert refused.fields["Total"].values[0].failed
    assert not without_a_word.is_complete
    assert confirmed.is_complete
    assert confirmed.fields["Total"].values[0].failed  # it is told all the same


def test_a_rule_between_fields_is_told_once_and_let_through_by_either(fields: FieldList) -> None:
    answer = {"field-present-Due": True, "field-value-Due": "01/01/2026"}

    refused = check_answer(answer, result(), fields)

    assert [name for name, _ in messages(refused)] == ["Due"]
    assert refused.fields["Date"].failed_rules == refused.fields["Due"].failed_rules != ()
    for name in ("Due", "Date"):
        assert check_answer({**answer, f"field-confirmed-{name}": "so it says"}, result(), fields).is_complete


def test_what_is_typed_must_be_readable_but_what_the_model_left_need_not_be(fields: FieldList) -> None:
    unread = result().model_copy(update={"fields": {**result().fields, "Total": found("twelve or so")}})
    typed = {"field-present-Due": True, "field-value-Due": "soon"}

    assert check_answer({}, unread, fields).is_complete
    assert messages(check_answer(typed, result(), fields)) == [("Due", "'soon' is not understood as date")]


def test_two_values_for_one_and_a_pasted_page_are_problems_and_no_errors(fields: FieldList) -> None:
    two = {"field-multival-0-Total": "1.00 EUR", "field-multival-1-Total": "2.00 EUR"}
    page = {f"field-multival-0-{ODD}": "x" * 20_000}

    assert messages(check_answer(two, result(), fields)) == [
        ("Total", "Total takes one value, the answer has 2")
    ]
    [(name, text)] = messages(check_answer(page, result(), fields))
    assert name == ODD
    assert "20,000 characters" in text


def test_an_answer_about_an_unknown_field_cannot_be_read(fields: FieldList) -> None:
    with pytest.raises(ReviewFailedError, match="does not have"):
        check_answer({"field-value-Nobody": "x"}, result(), fields)


def test_flat_stored_and_legacy_answers_are_judged_alike(fields: FieldList) -> None:
    flat = {"field-present-Total": True, "field-value-Total": "250.00 EUR"}
    stored = {"store": flat}
    legacy = {"field-present-Total": {"checked": True}, "field-value-Total": "250.00 EUR"}

    told = [messages(check_answer(each, result(), fields)) for each in (flat, stored, legacy)]

    assert told[0] == told[1] == told[2] != []


def test_ignored_fields_leave_gaps_and_a_task_is_read_all_the_same() -> None:
    told = [entry for entry in dump_fields(parse_fields(FIELDS)) if entry["Name"] != "Date"]
    told = [{key: value for key, value in entry.items() if key != "Rules"} for entry in told]

    fields = fields_of_task({"FieldConfiguration": told}, DocumentResult(confidence=0))

    assert [field.name for field in fields.active] == ["Due", "Total", ODD]
    assert check_answer({}, DocumentResult(confidence=0), fields).fields["Total"].missing


def test_a_task_that_says_nothing_of_its_fields_has_those_of_its_result() -> None:
    fields = fields_of_task({}, result())

    assert [field.name for field in fields.active] == ["Date", "Due", "Total", ODD]
    assert fields[ODD].is_multi_valued
    assert not fields["Total"].is_multi_valued


def test_a_task_with_a_damaged_configuration_is_refused_by_name() -> None:
    with pytest.raises(FieldConfigurationError, match="Type"):
        fields_of_task({"FieldConfiguration": [{"ClassId": 0, "Name": "A", "Type": "colour"}]}, result())


def test_problems_are_told_in_short_without_values() -> None:
    checked = check_answer({"field-value-Date": "soon"}, result(), parse_fields(FIELDS))

    assert in_short(checked.problems) == "Date"


TEXTS = st.sampled_from(["", "x", "01/01/2026", "1 January 2030", "5.00 EUR", "900 EUR", "été", "\n", "-"])


@given(st.dictionaries(st.sampled_from(["Date", "Due", "Total", ODD]), TEXTS), st.booleans())
def test_the_check_says_what_the_pipeline_then_publishes(typed: dict[str, str], ticked: bool) -> None:
    """The pipeline's own way of an answer gives the values and failures that the check told."""
    fields = parse_fields(FIELDS)
    answer = as_taken({f"field-value-{name}": text for name, text in typed.items()})
    if ticked:
        answer |= {f"field-present-{name}": True for name in typed}

    checked = check_answer(answer, result(), fields)

    if not typed:
        return
    answers = parse_human_answers([{"workerId": "w", "answerContent": answer}], fields)
    published = apply_answers(result(), answers, fields)
    for name, one in published.fields.items():
        told = checked.fields[name]
        assert [value.value for value in one.found] == [value.value for value in told.values]
        assert [value.normalized_value for value in one.found] == [value.normalized for value in told.values]
        assert [f"{r.rule}: {r.message}" for r in one.failed_rules] == list(told.failed_rules)


def test_19_fields_are_checked_while_one_types() -> None:
    kinds = ["text", "date", "money", "number", "percentage", "address", "company", "person", "duration"]
    fields = parse_fields(
        [
            {"ClassId": n, "Name": f"F{n}", "Type": kinds[n % 9], "Validators": ["not_empty", "understood"]}
            for n in range(19)
        ]
    )
    value = Value(value="12 March 2020", confidence=0.5)
    one = FieldResult(
        class_id=0, confidence=0.5, num_detections=1, num_detected_values=1, sort_order=0, values=(value,) * 3
    )
    known = DocumentResult(confidence=0.5, fields={f"F{n}": one for n in range(19)})
    answer = {f"field-multival-{i}-F{n}": f"{n + i} Main Street, 3.5%" for n in range(19) for i in range(3)}
    check_answer(answer, known, fields)

    times = []
    for _ in range(11):
        began = time.perf_counter()
        check_answer(answer, known, fields)
        times.append(time.perf_counter() - began)

    assert sorted(times)[5] < 0.3, f"{sorted(times)[5] * 1000:.1f} ms"  # 30 ms are wanted; machines are busy
