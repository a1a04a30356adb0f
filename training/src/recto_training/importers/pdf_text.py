"""The words of a PDF's text layer with their boxes, without any OCR. Pages without a text layer are empty.

Words are runs of characters between white space, line ends and wide jumps. Boxes are those of the page
as it is seen: inside its crop box, turned as the PDF says.
"""

import ctypes
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pypdfium2
import pypdfium2.raw as pdfium

from recto.document import Page, Word
from recto.errors import DamagedDocumentError
from recto.geometry import Box
from recto_training.caching import PageCache, hash_file

KIND = "pdf-text-1"
SOFT_HYPHENS = ("\x02", "\ufffe")
"""What pdfium gives for a hyphen at the end of a line."""
JUMP = 2.0
"""A step back, or forth by more than this many line heights, ends a word even without white space."""


class _Character(NamedTuple):
    text: str
    left: float
    bottom: float
    right: float
    top: float

    @property
    def height(self) -> float:
        return self.top - self.bottom


def read_pdf(path: Path, cache: PageCache | None = None) -> tuple[Page, ...]:
    """The pages of a PDF, from the cache where they were read before; DamagedDocumentError for no PDF."""
    if cache is None:
        return tuple(pages_of_pdf(path))
    return tuple(cache.stored(KIND, hash_file(path), lambda: pages_of_pdf(path)).read())


def pages_of_pdf(path: Path) -> Iterator[Page]:
    """The pages of a PDF, one by one."""
    try:
        document = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        raise DamagedDocumentError(f"{path}: pdfium cannot open it: {error}") from error
    try:
        for number in range(1, len(document) + 1):
            page = document[number - 1]
            yield Page(number, tuple(_words(page, number)))
            page.close()
    finally:
        document.close()


def _words(page: pypdfium2.PdfPage, number: int) -> Iterator[Word]:
    text_page = page.get_textpage()
    place, line = 0, 0
    try:
        for characters in _runs(text_page):
            if not characters:
                line += 1
                continue
            box = _box_on_page(page, characters)
            text = "".join(character.text for character in characters)
            yield Word(text, box, 1.0, line, f"{number}-{place}")
            place += 1
    finally:
        text_page.close()


def _runs(text_page: pypdfium2.PdfTextPage) -> Iterator[list[_Character]]:
    """The characters of word after word; an empty run for the end of a line."""
    run: list[_Character] = []
    for index in range(text_page.count_chars()):
        text = chr(pdfium.FPDFText_GetUnicode(text_page, index))
        text = "-" if text in SOFT_HYPHENS else text
        if text.isspace() or text in {"\0", "\u200b"}:
            yield from _ended(run)
            run = []
            if text == "\n":
                yield []
            continue
        character = _character(text_page, index, text)
        if run and _jumps(run[-1], character):
            yield run
            run = []
        run.append(character)
    yield from _ended(run)


def _ended(run: list[_Character]) -> Iterator[list[_Character]]:
    if run:
        yield run


def _character(text_page: pypdfium2.PdfTextPage, index: int, text: str) -> _Character:
    sides = [ctypes.c_double() for _ in range(4)]
    left, right, bottom, top = sides
    pdfium.FPDFText_GetCharBox(text_page, index, left, right, bottom, top)
    return _Character(text, left.value, bottom.value, right.value, top.value)


def _jumps(before: _Character, after: _Character) -> bool:
    height = max(before.height, after.height)
    if height <= 0:
        return False
    other_line = min(before.top, after.top) < max(before.bottom, after.bottom) - height
    return other_line or abs(after.left - before.right) > JUMP * height


def _box_on_page(page: pypdfium2.PdfPage, characters: list[_Character]) -> Box:
    """The word's box, 0-1 from the top left of the page as it is seen."""
    crop_left, crop_bottom, crop_right, crop_top = page.get_cropbox()
    width, height = crop_right - crop_left, crop_top - crop_bottom
    box = Box.clipped(
        (min(c.left for c in characters) - crop_left) / width,
        (crop_top - max(c.top for c in characters)) / height,
        (max(c.right for c in characters) - crop_left) / width,
        (crop_top - min(c.bottom for c in characters)) / height,
    )
    return turned(box, page.get_rotation())


def turned(box: Box, degrees: int) -> Box:
    """The box on the page turned clockwise by 0, 90, 180 or 270 degrees."""
    for _ in range(degrees // 90 % 4):
        box = Box(1 - box.bottom, box.left, 1 - box.top, box.right)
    return box
