"""Start an OCR job and hear of its end. The job's row comes before the job, so no notification is too soon.

The tag and the client token derive from document, features and the document's OCR attempt, not from the
state's try: a repeated state joins the same job, is billed once, and hears of its end although Textract
gives no second notification, because the status is asked once after the row is written.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError

from recto.errors import ConfigurationError, OcrFailedError
from recto.messages import DocumentRef, OcrJob, TextractStartRequest
from recto.places import digest
from recto.ports import Clock, JobRow, Jobs, Ocr, OcrRequest, Workflow

IN_PROGRESS = "IN_PROGRESS"
USABLE = frozenset({"SUCCEEDED", "PARTIAL_SUCCESS"})


class OcrStart(NamedTuple):
    """What the start works with."""

    ocr: Ocr
    jobs: Jobs
    workflow: Workflow
    clock: Clock
    default_features: tuple[str, ...]
    keep_row: timedelta


class OcrCallback(NamedTuple):
    """What the callback works with."""

    ocr: Ocr
    jobs: Jobs
    workflow: Workflow


class Notification(BaseModel):
    """What Textract tells of a finished job."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    JobId: str
    Status: str
    JobTag: str


def tag_of(document: DocumentRef, features: Sequence[str]) -> str:
    """Names one OCR job: 32 hexadecimal digits."""
    return digest("ocr", document.document_id, str(document.ocr_attempt), *sorted(features))


def start_ocr(request: TextractStartRequest, step: OcrStart) -> str:
    """The job's id. The token is called back at once if the job has already ended.

    The row is not written again with the job's id: a slow call would take away the token of a newer try.
    """
    features = step.default_features if request.features is None else request.features
    tag = tag_of(request.document, features)
    row = JobRow(
        tag=tag, document_id=request.document.document_id, task_token=request.task_token, features=features
    )
    step.jobs.put(row, step.clock() + step.keep_row)
    job = OcrRequest(source=request.document.source, features=features, tag=tag, client_token=tag)
    row = row.model_copy(update={"job_id": step.ocr.start(job)})
    answer = step.ocr.pages(row.job_id, features, "", max_results=1)
    if answer["JobStatus"] != IN_PROGRESS:
        _tell(row, answer, step.workflow)
    return row.job_id


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


def hear_of_end(notification: Notification, step: OcrCallback) -> JobRow:
    """Call the waiting token back with the job's outcome, as the service itself gives it."""
    row = step.jobs.find(notification.JobTag)
    if row is None:
        raise ConfigurationError(f"OCR job {notification.JobId}: no row for its tag {notification.JobTag!r}")
    answer = step.ocr.pages(notification.JobId, row.features, "", max_results=1)
    _tell(row.model_copy(update={"job_id": notification.JobId}), answer, step.workflow)
    return row


def _tell(row: JobRow, answer: Mapping[str, Any], workflow: Workflow) -> None:
    """False tokens do no harm: the state may have been told already, or have given up."""
    if answer["JobStatus"] in USABLE:
        job = OcrJob(job_id=row.job_id, features=row.features, warnings=warnings_of(answer))
        workflow.succeed(row.task_token, job.dump())
        return
    said = answer.get("StatusMessage") or "no reason given"
    cause = f"document {row.document_id}: OCR job {row.job_id} ended as {answer['JobStatus']}: {said}"
    workflow.fail(row.task_token, OcrFailedError.__name__, cause)


def warnings_of(answer: Mapping[str, Any]) -> tuple[str, ...]:
    """Textract's warnings in words: code and pages."""
    return tuple(
        f"{warning.get('ErrorCode', 'warning')}: pages {', '.join(map(str, warning.get('Pages', [])))}"
        for warning in answer.get("Warnings") or ()
    )
