"""The small adapters: Step Functions, events, Parameter Store, Lambda, Amazon A2I."""

import json
from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any

from botocore.exceptions import ClientError

from recto.aws.calls import TALLY
from recto.aws.clients import client, code_of, errors_of
from recto.aws.tracing import own_trace
from recto.cost import Unit
from recto.errors import (
    ConfigurationError,
    ParameterMissingError,
    ServiceUnavailableError,
    ThrottledError,
)
from recto.messages import ExecutionInput, Message
from recto.places import event_name
from recto.transitions import EVENT_TRANSITIONS

NOBODY_WAITS = frozenset({"TaskTimedOut", "TaskDoesNotExist", "InvalidToken"})
ENDED = frozenset({"ExecutionDoesNotExist", "ValidationException"})
"""What stopping an execution may say that runs no more."""
UNDEFINED = frozenset({"", "undefined", "null", "None"})
BUSY = frozenset({"ThrottlingException", "InternalServerException", "ServiceQuotaExceededException"})
"""What the workbench's control function says where trying again may help."""
MAX_CAUSE = 32_768
MAX_ERROR = 256


class StepFunctionsWorkflow:
    """`recto.ports.Workflow` over Step Functions."""

    def __init__(self, caller: str, state_machine_arn: str = "") -> None:
        self._states = client("stepfunctions", caller)
        self._states.meta.events.register("before-call.sfn.StartExecution", own_trace)
        self._machine = state_machine_arn

    def start(self, name: str, execution: ExecutionInput) -> str:
        body = json.dumps(execution.dump(), ensure_ascii=True, sort_keys=True)
        with errors_of(f"StartExecution {name}"):
            try:
                answer = self._states.start_execution(stateMachineArn=self._machine, name=name, input=body)
            except ClientError as error:
                if code_of(error) == "ExecutionAlreadyExists":
                    return self._arn(name)
                raise
        return str(answer["executionArn"])

    def _arn(self, name: str) -> str:
        return self._machine.replace(":stateMachine:", ":execution:") + f":{name}"

    def is_running(self, name: str) -> bool:
        with errors_of(f"DescribeExecution {name}"):
            try:
                answer = self._states.describe_execution(executionArn=self._arn(name))
            except ClientError as error:
                if code_of(error) == "ExecutionDoesNotExist":
                    return False
                raise
        return bool(answer["status"] in ("RUNNING", "PENDING_REDRIVE"))

    def stop(self, name: str, error: str, cause: str) -> None:
        with errors_of(f"StopExecution {name}"):
            try:
                self._states.stop_execution(
                    executionArn=self._arn(name), error=error[:MAX_ERROR], cause=cause[:MAX_CAUSE]
                )
            except ClientError as error_:
                if code_of(error_) not in ENDED:
                    raise

    def succeed(self, task_token: str, output: Mapping[str, Any]) -> bool:
        return self._tell("send_task_success", taskToken=task_token, output=json.dumps(output))

    def fail(self, task_token: str, error: str, cause: str) -> bool:
        return self._tell(
            "send_task_failure", taskToken=task_token, error=error[:MAX_ERROR], cause=cause[:MAX_CAUSE]
        )

    def _tell(self, operation: str, **request: str) -> bool:
        with errors_of(operation):
            try:
                getattr(self._states, operation)(**request)
            except ClientError as error:
                if code_of(error) in NOBODY_WAITS:
                    return False
                raise
        return True


class EventExecutions:
    """`recto.ports.Events` over the state machine `event`: each event is an execution, which sends it.

    A function that is killed between sending an event and noting so would send it again. An execution is
    started once by its name, whoever asks how often (docs.aws.amazon.com/step-functions: StartExecution). Who
    asks again while it runs is answered as if it had been started, and counts it once more in the account.
    """

    def __init__(self, caller: str, state_machine_arn: str) -> None:
        self._states = client("stepfunctions", caller)
        self._machine = state_machine_arn

    def publish(self, kind: str, detail: Mapping[str, Any], of: str) -> None:
        name, body = event_name(of, kind), json.dumps({"Kind": kind, "Detail": detail})
        with errors_of(f"StartExecution {name}"):
            try:
                self._states.start_execution(stateMachineArn=self._machine, name=name, input=body)
            except ClientError as error:
                if code_of(error) == "ExecutionAlreadyExists":
                    return
                raise
        TALLY.add(Unit.STATES_TRANSITION, EVENT_TRANSITIONS)
        TALLY.add(Unit.EVENTS_EVENT, Decimal(1))


class ParameterStore:
    """`recto.ports.Parameters` over Systems Manager."""

    def __init__(self, caller: str) -> None:
        self._ssm = client("ssm", caller)

    def read(self, name: str) -> str:
        with errors_of(f"GetParameter {name}", {"ParameterNotFound": ParameterMissingError}):
            value = str(self._ssm.get_parameter(Name=name)["Parameter"]["Value"])
        if value.strip() in UNDEFINED:
            raise ParameterMissingError(f"parameter {name}: expected a value, it says {value!r}")
        return value

    def version(self, name: str) -> int:
        with errors_of(f"GetParameter {name}", {"ParameterNotFound": ParameterMissingError}):
            return int(self._ssm.get_parameter(Name=name)["Parameter"]["Version"])

    def write(self, name: str, value: str) -> int:
        with errors_of(f"PutParameter {name}"):
            answer = self._ssm.put_parameter(Name=name, Value=value, Type="String", Overwrite=True)
        return int(answer["Version"])


class LambdaFunctions:
    """`recto.ports.Functions` over Lambda."""

    def __init__(self, caller: str) -> None:
        self._functions = client("lambda", caller)

    def invoke_later(self, function: str, payload: Mapping[str, Any]) -> None:
        with errors_of(f"Invoke {function}"):
            self._functions.invoke(
                FunctionName=function, InvocationType="Event", Payload=json.dumps(payload).encode()
            )


class DeskHumanLoops:
    """`recto.ports.HumanLoops` over the workbench's control function, which has A2I's operations."""

    def __init__(self, caller: str, function: str) -> None:
        self._functions = client("lambda", caller)
        self._function = function

    def start(self, flow_definition_arn: str, name: str, content: Mapping[str, Any]) -> None:
        request = {
            "HumanLoopName": name,
            "FlowDefinitionArn": flow_definition_arn,
            "HumanLoopInput": {"InputContent": json.dumps(content)},
        }
        self._call("StartHumanLoop", request, passes={"ConflictException"})

    def stop(self, name: str) -> None:
        passes = {"ResourceNotFoundException", "ValidationException"}
        self._call("StopHumanLoop", {"HumanLoopName": name}, passes)

    def _call(self, operation: str, parameters: Mapping[str, Any], passes: Collection[str]) -> None:
        """ConfigurationError for a refusal; one of `passes` is none."""
        event = json.dumps({"Operation": operation, "Parameters": parameters}).encode()
        what = f"{operation} {parameters['HumanLoopName']}"
        with errors_of(f"Invoke {self._function}: {what}"):
            answer = self._functions.invoke(FunctionName=self._function, Payload=event)
        told = json.loads(answer["Payload"].read())
        if "FunctionError" in answer:
            raise ServiceUnavailableError(f"{what}: {told.get('errorType')}: {told.get('errorMessage')}")
        error = told.get("Error")
        if error and error["Code"] not in passes:
            kind = ThrottledError if error["Code"] in BUSY else ConfigurationError
            raise kind(f"{what}: {error['Code']}: {error.get('Message')}")


class DeskQueue:
    """`recto.ports.Desk` over the queue of the desk of the review."""

    def __init__(self, caller: str, url: str) -> None:
        self._queues = client("sqs", caller)
        self._url = url

    def tell(self, news: Message) -> None:
        with errors_of(f"SendMessage {self._url}"):
            self._queues.send_message(QueueUrl=self._url, MessageBody=json.dumps(news.dump()))


class A2iHumanLoops:
    """`recto.ports.HumanLoops` over the A2I runtime."""

    def __init__(self, caller: str) -> None:
        self._loops = client("sagemaker-a2i-runtime", caller)

    def start(self, flow_definition_arn: str, name: str, content: Mapping[str, Any]) -> None:
        refused = {
            "ValidationException": ConfigurationError,
            "ResourceNotFoundException": ConfigurationError,
            "ServiceQuotaExceededException": ThrottledError,  # too many open loops: passes with time
        }
        with errors_of(f"StartHumanLoop {name}", refused):
            try:
                self._loops.start_human_loop(
                    HumanLoopName=name,
                    FlowDefinitionArn=flow_definition_arn,
                    HumanLoopInput={"InputContent": json.dumps(content)},
                )
            except ClientError as error:
                if code_of(error) != "ConflictException":
                    raise

    def stop(self, name: str) -> None:
        with errors_of(f"StopHumanLoop {name}"):
            try:
                self._loops.stop_human_loop(HumanLoopName=name)
            except ClientError as error:
                if code_of(error) not in {"ResourceNotFoundException", "ValidationException"}:
                    raise
