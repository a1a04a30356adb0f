"""The workbench at an address of its own: a port that hands everything on to the emulator's HTTP API.

    python -m recto_local.front --port 4580 --emulator http://127.0.0.1:4566 --runtime .recto/runtime.json

On AWS the API has a host name; the emulator tells its APIs apart by the Host header, which no browser lets
a person set. Nothing is answered here but for the runtime's own question whether it runs.
"""

import argparse
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

HEALTH_PATH = "/_local/health"
API_OUTPUT = "WorkbenchApiId"
TIMEOUT_SECONDS = 90.0
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
HOP_BY_HOP = frozenset(
    {
        b"connection", b"host", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"te",
        b"trailer", b"transfer-encoding", b"upgrade",
    }
)  # fmt: skip
"""Headers that are between two neighbours, not between the ends."""


class Front:
    """Hands requests on to the API that the runtime's file names, as soon as there is one."""

    def __init__(self, emulator: str, runtime: Path) -> None:
        self._emulator = emulator.rstrip("/")
        self._runtime = runtime
        # A client's own jar would hand one person's session to the next.
        no_cookies = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
        self._client = httpx.AsyncClient(
            timeout=TIMEOUT_SECONDS, trust_env=False, follow_redirects=False, cookies=no_cookies
        )

    def app(self) -> Starlette:
        routes = [Route(HEALTH_PATH, _health), Route("/{path:path}", self._handed_on, methods=METHODS)]
        return Starlette(routes=routes, lifespan=self._lifespan)

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        async with self._client:
            yield

    async def _handed_on(self, request: Request) -> Response:
        api = self._api()
        if not api:
            return PlainTextResponse("the workbench is not deployed yet: recto local up", 503)
        try:
            answer = await self._client.send(await self._request(request, api), stream=True)
        except httpx.HTTPError as error:
            return PlainTextResponse(f"the emulator does not answer: {type(error).__name__}", 502)
        response = StreamingResponse(
            answer.aiter_raw(), answer.status_code, background=BackgroundTask(answer.aclose)
        )
        response.raw_headers = [pair for pair in answer.headers.raw if pair[0].lower() not in HOP_BY_HOP]
        return response

    async def _request(self, request: Request, api: str) -> httpx.Request:
        headers = [pair for pair in request.headers.raw if pair[0].lower() not in HOP_BY_HOP]
        raw_path = request.scope["raw_path"].decode("ascii")
        query = request.scope["query_string"].decode("ascii")
        return self._client.build_request(
            request.method,
            f"{self._emulator}{raw_path}{'?' + query if query else ''}",
            headers=[*headers, (b"Host", f"{api}.execute-api.localhost".encode())],
            content=await request.body(),
        )

    def _api(self) -> str:
        """The deployed API's id; empty while there is none."""
        try:
            outputs = json.loads(self._runtime.read_text()).get("outputs", {})
        except (FileNotFoundError, ValueError):
            return ""
        return str(outputs.get(API_OUTPUT, ""))


async def _health(_: Request) -> Response:
    return PlainTextResponse("ok")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m recto_local.front", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--emulator", required=True, help="the emulator's address")
    parser.add_argument("--runtime", type=Path, required=True, help="the runtime's file, with the outputs")
    options = parser.parse_args()
    app = Front(options.emulator, options.runtime).app()
    uvicorn.run(
        app, host="127.0.0.1", port=options.port, log_level="warning", timeout_graceful_shutdown=5,
        server_header=False, date_header=False,
    )  # fmt: skip


if __name__ == "__main__":
    main()
