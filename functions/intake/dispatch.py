"""Slots in, slots out: after an intake, when a document gives its slot back, and once a minute."""

from datetime import timedelta
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities.typing import LambdaContext

from recto.admission import DOCUMENTS
from recto.aws import metering
from recto.aws.admission import LimitItem, SlotLeases
from recto.aws.backfills import BackfillRows
from recto.aws.budgets import budget_of, tell_budget
from recto.aws.dynamodb import DocumentRows, Table
from recto.aws.gates import gate_watch, tell_drift
from recto.aws.gauges import tell_gauges, tell_leases, tell_taken_back
from recto.aws.quotas import ServiceQuotas
from recto.aws.s3 import S3Objects
from recto.aws.services import EventExecutions, ParameterStore, StepFunctionsWorkflow
from recto.aws.shell import names_of, observed, settings_of, tally, utc_now
from recto.messages import DispatchRequest
from recto.ports import DocumentRow
from recto.settings import DispatchSettings
from recto.steps.backfill import go_on, pause, settle
from recto.steps.budget import Budget
from recto.steps.dispatch import Dispatch, dispatch
from recto.steps.gauges import read_gauges
from recto.steps.ocr_engine import OcrParameters
from recto.steps.ocr_gate import Drift, refresh_limits

CALLER = "recto-dispatch"
GRACE = timedelta(minutes=5)
logger, metrics = Logger(), Metrics()


@cache
def budget() -> Budget:
    settings = settings_of(DispatchSettings)
    return budget_of(settings.monthly_budget_usd, Table(settings.document_table, CALLER))


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
        events=EventExecutions(CALLER, settings.event_state_machine_arn),
        clock=utc_now,
        work_bucket=settings.work_bucket,
        release_parameter=settings.release_parameter,
        max_running=settings.max_running_documents,
        lease=timedelta(seconds=settings.ocr_timeout_seconds + settings.model_timeout_seconds) + GRACE,
        ocr_parameters=OcrParameters(settings.ocr_engine_parameter, settings.ocr_endpoint_parameter),
        thumbnail_parameter=settings.thumbnail_endpoint_parameter,
        backfills=BackfillRows(table, utc_now),
        backfill_share=settings.backfill_share,
        backfill_allowed=budget(),
        gate=gate_watch(CALLER, table, settings.pump_queue_url),
        tell=tell,
    )


def books() -> BackfillRows:
    return BackfillRows(Table(settings_of(DispatchSettings).document_table, CALLER), utc_now)


def look_after_backfills(step: Dispatch) -> None:
    """Let those go on that the budget has room for again, and close those whose documents have ended."""
    going_on = go_on(step.backfill_allowed, books())
    done = settle(books(), step.events, step.clock)
    if going_on or done:
        logger.info("backfills_looked_after", extra={"going_on": going_on, "done": done})
    tally(metrics, BackfillsDone=len(done))


def look_at_limits() -> None:
    """Ask Service Quotas once an hour, for all who keep to Textract's limits."""
    rows = LimitItem(Table(settings_of(DispatchSettings).document_table, CALLER))
    limits = refresh_limits(ServiceQuotas(CALLER), rows, utc_now())
    if limits:
        source = "Service Quotas" if any(limits.model_dump().values()) else "none"
        logger.info("quotas_looked_at", extra={"quotas_from": source, **limits.model_dump()})


@observed(logger, metrics)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Give back what is to be given back, then start what waits."""
    request = DispatchRequest.model_validate(event)
    if request.document:  # a state of its own; starting others is a part of their cost
        metering.about(request.document.document_id, request.document.attempt, "release")
    step = wiring()
    if request.action == "recover" and not request.execution:
        look_after_backfills(step)
    try:
        response = dispatch(request, step)
    finally:  # that nothing could be started is when the gauges matter most
        if request.action == "recover" and not (request.execution or request.include_reviews):
            gauge(step)
    if request.action == "recover":
        look_at_limits()
        tell_budget(budget(), metrics)
    if response.backfill_paused:
        pause(response.backfill_paused, books())
    tell_drift(DOCUMENTS, tuple(Drift(owner, "slot taken back") for owner in response.reaped), logger)
    tell_taken_back(len(response.reaped))
    return response.dump()


def tell(what: str, row: DocumentRow, error: str) -> None:
    """One line for each document that something became of."""
    failed = {"error": error} if error else {}
    log = logger.warning if error else logger.info
    log(what, extra={**names_of(row), "attempt": row.attempt, **failed})
    tally(
        metrics,
        DocumentsStarted=int(what == "document_started"),
        DocumentsRestarted=int(what == "document_restarted"),
        StartsRefused=int(what == "document_not_started"),
        DocumentsFailed=int(what == "document_given_up"),
    )


def gauge(step: Dispatch) -> None:
    """How full and how old everything is, after this round."""
    tell_gauges(read_gauges(step.documents, step.clock), metrics)
    tell_leases(DOCUMENTS, len(step.slots.owners()), step.max_running)
