"""Textract's notifications in, waiting states called back. A message that fails comes back alone."""

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities.typing import LambdaContext

from recto.aws.batches import handle_messages
from recto.aws.dynamodb import JobRows, Table
from recto.aws.services import StepFunctionsWorkflow
from recto.aws.shell import settings_of
from recto.aws.textract import TextractOcr
from recto.settings import TextractCallbackSettings
from recto.steps.ocr_job import OcrCallback, hear_of_end, notification_of

CALLER = "recto-textract-callback"
logger, metrics = Logger(), Metrics()


@cache
def wiring() -> OcrCallback:
    settings = settings_of(TextractCallbackSettings)
    return OcrCallback(
        ocr=TextractOcr(CALLER),
        jobs=JobRows(Table(settings.document_table, CALLER)),
        workflow=StepFunctionsWorkflow(CALLER),
    )


def handle(body: str) -> None:
    notification = notification_of(body)
    row = hear_of_end(notification, wiring())
    logger.info("ocr_ended", extra={"document_id": row.document_id, "status": notification.Status})


@logger.inject_lambda_context
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Call back the states that wait for these OCR jobs."""
    return handle_messages(event, context, handle, logger, metrics)
