"""How far a long piece of work is: silent unless somebody wants to see it."""

from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


class Bars(Protocol):
    """Hears how far the work is."""

    def begin(self, what: str, total: int | None = None) -> None:
        """The next part of the work, and how many steps it has."""
        ...

    def step(self, count: int = 1) -> None: ...


class Silent:
    """Nobody listens."""

    def begin(self, what: str, total: int | None = None) -> None:
        pass

    def step(self, count: int = 1) -> None:
        pass


SILENT = Silent()


class RichBars:
    """A progress bar for each part, on standard error unless told otherwise."""

    def __init__(self, console: Console | None = None) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._progress = Progress(*columns, console=console or Console(stderr=True))
        self._task = self._progress.add_task("", visible=False)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def begin(self, what: str, total: int | None = None) -> None:
        self._task = self._progress.add_task(what, total=total)

    def step(self, count: int = 1) -> None:
        self._progress.advance(self._task, count)
