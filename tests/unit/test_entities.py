import json
import math
import tracemalloc
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from recto.confidence import Calibration
from recto.document import NO_LINE, Page, PagePredictions, Word
from recto.entities import (
    assemble,
    document_mentions,
    extract,
    mentions,
    review_reasons,
    value_features,
    with_reasons,
)
from recto.errors import PageCountMismatchError, PageOrderError
from recto.fields import FieldList
from recto.geometry import Box
from recto.results import DocumentResult, FieldResult, ReasonCode
from recto.textract import blocks_of, read_pages
from tests.unit.drawn_pages import FIELDS, OTHER, drawn, field_list

SHARED = Path(__file__).parents[3] / "shared" / "data"
GOLDEN = Path(__file__).parent / "golden_fields.json"

ONE_OF_EACH = Calibration(features=("mean_probability",), coefficients=(10.0,), intercept=-5.0)
"""A calibration that looks at nothing but the probability."""


def found(*rows: str, fields: FieldList = FIELDS) -> list[str]:
    page, predictions = drawn(*rows)
    return [f"{mention.name}: {mention.text}" for mention in mentions(page, predictions, fields)]


def result_of(*pages: Sequence[str], fields: FieldList = FIELDS) -> DocumentResult:
    drawings = (drawn(*rows, number=number) for number, rows in enumerate(pages, start=1))
    return extract(drawings, fields, ONE_OF_EACH)


def field_of(*rows: str, select: str | None = "confidence", **keys: object) -> FieldResult:
    entry = {"Name": "F", **({"Select": select} if select else {}), **keys}
    fields = field_list(entry)
    return extract([drawn(*rows, other=1)], fields, ONE_OF_EACH).fields["F"]


# --- mentions ---------------------------------------------------------------------------------------


def test_words_of_one_class_side_by_side_are_one_mention() -> None:
    assert found("dated July@0 1,@0 2020@0 and Gold@2 card") == ["Date: July 1, 2020", "Card: Gold"]


def test_another_word_between_parts_a_mention() -> None:
    assert found("Gold@2 and Silver@2") == ["Card: Gold", "Card: Silver"]


def test_two_classes_side_by_side_are_two_mentions() -> None:
    assert found("Gold@2 $25@1") == ["Card: Gold", "Fee: $25"]


def test_a_mention_goes_on_in_the_next_line() -> None:
    assert found("You pay up@1 to@1", "$25@1 each time") == ["Fee: up to\n$25"]


def test_a_mention_that_does_not_reach_its_lines_end_does_not_go_on() -> None:
    assert found("Gold@2 is one", "Blue@2 another") == ["Card: Gold", "Card: Blue"]


def test_a_mention_in_a_cell_goes_on_in_its_cell_and_not_in_the_next_column() -> None:
    rows = ("Annual fee       up@1 to@1", "of the card      $25@1 a year")

    assert found(*rows) == ["Fee: up to\n$25"]


def test_a_mention_does_not_jump_over_empty_lines() -> None:
    assert found("Gold@2", "", "", "Blue@2") == ["Card: Gold", "Card: Blue"]


def test_rows_further_apart_than_the_pages_lines_are_mentions_of_their_own() -> None:
    prose = ["the terms of the agreement go on"] * 6

    assert found(*prose, "", "Gold@2", "", "Blue@2") == ["Card: Gold", "Card: Blue"]


def test_on_a_double_spaced_page_a_mention_goes_on_in_the_next_line() -> None:
    rows = (
        "the terms of the agreement",
        "",
        "go on and you pay up@1 to@1",
        "",
        "$25@1 each time you pay",
        "",
        "late",
    )

    assert found(*rows) == ["Fee: up to\n$25"]


def test_names_in_a_list_that_end_or_begin_alike_are_mentions_of_their_own() -> None:
    prose = "the terms of the agreement go on over the whole line"

    assert found("Gold@2 Visa@2 Card@2", "Blue@2 Cash@2 Card,@2", prose) == [
        "Card: Gold Visa Card",
        "Card: Blue Cash Card,",
    ]
    assert found("Visa@2 Gold@2", "Visq@2 Silver@2", prose) == ["Card: Visa Gold", "Card: Visq Silver"]
    assert len(found("Gold@2 MasterCard@2", "lue@2 MasterGand@2", prose)) == 2


def test_a_name_that_was_too_long_for_its_line_is_one_mention_even_where_its_lines_end_alike() -> None:
    assert found("First@2 Gold@2 Cards@2", "Second@2 Gold@2 Cards@2") == [
        "Card: First Gold Cards\nSecond Gold Cards"
    ]


@pytest.mark.parametrize(
    "rows",
    [
        ("Gold@2 Visa@2", "Blue@2 Cash@2"),
        ("gold@2 card@2", "blue@2 card@2"),
        ("Gold@2 Of@2", "Blue@2 Of@2"),
        ("Gold@2", "Gold@2"),
        ("Park@2 Road,@2 10300@2 Penang@2", "40170@2 Penang@2"),
        ("Main@2 Road@2", "Market@2 Road@2 17-3@2"),
    ],
    ids=["nothing in common", "no capitals", "too short a word", "one word only", "postcodes", "house"],
)
def test_lines_without_the_look_of_a_list_stay_one_mention(rows: tuple[str, str]) -> None:
    assert len(found(*rows, "the terms of the agreement go on over the whole line")) == 1


def test_lines_of_a_single_valued_field_stay_one_mention_even_where_they_look_like_a_list() -> None:
    rows = ("Up@1 To@1 $25@1", "Up@1 To@1 $40@1", "the terms of the agreement go on over the whole line")

    assert found(*rows) == ["Fee: Up To $25\nUp To $40"]


@pytest.mark.parametrize(
    ("upper", "lower"),
    [("33.90@1", "33.90@1"), ("RM@1 33.90@1", "RM@1 40.00@1"), ("1/7/2020@0", "2020-07-02@0")],
    ids=["amounts", "amounts with a currency", "dates"],
)
def test_an_amount_or_a_date_below_another_is_a_mention_of_its_own(upper: str, lower: str) -> None:
    assert len(found(f"total {upper}", f"round {lower}")) == 2
    assert len(found(f"Total {upper}", f"      {lower}")) == 2


def test_a_date_over_two_lines_is_one_mention() -> None:
    assert found("dated July@0 1,@0", "2020@0 in Rome") == ["Date: July 1,\n2020"]


def test_ignored_fields_are_dropped_and_part_mentions_all_the_same() -> None:
    assert found("Gold@2 hidden@3 Blue@2") == ["Card: Gold", "Card: Blue"]


def test_a_mention_knows_its_words_its_boxes_and_its_evidence() -> None:
    page, predictions = drawn("You pay up@1/0.9/0.8 to@1/0.7/0.6", "$25@1/0.5/0.4 each")
    predictions = predictions._replace(agreements=(1.0, 1.0, 1.0, 0.5, 0.75, 1.0))

    (mention,) = mentions(page, predictions, FIELDS)

    assert mention.words == (2, 3, 4)
    assert mention.blocks == ("p1-w2", "p1-w3", "p1-w4")
    assert [box.top for box in mention.boxes] == pytest.approx([0.05, 0.07])
    assert mention.box == Box.around(mention.boxes)
    assert mention.evidence[:6] == pytest.approx((0.5, 0.7, 0.4, 0.6, 0.5, 3))


def test_a_mention_knows_how_sure_the_model_is_of_the_words_beside_it() -> None:
    within = drawn("You pay@4/0.6 up@1/0.9 to@1/0.7 $25@1/0.8 each@4/0.55 month")
    across = drawn("the monthly fee@4/0.65", "up@1/0.9 to@1/0.8 $25@1/0.7", "each@4/0.75 month or more")
    alone = drawn("$25@1/0.8")

    (one,), (other,), (last,) = (mentions(*each, FIELDS) for each in (within, across, alone))

    assert (one.evidence.before, one.evidence.after) == (0.6, 0.55)
    assert (one.evidence.starts_line, one.evidence.ends_line) == (False, False)
    assert (one.evidence.first_probability, one.evidence.last_probability) == (0.9, 0.8)
    assert (other.evidence.before, other.evidence.after) == (0.65, 0.75)
    assert (other.evidence.starts_line, other.evidence.ends_line) == (True, True)
    assert (last.evidence.before, last.evidence.after, last.evidence.num_lines) == (1.0, 1.0, 1)


def test_predictions_for_another_number_of_words_are_refused() -> None:
    page, predictions = drawn("one two")

    with pytest.raises(PageCountMismatchError, match="page 1 of 2 words with predictions for page 1 of 1"):
        mentions(page, predictions._replace(classes=(0,), probabilities=(0.5,)), FIELDS)


def test_predictions_for_another_page_are_refused() -> None:
    page, predictions = drawn("one")

    with pytest.raises(PageCountMismatchError, match=r"page 1 .* predictions for page 2"):
        mentions(page, predictions._replace(number=2), FIELDS)


def test_pages_must_ascend() -> None:
    pages = [drawn("Gold@2", number=2), drawn("Gold@2", number=2)]

    with pytest.raises(PageOrderError, match="page 2 after page 2"):
        list(document_mentions(pages, FIELDS))


def test_pages_are_taken_one_by_one() -> None:
    asked: list[int] = []

    def pages() -> object:
        for number in (1, 2, 3):
            asked.append(number)
            yield drawn("Gold@2", number=number)

    next(document_mentions(pages(), FIELDS))  # type: ignore[arg-type]

    assert asked == [1]


def test_memory_does_not_grow_with_the_number_of_pages() -> None:
    row = " ".join(["words"] * 12)

    def peak(num_pages: int) -> int:
        pages = (drawn(*[row] * 20, number=number) for number in range(1, num_pages + 1))
        tracemalloc.start()
        extract(pages, FIELDS)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    peak(2)

    assert peak(60) < 1.3 * peak(6)


def test_mentions_of_what_is_not_reported_take_little_memory() -> None:
    """As an object alone each would take more than 1,000 bytes, and what is reported of it twice that."""
    row = "up $25@1 to $30@1 or $35@1 and $40@1 of"

    def peak(num_pages: int) -> int:
        pages = (drawn(*[row] * 5, number=number) for number in range(2, num_pages + 1))
        tracemalloc.start()
        result = extract(chain([drawn("Fee: $99@1/0.999")], pages), FIELDS)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert result.fields["Fee"].value == "$99"
        return peak

    peak(2)

    assert peak(200) < 200 * 20 * 700


shares = st.floats(0, 1)
placed = st.tuples(
    st.builds(
        Word, st.text(min_size=1, max_size=6), st.builds(Box.clipped, shares, shares, shares, shares), shares,
        st.integers(NO_LINE, 3),
    ),
    st.integers(0, OTHER),
    shares,
)  # fmt: skip


LINE_ON_A_LINE = [
    (Word("0", Box(1.0, 0.0, 1.0, 1.0), 0.0, 0), 0, 0.0),
    (Word("0", Box(1.0, 0.0, 1.0, 0.5), 0.0, 0), 0, 0.0),
]
"""Boxes without width that each lie below the other: both words were lost."""


@example([LINE_ON_A_LINE])
@given(st.lists(st.lists(placed, max_size=15), max_size=4))
def test_every_word_of_a_reported_class_is_in_exactly_one_mention_of_its_page(
    drawn_pages: list[list[tuple[Word, int, float]]],
) -> None:
    pages = []
    for number, entries in enumerate(drawn_pages, start=1):
        words, classes, probabilities = zip(*entries, strict=True) if entries else ((), (), ())
        pages.append((Page(number, words), PagePredictions(number, classes, probabilities)))

    all_mentions = list(document_mentions(pages, FIELDS))

    covered = sorted((mention.page, word) for mention in all_mentions for word in mention.words)
    wanted = FIELDS.active_by_class
    assert covered == [
        (page.number, i) for page, p in pages for i in range(len(page.words)) if p.classes[i] in wanted
    ]
    for mention in all_mentions:
        page, predictions = pages[mention.page - 1]
        assert {predictions.classes[i] for i in mention.words} == {mention.class_id}
        assert mention.box == Box.around(page.words[i].box for i in mention.words)
    result = assemble(all_mentions, FIELDS)
    assert sum(one.num_detections for one in result.fields.values()) == len(all_mentions)
    assert 0 <= result.confidence < 1


# --- values -----------------------------------------------------------------------------------------


def test_texts_that_say_the_same_are_one_value_with_the_best_mentions_text() -> None:
    one = field_of("$25@0/0.6 or", "25.00@0/0.9 or", "$30@0/0.7 or", Type="money")

    assert (one.value, one.normalized_value, one.num_detections, one.num_detected_values) == (
        "25.00",
        "25.00",
        3,
        2,
    )
    assert [detection.text for detection in one.detections or ()] == ["$25", "25.00"]


def test_saying_it_again_does_not_raise_the_confidence() -> None:
    once = field_of("Gold@0/0.6 or")
    often = field_of(*["Gold@0/0.6 or"] * 10)

    assert often.confidence == once.confidence


@pytest.mark.parametrize(
    ("select", "value"),
    [("confidence", "BBB"), ("first", "AA"), ("last", "AA"), ("longest", "CCCC"), ("shortest", "AA")],
)
def test_the_selector_takes_its_value(select: str, value: str) -> None:
    rows = ("AA@0/0.6 or", "BBB@0/0.9 or", "CCCC@0/0.7 or", "AA@0/0.6 or")

    assert field_of(*rows, select=select).value == value


@pytest.mark.parametrize("select", ["confidence", "longest", "shortest"])
def test_among_equals_the_value_that_was_seen_first_is_taken(select: str) -> None:
    assert field_of("BB@0 or", "AA@0 or", "CC@0 or", select=select).value == "BB"


def test_a_field_without_a_selector_has_all_values_with_the_best_first_and_their_mean() -> None:
    one = field_of("A1@0/0.6 or", "B2@0/0.9 or", select=None)

    assert [value.value for value in one.values or ()] == ["B2", "A1"]
    assert one.confidence == pytest.approx(sum(value.confidence for value in one.values or ()) / 2)
    assert one.value is None


def test_by_confidence_a_value_that_can_be_read_goes_before_one_that_cannot() -> None:
    field = field_of("ORIGINAL@0/0.9 and 1/7/2020@0/0.6", Type="date", DateOrder="DMY")

    assert field.value == "1/7/2020"


def test_a_name_that_is_part_of_a_longer_one_is_not_a_value_of_its_own() -> None:
    rows = ("Kite@0/0.9 Pharma,@0/0.9 Inc.@0/0.9 says", "Kite@0/0.95 and Pharma@0/0.9 too")
    field = field_of(*rows, select=None, Type="company")

    assert [value.value for value in field.found] == ["Kite Pharma, Inc."]


def test_two_names_taken_for_one_do_not_hide_either() -> None:
    rows = (
        "Kite@0/0.9 Inc.@0/0.9 or",
        "Gold@0/0.9 Mines@0/0.9 or",
        "Kite@0/0.5 Inc.@0/0.5 Gold@0/0.5 Mines@0/0.5 or",
    )
    field = field_of(*rows, select=None, Type="company")

    assert {value.value for value in field.found} >= {"Kite Inc.", "Gold Mines"}


def test_a_value_carries_print_normal_form_page_boxes_and_verdicts() -> None:
    one = field_of(
        "up@0 to@0", "$25@0 each", Type="money", Validators=[{"Name": "money_range", "Maximum": 20}]
    )

    assert (one.value, one.raw_text, one.normalized_value) == ("up to\n$25", "up to\n$25", "up to 25.00 USD")
    assert one.page == 1
    assert len(one.boxes or ()) == 2
    assert [(verdict.passed, verdict.message) for verdict in one.verdicts or ()] == [
        (False, "25 is above 20")
    ]


def test_the_print_is_kept_where_a_service_has_rewritten_the_text() -> None:
    fields = field_list({"Name": "F", "Select": "first"})
    (mention,) = mentions(*drawn("1st@0 July@0", other=1), fields)

    one = assemble([mention._replace(text="2020-07-01", raw_text=mention.text)], fields).fields["F"]

    assert (one.value, one.raw_text) == ("2020-07-01", "1st July")
    assert one.detections is not None
    assert one.detections[0].raw_text == "1st July"


def test_the_features_for_fitting_say_how_each_mention_stands() -> None:
    page = drawn("$25@1/0.8 or", "$25@1/0.9 or", "$30@1/0.7 or", "Gold@2/0.6 or")

    rows = list(value_features(document_mentions([page], FIELDS), FIELDS))

    assert [(name, text) for name, text, _, _ in rows] == [
        ("Fee", "25.00 USD"), ("Fee", "25.00 USD"), ("Fee", "30.00 USD"), ("Card", "Gold"),
    ]  # fmt: skip
    assert [row["rival"] for _, _, _, row in rows] == [0.7, 0.7, 0.9, 0.0]
    assert [row["support"] for _, _, _, row in rows] == pytest.approx([2 / 3, 2 / 3, 1 / 3, 1.0])
    assert [row["log_rivals"] for _, _, _, row in rows] == pytest.approx([*2 * [math.log(2)], math.log(3), 0])


def test_a_broken_validator_and_a_second_reading_are_features_too() -> None:
    fields = field_list(
        {"Name": "Date", "Type": "date", "Select": "first"},
        {
            "Name": "Fee",
            "Type": "money",
            "Select": "first",
            "Validators": [{"Name": "money_range", "Maximum": 100}],
        },
    )
    page = drawn("on 01/02/2019@0 or 13/02/2019@0 pay $25@1 or $250@1", other=2)

    rows = [row for _, _, _, row in value_features(document_mentions([page], fields), fields)]

    assert [row["unambiguous"] for row in rows] == [0.0, 1.0, 1.0, 1.0]
    assert [row["valid"] for row in rows] == [1.0, 1.0, 1.0, 0.0]


# --- documents --------------------------------------------------------------------------------------


def test_the_documents_confidence_is_its_lowest_fields_without_missing_optional_ones() -> None:
    result = result_of(["July@0/0.9 1,@0/0.9 2020@0/0.9 or", "$25@1/0.6 or"])

    assert result.confidence == result.fields["Fee"].confidence
    assert 0 < result.confidence < result.fields["Date"].confidence


def test_a_missing_required_field_takes_the_documents_confidence_to_0() -> None:
    fields = field_list({"Name": "A", "Select": "first"}, {"Name": "B", "Optional": True})

    result = extract([drawn("x@1 y", other=2)], fields)

    assert result.confidence == 0
    assert (result.fields["A"].value, result.fields["A"].detections) == ("", ())


def test_the_result_has_the_keys_of_the_reference_and_ours() -> None:
    result = result_of(["July@0 1,@0 2020@0 and Gold@2 card"]).to_json()

    date, card = result["Fields"]["Date"], result["Fields"]["Card"]
    assert list(result) == ["Confidence", "Fields"]
    assert list(result["Fields"]) == ["Date", "Fee", "Card"]
    assert {
        "ClassId": 0, "NumDetections": 1, "NumDetectedValues": 1, "SortOrder": 0, "Optional": True,
        "Value": "July 1, 2020", "NormalizedValue": "2020-07-01", "RawText": "July 1, 2020", "Type": "date",
        "Page": 1,
    }.items() <= date.items()  # fmt: skip
    assert date["Detections"][0].keys() == {
        "ClassId", "ClassName", "Confidence", "Blocks", "BoundingBox", "Boxes", "PageNum", "Text",
    }  # fmt: skip
    assert date["Detections"][0]["BoundingBox"].keys() == {"Top", "Left", "Height", "Width"}
    assert "Value" not in card
    assert card["Values"][0]["Value"] == "Gold"
    assert result["Fields"]["Fee"]["Value"] == ""


def test_the_result_of_a_small_document_is_the_golden_one() -> None:
    """Regenerate by `python -m tests.unit.test_entities`, and read the difference."""
    assert golden_result() == json.loads(GOLDEN.read_text())


def golden_result() -> dict[str, object]:
    first = (
        "Agreement of July@0/0.97/0.99 1,@0/0.9/0.98 2020@0/0.95/0.97",
        "Gold@2/0.9 Card@2/0.8 you pay up@1 to@1/0.9",
    )
    second = ("$25@1/0.8/0.9 and $30@1/0.6 or GOLD@2/0.7 card@2/0.7", "notes@3")
    result = extract([drawn(*first, number=1), drawn(*second, number=2)], FIELDS)
    result = with_reasons(result, review_reasons(result, FIELDS, {"Fee": 0.9}))
    return json.loads(json.dumps(result.to_json()), parse_float=lambda digits: round(float(digits), 6))


def test_a_result_comes_back_from_its_json() -> None:
    result = result_of(["July@0 1,@0 2020@0 and Gold@2 card"])

    assert DocumentResult.model_validate_json(json.dumps(result.to_json())) == result


@pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/data is not here")
def test_a_result_of_the_reference_is_read() -> None:
    source = json.loads((SHARED / "groundtruth" / "a2i" / "ref-task-input.example.json").read_bytes())

    result = DocumentResult.model_validate(source["ModelResult"])

    assert result.confidence == source["ModelResult"]["Confidence"]
    assert len(result.fields) == len(source["ModelResult"]["Fields"])


@pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/data is not here")
def test_every_real_response_is_assembled_whatever_its_words_are_said_to_be() -> None:
    num_documents = 0
    for file in sorted((SHARED / "textract").rglob("*.json")):
        response = json.loads(file.read_bytes())
        if not response.get("Blocks"):
            continue
        pages = [(page, _every_fifth(page)) for page in read_pages(blocks_of(response))]
        result = extract(pages, FIELDS)
        num_words = sum(len(p.classes) for _, p in pages)
        assert (result.confidence > 0) == any(c in (0, 1, 2) for _, p in pages for c in p.classes), file
        assert num_words == sum(len(page.words) for page, _ in pages)
        num_documents += 1

    assert num_documents > 80


def _every_fifth(page: Page) -> PagePredictions:
    classes = tuple(i // 3 % (OTHER + 1) for i in range(len(page.words)))
    return PagePredictions(page.number, classes, (0.9,) * len(classes))


# --- reasons for a review ---------------------------------------------------------------------------


def reasons_of(
    result: DocumentResult, fields: FieldList, thresholds: dict[str, float] | None = None
) -> list[tuple]:
    return [(reason.code, reason.field) for reason in review_reasons(result, fields, thresholds or {})]


def test_a_sure_document_goes_straight_through() -> None:
    result = result_of(["July@0 1,@0 2020@0 or", "$25@1 or"])

    assert review_reasons(result, FIELDS, {"Date": 0.9, "Fee": 0.9}) == []


def test_a_field_below_the_releases_threshold_is_reviewed() -> None:
    result = result_of(["$25@1/0.7 or"])

    assert reasons_of(result, FIELDS, {"Fee": 0.9}) == [(ReasonCode.BELOW_THRESHOLD, "Fee")]
    assert reasons_of(result, FIELDS, {"Fee": 0.8}) == []


def test_one_unsure_value_of_many_is_enough_for_a_review() -> None:
    result = result_of(["Gold@2/0.99 or", "Blue@2/0.55 or"])

    assert reasons_of(result, FIELDS, {"Card": 0.7}) == [(ReasonCode.BELOW_THRESHOLD, "Card")]


def test_a_threshold_set_by_hand_overrides_the_releases_and_says_so() -> None:
    fields = field_list({"Name": "F", "Select": "first", "ReviewThreshold": 0.95})
    result = extract([drawn("x@0/0.7 y", other=1)], fields, ONE_OF_EACH)

    (reason,) = review_reasons(result, fields, {"F": 0.1})

    assert (reason.set_by_hand, reason.threshold) == (True, 0.95)
    assert "set by hand" in reason.message


def test_a_required_field_that_is_missing_is_reviewed_and_an_optional_one_is_not() -> None:
    fields = field_list({"Name": "A"}, {"Name": "B", "Optional": True}, {"Name": "C", "Optional": True})
    result = extract([drawn("x@2 y", other=3)], fields)

    assert reasons_of(result, fields) == [(ReasonCode.REQUIRED_MISSING, "A")]


def test_a_broken_rule_is_a_reason_and_says_why() -> None:
    fields = field_list({"Name": "D", "Select": "first", "Type": "date", "Validators": ["understood"]})
    result = extract([drawn("soon@0 y", other=1)], fields)

    (reason,) = review_reasons(result, fields, {})

    assert reason.code == ReasonCode.VALIDATOR_FAILED
    assert "'soon' was not understood" in reason.message


def test_reasons_are_written_into_the_result_and_beside_their_fields() -> None:
    result = result_of(["$25@1/0.7 or"])

    told = with_reasons(result, review_reasons(result, FIELDS, {"Fee": 0.9})).to_json()

    assert [reason["Code"] for reason in told["ReviewReasons"]] == ["below_threshold"]
    assert told["Fields"]["Fee"]["ReviewReasons"] == told["ReviewReasons"]
    assert "ReviewReasons" not in told["Fields"]["Date"]


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps(golden_result(), indent=2) + "\n")
