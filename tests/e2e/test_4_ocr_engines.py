"""The same pipeline with another OCR: a setting, for the next document, without a deploy."""

import json
from collections.abc import Iterator
from io import BytesIO

import pytest
from PIL import Image, ImageOps

from recto.messages import Status
from recto.pagestore import PageIndex
from recto.places import DocumentPlaces
from recto.steps.stored_pages import stored_pages
from recto_cli import ocr_setting
from recto_cli.stack import read_stack
from recto_local.ocr_endpoint import endpoint_name
from tests.e2e.conftest import DATA, SAMPLES, Pipeline

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def endpoint(pipeline: Pipeline) -> Iterator[str]:
    """The local endpoint in use, and Textract again afterwards."""
    name = endpoint_name(pipeline.info.project)
    ocr_setting.use(read_stack(pipeline.info.project), "sagemaker", name)
    yield name
    ocr_setting.use(read_stack(pipeline.info.project), "textract")


def words_of(pipeline: Pipeline, document: str) -> list[list[str]]:
    """The words of each page in the page store."""
    places = DocumentPlaces(pipeline.work, document)
    index = PageIndex.from_json(pipeline.objects.read(places.ocr_index))
    pages = stored_pages(pipeline.objects, places, index, 1, index.num_pages)
    return [[word.text for word in page.words] for page in pages]


def lying(pdf_page: Image.Image) -> bytes:
    """A page that was scanned lying on its side."""
    buffer = BytesIO()
    pdf_page.transpose(Image.Transpose.ROTATE_90).save(buffer, "PNG")
    return buffer.getvalue()


def cut_jpeg() -> bytes:
    """A photo of which only the beginning has arrived: it opens, and cannot be read."""
    buffer = BytesIO()
    Image.effect_noise((900, 1200), 80).save(buffer, "JPEG", quality=95)
    return buffer.getvalue()[:4000]


def test_documents_go_through_an_endpoint(pipeline: Pipeline, endpoint: str) -> None:
    sample = Image.open(SAMPLES / "worn-scan.jpg")
    bodies = {
        "engines/booklet.pdf": (SAMPLES / "booklet.pdf").read_bytes(),
        "engines/lying.png": lying(ImageOps.exif_transpose(sample).convert("L")),
        "engines/cut.jpg": cut_jpeg(),
    }
    if DATA.exists():
        receipt = min((DATA / "sroie" / "img").glob("*.jpg"))
        bodies["engines/receipt.jpg"] = receipt.read_bytes()

    rows = pipeline.settled([pipeline.send(body, key) for key, body in bodies.items()], seconds=300)

    found = {row.key: row for row in rows}
    broken = found.pop("engines/cut.jpg")
    assert (broken.status, broken.error) == (Status.FAILED, "DamagedDocumentError"), broken.cause
    for row in found.values():
        assert row.status in (Status.PROCESSED, Status.IN_REVIEW), (row.key, row.error, row.cause)
        assert (row.ocr_engine, row.ocr_endpoint) == ("sagemaker", endpoint)
        assert all(words_of(pipeline, row.document_id)), row.key
        job = json.loads(pipeline.objects.read(DocumentPlaces(pipeline.work, row.document_id).ocr_job))
        assert job["JobId"] == f"sagemaker:{endpoint}"
    booklet = found["engines/booklet.pdf"]
    index = json.loads((SAMPLES / "samples.json").read_text())
    pages = next(entry["pages"] for entry in index if entry["file"] == "booklet.pdf")
    assert pages > 1
    assert len(words_of(pipeline, booklet.document_id)) == pages
    assert sum(map(len, words_of(pipeline, found["engines/lying.png"].document_id))) > 50
    pipeline.no_slot_is_held()


def test_the_next_document_goes_another_way_and_no_token_lies_in_a_request(
    pipeline: Pipeline, endpoint: str
) -> None:
    stack = read_stack(pipeline.info.project)
    ocr_setting.use(stack, "textract")

    (row,) = pipeline.settled([pipeline.send(SAMPLES / "letter.pdf", "engines/by-textract.pdf")])

    assert row.ocr_engine == "textract"
    lister = pipeline.client("s3").get_paginator("list_objects_v2")
    listed = lister.paginate(Bucket=pipeline.work, Prefix="documents/")
    keys = [entry["Key"] for part in listed for entry in part["Contents"]]
    requests = [key for key in keys if "/ocr/request-" in key]
    assert requests
    for key in requests:
        body = json.loads(pipeline.client("s3").get_object(Bucket=pipeline.work, Key=key)["Body"].read())
        assert set(body) == {"Document", "Pages"}
