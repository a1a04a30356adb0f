"""What a design makes of many documents at once: a model of AWS's limits, of Recto and of the reference.

Discrete events by simpy; every random number comes from one seed. Recto's admission is the product's own
(`recto.admission`: rates, limits, shares), and so are its costs (`recto.cost`). The reference is modelled
from its own state machine: a StartExecution for each upload, a semaphore in one DynamoDB item that every
waiting execution asks again and again. Where its behaviour under a limit is not known, the doubt is in its
favour.

Assumptions that no run here can measure stand beside their source in `Service` and `Account`.
"""

import heapq
import json
import math
from collections import Counter
from collections.abc import Generator, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import simpy

from recto.admission import (
    DOCUMENTS,
    TEXTRACT_GET,
    TEXTRACT_JOBS,
    TEXTRACT_START,
    US_EAST_1,
    Rate,
    ServiceLimits,
    limits_in_use,
    share_of,
    turn_of,
)
from recto.cost import Prices, Unit, Use, cost_of, forecast
from recto.steps.ocr_gate import ASKED_AGAIN

RESULTS = Path(__file__).resolve().parent / "results"
AGREEMENTS, MAIL = "agreements", "mail"
STATE_RETRIES, STATE_INTERVAL, LONGEST_INTERVAL = 8, 2.0, 60.0
"""Of `TextractFetch`: doubling from the interval, each drawn between nothing and all of it."""
UNSTARTED, TIMED_OUT, THROTTLED = "never started", "timed out", "ThrottledError"


class Account(NamedTuple):
    """Quotas of an account in us-east-1 that nobody has raised, beside those of Textract.

    Sources: AWS's pages on quotas of Step Functions (StartExecution 1,300 and 300 a second, transitions 5,000
    and 5,000 a second), Lambda (1,000 at once), DynamoDB (1,000 write units a second to a partition), S3
    (3,500 PUT a second to a prefix).
    """

    start_execution: Rate = Rate(300, 1300)
    transitions: Rate = Rate(5000, 5000)
    textract: ServiceLimits = US_EAST_1
    lambda_at_once: int = 1000
    partition_writes: int = 1000
    puts_per_second: int = 3500


class Service(NamedTuple):
    """Seconds that things take.

    Textract: between 3 seconds for a page (a blog of 2025 on a pipeline in production) and 1 to 5 minutes for
    100 pages (issue 22 of amazon-textract-serverless-large-scale-document-processing); the reference's own
    120 documents of 6.7 pages in about 6 minutes agree with it. A page has 580 blocks: 527 words, as measured
    over Kleister's contracts, lines and the page itself; a Get call gives 1,000 blocks.
    """

    textract_base: float = 4.0
    textract_page: float = 1.2
    spread: float = 0.35
    """Of the logarithm."""
    blocks_per_page: float = 580.0
    blocks_per_get: float = 1000.0
    get: float = 0.3
    call: float = 0.15
    """A step's own overhead: reading, writing, being invoked (results/pipeline.json: 0.02 to 0.15 s)."""
    draw_page: float = 0.021
    model_page: float = 0.095
    fields_page: float = 0.006
    """Processor seconds a page of results/thousand-pages.json, over the processors of each function."""

    def textract(self, pages: int, noise: float) -> float:
        return (self.textract_base + self.textract_page * pages) * math.exp(self.spread * noise)

    def gets(self, pages: int) -> int:
        return max(1, math.ceil(pages * self.blocks_per_page / self.blocks_per_get))


class Load(NamedTuple):
    """Documents that are put in at once."""

    documents: int
    mix: str = MAIL
    lane: str = "live"
    seed: int = 7

    def pages(self) -> "np.ndarray[Any, Any]":
        """Pages of each document, in the order of arrival."""
        chance = np.random.default_rng(self.seed)
        if self.mix == MAIL:
            return np.ones(self.documents, dtype=np.int16)
        return agreement_pages(chance.random(self.documents))


def agreement_pages(shares: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    """Pages of agreements by their rank: quartiles 3, 6 and 11, mean 6.7, longest 402 (2,541 documents).

    Between the quartiles a curve whose exponent makes the mean right; the last quarter has nearly all its
    documents just above 11 pages and a few very long ones.
    """
    lows, highs, bends = np.array([1, 3, 6, 11]), np.array([3, 6, 11, 402]), np.array([2, 2, 2, 157])
    quarter = np.minimum((shares * 4).astype(int), 3)
    within = shares * 4 - quarter
    pages = lows[quarter] + (highs - lows)[quarter] * within ** bends[quarter]
    return np.rint(pages).astype(np.int16)


class Outcome(NamedTuple):
    """What a design made of a load."""

    design: str
    load: Load
    processed: int
    failed: dict[str, int]
    hours: float
    dollars: float
    textract_dollars: float
    used: dict[str, float]
    """Of each limit, the share that was used over the busy time."""
    peaks: dict[str, float]
    refused: dict[str, int]
    """Calls that a service refused, or our own gate."""
    first_limit: str
    """The limit that was reached first, and when."""

    def as_dict(self) -> dict[str, Any]:
        return {**self._asdict(), "load": self.load._asdict()}


# ---- Recto


class Admission(NamedTuple):
    """Recto's settings."""

    max_running: int = 90
    backfill_share: float = 0.8
    patience: float = 30.0
    """Seconds that a Get may wait inside a function before it is refused (recto.aws.gates)."""
    ahead: float = 1.0
    """Seconds within which its turn must be; until then it asks again."""
    patience_with_status: float = 3.0
    """The same when a job's end is heard of (recto.aws.gates)."""
    asked_again: float = 150.0
    """Seconds until the minute's schedule asks about a job whose end could not be taken."""
    intake_at_once: int = 10
    """Intake functions (the queue's MaximumConcurrency)."""


class _Gauge:
    """How much of something is in use, integrated over time."""

    def __init__(self, env: simpy.Environment, limit: float) -> None:
        self._env, self.limit = env, limit
        self.level = self.peak = 0
        self._since, self._integral = 0.0, 0.0
        self.reached = math.inf

    def change(self, by: int) -> None:
        now = self._env.now
        self._integral += self.level * (now - self._since)
        self._since = now
        self.level += by
        self.peak = max(self.peak, self.level)
        if self.level >= self.limit and self.reached == math.inf:
            self.reached = now

    def share(self) -> float:
        self.change(0)
        return self._integral / (self.limit * self._since) if self._since else 0.0


class _Meter:
    """A rate's turns, by the product's own arithmetic; and the most calls in any one second."""

    def __init__(self, env: simpy.Environment, rate: Rate) -> None:
        self._env, self.rate = env, rate
        self._free: float | None = None
        self.calls = self.refused = self.peak = 0
        self._second, self._in_second = 0, 0
        self.reached = math.inf

    def take(self, patience: float = math.inf) -> float | None:
        """Seconds to wait for the turn; None where it is longer than the patience."""
        now = self._env.now
        turn = turn_of(self._free, now, self.rate)
        if turn.at > now and self.reached == math.inf:
            self.reached = now
        if turn.at - now > patience:
            return None
        self._free = turn.following
        self._count(turn.at)
        return turn.at - now

    def _count(self, at: float) -> None:
        self.calls += 1
        if int(at) != self._second:
            self._second, self._in_second = int(at), 0
        self._in_second += 1
        self.peak = max(self.peak, self._in_second)

    def share(self) -> float:
        return self.calls / (self.rate.per_second * self._env.now) if self._env.now else 0.0


class Recto:
    """Slots, the gate before Textract, ranges of pages; each slot is a process that takes one document after
    another, so that memory follows the slots and not the documents.
    """

    def __init__(
        self, load: Load, admission: Admission | None = None, account: Account | None = None,
        service: Service | None = None,
    ) -> None:  # fmt: skip
        self.load, self.service = load, service or Service()
        self.admission = admission = admission or Admission()
        account = account or Account()
        self.pages = load.pages()
        self.noise = np.random.default_rng(load.seed + 1).standard_normal(load.documents).astype(np.float32)
        self.chance = np.random.default_rng(load.seed + 2)
        self.env = simpy.Environment()
        limits = limits_in_use(ServiceLimits(), account.textract)
        slots = admission.max_running
        if load.lane == "backfill":
            slots = share_of(slots, admission.backfill_share)
        self.slots = _Gauge(self.env, slots)
        self.jobs = _Gauge(self.env, limits.concurrent_jobs)
        self.leases = simpy.Resource(self.env, limits.concurrent_jobs)
        self.starts = _Meter(self.env, Rate(limits.start_per_second))
        per_second = limits.get_per_second
        self.gets = _Meter(self.env, Rate(per_second, burst=max(1, int(per_second / 10))))
        self.functions = _Gauge(self.env, account.lambda_at_once)
        self.executions = _Meter(self.env, account.start_execution)
        self.taken_in_per_second = admission.intake_at_once / (self.service.call / 2)
        self.processed, self.next, self.extra_transitions = 0, 0, 0
        self.failed: Counter[str] = Counter()

    def run(self) -> "Recto":
        for _ in range(int(self.slots.limit)):
            self.env.process(self._slot())
        self.env.run()
        return self

    def _slot(self) -> Generator[Any, Any, None]:
        while self.next < self.load.documents:
            number, self.next = self.next, self.next + 1
            arrives = number / self.taken_in_per_second
            if arrives > self.env.now:
                yield self.env.timeout(arrives - self.env.now)
            self.slots.change(1)
            error = yield from self._document(int(self.pages[number]), float(self.noise[number]))
            self.slots.change(-1)
            if error:
                self.failed[error] += 1
            else:
                self.processed += 1

    def _document(self, pages: int, noise: float) -> Generator[Any, Any, str]:
        """From its execution's start to that of its event's; the name of its failure, or nothing."""
        at_work = self._at_work
        yield self.env.timeout(self.executions.take() or 0.0)
        ranges = math.ceil(pages / 100)
        yield from at_work(self.service.call + self.service.draw_page * (pages if ranges == 1 else 0))
        drawn = self.env.now + (
            0 if ranges == 1 else self.service.call + self.service.draw_page * 100 * ranges / 4
        )
        yield from self._textract(pages, noise)
        if (yield from self._fetch(pages)):
            return THROTTLED
        if drawn > self.env.now:
            yield self.env.timeout(drawn - self.env.now)
        for _ in range(math.ceil(ranges / 4)):
            yield from at_work(self.service.call + self.service.model_page * min(pages, 100), min(ranges, 4))
        yield from at_work(self.service.call + self.service.fields_page * pages)
        yield self.env.timeout(self.executions.take() or 0.0)  # its event's
        return ""

    def _textract(self, pages: int, noise: float) -> Generator[Any, Any, None]:
        """In line for a lease, then for a call; the lease is given back when the end was asked about."""
        with self.leases.request() as lease:
            yield lease
            self.jobs.change(1)
            yield self.env.timeout(self.starts.take() or 0.0)
            yield self.env.timeout(self.service.textract(pages, noise))
            while (wait := self.gets.take(self.admission.patience_with_status)) is None:
                self.gets.refused += 1
                yield self.env.timeout(self.admission.asked_again)
            yield from self._at_work(wait + self.service.get)
            self.jobs.change(-1)

    def _fetch(self, pages: int) -> Generator[Any, Any, bool]:
        """One Get after the other; True where the state's retries were used up.

        A call that is refused after others were served keeps what these gave, and begins a new state.
        """
        left, tries = self.service.gets(pages), 0
        while left:
            before = left
            self.functions.change(1)
            while left and (wait := (yield from self._turn())) is not None:
                yield self.env.timeout(wait + self.service.get)
                left -= 1
            self.functions.change(-1)
            if not left:
                break
            self.extra_transitions += 1
            tries = 0 if left < before else tries + 1
            if tries > STATE_RETRIES:
                return True
            longest = min(STATE_INTERVAL * 2 ** max(tries - 1, 0), LONGEST_INTERVAL)
            yield self.env.timeout(self.chance.uniform(0, longest))
        return False

    def _turn(self) -> Generator[Any, Any, float | None]:
        """Seconds until a Get's turn; None where patience is over, as in `recto.steps.ocr_gate.PacedOcr`."""
        ahead = min(self.admission.ahead, self.admission.patience)
        last = self.env.now + self.admission.patience - ahead
        while (wait := self.gets.take(ahead)) is None and self.env.now < last:
            yield self.env.timeout(self.chance.uniform(*ASKED_AGAIN))
        self.gets.refused += wait is None
        return wait

    def _at_work(self, seconds: float, functions: int = 1) -> Generator[Any, Any, None]:
        self.functions.change(functions)
        yield self.env.timeout(seconds)
        self.functions.change(-functions)

    def outcome(self, prices: Prices) -> Outcome:
        money = forecast(self.load.documents, int(self.pages.sum()), (), prices)
        extra = cost_of(
            Use(step="fetch", units={Unit.STATES_TRANSITION: 2 * _exact(self.extra_transitions)}), prices
        )
        gauges: dict[str, _Gauge | _Meter] = {
            DOCUMENTS: self.slots,
            TEXTRACT_JOBS: self.jobs,
            TEXTRACT_START: self.starts,
            TEXTRACT_GET: self.gets,
            "lambda": self.functions,
            "StartExecution": self.executions,
        }
        return Outcome(
            design=f"Recto, {self.admission.max_running} slots",
            load=self.load,
            processed=self.processed,
            failed=dict(self.failed),
            hours=self.env.now / 3600,
            dollars=float(money.dollars + extra.dollars),
            textract_dollars=float(money.ocr),
            used={name: gauge.share() for name, gauge in gauges.items()},
            peaks={name: gauge.peak for name, gauge in gauges.items()},
            refused={"Get, by our own gate": self.gets.refused},
            first_limit=_first({name: gauge.reached for name, gauge in gauges.items()}),
        )


def _first(reached: dict[str, float]) -> str:
    name = min(reached, key=lambda each: reached[each])
    return "none" if reached[name] == math.inf else f"{name} after {reached[name]:.0f} s"


def _exact(number: float) -> Decimal:
    return Decimal(str(number))


# ---- the reference


class Semaphore(NamedTuple):
    """The reference's settings, and what its own code does: aws-samples/amazon-textract-transformer-pipeline,
    pipeline/ocr/sfn_semaphore and textract_ocr.py, pipeline/fn-trigger.
    """

    limit: int = 90
    grants_per_second: float = 2.0
    tries_after: tuple[int, ...] = (0, 2, 6, 14, 30, 62, 126)
    """Seconds: a try and its six retries; 5 seconds later the same begins again."""
    round_seconds: int = 131
    timeout: int = 1200
    """Seconds of the whole execution, waiting included."""
    bytes_per_owner: int = 170
    """In the lock's item: an execution's ARN as the attribute's name, and a time."""
    trigger_seconds: float = 0.2
    trigger_patience: int = 8
    """Seconds that the SDK's four retries of a throttled StartExecution take, about."""
    trigger_again: tuple[int, ...] = (60, 120)
    """Seconds after which Lambda tries a failed asynchronous call again; then the event is dropped."""
    transitions_per_document: int = 15
    """Without waiting: `reference_flow.py` counts them."""
    function_mb_seconds: float = 128 * 0.1
    callback_gb_seconds_per_get: float = 0.5
    """1,024 MB at no more than two calls a second."""


class Reference:
    """The reference, second by second: those who wait are counted by the second in which they started, since
    all who started together try at the same times.
    """

    def __init__(
        self, load: Load, semaphore: Semaphore | None = None, account: Account | None = None,
        service: Service | None = None, pace: float | None = None,
    ) -> None:  # fmt: skip
        """`pace`: documents a second that somebody puts in by hand; None for all at once."""
        self.load, self.semaphore = load, semaphore or Semaphore()
        self.account, self.service = account or Account(), service or Service()
        self.pace = pace or float(self.account.puts_per_second)
        self.name = "reference, all at once" if pace is None else f"reference, {pace:g}/s by hand"
        self.pages = load.pages()
        self.noise = np.random.default_rng(load.seed + 1).standard_normal(load.documents).astype(np.float32)
        self.chance = np.random.default_rng(load.seed + 3)
        self.counts: Counter[str] = Counter()
        self.processed = self.granted = self.second = 0
        self.failed: Counter[str] = Counter()
        self.reached: dict[str, float] = {}
        self.peaks: Counter[str] = Counter()
        self.held: list[float] = []
        """Ends of the jobs under way."""
        self.waiting: dict[int, int] = {}
        """How many of those that started in a second wait for the lock."""
        self.asking: dict[int, int] = {}
        """How many of them have a try under way."""
        self.lock_seconds = 0
        self.offsets = frozenset(self.semaphore.tries_after)

    def run(self) -> "Reference":
        trigger = self._trigger()
        started = next(trigger)
        while started is not None or self.waiting or self.held:
            if started:
                self.waiting[self.second] = started
            self._time_out()
            self._release()
            self._tries()
            self.second += 1
            started = next(trigger) if started is not None else None
        return self

    def _trigger(self) -> Iterator[int | None]:
        """Executions started in each second; None when all uploads were dealt with.

        An upload is an asynchronous call of a function, at most 1,000 at once, which asks for an execution;
        where that is throttled, the function tries for some seconds and is called again later, twice.
        """
        rate, semaphore = self.account.start_execution, self.semaphore
        tokens, arrived = float(rate.burst), 0.0
        backlog = [0, 0, 0]
        """By how often they were tried before."""
        trying: list[tuple[int, int, int]] = []
        later: list[tuple[int, int, int]] = []
        left = self.load.documents
        while left or any(backlog) or trying or later:
            arrived += self.pace
            fresh = min(left, int(arrived))
            arrived -= fresh
            left -= fresh
            backlog[0] += fresh
            while later and later[0][0] <= self.second:
                _, tried, number = heapq.heappop(later)
                backlog[tried] += number
            tokens = min(float(rate.burst), tokens + rate.per_second)
            started, tokens = self._ask_for_executions(backlog, trying, tokens)
            while trying and trying[0][0] <= self.second:
                _, tried, number = heapq.heappop(trying)
                if tried < len(semaphore.trigger_again):
                    heapq.heappush(later, (self.second + semaphore.trigger_again[tried], tried + 1, number))
                else:
                    self.failed[UNSTARTED] += number
            yield started
        yield None

    def _ask_for_executions(
        self, backlog: list[int], trying: list[tuple[int, int, int]], tokens: float
    ) -> tuple[int, float]:
        """Started now, and the tokens left; who is refused holds a function while it tries."""
        busy = sum(number for _, _, number in trying)
        started = 0
        for tried in (2, 1, 0):
            room = int((self.account.lambda_at_once - busy) / self.semaphore.trigger_seconds)
            served = min(backlog[tried], int(tokens), max(0, room))
            tokens -= served
            started += served
            refused = min(backlog[tried] - served, max(0, self.account.lambda_at_once - busy))
            backlog[tried] -= served + refused
            if refused:
                busy += refused
                heapq.heappush(trying, (self.second + self.semaphore.trigger_patience, tried, refused))
                self._hit("StartExecution", refused)
            if backlog[tried]:
                self._hit("lambda", backlog[tried])
        self.counts["trigger"] += started
        self.peaks["StartExecution"] = max(self.peaks["StartExecution"], started)
        return started, tokens

    def _hit(self, limit: str, refused: int) -> None:
        self.counts[f"refused {limit}"] += refused
        self.reached.setdefault(limit, float(self.second))

    def _time_out(self) -> None:
        late = self.waiting.pop(self.second - self.semaphore.timeout, 0)
        self.asking.pop(self.second - self.semaphore.timeout, None)
        if late:
            self.failed[TIMED_OUT] += late

    def _release(self) -> None:
        while self.held and self.held[0] <= self.second:
            heapq.heappop(self.held)
            self.processed += 1
        self.lock_seconds += len(self.held)

    def _tries(self) -> None:
        """Those whose turn it is ask for the one item; of those that are served, a few get the lock.

        A partition serves so many writes a second. Who is throttled is asked for again by the SDK until it is
        served, so that tries spread over the seconds after; an execution has one try under way at most.
        """
        semaphore = self.semaphore
        for start, number in self.waiting.items():
            age = (self.second - start) % semaphore.round_seconds
            if age in self.offsets:
                self.asking[start] = number
                self.counts["tries"] += number
                self.counts["rounds"] += number if age == 0 and self.second > start else 0
        tries = sum(self.asking.values())
        if not tries:
            return
        units = max(1, math.ceil((200 + len(self.held) * semaphore.bytes_per_owner) / 1024))
        served = min(tries, self.account.partition_writes // units)
        self.counts["write units"] += served * units
        self.peaks["tries under way"] = max(self.peaks["tries under way"], tries)
        self.peaks["locks"] = max(self.peaks["locks"], len(self.held))
        if served < tries:
            self._hit("DynamoDB partition", tries - served)
        if tries > self.account.lambda_at_once / self.semaphore.trigger_seconds:
            self._hit("lambda", tries)
        grants = min(served, int(semaphore.grants_per_second), semaphore.limit - len(self.held))
        for start in list(self._winners(grants)):
            self.waiting[start] -= 1
            self._grant(start)
        self._answered(served / tries)

    def _answered(self, share: float) -> None:
        """So many of those who asked know that they must wait on."""
        for start, number in list(self.asking.items()):
            waiting = self.waiting.get(start, 0)
            left = min(number - math.ceil(number * share), waiting)
            if left > 0:
                self.asking[start] = left
            else:
                del self.asking[start]
            if not waiting:
                self.waiting.pop(start, None)

    def _winners(self, grants: int) -> Iterator[int]:
        """Whoever comes first: chance, not order."""
        if grants > 0:
            starts, numbers = list(self.asking), np.array(list(self.asking.values()))
            for place, won in enumerate(self.chance.multivariate_hypergeometric(numbers, grants)):
                yield from [starts[place]] * int(won)

    def _grant(self, start: int) -> None:
        """A job of the next document: which one it is makes no difference to the sums."""
        number, self.granted = self.granted, self.granted + 1
        pages = int(self.pages[number])
        gets = self.service.gets(pages)
        seconds = self.service.textract(pages, float(self.noise[number])) + gets * 0.5
        self.counts["gets"] += gets
        self.counts["pages"] += pages
        if self.second + seconds > start + self.semaphore.timeout:
            self.failed[TIMED_OUT] += 1
            self.processed -= 1  # its lock is held to the end all the same
        heapq.heappush(self.held, self.second + seconds)

    def outcome(self, prices: Prices) -> Outcome:
        use = self._use()
        cost = cost_of(use, prices)
        ocr = next(line.dollars for line in cost.lines if line.unit is Unit.TEXTRACT_TEXT)
        refused = {
            name.removeprefix("refused "): number for name, number in self.counts.items() if "refused" in name
        }
        return Outcome(
            design=self.name, load=self.load, processed=self.processed, failed=dict(self.failed),
            hours=self.second / 3600, dollars=float(cost.dollars), textract_dollars=float(ocr),
            used={"locks": self.lock_seconds / (self.semaphore.limit * self.second),
                  "grants": self.granted / (self.semaphore.grants_per_second * self.second)},
            peaks={name: float(peak) for name, peak in self.peaks.items()}, refused=refused,
            first_limit=_first(self.reached) if self.reached else "none",
        )  # fmt: skip

    def _use(self) -> Use:
        """A try is a transition, a call of a function of 128 MB, a write of the lock's item and, as it fails,
        a read; a round of them three transitions more. Each document that got a lock has its steps besides.
        """
        semaphore, tries, granted = self.semaphore, self.counts["tries"], self.granted
        transitions = tries + 3 * self.counts["rounds"] + granted * semaphore.transitions_per_document
        gb_seconds = tries * semaphore.function_mb_seconds / 1024
        gb_seconds += self.counts["gets"] * semaphore.callback_gb_seconds_per_get + granted * 1.5
        units = {
            Unit.TEXTRACT_TEXT: self.counts["pages"],
            Unit.STATES_TRANSITION: transitions + 6 * (self.counts["trigger"] - granted),
            Unit.LAMBDA_REQUEST: tries + self.counts["trigger"] + 9 * granted,
            Unit.LAMBDA_GB_SECOND: round(gb_seconds, 3),
            Unit.DYNAMODB_WRITE: self.counts["write units"] + 4 * granted,
            Unit.DYNAMODB_READ: tries,
            Unit.S3_WRITE: 4 * granted, Unit.S3_READ: 8 * granted, Unit.SNS_REQUEST: granted,
        }  # fmt: skip
        return Use(step="reference", units={unit: _exact(number) for unit, number in units.items()})


def measured_page_seconds() -> dict[str, float]:
    """Processor seconds a page of our functions, from the run of 1,000 pages that is kept."""
    run = json.loads((RESULTS / "thousand-pages.json").read_text())
    prefix = "recto-local-"
    return {name.removeprefix(prefix): seconds / run["pages"] for name, seconds in run["cpu_seconds"].items()
            if name.startswith(prefix)}  # fmt: skip
