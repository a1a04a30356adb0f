"""Textract's notifications in, waiting states called back. A message that fails comes back alone."""

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from recto.aws.dynamodb import JobRows, Table
from recto.aws.services import StepFunctionsWorkflow
from recto.aws.shell import reporting, settings_of
from recto.aws.textract import TextractOcr
from recto.settings import TextractCallbackSettings
from recto.steps.ocr_job import OcrCallback, hear_of_end, notification_of

CALLER = "recto-textract-callback"
logger, metrics, tracer = Logger(), Metrics(), Tracer()
processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)


@cache
def wiring() -> OcrCallback:
    settings = settings_of(TextractCallbackSettings)
    return OcrCallback(
        ocr=TextractOcr(CALLER),
        jobs=JobRows(Table(settings.document_table, CALLER)),
        workflow=StepFunctionsWorkflow(CALLER),
    )


def record_handler(record: SQSRecord) -> None:
    notification = notification_of(record.body)
    row = hear_of_end(notification, wiring())
    logger.info("ocr_ended", extra={"document_id": row.document_id, "status": notification.Status})


@logger.inject_lambda_context
@metrics.log_metrics
@tracer.capture_lambda_handler(capture_response=False)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Call back the states that wait for these OCR jobs."""
    handler = reporting(logger, record_handler)
    response = process_partial_response(event, handler, processor, context)
    failures = len(response["batchItemFailures"])
    metrics.add_metric(name="OcrNotificationsFailed", unit=MetricUnit.Count, value=failures)
    return response
