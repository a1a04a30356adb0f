"""The end of a document: result, row and event, or the failure's row and event; then its account."""

import os
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from recto.aws import metering
from recto.aws.backfills import BackfillRows
from recto.aws.dynamodb import DocumentRows, Table
from recto.aws.ledger import Ending, close_account
from recto.aws.s3 import S3Objects
from recto.aws.services import EventExecutions
from recto.aws.shell import name_document, observed, settings_of, utc_now
from recto.cost import Prices, cost_of
from recto.messages import DocumentRef, PublishRequest, PublishResponse
from recto.prices import known_regions, prices_of
from recto.settings import PublishSettings
from recto.steps.publish import Publish, publish

CALLER = "recto-publish"
logger, metrics = Logger(), Metrics()


@cache
def wiring() -> Publish:
    settings = settings_of(PublishSettings)
    return Publish(
        objects=S3Objects(CALLER),
        documents=DocumentRows(table()),
        events=EventExecutions(CALLER, settings.event_state_machine_arn),
        clock=utc_now,
        work_bucket=settings.work_bucket,
        audit_share=settings.audit_share,
        backfills=BackfillRows(table(), utc_now),
    )


@cache
def table() -> Table:
    return Table(settings_of(PublishSettings).document_table, CALLER)


@cache
def prices() -> Prices | None:
    """The region's, where they come with Recto."""
    region = os.environ.get("AWS_REGION", "")
    return prices_of(region) if region in known_regions() else None


def settle(document: DocumentRef, response: PublishResponse, context: LambdaContext) -> None:
    """Add what this attempt used to the day's ledger; tell its cost, and how long the document took."""
    row = wiring().documents.find(document.document_id)
    ending = Ending(
        document_id=document.document_id,
        attempt=document.attempt,
        lane=row.lane if row else "live",
        failure=response.failure.Error if response.failure else "",
        is_audited=response.audit,
    )
    (own,) = metering.rows_so_far(context)
    uses = close_account(ending, own, table(), utc_now())
    if uses and (known := prices()):
        dollars = float(cost_of(uses, known).dollars)
        metrics.add_metric(name="DocumentDollars", unit=MetricUnit.NoUnit, value=dollars)
    if row and document.attempt == 1:
        seconds = (utc_now() - row.received).total_seconds()
        metrics.add_metric(name="DocumentSeconds", unit=MetricUnit.Seconds, value=seconds)


@observed(logger, metrics)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Close a document, well or not."""
    request = PublishRequest.model_validate(event)
    name_document(logger, request.document)
    response = publish(request, wiring())
    failed = {"error": response.failure.Error} if response.failure else {}
    logger.info("document_closed", extra={"status": response.status, **failed})
    metrics.add_metric(name=f"Documents{response.status.title()}", unit=MetricUnit.Count, value=1)
    with metering.never_failing(logger):
        settle(request.document, response, context)
    return response.dump()
