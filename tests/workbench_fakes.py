"""The workbench's table, queues and links in memory; checked against the ports and beside DynamoDB."""

import itertools
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from recto.places import Location
from recto_workbench.errors import RequestError
from recto_workbench.jobs import Job, JobStatus, Team
from recto_workbench.messages import TO_INTAKE, LabellingMessage
from recto_workbench.ports import Change, Link, ObjectPage
from recto_workbench.steps.assignment import Desk, next_task, submit
from recto_workbench.steps.consolidation import Consolidation, work_off
from recto_workbench.steps.control import Account, Control, answer
from recto_workbench.steps.expiry import Expiry
from recto_workbench.steps.intake import Intake, take
from recto_workbench.tasks import Assignment, JobPlaces, ObjectState, TaskObject, Worker, WorkerRecord
from tests.fakes import FakeEvents
from tests.memory import MemoryObjects

START = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
WORK = "work"


@dataclass
class FakeClock:
    """Stands still until it is moved."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass
class Counted:
    """Ids that are counted."""

    numbers: Any = field(default_factory=lambda: itertools.count(1))

    def __call__(self) -> str:
        return f"id{next(self.numbers):06d}"


@dataclass
class MemoryJobs:
    """Jobs by name in lower case."""

    rows: dict[str, Job] = field(default_factory=dict)

    def add(self, job: Job) -> bool:
        return self.rows.setdefault(job.name.lower(), job) is job

    def find(self, name: str) -> Job | None:
        return self.rows.get(name.lower())

    def with_status(self, status: JobStatus) -> list[Job]:
        return [job for job in self.all() if job.status is status]

    def all(self) -> list[Job]:
        return sorted(self.rows.values(), key=lambda job: job.created)

    def update(
        self, name: str, expected: Sequence[JobStatus], of_total: int | None = None, **changes: Any
    ) -> bool:
        job = self.find(name)
        if job is None or job.status not in expected or of_total not in (None, job.total):
            return False
        self.rows[name.lower()] = job.model_copy(update=changes)
        return True


@dataclass
class MemoryTeams:
    """Work teams by name."""

    rows: dict[str, Team] = field(default_factory=dict)

    def find(self, name: str) -> Team | None:
        return self.rows.get(name)

    def all(self) -> list[Team]:
        return sorted(self.rows.values(), key=lambda team: team.created)

    def save(self, team: Team) -> bool:
        there = self.rows.get(team.name)
        if team.version != (there.version + 1 if there else 1):
            return False
        self.rows[team.name] = team
        return True

    def delete(self, name: str) -> bool:
        return self.rows.pop(name, None) is not None


@dataclass
class MemoryTasks:
    """Objects, assignments and workers of jobs; `jobs` has their counters."""

    jobs: MemoryJobs
    objects_of: dict[str, dict[int, TaskObject]] = field(default_factory=lambda: defaultdict(dict))
    of_worker: dict[tuple[str, int, str], Assignment] = field(default_factory=dict)
    workers: dict[tuple[str, str], WorkerRecord] = field(default_factory=dict)
    names: dict[str, tuple[str, int, str]] = field(default_factory=dict)

    def add_objects(self, objects: Sequence[TaskObject]) -> None:
        for each in objects:
            self.objects_of[each.job].setdefault(each.number, each)

    def object(self, job: str, number: int) -> TaskObject | None:
        return self.objects_of[job].get(number)

    def objects(self, job: str, next_token: str = "", limit: int = 100) -> ObjectPage:
        if next_token and not next_token.isdigit():
            raise RequestError(f"next_token: {next_token!r} is none")
        first = int(next_token or 0)
        rows = self._sorted(job)
        found = [each for each in rows if each.number >= first][:limit]
        more = found and found[-1].number < rows[-1].number
        return ObjectPage(found, str(found[-1].number + 1) if more else "")

    def _sorted(self, job: str) -> list[TaskObject]:
        return sorted(self.objects_of[job].values(), key=lambda each: each.number)

    def pool(self, job: str, limit: int, after: int = -1) -> list[TaskObject]:
        return [each for each in self._sorted(job) if each.is_in_pool and each.number > after][:limit]

    def answered(self, job: str, limit: int) -> list[TaskObject]:
        states = {ObjectState.ANSWERED, ObjectState.CONSOLIDATING}
        return [each for each in self._sorted(job) if each.state in states][:limit]

    def due_objects(self, now: datetime, limit: int) -> list[TaskObject]:
        rows = [each for job in self.objects_of for each in self._sorted(job) if each.due and each.due <= now]
        return sorted(rows, key=lambda each: each.due or now)[:limit]

    def due_assignments(self, now: datetime, limit: int) -> list[Assignment]:
        live = [each for each in self.of_worker.values() if each.is_live and each.expires <= now]
        return sorted(live, key=lambda each: each.expires)[:limit]

    def assignment(self, assignment_id: str) -> Assignment | None:
        found = self.of_worker.get(self.names.get(assignment_id, ("", 0, "")))
        return found if found and found.assignment_id == assignment_id else None

    def assignments(self, job: str, number: int) -> list[Assignment]:
        keys = sorted(key for key in self.of_worker if key[:2] == (job, number))
        return [self.of_worker[key] for key in keys]

    def worker(self, job: str, worker_id: str) -> WorkerRecord:
        return self.workers.get((job, worker_id)) or WorkerRecord(job=job, worker_id=worker_id)

    def write(self, change: Change) -> bool:
        if not self._fits(change):
            return False
        if change.object:
            self.objects_of[change.object.job][change.object.number] = change.object
        if change.assignment:
            key = (change.assignment.job, change.assignment.number, change.assignment.worker_id)
            self.of_worker[key] = change.assignment
            self.names[change.assignment.assignment_id] = key
        if change.worker:
            self.workers[change.worker.job, change.worker.worker_id] = change.worker
        self._count(change)
        return True

    def _fits(self, change: Change) -> bool:
        if change.object:
            there = self.object(change.object.job, change.object.number)
            if there is None or there.version != change.object.version - 1:
                return False
        if change.assignment and not change.is_new_assignment:
            now = self.assignment(change.assignment.assignment_id)
            if now is None or now.version != change.assignment.version - 1:
                return False
        if change.worker and self._worker_version(change.worker) != change.worker.version - 1:
            return False
        if change.while_running and change.counts and change.object:
            return self.jobs.rows[change.object.job.lower()].is_running
        return change.offer_limit is None or self._may_offer(change)

    def _worker_version(self, record: WorkerRecord) -> int:
        return self.worker(record.job, record.worker_id).version

    def _may_offer(self, change: Change) -> bool:
        assert change.object
        assert change.offer_limit is not None
        job = self.jobs.rows[change.object.job.lower()]
        return (
            job.is_running and job.next_number == change.object.number and job.on_offer < change.offer_limit
        )

    def _count(self, change: Change) -> None:
        if change.object is None:
            return
        job = self.jobs.rows[change.object.job.lower()]
        counts = {name: getattr(job, name) + number for name, number in change.counts.items()}
        if change.offer_limit is not None:
            counts |= {"next_number": job.next_number + 1, "on_offer": job.on_offer + 1}
        self.jobs.rows[job.name.lower()] = job.model_copy(update=counts)


@dataclass
class FakeLinks:
    """Addresses that say what they are for."""

    def to_read(self, place: Location, seconds: int) -> Link:
        version = f"&version={place.version_id}" if place.version_id else ""
        return Link(f"https://{place.bucket}.example/{place.key}?read={seconds}{version}", {})

    def to_write(self, place: Location, content_type: str, num_bytes: int, seconds: int) -> Link:
        headers = {"Content-Type": content_type, "Content-Length": str(num_bytes)}
        return Link(f"https://{place.bucket}.example/{place.key}?write={seconds}", headers)


@dataclass
class FakeMessages:
    """What was sent, first come first."""

    sent: list[LabellingMessage] = field(default_factory=list)

    def send(self, message: LabellingMessage, delay_seconds: int = 0) -> None:
        self.sent.append(message)


def request_of(name: str = "job", **task: Any) -> dict[str, Any]:
    """CreateLabelingJob's parameters for a custom job of one worker an object."""
    return {
        "LabelingJobName": name,
        "LabelAttributeName": "labels",
        "InputConfig": {"DataSource": {"S3DataSource": {"ManifestS3Uri": "s3://in/input.manifest"}}},
        "OutputConfig": {"S3OutputPath": f"s3://{WORK}/corpora/out"},
        "RoleArn": "arn:aws:iam::000000000000:role/labelling",
        "LabelCategoryConfigS3Uri": "s3://in/labels.json",
        "HumanTaskConfig": {
            "WorkteamArn": "arn:aws:sagemaker:us-east-1:000000000000:workteam/private-crowd/readers",
            "UiConfig": {"UiTemplateS3Uri": "s3://in/template.liquid.html"},
            "PreHumanTaskLambdaArn": "arn:aws:lambda:us-east-1:000000000000:function:pre-LabelingFunction",
            "TaskTitle": "Boxes",
            "TaskDescription": "Draw boxes",
            "NumberOfHumanWorkersPerDataObject": 1,
            "TaskTimeLimitInSeconds": 600,
            "AnnotationConsolidationConfig": {
                "AnnotationConsolidationLambdaArn": (
                    "arn:aws:lambda:us-east-1:000000000000:function:post-LabelingFunction"
                )
            },
            **task,
        },
    }


def make_desk() -> Desk:
    """Everything in memory."""
    jobs = MemoryJobs()
    return Desk(
        jobs=jobs,
        tasks=MemoryTasks(jobs),
        teams=MemoryTeams(),
        objects=MemoryObjects(),
        links=FakeLinks(),
        messages=FakeMessages(),
        clock=FakeClock(),
        make_id=Counted(),
        work_bucket=WORK,
    )


def add_team(desk: Desk, name: str = "readers", groups: Sequence[str] = ("readers",)) -> Team:
    members = tuple(
        {"CognitoMemberDefinition": {"UserPool": "p", "ClientId": "c", "UserGroup": g}} for g in groups
    )
    arn = f"arn:aws:sagemaker:us-east-1:000000000000:workteam/private-crowd/{name}"
    team = Team(name=name, arn=arn, members=members, created=START, modified=START)
    assert desk.teams.save(team)
    return team


def add_open_job(
    desk: Desk, name: str = "job", num_objects: int = 3, template: str = "<crowd-form></crowd-form>",
    task_input: Mapping[str, Any] | None = None, **task: Any,
) -> Job:  # fmt: skip
    """A running job whose objects are all on offer, and its files."""
    request = request_of(name, **task)
    request["OutputConfig"] = {"S3OutputPath": f"s3://{desk.work_bucket}/corpora/out"}
    places = JobPlaces(desk.work_bucket, name)
    lines = [f'{{"source-ref": "s3://in/page-{number}.png"}}\n'.encode() for number in range(num_objects)]
    job = Job(
        name=name, arn=f"arn:aws:sagemaker:us-east-1:000000000000:labeling-job/{name}",
        status=JobStatus.IN_PROGRESS, created=START, modified=START, request=request, labels=("A", "B"),
        total=num_objects, is_read=True, next_number=num_objects, on_offer=num_objects,
    )  # fmt: skip
    assert desk.jobs.add(job)
    desk.objects.write(places.manifest, b"".join(lines))
    desk.objects.write(places.template, template.encode())
    for number, line in enumerate(lines):
        value = task_input or {"taskObject": f"s3://in/page-{number}.png"}
        desk.objects.write(places.task_input(number), json.dumps(value).encode())
        offset = sum(len(each) for each in lines[:number])
        desk.tasks.add_objects(
            [
                TaskObject(
                    job=name, number=number, offset=offset, length=len(line), state=ObjectState.OPEN,
                    wanted=job.workers_per_object,
                    available_until=START + timedelta(seconds=job.availability_seconds),
                    due=START + timedelta(seconds=job.availability_seconds),
                )
            ]
        )  # fmt: skip
    return job


@dataclass
class FakeFunctions:
    """Pre- and post-labelling functions by name; a value that is an error is raised."""

    answers: dict[str, Any] = field(default_factory=dict)
    calls: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)

    def call(self, function: str, event: Mapping[str, Any]) -> Any:
        self.calls.append((function, event))
        answer = self.answers[function.rpartition(":")[2]]
        answer = answer(event) if callable(answer) else answer
        if isinstance(answer, Exception):
            raise answer
        return answer


@dataclass
class MemoryUploads:
    """Objects in parts."""

    objects: MemoryObjects
    parts: dict[str, list[bytes]] = field(default_factory=dict)

    def begin(self, place: Location, content_type: str) -> str:
        self.parts[place.uri] = []
        return place.uri

    def add(self, place: Location, upload_id: str, number: int, body: bytes) -> str:
        assert len(self.parts[upload_id]) == number - 1
        self.parts[upload_id].append(body)
        return str(number)

    def finish(self, place: Location, upload_id: str, etags: Sequence[str]) -> None:
        assert len(etags) == len(self.parts[upload_id])
        self.objects.write(place, b"".join(self.parts.pop(upload_id)))


@dataclass
class MemoryCopies:
    """Copies within the memory."""

    objects: MemoryObjects

    def copy(self, source: Location, target: Location) -> None:
        self.objects.write(target, self.objects.read(source))


class Workbench:
    """The whole workbench in memory, and its queue; `run` does what has been sent until nothing is."""

    def __init__(self, **answers: Any) -> None:
        self.desk = make_desk()
        objects, self.functions, self.events = self.desk.objects, FakeFunctions(), FakeEvents()
        assert isinstance(objects, MemoryObjects)
        self.functions.answers = {"pre-LabelingFunction": plain_pre, "post-LabelingFunction": self.plain_post}
        self.functions.answers |= {f"{name}-LabelingFunction": answer for name, answer in answers.items()}
        shared: dict[str, Any] = {
            "jobs": self.desk.jobs, "tasks": self.desk.tasks, "objects": objects, "clock": self.desk.clock,
            "messages": self.desk.messages, "functions": self.functions, "work_bucket": WORK,
        }  # fmt: skip
        self.intake = Intake(**shared)
        self.consolidation = Consolidation(
            **shared,
            uploads=MemoryUploads(objects),
            events=self.events,
            own_post_function="post-LabelingFunction",
        )
        self.control = Control(self.desk, MemoryCopies(objects), Account("aws", "us-east-1", "000000000000"))
        self.expiry = Expiry(self.desk, self.consolidation, self._write_json)

    def _write_json(self, place: Location, value: object) -> None:
        self.desk.objects.write(place, json.dumps(value).encode())

    def plain_post(self, event: Mapping[str, Any]) -> Any:
        """Each object's label is what its workers said."""
        name, entries = event["labelAttributeName"], self.json(event["payload"]["s3Uri"])
        return [
            {
                "datasetObjectId": each["datasetObjectId"],
                "consolidatedAnnotation": {
                    "content": {
                        name: [json.loads(a["annotationData"]["content"]) for a in each["annotations"]]
                    }
                },
            }
            for each in entries
        ]

    @property
    def clock(self) -> FakeClock:
        assert isinstance(self.desk.clock, FakeClock)
        return self.desk.clock

    @property
    def queue(self) -> list[LabellingMessage]:
        assert isinstance(self.desk.messages, FakeMessages)
        return self.desk.messages.sent

    def run(self, most: int = 10_000) -> None:
        for _ in range(most):
            if not self.queue:
                return
            self.handle(self.queue.pop(0))
        raise AssertionError(f"still {len(self.queue)} messages after {most}: {self.queue[:3]}")

    def handle(self, message: LabellingMessage) -> str:
        if message.kind in TO_INTAKE:
            return take(message, self.intake)
        return work_off(message, self.consolidation)

    def put(self, uri: str, body: bytes | str) -> None:
        content = body.encode() if isinstance(body, str) else body
        self.desk.objects.write(Location.from_uri(uri), content)

    def json(self, uri: str) -> Any:
        return json.loads(self.desk.objects.read(Location.from_uri(uri)))

    def create(
        self, lines: Sequence[str], name: str = "job", change: Mapping[str, Any] | None = None, **task: Any
    ) -> Job:
        """A job over these lines of a manifest; `s3://in/page-N.png` are there."""
        self.put("s3://in/input.manifest", "\n".join(lines))
        self.put("s3://in/labels.json", json.dumps({"labels": [{"label": "A"}, {"label": "B"}]}))
        self.put("s3://in/template.liquid.html", "<crowd-form></crowd-form>")
        for number in range(len(lines)):
            self.put(f"s3://in/page-{number}.png", "x")
        if self.desk.teams.find("readers") is None:
            add_team(self.desk)
        answer("CreateLabelingJob", {**request_of(name, **task), **(change or {})}, self.control)
        return self.job(name)

    def job(self, name: str = "job") -> Job:
        job = self.desk.jobs.find(name)
        assert job
        return job

    def describe(self, name: str = "job") -> dict[str, Any]:
        return answer("DescribeLabelingJob", {"LabelingJobName": name}, self.control)

    def output(self, name: str = "job") -> list[dict[str, Any]]:
        body = self.desk.objects.read(Location.from_uri(self.job(name).output))
        return [json.loads(line) for line in body.splitlines()]

    def work(self, worker: str, say: Mapping[str, Any] | None = None, name: str = "job") -> Assignment | None:
        """The worker takes a task and answers it; None where nothing is open for him."""
        who = reader(worker)
        task = next_task(name, who, reserve=False, desk=self.desk)
        if task is None:
            return None
        said = say or {"by": worker}
        return submit(task.assignment.assignment_id, who, task.assignment.nonce, said, self.desk)


def reader(worker_id: str) -> Worker:
    """Somebody of the team `readers`."""
    return Worker(worker_id=worker_id, name=worker_id, groups=("readers",))


def lines_of(number: int) -> list[str]:
    return [json.dumps({"source-ref": f"s3://in/page-{n}.png"}) for n in range(number)]


def plain_pre(event: Mapping[str, Any]) -> Any:
    return {"taskInput": {"taskObject": event["dataObject"].get("source-ref")}}
