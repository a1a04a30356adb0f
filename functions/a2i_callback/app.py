"""Reviewers' answers in, waiting states called back. A message that cannot be handled comes back alone."""

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities.typing import LambdaContext

from recto.aws.batches import handle_messages
from recto.aws.dynamodb import DocumentRows, ReviewRows, Table
from recto.aws.s3 import S3Objects
from recto.aws.services import StepFunctionsWorkflow
from recto.aws.shell import settings_of, utc_now
from recto.settings import ReviewCallbackSettings
from recto.steps.intake import uploads_of
from recto.steps.review import ReviewCallback, take_answer

CALLER = "recto-a2i-callback"
logger, metrics = Logger(), Metrics()


@cache
def wiring() -> ReviewCallback:
    settings = settings_of(ReviewCallbackSettings)
    table = Table(settings.document_table, CALLER)
    return ReviewCallback(
        objects=S3Objects(CALLER),
        documents=DocumentRows(table),
        reviews=ReviewRows(table),
        workflow=StepFunctionsWorkflow(CALLER),
        work_bucket=settings.work_bucket,
        clock=utc_now,
    )


def handle(body: str) -> None:
    for upload in uploads_of(body):
        outcome = take_answer(upload.source, wiring())
        log = logger.warning if outcome.cause else logger.info
        log("review_answered", extra=outcome._asdict())


@logger.inject_lambda_context
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Hand reviewers' answers to the pipeline."""
    return handle_messages(event, context, handle, logger, metrics)
