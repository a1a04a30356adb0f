"""Opens PDF, TIFF, PNG and JPEG files and draws their pages. One page in memory at a time, pixels bounded.

The only module of the library that needs pypdfium2 and Pillow. Not OCR, not layout.
"""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c
from PIL import Image, ImageOps, UnidentifiedImageError

from recto.errors import (
    DamagedDocumentError,
    DocumentTooLargeError,
    EncryptedDocumentError,
    UnsupportedDocumentError,
)
from recto.formats import PDF, format_of

WHITE = (255, 255, 255)
MAX_IMAGE_SIDE = 10_000
XFA_FORMS = (pdfium_c.FORMTYPE_XFA_FULL, pdfium_c.FORMTYPE_XFA_FOREGROUND)


class Limits(NamedTuple):
    """What a document may have at most."""

    pages: int
    pixels: int
    """Of one stored image, before it is decoded."""


class PageSource(NamedTuple):
    """An open document."""

    num_pages: int
    draw: Callable[[int, int], Image.Image]
    """Page number (from 1) and longest side in pixels -> upright RGB image, its metadata stripped."""


@contextmanager
def open_pages(path: Path, limits: Limits, name: str) -> Iterator[PageSource]:
    """The document in a file, `name` for messages; DocumentError by name where it cannot be read."""
    with path.open("rb") as file:
        kind = format_of(file.read(1024))
    if kind is None:
        raise UnsupportedDocumentError(
            f"{name}: expected a PDF, TIFF, PNG or JPEG, its first bytes are none of these"
        )
    opened = _open_pdf if kind is PDF else _open_image
    with opened(path, limits, name) as source:
        if source.num_pages < 1:
            raise DamagedDocumentError(f"{name}: a {kind.name} without pages")
        if source.num_pages > limits.pages:
            raise DocumentTooLargeError(f"{name}: {source.num_pages:,} pages, the limit is {limits.pages:,}")
        yield source


@contextmanager
def _open_pdf(path: Path, _limits: Limits, name: str) -> Iterator[PageSource]:
    _forget_last_error()
    try:
        document = pdfium.PdfDocument(path)
    except pdfium.PdfiumError as error:
        if getattr(error, "err_code", None) in (pdfium_c.FPDF_ERR_PASSWORD, pdfium_c.FPDF_ERR_SECURITY):
            raise EncryptedDocumentError(
                f"{name}: the PDF is encrypted; a password is needed to read it"
            ) from error
        raise DamagedDocumentError(f"{name}: not a readable PDF: {error}") from error
    try:
        if document.get_formtype() in XFA_FORMS:
            raise UnsupportedDocumentError(f"{name}: an XFA form; expected a PDF with pages of its own")
        yield PageSource(len(document), lambda page, side: _draw_pdf(document, page, side, name))
    finally:
        document.close()


def _forget_last_error() -> None:
    """PDFium keeps the last file's error where it refuses a file without one of its own (one of no pages)."""
    pdfium_c.FPDF_LoadMemDocument(b"", 0, None)


def _draw_pdf(document: pdfium.PdfDocument, number: int, side: int, name: str) -> Image.Image:
    try:
        page = document[number - 1]
        scale = side / max(*page.get_size(), 1.0)
        bitmap = page.render(scale=scale, rev_byteorder=True)
        image: Image.Image = bitmap.to_pil().convert("RGB")
        bitmap.close()
        page.close()
    except (pdfium.PdfiumError, ValueError) as error:
        raise DamagedDocumentError(f"{name}, page {number}: cannot be drawn: {error}") from error
    return image


@contextmanager
def _open_image(path: Path, limits: Limits, name: str) -> Iterator[PageSource]:
    with _image_errors(name):
        image = Image.open(path)
    with image:
        with _image_errors(name):
            num_pages = int(getattr(image, "n_frames", 1)) if image.format == "TIFF" else 1
            _check_size(image, limits, name)
        yield PageSource(num_pages, lambda page, side: _draw_image(image, page, side, limits, name))


def _draw_image(image: Image.Image, number: int, side: int, limits: Limits, name: str) -> Image.Image:
    with _image_errors(f"{name}, page {number}"):
        image.seek(number - 1)
        _check_size(image, limits, f"{name}, page {number}")
        upright = ImageOps.exif_transpose(image)
        drawn = in_colour(upright)
    drawn.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=3.0)
    bare = Image.new("RGB", drawn.size)
    bare.paste(drawn)  # pixels only: what cameras and scanners wrote beside them stays behind
    return bare


def _check_size(image: Image.Image, limits: Limits, name: str) -> None:
    width, height = image.size
    if width * height > limits.pixels:
        raise DocumentTooLargeError(
            f"{name}: {width} x {height} pixels, the limit is {limits.pixels:,} in all"
        )
    if image.format in ("PNG", "JPEG") and max(width, height) > MAX_IMAGE_SIDE:
        raise DocumentTooLargeError(
            f"{name}: {width} x {height} pixels, the limit is {MAX_IMAGE_SIDE:,} a side"
        )


@contextmanager
def _image_errors(name: str) -> Iterator[None]:
    try:
        with warnings.catch_warnings(
            action="ignore"
        ):  # a file is drawn or refused; Pillow's doubts are neither
            yield
    except Image.DecompressionBombError as error:
        raise DocumentTooLargeError(f"{name}: {error}") from error
    except UnidentifiedImageError as error:
        raise DamagedDocumentError(f"{name}: not a readable image: {error}") from error
    except (OSError, SyntaxError, ValueError, EOFError, KeyError, TypeError) as error:
        raise DamagedDocumentError(f"{name}: not a readable image: {error!r}") from error


def in_colour(image: Image.Image) -> Image.Image:
    """The same picture in plain RGB: 16 bits scaled down, transparency on white, the rest converted."""
    if image.mode.startswith("I") or image.mode == "F":
        image = _to_8_bit(image)
    if image.has_transparency_data:
        layered = image.convert("RGBA")
        paper = Image.new("RGB", image.size, WHITE)
        paper.paste(layered, mask=layered.getchannel("A"))
        return paper
    return image.convert("RGB")


def _to_8_bit(image: Image.Image) -> Image.Image:
    """16-bit and float pictures by their own range: scaled where any value is past 255."""
    wide = image.convert("I") if image.mode != "F" else image
    lowest, highest = _extremes(wide)
    if lowest >= 0 and highest <= 255:
        return wide.convert("L")
    scale = 255.0 / (65535.0 if lowest >= 0 and highest <= 65535 else max(highest, 1.0))
    return wide.convert("F").point(lambda value: value * scale + 0.0).convert("L")


def _extremes(image: Image.Image) -> tuple[float, float]:
    extremes: Any = image.getextrema()
    return float(extremes[0]), float(extremes[1])
