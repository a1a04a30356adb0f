"""Ends of OCR inferences in, waiting states called back. A message that fails comes back alone."""

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities.typing import LambdaContext

from recto.aws.batches import handle_messages
from recto.aws.dynamodb import JobRows, Table
from recto.aws.s3 import S3Objects
from recto.aws.services import StepFunctionsWorkflow
from recto.aws.shell import settings_of
from recto.settings import OcrEndpointCallbackSettings
from recto.steps.async_inference import OCR, InferenceCallback, hear_of_inference, inference_of

CALLER = "recto-ocr-endpoint-callback"
logger, metrics = Logger(), Metrics()


@cache
def wiring() -> InferenceCallback:
    settings = settings_of(OcrEndpointCallbackSettings)
    return InferenceCallback(
        kind=OCR,
        jobs=JobRows(Table(settings.document_table, CALLER)),
        objects=S3Objects(CALLER),
        workflow=StepFunctionsWorkflow(CALLER),
        work_bucket=settings.work_bucket,
    )


def handle(body: str) -> None:
    inference = inference_of(body)
    if inference is None:
        logger.info("endpoint_was_tested")
        return
    row = hear_of_inference(inference, wiring())
    ended = {"document_id": row.document_id, "status": inference.invocation_status}
    logger.info("ocr_inference_ended", extra=ended)


@logger.inject_lambda_context
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Call back the states that wait for these inferences."""
    return handle_messages(event, context, handle, logger, metrics)
