"""Ask for an OCR job and hear of its end. The row comes before the job, so no notification is too soon.

The tag and the client token derive from document, features and the document's OCR attempt, not from the
state's try: a repeated state joins the same job, is billed once, and hears of its end although Textract
gives no second notification, because the status is asked where the row says that the job runs already.
When it is started `recto.steps.ocr_gate` decides.
"""

import json
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError

from recto.admission import place_in_line
from recto.errors import ConfigurationError, OcrFailedError
from recto.messages import DocumentRef, Lane, TextractStartRequest
from recto.places import digest
from recto.ports import Documents, OcrJobRow
from recto.steps.ocr_gate import Gate, clear_away, pump, settle

STARTED_BY_ONE = 2
"""Who asks for a job starts another one at most: the first in line, and itself."""
STARTED_BY_END = 3


class OcrStart(NamedTuple):
    """What asking for a job works with."""

    gate: Gate
    documents: Documents
    default_features: tuple[str, ...]
    keep_row: timedelta


class Notification(BaseModel):
    """What Textract tells of a finished job."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    JobId: str
    Status: str
    JobTag: str


def tag_of(document: DocumentRef, features: Sequence[str]) -> str:
    """Names one OCR job: 32 hexadecimal digits."""
    return digest("ocr", document.document_id, str(document.ocr_attempt), *sorted(features))


def start_ocr(request: TextractStartRequest, step: OcrStart) -> OcrJobRow:
    """Join the line, then let the first in it start. A state that comes again keeps its place.

    The place comes before the row: one without a row is cleared away, a row without a place were forgotten.
    """
    gate, document = step.gate, request.document
    features = step.default_features if request.features is None else request.features
    tag = tag_of(document, features)
    known = gate.jobs.find(tag)
    place = known.place if known and known.place else _new_place(tag, document.document_id, step)
    if not (known and known.job_id):
        gate.line.join(place)
    new = OcrJobRow(
        tag=tag,
        document_id=document.document_id,
        correlation_id=document.correlation_id,
        task_token=request.task_token,
        features=features,
        source=document.source,
        place=place,
    )
    row = gate.jobs.ask(new, gate.clock() + step.keep_row)
    if not row.job_id or not _is_known_to_run(row, gate):
        pump(gate, STARTED_BY_ONE)
    return row


def _new_place(tag: str, document: str, step: OcrStart) -> str:
    """Documents of the OCR state machine have no row: somebody waits for them."""
    row = step.documents.find(document)
    lane: Lane = row.lane if row else "live"
    return place_in_line(lane, step.gate.clock(), tag)


def _is_known_to_run(row: OcrJobRow, gate: Gate) -> bool:
    """False where the service has forgotten the job: it stands in line again then."""
    try:
        settle(row, row.job_id, gate)
    except OcrFailedError:
        gate.line.join(row.place)
        gate.jobs.forget_job(row.tag, row.job_id)
        return False
    return True


def notification_of(body: str) -> Notification:
    """Textract's message in a queue message, with or without the envelope of SNS."""
    try:
        content = json.loads(body)
        if content.get("Type") == "Notification":
            content = json.loads(content["Message"])
        return Notification.model_validate(content)
    except (ValueError, AttributeError, KeyError, ValidationError) as error:
        raise ConfigurationError(
            f"expected Textract's notification with JobId, Status and JobTag, got {body[:200]!r}: {error!r}"
        ) from error


def _ignore(_: OcrJobRow) -> None:
    """Nobody wants to know."""


def hear_of_end(
    notification: Notification, gate: Gate, found: Callable[[OcrJobRow], object] = _ignore
) -> OcrJobRow:
    """Call the waiting token back with the job's outcome, as the service itself gives it.

    `found` is told whose job it is before anything is done.
    A job that the service says is under way still is asked about once a minute; told twice, it is told once.
    """
    row = gate.jobs.find(notification.JobTag)
    if row is None:
        raise ConfigurationError(f"OCR job {notification.JobId}: no row for its tag {notification.JobTag!r}")
    found(row)
    if row.ended:
        clear_away(row, gate)
    else:
        settle(row, notification.JobId, gate)
    return row
