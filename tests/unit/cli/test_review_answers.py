"""`recto review answer` and `reject`: handed in at the desk, by its function's own operation."""

import io
import json
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest

from recto.review import ReviewTask
from recto_cli.labelling import back_ends
from recto_cli.main import app
from recto_cli.stack import Stack
from tests.unit.cli.conftest import PROJECT
from tests.unit.cli.test_main import no_runtime, runner
from tests.unit.cli.test_reprocess import open_review

__all__ = ["no_runtime"]
ANSWER = ("--project", PROJECT, "review", "answer", "review-1", "--accept", "--worker", "ada", "--no-wait")

NO_LOOP = {"Error": {"Code": "ResourceNotFoundException", "Message": "Human loop x does not exist"}}


class Function:
    """The desk's function: notes what it is asked, answers or refuses as told."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.answer: dict[str, Any] = {"Result": {}}

    def invoke(self, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803
        assert FunctionName == "recto-review-control"
        self.asked.append(json.loads(Payload))
        return {"Payload": io.BytesIO(json.dumps(self.answer).encode())}


@pytest.fixture
def function(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Function:
    name = f"/{PROJECT}/static/ReviewControlFunction"
    boto3.client("ssm").put_parameter(Name=name, Value="recto-review-control", Type="String")
    found = Function()
    real = back_ends.client
    monkeypatch.setattr(
        back_ends, "client", lambda service, caller: found if service == "lambda" else real(service, caller)
    )
    return found


def test_an_answer_is_handed_in_at_the_desk(stack: Stack, function: Function, task: ReviewTask) -> None:
    open_review(stack, task, loop_name="recto-review-1")

    outcome = runner.invoke(app, ANSWER)

    assert outcome.exception is None
    (asked,) = function.asked
    parameters = asked["Parameters"]
    assert asked["Operation"] == "AnswerHumanLoop"
    assert (parameters["HumanLoopName"], parameters["WorkerId"]) == ("recto-review-1", "ada")
    assert parameters["AnswerContent"]["field-value-Provider Name"] == "Frist Bank"
    assert parameters["TimeSpentInSeconds"] >= 0


def test_a_document_is_turned_down_at_the_desk(stack: Stack, function: Function, task: ReviewTask) -> None:
    open_review(stack, task, loop_name="recto-review-1")

    command = ("--project", PROJECT, "review", "reject", "review-1", "--reason", "a menu", "--no-wait")
    outcome = runner.invoke(app, command)

    assert outcome.exception is None
    content = function.asked[0]["Parameters"]["AnswerContent"]
    assert content == {"document-rejected": True, "document-rejected-why": "a menu"}


def test_what_the_desk_refuses_is_told_in_its_words(
    stack: Stack, function: Function, task: ReviewTask
) -> None:
    open_review(stack, task, loop_name="recto-review-1")
    message = "review recto-review-1 is with Anna now and wants nobody else"
    function.answer = {"Error": {"Code": "ConflictException", "Message": message}}

    outcome = runner.invoke(app, ANSWER)

    assert type(outcome.exception).__name__ == "ReviewFailedError"
    assert message in str(outcome.exception)


def test_an_answer_waits_for_a_desk_that_is_only_just_being_told(
    stack: Stack, function: Function, task: ReviewTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_review(stack, task, loop_name="recto-review-1", created=datetime.now(UTC))
    function.answer = NO_LOOP
    monkeypatch.setattr("time.sleep", lambda _: setattr(function, "answer", {"Result": {}}))

    outcome = runner.invoke(app, ANSWER)

    assert outcome.exception is None
    assert [asked["Operation"] for asked in function.asked] == ["AnswerHumanLoop"] * 2


def test_a_loop_that_is_gone_is_told_at_once(stack: Stack, function: Function, task: ReviewTask) -> None:
    open_review(stack, task, loop_name="recto-review-1", created=datetime(2026, 1, 1, tzinfo=UTC))
    function.answer = NO_LOOP

    outcome = runner.invoke(app, ANSWER)

    assert type(outcome.exception).__name__ == "ReviewFailedError"
    assert len(function.asked) == 1


def test_amazons_own_loops_are_answered_in_its_portal(
    stack: Stack, function: Function, task: ReviewTask
) -> None:
    flow = "arn:aws:sagemaker:us-east-1:000000000000:flow-definition/theirs"
    open_review(stack, task, loop_name="recto-review-1", backend=flow)

    outcome = runner.invoke(app, ANSWER)

    assert type(outcome.exception).__name__ == "AccessError"
    assert "worker portal" in str(outcome.exception)
    assert not function.asked


def test_a_review_of_an_earlier_version_has_no_loop_and_is_answered_by_its_file(
    stack: Stack, function: Function, task: ReviewTask
) -> None:
    open_review(stack, task, loop_name="")

    outcome = runner.invoke(app, ANSWER)

    assert outcome.exception is None
    (found,) = boto3.client("s3").list_objects_v2(Bucket="reviews")["Contents"]
    assert found["Key"].endswith("/review-1/output.json")
    assert not function.asked
