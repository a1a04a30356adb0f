"""Page images of 12 PDFs: the product's own code against pdf2image (poppler), and whether both show the same.

    .venv-bench/bin/python benchmarks/page_images.py --documents 3 --repeat 1     a quick look
    .venv-bench/bin/python benchmarks/page_images.py                              the figures, about 2 minutes

`make bench-setup` makes the environment; poppler's programs come from the system (poppler-utils). The
documents are the first by name of ../shared/data/kleister-nda. Images are encoded and written to disk, at the
same sizes, with two processes on both sides and the same ranges of pages; each measurement includes starting
its processes. Of the other side's ways (its own files or Pillow's, its own threads or ours) one round in this
run chooses the fastest. Thumbnails are 224 x 224: ours drawn small, theirs drawn at 300 dpi and shrunk.
"""

import argparse
import functools
import math
import multiprocessing
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

import recording
from pdf2image import convert_from_path
from PIL import Image, ImageChops, ImageStat

from recto.imaging import JPEG_QUALITY, Limits, as_jpeg, as_png, open_pages
from recto.places import page_ranges
from recto.thumbnails import Fit, ThumbnailStyle, encoded_thumbnail

DOCUMENTS = recording.ROOT.parent / "shared" / "data" / "kleister-nda" / "documents"
PIXELS = 1600
"""The longest side; what the product draws for review."""
LIMITS = Limits(pages=3000, pixels=100_000_000)
STYLE = ThumbnailStyle(224, 224, Fit.STRETCH, "white", 0)
CORES = 2
RANGE_PAGES = 10
FACTORS = {"png": 1.3, "jpeg": 1.9, "thumbnails": 40.0}


class Range(NamedTuple):
    """Some pages of a document, and where their images go."""

    document: Path
    first: int
    last: int
    folder: Path

    def image(self, page: int, ending: str) -> Path:
        return self.folder / f"{self.document.stem}-{page:04d}.{ending}"


Way = Callable[[Range], None]


# --- ours: the product's code ---------------------------------------------------------------------------


def ours_png(part: Range) -> None:
    with open_pages(part.document, LIMITS, part.document.name) as pages:
        for page in range(part.first, part.last + 1):
            part.image(page, "png").write_bytes(as_png(pages.draw_for_file(page, PIXELS)))


def ours_jpeg(part: Range) -> None:
    with open_pages(part.document, LIMITS, part.document.name) as pages:
        for page in range(part.first, part.last + 1):
            part.image(page, "jpg").write_bytes(as_jpeg(pages.draw_for_file(page, PIXELS)))


def ours_thumbnails(part: Range) -> None:
    with open_pages(part.document, LIMITS, part.document.name) as pages:
        for page in range(part.first, part.last + 1):
            part.image(page, "png").write_bytes(encoded_thumbnail(pages, page, STYLE))


# --- theirs ----------------------------------------------------------------------------------------------


def poppler_files(part: Range, kind: str, threads: int = 1, *, cairo: bool = False) -> None:
    """The files that poppler's own program encodes."""
    convert_from_path(
        part.document,
        first_page=part.first,
        last_page=part.last,
        size=PIXELS,
        fmt=kind,
        jpegopt={"quality": JPEG_QUALITY},
        output_folder=part.folder,
        output_file=f"{part.document.stem}-{part.first:04d}",
        paths_only=True,
        thread_count=threads,
        use_pdftocairo=cairo,
    )


def poppler_pillow(part: Range, kind: str, **options: int) -> None:
    """Poppler's pixels, encoded by Pillow: what pdf2image gives without further wishes."""
    images = convert_from_path(part.document, first_page=part.first, last_page=part.last, size=PIXELS)
    for page, image in enumerate(images, part.first):
        image.save(part.image(page, kind), kind, **options)


def poppler_thumbnails(part: Range) -> None:
    images = convert_from_path(part.document, first_page=part.first, last_page=part.last, dpi=300)
    for page, image in enumerate(images, part.first):
        small = image.resize((STYLE.width, STYLE.height), Image.Resampling.BICUBIC, reducing_gap=3.0)
        small.save(part.image(page, "png"), "png", compress_level=1)


OURS: dict[str, Way] = {"png": ours_png, "jpeg": ours_jpeg, "thumbnails": ours_thumbnails}
THEIRS: dict[str, dict[str, tuple[Way, int]]] = {
    "png": {
        "Pillow, level 1": (functools.partial(poppler_pillow, kind="png", compress_level=1), CORES),
        "pdftoppm -png": (functools.partial(poppler_files, kind="png"), CORES),
        "pdftocairo -png": (functools.partial(poppler_files, kind="png", cairo=True), CORES),
    },
    "jpeg": {
        "pdftoppm -jpeg": (functools.partial(poppler_files, kind="jpeg"), CORES),
        "pdftoppm -jpeg, thread_count=2": (functools.partial(poppler_files, kind="jpeg", threads=CORES), 1),
        "Pillow": (functools.partial(poppler_pillow, kind="jpeg", quality=JPEG_QUALITY), CORES),
    },
    "thumbnails": {"300 dpi, then shrunk": (poppler_thumbnails, CORES)},
}
"""Ways by name, each with how many of our processes it takes (its own threads are the other way)."""


# --- measuring -------------------------------------------------------------------------------------------


class Round(NamedTuple):
    seconds: float
    cpu_seconds: float
    megabytes: float
    files: int


def measured(way: Way, processes: int, documents: dict[Path, int], folder: Path) -> Round:
    """All pages once, into an empty folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    size = RANGE_PAGES if processes > 1 else max(documents.values())
    parts = [
        Range(document, first, last, folder)
        for document, pages in documents.items()
        for first, last in page_ranges(pages, size)
    ]
    parts.sort(key=lambda part: part.first - part.last)
    started, cpu = time.perf_counter(), sum(os.times()[:4])
    if processes == 1:
        for part in parts:
            way(part)
    else:
        with ProcessPoolExecutor(processes, multiprocessing.get_context("fork")) as pool:
            list(pool.map(way, parts))
    seconds, cpu = time.perf_counter() - started, sum(os.times()[:4]) - cpu
    files = [path for path in folder.iterdir() if path.suffix != ".ppm"]
    return Round(seconds, cpu, sum(path.stat().st_size for path in files) / 1e6, len(files))


def compare(kind: str, documents: dict[Path, int], repeat: int, folder: Path) -> dict[str, object]:
    """Both sides in turn, after one round of each of their ways."""
    tried = {name: measured(*way, documents, folder / kind) for name, way in THEIRS[kind].items()}
    measured(OURS[kind], CORES, documents, folder / kind)
    best = min(tried, key=lambda name: tried[name].seconds)
    ours, theirs = [], []
    for _ in range(repeat):
        ours.append(measured(OURS[kind], CORES, documents, folder / kind))
        theirs.append(measured(*THEIRS[kind][best], documents, folder / kind))
    expected = sum(documents.values())
    if {one.files for one in (*ours, *theirs)} != {expected}:
        sys.exit(f"{kind}: expected {expected} files from each side")
    return {
        "their_ways": {name: one._asdict() for name, one in tried.items()},
        "their_way": best,
        "ours": [one._asdict() for one in ours],
        "theirs": [one._asdict() for one in theirs],
        "ours_s": round(statistics.median(one.seconds for one in ours), 3),
        "theirs_s": round(statistics.median(one.seconds for one in theirs), 3),
        "factor": round(
            statistics.median(one.seconds for one in theirs) / statistics.median(one.seconds for one in ours),
            2,
        ),
        "cpu_factor": round(
            statistics.median(one.cpu_seconds for one in theirs)
            / statistics.median(one.cpu_seconds for one in ours),
            2,
        ),
        "ours_mb": round(ours[0].megabytes, 2),
        "theirs_mb": round(theirs[0].megabytes, 2),
    }


def likeness(documents: dict[Path, int]) -> dict[str, object]:
    """How far our pages are from poppler's, in 8 bits of grey: pixel by pixel, and in a quarter of the size.

    Pixel by pixel the two differ at every edge of every letter, by how each smooths it; in a quarter of the
    size what is left is what stands elsewhere, or is missing.
    """
    means, psnrs, quarters, sizes = [], [], [], 0
    for document, num_pages in documents.items():
        theirs = convert_from_path(document, size=PIXELS, thread_count=CORES)
        with open_pages(document, LIMITS, document.name) as pages:
            for page in range(1, num_pages + 1):
                our, their = pages.draw(page, PIXELS), theirs[page - 1]
                sizes += our.size == their.size
                box = (0, 0, min(our.width, their.width), min(our.height, their.height))
                pair = our.crop(box).convert("L"), their.crop(box).convert("L")
                means.append(ImageStat.Stat(ImageChops.difference(*pair)).mean[0])
                psnrs.append(psnr(*pair))
                quarters.append(psnr(pair[0].reduce(4), pair[1].reduce(4)))
    return {
        "pages_of_equal_size": sizes,
        "pages": len(means),
        "mean_difference": round(statistics.mean(means), 2),
        "worst_mean_difference": round(max(means), 2),
        "psnr_db_median": round(statistics.median(psnrs), 1),
        "psnr_db_worst": round(min(psnrs), 1),
        "quarter_psnr_db_median": round(statistics.median(quarters), 1),
        "quarter_psnr_db_worst": round(min(quarters), 1),
    }


def psnr(one: Image.Image, other: Image.Image) -> float:
    return 20 * math.log10(255 / max(ImageStat.Stat(ImageChops.difference(one, other)).rms[0], 0.01))


def pages_of(document: Path) -> int:
    with open_pages(document, LIMITS, document.name) as pages:
        return pages.num_pages


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--documents", type=int, default=12)
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    if shutil.which("pdftoppm") is None:
        sys.exit("pdftoppm was not found; install poppler's programs (Debian, Ubuntu: poppler-utils)")
    if not DOCUMENTS.exists():
        sys.exit(f"{DOCUMENTS} is not here")
    documents = {path: pages_of(path) for path in sorted(DOCUMENTS.glob("*.pdf"))[: options.documents]}
    with tempfile.TemporaryDirectory(prefix="recto-bench-") as folder:
        kinds = {kind: compare(kind, documents, options.repeat, Path(folder)) for kind in OURS}
    alike = likeness(documents)
    head = ("", "ours s", "theirs s", "factor", "wanted", "CPU factor", "ours MB", "theirs MB", "their way")
    columns = ("ours_s", "theirs_s", "factor", "cpu_factor", "ours_mb", "theirs_mb", "their_way")
    rows = [[kind, *(result[name] for name in columns)] for kind, result in kinds.items()]
    for row in rows:
        row.insert(4, FACTORS[str(row[0])])
    title = f"{len(documents)} PDFs, {sum(documents.values())} pages, {PIXELS} pixels, {CORES} processes"
    recording.print_table(title, head, rows)
    print(f"\n  likeness to poppler's pages: {alike}")
    figures = {"pages": sum(documents.values()), "wanted": FACTORS, "kinds": kinds, "likeness": alike}
    if options.documents == parser.get_default("documents"):
        command = f"python {' '.join(sys.argv)}"
        print(f"  {recording.write_result('page_images', command, figures)}")


if __name__ == "__main__":
    main()
