"""Watches the processes of one local runtime: memory and processor seconds of each Lambda function, the
emulator, the stand-ins and their OCR processes. Linux only: it reads /proc. It starts and stops none of them.
"""

import os
import threading
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Self

PROC = Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK")
EMULATOR, STANDINS, OCR = "emulator", "stand-ins", "OCR processes"


class Seen(NamedTuple):
    """What one process has used so far."""

    peak_mb: float
    """The most memory it has held at once (VmHWM)."""
    cpu_seconds: float


class Watch:
    """Looks at the runtime's processes a few times a second, so that those that end are counted too."""

    def __init__(self, endpoint: str, every: float = 0.25) -> None:
        """`endpoint`: the emulator's address, which all its processes have in their environment."""
        self._endpoint = f"AWS_ENDPOINT_URL={endpoint}"
        self._every = every
        self._seen: dict[str, dict[int, Seen]] = defaultdict(dict)
        self._kinds: dict[int, str] = {}
        self._before: dict[int, float] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self.look()
        self._before = {pid: seen.cpu_seconds for of in self._seen.values() for pid, seen in of.items()}
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self.look()

    def peaks(self) -> dict[str, float]:
        """MB of the largest process of each function or part, by its name."""
        return {kind: max(seen.peak_mb for seen in of.values()) for kind, of in sorted(self._seen.items())}

    def cpu_seconds(self) -> dict[str, float]:
        """Processor seconds of all processes of each function or part since the watch began."""
        return {
            kind: round(sum(seen.cpu_seconds - self._before.get(pid, 0.0) for pid, seen in of.items()), 2)
            for kind, of in sorted(self._seen.items())
        }

    def num_processes(self) -> dict[str, int]:
        return {kind: len(of) for kind, of in sorted(self._seen.items())}

    def look(self) -> None:
        for pid in _pids():
            try:
                kind = self._kinds.get(pid) or self._kind(pid)
                if kind:
                    self._kinds[pid] = kind
                    self._seen[kind][pid] = _used(pid)
            except (OSError, StopIteration):  # it has ended, or is another user's
                continue

    def _run(self) -> None:
        while not self._stop.wait(self._every):
            self.look()

    def _kind(self, pid: int) -> str:
        """The function's name, or the part of the runtime; empty for a process that is none of it."""
        environment = (PROC / str(pid) / "environ").read_bytes().decode(errors="replace").split("\0")
        if self._endpoint not in environment:
            return ""
        named = [entry for entry in environment if entry.startswith("AWS_LAMBDA_FUNCTION_NAME=")]
        if named:
            return named[0].partition("=")[2]
        command = (PROC / str(pid) / "cmdline").read_bytes().decode(errors="replace")
        if "multiprocessing" in command:
            return OCR if "spawn_main" in command else ""
        return STANDINS if "recto_local.standins" in command else EMULATOR if "emulator.py" in command else ""


def _pids() -> Iterator[int]:
    return (int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit())


def _used(pid: int) -> Seen:
    status = (PROC / str(pid) / "status").read_text()
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    return Seen(int(peak.split()[1]) / 1024, (int(fields[11]) + int(fields[12])) / TICKS)
