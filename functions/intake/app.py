"""Messages of uploads in, rows out. A message that cannot be handled comes back alone."""

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from recto.aws.batches import handle_messages
from recto.aws.dynamodb import DocumentRows, Table
from recto.aws.s3 import S3Objects
from recto.aws.services import EventBridgeEvents, LambdaFunctions
from recto.aws.shell import settings_of, utc_now
from recto.messages import DispatchRequest
from recto.settings import IntakeSettings
from recto.steps.intake import Intake, take_in, uploads_of

CALLER = "recto-intake"
logger, metrics = Logger(), Metrics()


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


def handle(body: str) -> None:
    intake, _, _ = wiring()
    for upload in uploads_of(body):
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
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take uploads in, then let `dispatch` start what has a free slot."""
    answer = handle_messages(event, context, handle, logger, metrics)
    _, functions, dispatch = wiring()
    functions.invoke_later(dispatch, DispatchRequest().dump())
    return answer
