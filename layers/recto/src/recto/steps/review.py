"""Put a doubtful document before a person, and take the answer. The task token never leaves the table.

The desk is the workbench, which reads the task from the work bucket, or Amazon A2I; both hand in the same
`output.json`. The first answer counts, once, however often its event comes; a restart keeps the review.

An answer that cannot be used is refused by name: in the log, in the document's history, and on the review,
which stays open where somebody can still answer it. Where no review can be told from it, it raises, and the
message ends in the dead letters. Answers themselves lie in the reviews bucket and are never removed.
"""

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, NamedTuple

from recto.errors import (
    DocumentMissingError,
    DocumentRejectedError,
    RectoError,
    ReviewFailedError,
    ReviewWithdrawnError,
)
from recto.messages import ReviewOutcome, ReviewRequest, Status
from recto.places import DocumentPlaces, Location
from recto.ports import (
    Clock,
    DocumentRow,
    Documents,
    HumanLoops,
    ObjectStore,
    Parameters,
    ReviewRow,
    Reviews,
    Workflow,
)
from recto.results import DocumentResult
from recto.review import ReviewTask, apply_answers, human_loop_name, parse_human_answers, rejection_of
from recto.steps.fields_of_release import load_fields
from recto.steps.postprocess import load_result

WORKBENCH = "workbench"
OPEN, WITHDRAWN = "OPEN", "WITHDRAWN"
JSON_TYPE = "application/json"
ASKING = (Status.RUNNING, Status.IN_REVIEW)
MAX_INPUT_CONTENT = 3_000_000
"""Bytes; A2I takes 3 MiB of InputContent."""
MAX_ANSWER = 16 * 1024 * 1024
"""Bytes of an `output.json`: it repeats the task, and people type little."""
LOOP = "recto"
"""The first part of human loops' names."""


class ReviewTrigger(NamedTuple):
    """What opening a review works with."""

    objects: ObjectStore
    documents: Documents
    reviews: Reviews
    workflow: Workflow
    loops: HumanLoops
    parameters: Parameters
    clock: Clock
    new_id: Callable[[], str]
    work_bucket: str
    flow_parameter: str
    availability: timedelta


class ReviewCallback(NamedTuple):
    """What taking an answer works with."""

    objects: ObjectStore
    documents: Documents
    reviews: Reviews
    workflow: Workflow
    work_bucket: str
    clock: Clock


class Answered(NamedTuple):
    """What became of an answer."""

    review_id: str
    document_id: str
    outcome: str
    """What was done with it: taken, late (nobody waits for it any more), ignored (another came first),
    withdrawn (the review is not wanted any more), refused (of no use, the review waits on), rejected (the
    document was turned down) or failed (of no use, and nobody can answer again)."""
    cause: str = ""


def open_review(request: ReviewRequest, step: ReviewTrigger) -> str:
    """The review's id: of the one that the document has already, or of a new one."""
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
        _ask_a2i(review, row, step)
    else:
        _take_again(review_id, row, request.task_token, step)
    return review_id


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
    places = DocumentPlaces(step.work_bucket, row.document_id, row.made_in)
    task = _task(review_id, row, step)
    body = json.dumps(task.to_json(), ensure_ascii=False).encode()
    step.objects.write(places.review_task(review_id), body, JSON_TYPE)
    flow = step.parameters.read(step.flow_parameter)
    now = step.clock()
    review = ReviewRow(
        review_id=review_id,
        document_id=row.document_id,
        task_token=task_token,
        created=now,
        expires=now + step.availability,
        backend=flow,
        loop_name="" if flow == WORKBENCH else human_loop_name(LOOP, review_id),
    )
    step.reviews.add(review)
    return step.reviews.find(review_id) or review


def _task(review_id: str, row: DocumentRow, step: ReviewTrigger) -> ReviewTask:
    result = load_result(step.objects, DocumentPlaces(step.work_bucket, row.document_id, row.made_in))
    return ReviewTask(review_id=review_id, task_object=row.ref().source.uri, model_result=result)


def _ask_a2i(review: ReviewRow, row: DocumentRow, step: ReviewTrigger) -> None:
    """Start the human loop, on every try: the same name again starts nothing new."""
    if review.loop_name:
        places = DocumentPlaces(step.work_bucket, row.document_id, row.made_in)
        content = _input_content(_task(review.review_id, row, step), places.fields)
        step.loops.start(review.backend, review.loop_name, content)


def _input_content(task: ReviewTask, fields: Location) -> Mapping[str, Any]:
    """The task as A2I takes it: whole, or with the fields by reference where they are too large."""
    content = task.to_json()
    is_small = len(json.dumps(content)) < MAX_INPUT_CONTENT
    return content if is_small else {**content, "ModelResult": {"S3Uri": fields.uri}}


def take_answer(place: Location, step: ReviewCallback) -> Answered:
    """Hand a reviewer's `output.json` to the pipeline: read it, claim the review with it, then call back."""
    output = _read_output(place, step.objects)
    review = _review_of(output, place, step.reviews)
    row = _row_of(review.document_id, step.documents)
    if review.state == WITHDRAWN or row.review_id != review.review_id:
        why = review.reason or f"document {row.document_id} was processed again meanwhile"
        error = ReviewWithdrawnError(f"review {review.review_id} was withdrawn: {why}")
        return _not_taken(review, "withdrawn", error, place, step)
    if review.state == OPEN and row.status not in ASKING:
        error = ReviewWithdrawnError(
            f"review {review.review_id}: document {row.document_id} is {row.status} and waits for nobody"
        )
        return _not_taken(review, "withdrawn", error, place, step)
    reviewed = _reviewed_or_error(output, row, step.objects, step.work_bucket)
    if isinstance(reviewed, ReviewFailedError) and review.state == OPEN and not review.loop_name:
        step.reviews.refuse(review.review_id, str(reviewed))
        return _not_taken(review, "refused", reviewed, place, step)
    if not step.reviews.answer(review.review_id, place.uri):
        first = (step.reviews.find(review.review_id) or review).answer
        error = ReviewWithdrawnError(f"review {review.review_id} was answered before, by {first}")
        return _not_taken(review, "ignored", error, place, step)
    review = step.reviews.find(review.review_id) or review  # the token may have been renewed meanwhile
    outcome = _call_back(reviewed, review, row, review.task_token, step)
    return Answered(review.review_id, row.document_id, outcome)


def _not_taken(
    review: ReviewRow, outcome: str, error: RectoError, place: Location, step: ReviewCallback
) -> Answered:
    """The document's history says which answer was not taken, and why."""
    name, cause = type(error).__name__, str(error)
    step.documents.note(
        review.document_id, step.clock(), "ANSWER_NOT_TAKEN", error=name, cause=cause, answer=place.uri
    )
    return Answered(review.review_id, review.document_id, outcome, f"{name}: {cause}")


def _review_of(output: Mapping[str, Any] | ReviewFailedError, place: Location, reviews: Reviews) -> ReviewRow:
    """The review that an answer names, or else its key does; ReviewFailedError where neither is one."""
    named = [] if isinstance(output, ReviewFailedError) else [str(output["inputContent"]["ReviewId"])]
    folder = place.key.rpartition("/")[0].rpartition("/")[2]
    for review_id in named or [folder, folder.removeprefix(f"{LOOP}-")]:
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


def _take_again(review_id: str, row: DocumentRow, task_token: str, step: ReviewTrigger) -> None:
    """The answer came while nobody waited for it: hand it to the execution that asks now."""
    review = step.reviews.find(review_id)
    if review is None or not review.answer:
        raise ReviewFailedError(f"document {row.document_id}: review {review_id} is closed without an answer")
    output = _read_output(Location.from_uri(review.answer), step.objects)
    reviewed = _reviewed_or_error(output, row, step.objects, step.work_bucket)
    callback = ReviewCallback(
        step.objects, step.documents, step.reviews, step.workflow, step.work_bucket, step.clock
    )
    _call_back(reviewed, review, row, task_token, callback)


def _reviewed_or_error(
    output: Mapping[str, Any] | ReviewFailedError, row: DocumentRow, objects: ObjectStore, work_bucket: str
) -> DocumentResult | ReviewFailedError | DocumentRejectedError:
    """The fields as the reviewers leave them, or why there are none: unusable, or turned down."""
    if isinstance(output, ReviewFailedError):
        return output
    fields = load_fields(objects, work_bucket, row.release).fields
    result = load_result(objects, DocumentPlaces(work_bucket, row.document_id, row.made_in))
    try:
        why = rejection_of(output["humanAnswers"])
        if why:
            return DocumentRejectedError(why)
        return apply_answers(result, parse_human_answers(output["humanAnswers"], fields), fields)
    except ReviewFailedError as error:
        return error


def _call_back(
    reviewed: DocumentResult | ReviewFailedError | DocumentRejectedError,
    review: ReviewRow,
    row: DocumentRow,
    task_token: str,
    step: ReviewCallback,
) -> str:
    """Tell the waiting state; what became of the answer."""
    if not isinstance(reviewed, DocumentResult):
        cause = f"document {review.document_id}: {reviewed}"
        step.workflow.fail(task_token, type(reviewed).__name__, cause)
        return "failed" if isinstance(reviewed, ReviewFailedError) else "rejected"
    places = DocumentPlaces(step.work_bucket, row.document_id, row.made_in)
    body = json.dumps(reviewed.to_json(), ensure_ascii=False).encode()
    step.objects.write(places.reviewed_fields, body, JSON_TYPE)
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
