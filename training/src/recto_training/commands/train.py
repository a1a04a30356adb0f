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
from recto_training.corpus import Corpus, prefilled_ids
from recto_training.encoders.stored import MODEL_FILES
from recto_training.evaluation.focus import FocusTally
from recto_training.job_data import FIELDS, JobData, print_balance, read_job
from recto_training.loop import RUN, begin_anew
from recto_training.metrics_log import log_line
from recto_training.word_recipes import WORD_RECIPES, WordRecipe

TASKS = {"ner": "train", "mlm": "pretrain", "seq2seq": "normaliser"}
"""The reference's task names, and the commands that they are here."""
FIGURES = ("loss", *FocusTally().figures(), "word_f1", "entity_f1", "entity_precision", "entity_recall")
"""What every evaluation gives (`words.HeldOut`)."""


def main(arguments: Sequence[str]) -> int:
    """Train; 0 when the model folder is whole."""
    data, recipe = read_arguments(arguments, os.environ)
    check_metric(recipe, has_fields=data.fields is not None)
    training, validation = data.corpora()
    if is_first(os.environ):
        print_summary(recipe, training, validation)
    if data.options.overwrite_output_dir:
        begin_anew(data.output)
    run = fit.fit(recipe, training, validation, data.output, fields=data.fields)
    if is_first(os.environ):
        data.keep_fields()
        copy_model(data.output, data.model_folder)
        print(f"trained {run.step} steps; best: {log_line(run.best)}\nmodel folder: {data.model_folder}")
    return 0


def read_arguments(arguments: Sequence[str], environment: Mapping[str, str]) -> tuple[JobData, WordRecipe]:
    """Where the data is, and the recipe with its changes."""
    told = f"{__doc__}\nSettings of recipe small:\n\n{settings.help_text(WORD_RECIPES['small']())}"
    data, values = read_job("train", told, arguments, environment)
    task = data.options.task_name or "ner"
    if task != "ner":
        expected = f"; that is `recto {TASKS[task]}`" if task in TASKS else f", expected {', '.join(TASKS)}"
        raise ConfigurationError(f"task_name {task}{expected}")
    name = data.options.recipe or ("small" if values.get("model_name_or_path") else "scratch")
    if name not in WORD_RECIPES:
        raise ConfigurationError(f"recipe {name}: expected {', '.join(WORD_RECIPES)}")
    return data, settings.overridden(WORD_RECIPES[name](), values)


def check_metric(recipe: WordRecipe, *, has_fields: bool) -> None:
    """ConfigurationError for a figure that no evaluation gives: it would be told after the first one only."""
    known = (*FIGURES, "field_f1") if has_fields else FIGURES
    if recipe.metric_for_best_model.removeprefix("eval_") not in known:
        hint = "; eval_field_f1 needs --fields" if recipe.metric_for_best_model.endswith("field_f1") else ""
        raise ConfigurationError(
            f"metric_for_best_model {recipe.metric_for_best_model}: expected "
            f"{', '.join(f'eval_{name}' for name in known)}{hint}"
        )


def is_first(environment: Mapping[str, str]) -> bool:
    """Whether this is the process that speaks for all under torchrun."""
    return int(environment.get("RANK", "0")) == 0


def print_summary(recipe: WordRecipe, training: Corpus, validation: Corpus) -> None:
    """What is about to be trained, on what: nothing has been trained yet, and all data has been read once."""
    base = Path(recipe.model_name_or_path).name or "an untrained network"
    print_balance(training)
    parts = f"{len(training)} documents to train on, {len(validation)} to validate on"
    print(f"recipe {recipe.name}, from {base}, {parts}", flush=True)
    if prefilled := prefilled_ids(training):
        print(
            f"{len(prefilled)} of them were labelled by people who were shown a model's values: they are "
            "trained on, and none is validated on",
            flush=True,
        )


def copy_model(run: Path, target: Path) -> None:
    """The model's files and the run's record, without checkpoints."""
    if target.resolve() == run.resolve():
        return
    target.mkdir(parents=True, exist_ok=True)
    for name in (*MODEL_FILES, RUN, FIELDS):
        if (run / name).is_file():
            shutil.copyfile(run / name, target / name)
