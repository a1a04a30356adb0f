"""`recto normaliser`: a model that writes values in one form.

    recto normaliser data dates --count 30000 --output pairs/dates.jsonl
    recto normaliser data reviewed labels.manifest documents/ --output pairs/reviewed.jsonl
    recto normaliser train pairs/dates.jsonl --output_dir runs/dates
    recto normaliser evaluate runs/dates
    recto normaliser report runs/dates/normaliser-report.json
    recto normaliser serve runs/dates --port 8080

Train takes a recipe (--recipe scratch, base, tiny) and its settings by name, such as
--model_name_or_path byt5-small; as a SageMaker job, its files are those of the channels `train`
and `validation`.
"""

import argparse
import importlib
import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from recto.errors import ConfigurationError
from recto_training import settings
from recto_training.metrics_log import log_line
from recto_training.normaliser import evaluation
from recto_training.normaliser.dates import make_pairs
from recto_training.normaliser.pairs import read_pairs, split_pairs, write_pairs
from recto_training.normaliser.reviewed import read_reviewed

REPORT = "normaliser-report.json"
CHECKPOINTS = "/opt/ml/checkpoints"
"""What SageMaker brings back after an interruption of a job."""


def main(arguments: Sequence[str]) -> int:
    """Run one of the verbs."""
    words = list(arguments)
    if "SM_MODEL_DIR" in os.environ and (not words or words[0].startswith("--")):
        words.insert(0, "train")  # a SageMaker job has options alone, or none
    if words[:1] in ([], ["--help"], ["-h"]):
        print(__doc__)
        return 0 if words else 2
    verb = VERBS.get(words[0])
    if verb is None:
        raise ConfigurationError(f"normaliser {words[0]}: expected {', '.join(VERBS)}")
    return verb(words[1:])


def data(arguments: Sequence[str]) -> int:
    """Make pairs: of made-up dates, or of what people have reviewed."""
    parser = argparse.ArgumentParser("recto normaliser data", description=data.__doc__)
    kinds = parser.add_subparsers(dest="kind", required=True)
    dates = kinds.add_parser("dates", help="made-up dates in many forms")
    dates.add_argument("--count", type=int, default=30_000)
    dates.add_argument("--seed", default="training")
    reviewed = kinds.add_parser("reviewed", help="transcriptions of labelling jobs, results of reviews")
    reviewed.add_argument("sources", nargs="+", type=Path, help="manifests, or folders of documents/ID/")
    reviewed.add_argument("--label", default="", help="the label attribute, where there are several")
    for each in (dates, reviewed):
        each.add_argument("--output", type=Path, required=True)
    options = parser.parse_args(arguments)
    made = make_pairs(options.count, options.seed) if options.kind == "dates" else None
    pairs = made or read_reviewed(options.sources, options.label)
    print(f"{write_pairs(pairs, options.output)} pairs in {options.output}")
    return 0


def train(arguments: Sequence[str]) -> int:
    """Train on files of pairs; 0 when the model's folder is whole."""
    from recto_training.job_data import parted  # noqa: PLC0415 - the other verbs need no torch
    from recto_training.loop import begin_anew  # noqa: PLC0415
    from recto_training.normaliser import training  # noqa: PLC0415

    parser = argparse.ArgumentParser("recto normaliser train", description=train.__doc__)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--recipe", choices=sorted(training.RECIPES), default="")
    parser.add_argument("--validation", nargs="+", type=Path, help="pairs; else a share of the documents")
    parser.add_argument("--validation-share", "--validation_share", type=float, default=0.02)
    parser.add_argument("--output_dir", "--output-dir", type=Path, default=None)
    parser.add_argument("--overwrite-output-dir", action="store_true", help="begin anew")
    known = {"recipe": "", "validation": "", "validation_share": "", "output_dir": "", "help": False}
    known["overwrite_output_dir"] = False
    bare, ours, rest = parted([*arguments, *_job_words(os.environ, arguments)], known)
    options = parser.parse_args([*bare, *ours])
    values = settings.named_values(rest)
    recipe = training.RECIPES[options.recipe or ("base" if values.get("model_name_or_path") else "scratch")]()
    recipe = settings.overridden(recipe, values)
    model = Path(os.environ["SM_MODEL_DIR"]) if "SM_MODEL_DIR" in os.environ else options.output_dir
    if model is None:
        raise ConfigurationError("expected --output_dir: where the model goes")
    pairs = read_pairs(options.files or _channel(os.environ, "train"))
    if not options.validation and "SM_CHANNEL_VALIDATION" in os.environ:
        options.validation = _channel(os.environ, "validation")
    held_out = read_pairs(options.validation) if options.validation else None
    kept, held_out = (pairs, held_out) if held_out else split_pairs(pairs, options.validation_share, 1337)
    folder = options.output_dir or model
    if options.overwrite_output_dir:
        begin_anew(folder)
    print(f"recipe {recipe.name}: {len(kept)} pairs to train on, {len(held_out)} to validate on", flush=True)
    run = training.fit(recipe, kept, held_out, folder)
    if model.resolve() != folder.resolve():
        shutil.copytree(folder, model, dirs_exist_ok=True, ignore=shutil.ignore_patterns("checkpoints"))
    print(f"trained {run.step} steps; best: {log_line(run.best)}\nmodel folder: {model}")
    return 0


def evaluate(arguments: Sequence[str]) -> int:
    """Exact match by kind, of a model and of the rules; on made-up dates where no pairs are named."""
    parser = argparse.ArgumentParser("recto normaliser evaluate", description=evaluate.__doc__)
    parser.add_argument("model", type=Path, help="a trained model's folder; `rules` for the rules alone")
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--count", type=int, default=600, help="of made-up dates")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--output", type=Path, help=f"the report; {REPORT} in the model's folder")
    options = parser.parse_args(arguments)
    sets = {"given": read_pairs(options.files)} if options.files else evaluation.made_up_sets(options.count)
    answers = None
    if str(options.model) != "rules":
        from recto_training.normaliser.model import open_normaliser  # noqa: PLC0415 - rules need no torch

        opened = open_normaliser(options.model)

        def answers(texts: Sequence[str]) -> list[str]:
            return list(opened.answers(texts, options.batch_size))

    told = {name: evaluation.record_of(evaluation.scores_of(pairs, answers)) for name, pairs in sets.items()}
    print(_report(told))
    output = options.output or (options.model / REPORT if answers else None)
    if output:
        output.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0


def report(arguments: Sequence[str]) -> int:
    """Print an evaluation again, as Markdown."""
    parser = argparse.ArgumentParser("recto normaliser report", description=report.__doc__)
    parser.add_argument("file", type=Path)
    options = parser.parse_args(arguments)
    if not options.file.is_file():
        raise ConfigurationError(f"{options.file}: no such report; `recto normaliser evaluate` writes one")
    print(_report(json.loads(options.file.read_text(encoding="utf-8"))))
    return 0


def serve(arguments: Sequence[str]) -> int:
    """The endpoint on this machine: `recto serve --kind normaliser`."""
    command = importlib.import_module("recto_training.commands.serve")
    model = ["--model", *arguments] if arguments and not arguments[0].startswith("-") else list(arguments)
    return int(command.main(["--kind", "normaliser", *model]))


VERBS: Mapping[str, Callable[[Sequence[str]], int]] = {
    "data": data,
    "train": train,
    "evaluate": evaluate,
    "report": report,
    "serve": serve,
}


def _report(told: Mapping[str, Sequence[Mapping[str, object]]]) -> str:
    return "\n\n".join(f"{name}\n\n{evaluation.table_of(rows)}" for name, rows in told.items())


def _job_words(environment: Mapping[str, str], said: Sequence[str]) -> list[str]:
    """A SageMaker job's hyper-parameters as options, but for those that the command line says itself."""
    given = settings.job_settings(environment)
    if "SM_MODEL_DIR" in environment:
        given = {"output_dir": CHECKPOINTS, **given}
    named = {word[2:].partition("=")[0].replace("-", "_") for word in said if word.startswith("--")}
    named.add("task_name")
    return [word for name, value in given.items() if name not in named for word in (f"--{name}", value)]


def _channel(environment: Mapping[str, str], name: str) -> list[Path]:
    """The files of a job's channel `train` or `validation`."""
    place = environment.get(f"SM_CHANNEL_{name.upper()}")
    found = sorted(Path(place).glob("*.jsonl")) if place else []
    if not found:
        raise ConfigurationError(f"no pairs for {name}: name files that `recto normaliser data` made")
    return found
