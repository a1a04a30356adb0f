"""A document file as page images: PDF, TIFF, PNG and JPEG, with the limits that Textract documents.

It opens and draws; it neither reads text nor knows where the file came from. PDF pages
come at 200 dpi unless told otherwise, or less for very large pages; photos are turned as their EXIF says.
"""

import struct
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

import pypdfium2
import pypdfium2.raw as pdfium
from PIL import Image, ImageOps

from recto.formats import format_of

DPI = 200
LONGEST_SIDE = 4000
MAX_PAGES = 3000
MAX_IMAGE_SIDE = 10_000
MEBIBYTE = 1024 * 1024
MAX_BYTES = {"PDF": 500 * MEBIBYTE, "TIFF": 500 * MEBIBYTE, "PNG": 10 * MEBIBYTE, "JPEG": 10 * MEBIBYTE}


BROKEN_CONTENT = (
    OSError, ValueError, TypeError, LookupError, SyntaxError, EOFError, ArithmeticError, AttributeError,
    struct.error, Image.DecompressionBombError, pypdfium2.PdfiumError,
)  # fmt: skip
"""What the decoders are seen to raise on broken files."""


class Unreadable(StrEnum):
    """Why a document cannot be read."""

    UNSUPPORTED = "UNSUPPORTED_DOCUMENT"
    ENCRYPTED = "ENCRYPTED_DOCUMENT"
    DAMAGED = "BAD_DOCUMENT"
    TOO_LARGE = "DOCUMENT_TOO_LARGE"


class UnreadableDocumentError(Exception):
    """A document, or a page of it, that cannot be drawn; `reason` says which kind of trouble."""

    def __init__(self, reason: Unreadable, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.reason.value}: {self.detail}"


@dataclass(frozen=True)
class Content:
    """What a document file is."""

    kind: str
    """PDF, TIFF, PNG or JPEG."""
    num_pages: int


def kind_of(head: bytes) -> str:
    """PDF, TIFF, PNG or JPEG by the first bytes (1,024 are enough); empty for anything else.

    The rule of the pipeline itself: where two formats share a file, pages and page images must be the same.
    """
    kind = format_of(head)
    return kind.name if kind else ""


def inspect(path: Path) -> Content:
    """Kind and number of pages; UnreadableDocumentError where it cannot be opened or breaks a limit."""
    with path.open("rb") as file:
        kind = kind_of(file.read(1024))
    if not kind:
        raise UnreadableDocumentError(Unreadable.UNSUPPORTED, "the content is not PDF, TIFF, PNG or JPEG")
    num_pages = len(_opened_pdf(str(path))) if kind == "PDF" else _num_frames(path, kind)
    if not 1 <= num_pages <= MAX_PAGES:
        raise UnreadableDocumentError(
            Unreadable.TOO_LARGE if num_pages else Unreadable.DAMAGED,
            f"{num_pages} pages; expected 1 to {MAX_PAGES}",
        )
    return Content(kind, num_pages)


def page_image(path: Path, kind: str, page: int, dpi: int = DPI) -> Image.Image:
    """The image of page `page`, counted from 1; `dpi` is for PDF pages, others have their pixels."""
    try:
        return _pdf_page(path, page, dpi) if kind == "PDF" else _frame(path, page)
    except BROKEN_CONTENT as error:
        raise UnreadableDocumentError(Unreadable.DAMAGED, f"page {page}: {error}") from error


@lru_cache(maxsize=2)
def _opened_pdf(path: str) -> pypdfium2.PdfDocument:
    """Kept open between the pages of one document."""
    pdfium.FPDF_LoadMemDocument(b"", 0, None)  # forgets the error of the file before, which may stay else
    try:
        document = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        if error.err_code in (pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY):
            raise UnreadableDocumentError(Unreadable.ENCRYPTED, "the PDF asks for a password") from error
        raise UnreadableDocumentError(Unreadable.DAMAGED, f"the PDF cannot be opened: {error}") from error
    if document.get_formtype() == pdfium.FORMTYPE_XFA_FULL:
        raise UnreadableDocumentError(
            Unreadable.UNSUPPORTED, "an XFA form; expected a PDF with pages of its own"
        )
    try:
        document.init_forms()  # or else what was typed into form fields is not drawn
    except pypdfium2.PdfiumError as error:
        raise UnreadableDocumentError(Unreadable.DAMAGED, f"its form cannot be opened: {error}") from error
    return document


def _pdf_page(path: Path, page: int, dpi: int) -> Image.Image:
    sheet = _opened_pdf(str(path))[page - 1]
    try:
        scale = min(dpi / 72, LONGEST_SIDE / max(1.0, *sheet.get_size()))
        image: Image.Image = sheet.render(scale=scale, grayscale=True).to_pil()
        return image
    finally:
        sheet.close()


def _num_frames(path: Path, kind: str) -> int:
    try:
        with Image.open(path) as image:
            if kind != "TIFF" and max(image.size) > MAX_IMAGE_SIDE:
                raise UnreadableDocumentError(
                    Unreadable.TOO_LARGE,
                    f"{image.width} x {image.height} pixels; at most {MAX_IMAGE_SIDE} a side",
                )
            return int(getattr(image, "n_frames", 1)) if kind == "TIFF" else 1
    except BROKEN_CONTENT as error:
        raise UnreadableDocumentError(Unreadable.DAMAGED, f"the image cannot be opened: {error}") from error


def _frame(path: Path, page: int) -> Image.Image:
    with Image.open(path) as image:
        image.seek(page - 1)
        image.load()
        return ImageOps.exif_transpose(image)
