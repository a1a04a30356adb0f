"""A finished OCR job in, its pages stored: as far as time allows, and where to go on."""

import time
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from recto.aws import metering
from recto.aws.gates import paced_ocr
from recto.aws.s3 import S3Objects
from recto.aws.shell import name_document, observed, settings_of
from recto.messages import TextractFetchRequest
from recto.settings import TextractFetchSettings
from recto.steps.ocr_fetch import OcrFetch, fetch
from recto.steps.ocr_gate import PacedOcr

CALLER = "recto-textract-fetch"
logger, metrics = Logger(), Metrics()


@cache
def wiring() -> tuple[PacedOcr, S3Objects, TextractFetchSettings]:
    settings = settings_of(TextractFetchSettings)
    return paced_ocr(CALLER, settings, logger), S3Objects(CALLER), settings


@observed(logger, metrics)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Store the next stretch of a job's pages."""
    request = TextractFetchRequest.model_validate(event)
    name_document(logger, request.document)
    ocr, objects, settings = wiring()
    deadline = time.monotonic() + settings.deadline_seconds
    step = OcrFetch(ocr, objects, objects, settings.work_bucket, lambda: time.monotonic() > deadline)
    response = fetch(request, step)
    num_pages = max(0, response.pages_done - request.pages_done)
    metrics.add_metric(name="PagesFetched", unit=MetricUnit.Count, value=num_pages)
    metering.pages_read(num_pages, request.job.features)
    return response.dump()
