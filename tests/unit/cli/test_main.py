"""What a user types, and what comes back: exit codes, output that can be piped, errors in one line."""

import json
import sys
from pathlib import Path

import boto3
import pytest
from typer.testing import CliRunner

from recto.errors import ConfigurationError
from recto_cli.main import app, run
from recto_cli.stack import Stack
from recto_local.runtime import NAMES as NAMES_OF_PROCESSES
from recto_local.runtime import Runtime, RuntimeInfo
from recto_local.runtime import Status as RuntimeStatus
from tests.unit.cli.conftest import NAMES, PROJECT
from tests.unit.cli.test_documents import add

runner = CliRunner()


@pytest.fixture(autouse=True)
def no_runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home in which no local runtime is up."""
    monkeypatch.setenv("RECTO_HOME", str(tmp_path / "home"))


def invoke(*arguments: str) -> tuple[int, str]:
    outcome = runner.invoke(app, ["--project", PROJECT, *arguments])
    return outcome.exit_code, outcome.stdout


def test_a_runtime_that_is_down_gives_exit_code_1() -> None:
    code, output = invoke("local", "status")

    assert (code, output) == (1, "down\n")


def test_the_runtimes_settings_come_out_for_a_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    info = RuntimeInfo(
        project="recto-local", stack="recto-local", region="us-east-1", processes={}, access_log="",
        ports={"emulator": 4001, "standins": 4002, "workbench": 4003}, outputs={"WorkBucketName": "work"},
    )  # fmt: skip
    status = RuntimeStatus(info=info, alive=dict.fromkeys(NAMES_OF_PROCESSES, True))
    monkeypatch.setattr(Runtime, "status", lambda self: status)

    code, output = invoke("local", "env")

    assert code == 0
    assert "export AWS_ENDPOINT_URL=http://127.0.0.1:4001\n" in output
    assert dict(line.removeprefix("export ").split("=", 1) for line in output.splitlines()) == (
        info.environment()
    )


def test_a_runtime_that_is_down_has_no_settings() -> None:
    outcome = runner.invoke(app, ["local", "env"])

    assert isinstance(outcome.exception, ConfigurationError)


def test_the_projects_names_come_out_as_json(stack: Stack) -> None:
    code, output = invoke("project", "show", "--json")

    assert code == 0
    assert json.loads(output) == NAMES


def test_a_result_as_json_is_the_pipelines_own(stack: Stack, stored_result: str) -> None:
    add(stack, stored_result, "a.pdf")

    code, output = invoke("result", "a.pdf", "--json")

    body = boto3.client("s3").get_object(Bucket="work", Key=f"documents/{stored_result}/result.json")["Body"]
    assert code == 0
    assert json.loads(output) == json.load(body)


def test_a_result_as_a_table_shows_values_confidence_page_and_doubts(
    stack: Stack, stored_result: str
) -> None:
    add(stack, stored_result, "a.pdf")

    code, output = invoke("result", "a.pdf")

    (line,) = [line for line in output.splitlines() if line.startswith("Provider Name")]
    assert code == 0
    assert line.split("  ")[1:] != []
    assert all(part in line for part in ("Frist Bank", "50%", "1", "Provider Name is doubtful"))
    assert "Fee - Annual" not in output


def test_documents_that_are_not_waited_for_are_listed(stack: Stack, tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.7")

    code, output = invoke("process", str(tmp_path / "a.pdf"))

    assert (code, output) == (0, "submitted s3://inbox/a.pdf\n")


def test_a_document_that_nobody_takes_in_gives_exit_code_1(stack: Stack, tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.7")

    code, output = invoke("process", str(tmp_path / "a.pdf"), "--wait", "--timeout", "0")

    assert code == 1
    assert "not taken in" in output


def test_status_of_an_empty_project_says_so(stack: Stack) -> None:
    assert invoke("status") == (0, "no documents yet\n")


def test_no_waiting_review_is_said_plainly(stack: Stack) -> None:
    assert invoke("review", "list") == (0, "no document waits for a review\n")


def test_our_own_errors_are_one_message_and_exit_code_1(
    account: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["recto", "--project", "absent", "status"])

    with pytest.raises(SystemExit) as exit_info:
        run()

    message = capsys.readouterr().err
    assert exit_info.value.code == 1
    assert "ParameterMissingError: Parameter Store has nothing below /absent/" in message
    assert "Traceback" not in message


def test_a_result_tells_what_was_odd_about_the_ocr(stack: Stack, stored_result: str) -> None:
    add(stack, stored_result, "a.pdf")
    place = {"Bucket": "work", "Key": f"documents/{stored_result}/result.json"}
    content = json.load(boto3.client("s3").get_object(**place)["Body"])
    content["Warnings"] = ["turned: 3 (words do not run to the right [sic]); pages 1"]
    boto3.client("s3").put_object(**place, Body=json.dumps(content))

    code, output = invoke("result", "a.pdf")

    assert code == 0
    assert "OCR: turned: 3 (words do not run to the right [sic]); pages 1" in output
