"""Reprocessing: nothing is paid twice, mixed or lost; one operator wins, and who is refused learns why."""

import json
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from recto.aws.admission import SlotLeases
from recto.aws.dynamodb import DocumentRows, ReviewRows
from recto.aws.s3 import S3Objects
from recto.aws.services import StepFunctionsWorkflow
from recto.errors import (
    AccessError,
    DocumentMissingError,
    ReleaseError,
    ReprocessRefusedError,
    ResultMissingError,
    ThrottledError,
)
from recto.messages import (
    DispatchRequest,
    Failure,
    PublishRequest,
    ReprocessRequest,
    ReprocessResponse,
    ReviewRequest,
    Status,
    Step,
)
from recto.pagestore import PageEntry, PageIndex
from recto.places import DocumentPlaces, Location, MadeIn
from recto.ports import DocumentRow
from recto.steps.desks import Desks
from recto.steps.dispatch import Dispatch, dispatch
from recto.steps.publish import Publish, publish
from recto.steps.reprocess import Reprocess, reprocess
from recto.steps.review import ReviewTrigger, open_review
from tests.fakes import FakeClock, FakeEvents, FakeLoops, FakeParameters, FakeWorkflow
from tests.functional.conftest import WORK
from tests.functional.test_handlers import Context, Later, load

RELEASE, FLOW = "/recto/config/Release", "/recto/config/HumanReviewFlowArn"
PLAN = b'{"NumPages": 1, "Ranges": [{"Part": 1, "First": 1, "Last": 1}]}'
FIELDS = {"Confidence": 0.9, "Fields": {}, "ReviewReasons": []}
DOUBTFUL = {**FIELDS, "ReviewReasons": [{"Code": "nothing_found", "Message": "nothing was found"}]}


@dataclass
class Desk:
    """A pipeline without its machines: rows, objects, and what it told the outside."""

    documents: DocumentRows
    slots: SlotLeases
    reviews: ReviewRows
    objects: S3Objects
    clock: FakeClock = field(default_factory=FakeClock)
    workflow: FakeWorkflow = field(default_factory=FakeWorkflow)
    loops: FakeLoops = field(default_factory=FakeLoops)
    workbench: FakeLoops = field(default_factory=FakeLoops)
    events: FakeEvents = field(default_factory=FakeEvents)
    parameters: FakeParameters = field(
        default_factory=lambda: FakeParameters({RELEASE: "releases/two", FLOW: "workbench"})
    )

    @property
    def desks(self) -> Desks:
        return Desks(self.workbench, self.loops)

    def row(self, document: str = "a") -> DocumentRow:
        found = self.documents.find(document)
        assert found
        return found

    def add(self, status: Status, document: str = "a", **changes: Any) -> DocumentRow:
        now = self.clock()
        row = DocumentRow(
            document_id=document, status=status, bucket="inbox", key=f"{document}.pdf", received=now,
            updated=now, release="releases/one",
        ).model_copy(update=changes)  # fmt: skip
        self.documents.add(row)
        return row

    def places(self, made_in: MadeIn | None = None) -> DocumentPlaces:
        return DocumentPlaces(WORK, "a", made_in)

    def store(self, *steps: Step, made_in: MadeIn | None = None, fields: Any = FIELDS) -> None:
        """The results of some steps, as they leave them."""
        places = self.places(made_in)
        entry = PageEntry(1, 0, 1, 0)
        bodies = {
            Step.OCR: {
                places.ocr_part(1): b"x",
                places.ocr_job: b'{"JobId": "j"}',
                places.ocr_index: PageIndex(pages=(entry,)).to_json(),
                places.image_plan: PLAN,
                places.image_part_index(1): b'{"Pages": [{}]}',
            },
            Step.MODEL: {
                places.predictions_part(1): b"x",
                places.predictions_part_index(1): PageIndex(pages=(entry,), release="releases/one").to_json(),
            },
            Step.POSTPROCESS: {places.fields: json.dumps(fields).encode()},
            Step.REVIEW: {places.reviewed_fields: json.dumps(FIELDS).encode()},
            Step.PUBLISH: {places.result: b"{}"},
        }
        for step in steps:
            for place, body in bodies[step].items():
                self.objects.write(place, body)

    def reprocess(self, start_from: Step | None = None, **options: Any) -> ReprocessResponse:
        options = {"of_attempt": self.row().attempt, "request_id": "r1", "operator": "ann", **options}
        request = ReprocessRequest(document_id="a", from_=start_from, **options)
        step = Reprocess(
            self.documents, self.slots, self.reviews, self.objects, self.workflow, self.desks,
            self.parameters, self.clock, WORK, RELEASE,
        )  # fmt: skip
        return reprocess(request, step)

    def dispatch(self, **request: Any) -> None:
        step = Dispatch(
            self.documents, self.slots, self.workflow, self.objects, self.parameters, self.events,
            self.clock, WORK, RELEASE, 1, timedelta(hours=1),
        )  # fmt: skip
        dispatch(DispatchRequest(**request), step)

    def publish(self) -> None:
        publish(
            PublishRequest(document=self.row().ref()),
            Publish(self.objects, self.documents, self.events, self.clock, WORK),
        )

    def open_review(self, token: str) -> str:
        trigger = ReviewTrigger(
            self.objects, self.documents, self.reviews, self.workflow, self.desks, self.parameters,
            self.clock, lambda: f"review-{token}", WORK, FLOW, timedelta(days=1),
        )  # fmt: skip
        return open_review(ReviewRequest(document=self.row().ref(), task_token=token), trigger)


def write_release(objects: S3Objects, name: str, labels: tuple[str, ...]) -> None:
    fields = [{"ClassId": number, "Name": label} for number, label in enumerate(labels[:-1])]
    calibration = {"method": "logistic", "features": ["min_ocr"], "coefficients": [1.0], "intercept": 0.0}
    files = {
        "model.onnx": b"",
        "tokenizer.json": b"",
        "fields.json": json.dumps(fields).encode(),
        "calibration.json": json.dumps(calibration).encode(),
    }
    index = {
        "schema": 1, "name": name, "created": "2026-11-21T00:00:00Z", "recipe": "r", "seed": 1,
        "licence": "Apache-2.0", "labels": labels, "windows": {"max_tokens": 64, "stride": 16},
        "files": {file: sha256(content).hexdigest() for file, content in files.items()},
    }  # fmt: skip
    for file, content in {**files, "release.json": json.dumps(index).encode()}.items():
        objects.write(Location(bucket=WORK, key=f"releases/{name}/{file}"), content)


@pytest.fixture
def desk(documents: DocumentRows, slots: SlotLeases, reviews: ReviewRows, objects: S3Objects) -> Desk:
    for name, labels in {"one": ("A", "other"), "two": ("A", "other"), "three": ("B", "other")}.items():
        write_release(objects, name, labels)
    return Desk(documents, slots, reviews, objects)


ALL_DONE = (Step.OCR, Step.MODEL, Step.POSTPROCESS, Step.PUBLISH)


@pytest.mark.parametrize("status", [Status.PROCESSED, Status.FAILED, Status.REJECTED, Status.IN_REVIEW])
@pytest.mark.parametrize("start_from", [Step.MODEL, Step.POSTPROCESS, Step.REVIEW, Step.PUBLISH])
def test_a_document_starts_again_from_any_step_without_paying(
    desk: Desk, status: Status, start_from: Step
) -> None:
    desk.add(status, result_attempt=1, result_key="documents/a/result.json")
    desk.store(*ALL_DONE)

    desk.reprocess(start_from)
    desk.dispatch()

    execution = desk.workflow.executions["a-2"]
    assert (execution.from_, execution.document.ocr_attempt) == (start_from, 1)
    assert execution.document.made_in == MadeIn().anew_from(start_from, 2)
    assert set(desk.slots.owners()) == ({"a-2"} if start_from is Step.MODEL else set())


def test_starting_from_ocr_pays_and_is_refused_until_confirmed(desk: Desk) -> None:
    desk.add(Status.PROCESSED)
    desk.store(*ALL_DONE)

    with pytest.raises(ReprocessRefusedError, match="pays for OCR again"):
        desk.reprocess(Step.OCR)
    desk.reprocess(Step.OCR, pay_for_ocr=True)

    assert (desk.row().ocr_attempt, desk.row().made_in.ocr) == (2, 2)


def test_what_was_made_before_stays_where_it_is_and_is_not_found_as_new(desk: Desk) -> None:
    desk.add(Status.PROCESSED)
    desk.store(*ALL_DONE, Step.REVIEW)
    before = desk.places()

    desk.reprocess(Step.MODEL)

    after = desk.places(desk.row().made_in)
    assert desk.objects.info(after.ocr_index), "the OCR is the same"
    for name in ("fields", "reviewed_fields", "result"):
        assert desk.objects.info(getattr(before, name)), "the old one can be read"
        assert desk.objects.info(getattr(after, name)) is None, "and is not taken for the new one"


@pytest.mark.parametrize(
    ("start_from", "made", "expected"),
    [
        (Step.MODEL, (), Step.MODEL),
        (Step.MODEL, (Step.MODEL,), Step.MODEL),
        (Step.MODEL, (Step.MODEL, Step.POSTPROCESS), Step.POSTPROCESS),
        (Step.POSTPROCESS, (), Step.POSTPROCESS),
        (Step.REVIEW, (), Step.REVIEW),
        (Step.REVIEW, (Step.REVIEW,), Step.PUBLISH),
        (Step.PUBLISH, (), Step.PUBLISH),
    ],
)
def test_a_crash_in_the_middle_goes_on_with_new_results_only(
    desk: Desk, start_from: Step, made: tuple[Step, ...], expected: Step
) -> None:
    desk.add(Status.PROCESSED)
    desk.store(*ALL_DONE, Step.REVIEW)
    desk.reprocess(start_from)
    desk.dispatch()
    desk.store(*made, made_in=desk.row().made_in)
    desk.workflow.running.clear()

    desk.dispatch(action="recover", execution="a-2")

    execution = desk.workflow.executions["a-3"]
    assert execution.from_ == expected
    assert execution.document.made_in == MadeIn().anew_from(start_from, 2), "a restart keeps the places"


@pytest.mark.parametrize(
    ("stored", "changes", "expected"),
    [
        ((), {}, Step.OCR),
        ((Step.OCR,), {}, Step.MODEL),
        ((Step.OCR, Step.MODEL), {}, Step.MODEL),
        ((Step.OCR, Step.MODEL, Step.POSTPROCESS), {}, Step.POSTPROCESS),
        ((Step.OCR, Step.MODEL, Step.POSTPROCESS), {"review_id": "r"}, Step.REVIEW),
        ((Step.OCR, Step.MODEL, Step.POSTPROCESS, Step.REVIEW), {"review_id": "r"}, Step.PUBLISH),
    ],
)
def test_a_failed_document_goes_on_from_the_first_step_without_a_result(
    desk: Desk, stored: tuple[Step, ...], changes: dict[str, str], expected: Step
) -> None:
    desk.add(Status.FAILED, attempt=10, error="TooManyAttemptsError", cause="ten", **changes)
    desk.store(*stored)

    response = desk.reprocess()

    row = desk.row()
    assert (response.from_, row.ocr_attempt, row.error, row.since_attempt) == (expected, 1, "", 11)


def test_a_reprocess_that_failed_goes_on_from_the_step_that_was_asked_for(desk: Desk) -> None:
    desk.add(Status.FAILED, start_from="review", attempt=2, made_in=MadeIn().anew_from("review", 2))
    desk.store(*ALL_DONE)

    assert desk.reprocess().from_ is Step.REVIEW


def test_a_failed_ocr_needs_a_new_job_and_says_that_it_pays(desk: Desk) -> None:
    desk.add(Status.FAILED, error="OcrFailedError")

    with pytest.raises(ReprocessRefusedError, match="pays for OCR again"):
        desk.reprocess()
    desk.reprocess(pay_for_ocr=True)

    assert desk.row().ocr_attempt == 2


def test_the_limit_on_attempts_counts_anew(desk: Desk) -> None:
    desk.add(Status.FAILED, attempt=10)
    desk.reprocess()
    desk.dispatch()
    desk.workflow.running.clear()

    desk.dispatch(action="recover", execution="a-11")

    assert desk.row().attempt == 12


def test_a_failed_document_takes_the_release_that_is_current_now(desk: Desk) -> None:
    desk.add(Status.FAILED, error="ReleaseError")
    desk.store(Step.OCR)

    assert desk.reprocess().release == "releases/two"


def test_a_release_can_be_named_or_kept(desk: Desk) -> None:
    desk.add(Status.PROCESSED)
    desk.store(*ALL_DONE)

    assert desk.reprocess(Step.MODEL, release="same").release == "releases/one"
    desk.documents.move("a", (Status.WAITING,), Status.PROCESSED, desk.clock())
    assert desk.reprocess(Step.MODEL, release="releases/three", request_id="r2").release == "releases/three"


def test_predictions_of_another_releases_labels_are_refused_by_name(desk: Desk) -> None:
    desk.add(Status.PROCESSED)
    desk.store(*ALL_DONE)

    with pytest.raises(ReleaseError, match="releases/one classified its words"):
        desk.reprocess(Step.POSTPROCESS, release="releases/three")

    assert desk.row().status is Status.PROCESSED
    assert desk.reprocess(Step.POSTPROCESS, release="releases/two").release == "releases/two"


@pytest.mark.parametrize("start_from", [Step.REVIEW, Step.PUBLISH])
def test_another_release_makes_no_review_or_result_of_old_fields(desk: Desk, start_from: Step) -> None:
    desk.add(Status.PROCESSED)
    desk.store(*ALL_DONE)

    with pytest.raises(ReprocessRefusedError, match="start from model"):
        desk.reprocess(start_from, release="current")


def test_an_absent_release_is_refused_before_anything_moves(desk: Desk) -> None:
    desk.add(Status.PROCESSED)
    desk.store(*ALL_DONE)

    with pytest.raises(ReleaseError, match=r"release\.json is missing"):
        desk.reprocess(Step.MODEL, release="releases/none")

    assert desk.row().attempt == 1


@pytest.mark.parametrize(
    ("start_from", "stored", "possible"),
    [
        (Step.MODEL, (), "possible: ocr"),
        (Step.POSTPROCESS, (Step.OCR,), "possible: ocr, model"),
        (Step.REVIEW, (Step.OCR, Step.MODEL), "possible: ocr, model, postprocess"),
        (Step.MODEL, (Step.POSTPROCESS,), "possible: ocr, review, publish"),
    ],
)
def test_a_missing_result_names_the_steps_that_are_possible(
    desk: Desk, start_from: Step, stored: tuple[Step, ...], possible: str
) -> None:
    desk.add(Status.FAILED)
    desk.store(*stored)

    with pytest.raises(ResultMissingError, match=f"cannot start from {start_from}; {possible}$"):
        desk.reprocess(start_from)


def test_pages_that_have_expired_count_as_missing(desk: Desk) -> None:
    """An index alone is no page: what it points to may have expired."""
    desk.add(Status.PROCESSED)
    desk.store(*ALL_DONE)
    part = desk.places().ocr_part(1)
    desk.objects._s3.delete_object(Bucket=part.bucket, Key=part.key)

    with pytest.raises(ResultMissingError, match="possible: ocr, review, publish"):
        desk.reprocess(Step.MODEL)


def test_doubtful_fields_are_not_published_without_a_review(desk: Desk) -> None:
    desk.add(Status.IN_REVIEW)
    desk.store(Step.OCR, Step.MODEL, Step.POSTPROCESS, fields=DOUBTFUL)

    with pytest.raises(ReprocessRefusedError, match="start from review"):
        desk.reprocess(Step.PUBLISH)
    desk.store(Step.REVIEW)
    assert desk.reprocess(Step.PUBLISH).from_ is Step.PUBLISH


@pytest.mark.parametrize("status", [Status.PROCESSED, Status.IN_REVIEW])
def test_without_a_missing_result_the_operator_must_name_a_step(desk: Desk, status: Status) -> None:
    desk.add(status)
    desk.store(*ALL_DONE)

    with pytest.raises(ReprocessRefusedError, match="say which to start from: ocr, model, postprocess"):
        desk.reprocess()


def test_a_waiting_document_is_left_to_wait(desk: Desk) -> None:
    desk.add(Status.WAITING)

    with pytest.raises(ReprocessRefusedError, match="it waits already and will start from ocr"):
        desk.reprocess(Step.OCR, pay_for_ocr=True, force=True)


def test_a_running_document_is_refused_or_stopped_by_force(desk: Desk) -> None:
    desk.add(Status.WAITING)
    desk.dispatch()
    desk.store(Step.OCR)

    with pytest.raises(ReprocessRefusedError, match="with force, its execution is stopped"):
        desk.reprocess(Step.MODEL)
    desk.reprocess(Step.MODEL, force=True)

    assert [name for name, *_ in desk.workflow.stopped] == ["a-1"]
    assert desk.slots.owners() == {}
    desk.dispatch(action="recover", execution="a-1")  # what the stopped execution sets off
    assert set(desk.workflow.executions) == {"a-1", "a-2"}


def test_an_unknown_document_is_named(desk: Desk) -> None:
    desk.add(Status.FAILED, document="b")
    request = ReprocessRequest(document_id="a", of_attempt=1, request_id="r1")

    with pytest.raises(DocumentMissingError, match="document a"):
        reprocess(request, Reprocess(desk.documents, *[None] * 9))  # type: ignore[arg-type]


def test_of_two_operators_one_wins_and_the_other_is_told_who(desk: Desk) -> None:
    desk.add(Status.PROCESSED)
    desk.store(*ALL_DONE)

    desk.reprocess(Step.MODEL, of_attempt=1, request_id="r1", operator="ann")
    with pytest.raises(ReprocessRefusedError, match="moved on since by ann"):
        desk.reprocess(Step.REVIEW, of_attempt=1, request_id="r2", operator="bob")

    assert (desk.row().attempt, desk.row().start_from) == (2, "model")


def test_of_two_operators_in_the_same_moment_one_write_wins(desk: Desk) -> None:
    row = desk.add(Status.PROCESSED)
    desk.store(*ALL_DONE)

    class Stale:
        def find(self, document: str) -> DocumentRow:
            return row

        def __getattr__(self, name: str) -> Any:
            return getattr(desk.documents, name)

    desk.reprocess(Step.MODEL)
    request = ReprocessRequest(document_id="a", of_attempt=1, request_id="r2", from_=Step.REVIEW)
    step = Reprocess(
        Stale(), desk.slots, desk.reviews, desk.objects, desk.workflow, desk.desks, desk.parameters,
        desk.clock, WORK, RELEASE,
    )  # type: ignore[arg-type]  # fmt: skip
    with pytest.raises(ReprocessRefusedError, match="somebody else has moved it in this moment"):
        reprocess(request, step)

    assert desk.row().start_from == "model"


def test_the_same_request_twice_is_one_attempt(desk: Desk) -> None:
    """An SDK repeats a call whose answer was lost."""
    desk.add(Status.PROCESSED)
    desk.store(*ALL_DONE)

    answers = {desk.reprocess(Step.MODEL, of_attempt=1).attempt for _ in range(2)}

    assert answers == {2}


def test_the_same_request_ends_what_the_first_time_left_running(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopping was refused after the deciding write; the operator, or the SDK, repeats the call."""
    desk.add(Status.WAITING)
    desk.dispatch()
    desk.store(Step.OCR)

    def refuse(*_: str) -> None:
        raise ThrottledError("StopExecution: slow down")

    with monkeypatch.context() as busy:
        busy.setattr(desk.workflow, "stop", refuse)
        with pytest.raises(ThrottledError):
            desk.reprocess(Step.MODEL, of_attempt=1, force=True)

    desk.reprocess(Step.MODEL, of_attempt=1, force=True)

    assert desk.row().attempt == 2
    assert [name for name, *_ in desk.workflow.stopped] == ["a-1"]
    assert desk.slots.owners() == {}


@pytest.mark.parametrize("code", ["ExecutionDoesNotExist", "ValidationException"])
def test_an_execution_that_has_ended_by_itself_is_stopped_without_an_error(code: str) -> None:
    workflow = StepFunctionsWorkflow("recto-tests", "arn:aws:states:us-east-1:1:stateMachine:recto-document")

    with Stubber(workflow._states) as states:
        states.add_client_error("stop_execution", code, "Execution is not running", 400)
        workflow.stop("a-1", "Reprocessed", "by ann")

        states.assert_no_pending_responses()


def test_the_second_event_says_what_it_supersedes(desk: Desk) -> None:
    desk.add(Status.RUNNING)
    desk.store(Step.OCR, Step.MODEL, Step.POSTPROCESS)
    desk.publish()
    first = desk.row().result_key
    desk.reprocess(Step.REVIEW)
    desk.documents.move("a", (Status.WAITING,), Status.FAILED, desk.clock())
    desk.reprocess(Step.PUBLISH, request_id="r2")
    desk.dispatch()

    desk.publish()

    details = [detail for _, detail in desk.events.published]
    assert "Supersedes" not in details[0]
    assert len(details) == 2
    assert details[1]["Attempt"] == 3
    assert details[1]["Supersedes"]["Attempt"] == 1
    assert details[1]["Supersedes"]["Result"]["Key"] == first == "documents/a/result.json"
    assert details[1]["Result"]["Key"] == "documents/a/attempt-3/result.json"


def test_a_try_after_the_event_was_taken_tells_the_same_attempt_which_is_told_once(desk: Desk) -> None:
    desk.add(Status.RUNNING)
    desk.store(Step.OCR, Step.MODEL, Step.POSTPROCESS)

    desk.publish()
    desk.publish()  # the function died before it had answered

    assert [kind for kind, _ in desk.events.published] == ["DocumentProcessed"]
    assert desk.events.names == {("DocumentProcessed", "a-1")}


def test_what_was_closed_and_could_not_be_told_is_told_by_the_failures_step(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Publish was killed too often after the row, or may not start executions any more."""
    desk.add(Status.RUNNING)
    desk.store(Step.OCR, Step.MODEL, Step.POSTPROCESS)

    def refused(*_: object) -> None:
        raise AccessError("StartExecution")

    with monkeypatch.context() as patch:
        patch.setattr(desk.events, "publish", refused)
        with pytest.raises(AccessError):
            desk.publish()
    failed = PublishRequest(document=desk.row().ref(), failure=Failure(Error="AccessError", Cause="-"))
    for _ in range(2):
        publish(failed, Publish(desk.objects, desk.documents, desk.events, desk.clock, WORK))

    assert desk.row().status is Status.PROCESSED
    ((kind, detail),) = desk.events.published
    assert (kind, detail["Result"]["Key"]) == ("DocumentProcessed", desk.row().result_key)


def test_a_failures_event_is_sent_once_and_by_the_next_attempt_again(desk: Desk) -> None:
    desk.add(Status.RUNNING)
    step = Publish(desk.objects, desk.documents, desk.events, desk.clock, WORK)
    request = PublishRequest(document=desk.row().ref(), failure=Failure(Error="OcrFailedError", Cause="-"))

    publish(request, step)
    publish(request, step)
    desk.documents.move("a", (Status.FAILED,), Status.RUNNING, desk.clock(), attempt=2)
    publish(request.model_copy(update={"document": desk.row().ref()}), step)

    told = [(kind, detail["Attempt"]) for kind, detail in desk.events.published]
    assert told == [("DocumentFailed", 1), ("DocumentFailed", 2)]


def test_an_execution_of_an_earlier_attempt_publishes_nothing(desk: Desk) -> None:
    desk.add(Status.RUNNING)
    desk.store(Step.OCR, Step.MODEL, Step.POSTPROCESS)
    late = desk.row().ref()
    desk.reprocess(Step.MODEL, force=True)

    publish(
        PublishRequest(document=late), Publish(desk.objects, desk.documents, desk.events, desk.clock, WORK)
    )

    assert desk.events.published == []
    assert desk.objects.info(desk.places().result) is None
    assert desk.row().status is Status.WAITING


def test_a_review_is_opened_anew_although_nothing_asks_for_one(desk: Desk) -> None:
    desk.add(Status.PROCESSED, review_id="review-old", result_attempt=1, result_key="k")
    desk.store(*ALL_DONE, Step.REVIEW)
    desk.reprocess(Step.REVIEW)
    desk.dispatch()

    review = desk.open_review("t2")

    assert review == "review-t2"
    assert desk.row().status is Status.IN_REVIEW
    assert desk.objects.info(desk.places().reviewed_fields), "the old answer is kept"


def test_a_waiting_review_is_withdrawn_and_its_execution_stopped(desk: Desk) -> None:
    desk.add(Status.WAITING)
    desk.dispatch()
    desk.store(Step.OCR, Step.MODEL, Step.POSTPROCESS, fields=DOUBTFUL)
    desk.parameters.values[FLOW] = "arn:aws:sagemaker:us-east-1:123456789012:flow-definition/f"
    review = desk.open_review("t1")

    desk.reprocess(Step.MODEL)

    kept = desk.reviews.find(review)
    assert kept
    assert kept.state == "WITHDRAWN"
    assert "processed again from model, attempt 2, by ann" in kept.reason
    assert desk.loops.stopped == [kept.loop_name]
    assert [name for name, *_ in desk.workflow.stopped] == ["a-1"]


def test_the_history_says_which_attempt_makes_what_and_for_whom(desk: Desk) -> None:
    desk.add(Status.PROCESSED)
    desk.store(*ALL_DONE)

    desk.reprocess(Step.POSTPROCESS)

    entry = desk.documents.history("a")[-1]
    assert (entry["to"], entry["attempt"], entry["start_from"]) == ("WAITING", 2, "postprocess")
    assert entry["made_in"] == {"ocr": 1, "model": 1, "postprocess": 2, "review": 2, "publish": 2}
    assert (entry["operator"], entry["release"]) == ("ann", "releases/two")


@pytest.mark.parametrize(
    ("error", "options", "engine"),
    [
        ("ConfigurationError", {}, ""),
        ("AccessError", {}, ""),
        ("OcrFailedError", {"pay_for_ocr": True}, ""),
        ("ThrottledError", {}, "sagemaker"),
    ],
)
def test_an_ocr_that_could_not_be_used_is_chosen_anew_and_one_that_was_asked_is_joined(
    desk: Desk, error: str, options: dict[str, Any], engine: str
) -> None:
    desk.add(Status.FAILED, error=error, ocr_engine="sagemaker", ocr_endpoint="recto-ocr-gone")

    desk.reprocess(**options)

    row = desk.row()
    assert (row.start_from, row.ocr_engine) == ("ocr", engine)
    assert bool(row.ocr_endpoint) == bool(engine)


def test_the_function_moves_the_document_then_lets_dispatch_start_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.add(Status.PROCESSED)
    desk.store(*ALL_DONE)
    boto3.client("ssm").put_parameter(Name=RELEASE, Value="releases/two", Type="String")
    app = load(
        "intake", "reprocess", monkeypatch, DOCUMENT_TABLE="documents", WORK_BUCKET=WORK,
        STATE_MACHINE_ARN="arn:aws:states:us-east-1:1:stateMachine:recto-document",
        RELEASE_PARAMETER=RELEASE, DISPATCH_FUNCTION="dispatch", DESK_FUNCTION="control",
    )  # fmt: skip
    later = Later()
    step, _, function = app.wiring()
    monkeypatch.setattr(app, "wiring", lambda: (step, later, function))
    request = ReprocessRequest(document_id="a", of_attempt=1, request_id="r1", from_=Step.MODEL)

    answer = app.lambda_handler(request.dump(), Context())

    assert answer == {"DocumentId": "a", "Attempt": 2, "From": "model", "Release": "releases/two"}
    assert later.told == [("dispatch", DispatchRequest().dump())]
