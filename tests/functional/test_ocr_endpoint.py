"""OCR by an endpoint: paid once, never forgotten, its pages stored whole, its failures by name."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from recto.aws.dynamodb import JobRows
from recto.aws.s3 import S3Objects
from recto.errors import (
    ConfigurationError,
    OcrFailedError,
    PageCountMismatchError,
    ParameterMissingError,
    ServiceUnavailableError,
    ThrottledError,
)
from recto.messages import (
    DocumentRef,
    OcrEndpointStartRequest,
    OcrEndpointStoreRequest,
    OcrJob,
    PagePlan,
    PageRange,
)
from recto.pagestore import PageIndex
from recto.places import DocumentPlaces, Location
from recto.ports import JobRow
from recto.steps.async_inference import (
    OCR,
    InferenceCallback,
    InferenceStart,
    hear_of_inference,
    inference_of,
)
from recto.steps.ocr_endpoint import OcrEndpointStore, join_ranges, start_inference, store_range, tag_of
from recto.steps.ocr_engine import OcrChoice, OcrParameters, chosen_ocr
from recto.steps.page_images import plan_of
from recto.steps.stored_pages import stored_pages
from tests.fakes import FakeClock, FakeEndpoints, FakeParameters, FakeWorkflow
from tests.functional.conftest import INBOX, WORK
from tests.functional.test_ocr_steps import document_of

TOPIC = "arn:aws:sns:us-east-1:000000000000:ocr"
DOCUMENT = DocumentRef(
    document_id="d1", bucket=INBOX, key="a.pdf", ocr_engine="sagemaker", ocr_endpoint="recto-ocr-x"
)
FIRST = PageRange(part=1, first=1, last=2)
NAMES = OcrParameters("/recto/config/OcrEngine", "/recto/config/SMOCREndpointName")


class Bench:
    """Start and callback over one endpoint, one table and one bucket."""

    def __init__(self, jobs: JobRows, objects: S3Objects) -> None:
        self.endpoints = FakeEndpoints(WORK, TOPIC)
        self.workflow = FakeWorkflow()
        self.jobs, self.objects, self.clock = jobs, objects, FakeClock()
        days = timedelta(days=8)
        self.start = InferenceStart(
            OCR, self.endpoints, jobs, objects, self.workflow, self.clock, WORK, TOPIC, days
        )
        self.callback = InferenceCallback(OCR, jobs, objects, self.workflow, WORK)

    def ask(self, token: str, document: DocumentRef = DOCUMENT, pages: PageRange = FIRST) -> str:
        request = OcrEndpointStartRequest(document=document, range=pages, task_token=token)
        return start_inference(request, self.start)

    def hear(self, inference_id: str, **changes: Any) -> None:
        inference = inference_of(notice(inference_id, **changes))
        assert inference
        hear_of_inference(inference, self.callback)

    def put(self, uri: str, body: Any) -> None:
        self.objects.write(Location.from_uri(uri), json.dumps(body).encode())


@pytest.fixture
def bench(jobs: JobRows, objects: S3Objects) -> Bench:
    return Bench(jobs, objects)


def notice(tag: str, **changes: Any) -> str:
    message = {
        "invocationStatus": "Completed",
        "inferenceId": tag,
        "requestParameters": {"endpointName": "recto-ocr-x"},
        "responseParameters": {"outputLocation": f"s3://{WORK}/ocr-endpoint/answers/1.out"},
        "eventSource": "aws:sagemaker",
    }
    return json.dumps({"Type": "Notification", "Message": json.dumps({**message, **changes})})


def test_the_endpoint_is_asked_for_the_range_by_reference_and_the_token_stays_in_the_table(
    bench: Bench,
) -> None:
    tag = bench.ask("secret-token")

    ((name, place, inference),) = bench.endpoints.invoked
    body = bench.objects.read(place)
    assert (name, inference) == ("recto-ocr-x", tag)
    assert json.loads(body) == {
        "Document": {"S3Object": {"Bucket": INBOX, "Name": "a.pdf"}},
        "Pages": {"First": 1, "Last": 2},
    }
    assert b"secret-token" not in body
    assert len(tag) <= 64
    row = bench.jobs.find(tag_of(DOCUMENT, FIRST))
    assert row
    assert row.task_token == "secret-token"


def test_a_finished_inference_calls_back_with_the_place_of_its_answer(bench: Bench) -> None:
    tag = bench.ask("t1")

    bench.hear(tag)

    assert bench.workflow.succeeded == [("t1", {"Output": f"s3://{WORK}/ocr-endpoint/answers/1.out"})]


def test_a_repeated_state_waits_for_the_same_inference_under_its_new_token(bench: Bench) -> None:
    bench.ask("t1")

    tag = bench.ask("t2")
    bench.hear(tag)

    assert len(bench.endpoints.invoked) == 1
    assert [token for token, _ in bench.workflow.succeeded] == ["t2"]


def test_a_repeated_state_whose_notification_is_gone_finds_the_answer(bench: Bench) -> None:
    bench.ask("t1")
    bench.put(f"s3://{WORK}/ocr-endpoint/answers/1.out", {})

    bench.ask("t2")

    assert len(bench.endpoints.invoked) == 1
    assert bench.workflow.succeeded == [("t2", {"Output": f"s3://{WORK}/ocr-endpoint/answers/1.out"})]


def test_a_notification_that_comes_before_the_call_has_returned_is_heard(bench: Bench) -> None:
    bench.endpoints.while_invoking = bench.hear

    bench.ask("t1")

    assert [token for token, _ in bench.workflow.succeeded] == ["t1"]


def test_ranges_attempts_and_endpoints_are_inferences_of_their_own() -> None:
    changed = [
        DOCUMENT.model_copy(update={"ocr_attempt": 2}),
        DOCUMENT.model_copy(update={"ocr_endpoint": "recto-ocr-y"}),
        DOCUMENT.model_copy(update={"document_id": "d2"}),
    ]

    tags = {tag_of(document, FIRST) for document in (DOCUMENT, *changed)}
    tags.add(tag_of(DOCUMENT, PageRange(part=2, first=3, last=4)))

    assert len(tags) == 5
    assert tag_of(DOCUMENT.model_copy(update={"attempt": 2}), FIRST) in tags


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ({"Error": "EncryptedDocumentError", "Message": "a password"}, "EncryptedDocumentError"),
        ({"Error": "ServiceUnavailableError", "Message": "S3"}, "ServiceUnavailableError"),
        ({"Error": "LanguageMissingError", "Message": "thai"}, "OcrFailedError"),
        (["no", "error"], "OcrFailedError"),
        (None, "OcrFailedError"),
    ],
)
def test_a_failed_inference_fails_by_the_name_that_the_container_gave(
    bench: Bench, said: Any, error: str
) -> None:
    tag = bench.ask("t1")
    if said is not None:
        bench.put(f"s3://{WORK}/ocr-endpoint/failures/1.out", said)

    bench.hear(tag, invocationStatus="Failed", failureReason="ClientError: 4xx")

    ((token, name, cause),) = bench.workflow.failed
    assert (token, name) == ("t1", error)
    assert "d1" in cause
    assert tag in cause


def test_a_failed_inference_is_asked_for_again_when_its_state_is_tried_again(bench: Bench) -> None:
    tag = bench.ask("t1")
    bench.hear(tag, invocationStatus="Failed")

    bench.ask("t2")

    assert len(bench.endpoints.invoked) == 2


def test_a_failure_told_twice_does_not_fail_the_next_inference(bench: Bench) -> None:
    """Queues deliver at least once; the state has been tried again meanwhile."""
    first = bench.ask("t1")
    bench.put(f"s3://{WORK}/ocr-endpoint/failures/1.out", {"Error": "ServiceUnavailableError", "Message": ""})
    bench.hear(first, invocationStatus="Failed")
    second = bench.ask("t2")

    bench.hear(first, invocationStatus="Failed")
    repeated = bench.ask("t3")
    bench.hear(second)

    assert [token for token, *_ in bench.workflow.failed] == ["t1"]
    assert [token for token, _ in bench.workflow.succeeded] == ["t3"]
    assert repeated == second != first


def test_a_failure_whose_first_message_was_cut_short_keeps_its_name(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    tag = bench.ask("t1")
    bench.put(f"s3://{WORK}/ocr-endpoint/failures/1.out", {"Error": "EncryptedDocumentError", "Message": ""})

    def refuse(*_: str) -> bool:
        raise ThrottledError("SendTaskFailure: slow down")

    with monkeypatch.context() as cut:
        cut.setattr(bench.workflow, "fail", refuse)
        with pytest.raises(ThrottledError):
            bench.hear(tag, invocationStatus="Failed")

    bench.hear(tag, invocationStatus="Failed")

    assert [(token, name) for token, name, _ in bench.workflow.failed] == [("t1", "EncryptedDocumentError")]


def test_a_state_that_is_tried_again_while_its_failure_is_told_asks_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row is read with the old token, so only the new try can see that the inference has ended."""
    tag = bench.ask("t1")
    failure, retold = f"s3://{WORK}/ocr-endpoint/failures/1.out", bench.jobs.put

    def while_told(row: JobRow, expires: datetime) -> None:
        monkeypatch.setattr(bench.jobs, "put", retold)
        bench.put(failure, {})
        bench.hear(tag, invocationStatus="Failed")
        retold(row, expires)

    monkeypatch.setattr(bench.jobs, "put", while_told)
    bench.ask("t2")

    assert [token for token, *_ in bench.workflow.failed] == ["t1"]
    assert len(bench.endpoints.invoked) == 2


def test_a_call_that_broke_off_is_not_paid_again_while_it_may_have_been_heard(bench: Bench) -> None:
    """A slow call is given up by its function; the inference goes on, and its notification is heard."""

    def give_up(_: str) -> None:
        raise ServiceUnavailableError("InvokeEndpointAsync: ReadTimeoutError")

    bench.endpoints.while_invoking = give_up
    with pytest.raises(ServiceUnavailableError, match="ReadTimeoutError"):
        bench.ask("t1")
    ((_, _, asked),) = bench.endpoints.invoked
    with pytest.raises(ServiceUnavailableError, match="not known to be taken in"):
        bench.ask("t2")

    bench.put(f"s3://{WORK}/ocr-endpoint/answers/1.out", {})
    bench.hear(asked)
    bench.ask("t3")

    assert len(bench.endpoints.invoked) == 1
    assert bench.workflow.succeeded[-1] == ("t3", {"Output": f"s3://{WORK}/ocr-endpoint/answers/1.out"})


def test_a_call_that_was_never_heard_is_made_again_after_a_while(bench: Bench) -> None:
    def give_up(_: str) -> None:
        bench.endpoints.while_invoking = lambda _: None
        raise ServiceUnavailableError("InvokeEndpointAsync: ConnectTimeoutError")

    bench.endpoints.while_invoking = give_up
    with pytest.raises(ServiceUnavailableError):
        bench.ask("t1")
    bench.clock.pass_time(minutes=3)

    bench.ask("t2")

    row = bench.jobs.find(tag_of(DOCUMENT, FIRST))
    assert len(bench.endpoints.invoked) == 2
    assert row
    assert (row.task_token, row.asking_since) == ("t2", None)


def test_a_call_that_was_refused_is_made_again_at_once(bench: Bench) -> None:
    def refuse(_: str) -> None:
        bench.endpoints.while_invoking = lambda _: None
        raise ThrottledError("InvokeEndpointAsync: slow down")

    bench.endpoints.while_invoking = refuse
    with pytest.raises(ThrottledError):
        bench.ask("t1")

    bench.ask("t2")

    assert len(bench.endpoints.invoked) == 2


def test_an_answer_to_a_call_that_was_given_up_takes_no_token_away(bench: Bench) -> None:
    """A slow call comes back when its state has been tried again: the newer row stays."""

    def try_again(_: str) -> None:
        bench.endpoints.while_invoking = lambda _: None
        bench.clock.pass_time(minutes=3)
        bench.ask("t2")

    bench.endpoints.while_invoking = try_again

    bench.ask("t1")

    row = bench.jobs.find(tag_of(DOCUMENT, FIRST))

    assert row
    assert (row.task_token, row.job_id) == ("t2", bench.endpoints.invoked[1][2])


def test_sagemakers_test_of_a_topic_is_passed_by() -> None:
    """It comes whenever an endpoint is made or changed."""
    told = {"eventVersion": "1.0", "eventSource": "aws:sagemaker", "eventName": "TestNotification"}

    assert inference_of(json.dumps({"Type": "Notification", "Message": json.dumps(told)})) is None


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"Type": "Notification", "Message": "hello"}', '"x"'])
def test_a_message_that_is_no_notification_is_refused(body: str) -> None:
    with pytest.raises(ConfigurationError, match="expected SageMaker's notification"):
        inference_of(body)


def test_an_inference_that_nobody_asked_for_is_refused_by_name(bench: Bench) -> None:
    with pytest.raises(ConfigurationError, match="'somebody-else': no row"):
        bench.hear("somebody-else")


def test_an_answer_outside_the_work_bucket_is_not_believed(bench: Bench) -> None:
    tag = bench.ask("t1")

    with pytest.raises(ConfigurationError, match="expected it below"):
        bench.hear(tag, responseParameters={"outputLocation": "s3://elsewhere/ocr-endpoint/1.out"})
    assert bench.workflow.succeeded == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"is_async": False}, "expected an asynchronous one"),
        ({"status": "Failed"}, "it is Failed"),
        ({"success_topic": "arn:other"}, "expected SuccessTopic and ErrorTopic"),
        ({"error_topic": ""}, "expected SuccessTopic and ErrorTopic"),
        ({"answers_on_topics": ("SUCCESS_NOTIFICATION_TOPIC",)}, "expected no IncludeInferenceResponseIn"),
        ({"output_path": "s3://elsewhere/answers"}, "expected its S3OutputPath below"),
        ({"failure_path": ""}, "S3FailurePath below .* it is absent"),
        ({"output_path": f"s3://{WORK}/documents"}, "expected its S3OutputPath below"),
    ],
)
def test_an_endpoint_that_nobody_would_hear_of_or_that_tells_too_much_is_refused_before_it_is_asked(
    bench: Bench, change: dict[str, Any], told: str
) -> None:
    bench.endpoints.info = bench.endpoints.info._replace(**change)

    with pytest.raises(ConfigurationError, match=told):
        bench.ask("t1")

    assert bench.endpoints.invoked == []


# --- store -------------------------------------------------------------------------------------------


def answered(objects: S3Objects, num_pages: int, without: tuple[int, ...] = ()) -> str:
    body = {
        "DocumentMetadata": {"Pages": num_pages},
        "JobStatus": "SUCCEEDED",
        "Blocks": document_of(num_pages, without=without),
    }
    place = Location(bucket=WORK, key="ocr-endpoint/answers/1.out")
    objects.write(place, json.dumps(body).encode())
    return place.uri


def planned(objects: S3Objects, *ranges: PageRange) -> None:
    plan = PagePlan(num_pages=ranges[-1].last, ranges=ranges)
    objects.write(DocumentPlaces(WORK, "d1").image_plan, json.dumps(plan.dump()).encode())


def test_ranges_are_stored_and_joined_as_the_other_way_leaves_them(objects: S3Objects) -> None:
    ranges = (FIRST, PageRange(part=2, first=3, last=5))
    planned(objects, *ranges)
    step, output = OcrEndpointStore(objects, WORK), answered(objects, 5)

    done = [
        store_range(OcrEndpointStoreRequest(document=DOCUMENT, range=each, output=output), step)
        for each in ranges
    ]
    joined = join_ranges(OcrEndpointStoreRequest(document=DOCUMENT), step)

    places = DocumentPlaces(WORK, "d1")
    index = PageIndex.from_json(objects.read(places.ocr_index))
    pages = list(stored_pages(objects, places, index, 1, 5))
    assert [each.num_pages for each in done] == [2, 3]
    assert joined.num_pages == 5
    assert [[word.text for word in page.words] for page in pages] == [
        [f"w{page}.{n}" for n in range(5)] for page in range(1, 6)
    ]
    assert OcrJob.model_validate_json(objects.read(places.ocr_job)).job_id == "sagemaker:recto-ocr-x"


def test_a_page_that_the_endpoint_lost_is_an_error(objects: S3Objects) -> None:
    output = answered(objects, 2, without=(2,))

    with pytest.raises(PageCountMismatchError, match="page 2 is missing"):
        store_range(
            OcrEndpointStoreRequest(document=DOCUMENT, range=FIRST, output=output),
            OcrEndpointStore(objects, WORK),
        )


def test_a_range_that_was_never_stored_is_an_error_at_the_join(objects: S3Objects) -> None:
    objects.write(DocumentPlaces(WORK, "d1").image_plan, json.dumps(plan_of(3).dump()).encode())
    step, output = OcrEndpointStore(objects, WORK), answered(objects, 2)
    store_range(OcrEndpointStoreRequest(document=DOCUMENT, range=FIRST, output=output), step)

    with pytest.raises(PageCountMismatchError, match=r"3 pages were planned.*gave 2"):
        join_ranges(OcrEndpointStoreRequest(document=DOCUMENT), step)


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"JobStatus": "FAILED", "Blocks": []}'])
def test_an_answer_of_another_kind_is_a_failed_ocr(objects: S3Objects, body: bytes) -> None:
    place = Location(bucket=WORK, key="ocr-endpoint/answers/1.out")
    objects.write(place, body)

    with pytest.raises(OcrFailedError):
        store_range(
            OcrEndpointStoreRequest(document=DOCUMENT, range=FIRST, output=place.uri),
            OcrEndpointStore(objects, WORK),
        )


def test_an_answer_that_no_memory_holds_is_a_failed_ocr_and_not_read(
    objects: S3Objects, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An endpoint that cannot read ranges answers with the whole document, whatever its length."""
    output = answered(objects, 2)
    monkeypatch.setattr("recto.steps.ocr_endpoint.MAX_ANSWER", 100)

    with pytest.raises(OcrFailedError, match="the limit is 100; expected the pages that were asked for"):
        store_range(
            OcrEndpointStoreRequest(document=DOCUMENT, range=FIRST, output=output),
            OcrEndpointStore(objects, WORK),
        )


# --- the setting -------------------------------------------------------------------------------------


def test_the_setting_names_the_engine_and_its_endpoint() -> None:
    parameters = FakeParameters({NAMES.engine: "sagemaker", NAMES.endpoint: "recto-ocr-x"})

    assert chosen_ocr(parameters, NAMES) == OcrChoice("sagemaker", "recto-ocr-x")
    assert chosen_ocr(FakeParameters({NAMES.engine: "textract"}), NAMES) == OcrChoice("textract", "")


def test_an_engine_that_is_none_is_refused_and_an_endpoint_must_be_named() -> None:
    with pytest.raises(ConfigurationError, match="expected textract or sagemaker"):
        chosen_ocr(FakeParameters({NAMES.engine: "tesseract"}), NAMES)
    with pytest.raises(ParameterMissingError):
        chosen_ocr(FakeParameters({NAMES.engine: "sagemaker"}), NAMES)
