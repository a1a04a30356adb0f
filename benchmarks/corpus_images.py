"""Page images and thumbnails of a corpus, as `recto data images` makes them: pages a second, cores busy.

    .venv/bin/python benchmarks/corpus_images.py --documents 12     a quick look
    .venv/bin/python benchmarks/corpus_images.py                    the figures, some minutes

The documents are ../shared/data/kleister-nda, the images go to a temporary folder: PNG at 300 dpi and
thumbnails of 224 x 224, a process for each core. Processor time is that of this process and its workers, over
the wall clock: 2.0 on two cores is all that they have. On a busy machine the share falls, and says nothing.
"""

import argparse
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

import recording

from recto_data import catalogue, place_of
from recto_data.corpus_work import Documents, Effort, draw_corpus
from recto_ocr.page_images import HowToDraw
from recto_ocr.workers import num_cores

DOCUMENTS = recording.ROOT.parent / "shared" / "data" / "kleister-nda" / "documents"


def processor_seconds() -> float:
    """Of this process and of those that it has waited for."""
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--documents", type=int, default=0, help="the first by name; 0 for all")
    parser.add_argument("--dpi", type=int, default=HowToDraw().dpi)
    options = parser.parse_args()
    if not DOCUMENTS.exists():
        sys.exit(f"{DOCUMENTS} is not here")
    found = catalogue(place_of(DOCUMENTS)).documents[: options.documents or None]
    load, cores = os.getloadavg()[0], num_cores()
    with tempfile.TemporaryDirectory(prefix="recto-bench-") as folder:
        documents = Documents(place_of(DOCUMENTS), found, place_of(folder))
        began, processor = time.perf_counter(), processor_seconds()
        outcomes = list(draw_corpus(documents, HowToDraw(dpi=options.dpi), Effort(cores)))
        seconds, busy = time.perf_counter() - began, processor_seconds() - processor
        size = sum(path.stat().st_size for path in Path(folder).rglob("*.png")) / 1e6
    failed = [outcome for outcome in outcomes if outcome.status == "FAILED"]
    pages = sum(outcome.pages for outcome in outcomes)
    figures = {
        "documents": len(outcomes),
        "failed": [outcome.document for outcome in failed],
        "pages": pages,
        "dpi": options.dpi,
        "cores": cores,
        "load_before": round(load, 2),
        "seconds": round(seconds, 1),
        "pages_per_second": round(pages / seconds, 2),
        "processor_seconds": round(busy, 1),
        "cores_busy": round(busy / seconds, 2),
        "pages_per_processor_second": round(pages / busy, 2),
        "megabytes": round(size, 1),
    }
    columns = (
        "documents",
        "pages",
        "seconds",
        "pages_per_second",
        "cores_busy",
        "pages_per_processor_second",
        "load_before",
    )
    title = f"page images at {options.dpi} dpi, {cores} processes"
    recording.print_table(title, columns, [[figures[name] for name in columns]])
    if not options.documents:
        command = f"python {' '.join(sys.argv)}"
        print(f"\n  {recording.write_result('corpus_images', command, figures)}")
    if failed:
        sys.exit(f"{len(failed)} failed, {failed[0].document} for one: {failed[0].reason}")


if __name__ == "__main__":
    main()
