"""What the reference does wrong (contracts.md §5, items 1 to 4); each test fails on that behaviour.

Items 5 and 6 (loop names, job status) are tested beside their modules and steps.
"""

import pytest

from recto.confidence import Calibration
from recto.document import Page, PagePredictions
from recto.entities import extract, mentions, review_reasons
from recto.fields import FieldList
from recto.results import DocumentResult, ReasonCode
from recto.review import ReviewAnswer, apply_answers, parse_answer
from tests.unit.drawn_pages import FIELDS, drawn, field_list

CARDS = field_list({"Name": "Card"}, {"Name": "Fee - Annual", "Select": "first", "Type": "money"})


def texts_and_pages(*pages: tuple[Page, PagePredictions]) -> list[tuple[str, int]]:
    found = (mention for page, predictions in pages for mention in mentions(page, predictions, FIELDS))
    return [(mention.text, mention.page) for mention in found]


# --- 1: entities ------------------------------------------------------------------------------------


def test_defect_1_an_entity_with_the_documents_last_word_is_found() -> None:
    assert texts_and_pages(drawn("The card is Gold@2 Card@2")) == [("Gold Card", 1)]


def test_defect_1_an_entity_that_is_the_whole_document_is_found() -> None:
    assert texts_and_pages(drawn("Gold@2")) == [("Gold", 1)]


def test_defect_1_an_entity_that_ends_a_page_keeps_its_page() -> None:
    pages = (drawn("The card is Gold@2", number=1), drawn("Next page", number=2))

    assert texts_and_pages(*pages) == [("Gold", 1)]


def test_defect_1_words_of_one_class_on_both_sides_of_a_page_break_stay_two_entities() -> None:
    pages = (drawn("The card is Gold@2", number=1), drawn("Blue@2 is another", number=2))

    result = extract(pages, FIELDS)

    assert texts_and_pages(*pages) == [("Gold", 1), ("Blue", 2)]
    detections = [detection for value in result.fields["Card"].found for detection in value.detections]
    assert all(detection.bounding_box.height < 0.02 for detection in detections)


def test_defect_1_a_columns_gap_parts_an_entity() -> None:
    assert texts_and_pages(drawn("Gold@2        Blue@2")) == [("Gold", 1), ("Blue", 1)]


def test_defect_1_entities_follow_the_reading_order_and_not_the_ocrs() -> None:
    page, predictions = drawn("You pay up@1 to@1", "$25@1 each time")
    backwards = Page(1, page.words[::-1])
    reversed_predictions = PagePredictions(1, predictions.classes[::-1], predictions.probabilities[::-1])

    assert texts_and_pages((backwards, reversed_predictions)) == [("up to\n$25", 1)]


# --- 2: confidence ----------------------------------------------------------------------------------


def test_defect_2_words_that_the_ocr_can_hardly_read_are_not_believed() -> None:
    well_read = extract([drawn("The card is Gold@2/0.9/0.99 or")], FIELDS)
    badly_read = extract([drawn("The card is Gold@2/0.9/0.12 or")], FIELDS)

    assert well_read.confidence > 0.8
    assert badly_read.confidence < 0.1


def test_defect_2_a_value_that_is_repeated_is_not_believed_more() -> None:
    once = extract([drawn("Gold@2/0.6 or")], FIELDS)
    five_times = extract([drawn(*["Gold@2/0.6 or"] * 5)], FIELDS)

    assert once.confidence < 0.7
    assert five_times.confidence == pytest.approx(once.confidence)


# --- 3: nothing found -------------------------------------------------------------------------------


def test_defect_3_a_document_of_optional_fields_with_none_found_is_reviewed_and_does_not_crash() -> None:
    result = extract([drawn("nothing to see")], FIELDS)

    assert result.confidence == 0.0
    assert [reason.code for reason in review_reasons(result, FIELDS, {})] == [ReasonCode.NOTHING_FOUND]


def test_defect_3_a_document_without_pages_has_no_confidence_and_does_not_crash() -> None:
    assert extract([], FIELDS).confidence == 0.0


# --- 4: review --------------------------------------------------------------------------------------


def model_result() -> DocumentResult:
    return extract([drawn("Gold@0 or", "Blue@0 for $25@1 each", other=2)], CARDS, Calibration.default())


def after(*posted: dict[str, object], fields: FieldList = CARDS) -> DocumentResult:
    answers = [ReviewAnswer(f"w{i}", parse_answer(one, fields), 1.0) for i, one in enumerate(posted)]
    return apply_answers(model_result(), answers, fields)


def test_defect_4_edits_of_several_values_are_kept() -> None:
    posted = {
        "field-present-Card": True,
        "field-multival-0-Card": "Gold Plus",
        "field-multival-1-Card": "Blue",
    }

    card = after(posted).fields["Card"]

    assert [value.value for value in card.found] == ["Gold Plus", "Blue"]


@pytest.mark.parametrize("ticked", [True, {"checked": True}])
def test_defect_4_plain_booleans_are_read_as_well_as_checked_ones(ticked: object) -> None:
    result = after({"field-present-Fee - Annual": ticked, "field-value-Fee - Annual": "$25"})

    assert result.fields["Fee - Annual"].confidence == 1.0


def test_defect_4_a_value_cleared_to_nothing_is_gone() -> None:
    fee = after({"field-present-Fee - Annual": True, "field-value-Fee - Annual": ""}).fields["Fee - Annual"]

    assert (fee.value, fee.absent) == ("", True)


def test_defect_4_an_unticked_field_is_absent_and_not_certain_of_nothing() -> None:
    fee = after({"field-present-Fee - Annual": False, "field-value-Fee - Annual": "$25"}).fields[
        "Fee - Annual"
    ]

    assert (fee.value, fee.absent, fee.confidence, fee.num_detections) == ("", True, 0.0, 0)


def test_defect_4_several_human_answers_are_consolidated() -> None:
    posted = [{"field-value-Fee - Annual": text} for text in ("$30", "$25", "$25.00")]

    fee = after(*posted).fields["Fee - Annual"]

    assert (fee.value, fee.confidence) == ("$25", pytest.approx(2 / 3))
