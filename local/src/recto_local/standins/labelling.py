"""Labelling jobs and work teams of the SageMaker API: handed on to the deployed control plane.

There is one implementation, the function `labelling_control`, which checks shapes and answers in the
service's own.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from recto_local.standins.answers import ServiceError

OPERATIONS = frozenset(
    {
        "CreateLabelingJob", "DescribeLabelingJob", "ListLabelingJobs", "ListLabelingJobsForWorkteam",
        "StopLabelingJob", "RenderUiTemplate", "CreateWorkteam", "DescribeWorkteam", "ListWorkteams",
        "UpdateWorkteam", "DeleteWorkteam", "DescribeWorkforce", "ListWorkforces", "ListSubscribedWorkteams",
    }
)  # fmt: skip
FAULT = "InternalFailure"


class Labelling:
    """The control plane of one project. `clients` gives boto3's by service."""

    def __init__(self, project: str, clients: Callable[[str], Any]) -> None:
        self._project = project
        self._clients = clients

    @property
    def operations(self) -> frozenset[str]:
        return OPERATIONS

    def call(self, operation: str, request: Any) -> dict[str, Any]:
        """The operation's answer; ServiceError for a refusal."""
        event = json.dumps({"Operation": operation, "Parameters": request}, default=_seconds).encode()
        answer = self._clients("lambda").invoke(FunctionName=self._function(), Payload=event)
        told = json.loads(answer["Payload"].read() or b"null")
        if answer.get("FunctionError"):
            raise ServiceError(FAULT, f"the control plane failed: {told.get('errorMessage', told)}", 500)
        if "Error" in told:
            raise ServiceError(told["Error"]["Code"], told["Error"]["Message"])
        result: dict[str, Any] = told["Result"]
        return result

    def _function(self) -> str:
        """Looked up each time: a deployment may have come in between."""
        name = f"/{self._project}/static/LabellingControlFunction"
        ssm = self._clients("ssm")
        try:
            return str(ssm.get_parameter(Name=name)["Parameter"]["Value"])
        except ssm.exceptions.ParameterNotFound as error:
            raise ServiceError(FAULT, f"parameter {name}: no control plane is deployed yet", 500) from error


def _seconds(value: Any) -> float:
    if isinstance(value, datetime):
        return value.astimezone(UTC).timestamp()
    raise TypeError(f"cannot write {type(value).__name__} as JSON")
