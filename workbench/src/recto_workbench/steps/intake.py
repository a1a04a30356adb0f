"""From a manifest to tasks: its lines become objects, as many as may be are put on offer, each gets its task.

Each step is a message, does a bounded amount of work and sends the next; the same message twice does no harm.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple

from recto.errors import ConfigurationError, DocumentError, RectoError, TransientError
from recto.places import Location
from recto.ports import Clock, ObjectStore
from recto_workbench.builtin import is_aws_function
from recto_workbench.errors import FunctionFailedError, ObjectFailedError
from recto_workbench.jobs import Job, JobStatus
from recto_workbench.messages import LabellingMessage
from recto_workbench.outputs import json_bytes, parse_line, parse_pre_answer, pre_event, source_of
from recto_workbench.ports import Change, JobStore, LabellingFunctions, Messages, TaskStore
from recto_workbench.tasks import JobPlaces, ObjectState, TaskObject

CHUNK_BYTES = 4 * 1024 * 1024
"""Of a manifest at once; a longer line than this is no line."""
LINES_AT_ONCE = 2_000
MOST_OBJECTS = 100_000
"""Ground Truth's own limit on a manifest."""
OFFERS_AT_ONCE = 50
STALLED_AFTER = timedelta(minutes=5)
MOST_TRIES = 3
RETRY_SECONDS = 2
MOST_STARTS = 100
"""Of an object's step, whatever it was that ended it each time: some hours, with five minutes between."""
MOST_DELAYS = 8
"""Of a service that does not answer; then the dead-letter queue hears of it, and each minute tries on."""
NOT_ENDED = (JobStatus.INITIALIZING, JobStatus.IN_PROGRESS, JobStatus.STOPPING)
RUNNING = (JobStatus.INITIALIZING, JobStatus.IN_PROGRESS)


@dataclass(frozen=True)
class Intake:
    """What it takes to make tasks."""

    jobs: JobStore
    tasks: TaskStore
    objects: ObjectStore
    functions: LabellingFunctions
    messages: Messages
    clock: Clock
    work_bucket: str


def take(message: LabellingMessage, intake: Intake) -> str:
    """Do what the message says; a word on what came of it, for the log."""
    job = intake.jobs.find(message.job)
    if job is None or job.is_final:
        return "ended"
    if message.kind == "read":
        if job.status not in RUNNING:
            return "stopped"
        return read_manifest(job, message.offset, message.number, intake)
    if message.kind == "offer":
        return offer(job, intake)
    return open_task(job, message.number, intake)


# ---- reading


class Chunk(NamedTuple):
    """Some lines of a manifest, and where the next begins."""

    lines: list[tuple[int, int]]
    """Offset and length of each that is not empty."""
    end: int
    is_last: bool


def read_manifest(job: Job, offset: int, number: int, intake: Intake) -> str:
    """Some lines become objects; the next message goes on behind them."""
    chunk = _chunk(JobPlaces(intake.work_bucket, job.name).manifest, offset, intake.objects)
    total = number + len(chunk.lines)
    if total > MOST_OBJECTS:
        return _fail(job, f"ClientError: the input manifest has more than {MOST_OBJECTS:,} objects", intake)
    if chunk.is_last and not total:
        return _fail(job, "ClientError: the input manifest has no objects", intake)
    objects = [
        TaskObject(
            job=job.name, number=number + n, offset=start, length=length, wanted=job.workers_per_object
        )
        for n, (start, length) in enumerate(chunk.lines)
    ]
    intake.tasks.add_objects(objects)
    changes: dict[str, Any] = {"total": total, "is_read": chunk.is_last, "modified": intake.clock()}
    if chunk.is_last and (wanted := job.wanted_of(total)) is not None:
        changes["wanted_objects"] = wanted
    status = JobStatus.IN_PROGRESS
    intake.jobs.update(job.name, RUNNING, of_total=number, status=status, **changes)
    if not chunk.is_last:
        intake.messages.send(LabellingMessage(kind="read", job=job.name, number=total, offset=chunk.end))
    intake.messages.send(LabellingMessage(kind="offer", job=job.name))
    return f"read {total} objects"


def _chunk(place: Location, offset: int, objects: ObjectStore) -> Chunk:
    info = objects.info(place)
    size = info.size if info else 0
    if offset >= size:
        return Chunk([], offset, is_last=True)
    body = objects.read_range(place, offset, CHUNK_BYTES)
    lines: list[tuple[int, int]] = []
    end = offset
    for start, length in _lines(body, is_end=offset + len(body) >= size):
        if len(lines) == LINES_AT_ONCE:
            break
        end = offset + start + length
        if body[start : start + length].strip():
            lines.append((offset + start, length))
    if end == offset:  # one line fills the whole chunk: it is an object that fails when it is opened
        end = _next_line(place, offset, size, objects)
        lines = [(offset, end - offset)]
    return Chunk(lines, end, is_last=end >= size)


def _lines(body: bytes, is_end: bool) -> Iterator[tuple[int, int]]:
    """Start and length of each whole line, its end included."""
    start = 0
    while (found := body.find(b"\n", start)) >= 0:
        yield start, found + 1 - start
        start = found + 1
    if is_end and start < len(body):
        yield start, len(body) - start


def _next_line(place: Location, offset: int, size: int, objects: ObjectStore) -> int:
    while offset < size:
        body = objects.read_range(place, offset, CHUNK_BYTES)
        found = body.find(b"\n")
        if found >= 0:
            return offset + found + 1
        offset += len(body)
    return size


def _fail(job: Job, reason: str, intake: Intake) -> str:
    now = intake.clock()
    intake.jobs.update(job.name, NOT_ENDED, status=JobStatus.FAILED, failure=reason, modified=now)
    return reason


# ---- offering


def offer(job: Job, intake: Intake) -> str:
    """As many objects on offer as there is room for, in the order of the manifest."""
    for count in range(OFFERS_AT_ONCE):
        if not job.has_room:
            return f"offered {count}"
        _offer_next(job, intake)
        job = intake.jobs.find(job.name) or job
    intake.messages.send(LabellingMessage(kind="offer", job=job.name))
    return f"offered {OFFERS_AT_ONCE}, more follow"


def _offer_next(job: Job, intake: Intake) -> None:
    each = intake.tasks.object(job.name, job.next_number)
    if each is None:
        raise ConfigurationError(f"job {job.name}: object {job.next_number} of {job.total} has no row")
    opening = each.moved(state=ObjectState.OPENING, due=intake.clock() + STALLED_AFTER, tries=0)
    if intake.tasks.write(Change(object=opening, offer_limit=job.max_concurrent)):
        intake.messages.send(LabellingMessage(kind="open", job=job.name, number=each.number))


# ---- opening


def open_task(job: Job, number: int, intake: Intake) -> str:
    """The task of one object, on offer from now on; or why it cannot be had."""
    each = intake.tasks.object(job.name, number)
    if each is None or each.state is not ObjectState.OPENING or not job.is_running:
        return "not to be opened"
    each = each.moved(tries=each.tries + 1, due=intake.clock() + STALLED_AFTER)
    if not intake.tasks.write(Change(object=each)):
        return "opened by somebody else"
    if each.tries > MOST_STARTS:
        never = f"ClientError: its task was begun {MOST_STARTS} times and could not be made"
        return _ended(job, each.failed(never), "failed", intake)
    return _opened(job, each, intake)


def _opened(job: Job, each: TaskObject, intake: Intake) -> str:
    try:
        task_input, is_needed = task_input_of(job, each, intake)
    except FunctionFailedError as error:
        return _function_failed(job, each, error, intake)
    except TransientError as error:
        return _later(each, error, intake)
    except (DocumentError, ConfigurationError) as error:
        return _ended(job, each.failed(_reason(error)), "failed", intake)
    if is_needed:
        return _open(job, each, task_input, intake)
    return _ended(job, each.moved(state=ObjectState.UNNEEDED, due=None), "unneeded", intake)


def _function_failed(job: Job, each: TaskObject, error: FunctionFailedError, intake: Intake) -> str:
    if each.tries >= MOST_TRIES:
        return _ended(job, each.failed(f"ClientError: the pre-annotation Lambda: {error}"), "failed", intake)
    return _later(each, error, intake)


def _later(each: TaskObject, error: RectoError, intake: Intake) -> str:
    """Sooner than the queue would bring the message again, since that waits for six times the timeout."""
    if each.tries > MOST_DELAYS:
        raise error
    message = LabellingMessage(kind="open", job=each.job, number=each.number)
    intake.messages.send(message, delay_seconds=RETRY_SECONDS * each.tries)
    return f"to be tried again: {error}"


def _reason(error: Exception) -> str:
    text = str(error)
    return text if isinstance(error, ObjectFailedError) else f"ClientError: {type(error).__name__}: {text}"


def _open(job: Job, each: TaskObject, task_input: dict[str, Any], intake: Intake) -> str:
    place = JobPlaces(intake.work_bucket, job.name).task_input(each.number)
    intake.objects.write(place, json_bytes(task_input), "application/json")
    until = intake.clock() + timedelta(seconds=job.availability_seconds)
    is_written = intake.tasks.write(
        Change(object=each.moved(state=ObjectState.OPEN, available_until=until, due=until, tries=0))
    )
    return "open" if is_written else "opened by somebody else"


def _ended(job: Job, each: TaskObject, count: str, intake: Intake) -> str:
    """The object has ended without a task: the next one may be offered, and the job may be at its end."""
    if intake.tasks.write(Change(object=each, counts={"on_offer": -1, count: 1})):
        intake.messages.send(LabellingMessage(kind="offer", job=job.name))
        intake.messages.send(LabellingMessage(kind="finish", job=job.name))
    return f"{count}: {each.error}"


def task_input_of(job: Job, each: TaskObject, intake: Intake) -> tuple[dict[str, Any], bool]:
    """What the task's template is filled in with, and whether people are needed."""
    if each.length > CHUNK_BYTES:
        raise ObjectFailedError(f"ClientError: the line has {each.length:,} bytes, at most {CHUNK_BYTES:,}")
    place = JobPlaces(intake.work_bucket, job.name).manifest
    line = parse_line(each.number, intake.objects.read_range(place, each.offset, each.length))
    _check_source(line, intake)
    if is_aws_function(job.pre_function):
        return builtin_input(job, line), True
    if job.pre_function:
        return parse_pre_answer(intake.functions.call(job.pre_function, pre_event(job, line)))
    return dict(line), True


def builtin_input(job: Job, line: dict[str, Any]) -> dict[str, Any]:
    """What AWS's own pre-labelling functions give."""
    source = source_of(line)
    task_object = source.get("s3Uri", source.get("content", ""))
    return {"taskObject": task_object, "labels": list(job.labels), "manifestLine": line}


def _check_source(line: dict[str, Any], intake: Intake) -> None:
    source = source_of(line)
    if "content" in source:
        return
    try:
        place = Location.from_uri(source["s3Uri"])
    except ValueError as error:
        raise ObjectFailedError(f"ClientError: source-ref: {error}") from error
    if intake.objects.info(place) is None:
        raise ObjectFailedError(f"ClientError: source-ref: there is no object {place.uri}")
