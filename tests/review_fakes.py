"""The review desk's rows in memory, and a desk over them; checked against the ports by their types."""

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from recto.errors import RectoError
from recto.messages import ReprocessRequest, ReprocessResponse, ReviewAnswered, Status, Step
from recto.ports import DocumentRow
from recto_workbench.errors import RequestError
from recto_workbench.flows import BUILT_IN, FlowDefinition, HumanTaskUi
from recto_workbench.loops import Happening, Loop, LoopPlaces, Part, Queue
from recto_workbench.review_ports import LoopChange, LoopPage, OfFlow
from recto_workbench.steps.assignment import Desk
from recto_workbench.steps.desk import ReviewDesk
from recto_workbench.steps.document_status import Watch
from recto_workbench.steps.review_pages import PageFiles
from tests.memory import MemoryDocuments


@dataclass
class MemoryLoops:
    """`LoopStore`."""

    loops: dict[str, Loop] = field(default_factory=dict)
    of_loop: dict[tuple[str, str], Part] = field(default_factory=dict)
    happenings: list[Happening] = field(default_factory=list)

    def loop(self, name: str) -> Loop | None:
        return self.loops.get(name)

    def part(self, name: str, worker_id: str) -> Part | None:
        return self.of_loop.get((name, worker_id))

    def parts(self, name: str) -> list[Part]:
        return [part for (loop, _), part in sorted(self.of_loop.items()) if loop == name]

    def of_worker(self, worker_id: str, limit: int) -> list[Part]:
        mine = [part for (_, worker), part in self.of_loop.items() if worker == worker_id]
        held = [part for part in mine if part.is_live or self._may_take_back(part)]
        return sorted(held, key=lambda part: part.created)[:limit]

    def _may_take_back(self, part: Part) -> bool:
        loop = self.loops.get(part.loop)
        return bool(part.answer) and loop is not None and loop.can_be_reopened

    def queue(self, queue: Queue, limit: int, next_token: str = "", newest_first: bool = False) -> LoopPage:
        return self._page(
            [loop for loop in self.loops.values() if loop.queue is queue], limit, next_token, newest_first
        )

    def count(self, queue: Queue, most: int) -> int:
        return min(most, sum(loop.queue is queue for loop in self.loops.values()))

    def of_flow(self, asked: OfFlow) -> LoopPage:
        found = [
            loop
            for loop in self.loops.values()
            if loop.flow == asked.flow
            and (asked.after is None or loop.created >= asked.after)
            and (asked.before is None or loop.created <= asked.before)
        ]
        return self._page(found, asked.limit, asked.next_token, asked.newest_first)

    def _page(self, found: list[Loop], limit: int, token: str, newest_first: bool) -> LoopPage:
        if token and not token.isdigit():
            raise RequestError(f"next: {token!r} is none that was given out")
        ordered = sorted(found, key=lambda loop: (loop.created, loop.name), reverse=newest_first)
        first = int(token or 0)
        more = len(ordered) > first + limit
        return LoopPage(ordered[first : first + limit], str(first + limit) if more else "")

    def due(self, now: datetime, limit: int) -> list[Loop]:
        late = [loop for loop in self.loops.values() if loop.due and loop.due <= now]
        return sorted(late, key=lambda loop: loop.due or now)[:limit]

    def history(self, name: str, limit: int) -> list[Happening]:
        return [each for each in self.happenings if each.loop == name][-limit:]

    def write(self, change: LoopChange) -> bool:
        there = self.loops.get(change.loop.name)
        parts = [(part, self.part(part.loop, part.worker_id)) for part in change.parts]
        rows = [(change.loop, there), *parts]
        if any(new.version != (old.version + 1 if old else 1) for new, old in rows):
            return False
        self.loops[change.loop.name] = change.loop
        self.of_loop |= {(part.loop, part.worker_id): part for part in change.parts}
        self.tell(change.happenings)
        return True

    def tell(self, happenings: Sequence[Happening]) -> None:
        self.happenings += happenings

    def delete(self, loop: Loop) -> None:
        self.loops.pop(loop.name, None)
        self.of_loop = {key: part for key, part in self.of_loop.items() if key[0] != loop.name}
        self.happenings = [each for each in self.happenings if each.loop != loop.name]


@dataclass
class MemoryFlows:
    """`FlowStore`."""

    by_name: dict[str, FlowDefinition] = field(default_factory=dict)
    ui_by_name: dict[str, HumanTaskUi] = field(default_factory=dict)

    def add_flow(self, flow: FlowDefinition) -> bool:
        return self.by_name.setdefault(flow.name, flow) is flow

    def flow(self, name: str) -> FlowDefinition | None:
        return self.by_name.get(name)

    def flows(self) -> list[FlowDefinition]:
        return sorted(self.by_name.values(), key=lambda flow: flow.created)

    def delete_flow(self, name: str) -> bool:
        return self.by_name.pop(name, None) is not None

    def add_ui(self, ui: HumanTaskUi) -> bool:
        return self.ui_by_name.setdefault(ui.name, ui) is ui

    def ui(self, name: str) -> HumanTaskUi | None:
        return self.ui_by_name.get(name)

    def uis(self) -> list[HumanTaskUi]:
        return sorted(self.ui_by_name.values(), key=lambda ui: ui.created)

    def delete_ui(self, name: str) -> bool:
        return self.ui_by_name.pop(name, None) is not None


@dataclass
class FakeDeskQueue:
    """What was sent, and after how many seconds it is to arrive."""

    sent: list[tuple[ReviewAnswered, int]] = field(default_factory=list)

    def send(self, message: ReviewAnswered, delay_seconds: int = 0) -> None:
        self.sent.append((message, delay_seconds))


def make_review_desk(desk: Desk, clock: Callable[[], datetime] | None = None) -> ReviewDesk:
    """A review desk beside a labelling desk: its teams, buckets and clock."""
    numbers = itertools.count(1)
    return ReviewDesk(
        loops=MemoryLoops(),
        flows=MemoryFlows(),
        teams=desk.teams,
        objects=desk.objects,
        links=desk.links,
        queue=FakeDeskQueue(),
        clock=clock or desk.clock,
        make_id=lambda: f"part{next(numbers):06d}",
        work_bucket=desk.work_bucket,
    )


class WatchedMemory(MemoryDocuments):
    """`WatchedDocuments`: rows that were put here, with histories as the table keeps them."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: dict[str, list[dict[str, Any]]] = {}

    def add(self, row: DocumentRow) -> bool:
        if not super().add(row):
            return False
        self._tell(row.document_id, row.received, Status.RECEIVED, {})
        self._tell(row.document_id, row.updated, row.status, {"error": row.error} if row.error else {})
        return True

    def move(
        self,
        document: str,
        expected: Iterable[Status],
        status: Status,
        now: datetime,
        of_attempt: int | None = None,
        **changes: str | float | Mapping[str, int],
    ) -> bool:
        moved = super().move(document, expected, status, now, of_attempt, **changes)
        if moved:
            self._tell(document, now, status, changes)
        return moved

    def note(self, document: str, now: datetime, what: str, **notes: str) -> None:
        self._tell(document, now, what, notes)

    def _tell(self, document: str, when: datetime, what: str, notes: Mapping[str, Any]) -> None:
        line = {"pk": f"DOC#{document}", "sk": f"HISTORY#{when.isoformat()}#{what}"}
        self.lines.setdefault(document, []).append(
            {**line, "time": when.isoformat(), "to": str(what), **notes}
        )

    def latest(self, status: Status, until: datetime | None, limit: int) -> list[DocumentRow]:
        rows = [row for row in self.rows.values() if row.status is status]
        rows = [row for row in rows if until is None or row.received <= until]
        return sorted(rows, key=lambda row: row.received, reverse=True)[:limit]

    def count(self, status: Status, most: int) -> int:
        return min(most, sum(row.status is status for row in self.rows.values()))

    def history(self, document: str, limit: int = 100) -> list[dict[str, Any]]:
        return self.lines.get(document, [])[:limit]


@dataclass
class FakeReprocess:
    """What the deployment's function was asked; it refuses where the test says so."""

    asked: list[ReprocessRequest] = field(default_factory=list)
    refuses: RectoError | None = None

    def __call__(self, request: ReprocessRequest) -> ReprocessResponse:
        if self.refuses:
            raise self.refuses
        self.asked.append(request)
        return ReprocessResponse(
            document_id=request.document_id,
            attempt=request.of_attempt + 1,
            from_=request.from_ or Step.MODEL,
            release="release",
        )


def make_watch(desk: Desk, reprocess: FakeReprocess, inbox: str = "inbox") -> Watch:
    """The status page's parts, beside a labelling desk."""
    files = PageFiles(desk.objects, desk.links, desk.work_bucket, inbox)
    return Watch(WatchedMemory(), files, reprocess, desk.clock, desk.make_id)


def add_loop(desk: ReviewDesk, name: str, task: bytes, expires: datetime, **changes: Any) -> Loop:
    """An open loop of the built-in flow with this input."""
    now = desk.clock()
    loop = Loop(
        **{
            "name": name,
            "arn": f"arn:aws:sagemaker:us-east-1:000000000000:human-loop/{name}",
            "flow": BUILT_IN,
            "flow_arn": f"arn:aws:sagemaker:us-east-1:000000000000:flow-definition/{BUILT_IN}",
            "created": now,
            "opened": now,
            "expires": expires,
            "digest": "0",
            "title": name,
            "output_path": "s3://reviews/reviews",
            "due": expires,
            **changes,
        }
    )
    desk.objects.write(LoopPlaces(desk.work_bucket, name).input, task, "application/json")
    assert desk.loops.write(LoopChange(loop=loop))
    return loop
