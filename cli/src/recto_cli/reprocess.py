"""Documents once more, from one of their steps on: which ones, what it costs, and what becomes of them.

The function `reprocess` of the deployment decides and moves; this chooses, asks and tells.
"""

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple
from uuid import uuid4

from recto import errors
from recto.aws.clients import client, errors_of
from recto.errors import DocumentMissingError, OcrFailedError, RectoError, ServiceUnavailableError
from recto.messages import ReprocessRequest, ReprocessResponse, Status, Step
from recto.ports import DocumentRow
from recto.steps.reprocess import CURRENT, SAME
from recto_cli.documents import POLL_SECONDS, find_document
from recto_cli.releases import find_prefix
from recto_cli.stack import CALLER, Stack
from recto_cli.submit import GONE_WELL, SETTLED

MANY = 10_000


class Wanted(NamedTuple):
    """How documents are to be processed again."""

    start_from: Step | None
    release: str
    force: bool
    operator: str


class Again(NamedTuple):
    """A document with what its new attempt is, or why it has none."""

    row: DocumentRow
    response: ReprocessResponse | None
    error: RectoError | None = None


def choose(names: Sequence[str], status: Status | None, error: str, stack: Stack) -> list[DocumentRow]:
    """The documents that are named, and those of a status (with an error), each once."""
    rows = [find_document(name, stack) for name in names]
    if status is not None:
        rows += [row for row in stack.documents.with_status(status, MANY) if error in ("", row.error)]
    return list({row.document_id: row for row in rows}.values())


def pays_for_ocr(row: DocumentRow, start_from: Step | None) -> bool:
    """Whether a new OCR job is needed for it."""
    return start_from is Step.OCR or (start_from is None and row.error == OcrFailedError.__name__)


def release_of(name: str, stack: Stack) -> str:
    """`current` and `same` as they are; any other name as the prefix that it stands for."""
    return name if name in ("", CURRENT, SAME) else find_prefix(name, stack)


def reprocess_all(rows: Iterable[DocumentRow], wanted: Wanted, pay: bool, stack: Stack) -> Iterator[Again]:
    """One after the other; a document that is refused stops no other."""
    for row in rows:
        request = ReprocessRequest(
            document_id=row.document_id,
            of_attempt=row.attempt,
            request_id=uuid4().hex,
            from_=wanted.start_from,
            release=wanted.release,
            pay_for_ocr=pay and pays_for_ocr(row, wanted.start_from),
            force=wanted.force,
            operator=wanted.operator,
        )
        try:
            yield Again(row, call(request, stack))
        except RectoError as error:
            yield Again(row, None, error)


def call(request: ReprocessRequest, stack: Stack) -> ReprocessResponse:
    """What the deployment's function answers; its errors by their own names."""
    function = stack.name("static/ReprocessFunction")
    with errors_of(f"Invoke {function}"):
        answer = client("lambda", CALLER).invoke(
            FunctionName=function, Payload=json.dumps(request.dump()).encode()
        )
    body = json.loads(answer["Payload"].read() or b"null")
    if answer.get("FunctionError"):
        raise _error_of(body, function)
    return ReprocessResponse.model_validate(body)


def _error_of(body: Any, function: str) -> RectoError:
    told = body if isinstance(body, dict) else {}
    name, message = str(told.get("errorType", "")), str(told.get("errorMessage", body))
    known = getattr(errors, name, None)
    if isinstance(known, type) and issubclass(known, RectoError):
        return known(message)
    return ServiceUnavailableError(f"{function}: {name}: {message}; see its log")


def wait_for_all(done: Sequence[Again], stack: Stack, timeout: float) -> list[DocumentRow]:
    """The rows once each has ended or waits for a person, in its new attempt; or at the deadline."""
    deadline = time.monotonic() + timeout
    attempts = {again.row.document_id: again.response.attempt for again in done if again.response}
    while True:
        rows = [_row(document, stack) for document in attempts]
        settled = [row.status in SETTLED and row.attempt >= attempts[row.document_id] for row in rows]
        if all(settled) or time.monotonic() > deadline:
            return rows
        time.sleep(POLL_SECONDS)


def _row(document: str, stack: Stack) -> DocumentRow:
    row = stack.documents.find(document)
    if row is None:
        raise DocumentMissingError(f"document {document}: its row is gone")
    return row


def all_went_well(rows: Iterable[DocumentRow]) -> bool:
    return all(row.status in GONE_WELL for row in rows)
