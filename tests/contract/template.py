"""The template and the state machines as plain values; CloudFormation's short tags are one-key objects."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]


class _Loader(yaml.SafeLoader):
    """Reads `!Ref X` as {"Ref": "X"} and the like."""


def _tag(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    return {suffix: value}


_Loader.add_multi_constructor("!", _tag)


@cache
def template() -> dict[str, Any]:
    return yaml.load((ROOT / "template.yaml").read_text(), _Loader)  # noqa: S506 - a SafeLoader


def resources(kind: str) -> dict[str, dict[str, Any]]:
    """Properties by logical id."""
    found = template()["Resources"].items()
    return {name: body.get("Properties", {}) for name, body in found if body["Type"] == kind}


def functions() -> dict[str, dict[str, Any]]:
    return resources("AWS::Serverless::Function")


def environment_of(function: dict[str, Any]) -> dict[str, Any]:
    """A function's own variables and those of Globals, without powertools' and OpenTelemetry's own."""
    shared = template()["Globals"]["Function"]["Environment"]["Variables"]
    variables = {**shared, **function["Environment"]["Variables"]}
    others = ("POWERTOOLS_", "OTEL_", "AWS_LAMBDA_EXEC_WRAPPER")
    return {name: value for name, value in variables.items() if not name.startswith(others)}


def statements_of(function: dict[str, Any]) -> list[dict[str, Any]]:
    return [statement for policy in function["Policies"] for statement in policy["Statement"]]


@cache
def asl_text(name: str) -> str:
    return (ROOT / "statemachine" / f"{name}.asl.json").read_text()


@cache
def asl(name: str) -> dict[str, Any]:
    """The definition; placeholders that stand for numbers read as 1."""
    return json.loads(re.sub(r": \$\{(\w+)\}", ": 1", asl_text(name)))


def states(machine: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """All states, those of branches and maps too."""
    found: dict[str, dict[str, Any]] = {}
    for name, state in machine["States"].items():
        found[name] = state
        inner = [*state.get("Branches", []), *([state["ItemProcessor"]] if "ItemProcessor" in state else [])]
        for part in inner:
            found.update(states(part))
    return found
