"""A backfill pauses before the month's budget is passed, and goes on in the next one."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from recto.cost import Unit, Use
from recto.messages import DispatchRequest, Status
from recto.ports import LedgerDay
from recto.prices import prices_of
from recto.steps.budget import Budget, Spent, backfill_allowed, month_of, spent_of
from recto.steps.dispatch import dispatch
from tests.unit.test_backlog import Desk

PRICES = prices_of("us-east-1")
UNDER_WAY = [Status.RUNNING, Status.IN_REVIEW]
BEFORE = datetime(2026, 11, 30, 23, 58, tzinfo=UTC)


@dataclass
class FakeLedger:
    """A document of a dollar each (2,000 pages of text at 1.5, and 0.5 for the rest), by month."""

    documents: dict[str, int] = field(default_factory=dict)
    asked: int = 0

    def month(self, month: str) -> Sequence[LedgerDay]:
        self.asked += 1
        number = self.documents.get(month, 0)
        use = Use(step="textract_fetch", units={Unit.TEXTRACT_TEXT: Decimal(number) * 1000 / Decimal("1.5")})
        return [LedgerDay(date=f"{month}-01", lane="live", documents=number, uses=(use,))] if number else []


@dataclass
class Counts:
    running: int = 0
    asked: list[Status] = field(default_factory=list)

    def count(self, status: Status, most: int) -> int:
        self.asked.append(status)
        return min(self.running, most) if status is Status.RUNNING else 0


@dataclass
class Time:
    now: datetime = BEFORE

    def __call__(self) -> datetime:
        return self.now


def budget(dollars: str, ledger: FakeLedger, running: int, time: Time) -> Budget:
    return Budget(Decimal(dollars), lambda: PRICES, ledger, Counts(running), time)


def test_without_a_budget_nothing_is_asked() -> None:
    ledger = FakeLedger({"2026-11": 1_000_000})

    assert budget("0", ledger, 3000, Time())() == ""
    assert ledger.asked == 0


def test_a_backfill_pauses_before_the_budget_is_passed() -> None:
    """At 99.9 % one more document would pass it."""
    spent = Spent(Decimal(999), 999)

    assert backfill_allowed(Decimal(1000), spent, 0, Decimal(1)) == ""
    assert "999.00 are spent on 999 documents" in backfill_allowed(Decimal(1000), spent, 1, Decimal(1))
    assert backfill_allowed(Decimal("999.9"), spent, 0, Decimal(1))


def test_what_is_under_way_counts_before_it_is_in_the_ledger() -> None:
    ledger = FakeLedger({"2026-11": 90})

    asked = budget("100", ledger, 4, Time())
    answers = [asked() for _ in range(8)]

    assert answers[:6] == [""] * 6
    assert "10 under way" in answers[6]
    assert answers[7]
    assert ledger.asked == 1


def test_the_next_month_it_goes_on_by_itself() -> None:
    time = Time()
    asked = budget("100", FakeLedger({"2026-11": 100}), 0, time)

    paused = asked()
    time.now += timedelta(minutes=3)

    assert paused
    assert asked() == ""


def test_the_first_document_of_all_is_forecast() -> None:
    assert budget("0.001", FakeLedger(), 0, Time())()
    assert budget("0.01", FakeLedger(), 0, Time())() == ""


def test_the_first_document_of_a_month_costs_what_those_of_the_month_before_did() -> None:
    time = Time(datetime(2026, 12, 31, 12, tzinfo=UTC))
    asked = budget("1.5", FakeLedger({"2026-11": 7, "2026-12": 0}), 1, time)

    assert "1 under way will take about 1.00" in asked()


def test_what_is_spent_is_kept_for_seconds() -> None:
    time, ledger = Time(), FakeLedger({"2026-11": 98})
    asked = budget("100", ledger, 0, time)
    assert asked() == ""

    ledger.documents["2026-11"] = 100
    time.now += timedelta(seconds=6)

    assert "100.00 are spent" in asked()


def test_those_in_review_are_counted_once_a_minute_and_those_that_run_each_second() -> None:
    time, counts = Time(), Counts(1)
    asked = Budget(Decimal(100), lambda: PRICES, FakeLedger({"2026-11": 9}), counts, time)
    for _ in range(4):
        asked()
        time.now += timedelta(seconds=16)

    assert counts.asked == [*UNDER_WAY, Status.RUNNING, Status.RUNNING, Status.RUNNING]
    asked()
    assert counts.asked[-2:] == UNDER_WAY


def test_a_month_is_the_sum_of_days_and_lanes() -> None:
    days = FakeLedger({"2026-11": 3}).month("2026-11")

    assert spent_of([*days, *days], PRICES) == Spent(Decimal(6), 6)


def test_at_the_budgets_edge_one_document_starts_and_live_ones_go_on() -> None:
    """999 of 1,000 dollars are spent: one more fits; live ones are not asked."""
    desk = Desk()
    ledger = FakeLedger({month_of(desk.clock()): 999})
    desk.step = desk.step._replace(
        backfill_allowed=Budget(Decimal(1000), lambda: PRICES, ledger, desk.documents, desk.clock)
    )
    for name in ("x0", "x1", "x2"):
        desk.add(name, "first")

    assert desk.run() == ("x0",)
    desk.add("live")
    answer = dispatch(DispatchRequest(), desk.step)

    assert answer.started == ("live",)
    assert "budget of 1000.00 USD" in answer.backfill_paused
    desk.clock.pass_time(days=31)
    assert desk.run() == ("x1", "x2")
