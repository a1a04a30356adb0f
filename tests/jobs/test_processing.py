"""CreateProcessingJob as the SDK's FrameworkProcessor sends it, checked against SageMaker's model."""

import re
import sys
from types import ModuleType

import pytest

from recto_jobs.staging import ENTRIES
from tests.jobs.conftest import Run

WAY = ("--input", "s3://recto-work/corpora/raw/", "--output", "s3://recto-work/corpora/ocr/")


@pytest.mark.parametrize("step", ["ocr", "pages"])
def test_documents_are_dealt_out_to_the_machines_by_key(step: str, run: Run) -> None:
    request = run("process", step, *WAY, "--instances", "5").one("CreateProcessingJob")

    (documents,) = [each for each in request["ProcessingInputs"] if each["InputName"] == "documents"]
    assert documents["S3Input"]["S3DataDistributionType"] == "ShardedByS3Key"
    assert documents["S3Input"]["S3DataType"] == "S3Prefix"
    assert request["ProcessingResources"]["ClusterConfig"]["InstanceCount"] == 5
    assert request["AppSpecification"]["ContainerArguments"] == [step]


def test_a_list_of_documents_is_sagemakers_manifest(run: Run) -> None:
    way = ("--input", "s3://recto-work/corpora/some.json", *WAY[2:])

    request = run("process", "ocr", *way).one("CreateProcessingJob")

    (documents,) = [each for each in request["ProcessingInputs"] if each["InputName"] == "documents"]
    assert documents["S3Input"]["S3DataType"] == "ManifestFile"


def test_results_are_uploaded_while_the_job_runs(run: Run) -> None:
    request = run("process", "ocr", *WAY).one("CreateProcessingJob")

    (results,) = request["ProcessingOutputConfig"]["Outputs"]
    assert results["S3Output"]["S3UploadMode"] == "Continuous"
    assert results["S3Output"]["S3Uri"] == WAY[3]


def test_settings_of_the_engine_are_the_containers_environment(run: Run) -> None:
    request = run("process", "ocr", *WAY, "--environment", "OCR_DEFAULT_LANGUAGES=eng+deu").one(
        "CreateProcessingJob"
    )

    assert request["Environment"] == {"OCR_DEFAULT_LANGUAGES": "eng+deu"}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("translate", *WAY), "task 'translate': expected one of ocr, pages"),
        (("ocr", "--input", "scans/", *WAY[2:]), "input 'scans/': expected s3://"),
        (("ocr", *WAY[:2], "--output", "s3://"), "output 's3://'"),
        (("ocr", *WAY, "--instance-type", "ml.x.y"), "instance type 'ml.x.y'"),
    ],
)
def test_what_cannot_be_processed_is_refused_before_any_call(
    arguments: tuple[str, ...], told: str, run: Run
) -> None:
    ran = run("process", *arguments)

    assert ran.code == 2
    assert re.search(told, ran.said), ran.said


def test_the_entry_script_runs_the_laptops_own_module_over_this_machines_documents(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[list[str]] = []
    fake = ModuleType("recto_ocr.processing")
    fake.main = lambda: seen.append(sys.argv[1:])  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "recto_ocr", ModuleType("recto_ocr"))
    monkeypatch.setitem(sys.modules, "recto_ocr.processing", fake)
    monkeypatch.setattr(sys, "argv", ["process.py", "ocr", "--workers", "2"])
    entry: dict[str, object] = {"__name__": "process"}
    exec((ENTRIES / "process.py").read_text(), entry)  # noqa: S102 - the script as the container runs it

    assert entry["main"]() == 0  # type: ignore[operator]

    folder = "/opt/ml/processing"
    assert seen == [
        ["--input", f"{folder}/input/documents", "--output", f"{folder}/output", "--workers", "2"]
    ]
