"""Messages of answered objects in, labels out; and the output manifest once nothing is left."""

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities.typing import LambdaContext

from recto.aws.batches import handle_messages
from recto.aws.shell import observed, settings_of
from recto_workbench.aws.wiring import consolidation_of
from recto_workbench.messages import LabellingMessage
from recto_workbench.settings import LabellingConsolidateSettings
from recto_workbench.steps.consolidation import Consolidation, work_off

logger, metrics = Logger(), Metrics()


@cache
def wiring() -> Consolidation:
    return consolidation_of("recto-labelling-consolidate", settings_of(LabellingConsolidateSettings))


def handle(body: str) -> None:
    message = LabellingMessage.model_validate_json(body)
    outcome = work_off(message, wiring())
    known = {"job": message.job, "kind": message.kind, "number": message.number}
    logger.info("message_taken", extra={**known, "outcome": outcome.partition(":")[0]})


@observed(logger, metrics)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Each message by itself; one that fails comes back alone."""
    return handle_messages(event, context, handle, logger, metrics)
