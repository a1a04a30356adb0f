"""How fast a backfill takes documents in, what that calls, and that taking in again changes nothing.

    .venv/bin/python benchmarks/backfill.py --documents 100     a quick look, about three minutes
    .venv/bin/python benchmarks/backfill.py                     the figures, 500 documents

One-page pictures lie below `corpora/` of the local runtime's work bucket. The backfill is stopped before its
map begins, so nothing is processed beside the taking in; the functions are processes of this machine, as many
at once as the local profile says.
"""

import argparse
import sys
import time
from collections import Counter
from io import BytesIO

from local_run import CALLER, LocalRun, local_run
from PIL import Image, ImageDraw
from recording import print_table, write_result

from recto.aws.backfills import BackfillRows
from recto.aws.dynamodb import Table
from recto.backfills import BackfillRow, BackfillState, Counts
from recto.places import Location
from recto_cli.backfill_runs import machine_of, utc_now
from recto_cli.stack import Stack, read_stack

PREFIX = "corpora/backfill-benchmark/"
FUNCTION = "recto-backfill"
TIMEOUT = 1800


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--documents", type=int, default=500)
    options = parser.parse_args()
    with local_run() as run:
        put(run, options.documents)
        stack = read_stack(run.info.project)
        rows = BackfillRows(Table(run.info.outputs["DocumentTableName"], CALLER), utc_now)
        first = take_in(run, stack, rows, number=1)
        again = take_in(run, stack, rows, number=2)
        counts = rows.counts("benchmark")
    return report(options.documents, first, again, counts)


def put(run: LocalRun, documents: int) -> None:
    for number in range(documents):
        page, body = Image.new("L", (500, 300), "white"), BytesIO()
        ImageDraw.Draw(page).text((40, 60), f"Letter number {number}", fill="black")
        page.save(body, "PNG")
        run.objects.write(Location(bucket=run.work, key=f"{PREFIX}{number:06d}.png"), body.getvalue())


def take_in(run: LocalRun, stack: Stack, rows: BackfillRows, number: int) -> tuple[float, Counter[str]]:
    """Seconds of one execution over all objects, and what the function called."""
    now = utc_now()
    row = BackfillRow(
        backfill_id="benchmark", state=BackfillState.STOPPED, source=PREFIX, bucket=run.work, prefix=PREFIX,
        started=now, updated=now, runs=number,
    )  # fmt: skip
    rows.add(row)
    begun, machine = time.time(), machine_of(stack)
    machine.start(row.execution, row.input())
    deadline = begun + TIMEOUT
    while (told := machine.look(row.execution)) is None or told.is_running:
        if time.time() > deadline:
            raise TimeoutError(f"the execution {row.execution} has not ended within {TIMEOUT} s")
        time.sleep(0.2)
    if not told.went_well:
        raise RuntimeError(f"the execution {row.execution} ended as {told}")
    ended = time.time()
    calls = (call for call in run.calls(begun, ended) if call.caller == FUNCTION)
    return ended - begun, Counter(call.operation for call in calls)


def report(
    documents: int, first: tuple[float, Counter[str]], again: tuple[float, Counter[str]], counts: Counts
) -> int:
    """Tell and keep it; 1 where a document was lost or counted twice."""
    figures = {
        "documents": documents,
        "taken": counts.taken,
        "documents_a_second": round(documents / first[0], 1),
        "documents_a_second_again": round(documents / again[0], 1),
        "calls_a_document": {name: round(count / documents, 2) for name, count in sorted(first[1].items())},
        "calls_a_document_again": {name: round(n / documents, 2) for name, n in sorted(again[1].items())},
    }
    table = [(name, str(value)) for name, value in figures.items()]
    print_table("taking in", ("", ""), table)
    is_right = counts.taken == documents == counts.waiting
    write_result("backfill", f"benchmarks/backfill.py --documents {documents}", figures)
    print("every object is one document" if is_right else f"expected {documents} documents: {counts}")
    return 0 if is_right else 1


if __name__ == "__main__":
    sys.exit(main())
