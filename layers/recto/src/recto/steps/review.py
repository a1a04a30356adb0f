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
from recto.review import ReviewTask, apply_answers, human_loop_name, parse_human_answers
from recto.steps.fields_of_release import load_fields
from recto.steps.postprocess import load_result
from recto.steps.publish import inline_or_reference

WORKBENCH = "workbench"
JSON_TYPE = "application/json"
MAX_INPUT_CONTENT = 3 * 1024 * 1024
"""What A2I takes as InputContent, in bytes."""


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
    known = step.reviews.find(review_id)
    if known and known.state == "ANSWERED":
        _take_again(known, row, request.task_token, step)
        return review_id
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
    if known and step.reviews.renew_token(review_id, request.task_token):
        return review_id
    _offer(review_id, row, request.task_token, step)
    return review_id


def _row_of(document: str, documents: Documents) -> DocumentRow:
    row = documents.find(document)
    if row is None:
        raise DocumentMissingError(f"document {document}: expected a row in the table, there is none")
    return row


def _offer(review_id: str, row: DocumentRow, task_token: str, step: ReviewTrigger) -> None:
    """Task, row, and where A2I is the desk, its human loop."""
    places = DocumentPlaces(step.work_bucket, row.document_id)
    result = load_result(step.objects, places)
    task = ReviewTask(review_id=review_id, task_object=row.ref().source.uri, model_result=result)
    body = json.dumps(task.to_json(), ensure_ascii=False).encode()
    step.objects.write(places.review_task(review_id), body, JSON_TYPE)
    flow = step.parameters.read(step.flow_parameter)
    loop = "" if flow == WORKBENCH else human_loop_name("recto", review_id)
    now = step.clock()
    review = ReviewRow(
        review_id=review_id,
        document_id=row.document_id,
        task_token=task_token,
        created=now,
        expires=now + step.availability,
        backend=flow,
        loop_name=loop,
    )
    step.reviews.put(review)
    if loop:
        step.loops.start(flow, loop, _input_content(task, places.fields, len(body)))


def _input_content(task: ReviewTask, fields: Location, size: int) -> Mapping[str, Any]:
    """The task as A2I takes it: whole, or with the fields by reference where they are too large."""
    content = task.to_json()
    return content if size < MAX_INPUT_CONTENT // 2 else {**content, "ModelResult": {"S3Uri": fields.uri}}


def take_answer(place: Location, step: ReviewCallback) -> Answered:
    """Hand a reviewer's `output.json` to the pipeline."""
    output = _output(step.objects.read(place), place)
    review = step.reviews.find(output["inputContent"]["ReviewId"])
    if review is None:
        raise ReviewFailedError(f"{place.uri}: no review has the id {output['inputContent']['ReviewId']!r}")
    if not step.reviews.answer(review.review_id, place.uri):
        return Answered(review.review_id, review.document_id, "ignored")
    review = step.reviews.find(review.review_id) or review  # the token may have been renewed meanwhile
    row = _row_of(review.document_id, step.documents)
    try:
        outcome = _apply(output, review, row, step.objects, step.work_bucket)
    except ReviewFailedError as error:
        step.workflow.fail(review.task_token, type(error).__name__, f"document {row.document_id}: {error}")
        return Answered(review.review_id, row.document_id, "failed")
    waited = step.workflow.succeed(review.task_token, outcome.dump())
    return Answered(review.review_id, row.document_id, "taken" if waited else "late")


def _take_again(review: ReviewRow, row: DocumentRow, task_token: str, step: ReviewTrigger) -> None:
    """The answer came, but the execution that waited for it is gone: hand it to the one that asks now."""
    place = Location.from_uri(review.answer)
    output = _output(step.objects.read(place), place)
    outcome = _apply(output, review, row, step.objects, step.work_bucket)
    step.workflow.succeed(task_token, outcome.dump())


def _apply(
    output: Mapping[str, Any], review: ReviewRow, row: DocumentRow, objects: ObjectStore, work_bucket: str
) -> ReviewOutcome:
    places = DocumentPlaces(work_bucket, row.document_id)
    fields = load_fields(objects, work_bucket, row.release).fields
    result = load_result(objects, places)
    reviewed = apply_answers(result, parse_human_answers(output["humanAnswers"], fields), fields)
    body = json.dumps(reviewed.to_json(), ensure_ascii=False).encode()
    objects.write(places.reviewed_fields, body, JSON_TYPE)
    return ReviewOutcome(
        review_id=review.review_id, model_result=inline_or_reference(body, places.reviewed_fields)
    )


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
