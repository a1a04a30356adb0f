"""Process a document again from one of its steps on. Nothing is written over, nothing is paid for again.

One conditional write decides: it gives the document a new attempt, in whose own places the results from the
first step on will lie (`MadeIn`), and lets it wait; `dispatch` starts it like any other. Whoever comes second
is refused by that write. What runs or waits for the earlier attempt is ended after it: an execution of an
earlier attempt can change nothing any more, and an answer to its review is kept but not taken.
"""

from collections.abc import Iterator
from typing import NamedTuple, NoReturn

from recto.errors import (
    AccessError,
    ConfigurationError,
    DocumentMissingError,
    OcrFailedError,
    ReprocessRefusedError,
    ResultMissingError,
)
from recto.messages import ReprocessRequest, ReprocessResponse, Status, Step
from recto.pagestore import PageIndex
from recto.places import DocumentPlaces, execution_name
from recto.ports import (
    Backfills,
    Clock,
    DocumentRow,
    Documents,
    ObjectStore,
    Parameters,
    Reviews,
    Slots,
    Workflow,
)
from recto.release import INDEX, parse_release
from recto.steps.desks import Desks, loop_of
from recto.steps.dispatch import all_drawn
from recto.steps.model import read_release_file
from recto.steps.page_images import plan_of
from recto.steps.postprocess import load_result, require_same_labels

CURRENT, SAME = "current", "same"
STEPS = tuple(Step)
MAKE_FIELDS = (Step.OCR, Step.MODEL, Step.POSTPROCESS)
"""Steps that a release takes part in; review and publishing go on with the release of the fields."""

ASKED_IN_VAIN = frozenset({ConfigurationError.__name__, AccessError.__name__})
"""With these a document has not been read by the engine that it is pinned to, and will not be."""
NEEDED = {
    Step.MODEL: "its pages and their images are",
    Step.POSTPROCESS: "its pages and their predictions are",
    Step.REVIEW: "its fields are",
    Step.PUBLISH: "its fields are",
}
NOTED = ("attempt", "start_from", "release", "made_in", "operator")
"""What the history says of every reprocess, changed or not."""


class Reprocess(NamedTuple):
    """What the step works with."""

    documents: Documents
    slots: Slots
    reviews: Reviews
    objects: ObjectStore
    workflow: Workflow
    desks: Desks
    parameters: Parameters
    clock: Clock
    work_bucket: str
    release_parameter: str
    backfills: Backfills | None = None
    """Where the outcome of the earlier attempt is taken back."""


def reprocess(request: ReprocessRequest, step: Reprocess) -> ReprocessResponse:
    """Let a document wait for a new attempt, once: the same request again changes nothing."""
    row = step.documents.find(request.document_id)
    if row is None:
        raise DocumentMissingError(f"document {request.document_id}: expected a row, there is none")
    if row.reprocess_id == request.request_id:
        _end_execution_before(row, step)
        return _told(row)
    _require_untouched(row, request)
    start_from = request.from_ or _first_missing(row, step)
    again = _next_attempt(row, start_from, request, step)
    _require_results(row, start_from, step)
    if start_from is Step.POSTPROCESS:
        places = DocumentPlaces(step.work_bucket, row.document_id, row.made_in)
        require_same_labels(again.ref(), places, step.objects, step.work_bucket, made_by=row.release)
    if not _move(row, again, step):
        _refuse(row, "somebody else has moved it in this moment")
    if row.backfill_id and step.backfills:  # where this is missed, the next outcome corrects the count
        step.backfills.uncount(row.backfill_id, row.document_id)
    _end_earlier_attempt(row, again, step)
    return _told(again)


def _told(row: DocumentRow) -> ReprocessResponse:
    return ReprocessResponse(
        document_id=row.document_id, attempt=row.attempt, from_=Step(row.start_from), release=row.release
    )


def _refuse(row: DocumentRow, why: str) -> NoReturn:
    raise ReprocessRefusedError(
        f"document {row.document_id} ({row.key}) is {row.status} in attempt {row.attempt}: {why}"
    )


def _require_untouched(row: DocumentRow, request: ReprocessRequest) -> None:
    if row.attempt != request.of_attempt:
        by = f" by {row.operator}" if row.operator else ""
        _refuse(row, f"it was in attempt {request.of_attempt} when you looked, and moved on since{by}")
    if row.status in (Status.WAITING, Status.RECEIVED, Status.BACKLOG):
        _refuse(row, f"it waits already and will start from {row.start_from}")
    if row.status is Status.RUNNING and not request.force:
        _refuse(row, "it runs; with force, its execution is stopped first")


def _first_missing(row: DocumentRow, step: Reprocess) -> Step:
    """Where a document that ended without a result goes on."""
    if row.status in (Status.PROCESSED, Status.IN_REVIEW):
        _refuse(row, f"no step's result is missing; say which to start from: {', '.join(STEPS)}")
    if row.status is Status.REJECTED:
        return Step.REVIEW
    places = DocumentPlaces(step.work_bucket, row.document_id, row.made_in)
    if step.objects.info(places.reviewed_fields):
        return Step.PUBLISH
    possible = list(_possible(places, step))
    found = Step.MODEL if Step.MODEL in possible else Step.OCR
    if Step.REVIEW in possible:
        found = Step.REVIEW if row.review_id else Step.POSTPROCESS
    begun = Step(row.start_from)  # an operator's --from review that failed stays one
    return max(found, begun, key=STEPS.index) if begun in possible else found


def _next_attempt(
    row: DocumentRow, start_from: Step, request: ReprocessRequest, step: Reprocess
) -> DocumentRow:
    """The row as it shall be: results from `start_from` on in places of their own."""
    attempt = row.attempt + 1
    is_paid = start_from is Step.OCR and (request.from_ is Step.OCR or row.error == OcrFailedError.__name__)
    picks_ocr = is_paid or (start_from is Step.OCR and row.error in ASKED_IN_VAIN)
    if is_paid and not request.pay_for_ocr:
        _refuse(row, "starting from ocr pays for OCR again; confirm that it may")
    published = (row.result_attempt, row.result_key)
    superseded = published if row.result_attempt else (row.supersedes_attempt, row.supersedes_key)
    return row.model_copy(
        update={
            "status": Status.WAITING,
            "attempt": attempt,
            "since_attempt": attempt,
            "ocr_attempt": row.ocr_attempt + is_paid,
            "ocr_engine": "" if picks_ocr else row.ocr_engine,
            "ocr_endpoint": "" if picks_ocr else row.ocr_endpoint,
            "start_from": str(start_from),
            "made_in": row.made_in.anew_from(start_from, attempt),
            "release": _release(row, start_from, request.release, step),
            "review_id": row.review_id if start_from is Step.PUBLISH else "",
            "reprocess_id": request.request_id,
            "operator": request.operator,
            "result_attempt": 0,
            "result_key": "",
            "supersedes_attempt": superseded[0],
            "supersedes_key": superseded[1],
            "error": "",
            "cause": "",
        }
    )


def _release(row: DocumentRow, start_from: Step, asked_for: str, step: Reprocess) -> str:
    """The release to pin; ReleaseError where its index cannot be read."""
    asked_for = asked_for or (CURRENT if start_from in MAKE_FIELDS else SAME)
    release = row.release if asked_for == SAME else asked_for
    if asked_for == CURRENT or not release:
        release = step.parameters.read(step.release_parameter)
    if start_from not in MAKE_FIELDS and release != row.release:
        _refuse(row, f"its fields are of release {row.release}; for another one start from model")
    parse_release(read_release_file(step.objects, step.work_bucket, release, INDEX))
    return release


def _require_results(row: DocumentRow, start_from: Step, step: Reprocess) -> None:
    """ResultMissingError, with the steps that are possible, where an earlier step's result is not there."""
    places = DocumentPlaces(step.work_bucket, row.document_id, row.made_in)
    if start_from not in (possible := list(_possible(places, step))):
        raise ResultMissingError(
            f"document {row.document_id} ({row.key}): {NEEDED[start_from]} not stored, or not any more, "
            f"so it cannot start from {start_from}; possible: {', '.join(possible)}"
        )
    if start_from is not Step.PUBLISH or step.objects.info(places.reviewed_fields):
        return
    if load_result(step.objects, places).review_reasons:
        _refuse(row, "a person must look at its fields and none has; start from review")


def _possible(places: DocumentPlaces, step: Reprocess) -> Iterator[Step]:
    """The steps that have what they need, the dearest first."""
    yield Step.OCR
    pages = _pages_stored(places, step)
    if pages and all_drawn(places, step.objects):
        yield Step.MODEL
    if pages and all(
        step.objects.info(place)
        for part in plan_of(pages).ranges
        for place in (places.predictions_part_index(part.part), places.predictions_part(part.part))
    ):
        yield Step.POSTPROCESS
    if step.objects.info(places.fields):
        yield Step.REVIEW
        yield Step.PUBLISH


def _pages_stored(places: DocumentPlaces, step: Reprocess) -> int:
    """How many pages the OCR left; 0 where its index, its job or one of its parts is gone."""
    if not (step.objects.info(places.ocr_index) and step.objects.info(places.ocr_job)):
        return 0
    index = PageIndex.from_json(step.objects.read(places.ocr_index))
    parts = {entry.part for entry in index.pages}
    return index.num_pages if all(step.objects.info(places.ocr_part(part)) for part in parts) else 0


def _move(row: DocumentRow, again: DocumentRow, step: Reprocess) -> bool:
    """The one write that decides; False where the row is not any more what it was."""
    changed = {
        name: value
        for name, value in again.model_dump(mode="json", exclude={"status", "document_id"}).items()
        if value != row.model_dump(mode="json")[name] or name in NOTED
    }
    return step.documents.move(
        row.document_id, (row.status,), Status.WAITING, step.clock(), row.attempt, **changed
    )


def _end_earlier_attempt(row: DocumentRow, again: DocumentRow, step: Reprocess) -> None:
    """Take the review away and end the execution; both are without effect already, this makes it visible."""
    if row.status in (Status.RUNNING, Status.IN_REVIEW):
        _end_execution_before(again, step)
    review = step.reviews.find(row.review_id) if row.review_id and not again.review_id else None
    if review and step.reviews.withdraw(review.review_id, _reason(again)):
        step.desks.of(review.backend).stop(loop_of(review))


def _end_execution_before(again: DocumentRow, step: Reprocess) -> None:
    """Also when the same request comes again: the first time may have ended between write and stop."""
    name = execution_name(again.document_id, again.since_attempt - 1)
    step.workflow.stop(name, "Reprocessed", _reason(again))
    step.slots.release(name)


def _reason(again: DocumentRow) -> str:
    by = f", by {again.operator}" if again.operator else ""
    what = f"document {again.document_id} is processed again from {again.start_from}"
    return f"{what}, attempt {again.attempt}{by}"
