"""Scaling of asynchronous endpoints: to nothing while nobody asks, up by what waits, up for the first.

Two policies, as AWS advises: a target on the backlog of each instance cannot wake an endpoint that has none,
since nothing is measured there; a step of one does, when a request waits and nobody works.
Source: https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-autoscale.html
"""

from typing import Any, NamedTuple

from botocore.exceptions import ClientError
from pydantic import BaseModel, ConfigDict, Field, model_validator

from recto.aws.clients import client, errors_of
from recto.errors import ConfigurationError, RectoError
from recto_cli.endpoints import VARIANT
from recto_cli.stack import CALLER

NAMESPACE = "sagemaker"
DIMENSION = "sagemaker:variant:DesiredInstanceCount"
TARGET_POLICY, WAKE_POLICY = "backlog", "wake"
SCALE_SECONDS, WAKE_SECONDS = 300, 150
"""Pauses after a change: of both directions of the target, and of the wake-up."""
ABSENT = frozenset({"ObjectNotFoundException", "ResourceNotFound"})


class NoScalingError(ConfigurationError):
    """Application Auto Scaling does not answer here: the local runtime has none."""


NOT_SERVED: dict[str, type[RectoError]] = dict.fromkeys(
    (
        "UnknownOperationException",
        "InvalidAction",
        "NotImplemented",
        "UnrecognizedClientException",
        "400",
        "404",
    ),
    NoScalingError,
)


class Scaling(BaseModel):
    """How an endpoint may grow and shrink."""

    model_config = ConfigDict(frozen=True)

    endpoint: str
    minimum: int = Field(default=0, ge=0)
    maximum: int = Field(default=4, ge=1, le=1000)
    target: float = Field(default=5, gt=0)
    """Requests that may wait for each instance."""

    @model_validator(mode="after")
    def _ends_fit(self) -> "Scaling":
        if self.minimum > self.maximum:
            raise ValueError(f"minimum {self.minimum} is above maximum {self.maximum}")
        return self

    @property
    def _whose(self) -> dict[str, Any]:
        return {
            "ServiceNamespace": NAMESPACE,
            "ResourceId": resource_id(self.endpoint),
            "ScalableDimension": DIMENSION,
        }

    def limits_request(self) -> dict[str, Any]:
        """RegisterScalableTarget's parameters."""
        return {**self._whose, "MinCapacity": self.minimum, "MaxCapacity": self.maximum}

    def target_request(self) -> dict[str, Any]:
        """PutScalingPolicy's parameters: so many requests for each instance."""
        metric = _metric("ApproximateBacklogSizePerInstance", self.endpoint)
        config = {
            "TargetValue": float(self.target),
            "CustomizedMetricSpecification": metric | {"Statistic": "Average"},
            "ScaleInCooldown": SCALE_SECONDS,
            "ScaleOutCooldown": SCALE_SECONDS,
        }
        return {
            **self._whose,
            "PolicyName": policy_name(self.endpoint, TARGET_POLICY),
            "PolicyType": "TargetTrackingScaling",
            "TargetTrackingScalingPolicyConfiguration": config,
        }

    def wake_request(self) -> dict[str, Any]:
        """PutScalingPolicy's parameters: one instance more."""
        config = {
            "AdjustmentType": "ChangeInCapacity",
            "MetricAggregationType": "Average",
            "Cooldown": WAKE_SECONDS,
            "StepAdjustments": [{"MetricIntervalLowerBound": 0.0, "ScalingAdjustment": 1}],
        }
        return {
            **self._whose,
            "PolicyName": policy_name(self.endpoint, WAKE_POLICY),
            "PolicyType": "StepScaling",
            "StepScalingPolicyConfiguration": config,
        }

    def alarm_request(self, policy_arn: str) -> dict[str, Any]:
        """PutMetricAlarm's parameters: it rings when requests wait and no instance is there."""
        return {
            "AlarmName": policy_name(self.endpoint, WAKE_POLICY),
            "AlarmDescription": f"Requests wait and endpoint {self.endpoint} has no instance: wakes it",
            **_metric("HasBacklogWithoutCapacity", self.endpoint),
            "Statistic": "Average",
            "Period": 60,
            "EvaluationPeriods": 2,
            "DatapointsToAlarm": 2,
            "Threshold": 1.0,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            "TreatMissingData": "missing",
            "AlarmActions": [policy_arn],
        }


def requests(scaling: Scaling) -> list[dict[str, Any]]:
    """Operations with their parameters, in order."""
    return [
        {"Operation": "RegisterScalableTarget", "Parameters": scaling.limits_request()},
        {"Operation": "PutScalingPolicy", "Parameters": scaling.target_request()},
        {"Operation": "PutScalingPolicy", "Parameters": scaling.wake_request()},
        {"Operation": "PutMetricAlarm", "Parameters": scaling.alarm_request("ARN of the policy above")},
    ]


class Known(NamedTuple):
    """An endpoint's scaling as it is."""

    endpoint: str
    minimum: int
    maximum: int
    policies: tuple[str, ...]


def resource_id(endpoint: str) -> str:
    return f"endpoint/{endpoint}/variant/{VARIANT}"


def policy_name(endpoint: str, what: str) -> str:
    return f"{endpoint}-{what}"


def _metric(name: str, endpoint: str) -> dict[str, Any]:
    return {
        "MetricName": name,
        "Namespace": "AWS/SageMaker",
        "Dimensions": [{"Name": "EndpointName", "Value": endpoint}],
    }


def apply_scaling(scaling: Scaling) -> None:
    """Set limits and both policies; again with other numbers, they are replaced."""
    auto, watch = client("application-autoscaling", CALLER), client("cloudwatch", CALLER)
    refused = {"ValidationException": ConfigurationError, "ObjectNotFoundException": ConfigurationError}
    with errors_of(f"scaling of endpoint {scaling.endpoint}", refused):
        auto.register_scalable_target(**scaling.limits_request())
        auto.put_scaling_policy(**scaling.target_request())
        made = auto.put_scaling_policy(**scaling.wake_request())
        watch.put_metric_alarm(**scaling.alarm_request(made["PolicyARN"]))


def known_scaling(project: str, endpoint: str = "") -> list[Known]:
    """What is set for the project's endpoints, or for one."""
    auto = client("application-autoscaling", CALLER)
    only = {"ResourceIds": [resource_id(endpoint)]} if endpoint else {}
    with errors_of("scaling, of which the local runtime has none: DescribeScalableTargets", NOT_SERVED):
        pages = auto.get_paginator("describe_scalable_targets").paginate(
            ServiceNamespace=NAMESPACE, ScalableDimension=DIMENSION, **only
        )
        targets = [target for page in pages for target in page["ScalableTargets"]]
        ours = [each for each in targets if _endpoint_of(each).startswith(f"{project}-")]
        return [_known(auto, each) for each in sorted(ours, key=_endpoint_of)]


def _known(auto: Any, target: dict[str, Any]) -> Known:
    found = auto.describe_scaling_policies(
        ServiceNamespace=NAMESPACE, ResourceId=target["ResourceId"], ScalableDimension=DIMENSION
    )
    names = sorted(policy["PolicyName"] for policy in found["ScalingPolicies"])
    return Known(_endpoint_of(target), target["MinCapacity"], target["MaxCapacity"], tuple(names))


def _endpoint_of(target: dict[str, Any]) -> str:
    return str(target["ResourceId"]).split("/")[1]


def remove_scaling(project: str, endpoint: str) -> list[str]:
    """Take alarm, policies and limits away, whichever are there; what was removed."""
    auto = client("application-autoscaling", CALLER)
    removed: list[str] = []
    for known in known_scaling(project, endpoint):
        whose = {
            "ServiceNamespace": NAMESPACE,
            "ResourceId": resource_id(endpoint),
            "ScalableDimension": DIMENSION,
        }
        with errors_of(f"scaling of endpoint {endpoint}"):
            client("cloudwatch", CALLER).delete_alarms(AlarmNames=[policy_name(endpoint, WAKE_POLICY)])
            for policy in known.policies:
                auto.delete_scaling_policy(PolicyName=policy, **whose)
                removed.append(f"policy {policy}")
            _deregister(auto, whose)
        removed.append(f"limits {known.minimum} to {known.maximum}")
    return removed


def _deregister(auto: Any, whose: dict[str, Any]) -> None:
    try:
        auto.deregister_scalable_target(**whose)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ABSENT:
            raise
