"""Human loops, flow definitions and task UIs in the workbench's table.

Keys: `LOOP#name` with `LOOP`, `PART#worker`, `HISTORY#time#random`; `FLOW#name` with `FLOW`, and with
`LOOP#created#loop` for each of its loops, which keeps them in order; `TASKUI#name` with `TASKUI`.

Indexes: `StatusIndex` (job_status, created) over loops by their list (`REVIEWS#OPEN` …), over what each
reviewer has (`REVIEWER#worker`), over flow definitions and task UIs; `DueIndex` (due_kind, due) over loops
that somebody has to look at. Rows are written where they still are one version behind,
together or not at all.
"""

import json
import random
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from pydantic import BaseModel

from recto.aws.dynamodb import Table, stamp
from recto.errors import ThrottledError
from recto_workbench.aws.tables import CONFLICTS, DUE_INDEX, FIRST_PAUSE, MANY, STATUS_INDEX
from recto_workbench.flows import FlowDefinition, HumanTaskUi
from recto_workbench.loops import Happening, Loop, Part, PartState, Queue
from recto_workbench.page_tokens import place_in, token_of
from recto_workbench.review_ports import LoopChange, LoopPage, OfFlow

LOOP, FLOW, TASK_UI = "LOOP", "FLOW", "TASKUI"
LONGEST_NAME = 200
MOST_DONE = 50
"""Of what a reviewer has handed in last."""
AT_ONCE = 100
"""Rows of one transaction."""
AS_TEXT = frozenset({"request", "claims", "reasons"})
"""What is kept as JSON's text: it is read whole, or holds anything that JSON may."""

M = TypeVar("M", bound=BaseModel)


def _item(row: BaseModel, key: Mapping[str, str], **extra: str) -> dict[str, Any]:
    values = row.model_dump(mode="json")
    kept = {n: v for n, v in values.items() if v not in (None, "", [])}
    texts = {n: json.dumps(v, ensure_ascii=False) for n, v in kept.items() if n in AS_TEXT}
    return {**kept, **texts, **key, **extra}


def _row(model: type[M], item: Mapping[str, Any]) -> M:
    return model.model_validate({n: json.loads(v) if n in AS_TEXT else v for n, v in item.items()})


def _loop_pk(name: str) -> str:
    return f"LOOP#{name}"


def _loop_key(name: str) -> dict[str, str]:
    return {"pk": _loop_pk(name), "sk": LOOP}


def _part_key(name: str, worker_id: str) -> dict[str, str]:
    return {"pk": _loop_pk(name), "sk": f"PART#{worker_id}"}


def _in_flow_key(loop: Loop) -> dict[str, str]:
    return {"pk": f"FLOW#{loop.flow}", "sk": f"LOOP#{stamp(loop.created)}#{loop.name}"}


def _loop_item(loop: Loop) -> dict[str, Any]:
    extra = {"job_status": f"REVIEWS#{loop.queue}", "created": stamp(loop.created)}
    extra |= {"due_kind": "REVIEW", "due": stamp(loop.due)} if loop.due else {}
    return _item(loop, _loop_key(loop.name), **extra)


def _part_item(part: Part) -> dict[str, Any]:
    extra = {"created": stamp(part.created)}
    if part.is_live:
        extra["job_status"] = _of_worker(part.worker_id)
    elif part.state is PartState.SUBMITTED and not part.is_over:
        extra["job_status"] = _of_worker(part.worker_id, "#DONE")
    return _item(part, _part_key(part.loop, part.worker_id), **extra)


def _of_worker(worker_id: str, what: str = "") -> str:
    return f"REVIEWER#{worker_id}{what}"


class LoopRows:
    """`recto_workbench.review_ports.LoopStore` in the table."""

    def __init__(self, table: Table, pause: Callable[[float], None] = time.sleep) -> None:
        self._table = table
        self._pause = pause

    def loop(self, name: str) -> Loop | None:
        if not 0 < len(name) <= LONGEST_NAME:
            return None
        item = self._table.get(_loop_key(name))
        return _row(Loop, item) if item else None

    def part(self, name: str, worker_id: str) -> Part | None:
        if not 0 < len(name) <= LONGEST_NAME:
            return None
        item = self._table.get(_part_key(name, worker_id))
        return _row(Part, item) if item else None

    def parts(self, name: str) -> list[Part]:
        return [_row(Part, item) for item in self._of_loop(name, "PART#", MANY)]

    def history(self, name: str, limit: int) -> list[Happening]:
        newest = self._of_loop(name, "HISTORY#", limit, ScanIndexForward=False)
        return [_row(Happening, item) for item in reversed(newest)]

    def _of_loop(self, name: str, prefix: str, limit: int, **more: Any) -> list[dict[str, Any]]:
        return self._table.query(
            limit,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :prefix)",
            ExpressionAttributeValues=self._table.pack({":pk": _loop_pk(name), ":prefix": prefix}),
            ConsistentRead=True,
            **more,
        )

    def of_worker(self, worker_id: str, limit: int) -> list[Part]:
        claimed = self._listed(_of_worker(worker_id), limit)
        done = self._listed(_of_worker(worker_id, "#DONE"), MOST_DONE, ScanIndexForward=False)
        return [_row(Part, item) for item in (*claimed, *done)]

    def _listed(self, status: str, limit: int, **more: Any) -> list[dict[str, Any]]:
        return self._table.query(
            limit,
            IndexName=STATUS_INDEX,
            KeyConditionExpression="job_status = :status",
            ExpressionAttributeValues=self._table.pack({":status": status}),
            **more,
        )

    def queue(self, queue: Queue, limit: int, next_token: str = "", newest_first: bool = False) -> LoopPage:
        status = f"REVIEWS#{queue}"
        start = _place_in(next_token)
        more = {"ExclusiveStartKey": self._table.pack({**start, "job_status": status})} if start else {}
        items = self._listed(status, limit + 1, ScanIndexForward=not newest_first, **more)
        last = items[limit - 1] if len(items) > limit else None
        token = token_of({name: last[name] for name in ("pk", "sk", "created")}) if last else ""
        return LoopPage([_row(Loop, item) for item in items[:limit]], token)

    def count(self, queue: Queue, most: int) -> int:
        return self._table.count(
            most,
            IndexName=STATUS_INDEX,
            KeyConditionExpression="job_status = :status",
            ExpressionAttributeValues=self._table.pack({":status": f"REVIEWS#{queue}"}),
        )

    def of_flow(self, asked: OfFlow) -> LoopPage:
        first = f"LOOP#{stamp(asked.after)}" if asked.after else "LOOP#"
        last = f"LOOP#{stamp(asked.before)}~" if asked.before else "LOOP#~"
        between = {":pk": f"FLOW#{asked.flow}", ":first": first, ":last": last}
        start = _place_in(asked.next_token)
        items = self._table.query(
            asked.limit + 1,
            KeyConditionExpression="pk = :pk AND sk BETWEEN :first AND :last",
            ExpressionAttributeValues=self._table.pack(between),
            ScanIndexForward=not asked.newest_first,
            ConsistentRead=True,
            **({"ExclusiveStartKey": self._table.pack(start)} if start else {}),
        )
        shown = items[: asked.limit]
        token = token_of({name: shown[-1][name] for name in ("pk", "sk")}) if len(items) > len(shown) else ""
        found = (self.loop(str(item["loop"])) for item in shown)
        return LoopPage([loop for loop in found if loop], token)

    def due(self, now: datetime, limit: int) -> list[Loop]:
        items = self._table.query(
            limit,
            IndexName=DUE_INDEX,
            KeyConditionExpression="due_kind = :kind AND due <= :now",
            ExpressionAttributeValues=self._table.pack({":kind": "REVIEW", ":now": stamp(now)}),
        )
        return [_row(Loop, item) for item in items]

    def write(self, change: LoopChange) -> bool:
        """Transactions that meet in one row end each other: tried again."""
        writes = [self._put(_loop_item(change.loop), change.loop.version)]
        writes += [self._put(_part_item(part), part.version) for part in change.parts]
        writes += [{"Put": {"Item": self._table.pack(_history_item(each))}} for each in change.happenings]
        if change.loop.version == 1:
            in_flow = {**_in_flow_key(change.loop), "loop": change.loop.name}
            writes.append({"Put": {"Item": self._table.pack(in_flow)}})
        for attempt in range(CONFLICTS):
            try:
                return self._table.transact(*writes)
            except ThrottledError:
                self._pause(FIRST_PAUSE * 2**attempt * (0.5 + random.random()))  # noqa: S311 - a jitter
        return self._table.transact(*writes)

    def _put(self, item: Mapping[str, Any], version: int) -> dict[str, Any]:
        """The row is still one version behind; for version 1: it is not there."""
        put: dict[str, Any] = {"Item": self._table.pack(item)}
        if version <= 1:
            return {"Put": {**put, "ConditionExpression": "attribute_not_exists(pk)"}}
        put["ConditionExpression"] = "#version = :before"
        put["ExpressionAttributeNames"] = {"#version": "version"}
        put["ExpressionAttributeValues"] = self._table.pack({":before": version - 1})
        return {"Put": put}

    def tell(self, happenings: Sequence[Happening]) -> None:
        for each in happenings:
            self._table.put(_history_item(each))

    def delete(self, loop: Loop) -> None:
        rows = self._table.query(
            MANY,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues=self._table.pack({":pk": _loop_pk(loop.name)}),
            ConsistentRead=True,
        )
        keys = [{"pk": row["pk"], "sk": row["sk"]} for row in rows if row["sk"] != LOOP]
        keys += [_in_flow_key(loop), _loop_key(loop.name)]  # last: till then it is there to be deleted again
        for first in range(0, len(keys), AT_ONCE):
            part = keys[first : first + AT_ONCE]
            self._table.transact(*({"Delete": {"Key": self._table.pack(key)}} for key in part))


def _history_item(each: Happening) -> dict[str, Any]:
    sort = f"HISTORY#{stamp(each.when)}#{secrets.token_hex(4)}"
    return _item(each, {"pk": _loop_pk(each.loop), "sk": sort})


def _place_in(token: str) -> dict[str, str]:
    """Where to go on; RequestError for a token that is none."""
    return place_in(token, _read_key, "next token") if token else {}


def _read_key(told: Any) -> dict[str, str]:
    return {str(name): str(value) for name, value in told.items()}


class FlowRows:
    """`recto_workbench.review_ports.FlowStore` in the table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def add_flow(self, flow: FlowDefinition) -> bool:
        return self._add(_item(flow, _key(FLOW, flow.name), job_status=FLOW, created=stamp(flow.created)))

    def flow(self, name: str) -> FlowDefinition | None:
        item = self._table.get(_key(FLOW, name))
        return _row(FlowDefinition, item) if item else None

    def flows(self) -> list[FlowDefinition]:
        return [_row(FlowDefinition, item) for item in self._all(FLOW)]

    def delete_flow(self, name: str) -> bool:
        return self._delete(_key(FLOW, name))

    def add_ui(self, ui: HumanTaskUi) -> bool:
        return self._add(_item(ui, _key(TASK_UI, ui.name), job_status=TASK_UI, created=stamp(ui.created)))

    def ui(self, name: str) -> HumanTaskUi | None:
        item = self._table.get(_key(TASK_UI, name))
        return _row(HumanTaskUi, item) if item else None

    def uis(self) -> list[HumanTaskUi]:
        return [_row(HumanTaskUi, item) for item in self._all(TASK_UI)]

    def delete_ui(self, name: str) -> bool:
        return self._delete(_key(TASK_UI, name))

    def _add(self, item: Mapping[str, Any]) -> bool:
        put = {"Item": self._table.pack(item), "ConditionExpression": "attribute_not_exists(pk)"}
        return self._table.transact({"Put": put})

    def _all(self, status: str) -> list[dict[str, Any]]:
        return self._table.query(
            MANY,
            IndexName=STATUS_INDEX,
            KeyConditionExpression="job_status = :status",
            ExpressionAttributeValues=self._table.pack({":status": status}),
        )

    def _delete(self, key: Mapping[str, str]) -> bool:
        gone = {"Key": self._table.pack(key), "ConditionExpression": "attribute_exists(pk)"}
        return self._table.transact({"Delete": gone})


def _key(kind: str, name: str) -> dict[str, str]:
    return {"pk": f"{kind}#{name}", "sk": kind}
