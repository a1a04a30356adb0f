"""The word model on real documents: one command a row, training and reading included.

    .venv-training/bin/python benchmarks/word_model.py sroie --development --set num_train_epochs=2
                                                                        a quick look
    .venv-training/bin/python benchmarks/word_model.py sroie            the figure
    ... kleister, funsd, few-labels, legal-letters                      the other rows

Needs `make setup`, `make bench-setup` (the base model) and the data in ../shared. A row's result lies in
`results/word_ROW.json`; model and predictions in `.recto/benchmarks/ROW`, for whoever wants to look.

`--development` holds out a part of the training documents, scores on it and leaves the test documents
alone: what every choice of a recipe was made with.
"""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from recording import write_result
from word_rows.rows import CACHE, Row, development
from word_rows.running import changed, run

ROWS = ("sroie", "kleister", "funsd", "few_labels", "legal_letters")


def main(arguments: Sequence[str]) -> int:
    """Run one row; 1 where what is to be reached was not."""
    options = _options(arguments)
    row: Row = import_module(f"word_rows.{options.row}").ROW
    recipe = changed(row.recipe(), [f"threads={options.threads}", *options.set])
    split = row.split(row.corpus())
    folder = Path(options.folder) if options.folder else CACHE / row.name
    figures = run(row, recipe, development(split) if options.development else split, folder, options.limit)
    print("\n".join(figures.get("scorer", [str(figures.get("entities", ""))])))
    print(
        f"{row.name}: F1 {figures['f1']:.4f} ({row.what}); to reach {row.to_reach}, aim {row.aim}; "
        f"{figures['training_seconds']:.0f} s of training, {figures['reading_seconds']:.0f} s of reading"
    )
    if options.development:
        return 0
    settings = {k: v for k, v in recipe.as_dict().items() if k != "model_name_or_path"}
    write_result(
        f"word_{options.row}",
        f".venv-training/bin/python benchmarks/word_model.py {' '.join(arguments)}",
        {"what": row.what, "to_reach": row.to_reach, "aim": row.aim, **figures, "recipe": settings},
    )
    return 0 if figures["f1"] >= row.to_reach else 1


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("row", type=lambda name: name.replace("-", "_"), choices=ROWS)
    parser.add_argument("--development", action="store_true", help="score on held-out training documents")
    parser.add_argument("--threads", type=int, default=0, help="of torch; 0 is one per core")
    parser.add_argument("--limit", type=int, default=0, help="only so many training documents")
    parser.add_argument("--folder", help="where the model and the predictions go")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="of the recipe")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
