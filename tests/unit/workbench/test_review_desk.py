"""The review desk in memory: claims, drafts, answers, second opinions, what comes too late."""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recto.messages import ReviewAnswered, ReviewEscalated, ReviewSettled
from recto.places import Location
from recto_workbench.errors import (
    ClaimLostError,
    NonceError,
    NotAllowedError,
    RefusedError,
    RequestError,
    ReviewClosedError,
    ReviewMissingError,
    TaskExpiredError,
)
from recto_workbench.loops import Loop, LoopPlaces, LoopState, Part, PartState, Queue
from recto_workbench.review_ports import LoopChange
from recto_workbench.steps.desk import (
    ReviewDesk,
    Submission,
    answers_of,
    claim,
    counts,
    find,
    frame_source,
    listing,
    next_review,
    note,
    reject,
    release,
    reopen,
    save_draft,
    submit,
)
from recto_workbench.steps.settling import Settling, answered, escalated, settled, sweep, work_off
from recto_workbench.tasks import Worker
from tests.memory import MemoryObjects
from tests.review_fakes import FakeDeskQueue, MemoryLoops, add_loop, make_review_desk
from tests.workbench_fakes import FakeClock, add_team, make_desk

ANNA = Worker(worker_id="anna", name="Anna", groups=("reviewers",))
BEN = Worker(worker_id="ben", name="Ben", groups=("reviewers",))
CARL = Worker(worker_id="carl", name="Carl", groups=("reviewers",))
OLGA = Worker(worker_id="olga", name="Olga", groups=("operators",))
TASK = {
    "ReviewId": "r1",
    "TaskObject": "s3://inbox/receipt.jpg",
    "ModelResult": {
        "Confidence": 0.5,
        "Fields": {
            "Total": {
                "ClassId": 0, "Confidence": 0.5, "NumDetections": 1, "NumDetectedValues": 1, "SortOrder": 0,
                "Type": "money", "Value": "12.50",
            }
        },
    },
    "FieldConfiguration": [{"Name": "Total", "ClassId": 0, "Type": "money"}],
}  # fmt: skip


@dataclass
class Bench:
    """A desk in memory, with what settles its answers."""

    desk: ReviewDesk = field(default_factory=lambda: make_review_desk(make_desk()))
    hold: timedelta = timedelta()

    @property
    def clock(self) -> FakeClock:
        assert isinstance(self.desk.clock, FakeClock)
        return self.desk.clock

    @property
    def settling(self) -> Settling:
        return Settling(self.desk, self.hold)

    @property
    def files(self) -> dict[str, bytes]:
        assert isinstance(self.desk.objects, MemoryObjects)
        return self.desk.objects.bodies

    @property
    def queue(self) -> list[tuple[ReviewAnswered, int]]:
        assert isinstance(self.desk.queue, FakeDeskQueue)
        return self.desk.queue.sent

    def open(self, name: str = "loop", task: Any = TASK, **changes: Any) -> Loop:
        given = {"review_id": "r1", "expires": self.clock() + timedelta(days=10), **changes}
        expires = given.pop("expires")
        return add_loop(self.desk, name, json.dumps(task).encode(), expires, **given)

    def loop(self, name: str = "loop") -> Loop:
        loop = self.desk.loops.loop(name)
        assert loop
        return loop

    def part(self, worker: Worker, name: str = "loop") -> Part:
        part = self.desk.loops.part(name, worker.worker_id)
        assert part
        return part

    def say(self, worker: Worker, value: str, name: str = "loop") -> LoopState:
        claim(name, worker, self.desk)
        return submit(name, worker, saying(value), self.desk)

    def outputs(self) -> list[dict[str, Any]]:
        return [json.loads(body) for uri, body in self.files.items() if uri.endswith("/output.json")]

    def late(self) -> list[Any]:
        found = [json.loads(body) for uri, body in self.files.items() if "-late-" in uri]
        return [each["answerContent"] for each in found]

    def told(self, what: str) -> list[str]:
        return [each.text for each in self.desk.loops.history("loop", 1000) if each.what == what]


@pytest.fixture
def bench() -> Bench:
    return Bench()


def saying(value: str, **more: Any) -> Submission:
    return Submission(answer={"field-present-Total": True, "field-value-Total": value}, **more)


# ---- one reviewer


def test_an_answer_goes_where_a2i_writes_it(bench: Bench) -> None:
    bench.open()

    until = claim("loop", ANNA, bench.desk)
    bench.clock.pass_by(90)
    state = submit("loop", ANNA, saying("13.50"), bench.desk)
    done = answered("loop", bench.settling)

    assert (until, state, done) == (
        bench.loop().created + timedelta(hours=1),
        LoopState.ANSWERED,
        "handed on",
    )
    assert [message.loop_name for message, _ in bench.queue] == ["loop"]
    assert bench.loop().output == "s3://reviews/reviews/recto-workbench/2026/11/02/09/00/00/loop/output.json"
    (output,) = bench.outputs()
    assert output["inputContent"] == TASK
    assert (output["humanLoopName"], output["flowDefinitionArn"]) == ("loop", bench.loop().flow_arn)
    (human,) = output["humanAnswers"]
    assert human["answerContent"] == {"field-present-Total": True, "field-value-Total": "13.50"}
    assert (human["workerId"], human["timeSpentInSeconds"]) == ("anna", 90.0)
    assert human["workerMetadata"]["recto"] == {"role": "reviewer", "name": "Anna"}
    assert (human["acceptanceTime"], human["submissionTime"]) == (
        "2026-11-02T09:00:00.000Z", "2026-11-02T09:01:30.000Z",
    )  # fmt: skip


def test_the_same_answer_twice_is_one_and_another_one_is_late(bench: Bench) -> None:
    bench.open()
    bench.say(ANNA, "13.50")

    again = submit("loop", ANNA, saying("13.50"), bench.desk)
    with pytest.raises(ReviewClosedError, match=r"has its answers since 2026-11-02 09:00 UTC.*kept as"):
        submit("loop", ANNA, saying("14"), bench.desk)

    assert again is LoopState.ANSWERED
    assert bench.late() == [saying("14").answer]
    answered("loop", bench.settling)
    assert len(bench.outputs()[0]["humanAnswers"]) == 1


def test_the_same_message_twice_writes_once(bench: Bench) -> None:
    bench.open()
    bench.say(ANNA, "13.50")

    outcomes = [work_off('{"LoopName": "loop"}', bench.settling)[1] for _ in range(3)]

    assert outcomes == ["handed on"] * 3
    assert bench.told("handed on") == [""]


def test_a_review_is_one_reviewers_until_he_gives_it_back(bench: Bench) -> None:
    bench.open()
    claim("loop", ANNA, bench.desk)

    with pytest.raises(ClaimLostError, match="with Anna now"):
        claim("loop", BEN, bench.desk)
    assert listing("open", "", "", BEN, bench.desk).items[0].loop.queue is Queue.BUSY
    release("loop", ANNA, bench.desk)
    release("loop", ANNA, bench.desk)
    claim("loop", BEN, bench.desk)

    assert [each.worker_id for each in bench.loop().claims] == ["ben"]
    assert bench.part(ANNA).state is PartState.RELEASED
    with pytest.raises(ClaimLostError, match="gave it back"):
        save_draft("loop", ANNA, {"a": 1}, (), bench.desk)


def test_a_draft_moves_the_time_on_and_waits_for_its_reviewer(bench: Bench) -> None:
    bench.open()
    claim("loop", ANNA, bench.desk)
    bench.clock.pass_by(1800)

    saved = save_draft(
        "loop", ANNA, {"field-value-Total": "13"}, ({"field": "Total", "to": "13"},), bench.desk
    )
    version = bench.loop().version
    bench.clock.pass_by(5)
    save_draft("loop", ANNA, {"field-value-Total": "13.5"}, (), bench.desk)
    release("loop", ANNA, bench.desk)

    assert saved.claimed_until == bench.loop().created + timedelta(seconds=1800 + 3600)
    assert bench.loop().version == version + 1, "the rows are not written at every stroke"
    seen = find("loop", ANNA, bench.desk)
    assert seen.draft == {"field-value-Total": "13.5"}
    assert [(line.field, line.to, line.who) for line in seen.history if line.what == "edited"] == [
        ("Total", "13", "Anna")
    ]
    assert find("loop", BEN, bench.desk).draft is None


def test_a_claim_past_its_time_goes_back_and_may_still_be_gone_on_with(bench: Bench) -> None:
    bench.open()
    claim("loop", ANNA, bench.desk)
    save_draft("loop", ANNA, {"field-value-Total": "1"}, (), bench.desk)
    bench.clock.pass_by(3601)

    swept = sweep(bench.settling)

    assert (swept.claims, bench.loop().claims, bench.part(ANNA).state) == (1, (), PartState.EXPIRED)
    assert bench.loop().queue is Queue.OPEN
    assert submit("loop", ANNA, saying("13"), bench.desk) is LoopState.ANSWERED, "nobody else had it"


def test_who_is_quicker_with_a_late_claim_has_it_and_the_late_answer_is_kept(bench: Bench) -> None:
    bench.open()
    claim("loop", ANNA, bench.desk)
    bench.clock.pass_by(3601)

    claim("loop", BEN, bench.desk)  # before the minute's sweep
    with pytest.raises(ClaimLostError, match=r"with Ben now.*kept as reviews/loop/answers/"):
        submit("loop", ANNA, saying("13"), bench.desk)

    assert bench.late() == [saying("13").answer]
    assert bench.told("late")
    assert bench.part(ANNA).state is PartState.EXPIRED
    assert find("loop", ANNA, bench.desk).draft == saying("13").answer


def test_an_answer_after_expiry_or_stop_is_kept_and_says_which_and_when(bench: Bench) -> None:
    bench.open(expires=bench.clock() + timedelta(seconds=60))
    claim("loop", ANNA, bench.desk)
    bench.clock.pass_by(61)

    with pytest.raises(ReviewClosedError, match="expired at 2026-11-02 09:01 UTC"):
        submit("loop", ANNA, saying("1"), bench.desk)
    assert sweep(bench.settling).expired == 1
    with pytest.raises(ReviewClosedError, match=r"is expired since 2026-11-02 09:01 UTC: 0 of 1 answers"):
        submit("loop", ANNA, saying("2"), bench.desk)

    assert bench.loop().state is LoopState.EXPIRED
    assert bench.late() == [saying("1").answer, saying("2").answer]
    assert [item.loop.name for item in listing("expired", "", "", ANNA, bench.desk).items] == ["loop"]


def test_an_expired_loop_that_is_escalated_is_on_offer_again_before_all_others(bench: Bench) -> None:
    bench.open("other")
    bench.clock.pass_by(1)
    bench.open(expires=bench.clock() + timedelta(seconds=60))
    bench.clock.pass_by(61)
    sweep(bench.settling)

    until = bench.clock() + timedelta(days=1)
    body = ReviewEscalated(loop_name="loop", expires=until).model_dump_json(by_alias=True)
    assert work_off(body, bench.settling) == ("loop", "escalated")

    assert [item.loop.name for item in listing("open", "", "", ANNA, bench.desk).items] == ["loop", "other"]
    assert next_review(ANNA, bench.desk) == "loop"
    assert (bench.loop().expires, bench.loop().escalated) == (until, True)
    bench.say(ANNA, "1")
    answered("loop", bench.settling)
    assert escalated("loop", until, bench.desk) == "has its answers"


def test_what_expired_while_somebody_had_to_decide_is_escalated_to_be_decided(bench: Bench) -> None:
    bench.open(wanted=2, expires=bench.clock() + timedelta(seconds=60))
    bench.say(ANNA, "13")
    bench.say(BEN, "14")
    answered("loop", bench.settling)
    bench.clock.pass_by(61)
    sweep(bench.settling)
    assert bench.loop().state is LoopState.EXPIRED

    assert escalated("loop", bench.clock() + timedelta(days=1), bench.desk) == "escalated"

    assert next_review(CARL, bench.desk) == "loop"
    assert [o.answer["field-value-Total"] for o in find("loop", CARL, bench.desk).opinions] == ["13", "14"]
    assert submit("loop", CARL, saying("14"), bench.desk) is LoopState.ANSWERED


def test_an_answer_that_was_in_time_is_not_taken_back_when_nobody_could_answer_again(bench: Bench) -> None:
    bench.hold = timedelta(minutes=5)
    bench.open(expires=bench.clock() + timedelta(seconds=60))
    bench.say(ANNA, "13")
    bench.clock.pass_by(61)

    with pytest.raises(ReviewClosedError, match="expired at 2026-11-02 09:01 UTC; your answer stands"):
        reopen("loop", ANNA, bench.desk)

    bench.clock.pass_by(300)
    assert answered("loop", bench.settling) == "handed on"


def test_taking_back_until_it_is_handed_on(bench: Bench) -> None:
    bench.hold = timedelta(seconds=1000)
    bench.open()
    bench.say(ANNA, "13")
    assert answered("loop", bench.settling) == "held"
    assert bench.queue[-1] == (ReviewAnswered(loop_name="loop"), 900)
    assert "reopen" in find("loop", ANNA, bench.desk).can
    assert listing("mine", "", "", ANNA, bench.desk).items

    assert reopen("loop", ANNA, bench.desk) is LoopState.OPEN
    assert find("loop", ANNA, bench.desk).draft == saying("13").answer
    submit("loop", ANNA, saying("14"), bench.desk)
    bench.clock.pass_by(1001)
    assert answered("loop", bench.settling) == "handed on"

    with pytest.raises(ReviewClosedError, match="cannot be taken back"):
        reopen("loop", ANNA, bench.desk)
    assert bench.outputs()[0]["humanAnswers"][0]["answerContent"] == saying("14").answer
    with pytest.raises(NotAllowedError):
        reopen("loop", BEN, bench.desk)


def test_a_programs_answer_is_not_held(bench: Bench) -> None:
    bench.hold = timedelta(seconds=900)
    bench.open()
    claim("loop", ANNA, bench.desk)

    submit("loop", ANNA, saying("13", is_final=True), bench.desk)

    assert answered("loop", bench.settling) == "handed on"


# ---- what the pipeline says


def test_a_refused_answer_opens_the_loop_again_with_the_answer_as_its_draft(bench: Bench) -> None:
    bench.open()
    bench.say(ANNA, "13")
    answered("loop", bench.settling)
    bench.clock.pass_by(10)

    refused = ReviewSettled(loop_name="loop", outcome="refused", cause="ReviewFailedError: no such field")
    assert settled(refused, bench.settling) == "open again"
    assert settled(refused, bench.settling) == "nothing to open again", "the message came twice"

    seen = find("loop", ANNA, bench.desk)
    assert (seen.item.loop.state, seen.item.loop.refusal) == (LoopState.OPEN, refused.cause)
    assert seen.draft == saying("13").answer
    assert "claim" in seen.can
    bench.say(ANNA, "14")
    assert answered("loop", bench.settling) == "handed on"
    assert settled(ReviewSettled(loop_name="loop", outcome="taken"), bench.settling) == "taken"
    assert [o["humanAnswers"][0]["answerContent"]["field-value-Total"] for o in bench.outputs()] == [
        "13",
        "14",
    ]
    assert (bench.loop().state, bench.loop().outcome) == (LoopState.CLOSED, "taken")


def test_a_refusal_that_comes_late_again_touches_neither_a_better_answer_nor_what_has_ended(
    bench: Bench,
) -> None:
    bench.open()
    bench.say(ANNA, "13")
    answered("loop", bench.settling)
    refused = ReviewSettled(
        loop_name="loop", outcome="refused", cause="no such field", answer=bench.loop().output
    )
    bench.clock.pass_by(10)
    settled(refused, bench.settling)
    bench.say(ANNA, "14")
    answered("loop", bench.settling)

    assert settled(refused, bench.settling) == "about an earlier answer"
    assert (bench.loop().state, bench.loop().answers) == (LoopState.ANSWERED, ("anna",))
    settled(ReviewSettled(loop_name="loop", outcome="taken", answer=bench.loop().output), bench.settling)
    unnamed = refused.model_copy(update={"answer": ""})
    assert settled(unnamed, bench.settling) == "has ended before"
    assert (bench.loop().state, bench.loop().outcome) == (LoopState.CLOSED, "taken")


def test_a_withdrawn_review_takes_no_more_answers_and_keeps_them(bench: Bench) -> None:
    bench.open()
    claim("loop", ANNA, bench.desk)

    gone = ReviewSettled(loop_name="loop", outcome="withdrawn", cause="the document was processed again")
    settled(gone, bench.settling)
    with pytest.raises(ReviewClosedError, match=r"is closed \(withdrawn\).*processed again"):
        submit("loop", ANNA, saying("13"), bench.desk)

    assert bench.late() == [saying("13").answer]
    assert bench.part(ANNA).state is PartState.EXPIRED
    assert settled(ReviewSettled(loop_name="loop", outcome="late"), bench.settling) == "has ended before"


def test_what_the_pipeline_never_speaks_of_is_closed_as_that(bench: Bench) -> None:
    bench.open()
    bench.say(ANNA, "13")
    answered("loop", bench.settling)
    for _ in range(3):
        bench.clock.pass_by(3600)
        sweep(bench.settling)

    assert (bench.loop().state, bench.loop().outcome) == (LoopState.CLOSED, "unheard")
    assert settled(ReviewSettled(loop_name="loop", outcome="taken"), bench.settling) == "taken"


def test_lost_messages_are_made_up_for(bench: Bench) -> None:
    bench.open()
    bench.say(ANNA, "13")
    bench.queue.clear()
    bench.clock.pass_by(301)

    assert sweep(bench.settling).pushed_on == 1
    assert [message.loop_name for message, _ in bench.queue] == ["loop"]
    answered("loop", bench.settling)
    bench.files.pop(bench.loop().output)  # the function died between the row and the object
    bench.clock.pass_by(301)
    sweep(bench.settling)
    assert len(bench.outputs()) == 1


def test_a_loop_that_the_pipeline_did_not_start_is_closed_at_once(bench: Bench) -> None:
    loop = bench.open().moved(review_id="")
    assert bench.desk.loops.write(LoopChange(loop=loop))
    bench.say(ANNA, "13")

    assert answered("loop", bench.settling) == "completed"
    assert (bench.loop().state, bench.loop().outcome) == (LoopState.CLOSED, "completed")
    assert not listing("mine", "", "", ANNA, bench.desk).items


def test_a_message_that_is_none_is_refused_by_name(bench: Bench) -> None:
    with pytest.raises(RequestError, match="a message to the desk that is none"):
        work_off('{"Job": "x"}', bench.settling)
    assert work_off('{"LoopName": "gone"}', bench.settling) == ("gone", "nothing waits")
    assert settled(ReviewSettled(loop_name="gone", outcome="taken"), bench.settling) == "no such loop"


# ---- second opinions


def test_two_who_agree_by_normal_form(bench: Bench) -> None:
    bench.open(wanted=2)

    assert bench.say(ANNA, "$1,200.00") is LoopState.OPEN
    with pytest.raises(ClaimLostError, match="given your opinion"):
        claim("loop", ANNA, bench.desk)
    bench.say(BEN, "$1200")

    assert answered("loop", bench.settling) == "handed on"
    assert [a["workerId"] for a in bench.outputs()[0]["humanAnswers"]] == ["anna", "ben"]


def test_who_says_nothing_of_a_field_lets_stand_what_was_found(bench: Bench) -> None:
    bench.open(wanted=2)
    claim("loop", ANNA, bench.desk)
    submit("loop", ANNA, Submission(answer={"field-present-Total": True}), bench.desk)
    bench.say(BEN, "12.50")

    assert answered("loop", bench.settling) == "handed on"


def test_answers_to_somebody_elses_task_are_compared_as_they_are(bench: Bench) -> None:
    bench.open(wanted=2, task={"TaskObject": "s3://inbox/a.pdf", "ModelResult": {"Fields": "none"}})
    bench.say(ANNA, "13")
    bench.say(BEN, "13.0")

    assert answered("loop", bench.settling) == "disputed"


def test_two_who_disagree_wait_for_somebody_who_decides(bench: Bench) -> None:
    bench.open(wanted=2)
    bench.say(ANNA, "13")
    bench.say(BEN, "14")

    assert answered("loop", bench.settling) == "disputed"
    assert bench.told("disagreed") == ["Total"]
    assert counts(CARL, bench.desk).adjudicate == 1
    with pytest.raises(ClaimLostError):
        claim("loop", ANNA, bench.desk)
    assert find("loop", ANNA, bench.desk).opinions == ()
    assert next_review(CARL, bench.desk) == "loop"
    seen = find("loop", CARL, bench.desk)
    assert seen.item.kind == "adjudication"
    assert [(o.who, o.answer["field-value-Total"]) for o in seen.opinions] == [("Anna", "13"), ("Ben", "14")]
    submit("loop", CARL, saying("14"), bench.desk)
    assert answered("loop", bench.settling) == "handed on"

    roles = [a["workerMetadata"]["recto"]["role"] for a in bench.outputs()[0]["humanAnswers"]]
    assert roles == ["reviewer", "reviewer", "adjudicator"]


def test_an_opinion_that_was_timed_out_does_not_decide_between_those_that_came_since(bench: Bench) -> None:
    bench.open(wanted=2)
    claim("loop", CARL, bench.desk)
    save_draft("loop", CARL, {"field-value-Total": "1"}, (), bench.desk)
    bench.clock.pass_by(3601)
    bench.say(ANNA, "13")
    bench.say(BEN, "14")
    answered("loop", bench.settling)

    with pytest.raises(ClaimLostError, match="claim it to see what they say"):
        save_draft("loop", CARL, {"field-value-Total": "15"}, (), bench.desk)
    with pytest.raises(ClaimLostError, match="claim it to see what they say"):
        submit("loop", CARL, saying("15"), bench.desk)

    assert (bench.loop().state, bench.loop().claims) == (LoopState.ADJUDICATE, ())
    assert bench.late() == [saying("15").answer]
    claim("loop", CARL, bench.desk)
    assert submit("loop", CARL, saying("13"), bench.desk) is LoopState.ANSWERED


def test_an_operator_may_decide_about_his_own_too_and_both_answers_stay(bench: Bench) -> None:
    bench.open(wanted=2)
    bench.say(OLGA, "13")
    bench.say(BEN, "14")
    answered("loop", bench.settling)

    bench.say(OLGA, "15")

    said = [entry["answerContent"]["field-value-Total"] for _, entry in answers_of(bench.loop(), bench.desk)]
    assert said == ["13", "14", "15"]


def test_an_adjudicator_alone_takes_his_answer_back(bench: Bench) -> None:
    bench.hold = timedelta(minutes=5)
    bench.open(wanted=2)
    bench.say(ANNA, "13")
    bench.say(BEN, "14")
    answered("loop", bench.settling)
    bench.say(CARL, "14")

    with pytest.raises(ReviewClosedError):
        reopen("loop", ANNA, bench.desk)
    assert reopen("loop", CARL, bench.desk) is LoopState.ADJUDICATE
    assert bench.loop().answers == ("anna", "ben")


def test_one_who_turns_the_document_down_is_enough(bench: Bench) -> None:
    bench.open(wanted=2)
    claim("loop", ANNA, bench.desk)
    save_draft("loop", ANNA, {"field-value-Total": "1"}, (), bench.desk)
    claim("loop", BEN, bench.desk)

    assert reject("loop", BEN, " no receipt ", 4.0, bench.desk) is LoopState.ANSWERED
    assert answered("loop", bench.settling) == "handed on"
    with pytest.raises(ReviewClosedError):
        submit("loop", ANNA, saying("13"), bench.desk)

    (output,) = bench.outputs()
    assert output["humanAnswers"][0]["answerContent"] == {
        "document-rejected": True, "document-rejected-why": "no receipt",
    }  # fmt: skip
    assert bench.late() == [saying("13").answer]
    with pytest.raises(RequestError, match="reason"):
        reject("loop", BEN, " ", None, bench.desk)


def test_what_others_typed_is_not_seen_while_a_second_opinion_is_wanted(bench: Bench) -> None:
    bench.open(wanted=2)
    claim("loop", ANNA, bench.desk)
    save_draft("loop", ANNA, {}, ({"field": "Total", "from": "12.50", "to": "13"},), bench.desk)
    note("loop", ANNA, "the stamp hides it", bench.desk)

    seen = find("loop", BEN, bench.desk)

    assert "13" not in [line.to for line in seen.history]
    assert [(each.who, each.text) for each in seen.notes] == [("Anna", "the stamp hides it")]
    assert "13" in [line.to for line in find("loop", ANNA, bench.desk).history]


# ---- lists, teams, templates


def test_lists_search_and_pages(bench: Bench) -> None:
    for number in range(120):
        bench.open(f"loop-{number:03d}", title=f"Receipt {number}.jpg")
        bench.clock.pass_by(1)

    first = listing("open", "", "", ANNA, bench.desk)
    names = [item.loop.name for item in first.items]
    token = first.next_token
    while token:
        page = listing("open", "", token, ANNA, bench.desk)
        names += [item.loop.name for item in page.items]
        token = page.next_token

    assert names == [f"loop-{number:03d}" for number in range(120)]
    found = listing("open", "receipt 117", "", ANNA, bench.desk)
    assert [item.loop.name for item in found.items] == ["loop-117"]
    with pytest.raises(RequestError, match="none that was given out"):
        listing("open", "", "nonsense", ANNA, bench.desk)


def test_the_next_one_is_what_was_begun_then_the_oldest(bench: Bench) -> None:
    bench.open("old")
    bench.clock.pass_by(1)
    bench.open("new")
    claim("new", ANNA, bench.desk)

    assert next_review(ANNA, bench.desk) == "new"
    assert next_review(BEN, bench.desk) == "old"
    assert next_review(CARL, bench.desk) is None


def test_a_flow_of_a_team_is_for_its_members_and_operators(bench: Bench) -> None:
    bench.open(team="readers")
    assert not listing("open", "", "", ANNA, bench.desk).items
    with pytest.raises(NotAllowedError, match="team readers"):
        find("loop", ANNA, bench.desk)
    team = add_team(bench.desk)  # type: ignore[arg-type]
    assert team.name == "readers"

    member = Worker(worker_id="m", groups=("reviewers", "readers"))

    assert listing("open", "", "", member, bench.desk).items
    assert find("loop", OLGA, bench.desk).item.loop.name == "loop"
    with pytest.raises(ReviewMissingError):
        find("none", OLGA, bench.desk)


def test_a_template_of_its_own_is_answered_from_its_own_page(bench: Bench) -> None:
    bench.desk.objects.write(Location(bucket="work", key="reviews/_task-uis/u/1.html"), b"<crowd-form>")
    bench.open(template="s3://work/reviews/_task-uis/u/1.html", task={"image": "s3://inbox/a.png"})
    with pytest.raises(ReviewMissingError):
        frame_source("loop", "anna", bench.desk)
    claim("loop", ANNA, bench.desk)

    source = frame_source("loop", "anna", bench.desk)

    assert (source.template, source.task_input) == ("<crowd-form>", {"image": "s3://inbox/a.png"})
    with pytest.raises(NonceError):
        submit("loop", ANNA, saying("1", nonce="other"), bench.desk)
    with pytest.raises(RequestError, match="no way to reject"):
        reject("loop", ANNA, "why", None, bench.desk)
    assert submit("loop", ANNA, saying("1", nonce=source.part.nonce), bench.desk) is LoopState.ANSWERED
    bench.clock.pass_by(3601)
    with pytest.raises(TaskExpiredError):
        frame_source("loop", "anna", bench.desk)


@pytest.mark.parametrize("answer", [{"a": float("nan")}, {"a": "\ud800"}, {"a": "x" * 2_100_000}])
def test_what_is_no_answer_is_refused_before_anything_is_kept(bench: Bench, answer: dict[str, Any]) -> None:
    bench.open()
    claim("loop", ANNA, bench.desk)
    before = dict(bench.files)

    with pytest.raises(RefusedError):
        submit("loop", ANNA, Submission(answer=answer), bench.desk)

    assert bench.files == before


# ---- two at once


class RacingLoops(MemoryLoops):
    """Between somebody's look and his write, somebody else may come."""

    def __init__(self) -> None:
        super().__init__()
        self.before_write: list[Callable[[], object]] = []

    def write(self, change: LoopChange) -> bool:
        if self.before_write:
            self.before_write.pop(0)()
        return super().write(change)


class OutputsWritten(MemoryObjects):
    """How often an `output.json` was written."""

    def write(self, place: Location, body: bytes, content_type: str = "") -> None:
        if place.uri.endswith("/output.json"):
            assert place.uri not in self.bodies, "an output is written once"
        super().write(place, body, content_type)


WHO = st.sampled_from([ANNA, BEN, CARL, OLGA])
VALUES = st.sampled_from(["12", "13"])
MOVES = st.one_of(
    st.tuples(st.just("claim"), WHO),
    st.tuples(st.just("release"), WHO),
    st.tuples(st.just("draft"), WHO, VALUES),
    st.tuples(st.just("submit"), WHO, VALUES),
    st.tuples(st.just("submit"), WHO, VALUES),
    st.tuples(st.just("reject"), WHO),
    st.tuples(st.just("reopen"), WHO),
    st.tuples(st.just("message")),
    st.tuples(st.just("settle"), st.sampled_from(["taken", "refused"])),
    st.tuples(st.just("settle_again"), st.integers(0, 3)),
    st.tuples(st.just("wait"), st.sampled_from([30.0, 3601.0])),
    st.tuples(st.just("sweep")),
)
PLAN = st.lists(st.tuples(MOVES, st.lists(MOVES, max_size=2)), max_size=25)


class Race:
    """Moves, each with others in between; what was handed in is counted, and must be found again."""

    def __init__(self, wanted: int, hold: float) -> None:
        desk = make_review_desk(make_desk())
        self.loops, self.files = RacingLoops(), OutputsWritten()
        desk = ReviewDesk(**{**desk.__dict__, "loops": self.loops, "objects": self.files})
        self.bench = Bench(desk, timedelta(seconds=hold))
        self.bench.open(wanted=wanted)
        self.number = 0
        self.given: list[str] = []
        self.spoken: list[ReviewSettled] = []

    def run(self, move: tuple[Any, ...], between: list[tuple[Any, ...]]) -> None:
        self.loops.before_write = [lambda each=each: self.do(each) for each in between]
        self.do(move)
        self.loops.before_write = []

    def do(self, move: tuple[Any, ...]) -> None:
        kind, *rest = move
        with suppress(RefusedError):
            getattr(self, f"_{kind}")(*rest)
        self.check()

    def _claim(self, who: Worker) -> None:
        claim("loop", who, self.bench.desk)

    def _release(self, who: Worker) -> None:
        release("loop", who, self.bench.desk)

    def _draft(self, who: Worker, value: str) -> None:
        save_draft("loop", who, saying(value).answer, ({"field": "Total", "to": value},), self.bench.desk)

    def _submit(self, who: Worker, value: str) -> None:
        self.number += 1
        mark = f"mark-{self.number}"
        answer = {**saying(value).answer, "mark": mark}
        self.given.append(mark)
        submit("loop", who, Submission(answer=answer), self.bench.desk)

    def _reject(self, who: Worker) -> None:
        reject("loop", who, "no receipt", None, self.bench.desk)

    def _reopen(self, who: Worker) -> None:
        reopen("loop", who, self.bench.desk)

    def _message(self) -> None:
        answered("loop", self.bench.settling)

    def _settle(self, outcome: Any) -> None:
        if output := self.bench.loop().output:  # the pipeline speaks of what it was handed
            self.spoken.append(ReviewSettled(loop_name="loop", outcome=outcome, answer=output))
            settled(self.spoken[-1], self.bench.settling)

    def _settle_again(self, number: int) -> None:
        """A queue may bring a message twice, however late."""
        before, spoken = self.bench.loop(), self.spoken[number : number + 1]
        for message in spoken:
            settled(message, self.bench.settling)
        if spoken and spoken[0].answer != before.output:
            assert self.bench.loop() == before, "what was said of an earlier answer changes nothing"

    def _wait(self, seconds: float) -> None:
        self.bench.clock.pass_by(seconds)

    def _sweep(self) -> None:
        sweep(self.bench.settling)

    def check(self) -> None:
        loop = self.bench.loop()
        assert len(loop.answers) == len(set(loop.answers)) <= loop.wanted
        if loop.state is LoopState.OPEN:
            assert len(loop.answers) + len(loop.claims) <= loop.wanted
        held = {part.worker_id for part in self.loops.parts("loop") if part.is_live}
        assert held == {each.worker_id for each in loop.claims}
        kept = b"".join(body for uri, body in self.files.bodies.items() if "/answers/" in uri)
        in_hand = self.given[:-1]  # the last one may be on its way
        assert all(f'"{mark}"'.encode() in kept for mark in in_hand), "an answer is lost"
        if loop.output and loop.output in self.files.bodies:
            output = json.loads(self.files.bodies[loop.output])
            assert output["humanAnswers"] == [entry for _, entry in answers_of(loop, self.bench.desk)]


def test_the_same_answer_twice_at_once_is_one() -> None:
    race = Race(wanted=1, hold=0)
    claim("loop", ANNA, race.bench.desk)
    race.loops.before_write = [lambda: submit("loop", ANNA, saying("13"), race.bench.desk)]

    assert submit("loop", ANNA, saying("13"), race.bench.desk) is LoopState.ANSWERED

    assert (race.bench.told("late"), race.bench.late()) == ([], [])
    assert find("loop", ANNA, race.bench.desk).draft is None


def test_an_answer_that_comes_while_the_loop_expires_stands() -> None:
    race = Race(wanted=1, hold=0)
    bench, now = race.bench, race.bench.clock()
    claim("loop", ANNA, bench.desk)
    seen = bench.loop()
    assert bench.desk.loops.write(LoopChange(loop=seen.moved(expires=now, due=now)))

    def comes_first() -> None:  # begun a moment before the end, written a moment after
        loop, part = bench.loop(), bench.part(ANNA)
        moved = loop.answered_by("anna", now, decides=False, due=now + timedelta(minutes=5))
        ended = part.ended_at(now, PartState.SUBMITTED, answer="s3://work/reviews/loop/answers/x.json")
        assert MemoryLoops.write(race.loops, LoopChange(loop=moved, parts=(ended,)))

    race.loops.before_write = [comes_first]
    swept = sweep(bench.settling)

    assert (bench.loop().state, swept.expired) == (LoopState.ANSWERED, 0)


@settings(max_examples=300, deadline=None)
@given(plan=PLAN, wanted=st.integers(1, 3), hold=st.sampled_from([0.0, 60.0]))
def test_however_reviewers_come_together_no_answer_is_lost_and_one_output_is_written(
    plan: list[tuple[tuple[Any, ...], list[tuple[Any, ...]]]], wanted: int, hold: float
) -> None:
    race = Race(wanted, hold)

    for move, between in plan:
        race.run(move, between)

    race.check()
    assert len(race.bench.outputs()) <= 1 + len(race.bench.told("refused"))
    drafts = [uri for uri in race.files.bodies if "/drafts/" in uri]
    assert all(uri.startswith(f"s3://work/{LoopPlaces('work', 'loop').input.key[:-10]}") for uri in drafts)
