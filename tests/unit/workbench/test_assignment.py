"""Tasks handed out and taken back: whoever comes when, nobody gets an object twice and none is lost."""

import json
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recto.errors import ServiceUnavailableError
from recto.places import Location
from recto_workbench.errors import (
    AlreadySubmittedError,
    NonceError,
    NotAllowedError,
    RefusedError,
    RequestError,
    TaskExpiredError,
    TaskMissingError,
    TooLargeError,
)
from recto_workbench.jobs import JobStatus
from recto_workbench.ports import Change
from recto_workbench.steps import assignment as handing_out
from recto_workbench.steps.assignment import (
    TaskView,
    find,
    job_detail,
    jobs_for,
    next_task,
    release,
    save_draft,
    skip,
    start,
    stop_job,
    submit,
    upload_link,
)
from recto_workbench.steps.expiry import sweep
from recto_workbench.tasks import AssignmentState, JobPlaces, Worker
from tests.memory import MemoryObjects
from tests.workbench_fakes import (
    WORK,
    FakeClock,
    MemoryTasks,
    Workbench,
    add_open_job,
    add_team,
    lines_of,
    make_desk,
    reader,
)

ANNA, BEN = reader("anna"), reader("ben")


@pytest.fixture
def bench() -> Workbench:
    made = Workbench()
    add_team(made.desk)
    return made


def taken(bench: Workbench, worker: Worker = ANNA, *, reserve: bool = False) -> TaskView:
    task = next_task("job", worker, reserve, bench.desk)
    assert task
    return task


def give(bench: Workbench, task: TaskView, worker: Worker = ANNA, answer: Any = None) -> None:
    submit(task.assignment.assignment_id, worker, task.assignment.nonce, answer or {"a": 1}, bench.desk)


# ---- one worker after another


def test_a_task_is_started_when_it_is_handed_out_and_the_same_again_until_it_ends(bench: Workbench) -> None:
    add_open_job(bench.desk)

    first, again = taken(bench), taken(bench)

    assert first.assignment.state is AssignmentState.STARTED
    assert first.assignment == again.assignment
    assert first.line == {"source-ref": "s3://in/page-0.png"}
    assert first.progress.open == 2


def test_the_next_task_is_put_aside_while_one_is_at_work_and_at_most_one(bench: Workbench) -> None:
    add_open_job(bench.desk)
    at_work = taken(bench)

    ahead, still = taken(bench, reserve=True), taken(bench, reserve=True)

    assert ahead.assignment.state is AssignmentState.RESERVED
    assert ahead.assignment == still.assignment
    assert ahead.assignment.number != at_work.assignment.number
    started = start(ahead.assignment.assignment_id, ANNA, bench.desk)
    assert started.assignment.state is AssignmentState.STARTED


def test_starting_twice_does_not_set_the_clock_back(bench: Workbench) -> None:
    add_open_job(bench.desk)
    task = taken(bench)
    bench.clock.pass_by(100)

    again = start(task.assignment.assignment_id, ANNA, bench.desk)

    assert again.assignment.expires == task.assignment.expires


def test_an_object_goes_to_several_workers_and_never_twice_to_one(bench: Workbench) -> None:
    add_open_job(bench.desk, num_objects=1, NumberOfHumanWorkersPerDataObject=2)

    give(bench, taken(bench))

    assert next_task("job", ANNA, reserve=False, desk=bench.desk) is None
    assert taken(bench, BEN).assignment.number == 0


def test_what_is_skipped_never_comes_back_and_what_is_released_may(bench: Workbench) -> None:
    add_open_job(bench.desk, num_objects=1)

    released = taken(bench)
    assert release(released.assignment.assignment_id, ANNA, bench.desk).state is AssignmentState.RETURNED
    back = taken(bench)
    skipped = skip(back.assignment.assignment_id, ANNA, " cannot be read ", bench.desk)

    assert back.assignment.assignment_id != released.assignment.assignment_id
    assert (skipped.state, skipped.reason) == (AssignmentState.SKIPPED, "cannot be read")
    assert next_task("job", ANNA, reserve=False, desk=bench.desk) is None
    assert taken(bench, BEN).assignment.number == 0


def test_the_last_answer_sends_the_object_on(bench: Workbench) -> None:
    add_open_job(bench.desk, num_objects=1)

    give(bench, taken(bench))

    assert [(message.kind, message.number) for message in bench.queue] == [("consolidate", 0), ("offer", 0)]


def test_a_draft_is_there_after_a_reload(bench: Workbench) -> None:
    add_open_job(bench.desk)
    task = taken(bench)

    save_draft(task.assignment.assignment_id, ANNA, {"boxes": [1]}, bench.desk)

    assert find(task.assignment.assignment_id, ANNA, bench.desk).draft == {"boxes": [1]}


def drafted(bench: Workbench) -> TaskView:
    task = taken(bench)
    save_draft(task.assignment.assignment_id, ANNA, {"boxes": [1]}, bench.desk)
    return task


def drafts(bench: Workbench) -> list[str]:
    assert isinstance(bench.desk.objects, MemoryObjects)
    return [uri for uri in bench.desk.objects.bodies if "/drafts/" in uri]


@pytest.mark.parametrize("how", ["given back", "run out"])
def test_the_same_worker_goes_on_with_the_draft_when_the_object_comes_again(
    bench: Workbench, how: str
) -> None:
    add_open_job(bench.desk, num_objects=1)
    before = drafted(bench)
    if how == "given back":
        release(before.assignment.assignment_id, ANNA, bench.desk)
    else:
        bench.clock.pass_by(601)
        sweep(bench.expiry)

    again = taken(bench)

    assert again.assignment.assignment_id != before.assignment.assignment_id
    assert again.draft == {"boxes": [1]}


def test_a_draft_is_nobody_elses(bench: Workbench) -> None:
    add_open_job(bench.desk, num_objects=2)
    first = drafted(bench)
    release(first.assignment.assignment_id, ANNA, bench.desk)

    bens = taken(bench, BEN)
    annas_next = taken(bench)

    assert bens.assignment.number == first.assignment.number
    assert bens.draft is None
    assert annas_next.assignment.number != first.assignment.number
    assert annas_next.draft is None


def test_what_is_submitted_or_skipped_leaves_no_draft(bench: Workbench) -> None:
    add_open_job(bench.desk)
    submitted = drafted(bench)
    assert len(drafts(bench)) == 1
    give(bench, submitted)
    assert drafts(bench) == []

    skipped = drafted(bench)
    skip(skipped.assignment.assignment_id, ANNA, "cannot be read", bench.desk)

    assert drafts(bench) == []
    assert find(submitted.assignment.assignment_id, ANNA, bench.desk).draft is None


def test_a_draft_that_arrives_behind_its_answer_is_not_kept(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_open_job(bench.desk)
    task = taken(bench)
    write = bench.desk.objects.write

    def after_the_answer(place: Location, body: bytes, content_type: str = "") -> None:
        monkeypatch.setattr(bench.desk.objects, "write", write)
        give(bench, task)
        write(place, body, content_type)

    monkeypatch.setattr(bench.desk.objects, "write", after_the_answer)
    save_draft(task.assignment.assignment_id, ANNA, {"boxes": [1]}, bench.desk)

    assert drafts(bench) == []


def test_an_answer_counts_though_its_draft_cannot_be_deleted_now(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(place: Location) -> None:
        raise ServiceUnavailableError(f"DeleteObject {place.uri}")

    add_open_job(bench.desk)
    task = drafted(bench)
    monkeypatch.setattr(bench.desk.objects, "delete", away)

    give(bench, task)

    assert find(task.assignment.assignment_id, ANNA, bench.desk).assignment.state is AssignmentState.SUBMITTED


def test_an_upload_is_named_in_the_answer_and_must_have_arrived(bench: Workbench) -> None:
    add_open_job(bench.desk)
    task = taken(bench)
    link = upload_link(task.assignment.assignment_id, ANNA, "image/png", 3, bench.desk)
    answer = {"seg": {"labeledImage": {"pngImageData": {"uploaded": link.upload}}}}

    with pytest.raises(RequestError, match="has not arrived"):
        give(bench, task, answer=answer)
    place = JobPlaces(WORK, "job").upload(task.assignment.assignment_id, link.upload)
    bench.desk.objects.write(place, b"png")

    give(bench, task, answer=answer)


def test_an_upload_that_is_written_over_after_the_submission_changes_no_answer(bench: Workbench) -> None:
    """The link lasts a quarter of an hour, whatever becomes of its task."""
    bench.create(lines_of(1))
    bench.run()
    task = taken(bench)
    link = upload_link(task.assignment.assignment_id, ANNA, "image/png", 3, bench.desk)
    place = JobPlaces(WORK, "job").upload(task.assignment.assignment_id, link.upload)
    bench.desk.objects.write(place, b"png")
    give(bench, task, answer={"image": {"uploaded": link.upload}})

    bench.desk.objects.write(place, b"another")
    bench.run()

    assert bench.output()[0]["labels"] == [{"image": "cG5n"}]


def test_what_is_too_large_is_told_of_the_copy_that_counts(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_open_job(bench.desk)
    task = taken(bench)
    link = upload_link(task.assignment.assignment_id, ANNA, "image/png", 3, bench.desk)
    place = JobPlaces(WORK, "job").upload(task.assignment.assignment_id, link.upload)
    bench.desk.objects.write(place, b"x" * 4)
    monkeypatch.setattr("recto_workbench.steps.assignment.MOST_UPLOAD_BYTES", 3)

    with pytest.raises(TooLargeError, match="4 bytes"):
        give(bench, task, answer={"image": {"uploaded": link.upload}})


def test_a_job_that_has_ended_keeps_no_draft(bench: Workbench) -> None:
    bench.create(lines_of(1), NumberOfHumanWorkersPerDataObject=1)
    bench.run()
    given_back = drafted(bench)
    release(given_back.assignment.assignment_id, ANNA, bench.desk)
    assert len(drafts(bench)) == 1

    bench.work("ben")
    bench.run()

    assert bench.describe()["LabelingJobStatus"] == "Completed"
    assert drafts(bench) == []


def test_a_stopped_job_keeps_no_draft_and_no_other_jobs_is_touched(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("job", "job-2"):
        bench.create(lines_of(1), name)
        bench.run()
        task = next_task(name, ANNA, reserve=False, desk=bench.desk)
        assert task
        save_draft(task.assignment.assignment_id, ANNA, {"boxes": [1]}, bench.desk)
    delete = bench.desk.objects.delete

    def away(place: Location) -> None:
        monkeypatch.setattr(bench.desk.objects, "delete", delete)
        raise ServiceUnavailableError(f"DeleteObject {place.uri}")

    monkeypatch.setattr(bench.desk.objects, "delete", away)
    stop_job("job", bench.desk)
    message = next(each for each in bench.queue if each.kind == "finish")
    with pytest.raises(ServiceUnavailableError):
        bench.handle(message)
    bench.handle(message)  # as the queue brings it again

    assert bench.job("job").is_final
    assert [place.partition("/labelling/")[2].partition("/")[0] for place in drafts(bench)] == ["job-2"]


def test_what_a_worker_has_done_does_not_hide_what_is_left(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handing_out, "POOL_PAGE", 2)
    add_open_job(bench.desk, num_objects=7, NumberOfHumanWorkersPerDataObject=2)

    for number in range(7):
        task = taken(bench)
        assert (task.assignment.number, task.progress.open) == (number, 6 - number)
        give(bench, task)

    assert next_task("job", ANNA, reserve=False, desk=bench.desk) is None


# ---- what is refused


def upload_of(bench: Workbench, task: TaskView, name: str, body: bytes) -> None:
    places = JobPlaces(WORK, "job")
    bench.desk.objects.write(places.upload(task.assignment.assignment_id, name), body)


def refused_calls() -> list[tuple[str, Callable[[Workbench], None], type[RefusedError]]]:
    def twice(bench: Workbench) -> None:
        task = taken(bench)
        give(bench, task)
        give(bench, task)

    def late(bench: Workbench) -> None:
        task = taken(bench)
        bench.clock.pass_by(601)
        give(bench, task)

    def after_the_sweep(bench: Workbench) -> None:
        task = taken(bench)
        bench.clock.pass_by(601)
        sweep(bench.expiry)
        give(bench, task)

    def foreign(bench: Workbench) -> None:
        give(bench, taken(bench), BEN)

    def with_another_nonce(bench: Workbench) -> None:
        submit(taken(bench).assignment.assignment_id, ANNA, "guessed", {}, bench.desk)

    def not_started(bench: Workbench) -> None:
        taken(bench)
        give(bench, taken(bench, reserve=True))

    def unknown(bench: Workbench) -> None:
        submit("nobody's", ANNA, "", {}, bench.desk)

    def of_another_team(bench: Workbench) -> None:
        next_task("job", Worker(worker_id="eve", groups=("others",)), reserve=False, desk=bench.desk)

    def released_before(bench: Workbench) -> None:
        task = taken(bench)
        release(task.assignment.assignment_id, ANNA, bench.desk)
        give(bench, task)

    def handed_out_anew(bench: Workbench) -> None:
        task = taken(bench)
        release(task.assignment.assignment_id, ANNA, bench.desk)
        taken(bench)
        give(bench, task)

    def of_a_stopped_job(bench: Workbench) -> None:
        task = taken(bench)
        stop_job("job", bench.desk)
        give(bench, task)

    def too_large(bench: Workbench) -> None:
        give(bench, taken(bench), answer={"text": "x" * 4_000_001})

    def an_upload_too_large(bench: Workbench) -> None:
        upload_link(taken(bench).assignment.assignment_id, ANNA, "image/png", 20_000_001, bench.desk)

    def an_upload_of_html(bench: Workbench) -> None:
        upload_link(taken(bench).assignment.assignment_id, ANNA, "text/html", 5, bench.desk)

    def another_folder(bench: Workbench) -> None:
        give(bench, taken(bench), answer={"png": {"uploaded": "../../answers/x"}})

    def too_many_uploads(bench: Workbench) -> None:
        task = taken(bench)
        upload_of(bench, task, "a" * 8, b"x")
        give(bench, task, answer={"png": [{"uploaded": "a" * 8}] * 21})

    def uploads_too_large_together(bench: Workbench) -> None:
        task = taken(bench)
        upload_of(bench, task, "a" * 8, b"x" * 1_100_000)
        give(bench, task, answer={"png": [{"uploaded": "a" * 8}] * 19})

    def without_reason(bench: Workbench) -> None:
        skip(taken(bench).assignment.assignment_id, ANNA, "  ", bench.desk)

    return [
        ("twice", twice, AlreadySubmittedError),
        ("late", late, TaskExpiredError),
        ("after the sweep", after_the_sweep, TaskExpiredError),
        ("foreign", foreign, NotAllowedError),
        ("another nonce", with_another_nonce, NonceError),
        ("not started", not_started, RequestError),
        ("too many uploads", too_many_uploads, RequestError),
        ("uploads too large together", uploads_too_large_together, TooLargeError),
        ("unknown", unknown, TaskMissingError),
        ("another team", of_another_team, NotAllowedError),
        ("released", released_before, TaskExpiredError),
        ("handed out anew", handed_out_anew, TaskMissingError),
        ("stopped job", of_a_stopped_job, TaskExpiredError),
        ("too large", too_large, TooLargeError),
        ("upload too large", an_upload_too_large, TooLargeError),
        ("upload of html", an_upload_of_html, RequestError),
        ("another folder", another_folder, RequestError),
        ("no reason", without_reason, RequestError),
    ]


@pytest.mark.parametrize(
    ("name", "call", "error"), refused_calls(), ids=lambda part: part if isinstance(part, str) else ""
)
def test_what_is_not_the_workers_to_do_is_refused_by_name(
    bench: Workbench, name: str, call: Callable[[Workbench], None], error: type[RefusedError]
) -> None:
    add_open_job(bench.desk)

    with pytest.raises(error) as refusal:
        call(bench)

    assert type(refusal.value) is error
    assert str(refusal.value)


# ---- jobs


def test_a_worker_sees_the_jobs_of_his_teams_and_an_operator_all(bench: Workbench) -> None:
    add_open_job(bench.desk)
    stranger = Worker(worker_id="eve", groups=("others",))

    assert [view.job.name for view in jobs_for(ANNA, is_operator=False, desk=bench.desk).jobs] == ["job"]
    assert jobs_for(stranger, is_operator=False, desk=bench.desk).jobs == ()
    assert [view.job.name for view in jobs_for(stranger, is_operator=True, desk=bench.desk).jobs] == ["job"]


def test_jobs_come_in_pages_those_that_run_first_and_none_twice(bench: Workbench) -> None:
    for number in range(5):
        job = add_open_job(bench.desk, f"job-{number}", num_objects=1)
        status = JobStatus.COMPLETED if number in (0, 3) else JobStatus.IN_PROGRESS
        changes = {"created": job.created + timedelta(minutes=number % 4), "status": status}
        bench.desk.jobs.update(job.name, [JobStatus.IN_PROGRESS], **changes)

    pages, token = [], ""
    while not pages or token:
        page = jobs_for(ANNA, is_operator=True, desk=bench.desk, next_token=token, limit=2)
        pages.append([view.job.name for view in page.jobs])
        token = page.next_token
        if len(pages) == 1:
            add_open_job(bench.desk, "job-5", num_objects=1)  # made meanwhile: nothing moves

    assert pages == [["job-2", "job-1"], ["job-4", "job-5"], ["job-3", "job-0"]]


@pytest.mark.parametrize("token", ["x", "W10=", "WzEsMl0=", "eyJhIjogMX0=", "WyJhIiwgMSwgMl0=", "ä"])
def test_a_token_of_jobs_that_is_none_is_refused(bench: Workbench, token: str) -> None:
    with pytest.raises(RequestError, match="next_token"):
        jobs_for(ANNA, is_operator=True, desk=bench.desk, next_token=token)


def test_a_jobs_objects_come_in_pages(bench: Workbench) -> None:
    add_open_job(bench.desk, num_objects=150)

    first = job_detail("job", "", bench.desk)
    second = job_detail("job", first.next_token, bench.desk)

    assert [each.number for each in (*first.objects, *second.objects)] == list(range(150))
    assert second.next_token == ""


def test_stopping_is_for_jobs_that_run(bench: Workbench) -> None:
    add_open_job(bench.desk)

    assert stop_job("job", bench.desk).status is JobStatus.STOPPING
    assert stop_job("job", bench.desk).status is JobStatus.STOPPING
    bench.run()
    with pytest.raises(RequestError, match="ended already"):
        stop_job("job", bench.desk)


# ---- whoever comes when

WORKERS = [reader(f"w{n}") for n in range(3)]
MOVES = ("take", "take", "submit", "submit", "reserve", "skip", "release", "wait", "sweep", "queue", "queue")
Step = tuple[str, int]


class Interrupted(MemoryTasks):
    """Others act between a worker's look and his write."""

    def __init__(self, inner: MemoryTasks) -> None:
        super().__init__(inner.jobs)
        self.others: list[Callable[[], None]] = []

    def write(self, change: Change) -> bool:
        if self.others:
            self.others.pop()()
        return super().write(change)


class Crowd:
    """Workers who do as they are told, on a job with several answers an object."""

    def __init__(self, wanted: int) -> None:
        self.bench = Workbench()
        tasks = self.bench.desk.tasks
        assert isinstance(tasks, MemoryTasks)
        self.tasks = Interrupted(tasks)
        for part in (self.bench.desk, self.bench.intake, self.bench.consolidation):
            object.__setattr__(part, "tasks", self.tasks)
        self.bench.create(
            lines_of(4),
            NumberOfHumanWorkersPerDataObject=wanted,
            MaxConcurrentTaskCount=2,
            TaskTimeLimitInSeconds=60,
        )
        self.bench.run()
        self.mine: dict[str, list[TaskView]] = {worker.worker_id: [] for worker in WORKERS}
        self.had: Counter[tuple[str, int]] = Counter()
        self.given: list[tuple[str, int]] = []

    def do(self, step: Step) -> None:
        move, number = step
        worker = WORKERS[number % len(WORKERS)]
        if move == "wait":
            self.bench.clock.pass_by(25)
        elif move == "sweep":
            sweep(self.bench.expiry)
        elif move == "queue":
            if self.bench.queue:
                self.bench.handle(self.bench.queue.pop(0))
        else:
            with suppress(RefusedError):
                self._act(move, worker)

    def _act(self, move: str, worker: Worker) -> None:
        mine, desk = self.mine[worker.worker_id], self.bench.desk
        if move in {"take", "reserve"}:
            task = next_task("job", worker, move == "reserve", desk)
            if task and task.assignment.assignment_id not in [t.assignment.assignment_id for t in mine]:
                mine.append(task)
        elif mine:
            task = mine.pop(0)
            assignment = task.assignment
            if move == "submit":
                submit(assignment.assignment_id, worker, assignment.nonce, {"by": worker.worker_id}, desk)
                self.given.append((worker.worker_id, assignment.number))
            elif move == "skip":
                skip(assignment.assignment_id, worker, "cannot", desk)
            else:
                release(assignment.assignment_id, worker, desk)

    def check(self, wanted: int) -> None:
        job = self.bench.job()
        objects = self.tasks.objects("job").objects
        assert [each.number for each in objects] == [0, 1, 2, 3]
        assert max(Counter(self.given).values(), default=0) <= 1
        for each in objects:
            assert len(set(each.answers)) == len(each.answers) <= wanted
            assert len(each.answers) + len(each.active) <= wanted
            assert not set(each.answers) & set(each.active)
            assert sorted(w for w, n in self.given if n == each.number) == sorted(each.answers)
        assert job.on_offer == sum(each.state in ("OPENING", "OPEN") for each in objects) <= 2
        assert job.labeled == sum(each.state == "LABELED" for each in objects)
        self._check_assignments()

    def _check_assignments(self) -> None:
        for (_, number, worker_id), assignment in self.tasks.of_worker.items():
            each = self.tasks.object("job", number)
            assert each
            assert assignment.is_live == (worker_id in each.active)
            assert assignment.is_live == (
                assignment.assignment_id in self.tasks.worker("job", worker_id).live
            )


STEP = st.tuples(st.sampled_from(MOVES), st.integers(0, 2))
STEPS = st.lists(STEP, min_size=20, max_size=60)


@given(
    steps=STEPS,
    others=st.lists(STEP, max_size=25),
    wanted=st.integers(1, 3),
)
def test_no_worker_gets_an_object_twice_and_no_object_is_lost_whoever_is_quicker(
    steps: list[Step], others: list[Step], wanted: int
) -> None:
    crowd = Crowd(wanted)
    crowd.tasks.others = [lambda step=step: crowd.do(step) for step in others]  # type: ignore[misc]

    for step in steps:
        crowd.do(step)
        crowd.check(wanted)


@given(steps=STEPS, wanted=st.integers(1, 3))
def test_whatever_happened_a_job_can_be_brought_to_its_end(steps: list[Step], wanted: int) -> None:
    crowd = Crowd(wanted)
    for step in steps:
        crowd.do(step)

    crowd.bench.clock.pass_by(61)
    for _ in range(10):
        sweep(crowd.bench.expiry)
        crowd.bench.run()
        for number in range(9):
            while crowd.bench.work(f"late{number}"):
                crowd.bench.run()

    job = crowd.bench.job()
    assert (job.status, job.labeled, job.failed, job.on_offer) == (JobStatus.COMPLETED, 4, 0, 0)
    assert len(crowd.bench.output()) == 4


def test_the_answers_of_an_object_are_written_down_in_their_order(bench: Workbench) -> None:
    bench.create(lines_of(1), NumberOfHumanWorkersPerDataObject=3)
    bench.run()
    for worker in ("c", "a", "b"):
        bench.work(worker, {"said": worker})
    bench.run()

    assert [each["said"] for each in bench.output()[0]["labels"]] == ["c", "a", "b"]
    assert json.dumps(bench.describe()["LabelCounters"]["HumanLabeled"]) == "1"


def test_two_desks_in_one_process_know_nothing_of_each_other() -> None:
    first, second = make_desk(), make_desk()
    add_team(first)
    add_open_job(first)

    assert second.jobs.all() == []
    assert isinstance(first.clock, FakeClock)
