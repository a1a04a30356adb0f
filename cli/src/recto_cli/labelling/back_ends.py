"""Who runs a labelling job: the stack's workbench, or Ground Truth. Operations and requests are the same."""

import json
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from typing import Any, ClassVar, Protocol

from botocore import xform_name
from botocore.exceptions import ClientError

from recto.aws.clients import FORBIDDEN, THROTTLES, client, code_of, errors_of
from recto.errors import LabelRequestError, ServiceUnavailableError
from recto_cli.stack import CALLER, Stack

CONTROL = "static/LabellingControlFunction"
ABSENT_CODES = frozenset({"ResourceNotFound", "ResourceNotFoundException"})
ABSENT_WORDS = ("could not find", "cannot find", "not found", "does not exist", "no such")
"""How SageMaker says in a ValidationException that a name is not known."""
CLOSED = "AWS has closed Ground Truth to new customers; the workbench takes the same job"


class BackEndChoice(StrEnum):
    """What `--back-end` takes."""

    WORKBENCH = "workbench"
    GROUND_TRUTH = "ground-truth"


class RefusalError(LabelRequestError):
    """The back-end refused an operation."""

    def __init__(self, operation: str, code: str, message: str) -> None:
        super().__init__(f"{operation}: {code}: {message}")
        self.code = code
        self.said = message

    @property
    def says_absent(self) -> bool:
        """Whether it is about a name that nobody knows."""
        if self.code in ABSENT_CODES:
            return True
        return self.code == "ValidationException" and any(
            words in self.said.casefold() for words in ABSENT_WORDS
        )


class BackEnd(Protocol):
    """Answers SageMaker's operations for labelling jobs and work teams."""

    choice: BackEndChoice

    def call(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """The operation's answer; RefusalError with its code otherwise."""
        ...


class Workbench:
    """The control function of the stack; IAM decides who may invoke it."""

    choice = BackEndChoice.WORKBENCH

    def __init__(self, function: str) -> None:
        self._function = function
        self._lambda = client("lambda", CALLER)

    def call(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        payload = json.dumps({"Operation": operation, "Parameters": parameters}).encode()
        with errors_of(f"Invoke {self._function}", {"ResourceNotFoundException": LabelRequestError}):
            answer = self._lambda.invoke(FunctionName=self._function, Payload=payload)
        said = answer["Payload"].read()
        if answer.get("FunctionError"):
            raise ServiceUnavailableError(f"{self._function}, {operation}: {_cause(said)}")
        return _result(operation, json.loads(said))


class GroundTruth:
    """SageMaker's own."""

    choice = BackEndChoice.GROUND_TRUTH
    closed: ClassVar[str] = CLOSED
    """What is said where AWS turns away an account for being a new customer."""

    def __init__(self) -> None:
        self._sagemaker = client("sagemaker", CALLER)

    def call(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        method: Callable[..., dict[str, Any]] = getattr(self._sagemaker, xform_name(operation))
        with errors_of(operation):
            try:
                return method(**parameters)
            except ClientError as error:
                refusal = _refusal(operation, error, self.closed)
                if refusal is None:
                    raise
                raise refusal from error


def _refusal(operation: str, error: ClientError, closed: str) -> RefusalError | None:
    """None for an error that is not about the request: throttling, rights, a fault of the service's own."""
    code, said = code_of(error), str(error.response["Error"].get("Message", ""))
    if code in FORBIDDEN and "customer" in said:
        return RefusalError(operation, code, f"{said} ({closed})")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    is_ours = status == 400 and code not in FORBIDDEN and code not in THROTTLES
    return RefusalError(operation, code, said) if is_ours else None


def _cause(said: bytes) -> str:
    try:
        told = json.loads(said)
        return f"{told.get('errorType')}: {told.get('errorMessage')}"
    except (ValueError, AttributeError):
        return said[:300].decode(errors="replace")


def _result(operation: str, answer: Any) -> dict[str, Any]:
    if isinstance(answer, dict) and isinstance(answer.get("Error"), dict):
        error = answer["Error"]
        raise RefusalError(operation, str(error.get("Code")), str(error.get("Message")))
    if not isinstance(answer, dict) or not isinstance(answer.get("Result"), dict):
        raise ServiceUnavailableError(f"{operation}: expected a Result or an Error, got {str(answer)[:200]}")
    result: dict[str, Any] = answer["Result"]
    return result


def back_end(choice: BackEndChoice, stack: Stack) -> BackEnd:
    """The one that was chosen."""
    return GroundTruth() if choice is BackEndChoice.GROUND_TRUTH else Workbench(stack.name(CONTROL))


def found(end: BackEnd, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any] | None:
    """What a Describe… answers; None where the name is not known."""
    try:
        return end.call(operation, parameters)
    except RefusalError as error:
        if error.says_absent:
            return None
        raise


def listed(
    end: BackEnd, operation: str, key: str, parameters: Mapping[str, Any] | None = None
) -> Iterator[dict[str, Any]]:
    """All entries of a List…, page by page."""
    asked = dict(parameters or {})
    while True:
        page = end.call(operation, asked)
        yield from page.get(key) or ()
        if not page.get("NextToken"):
            return
        asked["NextToken"] = page["NextToken"]
