"""A doubtful document in, a review opened; its answer calls the task token back."""

from datetime import timedelta
from functools import cache
from typing import Any
from uuid import uuid4

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from recto.aws.dynamodb import DocumentRows, ReviewRows, Table
from recto.aws.s3 import S3Objects
from recto.aws.services import A2iHumanLoops, DeskHumanLoops, ParameterStore, StepFunctionsWorkflow
from recto.aws.shell import name_document, observed, or_fail_token, settings_of, utc_now
from recto.messages import ReviewRequest
from recto.settings import ReviewTriggerSettings
from recto.steps.desks import Desks
from recto.steps.review import ReviewTrigger, open_review

CALLER = "recto-a2i-trigger"
logger, metrics = Logger(), Metrics()


@cache
def wiring() -> ReviewTrigger:
    settings = settings_of(ReviewTriggerSettings)
    table = Table(settings.document_table, CALLER)
    return ReviewTrigger(
        objects=S3Objects(CALLER),
        documents=DocumentRows(table),
        reviews=ReviewRows(table),
        workflow=StepFunctionsWorkflow(CALLER),
        desks=Desks(DeskHumanLoops(CALLER, settings.desk_function), A2iHumanLoops(CALLER)),
        parameters=ParameterStore(CALLER),
        clock=utc_now,
        new_id=lambda: uuid4().hex,
        work_bucket=settings.work_bucket,
        flow_parameter=settings.flow_parameter,
        availability=timedelta(seconds=settings.review_availability_seconds),
        timeout=timedelta(seconds=settings.review_timeout_seconds),
    )


@observed(logger, metrics)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Put a document before a person."""
    request = ReviewRequest.model_validate(event)
    name_document(logger, request.document)
    metrics.add_metric(name="ReviewsAskedFor", unit=MetricUnit.Count, value=1)
    or_fail_token(wiring().workflow, request.task_token, logger, lambda: open_review(request, wiring()))
