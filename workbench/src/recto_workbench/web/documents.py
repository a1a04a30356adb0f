"""Documents in the API of `docs/review.md`: the status page. For operators alone."""

from typing import Annotated

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from recto.messages import Step
from recto_workbench.errors import RequestError
from recto_workbench.steps import document_status as steps
from recto_workbench.steps.document_status import Again, Watch
from recto_workbench.web.answers import answer, answer_packed, audit
from recto_workbench.web.parts import Body, need, number_of, signed_in, web_of, with_body
from recto_workbench.web.sessions import Session

OPERATOR = "operator"
MOST_SEARCH = 200


class ReprocessBody(Body):
    from_: Annotated[str, Field(alias="from")]
    attempt: int | None = None
    """The one that the operator saw."""
    pay_for_ocr: bool = False


class RedriveBody(Body):
    attempt: int | None = None
    pay_for_ocr: bool = False


def _operator(request: Request) -> tuple[Session, Watch]:
    session, web = signed_in(request), web_of(request)
    need(session, OPERATOR)
    return session, web.watch


def _id(request: Request) -> str:
    return str(request.path_params["document"])


def documents(request: Request) -> Response:
    """Answer `GET /api/documents?status=&search=&next=`."""
    _, watch = _operator(request)
    query = request.query_params
    search = query.get("search", "")[:MOST_SEARCH]
    page = steps.list_documents(query.get("status", ""), search, query.get("next", ""), watch)
    return answer_packed(request, page)


def document(request: Request) -> Response:
    """Answer `GET /api/documents/{id}`."""
    session, watch = _operator(request)
    detail = steps.document_detail(_id(request), watch)
    names = {"document": _id(request), "correlation_id": detail["correlation_id"]}
    audit(session.worker, "document_opened", **names)
    return answer_packed(request, detail)


def document_page(request: Request) -> Response:
    """Answer `GET /api/documents/{id}/pages/{n}`."""
    _, watch = _operator(request)
    return answer_packed(request, steps.document_page(_id(request), number_of(request), watch))


def reprocess(request: Request, session: Session, body: ReprocessBody) -> Response:
    """Answer `POST /api/documents/{id}/reprocess`."""
    if body.from_ not in set(Step):
        raise RequestError(f"from: expected one of {', '.join(Step)}, got {body.from_[:40]!r}")
    again = Again(Step(body.from_), session.worker.name, body.attempt, body.pay_for_ocr)
    return _again(request, session, again, "document_reprocessed")


def redrive(request: Request, session: Session, body: RedriveBody) -> Response:
    """Answer `POST /api/documents/{id}/redrive`: on from the first step whose result is missing."""
    again = Again(None, session.worker.name, body.attempt, body.pay_for_ocr)
    return _again(request, session, again, "document_redriven")


def _again(request: Request, session: Session, again: Again, what: str) -> Response:
    watch = web_of(request).watch
    done = steps.process_again(_id(request), again, watch)
    row = watch.documents.find(_id(request))
    names = {"document": _id(request), "correlation_id": row.correlation_id if row else ""}
    audit(session.worker, what, **{name: value or _id(request) for name, value in names.items()})
    return answer(done)


def document_routes() -> list[Route]:
    one = "/api/documents/{document}"
    return [
        Route("/api/documents", documents),
        Route(one, document),
        Route(f"{one}/pages/{{page}}", document_page),
        Route(f"{one}/reprocess", with_body(reprocess, ReprocessBody, OPERATOR), methods=["POST"]),
        Route(f"{one}/redrive", with_body(redrive, RedriveBody, OPERATOR), methods=["POST"]),
    ]
