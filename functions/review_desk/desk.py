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
from recto.aws.shell import observed, settings_of, tally
from recto_workbench.aws.wiring import review_desk_of
from recto_workbench.loops import Loop
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
    loop, outcome = work_off(body, wiring(), name_loop)
    logger.info("message_taken", extra={"loop": loop, "outcome": outcome})
    if outcome == "disputed":
        metrics.add_metric(name="ReviewsDisputed", unit=MetricUnit.Count, value=1)


def name_loop(loop: Loop) -> None:
    """Which document this is about, where the loop is one of the pipeline's."""
    if loop.document_id:
        logger.append_keys(
            document_id=loop.document_id, correlation_id=loop.correlation_id or loop.document_id
        )


@observed(logger, metrics)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Each message by itself; one that fails comes back alone."""
    if event.get("Action") != "sweep":
        return handle_messages(event, context, handle, logger, metrics)
    done = sweep(wiring())
    if any(done):
        logger.info("swept", extra=done._asdict())
    tally(metrics, LoopsExpired=done.expired)
    return dict(done._asdict())
