"""Objects to be labelled, and who has which: states and the moves between them, as values.

No store, no clock: a move takes what is and gives what is to be, with its version one higher. The store
writes it only where nobody else has written meanwhile.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from pydantic import BaseModel, ConfigDict

from recto.places import Location, digest

NUMBER_DIGITS = 8
MOST_ERROR = 4_000
"""Characters of a reason: a row has 400 KB at most."""


class Worker(BaseModel):
    """Somebody who labels, as the sign-in knows them."""

    model_config = ConfigDict(frozen=True)

    worker_id: str
    name: str = ""
    groups: tuple[str, ...] = ()
    """Groups of the user pool; work teams are made of them."""


class ObjectState(StrEnum):
    """Where an object of a manifest stands. The last three are final."""

    WAITING = "WAITING"
    """Read from the manifest, not on offer yet."""
    OPENING = "OPENING"
    """Its task is being made."""
    OPEN = "OPEN"
    """On offer to workers."""
    ANSWERED = "ANSWERED"
    """It has all its answers."""
    CONSOLIDATING = "CONSOLIDATING"
    """The post-labelling function has its answers."""
    LABELED = "LABELED"
    FAILED = "FAILED"
    UNNEEDED = "UNNEEDED"
    """The pre-labelling function said that nobody need look at it."""


FINAL_OBJECT_STATES = frozenset({ObjectState.LABELED, ObjectState.FAILED, ObjectState.UNNEEDED})
ON_OFFER = frozenset({ObjectState.OPENING, ObjectState.OPEN})
"""What counts against MaxConcurrentTaskCount."""


class AssignmentState(StrEnum):
    """Where a worker's task stands. The first two are live."""

    RESERVED = "RESERVED"
    STARTED = "STARTED"
    SUBMITTED = "SUBMITTED"
    SKIPPED = "SKIPPED"
    RETURNED = "RETURNED"
    EXPIRED = "EXPIRED"


LIVE = frozenset({AssignmentState.RESERVED, AssignmentState.STARTED})


class Versioned(BaseModel):
    """A row that is written only where it is still what was read."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    version: int = 1

    def moved(self, **changes: Any) -> Self:
        """The same with changes, one version on."""
        return self.model_copy(update={**changes, "version": self.version + 1})


class TaskObject(Versioned):
    """One line of the manifest and what became of it."""

    job: str
    number: int
    """From 0, as Ground Truth's `datasetObjectId`."""
    offset: int
    """Where its line begins in the job's copy of the manifest, in bytes."""
    length: int
    state: ObjectState = ObjectState.WAITING
    wanted: int = 1
    """Answers, each by another worker."""
    answers: tuple[str, ...] = ()
    """Workers who have answered, in their order."""
    active: tuple[str, ...] = ()
    """Workers who have it now."""
    declined: tuple[str, ...] = ()
    """Workers who skipped it."""
    due: datetime | None = None
    """When somebody has to look at it: its offer ends, or a step of ours has stalled."""
    available_until: datetime | None = None
    tries: int = 0
    """Of the step that is under way."""
    error: str = ""
    """Why it failed."""
    label: str = ""
    """What it adds to its line of the output manifest, as JSON; empty where that is large."""
    label_place: str = ""
    """S3 URI of it where it is large."""
    adjudicate: tuple[str, ...] = ()
    """What the workers disagreed about."""

    @property
    def is_final(self) -> bool:
        return self.state in FINAL_OBJECT_STATES

    @property
    def free_places(self) -> int:
        return max(0, self.wanted - len(self.answers) - len(self.active))

    @property
    def is_in_pool(self) -> bool:
        """Whether it needs workers."""
        return self.state is ObjectState.OPEN and self.free_places > 0

    def is_open_for(self, worker_id: str) -> bool:
        """Never to a worker who has it, has answered it or has skipped it."""
        return self.is_in_pool and worker_id not in {*self.answers, *self.active, *self.declined}

    def given_to(self, worker_id: str) -> Self:
        return self.moved(active=(*self.active, worker_id))

    def taken_back(self, worker_id: str, declined: bool = False) -> Self:
        """Into the pool again; who has skipped it does not get it again."""
        declined_by = (*self.declined, worker_id) if declined else self.declined
        return self.moved(active=_without(self.active, worker_id), declined=declined_by)

    def answered_by(self, worker_id: str, stalled_at: datetime) -> Self:
        """With one answer more; with the last one it leaves the pool and waits to be consolidated."""
        answers = (*self.answers, worker_id)
        changes: dict[str, Any] = {"answers": answers, "active": _without(self.active, worker_id)}
        if len(answers) >= self.wanted:
            changes |= {"state": ObjectState.ANSWERED, "due": stalled_at, "tries": 0}
        return self.moved(**changes)

    def failed(self, error: str) -> Self:
        return self.moved(state=ObjectState.FAILED, error=told(error, MOST_ERROR), due=None)


def told(text: str, most: int) -> str:
    """A text that a row can hold, whatever the answer or the manifest that it speaks of had in it."""
    shown = text if len(text) <= most else f"{text[:most]}…"
    return shown.encode(errors="replace").decode()


def _without(workers: tuple[str, ...], worker_id: str) -> tuple[str, ...]:
    return tuple(each for each in workers if each != worker_id)


class Assignment(Versioned):
    """One object in one worker's hands. The id is all that a browser sees of it."""

    assignment_id: str
    job: str
    number: int
    worker_id: str
    state: AssignmentState
    nonce: str
    """What an answer must bring along; of this assignment alone."""
    created: datetime
    started: datetime | None = None
    expires: datetime
    ended: datetime | None = None
    reason: str = ""
    """Why it was skipped."""
    answer: str = ""
    """S3 URI of the answer that counted."""

    @property
    def is_live(self) -> bool:
        return self.state in LIVE

    def started_at(self, now: datetime, expires: datetime) -> Self:
        return self.moved(state=AssignmentState.STARTED, started=now, expires=expires)

    def ended_at(self, now: datetime, state: AssignmentState, **changes: str) -> Self:
        return self.moved(state=state, ended=now, **changes)


class WorkerRecord(Versioned):
    """A worker's part in a job."""

    version: int = 0
    """0: there is no row of it yet."""
    job: str
    worker_id: str
    done: int = 0
    live: tuple[str, ...] = ()
    """Ids of the assignments that the worker has now: one at work, one ahead."""

    def taking(self, assignment_id: str) -> Self:
        return self.moved(live=(*self.live, assignment_id))

    def leaving(self, assignment_id: str, done: int = 0) -> Self:
        return self.moved(live=_without(self.live, assignment_id), done=self.done + done)


class JobPlaces:
    """Where a job's own files lie in the work bucket, below `labelling/<job>/`."""

    def __init__(self, bucket: str, job: str) -> None:
        self._bucket = bucket
        self._prefix = f"labelling/{job}/"

    def _at(self, name: str) -> Location:
        return Location(bucket=self._bucket, key=self._prefix + name)

    @property
    def manifest(self) -> Location:
        """The input manifest as it was when the job was created."""
        return self._at("input.manifest")

    @property
    def template(self) -> Location:
        return self._at("template.liquid.html")

    def task_input(self, number: int) -> Location:
        return self._at(f"tasks/{number:0{NUMBER_DIGITS}d}.json")

    def label(self, number: int) -> Location:
        """What a large result adds to its line of the output manifest."""
        return self._at(f"labels/{number:0{NUMBER_DIGITS}d}.json")

    def answer(self, assignment_id: str, name: str) -> Location:
        """One submission's own: what comes at the same time must not write over the one that counts."""
        return self._at(f"answers/{assignment_id}/{name}.json")

    def draft(self, number: int, worker_id: str) -> Location:
        """A worker's own of an object, whichever assignment it was saved in: who gets it again goes on."""
        return self._at(f"drafts/{number:0{NUMBER_DIGITS}d}/{digest(worker_id)}.json")

    @property
    def drafts(self) -> Location:
        """Where all drafts of the job lie below."""
        return self._at("drafts/")

    def upload(self, assignment_id: str, name: str) -> Location:
        """Where a link lets a browser put an image; it may be written again while the link lasts."""
        return self._at(f"uploads/{assignment_id}/{name}")

    def kept_upload(self, answer: str, name: str) -> Location:
        """The image as it was when this answer (its S3 URI) was handed in: no link leads there."""
        return Location.from_uri(f"{answer.removesuffix('.json')}/{name}.png")
