"""Take the documents of a backfill in: each object or line once, into the line of its backfill or by name.

Nothing is started here. An object that is no document becomes a FAILED row by its name, as an upload would;
one that cannot even be looked at is noted, and tried again when the backfill is gone on with.
"""

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any, Literal, NamedTuple, Protocol

from recto.backfills import (
    ACTIVE,
    BackfillRow,
    BackfillState,
    Counts,
    is_done,
    state_again,
    why_skipped,
)
from recto.errors import AccessError, DocumentMissingError, ManifestError
from recto.messages import (
    BackfillRequest,
    BackfillResponse,
    DispatchRequest,
    Failure,
    Status,
)
from recto.places import Location
from recto.ports import Clock, DocumentRow, Events, Functions
from recto.steps.intake import Intake, Upload, examined
from recto.steps.publish import announce_failure, readable

TakenAs = Literal["taken", "failed", "known"]
ARCHIVED = frozenset({"GLACIER", "DEEP_ARCHIVE"})
"""Storage classes whose objects must be restored before anybody can read them."""
NEXT = timedelta(microseconds=1)
"""The history is in the order of times."""
MOST_TOLD = 1000
"""Letters of a cause."""


class BackfillBook(Protocol):
    """What is kept of backfills; `recto.aws.backfills.BackfillRows` is one."""

    def find(self, backfill: str) -> BackfillRow | None: ...

    def active(self) -> list[str]: ...

    def paused(self) -> list[str]: ...

    def move(
        self,
        backfill: str,
        expected: Iterable[BackfillState],
        state: BackfillState,
        **changes: str | int | bool,
    ) -> bool: ...

    def note(self, backfill: str, **changes: str | int | bool) -> None: ...

    def take_in(self, row: DocumentRow) -> bool: ...

    def skip(self, backfill: str, uri: str, why: str) -> None: ...

    def know(self, backfill: str, uri: str, document: str) -> None: ...

    def miss(self, backfill: str, name: str, error: str, cause: str) -> None: ...

    def found(self, backfill: str, name: str) -> None: ...

    def counts(self, backfill: str, *, with_left_out: bool = True) -> Counts: ...


class MapRuns(Protocol):
    """Step Functions' own count of what a Distributed Map has done."""

    def failed_items(self, execution: str) -> int:
        """Items of the execution's maps that ended badly."""
        ...


def _ignore(_: DocumentRow) -> None:
    """Nobody wants to know."""


class Backfill(NamedTuple):
    """What the step works with."""

    intake: Intake
    backfills: BackfillBook
    runs: MapRuns
    functions: Functions
    dispatch_function: str
    found: Callable[[DocumentRow], object] = _ignore
    """Is told which document an item is, before anything is done with it."""


def backfill(request: BackfillRequest, step: Backfill) -> BackfillResponse:
    """Take one item in, or note that all are, or why they cannot be."""
    if request.action == "listed":
        return _listed(request, step)
    if request.action == "not-listed":
        return _not_listed(request, step)
    try:
        return _take_in(request, step)
    except (AccessError, DocumentMissingError, ManifestError) as error:
        failure = Failure(Error=type(error).__name__, Cause=str(error))
        return _miss(request, failure, step)


def _take_in(request: BackfillRequest, step: Backfill) -> BackfillResponse:
    if request.failure:
        return _miss(request, request.failure, step)
    source = source_of(request)
    if why := why_skipped(source.key, request.item.get("Size")):
        step.backfills.skip(request.backfill_id, source.uri, why)
        return BackfillResponse(outcome="skipped")
    upload = _upload(source, str(request.item.get("StorageClass") or ""), step.intake)
    known = step.intake.documents.find(upload.document_id)
    outcome = _again(known, request, step) if known else _new(upload, request, step)
    step.backfills.found(request.backfill_id, source.uri)
    return BackfillResponse(outcome=outcome)


def source_of(request: BackfillRequest) -> Location:
    """The object that an item names: of a listing, or of a manifest's line."""
    item = request.item
    if "Key" in item:
        return Location(bucket=request.bucket, key=str(item["Key"]))
    if "problem" in item:
        raise ManifestError(f"{name_of(request)}: {item['problem']}")
    ref = item.get("raw-ref")
    try:
        return Location.from_uri(ref if isinstance(ref, str) else "")
    except ValueError as error:
        told = f"seen {ref!r}" if ref else f"seen the keys {', '.join(item) or 'none'}"
        raise ManifestError(f"{name_of(request)}: raw-ref: expected s3://bucket/key, {told}") from error


def name_of(request: BackfillRequest) -> str:
    """What an item is called where it cannot be taken in: the same each time."""
    item = request.item
    if "Key" in item:
        return f"s3://{request.bucket}/{item['Key']}"
    if "line" in item:
        return f"line {item['line']}"
    ref = item.get("raw-ref")
    return ref if isinstance(ref, str) else f"line {request.index + 1}"


def _upload(source: Location, storage_class: str, intake: Intake) -> Upload:
    """The version of the object that is there now; DocumentMissingError where there is none.

    Without versions, its content stands for one: taken in twice it is one document, overwritten another.
    """
    info = intake.objects.info(source)
    if info is None:
        raise DocumentMissingError(f"{source.uri}: expected an object, there is none")
    if storage_class in ARCHIVED:
        raise AccessError(f"{source.uri} lies in the storage class {storage_class}: restore it first")
    pinned = source.model_copy(update={"version_id": info.version_id})
    return Upload(source=pinned, etag=info.etag, sequencer="")


def _new(upload: Upload, request: BackfillRequest, step: Backfill) -> TakenAs:
    row = examined(upload, step.intake, step.intake.clock())
    status = Status.FAILED if row.error else Status.BACKLOG
    ours = {"status": status, "lane": "backfill", "backfill_id": request.backfill_id}
    row = row.model_copy(update={**ours, "updated": row.received + NEXT})
    step.found(row)
    if not step.backfills.take_in(row):
        known = step.intake.documents.find(row.document_id)
        return _again(known, request, step) if known else "taken"
    if row.error:
        _announce(row, step)
    return "failed" if row.error else "taken"


def _again(known: DocumentRow, request: BackfillRequest, step: Backfill) -> TakenAs:
    """An object that is a document already changes nothing, and is noted where it is somebody else's.

    Of one that failed at this, the world is told here too: the first time may have ended before that.
    """
    if known.backfill_id != request.backfill_id:
        step.backfills.know(request.backfill_id, known.ref().source.uri, known.document_id)
        return "known"
    if known.status is Status.FAILED and not known.size:
        _announce(known, step)
        return "failed"
    return "taken"


def _announce(row: DocumentRow, step: Backfill) -> None:
    announce_failure(row.ref(), Failure(Error=row.error, Cause=row.cause), step.intake.events)


def _miss(request: BackfillRequest, failure: Failure, step: Backfill) -> BackfillResponse:
    failure = readable(failure)
    step.backfills.miss(request.backfill_id, name_of(request), failure.Error, failure.Cause[:MOST_TOLD])
    return BackfillResponse(outcome="missed", failure=failure)


def _listed(request: BackfillRequest, step: Backfill) -> BackfillResponse:
    """All items have been looked at: from now on the backfill ends when its documents have."""
    told: dict[str, Any] = {"listed": True, "missed_by_map": step.runs.failed_items(request.execution)}
    going_on = (BackfillState.LISTING,)
    if not step.backfills.move(request.backfill_id, going_on, BackfillState.RUNNING, reason="", **told):
        step.backfills.note(request.backfill_id, **told)
    step.functions.invoke_later(step.dispatch_function, DispatchRequest().dump())
    return BackfillResponse(outcome="listed")


def _not_listed(request: BackfillRequest, step: Backfill) -> BackfillResponse:
    """The items could not be read at all: the backfill says why, and waits for a person."""
    failure = request.failure or Failure(Error="States.Runtime", Cause="no reason was given")
    reason = f"taking in ended: {failure.Error}: {failure.Cause}"
    step.backfills.move(
        request.backfill_id,
        (BackfillState.LISTING, BackfillState.PAUSED),
        BackfillState.STOPPED,
        reason=reason[:MOST_TOLD],
    )
    return BackfillResponse(outcome="not-listed", failure=failure)


def pause(reason: str, backfills: BackfillBook) -> None:
    """The budget says that nothing more of any backfill may be started."""
    for each in backfills.active():
        backfills.move(each, ACTIVE, BackfillState.PAUSED, reason=reason[:MOST_TOLD])


def go_on(allowed: Callable[[], str], backfills: BackfillBook) -> list[str]:
    """Those that were paused go on, where the budget has room again."""
    paused = backfills.paused()
    if not paused or allowed():
        return []
    return [each for each in paused if _go_on(each, backfills)]


def _go_on(backfill: str, backfills: BackfillBook) -> bool:
    row = backfills.find(backfill)
    again = state_again(row) if row else BackfillState.RUNNING
    return backfills.move(backfill, (BackfillState.PAUSED,), again, reason="")


def settle(backfills: BackfillBook, events: Events, clock: Clock) -> list[str]:
    """Close the backfills whose documents have all ended, and tell the world; who was closed."""
    return [each for each in backfills.active() if _settle(each, backfills, events, clock)]


def _settle(backfill: str, backfills: BackfillBook, events: Events, clock: Clock) -> bool:
    """The world is told first: whoever ends between the two comes here again, which tells nothing twice."""
    row = backfills.find(backfill)
    if row is None or row.state not in ACTIVE or not row.listed:
        return False
    if not is_done(row, backfills.counts(backfill, with_left_out=False)):
        return False
    counts = backfills.counts(backfill)
    ended = "-".join(map(str, (backfill, row.reopened, counts.processed, counts.failed, counts.rejected)))
    events.publish("BackfillDone", _told(row, counts, clock), ended)
    return backfills.move(backfill, ACTIVE, BackfillState.DONE)


def _told(row: BackfillRow, counts: Counts, clock: Clock) -> dict[str, Any]:
    return {
        "BackfillId": row.backfill_id,
        "Source": row.source,
        "Started": row.started.isoformat(),
        "Ended": clock().isoformat(),
        "Processed": counts.processed,
        "Failed": counts.failed,
        "Rejected": counts.rejected,
        "Skipped": counts.skipped,
        "Missed": counts.missed + row.missed_by_map,
    }
