"""A published document in, an audit opened: somebody looks at it who does not see what was found."""

from datetime import timedelta
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from recto.aws.dynamodb import DocumentRows, ReviewRows, Table
from recto.aws.s3 import S3Objects
from recto.aws.services import A2iHumanLoops, DeskHumanLoops, ParameterStore
from recto.aws.shell import name_document, observed, settings_of, utc_now
from recto.messages import AuditRequest
from recto.settings import AuditTriggerSettings
from recto.steps.audit import AuditTrigger, open_audit
from recto.steps.desks import Desks

CALLER = "recto-a2i-audit"
logger, metrics = Logger(), Metrics()


@cache
def wiring() -> AuditTrigger:
    settings = settings_of(AuditTriggerSettings)
    table = Table(settings.document_table, CALLER)
    return AuditTrigger(
        objects=S3Objects(CALLER),
        documents=DocumentRows(table),
        reviews=ReviewRows(table),
        desks=Desks(DeskHumanLoops(CALLER, settings.desk_function), A2iHumanLoops(CALLER)),
        parameters=ParameterStore(CALLER),
        clock=utc_now,
        work_bucket=settings.work_bucket,
        flow_parameter=settings.flow_parameter,
        availability=timedelta(seconds=settings.review_availability_seconds),
    )


@observed(logger, metrics)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Put a document before a person once more."""
    request = AuditRequest.model_validate(event)
    name_document(logger, request.document)
    audit = open_audit(request.document, wiring())
    logger.info("audit_opened" if audit else "audit_not_needed", extra={"audit_id": audit})
    metrics.add_metric(name="AuditsAskedFor", unit=MetricUnit.Count, value=int(bool(audit)))
