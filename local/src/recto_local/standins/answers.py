"""How a service answers on the wire: AWS JSON, AWS RPC over CBOR, REST JSON; and its errors."""

import json
import uuid
from datetime import UTC, datetime
from typing import Any

from starlette.responses import Response

from recto_local.standins import cbor


class ServiceError(Exception):
    """An error with the code and HTTP status that the service documents."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.status = status

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


def json_answer(values: dict[str, Any], media_type: str) -> Response:
    """A result as AWS JSON or REST JSON; times in seconds since 1970."""
    return _answer(json.dumps(values, default=_seconds).encode(), 200, media_type, {})


def json_error(error: ServiceError, media_type: str) -> Response:
    body = json.dumps({"__type": error.code, "message": error.message, "Message": error.message}).encode()
    return _answer(body, error.status, media_type, {"x-amzn-ErrorType": error.code})


def cbor_answer(values: dict[str, Any]) -> Response:
    return _answer(cbor.dumps(values), 200, "application/cbor", {"smithy-protocol": "rpc-v2-cbor"})


def cbor_error(error: ServiceError) -> Response:
    body = cbor.dumps({"__type": error.code, "message": error.message})
    return _answer(body, error.status, "application/cbor", {"smithy-protocol": "rpc-v2-cbor"})


def _answer(body: bytes, status: int, media_type: str, headers: dict[str, str]) -> Response:
    return Response(body, status, {"x-amzn-RequestId": str(uuid.uuid4()), **headers}, media_type)


def _seconds(value: Any) -> float:
    if isinstance(value, datetime):
        return value.astimezone(UTC).timestamp()
    raise TypeError(f"cannot write {type(value).__name__} as JSON")
