"""Textract's notifications in, waiting states called back. A message that fails comes back alone."""

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from recto.aws.batches import handle_messages
from recto.aws.gates import textract_gate
from recto.aws.shell import names_of, observed, settings_of, tally
from recto.settings import TextractCallbackSettings
from recto.steps.ocr_gate import Gate, pump
from recto.steps.ocr_job import STARTED_BY_END, hear_of_end, notification_of

CALLER = "recto-textract-callback"
logger, metrics = Logger(), Metrics()


@cache
def wiring() -> Gate:
    return textract_gate(CALLER, settings_of(TextractCallbackSettings), logger)


def handle(body: str) -> None:
    """Tell who waits for the job, then start others in its place."""
    notification, gate = notification_of(body), wiring()
    row = hear_of_end(notification, gate, lambda row: logger.append_keys(**names_of(row)))
    logger.info("ocr_ended", extra={"status": notification.Status})
    if row.started and not row.ended:
        took = (gate.clock() - row.started).total_seconds()
        metrics.add_metric(name="OcrSeconds", unit=MetricUnit.Seconds, value=took)
    pumped = pump(gate, STARTED_BY_END)
    tally(metrics, OcrJobsStarted=len(pumped.started), OcrJobsRefused=len(pumped.failed))


@observed(logger, metrics)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Call back the states that wait for these OCR jobs."""
    return handle_messages(event, context, handle, logger, metrics)
