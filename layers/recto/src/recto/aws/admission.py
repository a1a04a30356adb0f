"""Admission's rows in the document table: leases, rates, lines, OCR jobs, limits.

Keys: `LEASE#bottleneck` and `LEASE#bottleneck#shard`/`LEASE`, `RATE#name`/`RATE`, `LINE#bottleneck`/place,
`JOB#tag`/`JOB`, `LIMITS`/`LIMITS`.

Leases are maps of owner to expiry: there is no count beside them that could drift. Where a limit is large
they lie in several items, each with its part of the limit. An owner is noted in the item that its name
chooses, its home, also where that one is full and its place is in another: so it never holds two.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from recto.admission import (
    DOCUMENTS,
    PER_SHARD,
    Place,
    Rate,
    RateState,
    ServiceLimits,
    home_of,
    pause_after,
    shard_limits,
    turn_of,
)
from recto.aws.clients import client, errors_of
from recto.aws.dynamodb import Table, stamp
from recto.errors import ThrottledError
from recto.ports import OcrJobRow

MAP = "attribute_exists(#owners)"
FRESH = "attribute_not_exists(#owners.#owner) AND attribute_not_exists(#away.#owner)"
ROOM = f"{MAP} AND attribute_not_exists(#owners.#owner) AND size(#owners) < :limit"
UNSHARDED = "attribute_not_exists(#shards)"
READ_AT_ONCE = 100
TRIES = 5
TICK_IS_LOST_AFTER = 90
"""Seconds after it should have come."""


Names = Mapping[str, str]
NO_NAMES: Names = {}


class Shard(NamedTuple):
    """One item of leases."""

    number: int
    owners: Mapping[str, datetime]
    away: Mapping[str, int]
    """Whose home it is though their place is in another shard."""


class Leases:
    """`recto.ports.Slots` of one bottleneck."""

    def __init__(self, table: Table, bottleneck: str, per_shard: int = PER_SHARD) -> None:
        self._table, self._bottleneck, self._per_shard = table, bottleneck, per_shard
        self._num_shards = 1
        """As seen last; who is not at the home that this gives is looked for in all."""
        self._settled: tuple[int, ...] = ()
        """The shards' limits, where nothing that an earlier limit left is above them."""

    def take(self, owner: str, limit: int, expires: datetime, share: int | None = None) -> bool:
        most = limit if share is None else min(share, limit)
        if limit <= self._per_shard:
            return self._take_in_one(owner, most, expires)
        limits = shard_limits(limit, self._per_shard)
        if most == limit and self._settled == limits and self._put_home(owner, limits, expires):
            return True
        for _ in range(TRIES):
            shards = self._shards()
            if _is_known(owner, shards) or _num_held(shards) >= most:
                return False
            if self._take_in_some(owner, shards, limits, expires):
                return True
        return False

    def _take_in_one(self, owner: str, limit: int, expires: datetime) -> bool:
        """All in one item, as in versions before shards."""
        if self._put(0, owner, limit, expires, f"{ROOM} AND {UNSHARDED}", {"#shards": "shards"}):
            return True
        item = self._table.get(self._key(0))
        if item is None:
            self._grow(1)
            return self._put(0, owner, limit, expires, ROOM)
        if "shards" not in item:
            return False
        shards = self._shards()  # an earlier limit was larger: what it left in others counts as well
        if _is_known(owner, shards):
            return False
        return self._put(0, owner, limit - _num_held(shards[1:]), expires, ROOM)

    def _put(
        self, shard: int, owner: str, limit: int, expires: datetime, condition: str, names: Names = NO_NAMES
    ) -> bool:
        return self._table.update(
            self._key(shard),
            "SET #owners.#owner = :expires",
            {"#owners": "owners", "#owner": owner, **names},
            {":expires": stamp(expires), ":limit": limit},
            condition,
        )

    def _take_in_some(
        self, owner: str, shards: Sequence[Shard], limits: Sequence[int], expires: datetime
    ) -> bool:
        """At home, or where most room is; False where somebody else was faster."""
        shards = self._grow(len(limits)) if len(shards) < len(limits) else shards
        parts = dict(enumerate(limits))
        if all(len(shard.owners) <= parts.get(shard.number, 0) for shard in shards):
            self._settled = tuple(limits)
        home = home_of(owner, len(limits))
        if len(shards[home].owners) < limits[home]:
            return self._put_home(owner, limits, expires)
        chosen = max(range(len(limits)), key=lambda number: limits[number] - len(shards[number].owners))
        place = {
            "Key": self._table.pack(self._key(chosen)),
            "UpdateExpression": "SET #owners.#owner = :expires",
            "ConditionExpression": ROOM,
            "ExpressionAttributeNames": {"#owners": "owners", "#owner": owner},
            "ExpressionAttributeValues": self._table.pack(
                {":expires": stamp(expires), ":limit": limits[chosen]}
            ),
        }
        note = {
            "Key": self._table.pack(self._key(home)),
            "UpdateExpression": "SET #away.#owner = :shard",
            "ConditionExpression": FRESH,
            "ExpressionAttributeNames": {"#owners": "owners", "#away": "away", "#owner": owner},
            "ExpressionAttributeValues": self._table.pack({":shard": chosen}),
        }
        try:
            return self._table.transact({"Update": place}, {"Update": note})
        except ThrottledError:  # somebody wrote one of the two at the same moment
            return False

    def _put_home(self, owner: str, limits: Sequence[int], expires: datetime) -> bool:
        home = home_of(owner, len(limits))
        condition = f"{MAP} AND {FRESH} AND size(#owners) < :limit"
        return self._put(home, owner, limits[home], expires, condition, {"#away": "away"})

    def release(self, owner: str) -> bool:
        names, condition = {"#owners": "owners", "#owner": owner}, "attribute_exists(#owners.#owner)"
        if self._num_shards == 1:
            names, condition = {**names, "#shards": "shards"}, f"{condition} AND {UNSHARDED}"
        home = self._key(home_of(owner, self._num_shards))
        if self._table.update(home, "REMOVE #owners.#owner", names, {}, condition):
            return True
        shards = self._shards()
        held = [shard.number for shard in shards if owner in shard.owners]
        return sum(self._remove(owner, number, shards) for number in held) > 0

    def owners(self) -> Mapping[str, datetime]:
        return {owner: expires for shard in self._shards() for owner, expires in shard.owners.items()}

    def take_back_expired(self, now: datetime) -> list[str]:
        shards = self._shards()
        expired = [(o, e, s.number) for s in shards for o, e in s.owners.items() if e <= now]
        taken = [owner for owner, expires, number in expired if self._remove(owner, number, shards, expires)]
        if _lost_notes(shards):
            for owner, home, shard in _lost_notes(self._shards()):
                self._forget(owner, home, shard)
        return taken

    # ---- items

    def _key(self, shard: int) -> dict[str, str]:
        """The first one is where versions before shards had all their owners."""
        suffix = f"#{shard}" if shard else ""
        return {"pk": f"LEASE#{self._bottleneck}{suffix}", "sk": "LEASE"}

    def _shards(self) -> list[Shard]:
        """All that were ever used; none where nobody ever took a place."""
        first = self._table.get(self._key(0))
        if first is None:
            return []
        others = [self._key(number) for number in range(1, int(first.get("shards", 1)))]
        items = [first]
        for begin in range(0, len(others), READ_AT_ONCE):
            items += [item or {} for item in self._table.get_many(others[begin : begin + READ_AT_ONCE])]
        self._num_shards = len(items)
        return [_shard_of(number, item) for number, item in enumerate(items)]

    def _grow(self, shards: int) -> list[Shard]:
        """The shards, at least so many, each with its maps."""
        names: dict[str, str] = {"#owners": "owners"}
        none: dict[str, Any] = {":none": {}}
        maps = "SET #owners = if_not_exists(#owners, :none)"
        if shards > 1:
            names, maps = {**names, "#away": "away"}, f"{maps}, #away = if_not_exists(#away, :nobody)"
            none[":nobody"] = {}  # a value of its own: the emulator would make one map of both
        for number in reversed(range(shards)):
            self._table.update(self._key(number), maps, names, none)
        if shards > 1:
            self._table.update(
                self._key(0),
                "SET #shards = :shards",
                {"#shards": "shards"},
                {":shards": shards},
                "attribute_not_exists(#shards) OR #shards < :shards",
            )
        return self._shards()

    def _remove(
        self, owner: str, shard: int, shards: Sequence[Shard], expires: datetime | None = None
    ) -> bool:
        """False where it does not hold that place any more, or by now with another expiry."""
        names, condition = {"#owners": "owners", "#owner": owner}, "attribute_exists(#owners.#owner)"
        values: dict[str, Any] = {}
        if expires is not None:
            condition, values = "#owners.#owner = :seen", {":seen": stamp(expires)}
        removed = self._table.update(self._key(shard), "REMOVE #owners.#owner", names, values, condition)
        for home in shards if removed else ():
            if home.away.get(owner) == shard:
                self._forget(owner, home.number, shard)
        return removed

    def _forget(self, owner: str, home: int, shard: int) -> None:
        names = {"#away": "away", "#owner": owner}
        self._table.update(
            self._key(home), "REMOVE #away.#owner", names, {":shard": shard}, "#away.#owner = :shard"
        )


def _shard_of(number: int, item: Mapping[str, Any]) -> Shard:
    owners = {owner: datetime.fromisoformat(expires) for owner, expires in item.get("owners", {}).items()}
    return Shard(number, owners, {owner: int(shard) for owner, shard in item.get("away", {}).items()})


def _num_held(shards: Sequence[Shard]) -> int:
    return sum(len(shard.owners) for shard in shards)


def _is_known(owner: str, shards: Sequence[Shard]) -> bool:
    return any(owner in shard.owners or owner in shard.away for shard in shards)


def _lost_notes(shards: Sequence[Shard]) -> list[tuple[str, int, int]]:
    """Owner, home and shard of notes whose place is gone: a release broke off in between."""
    return [
        (owner, home.number, shard)
        for home in shards
        for owner, shard in home.away.items()
        if shard >= len(shards) or owner not in shards[shard].owners
    ]


class SlotLeases(Leases):
    """`recto.ports.Slots` of documents in OCR and model."""

    def __init__(self, table: Table) -> None:
        super().__init__(table, DOCUMENTS)


class RateRows:
    """`recto.ports.Rates`: a call is one conditional write, two after a rest; to be refused costs a read."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def take(self, name: str, rate: Rate, now: datetime, patience: float) -> float | None:
        for _ in range(2):  # of two who come after a rest, one takes the turn after the other's
            wait = self._take_next(name, rate, now.timestamp(), patience)
            if wait is not None:
                return wait
            if self.state(name, now).wait > patience:
                return None
            if self._take_rested(name, rate, now.timestamp()):
                return 0.0
        return None

    def _take_next(self, name: str, rate: Rate, moment: float, patience: float) -> float | None:
        taken = self._table.changed(
            _rate_key(name),
            "SET #free = #free + :interval",
            {"#free": "free"},
            {":interval": rate.interval, ":floor": moment - rate.credit, ":until": moment + patience},
            "#free BETWEEN :floor AND :until",
            "UPDATED_OLD",
        )
        return None if taken is None else max(0.0, float(taken["free"]) - moment)

    def _take_rested(self, name: str, rate: Rate, moment: float) -> bool:
        following = turn_of(None, moment, rate).following
        return self._table.update(
            _rate_key(name),
            "SET #free = :following",
            {"#free": "free"},
            {":following": following, ":floor": moment - rate.credit},
            "attribute_not_exists(#free) OR #free < :floor",
        )

    def state(self, name: str, now: datetime) -> RateState:
        item = self._table.get(_rate_key(name)) or {}
        wait = max(0.0, float(item.get("free", 0)) - now.timestamp())
        return RateState(wait=wait, refusals=int(item.get("refusals", 0)))

    def refused(self, name: str, now: datetime) -> None:
        item = self._table.get(_rate_key(name)) or {}
        refusals = int(item.get("refusals", 0)) + 1
        free = (now + pause_after(refusals)).timestamp()
        self._table.update(
            _rate_key(name),
            "SET #free = :free, refusals = :refusals",
            {"#free": "free"},
            {":free": free, ":refusals": refusals},
            "attribute_not_exists(#free) OR #free < :free",
        )

    def accepted(self, name: str) -> None:
        self._table.update(_rate_key(name), "REMOVE refusals", {}, {}, "attribute_exists(refusals)")


def _rate_key(name: str) -> dict[str, str]:
    return {"pk": f"RATE#{name}", "sk": "RATE"}


class LineRows:
    """`recto.ports.Line` of one bottleneck."""

    def __init__(self, table: Table, bottleneck: str) -> None:
        self._table, self._pk = table, f"LINE#{bottleneck}"

    def join(self, place: str) -> None:
        self._table.put({"pk": self._pk, "sk": place})

    def first(self, limit: int) -> list[Place]:
        items = self._table.query(
            limit,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues=self._table.pack({":pk": self._pk}),
            ConsistentRead=True,
        )
        return [Place(str(item["sk"])) for item in items]

    def leave(self, place: str) -> None:
        self._table.delete({"pk": self._pk, "sk": place})


class SqsTicks:
    """`recto.ports.Ticks` over a queue; that a message is under way stands in the rate's row."""

    def __init__(self, table: Table, rate: str, caller: str, url: str) -> None:
        self._table, self._key = table, _rate_key(rate)
        self._queues = client("sqs", caller)
        self._url = url

    def later(self, seconds: float, now: datetime) -> bool:
        delay = min(900, max(0, round(seconds)))
        due = int(now.timestamp()) + delay
        alone = self._table.update(
            self._key,
            "SET tick = :due",
            {},
            {":due": due, ":lost": int(now.timestamp()) - TICK_IS_LOST_AFTER},
            "attribute_not_exists(tick) OR tick < :lost",
        )
        if alone:
            self._send("tick", delay)
        return alone

    def came(self) -> None:
        self._table.update(self._key, "REMOVE tick", {}, {}, "attribute_exists(tick)")

    def look_after(self) -> None:
        self._send("recover", 0)

    def _send(self, action: str, delay: int) -> None:
        with errors_of(f"SendMessage {self._url}"):
            self._queues.send_message(
                QueueUrl=self._url, MessageBody=json.dumps({"Action": action}), DelaySeconds=delay
            )


class OcrJobRows:
    """`recto.ports.OcrJobs`; DynamoDB removes a row some days after nobody can want it."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def ask(self, row: OcrJobRow, expires: datetime) -> OcrJobRow:
        told = ("tag", "document_id", "correlation_id", "task_token")
        always: dict[str, Any] = {name: getattr(row, name) for name in told}
        always |= {"features": row.features, "expires_at": int(expires.timestamp())}
        source = row.source.model_dump() if row.source else None
        first = {"source": source, "place": row.place}
        sets = [f"#{name} = :{name}" for name in always]
        sets += [f"#{name} = if_not_exists(#{name}, :{name})" for name in first]
        item = self._table.changed(
            _job_key(row.tag),
            "SET " + ", ".join(sets),
            {f"#{name}": name for name in (*always, *first)},
            {f":{name}": value for name, value in (always | first).items()},
            "attribute_exists(pk) OR attribute_not_exists(pk)",
        )
        if item is None:
            raise ThrottledError(f"OCR job {row.tag}: its row could not be written")
        return _job_row(item)

    def find(self, tag: str) -> OcrJobRow | None:
        item = self._table.get(_job_key(tag))
        return _job_row(item) if item else None

    def try_start(self, tag: str, now: datetime) -> OcrJobRow | None:
        item = self._table.changed(
            _job_key(tag),
            "SET tries = if_not_exists(tries, :none) + :one, tried = :now",
            {"#job": "job_id"},
            {":none": 0, ":one": 1, ":now": now, ":empty": ""},
            "attribute_exists(pk) AND attribute_not_exists(ended)"
            " AND (attribute_not_exists(#job) OR #job = :empty)",
        )
        return _job_row(item) if item else None

    def not_started(self, tag: str) -> None:
        self._set(tag, tries=0)

    def started(self, tag: str, job_id: str, now: datetime) -> None:
        self._set(tag, job_id=job_id, started=now)

    def ended(self, tag: str, job_id: str) -> OcrJobRow | None:
        return self._set(tag, ended=True, job_id=job_id)

    def asked(self, tag: str, now: datetime) -> None:
        self._table.changed(
            _job_key(tag),
            "SET asks = if_not_exists(asks, :none) + :one, asked = :now",
            {},
            {":none": 0, ":one": 1, ":now": now},
            "attribute_exists(pk)",
        )

    def forget_job(self, tag: str, job_id: str) -> None:
        self._table.update(
            _job_key(tag), "REMOVE #job, ended, tries", {"#job": "job_id"}, {":job": job_id}, "#job = :job"
        )

    def _set(self, tag: str, **values: Any) -> OcrJobRow | None:
        item = self._table.changed(
            _job_key(tag),
            "SET " + ", ".join(f"#{name} = :{name}" for name in values),
            {f"#{name}": name for name in values},
            {f":{name}": value for name, value in values.items()},
            "attribute_exists(pk)",
        )
        return _job_row(item) if item else None


def _job_key(tag: str) -> dict[str, str]:
    return {"pk": f"JOB#{tag}", "sk": "JOB"}


def _job_row(item: Mapping[str, Any]) -> OcrJobRow:
    return OcrJobRow.model_validate({name: value for name, value in item.items() if value is not None})


class LimitItem:
    """`recto.ports.LimitRows` in one row."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def read(self) -> tuple[ServiceLimits, datetime] | None:
        item = self._table.get(LIMITS_KEY)
        if item is None:
            return None
        return ServiceLimits.model_validate(item), datetime.fromisoformat(item["looked"])

    def write(self, limits: ServiceLimits, now: datetime) -> None:
        self._table.put({**LIMITS_KEY, **limits.model_dump(), "looked": stamp(now)})


LIMITS_KEY = {"pk": "LIMITS", "sk": "LIMITS"}
