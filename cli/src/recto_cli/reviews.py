"""Reviews that wait, and answers handed in the way that the desk of the review takes them."""

import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from recto.errors import (
    AccessError,
    DocumentMissingError,
    ReviewFailedError,
    ReviewWithdrawnError,
)
from recto.messages import Status
from recto.places import DocumentPlaces, Location
from recto.ports import DocumentRow, ReviewRow
from recto.review import ReviewTask
from recto.steps.desks import WORKBENCH
from recto_cli.answers import a2i_output
from recto_cli.documents import find_document
from recto_cli.labelling.back_ends import RefusalError, Workbench
from recto_cli.stack import Stack
from recto_cli.target import Target

MAX_REVIEWS = 1000
CONTROL = "static/ReviewControlFunction"
OPENING_SECONDS = 60.0
"""A document is seen in review a moment before the desk has heard of it."""


class OpenReview(NamedTuple):
    """A document that waits for a person."""

    row: DocumentRow
    task: ReviewTask
    review: ReviewRow | None = None
    """None where the table has lost it."""


def open_reviews(stack: Stack) -> list[OpenReview]:
    """All reviews that wait, the oldest document first."""
    rows = stack.documents.with_status(Status.IN_REVIEW, MAX_REVIEWS)
    found = (_open_review(row, stack) for row in rows if row.review_id)
    return [review for review in found if review]


def _open_review(row: DocumentRow, stack: Stack) -> OpenReview | None:
    """None where the task is gone: one damaged review must not hide the others."""
    try:
        return OpenReview(row, load_task(row, stack), stack.reviews.find(row.review_id))
    except DocumentMissingError:
        return None


def load_task(row: DocumentRow, stack: Stack) -> ReviewTask:
    """What the reviewer of a document is given."""
    if not row.review_id:
        raise ReviewFailedError(f"document {row.document_id} ({row.key}) has no review, it is {row.status}")
    place = DocumentPlaces(stack.work, row.document_id, row.made_in).review_task(row.review_id)
    return ReviewTask.model_validate_json(stack.objects.read(place))


def waiting_document(name: str, stack: Stack) -> DocumentRow:
    """The document of that name that waits for a person; ReviewFailedError with the ids of several."""
    ids = stack.documents.of_source(stack.inbox, name)
    rows = [row for document in ids if (row := stack.documents.find(document))]
    waiting = [row.document_id for row in rows if row.status is Status.IN_REVIEW]
    if len(waiting) > 1:
        raise ReviewFailedError(f"{len(waiting)} documents {name!r} wait, say which: {', '.join(waiting)}")
    return find_document(waiting[0] if waiting else name, stack)


def find_review(name: str, stack: Stack) -> DocumentRow | None:
    """The document of a review's id; None where no review has it, ReviewWithdrawnError where it has another.

    A document that was reprocessed has no review any more, or a new one.
    """
    review = stack.reviews.find(name)
    row = stack.documents.find(review.document_id) if review else None
    if review and row and row.review_id != review.review_id:
        why = review.reason or f"document {row.document_id} was processed again meanwhile"
        raise ReviewWithdrawnError(f"review {name} was withdrawn: {why}")
    return row


def require_open(task: ReviewTask, stack: Stack) -> ReviewRow:
    """The review's row; ReviewFailedError or ReviewWithdrawnError where it is not open any more."""
    review = stack.reviews.find(task.review_id)
    if review is None:
        raise DocumentMissingError(f"no review has the id {task.review_id}")
    if review.state == "WITHDRAWN":
        raise ReviewWithdrawnError(f"review {task.review_id} was withdrawn: {review.reason}")
    if review.state != "OPEN":
        state = review.state.lower()
        raise ReviewFailedError(f"review {task.review_id} is {state} already, by {review.answer}")
    row = stack.documents.find(review.document_id)
    if row and row.status is not Status.IN_REVIEW:
        raise ReviewWithdrawnError(
            f"review {task.review_id}: document {row.document_id} is {row.status} and waits for nobody"
        )
    return review


def hand_in(
    task: ReviewTask, content: Mapping[str, Any], worker: str, begun: datetime, stack: Stack, target: Target
) -> None:
    """Give one person's answer to the pipeline; ReviewFailedError where the review is not open any more."""
    review = require_open(task, stack)
    if review.loop_name:
        seconds = (datetime.now(UTC) - begun).total_seconds()
        answer = {"AnswerContent": dict(content), "WorkerId": worker, "TimeSpentInSeconds": seconds}
        _answer_loop(review, answer, stack, target)
        return
    now = datetime.now(UTC)  # of an earlier version, which started no loop at the workbench
    output = a2i_output(task, content, worker, begun, now)
    key = f"reviews/workbench/{now:%Y/%m/%d/%H/%M/%S}/{task.review_id}/output.json"
    body = json.dumps(output, ensure_ascii=False).encode()
    stack.objects.write(Location(bucket=stack.reviews_bucket, key=key), body, "application/json")


def _answer_loop(review: ReviewRow, answer: Mapping[str, Any], stack: Stack, target: Target) -> None:
    """By the desk's own operation; Amazon's loops are answered in its worker portal alone."""
    if review.backend != WORKBENCH and not target.is_local:
        raise AccessError(
            f"review {review.review_id} is Amazon A2I's ({review.backend}): answer it in the worker portal"
        )
    parameters = {"HumanLoopName": review.loop_name, **answer}
    deadline = review.created.timestamp() + OPENING_SECONDS
    while True:
        try:
            Workbench(stack.name(CONTROL)).call("AnswerHumanLoop", parameters)
            return
        except RefusalError as error:
            if not error.says_absent or time.time() > deadline:
                raise ReviewFailedError(f"loop {review.loop_name}: {error.said}") from error
        time.sleep(0.2)
