"""What an upload calls itself is in every line about its document, in row, events, results and traces."""

import importlib.util
import json
import logging
import re
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3
import pytest

import recto.messages
from recto.aws.dynamodb import DocumentRows, ReviewRows
from recto.aws.services import StepFunctionsWorkflow
from recto.aws.tracing import HEADER, TRACE, parts_of
from recto.messages import DocumentRef, ExecutionInput, Message, SourceInput, Status, Step
from recto.ports import OcrJobRow, ReviewRow
from tests.contract.template import ROOT, functions, template
from tests.contract.test_template import handler_of
from tests.fakes import FakeClock, FakeEvents, FakeOcr, FakeWorkflow
from tests.functional.conftest import INBOX, REVIEWS, WORK
from tests.functional.test_handlers import Context, Later, records
from tests.functional.test_intake import PDF, message
from tests.gate_fakes import gate_of

ORDER = "order-4711"
ROLE = "arn:aws:iam::123456789012:role/states"
BUCKETS = {"InboxBucket": INBOX, "WorkBucket": WORK, "ReviewsBucket": REVIEWS, "DocumentTable": "documents"}


def deployed(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A function's module, with the environment that the template gives it."""
    function = functions()[name]
    service = function["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"]
    monkeypatch.delitem(logging.Logger.manager.loggerDict, service, raising=False)  # it keeps its stdout
    shared = template()["Globals"]["Function"]["Environment"]["Variables"]
    for key, value in {**shared, **function["Environment"]["Variables"]}.items():
        if "If" not in value:
            monkeypatch.setenv(key, value_of(value))
    path, _ = handler_of(function)
    spec = importlib.util.spec_from_file_location(f"{path.parent.name}_{path.stem}", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def value_of(value: Any) -> str:
    """Parameters as they are by default, resources by name."""
    if not isinstance(value, dict):
        return str(value)
    if "Sub" in value:
        return re.sub(r"\$\{[\w:]+\}", "recto", value["Sub"])
    [meant] = value.values()
    parameter = template()["Parameters"].get(meant, {}).get("Default")
    if parameter is not None:
        return str(parameter)
    is_queue = template()["Resources"].get(meant, {}).get("Type") == "AWS::SQS::Queue"
    if is_queue:
        return str(boto3.client("sqs").create_queue(QueueName=meant)["QueueUrl"])
    return BUCKETS.get(meant, f"recto-{meant.lower()}")


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]


def model_of(path: Path) -> type[Message]:
    """What a handler takes."""
    found = re.search(r"(\w+)\.model_validate\(event\)", path.read_text())
    return getattr(recto.messages, found[1]) if found else Message


def about_a_document(name: str) -> bool:
    field = model_of(handler_of(functions()[name])[0]).model_fields.get("document")
    return field is not None and field.annotation is DocumentRef


def test_every_line_of_a_state_of_a_document_names_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also where it fails, as all do that read what is not there."""
    names = sorted(filter(about_a_document, functions()))

    for name in names:
        module = deployed(name, monkeypatch)
        model = model_of(handler_of(functions()[name])[0]).__name__
        events = sorted((ROOT / "tests/events").glob(f"{model}*.json"))
        assert events, model
        for path in events:
            event = json.loads(path.read_text())
            event["Document"] |= {"CorrelationId": ORDER, "Bucket": INBOX}
            failed = error_of(module, event)
            told = lines(capsys)
            assert told, name
            assert not failed or failed in {line.get("error") for line in told}, name
            assert {line.get("correlation_id") for line in told} == {ORDER}, name
            assert {line.get("document_id") for line in told} == {event["Document"]["DocumentId"]}, name
    assert len(names) > 10


def error_of(module: ModuleType, event: dict[str, Any]) -> str:
    """How the handler ends, empty for well."""
    try:
        module.lambda_handler(event, Context())
    except Exception as error:  # noqa: BLE001 - whatever comes, its line is what counts
        return type(error).__name__
    return ""


def test_an_upload_is_called_what_it_says_from_intake_to_its_end(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    documents: DocumentRows,
) -> None:
    put(boto3.client("s3"), {"a.pdf": ORDER, "b.pdf": "no order", "c.pdf": None})
    intake, events = deployed("IntakeFunction", monkeypatch), FakeEvents()
    step, _, _, *rest = intake.wiring()
    monkeypatch.setattr(intake, "wiring", lambda: (step._replace(events=events), Later(), "dispatch", *rest))

    intake.lambda_handler(records(*(message(key) for key in ("a.pdf", "b.pdf", "c.pdf"))), Context())

    rows = {row.key: row for row in documents.with_status(Status.WAITING, 9)}
    assert [rows[key].correlation_id for key in sorted(rows)] == [
        ORDER, rows["b.pdf"].document_id, rows["c.pdf"].document_id,
    ]  # fmt: skip
    told = {line["document_id"]: line for line in lines(capsys) if line.get("message") == "document_taken_in"}
    assert {told[row.document_id]["correlation_id"] for row in rows.values()} == {
        row.correlation_id for row in rows.values()
    }

    workflow = FakeWorkflow()
    start_all(monkeypatch, workflow)
    started = [line for line in lines(capsys) if line.get("message") == "document_started"]
    assert [line["correlation_id"] for line in started] == [
        rows[key].correlation_id for key in ("a.pdf", "b.pdf", "c.pdf")
    ]

    execution = workflow.executions[f"{rows['a.pdf'].document_id}-1"]
    ends = deployed("PublishFunction", monkeypatch)
    publishing = ends.wiring()._replace(events=events)
    monkeypatch.setattr(ends, "wiring", lambda: publishing)
    failure = {"Error": "DamagedDocumentError", "Cause": "no pages"}
    ends.lambda_handler({"Document": execution.dump()["Document"], "Failure": failure}, Context())
    [(kind, detail)] = events.published
    assert (kind, detail["CorrelationId"]) == ("DocumentFailed", ORDER)
    assert {line["correlation_id"] for line in lines(capsys)} == {ORDER}


def put(s3: Any, names: dict[str, str | None]) -> None:
    for key, name in names.items():
        metadata = {} if name is None else {"correlation-id": name}
        s3.put_object(Bucket=INBOX, Key=key, Body=PDF, Metadata=metadata)


def start_all(monkeypatch: pytest.MonkeyPatch, workflow: FakeWorkflow) -> None:
    dispatch = deployed("DispatchFunction", monkeypatch)
    ssm = boto3.client("ssm")
    for name in ("RELEASE", "OCR_ENGINE", "OCR_ENDPOINT", "THUMBNAIL_ENDPOINT"):
        value = "textract" if name == "OCR_ENGINE" else "undefined"
        value = "releases/one" if name == "RELEASE" else value
        ssm.put_parameter(Name=f"/{name}", Value=value, Type="String")
        monkeypatch.setenv(f"{name}_PARAMETER", f"/{name}")
    step = dispatch.wiring()._replace(workflow=workflow)
    monkeypatch.setattr(dispatch, "wiring", lambda: step)
    dispatch.lambda_handler({}, Context())


def test_a_bad_name_is_told_and_not_repeated(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    put(boto3.client("s3"), {"a.pdf": "Jane Doe"})
    intake = deployed("IntakeFunction", monkeypatch)
    step, _, _, *rest = intake.wiring()
    monkeypatch.setattr(intake, "wiring", lambda: (step, Later(), "dispatch", *rest))

    intake.lambda_handler(records(message("a.pdf")), Context())

    told = lines(capsys)
    [refused] = [line for line in told if line.get("message") == "correlation_id_refused"]
    assert refused["reason"].endswith("got ' ' at 5")
    assert "Jane" not in json.dumps(told)


def test_what_a_message_is_about_ends_with_the_message(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    callback = deployed("TextractCallbackFunction", monkeypatch)
    gate = gate_of(FakeOcr(), FakeWorkflow(), FakeClock())
    monkeypatch.setattr(callback, "wiring", lambda: gate)
    for tag in ("one", "two"):
        row = OcrJobRow(tag=tag, document_id=f"d-{tag}", correlation_id=f"c-{tag}", task_token=f"t-{tag}")
        gate.jobs.ask(row, FakeClock()())
    one, two = (json.dumps({"JobId": "j", "Status": "SUCCEEDED", "JobTag": tag}) for tag in ("one", "two"))

    callback.lambda_handler(records(one, "junk", two), Context())

    told = [
        (line["message"], line.get("document_id"), line.get("correlation_id"))
        for line in lines(capsys)
        if line.get("message") in ("ocr_ended", "message_failed")
    ]
    assert told == [
        ("ocr_ended", "d-one", "c-one"), ("message_failed", None, None), ("ocr_ended", "d-two", "c-two"),
    ]  # fmt: skip


def test_a_review_that_nobody_answered_is_told_by_the_same_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], reviews: ReviewRows
) -> None:
    expiry = deployed("ReviewExpiryFunction", monkeypatch)
    long_ago = FakeClock()() - timedelta(days=400)
    reviews.add(
        ReviewRow(
            review_id="r1", document_id="d1", correlation_id=ORDER, created=long_ago, expires=long_ago,
            state="ANSWERED", loop_name="recto-r1",
        )
    )  # fmt: skip

    expiry.lambda_handler({}, Context())

    [line] = [line for line in lines(capsys) if line.get("message") == "review_expired"]
    assert (line["document_id"], line["correlation_id"], line["outcome"]) == ("d1", ORDER, "closed")


@pytest.mark.parametrize(("sampled", "said"), [("1", "1"), ("0", None)])
def test_each_execution_is_a_trace_of_its_own(
    sampled: str, said: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "recto-dispatch")
    monkeypatch.setenv(TRACE, f"Root=1-5;Parent=2;Sampled={sampled}")
    machine = boto3.client("stepfunctions").create_state_machine(
        name="m", definition='{"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}', roleArn=ROLE
    )
    workflow = StepFunctionsWorkflow("test", machine["stateMachineArn"])
    seen: list[str] = []
    workflow._states.meta.events.register(
        "before-call.sfn.StartExecution", lambda params, **_: seen.append(params["headers"].get(HEADER, ""))
    )
    document = DocumentRef(document_id="d1", bucket="b", key="k")
    execution = ExecutionInput(from_=Step.OCR, document=document, input=SourceInput(bucket="b", key="k"))

    workflow.start("d1-1", execution)

    [header] = seen
    parts = parts_of(header)
    assert re.fullmatch("1-[0-9a-f]{8}-[0-9a-f]{24}", parts["Root"])
    assert parts.get("Sampled") == said
