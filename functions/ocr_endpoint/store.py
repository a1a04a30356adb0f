"""An OCR endpoint's answer in, its pages stored: with a range, that one; without, all ranges joined."""

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from recto.aws.s3 import S3Objects
from recto.aws.shell import name_document, observed, settings_of
from recto.messages import OcrEndpointStoreRequest
from recto.settings import OcrEndpointStoreSettings
from recto.steps.ocr_endpoint import OcrEndpointStore, join_ranges, store_range

CALLER = "recto-ocr-endpoint-store"
logger, metrics = Logger(), Metrics()


@cache
def wiring() -> OcrEndpointStore:
    return OcrEndpointStore(S3Objects(CALLER), settings_of(OcrEndpointStoreSettings).work_bucket)


@observed(logger, metrics)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Store a range of pages, or join what was stored."""
    request = OcrEndpointStoreRequest.model_validate(event)
    name_document(logger, request.document)
    is_joining = request.range is None
    answer = join_ranges(request, wiring()) if is_joining else store_range(request, wiring())
    name = "PagesJoined" if is_joining else "PagesStored"
    metrics.add_metric(name=name, unit=MetricUnit.Count, value=answer.num_pages)
    return answer.dump()
