"""What labelled data holds, and what it could give at best.

recto data report --data output.manifest --map s3://bucket/data=folder
recto data report --data boxes --truth truth.jsonl --fields fields.json --match alnum --missed 20
"""

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Iterable, Sequence
from pathlib import Path

from recto_training.balance import balance_of, table_of
from recto_training.ceiling import ceiling_of
from recto_training.corpus import Corpus
from recto_training.evaluation.fields import DocumentScore, field_tallies
from recto_training.evaluation.truth import Match
from recto_training.sources import add_data_arguments, open_corpus, open_fields


def main(arguments: Sequence[str]) -> int:
    """Prints the class balance, its warnings and, with a field list, the ceiling of each field."""
    parser = ArgumentParser(
        "recto data report", description=__doc__, formatter_class=RawDescriptionHelpFormatter
    )
    add_data_arguments(parser)
    parser.add_argument(
        "--match", type=Match, choices=list(Match), default=Match.ALNUM, help="when values are equal"
    )
    parser.add_argument("--missed", type=int, default=5, help="how many values that are lost to show")
    options = parser.parse_args(arguments)
    corpus = open_corpus(options)
    print("\n".join(table_of(balance_of(corpus))))
    if options.fields:
        print("\n".join(_ceiling_lines(corpus, options.fields, options.match, options.missed)))
    return 0


def _ceiling_lines(corpus: Corpus, path: Path, match: Match, missed: int) -> list[str]:
    fields = open_fields(path)
    scores = ceiling_of(corpus, fields, match)
    tallies = field_tallies(scores, fields)
    width = max(len(name) for name, _ in [*tallies.items(), ("field", None)])
    rows = [*tallies.items(), ("all", tallies.total)]
    return [
        "",
        f"ceiling: what perfect predictions of these labels would give (--match {match})",
        f"{'field':{width}}  precision   recall       F1    true",
        *(
            f"{name:{width}}  {one.precision:9.4f} {one.recall:8.4f} {one.f1:8.4f} {one.true:7d}"
            for name, one in rows
        ),
        *_missed_lines(scores, missed),
    ]


def _missed_lines(scores: Sequence[DocumentScore], count: int) -> list[str]:
    lost = [
        f"{score.id}: {name}: true {_listed(one.true)}, by the labels {_listed(v.value for v in one.values)}"
        for score in scores
        for name, one in score.fields.items()
        if one.hits < one.wanted or one.hits < one.predicted
    ]
    more = [f"and {len(lost) - count} more"] if len(lost) > count else []
    return [f"{len(lost)} values are lost:", *lost[:count], *more] if lost else []


def _listed(values: Iterable[str]) -> str:
    return " | ".join(" ".join(value.split()) for value in values) or "none"
