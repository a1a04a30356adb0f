"""Documents, their OCR and their page images brought together: a line for each page, or for each document.

What is there is known from one listing of each place; no object is asked about by itself. The OCR is opened
only where it is asked for (`Content`): then pages without a word are flagged or left out, and both sides must
have the same number of pages. What does not fit together is left out of the manifest and told.
"""

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from recto.document import Page
from recto.errors import DamagedDocumentError, DocumentError
from recto.image_names import UNCHANGED
from recto.manifests import DocumentLine, PageLine
from recto.textract import blocks_of, read_pages
from recto_data.endings import IMAGE_OF_PDF, RESULT
from recto_data.parallel import each_done
from recto_data.places import Place
from recto_data.progress import SILENT, Bars
from recto_data.reports import Finding, Report, Status

FRAME = re.compile(r"(?P<base>.+)-(?P<page>\d{4,})")
"""The name of a page of a TIFF, without its ending."""
NO_OCR = "no OCR result"
NO_IMAGES = "no page images"
MAX_SHOWN = 5


class Content(StrEnum):
    """What becomes of pages in which the OCR found no word."""

    KEEP = "keep"
    """They stay, unseen: the OCR is not opened."""
    FLAG = "flag"
    """Each line says whether it has words."""
    OMIT = "omit"


class Corpus(NamedTuple):
    """The three places of a corpus."""

    documents: Place
    ocr: Place
    images: Place


class HowToCollate(NamedTuple):
    content: Content = Content.KEEP
    by_document: bool = False


class Collated(NamedTuple):
    """The manifest's lines in the order of documents and pages, and what was left out of it."""

    lines: tuple[dict[str, Any], ...]
    num_documents: int
    report: Report


def collate(
    names: Sequence[str], corpus: Corpus, how: HowToCollate | None = None, bars: Bars = SILENT
) -> Collated:
    """The pages of the documents of these names, as `recto data ocr` and `images` left them."""
    how = how or HowToCollate()
    results = {entry.name for entry in corpus.ocr.entries() if entry.size}
    images = Images((entry.name for entry in corpus.images.entries() if entry.size), names)
    report, owners, found = Report(), dict[str, str](), {}
    for name in names:
        pages, fault = _pages(name, results, images)
        owner = next((owners[image] for image in pages.values() if image in owners), "")
        fault = fault or (f"its images would be called as those of {owner}" if owner else "")
        owners |= dict.fromkeys(pages.values(), name)
        if fault:
            report.add(name, Status.WARNING, fault)
        else:
            found[name] = pages
    words = _words(found, corpus.ocr, report, bars) if how.content is not Content.KEEP else {}
    kept = {name: pages for name, pages in found.items() if how.content is Content.KEEP or name in words}
    lines = []
    for name, pages in kept.items():
        make = _document_lines if how.by_document else _page_lines
        lines += make(name, pages, corpus, words.get(name, ()), how.content, report)
    report.findings.sort(key=lambda finding: finding.name)
    return Collated(tuple(lines), len(kept), report)


# --- images -----------------------------------------------------------------------------------------


class Images:
    """Page images by the names of their documents; `recto.image_names` says how they are called."""

    def __init__(self, names: Iterable[str], documents: Collection[str] = ()) -> None:
        """`documents` are names of documents: an image of that very name is no page of another one."""
        documents = frozenset(documents)
        self._names: set[str] = set()
        self._of_pdfs: dict[str, dict[int, str]] = {}
        self._frames: dict[str, dict[int, str]] = {}
        for name in names:
            path = PurePosixPath(name)
            if path.suffix.lower() not in UNCHANGED:
                continue
            self._names.add(name)
            if name in documents:
                continue
            for pattern, known in ((IMAGE_OF_PDF, self._of_pdfs), (FRAME, self._frames)):
                if match := pattern.fullmatch(path.stem):
                    base = str(path.with_name(match["base"]))
                    known.setdefault(base, {})[int(match["page"])] = name

    def of(self, document: str) -> dict[int, str]:
        """The images of a document by page; the content decides how they are called, the name often tells."""
        path = PurePosixPath(document)
        base = str(path.with_suffix(""))
        ways = [self._of_pdfs.get(base, {}), self._frames.get(base, {}), self._single(path)]
        if path.suffix.lower() != ".pdf":
            ways = [ways[2], ways[1], ways[0]] if path.suffix.lower() in UNCHANGED else [*ways[1:], ways[0]]
        return next((found for found in ways if found), {})

    def _single(self, path: PurePosixPath) -> dict[int, str]:
        name = str(path if path.suffix.lower() in UNCHANGED else path.with_suffix(".png"))
        return {1: name} if name in self._names else {}


def _pages(name: str, results: set[str], images: Images) -> tuple[dict[int, str], str]:
    """A document's images by page in their order, and what is wrong with it."""
    found = images.of(name)
    missing = [
        what for what, there in ((NO_OCR, f"{name}/{RESULT}" in results), (NO_IMAGES, found)) if not there
    ]
    if missing:
        return {}, ", ".join(missing)
    last = max(found)
    gaps = sorted(set(range(1, last + 1)) - found.keys())
    if gaps:
        return {}, f"no image of page {_some(gaps)} of {last}"
    if fault := _unfinished(found[last], last):
        return {}, fault
    return dict(sorted(found.items())), ""


def _unfinished(image: str, last: int) -> str:
    """A PDF's pages have as many digits as its last one: with more, its images were not all made."""
    match = IMAGE_OF_PDF.fullmatch(PurePosixPath(image).stem)
    if match and len(match["page"]) > len(str(last)):
        least = 10 ** (len(match["page"]) - 1)
        return f"{last} page images, but their names say that there are at least {least}"
    return ""


def _some(pages: Sequence[int]) -> str:
    more = f" and {len(pages) - MAX_SHOWN} more" if len(pages) > MAX_SHOWN else ""
    return ", ".join(map(str, pages[:MAX_SHOWN])) + more


# --- what the OCR says ------------------------------------------------------------------------------


def _words(
    documents: Mapping[str, Mapping[int, str]], ocr: Place, report: Report, bars: Bars
) -> dict[str, tuple[bool, ...]]:
    """Whether each page of each document has words; documents that do not fit their OCR are told."""
    bars.begin("OCR results", len(documents))
    found: dict[str, tuple[bool, ...]] = {}
    for name, has_words in each_done(lambda name: pages_with_words(ocr, name), documents):
        bars.step()
        if isinstance(has_words, Exception):
            report.findings.append(Finding.of_error(name, has_words))
        elif len(has_words) != len(documents[name]):
            fault = f"{len(documents[name])} page images, but the OCR has {len(has_words)} pages"
            report.add(name, Status.WARNING, fault)
        else:
            found[name] = has_words
    return found


def pages_with_words(ocr: Place, name: str) -> tuple[bool, ...]:
    """Whether the OCR found words on each page of a document."""
    pages = {page.number: bool(page.words) for page in ocr_pages(ocr.read(f"{name}/{RESULT}"), name)}
    return tuple(pages.get(number, False) for number in range(1, max(pages, default=0) + 1))


def ocr_pages(content: bytes, name: str) -> list[Page]:
    """The pages of a Textract-shaped result; a DocumentError that names it for anything else."""
    try:
        root = json.loads(content)
    except ValueError as error:
        raise DamagedDocumentError(f"OCR result of {name}: not JSON ({error})") from error
    try:
        return list(read_pages(blocks_of(root)))
    except DocumentError as error:
        raise type(error)(f"OCR result of {name}: {error}") from error


# --- lines ------------------------------------------------------------------------------------------


def _page_lines(
    name: str,
    pages: Mapping[int, str],
    corpus: Corpus,
    words: Sequence[bool],
    content: Content,
    report: Report,
) -> list[dict[str, Any]]:
    lines = []
    for number, image in pages.items():
        has_content = words[number - 1] if words else None
        if content is Content.OMIT and not has_content:
            report.add(f"{name} page {number}", Status.SKIPPED, "no words on the page")
            continue
        line = PageLine(
            source_ref=corpus.images.ref(image),
            textract_ref=corpus.ocr.ref(f"{name}/{RESULT}"),
            page_num=number,
            raw_ref=corpus.documents.ref(name),
            has_content=has_content if content is Content.FLAG else None,
        )
        lines.append(line.content())
    return lines


def _document_lines(
    name: str,
    pages: Mapping[int, str],
    corpus: Corpus,
    words: Sequence[bool],
    content: Content,
    report: Report,
) -> list[dict[str, Any]]:
    images = [
        corpus.images.ref(image)
        for number, image in pages.items()
        if content is not Content.OMIT or words[number - 1]
    ]
    if not images:
        report.add(name, Status.SKIPPED, "no words in the document")
        return []
    line = DocumentLine(
        raw_ref=corpus.documents.ref(name),
        textract_ref=corpus.ocr.ref(f"{name}/{RESULT}"),
        page_refs=tuple(images),
        has_content=any(words) if content is Content.FLAG else None,
        pages_have_content=tuple(words) if content is Content.FLAG else None,
    )
    # Existing readers of manifests by document look for the OCR under this key.
    return [line.content() | {"source-ref": corpus.ocr.ref(f"{name}/{RESULT}")}]
