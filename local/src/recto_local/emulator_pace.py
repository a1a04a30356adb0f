"""How many functions work at once in the emulator, and whether its waits are waited.

Standard library only, imported by `emulator` alone. On AWS neither exists: there are as many processes as
calls, and time passes by itself.
"""

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

WARM_PER_WORKER = 6
"""Idle function processes that are kept for each one that may work; the longest idle are ended first."""
QUIET_SECONDS = 0.25
"""How long nothing has to happen before a wait is skipped."""


# ---- so many functions at once


class Turns:
    """At most so many at a time; who comes first goes first."""

    def __init__(self, places: int) -> None:
        self.places = places
        """0: any number."""
        self._lock = threading.Lock()
        self._waiting: deque[threading.Event] = deque()
        self.busy = 0

    @contextmanager
    def one(self) -> Iterator[None]:
        turn = threading.Event()
        with self._lock:
            self._waiting.append(turn)
            self._let_in()
        turn.wait()
        try:
            yield
        finally:
            with self._lock:
                self.busy -= 1
                self._let_in()

    def change(self, places: int) -> None:
        with self._lock:
            self.places = places
            self._let_in()

    def _let_in(self) -> None:
        while self._waiting and (not self.places or self.busy < self.places):
            self.busy += 1
            self._waiting.popleft().set()


class CallLog:
    """`functions.jsonl`: a line for each call of a function: when, how long it waited and worked.

    The access log has only those that came over HTTP: not those of state machines, queues and schedules.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def note(self, function: str, asked: float, began: float, answer: Any) -> None:
        ended = time.time()
        entry = {
            "time": datetime.fromtimestamp(began, UTC).isoformat(timespec="milliseconds"),
            "function": function,
            "waited_ms": round(1000 * (began - asked)),
            "milliseconds": round(1000 * (ended - began)),
            "failed": bool(isinstance(answer, dict) and answer.get("error")),
        }
        with self._path.open("a", encoding="utf-8") as log:
            log.write(json.dumps(entry) + "\n")


def limit_workers(lambda_svc: Any, lambda_runtime: Any, workers: int, log: CallLog) -> Turns:
    """Let `workers` functions work at once; further calls wait, oldest first, and their clock does not run.

    A call by Invoke does not wait: whoever called may be a function that holds the last place itself; where
    nobody waits for the answer it does. Nor does a request to an HTTP API: a person waits for it.
    """
    turns, dispatch = Turns(workers), lambda_svc._execute_function_dispatch  # noqa: SLF001
    is_event, invoke_event = ContextVar("is_event", default=False), lambda_svc.invoke_async_with_retry

    def invoked(func: Any, event: Any) -> None:
        here = is_event.set(True)  # the thread that it starts takes a copy with it
        try:
            invoke_event(func, event)
        finally:
            is_event.reset(here)

    def dispatched(func: Any, config: Any, event: Any, request_id: str, started: float) -> Any:
        is_http = isinstance(event, dict) and "requestContext" in event
        is_asked_by_function = lambda_svc._invoke_depth.get() > 0 and not is_event.get()  # noqa: SLF001
        may_wait = not (is_asked_by_function or is_http)
        with turns.one() if may_wait else nullcontext():
            if turns.places:
                end_longest_idle(lambda_runtime, turns.places * WARM_PER_WORKER)
            began = time.time()
            answer = dispatch(func, config, event, request_id, began)
        log.note(str(config.get("FunctionName", "")), started, began, answer)
        return answer

    lambda_svc._execute_function_dispatch = dispatched  # noqa: SLF001
    lambda_svc.invoke_async_with_retry = invoked
    return turns


def end_longest_idle(lambda_runtime: Any, most: int) -> int:
    """End the idle processes that are too many. How many were ended.

    Further ones of a function go before the last of another, the longest idle first: a start takes a second.
    """
    with lambda_runtime._lock:  # noqa: SLF001
        pools = lambda_runtime._workers  # noqa: SLF001
        there = [worker for pool in pools.values() for worker in pool]
        newest = [max(pool, key=lambda worker: worker.last_used) for pool in pools.values() if pool]
        idle = sorted((w for w in there if not w.in_use), key=lambda w: (w in newest, w.last_used))
        surplus = idle[: max(0, len(there) - most)]
        for key in list(pools):
            pools[key] = [worker for worker in pools[key] if worker not in surplus]
    lambda_runtime.kill_workers(surplus)
    return len(surplus)


# ---- waits


class Waits:
    """Waits that end at their time, or as soon as nothing else runs: earliest first, one by one."""

    def __init__(self, is_quiet: Callable[[], bool]) -> None:
        self._is_quiet = is_quiet
        self._lock = threading.Lock()
        self._until: list[float] = []
        self._changed = 0.0
        self.skipped_seconds = 0.0

    def wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        with self._lock:
            self._until.append(until)
            self._changed = time.monotonic()
        try:
            while (left := until - time.monotonic()) > 0:
                if self._may_skip(until):
                    self.skipped_seconds += left
                    return
                time.sleep(min(left, QUIET_SECONDS / 5))
        finally:
            with self._lock:
                self._until.remove(until)
                self._changed = time.monotonic()

    def _may_skip(self, until: float) -> bool:
        with self._lock:
            first = until == min(self._until) and time.monotonic() - self._changed > QUIET_SECONDS
        return first and self._is_quiet()


class Quiet:
    """Whether something happens in the emulator: requests and function calls."""

    def __init__(self, calls_under_way: Callable[[], int]) -> None:
        self._calls = calls_under_way
        self._last = time.monotonic()

    def note(self) -> None:
        """Something has happened just now."""
        self._last = time.monotonic()

    def __call__(self) -> bool:
        if self._calls():
            self.note()
        return time.monotonic() - self._last > QUIET_SECONDS


def skip_waits(stepfunctions: Any, sqs: Any, quiet: Quiet, is_on: Callable[[], bool]) -> Waits:
    """Wait states, retries' intervals and delayed messages are not waited for while nothing else runs.

    As long as `is_on`; else they last as long as on AWS.
    """
    waits = Waits(lambda: is_on() and quiet())

    def waited(seconds: float) -> None:
        if seconds <= 0:
            return
        if is_on():
            waits.wait(seconds)
            quiet.note()
        else:
            time.sleep(seconds)

    stepfunctions._scaled_sleep = waited  # noqa: SLF001
    threading.Thread(target=_bring_messages_forward, args=(sqs, quiet, waits, is_on), daemon=True).start()
    return waits


def _bring_messages_forward(sqs: Any, quiet: Quiet, waits: Waits, is_on: Callable[[], bool]) -> None:
    while True:
        time.sleep(QUIET_SECONDS)
        if is_on() and quiet() and (seconds := bring_forward(sqs, time.time())):
            waits.skipped_seconds += seconds
            quiet.note()


def bring_forward(sqs: Any, now: float) -> float:
    """Make the next delayed message visible; how early, in seconds. Received ones are left alone."""
    delayed = [
        message
        for queue in list(sqs._queues._data.values())  # noqa: SLF001
        for message in list(queue["messages"])
        if message["visible_at"] > now and not message.get("receive_count")
    ]
    if not delayed:
        return 0.0
    first = min(delayed, key=lambda message: message["visible_at"])
    early, first["visible_at"] = first["visible_at"] - now, now
    sqs.esm_wake.set()
    return float(early)
