"""The word model's benchmark: who trains and who tests. Reads ids only, trains nothing."""

from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest

from recto_training.word_recipes import small

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
SHARED = Path(__file__).parents[3] / "shared" / "data"
SIZES = {
    "sroie": (400, 100),
    "kleister": (200, 54),
    "funsd": (149, 50),
    "few_labels": (50, 100),
    "legal_letters": (150, 50),
}

pytestmark = pytest.mark.skipif(not SHARED.exists(), reason="../shared/data is not here")


@pytest.fixture(autouse=True)
def _benchmarks_can_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))


@pytest.mark.parametrize("name", SIZES)
def test_the_split_is_the_issues_and_no_document_is_on_both_sides(name: str) -> None:
    row = import_module(f"word_rows.{name}").ROW
    corpus = row.corpus()
    split = row.split(corpus)

    assert (len(split.training), len(split.test)) == SIZES[name]
    assert not set(split.training) & set(split.test)
    assert split == row.split(corpus)


def test_choices_are_made_within_the_training_documents() -> None:
    rows, row = import_module("word_rows.rows"), import_module("word_rows.sroie").ROW
    split = row.split(row.corpus())
    within = rows.development(split)

    assert set(within.training) | set(within.test) == set(split.training)
    assert within.test
    assert not set(within.training) & set(within.test)


def test_few_labels_are_of_the_same_receipts_and_tested_on_the_same() -> None:
    few, all_of_them = (import_module(f"word_rows.{name}").ROW for name in ("few_labels", "sroie"))
    corpus = all_of_them.corpus()

    assert set(few.split(corpus).training) < set(all_of_them.split(corpus).training)
    assert few.split(corpus).test == all_of_them.split(corpus).test


def test_a_fold_is_never_trained_on_nor_held_out_for_calibration() -> None:
    folds, row = import_module("word_rows.folds"), import_module("word_rows.sroie").ROW
    parts = [folds.parts_of_fold(row.corpus(), fold) for fold in range(folds.COUNT)]

    assert sorted(one for part in parts for one in part.test) == sorted(row.corpus().ids)
    for part in parts:
        assert not set(part.test) & {*part.training, *part.held_out}
        assert not set(part.training) & set(part.held_out)
        assert len(part.held_out) == folds.HELD_OUT


def test_a_value_of_the_recipe_is_changed_by_name_and_kind() -> None:
    running, recipe = import_module("word_rows.running"), small()

    assert running.changed(recipe, ["num_train_epochs=2", "bf16=false"]) == replace(
        recipe, num_train_epochs=2.0, bf16=False
    )
    with pytest.raises(SystemExit, match="no such value"):
        running.changed(recipe, ["num_epochs=2"])
