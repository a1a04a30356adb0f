"""The word model on real documents: one command a row, training and reading included.

    .venv-training/bin/python benchmarks/word_model.py sroie --development --set num_train_epochs=2
                                                                        a quick look
    .venv-training/bin/python benchmarks/word_model.py sroie            the figure
    .venv-training/bin/python benchmarks/word_model.py sroie --folds    five folds; --full: and three seeds
    ... kleister, funsd, few-labels, legal-letters                      the other rows

Needs `make setup`, `make bench-setup` (the base model) and the data in ../shared. A row's result lies in
`results/word_ROW.json`; model and predictions in `.recto/benchmarks/ROW`, for whoever wants to look.

`--development` holds out a part of the training documents, scores on it and leaves the test documents
alone: what every choice of a recipe was made with.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from recording import RESULTS, write_result
from word_rows.folds import run_folds
from word_rows.rows import CACHE, Row, development
from word_rows.running import changed, run, score_again

from recto_training.word_recipes import WordRecipe

SEEDS = (1337, 1338, 1339)
ROWS = ("sroie", "kleister", "funsd", "few_labels", "legal_letters")


def main(arguments: Sequence[str]) -> int:
    """Run one row; 1 where what is to be reached was not."""
    options = _options(arguments)
    row: Row = import_module(f"word_rows.{options.row}").ROW
    recipe = changed(row.recipe(), [f"threads={options.threads}", *options.set])
    if options.folds or options.full:
        figures, name = _folds(row, recipe, options), f"word_{options.row}_folds"
    else:
        figures, name = _once(row, recipe, options), f"word_{options.row}"
    if options.development:
        return 0
    settings = {k: v for k, v in recipe.as_dict().items() if k != "model_name_or_path"}
    command = f".venv-training/bin/python benchmarks/word_model.py {' '.join(arguments)}"
    if options.again:
        command, settings = f"{figures['command']}; then --again", figures["recipe"]
        figures = {k: v for k, v in figures.items() if k not in ("command", "commit", "measured", "machine")}
    write_result(
        name,
        command,
        {**figures, "what": row.what, "to_reach": row.to_reach, "aim": row.aim, "recipe": settings},
    )
    return 0 if figures["f1"] >= row.to_reach else 1


def _once(row: Row, recipe: WordRecipe, options: argparse.Namespace) -> dict[str, Any]:
    """The row's figure on its split."""
    split = row.split(row.corpus())
    split = development(split) if options.development else split
    folder = Path(options.folder) if options.folder else CACHE / row.name
    if options.again:
        known = json.loads((RESULTS / f"word_{options.row}.json").read_text())
        figures = {**known, **score_again(row, split, folder)}
    else:
        figures = run(row, recipe, split, folder, options.limit)
    print("\n".join(figures.get("scorer", [str(figures.get("entities", ""))])))
    print(
        f"{row.name}: F1 {figures['f1']:.4f} ({row.what}); to reach {row.to_reach}, aim {row.aim}; "
        f"{figures['training_seconds']:.0f} s of training, {figures['reading_seconds']:.0f} s of reading, "
        f"{figures['processor_seconds']:.0f} s of processor time"
    )
    return figures


def _folds(row: Row, recipe: WordRecipe, options: argparse.Namespace) -> dict[str, Any]:
    """Mean and spread over folds, and with `--full` over seeds."""
    folder = Path(options.folder) if options.folder else CACHE / f"{row.name}-folds"
    figures = run_folds(row, recipe, folder, SEEDS if options.full else SEEDS[:1], options.only)
    print(f"{row.name}: F1 {figures['f1']:.4f}, spread {figures['spread']:.4f} over {figures['by_fold']}")
    return figures


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("row", type=lambda name: name.replace("-", "_"), choices=ROWS)
    parser.add_argument("--development", action="store_true", help="score on held-out training documents")
    parser.add_argument("--folds", action="store_true", help="five folds over all documents (sroie)")
    parser.add_argument("--full", action="store_true", help="five folds with three seeds (sroie)")
    parser.add_argument("--only", type=int, action="append", default=[], help="of the folds only this one")
    parser.add_argument("--threads", type=int, default=0, help="of torch; 0 is one per core")
    parser.add_argument(
        "--again", action="store_true", help="score what the last model said again, without training"
    )
    parser.add_argument("--limit", type=int, default=0, help="only so many training documents")
    parser.add_argument("--folder", help="where the model and the predictions go")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="of the recipe")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
