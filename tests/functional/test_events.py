"""Each event is told by an execution of its own, once by its name."""

import json
import re
from collections.abc import Mapping
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from recto.aws.calls import TALLY
from recto.aws.services import EventExecutions
from recto.cost import Unit
from recto.errors import ThrottledError
from recto.places import event_name
from recto.transitions import EVENT_TRANSITIONS, START_AND_END
from tests.contract.template import asl

ENDED = {"DocumentId": "a", "Attempt": 1, "Cause": "ünreadable"}


def executions(machine: str) -> dict[str, Mapping[str, Any]]:
    client = boto3.client("stepfunctions")
    found = client.list_executions(stateMachineArn=machine)["executions"]
    return {
        each["name"]: json.loads(client.describe_execution(executionArn=each["executionArn"])["input"])
        for each in found
    }


def test_what_is_told_again_is_not_told_again(events_machine: str) -> None:
    for _ in range(3):  # whoever is killed after this comes here again, in another process
        EventExecutions("recto-tests", events_machine).publish("DocumentProcessed", ENDED, "a-1")
    EventExecutions("recto-tests", events_machine).publish("DocumentProcessed", ENDED, "a-2")
    EventExecutions("recto-tests", events_machine).publish("AuditCompleted", {}, "a-1")

    assert executions(events_machine) == {
        "a-1-DocumentProcessed": {"Kind": "DocumentProcessed", "Detail": ENDED},
        "a-2-DocumentProcessed": {"Kind": "DocumentProcessed", "Detail": ENDED},
        "a-1-AuditCompleted": {"Kind": "AuditCompleted", "Detail": {}},
    }


def test_an_event_costs_its_transitions_and_itself_and_one_that_was_told_nothing(events_machine: str) -> None:
    TALLY.take()
    events, states = EventExecutions("recto-tests", events_machine), boto3.client("stepfunctions")
    events.publish("DocumentProcessed", ENDED, "a-1")
    (sent,) = states.list_executions(stateMachineArn=events_machine)["executions"]
    states.stop_execution(executionArn=sent["executionArn"])
    events.publish("DocumentProcessed", ENDED, "a-1")

    assert TALLY.take() == {Unit.STATES_TRANSITION: EVENT_TRANSITIONS, Unit.EVENTS_EVENT: 1}
    assert len(asl("event")["States"]) + START_AND_END == EVENT_TRANSITIONS


def test_step_functions_that_has_no_time_is_asked_again_by_who_wants_to_tell() -> None:
    events = EventExecutions("recto-tests", "arn:aws:states:us-east-1:1:stateMachine:recto-events")

    with Stubber(events._states) as states:
        states.add_client_error("start_execution", "ThrottlingException", "Rate exceeded", 400)
        with pytest.raises(ThrottledError, match="StartExecution a-1-DocumentFailed"):
            events.publish("DocumentFailed", ENDED, "a-1")


@pytest.mark.parametrize("of", ["a-1", "x" * 80, "a name/with things: ü", ""])
def test_every_name_can_be_taken_and_is_the_same_each_time(of: str) -> None:
    name = event_name(of, "DocumentProcessed")

    assert re.fullmatch(r"[A-Za-z0-9_-]{1,80}", name), "as Step Functions takes it"
    assert name == event_name(of, "DocumentProcessed")
    assert name != event_name(of, "DocumentFailed")
