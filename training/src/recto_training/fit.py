"""Fits a word model to labelled documents: checks them, opens the base, hands over to the loop (`loop`)."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from recto.errors import ConfigurationError
from recto.fields import FieldList
from recto_training import loop, words
from recto_training import windows as win
from recto_training.augmentation import Moves, with_moved_copies
from recto_training.corpus import IGNORED, Corpus, LabelledDocument
from recto_training.encoders.model import Base
from recto_training.encoders.opening import BaseOptions, open_base, open_scratch
from recto_training.images import PageImages


def fit(
    recipe: words.WordRecipe,
    training: Corpus,
    validation: Corpus,
    folder: Path,
    *,
    fields: FieldList | None = None,
    until: int | None = None,
) -> loop.Run:
    """Train a word model on labelled documents; `folder` becomes the model folder of the best evaluation.

    Goes on from the folder's last checkpoint. ConfigurationError for an empty training set, one of a single
    class, other labels in the two corpora, a base or checkpoint that does not fit. With `fields`, figures by
    field as well (`eval_field_f1`), through the pipeline's own assembly.
    """
    words.check_labels(validation.labels, training.labels, "validation")
    check_words(training)
    base = open_recipe(recipe, training.labels, training)
    held_out = words.HeldOut(list(validation), base, fields)
    moves = Moves(jitter=recipe.copy_jitter, drop=recipe.copy_drop, line_order=recipe.copy_line_order)
    documents = with_moved_copies(training, moves, recipe.seed or 0, recipe.moved_copies)
    examples = win.make_examples(documents, base.pages, first_only=recipe.only_label_first_subword)
    other = len(training.labels) - 1
    kept = win.kept_examples(examples, other, recipe.empty_windows, recipe.seed)
    task = words.WordTask(base, recipe, kept, held_out, PageImages())
    return loop.run_loop(task, recipe, folder, until)


def check_words(training: Corpus) -> None:
    """ConfigurationError where there is nothing to learn: no word, or all words of one class.

    Documents are read one at a time, here and when windows are made of them: none is kept.
    """
    pages = (page for document in training for page in document.pages)
    seen: set[int] = set()
    num_words = 0
    for page in pages:
        num_words += len(page.page.words)
        seen |= set(page.classes)
    if not num_words:
        raise ConfigurationError(
            f"the training set is empty: {len(training)} documents and not one word; check that OCR results "
            "and labels belong together"
        )
    seen.discard(IGNORED)
    if len(seen) < 2:
        only = training.labels[seen.pop()] if seen else "none"
        raise ConfigurationError(
            f"one class only: every labelled word of the training set is {only!r} of "
            f"{', '.join(training.labels)}; expected words of two classes or more. Check the label attribute "
            "and the class map"
        )


def open_recipe(
    recipe: words.WordRecipe, labels: Sequence[str], documents: Iterable[LabelledDocument]
) -> Base:
    """The network that a recipe begins with; an untrained one makes its tokenizer from the documents."""
    options = BaseOptions(
        max_tokens=recipe.max_seq_length,
        stride=recipe.stride,
        dropout=recipe.dropout,
        distances=recipe.distances,
        tokenizer_name=recipe.tokenizer_name,
        revision=recipe.model_revision,
        cache=recipe.cache_dir or None,
        ignore_labels=recipe.ignore_mismatched_labels,
        seed=recipe.seed or 0,
    )
    if recipe.model_name_or_path:
        return open_base(recipe.model_name_or_path, labels, options)
    texts = (word.text for document in documents for page in document.pages for word in page.page.words)
    size = {"width": recipe.width, "heads": recipe.heads, "layers": recipe.layers, "hidden": recipe.hidden}
    return open_scratch(texts, labels, size, recipe.vocabulary_size, options)
