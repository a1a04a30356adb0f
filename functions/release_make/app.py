"""A changed parameter in, a release out: made and in use, or refused by name with all left as it was."""

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from recto.aws.s3 import S3Objects
from recto.aws.sagemaker import SageMakerEndpoints
from recto.aws.services import EventExecutions, ParameterStore
from recto.aws.shell import observed, settings_of, utc_now
from recto.messages import ParameterChange
from recto.settings import ReleaseMakeSettings
from recto.steps.follow_parameter import FollowParameter, follow_parameter
from recto.steps.make_release import ReleaseMaker

CALLER = "recto-release-make"
logger, metrics = Logger(), Metrics()


@cache
def wiring() -> FollowParameter:
    settings, objects = settings_of(ReleaseMakeSettings), S3Objects(CALLER)
    return FollowParameter(
        maker=ReleaseMaker(
            objects=objects,
            copies=objects,
            parameters=ParameterStore(CALLER),
            clock=utc_now,
            work_bucket=settings.work_bucket,
            release_parameter=settings.release_parameter,
        ),
        events=EventExecutions(CALLER, settings.event_state_machine_arn),
        fields_parameter=settings.fields_parameter,
        endpoint_parameter=settings.endpoint_parameter,
        endpoints=SageMakerEndpoints(CALLER),
        topic=settings.notification_topic_arn,
        project=settings.project_id,
    )


@observed(logger, metrics)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Make the parameter's new value take effect for the next document, or say why not."""
    change = ParameterChange.model_validate(event)
    response = follow_parameter(change, wiring())
    logger.info("parameter_followed", extra={"parameter": change.name, **response.dump()})
    metrics.add_metric(
        name="ReleasesRefused", unit=MetricUnit.Count, value=int(response.outcome == "refused")
    )
    return response.dump()
