"""`make deploy`: few questions, answers that CloudFormation takes, and a file that SAM understands."""

import importlib.util
import shlex
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from tests.contract.template import ROOT, template

MOST_QUESTIONS = 10


@pytest.fixture(scope="module")
def script() -> Iterator[ModuleType]:
    spec = importlib.util.spec_from_file_location("deploy_script", ROOT / "scripts" / "deploy.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def test_it_asks_the_first_group_which_comes_first_for_sam_too() -> None:
    groups = template()["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    first, parameters = groups[0]["Parameters"], list(template()["Parameters"])
    grouped = [name for group in groups for name in group["Parameters"]]

    assert len(first) <= MOST_QUESTIONS
    assert parameters[: len(first)] == first, "sam deploy --guided asks in the template's order"
    assert len(grouped) == len(set(grouped))
    assert set(grouped) <= set(parameters)


def test_every_default_is_an_answer_that_the_template_takes(script: ModuleType) -> None:
    for question in script.questions(template()):
        assert question.fault_of(question.default) == "", question
        assert question.description


@pytest.mark.parametrize(
    ("name", "answer", "fault"),
    [
        ("TextractFeatures", "WORDS", "expected ^"),
        ("MaxRunningDocuments", "0", "expected 1 or more"),
        ("MaxRunningDocuments", "many", "expected a number"),
        ("LogRetentionDays", "31", "expected one of 1, 3"),
        ("AlarmTopicArn", "mail@example.org", "expected ^"),
    ],
)
def test_what_cloudformation_would_refuse_is_refused_at_once(
    script: ModuleType, name: str, answer: str, fault: str
) -> None:
    (question,) = [each for each in script.questions(template()) if each.name == name]

    assert question.fault_of(answer).startswith(fault)


def test_answers_become_a_file_of_sams_and_are_known_the_next_time(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(script, "FOLDER", tmp_path)
    monkeypatch.setattr(script, "ROOT", tmp_path)
    (tmp_path / "template.yaml").write_text((ROOT / "template.yaml").read_text())
    asked = script.questions(template())
    said = {"TextractFeatures": "FORMS,TABLES", "MonthlyBudgetUsd": "200"}
    answers = iter(["recto-dev", "eu-central-1", *(said.get(each.name, "") for each in asked)])
    monkeypatch.setattr("builtins.input", lambda prompt: next(answers))

    path = script._asked("")

    found = tomllib.loads(path.read_text())["default"]
    assert found["global"]["parameters"] == {"stack_name": "recto-dev", "region": "eu-central-1"}
    overrides = shlex.split(found["deploy"]["parameters"]["parameter_overrides"])
    wanted = {"ProjectId": "recto-dev", **{each.name: said.get(each.name, each.default) for each in asked}}
    assert overrides == [f"{name}={value}" for name, value in wanted.items()]
    assert "KmsKeyArn=''" in found["deploy"]["parameters"]["parameter_overrides"], "SAM wants two quotes"
    assert script.known_answers(path) == wanted


def test_an_answer_goes_back_to_the_default_and_the_region_stays(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(script, "FOLDER", tmp_path)
    monkeypatch.setattr(script, "ROOT", tmp_path)
    monkeypatch.setenv("AWS_REGION", "us-west-2")
    monkeypatch.setattr(sys, "argv", ["deploy.py", "--name", "recto-dev", "--ask", "--dry-run"])
    (tmp_path / "template.yaml").write_text((ROOT / "template.yaml").read_text())
    path = tmp_path / "recto-dev.toml"
    path.write_text(script.written("recto-dev", "eu-central-1", {"MonthlyBudgetUsd": "200"}))
    monkeypatch.setattr("builtins.input", lambda prompt: "0" if "200" in prompt else "")

    assert script.main() == 0

    assert script.known_region(path) == "eu-central-1"
    assert script.known_answers(path)["MonthlyBudgetUsd"] == "0"
    hints = [line for line in capsys.readouterr().out.splitlines() if "recto --target aws" in line]
    assert len(hints) == 2
    assert all("--region eu-central-1 --project recto-dev" in line for line in hints)


def test_a_wrong_answer_is_asked_again(script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    (question,) = [each for each in script.questions(template()) if each.name == "MaxRunningDocuments"]
    answers = iter(["many", "12"])
    monkeypatch.setattr("builtins.input", lambda prompt: next(answers))

    assert script.ask([question], {}) == {"MaxRunningDocuments": "12"}
