"""One item of a backfill in, a document in the line of its backfill out; called by the backfill's map."""

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from recto.aws.backfills import BackfillRows, MapRuns
from recto.aws.dynamodb import DocumentRows, Table
from recto.aws.s3 import S3Objects
from recto.aws.services import EventExecutions, LambdaFunctions
from recto.aws.shell import names_of, observed, settings_of, utc_now
from recto.messages import BackfillRequest
from recto.settings import BackfillSettings
from recto.steps.backfill import Backfill, backfill
from recto.steps.intake import Intake

CALLER = "recto-backfill"
logger, metrics = Logger(), Metrics()


@cache
def wiring() -> Backfill:
    settings = settings_of(BackfillSettings)
    table = Table(settings.document_table, CALLER)
    intake = Intake(
        objects=S3Objects(CALLER),
        documents=DocumentRows(table),
        events=EventExecutions(CALLER, settings.event_state_machine_arn),
        clock=utc_now,
        max_bytes=settings.max_document_bytes,
    )
    return Backfill(
        intake=intake,
        backfills=BackfillRows(table, utc_now),
        runs=MapRuns(CALLER),
        functions=LambdaFunctions(CALLER),
        dispatch_function=settings.dispatch_function,
        found=lambda row: logger.append_keys(**names_of(row)),
    )


@observed(logger, metrics)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take an item in, or note that all are."""
    request = BackfillRequest.model_validate(event)
    response = backfill(request, wiring())
    told = {"backfill_id": request.backfill_id, "outcome": response.outcome}
    failed = {"error": response.failure.Error} if response.failure else {}
    logger.info("backfill_item", extra={**told, "item": request.index, **failed})
    metrics.add_metric(
        name=f"Backfill{response.outcome.title().replace('-', '')}", unit=MetricUnit.Count, value=1
    )
    return response.dump()
