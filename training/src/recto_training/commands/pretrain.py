"""`recto pretrain`: an encoder that knows a corpus' pages, from OCR results without labels.

    recto pretrain --textract ocr --model_name_or_path minilm --output_dir runs/pages
    recto pretrain labels.manifest --textract ocr --recipe tiny --output_dir runs/tiny      (seconds)
    recto train labels.manifest --textract ocr --model_name_or_path runs/pages              (goes on from it)

Pages come from the manifests that are named (labels are not read), or else from all of the OCR folder.
"""

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from recto.errors import ConfigurationError
from recto_training import fit, settings
from recto_training.caching import PageCache
from recto_training.commands.train import copy_model, leading
from recto_training.corpus import Corpus, ListCorpus, split_corpus
from recto_training.encoders.model import Base
from recto_training.job_data import JobData, job_data, manifests_in
from recto_training.loop import CHECKPOINTS
from recto_training.manifests import unlabelled_corpus
from recto_training.metrics_log import log_line
from recto_training.ocr_documents import ocr_documents
from recto_training.pretraining import NO_LABELS, pretrain
from recto_training.word_recipes import PRETRAINING_RECIPES, PretrainingRecipe


def main(arguments: Sequence[str]) -> int:
    """Pre-train; 0 when the model folder is whole."""
    if {"-h", "--help"} & set(arguments):
        print(f"{__doc__}\nData:\n{JobData.help()}\n\nSettings of recipe pages:\n")
        print(settings.help_text(PRETRAINING_RECIPES["pages"]()))
        return 0
    data, recipe = read_arguments(arguments, os.environ)
    training, validation = corpora(data)
    print(f"recipe {recipe.name}: {len(training)} documents, {len(validation)} to validate on", flush=True)
    folder = Path(data.output_dir)
    if data.overwrite_output_dir:
        shutil.rmtree(folder / CHECKPOINTS, ignore_errors=True)
    run = pretrain(recipe, open_bare(recipe, training), training, validation, folder)
    if int(os.environ.get("RANK", "0")) == 0:
        copy_model(folder, data.model_folder)
        print(f"pre-trained {run.step} steps; best: {log_line(run.best)}\nmodel folder: {data.model_folder}")
    return 0


def read_arguments(
    arguments: Sequence[str], environment: Mapping[str, str]
) -> tuple[JobData, PretrainingRecipe]:
    """Where the data is, and the recipe with its changes."""
    manifests = leading(arguments)
    values = settings.job_settings(environment) | settings.named_values(arguments[len(manifests) :])
    values.pop("task_name", None)
    name = values.pop("recipe", "pages")
    if name not in PRETRAINING_RECIPES:
        raise ConfigurationError(f"recipe {name}: expected {', '.join(PRETRAINING_RECIPES)}")
    data, rest = job_data(manifests, values, environment)
    return data, settings.overridden(PRETRAINING_RECIPES[name](), rest)


def corpora(data: JobData) -> tuple[Corpus, Corpus]:
    """Pages to learn from and to validate on."""
    corpus = _corpus(data)
    if len(corpus) < 2 or not data.validation_share:
        return corpus, ListCorpus((), NO_LABELS)
    return split_corpus(corpus, data.validation_share, data.data_seed)


def _corpus(data: JobData) -> Corpus:
    if data.manifests or data.train:
        paths = [Path(one) for one in data.manifests] or manifests_in(data.train, "training")
        return unlabelled_corpus(paths, data.ocr_folder(paths))
    if not data.textract:
        raise ConfigurationError("no pages: name manifests, or a folder of OCR results by --textract")
    if not Path(data.textract).is_dir():
        raise ConfigurationError(f"there is no folder {data.textract}")
    images = Path(data.images) if data.images else None
    return ocr_documents(Path(data.textract), PageCache(Path(data.cache)), images)


def open_bare(recipe: PretrainingRecipe, training: Corpus) -> Base:
    """The base without classes; only the encoder of one that has some."""
    chosen = settings.overridden(recipe, {"ignore_mismatched_labels": "true"})
    documents = () if recipe.model_name_or_path else list(training)
    return fit.open_recipe(chosen, NO_LABELS, documents)
