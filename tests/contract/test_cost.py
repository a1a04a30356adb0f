"""The stack's cost at rest is computed from the template as it is: who adds an alarm sees it here."""

from decimal import Decimal
from functools import cache

import pytest

from recto.cost import Unit
from recto.errors import ConfigurationError
from recto.prices import prices_of
from recto_cli.cost_idle import Template, dollars_of, idle_dollars, idle_lines, rounds_of
from tests.contract.template import ROOT, resources

PRICES = prices_of("us-east-1")
PATH = ROOT / "template.yaml"
BY_TRAFFIC = {
    "AWS::ApiGatewayV2::Api", "AWS::ApiGatewayV2::Integration", "AWS::ApiGatewayV2::Route",
    "AWS::ApiGatewayV2::Stage", "AWS::CodeBuild::Project", "AWS::Cognito::UserPool",
    "AWS::Cognito::UserPoolClient", "AWS::Cognito::UserPoolDomain", "AWS::Cognito::UserPoolGroup",
    "AWS::DynamoDB::Table", "AWS::ECR::Repository", "AWS::Events::Rule", "AWS::IAM::Policy",
    "AWS::IAM::Role", "AWS::IAM::RolePolicy", "AWS::Lambda::Permission", "AWS::Logs::LogGroup",
    "AWS::S3::Bucket", "AWS::S3::BucketPolicy", "AWS::SNS::Subscription", "AWS::SNS::Topic",
    "AWS::SNS::TopicPolicy", "AWS::SQS::Queue", "AWS::SQS::QueuePolicy", "AWS::SSM::Parameter",
    "AWS::Serverless::LayerVersion", "AWS::Serverless::StateMachine",
}  # fmt: skip
"""Kinds that cost nothing, or only what is put through them or kept in them."""
COUNTED = {
    "AWS::CloudWatch::Alarm", "AWS::CloudWatch::Dashboard", "AWS::Serverless::Function", "AWS::KMS::Key",
    "AWS::SecretsManager::Secret",
}  # fmt: skip
"""Kinds that a line is made of."""


@cache
def read() -> Template:
    return Template.read(PATH)


def template(**parameters: str) -> Template:
    return Template(read().content, parameters)


def test_an_idle_stack_costs_less_than_five_dollars_a_month() -> None:
    for parameters in ({}, {"Dashboard": "yes"}, {"MonthlyBudgetUsd": "100"}):
        lines = idle_lines(template(**parameters))

        assert Decimal(3) < idle_dollars(lines, PRICES) < Decimal(5)


def test_a_budget_adds_its_alarm_and_nothing_else() -> None:
    without, with_one = (
        idle_dollars(idle_lines(template(MonthlyBudgetUsd=budget)), PRICES) for budget in ("0", "100")
    )

    assert with_one - without == Decimal("0.10")


def test_the_guide_says_what_an_idle_stack_costs() -> None:
    guide = (ROOT / "docs/guides/cost.md").read_text(encoding="utf-8")

    dollars = [idle_dollars(idle_lines(template(MonthlyBudgetUsd=each)), PRICES) for each in ("0", "100")]

    assert "It is {:.2f} USD in us-east-1, and {:.2f} where".format(*dollars) in guide


def test_every_alarm_is_counted_with_each_metric_that_it_looks_at() -> None:
    lines = idle_lines(template(MonthlyBudgetUsd="100"))

    alarms = {line.name: line.quantity for line in lines if line.unit is Unit.ALARM_MONTH}

    assert set(alarms) == set(resources("AWS::CloudWatch::Alarm"))
    assert alarms["DeadLettersAlarm"] > 1


def test_every_schedule_and_every_polled_queue_is_counted() -> None:
    events = [
        event
        for body in resources("AWS::Serverless::Function").values()
        for event in body.get("Events", {}).values()
    ]
    lines = idle_lines(template())

    assert sum(line.unit is Unit.SQS_REQUEST for line in lines) == sum(
        event["Type"] == "SQS" for event in events
    )
    rounds = sum(line.quantity for line in lines if line.unit is Unit.SCHEDULER_INVOCATION)
    told = sum(
        rounds_of(event["Properties"]["ScheduleExpression"])
        for event in events
        if event["Type"] == "ScheduleV2"
    )
    assert rounds == told > 100_000


def test_a_dashboard_costs_nothing_within_an_accounts_three_and_says_so() -> None:
    (line,) = (line for line in idle_lines(template(Dashboard="yes")) if line.unit is Unit.DASHBOARD_MONTH)

    assert dollars_of(line, PRICES) == 0
    assert "3.00" in line.note


def test_parameters_change_what_is_made() -> None:
    without = idle_lines(template(Dashboard="no"))

    assert not any(line.unit is Unit.DASHBOARD_MONTH for line in without)
    assert not any(line.name == "BudgetUsedAlarm" for line in without)


def test_every_kind_of_resource_is_known_to_cost_something_or_not() -> None:
    """A new kind must be thought about: by its mere being there, or by what it does?"""
    kinds = {body["Type"] for body in template().content["Resources"].values()}

    assert kinds <= BY_TRAFFIC | COUNTED


def test_a_schedule_that_cannot_be_counted_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"cron\(0 1 \* \* \? \*\)"):
        rounds_of("cron(0 1 * * ? *)")
