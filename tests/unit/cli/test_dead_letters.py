"""`recto dlq`: what is told of a message, where it goes again, and that none is ever lost."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from recto.errors import ConfigurationError, ServiceUnavailableError
from recto.messages import Status
from recto.ports import JobRow, ReviewRow
from recto.steps.intake import uploads_of
from recto_cli import redriving
from recto_cli.dead_letter_queues import QUEUES, DeadMessage, Letters, queue_named
from recto_cli.dead_letters import rows_of
from recto_cli.dead_messages import Rows, tell
from recto_cli.deployed import Resource, resources_of
from recto_cli.main import app
from recto_cli.redriving import Done, Redriving, ToFunction, ToQueue, Wanted, redrive, route_of
from recto_cli.stack import Stack
from tests.unit.cli.conftest import ID, PROJECT
from tests.unit.cli.deployed_stack import list_resources, make_queues
from tests.unit.cli.test_documents import NOW, add
from tests.unit.cli.test_main import invoke, no_runtime, runner

__all__ = ["no_runtime"]
TOKEN = "AQC" + "x7Kp/" * 40
DISPATCH = "arn:aws:lambda:us-east-1:123456789012:function:recto-test-dispatch"
EVENTS = "arn:aws:states:us-east-1:123456789012:stateMachine:recto-test-event"
RULE = "arn:aws:events:us-east-1:123456789012:rule/recto-test-ended"


@pytest.fixture
def deployed(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Stack:
    """The stack with the template's queues, one function and one state machine."""
    function = Resource("DispatchFunction", "AWS::Lambda::Function", DISPATCH.rpartition(":")[2])
    machine = Resource("EventStateMachine", "AWS::StepFunctions::StateMachine", EVENTS)
    return list_resources([*make_queues(), function, machine], monkeypatch)


def upload(key: str = "mail/invoice.pdf", version: str = "v1") -> dict[str, Any]:
    detail = {
        "bucket": {"name": "inbox"},
        "object": {"key": key, "version-id": version, "etag": "e", "sequencer": "1"},
    }
    return {"source": "aws.s3", "detail-type": "Object Created", "detail": detail}


def put(stack: Stack, queue: str, content: Any, **attributes: str) -> None:
    said = {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()}
    boto3.client("sqs").send_message(
        QueueUrl=resources_of(stack).name(queue), MessageBody=json.dumps(content), MessageAttributes=said
    )


def inside(stack: Stack, queue: str) -> list[str]:
    sqs, found = boto3.client("sqs"), list[str]()
    url = resources_of(stack).name(queue)
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        found += [message["Body"] for message in messages]
    return found


def message(content: Any, **attributes: str) -> DeadMessage:
    said = {name: {"StringValue": value, "DataType": "String"} for name, value in attributes.items()}
    return DeadMessage("m1", "r1", json.dumps(content), NOW, said)


def failed_call(function: str = DISPATCH, payload: Any = None, **answer: str) -> dict[str, Any]:
    return {
        "version": "1.0",
        "requestContext": {"functionArn": f"{function}:$LATEST", "condition": "RetriesExhausted"},
        "requestPayload": payload if payload is not None else {"Action": "recover"},
        "responsePayload": answer,
    }


class Noted:
    """A carrier that notes what it brought, or fails as told."""

    def __init__(
        self, failure: Exception | None = None, transformer: Mapping[str, Any] | None = None
    ) -> None:
        self.sent: list[tuple[str, str, Mapping[str, Any]]] = []
        self.called: list[tuple[str, Any]] = []
        self.started: list[tuple[str, str, str]] = []
        self._failure, self._transformer = failure, transformer

    def send(self, url: str, body: str, attributes: Mapping[str, Any]) -> None:
        if self._failure:
            raise self._failure
        self.sent.append((url, body, attributes))

    def call(self, function: str, payload: Any) -> None:
        if self._failure:
            raise self._failure
        self.called.append((function, payload))

    def start(self, machine_arn: str, execution: str, body: str) -> None:
        if self._failure:
            raise self._failure
        self.started.append((machine_arn, execution, body))

    def targets(self, rule_arn: str) -> list[Mapping[str, Any]]:
        assert rule_arn == RULE
        return [{"Arn": DISPATCH, "InputTransformer": self._transformer}] if self._transformer else []


def redriven(stack: Stack, queue: str, carrier: Noted, wanted: Wanted | None = None) -> list[Done]:
    resources = resources_of(stack)
    letters = Letters(queue_named(queue), resources)
    step = Redriving(letters, resources, rows_of(stack), carrier)
    return list(redrive(step, wanted or Wanted()))


# ---- list and show


def test_the_list_counts_every_queue_and_says_since_when(deployed: Stack) -> None:
    put(deployed, "IntakeDeadLetters", upload())
    put(deployed, "IntakeDeadLetters", upload("b.pdf"))

    code, output = invoke("dlq", "list")
    as_json = json.loads(invoke("dlq", "list", "--json")[1])

    assert code == 0
    assert {each["queue"]: each["messages"] for each in as_json} == {
        queue.name: 2 if queue.name == "IntakeDeadLetters" else 0 for queue in QUEUES
    }
    assert "0 h 0 min" in output
    assert len(inside(deployed, "IntakeDeadLetters")) == 2, "looking takes nothing away"


def test_an_upload_is_shown_with_its_document_and_the_reason_of_the_log(deployed: Stack) -> None:
    put(deployed, "IntakeDeadLetters", upload())
    document = uploads_of(json.dumps(upload()))[0].document_id
    add(deployed, document, "mail/invoice.pdf", status=Status.RUNNING)

    code, output = invoke("dlq", "show", "intake", "--no-logs")

    assert code == 0
    assert "upload mail/invoice.pdf" in output
    assert f"document {document[:8]} (mail/invoice.pdf), now RUNNING" in output


def test_a_failed_call_says_its_error_and_no_token(deployed: Stack) -> None:
    payload = {"Action": "recover", "Execution": f"{ID}-2", "TaskToken": TOKEN}
    answer = {"errorType": "AccessError", "errorMessage": f"DescribeExecution: denied {TOKEN}"}
    put(deployed, "DispatchFailures", failed_call(payload=payload, **answer))

    _, output = invoke("dlq", "show", "dispatch")
    told = json.loads(invoke("dlq", "show", "--json")[1])

    assert f"execution {ID}-2 ended" in output
    assert "AccessError DescribeExecution: denied (left out)" in output
    assert TOKEN not in output + json.dumps(told)
    assert (told[0]["document_id"], told[0]["error"]) == (ID, "AccessError")


def test_jobs_and_inferences_are_led_back_to_their_documents_and_tokens_stay(deployed: Stack) -> None:
    rows = rows_of(deployed)
    later = datetime.now(UTC) + timedelta(days=1)
    for tag in ("a" * 32, "b" * 32):
        rows.jobs.put(JobRow(tag=tag, document_id=ID, task_token=TOKEN), later)  # type: ignore[attr-defined]
    job = {"JobId": "j1", "Status": "SUCCEEDED", "JobTag": "a" * 32}
    wrapped = {"Type": "Notification", "Message": json.dumps(job)}
    inference = {"invocationStatus": "Completed", "inferenceId": "b" * 32 + "-1", "requestParameters": {}}

    told = [tell(message(content), rows) for content in (wrapped, inference)]

    assert [each.document_id for each in told] == [ID, ID]
    assert told[0].what == "OCR job j1 SUCCEEDED"
    assert all(TOKEN not in str(each) for each in told)


def test_what_nobody_can_read_is_told_without_its_content(deployed: Stack) -> None:
    strange = DeadMessage("m", "r", "secret words of a document", NOW, {})

    assert tell(strange, rows_of(deployed)).what == "a call without content"
    assert tell(message({"secret": "words"}), rows_of(deployed)).what == "of an unknown kind"


# ---- where to


def test_an_upload_goes_back_to_the_intake_queue_with_nothing_changed(deployed: Stack) -> None:
    put(deployed, "IntakeDeadLetters", upload(), RULE_ARN=RULE, ERROR_CODE="NO_PERMISSIONS")

    code, output = invoke("dlq", "redrive", "intake", "--yes")

    assert code == 0
    assert "upload mail/invoice.pdf: sent to IntakeQueue" in output
    assert "1 of 1 message(s) redriven, 0 left where they were" in output
    assert inside(deployed, "IntakeDeadLetters") == []
    assert [json.loads(body) for body in inside(deployed, "IntakeQueue")] == [upload()]


def test_what_two_queues_give_up_goes_back_to_its_own(deployed: Stack) -> None:
    desk = {"Kind": "answered", "LoopName": "recto-1"}
    labelling = [{"Kind": "offer", "Job": "j"}, {"Kind": "consolidate", "Job": "j", "Number": 3}]
    put(deployed, "ReviewDeadLetters", upload("reviews/1/output.json"))
    put(deployed, "ReviewDeadLetters", desk)
    for each in labelling:
        put(deployed, "LabellingDeadLetters", each)

    code, _ = invoke("dlq", "redrive", "--all", "--yes")

    assert code == 0
    went = ("ReviewQueue", "ReviewDeskQueue", "LabellingIntakeQueue", "LabellingConsolidationQueue")
    assert [json.loads(inside(deployed, queue)[0]) for queue in went] == [
        upload("reviews/1/output.json"), desk, *labelling,
    ]  # fmt: skip


JOB_ENDED = {"JobId": "j", "Status": "SUCCEEDED", "API": "StartDocumentTextDetection", "JobTag": "t"}


@pytest.mark.parametrize(
    ("content", "queue"),
    [
        (JOB_ENDED, "TextractQueue"),
        ({"Type": "Notification", "Message": json.dumps(JOB_ENDED)}, "TextractQueue"),
        ({"Action": "recover"}, "TextractPumpQueue"),
    ],
)
def test_an_end_of_an_ocr_job_that_sns_gave_up_is_heard_after_all(
    deployed: Stack, content: dict[str, str], queue: str
) -> None:
    resources = resources_of(deployed)

    route = route_of(message(content), queue_named("TextractDeadLetters"), resources, Noted())

    assert route == ToQueue(queue, resources.name(queue))


def test_sqs_own_word_on_the_source_counts_before_anything_else(deployed: Stack) -> None:
    resources = resources_of(deployed)
    name = resources.name("ReviewDeskQueue").rpartition("/")[2]
    fallen = message(upload())._replace(source_arn=f"arn:aws:sqs:us-east-1:123456789012:{name}")

    route = route_of(fallen, queue_named("ReviewDeadLetters"), resources, Noted())

    assert route == ToQueue("ReviewDeskQueue", resources.name("ReviewDeskQueue"))


@pytest.mark.parametrize(
    "letter",
    [
        message(failed_call(payload={"Action": "recover"})),
        message({"Action": "recover"}, SCHEDULE_ARN="arn:aws:scheduler:x", TARGET_ARN=DISPATCH),
        message({"Action": "recover"}, RULE_ARN=RULE, TARGET_ARN=DISPATCH),
    ],
    ids=["a failed call", "a schedule", "a rule"],
)
def test_calls_are_made_again_as_they_were(deployed: Stack, letter: DeadMessage) -> None:
    route = route_of(letter, queue_named("DispatchFailures"), resources_of(deployed), Noted())

    assert route == ToFunction("recto-test-dispatch", {"Action": "recover"})


def test_an_event_reaches_its_function_as_its_rule_changes_it(deployed: Stack) -> None:
    transformer = {
        "InputPathsMap": {"name": "$.detail.name"},
        "InputTemplate": '{"Action": "recover", "Execution": <name>}',
    }
    event = {"detail-type": "Step Functions Execution Status Change", "detail": {"name": f"{ID}-1"}}
    letter = message(event, RULE_ARN=RULE, TARGET_ARN=DISPATCH)

    route = route_of(
        letter, queue_named("DispatchFailures"), resources_of(deployed), Noted(transformer=transformer)
    )

    assert route == ToFunction("recto-test-dispatch", {"Action": "recover", "Execution": f"{ID}-1"})


def test_a_function_of_another_stack_is_never_called(deployed: Stack) -> None:
    elsewhere = DISPATCH.replace("recto-test", "payroll")
    put(deployed, "DispatchFailures", failed_call(function=elsewhere))
    carrier = Noted()

    (done,) = redriven(deployed, "DispatchFailures", carrier)

    assert done.is_left
    assert "which is none of this stack's" in done.action
    assert carrier.called == []
    assert len(inside(deployed, "DispatchFailures")) == 1


def untold(**more: Any) -> dict[str, Any]:
    """The event of an execution that could not put its event."""
    event = {"Kind": "DocumentProcessed", "Detail": {"DocumentId": ID, "Attempt": 1}}
    detail = {"name": f"{ID}-1-DocumentProcessed", "stateMachineArn": EVENTS, "input": json.dumps(event)}
    kind = "Step Functions Execution Status Change"
    return {"source": "aws.states", "detail-type": kind, "detail": {**detail, **more}}


def test_an_event_that_could_not_be_sent_is_told_by_another_execution_though_its_document_has_ended(
    deployed: Stack,
) -> None:
    add(deployed, ID, "mail/invoice.pdf", status=Status.PROCESSED)
    why = {"error": "EventBridge.FailedEntry", "cause": "the bus is gone"}
    for _ in range(2):  # EventBridge may deliver twice what one execution came to
        put(deployed, "DispatchFailures", untold(**why))
    carrier = Noted()

    shown = invoke("dlq", "show", "dispatch")[1]
    done = redriven(deployed, "DispatchFailures", carrier)

    assert "untold event DocumentProcessed" in shown
    assert "EventBridge.FailedEntry the bus is gone" in shown
    assert [each.action for each in done] == ["started EventStateMachine"] * 2
    ((started, name, body),) = set(carrier.started)
    assert (started, json.loads(body)["Detail"]["DocumentId"]) == (EVENTS, ID)
    assert name.endswith("-again")
    assert inside(deployed, "DispatchFailures") == []


@pytest.mark.parametrize(
    ("more", "why"),
    [
        (
            {"stateMachineArn": "arn:aws:states:us-east-1:1:stateMachine:payroll"},
            "which DispatchFailures is not",
        ),
        ({"input": None}, "was given more than an event can say"),
    ],
)
def test_an_execution_that_cannot_be_started_again_is_left(
    deployed: Stack, more: dict[str, Any], why: str
) -> None:
    put(deployed, "DispatchFailures", untold(**more))
    carrier = Noted()

    (done,) = redriven(deployed, "DispatchFailures", carrier)

    assert (done.is_failure, carrier.started) == (True, [])
    assert why in done.action
    assert len(inside(deployed, "DispatchFailures")) == 1


# ---- none is lost, none goes in circles


def test_what_cannot_be_sent_stays_and_stops_no_other(deployed: Stack) -> None:
    put(deployed, "IntakeDeadLetters", upload("a.pdf"))
    put(deployed, "IntakeDeadLetters", upload("b.pdf"))

    done = redriven(deployed, "IntakeDeadLetters", Noted(ServiceUnavailableError("SendMessage: 500")))

    assert [each.is_failure for each in done] == [True, True]
    assert all("left: ServiceUnavailableError: SendMessage: 500" in each.action for each in done)
    assert len(inside(deployed, "IntakeDeadLetters")) == 2


def test_a_message_that_comes_back_during_a_redrive_waits_for_the_next(deployed: Stack) -> None:
    put(deployed, "IntakeDeadLetters", upload())

    class Circle(Noted):
        def send(self, url: str, body: str, attributes: Mapping[str, Any]) -> None:
            super().send(url, body, attributes)
            put(deployed, "IntakeDeadLetters", json.loads(body), RectoRedriven="1")

    carrier = Circle()

    assert len(redriven(deployed, "IntakeDeadLetters", carrier)) == 1
    assert len(carrier.sent) == 1
    assert "redriven 1 time(s) before" in invoke("dlq", "show", "intake", "--no-logs")[1]


def test_a_document_that_has_ended_is_left_and_says_how_to_go_on(deployed: Stack) -> None:
    put(deployed, "IntakeDeadLetters", upload())
    document = uploads_of(json.dumps(upload()))[0].document_id
    add(deployed, document, "mail/invoice.pdf", status=Status.FAILED, error="EmptyDocumentError")

    code, output = invoke("dlq", "redrive", "intake", "--yes")

    assert code == 0
    assert f"is FAILED, EmptyDocumentError; recto reprocess {document[:8]} goes on with it" in output
    assert inside(deployed, "IntakeQueue") == []

    invoke("dlq", "redrive", "intake", "--yes", "--discard-ended")

    assert (
        boto3.client("sqs").get_queue_attributes(
            QueueUrl=resources_of(deployed).name("IntakeDeadLetters"), AttributeNames=["All"]
        )["Attributes"]["ApproximateNumberOfMessages"]
        == "0"
    )


def test_an_audits_answer_goes_on_although_its_document_has_ended(deployed: Stack) -> None:
    add(deployed, ID, "a.pdf", status=Status.PROCESSED)
    review = ReviewRow(
        review_id="r1", document_id=ID, attempt=1, task_token="", kind="audit", created=NOW,
        expires=NOW, output_prefix="reviews", loop_name="recto-r1",
    )  # fmt: skip
    assert deployed.reviews.add(review)
    rows: Rows = rows_of(deployed)

    audit = tell(message(upload("audits/recto-r1/output.json")), rows)

    assert (audit.document_id, audit.needs_no_more) == (ID, False)


def test_only_one_document_and_only_so_many(deployed: Stack) -> None:
    for number in range(3):
        put(deployed, "IntakeDeadLetters", upload(f"{number}.pdf"))
    wanted = uploads_of(json.dumps(upload("1.pdf")))[0].document_id

    chosen = redriven(deployed, "IntakeDeadLetters", Noted(), Wanted(document_id=wanted))
    some = redriven(deployed, "IntakeDeadLetters", Noted(), Wanted(limit=1))

    assert [each.told.what for each in chosen] == ["upload 1.pdf"]
    assert len(some) == 1
    assert len(inside(deployed, "IntakeDeadLetters")) == 1


# ---- what is asked for


def test_nothing_is_sent_before_somebody_says_yes(deployed: Stack) -> None:
    put(deployed, "IntakeDeadLetters", upload())

    code, _ = invoke("dlq", "redrive", "intake")

    assert code == 1
    assert inside(deployed, "IntakeQueue") == []


def test_a_queue_is_named_by_its_beginning(deployed: Stack) -> None:
    assert queue_named("textract").name == "TextractDeadLetters"
    with pytest.raises(ConfigurationError, match="several queues: expected one of ReviewDeadLetters, Rev"):
        queue_named("review")
    with pytest.raises(ConfigurationError, match="'nothing' is no dead-letter queue"):
        queue_named("nothing")
    assert runner.invoke(app, ["--project", PROJECT, "dlq", "redrive"]).exit_code == 2


def test_sqs_moves_a_queue_by_itself(deployed: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    put(deployed, "IntakeDeadLetters", upload())
    sqs = boto3.client("sqs")
    arn = "arn:aws:sqs:us-east-1:123456789012:q"
    found = {"Attributes": {"QueueArn": arn}}
    moving = {"Status": "RUNNING", "ApproximateNumberOfMessagesMoved": 0}
    moved = {"Status": "COMPLETED", "ApproximateNumberOfMessagesMoved": 1}
    with Stubber(sqs) as stub:
        stub.add_response("get_queue_attributes", found)
        stub.add_response("get_queue_attributes", found)
        stub.add_response(
            "start_message_move_task", {"TaskHandle": "t"}, {"SourceArn": arn, "DestinationArn": arn}
        )
        for task in (moving, moved):
            stub.add_response("list_message_move_tasks", {"Results": [task]})
        real = redriving.client
        monkeypatch.setattr(redriving, "client", lambda *names: sqs if names[0] == "sqs" else real(*names))
        letters = Letters(queue_named("intake"), resources_of(deployed))

        states = list(redriving.move_all(letters, resources_of(deployed), lambda: None))

    assert [state.status for state in states] == ["RUNNING", "COMPLETED"]


@pytest.mark.parametrize("queue", ["ReviewDeadLetters", "DispatchFailures"])
def test_sqs_cannot_move_what_other_things_fed(deployed: Stack, queue: str) -> None:
    put(deployed, queue, {"Action": "recover"})

    outcome = runner.invoke(app, ["--project", PROJECT, "dlq", "redrive", queue, "--in-bulk", "--yes"])

    assert isinstance(outcome.exception, ConfigurationError)
    assert "leave --in-bulk out" in str(outcome.exception)
