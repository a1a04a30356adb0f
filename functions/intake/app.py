"""Messages of uploads in, rows out. A message that cannot be handled comes back alone."""

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from recto.aws.batches import handle_messages
from recto.aws.dynamodb import DocumentRows, Table
from recto.aws.s3 import S3Objects
from recto.aws.services import EventExecutions, LambdaFunctions
from recto.aws.shell import names_of, observed, settings_of, utc_now
from recto.messages import DispatchRequest
from recto.settings import IntakeSettings
from recto.steps.intake import Intake, take_in, uploads_of

CALLER = "recto-intake"
logger, metrics = Logger(), Metrics()


@cache
def wiring() -> tuple[Intake, LambdaFunctions, str]:
    settings = settings_of(IntakeSettings)
    intake = Intake(
        objects=S3Objects(CALLER),
        documents=DocumentRows(Table(settings.document_table, CALLER)),
        events=EventExecutions(CALLER, settings.event_state_machine_arn),
        clock=utc_now,
        max_bytes=settings.max_document_bytes,
        inbox=settings.inbox_bucket,
    )
    return intake, LambdaFunctions(CALLER), settings.dispatch_function


def handle(body: str) -> None:
    intake, _, _ = wiring()
    for upload in uploads_of(body):
        logger.append_keys(document_id=upload.document_id)
        row = take_in(upload, intake)
        if row is None:
            logger.info("upload_known_already")
            continue
        logger.append_keys(**names_of(row))
        if row.correlation_refusal:
            logger.warning("correlation_id_refused", extra={"reason": row.correlation_refusal})
        logger.info(
            "document_taken_in",
            extra={"status": row.status} | ({"error": row.error} if row.error else {}),
        )
        metrics.add_metric(name=f"Documents{row.status.title()}", unit=MetricUnit.Count, value=1)


@observed(logger, metrics)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Take uploads in, then let `dispatch` start what has a free slot."""
    answer = handle_messages(event, context, handle, logger, metrics)
    _, functions, dispatch = wiring()
    functions.invoke_later(dispatch, DispatchRequest().dump())
    return answer
