"""What 1,000 one-page documents cost: the ledger of a real local run at list prices, beside the reference.

    .venv/bin/python benchmarks/cost.py --documents 5      a quick look, about two minutes
    .venv/bin/python benchmarks/cost.py                    the figures, 40 documents

The first pages of the sample documents that go straight through (text OCR, the embedded model) are put in one
after the other. What they used is read from the rows that the functions wrote; transitions are held against
the executions' own histories (the emulator's leave out the states within Parallel), logs against what
`recto.aws.metering` takes to be their mean.

A function's time here says how busy this machine is, so it is told twice: as it was measured, and as Lambda
would take it: the processor's time, stretched where a function's memory buys less than a whole processor, and
for each call of a service the time that it takes within a region. The reference's flow: `reference_flow.py`.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pypdfium2
import reference_flow
from local_run import CALLER, LocalRun, local_run
from recording import ROOT, print_table, write_result

from recto.aws.dynamodb import Table
from recto.aws.ledger import LedgerRows, UseRows, uses_of
from recto.aws.metering import LOG_GB
from recto.cost import Cost, Prices, Unit, Use, cost_of, forecast, summed
from recto.messages import Status
from recto.ports import DocumentRow, UseRow
from recto.prices import prices_of

SAMPLES = ROOT / "local" / "samples"
REGION = "us-east-1"
WANTED_DOLLARS, WANTED_TRANSITIONS = Decimal("2.2"), 24
ONE_PROCESSOR_MB = 1769
"""Lambda gives a function one whole processor for so much memory, and less for less."""
PLATFORM_BYTES = 600
"""Of the lines that Lambda itself writes for an invocation: start and report, as JSON."""
CALL_SECONDS = {
    Unit.S3_WRITE: Decimal("0.03"), Unit.S3_READ: Decimal("0.02"), Unit.DYNAMODB_WRITE: Decimal("0.005"),
    Unit.DYNAMODB_READ: Decimal("0.005"), Unit.EVENTS_EVENT: Decimal("0.02"),
}  # fmt: skip
"""Within a region, as calls usually take. A transaction has more units than calls: on the safe side."""
OTHER_SECONDS = Decimal("0.06")
"""For what is not charged for: a call of Step Functions, Textract or Parameter Store in most functions."""
LINE_BYTES = 26
"""That CloudWatch adds to each line."""


# --- the run ------------------------------------------------------------------------------------------


def first_pages(folder: Path) -> list[Path]:
    """The first page of each sample document, as a document."""
    paths = []
    for path in sorted(SAMPLES.glob("*.pdf")):
        single = pypdfium2.PdfDocument.new()
        single.import_pages(pypdfium2.PdfDocument(path), [0])
        paths.append(folder / path.name)
        single.save(paths[-1])
    return paths


def run_documents(run: LocalRun, count: int) -> list[DocumentRow]:
    """So many documents that went straight through, put in at once; the functions are warm."""
    with tempfile.TemporaryDirectory(prefix="recto-cost-") as name:
        paths = first_pages(Path(name))
        warm = run.settled([run.send(path, f"warm/{path.name}") for path in paths], 600)
        straight = [path for path, row in zip(paths, warm, strict=True) if row.status is Status.PROCESSED]
        if not straight:
            raise RuntimeError(f"no sample's first page goes straight through: {warm}")
        keys = [(straight[number % len(straight)], f"cost/{number}.pdf") for number in range(count)]
        rows = [run.settled([run.send(path, key)], 600)[0] for path, key in keys]
    bad = [
        f"{row.key} is {row.status}: {row.error} {row.cause}"
        for row in rows
        if row.status is not Status.PROCESSED
    ]
    if bad:
        raise RuntimeError(f"{len(bad)} of {count} did not go straight through; the first: {bad[0]}")
    return rows


def written(run: LocalRun, rows: Sequence[DocumentRow], seconds: float = 60) -> list[list[UseRow]]:
    """What was written of each document, once publish has written its own."""
    uses, deadline = UseRows(table_of(run)), time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = [uses.of_document(row.document_id) for row in rows]
        if all(any(use.step == "publish" for use in each) for each in found):
            return found
        time.sleep(1)
    raise TimeoutError(f"not all documents have a row of publish after {seconds:.0f} s")


def table_of(run: LocalRun) -> Table:
    return Table(run.info.outputs["DocumentTableName"], CALLER)


def states_of(run: LocalRun, row: DocumentRow) -> list[str]:
    """States entered outside Parallel and Map, as the execution's own history has them."""
    return [
        event["stateEnteredEventDetails"]["name"]
        for event in run.history(row)
        if "stateEnteredEventDetails" in event
    ]


# --- what a laptop does not show ------------------------------------------------------------------------


def as_on_lambda(use: UseRow) -> UseRow:
    """The same call on arm64: its processor time on what Lambda gives of one, and its calls' time."""
    units = dict(use.units)
    units.pop(Unit.LAMBDA_GB_SECOND_X86, None)
    working = use.cpu_seconds * max(Decimal(1), Decimal(ONE_PROCESSOR_MB) / max(1, use.memory_mb))
    calling = sum((use.units.get(unit, Decimal(0)) * each for unit, each in CALL_SECONDS.items()), Decimal(0))
    share = use.units[Unit.LAMBDA_REQUEST]  # of a call for several documents
    seconds = working + calling + share * OTHER_SECONDS
    units[Unit.LAMBDA_GB_SECOND] = seconds * use.memory_mb / 1024
    return use.model_copy(update={"units": units})


def log_bytes(run: LocalRun) -> tuple[int, int]:
    """Bytes that all functions logged in this run, and calls of them."""
    logs = run.runtime.client(run.info, "logs")
    total = calls = 0
    for page in logs.get_paginator("describe_log_groups").paginate():
        for group in page["logGroups"]:
            for events in logs.get_paginator("filter_log_events").paginate(
                logGroupName=group["logGroupName"]
            ):
                for event in events["events"]:
                    text = event["message"]
                    calls += text.startswith("START RequestId")
                    total += (
                        0
                        if text.startswith(("START ", "END ", "REPORT "))
                        else len(text.encode()) + LINE_BYTES
                    )
    return total, calls


# --- sums ---------------------------------------------------------------------------------------------


def per_thousand(cost: Cost, documents: int) -> dict[str, Any]:
    def of(entries: dict[str, Decimal]) -> dict[str, float]:
        parts = {name: float(dollars / documents * 1000) for name, dollars in entries.items()}
        return dict(sorted(parts.items(), key=lambda part: -part[1]))

    return {
        "dollars": float(cost.dollars / documents * 1000),
        "by_service": of(cost.by_service),
        "by_step": of(cost.by_step),
        "units": {unit: float(cost.quantity(unit) / documents) for unit in _units(cost)},
    }


def _units(cost: Cost) -> list[Unit]:
    return sorted({line.unit for line in cost.lines})


def reference_cost(flow: reference_flow.Flow, prices: Prices) -> float:
    """Of a thousand documents, the instances of its two endpoints left out."""
    calls = Decimal(str(flow.lock_calls)) + 8
    units = {
        Unit.TEXTRACT_TEXT: Decimal(1),
        Unit.STATES_TRANSITION: Decimal(str(flow.transitions)),
        Unit.LAMBDA_REQUEST: calls,
        Unit.LAMBDA_GB_SECOND_X86: calls * Decimal("0.125") * Decimal("0.2"),
        Unit.DYNAMODB_WRITE: Decimal(str(flow.lock_calls)) + 2,
    }
    return float(cost_of(Use(step="reference", units=units), prices).dollars * 1000)


def print_parts(title: str, parts: dict[str, float]) -> None:
    print_table(title, ["", "USD per 1,000"], [[name, f"{dollars:.4f}"] for name, dollars in parts.items()])


def print_reference(values: dict[str, Any]) -> None:
    dollars = values["per_thousand_as_on_lambda"]["dollars"]
    rows = [["Recto", "any", values["transitions"], f"{dollars:.2f}", "0 %"]]
    for number, flow in values["reference"].items():
        cost, given_up = f"{flow['dollars_per_thousand']:.2f}", f"{flow['failed']:.0%}"
        rows.append(["the reference", number, f"{flow['transitions']:.0f}", cost, given_up])
    head = ["flow", "documents at once", "transitions", "USD per 1,000", "given up"]
    print_table("beside the reference, its endpoints' instances left out", head, rows)
    hourly = values["reference_endpoints_per_hour"]
    print(f"\nthe reference's two endpoints, thumbnails and model: {hourly:.2f} USD an hour while they run")
    print(f"recto's forecast for such documents: {values['forecast_per_thousand']:.2f} USD per 1,000")


def all_uses(documents: Iterable[Sequence[UseRow]]) -> tuple[Use, ...]:
    return summed(use for rows in documents for use in uses_of(rows))


def measure(run: LocalRun, count: int, prices: Prices) -> dict[str, Any]:
    rows = run_documents(run, count)
    documents = written(run, rows)
    here = per_thousand(cost_of(all_uses(documents), prices), count)
    lambda_like = [[as_on_lambda(use) for use in each] for each in documents]
    there = per_thousand(cost_of(all_uses(lambda_like), prices), count)
    told = [_transitions(each) for each in documents]
    days = LedgerRows(table_of(run)).month(f"{rows[0].received:%Y-%m}")
    logged, calls = log_bytes(run)
    return {
        "documents": count,
        "per_thousand_as_measured": here,
        "per_thousand_as_on_lambda": there,
        "states_outside_parallel": states_of(run, rows[0]),
        "transitions": max(told),
        "processor_seconds": _processor_seconds(documents),
        "calls": [len(each) for each in documents],
        "ledger": {"documents": sum(day.documents for day in days),
                   "dollars": float(sum((cost_of(day.uses, prices).dollars for day in days), Decimal(0)))},
        "log_bytes_per_call": {"measured": logged / calls + PLATFORM_BYTES if calls else None,
                               "assumed": float(LOG_GB * 10**9)},
    }  # fmt: skip


def _processor_seconds(documents: Sequence[Sequence[UseRow]]) -> dict[str, float]:
    """Of a document in the mean, by step."""
    sums: dict[str, float] = {}
    for use in (use for each in documents for use in each):
        sums[use.step] = sums.get(use.step, 0.0) + float(use.cpu_seconds) / len(documents)
    return sums


def _transitions(rows: Sequence[UseRow]) -> int:
    """Of the document's execution, and of the one that tells of its end."""
    return int(sum(use.units.get(Unit.STATES_TRANSITION, 0) for use in uses_of(rows)))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--documents", type=int, default=40)
    options = parser.parse_args()
    prices = prices_of(REGION)
    with local_run(parameters={"AuditShare": "0"}) as run:
        values = measure(run, options.documents, prices)
    values["forecast_per_thousand"] = float(forecast(1000, 1000, (), prices).dollars)
    hour = prices.of(Unit.ENDPOINT_SECOND).of_one * 3600 * reference_flow.ENDPOINTS
    values["reference_endpoints_per_hour"] = float(hour)
    values["reference"] = {
        str(number): {**flow._asdict(), "dollars_per_thousand": reference_cost(flow, prices)}
        for number, flow in (
            (1, reference_flow.calm()),
            *((n, reference_flow.at_once(n)) for n in (100, 1000)),
        )
    }
    there = values["per_thousand_as_on_lambda"]
    print_parts("by service", there["by_service"])
    print_parts("by step", there["by_step"])
    print_reference(values)
    values["passed"] = (
        there["dollars"] <= float(WANTED_DOLLARS) and values["transitions"] <= WANTED_TRANSITIONS
    )
    here, verdict = values["per_thousand_as_measured"], "passed" if values["passed"] else "NOT passed"
    print(
        f"\n{there['dollars']:.3f} USD per 1,000 documents (as measured here: {here['dollars']:.3f}), "
        f"{values['transitions']} transitions each; "
        f"wanted: at most {WANTED_DOLLARS} and {WANTED_TRANSITIONS}: {verdict}"
    )
    command = "python benchmarks/cost.py " + " ".join(sys.argv[1:])
    print(write_result("cost", command.strip(), values).relative_to(ROOT))
    sys.exit(0 if values["passed"] else 1)


if __name__ == "__main__":
    main()
