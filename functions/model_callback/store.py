"""A model endpoint's answer in, the predictions of its range of pages stored."""

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from recto.aws.s3 import S3Objects
from recto.aws.shell import name_document, observed, settings_of
from recto.messages import ModelEndpointStoreRequest
from recto.settings import ModelEndpointStoreSettings
from recto.steps.model_endpoint import ModelEndpointStore, store_classification

CALLER = "recto-model-endpoint-store"
logger, metrics = Logger(), Metrics()


@cache
def wiring() -> ModelEndpointStore:
    return ModelEndpointStore(S3Objects(CALLER), settings_of(ModelEndpointStoreSettings).work_bucket)


@observed(logger, metrics)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Store what the endpoint says of a range's words."""
    request = ModelEndpointStoreRequest.model_validate(event)
    name_document(logger, request.document)
    answer = store_classification(request, wiring())
    metrics.add_metric(name="PagesClassified", unit=MetricUnit.Count, value=answer.num_pages)
    return answer.dump()
