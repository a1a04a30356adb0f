"""Admission: slots never exceed the limit, never leak, and the oldest document goes first."""

import re
from datetime import timedelta
from typing import Any

import pytest

from recto.aws.admission import SlotLeases
from recto.aws.dynamodb import DocumentRows, Table
from recto.aws.s3 import S3Objects
from recto.errors import ConfigurationError, ParameterMissingError, ThrottledError
from recto.messages import DispatchRequest, DocumentRef, Lane, Status
from recto.places import DocumentPlaces, Location, document_id, execution_name
from recto.ports import DocumentRow
from recto.steps.dispatch import Dispatch, dispatch
from recto.steps.ocr_engine import OcrParameters
from tests.fakes import FakeClock, FakeEvents, FakeParameters, FakeWorkflow
from tests.functional.conftest import WORK

RELEASE = "/recto/config/Release"
PLAN = b'{"NumPages": 1, "Ranges": [{"Part": 1, "First": 1, "Last": 1}]}'


@pytest.fixture
def events() -> FakeEvents:
    return FakeEvents()


@pytest.fixture
def step(
    documents: DocumentRows,
    slots: SlotLeases,
    workflow: FakeWorkflow,
    objects: S3Objects,
    clock: FakeClock,
    events: FakeEvents,
) -> Dispatch:
    parameters = FakeParameters({RELEASE: "releases/one"})
    lease = timedelta(hours=1)
    return Dispatch(documents, slots, workflow, objects, parameters, events, clock, WORK, RELEASE, 2, lease)


def upload(documents: DocumentRows, clock: FakeClock, name: str, **changes: Any) -> DocumentRow:
    now = clock()
    row = DocumentRow(
        document_id=name, status=Status.WAITING, bucket="inbox", key=f"{name}.pdf", received=now, updated=now
    ).model_copy(update=changes)
    documents.add(row)
    return row


def release(row_id: str, attempt: int = 1) -> DispatchRequest:
    document = DocumentRef(document_id=row_id, attempt=attempt, bucket="inbox", key=f"{row_id}.pdf")
    return DispatchRequest(action="release", document=document)


def test_the_oldest_documents_start_until_the_slots_are_taken(
    step: Dispatch, documents: DocumentRows, workflow: FakeWorkflow, clock: FakeClock
) -> None:
    for name in ("c", "a", "b"):
        upload(documents, clock, name)

    response = dispatch(DispatchRequest(), step)

    assert response.started == ("c", "a")
    assert set(workflow.executions) == {"c-1", "a-1"}
    found = documents.find("b")
    assert found
    assert found.status is Status.WAITING


def test_rows_of_other_lanes_are_passed_over(
    documents: DocumentRows, table: Table, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many answers that takes; a row from before there were lanes is a live one."""
    monkeypatch.setattr("recto.aws.dynamodb.PASSED_OVER", 4)
    for number in range(10):
        upload(documents, clock, f"x{number}", lane="backfill")
    for name in ("old", "live", "more"):
        upload(documents, clock, name)
    table.update({"pk": "DOC#old", "sk": "STATE"}, "REMOVE #lane", {"#lane": "lane"}, {})

    assert [row.document_id for row in documents.with_status(Status.WAITING, 2, "live")] == ["old", "live"]
    assert len(documents.with_status(Status.WAITING, 9, "backfill")) == 9


def test_the_release_is_pinned_when_the_document_starts(
    step: Dispatch, documents: DocumentRows, workflow: FakeWorkflow, clock: FakeClock
) -> None:
    upload(documents, clock, "a")

    dispatch(DispatchRequest(), step)

    execution = workflow.executions["a-1"].dump()
    assert execution["From"] == "ocr"
    assert execution["Document"]["Release"] == "releases/one"
    assert execution["Input"] == {"Bucket": "inbox", "Key": "a.pdf"}


def test_a_slot_given_back_starts_the_next(step: Dispatch, documents: DocumentRows, clock: FakeClock) -> None:
    for name in ("a", "b", "c"):
        upload(documents, clock, name)
    dispatch(DispatchRequest(), step)

    response = dispatch(release("a"), step)

    assert response.started == ("c",)


def test_giving_a_slot_back_twice_frees_one(
    step: Dispatch, documents: DocumentRows, slots: SlotLeases
) -> None:
    clock = FakeClock()
    for name in ("a", "b", "c", "d"):
        upload(documents, clock, name)
    dispatch(DispatchRequest(), step)

    first, second = dispatch(release("a"), step), dispatch(release("a"), step)

    assert (first.started, second.started) == (("c",), ())
    assert set(slots.owners()) == {"b-1", "c-1"}


def test_an_expired_lease_is_taken_back(step: Dispatch, documents: DocumentRows, clock: FakeClock) -> None:
    for name in ("a", "b", "c"):
        upload(documents, clock, name)
    dispatch(DispatchRequest(), step)

    clock.pass_time(hours=2)
    response = dispatch(DispatchRequest(), step)

    assert set(response.reaped) == {"a-1", "b-1"}
    assert response.started == ("c",)


def test_a_start_that_fails_stops_no_other_and_loses_nothing(
    step: Dispatch, documents: DocumentRows, workflow: FakeWorkflow, slots: SlotLeases, clock: FakeClock
) -> None:
    for name in ("a", "b"):
        upload(documents, clock, name)
    workflow.refuses = {"a-1"}

    with pytest.raises(ThrottledError, match="slow down"):
        dispatch(DispatchRequest(), step)

    assert set(workflow.executions) == {"b-1"}
    assert set(slots.owners()) == {"b-1"}
    assert [row.document_id for row in documents.with_status(Status.WAITING, 9)] == ["a"]
    workflow.refuses = set()
    assert dispatch(DispatchRequest(), step).started == ("a",)


def test_whoever_gives_a_slot_back_is_not_told_of_anothers_failure(
    step: Dispatch, documents: DocumentRows, workflow: FakeWorkflow, clock: FakeClock
) -> None:
    upload(documents, clock, "a")
    workflow.refuses = {"a-1"}

    assert dispatch(release("z"), step).refused == ("a",)


def test_without_a_release_documents_wait_and_the_operator_is_told(
    step: Dispatch, documents: DocumentRows, slots: SlotLeases, clock: FakeClock
) -> None:
    upload(documents, clock, "a")

    with pytest.raises(ParameterMissingError, match="Release"):
        dispatch(DispatchRequest(), step._replace(parameters=FakeParameters({})))

    assert slots.owners() == {}
    assert len(documents.with_status(Status.WAITING, 9)) == 1


def test_a_parameter_that_cannot_be_used_stops_no_document_that_has_its_release_and_ocr(
    step: Dispatch, documents: DocumentRows, workflow: FakeWorkflow, clock: FakeClock
) -> None:
    """One is processed again, the other is new."""
    upload(documents, clock, "new")
    upload(documents, clock, "again", release="releases/one", ocr_engine="textract")
    broken = step._replace(parameters=FakeParameters({}))

    with pytest.raises(ParameterMissingError, match="Release"):
        dispatch(DispatchRequest(), broken)

    assert set(workflow.executions) == {"again-1"}
    assert dispatch(release("again"), broken).refused == ("new",), "whoever gives a slot back is not told"


def test_a_crash_between_row_and_execution_is_mended_by_recover(
    step: Dispatch, documents: DocumentRows, workflow: FakeWorkflow, slots: SlotLeases, clock: FakeClock
) -> None:
    row = upload(documents, clock, "a")
    slots.take("a-1", 2, clock() + timedelta(hours=1))
    documents.move(row.document_id, (Status.WAITING,), Status.RUNNING, clock(), 1, release="releases/one")

    clock.pass_time(minutes=20)
    response = dispatch(DispatchRequest(action="recover"), step)

    assert (response.restarted, response.started) == (("a",), ("a",))
    assert set(workflow.executions) == {"a-2"}
    assert set(slots.owners()) == {"a-2"}


@pytest.mark.parametrize("key", ["a" * 200 + "1.pdf", "a" * 200 + "2.pdf", "ünï/日本 語+%.pdf"])
def test_execution_names_never_collide_or_break(key: str) -> None:
    """Defect 7: names cut from long keys were the same for different documents."""
    names = {
        execution_name(document_id(Location(bucket="b", key=other), "etag", "1"), 1)
        for other in (key, "a" * 200 + "3.pdf")
    }

    assert len(names) == 2
    assert all(re.fullmatch(r"[A-Za-z0-9-]{1,80}", name) for name in names)


class StaleIndex:
    """The index still shows a row as waiting that another dispatcher has just started."""

    def __init__(self, documents: DocumentRows, stale: list[DocumentRow]) -> None:
        self._documents, self._stale = documents, stale

    def with_status(self, status: Status, limit: int, lane: Lane | None = None) -> list[DocumentRow]:
        return self._stale if status is Status.WAITING else self._documents.with_status(status, limit, lane)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._documents, name)


def test_two_dispatchers_never_start_a_document_twice(
    step: Dispatch, documents: DocumentRows, workflow: FakeWorkflow, slots: SlotLeases, clock: FakeClock
) -> None:
    row = upload(documents, clock, "a")
    dispatch(DispatchRequest(), step)
    slots.release("a-1")
    workflow.executions.clear()

    response = dispatch(DispatchRequest(), step._replace(documents=StaleIndex(documents, [row])))

    assert response.started == ()
    assert workflow.executions == {}
    assert slots.owners() == {}


def test_a_crash_between_slot_and_row_is_mended_by_recover(
    step: Dispatch, documents: DocumentRows, slots: SlotLeases, clock: FakeClock
) -> None:
    upload(documents, clock, "a")
    slots.take("a-1", 2, clock() + timedelta(hours=1))
    assert dispatch(DispatchRequest(), step).started == ()

    clock.pass_time(minutes=2)
    response = dispatch(DispatchRequest(action="recover"), step)

    assert response.reaped == ("a-1",)
    assert response.started == ("a",)


def test_a_slot_that_was_just_taken_is_left_alone(
    step: Dispatch, documents: DocumentRows, slots: SlotLeases, clock: FakeClock
) -> None:
    upload(documents, clock, "a")
    slots.take("a-1", 2, clock() + timedelta(hours=1))

    dispatch(DispatchRequest(action="recover"), step)

    assert set(slots.owners()) == {"a-1"}


def test_an_execution_that_ended_without_an_outcome_goes_on_at_once(
    step: Dispatch, documents: DocumentRows, workflow: FakeWorkflow, clock: FakeClock
) -> None:
    upload(documents, clock, "a")
    dispatch(DispatchRequest(), step)
    workflow.running.clear()

    response = dispatch(DispatchRequest(action="recover", execution="a-1"), step)

    assert response.restarted == ("a",)
    assert set(workflow.executions) == {"a-1", "a-2"}


def test_an_execution_of_an_earlier_attempt_changes_nothing(
    step: Dispatch, documents: DocumentRows, workflow: FakeWorkflow, clock: FakeClock
) -> None:
    upload(documents, clock, "a", status=Status.RUNNING, attempt=3)

    assert dispatch(DispatchRequest(action="recover", execution="a-2"), step).restarted == ()


def test_a_document_whose_executions_keep_ending_fails_by_name_in_the_end(
    step: Dispatch, documents: DocumentRows, events: FakeEvents, clock: FakeClock
) -> None:
    upload(documents, clock, "a", status=Status.RUNNING, attempt=10, release="releases/one")

    dispatch(DispatchRequest(action="recover", older_than_seconds=0), step)

    found = documents.find("a")
    assert found
    assert (found.status, found.error) == (Status.FAILED, "TooManyAttemptsError")
    ((kind, detail),) = events.published
    assert (kind, detail["Error"]) == ("DocumentFailed", "TooManyAttemptsError")


def test_who_gives_up_and_is_killed_before_the_row_says_so_gives_up_again_and_tells_once(
    step: Dispatch,
    documents: DocumentRows,
    events: FakeEvents,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    upload(documents, clock, "a", status=Status.RUNNING, attempt=10, release="releases/one")
    request = DispatchRequest(action="recover", older_than_seconds=0)

    def killed(*_: object, **__: object) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(documents, "move", killed)
        with pytest.raises(KeyboardInterrupt):
            dispatch(request, step)
    told = list(events.published)
    dispatch(request, step)

    assert [kind for kind, _ in told] == ["DocumentFailed"]
    assert events.published == told
    found = documents.find("a")
    assert found
    assert found.status is Status.FAILED


def test_a_document_that_was_published_since_the_index_showed_it_is_not_given_up(
    step: Dispatch,
    documents: DocumentRows,
    events: FakeEvents,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    upload(documents, clock, "a", status=Status.RUNNING, attempt=10, release="releases/one")
    old = documents.with_status(Status.RUNNING, 10)
    assert documents.move("a", (Status.RUNNING,), Status.PROCESSED, clock(), 10)
    monkeypatch.setattr(documents, "with_status", lambda *_: old)

    dispatch(DispatchRequest(action="recover", older_than_seconds=0), step)

    assert events.published == []
    found = documents.find("a")
    assert found
    assert found.status is Status.PROCESSED


def test_a_waiting_review_may_be_restarted_any_number_of_times(
    step: Dispatch, documents: DocumentRows, workflow: FakeWorkflow, clock: FakeClock
) -> None:
    upload(documents, clock, "a", status=Status.IN_REVIEW, attempt=50, release="releases/one")

    dispatch(DispatchRequest(action="recover", older_than_seconds=0, include_reviews=True), step)

    assert set(workflow.executions) == {"a-51"}


def test_one_row_that_cannot_be_recovered_stops_no_other(
    step: Dispatch, documents: DocumentRows, workflow: FakeWorkflow, clock: FakeClock
) -> None:
    for name in ("a", "b"):
        upload(documents, clock, name, status=Status.IN_REVIEW, release="releases/one")
    workflow.refuses = {"a-2"}

    with pytest.raises(ThrottledError):
        dispatch(DispatchRequest(action="recover", older_than_seconds=0, include_reviews=True), step)

    assert set(workflow.executions) == {"b-2"}


@pytest.mark.parametrize(
    ("status", "finished", "expected"),
    [
        (Status.RUNNING, [], "ocr"),
        (Status.RUNNING, ["ocr/index.json"], "ocr"),
        (Status.RUNNING, ["ocr/index.json", "images/plan.json"], "ocr"),
        (Status.RUNNING, ["images/plan.json", "images/part-0001.json"], "ocr"),
        (Status.RUNNING, ["ocr/index.json", "images/plan.json", "images/part-0001.json"], "model"),
        (Status.RUNNING, ["ocr/index.json", "images/plan.json", "fields.json"], "postprocess"),
        (Status.IN_REVIEW, ["fields.json"], "review"),
        (Status.IN_REVIEW, ["fields.json", "review/fields.json"], "publish"),
    ],
)
def test_an_interrupted_document_goes_on_from_its_last_finished_step(
    status: Status,
    finished: list[str],
    expected: str,
    step: Dispatch,
    documents: DocumentRows,
    workflow: FakeWorkflow,
    objects: S3Objects,
    clock: FakeClock,
) -> None:
    upload(documents, clock, "a", status=status, release="releases/old")
    for name in finished:
        body = PLAN if name == "images/plan.json" else b"{}"
        objects.write(DocumentPlaces(WORK, "a").at(name), body)

    dispatch(DispatchRequest(action="recover", older_than_seconds=0, include_reviews=True), step)

    execution = workflow.executions["a-2"]
    assert execution.from_ == expected
    assert execution.document.release == "releases/old"
    assert execution.document.ocr_attempt == 1


def test_a_running_execution_is_left_alone(
    step: Dispatch, documents: DocumentRows, workflow: FakeWorkflow, clock: FakeClock
) -> None:
    upload(documents, clock, "a")
    dispatch(DispatchRequest(), step)

    clock.pass_time(hours=3)
    response = dispatch(DispatchRequest(action="recover"), step)

    assert response.restarted == ()
    assert list(workflow.executions) == ["a-1"]


OCR = OcrParameters("/recto/config/OcrEngine", "/recto/config/SMOCREndpointName")


def reading(step: Dispatch, engine: str, endpoint: str = "undefined") -> Dispatch:
    """The same dispatch while the parameters say this."""
    values = {RELEASE: "releases/one", OCR.engine: engine, OCR.endpoint: endpoint}
    return step._replace(parameters=FakeParameters(values), ocr_parameters=OCR)


def test_the_ocr_is_pinned_when_a_document_starts_and_a_change_is_for_the_next(
    documents: DocumentRows, step: Dispatch, clock: FakeClock, workflow: FakeWorkflow
) -> None:
    upload(documents, clock, "a")
    dispatch(DispatchRequest(), reading(step, "sagemaker", "recto-ocr-x"))
    upload(documents, clock, "b")
    dispatch(DispatchRequest(), reading(step, "textract"))

    refs = {name: workflow.executions[f"{name}-1"].document for name in "ab"}
    assert (refs["a"].ocr_engine, refs["a"].ocr_endpoint) == ("sagemaker", "recto-ocr-x")
    assert (refs["b"].ocr_engine, refs["b"].ocr_endpoint) == ("textract", "")


def test_an_interrupted_document_keeps_its_ocr(
    documents: DocumentRows, step: Dispatch, clock: FakeClock, workflow: FakeWorkflow
) -> None:
    upload(documents, clock, "a")
    dispatch(DispatchRequest(), reading(step, "sagemaker", "recto-ocr-x"))
    workflow.running.clear()
    clock.pass_time(hours=1)

    dispatch(DispatchRequest(action="recover"), reading(step, "textract"))

    again = workflow.executions["a-2"].document
    assert (again.ocr_engine, again.ocr_endpoint) == ("sagemaker", "recto-ocr-x")


THUMBNAILS = "/recto/config/ThumbnailEndpointName"


def drawing(step: Dispatch, **values: str) -> Dispatch:
    """The same dispatch while the parameter names an endpoint, or none."""
    found = FakeParameters({RELEASE: "releases/one", **values})
    return step._replace(parameters=found, thumbnail_parameter=THUMBNAILS)


def test_who_draws_thumbnails_is_pinned_when_a_document_starts(
    documents: DocumentRows, step: Dispatch, clock: FakeClock, workflow: FakeWorkflow
) -> None:
    upload(documents, clock, "a")
    dispatch(DispatchRequest(), drawing(step, **{THUMBNAILS: "recto-thumbnails"}))
    upload(documents, clock, "b")
    dispatch(DispatchRequest(), drawing(step))
    workflow.running.clear()
    clock.pass_time(hours=1)

    dispatch(DispatchRequest(action="recover"), drawing(step))

    drawn_by = {name: workflow.executions[name].document.thumbnail_endpoint for name in ("a-1", "a-2", "b-1")}
    assert drawn_by == {"a-1": "recto-thumbnails", "a-2": "recto-thumbnails", "b-1": ""}


def test_an_ocr_that_is_none_starts_nothing_and_loses_nothing(
    documents: DocumentRows, step: Dispatch, clock: FakeClock, workflow: FakeWorkflow
) -> None:
    upload(documents, clock, "a")

    with pytest.raises(ConfigurationError, match="expected textract or sagemaker"):
        dispatch(DispatchRequest(), reading(step, "tesseract"))

    assert workflow.executions == {}
    assert [row.document_id for row in documents.with_status(Status.WAITING, 9)] == ["a"]
