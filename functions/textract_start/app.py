"""A document in, an OCR job started; its end calls the task token back."""

from datetime import timedelta
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from recto.aws.dynamodb import JobRows, Table
from recto.aws.services import StepFunctionsWorkflow
from recto.aws.shell import name_document, or_fail_token, settings_of, utc_now
from recto.aws.textract import TextractOcr
from recto.messages import TextractStartRequest
from recto.settings import TextractStartSettings
from recto.steps.ocr_job import OcrStart, start_ocr

CALLER = "recto-textract-start"
logger, metrics = Logger(), Metrics()


@cache
def wiring() -> OcrStart:
    settings = settings_of(TextractStartSettings)
    return OcrStart(
        ocr=TextractOcr(CALLER, settings.notification_topic_arn, settings.notification_role_arn),
        jobs=JobRows(Table(settings.document_table, CALLER)),
        workflow=StepFunctionsWorkflow(CALLER),
        clock=utc_now,
        default_features=tuple(filter(None, settings.default_textract_features.split(","))),
        keep_row=timedelta(days=settings.job_row_days),
    )


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Start the OCR of a document."""
    request = TextractStartRequest.model_validate(event)
    name_document(logger, request.document)
    metrics.add_metric(name="OcrJobsAskedFor", unit=MetricUnit.Count, value=1)
    or_fail_token(wiring().workflow, request.task_token, logger, lambda: start_ocr(request, wiring()))
