"""20,000 and a million documents at once: hours, dollars, the first limit, for Recto and for the reference.

    .venv/bin/python benchmarks/simulation.py --documents 2000     a quick look, seconds
    .venv/bin/python benchmarks/simulation.py                      the figures, some minutes

A simulation (`load_model.py`), not a measurement: service times and quotas are AWS's as published, our own
functions' seconds are those of `results/`. Two mixes: mail of one page each, and agreements of 6.7 pages on
average. 20,000 are uploads, a million are a backfill. The reference gets them all at once, and once more at
the pace that it can take, put in by hand. Exit code 1 where Recto loses a document or passes a limit.
"""

import argparse
import sys
import time
from collections.abc import Iterator

from load_model import AGREEMENTS, MAIL, Account, Admission, Load, Outcome, Recto, Reference
from recording import ROOT, print_table, write_result

from recto.prices import prices_of

REGION = "us-east-1"
BY_HAND = 1.8
"""Documents a second: nine tenths of what the reference's semaphore grants."""
MOST_LIVE = 100_000
WIDE = Admission(max_running=540)
IMPATIENT = Admission(max_running=540, patience=0.9)


def designs(load: Load) -> Iterator[tuple[str, Recto | Reference]]:
    """What is compared, with what to call it."""
    yield "Recto as deployed: 90 slots", Recto(load)
    if load.lane == "live":
        yield "Recto, 540 slots", Recto(load, WIDE)
        yield "540 slots, a Get waits 0.9 s at most", Recto(load, IMPATIENT)
    yield "reference, all at once", Reference(load)
    yield f"reference, {BY_HAND:g} a second by hand", Reference(load, pace=BY_HAND)


def simulate(documents: int, seed: int) -> Iterator[tuple[str, Outcome, float]]:
    """Each design's outcome, and the seconds that the simulation took."""
    prices = prices_of(REGION)
    for mix in (MAIL, AGREEMENTS):
        load = Load(documents, mix, "live" if documents <= MOST_LIVE else "backfill", seed)
        for name, design in designs(load):
            began = time.monotonic()
            outcome = design.run().outcome(prices)
            print(f"{documents:,} {mix}, {name}: {outcome.hours:.2f} hours", flush=True)
            yield name, outcome, time.monotonic() - began


def print_outcomes(found: list[tuple[str, Outcome, float]]) -> None:
    rows = []
    for name, outcome, seconds in found:
        most = max(outcome.used, key=lambda limit: outcome.used[limit])
        failed = ", ".join(f"{number:,} {error}" for error, number in outcome.failed.items()) or "none"
        rows.append([
            f"{outcome.load.documents:,} {outcome.load.mix}", name, f"{outcome.hours:.2f}",
            f"{outcome.dollars:,.2f}", f"{outcome.textract_dollars:,.2f}", f"{outcome.processed:,}", failed,
            outcome.first_limit, f"{most} {outcome.used[most]:.0%}", f"{seconds:.0f} s",
        ])  # fmt: skip
    head = ["documents", "design", "hours", "dollars", "of it Textract", "processed", "failed", "first limit",
            "most used", "simulated in"]  # fmt: skip
    print_table("what becomes of documents that come at once (simulated)", head, rows)


def faults(name: str, outcome: Outcome, account: Account) -> list[str]:
    """What may not be, of Recto as it is deployed."""
    if not name.startswith("Recto as deployed"):
        return []
    where = f"{name}, {outcome.load.documents:,} {outcome.load.mix}"
    wrong = [f"{where}: {number} {error}" for error, number in outcome.failed.items()]
    if outcome.processed + sum(outcome.failed.values()) != outcome.load.documents:
        wrong.append(f"{where}: {outcome.processed} processed, {outcome.failed} failed")
    if outcome.peaks["textract-jobs"] > (account.textract.concurrent_jobs or 0):
        wrong.append(f"{where}: {outcome.peaks['textract-jobs']} jobs at once")
    if outcome.peaks["textract-start"] > (account.textract.start_per_second or 0):
        wrong.append(f"{where}: {outcome.peaks['textract-start']} starts in a second")
    return wrong


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--documents", type=int, nargs="*", default=[20_000, 1_000_000])
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    found = [each for number in options.documents for each in simulate(number, options.seed)]
    print_outcomes(found)
    values = {
        "seed": options.seed,
        "outcomes": [{**outcome.as_dict(), "design": name} for name, outcome, _ in found],
    }
    command = "python benchmarks/simulation.py " + " ".join(sys.argv[1:])
    print(write_result("simulation", command.strip(), values).relative_to(ROOT))
    if wrong := [said for name, outcome, _ in found for said in faults(name, outcome, Account())]:
        raise SystemExit("; ".join(wrong))


if __name__ == "__main__":
    main()
