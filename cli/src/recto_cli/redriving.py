"""Messages out of dead-letter queues, back to where they were to go. None is deleted before it has arrived.

A copy is sent or a function is called, and only then the message is deleted: what breaks off in between
leaves it where it is, and may bring it twice, which everything behind these queues is made for.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, Protocol

from botocore.exceptions import ClientError

from recto.aws.clients import client, code_of, errors_of
from recto.errors import RectoError
from recto.messages import FINAL_STATUSES, Status
from recto.places import digest
from recto_cli.dead_letter_queues import DeadLetterQueue, DeadMessage, Letters
from recto_cli.dead_messages import LANDED, Rows, Told, content_of, failed_call, tell
from recto_cli.deployed import Resources
from recto_cli.stack import CALLER
from recto_workbench.messages import TO_INTAKE

OF_EVENTBRIDGE = frozenset(
    {
        "RULE_ARN", "TARGET_ARN", "ERROR_CODE", "ERROR_MESSAGE", "EXHAUSTED_RETRY_CONDITION",
        "RETRY_ATTEMPTS", "SCHEDULE_ARN", "EXECUTION_TIME", LANDED,
    }
)  # fmt: skip
"""Attributes that tell of a failure; they stay behind."""


class ToQueue(NamedTuple):
    """The queue it was to be read from."""

    name: str
    url: str

    def __str__(self) -> str:
        return f"sent to {self.name}"


class ToFunction(NamedTuple):
    """The function that was to be called, and with what."""

    name: str
    payload: Any

    def __str__(self) -> str:
        return f"called {self.name}"


class ToStateMachine(NamedTuple):
    """The machine whose execution failed, and what it was given."""

    name: str
    arn: str
    execution: str
    """Another name than before, the same for two letters of the same execution: that is told once."""
    input: str

    def __str__(self) -> str:
        return f"started {self.name}"


class Nowhere(NamedTuple):
    """Why nobody knows where it was to go."""

    why: str


Sent = ToQueue | ToFunction | ToStateMachine
Route = Sent | Nowhere


class Carrier(Protocol):
    """What brings messages to queues, functions and machines, and knows how rules change events."""

    def send(self, url: str, body: str, attributes: Mapping[str, Any]) -> None: ...

    def call(self, function: str, payload: Any) -> None: ...

    def start(self, machine_arn: str, execution: str, body: str) -> None: ...

    def targets(self, rule_arn: str) -> list[Mapping[str, Any]]: ...


class AwsCarrier:
    """SQS, Lambda, Step Functions and EventBridge."""

    def __init__(self) -> None:
        self._sqs = client("sqs", CALLER)
        self._lambda = client("lambda", CALLER)
        self._states = client("stepfunctions", CALLER)
        self._events = client("events", CALLER)

    def send(self, url: str, body: str, attributes: Mapping[str, Any]) -> None:
        with errors_of(f"SendMessage {url}"):
            self._sqs.send_message(QueueUrl=url, MessageBody=body, MessageAttributes=dict(attributes))

    def call(self, function: str, payload: Any) -> None:
        """Asynchronously, as before: Lambda tries again, and what fails ends where it did."""
        with errors_of(f"Invoke {function}"):
            self._lambda.invoke(
                FunctionName=function, InvocationType="Event", Payload=json.dumps(payload).encode()
            )

    def start(self, machine_arn: str, execution: str, body: str) -> None:
        with errors_of(f"StartExecution {execution}"):
            try:
                self._states.start_execution(stateMachineArn=machine_arn, name=execution, input=body)
            except ClientError as error:
                if code_of(error) != "ExecutionAlreadyExists":
                    raise

    def targets(self, rule_arn: str) -> list[Mapping[str, Any]]:
        bus, _, rule = rule_arn.partition(":rule/")[2].rpartition("/")
        with errors_of(f"ListTargetsByRule {rule}"):
            answer = self._events.list_targets_by_rule(Rule=rule, **({"EventBusName": bus} if bus else {}))
        return list(answer["Targets"])


def route_of(message: DeadMessage, queue: DeadLetterQueue, resources: Resources, carrier: Carrier) -> Route:
    """Where a message was to go, as Lambda, Scheduler or EventBridge say; else the queue it fell from."""
    content = content_of(message.body)
    failed = failed_call(content)
    if failed:
        called = str(failed["requestContext"]["functionArn"])
        return _function(called, failed["requestPayload"], resources)
    target = message.said("TARGET_ARN")
    if not target and content.get("source") == "aws.states":
        return _execution(content.get("detail") or {}, queue, resources)
    if message.said("SCHEDULE_ARN"):
        return _function(target, content, resources)
    if ":function:" in target:
        return _function(target, _as_the_rule_says(message, content, carrier), resources)
    return _queue(target or message.source_arn, content, queue, resources)


def _function(arn: str, payload: Any, resources: Resources) -> Route:
    """Only functions of this stack: a forged message must not call another."""
    name = (arn.split(":") + [""] * 7)[6]
    if name not in resources.of_kind("AWS::Lambda::Function").values():
        return Nowhere(f"it was for {arn or 'a function without a name'}, which is none of this stack's")
    return ToFunction(name, payload)


def _execution(detail: Mapping[str, Any], queue: DeadLetterQueue, resources: Resources) -> Route:
    """The event of an execution that failed, in a queue that it was sent to for that."""
    arns = {resources.name(name): name for name in queue.machines}
    arn, name = str(detail.get("stateMachineArn", "")), str(detail.get("name", ""))
    if arn not in arns:
        return Nowhere(f"it is of an execution of {arn or 'nobody'}, which {queue.name} is not for")
    if not detail.get("input"):
        return Nowhere(f"the execution {name} was given more than an event can say: start it by hand")
    return ToStateMachine(arns[arn], arn, f"{digest(name)}-again", str(detail["input"]))


def _queue(arn: str, content: Mapping[str, Any], queue: DeadLetterQueue, resources: Resources) -> Route:
    names = {name: resources.name(name) for name in queue.queues}
    for name, url in names.items():
        if arn and arn.rpartition(":")[2] == url.rpartition("/")[2]:
            return ToQueue(name, url)
    if len(names) == 1:
        return ToQueue(*next(iter(names.items())))
    name = _by_content(content, queue.name) if names else ""
    if name:
        return ToQueue(name, names[name])
    return Nowhere(f"nothing tells where it came from; {queue.name} is fed by {_feeders(queue)}")


def _by_content(content: Mapping[str, Any], queue: str) -> str:
    """Where a queue has two that feed it and SQS does not say which: their messages differ."""
    if queue == "ReviewDeadLetters" and content:
        return "ReviewQueue" if {"detail", "Records"} & content.keys() else "ReviewDeskQueue"
    kind = content.get("Kind") or content.get("kind")
    if queue == "LabellingDeadLetters" and kind:
        return "LabellingIntakeQueue" if kind in TO_INTAKE else "LabellingConsolidationQueue"
    if queue == "TextractDeadLetters" and content:
        return "TextractQueue" if "JobTag" in content else "TextractPumpQueue"
    return ""


def _feeders(queue: DeadLetterQueue) -> str:
    return ", ".join((*queue.queues, *queue.functions, *queue.rules, *queue.schedules, *queue.machines))


def _as_the_rule_says(message: DeadMessage, event: Mapping[str, Any], carrier: Carrier) -> Any:
    """The event as its rule gives it to the target: EventBridge keeps it as it was before."""
    for target in carrier.targets(message.said("RULE_ARN")):
        if target["Arn"] != message.said("TARGET_ARN"):
            continue
        if "InputTransformer" in target:
            return _transformed(event, target["InputTransformer"])
        if "Input" in target:
            return json.loads(target["Input"])
    return event


def _transformed(event: Mapping[str, Any], transformer: Mapping[str, Any]) -> Any:
    """EventBridge's input transformer, for JSON: `<name>` stands for a value of the event."""
    paths = transformer.get("InputPathsMap", {})

    def value(found: re.Match[str]) -> str:
        at: Any = event
        for part in paths.get(found.group(1), "").removeprefix("$.").split("."):
            at = at.get(part) if isinstance(at, Mapping) else None
        return json.dumps(at)

    return json.loads(re.sub(r"<([A-Za-z0-9_-]+)>", value, transformer["InputTemplate"]))


# ---- doing it


class Wanted(NamedTuple):
    """Which messages, and what about those that are of no use any more."""

    document_id: str = ""
    """Only those about it; empty for all."""
    limit: int = 1_000_000
    discard_ended: bool = False


class Done(NamedTuple):
    """What became of one message."""

    queue: str
    message_id: str
    told: Told
    action: str
    """In plain words: sent to, called, or why it was left."""
    is_left: bool = False
    is_failure: bool = False


class Redriving(NamedTuple):
    """One queue's messages on their way, and what that is done with."""

    letters: Letters
    resources: Resources
    rows: Rows
    carrier: Carrier


def redrive(step: Redriving, wanted: Wanted) -> Iterator[Done]:
    """One message after the other; one that cannot be sent stops no other and stays where it is.

    Not more than lie there at the beginning: one that fails again does not come round in a circle.
    """
    handled, letters = 0, step.letters
    try:
        for message in letters.messages(letters.count()):
            told = tell(message, step.rows)
            if wanted.document_id not in ("", told.document_id):
                continue
            if handled >= wanted.limit:
                return
            handled += 1
            yield _one(message, told, step, wanted)
    finally:
        letters.give_back()


def _one(message: DeadMessage, told: Told, step: Redriving, wanted: Wanted) -> Done:
    letters = step.letters
    done = Done(letters.queue.name, message.id, told, "")
    if ended := _ended(told, step.rows):
        if not wanted.discard_ended:
            return done._replace(action=f"left: {ended}", is_left=True)
        letters.delete(message)
        return done._replace(action=f"deleted: {ended}")
    try:
        route = route_of(message, letters.queue, step.resources, step.carrier)
        if isinstance(route, Nowhere):
            return done._replace(action=f"left: {route.why}", is_left=True, is_failure=True)
        _bring(route, message, step.carrier)
        letters.delete(message)
    except RectoError as error:
        why = f"left: {type(error).__name__}: {error}"
        return done._replace(action=why, is_left=True, is_failure=True)
    return done._replace(action=str(route))


def _bring(route: Sent, message: DeadMessage, carrier: Carrier) -> None:
    if isinstance(route, ToStateMachine):
        carrier.start(route.arn, route.execution, route.input)
        return
    if isinstance(route, ToFunction):
        carrier.call(route.name, route.payload)
        return
    kept = {name: value for name, value in message.attributes.items() if name not in OF_EVENTBRIDGE}
    times = int(message.said(LANDED) or 0) + 1
    counted = {LANDED: {"DataType": "Number", "StringValue": str(times)}}
    carrier.send(route.url, message.body, {**_plain(kept), **counted})


def _plain(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """As SendMessage takes them: answers of ReceiveMessage have empty lists that it refuses."""
    names = ("DataType", "StringValue", "BinaryValue")
    return {name: {key: value[key] for key in names if key in value} for name, value in attributes.items()}


def _ended(told: Told, rows: Rows) -> str:
    """Where there is nothing left to do for a message, because its document has ended: how it ended."""
    row = rows.documents.find(told.document_id) if told.document_id and told.needs_no_more else None
    if row is None or row.status not in FINAL_STATUSES:
        return ""
    short = row.document_id[:8]
    said = f"document {short} ({row.key}) is {row.status}"
    if row.status is Status.PROCESSED:
        return said
    why = f", {row.error}" if row.error else ""
    return f"{said}{why}; recto reprocess {short} goes on with it"


# ---- by SQS itself


class Moved(NamedTuple):
    """How far SQS is with moving a whole queue."""

    status: str
    moved: int
    of: int
    why: str = ""


def move_all(letters: Letters, resources: Resources, poll: Callable[[], None]) -> Iterator[Moved]:
    """Let SQS move all messages to the one queue that feeds this; without a look at any of them."""
    (source,) = letters.queue.queues
    sqs = client("sqs", CALLER)
    with errors_of(f"StartMessageMoveTask {letters.queue.name}"):
        arns = [_arn(sqs, url) for url in (letters.url, resources.name(source))]
        sqs.start_message_move_task(SourceArn=arns[0], DestinationArn=arns[1])
    while True:
        with errors_of(f"ListMessageMoveTasks {letters.queue.name}"):
            (task, *_) = sqs.list_message_move_tasks(SourceArn=arns[0], MaxResults=1)["Results"]
        yield Moved(
            task["Status"],
            task.get("ApproximateNumberOfMessagesMoved", 0),
            task.get("ApproximateNumberOfMessagesToMove", 0),
            task.get("FailureReason", ""),
        )
        if task["Status"] not in ("RUNNING", "CANCELLING"):
            return
        poll()


def _arn(sqs: Any, url: str) -> str:
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return str(found["Attributes"]["QueueArn"])
