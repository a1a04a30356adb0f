"""A bug of ours is told with its place in the code, and not with what its message holds."""

import json
from typing import Any

import pytest

from tests.fakes import FakeClock, FakeOcr, FakeWorkflow
from tests.functional.test_correlation import deployed, error_of, lines
from tests.functional.test_handlers import Context, records
from tests.gate_fakes import gate_of

SECRET = "Jane Doe's account"


def crash(*_: Any) -> None:
    raise TypeError(SECRET)


def test_a_handler_that_crashes_says_where(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    publish = deployed("PublishFunction", monkeypatch)
    monkeypatch.setattr(publish, "publish", crash)
    document = {"DocumentId": "d1", "Bucket": "b", "Key": "k", "CorrelationId": "c1"}

    assert error_of(publish, {"Document": document}) == "TypeError"

    [line] = [line for line in lines(capsys) if line.get("message") == "step_crashed"]
    assert (line["error"], line["correlation_id"]) == ("TypeError", "c1")
    assert line["where"][-1].endswith(" crash")
    assert SECRET not in json.dumps(line)


def test_a_message_that_crashes_comes_back_alone_and_says_where(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    callback = deployed("TextractCallbackFunction", monkeypatch)
    gate = gate_of(FakeOcr(), FakeWorkflow(), FakeClock())
    monkeypatch.setattr(callback, "wiring", lambda: gate)
    monkeypatch.setattr(callback, "hear_of_end", crash)
    notification = json.dumps({"JobId": "j", "Status": "SUCCEEDED", "JobTag": "t"})

    answer = callback.lambda_handler(records(notification), Context())

    assert answer == {"batchItemFailures": [{"itemIdentifier": "m0"}]}
    told = lines(capsys)
    [line] = [line for line in told if line.get("message") == "message_crashed"]
    assert (line["error"], line["where"][-1].partition(" ")[2]) == ("TypeError", "crash")
    assert SECRET not in json.dumps(told)
