"""`recto label create` as a user types it: what the request says for each kind of task, what is refused."""

import gzip
import json
import os
import re
from pathlib import Path
from typing import Any

import boto3
import botocore
import pytest
from botocore.stub import Stubber

from recto_cli.labelling.back_ends import RefusalError
from recto_cli.labelling.built_in import built_in_functions
from recto_cli.labelling.jobs import function_arn
from recto_cli.labelling.public_workforce import public_workforce
from recto_cli.labelling.tasks import TaskType
from recto_cli.stack import Stack
from recto_local.standins.shapes import checked, operation_model
from tests.unit.cli.label_fakes import manifest
from tests.unit.cli.label_stack import Workplace, invoke, make_workplace, page

GOLDEN = Path(__file__).parent / "label_requests"
BOXES = {"boxes": {"image_size": [], "annotations": []}, "boxes-metadata": {"class-map": {}}}
SEGMENTS = {"areas-ref": "s3://work/a.png", "areas-ref-metadata": {"internal-color-map": {}}}
PUBLIC = ("--team", "public", "--price", "0.036", "--free-of-personal-information")
JOBS: dict[str, tuple[str, tuple[str, ...], tuple[str, ...], dict[str, Any]]] = {
    "D1-image-classification": ("image-classification", (), (), {}),
    "D2-bounding-box": ("bounding-box", (), (), {}),
    "D3-boxes-by-three-workers": (
        "bounding-box", (), ("--workers-per-object", "3", "--keywords", "pages,boxes", "--title", "Boxes"), {}
    ),
    "D4-boxes-by-the-public": ("bounding-box", (), (*PUBLIC, "--workers-per-object", "3"), {}),
    "D5-semantic-segmentation": ("semantic-segmentation", (), (), {}),
    "D6-ocr-boxes": ("ocr-boxes", (), (), {}),
    "D7-text-entities": ("text-entities", (), (), {"text-file-s3-uri": "s3://work/corpora/text/1.txt"}),
    "D8-bounding-box-adjustment": (
        "bounding-box-adjustment", ("--adjust", "boxes"), ("--adjust", "boxes"), BOXES
    ),
    "D8-semantic-segmentation-adjustment": (
        "semantic-segmentation-adjustment", ("--adjust", "areas-ref"), ("--adjust", "areas-ref"), SEGMENTS
    ),
    "D8-ocr-boxes-adjustment": ("ocr-boxes-adjustment", ("--adjust", "boxes"), ("--adjust", "boxes"), BOXES),
}  # fmt: skip


@pytest.fixture
def here(stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workplace:
    return make_workplace(stack, tmp_path, monkeypatch)


@pytest.mark.parametrize("name", JOBS)
def test_each_kind_of_job_makes_the_request_on_file(here: Workplace, name: str) -> None:
    """`pytest … ` with RECTO_WRITE_GOLDEN set in the environment writes the files anew."""
    task, template_options, options, more = JOBS[name]
    manifest(here.folder / "pages.manifest", page(1, **more), page(2, **more))
    here.template(task, *template_options)

    result = here.create("second-look", task, "--dry-run", *options)

    assert result.exit_code == 0, (result.output, result.exception)
    request = json.loads(result.stdout)
    golden = GOLDEN / f"{name}.json"
    if os.environ.get("RECTO_WRITE_GOLDEN"):
        golden.write_text(json.dumps(request, indent=1) + "\n", encoding="utf-8")
    assert request == json.loads(golden.read_bytes())
    model = operation_model("sagemaker", "CreateLabelingJob")
    assert model is not None
    assert checked(model, request) == request  # nothing in it is unknown to the service
    assert here.end.jobs == {}
    assert "Contents" not in boto3.client("s3").list_objects_v2(Bucket="work")


def test_a_job_is_made_and_what_lies_here_goes_to_the_work_bucket(here: Workplace) -> None:
    here.template("bounding-box")

    result = here.create("first", "bounding-box")

    assert result.exit_code == 0, (result.output, result.exception)
    assert "labeling-job/first" in result.stdout
    assert "https://workbench.example.org" in result.stdout
    request = here.end.jobs["first"]
    uri = request["InputConfig"]["DataSource"]["S3DataSource"]["ManifestS3Uri"]
    assert uri == "s3://work/corpora/labelling/first/input.manifest"
    stored = boto3.client("s3").get_object(Bucket="work", Key=uri.removeprefix("s3://work/"))["Body"].read()
    assert stored == (here.folder / "pages.manifest").read_bytes()
    template = request["HumanTaskConfig"]["UiConfig"]["UiTemplateS3Uri"].removeprefix("s3://work/")
    assert b"crowd-bounding-box" in boto3.client("s3").get_object(Bucket="work", Key=template)["Body"].read()


def test_a_refused_job_leaves_nothing_in_the_bucket(here: Workplace) -> None:
    here.template("bounding-box")
    here.end.refuses["CreateLabelingJob"] = RefusalError(
        "CreateLabelingJob", "ResourceLimitExceeded", "20 jobs"
    )

    result = here.create("first", "bounding-box")

    assert result.exit_code == 1
    assert "ResourceLimitExceeded: 20 jobs" in str(result.exception)
    assert "Contents" not in boto3.client("s3").list_objects_v2(Bucket="work")


def test_two_jobs_of_one_name_are_refused_whatever_the_case(here: Workplace) -> None:
    here.template("bounding-box")
    assert here.create("first", "bounding-box").exit_code == 0

    result = here.create("First", "bounding-box")

    assert result.exit_code == 1
    assert "there is a labelling job 'First' already" in str(result.exception)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--workers-per-object", "10"), "--workers-per-object 10: expected 1 to 9"),
        (("--workers-per-object", "0"), "--workers-per-object 0: expected 1 to 9"),
        (("--time-limit", "29"), "--time-limit 29: expected 30 to 28800"),
        (("--availability", "2592001"), "--availability 2592001: expected 60 to 2592000"),
        (("--max-concurrent", "5001"), "--max-concurrent 5001: expected 1 to 5000"),
        (("--keywords", "a,b,c,d,e,f"), "--keywords: expected 1 to 5, got 6"),
        (("--keywords", "one_two"), "keyword 'one_two'"),
        (("--label-attribute", "boxes-ref"), "ends in -ref, which says that the label is a file"),
        (("--label-attribute", "boxes-metadata"), "ends in -metadata"),
        (("--label-attribute", "page-num"), "is in the manifest already"),
        (("--label-attribute", "my_boxes"), "label attribute 'my_boxes': expected up to 127 letters"),
        (("--price", "0.036"), "--price is for --team public"),
        (("--price", "a lot"), "expected US dollars"),
        (("--team", "public", "--price", "0.012"), "expected one of 0.036, 0.048"),
        (("--team", "public", "--price", "0.036"), "free of personal information"),
        (("--adjust", "boxes"), "--adjust is for tasks that review labels"),
        (("--pre", "mine"), "--pre 'mine': expected recto, built-in or an ARN"),
        (("--role", "me"), "RoleArn"),
        (("--output", "work/out"), "OutputConfig.S3OutputPath"),
        (("--title", "x" * 129), "HumanTaskConfig.TaskTitle"),
        (("--tag", "nothing"), "--tag: expected NAME=VALUE"),
        (("--team", "reader"), "no work team 'reader', did you mean 'readers'?"),
        (("--team", "others"), "known: readers"),
    ],
)
def test_what_the_service_would_refuse_is_told_before_anything_is_sent(
    here: Workplace, options: tuple[str, ...], told: str
) -> None:
    here.template("bounding-box")

    result = here.create("first", "bounding-box", *options)

    assert result.exit_code == 1
    assert told in str(result.exception), result.exception
    assert "CreateLabelingJob" not in here.end.calls
    assert "Contents" not in boto3.client("s3").list_objects_v2(Bucket="work")


def test_all_faults_are_told_at_once(here: Workplace) -> None:
    here.template("bounding-box")

    result = here.create("first", "bounding-box", "--workers-per-object", "10", "--time-limit", "1")

    assert "--workers-per-object 10" in str(result.exception)
    assert "--time-limit 1" in str(result.exception)


def test_faults_of_options_names_and_files_are_told_together_each_once(here: Workplace) -> None:
    here.template("bounding-box")
    Path(here.file("label-categories.json")).write_text("{", encoding="utf-8")
    manifest(here.folder / "pages.manifest", "no", page(1))

    result = here.create(
        "my_job", "bounding-box", "--workers-per-object", "10", "--team", "reader", "--pre", "mine",
        "--tag", "nothing", "--title", "x" * 129, "--output", "work/out", "--price", "a lot",
    )  # fmt: skip

    told = str(result.exception).strip().splitlines()
    for part in (
        "job name 'my_job': expected", "label-categories.json: expected", "no work team 'reader'",
        "--pre 'mine': expected", "--tag: expected NAME=VALUE", "--price 'a lot': expected US dollars",
        "--workers-per-object 10: expected", "line 1: not JSON", "HumanTaskConfig.TaskTitle",
        "OutputConfig.S3OutputPath",
    ):  # fmt: skip
        assert sum(part in line for line in told) == 1, (part, told)
    assert "CreateLabelingJob" not in here.end.calls


def test_a_file_that_is_missing_hides_no_other_fault(here: Workplace) -> None:
    here.template("bounding-box")

    result = here.create("first", "bounding-box", "--time-limit", "1", lines="none.manifest")

    told = str(result.exception).strip().splitlines()
    assert len(told) == 2, told
    assert "none.manifest: No such file" in told[0]
    assert "--time-limit 1" in told[1]


@pytest.mark.parametrize(
    ("lines", "task", "told"),
    [
        (["{broken"], "bounding-box", "line 1: not JSON"),
        ([page(1), "[]"], "bounding-box", "line 2: expected a JSON object, seen a list"),
        ([], "bounding-box", "no object in it"),
        ([{"page-num": 1}], "bounding-box", "line 1: expected the key source-ref, seen page-num"),
        ([{"source-ref": "s3://a/b.png"}], "ocr-boxes", "needs the key textract-ref"),
        ([{"source-ref": "imgs/b.png"}], "bounding-box", "source-ref: expected s3://…, seen 'imgs/b.png'"),
        ([page(1)], "semantic-segmentation", ""),
        ([page(1)], "text-entities", "line 1: source-ref is a picture, text-entities needs texts"),
        ([page(1) | {"source": "A lease"}], "text-entities", ""),
        ([{"source-ref": "s3://a/b.txt"}], "text-entities", ""),
    ],
)
def test_a_manifest_that_cannot_be_labelled_is_told_with_its_line(
    here: Workplace, lines: list[Any], task: str, told: str
) -> None:
    manifest(here.folder / "pages.manifest", *lines)
    here.template(task)

    result = here.create("first", task)

    assert result.exit_code == (1 if told else 0), result.exception
    assert told in str(result.exception)


def test_many_broken_lines_are_counted_not_listed(here: Workplace) -> None:
    manifest(here.folder / "pages.manifest", *(["no"] * 20))
    here.template("bounding-box")

    result = here.create("first", "bounding-box")

    assert "15 more lines like these" in str(result.exception)


def test_a_review_needs_labels_that_are_there(here: Workplace) -> None:
    here.template("bounding-box-adjustment", "--adjust", "boxes")

    missing = here.create("first", "bounding-box-adjustment", "--adjust", "boxes")
    unsaid = here.create("first", "bounding-box-adjustment")
    manifest(here.folder / "pages.manifest", page(1, **BOXES), page(2))
    some = here.create("first", "bounding-box-adjustment", "--adjust", "boxes", "--dry-run")
    same = here.create(
        "first", "bounding-box-adjustment", "--adjust", "boxes", "--label-attribute", "boxes", "--dry-run"
    )

    assert "--adjust boxes: no line of" in str(missing.exception)
    assert "needs --adjust ATTRIBUTE" in str(unsaid.exception)
    assert some.exit_code == 0
    assert "1 objects have no labels in boxes (lines 2)" in some.stderr
    assert "'boxes' is in the manifest already" in str(same.exception)


def test_a_template_that_is_not_filled_in_is_refused(here: Workplace) -> None:
    here.template("bounding-box")
    Path(here.file("template.liquid.html")).write_text(
        '<crowd-form header="[[recto:header]]">', encoding="utf-8"
    )

    result = here.create("first", "bounding-box")

    assert "is not filled in ([[recto:header]])" in str(result.exception)


def test_labels_are_read_from_the_file_beside_the_template(here: Workplace) -> None:
    here.template("bounding-box")
    Path(here.file("label-categories.json")).write_text('{"labels": ["Party"]}', encoding="utf-8")
    broken = here.create("first", "bounding-box")
    Path(here.file("label-categories.json")).unlink()
    absent = here.create("first", "bounding-box")

    assert "label-categories.json: expected" in str(broken.exception)
    assert "label-categories.json: no such file" in str(absent.exception)


def test_the_public_workforce_is_simulated_and_the_command_says_that_it_is_closed(here: Workplace) -> None:
    here.template("bounding-box")

    result = here.create("first", "bounding-box", *PUBLIC, "--workers-per-object", "3", "--dry-run")

    assert result.exit_code == 0, result.exception
    task = json.loads(result.stdout)["HumanTaskConfig"]
    assert task["PublicWorkforceTaskPrice"]["AmountInUsd"] == {
        "Dollars": 0, "Cents": 3, "TenthFractionsOfACent": 6
    }  # fmt: skip
    assert (
        "2 objects x 3 workers x 0.036 = 0.22 for workers, and 0.16 Ground Truth's fee: 0.38" in result.stderr
    )
    assert "AWS closed the public workforce on 2026-09-30" in result.stderr


def test_ground_truth_gets_no_job_for_the_public_workforce(
    here: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.template("bounding-box")
    sagemaker, others = boto3.client("sagemaker"), boto3.client
    monkeypatch.setattr(
        boto3, "client", lambda name, **asked: sagemaker if name == "sagemaker" else others(name, **asked)
    )
    with Stubber(sagemaker) as stub:
        stub.add_response("list_labeling_jobs", {"LabelingJobSummaryList": []}, {"NameContains": "first"})

        result = here.create("first", "bounding-box", *PUBLIC, "--back-end", "ground-truth")

        stub.assert_no_pending_responses()  # nothing else is asked of it, or the stub would raise
    assert result.exit_code == 1
    assert "AWS closed the public workforce on 2026-09-30" in result.stderr
    assert json.loads(result.stdout)["LabelingJobName"] == "first"


def test_fees_fall_with_the_number_of_objects() -> None:
    fees = public_workforce().fees

    assert [str(fees(count)) for count in (0, 50_000, 50_001, 1_000_001)] == [
        "0.00", "4000.00", "4000.04", "42000.02"
    ]  # fmt: skip


def test_functions_of_aws_are_known_in_every_region_that_it_documents() -> None:
    known = built_in_functions()

    assert len(known.accounts) == 12
    assert known.arn("PRE-BoundingBox", "eu-central-1") == (
        "arn:aws:lambda:eu-central-1:203001061592:function:PRE-BoundingBox"
    )
    assert all(source.startswith("https://docs.aws.amazon.com/") for source in known.source)


def test_functions_of_aws_are_those_of_its_api_reference() -> None:
    """The reference's text comes with botocore: whatever it lists, our file has, and nothing else."""
    file = Path(botocore.__file__).parent / "data" / "sagemaker" / "2017-07-24" / "service-2.json.gz"
    shapes = json.loads(gzip.decompress(file.read_bytes()))["shapes"]
    texts = (
        shapes["HumanTaskConfig"]["members"]["PreHumanTaskLambdaArn"]["documentation"],
        shapes["AnnotationConsolidationConfig"]["members"]["AnnotationConsolidationLambdaArn"][
            "documentation"
        ],
    )
    documented = set(re.findall(r"arn:aws[a-z-]*:lambda:[^<\s]+", " ".join(texts)))
    known = built_in_functions()

    ours = {
        known.arn(name, region) for region in known.accounts for name in (*known.pre, *known.consolidation)
    }

    assert ours == documented


def test_regions_without_them_take_the_stacks_own(here: Workplace) -> None:
    own = function_arn("", "PRE", TaskType.BOUNDING_BOX, "eu-north-1", here.stack)
    with pytest.raises(Exception, match="documents no built-in labelling functions in region eu-north-1"):
        function_arn("built-in", "PRE", TaskType.BOUNDING_BOX, "eu-north-1", here.stack)
    with pytest.raises(Exception, match="Ground Truth has no function for ocr-boxes"):
        function_arn("built-in", "ACS", TaskType.OCR_BOXES, "us-east-1", here.stack)

    assert own.endswith(":function:recto-test-smgt-pre-LabelingFunction")


def test_a_stack_without_a_role_says_what_the_role_must_allow(here: Workplace) -> None:
    boto3.client("ssm").delete_parameter(Name="/recto-test/static/LabellingRoleArn")
    here.template("bounding-box")

    result = here.create("first", "bounding-box")

    assert "say --role ARN" in str(result.exception)
    assert "LabelingFunction" in str(result.exception)


def test_a_missing_manifest_is_named(here: Workplace) -> None:
    here.template("bounding-box")

    away = here.create("first", "bounding-box", "--manifest", "s3://work/none.manifest")
    absent = here.create("first", "bounding-box", lines="other.manifest")

    assert "s3://work/none.manifest" in str(away.exception)
    assert "other.manifest: No such file" in str(absent.exception)
    assert invoke("label", "describe", "first").exit_code == 1
