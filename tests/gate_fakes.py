"""Textract's gate in memory: line, leases, rates, jobs, ticks; and crashes where a test wants them."""

from bisect import insort
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from recto.admission import Limits, Place, Rate, RateState, ServiceLimits, pause_after, turn_of
from recto.ports import OcrJobRow
from recto.steps.ocr_gate import Gate, PacedOcr
from tests.fakes import FakeClock, FakeOcr, FakeWorkflow
from tests.memory import MemorySlots

MANY = Limits(concurrent_jobs=100, start_per_second=1000, get_per_second=1000)


class Crash(BaseException):
    """The function is killed."""


@dataclass
class MemoryRates:
    """By name: when the next call is free, and refusals."""

    free: dict[str, float] = field(default_factory=dict)
    refusals: dict[str, int] = field(default_factory=dict)

    def take(self, name: str, rate: Rate, now: datetime, patience: float) -> float | None:
        turn = turn_of(self.free.get(name), now.timestamp(), rate)
        wait = turn.at - now.timestamp()
        if wait > patience:
            return None
        self.free[name] = turn.following
        return wait

    def state(self, name: str, now: datetime) -> RateState:
        wait = max(0.0, self.free.get(name, 0) - now.timestamp())
        return RateState(wait, self.refusals.get(name, 0))

    def refused(self, name: str, now: datetime) -> None:
        self.refusals[name] = self.refusals.get(name, 0) + 1
        free = (now + pause_after(self.refusals[name])).timestamp()
        self.free[name] = max(free, self.free.get(name, 0))

    def accepted(self, name: str) -> None:
        self.refusals.pop(name, None)


@dataclass
class MemoryLine:
    places: list[str] = field(default_factory=list)

    def join(self, place: str) -> None:
        if place not in self.places:
            insort(self.places, place)

    def first(self, limit: int) -> list[Place]:
        return [Place(place) for place in self.places[:limit]]

    def leave(self, place: str) -> None:
        if place in self.places:
            self.places.remove(place)


@dataclass
class FakeTicks:
    """Messages that are under way: when they come."""

    due: datetime | None = None
    sent: int = 0
    looks: int = 0

    def later(self, seconds: float, now: datetime) -> bool:
        if self.due:
            return False
        self.due, self.sent = now + timedelta(seconds=round(seconds)), self.sent + 1
        return True

    def came(self) -> None:
        self.due = None

    def look_after(self) -> None:
        self.looks += 1


@dataclass
class MemoryOcrJobs:
    rows: dict[str, OcrJobRow] = field(default_factory=dict)

    def ask(self, row: OcrJobRow, expires: datetime) -> OcrJobRow:
        known = self.rows.get(row.tag)
        if known:
            kept = {"source": known.source or row.source, "place": known.place or row.place}
            row = known.model_copy(update={"task_token": row.task_token, **kept})
        self.rows[row.tag] = row
        return row

    def find(self, tag: str) -> OcrJobRow | None:
        return self.rows.get(tag)

    def _set(self, tag: str, **changes: Any) -> OcrJobRow | None:
        if tag in self.rows:
            self.rows[tag] = self.rows[tag].model_copy(update=changes)
        return self.rows.get(tag)

    def try_start(self, tag: str, now: datetime) -> OcrJobRow | None:
        row = self.rows.get(tag)
        if row is None or row.ended or row.job_id:
            return None
        return self._set(tag, tries=row.tries + 1, tried=now)

    def not_started(self, tag: str) -> None:
        self._set(tag, tries=0)

    def started(self, tag: str, job_id: str, now: datetime) -> None:
        self._set(tag, job_id=job_id, started=now)

    def ended(self, tag: str, job_id: str) -> OcrJobRow | None:
        return self._set(tag, ended=True, job_id=job_id)

    def asked(self, tag: str, now: datetime) -> None:
        self._set(tag, asks=self.rows[tag].asks + 1, asked=now)

    def forget_job(self, tag: str, job_id: str) -> None:
        if tag in self.rows and self.rows[tag].job_id == job_id:
            self._set(tag, job_id="", ended=False, tries=0)


@dataclass
class MemoryLimits:
    known: tuple[ServiceLimits, datetime] | None = None

    def read(self) -> tuple[ServiceLimits, datetime] | None:
        return self.known

    def write(self, limits: ServiceLimits, now: datetime) -> None:
        self.known = limits, now


def gate_of(
    ocr: FakeOcr,
    workflow: FakeWorkflow,
    clock: FakeClock,
    limits: Limits = MANY,
    **parts: Any,
) -> Gate:
    """A gate in memory; parts of it may be others."""

    def sleep(seconds: float) -> None:
        clock.pass_time(seconds=seconds)

    rates = parts.pop("rates", None) or MemoryRates()
    gate = Gate(
        ocr=PacedOcr(ocr, rates, lambda: limits, clock, sleep),
        jobs=MemoryOcrJobs(),
        line=MemoryLine(),
        leases=MemorySlots(),
        rates=rates,
        ticks=FakeTicks(),
        workflow=workflow,
        clock=clock,
        sleep=sleep,
        limits=lambda: limits,
        lease=timedelta(hours=2),
    )
    return gate._replace(**parts)


class Crashing:
    """A part of the gate that kills the function before or after one of its calls, once."""

    def __init__(self, part: Any, method: str, when: str, at: int = 1) -> None:
        self._part, self._method, self._when, self._left = part, method, when, at

    def __getattr__(self, name: str) -> Any:
        method: Callable[..., Any] = getattr(self._part, name)
        if name != self._method:
            return method

        def call(*arguments: Any, **named: Any) -> Any:
            self._left -= 1
            if self._left == 0 and self._when == "before":
                raise Crash(f"before {name}")
            answer = method(*arguments, **named)
            if self._left == 0:
                raise Crash(f"after {name}")
            return answer

        return call
