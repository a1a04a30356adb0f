"""Labels to begin with, for people to accept or change: from a model, from earlier pages, or both.

    recto data prelabel next.manifest --model runs/first --output suggested.manifest
    recto data prelabel next.manifest --earlier labelled.manifest --output suggested.manifest

Each line gets an attribute of boxes (`initial`, or as --attribute says) in the shape of an earlier labelling
job's result, marked as seen by no human: adjustment templates and Recto's page task show it as suggestions.
With --earlier, pages that look like a labelled one (the same form, the same sender) get its mentions, found
again by their words or their places; with both, earlier pages fill what the model has not found.
"""

from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from recto.earlier_pages import EarlierPage, KnownMention, earlier_page, of_earlier
from recto.errors import DocumentError
from recto.fields import FieldList
from recto.manifests import line_of
from recto.prelabels import INITIAL, ImageSize, Origin, Suggestion, attribute_of, of_predictions, together
from recto_training.corpus import IGNORED, NO_FIELD, LabelledDocument, LabelledPage
from recto_training.evaluation.subject import open_subject
from recto_training.faults import DataError, Faults
from recto_training.manifests import manifest_corpus
from recto_training.ocr_folder import OcrFolder
from recto_training.page_lines import (
    PageLine,
    add_ocr_arguments,
    pages_of,
    read_page_lines,
    verdicts_of,
)
from recto_training.predict import HowToRun
from recto_training.sources import ocr_of, open_fields

LEAST = 0.3


def main(arguments: Sequence[str]) -> int:
    """Suggests, writes the manifest and says how much was suggested."""
    options = _parser().parse_args(arguments)
    print("\n".join(_prelabel(options)))
    return 0


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        "recto data prelabel", description=__doc__, formatter_class=RawDescriptionHelpFormatter
    )
    parser.add_argument("manifests", nargs="+", type=Path, help="pages to label")
    parser.add_argument("--model", type=Path, help="folder of a trained model or of a release")
    parser.add_argument("--earlier", nargs="+", type=Path, default=[], help="manifests of labelled pages")
    parser.add_argument("--label", default="", help="label attribute of these; default: the only one")
    parser.add_argument("--fields", type=Path, help="field list; default: the model's, or the labels' names")
    parser.add_argument("--attribute", default=INITIAL, help=f"attribute to write ({INITIAL})")
    parser.add_argument(
        "--least", type=float, default=LEAST, help=f"probability from which a model's find is shown ({LEAST})"
    )
    parser.add_argument("--output", "-o", type=Path, required=True, help="manifest to write")
    parser.add_argument("--threads", type=int, default=0, help="0: one per core")
    add_ocr_arguments(parser)
    return parser


def _prelabel(options: Namespace) -> list[str]:
    if not options.model and not options.earlier:
        raise DataError("nothing to suggest from: give --model, --earlier or both")
    ocr = ocr_of(options, options.manifests)
    lines = read_page_lines(options.manifests, ocr)
    _check_attribute(lines, options.attribute)
    sizes = _sizes(lines, ocr)
    fields = open_fields(options.fields) if options.fields else None
    by_model, fields = _of_model(options, lines, ocr, fields)
    by_earlier = _of_earlier(options, lines, ocr, fields)
    found = [together(first, second) for first, second in zip(by_model, by_earlier, strict=True)]
    names = [path.name for path in (options.model, *options.earlier) if path]
    origin = Origin("+".join(names), datetime.now(UTC))
    written = [
        _without(one.line.content, options.attribute) | attribute_of(some, size, options.attribute, origin)
        for one, some, size in zip(lines, found, sizes, strict=True)
    ]
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_bytes(b"".join(map(line_of, written)))
    num_pages = sum(map(bool, found))
    told = f"{sum(map(len, found))} suggestions on {num_pages} of {len(lines)} pages"
    return [f"{options.output}: {told}, under {options.attribute!r}"]


def _check_attribute(lines: Iterable[PageLine], name: str) -> None:
    """DataError where people's own labels would be lost."""
    faults = Faults()
    for one in lines:
        metadata = one.line.content.get(f"{name}-metadata")
        has_it = name in one.line.content or metadata is not None
        if has_it and not (isinstance(metadata, Mapping) and metadata.get("human-annotated") == "no"):
            faults.add(one.line.place, f"{name!r} is there already and not a suggestion; choose --attribute")
    faults.end_if_any()


def _without(content: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in content.items() if key not in {name, f"{name}-metadata"}}


def _sizes(lines: Iterable[PageLine], ocr: OcrFolder) -> list[ImageSize]:
    """Of each page's image; DataError for lines without one, since boxes are in its pixels."""
    faults = Faults()
    sizes = []
    for one in lines:
        if not one.image:
            faults.add(one.line.place, "no source-ref: boxes are drawn in the pixels of the page's image")
            continue
        try:
            sizes.append(ImageSize(*ocr.any_image_size(one.image)))
        except (DocumentError, DataError) as error:
            faults.add(one.line.place, str(error))
    faults.end_if_any()
    return sizes


Found = Sequence[list[Suggestion]]


def _of_model(
    options: Namespace, lines: Sequence[PageLine], ocr: OcrFolder, fields: FieldList | None
) -> tuple[Found, FieldList | None]:
    if not options.model:
        return [[] for _ in lines], fields
    subject = open_subject(options.model, fields, HowToRun(threads=options.threads))
    if subject.fields is None:
        raise DataError(f"{options.model}: its labels are parts of words (B- and I-), not fields")
    found = [
        of_predictions(page, verdict.predictions, subject.fields, options.least)
        for page, verdict in zip(pages_of(lines, ocr), verdicts_of(subject, lines, ocr), strict=True)
    ]
    return found, subject.fields


def _of_earlier(
    options: Namespace, lines: Sequence[PageLine], ocr: OcrFolder, fields: FieldList | None
) -> Found:
    if not options.earlier:
        return [[] for _ in lines]
    corpus = manifest_corpus(
        options.earlier, ocr_of(options, options.earlier), fields, label=options.label, skip_failed=True
    )
    known = [one for document in corpus for one in earlier_pages(document, corpus.labels)]
    return [of_earlier(page, known) for page in pages_of(lines, ocr)]


def earlier_pages(document: LabelledDocument, labels: Sequence[str]) -> Iterator[EarlierPage]:
    """The labelled pages of a document, with their mentions."""
    for labelled in document.pages:
        yield earlier_page(labelled.page, _mentions(labelled, labels), document.id)


def _mentions(labelled: LabelledPage, labels: Sequence[str]) -> Iterator[KnownMention]:
    other = len(labels) - 1
    by_mention: dict[tuple[int, int], list[int]] = {}
    run = 0
    for index, class_id in enumerate(labelled.classes):
        run += index > 0 and labelled.classes[index - 1] != class_id
        if class_id not in {other, IGNORED}:
            entity = labelled.entities[index] if labelled.entities else NO_FIELD
            by_mention.setdefault((class_id, run if entity == NO_FIELD else -2 - entity), []).append(index)
    return (
        KnownMention(class_id, labels[class_id], tuple(words)) for (class_id, _), words in by_mention.items()
    )
