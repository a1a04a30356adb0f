"""Labelling jobs from boto3's create_labeling_job to the output manifest, on the deployed functions.

Workers answer as the web does, through `recto_workbench.steps.assignment`; nobody else is pretended.
"""

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from botocore.exceptions import ClientError

from recto.manifests import label_attributes
from recto.places import Location
from recto_workbench.aws.wiring import desk_of
from recto_workbench.errors import AlreadySubmittedError, NotAllowedError, TaskExpiredError
from recto_workbench.settings import LabellingControlSettings
from recto_workbench.steps.assignment import Desk, TaskView, next_task, submit
from recto_workbench.tasks import Worker
from tests.e2e.conftest import CALLER, SAMPLES, Pipeline, wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]
ACCOUNT = "000000000000"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/labelling"
OURS = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:recto-tests-LabelingFunction"
AWS_LAMBDA = "arn:aws:lambda:us-east-1:432418664414:function"
PREFIX = "corpora/labelling-test"
TEMPLATE = """<crowd-form><crowd-bounding-box name="boundingBox"
 src="{{ task.input.taskObject | grant_read_access }}" header="Boxes"
 labels="{{ task.input.labels | to_json | escape }}"></crowd-bounding-box></crowd-form>"""

FUNCTION = """
import json, time
import boto3

def lambda_handler(event, context):
    return pre(event["dataObject"]) if "dataObject" in event else post(event)

def pre(line):
    do = line.get("do", "")
    if do == "fail":
        raise RuntimeError("broken on purpose")
    if do == "wrong":
        return {"input": "of another shape"}
    given = {"taskObject": line.get("source-ref", "")}
    return {"taskInput": given, "isHumanAnnotationRequired": do != "nobody"}

def post(event):
    bucket, _, key = event["payload"]["s3Uri"].removeprefix("s3://").partition("/")
    entries = json.loads(boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())
    results = []
    for entry in entries:
        said = [json.loads(a["annotationData"]["content"]) for a in entry["annotations"]]
        if any(answer.get("text") == "raise" for answer in said):
            raise RuntimeError("cannot consolidate this one")
        if any(answer.get("text") == "lose" for answer in said):
            continue
        label = {"said": said, "labels": event["labelCategories"]}
        content = {"content": {event["labelAttributeName"]: label}}
        results.append({"datasetObjectId": entry["datasetObjectId"], "consolidatedAnnotation": content})
    return results
"""


class Labelling:
    """What a user and his workers have: boto3, a bucket, and a seat at the desk."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self.sagemaker = pipeline.client("sagemaker")
        self.desk = self._desk()
        self.team = self._team()

    def _desk(self) -> Desk:
        name = self.pipeline.info.outputs["LabellingControlFunctionName"]
        found = self.pipeline.client("lambda").get_function_configuration(FunctionName=name)
        settings = LabellingControlSettings.read(found["Environment"]["Variables"])
        return desk_of(CALLER, settings, settings, settings.work_bucket)

    def _team(self) -> str:
        member = {"UserPool": "us-east-1_pool", "UserGroup": "readers", "ClientId": "client"}
        made = self.sagemaker.create_workteam(
            WorkteamName="readers",
            Description="Those who read",
            MemberDefinitions=[{"CognitoMemberDefinition": member}],
        )
        return str(made["WorkteamArn"])

    def uri(self, name: str) -> str:
        return f"s3://{self.pipeline.work}/{PREFIX}/{name}"

    def put(self, name: str, body: bytes | str) -> str:
        content = body.encode() if isinstance(body, str) else body
        self.pipeline.objects.write(Location.from_uri(self.uri(name)), content)
        return self.uri(name)

    def read(self, uri: str) -> Any:
        return json.loads(self.pipeline.objects.read(Location.from_uri(uri)))

    def create(self, name: str, lines: list[str], **task: Any) -> dict[str, Any]:
        made: dict[str, Any] = self.sagemaker.create_labeling_job(**self.request(name, lines, **task))
        return made

    def request(self, name: str, lines: list[str], **task: Any) -> dict[str, Any]:
        labels = {"document-version": "2018-11-28", "labels": [{"label": "Title"}, {"label": "Total"}]}
        return {
            "LabelingJobName": name,
            "LabelAttributeName": "found",
            "InputConfig": {
                "DataSource": {
                    "S3DataSource": {"ManifestS3Uri": self.put(f"{name}/in.manifest", "\n".join(lines))}
                }
            },
            "OutputConfig": {"S3OutputPath": self.uri("out/")},
            "RoleArn": ROLE,
            "LabelCategoryConfigS3Uri": self.put(f"{name}/labels.json", json.dumps(labels)),
            "HumanTaskConfig": {
                "WorkteamArn": self.team,
                "UiConfig": {"UiTemplateS3Uri": self.put(f"{name}/template.liquid.html", TEMPLATE)},
                "PreHumanTaskLambdaArn": OURS,
                "TaskKeywords": ["boxes"],
                "TaskTitle": "Boxes",
                "TaskDescription": "Draw a box around each title",
                "NumberOfHumanWorkersPerDataObject": 1,
                "TaskTimeLimitInSeconds": 600,
                "TaskAvailabilityLifetimeInSeconds": 3600,
                "MaxConcurrentTaskCount": 2,
                "AnnotationConsolidationConfig": {"AnnotationConsolidationLambdaArn": OURS},
                **task,
            },
        }

    def describe(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.sagemaker.describe_labeling_job(LabelingJobName=name)
        return found

    def ended(self, name: str, seconds: float = 120) -> dict[str, Any]:
        def look() -> dict[str, Any] | None:
            found = self.describe(name)
            return found if found["LabelingJobStatus"] in ("Completed", "Failed", "Stopped") else None

        return wait_for(look, seconds, lambda: self.describe(name))  # type: ignore[no-any-return]

    def output(self, name: str) -> list[dict[str, Any]]:
        place = Location.from_uri(self.describe(name)["LabelingJobOutput"]["OutputDatasetS3Uri"])
        return [json.loads(line) for line in self.pipeline.objects.read(place).splitlines()]

    def task(self, name: str, worker: Worker, seconds: float = 90) -> TaskView:
        """A task for the worker, as soon as one is on offer."""
        look = lambda: next_task(name, worker, reserve=False, desk=self.desk)  # noqa: E731
        return wait_for(look, seconds, lambda: self.describe(name))  # type: ignore[no-any-return]

    def answer(self, task: TaskView, worker: Worker, answer: Mapping[str, Any]) -> None:
        submit(task.assignment.assignment_id, worker, task.assignment.nonce, answer, self.desk)


def worker(name: str) -> Worker:
    return Worker(worker_id=f"private.us-east-1.{name}", name=name, groups=("readers",))


ANNA, BEN = worker("anna"), worker("ben")


@pytest.fixture(scope="module")
def labelling(pipeline: Pipeline) -> Labelling:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("app.py", FUNCTION)
    pipeline.client("lambda").create_function(
        FunctionName=OURS.rpartition(":")[2],
        Runtime="python3.11",
        Role=ROLE,
        Handler="app.lambda_handler",
        Code={"ZipFile": made.getvalue()},
        Timeout=30,
    )
    return Labelling(pipeline)


def pages_of(sample: Path) -> list[bytes]:
    """The pages of one of the sample documents as PNG."""
    images = []
    for page in pypdfium2.PdfDocument(sample):
        body = io.BytesIO()
        page.render(scale=1).to_pil().save(body, "PNG")
        images.append(body.getvalue())
    return images


def boxes(left: int, label: str = "Title") -> dict[str, Any]:
    box = {"label": label, "left": left, "top": 40, "width": 200, "height": 30}
    return {
        "boundingBox": {
            "boundingBoxes": [box],
            "inputImageProperties": {"width": 595, "height": 842},
        }
    }


def test_two_people_draw_boxes_on_real_pages_and_the_job_ends_by_itself(labelling: Labelling) -> None:
    samples = ("letter.pdf", "two-columns.pdf", "pricing-table.pdf")
    pages = [pages_of(SAMPLES / name)[0] for name in samples]
    lines = [
        json.dumps({"source-ref": labelling.put(f"pages/{n}.png", page), "page-num": n + 1})
        for n, page in enumerate(pages)
    ]
    builtin = {
        "PreHumanTaskLambdaArn": f"{AWS_LAMBDA}:PRE-BoundingBox",
        "AnnotationConsolidationConfig": {
            "AnnotationConsolidationLambdaArn": f"{AWS_LAMBDA}:ACS-BoundingBox"
        },
    }

    made = labelling.create("boxes-1", lines, NumberOfHumanWorkersPerDataObject=2, **builtin)
    with pytest.raises(ClientError) as twice:
        labelling.create("boxes-1", lines, **builtin)
    seen: dict[str, list[int]] = {"anna": [], "ben": []}
    for who, left in ((ANNA, 60), (BEN, 62)):
        for _ in pages:
            task = labelling.task("boxes-1", who)
            seen[who.name].append(task.assignment.number)
            labelling.answer(task, who, boxes(left))
            if who is ANNA and len(seen["anna"]) == 2:
                break  # two at once are on offer, until Ben has answered too
    labelling.answer(labelling.task("boxes-1", ANNA), ANNA, boxes(60))
    ended = labelling.ended("boxes-1")

    assert twice.value.response["Error"]["Code"] == "ResourceInUse"
    assert made["LabelingJobArn"].endswith(":labeling-job/boxes-1")
    assert seen["ben"] == [0, 1, 2]
    assert ended["LabelingJobStatus"] == "Completed", ended
    assert ended["LabelCounters"] == {
        "TotalLabeled": len(pages), "HumanLabeled": len(pages), "MachineLabeled": 0,
        "FailedNonRetryableError": 0, "Unlabeled": 0,
    }  # fmt: skip
    output = labelling.output("boxes-1")
    assert [line["page-num"] for line in output] == [1, 2, 3]
    for line in output:
        (box,) = line["found"]["annotations"]
        assert set(box) == {"class_id", "top", "left", "height", "width"}
        assert (box["class_id"], round(box["left"]), box["width"]) == (0, 61, 200)
        metadata = line["found-metadata"]
        assert metadata["type"] == "groundtruth/object-detection"
        assert metadata["class-map"] == {"0": "Title"}
        assert metadata["job-name"] == "labeling-job/boxes-1"
        assert 0.5 < metadata["objects"][0]["confidence"] <= 1
        assert [label.name for label in label_attributes(line)] == ["found"]


def test_workers_answers_lie_where_ground_truth_puts_them(labelling: Labelling) -> None:
    s3 = labelling.pipeline.client("s3")
    prefix = f"{PREFIX}/out/boxes-1/"

    listed = s3.list_objects_v2(Bucket=labelling.pipeline.work, Prefix=prefix)["Contents"]

    names = sorted(entry["Key"].removeprefix(prefix) for entry in listed)
    responses = [name for name in names if name.startswith("annotations/worker-response/iteration-1/")]
    assert "manifests/output/output.manifest" in names
    assert [name.split("/")[3] for name in responses] == ["0", "1", "2"]
    found = labelling.read(f"s3://{labelling.pipeline.work}/{prefix}{responses[0]}")
    assert {answer["workerId"] for answer in found["answers"]} == {ANNA.worker_id, BEN.worker_id}
    assert found["answers"][0]["answerContent"]["boundingBox"]["boundingBoxes"][0]["label"] == "Title"
    assert any("/consolidation-request/iteration-1/" in name for name in names)
    assert any("/consolidation-response/iteration-1/" in name for name in names)


def test_what_is_bad_fails_by_itself_with_its_reason_and_the_others_go_on(labelling: Labelling) -> None:
    page = labelling.put("pages/good.png", pages_of(SAMPLES / "letter.pdf")[0])
    lines = [
        json.dumps({"source-ref": page}),
        '{"source-ref": "s3://broken',
        json.dumps({"source-ref": labelling.uri("pages/absent.png")}),
        json.dumps({"source-ref": page, "do": "fail"}),
        json.dumps({"source-ref": page, "do": "wrong"}),
        json.dumps({"source-ref": page, "do": "nobody"}),
        json.dumps({"source-ref": page}),
        json.dumps({"source-ref": page}),
        json.dumps({"page-num": 1}),
    ]

    labelling.create("bad-1", lines, MaxConcurrentTaskCount=9)
    for _ in range(3):
        task = labelling.task("bad-1", ANNA)
        said = {0: "good", 6: "raise", 7: "lose"}[task.assignment.number]
        labelling.answer(task, ANNA, {"text": said})
    ended = labelling.ended("bad-1", 90)

    assert ended["LabelingJobStatus"] == "Completed"
    assert ended["LabelCounters"]["HumanLabeled"] == 1
    assert ended["LabelCounters"]["FailedNonRetryableError"] == 7
    output = labelling.output("bad-1")
    reasons = [line["found-metadata"].get("failure-reason", "") for line in output]
    expected = [
        "", "no JSON", "there is no object", "broken on purpose", "expected an object `taskInput`", "",
        "cannot consolidate this one", "no result for this object", "expected `source-ref`",
    ]  # fmt: skip
    assert [part in reason for part, reason in zip(expected, reasons, strict=True)] == [True] * len(lines)
    assert [bool(reason) for reason in reasons] == [bool(part) for part in expected], reasons
    assert output[0]["found"] == {"said": [{"text": "good"}], "labels": ["Title", "Total"]}
    assert output[0]["found-metadata"]["type"] == "groundtruth/custom"
    assert output[5]["found-metadata"]["human-annotated"] == "no"
    assert "found" not in output[5]


def test_a_job_whose_objects_all_fail_fails_and_says_why(labelling: Labelling) -> None:
    labelling.create("bad-2", [json.dumps({"source-ref": labelling.uri("pages/absent.png")})] * 2)

    ended = labelling.ended("bad-2")

    assert ended["LabelingJobStatus"] == "Failed"
    assert "all 2 objects failed" in ended["FailureReason"]
    assert "absent.png" in ended["FailureReason"]


def test_answers_that_are_late_double_or_somebody_elses_are_refused_and_a_stopped_job_ends(
    labelling: Labelling,
) -> None:
    page = labelling.put("pages/good.png", pages_of(SAMPLES / "letter.pdf")[0])
    labelling.create("stop-1", [json.dumps({"source-ref": page})] * 3, TaskTimeLimitInSeconds=30)
    task = labelling.task("stop-1", ANNA)

    with pytest.raises(NotAllowedError):
        labelling.answer(task, BEN, {"text": "not mine"})
    labelling.answer(task, ANNA, {"text": "mine"})
    with pytest.raises(AlreadySubmittedError):
        labelling.answer(task, ANNA, {"text": "again"})
    late = labelling.task("stop-1", ANNA)
    wait_for(
        lambda: labelling.describe("stop-1")["LabelCounters"]["HumanLabeled"] or None, 90, lambda: "no label"
    )
    labelling.sagemaker.stop_labeling_job(LabelingJobName="stop-1")
    with pytest.raises(TaskExpiredError):
        labelling.answer(late, ANNA, {"text": "too late"})
    ended = labelling.ended("stop-1")

    assert ended["LabelingJobStatus"] == "Stopped"
    assert ended["LabelCounters"]["HumanLabeled"] == 1
    assert ended["LabelCounters"]["Unlabeled"] == 2
    assert len(labelling.output("stop-1")) == 1


def test_boto3_lists_jobs_and_teams_and_renders_templates(labelling: Labelling) -> None:
    sagemaker = labelling.sagemaker
    listed = sagemaker.list_labeling_jobs(SortBy="Name", SortOrder="Ascending", MaxResults=2)
    more = sagemaker.list_labeling_jobs(SortBy="Name", SortOrder="Ascending", NextToken=listed["NextToken"])
    failed = sagemaker.list_labeling_jobs(StatusEquals="Failed", NameContains="bad")
    of_team = sagemaker.list_labeling_jobs_for_workteam(WorkteamArn=labelling.team)
    rendered = sagemaker.render_ui_template(
        UiTemplate={"Content": "<p>{{ task.input.word }}</p>"},
        Task={"Input": json.dumps({"word": "<b>"})},
        RoleArn=ROLE,
    )

    names = [job["LabelingJobName"] for page in (listed, more) for job in page["LabelingJobSummaryList"]]
    assert names == ["bad-1", "bad-2", "boxes-1", "stop-1"]
    assert [job["LabelingJobName"] for job in failed["LabelingJobSummaryList"]] == ["bad-2"]
    assert len(of_team["LabelingJobSummaryList"]) == 4
    assert rendered["RenderedContent"] == "<p>&lt;b&gt;</p>"
    assert rendered["Errors"] == []
    with pytest.raises(ClientError) as refused:
        sagemaker.create_labeling_job(
            **labelling.request(
                "odd", [json.dumps({"source-ref": "s3://a/b"})], NumberOfHumanWorkersPerDataObject=10
            )
        )
    assert refused.value.response["Error"]["Code"] == "ValidationException"
