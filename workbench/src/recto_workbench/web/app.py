"""The web process as an ASGI application; `functions/workbench` puts it behind API Gateway."""

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from recto.errors import RectoError
from recto_workbench.web.answers import crashed, logger, refused, told
from recto_workbench.web.api import api_routes
from recto_workbench.web.documents import document_routes
from recto_workbench.web.frames import frame_page
from recto_workbench.web.headers import common
from recto_workbench.web.pages import page_routes
from recto_workbench.web.parts import Web
from recto_workbench.web.reviews import review_routes


def create_app(web: Web) -> Starlette:
    """The application over its parts."""
    routes = [
        *api_routes(),
        *review_routes(),
        *document_routes(),
        Route("/api/{rest:path}", _no_such_path, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
        Route("/frames/{token}", frame_page),
        *page_routes(web),
    ]
    handlers = {RectoError: told, HTTPException: refused}
    middleware = [Middleware(_Outermost, headers=dict(common(web.url)))]
    app = Starlette(routes=routes, exception_handlers=handlers, middleware=middleware)
    app.state.web = web
    return app


def _no_such_path(_: object) -> None:
    raise HTTPException(404, "there is no such operation")


class _Outermost:
    """The headers that every answer has, and an answer for what crashes."""

    def __init__(self, app: ASGIApp, headers: dict[str, str]) -> None:
        self._app = app
        self._headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        has_begun = False

        async def send_with_headers(message: Message) -> None:
            nonlocal has_begun
            if message["type"] == "http.response.start":
                has_begun = True
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except Exception:
            if has_begun:
                raise
            logger.exception("request_crashed", extra={"path": scope["path"]})
            await crashed()(scope, receive, send_with_headers)
