"""Admission: a free slot starts the oldest waiting document. No free slot, no work, no polling.

A slot covers OCR and model only. Every change is conditional, so any number of dispatchers may run at once.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import NamedTuple

from recto.errors import RectoError
from recto.messages import (
    DispatchRequest,
    DispatchResponse,
    DocumentRef,
    ExecutionInput,
    PagePlan,
    SourceInput,
    Status,
    Step,
)
from recto.places import DocumentPlaces, execution_name
from recto.ports import Clock, DocumentRow, Documents, ObjectStore, Parameters, Slots, Workflow

BATCH = 25
RECOVER_LIMIT = 1000
STEPS_WITH_SLOT = frozenset({Step.OCR, Step.MODEL})


class Dispatch(NamedTuple):
    """What the step works with."""

    documents: Documents
    slots: Slots
    workflow: Workflow
    objects: ObjectStore
    parameters: Parameters
    clock: Clock
    work_bucket: str
    release_parameter: str
    max_running: int
    lease: timedelta


def dispatch(request: DispatchRequest, step: Dispatch) -> DispatchResponse:
    """Give back what is to be given back, then start what waits.

    A document that cannot be started waits on and stops no other. Its error is raised in the end, but not
    at whoever only gave a slot back.
    """
    if request.action == "release" and request.document:
        step.slots.release(owner_of(request.document.document_id, request.document.attempt))
    restarted = list(_recover(request, step)) if request.action == "recover" else []
    reaped = step.slots.take_back_expired(step.clock())
    started, refused = _start_waiting(step)
    if refused and request.action != "release":
        raise next(iter(refused.values()))
    return DispatchResponse(
        started=tuple(started), restarted=tuple(restarted), reaped=tuple(reaped), refused=tuple(refused)
    )


def owner_of(document: str, attempt: int) -> str:
    return execution_name(document, attempt)


def _start_waiting(step: Dispatch) -> tuple[list[str], dict[str, RectoError]]:
    """The documents started, and those that could not be, with their errors."""
    started: list[str] = []
    refused: dict[str, RectoError] = {}
    while waiting := _oldest(step, refused):
        release = step.parameters.read(step.release_parameter)
        num_started = len(started)
        for row in waiting:
            try:
                is_started = _start(row, row.release or release, step)
            except RectoError as error:
                refused[row.document_id] = error
                continue
            if is_started:
                started.append(row.document_id)
            elif _is_full(step):
                return started, refused
        if len(started) == num_started:
            break
    return started, refused


def _oldest(step: Dispatch, refused: Mapping[str, RectoError]) -> list[DocumentRow]:
    rows = step.documents.with_status(Status.WAITING, BATCH + len(refused))
    return [row for row in rows if row.document_id not in refused]


def _is_full(step: Dispatch) -> bool:
    return len(step.slots.owners()) >= step.max_running


def _start(row: DocumentRow, release: str, step: Dispatch) -> bool:
    """Slot, then row, then execution; what a crash leaves out, `recover` or the lease's end mends."""
    now, owner = step.clock(), owner_of(row.document_id, row.attempt)
    if not step.slots.take(owner, step.max_running, now + step.lease):
        return False
    expected = (Status.WAITING,)
    if not step.documents.move(row.document_id, expected, Status.RUNNING, now, row.attempt, release=release):
        step.slots.release(owner)
        return False
    try:
        _execute(row, Step(row.start_from), release, step)
    except RectoError:
        step.documents.move(row.document_id, (Status.RUNNING,), Status.WAITING, step.clock(), row.attempt)
        step.slots.release(owner)
        raise
    return True


def _execute(row: DocumentRow, start_from: Step, release: str, step: Dispatch) -> str:
    execution = ExecutionInput(
        from_=start_from, document=row.ref(release), input=SourceInput(bucket=row.bucket, key=row.key)
    )
    return step.workflow.start(execution_name(row.document_id, row.attempt), execution)


def _recover(request: DispatchRequest, step: Dispatch) -> Iterator[str]:
    """Start every document again that is not final and is not running, from its last finished step."""
    before = step.clock() - timedelta(seconds=request.older_than_seconds)
    statuses = (Status.RUNNING, Status.IN_REVIEW) if request.include_reviews else (Status.RUNNING,)
    for status in statuses:
        for row in step.documents.with_status(status, RECOVER_LIMIT):
            if row.updated <= before and not _is_executing(row, step) and _restart(row, step):
                yield row.document_id


def _is_executing(row: DocumentRow, step: Dispatch) -> bool:
    return step.workflow.is_running(execution_name(row.document_id, row.attempt))


def _restart(row: DocumentRow, step: Dispatch) -> bool:
    """A new attempt of the same work: the OCR's attempt stays, so OCR is joined again and not paid again."""
    step.slots.release(owner_of(row.document_id, row.attempt))
    start_from = next_step(row, step.objects, step.work_bucket)
    status = Status.WAITING if start_from in STEPS_WITH_SLOT else row.status
    moved = step.documents.move(
        row.document_id, (row.status,), status, step.clock(), row.attempt,
        attempt=row.attempt + 1, start_from=str(start_from),
    )  # fmt: skip
    if moved and status is not Status.WAITING:
        again = row.model_copy(update={"attempt": row.attempt + 1})
        _execute(again, start_from, row.release, step)
    return moved


def next_step(row: DocumentRow, objects: ObjectStore, work_bucket: str) -> Step:
    """The first step whose result is not there yet."""
    places = DocumentPlaces(work_bucket, row.document_id)
    if objects.info(places.reviewed_fields):
        return Step.PUBLISH
    if row.status is Status.IN_REVIEW:
        return Step.REVIEW
    if objects.info(places.fields):
        return Step.POSTPROCESS
    if objects.info(places.ocr_index) and _all_drawn(places, objects):
        return Step.MODEL
    return Step.OCR


def _all_drawn(places: DocumentPlaces, objects: ObjectStore) -> bool:
    if objects.info(places.image_plan) is None:
        return False
    plan = PagePlan.model_validate_json(objects.read(places.image_plan))
    return all(objects.info(places.image_part_index(each.part)) for each in plan.ranges)


def release_request(document: DocumentRef) -> DispatchRequest:
    """The request that gives a document's slot back."""
    return DispatchRequest(action="release", document=document)
