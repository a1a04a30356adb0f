"""Labelled data as a command line names it: which format, which field list, where the OCR's output lies.

Every command that takes labelled data has these options, and no other way to read it.

    --data output.manifest --map s3://bucket/data=folder          a labelling job's output
    --data boxes/ --truth truth.jsonl --fields fields.json        text lines and the values of fields
    --data pdfs/ --truth truth.jsonl --fields fields.json --format values
    --data forms/ --format funsd                                  forms with labelled words
"""

from argparse import ArgumentParser, Namespace
from enum import StrEnum
from pathlib import Path

from recto.aws.s3 import S3Objects
from recto.errors import FieldConfigurationError
from recto.fields import FieldList, parse_fields
from recto_training.alignment import ALL_MENTIONS, Alignment, Policy
from recto_training.caching import PageCache
from recto_training.corpus import IGNORED, ReadCorpus
from recto_training.faults import DataError
from recto_training.importers.funsd import funsd_corpus
from recto_training.importers.lines import lines_corpus
from recto_training.importers.values import values_corpus
from recto_training.manifests import manifest_corpus
from recto_training.ocr_folder import ANY_BUCKET, Mapped, OcrFolder

CACHE = Path(".recto/pages")
CALLER = "recto-training"


class Format(StrEnum):
    """How labelled data is written."""

    MANIFEST = "manifest"
    """Output manifests of labelling jobs."""
    LINES = "lines"
    """A folder of text lines with boxes, and a list of values."""
    VALUES = "values"
    """A folder of PDFs with a text layer, and a list of values."""
    FUNSD = "funsd"
    """A folder of forms with labelled words."""


def add_data_arguments(parser: ArgumentParser, *, required: bool = True) -> None:
    """The options that say where the labelled data is."""
    group = parser.add_argument_group("labelled data")
    group.add_argument("--data", nargs="+", type=Path, required=required, help="manifests, or a folder")
    group.add_argument("--format", type=Format, choices=list(Format), help="default: by what --data is")
    group.add_argument("--fields", type=Path, help="field list; default: the labels that the data names")
    group.add_argument("--truth", type=Path, help="values of lines or PDFs, as JSON lines")
    group.add_argument("--images", type=Path, help="folder of page images (lines, funsd)")
    group.add_argument("--label", default="", help="label attribute of the manifests; default: the only one")
    group.add_argument(
        "--map",
        action="append",
        default=[],
        metavar="s3://BUCKET/PREFIX=FOLDER",
        help="where objects lie here",
    )
    group.add_argument("--textract", type=Path, help="folder of OCR output, for a job's channel")
    group.add_argument(
        "--textract-prefix", default="", help="prefix in the bucket that this folder stands for"
    )
    group.add_argument(
        "--allow-prefilled", action="store_true", help="judge by labels that began with a model's values too"
    )
    group.add_argument("--skip-failed", action="store_true", help="leave out lines whose labelling failed")
    group.add_argument(
        "--occurrences", type=Policy, choices=list(Policy), default=Policy.ALL, help="of values"
    )
    group.add_argument("--ignore-others", action="store_true", help="do not train on other places of a value")
    group.add_argument("--no-bio", action="store_true", help="funsd: labels without B- and I-")
    group.add_argument("--cache", type=Path, default=CACHE, help=f"folder of pages read before ({CACHE})")


def open_fields(path: Path) -> FieldList:
    """A field list from its file; DataError where there is none."""
    try:
        return parse_fields(path.read_text(encoding="utf-8"))
    except FieldConfigurationError as error:
        raise FieldConfigurationError(f"{path}: {error}") from error
    except OSError as error:
        raise DataError(f"field list {path}: cannot be read ({error.strerror})") from error


def open_corpus(arguments: Namespace) -> ReadCorpus:
    """The corpus that the options name; DataError for what is wrong with it."""
    paths: list[Path] = arguments.data
    if missing := [str(path) for path in paths if not path.exists()]:
        raise DataError(f"--data {missing[0]}: there is no such file or folder")
    fields = open_fields(arguments.fields) if arguments.fields else None
    kind = arguments.format or _format_of(paths[0], arguments)
    cache = PageCache(arguments.cache)
    if kind is Format.MANIFEST:
        ocr = ocr_of(arguments, paths)
        corpus = manifest_corpus(paths, ocr, fields, label=arguments.label, skip_failed=arguments.skip_failed)
        if getattr(arguments, "allow_prefilled", False):
            corpus.prefilled = frozenset()
        return corpus
    if kind is Format.FUNSD:
        return funsd_corpus(_folder(paths), bio=not arguments.no_bio, images=arguments.images)
    if fields is None or arguments.truth is None:
        raise DataError(f"--format {kind}: values are given by --truth, and their field list by --fields")
    how = Alignment(arguments.occurrences, others=IGNORED if arguments.ignore_others else None)
    how = ALL_MENTIONS if arguments.occurrences is Policy.ALL else how
    if kind is Format.LINES:
        return lines_corpus(_folder(paths), arguments.truth, fields, images=arguments.images, how=how)
    return values_corpus(_folder(paths), arguments.truth, fields, cache=cache, how=how)


def ocr_of(arguments: Namespace, paths: list[Path]) -> OcrFolder:
    """Where the references of manifests lead: folders that are mapped, beside the manifest, or S3."""
    cache = PageCache(arguments.cache)
    return OcrFolder(cache, _mapped(arguments), paths[0].parent, lambda: S3Objects(CALLER))


def _format_of(path: Path, arguments: Namespace) -> Format:
    if path.is_file():
        return Format.MANIFEST
    if next(path.glob("*.pdf"), None):
        return Format.VALUES
    return Format.LINES if arguments.truth else Format.FUNSD


def _folder(paths: list[Path]) -> Path:
    if len(paths) > 1 or not paths[0].is_dir():
        raise DataError(f"--data {' '.join(map(str, paths))}: expected one folder")
    return paths[0]


def _mapped(arguments: Namespace) -> list[Mapped]:
    mapped = [Mapped.parse(text) for text in arguments.map]
    if arguments.textract:
        prefix = arguments.textract_prefix.strip("/")
        mapped.append(Mapped(f"{ANY_BUCKET}/{prefix}".rstrip("/"), arguments.textract))
    return mapped
