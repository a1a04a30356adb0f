"""Jobs from manifest to output: what is bad fails by itself, and the same message twice does no harm."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recto.errors import AccessError, ServiceUnavailableError, ThrottledError
from recto.places import Location
from recto_workbench.errors import FunctionFailedError
from recto_workbench.jobs import JobStatus
from recto_workbench.messages import LabellingMessage
from recto_workbench.outputs import EXPIRED
from recto_workbench.steps import consolidation, intake
from recto_workbench.steps.assignment import next_task, skip, stop_job, submit, upload_link
from recto_workbench.steps.expiry import sweep
from recto_workbench.steps.intake import read_manifest
from recto_workbench.tasks import JobPlaces, ObjectState
from tests.memory import MemoryObjects
from tests.workbench_fakes import WORK, Workbench, lines_of, plain_pre, reader

AWS_LAMBDA = "arn:aws:lambda:us-east-1:432418664414:function"


def builtin(name: str) -> dict[str, Any]:
    return {
        "PreHumanTaskLambdaArn": f"{AWS_LAMBDA}:PRE-{name}",
        "AnnotationConsolidationConfig": {"AnnotationConsolidationLambdaArn": f"{AWS_LAMBDA}:ACS-{name}"},
    }


def answered_by(bench: Workbench, worker: str = "anna", say: Any = None) -> None:
    """Everything that is on offer, until the job has nothing more for this worker."""
    bench.run()
    while bench.work(worker, say):
        bench.run()


def states(bench: Workbench) -> list[str]:
    return [str(each.state) for each in bench.desk.tasks.objects("job").objects]


def reasons(bench: Workbench) -> list[str]:
    return [line["labels-metadata"].get("failure-reason", "") for line in bench.output()]


# ---- reading


def test_lines_become_objects_and_empty_ones_do_not() -> None:
    bench = Workbench()
    bench.create(['{"source-ref": "s3://in/page-0.png"}', "", "  ", '{"source-ref": "s3://in/page-1.png"}\r'])

    answered_by(bench)

    assert [line["source-ref"] for line in bench.output()] == ["s3://in/page-0.png", "s3://in/page-1.png"]


@given(
    texts=st.lists(st.text(alphabet=st.characters(exclude_characters="\n\r"), max_size=30), max_size=40),
    size=st.integers(8, 64),
    at_once=st.integers(1, 7),
    ends=st.booleans(),
)
def test_a_manifest_read_in_any_pieces_has_the_same_objects(
    texts: list[str], size: int, at_once: int, ends: bool
) -> None:
    bench = Workbench()
    lines = [json.dumps({"source": text}, ensure_ascii=False) for text in [*texts, "last"]]
    bench.create(lines)
    place = JobPlaces(WORK, "job").manifest
    bench.desk.objects.write(place, ("\n".join(lines) + ("\n" if ends else "")).encode())
    bench.queue.clear()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(intake, "CHUNK_BYTES", size)
        patch.setattr(intake, "LINES_AT_ONCE", at_once)
        bench.queue.append(LabellingMessage(kind="read", job="job"))
        while any(message.kind == "read" for message in bench.queue):
            bench.queue[:] = [message for message in bench.queue if message.kind == "read"]
            bench.handle(bench.queue.pop(0))

    found = bench.desk.tasks.objects("job", limit=1000).objects
    read = [bench.desk.objects.read_range(place, each.offset, each.length).decode() for each in found]
    assert [text.rstrip("\n") for text in read] == lines
    assert (bench.job().total, bench.job().is_read) == (len(lines), True)


def test_the_same_piece_read_twice_changes_nothing() -> None:
    bench = Workbench()
    bench.create(lines_of(3))
    bench.run()
    before = bench.desk.tasks.objects("job").objects

    read_manifest(bench.job(), 0, 0, bench.intake)
    bench.run()

    assert bench.desk.tasks.objects("job").objects == before
    assert bench.job().total == 3


def test_a_hundred_thousand_and_one_lines_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "MOST_OBJECTS", 5)
    bench = Workbench()
    bench.create(lines_of(6))

    bench.run()

    assert bench.job().status is JobStatus.FAILED
    assert "more than 5 objects" in bench.describe()["FailureReason"]


def test_a_manifest_of_empty_lines_fails_its_job() -> None:
    bench = Workbench()
    bench.create(["", " "])

    bench.run()

    assert bench.describe()["FailureReason"] == "ClientError: the input manifest has no objects"


# ---- what is bad


def test_bad_lines_and_missing_objects_fail_alone() -> None:
    bench = Workbench()
    bench.create(
        [
            lines_of(1)[0],
            "{broken",
            "[1]",
            json.dumps({"source-ref": "s3://in/absent.png"}),
            json.dumps({"source-ref": "https://example/page.png"}),
            json.dumps({"page-num": 1}),
        ]
    )

    answered_by(bench)

    expected = [
        "",
        "object 1 of the input manifest is no JSON",
        "got list",
        "there is no object s3://in/absent",
    ]
    expected += ["expected s3://bucket/key", "expected `source-ref`"]
    assert [part in reason for part, reason in zip(expected, reasons(bench), strict=True)] == [True] * 6
    assert bench.output()[0]["labels"] == [{"by": "anna"}]
    assert bench.job().status is JobStatus.COMPLETED
    assert bench.job().counters.failed == 5


def test_a_pre_function_that_fails_is_asked_three_times() -> None:
    bench = Workbench(pre=FunctionFailedError("pre failed: RuntimeError: on purpose"))
    bench.create(lines_of(1))

    bench.run()

    assert len(bench.functions.calls) == 3
    assert bench.job().status is JobStatus.FAILED
    assert "on purpose" in bench.describe()["FailureReason"]


def test_a_pre_function_that_recovers_loses_nothing() -> None:
    answers: list[Any] = [FunctionFailedError("once"), {"taskInput": {"a": 1}}]
    bench = Workbench(pre=lambda _: answers.pop(0))
    bench.create(lines_of(1))

    answered_by(bench)

    assert bench.job().status is JobStatus.COMPLETED


@pytest.mark.parametrize("answer", [None, [], {}, {"taskInput": "text"}, {"input": {}}])
def test_a_pre_function_of_another_shape_fails_its_object_at_once(answer: Any) -> None:
    bench = Workbench(pre=answer)
    bench.create(lines_of(1))

    bench.run()

    assert len(bench.functions.calls) == 1
    assert "expected an object `taskInput`" in bench.describe()["FailureReason"]


@pytest.mark.parametrize(
    "told",
    [
        {"isHumanAnnotationRequired": False},
        {"isHumanAnnotationRequired": "false"},
        {"humanAnnotationRequired": "False"},
        {"isHumanAnnotationRequired": False, "humanAnnotationRequired": True},
    ],
)
def test_an_object_that_needs_nobody_gets_no_task(told: dict[str, Any]) -> None:
    bench = Workbench(pre={"taskInput": {}, **told})
    bench.create(lines_of(2))

    bench.run()

    assert states(bench) == ["UNNEEDED", "UNNEEDED"]
    assert bench.job().status is JobStatus.COMPLETED
    assert bench.output()[0]["labels-metadata"]["human-annotated"] == "no"
    assert bench.describe()["LabelCounters"]["Unlabeled"] == 2


def test_a_post_function_that_fails_for_one_object_takes_no_other_with_it() -> None:
    bench = Workbench()

    def post(event: Any) -> Any:
        entries = bench.json(event["payload"]["s3Uri"])
        if any("poison" in each["annotations"][0]["annotationData"]["content"] for each in entries):
            return FunctionFailedError("post failed: KeyError: poison")
        return bench.plain_post(event)

    bench.functions.answers["post-LabelingFunction"] = post
    bench.create(lines_of(3))
    bench.run()
    for said in ("good", "poison", "good"):
        bench.work("anna", {"said": said})
    bench.run()

    assert states(bench) == ["LABELED", "FAILED", "LABELED"]
    assert "KeyError: poison" in reasons(bench)[1]


@pytest.mark.parametrize(
    ("result", "part"),
    [
        ([], "gave no result"),
        ([{"datasetObjectId": "0"}], "no consolidatedAnnotation.content"),
        (
            [{"datasetObjectId": "0", "consolidatedAnnotation": {"content": "text"}}],
            "no consolidatedAnnotation",
        ),
        ({"not": "a list"}, "expected a list"),
        (
            [
                {
                    "datasetObjectId": "0",
                    "consolidatedAnnotation": {"content": {"labels": {"failure-reason": "why"}}},
                }
            ],
            "why",
        ),
    ],
)
def test_a_result_that_is_none_fails_its_object_with_the_reason(result: Any, part: str) -> None:
    bench = Workbench(post=result)
    bench.create(lines_of(1))

    answered_by(bench)

    assert bench.job().status is JobStatus.FAILED
    assert part in reasons(bench)[0]


def test_a_service_that_does_not_answer_leaves_the_objects_for_the_next_try() -> None:
    answers: list[Any] = [ThrottledError("slow down"), ServiceUnavailableError("away")]
    bench = Workbench()
    bench.functions.answers["post-LabelingFunction"] = lambda event: (
        answers.pop(0) if answers else bench.plain_post(event)
    )
    bench.create(lines_of(1))
    answered_by(bench)

    assert answers == []
    assert bench.job().status is JobStatus.COMPLETED


@pytest.mark.parametrize("part", ["pre", "post"])
def test_a_service_that_stays_away_is_told_to_the_dead_letter_queue_and_tried_each_minute(part: str) -> None:
    bench = Workbench(**{part: ServiceUnavailableError("away")})
    bench.create(lines_of(1))

    with pytest.raises(ServiceUnavailableError):
        answered_by(bench)

    bench.functions.answers |= {
        "pre-LabelingFunction": plain_pre, "post-LabelingFunction": bench.plain_post,
    }  # fmt: skip
    bench.clock.pass_by(301)
    sweep(bench.expiry)
    answered_by(bench)
    assert bench.job().status is JobStatus.COMPLETED


def test_a_job_whose_output_nobody_may_write_fails_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Workbench()
    bench.create(lines_of(2))
    write = MemoryObjects.write

    def refuse(self: MemoryObjects, place: Location, body: bytes, content_type: str = "") -> None:
        if place.key.startswith("corpora/out"):
            raise AccessError("PutObject: AccessDenied")
        write(self, place, body, content_type)

    monkeypatch.setattr(MemoryObjects, "write", refuse)
    answered_by(bench)

    assert states(bench) == ["FAILED", "FAILED"]
    assert bench.job().status is JobStatus.FAILED
    assert "AccessDenied" in bench.describe()["FailureReason"]


def test_a_lost_answer_fails_its_object_and_no_other() -> None:
    bench = Workbench()
    bench.create(lines_of(2))
    bench.run()
    first, _ = bench.work("anna"), bench.work("anna")
    assert first
    assert isinstance(bench.desk.objects, MemoryObjects)
    del bench.desk.objects.bodies[first.answer]

    bench.run()

    assert states(bench) == ["FAILED", "LABELED"]
    assert "DocumentMissingError" in reasons(bench)[0]


def test_a_manifest_is_not_read_on_after_a_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "LINES_AT_ONCE", 2)
    bench = Workbench()
    bench.create(lines_of(6))
    bench.handle(bench.queue.pop(0))

    stop_job("job", bench.desk)
    bench.run()

    assert bench.job().status is JobStatus.STOPPED
    assert bench.job().total == 2


# ---- messages


def test_every_message_twice_gives_the_same_job() -> None:
    bench = Workbench()
    bench.create(lines_of(3), NumberOfHumanWorkersPerDataObject=2, MaxConcurrentTaskCount=2)

    def run() -> None:
        while bench.queue:
            message = bench.queue.pop(0)
            bench.handle(message)
            bench.handle(message)

    run()
    for worker in ("anna", "ben", "carl"):
        while bench.work(worker):
            run()

    job = bench.job()
    assert (job.status, job.labeled, job.failed, job.on_offer) == (JobStatus.COMPLETED, 3, 0, 0)
    assert [kind for kind, _ in bench.events.published] == ["LabelingJobStateChanged"]


def test_an_end_that_could_not_be_told_is_told_when_its_message_comes_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench = Workbench()
    bench.create(lines_of(1))
    bench.run()
    bench.work("anna")
    last = LabellingMessage(kind="finish", job="job")

    def refused(*_: object) -> None:
        raise ThrottledError("StartExecution")

    with monkeypatch.context() as patch:
        patch.setattr(bench.events, "publish", refused)
        with pytest.raises(ThrottledError):
            bench.run()
    assert bench.job().status is JobStatus.COMPLETED
    for _ in range(2):
        bench.handle(last)

    ((kind, detail),) = bench.events.published
    assert (kind, detail["Status"]) == ("LabelingJobStateChanged", "Completed")


def test_a_lost_message_is_made_up_for_by_the_minute() -> None:
    bench = Workbench()
    bench.create(lines_of(3))
    for _ in range(40):
        if bench.job().is_final:
            break
        bench.queue.clear()
        bench.clock.pass_by(301)
        sweep(bench.expiry)
        if bench.queue:
            bench.handle(bench.queue[0])
        bench.work("anna")

    assert bench.job().status is JobStatus.COMPLETED
    assert len(bench.output()) == 3


# ---- offers


def test_no_more_objects_are_on_offer_than_may_be() -> None:
    bench = Workbench()
    bench.create(lines_of(5), MaxConcurrentTaskCount=2)

    bench.run()
    assert states(bench) == ["OPEN", "OPEN", "WAITING", "WAITING", "WAITING"]
    bench.work("anna")
    bench.run()
    assert states(bench) == ["LABELED", "OPEN", "OPEN", "WAITING", "WAITING"]


def test_an_offer_that_ends_fails_its_object_in_ground_truths_words_and_keeps_the_answers() -> None:
    bench = Workbench()
    bench.create(lines_of(2), NumberOfHumanWorkersPerDataObject=2, TaskAvailabilityLifetimeInSeconds=3600)
    bench.run()
    bench.work("anna")
    bench.clock.pass_by(3601)

    sweep(bench.expiry)
    bench.run()

    assert reasons(bench)[1] == EXPIRED
    assert reasons(bench)[0] == f"{EXPIRED} (1 of 2 answers had come.)"
    kept = [place for place in bench.desk.objects.bodies if "/worker-response/iteration-1/0/" in place]
    assert bench.json(kept[0])["answers"][0]["answerContent"] == {"by": "anna"}
    assert bench.job().status is JobStatus.FAILED


def test_an_object_that_everybody_skips_ends_with_its_offer() -> None:
    bench = Workbench()
    bench.create(lines_of(1), TaskAvailabilityLifetimeInSeconds=3600)
    bench.run()
    task = next_task("job", reader("anna"), reserve=False, desk=bench.desk)
    assert task
    skip(task.assignment.assignment_id, reader("anna"), "blank", bench.desk)
    bench.clock.pass_by(3601)
    sweep(bench.expiry)
    bench.run()

    assert "All workers declined" in reasons(bench)[0]


def test_a_stopping_condition_ends_the_job_with_what_is_labelled() -> None:
    bench = Workbench()
    bench.create(lines_of(10), change={"StoppingConditions": {"MaxPercentageOfInputDatasetLabeled": 25}})

    answered_by(bench)

    assert bench.job().status is JobStatus.STOPPED
    assert bench.job().labeled == 3
    assert len(bench.output()) == 3


def test_a_job_ends_after_thirty_days() -> None:
    bench = Workbench()
    bench.create(lines_of(2), TaskAvailabilityLifetimeInSeconds=2_592_000)
    bench.run()
    bench.work("anna")
    bench.run()
    bench.clock.pass_by(30 * 86_400 + 1)

    sweep(bench.expiry)
    bench.run()

    assert bench.describe()["LabelingJobStatus"] == "Failed"
    assert "30 days" in bench.describe()["FailureReason"]
    assert bench.output()[0]["labels"] == [{"by": "anna"}]


# ---- what is written


def test_label_images_come_back_into_the_answers() -> None:
    bench = Workbench()
    bench.create(lines_of(1))
    bench.run()
    anna = reader("anna")
    task = next_task("job", anna, reserve=False, desk=bench.desk)
    assert task
    link = upload_link(task.assignment.assignment_id, anna, "image/png", 3, bench.desk)
    bench.desk.objects.write(
        JobPlaces(WORK, "job").upload(task.assignment.assignment_id, link.upload), b"png"
    )
    answer = {"seg": {"labeledImage": {"pngImageData": {"uploaded": link.upload}}}}
    submit(task.assignment.assignment_id, anna, task.assignment.nonce, answer, bench.desk)
    bench.run()

    assert bench.output()[0]["labels"] == [{"seg": {"labeledImage": {"pngImageData": "cG5n"}}}]


def test_the_consolidation_request_is_ground_truths() -> None:
    bench = Workbench()
    bench.create([json.dumps({"source": "some text"})], NumberOfHumanWorkersPerDataObject=2)
    answered_by(bench, "anna")
    answered_by(bench, "ben")

    function, event = bench.functions.calls[-1]
    assert function.endswith("post-LabelingFunction")
    assert set(event) == {
        "version", "labelingJobArn", "labelCategories", "labelAttributeName", "roleArn", "outputConfig",
        "payload",
    }  # fmt: skip
    assert (event["version"], event["labelCategories"]) == ("2018-10-16", ["A", "B"])
    assert event["payload"]["s3Uri"].startswith(
        "s3://work/corpora/out/job/annotations/consolidated-annotation/consolidation-request/iteration-1/"
    )
    (entry,) = bench.json(event["payload"]["s3Uri"])
    assert (entry["datasetObjectId"], entry["dataObject"]) == ("0", {"content": "some text"})
    assert [json.loads(each["annotationData"]["content"]) for each in entry["annotations"]] == [
        {"by": "anna"},
        {"by": "ben"},
    ]


def test_without_functions_the_line_is_the_input_and_all_answers_are_the_label() -> None:
    bench = Workbench()
    change = {"PreHumanTaskLambdaArn": "", "AnnotationConsolidationConfig": None}
    bench.create(lines_of(1), **change)

    answered_by(bench)

    assert bench.json("s3://work/labelling/job/tasks/00000000.json") == {"source-ref": "s3://in/page-0.png"}
    (said,) = bench.output()[0]["labels"]["annotationsFromAllWorkers"]
    assert json.loads(said["annotationData"]["content"]) == {"by": "anna"}


def test_a_built_in_job_has_the_service_input_and_its_output() -> None:
    content = {
        "labels": {
            "image_size": [{"width": 100, "height": 200}],
            "annotations": [{"class_id": 1, "top": 1, "left": 2, "height": 3, "width": 4, "label": "B"}],
            "entities": [],
            "consolidation": {"confidence": 0.4, "adjudicate": ["box 0 (B): agreement 0.40"]},
        },
        "labels-metadata": {"objects": [{"confidence": 0.4}], "class-map": {"1": "B"}},
    }
    bench = Workbench(post=[{"datasetObjectId": "0", "consolidatedAnnotation": {"content": content}}])
    bench.create(lines_of(1), **builtin("BoundingBox"))

    answered_by(bench)

    (line,) = bench.output()
    given = bench.json("s3://work/labelling/job/tasks/00000000.json")
    assert given["taskObject"] == "s3://in/page-0.png"
    assert given["labels"] == ["A", "B"]
    assert set(line["labels"]) == {"image_size", "annotations"}
    assert line["labels"]["annotations"] == [{"class_id": 1, "top": 1, "left": 2, "height": 3, "width": 4}]
    assert line["labels-metadata"] == {
        "objects": [{"confidence": 0.4}], "class-map": {"1": "B"}, "type": "groundtruth/object-detection",
        "job-name": "labeling-job/job", "human-annotated": "yes",
        "creation-date": "2026-11-02T09:00:00.000000",
    }  # fmt: skip
    (each,) = bench.desk.tasks.objects("job").objects
    assert each.adjudicate == ("box 0 (B): agreement 0.40",)


def test_a_large_label_and_a_long_manifest_are_written_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consolidation, "PART_BYTES", 300)
    monkeypatch.setattr(consolidation, "INLINE_BYTES", 100)
    monkeypatch.setattr(consolidation, "PAGE", 3)
    bench = Workbench(pre=plain_pre)
    bench.create(lines_of(10))

    answered_by(bench, say={"text": "ä" * 200})

    output = bench.output()
    assert [line["source-ref"] for line in output] == [f"s3://in/page-{n}.png" for n in range(10)]
    assert all(line["labels"] == [{"text": "ä" * 200}] for line in output)
    assert bench.desk.tasks.object("job", 0).state is ObjectState.LABELED  # type: ignore[union-attr]
