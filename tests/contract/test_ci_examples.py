"""The examples of docs/examples/ci can be read, and every command in them is one that there is."""

import os
import re
import shlex
import subprocess
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from recto_cli.main import app
from tests.contract.template import ROOT, _Loader, functions, template

EXAMPLES = ROOT / "docs" / "examples" / "ci"
SERVICES = {
    "Serverless::Function": "lambda", "Serverless::LayerVersion": "lambda",
    "Serverless::StateMachine": "states", "ApiGatewayV2": "apigateway", "Cognito": "cognito-idp",
}  # fmt: skip
"""Services whose actions do not begin as their resources' types do."""


def read(name: str) -> Any:
    return yaml.load((EXAMPLES / name).read_text(), _Loader)  # noqa: S506 - a SafeLoader


def commands() -> Iterator[str]:
    """Every line of shell in the two pipelines."""
    for job in read("github-actions.yml")["jobs"].values():
        for step in job["steps"]:
            yield from step.get("run", "").splitlines()
    for phase in read("buildspec.yml")["phases"].values():
        for command in phase.get("commands", ()):
            yield from command.splitlines()


def test_there_is_something_to_check() -> None:
    assert len(list(commands())) > 10


def test_make_has_the_targets() -> None:
    targets = set(
        re.findall(r"^([a-z][a-z0-9-]*)(?: [a-z0-9-]+)*:", (ROOT / "Makefile").read_text(), re.MULTILINE)
    )
    wanted = {words[1] for line in commands() if (words := line.split()) and words[0] == "make"}

    assert wanted
    assert wanted <= targets


def test_recto_has_the_commands_and_their_options() -> None:
    lines = [shlex.split(line) for line in commands() if ".venv/bin/recto " in line]

    assert len(lines) > 3
    for words in lines:
        _require(words[1:])


def _require(words: list[str]) -> None:
    """Parse a command line as the program does, without running it."""
    command: Any = typer.main.get_command(app)
    while words and hasattr(command, "commands"):
        context = command.make_context("recto", list(words), resilient_parsing=True)
        rest = [*getattr(context, "_protected_args", []), *context.args]
        assert rest[0] in command.commands, f"no command {rest[0]!r} in {words}"
        command, words = command.commands[rest[0]], rest[1:]
    options = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    assert {word for word in words if word.startswith("--")} <= options, words


def test_sam_deploys_by_a_profile_that_there_is() -> None:
    profiles = tomllib.loads((ROOT / "samconfig.toml").read_text())
    wanted = {name for line in commands() for name in re.findall(r"--config-env (\S+)", line)}

    assert wanted == {"dev", "prod", '"$STAGE"'}
    assert {"dev", "prod"} <= set(profiles)


def test_what_is_deployed_to_prod_is_what_dev_has_tried() -> None:
    jobs = read("github-actions.yml")["jobs"]

    assert (jobs["dev"]["needs"], jobs["prod"]["needs"]) == ("build", "dev")
    assert jobs["prod"]["environment"] == "prod"
    assert not any(
        "sam build" in step.get("run", "") for name in ("dev", "prod") for step in jobs[name]["steps"]
    )
    assert all(jobs[name]["permissions"]["id-token"] == "write" for name in ("dev", "prod"))


def run(block: str, folder: Path, aws: str, **environment: str) -> tuple[int, str]:
    """A block of shell with a given `aws`; how it ended, and which of the other programs it called."""
    for name in ("bin/aws", ".venv/bin/recto", ".venv-tools/bin/sam"):
        program = folder / name
        program.parent.mkdir(parents=True, exist_ok=True)
        said = aws if name == "bin/aws" else f'echo "{program.name} $AWS_SESSION_TOKEN" >> called'
        program.write_text(f"#!/bin/bash\n{said}\n")
        program.chmod(0o755)
    variables = {"PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "AWS_SESSION_TOKEN": "", **environment}
    ended = subprocess.run(["bash", "-e", "-c", block], cwd=folder, env=variables, check=False)
    called = folder / "called"
    return ended.returncode, called.read_text() if called.exists() else ""


@pytest.mark.parametrize(
    ("aws", "ends_well", "called"),
    [("exit 1", False, ""), ("printf 'id\\tkey\\ttoken\\n'", True, "sam token\nrecto token\n")],
)
def test_codebuild_deploys_nothing_without_the_role(
    tmp_path: Path, aws: str, ends_well: bool, called: str
) -> None:
    (block,) = [
        each for each in read("buildspec.yml")["phases"]["build"]["commands"] if "assume-role" in each
    ]

    code, seen = run(block, tmp_path, aws, DEPLOY_ROLE_ARN="r", STAGE="dev", PROJECT="p")

    assert (code == 0, seen) == (ends_well, called)


@pytest.mark.parametrize(
    ("aws", "ends_well", "makes_one"),
    [("echo undefined", True, True), ("echo releases/1/", True, False), ("exit 254", False, False)],
)
def test_a_release_that_is_named_stays(tmp_path: Path, aws: str, ends_well: bool, makes_one: bool) -> None:
    steps = read("github-actions.yml")["jobs"]["dev"]["steps"]
    (block,) = [each["run"] for each in steps if "release make" in each.get("run", "")]

    code, called = run(block, tmp_path, aws)

    assert (code == 0, bool(called)) == (ends_well, makes_one)


def statements() -> list[dict[str, Any]]:
    policy = read("deploy-role.yaml")["Resources"]["DeployPolicy"]["Properties"]["PolicyDocument"]
    return list(policy["Statement"])


def test_the_role_that_deploys_may_use_every_service_of_the_template() -> None:
    kinds = {body["Type"].removeprefix("AWS::") for body in template()["Resources"].values()}
    actions = [action for statement in statements() for action in statement["Action"]]

    for kind in kinds:
        service = (
            SERVICES.get(kind) or SERVICES.get(kind.partition("::")[0]) or kind.partition("::")[0].lower()
        )
        assert any(action.startswith(f"{service}:") for action in actions), f"{kind}: nothing of {service}"


@pytest.mark.parametrize("action", ["iam:CreateRole", "iam:PassRole", "iam:DeleteRolePolicy", "iam:TagRole"])
def test_it_may_make_roles_of_the_stack_and_nothing_else_of_iam(action: str) -> None:
    statements = read("deploy-role.yaml")["Resources"]["DeployPolicy"]["Properties"]["PolicyDocument"][
        "Statement"
    ]
    of_iam = [each for each in statements if any(name.startswith("iam:") for name in each["Action"])]

    (roles,) = of_iam
    assert any(fnmatch(action, pattern) for pattern in roles["Action"])
    assert roles["Resource"]["Sub"].endswith(":role/${StackName}-*")
    assert not any(fnmatch("iam:CreateUser", pattern) for pattern in roles["Action"])


def test_it_may_use_layers_of_other_accounts_but_change_none() -> None:
    """OtelLayerArn names AWS's layer."""
    elsewhere = [
        action
        for each in statements()
        for resource in (each["Resource"] if isinstance(each["Resource"], list) else [each["Resource"]])
        if ":lambda:${AWS::Region}:*:layer:*:*" in str(resource)
        for action in each["Action"]
    ]

    assert elsewhere == ["lambda:GetLayerVersion"]


def test_it_may_make_every_schedule_of_the_stack() -> None:
    """SAM names schedules by their logical ids, which two stacks in one account and region would share."""
    schedules = [
        event["Properties"]
        for function in functions().values()
        for event in function.get("Events", {}).values()
        if event["Type"] == "ScheduleV2"
    ]
    names = [each.get("Name", {}).get("Sub", "") for each in schedules]
    may_make = next(
        resource["Sub"].rpartition("/")[2]
        for each in statements()
        for resource in each["Resource"]
        if isinstance(resource, dict) and ":schedule/default/" in resource["Sub"]
    )

    assert may_make == "${StackName}-*"
    assert len(names) == len(set(names)) >= 5
    assert all(re.fullmatch(r"\$\{AWS::StackName\}-[a-z-]{1,21}", name) for name in names), "64 at most"


def test_no_partition_is_spelt_out() -> None:
    assert not re.search(r"arn:aws[a-z-]*:", (EXAMPLES / "deploy-role.yaml").read_text())
