"""Admission's rows in DynamoDB: leases never exceed their limit and never leak, whatever happened before."""

import json
import traceback
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from recto.admission import TEXTRACT_JOBS, TEXTRACT_START, Rate, ServiceLimits, place_in_line
from recto.aws.admission import Leases, LimitItem, LineRows, OcrJobRows, RateRows, SlotLeases, SqsTicks
from recto.aws.dynamodb import JobRows, Table, stamp
from recto.aws.quotas import ServiceQuotas
from recto.errors import ConfigurationError, ThrottledError
from recto.places import Location
from recto.ports import JobRow, OcrJobRow
from tests.contract.template import resources
from tests.fakes import FakeClock, FakeOcr, FakeWorkflow
from tests.functional.test_handlers import Context, load, records
from tests.gate_fakes import MemoryRates, gate_of

CALLER = "recto-tests"
NUMBERS = count()


def owner(number: int) -> str:
    return f"{number:032x}-1"


def item_size(value: Any) -> int:
    """Bytes as DynamoDB counts them: names, texts, 3 for a map and 1 for each entry."""
    if isinstance(value, dict):
        return 3 + sum(len(name.encode()) + 1 + item_size(each) for name, each in value.items())
    return len(str(value).encode())


def items_of(table: Table, bottleneck: str, shards: int) -> list[dict[str, Any]]:
    keys = [f"LEASE#{bottleneck}" + (f"#{n}" if n else "") for n in range(shards)]
    return [item for key in keys if (item := table.get({"pk": key, "sk": "LEASE"}))]


# ---- leases


@pytest.mark.parametrize(("limit", "shards"), [(5, 1), (9, 1), (13, 2)])
def test_all_places_are_given_once_and_no_more(
    table: Table, clock: FakeClock, limit: int, shards: int
) -> None:
    leases, expires = Leases(table, TEXTRACT_JOBS, per_shard=9), clock() + timedelta(hours=1)

    taken = [leases.take(owner(n), limit, expires) for n in range(limit)]

    assert all(taken)
    assert not leases.take("one-more", limit, expires)
    assert not leases.take(owner(3), limit, expires), "who holds one gets no other"
    assert len(leases.owners()) == limit
    assert (leases.release(owner(3)), leases.release(owner(3))) == (True, False)
    assert leases.take("one-more", limit, expires)
    assert len(items_of(table, TEXTRACT_JOBS, 9)) == shards


@pytest.mark.parametrize(("limit", "bytes_", "writes"), [(25, 1800, 2), (90, 6100, 6), (3000, 6800, 7)])
def test_an_item_stays_small_however_large_the_limit(
    table: Table, clock: FakeClock, limit: int, bytes_: int, writes: int
) -> None:
    """3,000 owners would weigh 201 KB in one item: 197 units for each write."""
    leases, expires = Leases(table, TEXTRACT_JOBS), clock() + timedelta(hours=1)
    per_item = min(limit, 100)
    full = {f"LEASE#{TEXTRACT_JOBS}": {"owners": {owner(n): stamp(expires) for n in range(per_item)}}}
    assert leases.take(owner(0), limit, expires)

    size = item_size(full)

    assert size <= bytes_
    assert -(-size // 1024) <= writes
    assert len(items_of(table, TEXTRACT_JOBS, 99)) == -(-limit // 100)


def test_a_share_is_refused_earlier_than_the_limit(table: Table, clock: FakeClock) -> None:
    leases, expires = Leases(table, "documents", per_shard=2), clock() + timedelta(hours=1)
    for limit in (2, 4):
        assert [leases.take(f"{limit}-{n}", limit, expires, share=limit - 1) for n in range(3)].count(
            True
        ) == 1
        assert leases.take(f"{limit}-live", limit, expires)


def test_owners_of_the_version_before_are_known_counted_and_released(table: Table, clock: FakeClock) -> None:
    """One item without shards, as `SlotLeases` wrote it."""
    expires = clock() + timedelta(hours=1)
    old = {owner(n): stamp(expires) for n in range(90)}
    table.put({"pk": "LEASE#documents", "sk": "LEASE", "owners": old})
    slots = SlotLeases(table)

    assert not slots.take("new", 90, expires)
    assert slots.release(owner(7))
    assert slots.take("new", 90, expires)
    assert len(slots.owners()) == 90


def test_a_limit_that_grows_and_shrinks_counts_what_is_held_in_all_items(
    table: Table, clock: FakeClock
) -> None:
    leases, expires = Leases(table, "documents", per_shard=4), clock() + timedelta(hours=1)
    assert all(leases.take(owner(n), 4, expires) for n in range(4))

    grown = [leases.take(owner(n), 10, expires) for n in range(4, 12)]
    shrunk = [leases.take(owner(n), 4, expires) for n in range(20, 24)]

    assert sum(grown) == 6
    assert len(leases.owners()) == 10
    assert shrunk == [False] * 4
    assert all(leases.release(each) for each in list(leases.owners())[:7])
    assert leases.take("again", 4, expires)
    assert not leases.take("too many", 4, expires)


def test_expired_leases_are_taken_back_and_notes_without_places_forgotten(
    table: Table, clock: FakeClock
) -> None:
    leases = Leases(table, "documents", per_shard=2)
    soon, late = clock() + timedelta(minutes=1), clock() + timedelta(hours=1)
    assert all(leases.take(owner(n), 6, soon if n % 2 else late) for n in range(6))

    taken = leases.take_back_expired(clock() + timedelta(minutes=2))

    assert sorted(taken) == [owner(n) for n in (1, 3, 5)]
    assert sorted(leases.owners()) == [owner(n) for n in (0, 2, 4)]
    names = {"#away": "away", "#owner": "lost"}
    table.update({"pk": "LEASE#documents", "sk": "LEASE"}, "SET #away.#owner = :n", names, {":n": 1})
    leases.take_back_expired(clock())
    assert all("lost" not in item.get("away", {}) for item in items_of(table, "documents", 3))


class LeasesInAnyOrder(RuleBasedStateMachine):
    """Several functions, each with its own view, over shards of 2; some break off in between."""

    def __init__(self) -> None:
        super().__init__()
        name = f"any-{next(NUMBERS)}"
        properties = resources("AWS::DynamoDB::Table")["DocumentTable"]
        kept = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")
        boto3.client("dynamodb").create_table(TableName=name, **{name: properties[name] for name in kept})
        self.table, self.clock = Table(name, CALLER), FakeClock()
        self.limit = 5
        self.views = [Leases(self.table, TEXTRACT_JOBS, per_shard=2) for _ in range(3)]
        self.model: dict[str, datetime] = {}

    def teardown(self) -> None:
        self.clock.pass_time(days=1)
        for _ in range(2):
            self.views[0].take_back_expired(self.clock())
        assert self.views[0].owners() == {}
        for item in items_of(self.table, TEXTRACT_JOBS, 9):
            assert (item["owners"], item["away"]) == ({}, {})

    @rule(view=st.integers(0, 2), who=st.integers(0, 8), minutes=st.integers(1, 50))
    def take(self, view: int, who: int, minutes: int) -> None:
        expires = self.clock() + timedelta(minutes=minutes)
        expected = owner(who) not in self.model and len(self.model) < self.limit

        assert self.views[view].take(owner(who), self.limit, expires) is expected

        if expected:
            self.model[owner(who)] = expires

    @rule(view=st.integers(0, 2), who=st.integers(0, 8))
    def release(self, view: int, who: int) -> None:
        assert self.views[view].release(owner(who)) is (owner(who) in self.model)
        self.model.pop(owner(who), None)

    @rule(who=st.integers(0, 8))
    def a_release_breaks_off(self, who: int) -> None:
        """The place is gone, the note of it at home is not."""
        for item in items_of(self.table, TEXTRACT_JOBS, 9):
            if owner(who) in item["owners"]:
                key = {"pk": item["pk"], "sk": "LEASE"}
                names = {"#owners": "owners", "#owner": owner(who)}
                self.table.update(key, "REMOVE #owners.#owner", names, {})
                self.model.pop(owner(who), None)
        self.reap(0)

    @rule(view=st.integers(0, 2), minutes=st.integers(0, 30))
    def time_passes_and_the_reaper_comes(self, view: int, minutes: int) -> None:
        self.clock.pass_time(minutes=minutes)
        self.reap(view)

    def reap(self, view: int) -> None:
        now = self.clock()
        expired = {each for each, expires in self.model.items() if expires <= now}
        assert set(self.views[view].take_back_expired(now)) == expired
        self.model = {each: expires for each, expires in self.model.items() if each not in expired}

    @invariant()
    def the_table_says_the_same(self) -> None:
        held = self.views[0].owners()
        assert dict(held) == self.model
        assert len(held) <= self.limit


LeasesInAnyOrder.TestCase.settings = settings(
    max_examples=8, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck)
)
TestLeasesInAnyOrder = LeasesInAnyOrder.TestCase


# ---- rates


@pytest.mark.parametrize("rate", [Rate(5), Rate(2.5, burst=3)])
def test_the_table_counts_calls_as_the_arithmetic_does(table: Table, clock: FakeClock, rate: Rate) -> None:
    rows, memory = RateRows(table), MemoryRates()
    waits = []
    for pause in (0, 0, 0, 0.1, 0, 0.05, 3, 0, 0, 0, 0, 0.7, 60, 0, 0, 0, 0, 0):
        clock.pass_time(seconds=pause)
        now = clock()
        found = rows.take("calls", rate, now, patience=0.9)
        expected = memory.take("calls", rate, now, patience=0.9)
        waits.append((found, expected))
        assert rows.state("calls", now).wait == pytest.approx(memory.state("calls", now).wait, abs=1e-5)

    assert all((a is None) == (b is None) for a, b in waits)
    assert [a for a, _ in waits if a is not None] == pytest.approx(
        [b for _, b in waits if b is not None], abs=1e-5
    )
    assert any(a is None for a, _ in waits)


class Late(Table):
    """Somebody else writes between the first and the second of its writes."""

    between: Callable[[], object] | None = None

    def changed(self, *arguments: Any, **named: Any) -> dict[str, Any] | None:
        answer = super().changed(*arguments, **named)
        if self.between:
            between, self.between = self.between, None
            between()
        return answer


def test_who_comes_second_after_a_rest_gets_the_next_turn(table: Table, clock: FakeClock) -> None:
    late, now = Late(table.name, CALLER), clock()
    late.between = partial(RateRows(table).take, TEXTRACT_START, Rate(20), now, 0.9)

    assert RateRows(late).take(TEXTRACT_START, Rate(20), now, 0.9) == pytest.approx(0.05)


def _put(table: Table) -> object:
    return table.put({"pk": "a", "sk": "a", "n": 1})


def _update(table: Table) -> object:
    return table.update({"pk": "a", "sk": "a"}, "SET n = :n", {}, {":n": 1})


def _changed(table: Table) -> object:
    return table.changed({"pk": "a", "sk": "a"}, "SET n = :n", {}, {":n": 1}, "attribute_not_exists(pk)")


def _delete(table: Table) -> object:
    return table.delete({"pk": "a", "sk": "a"})


@pytest.mark.parametrize("write", [_put, _update, _changed, _delete])
@pytest.mark.parametrize("conflicts", [1, 3, 4])
def test_a_write_that_meets_a_transaction_is_tried_again(
    table: Table, monkeypatch: pytest.MonkeyPatch, write: Callable[[Table], object], conflicts: int
) -> None:
    pauses: list[float] = []
    left = [conflicts]
    patient = Table(table.name, CALLER, sleep=pauses.append)
    call = BaseClient._make_api_call

    def conflict(self: BaseClient, operation: str, request: dict[str, Any]) -> Any:
        left[0] -= 1
        if left[0] >= 0:
            error = {"Code": "TransactionConflictException", "Message": "in another transaction"}
            raise ClientError({"Error": error, "ResponseMetadata": {"HTTPStatusCode": 400}}, operation)
        return call(self, operation, request)

    monkeypatch.setattr(BaseClient, "_make_api_call", conflict)

    if conflicts > 3:
        with pytest.raises(ThrottledError, match="TransactionConflictException"):
            write(patient)
    else:
        write(patient)
        written = patient.get({"pk": "a", "sk": "a"})
        assert (written is None) is (write is _delete)
    assert len(pauses) == min(conflicts, 3)
    assert all(0 < pause < 0.1 for pause in pauses)


def test_refusals_make_pauses_longer_until_a_call_is_taken_again(table: Table, clock: FakeClock) -> None:
    rows, now = RateRows(table), clock()
    waits = []
    for _ in range(3):
        rows.refused("calls", now)
        waits.append(round(rows.state("calls", now).wait))
    rows.accepted("calls")

    assert waits == [1, 2, 4]
    assert rows.state("calls", now).refusals == 0


# ---- line, jobs, messages, limits


def test_a_line_keeps_its_order_and_joining_twice_changes_nothing(table: Table, clock: FakeClock) -> None:
    line = LineRows(table, TEXTRACT_JOBS)
    places = [place_in_line(lane, clock(), name) for lane, name in (("backfill", "b"), ("live", "l"))]  # type: ignore[arg-type]
    for place in (*places, *places):
        line.join(place)

    assert [place.owner for place in line.first(9)] == ["l", "b"]
    line.leave(places[1])
    line.leave(places[1])
    assert [place.owner for place in line.first(9)] == ["b"]


def job(**changes: Any) -> OcrJobRow:
    source = Location(bucket="inbox", key="ä b.pdf", version_id="1")
    return OcrJobRow(
        tag="t", document_id="d", task_token="one", features=("TABLES",), source=source, place="0#x#t"
    ).model_copy(update=changes)


def test_a_job_that_is_asked_for_again_keeps_all_but_its_token(table: Table, clock: FakeClock) -> None:
    jobs = OcrJobRows(table)
    assert jobs.ask(job(), clock()) == job()
    assert jobs.try_start("t", clock())
    jobs.started("t", "job-1", clock())

    again = jobs.ask(job(task_token="two", place="0#later#t"), clock())

    assert (again.task_token, again.place, again.job_id, again.tries) == ("two", "0#x#t", "job-1", 1)
    assert jobs.try_start("t", clock()) is None, "it runs"
    assert jobs.try_start("gone", clock()) is None
    assert jobs.find("gone") is None
    assert jobs.ended("gone", "j") is None, "no row comes to be by that"
    assert jobs.find("gone") is None


def test_a_job_ends_is_asked_about_and_is_forgotten(table: Table, clock: FakeClock) -> None:
    jobs = OcrJobRows(table)
    jobs.ask(job(), clock())
    jobs.try_start("t", clock())
    jobs.not_started("t")
    assert jobs.find("t").tries == 0  # type: ignore[union-attr]
    jobs.started("t", "job-1", clock())
    jobs.asked("t", clock())
    jobs.asked("t", clock())
    ended = jobs.ended("t", "job-1")

    assert ended
    assert (ended.ended, ended.asks) == (True, 2)
    jobs.forget_job("t", "another")
    assert jobs.find("t") == ended
    jobs.forget_job("t", "job-1")
    assert jobs.try_start("t", clock())


def test_a_job_of_the_version_before_is_read(table: Table, clock: FakeClock) -> None:
    old = JobRow(tag="t", document_id="d", task_token="old", features=("TABLES",))
    JobRows(table).put(old, clock())
    jobs = OcrJobRows(table)

    found = jobs.find("t")
    again = jobs.ask(job(task_token="new"), clock())

    assert found
    assert (found.task_token, found.source, found.place) == ("old", None, "")
    assert (again.task_token, again.source, again.place) == ("new", job().source, "0#x#t")


def test_one_message_is_under_way_until_it_comes_or_is_lost(table: Table, clock: FakeClock) -> None:
    sqs = boto3.client("sqs")
    url = sqs.create_queue(QueueName="pump")["QueueUrl"]
    ticks = SqsTicks(table, TEXTRACT_START, CALLER, url)

    assert ticks.later(0.2, clock())
    assert not ticks.later(0.2, clock())
    ticks.came()
    ticks.came()
    assert ticks.later(0.4, clock())
    clock.pass_time(seconds=80)
    assert not ticks.later(0.4, clock())
    clock.pass_time(seconds=20)
    assert ticks.later(0.4, clock()), "that one was lost"
    ticks.look_after()

    messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    assert [json.loads(each["Body"])["Action"] for each in messages] == ["tick"] * 3 + ["recover"]


def test_limits_are_kept_as_they_were_said(table: Table, clock: FakeClock) -> None:
    rows, now = LimitItem(table), clock()
    assert rows.read() is None

    rows.write(ServiceLimits(concurrent_jobs=100), now)

    assert rows.read() == (ServiceLimits(concurrent_jobs=100), now)


PAGES = {
    "": {"Quotas": [{"QuotaName": "one", "Value": 1.0}], "NextToken": "next"},
    "next": {"Quotas": [{"QuotaName": "two", "Value": 2.0}]},
}
DEFAULTS = {"Quotas": [{"QuotaName": "two", "Value": 0.5}, {"QuotaName": "three", "Value": 3.0}]}


@pytest.mark.parametrize("may_see_defaults", [True, False])
def test_quotas_are_read_page_by_page_over_the_defaults(
    monkeypatch: pytest.MonkeyPatch, may_see_defaults: bool
) -> None:
    def answer(self: object, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        assert request["ServiceCode"] == "textract"
        if operation == "ListServiceQuotas":
            return PAGES[request.get("NextToken", "")]
        assert operation == "ListAWSDefaultServiceQuotas"
        if not may_see_defaults:
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, operation)
        return DEFAULTS

    monkeypatch.setattr("botocore.client.BaseClient._make_api_call", answer)

    found = dict(ServiceQuotas(CALLER).of("textract"))
    assert found == {"one": 1.0, "two": 2.0} | ({"three": 3.0} if may_see_defaults else {})


@pytest.mark.parametrize("code", ["AccessDeniedException", "NoSuchResourceException", "UnknownOperation"])
def test_quotas_that_cannot_be_read_are_none(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    def refuse(self: object, operation: str, request: object) -> None:
        raise ClientError({"Error": {"Code": code, "Message": "no"}}, operation)

    monkeypatch.setattr("botocore.client.BaseClient._make_api_call", refuse)

    assert ServiceQuotas(CALLER).of("textract") == []


# ---- the pump's shell


@pytest.mark.parametrize("body", ["Jane Doe owes 5", '{"Action": "Jane Doe"}', '["Jane Doe"]'])
def test_a_message_that_the_pump_cannot_read_is_not_quoted(
    body: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pump = load("textract_start", "pump", monkeypatch)

    with pytest.raises(ConfigurationError, match="expected Action tick or recover, got ") as error:
        pump.handle(body)

    assert "Jane" not in "".join(traceback.format_exception(error.value))


def test_the_pump_moves_the_line_on_and_tells_what_it_took_back(
    monkeypatch: pytest.MonkeyPatch,
    clock: FakeClock,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    pump = load("textract_start", "pump", monkeypatch)
    ocr = FakeOcr(status="IN_PROGRESS")
    gate = gate_of(ocr, FakeWorkflow(), clock)
    monkeypatch.setattr(pump, "wiring", lambda: gate)
    gate.leases.take("left", 9, clock() + gate.lease)
    clock.pass_time(minutes=5)
    place = place_in_line("live", clock(), "t")
    gate.jobs.ask(job(place=place), clock())
    gate.line.join(place)
    gate.ticks.later(0, clock())

    answer = pump.lambda_handler(records('{"Action": "recover"}', '{"Action": "tick"}', "junk"), Context())

    assert [each["itemIdentifier"] for each in answer["batchItemFailures"]] == ["m2"]
    assert [request.tag for request in ocr.requests] == ["t"]
    assert set(gate.leases.owners()) == {"t"}
    assert gate.ticks.later(0, clock()), "the message under way has come"
    drift = [vars(record) for record in caplog.records if record.message == "admission_drift"]
    assert [(each["owner"], each["reason"]) for each in drift] == [("left", "no row")]
    told = capsys.readouterr().out
    assert '"AdmissionDrift":[1.0]' in told
    assert '"OcrJobsStarted":[1.0]' in told
    assert '"one"' not in told, "the task token"
