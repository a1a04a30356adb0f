"""`recto pretrain`: an encoder that knows a corpus' pages, from OCR results without labels.

    recto pretrain --textract ocr --model_name_or_path minilm --output_dir runs/pages
    recto pretrain labels.manifest --textract ocr --recipe tiny --output_dir runs/tiny      (seconds)
    recto train labels.manifest --textract ocr --model_name_or_path runs/pages              (goes on from it)

Pages come from the manifests that are named (labels are not read), or else from all of the OCR folder.
"""

import os
from argparse import Namespace
from collections.abc import Mapping, Sequence

from recto.errors import ConfigurationError
from recto_training import fit, settings
from recto_training.caching import PageCache
from recto_training.commands.train import copy_model, is_first
from recto_training.corpus import Corpus, ListCorpus, split_corpus
from recto_training.encoders.model import Base
from recto_training.job_data import JobData, manifests_in, read_job
from recto_training.loop import begin_anew
from recto_training.manifests import unlabelled_corpus
from recto_training.metrics_log import log_line
from recto_training.ocr_documents import ocr_documents
from recto_training.pretraining import NO_LABELS, pretrain
from recto_training.sources import ocr_of
from recto_training.word_recipes import PRETRAINING_RECIPES, PretrainingRecipe


def main(arguments: Sequence[str]) -> int:
    """Pre-train; 0 when the model folder is whole."""
    data, recipe = read_arguments(arguments, os.environ)
    training, validation = corpora(data)
    print(f"recipe {recipe.name}: {len(training)} documents, {len(validation)} to validate on", flush=True)
    if data.options.overwrite_output_dir:
        begin_anew(data.output)
    run = pretrain(recipe, open_bare(recipe, training), training, validation, data.output)
    if is_first(os.environ):
        copy_model(data.output, data.model_folder)
        print(f"pre-trained {run.step} steps; best: {log_line(run.best)}\nmodel folder: {data.model_folder}")
    return 0


def read_arguments(
    arguments: Sequence[str], environment: Mapping[str, str]
) -> tuple[JobData, PretrainingRecipe]:
    """Where the data is, and the recipe with its changes."""
    told = f"{__doc__}\nSettings of recipe pages:\n\n{settings.help_text(PRETRAINING_RECIPES['pages']())}"
    data, values = read_job("pretrain", told, arguments, environment)
    name = data.options.recipe or "pages"
    if name not in PRETRAINING_RECIPES:
        raise ConfigurationError(f"recipe {name}: expected {', '.join(PRETRAINING_RECIPES)}")
    return data, settings.overridden(PRETRAINING_RECIPES[name](), values)


def corpora(data: JobData) -> tuple[Corpus, Corpus]:
    """Pages to learn from and to validate on."""
    corpus = _corpus(data.options)
    share = data.options.validation_share
    if len(corpus) < 2 or not share:
        return corpus, ListCorpus((), NO_LABELS)
    return split_corpus(corpus, share, data.options.data_seed)


def _corpus(options: Namespace) -> Corpus:
    paths = options.data or (manifests_in(options.train) if options.train else [])
    if paths:
        return unlabelled_corpus(paths, ocr_of(options, paths))
    if not options.textract:
        raise ConfigurationError("no pages: name manifests, or a folder of OCR results by --textract")
    if not options.textract.is_dir():
        raise ConfigurationError(f"there is no folder {options.textract}")
    return ocr_documents(options.textract, PageCache(options.cache), options.images)


def open_bare(recipe: PretrainingRecipe, training: Corpus) -> Base:
    """The base without classes; only the encoder of one that has some."""
    chosen = settings.overridden(recipe, {"ignore_mismatched_labels": "true"})
    documents = () if recipe.model_name_or_path else list(training)
    return fit.open_recipe(chosen, NO_LABELS, documents)
