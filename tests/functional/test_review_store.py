"""The review desk's stores: the same tests on the table and in memory, which keeps the fakes honest."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from recto.aws.dynamodb import Table
from recto_workbench.aws.loop_tables import FlowRows, LoopRows
from recto_workbench.errors import RequestError
from recto_workbench.flows import FlowDefinition, HumanTaskUi
from recto_workbench.loops import Claim, Happening, Loop, LoopState, Part, PartState, Queue, Reason
from recto_workbench.review_ports import FlowStore, LoopChange, LoopStore, OfFlow
from tests.functional.test_labelling_store import make_table
from tests.review_fakes import MemoryFlows, MemoryLoops
from tests.workbench_fakes import START

ARN = "arn:aws:sagemaker:us-east-1:000000000000:{}/{}"


class Stores:
    def __init__(self, loops: LoopStore, flows: FlowStore) -> None:
        self.loops, self.flows = loops, flows


@pytest.fixture(params=["memory", "table"])
def stores(request: pytest.FixtureRequest, aws: None) -> Iterator[Stores]:
    if request.param == "memory":
        yield Stores(MemoryLoops(), MemoryFlows())
        return
    make_table()
    table = Table("workbench", "recto-tests")
    yield Stores(LoopRows(table), FlowRows(table))


def loop_of(name: str = "loop", **values: Any) -> Loop:
    created = values.get("created", START)
    given = {
        "name": name, "arn": ARN.format("human-loop", name), "flow": "flow", "created": created,
        "flow_arn": ARN.format("flow-definition", "flow"), "opened": created,
        "expires": START + timedelta(days=10), "due": START + timedelta(days=10), "digest": "d",
        "output_path": "s3://reviews/reviews",
    }  # fmt: skip
    return Loop.model_validate({**given, **values})


def part_of(worker: str = "anna", **values: Any) -> Part:
    given = {
        "loop": "loop", "worker_id": worker, "state": PartState.CLAIMED, "nonce": "n", "created": START,
        "until": START + timedelta(hours=1),
    }  # fmt: skip
    return Part.model_validate({**given, **values})


def add(stores: Stores, name: str = "loop", **values: Any) -> Loop:
    loop = loop_of(name, **values)
    assert stores.loops.write(LoopChange(loop=loop))
    return loop


def test_a_loop_is_there_as_it_was_written_and_once(stores: Stores) -> None:
    claim = Claim(worker_id="anna", name="Ännä", until=START)
    loop = add(
        stores, claims=(claim,), reasons=(Reason(code="missing", field='a "b"-ü'),), answers=("ben",),
        title="", pages=3, escalated=True,
    )  # fmt: skip

    assert stores.loops.loop("loop") == loop
    assert not stores.loops.write(LoopChange(loop=loop_of(title="other")))
    assert stores.loops.loop("none") is None
    assert stores.loops.loop("") is None


def test_rows_are_written_together_where_all_are_what_was_read(stores: Stores) -> None:
    loop, part = add(stores), part_of()
    happened = Happening(loop="loop", when=START, who="anna", what="claimed")
    assert stores.loops.write(LoopChange(loop=loop.moved(), parts=(part,), happenings=(happened,)))

    assert not stores.loops.write(LoopChange(loop=loop.moved(title="x"), parts=(part.moved(),)))
    assert not stores.loops.write(LoopChange(loop=loop.moved().moved(), parts=(part_of("anna"),)))
    assert stores.loops.write(LoopChange(loop=loop.moved().moved(), parts=(part_of("ben"), part.moved())))

    assert [each.worker_id for each in stores.loops.parts("loop")] == ["anna", "ben"]
    assert [each.what for each in stores.loops.history("loop", 10)] == ["claimed"]
    assert stores.loops.part("loop", "nobody") is None


def test_of_many_who_write_at_once_one_does(stores: Stores) -> None:
    loop = add(stores)

    with ThreadPoolExecutor(8) as pool:
        parts = [part_of(f"worker-{n}") for n in range(8)]
        written = list(
            pool.map(lambda p: stores.loops.write(LoopChange(loop=loop.moved(), parts=(p,))), parts)
        )

    assert written.count(True) == 1
    assert len(stores.loops.parts("loop")) == 1


def test_lists_are_by_creation_in_pages(stores: Stores) -> None:
    for number in (2, 0, 1, 3, 4):
        add(stores, f"loop-{number}", created=START + timedelta(seconds=number))
    add(stores, "top", escalated=True)
    add(stores, "done", state=LoopState.CLOSED)

    first = stores.loops.queue(Queue.OPEN, 2)
    second = stores.loops.queue(Queue.OPEN, 2, first.next_token)
    third = stores.loops.queue(Queue.OPEN, 2, second.next_token)
    newest = stores.loops.queue(Queue.OPEN, 10, newest_first=True)

    pages = [[loop.name for loop in page.loops] for page in (first, second, third)]
    assert pages == [["loop-0", "loop-1"], ["loop-2", "loop-3"], ["loop-4"]]
    assert third.next_token == ""
    assert [loop.name for loop in newest.loops] == [f"loop-{n}" for n in (4, 3, 2, 1, 0)]
    assert [loop.name for loop in stores.loops.queue(Queue.ESCALATED, 9).loops] == ["top"]
    assert [stores.loops.count(queue, 3) for queue in (Queue.OPEN, Queue.CLOSED, Queue.BUSY)] == [3, 1, 0]
    with pytest.raises(RequestError):
        stores.loops.queue(Queue.OPEN, 2, "no token")


def test_a_loop_changes_its_list_with_its_state(stores: Stores) -> None:
    loop = add(stores)
    claimed = loop.claimed(Claim(worker_id="anna", until=START + timedelta(hours=1)))
    assert stores.loops.write(LoopChange(loop=claimed))
    assert [stores.loops.count(queue, 9) for queue in (Queue.OPEN, Queue.BUSY)] == [0, 1]

    ended = claimed.ended_as(LoopState.STOPPED, START, "stopped")
    assert stores.loops.write(LoopChange(loop=ended))

    assert [stores.loops.count(queue, 9) for queue in (Queue.BUSY, Queue.STOPPED)] == [0, 1]
    assert stores.loops.due(START + timedelta(days=99), 9) == []


@pytest.mark.parametrize("newest_first", [True, False])
def test_loops_of_a_flow_are_listed_in_pages_between_times(stores: Stores, newest_first: bool) -> None:
    for number in range(7):
        add(stores, f"loop-{number}", created=START + timedelta(seconds=number))
    add(stores, "of-another", flow="flow-2")

    names: list[str] = []
    token = ""
    for _ in range(9):
        asked = OfFlow(
            flow="flow", after=START + timedelta(seconds=1), before=START + timedelta(seconds=5),
            newest_first=newest_first, limit=2, next_token=token,
        )  # fmt: skip
        page = stores.loops.of_flow(asked)
        names += [loop.name for loop in page.loops]
        token = page.next_token
        if not token:
            break

    expected = [f"loop-{n}" for n in range(1, 6)]
    assert names == (expected[::-1] if newest_first else expected)
    with pytest.raises(RequestError):
        stores.loops.of_flow(OfFlow(flow="flow", next_token="never given out"))


def test_what_is_due_comes_with_the_longest_due_first(stores: Stores) -> None:
    add(stores, "late", due=START + timedelta(seconds=2))
    add(stores, "later", due=START + timedelta(seconds=1))
    add(stores, "in-time", due=START + timedelta(seconds=60))

    due = stores.loops.due(START + timedelta(seconds=2), 10)

    assert [loop.name for loop in due] == ["later", "late"]


def test_what_a_reviewer_has(stores: Stores) -> None:
    loop = add(stores)
    parts = (part_of("anna"), part_of("ben", state=PartState.RELEASED))
    assert stores.loops.write(LoopChange(loop=loop.moved(), parts=parts))

    assert [part.loop for part in stores.loops.of_worker("anna", 10)] == ["loop"]
    assert stores.loops.of_worker("ben", 10) == []
    assert stores.loops.of_worker("nobody", 10) == []


def test_a_deleted_loop_is_gone_with_all_that_belonged_to_it(stores: Stores) -> None:
    loop = add(stores)
    many = tuple(Happening(loop="loop", when=START + timedelta(seconds=n), what="edited") for n in range(150))
    stores.loops.tell(many)
    last = [each.when for each in stores.loops.history("loop", 2)]
    assert last == [START + timedelta(seconds=148), START + timedelta(seconds=149)]
    assert stores.loops.write(LoopChange(loop=loop.moved(), parts=(part_of(),)))

    stores.loops.delete(loop)

    assert stores.loops.loop("loop") is None
    assert stores.loops.parts("loop") == []
    assert stores.loops.history("loop", 10) == []
    assert stores.loops.of_flow(OfFlow(flow="flow")).loops == []
    add(stores)


def test_flow_definitions_and_task_uis(stores: Stores) -> None:
    request = {"OutputConfig": {"S3OutputPath": "s3://reviews/r"}, "Odd": {"": [1.5, None]}}
    flow = FlowDefinition(name="f", arn=ARN.format("flow-definition", "f"), created=START, request=request)
    ui = HumanTaskUi(
        name="u", arn=ARN.format("human-task-ui", "u"), created=START, template="s3://w/t", sha256="0"
    )

    assert (stores.flows.add_flow(flow), stores.flows.add_flow(flow.model_copy())) == (True, False)
    assert (stores.flows.add_ui(ui), stores.flows.add_ui(ui.model_copy())) == (True, False)

    assert (stores.flows.flow("f"), stores.flows.ui("u")) == (flow, ui)
    assert (stores.flows.flows(), stores.flows.uis()) == ([flow], [ui])
    assert (stores.flows.delete_flow("f"), stores.flows.delete_flow("f")) == (True, False)
    assert (stores.flows.delete_ui("u"), stores.flows.ui("u"), stores.flows.flows()) == (True, None, [])


def test_a_reviewer_finds_what_he_may_still_take_back_until_the_loop_has_ended(aws: None) -> None:
    make_table()
    loops = LoopRows(Table("workbench", "recto-tests"))
    loop, part = loop_of(), part_of()
    assert loops.write(LoopChange(loop=loop, parts=(part,)))
    submitted = part.ended_at(START, PartState.SUBMITTED, answer="s3://w/a")
    assert loops.write(LoopChange(loop=loop.moved(), parts=(submitted,)))
    assert [each.state for each in loops.of_worker("anna", 10)] == [PartState.SUBMITTED]

    assert loops.write(LoopChange(loop=loop.moved().moved(), parts=(submitted.moved(is_over=True),)))

    assert loops.of_worker("anna", 10) == []
