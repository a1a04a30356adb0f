"""Labelled data of another format as a manifest and OCR output, which every other command takes.

    recto data import --data boxes --truth truth.jsonl --fields fields.json --output sets/receipts
    recto data import --data pdfs --truth truth.jsonl --fields fields.json --output sets/contracts
    recto data import --data forms --format funsd --output sets/forms

Values are aligned to words on the way; those that are nowhere in their document are counted and told.
"""

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Sequence
from pathlib import Path

from recto_training.balance import balance_of, table_of
from recto_training.exporters.manifest import write_manifest
from recto_training.sources import add_data_arguments, open_corpus

PREFIX = "s3://labelled-data"


def main(arguments: Sequence[str]) -> int:
    """Writes the manifest and the OCR output, prints what they hold and how to go on."""
    parser = ArgumentParser(
        "recto data import", description=__doc__, formatter_class=RawDescriptionHelpFormatter
    )
    add_data_arguments(parser)
    parser.add_argument("--output", type=Path, required=True, help="folder to write")
    parser.add_argument("--prefix", default="", help=f"where it will lie in S3; default: {PREFIX}/NAME")
    options = parser.parse_args(arguments)
    prefix = options.prefix or f"{PREFIX}/{options.output.name}"
    corpus = open_corpus(options)
    path = write_manifest(corpus, options.output, prefix)
    print("\n".join(table_of(balance_of(corpus))))
    fields = f" --fields {options.fields}" if options.fields else ""
    print(f"\nwritten: {path}\nrecto train {path} --map {prefix}={options.output}{fields}")
    return 0
