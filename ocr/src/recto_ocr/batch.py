"""OCR of a folder with all cores: one consolidated Textract JSON per document. Not the command line.

Work is split by page, so that one long document keeps all cores busy; a few pages per worker are under
way, whatever the sizes. Long documents go first. Results are written beside their place and renamed,
so what is there is whole, and a second run does only what is missing.
"""

import hashlib
import json
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, NamedTuple

from recto.errors import ConfigurationError, DamagedDocumentError, DocumentError
from recto_ocr.blocks import model_version
from recto_ocr.documents import (
    BLOCKS_END,
    FileContent,
    HowToRead,
    ReadPage,
    content_of,
    json_head,
    read_page,
)
from recto_ocr.engines import engine_named
from recto_ocr.file_names import why_no_document
from recto_ocr.workers import Workers

RESULT = "consolidated.json"
UNFINISHED = RESULT + ".part"
HEAD_BYTES = 1000
UNDER_WAY_PER_WORKER = 16
"""Pages are taken in their order: with fewer, one slow page would leave the other workers without any."""
OPENED_PER_WORKER = 16


class Outcome(NamedTuple):
    """What became of one file; `status` is DONE, SKIPPED or FAILED."""

    document: str
    status: str
    error: str = ""
    reason: str = ""
    pages: int = 0
    words: int = 0
    seconds: float = 0.0

    def to_json(self) -> str:
        named = {"Document": self.document, "Status": self.status, "Error": self.error, "Reason": self.reason}
        counted = {"Pages": self.pages, "Words": self.words, "Seconds": round(self.seconds, 2)}
        return json.dumps({k: v for k, v in (named | counted).items() if v != ""}, ensure_ascii=False)


class Progress(NamedTuple):
    """What a caller may want to hear: the pages to read in all, one more page read, a file's outcome."""

    planned: Callable[[int], None] = lambda _: None
    page_read: Callable[[], None] = lambda: None
    ended: Callable[[Outcome], None] = lambda _: None


@dataclass
class _Document:
    """A document on its way."""

    path: Path
    name: str
    place: Path
    content: FileContent
    began: float = 0.0
    file: BinaryIO | None = None
    next_page: int = 1
    """The next page to be asked for."""
    waiting: dict[int, ReadPage] = field(default_factory=dict)
    """Pages read before an earlier one was."""
    num_written: int = 0
    num_words: int = 0
    is_over: bool = False

    @property
    def num_pages(self) -> int:
        return self.content.content.num_pages


class _Page(NamedTuple):
    document: _Document
    number: int
    future: "Future[ReadPage]"


def run_batch(
    source: Path,
    output: Path,
    how: HowToRead,
    num_workers: int,
    report: Path,
    progress: Progress,
    *,
    again: bool = False,
    only: Collection[str] | None = None,
) -> list[Outcome]:
    """OCR of a folder or file; every file's outcome is a line of `report` as soon as it is known.

    `only` these documents, by their names in the folder; all of them unless told.

    ConfigurationError before anything is read: no such engine or language, no such folder, one folder twice.
    """
    source, output = source.resolve(), output.resolve()
    if not source.exists() or source == output:
        raise ConfigurationError(
            f"input {source}: expected a folder or a file that exists, and another than the output {output}"
        )
    engine = engine_named(how.engine)
    engine.check(how.languages)
    output.mkdir(parents=True, exist_ok=True)
    report.parent.mkdir(parents=True, exist_ok=True)
    workers = Workers(num_workers)
    try:
        with report.open("w", encoding="utf-8", errors="surrogateescape") as lines:

            def note(outcome: Outcome) -> None:
                lines.write(outcome.to_json() + "\n")
                lines.flush()
                progress.ended(outcome)

            batch = Batch(source, output, how, model_version(engine), workers, only)
            return batch.run(progress._replace(ended=note), again=again)
    finally:
        workers.close()


class Batch:
    """One run over one folder."""

    def __init__(
        self,
        source: Path,
        output: Path,
        how: HowToRead,
        version: str,
        workers: Workers,
        only: Collection[str] | None = None,
    ) -> None:
        self._source, self._output, self._only = source, output, only
        self._how, self._version, self._workers = how, version, workers
        self._progress = Progress()
        self._under_way: deque[_Page] = deque()

    def run(self, progress: Progress, *, again: bool = False) -> list[Outcome]:
        """Read what is not there yet, or all of it `again`; an outcome for every file."""
        outcomes: list[Outcome] = []

        def ended(outcome: Outcome) -> None:
            outcomes.append(outcome)
            progress.ended(outcome)

        self._progress = progress._replace(ended=ended)
        documents = self._opened(list(self._wanted(again=again)))
        progress.planned(sum(document.num_pages for document in documents))
        for document in documents:
            self._ask_for_pages(document)
        while self._under_way:
            self._take_one()
        return outcomes

    def _wanted(self, *, again: bool) -> Iterator[tuple[Path, str]]:
        """Documents without a result; all other files are told of."""
        root = self._source.parent if self._source.is_file() else self._source
        for path in [self._source] if self._source.is_file() else sorted(self._source.rglob("*")):
            if not path.is_file() or path.is_relative_to(self._output):
                continue
            name = path.relative_to(root).as_posix()
            if self._only is not None and name not in self._only:
                continue
            if why := why_no_document(path.relative_to(root)):
                self._progress.ended(Outcome(name, "SKIPPED", reason=why))
            elif not again and is_complete(self._output / name / RESULT, path):
                self._progress.ended(Outcome(name, "SKIPPED", reason="its result is there"))
            else:
                yield path, name

    def _opened(self, files: list[tuple[Path, str]]) -> list[_Document]:
        """Those that can be opened, the longest first. Workers open them, for a broken file may kill."""
        found, size = [], OPENED_PER_WORKER * self._workers.count
        for some in (files[begin : begin + size] for begin in range(0, len(files), size)):
            asked = [self._workers.submit(content_of, str(path)) for path, _ in some]
            for (path, name), future in zip(some, asked, strict=True):
                try:
                    content = self._content(path, future)
                except DocumentError as error:
                    self._fail(name, error)
                else:
                    found.append(_Document(path, name, self._output / name / RESULT, content))
        return sorted(found, key=lambda d: (-d.num_pages, -d.content.num_bytes))

    def _content(self, path: Path, asked: "Future[FileContent]") -> FileContent:
        """What a file is; asked once more, by itself, where a process has died, perhaps of its neighbour."""
        try:
            return asked.result()
        except BrokenProcessPool:
            pass
        try:
            return self._workers.submit(content_of, str(path)).result()
        except BrokenProcessPool as error:
            raise DamagedDocumentError("the process that opened it has died") from error

    def _fail(self, name: str, error: Exception, seconds: float = 0.0) -> None:
        self._progress.ended(
            Outcome(name, "FAILED", error=type(error).__name__, reason=str(error), seconds=seconds)
        )

    def _ask_for_pages(self, document: _Document) -> None:
        document.began = time.monotonic()
        while document.next_page <= document.num_pages and not document.is_over:
            while len(self._under_way) >= UNDER_WAY_PER_WORKER * self._workers.count:
                self._take_one()
            if not document.is_over:
                self._under_way.append(self._page(document, document.next_page))
                document.next_page += 1

    def _page(self, document: _Document, number: int) -> _Page:
        content, seed = document.content.content, _seed(document.name)
        future = self._workers.submit(read_page, str(document.path), content.kind, number, seed, self._how)
        return _Page(document, number, future)

    def _take_one(self) -> None:
        page = self._under_way.popleft()
        try:
            self._keep(page, page.future.result())
        except BrokenProcessPool:
            self._alone([page, *self._under_way])
        except (DocumentError, OSError) as error:
            self._give_up(page.document, error)

    def _alone(self, pages: list[_Page]) -> None:
        """After a process has died: each page that was under way by itself, to find the guilty one."""
        self._under_way.clear()
        for page in pages:
            if page.document.is_over:
                continue
            again = self._page(page.document, page.number)
            try:
                self._keep(again, again.future.result())
            except BrokenProcessPool:
                died = DamagedDocumentError(f"page {page.number}: the process that read it has died")
                self._give_up(page.document, died)
            except (DocumentError, OSError) as error:
                self._give_up(page.document, error)

    def _keep(self, page: _Page, read: ReadPage) -> None:
        """Write what is next; a page that came early waits for those before it."""
        document = page.document
        self._progress.page_read()
        if document.is_over:
            return
        document.waiting[page.number] = read
        while (following := document.waiting.pop(document.num_written + 1, None)) is not None:
            self._write(document, following)
        if document.num_written == document.num_pages:
            self._finish(document)

    def _write(self, document: _Document, read: ReadPage) -> None:
        if document.file is None:
            document.place.parent.mkdir(parents=True, exist_ok=True)
            document.file = document.place.with_name(UNFINISHED).open("wb")
            document.file.write(json_head(self._version, document.num_pages))
        else:
            document.file.write(b", ")
        document.file.write(read.blocks)
        document.num_written += 1
        document.num_words += read.num_words

    def _finish(self, document: _Document) -> None:
        if document.file is None:
            return
        with document.file as file:
            file.write(BLOCKS_END)
        document.place.with_name(UNFINISHED).replace(document.place)
        document.is_over = True
        seconds = time.monotonic() - document.began
        outcome = Outcome(document.name, "DONE", pages=document.num_pages, words=document.num_words)
        self._progress.ended(outcome._replace(seconds=seconds))

    def _give_up(self, document: _Document, error: Exception) -> None:
        """Only the first error of a document is told; nothing half-written stays."""
        if document.is_over:
            return
        document.is_over = True
        document.waiting.clear()
        if document.file is not None:
            with suppress(OSError):  # a full disk says so again
                document.file.close()
            document.place.with_name(UNFINISHED).unlink(missing_ok=True)
        self._fail(document.name, error, time.monotonic() - document.began)


def is_complete(result: Path, source: Path) -> bool:
    """Whether a whole result lies there that is not older than its document."""
    try:
        if result.stat().st_mtime < source.stat().st_mtime:
            return False
        with result.open("rb") as file:
            head = file.read(HEAD_BYTES)
            file.seek(-len(BLOCKS_END), 2)
            return b'"JobStatus": "SUCCEEDED"' in head and file.read() == BLOCKS_END
    except OSError:
        return False


def _seed(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()
