"""The workbench's stores: the same tests on the table and in memory, which keeps the fakes honest."""

import base64
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import boto3
import pytest

from recto.aws.dynamodb import Table
from recto.aws.s3 import S3Objects
from recto.errors import ConfigurationError, ThrottledError
from recto.places import Location
from recto_workbench.aws.services import S3Links, new_id
from recto_workbench.aws.tables import JobRows, TaskRows, TeamRows
from recto_workbench.errors import RequestError
from recto_workbench.jobs import Job, JobStatus, Team
from recto_workbench.ports import Change, JobStore, TaskFiles, TaskStore, TeamStore
from recto_workbench.steps.assignment import next_task, submit
from recto_workbench.tasks import Assignment, AssignmentState, JobPlaces, ObjectState, TaskObject
from tests.contract.template import resources
from tests.memory import MemoryObjects
from tests.workbench_fakes import (
    START,
    MemoryJobs,
    MemoryTasks,
    MemoryTeams,
    add_team,
    make_desk,
    reader,
    request_of,
)


class Stores:
    """The three stores over one table, or over none."""

    def __init__(self, jobs: JobStore, tasks: TaskStore, teams: TeamStore) -> None:
        self.jobs, self.tasks, self.teams = jobs, tasks, teams


def make_table() -> None:
    properties = resources("AWS::DynamoDB::Table")["WorkbenchTable"]
    kept = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")
    boto3.client("dynamodb").create_table(TableName="workbench", **{name: properties[name] for name in kept})


@pytest.fixture(params=["memory", "table"])
def stores(request: pytest.FixtureRequest, aws: None) -> Iterator[Stores]:
    if request.param == "memory":
        jobs = MemoryJobs()
        yield Stores(jobs, MemoryTasks(jobs), MemoryTeams())
        return
    make_table()
    table = Table("workbench", "recto-tests")
    yield Stores(JobRows(table), TaskRows(table), TeamRows(table))


def job_of(name: str = "job", **values: Any) -> Job:
    given = {
        "name": name, "arn": f"arn:aws:sagemaker:us-east-1:000000000000:labeling-job/{name}",
        "status": JobStatus.IN_PROGRESS, "created": START, "modified": START, "request": request_of(name),
        "labels": ("A", "B"), "total": 3, "is_read": True,
    }  # fmt: skip
    return Job.model_validate({**given, **values})


def object_of(number: int = 0, **values: Any) -> TaskObject:
    given = {"job": "job", "number": number, "offset": number * 10, "length": 10, "wanted": 2}
    return TaskObject.model_validate({**given, **values})


def assignment_of(assignment_id: str = "a1", **values: Any) -> Assignment:
    given = {
        "assignment_id": assignment_id, "job": "job", "number": 0, "worker_id": "anna",
        "state": AssignmentState.RESERVED, "nonce": "n", "created": START,
        "expires": START + timedelta(seconds=60),
    }  # fmt: skip
    return Assignment.model_validate({**given, **values})


def in_pool(stores: Stores, *numbers: int) -> None:
    stores.tasks.add_objects([object_of(number, state=ObjectState.OPEN) for number in numbers])


# ---- jobs and teams


def test_a_job_is_there_as_it_was_added_and_once(stores: Stores) -> None:
    request = request_of("job") | {"Odd": {"": [1.5, None, {}]}}

    assert stores.jobs.add(job_of(request=request))
    assert not stores.jobs.add(job_of(total=9))

    assert stores.jobs.find("job") == job_of(request=request)
    assert stores.jobs.find("other") is None


def test_jobs_are_found_by_status_oldest_first(stores: Stores) -> None:
    stores.jobs.add(job_of("late", created=START + timedelta(hours=1)))
    stores.jobs.add(job_of("early"))
    stores.jobs.add(job_of("done", status=JobStatus.COMPLETED))

    assert [job.name for job in stores.jobs.with_status(JobStatus.IN_PROGRESS)] == ["early", "late"]
    assert sorted(job.name for job in stores.jobs.all()) == ["done", "early", "late"]
    assert stores.jobs.all()[-1].name == "late"


def test_a_job_changes_only_from_what_was_expected(stores: Stores) -> None:
    stores.jobs.add(job_of())

    assert stores.jobs.update("job", (JobStatus.IN_PROGRESS,), status=JobStatus.STOPPING, failure="why")
    assert not stores.jobs.update("job", (JobStatus.IN_PROGRESS,), status=JobStatus.FAILED)
    assert not stores.jobs.update("job", (JobStatus.STOPPING,), of_total=2, total=5)
    assert stores.jobs.update("job", (JobStatus.STOPPING,), of_total=3, total=5, is_read=False)
    assert not stores.jobs.update("none", (JobStatus.STOPPING,), total=5)

    job = stores.jobs.find("job")
    assert job
    assert (job.status, job.failure, job.total, job.is_read) == (JobStatus.STOPPING, "why", 5, False)
    assert [each.name for each in stores.jobs.with_status(JobStatus.STOPPING)] == ["job"]


def test_a_team_changes_only_while_it_is_what_was_read(stores: Stores) -> None:
    members = ({"CognitoMemberDefinition": {"UserPool": "p", "UserGroup": "g", "ClientId": "c"}},)
    team = Team(name="readers", arn="arn", members=members, created=START, modified=START)

    assert stores.teams.save(team)
    assert not stores.teams.save(team)
    changed = team.moved(description="new")
    assert stores.teams.save(changed)
    assert not stores.teams.save(team.moved(description="lost"))
    assert stores.teams.find("readers") == changed
    assert stores.teams.all() == [changed]
    assert stores.teams.delete("readers")
    assert not stores.teams.delete("readers")
    assert stores.teams.find("readers") is None
    assert stores.jobs.all() == []


# ---- objects


def test_objects_are_added_once_and_stay_as_they_are(stores: Stores) -> None:
    stores.jobs.add(job_of())
    stores.tasks.add_objects([object_of(n) for n in range(120)])
    changed = object_of(5).moved(state=ObjectState.OPENING)
    assert stores.tasks.write(Change(object=changed))

    stores.tasks.add_objects([object_of(n) for n in range(100, 130)] + [object_of(5)])

    assert stores.tasks.object("job", 5) == changed
    assert stores.tasks.object("job", 129) == object_of(129)
    assert stores.tasks.object("job", 130) is None


def test_objects_come_in_pages_in_the_order_of_the_manifest(stores: Stores) -> None:
    stores.tasks.add_objects([object_of(n) for n in reversed(range(25))])

    first = stores.tasks.objects("job", limit=10)
    second = stores.tasks.objects("job", first.next_token, limit=15)

    assert [each.number for each in (*first.objects, *second.objects)] == list(range(25))
    assert second.next_token == ""
    assert stores.tasks.objects("other").objects == []
    with pytest.raises(RequestError):
        stores.tasks.objects("job", "not a token!")


def test_the_pool_holds_open_objects_with_free_places(stores: Stores) -> None:
    stores.jobs.add(job_of())
    in_pool(stores, 0, 1, 2)
    full = object_of(0, state=ObjectState.OPEN).given_to("anna").given_to("ben")
    stores.tasks.write(Change(object=full.model_copy(update={"version": 2})))
    answered = object_of(1, state=ObjectState.OPEN).moved(state=ObjectState.ANSWERED, answers=("a", "b"))
    stores.tasks.write(Change(object=answered))

    in_pool(stores, 3, 4)
    assert [each.number for each in stores.tasks.pool("job", 10)] == [2, 3, 4]
    assert [each.number for each in stores.tasks.pool("job", 1, after=2)] == [3]
    assert stores.tasks.pool("job", 10, after=4) == []
    assert [each.number for each in stores.tasks.answered("job", 10)] == [1]
    assert stores.tasks.pool("other", 10) == []


def test_what_is_due_is_found_and_nothing_else(stores: Stores) -> None:
    stores.jobs.add(job_of())
    soon, later = START + timedelta(minutes=1), START + timedelta(hours=1)
    stores.tasks.add_objects([object_of(0, due=later), object_of(1, due=soon), object_of(2)])
    stores.tasks.write(Change(assignment=assignment_of(), is_new_assignment=True))
    ended = assignment_of("a2", worker_id="ben", state=AssignmentState.SUBMITTED)
    stores.tasks.write(Change(assignment=ended, is_new_assignment=True))

    assert stores.tasks.due_objects(START, 10) == []
    assert [each.number for each in stores.tasks.due_objects(soon, 10)] == [1]
    assert [each.number for each in stores.tasks.due_objects(later, 10)] == [1, 0]
    assert [each.number for each in stores.tasks.due_objects(later, 1)] == [1]
    assert [each.worker_id for each in stores.tasks.due_assignments(later, 10)] == ["anna"]
    assert stores.tasks.due_assignments(START, 10) == []


# ---- writing together


def test_what_is_written_together_is_there_together(stores: Stores) -> None:
    stores.jobs.add(job_of(on_offer=1))
    in_pool(stores, 0)
    given, record = object_of(0, state=ObjectState.OPEN).given_to("anna"), stores.tasks.worker("job", "anna")
    change = Change(
        object=given,
        assignment=assignment_of(),
        is_new_assignment=True,
        worker=record.taking("a1"),
        counts={"on_offer": -1, "labeled": 1},
    )

    assert stores.tasks.write(change)

    assert stores.tasks.object("job", 0) == given
    assert stores.tasks.assignment("a1") == assignment_of()
    assert stores.tasks.assignments("job", 0) == [assignment_of()]
    assert stores.tasks.worker("job", "anna") == record.taking("a1")
    job = stores.jobs.find("job")
    assert job
    assert (job.on_offer, job.labeled) == (0, 1)


Stale = Callable[[], Change]
STALE: list[tuple[str, Stale]] = [
    ("object", lambda: Change(object=object_of(0, version=3), counts={"failed": 1})),
    ("missing object", lambda: Change(object=object_of(9, version=2), counts={"failed": 1})),
    ("assignment", lambda: Change(object=object_of(0, version=2), assignment=assignment_of(version=3))),
    ("ended one", lambda: Change(object=object_of(0, version=2), assignment=assignment_of("a0", version=2))),
]


@pytest.mark.parametrize(("name", "change"), STALE, ids=[name for name, _ in STALE])
def test_nothing_is_written_where_one_of_the_rows_has_changed(
    stores: Stores, name: str, change: Stale
) -> None:
    stores.jobs.add(job_of())
    in_pool(stores, 0)
    stores.tasks.write(Change(assignment=assignment_of(), is_new_assignment=True))

    assert not stores.tasks.write(change())

    assert stores.tasks.object("job", 0) == object_of(0, state=ObjectState.OPEN)
    assert stores.tasks.assignment("a1") == assignment_of()
    job = stores.jobs.find("job")
    assert job
    assert job.failed == 0


def test_two_first_tasks_of_a_worker_at_once_are_one(stores: Stores) -> None:
    stores.jobs.add(job_of())
    in_pool(stores, 0, 1)
    record = stores.tasks.worker("job", "anna")

    assert stores.tasks.write(Change(worker=record.taking("a1")))
    assert not stores.tasks.write(Change(worker=record.taking("a2")))
    assert stores.tasks.worker("job", "anna").live == ("a1",)


def test_an_object_handed_out_anew_is_another_assignment(stores: Stores) -> None:
    stores.tasks.write(Change(assignment=assignment_of("a1"), is_new_assignment=True))
    stores.tasks.write(Change(assignment=assignment_of("a2"), is_new_assignment=True))

    assert stores.tasks.assignment("a1") is None
    assert stores.tasks.assignment("a2") == assignment_of("a2")
    assert stores.tasks.assignments("job", 0) == [assignment_of("a2")]
    assert stores.tasks.assignment("never") is None


def test_objects_are_offered_one_after_another_up_to_the_limit_while_the_job_runs(stores: Stores) -> None:
    stores.jobs.add(job_of())
    stores.tasks.add_objects([object_of(n) for n in range(3)])

    def offered(number: int, limit: int = 2) -> bool:
        opening = object_of(number).moved(state=ObjectState.OPENING)
        return stores.tasks.write(Change(object=opening, offer_limit=limit))

    assert not offered(1)
    assert offered(0)
    assert not offered(0)
    assert offered(1)
    assert not offered(2)
    stores.jobs.update("job", (JobStatus.IN_PROGRESS,), status=JobStatus.STOPPING)
    assert not offered(2, limit=9)
    job = stores.jobs.find("job")
    assert job
    assert (job.next_number, job.on_offer) == (2, 2)


def test_what_counts_only_while_the_job_runs_is_not_written_once_it_is_stopped(stores: Stores) -> None:
    stores.jobs.add(job_of(on_offer=1))
    in_pool(stores, 0)
    each = stores.tasks.object("job", 0)
    assert each
    answered = each.moved(state=ObjectState.ANSWERED)
    change = Change(object=answered, counts={"on_offer": -1}, while_running=True)
    stores.jobs.update("job", (JobStatus.IN_PROGRESS,), status=JobStatus.STOPPING)

    assert not stores.tasks.write(change)
    assert stores.tasks.object("job", 0) == each

    stores.jobs.update("job", (JobStatus.STOPPING,), status=JobStatus.IN_PROGRESS)
    assert stores.tasks.write(change)
    job = stores.jobs.find("job")
    assert job
    assert job.on_offer == 0


def test_what_no_row_can_be_called_is_not_asked_for(aws: None) -> None:
    """DynamoDB refuses keys of more than 2 KB; a browser may send any."""
    make_table()
    table = Table("workbench", "recto-tests")

    assert TaskRows(table).assignment("a" * 3_000) is None
    assert JobRows(table).find("a" * 3_000) is None
    for forged in (-1, 10**8, 10**2_000):
        with pytest.raises(RequestError, match="none that was given out"):
            TaskRows(table).objects("job", base64.urlsafe_b64encode(str(forged).encode()).decode())


def test_a_link_to_a_bucket_of_a_name_that_is_none_is_told(aws: None) -> None:
    with pytest.raises(ConfigurationError, match="my bucket"):
        S3Links("recto-tests").to_read(Location.from_uri("s3://my bucket/page.png"), 60)


def test_a_manifest_is_copied_without_its_tags(aws: None) -> None:
    """Tags would be copied too, and S3 refuses that to a role which may not read tags."""
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="manifests")
    s3.put_object(Bucket="manifests", Key="input.manifest", Body=b"{}", Tagging="owner=anna")

    S3Objects("recto-tests").copy(
        Location.from_uri("s3://manifests/input.manifest"), Location.from_uri("s3://manifests/c")
    )

    assert s3.get_object(Bucket="manifests", Key="c")["Body"].read() == b"{}"
    assert s3.get_object_tagging(Bucket="manifests", Key="c")["TagSet"] == []


def test_a_bucket_of_a_name_that_is_none_is_no_outage(aws: None) -> None:
    with pytest.raises(ConfigurationError, match="my bucket"):
        S3Objects("recto-tests").info(Location.from_uri("s3://my bucket/page.png"))


def test_a_transaction_that_meets_another_is_tried_again(aws: None) -> None:
    class Busy(Table):
        conflicts = 3

        def transact(self, *writes: Any) -> bool:
            if self.conflicts:
                self.conflicts -= 1
                raise ThrottledError("TransactWriteItems: TransactionConflict")
            return super().transact(*writes)

    make_table()
    pauses: list[float] = []
    tasks = TaskRows(Busy("workbench", "recto-tests"), pauses.append)

    assert tasks.write(Change(assignment=assignment_of(), is_new_assignment=True))

    assert len(pauses) == 3
    assert max(pauses) < 0.4
    assert tasks.assignment("a1") == assignment_of()


def test_workers_at_once_on_one_table_never_share_a_place(aws: None) -> None:
    make_table()
    table = Table("workbench", "recto-tests")
    jobs, tasks = JobRows(table), TaskRows(table)
    jobs.add(job_of(total=6))
    tasks.add_objects([object_of(n, state=ObjectState.OPEN, wanted=2) for n in range(6)])
    objects = MemoryObjects()
    objects.write(JobPlaces("work", "job").manifest, b'{"a": 1}  ' * 6)
    desk = replace(make_desk(), jobs=jobs, tasks=tasks, objects=objects, make_id=new_id)
    add_team(desk)

    def work(name: str) -> list[int]:
        done = []
        while task := next_task("job", reader(name), reserve=False, desk=desk):
            submit(task.assignment.assignment_id, reader(name), task.assignment.nonce, {}, desk)
            done.append(task.assignment.number)
        return done

    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(work, ("anna", "ben", "carl", "dora")))

    assert all(len(set(numbers)) == len(numbers) for numbers in done)
    assert sorted(number for numbers in done for number in numbers) == sorted([*range(6), *range(6)])
    for each in tasks.objects("job").objects:
        assert (each.state, len(set(each.answers)), each.active) == (ObjectState.ANSWERED, 2, ())


def test_a_jobs_name_is_the_same_in_upper_and_lower_case(stores: Stores) -> None:
    assert stores.jobs.add(job_of("Receipts"))

    assert not stores.jobs.add(job_of("receipts"))
    found = stores.jobs.find("RECEIPTS")
    assert found is not None
    assert found.name == "Receipts"
    assert stores.jobs.update("receipts", [JobStatus.IN_PROGRESS], status=JobStatus.STOPPING)
    assert [(job.name, job.status) for job in stores.jobs.all()] == [("Receipts", JobStatus.STOPPING)]


def test_of_names_at_once_that_differ_in_case_one_is_taken(stores: Stores) -> None:
    names = ["receipts", "Receipts", "RECEIPTS", "rEcEiPtS"]

    with ThreadPoolExecutor(4) as pool:
        taken = list(pool.map(stores.jobs.add, map(job_of, names)))

    assert sorted(taken) == [False, False, False, True]
    assert len(stores.jobs.all()) == 1


def test_what_belongs_to_a_job_of_mixed_case_is_found_by_its_name(stores: Stores) -> None:
    stores.jobs.add(job_of("Receipts"))
    stores.tasks.add_objects([object_of(0, job="Receipts", state=ObjectState.OPEN)])
    given = assignment_of(job="Receipts")

    assert stores.tasks.write(Change(object=object_of(job="Receipts", version=2), counts={"failed": 1}))
    assert stores.tasks.write(Change(assignment=given, is_new_assignment=True))

    assert [each.job for each in stores.tasks.objects("Receipts").objects] == ["Receipts"]
    assert stores.tasks.assignments("Receipts", 0) == [given]
    assert stores.tasks.assignment(given.assignment_id) == given
    job = stores.jobs.find("Receipts")
    assert job is not None
    assert job.failed == 1


@pytest.mark.parametrize("kind", [MemoryObjects, lambda: S3Objects("recto-tests")], ids=["memory", "S3"])
def test_a_file_is_gone_once_it_is_deleted_and_deleting_it_again_is_no_error(
    aws: None, kind: Callable[[], TaskFiles]
) -> None:
    boto3.client("s3").create_bucket(Bucket="drafts")
    files, place = kind(), Location(bucket="drafts", key="labelling/job/drafts/one.json")
    files.write(place, b"{}")
    before = files.info(place)

    files.delete(place)
    files.delete(place)

    assert before is not None
    assert files.info(place) is None
