"""Classified words in, fields out: normalised, validated, believable, and whether a person must look."""

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from recto.aws.s3 import S3Objects
from recto.aws.sagemaker import SageMakerTextEndpoints
from recto.aws.shell import name_document, observed, settings_of, tally
from recto.messages import PostprocessRequest
from recto.settings import EntityPostprocessSettings
from recto.steps.postprocess import Postprocess, extract_fields

CALLER = "recto-entity-postprocess"
logger, metrics = Logger(), Metrics()


@cache
def wiring() -> Postprocess:
    settings = settings_of(EntityPostprocessSettings)
    objects, endpoints = S3Objects(CALLER), SageMakerTextEndpoints(CALLER)
    return Postprocess(objects, endpoints, settings.work_bucket, settings.audit_share)


@observed(logger, metrics)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Turn classified words into the fields that the business asked for."""
    request = PostprocessRequest.model_validate(event)
    name_document(logger, request.document)
    response = extract_fields(request, wiring())
    logger.info(
        "fields_extracted", extra={"needs_review": response.needs_review, "reasons": response.reasons}
    )
    if response.failed_normalizers:
        logger.warning("normalizers_failed", extra={"normalizers": response.failed_normalizers})
    tally(metrics, NormalizersFailed=len(response.failed_normalizers))
    metrics.add_metric(name="ReviewsNeeded", unit=MetricUnit.Count, value=int(response.needs_review))
    return response.dump()
