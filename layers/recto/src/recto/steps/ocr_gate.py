"""Textract's gate: jobs wait in line until there is a place and a call for them. Nobody polls.

Who asks for a job writes its row, joins the line and *pumps*: the oldest in line are started while leases and
calls last. Who finds none goes home, for the state waits for its token anyway. The line is pumped again when
a job ends, by one delayed message while calls are short, and once a minute.

A start is: lease, call, note that it is tried, start, note the job, leave the line. A crash after any of
these loses nothing: what is in line and holds a lease without a job gets its lease taken back by `look_after`
and is started again, with the same client token, which is the same job.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from recto.admission import (
    TEXTRACT_GET,
    TEXTRACT_START,
    Limits,
    Place,
    Rate,
    ServiceLimits,
    ask_next,
    limits_of_quotas,
)
from recto.errors import OcrFailedError, RectoError, ThrottledError, TransientError
from recto.messages import OcrJob
from recto.places import Location
from recto.ports import (
    Clock,
    LimitRows,
    Line,
    Ocr,
    OcrJobRow,
    OcrJobs,
    OcrRequest,
    Quotas,
    Rates,
    Slots,
    Ticks,
    Workflow,
)

IN_PROGRESS = "IN_PROGRESS"
USABLE = frozenset({"SUCCEEDED", "PARTIAL_SUCCESS"})
PATIENCE = 0.9
"""Seconds that a call may wait inside a function."""
LOOKED_AT = 25
"""Of the line, where the first ones are being started by others just now."""
SETTLING = timedelta(minutes=2)
"""How old something is before anybody takes it for left behind."""
MOST_TRIES = 5
MOST_ASKED = 50
LIMITS_LAST = timedelta(hours=1)


def _always(_: str) -> bool:
    return True


class Gate(NamedTuple):
    """What the gate works with."""

    ocr: Ocr
    jobs: OcrJobs
    line: Line
    leases: Slots
    rates: Rates
    ticks: Ticks
    workflow: Workflow
    clock: Clock
    sleep: Callable[[float], None]
    limits: Callable[[], Limits]
    lease: timedelta
    is_wanted: Callable[[str], bool] = _always
    """Whether a document waits for its OCR still: it may have failed elsewhere while it stood in line."""


class GateWatch(NamedTuple):
    """The line of OCR jobs, as far as it is looked after from here."""

    line: Line
    leases: Slots
    ticks: Ticks


class Why(StrEnum):
    """Why no more was started."""

    EMPTY = "EMPTY"
    """Nobody waits, or only those whom others are starting."""
    ENOUGH = "ENOUGH"
    """As many as were wanted, or for as long."""
    FULL = "FULL"
    """All leases are taken: the end of a job goes on."""
    SHORT = "SHORT"
    """No call is free: a message goes on."""
    REFUSED = "REFUSED"
    """The service itself wants fewer: a message goes on, later."""


class Pumped(NamedTuple):
    """What pumping did."""

    started: tuple[str, ...]
    failed: tuple[str, ...]
    why: Why


class Drift(NamedTuple):
    """What the reaper put right."""

    owner: str
    reason: str


class Looked(NamedTuple):
    """What looking after line and leases did."""

    drift: tuple[Drift, ...]
    asked: tuple[str, ...]
    ended: tuple[str, ...]
    """Jobs whose end nobody had told of."""
    oldest: timedelta
    """How long the first in line has waited."""


# ---- pumping


def pump(gate: Gate, most: int, until: datetime | None = None) -> Pumped:
    """Start the oldest in line, at most so many, while there are leases and calls."""
    started: list[str] = []
    failed: list[str] = []
    skipped: set[str] = set()
    why = None
    while why is None:
        if len(started) + len(failed) >= most or (until and gate.clock() >= until):
            why = Why.ENOUGH
            break
        place, why = _admit(gate, skipped)
        if place:
            why = _start(place, gate, started, failed, skipped)
    if why in (Why.SHORT, Why.REFUSED) or (why is Why.ENOUGH and until):
        _go_on_later(gate)
    return Pumped(tuple(started), tuple(failed), why)


def _admit(gate: Gate, skipped: set[str]) -> tuple[Place | None, Why | None]:
    """The first in line, with a lease and its call's turn come; or why there is none."""
    waiting = [place for place in gate.line.first(LOOKED_AT + len(skipped)) if place.place not in skipped]
    if not waiting:
        return None, Why.EMPTY
    if gate.rates.state(TEXTRACT_START, gate.clock()).wait > PATIENCE:
        return None, Why.SHORT
    limits = gate.limits()
    place = _with_lease(waiting, limits.concurrent_jobs, gate)
    if place is None:
        return None, Why.FULL if len(gate.leases.owners()) >= limits.concurrent_jobs else Why.EMPTY
    rate = Rate(limits.start_per_second)
    wait = gate.rates.take(TEXTRACT_START, rate, gate.clock(), PATIENCE)
    if wait is None:
        gate.leases.release(place.owner)
        return None, Why.SHORT
    if wait:
        gate.sleep(wait)
    return place, None


def _with_lease(waiting: Sequence[Place], limit: int, gate: Gate) -> Place | None:
    """The first who gets one; who holds one already is being started by somebody else."""
    for place in waiting:
        if gate.leases.take(place.owner, limit, gate.clock() + gate.lease):
            return place
        if len(gate.leases.owners()) >= limit:
            return None
    return None


def _start(place: Place, gate: Gate, started: list[str], failed: list[str], skipped: set[str]) -> Why | None:
    """None to go on with the next; who was admitted holds a lease."""
    row = gate.jobs.try_start(place.owner, gate.clock())
    if row is None or row.source is None:
        _clear(place, gate, skipped)
        return None
    if not gate.is_wanted(row.document_id):
        _drop(place, gate)
        if gate.is_wanted(row.document_id):  # its state came while it was dropped
            gate.line.join(place.place)
        return None
    try:
        job_id = _job_of(row, row.source, gate)
    except TransientError:
        gate.jobs.not_started(row.tag)
        gate.leases.release(row.tag)
        gate.rates.refused(TEXTRACT_START, gate.clock())
        return Why.REFUSED
    except RectoError as error:
        _fail(place, error, gate)
        failed.append(row.document_id)
        return None
    gate.jobs.started(row.tag, job_id, gate.clock())
    gate.line.leave(place.place)
    if gate.rates.state(TEXTRACT_START, gate.clock()).refusals:
        gate.rates.accepted(TEXTRACT_START)
    started.append(row.document_id)
    return None


def _job_of(row: OcrJobRow, source: Location, gate: Gate) -> str:
    if row.tries > MOST_TRIES:
        raise OcrFailedError(
            f"document {row.document_id}: the start of its OCR job broke off {row.tries - 1} times, nobody "
            "knows why; expected a job or a refusal"
        )
    return gate.ocr.start(OcrRequest(source=source, features=row.features, tag=row.tag, client_token=row.tag))


def _drop(place: Place, gate: Gate) -> None:
    """Nobody waits for it any more; a state that does later comes into line again."""
    gate.line.leave(place.place)
    gate.jobs.not_started(place.owner)
    gate.leases.release(place.owner)


def _clear(place: Place, gate: Gate, skipped: set[str]) -> None:
    """Somebody in line who is not to be started: whose job runs or has ended, or who has no row."""
    row = gate.jobs.find(place.owner)
    if row and row.job_id and not row.ended:
        gate.line.leave(place.place)  # its job runs: the lease is its own
        return
    skipped.add(place.place)
    if row and row.ended:
        if _tell_again(row, gate):
            gate.line.leave(place.place)  # two calls of one state at once have two places
    elif gate.clock() - place.since > SETTLING:
        gate.line.leave(place.place)
    gate.leases.release(place.owner)


def _tell_again(row: OcrJobRow, gate: Gate) -> bool:
    """Whose job has ended came back into line with a new token; False where it could not be told."""
    try:
        return settle(row, row.job_id, gate)
    except TransientError:  # it stays in line
        return False
    except OcrFailedError as error:
        gate.workflow.fail(row.task_token, type(error).__name__, str(error))
        clear_away(row, gate)
        return True


def _fail(place: Place, error: RectoError, gate: Gate) -> None:
    """The document fails by name; a token that was renewed meanwhile is told the same.

    It is told before its place is given up: who is killed in between tells it again.
    """
    told = _tell_failure(place, error, gate, told="")
    _drop(place, gate)
    _tell_failure(place, error, gate, told)


def _tell_failure(place: Place, error: RectoError, gate: Gate, told: str) -> str:
    """The token that knows of it now."""
    row = gate.jobs.find(place.owner)
    if row is None or row.task_token == told:
        return told
    gate.workflow.fail(row.task_token, type(error).__name__, str(error))
    return row.task_token


def _go_on_later(gate: Gate) -> None:
    """One message, when the next call is free, while somebody waits."""
    if gate.line.first(1):
        now = gate.clock()
        gate.ticks.later(gate.rates.state(TEXTRACT_START, now).wait, now)


# ---- the end of a job


def settle(row: OcrJobRow, job_id: str, gate: Gate) -> bool:
    """Tell the waiting state how the job ended and give its lease back; False where it runs still.

    A token that was renewed while the old one was told is told as well.
    """
    answer = gate.ocr.pages(job_id, row.features, "", max_results=1)
    if answer["JobStatus"] == IN_PROGRESS:
        return False
    _tell(row, job_id, answer, gate.workflow)
    now = gate.jobs.ended(row.tag, job_id)
    if now and now.task_token != row.task_token:
        _tell(now, job_id, answer, gate.workflow)
    clear_away(row, gate)
    return True


def clear_away(row: OcrJobRow, gate: Gate) -> None:
    """Lease and place of a job that has ended."""
    gate.leases.release(row.tag)
    if row.place:
        gate.line.leave(row.place)


def _tell(row: OcrJobRow, job_id: str, answer: dict[str, Any], workflow: Workflow) -> None:
    """False tokens do no harm: the state may have been told already, or have given up."""
    if answer["JobStatus"] in USABLE:
        job = OcrJob(job_id=job_id, features=row.features, warnings=warnings_of(answer))
        workflow.succeed(row.task_token, job.dump())
        return
    said = answer.get("StatusMessage") or "no reason given"
    cause = f"document {row.document_id}: OCR job {job_id} ended as {answer['JobStatus']}: {said}"
    workflow.fail(row.task_token, OcrFailedError.__name__, cause)


def warnings_of(answer: dict[str, Any]) -> tuple[str, ...]:
    """Textract's warnings in words: code and pages."""
    return tuple(
        f"{warning.get('ErrorCode', 'warning')}: pages {', '.join(map(str, warning.get('Pages', [])))}"
        for warning in answer.get("Warnings") or ()
    )


# ---- once a minute


def look_after(gate: Gate, until: datetime | None = None) -> Looked:
    """Ask about jobs of whose end nobody told, and take back leases that nobody needs; the oldest first."""
    now = gate.clock()
    drift: list[Drift] = []
    asked: list[str] = []
    ended: list[str] = []
    is_free = True
    for owner, expires in sorted(gate.leases.owners().items(), key=lambda each: each[1]):
        taken = expires - gate.lease
        if now - taken < SETTLING:
            continue
        if until and gate.clock() >= until:  # the next minute goes on
            break
        row = gate.jobs.find(owner)
        if row is None or row.ended or not row.job_id:
            drift += _left_behind(owner, row, now, gate)
        elif is_free and len(asked) < MOST_ASKED and (_is_due(row, taken, now) or expires <= now):
            asked.append(owner)
            try:
                ended += [owner] if _ask_about(row, gate) else []
            except TransientError:  # no call is free: the next minute goes on
                is_free = False
    drift += [Drift(owner, "expired") for owner in gate.leases.take_back_expired(now)]
    first = gate.line.first(1)
    return Looked(tuple(drift), tuple(asked), tuple(ended), now - first[0].since if first else timedelta())


def _is_due(row: OcrJobRow, taken: datetime, now: datetime) -> bool:
    return now >= ask_next(row.started or taken, row.asks, row.asked)


def _left_behind(owner: str, row: OcrJobRow | None, now: datetime, gate: Gate) -> Iterator[Drift]:
    """A lease without a job: its row is gone, its job has ended, or its start broke off."""
    if row and not row.ended and row.tried and now - row.tried < SETTLING:
        return
    if row and not row.ended and row.place:
        gate.line.join(row.place)
    if gate.leases.release(owner):
        yield Drift(owner, "no row" if row is None else "job ended" if row.ended else "start broke off")


def _ask_about(row: OcrJobRow, gate: Gate) -> bool:
    """Whether it has ended; a job that the service does not know any more is a failure by name."""
    try:
        if settle(row, row.job_id, gate):
            return True
    except OcrFailedError as error:
        gate.workflow.fail(row.task_token, type(error).__name__, str(error))
        gate.jobs.ended(row.tag, row.job_id)
        clear_away(row, gate)
        return True
    gate.jobs.asked(row.tag, gate.clock())
    return False


# ---- calls and limits


ASKED_AGAIN = (0.2, 1.0)
"""Seconds between which the pause is to be drawn until a turn is asked for again."""


class Patience(NamedTuple):
    """How a call waits for its turn."""

    lasts: float
    """Seconds, all in all."""
    ahead: float
    """Seconds within which a turn must be to be taken: who takes a later one keeps others from theirs."""
    pause: Callable[[], float] = lambda: max(ASKED_AGAIN)
    """Seconds until a turn is asked for again; drawn, so that those who wait do not ask together."""


AT_ONCE = Patience(lasts=PATIENCE, ahead=PATIENCE)


class PacedOcr:
    """`recto.ports.Ocr` whose status and result calls wait for their turn, or are ThrottledError."""

    def __init__(
        self,
        ocr: Ocr,
        rates: Rates,
        limits: Callable[[], Limits],
        clock: Clock,
        sleep: Callable[[float], None],
        patience: Patience = AT_ONCE,
    ) -> None:
        self._ocr, self._rates, self._limits = ocr, rates, limits
        self._clock, self._sleep, self._patience = clock, sleep, patience

    def start(self, request: OcrRequest) -> str:
        return self._ocr.start(request)

    def pages(
        self, job_id: str, features: Sequence[str], next_token: str, max_results: int = 1000
    ) -> dict[str, Any]:
        per_second = self._limits().get_per_second
        rate = Rate(per_second, burst=max(1, int(per_second / 10)))
        wait = self._turn(rate)
        if wait is None:
            raise ThrottledError(
                f"OCR job {job_id}: all of {per_second:g} calls a second were taken for "
                f"{self._patience.lasts:g} seconds"
            )
        if wait:
            self._sleep(wait)
        return self._ocr.pages(job_id, features, next_token, max_results)

    def _turn(self, rate: Rate) -> float | None:
        """Seconds until it comes; None where patience is over first."""
        last = self._clock() + timedelta(seconds=self._patience.lasts - self._patience.ahead)
        while True:
            now = self._clock()
            wait = self._rates.take(TEXTRACT_GET, rate, now, self._patience.ahead)
            if wait is not None or now >= last:
                return wait
            self._sleep(self._patience.pause())


def refresh_limits(quotas: Quotas, rows: LimitRows, now: datetime) -> ServiceLimits | None:
    """What Service Quotas says, looked at once an hour; None where that was less than an hour ago."""
    known = rows.read()
    if known and now - known[1] < LIMITS_LAST:
        return None
    limits = limits_of_quotas(quotas.of("textract"))
    rows.write(limits, now)
    return limits
