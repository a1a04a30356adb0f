"""Messages of uploads in, rows out. A message that cannot be handled comes back alone."""

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from recto.aws.dynamodb import DocumentRows, Table
from recto.aws.s3 import S3Objects
from recto.aws.services import EventBridgeEvents, LambdaFunctions
from recto.aws.shell import reporting, settings_of, utc_now
from recto.messages import DispatchRequest
from recto.settings import IntakeSettings
from recto.steps.intake import Intake, take_in, uploads_of

CALLER = "recto-intake"
logger, metrics, tracer = Logger(), Metrics(), Tracer()
processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)


@cache
def wiring() -> tuple[Intake, LambdaFunctions, str]:
    settings = settings_of(IntakeSettings)
    intake = Intake(
        objects=S3Objects(CALLER),
        documents=DocumentRows(Table(settings.document_table, CALLER)),
        events=EventBridgeEvents(CALLER, settings.event_bus, settings.project_id),
        clock=utc_now,
        max_bytes=settings.max_document_bytes,
    )
    return intake, LambdaFunctions(CALLER), settings.dispatch_function


def record_handler(record: SQSRecord) -> None:
    intake, _, _ = wiring()
    for upload in uploads_of(record.body):
        row = take_in(upload, intake)
        if row is None:
            logger.info("upload_known_already", extra={"document_id": upload.document_id})
            continue
        logger.info(
            "document_taken_in",
            extra={"document_id": row.document_id, "status": row.status, "error": row.error},
        )
        metrics.add_metric(name=f"Documents{row.status.title()}", unit=MetricUnit.Count, value=1)


@logger.inject_lambda_context
@metrics.log_metrics
@tracer.capture_lambda_handler(capture_response=False)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Take uploads in, then let `dispatch` start what has a free slot."""
    handler = reporting(logger, record_handler)
    response = process_partial_response(event, handler, processor, context)
    failures = len(response["batchItemFailures"])
    metrics.add_metric(name="UploadMessagesFailed", unit=MetricUnit.Count, value=failures)
    _, functions, dispatch = wiring()
    functions.invoke_later(dispatch, DispatchRequest().dump())
    return response
