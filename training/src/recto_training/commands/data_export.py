"""Labelled data in another format: a manifest with OCR output, FUNSD's forms, or lists of values.

recto data export --data output.manifest --map s3://bucket/data=folder --to funsd --output forms
recto data export --data boxes --truth t.jsonl --fields f.json --to values --output truth.jsonl
"""

from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

from recto_training.exporters.funsd import write_funsd
from recto_training.exporters.manifest import write_manifest
from recto_training.exporters.values import write_values
from recto_training.faults import DataError
from recto_training.sources import add_data_arguments, open_corpus, open_fields


class Target(StrEnum):
    """What can be written."""

    MANIFEST = "manifest"
    FUNSD = "funsd"
    VALUES = "values"


def main(arguments: Sequence[str]) -> int:
    """Writes the data and says what was written."""
    parser = ArgumentParser(
        "recto data export", description=__doc__, formatter_class=RawDescriptionHelpFormatter
    )
    add_data_arguments(parser)
    parser.add_argument("--to", type=Target, choices=list(Target), required=True)
    parser.add_argument("--output", type=Path, required=True, help="folder, or file of values, to write")
    parser.add_argument(
        "--prefix", default="", help="where a manifest's objects will lie: s3://bucket/prefix"
    )
    options = parser.parse_args(arguments)
    print(_written(options))
    return 0


def _written(options: Namespace) -> str:
    corpus = open_corpus(options)
    if options.to is Target.FUNSD:
        return f"{write_funsd(corpus, options.output)} forms in {options.output}"
    if options.to is Target.MANIFEST:
        if not options.prefix.startswith("s3://"):
            raise DataError(
                f"--prefix {options.prefix!r}: expected where the objects will lie, s3://bucket/prefix"
            )
        return f"{write_manifest(corpus, options.output, options.prefix)}, {len(corpus)} documents"
    if not options.fields:
        raise DataError("--to values: the field list is needed, give --fields")
    count = write_values(corpus, options.output, open_fields(options.fields))
    return f"values of {count} documents in {options.output}"
