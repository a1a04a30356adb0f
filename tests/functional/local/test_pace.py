"""So many functions at once, in their order; and waits that need not be waited for."""

import contextvars
import json
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from recto_local.emulator_pace import (
    QUIET_SECONDS,
    CallLog,
    Quiet,
    Turns,
    Waits,
    bring_forward,
    end_longest_idle,
    limit_workers,
)
from recto_local.processes import wait_until


class LambdaService:
    """The emulator's modules for Lambda as far as they are used; calls last until they are let go."""

    def __init__(self) -> None:
        self.depth = 0
        self.began: list[str] = []
        self.started: list[float] = []
        self.let_go = threading.Semaphore(0)
        self._invoke_depth = SimpleNamespace(get=lambda: self.depth)
        self._lock = threading.Lock()
        self._workers: dict[str, list[Any]] = {}
        self.killed: list[Any] = []

    def _execute_function_dispatch(self, func: str, config: Any, event: Any, request: str, at: float) -> str:
        self.began.append(func)
        self.started.append(at)
        assert self.let_go.acquire(timeout=10)
        return func

    def invoke_async_with_retry(self, func: str, event: Any) -> None:
        here = contextvars.copy_context()
        arguments = (func, {"FunctionName": func}, event, "9", time.time())
        threading.Thread(target=here.run, args=(self._execute_function_dispatch, *arguments)).start()

    def kill_workers(self, workers: list[Any]) -> None:
        self.killed += workers


def test_so_many_work_at_once_and_the_others_in_their_order(tmp_path: Path) -> None:
    service = LambdaService()
    turns = limit_workers(service, service, 2, CallLog(tmp_path / "functions.jsonl"))
    threads = []
    for name in "abcde":
        thread = threading.Thread(
            target=service._execute_function_dispatch,
            args=(name, {"FunctionName": name}, {}, "1", time.time()),
        )
        thread.start()
        threads.append(thread)
        assert wait_until(lambda: len(service.began) + len(turns._waiting) == len(threads), 20, 0.005)

    at_once = list(service.began)
    time.sleep(0.5)  # more than a thread's late start, which counts as waiting, too
    for ended in range(len(threads)):
        service.let_go.release()
        begun = min(2 + ended + 1, len(threads))
        assert wait_until(lambda begun=begun: len(service.began) == begun, 20, 0.005)  # type: ignore[misc]
    for thread in threads:
        thread.join(20)

    assert at_once == ["a", "b"]
    assert service.began == list("abcde")
    assert turns.busy == 0
    calls = [json.loads(line) for line in (tmp_path / "functions.jsonl").read_text().splitlines()]
    assert sorted(call["function"] for call in calls) == list("abcde")
    waited = {call["function"]: call["waited_ms"] for call in calls}
    assert waited["a"] < waited["e"]  # the clock of those who waited began with their turn


def test_a_call_by_a_function_and_a_persons_request_wait_for_nobody(tmp_path: Path) -> None:
    service = LambdaService()
    limit_workers(service, service, 1, CallLog(tmp_path / "functions.jsonl"))
    outer = threading.Thread(target=service._execute_function_dispatch, args=("outer", {}, {}, "1", 0.0))
    outer.start()
    assert wait_until(lambda: service.began == ["outer"], 30, 0.005)
    for _ in range(3):
        service.let_go.release()

    request = {"requestContext": {"http": {"method": "GET"}}}
    assert service._execute_function_dispatch("page", {}, request, "2", 0.0) == "page"
    service.depth = 1
    assert service._execute_function_dispatch("inner", {}, {}, "3", 0.0) == "inner"

    outer.join(30)


def test_a_call_that_nobody_waits_for_waits_its_turn_also_where_a_function_made_it(tmp_path: Path) -> None:
    service = LambdaService()
    turns = limit_workers(service, service, 1, CallLog(tmp_path / "functions.jsonl"))
    outer = threading.Thread(target=service._execute_function_dispatch, args=("outer", {}, {}, "1", 0.0))
    outer.start()
    assert wait_until(lambda: service.began == ["outer"], 30, 0.005)

    service.depth = 1
    service.invoke_async_with_retry("later", {})

    assert wait_until(lambda: len(turns._waiting) == 1, 30, 0.005)
    assert service.began == ["outer"]
    service.let_go.release()
    assert wait_until(lambda: service.began == ["outer", "later"], 30, 0.005)
    service.let_go.release()
    assert wait_until(lambda: turns.busy == 0, 30, 0.005)
    outer.join(30)


def test_a_call_that_fails_gives_its_turn_back() -> None:
    turns = Turns(1)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), turns.one():
            _ = 1 / 0

    assert turns.busy == 0


def test_the_longest_idle_processes_are_ended_and_working_ones_stay() -> None:
    service = LambdaService()
    service._workers = {
        "intake": [SimpleNamespace(in_use=True, last_used=1), SimpleNamespace(in_use=False, last_used=3)],
        "publish": [SimpleNamespace(in_use=False, last_used=2), SimpleNamespace(in_use=False, last_used=4)],
    }

    ended = end_longest_idle(service, 2)

    assert ended == 2
    assert [worker.last_used for worker in service.killed] == [2, 3]
    assert [[w.last_used for w in pool] for pool in service._workers.values()] == [[1], [4]]


def test_further_processes_of_a_function_are_ended_before_the_last_of_another() -> None:
    service = LambdaService()
    service._workers = {
        "intake": [SimpleNamespace(in_use=False, last_used=5), SimpleNamespace(in_use=False, last_used=6)],
        "publish": [SimpleNamespace(in_use=False, last_used=1)],
    }

    assert end_longest_idle(service, 2) == 1
    assert [worker.last_used for worker in service.killed] == [5]


def test_a_wait_ends_as_soon_as_nothing_else_runs() -> None:
    waits, began = Waits(lambda: True), time.monotonic()

    waits.wait(60)

    assert time.monotonic() - began < 30
    assert waits.skipped_seconds > 55


def test_a_wait_is_waited_while_something_runs() -> None:
    waits, began = Waits(lambda: False), time.monotonic()

    waits.wait(0.6)

    assert time.monotonic() - began >= 0.6
    assert waits.skipped_seconds == 0


def test_waits_end_in_the_order_of_their_times() -> None:
    all_wait, ended = threading.Event(), list[int]()
    waits = Waits(all_wait.is_set)

    def wait(seconds: int) -> None:
        waits.wait(seconds)
        ended.append(seconds)

    threads = [threading.Thread(target=wait, args=(seconds,)) for seconds in (50, 30, 40)]
    for thread in threads:
        thread.start()
    assert wait_until(lambda: len(waits._until) == len(threads), 30, 0.005)
    all_wait.set()
    for thread in threads:
        thread.join(30)

    assert ended == [30, 40, 50]


def test_it_is_quiet_when_nothing_was_asked_and_no_function_works() -> None:
    calls = 1
    quiet = Quiet(lambda: calls)
    time.sleep(QUIET_SECONDS * 1.2)
    at_work = quiet()
    calls = 0

    assert (at_work, quiet()) == (False, False)
    time.sleep(QUIET_SECONDS * 1.2)
    assert quiet()
    quiet.note()
    assert not quiet()


def test_the_next_delayed_message_comes_first_and_received_ones_stay_hidden() -> None:
    now = 1000.0
    late, later = ({"visible_at": now + seconds, "receive_count": 0} for seconds in (5, 9))
    received = {"visible_at": now + 1, "receive_count": 1}
    queues = SimpleNamespace(_data={"q": {"messages": [received, later]}, "r": {"messages": [late]}})
    sqs = SimpleNamespace(_queues=queues, esm_wake=threading.Event())

    assert bring_forward(sqs, now) == 5.0
    assert (late["visible_at"], later["visible_at"], received["visible_at"]) == (now, now + 9, now + 1)
    assert sqs.esm_wake.is_set()
