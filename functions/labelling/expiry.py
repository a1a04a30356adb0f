"""Once a minute: what has run out goes back or ends, and what has stalled is pushed on."""

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities.typing import LambdaContext

from recto.aws.s3 import S3Objects
from recto.aws.shell import observed, settings_of, tally
from recto.places import Location
from recto_workbench.aws.wiring import consolidation_of, desk_of
from recto_workbench.outputs import json_bytes
from recto_workbench.settings import LabellingExpirySettings
from recto_workbench.steps.expiry import Expiry, sweep

CALLER = "recto-labelling-expiry"
logger, metrics = Logger(), Metrics()


@cache
def wiring() -> Expiry:
    settings, objects = settings_of(LabellingExpirySettings), S3Objects(CALLER)

    def write_json(place: Location, value: object) -> None:
        objects.write(place, json_bytes(value), "application/json")

    return Expiry(
        desk=desk_of(CALLER, settings, settings, settings.work_bucket),
        consolidation=consolidation_of(CALLER, settings),
        write_json=write_json,
    )


@observed(logger, metrics)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """What was done."""
    done = sweep(wiring())
    if any(done):
        logger.info("swept", extra=done._asdict())
    tally(metrics, AssignmentsExpired=done.assignments)
    return dict(done._asdict())
