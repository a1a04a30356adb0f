"""One inference of an asynchronous SageMaker endpoint: asked for, heard of, answered. Not what is asked.

The row with the task token comes before the inference, under a tag that derives from all that is asked for: a
repeated state finds it, waits for the same inference and pays nothing, even where the first call broke off
and nobody knows whether it was heard. Inferences of a tag are numbered, so that a notification that comes
twice fails none but its own. The token goes nowhere but into the row.
"""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

import recto.errors
from recto.errors import (
    ConfigurationError,
    DocumentMissingError,
    ModelFailedError,
    OcrFailedError,
    RectoError,
    ServiceUnavailableError,
    ThrottledError,
)
from recto.messages import EndpointAnswer
from recto.places import Location
from recto.ports import AsyncEndpoints, Clock, EndpointInfo, JobRow, Jobs, ObjectStore, Workflow

JSON_TYPE = "application/json"
AD_HOC = "ad-hoc-"
"""Beginning of an inference's id that a person asked for (`recto predict`) and no state waits for."""
USABLE = frozenset({"InService", "Updating", "SystemUpdating"})
SHOWN = 500
PATIENCE = timedelta(seconds=120)
"""How long a call that broke off keeps the next one from being made."""


class EndpointKind(NamedTuple):
    """What endpoints are for."""

    what: str
    """In messages."""
    prefix: str
    """Where in the work bucket they put their answers; objects there expire by themselves."""
    failed: type[RectoError]
    """What a failure is called whose container gave it no name of ours."""


OCR = EndpointKind("OCR", "ocr-endpoint/", OcrFailedError)
MODEL = EndpointKind("model", "model-endpoint/", ModelFailedError)


class InferenceStart(NamedTuple):
    """What asking works with."""

    kind: EndpointKind
    endpoints: AsyncEndpoints
    jobs: Jobs
    objects: ObjectStore
    workflow: Workflow
    clock: Clock
    work_bucket: str
    topic: str
    """ARN of the topic that must hear of every inference's end."""
    keep_row: timedelta


class InferenceCallback(NamedTuple):
    """What hearing of an end works with."""

    kind: EndpointKind
    jobs: Jobs
    objects: ObjectStore
    workflow: Workflow
    work_bucket: str


class Question(NamedTuple):
    """What is asked of which endpoint, and who waits for it."""

    tag: str
    """Names what is asked for: the same tag is the same question."""
    document_id: str
    endpoint: str
    task_token: str
    write: Callable[[], Location]
    """Puts the request where the endpoint will read it; called only where it is asked."""
    content_type: str = JSON_TYPE
    accept: str = ""
    correlation_id: str = ""


class InferenceNotice(BaseModel):
    """What SageMaker tells of a finished inference."""

    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_camel)

    invocation_status: str
    inference_id: str
    failure_reason: str = ""
    response_parameters: dict[str, Any] = {}
    received_time: Any = None
    event_time: Any = None

    @property
    def seconds(self) -> float:
        """From when the endpoint was asked until it was done, its own line included; 0 where nobody says."""
        try:
            began, ended = (datetime.fromisoformat(str(at)) for at in (self.received_time, self.event_time))
            return max(0.0, (ended - began).total_seconds())
        except (ValueError, TypeError):  # it is for the account only: no inference fails by it
            return 0.0


# ---- start


def ask(question: Question, step: InferenceStart) -> str:
    """The inference's id. The token is called back at once where the result is there already.

    What has ended is looked for after the token is in the row: an end before that was told to another token.
    """
    new = JobRow(
        tag=question.tag,
        document_id=question.document_id,
        correlation_id=question.correlation_id,
        task_token=question.task_token,
    )
    known = step.jobs.find(question.tag) or new
    row = known.model_copy(update={"task_token": question.task_token})
    if row.output:
        step.jobs.put(row, step.clock() + step.keep_row)
    if not _is_under_way(row, step.objects):
        _require_not_asked_just_now(row, step.clock())
        row = _invoke(question, row, step)
    if step.objects.info(Location.from_uri(row.output)):
        step.workflow.succeed(row.task_token, EndpointAnswer(output=row.output).dump())
    return row.job_id


def _is_under_way(row: JobRow, objects: ObjectStore) -> bool:
    """Asked for, and not failed: one that failed may be asked for again."""
    return bool(row.output) and not (row.failure and objects.info(Location.from_uri(row.failure)))


def _require_not_asked_just_now(row: JobRow, now: datetime) -> None:
    """ServiceUnavailableError while an earlier try may have been heard: asking once more would be paid twice.

    Its notification says where the answer lies, which the state finds when it is tried again.
    """
    if row.asking_since and now - row.asking_since < PATIENCE:
        raise ServiceUnavailableError(
            f"inference {row.job_id}: asked for at {row.asking_since:%H:%M:%S} and not known to be taken in; "
            f"asked for again {PATIENCE.seconds} seconds after that"
        )


def _invoke(question: Question, row: JobRow, step: InferenceStart) -> JobRow:
    name = question.endpoint
    require_usable(name, step.endpoints.describe(name), step.topic, step.work_bucket, step.kind)
    request = question.write()
    now = step.clock()
    asking = {"job_id": _next_inference(row), "output": "", "failure": "", "asking_since": now}
    row = row.model_copy(update=asking)
    step.jobs.put(row, now + step.keep_row)
    try:
        output, failure = step.endpoints.invoke(
            name, request, row.job_id, question.content_type, question.accept
        )
    except (ConfigurationError, ThrottledError):  # heard and refused: nothing is under way
        step.jobs.note(row.tag, row.job_id, output="", failure="")
        raise
    step.jobs.note(row.tag, row.job_id, output, failure)
    return row.model_copy(update={"output": output, "failure": failure, "asking_since": None})


def _next_inference(row: JobRow) -> str:
    """The tag and a number."""
    number = row.job_id.rpartition("-")[2]
    return f"{row.tag}-{int(number or 0) + 1}"


def require_reachable(name: str, project: str) -> None:
    """ConfigurationError for a name that the pipeline's roles may not call."""
    if not name.startswith(f"{project}-"):
        raise ConfigurationError(
            f"endpoint {name}: expected a name that begins with {project}-, for the pipeline's role may call "
            "no other"
        )


def require_usable(
    name: str, endpoint: EndpointInfo, topic: str, work_bucket: str, kind: EndpointKind
) -> None:
    """ConfigurationError for an endpoint of whose answers nobody would hear, or which nobody may read."""
    if endpoint.status not in USABLE:
        raise ConfigurationError(f"endpoint {name}: expected it InService, it is {endpoint.status}")
    if not endpoint.is_async:
        raise ConfigurationError(
            f"endpoint {name}: expected an asynchronous one (AsyncInferenceConfig): a synchronous answer may "
            "take 60 seconds and 6 MB, and a range of 100 pages needs more than that"
        )
    if {endpoint.success_topic, endpoint.error_topic} != {topic}:
        raise ConfigurationError(
            f"endpoint {name}: expected SuccessTopic and ErrorTopic {topic}, it has "
            f"{endpoint.success_topic or 'none'} and {endpoint.error_topic or 'none'}"
        )
    if endpoint.answers_on_topics:
        raise ConfigurationError(
            f"endpoint {name}: expected no IncludeInferenceResponseIn, for words of documents go into the "
            f"work bucket only; it has {', '.join(endpoint.answers_on_topics)}"
        )
    wanted = f"s3://{work_bucket}/{kind.prefix}"
    for what, place in (("S3OutputPath", endpoint.output_path), ("S3FailurePath", endpoint.failure_path)):
        if not f"{place.rstrip('/')}/".startswith(wanted):
            raise ConfigurationError(
                f"endpoint {name}: expected its {what} below {wanted}, it is {place or 'absent'}"
            )


# ---- callback


def inference_of(body: str) -> InferenceNotice | None:
    """SageMaker's message in a queue message, with or without the envelope of SNS.

    None for the one that SageMaker sends as a test when an endpoint is made or changed, and for an inference
    that a person asked for.
    """
    try:
        content = json.loads(body)
        if content.get("Type") == "Notification":
            content = json.loads(content["Message"])
        if content.get("eventName") == "TestNotification":
            return None
        notice = InferenceNotice.model_validate(content)
        return None if notice.inference_id.startswith(AD_HOC) else notice
    except (ValueError, AttributeError, KeyError, TypeError, ValidationError) as error:
        raise ConfigurationError(
            f"expected SageMaker's notification of an inference, got {body[:200]!r}: {error!r}"
        ) from error


def _ignore(_: JobRow) -> None:
    """Nobody wants to know."""


def hear_of_inference(
    inference: InferenceNotice, step: InferenceCallback, found: Callable[[JobRow], object] = _ignore
) -> JobRow:
    """Call the waiting token back with where the answer lies, or with why there is none.

    `found` is told whose inference it is before anything is done with it. A failure that is told once more,
    when its state already waits for the next inference, changes nothing.
    """
    tag = inference.inference_id.rpartition("-")[0]
    row = step.jobs.find(tag)
    if row is None:
        raise ConfigurationError(f"inference {inference.inference_id!r}: no row for it")
    found(row)
    if inference.invocation_status == "Completed":
        output = str(inference.response_parameters.get("outputLocation") or row.output)
        place_of_answer(output, step.work_bucket, step.kind)
        step.jobs.note(tag, inference.inference_id, output, row.failure)
        row = step.jobs.find(tag) or row  # the token may have been renewed meanwhile
        step.workflow.succeed(row.task_token, EndpointAnswer(output=output).dump())
        return row
    error, said = _failure_of(inference, row, step)
    if not step.jobs.note(tag, inference.inference_id, output="", failure=row.failure):
        return row
    row = step.jobs.find(tag) or row  # the token may have been renewed meanwhile
    ended = f"{step.kind.what} inference {inference.inference_id} ended as {inference.invocation_status}"
    step.workflow.fail(row.task_token, error.__name__, f"document {row.document_id}: {ended}: {said}")
    return row


def _failure_of(
    inference: InferenceNotice, row: JobRow, step: InferenceCallback
) -> tuple[type[RectoError], str]:
    """The error that the container named, where it is one of Recto's; the kind's own otherwise."""
    said = inference.failure_reason or "no reason given"
    body = _read_or_nothing(row.failure, step.objects)
    try:
        answer = json.loads(body)
        named, message = str(answer["Error"]), str(answer["Message"])
    except (ValueError, KeyError, TypeError):
        shown = body[:SHOWN].decode(errors="replace")
        return step.kind.failed, f"{said}: {shown}" if shown else said
    error = getattr(recto.errors, named, None)
    if isinstance(error, type) and issubclass(error, RectoError):
        return error, message
    return step.kind.failed, f"{named}: {message}"


def _read_or_nothing(uri: str, objects: ObjectStore) -> bytes:
    if not uri:
        return b""
    try:
        return objects.read(Location.from_uri(uri))
    except DocumentMissingError:
        return b""


def place_of_answer(uri: str, work_bucket: str, kind: EndpointKind) -> Location:
    """An endpoint's output; ConfigurationError for one that lies elsewhere."""
    try:
        place = Location.from_uri(uri)
    except ValueError as error:
        raise ConfigurationError(f"endpoint's output: {error}") from error
    if place.bucket != work_bucket or not place.key.startswith(kind.prefix):
        raise ConfigurationError(
            f"endpoint's output: expected it below s3://{work_bucket}/{kind.prefix}, got {uri}"
        )
    return place
