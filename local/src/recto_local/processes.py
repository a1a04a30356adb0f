"""Background processes that outlive the command that started them: start, recognise again, stop.

A process is known by its id and the time it began, so that a recycled id is never mistaken for it. Each
leads a process group of its own: Ctrl-C does not reach it, and its children end with it.
"""

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import httpx
from pydantic import BaseModel, ConfigDict

TAIL_LINES = 25


class ProcessError(Exception):
    """A process that could not be started, or ended too early; the message ends with its log."""


class ProcessRef(BaseModel):
    """Enough to find a process again."""

    model_config = ConfigDict(frozen=True)

    name: str
    pid: int
    began: str
    """As the system gives it; compared for equality only."""
    log: Path


def start(
    name: str, command: Sequence[str], environment: Mapping[str, str], folder: Path, log: Path
) -> ProcessRef:
    """Start `command` in a session of its own; what it prints goes to `log`."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(
            list(command),
            env=dict(environment),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    # nobody waits for it here: it may outlive us, and `is_alive` collects it when it has ended before
    process.returncode = 0
    return ProcessRef(name=name, pid=process.pid, began=_began(process.pid), log=log)


def run_group(command: Sequence[str], environment: Mapping[str, str], folder: Path, log: Path) -> int:
    """Run to the end and give the exit status; interrupted, the command and its children are killed."""
    with (
        log.open("wb") as output,
        subprocess.Popen(
            list(command),
            env=dict(environment),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process,
    ):
        try:
            return process.wait()
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise


def is_alive(process: ProcessRef) -> bool:
    """Whether it still runs; a zombie of ours is collected."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(process.pid, os.WNOHANG)
    return bool(process.began) and _began(process.pid) == process.began


def stop(process: ProcessRef, seconds: float) -> bool:
    """End it in good order within `seconds`, else by force; its children in any case. True: in good order."""
    orderly = True
    if is_alive(process):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGTERM)
        orderly = wait_until(lambda: not is_alive(process), seconds)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    wait_until(lambda: not is_alive(process), 5.0)
    return orderly


def wait_healthy(process: ProcessRef, url: str, seconds: float) -> None:
    """Return when `url` answers 200; ProcessError when the process ends or the time is up."""

    def healthy() -> bool:
        if not is_alive(process):
            raise ProcessError(f"{process.name} ended while starting.\n{tail(process.log)}")
        try:
            return httpx.get(url, timeout=2.0, trust_env=False).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    if not wait_until(healthy, seconds):
        raise ProcessError(
            f"{process.name} did not answer at {url} within {seconds:.0f} s.\n{tail(process.log)}"
        )


def wait_until(condition: Callable[[], bool], seconds: float, pause: float = 0.1) -> bool:
    """Whether the condition came true within `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(pause)
    return True


def tail(log: Path) -> str:
    """The last lines of a log, with its name."""
    try:
        lines = log.read_text(errors="replace").splitlines()[-TAIL_LINES:]
    except OSError:
        lines = []
    return "\n".join([f"--- the last lines of {log}", *lines])


def free_port(preferred: int = 0, patience: float = 0.0) -> int:
    """`preferred` where it is free within `patience` seconds, else any free port of 127.0.0.1.

    A killed process counts as ended while its threads still hold its sockets: who knows the old port, such as
    a shell with the runtime's variables, is better served by a short wait than by another port.
    """
    if preferred and wait_until(lambda: _bound(preferred) != 0, patience):
        return preferred
    if port := _bound(0):
        return port
    raise ProcessError("no free port on 127.0.0.1")


def _bound(port: int) -> int:
    """The port that a socket gets when it asks for this one; 0 where it gets none."""
    with socket.socket() as probe, contextlib.suppress(OSError):
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))
        return int(probe.getsockname()[1])
    return 0


def _began(pid: int) -> str:
    """When the process began; empty for none, and for one that has ended and waits to be collected."""
    stat = Path(f"/proc/{pid}/stat")
    if Path("/proc/self/stat").exists():
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            return ""
        return "" if fields[0] == "Z" else fields[19]
    listed = subprocess.run(
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout.split(maxsplit=1)
    return listed[1].strip() if len(listed) == 2 and not listed[0].startswith("Z") else ""
