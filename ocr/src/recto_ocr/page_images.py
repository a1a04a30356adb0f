"""Page images of a folder in bulk: upright PNG pages and small uniform thumbnails, with all cores.

    python -m recto_ocr.page_images --input raw --output corpus
    python -m recto_ocr.page_images --input raw --output corpus --dpi 150 --thumbnail 224,224 --workers 2

`Agreement.pdf` gives `imgs-clean/Agreement-0001-07.png` and `thumbnails/Agreement-0001-07.png`, as existing
manifests name them; rotations in EXIF are applied and metadata stripped. What is there already is left alone.
As a SageMaker processing job it reads and writes the job's folders, each machine its own documents.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Collection, Iterator
from concurrent.futures import Future, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import NamedTuple

from recto.errors import ConfigurationError, DamagedDocumentError, DocumentError
from recto.formats import PDF, format_of
from recto.image_names import UNCHANGED, page_image_name
from recto.imaging import MAX_IMAGE_SIDE, Limits, PageSource, as_jpeg, as_png, open_pages
from recto.thumbnails import Fit, ThumbnailStyle, draw_thumbnail, small_png
from recto_ocr.batch import Outcome
from recto_ocr.file_names import SUFFIXES, why_no_document
from recto_ocr.processing import INPUT, OUTPUT, host_name
from recto_ocr.workers import Workers, num_cores

IMAGES, THUMBNAILS = "imgs-clean", "thumbnails"
POINTS_PER_INCH = 72
LIMITS = Limits(pages=3000, pixels=100_000_000)


class HowToDraw(NamedTuple):
    """What is made of a page."""

    dpi: int = 300
    """Of PDF pages; images keep their pixels."""
    thumbnail: tuple[int, int] = (224, 224)
    """Width and height."""
    fit: str = Fit.STRETCH
    colour: str = "white"

    @property
    def style(self) -> ThumbnailStyle:
        width, height = self.thumbnail
        return ThumbnailStyle(width, height, Fit(self.fit), self.colour, 0)


def draw_document(source: str, name: str, output: str, how: HowToDraw, *, again: bool) -> Outcome:
    """Both images of each page of one document; what becomes of it is told, never raised."""
    started = time.monotonic()
    try:
        drawn, pages = _draw(Path(source), name, Path(output), how, again=again)
    except DocumentError as error:
        return Outcome(name, "FAILED", type(error).__name__, str(error), seconds=time.monotonic() - started)
    return Outcome(name, "DONE" if drawn else "SKIPPED", pages=pages, seconds=time.monotonic() - started)


def _draw(source: Path, name: str, output: Path, how: HowToDraw, *, again: bool) -> tuple[int, int]:
    """How many pages were drawn, of how many."""
    with source.open("rb") as file:
        kind = format_of(file.read(1024))
    drawn = 0
    with open_pages(source, LIMITS, name) as pages:
        for page in range(pages.num_pages, 0, -1):  # the first one last: where it is, all are
            if kind is None:  # open_pages has refused it
                break
            image = page_image_name(name, kind, page, pages.num_pages)
            thumbnail = str(Path(image).with_suffix(".png"))
            places = output / IMAGES / image, output / THUMBNAILS / thumbnail
            if not again and all(place.exists() for place in places):
                continue
            is_jpeg = image.lower().endswith(UNCHANGED[1:])
            _write(places[0], _page_file(pages, page, how, is_pdf=kind is PDF, is_jpeg=is_jpeg))
            _write(places[1], small_png(draw_thumbnail(pages, page, how.style)))
            drawn += 1
    return drawn, pages.num_pages


def _page_file(pages: PageSource, page: int, how: HowToDraw, *, is_pdf: bool, is_jpeg: bool) -> bytes:
    """An upright image without metadata."""
    scale = how.dpi / POINTS_PER_INCH if is_pdf else 1.0
    image = pages.draw_sized(page, lambda width, height: _size(width, height, scale))
    return as_jpeg(image.convert("RGB")) if is_jpeg else as_png(image)


def _size(width: float, height: float, scale: float) -> tuple[int, int]:
    """PDF pages at the resolution, images at their own pixels; a poster is bounded."""
    scale = min(scale, MAX_IMAGE_SIDE / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _write(place: Path, content: bytes) -> None:
    """Whole or not at all."""
    place.parent.mkdir(parents=True, exist_ok=True)
    part = place.with_name(place.name + ".part")
    part.write_bytes(content)
    part.rename(place)


def run(
    source: Path,
    output: Path,
    how: HowToDraw,
    workers: int,
    *,
    again: bool = False,
    only: Collection[str] | None = None,
) -> Iterator[Outcome]:
    """Each document of the folder as it ends, or `only` those of these names; ConfigurationError for none.

    The largest files come first: a long document that comes last would leave all cores but one idle.
    """
    files = documents_of(source, only, without=output)
    if not files:
        raise ConfigurationError(f"{source}: holds no document ({', '.join(sorted(SUFFIXES))})")
    pool = Workers(workers)

    def ask(name: str) -> "Future[Outcome]":
        return pool.submit(draw_document, str(files[name]), name, str(output), how, again=again)

    try:
        asked = {ask(name): name for name in files}
        lost = []
        for future in as_completed(asked):
            try:
                yield future.result()
            except BrokenProcessPool:
                lost.append(asked[future])
        for name in lost:  # one of them ended its process and took the others with it
            yield _outcome(name, ask(name))
    finally:
        pool.close()


def documents_of(
    source: Path, only: Collection[str] | None = None, *, without: Path | None = None
) -> dict[str, Path]:
    """The documents of a folder by name, the largest first; what was made of them is none."""
    found = {
        path.relative_to(source).as_posix(): path
        for path in source.rglob("*")
        if path.is_file() and (without is None or not path.is_relative_to(without))
    }
    wanted = [
        name
        for name, path in found.items()
        if not why_no_document(path.relative_to(source)) and (only is None or name in only)
    ]
    return {
        name: found[name] for name in sorted(wanted, key=lambda name: (-found[name].stat().st_size, name))
    }


def _outcome(name: str, asked: "Future[Outcome]") -> Outcome:
    """A document that ended its process is one that failed."""
    try:
        return asked.result()
    except BrokenProcessPool as error:
        return Outcome(name, "FAILED", DamagedDocumentError.__name__, f"its process ended: {error}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m recto_ocr.page_images", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--input", type=Path, default=INPUT)
    parser.add_argument("--output", type=Path, default=OUTPUT)
    parser.add_argument("--dpi", type=int, default=HowToDraw().dpi)
    parser.add_argument("--thumbnail", default="224,224", help="width,height")
    parser.add_argument("--fit", choices=list(Fit), default=Fit.STRETCH)
    parser.add_argument("--workers", type=int, default=0, help="processes; 0 for one per core")
    parser.add_argument("--again", action="store_true", help="also what has its images already")
    return parser.parse_args()


def how_of(dpi: int, thumbnail: str, fit: str) -> HowToDraw:
    """ConfigurationError for a size or a resolution that cannot be."""
    try:
        width, height = map(int, thumbnail.split(","))
    except ValueError:
        raise ConfigurationError(f"--thumbnail {thumbnail}: expected width,height in pixels") from None
    if min(width, height) < 1 or max(width, height) > 4096 or not 36 <= dpi <= 1200:
        raise ConfigurationError(
            f"--thumbnail {thumbnail} --dpi {dpi}: expected 1 to 4096 pixels, 36 to 1200 dpi"
        )
    return HowToDraw(dpi, (width, height), fit)


def main() -> int:
    options = arguments()
    counts: Counter[str] = Counter()
    try:
        how = how_of(options.dpi, options.thumbnail, options.fit)
        options.output.mkdir(parents=True, exist_ok=True)
        workers = options.workers or num_cores()
        with (options.output / f"pages-report-{host_name()}.jsonl").open("w", encoding="utf-8") as report:
            for outcome in run(options.input, options.output, how, workers, again=options.again):
                counts[outcome.status] += 1
                report.write(outcome.to_json() + "\n")
                print(outcome.to_json(), flush=True)
    except ConfigurationError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 2
    print(f"ended: {dict(counts)}")
    return 1 if counts["FAILED"] else 0


if __name__ == "__main__":
    sys.exit(main())
