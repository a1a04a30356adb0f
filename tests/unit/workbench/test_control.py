"""Ground Truth's operations: what botocore's shapes do not say, in the service's own codes."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from recto_workbench.aws.shapes import ShapeError, checked, operation_model
from recto_workbench.errors import (
    JobNameTakenError,
    LimitError,
    NotFoundError,
    OperationError,
    ValidationError,
)
from recto_workbench.steps import control
from recto_workbench.steps.control import OPERATIONS, answer, parse_categories
from tests.workbench_fakes import START, Workbench, lines_of, request_of

AWS_LAMBDA = "arn:aws:lambda:us-east-1:432418664414:function"
TEAMS = "arn:aws:sagemaker:us-east-1:000000000000:workteam"
PUBLIC = "arn:aws:sagemaker:us-east-1:394669845002:workteam/public-crowd/default"
PRICE = {"AmountInUsd": {"Dollars": 0, "Cents": 3, "TenthFractionsOfACent": 6}}
MEMBER = {"CognitoMemberDefinition": {"UserPool": "us-east-1_a", "UserGroup": "readers", "ClientId": "c"}}


@pytest.fixture
def bench() -> Workbench:
    made = Workbench()
    made.create(lines_of(2), "first")
    return made


def functions_of(pre: str, post: str = "") -> dict[str, Any]:
    return {
        "PreHumanTaskLambdaArn": f"{AWS_LAMBDA}:PRE-{pre}",
        "AnnotationConsolidationConfig": {
            "AnnotationConsolidationLambdaArn": f"{AWS_LAMBDA}:ACS-{post or pre}"
        },
    }


def fits(operation: str, result: Mapping[str, Any]) -> None:
    """The result has what the operation's shape asks for, and nothing that it does not know."""
    model = operation_model("sagemaker", operation)
    assert model
    shape = model.output_shape
    if shape is None:
        assert result == {}
        return
    assert set(result) <= set(shape.members), set(result) - set(shape.members)
    assert set(shape.required_members) <= set(result)


def call(bench: Workbench, operation: str, **parameters: Any) -> dict[str, Any]:
    model = operation_model("sagemaker", operation)
    assert model
    result = answer(operation, checked(model, parameters), bench.control)
    fits(operation, result)
    return result


# ---- jobs


def test_every_operation_is_one_of_the_service() -> None:
    assert [name for name in OPERATIONS if operation_model("sagemaker", name) is None] == []


def test_a_job_says_all_that_it_was_asked_and_where_it_stands(bench: Workbench) -> None:
    bench.create(lines_of(1), "tagged", {"Tags": [{"Key": "a", "Value": "b"}]}, TaskKeywords=["boxes"])

    found = call(bench, "DescribeLabelingJob", LabelingJobName="tagged")

    asked = request_of("tagged", TaskKeywords=["boxes"])
    assert {key: found[key] for key in asked} == asked
    assert found["LabelingJobStatus"] == "Initializing"
    assert found["Tags"] == [{"Key": "a", "Value": "b"}]
    assert found["CreationTime"] == START.timestamp()


def test_names_are_given_once_and_missing_ones_are_told(bench: Workbench) -> None:
    with pytest.raises(JobNameTakenError) as taken:
        bench.create(lines_of(1), "first")
    with pytest.raises(NotFoundError) as missing:
        call(bench, "DescribeLabelingJob", LabelingJobName="second")
    with pytest.raises(NotFoundError):
        call(bench, "StopLabelingJob", LabelingJobName="second")

    assert (taken.value.code, missing.value.code) == ("ResourceInUse", "ResourceNotFound")


def test_a_name_in_another_case_is_the_same_name(bench: Workbench) -> None:
    bench.create(lines_of(1), "Receipts-2026")
    with pytest.raises(JobNameTakenError, match="Receipts-2026") as taken:
        bench.create(lines_of(1), "receipts-2026")

    found = call(bench, "DescribeLabelingJob", LabelingJobName="RECEIPTS-2026")
    call(bench, "StopLabelingJob", LabelingJobName="receipts-2026")
    bench.run()

    assert taken.value.code == "ResourceInUse"
    assert found["LabelingJobName"] == "Receipts-2026"
    assert found["LabelingJobArn"].endswith(":labeling-job/receipts-2026")
    assert bench.describe("Receipts-2026")["LabelingJobStatus"] == "Stopped"


def test_of_two_names_that_differ_in_case_at_once_one_is_taken(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.create(lines_of(1), "Twice")
    monkeypatch.setattr(bench.desk.jobs, "find", lambda name: None)  # both looked before either wrote

    with pytest.raises(JobNameTakenError):
        bench.create(lines_of(1), "twice")


def test_more_jobs_than_may_run_are_refused(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "MOST_RUNNING_JOBS", 1)

    with pytest.raises(LimitError) as limit:
        bench.create(lines_of(1), "second")

    assert limit.value.code == "ResourceLimitExceeded"


def sns(_: Workbench) -> dict[str, Any]:
    return {"InputConfig": {"DataSource": {"SnsDataSource": {"SnsTopicArn": "arn:aws:sns:us-east-1:1:t"}}}}


def manifest(uri: str) -> dict[str, Any]:
    return {"InputConfig": {"DataSource": {"S3DataSource": {"ManifestS3Uri": uri}}}}


def categories(text: str) -> Callable[[Workbench], dict[str, Any]]:
    def change(bench: Workbench) -> dict[str, Any]:
        bench.put("s3://in/odd.json", text)
        return {"LabelCategoryConfigS3Uri": "s3://in/odd.json"}

    return change


def template(text: str | bytes) -> Callable[[Workbench], dict[str, Any]]:
    def change(bench: Workbench) -> dict[str, Any]:
        bench.put("s3://in/odd.html", text)
        return task(UiConfig={"UiTemplateS3Uri": "s3://in/odd.html"})

    return change


def task(**values: Any) -> dict[str, Any]:
    return {"HumanTaskConfig": {**request_of()["HumanTaskConfig"], **values}}


Change = Callable[[Workbench], dict[str, Any]]
BAD: list[tuple[str, Change]] = [
    ("must not end in -metadata", lambda _: {"LabelAttributeName": "a-metadata"}),
    ("must end in -ref", lambda _: task(**functions_of("SemanticSegmentation"))),
    ("must not end in -ref", lambda _: {
        "LabelAttributeName": "a-ref", **task(**functions_of("BoundingBox"))}),
    ("SnsDataSource", sns),
    ("automated labelling", lambda _: {
        "LabelingJobAlgorithmsConfig": {"LabelingJobAlgorithmSpecificationArn": "arn:a"}}),
    ("does not exist", lambda _: manifest("s3://in/absent")),
    ("expected s3://bucket/key", lambda _: manifest("https://in/absent")),
    ("is empty", lambda b: (b.put("s3://in/empty", ""), manifest("s3://in/empty"))[1]),
    ("there is no object", lambda _: {"LabelCategoryConfigS3Uri": "s3://in/absent.json"}),
    ("needs label categories", lambda _: {
        "LabelCategoryConfigS3Uri": "", **task(**functions_of("BoundingBox"))}),
    ("a classification needs two", lambda b: {
        **categories('{"labels": [{"label": "A"}]}')(b), **task(**functions_of("ImageMultiClass"))}),
    ("is no JSON", categories("{")),
    ("has no list `labels`", categories('{"labels": []}')),
    ("label 1: expected", categories('{"labels": [{"label": "A"}, "B"]}')),
    ("twice", categories('{"labels": [{"label": "A"}, {"label": "A"}]}')),
    ("either UiTemplateS3Uri or HumanTaskUiArn", lambda _: task(UiConfig={})),
    ("is not offered here", lambda _: task(
        UiConfig={"HumanTaskUiArn": "arn:aws:sagemaker:us-east-1:394669845002:human-task-ui/PointCloud"})),
    ("Syntax", template("<p>{% if %}</p>")),
    ("no UTF-8", template(b"\xff\xfe")),
    ("is not offered here", lambda _: task(**functions_of("3DPointCloudObjectTracking"))),
    ("PreHumanTaskLambdaArn is for", lambda _: task(**functions_of("BoundingBox", "ImageMultiClass"))),
    ("at most 28800", lambda _: task(TaskTimeLimitInSeconds=28_801)),
    ("at most 2592000", lambda _: task(TaskAvailabilityLifetimeInSeconds=2_592_001)),
    ("not paid by the task", lambda _: task(PublicWorkforceTaskPrice=PRICE)),
    ("there is no work team", lambda _: task(WorkteamArn=f"{TEAMS}/private-crowd/others")),
    ("there is no work team", lambda _: task(WorkteamArn=f"{TEAMS}/vendor-crowd/readers")),
    ("needs a price", lambda _: task(WorkteamArn=PUBLIC)),
    ("ContentClassifiers", lambda _: task(WorkteamArn=PUBLIC, PublicWorkforceTaskPrice=PRICE)),
    ("at most 43200", lambda _: task(
        WorkteamArn=PUBLIC, PublicWorkforceTaskPrice=PRICE, TaskAvailabilityLifetimeInSeconds=43_201)),
    ("S3OutputPath", lambda _: {"OutputConfig": {"S3OutputPath": "https://out/x"}}),
    ("cannot be written", lambda _: {"OutputConfig": {"S3OutputPath": "s3://elsewhere/corpora/x"}}),
    ("cannot be written", lambda _: {"OutputConfig": {"S3OutputPath": "s3://work/documents/x"}}),
]  # fmt: skip


@pytest.mark.parametrize(("part", "change"), BAD, ids=[f"{n}-{part}" for n, (part, _) in enumerate(BAD)])
def test_a_parameter_that_is_wrong_is_told_and_no_job_is_made(
    bench: Workbench, part: str, change: Change
) -> None:
    made = change(bench)
    config = made.pop("HumanTaskConfig", {})

    with pytest.raises(ValidationError) as refusal:
        bench.create(lines_of(2), "second", made, **config)

    assert part in str(refusal.value)
    assert refusal.value.code == "ValidationException"
    assert bench.desk.jobs.find("second") is None


def test_a_job_for_the_public_workforce_is_open_to_everybody(bench: Workbench) -> None:
    given = {"ContentClassifiers": ["FreeOfPersonallyIdentifiableInformation", "FreeOfAdultContent"]}
    change = {"InputConfig": {**request_of()["InputConfig"], "DataAttributes": given}}

    bench.create(lines_of(1), "public", change, WorkteamArn=PUBLIC, PublicWorkforceTaskPrice=PRICE)
    bench.run()

    assert bench.job("public").is_public
    assert bench.work("anybody", name="public")


def test_template_and_manifest_are_kept_as_they_were(bench: Workbench) -> None:
    bench.put("s3://in/input.manifest", '{"source-ref": "s3://in/changed.png"}')
    bench.put("s3://in/template.liquid.html", "changed")

    bench.run()

    assert bench.work("anna", name="first")
    assert bench.job("first").total == 2


# ---- lists


def test_jobs_are_listed_in_pages_filtered_and_sorted(bench: Workbench) -> None:
    for name in ("second", "third"):
        bench.clock.pass_by(60)
        bench.create(lines_of(1), name)
    call(bench, "StopLabelingJob", LabelingJobName="third")

    def listed(**parameters: Any) -> list[str]:
        names: list[str] = []
        while True:
            page = call(bench, "ListLabelingJobs", **parameters)
            names += [each["LabelingJobName"] for each in page["LabelingJobSummaryList"]]
            if "NextToken" not in page:
                return names
            parameters["NextToken"] = page["NextToken"]

    assert listed() == ["third", "second", "first"]
    assert listed(MaxResults=1, SortOrder="Ascending") == ["first", "second", "third"]
    assert listed(SortBy="Name") == ["third", "second", "first"]
    assert listed(StatusEquals="Stopping") == ["third"]
    assert listed(NameContains="IR") == ["third", "first"]
    assert listed(CreationTimeAfter=START.timestamp() + 30) == ["third", "second"]
    assert listed(CreationTimeBefore=START.isoformat()) == ["first"]
    with pytest.raises(ValidationError):
        listed(NextToken="not one")


def test_a_teams_jobs_are_listed_with_what_is_left(bench: Workbench) -> None:
    bench.run()

    found = call(bench, "ListLabelingJobsForWorkteam", WorkteamArn=f"{TEAMS}/private-crowd/readers")
    none = call(bench, "ListLabelingJobsForWorkteam", WorkteamArn=f"{TEAMS}/private-crowd/others")

    (job,) = found["LabelingJobSummaryList"]
    assert job["LabelCounters"] == {"HumanLabeled": 0, "PendingHuman": 2, "Total": 2}
    assert none["LabelingJobSummaryList"] == []


# ---- templates


def test_a_template_is_rendered_with_its_input(bench: Workbench) -> None:
    content = '<img src="{{ task.input.taskObject | grant_read_access }}">{{ task.input.word }}'

    result = call(
        bench, "RenderUiTemplate",
        UiTemplate={"Content": content},
        Task={"Input": json.dumps({"taskObject": "s3://in/page-0.png", "word": "<script>"})},
        RoleArn="arn:aws:iam::000000000000:role/labelling",
    )  # fmt: skip

    assert "https://in.example/page-0.png" in result["RenderedContent"]
    assert "&lt;script&gt;" in result["RenderedContent"]
    assert result["Errors"] == []


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("s3://work/labelling/job/answers/a/b.json", "lies where no input of labelling jobs does"),
        ("s3://work/models/m.tar.gz", "lies where no input"),
        ("s3://work/corpora/other.png", "is not named in Task.Input"),
        ("s3://in/other.png", "is not named in Task.Input"),
    ],
)
def test_a_page_gets_no_link_to_what_is_no_input_or_is_not_named(
    bench: Workbench, uri: str, reason: str
) -> None:
    is_named = "no input" in reason
    result = call(
        bench, "RenderUiTemplate",
        UiTemplate={"Content": f"{{{{ '{uri}' | grant_read_access }}}}"},
        Task={"Input": json.dumps({"page": uri if is_named else "s3://work/corpora/page.png"})},
        RoleArn="arn:aws:iam::000000000000:role/labelling",
    )  # fmt: skip

    assert result["RenderedContent"] == ""
    assert reason in result["Errors"][0]["Message"]


def test_a_page_of_the_work_buckets_corpora_is_linked(bench: Workbench) -> None:
    result = call(
        bench, "RenderUiTemplate",
        UiTemplate={"Content": "{{ task.input.page | grant_read_access }}"},
        Task={"Input": json.dumps({"page": "s3://work/corpora/page.png"})},
        RoleArn="arn:aws:iam::000000000000:role/labelling",
    )  # fmt: skip

    assert "https://work.example/corpora/page.png" in result["RenderedContent"]


def test_a_broken_template_is_told_as_an_error_of_the_rendering(bench: Workbench) -> None:
    result = call(
        bench, "RenderUiTemplate",
        UiTemplate={"Content": "{% for %}"}, Task={"Input": "{}"},
        RoleArn="arn:aws:iam::000000000000:role/labelling",
    )  # fmt: skip

    assert [set(error) for error in result["Errors"]] == [{"Code", "Message"}]


@pytest.mark.parametrize("given", ["[]", "no", '"text"'])
def test_an_input_that_is_no_object_is_refused(bench: Workbench, given: str) -> None:
    with pytest.raises(ValidationError):
        call(
            bench, "RenderUiTemplate",
            UiTemplate={"Content": "x"}, Task={"Input": given},
            RoleArn="arn:aws:iam::000000000000:role/labelling",
        )  # fmt: skip


def test_the_service_page_for_text_entities_is_ours(bench: Workbench) -> None:
    arn = "arn:aws:sagemaker:us-east-1:394669845002:human-task-ui/NamedEntityRecognition"

    result = call(
        bench, "RenderUiTemplate",
        HumanTaskUiArn=arn, Task={"Input": json.dumps({"labels": ["A"], "taskObject": "text <b>"})},
        RoleArn="arn:aws:iam::000000000000:role/labelling",
    )  # fmt: skip

    assert "crowd-entity-annotation" in result["RenderedContent"]
    assert "text &lt;b&gt;" in result["RenderedContent"]


# ---- teams


def test_a_team_is_made_changed_listed_and_deleted(bench: Workbench) -> None:
    made = call(bench, "CreateWorkteam", WorkteamName="second", Description="d", MemberDefinitions=[MEMBER])

    changed = call(bench, "UpdateWorkteam", WorkteamName="second", Description="new")
    listed = call(bench, "ListWorkteams", SortBy="Name", SortOrder="Ascending")
    filtered = call(bench, "ListWorkteams", NameContains="sec")

    assert made["WorkteamArn"] == f"{TEAMS}/private-crowd/second"
    assert changed["Workteam"]["Description"] == "new"
    assert changed["Workteam"] == call(bench, "DescribeWorkteam", WorkteamName="second")["Workteam"]
    assert changed["Workteam"]["MemberDefinitions"] == [MEMBER]
    assert [team["WorkteamName"] for team in listed["Workteams"]] == ["readers", "second"]
    assert [team["WorkteamName"] for team in filtered["Workteams"]] == ["second"]
    with pytest.raises(JobNameTakenError):
        call(bench, "CreateWorkteam", WorkteamName="second", Description="d", MemberDefinitions=[MEMBER])
    assert call(bench, "DeleteWorkteam", WorkteamName="second") == {"Success": True}
    for operation in ("DescribeWorkteam", "UpdateWorkteam", "DeleteWorkteam"):
        with pytest.raises(NotFoundError):
            call(bench, operation, WorkteamName="second")


def test_a_team_with_a_running_job_stays(bench: Workbench) -> None:
    with pytest.raises(ValidationError, match="used by labeling job first"):
        call(bench, "DeleteWorkteam", WorkteamName="readers")


def test_members_are_of_one_kind(bench: Workbench) -> None:
    oidc = {"OidcMemberDefinition": {"Groups": ["readers"]}}

    for members in ([MEMBER, oidc], [{}], [{**MEMBER, **oidc}]):
        with pytest.raises(ValidationError):
            call(bench, "CreateWorkteam", WorkteamName="odd", Description="d", MemberDefinitions=members)
    call(bench, "CreateWorkteam", WorkteamName="even", Description="d", MemberDefinitions=[oidc])
    team = bench.desk.teams.find("even")
    assert team
    assert team.groups == {"readers"}


def test_there_is_one_workforce_and_no_vendor(bench: Workbench) -> None:
    (found,) = call(bench, "ListWorkforces")["Workforces"]

    assert found == call(bench, "DescribeWorkforce", WorkforceName="default")["Workforce"]
    assert call(bench, "ListWorkforces", NameContains="other")["Workforces"] == []
    assert call(bench, "ListSubscribedWorkteams")["SubscribedWorkteams"] == []
    with pytest.raises(NotFoundError):
        call(bench, "DescribeWorkforce", WorkforceName="other")


# ---- shapes


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"LabelingJobName": "no spaces"}, "LabelingJobName"),
        ({"LabelingJobName": None}, "LabelingJobName"),
        (task(NumberOfHumanWorkersPerDataObject=10), "NumberOfHumanWorkersPerDataObject"),
        (task(NumberOfHumanWorkersPerDataObject=0), "NumberOfHumanWorkersPerDataObject"),
        (task(TaskTimeLimitInSeconds=29), "TaskTimeLimitInSeconds"),
        (task(MaxConcurrentTaskCount=5001), "MaxConcurrentTaskCount"),
        (task(TaskKeywords=["a"] * 6), "TaskKeywords"),
        (task(TaskTitle="x" * 129), "TaskTitle"),
        ({"RoleArn": "role"}, "RoleArn"),
        ({"OutputConfig": "s3://out"}, "OutputConfig"),
    ],
)
def test_what_the_shapes_say_is_checked(change: dict[str, Any], part: str) -> None:
    model = operation_model("sagemaker", "CreateLabelingJob")
    assert model

    with pytest.raises(ShapeError, match=part):
        checked(model, {**request_of(), **change})


def test_an_unknown_operation_is_refused(bench: Workbench) -> None:
    with pytest.raises(OperationError, match="DeleteEverything is not answered"):
        answer("DeleteEverything", {}, bench.control)


def test_the_shipped_form_of_a_category_file_is_read() -> None:
    text = json.dumps(
        {
            "document-version": "2018-11-28",
            "labels": [{"label": "Provider Name"}, {"label": "APR"}],
            "instructions": {"shortInstruction": "<p>s</p>", "fullInstruction": "<p>f</p>"},
            "auditLabelAttributeName": "earlier",
        }
    )

    assert parse_categories(text, "labels.json") == ("Provider Name", "APR")


def test_labels_that_no_row_can_hold_are_refused() -> None:
    text = json.dumps({"labels": [{"label": f"{number:05} {'x' * 200}"} for number in range(1_000)]})

    with pytest.raises(ValidationError, match="206,000 bytes, at most 200,000"):
        parse_categories(text, "labels.json")
