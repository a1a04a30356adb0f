"""What a check found, and what the checks look at."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from functools import cached_property
from typing import Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from recto.aws.clients import client, code_of, errors_of
from recto.errors import AccessError, ConfigurationError, RectoError
from recto_cli.deployed import Resources, resources_of
from recto_cli.stack import CALLER, Stack

MISSING = frozenset(
    {
        "ResourceNotFoundException", "ResourceNotFound", "NotFound", "NotFoundException", "404",
        "AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist", "NoSuchBucket", "NoSuchEntity",
    }
)  # fmt: skip


class State(StrEnum):
    """How something stands."""

    OK = "ok"
    REMARK = "remark"
    """Works, but somebody should know."""
    NOT_CHECKED = "not checked"
    PROBLEM = "problem"


class Fix(NamedTuple):
    """Something safe that mends a problem: it gives nobody a right and deletes nothing."""

    what: str
    do: Callable[[], object]


class Finding(NamedTuple):
    """What one check says of one thing."""

    check: str
    state: State
    told: str
    advice: str = ""
    """What to do about it."""
    fix: Fix | None = None


class Deployment:
    """One deployment, looked at from outside with the rights of who asks."""

    def __init__(self, stack: Stack, *, is_local: bool, try_model: bool = True) -> None:
        self.stack, self.is_local, self.try_model = stack, is_local, try_model

    @cached_property
    def resources(self) -> Resources:
        return resources_of(self.stack)

    @cached_property
    def about(self) -> Mapping[str, Any]:
        """CloudFormation's description of the stack."""
        name = self.stack.name("static/StackName")
        with errors_of(f"DescribeStacks {name}"):
            (found,) = client("cloudformation", CALLER).describe_stacks(StackName=name)["Stacks"]
        return dict(found)

    @cached_property
    def parameters(self) -> dict[str, str]:
        """The template's parameters as they were deployed."""
        return {
            each["ParameterKey"]: each.get("ParameterValue", "") for each in self.about.get("Parameters", ())
        }

    def client(self, service: str) -> Any:
        return client(service, CALLER)


Check = Callable[[Deployment], Iterable[Finding]]


def ok(check: str, told: str) -> Finding:
    return Finding(check, State.OK, told)


def remark(check: str, told: str, advice: str = "") -> Finding:
    return Finding(check, State.REMARK, told, advice)


def not_checked(check: str, why: str) -> Finding:
    return Finding(check, State.NOT_CHECKED, why)


def problem(check: str, told: str, advice: str, fix: Fix | None = None) -> Finding:
    return Finding(check, State.PROBLEM, told, advice, fix)


def or_ok(check: str, told: str, problems: Iterable[Finding]) -> Iterator[Finding]:
    """The problems, or that all is well where there are none."""
    found = list(problems)
    yield from found or [ok(check, told)]


def is_missing(error: ClientError) -> bool:
    """Whether the service says that the thing is not there."""
    code = code_of(error)
    return code in MISSING or code.startswith("NoSuch")


@contextmanager
def asking(operation: str) -> Iterator[None]:
    """A question that may not be allowed or known here: NotAskedError then, so that silence is never ok."""
    try:
        with errors_of(operation):
            yield
    except AccessError as error:
        raise NotAskedError(f"your role may not: {error}") from error
    except ClientError as error:
        if is_missing(error):
            raise
        raise NotAskedError(f"{operation}: {code_of(error)}") from error
    except (RectoError, BotoCoreError) as error:
        raise NotAskedError(str(error)) from error


class NotAskedError(ConfigurationError):
    """A check could not be made; the message says why."""


def look(name: str, check: Check, deployment: Deployment) -> list[Finding]:
    """A check's findings; one that cannot be made says so and stops no other."""
    found: list[Finding] = []
    try:
        found.extend(check(deployment))
    except NotAskedError as error:
        found.append(not_checked(name, str(error)))
    except (RectoError, ClientError, BotoCoreError) as error:
        found.append(not_checked(name, f"{type(error).__name__}: {error}"))
    return found
