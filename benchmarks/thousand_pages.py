"""A document of 1,000 pages through the whole local pipeline: memory of each function, pages, time.

    .venv/bin/python benchmarks/thousand_pages.py --pages 120 --distinct 8     a quick look
    .venv/bin/python benchmarks/thousand_pages.py                              the figures

The document is made of real pages (contracts of kleister-nda, then the scans of inputs/) that repeat. Its
OCR is answered from a cache that this asks for: each distinct page image is read by Tesseract once, the first
time ever (about 3 s a page and core), and kept in .recto/ocr-cache. So the figures are those of the pipeline,
not of the OCR. Ends with exit code 1 where a page or a word is lost, or a function needs more than 512 MB.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from local_run import LocalRun, local_run, spans
from long_pdf import largest_payload, lost_pages, page_counts, write_long_pdf
from recording import ROOT, print_table, write_result
from watch import EMULATOR, OCR, STANDINS, Watch

from recto.messages import Status

DATA = ROOT.parent / "shared" / "data"
CACHE = ROOT / ".recto" / "ocr-cache"
LIMIT_MB = 512
EXPECTED = (Status.PROCESSED, Status.IN_REVIEW)


def sources() -> list[Path]:
    """Contracts with a text layer, and scans."""
    contracts = sorted((DATA / "kleister-nda" / "documents").glob("*.pdf"))[:7]
    return [*contracts, *sorted((DATA / "inputs").glob("*.pdf"))]


def measure(run: LocalRun, pdf: Path, num_pages: int, seconds: float) -> dict[str, Any]:
    with Watch(run.endpoint) as watch:
        began = time.time()
        row = run.settled([run.send(pdf, pdf.name)], seconds)[0]
        taken = time.time() - began
    if row.status not in EXPECTED:
        raise SystemExit(f"{pdf.name} ended as {row.status}: {row.error}: {row.cause}")
    history, counts = run.history(row), page_counts(run.objects, run.places(row))
    return {
        "pages": num_pages, "status": str(row.status), "seconds": taken, "states": spans(history),
        "events": len(history), "largest_payload_bytes": largest_payload(history), "counts": counts,
        "lost": lost_pages(counts, num_pages), "peak_mb": watch.peaks(), "cpu_seconds": watch.cpu_seconds(),
    }  # fmt: skip


def print_measured(measured: dict[str, Any]) -> None:
    print_table(
        f"{measured['pages']} pages, ended {measured['status']} after {measured['seconds']:.0f} s",
        ["state", "seconds"], [[name, f"{seconds:.1f}"] for name, seconds in measured["states"].items()],
    )  # fmt: skip
    rows = [
        [name, f"{peak:.0f}", f"{measured['cpu_seconds'][name]:.1f}"]
        for name, peak in measured["peak_mb"].items()
    ]
    print_table("largest process of each function and part", ["name", "peak MB", "processor s"], rows)
    print_table("pages and words at each join", ["join", "count"], list(measured["counts"].items()))
    print(
        f"\n{measured['events']} events in the history (limit 25,000), largest payload "
        f"{measured['largest_payload_bytes']} bytes (limit 262,144)"
    )


def faults(measured: dict[str, Any]) -> list[str]:
    parts = (EMULATOR, STANDINS, OCR)
    large = [
        f"{name} held {peak:.0f} MB, wanted at most {LIMIT_MB}"
        for name, peak in measured["peak_mb"].items()
        if name not in parts and peak > LIMIT_MB
    ]
    return [*measured["lost"], *large]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pages", type=int, default=1000)
    parser.add_argument("--distinct", type=int, default=60, help="pages that differ, at most")
    parser.add_argument("--ocr-cache", type=Path, default=CACHE)
    options = parser.parse_args()
    if not DATA.exists():
        print(f"not measured: the pages come from {DATA}, which is not here")
        return
    with tempfile.TemporaryDirectory(prefix="recto-benchmark-") as name:
        pdf = Path(name) / f"{options.pages}-pages.pdf"
        distinct = write_long_pdf(pdf, sources(), options.distinct, options.pages)
        with local_run(options.ocr_cache.resolve()) as run:
            measured = measure(run, pdf, options.pages, 3600)
    print_measured(measured)
    command = "python benchmarks/thousand_pages.py " + " ".join(sys.argv[1:])
    values = {"distinct_pages": distinct, **measured}
    print(write_result("thousand-pages", command.strip(), values).relative_to(ROOT))
    if found := faults(measured):
        raise SystemExit("; ".join(found))


if __name__ == "__main__":
    main()
