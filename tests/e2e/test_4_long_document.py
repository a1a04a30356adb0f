"""A document of several ranges of pages: every page arrives everywhere, and no function grows with it."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from benchmarks.long_pdf import largest_payload, lost_pages, page_counts, write_long_pdf
from benchmarks.watch import EMULATOR, OCR, STANDINS, Watch
from recto.messages import Status
from recto.places import MAX_RANGE_PAGES, DocumentPlaces, execution_name
from tests.e2e.conftest import DATA, Pipeline

PAGES = MAX_RANGE_PAGES + 4
DISTINCT = 2
LIMIT_MB = 512

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not DATA.exists(), reason="../shared/data is not here"),
    pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc"),
]


@pytest.fixture
def remembered_pages(pipeline: Pipeline, tmp_path: Path) -> Iterator[None]:
    """The pages repeat, and this test is not about OCR: each is read once, then answered from memory."""
    place = pipeline.info.standins_url("/_local/ocr-cache")
    httpx.post(place, json={"folder": str(tmp_path / "ocr-cache")}).raise_for_status()
    yield
    httpx.post(place, json={}).raise_for_status()


def test_every_page_of_a_long_document_comes_through_in_little_memory(
    pipeline: Pipeline, remembered_pages: None, tmp_path: Path
) -> None:
    pdf = tmp_path / "long.pdf"
    write_long_pdf(pdf, sorted((DATA / "kleister-nda" / "documents").glob("*.pdf")), DISTINCT, PAGES)

    with Watch(pipeline.info.environment()["AWS_ENDPOINT_URL"]) as watch:
        (row,) = pipeline.settled([pipeline.send(pdf, "long/long.pdf")], seconds=400)

    assert row.status in (Status.PROCESSED, Status.IN_REVIEW), (row.error, row.cause)
    counts = page_counts(pipeline.objects, DocumentPlaces(pipeline.work, row.document_id))
    assert lost_pages(counts, PAGES) == []
    assert counts["words read"] > 100 * PAGES
    functions = {name: mb for name, mb in watch.peaks().items() if name not in (EMULATOR, OCR, STANDINS)}
    assert len(functions) >= 7, functions
    assert max(functions.values()) <= LIMIT_MB, functions
    assert len(list((tmp_path / "ocr-cache").iterdir())) == DISTINCT


def test_what_passes_between_states_does_not_grow_with_the_document(pipeline: Pipeline) -> None:
    place = pipeline.documents.of_source(pipeline.inbox, "long/long.pdf")
    row = pipeline.documents.find(place[0])
    assert row
    machine = pipeline.info.outputs["PipelineStateMachine"]
    name = execution_name(row.document_id, row.attempt)
    arn = f"{machine.replace(':stateMachine:', ':execution:')}:{name}"

    history = pipeline.client("stepfunctions").get_execution_history(executionArn=arn)["events"]

    ranges = [event for event in history if event["type"] == "MapStateExited"]
    assert ranges, json.dumps(history, default=str)[:500]
    assert 0 < largest_payload(history) < 10_000
