"""A range of pages in, an inference of a thumbnail endpoint asked for; its end calls the task token back."""

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from recto.aws.inferences import inference_start
from recto.aws.shell import name_document, observed, or_fail_token, settings_of
from recto.messages import ThumbnailEndpointStartRequest
from recto.settings import ThumbnailEndpointStartSettings
from recto.steps.async_inference import MODEL, InferenceStart
from recto.steps.thumbnail_endpoint import start_thumbnails

logger, metrics = Logger(), Metrics()


@cache
def wiring() -> InferenceStart:
    return inference_start(
        MODEL, "recto-thumbnail-endpoint-start", settings_of(ThumbnailEndpointStartSettings)
    )


@observed(logger, metrics)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Let an endpoint draw the thumbnails of a range of pages."""
    request = ThumbnailEndpointStartRequest.model_validate(event)
    name_document(logger, request.document)
    metrics.add_metric(name="ThumbnailInferencesAskedFor", unit=MetricUnit.Count, value=1)
    or_fail_token(wiring().workflow, request.task_token, logger, lambda: start_thumbnails(request, wiring()))
