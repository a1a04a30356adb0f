"""What the review desk's steps need from the outside; adapters are in `recto_workbench.aws.loop_tables`."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from pydantic import BaseModel, ConfigDict

from recto.messages import ReviewAnswered
from recto_workbench.flows import FlowDefinition, HumanTaskUi
from recto_workbench.loops import Happening, Loop, Part, Queue


class LoopChange(BaseModel):
    """Rows that are written together, or not at all: each only where it still is one version behind."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    loop: Loop
    parts: tuple[Part, ...] = ()
    happenings: tuple[Happening, ...] = ()


class LoopPage(NamedTuple):
    """Some loops in their order, and where to go on; empty at the end."""

    loops: list[Loop]
    next_token: str


class OfFlow(NamedTuple):
    """Which loops of a flow definition are asked for."""

    flow: str
    after: datetime | None = None
    before: datetime | None = None
    newest_first: bool = True
    limit: int = 10
    next_token: str = ""


class LoopStore(Protocol):
    """Human loops, who has a part in them, and what happened."""

    def loop(self, name: str) -> Loop | None: ...

    def part(self, name: str, worker_id: str) -> Part | None: ...

    def parts(self, name: str) -> list[Part]: ...

    def of_worker(self, worker_id: str, limit: int) -> list[Part]:
        """What the reviewer has claimed, or may still take back; the oldest first, a moment old."""
        ...

    def queue(self, queue: Queue, limit: int, next_token: str = "", newest_first: bool = False) -> LoopPage:
        """Loops of a list, by the time of creation; a moment old. RequestError for a token that is none."""
        ...

    def count(self, queue: Queue, most: int) -> int:
        """How many loops stand in a list, counted up to `most`; a moment old."""
        ...

    def of_flow(self, asked: OfFlow) -> LoopPage:
        """Loops of a flow definition by the time of creation. RequestError for a token that is none."""
        ...

    def due(self, now: datetime, limit: int) -> list[Loop]:
        """Loops that somebody has to look at by now, the longest due first; a moment old."""
        ...

    def history(self, name: str, limit: int) -> list[Happening]:
        """The last of it, in its order."""
        ...

    def write(self, change: LoopChange) -> bool:
        """False where somebody else has written one of the rows meanwhile; then nothing is written.

        A loop or a part of version 1 is a new one.
        """
        ...

    def tell(self, happenings: Sequence[Happening]) -> None:
        """Add to the history alone."""
        ...

    def delete(self, loop: Loop) -> None:
        """The loop with its parts and its history; what lies in buckets stays."""
        ...


class FlowStore(Protocol):
    """Flow definitions and task UIs by name."""

    def add_flow(self, flow: FlowDefinition) -> bool:
        """False where there is one of that name."""
        ...

    def flow(self, name: str) -> FlowDefinition | None: ...

    def flows(self) -> list[FlowDefinition]:
        """Oldest first."""
        ...

    def delete_flow(self, name: str) -> bool:
        """False where there was none."""
        ...

    def add_ui(self, ui: HumanTaskUi) -> bool:
        """False where there is one of that name."""
        ...

    def ui(self, name: str) -> HumanTaskUi | None: ...

    def uis(self) -> list[HumanTaskUi]:
        """Oldest first."""
        ...

    def delete_ui(self, name: str) -> bool:
        """False where there was none."""
        ...


class DeskQueue(Protocol):
    """The review desk's own queue."""

    def send(self, message: ReviewAnswered, delay_seconds: int = 0) -> None: ...
