"""A range of pages in, an inference of the OCR endpoint asked for; its end calls the task token back."""

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from recto.aws.inferences import inference_start
from recto.aws.shell import name_document, observed, or_fail_token, settings_of
from recto.messages import OcrEndpointStartRequest
from recto.settings import OcrEndpointStartSettings
from recto.steps.async_inference import OCR, InferenceStart
from recto.steps.ocr_endpoint import start_inference

logger, metrics = Logger(), Metrics()


@cache
def wiring() -> InferenceStart:
    return inference_start(OCR, "recto-ocr-endpoint-start", settings_of(OcrEndpointStartSettings))


@observed(logger, metrics)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Let the document's endpoint read a range of its pages."""
    request = OcrEndpointStartRequest.model_validate(event)
    name_document(logger, request.document)
    metrics.add_metric(name="OcrInferencesAskedFor", unit=MetricUnit.Count, value=1)
    or_fail_token(wiring().workflow, request.task_token, logger, lambda: start_inference(request, wiring()))
