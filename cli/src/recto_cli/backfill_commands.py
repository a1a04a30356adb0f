"""`recto backfill …`: many documents, processed in the room that live ones leave. Parse, call, print."""

import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

import recto_data
from recto.aws.admission import SlotLeases
from recto.backfills import (
    BackfillRow,
    BackfillState,
    Counts,
    Surroundings,
    is_done,
    left_of,
    pace_of,
    waits_for,
)
from recto.messages import Status
from recto_cli import tables
from recto_cli.backfill_forecasts import (
    DEFAULT_REGION,
    forecast_of,
    in_bytes,
    limits_of,
    slots_for_backfill,
    spent_by_backfills,
    spread,
    told,
)
from recto_cli.backfill_runs import (
    Order,
    begin,
    failed_of,
    find,
    look,
    require_new,
    resume,
    rows_of,
    utc_now,
)
from recto_cli.backfill_runs import stop as stop_backfill
from recto_cli.backfill_sources import source_of, survey
from recto_cli.reprocess import Wanted, pays_for_ocr, reprocess_all
from recto_cli.session import Session
from recto_cli.stack import Stack

backfill_app = typer.Typer(
    no_args_is_help=True, help="Many documents at once, in the room that live ones leave."
)
SHOWN = 10
MANY = 1000

Id = Annotated[str, typer.Argument(metavar="ID", help="The backfill's id, or how it begins or ends")]
Operator = Annotated[str, typer.Option(envvar="USER", help="Who asks; kept with the backfill")]


@backfill_app.command()
def start(
    context: typer.Context,
    source: Annotated[
        str,
        typer.Argument(
            metavar="PREFIX|MANIFEST|FOLDER", help="s3://bucket/prefix/, *.jsonl, or a folder here"
        ),
    ] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what it would take")] = False,
    limit: Annotated[int, typer.Option(min=0, help="Take at most so many documents; 0 for all")] = 0,
    resume_: Annotated[
        str, typer.Option("--resume", metavar="ID", help="Go on with a backfill instead of starting one")
    ] = "",
    operator: Operator = "recto-cli",
) -> None:
    """Take documents in and have them processed when no live document waits; first tell what it will take."""
    session: Session = context.obj
    if bool(source) == bool(resume_):
        raise typer.BadParameter("say what to process, or --resume ID")
    stack = session.stack
    with recto_data.RichBars(session.messages) as bars:
        if resume_:
            row = find(resume_, stack)
            session.out.print(f"backfill {row.backfill_id}: {resume(row, stack, bars)}", highlight=False)
            return
    wanted = source_of(source)
    require_new(wanted, stack)
    with TemporaryDirectory() as folder:
        found = survey(wanted, limit, Path(folder), stack)
        region = session.options.region or DEFAULT_REGION
        forecast = forecast_of(found, limits_of(stack), region, Path(folder))
        _tell(session, told(forecast, is_local=session.target.is_local), found.problems)
        if dry_run:
            return
        if not yes:
            _confirm(f"Process {forecast.documents:,} document(s)?", session)
        with recto_data.RichBars(session.messages) as bars:
            begun = begin(Order(wanted, limit, operator, forecast, found), stack, bars)
    session.out.print(begun.backfill_id, highlight=False)
    session.messages.print(f"started; recto backfill status {begun.backfill_id} tells how far it is")


def _tell(session: Session, lines: list[str], problems: tuple[str, ...]) -> None:
    for line in lines:
        session.messages.print(line, highlight=False, markup=False, soft_wrap=True)
    for problem in problems[:SHOWN]:
        session.messages.print(f"cannot be used: {problem}", highlight=False, markup=False, soft_wrap=True)
    if len(problems) > SHOWN:
        session.messages.print(f"and {len(problems) - SHOWN} more lines", highlight=False)


def _confirm(question: str, session: Session) -> None:
    if not sys.stdin.isatty():
        session.fail(f"{question} Nobody to ask here: say --yes")
    typer.confirm(question, abort=True)


@backfill_app.command()
def status(
    context: typer.Context,
    backfill: Annotated[str, typer.Argument(metavar="[ID]", help="One backfill; without it all")] = "",
) -> None:
    """How far backfills are: how many documents stand where, how fast, what they wait for."""
    session: Session = context.obj
    rows = rows_of(session.stack)
    if backfill:
        _tell_one(find(backfill, session.stack), session)
        return
    known = rows.all()
    if not known:
        session.out.print("no backfill yet; recto backfill start PREFIX begins one")
        return
    session.out.print(_table([(row, rows.counts(row.backfill_id)) for row in known]))


@backfill_app.command()
def stop(context: typer.Context, backfill: Id, operator: Operator = "recto-cli") -> None:
    """Start no more documents of a backfill; those that run end. `start --resume` goes on."""
    session: Session = context.obj
    row = find(backfill, session.stack)
    stop_backfill(row, operator, session.stack)
    running = rows_of(session.stack).counts(row.backfill_id).running
    session.out.print(f"stopped {row.backfill_id}; {running} document(s) under way will end", highlight=False)


@backfill_app.command()
def redrive(
    context: typer.Context,
    backfill: Id,
    error: Annotated[str, typer.Option(help="Only those that failed by this name")] = "",
    pay: Annotated[bool, typer.Option("--pay", help="OCR that failed may be paid for again")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing")] = False,
    operator: Operator = "recto-cli",
) -> None:
    """Send failed documents of a backfill through again, each from the step that failed."""
    session: Session = context.obj
    row = find(backfill, session.stack)
    failed = failed_of(row, error, session.stack)
    for each in failed.hopeless:
        session.messages.print(
            f"{each.document_id[: tables.SHORT_ID]} {each.key}: {each.error}: it was no document when it was "
            "taken in; put a good one in its place and go on with start --resume",
            highlight=False, markup=False, soft_wrap=True,
        )  # fmt: skip
    if not failed.again:
        session.fail(f"backfill {row.backfill_id}: no failed document to send through again")
    num_paid = sum(pays_for_ocr(each, None) for each in failed.again)
    if not yes:
        paid = f", {num_paid} of them with OCR paid again" if pay and num_paid else ""
        _confirm(f"Process {len(failed.again)} document(s) again{paid}?", session)
    wanted = Wanted(None, "", force=False, operator=operator)
    done = []
    for again in reprocess_all(failed.again, wanted, pay=pay, stack=session.stack):
        done.append(again)
        session.out.print(tables.again_line(again), highlight=False, soft_wrap=True)
    if not all(again.response for again in done):
        raise typer.Exit(1)


# --- as it is shown ---------------------------------------------------------------------------------


def _table(known: list[tuple[BackfillRow, Counts]]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("backfill", "state", "documents", "waiting", "running", "processed", "failed", "source"):
        table.add_column(column, overflow="fold", no_wrap=column == "backfill")
    for row, counts in known:
        numbers = (counts.taken, counts.waiting, counts.running, counts.processed, counts.failed)
        cells = (row.backfill_id, _state(row, counts), *(f"{number:,}" for number in numbers))
        table.add_row(*cells, escape(row.source))
    return table


def _tell_one(row: BackfillRow, session: Session) -> None:
    stack = session.stack
    rows = rows_of(stack)
    counts = rows.counts(row.backfill_id)
    lines = [f"{row.backfill_id}  {_state(row, counts)}  {row.source}"]
    lines += [f"started    {tables.local_time(row.started)} by {row.operator}"]
    lines += list(_numbers(row, counts))
    if counts.pending:
        lines += list(_speed(counts, pace_of(rows.pace(row.backfill_id), row.started, utc_now()), row))
        seen = Surroundings(
            live_waiting=_live_waiting(stack),
            slots_taken=len(SlotLeases(stack.table).owners()),
            slots_for_backfill=slots_for_backfill(limits_of(stack)),
        )
        if why := waits_for(row, counts, seen):
            lines.append(f"waits for  {why}")
    elif row.reason:
        lines.append(f"because    {row.reason}")
    lines += list(_money(row, stack))
    lines += list(_left_behind(row, counts, stack))
    for line in lines:
        session.out.print(line, highlight=False, markup=False, soft_wrap=True)


def _state(row: BackfillRow, counts: Counts) -> str:
    """A backfill that has just ended is closed within the minute, and told as what it is."""
    return str(BackfillState.DONE if is_done(row, counts) else row.state).lower()


def _numbers(row: BackfillRow, counts: Counts) -> Iterator[str]:
    expected = row.forecast.documents if row.forecast else counts.taken
    of = f" of {expected:,}" if not row.listed and expected > counts.taken else ""
    yield f"documents  {counts.taken:,}{of} taken in, {in_bytes(counts.bytes)}"
    yield f"now        {counts.waiting:,} waiting, {counts.running:,} running or in review"
    yield (
        f"ended      {counts.processed:,} processed, {counts.failed:,} failed, {counts.rejected:,} rejected"
    )
    if counts.skipped or counts.known:
        yield f"left out   {counts.skipped:,} hidden or no files, {counts.known:,} known already"


def _speed(counts: Counts, an_hour: float, row: BackfillRow) -> Iterator[str]:
    yield f"speed      {an_hour:,.0f} documents an hour, of the last hour"
    left = left_of(counts, an_hour)
    if left is not None:
        yield f"time left  {spoken(left)} at this speed"
    elif row.forecast:
        yield f"time left  not known yet; forecast: {spread(row.forecast.hours, '.2f')} hours in all"


def _live_waiting(stack: Stack) -> int:
    return sum(row.lane == "live" for row in stack.documents.with_status(Status.WAITING, MANY))


def _money(row: BackfillRow, stack: Stack) -> Iterator[str]:
    """What backfills used since this one began: the ledger tells lanes and days, not backfills."""
    spent = spent_by_backfills(row.started, utc_now(), stack)
    if spent:
        yield f"spent      ${spent:,.2f} by backfills since {row.started:%Y-%m-%d} (list prices)"
    if row.forecast and row.forecast.dollars:
        yield f"forecast   ${spread(row.forecast.dollars, ',.2f')}"


def _left_behind(row: BackfillRow, counts: Counts, stack: Stack) -> Iterator[str]:
    if num_missed := counts.missed + row.missed_by_map:
        yield f"missed     {num_missed:,}; recto backfill start --resume {row.backfill_id} tries them again"
    for item in rows_of(stack).missed(row.backfill_id, SHOWN):
        yield f"  {item['uri']}: {item['error']}: {item['cause']}"
    run = look(row, stack) if row.state is BackfillState.LISTING else None
    if row.state is BackfillState.LISTING and (run is None or not run.is_running):
        ended = f"ended as {run.status}" if run else "was never begun"
        yield f"taking in {ended}: recto backfill start --resume {row.backfill_id}"
    if counts.failed:
        yield f"failed documents go through again with: recto backfill redrive {row.backfill_id}"


def spoken(duration: timedelta) -> str:
    minutes = max(1, round(duration.total_seconds() / 60))
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
