"""Admission: slots never exceed the limit, never leak, and the oldest document goes first."""

from datetime import timedelta
from typing import Any

import pytest

from recto.aws.dynamodb import DocumentRows, SlotLeases
from recto.aws.s3 import S3Objects
from recto.messages import DispatchRequest, DocumentRef, Status
from recto.places import DocumentPlaces
from recto.ports import DocumentRow
from recto.steps.dispatch import Dispatch, dispatch
from tests.fakes import FakeClock, FakeParameters, FakeWorkflow
from tests.functional.conftest import WORK

RELEASE = "/recto/config/Release"
PLAN = b'{"NumPages": 1, "Ranges": [{"Part": 1, "First": 1, "Last": 1}]}'


@pytest.fixture
def workflow() -> FakeWorkflow:
    return FakeWorkflow()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def step(
    documents: DocumentRows, slots: SlotLeases, workflow: FakeWorkflow, objects: S3Objects, clock: FakeClock
) -> Dispatch:
    parameters = FakeParameters({RELEASE: "releases/one"})
    lease = timedelta(hours=1)
    return Dispatch(documents, slots, workflow, objects, parameters, clock, WORK, RELEASE, 2, lease)


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


def test_giving_a_slot_back_twice_frees_one(step: Dispatch, documents: DocumentRows, slots: SlotLeases) -> None:
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


def test_a_start_that_fails_loses_nothing(
    step: Dispatch, documents: DocumentRows, workflow: FakeWorkflow, clock: FakeClock
) -> None:
    upload(documents, clock, "a")
    workflow.refuses = True
    with pytest.raises(Exception, match="slow down"):
        dispatch(DispatchRequest(), step)

    workflow.refuses = False
    clock.pass_time(minutes=20)
    response = dispatch(DispatchRequest(action="recover"), step)

    assert response.restarted == ("a",)
    assert response.started == ("a",)
    assert set(workflow.executions) == {"a-2"}


def test_two_dispatchers_never_start_a_document_twice(
    step: Dispatch, documents: DocumentRows, workflow: FakeWorkflow, clock: FakeClock
) -> None:
    row = upload(documents, clock, "a")
    stale = row

    dispatch(DispatchRequest(), step)
    found = documents.move("a", (Status.WAITING,), Status.RUNNING, clock(), stale.attempt)

    assert not found
    assert list(workflow.executions) == ["a-1"]


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
    status: Status, finished: list[str], expected: str, step: Dispatch, documents: DocumentRows,
    workflow: FakeWorkflow, objects: S3Objects, clock: FakeClock,
) -> None:  # fmt: skip
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
