"""boto3 clients with our retries and our name in the user agent; endpoints are the SDK's own settings."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from recto.aws.calls import watch
from recto.errors import AccessError, ConfigurationError, RectoError, ServiceUnavailableError, ThrottledError

THROTTLES = frozenset(
    {
        "Throttling", "ThrottlingException", "ThrottledException", "TooManyRequestsException", "SlowDown",
        "ProvisionedThroughputExceededException", "RequestLimitExceeded", "LimitExceededException",
        "TransactionInProgressException", "TransactionConflictException", "ExecutionLimitExceeded",
    }
)  # fmt: skip
FORBIDDEN = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "Forbidden", "403"})


def client(service: str, caller: str, retries: int = 5, session: Any = boto3, patience: int = 60) -> Any:
    """A client of `service` for the function or command `caller`, which names itself in the user agent.

    `session`: a boto3 session with keys of its own, in place of the process's. `patience`: seconds that an
    answer may take.
    """
    config = Config(
        retries={"mode": "standard", "max_attempts": retries},
        user_agent_appid=caller,
        connect_timeout=5,
        read_timeout=patience,
        max_pool_connections=16,
    )
    return watch(session.client(service, config=config))


@contextmanager
def errors_of(what: str, names: Mapping[str, type[RectoError]] | None = None) -> Iterator[None]:
    """Translate a service's errors: `names` by error code first, then the ones that all services share."""
    try:
        yield
    except ClientError as error:
        ours = translated(error, what, names or {})
        if ours is None:
            raise
        raise ours from error
    except ParamValidationError as error:  # nobody was asked: a bucket's name, say, that is none
        raise ConfigurationError(f"{what}: {error}") from error
    except BotoCoreError as error:
        raise ServiceUnavailableError(f"{what}: {type(error).__name__}: {error}") from error


def translated(error: ClientError, what: str, names: Mapping[str, type[RectoError]]) -> RectoError | None:
    """Recto's error for a service's; None where it is a bug of ours and must crash under its own name."""
    code = code_of(error)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    message = f"{what}: {code}: {error.response.get('Error', {}).get('Message', '')}"
    if code in names:
        return names[code](message)
    if code in THROTTLES or status == 429:
        return ThrottledError(message)
    if code in FORBIDDEN:
        return AccessError(message)
    return ServiceUnavailableError(message) if status >= 500 else None


def code_of(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
