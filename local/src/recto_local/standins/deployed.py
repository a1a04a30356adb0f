"""Operations that the deployed stack answers: handed on to its function, which has the one implementation.

The function checks shapes and answers in the service's own: `{"Operation", "Parameters"}` in, `{"Result"}`
or `{"Error": {"Code", "Message"}}` out.
"""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from recto_local.standins.answers import ServiceError

FAULT = "InternalFailure"


class ControlPlane:
    """One function of a project. `clients` gives boto3's by service; `statuses` are HTTP's, by error code."""

    operations: ClassVar[frozenset[str]] = frozenset()
    parameter: ClassVar[str] = ""
    """Where the stack says the function's name: the last part of a static parameter's."""
    statuses: ClassVar[Mapping[str, int]] = {}

    def __init__(self, project: str, clients: Callable[[str], Any]) -> None:
        self._project = project
        self._clients = clients

    def call(self, operation: str, request: Any) -> dict[str, Any]:
        """The operation's answer; ServiceError for a refusal."""
        event = json.dumps({"Operation": operation, "Parameters": request}, default=_seconds).encode()
        answer = self._clients("lambda").invoke(FunctionName=self._function(), Payload=event)
        told = json.loads(answer["Payload"].read() or b"null")
        if answer.get("FunctionError"):
            raise ServiceError(FAULT, f"the control plane failed: {told.get('errorMessage', told)}", 500)
        if "Error" in told:
            code = told["Error"]["Code"]
            raise ServiceError(code, told["Error"]["Message"], self.statuses.get(code, 400))
        result: dict[str, Any] = told["Result"]
        return result

    def _function(self) -> str:
        """Looked up each time: a deployment may have come in between."""
        name = f"/{self._project}/static/{self.parameter}"
        ssm = self._clients("ssm")
        try:
            return str(ssm.get_parameter(Name=name)["Parameter"]["Value"])
        except ssm.exceptions.ParameterNotFound as error:
            raise ServiceError(FAULT, f"parameter {name}: no control plane is deployed yet", 500) from error


def _seconds(value: Any) -> float:
    if isinstance(value, datetime):
        return value.astimezone(UTC).timestamp()
    raise TypeError(f"cannot write {type(value).__name__} as JSON")
