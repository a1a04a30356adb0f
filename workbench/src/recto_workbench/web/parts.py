"""What the web process is made of, and what every request is checked for."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from recto_workbench.errors import NotAllowedError, RequestError, TooLargeError
from recto_workbench.steps.assignment import Desk
from recto_workbench.steps.desk import ReviewDesk
from recto_workbench.steps.document_status import Watch
from recto_workbench.steps.review_pages import PageFiles
from recto_workbench.web.sessions import Session
from recto_workbench.web.sign_in import Door, session_of

SESSION_COOKIE, SIGN_IN_COOKIE = "recto_session", "recto_sign_in"
MOST_BODY_BYTES = 5_500_000
"""A function is given 6 MB at most, and its event is more than the body."""

MOST_PAGE_DIGITS = 6
M = TypeVar("M", bound=BaseModel)


class Body(BaseModel):
    """A request's body."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


@dataclass(frozen=True)
class Web:
    """The web process's parts; `request.app.state.web`."""

    desk: Desk
    """Of labelling."""
    reviews: ReviewDesk
    files: PageFiles
    watch: Watch
    door: Door
    pages: Path
    """Folder of the built pages."""
    page_sources: tuple[str, ...] = ()
    """Where the pages around a task may load documents from and put label images."""
    aws_elements: bool = False

    @property
    def url(self) -> str:
        return self.door.url


def web_of(request: Request) -> Web:
    web: Web = request.app.state.web
    return web


def signed_in(request: Request) -> Session:
    """Whose request it is; NotSignedInError. A change must come from our own pages too: NotAllowedError."""
    if request.method not in ("GET", "HEAD"):
        check_origin(request)
    return session_of(request.cookies.get(SESSION_COOKIE, ""), web_of(request).door)


def check_origin(request: Request) -> None:
    """A change comes from our own pages: browsers say so, and no foreign page can make them lie."""
    origin, site = request.headers.get("origin", ""), request.headers.get("sec-fetch-site", "same-origin")
    if request.headers.get("x-recto") != "1":
        raise NotAllowedError("a change needs the header X-Recto: 1")
    if origin != web_of(request).url or site != "same-origin":
        raise NotAllowedError(
            f"a change must come from {web_of(request).url}, this one is of {origin[:200]!r}"
        )


def need(session: Session, *roles: str) -> None:
    """NotAllowedError for somebody who has none of these roles."""
    if not set(roles) & set(session.roles):
        has = ", ".join(session.roles) or "none"
        raise NotAllowedError(f"this is for the role {' or '.join(roles)}; yours: {has}")


async def body_of(request: Request, model: type[M]) -> M:
    """The request's body; RequestError that says which field is wrong, without its value."""
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > MOST_BODY_BYTES:
        _too_large(int(announced))
    body = await request.body()
    if len(body) > MOST_BODY_BYTES:
        _too_large(len(body))
    try:
        return model.model_validate_json(body or b"{}")
    except ValidationError as error:
        seen = "; ".join(f"{_path(each['loc'])}: {each['msg']}" for each in error.errors()[:5])
        raise RequestError(f"the body does not fit: {seen}") from error


def _too_large(size: int) -> NoReturn:
    raise TooLargeError(f"body: {size:,} bytes, at most {MOST_BODY_BYTES:,}; images go by upload")


def _path(loc: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in loc) or "JSON"


def with_body(work: Callable[[Request, Session, Any], Response], model: type[BaseModel], *roles: str) -> Any:
    """A request with a body: who it is, and whether he may, is asked before the body is read."""

    async def endpoint(request: Request) -> Response:
        session = await run_in_threadpool(signed_in, request)
        if roles:
            need(session, *roles)
        body = await body_of(request, model)
        return await run_in_threadpool(work, request, session, body)

    return endpoint


def number_of(request: Request) -> int:
    """The page that a path names; RequestError for what is none."""
    text = str(request.path_params["page"])
    if not (text.isascii() and text.isdigit() and len(text) <= MOST_PAGE_DIGITS and int(text)):
        raise RequestError(f"page: expected a number from 1 on, got {text[:20]!r}")
    return int(text)
