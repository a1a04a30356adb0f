"""The shells: one bad record comes back alone, failures are reported by name, tokens stay out of logs."""

import importlib.util
import json
from io import BytesIO
from types import ModuleType
from typing import Any

import pytest
from PIL import Image

from recto.aws.dynamodb import DocumentRows
from recto.aws.s3 import S3Objects
from recto.errors import DamagedDocumentError
from recto.messages import DispatchRequest, Status
from recto.places import Location
from recto.ports import OcrJobRow
from recto.thumbnail_arrays import read_thumbnails
from recto.thumbnail_files import count_thumbnails
from tests.contract.template import ROOT
from tests.fakes import FakeClock, FakeOcr, FakeWorkflow
from tests.functional.conftest import INBOX, WORK
from tests.functional.test_intake import PDF, message
from tests.gate_fakes import gate_of


class Context:
    """What Lambda says of an invocation, as far as powertools reads it."""

    function_name = "recto-test"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:us-east-1:1:function:recto-test"
    aws_request_id = "request"


def load(folder: str, name: str, monkeypatch: pytest.MonkeyPatch, **settings: str) -> ModuleType:
    for key, value in {
        **settings,
        "POWERTOOLS_METRICS_NAMESPACE": "Recto",
    }.items():
        monkeypatch.setenv(key, value)
    spec = importlib.util.spec_from_file_location(
        f"{folder}_{name}", ROOT / "functions" / folder / f"{name}.py"
    )
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def records(*bodies: str) -> dict[str, Any]:
    common = {"eventSource": "aws:sqs", "receiptHandle": "r", "attributes": {}, "messageAttributes": {}}
    return {"Records": [{**common, "messageId": f"m{n}", "body": body} for n, body in enumerate(bodies)]}


MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:recto-event"


class Later:
    """`recto.ports.Functions` that keeps what it was told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Any]] = []

    def invoke_later(self, function: str, payload: Any) -> None:
        self.told.append((function, payload))


def test_a_bad_upload_message_comes_back_alone(
    monkeypatch: pytest.MonkeyPatch, objects: S3Objects, documents: DocumentRows
) -> None:
    """Defects 6 and 7: bad records vanished, or took the others with them."""
    app = load(
        "intake",
        "app",
        monkeypatch,
        DOCUMENT_TABLE="documents",
        EVENT_STATE_MACHINE_ARN=MACHINE,
        DISPATCH_FUNCTION="dispatch",
        MAX_DOCUMENT_BYTES="1000",
        INBOX_BUCKET=INBOX,
    )
    later = Later()
    intake, _, dispatch = app.wiring()
    monkeypatch.setattr(app, "wiring", lambda: (intake, later, dispatch))
    for key in ("a.pdf", "b.pdf"):
        objects.write(Location(bucket=INBOX, key=key), PDF)

    answer = app.lambda_handler(records(message("a.pdf"), "no event", message("b.pdf")), Context())

    assert answer == {"batchItemFailures": [{"itemIdentifier": "m1"}]}
    assert {row.key for row in documents.with_status(Status.WAITING, 9)} == {"a.pdf", "b.pdf"}
    assert later.told == [("dispatch", DispatchRequest().dump())]


def test_messages_that_are_all_bad_come_back_counted_and_explained(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = load("textract_callback", "app", monkeypatch, DOCUMENT_TABLE="documents")
    monkeypatch.setattr(app, "wiring", lambda: gate_of(FakeOcr(), FakeWorkflow(), FakeClock()))

    answer = app.lambda_handler(records("junk"), Context())

    assert answer == {"batchItemFailures": [{"itemIdentifier": "m0"}]}
    assert '"MessagesFailed":[1.0]' in capsys.readouterr().out
    (line,) = [record for record in caplog.records if record.message == "message_failed"]
    assert (vars(line)["message_id"], vars(line)["error"]) == ("m0", "ConfigurationError")


def test_a_bad_notification_comes_back_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    app = load("textract_callback", "app", monkeypatch, DOCUMENT_TABLE="documents")
    workflow = FakeWorkflow()
    gate = gate_of(FakeOcr(), workflow, FakeClock())
    monkeypatch.setattr(app, "wiring", lambda: gate)
    gate.jobs.ask(OcrJobRow(tag="known", document_id="d", task_token="token"), FakeClock()())
    good, unknown = ({"JobId": "j", "Status": "SUCCEEDED", "JobTag": tag} for tag in ("known", "unknown"))

    answer = app.lambda_handler(records("junk", json.dumps(unknown), json.dumps(good)), Context())

    assert [failure["itemIdentifier"] for failure in answer["batchItemFailures"]] == ["m0", "m1"]
    assert [token for token, _ in workflow.succeeded] == ["token"]


def test_a_step_that_fails_with_a_token_reports_itself_by_name(
    monkeypatch: pytest.MonkeyPatch, documents: DocumentRows, capsys: pytest.CaptureFixture[str]
) -> None:
    app = load(
        "textract_start",
        "app",
        monkeypatch,
        DOCUMENT_TABLE="documents",
        NOTIFICATION_TOPIC_ARN="arn:topic",
        NOTIFICATION_ROLE_ARN="arn:role",
        JOB_ROW_DAYS="8",
    )
    workflow, ocr = FakeWorkflow(), FakeOcr()
    monkeypatch.setattr(ocr, "start", lambda request: app_error())
    gate = gate_of(ocr, workflow, FakeClock())
    monkeypatch.setattr(app, "wiring", lambda: app.OcrStart(gate, documents, (), app.timedelta(1)))
    document = {"DocumentId": "d1", "Bucket": INBOX, "Key": "a.pdf"}

    app.lambda_handler({"Document": document, "TaskToken": "secret-token"}, Context())

    assert workflow.failed == [("secret-token", "DamagedDocumentError", "no pages")]
    assert "secret-token" not in capsys.readouterr().out


def app_error() -> None:
    raise DamagedDocumentError("no pages")


def test_page_images_counts_and_draws(monkeypatch: pytest.MonkeyPatch, objects: S3Objects) -> None:
    app = load(
        "page_images",
        "app",
        monkeypatch,
        DOCUMENT_TABLE="documents",
        WORK_BUCKET=WORK,
        MAX_PAGES="3000",
        MAX_PIXELS="1000000",
        REVIEW_PIXELS="200",
        THUMBNAIL_SIZE="50,40",
        THUMBNAIL_FIT="letterbox",
        THUMBNAIL_COLOUR="#000080",
        THUMBNAIL_MAX_SIDE="0",
    )
    buffer = BytesIO()
    pages = [Image.new("RGB", (100, 200), "white") for _ in range(3)]
    pages[0].save(buffer, "PDF", save_all=True, append_images=pages[1:])
    objects.write(Location(bucket=INBOX, key="a.pdf"), buffer.getvalue())
    document = {"DocumentId": "d1", "Bucket": INBOX, "Key": "a.pdf"}

    plan = app.lambda_handler({"Document": document}, Context())
    drawn_at_once = objects.info(Location(bucket=WORK, key="documents/d1/images/page-0003.jpg"))
    done = app.lambda_handler({"Document": document, "Range": plan["Ranges"][0]}, Context())

    elsewhere = {**document, "DocumentId": "d2", "ThumbnailEndpoint": "recto-thumbnails"}
    of_endpoint = app.lambda_handler({"Document": elsewhere}, Context())
    app.lambda_handler({"Document": elsewhere, "Range": plan["Ranges"][0]}, Context())

    assert plan == {"NumPages": 3, "Ranges": [{"Part": 1, "First": 1, "Last": 3}], "ToDraw": []}
    assert of_endpoint["ToDraw"] == of_endpoint["Ranges"]
    assert drawn_at_once
    assert done == {"Part": 1, "NumPages": 3}
    image = Image.open(BytesIO(objects.read(Location(bucket=WORK, key="documents/d1/images/page-0003.jpg"))))
    thumbnails = objects.read(Location(bucket=WORK, key="documents/d1/images/thumbnails-0001.npz"))
    assert image.size == (100, 200)
    assert count_thumbnails(thumbnails) == 3
    assert not objects.info(Location(bucket=WORK, key="documents/d2/images/thumbnails-0001.npz"))
    assert objects.info(Location(bucket=WORK, key="documents/d2/images/page-0003.jpg"))
    assert [page.shape for page in read_thumbnails(thumbnails)] == [(40, 50, 3)] * 3
    assert [tuple(page[0, 0]) for page in read_thumbnails(thumbnails)] == [(0, 0, 128)] * 3
