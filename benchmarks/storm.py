"""A storm: thousands of one-page documents put in at once; Textract takes 5 starts a second and 25 jobs.

    .venv/bin/python benchmarks/storm.py --documents 40                     a quick look
    .venv/bin/python benchmarks/storm.py --documents 2000 --seed 7          the figures, most of an hour

All must be processed, none twice, none lost, in the order in which they came, and no place stays taken. The
same is done with a tenth as many first: state transitions and calls of each document must not grow with the
crowd. Text OCR by the stand-in, answered from a cache of real readings (`crowd.py`); the demo's model.
Exit code 1 where something does not hold.
"""

import argparse
import json
import sys
import time
from collections import Counter
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from crowd import (
    DATA,
    Crowd,
    Listener,
    dead_letters,
    event_figures,
    per_document,
    real_pages,
)
from crowd_run import crowd_run
from local_run import LocalRun
from recording import ROOT, print_table, write_result
from watch import Watch

QUOTAS = {"start_per_second": 5, "concurrent_jobs": 25, "get_per_second": 25}
PARAMETERS = {
    "MaxRunningDocuments": "30",
    "TextractConcurrentJobs": "25",
    "TextractStartPerSecond": "5",
    "TextractGetPerSecond": "25",
}
PAGES = 6
FLAT = 1.05
"""How much more a document of the large crowd may take than one of the small crowd."""
OVERTAKES = 4
"""Places that may be overtaken, in multiples of what runs at once: the queue hands several on at a time."""
REST_SECONDS = 180
APART = ("by_function", "processor_seconds", "processes", "peak_mb")
"""Figures that have a table of their own, or none."""


def measure(run: LocalRun, listener: Listener, prefix: str, count: int) -> dict[str, Any]:
    """One crowd, from the first upload until no place is taken."""
    crowd = Crowd(run, prefix, count, real_pages(PAGES))
    print(f"{count} documents …", flush=True)
    with Watch(run.endpoint) as watch:
        crowd.put_in()
        crowd.wait(600 + 10 * count)
    rest, rest_seconds = crowd.rest(REST_SECONDS)
    time.sleep(3)  # for an event too many
    jobs, events = crowd.paid_jobs(), event_figures(crowd, listener.heard())
    seconds = crowd.ended - crowd.began
    return {
        "documents": count,
        "outcomes": dict(crowd.outcomes()),
        "results": crowd.results(),
        "events": events._asdict(),
        "most_ends_in_a_history": max(crowd.closings()),
        "executions_beyond_the_first": crowd.repeated(),
        "ocr_jobs": {"documents": len(jobs), "most_of_one": max(jobs.values(), default=0)},
        "refused_by_textract": refused(run, crowd),
        "overtaken_places": crowd.overtaken(),
        "most_at_once": dict(crowd.highest),
        "places_taken_at_rest": rest,
        "dead_letters": dead_letters(run),
        "state_transitions": crowd.transitions(),
        **per_document(crowd),
        "seconds": {
            "upload": round(crowd.uploaded - crowd.began, 1),
            "all": round(seconds, 1),
            "until_rest": round(rest_seconds, 1),
        },
        "documents_per_second": round(count / seconds, 2),
        "processor_seconds": {name: round(value, 1) for name, value in watch.cpu_seconds().items()},
        "processes": watch.num_processes(),
        "peak_mb": {name: round(value) for name, value in watch.peaks().items()},
    }


def refused(run: LocalRun, crowd: Crowd) -> dict[str, int]:
    """Textract calls that the stand-in refused, by operation."""
    entries = map(json.loads, run.info.access_log.read_text().splitlines())
    calls = Counter(
        entry["operation"]
        for entry in entries
        if entry["service"] == "textract" and entry["status"] >= 400 and _is_within(entry, crowd)
    )
    return dict(calls)


def _is_within(entry: dict[str, Any], crowd: Crowd) -> bool:
    return crowd.began <= datetime.fromisoformat(entry["time"]).timestamp() <= crowd.ended


def complaints(found: dict[str, Any]) -> list[str]:
    """What does not hold of one crowd."""
    count, at_once = found["documents"], int(PARAMETERS["MaxRunningDocuments"])
    wanted = {
        "outcomes": {"PROCESSED": count},
        "results": count,
        "events": {"told": count, "untold": 0, "doubled": 0, "contradicted": 0},
        "most_ends_in_a_history": 1,
        "executions_beyond_the_first": 0,
        "ocr_jobs": {"documents": count, "most_of_one": 1},
        "places_taken_at_rest": dict.fromkeys(found["places_taken_at_rest"], 0),
        "dead_letters": {},
    }
    wrong = [
        f"{count} documents: {name}: expected {value}, got {found[name]}"
        for name, value in wanted.items()
        if found[name] != value
    ]
    if found["overtaken_places"]["most"] > OVERTAKES * at_once:
        wrong.append(f"{count} documents: one was overtaken by {found['overtaken_places']['most']} places")
    return wrong


def growth(small: dict[str, Any], large: dict[str, Any]) -> dict[str, float]:
    """What a document of the large crowd takes, in multiples of one of the small crowd."""
    return {
        "state_transitions": large["state_transitions"]["mean"] / small["state_transitions"]["mean"],
        "function_calls": large["function_calls"] / small["function_calls"],
        "api_calls": sum(large["api_calls"].values()) / sum(small["api_calls"].values()),
    }


def print_measured(measured: list[dict[str, Any]]) -> None:
    names = [name for name in measured[0] if name not in APART]
    print_table(
        "a storm", ["what", *[f"{found['documents']} documents" for found in measured]],
        [[name, *[found[name] for found in measured]] for name in names],
    )  # fmt: skip
    for name in ("by_function", "processor_seconds"):
        keys = sorted({key for found in measured for key in found[name]})
        print_table(name, ["", *[str(f["documents"]) for f in measured]], [
            [key, *[found[name].get(key, 0) for found in measured]] for key in keys
        ])  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--documents", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=7, help="of the fault plan, which has quotas only")
    parser.add_argument("--workers", type=int, default=0, help="functions that work at once")
    parser.add_argument("--home", type=Path, help="where the runtime lives; its builds are kept there")
    options = parser.parse_args()
    if not DATA.exists():
        print(f"not measured: the pages come from {DATA}, which is not here")
        return 0
    with TemporaryDirectory(prefix="recto-benchmark-") as folder:
        plan = Path(folder) / "plan.json"
        plan.write_text(json.dumps({"seed": options.seed, "quotas": {"textract": QUOTAS}}))
        with crowd_run(real_pages(PAGES), PARAMETERS, options.workers, options.home) as run:
            run.under(plan)
            listener = Listener(run)
            counts = sorted({max(1, options.documents // 10), options.documents})
            measured = [measure(run, listener, f"storm-{count}", count) for count in counts]
    print_measured(measured)
    grown = growth(measured[0], measured[-1])
    wrong = [complaint for found in measured for complaint in complaints(found)]
    wrong += [f"{name} grew {ratio:.2f} times" for name, ratio in grown.items() if ratio > FLAT]
    print(f"\na document of the large crowd against one of the small: {grown}")
    command = " ".join(["python benchmarks/storm.py", *sys.argv[1:]])
    values = {"crowds": measured, "growth": grown, "complaints": wrong}
    print(write_result("storm", command, values).relative_to(ROOT))
    print("\n".join(wrong) or "all holds")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
