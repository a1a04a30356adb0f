"""Scaling of endpoints, by botocore's stubs: what is set is the services' own and can be removed."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from recto.errors import ConfigurationError
from recto_cli import autoscaling
from recto_cli.autoscaling import Known, Scaling
from recto_local.standins.shapes import checked, operation_model

NAME = "recto-test-words"
WHOSE = {
    "ServiceNamespace": "sagemaker",
    "ResourceId": f"endpoint/{NAME}/variant/AllTraffic",
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
}
POLICY_ARN = "arn:aws:autoscaling:us-east-1:111122223333:scalingPolicy:1"
TARGET = {
    **WHOSE, "MinCapacity": 0, "MaxCapacity": 4, "RoleARN": "arn:aws:iam::111122223333:role/r",
    "CreationTime": "2026-11-21T00:00:00Z",
}  # fmt: skip


class Stubs:
    """Both services, which answer what a test says and nothing else."""

    def __init__(self) -> None:
        names = ("application-autoscaling", "cloudwatch")
        options = {"region_name": "us-east-1", "aws_access_key_id": "x", "aws_secret_access_key": "x"}
        self.clients = {name: boto3.client(name, **options) for name in names}
        self.scaling, self.alarms = (Stubber(self.clients[name]) for name in names)


@pytest.fixture
def stubs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubs]:
    made = Stubs()
    monkeypatch.setattr(autoscaling, "client", lambda service, _: made.clients[service])
    with made.scaling, made.alarms:
        yield made
    made.scaling.assert_no_pending_responses()
    made.alarms.assert_no_pending_responses()


def test_two_policies_and_an_alarm_are_set_within_limits(stubs: Stubs) -> None:
    scaling = Scaling(endpoint=NAME)
    answer = {"PolicyARN": POLICY_ARN, "Alarms": []}
    stubs.scaling.add_response("register_scalable_target", {}, {**WHOSE, "MinCapacity": 0, "MaxCapacity": 4})
    stubs.scaling.add_response("put_scaling_policy", answer, scaling.target_request())
    stubs.scaling.add_response("put_scaling_policy", answer, scaling.wake_request())
    stubs.alarms.add_response("put_metric_alarm", {}, scaling.alarm_request(POLICY_ARN))

    autoscaling.apply_scaling(scaling)


def test_the_target_is_five_waiting_requests_for_each_instance_with_pauses_of_five_minutes() -> None:
    config = Scaling(endpoint=NAME).target_request()["TargetTrackingScalingPolicyConfiguration"]

    assert config["TargetValue"] == 5
    assert (config["ScaleInCooldown"], config["ScaleOutCooldown"]) == (300, 300)
    metric = config["CustomizedMetricSpecification"]
    assert (metric["MetricName"], metric["Namespace"]) == (
        "ApproximateBacklogSizePerInstance",
        "AWS/SageMaker",
    )
    assert metric["Dimensions"] == [{"Name": "EndpointName", "Value": NAME}]


def test_one_request_wakes_an_endpoint_without_instances() -> None:
    scaling = Scaling(endpoint=NAME)

    step = scaling.wake_request()["StepScalingPolicyConfiguration"]
    alarm = scaling.alarm_request(POLICY_ARN)

    assert step["Cooldown"] == 150
    assert step["StepAdjustments"] == [{"MetricIntervalLowerBound": 0.0, "ScalingAdjustment": 1}]
    assert (alarm["MetricName"], alarm["Threshold"]) == ("HasBacklogWithoutCapacity", 1)
    assert alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"
    assert alarm["AlarmActions"] == [POLICY_ARN]


@pytest.mark.parametrize("operation", range(3))
def test_every_request_is_one_that_the_services_model_allows(operation: int) -> None:
    told = autoscaling.requests(Scaling(endpoint=NAME, maximum=7, target=2))[operation]
    model = operation_model("application-autoscaling", told["Operation"])
    assert model

    assert checked(model, told["Parameters"]) == told["Parameters"]


@pytest.mark.parametrize(
    "numbers", [{"minimum": 5, "maximum": 4}, {"maximum": 0}, {"target": 0}, {"minimum": -1}]
)
def test_limits_that_cannot_be_are_refused(numbers: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"minimum|greater"):
        Scaling(endpoint=NAME, **numbers)


def expect_listing(stubs: Stubs, targets: list[dict[str, Any]], **only: Any) -> None:
    stubs.scaling.add_response(
        "describe_scalable_targets",
        {"ScalableTargets": targets},
        {"ServiceNamespace": "sagemaker", "ScalableDimension": WHOSE["ScalableDimension"], **only},
    )


def expect_policies(stubs: Stubs, *names: str) -> None:
    policies = [
        {**WHOSE, "PolicyName": name, "PolicyARN": POLICY_ARN, "PolicyType": "StepScaling",
         "CreationTime": "2026-11-21T00:00:00Z"}
        for name in names
    ]  # fmt: skip
    stubs.scaling.add_response("describe_scaling_policies", {"ScalingPolicies": policies}, WHOSE)


def test_what_is_set_is_listed_without_other_projects(stubs: Stubs) -> None:
    another = {**TARGET, "ResourceId": "endpoint/another-words/variant/AllTraffic"}
    expect_listing(stubs, [another, TARGET])
    expect_policies(stubs, f"{NAME}-backlog", f"{NAME}-wake")

    assert autoscaling.known_scaling("recto-test") == [Known(NAME, 0, 4, (f"{NAME}-backlog", f"{NAME}-wake"))]


def test_alarm_policies_and_limits_are_removed(stubs: Stubs) -> None:
    expect_listing(stubs, [TARGET], ResourceIds=[WHOSE["ResourceId"]])
    expect_policies(stubs, f"{NAME}-backlog", f"{NAME}-wake")
    stubs.alarms.add_response("delete_alarms", {}, {"AlarmNames": [f"{NAME}-wake"]})
    for policy in ("backlog", "wake"):
        stubs.scaling.add_response("delete_scaling_policy", {}, {**WHOSE, "PolicyName": f"{NAME}-{policy}"})
    stubs.scaling.add_response("deregister_scalable_target", {}, WHOSE)

    removed = autoscaling.remove_scaling("recto-test", NAME)

    assert removed == [f"policy {NAME}-backlog", f"policy {NAME}-wake", "limits 0 to 4"]


def test_an_endpoint_without_scaling_has_nothing_to_remove(stubs: Stubs) -> None:
    expect_listing(stubs, [], ResourceIds=[WHOSE["ResourceId"]])

    assert autoscaling.remove_scaling("recto-test", NAME) == []


def test_an_endpoint_that_sagemaker_does_not_know_is_told_by_name(stubs: Stubs) -> None:
    stubs.scaling.add_client_error("register_scalable_target", "ValidationException", "No such endpoint")

    with pytest.raises(ConfigurationError, match=f"{NAME}: ValidationException: No such endpoint"):
        autoscaling.apply_scaling(Scaling(endpoint=NAME))


def test_a_place_without_application_auto_scaling_is_told_by_name(stubs: Stubs) -> None:
    stubs.scaling.add_client_error("describe_scalable_targets", "UnknownOperationException", "not here")

    with pytest.raises(autoscaling.NoScalingError):
        autoscaling.known_scaling("recto-test")
