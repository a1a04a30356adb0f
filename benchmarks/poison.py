"""300 odd documents between 300 good ones: each ends as it may, and the good ones come out untouched.

    .venv/bin/python benchmarks/poison.py --odd 20 --good 10     a quick look
    .venv/bin/python benchmarks/poison.py                        the proof

Half of the odd ones are files of ../shared/data/inputs/odd, which end as tests/e2e/mail.csv lists; the others
are real documents that a seed has damaged (`damage.py`). The good ones go through the pipeline alone first:
their fields must be the same between the odd ones. Pages that repeat are read from OCR's cache. Exit code 1
for an end that is not allowed, a document without an end, a crash in a log, or a good result that differs.
"""

import argparse
import json
import re
import sys
import time
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Any

from damage import OPEN, damaged_documents, real_sources
from letters import OCR_FAILED, RESULT, Letter, between, comparable, good_letters, odd_letters
from local_run import LocalRun, local_run
from recording import ROOT, print_table, write_result
from thousand_pages import CACHE, DATA

from recto.messages import Status
from recto.places import Location
from recto.ports import DocumentRow

LISTED = ROOT / "tests" / "e2e" / "mail.csv"
SAMPLES = ROOT / "local" / "samples"
DISTINCT_GOOD = 10
MOST_PAGES = 2
CRASHED = re.compile(r"Task timed out|Runtime exited|Runtime\.ExitError|Segmentation fault|MemoryError")


def odd_mail(number: int, seed: int) -> list[Letter]:
    """Half listed, half damaged."""
    listed = odd_letters(DATA, LISTED, MOST_PAGES, seed)[: number // 2]
    damaged = islice(damaged_documents(real_sources(DATA, contracts=0), seed), number - len(listed))
    made = [
        Letter(each.name, each.body, each.expected | {OCR_FAILED} if each.expected == OPEN else each.expected)
        for each in damaged
    ]
    return [letter for pair in zip(listed, made, strict=False) for letter in pair] + made[len(listed) :]


def outcome_of(row: DocumentRow) -> str:
    return RESULT if row.status in (Status.PROCESSED, Status.IN_REVIEW) else row.error


def fields_of(run: LocalRun, row: DocumentRow) -> dict[str, Any]:
    """The status and the fields, as far as they are not the reading's own."""
    found = json.loads(run.objects.read(run.places(row).fields)) if outcome_of(row) == RESULT else {}
    return {"status": str(row.status), **comparable(found)}


def crashes(run: LocalRun, since: float) -> list[str]:
    """Lines of logs that tell of a call without an answer."""
    logs = run.runtime.client(run.info, "logs")
    found = []
    for group in logs.describe_log_groups()["logGroups"]:
        pages = logs.get_paginator("filter_log_events")
        for page in pages.paginate(logGroupName=group["logGroupName"], startTime=int(since * 1000)):
            lines = (event["message"] for event in page["events"])
            found += [f"{group['logGroupName']}: {line[:200]}" for line in lines if CRASHED.search(line)]
    return found


def measure(run: LocalRun, options: argparse.Namespace) -> dict[str, Any]:
    good = good_letters(SAMPLES, DATA, DISTINCT_GOOD)
    alone = {
        letter.name: fields_of(run, row)
        for letter, row in zip(
            good, run.settled([_send(run, f"alone/{each.name}", each) for each in good], 900), strict=True
        )
    }
    print(f"{len(good)} good documents alone: done", flush=True)
    began = time.time()
    mail = dict(between(odd_mail(options.odd, options.seed), good, options.good))
    places = [_send(run, key, letter) for key, letter in mail.items()]
    rows = run.settled(places, options.minutes * 60, every=3.0)
    taken = time.time() - began
    wrong = [
        f"{row.key} ended as {outcome_of(row)}, expected {' or '.join(sorted(letter.expected))}: {row.cause}"
        for row, letter in zip(rows, mail.values(), strict=True)
        if outcome_of(row) not in letter.expected
    ]
    touched = [
        row.key
        for row, letter in zip(rows, mail.values(), strict=True)
        if row.key.startswith("good/") and fields_of(run, row) != alone[letter.name]
    ]
    outcomes = Counter(outcome_of(row) for row in rows if row.key.startswith("odd/"))
    unnamed = [row.key for row in rows if outcome_of(row) != RESULT and row.key not in row.cause]
    return {
        "seed": options.seed, "odd": options.odd, "good": options.good, "seconds": taken,
        "outcomes_of_odd": dict(outcomes.most_common()), "not_as_expected": wrong, "touched": touched,
        "failures_without_their_document": unnamed, "crashes": crashes(run, began),
    }  # fmt: skip


def _send(run: LocalRun, key: str, letter: Letter) -> Location:
    place = Location(bucket=run.inbox, key=key)
    run.objects.write(place, letter.body)
    return place


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--odd", type=int, default=300)
    parser.add_argument("--good", type=int, default=300)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--minutes", type=float, default=60, help="until all must have ended")
    parser.add_argument("--ocr-cache", type=Path, default=CACHE)
    options = parser.parse_args()
    if not DATA.exists():
        print(f"not measured: the documents come from {DATA}, which is not here")
        return
    with local_run(options.ocr_cache.resolve()) as run:
        measured = measure(run, options)
    print_table(
        f"{options.odd} odd documents between {options.good} good ones, {measured['seconds']:.0f} s",
        ["odd ones ended as", "documents"], [list(each) for each in measured["outcomes_of_odd"].items()],
    )  # fmt: skip
    command = "python benchmarks/poison.py " + " ".join(sys.argv[1:])
    print(write_result("poison", command.strip(), measured).relative_to(ROOT))
    names = ("not_as_expected", "touched", "failures_without_their_document", "crashes")
    if wrong := [f"{name}: {said}" for name in names for said in measured[name]]:
        raise SystemExit("\n".join(wrong))


if __name__ == "__main__":
    main()
