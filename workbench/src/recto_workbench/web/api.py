"""The API of `docs/workbench.md`: each function reads one request, calls one step, shows what came of it."""

from html import escape
from typing import Annotated, Any

from pydantic import Field
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from recto_workbench.errors import NotSignedInError, RequestError
from recto_workbench.steps import assignment as steps
from recto_workbench.web import sign_in
from recto_workbench.web.answers import answer, audit
from recto_workbench.web.headers import NO_STORE
from recto_workbench.web.parts import (
    SESSION_COOKIE,
    SIGN_IN_COOKIE,
    Body,
    Web,
    check_origin,
    need,
    signed_in,
    web_of,
    with_body,
)
from recto_workbench.web.sessions import SESSION_LIFE, SIGN_IN_LIFE, Session
from recto_workbench.web.views import job_json, object_json, task_json

ANNOTATOR, OPERATOR = "annotator", "operator"
COOKIE_PATH = "/api"


class NextRequest(Body):
    reserve: bool = False


class DraftRequest(Body):
    answer: dict[str, Any]


class UploadRequest(Body):
    content_type: str
    num_bytes: Annotated[int, Field(alias="bytes")]


class SubmitRequest(Body):
    nonce: str
    answer: dict[str, Any]


class SkipRequest(Body):
    reason: str


# ---- signing in and out


def begin_sign_in(request: Request) -> Response:
    """Answer `GET /api/auth/sign-in?next=/…`."""
    web = web_of(request)
    sent = sign_in.begin(request.query_params.get("next", "/"), web.door)
    response = RedirectResponse(sent.location, 302, headers=NO_STORE)
    _set_cookie(response, SIGN_IN_COOKIE, sent.cookie, int(SIGN_IN_LIFE.total_seconds()), web)
    return response


def finish_sign_in(request: Request) -> Response:
    """Answer `GET /api/auth/callback?code&state`; a person who comes back in vain reads why."""
    web = web_of(request)
    query, cookie = dict(request.query_params), request.cookies.get(SIGN_IN_COOKIE, "")
    try:
        sent = sign_in.complete(query, cookie, web.door)
    except NotSignedInError as error:
        if "text/html" not in request.headers.get("accept", ""):
            raise
        return _in_vain(str(error))
    response = RedirectResponse(sent.location, 302, headers=NO_STORE)
    response.delete_cookie(SIGN_IN_COOKIE, path=COOKIE_PATH)
    _set_cookie(response, SESSION_COOKIE, sent.cookie, int(SESSION_LIFE.total_seconds()), web)
    return response


def _in_vain(message: str) -> Response:
    page = (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Not signed in</title>'
        f"<main><h1>You are not signed in</h1><p>{escape(message)}</p>"
        f'<p><a href="{sign_in.SIGN_IN_PATH}">Sign in again</a></p></main></html>'
    )
    policy = {"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'"}
    return HTMLResponse(page, 401, headers={**NO_STORE, **policy})


def sign_out(request: Request) -> Response:
    """Answer `POST /api/auth/sign-out`; nobody need be signed in."""
    check_origin(request)
    location = sign_in.end(request.cookies.get(SESSION_COOKIE, ""), web_of(request).door)
    response = answer({"location": location})
    response.delete_cookie(SESSION_COOKIE, path=COOKIE_PATH)
    return response


def _set_cookie(response: Response, name: str, value: str, seconds: int, web: Web) -> None:
    """For our API alone. Secure wherever we are reached by https; only a laptop's own address is not."""
    secure = web.url.startswith("https:")
    response.set_cookie(
        name, value, max_age=seconds, path=COOKIE_PATH, secure=secure, httponly=True, samesite="lax"
    )


def me(request: Request) -> Response:
    """Answer `GET /api/me`."""
    session = signed_in(request)
    worker = session.worker
    return answer({"name": worker.name, "worker_id": worker.worker_id, "roles": list(session.roles)})


# ---- jobs


def jobs(request: Request) -> Response:
    """Answer `GET /api/jobs`."""
    session, desk = signed_in(request), web_of(request).desk
    token, limit = request.query_params.get("next_token", ""), _limit(request)
    page = steps.jobs_for(session.worker, OPERATOR in session.roles, desk, token, limit)
    found = [job_json(view.job, view.progress) for view in page.jobs]
    return answer({"jobs": found, "next_token": page.next_token or None})


def _limit(request: Request) -> int:
    told = request.query_params.get("limit", str(steps.JOB_PAGE))
    if not (told.isascii() and told.isdigit() and 1 <= int(told) <= steps.MOST_JOBS):
        raise RequestError(f"limit: expected 1 to {steps.MOST_JOBS}, got {told[:20]!r}")
    return int(told)


def job_detail(request: Request) -> Response:
    """Answer `GET /api/jobs/{name}`."""
    session, desk = signed_in(request), web_of(request).desk
    need(session, OPERATOR)
    detail = steps.job_detail(request.path_params["name"], request.query_params.get("next_token", ""), desk)
    shown = job_json(detail.job, steps.progress_of(detail.job, session.worker, desk))
    objects = [object_json(each) for each in detail.objects]
    return answer({**shown, "objects": objects, "next_token": detail.next_token or None})


def stop_job(request: Request) -> Response:
    """Answer `POST /api/jobs/{name}/stop`."""
    session, desk = signed_in(request), web_of(request).desk
    need(session, OPERATOR)
    job = steps.stop_job(request.path_params["name"], desk)
    audit(session.worker, "job_stopped", job=job.name)
    return answer({"status": job.status.value})


def next_task(request: Request, session: Session, body: NextRequest) -> Response:
    """Answer `POST /api/jobs/{name}/next`."""
    web = web_of(request)
    task = steps.next_task(request.path_params["name"], session.worker, body.reserve, web.desk)
    return answer({"task": task_json(task, web.desk) if task else None})


# ---- tasks


def task(request: Request) -> Response:
    """Answer `GET /api/tasks/{assignment}`."""
    session, desk = signed_in(request), web_of(request).desk
    return answer(task_json(steps.find(_id(request), session.worker, desk), desk))


def start(request: Request) -> Response:
    """Answer `POST /api/tasks/{assignment}/start`."""
    session, desk = signed_in(request), web_of(request).desk
    return answer(task_json(steps.start(_id(request), session.worker, desk), desk))


def save_draft(request: Request, session: Session, body: DraftRequest) -> Response:
    """Answer `PUT /api/tasks/{assignment}/draft`."""
    return answer(
        {"saved": steps.save_draft(_id(request), session.worker, body.answer, web_of(request).desk)}
    )


def upload(request: Request, session: Session, body: UploadRequest) -> Response:
    """Answer `POST /api/tasks/{assignment}/uploads`."""
    desk = web_of(request).desk
    link = steps.upload_link(_id(request), session.worker, body.content_type, body.num_bytes, desk)
    return answer(link.model_dump())


def submit(request: Request, session: Session, body: SubmitRequest) -> Response:
    """Answer `POST /api/tasks/{assignment}/submit`."""
    taken = steps.submit(_id(request), session.worker, body.nonce, body.answer, web_of(request).desk)
    return answer({"state": taken.state.value})


def skip(request: Request, session: Session, body: SkipRequest) -> Response:
    """Answer `POST /api/tasks/{assignment}/skip`."""
    return answer(
        {"state": steps.skip(_id(request), session.worker, body.reason, web_of(request).desk).state.value}
    )


def release(request: Request) -> Response:
    """Answer `POST /api/tasks/{assignment}/release`."""
    session = signed_in(request)
    return answer({"state": steps.release(_id(request), session.worker, web_of(request).desk).state.value})


def _id(request: Request) -> str:
    return str(request.path_params["assignment"])


# ---- routes


def api_routes() -> list[Route]:
    one_task = "/api/tasks/{assignment}"
    return [
        Route("/api/auth/sign-in", begin_sign_in),
        Route("/api/auth/callback", finish_sign_in),
        Route("/api/auth/sign-out", sign_out, methods=["POST"]),
        Route("/api/me", me),
        Route("/api/jobs", jobs),
        Route("/api/jobs/{name}", job_detail),
        Route("/api/jobs/{name}/stop", stop_job, methods=["POST"]),
        Route("/api/jobs/{name}/next", with_body(next_task, NextRequest), methods=["POST"]),
        Route(one_task, task),
        Route(f"{one_task}/start", start, methods=["POST"]),
        Route(f"{one_task}/draft", with_body(save_draft, DraftRequest), methods=["PUT"]),
        Route(f"{one_task}/uploads", with_body(upload, UploadRequest), methods=["POST"]),
        Route(f"{one_task}/submit", with_body(submit, SubmitRequest), methods=["POST"]),
        Route(f"{one_task}/skip", with_body(skip, SkipRequest), methods=["POST"]),
        Route(f"{one_task}/release", release, methods=["POST"]),
    ]
