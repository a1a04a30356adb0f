"""Take an upload in: from the event of an object to a row that waits, or to a failure by name.

A document is one version of an object. Where the event does not name it but the bucket keeps versions, it is
pinned here, if the object still is what the event told of; from then on nothing is read of another version.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import unquote_plus

from pydantic import BaseModel, ConfigDict, ValidationError

from recto.correlation import named
from recto.errors import (
    ConfigurationError,
    DocumentError,
    DocumentMissingError,
    DocumentTooLargeError,
    EmptyDocumentError,
    UnsupportedDocumentError,
)
from recto.formats import format_of
from recto.messages import Failure, Status
from recto.places import Location, document_id
from recto.ports import Clock, DocumentRow, Documents, Events, ObjectInfo, ObjectStore
from recto.steps.publish import announce_failure

HEAD_BYTES = 1024


class Upload(BaseModel):
    """One object that was created, whichever kind of event told of it."""

    model_config = ConfigDict(frozen=True)

    source: Location
    etag: str
    sequencer: str

    @property
    def document_id(self) -> str:
        return document_id(self.source, self.etag, self.sequencer)


class Intake(NamedTuple):
    """What the step works with."""

    objects: ObjectStore
    documents: Documents
    events: Events
    clock: Clock
    max_bytes: int
    inbox: str | None = None
    """The only bucket whose events are believed; None where who calls has chosen the buckets."""


def uploads_of(body: str) -> list[Upload]:
    """The objects that a queue message tells of; ConfigurationError for a message that is no S3 event.

    EventBridge gives keys as they are; S3's own notifications encode them like a form. S3's test
    message, sent when a notification is set up, tells of none.
    """
    try:
        event = json.loads(body)
        if event.get("Event") == "s3:TestEvent":
            return []
        if "detail" in event:
            return [_from_eventbridge(event["detail"])]
        return [_from_notification(record) for record in _listed(event["Records"])]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, ValidationError) as error:
        raise ConfigurationError(
            f"expected an S3 'Object Created' event or notification, got {body[:200]!r}: {error!r}"
        ) from error


def _from_eventbridge(detail: Mapping[str, Any]) -> Upload:
    entry = detail["object"]
    source = Location(
        bucket=detail["bucket"]["name"], key=entry["key"], version_id=entry.get("version-id") or ""
    )
    source.uri.encode()  # JSON may spell half a character, which no key of S3 holds
    return Upload(source=source, etag=entry.get("etag") or "", sequencer=entry.get("sequencer") or "")


def _listed(records: Any) -> list[Any]:
    if not isinstance(records, list):
        raise TypeError(f"expected a list of Records, got {type(records).__name__}")
    return records


def _from_notification(record: Mapping[str, Any]) -> Upload:
    if not str(record["eventVersion"]).startswith("2."):
        raise ValueError(f"expected event version 2, got {record['eventVersion']!r}")
    bucket, entry = record["s3"]["bucket"]["name"], record["s3"]["object"]
    source = Location(bucket=bucket, key=unquote_plus(entry["key"]), version_id=entry.get("versionId") or "")
    source.uri.encode()
    return Upload(source=source, etag=entry.get("eTag") or "", sequencer=entry.get("sequencer") or "")


def take_in(upload: Upload, intake: Intake) -> DocumentRow | None:
    """Write the upload's row, WAITING or FAILED with the reason; None where it is known or no document."""
    if intake.inbox and upload.source.bucket != intake.inbox:
        raise ConfigurationError(
            f"document {upload.document_id}: an event of the bucket {upload.source.bucket}; "
            f"expected one of the inbox {intake.inbox}"
        )
    if is_folder_marker(upload.source, intake):
        return None
    now = intake.clock()
    row, failure = examined(upload, intake, now), None
    if row.error:
        failure = Failure(Error=row.error, Cause=row.cause)
    added = intake.documents.add(row)
    if failure:  # for a repeated event too: the first delivery may have ended between row and event
        known = row if added else intake.documents.find(row.document_id)
        if known and known.status is Status.FAILED and known.error == row.error:
            announce_failure(row.ref(), failure, intake.events)
    return row if added else None


def is_folder_marker(source: Location, intake: Intake) -> bool:
    """Consoles make an empty object for a folder; one with content is a document, whatever its key."""
    if not source.key.endswith("/"):
        return False
    info = intake.objects.info(source)
    return info is None or info.size == 0


def examined(upload: Upload, intake: Intake, now: datetime) -> DocumentRow:
    """The row that an upload deserves, WAITING or FAILED by name; nothing is written."""
    info = intake.objects.info(upload.source)
    name = named(info.metadata if info else {}, upload.document_id)
    common = {
        "document_id": upload.document_id, "bucket": upload.source.bucket, "key": upload.source.key,
        "version_id": upload.source.version_id, "etag": upload.etag, "received": now, "updated": now,
        "correlation_id": name.correlation_id, "correlation_refusal": name.refusal,
    }  # fmt: skip
    try:
        info = _examine(upload, info, intake)
    except DocumentError as error:
        failed = {"status": Status.FAILED, "error": type(error).__name__, "cause": str(error)}
        return DocumentRow.model_validate({**common, **failed})
    pinned = {"version_id": info.version_id or upload.source.version_id}
    return DocumentRow.model_validate({**common, **pinned, "status": Status.WAITING, "size": info.size})


def _examine(upload: Upload, info: ObjectInfo | None, intake: Intake) -> ObjectInfo:
    """What S3 says of the object; a DocumentError says why it cannot be a document."""
    source = upload.source
    if info is None:
        raise DocumentMissingError(f"{source.uri}: expected an object, there is none any more")
    is_to_pin = bool(info.version_id and not source.version_id)
    if is_to_pin and upload.etag and info.etag != upload.etag:
        raise DocumentMissingError(
            f"{source.uri}: overwritten before it was taken in: expected ETag {upload.etag}, seen "
            f"{info.etag}; what is there now is a document of its own"
        )
    source = source.model_copy(update={"version_id": info.version_id or source.version_id})
    if info.size == 0:
        raise EmptyDocumentError(
            f"{source.uri}: expected a PDF, TIFF, PNG or JPEG, got an object of zero bytes"
        )
    head = intake.objects.read_range(source, 0, min(HEAD_BYTES, info.size))
    kind = format_of(head)
    if kind is None:
        raise UnsupportedDocumentError(
            f"{source.uri}: expected a PDF, TIFF, PNG or JPEG, the first bytes are {head[:8]!r}"
        )
    limit = min(intake.max_bytes, kind.max_bytes)
    if info.size > limit:
        raise DocumentTooLargeError(
            f"{source.uri}: a {kind.name} of {info.size:,} bytes, the limit is {limit:,}"
        )
    return info
