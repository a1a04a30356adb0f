"""What goes out: JSON, and an error's status and name."""

import gzip
import json
from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools import Logger
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from recto.errors import (
    DocumentMissingError,
    RectoError,
    ReprocessRefusedError,
    ResultMissingError,
    TransientError,
)
from recto_workbench.errors import (
    AlreadySubmittedError,
    AnswerIncompleteError,
    ClaimLostError,
    NonceError,
    NotAllowedError,
    NotSignedInError,
    RefusedError,
    ReviewClosedError,
    ReviewMissingError,
    TaskExpiredError,
    TaskMissingError,
    TooLargeError,
)
from recto_workbench.loops import Loop
from recto_workbench.tasks import Worker
from recto_workbench.web.headers import NO_STORE, takes_gzip
from recto_workbench.web.sign_in import SIGN_IN_PATH

logger = Logger()

WORTH_PACKING = 2_000
"""Bytes."""

STATUSES: Mapping[type[RectoError], int] = {
    NotSignedInError: 401,
    NotAllowedError: 403,
    TaskMissingError: 404,
    TaskExpiredError: 409,
    AlreadySubmittedError: 409,
    NonceError: 409,
    TooLargeError: 413,
    ReviewMissingError: 404,
    ReviewClosedError: 409,
    ClaimLostError: 409,
    AnswerIncompleteError: 422,
    RefusedError: 400,
    DocumentMissingError: 404,
    ReprocessRefusedError: 409,
    ResultMissingError: 409,
    TransientError: 503,
}
"""First fit first; what is none of these is a fault of ours or of what was stored."""


def answer(value: Mapping[str, Any], status: int = 200) -> JSONResponse:
    """JSON that no cache keeps."""
    return JSONResponse(dict(value), status, headers=NO_STORE)


def answer_packed(request: Request, value: Mapping[str, Any]) -> Response:
    """The same, packed where the browser takes it: API Gateway does not, and 6 MB are the most it carries."""
    response = answer(value)
    body = bytes(response.body)
    response.headers["Vary"] = "Accept-Encoding"
    if len(body) < WORTH_PACKING or not takes_gzip(request):
        return response
    headers = {**response.headers, "content-encoding": "gzip"}
    del headers["content-length"]
    return Response(gzip.compress(body, compresslevel=6, mtime=0), headers=headers)


def audit(worker: Worker, what: str, **of: str) -> None:
    """Who did what to which review or document, without a word of what is in it."""
    logger.info("audit", extra={"who": worker.worker_id, "what": what, **of})


def names_of(loop: Loop) -> dict[str, str]:
    """Which review it is, and of which document."""
    correlation = loop.correlation_id or loop.document_id
    return {"review": loop.name, "document": loop.document_id, "correlation_id": correlation}


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
    if isinstance(error, AnswerIncompleteError):
        value["problems"] = list(error.problems)
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
