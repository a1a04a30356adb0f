"""The built pages as static files: names with a hash are kept forever, the entry page never."""

import hashlib
from functools import lru_cache
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Scope

from recto_workbench.web.headers import FOR_FRAMES, FOREVER, NO_STORE, page_policy
from recto_workbench.web.parts import Web, web_of

PAGES = Path(__file__).resolve().parent.parent / "static"
"""Beside the code, in the repository and in the layer."""


class _Files(StaticFiles):
    """Files with headers of their own, compressed: API Gateway does not."""

    def __init__(self, folder: Path, headers: dict[str, str]) -> None:
        super().__init__(directory=folder, check_dir=False)
        self._headers = headers

    async def get_response(self, path: str, scope: Scope) -> Response:
        if path.startswith("."):
            raise HTTPException(404)
        response = await super().get_response(path, scope)
        response.headers.update(self._headers)
        return response


class _Versioned(_Files):
    """Files whose address may carry a hash of their content as `?v=`; without it they are asked for anew."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        if not scope["query_string"].startswith(b"v="):
            response.headers["Cache-Control"] = "no-cache"
        return response


def page_routes(web: Web) -> list[Mount | Route]:
    """What is not the API: assets, elements for frames, and the entry page for every path of its own."""
    policy = {"Content-Security-Policy": page_policy(web.page_sources, f"{web.url}/frames/")}
    ours = {**policy, "Cross-Origin-Resource-Policy": "same-origin"}
    return [
        Mount("/frame-assets", _packed(_Versioned(web.pages / "frame-assets", {**FOREVER, **FOR_FRAMES}))),
        Mount("/assets", _packed(_Files(web.pages / "assets", {**FOREVER, **ours}))),
        Route("/{path:path}", entry_page),
    ]


def _packed(files: ASGIApp) -> ASGIApp:
    return GZipMiddleware(files, minimum_size=1000)


async def entry_page(request: Request) -> Response:
    """index.html, which finds its own way from the path; a file beside it by its name."""
    web, path = web_of(request), request.path_params["path"]
    policy = page_policy(web.page_sources, f"{web.url}/frames/")
    headers = {**NO_STORE, "Content-Security-Policy": policy, "Cross-Origin-Opener-Policy": "same-origin"}
    name = path if "." in path.rpartition("/")[2] else "index.html"
    return await _Files(web.pages, headers).get_response(name, request.scope)


@lru_cache(maxsize=16)
def version_of(pages: Path, path: str) -> str:
    """A hash of a page's content, so that its address changes with it."""
    file = pages / path.lstrip("/")
    return hashlib.sha256(file.read_bytes()).hexdigest()[:16] if file.is_file() else "none"
