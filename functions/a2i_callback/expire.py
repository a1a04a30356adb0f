"""Every five minutes: reviews whose time is over. Also by event, for a loop that Amazon A2I has given up."""

from datetime import timedelta
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities.typing import LambdaContext

from recto.aws.dynamodb import DocumentRows, ReviewRows, Table
from recto.aws.s3 import S3Objects
from recto.aws.services import A2iHumanLoops, DeskQueue, EventExecutions, StepFunctionsWorkflow
from recto.aws.shell import observed, settings_of, tally, utc_now
from recto.errors import ServiceUnavailableError
from recto.messages import ExpiryRequest
from recto.settings import ReviewExpirySettings
from recto.steps.review_expiry import ReviewExpiry, expire_loop, expire_reviews

CALLER = "recto-review-expiry"
ON_THE_WAY = 300
"""Seconds that an answer may take from the desk to the pipeline, beside the time for which it is held."""
logger, metrics = Logger(), Metrics()


@cache
def wiring() -> ReviewExpiry:
    settings = settings_of(ReviewExpirySettings)
    table = Table(settings.document_table, CALLER)
    return ReviewExpiry(
        objects=S3Objects(CALLER),
        documents=DocumentRows(table),
        reviews=ReviewRows(table),
        workflow=StepFunctionsWorkflow(CALLER),
        a2i=A2iHumanLoops(CALLER),
        desk=DeskQueue(CALLER, settings.desk_queue_url),
        events=EventExecutions(CALLER, settings.event_state_machine_arn),
        clock=utc_now,
        work_bucket=settings.work_bucket,
        rule=settings.review_expiry,
        availability=timedelta(seconds=settings.review_availability_seconds),
        grace=timedelta(seconds=settings.review_hold_seconds + ON_THE_WAY),
        timeout=timedelta(seconds=settings.review_timeout_seconds),
    )


@observed(logger, metrics)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Settle what nobody answered; what could not be settled comes again, and is told."""
    request = ExpiryRequest.model_validate(event)
    if request.loop_name:
        found = expire_loop(request.loop_name, wiring())
        expired = [found] if found else []
    else:
        expired = expire_reviews(wiring())
    for one in expired:
        log = logger.warning if one.outcome == "error" else logger.info
        log("review_expired", extra=one._asdict())
    failed = [one for one in expired if one.outcome == "error"]
    tally(metrics, ReviewsExpired=len(expired) - len(failed))
    if failed:
        raise ServiceUnavailableError(
            f"{len(failed)} of {len(expired)} reviews were not settled: {failed[0].cause}"
        )
