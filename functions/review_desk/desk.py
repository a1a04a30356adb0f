"""Messages to the review desk in: answers agreed or not, held, handed on; loops closed or opened again.

Each minute, by Scheduler, with `{"Action": "sweep"}`: what has run out goes back or ends.
"""

from datetime import timedelta
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from recto.aws.batches import handle_messages
from recto.aws.dynamodb import Table
from recto.aws.shell import settings_of
from recto_workbench.aws.wiring import review_desk_of
from recto_workbench.settings import ReviewDeskSettings
from recto_workbench.steps.settling import Settling, sweep, work_off

CALLER = "recto-review-desk"
logger, metrics = Logger(), Metrics()


@cache
def wiring() -> Settling:
    settings = settings_of(ReviewDeskSettings)
    table = Table(settings.workbench_table, CALLER)
    return Settling(
        desk=review_desk_of(CALLER, table, settings.desk_queue_url, settings.work_bucket),
        hold=timedelta(seconds=settings.review_hold_seconds),
    )


def handle(body: str) -> None:
    loop, outcome = work_off(body, wiring())
    logger.info("message_taken", extra={"loop": loop, "outcome": outcome})
    if outcome == "disputed":
        metrics.add_metric(name="ReviewsDisputed", unit=MetricUnit.Count, value=1)


@logger.inject_lambda_context
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Each message by itself; one that fails comes back alone."""
    if event.get("Action") != "sweep":
        return handle_messages(event, context, handle, logger, metrics)
    done = sweep(wiring())
    logger.info("swept", extra=done._asdict())
    metrics.add_metric(name="ReviewsExpired", unit=MetricUnit.Count, value=done.expired)
    return dict(done._asdict())
