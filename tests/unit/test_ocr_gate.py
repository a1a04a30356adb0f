"""Textract's gate: never too many, each job once, in order; a crash loses nothing and leaks nothing."""

import heapq
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from recto.admission import TEXTRACT_GET, TEXTRACT_START, Limits, ServiceLimits, place_in_line
from recto.errors import DamagedDocumentError, OcrFailedError, ServiceUnavailableError, ThrottledError
from recto.messages import DocumentRef, Status, TextractStartRequest
from recto.ports import DocumentRow, OcrRequest
from recto.steps.ocr_gate import MOST_TRIES, Gate, PacedOcr, Patience, Why, look_after, pump, refresh_limits
from recto.steps.ocr_job import Notification, OcrStart, hear_of_end, start_ocr, tag_of
from tests.fakes import FakeClock, FakeOcr, FakeWorkflow
from tests.gate_fakes import Crash, Crashing, MemoryLimits, MemoryRates, gate_of
from tests.memory import MemoryDocuments

FEW = Limits(concurrent_jobs=2, start_per_second=1000, get_per_second=1000)
SLOW = Limits(concurrent_jobs=100, start_per_second=1, get_per_second=1000)


@dataclass
class Jobs(FakeOcr):
    """Jobs that run until the test ends them; refusals where it wants them."""

    running: set[str] = field(default_factory=set)
    outcome: dict[str, str] = field(default_factory=dict)
    refuse: list[Exception] = field(default_factory=list)
    most: int = 0
    clock: FakeClock | None = None
    at: dict[str, datetime] = field(default_factory=dict)
    known: dict[str, str] = field(default_factory=dict)

    @property
    def jobs(self) -> dict[str, str]:
        return self.known

    def start(self, request: OcrRequest) -> str:
        if self.refuse:
            raise self.refuse.pop(0)
        self.requests.append(request)
        if self.clock:
            self.at.setdefault(request.tag, self.clock.now)
        is_new = request.client_token not in self.known
        job_id = self.known.setdefault(request.client_token, f"job-{len(self.known)}")
        if is_new:
            self.running.add(job_id)
            self.most = max(self.most, len(self.running))
        return job_id

    def end(self, job_id: str, status: str = "SUCCEEDED") -> None:
        self.running.discard(job_id)
        self.outcome[job_id] = status

    def pages(self, job_id: str, features: Any, next_token: str, max_results: int = 1000) -> dict[str, Any]:
        if job_id not in self.running and job_id not in self.outcome:
            raise OcrFailedError(f"OCR job {job_id}: unknown")
        self.fetched.append(job_id)
        status = "IN_PROGRESS" if job_id in self.running else self.outcome[job_id]
        return {"JobStatus": status, "StatusMessage": "", "Blocks": []}


@pytest.fixture
def ocr() -> Jobs:
    return Jobs()


@pytest.fixture
def workflow() -> FakeWorkflow:
    return FakeWorkflow()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def ask_for(name: str, gate: Gate, token: str = "", documents: MemoryDocuments | None = None) -> str:
    document = DocumentRef(document_id=name, bucket="inbox", key=f"{name}.pdf")
    step = OcrStart(gate, documents or MemoryDocuments(), (), timedelta(days=8))
    start_ocr(TextractStartRequest(document=document, task_token=token or f"token-{name}"), step)
    return tag_of(document, ())


def end(tag: str, gate: Gate, ocr: Jobs, status: str = "SUCCEEDED") -> None:
    job_id = ocr.jobs[tag]
    ocr.end(job_id, status)
    hear_of_end(Notification(JobId=job_id, Status=status, JobTag=tag), gate)


def order(ocr: Jobs) -> list[str]:
    return [request.source.key.removesuffix(".pdf") for request in ocr.requests]


def tokens(workflow: FakeWorkflow) -> list[str]:
    return [token for token, _ in workflow.succeeded]


# ---- limits


def test_no_more_jobs_than_leases_and_the_end_of_one_starts_the_oldest(
    ocr: Jobs, workflow: FakeWorkflow, clock: FakeClock
) -> None:
    gate = gate_of(ocr, workflow, clock, FEW)
    tags = [ask_for(name, gate) for name in ("a", "b", "c", "d")]
    assert order(ocr) == ["a", "b"]

    end(tags[1], gate, ocr)
    pumped = pump(gate, 3)

    assert order(ocr) == ["a", "b", "c"]
    assert pumped.why is Why.FULL
    assert tokens(workflow) == ["token-b"]
    assert gate.ticks.sent == 0, "the end of a job goes on, no message"


def test_calls_that_are_short_bring_one_message_and_no_second(
    ocr: Jobs, workflow: FakeWorkflow, clock: FakeClock
) -> None:
    gate = gate_of(ocr, workflow, clock, SLOW)

    for name in ("a", "b", "c"):
        ask_for(name, gate)

    assert order(ocr) == ["a"]
    assert gate.ticks.sent == 1
    clock.pass_time(seconds=1)
    gate.ticks.came()
    pumped = pump(gate, 1000, clock.now + timedelta(seconds=20))
    assert (order(ocr), pumped.why) == (["a", "b"], Why.SHORT)
    assert gate.ticks.sent == 2


def test_an_empty_line_brings_no_message(ocr: Jobs, workflow: FakeWorkflow, clock: FakeClock) -> None:
    gate = gate_of(ocr, workflow, clock, SLOW)

    ask_for("a", gate)

    assert (pump(gate, 3).why, gate.ticks.sent) == (Why.EMPTY, 0)


def test_live_documents_go_first(ocr: Jobs, workflow: FakeWorkflow, clock: FakeClock) -> None:
    gate = gate_of(ocr, workflow, clock, FEW)
    documents = MemoryDocuments()
    for name in ("b1", "b2", "b3"):
        now = clock()
        documents.add(
            DocumentRow(
                document_id=name, status=Status.RUNNING, lane="backfill", bucket="b", key="k",
                received=now, updated=now,
            )
        )  # fmt: skip
    tags = [ask_for(name, gate, documents=documents) for name in ("b1", "b2", "b3", "live")]

    end(tags[0], gate, ocr)
    pump(gate, 3)

    assert order(ocr) == ["b1", "b2", "live"]


# ---- the service's own refusals


@pytest.mark.parametrize("error", [ThrottledError("slow down"), ServiceUnavailableError("down")])
def test_a_refusal_of_the_service_fails_no_document_and_everybody_waits_a_while(
    error: Exception, ocr: Jobs, workflow: FakeWorkflow, clock: FakeClock
) -> None:
    gate = gate_of(ocr, workflow, clock)
    ocr.refuse = [error, ThrottledError("once more")]

    ask_for("a", gate)

    assert (order(ocr), gate.leases.owners(), gate.ticks.sent) == ([], {}, 1)
    ask_for("b", gate)
    assert ocr.refuse, "nobody asks while the pause lasts"
    clock.pass_time(seconds=1.1)
    assert pump(gate, 9).why is Why.REFUSED
    clock.pass_time(seconds=0.9)
    assert pump(gate, 9).why is Why.SHORT, "the second pause is longer"
    clock.pass_time(seconds=1.2)
    pump(gate, 9)
    assert order(ocr) == ["a", "b"]
    assert workflow.failed == []
    assert gate.rates.state(TEXTRACT_START, clock()).refusals == 0


def test_a_document_that_is_refused_fails_by_name_and_holds_nobody_up(
    ocr: Jobs, workflow: FakeWorkflow, clock: FakeClock
) -> None:
    gate = gate_of(ocr, workflow, clock)
    ocr.refuse = [DamagedDocumentError("no pages")]

    ask_for("a", gate)
    ask_for("b", gate)

    assert workflow.failed == [("token-a", "DamagedDocumentError", "no pages")]
    assert order(ocr) == ["b"]
    assert gate.line.first(9) == []
    assert len(gate.leases.owners()) == 1


def test_a_document_that_has_failed_elsewhere_is_not_paid_for_until_it_comes_again(
    ocr: Jobs, workflow: FakeWorkflow, clock: FakeClock
) -> None:
    wanted = {"b"}
    gate = gate_of(ocr, workflow, clock, is_wanted=lambda document: document in wanted)

    tag = ask_for("a", gate)
    ask_for("b", gate)

    assert (order(ocr), tag in gate.leases.owners(), workflow.failed) == (["b"], False, [])
    assert gate.line.first(1) == []
    wanted.add("a")
    ask_for("a", gate, token="later")
    assert order(ocr) == ["b", "a"]


def test_a_failure_is_told_also_where_its_teller_is_killed(
    ocr: Jobs, workflow: FakeWorkflow, clock: FakeClock
) -> None:
    gate = gate_of(ocr, workflow, clock)
    ocr.refuse = [DamagedDocumentError("no pages")]
    with pytest.raises(Crash):
        ask_for("a", gate._replace(leases=Crashing(gate.leases, "release", "after")))

    assert workflow.failed == [("token-a", "DamagedDocumentError", "no pages")]


def test_a_token_renewed_while_a_failure_is_told_is_told_it_as_well(
    ocr: Jobs, workflow: FakeWorkflow, clock: FakeClock
) -> None:
    gate = gate_of(ocr, workflow, clock)
    ocr.refuse = [DamagedDocumentError("no pages")]
    told = workflow.fail

    def renew_meanwhile(task_token: str, error: str, cause: str) -> bool:
        workflow.fail = told  # type: ignore[method-assign]
        (row,) = gate.jobs.rows.values()  # type: ignore[attr-defined]
        gate.jobs.ask(row.model_copy(update={"task_token": "newer"}), clock())
        return told(task_token, error, cause)

    workflow.fail = renew_meanwhile  # type: ignore[method-assign]
    ask_for("a", gate)

    assert [token for token, *_ in workflow.failed] == ["token-a", "newer"]
    assert (gate.line.first(9), gate.leases.owners()) == ([], {})


def test_a_document_that_is_wanted_again_while_it_is_dropped_is_started(
    ocr: Jobs, workflow: FakeWorkflow, clock: FakeClock
) -> None:
    answers = [False, True, True]
    gate = gate_of(ocr, workflow, clock, is_wanted=lambda _: answers.pop(0))

    ask_for("a", gate)

    assert (order(ocr), answers) == (["a"], [])


# ---- once and not twice


def test_a_second_place_of_a_job_that_has_ended_leaves_the_line_once_told(
    ocr: Jobs, workflow: FakeWorkflow, clock: FakeClock
) -> None:
    """Two calls of one state at once: each joined before the other's row was there."""
    gate = gate_of(ocr, workflow, clock)
    tag = ask_for("a", gate)
    end(tag, gate, ocr)
    gate.line.join(place_in_line("live", clock(), tag))

    pump(gate, 9)

    assert gate.line.first(9) == []
    assert gate.leases.owners() == {}


def test_a_state_that_comes_again_keeps_its_place_and_its_newest_token_is_told(
    ocr: Jobs, workflow: FakeWorkflow, clock: FakeClock
) -> None:
    gate = gate_of(ocr, workflow, clock, Limits(concurrent_jobs=1, start_per_second=99, get_per_second=99))
    first = ask_for("first", gate)
    for name in ("a", "b"):
        ask_for(name, gate)

    again = ask_for("a", gate, token="newer")
    end(first, gate, ocr)
    pump(gate, 3)
    end(again, gate, ocr)

    assert order(ocr) == ["first", "a"]
    assert tokens(workflow) == ["token-first", "newer"]


def test_a_state_that_comes_again_while_its_job_runs_waits_for_that(
    ocr: Jobs, workflow: FakeWorkflow, clock: FakeClock
) -> None:
    gate = gate_of(ocr, workflow, clock)
    tag = ask_for("a", gate)

    ask_for("a", gate, token="newer")
    end(tag, gate, ocr)

    assert (len(ocr.requests), tokens(workflow)) == (1, ["newer"])


def test_a_state_that_comes_after_the_end_is_told_at_once(
    ocr: Jobs, workflow: FakeWorkflow, clock: FakeClock
) -> None:
    gate = gate_of(ocr, workflow, clock)
    end(ask_for("a", gate), gate, ocr)

    ask_for("a", gate, token="newer")

    assert (len(ocr.requests), tokens(workflow)) == (1, ["token-a", "newer"])
    assert gate.leases.owners() == {}


def test_a_token_renewed_while_the_old_one_is_told_is_told_as_well(
    ocr: Jobs, workflow: FakeWorkflow, clock: FakeClock
) -> None:
    gate = gate_of(ocr, workflow, clock)
    tag = ask_for("a", gate)
    told = workflow.succeed

    def renew_meanwhile(task_token: str, output: Any) -> bool:
        workflow.succeed = told  # type: ignore[method-assign]
        gate.jobs.ask(gate.jobs.find(tag).model_copy(update={"task_token": "newer"}), clock())  # type: ignore[union-attr]
        return told(task_token, output)

    workflow.succeed = renew_meanwhile  # type: ignore[method-assign]
    end(tag, gate, ocr)

    assert tokens(workflow) == ["token-a", "newer"]


def test_a_notification_that_comes_twice_is_told_once(
    ocr: Jobs, workflow: FakeWorkflow, clock: FakeClock
) -> None:
    gate = gate_of(ocr, workflow, clock)
    tag = ask_for("a", gate)

    end(tag, gate, ocr)
    calls = len(ocr.fetched)
    end(tag, gate, ocr)

    assert (tokens(workflow), len(ocr.fetched)) == (["token-a"], calls)


def test_a_job_that_the_service_has_forgotten_is_started_again(
    ocr: Jobs, workflow: FakeWorkflow, clock: FakeClock
) -> None:
    gate = gate_of(ocr, workflow, clock)
    tag = ask_for("a", gate)
    end(tag, gate, ocr)
    ocr.known.clear()
    ocr.outcome.clear()

    ask_for("a", gate, token="later")

    assert order(ocr) == ["a", "a"]
    end(tag, gate, ocr)
    assert tokens(workflow) == ["token-a", "later"]


def test_a_row_of_the_version_before_hears_of_its_job(
    ocr: Jobs, workflow: FakeWorkflow, clock: FakeClock
) -> None:
    """It has neither a place nor a source; its job was started without a lease."""
    gate = gate_of(ocr, workflow, clock)
    old = gate.jobs.find(ask_for("a", gate))
    assert old
    gate.leases.release(old.tag)
    gate.jobs.rows[old.tag] = type(old)(tag=old.tag, document_id="a", task_token="old")  # type: ignore[attr-defined]

    end(old.tag, gate, ocr)

    assert tokens(workflow) == ["old"]


# ---- lost notifications


def test_a_job_whose_end_nobody_told_of_is_asked_about_less_and_less_often(
    ocr: Jobs, workflow: FakeWorkflow, clock: FakeClock
) -> None:
    gate = gate_of(ocr, workflow, clock)
    tag = ask_for("a", gate)
    asked = []
    for minute in range(1, 40):
        clock.pass_time(minutes=1)
        if look_after(gate).asked:
            asked.append(minute)

    ocr.end(ocr.jobs[tag])
    clock.pass_time(minutes=30)
    looked = look_after(gate)

    assert asked == [2, 4, 8, 16, 32], "2 minutes, and then 2, 4, 8, 16 later"
    assert looked.ended == (tag,)
    assert tokens(workflow) == ["token-a"]
    assert gate.leases.owners() == {}


def test_asking_is_bounded_and_goes_on_the_next_minute(
    ocr: Jobs, workflow: FakeWorkflow, clock: FakeClock
) -> None:
    gate = gate_of(ocr, workflow, clock)
    tags = [ask_for(f"d{n:03}", gate) for n in range(70)]
    for tag in tags:
        ocr.end(ocr.jobs[tag])
    clock.pass_time(minutes=3)

    late = look_after(gate, until=clock.now)
    assert late.ended == ()
    first, second = look_after(gate), look_after(gate)

    assert (len(first.ended), len(second.ended)) == (50, 20)
    assert gate.leases.owners() == {}


# ---- crashes

POINTS = [
    ("line", "join"), ("jobs", "ask"), ("leases", "take"), ("rates", "take"), ("jobs", "try_start"),
    ("ocr", "start"), ("jobs", "started"), ("line", "leave"),
]  # fmt: skip


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(("part", "method"), POINTS)
def test_a_crash_while_a_job_is_started_is_mended_and_nothing_is_started_twice(
    part: str, method: str, when: str, ocr: Jobs, workflow: FakeWorkflow, clock: FakeClock
) -> None:
    gate = gate_of(ocr, workflow, clock, FEW)
    crashing = gate._replace(**{part: Crashing(getattr(gate, part), method, when)})

    with pytest.raises(Crash):
        ask_for("a", crashing)
    ask_for("a", gate, token="again")  # the state's Retry
    for _ in range(3):
        clock.pass_time(minutes=3)
        look_after(gate)
        pump(gate, 9)
    (tag,) = ocr.jobs
    end(tag, gate, ocr)

    assert len(set(ocr.jobs.values())) == 1
    assert tokens(workflow)[-1] == "again"
    assert (gate.leases.owners(), gate.line.first(9)) == ({}, [])


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    ("part", "method"),
    [("ocr", "pages"), ("workflow", "succeed"), ("jobs", "ended"), ("leases", "release"), ("line", "leave")],
)
def test_a_crash_while_an_end_is_told_is_mended(
    part: str, method: str, when: str, ocr: Jobs, workflow: FakeWorkflow, clock: FakeClock
) -> None:
    gate = gate_of(ocr, workflow, clock, FEW)
    tag = ask_for("a", gate)
    crashing = gate._replace(**{part: Crashing(getattr(gate, part), method, when)})

    with pytest.raises(Crash):
        end(tag, crashing, ocr)
    clock.pass_time(minutes=5)
    look_after(gate)

    assert tokens(workflow) == ["token-a"]
    assert gate.leases.owners() == {}


def test_a_start_that_is_killed_each_time_fails_by_name_in_the_end(
    ocr: Jobs, workflow: FakeWorkflow, clock: FakeClock
) -> None:
    gate = gate_of(ocr, workflow, clock)
    for _ in range(MOST_TRIES):
        crashing = gate._replace(ocr=Crashing(gate.ocr, "start", "before"))
        with pytest.raises(Crash):
            ask_for("a", crashing)
        clock.pass_time(minutes=5)
        look_after(gate)

    ask_for("a", gate)

    ((token, error, cause),) = workflow.failed
    assert (token, error) == ("token-a", "OcrFailedError")
    assert "broke off 5 times" in cause
    assert (order(ocr), gate.leases.owners(), gate.line.first(1)) == ([], {}, [])


def _runs_on_and_on(gate: Gate, clock: FakeClock) -> None:
    tag = ask_for("r", gate)
    gate.leases.release(tag)
    assert gate.leases.take(tag, 100, clock.now + timedelta(minutes=4))


def _lease_without_row(gate: Gate, clock: FakeClock) -> None:
    assert gate.leases.take("gone", 100, clock.now + gate.lease)


def _half_started(gate: Gate, clock: FakeClock) -> None:
    with pytest.raises(Crash):
        ask_for("h", gate._replace(ocr=Crashing(gate.ocr, "start", "before")))


def _ended(gate: Gate, clock: FakeClock) -> None:
    tag = ask_for("e", gate)
    gate.jobs.ended(tag, "job-0")


DRIFTS: dict[str, Callable[[Gate, FakeClock], None]] = {
    "expired": _runs_on_and_on,
    "no row": _lease_without_row,
    "start broke off": _half_started,
    "job ended": _ended,
}


@pytest.mark.parametrize("reason", sorted(DRIFTS))
def test_the_reaper_puts_every_drift_right_and_says_so(
    reason: str, ocr: Jobs, workflow: FakeWorkflow, clock: FakeClock
) -> None:
    gate = gate_of(ocr, workflow, clock)
    DRIFTS[reason](gate, clock)

    at_once = [each for each in look_after(gate).drift if each.reason != "expired"]
    clock.pass_time(minutes=5)
    drift = look_after(gate).drift

    assert at_once == [], "what is young may be under way"
    assert [each.reason for each in drift] == [reason]
    assert gate.leases.owners() == {}
    clock.pass_time(minutes=5)
    assert look_after(gate).drift == ()


class Storm(RuleBasedStateMachine):
    """Documents ask, jobs end, notifications get lost, functions are killed: in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.clock, self.workflow, self.ocr = FakeClock(), FakeWorkflow(), Jobs()
        self.limit = 3
        limits = Limits(concurrent_jobs=self.limit, start_per_second=50, get_per_second=500)
        self.gate = gate_of(self.ocr, self.workflow, self.clock, limits)
        self.waiting: dict[str, str] = {}
        """Names to tags."""
        self.given_up: set[str] = set()
        """Tags of jobs that outlived their leases: their states have timed out."""
        self.number = 0

    def _do(self, what: Callable[[Gate], object], kill: tuple[str, str, str, int] | None) -> None:
        if kill is None:
            what(self.gate)
            return
        part, method, when, at = kill
        broken = self.gate._replace(**{part: Crashing(getattr(self.gate, part), method, when, at)})
        try:
            what(broken)
        except Crash:
            self.clock.pass_time(seconds=1)

    kills = st.none() | st.tuples(
        st.sampled_from(POINTS), st.sampled_from(["before", "after"]), st.integers(1, 2)
    ).map(lambda drawn: (*drawn[0], drawn[1], drawn[2]))

    @initialize()
    def begin(self) -> None:
        for _ in range(4):
            self.ask(None)

    @rule(kill=kills)
    def ask(self, kill: tuple[str, str, str, int] | None) -> None:
        self.number += 1
        name = f"d{self.number}"
        self.waiting[name] = tag_of(DocumentRef(document_id=name, bucket="b", key="k"), ())
        self._do(lambda gate: ask_for(name, gate), kill)
        if kill:  # the state's Retry
            ask_for(name, self.gate, token=f"again-{name}")

    @rule(kill=kills, lose=st.booleans(), failed=st.booleans())
    def a_job_ends(self, kill: tuple[str, str, str, int] | None, lose: bool, failed: bool) -> None:
        if not self.ocr.running:
            return
        job_id = min(self.ocr.running)
        (tag,) = [tag for tag, known in self.ocr.jobs.items() if known == job_id]
        status = "FAILED" if failed else "SUCCEEDED"
        self.ocr.end(job_id, status)
        if not lose:
            notification = Notification(JobId=job_id, Status=status, JobTag=tag)
            self._do(lambda gate: (hear_of_end(notification, gate), pump(gate, 3)), kill)

    @rule(kill=kills, minutes=st.integers(1, 200))
    def time_passes(self, kill: tuple[str, str, str, int] | None, minutes: int) -> None:
        self.clock.pass_time(minutes=minutes)
        self.given_up |= {
            tag
            for tag, row in self.gate.jobs.rows.items()
            if row.started
            and row.job_id in self.ocr.running
            and self.clock.now - row.started >= self.gate.lease
        }
        self.gate.ticks.came()
        self._do(lambda gate: (look_after(gate), pump(gate, 9)), kill)

    @rule()
    def the_service_refuses(self) -> None:
        self.ocr.refuse = [ThrottledError("slow down")]

    @invariant()
    def never_more_leases_than_the_limit(self) -> None:
        assert len(self.gate.leases.owners()) <= self.limit

    def teardown(self) -> None:
        """Left alone, everything ends, everybody is told, nothing is held."""
        self.ocr.refuse = []
        for _ in range(60 + 3 * self.number):
            for job_id in list(self.ocr.running):
                self.ocr.end(job_id)
            self.clock.pass_time(minutes=31)
            look_after(self.gate)
            pump(self.gate, 99)
            if not self.gate.leases.owners() and not self.gate.line.first(1):
                break
        told = {token for token, *_ in (*self.workflow.succeeded, *self.workflow.failed)}
        unheard = [
            name
            for name, tag in self.waiting.items()
            if tag not in self.given_up and not told & {f"token-{name}", f"again-{name}"}
        ]
        assert unheard == []
        assert self.gate.leases.owners() == {}
        assert self.gate.line.first(1) == []
        assert len(set(self.ocr.jobs.values())) == len(self.ocr.jobs)


Storm.TestCase.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
TestStorm = Storm.TestCase


# ---- many


class Day:
    """A discrete-event day: documents ask at once, jobs take seconds, messages and notifications come."""

    def __init__(self, documents: int, limits: Limits, seconds: float) -> None:
        self.clock, self.workflow, self.ocr = FakeClock(), FakeWorkflow(), Jobs()
        self.ocr.clock = self.clock
        self.gate = gate_of(self.ocr, self.workflow, self.clock, limits)
        self.begin = self.clock.now
        self.events: list[tuple[datetime, int, str, str]] = []
        self.calls = self.ticks = self.count = 0
        self.longest = 0.0
        self.started_at: list[datetime] = []
        self.seconds = seconds
        """That a job takes, give or take a half."""
        for number in range(documents):
            self.later(self.begin + timedelta(milliseconds=20 * number), "ask", f"d{number:05}")

    def later(self, at: datetime, kind: str, name: str) -> None:
        self.count += 1
        heapq.heappush(self.events, (at, self.count, kind, name))

    def run(self) -> None:
        while self.events:
            at, _, kind, name = heapq.heappop(self.events)
            self.clock.now = at  # who sleeps holds nobody up: each call has its own time
            known = len(self.ocr.requests)
            self.calls += 1
            getattr(self, kind)(name)
            self.longest = max(self.longest, (self.clock.now - at).total_seconds())
            for request in self.ocr.requests[known:]:
                seconds = self.seconds * (0.5 + int(request.tag[:2], 16) / 256)
                at = self.ocr.at[request.tag]
                self.later(at + timedelta(seconds=seconds), "notify", request.tag)
                self.started_at.append(at)
            ticks = self.gate.ticks
            if ticks.due and ticks.sent > self.ticks:
                self.ticks = ticks.sent
                self.later(ticks.due, "tick", "")

    def ask(self, name: str) -> None:
        ask_for(name, self.gate)

    def notify(self, tag: str) -> None:
        end(tag, self.gate, self.ocr)
        pump(self.gate, 3)

    def tick(self, _: str) -> None:
        self.gate.ticks.came()
        pump(self.gate, 1000, self.clock.now + timedelta(seconds=1))  # ends of jobs come in between


@pytest.mark.parametrize(("seconds", "is_short"), [(8, "places"), (2, "calls")])
def test_two_thousand_documents_at_once_are_started_once_in_order_within_all_limits(
    seconds: float, is_short: str
) -> None:
    limits = Limits(concurrent_jobs=25, start_per_second=5, get_per_second=25)
    calls = {}
    for many in (200, 2000):
        day = Day(many, limits, seconds)
        day.run()
        assert len(day.workflow.succeeded) == len(day.ocr.requests) == many
        assert (day.ocr.most == 25) is (is_short == "places")
        assert order(day.ocr) == sorted(order(day.ocr))
        starts = sorted(day.started_at)
        gaps = [b - a for a, b in zip(starts, starts[5:], strict=False)]
        assert min(gaps) >= timedelta(seconds=0.99)
        assert (day.gate.leases.owners(), day.gate.line.first(1)) == ({}, [])
        took = (day.clock.now - day.begin).total_seconds()
        assert took < many / min(5, 25 / seconds) * 1.1 + 3 * seconds, "the limits are made use of"
        calls[many] = day.calls / many

        assert day.longest < 4, "seconds that a call takes"

    assert calls[200] < 2.5, "asking, hearing, and a message now and then"
    assert calls[2000] <= calls[200] * 1.1


# ---- turns of Get calls

GETS = Limits(concurrent_jobs=9, start_per_second=9, get_per_second=2)
RESULTS, STATUS = Patience(lasts=30, ahead=1), Patience(lasts=3, ahead=3)


def paced(ocr: FakeOcr, rates: MemoryRates, clock: FakeClock, patience: Patience) -> PacedOcr:
    return PacedOcr(ocr, rates, lambda: GETS, clock, lambda s: clock.pass_time(seconds=s), patience)


def test_results_take_no_turn_further_ahead_than_a_status_call_waits(clock: FakeClock) -> None:
    rates, ocr = MemoryRates(), FakeOcr()
    begin = clock.now
    for _ in range(5):
        clock.now = begin  # all at the same moment, and that one alone
        with suppress(ThrottledError):
            paced(ocr, rates, clock, RESULTS._replace(lasts=1)).pages("job", (), "")
    clock.now = begin

    paced(ocr, rates, clock, STATUS).pages("job", (), "")

    assert len(ocr.fetched) == 3 + 1, "at 0, 0.5 and 1 second, and the status"
    assert (clock.now - begin).total_seconds() == pytest.approx(1.5, abs=0.01)


def test_who_is_patient_asks_again_until_patience_is_over(clock: FakeClock) -> None:
    rates, ocr, begin = MemoryRates(), FakeOcr(), clock.now
    rates.free[TEXTRACT_GET] = begin.timestamp() + 20
    patient = paced(ocr, rates, clock, RESULTS)

    with pytest.raises(ThrottledError, match="2 calls a second were taken for 3 seconds"):
        paced(ocr, rates, clock, STATUS).pages("job", (), "")
    assert (clock.now - begin).total_seconds() < 0.1, "no turn within its reach"
    patient.pages("job", (), "")
    assert 20 <= (clock.now - begin).total_seconds() < 21
    rates.free[TEXTRACT_GET] = clock.now.timestamp() + 60
    begin = clock.now
    with pytest.raises(ThrottledError, match="for 30 seconds"):
        patient.pages("job", (), "")
    assert 29 <= (clock.now - begin).total_seconds() <= 30.1


# ---- limits of the account


class Says:
    def __init__(self, quotas: list[tuple[str, float]]) -> None:
        self.quotas, self.asked = quotas, 0

    def of(self, service: str) -> list[tuple[str, float]]:
        self.asked += 1
        return self.quotas


def test_quotas_are_looked_at_once_an_hour_also_where_there_are_none() -> None:
    rows, quotas, clock = MemoryLimits(), Says([]), FakeClock()

    assert refresh_limits(quotas, rows, clock()) == ServiceLimits()
    clock.pass_time(minutes=59)
    assert refresh_limits(quotas, rows, clock()) is None
    clock.pass_time(minutes=2)
    assert refresh_limits(quotas, rows, clock()) == ServiceLimits()
    assert quotas.asked == 2
