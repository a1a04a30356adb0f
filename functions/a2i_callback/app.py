"""Reviewers' answers in, waiting states called back. A message that cannot be handled comes back alone."""

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from recto.aws.batches import handle_messages
from recto.aws.dynamodb import AuditRows, DocumentRows, ReviewRows, Table
from recto.aws.s3 import S3Objects
from recto.aws.services import DeskQueue, EventExecutions, StepFunctionsWorkflow
from recto.aws.shell import names_of, observed, settings_of, utc_now
from recto.settings import ReviewCallbackSettings
from recto.steps.audit import AuditCallback, AuditOutcome
from recto.steps.intake import uploads_of
from recto.steps.review import ReviewCallback, take_answer

CALLER = "recto-a2i-callback"
logger, metrics = Logger(), Metrics()


@cache
def wiring() -> ReviewCallback:
    settings = settings_of(ReviewCallbackSettings)
    table = Table(settings.document_table, CALLER)
    objects, documents, reviews = S3Objects(CALLER), DocumentRows(table), ReviewRows(table)
    return ReviewCallback(
        objects=objects,
        documents=documents,
        reviews=reviews,
        workflow=StepFunctionsWorkflow(CALLER),
        work_bucket=settings.work_bucket,
        clock=utc_now,
        desk=DeskQueue(CALLER, settings.desk_queue_url),
        audits=AuditCallback(
            objects=objects,
            documents=documents,
            reviews=reviews,
            audits=AuditRows(table),
            events=EventExecutions(CALLER, settings.event_state_machine_arn),
            clock=utc_now,
            work_bucket=settings.work_bucket,
            window=settings.audit_window,
            drift_level=settings.audit_drift_level,
        ),
    )


def handle(body: str) -> None:
    for upload in uploads_of(body):
        answered = take_answer(upload.source, wiring(), lambda review: logger.append_keys(**names_of(review)))
        log = logger.warning if answered.cause else logger.info
        told = {"review_id": answered.review_id, "outcome": answered.outcome}
        log("review_answered", extra=told | ({"cause": answered.cause} if answered.cause else {}))
        if answered.outcome in ("taken", "rejected"):
            metrics.add_metric(name="ReviewSeconds", unit=MetricUnit.Seconds, value=answered.seconds)
        if answered.audit:
            count(answered.audit)


def count(audit: AuditOutcome) -> None:
    """What was audited, and whether calibration still fits; an answer that comes twice is counted once."""
    if not audit.is_new:
        return
    metrics.add_metric(name="AuditedValues", unit=MetricUnit.Count, value=audit.num_values)
    metrics.add_metric(name="AuditedErrors", unit=MetricUnit.Count, value=audit.errors)
    metrics.add_metric(name="AuditExcessError", unit=MetricUnit.NoUnit, value=audit.lately.excess)
    metrics.add_metric(name="AuditDrift", unit=MetricUnit.NoUnit, value=int(audit.has_drifted))
    log = logger.warning if audit.has_drifted else logger.info
    log(
        "audit_completed",
        extra={"errors": audit.errors, "values": audit.num_values, "tail": audit.lately.tail},
    )


@observed(logger, metrics)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Hand reviewers' answers to the pipeline."""
    return handle_messages(event, context, handle, logger, metrics)
