"""An object to be labelled in, its task out: for jobs of Ground Truth and of the workbench."""

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from recto.aws.s3 import S3Objects
from recto.aws.shell import observed, settings_of
from recto.settings import SmgtPreSettings
from recto.steps.labelling import TaskMaker, make_task

CALLER = "recto-smgt-pre"
logger, metrics = Logger(), Metrics()


@cache
def wiring() -> TaskMaker:
    return TaskMaker(S3Objects(CALLER), settings_of(SmgtPreSettings).max_text_bytes)


@observed(logger, metrics)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Make a task of an object."""
    metrics.add_metric(name="TasksAskedFor", unit=MetricUnit.Count, value=1)
    task = make_task(event, wiring())
    is_needed = task["isHumanAnnotationRequired"]
    metrics.add_metric(name="TasksWithoutContent", unit=MetricUnit.Count, value=int(not is_needed))
    return task
