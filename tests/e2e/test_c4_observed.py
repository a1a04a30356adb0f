"""What a run tells of itself: the upload's name in every line about its document; metrics, alarms."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

import pytest

from recto.messages import Status
from recto.ports import DocumentRow
from tests.contract.metrics import Reported, reported
from tests.contract.template import resources
from tests.e2e.conftest import SAMPLES, Pipeline, wait_for
from tests.e2e.traces import function_logs

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

ORDER = "order-4711"
STEPS = {"intake", "dispatch", "page_images", "textract_start", "textract_fetch", "entity_postprocess"}


class Observed(NamedTuple):
    """One document, and since when."""

    row: DocumentRow
    began: datetime


@pytest.fixture(scope="module")
def observed(pipeline: Pipeline) -> Observed:
    began, key = datetime.now(UTC), "observed/letter.pdf"
    body = (SAMPLES / "letter.pdf").read_bytes()
    s3 = pipeline.client("s3")
    s3.put_object(Bucket=pipeline.inbox, Key=key, Body=body, Metadata={"correlation-id": ORDER})

    def settled() -> DocumentRow | None:
        found = pipeline.documents.of_source(pipeline.inbox, key)
        row = pipeline.documents.find(found[0]) if found else None
        return row if row and row.status in (Status.PROCESSED, Status.IN_REVIEW, Status.FAILED) else None

    return Observed(wait_for(settled, 240, lambda: pipeline.documents.of_source(pipeline.inbox, key)), began)


def structured(pipeline: Pipeline, since: datetime) -> Iterator[dict[str, Any]]:
    for lines in function_logs(pipeline, since).values():
        for line in lines:
            if line.startswith("{"):
                yield json.loads(line)


def test_every_line_about_a_document_has_the_name_that_its_upload_gave(
    pipeline: Pipeline, observed: Observed
) -> None:
    assert observed.row.status in (Status.PROCESSED, Status.IN_REVIEW), observed.row.cause
    assert observed.row.correlation_id == ORDER

    told = [
        line for line in structured(pipeline, observed.began) if observed.row.document_id in json.dumps(line)
    ]

    unnamed = [line for line in told if line.get("correlation_id") != ORDER]
    assert not unnamed
    assert {line["service"] for line in told} >= STEPS


def test_what_is_reported_is_what_the_code_says_it_reports(pipeline: Pipeline, observed: Observed) -> None:
    """In the project's own namespace, with the dimensions that dashboard and alarms look for."""
    seen, namespaces = set(), set()
    for line in structured(pipeline, observed.began):
        for part in line.get("_aws", {}).get("CloudWatchMetrics", ()):
            namespaces.add(part["Namespace"])
            dimensions = frozenset(part["Dimensions"][0]) - {"service"}
            seen |= {Reported(each["Name"], line["service"], dimensions) for each in part["Metrics"]}

    assert namespaces == {f"Recto/{pipeline.info.project}"}
    assert seen <= reported()
    assert {"DocumentsWaiting", "DocumentsStarted", "OcrJobsAskedFor", "PagesFetched", "ReviewsNeeded"} <= {
        each.name for each in seen
    }


def test_alarms_and_dashboard_are_deployed(pipeline: Pipeline) -> None:
    watch, project = pipeline.client("cloudwatch"), pipeline.info.project

    names = {alarm["AlarmName"] for alarm in watch.describe_alarms()["MetricAlarms"]}
    body = watch.get_dashboard(DashboardName=project)["DashboardBody"]

    wanted = [alarm["AlarmName"]["Sub"] for alarm in resources("AWS::CloudWatch::Alarm").values()]
    assert {name.replace("${ProjectId}", project) for name in wanted} - names <= {f"{project}-budget-used"}
    assert len(json.loads(body)["widgets"]) > 20
    assert "${" not in body
