"""What the whole stack costs in a month in which nothing happens, read from its template.

Every resource that is charged for by its mere being there is a line: alarms (for each metric they look at),
schedules with the calls they make, queues that Lambda polls, keys, secrets, dashboards. No free tier is taken
off, but one: three dashboards of an account cost nothing, for good; the line says what a fourth would.
"""

import math
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from recto.cost import SECONDS_PER_MONTH, Prices, Unit
from recto.errors import ConfigurationError

Values = Mapping[str, Any]
SECONDS = {"minute": 60, "hour": 3600, "day": 86400}
RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
ROUND_SECONDS = Decimal("0.15")
"""Of a function that finds nothing to do: 0.03 s of a processor (0.1 s at 512 MB), and ten calls."""
ROUND_READS = Decimal(5)
"""DynamoDB read units of such a round."""
ROUND_LOG_GB = Decimal("0.0000009")
"""Of such a round: Lambda's own lines, and what the function says."""
POLLERS, LONG_POLL_SECONDS = 5, 20
"""Lambda asks an empty queue with five long polls at a time, and says so in its guide."""
IMAGES_GB, OBJECTS_GB = Decimal(0), Decimal("0.6")
"""No image is built before somebody asks for one; layers as deployed, and a release."""


class IdleLine(NamedTuple):
    """What is charged, how much of it, for what."""

    name: str
    unit: Unit
    quantity: Decimal
    note: str
    is_free: bool = False
    """Within an allowance that does not end."""


class _Loader(yaml.SafeLoader):
    """Reads CloudFormation's short tags as one-key objects."""


def _tagged(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        return {suffix: loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {suffix: loader.construct_sequence(node, deep=True)}
    if isinstance(node, yaml.MappingNode):
        return {suffix: loader.construct_mapping(node, deep=True)}
    raise TypeError(f"expected a scalar, a sequence or a mapping, got {type(node).__name__}")


_Loader.add_multi_constructor("!", _tagged)


class Template:
    """A template under its parameters' defaults, or under others."""

    def __init__(self, content: Values, parameters: Mapping[str, str] | None = None) -> None:
        self.content = content
        declared = content.get("Parameters", {})
        self.parameters = {name: str(body.get("Default", "")) for name, body in declared.items()}
        self.parameters |= parameters or {}

    @classmethod
    def read(cls, path: Path, parameters: Mapping[str, str] | None = None) -> "Template":
        """ConfigurationError where the file is none."""
        try:
            content = yaml.load(path.read_text(), _Loader)  # noqa: S506 - a SafeLoader
        except (OSError, yaml.YAMLError) as error:
            raise ConfigurationError(f"{path}: expected a template: {error}") from error
        if not isinstance(content, dict) or "Resources" not in content:
            raise ConfigurationError(f"{path}: expected a template with Resources")
        return cls(content, parameters)

    def resources(self, kind: str) -> Iterator[tuple[str, Values]]:
        """Names and properties of what is made under these parameters."""
        for name, body in self.content["Resources"].items():
            if body["Type"] == kind and self.holds(body.get("Condition")):
                yield name, body.get("Properties", {})

    def holds(self, condition: str | None) -> bool:
        return condition is None or self._true(self.content["Conditions"][condition])

    def _true(self, rule: Any) -> bool:
        (kind, arguments), *_ = rule.items()
        if kind == "Not":
            return not self._true(arguments[0])
        if kind in ("And", "Or"):
            return (all if kind == "And" else any)(self._true(each) for each in arguments)
        if kind == "Condition":
            return self.holds(arguments)
        left, right = (str(self.value(each)) for each in arguments)
        return left == right

    def value(self, value: Any) -> Any:
        return self.parameters.get(value["Ref"], value["Ref"]) if isinstance(value, dict) else value

    def setting(self, name: str) -> str:
        return self.parameters.get(name, "")


def idle_lines(template: Template) -> list[IdleLine]:
    """All that is charged for in a month without documents."""
    return [
        *_alarms(template),
        *_dashboards(template),
        *_schedules(template),
        *_queues(template),
        *_kept(template),
        IdleLine("objects", Unit.S3_GB_MONTH, OBJECTS_GB, "layers and functions as deployed, a release"),
    ]


def _alarms(template: Template) -> Iterator[IdleLine]:
    for name, alarm in template.resources("AWS::CloudWatch::Alarm"):
        looked_at = sum("MetricStat" in metric for metric in alarm.get("Metrics", ())) or 1
        yield IdleLine(name, Unit.ALARM_MONTH, Decimal(looked_at), "a metric looked at each")


def _dashboards(template: Template) -> Iterator[IdleLine]:
    for name, _ in template.resources("AWS::CloudWatch::Dashboard"):
        note = "one of the three that an account has for nothing; 3.00 where they are taken"
        yield IdleLine(name, Unit.DASHBOARD_MONTH, Decimal(1), note, is_free=True)


def _schedules(template: Template) -> Iterator[IdleLine]:
    shared = template.content.get("Globals", {}).get("Function", {})
    for name, function in template.resources("AWS::Serverless::Function"):
        rates = [
            event["Properties"]["ScheduleExpression"]
            for event in function.get("Events", {}).values()
            if event["Type"] in ("Schedule", "ScheduleV2")
        ]
        calls = sum((rounds_of(rate) for rate in rates), Decimal(0))
        if not calls:
            continue
        memory = Decimal(function.get("MemorySize", shared.get("MemorySize", 128)))
        note = f"{calls:,.0f} rounds"
        yield IdleLine(name, Unit.SCHEDULER_INVOCATION, calls, note)
        yield IdleLine(name, Unit.LAMBDA_REQUEST, calls, note)
        yield IdleLine(name, _gb_seconds(template), calls * ROUND_SECONDS * memory / 1024, note)
        yield IdleLine(name, Unit.DYNAMODB_READ, calls * ROUND_READS, note)
        yield IdleLine(name, Unit.LOGS_GB, calls * ROUND_LOG_GB, note)
        yield IdleLine(name, Unit.LOGS_GB_MONTH, calls * ROUND_LOG_GB * _months_of_logs(template), note)
        if _is_traced(template, function, shared):
            yield IdleLine(name, Unit.XRAY_TRACE, calls, "one a second is traced at least, so all are")


def rounds_of(expression: str) -> Decimal:
    """Calls a month of a schedule; ConfigurationError for one whose rate is not told."""
    found = RATE.fullmatch(expression)
    if not found:
        raise ConfigurationError(f"schedule {expression!r}: expected rate(NUMBER minutes|hours|days)")
    return SECONDS_PER_MONTH / (int(found[1]) * SECONDS[found[2]])


def _gb_seconds(template: Template) -> Unit:
    is_x86 = template.setting("Architecture") == "x86_64"
    return Unit.LAMBDA_GB_SECOND_X86 if is_x86 else Unit.LAMBDA_GB_SECOND


def _months_of_logs(template: Template) -> Decimal:
    return Decimal(template.setting("LogRetentionDays") or 30) / 30


def _is_traced(template: Template, function: Values, shared: Values) -> bool:
    tracing = function.get("Tracing", shared.get("Tracing"))
    return bool(template.value(tracing) == "Active") if tracing else False


def _queues(template: Template) -> Iterator[IdleLine]:
    polls = math.ceil(POLLERS * SECONDS_PER_MONTH / LONG_POLL_SECONDS)
    for name, function in template.resources("AWS::Serverless::Function"):
        for event, body in function.get("Events", {}).items():
            if body["Type"] == "SQS":
                note = "an empty queue is polled all the same"
                yield IdleLine(f"{name}{event}", Unit.SQS_REQUEST, Decimal(polls), note)


def _kept(template: Template) -> Iterator[IdleLine]:
    for kind, unit in (
        ("AWS::KMS::Key", Unit.KEY_MONTH),
        ("AWS::SecretsManager::Secret", Unit.SECRET_MONTH),
    ):
        for name, _ in template.resources(kind):
            yield IdleLine(name, unit, Decimal(1), "by the month")
    for name, _ in template.resources("AWS::ECR::Repository"):
        yield IdleLine(name, Unit.ECR_GB_MONTH, IMAGES_GB, "empty until an image is built")


def dollars_of(line: IdleLine, prices: Prices) -> Decimal:
    return Decimal(0) if line.is_free else line.quantity * prices.of(line.unit).of_one


def idle_dollars(lines: list[IdleLine], prices: Prices) -> Decimal:
    return sum((dollars_of(line, prices) for line in lines), Decimal(0))
