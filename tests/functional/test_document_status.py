"""The status page's API: lists, one document, doing it again; over rows in memory and in moto's DynamoDB."""

import io
import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest

from recto.aws.dynamodb import Table
from recto.errors import ReprocessRefusedError, ServiceUnavailableError
from recto.messages import OcrJob, ReprocessRequest, Status, Step
from recto.places import DocumentPlaces, Location
from recto.ports import DocumentRow
from recto_workbench.aws.documents import ReprocessFunction, WatchedRows
from recto_workbench.aws.services import S3Links
from recto_workbench.loops import Reason
from recto_workbench.steps.document_status import Consoles, Watch, WatchedDocuments, list_documents
from recto_workbench.steps.review_pages import document_view, shown_by_row, shown_by_task
from tests.functional.test_review_web import (
    DOCUMENT,
    SECRET,
    add_document,
    clock_of,
    documents_of,
    objects_of,
    open_review,
    post,
    refusal,
)
from tests.review_fakes import WatchedMemory
from tests.web_fakes import Bench, make_bench
from tests.workbench_fakes import WORK

DAY = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    made = make_bench(tmp_path)
    add_document(made)
    return made


def row(number: int, status: Status = Status.PROCESSED, received: datetime | None = None) -> DocumentRow:
    moment = received or DAY + timedelta(minutes=number)
    return DocumentRow(
        document_id=f"{number:032x}", status=status, bucket="inbox", key=f"folder/receipt-{number}.pdf",
        received=moment, updated=moment + timedelta(seconds=9), confidence=0.5,
    )  # fmt: skip


@pytest.fixture(params=["memory", "table"])
def watched(request: pytest.FixtureRequest) -> WatchedDocuments:
    if request.param == "memory":
        return WatchedMemory()
    request.getfixturevalue("aws")
    return WatchedRows(Table("documents", "recto-tests"))


def fill(watched: WatchedDocuments, rows: Iterable[DocumentRow]) -> None:
    """The rows themselves, as the table's own `add` writes them; not their histories."""
    table = Table("documents", "recto-tests") if isinstance(watched, WatchedRows) else None
    for each in rows:
        if table is None:
            assert isinstance(watched, WatchedMemory)
            watched.add(each)
        else:
            item = {name: value for name, value in each.model_dump().items() if value not in (None, "")}
            table.put({**item, "pk": f"DOC#{each.document_id}", "sk": "STATE", "status": str(each.status)})


def watch_of(bench: Bench, documents: WatchedDocuments) -> Watch:
    return bench.watch._replace(documents=documents)


# ---- lists


def test_pages_of_a_list_have_every_document_once_newest_first(
    bench: Bench, watched: WatchedDocuments
) -> None:
    """Also where many came in the same moment, across statuses and pages."""
    rows = [row(n, list(Status)[n % 7]) for n in range(90)]
    rows += [row(100 + n, Status.FAILED, DAY) for n in range(70)]
    fill(watched, rows)
    watch = watch_of(bench, watched)

    told, token, pages = [], "", 0
    while True:
        page = list_documents("", "", token, watch)
        told += page["documents"]
        pages, token = pages + 1, page["next"]
        if not token:
            break

    assert len(told) == len({each["id"] for each in told}) == 160
    received = [each["received"] for each in told]
    assert received == sorted(received, reverse=True)
    assert pages == 4
    assert page["counts"]["FAILED"] == 70 + sum(n % 7 == list(Status).index(Status.FAILED) for n in range(90))
    failed = list_documents("failed", "", "", watch)
    assert {each["status"] for each in failed["documents"]} == {"FAILED"}


def test_a_search_looks_at_names_and_ids_and_says_at_how_many(
    bench: Bench, watched: WatchedDocuments
) -> None:
    fill(watched, [row(number) for number in range(600)])
    watch = watch_of(bench, watched)

    first = list_documents("", "RECEIPT-7.pdf", "", watch)
    second = list_documents("", "RECEIPT-7.pdf", first["next"], watch)
    by_id = list_documents("", f"{7:032x}", "", watch)
    wrong_status = list_documents("failed", f"{7:032x}", "", watch)

    assert (first["documents"], first["searched"]) == ([], 500)
    assert [each["name"] for each in second["documents"]] == ["folder/receipt-7.pdf"]
    assert second["next"] is None
    assert [each["id"] for each in by_id["documents"]] == [f"{7:032x}"]
    assert wrong_status["documents"] == []


@pytest.mark.parametrize("query", ["status=gone", "next=xx", "next=WyJ4IiwgW11d", "next=WzEsMl0%3D"])
def test_a_list_that_cannot_be_is_refused(bench: Bench, query: str) -> None:
    olga = bench.signed_in("olga", "operators")

    assert refusal(olga.get(f"/api/documents?{query}")) == (400, "RequestError")


def test_counting_ends(watched: WatchedDocuments) -> None:
    fill(watched, [row(number) for number in range(12)])

    assert watched.count(Status.PROCESSED, 1000) == 12
    assert watched.count(Status.PROCESSED, 5) == 5
    assert watched.count(Status.FAILED, 5) == 0


# ---- one document


def test_a_document_is_told_whole(bench: Bench) -> None:
    olga = bench.signed_in("olga", "operators")

    told = olga.get(f"/api/documents/{DOCUMENT}").json()
    page = olga.get(f"/api/documents/{DOCUMENT}/pages/2").json()

    assert (told["name"], told["status"], told["review"]) == ("in/scan.pdf", "IN_REVIEW", "recto-r1")
    assert told["fields"]["Shop"]["Value"] == SECRET
    assert told["fields_are"] == "found"
    assert told["result_url"] == f"https://work.example/documents/{DOCUMENT}/fields.json?read=900"
    assert told["document"]["pages"] == 3
    assert told["document"]["url"] == "https://inbox.example/in/scan.pdf?read=900"
    assert told["cost"] == {
        "pages": 3, "words": 6, "ocr_jobs": 1, "ocr_engine": None, "ocr_features": None, "dollars": None,
    }  # fmt: skip
    assert told["links"] == []
    assert told["can"] == ["reprocess"]
    assert page["words"][0]["text"] == "page-2"


def test_a_document_in_review_says_what_for(bench: Bench) -> None:
    reasons = [Reason(code="validator_failed", field="Total"), Reason(code="nothing_found")]
    open_review(bench, "recto-r1", reasons=reasons, num_reasons=5)

    [told] = bench.signed_in("olga", "operators").get("/api/documents").json()["documents"]

    assert told["reason"] == "validator_failed Total, nothing_found and 3 more"
    assert (told["review"], told["in_workbench"]) == ("recto-r1", True)


def test_several_faults_of_one_field_are_said_once(bench: Bench) -> None:
    fields = ["Total", "Total", "Date", "Total", "Tax", "Net"]
    reasons = [Reason(code="validator_failed", field=each) for each in fields]
    open_review(bench, "recto-r1", reasons=reasons, num_reasons=8)

    [told] = bench.signed_in("olga", "operators").get("/api/documents").json()["documents"]

    assert told["reason"] == (
        "validator_failed Total, validator_failed Date, validator_failed Tax and 3 more"
    )


def test_what_happened_in_one_moment_is_told_in_its_order(bench: Bench) -> None:
    """The table sorts what it has of one moment by name."""
    documents, now = documents_of(bench), clock_of(bench)()
    documents.add(row(1, Status.FAILED, now))
    lines = documents.lines[f"{1:032x}"]
    for each in lines:
        each["time"] = now.isoformat()
    lines.reverse()

    told = bench.signed_in("olga", "operators").get(f"/api/documents/{1:032x}").json()

    assert [(each["what"], each["seconds"]) for each in told["timeline"]] == [
        ("RECEIVED", 0),
        ("FAILED", None),
    ]


def test_a_review_at_another_desk_is_named_and_not_taken_for_one_of_ours(bench: Bench) -> None:
    """Amazon A2I has it, or it was not begun yet."""
    olga = bench.signed_in("olga", "operators")

    [listed] = olga.get("/api/documents").json()["documents"]
    told = olga.get(f"/api/documents/{DOCUMENT}").json()

    for each in (listed, told):
        assert (each["review"], each["in_workbench"], each["reason"]) == ("recto-r1", False, None)
    open_review(bench, "recto-r1")
    assert olga.get(f"/api/documents/{DOCUMENT}").json()["in_workbench"] is True


def test_its_timeline_has_statuses_notes_and_steps_with_their_seconds(bench: Bench) -> None:
    documents, clock = documents_of(bench), clock_of(bench)
    seconds = clock.pass_by
    seconds(5)
    documents.move(DOCUMENT, (Status.IN_REVIEW,), Status.WAITING, clock(), attempt=2)
    seconds(10)
    documents.move(DOCUMENT, (Status.WAITING,), Status.RUNNING, clock())
    seconds(20)
    documents.note(DOCUMENT, clock(), "ANSWER_NOT_TAKEN", error="ReviewWithdrawnError", cause="gone")
    seconds(30)
    error = {"error": "OcrFailedError", "cause": "no page"}
    documents.move(DOCUMENT, (Status.RUNNING,), Status.FAILED, clock(), **error)

    told = bench.signed_in("olga", "operators").get(f"/api/documents/{DOCUMENT}").json()

    line = [(each["kind"], each["what"], each["seconds"]) for each in told["timeline"]]
    assert line == [
        ("status", "RECEIVED", 0.0), ("status", "IN_REVIEW", 5.0), ("status", "WAITING", 10.0),
        ("status", "RUNNING", 50.0), ("note", "ANSWER_NOT_TAKEN", None), ("status", "FAILED", None),
    ]  # fmt: skip
    assert told["timeline"][4]["notes"]["error"] == "ReviewWithdrawnError"
    assert [event["type"] for event in told["events"]] == ["DocumentFailed"]
    assert told["reason"] == "OcrFailedError: no page"
    assert told["can"] == ["reprocess", "redrive"]


def test_steps_are_told_by_when_their_results_were_written(bench: Bench, aws: None, bucket: Any) -> None:
    """Over an S3 that knows when: the image index, the OCR's, the fields."""
    objects, places = bucket, DocumentPlaces(WORK, DOCUMENT)
    job = OcrJob(job_id="j", features=("TABLES",))
    objects.write(places.ocr_job, json.dumps(job.dump()).encode())
    for place in (places.ocr_index, places.image_part_index(1), places.fields):
        objects.write(place, objects_of(bench).bodies.get(place.uri, b"{}"))
    objects.write(Location(bucket="inbox", key="in/scan.pdf"), b"%PDF")
    files = bench.watch.files._replace(objects=objects)
    documents = documents_of(bench)
    documents.move(DOCUMENT, (Status.IN_REVIEW,), Status.RUNNING, datetime.now(UTC) - timedelta(seconds=60))

    told = detail_of(bench.watch._replace(files=files))

    steps = {each["what"]: each["seconds"] for each in told["timeline"] if each["kind"] == "step"}
    assert set(steps) == {"ocr", "images", "postprocess"}
    assert all(55 < seconds < 120 for seconds in steps.values())
    assert told["cost"]["ocr_features"] == ["TABLES"]


def test_a_step_stands_behind_the_start_of_its_run_within_the_second(bench: Bench) -> None:
    """S3 says 12:00:00 of what was written at 12:00:00.9, in a run that began at 12:00:00.4."""
    documents, whole = documents_of(bench), objects_of(bench).info
    second = datetime(2030, 1, 1, 12, tzinfo=UTC)
    written = DocumentPlaces(WORK, DOCUMENT).fields
    for status, at in ((Status.WAITING, 200), (Status.RUNNING, 400), (Status.PROCESSED, 950)):
        documents.move(DOCUMENT, tuple(Status), status, second + timedelta(milliseconds=at))

    class Objects(type(objects_of(bench))):  # type: ignore[misc]
        def info(self, place: Location) -> Any:
            found = whole(place)
            return found._replace(changed=second) if found and place == written else found

    objects = Objects()
    objects.bodies.update(objects_of(bench).bodies)
    told = detail_of(bench.watch._replace(files=bench.watch.files._replace(objects=objects)))

    assert [each["what"] for each in told["timeline"]][-4:] == [
        "WAITING",
        "RUNNING",
        "postprocess",
        "PROCESSED",
    ]


def detail_of(watch: Watch) -> dict[str, Any]:
    from recto_workbench.steps.document_status import document_detail  # noqa: PLC0415

    return document_detail(DOCUMENT, watch)


@pytest.fixture
def bucket(aws: None) -> Any:
    from recto.aws.s3 import S3Objects  # noqa: PLC0415

    for name in (WORK, "inbox"):
        if name not in [each["Name"] for each in boto3.client("s3").list_buckets()["Buckets"]]:
            boto3.client("s3").create_bucket(Bucket=name)
    return S3Objects("recto-tests")


def test_the_version_that_was_read_is_shown_and_none_once_the_document_is_removed(
    bench: Bench, bucket: Any
) -> None:
    """An object may be written over while its document waits; who removes it wants it gone."""
    s3, place = boto3.client("s3"), {"Bucket": "inbox", "Key": "in/scan.pdf"}
    s3.put_bucket_versioning(Bucket="inbox", VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(**place, Body=b"%PDF first")["VersionId"]
    s3.put_object(**place, Body=b"%PDF second")
    row = documents_of(bench).rows[DOCUMENT].model_copy(update={"version_id": first})
    files = bench.watch.files._replace(objects=bucket, links=S3Links("recto-tests"), row=lambda _: row)
    shown = shown_by_task(
        {"TaskObject": "s3://inbox/in/scan.pdf", "Document": {"DocumentId": DOCUMENT}}, files
    )
    other = shown_by_task({"TaskObject": "s3://inbox/b.pdf", "Document": {"DocumentId": DOCUMENT}}, files)

    for each in (shown, shown_by_row(row, files)):
        url = document_view(each, files)["url"]
        assert parse_qs(urlsplit(url).query)["versionId"] == [first]
    assert other.source == Location(bucket="inbox", key="b.pdf")
    s3.delete_object(**place)
    assert document_view(shown, files)["missing"]
    s3.put_object(**place, Body=b"%PDF third")
    s3.delete_object(**place, VersionId=first)
    assert document_view(shown, files)["missing"]


def test_links_lead_to_awss_own_pages_where_there_are_any(bench: Bench) -> None:
    arn = "arn:aws:states:eu-west-1:123456789012:stateMachine:recto-document"
    china = arn.replace("arn:aws:", "arn:aws-cn:").replace("eu-west-1", "cn-north-1")

    links = detail_of(bench.watch._replace(consoles=Consoles(arn)))["links"]
    there = detail_of(bench.watch._replace(consoles=Consoles(china)))["links"]

    execution = f"arn:aws:states:eu-west-1:123456789012:execution:recto-document:{DOCUMENT}-1"
    assert [link["what"] for link in links] == ["execution", "objects"]
    assert links[0]["url"].endswith(f"/v2/executions/details/{execution}")
    assert all(link["url"].startswith("https://eu-west-1.console.aws.amazon.com/") for link in links)
    assert all(link["url"].startswith("https://cn-north-1.console.amazonaws.cn/") for link in there)


def test_a_document_that_is_none_is_told(bench: Bench) -> None:
    olga = bench.signed_in("olga", "operators")

    assert refusal(olga.get("/api/documents/none")) == (404, "TaskMissingError")
    assert refusal(olga.get("/api/documents/none/pages/1")) == (404, "TaskMissingError")
    assert refusal(post(olga, "/api/documents/none/redrive")) == (404, "TaskMissingError")


def test_a_document_of_which_nothing_is_left_is_shown_by_its_row(bench: Bench) -> None:
    objects_of(bench).bodies.clear()

    told = bench.signed_in("olga", "operators").get(f"/api/documents/{DOCUMENT}").json()

    assert (told["fields"], told["fields_are"], told["result_url"]) == ({}, None, None)
    assert told["document"]["missing"]
    assert told["cost"]["pages"] is None


# ---- once more


def test_an_operator_has_a_document_processed_again(bench: Bench) -> None:
    olga = bench.signed_in("olga", "operators")

    again = post(olga, f"/api/documents/{DOCUMENT}/reprocess", {"from": "postprocess", "attempt": 1})
    redriven = post(olga, f"/api/documents/{DOCUMENT}/redrive")

    assert again.json() == {"status": "WAITING", "attempt": 2, "from": "postprocess"}
    assert redriven.json()["from"] == "model"
    first, second = bench.again.asked
    assert (first.from_, first.of_attempt, first.operator) == (Step.POSTPROCESS, 1, "olga")
    assert (second.from_, first.pay_for_ocr, first.force) == (None, False, False)
    assert first.request_id != second.request_id


def test_what_the_pipeline_refuses_comes_by_its_name(bench: Bench) -> None:
    olga = bench.signed_in("olga", "operators")
    bench.again.refuses = ReprocessRefusedError("starting from ocr pays for OCR again; confirm that it may")

    refused = post(olga, f"/api/documents/{DOCUMENT}/reprocess", {"from": "ocr"})

    assert refusal(refused) == (409, "ReprocessRefusedError")
    assert "pays for OCR again" in refused.json()["message"]
    for body in ({"from": "start"}, {}, {"from": "model", "release": "x"}):
        told = post(olga, f"/api/documents/{DOCUMENT}/reprocess", body)
        assert refusal(told) == (400, "RequestError"), body


class FakeLambda:
    """Answers as the service does."""

    def __init__(self, body: Any, failed: bool) -> None:
        self.body, self.failed = body, failed
        self.asked: list[dict[str, Any]] = []

    def invoke(self, **request: Any) -> dict[str, Any]:
        self.asked.append(request)
        answer = {"Payload": io.BytesIO(json.dumps(self.body).encode())}
        return {**answer, "FunctionError": "Unhandled"} if self.failed else answer


@pytest.fixture
def function(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any, bool], ReprocessFunction]:
    def made(body: Any, failed: bool) -> ReprocessFunction:
        monkeypatch.setattr("recto_workbench.aws.documents.client", lambda *_: FakeLambda(body, failed))
        return ReprocessFunction("recto-tests", "recto-reprocess")

    return made


def test_the_functions_answers_and_errors_are_read(
    function: Callable[[Any, bool], ReprocessFunction],
) -> None:
    request = ReprocessRequest(document_id="d", of_attempt=1, request_id="r")
    done = {"DocumentId": "d", "Attempt": 2, "From": "model", "Release": "x"}
    refused = {"errorType": "ReprocessRefusedError", "errorMessage": "it runs"}
    crashed = {"errorType": "KeyError", "errorMessage": "'x'"}

    assert function(done, False)(request).attempt == 2
    with pytest.raises(ReprocessRefusedError, match="it runs"):
        function(refused, True)(request)
    with pytest.raises(ServiceUnavailableError, match="KeyError"):
        function(crashed, True)(request)
