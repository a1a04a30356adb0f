"""What the tests of `recto label` share: a stack with a workbench, and the files of a job."""

from pathlib import Path
from typing import Any, NamedTuple

import boto3
import pytest
from click.testing import Result
from typer.testing import CliRunner

from recto_cli.main import app
from recto_cli.stack import Stack, read_stack
from tests.unit.cli.conftest import PROJECT
from tests.unit.cli.label_fakes import (
    ACCOUNT,
    POOL,
    POOL_CLIENT,
    FakeBackEnd,
    FakeCognito,
    FakeLambda,
    manifest,
)

ROLE = f"arn:aws:iam::{ACCOUNT}:role/recto-test-labelling"
FUNCTION = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:"
NAMES = {
    "static/LabellingControlFunction": "recto-test-LabellingControl",
    "static/LabellingRoleArn": ROLE,
    "static/UserPoolId": POOL,
    "static/UserPoolClientId": POOL_CLIENT,
    "static/SmgtPreFunctionArn": f"{FUNCTION}recto-test-smgt-pre-LabelingFunction",
    "static/SmgtPostFunctionArn": f"{FUNCTION}recto-test-smgt-post-LabelingFunction",
    "static/WorkbenchUrl": "https://workbench.example.org/",
}
runner = CliRunner()


class Workplace(NamedTuple):
    """A stack whose workbench and user pool are fakes, and a folder with a job's files."""

    stack: Stack
    end: FakeBackEnd
    cognito: FakeCognito
    folder: Path

    def file(self, name: str) -> str:
        return str(self.folder / name)

    def template(self, task: str, *options: str) -> str:
        """A template of two labels for a task, with its label file beside it."""
        labels = ("--label", "Party", "--label", "Date")
        path = self.file("template.liquid.html")
        result = invoke("label", "template", task, *labels, "--output", path, *options)
        assert result.exit_code == 0, (result.output, result.exception)
        return path

    def create(self, name: str, task: str, *options: str, lines: str = "pages.manifest") -> Result:
        """`recto label create` with the usual options."""
        common = ("--task", task, "--manifest", self.file(lines), "--team", "readers")
        return invoke(
            "label", "create", name, *common, "--template", self.file("template.liquid.html"), *options
        )


def invoke(*arguments: str) -> Result:
    return runner.invoke(app, ["--project", PROJECT, *arguments])


def page(number: int, **more: Any) -> dict[str, Any]:
    """A page's line."""
    return {
        "source-ref": f"s3://work/corpora/pages/doc-{number:04d}-1.png",
        "textract-ref": "s3://work/corpora/textracted/doc.pdf/consolidated.json",
        "page-num": number,
        **more,
    }


def make_workplace(stack: Stack, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Workplace:
    monkeypatch.setenv("RECTO_HOME", str(folder / "home"))
    monkeypatch.setenv("COLUMNS", "200")
    for name, value in NAMES.items():
        boto3.client("ssm").put_parameter(Name=f"/{PROJECT}/{name}", Value=value, Type="String")
    end, cognito = FakeBackEnd(), FakeCognito()
    fakes = {"lambda": FakeLambda(end), "cognito-idp": cognito}
    real = boto3.client
    monkeypatch.setattr(boto3, "client", lambda name, **asked: fakes.get(name) or real(name, **asked))
    end.call(
        "CreateWorkteam",
        {
            "WorkteamName": "readers",
            "Description": "Readers",
            "MemberDefinitions": [
                {
                    "CognitoMemberDefinition": {
                        "UserPool": POOL,
                        "UserGroup": "readers",
                        "ClientId": POOL_CLIENT,
                    }
                }
            ],
        },
    )
    cognito.groups["readers"] = []
    manifest(folder / "pages.manifest", page(1), page(2))
    return Workplace(read_stack(PROJECT), end, cognito, folder)
