"""Documents of 1,000 and of 3,000 pages through the whole local pipeline: memory, calls, pages at each step.

    .venv/bin/python benchmarks/giant.py --pages 120 240 --distinct 8     a quick look
    .venv/bin/python benchmarks/giant.py                                  the figures

Both go through one runtime, the shorter one first, so that a function that grows with the document is seen to
grow. Pages and OCR's cache are those of `thousand_pages.py`. Exit code 1 where a page or a word is lost, a
function takes more than 512 MB, or more for the longer document than for the shorter, or a call takes longer
than 5 minutes. That pages are lost is told by the pipeline itself before anybody counts here
(tests/functional/test_pages_in_pages_out.py, test_ocr_steps.py).
"""

import argparse
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from local_run import LocalRun, local_run
from long_pdf import write_long_pdf
from recording import ROOT, print_table, write_result
from thousand_pages import CACHE, DATA, LIMIT_MB, faults, measure, sources
from watch import EMULATOR, OCR, STANDINS

GROWTH, GROWTH_MB = 1.15, 48
"""Of the high mark of memory: what a process may keep from one document when the next comes."""
LONGEST_CALL = 300.0
WARM_PAGES = 3
REPORT = re.compile(r"^REPORT RequestId: \S+\tDuration: ([0-9.]+) ms")
PARTS = (EMULATOR, STANDINS, OCR)


def longest_calls(run: LocalRun) -> dict[str, float]:
    """Seconds of the longest call of each function so far, as its log reports them."""
    logs = run.runtime.client(run.info, "logs")
    names = [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]]
    return {
        name.rpartition("/")[2]: max(seconds) for name in names if (seconds := list(_reported(logs, name)))
    }


def _reported(logs: Any, group: str) -> Iterator[float]:
    for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group):
        for event in page["events"]:
            if found := REPORT.match(event["message"]):
                yield float(found[1]) / 1000


def run_all(lengths: list[int], distinct: int, cache: Path) -> list[dict[str, Any]]:
    """What each document needed, in the order of their lengths."""
    measured = []
    with tempfile.TemporaryDirectory(prefix="recto-benchmark-") as folder, local_run(cache.resolve()) as run:
        warm_up(run, Path(folder) / "warm.pdf")
        for num_pages in sorted(lengths):
            pdf = Path(folder) / f"{num_pages}-pages.pdf"
            different = write_long_pdf(pdf, sources(), distinct, num_pages)
            found = measure(run, pdf, num_pages, 7200)
            measured.append({**found, "distinct_pages": different, "longest_calls": longest_calls(run)})
            print(f"{num_pages} pages ended as {found['status']} after {found['seconds']:.0f} s", flush=True)
    return measured


def warm_up(run: LocalRun, pdf: Path) -> None:
    """A short document through every function: a process that has only just begun has no high mark yet."""
    write_long_pdf(pdf, sources(), WARM_PAGES, WARM_PAGES)
    measure(run, pdf, WARM_PAGES, 600)


def growth(measured: list[dict[str, Any]]) -> list[str]:
    """The functions whose high mark is higher for the longest document than for the shortest."""
    first, last = measured[0]["peak_mb"], measured[-1]["peak_mb"]
    return [
        f"{name}: {peak:.0f} MB at {measured[0]['pages']} pages, {last[name]:.0f} at {measured[-1]['pages']}"
        for name, peak in first.items()
        if name not in PARTS and last[name] > max(peak * GROWTH, peak + GROWTH_MB)
    ]


def slow_calls(measured: list[dict[str, Any]]) -> list[str]:
    return [
        f"a call of {name} took {seconds:.0f} s, wanted at most {LONGEST_CALL:.0f}"
        for name, seconds in measured[-1]["longest_calls"].items()
        if seconds > LONGEST_CALL
    ]


def print_measured(measured: list[dict[str, Any]]) -> None:
    lengths = [f"{each['pages']} pages" for each in measured]
    names = [name for name in measured[0]["peak_mb"] if name not in PARTS]
    rows = [
        [name, *(f"{each['peak_mb'].get(name, 0):.0f}" for each in measured),
         *(f"{each['longest_calls'].get(name, 0):.1f}" for each in measured)]
        for name in names
    ]  # fmt: skip
    head = ["function", *(f"MB, {length}" for length in lengths), *(f"longest call s, {n}" for n in lengths)]
    print_table("largest process and longest call of each function", head, rows)
    counts = [[name, *(each["counts"][name] for each in measured)] for name in measured[0]["counts"]]
    print_table("pages and words at each join", ["join", *lengths], counts)
    states = [
        [name, *(f"{each['states'].get(name, 0):.1f}" for each in measured)] for name in measured[0]["states"]
    ]
    print_table("seconds in each state", ["state", *lengths], states)
    for each in measured:
        largest = each["largest_payload_bytes"]
        print(f"{each['pages']} pages: {each['events']} events, largest payload {largest} bytes")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pages", type=int, nargs="+", default=[1000, 3000])
    parser.add_argument("--distinct", type=int, default=60, help="pages that differ, at most")
    parser.add_argument("--ocr-cache", type=Path, default=CACHE)
    options = parser.parse_args()
    if not DATA.exists():
        print(f"not measured: the pages come from {DATA}, which is not here")
        return
    measured = run_all(options.pages, options.distinct, options.ocr_cache)
    print_measured(measured)
    command = "python benchmarks/giant.py " + " ".join(sys.argv[1:])
    print(write_result("giant", command.strip(), {"limit_mb": LIMIT_MB, "runs": measured}).relative_to(ROOT))
    wrong = [said for each in measured for said in faults(each)]
    if wrong := [*wrong, *growth(measured), *slow_calls(measured)]:
        raise SystemExit("; ".join(wrong))


if __name__ == "__main__":
    main()
