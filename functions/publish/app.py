"""The end of a document: result, row and event, or the failure's row and event."""

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from recto.aws.dynamodb import DocumentRows, Table
from recto.aws.s3 import S3Objects
from recto.aws.services import EventBridgeEvents
from recto.aws.shell import name_document, settings_of, utc_now
from recto.messages import PublishRequest
from recto.settings import PublishSettings
from recto.steps.publish import Publish, publish

CALLER = "recto-publish"
logger, metrics = Logger(), Metrics()


@cache
def wiring() -> Publish:
    settings = settings_of(PublishSettings)
    return Publish(
        objects=S3Objects(CALLER),
        documents=DocumentRows(Table(settings.document_table, CALLER)),
        events=EventBridgeEvents(CALLER, settings.event_bus, settings.project_id),
        clock=utc_now,
        work_bucket=settings.work_bucket,
        audit_share=settings.audit_share,
    )


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Close a document, well or not."""
    request = PublishRequest.model_validate(event)
    name_document(logger, request.document)
    response = publish(request, wiring())
    logger.info("document_closed", extra={"status": response.status})
    metrics.add_metric(name=f"Documents{response.status.title()}", unit=MetricUnit.Count, value=1)
    return response.dump()
