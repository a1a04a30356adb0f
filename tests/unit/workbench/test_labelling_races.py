"""What meets what: a second submission while one is taken, an answer while a job is being stopped."""

import json
from threading import get_ident

import pytest

from recto.places import Location
from recto_workbench.errors import AlreadySubmittedError, TaskExpiredError
from recto_workbench.jobs import JobStatus
from recto_workbench.ports import Change
from recto_workbench.steps.assignment import next_task, stop_job, submit
from recto_workbench.steps.consolidation import output_lines
from tests.memory import MemoryObjects
from tests.workbench_fakes import MemoryTasks, Workbench, lines_of, reader

ANNA = reader("anna")


def test_a_second_submission_does_not_write_over_the_one_that_counts() -> None:
    bench = Workbench()
    bench.create(lines_of(1), NumberOfHumanWorkersPerDataObject=2)
    bench.run()
    task = next_task("job", ANNA, reserve=False, desk=bench.desk)
    assert task
    one = task.assignment
    write, is_first = bench.desk.objects.write, [True]

    def write_and_be_overtaken(place: Location, body: bytes, content_type: str = "") -> None:
        """The second submission comes while the first has passed all checks."""
        if is_first.pop() if is_first else False:
            submit(one.assignment_id, ANNA, one.nonce, {"by": "the quicker"}, bench.desk)
        write(place, body, content_type)

    bench.desk.objects.write = write_and_be_overtaken  # type: ignore[method-assign]
    with pytest.raises(AlreadySubmittedError):
        submit(one.assignment_id, ANNA, one.nonce, {"by": "the slower"}, bench.desk)

    taken = bench.desk.tasks.assignment(one.assignment_id)
    assert taken
    assert json.loads(bench.desk.objects.read(Location.from_uri(taken.answer))) == {"by": "the quicker"}


def test_an_answer_is_refused_or_in_the_output_when_the_job_is_stopped_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench = Workbench()
    bench.create(lines_of(1))
    bench.run()
    task = next_task("job", ANNA, reserve=False, desk=bench.desk)
    assert task
    write = MemoryTasks.write

    def stopped_meanwhile(tasks: MemoryTasks, change: Change) -> bool:
        if change.counts and bench.job().status is JobStatus.IN_PROGRESS:
            stop_job("job", bench.desk)
            bench.run()
        return write(tasks, change)

    monkeypatch.setattr(MemoryTasks, "write", stopped_meanwhile)
    with pytest.raises(TaskExpiredError, match="takes no more answers: Stopped"):
        submit(task.assignment.assignment_id, ANNA, task.assignment.nonce, {"by": "anna"}, bench.desk)

    assert bench.job().status is JobStatus.STOPPED
    assert bench.output() == []


def test_what_few_have_answered_when_a_job_is_stopped_is_in_their_file() -> None:
    bench = Workbench()
    bench.create(lines_of(3), NumberOfHumanWorkersPerDataObject=2)
    bench.run()
    for worker in ("anna", "ben"):
        bench.work(worker)
    bench.work("anna", {"by": "anna alone"})
    stop_job("job", bench.desk)
    bench.run()

    assert bench.job().status is JobStatus.STOPPED
    assert len(bench.output()) == 1
    assert isinstance(bench.desk.objects, MemoryObjects)
    [alone] = [place for place in bench.desk.objects.bodies if "/worker-response/iteration-1/1/" in place]
    assert [one["answerContent"] for one in bench.json(alone)["answers"]] == [{"by": "anna alone"}]


def test_large_labels_are_read_side_by_side_and_stay_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recto_workbench.steps.consolidation.INLINE_BYTES", 10)
    bench = Workbench()
    bench.create(lines_of(9))
    bench.run()
    for number in range(9):
        bench.work("anna", {"number": number})
        bench.run()
    threads = set()
    read = bench.desk.objects.read

    def noted(place: Location) -> bytes:
        if "/labels/" in place.key:
            threads.add(get_ident())
        return read(place)

    bench.desk.objects.read = noted  # type: ignore[method-assign]
    lines = [json.loads(line) for line in output_lines(bench.job(), bench.consolidation)]

    assert [line["labels"][0]["number"] for line in lines] == list(range(9))
    assert threads
    assert get_ident() not in threads


def test_a_stopped_job_waits_for_what_is_being_consolidated_though_the_index_is_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench = Workbench()
    bench.create(lines_of(2))
    bench.run()
    bench.work("anna")
    stop_job("job", bench.desk)
    monkeypatch.setattr(MemoryTasks, "answered", lambda *_: [])
    finish_first = sorted(bench.queue, key=lambda message: message.kind != "finish")
    bench.queue[:] = finish_first

    bench.run()

    assert bench.job().status is JobStatus.STOPPED
    assert [line["labels"] for line in bench.output()] == [[{"by": "anna"}]]
