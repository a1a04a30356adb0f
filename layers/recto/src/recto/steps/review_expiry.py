"""Reviews that nobody answered in time: accepted as they are, failed, or escalated once and then failed.

What is due is found by its time, without looking at anything else. An answer that comes in the same moment
wins or loses by one conditional write. Who is cut off between that write and the call back is called back by
the next round: a review is cleared away last.
"""

from datetime import timedelta
from typing import Literal, NamedTuple

from recto.errors import DocumentMissingError, RectoError, ReviewExpiredError
from recto.messages import ReviewEscalated, ReviewSettled, SettledAs
from recto.ports import (
    Clock,
    Desk,
    DocumentRow,
    Documents,
    Events,
    HumanLoops,
    ObjectStore,
    ReviewRow,
    Reviews,
    Workflow,
)
from recto.review import AGAIN, LOOP, human_loop_name, review_id_of
from recto.steps.desks import WORKBENCH, loop_of
from recto.steps.review import ACCEPT, ASKING, EXPIRED, OPEN, settle_expired
from recto.steps.review_task import input_content

Rule = Literal["accept", "fail", "escalate"]
FAIL, ESCALATE = "fail", "escalate"
MOST_DUE = 1000
"""Reviews that one round looks at."""
MARGIN = timedelta(minutes=10)
"""Two rounds: what an escalated review needs beside its time on offer."""


class ReviewExpiry(NamedTuple):
    """What the step works with."""

    objects: ObjectStore
    documents: Documents
    reviews: Reviews
    workflow: Workflow
    a2i: HumanLoops
    desk: Desk
    events: Events
    clock: Clock
    work_bucket: str
    rule: Rule
    availability: timedelta
    grace: timedelta
    """How long an answer may be on its way: the desk holds it for a while before it hands it on."""
    timeout: timedelta
    """How long the state machine waits, as a last resort."""


class Expired(NamedTuple):
    """What became of a review whose time was over."""

    review_id: str
    document_id: str
    outcome: str
    """accept, fail, escalate, withdrawn (nobody waits for it), audit, closed (it had ended), or error."""
    cause: str = ""
    correlation_id: str = ""


def expire_reviews(step: ReviewExpiry) -> list[Expired]:
    """All that are due; one that cannot be dealt with stops no other, and comes again."""
    found = []
    for review_id in step.reviews.due(step.clock() - step.grace, MOST_DUE):
        review = step.reviews.find(review_id)
        if review:
            found.append(_one(review, step))
    return found


def expire_loop(loop_name: str, step: ReviewExpiry) -> Expired | None:
    """The review of a loop that ended unanswered before its time; None where it is none of ours."""
    review = step.reviews.find(review_id_of(loop_name)) if review_id_of(loop_name) else None
    if review is None or loop_of(review) != loop_name:
        return None
    return _one(review, step)


def _one(review: ReviewRow, step: ReviewExpiry) -> Expired:
    try:
        outcome, cause = _expire(review, step)
    except RectoError as error:
        outcome, cause = "error", f"{type(error).__name__}: {error}"
    names = review.document_id, review.correlation_id or review.document_id
    return Expired(review.review_id, names[0], outcome, cause, correlation_id=names[1])


def _expire(review: ReviewRow, step: ReviewExpiry) -> tuple[str, str]:
    """What became of it, and why."""
    if review.state not in (OPEN, EXPIRED):
        step.reviews.clear_due(review)
        return "closed", ""
    if review.kind == "audit":
        return _audit_over(review, step), ""
    row = step.documents.find(review.document_id)
    if row is None or row.review_id != review.review_id or row.status not in ASKING:
        return _withdrawn(review, row, step)
    if review.state == OPEN and step.rule == ESCALATE and not review.escalated and _has_time(review, step):
        return _escalated(review, row, step), ""
    rule = ACCEPT if step.rule == ACCEPT else FAIL
    if review.state == OPEN and not step.reviews.expire(review.review_id, rule):
        step.reviews.clear_due(review)  # answered in this moment
        return "closed", ""
    return _settled(step.reviews.find(review.review_id) or review, row, step)


def _has_time(review: ReviewRow, step: ReviewExpiry) -> bool:
    """Whether the state machine waits for as long as an escalated review is on offer."""
    ends = step.clock() + step.availability + step.grace + MARGIN
    return ends < review.created + step.timeout


def _settled(review: ReviewRow, row: DocumentRow, step: ReviewExpiry) -> tuple[str, str]:
    """Accepted or failed: history, waiting state, desk; then it is over."""
    until = min(review.expires, step.clock())  # Amazon A2I may have ended its loop before
    cause = f"nobody answered review {review.review_id} until {until:%Y-%m-%d %H:%M} UTC"
    if step.rule == ESCALATE and not review.escalated:
        cause += "; it was not escalated, ReviewTimeoutSeconds leaves no time for it"
    settle_expired(review, row, review.task_token, until, step)
    step.documents.note(
        row.document_id, step.clock(), "REVIEW_EXPIRED",
        error=ReviewExpiredError.__name__, cause=cause, rule=review.rule,
    )  # fmt: skip
    _end_loop(review, "expired", f"{ReviewExpiredError.__name__}: {cause}", step)
    step.reviews.clear_due(review)
    return review.rule, cause


def _escalated(review: ReviewRow, row: DocumentRow, step: ReviewExpiry) -> str:
    """Once more on offer, before all others. Told first: who ends before the row says so comes here again."""
    expires = step.clock() + step.availability
    loop_name = loop_of(review)
    if review.backend == WORKBENCH:
        step.desk.tell(ReviewEscalated(loop_name=loop_name, expires=expires))
    else:
        loop_name = human_loop_name(LOOP, review.review_id, AGAIN)
        content = input_content(review.review_id, row, step.objects, step.work_bucket)
        step.a2i.start(review.backend, loop_name, content)
        step.a2i.stop(loop_of(review))
    event = {
        "DocumentId": row.document_id,
        "CorrelationId": row.correlation_id or row.document_id,
        "Input": {"Bucket": row.bucket, "Key": row.key},
        "ReviewId": review.review_id,
        "Expires": expires.isoformat(timespec="seconds"),
    }
    step.events.publish("ReviewEscalated", event, review.review_id)
    if step.reviews.escalate(review, expires, loop_name):
        step.documents.note(
            row.document_id, step.clock(), "REVIEW_ESCALATED", expires=expires.isoformat(timespec="seconds")
        )
    return ESCALATE


def _withdrawn(review: ReviewRow, row: DocumentRow | None, step: ReviewExpiry) -> tuple[str, str]:
    """Nobody waits for it: the document has ended, was processed again, or is gone."""
    stands = f"is {row.status}, review {row.review_id or 'none'}" if row else "is not in the table any more"
    cause = f"document {review.document_id} {stands}"
    step.reviews.withdraw(review.review_id, cause)
    if row is None:  # its execution may wait all the same, and nobody else would end it
        step.workflow.fail(review.task_token, DocumentMissingError.__name__, cause)
    _end_loop(review, "withdrawn", cause, step)
    step.reviews.clear_due(review)
    return "withdrawn", cause


def _audit_over(review: ReviewRow, step: ReviewExpiry) -> str:
    if review.state == OPEN and step.reviews.expire(review.review_id, "audit"):
        step.documents.note(review.document_id, step.clock(), "AUDIT_EXPIRED")
    _end_loop(review, "expired", "nobody has answered the audit", step)
    step.reviews.clear_due(review)
    return "audit"


def _end_loop(review: ReviewRow, outcome: SettledAs, cause: str, step: ReviewExpiry) -> None:
    """Take the task away from people; Amazon's loops may have ended by themselves."""
    if review.backend == WORKBENCH:
        step.desk.tell(ReviewSettled(loop_name=loop_of(review), outcome=outcome, cause=cause))
    else:
        step.a2i.stop(loop_of(review))
