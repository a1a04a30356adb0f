"""`recto learning-curve`: would more labelled documents help? Trains on 10, 25, 50, 100 and all of them.

    recto learning-curve train.manifest --map s3://bucket=folder --model_name_or_path minilm --output curve
    recto learning-curve --data boxes --truth truth.jsonl --fields fields.json --recipe tiny --sizes 5,10

A fifth of the documents (--test-share) is held out and judges every run. Other options are settings of
the recipe, as for `recto train`. Each run is kept; a curve that was interrupted goes on where it stopped.
"""

from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from recto.errors import ConfigurationError
from recto_training import settings
from recto_training.corpus import split_corpus
from recto_training.curves import SIZES, Judging, learning_curve, sizes_of
from recto_training.evaluation.curves import CURVE, CurvePoint, advice, write_curve
from recto_training.evaluation.truth import Match
from recto_training.faults import DataError
from recto_training.loop import begin_anew
from recto_training.sources import add_data_arguments, open_corpus, open_fields
from recto_training.word_recipes import WORD_RECIPES, WordRecipe

SEED = 1337


def main(arguments: Sequence[str]) -> int:
    """Train and judge each size; 0 when the curve is written."""
    options, rest = _parser().parse_known_args(arguments)
    recipe = _recipe(options, rest)
    options.data = [*options.manifests, *(options.data or [])]
    if not options.data:
        raise DataError("no labelled documents: name manifests, or a folder with --data")
    training, test = split_corpus(open_corpus(options), options.test_share, options.data_seed)
    if not len(test):
        raise DataError(f"--test-share {options.test_share}: no document is held out to judge by")
    fields = open_fields(options.fields) if options.fields else None
    sizes = sizes_of(len(training), options.sizes)
    if options.overwrite_output_dir:
        for size in sizes:
            begin_anew(options.output / str(size))
    print(f"{len(test)} documents judge; training on {', '.join(map(str, sizes))}", flush=True)
    points: list[CurvePoint] = []
    judging = Judging(test, fields, options.match)
    for point in learning_curve(recipe, training, judging, options.output, sizes, options.data_seed):
        points.append(point)
        print(line_of(point), flush=True)
        write_curve(options.output / CURVE, points)
    print(f"{advice(points)}\ncurve: {options.output / CURVE} (recto evaluate … --report … --curve …)")
    return 0


def line_of(point: CurvePoint) -> str:
    """A point for a terminal."""
    fields = "" if point.fields is None else f"  field F1 {point.fields:.4f}"
    by_name = ", ".join(f"{name} {value:.3f}" for name, value in point.by_name.items())
    return f"{point.documents:6d} documents{fields}  entity F1 {point.entities:.4f}  ({by_name})"


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        "recto learning-curve", description=__doc__, formatter_class=RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )  # fmt: skip
    parser.add_argument("manifests", nargs="*", type=Path, help="labelled documents; the same as --data")
    add_data_arguments(parser, required=False)
    parser.add_argument(
        "--recipe", choices=sorted(WORD_RECIPES), help="default: small with a base, else scratch"
    )
    parser.add_argument("--sizes", type=_sizes, default=SIZES, help="10,25,50,100; all come last anyway")
    parser.add_argument(
        "--test-share", type=float, default=0.2, help="share of the documents that judges (0.2)"
    )
    parser.add_argument("--data-seed", type=int, default=SEED, help=f"of the split and the parts ({SEED})")
    parser.add_argument("--match", type=Match, choices=list(Match), default=Match.NORMAL)
    parser.add_argument("--output", type=Path, default=Path(".recto/curve"), help="folder for runs and curve")
    parser.add_argument(
        "--overwrite-output-dir", "--overwrite_output_dir", nargs="?", const=True, default=False,
        type=partial(settings.parsed, "overwrite_output_dir", kind=bool), help="begin all runs anew",
    )  # fmt: skip
    return parser


def _sizes(text: str) -> tuple[int, ...]:
    return tuple(int(one) for one in text.split(","))


def _recipe(options: Namespace, rest: Sequence[str]) -> WordRecipe:
    stray = [word for word in rest[:1] if not word.startswith("-")]
    if stray:
        raise ConfigurationError(f"{stray[0]}: neither a manifest nor an option")
    values = settings.named_values(rest)
    name = options.recipe or ("small" if values.get("model_name_or_path") else "scratch")
    return settings.overridden(WORD_RECIPES[name](), values)
