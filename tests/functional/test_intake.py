"""Uploads to rows: the right id, once, and a named failure for what is no document."""

import json
from typing import Any

import pytest

from recto.aws.dynamodb import DocumentRows
from recto.aws.s3 import S3Objects
from recto.errors import ConfigurationError
from recto.formats import PDF as PDF_FORMAT
from recto.formats import PNG
from recto.messages import Status
from recto.places import Location
from recto.steps.intake import Intake, Upload, take_in, uploads_of
from tests.fakes import FakeClock, FakeEvents
from tests.functional.conftest import INBOX

PDF = b"%PDF-1.7\n" + b"x" * 100


def message(key: str, etag: str = "e1", sequencer: str = "01", version: str | None = None) -> str:
    entry = {"key": key, "etag": etag, "sequencer": sequencer, "size": 1}
    entry |= {"version-id": version} if version else {}
    return json.dumps(
        {"detail-type": "Object Created", "detail": {"bucket": {"name": INBOX}, "object": entry}}
    )


@pytest.fixture
def events() -> FakeEvents:
    return FakeEvents()


@pytest.fixture
def intake(objects: S3Objects, documents: DocumentRows, events: FakeEvents) -> Intake:
    return Intake(objects, documents, events, FakeClock(), max_bytes=1000)


def taken(body: str, intake: Intake) -> Any:
    (upload,) = uploads_of(body)
    return take_in(upload, intake)


def test_an_upload_becomes_a_waiting_row(intake: Intake, objects: S3Objects, documents: DocumentRows) -> None:
    objects.write(Location(bucket=INBOX, key="a.pdf"), PDF)

    row = taken(message("a.pdf"), intake)

    assert row.status is Status.WAITING
    assert documents.find(row.document_id) == row
    assert [entry["to"] for entry in documents.history(row.document_id)] == ["RECEIVED", "WAITING"]
    assert documents.of_source(INBOX, "a.pdf") == [row.document_id]


def test_the_same_event_twice_is_one_document(
    intake: Intake, objects: S3Objects, documents: DocumentRows
) -> None:
    objects.write(Location(bucket=INBOX, key="a.pdf"), PDF)

    first, second = taken(message("a.pdf"), intake), taken(message("a.pdf"), intake)

    assert first is not None
    assert second is None
    assert len(documents.with_status(Status.WAITING, 10)) == 1


def test_the_same_bytes_uploaded_again_are_another_document(intake: Intake, objects: S3Objects) -> None:
    objects.write(Location(bucket=INBOX, key="a.pdf"), PDF)

    first, second = (
        taken(message("a.pdf", sequencer="01"), intake),
        taken(message("a.pdf", sequencer="02"), intake),
    )

    assert first.document_id != second.document_id


def test_a_version_id_tells_documents_apart_by_itself() -> None:
    source = Location(bucket=INBOX, key="a.pdf", version_id="v1")

    one, two = Upload(source=source, etag="e", sequencer="1"), Upload(source=source, etag="e", sequencer="2")

    assert one.document_id == two.document_id


@pytest.mark.parametrize(
    ("body", "error", "says"),
    [
        (b"", "EmptyDocumentError", "zero bytes"),
        (b"just some text", "UnsupportedDocumentError", "first bytes"),
        (b"%PDF-" + b"x" * 2000, "DocumentTooLargeError", "2,005 bytes"),
        (None, "DocumentMissingError", "there is none"),
    ],
)
def test_what_is_no_document_fails_by_name_with_an_event_and_takes_no_slot(
    body: bytes | None, error: str, says: str, intake: Intake, objects: S3Objects, events: FakeEvents
) -> None:
    if body is not None:
        objects.write(Location(bucket=INBOX, key="bad.pdf"), body)

    row = taken(message("bad.pdf"), intake)

    assert (row.status, row.error) == (Status.FAILED, error)
    assert says in row.cause
    assert "s3://inbox/bad.pdf" in row.cause
    ((kind, detail),) = events.published
    assert (kind, detail["Error"], detail["DocumentId"]) == ("DocumentFailed", error, row.document_id)


@pytest.mark.parametrize(
    "key",
    [
        "with space.pdf",
        "plus+sign.pdf",
        "per%20cent.pdf",
        "ünï/日本語.pdf",
        "a/b/../c.pdf",
        "../up.pdf",
        "trailing dots...",
        "two//slashes/",
        "new\nline.pdf",
        "bell\x07.pdf",
        "emoji 🧾🏳️‍🌈.pdf",
        "combining u\u0308 and right\u202eto left.pdf",
        "k" * 1000 + ".pdf",
        "é" * 510 + ".pdf",
    ],
)
def test_keys_of_eventbridge_are_taken_as_they_are(key: str, intake: Intake, objects: S3Objects) -> None:
    objects.write(Location(bucket=INBOX, key=key), PDF)

    row = taken(message(key), intake)

    assert (row.status, row.key) == (Status.WAITING, key)
    assert len(row.document_id) == 32


def test_keys_of_s3_notifications_are_decoded() -> None:
    record = {
        "eventVersion": "2.1",
        "s3": {
            "bucket": {"name": "b"},
            "object": {"key": "fold/My+file%2B1.pdf", "eTag": "e", "sequencer": "1"},
        },
    }

    (upload,) = uploads_of(json.dumps({"Records": [record]}))

    assert upload.source.key == "fold/My file+1.pdf"


def test_s3s_test_message_tells_of_no_upload() -> None:
    assert uploads_of(json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "b"})) == []


@pytest.mark.parametrize(
    "body", ["", "[]", "{}", "null", '{"Records": [{"eventVersion": "3.0"}]}', '{"detail": {}}']
)
def test_a_message_that_is_no_upload_is_refused_by_name(body: str) -> None:
    with pytest.raises(ConfigurationError, match="expected an S3"):
        uploads_of(body)


def test_a_folder_marker_is_no_document(intake: Intake, objects: S3Objects, documents: DocumentRows) -> None:
    objects.write(Location(bucket=INBOX, key="folder/"), b"")

    assert taken(message("folder/"), intake) is None
    assert documents.with_status(Status.FAILED, 10) == []


@pytest.mark.parametrize(("size", "error"), [(1000, ""), (1001, "DocumentTooLargeError")])
def test_a_file_of_exactly_the_limit_is_taken_and_one_byte_more_is_not(
    size: int, error: str, intake: Intake, objects: S3Objects
) -> None:
    objects.write(Location(bucket=INBOX, key="a.pdf"), PDF.ljust(size, b"x"))

    row = taken(message("a.pdf"), intake)

    assert (row.error, row.size or size) == (error, size)


@pytest.mark.parametrize("over", [0, 1])
def test_a_photo_has_the_lower_limit_of_its_format(over: int, intake: Intake, objects: S3Objects) -> None:
    body = b"\x89PNG\r\n\x1a\n".ljust(PNG.max_bytes + over, b"x")
    objects.write(Location(bucket=INBOX, key="a.png"), body)

    row = taken(message("a.png"), intake._replace(max_bytes=PDF_FORMAT.max_bytes))

    assert row.error == ("DocumentTooLargeError" if over else "")


def versioned(objects: S3Objects, *bodies: bytes) -> list[str]:
    """The ETags of versions of one key."""
    objects._s3.put_bucket_versioning(Bucket=INBOX, VersioningConfiguration={"Status": "Enabled"})
    place = Location(bucket=INBOX, key="a.pdf")
    etags = []
    for body in bodies:
        objects.write(place, body)
        info = objects.info(place)
        assert info
        etags.append(info.etag)
    return etags


def test_a_version_that_the_event_does_not_name_is_pinned(intake: Intake, objects: S3Objects) -> None:
    (etag,) = versioned(objects, PDF)

    row = taken(message("a.pdf", etag=etag), intake)
    objects.write(row.ref().source.model_copy(update={"version_id": ""}), b"%PDF-1.7 something else")

    assert row.version_id
    assert objects.read(row.ref().source) == PDF


def test_a_pinned_version_outlives_its_deletion(intake: Intake, objects: S3Objects) -> None:
    (etag,) = versioned(objects, PDF)
    row = taken(message("a.pdf", etag=etag), intake)

    objects._s3.delete_object(Bucket=INBOX, Key="a.pdf")

    assert objects.info(Location(bucket=INBOX, key="a.pdf")) is None
    assert objects.read(row.ref().source) == PDF


def test_what_was_overwritten_before_it_was_taken_in_fails_by_name(
    intake: Intake, objects: S3Objects
) -> None:
    first, second = versioned(objects, PDF, PDF + b"newer")

    old, new = (taken(message("a.pdf", etag=etag, sequencer=etag), intake) for etag in (first, second))

    assert (old.status, old.error) == (Status.FAILED, "DocumentMissingError")
    assert "overwritten before it was taken in" in old.cause
    assert (new.status, new.size) == (Status.WAITING, len(PDF) + 5)
