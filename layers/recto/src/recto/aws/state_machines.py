"""Executions of one state machine, started by name and looked at: what programs outside of it need."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from recto.aws.clients import client, code_of, errors_of
from recto.errors import ConfigurationError

RUNNING = frozenset({"RUNNING", "PENDING_REDRIVE"})
SUCCEEDED = "SUCCEEDED"
ABSENT = {"StateMachineDoesNotExist": ConfigurationError, "InvalidArn": ConfigurationError}


class Run(NamedTuple):
    """An execution as Step Functions tells it."""

    status: str
    error: str = ""
    cause: str = ""

    @property
    def is_running(self) -> bool:
        return self.status in RUNNING

    @property
    def went_well(self) -> bool:
        return self.status == SUCCEEDED


class StateMachine:
    """A state machine by its ARN."""

    def __init__(self, caller: str, arn: str) -> None:
        self._states = client("stepfunctions", caller, retries=10)
        self._arn = arn

    def start(self, name: str, content: Mapping[str, Any]) -> bool:
        """Start an execution; False where there is or was one of that name."""
        body = json.dumps(content, sort_keys=True)
        with errors_of(f"StartExecution {name}", ABSENT):
            try:
                self._states.start_execution(stateMachineArn=self._arn, name=name, input=body)
            except ClientError as error:
                if code_of(error) == "ExecutionAlreadyExists":
                    return False
                raise
        return True

    def running(self) -> set[str]:
        """The names of all executions under way."""
        pages = self._states.get_paginator("list_executions")
        with errors_of(f"ListExecutions {self._arn}", ABSENT):
            return {
                str(execution["name"])
                for page in pages.paginate(stateMachineArn=self._arn, statusFilter="RUNNING")
                for execution in page["executions"]
            }

    def look(self, name: str) -> Run | None:
        """An execution; None where there is none of that name."""
        arn = self._arn.replace(":stateMachine:", ":execution:") + f":{name}"
        with errors_of(f"DescribeExecution {name}"):
            try:
                told = self._states.describe_execution(executionArn=arn)
            except ClientError as error:
                if code_of(error) == "ExecutionDoesNotExist":
                    return None
                raise
        return Run(str(told["status"]), str(told.get("error") or ""), str(told.get("cause") or ""))
