"""`recto train`: a word model from labelled documents.

    recto train labels.manifest --textract ocr --model_name_or_path minilm --output_dir runs/first
    recto train labels.manifest --textract ocr --recipe tiny --output_dir runs/tiny     (seconds)

As a SageMaker job the same settings come as hyper-parameters, the data as channels (train, validation,
textract, images) and the model goes to SM_MODEL_DIR. All data is checked before anything is trained.
"""

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from recto.errors import ConfigurationError
from recto_training import fit, settings
from recto_training.corpus import Corpus
from recto_training.encoders.stored import MODEL_FILES
from recto_training.job_data import FIELDS, JobData, job_data
from recto_training.loop import CHECKPOINTS, RUN
from recto_training.metrics_log import log_line
from recto_training.word_recipes import WORD_RECIPES, WordRecipe

TASKS = {"ner": "train", "mlm": "pretrain", "seq2seq": "normaliser"}
"""The reference's task names, and the commands that they are here."""


def main(arguments: Sequence[str]) -> int:
    """Train; 0 when the model folder is whole."""
    if {"-h", "--help"} & set(arguments):
        print(f"{__doc__}\nData:\n{JobData.help()}\n\nSettings of recipe small:\n")
        print(settings.help_text(WORD_RECIPES["small"]()))
        return 0
    data, recipe = read_arguments(arguments, os.environ)
    training, validation = data.corpora()
    print_summary(recipe, training, validation)
    folder = Path(data.output_dir)
    if data.overwrite_output_dir:
        shutil.rmtree(folder / CHECKPOINTS, ignore_errors=True)
    run = fit.fit(recipe, training, validation, folder, fields=data.field_list())
    if int(os.environ.get("RANK", "0")) == 0:
        data.keep_fields()
        copy_model(folder, data.model_folder)
        print(f"trained {run.step} steps; best: {log_line(run.best)}\nmodel folder: {data.model_folder}")
    return 0


def read_arguments(arguments: Sequence[str], environment: Mapping[str, str]) -> tuple[JobData, WordRecipe]:
    """Where the data is, and the recipe with its changes."""
    manifests = leading(arguments)
    values = settings.job_settings(environment) | settings.named_values(arguments[len(manifests) :])
    task = values.pop("task_name", "ner")
    if task != "ner":
        expected = f"; that is `recto {TASKS[task]}`" if task in TASKS else f", expected {', '.join(TASKS)}"
        raise ConfigurationError(f"task_name {task}{expected}")
    name = values.pop("recipe", "small" if values.get("model_name_or_path") else "scratch")
    if name not in WORD_RECIPES:
        raise ConfigurationError(f"recipe {name}: expected {', '.join(WORD_RECIPES)}")
    data, rest = job_data(manifests, values, environment)
    return data, settings.overridden(WORD_RECIPES[name](), rest)


def leading(arguments: Sequence[str]) -> list[str]:
    """The words before the first option."""
    found: list[str] = []
    for word in arguments:
        if word.startswith("-"):
            break
        found.append(word)
    return found


def print_summary(recipe: WordRecipe, training: Corpus, validation: Corpus) -> None:
    """What is about to be trained, on what."""
    base = Path(recipe.model_name_or_path).name or "an untrained network"
    parts = f"{len(training)} documents to train on, {len(validation)} to validate on"
    print(f"recipe {recipe.name}, from {base}, {parts}", flush=True)


def copy_model(run: Path, target: Path) -> None:
    """The model's files and the run's record, without checkpoints."""
    if target.resolve() == run.resolve():
        return
    target.mkdir(parents=True, exist_ok=True)
    for name in (*MODEL_FILES, RUN, FIELDS):
        if (run / name).is_file():
            shutil.copyfile(run / name, target / name)
