"""How it goes: what failed, what stands still, who is told."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from botocore.exceptions import ClientError

from recto.aws.admission import SlotLeases
from recto.messages import Status
from recto.places import execution_name
from recto.ports import DocumentRow
from recto.steps.desks import WORKBENCH
from recto_cli.checkups.findings import (
    Deployment,
    Finding,
    asking,
    is_missing,
    ok,
    or_ok,
    problem,
    remark,
)
from recto_cli.dead_letter_queues import QUEUES, Letters
from recto_cli.labelling.teams import Role, people_of

STALE = timedelta(minutes=20)
"""The recovery of each minute sees to documents after 15 minutes."""
JUST_ENDED = timedelta(minutes=5)
LOOKED_AT = 200


def dead_letters(deployment: Deployment) -> Iterator[Finding]:
    yield from or_ok("dead letters", "all queues are empty", _filled(deployment))


def _filled(deployment: Deployment) -> Iterator[Finding]:
    for queue in QUEUES:
        if queue.name not in deployment.resources:
            told = f"{queue.name} is not there: the stack is older than this command"
            yield problem("dead letters", told, "deploy the stack again")
            continue
        with asking(f"GetQueueAttributes {queue.name}"):
            count = Letters(queue, deployment.resources).count()
        if count:
            told = f"{count} in {queue.name}: {queue.about}"
            yield problem(
                "dead letters", told, f"recto dlq show {queue.name}; recto dlq redrive {queue.name}"
            )


def alarms(deployment: Deployment) -> Iterator[Finding]:
    """None is on, and somebody hears them."""
    names = list(deployment.resources.of_kind("AWS::CloudWatch::Alarm").values())
    with asking("DescribeAlarms"):
        found = deployment.client("cloudwatch").describe_alarms(AlarmNames=names[:100])["MetricAlarms"]
    on = [alarm for alarm in found if alarm["StateValue"] == "ALARM"]
    for alarm in on:
        told = f"{alarm['AlarmName']}: {alarm.get('AlarmDescription', '')}"
        yield problem("alarms", told, alarm.get("StateReason", "") or "docs/guides/operate.md")
    for name in sorted(set(names) - {alarm["AlarmName"] for alarm in found}):
        yield problem("alarms", f"{name} is gone", "deploy the stack again")
    if not on and found:
        yield ok("alarms", f"none of {len(found)} is on")


def alarm_topic(deployment: Deployment) -> Iterator[Finding]:
    topic = deployment.parameters.get("AlarmTopicArn", "")
    if not topic:
        advice = "an SNS topic with a mail address, and AlarmTopicArn=… at the next deployment"
        yield remark("alarm topic", "none: alarms are told to nobody", advice)
        return
    try:
        with asking("ListSubscriptionsByTopic"):
            pages = deployment.client("sns").get_paginator("list_subscriptions_by_topic")
            found = [s for page in pages.paginate(TopicArn=topic) for s in page["Subscriptions"]]
    except ClientError as error:
        if not is_missing(error):
            raise
        yield problem("alarm topic", f"{topic} does not exist", "AlarmTopicArn of one that does")
        return
    confirmed = [s for s in found if s["SubscriptionArn"].startswith("arn:")]
    if confirmed:
        yield ok("alarm topic", f"{len(confirmed)} confirmed subscription(s)")
    else:
        waiting = f", {len(found)} not confirmed yet" if found else ""
        advice = "aws sns subscribe …, then the link in the mail that comes"
        yield problem("alarm topic", f"nobody hears {topic}{waiting}", advice)


def logs(deployment: Deployment) -> Iterator[Finding]:
    yield from or_ok("logs", "every log group has a retention", _endless_logs(deployment))


def _endless_logs(deployment: Deployment) -> Iterator[Finding]:
    service = deployment.client("logs")
    for logical, name in deployment.resources.of_kind("AWS::Logs::LogGroup").items():
        with asking(f"DescribeLogGroups {name}"):
            found = service.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
        group = next((each for each in found if each["logGroupName"] == name), None)
        if group is None:
            yield problem("logs", f"{name} ({logical}) is gone", "deploy the stack again")
        elif "retentionInDays" not in group:
            yield problem("logs", f"{name} keeps its lines forever", "deploy the stack again")


def reviewers(deployment: Deployment) -> Iterator[Finding]:
    """Somebody can answer what waits at the workbench."""
    if deployment.stack.name("config/HumanReviewFlowArn").strip() != WORKBENCH:
        yield ok("reviewers", "Amazon A2I's: its work team knows them")
        return
    with asking("ListUsersInGroup"):
        members = people_of(deployment.stack).members(Role.REVIEWER.group)
    if members:
        yield ok("reviewers", f"{len(members)}")
    else:
        advice = "recto review setup workbench --reviewer somebody@example.org"
        yield problem("reviewers", "nobody may review: documents would wait until they expire", advice)


# ---- what stands still


def leases(deployment: Deployment) -> Iterator[Finding]:
    """Every slot is held by a document that runs."""
    with asking("GetItem"):
        held = SlotLeases(deployment.stack.table).owners()
    stale = [
        owner
        for owner, expires in held.items()
        if expires < datetime.now(UTC) or not _runs(owner, deployment)
    ]
    if stale:
        told = (
            f"{len(stale)} of {len(held)} slot(s) held by documents that do not run: {', '.join(stale[:3])}"
        )
        advice = "the minute's schedule takes them back, if it runs: recto dlq show dispatch"
        yield problem("slots", told, advice)
    else:
        yield ok("slots", f"{len(held)} held, each by a document that runs")


def _runs(owner: str, deployment: Deployment) -> bool:
    """Owners are executions, a document with its attempt; what has just ended gives its slot back soon."""
    document, _, attempt = owner.rpartition("-")
    row = deployment.stack.documents.find(document)
    if row is None:
        return False
    is_at_work = row.status in (Status.RUNNING, Status.WAITING) and str(row.attempt) == attempt
    return is_at_work or datetime.now(UTC) - row.updated < JUST_ENDED


def waiting(deployment: Deployment) -> Iterator[Finding]:
    """The queue moves: nothing waits for long while slots are free."""
    with asking("Query"):
        rows = deployment.stack.documents.with_status(Status.WAITING, LOOKED_AT)
        held = len(SlotLeases(deployment.stack.table).owners())
    slots = int(deployment.parameters.get("MaxRunningDocuments") or 0)
    old = [row for row in rows if datetime.now(UTC) - row.updated > STALE]
    if old and held < slots:
        since = f"{min(row.updated for row in old):%Y-%m-%d %H:%M}"
        told = f"{len(old)} document(s) wait since {since} UTC, {held} of {slots} slots are held"
        yield problem("waiting documents", told, "is a release named? recto dlq show dispatch; its log")
    else:
        yield ok("waiting documents", f"{len(rows)}{' or more' if len(rows) == LOOKED_AT else ''}")


def executions(deployment: Deployment) -> Iterator[Finding]:
    """Every running document has an execution that runs."""
    with asking("Query"):
        rows = deployment.stack.documents.with_status(Status.RUNNING, LOOKED_AT)
    old = [row for row in rows if datetime.now(UTC) - row.updated > STALE]
    lost = [row for row in old if not _has_execution(row, deployment)]
    if lost:
        named = ", ".join(row.document_id[:8] for row in lost[:5])
        told = f"{len(lost)} document(s) are RUNNING without an execution: {named}"
        yield problem("executions", told, "the minute's schedule starts them again, if it runs")
    else:
        yield ok("executions", f"{len(rows)} document(s) run")


def _has_execution(row: DocumentRow, deployment: Deployment) -> bool:
    machine = deployment.stack.name("static/PipelineStateMachine")
    arn = f"{machine.replace(':stateMachine:', ':execution:')}:{execution_name(row.document_id, row.attempt)}"
    try:
        with asking("DescribeExecution"):
            status = deployment.client("stepfunctions").describe_execution(executionArn=arn)["status"]
    except ClientError:
        return False
    return bool(status == "RUNNING")
