"""Pages and predictions back from their parts, over a store that is a dictionary."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recto.document import Page, PagePredictions
from recto.entities import extract
from recto.errors import PageCountMismatchError
from recto.pagestore import (
    PageIndex,
    PartWriter,
    decode_page,
    decode_predictions,
    encode_page,
    encode_predictions,
)
from recto.places import DocumentPlaces, Location
from recto.ports import ObjectInfo
from recto.steps.stored_pages import stored_marked_pages
from tests.unit.drawn_pages import FIELDS, drawn

PLACES = DocumentPlaces("work", "doc")
ROWS = (
    "Fee: $25@1 today",
    "As of May@0 1,@0 2021@0",
    "nothing of note",
    "Visa@2 Gold@2 or none",
    "see@3 notes",
)


class Store:
    """Objects in a dictionary; remembers which ranges were read."""

    def __init__(self) -> None:
        self.contents: dict[str, bytes] = {}
        self.ranges: list[tuple[int, int]] = []

    def info(self, place: Location) -> ObjectInfo | None:
        content = self.contents.get(place.key)
        return None if content is None else ObjectInfo(len(content), "")

    def read(self, place: Location) -> bytes:
        return self.contents[place.key]

    def read_range(self, place: Location, offset: int, length: int) -> bytes:
        self.ranges.append((offset, length))
        return self.contents[place.key][offset : offset + length]


def stored(pages: list[tuple[Page, PagePredictions]]) -> tuple[Store, PageIndex, PageIndex]:
    store, words, predictions = Store(), PartWriter(1), PartWriter(1)
    for page, predicted in pages:
        words.add(page)
        predictions.add_predictions(predicted)
    store.contents[PLACES.ocr_part(1).key], page_entries = words.finish()
    store.contents[PLACES.predictions_part(1).key], entries = predictions.finish()
    return store, PageIndex(pages=page_entries), PageIndex(pages=entries)


@given(st.lists(st.lists(st.sampled_from(ROWS), max_size=3), min_size=1, max_size=5))
def test_pages_without_a_field_s_word_change_nothing(rows_of_pages: list[list[str]]) -> None:
    pages = [drawn(*rows, number=number) for number, rows in enumerate(rows_of_pages, 1)]
    store, index, predicted = stored(pages)
    wanted = FIELDS.active_by_class.keys()

    marked = list(stored_marked_pages(store, PLACES, index, predicted, wanted))

    assert [page.number for page, _ in marked] == [
        page.number for page, said in pages if not wanted.isdisjoint(said.classes)
    ]
    assert extract(marked, FIELDS) == extract(stored_again(pages), FIELDS)


def stored_again(pages: list[tuple[Page, PagePredictions]]) -> list[tuple[Page, PagePredictions]]:
    """All pages as they come out of the store, where numbers are millionths."""
    return [
        (decode_page(encode_page(page)), decode_predictions(encode_predictions(predicted)))
        for page, predicted in pages
    ]


def test_a_page_without_a_field_s_word_is_not_decoded() -> None:
    pages = [drawn("nothing of note"), drawn("Fee: $25@1", number=2), drawn("see@3 notes", number=3)]
    store, index, predicted = stored(pages)
    key, (first, _, third) = PLACES.ocr_part(1).key, index.pages
    content = bytearray(store.contents[key])
    for entry in (first, third):
        content[entry.offset : entry.offset + entry.length] = bytes(entry.length)
    store.contents[key] = bytes(content)

    marked = list(stored_marked_pages(store, PLACES, index, predicted, FIELDS.active_by_class.keys()))

    assert [page.number for page, _ in marked] == [2]
    assert len(store.ranges) == 2


def test_a_page_with_other_predictions_than_words_is_an_error_even_where_no_field_is() -> None:
    (page, _), (_, other) = drawn("nothing of note"), drawn("nothing at all of note")
    store, index, predicted = stored([(page, other)])

    with pytest.raises(PageCountMismatchError, match="page 1 of 3 words with predictions for 5"):
        list(stored_marked_pages(store, PLACES, index, predicted, {1}))


def test_a_page_without_predictions_is_an_error() -> None:
    store, index, predicted = stored([drawn("one"), drawn("two", number=2)])

    with pytest.raises(PageCountMismatchError, match="page 2 of a document of 1 pages"):
        list(stored_marked_pages(store, PLACES, index, PageIndex(pages=predicted.pages[:1]), {1}))
