"""Local OCR of 24 receipts with both cores against one.

    .venv/bin/python benchmarks/ocr_cores.py

`recto data ocr`'s own code over the same folder with one worker process and with one per core, in turn; times
are of the whole run, the start of the processes included. Exit code 1 where the words are not the same.
About 2 minutes. Needs ../shared/data/sroie/img.
"""

import argparse
import hashlib
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from recording import ROOT, print_table, write_result

from recto_ocr.batch import Progress, run_batch
from recto_ocr.documents import HowToRead
from recto_ocr.pages import DPI
from recto_ocr.workers import num_cores

RECEIPTS = ROOT.parent / "shared" / "data" / "sroie" / "img"
HOW = HowToRead("tesseract", ("eng",), DPI)


class Run(NamedTuple):
    """One pass over the folder."""

    seconds: float
    words: int
    digest: str
    """Over all words of all documents."""


def run(source: Path, workers: int) -> Run:
    with tempfile.TemporaryDirectory(prefix="ocr-cores-") as folder:
        output = Path(folder) / "out"
        began = time.perf_counter()
        outcomes = run_batch(source, output, HOW, workers, output / "report.jsonl", Progress())
        seconds = time.perf_counter() - began
        if any(outcome.status != "DONE" for outcome in outcomes):
            raise SystemExit(f"not all were read: {[o for o in outcomes if o.status != 'DONE']}")
        return Run(seconds, sum(outcome.words for outcome in outcomes), digest_of(output))


def digest_of(output: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(output.rglob("consolidated.json")):
        blocks = json.loads(path.read_text())["Blocks"]
        words = [(b["Text"], b["Geometry"]["BoundingBox"]) for b in blocks if b["BlockType"] == "WORD"]
        digest.update(f"{path.parent.name} {words}".encode())
    return digest.hexdigest()[:16]


def measure(source: Path, counts: tuple[int, int], repeats: int) -> dict[int, list[Run]]:
    """The numbers of workers in turn, so that a change of the machine's load meets both."""
    runs: dict[int, list[Run]] = {count: [] for count in counts}
    for number in range(repeats):
        for count in counts if number % 2 == 0 else reversed(counts):
            runs[count].append(run(source, count))
            print(f"{count} worker(s): {runs[count][-1].seconds:.2f} s", flush=True)
    return runs


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--receipts", type=int, default=24)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    if not RECEIPTS.exists():
        raise SystemExit(f"{RECEIPTS} is not here")
    cores = max(2, num_cores())
    with tempfile.TemporaryDirectory(prefix="ocr-cores-in-") as folder:
        source = Path(folder)
        for path in sorted(RECEIPTS.glob("*.jpg"))[: options.receipts]:
            (source / path.name).symlink_to(path)
        runs = measure(source, (1, cores), options.repeats)
    medians = {count: statistics.median(r.seconds for r in found) for count, found in runs.items()}
    ratio = medians[1] / medians[cores]
    seen = {(r.words, r.digest) for found in runs.values() for r in found}
    rows = [
        (count, f"{medians[count]:.2f}", f"{medians[1] / medians[count]:.2f}", found[0].words)
        for count, found in runs.items()
    ]
    print_table(
        f"OCR of {options.receipts} receipts", ("workers", "seconds (median)", "times faster", "words"), rows
    )
    print(f"words and boxes are {'the same in all runs' if len(seen) == 1 else 'NOT the same'}")
    write_result(
        "ocr_cores",
        ".venv/bin/python benchmarks/ocr_cores.py",
        {
            "receipts": options.receipts,
            "seconds": {str(count): [round(r.seconds, 3) for r in found] for count, found in runs.items()},
            "median_seconds": {str(count): round(value, 3) for count, value in medians.items()},
            "times_faster": round(ratio, 3),
            "words": sorted({words for words, _ in seen}),
            "same_words_and_boxes": len(seen) == 1,
        },
    )
    return 0 if len(seen) == 1 else 1


if __name__ == "__main__":
    sys.exit(main())
