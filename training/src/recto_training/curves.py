"""Learning curves: the same recipe trained on more and more labelled documents, judged on the same others.

Tells whether labelling more would help: the smaller sets are parts of the larger ones, so that a step up
is the new documents' doing. Each run is kept in a folder of its own and is not trained again.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import NamedTuple

from recto.fields import FieldList
from recto_training import fit
from recto_training.corpus import Corpus, ListCorpus, PartOfCorpus, document_ids
from recto_training.evaluation.curves import CurvePoint
from recto_training.evaluation.evaluation import Rules, evaluate
from recto_training.evaluation.subject import open_subject, predict_documents
from recto_training.evaluation.truth import Match
from recto_training.faults import DataError
from recto_training.word_recipes import WordRecipe

SIZES = (10, 25, 50, 100)
"""Labelled documents; all that there are come last."""
USUAL = 100
"""A set smaller than this is trained for more epochs, so that the number of steps stays that of this many."""
MOST_TIMES = 4
"""But for at most so many times the recipe's epochs."""


class Judging(NamedTuple):
    """What the runs are judged on."""

    test: Corpus
    fields: FieldList | None
    match: Match


def sizes_of(count: int, wanted: Sequence[int] = SIZES) -> list[int]:
    """The set sizes for so many documents: those wanted that are smaller, then all; DataError for none."""
    if not count:
        raise DataError("no documents to train on: the learning curve needs labelled ones")
    return [*sorted({size for size in wanted if 0 < size < count}), count]


def nested_parts(corpus: Corpus, sizes: Sequence[int], seed: int) -> Iterator[tuple[int, Corpus]]:
    """Parts of the corpus by size, each within the next, drawn by the seed whatever the corpus' order."""
    ids = sorted(document_ids(corpus))
    Random(seed).shuffle(ids)
    for size in sizes:
        yield size, PartOfCorpus(corpus, ids[:size])


def learning_curve(
    recipe: WordRecipe,
    training: Corpus,
    judging: Judging,
    folder: Path,
    sizes: Sequence[int],
    seed: int = 1337,
) -> Iterator[CurvePoint]:
    """A point as soon as its run is trained and judged; smallest first."""
    for size, part in nested_parts(training, sizes, seed):
        run = folder / str(size)
        fit.fit(for_size(recipe, size), part, ListCorpus((), training.labels), run, fields=judging.fields)
        subject = open_subject(run, judging.fields)
        rules = Rules(subject.model.labels, subject.fields, subject.calibration, judging.match)
        figures = evaluate(predict_documents(subject, judging.test), rules, worst=0).figures()
        yield CurvePoint.of(size, figures)


def for_size(recipe: WordRecipe, size: int) -> WordRecipe:
    """The recipe for a set of this size: small sets are read more often; no validation, so no early stop."""
    times = min(MOST_TIMES, max(1.0, USUAL / size))
    epochs = math.ceil(recipe.num_train_epochs * times)
    return replace(recipe, num_train_epochs=epochs, early_stopping_patience=0)
