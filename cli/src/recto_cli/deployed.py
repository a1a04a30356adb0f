"""What a deployment is made of: every resource of its stack, as CloudFormation lists them."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from recto.aws.clients import client, errors_of
from recto.errors import ConfigurationError
from recto_cli.stack import CALLER, Stack


class Resource(NamedTuple):
    """One resource of the stack."""

    logical: str
    """As in template.yaml, or as SAM derives it (`IntakeFunctionMessages`)."""
    kind: str
    name: str
    """What its service calls it: a queue's URL, a function's name, a topic's ARN."""


class Resources:
    """The resources of one stack, by their names in the template."""

    def __init__(self, found: Iterable[Resource]) -> None:
        self._found: Mapping[str, Resource] = {resource.logical: resource for resource in found}

    def __contains__(self, logical: str) -> bool:
        return logical in self._found

    def name(self, logical: str) -> str:
        """What the service calls it; ConfigurationError where the stack has none."""
        if logical not in self._found:
            raise ConfigurationError(
                f"the stack has no {logical}: it is older or newer than this command; deploy it again"
            )
        return self._found[logical].name

    def of_kind(self, kind: str) -> dict[str, str]:
        """Their services' names by logical name."""
        return {each.logical: each.name for each in self._found.values() if each.kind == kind}


def resources_of(stack: Stack) -> Resources:
    """All resources of the project's stack."""
    name = stack.name("static/StackName")
    pages = client("cloudformation", CALLER).get_paginator("list_stack_resources")
    with errors_of(f"ListStackResources {name}"):
        found = [each for page in pages.paginate(StackName=name) for each in page["StackResourceSummaries"]]
    return Resources(
        Resource(each["LogicalResourceId"], each["ResourceType"], each.get("PhysicalResourceId", ""))
        for each in found
    )
