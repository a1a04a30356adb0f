"""Human loops and the people at them: states and the moves between them, as values.

    loop   OPEN -> (ADJUDICATE ->) ANSWERED -> CLOSED, or STOPPED, or EXPIRED
    part   CLAIMED -> SUBMITTED, RELEASED or EXPIRED

No store, no clock: a move takes what is and gives what is to be, one version on. The store writes a loop
and the parts in it together, and only where nobody else has written meanwhile; so of two people who press
a button at once, one looks again.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict

from recto.places import Location, digest
from recto_workbench.tasks import Versioned, Worker

OPERATORS, REVIEWERS = "operators", "reviewers"
"""Groups of the user pool."""
MOST_REASONS = 20
"""Of a loop's row; the task has all."""


class LoopState(StrEnum):
    """Where a human loop stands. The last three are final, but for what is reopened."""

    OPEN = "OPEN"
    """It wants answers."""
    ADJUDICATE = "ADJUDICATE"
    """Its reviewers disagree: somebody has to decide."""
    ANSWERED = "ANSWERED"
    """It has its answers, which are handed on once they may not be taken back any more."""
    CLOSED = "CLOSED"
    STOPPED = "STOPPED"
    EXPIRED = "EXPIRED"


FINAL_STATES = frozenset({LoopState.CLOSED, LoopState.STOPPED, LoopState.EXPIRED})
TAKING = frozenset({LoopState.OPEN, LoopState.ADJUDICATE})
"""States in which answers are taken."""


class PartState(StrEnum):
    """Where one reviewer stands in a loop."""

    CLAIMED = "CLAIMED"
    SUBMITTED = "SUBMITTED"
    RELEASED = "RELEASED"
    EXPIRED = "EXPIRED"


class Queue(StrEnum):
    """Lists of loops, each in the order of creation."""

    ESCALATED = "ESCALATED"
    """Wants somebody, before all others."""
    OPEN = "OPEN"
    """Wants somebody."""
    BUSY = "BUSY"
    """Everybody it wants is at it."""
    ADJUDICATE = "ADJUDICATE"
    ANSWERED = "ANSWERED"
    CLOSED = "CLOSED"
    STOPPED = "STOPPED"
    EXPIRED = "EXPIRED"


class Claim(BaseModel):
    """Somebody has the loop before him, until a time."""

    model_config = ConfigDict(frozen=True)

    worker_id: str
    name: str = ""
    until: datetime


class Reason(BaseModel):
    """Why a loop is there."""

    model_config = ConfigDict(frozen=True)

    code: str
    field: str = ""


class Loop(Versioned):
    """The row of a human loop."""

    name: str
    arn: str
    flow: str
    """Name of its flow definition."""
    flow_arn: str
    created: datetime
    opened: datetime
    """When it was created, or opened again."""
    expires: datetime
    digest: str
    """Of its input: the same name with the same input is the same loop."""
    state: LoopState = LoopState.OPEN
    wanted: int = 1
    """Answers, each by another reviewer."""
    kind: Literal["review", "audit"] = "review"
    title: str = ""
    """What people call it: the document's name."""
    document_id: str = ""
    correlation_id: str = ""
    """What the pipeline calls the document in logs and events."""
    review_id: str = ""
    """The pipeline's own; empty where somebody else has started the loop."""
    pages: int = 0
    reasons: tuple[Reason, ...] = ()
    """The first of them."""
    num_reasons: int = 0
    template: str = ""
    """S3 URI of its task's own template; empty: the review page."""
    team: str = ""
    """Name of its work team; empty: everybody who reviews."""
    seconds: int = 3600
    """How long a claim lasts."""
    output_path: str
    """S3 URI below which the answers go."""
    claims: tuple[Claim, ...] = ()
    answers: tuple[str, ...] = ()
    """Reviewers who have answered, in their order; an adjudicator is not among them."""
    adjudicator: str = ""
    """Who has decided."""
    escalated: bool = False
    refusal: str = ""
    """Why the pipeline could not use the last answers."""
    answered: datetime | None = None
    is_final: bool = False
    """The last answer came from a program, so nobody takes it back."""
    output: str = ""
    """S3 URI of `output.json`, once the answers are handed on."""
    outcome: str = ""
    """What became of the answers: taken, rejected, late, withdrawn …"""
    cause: str = ""
    ended: datetime | None = None
    due: datetime | None = None
    """When somebody has to look at it."""

    @property
    def is_native(self) -> bool:
        """Whether the review page shows it; else a template of its own does."""
        return not self.template

    @property
    def takes_answers(self) -> bool:
        return self.state in TAKING

    @property
    def can_be_reopened(self) -> bool:
        """Answers may be taken back until they are handed on."""
        return self.state in (LoopState.OPEN, LoopState.ANSWERED) and not self.output

    @property
    def free_places(self) -> int:
        if self.state is LoopState.ADJUDICATE:
            return max(0, 1 - len(self.claims))
        if self.state is LoopState.OPEN:
            return max(0, self.wanted - len(self.answers) - len(self.claims))
        return 0

    @property
    def queue(self) -> Queue:
        """The list that it stands in."""
        if self.state is LoopState.OPEN:
            wants = Queue.ESCALATED if self.escalated else Queue.OPEN
            return wants if self.free_places else Queue.BUSY
        return Queue(self.state.value)

    def claim_of(self, worker_id: str) -> Claim | None:
        return next((claim for claim in self.claims if claim.worker_id == worker_id), None)

    def is_open_for(self, worker: Worker) -> bool:
        """Nobody gives two opinions; who disagrees does not decide, unless he is an operator."""
        if not self.free_places or self.claim_of(worker.worker_id):
            return False
        has_answered = worker.worker_id in self.answers
        return not has_answered or (self.state is LoopState.ADJUDICATE and is_operator(worker))

    # ---- moves

    def next_of(self, seen: Self) -> Self:
        """After several moves, one version on from what was seen."""
        return self.model_copy(update={"version": seen.version + 1})

    def claimed(self, claim: Claim) -> Self:
        """With one claim more, or with the reviewer's own until another time."""
        others = self._without(claim.worker_id)
        return self.moved(claims=(*others, claim), due=self._due((*others, claim)))

    def given_back(self, worker_id: str) -> Self:
        claims = self._without(worker_id)
        return self.moved(claims=claims, due=self._due(claims))

    def answered_by(self, worker_id: str, now: datetime, decides: bool, due: datetime) -> Self:
        """With one answer more; with the last one it waits to be settled. `decides`: no other is wanted."""
        claims = self._without(worker_id)
        if self.state is LoopState.ADJUDICATE:
            changes: dict[str, Any] = {"adjudicator": worker_id}
        else:
            changes = {"answers": (*self.answers, worker_id)}
        is_last = decides or self.state is LoopState.ADJUDICATE or len(self.answers) + 1 >= self.wanted
        if not is_last:
            return self.moved(claims=claims, due=self._due(claims), **changes)
        return self.moved(claims=(), state=LoopState.ANSWERED, answered=now, due=due, **changes)

    def reopened_by(self, claim: Claim) -> Self:
        """As it was before this reviewer's answer, which he has before him again."""
        answers = tuple(each for each in self.answers if each != claim.worker_id)
        was_decided = self.adjudicator == claim.worker_id
        claims = (*self._without(claim.worker_id), claim)
        return self.moved(
            state=LoopState.ADJUDICATE if was_decided else LoopState.OPEN,
            answers=self.answers if was_decided else answers,
            adjudicator="" if was_decided else self.adjudicator,
            claims=claims,
            answered=None,
            is_final=False,
            due=self._due(claims),
        )

    def in_dispute(self) -> Self:
        """Its reviewers disagree: somebody who has not answered decides."""
        return self.moved(state=LoopState.ADJUDICATE, answered=None, is_final=False, due=self.expires)

    def handed_on(self, output: str, due: datetime) -> Self:
        """Its answers go to `output`; from now on they are not taken back."""
        return self.moved(output=output, due=due)

    def refused(self, cause: str, now: datetime, expires: datetime) -> Self:
        """The answers could not be used: it is open as at first, and says why."""
        return self.moved(
            state=LoopState.OPEN, opened=now, expires=expires, answers=(), adjudicator="", claims=(),
            answered=None, is_final=False, output="", refusal=cause, outcome="", cause="", ended=None,
            due=expires,
        )  # fmt: skip

    def ended_as(self, state: LoopState, now: datetime, outcome: str, cause: str = "") -> Self:
        return self.moved(state=state, claims=(), outcome=outcome, cause=cause, ended=now, due=None)

    def escalated_until(self, expires: datetime, now: datetime) -> Self:
        """Before all others, and on offer again where its time had run out."""
        if self.state is LoopState.EXPIRED:
            has_all = len(self.answers) >= self.wanted  # they differ: it expired while somebody had to decide
            return self.moved(
                state=LoopState.ADJUDICATE if has_all else LoopState.OPEN,
                opened=now,
                escalated=True,
                expires=expires,
                outcome="",
                cause="",
                ended=None,
                due=expires,
            )
        due = min([expires, *(claim.until for claim in self.claims)])
        return self.moved(escalated=True, expires=expires, due=due)

    def _without(self, worker_id: str) -> tuple[Claim, ...]:
        return tuple(claim for claim in self.claims if claim.worker_id != worker_id)

    def _due(self, claims: tuple[Claim, ...]) -> datetime:
        return min([self.expires, *(claim.until for claim in claims)])


class Part(Versioned):
    """One reviewer's part in a loop."""

    loop: str
    worker_id: str
    name: str = ""
    state: PartState
    nonce: str
    """What an answer of a template's page must bring along; signs the address of that page."""
    created: datetime
    """When it was claimed last."""
    until: datetime
    ended: datetime | None = None
    answer: str = ""
    """S3 URI of the answer that counts."""
    opinion: str = ""
    """S3 URI of the answer that came before, where an operator decides about his own too."""
    adjudicates: bool = False
    is_over: bool = False
    """Its loop has ended: the reviewer need not find it again."""

    @property
    def is_live(self) -> bool:
        return self.state is PartState.CLAIMED

    def ended_at(self, now: datetime, state: PartState, **changes: Any) -> Self:
        return self.moved(state=state, ended=now, **changes)


class Happening(BaseModel):
    """One line of a loop's history."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    loop: str
    when: datetime
    who: str = ""
    """Worker id; empty for the workbench itself."""
    name: str = ""
    what: str
    """started, claimed, released, timed out, edited, submitted, rejected, reopened, note, disagreed,
    handed on, settled, refused, late, stopped, expired, escalated."""
    text: str = ""
    """A note, or a cause."""
    place: str = ""
    """S3 URI of what belongs to it: edits, a late answer."""


def is_operator(worker: Worker) -> bool:
    return OPERATORS in worker.groups


class LoopPlaces:
    """Where a loop's own files lie in the work bucket, below `reviews/<loop>/`."""

    def __init__(self, bucket: str, loop: str) -> None:
        self._bucket = bucket
        self._prefix = f"reviews/{loop}/"

    def _at(self, name: str) -> Location:
        return Location(bucket=self._bucket, key=self._prefix + name)

    @property
    def input(self) -> Location:
        return self._at("input.json")

    def draft(self, worker_id: str) -> Location:
        return self._at(f"drafts/{digest(worker_id)}.json")

    def edits(self, worker_id: str, stamp: str) -> Location:
        return self._at(f"edits/{digest(worker_id)}/{stamp}.json")

    def answer(self, worker_id: str, stamp: str) -> Location:
        """One submission's own: what comes at the same time must not write over the one that counts."""
        return self._at(f"answers/{digest(worker_id)}-{stamp}.json")

    def late_answer(self, worker_id: str, stamp: str) -> Location:
        return self._at(f"answers/{digest(worker_id)}-late-{stamp}.json")
