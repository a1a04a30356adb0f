"""One object, line or answer that cannot be dealt with ends by itself: its job goes on and ends."""

import json
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from recto.errors import AccessError
from recto_workbench.errors import FunctionFailedError, ObjectFailedError
from recto_workbench.jobs import JobStatus
from recto_workbench.messages import LabellingMessage
from recto_workbench.outputs import json_bytes, parse_line
from recto_workbench.steps import consolidation
from recto_workbench.steps.expiry import sweep
from recto_workbench.tasks import MOST_ERROR, ObjectState
from tests.memory import MemoryObjects
from tests.workbench_fakes import Workbench, lines_of

HALF = json.loads('"\\ud800"')


def labelled(bench: Workbench) -> None:
    bench.run()
    while bench.work("anna"):
        bench.run()


@pytest.mark.parametrize("line", [b"[" * 100_000, b'{"source": "x", "at": NaN}', b'{"a": -Infinity}'])
def test_a_line_that_only_python_reads_is_no_json(line: bytes) -> None:
    with pytest.raises(ObjectFailedError, match="object 3 of the input manifest is no JSON"):
        parse_line(3, line)


def test_half_a_surrogate_pair_in_a_line_or_a_label_stops_nothing() -> None:
    def post(event: Any) -> Any:
        content = {"labels": {"text": HALF, "consolidation": {"adjudicate": [f"class {HALF}"]}}}
        return [
            {"datasetObjectId": each["datasetObjectId"], "consolidatedAnnotation": {"content": content}}
            for each in bench.json(event["payload"]["s3Uri"])
        ]

    bench = Workbench(post=post)
    bench.create(['{"source-ref": "s3://in/page-0.png", "note": "\\ud800"}'])
    labelled(bench)

    assert bench.job().status is JobStatus.COMPLETED
    [line] = bench.output()
    assert (line["note"], line["labels"]["text"]) == (HALF, HALF)
    [each] = bench.desk.tasks.objects("job").objects
    assert each.adjudicate == ("class ?",)
    assert json_bytes({"a": "ä"}) == '{"a": "ä"}'.encode()


def test_what_a_row_tells_of_an_object_stays_small() -> None:
    doubts = [f"transcription {n} {'x' * 10_000}" for n in range(2_000)]

    def post(event: Any) -> Any:
        content = {"labels": {"consolidation": {"adjudicate": doubts}}}
        return [{"datasetObjectId": "0", "consolidatedAnnotation": {"content": content}}]

    bench = Workbench(post=post)
    keys = {f"key-{n:08}": 1 for n in range(50_000)}
    bench.create([*lines_of(1), json.dumps(keys)])
    labelled(bench)

    full, failed = bench.desk.tasks.objects("job").objects
    assert len(full.model_dump_json()) < 40_000
    assert full.adjudicate[-1] == "and 1950 more, which the label tells"
    assert bench.output()[0]["labels"]["consolidation"]["adjudicate"] == doubts
    assert failed.state is ObjectState.FAILED
    assert len(failed.error) == MOST_ERROR + 1


@pytest.mark.parametrize("part", ["pre", "post"])
def test_what_crashes_each_time_ends_with_a_reason_and_takes_no_other_with_it(part: str) -> None:
    """A function that is killed for its memory raises nothing: the message just comes again."""

    class Killed(BaseException):
        pass

    def deadly(event: Any) -> Any:
        if part == "pre":
            if event["dataObject"]["source-ref"].endswith("page-1.png"):
                raise Killed
            return {"taskInput": {}}
        entries = bench.json(event["payload"]["s3Uri"])
        if any(each["datasetObjectId"] == "1" for each in entries):
            raise Killed
        return bench.plain_post(event)

    bench = Workbench(**{part: deadly})
    bench.create(lines_of(3))
    for _ in range(130):
        while bench.queue:
            with suppress(Killed):
                bench.handle(bench.queue.pop(0))
        while bench.work("anna"):
            pass
        bench.clock.pass_by(661)
        sweep(bench.expiry)

    bench.run()
    assert bench.job().status is JobStatus.COMPLETED
    assert [str(each.state) for each in bench.desk.tasks.objects("job").objects] == [
        "LABELED", "FAILED", "LABELED",
    ]  # fmt: skip
    assert "begun 100 times" in bench.output()[1]["labels-metadata"]["failure-reason"]


def test_a_consolidation_under_way_is_not_begun_beside_it() -> None:
    begun = []

    def slow(event: Any) -> Any:
        begun.append(event["payload"]["s3Uri"])
        bench.clock.pass_by(590)  # nearly as long as the function may run
        sweep(bench.expiry)
        assert "consolidate" not in [message.kind for message in bench.queue]
        return bench.plain_post(event)

    bench = Workbench(post=slow)
    bench.create(lines_of(1))
    bench.run()
    bench.work("anna")
    bench.queue.clear()
    consolidation.work_off(LabellingMessage(kind="consolidate", job="job"), bench.consolidation)
    bench.run()

    assert len(begun) == 1
    assert bench.job().status is JobStatus.COMPLETED


def test_an_object_that_is_tried_again_has_one_file_of_answers() -> None:
    bench = Workbench(post=FunctionFailedError("no"))
    bench.create(lines_of(1))
    bench.run()
    bench.work("anna")
    for _ in range(3):
        bench.clock.pass_by(5)
        bench.handle(bench.queue.pop(0))
        bench.queue[:] = [message for message in bench.queue if message.kind == "consolidate"]

    assert isinstance(bench.desk.objects, MemoryObjects)
    kept = [place for place in bench.desk.objects.bodies if "/worker-response/iteration-1/0/" in place]
    assert len(kept) == 1
    [each] = bench.desk.tasks.objects("job").objects
    assert each.state is ObjectState.FAILED


def test_what_cannot_be_ended_keeps_nothing_else_waiting_in_the_sweep() -> None:
    """Its answers cannot be written down, since nobody may write where the job said."""
    bench = Workbench()
    bench.create(lines_of(2), NumberOfHumanWorkersPerDataObject=2, TaskAvailabilityLifetimeInSeconds=3600)
    bench.run()
    bench.work("anna")
    bench.work("anna")
    assert isinstance(bench.desk.objects, MemoryObjects)

    def refused(place: Any, value: Any) -> None:
        raise AccessError(f"PutObject {place.uri}: AccessDenied")

    bench.clock.pass_by(3601)
    with pytest.raises(AccessError):
        sweep(replace(bench.expiry, write_json=refused))

    states = [each.state for each in bench.desk.tasks.objects("job").objects]
    assert states == [ObjectState.FAILED, ObjectState.FAILED]
    bench.run()
    assert bench.job().status is JobStatus.FAILED


def test_a_line_longer_than_a_part_is_not_read_for_the_output(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recto_workbench.steps.intake.CHUNK_BYTES", 100)
    monkeypatch.setattr("recto_workbench.steps.consolidation.PART_BYTES", 200)
    bench = Workbench()
    bench.create([*lines_of(1), json.dumps({"source": "x" * 500}), '{"source": "a text"}'])
    read, lengths = bench.desk.objects.read_range, []

    def noted(place: Any, offset: int, length: int) -> bytes:
        lengths.append(length)
        return read(place, offset, length)

    bench.desk.objects.read_range = noted  # type: ignore[method-assign]
    labelled(bench)

    assert max(lengths) <= 200
    assert ["source" in line or "source-ref" in line for line in bench.output()] == [True, False, True]
    assert "the line has" in bench.output()[1]["labels-metadata"]["failure-reason"]
