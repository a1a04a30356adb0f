"""Once a minute: what has run out goes back or ends, and what has stalled is pushed on."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple, TypeVar

from recto.errors import RectoError
from recto.places import Location
from recto_workbench.jobs import Job, JobStatus
from recto_workbench.messages import LabellingMessage
from recto_workbench.outputs import EXPIRED, response_name, worker_response
from recto_workbench.ports import Change
from recto_workbench.steps.assignment import Desk, take_back
from recto_workbench.steps.consolidation import Consolidation, answers_of
from recto_workbench.steps.intake import STALLED_AFTER
from recto_workbench.tasks import AssignmentState, ObjectState, TaskObject

R = TypeVar("R")
AT_ONCE = 500
LONGEST_JOB = timedelta(days=30)
"""Ground Truth's own."""


class Sweep(NamedTuple):
    """What was done, for the log."""

    assignments: int
    objects: int
    jobs: int


@dataclass(frozen=True)
class Expiry:
    """What it takes to sweep."""

    desk: Desk
    consolidation: Consolidation
    write_json: Callable[[Location, object], None]


def sweep(expiry: Expiry) -> Sweep:
    """Assignments first, so that what they held is free."""
    now = expiry.desk.clock()
    desk, errors = expiry.desk, list[RectoError]()
    late = desk.tasks.due_assignments(now, AT_ONCE)
    returned = _each(late, lambda each: take_back(each, AssignmentState.EXPIRED, desk), errors)
    objects = _each(desk.tasks.due_objects(now, AT_ONCE), lambda each: _look_at(each, expiry), errors)
    jobs = _each(_unended(desk), lambda job: _push_on(job, desk), errors)
    if errors:
        raise errors[0]
    return Sweep(returned, objects, jobs)


def _each(rows: Iterable[R], work: Callable[[R], bool], errors: list[RectoError]) -> int:
    """How many moved. One that goes wrong keeps no other waiting; the minute is told as failed in the end."""
    moved = 0
    for row in rows:
        try:
            moved += work(row)
        except RectoError as error:
            errors.append(error)
    return moved


def _unended(desk: Desk) -> list[Job]:
    statuses = (JobStatus.INITIALIZING, JobStatus.IN_PROGRESS, JobStatus.STOPPING)
    return [job for status in statuses for job in desk.jobs.with_status(status)]


# ---- objects


def _look_at(seen: TaskObject, expiry: Expiry) -> bool:
    """The index may be a moment behind: the row itself decides."""
    desk = expiry.desk
    each, job = desk.tasks.object(seen.job, seen.number), desk.jobs.find(seen.job)
    now = desk.clock()
    if each is None or job is None or each.due is None or each.due > now:
        return False
    if job.is_final:
        return desk.tasks.write(Change(object=each.moved(due=None)))
    if each.state is ObjectState.OPEN:
        return _end_offer(job, each, expiry)
    if each.state is ObjectState.OPENING:
        message = LabellingMessage(kind="open", job=each.job, number=each.number)
        return _again(each.moved(due=now + STALLED_AFTER), message, desk)
    message = LabellingMessage(kind="consolidate", job=each.job, number=each.number)
    return _again(each.moved(state=ObjectState.ANSWERED, due=now + STALLED_AFTER), message, desk)


def _again(each: TaskObject, message: LabellingMessage, desk: Desk) -> bool:
    if not desk.tasks.write(Change(object=each)):
        return False
    desk.messages.send(message)
    return True


def _end_offer(job: Job, each: TaskObject, expiry: Expiry) -> bool:
    """Nobody answered in time, or too few did; their answers stay in the worker-response file."""
    desk = expiry.desk
    for assignment in desk.tasks.assignments(each.job, each.number):
        if assignment.is_live:
            take_back(assignment, AssignmentState.EXPIRED, desk)
    current = desk.tasks.object(each.job, each.number)
    if current is None or current.state is not ObjectState.OPEN:
        return False
    reason = EXPIRED if not current.answers else f"{EXPIRED} {_so_many(current)}"
    if not desk.tasks.write(Change(object=current.failed(reason), counts={"on_offer": -1, "failed": 1})):
        return False
    if current.answers:
        answers = answers_of(current, expiry.consolidation)
        place = Location.from_uri(f"{job.output_prefix}/{response_name(current.number, answers)}")
        expiry.write_json(place, worker_response(answers))
    desk.messages.send(LabellingMessage(kind="offer", job=job.name))
    desk.messages.send(LabellingMessage(kind="finish", job=job.name))
    return True


def _so_many(each: TaskObject) -> str:
    return f"({len(each.answers)} of {each.wanted} answers had come.)"


# ---- jobs


def _push_on(job: Job, desk: Desk) -> bool:
    """Whatever message was lost comes again."""
    now = desk.clock()
    if now - job.created > LONGEST_JOB and job.status is not JobStatus.STOPPING:
        reason = f"ClientError: the job ran for more than {LONGEST_JOB.days} days"
        statuses = (JobStatus.INITIALIZING, JobStatus.IN_PROGRESS)
        desk.jobs.update(job.name, statuses, status=JobStatus.STOPPING, failure=reason, modified=now)
        desk.messages.send(LabellingMessage(kind="finish", job=job.name))
        return True
    if job.status is JobStatus.STOPPING or (job.is_running and job.is_done):
        desk.messages.send(LabellingMessage(kind="finish", job=job.name))
        return True
    if not job.is_read and now - job.modified > STALLED_AFTER:
        desk.messages.send(_reading_on(job, desk))
        return True
    if job.has_room:
        desk.messages.send(LabellingMessage(kind="offer", job=job.name))
        return True
    return False


def _reading_on(job: Job, desk: Desk) -> LabellingMessage:
    last = desk.tasks.object(job.name, job.total - 1) if job.total else None
    offset = last.offset + last.length if last else 0
    return LabellingMessage(kind="read", job=job.name, number=job.total, offset=offset)
