"""A month's budget: backfills start nothing that may pass it. Live documents are never asked about it.

What a month came to is the ledger's sum at list prices. To that comes what is under way and not in the
ledger yet, each at the mean of the month's documents; with the first ones, at that of the month before, or at
a forecast where there is none. When the next month begins, or the budget is raised, the same question has
another answer, so backfills go on by themselves.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple, Protocol

from recto.cost import Prices, cost_of, forecast
from recto.messages import Status
from recto.ports import Clock, Ledger, LedgerDay

LEDGER_IS_FRESH = timedelta(seconds=5)
COUNT_IS_FRESH = {Status.RUNNING: timedelta(seconds=1), Status.IN_REVIEW: timedelta(minutes=1)}
"""Statuses of documents under way, and for how long their counts are kept: people are slow, and many wait."""
MANY = 3000
"""Documents under way are counted so far."""


class Counting(Protocol):
    """`recto.ports.Documents`, as far as it is needed here."""

    def count(self, status: Status, most: int) -> int: ...


class Spent(NamedTuple):
    """What a month came to until now."""

    dollars: Decimal
    documents: int


def month_of(now: datetime) -> str:
    return f"{now:%Y-%m}"


def spent_of(days: Sequence[LedgerDay], prices: Prices) -> Spent:
    """The ledger's sum, all lanes together: the budget is the whole stack's."""
    dollars = sum((cost_of(day.uses, prices).dollars for day in days), Decimal(0))
    return Spent(dollars, sum(day.documents for day in days))


def month_before(now: datetime) -> str:
    return month_of(now.replace(day=1) - timedelta(days=1))


def backfill_allowed(budget: Decimal, spent: Spent, under_way: int, each: Decimal) -> str:
    """Empty where one more document fits into the budget (0: there is none); else why it does not.

    `each` is what a document is expected to cost.
    """
    if not budget:
        return ""
    expected = under_way * each
    if spent.dollars + expected + each <= budget:
        return ""
    return (
        f"the month's budget of {budget:.2f} USD: {spent.dollars:.2f} are spent on {spent.documents} "
        f"documents, and {under_way} under way will take about {expected:.2f}"
    )


class Budget:
    """What `recto.steps.dispatch` asks before each document of a backfill.

    It keeps what it has read for a moment, and counts in between what it has allowed itself.
    """

    def __init__(
        self,
        dollars: Decimal,
        prices: Callable[[], Prices],
        ledger: Ledger,
        documents: Counting,
        clock: Clock,
    ) -> None:
        self.dollars = dollars
        self._prices, self._ledger, self._documents, self._clock = prices, ledger, documents, clock
        self._spent: tuple[datetime, Spent] | None = None
        self._before: tuple[str, Spent] | None = None
        self._counts: dict[Status, tuple[datetime, int]] = {}

    def __call__(self) -> str:
        if not self.dollars:
            return ""
        under_way = sum(self._counted(status) for status in COUNT_IS_FRESH)
        reason = backfill_allowed(self.dollars, self.spent(), under_way, self.cost_of_one())
        if not reason:
            counted, running = self._counts[Status.RUNNING]
            self._counts[Status.RUNNING] = (counted, running + 1)
        return reason

    def spent(self) -> Spent:
        """Of this month."""
        now = self._clock()
        kept = self._spent
        if kept is None or now - kept[0] > LEDGER_IS_FRESH or month_of(kept[0]) != month_of(now):
            kept = (now, spent_of(self._ledger.month(month_of(now)), self._prices()))
            self._spent = kept
        return kept[1]

    def cost_of_one(self) -> Decimal:
        """What the next document is expected to cost."""
        spent = self.spent()
        if not spent.documents:
            spent = self._spent_before()
        return (
            spent.dollars / spent.documents if spent.documents else forecast(1, 1, (), self._prices()).dollars
        )

    def _spent_before(self) -> Spent:
        """Of the month before."""
        month = month_before(self._clock())
        if self._before is None or self._before[0] != month:
            self._before = (month, spent_of(self._ledger.month(month), self._prices()))
        return self._before[1]

    def share(self) -> float:
        """Of the budget, how much is spent."""
        return float(self.spent().dollars / self.dollars) if self.dollars else 0.0

    def _counted(self, status: Status) -> int:
        now, kept = self._clock(), self._counts.get(status)
        if kept is None or now - kept[0] > COUNT_IS_FRESH[status]:
            kept = self._counts[status] = (now, self._documents.count(status, MANY))
        return kept[1]
