"""`recto dlq` knows every queue in which something of the stack can end, and all that may put it there."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from recto_cli.dead_letter_queues import QUEUES
from tests.contract.template import functions, resources

KNOWN = {queue.name: queue for queue in QUEUES}


def queue_of(arn: Any) -> str:
    """The logical id in `!GetAtt Queue.Arn`."""
    return str(arn["GetAtt"]).removesuffix(".Arn")


def called() -> Iterator[tuple[str, str, str]]:
    """Of each event that calls a function: SAM's name for it, its type, its queue."""
    for function, body in functions().items():
        for name, event in body.get("Events", {}).items():
            dead = event["Properties"].get("DeadLetterConfig")
            if dead:
                yield f"{function}{name}", event["Type"], queue_of(dead["Arn"])


def readers() -> dict[str, str]:
    """The function that reads each queue."""
    return {
        queue_of(event["Properties"]["Queue"]): function
        for function, body in functions().items()
        for event in body.get("Events", {}).values()
        if event["Type"] == "SQS"
    }


def test_every_queue_that_another_queue_or_a_topic_gives_up_to() -> None:
    fed: dict[str, dict[str, str]] = defaultdict(dict)
    for name, body in resources("AWS::SQS::Queue").items():
        if "RedrivePolicy" in body:
            fed[queue_of(body["RedrivePolicy"]["deadLetterTargetArn"])][name] = readers()[name]

    assert dict(fed) == {name: dict(queue.queues) for name, queue in KNOWN.items() if queue.queues}
    for subscription in resources("AWS::SNS::Subscription").values():
        dead = KNOWN[queue_of(subscription["RedrivePolicy"]["deadLetterTargetArn"])]
        assert queue_of(subscription["Endpoint"]) in dead.queues, "its messages go to the subscribed queue"


def test_every_function_rule_and_schedule_that_gives_up() -> None:
    failed, rules, schedules, machines = (defaultdict(set) for _ in range(4))
    for name, body in functions().items():
        target = body.get("EventInvokeConfig", {}).get("DestinationConfig", {}).get("OnFailure")
        if target:
            failed[queue_of(target["Destination"])].add(name)
    for name, kind, dead in called():
        (schedules if kind == "ScheduleV2" else rules)[dead].add(name)
    for name, body in resources("AWS::Events::Rule").items():
        for target in body["Targets"]:
            if "DeadLetterConfig" in target:
                rules[queue_of(target["DeadLetterConfig"]["Arn"])].add(name)
            else:
                (machine,) = body["EventPattern"]["detail"]["stateMachineArn"]
                machines[queue_of(target["Arn"])].add(machine["Ref"])

    assert failed == {name: set(queue.functions) for name, queue in KNOWN.items() if queue.functions}
    assert rules == {name: set(queue.rules) for name, queue in KNOWN.items() if queue.rules}
    assert schedules == {name: set(queue.schedules) for name, queue in KNOWN.items() if queue.schedules}
    assert machines == {name: set(queue.machines) for name, queue in KNOWN.items() if queue.machines}


def test_every_one_of_them_is_in_parameter_store() -> None:
    names = {str(body["Name"]["Sub"]) for body in resources("AWS::SSM::Parameter").values()}

    assert {f"/${{ProjectId}}/static/{name}" for name in KNOWN} <= names


def test_the_log_of_each_reader_is_found_by_its_name() -> None:
    logs = resources("AWS::Logs::LogGroup")

    assert all(f"{name.removesuffix('Function')}Logs" in logs for name in readers().values())
