"""Deploys Recto to AWS and asks only what matters: the first group of the template's parameters.

    .venv/bin/python scripts/deploy.py                      asks, builds, deploys (what `make deploy` runs)
    .venv/bin/python scripts/deploy.py --name recto-dev     again, without a question: the answers are kept
    .venv/bin/python scripts/deploy.py --name recto-dev --ask       other answers
    .venv/bin/python scripts/deploy.py --name recto-dev --dry-run   only says what would be run

`sam deploy --guided` asks for every parameter of a template. Here the answers go into
`deployments/NAME.toml`, a configuration file of SAM's own, so `sam deploy --config-file` does the same
without this script. All other parameters keep their defaults, or what a line of that file says. It keeps no
secret: there is none to ask for.
"""

import argparse
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "deployments"
SAM = ROOT / ".venv-tools" / "bin" / "sam"
STACK_NAME = re.compile(r"[a-z][a-z0-9-]{2,24}")
REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]")
CAPABILITIES = "CAPABILITY_IAM CAPABILITY_AUTO_EXPAND"


class Question(NamedTuple):
    """One parameter of the first group, as template.yaml says it."""

    name: str
    default: str
    description: str
    pattern: str = ""
    values: Sequence[str] = ()
    least: float | None = None
    most: float | None = None

    def fault_of(self, answer: str) -> str:
        """Why CloudFormation would refuse it; empty where it would not."""
        if self.values and answer not in self.values:
            return f"expected one of {', '.join(self.values)}"
        if self.pattern and not re.fullmatch(self.pattern, answer):
            return f"expected {self.pattern}"
        return self._fault_of_number(answer) if (self.least, self.most) != (None, None) else ""

    def _fault_of_number(self, answer: str) -> str:
        try:
            number = float(answer)
        except ValueError:
            return "expected a number"
        if self.least is not None and number < self.least:
            return f"expected {self.least:g} or more"
        if self.most is not None and number > self.most:
            return f"expected {self.most:g} or less"
        return ""


# --- what the template says ------------------------------------------------------------------------------


class _Loader(yaml.SafeLoader):
    """Reads the template; what CloudFormation's short tags stand for is of no interest here."""


def _nothing(*_: object) -> None:
    return None


_Loader.add_multi_constructor("!", _nothing)


def questions(template: Mapping[str, Any]) -> list[Question]:
    """The first group of parameters, in its order, without the project's id: that is the stack's name."""
    groups = template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    names = [name for name in groups[0]["Parameters"] if name != "ProjectId"]
    return [_question(name, template["Parameters"][name]) for name in names]


def _question(name: str, said: Mapping[str, Any]) -> Question:
    return Question(
        name=name,
        default=str(said.get("Default", "")),
        description=said.get("Description", ""),
        pattern=said.get("AllowedPattern", ""),
        values=tuple(str(value) for value in said.get("AllowedValues", ())),
        least=said.get("MinValue"),
        most=said.get("MaxValue"),
    )


# --- asking ----------------------------------------------------------------------------------------------


def ask(asked: Sequence[Question], known: Mapping[str, str]) -> dict[str, str]:
    """An answer to each; Enter takes what stands in brackets."""
    return {
        question.name: _answer(question, known.get(question.name, question.default)) for question in asked
    }


def _answer(question: Question, default: str) -> str:
    print(f"\n{question.name}: {question.description}")
    while True:
        answer = input(f"  [{default or 'empty'}] ").strip() or default
        fault = question.fault_of(answer)
        if not fault:
            return answer
        print(f"  {answer!r}: {fault}")


def _name_and_region(name: str) -> tuple[str, str]:
    stack = Question("name", name or "recto", "Of the stack and everything in it", STACK_NAME.pattern)
    name = name or _answer(stack, stack.default)
    default = known_region(file_of(name)) or os.environ.get("AWS_REGION", "us-east-1")
    return name, _answer(Question("region", default, "AWS region", REGION.pattern), default)


# --- the file --------------------------------------------------------------------------------------------


def file_of(name: str) -> Path:
    return FOLDER / f"{name}.toml"


def known_answers(path: Path) -> dict[str, str]:
    """What was answered before; none where the file is new."""
    if not path.exists():
        return {}
    found = tomllib.loads(path.read_text())["default"]["deploy"]["parameters"]
    return dict(pair.split("=", 1) for pair in shlex.split(found["parameter_overrides"]))


def known_region(path: Path) -> str:
    """Where it was deployed before; empty where the file is new."""
    if not path.exists():
        return ""
    return str(tomllib.loads(path.read_text())["default"]["global"]["parameters"]["region"])


def written(name: str, region: str, answers: Mapping[str, str]) -> str:
    """The configuration file: every answer, for what is left out keeps an earlier value."""
    pairs = {"ProjectId": name, **answers}
    overrides = " ".join(f"{key}={shlex.quote(value)}" for key, value in pairs.items())
    return f"""# Made by `make deploy`. Any parameter of template.yaml may be added to parameter_overrides.
version = 0.1

[default.global.parameters]
stack_name = "{name}"
region = "{region}"

[default.deploy.parameters]
capabilities = "{CAPABILITIES}"
confirm_changeset = true
fail_on_empty_changeset = false
resolve_s3 = true
s3_prefix = "{name}"
parameter_overrides = {_quoted(overrides)}
"""


def _quoted(text: str) -> str:
    """A string of TOML."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


# --- deploying -------------------------------------------------------------------------------------------


def commands(path: Path) -> list[list[str]]:
    config = ["--config-file", str(path)]
    return [[str(SAM), "build", *config], [str(SAM), "deploy", *config]]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--name", default="", help="of the stack; asked where it is not said")
    parser.add_argument("--ask", action="store_true", help="ask again, although there are answers")
    parser.add_argument("--dry-run", action="store_true", help="say what would be run, run nothing")
    options = parser.parse_args()
    if options.name and not STACK_NAME.fullmatch(options.name):
        parser.error(f"--name: expected {STACK_NAME.pattern}, got {options.name!r}")
    path = file_of(options.name)
    if not options.name or options.ask or not path.exists():
        path = _asked(options.name)
    for command in commands(path):
        print(f"\n$ {shlex.join(command)}", flush=True)
        if not options.dry_run and subprocess.run(command, cwd=ROOT, check=False).returncode:
            return 1
    recto = f"recto --target aws --region {known_region(path)} --project {path.stem}"
    print(f"\nThen: {recto} release make --from local/releases/demo --use")
    print(f"      {recto} doctor")
    return 0


def _asked(given: str) -> Path:
    """The file with the answers of whoever sits here."""
    name, region = _name_and_region(given)
    path = file_of(name)
    asked = questions(yaml.load((ROOT / "template.yaml").read_text(), _Loader))  # noqa: S506 - a SafeLoader
    known = known_answers(path)
    answers = {**known, **ask(asked, known)}
    answers.pop("ProjectId", None)
    FOLDER.mkdir(exist_ok=True)
    path.write_text(written(name, region, answers))
    print(f"\nwritten: {path.relative_to(ROOT)}")
    return path


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (KeyboardInterrupt, EOFError):
        sys.exit("\nnothing was deployed")
