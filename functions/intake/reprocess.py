"""An operator's request in, a document that waits for a new attempt out; then `dispatch` starts it."""

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from recto.aws.admission import SlotLeases
from recto.aws.backfills import BackfillRows
from recto.aws.dynamodb import DocumentRows, ReviewRows, Table
from recto.aws.s3 import S3Objects
from recto.aws.services import (
    A2iHumanLoops,
    DeskHumanLoops,
    LambdaFunctions,
    ParameterStore,
    StepFunctionsWorkflow,
)
from recto.aws.shell import names_of, observed, settings_of, utc_now
from recto.messages import DispatchRequest, ReprocessRequest
from recto.settings import ReprocessSettings
from recto.steps.desks import Desks
from recto.steps.reprocess import Reprocess, reprocess

CALLER = "recto-reprocess"
logger, metrics = Logger(), Metrics()


@cache
def wiring() -> tuple[Reprocess, LambdaFunctions, str]:
    settings = settings_of(ReprocessSettings)
    table = Table(settings.document_table, CALLER)
    step = Reprocess(
        documents=DocumentRows(table),
        slots=SlotLeases(table),
        reviews=ReviewRows(table),
        objects=S3Objects(CALLER),
        workflow=StepFunctionsWorkflow(CALLER, settings.state_machine_arn),
        desks=Desks(DeskHumanLoops(CALLER, settings.desk_function), A2iHumanLoops(CALLER)),
        parameters=ParameterStore(CALLER),
        clock=utc_now,
        work_bucket=settings.work_bucket,
        release_parameter=settings.release_parameter,
        backfills=BackfillRows(table, utc_now),
    )
    return step, LambdaFunctions(CALLER), settings.dispatch_function


@observed(logger, metrics)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Let a document wait for a new attempt, then let `dispatch` start what has a free slot."""
    request = ReprocessRequest.model_validate(event)
    step, functions, dispatch = wiring()
    logger.append_keys(document_id=request.document_id)
    if row := step.documents.find(request.document_id):
        logger.append_keys(**names_of(row))
    response = reprocess(request, step)
    done = {"attempt": response.attempt, "from": response.from_, "release": response.release}
    logger.info("document_reprocessed", extra={**done, "operator": request.operator})
    metrics.add_metric(name="DocumentsReprocessed", unit=MetricUnit.Count, value=1)
    functions.invoke_later(dispatch, DispatchRequest().dump())
    return response.dump()
