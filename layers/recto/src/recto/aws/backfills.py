"""Backfills in the document table: what each is, who of it waits, how its documents ended.

Keys: `BACKFILLS`/`id` is a backfill, `ACTIVE#BACKFILLS`/`id` says that its documents may start, and
`PAUSED#BACKFILLS`/`id` that the budget holds them back. Below
`BACKFILL#id`: `LINE#place` a document that waits, `DONE#document` how one ended, `COUNT#shard` counts of
all, `PACE#time` how many ended in ten minutes, `SKIPPED#`, `KNOWN#`, `MISSED#object` what was not taken in.

A count changes with the row that it counts, in one transaction: it cannot drift. It is spread over many
items, so that transactions seldom meet.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from recto.aws.clients import client, errors_of
from recto.aws.dynamodb import DocumentRows, Table, stamp
from recto.backfills import ACTIVE, OUTCOMES, PACE_MINUTES, BackfillRow, BackfillState, Counts
from recto.errors import ThrottledError
from recto.messages import Status
from recto.places import digest
from recto.ports import BackfillPlace, Clock, DocumentRow

ALL = "BACKFILLS"
MAY_START = "ACTIVE#BACKFILLS"
HELD_BACK = "PAUSED#BACKFILLS"
SHARDS = 64
MANY = 1000
MOST_COUNTED = 1_000_000
COUNTED = ("taken", "bytes", "started", "processed", "failed", "rejected", "failed_at_intake")
TRIES = 3
"""Two transactions that meet at a count are both right: one of them is simply tried again."""


class BackfillRows:
    """`recto.ports.Backfills` in the table, and what operators and the intake need beside it."""

    def __init__(self, table: Table, clock: Clock) -> None:
        self._table, self._clock = table, clock
        self._documents = DocumentRows(table)

    # --- backfills

    def add(self, row: BackfillRow) -> bool:
        """False where there is one of that id."""
        item = {"pk": ALL, "sk": row.backfill_id, **row.model_dump(mode="json")}
        item["forecast"] = row.forecast.model_dump_json() if row.forecast else ""
        new = {"Item": self._table.pack(item), "ConditionExpression": "attribute_not_exists(pk)"}
        return self._table.transact({"Put": new}, *self._marks(row.backfill_id, row.state))

    def find(self, backfill: str) -> BackfillRow | None:
        item = self._table.get({"pk": ALL, "sk": backfill})
        return _row_of(item) if item else None

    def all(self, limit: int = MANY) -> list[BackfillRow]:
        """The newest first."""
        items = self._below(ALL, "", limit, ScanIndexForward=False)
        return [_row_of(item) for item in items]

    def move(
        self,
        backfill: str,
        expected: Iterable[BackfillState],
        state: BackfillState,
        **changes: str | int | bool,
    ) -> bool:
        """False where it is in no expected state: somebody else moved it."""
        allowed = {f":expected{i}": str(each) for i, each in enumerate(expected)}
        new = {"state": str(state), "updated": stamp(self._clock()), **changes}
        update = {
            "Key": self._table.pack({"pk": ALL, "sk": backfill}),
            "UpdateExpression": "SET " + ", ".join(f"#{name} = :{name}" for name in new),
            "ConditionExpression": f"#state IN ({', '.join(allowed)})",
            "ExpressionAttributeNames": {f"#{name}": name for name in new},
            "ExpressionAttributeValues": self._table.pack(
                {**allowed, **{f":{name}": value for name, value in new.items()}}
            ),
        }
        return self._transact({"Update": update}, *self._marks(backfill, state))

    def note(self, backfill: str, **changes: str | int | bool) -> None:
        """Change what is told of a backfill, whatever its state."""
        self._table.update(
            {"pk": ALL, "sk": backfill},
            "SET " + ", ".join(f"#{name} = :{name}" for name in changes),
            {f"#{name}": name for name in changes},
            {f":{name}": value for name, value in changes.items()},
            "attribute_exists(pk)",
        )

    def _marks(self, backfill: str, state: BackfillState) -> list[dict[str, Any]]:
        """What makes those be found whose documents may start, and those that the budget holds back."""
        marks = {MAY_START: state in ACTIVE, HELD_BACK: state is BackfillState.PAUSED}
        keys = {pk: self._table.pack({"pk": pk, "sk": backfill}) for pk in marks}
        return [
            {"Put": {"Item": keys[pk]}} if is_marked else {"Delete": {"Key": keys[pk]}}
            for pk, is_marked in marks.items()
        ]

    def active(self) -> list[str]:
        return [str(item["sk"]) for item in self._below(MAY_START, "", MANY)]

    def paused(self) -> list[str]:
        return [str(item["sk"]) for item in self._below(HELD_BACK, "", MANY)]

    # --- taking in

    def take_in(self, row: DocumentRow) -> bool:
        """The document's row, its place in the line and its count, or none of it where it is known."""
        counted = {"taken": 1, "bytes": row.size}
        writes = self._documents.writes_of(row)
        if row.status is Status.BACKLOG:
            place = {**_below(row.backfill_id, f"LINE#{_place(row)}"), "document_id": row.document_id}
            writes.append({"Put": {"Item": self._table.pack(place)}})
        else:
            counted |= {"failed_at_intake": 1, OUTCOMES[row.status]: 1}
            writes.append({"Put": {"Item": self._ended(row.backfill_id, row.document_id, row.status)}})
        return self._transact(*writes, self._add(row.backfill_id, row.document_id, counted))

    def skip(self, backfill: str, uri: str, why: str) -> None:
        self._table.put({**_below(backfill, f"SKIPPED#{digest(uri)}"), "uri": uri, "why": why})

    def know(self, backfill: str, uri: str, document: str) -> None:
        """Note an object that is a document already, of somebody else."""
        self._table.put({**_below(backfill, f"KNOWN#{digest(uri)}"), "uri": uri, "document_id": document})

    def miss(self, backfill: str, name: str, error: str, cause: str) -> None:
        """Note an object, or a line, that could not be taken in."""
        key = _below(backfill, f"MISSED#{digest(name)}")
        self._table.put({**key, "uri": name, "error": error, "cause": cause})

    def found(self, backfill: str, name: str) -> None:
        """What was missed before has been taken in."""
        self._table.delete(_below(backfill, f"MISSED#{digest(name)}"))

    def missed(self, backfill: str, limit: int = 20) -> list[dict[str, Any]]:
        return self._below(f"BACKFILL#{backfill}", "MISSED#", limit)

    # --- the line

    def waiting(self, backfill: str, limit: int) -> list[BackfillPlace]:
        items = self._below(f"BACKFILL#{backfill}", "LINE#", limit)
        return [BackfillPlace(str(i["document_id"]), str(i["sk"]).removeprefix("LINE#")) for i in items]

    def left_line(self, backfill: str, document: str, place: str) -> None:
        key = self._table.pack(_below(backfill, f"LINE#{place}"))
        gone = {"Delete": {"Key": key, "ConditionExpression": "attribute_exists(pk)"}}
        self._transact(gone, self._add(backfill, document, {"started": 1}))

    # --- outcomes

    def count(self, backfill: str, document: str, outcome: Status) -> bool:
        new = {
            "Item": self._ended(backfill, document, outcome),
            "ConditionExpression": "attribute_not_exists(pk)",
        }
        if self._transact({"Put": new}, self._add(backfill, document, {OUTCOMES[outcome]: 1})):
            self._keep_pace(backfill)
            return True
        return self._correct(backfill, document, outcome)

    def _correct(self, backfill: str, document: str, outcome: Status) -> bool:
        """Where it ended otherwise before: the later outcome holds."""
        before = self._outcome(backfill, document)
        if before is None or before is outcome:
            return False
        update = {
            "Key": self._table.pack(_below(backfill, f"DONE#{document}")),
            "UpdateExpression": "SET outcome = :new, #time = :now",
            "ConditionExpression": "outcome = :before",
            "ExpressionAttributeNames": {"#time": "time"},
            "ExpressionAttributeValues": self._table.pack(
                {":new": str(outcome), ":before": str(before), ":now": stamp(self._clock())}
            ),
        }
        changed = {OUTCOMES[outcome]: 1, OUTCOMES[before]: -1}
        return self._transact({"Update": update}, self._add(backfill, document, changed))

    def uncount(self, backfill: str, document: str) -> None:
        """The document is processed again: it has not ended, and neither has its backfill."""
        before = self._outcome(backfill, document)
        if before is not None:
            gone = {
                "Key": self._table.pack(_below(backfill, f"DONE#{document}")),
                "ConditionExpression": "outcome = :before",
                "ExpressionAttributeValues": self._table.pack({":before": str(before)}),
            }
            self._transact({"Delete": gone}, self._add(backfill, document, {OUTCOMES[before]: -1}))
        row = self.find(backfill)
        if row and row.state is BackfillState.DONE:
            done = (BackfillState.DONE,)
            self.move(backfill, done, BackfillState.RUNNING, reopened=row.reopened + 1)

    def ended(self, backfill: str, outcome: Status, limit: int) -> list[str]:
        """Documents that ended like that."""
        items = self._below(
            f"BACKFILL#{backfill}",
            "DONE#",
            limit,
            FilterExpression="outcome = :outcome",
            values={":outcome": str(outcome)},
        )
        return [str(item["document_id"]) for item in items]

    def counts(self, backfill: str, *, with_left_out: bool = True) -> Counts:
        """Without what was left out it is one query, however large the backfill is."""
        shards = self._below(f"BACKFILL#{backfill}", "COUNT#", SHARDS, ConsistentRead=True)
        sums = {name: sum(int(shard.get(name, 0)) for shard in shards) for name in COUNTED}
        kinds = ("SKIPPED", "KNOWN", "MISSED") if with_left_out else ()
        left_out = {kind.lower(): self._num(backfill, f"{kind}#") for kind in kinds}
        return Counts(**sums, **left_out)

    def pace(self, backfill: str) -> dict[datetime, int]:
        """How many documents ended, by the beginning of ten minutes; of the last hours."""
        items = self._below(f"BACKFILL#{backfill}", "PACE#", 12, ScanIndexForward=False)
        return {
            datetime.fromisoformat(item["sk"].removeprefix("PACE#")): int(item["ended"]) for item in items
        }

    # --- pieces

    def _outcome(self, backfill: str, document: str) -> Status | None:
        item = self._table.get(_below(backfill, f"DONE#{document}"))
        return Status(item["outcome"]) if item else None

    def _ended(self, backfill: str, document: str, outcome: Status) -> dict[str, Any]:
        key = _below(backfill, f"DONE#{document}")
        told = {"document_id": document, "outcome": str(outcome), "time": stamp(self._clock())}
        return self._table.pack({**key, **told})

    def _add(self, backfill: str, document: str, changes: Mapping[str, int]) -> dict[str, Any]:
        shard = int(digest(document)[:8], 16) % SHARDS
        update = {
            "Key": self._table.pack(_below(backfill, f"COUNT#{shard:02d}")),
            "UpdateExpression": "ADD " + ", ".join(f"#{name} :{name}" for name in changes),
            "ExpressionAttributeNames": {f"#{name}": name for name in changes},
            "ExpressionAttributeValues": self._table.pack({f":{n}": value for n, value in changes.items()}),
        }
        return {"Update": update}

    def _keep_pace(self, backfill: str) -> None:
        """Beside the counts and not with them: it tells a speed, and one more or less does no harm."""
        now = self._clock().astimezone(UTC)
        begin = now - timedelta(
            minutes=now.minute % PACE_MINUTES, seconds=now.second, microseconds=now.microsecond
        )
        key = _below(backfill, f"PACE#{begin.isoformat(timespec='minutes')}")
        self._table.update(key, "ADD #ended :one", {"#ended": "ended"}, {":one": 1})

    def _transact(self, *writes: Mapping[str, Any]) -> bool:
        for _ in range(TRIES - 1):
            try:
                return self._table.transact(*writes)
            except ThrottledError:
                continue
        return self._table.transact(*writes)

    def _num(self, backfill: str, kind: str) -> int:
        return self._table.count(MOST_COUNTED, **self._where(f"BACKFILL#{backfill}", kind, {}))

    def _below(
        self, pk: str, sk: str, limit: int, values: Mapping[str, Any] | None = None, **request: Any
    ) -> list[dict[str, Any]]:
        return self._table.query(limit, **self._where(pk, sk, values or {}), **request)

    def _where(self, pk: str, sk: str, values: Mapping[str, Any]) -> dict[str, Any]:
        condition = "pk = :pk AND begins_with(sk, :sk)" if sk else "pk = :pk"
        values = {":pk": pk, **({":sk": sk} if sk else {}), **values}
        return {"KeyConditionExpression": condition, "ExpressionAttributeValues": self._table.pack(values)}


class MapRuns:
    """`recto.steps.backfill.MapRuns` over Step Functions."""

    def __init__(self, caller: str) -> None:
        self._states = client("stepfunctions", caller)

    def failed_items(self, execution: str) -> int:
        with errors_of(f"ListMapRuns {execution}"):
            runs = self._states.list_map_runs(executionArn=execution)["mapRuns"]
        return sum(self._failed(str(run["mapRunArn"])) for run in runs)

    def _failed(self, run: str) -> int:
        with errors_of(f"DescribeMapRun {run}"):
            counts = self._states.describe_map_run(mapRunArn=run)["itemCounts"]
        return sum(int(counts[name]) for name in ("failed", "timedOut", "aborted"))


def _below(backfill: str, sk: str) -> dict[str, str]:
    return {"pk": f"BACKFILL#{backfill}", "sk": sk}


def _place(row: DocumentRow) -> str:
    return f"{stamp(row.received)}#{row.document_id}"


def _row_of(item: Mapping[str, Any]) -> BackfillRow:
    text = item.get("forecast")
    return BackfillRow.model_validate({**item, "forecast": json.loads(text) if text else None})
