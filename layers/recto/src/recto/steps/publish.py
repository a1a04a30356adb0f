"""The end of a document: result and event, or failure and event; always the status row last known first.

The event comes after the row, under the name of the attempt: a step that was killed anywhere and is tried
again tells nothing twice. Where it cannot be tried again, the failure's step tells what was closed before.
"""

import json
from typing import Any, NamedTuple

from recto.audit import is_drawn
from recto.errors import DocumentRejectedError
from recto.messages import FINAL_STATUSES, DocumentRef, Failure, PublishRequest, PublishResponse, Status
from recto.places import DocumentPlaces, Location, execution_name
from recto.ports import Backfills, Clock, DocumentRow, Documents, Events, ObjectStore
from recto.results import ReviewStatus

INLINE_BYTES = 200 * 1024
ACTIVE = (Status.WAITING, Status.RUNNING, Status.IN_REVIEW)


class Publish(NamedTuple):
    """What the step works with."""

    objects: ObjectStore
    documents: Documents
    events: Events
    clock: Clock
    work_bucket: str
    audit_share: float = 0.0
    """Of the documents that went straight through, how many are looked at again."""
    backfills: Backfills | None = None
    """Where the outcomes of their documents are counted."""


def address(place: Location) -> dict[str, str]:
    """As existing readers of executions expect a place: Bucket, Key, S3Uri."""
    return {"Bucket": place.bucket, "Key": place.key, "S3Uri": place.uri}


def inline_or_reference(body: bytes, place: Location) -> dict[str, Any]:
    """The JSON object itself while it is small enough to travel between states, else where it lies.

    It is measured as Lambda may write it: with spaces, and six bytes for a letter that is not ASCII.
    """
    if len(body) < INLINE_BYTES:
        value: dict[str, Any] = json.loads(body)
        if len(json.dumps(value)) < INLINE_BYTES:
            return value
    return {"S3Uri": place.uri}


def publish(request: PublishRequest, step: Publish) -> PublishResponse:
    """Close the document: PROCESSED with its result, or FAILED with its reason."""
    if request.failure:
        return _publish_failure(request.document, request.failure, step)
    return _publish_result(request.document, step)


def _publish_result(document: DocumentRef, step: Publish) -> PublishResponse:
    places = DocumentPlaces(step.work_bucket, document.document_id, document.made_in)
    was_asked = step.objects.info(places.reviewed_fields) is not None
    fields_place = places.reviewed_fields if was_asked else places.fields
    body = step.objects.read(fields_place)
    fields = json.loads(body)
    result = _result(document, fields, was_asked and fields.get("ReviewStatus") != ReviewStatus.NOT_REVIEWED)
    row = step.documents.find(document.document_id)
    if row and row.attempt == document.attempt:
        step.objects.write(places.result, json.dumps(result, ensure_ascii=False).encode(), "application/json")
        _close(document, row, result, places.result, step)
    return PublishResponse(
        status=Status.PROCESSED,
        input={"Bucket": document.bucket, "Key": document.key},
        result=address(places.result),
        model_result=inline_or_reference(body, fields_place),
        audit=not (was_asked or fields.get("ReviewReasons"))
        and is_drawn(document.document_id, step.audit_share),
    )


def _close(
    document: DocumentRef, row: DocumentRow, result: dict[str, Any], place: Location, step: Publish
) -> None:
    """Row, then event; neither where an operator has moved the document on to another attempt meanwhile."""
    moved = step.documents.move(
        document.document_id, (*ACTIVE, Status.PROCESSED), Status.PROCESSED, step.clock(), document.attempt,
        confidence=float(result["Confidence"]), result_attempt=document.attempt, result_key=place.key,
    )  # fmt: skip
    if not moved:
        _count_ended(document, step)
        return
    _count(row, Status.PROCESSED, step)
    _tell_processed(document, row, result, place, step)


def _tell_processed(
    document: DocumentRef, row: DocumentRow, result: dict[str, Any], place: Location, step: Publish
) -> None:
    event = _event(document, result, place)
    if row.supersedes_attempt:
        earlier = Location(bucket=place.bucket, key=row.supersedes_key)
        event["Supersedes"] = {"Attempt": row.supersedes_attempt, "Result": address(earlier)}
    step.events.publish("DocumentProcessed", event, name_of_end(document))


def _count(row: DocumentRow | None, outcome: Status, step: Publish) -> None:
    """Note how a backfill's document ended: after its row, on every try, and counted once."""
    if row and row.backfill_id and step.backfills:
        step.backfills.count(row.backfill_id, row.document_id, outcome)


def _count_ended(document: DocumentRef, step: Publish) -> DocumentRow | None:
    """The row, where this attempt has ended otherwise: who moved it may have ended before it was counted."""
    row = step.documents.find(document.document_id)
    if row is None or row.attempt != document.attempt or row.status not in FINAL_STATUSES:
        return None
    _count(row, row.status, step)
    return row


def _result(document: DocumentRef, fields: dict[str, Any], reviewed: bool) -> dict[str, Any]:
    return {
        "DocumentId": document.document_id,
        "CorrelationId": document.correlation,
        "Input": {"Bucket": document.bucket, "Key": document.key, "VersionId": document.version_id},
        "Status": str(Status.PROCESSED),
        "Attempt": document.attempt,
        "Release": document.release,
        "Reviewed": reviewed,
        **fields,
    }


def _event(document: DocumentRef, result: dict[str, Any], place: Location) -> dict[str, Any]:
    return {
        "DocumentId": document.document_id,
        "CorrelationId": document.correlation,
        "Input": {"Bucket": document.bucket, "Key": document.key},
        "Attempt": document.attempt,
        "Result": address(place),
        "Confidence": result["Confidence"],
        "Reviewed": result["Reviewed"],
        **{name: result[name] for name in ("ReviewStatus", "ReviewStatusReason") if name in result},
    }


def _publish_failure(document: DocumentRef, failure: Failure, step: Publish) -> PublishResponse:
    """FAILED, or REJECTED where a reviewer turned the document down."""
    failure = readable(failure)
    status = Status.REJECTED if failure.Error == DocumentRejectedError.__name__ else Status.FAILED
    moved = step.documents.move(
        document.document_id, (*ACTIVE, status), status, step.clock(), document.attempt,
        error=failure.Error, cause=failure.Cause,
    )  # fmt: skip
    if moved:
        _count(step.documents.find(document.document_id), status, step)
        kind = "DocumentRejected" if status is Status.REJECTED else "DocumentFailed"
        announce_failure(document, failure, step.events, kind)
    elif row := _count_ended(document, step):
        _tell_what_was_closed(document, row, step)
    return PublishResponse(status=status, failure=failure)


def _tell_what_was_closed(document: DocumentRef, row: DocumentRow, step: Publish) -> None:
    """Publishing failed after the row was closed: the result is there, but it may not have been told."""
    if row.status is Status.PROCESSED and row.result_attempt == document.attempt:
        place = DocumentPlaces(step.work_bucket, document.document_id, document.made_in).result
        _tell_processed(document, row, json.loads(step.objects.read(place)), place, step)


def announce_failure(
    document: DocumentRef, failure: Failure, events: Events, kind: str = "DocumentFailed"
) -> None:
    """Tell the outside by name why a document has no result."""
    detail = {
        "DocumentId": document.document_id,
        "CorrelationId": document.correlation,
        "Input": {"Bucket": document.bucket, "Key": document.key},
        "Attempt": document.attempt,
        "Error": failure.Error,
        "Cause": failure.Cause,
    }
    events.publish(kind, detail, name_of_end(document))


def name_of_end(document: DocumentRef) -> str:
    """An attempt ends once, as its execution is started once."""
    return execution_name(document.document_id, document.attempt)


def readable(failure: Failure) -> Failure:
    """The same failure with the message alone: Lambda wraps it as JSON with a stack trace around it."""
    try:
        cause = json.loads(failure.Cause)
    except ValueError:
        return failure
    message = cause.get("errorMessage") if isinstance(cause, dict) else None
    return Failure(Error=failure.Error, Cause=message) if message else failure
