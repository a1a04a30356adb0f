"""Tasks for workers: handed out, started, drafted, submitted, skipped, given back; never one twice.

Each function reads what is, decides with `recto_workbench.tasks` what is to be, and writes it only where
nobody else was quicker; then it looks again. What is refused is refused by name (`recto_workbench.errors`).
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import Any

from pydantic import BaseModel, ConfigDict

from recto.errors import TransientError
from recto.places import Location
from recto.ports import Clock, ObjectStore
from recto_workbench.errors import (
    AlreadySubmittedError,
    NonceError,
    NotAllowedError,
    RequestError,
    TaskExpiredError,
    TaskMissingError,
    TooLargeError,
)
from recto_workbench.jobs import FINAL_JOB_STATUSES, Counters, Job, JobStatus, Team, team_name
from recto_workbench.messages import LabellingMessage
from recto_workbench.page_tokens import place_in, token_of
from recto_workbench.ports import (
    Change,
    JobStore,
    Link,
    Links,
    MakeId,
    Messages,
    TaskFiles,
    TaskStore,
    TeamStore,
)
from recto_workbench.tasks import (
    Assignment,
    AssignmentState,
    JobPlaces,
    ObjectState,
    TaskObject,
    Worker,
    WorkerRecord,
)

TRIES = 20
"""How often a move is tried that others are quicker with."""
POOL_PAGE = 100
JOB_PAGE = 25
MOST_JOBS = 100
MOST_COUNTED = 100
"""Open objects that are counted; more of them are told as so many."""
MOST_DRAFT_BYTES = 4_000_000
MOST_ANSWER_BYTES = 4_000_000
MOST_DRAFT_CARRIED = 5_000_000
"""Bytes of a draft as it travels back, within an answer of 6 MB: JSON within JSON, its quotes escaped."""
MOST_UPLOAD_BYTES = 20_000_000
"""Of all that an answer names: they stand in it as text when it is consolidated."""
MOST_UPLOADS = 20
UPLOAD_TYPES = frozenset({"image/png"})
UPLOAD_NAME = re.compile(r"[a-z0-9]{8,64}")
LINK_SECONDS = 900
STALLED_AFTER = timedelta(minutes=5)
MOST_REASON = 1_000
UNDRAFTED = frozenset({AssignmentState.SUBMITTED, AssignmentState.SKIPPED})
"""Ends after which a worker never gets the object again."""


@dataclass(frozen=True)
class Desk:
    """Where tasks are handed out."""

    jobs: JobStore
    tasks: TaskStore
    teams: TeamStore
    objects: TaskFiles
    links: Links
    messages: Messages
    clock: Clock
    make_id: MakeId
    work_bucket: str


class View(BaseModel):
    """What the web shows of something."""

    model_config = ConfigDict(frozen=True)


class Progress(View):
    """Of one worker in one job."""

    done: int
    open: int
    """Objects on offer that this worker may take; 100 stands for 100 and more."""


class JobView(View):
    """A job as one worker sees it."""

    job: Job
    counters: Counters
    progress: Progress


class ObjectView(View):
    """An object as an operator sees it."""

    number: int
    state: ObjectState
    answers: int
    error: str
    adjudicate: tuple[str, ...]


class JobPage(View):
    """Some jobs, and where to go on; empty at the end."""

    jobs: tuple[JobView, ...]
    next_token: str


class JobDetail(View):
    """A job with some of its objects."""

    job: Job
    counters: Counters
    objects: tuple[ObjectView, ...]
    next_token: str


class TaskView(View):
    """A task as its worker sees it."""

    assignment: Assignment
    job: Job
    draft: dict[str, Any] | None
    progress: Progress
    line: dict[str, Any]
    """The object's line of the manifest: `raw-ref` and `page-num` say which document it belongs to."""


class UploadView(View):
    """Where one PNG of an answer may be put."""

    upload: str
    url: str
    headers: dict[str, str]


class Frame(View):
    """What a task's page is rendered from."""

    job: Job
    assignment: Assignment
    template: str
    task_input: dict[str, Any]


# ---- jobs


def jobs_for(
    worker: Worker, is_operator: bool, desk: Desk, next_token: str = "", limit: int = JOB_PAGE
) -> JobPage:
    """The jobs of the worker's teams, those that run first, then the newest; all for operators.

    Only those of the page are looked into, since counting what is open asks for the objects of each.
    """
    behind = place_in(next_token, _read_place, "next_token") if next_token else (-1, 0.0, "")
    teams = {team.name: team for team in desk.teams.all()}
    jobs = sorted(desk.jobs.all(), key=_job_place)
    mine = (job for job in jobs if _job_place(job) > behind and (is_operator or _is_of(job, worker, teams)))
    found = list(islice(mine, limit + 1))
    page = tuple(_job_view(job, worker, desk) for job in found[:limit])
    more = token_of(_job_place(found[limit - 1])) if len(found) > limit else ""
    return JobPage(jobs=page, next_token=more)


JobPlace = tuple[int, float, str]
"""Where a job stands in the list: a place, unlike a number, stays when others are made meanwhile."""


def _job_place(job: Job) -> JobPlace:
    return (0 if job.is_running else 1, -job.created.timestamp(), job.name)


def _read_place(told: Any) -> JobPlace:
    rank, created, name = told
    return (int(rank), float(created), str(name))


def job_detail(name: str, next_token: str, desk: Desk) -> JobDetail:
    """A job and a hundred of its objects, in the order of the manifest."""
    job = found_job(name, desk)
    page = desk.tasks.objects(job.name, next_token)
    return JobDetail(
        job=job,
        counters=job.counters,
        objects=tuple(_object_view(each) for each in page.objects),
        next_token=page.next_token,
    )


def stop_job(name: str, desk: Desk) -> Job:
    """No more tasks are handed out; what is answered is consolidated still. Stopping twice is no error."""
    job = found_job(name, desk)
    if job.status is JobStatus.STOPPING:
        return job
    running = (JobStatus.INITIALIZING, JobStatus.IN_PROGRESS)
    if not desk.jobs.update(job.name, running, status=JobStatus.STOPPING, modified=desk.clock()):
        job = found_job(name, desk)
        if job.status in FINAL_JOB_STATUSES:
            raise RequestError(
                f"job {job.name}: it has ended already ({job.status}), there is nothing to stop"
            )
    desk.messages.send(LabellingMessage(kind="finish", job=job.name))
    return found_job(name, desk)


def found_job(name: str, desk: Desk) -> Job:
    """TaskMissingError where there is none."""
    job = desk.jobs.find(name)
    if job is None:
        raise TaskMissingError(f"there is no job {name!r}")
    return job


def may_work(job: Job, worker: Worker, desk: Desk) -> bool:
    """Whether the worker is in the job's team. The public workforce is everybody who is signed in."""
    team = None if job.is_public else desk.teams.find(team_name(job.team_arn))
    return _is_of(job, worker, {team.name: team} if team else {})


def _is_of(job: Job, worker: Worker, teams: Mapping[str, Team]) -> bool:
    team = teams.get(team_name(job.team_arn))
    return job.is_public or (team is not None and bool(team.groups & set(worker.groups)))


def _job_view(job: Job, worker: Worker, desk: Desk) -> JobView:
    return JobView(job=job, counters=job.counters, progress=progress_of(job, worker, desk))


def progress_of(job: Job, worker: Worker, desk: Desk) -> Progress:
    """What the worker has done, and what is left."""
    record = desk.tasks.worker(job.name, worker.worker_id)
    is_open = islice(_open_for(job, worker, desk), MOST_COUNTED) if job.is_running else ()
    return Progress(done=record.done, open=sum(1 for _ in is_open))


def _open_for(job: Job, worker: Worker, desk: Desk) -> Iterator[TaskObject]:
    """Page after page of the pool: what the worker has done already may fill many of them."""
    after = -1
    while page := desk.tasks.pool(job.name, POOL_PAGE, after):
        yield from (each for each in page if each.is_open_for(worker.worker_id))
        after = page[-1].number


def _object_view(each: TaskObject) -> ObjectView:
    return ObjectView(
        number=each.number,
        state=each.state,
        answers=len(each.answers),
        error=each.error,
        adjudicate=each.adjudicate,
    )


# ---- handing out


def next_task(name: str, worker: Worker, reserve: bool, desk: Desk) -> TaskView | None:
    """A task of the job for this worker; None where nothing is open for him now.

    With `reserve`, one is put aside while another is at work, at most one. Without, it is the one the worker
    has already, or another, and its clock runs.
    """
    job = found_job(name, desk)
    if not may_work(job, worker, desk):
        raise NotAllowedError(f"job {name} is for team {team_name(job.team_arn)}, and you are not in it")
    if not job.is_running:
        return None
    for attempt in range(TRIES):
        assignment = _mine(job, worker, reserve, desk)
        if assignment is not None:
            break
        pool = list(islice(_open_for(job, worker, desk), attempt + 1))
        if not pool:
            return None
        # Who was not quick enough takes another one at once: all of them want the first.
        assignment = _claim(job, pool[-1].number, worker, desk)
        if assignment is not None:
            break
    else:
        return None
    return _view(assignment, job, worker, desk) if reserve else start(assignment.assignment_id, worker, desk)


def _mine(job: Job, worker: Worker, reserve: bool, desk: Desk) -> Assignment | None:
    """What the worker has already: the one put aside, or the one at work before it."""
    live = _live(job, worker, desk)
    ahead = [each for each in live if each.state is AssignmentState.RESERVED]
    at_work = [each for each in live if each.state is AssignmentState.STARTED]
    mine = ahead if reserve else [*at_work, *ahead]
    return mine[0] if mine else None


def _live(job: Job, worker: Worker, desk: Desk) -> list[Assignment]:
    """What the worker has of this job now; what has run out goes back first."""
    record = desk.tasks.worker(job.name, worker.worker_id)
    found = [desk.tasks.assignment(each) for each in record.live]
    live = [each for each in found if each is not None and each.is_live]
    now = desk.clock()
    for late in (each for each in live if each.expires <= now):
        take_back(late, AssignmentState.EXPIRED, desk)
    return [each for each in live if each.expires > now]


def _claim(job: Job, number: int, worker: Worker, desk: Desk) -> Assignment | None:
    """None where the object is not open for the worker any more, or was written meanwhile."""
    each = desk.tasks.object(job.name, number)
    now = desk.clock()
    if each is None or not each.is_open_for(worker.worker_id) or _is_over(each, desk):
        return None
    assignment = Assignment(
        assignment_id=desk.make_id(),
        job=job.name,
        number=number,
        worker_id=worker.worker_id,
        state=AssignmentState.RESERVED,
        nonce=desk.make_id(),
        created=now,
        expires=now + timedelta(seconds=job.time_limit_seconds),
    )
    record = desk.tasks.worker(job.name, worker.worker_id)
    change = Change(
        object=each.given_to(worker.worker_id),
        assignment=assignment,
        is_new_assignment=True,
        worker=record.taking(assignment.assignment_id),
    )
    return assignment if desk.tasks.write(change) else None


def _is_over(each: TaskObject, desk: Desk) -> bool:
    return each.available_until is not None and each.available_until <= desk.clock()


# ---- one task


def find(assignment_id: str, worker: Worker, desk: Desk) -> TaskView:
    """The worker's own task, whatever became of it."""
    assignment = _own(assignment_id, worker, desk)
    return _view(assignment, found_job(assignment.job, desk), worker, desk)


def frame_of(assignment_id: str, desk: Desk) -> Frame:
    """What the task's page is rendered from; who may see it is checked by who gives out its address."""
    assignment = desk.tasks.assignment(assignment_id)
    if assignment is None:
        raise TaskMissingError("there is no such task")
    places = JobPlaces(desk.work_bucket, assignment.job)
    return Frame(
        job=found_job(assignment.job, desk),
        assignment=assignment,
        template=desk.objects.read(places.template).decode(),
        task_input=json.loads(desk.objects.read(places.task_input(assignment.number))),
    )


def start(assignment_id: str, worker: Worker, desk: Desk) -> TaskView:
    """The task with its clock running. Starting twice does not set the clock back."""

    def move(assignment: Assignment, job: Job) -> Change | None:
        if assignment.state is AssignmentState.STARTED:
            return None
        now = desk.clock()
        return Change(assignment=assignment.started_at(now, now + timedelta(seconds=job.time_limit_seconds)))

    assignment, job = _moved(assignment_id, worker, move, desk)
    return _view(assignment, job, worker, desk)


def save_draft(assignment_id: str, worker: Worker, answer: Mapping[str, Any], desk: Desk) -> str:
    """When it was saved. It is there again when the worker is given the object again."""
    assignment = _held(_own(assignment_id, worker, desk), desk)
    body = _sized(answer, MOST_DRAFT_BYTES, "draft")
    if len(json.dumps(body.decode())) > MOST_DRAFT_CARRIED:
        raise TooLargeError(f"draft: {len(body)} bytes, which are more than {MOST_DRAFT_CARRIED} escaped")
    desk.objects.write(_draft_place(assignment, desk), body, "application/json")
    current = desk.tasks.assignment(assignment_id)
    has_ended = found_job(assignment.job, desk).is_final
    if current and (current.state in UNDRAFTED or has_ended):  # while this was on its way
        _forget_draft(current, desk)
    return desk.clock().isoformat()


def _draft_place(assignment: Assignment, desk: Desk) -> Location:
    return JobPlaces(desk.work_bucket, assignment.job).draft(assignment.number, assignment.worker_id)


def _forget_draft(assignment: Assignment, desk: Desk) -> None:
    """The worker never gets the object again, so a draft that cannot be deleted now is not worth an error."""
    with suppress(TransientError):
        desk.objects.delete(_draft_place(assignment, desk))


def upload_link(
    assignment_id: str, worker: Worker, content_type: str, num_bytes: int, desk: Desk
) -> UploadView:
    """A link for one PUT of a PNG, which the answer then names as `{"uploaded": name}`."""
    assignment = _held(_own(assignment_id, worker, desk), desk)
    if content_type not in UPLOAD_TYPES:
        raise RequestError(f"content_type: expected {' or '.join(UPLOAD_TYPES)}, got {content_type!r}")
    if not 0 < num_bytes <= MOST_UPLOAD_BYTES:
        raise TooLargeError(f"bytes: expected 1 to {MOST_UPLOAD_BYTES}, got {num_bytes}")
    name = desk.make_id().lower()
    place = JobPlaces(desk.work_bucket, assignment.job).upload(assignment_id, name)
    link: Link = desk.links.to_write(place, content_type, num_bytes, LINK_SECONDS)
    return UploadView(upload=name, url=link.url, headers=dict(link.headers))


def submit(
    assignment_id: str, worker: Worker, nonce: str, answer: Mapping[str, Any], desk: Desk
) -> Assignment:
    """The worker's answer, taken once: in time, for his own task, from the page he was given."""
    assignment = _held(_own(assignment_id, worker, desk), desk)
    if assignment.state is not AssignmentState.STARTED:
        raise RequestError("the task has not been started, so it cannot be submitted")
    if nonce != assignment.nonce:
        raise NonceError("the answer does not come from the page that was handed out with this task")
    places = JobPlaces(desk.work_bucket, assignment.job)
    body = _sized(answer, MOST_ANSWER_BYTES, "answer")
    place = places.answer(assignment_id, desk.make_id())
    _keep_uploads(answer, assignment, place, desk)
    desk.objects.write(place, body, "application/json")
    taken, each = _submitted(assignment, place, worker, desk)
    if each.state is ObjectState.ANSWERED:
        message = LabellingMessage(kind="consolidate", job=each.job, number=each.number)
        desk.messages.send(message)
        desk.messages.send(LabellingMessage(kind="offer", job=each.job))
    _forget_draft(taken, desk)
    return taken


def _submitted(
    assignment: Assignment, place: Location, worker: Worker, desk: Desk
) -> tuple[Assignment, TaskObject]:
    after: list[TaskObject] = []

    def move(current: Assignment, _: Job) -> Change:
        each = _object_of(current, desk)
        now = desk.clock()
        answered = each.answered_by(worker.worker_id, now + STALLED_AFTER)
        after[:] = [answered]
        record = desk.tasks.worker(current.job, worker.worker_id)
        return Change(
            object=answered,
            assignment=current.ended_at(now, AssignmentState.SUBMITTED, answer=place.uri),
            worker=record.leaving(current.assignment_id, done=1),
            counts={"on_offer": -1} if answered.state is ObjectState.ANSWERED else {},
            while_running=True,  # or a job that is being stopped might end without this answer
        )

    taken, _ = _moved(assignment.assignment_id, worker, move, desk)
    return taken, after[0]


def skip(assignment_id: str, worker: Worker, reason: str, desk: Desk) -> Assignment:
    """Back into the pool, and never to this worker again."""
    if not reason.strip() or len(reason) > MOST_REASON:
        raise RequestError(f"reason: expected 1 to {MOST_REASON} characters, got {len(reason.strip())}")
    skipped = _given_up(assignment_id, worker, AssignmentState.SKIPPED, desk, reason=reason.strip())
    _forget_draft(skipped, desk)
    return skipped


def release(assignment_id: str, worker: Worker, desk: Desk) -> Assignment:
    """Back into the pool; it may come again, with the draft as it is."""
    return _given_up(assignment_id, worker, AssignmentState.RETURNED, desk)


def _given_up(
    assignment_id: str, worker: Worker, state: AssignmentState, desk: Desk, **changes: str
) -> Assignment:
    def move(current: Assignment, _: Job) -> Change:
        return _leaving(current, _object_of(current, desk), state, desk, **changes)

    return _moved(assignment_id, worker, move, desk)[0]


def take_back(assignment: Assignment, state: AssignmentState, desk: Desk) -> bool:
    """End somebody's live assignment; False where it had ended, or the object was written meanwhile."""
    current = desk.tasks.assignment(assignment.assignment_id)
    each = desk.tasks.object(assignment.job, assignment.number)
    if current is None or each is None or not current.is_live:
        return False
    return desk.tasks.write(_leaving(current, each, state, desk))


def _leaving(
    current: Assignment, each: TaskObject, state: AssignmentState, desk: Desk, **changes: str
) -> Change:
    record: WorkerRecord = desk.tasks.worker(current.job, current.worker_id)
    return Change(
        object=each.taken_back(current.worker_id, declined=state is AssignmentState.SKIPPED),
        assignment=current.ended_at(desk.clock(), state, **changes),
        worker=record.leaving(current.assignment_id),
    )


# ---- what all of them check


def _moved(
    assignment_id: str, worker: Worker, move: Callable[[Assignment, Job], Change | None], desk: Desk
) -> tuple[Assignment, Job]:
    """The assignment after a move that was tried until nobody else was quicker; None is no move."""
    for _ in range(TRIES):
        assignment = _held(_own(assignment_id, worker, desk), desk)
        job = found_job(assignment.job, desk)
        change = move(assignment, job)
        if change is None:
            return assignment, job
        if desk.tasks.write(change):
            return change.assignment or assignment, job
    raise RequestError(f"the task could not be changed: others changed it {TRIES} times meanwhile; try again")


def _own(assignment_id: str, worker: Worker, desk: Desk) -> Assignment:
    assignment = desk.tasks.assignment(assignment_id)
    if assignment is None:
        raise TaskMissingError("there is no such task, or it was handed out anew since")
    if assignment.worker_id != worker.worker_id:
        raise NotAllowedError("this task was given to somebody else")
    return assignment


def _held(assignment: Assignment, desk: Desk) -> Assignment:
    """The assignment where the worker still has it; else an error that says what became of it."""
    if assignment.state is AssignmentState.SUBMITTED:
        raise AlreadySubmittedError(f"the answer of {assignment.ended} has been taken; there is one a task")
    if not assignment.is_live:
        raise TaskExpiredError(f"the task is not yours any more: {assignment.state} at {assignment.ended}")
    if assignment.expires <= desk.clock():
        raise TaskExpiredError(f"the time for this task ended at {assignment.expires}")
    job = found_job(assignment.job, desk)
    if not job.is_running:
        raise TaskExpiredError(f"job {job.name} takes no more answers: {job.status}")
    return assignment


def _object_of(assignment: Assignment, desk: Desk) -> TaskObject:
    each = desk.tasks.object(assignment.job, assignment.number)
    if each is None or each.state is not ObjectState.OPEN:
        raise TaskExpiredError("the object is not on offer any more")
    return each


def _sized(answer: Mapping[str, Any], most: int, what: str) -> bytes:
    try:
        body = json.dumps(answer, ensure_ascii=False, allow_nan=False).encode()
    except ValueError as error:  # Python reads NaN and 1e999, but they are no JSON
        raise RequestError(f"{what}: it holds a number that is none, or half a character") from error
    if len(body) > most:
        raise TooLargeError(f"{what}: {len(body)} bytes, at most {most}; images go by upload")
    return body


def _keep_uploads(answer: Mapping[str, Any], assignment: Assignment, place: Location, desk: Desk) -> None:
    """Copies of the images that the answer names, beside it: a link to an upload may be used again later.

    The copies are what is looked at, since an upload may be written over between a look and a copy.
    """
    places = JobPlaces(desk.work_bucket, assignment.job)
    sizes = 0
    for count, name in enumerate(uploads_in(answer), 1):
        if count > MOST_UPLOADS:
            raise RequestError(f"the answer names more than {MOST_UPLOADS} uploads")
        upload = places.upload(assignment.assignment_id, name)
        if not UPLOAD_NAME.fullmatch(name) or desk.objects.info(upload) is None:
            raise RequestError(f"the answer names the upload {name!r}, which has not arrived")
        kept = places.kept_upload(place.uri, name)
        desk.objects.copy(upload, kept)
        info = desk.objects.info(kept)
        sizes += info.size if info else 0
        if sizes > MOST_UPLOAD_BYTES:
            raise TooLargeError(
                f"upload {name}: with it, the answer has {sizes} bytes, at most {MOST_UPLOAD_BYTES}"
            )


def uploads_in(answer: Any) -> Iterator[str]:
    """Names of the uploads that an answer holds in place of base64 text."""
    if isinstance(answer, Mapping):
        if set(answer) == {"uploaded"} and isinstance(answer["uploaded"], str):
            yield answer["uploaded"]
            return
        for value in answer.values():
            yield from uploads_in(value)
    elif isinstance(answer, list):
        for value in answer:
            yield from uploads_in(value)


def with_uploads(answer: Any, read: Callable[[str], str]) -> Any:
    """The answer with base64 text where uploads are named."""
    if isinstance(answer, Mapping):
        if set(answer) == {"uploaded"} and isinstance(answer["uploaded"], str):
            return read(answer["uploaded"])
        return {key: with_uploads(value, read) for key, value in answer.items()}
    if isinstance(answer, list):
        return [with_uploads(value, read) for value in answer]
    return answer


def _view(assignment: Assignment, job: Job, worker: Worker, desk: Desk) -> TaskView:
    places = JobPlaces(desk.work_bucket, job.name)
    draft_place = _draft_place(assignment, desk)
    draft = json.loads(desk.objects.read(draft_place)) if desk.objects.info(draft_place) else None
    each = desk.tasks.object(job.name, assignment.number)
    return TaskView(
        assignment=assignment,
        job=job,
        draft=draft,
        progress=progress_of(job, worker, desk),
        line=line_of(each, places, desk.objects) if each else {},
    )


def line_of(each: TaskObject, places: JobPlaces, objects: ObjectStore) -> dict[str, Any]:
    """An object's line of the input manifest."""
    line: dict[str, Any] = json.loads(objects.read_range(places.manifest, each.offset, each.length))
    return line
