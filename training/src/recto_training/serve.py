"""The web server of a model's container, in the form that SageMaker asks for. Not the models themselves.

    python -m recto_training serve --kind word --model FOLDER --port 8080

`GET /ping` and `POST /invocations`; what is answered depends on the kind (see ENDPOINTS). A refusal is
{"Error": name, "Message": why} with a status below 500, whatever comes in. Source of the contract:
https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html
"""

import shutil
import tempfile
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from anyio import CapacityLimiter, to_thread
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from recto.errors import RectoError
from recto_training.serve_requests import RequestRefusedError, refusal_of

ENDPOINTS = {
    "word": "recto_training.serve_words",
    "thumbnails": "recto_training.thumbnailer",
    "normaliser": "recto_training.normaliser.serve",
}
"""Kind of endpoint to the module whose `open_endpoint(model, environment)` makes it, imported on demand."""
MAX_REQUEST_BYTES = 1024**3
"""What SageMaker lets through at most, to an asynchronous endpoint."""


class Asked(NamedTuple):
    """A request whose body lies in a file."""

    body: Path
    content_type: str
    """Lower case, without parameters."""
    accept: str


class Answer(NamedTuple):
    """A file to send back."""

    body: Path
    media_type: str


class Endpoint(Protocol):
    """What answers for a model, one request at a time."""

    def describe(self) -> Mapping[str, Any]:
        """What `/ping` tells."""
        ...

    def answer(self, asked: Asked, folder: Path) -> Answer:
        """The answer, made in `folder`. RequestRefusedError or a RectoError where there is none."""
        ...


def open_endpoint(kind: str, model: Path, environment: Mapping[str, str]) -> Endpoint:
    """The endpoint of a kind over a model's folder; ConfigurationError where they do not fit."""
    endpoint: Endpoint = import_module(ENDPOINTS[kind]).open_endpoint(model, environment)
    return endpoint


class ModelServer:
    """The web server over one endpoint."""

    def __init__(self, endpoint: Endpoint, max_request_bytes: int = MAX_REQUEST_BYTES) -> None:
        self._endpoint = endpoint
        self._max_request_bytes = max_request_bytes
        self._one_at_a_time: CapacityLimiter | None = None

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/ping", self.ping, methods=["GET"]),
                Route("/invocations", self.invocations, methods=["POST"]),
            ]
        )

    async def ping(self, _: Request) -> Response:
        return JSONResponse(dict(self._endpoint.describe()))

    async def invocations(self, request: Request) -> Response:
        folder = Path(tempfile.mkdtemp(prefix="recto-endpoint-"))
        clean_up = BackgroundTask(shutil.rmtree, folder, ignore_errors=True)
        try:
            asked = await self._received(request, folder / "request")
            answer = await to_thread.run_sync(self._endpoint.answer, asked, folder, limiter=self._limiter)
        except (RequestRefusedError, RectoError) as error:
            status, body = refusal_of(error)
            return JSONResponse(body, status, background=clean_up)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return FileResponse(answer.body, media_type=answer.media_type, background=clean_up)

    @property
    def _limiter(self) -> CapacityLimiter:
        """Two models at work at once would only take each other's cores. Belongs to the running loop."""
        self._one_at_a_time = self._one_at_a_time or CapacityLimiter(1)
        return self._one_at_a_time

    async def _received(self, request: Request, path: Path) -> Asked:
        limit, size = self._max_request_bytes, 0
        with path.open("wb") as file:
            async for chunk in request.stream():
                size += len(chunk)
                if size > limit:
                    raise RequestRefusedError(
                        413, "RequestTooLargeError", f"the body has more than {limit:,} bytes"
                    )
                file.write(chunk)
        if not size:
            raise RequestRefusedError(400, "InvalidRequestError", "the body is empty")
        return Asked(path, media_type(request.headers.get("content-type")), request.headers.get("accept", ""))


def media_type(header: str | None) -> str:
    """The type in a Content-Type header, without its parameters."""
    return (header or "").partition(";")[0].strip().lower()


def accepted(header: str, offered: tuple[str, ...]) -> str:
    """The type of `offered` that an Accept header asks for first; 406 where it asks for others only."""
    asked = [media_type(part) for part in header.split(",") if part.strip()]
    for each in asked or ["*/*"]:
        if each == "*/*":
            return offered[0]
        if each in offered:
            return each
    raise RequestRefusedError(
        406, "UnsupportedAcceptError", f"Accept {header!r}: expected one of {', '.join(offered)}"
    )
