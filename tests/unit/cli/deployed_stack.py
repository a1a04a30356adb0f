"""Resources of a stack made in moto without CloudFormation, which moto cannot do here; and who lists them."""

from collections.abc import Iterator, Mapping
from typing import Any, Self

import boto3
import pytest

from recto_cli import deployed
from recto_cli.checkups import findings
from recto_cli.deployed import Resource
from recto_cli.stack import Stack, read_stack
from tests.contract.template import resources
from tests.unit.cli.conftest import PROJECT

STACK = "recto-test-stack"


class CloudFormation:
    """The operations that are used, with answers of the service's shape."""

    def __init__(self, found: list[Resource]) -> None:
        self.found = found

    def get_paginator(self, operation: str) -> Self:
        assert operation == "list_stack_resources"
        return self

    def paginate(self, StackName: str) -> Iterator[Mapping[str, Any]]:  # noqa: N803
        assert StackName == STACK
        for each in self.found:
            summary = {"LogicalResourceId": each.logical, "ResourceType": each.kind}
            yield {"StackResourceSummaries": [{**summary, "PhysicalResourceId": each.name}]}

    def describe_stacks(self, StackName: str) -> Mapping[str, Any]:  # noqa: N803
        assert StackName == STACK
        return {"Stacks": [{"StackName": STACK, "StackStatus": "UPDATE_COMPLETE", "Parameters": []}]}


def list_resources(found: list[Resource], monkeypatch: pytest.MonkeyPatch) -> Stack:
    """A stack whose resources these are."""
    real, fake = deployed.client, CloudFormation(found)

    def client(service: str, caller: str) -> Any:
        return fake if service == "cloudformation" else real(service, caller)

    for module in (deployed, findings):
        monkeypatch.setattr(module, "client", client)
    boto3.client("ssm").put_parameter(Name=f"/{PROJECT}/static/StackName", Value=STACK, Type="String")
    return read_stack(PROJECT)


def make_queues() -> list[Resource]:
    """All queues of the template."""
    sqs = boto3.client("sqs")
    urls = {
        name: sqs.create_queue(QueueName=f"{STACK}-{name}-X1")["QueueUrl"]
        for name in resources("AWS::SQS::Queue")
    }
    return [Resource(name, "AWS::SQS::Queue", url) for name, url in urls.items()]
