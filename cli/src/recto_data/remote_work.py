"""Work on documents that do not lie here: fetched in parts, worked on, results sent back, part by part.

While one part is worked on the next is being fetched, and the results of the one before are on their way. A
folder takes no detour: what lies here is read, and written, in its place, in one part where both do. So the
disk holds three parts, never a corpus.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from recto_data.parallel import each_done
from recto_data.places import Entry, Folder, Place, safe
from recto_ocr.batch import Outcome

PART_FILES = 64
PART_BYTES = 256 * 1024 * 1024
Work = Callable[[Path, Path, Collection[str]], list[Outcome]]
"""Gets the documents' folder, the results' folder and the documents' names."""


class Task(NamedTuple):
    """Where documents come from and results go."""

    source: Place
    output: Place
    work: Work
    comes_last: Callable[[str], bool] = lambda _: False
    """Which results are sent after all others of their part: those by which a document is known as done."""


class _Fetched(NamedTuple):
    """A part that lies here."""

    folder: Path
    names: list[str]
    failed: list[Outcome]
    keep: ExitStack
    """Holds the folder as long as it is needed."""


def work_in_parts(task: Task, documents: Sequence[Entry]) -> Iterator[Outcome]:
    """What became of each document; an upload that fails makes its documents fail."""
    is_all_here = isinstance(task.source, Folder) and isinstance(task.output, Folder)
    parts = [list(documents)] if is_all_here and documents else list(parts_of(documents))
    with ThreadPoolExecutor(1) as fetcher, ThreadPoolExecutor(1) as sender:
        coming = fetcher.submit(_fetch, task, parts[0]) if parts else None
        leaving: Future[list[Outcome]] | None = None
        for number in range(len(parts)):
            assert coming is not None  # noqa: S101 - each part was asked for before
            fetched = coming.result()
            coming = fetcher.submit(_fetch, task, parts[number + 1]) if number + 1 < len(parts) else None
            outcomes, output, keep = _work(task, fetched)
            if leaving is not None:
                yield from leaving.result()
            leaving = sender.submit(_send, task, outcomes, output, keep)
        if leaving is not None:
            yield from leaving.result()


def parts_of(documents: Sequence[Entry]) -> Iterator[list[Entry]]:
    """Some files at a time, bounded in number and bytes."""
    part: list[Entry] = []
    for entry in documents:
        if part and (len(part) == PART_FILES or sum(e.size for e in part) + entry.size > PART_BYTES):
            yield part
            part = []
        part.append(entry)
    if part:
        yield part


def _fetch(task: Task, part: Sequence[Entry]) -> _Fetched:
    keep = ExitStack()
    if isinstance(task.source, Folder):
        return _Fetched(task.source.path, [entry.name for entry in part], [], keep)
    folder = Path(keep.enter_context(TemporaryDirectory(prefix="recto-")))

    def bring(entry: Entry) -> None:
        path = folder / safe(entry.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        task.source.fetch(entry.name, path)

    names, failed = [], []
    for entry, error in each_done(bring, part):
        if isinstance(error, Exception):
            failed.append(Outcome(entry.name, "FAILED", type(error).__name__, str(error)))
        else:
            names.append(entry.name)
    return _Fetched(folder, sorted(names), failed, keep)


def _work(task: Task, fetched: _Fetched) -> tuple[list[Outcome], Path, ExitStack]:
    """The outcomes, the folder of the results, and what holds that folder."""
    keep = ExitStack()
    if isinstance(task.output, Folder):
        output = task.output.path
        output.mkdir(parents=True, exist_ok=True)
    else:
        output = Path(keep.enter_context(TemporaryDirectory(prefix="recto-")))
    with fetched.keep:
        done = task.work(fetched.folder, output, frozenset(fetched.names)) if fetched.names else []
    return [*fetched.failed, *done], output, keep


def _send(task: Task, outcomes: list[Outcome], output: Path, keep: ExitStack) -> list[Outcome]:
    with keep:
        if isinstance(task.output, Folder):
            return outcomes
        files = sorted(path.relative_to(output).as_posix() for path in output.rglob("*") if path.is_file())
        faults: dict[str, Exception] = {}
        for are_last in (False, True):
            wanted = [name for name in files if task.comes_last(name) is are_last]
            sent = each_done(lambda name: task.output.store(output / name, name), wanted)
            faults |= {name: error for name, error in sent if isinstance(error, Exception)}
        if not faults:
            return outcomes
        name, error = next(iter(sorted(faults.items())))
        told = f"{len(faults)} of {len(files)} results could not be sent, {name} for one: {error}"
        return [
            outcome._replace(status="FAILED", error=type(error).__name__, reason=told)
            if outcome.status == "DONE"
            else outcome
            for outcome in outcomes
        ]
