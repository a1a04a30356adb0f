"""`recto deploy-model` and `undeploy` as a user types them."""

import shutil
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import boto3
import pytest
from click.testing import Result
from typer.testing import CliRunner

from recto.errors import ConfigurationError
from recto_cli import dry_run, model_commands, releases
from recto_cli.main import app
from recto_cli.stack import Stack, read_stack
from tests.contract.template import ROOT
from tests.unit.cli.conftest import PROJECT

DEMO = ROOT / "local" / "releases" / "demo"
runner = CliRunner()


@pytest.fixture(autouse=True)
def quick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No runtime, and no dry run of the model: it has tests of its own."""
    monkeypatch.setenv("RECTO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(releases, "run_apart", lambda folder: None)
    assert dry_run.run_apart


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    folder = tmp_path / "first"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(b"weights")
    return folder


@pytest.fixture
def exports(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """In place of the training environment: the demo release is what every export makes."""
    asked: list[list[str]] = []

    def export(_: Any, name: str, arguments: Sequence[str]) -> int:
        asked.append([name, *arguments])
        shutil.copytree(DEMO, arguments[arguments.index("--release") + 1], dirs_exist_ok=True)
        return 0

    monkeypatch.setattr(model_commands, "run_elsewhere", export)
    return asked


def invoke(*arguments: str | Path) -> Result:
    return runner.invoke(app, ["--project", PROJECT, *map(str, arguments)])


def in_use() -> str:
    return str(boto3.client("ssm").get_parameter(Name=f"/{PROJECT}/config/Release")["Parameter"]["Value"])


def test_a_trained_model_is_exported_and_in_use_by_one_command(
    stack: Stack, trained: Path, exports: list[list[str]]
) -> None:
    result = invoke("deploy-model", trained)

    assert result.exit_code == 0, (result.output, result.exception)
    assert exports[0][:2] == ["export", str(trained)]
    assert in_use().startswith("releases/demo-")
    assert "new documents use demo-" in result.stdout


def test_eight_bit_weights_and_a_name_are_asked_of_the_export(
    stack: Stack, trained: Path, exports: list[list[str]]
) -> None:
    invoke("deploy-model", trained, "--int8", "--name", "other")

    assert "--int8" in exports[0]
    assert exports[0][exports[0].index("--name") + 1] == "other"


def test_a_release_is_taken_as_it_is_and_left_aside_where_that_is_asked(
    stack: Stack, exports: list[list[str]]
) -> None:
    result = invoke("deploy-model", DEMO, "--no-use")

    assert result.exit_code == 0, result.exception
    assert exports == []
    assert in_use() == "releases/demo"
    assert "recto release use demo-" in result.stdout


def test_a_training_jobs_archive_is_fetched_and_exported(
    stack: Stack, trained: Path, exports: list[list[str]], tmp_path: Path
) -> None:
    archive = tmp_path / "model.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(trained / "model.safetensors", "model.safetensors")
    boto3.client("s3").upload_file(str(archive), "work", "jobs/recto-train/j/output/model.tar.gz")

    result = invoke("deploy-model", "s3://work/jobs/recto-train/j/output/model.tar.gz")

    assert result.exit_code == 0, result.exception
    assert len(exports) == 1


def test_options_of_endpoints_need_one(stack: Stack, trained: Path) -> None:
    result = invoke("deploy-model", trained, "--connect", "--dry-run")

    assert result.exit_code == 1
    assert "--connect, --dry-run: only with --endpoint" in result.stderr


def test_a_word_endpoint_needs_a_model(stack: Stack) -> None:
    for name in ("static/ImageRegistry", "static/ModelEndpointRoleArn"):
        boto3.client("ssm").put_parameter(Name=f"/{PROJECT}/{name}", Value="x", Type="String")

    result = invoke("deploy-model", "none", "--endpoint", "words")

    assert isinstance(result.exception, ConfigurationError)
    assert "a word endpoint needs a model" in str(result.exception)


def test_what_is_not_there_cannot_be_removed(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_commands.autoscaling, "remove_scaling", lambda *_: [])

    result = invoke("undeploy", "nothing")

    assert result.exit_code == 1
    assert "nothing is called recto-test-nothing" in result.stderr
    assert read_stack(PROJECT).project == PROJECT
