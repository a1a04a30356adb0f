"""Admission's arithmetic: rates, limits, places in a line, when to ask again. No clock, no table.

A bottleneck is something that takes only so much. `documents` and `textract-jobs` are counted in leases,
`textract-start` and `textract-get` in calls a second.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from recto.messages import Lane

DOCUMENTS = "documents"
TEXTRACT_JOBS = "textract-jobs"
TEXTRACT_START = "textract-start"
TEXTRACT_GET = "textract-get"
MODEL = "model"

USED_SHARE = 0.9
"""Of a limit that nobody set for Recto: others in the account find something left."""
PER_SHARD = 100
"""Owners in one item of leases: some 7 KB."""
LANE_RANKS: Mapping[Lane, str] = {"live": "0", "backfill": "1"}
MAX_PAUSE = timedelta(seconds=30)
FIRST_ASKED = timedelta(minutes=2)
MOST_BETWEEN = timedelta(minutes=30)


# ---- rates


class Rate(NamedTuple):
    """So many calls a second, and so many at once after a rest."""

    per_second: float
    burst: int = 1

    @property
    def interval(self) -> float:
        """Seconds from one call to the next."""
        return 1 / self.per_second

    @property
    def credit(self) -> float:
        """Seconds that a rest may save up: all calls of a burst but the last need no wait."""
        return (self.burst - 1) * self.interval


class RateState(NamedTuple):
    """How a rate stands."""

    wait: float
    """Seconds until the next call is free."""
    refusals: int
    """By the service itself, the last ones in a row."""


class Turn(NamedTuple):
    """A call's place on the time line."""

    at: float
    """When it may be made, in seconds of the epoch."""
    following: float
    """From when on the call after it is free."""


def turn_of(free: float | None, now: float, rate: Rate) -> Turn:
    """The next call's turn; `free` is the time from which on it is free (GCRA), None for never asked."""
    begin = now - rate.credit if free is None else max(free, now - rate.credit)
    return Turn(at=max(begin, now), following=begin + rate.interval)


def pause_after(refusals: int) -> timedelta:
    """How long no call is made after the service itself refused so many in a row: 1, 2, 4 … 30 seconds."""
    return min(timedelta(seconds=2 ** min(refusals - 1, 10)), MAX_PAUSE)


# ---- limits


class ServiceLimits(BaseModel):
    """What an account may do at Textract; None where nobody said."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    concurrent_jobs: float | None = None
    start_per_second: float | None = None
    get_per_second: float | None = None


US_EAST_1 = ServiceLimits(concurrent_jobs=600, start_per_second=10, get_per_second=25)
"""Textract's defaults there: of text detection and analysis the lower one each."""

QUOTA_NAMES: Mapping[str, tuple[str, ...]] = {
    "concurrent_jobs": (r"async document(textdetection|analysis)\b.*concurrent jobs",),
    "start_per_second": (r"startdocument(textdetection|analysis)\b.*transactions per second",),
    "get_per_second": (r"getdocument(textdetection|analysis)\b.*transactions per second",),
}
"""Service Quotas' names for them, in lower case; its codes are not published for all of them."""


class Limits(BaseModel):
    """What is used of Textract, at most."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    concurrent_jobs: int
    start_per_second: float
    get_per_second: float
    source: str = ""
    """Where they come from, in words: for the log."""


def limits_of_quotas(quotas: Iterable[tuple[str, float]]) -> ServiceLimits:
    """What Service Quotas' names and values say; of text detection and analysis the lower one."""
    found: dict[str, float] = {}
    for name, value in quotas:
        for field, patterns in QUOTA_NAMES.items():
            if any(re.search(pattern, name.lower()) for pattern in patterns):
                found[field] = min(value, found.get(field, value))
    return ServiceLimits.model_validate(found)


def limits_in_use(wanted: ServiceLimits, quotas: ServiceLimits | None) -> Limits:
    """A parameter as it is, where it is not 0; else 90 % of the quota, else of the default in us-east-1."""
    used: dict[str, float] = {}
    sources: dict[str, str] = {}
    for name in ServiceLimits.model_fields:
        parameter, quota = getattr(wanted, name), getattr(quotas, name) if quotas else None
        used[name] = parameter or (quota or getattr(US_EAST_1, name)) * USED_SHARE
        sources[name] = "parameter" if parameter else "quota" if quota else "default"
    jobs = max(1, int(used["concurrent_jobs"]))
    said = ", ".join(f"{name}: {source}" for name, source in sources.items())
    return Limits.model_validate({**used, "concurrent_jobs": jobs, "source": said})


def share_of(limit: int, share: float) -> int:
    """How many of `limit` places backfill may take part in; none where the share is 0."""
    return max(1, int(limit * share)) if share > 0 else 0


# ---- shards of leases


def num_shards(limit: int, per_shard: int = PER_SHARD) -> int:
    return -(-limit // per_shard)


def shard_limits(limit: int, per_shard: int = PER_SHARD) -> tuple[int, ...]:
    """The limit over its shards, as evenly as it goes."""
    shards = num_shards(limit, per_shard)
    return tuple(limit // shards + (number < limit % shards) for number in range(shards))


def home_of(owner: str, shards: int) -> int:
    """Where an owner is noted, always: nobody can hold two places in different shards."""
    return int.from_bytes(hashlib.sha256(owner.encode()).digest()[:4]) % shards


# ---- the line


def place_in_line(lane: Lane, since: datetime, owner: str) -> str:
    """Sorts live before backfill, then by time."""
    return f"{LANE_RANKS[lane]}#{since.astimezone(UTC).isoformat(timespec='microseconds')}#{owner}"


class Place(NamedTuple):
    """One who waits in a line."""

    place: str

    @property
    def owner(self) -> str:
        return self.place.rpartition("#")[2]

    @property
    def since(self) -> datetime:
        return datetime.fromisoformat(self.place.split("#")[1])


# ---- asking about jobs


def ask_next(started: datetime, asks: int, asked: datetime | None) -> datetime:
    """When to ask about a job of whose end nobody told: after 2 minutes, then 2, 4, 8 … 30 minutes later."""
    if asked is None:
        return started + FIRST_ASKED
    pause = timedelta(seconds=FIRST_ASKED.total_seconds() * 2.0 ** min(max(asks - 1, 0), 10))
    return asked + min(pause, MOST_BETWEEN)
