"""A thumbnail endpoint's answer in, put where models look for thumbnails."""

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from recto.aws.s3 import S3Objects
from recto.aws.shell import name_document, observed, settings_of
from recto.messages import ThumbnailEndpointStoreRequest
from recto.settings import ThumbnailEndpointStoreSettings
from recto.steps.thumbnail_endpoint import ThumbnailEndpointStore, store_thumbnails

CALLER = "recto-thumbnail-endpoint-store"
logger, metrics = Logger(), Metrics()


@cache
def wiring() -> ThumbnailEndpointStore:
    return ThumbnailEndpointStore(S3Objects(CALLER), settings_of(ThumbnailEndpointStoreSettings).work_bucket)


@observed(logger, metrics)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Store what the endpoint drew of a range's pages."""
    request = ThumbnailEndpointStoreRequest.model_validate(event)
    name_document(logger, request.document)
    answer = store_thumbnails(request, wiring())
    metrics.add_metric(name="ThumbnailsStored", unit=MetricUnit.Count, value=answer.num_pages)
    return answer.dump()
