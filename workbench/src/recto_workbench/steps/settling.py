"""What becomes of answers, without people: agreed or not, held, handed on once; and what the pipeline says.

    answered    the loop has its answers: disputed ones wait for somebody who decides; the others are held
                for a while, in which they may be taken back, and then written as A2I's `output.json`
    settled     the pipeline has done something with them; `refused` opens the loop again
    escalated   nobody answered in time; the loop stands on top and stays on offer longer

The same message twice does no harm. Each minute `sweep` looks at what is due, which also finds what a lost
message leaves behind.
"""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from pydantic import TypeAdapter, ValidationError

from recto.errors import DocumentMissingError, FieldConfigurationError, RectoError, ReviewFailedError
from recto.messages import ReviewAnswered, ReviewEscalated, ReviewSettled
from recto.places import Location
from recto.review import REJECTED
from recto_workbench.agreement import disputed_fields
from recto_workbench.errors import RequestError
from recto_workbench.loops import FINAL_STATES, Loop, LoopPlaces, LoopState, Part, PartState
from recto_workbench.review_ports import LoopChange
from recto_workbench.steps.desk import (
    JSON,
    MOST_TEXT,
    STALLED_AFTER,
    TRIES,
    ReviewDesk,
    answers_of,
    ended_parts,
    happening,
    without_late_claims,
)
from recto_workbench.steps.review_check import content_of
from recto_workbench.tasks import Worker, told

LONGEST_DELAY = 900
"""Seconds; SQS's own."""
UNHEARD_AFTER = timedelta(hours=1)
"""The pipeline tries a message five times within half an hour, then an operator has it."""
MORE_TIME = timedelta(days=1)
"""At least this long a loop is on offer whose answers were refused."""
SWEPT_AT_ONCE = 500
COMPLETED, UNHEARD = "completed", "unheard"
Message = ReviewSettled | ReviewEscalated | ReviewAnswered
MESSAGES: TypeAdapter[Message] = TypeAdapter(Message)


@dataclass(frozen=True)
class Settling:
    """What it takes to settle."""

    desk: ReviewDesk
    hold: timedelta
    """How long answers may be taken back."""


class Swept(NamedTuple):
    """What was done, for the log."""

    claims: int
    expired: int
    pushed_on: int


def _ignore(_: Loop) -> None:
    """Nobody wants to know."""


def work_off(body: str, settling: Settling, found: Callable[[Loop], object] = _ignore) -> tuple[str, str]:
    """Do what a message says: the loop's name, and a word on what came of it.

    `found` is told which loop it is about before anything is done.
    """
    try:
        message = MESSAGES.validate_json(body)
    except ValidationError as error:
        raise RequestError(f"a message to the desk that is none: {error.error_count()} faults") from error
    if found is not _ignore and (loop := settling.desk.loops.loop(message.loop_name)):
        found(loop)
    if isinstance(message, ReviewSettled):
        return message.loop_name, settled(message, settling)
    if isinstance(message, ReviewEscalated):
        return message.loop_name, escalated(message.loop_name, message.expires, settling.desk)
    return message.loop_name, answered(message.loop_name, settling)


# ---- answers


def answered(name: str, settling: Settling) -> str:
    """Disputed, held or handed on."""
    desk = settling.desk
    loop = desk.loops.loop(name)
    if loop is None or loop.state is not LoopState.ANSWERED or loop.answered is None:
        return "nothing waits"
    if loop.output:
        return _write_output(loop, desk)
    disputed = _disputed(loop, desk)
    if disputed:
        what = happening(name, "disagreed", desk, text=told(", ".join(disputed), MOST_TEXT))
        is_written = desk.loops.write(LoopChange(loop=loop.in_dispute(), happenings=(what,)))
        return "disputed" if is_written else "changed meanwhile"
    hold = timedelta() if loop.is_final else settling.hold
    left = loop.answered + hold - desk.clock()
    return _hand_on(loop, desk) if left <= timedelta() else _hold(loop, left, desk)


def _disputed(loop: Loop, desk: ReviewDesk) -> tuple[str, ...]:
    """What its reviewers disagree about. What the pipeline will refuse is for the pipeline to refuse."""
    if len(loop.answers) < 2 or loop.adjudicator or not loop.is_native:
        return ()
    contents = [dict(entry.get("answerContent") or {}) for _, entry in answers_of(loop, desk)]
    if any(content.get(REJECTED) for content in contents):
        return ()
    task = content_of(loop, desk)
    if task.result is None or task.fields is None:  # somebody else's task: nobody knows its normal forms
        return () if all(content == contents[0] for content in contents) else ("the answers",)
    try:
        return disputed_fields(contents, task.result, task.fields)
    except (ReviewFailedError, FieldConfigurationError):
        return ()


def _hold(loop: Loop, left: timedelta, desk: ReviewDesk) -> str:
    """Until its answers may not be taken back any more."""
    due = desk.clock() + left + STALLED_AFTER
    is_noted = loop.due is not None and loop.due >= due - STALLED_AFTER
    if not is_noted and not desk.loops.write(LoopChange(loop=loop.moved(due=due))):
        return "changed meanwhile"
    delay = min(LONGEST_DELAY, math.ceil(left.total_seconds()))
    desk.queue.send(ReviewAnswered(loop_name=loop.name), delay)
    return "held"


def _hand_on(loop: Loop, desk: ReviewDesk) -> str:
    """First the row, so that nobody takes his answer back any more, then the object: one of all that try."""
    place = _output_place(loop)
    moved = loop.handed_on(place.uri, desk.clock() + STALLED_AFTER)
    what = happening(loop.name, "handed on", desk, place=place.uri)
    if not desk.loops.write(LoopChange(loop=moved, happenings=(what,))):
        return "changed meanwhile"
    return _write_output(moved, desk)


def _output_place(loop: Loop) -> Location:
    """Where A2I writes: by the time of the loop's creation, or of its being opened again."""
    path = f"{loop.output_path}/{loop.flow}/{loop.opened:%Y/%m/%d/%H/%M/%S}/{loop.name}/output.json"
    return Location.from_uri(path)


def _write_output(loop: Loop, desk: ReviewDesk) -> str:
    place = Location.from_uri(loop.output)
    if desk.objects.info(place) is None:
        output = {
            "flowDefinitionArn": loop.flow_arn,
            "humanAnswers": [entry for _, entry in answers_of(loop, desk)],
            "humanLoopName": loop.name,
            "inputContent": _input(loop, desk),
        }
        desk.objects.write(place, json.dumps(output, ensure_ascii=False).encode(), JSON)
    if loop.review_id:
        return "handed on"
    return _end(loop.name, LoopState.CLOSED, COMPLETED, "", desk)  # nobody of ours waits for it


def _input(loop: Loop, desk: ReviewDesk) -> Any:
    """As it came; where it is gone, what the pipeline needs to find its review."""
    try:
        return json.loads(desk.objects.read(LoopPlaces(desk.work_bucket, loop.name).input))
    except DocumentMissingError:
        return {"ReviewId": loop.review_id}


# ---- what the pipeline says


def settled(message: ReviewSettled, settling: Settling) -> str:
    """The loop is closed, or open again where its answers were refused."""
    desk = settling.desk
    if message.outcome == "refused":
        return _open_again(message, desk)
    state = LoopState.EXPIRED if message.outcome == "expired" else LoopState.CLOSED
    return _end(message.loop_name, state, message.outcome, message.cause, desk)


def _open_again(message: ReviewSettled, desk: ReviewDesk) -> str:
    """The answers become drafts, so that nobody types anything twice."""
    name, cause = message.loop_name, message.cause
    for _ in range(TRIES):
        loop = desk.loops.loop(name)
        if loop is None or not loop.output:
            return "nothing to open again"
        if loop.state in FINAL_STATES and loop.outcome != UNHEARD:
            return "has ended before"
        if message.answer not in ("", loop.output):  # it came twice, and a better answer is on its way
            return "about an earlier answer"
        now = desk.clock()
        parts: list[Part] = []
        for part, entry in answers_of(loop, desk):
            _keep_as_draft(part, entry, desk)
            if all(part.worker_id != each.worker_id for each in parts):
                changes = {"answer": "", "opinion": "", "is_over": False}
                parts.append(part.ended_at(now, PartState.RELEASED, **changes))
        expires = max(loop.expires, now + MORE_TIME)
        what = happening(name, "refused", desk, text=told(cause, MOST_TEXT), place=loop.output)
        moved = loop.refused(told(cause, MOST_TEXT), now, expires)
        if desk.loops.write(LoopChange(loop=moved, parts=tuple(parts), happenings=(what,))):
            return "open again"
    raise RequestError(f"review {name}: others changed it {TRIES} times meanwhile")


def _keep_as_draft(part: Part, entry: dict[str, Any], desk: ReviewDesk) -> None:
    draft = {"answer": entry.get("answerContent") or {}, "saved": desk.clock().isoformat()}
    place = LoopPlaces(desk.work_bucket, part.loop).draft(part.worker_id)
    desk.objects.write(place, json.dumps(draft, ensure_ascii=False).encode(), JSON)


def _end(name: str, state: LoopState, outcome: str, cause: str, desk: ReviewDesk) -> str:
    """The loop at its end, whoever was at it. What has ended stays as it is, but for what was unheard of."""
    for _ in range(TRIES):
        loop = desk.loops.loop(name)
        if loop is None:
            return "no such loop"
        if loop.state in FINAL_STATES and loop.outcome != UNHEARD:
            return "has ended before"
        change = _ending(loop, state, outcome, cause, desk)
        if desk.loops.write(change):
            return outcome
    raise RequestError(f"review {name}: others changed it {TRIES} times meanwhile")


def _ending(loop: Loop, state: LoopState, outcome: str, cause: str, desk: ReviewDesk) -> LoopChange:
    now, short = desk.clock(), told(cause, MOST_TEXT)
    held = [claim.worker_id for claim in loop.claims]
    parts = ended_parts(loop.name, held, PartState.EXPIRED, desk)
    done = (desk.loops.part(loop.name, each) for each in {*loop.answers, loop.adjudicator} - {"", *held})
    parts += tuple(part.moved(is_over=True) for part in done if part and not part.is_over)
    what = state.value.lower() if state is not LoopState.CLOSED else "settled"
    text = f"{outcome}: {short}" if short else outcome
    return LoopChange(
        loop=loop.ended_as(state, now, outcome, short),
        parts=parts,
        happenings=(happening(loop.name, what, desk, text=text),),
    )


def stop(name: str, reason: str, desk: ReviewDesk) -> str:
    """Nobody answers it any more; drafts and answers stay where they are. A loop that has ended stays so."""
    loop = desk.loops.loop(name)
    if loop is not None and loop.state is LoopState.ANSWERED and loop.output:
        return "has its answers"
    return _end(name, LoopState.STOPPED, "stopped", reason, desk)


def escalated(name: str, expires: datetime, desk: ReviewDesk) -> str:
    """On top of all others, and on offer again where its time had run out."""
    for _ in range(TRIES):
        loop = desk.loops.loop(name)
        if loop is None:
            return "no such loop"
        if not loop.takes_answers and loop.state is not LoopState.EXPIRED:
            return "has its answers"
        what = happening(name, "escalated", desk, text=f"until {expires:%Y-%m-%d %H:%M} UTC")
        moved = loop.escalated_until(expires, desk.clock())
        if desk.loops.write(LoopChange(loop=moved, happenings=(what,))):
            return "escalated"
    raise RequestError(f"review {name}: others changed it {TRIES} times meanwhile")


# ---- each minute


def sweep(settling: Settling) -> Swept:
    """Look at what is due. One that goes wrong keeps no other waiting; it is told as failed in the end."""
    desk, errors = settling.desk, list[RectoError]()
    done = [0, 0, 0]
    for seen in desk.loops.due(desk.clock(), SWEPT_AT_ONCE):
        try:
            loop = desk.loops.loop(seen.name)  # the index may be a moment behind
            if loop is None or loop.due is None or loop.due > desk.clock():
                continue
            kind = _look_at(loop, settling)
            done[kind] += 1
        except RectoError as error:
            errors.append(error)
    if errors:
        raise errors[0]
    return Swept(*done)


CLAIMS, EXPIRED, PUSHED_ON = range(3)


def _look_at(loop: Loop, settling: Settling) -> int:
    desk = settling.desk
    if loop.takes_answers and loop.expires <= desk.clock():
        # Once, as it was seen: an answer that came in this moment stands.
        change = _ending(loop, LoopState.EXPIRED, "expired", _waited(loop), desk)
        return EXPIRED if desk.loops.write(change) else PUSHED_ON
    if loop.takes_answers:
        _take_back_late(loop, desk)
        return CLAIMS
    if loop.state is LoopState.ANSWERED:
        _push_on(loop, settling)
    return PUSHED_ON


def _waited(loop: Loop) -> str:
    return f"{len(loop.answers)} of {loop.wanted} answers had come by {loop.expires:%Y-%m-%d %H:%M} UTC"


def _take_back_late(seen: Loop, desk: ReviewDesk) -> None:
    loop, ended = without_late_claims(seen, desk)
    what = [
        happening(seen.name, "timed out", desk, Worker(worker_id=e.worker_id, name=e.name)) for e in ended
    ]
    due = min([loop.expires, *(claim.until for claim in loop.claims)])
    moved = loop.model_copy(update={"due": due}).next_of(seen)
    desk.loops.write(LoopChange(loop=moved, parts=ended, happenings=tuple(what)))


def _push_on(loop: Loop, settling: Settling) -> None:
    """Whatever message was lost; what the pipeline never said a word about is closed as that."""
    desk, now = settling.desk, settling.desk.clock()
    if not loop.output:
        if desk.loops.write(LoopChange(loop=loop.moved(due=now + STALLED_AFTER))):
            desk.queue.send(ReviewAnswered(loop_name=loop.name))
        return
    _write_output(loop, desk)
    if loop.answered and now - loop.answered > UNHEARD_AFTER + settling.hold:
        cause = f"the pipeline has said nothing about it since {loop.answered:%Y-%m-%d %H:%M} UTC"
        desk.loops.write(_ending(loop, LoopState.CLOSED, UNHEARD, cause, desk))
    elif loop.review_id:
        desk.loops.write(LoopChange(loop=loop.moved(due=now + UNHEARD_AFTER)))
