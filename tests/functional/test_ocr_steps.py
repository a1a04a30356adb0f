"""OCR jobs: billed once, never forgotten, their pages stored whole whatever the deadlines."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import boto3
import pytest

from recto.aws.admission import OcrJobRows
from recto.aws.dynamodb import Table
from recto.aws.s3 import S3Objects
from recto.errors import ConfigurationError, PageCountMismatchError
from recto.messages import DocumentRef, OcrJob, OcrOutput, TextractFetchRequest, TextractStartRequest
from recto.pagestore import PageIndex
from recto.places import DocumentPlaces, Location
from recto.ports import OcrJobRow, OcrRequest
from recto.steps import ocr_fetch
from recto.steps.ocr_fetch import OcrFetch, fetch
from recto.steps.ocr_gate import Gate
from recto.steps.ocr_job import OcrStart, hear_of_end, notification_of, start_ocr, tag_of
from recto.steps.stored_pages import stored_pages
from tests.fakes import FakeClock, FakeOcr, FakeWorkflow
from tests.functional.conftest import INBOX, WORK
from tests.gate_fakes import gate_of

DOCUMENT = DocumentRef(document_id="d1", bucket=INBOX, key="a.pdf", release="releases/one")


def block(kind: str, page: int, number: int = 0, text: str = "") -> dict[str, Any]:
    box = {"Left": 0.1, "Top": 0.1 + number * 0.001, "Width": 0.1, "Height": 0.01}
    found = {
        "BlockType": kind,
        "Id": f"{kind}-{page}-{number}",
        "Page": page,
        "Geometry": {"BoundingBox": box},
    }
    return {**found, "Text": text, "Confidence": 99.0} if text else found


def document_of(num_pages: int, words: int = 5, without: tuple[int, ...] = ()) -> list[dict[str, Any]]:
    blocks = []
    for page in range(1, num_pages + 1):
        if page in without:
            continue
        blocks.append(block("PAGE", page))
        blocks += [block("WORD", page, number, f"w{page}.{number}") for number in range(words)]
    return blocks


def gate(ocr: FakeOcr, jobs: OcrJobRows, workflow: FakeWorkflow) -> Gate:
    return gate_of(ocr, workflow, FakeClock(), jobs=jobs)


def start_step(ocr: FakeOcr, jobs: OcrJobRows, workflow: FakeWorkflow) -> OcrStart:
    return OcrStart(gate(ocr, jobs, workflow), NoDocuments(), (), timedelta(days=8))  # type: ignore[arg-type]


class NoDocuments:
    """The OCR state machine's documents have no rows."""

    def find(self, document: str) -> None: ...


@pytest.fixture
def jobs(table: Table) -> OcrJobRows:
    return OcrJobRows(table)


def notified(tag: str, job: str = "job-0", status: str = "SUCCEEDED") -> str:
    message = {"JobId": job, "Status": status, "API": "StartDocumentTextDetection", "JobTag": tag}
    return json.dumps({"Type": "Notification", "Message": json.dumps(message)})


def test_the_row_is_there_before_the_job_and_the_notification_calls_back(jobs: OcrJobRows) -> None:
    ocr, workflow = FakeOcr(status="IN_PROGRESS"), FakeWorkflow()
    start_ocr(TextractStartRequest(document=DOCUMENT, task_token="t1"), start_step(ocr, jobs, workflow))
    assert workflow.succeeded == []

    ocr.status = "SUCCEEDED"
    hear_of_end(notification_of(notified(tag_of(DOCUMENT, ()))), gate(ocr, jobs, workflow))

    ((token, output),) = workflow.succeeded
    assert (token, output["JobId"]) == ("t1", "job-0")


def test_a_retried_state_joins_the_same_job_and_hears_of_its_end_without_a_notification(
    jobs: OcrJobRows,
) -> None:
    ocr, workflow = FakeOcr(status="IN_PROGRESS"), FakeWorkflow()
    step = start_step(ocr, jobs, workflow)
    start_ocr(TextractStartRequest(document=DOCUMENT, task_token="t1"), step)

    ocr.status = "SUCCEEDED"
    start_ocr(TextractStartRequest(document=DOCUMENT, task_token="t2"), step)

    assert len(ocr.requests) == 1
    assert [token for token, _ in workflow.succeeded] == ["t2"]


def test_a_slow_call_takes_no_token_of_a_newer_try_away(jobs: OcrJobRows) -> None:
    """The state machine gave the first call up while it still went on."""
    workflow = FakeWorkflow()

    class Slow(FakeOcr):
        def start(self, request: OcrRequest) -> str:
            if not self.requests:
                self.requests.append(request)
                start_ocr(TextractStartRequest(document=DOCUMENT, task_token="t2"), step)
            return super().start(request)

    ocr = Slow(status="IN_PROGRESS")
    step = start_step(ocr, jobs, workflow)
    start_ocr(TextractStartRequest(document=DOCUMENT, task_token="t1"), step)

    ocr.status = "SUCCEEDED"
    hear_of_end(notification_of(notified(tag_of(DOCUMENT, ()))), gate(ocr, jobs, workflow))

    assert [token for token, _ in workflow.succeeded] == ["t2"]


def test_another_execution_attempt_does_not_pay_again_but_another_ocr_attempt_does() -> None:
    same = DOCUMENT.model_copy(update={"attempt": 2})
    new = DOCUMENT.model_copy(update={"ocr_attempt": 2})

    assert tag_of(same, ()) == tag_of(DOCUMENT, ())
    assert tag_of(new, ()) != tag_of(DOCUMENT, ())
    assert tag_of(DOCUMENT, ("TABLES",)) != tag_of(DOCUMENT, ())
    assert len(tag_of(DOCUMENT, ())) <= 64


def test_a_failed_job_is_a_failure_by_name_with_the_services_reason(jobs: OcrJobRows) -> None:
    ocr, workflow = FakeOcr(status="FAILED", message="INVALID_IMAGE_TYPE"), FakeWorkflow()
    jobs.ask(OcrJobRow(tag="tag", document_id="d1", task_token="t1"), FakeClock()())

    hear_of_end(notification_of(notified("tag", status="FAILED")), gate(ocr, jobs, workflow))

    ((token, error, cause),) = workflow.failed
    assert (token, error) == ("t1", "OcrFailedError")
    assert "FAILED: INVALID_IMAGE_TYPE" in cause
    assert "d1" in cause


def test_a_notification_without_a_row_is_an_error_that_keeps_the_message(jobs: OcrJobRows) -> None:
    with pytest.raises(ConfigurationError, match="no row for its tag 'gone'"):
        hear_of_end(notification_of(notified("gone")), gate(FakeOcr(), jobs, FakeWorkflow()))


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"Type": "Notification", "Message": "hello"}'])
def test_a_message_that_is_no_notification_is_refused(body: str) -> None:
    with pytest.raises(ConfigurationError, match="expected Textract's notification"):
        notification_of(body)


class Deadline:
    """Runs out after so many questions, each time anew."""

    def __init__(self, after: int) -> None:
        self.after, self.asked = after, 0

    def __call__(self) -> bool:
        self.asked += 1
        return self.asked > self.after


def fetch_all(
    ocr: FakeOcr, objects: S3Objects, late: Callable[[], Callable[[], bool]], **request: Any
) -> list[Any]:
    job = OcrJob(job_id="job-0")
    responses = []
    while not responses or not responses[-1].done:
        assert len(responses) < 100
        so_far = responses[-1] if responses else None
        going_on = (
            {
                "next_token": so_far.next_token,
                "pages_done": so_far.pages_done,
                "part": so_far.part,
                "upload": so_far.upload,
            }
            if so_far
            else {}
        )
        step = OcrFetch(ocr, objects, objects, WORK, late())
        responses.append(fetch(TextractFetchRequest(document=DOCUMENT, job=job, **request, **going_on), step))
    return responses


def stored(objects: S3Objects, num_pages: int) -> list[list[str]]:
    places = DocumentPlaces(WORK, "d1")
    index = PageIndex.from_json(objects.read(places.ocr_index))
    assert index.num_pages == num_pages
    return [[word.text for word in page.words] for page in stored_pages(objects, places, index, 1, num_pages)]


@pytest.mark.parametrize("page_size", [1000, 7, 1])
@pytest.mark.parametrize("deadline", [0, 1, 3, 10_000])
def test_every_page_is_stored_whole_whatever_the_deadline(
    objects: S3Objects, page_size: int, deadline: int
) -> None:
    ocr = FakeOcr(document_of(12), num_pages=12, page_size=page_size)

    responses = fetch_all(ocr, objects, lambda: Deadline(deadline))

    assert responses[-1].pages_done == 12
    assert (len(responses) > 1) == (deadline < 11)
    assert stored(objects, 12) == [[f"w{page}.{n}" for n in range(5)] for page in range(1, 13)]


def test_a_long_document_is_stored_in_parts_of_a_hundred_pages(objects: S3Objects) -> None:
    ocr = FakeOcr(document_of(230, words=1), num_pages=230)

    (response,) = fetch_all(ocr, objects, lambda: Deadline(10_000))

    assert response.part == 3
    assert stored(objects, 230)[229] == ["w230.0"]


def test_a_page_that_the_ocr_lost_is_an_error(objects: S3Objects) -> None:
    ocr = FakeOcr(document_of(5, without=(3,)), num_pages=5)

    with pytest.raises(PageCountMismatchError, match="page 3 is missing"):
        fetch_all(ocr, objects, lambda: Deadline(100))


def test_a_last_page_that_the_ocr_lost_is_an_error(objects: S3Objects) -> None:
    ocr = FakeOcr(document_of(5, without=(5,)), num_pages=5)

    with pytest.raises(PageCountMismatchError, match="page 5 is missing"):
        fetch_all(ocr, objects, lambda: Deadline(100))


def test_a_page_that_the_ocr_says_it_could_not_read_stays_as_an_empty_page(objects: S3Objects) -> None:
    warnings = [{"ErrorCode": "BAD_PAGE", "Pages": [3, 5]}]
    ocr = FakeOcr(document_of(5, without=(3, 5)), num_pages=5, warnings=warnings, status="PARTIAL_SUCCESS")

    fetch_all(ocr, objects, lambda: Deadline(100))

    assert [len(words) for words in stored(objects, 5)] == [5, 5, 0, 5, 0]


@pytest.mark.parametrize("upload_bytes", [10**9, 400])
@pytest.mark.parametrize("deadline", [0, 10_000])
def test_the_consolidated_json_is_the_jobs_whole_result(
    objects: S3Objects, monkeypatch: pytest.MonkeyPatch, upload_bytes: int, deadline: int
) -> None:
    monkeypatch.setattr(ocr_fetch, "UPLOAD_BYTES", upload_bytes)
    monkeypatch.setattr("moto.settings.S3_UPLOAD_PART_MIN_SIZE", 1, raising=False)
    monkeypatch.setattr("moto.s3.models.S3_UPLOAD_PART_MIN_SIZE", 1, raising=False)
    blocks = document_of(6)
    ocr = FakeOcr(blocks, num_pages=6, page_size=7)

    responses = fetch_all(
        ocr, objects, lambda: Deadline(deadline), output=OcrOutput(bucket=WORK, prefix="corpora/textracted")
    )

    place = Location(bucket=WORK, key="corpora/textracted/a.pdf.textract.json")
    assert responses[-1].location == {"Bucket": WORK, "Key": place.key, "S3Uri": place.uri}
    result = json.loads(objects.read(place))
    assert result["Blocks"] == blocks
    assert result["DocumentMetadata"] == {"Pages": 6}
    assert (len(responses) > 1) == (upload_bytes == 400 and deadline == 0)
    assert "Uploads" not in boto3.client("s3").list_multipart_uploads(Bucket=WORK)


def test_an_output_without_a_place_is_refused(objects: S3Objects) -> None:
    with pytest.raises(ConfigurationError, match="Key or Prefix"):
        fetch_all(FakeOcr(document_of(1)), objects, lambda: Deadline(9), output=OcrOutput(bucket=WORK))
