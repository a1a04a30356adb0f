"""What a message in a dead-letter queue is about: which document, what went wrong, when.

Told are names, ids and errors, never a message as it is: it may hold a task token, or what a document says.
"""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from recto.errors import ConfigurationError
from recto.ports import Documents, Jobs, Reviews
from recto.review import review_id_of
from recto.steps.async_inference import inference_of
from recto.steps.intake import uploads_of
from recto.steps.ocr_job import notification_of
from recto_cli.dead_letter_queues import DeadMessage

LONG = re.compile(r"[A-Za-z0-9+/=_-]{72,}")
"""No id of ours is as long; task tokens, signatures and encoded content are."""
MOST_TOLD = 300
LANDED = "RectoRedriven"
"""The attribute that counts how often a message was sent back by `recto dlq redrive`."""


class Rows(NamedTuple):
    """Where documents are looked up."""

    documents: Documents
    jobs: Jobs
    reviews: Reviews


class Told(NamedTuple):
    """A message in plain words."""

    what: str
    document_id: str = ""
    """Empty where it is about none, or about one that nobody knows."""
    error: str = ""
    cause: str = ""
    sent: datetime | None = None
    redriven: int = 0
    needs_no_more: bool = False
    """Whether there is nothing left to do for it once its document has ended."""


def tell(message: DeadMessage, rows: Rows) -> Told:
    """What it is about, as far as anybody can tell."""
    content = content_of(message.body)
    failed = failed_call(content)
    payload = failed["requestPayload"] if failed else content
    told = _payload(payload, rows)
    error, cause = _reason(message, failed, content)
    redriven = int(message.said(LANDED) or 0)
    return told._replace(error=error, cause=redacted(cause), sent=message.sent, redriven=redriven)


def content_of(body: str) -> dict[str, Any]:
    """The JSON object of a body, out of the envelope of SNS; empty where it is none."""
    try:
        content = json.loads(body)
        if isinstance(content, dict) and content.get("Type") == "Notification":
            content = json.loads(content["Message"])
    except (ValueError, KeyError, TypeError):
        return {}
    return content if isinstance(content, dict) else {}


def failed_call(content: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Lambda's record of an asynchronous call that failed, where it is one."""
    has_function = "functionArn" in (content.get("requestContext") or {})
    return content if has_function and "requestPayload" in content else None


def redacted(text: str) -> str:
    """Short, in one line, and without anything that may be a token."""
    flat = " ".join(LONG.sub("(left out)", text).split())
    return flat if len(flat) <= MOST_TOLD else f"{flat[:MOST_TOLD]}…"


def _reason(
    message: DeadMessage, failed: Mapping[str, Any] | None, content: Mapping[str, Any]
) -> tuple[str, str]:
    """What Lambda, EventBridge, Scheduler or Step Functions say; of a queue its function's log tells."""
    if failed:
        answer = failed.get("responsePayload")
        said = answer if isinstance(answer, Mapping) else {}
        condition = str(failed["requestContext"].get("condition", ""))
        return str(said.get("errorType") or condition), str(said.get("errorMessage", ""))
    if content.get("source") == "aws.states" and not message.said("ERROR_CODE"):
        detail = content.get("detail") or {}
        return str(detail.get("error") or detail.get("status") or ""), str(detail.get("cause") or "")
    return message.said("ERROR_CODE"), message.said("ERROR_MESSAGE")


def _payload(content: Any, rows: Rows) -> Told:
    if not content or not isinstance(content, dict):
        return Told("a call without content")
    return (
        _event(content, rows)
        or _ocr_job(content, rows)
        or _inference(content, rows)
        or _loop(content, rows)
        or _dispatch(content)
        or _labelling(content)
        or Told("of an unknown kind")
    )


def _event(content: Mapping[str, Any], rows: Rows) -> Told | None:
    """An object that was created, an execution that ended, a parameter that was changed."""
    if "detail-type" not in content and "Records" not in content:
        return None
    kind, detail = str(content.get("detail-type", "")), content.get("detail") or {}
    if kind.startswith("Step Functions"):
        return _untold(detail) or _execution(str(detail.get("name", "")))
    if kind and kind != "Object Created":
        return Told(f"event {kind}: {redacted(str(detail.get('name') or detail.get('humanLoopName') or ''))}")
    try:
        (upload, *_) = uploads_of(json.dumps(content))
    except (ConfigurationError, ValueError):
        return Told("an event of S3 that cannot be read")
    if upload.source.key.endswith("/output.json"):
        folder = upload.source.key.rpartition("/")[0].rpartition("/")[2]
        return _review("answer", folder, rows)
    return Told(f"upload {redacted(upload.source.key)}", upload.document_id, needs_no_more=True)


def _untold(detail: Mapping[str, Any]) -> Told | None:
    """An event of ours that could not be sent: it is missed although, or because, its document has ended."""
    event = content_of(str(detail.get("input", "")))
    if "Kind" not in event:
        return None
    about = event.get("Detail") or {}
    return Told(f"untold event {redacted(str(event['Kind']))}", str(about.get("DocumentId", "")))


def _ocr_job(content: Mapping[str, Any], rows: Rows) -> Told | None:
    if "JobTag" not in content:
        return None
    try:
        notification = notification_of(json.dumps(content))
    except ConfigurationError:
        return Told("an OCR job's end that cannot be read")
    row = rows.jobs.find(notification.JobTag)
    what = f"OCR job {redacted(notification.JobId)} {notification.Status}"
    return Told(what, row.document_id if row else "", needs_no_more=True)


def _inference(content: Mapping[str, Any], rows: Rows) -> Told | None:
    if "invocationStatus" not in content:
        return None
    try:
        notice = inference_of(json.dumps(content))
    except ConfigurationError:
        return Told("an inference's end that cannot be read")
    if notice is None:
        return Told("an inference that no document waits for")
    row = rows.jobs.find(notice.inference_id.rpartition("-")[0])
    what = f"inference {redacted(notice.inference_id)} {notice.invocation_status}"
    return Told(what, row.document_id if row else "", needs_no_more=True)


def _dispatch(content: Mapping[str, Any]) -> Told | None:
    if "Action" not in content:
        return None
    if content.get("Execution"):
        return _execution(str(content["Execution"]))
    document = (content.get("Document") or {}).get("DocumentId", "")
    return Told(f"call: {redacted(str(content['Action']))}", str(document))


def _execution(name: str) -> Told:
    return Told(f"execution {redacted(name)} ended", name.rpartition("-")[0], needs_no_more=True)


def _loop(content: Mapping[str, Any], rows: Rows) -> Told | None:
    name = content.get("LoopName") or content.get("HumanLoopName")
    return _review("review", str(name), rows) if name else None


def _review(what: str, loop: str, rows: Rows) -> Told:
    """What comes after an answer, and audits, goes on although the document has ended."""
    review = rows.reviews.find(review_id_of(loop) or loop) if loop else None
    is_answer = what == "answer" and review is not None and review.kind == "review"
    return Told(f"{what} {redacted(loop)}", review.document_id if review else "", needs_no_more=is_answer)


def _labelling(content: Mapping[str, Any]) -> Told | None:
    job = content.get("Job") or content.get("job")
    if not job:
        return None
    kind, number = content.get("Kind") or content.get("kind"), content.get("Number") or content.get("number")
    return Told(f"labelling job {redacted(str(job))}: {kind} {number or ''}".rstrip())
