"""The workbench's own port: what a browser sends and gets passes through unchanged."""

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from recto_local.front import Front
from recto_local.processes import free_port


async def echo(request: Request) -> Response:
    seen: dict[str, Any] = {
        "method": request.method,
        "path": request.scope["raw_path"].decode(),
        "query": request.url.query,
        "host": request.headers["host"],
        "cookie": request.headers.get("cookie"),
        "body": (await request.body()).decode(),
    }
    response = Response(json.dumps(seen), 201, media_type="application/json")
    response.set_cookie("a", "1")
    response.set_cookie("b", "2")
    return response


def served(app: Starlette) -> Iterator[str]:
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


@pytest.fixture
def emulator() -> Iterator[str]:
    methods = ["GET", "POST", "PUT", "DELETE", "OPTIONS"]
    yield from served(Starlette(routes=[Route("/{path:path}", echo, methods=methods)]))


@pytest.fixture
def runtime_file(tmp_path: Path) -> Path:
    return tmp_path / "runtime.json"


@pytest.fixture
def front(emulator: str, runtime_file: Path) -> Iterator[str]:
    yield from served(Front(emulator, runtime_file).app())


def test_everything_passes_through_to_the_deployed_api(front: str, runtime_file: Path) -> None:
    runtime_file.write_text(json.dumps({"outputs": {"WorkbenchApiId": "abcd1234"}}))

    answer = httpx.post(
        f"{front}/api/a%2Fb%20c?x=1&x=%C3%A4", content="täxt", headers={"Cookie": "s=1"}, trust_env=False
    )

    assert answer.status_code == 201
    assert answer.json() == {
        "method": "POST", "path": "/api/a%2Fb%20c", "query": "x=1&x=%C3%A4", "cookie": "s=1", "body": "täxt",
        "host": "abcd1234.execute-api.localhost",
    }  # fmt: skip
    assert [each.split(";")[0] for each in answer.headers.get_list("set-cookie")] == ["a=1", "b=2"]


def test_before_anything_is_deployed_it_says_so(front: str) -> None:
    assert httpx.get(f"{front}/_local/health", trust_env=False).status_code == 200
    assert httpx.get(front, trust_env=False).status_code == 503


def test_an_emulator_that_is_away_is_told(runtime_file: Path) -> None:
    runtime_file.write_text(json.dumps({"outputs": {"WorkbenchApiId": "abcd1234"}}))
    for url in served(Front(f"http://127.0.0.1:{free_port()}", runtime_file).app()):
        assert httpx.get(url, trust_env=False).status_code == 502


def test_a_cookie_set_for_one_browser_is_never_sent_for_another(front: str, runtime_file: Path) -> None:
    runtime_file.write_text(json.dumps({"outputs": {"WorkbenchApiId": "abcd1234"}}))
    httpx.get(f"{front}/api/sign-in", headers={"Cookie": "session=anna"}, trust_env=False)

    answer = httpx.get(f"{front}/api/me", trust_env=False)

    assert answer.json()["cookie"] is None
