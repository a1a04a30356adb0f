"""The stack's budget over its table, and what its region's prices are."""

import os
from decimal import Decimal
from functools import cache

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from recto.aws.dynamodb import DocumentRows, Table
from recto.aws.ledger import LedgerRows
from recto.aws.shell import utc_now
from recto.cost import Prices
from recto.errors import ConfigurationError
from recto.prices import prices_of
from recto.steps.budget import Budget

ELSEWHERE = "us-east-1"
logger = Logger()


def budget_of(dollars: Decimal, table: Table) -> Budget:
    """The budget of a month, 0 for none."""
    return Budget(dollars, prices_here, LedgerRows(table), DocumentRows(table), utc_now)


def tell_budget(budget: Budget, metrics: Metrics) -> None:
    """How much of it is used, where there is one and some is: a metric costs money, too."""
    if share := budget.share():
        metrics.add_metric(name="BudgetUsed", unit=MetricUnit.NoUnit, value=share)


@cache
def prices_here() -> Prices:
    """Of this region; of another one where there is no file, since a rough budget is better than none."""
    try:
        return prices_of(os.environ.get("AWS_REGION", ELSEWHERE))
    except ConfigurationError as error:
        logger.warning("prices_of_another_region", extra={"region": ELSEWHERE, "cause": str(error)})
        return prices_of(ELSEWHERE)
