"""Manifests of pages, labelled or not, with the OCR of each page, and what a model says of them.

For commands that prepare labelling: which pages next, and what to suggest on them. Training reads labelled
documents by `manifests`.
"""

from argparse import ArgumentParser
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from recto.document import Page
from recto.errors import AccessError, DocumentError, ServiceUnavailableError
from recto.inference import Picture, Verdict
from recto.manifests import label_attributes
from recto_training.evaluation.subject import Subject
from recto_training.faults import DataError, Faults
from recto_training.manifest_lines import OCR, PAGE, SOURCE, Line, read_lines
from recto_training.ocr_folder import OcrFolder
from recto_training.sources import CACHE

WITH_CONTENT = "has-content"


class PageLine(NamedTuple):
    """A line of a manifest that is about one page."""

    line: Line
    ocr: str
    """The OCR of its document."""
    number: int

    @property
    def id(self) -> str:
        """What tells it from other pages, wherever it is listed."""
        return f"{self.ocr} page {self.number}"

    @property
    def image(self) -> str:
        return str(self.line.content.get(SOURCE) or "")

    @property
    def has_content(self) -> bool:
        return self.line.content.get(WITH_CONTENT) is not False


def add_ocr_arguments(parser: ArgumentParser) -> None:
    """Where the objects that manifests name lie here; what no option covers is read from S3."""
    group = parser.add_argument_group("where OCR results and images lie")
    group.add_argument("--map", action="append", default=[], metavar="s3://BUCKET/PREFIX=FOLDER")
    group.add_argument("--textract", type=Path, help="folder of OCR output")
    group.add_argument("--textract-prefix", default="", help="prefix in the bucket that it stands for")
    group.add_argument("--cache", type=Path, default=CACHE, help=f"folder of pages read before ({CACHE})")


def read_page_lines(paths: Sequence[Path], ocr: OcrFolder) -> list[PageLine]:
    """The pages of manifests, each page once; DataError that lists every line that cannot be used."""
    if missing := [str(path) for path in paths if not path.is_file()]:
        raise DataError(f"{missing[0]}: there is no such manifest")
    faults = Faults()
    found: dict[str, PageLine] = {}
    there: set[str] = set()  # one look for each document, not for each of its pages
    for line in read_lines(paths):
        try:
            one = _page_line(line, ocr, there)
        except (AccessError, ServiceUnavailableError) as error:
            raise DataError(f"{line.place}: {error}; if it lies here, say where with --map") from error
        except (DataError, DocumentError) as error:
            faults.add(line.place, str(error))
            continue
        if one.id in found:
            faults.add(line.place, f"{one.id} stands in {found[one.id].line.place} too; take one out")
        found.setdefault(one.id, one)
    faults.end_if_any()
    return list(found.values())


def _page_line(line: Line, ocr: OcrFolder, there: set[str]) -> PageLine:
    if OCR not in line.content:
        raise DataError(f"no {OCR}, seen {', '.join(line.content)}; the OCR's output is needed")
    reference = str(line.content[OCR])
    if reference not in there and (fault := ocr.fault(reference)):
        raise DataError(fault)
    there.add(reference)
    numbers = ocr.stored(reference).numbers
    number = line.content.get(PAGE, numbers[0] if len(numbers) == 1 else None)
    if number not in numbers or isinstance(number, bool):
        some = f"pages {numbers[0]} to {numbers[-1]}" if numbers else "no pages"
        raise DataError(f"{PAGE} {number!r}: {reference} has {some}")
    return PageLine(line, reference, int(number))


def pages_of(lines: Iterable[PageLine], ocr: OcrFolder) -> Iterator[Page]:
    """The words of each page, one page at a time."""
    return (next(ocr.pages(one.ocr, {one.number})) for one in lines)


def verdicts_of(subject: Subject, lines: Sequence[PageLine], ocr: OcrFolder) -> Iterator[Verdict]:
    """What a model says of each page, with its image where the model looks at images and there is one."""
    pairs = zip(lines, pages_of(lines, ocr), strict=True)
    return subject.model.verdicts((page, picture) for (_, page), picture in _pictures(subject, pairs, ocr))


Pair = tuple[PageLine, Page]


def _pictures(subject: Subject, pairs: Iterable[Pair], ocr: OcrFolder) -> Iterator[tuple[Pair, Picture]]:
    if not subject.model.wants_pictures:
        yield from ((pair, None) for pair in pairs)
        return
    from recto_training.images import PageImages  # noqa: PLC0415 - brings torch

    images = PageImages()
    for line, page in pairs:
        path = ocr.path(line.image) if line.image else None
        yield (line, page), images[str(path) if path is not None and path.is_file() else ""]


def has_labels(one: PageLine, label: str = "") -> bool:
    """Whether people have labelled the page: under that attribute, or under any."""
    return any(
        attribute.metadata.get("human-annotated") == "yes" and attribute.value is not None
        for attribute in label_attributes(one.line.content)
        if not label or attribute.name == label
    )
