"""A long document's result is fetched although its calls are refused again and again."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from recto.errors import ThrottledError
from recto.messages import DocumentRef, OcrJob, TextractFetchRequest
from recto.pagestore import PageIndex
from recto.places import DocumentPlaces
from recto.steps.ocr_fetch import OcrFetch, fetch
from recto.steps.stored_pages import stored_pages
from tests.fakes import FakeOcr
from tests.memory import MemoryObjects

WORK = "work"
DOCUMENT = DocumentRef(document_id="d" * 32, bucket="inbox", key="a.pdf")
WORDS = 7


def blocks_of(num_pages: int) -> list[dict[str, Any]]:
    box = {"BoundingBox": {"Left": 0.1, "Top": 0.1, "Width": 0.1, "Height": 0.01}}
    return [
        {"BlockType": kind, "Id": f"{kind}-{page}-{number}", "Page": page, "Geometry": box,
         "Text": f"w{page}.{number}", "Confidence": 99.0}
        for page in range(1, num_pages + 1)
        for kind, number in [("PAGE", 0), *(("WORD", number) for number in range(WORDS))]
    ]  # fmt: skip


@dataclass
class RefusingOcr(FakeOcr):
    """Refuses every third call, before it is made."""

    calls: int = 0
    refused: list[str] = field(default_factory=list)
    every: int = 3

    def pages(
        self, job_id: str, features: Sequence[str], next_token: str, max_results: int = 1000
    ) -> dict[str, Any]:
        self.calls += 1
        if self.calls % self.every == 0:
            self.refused.append(next_token)
            raise ThrottledError("all calls are taken")
        return super().pages(job_id, features, next_token, max_results)


def step_of(ocr: FakeOcr, objects: MemoryObjects) -> OcrFetch:
    return OcrFetch(ocr, objects, objects, WORK, lambda: False)  # type: ignore[arg-type]


@pytest.mark.parametrize("page_size", [1, 3, 8, 11, 20])
def test_pages_that_were_read_are_kept_and_the_rest_is_fetched_later(page_size: int) -> None:
    ocr, objects = (
        RefusingOcr(blocks_of(12), num_pages=12, page_size=page_size, every=2 * WORDS),
        MemoryObjects(),
    )
    request, calls = TextractFetchRequest(document=DOCUMENT, job=OcrJob(job_id="job-0")), 1

    while not (answer := fetch(request, step_of(ocr, objects))).done:
        assert answer.pages_done > request.pages_done
        progress = {"next_token": answer.next_token, "pages_done": answer.pages_done, "part": answer.part}
        request, calls = request.model_copy(update=progress), calls + 1

    assert calls == len(ocr.refused) + 1
    places = DocumentPlaces(WORK, DOCUMENT.document_id)
    index = PageIndex.from_json(objects.read(places.ocr_index))
    pages = list(stored_pages(objects, places, index, 1, 12))
    assert [page.number for page in pages] == list(range(1, 13))
    assert all(
        [word.text for word in page.words] == [f"w{page.number}.{n}" for n in range(WORDS)] for page in pages
    )


def test_a_call_that_is_refused_before_a_page_was_read_is_tried_again_by_the_state() -> None:
    ocr = RefusingOcr(blocks_of(2), num_pages=2, every=1)

    with pytest.raises(ThrottledError):
        fetch(
            TextractFetchRequest(document=DOCUMENT, job=OcrJob(job_id="job-0")), step_of(ocr, MemoryObjects())
        )
