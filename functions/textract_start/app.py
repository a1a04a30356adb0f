"""A document in, its OCR job in line; its end calls the task token back."""

from datetime import timedelta
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from recto.aws.dynamodb import DocumentRows, Table
from recto.aws.gates import textract_gate
from recto.aws.shell import name_document, observed, or_fail_token, settings_of
from recto.messages import TextractStartRequest
from recto.settings import TextractStartSettings
from recto.steps.ocr_job import OcrStart, start_ocr

CALLER = "recto-textract-start"
logger, metrics = Logger(), Metrics()


@cache
def wiring() -> OcrStart:
    settings = settings_of(TextractStartSettings)
    return OcrStart(
        gate=textract_gate(CALLER, settings, logger),
        documents=DocumentRows(Table(settings.document_table, CALLER)),
        default_features=tuple(filter(None, settings.default_textract_features.split(","))),
        keep_row=timedelta(days=settings.job_row_days),
    )


@observed(logger, metrics)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Let the OCR of a document wait for its turn, and start whose turn it is."""
    request = TextractStartRequest.model_validate(event)
    name_document(logger, request.document)
    metrics.add_metric(name="OcrJobsAskedFor", unit=MetricUnit.Count, value=1)
    step = wiring()
    or_fail_token(step.gate.workflow, request.task_token, logger, lambda: start_ocr(request, step))
