"""Backfills in the table: each object once, counts that fit their documents, states that go on."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from recto.aws.backfills import BackfillRows
from recto.aws.dynamodb import DocumentRows, Table
from recto.aws.s3 import S3Objects
from recto.backfills import BackfillRow, BackfillState, Counts
from recto.errors import AccessError, ThrottledError
from recto.messages import (
    BackfillRequest,
    BackfillResponse,
    DocumentRef,
    Failure,
    PublishRequest,
    ReprocessRequest,
    Status,
)
from recto.places import Location
from recto.ports import ObjectInfo
from recto.steps.backfill import Backfill, backfill, go_on, pause, settle
from recto.steps.intake import Intake
from recto.steps.publish import Publish, publish
from recto.steps.reprocess import Reprocess, reprocess
from tests.fakes import FakeClock, FakeEvents
from tests.functional.conftest import WORK
from tests.functional.test_reprocess import ALL_DONE, RELEASE, Desk, desk

__all__ = ["desk"]

PDF = b"%PDF-1.7\n" + b"x" * 100
ID = "20261121-090000-abcd"
FOLDER = "corpora/letters/"


class FakeRuns:
    """Step Functions' count of items that ended badly."""

    def __init__(self) -> None:
        self.failed = 0

    def failed_items(self, execution: str) -> int:
        return self.failed


class Woken:
    """Functions that were invoked."""

    def __init__(self) -> None:
        self.invoked: list[tuple[str, Mapping[str, Any]]] = []

    def invoke_later(self, function: str, payload: Mapping[str, Any]) -> None:
        self.invoked.append((function, payload))


class Rig:
    """A backfill over a folder of the work bucket, and all that its function works with."""

    def __init__(self, objects: S3Objects, table: Table) -> None:
        self.objects, self.table = objects, table
        self.documents, self.clock, self.events = DocumentRows(table), FakeClock(), FakeEvents()
        self.rows = BackfillRows(table, self.clock)
        self.runs, self.functions = FakeRuns(), Woken()
        self.rows.add(self.row())

    def row(self, **changes: Any) -> BackfillRow:
        told = {"backfill_id": ID, "state": BackfillState.LISTING, "source": "letters", "bucket": WORK,
                "prefix": FOLDER, "started": self.clock(), "updated": self.clock()}  # fmt: skip
        return BackfillRow.model_validate({**told, **changes})

    def step(self, objects: Any = None) -> Backfill:
        intake = Intake(objects or self.objects, self.documents, self.events, self.clock, max_bytes=1000)
        return Backfill(intake, self.rows, self.runs, self.functions, "dispatch")

    def put(self, name: str, body: bytes = PDF) -> None:
        self.objects.write(Location(bucket=WORK, key=FOLDER + name), body)

    def take(self, name: str, objects: Any = None, **item: Any) -> BackfillResponse:
        listed = {"Key": FOLDER + name, "Size": 1, "StorageClass": "STANDARD", **item}
        return backfill(BackfillRequest(backfill_id=ID, bucket=WORK, item=listed), self.step(objects))

    def take_line(self, item: dict[str, Any], index: int = 0) -> BackfillResponse:
        return backfill(BackfillRequest(backfill_id=ID, item=item, index=index), self.step())

    def taken(self, *names: str) -> list[str]:
        """Documents taken in, in the order of the line."""
        for name in names:
            self.put(name)
            assert self.take(name).outcome == "taken"
        return [place.document_id for place in self.rows.waiting(ID, 100)]

    def start(self, document: str) -> None:
        """As dispatch does."""
        [place] = [place for place in self.rows.waiting(ID, 100) if place.document_id == document]
        assert self.documents.move(document, (Status.BACKLOG,), Status.RUNNING, self.clock())
        self.rows.left_line(ID, document, place.place)

    def fail(self, document: str, error: str = "OcrFailedError") -> None:
        ref = DocumentRef(document_id=document, bucket=WORK, key="a.pdf")
        request = PublishRequest(document=ref, failure=Failure(Error=error))
        publish(request, Publish(self.objects, self.documents, self.events, self.clock, WORK, 0, self.rows))

    def counts(self) -> Counts:
        return self.rows.counts(ID)

    def kinds(self) -> list[str]:
        return [kind for kind, _ in self.events.published]


@pytest.fixture
def rig(objects: S3Objects, table: Table) -> Rig:
    return Rig(objects, table)


def test_an_object_becomes_a_document_in_the_line_of_its_backfill(rig: Rig) -> None:
    [document] = rig.taken("a.pdf")

    row = rig.documents.find(document)
    assert row
    assert (row.status, row.lane, row.backfill_id) == (Status.BACKLOG, "backfill", ID)
    assert rig.counts()[:3] == (1, len(PDF), 0)
    assert [entry["to"] for entry in rig.documents.history(document)] == ["RECEIVED", "BACKLOG"]


def test_taking_in_twice_changes_nothing(rig: Rig) -> None:
    rig.taken("a.pdf", "b.pdf")
    before = rig.counts()

    assert [rig.take(name).outcome for name in ("a.pdf", "b.pdf")] == ["taken", "taken"]

    assert rig.counts() == before
    assert len(rig.rows.waiting(ID, 10)) == 2
    assert not rig.events.published


def test_an_object_that_was_overwritten_is_another_document(rig: Rig) -> None:
    rig.taken("a.pdf")
    rig.put("a.pdf", PDF + b"2")

    rig.take("a.pdf")

    assert rig.counts().taken == 2


def test_what_is_no_document_fails_by_name_and_is_counted_once(rig: Rig) -> None:
    rig.put("note.txt", b"hello")
    rig.put("empty.pdf", b"")

    outcomes = [rig.take(name).outcome for name in ("note.txt", "empty.pdf", "note.txt")]

    assert outcomes == ["failed"] * 3
    failed = rig.documents.with_status(Status.FAILED, 10)
    assert {row.error for row in failed} == {"UnsupportedDocumentError", "EmptyDocumentError"}
    assert (rig.counts().taken, rig.counts().failed, rig.counts().waiting) == (2, 2, 0)
    assert rig.kinds() == ["DocumentFailed"] * 2
    assert set(rig.rows.ended(ID, Status.FAILED, 10)) == {row.document_id for row in failed}


def test_folder_markers_and_hidden_files_are_skipped_and_counted(rig: Rig) -> None:
    for name in ("sub/", ".DS_Store", "sub/.git/a.pdf", "~$letter.pdf", "Thumbs.db"):
        rig.put(name, b"" if name == "sub/" else PDF)
        assert rig.take(name, Size=0 if name == "sub/" else 109).outcome == "skipped"
    rig.take(".DS_Store")

    assert (rig.counts().skipped, rig.counts().taken) == (5, 0)


def test_lines_of_a_manifest_that_cannot_be_used_are_missed_by_name(rig: Rig) -> None:
    rig.put("a.pdf")

    good = rig.take_line({"raw-ref": f"s3://{WORK}/{FOLDER}a.pdf"})
    bad = [
        rig.take_line({"problem": "not JSON (here)", "line": 7}, 6),
        rig.take_line({"textract-ref": "s3://a/b"}, 7),
        rig.take_line({"raw-ref": "/home/a.pdf"}, 8),
        rig.take_line({"raw-ref": f"s3://{WORK}/{FOLDER}gone.pdf"}, 9),
    ]

    assert good.outcome == "taken"
    assert [answer.failure.Error for answer in bad if answer.failure] == [
        *["ManifestError"] * 3,
        "DocumentMissingError",
    ]
    told = {item["cause"] for item in rig.rows.missed(ID)}
    assert "line 7: not JSON (here)" in told
    assert "line 8: raw-ref: expected s3://bucket/key, seen the keys textract-ref" in told
    assert (rig.counts().taken, rig.counts().missed) == (1, 4)


def test_what_was_missed_is_missed_no_more_once_it_is_there(rig: Rig) -> None:
    assert rig.take("a.pdf").outcome == "missed"
    assert rig.counts().missed == 1

    rig.taken("a.pdf")

    assert (rig.counts().missed, rig.counts().taken) == (0, 1)


class Refusing(S3Objects):
    """A bucket that lets nobody read."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def info(self, place: Location) -> ObjectInfo | None:
        raise self.error


def test_an_object_that_may_not_be_read_is_missed_and_a_throttled_one_tried_again(rig: Rig) -> None:
    rig.put("a.pdf")

    assert rig.take("a.pdf", Refusing(AccessError("HeadObject: 403"))).outcome == "missed"
    with pytest.raises(ThrottledError):
        rig.take("a.pdf", Refusing(ThrottledError("SlowDown")))


def test_an_archived_object_is_missed_with_what_to_do(rig: Rig) -> None:
    rig.put("a.pdf")

    answer = rig.take("a.pdf", StorageClass="DEEP_ARCHIVE")

    assert answer.failure
    assert "restore it first" in answer.failure.Cause


def test_where_all_tries_failed_the_map_notes_why(rig: Rig) -> None:
    failure = Failure(Error="ThrottledError", Cause='{"errorMessage": "SlowDown", "stackTrace": ["…"]}')
    request = BackfillRequest(backfill_id=ID, bucket=WORK, item={"Key": "a.pdf"}, failure=failure)

    backfill(request, rig.step())

    [missed] = rig.rows.missed(ID)
    assert (missed["uri"], missed["error"], missed["cause"]) == (
        f"s3://{WORK}/a.pdf",
        "ThrottledError",
        "SlowDown",
    )


def test_a_document_of_another_backfill_stays_its_own(rig: Rig) -> None:
    [document] = rig.taken("a.pdf")
    rig.rows.add(rig.row(backfill_id="other"))

    listed = {"Key": f"{FOLDER}a.pdf"}
    answer = backfill(BackfillRequest(backfill_id="other", bucket=WORK, item=listed), rig.step())

    row = rig.documents.find(document)
    assert (answer.outcome, row and row.backfill_id) == ("known", ID)
    assert (rig.rows.counts("other").known, rig.rows.counts("other").taken) == (1, 0)


def test_outcomes_are_counted_once_and_corrected(rig: Rig) -> None:
    first, second = rig.taken("a.pdf", "b.pdf")
    for document in (first, second):
        rig.start(document)
    rig.fail(first)
    rig.fail(first)
    rig.fail(second, "DocumentRejectedError")

    assert rig.counts() == Counts(2, 2 * len(PDF), 2, 0, 1, 1)
    assert rig.rows.count(ID, first, Status.PROCESSED)
    assert not rig.rows.count(ID, first, Status.PROCESSED)
    assert rig.counts() == Counts(2, 2 * len(PDF), 2, 1, 0, 1)
    assert sum(rig.rows.pace(ID).values()) == 2


def test_whoever_left_the_line_twice_is_counted_once(rig: Rig) -> None:
    [document] = rig.taken("a.pdf")
    [place] = rig.rows.waiting(ID, 10)

    for _ in range(2):
        rig.rows.left_line(ID, document, place.place)

    assert (rig.counts().started, rig.counts().waiting, rig.rows.waiting(ID, 10)) == (1, 0, [])


def test_the_line_is_in_order_and_only_of_backfills_that_may_start(rig: Rig) -> None:
    rig.taken("b.pdf", "a.pdf", "c.pdf")

    keys = [rig.documents.find(place.document_id) for place in rig.rows.waiting(ID, 2)]

    assert [row.key.removeprefix(FOLDER) for row in keys if row] == ["b.pdf", "a.pdf"]
    assert rig.rows.active() == [ID]
    assert rig.rows.move(ID, (BackfillState.LISTING,), BackfillState.STOPPED)
    assert rig.rows.active() == []


def test_a_backfill_is_done_when_all_is_in_and_has_ended(rig: Rig) -> None:
    [document] = rig.taken("a.pdf")
    assert settle(rig.rows, rig.events, rig.clock) == []

    backfill(BackfillRequest(action="listed", backfill_id=ID, execution="arn"), rig.step())
    rig.start(document)
    assert settle(rig.rows, rig.events, rig.clock) == []
    rig.fail(document)

    assert settle(rig.rows, rig.events, rig.clock) == [ID]
    assert settle(rig.rows, rig.events, rig.clock) == []
    row = rig.rows.find(ID)
    assert row
    assert (row.state, row.listed, rig.rows.active()) == (BackfillState.DONE, True, [])
    [(kind, told)] = rig.events.published[-1:]
    assert (kind, told["Failed"], told["Processed"]) == ("BackfillDone", 1, 0)
    assert [name for name, _ in rig.functions.invoked] == ["dispatch"]


def test_a_document_processed_again_opens_its_backfill_again(rig: Rig) -> None:
    [document] = rig.taken("a.pdf")
    rig.start(document)
    rig.fail(document)
    backfill(BackfillRequest(action="listed", backfill_id=ID), rig.step())
    settle(rig.rows, rig.events, rig.clock)

    rig.rows.uncount(ID, document)

    row = rig.rows.find(ID)
    assert (row and row.state, rig.counts().failed, rig.counts().pending) == (BackfillState.RUNNING, 0, 1)
    rig.rows.uncount(ID, document)
    assert rig.counts().pending == 1
    rig.fail(document)  # the same outcome, the same counts: it is another end all the same
    assert settle(rig.rows, rig.events, rig.clock) == [ID]
    assert rig.kinds().count("BackfillDone") == 2


def test_stopped_while_it_is_taken_in_it_stays_stopped_and_knows_that_all_is_in(rig: Rig) -> None:
    rig.rows.move(ID, (BackfillState.LISTING,), BackfillState.STOPPED, reason="by ann")
    rig.runs.failed = 3

    backfill(BackfillRequest(action="listed", backfill_id=ID), rig.step())

    row = rig.rows.find(ID)
    assert row
    assert (row.state, row.listed, row.missed_by_map, row.reason) == (
        BackfillState.STOPPED,
        True,
        3,
        "by ann",
    )


def test_a_listing_that_cannot_be_read_stops_the_backfill_with_the_reason(rig: Rig) -> None:
    failure = Failure(Error="States.ItemReaderFailed", Cause="AccessDenied")

    backfill(BackfillRequest(action="not-listed", backfill_id=ID, failure=failure), rig.step())

    row = rig.rows.find(ID)
    assert row
    assert row.state is BackfillState.STOPPED
    assert row.reason == "taking in ended: States.ItemReaderFailed: AccessDenied"


def test_paused_while_it_is_listed_it_ends_all_the_same(rig: Rig) -> None:
    """Going on, it was read before it was noted that all is in: LISTING, with nothing left to list."""
    pause("the month's budget", rig.rows)
    backfill(BackfillRequest(action="listed", backfill_id=ID), rig.step())
    rig.rows.move(ID, (BackfillState.PAUSED,), BackfillState.LISTING)

    assert settle(rig.rows, rig.events, rig.clock) == [ID]
    row = rig.rows.find(ID)
    assert row
    assert row.state is BackfillState.DONE


def test_paused_a_listing_that_cannot_be_read_stops_the_backfill(rig: Rig) -> None:
    pause("the month's budget", rig.rows)

    backfill(BackfillRequest(action="not-listed", backfill_id=ID), rig.step())

    row = rig.rows.find(ID)
    assert row
    assert row.state is BackfillState.STOPPED


def test_who_ends_between_event_and_row_tells_once_that_a_backfill_is_done(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ends(*_: Any, **__: Any) -> bool:
        raise ThrottledError("TransactWriteItems")

    backfill(BackfillRequest(action="listed", backfill_id=ID), rig.step())
    with monkeypatch.context() as patch:
        patch.setattr(rig.rows, "move", ends)
        with pytest.raises(ThrottledError):
            settle(rig.rows, rig.events, rig.clock)

    assert settle(rig.rows, rig.events, rig.clock) == [ID]
    assert rig.kinds() == ["BackfillDone"]


@pytest.mark.parametrize("ended", [Status.PROCESSED, Status.REJECTED])
def test_an_outcome_that_nobody_counted_is_counted_by_who_comes_late(rig: Rig, ended: Status) -> None:
    """A try ended between row and count; then the document is told to have failed."""
    [document] = rig.taken("a.pdf")
    rig.start(document)
    rig.documents.move(document, (Status.RUNNING,), ended, rig.clock())

    rig.fail(document)

    row = rig.documents.find(document)
    assert row
    assert row.status is ended
    assert (rig.counts().processed, rig.counts().rejected) == (
        ended is Status.PROCESSED,
        ended is Status.REJECTED,
    )
    assert (rig.counts().failed, rig.counts().pending) == (0, 0)


def test_the_same_backfill_is_added_once_and_the_newest_is_listed_first(rig: Rig) -> None:
    assert not rig.rows.add(rig.row())
    rig.clock.pass_time(days=1)
    rig.rows.add(rig.row(backfill_id="20261122-090000-abcd", state=BackfillState.DONE))

    assert [row.backfill_id for row in rig.rows.all()] == ["20261122-090000-abcd", ID]
    assert rig.rows.active() == [ID]


def test_the_pace_is_kept_by_ten_minutes(rig: Rig) -> None:
    first, second = rig.taken("a.pdf", "b.pdf")
    rig.rows.count(ID, first, Status.PROCESSED)
    rig.clock.pass_time(minutes=20)
    rig.rows.count(ID, second, Status.PROCESSED)

    pace = rig.rows.pace(ID)

    assert sorted(pace.values()) == [1, 1]
    assert max(pace) - min(pace) == timedelta(minutes=20)


def test_the_budget_pauses_and_they_go_on_by_themselves(rig: Rig) -> None:
    rig.rows.add(rig.row(backfill_id="other", state=BackfillState.RUNNING, listed=True))
    rig.rows.add(rig.row(backfill_id="third", state=BackfillState.STOPPED))

    pause("the month's budget of 1.00 USD", rig.rows)

    row = rig.rows.find(ID)
    assert (row and row.state, row and row.reason) == (BackfillState.PAUSED, "the month's budget of 1.00 USD")
    assert (rig.rows.active(), rig.rows.paused()) == ([], [ID, "other"])
    assert go_on(lambda: "still too dear", rig.rows) == []
    assert go_on(lambda: "", rig.rows) == [ID, "other"]
    states = [each.state for each in map(rig.rows.find, (ID, "other", "third")) if each]
    assert states == [BackfillState.LISTING, BackfillState.RUNNING, BackfillState.STOPPED]
    assert (rig.rows.active(), rig.rows.paused()) == ([ID, "other"], [])


def test_reprocessed_a_document_keeps_its_backfill_and_its_outcome_is_taken_back(
    rig: Rig, desk: Desk
) -> None:
    row = desk.add(Status.FAILED, error="ModelFailedError", lane="backfill", backfill_id=ID)
    rig.rows.count(ID, row.document_id, Status.FAILED)
    desk.store(*ALL_DONE[:2])
    step = Reprocess(
        desk.documents, desk.slots, desk.reviews, desk.objects, desk.workflow, desk.desks, desk.parameters,
        desk.clock, WORK, RELEASE, rig.rows,
    )  # fmt: skip

    reprocess(ReprocessRequest(document_id=row.document_id, of_attempt=1, request_id="r"), step)

    again = desk.row()
    assert (again.status, again.lane, again.backfill_id) == (Status.WAITING, "backfill", ID)
    assert rig.counts().failed == 0
    rig.rows.count(ID, row.document_id, Status.PROCESSED)
    assert (rig.counts().failed, rig.counts().processed) == (0, 1)
