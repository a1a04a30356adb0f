"""Reviews in the API of `docs/review.md`: each function reads one request, calls one step, shows what came.

For the role `reviewer`, and for operators. Which team's reviews a person may see is the desk's to say.
"""

from typing import Any, get_args

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from recto.review_check import as_taken
from recto_workbench.errors import RequestError
from recto_workbench.loops import PartState
from recto_workbench.steps import desk as steps
from recto_workbench.steps.desk import ListName, ReviewDesk, Submission
from recto_workbench.steps.review_check import check, content_of, require_complete
from recto_workbench.steps.review_pages import page_view, shown_by_task
from recto_workbench.web.answers import answer, answer_packed, audit, names_of
from recto_workbench.web.parts import Body, Web, need, number_of, signed_in, web_of, with_body
from recto_workbench.web.review_views import check_json, counts_json, item_json, notes_json, review_json
from recto_workbench.web.sessions import Session

REVIEWER, OPERATOR = "reviewer", "operator"
MOST_SEARCH = 200
MAY_ANSWER = (PartState.CLAIMED, PartState.EXPIRED)
"""What has timed out is one's own again, if nobody else has it."""
LISTS: tuple[ListName, ...] = get_args(ListName)


class SaveRequest(Body):
    answer: dict[str, Any]
    edits: tuple[dict[str, Any], ...] = ()


class CheckRequest(Body):
    answer: dict[str, Any]


class HandInRequest(Body):
    answer: dict[str, Any]
    edits: tuple[dict[str, Any], ...] = ()
    seconds: float | None = None
    nonce: str = ""


class TurnDownRequest(Body):
    reason: str
    seconds: float | None = None


class NoteRequest(Body):
    text: str


def _reviewer(request: Request) -> tuple[Session, Web]:
    session, web = signed_in(request), web_of(request)
    need(session, REVIEWER, OPERATOR)
    return session, web


def _name(request: Request) -> str:
    return str(request.path_params["review"])


# ---- lists


def reviews(request: Request) -> Response:
    """Answer `GET /api/reviews?state=open&search=&next=`."""
    session, web = _reviewer(request)
    query = request.query_params
    state, search = query.get("state", "open"), query.get("search", "")[:MOST_SEARCH]
    if state not in LISTS:
        raise RequestError(f"state: expected one of {', '.join(LISTS)}, got {state[:40]!r}")
    page = steps.listing(state, search, query.get("next", ""), session.worker, web.reviews)
    shown = [item_json(item) for item in page.items]
    counted = counts_json(steps.counts(session.worker, web.reviews))
    return answer_packed(request, {"reviews": shown, "next": page.next_token or None, "counts": counted})


def next_review(request: Request) -> Response:
    """Answer `POST /api/reviews/next`."""
    session, web = _reviewer(request)
    name = steps.next_review(session.worker, web.reviews)
    if name:
        _audit(session, "review_claimed", name, web.reviews)
    return answer({"review": name})


# ---- one review


def review(request: Request) -> Response:
    """Answer `GET /api/reviews/{id}`."""
    session, web = _reviewer(request)
    view = steps.find(_name(request), session.worker, web.reviews)
    content = content_of(view.item.loop, web.reviews)
    shown = review_json(view, content, web.reviews, web.files)
    audit(session.worker, "review_opened", **names_of(view.item.loop))
    return answer_packed(request, shown)


def claim(request: Request) -> Response:
    """Answer `POST /api/reviews/{id}/claim`."""
    session, web = _reviewer(request)
    until = steps.claim(_name(request), session.worker, web.reviews)
    _audit(session, "review_claimed", _name(request), web.reviews)
    return answer({"claimed_until": until.isoformat()})


def release(request: Request) -> Response:
    """Answer `POST /api/reviews/{id}/release`."""
    session, web = _reviewer(request)
    state = steps.release(_name(request), session.worker, web.reviews)
    _audit(session, "review_released", _name(request), web.reviews)
    return answer({"state": state.value})


def save_draft(request: Request, session: Session, body: SaveRequest) -> Response:
    """Answer `PUT /api/reviews/{id}/draft`."""
    saved = steps.save_draft(_name(request), session.worker, body.answer, body.edits, web_of(request).reviews)
    return answer({"saved": saved.saved.isoformat(), "claimed_until": saved.claimed_until.isoformat()})


def check_answer(request: Request, session: Session, body: CheckRequest) -> Response:
    """Answer `POST /api/reviews/{id}/check`."""
    desk = web_of(request).reviews
    loop = steps.found_loop(_name(request), session.worker, desk)
    return answer_packed(request, check_json(check(body.answer, content_of(loop, desk))))


def submit(request: Request, session: Session, body: HandInRequest) -> Response:
    """Answer `POST /api/reviews/{id}/submit`."""
    desk, name = web_of(request).reviews, _name(request)
    loop = steps.found_loop(name, session.worker, desk)
    handed_in = as_taken(body.answer) if loop.is_native else body.answer
    # Whoever comes too late is told so by the desk, which keeps what he brings; the rules are for the others.
    part = desk.loops.part(name, session.worker.worker_id)
    if loop.is_native and loop.takes_answers and part and part.state in MAY_ANSWER:
        require_complete(handed_in, content_of(loop, desk))
    submission = Submission(answer=handed_in, edits=body.edits, seconds=body.seconds, nonce=body.nonce)
    state = steps.submit(name, session.worker, submission, desk)
    audit(session.worker, "review_submitted", **names_of(loop))
    return answer({"state": state.value})


def reject(request: Request, session: Session, body: TurnDownRequest) -> Response:
    """Answer `POST /api/reviews/{id}/reject`."""
    if not body.reason.strip():
        raise RequestError("reason: say why the document is turned down")
    desk, name = web_of(request).reviews, _name(request)
    state = steps.reject(name, session.worker, body.reason, body.seconds, desk)
    _audit(session, "review_rejected", name, desk)
    return answer({"state": state.value})


def reopen(request: Request) -> Response:
    """Answer `POST /api/reviews/{id}/reopen`."""
    session, web = _reviewer(request)
    state = steps.reopen(_name(request), session.worker, web.reviews)
    _audit(session, "review_reopened", _name(request), web.reviews)
    return answer({"state": state.value})


def note(request: Request, session: Session, body: NoteRequest) -> Response:
    """Answer `POST /api/reviews/{id}/notes`."""
    desk = web_of(request).reviews
    notes = steps.note(_name(request), session.worker, body.text, desk)
    _audit(session, "review_noted", _name(request), desk)
    return answer({"notes": notes_json(notes)})


def page(request: Request) -> Response:
    """Answer `GET /api/reviews/{id}/pages/{n}`."""
    session, web = _reviewer(request)
    loop = steps.found_loop(_name(request), session.worker, web.reviews)
    task = content_of(loop, web.reviews).task
    return answer_packed(request, page_view(shown_by_task(task, web.files), number_of(request), web.files))


def _audit(session: Session, what: str, name: str, desk: ReviewDesk) -> None:
    loop = desk.loops.loop(name)
    audit(session.worker, what, **(names_of(loop) if loop else {"review": name}))


# ---- routes


def review_routes() -> list[Route]:
    one, roles = "/api/reviews/{review}", (REVIEWER, OPERATOR)
    return [
        Route("/api/reviews", reviews),
        Route("/api/reviews/next", next_review, methods=["POST"]),
        Route(one, review),
        Route(f"{one}/claim", claim, methods=["POST"]),
        Route(f"{one}/release", release, methods=["POST"]),
        Route(f"{one}/draft", with_body(save_draft, SaveRequest, *roles), methods=["PUT"]),
        Route(f"{one}/check", with_body(check_answer, CheckRequest, *roles), methods=["POST"]),
        Route(f"{one}/submit", with_body(submit, HandInRequest, *roles), methods=["POST"]),
        Route(f"{one}/reject", with_body(reject, TurnDownRequest, *roles), methods=["POST"]),
        Route(f"{one}/reopen", reopen, methods=["POST"]),
        Route(f"{one}/notes", with_body(note, NoteRequest, *roles), methods=["POST"]),
        Route(f"{one}/pages/{{page}}", page),
    ]
