"""Damaged documents without end through the product's decoders, in a process that is watched from outside.

    .venv/bin/python benchmarks/fuzzing.py --minutes 1             a quick look
    .venv/bin/python benchmarks/fuzzing.py --minutes 10 --seed 7   the proof

Real PDFs, TIFFs, JPEGs and PNGs of ../shared/data are damaged (`damage.py`) and read as `page_images` reads
them. A fault is: an end that the damage does not allow, an error without a name of ours, a process that dies,
that takes longer than `--seconds` over a document, or more than `--memory-mb`. Faulty documents are kept in
build/fuzzing. Exit code 1 where there is a fault. Linux only: memory is read from /proc.
"""

import argparse
import json
import resource
import select
import subprocess
import sys
import tempfile
import time
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from damage import Damaged, damaged_documents, read_document, real_sources
from recording import ROOT, peak_memory_mb, print_table, write_result

DATA = ROOT.parent / "shared" / "data"
KEPT = ROOT / "build" / "fuzzing"
MOST_MEMORY = 2048 * 1024 * 1024
"""What the function has; an address space of twice that, since much of one is never touched."""
READ_IN_ONE_PROCESS = 400


class Limits(NamedTuple):
    """What a document may take."""

    seconds: float
    memory_mb: float


class Read(NamedTuple):
    """What became of a damaged document, seen from outside."""

    outcome: str
    seconds: float
    memory_mb: float
    cause: str = ""


class Reader:
    """The watched process; a new one where it has ended."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._process: subprocess.Popen[str] | None = None
        self._num_read = 0

    def read(self, path: Path) -> Read:
        process = self._running()
        began = time.monotonic()
        print(path, file=process.stdin, flush=True)
        ready = select.select([process.stdout], [], [], self._limits.seconds)[0]
        taken = time.monotonic() - began
        line = ready[0].readline() if ready else ""
        self._num_read += 1
        if line:
            return Read(seconds=taken, **json.loads(line))
        how = _death(process) if ready else "hang"
        self.stop()
        return Read(how, taken, 0.0)

    def stop(self) -> None:
        """Ends the process, if there is one."""
        process, self._process, self._num_read = self._process, None, 0
        if process:
            process.kill()
            process.wait()

    def _running(self) -> subprocess.Popen[str]:
        """Begun anew now and then: memory that one document leaves is not put down to the next."""
        if self._process is None or self._num_read >= READ_IN_ONE_PROCESS:
            self.stop()
            self._process = subprocess.Popen(
                [sys.executable, __file__, "--reader"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL, text=True,
            )  # fmt: skip
        return self._process


def _death(process: subprocess.Popen[str]) -> str:
    code = process.wait()
    return f"death by signal {-code}" if code < 0 else f"death with exit code {code}"


def serve() -> None:
    """The watched process: paths in, a line of JSON out for each."""
    resource.setrlimit(resource.RLIMIT_AS, (2 * MOST_MEMORY, 2 * MOST_MEMORY))
    for line in sys.stdin:
        Path("/proc/self/clear_refs").write_text("5")  # the high mark of memory begins anew
        print(json.dumps(_told(Path(line.rstrip("\n")))), flush=True)


def _told(path: Path) -> dict[str, Any]:
    try:
        reading = read_document(path)
        outcome, cause = reading.outcome, reading.cause
    except Exception as error:  # noqa: BLE001  that there are none is what is measured
        outcome, cause = f"error {type(error).__name__}", f"{error!r}"[:500]
    return {"outcome": outcome, "cause": cause, "memory_mb": round(peak_memory_mb(), 1)}


def fault_of(document: Damaged, read: Read, limits: Limits) -> str:
    """What is wrong with how a document ended; empty where nothing is."""
    if read.outcome not in document.expected:
        expected = " or ".join(sorted(document.expected))
        return f"ended as {read.outcome}, expected {expected} {read.cause}".rstrip()
    if read.memory_mb > limits.memory_mb:
        return f"took {read.memory_mb:.0f} MB, wanted at most {limits.memory_mb:.0f}"
    return ""


def fuzz(options: argparse.Namespace) -> dict[str, Any]:
    limits, until = Limits(options.seconds, options.memory_mb), time.monotonic() + 60 * options.minutes
    outcomes, slowest, largest = Counter[str](), Read("", 0.0, 0.0), Read("", 0.0, 0.0)
    faults: dict[str, str] = {}
    reader, sources = Reader(limits), real_sources(DATA)
    documents = damaged_documents(sources, options.seed)
    with tempfile.TemporaryDirectory(prefix="recto-fuzzing-") as folder:
        for document in islice(documents, options.documents or None):
            if time.monotonic() > until:
                break
            path = Path(folder) / document.name
            path.write_bytes(document.body)
            read = reader.read(path)
            path.unlink()
            outcomes[read.outcome] += 1
            slowest = max(slowest, read._replace(cause=document.name), key=lambda each: each.seconds)
            largest = max(largest, read._replace(cause=document.name), key=lambda each: each.memory_mb)
            if fault := fault_of(document, read, limits):
                faults[document.name] = fault
                KEPT.mkdir(parents=True, exist_ok=True)
                (KEPT / document.name).write_bytes(document.body)
                print(f"{document.name}: {fault}", flush=True)
    reader.stop()
    return {
        "seed": options.seed, "sources": len(sources), "documents": outcomes.total(),
        "outcomes": dict(outcomes.most_common()), "slowest": slowest._asdict(), "largest": largest._asdict(),
        "faults": faults,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--documents", type=int, default=0, help="at most; 0 for as many as the time allows")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=30.0, help="one document may take")
    parser.add_argument("--memory-mb", type=float, default=512.0, help="one document may take")
    parser.add_argument("--reader", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.reader:
        serve()
        return
    if not DATA.exists():
        print(f"not measured: the documents come from {DATA}, which is not here")
        return
    measured = fuzz(options)
    rows = [[outcome, count] for outcome, count in measured["outcomes"].items()]
    print_table(
        f"{measured['documents']} damaged documents, seed {options.seed}", ["outcome", "documents"], rows
    )
    for what in ("slowest", "largest"):
        read = measured[what]
        print(
            f"{what}: {read['seconds']:.1f} s, {read['memory_mb']:.0f} MB, {read['outcome']}, {read['cause']}"
        )
    print(
        write_result(
            "fuzzing", "python benchmarks/fuzzing.py " + " ".join(sys.argv[1:]), measured
        ).relative_to(ROOT)
    )
    if measured["faults"]:
        raise SystemExit(f"{len(measured['faults'])} faults; the documents are in {KEPT.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
