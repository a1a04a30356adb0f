"""Use and ledger in the table: a row a call, and what was used each day, summed.

`USED#<document>` / `<attempt>#<step>#<request id>` is one call's use; a repeated write is the same row. What
an attempt used is added to `LEDGER#<yyyy-mm>` / `<dd>#<lane>#<shard>` in one transaction with the row
`<attempt>#LEDGER`, so that it is added once.
"""

import random
import re
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from recto.aws.dynamodb import Table
from recto.cost import Unit, Use, summed
from recto.errors import ThrottledError
from recto.messages import Lane
from recto.ports import LedgerDay, UseRow
from recto.transitions import transitions

ANY_ATTEMPT = 0
"""Of calls whose function was not told which attempt it worked for."""
KEPT = timedelta(days=90)
"""Of the calls' rows; the ledger is kept."""
SHARDS = 8
"""Of a day and lane: many documents may end at once."""
TRIES = 4
MACHINE = "state_machine"
"""The step that transitions are written under."""
CLOSED = "LEDGER"
NUMBERS = Decimal("0.000000001")
MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")


class UseRows:
    """What calls used, by document."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def put(self, row: UseRow, now: datetime) -> None:
        units = {unit.value: quantity.quantize(NUMBERS).normalize() for unit, quantity in row.units.items()}
        item = {
            "pk": f"USED#{row.document_id}",
            "sk": f"{row.attempt}#{row.step}#{row.request_id}",
            **row.model_dump(exclude={"units"}),
            "units": units,
            "expires_at": int((now + KEPT).timestamp()),
        }
        self._table.put(item)

    def of_document(self, document: str) -> list[UseRow]:
        """Of all attempts."""
        return self.and_closed(document)[0]

    def and_closed(self, document: str) -> tuple[list[UseRow], list[int]]:
        """All calls for a document, and which of its attempts are in the ledger."""
        items = self._table.query(
            10_000,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues=self._table.pack({":pk": f"USED#{document}"}),
        )
        closed = [int(item["sk"].partition("#")[0]) for item in items if item["sk"].endswith(f"#{CLOSED}")]
        return [UseRow.model_validate(item) for item in items if "request_id" in item], closed


def uses_of(rows: Sequence[UseRow], failure: str = "", *, is_audited: bool = False) -> tuple[Use, ...]:
    """What one attempt's calls used by step, with the state machine's transitions and the traces."""
    calls = Counter(row.step for row in rows)
    if is_audited:
        calls["a2i_audit"] = 1
    traces = len({row.trace for row in rows if row.trace})
    machine = {Unit.STATES_TRANSITION: Decimal(transitions(calls, failure))}
    machine |= {Unit.XRAY_TRACE: Decimal(traces)} if traces else {}
    return summed([*(Use(step=row.step, units=row.units) for row in rows), Use(step=MACHINE, units=machine)])


class Ending(NamedTuple):
    """How an attempt of a document ended."""

    document_id: str
    attempt: int
    lane: Lane
    failure: str = ""
    """The error's name."""
    is_audited: bool = False
    """Whether somebody will look at it again."""


def close_account(ending: Ending, own: UseRow, table: Table, now: datetime) -> tuple[Use, ...]:
    """Add what an attempt used to the day's ledger; `own` is the use of the call that does it, unwritten yet.

    What was added, nothing where that was done before. Attempts that were interrupted, and so never closed,
    count with the next one that is; calls of no known attempt with the first one.
    """
    uses = UseRows(table)
    rows, closed = uses.and_closed(ending.document_id)
    since = max(closed, default=ANY_ATTEMPT - 1)
    mine = [row for row in rows if since < row.attempt <= ending.attempt]
    counted = [row for row in mine if row.request_id != own.request_id]
    sums = uses_of([*counted, own], ending.failure, is_audited=ending.is_audited)
    is_new = LedgerRows(table).add(ending.document_id, ending.attempt, ending.lane, sums, now)
    return tuple(sums) if is_new else ()


class LedgerRows:
    """`recto.ports.Ledger` in the table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def add(self, document: str, attempt: int, lane: Lane, uses: Sequence[Use], now: datetime) -> bool:
        """False where this attempt was added before. ThrottledError where others add too much at once."""
        marker = {
            "pk": f"USED#{document}",
            "sk": f"{attempt}#{CLOSED}",
            "expires_at": int((now + KEPT).timestamp()),
        }
        once = {"Item": self._table.pack(marker), "ConditionExpression": "attribute_not_exists(pk)"}
        for left in range(TRIES - 1, -1, -1):
            try:
                return self._table.transact({"Put": once}, {"Update": self._sum(document, lane, uses, now)})
            except ThrottledError:
                if not left:
                    raise
                time.sleep(random.uniform(0.02, 0.2))  # noqa: S311 - so that two do not meet again
        raise AssertionError("the last try returns or raises")

    def _sum(self, document: str, lane: Lane, uses: Sequence[Use], now: datetime) -> dict[str, Any]:
        key = {
            "pk": f"LEDGER#{now:%Y-%m}",
            "sk": f"{now:%d}#{lane}#{int(document[:8], 16) % SHARDS}",
        }
        amounts = {f"{use.step}|{unit}": amount for use in uses for unit, amount in use.units.items()}
        amounts["documents"] = Decimal(1)
        names = {f"#{number}": name for number, name in enumerate(amounts)}
        values = {
            f":{number}": amount.quantize(NUMBERS).normalize()
            for number, amount in enumerate(amounts.values())
        }
        return {
            "Key": self._table.pack(key),
            "UpdateExpression": "ADD " + ", ".join(f"#{number} :{number}" for number in range(len(amounts))),
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": self._table.pack(values),
        }

    def month(self, month: str) -> list[LedgerDay]:
        """Days and lanes of a month (`yyyy-mm`), in order, their shards summed."""
        if not MONTH.fullmatch(month):
            raise ValueError(f"expected a month as yyyy-mm, got {month!r}")
        items = self._table.query(
            10_000,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues=self._table.pack({":pk": f"LEDGER#{month}"}),
        )
        days: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
        for item in items:
            day, lane, _ = item["sk"].split("#")
            days.setdefault((day, lane), []).append(item)
        return [_day(f"{month}-{day}", lane, shards) for (day, lane), shards in sorted(days.items())]


def _day(date: str, lane: str, shards: Sequence[Mapping[str, Any]]) -> LedgerDay:
    uses = [
        Use(step=name.partition("|")[0], units={Unit(name.partition("|")[2]): amount})
        for shard in shards
        for name, amount in shard.items()
        if "|" in name
    ]
    documents = sum(int(shard.get("documents", 0)) for shard in shards)
    return LedgerDay(date=date, lane=lane, documents=documents, uses=summed(uses))
