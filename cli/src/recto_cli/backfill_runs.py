"""Backfills as operators have them: begun, gone on with, stopped, sent through again.

Everything that counts is in the table before it is begun, so a command that is killed at any point is made
up for by `recto backfill start --resume`.
"""

import hashlib
import platform
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

from recto.aws.backfills import BackfillRows
from recto.aws.s3 import S3Objects
from recto.aws.services import LambdaFunctions, StepFunctionsWorkflow
from recto.aws.state_machines import Run, StateMachine
from recto.backfills import (
    ACTIVE,
    MANIFESTS,
    UPLOADS,
    BackfillRow,
    BackfillState,
    Counts,
    Forecast,
    require_stoppable,
)
from recto.errors import BackfillRefusedError
from recto.messages import DispatchRequest, Status
from recto.places import Location, digest
from recto.ports import DocumentRow, ObjectInfo
from recto_cli.backfill_sources import Kind, Source, Survey, documents_of_folder, prefix_of
from recto_cli.stack import CALLER, Stack
from recto_data.parallel import each_done
from recto_data.places import content_type
from recto_data.progress import Bars

MANY = 1_000_000
AT_INTAKE = frozenset(
    {"EmptyDocumentError", "UnsupportedDocumentError", "DocumentTooLargeError", "DocumentMissingError"}
)
"""A document that failed by these when it was taken in will do so again: it has no size in its row."""


def utc_now() -> datetime:
    return datetime.now(UTC)


def rows_of(stack: Stack) -> BackfillRows:
    return BackfillRows(stack.table, utc_now)


def find(name: str, stack: Stack) -> BackfillRow:
    """By id or its last digits; BackfillRefusedError where there is none, or more than one."""
    rows = rows_of(stack)
    if exact := rows.find(name):
        return exact
    found = [row for row in rows.all() if row.backfill_id.endswith(name) or row.backfill_id.startswith(name)]
    if len(found) == 1:
        return found[0]
    told = f"{len(found)} backfills have that in their ids" if found else "no backfill has that id"
    raise BackfillRefusedError(f"{name!r}: {told}; recto backfill status lists them")


# --- begin ------------------------------------------------------------------------------------------


class Order(NamedTuple):
    """A backfill that somebody has agreed to."""

    source: Source
    limit: int
    operator: str
    forecast: Forecast
    found: Survey


def begin(order: Order, stack: Stack, bars: Bars) -> BackfillRow:
    """Write the backfill down, then have its documents taken in."""
    now = utc_now()
    backfill = f"{now:%Y%m%d-%H%M%S}-{uuid4().hex[:4]}"
    row = BackfillRow(
        backfill_id=backfill,
        state=BackfillState.LISTING,
        source=order.source.name,
        bucket="",
        started=now,
        updated=now,
        operator=order.operator,
        limit=order.limit,
        forecast=order.forecast,
    ).model_copy(update=_where(order, backfill, stack))
    if not rows_of(stack).add(row):
        raise BackfillRefusedError(f"backfill {backfill} is there already; try again")
    return take_in(row, stack, bars)


def require_new(source: Source, stack: Stack) -> None:
    """BackfillRefusedError where the same source is under way already."""
    for row in rows_of(stack).all():
        if row.source == source.name and row.state is not BackfillState.DONE:
            raise BackfillRefusedError(
                f"{source.name} is backfill {row.backfill_id} already, which is {row.state}; "
                f"go on with it: recto backfill start --resume {row.backfill_id}"
            )


def _where(order: Order, backfill: str, stack: Stack) -> dict[str, str]:
    """Where the documents lie, or will; a list of them goes to the work bucket first."""
    if order.source.kind is Kind.FOLDER:
        return {"bucket": stack.work, "prefix": prefix_for(order.source.name), "folder": order.source.name}
    if order.found.lines is None:
        prefix = prefix_of(order.source.name)
        return {"bucket": prefix.bucket, "prefix": prefix.prefix}
    key = f"{MANIFESTS}/{backfill}/list.jsonl"
    S3Objects(CALLER).upload(
        order.found.lines, Location(bucket=stack.work, key=key), content_type("list.jsonl")
    )
    return {"bucket": stack.work, "manifest": key}


def prefix_for(folder: str) -> str:
    """Where a folder's files go: the same place each time, so that no file becomes a document twice."""
    return f"{UPLOADS}/{digest(platform.node(), folder)[:12]}/"


def take_in(row: BackfillRow, stack: Stack, bars: Bars) -> BackfillRow:
    """Bring a folder's files, then start an execution that takes documents in, beside none that does."""
    if row.folder:
        _bring(row, bars)
        rows_of(stack).note(row.backfill_id, folder="")
    row = row.model_copy(update={"folder": "", "runs": row.runs + 1, "state": BackfillState.LISTING})
    expected = tuple(BackfillState)
    moved = rows_of(stack).move(row.backfill_id, expected, row.state, runs=row.runs, reason="", listed=False)
    if not moved:
        raise BackfillRefusedError(f"backfill {row.backfill_id} is gone")
    machine_of(stack).start(row.execution, row.input())
    return row


def _bring(row: BackfillRow, bars: Bars) -> None:
    """Files that are there and have not changed since are left alone: each object is whole or absent."""
    objects, folder = S3Objects(CALLER), Path(row.folder)
    if not folder.is_dir():
        raise BackfillRefusedError(f"{row.folder}: there is no such folder any more on this machine")
    there = dict(objects.listing(row.bucket, row.prefix))
    names = [name for name, _ in documents_of_folder(folder, row.limit)]
    names = [name for name in names if not _is_there(folder / name, there.get(row.prefix + name))]

    def send(name: str) -> None:
        place = Location(bucket=row.bucket, key=row.prefix + name)
        objects.upload(folder / name, place, content_type(name))

    bars.begin("files", len(names))
    for name, error in each_done(send, names):
        if error is not None:
            raise BackfillRefusedError(
                f"{folder / name}: could not be sent: {error}; go on with --resume {row.backfill_id}"
            )
        bars.step()


def _is_there(path: Path, known: ObjectInfo | None) -> bool:
    """Whether the object is the file as it is now: by its time, or by its content where S3 tells a digest."""
    told = path.stat()
    if known is None or known.size != told.st_size:
        return False
    if known.changed and known.changed.timestamp() >= told.st_mtime:
        return True
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest() == known.etag


def machine_of(stack: Stack) -> StateMachine:
    return StateMachine(CALLER, stack.name("static/BackfillStateMachine"))


def wake_dispatch(stack: Stack) -> None:
    LambdaFunctions(CALLER).invoke_later(stack.name("static/DispatchFunction"), DispatchRequest().dump())


# --- go on, stop ------------------------------------------------------------------------------------


def resume(row: BackfillRow, stack: Stack, bars: Bars) -> str:
    """Have it go on where it was; what it does then, in words."""
    if row.state is BackfillState.PAUSED:
        raise BackfillRefusedError(
            f"backfill {row.backfill_id} is paused: {row.reason}. It goes on by itself in the next month, "
            "or when the parameter MonthlyBudgetUsd is raised"
        )
    counts = rows_of(stack).counts(row.backfill_id)
    run = look(row, stack)
    if run and run.is_running and row.state is not BackfillState.STOPPED:
        return "its documents are being taken in"
    if not row.listed or counts.missed or row.missed_by_map:
        take_in(row, stack, bars)
        return "its documents are taken in again; those that are in stay as they are"
    if row.state is BackfillState.DONE:
        raise BackfillRefusedError(
            f"backfill {row.backfill_id} is done; recto backfill redrive sends failed documents through again"
        )
    rows_of(stack).move(row.backfill_id, tuple(BackfillState), BackfillState.RUNNING, reason="")
    wake_dispatch(stack)
    return "its documents are started in turn"


def look(row: BackfillRow, stack: Stack) -> Run | None:
    """The execution that takes documents in, or did; None before the first."""
    return machine_of(stack).look(row.execution) if row.runs else None


def stop(row: BackfillRow, operator: str, stack: Stack) -> None:
    """Nothing of it starts any more; what runs ends. It goes on with `start --resume`."""
    require_stoppable(row)
    stoppable = (*ACTIVE, BackfillState.PAUSED)
    reason = f"stopped by {operator}"
    if not rows_of(stack).move(row.backfill_id, stoppable, BackfillState.STOPPED, reason=reason):
        raise BackfillRefusedError(f"backfill {row.backfill_id} has just ended")
    if row.runs and not row.listed:
        workflow = StepFunctionsWorkflow(CALLER, stack.name("static/BackfillStateMachine"))
        workflow.stop(row.execution, "Stopped", reason)


# --- once more --------------------------------------------------------------------------------------


class Failed(NamedTuple):
    """The failed documents of a backfill: those to send through again, and those that would fail again."""

    again: list[DocumentRow]
    hopeless: list[DocumentRow]


def failed_of(row: BackfillRow, error: str, stack: Stack) -> Failed:
    """With `error`, those that failed by this name only."""
    rows = list(_failed_rows(rows_of(stack).ended(row.backfill_id, Status.FAILED, MANY), stack))
    wanted = [each for each in rows if error in ("", each.error)]
    hopeless = [each for each in wanted if each.error in AT_INTAKE and not each.size]
    return Failed([each for each in wanted if each not in hopeless], hopeless)


def _failed_rows(documents: Sequence[str], stack: Stack) -> Iterator[DocumentRow]:
    for document in documents:
        found = stack.documents.find(document)
        if found and found.status is Status.FAILED:
            yield found


def counts_of(row: BackfillRow, stack: Stack) -> Counts:
    return rows_of(stack).counts(row.backfill_id)
