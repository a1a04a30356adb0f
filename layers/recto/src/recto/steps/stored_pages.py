"""Reads pages and predictions back from their parts: one read for a run of pages, never all of them."""

from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from itertools import groupby
from typing import TypeVar

from recto.document import Page, PagePredictions
from recto.errors import PageCountMismatchError
from recto.pagestore import PageEntry, PageIndex, decode_page, decode_predictions
from recto.places import DocumentPlaces, Location, page_ranges
from recto.ports import ObjectStore

T = TypeVar("T")


def stored_pages(
    objects: ObjectStore, places: DocumentPlaces, index: PageIndex, first: int, last: int
) -> Iterator[Page]:
    """Pages first to last, both included, in order."""
    return _stored(objects, places.ocr_part, index, (first, last), decode_page)


def stored_predictions(
    objects: ObjectStore, places: DocumentPlaces, index: PageIndex, first: int, last: int
) -> Iterator[PagePredictions]:
    """The predictions of pages first to last, both included, in order."""
    return _stored(objects, places.predictions_part, index, (first, last), decode_predictions)


def stored_marked_pages(
    objects: ObjectStore,
    places: DocumentPlaces,
    index: PageIndex,
    predicted: PageIndex,
    classes: AbstractSet[int],
) -> Iterator[tuple[Page, PagePredictions]]:
    """Of all pages those with a word in one of the classes; only these are decoded.

    PageCountMismatchError where a page has not as many predictions as words.
    """
    last = index.num_pages
    contents = _stored(objects, places.ocr_part, index, (1, last), bytes)
    predictions_of = stored_predictions(objects, places, predicted, 1, last)
    for entry, content, predictions in zip(index.pages, contents, predictions_of, strict=True):
        if entry.num_words != len(predictions.classes):
            raise PageCountMismatchError(
                f"page {predictions.number} of {entry.num_words} words with predictions for "
                f"{len(predictions.classes)}; expected one prediction per word"
            )
        if not classes.isdisjoint(predictions.classes):
            yield decode_page(content), predictions


def _stored(
    objects: ObjectStore, place_of: Callable[[int], Location], index: PageIndex, pages: tuple[int, int],
    decode: Callable[[bytes], T],
) -> Iterator[T]:  # fmt: skip
    for first, last in page_ranges(pages[1] - pages[0] + 1):
        entries = [entry for _, entry in index.span(pages[0] + first - 1, pages[0] + last - 1)]
        for part, run in groupby(entries, key=lambda entry: entry.part):
            yield from _run(objects, place_of(part), list(run), decode)


def _run(
    objects: ObjectStore, place: Location, entries: list[PageEntry], decode: Callable[[bytes], T]
) -> Iterator[T]:
    """Neighbouring pages of one part, at most a range of them, in one read."""
    begin = entries[0].offset
    length = entries[-1].offset + entries[-1].length - begin
    content = objects.read_range(place, begin, length)
    for entry in entries:
        yield decode(content[entry.offset - begin : entry.offset - begin + entry.length])
