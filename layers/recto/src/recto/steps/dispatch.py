"""Admission: a free slot starts the oldest waiting document. No free slot, no work, no polling.

A slot covers OCR and model only. Every change is conditional, so any number of dispatchers may run at once.
Live documents go first; documents in the backlog of a backfill are started in turn, one of each backfill,
while no live one waits and part of the slots is free that backfill may take.
"""

from collections import deque
from collections.abc import Callable, Collection, Iterator
from datetime import timedelta
from functools import cached_property
from typing import NamedTuple

from recto.admission import share_of
from recto.errors import ParameterMissingError, RectoError, TooManyAttemptsError
from recto.messages import (
    FINAL_STATUSES,
    DispatchRequest,
    DispatchResponse,
    ExecutionInput,
    Failure,
    Lane,
    PagePlan,
    SourceInput,
    Status,
    Step,
)
from recto.places import DocumentPlaces, execution_name
from recto.ports import (
    BackfillPlace,
    Backfills,
    Clock,
    DocumentRow,
    Documents,
    Events,
    ObjectStore,
    Parameters,
    Slots,
    Workflow,
)
from recto.steps.ocr_engine import OcrChoice, OcrParameters, chosen_ocr
from recto.steps.ocr_gate import GateWatch
from recto.steps.publish import announce_failure

BATCH = 25
RECOVER_LIMIT = 1000
MAX_ATTEMPTS = 10
SETTLING = timedelta(minutes=1)
"""How old a slot is before anybody asks whether its document runs."""
PINNED = ("release", "ocr_engine", "ocr_endpoint", "thumbnail_endpoint")
EXECUTING = (Status.RUNNING, Status.IN_REVIEW)
STEPS_WITH_SLOT = frozenset({Step.OCR, Step.MODEL})
STEPS_OF_PEOPLE = frozenset({Step.REVIEW, Step.PUBLISH})
"""Waiting for a person may outlast any number of restarts, and costs nothing."""


def nothing_against() -> str:
    return ""


def _ignore(_what: str, _row: DocumentRow, _error: str) -> None:
    """Nobody wants to know."""


class Dispatch(NamedTuple):
    """What the step works with."""

    documents: Documents
    slots: Slots
    workflow: Workflow
    objects: ObjectStore
    parameters: Parameters
    events: Events
    clock: Clock
    work_bucket: str
    release_parameter: str
    max_running: int
    lease: timedelta
    ocr_parameters: OcrParameters | None = None
    """Absent: Textract reads all documents."""
    thumbnail_parameter: str = ""
    """Which endpoint draws thumbnails; empty, or undefined in the store: `page_images` does."""
    backfills: Backfills | None = None
    backfill_share: float = 0
    """Of the slots that may be taken while documents in a backlog are started."""
    backfill_allowed: Callable[[], str] = nothing_against
    """Empty, or why no document of a backlog is to be started now."""
    gate: GateWatch | None = None
    tell: Callable[[str, DocumentRow, str], object] = _ignore
    """What became of a document, one line each: an event's name, its row, an error's name or nothing."""


def dispatch(request: DispatchRequest, step: Dispatch) -> DispatchResponse:
    """Give back what is to be given back, then start what waits.

    A document that cannot be started, or started again, stops no other. Its error is raised in the end, but
    not at whoever only gave a slot back.
    """
    restarted: list[str] = []
    refused: dict[str, RectoError] = {}
    if request.action == "release" and request.document:
        step.slots.release(owner_of(request.document.document_id, request.document.attempt))
    if request.action == "recover":
        restarted = _recover(request, step, refused)
    reaped = [*step.slots.take_back_expired(step.clock()), *_leaked_slots(request, step)]
    started = _start_waiting(step, refused)
    paused = ""
    if not refused:
        from_backlog, paused = _start_backlog(step, started, refused)
        started += from_backlog
    if request.action == "recover" and not request.execution:
        _look_after_gate(step)
    if refused and request.action != "release":
        raise next(iter(refused.values()))
    return DispatchResponse(
        started=tuple(started),
        restarted=tuple(restarted),
        reaped=tuple(reaped),
        refused=tuple(refused),
        backfill_paused=paused,
    )


def owner_of(document: str, attempt: int) -> str:
    return execution_name(document, attempt)


def _refuse(row: DocumentRow, error: RectoError, refused: dict[str, RectoError], step: Dispatch) -> None:
    refused[row.document_id] = error
    step.tell("document_not_started", row, type(error).__name__)


def _start_waiting(step: Dispatch, refused: dict[str, RectoError]) -> list[str]:
    """The documents started; those that could not be are noted with their errors."""
    started: list[str] = []
    passed: set[str] = set()
    lane: Lane | None = None
    while waiting := _oldest(step, {*refused, *passed}, lane):
        pins, before = _Pins(step), (len(started), len(passed), lane)
        for row in waiting:
            if lane == "live" and _has_share(row, step) and _needs_slot(row):
                continue
            try:
                is_started = _start(pins.on(row), Status.WAITING, step)
            except RectoError as error:
                _refuse(row, error, refused, step)
                continue
            if is_started:
                started.append(row.document_id)
            elif _is_full(step) and all(_needs_slot(other) for other in waiting):
                return started
            elif _has_share(row, step) and _is_share_taken(step):
                lane = "live"  # no other of a backfill will get a slot now, live ones behind them may
            elif row.lane == "backfill":  # somebody else is just starting it
                passed.add(row.document_id)
        if (len(started), len(passed), lane) == before:
            break
    return started


def _start_backlog(
    step: Dispatch, just_started: Collection[str], refused: dict[str, RectoError]
) -> tuple[list[str], str]:
    """The documents started, one of each backfill in turn; and why none may be, where that is so."""
    started: list[str] = []
    if not step.backfills or _is_share_taken(step):
        return started, ""
    lines = {backfill: _Backlog(backfill, step.backfills) for backfill in step.backfills.active()}
    if not lines or _does_live_wait(step, just_started):
        return started, ""
    pins = _Pins(step)
    while lines and not _is_share_taken(step):
        for backfill, line in list(lines.items()):
            row = line.next(step.documents)
            if row is None:
                del lines[backfill]
                continue
            if reason := step.backfill_allowed():
                return started, reason
            try:
                if not _start(pins.on(row), Status.BACKLOG, step):
                    return started, ""
            except RectoError as error:
                _refuse(row, error, refused, step)
                return started, ""
            line.leave(row)
            started.append(row.document_id)
    return started, ""


class _Backlog:
    """The line of one backfill, read some places at a time."""

    def __init__(self, backfill: str, backfills: Backfills) -> None:
        self._backfill, self._backfills = backfill, backfills
        self._places = deque(backfills.waiting(backfill, BATCH))
        self._is_last = len(self._places) < BATCH
        self._place = ""

    def next(self, documents: Documents) -> DocumentRow | None:
        """The first that is still to be started; places of others are left behind and taken away."""
        while place := self._first():
            row = documents.find(place.document_id)
            if row and row.status is Status.BACKLOG:
                self._place = place.place
                return row
            self._backfills.left_line(self._backfill, place.document_id, place.place)
        return None

    def _first(self) -> BackfillPlace | None:
        if not self._places and not self._is_last:
            self._places = deque(self._backfills.waiting(self._backfill, BATCH))
            self._is_last = len(self._places) < BATCH
        return self._places.popleft() if self._places else None

    def leave(self, row: DocumentRow) -> None:
        self._backfills.left_line(self._backfill, row.document_id, self._place)


def _does_live_wait(step: Dispatch, just_started: Collection[str]) -> bool:
    """The index may show those as waiting still that were started just now."""
    return any(_needs_slot(row) for row in _oldest(step, just_started, "live"))


def _is_share_taken(step: Dispatch) -> bool:
    return len(step.slots.owners()) >= share_of(step.max_running, step.backfill_share)


def _look_after_gate(step: Dispatch) -> None:
    """Have leases and line of OCR jobs looked after where there are any; for nobody it costs nothing."""
    if step.gate and (step.gate.leases.owners() or step.gate.line.first(1)):
        step.gate.ticks.look_after()


class _Pins:
    """What a document is pinned to when it starts: read when the first one needs it, then the same for all.

    A parameter that cannot be used stops no document that has its release and its OCR already.
    """

    def __init__(self, step: Dispatch) -> None:
        self._step = step

    @cached_property
    def _release(self) -> str:
        return self._step.parameters.read(self._step.release_parameter)

    @cached_property
    def _ocr(self) -> OcrChoice:
        names = self._step.ocr_parameters
        return chosen_ocr(self._step.parameters, names) if names else OcrChoice()

    @cached_property
    def _thumbnails(self) -> str:
        name = self._step.thumbnail_parameter
        try:
            return self._step.parameters.read(name).strip() if name else ""
        except ParameterMissingError:
            return ""

    def on(self, row: DocumentRow) -> DocumentRow:
        """The row with all; what it has it keeps. Who reprocesses from OCR has thumbnails as is said now."""
        pinned = {} if row.release else {"release": self._release}
        if not row.ocr_engine:
            pinned |= {"ocr_engine": self._ocr.engine, "ocr_endpoint": self._ocr.endpoint}
        if Step(row.start_from) is Step.OCR and row.attempt == row.since_attempt:
            pinned["thumbnail_endpoint"] = self._thumbnails
        return row.model_copy(update=pinned)


def _oldest(step: Dispatch, but: Collection[str], lane: Lane | None) -> list[DocumentRow]:
    """Live documents before those of backfills that were interrupted or are processed again."""
    rows = step.documents.with_status(Status.WAITING, BATCH + len(but), lane)
    return sorted((row for row in rows if row.document_id not in but), key=lambda row: row.lane != "live")


def _needs_slot(row: DocumentRow) -> bool:
    return Step(row.start_from) in STEPS_WITH_SLOT


def _is_full(step: Dispatch) -> bool:
    return len(step.slots.owners()) >= step.max_running


def _start(row: DocumentRow, status: Status, step: Dispatch) -> bool:
    """Slot, then row, then execution; what a crash leaves out, `recover` or the lease's end mends.

    Only OCR and model need a slot: what was reprocessed from a later step starts without one. `status` is
    where the document stands, and where it goes back to if it cannot be started.
    """
    now, owner = step.clock(), owner_of(row.document_id, row.attempt)
    share = share_of(step.max_running, step.backfill_share) if _has_share(row, step) else None
    if _needs_slot(row) and not step.slots.take(owner, step.max_running, now + step.lease, share):
        return False
    pinned = {name: getattr(row, name) for name in PINNED}
    if not step.documents.move(row.document_id, (status,), Status.RUNNING, now, row.attempt, **pinned):
        step.slots.release(owner)
        return False
    try:
        _execute(row, Step(row.start_from), row.release, step)
    except RectoError:
        step.documents.move(row.document_id, (Status.RUNNING,), status, step.clock(), row.attempt)
        step.slots.release(owner)
        raise
    step.tell("document_started", row, "")
    return True


def _has_share(row: DocumentRow, step: Dispatch) -> bool:
    return row.lane == "backfill" and step.backfills is not None


def _execute(row: DocumentRow, start_from: Step, release: str, step: Dispatch) -> str:
    execution = ExecutionInput(
        from_=start_from, document=row.ref(release), input=SourceInput(bucket=row.bucket, key=row.key)
    )
    return step.workflow.start(execution_name(row.document_id, row.attempt), execution)


def _recover(request: DispatchRequest, step: Dispatch, refused: dict[str, RectoError]) -> list[str]:
    """Start every document again that is not final and is not running, from its last finished step."""
    restarted = []
    for row in _interrupted(request, step):
        try:
            if not _is_executing(row, step) and _restart(row, step):
                restarted.append(row.document_id)
                step.tell("document_restarted", row, "")
        except RectoError as error:
            _refuse(row, error, refused, step)
    return restarted


def _interrupted(request: DispatchRequest, step: Dispatch) -> Iterator[DocumentRow]:
    """Rows that should have a running execution and have not moved for a while, or the one that is named."""
    if request.execution:
        document, _, attempt = request.execution.rpartition("-")
        row = step.documents.find(document)
        if row and row.status in EXECUTING and str(row.attempt) == attempt:
            yield row
        return
    before = step.clock() - timedelta(seconds=request.older_than_seconds)
    for status in EXECUTING if request.include_reviews else (Status.RUNNING,):
        rows = step.documents.with_status(status, RECOVER_LIMIT)
        yield from (row for row in rows if row.updated <= before)


def _is_executing(row: DocumentRow, step: Dispatch) -> bool:
    return step.workflow.is_running(execution_name(row.document_id, row.attempt))


def _restart(row: DocumentRow, step: Dispatch) -> bool:
    """A new attempt of the same work: the OCR's attempt stays, so OCR is joined again and not paid again."""
    step.slots.release(owner_of(row.document_id, row.attempt))
    start_from = next_step(row, step.objects, step.work_bucket)
    if _num_tries(row) >= MAX_ATTEMPTS and start_from not in STEPS_OF_PEOPLE:
        return _give_up(row, start_from, step)
    status = Status.WAITING if start_from in STEPS_WITH_SLOT else row.status
    moved = step.documents.move(
        row.document_id,
        (row.status,),
        status,
        step.clock(),
        row.attempt,
        attempt=row.attempt + 1,
        start_from=str(start_from),
    )
    if moved and status is not Status.WAITING:
        again = row.model_copy(update={"attempt": row.attempt + 1})
        _execute(again, start_from, row.release, step)
    return moved


def _num_tries(row: DocumentRow) -> int:
    """Executions of the same work; an operator's reprocess begins anew."""
    return row.attempt - row.since_attempt + 1


def _give_up(row: DocumentRow, start_from: Step, step: Dispatch) -> bool:
    """A document whose executions keep ending without an outcome fails by name, once and for all.

    It is counted and told before it moves: whoever ends in between gives it up again, which changes neither.
    The row is looked at once more: it was found in an index some time ago, and may have been published since.
    """
    now = step.documents.find(row.document_id)
    if now and (now.status, now.attempt) != (row.status, row.attempt):
        _count(now, now.status, step)
        return False
    failure = Failure(
        Error=TooManyAttemptsError.__name__,
        Cause=f"document {row.document_id}: {_num_tries(row)} executions ended without an outcome, the last "
        f"before the step {start_from}",
    )
    changes = {"error": failure.Error, "cause": failure.Cause}
    _count(row, Status.FAILED, step)
    announce_failure(row.ref(), failure, step.events)
    if step.documents.move(
        row.document_id, (row.status,), Status.FAILED, step.clock(), row.attempt, **changes
    ):
        step.tell("document_given_up", row, failure.Error)
    elif now := step.documents.find(row.document_id):  # somebody else moved it: what it is now counts
        _count(now, now.status, step)
    return False


def _count(row: DocumentRow, status: Status, step: Dispatch) -> None:
    """Note how a backfill's document ended, or that it has not."""
    if not row.backfill_id or not step.backfills:
        return
    if status in FINAL_STATUSES:
        step.backfills.count(row.backfill_id, row.document_id, status)
    else:
        step.backfills.uncount(row.backfill_id, row.document_id)


def _leaked_slots(request: DispatchRequest, step: Dispatch) -> Iterator[str]:
    """With `recover`: slots whose document does not run, given back before they expire.

    One is left behind where a dispatcher ends between taking a slot and moving its row.
    """
    if request.action != "recover":
        return
    now = step.clock()
    for owner, expires in step.slots.owners().items():
        document, _, attempt = owner.rpartition("-")
        if expires - step.lease > now - SETTLING:
            continue
        row = step.documents.find(document)
        if row and row.status is Status.RUNNING and str(row.attempt) == attempt:
            continue
        if step.slots.release(owner):
            yield owner


def next_step(row: DocumentRow, objects: ObjectStore, work_bucket: str) -> Step:
    """The first step whose result is not there yet; never one before the step that the attempt began with."""
    return max(_first_missing(row, objects, work_bucket), Step(row.start_from), key=list(Step).index)


def _first_missing(row: DocumentRow, objects: ObjectStore, work_bucket: str) -> Step:
    places = DocumentPlaces(work_bucket, row.document_id, row.made_in)
    if objects.info(places.reviewed_fields):
        return Step.PUBLISH
    if row.status is Status.IN_REVIEW:
        return Step.REVIEW
    if objects.info(places.fields):
        return Step.POSTPROCESS
    if objects.info(places.ocr_index) and all_drawn(places, objects):
        return Step.MODEL
    return Step.OCR


def all_drawn(places: DocumentPlaces, objects: ObjectStore) -> bool:
    """Whether there are images of all pages."""
    if objects.info(places.image_plan) is None:
        return False
    plan = PagePlan.model_validate_json(objects.read(places.image_plan))
    return all(objects.info(places.image_part_index(each.part)) for each in plan.ranges)
