"""Reviewers' answers in, waiting states called back. A message that cannot be handled comes back alone."""

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from recto.aws.dynamodb import DocumentRows, ReviewRows, Table
from recto.aws.s3 import S3Objects
from recto.aws.services import StepFunctionsWorkflow
from recto.aws.shell import reporting, settings_of
from recto.settings import ReviewCallbackSettings
from recto.steps.intake import uploads_of
from recto.steps.review import ReviewCallback, take_answer

CALLER = "recto-a2i-callback"
logger, metrics, tracer = Logger(), Metrics(), Tracer()
processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)


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
    )


def record_handler(record: SQSRecord) -> None:
    for upload in uploads_of(record.body):
        outcome = take_answer(upload.source, wiring())
        logger.info("review_answered", extra=outcome._asdict())


@logger.inject_lambda_context
@metrics.log_metrics
@tracer.capture_lambda_handler(capture_response=False)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Hand reviewers' answers to the pipeline."""
    handler = reporting(logger, record_handler)
    response = process_partial_response(event, handler, processor, context)
    failures = len(response["batchItemFailures"])
    metrics.add_metric(name="ReviewAnswersFailed", unit=MetricUnit.Count, value=failures)
    return response
