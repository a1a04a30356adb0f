"""The functions around a review as Lambda calls them: what they tell the desk, metrics and the next round."""

import json
from datetime import timedelta
from typing import Any

import boto3
import pytest

from recto.aws.dynamodb import DocumentRows, ReviewRows
from recto.aws.s3 import S3Objects
from recto.errors import ServiceUnavailableError, ThrottledError
from recto.messages import Message, Status
from recto.places import DocumentPlaces, Location
from recto.ports import DocumentRow, ReviewRow
from tests.fakes import FakeClock
from tests.functional.conftest import REVIEWS, WORK
from tests.functional.test_handlers import Context, load
from tests.functional.test_review_steps import FOUND, RELEASE, write_release

COMMON = {
    "DOCUMENT_TABLE": "documents",
    "WORK_BUCKET": WORK,
    "POWERTOOLS_METRICS_NAMESPACE": "Recto",
}
RIGHT = {"field-value-Provider Name": "ACME Bank", "field-multival-0-Card Name": "Silver"}


@pytest.fixture(autouse=True)
def telling(events_machine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVENT_STATE_MACHINE_ARN", events_machine)


@pytest.fixture
def desk_queue() -> str:
    return str(boto3.client("sqs").create_queue(QueueName="desk")["QueueUrl"])


@pytest.fixture
def published(objects: S3Objects, documents: DocumentRows, reviews: ReviewRows) -> ReviewRow:
    """A document that was published, and its audit, which is open."""
    write_release(objects)
    now = FakeClock()()
    documents.add(
        DocumentRow(
            document_id="d1", status=Status.PROCESSED, bucket="inbox", key="a.pdf", received=now, updated=now,
            release=RELEASE,
        )
    )  # fmt: skip
    place = DocumentPlaces(WORK, "d1").result
    objects.write(place, json.dumps({**FOUND, "DocumentId": "d1", "Attempt": 1, "Reviewed": False}).encode())
    row = ReviewRow(
        review_id="audit1", document_id="d1", kind="audit", created=now, expires=now + timedelta(days=10),
        loop_name="recto-audit1", release=RELEASE, result=place.uri,
    )  # fmt: skip
    reviews.add(row)
    return row


def news_of(queue: str) -> list[dict[str, Any]]:
    messages = boto3.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
    return [json.loads(message["Body"]) for message in messages]


def message_of(place: Location) -> dict[str, Any]:
    """SQS's event with EventBridge's of a new object in it."""
    detail = {"bucket": {"name": place.bucket}, "object": {"key": place.key, "etag": "e", "sequencer": "1"}}
    body = json.dumps({"detail-type": "Object Created", "source": "aws.s3", "detail": detail})
    record = {"messageId": "m1", "receiptHandle": "h", "body": body, "eventSource": "aws:sqs"}
    return {"Records": [record | {"attributes": {}, "messageAttributes": {}, "eventSourceARN": "arn"}]}


def metrics_in(printed: str) -> dict[str, Any]:
    lines = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
    return next(line for line in lines if "_aws" in line)


def test_an_audits_answer_is_counted_in_metrics_and_told_to_the_desk(
    published: ReviewRow,
    objects: S3Objects,
    desk_queue: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    place = Location(bucket=REVIEWS, key="reviews/x/recto-audit1/output.json")
    output = {
        "inputContent": {"ReviewId": "audit1"},
        "humanAnswers": [{"workerId": "w", "answerContent": RIGHT}],
    }
    objects.write(place, json.dumps(output).encode())
    app = load(
        "a2i_callback", "app", monkeypatch, **COMMON, REVIEWS_BUCKET=REVIEWS, DESK_QUEUE_URL=desk_queue,
        AUDIT_WINDOW="500", AUDIT_DRIFT_LEVEL="0.001",
    )  # fmt: skip

    answer = app.lambda_handler(message_of(place), Context())

    assert answer == {"batchItemFailures": []}
    found = metrics_in(capsys.readouterr().out)
    assert (found["AuditedValues"], found["AuditedErrors"], found["AuditDrift"]) == ([2.0], [1.0], [0.0])
    assert found["AuditExcessError"][0] == pytest.approx(0.5 - 0.35)
    news = {"LoopName": "recto-audit1", "Outcome": "audited", "Cause": "", "Answer": place.uri}
    assert news_of(desk_queue) == [news]


def expiry(monkeypatch: pytest.MonkeyPatch, queue: str) -> Any:
    return load(
        "a2i_callback", "expire", monkeypatch, **COMMON, DESK_QUEUE_URL=queue, REVIEW_EXPIRY="escalate",
        REVIEW_AVAILABILITY_SECONDS="864000", REVIEW_HOLD_SECONDS="60", REVIEW_TIMEOUT_SECONDS="1814400",
    )  # fmt: skip


def add_long_due(row: ReviewRow, reviews: ReviewRows) -> None:
    expires = row.expires - timedelta(days=900)
    named = {"review_id": "old", "loop_name": "recto-old", "expires": expires}
    reviews.add(row.model_copy(update=named))


class BusyDesk:
    """A queue that takes nothing now."""

    def tell(self, news: Message) -> None:
        raise ThrottledError("SendMessage: slow down")


def test_the_round_settles_what_is_due_and_says_nothing_where_nothing_is(
    published: ReviewRow, reviews: ReviewRows, desk_queue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    past = published.model_copy(
        update={
            "review_id": "old",
            "loop_name": "recto-old",
            "expires": published.expires - timedelta(days=900),
        }
    )
    reviews.add(past)
    app = expiry(monkeypatch, desk_queue)

    app.lambda_handler({}, Context())

    old = reviews.find("old")
    assert old
    assert old.state == "EXPIRED"
    assert "recto-old" in [news["LoopName"] for news in news_of(desk_queue)]
    app.lambda_handler({}, Context())
    assert news_of(desk_queue) == []


def test_a_review_that_could_not_be_settled_is_told_as_a_failure_of_the_round(
    published: ReviewRow, reviews: ReviewRows, desk_queue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    past = published.model_copy(
        update={
            "review_id": "old",
            "loop_name": "recto-old",
            "expires": published.expires - timedelta(days=900),
        }
    )
    reviews.add(past)
    app = expiry(monkeypatch, desk_queue)
    step = app.wiring()._replace(desk=BusyDesk())
    monkeypatch.setattr(app, "wiring", lambda: step)

    with pytest.raises(ServiceUnavailableError, match=r"1 of \d reviews were not settled"):
        app.lambda_handler({}, Context())
