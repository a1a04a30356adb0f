"""Put a doubtful document before a person, and take the answer. The task token never leaves the table.

The desk is the workbench, which reads the task from the work bucket, or Amazon A2I; both hand in the same
`output.json`. The first answer counts, once, however often its event comes; a restart keeps the review.
"""

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, NamedTuple

from recto.errors import DocumentMissingError, ReviewFailedError
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
from recto.review import ReviewTask, apply_answers, human_loop_name, parse_human_answers
from recto.steps.fields_of_release import load_fields
from recto.steps.postprocess import load_result

WORKBENCH = "workbench"
OPEN = "OPEN"
JSON_TYPE = "application/json"
MAX_INPUT_CONTENT = 3_000_000
"""Bytes; A2I takes 3 MiB of InputContent."""


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


class Answered(NamedTuple):
    """What became of an answer."""

    review_id: str
    document_id: str
    outcome: str
    """taken, failed, late (nobody waits for it any more) or ignored (another answer came first)."""


def open_review(request: ReviewRequest, step: ReviewTrigger) -> str:
    """The review's id: of the one that the document has already, or of a new one."""
    row = _row_of(request.document.document_id, step.documents)
    review_id = row.review_id or step.new_id()
    moved = step.documents.move(
        row.document_id,
        (Status.RUNNING, Status.IN_REVIEW),
        Status.IN_REVIEW,
        step.clock(),
        request.document.attempt,
        review_id=review_id,
    )
    if not moved:
        raise ReviewFailedError(
            f"document {row.document_id}: status {row.status}, attempt {row.attempt}; expected RUNNING or "
            f"IN_REVIEW in attempt {request.document.attempt}"
        )
    review = step.reviews.find(review_id) or _offer(review_id, row, request.task_token, step)
    if review.state == OPEN and step.reviews.renew_token(review_id, request.task_token):
        _ask_a2i(review, row, step)
    else:
        _take_again(review_id, row, request.task_token, step)
    return review_id


def _row_of(document: str, documents: Documents) -> DocumentRow:
    row = documents.find(document)
    if row is None:
        raise DocumentMissingError(f"document {document}: expected a row in the table, there is none")
    return row


def _offer(review_id: str, row: DocumentRow, task_token: str, step: ReviewTrigger) -> ReviewRow:
    """The task for the desk to read, then the review's row."""
    places = DocumentPlaces(step.work_bucket, row.document_id)
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
        loop_name="" if flow == WORKBENCH else human_loop_name("recto", review_id),
    )
    step.reviews.add(review)
    return step.reviews.find(review_id) or review


def _task(review_id: str, row: DocumentRow, step: ReviewTrigger) -> ReviewTask:
    result = load_result(step.objects, DocumentPlaces(step.work_bucket, row.document_id))
    return ReviewTask(review_id=review_id, task_object=row.ref().source.uri, model_result=result)


def _ask_a2i(review: ReviewRow, row: DocumentRow, step: ReviewTrigger) -> None:
    """Start the human loop, on every try: the same name again starts nothing new."""
    if review.loop_name:
        places = DocumentPlaces(step.work_bucket, row.document_id)
        content = _input_content(_task(review.review_id, row, step), places.fields)
        step.loops.start(review.backend, review.loop_name, content)


def _input_content(task: ReviewTask, fields: Location) -> Mapping[str, Any]:
    """The task as A2I takes it: whole, or with the fields by reference where they are too large."""
    content = task.to_json()
    is_small = len(json.dumps(content)) < MAX_INPUT_CONTENT
    return content if is_small else {**content, "ModelResult": {"S3Uri": fields.uri}}


def take_answer(place: Location, step: ReviewCallback) -> Answered:
    """Hand a reviewer's `output.json` to the pipeline: read it, claim the review with it, then call back."""
    output = _output(step.objects.read(place), place)
    review = step.reviews.find(output["inputContent"]["ReviewId"])
    if review is None:
        raise ReviewFailedError(f"{place.uri}: no review has the id {output['inputContent']['ReviewId']!r}")
    row = _row_of(review.document_id, step.documents)
    reviewed = _reviewed_or_error(output, row, step.objects, step.work_bucket)
    if not step.reviews.answer(review.review_id, place.uri):
        return Answered(review.review_id, review.document_id, "ignored")
    review = step.reviews.find(review.review_id) or review  # the token may have been renewed meanwhile
    return Answered(review.review_id, row.document_id, _call_back(reviewed, review, review.task_token, step))


def _take_again(review_id: str, row: DocumentRow, task_token: str, step: ReviewTrigger) -> None:
    """The answer came while nobody waited for it: hand it to the execution that asks now."""
    review = step.reviews.find(review_id)
    if review is None or not review.answer:
        raise ReviewFailedError(f"document {row.document_id}: review {review_id} is closed without an answer")
    place = Location.from_uri(review.answer)
    output = _output(step.objects.read(place), place)
    reviewed = _reviewed_or_error(output, row, step.objects, step.work_bucket)
    callback = ReviewCallback(step.objects, step.documents, step.reviews, step.workflow, step.work_bucket)
    _call_back(reviewed, review, task_token, callback)


def _reviewed_or_error(
    output: Mapping[str, Any], row: DocumentRow, objects: ObjectStore, work_bucket: str
) -> DocumentResult | ReviewFailedError:
    """The fields as the reviewers leave them, or why their answer cannot be used."""
    fields = load_fields(objects, work_bucket, row.release).fields
    result = load_result(objects, DocumentPlaces(work_bucket, row.document_id))
    try:
        return apply_answers(result, parse_human_answers(output["humanAnswers"], fields), fields)
    except ReviewFailedError as error:
        return error


def _call_back(
    reviewed: DocumentResult | ReviewFailedError, review: ReviewRow, task_token: str, step: ReviewCallback
) -> str:
    """Tell the waiting state; what became of the answer."""
    if isinstance(reviewed, ReviewFailedError):
        cause = f"document {review.document_id}: {reviewed}"
        step.workflow.fail(task_token, type(reviewed).__name__, cause)
        return "failed"
    places = DocumentPlaces(step.work_bucket, review.document_id)
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
