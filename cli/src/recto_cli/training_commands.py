"""`recto train`, `recto evaluate` and the like: passed on, word for word, to the environment that has torch.

The product's environment stays small: these commands run in `.venv-training`, with `--on sagemaker` in
`.venv-jobs`, which launches a SageMaker job with the same settings. An environment that is missing is made
first. Nothing is parsed here but `--on`.
"""

import subprocess
import sys
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

import typer

from recto_cli.job_options import TRAINING_IMAGE, with_stack
from recto_cli.session import Session

ROOT = Path(__file__).resolve().parents[3]
ANYTHING = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
"""typer's settings of a command that takes whatever comes."""


class Where(StrEnum):
    """Where a command runs."""

    LOCAL = "local"
    SAGEMAKER = "sagemaker"


class Environment(NamedTuple):
    """A virtual environment of this repository, and the package that it runs."""

    name: str
    package: str
    size: str
    """What making it costs, for a person who waits."""

    @property
    def python(self) -> Path:
        return ROOT / f".venv-{self.name}" / "bin" / "python"


ENVIRONMENTS = {
    Where.LOCAL: Environment("training", "recto_training", "torch, transformers and others, about 1.5 GB"),
    Where.SAGEMAKER: Environment("jobs", "recto_jobs", "SageMaker's SDK, about 0.7 GB"),
}
PASSED = {
    "train": "Train a word model from labelled documents.",
    "pretrain": "Pre-train an encoder on OCR results without labels.",
    "evaluate": "Words, entities and fields of a model on labelled documents; an HTML report.",
    "learning-curve": "Would more labelled documents help? Trains on 10, 25, 50, 100 and all of them.",
    "threshold": "Which share of values to review for a share of right ones, with its margin.",
    "export": "Make a release's folder of a trained model.",
    "normaliser": "Train, evaluate or serve a model that writes values in one form.",
    "serve": "A model's endpoint on this machine.",
    "tune": "Search hyper-parameters.",
}
DATA = {
    "report": ("data-report", "Class balance of labelled documents, and what labels allow at best."),
    "import": ("data-import", "FUNSD, lines with key values, value lists to a manifest."),
    "export": ("data-export", "A manifest to FUNSD's JSON or value lists."),
    "prelabel": (
        "data-prelabel",
        "Labels to begin with, from a model or from earlier pages, for people to change.",
    ),
}
"""Commands below `recto data`: their name in the training package, and what they do."""


def register(app: typer.Typer, data_app: typer.Typer) -> None:
    """Add the commands."""
    for name, told in PASSED.items():
        app.command(name, help=told, context_settings=ANYTHING, add_help_option=False)(passing(name))
    for name, (target, told) in DATA.items():
        data_app.command(name, help=told, context_settings=ANYTHING, add_help_option=False)(passing(target))


def passing(name: str) -> Callable[[typer.Context], None]:
    """A command that runs another of that name, elsewhere, with the same arguments."""

    def run(context: typer.Context) -> None:
        session: Session = context.obj
        try:
            where, arguments = where_to_run(context.args)
        except ValueError as error:
            session.fail(str(error))
            return
        if where is Where.SAGEMAKER:
            arguments = with_stack(session, TRAINING_IMAGE, arguments)
        raise typer.Exit(run_elsewhere(ENVIRONMENTS[where], name, arguments))

    return run


def where_to_run(arguments: Sequence[str]) -> tuple[Where, list[str]]:
    """Where `--on` says, and the other arguments; ValueError for another place."""
    rest: list[str] = []
    where = Where.LOCAL
    words = iter(arguments)
    for word in words:
        if word != "--on" and not word.startswith("--on="):
            rest.append(word)
            continue
        place = next(words, "") if word == "--on" else word.removeprefix("--on=")
        if place not in list(Where):
            raise ValueError(f"--on {place}: expected {' or '.join(Where)}")
        where = Where(place)
    return where, rest


def run_elsewhere(environment: Environment, name: str, arguments: Sequence[str]) -> int:
    """The command's exit code; its environment is made first where it is missing."""
    if not environment.python.exists():
        print(f"recto: making .venv-{environment.name} ({environment.size}); this happens once", flush=True)
        script = ROOT / "scripts" / "bootstrap.py"
        made = subprocess.run([sys.executable, str(script), environment.name], check=False)
        if made.returncode:
            return made.returncode
    command = [str(environment.python), "-m", environment.package, name, *arguments]
    return subprocess.run(command, check=False).returncode
