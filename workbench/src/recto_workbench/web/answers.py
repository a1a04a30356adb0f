"""What goes out: JSON, and an error's status and name."""

import json
from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools import Logger
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from recto.errors import RectoError, TransientError
from recto_workbench.errors import (
    AlreadySubmittedError,
    NonceError,
    NotAllowedError,
    NotSignedInError,
    RefusedError,
    TaskExpiredError,
    TaskMissingError,
    TooLargeError,
)
from recto_workbench.web.headers import NO_STORE
from recto_workbench.web.sign_in import SIGN_IN_PATH

logger = Logger()

STATUSES: Mapping[type[RectoError], int] = {
    NotSignedInError: 401,
    NotAllowedError: 403,
    TaskMissingError: 404,
    TaskExpiredError: 409,
    AlreadySubmittedError: 409,
    NonceError: 409,
    TooLargeError: 413,
    RefusedError: 400,
    TransientError: 503,
}
"""First fit first; what is none of these is a fault of ours or of what was stored."""


def answer(value: Mapping[str, Any], status: int = 200) -> JSONResponse:
    """JSON that no cache keeps."""
    return JSONResponse(dict(value), status, headers=NO_STORE)


def status_of(error: RectoError) -> int:
    return next((status for kind, status in STATUSES.items() if isinstance(error, kind)), 500)


def told(request: Request, error: Exception) -> Response:
    """A RectoError by its name; a sign-in that is missing says where to sign in."""
    if not isinstance(error, RectoError):
        raise error
    status = status_of(error)
    if status >= 500:
        logger.error("request_failed", extra={"path": request.url.path, "error": type(error).__name__})
    value: dict[str, Any] = {"error": type(error).__name__, "message": str(error)}
    if isinstance(error, NotSignedInError):
        value["sign_in"] = SIGN_IN_PATH
    return answer(value, status)


def refused(_: Request, error: Exception) -> Response:
    """No such path, or another method."""
    if not isinstance(error, HTTPException):
        raise error
    return answer({"error": "RequestError", "message": str(error.detail)}, error.status_code)


def crashed() -> Response:
    """For a bug of ours: it goes to the log, nothing of it to the browser."""
    return answer({"error": "InternalError", "message": "something went wrong on our side"}, 500)


def too_large(response: Mapping[str, Any], most: int) -> dict[str, Any] | None:
    """What stands in for a function's answer that API Gateway would not carry; None where it would."""
    size = len(json.dumps(response))
    if size <= most:
        return None
    logger.error("answer_too_large", extra={"bytes": size})
    message = f"the answer has {size:,} bytes, at most {most:,} are carried"
    return {
        "statusCode": 413,
        "headers": {"content-type": "application/json", **{k.lower(): v for k, v in NO_STORE.items()}},
        "body": json.dumps({"error": TooLargeError.__name__, "message": message}),
        "isBase64Encoded": False,
    }
