"""What is no document, or a strange one: named, announced, without a slot, harmless to its neighbours."""

import json
from io import BytesIO

import pytest
from PIL import Image
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfgen.canvas import Canvas

from recto.messages import Status
from tests.e2e.conftest import SAMPLES, Pipeline, wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]
TEXT_AS_PDF = b"This is a letter, and no PDF at all.\n" * 20


def small_document() -> bytes:
    """One page with little on it: quick to read."""
    index = json.loads((SAMPLES / "samples.json").read_text())
    smallest = min(index, key=lambda entry: (entry["pages"], (SAMPLES / entry["file"]).stat().st_size))
    return (SAMPLES / smallest["file"]).read_bytes()


def encrypted_pdf() -> bytes:
    """A PDF that asks for a password."""
    buffer = BytesIO()
    page = Canvas(buffer, encrypt=StandardEncryption("secret", canPrint=0))
    page.drawString(100, 700, "for those who know the word")
    page.save()
    return buffer.getvalue()


def blank_page() -> bytes:
    buffer = BytesIO()
    Image.new("L", (850, 1100), "white").save(buffer, "PDF", resolution=100)
    return buffer.getvalue()


def test_bad_documents_fail_by_name_and_their_neighbours_do_not(pipeline: Pipeline) -> None:
    expected = {
        "bad/empty.pdf": (b"", "EmptyDocumentError"),
        "bad/text.pdf": (TEXT_AS_PDF, "UnsupportedDocumentError"),
        "bad/encrypted.pdf": (encrypted_pdf(), "EncryptedDocumentError"),
        "bad/damaged.pdf": (b"%PDF-1.7\nnothing follows", "DamagedDocumentError"),
    }
    bad = [pipeline.send(body, key) for key, (body, _) in expected.items()]
    good = pipeline.send(small_document(), "bad/neighbour.pdf")

    *failed, neighbour = pipeline.settled([*bad, good])

    assert {row.key: (row.status, row.error) for row in failed} == {
        key: (Status.FAILED, error) for key, (_, error) in expected.items()
    }
    for row in failed:
        assert row.key in row.cause, row.cause
        assert pipeline.told(row.document_id) == ["DocumentFailed"]
    assert neighbour.status in (Status.PROCESSED, Status.IN_REVIEW)
    pipeline.no_slot_is_held()


def test_a_blank_page_goes_to_a_person(pipeline: Pipeline) -> None:
    (row,) = pipeline.settled([pipeline.send(blank_page(), "bad/blank.pdf")])

    assert row.status is Status.IN_REVIEW, (row.error, row.cause)


def test_strange_keys_are_ordinary_documents(pipeline: Pipeline) -> None:
    keys = [
        "odd keys/with space.pdf",
        "odd keys/plus+sign.pdf",
        "odd keys/100%25.pdf",
        "odd keys/ünï-日本語.pdf",
    ]
    body = small_document()

    rows = pipeline.settled([pipeline.send(body, key) for key in keys])

    assert [row.key for row in rows] == keys
    assert {row.status for row in rows} <= {Status.PROCESSED, Status.IN_REVIEW}
    for row in rows:
        listed = pipeline.client("s3").list_objects_v2(
            Bucket=pipeline.work, Prefix=f"documents/{row.document_id}/"
        )
        assert all("odd keys" not in entry["Key"] for entry in listed["Contents"])


def test_the_same_event_twice_is_processed_once(pipeline: Pipeline) -> None:
    place = pipeline.send(small_document(), "twice/a.pdf")
    (row,) = pipeline.settled([place])
    detail = {
        "bucket": {"name": place.bucket},
        "object": {"key": place.key, "etag": row.etag, "sequencer": "another-event", "size": 1},
    }
    sqs = pipeline.client("sqs")
    queue = next(url for url in sqs.list_queues()["QueueUrls"] if "IntakeQueue" in url)

    for _ in range(2):
        sqs.send_message(
            QueueUrl=queue, MessageBody=json.dumps({"detail-type": "Object Created", "detail": detail})
        )

    def second() -> list[str] | None:
        found = pipeline.documents.of_source(place.bucket, place.key)
        return found if len(found) > 1 else None

    found = wait_for(second, 60, lambda: pipeline.documents.of_source(place.bucket, place.key))
    (again,) = pipeline.settled([place])
    assert len(found) == 2
    assert len(pipeline.documents.of_source(place.bucket, place.key)) == 2
    starts = [entry for entry in pipeline.documents.history(again.document_id) if entry["to"] == "RUNNING"]
    assert len(starts) == 1
