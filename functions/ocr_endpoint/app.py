"""Ends of OCR inferences in, waiting states called back. A message that fails comes back alone."""

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities.typing import LambdaContext

from recto.aws.batches import handle_messages
from recto.aws.inferences import hear, inference_callback
from recto.aws.shell import observed, settings_of
from recto.settings import OcrEndpointCallbackSettings
from recto.steps.async_inference import OCR, InferenceCallback

logger, metrics = Logger(), Metrics()


@cache
def wiring() -> InferenceCallback:
    return inference_callback(OCR, "recto-ocr-endpoint-callback", settings_of(OcrEndpointCallbackSettings))


@observed(logger, metrics)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Call back the states that wait for these inferences."""
    return handle_messages(event, context, lambda body: hear(body, wiring(), logger), logger, metrics)
