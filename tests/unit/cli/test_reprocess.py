"""`recto reprocess`: which documents, what is asked first, what is told; and the history beside it."""

import io
import json
from pathlib import Path
from typing import Any

import boto3
import pytest

from recto.messages import ReprocessResponse, Status, Step
from recto.places import DocumentPlaces, MadeIn
from recto.ports import ReviewRow
from recto.review import ReviewTask
from recto_cli import redrive, reprocess
from recto_cli.main import app
from recto_cli.stack import Stack
from tests.unit.cli.conftest import ID, PROJECT
from tests.unit.cli.test_documents import NOW, add
from tests.unit.cli.test_main import invoke, no_runtime, runner

__all__ = ["no_runtime"]


class Function:
    """The deployment's function: notes requests, answers or fails as told."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.failures: dict[str, tuple[str, str]] = {}

    def invoke(self, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803
        request = json.loads(Payload)
        self.requests.append(request)
        if request["DocumentId"] in self.failures:
            name, message = self.failures[request["DocumentId"]]
            body = {"errorType": name, "errorMessage": message}
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(json.dumps(body).encode())}
        response = ReprocessResponse(
            document_id=request["DocumentId"], attempt=request["OfAttempt"] + 1,
            from_=request["From"] or Step.MODEL, release=request["Release"] or "releases/demo",
        )  # fmt: skip
        return {"Payload": io.BytesIO(json.dumps(response.dump()).encode())}


@pytest.fixture
def function(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Function:
    boto3.client("ssm").put_parameter(Name=f"/{PROJECT}/static/ReprocessFunction", Value="f", Type="String")
    found = Function()
    real = reprocess.client
    monkeypatch.setattr(
        reprocess, "client", lambda service, caller: found if service == "lambda" else real(service, caller)
    )
    return found


def test_a_document_is_named_by_key_or_digits_and_told_what_it_does_now(
    stack: Stack, function: Function
) -> None:
    add(stack, ID, "a.pdf", attempt=3)

    code, output = invoke("reprocess", ID[:8], "a.pdf", "--from", "model")

    assert (code, output) == (0, "01234567 a.pdf: again from model, attempt 4, demo\n")
    (request,) = function.requests
    assert (request["From"], request["OfAttempt"], request["PayForOcr"]) == ("model", 3, False)


def test_paying_for_ocr_again_is_asked_for_and_refused_where_nobody_can_answer(
    stack: Stack, function: Function
) -> None:
    add(stack, ID, "a.pdf")

    code, _ = invoke("reprocess", "a.pdf", "--from", "ocr")

    assert (code, function.requests) == (1, [])
    assert invoke("reprocess", "a.pdf", "--from", "ocr", "--yes")[0] == 0
    assert function.requests[0]["PayForOcr"] is True


def test_a_no_stops_before_anything_is_asked_of_the_deployment(
    stack: Stack, function: Function, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(stack, ID, "a.pdf")
    monkeypatch.setattr(
        redrive, "_confirm", lambda question, session: redrive.typer.confirm(question, abort=True)
    )

    outcome = runner.invoke(app, ["--project", PROJECT, "reprocess", "a.pdf", "--from", "ocr"], input="n\n")

    assert (outcome.exit_code, function.requests) == (1, [])
    assert "OCR is paid again for 1 document(s)" in outcome.output


def test_all_documents_that_failed_by_one_name(stack: Stack, function: Function) -> None:
    add(stack, ID, "a.pdf", status=Status.FAILED, error="ReleaseError")
    add(stack, "b" * 32, "b.pdf", status=Status.FAILED, error="EncryptedDocumentError")
    add(stack, "c" * 32, "c.pdf")

    assert invoke("reprocess", "--status", "failed", "--error", "ReleaseError")[0] == 1, "nobody was asked"
    code, output = invoke("reprocess", "--status", "failed", "--error", "ReleaseError", "--yes")

    assert code == 0
    assert [request["DocumentId"] for request in function.requests] == [ID]
    assert "a.pdf: again from model" in output


def test_one_that_is_refused_stops_no_other_and_gives_exit_code_1(stack: Stack, function: Function) -> None:
    add(stack, ID, "a.pdf")
    add(stack, "b" * 32, "b.pdf")
    function.failures[ID] = ("ReprocessRefusedError", "document 01 (a.pdf) is RUNNING in attempt 1: it runs")

    code, output = invoke("reprocess", "a.pdf", "b.pdf", "--from", "model")

    assert code == 1
    assert output.splitlines() == [
        "01234567 a.pdf: ReprocessRefusedError document 01 (a.pdf) is RUNNING in attempt 1: it runs",
        "bbbbbbbb b.pdf: again from model, attempt 2, demo",
    ]


def test_a_fault_of_the_function_itself_says_where_to_look(stack: Stack, function: Function) -> None:
    add(stack, ID, "a.pdf")
    function.failures[ID] = ("KeyError", "'x'")

    _, output = invoke("reprocess", "a.pdf", "--from", "model")

    assert "ServiceUnavailableError f: KeyError: 'x'; see its log" in output


def test_waiting_ends_with_the_documents_and_tells_of_a_failure(stack: Stack, function: Function) -> None:
    add(stack, ID, "a.pdf", attempt=2, status=Status.FAILED, error="ReleaseError", cause="altered")
    function.invoke = lambda **_: {  # type: ignore[method-assign]
        "Payload": io.BytesIO(
            json.dumps(
                ReprocessResponse(document_id=ID, attempt=2, from_=Step.MODEL, release="r").dump()
            ).encode()
        )
    }

    code, output = invoke("reprocess", "a.pdf", "--wait", "--timeout", "0")

    assert code == 1
    assert "ReleaseError: altered" in output


def test_an_error_alone_is_no_choice(stack: Stack, function: Function) -> None:
    assert invoke("reprocess", "--error", "ReleaseError")[0] == 2
    assert invoke("reprocess")[0] == 1


def test_the_history_tells_attempts_and_answers_that_were_not_taken(stack: Stack) -> None:
    add(stack, ID, "a.pdf")
    made_in = MadeIn().anew_from("model", 2).model_dump()
    stack.documents.move(
        ID, (Status.PROCESSED,), Status.WAITING, NOW, 1, attempt=2, made_in=made_in, operator="ann"
    )
    stack.documents.note(
        ID, NOW.replace(minute=9), "ANSWER_NOT_TAKEN", error="ReviewWithdrawnError", answer="s3://r/o"
    )

    code, output = invoke("history", "a.pdf")

    assert code == 0
    assert "attempt 2" in output
    assert "operator ann" in output
    assert "answer not taken" in output
    assert "error ReviewWithdrawnError" in output


def test_while_a_document_is_processed_again_the_earlier_result_is_shown_as_such(
    stack: Stack, task: ReviewTask, stored_result: str
) -> None:
    made_in = MadeIn().anew_from("model", 2)
    add(
        stack, stored_result, "a.pdf", status=Status.RUNNING, attempt=2, made_in=made_in,
        supersedes_attempt=1, supersedes_key=f"documents/{ID}/result.json",
    )  # fmt: skip

    outcome = runner.invoke(app, ["--project", PROJECT, "result", "a.pdf"])

    assert outcome.exit_code == 0
    assert "an earlier result: attempt 2 is RUNNING" in outcome.stderr
    assert "Frist Bank" in outcome.stdout


def test_what_an_earlier_attempt_made_can_be_asked_for(
    stack: Stack, task: ReviewTask, stored_result: str
) -> None:
    made_in = MadeIn().anew_from("model", 2)
    add(stack, stored_result, "a.pdf", attempt=2, made_in=made_in)
    newer = task.model_result.model_copy(update={"confidence": 0.99})
    stack.objects.write(DocumentPlaces("work", ID, made_in).fields, json.dumps(newer.to_json()).encode())

    assert json.loads(invoke("result", "a.pdf", "--json")[1])["Confidence"] == 0.99
    assert json.loads(invoke("result", "a.pdf", "--json", "--attempt", "1")[1])["Confidence"] == 0.5
    assert runner.invoke(app, ["--project", PROJECT, "result", "a.pdf", "--attempt", "7"]).exit_code


def test_fields_that_wait_for_a_person_say_whose_they_are(stack: Stack, task: ReviewTask) -> None:
    add(stack, ID, "a.pdf", status=Status.IN_REVIEW, release="releases/demo")
    stack.objects.write(DocumentPlaces("work", ID).fields, json.dumps(task.model_result.to_json()).encode())

    content = json.loads(invoke("result", "a.pdf", "--json")[1])

    assert content["DocumentId"] == ID
    assert content["Input"] == {"Bucket": "inbox", "Key": "a.pdf", "VersionId": ""}
    assert (content["Status"], content["Reviewed"], content["Attempt"]) == ("IN_REVIEW", False, 1)


def open_review(stack: Stack, task: ReviewTask, **changes: Any) -> None:
    add(stack, ID, "a.pdf", status=Status.IN_REVIEW, review_id="review-1")
    place = DocumentPlaces("work", ID).review_task("review-1")
    stack.objects.write(place, json.dumps(task.to_json()).encode())
    row = ReviewRow(
        review_id="review-1", document_id=ID, task_token="t",
        created=NOW.replace(year=2025), expires=NOW.replace(year=2027),
    ).model_copy(update=changes)  # fmt: skip
    assert stack.reviews.add(row)


def test_a_review_waits_since_it_was_opened_and_tells_of_an_answer_that_was_of_no_use(
    stack: Stack, task: ReviewTask
) -> None:
    """Not since the last restart, which moves the document's row."""
    open_review(stack, task, refusal="answer without a field")

    code, output = invoke("review", "list")

    assert code == 0
    assert "2025-11-21" in output
    assert "of no use: answer without a field" in " ".join(output.split())


def test_an_answer_to_a_withdrawn_review_is_refused_before_it_is_handed_in(
    stack: Stack, task: ReviewTask
) -> None:
    open_review(stack, task, state="WITHDRAWN", reason="document 01 is processed again from model, by ann")

    outcome = runner.invoke(
        app, ["--project", PROJECT, "review", "answer", "review-1", "--accept", "--no-wait"]
    )

    assert type(outcome.exception).__name__ == "ReviewWithdrawnError"
    assert "processed again from model, by ann" in str(outcome.exception)


def test_a_document_that_failed_while_it_waited_takes_no_answer(stack: Stack, task: ReviewTask) -> None:
    open_review(stack, task)
    stack.documents.move(ID, (Status.IN_REVIEW,), Status.FAILED, NOW, error="ReviewExpiredError")

    outcome = runner.invoke(
        app, ["--project", PROJECT, "review", "answer", "review-1", "--accept", "--no-wait"]
    )

    assert "is FAILED and waits for nobody" in str(outcome.exception)


def test_a_document_is_turned_down_with_a_reason(stack: Stack, task: ReviewTask) -> None:
    open_review(stack, task)

    assert invoke("review", "reject", "a.pdf", "--no-wait")[0] == 2, "no reason"
    code, output = invoke("review", "reject", "a.pdf", "--reason", "a holiday picture", "--no-wait")

    assert (code, output) == (0, "turned down: a.pdf\n")
    (entry,) = boto3.client("s3").list_objects_v2(Bucket="reviews")["Contents"]
    body = boto3.client("s3").get_object(Bucket="reviews", Key=entry["Key"])["Body"]
    (answer,) = json.load(body)["humanAnswers"]
    assert answer["answerContent"] == {
        "document-rejected": True,
        "document-rejected-why": "a holiday picture",
    }


def test_a_negative_number_of_documents_is_refused(stack: Stack) -> None:
    assert invoke("status", "--limit", "-3")[0] == 2


def test_an_interrupted_wait_says_that_the_documents_go_on(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.7")
    monkeypatch.setattr("recto_cli.main.watch_with_bar", interrupt)

    outcome = runner.invoke(app, ["--project", PROJECT, "process", str(tmp_path / "a.pdf"), "--wait"])

    assert outcome.exit_code == 130
    assert "the documents go on without this command" in " ".join(outcome.stderr.split())
