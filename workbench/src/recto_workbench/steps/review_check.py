"""A review's task made whole, and what is wrong with an answer to it (`recto.review_check`).

A task says what it asks about, or leaves it by reference; in an audit nothing that the model said leaves
here, whoever made the task and whatever it holds. A task that somebody else has made may have a shape that
we cannot judge answers to; these are taken as they come.
"""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from pydantic import ValidationError

from recto.errors import DocumentError, FieldConfigurationError, ReviewFailedError
from recto.fields import FieldList
from recto.places import Location
from recto.results import DocumentResult
from recto.review import REJECTED, REJECTED_WHY, blind, result_elsewhere
from recto.review_check import (
    AnswerCheck,
    Problem,
    check_answer,
    fields_of_task,
    in_short,
    is_about_a_field,
)
from recto_workbench.errors import AnswerIncompleteError, RequestError
from recto_workbench.loops import Loop
from recto_workbench.steps.desk import ReviewDesk, task_of
from recto_workbench.steps.review_pages import OF_DOCUMENTS

ALL_THAT_AN_AUDIT_SHOWS = (
    "ReviewId", "TaskObject", "Document", "FieldConfiguration", "Words", "PageImages", "Audit",
)  # fmt: skip
SECRETS = frozenset({"TaskToken", "taskToken", "task_token"})
"""The reference's tasks had it; whoever holds one can finish the workflow."""


NOTHING_SAID = "nothing is said about any field: confirm at least one, or turn the document down"


class ReviewContent(NamedTuple):
    """What a review asks about."""

    task: dict[str, Any]
    """As a reviewer may see it, its result in it."""
    result: DocumentResult | None
    """None where the task has none that we can read."""
    fields: FieldList | None
    """None where nobody says which fields there are."""
    is_as_stored: bool = True
    """Whether the loop's input is just this task: a link may lead to it."""


def content_of(loop: Loop, desk: ReviewDesk) -> ReviewContent:
    """The task of a loop, its result with it."""
    stored = task_of(loop, desk)
    told = without_secrets(stored)
    is_audit = told.get("Audit") is True or loop.kind == "audit"
    whole = _with_result(told, desk)
    result = _result(whole)
    fields = _fields(whole, result)
    if is_audit:
        whole, result = _blind(whole, result)
    return ReviewContent(whole, result, fields, whole == stored)


def without_secrets(task: Mapping[str, Any]) -> dict[str, Any]:
    """A task without what opens more than itself; no browser needs it."""
    return {key: value for key, value in task.items() if key not in SECRETS}


def _with_result(task: dict[str, Any], desk: ReviewDesk) -> dict[str, Any]:
    """The task with what its reference leads to, where that is a document's own object."""
    uri = result_elsewhere(task)
    if uri is None:
        return task
    place = Location.from_uri(uri)
    if place.bucket != desk.work_bucket or not place.key.startswith(OF_DOCUMENTS):
        return task
    try:
        return {**task, "ModelResult": json.loads(desk.objects.read(place))}
    except (DocumentError, ValueError):  # removed meanwhile: the document can be reviewed all the same
        return {**task, "ModelResult": {"Confidence": 0.0, "Fields": {}}}


def _result(task: Mapping[str, Any]) -> DocumentResult | None:
    try:
        return DocumentResult.model_validate(task.get("ModelResult"))
    except ValidationError:
        return None


def _fields(task: Mapping[str, Any], result: DocumentResult | None) -> FieldList | None:
    try:
        return fields_of_task(task, result or DocumentResult(confidence=0.0))
    except FieldConfigurationError:
        return None


def _blind(
    task: Mapping[str, Any], result: DocumentResult | None
) -> tuple[dict[str, Any], DocumentResult | None]:
    """Without what the model said, and without any key that could say it again."""
    hidden = blind(result) if result else None
    shown = {key: task[key] for key in ALL_THAT_AN_AUDIT_SHOWS if key in task}
    nothing = {"Confidence": 0.0, "Fields": {}}
    return {**shown, "Audit": True, "ModelResult": hidden.to_json() if hidden else nothing}, hidden


def check(answer: Mapping[str, Any], content: ReviewContent) -> AnswerCheck:
    """What the pipeline would make of an answer; RequestError for one that it could not read."""
    if answer.get(REJECTED):
        said = str(answer.get(REJECTED_WHY) or "").strip()
        why = Problem(field=None, message="say why the document is turned down")
        return AnswerCheck(fields={}, problems=() if said else (why,))
    if content.fields is None:
        return AnswerCheck(fields={})
    result = content.result or DocumentResult(confidence=0.0)
    try:
        return check_answer(answer, result, content.fields)
    except ReviewFailedError as error:
        raise RequestError(f"the answer cannot be read: {error}") from error


def require_complete(answer: Mapping[str, Any], content: ReviewContent) -> None:
    """AnswerIncompleteError, with what is wrong, where a rule does not hold."""
    found = check(answer, content)
    if not found.is_complete:
        problems = tuple(problem.model_dump() for problem in found.problems)
        raise AnswerIncompleteError(f"the answer is not complete: {in_short(found.problems)}", problems)
    if content.fields is not None and not answer.get(REJECTED) and not is_about_a_field(answer):
        problem = Problem(field=None, message=NOTHING_SAID)
        raise AnswerIncompleteError(f"the answer is not complete: {NOTHING_SAID}", (problem.model_dump(),))
