"""Fault plans: read, checked, decided by seed and count; and what makes SNS, S3 and Lambda fail."""

import asyncio
import json
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from recto_local.emulator import caller_of, name_call
from recto_local.emulator_faults import (
    TYPICAL_SECONDS,
    with_refusals,
    with_sudden_ends,
    with_unreliable_delivery,
)
from recto_local.fault_rules import FaultLog, Faults, Rule
from recto_local.faults import FaultPlanError, parse_plan, read_plan
from tests.functional.local.conftest import ROOT

TOPIC = "arn:aws:sns:us-east-1:000000000000:textract-ended"


def faults_of(tmp_path: Path, *rules: dict[str, Any], seed: int = 7) -> Faults:
    plan = parse_plan(json.dumps({"seed": seed, "faults": rules}))
    return Faults(json.loads(plan.dump()), FaultLog(tmp_path / "faults.jsonl"))


def noted(tmp_path: Path) -> list[dict[str, Any]]:
    log = tmp_path / "faults.jsonl"
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


# ---- the plan


def test_the_plan_of_the_documentation_can_be_followed() -> None:
    page = (ROOT / "docs" / "scale.md").read_text()
    found = re.search(r"```json\n(\{\"seed\".*?)```", page, re.DOTALL)
    assert found

    plan = parse_plan(found.group(1))

    assert (plan.seed, len(plan.faults), plan.quotas.textract.start_per_second) == (7, 7, 5)
    assert "textract job_fails 0.03" in plan.told()


SNS = '"at": "sns", "kind"'
S3 = '"at": "s3", "kind": "unavailable", "share": 0.1'
TEXTRACT = '"at": "textract", "kind": "throttle", "share": 0.1'


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{\n,", "line 2: not JSON"),
        ("[1]", "expected an object with seed, quotas, clock, faults"),
        ('{"faults": {}}', "faults: expected a list of rules, got dict"),
        ('{"fault": []}', "fault: Extra inputs are not permitted"),
        ('{"seed": "x"}', "seed: Input should be a valid integer"),
        ('{"quotas": {"textract": {"concurrent_jobs": 0}}}', "quotas.textract.concurrent_jobs: Input"),
        ('{"faults": [\n 3]}', "line 2: faults[0]: expected an object, got int"),
        (f'{{"faults": [\n\n{{{SNS}: "loose"}}]}}', "line 3: faults[0]: no such fault: at 'sns', kind 'loo"),
        (f'{{"faults": [{{{S3}}},\n{{{SNS}: "lose", "share": 2}}]}}', "line 2: faults[1]: share: Input"),
        (f'{{"faults": [{{{SNS}: "lose"}}]}}', "faults[0]: share: Field required"),
        (f'{{"faults": [{{{S3}, "opertion": "*"}}]}}', "faults[0]: opertion: Extra inputs"),
        (f'{{"faults": [{{{SNS}: "delay", "share": 1, "seconds": [5, 1]}}]}}', "[least, most], got [5.0"),
        (f'{{"faults": [{{{TEXTRACT}, "errors": ["Slow"]}}]}}', "faults[0]: errors.0: Input should be"),
    ],
)  # fmt: skip
def test_a_plan_that_cannot_be_followed_says_which_rule_is_wrong(text: str, complaint: str) -> None:
    with pytest.raises(FaultPlanError) as refused:
        parse_plan(text, "plan.json")

    assert str(refused.value).startswith("plan.json")
    assert complaint in str(refused.value)


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(FaultPlanError) as refused:
        parse_plan('{"seed": 0.5, "faults": [{"at": "sns"}, {"at": "sns", "kind": "lose", "share": 0}]}')

    assert len(str(refused.value).splitlines()) == 3


def test_a_plan_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FaultPlanError, match=r"missing\.json cannot be read: No such file"):
        read_plan(tmp_path / "missing.json")


# ---- which calls


def rule(share: float, seed: int = 7, **more: Any) -> Rule:
    return Rule(seed, 0, {"at": "sns", "kind": "lose", "share": share, **more})


def test_the_same_seed_picks_the_same_calls_and_another_seed_others() -> None:
    def picked(seed: int) -> list[int]:
        one = rule(0.1, seed)
        return [number for number in range(500) if one.hit()]

    assert picked(7) == picked(7) != picked(8)
    assert 30 < len(picked(7)) < 75


@pytest.mark.parametrize("share", [0.02, 0.1, 0.5, 1.0])
def test_bursts_make_up_the_share_in_the_long_run(share: float) -> None:
    throttle, now, hits = rule(share, burst_seconds=3.0), 1000.0, 0

    for _ in range(20_000):
        now += 0.2
        hits += throttle.hit_in_burst(now) is not None

    assert hits / 20_000 == pytest.approx(share, rel=0.15)


def test_a_burst_refuses_every_call_while_it_lasts() -> None:
    throttle, now, runs = rule(0.1, burst_seconds=3.0), 1000.0, [0]

    for _ in range(2_000):
        now += 0.2
        if throttle.hit_in_burst(now):
            runs[-1] += 1
        elif runs[-1]:
            runs.append(0)

    assert {length for length in runs if length} <= {14, 15, 16}


def test_rules_are_about_what_their_patterns_name(tmp_path: Path) -> None:
    faults = faults_of(
        tmp_path, {"at": "s3", "kind": "unavailable", "share": 1, "operation": "Put*", "caller": "intake"}
    )

    assert faults.first("s3", operation="PutObject", caller="intake")
    assert not faults.first("s3", operation="GetObject", caller="intake")
    assert not faults.first("s3", operation="PutObject", caller="publish")
    assert not faults.first("s3", "throttle", operation="PutObject", caller="intake")
    assert not faults.first("sns", topic="any")


def test_another_plan_is_followed_from_its_first_call(tmp_path: Path) -> None:
    faults = faults_of(tmp_path, {"at": "sns", "kind": "lose", "share": 1})
    before = [faults.first("sns", topic="any") for _ in range(3)]

    faults.follow({})
    without = faults.first("sns", topic="any")
    faults.follow({"seed": 7, "faults": [{"at": "sns", "kind": "lose", "share": 1}]})
    again = faults.first("sns", topic="any")

    assert [hit.call for hit in before if hit] == [1, 2, 3]
    assert without is None
    assert again
    assert again.call == 1


# ---- SNS


def deliveries(tmp_path: Path, *rules: dict[str, Any], count: int = 200) -> list[str]:
    came: list[str] = []
    faults = faults_of(tmp_path, *rules)
    deliver = with_unreliable_delivery(lambda topic, message: came.append(message), faults)
    for number in range(count):
        deliver(TOPIC, str(number))
    return came


def test_sns_loses_and_doubles_messages_and_says_which(tmp_path: Path) -> None:
    came = deliveries(
        tmp_path,
        {"at": "sns", "kind": "lose", "share": 0.1},
        {"at": "sns", "kind": "duplicate", "share": 0.1},
    )

    kinds = [fault["kind"] for fault in noted(tmp_path)]
    assert kinds.count("lose") > 5
    assert kinds.count("duplicate") > 5
    assert len(set(came)) == 200 - kinds.count("lose")
    assert len(came) - len(set(came)) == kinds.count("duplicate")
    assert {fault["topic"] for fault in noted(tmp_path)} == {"textract-ended"}


def test_sns_delivers_late(tmp_path: Path) -> None:
    came: list[str] = []
    faults = faults_of(tmp_path, {"at": "sns", "kind": "delay", "share": 1, "seconds": [1.0, 1.5]})

    with_unreliable_delivery(lambda topic, message: came.append(message), faults)(TOPIC, "one")

    assert came == []
    until = time.monotonic() + 30
    while not came and time.monotonic() < until:
        time.sleep(0.01)
    assert came == ["one"]
    assert 1.0 <= noted(tmp_path)[0]["seconds"] <= 1.5


# ---- S3


def test_s3_refuses_as_the_service_does_and_other_services_answer(tmp_path: Path) -> None:
    async def there(*_: Any) -> tuple[int, dict[str, str], bytes]:
        return 200, {}, b"there"

    faults = faults_of(tmp_path, {"at": "s3", "kind": "unavailable", "share": 1, "operation": "PutObject"})
    services = {"/b/k": "s3", "/": "dynamodb"}
    ask = with_refusals(
        there, lambda _, path, *__: services[path], lambda *_: {}, name_call, caller_of, faults
    )

    def answer(method: str, path: str) -> tuple[int, dict[str, str], Any]:
        return asyncio.run(ask(method, path, {"user-agent": "Boto3 app/intake"}, b"", {}, "1"))

    status, _, body = answer("PUT", "/b/k")
    assert (status, b"<Code>SlowDown</Code>" in body) == (503, True)
    assert [answer("GET", "/b/k")[0], answer("PUT", "/")[0]] == [200, 200]
    assert [(fault["operation"], fault["caller"]) for fault in noted(tmp_path)] == [("PutObject", "intake")]


# ---- Lambda


class Worker:
    """A function's process as the emulator keeps one, whose calls last a second."""

    def __init__(self) -> None:
        self.func_name = "publish"
        self._proc: subprocess.Popen[bytes] | None = None
        self._start_time: float | None = None

    def invoke(self, seconds: str) -> dict[str, Any]:
        self._proc = subprocess.Popen(["sleep", seconds])
        self._start_time = time.time()
        ended = self._proc.wait()
        return {"status": "error" if ended else "ok", "ended": ended}


def test_a_function_is_killed_in_the_middle_of_its_work(tmp_path: Path) -> None:
    faults = faults_of(tmp_path, {"at": "lambda", "kind": "kill", "share": 1})
    invoke = with_sudden_ends(Worker.invoke, faults)

    assert invoke(Worker(), "5")["ended"] == -signal.SIGKILL
    assert [fault["function"] for fault in noted(tmp_path)] == ["publish"]


def test_a_call_that_is_over_before_its_moment_is_not_killed(tmp_path: Path) -> None:
    faults = faults_of(tmp_path, {"at": "lambda", "kind": "kill", "share": 1})
    invoke, worker = with_sudden_ends(lambda worker: {"status": "ok"}, faults), Worker()
    worker._start_time, worker._proc = time.time(), subprocess.Popen(["sleep", "5"])

    try:
        assert invoke(worker)["status"] == "ok"
        time.sleep(TYPICAL_SECONDS * 1.5)
        assert worker._proc.poll() is None
    finally:
        worker._proc.kill()
        worker._proc.wait()
    assert noted(tmp_path) == []


def test_a_function_that_no_rule_names_lives(tmp_path: Path) -> None:
    faults = faults_of(tmp_path, {"at": "lambda", "kind": "kill", "share": 1, "function": "*intake*"})

    assert with_sudden_ends(Worker.invoke, faults)(Worker(), "0.2")["status"] == "ok"
    assert noted(tmp_path) == []
