"""Documents of backfills start in turn, after live ones, within their share, if nothing is against it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from recto.errors import ThrottledError
from recto.messages import DispatchRequest, DocumentRef, Lane, Status
from recto.ports import BackfillPlace, DocumentRow
from recto.steps.dispatch import Dispatch, dispatch
from recto.steps.ocr_gate import GateWatch
from tests.fakes import FakeBackfills, FakeClock, FakeEvents, FakeParameters, FakeWorkflow
from tests.gate_fakes import FakeTicks, MemoryLine
from tests.memory import MemoryDocuments, MemoryObjects, MemorySlots

RELEASE = "/recto/config/Release"
SLOTS = 5


class Desk:
    """A dispatcher with documents in memory."""

    def __init__(self) -> None:
        self.clock, self.workflow = FakeClock(), FakeWorkflow()
        self.documents, self.slots, self.backfills = MemoryDocuments(), MemorySlots(), FakeBackfills()
        self.against = ""
        self.asked = 0
        self.step = Dispatch(
            self.documents, self.slots, self.workflow, MemoryObjects(),
            FakeParameters({RELEASE: "releases/1"}), FakeEvents(), self.clock, "work", RELEASE, SLOTS,
            timedelta(hours=1),
            backfills=self.backfills, backfill_share=0.8, backfill_allowed=self.allowed,
        )  # fmt: skip

    def allowed(self) -> str:
        self.asked += 1
        return self.against

    def add(self, name: str, backfill: str = "", **changes: Any) -> None:
        now = self.clock()
        lane = {"lane": "backfill", "backfill_id": backfill, "status": Status.BACKLOG} if backfill else {}
        common = {"document_id": name, "bucket": "b", "key": f"{name}.pdf", "received": now, "updated": now}
        self.documents.add(
            DocumentRow.model_validate({**common, "status": Status.WAITING, **lane, **changes})
        )
        if backfill and "status" not in changes:
            self.backfills.lines.setdefault(backfill, []).append(
                BackfillPlace(name, f"{now.isoformat()}#{name}")
            )

    def run(self, **request: Any) -> tuple[str, ...]:
        return dispatch(DispatchRequest(**request), self.step).started

    def release(self, name: str) -> tuple[str, ...]:
        document = DocumentRef(document_id=name, bucket="b", key="k")
        return self.run(action="release", document=document)

    def waiting(self, backfill: str) -> list[str]:
        return [place.document_id for place in self.backfills.waiting(backfill, 99)]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_backfills_take_turns_within_their_share(desk: Desk) -> None:
    for number in range(4):
        desk.add(f"x{number}", "first")
    for number in range(4):
        desk.add(f"y{number}", "second")

    started = desk.run()

    assert started == ("x0", "y0", "x1", "y1")
    assert (desk.waiting("first"), desk.waiting("second")) == (["x2", "x3"], ["y2", "y3"])
    assert desk.run() == (), "one slot of five is left for live documents"
    desk.add("live")
    assert desk.run() == ("live",)


def test_no_document_of_a_backlog_starts_while_a_live_one_waits(desk: Desk) -> None:
    for number in range(6):
        desk.add(f"live{number}")
    desk.add("x", "first")

    assert desk.run() == tuple(f"live{number}" for number in range(5))
    assert desk.release("live0") == ("live5",)
    assert desk.release("live1") == (), "four slots are taken, which is the share"
    assert desk.release("live2") == ("x",)


def test_live_documents_go_before_interrupted_ones_of_a_backfill(desk: Desk) -> None:
    for number in range(30):
        desk.add(f"x{number:02}", "first", status=Status.WAITING)
    for number in range(3):
        desk.add(f"live{number}")

    started = desk.run()

    assert set(started) == {"x00", "x01", "x02", "x03", "live0"}
    assert desk.release("x00") == ("live1",)


class Counted(MemoryDocuments):
    """Rows that were read by their status."""

    read = 0

    def with_status(self, status: Status, limit: int, lane: Lane | None = None) -> list[DocumentRow]:
        rows = super().with_status(status, limit, lane)
        self.read += len(rows)
        return rows


class Asked(MemorySlots):
    """How often a slot was asked for, and who holds them."""

    takes = looks = 0

    def take(self, owner: str, limit: int, expires: datetime, share: int | None = None) -> bool:
        self.takes += 1
        return super().take(owner, limit, expires, share)

    def owners(self) -> Mapping[str, datetime]:
        self.looks += 1
        return super().owners()


def test_a_live_document_behind_many_that_are_held_starts_at_once(desk: Desk) -> None:
    """After `redrive` of a whole backfill, with its share taken."""
    documents, slots = Counted(), Asked({f"r{number}-1": desk.clock() for number in range(4)})
    desk.documents, desk.step = documents, desk.step._replace(documents=documents, slots=slots)
    slots.held = dict.fromkeys(slots.held, desk.clock() + timedelta(hours=1))
    desk.add("x-of-people", "first", status=Status.WAITING, start_from="publish")
    for number in range(500):
        desk.add(f"x{number:03}", "first", status=Status.WAITING)
    desk.add("live")

    assert desk.run() == ("x-of-people", "live")
    assert (slots.takes, documents.read) == (2, 25 + 1)
    assert slots.looks <= 4


def test_one_that_another_dispatcher_starts_holds_no_other_of_its_backfill(desk: Desk) -> None:
    desk.slots.take("x0-1", 5, desk.clock() + timedelta(hours=1))
    for number in range(3):
        desk.add(f"x{number}", "first", status=Status.WAITING)

    assert desk.run() == ("x1", "x2")


def given_up(desk: Desk) -> None:
    desk.add("x", "first", status=Status.RUNNING, attempt=10)
    desk.run(action="recover", older_than_seconds=0)


def test_one_that_is_given_up_is_counted_though_the_dispatcher_ends_at_its_row(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ends(*_: Any, **__: Any) -> bool:
        raise ThrottledError("UpdateItem")

    monkeypatch.setattr(desk.documents, "move", ends)
    with pytest.raises(ThrottledError):
        given_up(desk)

    assert desk.backfills.outcomes == {("first", "x"): Status.FAILED}


@pytest.mark.parametrize("ended", [Status.PROCESSED, Status.IN_REVIEW])
def test_one_that_somebody_else_moved_is_counted_as_what_it_is(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, ended: Status
) -> None:
    def moved(*_: Any, **__: Any) -> bool:
        row = desk.documents.rows["x"]
        desk.documents.rows["x"] = row.model_copy(update={"status": ended})
        return False

    monkeypatch.setattr(desk.documents, "move", moved)
    given_up(desk)

    assert desk.backfills.outcomes == ({("first", "x"): ended} if ended is Status.PROCESSED else {})


def test_what_is_against_backfills_starts_none_and_is_told(desk: Desk) -> None:
    desk.add("x", "first")
    desk.add("live")
    desk.against = "the budget of this month is used up"

    answer = dispatch(DispatchRequest(), desk.step)

    assert (answer.started, answer.backfill_paused) == (("live",), desk.against)
    assert desk.waiting("first") == ["x"]
    desk.against = ""
    assert desk.run() == ("x",)


def test_nobody_asks_about_the_budget_where_nothing_waits(desk: Desk) -> None:
    desk.add("live")

    desk.run()

    assert desk.asked == 0


def test_a_backfill_that_rests_starts_nothing(desk: Desk) -> None:
    desk.add("x", "first")
    desk.backfills.resting = {"first"}

    assert desk.run() == ()


def test_places_of_documents_that_have_started_are_taken_away(desk: Desk) -> None:
    """A dispatcher ended between starting a document and taking its place away."""
    desk.add("gone", "first")
    desk.documents.move("gone", (Status.BACKLOG,), Status.RUNNING, desk.clock())
    desk.add("lost", "first")
    del desk.documents.rows["lost"]
    desk.add("x", "first")

    assert desk.run() == ("x",)
    assert desk.waiting("first") == []


def test_a_document_that_cannot_be_started_stays_in_line(desk: Desk) -> None:
    desk.add("x", "first")
    desk.workflow.refuses = {"x-1"}

    with pytest.raises(ThrottledError):
        desk.run()

    assert desk.waiting("first") == ["x"]
    row = desk.documents.find("x")
    assert row
    assert row.status is Status.BACKLOG
    assert desk.slots.owners() == {}
    desk.workflow.refuses = set()
    assert desk.run() == ("x",)


def test_a_long_line_is_worked_on_to_its_end(desk: Desk) -> None:
    for number in range(60):
        desk.add(f"x{number:02}", "first")
    done = list(desk.run())
    while started := desk.release(done[len(done) - 4]):
        done += started

    assert done == [f"x{number:02}" for number in range(60)]


def test_without_a_share_no_backfill_starts(desk: Desk) -> None:
    desk.add("x", "first")
    desk.step = desk.step._replace(backfill_share=0)

    assert desk.run() == ()


@pytest.mark.parametrize(
    ("leases", "places", "looks"), [({}, [], 0), ({"t": None}, [], 1), ({}, ["0#t#x"], 1)]
)
def test_the_line_of_ocr_jobs_is_looked_after_once_a_minute_where_there_is_one(
    desk: Desk, leases: dict[str, Any], places: list[str], looks: int
) -> None:
    ticks = FakeTicks()
    gate = GateWatch(MemoryLine(places), MemorySlots(leases), ticks)
    desk.step = desk.step._replace(gate=gate)

    desk.run()
    desk.run(action="recover")

    assert ticks.looks == looks
