"""Look at published documents again: open an audit, and compare its answer with what was published.

Nothing waits for an audit and nothing fails by it. The document is not changed: what an audit finds wrong is
counted, told by event and in the document's history, and an operator may process the document again.
"""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, NamedTuple

from recto.audit import AuditedValue, Comparison, Measured, audit_id, compare, measured
from recto.errors import ReviewFailedError
from recto.messages import DocumentRef, Status
from recto.places import Location
from recto.ports import (
    AuditRow,
    Audits,
    Clock,
    Documents,
    Events,
    ObjectStore,
    Parameters,
    ReviewRow,
    Reviews,
)
from recto.results import DocumentResult
from recto.review import LOOP, apply_answers, blind, human_loop_name, parse_human_answers, rejection_of
from recto.steps.desks import Desks
from recto.steps.fields_of_release import load_fields
from recto.steps.review_task import input_content, write_task

MAX_AUDITS = 1000
"""Documents that the drift test reads at most, however few values they have."""


class AuditTrigger(NamedTuple):
    """What opening an audit works with."""

    objects: ObjectStore
    documents: Documents
    reviews: Reviews
    desks: Desks
    parameters: Parameters
    clock: Clock
    work_bucket: str
    flow_parameter: str
    availability: timedelta


class AuditCallback(NamedTuple):
    """What taking an audit's answer works with."""

    objects: ObjectStore
    documents: Documents
    reviews: Reviews
    audits: Audits
    events: Events
    clock: Clock
    work_bucket: str
    window: int
    """How many audited values the drift test looks back over."""
    drift_level: float


class AuditOutcome(NamedTuple):
    """What an audit gave, and where that leaves the last audits together."""

    is_new: bool
    """False where the same answer came again."""
    num_values: int
    errors: int
    lately: Measured
    has_drifted: bool


def open_audit(document: DocumentRef, step: AuditTrigger) -> str:
    """The audit's id; empty where the document has moved on. The same document again opens nothing new."""
    row = step.documents.find(document.document_id)
    if row is None or row.status is not Status.PROCESSED or row.attempt != document.attempt:
        return ""
    review_id = audit_id(row.document_id, row.attempt)
    review = step.reviews.find(review_id)
    if review is None:
        write_task(review_id, row, step.objects, step.work_bucket, audit=True)
        now = step.clock()
        review = ReviewRow(
            review_id=review_id,
            document_id=row.document_id,
            correlation_id=row.correlation_id,
            kind="audit",
            created=now,
            expires=now + step.availability,
            backend=step.parameters.read(step.flow_parameter),
            loop_name=human_loop_name(LOOP, review_id),
            release=row.release,
            result=Location(bucket=step.work_bucket, key=row.result_key).uri,
        )
        step.reviews.add(review)
    content = input_content(review_id, row, step.objects, step.work_bucket)
    step.desks.of(review.backend).start(review.backend, review.loop_name, content)
    return review_id


def take_audit(
    output: Mapping[str, Any] | ReviewFailedError, review: ReviewRow, place: Location, step: AuditCallback
) -> AuditOutcome | None:
    """Compare an answer with what was published, and keep what that says; None where another came first.

    ReviewFailedError for an answer that is of no use; an error by name where the result or release is gone.
    """
    if isinstance(output, ReviewFailedError):
        raise output
    fields = load_fields(step.objects, step.work_bucket, review.release).fields
    published = _published(step.objects.read(Location.from_uri(review.result)))
    rejected = rejection_of(output["humanAnswers"])
    found = Comparison((), {})
    if not rejected:
        answers = parse_human_answers(output["humanAnswers"], fields)
        found = compare(published, apply_answers(blind(published), answers, fields), fields)
    if not step.reviews.answer(review.review_id, place.uri):
        return None
    is_new = step.audits.add(_row(review, found, place, step))
    _tell(review, found, rejected, place, step)
    lately = _lately(step)
    return AuditOutcome(is_new, len(found.values), found.errors, lately, lately.has_drifted(step.drift_level))


def _published(body: bytes) -> DocumentResult:
    """The fields of a `result.json`, which says more than them."""
    content: dict[str, Any] = json.loads(body)
    names = {field.alias or name for name, field in DocumentResult.model_fields.items()}
    return DocumentResult.model_validate({name: content[name] for name in names & content.keys()})


def _row(review: ReviewRow, found: Comparison, place: Location, step: AuditCallback) -> AuditRow:
    return AuditRow(
        audit_id=review.review_id,
        document_id=review.document_id,
        release=review.release,
        opened=review.created,
        completed=step.clock(),
        answer=place.uri,
        values=tuple((one.field, one.confidence, one.is_right) for one in found.values),
        missed=dict(found.missed),
    )


def _tell(
    review: ReviewRow, found: Comparison, rejected: str | None, place: Location, step: AuditCallback
) -> None:
    """The history and the outside: which fields were wrong, never what they say."""
    wrong = list(dict.fromkeys(value.field for value in found.values if not value.is_right))
    notes = {"values": str(len(found.values)), "errors": str(found.errors), "answer": place.uri}
    notes |= {"cause": rejected} if rejected else {}
    step.documents.note(review.document_id, step.clock(), "AUDIT_COMPLETED", **notes)
    event = {
        "DocumentId": review.document_id,
        "CorrelationId": review.correlation_id or review.document_id,
        "AuditId": review.review_id,
        "Release": review.release,
        "NumValues": len(found.values),
        "NumErrors": found.errors,
        "NumMissed": sum(found.missed.values()),
        "WrongFields": wrong,
        "MissedFields": sorted(found.missed),
    }
    event |= {"Rejected": rejected} if rejected else {}
    step.events.publish("AuditCompleted", event, review.review_id)


def _lately(step: AuditCallback) -> Measured:
    return measured(latest_values(step.audits, step.window))


def latest_values(audits: Audits, window: int) -> list[AuditedValue]:
    """The values of the newest audits, `window` of them at most."""
    rows = audits.latest(min(window, MAX_AUDITS))
    values = [AuditedValue(*value) for row in rows for value in row.values]
    return values[:window]
