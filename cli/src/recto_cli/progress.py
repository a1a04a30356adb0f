"""Waits for documents with a progress bar and a line for each change."""

import time
from collections.abc import Sequence

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from recto_cli import tables
from recto_cli.session import Session
from recto_cli.submit import Outcome, Submission, watch


def watch_with_bar(
    session: Session, submissions: Sequence[Submission], timeout: float, began: float | None = None
) -> list[Outcome]:
    """What became of all of them; seconds are counted from `began`."""
    start = time.monotonic() if began is None else began
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=session.messages) as progress:
        bar = progress.add_task("documents", total=len(submissions))

        def report(outcome: Outcome) -> None:
            seconds = time.monotonic() - start
            progress.console.print(f"{seconds:6.1f} s  {tables.change_line(outcome)}", highlight=False)
            if outcome.is_settled:
                progress.advance(bar)

        return watch(submissions, session.stack, timeout, report)
