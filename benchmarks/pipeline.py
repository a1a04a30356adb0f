"""The local pipeline: what it costs beside OCR and model, and how many one-page documents pass in a minute.

    .venv/bin/python benchmarks/pipeline.py --single 10 --at-once 10      a quick look, about a minute
    .venv/bin/python benchmarks/pipeline.py                               the figures, about 4 minutes

Overhead: sample documents that need no review, one after the other on a warm runtime; the time from upload
to the row PROCESSED, less the OCR job (from its start to its notification) and the model's own work (from the
pages read to the predictions written). Throughput: receipts and pages of contracts, all uploaded at once; the
processor seconds of every part, and where a document's time goes. Needs ../shared/data for the throughput.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pypdfium2
from local_run import LocalRun, local_run, spans
from recording import ROOT, print_table, write_result
from watch import Watch

from recto.messages import Status
from recto.ports import DocumentRow

DATA = ROOT.parent / "shared" / "data"
SAMPLES = ROOT / "local" / "samples"
WANTED_OVERHEAD = 2.0
STATES = (
    "PageImagesPlan", "Read", "ModelInvokePlan", "ModelInvoke", "EntityPostprocess", "ReleaseSlot", "Publish",
)  # fmt: skip


# --- overhead -----------------------------------------------------------------------------------------


def measure_overhead(run: LocalRun, count: int) -> list[dict[str, Any]]:
    """Documents that go straight through, one after the other."""
    straight = warm_up(run)
    return [timed(run, straight[number % len(straight)], f"single/{number}.pdf") for number in range(count)]


def warm_up(run: LocalRun) -> list[Path]:
    """Every sample once, so that each function has run; those that need no review."""
    paths = sorted(SAMPLES.glob("*.pdf"))
    places = [run.send(path, f"warm/{path.name}") for path in paths]
    rows = run.settled(places, 120)
    for number in range(2):  # then alone, which is the way that is measured
        run.settled([run.send(paths[0], f"alone/{number}.pdf")], 60, 0.05)
    return [path for path, row in zip(paths, rows, strict=True) if row.status is Status.PROCESSED]


def timed(run: LocalRun, path: Path, key: str) -> dict[str, Any]:
    began = time.time()
    place = run.send(path, key)
    row = run.settled([place], 60, 0.01)[0]
    ended = time.time()
    if row.status is not Status.PROCESSED:
        raise RuntimeError(f"{path.name} ended as {row.status}, expected PROCESSED: {row.error} {row.cause}")
    calls = run.calls(began, ended)
    started = next(call.seconds for call in calls if call.operation.startswith("StartDocument"))
    notified = next(call.seconds for call in calls if call.operation == "Publish")
    model = [call for call in calls if call.caller == "recto-model-invoke" and call.resource.endswith(".bin")]
    ocr, inference = notified - started, model[-1].seconds - model[0].seconds
    history = run.history(row)
    execution = history[0]["timestamp"].timestamp()
    return {
        "document": path.name, "seconds": ended - began, "ocr_seconds": ocr, "model_seconds": inference,
        "overhead_seconds": ended - began - ocr - inference,
        "before_execution": execution - began, **_states(spans(history), ocr, inference),
    }  # fmt: skip


def _states(taken: dict[str, float], ocr: float, inference: float) -> dict[str, float]:
    """Each state's seconds, without the OCR job and the model's own work; a short one's is in its plan."""
    rest = {state: taken.get(state, 0.0) for state in STATES}
    rest["Read"] -= ocr
    rest["ModelInvoke" if "ModelInvoke" in taken else "ModelInvokePlan"] -= inference
    return rest


def print_overhead(runs: list[dict[str, Any]]) -> float:
    names = ["seconds", "ocr_seconds", "model_seconds", "overhead_seconds", "before_execution", *STATES]
    rows = [
        [name, f"{statistics.median(values):.3f}", f"{min(values):.3f}", f"{max(values):.3f}"]
        for name in names
        for values in [[run[name] for run in runs]]
    ]
    print_table(
        f"one document at a time, {len(runs)} documents; states without OCR job and model's own work",
        ["seconds of", "median", "least", "most"], rows,
    )  # fmt: skip
    overhead = statistics.median(run["overhead_seconds"] for run in runs)
    print(f"\noverhead without OCR and model: {overhead:.2f} s; wanted at most {WANTED_OVERHEAD:.0f} s")
    return overhead


# --- throughput ---------------------------------------------------------------------------------------


def one_page_documents(count: int, folder: Path) -> list[Path]:
    """Half photos of receipts, half pages of contracts as PDFs of one page."""
    receipts = sorted((DATA / "sroie" / "img").glob("*.jpg"))[: count - count // 2]
    pages: list[Path] = []
    for path in sorted((DATA / "kleister-nda" / "documents").glob("*.pdf")):
        source = pypdfium2.PdfDocument(path)
        for number in range(len(source)):
            if len(pages) < count // 2:
                single = pypdfium2.PdfDocument.new()
                single.import_pages(source, [number])
                pages.append(folder / f"{path.stem}-{number + 1}.pdf")
                single.save(pages[-1])
    return [*receipts, *pages]


def measure_throughput(run: LocalRun, count: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="recto-benchmark-") as name:
        documents = one_page_documents(count, Path(name))
        with Watch(run.endpoint) as watch:
            began = time.time()
            places = [run.send(path, f"at-once/{path.name}") for path in documents]
            rows = run.settled(places, 1200, every=1.0)
            seconds = time.time() - began
    failed = [f"{row.key}: {row.error} {row.cause}" for row in rows if row.status is Status.FAILED]
    return {
        "documents": count, "seconds": seconds, "per_minute": 60 * count / seconds, "failed": failed,
        "cpu_seconds": watch.cpu_seconds(), "processes": watch.num_processes(), "peak_mb": watch.peaks(),
        "states": [_way(run, row) for row in rows],
    }  # fmt: skip


def _way(run: LocalRun, row: DocumentRow) -> dict[str, float]:
    """Seconds that a document waited for a slot, and spent in each state."""
    history = run.history(row)
    waited = history[0]["timestamp"].timestamp() - row.received.timestamp()
    taken = spans(history)
    return {"waiting for a slot": waited, **{state: taken[state] for state in STATES if state in taken}}


def print_throughput(measured: dict[str, Any], cores: int) -> None:
    total = sum(measured["cpu_seconds"].values())
    rows = [
        [part, measured["processes"][part], f"{seconds:.1f}", f"{100 * seconds / total:.0f} %",
         f"{measured['peak_mb'][part]:.0f}"]
        for part, seconds in sorted(measured["cpu_seconds"].items(), key=lambda item: -item[1])
    ]  # fmt: skip
    print_table("processor time", ["part", "processes", "seconds", "share", "peak MB"], rows)
    names = ["waiting for a slot", *STATES]
    known = {name: [way[name] for way in measured["states"] if name in way] for name in names}
    print_table(
        "a document's time", ["seconds of", "median", "most"],
        [[n, f"{statistics.median(v):.2f}", f"{max(v):.2f}"] for n, v in known.items() if v],
    )  # fmt: skip
    busy = total / (cores * measured["seconds"])
    print(
        f"\n{measured['documents']} one-page documents in {measured['seconds']:.0f} s: "
        f"{measured['per_minute']:.0f} a minute; the {cores} cores were {100 * busy:.0f} % busy with them; "
        f"{len(measured['failed'])} failed"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--single", type=int, default=15, help="documents one after the other")
    parser.add_argument("--at-once", type=int, default=100, help="one-page documents at once; 0: none")
    options = parser.parse_args()
    values: dict[str, Any] = {}
    with local_run() as run:
        if options.single:
            values["single"] = measure_overhead(run, options.single)
            values["overhead_seconds"] = print_overhead(values["single"])
        if options.at_once and DATA.exists():
            values["at_once"] = measure_throughput(run, options.at_once)
            print_throughput(values["at_once"], os.cpu_count() or 1)
        elif options.at_once:
            print(f"throughput is not measured: {DATA} is not here")
    command = "python benchmarks/pipeline.py " + " ".join(sys.argv[1:])
    print(write_result("pipeline", command.strip(), values).relative_to(ROOT))


if __name__ == "__main__":
    main()
