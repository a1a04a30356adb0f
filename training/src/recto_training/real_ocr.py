"""Agreements as the local pipeline reads them: PDF, page images at its resolution, Tesseract, words.

The truth is carried over by area: an OCR word belongs to the printed word that covers at least half of
it. What was read is cached in a folder by the hash of the PDF, since a page takes a second.
"""

import json
from collections.abc import Collection, Iterator
from concurrent.futures import ProcessPoolExecutor
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pypdfium2
from PIL import Image

from recto.document import Page, Word
from recto.geometry import Box
from recto_ocr.engine import OcrLine
from recto_ocr.pages import DPI, inspect, page_image
from recto_ocr.tesseract import read_image
from recto_training.synthetic.agreement import Agreement, TruthWord, generate
from recto_training.synthetic.markup import NO_FIELD
from recto_training.synthetic.pdf import scan, write_pdf

HALF = 0.5


class ReadPage(NamedTuple):
    """A page as the OCR read it, with what the truth says of each word."""

    page: Page
    fields: tuple[int, ...]
    entities: tuple[int, ...]
    """Number of the mention in the document, NO_FIELD outside any."""


class ReadAgreement(NamedTuple):
    """An agreement after OCR."""

    agreement: Agreement
    pages: tuple[ReadPage, ...]


def read_agreements(agreements: list[Agreement], cache: Path, workers: int = 2) -> Iterator[ReadAgreement]:
    """Each agreement through the OCR, from the cache where it was read before."""
    cache.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(workers) as pool:
        read = pool.map(read_pages, [(write_pdf(one.sheet), str(cache)) for one in agreements])
        for agreement, pages in zip(agreements, read, strict=True):
            yield ReadAgreement(agreement, tuple(map(label_page, pages, agreement.pages)))


def read_pages(job: tuple[bytes, str]) -> list[Page]:
    """The pages of a PDF, as Tesseract reads them."""
    pdf, cache = job
    path = Path(cache) / f"{sha256(pdf).hexdigest()[:24]}-{DPI}.json"
    if path.exists():
        return [_page_from_json(entry) for entry in json.loads(path.read_text())]
    pages = [
        page_of_lines(number, read_image(image)) for number, image in enumerate(draw_pages(pdf), start=1)
    ]
    path.write_text(json.dumps(pages))
    return pages


def draw_pages(pdf: bytes) -> list[Image.Image]:
    """Page images as the pipeline's OCR gets them; every third document as a scanner would give it."""
    digest = sha256(pdf).digest()
    document = pypdfium2.PdfDocument(pdf)
    try:
        images = [page.render(scale=DPI / 72, grayscale=True).to_pil() for page in document]
    finally:
        document.close()
    if digest[0] % 3:
        return images
    rng = Random(digest.hex())
    wear = rng.uniform(0, 0.5)
    return [scan(image, rng, wear=wear) for image in images]


def read_file(path: Path) -> list[Page]:
    """The pages of a PDF, TIFF, PNG or JPEG, as the local pipeline reads them."""
    content = inspect(path)
    numbers = range(1, content.num_pages + 1)
    return [page_of_lines(n, read_image(page_image(path, content.kind, n))) for n in numbers]


def page_of_lines(number: int, lines: list[OcrLine]) -> Page:
    """The library's page from the OCR's lines, in the OCR's order."""
    words = [
        Word(word.text, word.box, word.confidence / 100, line)
        for line, of_line in enumerate(lines)
        for word in of_line.words
    ]
    return Page(number, tuple(word._replace(id=f"{number}-{index}") for index, word in enumerate(words)))


def label_page(page: Page, truth: tuple[TruthWord, ...]) -> ReadPage:
    """What each OCR word belongs to."""
    owners = [_owner(word, truth) for word in page.words]
    return ReadPage(
        page,
        tuple(owner.field if owner else NO_FIELD for owner in owners),
        tuple(owner.entity if owner else NO_FIELD for owner in owners),
    )


def _owner(word: Word, truth: tuple[TruthWord, ...]) -> TruthWord | None:
    covered = [(word.box.intersection(one.box), index) for index, one in enumerate(truth)]
    area, index = max(covered, default=(0.0, 0))
    return truth[index] if area > 0 and area >= HALF * word.box.area else None


def _page_from_json(entry: Any) -> Page:
    number, words = entry
    return Page(number, tuple(Word(text, Box(*box), *rest) for text, box, *rest in words))


def agreements_of(prefix: str, count: int, plan: Any, among: Collection[str] = ()) -> list[Agreement]:
    """So many agreements of a plan, among some layout families where any are named."""
    return [generate(f"{prefix} {number}", plan, among=among) for number in range(count)]
