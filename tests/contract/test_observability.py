"""Dashboard and alarms name what is really reported: by our code, or by AWS."""

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

import pytest
import yaml

from tests.contract.metrics import Reported, reported
from tests.contract.template import ROOT, functions, resources, template

OURS = "Recto/${ProjectId}"
GUIDE = "docs/guides/observe.md"
PSEUDO = {"AWS::Region", "AWS::AccountId", "AWS::Partition"}
LAMBDA = {"Invocations", "Errors", "Throttles", "Duration", "ConcurrentExecutions", "DeadLetterErrors"}
OF_AWS: dict[str, tuple[set[str], set[frozenset[str]]]] = {
    "AWS/Lambda": (LAMBDA, {frozenset(), frozenset({"FunctionName"})}),
    "AWS/SQS": (
        {
            "ApproximateAgeOfOldestMessage", "ApproximateNumberOfMessagesDelayed",
            "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesVisible",
            "NumberOfMessagesSent", "NumberOfMessagesReceived", "NumberOfMessagesDeleted",
        },
        {frozenset({"QueueName"})},
    ),
    "AWS/States": (
        {
            "ExecutionTime", "ExecutionThrottled", "ExecutionsAborted", "ExecutionsFailed",
            "ExecutionsStarted", "ExecutionsSucceeded", "ExecutionsTimedOut",
        },
        {frozenset({"StateMachineArn"})},
    ),
    "AWS/Textract": (
        {"ResponseTime", "ServerErrorCount", "SuccessfulRequestCount", "ThrottledCount", "UserErrorCount"},
        {frozenset({"Operation"})},
    ),
}  # fmt: skip
"""By namespace: metrics and sets of dimensions, as the services' guides list them."""
TEXTRACT = {f"{verb}Document{what}" for verb in ("Start", "Get") for what in ("TextDetection", "Analysis")}


class Used(NamedTuple):
    """A metric that somebody looks at."""

    where: str
    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]


@cache
def dashboard_text() -> str:
    content: dict[str, Any] = yaml.safe_load((ROOT / "dashboard.yaml").read_text())
    return str(content["Fn::Sub"])


def widgets() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(dashboard_text())["widgets"]
    return found


def alarms() -> dict[str, dict[str, Any]]:
    return resources("AWS::CloudWatch::Alarm")


def text_of(value: Any) -> str:
    """`!Sub text`, `!GetAtt X.Y` or `!Ref X` as Fn::Sub writes them."""
    if not isinstance(value, dict):
        return str(value)
    [(kind, inner)] = value.items()
    return str(inner) if kind == "Sub" else f"${{{inner}}}"


def looked_at_by_alarms() -> Iterator[Used]:
    for name, alarm in alarms().items():
        entries = [each["MetricStat"]["Metric"] for each in alarm.get("Metrics", ()) if "MetricStat" in each]
        for metric in entries or [alarm]:
            pairs = tuple((each["Name"], text_of(each["Value"])) for each in metric.get("Dimensions", ()))
            yield Used(name, text_of(metric["Namespace"]), metric["MetricName"], pairs)


def looked_at_by_dashboard() -> Iterator[Used]:
    for widget in widgets():
        where = widget["properties"].get("title", "")
        for metric in widget["properties"].get("metrics", ()):
            namespace, name, *pairs = [each for each in metric if isinstance(each, str)]
            yield Used(where, namespace, name, tuple(zip(pairs[::2], pairs[1::2], strict=True)))


USED = [*looked_at_by_alarms(), *looked_at_by_dashboard()]
OWN = [used for used in USED if used.namespace == OURS]
OTHERS = [used for used in USED if used.namespace != OURS]


@pytest.mark.parametrize("used", OWN, ids=lambda used: f"{used.where}-{used.name}")
def test_a_metric_of_ours_is_one_that_a_function_reports(used: Used) -> None:
    dimensions = dict(used.dimensions)

    wanted = Reported(used.name, dimensions.pop("service"), frozenset(dimensions))

    assert wanted in reported()


@pytest.mark.parametrize("used", OTHERS, ids=lambda used: f"{used.where}-{used.name}")
def test_a_metric_of_aws_is_one_that_the_service_reports_of_something_of_ours(used: Used) -> None:
    names, dimensions = OF_AWS[used.namespace]
    ours = {function["FunctionName"]["Sub"] for function in functions().values()}
    queues = {f"${{{name}.QueueName}}" for name in resources("AWS::SQS::Queue")}
    machines = {f"${{{name}}}" for name in resources("AWS::Serverless::StateMachine")}
    values = {"FunctionName": ours, "QueueName": queues, "StateMachineArn": machines, "Operation": TEXTRACT}

    assert used.name in names
    assert frozenset(name for name, _ in used.dimensions) in dimensions
    assert all(value in values[name] for name, value in used.dimensions)


@pytest.mark.parametrize("name", ["Errors", "ConcurrentExecutions"])
def test_the_dashboard_shows_every_function_by_its_whole_name(name: str) -> None:
    """A search for the beginning of a name in double quotes finds nothing: they mean the whole."""
    shown = {value for used in looked_at_by_dashboard() if used.name == name for _, value in used.dimensions}

    assert shown == {function["FunctionName"]["Sub"] for function in functions().values()}


def test_a_queue_is_stalled_also_while_the_newest_minute_has_no_point_yet() -> None:
    alarm = alarms()["QueueStalledAlarm"]
    (expression,) = [each["Expression"] for each in alarm["Metrics"] if "Expression" in each]

    assert "FILL(waiting" not in expression, "a minute without a point must count as missing, not as empty"
    assert "FILL(started, 0)" in expression, "none started is not reported"
    assert alarm["DatapointsToAlarm"] < alarm["EvaluationPeriods"]


def test_drift_is_watched_of_every_function_that_reports_it() -> None:
    watched = {
        value
        for used in looked_at_by_alarms()
        if used.name == "AdmissionDrift"
        for _, value in used.dimensions
    }

    assert watched == {each.service for each in reported() if each.name == "AdmissionDrift"}


def test_the_dashboard_names_what_the_template_has_and_fits_its_grid() -> None:
    known = {*template()["Resources"], *template()["Parameters"], *PSEUDO}

    named = {name.partition(".")[0] for name in re.findall(r"\$\{([\w:.]+)\}", dashboard_text())}

    assert named <= known
    assert len(dashboard_text()) < 400_000
    places = [(each["x"], each["y"]) for each in widgets()]
    assert len(set(places)) == len(places)
    assert all(each["x"] + each["width"] <= 24 for each in widgets())


def test_log_widgets_read_logs_that_are_there_for_lines_that_are_written() -> None:
    groups = {body["LogGroupName"]["Sub"] for body in resources("AWS::Logs::LogGroup").values()}
    code = "".join(
        path.read_text(encoding="utf-8")
        for folder in ("functions", "layers/recto/src")
        for path in (ROOT / folder).rglob("*.py")
    )
    queries = [each["properties"]["query"] for each in widgets() if each["type"] == "log"]

    assert queries
    for query in queries:
        assert set(re.findall(r"SOURCE '([^']+)'", query)) <= groups
        for message in re.findall(r"'(\w+)'", query.partition(" in [")[2].partition("]")[0]):
            assert f'"{message}"' in code, message


def test_all_alarms_that_are_always_there_are_on_the_dashboard() -> None:
    [shown] = [each["properties"]["alarms"] for each in widgets() if each["type"] == "alarm"]

    always = {name for name in alarms() if "Condition" not in template()["Resources"][name]}
    assert set(shown) == {f"${{{name}.Arn}}" for name in always}


@pytest.mark.parametrize("name", sorted(alarms()))
def test_an_alarm_says_what_to_do_and_what_silence_means(name: str) -> None:
    alarm = alarms()[name]

    place = re.search(r"\((docs/guides/\w+\.md)(?:#([\w-]+))?\)$", alarm["AlarmDescription"])

    assert place, alarm["AlarmDescription"]
    titles = re.findall(r"^#+ (.*)$", (ROOT / place[1]).read_text(encoding="utf-8"), re.MULTILINE)
    headings = {re.sub(r"[^\w-]", "", title.lower().replace(" ", "-")) for title in titles}
    assert not place[2] or place[2] in headings
    assert len(alarm["AlarmDescription"]) <= 1024
    assert alarm["AlarmName"]["Sub"].startswith("${ProjectId}-")
    assert alarm["TreatMissingData"] in ("notBreaching", "ignore")
    assert alarm["AlarmActions"] == alarm["OKActions"]
    assert len(alarm.get("Metrics", ())) <= 11  # ten metrics and their sum


def test_alarms_are_few_enough_to_be_paid_for() -> None:
    """0.10 USD a month for each metric that an alarm looks at."""
    num_metrics = len([*looked_at_by_alarms()])

    assert len(alarms()) <= 15
    assert num_metrics <= 25


def test_every_queue_of_failures_has_an_alarm_and_a_line_on_the_dashboard() -> None:
    failures = {name for name, body in resources("AWS::SQS::Queue").items() if "RedrivePolicy" not in body}
    expected = {f"${{{name}.QueueName}}" for name in failures}

    for found in (looked_at_by_alarms(), looked_at_by_dashboard()):
        assert expected <= {value for used in found for _, value in used.dimensions}


def test_the_guide_explains_every_metric() -> None:
    guide = (ROOT / GUIDE).read_text(encoding="utf-8")

    unexplained = {each.name for each in reported() if f"`{each.name}`" not in guide}

    assert not unexplained
