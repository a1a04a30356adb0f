"""The commands for documents that are to go once more: `recto reprocess` and `recto history`."""

import sys
from typing import Annotated

import typer

from recto.messages import Status, Step
from recto.ports import DocumentRow
from recto_cli import tables
from recto_cli.documents import find_document
from recto_cli.reprocess import (
    Again,
    Wanted,
    all_went_well,
    choose,
    pays_for_ocr,
    release_of,
    reprocess_all,
    wait_for_all,
)
from recto_cli.session import Session

SHOWN = 10


def reprocess(
    context: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="DOC…", help="Ids, first digits of ids, or keys in the inbox"),
    ] = None,
    from_: Annotated[
        Step | None, typer.Option("--from", help="By default: the first step whose result is missing")
    ] = None,
    status: Annotated[
        Status | None, typer.Option(help="All documents of this status", case_sensitive=False)
    ] = None,
    error: Annotated[str, typer.Option(help="With --status: those that failed by this name only")] = "",
    release: Annotated[
        str, typer.Option(help="A release's name, 'current', or 'same' as before (default: see the guide)")
    ] = "",
    force: Annotated[bool, typer.Option("--force", help="Stop a running document first")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing")] = False,
    wait: Annotated[
        bool, typer.Option("--wait", help="Until each is processed, in review or failed")
    ] = False,
    timeout: Annotated[float, typer.Option(help="Seconds to wait at most")] = 3600,
    operator: Annotated[str, typer.Option(envvar="USER", help="Who asks; kept in the history")] = "recto-cli",
) -> None:
    """Process documents again from one of their steps. OCR is paid again only with --from ocr."""
    session: Session = context.obj
    rows = _chosen(names or [], status, error, session)
    if status is not None and not yes:
        session.messages.print(tables.documents_report(rows[:SHOWN]))
        _confirm(f"Process {len(rows)} document(s) again?", session)
    num_paid = sum(pays_for_ocr(row, from_) for row in rows)
    if num_paid and not yes:
        _confirm(f"OCR is paid again for {num_paid} document(s). Go on?", session)
    wanted = Wanted(from_, release_of(release, session.stack), force, operator)
    done = []
    for again in reprocess_all(rows, wanted, pay=True, stack=session.stack):
        done.append(again)
        session.out.print(tables.again_line(again), highlight=False, soft_wrap=True)
    went_well = not wait or _waited(done, timeout, session)
    if not (went_well and all(again.response for again in done)):
        raise typer.Exit(1)


def _chosen(names: list[str], status: Status | None, error: str, session: Session) -> list[DocumentRow]:
    """The documents that are meant; at least one."""
    if error and status is None:
        raise typer.BadParameter("--error narrows --status down: say both")
    rows = choose(names, status, error, session.stack)
    if not rows:
        session.fail("no document to process again: name some, or say --status")
    return rows


def _waited(done: list[Again], timeout: float, session: Session) -> bool:
    """Whether all ended well; those that were refused are not waited for."""
    if not any(again.response for again in done):
        return True
    ended = wait_for_all(done, session.stack, timeout)
    session.out.print(tables.documents_report(ended))
    return all_went_well(ended)


def _confirm(question: str, session: Session) -> None:
    if not sys.stdin.isatty():
        session.fail(f"{question} Nobody to ask here: say --yes")
    typer.confirm(question, abort=True)


def history(
    context: typer.Context,
    document: Annotated[str, typer.Argument(help="Id, the first digits of one, or its key in the inbox")],
) -> None:
    """What became of a document, oldest first: every status, attempt, error, and answers not taken."""
    session: Session = context.obj
    row = find_document(document, session.stack)
    session.out.print(tables.documents_report([row]))
    session.out.print()
    session.out.print(tables.history_table(session.stack.documents.history(row.document_id, 1000)))
