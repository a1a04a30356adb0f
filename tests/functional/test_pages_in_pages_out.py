"""Pages in = pages out, held by the steps themselves: whoever loses one says so, by name and with numbers."""

import json
from collections.abc import Iterable, Iterator

import pytest

from recto.document import Page, PagePredictions, Word
from recto.errors import PageCountMismatchError
from recto.geometry import Box
from recto.messages import DocumentRef, PageRange, PageWork, RangeDone
from recto.pagestore import PageIndex, PartWriter
from recto.places import DocumentPlaces
from recto.steps.model import ModelInvoke, classify_range, plan_ranges
from recto.steps.page_images import plan_of
from recto.steps.postprocess import _require_same_pages
from tests.memory import MemoryObjects

WORK = "work"
DOCUMENT = DocumentRef(document_id="d" * 32, bucket="inbox", key="a.pdf", release="releases/demo")
PLACES = DocumentPlaces(WORK, DOCUMENT.document_id)
NUM_PAGES = 3


def page(number: int) -> Page:
    return Page(number, (Word("word", Box(0.1, 0.1, 0.2, 0.2), 0.9, 0, f"word-{number}"),))


class Classifier:
    """Classifies the pages that it is told to."""

    def __init__(self, forgotten: Iterable[int] = ()) -> None:
        self._forgotten = set(forgotten)

    def predict_pages(self, pages: Iterable[Page]) -> Iterator[PagePredictions]:
        for each in pages:
            if each.number not in self._forgotten:
                yield PagePredictions(each.number, (0,), (1.0,))


@pytest.fixture
def objects() -> MemoryObjects:
    """A document of three pages, read and drawn."""
    stored = MemoryObjects()
    writer = PartWriter(1)
    for number in range(1, NUM_PAGES + 1):
        writer.add(page(number))
    content, entries = writer.finish()
    stored.write(PLACES.ocr_part(1), content)
    stored.write(PLACES.ocr_index, PageIndex(pages=entries).to_json())
    stored.write(PLACES.image_plan, json.dumps(plan_of(NUM_PAGES).dump()).encode())
    write_drawn(stored, NUM_PAGES)
    return stored


def write_drawn(stored: MemoryObjects, num_pages: int) -> None:
    pages = [{"Page": number, "Width": 10, "Height": 10} for number in range(1, num_pages + 1)]
    stored.write(PLACES.image_part_index(1), json.dumps({"Part": 1, "Pages": pages}).encode())


def classified(stored: MemoryObjects, classifier: Classifier) -> RangeDone:
    work = PageWork(document=DOCUMENT, range=PageRange(part=1, first=1, last=NUM_PAGES))
    return classify_range(work, ModelInvoke(stored, lambda _release: classifier, WORK))


def test_a_range_comes_out_of_the_model_with_all_its_pages(objects: MemoryObjects) -> None:
    assert classified(objects, Classifier()).num_pages == NUM_PAGES


def test_a_model_that_loses_the_last_page_is_told_at_once_and_nothing_is_stored(
    objects: MemoryObjects,
) -> None:
    with pytest.raises(
        PageCountMismatchError, match=r"pages 1 to 3 went into the model, 3 pages, and 2 came"
    ):
        classified(objects, Classifier(forgotten=[NUM_PAGES]))

    assert objects.info(PLACES.predictions_part_index(1)) is None


def test_no_model_runs_where_a_page_was_not_drawn(objects: MemoryObjects) -> None:
    write_drawn(objects, NUM_PAGES - 1)

    with pytest.raises(
        PageCountMismatchError, match=r"3 pages were planned, 3 came out of OCR and 2 were drawn"
    ):
        plan_ranges(PageWork(document=DOCUMENT), objects, WORK)


def test_no_fields_come_from_fewer_pages_than_were_read(objects: MemoryObjects) -> None:
    index = PageIndex.from_json(objects.read(PLACES.ocr_index))
    fewer = PageIndex(pages=index.pages[:-1])

    with pytest.raises(PageCountMismatchError, match=r"3 pages came out of OCR, 2 out of the model"):
        _require_same_pages(DOCUMENT, index, fewer)
