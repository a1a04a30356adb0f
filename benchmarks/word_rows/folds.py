"""Five folds over all 500 receipts, for the confidence row and for `--full`.

Fold k's model never saw fold k. A part of the training folds (`HELD_OUT` receipts) is kept out of training
too: calibration and thresholds for fold k are fitted on what the model says of those, so that they come from
documents outside the fold that the model did not learn. Each fold's file, `fold-SEED-K.json`:

    {"fold", "seed", "f1", "training": [ids], "test": {id: SAID}, "held_out": {id: SAID}, ...}
    SAID = {"classes": [...], "probabilities": [...], "agreements": [...]}, a number per word of the page

A fold whose file is there is not trained again.
"""

import json
import statistics
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from recto_training.corpus import Corpus, document_ids, folds, split_documents
from recto_training.word_recipes import WordRecipe
from word_rows.rows import SEED, Row
from word_rows.running import Read, part, read, score, train

COUNT = 5
HELD_OUT = 60


class Parts(NamedTuple):
    """Document ids of one fold."""

    training: list[str]
    held_out: list[str]
    test: list[str]


def parts_of_fold(corpus: Corpus, fold: int) -> Parts:
    """Who trains, who is held out of training for calibration, and who is the fold."""
    ids = document_ids(corpus)
    test = folds(ids, COUNT, SEED)[fold]
    others = sorted(set(ids) - set(test))
    return Parts(*split_documents(others, HELD_OUT / len(others), SEED + fold), test)


def run_folds(
    row: Row, recipe: WordRecipe, folder: Path, seeds: Sequence[int], only: Sequence[int] = ()
) -> dict[str, Any]:
    """Every fold with every seed, and the mean and spread of their figures."""
    corpus = row.corpus()
    folder.mkdir(parents=True, exist_ok=True)
    figures = [
        _fold(row, replace(recipe, seed=seed), corpus, fold, folder)
        for seed in seeds
        for fold in only or range(COUNT)
    ]
    spread = statistics.stdev(figures) if len(figures) > 1 else 0.0
    return {
        "f1": statistics.mean(figures),
        "spread": spread,
        "by_fold": figures,
        "seeds": list(seeds),
        "folds": list(only) or list(range(COUNT)),
        "held_out": HELD_OUT,
    }


def _fold(row: Row, recipe: WordRecipe, corpus: Corpus, fold: int, folder: Path) -> float:
    path = folder / f"fold-{recipe.seed}-{fold}.json"
    if not path.exists():
        content = _trained_fold(row, recipe, corpus, fold, folder / f"model-{recipe.seed}-{fold}")
        path.write_text(json.dumps(content))
    figure: float = json.loads(path.read_text())["f1"]
    print(f"seed {recipe.seed}, fold {fold}: F1 {figure:.4f}", flush=True)
    return figure


def _trained_fold(row: Row, recipe: WordRecipe, corpus: Corpus, fold: int, folder: Path) -> dict[str, Any]:
    parts = parts_of_fold(corpus, fold)
    trained = train(recipe, part(corpus, parts.training), folder)
    readings = {
        name: read(folder, part(corpus, listed).documents, recipe.threads)
        for name, listed in (("held_out", parts.held_out), ("test", parts.test))
    }
    figure, details = score(row, readings["test"], corpus.labels, folder)
    return {
        "fold": fold,
        "seed": recipe.seed,
        "f1": figure,
        "training": parts.training,
        "training_seconds": trained.seconds,
        **{name: _said(of_part) for name, of_part in readings.items()},
        **details,
    }


def _said(readings: Sequence[Read]) -> dict[str, dict[str, Any]]:
    """What is said of each document's words; receipts have one page."""
    return {
        document.id: {
            "classes": pages[0].classes,
            "probabilities": pages[0].probabilities,
            "agreements": pages[0].agreements,
        }
        for document, pages in readings
    }
