"""Put a doubtful document before a person, and take the answer. The task token never leaves the table.

The desk is the workbench or Amazon A2I: both are asked for a human loop, and hand in the same `output.json`.
The first answer counts, once, however often its event comes; a restart keeps the review. The workbench is
told what became of each answer.

An answer that cannot be used is refused by name: in the log, in the document's history, and on the review,
which stays open where somebody can still answer it. Where no review can be told from it, it raises, and the
message ends in the dead letters. Answers themselves lie in the reviews bucket and are never removed.
"""

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Protocol

from recto.errors import (
    ConfigurationError,
    DocumentMissingError,
    DocumentRejectedError,
    FieldConfigurationError,
    RectoError,
    ReleaseError,
    ReviewExpiredError,
    ReviewFailedError,
    ReviewWithdrawnError,
)
from recto.messages import ReviewOutcome, ReviewRequest, ReviewSettled, SettledAs, Status
from recto.places import DocumentPlaces, Location
from recto.ports import (
    Clock,
    Desk,
    DocumentRow,
    Documents,
    ObjectStore,
    Parameters,
    ReviewRow,
    Reviews,
    Workflow,
)
from recto.results import DocumentResult
from recto.review import (
    LOOP,
    apply_answers,
    human_loop_name,
    not_reviewed,
    parse_human_answers,
    rejection_of,
    review_id_of,
)
from recto.steps.audit import AuditCallback, AuditOutcome, take_audit
from recto.steps.desks import WORKBENCH, Desks, loop_of
from recto.steps.fields_of_release import load_fields
from recto.steps.postprocess import load_result
from recto.steps.review_task import JSON_TYPE, input_content, write_task

OPEN, EXPIRED, WITHDRAWN = "OPEN", "EXPIRED", "WITHDRAWN"
ACCEPT = "accept"
ASKING = (Status.RUNNING, Status.IN_REVIEW)
MAX_ANSWER = 16 * 1024 * 1024
"""Bytes of an `output.json`: it repeats the task, and people type little."""
MOST_CAUSE = 2_000
UNUSABLE = (ReleaseError, FieldConfigurationError, DocumentMissingError)
"""What an answer is applied to is gone or altered: asking again would not help."""


Reviewed = DocumentResult | RectoError
"""A result as the reviewers leave it, or why there is none."""


class ReviewTrigger(NamedTuple):
    """What opening a review works with."""

    objects: ObjectStore
    documents: Documents
    reviews: Reviews
    workflow: Workflow
    desks: Desks
    parameters: Parameters
    clock: Clock
    new_id: Callable[[], str]
    work_bucket: str
    flow_parameter: str
    availability: timedelta
    timeout: timedelta = timedelta.max
    """How long the state machine waits, as a last resort."""


class ReviewCallback(NamedTuple):
    """What taking an answer works with."""

    objects: ObjectStore
    documents: Documents
    reviews: Reviews
    workflow: Workflow
    work_bucket: str
    clock: Clock
    desk: Desk
    audits: AuditCallback


class Answered(NamedTuple):
    """What became of an answer."""

    review_id: str
    document_id: str
    outcome: SettledAs
    """What was done with it: taken, late (nobody waits for it any more), ignored (another came first),
    withdrawn (the review is not wanted any more), refused (of no use, the review waits on), rejected (the
    document was turned down), failed (of no use, and nobody can answer again) or audited (compared with what
    was published)."""
    cause: str = ""
    audit: AuditOutcome | None = None
    seconds: float = 0.0
    """Since the review was opened."""


def open_review(request: ReviewRequest, step: ReviewTrigger) -> str:
    """The review's id: of the one that the document has already, or of a new one."""
    _require_patience(step)
    row = _row_of(request.document.document_id, step.documents)
    _require_asking(row, request)
    review_id = row.review_id or step.new_id()
    review = step.reviews.find(review_id) or _offer(review_id, row, request.task_token, step)
    attempt, now = request.document.attempt, step.clock()
    if not step.documents.move(
        row.document_id, ASKING, Status.IN_REVIEW, now, attempt, review_id=review_id
    ):  # whoever sees the status finds the review
        _require_asking(_row_of(row.document_id, step.documents), request)
        raise ReviewFailedError(f"document {row.document_id} has moved while its review was opened")
    if review.state == OPEN and step.reviews.renew_token(review_id, request.task_token):
        _ask_people(review, row, step)
    else:
        _settle_again(review_id, row, request.task_token, step)
    return review_id


def _require_patience(step: ReviewTrigger) -> None:
    """The state machine must not give up before the desk does."""
    if step.timeout <= step.availability:
        raise ConfigurationError(
            f"ReviewTimeoutSeconds is {step.timeout.total_seconds():.0f}; expected more than the "
            f"{step.availability.total_seconds():.0f} of ReviewAvailabilitySeconds"
        )


def _require_asking(row: DocumentRow, request: ReviewRequest) -> None:
    if row.status not in ASKING or row.attempt != request.document.attempt:
        raise ReviewFailedError(
            f"document {row.document_id}: status {row.status}, attempt {row.attempt}; expected RUNNING or "
            f"IN_REVIEW in attempt {request.document.attempt}"
        )


def _row_of(document: str, documents: Documents) -> DocumentRow:
    row = documents.find(document)
    if row is None:
        raise DocumentMissingError(f"document {document}: expected a row in the table, there is none")
    return row


def _offer(review_id: str, row: DocumentRow, task_token: str, step: ReviewTrigger) -> ReviewRow:
    """The task for the desk to read, then the review's row."""
    write_task(review_id, row, step.objects, step.work_bucket)
    now = step.clock()
    review = ReviewRow(
        review_id=review_id,
        document_id=row.document_id,
        correlation_id=row.correlation_id,
        task_token=task_token,
        created=now,
        expires=now + step.availability,
        backend=step.parameters.read(step.flow_parameter),
        loop_name=human_loop_name(LOOP, review_id),
    )
    step.reviews.add(review)
    return step.reviews.find(review_id) or review


def _ask_people(review: ReviewRow, row: DocumentRow, step: ReviewTrigger) -> None:
    """Start the human loop, on every try: the same name again starts nothing new."""
    content = input_content(review.review_id, row, step.objects, step.work_bucket)
    step.desks.of(review.backend).start(review.backend, loop_of(review), content)


def _ignore(_: ReviewRow) -> None:
    """Nobody wants to know."""


def take_answer(
    place: Location, step: ReviewCallback, found: Callable[[ReviewRow], object] = _ignore
) -> Answered:
    """Hand a reviewer's `output.json` to the pipeline, then tell the workbench what became of it.

    `found` is told whose answer it is before anything is done with it.
    """
    output = _read_output(place, step.objects)
    review = _review_of(output, place, step.reviews)
    found(review)
    seconds = (step.clock() - review.created).total_seconds()
    answered = _taken(output, review, place, step)._replace(seconds=seconds)
    if review.backend == WORKBENCH:
        step.desk.tell(
            ReviewSettled(
                loop_name=loop_of(review),
                outcome=answered.outcome,
                cause=answered.cause,
                answer=place.uri,
            )
        )
    return answered


def _taken(
    output: Mapping[str, Any] | ReviewFailedError, review: ReviewRow, place: Location, step: ReviewCallback
) -> Answered:
    """What becomes of an answer: is it wanted, can it be used, is it the first; then call back."""
    if review.kind == "audit":
        return _taken_for_audit(output, review, place, step)
    row = step.documents.find(review.document_id)
    if row is None:
        return _without_document(review, step)
    if outdated := _outdated(review, row):
        return _not_taken(review, *outdated, place, step)
    reviewed = _reviewed_or_error(output, row, step.objects, step.work_bucket)
    if isinstance(reviewed, ReviewFailedError) and review.state == OPEN and review.backend == WORKBENCH:
        step.reviews.refuse(review.review_id, _in_short(reviewed))
        return _not_taken(review, "refused", reviewed, place, step)
    if not step.reviews.answer(review.review_id, place.uri):
        return _not_taken(review, "ignored", _came_second(review, step), place, step)
    return _handed_on(reviewed, review, row, place, step)


def _handed_on(
    reviewed: Reviewed, review: ReviewRow, row: DocumentRow, place: Location, step: ReviewCallback
) -> Answered:
    """The answer counts: what the waiting state makes of it."""
    review = step.reviews.find(review.review_id) or review  # the token may have been renewed meanwhile
    outcome = _call_back(reviewed, review, row, review.task_token, step)
    if outcome == "late" and row.status in ASKING:
        return _not_taken(review, outcome, _nobody_waits(review, row), place, step)
    if outcome == "failed" and isinstance(reviewed, RectoError):
        return _not_taken(review, outcome, reviewed, place, step)
    return Answered(review.review_id, row.document_id, outcome)


def _without_document(review: ReviewRow, step: ReviewCallback) -> Answered:
    """The document's row has been removed: there is no history to tell, but whatever waits must end."""
    cause = f"document {review.document_id}: expected a row in the table, there is none"
    step.workflow.fail(review.task_token, DocumentMissingError.__name__, cause)
    return Answered(
        review.review_id, review.document_id, "failed", f"{DocumentMissingError.__name__}: {cause}"
    )


def _outdated(review: ReviewRow, row: DocumentRow) -> tuple[SettledAs, RectoError] | None:
    """Why an answer to this review is not wanted any more; None where it is."""
    which = f"review {review.review_id}"
    if review.state == WITHDRAWN or row.review_id != review.review_id:
        why = review.reason or f"document {row.document_id} was processed again meanwhile"
        return "withdrawn", ReviewWithdrawnError(f"{which} was withdrawn: {why}")
    if review.state == EXPIRED:
        became = "the model's values went on" if review.rule == ACCEPT else "the document failed"
        return "late", ReviewExpiredError(
            f"{which} expired on {review.expires:%Y-%m-%d %H:%M} UTC, then {became}; the answer is kept, and "
            "a new review begins with reprocess --from review"
        )
    if review.state == OPEN and row.status not in ASKING:
        return "withdrawn", ReviewWithdrawnError(
            f"{which}: document {row.document_id} is {row.status} and waits for nobody"
        )
    return None


def _came_second(review: ReviewRow, step: ReviewCallback) -> RectoError:
    now = step.reviews.find(review.review_id) or review
    if now.state == EXPIRED:
        return ReviewExpiredError(f"review {review.review_id} expired in the moment of this answer")
    return ReviewWithdrawnError(f"review {review.review_id} was answered before, by {now.answer}")


def _nobody_waits(review: ReviewRow, row: DocumentRow) -> RectoError:
    return ReviewWithdrawnError(
        f"review {review.review_id}: the execution of document {row.document_id}, attempt {row.attempt}, was "
        "stopped; the answer is kept and counts once the document runs again"
    )


def _taken_for_audit(
    output: Mapping[str, Any] | ReviewFailedError, review: ReviewRow, place: Location, step: ReviewCallback
) -> Answered:
    """What became of an audit's answer: nobody waits for it, and the document stays as it is."""
    if review.state not in (OPEN, "ANSWERED"):
        error = ReviewExpiredError(f"audit {review.review_id} is {review.state.lower()}: {review.reason}")
        return _not_taken(review, "late", error, place, step)
    try:
        outcome = take_audit(output, review, place, step.audits)
    except (ReviewFailedError, *UNUSABLE) as error:
        can_answer_again = isinstance(error, ReviewFailedError) and review.backend == WORKBENCH
        if can_answer_again and step.reviews.refuse(review.review_id, _in_short(error)):
            return _not_taken(review, "refused", error, place, step)
        return _not_taken(review, "failed", error, place, step)
    if outcome is None:
        return _not_taken(review, "ignored", _came_second(review, step), place, step)
    return Answered(review.review_id, review.document_id, "audited", audit=outcome)


def _not_taken(
    review: ReviewRow, outcome: SettledAs, error: RectoError, place: Location, step: ReviewCallback
) -> Answered:
    """The document's history says which answer was not taken, and why."""
    name, cause = type(error).__name__, _in_short(error)
    step.documents.note(
        review.document_id, step.clock(), "ANSWER_NOT_TAKEN", error=name, cause=cause, answer=place.uri
    )
    return Answered(review.review_id, review.document_id, outcome, f"{name}: {cause}")


def _in_short(error: RectoError) -> str:
    """For rows and messages: an error repeats what was posted, which may be of any length."""
    return str(error)[:MOST_CAUSE]


def _review_of(output: Mapping[str, Any] | ReviewFailedError, place: Location, reviews: Reviews) -> ReviewRow:
    """The review that an answer names, or else its key does; ReviewFailedError where neither is one."""
    named = [] if isinstance(output, ReviewFailedError) else [str(output["inputContent"]["ReviewId"])]
    folder = place.key.rpartition("/")[0].rpartition("/")[2]
    for review_id in named or [folder, review_id_of(folder)]:
        review = reviews.find(review_id) if review_id else None
        if review:
            return review
    if isinstance(output, ReviewFailedError):
        raise output
    raise ReviewFailedError(f"{place.uri}: no review has the id {named[0]!r}")


def _read_output(place: Location, objects: ObjectStore) -> dict[str, Any] | ReviewFailedError:
    """A2I's `output.json`, or why this is none."""
    info = objects.info(place)
    if info is None:
        return ReviewFailedError(f"{place.uri}: expected an answer, there is no object any more")
    if info.size > MAX_ANSWER:
        return ReviewFailedError(
            f"{place.uri}: an answer of {info.size:,} bytes, the limit is {MAX_ANSWER:,}"
        )
    try:
        return _output(objects.read(place), place)
    except ReviewFailedError as error:
        return error


def _settle_again(review_id: str, row: DocumentRow, task_token: str, step: ReviewTrigger) -> None:
    """The review ended while nobody waited for it: tell the execution that asks now."""
    review = step.reviews.find(review_id)
    if review and review.state == EXPIRED:
        settle_expired(review, row, task_token, review.expires, step)
        return
    if review is None or not review.answer:
        raise ReviewFailedError(f"document {row.document_id}: review {review_id} is closed without an answer")
    output = _read_output(Location.from_uri(review.answer), step.objects)
    reviewed = _reviewed_or_error(output, row, step.objects, step.work_bucket)
    _call_back(reviewed, review, row, task_token, step)


class CallsBack(Protocol):
    """What telling a waiting state works with."""

    @property
    def objects(self) -> ObjectStore: ...
    @property
    def workflow(self) -> Workflow: ...
    @property
    def work_bucket(self) -> str: ...


def settle_expired(
    review: ReviewRow, row: DocumentRow, task_token: str, until: datetime, step: CallsBack
) -> bool:
    """What the rule says of a review that nobody answered; False where nobody waits for it any more."""
    why = f"nobody answered review {review.review_id} until {until:%Y-%m-%d %H:%M} UTC"
    if review.rule == ACCEPT:
        return _call_back(_accepted(row, why, step), review, row, task_token, step) != "late"
    error = ReviewExpiredError.__name__
    return step.workflow.fail(task_token, error, f"document {row.document_id}: {why}")


def _accepted(row: DocumentRow, why: str, step: CallsBack) -> Reviewed:
    """The model's values, which nobody has looked at."""
    try:
        places = DocumentPlaces(step.work_bucket, row.document_id, row.made_in)
        return not_reviewed(load_result(step.objects, places), why)
    except DocumentMissingError as error:
        return error


def _reviewed_or_error(
    output: Mapping[str, Any] | ReviewFailedError, row: DocumentRow, objects: ObjectStore, work_bucket: str
) -> Reviewed:
    """The fields as the reviewers leave them, or why there are none: unusable, turned down, or gone."""
    if isinstance(output, ReviewFailedError):
        return output
    try:
        fields = load_fields(objects, work_bucket, row.release).fields
        result = load_result(objects, DocumentPlaces(work_bucket, row.document_id, row.made_in))
        why = rejection_of(output["humanAnswers"])
        if why:
            return DocumentRejectedError(why)
        return apply_answers(result, parse_human_answers(output["humanAnswers"], fields), fields)
    except (ReviewFailedError, *UNUSABLE) as error:
        return error


def _call_back(
    reviewed: Reviewed, review: ReviewRow, row: DocumentRow, task_token: str, step: CallsBack
) -> SettledAs:
    """Tell the waiting state; what became of the answer."""
    if not isinstance(reviewed, DocumentResult):
        cause = f"document {review.document_id}: {reviewed}"
        step.workflow.fail(task_token, type(reviewed).__name__, cause)
        return "rejected" if isinstance(reviewed, DocumentRejectedError) else "failed"
    places = DocumentPlaces(step.work_bucket, row.document_id, row.made_in)
    step.objects.write(places.reviewed_fields, reviewed.to_bytes(), JSON_TYPE)
    outcome = ReviewOutcome(review_id=review.review_id)
    return "taken" if step.workflow.succeed(task_token, outcome.dump()) else "late"


def _output(body: bytes, place: Location) -> dict[str, Any]:
    """A2I's `output.json`; ReviewFailedError where it is none of ours."""
    try:
        output = json.loads(body)
        review, answers = output["inputContent"]["ReviewId"], output["humanAnswers"]
    except (ValueError, KeyError, TypeError) as error:
        raise ReviewFailedError(
            f"{place.uri}: expected inputContent.ReviewId and humanAnswers: {error!r}"
        ) from error
    if not isinstance(review, str) or not isinstance(answers, list):
        raise ReviewFailedError(f"{place.uri}: expected a review's id and a list of answers")
    whole: dict[str, Any] = output
    return whole
