"""OCR and page images of a corpus wherever it lies, on this machine, with all cores."""

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import NamedTuple

from recto_data.bulk_ocr import THERE, is_outdated, missing_results
from recto_data.collating import FRAME, Images
from recto_data.endings import page_of_image
from recto_data.places import Entry, Folder, Place
from recto_data.progress import SILENT, Bars
from recto_data.remote_work import Task, work_in_parts
from recto_ocr.batch import Outcome, Progress, run_batch
from recto_ocr.documents import HowToRead
from recto_ocr.page_images import IMAGES, THUMBNAILS, HowToDraw
from recto_ocr.page_images import run as draw_folder


class Documents(NamedTuple):
    """Some documents of a place, and where what is made of them goes."""

    source: Place
    documents: Sequence[Entry]
    output: Place
    left_out: Sequence[Outcome] = ()
    """Other files that were there or expected, and why they are not among the documents."""


class Effort(NamedTuple):
    """How much of the machine to use, and whether what is there is made anew."""

    workers: int
    again: bool = False


def read_corpus(corpus: Documents, how: HowToRead, effort: Effort, bars: Bars = SILENT) -> Iterator[Outcome]:
    """OCR of each document that has no result yet; those that have one are told as skipped."""
    wanted = corpus.documents
    looks_itself = isinstance(corpus.source, Folder) and isinstance(corpus.output, Folder)
    if not (effort.again or looks_itself):
        wanted = missing_results(corpus.documents, _entries(corpus.output))
    yield from _skipped(corpus.documents, wanted)
    again = effort.again or not looks_itself

    def work(source: Path, output: Path, names: Collection[str]) -> list[Outcome]:
        hear = Progress(planned=lambda pages: bars.begin("pages", pages), page_read=bars.step)
        with TemporaryDirectory() as folder:
            report = Path(folder) / "report.jsonl"
            return run_batch(source, output, how, effort.workers, report, hear, again=again, only=names)

    yield from work_in_parts(Task(corpus.source, corpus.output, work), wanted)


def draw_corpus(corpus: Documents, how: HowToDraw, effort: Effort, bars: Bars = SILENT) -> Iterator[Outcome]:
    """Page images and thumbnails of each document that has none yet; the others are told as skipped."""
    wanted = corpus.documents if effort.again else _without_images(corpus)
    yield from _skipped(corpus.documents, wanted)
    bars.begin("documents", len(wanted))

    def work(source: Path, output: Path, names: Collection[str]) -> list[Outcome]:
        outcomes = []
        for outcome in draw_folder(source, output, how, effort.workers, again=True, only=names):
            outcomes.append(outcome)
            bars.step()
        return outcomes

    yield from work_in_parts(Task(corpus.source, corpus.output, work, is_first_page), wanted)


def is_first_page(image: str) -> bool:
    """Whether it may be a first page's image: where these are there, all of their document's are."""
    page = page_of_image(image)
    frame = FRAME.fullmatch(PurePosixPath(image).stem)
    return page == 1 if page is not None else frame is None or int(frame["page"]) == 1


def _without_images(corpus: Documents) -> list[Entry]:
    """Documents whose first page has no image or thumbnail, or an older one."""
    names = [entry.name for entry in corpus.documents]
    there = {entry.name: entry for entry in _entries(corpus.output) if entry.size}
    below = f"{IMAGES}/"
    images = Images((name.removeprefix(below) for name in there if name.startswith(below)), names)

    def is_done(document: Entry) -> bool:
        first = images.of(document.name).get(1)
        if first is None:
            return False
        made = f"{IMAGES}/{first}", f"{THUMBNAILS}/{PurePosixPath(first).with_suffix('.png')}"
        return not any(is_outdated(document, there.get(name)) for name in made)

    return [entry for entry in corpus.documents if not is_done(entry)]


def _entries(place: Place) -> list[Entry]:
    """What is in a place that may not be there yet."""
    return [] if isinstance(place, Folder) and not place.path.exists() else place.entries()


def _skipped(documents: Sequence[Entry], wanted: Sequence[Entry]) -> Iterator[Outcome]:
    names = {entry.name for entry in wanted}
    for entry in documents:
        if entry.name not in names:
            yield Outcome(entry.name, "SKIPPED", reason=THERE)
