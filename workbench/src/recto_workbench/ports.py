"""What the workbench's steps need from the outside, as they see it; adapters are in `recto_workbench.aws`."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from pydantic import BaseModel, ConfigDict

from recto.places import Location
from recto.ports import Copies, ObjectInfo, ObjectStore
from recto_workbench.jobs import Job, JobStatus, Team
from recto_workbench.messages import LabellingMessage
from recto_workbench.tasks import Assignment, TaskObject, WorkerRecord


class Change(BaseModel):
    """Rows that are written together, or not at all: each only where it still is one version behind."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    object: TaskObject | None = None
    assignment: Assignment | None = None
    is_new_assignment: bool = False
    """It takes the place of what the worker had of this object before."""
    worker: WorkerRecord | None = None
    counts: Mapping[str, int] = {}
    """Of the object's job, to be added: `on_offer`, `labeled`, `failed`, `unneeded`."""
    while_running: bool = False
    """Its counts are added only while the job runs."""
    offer_limit: int | None = None
    """It is put on offer: only while it is its job's next, the job runs, and fewer are on offer."""


class ObjectPage(NamedTuple):
    """Objects in the order of the manifest, and where to go on; empty at the end."""

    objects: list[TaskObject]
    next_token: str


class TaskStore(Protocol):
    """Objects, assignments, and workers' parts in jobs."""

    def add_objects(self, objects: Sequence[TaskObject]) -> None:
        """New ones. Those that are there already stay as they are."""
        ...

    def object(self, job: str, number: int) -> TaskObject | None: ...

    def objects(self, job: str, next_token: str = "", limit: int = 100) -> ObjectPage:
        """RequestError for a token that is none."""
        ...

    def pool(self, job: str, limit: int, after: int = -1) -> list[TaskObject]:
        """Objects that need workers, in the order of the manifest behind `after`; a moment old."""
        ...

    def answered(self, job: str, limit: int) -> list[TaskObject]:
        """Objects that wait to be consolidated, or just are; a moment old."""
        ...

    def due_objects(self, now: datetime, limit: int) -> list[TaskObject]:
        """Objects that somebody has to look at by now, the longest due first."""
        ...

    def due_assignments(self, now: datetime, limit: int) -> list[Assignment]:
        """Live assignments past their time."""
        ...

    def assignment(self, assignment_id: str) -> Assignment | None:
        """None too where the worker was given the object anew since: that is another assignment."""
        ...

    def assignments(self, job: str, number: int) -> list[Assignment]:
        """All of an object, by worker."""
        ...

    def worker(self, job: str, worker_id: str) -> WorkerRecord:
        """Of version 0 where the worker has had nothing of this job."""
        ...

    def write(self, change: Change) -> bool:
        """False where somebody else has written one of the rows meanwhile; then nothing is written."""
        ...


class JobStore(Protocol):
    """Labelling jobs by name, which is the same name in upper and lower case."""

    def add(self, job: Job) -> bool:
        """False where there is one of that name."""
        ...

    def find(self, name: str) -> Job | None: ...

    def with_status(self, status: JobStatus) -> list[Job]:
        """Oldest first."""
        ...

    def all(self) -> list[Job]:
        """Oldest first."""
        ...

    def update(
        self, name: str, expected: Sequence[JobStatus], of_total: int | None = None, **changes: Any
    ) -> bool:
        """Set attributes, where the job is in one of these statuses; False where it is in another.

        With `of_total` only while so many of its objects have been read.
        """
        ...


class TeamStore(Protocol):
    """Work teams by name."""

    def find(self, name: str) -> Team | None: ...

    def all(self) -> list[Team]:
        """Oldest first."""
        ...

    def save(self, team: Team) -> bool:
        """Of version 1: False where there is one of that name. Else False where it has changed meanwhile."""
        ...

    def delete(self, name: str) -> bool:
        """False where there was none."""
        ...


class TaskFiles(ObjectStore, Copies, Protocol):
    """Objects in buckets, some of which are wanted for a while only."""

    def listing(self, bucket: str, prefix: str = "") -> Iterator[tuple[str, ObjectInfo]]:
        """Key and info of each object below a prefix."""
        ...

    def delete(self, place: Location) -> None:
        """Deleting what is not there is no error."""
        ...


class Link(NamedTuple):
    """A short-lived address of one object, and the headers that a request must bring."""

    url: str
    headers: Mapping[str, str]


class Links(Protocol):
    """Links that let a browser read or write one object for a while."""

    def to_read(self, place: Location, seconds: int) -> Link: ...

    def to_write(self, place: Location, content_type: str, num_bytes: int, seconds: int) -> Link: ...


class Messages(Protocol):
    """The workbench's queues."""

    def send(self, message: LabellingMessage, delay_seconds: int = 0) -> None: ...


class LabellingFunctions(Protocol):
    """Pre- and post-labelling functions."""

    def call(self, function: str, event: Mapping[str, Any]) -> Any:
        """What it answers. FunctionFailedError where it fails or times out; a TransientError may pass."""
        ...


class MakeId(Protocol):
    def __call__(self) -> str:
        """Something that nobody can guess: 32 characters or so, letters and digits."""
        ...
