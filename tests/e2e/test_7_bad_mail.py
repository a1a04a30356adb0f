"""Documents that are cut, mixed or made to harm, and keys that nobody would choose, through the pipeline."""

import pytest

from recto.aws.dynamodb import JobRows, Table
from recto.formats import PNG
from recto.messages import Status
from recto.places import DocumentPlaces
from recto.ports import DocumentRow, JobRow
from recto.steps.ocr_job import tag_of
from tests.bad_files import (
    NO_PAGES,
    XFA_ALONE,
    XFA_WITH_PAGES,
    as_file,
    broken_second_frame,
    damaged_png,
    huge_png,
    jpeg_with_pdf_in_its_comment,
    padded_png,
    picture,
    some_pdf,
    written_pdf,
    zipped,
)
from tests.e2e.conftest import CALLER, SAMPLES, Pipeline, wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]
READ = {Status.PROCESSED, Status.IN_REVIEW}
LONGEST_KEY = 1000


def outcome(row: DocumentRow) -> str:
    return "read" if row.status in READ else row.error


def test_cut_mixed_and_harmful_files_are_read_or_refused_by_name(pipeline: Pipeline) -> None:
    pdf = some_pdf()
    bodies = {
        "cut.pdf": (pdf[: len(pdf) // 2], "DamagedDocumentError"),
        "no pages.pdf": (NO_PAGES, "DamagedDocumentError"),
        "huge.png": (huge_png(), "DocumentTooLargeError"),
        "archive.pdf": (zipped(), "UnsupportedDocumentError"),
        "far junk.pdf": (b" " * 1020 + pdf, "UnsupportedDocumentError"),
        "xfa.pdf": (written_pdf(XFA_ALONE), "UnsupportedDocumentError"),
        "second frame.tiff": (broken_second_frame(), "DamagedDocumentError"),
        "cut.jpg": (as_file(picture(size=(2000, 2000)), "JPEG")[:9000], "DamagedDocumentError"),
        "head.png": (damaged_png(b"IHDR", checksum_only=True), "DamagedDocumentError"),
        "limit and one byte.png": (padded_png(PNG.max_bytes + 1), "DocumentTooLargeError"),
        "limit.png": (padded_png(PNG.max_bytes), "read"),
        "near junk.pdf": (b"from a gateway\r\n" * 20 + pdf, "read"),
        "xfa with pages.pdf": (written_pdf(XFA_WITH_PAGES), "read"),
        "a pdf.jpg": (pdf, "read"),
        "jpeg and pdf.pdf": (jpeg_with_pdf_in_its_comment(), "read"),
        "pdf and zip.zip": (pdf + zipped(), "read"),
    }
    places = [pipeline.send(body, f"made/{name}") for name, (body, _) in bodies.items()]

    rows = pipeline.settled(places)

    seen = {row.key: outcome(row) for row in rows}
    assert seen == {f"made/{name}": expected for name, (_, expected) in bodies.items()}, [
        (row.key, row.error, row.cause) for row in rows
    ]
    for row in rows:
        assert not row.error or row.key in row.cause, row.cause
    assert "page 2" in rows[list(bodies).index("second frame.tiff")].cause
    pipeline.no_slot_is_held()


def test_keys_that_nobody_would_choose_are_documents_like_others(pipeline: Pipeline) -> None:
    keys = [
        "k" * LONGEST_KEY,
        "odd/../../up.pdf",
        "odd/trailing dots...",
        "odd//two slashes.pdf",
        "odd/like a folder/",
        "odd/new\nline.pdf",
        "odd/emoji 🧾🏳️‍🌈.pdf",
        "odd/right\u202eto left.pdf",
        "odd/'quotes\" & <tags>; $(echo) %00.pdf",
    ]
    body = some_pdf(1)

    rows = pipeline.settled([pipeline.send(body, key) for key in keys])

    assert [(row.key, outcome(row)) for row in rows] == [(key, "read") for key in keys]


def test_a_failed_ocr_job_is_told_by_its_name_once_the_pages_are_drawn(pipeline: Pipeline) -> None:
    place = pipeline.send(SAMPLES / "booklet.pdf", "made/ocr fails.pdf")  # its OCR takes seconds
    jobs = JobRows(Table(pipeline.info.outputs["DocumentTableName"], CALLER))

    def started() -> JobRow | None:
        row = pipeline.row(place)
        return jobs.find(tag_of(row.ref(), ())) if row else None

    job = wait_for(started, 120, lambda: pipeline.row(place))
    cause = "OCR job ended as FAILED: by this test"
    pipeline.client("stepfunctions").send_task_failure(
        taskToken=job.task_token, error="OcrFailedError", cause=cause
    )

    row = pipeline.ended(job.document_id)
    assert (row.error, row.cause) == ("OcrFailedError", cause)
    drawn = DocumentPlaces(pipeline.work, row.document_id).image_part_index(1)
    assert pipeline.objects.info(drawn) is not None
    pipeline.no_slot_is_held()
