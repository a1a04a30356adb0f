"""The review desk, for people: claim, go on, hand in, turn down, take back, note; never an answer lost.

Each function reads what is, decides with `recto_workbench.loops` what is to be, and writes it only where
nobody else was quicker; then it looks again. An answer is written to the work bucket before anything is
decided about it, so one that comes too late is kept too, and the history says so.

Whether the answer's values hold (the rules of the fields) is for the caller to check before `submit`.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

from recto.errors import DocumentMissingError, TransientError
from recto.messages import ReviewAnswered
from recto.places import Location
from recto.ports import Clock
from recto.review import REJECTED, REJECTED_WHY
from recto_workbench.errors import (
    ClaimLostError,
    NonceError,
    NotAllowedError,
    RequestError,
    ReviewClosedError,
    ReviewMissingError,
    TaskExpiredError,
    TooLargeError,
)
from recto_workbench.loops import (
    REVIEWERS,
    Claim,
    Happening,
    Loop,
    LoopPlaces,
    LoopState,
    Part,
    PartState,
    Queue,
    is_operator,
)
from recto_workbench.page_tokens import place_in, token_of
from recto_workbench.ports import Links, MakeId, TaskFiles, TeamStore
from recto_workbench.review_ports import DeskQueue, FlowStore, LoopChange, LoopStore
from recto_workbench.tasks import Worker, told

TRIES = 20
"""How often a move is tried that others are quicker with."""
PAGE = 50
MOST_LOOKED_AT = 1_000
"""Loops that a search goes through for one page."""
MOST_COUNTED = 1_000
MOST_MINE = 100
MOST_HISTORY = 1_000
MOST_EDIT_FILES = 200
MOST_EDITS = 2_000
"""Of one save."""
MOST_ANSWER_BYTES = 2_000_000
"""Four of them and a task are within what the pipeline reads of an `output.json`."""
MOST_DRAFT_CARRIED = 5_000_000
MOST_TEXT = 2_000
"""Characters of a note, or of a reason."""
STALLED_AFTER = timedelta(minutes=5)
MOVED_ON_BY = timedelta(seconds=60)
"""A claim's time is written again only when it moves by so much: drafts come every second."""
AT_ONCE = 16
JSON = "application/json"
EDITED, NOTE, LATE = "edited", "note", "late"

ListName = Literal["open", "mine", "adjudicate", "closed", "expired"]
LISTS: Mapping[ListName, tuple[Queue, ...]] = {
    "open": (Queue.ESCALATED, Queue.OPEN, Queue.BUSY),
    "adjudicate": (Queue.ADJUDICATE,),
    "closed": (Queue.ANSWERED, Queue.CLOSED, Queue.STOPPED),
    "expired": (Queue.EXPIRED,),
}
NEWEST_FIRST: frozenset[ListName] = frozenset({"closed", "expired"})
Can = Literal["claim", "release", "submit", "reject", "reopen", "note"]


@dataclass(frozen=True)
class ReviewDesk:
    """Where reviews are handed out and taken."""

    loops: LoopStore
    flows: FlowStore
    teams: TeamStore
    objects: TaskFiles
    links: Links
    queue: DeskQueue
    clock: Clock
    make_id: MakeId
    work_bucket: str


class View(BaseModel):
    """What the web shows of something."""

    model_config = ConfigDict(frozen=True)


class Submission(View):
    """What a reviewer hands in."""

    answer: dict[str, Any]
    edits: tuple[dict[str, Any], ...] = ()
    """Since the last draft, as the page sent them: `{"at", "field", "from", "to", "how"}`."""
    seconds: float | None = None
    nonce: str = ""
    """Of the template's page; the review page has none."""
    is_final: bool = False
    """A program's: it is handed on at once, since nobody takes it back."""


class Saved(View):
    """A draft that is kept."""

    saved: datetime
    claimed_until: datetime


class Told(View):
    """A note, or a line of the history."""

    who: str
    """The name that others see; the worker id where he has none."""
    when: str
    what: str = ""
    text: str = ""
    field: str = ""
    from_: Any = None
    to: Any = None


class Opinion(View):
    """What one reviewer said, for the one who decides."""

    who: str
    answer: dict[str, Any]


class Item(View):
    """A review in a list."""

    loop: Loop
    claim: Claim | None
    """The reader's own."""

    @property
    def kind(self) -> str:
        return "adjudication" if self.loop.state is LoopState.ADJUDICATE else self.loop.kind


class ItemPage(View):
    """Some reviews, and where to go on; empty at the end."""

    items: tuple[Item, ...]
    next_token: str


class Counts(View):
    """How many wait; 1,000 stands for 1,000 and more."""

    open: int
    mine: int
    adjudicate: int
    escalated: int


class ReviewView(View):
    """A review as one reader sees it."""

    item: Item
    part: Part | None
    """The reader's own, with its nonce; None where he has had none."""
    draft: dict[str, Any] | None
    draft_saved: datetime | None
    notes: tuple[Told, ...]
    history: tuple[Told, ...]
    opinions: tuple[Opinion, ...]
    can: tuple[Can, ...]


class _Kept(NamedTuple):
    """An answer that lies in the bucket, before anything is decided about it."""

    entry: dict[str, Any]
    """As one of `humanAnswers`."""
    place: Location
    is_final: bool


class FrameSource(NamedTuple):
    """What the page of a template of its own is rendered from."""

    loop: Loop
    part: Part
    template: str
    task_input: dict[str, Any]


# ---- lists


def listing(list_name: ListName, search: str, next_token: str, reader: Worker, desk: ReviewDesk) -> ItemPage:
    """Reviews of a list that this reader may see: what wants somebody escalated first, then the oldest."""
    if list_name == "mine":
        return ItemPage(items=tuple(_mine(reader, search, desk)), next_token="")
    number, token = _place_in(next_token)
    queues = LISTS[list_name]
    items: list[Item] = []
    looked_at = 0
    while number < len(queues) and len(items) < PAGE and looked_at < MOST_LOOKED_AT:
        page = desk.loops.queue(queues[number], PAGE, token, newest_first=list_name in NEWEST_FIRST)
        items += [_item(each, reader) for each in page.loops if _is_seen(each, search, reader, desk)]
        looked_at += len(page.loops)
        token = page.next_token
        number += 0 if token else 1
    return ItemPage(items=tuple(items), next_token=token_of([number, token]) if number < len(queues) else "")


def _mine(reader: Worker, search: str, desk: ReviewDesk) -> list[Item]:
    """What the reader has before him, and what he may still take back."""
    found = []
    for seen in desk.loops.of_worker(reader.worker_id, MOST_MINE):
        loop, part = desk.loops.loop(seen.loop), desk.loops.part(seen.loop, reader.worker_id)
        if loop is None or part is None or not _matches(loop, search):
            continue
        if loop.claim_of(reader.worker_id) or _may_reopen(loop, part):
            found.append(_item(loop, reader))
    return found


def _item(loop: Loop, reader: Worker) -> Item:
    return Item(loop=loop, claim=loop.claim_of(reader.worker_id))


def _is_seen(loop: Loop, search: str, reader: Worker, desk: ReviewDesk) -> bool:
    return _matches(loop, search) and may_review(loop, reader, desk)


def _matches(loop: Loop, search: str) -> bool:
    wanted = search.strip().casefold()
    return not wanted or any(wanted in text.casefold() for text in (loop.title, loop.name, loop.document_id))


def _place_in(token: str) -> tuple[int, str]:
    """Which of the queues, and where in it; RequestError for a token that is none."""
    return place_in(token, _read_place) if token else (0, "")


def _read_place(told: Any) -> tuple[int, str]:
    number, rest = told
    return max(0, int(number)), str(rest)


def counts(reader: Worker, desk: ReviewDesk) -> Counts:
    """For the head of the page."""
    escalated = desk.loops.count(Queue.ESCALATED, MOST_COUNTED)
    return Counts(
        open=min(MOST_COUNTED, escalated + desk.loops.count(Queue.OPEN, MOST_COUNTED)),
        mine=len(_mine(reader, "", desk)),
        adjudicate=desk.loops.count(Queue.ADJUDICATE, MOST_COUNTED),
        escalated=escalated,
    )


def next_review(worker: Worker, desk: ReviewDesk) -> str | None:
    """Claim what this reviewer had before him, or the next that wants him; None where nothing does."""
    begun = (item.loop for item in _mine(worker, "", desk) if item.claim)
    for loop in chain(begun, _wanting(worker, desk)):
        with suppress(ClaimLostError, ReviewClosedError, ReviewMissingError):  # somebody was quicker
            claim(loop.name, worker, desk)
            return loop.name
    return None


def _wanting(worker: Worker, desk: ReviewDesk) -> Iterator[Loop]:
    """What wants this reviewer, in its order; page after page, since he may have answered many of them."""
    for queue in (Queue.ESCALATED, Queue.OPEN, Queue.ADJUDICATE):
        token, looked_at = "", 0
        while looked_at < MOST_LOOKED_AT:
            page = desk.loops.queue(queue, PAGE, token)
            yield from (
                each for each in page.loops if each.is_open_for(worker) and may_review(each, worker, desk)
            )
            looked_at, token = looked_at + len(page.loops), page.next_token
            if not token:
                break


# ---- one review


def find(name: str, reader: Worker, desk: ReviewDesk) -> ReviewView:
    """ReviewMissingError where there is none, NotAllowedError where it is another team's."""
    loop = found_loop(name, reader, desk)
    part = desk.loops.part(name, reader.worker_id)
    happenings = desk.loops.history(name, MOST_HISTORY)
    draft = _draft_of(name, reader, desk)
    return ReviewView(
        item=_item(loop, reader),
        part=part,
        draft=draft.get("answer") if draft else None,
        draft_saved=draft.get("saved") if draft else None,
        notes=_notes(happenings),
        history=_history(loop, reader, happenings, desk),
        opinions=_opinions(loop, reader, desk),
        can=_can(loop, part, reader),
    )


def found_loop(name: str, reader: Worker, desk: ReviewDesk) -> Loop:
    """ReviewMissingError, NotAllowedError."""
    loop = desk.loops.loop(name)
    if loop is None:
        raise ReviewMissingError(f"there is no review {name[:80]!r}")
    if not may_review(loop, reader, desk):
        raise NotAllowedError(f"review {name} is for team {loop.team}, and you are not in it")
    return loop


def may_review(loop: Loop, reader: Worker, desk: ReviewDesk) -> bool:
    """Whether the loop is for this reader: of its work team, or an operator."""
    if is_operator(reader) or loop.team in ("", REVIEWERS):
        return True
    team = desk.teams.find(loop.team)
    return team is not None and bool(team.groups & set(reader.groups))


def task_of(loop: Loop, desk: ReviewDesk) -> dict[str, Any]:
    """The loop's input, as it came (A2I's InputContent). Empty where it is gone."""
    try:
        content = json.loads(desk.objects.read(task_place(loop, desk)))
    except DocumentMissingError:
        return {}
    return content if isinstance(content, dict) else {"content": content}


def task_place(loop: Loop, desk: ReviewDesk) -> Location:
    """Where the loop's input lies, for a link to it."""
    return LoopPlaces(desk.work_bucket, loop.name).input


def _draft_of(name: str, reader: Worker, desk: ReviewDesk) -> dict[str, Any] | None:
    place = LoopPlaces(desk.work_bucket, name).draft(reader.worker_id)
    try:
        draft: dict[str, Any] = json.loads(desk.objects.read(place))
    except DocumentMissingError:
        return None
    return draft


def _can(loop: Loop, part: Part | None, reader: Worker) -> tuple[Can, ...]:
    can: list[Can] = ["note"]
    if loop.is_open_for(reader):
        can.append("claim")
    if loop.claim_of(reader.worker_id):
        can += ["release", "submit"]
        can += ["reject"] if loop.is_native else []
    if _may_reopen(loop, part):
        can.append("reopen")
    return tuple(can)


def _may_reopen(loop: Loop, part: Part | None) -> bool:
    """One's own answer; where somebody has decided, his alone."""
    return (
        part is not None
        and part.state is PartState.SUBMITTED
        and loop.can_be_reopened
        and loop.adjudicator in ("", part.worker_id)
    )


# ---- what happened


def _notes(happenings: Iterable[Happening]) -> tuple[Told, ...]:
    return tuple(_told(each) for each in happenings if each.what == NOTE)


def _told(each: Happening) -> Told:
    return Told(who=each.name or each.who, when=each.when.isoformat(), what=each.what, text=each.text)


def _history(
    loop: Loop, reader: Worker, happenings: Sequence[Happening], desk: ReviewDesk
) -> tuple[Told, ...]:
    """Everything but notes. What others typed stays unseen while a second opinion is wanted."""
    is_blind = loop.state is LoopState.OPEN and loop.wanted > 1
    shown = [each for each in happenings if each.what != NOTE]
    typed = [each for each in shown if each.what == EDITED and (each.who == reader.worker_id or not is_blind)]
    typed = typed[-MOST_EDIT_FILES:]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        read = list(pool.map(lambda each: _edits(each, desk), typed))
    edits = {each.place: lines for each, lines in zip(typed, read, strict=True)}
    return tuple(line for each in shown for line in edits.get(each.place) or [_told(each)])


def _edits(each: Happening, desk: ReviewDesk) -> list[Told]:
    """The edits of one save, each a line; none where they cannot be read any more."""
    try:
        rows = json.loads(desk.objects.read(Location.from_uri(each.place)))
    except (DocumentMissingError, ValueError):
        return []
    return [_told_edit(each, row) for row in rows if isinstance(row, dict)]


def _told_edit(each: Happening, row: Mapping[str, Any]) -> Told:
    changes = {
        "field": str(row.get("field", "")),
        "from_": row.get("from"),
        "to": row.get("to"),
        "text": str(row.get("how", "")),
        "when": str(row.get("at") or each.when.isoformat()),
    }
    return _told(each).model_copy(update=changes)


def _opinions(loop: Loop, reader: Worker, desk: ReviewDesk) -> tuple[Opinion, ...]:
    """Side by side, for the one who decides."""
    decides = loop.claim_of(reader.worker_id) or loop.is_open_for(reader) or is_operator(reader)
    if loop.state is not LoopState.ADJUDICATE or not decides:
        return ()
    return tuple(
        Opinion(who=part.name or part.worker_id, answer=dict(entry.get("answerContent") or {}))
        for part, entry in answers_of(loop, desk)
    )


def answers_of(loop: Loop, desk: ReviewDesk) -> list[tuple[Part, dict[str, Any]]]:
    """The answers that count, as `humanAnswers` has them: in their order, who decided last."""
    parts = {part.worker_id: part for part in desk.loops.parts(loop.name)}
    found = [(parts[each], parts[each].opinion or parts[each].answer) for each in loop.answers]
    if loop.adjudicator:
        found.append((parts[loop.adjudicator], parts[loop.adjudicator].answer))
    return [(part, json.loads(desk.objects.read(Location.from_uri(uri)))) for part, uri in found]


# ---- claims


def claim(name: str, worker: Worker, desk: ReviewDesk) -> datetime:
    """Until when the review is this reviewer's. Claiming twice moves the time on."""
    loop = _moved(name, worker, lambda loop, part: _claiming(loop, part, worker, desk), desk)
    return _until(loop, worker)


def _until(loop: Loop, worker: Worker) -> datetime:
    mine = loop.claim_of(worker.worker_id)
    if mine is None:
        raise ClaimLostError(f"review {loop.name}: somebody else has taken it meanwhile")
    return mine.until


def _claiming(seen: Loop, part: Part | None, worker: Worker, desk: ReviewDesk) -> LoopChange:
    loop, ended = without_late_claims(seen, desk, but=worker.worker_id)
    _require_open(loop, desk)
    mine = loop.claim_of(worker.worker_id)
    if not mine and not loop.is_open_for(worker):
        raise ClaimLostError(_why_not(loop, worker))
    until = min(loop.expires, desk.clock() + timedelta(seconds=loop.seconds))
    moved = loop.claimed(Claim(worker_id=worker.worker_id, name=worker.name, until=until))
    happenings = [happening(each.loop, "timed out", desk, part=each) for each in ended]
    if not mine:
        happenings.append(happening(seen.name, "claimed", desk, worker))
    return LoopChange(
        loop=moved.next_of(seen),
        parts=(_taken(loop, part, worker, until, desk), *ended),
        happenings=tuple(happenings),
    )


def _why_not(loop: Loop, worker: Worker) -> str:
    if worker.worker_id in loop.answers:
        return f"review {loop.name}: you have given your opinion; another reviewer's is wanted"
    others = ", ".join(claim.name or claim.worker_id for claim in loop.claims)
    return f"review {loop.name} is with {others or 'others'} now and wants nobody else"


def _taken(loop: Loop, part: Part | None, worker: Worker, until: datetime, desk: ReviewDesk) -> Part:
    """The reviewer's part, claimed: the one that he has, moved on, or a new one."""
    now, decides = desk.clock(), loop.state is LoopState.ADJUDICATE
    if part is None:
        return Part(
            loop=loop.name, worker_id=worker.worker_id, name=worker.name, state=PartState.CLAIMED,
            nonce=desk.make_id(), created=now, until=until, adjudicates=decides,
        )  # fmt: skip
    if part.is_live:
        return part.moved(until=until, adjudicates=decides)
    opinion = part.answer if decides and part.state is PartState.SUBMITTED else part.opinion
    return part.moved(
        name=worker.name, state=PartState.CLAIMED, nonce=desk.make_id(), created=now, until=until, ended=None,
        answer="", opinion=opinion, adjudicates=decides,
    )  # fmt: skip


def without_late_claims(loop: Loop, desk: ReviewDesk, but: str = "") -> tuple[Loop, tuple[Part, ...]]:
    """The loop without claims past their time, and the parts that end with that. `but`: whose may stay."""
    now = desk.clock()
    late = [claim.worker_id for claim in loop.claims if claim.until <= now and claim.worker_id != but]
    for worker_id in late:
        loop = loop.given_back(worker_id)
    return loop, ended_parts(loop.name, late, PartState.EXPIRED, desk)


def ended_parts(name: str, worker_ids: Iterable[str], state: PartState, desk: ReviewDesk) -> tuple[Part, ...]:
    """The live parts of these reviewers, ended."""
    parts = (desk.loops.part(name, each) for each in worker_ids)
    return tuple(part.ended_at(desk.clock(), state) for part in parts if part and part.is_live)


def release(name: str, worker: Worker, desk: ReviewDesk) -> LoopState:
    """Back to the others, the draft kept; releasing what one has not is no error."""

    def releasing(loop: Loop, part: Part | None) -> LoopChange | None:
        if part is None or not part.is_live:
            return None
        return LoopChange(
            loop=loop.given_back(worker.worker_id),
            parts=(part.ended_at(desk.clock(), PartState.RELEASED),),
            happenings=(happening(name, "released", desk, worker),),
        )

    return _moved(name, worker, releasing, desk).state


# ---- drafts


def save_draft(
    name: str, worker: Worker, answer: Mapping[str, Any], edits: Sequence[Mapping[str, Any]], desk: ReviewDesk
) -> Saved:
    """Keep what the reviewer has so far; his time moves on.

    What was timed out is his again with that, if nobody else has it. ClaimLostError, ReviewClosedError where
    it is not his: the draft is kept all the same, if he ever had it.
    """
    found_loop(name, worker, desk)
    part = desk.loops.part(name, worker.worker_id)
    if part is None:
        raise ClaimLostError(f"review {name}: claim it before you write")
    now = desk.clock()
    if part.state is not PartState.SUBMITTED:
        _write_draft(name, worker, answer, now, desk)
        _keep_edits(name, worker, edits, desk)
    return Saved(saved=now, claimed_until=_still_held(name, worker, desk))


def _write_draft(
    name: str, worker: Worker, answer: Mapping[str, Any], now: datetime, desk: ReviewDesk
) -> None:
    body = _sized({"answer": dict(answer), "saved": now.isoformat()}, "draft")
    desk.objects.write(LoopPlaces(desk.work_bucket, name).draft(worker.worker_id), body, JSON)


def _keep_edits(name: str, worker: Worker, edits: Sequence[Mapping[str, Any]], desk: ReviewDesk) -> None:
    if not edits:
        return
    if len(edits) > MOST_EDITS:
        raise TooLargeError(f"edits: {len(edits)} at once, at most {MOST_EDITS}")
    body = _sized([dict(each) for each in edits], "edits")
    place = LoopPlaces(desk.work_bucket, name).edits(worker.worker_id, _stamp(desk))
    desk.objects.write(place, body, JSON)
    desk.loops.tell([happening(name, EDITED, desk, worker, text=f"{len(edits)} edits", place=place.uri)])


def _still_held(name: str, worker: Worker, desk: ReviewDesk) -> datetime:
    """Until when, moved on; the rows are written only where that makes a difference."""

    def holding(loop: Loop, part: Part | None) -> LoopChange | None:
        _require_open(loop, desk)
        if part is None or part.state in (PartState.RELEASED, PartState.SUBMITTED):
            raise ClaimLostError(f"review {name}: you gave it back; claim it to go on")
        _require_same_question(loop, part)
        mine = loop.claim_of(worker.worker_id)
        until = min(loop.expires, desk.clock() + timedelta(seconds=loop.seconds))
        least = min(MOVED_ON_BY, timedelta(seconds=loop.seconds / 10))
        if mine and mine.until > desk.clock() and until - mine.until < least:
            return None
        return _claiming(loop, part, worker, desk)

    return _until(_moved(name, worker, holding, desk), worker)


# ---- answers


def submit(name: str, worker: Worker, submission: Submission, desk: ReviewDesk) -> LoopState:
    """The reviewer's answer, taken once. ReviewClosedError, ClaimLostError: too late, but kept.

    The same answer twice is one: a browser that heard nothing asks again.
    """
    loop = found_loop(name, worker, desk)
    part = desk.loops.part(name, worker.worker_id)
    is_from_a_page = not loop.is_native and not submission.is_final
    if is_from_a_page and (part is None or submission.nonce != part.nonce):
        raise NonceError("the answer does not come from the page that was handed out with this review")
    _sized(submission.answer, "answer")
    _keep_edits(name, worker, submission.edits, desk)
    if part and _is_the_same(part, submission.answer, desk):
        return loop.state
    place = LoopPlaces(desk.work_bucket, name).answer(worker.worker_id, _stamp(desk))
    kept = _Kept(_entry(loop, part, worker, submission, desk), place, submission.is_final)
    desk.objects.write(place, _sized(kept.entry, "answer"), JSON)
    try:
        taken = _moved(name, worker, lambda now, mine: _submitting(now, mine, worker, kept, desk), desk)
    except (ReviewClosedError, ClaimLostError) as error:
        mine = desk.loops.part(name, worker.worker_id)
        if mine and _is_the_same(mine, submission.answer, desk):  # sent twice, and the other was quicker
            return found_loop(name, worker, desk).state
        late = _keep_late(name, worker, kept.entry, str(error), desk)
        raise type(error)(f"{error}. Your answer came too late to count; it is kept as {late}") from error
    if taken.state is LoopState.ANSWERED:
        _tell_desk(taken, desk)
    with suppress(TransientError):
        desk.objects.delete(LoopPlaces(desk.work_bucket, name).draft(worker.worker_id))
    return taken.state


def reject(name: str, worker: Worker, reason: str, seconds: float | None, desk: ReviewDesk) -> LoopState:
    """The document is none that has these fields: one reviewer is enough."""
    why = reason.strip()
    if not why or len(why) > MOST_TEXT:
        raise RequestError(f"reason: expected 1 to {MOST_TEXT} characters, got {len(why)}")
    if not found_loop(name, worker, desk).is_native:
        raise RequestError(f"review {name} has a page of its own, which has no way to reject")
    answer = {REJECTED: True, REJECTED_WHY: why}
    return submit(name, worker, Submission(answer=answer, seconds=seconds), desk)


def _is_the_same(part: Part, answer: Mapping[str, Any], desk: ReviewDesk) -> bool:
    """Whether this is the answer that has been taken already."""
    if part.state is not PartState.SUBMITTED or not part.answer:
        return False
    taken = json.loads(desk.objects.read(Location.from_uri(part.answer)))
    return bool(taken.get("answerContent") == answer)


def _submitting(seen: Loop, part: Part | None, worker: Worker, kept: _Kept, desk: ReviewDesk) -> LoopChange:
    _require_open(seen, desk)
    if part is None or part.state in (PartState.RELEASED, PartState.SUBMITTED):
        raise ClaimLostError(f"review {seen.name} is not yours: {_became(part)}")
    _require_same_question(seen, part)
    held = _claiming(seen, part, worker, desk)  # what was timed out is his again, if nobody else has it
    mine, *late = held.parts
    now, rejects = desk.clock(), seen.is_native and bool(kept.entry["answerContent"].get(REJECTED))
    loop = held.loop.answered_by(worker.worker_id, now, decides=rejects, due=now + STALLED_AFTER)
    left = {claim.worker_id for claim in held.loop.claims} - {claim.worker_id for claim in loop.claims}
    ended = mine.ended_at(now, PartState.SUBMITTED, answer=kept.place.uri)
    others = ended_parts(seen.name, left - {worker.worker_id}, PartState.EXPIRED, desk)
    return LoopChange(
        loop=loop.model_copy(update={"is_final": kept.is_final}).next_of(seen),
        parts=(ended.model_copy(update={"version": part.version + 1}), *late, *others),
        happenings=(
            *held.happenings,
            happening(seen.name, "rejected" if rejects else "submitted", desk, worker),
        ),
    )


def _require_same_question(loop: Loop, part: Part) -> None:
    """An opinion does not decide between others that its author has not seen."""
    if loop.state is LoopState.ADJUDICATE and not part.adjudicates:
        raise ClaimLostError(
            f"review {loop.name}: your time had run out, and others have answered and disagree; claim it to "
            "see what they say and to decide"
        )


def _became(part: Part | None) -> str:
    if part is None:
        return "you have not claimed it"
    return (
        f"{part.state.value.lower()} at {part.ended:%Y-%m-%d %H:%M} UTC" if part.ended else part.state.value
    )


def _entry(
    loop: Loop, part: Part | None, worker: Worker, submission: Submission, desk: ReviewDesk
) -> dict[str, Any]:
    """One of `humanAnswers`, as A2I writes them."""
    now = desk.clock()
    begun = part.created if part else now
    seconds = submission.seconds if submission.seconds is not None else (now - begun).total_seconds()
    role = "adjudicator" if loop.state is LoopState.ADJUDICATE else "reviewer"
    return {
        "acceptanceTime": _time(begun),
        "answerContent": submission.answer,
        "submissionTime": _time(now),
        "timeSpentInSeconds": round(max(0.0, seconds), 3),
        "workerId": worker.worker_id,
        "workerMetadata": {
            "identityData": {
                "identityProviderType": "Cognito",
                "issuer": "workbench",
                "sub": worker.worker_id,
            },
            "recto": {"role": role, "name": worker.name},
        },
    }


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _keep_late(name: str, worker: Worker, entry: Mapping[str, Any], why: str, desk: ReviewDesk) -> str:
    """An answer that does not count lies beside those that do, and is the draft; the history says so."""
    late = LoopPlaces(desk.work_bucket, name).late_answer(worker.worker_id, _stamp(desk))
    desk.objects.write(late, _sized(entry, "answer"), JSON)
    _write_draft(name, worker, entry["answerContent"], desk.clock(), desk)
    desk.loops.tell([happening(name, LATE, desk, worker, text=told(why, MOST_TEXT), place=late.uri)])
    return late.key


def _tell_desk(loop: Loop, desk: ReviewDesk) -> None:
    """Where the message is lost, the loop's `due` finds it."""
    with suppress(TransientError):
        desk.queue.send(ReviewAnswered(loop_name=loop.name))


def reopen(name: str, worker: Worker, desk: ReviewDesk) -> LoopState:
    """Take one's own answer back, as long as it has not been handed on; it is the draft again."""

    def reopening(loop: Loop, part: Part | None) -> LoopChange:
        if part is None or part.state is not PartState.SUBMITTED:
            raise NotAllowedError(f"review {name}: you have no answer there to take back")
        if not _may_reopen(loop, part):
            raise ReviewClosedError(f"{_state_of(loop)}; its answers cannot be taken back any more")
        now = desk.clock()
        if loop.expires <= now:  # nobody could answer again, and the answer that was in time would be lost
            raise ReviewClosedError(
                f"review {name} expired at {loop.expires:%Y-%m-%d %H:%M} UTC; your answer stands"
            )
        entry = json.loads(desk.objects.read(Location.from_uri(part.answer)))
        _write_draft(name, worker, entry["answerContent"], now, desk)
        until = min(loop.expires, now + timedelta(seconds=loop.seconds))
        mine = Claim(worker_id=worker.worker_id, name=worker.name, until=until)
        claimed = part.moved(state=PartState.CLAIMED, until=until, ended=None, answer="")
        return LoopChange(
            loop=loop.reopened_by(mine),
            parts=(claimed,),
            happenings=(happening(name, "reopened", desk, worker),),
        )

    return _moved(name, worker, reopening, desk).state


def note(name: str, worker: Worker, text: str, desk: ReviewDesk) -> tuple[Told, ...]:
    """All notes with this one."""
    found_loop(name, worker, desk)
    wanted = text.strip()
    if not wanted or len(wanted) > MOST_TEXT:
        raise RequestError(f"text: expected 1 to {MOST_TEXT} characters, got {len(wanted)}")
    desk.loops.tell([happening(name, NOTE, desk, worker, text=wanted)])
    return _notes(desk.loops.history(name, MOST_HISTORY))


# ---- templates of their own


def frame_source(name: str, worker_id: str, desk: ReviewDesk) -> FrameSource:
    """What the page of a loop with its own template is rendered from.

    Who may see it is checked by who gives out its address, which is signed with the part's nonce.
    """
    loop, part = desk.loops.loop(name), desk.loops.part(name, worker_id)
    if loop is None or part is None or loop.is_native:
        raise ReviewMissingError("there is no such page")
    if not part.is_live or part.until <= desk.clock():
        raise TaskExpiredError("the review is not yours any more; claim it again")
    return FrameSource(
        loop=loop,
        part=part,
        template=desk.objects.read(Location.from_uri(loop.template)).decode(),
        task_input=task_of(loop, desk),
    )


# ---- what all of them do


def _moved(
    name: str, worker: Worker, move: Callable[[Loop, Part | None], LoopChange | None], desk: ReviewDesk
) -> Loop:
    """The loop after a move that was tried until nobody else was quicker; None is no move."""
    for _ in range(TRIES):
        loop = found_loop(name, worker, desk)
        change = move(loop, desk.loops.part(name, worker.worker_id))
        if change is None:
            return loop
        if desk.loops.write(change):
            return change.loop
    raise RequestError(f"review {name}: others changed it {TRIES} times meanwhile; try again")


def _require_open(loop: Loop, desk: ReviewDesk) -> None:
    if not loop.takes_answers:
        raise ReviewClosedError(_state_of(loop))
    if loop.expires <= desk.clock():
        raise ReviewClosedError(f"review {loop.name} expired at {loop.expires:%Y-%m-%d %H:%M} UTC")


def _state_of(loop: Loop) -> str:
    """What became of the loop, and when, for people."""
    when = loop.ended or loop.answered
    became = {LoopState.ANSWERED: "has its answers", LoopState.CLOSED: f"is closed ({loop.outcome})"}
    said = became.get(loop.state, f"is {loop.state.value.lower()}")
    cause = f": {loop.cause}" if loop.cause else ""
    return f"review {loop.name} {said}{f' since {when:%Y-%m-%d %H:%M} UTC' if when else ''}{cause}"


def happening(
    name: str,
    what: str,
    desk: ReviewDesk,
    worker: Worker | None = None,
    *,
    part: Part | None = None,
    text: str = "",
    place: str = "",
) -> Happening:
    """A line of the history, now."""
    who = worker.worker_id if worker else part.worker_id if part else ""
    called = worker.name if worker else part.name if part else ""
    return Happening(loop=name, when=desk.clock(), who=who, name=called, what=what, text=text, place=place)


def _stamp(desk: ReviewDesk) -> str:
    return f"{desk.clock():%Y%m%dT%H%M%S}-{desk.make_id()[-8:]}"


def _sized(value: Any, what: str) -> bytes:
    try:
        body = json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except ValueError as error:  # Python reads NaN and 1e999, but they are no JSON
        raise RequestError(f"{what}: it holds a number that is none, or half a character") from error
    if len(body) > MOST_ANSWER_BYTES:
        raise TooLargeError(f"{what}: {len(body):,} bytes, at most {MOST_ANSWER_BYTES:,}")
    return body
