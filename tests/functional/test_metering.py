"""What calls use is written down, added up once, and never stands in the work's way."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from aws_lambda_powertools import Logger, Metrics

from recto.aws import metering
from recto.aws.calls import TALLY
from recto.aws.dynamodb import Table
from recto.aws.ledger import Ending, LedgerRows, UseRows, close_account, uses_of
from recto.aws.s3 import S3Objects
from recto.aws.shell import Handler, name_document, observed
from recto.cost import Unit, cost_of
from recto.messages import DocumentRef
from recto.places import Location
from recto.ports import UseRow
from recto.prices import prices_of
from recto.steps.async_inference import InferenceNotice

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DOCUMENT = "0a" * 16
REF = DocumentRef(document_id=DOCUMENT, bucket="inbox", key="a.pdf")


class Context:
    """What Lambda says of an invocation."""

    function_name, memory_limit_in_mb, aws_request_id = "recto-test", 1024, "request-1"
    invoked_function_arn = "arn:aws:lambda:us-east-1:1:function:recto-test"


@pytest.fixture(autouse=True)
def function(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("DOCUMENT_TABLE", "documents")
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "page_images")
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Recto")
    yield
    TALLY.take()


def invoke(work: Any, event: dict[str, Any] | None = None) -> None:
    logger, metrics = Logger(), Metrics()

    @observed(logger, metrics)
    def handler(event: dict[str, Any], context: Any) -> None:
        name_document(logger, REF)
        work()

    told: Handler = handler
    told(event or {}, Context())


def test_a_call_leaves_one_row_with_what_it_used(table: Table, objects: S3Objects) -> None:
    def work() -> None:
        objects.write(Location(bucket="work", key="a"), b"1")
        objects.read(Location(bucket="work", key="a"))
        objects.info(Location(bucket="work", key="a"))
        metering.pages_read(3, ("TABLES", "LAYOUT"))

    invoke(work)
    (row,) = UseRows(table).of_document(DOCUMENT)

    assert (row.step, row.attempt, row.request_id, row.memory_mb) == ("page_images", 1, "request-1", 1024)
    assert row.units[Unit.S3_WRITE] == 1
    assert row.units[Unit.S3_READ] == 2
    assert row.units[Unit.TEXTRACT_TABLES] == 3
    assert row.units[Unit.DYNAMODB_WRITE] == 1  # of the row itself
    assert row.units[Unit.LAMBDA_REQUEST] == 1
    seconds = [row.units[unit] for unit in row.units if unit.startswith("lambda.gb_second")]
    assert seconds[0] >= Decimal("0.015")


def test_the_same_call_written_again_is_one_row(table: Table) -> None:
    invoke(lambda: None)
    invoke(lambda: None)

    assert len(UseRows(table).of_document(DOCUMENT)) == 1


def test_a_call_that_fails_has_used_something_too(table: Table) -> None:
    def work() -> None:
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError, match="a bug"):
        invoke(work)

    assert len(UseRows(table).of_document(DOCUMENT)) == 1


def test_where_nothing_can_be_written_the_work_is_done_and_a_metric_says_so(
    monkeypatch: pytest.MonkeyPatch, table: Table, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DOCUMENT_TABLE", "no-such-table")
    done: list[int] = []

    invoke(lambda: done.append(1))

    assert done == [1]
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert any("UseUnwritten" in line for line in lines)


def test_documents_of_one_batch_share_its_cost(table: Table) -> None:
    message = {"eventSource": "aws:sqs", "body": '{"detail-type": "Object Created"}'}

    invoke(lambda: metering.about("0b" * 16, 1), {"Records": [message] * 4})
    (row,) = UseRows(table).of_document(DOCUMENT)
    (other,) = UseRows(table).of_document("0b" * 16)

    assert row.units == other.units
    assert row.units[Unit.LAMBDA_REQUEST] == Decimal("0.5")
    assert row.units[Unit.SQS_REQUEST] == 3  # four sent, one receive and one delete, shared by two
    assert row.units[Unit.EVENTS_EVENT] == 2


def test_what_came_before_belongs_to_nobody(table: Table, objects: S3Objects) -> None:
    objects.write(Location(bucket="work", key="of-a-cold-start"), b"1")

    invoke(lambda: None)

    (row,) = UseRows(table).of_document(DOCUMENT)
    assert Unit.S3_WRITE not in row.units


def call(step: str, request: str, attempt: int = 1, **units: str) -> UseRow:
    counted = {Unit(name.replace("_", ".", 1)): Decimal(amount) for name, amount in units.items()}
    return UseRow(document_id=DOCUMENT, attempt=attempt, step=step, request_id=request, units=counted)


def closed(table: Table, attempt: int, failure: str = "") -> bool:
    own = call("publish", "own", attempt, lambda_request="1")
    return bool(close_account(Ending(DOCUMENT, attempt, "live", failure), own, table, NOW))


def test_an_attempt_is_added_to_the_days_ledger_once(table: Table) -> None:
    uses = UseRows(table)
    for row in (
        call("textract_fetch", "r1", textract_text="2"),
        call("intake", "r2", s3_read="1"),
        call("textract_callback", "r3", 0, sqs_request="3"),
    ):
        uses.put(row, NOW)

    assert closed(table, 1)
    assert not closed(table, 1)

    (day,) = LedgerRows(table).month("2026-11")
    units = {(use.step, unit): amount for use in day.uses for unit, amount in use.units.items()}
    assert (day.date, day.lane, day.documents) == ("2026-11-22", "live", 1)
    assert units["textract_fetch", Unit.TEXTRACT_TEXT] == 2
    assert units["textract_callback", Unit.SQS_REQUEST] == 3
    assert units["publish", Unit.LAMBDA_REQUEST] == 1
    assert units["state_machine", Unit.STATES_TRANSITION] > 0


def test_another_attempt_adds_its_own_and_nothing_twice(table: Table) -> None:
    uses = UseRows(table)
    uses.put(call("textract_fetch", "r1", 1, textract_text="2"), NOW)
    closed(table, 1, "DamagedDocumentError")
    uses.put(call("textract_fetch", "r2", 2, textract_text="2"), NOW)
    closed(table, 2)

    (day,) = LedgerRows(table).month("2026-11")
    read = sum(use.units.get(Unit.TEXTRACT_TEXT, Decimal(0)) for use in day.uses)
    assert (day.documents, read) == (2, 4)


def test_an_attempt_that_was_interrupted_counts_with_the_next_one_that_ends(table: Table) -> None:
    uses = UseRows(table)
    for attempt in (1, 2, 4):
        uses.put(call("textract_fetch", f"r{attempt}", attempt, textract_text="2"), NOW)
    closed(table, 2)
    closed(table, 1)  # ended late: it is counted already
    closed(table, 4)

    (day,) = LedgerRows(table).month("2026-11")
    assert sum(use.units.get(Unit.TEXTRACT_TEXT, Decimal(0)) for use in day.uses) == 6


def test_days_lanes_and_shards_are_kept_apart_and_summed(table: Table) -> None:
    ledger = LedgerRows(table)
    uses = uses_of([call("publish", "r", s3_write="1")])
    for number in range(20):
        ledger.add(f"{number:02x}" * 16, 1, "live", uses, NOW)
    ledger.add("ff" * 16, 1, "backfill", uses, NOW)
    ledger.add("fe" * 16, 1, "live", uses, NOW.replace(month=12))

    backfill, live = ledger.month("2026-11")

    assert (backfill.documents, live.documents) == (1, 20)
    assert cost_of(live.uses, prices_of("us-east-1")).quantity(Unit.S3_WRITE) == 20


def test_a_month_that_is_none_is_refused(table: Table) -> None:
    with pytest.raises(ValueError, match="yyyy-mm, got '2026-13'"):
        LedgerRows(table).month("2026-13")


def test_a_trace_is_charged_once_for_all_its_calls() -> None:
    rows = [
        call("a", "1").model_copy(update={"trace": "1-x"}),
        call("b", "2").model_copy(update={"trace": "1-x"}),
    ]

    cost = cost_of(uses_of(rows), prices_of("us-east-1"))

    assert cost.quantity(Unit.XRAY_TRACE) == 1


@pytest.mark.parametrize(
    ("times", "seconds"),
    [
        ({"receivedTime": "2026-11-22T12:00:00.250Z", "eventTime": "2026-11-22T12:00:03Z"}, 2.75),
        ({"receivedTime": "2026-11-22T12:00:03Z", "eventTime": "2026-11-22T12:00:00Z"}, 0.0),
        ({}, 0.0),
        ({"receivedTime": "just now", "eventTime": 3}, 0.0),
    ],
)
def test_an_endpoints_seconds_are_those_that_sagemaker_tells(times: dict[str, Any], seconds: float) -> None:
    body = json.dumps({"invocationStatus": "Completed", "inferenceId": "recto-1", **times})

    notice = InferenceNotice.model_validate_json(body)

    assert notice.seconds == seconds
