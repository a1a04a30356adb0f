"""Listens to the events that the pipeline publishes, as an upstream system would: a rule and a queue."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from recto.aws.clients import client, errors_of
from recto_cli.stack import CALLER, Stack

NAME = "recto-demo-events"
KINDS = ("DocumentProcessed", "DocumentFailed")
PAUSE_SECONDS = 0.2


class Arrival(NamedTuple):
    """One event of the pipeline."""

    kind: str
    detail: dict[str, Any]

    @property
    def document_id(self) -> str:
        return str(self.detail["DocumentId"])


class Listener:
    """The events that came since the listener began."""

    def __init__(self, queue: str) -> None:
        self._queue = queue
        self._sqs = client("sqs", CALLER)
        self.heard: list[Arrival] = []

    def hear(self, documents: set[str], timeout: float) -> list[Arrival]:
        """What has come about these documents; waits for an event about each, or until the time is over."""
        deadline = time.monotonic() + timeout
        while documents - {arrival.document_id for arrival in self.heard} and time.monotonic() < deadline:
            self._receive()
            time.sleep(PAUSE_SECONDS)
        return [arrival for arrival in self.heard if arrival.document_id in documents]

    def _receive(self) -> None:
        with errors_of(f"ReceiveMessage {self._queue}"):
            answer = self._sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10)
            for message in answer.get("Messages", []):
                event = json.loads(message["Body"])
                self.heard.append(Arrival(event["detail-type"], event["detail"]))
                self._sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])


@contextmanager
def listening(stack: Stack) -> Iterator[Listener]:
    """A rule and a queue for the length of a block."""
    sqs, events = client("sqs", CALLER), client("events", CALLER)
    with errors_of("setting up a rule and a queue for events"):
        queue = sqs.create_queue(QueueName=NAME)["QueueUrl"]
        attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]
        pattern = {"source": [f"recto.{stack.project}"], "detail-type": list(KINDS)}
        events.put_rule(Name=NAME, EventPattern=json.dumps(pattern))
        events.put_targets(Rule=NAME, Targets=[{"Id": "queue", "Arn": attributes["QueueArn"]}])
    try:
        yield Listener(queue)
    finally:
        events.remove_targets(Rule=NAME, Ids=["queue"])
        events.delete_rule(Name=NAME)
        sqs.delete_queue(QueueUrl=queue)
