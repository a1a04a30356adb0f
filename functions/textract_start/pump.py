"""The line of OCR jobs moves on: while calls are short by one delayed message, and once a minute.

The minute's message has leases looked after as well: those that nobody needs are taken back, and jobs whose
end nobody told of are asked about.
"""

import json
from datetime import timedelta
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import ValidationError

from recto.admission import TEXTRACT_JOBS
from recto.aws.batches import handle_messages
from recto.aws.gates import tell_drift, textract_gate
from recto.aws.gauges import tell_leases, tell_taken_back
from recto.aws.shell import observed, settings_of, tally
from recto.errors import ConfigurationError
from recto.messages import PumpRequest
from recto.settings import TextractPumpSettings
from recto.steps.ocr_gate import Gate, Why, look_after, pump

CALLER = "recto-textract-pump"
MOST = 1000
AT_IT = timedelta(seconds=20)
logger, metrics = Logger(), Metrics()


@cache
def wiring() -> Gate:
    return textract_gate(CALLER, settings_of(TextractPumpSettings), logger)


def handle(body: str) -> None:
    try:
        request = PumpRequest.model_validate(json.loads(body))
    except (ValueError, ValidationError) as error:
        raise ConfigurationError(_fault_of(error)) from None  # the cause would quote what came
    gate = wiring()
    if request.action == "tick":
        gate.ticks.came()
    else:
        _look_after(gate)
    pumped = pump(gate, MOST, gate.clock() + AT_IT)
    tally(metrics, OcrJobsStarted=len(pumped.started), OcrJobsRefused=len(pumped.failed))
    if pumped.started or pumped.failed or pumped.why is Why.REFUSED:
        told = {"started": len(pumped.started), "failed": len(pumped.failed), "why": pumped.why}
        logger.info("pumped", extra=told)


def _fault_of(error: ValueError) -> str:
    """Where a message is wrong, without a word of it: anybody may have put it there."""
    seen = f"a message that is no JSON ({type(error).__name__})"
    if isinstance(error, ValidationError):
        seen = ", ".join(f"{each['type']} at {each['loc']}" for each in error.errors(include_input=False))
    return f"expected Action tick or recover, got {seen}"


def _look_after(gate: Gate) -> None:
    looked = look_after(gate, gate.clock() + AT_IT)
    tell_drift(TEXTRACT_JOBS, looked.drift, logger)
    tell_taken_back(len(looked.drift))
    tally(metrics, LostNotifications=len(looked.ended))
    tell_leases(TEXTRACT_JOBS, len(gate.leases.owners()), gate.limits().concurrent_jobs)
    told = {"asked": len(looked.asked), "ended": len(looked.ended), "oldest": looked.oldest.total_seconds()}
    if any(told.values()):
        logger.info("looked_after", extra=told)


@observed(logger, metrics)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Start those whose turn has come."""
    return handle_messages(event, context, handle, logger, metrics)
