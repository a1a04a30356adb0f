"""What `recto doctor` expects of a deployment is what template.yaml makes."""

from typing import Any

from recto_cli.checkups import limits, plumbing
from tests.contract.template import resources, template

URL = "https://workbench.example.org"
NAMES = {"ExposedHeaders": "ExposeHeaders", "Id": "ID", "MaxAge": "MaxAgeSeconds"}
"""CloudFormation's words for CORS rules, in S3's own."""


def s3_rule(rule: dict[str, Any]) -> dict[str, Any]:
    """A rule as S3 says it, with the workbench's address put in."""
    plain = {NAMES.get(name, name): value for name, value in rule.items()}
    plain["AllowedOrigins"] = [URL if isinstance(each, dict) else each for each in plain["AllowedOrigins"]]
    return plain


def test_cors_rules_are_those_of_the_template() -> None:
    buckets = resources("AWS::S3::Bucket")

    for logical in ("InboxBucket", "WorkBucket"):
        rules = [s3_rule(rule) for rule in buckets[logical]["CorsConfiguration"]["CorsRules"]]
        assert plumbing.cors_rules(logical, URL) == rules


def test_subscriptions_are_those_of_the_template() -> None:
    found = {
        logical: (body["TopicArn"]["Ref"], body["Endpoint"]["GetAtt"].removesuffix(".Arn"))
        for logical, body in resources("AWS::SNS::Subscription").items()
    }

    assert dict(plumbing.SUBSCRIPTIONS) == found


def test_buckets_that_tell_of_objects_are_those_of_the_template() -> None:
    telling = {
        logical
        for logical, body in resources("AWS::S3::Bucket").items()
        if "EventBridgeConfiguration" in body.get("NotificationConfiguration", {})
    }

    assert set(plumbing.TELLING_BUCKETS) == telling


def test_quotas_are_compared_with_parameters_that_there_are() -> None:
    assert {*limits.TEXTRACT.values(), "MaxRunningDocuments", "AlarmTopicArn"} <= set(
        template()["Parameters"]
    )
