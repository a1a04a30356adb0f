"""Workers' answers in, labels out: for jobs of Ground Truth and of the workbench."""

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from recto.aws.roles import RoleObjects
from recto.aws.s3 import S3Objects
from recto.aws.shell import observed, settings_of
from recto.consolidation import Rules
from recto.label_images import Painted, bytes_of, merged
from recto.settings import SmgtPostSettings
from recto.steps.labelling import Consolidator, ImageMerger, answer_of, consolidated

CALLER = "recto-smgt-post"
logger, metrics = Logger(), Metrics()


@cache
def wiring() -> Consolidator:
    return Consolidator(
        objects=S3Objects(CALLER),
        as_role=RoleObjects(CALLER),
        rules=Rules(min_agreement=settings_of(SmgtPostSettings).min_agreement),
        images=ImageMerger(bytes_of, Painted, merged),
    )


@observed(logger, metrics)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> list[dict[str, Any]]:
    """Make labels of workers' answers."""
    metrics.add_metric(name="ConsolidationsAskedFor", unit=MetricUnit.Count, value=1)
    results = consolidated(event, wiring())
    failed = [one.object_id for one in results if one.failure]
    logger.info("objects_consolidated", extra={"objects": len(results), "failed": failed})
    metrics.add_metric(name="ObjectsConsolidated", unit=MetricUnit.Count, value=len(results) - len(failed))
    metrics.add_metric(name="ObjectsNotConsolidated", unit=MetricUnit.Count, value=len(failed))
    return answer_of(results)
