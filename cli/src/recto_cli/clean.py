"""`recto clean`: parse, ask, print. Deletes what costs money; documents only where that is typed out."""

import sys
from collections.abc import Sequence
from typing import Annotated

import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.markup import escape

from recto.errors import RectoError
from recto_cli.cleaning import Costly, Kept, Unseen, beside_the_stack, delete_kept, kept_by_the_stack
from recto_cli.session import Session


def clean(
    context: typer.Context,
    data: Annotated[
        bool, typer.Option("--data", help="Also the buckets and tables, with every document in them")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be deleted, delete nothing")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="Ask nothing; with --data the name is asked all the same")
    ] = False,
) -> None:
    """Delete what costs money beside the stack: endpoints, models, running jobs. The stack: sam delete."""
    session: Session = context.obj
    found = beside_the_stack(session.stack)
    costly = [each for each in found if isinstance(each, Costly)]
    for each in found:
        if isinstance(each, Unseen):
            session.messages.print(f"[yellow]not looked for:[/] {escape(each.what)}: {escape(each.why)}")
    session.out.print(
        "\n".join(map(str, costly)) or "nothing beside the stack costs anything", highlight=False
    )
    kept = kept_by_the_stack(session.stack) if data else []
    for thing in kept:
        session.out.print(f"{thing.what} {thing.name}: {thing.amount}", highlight=False)
    if dry_run:
        return
    went_well = _removed(costly, yes, session) if costly else True
    if kept:
        went_well = _data_deleted(kept, session) and went_well
    if not went_well:
        raise typer.Exit(1)


def _removed(costly: Sequence[Costly], yes: bool, session: Session) -> bool:
    """Whether all went; one that does not go stops no other."""
    if not yes:
        if not sys.stdin.isatty():
            session.fail(f"Delete {len(costly)} thing(s)? Nobody to ask here: say --yes")
        typer.confirm(f"Delete {len(costly)} thing(s)?", abort=True)
    went_well = True
    for each in costly:
        try:
            each.remove()
            session.out.print(f"removed {each}", highlight=False)
        except (RectoError, ClientError, BotoCoreError) as error:
            went_well = False
            session.messages.print(f"[red]left[/] {each}: {escape(str(error))}", highlight=False)
    return went_well


def _data_deleted(kept: Sequence[Kept], session: Session) -> bool:
    """After the project's name was typed; nothing else agrees to this."""
    name = session.stack.project
    typed = typer.prompt(
        f"All of it is gone for good then. Type {name} to delete it", default="", show_default=False
    )
    if typed.strip() != name:
        session.fail(f"{typed.strip()!r} is not {name!r}: nothing was deleted")
    for thing in kept:
        delete_kept(thing)
        session.out.print(f"deleted {thing.what} {thing.name}", highlight=False)
    session.messages.print("then: sam delete --stack-name …, which leaves nothing any more", highlight=False)
    return True
