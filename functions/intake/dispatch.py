"""Slots in, slots out: after an intake, when a document gives its slot back, and once a minute."""

from datetime import timedelta
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from recto.aws.dynamodb import DocumentRows, SlotLeases, Table
from recto.aws.s3 import S3Objects
from recto.aws.services import EventBridgeEvents, ParameterStore, StepFunctionsWorkflow
from recto.aws.shell import settings_of, utc_now
from recto.messages import DispatchRequest
from recto.settings import DispatchSettings
from recto.steps.dispatch import Dispatch, dispatch
from recto.steps.ocr_engine import OcrParameters

CALLER = "recto-dispatch"
GRACE = timedelta(minutes=5)
logger, metrics = Logger(), Metrics()


@cache
def wiring() -> Dispatch:
    settings = settings_of(DispatchSettings)
    table = Table(settings.document_table, CALLER)
    return Dispatch(
        documents=DocumentRows(table),
        slots=SlotLeases(table),
        workflow=StepFunctionsWorkflow(CALLER, settings.state_machine_arn),
        objects=S3Objects(CALLER),
        parameters=ParameterStore(CALLER),
        events=EventBridgeEvents(CALLER, settings.event_bus, settings.project_id),
        clock=utc_now,
        work_bucket=settings.work_bucket,
        release_parameter=settings.release_parameter,
        max_running=settings.max_running_documents,
        lease=timedelta(seconds=settings.ocr_timeout_seconds + settings.model_timeout_seconds) + GRACE,
        ocr_parameters=OcrParameters(settings.ocr_engine_parameter, settings.ocr_endpoint_parameter),
        thumbnail_parameter=settings.thumbnail_endpoint_parameter,
    )


@logger.inject_lambda_context
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Give back what is to be given back, then start what waits."""
    request = DispatchRequest.model_validate(event)
    response = dispatch(request, wiring())
    logger.info("dispatched", extra={"action": request.action, **response.dump()})
    metrics.add_metric(name="DocumentsStarted", unit=MetricUnit.Count, value=len(response.started))
    metrics.add_metric(name="StartsRefused", unit=MetricUnit.Count, value=len(response.refused))
    return response.dump()
