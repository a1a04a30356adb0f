"""A deployment that somebody has hurt: the doctor names it and mends it; what was missed is redriven."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from recto.messages import Status
from recto.places import Location
from recto_cli.dead_letter_queues import QUEUES, Letters, queue_named
from recto_cli.deployed import Resources, resources_of
from recto_cli.stack import read_stack
from tests.e2e.conftest import Pipeline, wait_for
from tests.e2e.test_5_command_line import recto

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def resources(pipeline: Pipeline) -> Resources:
    return resources_of(read_stack(pipeline.info.project))


def findings() -> list[dict[str, Any]]:
    """What the doctor says; its exit code goes with it."""
    done = recto("doctor", "--json", "--no-model")
    found: list[dict[str, Any]] = json.loads(done.stdout)
    has_problem = any(each["state"] == "problem" for each in found)
    assert done.returncode == int(has_problem), done.stderr
    return found


def of(check: str, found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [each for each in found if each["check"] == check]


def letters(resources: Resources, name: str) -> int:
    """How many lie in a queue, without starting a program to look."""
    return Letters(queue_named(name), resources).count()


def test_a_whole_deployment_is_well_and_says_what_was_not_looked_at(pipeline: Pipeline) -> None:
    found = findings()

    problems = {each["check"]: each["told"] for each in found if each["state"] == "problem"}
    allowed = {"dead letters", "alarms", "slots", "waiting documents", "executions", "changed parameters"}
    assert set(problems) <= allowed, problems  # what tests before this one may have left
    unseen = {each["check"] for each in found if each["state"] == "not checked"}
    assert unseen >= {"roles", "Textract quotas", "Lambda quota"}


@pytest.fixture
def missed(pipeline: Pipeline, resources: Resources) -> Iterator[Location]:
    """An upload that nobody heard of: the inbox's rule was off, and EventBridge gave the event up."""
    events = pipeline.client("events")
    rule = resources.name("InboxRule")
    events.disable_rule(Name=rule)
    place = pipeline.send(b"", "operations/empty.pdf")
    yield place
    events.enable_rule(Name=rule)


def test_an_upload_that_nobody_heard_of_is_mended_and_redriven(
    pipeline: Pipeline, resources: Resources, missed: Location
) -> None:
    head = pipeline.client("s3").head_object(Bucket=missed.bucket, Key=missed.key)
    told = {"key": missed.key, "etag": head["ETag"].strip('"'), "version-id": head.get("VersionId", "")}
    detail = {"bucket": {"name": missed.bucket}, "object": {**told, "sequencer": "1"}}
    event = {"source": "aws.s3", "detail-type": "Object Created", "detail": detail}
    pipeline.client("sqs").send_message(
        QueueUrl=resources.name("IntakeDeadLetters"),
        MessageBody=json.dumps(event),
        MessageAttributes={"ERROR_CODE": {"DataType": "String", "StringValue": "NO_PERMISSIONS"}},
    )

    sick = findings()
    mended = recto("doctor", "--no-model", "--fix", "--yes")
    shown = recto("dlq", "show", "intake")
    redriven = recto("dlq", "redrive", "intake", "--yes")

    assert ["InboxRule) is disabled" in each["told"] for each in of("rules", sick)] == [True]
    assert any("recto dlq redrive IntakeDeadLetters" in each["advice"] for each in of("dead letters", sick))
    assert "enable the rule" in mended.stderr
    assert [each["state"] for each in of("rules", findings())] == ["ok"]
    assert "upload operations/empty.pdf" in shown.stdout
    assert "NO_PERMISSIONS" in shown.stdout
    assert redriven.returncode == 0, redriven.stdout + redriven.stderr
    assert "upload operations/empty.pdf: sent to IntakeQueue" in redriven.stdout
    row = wait_for(lambda: pipeline.row(missed), 60, lambda: letters(resources, "IntakeDeadLetters"))
    assert (row.status, row.error) == (Status.FAILED, "EmptyDocumentError")
    assert letters(resources, "IntakeDeadLetters") == 0


def test_a_call_that_failed_is_shown_and_made_again(pipeline: Pipeline, resources: Resources) -> None:
    function = resources.name("ReleaseMakeFunction")
    before = letters(resources, "ReleaseFailures")

    def failed() -> int | None:
        return (
            letters(resources, "ReleaseFailures") if letters(resources, "ReleaseFailures") > before else None
        )

    pipeline.client("lambda").invoke(
        FunctionName=function, InvocationType="Event", Payload=json.dumps({"detail": {"name": "nonsense"}})
    )
    wait_for(failed, 90, failed)

    shown = failures()
    redriven = recto("dlq", "redrive", "release", "--yes")

    assert all(error for error in shown.values()), shown
    assert f"called {function}" in redriven.stdout
    # It is still nonsense, so it comes back: as another message, the one that was there is gone.
    assert wait_for(lambda: set(failures()) - set(shown) or None, 90, failures)
    assert not set(failures()) & set(shown)
    pipeline.client("sqs").purge_queue(QueueUrl=resources.name("ReleaseFailures"))


def failures() -> dict[str, str]:
    """Errors by message."""
    told = json.loads(recto("dlq", "show", "release", "--json").stdout)
    return {each["message_id"]: each["error"] for each in told}


def test_every_dead_letter_queue_is_found_in_the_stack(pipeline: Pipeline, resources: Resources) -> None:
    listed = json.loads(recto("dlq", "list", "--json").stdout)

    assert {each["queue"] for each in listed} == {queue.name for queue in QUEUES}


def test_what_a_queue_gave_up_goes_to_the_queue_of_its_kind(pipeline: Pipeline, resources: Resources) -> None:
    """By what it says, where the queue that gave it up is none of the stack's."""
    sqs = pipeline.client("sqs")
    dead = resources.name("LabellingDeadLetters")
    made = sqs.create_queue(QueueName="recto-tests-source")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": "1"})
    sqs.set_queue_attributes(QueueUrl=made, Attributes={"RedrivePolicy": policy, "VisibilityTimeout": "0"})
    sqs.send_message(QueueUrl=made, MessageBody=json.dumps({"Kind": "finish", "Job": "no-such-job"}))

    def given_up() -> int | None:
        sqs.receive_message(QueueUrl=made)
        return letters(resources, "LabellingDeadLetters") or None

    wait_for(given_up, 60, given_up)
    redriven = recto("dlq", "redrive", "LabellingDeadLetters", "--yes")

    assert "sent to LabellingConsolidationQueue" in redriven.stdout, redriven.stdout
    sqs.delete_queue(QueueUrl=made)
