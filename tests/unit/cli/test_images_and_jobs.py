"""Builds of container images, and what `--on sagemaker` adds to a command."""

import io
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from recto.errors import ConfigurationError, ServiceUnavailableError
from recto.places import Location
from recto_cli import images
from recto_cli.images import Built, build_request, source_files, source_zip, wait_for_builds
from recto_cli.job_options import TRAINING_IMAGE, with_stack
from recto_cli.stack import Stack
from tests.contract.template import ROOT

STACK = Stack(
    "recto-test",
    {
        "static/ImageBuildProject": "recto-test-images",
        "static/ImageRegistry": "111122223333.dkr.ecr.us-east-1.amazonaws.com/recto-test-images",
        "static/JobRoleArn": "arn:aws:iam::111122223333:role/jobs",
        "static/WorkBucket": "work",
    },
)
SOURCE = Location(bucket="work", key="images/source-1.zip")


def codebuild(monkeypatch: pytest.MonkeyPatch) -> Stubber:
    options = {"region_name": "us-east-1", "aws_access_key_id": "x", "aws_secret_access_key": "x"}
    made = boto3.client("codebuild", **options)
    monkeypatch.setattr(images, "client", lambda *_: made)
    stub = Stubber(made)
    stub.activate()
    return stub


def test_a_build_is_told_its_source_its_image_and_its_tag(monkeypatch: pytest.MonkeyPatch) -> None:
    request = build_request("recto-model", "candidate", SOURCE, STACK)
    stub = codebuild(monkeypatch)
    stub.add_response("start_build", {"build": {"id": "recto-test-images:1"}}, request)

    assert images.start_build("recto-model", "candidate", SOURCE, STACK) == "recto-test-images:1"

    assert request["sourceLocationOverride"] == "work/images/source-1.zip"
    told = {each["name"]: each["value"] for each in request["environmentVariablesOverride"]}
    assert told == {"IMAGE": "recto-model", "TAG": "candidate"}


def test_an_image_that_is_none_of_ours_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="recto-training, recto-model"):
        build_request("ubuntu", "latest", SOURCE, STACK)


def test_the_source_holds_what_the_dockerfiles_copy_and_is_the_same_each_time() -> None:
    files = source_files()

    first, second = source_zip(files), source_zip(files)

    names = set(zipfile.ZipFile(io.BytesIO(first)).namelist())
    assert first == second
    assert not {name for name in names if "__pycache__" in name or name.startswith((".venv", "tests"))}
    for dockerfile in (ROOT / "training/containers/Dockerfile", ROOT / "ocr/container/Dockerfile"):
        copied = [line.split()[-2] for line in dockerfile.read_text().splitlines() if line.startswith("COPY")]
        assert [path for path in copied if not any(name.startswith(path) for name in names)] == []
    assert "training/containers/buildspec.yml" in names


def test_every_image_is_built_by_the_script_and_has_a_repository() -> None:
    script = (ROOT / "training/containers/build.sh").read_text()
    template = (ROOT / "template.yaml").read_text()

    for image in images.IMAGES:
        assert image in script
        assert f"RepositoryName: !Sub ${{ProjectId}}-images/{image}" in template


def builds(status: str) -> dict[str, Any]:
    return {"builds": [{"id": "b:1", "buildStatus": status, "logs": {"deepLink": "https://log"}}]}


def test_a_wait_ends_with_each_images_status_and_log(monkeypatch: pytest.MonkeyPatch) -> None:
    stub, said = codebuild(monkeypatch), list[str]()
    for status in ("IN_PROGRESS", "FAILED"):
        stub.add_response("batch_get_builds", builds(status), {"ids": ["b:1"]})

    ended = wait_for_builds({"recto-model": "b:1"}, said.append, sleep=lambda _: None)

    assert ended == [Built("recto-model", "b:1", "FAILED", "https://log")]
    assert not ended[0].went_well
    assert said == ["0 of 1 ended, 0 s"]


def test_a_wait_does_not_last_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    codebuild(monkeypatch).add_response("batch_get_builds", builds("IN_PROGRESS"), {"ids": ["b:1"]})

    with pytest.raises(ServiceUnavailableError, match="have not ended after 0 s"):
        wait_for_builds({"recto-model": "b:1"}, timeout=0, sleep=lambda _: None)


def session(*, is_local: bool) -> Any:
    return SimpleNamespace(stack=STACK, target=SimpleNamespace(is_local=is_local))


def test_a_job_gets_role_image_and_bucket_of_the_stack() -> None:
    words = with_stack(session(is_local=False), TRAINING_IMAGE, ["labels.manifest", "--", "--seed", "7"])

    options = dict(zip(words[1:9:2], words[2:9:2], strict=True))
    assert options == {
        "--role": "arn:aws:iam::111122223333:role/jobs",
        "--image": "111122223333.dkr.ecr.us-east-1.amazonaws.com/recto-test-images/recto-training:latest",
        "--bucket": "work",
        "--project": "recto-test",
    }
    assert words[0] == "labels.manifest"
    assert words[-3:] == ["--", "--seed", "7"]


def test_what_was_said_comes_first() -> None:
    words = with_stack(session(is_local=False), TRAINING_IMAGE, ["--image=mine", "--bucket", "other"])

    assert "--bucket work" not in " ".join(words)
    assert not any("recto-training" in word for word in words)


def test_the_local_runtime_has_no_jobs_but_dry_runs() -> None:
    with pytest.raises(ConfigurationError, match=r"no SageMaker jobs.*--dry-run"):
        with_stack(session(is_local=True), TRAINING_IMAGE, ["labels.manifest"])

    assert "--role" in with_stack(session(is_local=True), TRAINING_IMAGE, ["labels.manifest", "--dry-run"])


def test_a_dry_run_with_everything_said_asks_no_stack() -> None:
    words = ["--dry-run", "--role", "r", "--image", "i", "--bucket", "b"]

    assert with_stack(SimpleNamespace(), TRAINING_IMAGE, words) == words  # type: ignore[arg-type]


def test_a_folder_that_is_no_checkout_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="expected a git checkout"):
        source_files(tmp_path)
