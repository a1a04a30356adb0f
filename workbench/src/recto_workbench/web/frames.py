"""The page inside a task's frame. It needs no cookie: its address opens it, for a quarter of an hour.

The address is signed with the assignment's own nonce, which the server alone knows until the page is open;
so there is no further secret to keep, and an address dies with its assignment.
"""

import base64
import gzip
import hashlib
import hmac
import json
from datetime import UTC, datetime
from html import escape
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from recto.errors import RectoError
from recto.places import Location
from recto_workbench.errors import TaskExpiredError, TaskMissingError
from recto_workbench.framing import ELEMENTS_PATH, frame_policy, framed
from recto_workbench.framing import Frame as Framing
from recto_workbench.grants import named_objects, object_source
from recto_workbench.loops import Part
from recto_workbench.rendering import Rendered, render
from recto_workbench.steps.assignment import Desk, frame_of
from recto_workbench.steps.assignment import Frame as FrameSource
from recto_workbench.steps.desk import ReviewDesk, frame_source
from recto_workbench.steps.review_check import without_secrets
from recto_workbench.tasks import Assignment
from recto_workbench.web.answers import status_of
from recto_workbench.web.headers import NO_REFERRER, NO_STORE, takes_gzip
from recto_workbench.web.pages import version_of
from recto_workbench.web.parts import Web, web_of

FRAME_SECONDS = 900
OF_REVIEW = "review"
"""First part of the address of a review's page; ids of assignments are of hexadecimal digits."""
WORTH_PACKING = 1_000
MOST_CARRIED = 5_900_000
"""Bytes of a page: with its headers it must be within the 6 MB of a function's answer."""
MOST_LINK_SECONDS = 3600


def frame_path(assignment: Assignment, now: datetime) -> str:
    """The address of an assignment's page."""
    until = int(now.timestamp()) + FRAME_SECONDS
    return f"/frames/{assignment.assignment_id}.{until}.{_signature(assignment, until)}"


def _signature(assignment: Assignment, until: int) -> str:
    return _signed(assignment.nonce, f"frame\0{assignment.assignment_id}\0{until}")


def _signed(nonce: str, text: str) -> str:
    mac = hmac.new(nonce.encode(), text.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(mac).rstrip(b"=").decode()


def review_frame_path(loop: str, part: Part, now: datetime) -> str:
    """The address of the page of a review with a template of its own."""
    until = int(now.timestamp()) + FRAME_SECONDS
    worker = base64.urlsafe_b64encode(part.worker_id.encode()).rstrip(b"=").decode()
    return f"/frames/{OF_REVIEW}.{loop}.{worker}.{until}.{_review_signature(part, until)}"


def _review_signature(part: Part, until: int) -> str:
    return _signed(part.nonce, f"review\0{part.loop}\0{part.worker_id}\0{until}")


class _Opened(NamedTuple):
    """What an address stands for."""

    nonce: str
    title: str
    description: str
    template: str
    task_input: dict[str, Any]
    expires: datetime


def frame_page(request: Request) -> Response:
    """Answer `GET /frames/{token}`."""
    web = web_of(request)
    try:
        source = _opened(request.path_params["token"], web)
    except RectoError as error:
        return _page(request, _plain(str(error)), Framing(origin=web.url, nonce=""), status_of(error))
    rendered, sources = _rendered(source, web.desk)
    framing = Framing(
        origin=web.url,
        nonce=source.nonce,
        title=source.title,
        object_origins=sources,
        description=source.description,
        aws_elements=web.aws_elements,
        elements=f"{ELEMENTS_PATH}?v={version_of(web.pages, ELEMENTS_PATH)}",
    )
    if rendered.errors:
        said = "; ".join(f"{each['Code']}: {each['Message']}" for each in rendered.errors)
        return _unshown(request, said, framing, 500)
    return _whole_page(request, rendered.html, framing)


def _opened(token: str, web: Web) -> _Opened:
    """What the address stands for. One that was altered is answered as one that never was."""
    if token.startswith(f"{OF_REVIEW}."):
        return _opened_review(token, web.reviews)
    source = _opened_task(token, web.desk)
    job, assignment = source.job, source.assignment
    return _Opened(
        nonce=assignment.nonce,
        title=job.title,
        description=job.description,
        template=source.template,
        task_input=dict(source.task_input),
        expires=assignment.expires,
    )


def _opened_review(token: str, desk: ReviewDesk) -> _Opened:
    _, loop, worker, until, signature = [*token.split("."), "", "", "", ""][:5]
    _require_number(until)
    try:
        worker_id = base64.urlsafe_b64decode(f"{worker}==").decode()
    except ValueError as error:
        raise TaskMissingError("there is no such page") from error
    part = desk.loops.part(loop, worker_id)
    if part is None or not _is_signature(_review_signature(part, int(until)), signature):
        raise TaskMissingError("there is no such page")
    _require_time(until, desk.clock())
    if not part.is_live or part.until <= desk.clock():
        raise TaskExpiredError("the review is not this reviewer's any more")
    source = frame_source(loop, worker_id, desk)
    return _Opened(
        nonce=part.nonce,
        title=source.loop.title,
        description="",
        template=source.template,
        task_input=without_secrets(source.task_input),
        expires=part.until,
    )


def _require_number(until: str) -> None:
    if not until.isdigit() or not until.isascii() or len(until) > 12:
        raise TaskMissingError("there is no such page")


def _require_time(until: str, now: datetime) -> None:
    if datetime.fromtimestamp(int(until), UTC) <= now:
        raise TaskExpiredError("this page's address has run out; load the task again")


def _is_signature(signature: str, given: str) -> bool:
    return hmac.compare_digest(signature.encode(), given.encode())


def _opened_task(token: str, desk: Desk) -> FrameSource:
    assignment_id, _, rest = token.partition(".")
    until, _, signature = rest.partition(".")
    _require_number(until)
    assignment = desk.tasks.assignment(assignment_id)
    if assignment is None or not _is_signature(_signature(assignment, int(until)), signature):
        raise TaskMissingError("there is no such page")
    now = desk.clock()
    _require_time(until, now)
    if not assignment.is_live or assignment.expires <= now:
        raise TaskExpiredError("the task is not open any more")
    return frame_of(assignment_id, desk)


def _rendered(source: _Opened, desk: Desk) -> tuple[Rendered, tuple[str, ...]]:
    """The filled-in template, and where its links lead to."""
    allowed = named_objects(source.task_input)
    sources: list[str] = []
    left = source.expires - desk.clock()
    seconds = max(60, min(MOST_LINK_SECONDS, int(left.total_seconds())))

    def grant(uri: str) -> str:
        if uri not in allowed:
            raise ValueError(f"{uri} is not named in this task's input, so its page may not read it")
        place = Location.from_uri(uri)
        url = desk.links.to_read(place, seconds).url
        sources.append(object_source(place, url))
        return url

    rendered = render(source.template, source.task_input, grant)
    return rendered, tuple(dict.fromkeys(sources))


def _plain(message: str) -> str:
    """A page that says what is wrong, to the person and to the page around it."""
    return (
        f'<main role="alert"><p>{escape(message)}</p></main><script>parent.postMessage({{recto: 1, '
        f'nonce: (window.rectoTask || {{}}).nonce, type: "error", '
        f'message: document.querySelector("main").textContent}}, "*");</script>'
    )


def _unshown(request: Request, said: str, framing: Framing, status: int) -> Response:
    return _page(request, framed(_plain(f"The task cannot be shown. {said}"), framing), framing, status)


def _whole_page(request: Request, html: str, framing: Framing) -> Response:
    """The page, unless it is more than a function's answer carries: then a page that says so."""
    response = _page(request, framed(html, framing), framing)
    size = _carried(response)
    if size <= MOST_CARRIED:
        return response
    packed = (
        "packed" if "content-encoding" in response.headers else "since this browser takes it unpacked only"
    )
    said = f"TooLargeError: its page takes {size:,} bytes ({packed}), at most {MOST_CARRIED:,} are carried"
    return _unshown(request, said, framing, 413)


def _carried(response: Response) -> int:
    """Bytes of a body on its way: packed as base64, plain as JSON's text."""
    body = bytes(response.body)
    if "content-encoding" in response.headers:
        return (len(body) + 2) // 3 * 4
    return len(json.dumps(body.decode()))


def _page(request: Request, html: str, framing: Framing, status: int = 200) -> Response:
    """Packed where the browser takes it: API Gateway packs nothing."""
    headers = {**NO_STORE, **NO_REFERRER, "Content-Security-Policy": frame_policy(framing)}
    headers["Vary"] = "Accept-Encoding"
    body = html.encode(errors="replace")
    if len(body) >= WORTH_PACKING and takes_gzip(request):
        headers["Content-Encoding"] = "gzip"
        body = gzip.compress(body, compresslevel=6, mtime=0)
    return HTMLResponse(body, status, headers=headers)
