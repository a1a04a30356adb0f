"""The emulator does what the design relies on: each behaviour once, against one small deployed stack."""

import json
import os
import signal
import socket
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
import yaml
from botocore.config import Config
from botocore.exceptions import ClientError

from recto_local import processes
from recto_local.runtime import endpoint_environment

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / ".venv-tools" / "bin" / "python"
LAUNCHER = ROOT / "local" / "src" / "recto_local" / "emulator.py"
CALLER = "contract-tests"
LAMBDA = "arn:aws:states:::lambda:invoke"
ROLE = "arn:aws:iam::000000000000:role/probe"


class Emulator:
    """A running emulator with the probe stack in it."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.port = processes.free_port()
        self.standins_port = processes.free_port()
        self.environment = endpoint_environment(self.port, self.standins_port)
        self._process: processes.ProcessRef | None = None

    def start(self) -> None:
        command = [str(TOOLS), str(LAUNCHER), "--port", str(self.port), "--state", str(self.state)]
        environment = {"PATH": os.environ["PATH"], **self.environment}
        self._process = processes.start(
            "emulator", command, environment, self.state, self.state / "emulator.log"
        )
        processes.wait_healthy(self._process, f"{self.environment['AWS_ENDPOINT_URL']}/_ministack/health", 60)

    def stop(self) -> bool:
        """Whether it ended in good order."""
        return self._process is None or processes.stop(self._process, 30)

    def kill(self) -> None:
        assert self._process
        os.killpg(self._process.pid, signal.SIGKILL)
        wait_for(lambda: self._process is None or not processes.is_alive(self._process), 60, "its end")
        wait_for(lambda: processes.free_port(self.port) == self.port, 60, "its port")

    def client(self, service: str) -> Any:
        return boto3.client(  # type: ignore[call-overload]
            service,
            endpoint_url=self.environment["AWS_ENDPOINT_URL"],
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(user_agent_appid=CALLER, retries={"total_max_attempts": 1}),
        )

    def deploy(self) -> None:
        self.client("cloudformation").create_stack(
            StackName="probe",
            TemplateBody=probe_template(),
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        )
        wait_for(lambda: self.stack()["StackStatus"] == "CREATE_COMPLETE", 60, "the stack to be complete")

    def stack(self) -> dict[str, Any]:
        stack: dict[str, Any] = self.client("cloudformation").describe_stacks(StackName="probe")["Stacks"][0]
        return stack

    def output(self, name: str) -> str:
        return next(str(o["OutputValue"]) for o in self.stack()["Outputs"] if o["OutputKey"] == name)

    def row(self, pk: str) -> dict[str, Any]:
        found = self.client("dynamodb").get_item(
            TableName="probe", Key={"pk": {"S": pk}}, ConsistentRead=True
        )
        item: dict[str, Any] = found.get("Item", {})
        return item

    def calls(self, pk: str) -> int:
        """How often a probe function counted under this name."""
        return int(self.row(pk).get("calls", {"N": "0"})["N"])

    def execution(self, states: dict[str, Any], start_at: str, given: Any = None) -> str:
        """Start a state machine made for this; returns the execution's ARN."""
        client = self.client("stepfunctions")
        machine = client.create_state_machine(
            name=f"probe-{uuid.uuid4().hex[:12]}",
            definition=json.dumps({"StartAt": start_at, "States": states}),
            roleArn=ROLE,
        )["stateMachineArn"]
        return str(
            client.start_execution(stateMachineArn=machine, input=json.dumps(given or {}))["executionArn"]
        )

    def ended(self, arn: str, seconds: float = 60) -> dict[str, Any]:
        """The execution once it runs no more."""
        client = self.client("stepfunctions")
        wait_for(
            lambda: client.describe_execution(executionArn=arn)["status"] != "RUNNING",
            seconds,
            f"{arn} to end",
        )
        found: dict[str, Any] = client.describe_execution(executionArn=arn)
        return found

    def entered(self, arn: str) -> list[str]:
        """The states that an execution has entered."""
        events = self.client("stepfunctions").get_execution_history(executionArn=arn)["events"]
        return [
            each["stateEnteredEventDetails"]["name"] for each in events if "stateEnteredEventDetails" in each
        ]

    def output_of(self, states: dict[str, Any], start_at: str, given: Any = None) -> Any:
        """The output of an execution that is to succeed."""
        found = self.ended(self.execution(states, start_at, given))
        assert found["status"] == "SUCCEEDED", found
        return json.loads(found["output"])


def probe_template() -> str:
    """The template with the one piece of inline code in each function."""
    text = (Path(__file__).parent / "emulator" / "template.yaml").read_text()
    template: dict[str, Any] = yaml.load(text, Loader=ShortForms)  # noqa: S506 (a safe loader of ours)
    functions = [
        r["Properties"] for r in template["Resources"].values() if r["Type"] == "AWS::Serverless::Function"
    ]
    for properties in functions:
        properties["InlineCode"] = functions[0]["InlineCode"]
    return json.dumps(template)


class ShortForms(yaml.SafeLoader):
    """Reads `!Ref` and `!GetAtt`."""


ShortForms.add_constructor("!Ref", lambda loader, node: {"Ref": loader.construct_scalar(node)})  # type: ignore[arg-type]
ShortForms.add_constructor(
    "!GetAtt",
    lambda loader, node: {"Fn::GetAtt": str(loader.construct_scalar(node)).split(".")},  # type: ignore[arg-type]
)


def wait_for(condition: Callable[[], bool], seconds: float, what: str) -> None:
    assert processes.wait_until(condition, seconds), f"waited {seconds} s for {what}"


def invoke(payload: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A task state that calls the probe function and ends there."""
    parameters = {"FunctionName": "probe", "Payload": payload}
    return {"Type": "Task", "Resource": LAMBDA, "Parameters": parameters, "End": True, **more}


def invoke_with_token(payload: dict[str, Any], **more: Any) -> dict[str, Any]:
    state = invoke({**payload, "TaskToken.$": "$$.Task.Token"}, TimeoutSeconds=60, **more)
    return {**state, "Resource": f"{LAMBDA}.waitForTaskToken"}


CAUGHT = {"Type": "Pass", "End": True}


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    running = Emulator(tmp_path_factory.mktemp("emulator"))
    running.start()
    try:
        running.deploy()
        yield running
    finally:
        running.stop()


def test_an_exception_reaches_retry_by_its_class_name(emulator: Emulator) -> None:
    retry = [{"ErrorEquals": ["ThrottledError"], "IntervalSeconds": 1, "MaxAttempts": 2, "BackoffRate": 1}]
    probe = {"Do": "fail-first", "Name": "retried", "Times": 1, "Error": "ThrottledError"}

    output = emulator.output_of({"Call": invoke(probe, Retry=retry)}, "Call")

    assert output["Payload"] == {"Calls": 2}


def test_a_function_whose_process_dies_is_tried_again_by_its_name_on_aws(emulator: Emulator) -> None:
    retry = [{"ErrorEquals": ["Runtime.ExitError"], "IntervalSeconds": 1, "MaxAttempts": 2, "BackoffRate": 1}]

    output = emulator.output_of(
        {"Call": invoke({"Do": "die-first", "Name": "died", "Times": 1}, Retry=retry)}, "Call"
    )

    assert output["Payload"] == {"Calls": 2}


def test_an_exception_is_not_retried_under_another_name(emulator: Emulator) -> None:
    retry = [{"ErrorEquals": ["ServiceUnavailableError"], "IntervalSeconds": 1, "MaxAttempts": 3}]
    probe = {"Do": "fail-first", "Name": "not-retried", "Times": 1, "Error": "ThrottledError"}

    found = emulator.ended(emulator.execution({"Call": invoke(probe, Retry=retry)}, "Call"))

    assert (found["status"], found["error"]) == ("FAILED", "ThrottledError")
    assert emulator.calls("not-retried") == 1


def test_an_exception_reaches_catch_by_its_class_name(emulator: Emulator) -> None:
    catch = [
        {"ErrorEquals": ["ThrottledError"], "Next": "Other"},
        {"ErrorEquals": ["EncryptedDocumentError"], "ResultPath": "$.Failure", "Next": "Caught"},
    ]
    call = invoke({"Do": "fail", "Error": "EncryptedDocumentError"}, Catch=catch)

    output = emulator.output_of(
        {"Call": call, "Caught": CAUGHT, "Other": {"Type": "Fail"}}, "Call", {"Kept": 1}
    )

    assert output["Kept"] == 1
    assert output["Failure"]["Error"] == "EncryptedDocumentError"
    assert json.loads(output["Failure"]["Cause"])["errorMessage"] == "as asked"


def test_an_exception_in_a_function_that_holds_a_token_fails_the_state_at_once(emulator: Emulator) -> None:
    catch = [{"ErrorEquals": ["DamagedDocumentError"], "ResultPath": "$.Failure", "Next": "Caught"}]
    call = invoke_with_token({"Do": "fail", "Error": "DamagedDocumentError"}, Catch=catch)
    began = time.monotonic()

    output = emulator.output_of({"Call": call, "Caught": CAUGHT}, "Call")

    assert output["Failure"]["Error"] == "DamagedDocumentError"
    assert time.monotonic() - began < 45


def test_a_waiting_state_gets_what_the_token_brings_back(emulator: Emulator) -> None:
    arn = emulator.execution({"Call": invoke_with_token({"Do": "keep-token", "Name": "token-1"})}, "Call")
    wait_for(lambda: bool(emulator.row("token-1")), 60, "the token")

    emulator.client("stepfunctions").send_task_success(
        taskToken=emulator.row("token-1")["token"]["S"], output=json.dumps({"JobId": "j"})
    )

    assert json.loads(emulator.ended(arn)["output"]) == {"JobId": "j"}


def test_a_token_that_reports_a_failure_is_caught_by_name(emulator: Emulator) -> None:
    catch = [{"ErrorEquals": ["OcrFailedError"], "Next": "Caught"}]
    states = {
        "Call": invoke_with_token({"Do": "keep-token", "Name": "token-2"}, Catch=catch),
        "Caught": CAUGHT,
    }
    arn = emulator.execution(states, "Call")
    wait_for(lambda: bool(emulator.row("token-2")), 60, "the token")

    emulator.client("stepfunctions").send_task_failure(
        taskToken=emulator.row("token-2")["token"]["S"], error="OcrFailedError", cause="job j FAILED"
    )

    assert json.loads(emulator.ended(arn)["output"]) == {"Error": "OcrFailedError", "Cause": "job j FAILED"}


def test_a_waiting_state_times_out(emulator: Emulator) -> None:
    call = invoke_with_token({"Do": "keep-token", "Name": "token-3"}) | {"TimeoutSeconds": 2}

    found = emulator.ended(emulator.execution({"Call": call}, "Call"))

    assert (found["status"], found["error"]) in {
        ("FAILED", "States.Timeout"),
        ("TIMED_OUT", "States.Timeout"),
    }


def test_sns_calls_a_failing_function_again(emulator: Emulator) -> None:
    emulator.client("sns").publish(
        TopicArn=emulator.output("TopicArn"), Message=json.dumps({"Name": "again", "Failures": 1})
    )

    wait_for(lambda: emulator.calls("topic/again") == 2, 60, "the second call")


def test_uploads_travel_by_eventbridge_and_queue_and_only_failed_ones_come_again(emulator: Emulator) -> None:
    s3, keys = emulator.client("s3"), ["a b/ü+%.pdf", "plain.pdf"]

    for key in [*keys, "bad.pdf"]:
        s3.put_object(Bucket="probe-inbox", Key=key, Body=b"%PDF-1.7")

    wait_for(lambda: emulator.calls("queue/bad.pdf") == 2, 60, "the bad upload's second delivery")
    assert [emulator.calls(f"queue/{key}") for key in keys] == [1, 1]
    dead = emulator.client("sqs")
    messages: list[Any] = []

    def received() -> bool:
        answer = dead.receive_message(QueueUrl=emulator.output("DeadLettersUrl"), WaitTimeSeconds=1)
        messages.extend(answer.get("Messages", []))
        return bool(messages)

    wait_for(received, 60, "the bad upload in the dead-letter queue")
    assert json.loads(messages[0]["Body"])["detail"]["object"]["key"] == "bad.pdf"


def test_an_upload_event_carries_size_etag_and_sequencer(emulator: Emulator) -> None:
    events, sqs = emulator.client("events"), emulator.client("sqs")
    pattern = {"source": ["aws.s3"], "detail": {"object": {"key": ["one-event.pdf"]}}}
    events.put_rule(Name="probe-one", EventPattern=json.dumps(pattern))
    url = sqs.create_queue(QueueName="probe-one")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:*",
        "Resource": arn,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    events.put_targets(Rule="probe-one", Targets=[{"Id": "queue", "Arn": arn}])

    emulator.client("s3").put_object(Bucket="probe-inbox", Key="one-event.pdf", Body=b"%PDF-1.7")

    message = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=10)["Messages"][0]
    found = json.loads(message["Body"])["detail"]["object"]
    assert found["size"] == len(b"%PDF-1.7")
    assert found["etag"]
    assert found["sequencer"]


def test_a_changed_parameter_calls_a_function_with_its_name_and_its_history_is_kept(
    emulator: Emulator,
) -> None:
    events, ssm, functions = (emulator.client(name) for name in ("events", "ssm", "lambda"))
    pattern = {
        "source": ["aws.ssm"],
        "detail-type": ["Parameter Store Change"],
        "detail": {"name": ["/probe/config/Watched"], "operation": ["Update"]},
    }
    events.put_rule(Name="probe-parameter", EventPattern=json.dumps(pattern))
    function = functions.get_function(FunctionName="probe")["Configuration"]["FunctionArn"]
    transformer = {
        "InputPathsMap": {"name": "$.detail.name"},
        "InputTemplate": '{"Do": "fail-first", "Times": 0, "Name": <name>}',
    }
    target = {"Id": "function", "Arn": function, "InputTransformer": transformer}
    events.put_targets(Rule="probe-parameter", Targets=[target])

    ssm.put_parameter(Name="/probe/config/Watched", Value="one", Type="String")
    ssm.put_parameter(Name="/probe/config/Other", Value="one", Type="String")
    ssm.put_parameter(Name="/probe/config/Watched", Value="two", Type="String", Overwrite=True)

    wait_for(lambda: emulator.calls("/probe/config/Watched") == 1, 60, "the function to be called once")
    history = ssm.get_parameter_history(Name="/probe/config/Watched")["Parameters"]
    assert [entry["Value"] for entry in history] == ["one", "two"]


def test_a_part_of_an_object_is_read_by_range(emulator: Emulator) -> None:
    s3 = emulator.client("s3")
    s3.put_object(Bucket="probe-inbox", Key="ranges", Body=bytes(range(100)))

    answer = s3.get_object(Bucket="probe-inbox", Key="ranges", Range="bytes=10-19")

    assert answer["Body"].read() == bytes(range(10, 20))
    assert answer["ContentRange"] == "bytes 10-19/100"


def test_a_slot_is_taken_only_while_there_are_fewer_than_the_limit(emulator: Emulator) -> None:
    table = emulator.client("dynamodb")
    key = {"pk": {"S": "LEASE"}}
    table.put_item(TableName="probe", Item={**key, "owners": {"M": {}}})

    def take(owner: str) -> bool:
        try:
            table.update_item(
                TableName="probe", Key=key,
                UpdateExpression="SET #owners.#owner = :expires",
                ConditionExpression="size(#owners) < :limit AND attribute_not_exists(#owners.#owner)",
                ExpressionAttributeNames={"#owners": "owners", "#owner": owner},
                ExpressionAttributeValues={":expires": {"S": "later"}, ":limit": {"N": "2"}},
            )  # fmt: skip
        except table.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def give_back(owner: str) -> bool:
        try:
            table.update_item(
                TableName="probe", Key=key,
                UpdateExpression="REMOVE #owners.#owner",
                ConditionExpression="attribute_exists(#owners.#owner)",
                ExpressionAttributeNames={"#owners": "owners", "#owner": owner},
            )  # fmt: skip
        except table.exceptions.ConditionalCheckFailedException:
            return False
        return True

    assert [take("a-1"), take("a-1"), take("b-1"), take("c-1")] == [True, False, True, False]
    assert [give_back("a-1"), give_back("a-1"), take("c-1")] == [True, False, True]
    assert set(emulator.row("LEASE")["owners"]["M"]) == {"b-1", "c-1"}


def test_a_transaction_with_a_failed_condition_writes_nothing(emulator: Emulator) -> None:
    table = emulator.client("dynamodb")
    table.put_item(
        TableName="probe", Item={"pk": {"S": "DOC"}, "status": {"S": "WAITING"}, "received": {"S": "1"}}
    )

    def move(expected: str, history: str) -> None:
        update = {
            "TableName": "probe", "Key": {"pk": {"S": "DOC"}}, "UpdateExpression": "SET #s = :new",
            "ConditionExpression": "#s = :old", "ExpressionAttributeNames": {"#s": "status"},
            "ExpressionAttributeValues": {":new": {"S": "RUNNING"}, ":old": {"S": expected}},
        }  # fmt: skip
        put = {"TableName": "probe", "Item": {"pk": {"S": history}}}
        table.transact_write_items(TransactItems=[{"Update": update}, {"Put": put}])

    with pytest.raises(table.exceptions.TransactionCanceledException) as refused:
        move("IN_REVIEW", "HISTORY#1")
    move("WAITING", "HISTORY#2")

    assert refused.value.response["CancellationReasons"][0]["Code"] == "ConditionalCheckFailed"
    assert emulator.row("DOC")["status"]["S"] == "RUNNING"
    assert (bool(emulator.row("HISTORY#1")), bool(emulator.row("HISTORY#2"))) == (False, True)


def test_an_index_gives_rows_of_a_status_the_oldest_first(emulator: Emulator) -> None:
    table = emulator.client("dynamodb")
    for received in ("3", "1", "2"):
        table.put_item(
            TableName="probe",
            Item={"pk": {"S": f"OLD#{received}"}, "status": {"S": "QUEUED"}, "received": {"S": received}},
        )

    found = table.query(
        TableName="probe", IndexName="StatusIndex", KeyConditionExpression="#s = :s", Limit=2,
        ExpressionAttributeNames={"#s": "status"}, ExpressionAttributeValues={":s": {"S": "QUEUED"}},
    )["Items"]  # fmt: skip

    assert [item["received"]["S"] for item in found] == ["1", "2"]


def test_choice_parallel_and_map_run_as_written(emulator: Emulator) -> None:
    branch = {"StartAt": "B", "States": {"B": {"Type": "Pass", "Result": "b", "End": True}}}
    item = {"StartAt": "Call", "States": {"Call": invoke({"Page.$": "$.Page"}, OutputPath="$.Payload")}}
    mapped = {
        "Type": "Map", "ItemsPath": "$.Pages", "MaxConcurrency": 2,
        "ItemSelector": {"Page.$": "$$.Map.Item.Value"},
        "ItemProcessor": {"ProcessorConfig": {"Mode": "INLINE"}, **item}, "End": True,
    }  # fmt: skip
    states = {
        "From": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.From", "StringEquals": "ocr", "Next": "Both"}],
            "Default": "Wrong",
        },
        "Wrong": {"Type": "Fail"},
        "Both": {
            "Type": "Parallel",
            "Branches": [{"StartAt": "M", "States": {"M": mapped}}, branch],
            "End": True,
        },
    }

    output = emulator.output_of(states, "From", {"From": "ocr", "Pages": [1, 2, 3]})

    assert output == [[{"Page": 1}, {"Page": 2}, {"Page": 3}], "b"]


def test_an_error_in_a_branch_ends_the_parallel_state_under_its_name(emulator: Emulator) -> None:
    broken = {"StartAt": "C", "States": {"C": invoke({"Do": "fail", "Error": "PageOrderError"})}}
    waiting = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 30, "End": True}}}
    catch = [{"ErrorEquals": ["PageOrderError"], "Next": "Caught"}]
    both = {"Type": "Parallel", "Branches": [waiting, broken], "Catch": catch, "End": True}

    output = emulator.output_of({"Both": both, "Caught": CAUGHT}, "Both")

    assert output["Error"] == "PageOrderError"


def test_a_branch_that_ends_for_anothers_sake_does_not_name_the_error(emulator: Emulator) -> None:
    """It ends within the same instant, and stands first."""
    broken = {"StartAt": "C", "States": {"C": invoke({"Do": "fail", "Error": "PageOrderError"})}}
    turn = {
        "StartAt": "A",
        "States": {"A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Wait", "Seconds": 0, "Next": "A"}},
    }
    both = {"Type": "Parallel", "Branches": [turn, broken], "End": True}

    found = emulator.ended(emulator.execution({"Both": both}, "Both", {}))

    assert found["error"] == "PageOrderError"


def test_the_other_branches_of_a_failed_parallel_state_go_no_further(emulator: Emulator) -> None:
    broken = {"StartAt": "C", "States": {"C": invoke({"Do": "fail", "Error": "PageOrderError"})}}
    item = {
        "StartAt": "W",
        "States": {
            "W": {"Type": "Wait", "Seconds": 8, "Next": "N"},
            "N": invoke({"Do": "fail-first", "Name": "abandoned", "Times": 0, "Error": "E"}),
        },
    }
    mapped = {"Type": "Map", "ItemsPath": "$.Pages", "ItemProcessor": item, "End": True}
    both = {"Type": "Parallel", "Branches": [{"StartAt": "M", "States": {"M": mapped}}, broken], "End": True}

    found = emulator.ended(emulator.execution({"Both": both}, "Both", {"Pages": [1]}))

    assert found["error"] == "PageOrderError"
    assert not processes.wait_until(lambda: emulator.calls("abandoned") > 0, 9)


def test_a_state_writes_to_the_table_and_puts_an_event_without_a_function(emulator: Emulator) -> None:
    entry = {"Source": "probe", "DetailType": "DocumentFailed", "Detail": {"Id.$": "$.Id"}}
    update = {
        "TableName": "probe", "Key": {"pk": {"S.$": "$.Id"}}, "UpdateExpression": "SET note = :note",
        "ExpressionAttributeValues": {":note": {"S": "from the state"}},
    }  # fmt: skip
    states = {
        "Write": {
            "Type": "Task", "Resource": "arn:aws:states:::dynamodb:updateItem", "Parameters": update,
            "ResultPath": None, "Next": "Tell",
        },
        "Tell": {
            "Type": "Task", "Resource": "arn:aws:states:::events:putEvents",
            "Parameters": {"Entries": [entry]},
            "End": True,
        },
    }  # fmt: skip

    emulator.output_of(states, "Write", {"Id": "direct-1"})

    assert emulator.row("direct-1")["note"]["S"] == "from the state"
    sqs = emulator.client("sqs")
    message = sqs.receive_message(QueueUrl=emulator.output("EventQueueUrl"), WaitTimeSeconds=10)["Messages"][
        0
    ]
    event = json.loads(message["Body"])
    assert (event["detail-type"], event["detail"]) == ("DocumentFailed", {"Id": "direct-1"})
    execution, machine = event["resources"]
    assert (":execution:" in execution, ":stateMachine:" in machine) == (True, True)


def telling(source: str, **more: Any) -> dict[str, Any]:
    """A task state that puts an event; nobody but AWS itself may put one of `aws.`"""
    entry = {"Source": source, "DetailType": "Told", "Detail.$": "$", "EventBusName": "default"}
    resource = "arn:aws:states:::events:putEvents"
    return {"Type": "Task", "Resource": resource, "Parameters": {"Entries": [entry]}, "End": True, **more}


def test_an_event_that_the_bus_does_not_take_fails_the_state_by_its_name(emulator: Emulator) -> None:
    found = emulator.ended(emulator.execution({"Tell": telling("aws.probe")}, "Tell", {"Id": "untold"}))

    assert (found["status"], found["error"]) == ("FAILED", "EventBridge.FailedEntry")
    assert json.loads(found["cause"])["FailedEntryCount"] == 1


def test_an_execution_is_started_once_by_its_name(emulator: Emulator) -> None:
    states = emulator.client("stepfunctions")
    definition = json.dumps({"StartAt": "Tell", "States": {"Tell": telling("probe")}})
    machine = states.create_state_machine(name="probe-once", definition=definition, roleArn=ROLE)
    asked = {"stateMachineArn": machine["stateMachineArn"], "name": "a-1-DocumentProcessed", "input": "{}"}
    emulator.ended(states.start_execution(**asked)["executionArn"])

    with pytest.raises(ClientError, match="ExecutionAlreadyExists"):
        states.start_execution(**asked)


def test_functions_find_the_emulator_and_the_stand_ins_in_their_environment(emulator: Emulator) -> None:
    answer = emulator.client("lambda").invoke(FunctionName="probe", Payload=json.dumps({"Do": "environment"}))

    found = json.loads(answer["Payload"].read())
    wanted = {k: v for k, v in emulator.environment.items() if k.startswith("AWS_ENDPOINT_URL")}
    assert {name: found.get(name) for name in wanted} == wanted
    assert found["AWS_REGION"] == "us-east-1"
    assert Path(found["TMPDIR"]).is_relative_to(emulator.state)


def test_the_access_log_names_service_operation_resource_and_caller(emulator: Emulator) -> None:
    s3 = emulator.client("s3")
    s3.put_object(Bucket="probe-inbox", Key="logged ü.bin", Body=b"x")
    with pytest.raises(ClientError):
        s3.head_object(Bucket="probe-inbox", Key="absent")
    upload = s3.create_multipart_upload(Bucket="probe-inbox", Key="multi")["UploadId"]
    part = s3.upload_part(Bucket="probe-inbox", Key="multi", UploadId=upload, PartNumber=1, Body=b"x")["ETag"]
    s3.complete_multipart_upload(
        Bucket="probe-inbox",
        Key="multi",
        UploadId=upload,
        MultipartUpload={"Parts": [{"ETag": part, "PartNumber": 1}]},
    )
    emulator.client("sns").publish(
        TopicArn=emulator.output("TopicArn"), Message='{"Name": "log", "Failures": 0}'
    )

    lines = [json.loads(line) for line in (emulator.state / "access.jsonl").read_text().splitlines()]

    seen = {
        (e["service"], e["operation"], e["resource"], e["status"]) for e in lines if e["caller"] == CALLER
    }
    assert {
        ("s3", "PutObject", "probe-inbox/logged ü.bin", 200),
        ("s3", "HeadObject", "probe-inbox/absent", 404),
        ("s3", "CreateMultipartUpload", "probe-inbox/multi", 200),
        ("s3", "UploadPart", "probe-inbox/multi", 200),
        ("s3", "CompleteMultipartUpload", "probe-inbox/multi", 200),
        ("sns", "Publish", emulator.output("TopicArn"), 200),
        ("dynamodb", "GetItem", "probe", 200),
        ("dynamodb", "Query", "probe/index/StatusIndex", 200),
        ("dynamodb", "TransactWriteItems", "probe", 200),
    } <= seen


def cors_of(emulator: Emulator, method: str, origin: str, wanted: str = "") -> dict[str, str]:
    """The Access-Control headers of an object's answer; of the preflight's where a method is wanted."""
    headers = {"Origin": origin, **({"Access-Control-Request-Method": wanted} if wanted else {})}
    url = f"{emulator.environment['AWS_ENDPOINT_URL']}/probe-shared/page.json"
    answer = httpx.request(method, url, headers=headers, trust_env=False)
    return {name: value for name, value in answer.headers.items() if name.startswith("access-control-")}


def test_a_browser_reaches_objects_as_the_buckets_cors_configuration_says(emulator: Emulator) -> None:
    s3 = emulator.client("s3")
    s3.create_bucket(Bucket="probe-shared")
    s3.put_object(Bucket="probe-shared", Key="page.json", Body=b"{}")
    rules = [
        {"AllowedMethods": ["GET"], "AllowedOrigins": ["null"]},
        {"AllowedMethods": ["PUT"], "AllowedOrigins": ["https://ours.example"]},
    ]
    before = cors_of(emulator, "GET", "null")
    s3.put_bucket_cors(Bucket="probe-shared", CORSConfiguration={"CORSRules": rules})

    assert before == {}
    assert cors_of(emulator, "GET", "null")["access-control-allow-origin"] == "null"
    assert cors_of(emulator, "GET", "https://ours.example") == {}
    allowed = cors_of(emulator, "OPTIONS", "https://ours.example", "PUT")
    assert allowed["access-control-allow-origin"] == "https://ours.example"
    assert cors_of(emulator, "OPTIONS", "null", "PUT") == {}


def test_it_listens_on_this_machine_only(emulator: Emulator) -> None:
    listening = Path("/proc/net/tcp")
    if not listening.exists():
        pytest.skip("no /proc/net/tcp on this system")
    rows = [line.split() for line in listening.read_text().splitlines()[1:]]
    listen = "0A"

    places = [
        row[1] for row in rows if row[3] == listen and int(row[1].rpartition(":")[2], 16) == emulator.port
    ]

    assert places == [f"{int.from_bytes(socket.inet_aton('127.0.0.1'), 'little'):08X}:{emulator.port:04X}"]


@pytest.mark.parametrize("mend", range(16))
def test_another_version_of_the_emulator_is_refused_by_what_cannot_be_mended(mend: int) -> None:
    code = f"""
import sys; sys.path.insert(0, {str(LAUNCHER.parent)!r})
import emulator
try:
    emulator.apply_mend(emulator.MENDS[{mend}]._replace(changes=(("not in the source", ""),)))
except emulator.MendError as error:
    print(error)
"""

    done = subprocess.run([str(TOOLS), "-c", code], capture_output=True, text=True, check=True)

    assert "is not as expected in ministack" in done.stdout
    assert "Install ministack[full]==" in done.stdout


def test_a_schedule_calls_a_function_each_minute(emulator: Emulator) -> None:
    wait_for(lambda: emulator.calls("schedule") >= 1, 120, "the schedule's first call")


def test_state_survives_an_orderly_stop_and_running_executions_do_not(emulator: Emulator) -> None:
    s3, table = emulator.client("s3"), emulator.client("dynamodb")
    s3.put_object(Bucket="probe-inbox", Key="kept/ü.bin", Body=b"kept")
    table.put_item(TableName="probe", Item={"pk": {"S": "kept"}, "owners": {"M": {"a": {"S": "1"}}}})
    emulator.client("ssm").put_parameter(Name="/probe/kept", Value="kept", Type="String")
    running = emulator.execution({"Call": invoke_with_token({"Do": "keep-token", "Name": "token-4"})}, "Call")
    wait_for(lambda: bool(emulator.row("token-4")), 60, "the token")
    retry = [{"ErrorEquals": ["States.TaskFailed"], "IntervalSeconds": 60, "MaxAttempts": 9}]
    untold = emulator.execution({"Tell": telling("aws.probe", Retry=retry)}, "Tell", {"Id": "tried-on"})
    wait_for(lambda: emulator.entered(untold) == ["Tell"], 60, "the first try")
    emulator.execution({"Call": invoke({"Do": "sleep", "Name": "asleep"}, TimeoutSeconds=60)}, "Call")
    wait_for(lambda: emulator.calls("asleep") == 1, 60, "a function that is at work for 25 seconds")
    began = time.monotonic()

    assert emulator.stop()
    assert time.monotonic() - began < 20, "it waits for no function"
    emulator.start()

    assert s3.get_object(Bucket="probe-inbox", Key="kept/ü.bin")["Body"].read() == b"kept"
    assert emulator.row("kept")["owners"]["M"] == {"a": {"S": "1"}}
    assert emulator.client("ssm").get_parameter(Name="/probe/kept")["Parameter"]["Value"] == "kept"
    assert emulator.stack()["StackStatus"] == "CREATE_COMPLETE"
    assert emulator.output_of({"Call": invoke({"Page": 1})}, "Call")["Payload"] == {"Page": 1}
    found = emulator.ended(running)
    assert (found["status"], found["error"]) == ("FAILED", "States.ServiceRestart")
    wait_for(lambda: emulator.entered(untold) == ["Tell"], 60, "the event's execution to go on")
    assert emulator.client("stepfunctions").describe_execution(executionArn=untold)["status"] == "RUNNING"
    emulator.client("stepfunctions").stop_execution(executionArn=untold)
    emulator.client("sns").publish(
        TopicArn=emulator.output("TopicArn"), Message=json.dumps({"Name": "restarted", "Failures": 0})
    )
    wait_for(lambda: emulator.calls("topic/restarted") == 1, 60, "SNS to call a function after the restart")


def test_little_is_lost_when_it_is_killed(emulator: Emulator) -> None:
    saved = emulator.state / "state" / "dynamodb.json"
    emulator.client("dynamodb").put_item(TableName="probe", Item={"pk": {"S": "before-the-crash"}})
    running = emulator.execution({"Call": invoke_with_token({"Do": "keep-token", "Name": "token-5"})}, "Call")
    wait_for(lambda: bool(emulator.row("token-5")), 60, "the token")
    executions = saved.with_name("stepfunctions.json")
    wait_for(lambda: saved.exists() and "token-5" in saved.read_text(), 60, "the table to be saved")
    wait_for(lambda: executions.exists() and running in executions.read_text(), 60, "its execution, too")

    emulator.kill()
    emulator.start()

    assert emulator.row("before-the-crash")
    assert emulator.output_of({"Call": invoke({"Page": 1})}, "Call")["Payload"] == {"Page": 1}
    found = emulator.ended(running)
    assert (found["status"], found["error"]) == ("FAILED", "States.ServiceRestart")
