"""How full and how old everything is, as the minute's round tells it."""

from datetime import timedelta

import pytest
from aws_lambda_powertools import Metrics

from recto.aws.gauges import tell_gauges, tell_leases
from recto.messages import Status
from recto.ports import DocumentRow
from recto.steps.gauges import LOOKED_AT, Reading, Standing, read_gauges
from tests.fakes import FakeClock
from tests.memory import MemoryDocuments

NOTHING = Standing(0, 0.0)


def rows(documents: MemoryDocuments, status: Status, *minutes: int, clock: FakeClock) -> None:
    """Documents that have stood so many minutes in a status, in the order of their uploads."""
    for number, since in enumerate(minutes):
        now = clock.now
        uploaded = now - timedelta(days=1) + timedelta(seconds=number)
        row = DocumentRow(
            document_id=f"{status}-{number}", status=status, bucket="b", key="k", received=uploaded,
            updated=now - timedelta(minutes=since),
        )  # fmt: skip
        documents.rows[row.document_id] = row


def test_the_oldest_is_the_one_that_has_stood_longest_whenever_it_was_uploaded() -> None:
    clock, documents = FakeClock(), MemoryDocuments()
    rows(documents, Status.WAITING, 5, 90, 1, clock=clock)
    rows(documents, Status.IN_REVIEW, 600, clock=clock)

    reading = read_gauges(documents, clock)

    assert reading.waiting == (3, pytest.approx(5400))
    assert reading.running == NOTHING
    assert reading.in_review == (1, pytest.approx(36000))


def test_more_than_are_looked_at_are_counted() -> None:
    clock, documents = FakeClock(), MemoryDocuments()
    rows(documents, Status.RUNNING, *range(LOOKED_AT + 5), clock=clock)

    assert read_gauges(documents, clock).running.number == LOOKED_AT + 5


def test_an_idle_deployment_reports_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Recto/test")
    metrics = Metrics()

    tell_gauges(Reading(NOTHING, NOTHING, NOTHING), metrics)
    tell_leases("documents", 0, 90)

    assert not metrics.metric_set
    assert capsys.readouterr().out == ""
