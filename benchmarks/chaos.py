"""Chaos: a thousand documents while everything fails now and then, and the emulator is restarted once.

    .venv/bin/python benchmarks/chaos.py --documents 40                     a quick look
    .venv/bin/python benchmarks/chaos.py --documents 1000 --seed 7          the figures

Of Textract's calls 10 % are refused, in bursts; 3 % of its jobs fail; of SNS's messages 5 % come twice, 5 %
late and 1 % never; some jobs' ends are told before their start is answered; S3 answers 503 to some requests;
functions are killed in the middle of their work. Every document must be processed, or failed by name; no
result and no event may come twice, and no place may stay taken. Exit code 1 where something does not hold.
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
    function_calls,
    real_pages,
)
from crowd_run import crowd_run
from local_run import LocalRun
from recording import ROOT, print_table, write_result
from watch import Watch

from recto.messages import Status

FAULTS: tuple[dict[str, Any], ...] = (
    {"at": "textract", "operation": "Start*", "kind": "throttle", "share": 0.1, "burst_seconds": 3},
    {"at": "textract", "operation": "Get*", "kind": "throttle", "share": 0.1, "burst_seconds": 1},
    {"at": "textract", "kind": "job_fails", "share": 0.03},
    {"at": "textract", "kind": "job_slow", "share": 0.03, "seconds": [2, 20]},
    {"at": "textract", "kind": "callback_first", "share": 0.05},
    {"at": "sns", "kind": "duplicate", "share": 0.05},
    {"at": "sns", "kind": "delay", "share": 0.05, "seconds": [1, 20]},
    {"at": "sns", "kind": "lose", "share": 0.01},
    {"at": "s3", "kind": "unavailable", "share": 0.01},
    {"at": "lambda", "kind": "kill", "share": 0.01},
)
QUOTAS = {"start_per_second": 10, "concurrent_jobs": 50, "get_per_second": 25}
PARAMETERS = {
    "MaxRunningDocuments": "30",
    "TextractConcurrentJobs": "50",
    "TextractStartPerSecond": "10",
    "TextractGetPerSecond": "25",
}
PAGES = 6
REAPER_SECONDS = 240
"""The minute's schedule, twice, and the minutes after which a place is looked into."""


def plan_of(seed: int) -> str:
    return json.dumps({"seed": seed, "quotas": {"textract": QUOTAS}, "faults": FAULTS})


def measure(run: LocalRun, listener: Listener, plan: Path, count: int) -> dict[str, Any]:
    crowd = Crowd(run, "chaos", count, real_pages(PAGES))
    run.under(plan)

    def restart() -> None:
        print(f"  the emulator is stopped and started, {crowd.standing()}", flush=True)
        run.restart(plan)

    print(f"{count} documents …", flush=True)
    with Watch(run.endpoint) as watch:
        crowd.put_in()
        crowd.wait(900 + 20 * count, at_half=restart)
    run.under(None)
    rest, rest_seconds = crowd.rest(REAPER_SECONDS)
    time.sleep(3)  # for an event too many
    jobs, heard = crowd.paid_jobs(), listener.heard()
    doubled = Counter(kind for (kind, document, _), times in heard.items() if times > 1 and document)
    seconds = crowd.ended - crowd.began
    calls = function_calls(run, crowd.began, crowd.ended)
    return {
        "documents": count,
        "outcomes": dict(crowd.outcomes()),
        "failed_without_a_name": len(crowd.unnamed()),
        "results": crowd.results(),
        "events": event_figures(crowd, heard)._asdict(),
        "doubled_events": dict(doubled),
        "ends_in_a_history": dict(crowd.closings()),
        "executions_beyond_the_first": crowd.repeated(),
        "ocr_jobs": {"documents": len(jobs), "in_all": sum(jobs.values())},
        "places_taken_after_the_reaper": rest,
        "dead_letters": dead_letters(run),
        "faults": faults_made(run, crowd.began),
        "function_calls": round(len(calls) / count, 2),
        "failed_function_calls": sum(call.failed for call in calls),
        "seconds": {"all": round(seconds, 1), "until_rest": round(rest_seconds, 1)},
        "documents_per_second": round(count / seconds, 2),
        "peak_mb": {name: round(value) for name, value in watch.peaks().items()},
    }


def faults_made(run: LocalRun, since: float) -> dict[str, int]:
    entries = map(json.loads, run.runtime.fault_log.read_text().splitlines())
    made = (e for e in entries if datetime.fromisoformat(e["time"]).timestamp() >= since)
    return dict(Counter(f"{entry['at']} {entry['kind']}" for entry in made))


def complaints(found: dict[str, Any]) -> list[str]:
    """What does not hold."""
    count = found["documents"]
    processed = found["outcomes"].get(str(Status.PROCESSED), 0)
    in_review = sum(n for name, n in found["outcomes"].items() if name.startswith(str(Status.IN_REVIEW)))
    kinds = {f"{rule['at']} {rule['kind']}" for rule in FAULTS}
    wanted = {
        "documents that ended": (sum(found["outcomes"].values()) - in_review, count),
        "failures without a name": (found["failed_without_a_name"], 0),
        "results": (found["results"], processed),
        "ends that were told": (found["events"]["told"], count),
        "events that came twice": (found["events"]["doubled"], 0),
        "documents with two different ends": (found["events"]["contradicted"], 0),
        "places taken": (sum(found["places_taken_after_the_reaper"].values()), 0),
        "documents that were read": (found["ocr_jobs"]["documents"], count),
    }
    wrong = [f"{name}: expected {value}, got {got}" for name, (got, value) in wanted.items() if got != value]
    if count >= 500 and (missing := kinds - set(found["faults"])):
        wrong.append(f"faults that did not happen: {', '.join(sorted(missing))}")
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--documents", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--workers", type=int, default=0, help="functions that work at once")
    parser.add_argument("--home", type=Path, help="where the runtime lives; its builds are kept there")
    options = parser.parse_args()
    if not DATA.exists():
        print(f"not measured: the pages come from {DATA}, which is not here")
        return 0
    with TemporaryDirectory(prefix="recto-benchmark-") as folder:
        plan = Path(folder) / "plan.json"
        plan.write_text(plan_of(options.seed))
        with crowd_run(real_pages(PAGES), PARAMETERS, options.workers, options.home) as run:
            found = measure(run, Listener(run), plan, options.documents)
    print_table(f"chaos, seed {options.seed}", ["what", "figure"], list(found.items()))
    wrong = complaints(found)
    command = " ".join(["python benchmarks/chaos.py", *sys.argv[1:]])
    print(
        write_result("chaos", command, found | {"seed": options.seed, "complaints": wrong}).relative_to(ROOT)
    )
    print("\n".join(wrong) or "all holds")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
