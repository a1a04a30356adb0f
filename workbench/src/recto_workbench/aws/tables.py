"""The workbench's table. Rows are written where they still are one version behind, several at once or none.

Keys: `JOB#name` with `JOB`, `OBJECT#number`, `ASSIGNMENT#number#worker`, `WORKER#worker`, the name in lower
case; `ASSIGNMENT#id` with `ASSIGNMENT`; `TEAM#name` with `TEAM`. Sparse indexes: `StatusIndex` (job_status,
created) over jobs, `PoolIndex` (pool, sk) over objects that need workers or wait to be consolidated,
`DueIndex` (due_kind, due) over what somebody has to look at.
"""

import base64
import binascii
import json
import random
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from pydantic import BaseModel

from recto.aws.dynamodb import Table, stamp
from recto.errors import ThrottledError
from recto_workbench.errors import RequestError
from recto_workbench.jobs import Job, JobStatus, Team
from recto_workbench.ports import Change, ObjectPage
from recto_workbench.tasks import NUMBER_DIGITS, Assignment, ObjectState, TaskObject, WorkerRecord

STATUS_INDEX, POOL_INDEX, DUE_INDEX = "StatusIndex", "PoolIndex", "DueIndex"
MANY = 10_000
LONGEST_NAME = 100
"""Of what a browser may ask for; ours are shorter, and DynamoDB refuses keys of more than 2 KB."""
CONFLICTS, FIRST_PAUSE = 6, 0.03
TO_CONSOLIDATE = frozenset({ObjectState.ANSWERED, ObjectState.CONSOLIDATING})
JSON_FIELDS = frozenset({"request", "members"})
"""What may hold anything that JSON may: kept as text, since DynamoDB has no floats and no empty keys."""

M = TypeVar("M", bound=BaseModel)


def _item(row: BaseModel, key: Mapping[str, str], **extra: str) -> dict[str, Any]:
    values = {name: _kept(name, value) for name, value in row.model_dump().items()}
    return {**{n: v for n, v in values.items() if v not in (None, "", ())}, **key, **extra}


def _kept(name: str, value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if name in JSON_FIELDS else value


def _row(model: type[M], item: Mapping[str, Any]) -> M:
    return model.model_validate({n: json.loads(v) if n in JSON_FIELDS else v for n, v in item.items()})


def _number(number: int) -> str:
    return f"{number:0{NUMBER_DIGITS}d}"


def _pk(job: str) -> str:
    """Names of jobs are told apart without regard to case, as Ground Truth does."""
    return f"JOB#{job.lower()}"


def _job_key(name: str) -> dict[str, str]:
    return {"pk": _pk(name), "sk": "JOB"}


def _object_key(job: str, number: int) -> dict[str, str]:
    return {"pk": _pk(job), "sk": f"OBJECT#{_number(number)}"}


def _assignment_key(job: str, number: int, worker: str) -> dict[str, str]:
    return {"pk": _pk(job), "sk": f"ASSIGNMENT#{_number(number)}#{worker}"}


def _worker_key(job: str, worker: str) -> dict[str, str]:
    return {"pk": _pk(job), "sk": f"WORKER#{worker}"}


def _object_item(row: TaskObject) -> dict[str, Any]:
    extra = {}
    if row.is_in_pool:
        extra["pool"] = f"POOL#{row.job}"
    elif row.state in TO_CONSOLIDATE:
        extra["pool"] = f"ANSWERED#{row.job}"
    if row.due:
        extra["due_kind"] = "OBJECT"
    return _item(row, _object_key(row.job, row.number), **extra)


def _assignment_item(row: Assignment) -> dict[str, Any]:
    extra = {"due_kind": "ASSIGNMENT", "due": stamp(row.expires)} if row.is_live else {}
    return _item(row, _assignment_key(row.job, row.number, row.worker_id), **extra)


class JobRows:
    """`recto_workbench.ports.JobStore` in the table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def add(self, job: Job) -> bool:
        item = _item(job, _job_key(job.name), job_status=str(job.status))
        put = {"Item": self._table.pack(item), "ConditionExpression": "attribute_not_exists(pk)"}
        return self._table.transact({"Put": put})

    def find(self, name: str) -> Job | None:
        if len(name) > LONGEST_NAME:
            return None
        item = self._table.get(_job_key(name))
        return _row(Job, item) if item else None

    def with_status(self, status: JobStatus) -> list[Job]:
        items = self._table.query(
            MANY,
            IndexName=STATUS_INDEX,
            KeyConditionExpression="job_status = :status",
            ExpressionAttributeValues=self._table.pack({":status": str(status)}),
        )
        return [_row(Job, item) for item in items]

    def all(self) -> list[Job]:
        found = [job for status in JobStatus for job in self.with_status(status)]
        return sorted(found, key=lambda job: job.created)

    def update(
        self, name: str, expected: Sequence[JobStatus], of_total: int | None = None, **changes: Any
    ) -> bool:
        new = {name_: _kept(name_, value) for name_, value in changes.items()}
        if "status" in new:
            new["job_status"] = new["status"] = str(new["status"])
        allowed = {f":expected{n}": str(status) for n, status in enumerate(expected)}
        names = {"#status": "status", **{f"#{each}": each for each in new}}
        values = {**{f":{each}": value for each, value in new.items()}, **allowed}
        condition = f"#status IN ({', '.join(allowed)})"
        if of_total is not None:
            names["#total"], values[":of_total"] = "total", of_total
            condition += " AND #total = :of_total"
        assignments = ", ".join(f"#{each} = :{each}" for each in new)
        return self._table.update(_job_key(name), f"SET {assignments}", names, values, condition)


class TeamRows:
    """`recto_workbench.ports.TeamStore` in the table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def find(self, name: str) -> Team | None:
        item = self._table.get(_team_key(name))
        return _row(Team, item) if item else None

    def all(self) -> list[Team]:
        items = self._table.query(
            MANY,
            IndexName=STATUS_INDEX,
            KeyConditionExpression="job_status = :status",
            ExpressionAttributeValues=self._table.pack({":status": "TEAM"}),
        )
        return [_row(Team, item) for item in items]

    def save(self, team: Team) -> bool:
        item = _item(team, _team_key(team.name), job_status="TEAM")
        return self._table.transact(
            {"Put": {"Item": self._table.pack(item), **_condition(self._table, team.version)}}
        )

    def delete(self, name: str) -> bool:
        key = self._table.pack(_team_key(name))
        return self._table.transact({"Delete": {"Key": key, "ConditionExpression": "attribute_exists(pk)"}})


def _team_key(name: str) -> dict[str, str]:
    return {"pk": f"TEAM#{name}", "sk": "TEAM"}


def _condition(table: Table, version: int, **more: Any) -> dict[str, Any]:
    """The row is still one version behind; for version 1: it is not there."""
    if version <= 1:
        return {"ConditionExpression": "attribute_not_exists(pk)"}
    return {
        "ConditionExpression": "#version = :before" + "".join(f" AND #{n} = :{n}" for n in more),
        "ExpressionAttributeNames": {"#version": "version", **{f"#{n}": n for n in more}},
        "ExpressionAttributeValues": table.pack(
            {":before": version - 1, **{f":{n}": v for n, v in more.items()}}
        ),
    }


class TaskRows:
    """`recto_workbench.ports.TaskStore` in the table."""

    def __init__(self, table: Table, pause: Callable[[float], None] = time.sleep) -> None:
        self._table = table
        self._pause = pause

    def add_objects(self, objects: Sequence[TaskObject]) -> None:
        for first in range(0, len(objects), 100):  # as many as a transaction takes
            part = objects[first : first + 100]
            if not self._table.transact(*(self._new_object(each) for each in part)):
                for each in part:  # some are there: the message came twice
                    self._table.transact(self._new_object(each))

    def _new_object(self, row: TaskObject) -> dict[str, Any]:
        item = self._table.pack(_object_item(row))
        return {"Put": {"Item": item, "ConditionExpression": "attribute_not_exists(pk)"}}

    def object(self, job: str, number: int) -> TaskObject | None:
        item = self._table.get(_object_key(job, number))
        return _row(TaskObject, item) if item else None

    def objects(self, job: str, next_token: str = "", limit: int = 100) -> ObjectPage:
        first = _token_number(next_token)
        items = self._table.query(
            limit + 1,
            KeyConditionExpression="pk = :pk AND sk BETWEEN :first AND :last",
            ExpressionAttributeValues=self._table.pack(
                {":pk": _pk(job), ":first": f"OBJECT#{_number(first)}", ":last": "OBJECT#~"}
            ),
            ConsistentRead=True,
        )
        found = [_row(TaskObject, item) for item in items]
        more = _token(found[limit].number) if len(found) > limit else ""
        return ObjectPage(found[:limit], more)

    def pool(self, job: str, limit: int, after: int = -1) -> list[TaskObject]:
        return self._pooled(f"POOL#{job}", limit, f"OBJECT#{_number(after + 1)}")

    def answered(self, job: str, limit: int) -> list[TaskObject]:
        return self._pooled(f"ANSWERED#{job}", limit)

    def _pooled(self, pool: str, limit: int, first: str = "OBJECT#") -> list[TaskObject]:
        items = self._table.query(
            limit,
            IndexName=POOL_INDEX,
            KeyConditionExpression="#pool = :pool AND sk >= :first",
            ExpressionAttributeNames={"#pool": "pool"},
            ExpressionAttributeValues=self._table.pack({":pool": pool, ":first": first}),
        )
        return [_row(TaskObject, item) for item in items]

    def due_objects(self, now: datetime, limit: int) -> list[TaskObject]:
        return [_row(TaskObject, item) for item in self._due("OBJECT", now, limit)]

    def due_assignments(self, now: datetime, limit: int) -> list[Assignment]:
        return [_row(Assignment, item) for item in self._due("ASSIGNMENT", now, limit)]

    def _due(self, kind: str, now: datetime, limit: int) -> list[dict[str, Any]]:
        return self._table.query(
            limit,
            IndexName=DUE_INDEX,
            KeyConditionExpression="due_kind = :kind AND due <= :now",
            ExpressionAttributeValues=self._table.pack({":kind": kind, ":now": stamp(now)}),
        )

    def assignment(self, assignment_id: str) -> Assignment | None:
        if len(assignment_id) > LONGEST_NAME:
            return None
        name = self._table.get(_name_key(assignment_id))
        if name is None:
            return None
        item = self._table.get(_assignment_key(name["job"], int(name["number"]), name["worker_id"]))
        found = _row(Assignment, item) if item else None
        return found if found and found.assignment_id == assignment_id else None

    def assignments(self, job: str, number: int) -> list[Assignment]:
        prefix = {":pk": _pk(job), ":sk": f"ASSIGNMENT#{_number(number)}#"}
        items = self._table.query(
            MANY,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :sk)",
            ExpressionAttributeValues=self._table.pack(prefix),
            ConsistentRead=True,
        )
        return [_row(Assignment, item) for item in items]

    def worker(self, job: str, worker_id: str) -> WorkerRecord:
        item = self._table.get(_worker_key(job, worker_id))
        return _row(WorkerRecord, item) if item else WorkerRecord(job=job, worker_id=worker_id)

    def write(self, change: Change) -> bool:
        """Transactions that meet in one row, mostly the job's counters, end each other: tried again."""
        writes = [*self._object(change), *self._assignment(change), *self._worker(change), *self._job(change)]
        for attempt in range(CONFLICTS):
            try:
                return self._table.transact(*writes)
            except ThrottledError:
                self._pause(FIRST_PAUSE * 2**attempt * (0.5 + random.random()))  # noqa: S311 - a jitter
        return self._table.transact(*writes)

    def _object(self, change: Change) -> list[dict[str, Any]]:
        row = change.object
        if row is None:
            return []
        item = self._table.pack(_object_item(row))
        return [{"Put": {"Item": item, **_condition(self._table, row.version)}}]

    def _assignment(self, change: Change) -> list[dict[str, Any]]:
        row = change.assignment
        if row is None:
            return []
        item = self._table.pack(_assignment_item(row))
        if not change.is_new_assignment:
            same = _condition(self._table, row.version, assignment_id=row.assignment_id)
            return [{"Put": {"Item": item, **same}}]
        name = {**_name_key(row.assignment_id), **row.model_dump(include={"job", "number", "worker_id"})}
        return [{"Put": {"Item": item}}, {"Put": {"Item": self._table.pack(name)}}]

    def _worker(self, change: Change) -> list[dict[str, Any]]:
        row = change.worker
        if row is None:
            return []
        item = self._table.pack(_item(row, _worker_key(row.job, row.worker_id)))
        return [{"Put": {"Item": item, **_condition(self._table, row.version)}}]

    def _job(self, change: Change) -> list[dict[str, Any]]:
        """The job's counters; where the object is put on offer, only while it is the job's next."""
        counts, row = dict(change.counts), change.object
        if change.offer_limit is not None:
            counts = {"on_offer": 1, "next_number": 1}
        if not counts or row is None:
            return []
        values: dict[str, Any] = {f":{name}": number for name, number in counts.items()}
        names = {f"#{name}": name for name in counts}
        condition = "attribute_exists(pk)"
        if change.while_running or change.offer_limit is not None:
            names["#status"], values[":running"] = "status", str(JobStatus.IN_PROGRESS)
            condition = "#status = :running"
        if change.offer_limit is not None:
            values |= {":limit": change.offer_limit, ":next": row.number}
            condition += " AND #on_offer < :limit AND #next_number = :next"
        update = {
            "Key": self._table.pack(_job_key(row.job)),
            "UpdateExpression": "ADD " + ", ".join(f"#{name} :{name}" for name in counts),
            "ConditionExpression": condition,
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": self._table.pack(values),
        }
        return [{"Update": update}]


def _name_key(assignment_id: str) -> dict[str, str]:
    return {"pk": f"ASSIGNMENT#{assignment_id}", "sk": "ASSIGNMENT"}


def _token(number: int) -> str:
    return base64.urlsafe_b64encode(str(number).encode()).decode()


def _token_number(token: str) -> int:
    if not token:
        return 0
    try:
        number = int(base64.urlsafe_b64decode(token))
    except (binascii.Error, ValueError) as error:
        raise RequestError(f"next_token: {token[:40]!r} is none that was given out") from error
    if not 0 <= number < 10**NUMBER_DIGITS:
        raise RequestError(f"next_token: {token[:40]!r} is none that was given out")
    return number
