"""Suggested labels in Ground Truth's shape, and suggestions from earlier pages."""

import json
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from recto.document import Page, PagePredictions, Word
from recto.earlier_pages import KnownMention, earlier_page, of_earlier
from recto.fields import parse_fields
from recto.geometry import Box
from recto.manifests import ManifestLine, chosen_label, line_of, read_whole_manifest
from recto.prelabels import ImageSize, Origin, Suggestion, attribute_of, of_predictions, together

FIELDS = parse_fields(
    [
        {"ClassId": 0, "Name": "company", "Select": "first"},
        {"ClassId": 1, "Name": "total", "Select": "first", "Type": "money"},
    ]
)
ORIGIN = Origin("first", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
SIZE = ImageSize(1000, 2000)


def page_of(*lines: str, left: float = 0.1, top: float = 0.1) -> Page:
    """One line of words below the other, each word a tenth of the page wide."""
    words = [
        Word(text, Box(left + 0.1 * column, top + 0.05 * row, left + 0.1 * column + 0.08,
                       top + 0.05 * row + 0.03), 0.99, row, f"{row}-{column}")
        for row, line in enumerate(lines)
        for column, text in enumerate(line.split())
    ]  # fmt: skip
    return Page(1, tuple(words))


def suggestion(class_id: int, *boxes: Box) -> Suggestion:
    return Suggestion(class_id, f"class {class_id}", boxes, "text", 0.8, "model")


# --- from a model -------------------------------------------------------------------------------------


def test_mentions_of_a_model_become_boxes_in_pixels_with_text_and_confidence() -> None:
    page = page_of("ACME LTD", "Total 12.30")
    said = PagePredictions(1, (0, 0, 2, 1), (0.9, 0.7, 0.9, 0.6))

    line = attribute_of(of_predictions(page, said, FIELDS), SIZE, "initial", ORIGIN)

    assert line["initial"]["image_size"] == [{"width": 1000, "height": 2000, "depth": 3}]
    assert line["initial"]["annotations"] == [
        {"class_id": 0, "label": "company", "left": 100, "top": 200, "width": 180, "height": 60},
        {"class_id": 1, "label": "total", "left": 200, "top": 300, "width": 80, "height": 60},
    ]
    assert [one["rawText"] for one in line["initial"]["entities"]] == ["ACME LTD", "12.30"]
    assert line["initial-metadata"]["objects"] == [{"confidence": 0.8}, {"confidence": 0.6}]
    assert line["initial-metadata"]["class-map"] == {"0": "company", "1": "total"}
    assert line["initial-metadata"]["human-annotated"] == "no"
    assert line["initial-metadata"]["creation-date"] == "2026-01-02T03:04:05"


def test_what_a_model_is_less_sure_of_than_asked_for_is_not_shown() -> None:
    said = PagePredictions(1, (0, 0, 2, 1), (0.9, 0.7, 0.9, 0.2))

    found = of_predictions(page_of("ACME LTD", "Total 12.30"), said, FIELDS, least=0.3)

    assert [one.name for one in found] == ["company"]


def test_a_mention_over_two_lines_is_one_entity_of_two_boxes() -> None:
    two = suggestion(0, Box(0.1, 0.1, 0.5, 0.12), Box(0.1, 0.13, 0.3, 0.15))

    line = attribute_of([suggestion(1, Box(0.6, 0.6, 0.7, 0.7)), two], SIZE, "initial", ORIGIN)

    assert [one["boxIxs"] for one in line["initial"]["entities"]] == [[0], [1, 2]]


def test_nothing_to_suggest_is_an_empty_list_not_a_missing_label() -> None:
    line = attribute_of([], SIZE, "initial", ORIGIN)

    assert line["initial"]["annotations"] == []
    assert line["initial-metadata"]["objects"] == []


@given(
    st.lists(
        st.builds(
            lambda x, y, w, h: Box.clipped(x, y, x + w, y + h),
            *(st.floats(0, 1) for _ in range(2)),
            *(st.floats(0, 0.5) for _ in range(2)),
        ),
        min_size=1,
        max_size=5,
    ),
    st.integers(1, 3000),
    st.integers(1, 3000),
)
def test_boxes_have_area_lie_on_their_image_and_hold_what_they_are_around(
    boxes: list[Box], width: int, height: int
) -> None:
    line = attribute_of([suggestion(0, *boxes)], ImageSize(width, height), "initial", ORIGIN)

    for box, drawn in zip(boxes, line["initial"]["annotations"], strict=True):
        right, bottom = drawn["left"] + drawn["width"], drawn["top"] + drawn["height"]
        assert 0 <= drawn["left"] < right <= width
        assert 0 <= drawn["top"] < bottom <= height
        assert drawn["left"] <= box.left * width + 1e-5 or right == width
        assert box.right * width <= right + 1e-5
        assert box.bottom * height <= bottom + 1e-5


def test_suggestions_are_read_back_from_a_manifest_as_a_label_of_no_human() -> None:
    content = {"source-ref": "s3://b/p.png"}
    content |= attribute_of([suggestion(0, Box(0.1, 0.1, 0.2, 0.2))], SIZE, "initial", ORIGIN)

    (line,) = read_whole_manifest([line_of(content)], "suggested.manifest")
    label = chosen_label(line)

    assert isinstance(line, ManifestLine)
    assert (label.name, label.kind, label.job, label.failure) == (
        "initial", "object-detection", "prelabel/first", "",
    )  # fmt: skip
    assert label.class_names == {0: "class 0"}
    assert label.value == json.loads(json.dumps(content["initial"]))


def test_earlier_pages_fill_what_the_model_lacks_where_nothing_lies_yet() -> None:
    model = [suggestion(0, Box(0.1, 0.1, 0.3, 0.2))]
    earlier = [
        suggestion(0, Box(0.5, 0.5, 0.6, 0.6)),  # the model has this class
        suggestion(1, Box(0.2, 0.1, 0.4, 0.2)),  # lies on the model's
        suggestion(2, Box(0.7, 0.7, 0.8, 0.8)),
    ]

    assert [one.class_id for one in together(model, earlier)] == [0, 2]


# --- from earlier pages -------------------------------------------------------------------------------

FORM = ("ACME TRADING LTD", "12 Long Street", "Invoice number 991", "Date 15/03/2018", "Total 12.30")


def labelled() -> list[KnownMention]:
    return [
        KnownMention(0, "company", (0, 1, 2)),
        KnownMention(1, "date", (10,)),
        KnownMention(2, "total", (12,)),
    ]


def test_a_page_of_the_same_form_gets_its_mentions_by_words_and_by_place() -> None:
    earlier = [earlier_page(page_of(*FORM), labelled(), "doc")]
    page = page_of(*FORM[:2], "Invoice number 1002", "Date 1/12/2017", "Total 107.95")

    found = {one.name: one.text for one in of_earlier(page, earlier)}

    assert found == {"company": "ACME TRADING LTD", "date": "1/12/2017", "total": "107.95"}


def test_a_value_further_down_is_found_where_the_words_around_it_have_gone() -> None:
    earlier = [earlier_page(page_of(*FORM), labelled(), "doc")]
    items = ("3 pens 4.50", "1 book 7.10")
    page = page_of(*FORM[:4], *items, "Total 11.60", "Thank you")

    found = {one.name: one.text for one in of_earlier(page, earlier)}

    assert found["date"] == "15/03/2018"
    assert found.get("total") in (None, "11.60")  # rather none than an item's price


def test_what_stands_at_the_place_but_is_written_otherwise_is_not_suggested() -> None:
    earlier = [earlier_page(page_of(*FORM), labelled(), "doc")]
    page = page_of(*FORM[:3], "Date unknown", "Total 5.00")

    found = {one.name: one.text for one in of_earlier(page, earlier)}

    assert "date" not in found
    assert found["total"] == "5.00"


def test_a_page_unlike_all_labelled_ones_gets_nothing() -> None:
    earlier = [earlier_page(page_of(*FORM), labelled(), "doc")]

    assert of_earlier(page_of("Dear Sir or Madam", "we write to you about 12.30"), earlier) == []
    assert of_earlier(page_of(), earlier) == []
    assert of_earlier(page_of(*FORM), []) == []


def test_a_suggestion_tells_which_page_it_comes_from() -> None:
    earlier = [earlier_page(page_of(*FORM), labelled(), "invoices/7")]

    found = of_earlier(page_of(*FORM[:2], "Invoice number 1", "Date 2/2/2018", "Total 1.00"), earlier)

    assert {one.source for one in found} == {"earlier page 1 of invoices/7"}
    assert all(0 < one.confidence < 1 for one in found)
