"""From answers to labels: batches for the post-labelling function, its results, and the job's end.

The same message twice does no harm: an object is taken by one consolidation, its label is written once, the
manifest of a job is the same however often it is written, and one of all that try ends the job.
"""

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from recto.consolidation.contents import consolidation_of
from recto.errors import ConfigurationError, DocumentError, RectoError, TransientError
from recto.places import Location
from recto.ports import Clock, Events, Uploads
from recto_workbench.builtin import is_aws_function
from recto_workbench.builtin_output import builtin_label
from recto_workbench.errors import ObjectFailedError
from recto_workbench.jobs import Job, JobStatus
from recto_workbench.messages import LabellingMessage
from recto_workbench.outputs import (
    content_of,
    file_time,
    json_bytes,
    label_of,
    output_line,
    parse_line,
    payload_entry,
    post_event,
    response_name,
    results_by_number,
    unconsolidated,
    worker_response,
)
from recto_workbench.ports import (
    Change,
    JobStore,
    LabellingFunctions,
    Messages,
    TaskFiles,
    TaskStore,
)
from recto_workbench.steps.assignment import line_of, with_uploads
from recto_workbench.tasks import Assignment, AssignmentState, JobPlaces, ObjectState, TaskObject
from recto_workbench.tasks import told as shortened

BATCH = 25
BATCH_OF_IMAGES = 4
"""Label images go to the function as text within the request."""
MOST_TRIES = 3
MOST_DELAYS = 8
"""Of a service that does not answer; then the dead-letter queue hears of it, and each minute tries on."""
MOST_STARTS = 100
"""Of an object's consolidation, whatever it was that ended it each time."""
STALLED_AFTER = timedelta(minutes=5)
CONSOLIDATED_WITHIN = timedelta(minutes=11)
"""Longer than the function may run: what is under way is not begun beside it."""
MOST_DOUBTS, MOST_DOUBT = 50, 300
"""Of what the workers disagree about, and characters of each, for the row; the label has all."""
INLINE_BYTES = 16_000
"""A label is kept in its row up to this; larger ones lie in S3."""
PART_BYTES = 8 * 1024 * 1024
PAGE = 200
AT_ONCE = 16
"""Labels that are read side by side."""
ENDING = (JobStatus.IN_PROGRESS, JobStatus.STOPPING)
ENDED = "LabelingJobStateChanged"
RETRY_SECONDS = 2
JSON = "application/json"

Answers = Sequence[tuple[Assignment, Mapping[str, Any]]]


@dataclass(frozen=True)
class Consolidation:
    """What it takes to make labels of answers."""

    jobs: JobStore
    tasks: TaskStore
    objects: TaskFiles
    uploads: Uploads
    functions: LabellingFunctions
    messages: Messages
    events: Events
    clock: Clock
    work_bucket: str
    own_post_function: str
    """Consolidates where AWS's own functions are named."""


def work_off(message: LabellingMessage, consolidation: Consolidation) -> str:
    """Do what the message says; a word on what came of it, for the log."""
    job = consolidation.jobs.find(message.job)
    if job is None or job.is_final:
        if job is not None and message.kind == "finish":
            _tell_end(job, job.status, consolidation)  # the first time it may have been cut off before that
            _forget_drafts(job, consolidation)
        return "ended"
    if message.kind == "consolidate":
        return consolidate(job, message.number, message.alone, consolidation)
    return finish(job, consolidation)


# ---- consolidating


@dataclass(frozen=True)
class Taken:
    """An object that is being consolidated, with what belongs to it."""

    each: TaskObject
    line: dict[str, Any]
    answers: Answers


def consolidate(job: Job, number: int, alone: bool, consolidation: Consolidation) -> str:
    """Labels of this object and of others of the job that wait; or each fails with its reason."""
    taken = list(_taken(job, number, alone, consolidation))
    if not taken:
        return "nothing waits"
    try:
        _write_responses(job, taken, consolidation)
        labels = _labels(job, taken, consolidation)
    except TransientError as error:
        return _later(taken, error, consolidation)
    except (DocumentError, ConfigurationError) as error:
        return _went_wrong(job, taken, error, consolidation)
    for one in taken:
        _end(job, one.each, labels[one.each.number], consolidation)
    consolidation.messages.send(LabellingMessage(kind="finish", job=job.name))
    return f"consolidated {len(taken)}"


def _write_responses(job: Job, taken: Sequence[Taken], consolidation: Consolidation) -> None:
    for one in taken:
        name = response_name(one.each.number, one.answers)
        _write(job, name, worker_response(one.answers), consolidation)


def _taken(job: Job, number: int, alone: bool, consolidation: Consolidation) -> Iterator[Taken]:
    for candidate in _together(job, number, alone, consolidation):
        each = consolidation.tasks.object(job.name, candidate)
        if each is None or each.state is not ObjectState.ANSWERED:
            continue
        due = consolidation.clock() + CONSOLIDATED_WITHIN
        each = each.moved(state=ObjectState.CONSOLIDATING, due=due, tries=each.tries + 1)
        if not consolidation.tasks.write(Change(object=each)):
            continue
        if each.tries > MOST_STARTS:
            never = f"ClientError: its consolidation was begun {MOST_STARTS} times and did not come to an end"
            _end(job, each, ObjectFailedError(never), consolidation)
            consolidation.messages.send(LabellingMessage(kind="finish", job=job.name))
        else:
            yield from _read(job, each, consolidation)


def _together(job: Job, number: int, alone: bool, consolidation: Consolidation) -> list[int]:
    """What was begun several times in vain goes by itself: it may be what ends the others with it."""
    first = consolidation.tasks.object(job.name, number)
    if alone or first is None or first.tries >= MOST_TRIES:
        return [number]
    waiting = consolidation.tasks.answered(job.name, BATCH)
    others = [each.number for each in waiting if each.tries < MOST_TRIES]
    size = BATCH_OF_IMAGES if job.label_attribute.endswith("-ref") else BATCH
    return list(dict.fromkeys([number, *others]))[:size]


def _read(job: Job, each: TaskObject, consolidation: Consolidation) -> Iterator[Taken]:
    """The object with what belongs to it; nothing where that is lost, and the object fails."""
    try:
        line = line_of(each, JobPlaces(consolidation.work_bucket, job.name), consolidation.objects)
        yield Taken(each, line, answers_of(each, consolidation))
    except (DocumentError, ConfigurationError) as error:
        _end(job, each, ObjectFailedError(f"ClientError: {type(error).__name__}: {error}"), consolidation)
        consolidation.messages.send(LabellingMessage(kind="finish", job=job.name))


def answers_of(each: TaskObject, consolidation: Consolidation) -> Answers:
    """The object's answers in the order in which they came, uploads in their places as base64 text."""
    found = consolidation.tasks.assignments(each.job, each.number)
    submitted = {a.worker_id: a for a in found if a.state is AssignmentState.SUBMITTED}
    return [(submitted[w], _answer(submitted[w], consolidation)) for w in each.answers if w in submitted]


def _answer(assignment: Assignment, consolidation: Consolidation) -> dict[str, Any]:
    places = JobPlaces(consolidation.work_bucket, assignment.job)

    def read(name: str) -> str:
        body = consolidation.objects.read(places.kept_upload(assignment.answer, name))
        return base64.b64encode(body).decode()

    answer: dict[str, Any] = json.loads(consolidation.objects.read(Location.from_uri(assignment.answer)))
    whole: dict[str, Any] = with_uploads(answer, read)
    return whole


Label = dict[str, Any] | ObjectFailedError


def _labels(job: Job, taken: Sequence[Taken], consolidation: Consolidation) -> dict[int, Label]:
    """By object: what it adds to its line, or why it has failed."""
    if not job.post_function:
        return {one.each.number: _plain_label(job, one, consolidation) for one in taken}
    now, number = consolidation.clock(), taken[0].each.number
    name = f"iteration-1/{file_time(now)}-{number}.json"
    folder = "annotations/consolidated-annotation"
    entries = [payload_entry(one.each.number, one.line, one.answers) for one in taken]
    payload = _write(job, f"{folder}/consolidation-request/{name}", entries, consolidation)
    is_builtin = is_aws_function(job.post_function)
    function = consolidation.own_post_function if is_builtin else job.post_function
    answer = consolidation.functions.call(function, post_event(job, payload.uri))
    results = results_by_number(answer)
    _write(job, f"{folder}/consolidation-response/{name}", answer, consolidation)
    return {one.each.number: _label(job, one, results, consolidation) for one in taken}


def _plain_label(job: Job, one: Taken, consolidation: Consolidation) -> Label:
    return label_of(job, unconsolidated(one.answers, job.label_attribute), consolidation.clock())


def _label(job: Job, one: Taken, results: Mapping[str, Any], consolidation: Consolidation) -> Label:
    try:
        content = content_of(results.get(str(one.each.number)), job.label_attribute)
        if is_aws_function(job.post_function):
            return builtin_label(job, content, consolidation.clock())
        return label_of(job, content, consolidation.clock())
    except ObjectFailedError as error:
        return error


def _went_wrong(job: Job, taken: Sequence[Taken], error: RectoError, consolidation: Consolidation) -> str:
    """The whole batch went wrong: each is tried by itself, so that one bad object takes no other with it."""
    for one in taken:
        if one.each.tries >= MOST_TRIES and len(taken) == 1:
            told = f"ClientError: the post-annotation Lambda: {error}"
            _end(job, one.each, ObjectFailedError(told), consolidation)
            consolidation.messages.send(LabellingMessage(kind="finish", job=job.name))
        elif _put_back(one.each, consolidation):
            message = LabellingMessage(kind="consolidate", job=job.name, number=one.each.number, alone=True)
            consolidation.messages.send(message, delay_seconds=RETRY_SECONDS)
    return f"went wrong: {error}"


def _later(taken: Sequence[Taken], error: TransientError, consolidation: Consolidation) -> str:
    """Sooner than the queue would bring the message again, since that waits for six times the timeout."""
    for one in taken:
        _put_back(one.each, consolidation)
    first = taken[0].each
    if first.tries > MOST_DELAYS:
        raise error
    for one in taken:
        message = LabellingMessage(kind="consolidate", job=first.job, number=one.each.number)
        consolidation.messages.send(message, delay_seconds=RETRY_SECONDS * first.tries)
    return f"to be tried again: {error}"


def _put_back(each: TaskObject, consolidation: Consolidation) -> bool:
    due = consolidation.clock() + STALLED_AFTER
    return consolidation.tasks.write(Change(object=each.moved(state=ObjectState.ANSWERED, due=due)))


def _end(job: Job, each: TaskObject, label: Label, consolidation: Consolidation) -> None:
    if isinstance(label, ObjectFailedError):
        consolidation.tasks.write(Change(object=each.failed(str(label)), counts={"failed": 1}))
        return
    body = json_bytes(label)
    changes: dict[str, Any] = {"adjudicate": _to_adjudicate(label, job.label_attribute)}
    if len(body) <= INLINE_BYTES:
        changes["label"] = body.decode()
    else:
        place = JobPlaces(consolidation.work_bucket, job.name).label(each.number)
        consolidation.objects.write(place, body, JSON)
        changes["label_place"] = place.uri
    labelled = each.moved(state=ObjectState.LABELED, due=None, **changes)
    consolidation.tasks.write(Change(object=labelled, counts={"labeled": 1}))


def _to_adjudicate(label: Mapping[str, Any], attribute: str) -> tuple[str, ...]:
    """What `smgt_post` says that the workers disagree about."""
    told = consolidation_of(label, attribute).get("adjudicate")
    if not isinstance(told, list):
        return ()
    shown = tuple(shortened(str(each), MOST_DOUBT) for each in told[:MOST_DOUBTS])
    more = len(told) - len(shown)
    return (*shown, f"and {more} more, which the label tells") if more else shown


def _write(job: Job, name: str, value: Any, consolidation: Consolidation) -> Location:
    place = Location.from_uri(f"{job.output_prefix}/{name}")
    consolidation.objects.write(place, json_bytes(value), JSON)
    return place


# ---- the end


def finish(job: Job, consolidation: Consolidation) -> str:
    """Where nothing is left to do: the output manifest, and the job's last status."""
    is_stopping = job.status is JobStatus.STOPPING
    if not (is_stopping or (job.is_running and job.is_done)):
        return "goes on"
    if is_stopping and job.being_consolidated > 0:
        return "answers are still being consolidated"
    place = Location.from_uri(f"{job.output_prefix}/manifests/output/output.manifest")
    status, failure = outcome(job, first_failure(job, consolidation))
    changes: dict[str, Any] = {"modified": consolidation.clock()}
    try:
        if is_stopping:
            _keep_unfinished(job, consolidation)
        write_manifest(job, place, consolidation)
        changes["output"] = place.uri
    except ConfigurationError as error:  # nobody may write there: trying again does not help
        status, failure = JobStatus.FAILED, f"ClientError: the output manifest: {error}"[:1024]
    changes |= {"status": status, "failure": failure}
    if consolidation.jobs.update(job.name, ENDING, **changes):
        _tell_end(job, status, consolidation)
        _forget_drafts(job, consolidation)
    return str(status)


def _tell_end(job: Job, status: JobStatus, consolidation: Consolidation) -> None:
    detail = {"JobName": job.name, "JobArn": job.arn, "Status": str(status)}
    consolidation.events.publish(ENDED, detail, job.name)


def _forget_drafts(job: Job, consolidation: Consolidation) -> None:
    """What people had begun and given back, or run out of time with: nobody goes on with it any more."""
    place = JobPlaces(consolidation.work_bucket, job.name).drafts
    for key, _ in consolidation.objects.listing(place.bucket, place.key):
        consolidation.objects.delete(Location(bucket=place.bucket, key=key))


def _keep_unfinished(job: Job, consolidation: Consolidation) -> None:
    """Answers to objects that still wait for others' are in no label, but in their worker-response files."""
    for each in _all_objects(job, consolidation):
        if each.is_final or not each.answers:
            continue
        with suppress(DocumentError):  # an answer that is lost is no reason not to end
            answers = answers_of(each, consolidation)
            _write(job, response_name(each.number, answers), worker_response(answers), consolidation)


def _all_objects(job: Job, consolidation: Consolidation) -> Iterator[TaskObject]:
    for page in _pages(job, consolidation):
        yield from page


def _pages(job: Job, consolidation: Consolidation) -> Iterator[list[TaskObject]]:
    token, is_first = "", True
    while token or is_first:
        page = consolidation.tasks.objects(job.name, token, PAGE)
        token, is_first = page.next_token, False
        yield page.objects


def outcome(job: Job, first_error: str) -> tuple[JobStatus, str]:
    """The job's last status, and why it failed."""
    if job.failure:
        return JobStatus.FAILED, job.failure
    if job.status is JobStatus.STOPPING or job.ended_early:
        return JobStatus.STOPPED, ""
    if job.failed and job.failed == job.total:
        return JobStatus.FAILED, f"ClientError: all {job.total} objects failed. The first: {first_error}"[
            :1024
        ]
    return JobStatus.COMPLETED, ""


def first_failure(job: Job, consolidation: Consolidation) -> str:
    each = consolidation.tasks.object(job.name, 0)
    return each.error if each else ""


def write_manifest(job: Job, place: Location, consolidation: Consolidation) -> None:
    """The output manifest, in the order of the input; in parts, so that it may be longer than memory."""
    parts = _parts(output_lines(job, consolidation))
    first, second = next(parts, b""), next(parts, None)
    if second is None:
        consolidation.objects.write(place, first, "application/jsonlines")
        return
    upload = consolidation.uploads.begin(place, "application/jsonlines")
    etags = [consolidation.uploads.add(place, upload, 1, first)]
    etags.append(consolidation.uploads.add(place, upload, 2, second))
    for number, part in enumerate(parts, 3):
        etags.append(consolidation.uploads.add(place, upload, number, part))
    consolidation.uploads.finish(place, upload, etags)


def _parts(lines: Iterator[bytes]) -> Iterator[bytes]:
    part = bytearray()
    for line in lines:
        part += line
        if len(part) >= PART_BYTES:
            yield bytes(part)
            part.clear()
    if part:
        yield bytes(part)


def output_lines(job: Job, consolidation: Consolidation) -> Iterator[bytes]:
    """A line of each object that has ended; the others had no time any more."""
    with ThreadPoolExecutor(AT_ONCE) as pool:  # large labels lie in S3, one by one
        for page in _pages(job, consolidation):
            ended = [each for each in page if each.is_final]
            labels = pool.map(lambda each: _kept_label(each, consolidation), ended)
            for (each, body), label in zip(_with_bodies(job, ended, consolidation), labels, strict=True):
                yield output_line(job, each, _line_or_nothing(each, body), label)


def _with_bodies(
    job: Job, ended: Sequence[TaskObject], consolidation: Consolidation
) -> Iterator[tuple[TaskObject, bytes]]:
    """The objects with their lines, read at once where they lie side by side."""
    place, start, body = JobPlaces(consolidation.work_bucket, job.name).manifest, 0, b""
    for index, each in enumerate(ended):
        if each.length > PART_BYTES:  # no line, so it has failed and cannot be repeated
            yield each, b""
            continue
        if not body or each.offset + each.length > start + len(body):
            last = [e for e in ended[index:] if e.offset + e.length - each.offset <= PART_BYTES] or [each]
            start = each.offset
            body = consolidation.objects.read_range(place, start, last[-1].offset + last[-1].length - start)
        yield each, body[each.offset - start : each.offset - start + each.length]


def _line_or_nothing(each: TaskObject, body: bytes) -> dict[str, Any]:
    """A broken line cannot be repeated in the output: its number is in the reason."""
    try:
        return parse_line(each.number, body)
    except ObjectFailedError:
        return {}


def _kept_label(each: TaskObject, consolidation: Consolidation) -> dict[str, Any]:
    text = each.label
    if each.label_place:
        text = consolidation.objects.read(Location.from_uri(each.label_place)).decode()
    label: dict[str, Any] = json.loads(text) if text else {}
    return label
