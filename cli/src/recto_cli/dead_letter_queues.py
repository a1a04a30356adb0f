"""The queues in which messages end that could not be delivered or handled: which there are, what feeds each.

A contract test holds this list to template.yaml. The queues are read here and nothing is decided: what a
message says is `dead_messages`' concern, where it goes again that of `redriving`.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from recto.aws.clients import client, errors_of
from recto.errors import ConfigurationError
from recto_cli.deployed import Resources
from recto_cli.stack import CALLER

AT_ONCE = 10
"""The most that SQS hands out in one call."""
HELD_SECONDS = 300
"""How long a message is kept from others while it is looked at; after that it is there again anyway."""
COUNTS = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")


class DeadLetterQueue(NamedTuple):
    """One of the stack's, with all that may put messages into it, by their names in the template."""

    name: str
    about: str
    queues: Mapping[str, str] = {}
    """Whose messages were tried too often, and the function that reads each."""
    functions: tuple[str, ...] = ()
    """Whose asynchronous calls failed."""
    rules: tuple[str, ...] = ()
    schedules: tuple[str, ...] = ()
    machines: tuple[str, ...] = ()
    """Whose failed executions a rule sends here."""


QUEUES: tuple[DeadLetterQueue, ...] = (
    DeadLetterQueue(
        "IntakeDeadLetters",
        "uploads that could not be taken in",
        queues={"IntakeQueue": "IntakeFunction"},
        rules=("InboxRule",),
    ),
    DeadLetterQueue(
        "TextractDeadLetters",
        "ends of OCR jobs that could not be handled, and rounds over their line",
        queues={"TextractQueue": "TextractCallbackFunction", "TextractPumpQueue": "TextractPumpFunction"},
    ),
    DeadLetterQueue(
        "OcrEndpointDeadLetters",
        "ends of OCR endpoints' inferences that could not be handled",
        queues={"OcrEndpointQueue": "OcrEndpointCallbackFunction"},
    ),
    DeadLetterQueue(
        "ModelDeadLetters",
        "ends of model endpoints' inferences that could not be handled",
        queues={"ModelCallbackQueue": "ModelCallbackFunction"},
    ),
    DeadLetterQueue(
        "ReviewDeadLetters",
        "reviewers' answers that could not be handled",
        queues={"ReviewQueue": "A2iCallbackFunction", "ReviewDeskQueue": "ReviewDeskFunction"},
        rules=("ReviewRule",),
    ),
    DeadLetterQueue(
        "ReviewExpiryFailures",
        "rounds over reviews that failed; the next round makes up for them",
        functions=("ReviewExpiryFunction", "ReviewDeskFunction"),
        rules=("ReviewExpiryFunctionLoopFailed",),
        schedules=("ReviewExpiryFunctionEveryFiveMinutes", "ReviewDeskFunctionEveryMinute"),
    ),
    DeadLetterQueue(
        "DispatchFailures",
        "dispatches that failed, for which the next minute's makes up; events that could not be sent",
        functions=("DispatchFunction",),
        rules=("DispatchFunctionExecutionEnded",),
        schedules=("DispatchFunctionEveryMinute", "DispatchFunctionEveryHour"),
        machines=("EventStateMachine",),
    ),
    DeadLetterQueue(
        "ReleaseFailures",
        "changed parameters that could not be followed",
        functions=("ReleaseMakeFunction",),
        rules=("ReleaseMakeFunctionParameterChanged",),
    ),
    DeadLetterQueue(
        "LabellingDeadLetters",
        "messages of labelling jobs that could not be handled",
        queues={
            "LabellingIntakeQueue": "LabellingIntakeFunction",
            "LabellingConsolidationQueue": "LabellingConsolidateFunction",
        },
    ),
    DeadLetterQueue(
        "LabellingExpiryFailures",
        "labelling jobs' minutes that failed; the next minute's makes up for them",
        functions=("LabellingExpiryFunction",),
        schedules=("LabellingExpiryFunctionEveryMinute",),
    ),
)


def queue_named(name: str) -> DeadLetterQueue:
    """By its name or the beginning of it, in any case; ConfigurationError that lists all of them."""
    found = [queue for queue in QUEUES if queue.name.lower().startswith(name.lower().replace("-", ""))]
    exact = [queue for queue in found if queue.name.lower() == name.lower()]
    if len(exact or found) == 1:
        return (exact or found)[0]
    among = found or QUEUES
    raise ConfigurationError(
        f"{name!r} is {'the beginning of several queues' if found else 'no dead-letter queue'}: "
        f"expected one of {', '.join(queue.name for queue in among)}"
    )


class DeadMessage(NamedTuple):
    """A message as it lies in a dead-letter queue."""

    id: str
    receipt: str
    body: str
    sent: datetime
    """When it was sent first, not when it ended here."""
    attributes: Mapping[str, Any]
    """The sender's, in the words of SQS: EventBridge and Scheduler say there what went wrong."""
    source_arn: str = ""
    """The queue that it was tried too often from; empty where it came from elsewhere."""

    def said(self, name: str) -> str:
        return str(self.attributes.get(name, {}).get("StringValue", ""))


class Letters:
    """One queue, read without taking anything away: what is not deleted is there again at the end."""

    def __init__(self, queue: DeadLetterQueue, resources: Resources) -> None:
        self.queue = queue
        self.url = resources.name(queue.name)
        self._sqs = client("sqs", CALLER)
        self._held: dict[str, str] = {}

    def count(self) -> int:
        """About how many messages there are, those included that somebody is looking at."""
        with errors_of(f"GetQueueAttributes {self.queue.name}"):
            found = self._sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=list(COUNTS))
        return sum(int(found["Attributes"].get(name, 0)) for name in COUNTS)

    def messages(self, limit: int) -> Iterator[DeadMessage]:
        """Up to so many, each once; they are held until `give_back`."""
        told = 0
        while told < limit:
            fresh = [each for each in self._receive(limit - told) if each.id not in self._held]
            if not fresh:
                return
            self._held |= {each.id: each.receipt for each in fresh}
            for message in fresh:
                told += 1
                yield message

    def _receive(self, wanted: int) -> Sequence[DeadMessage]:
        with errors_of(f"ReceiveMessage {self.queue.name}"):
            answer = self._sqs.receive_message(
                QueueUrl=self.url,
                MaxNumberOfMessages=min(AT_ONCE, wanted),
                VisibilityTimeout=HELD_SECONDS,
                WaitTimeSeconds=1,  # asks all of SQS's servers, so that "none" means none
                AttributeNames=["All"],
                MessageAttributeNames=["All"],
            )
        return [_message(each) for each in answer.get("Messages", [])]

    def delete(self, message: DeadMessage) -> None:
        with errors_of(f"DeleteMessage {self.queue.name}"):
            self._sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message.receipt)
        self._held.pop(message.id, None)

    def give_back(self) -> None:
        """Let others see at once what was held and not deleted; at the latest they do after a few minutes."""
        held = list(self._held.values())
        for start in range(0, len(held), AT_ONCE):
            entries = [
                {"Id": str(number), "ReceiptHandle": receipt, "VisibilityTimeout": 0}
                for number, receipt in enumerate(held[start : start + AT_ONCE])
            ]
            with errors_of(f"ChangeMessageVisibility {self.queue.name}"):
                self._sqs.change_message_visibility_batch(QueueUrl=self.url, Entries=entries)
        self._held.clear()


def _message(found: Mapping[str, Any]) -> DeadMessage:
    about = found.get("Attributes", {})
    return DeadMessage(
        id=found["MessageId"],
        receipt=found["ReceiptHandle"],
        body=found["Body"],
        sent=datetime.fromtimestamp(int(about.get("SentTimestamp", 0)) / 1000, UTC),
        attributes=found.get("MessageAttributes", {}),
        source_arn=about.get("DeadLetterQueueSourceArn", ""),
    )
