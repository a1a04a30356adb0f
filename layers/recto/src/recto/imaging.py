"""Opens PDF, TIFF, PNG and JPEG files and draws their pages. One page in memory at a time, pixels bounded.

With `recto.thumbnails` the only module of the library that needs Pillow, and the only one that needs
pypdfium2. Not OCR, not layout; colours by the file's numbers, not by its ICC profile.
"""

import ctypes
import io
import math
import struct
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import repeat
from pathlib import Path
from typing import Any, NamedTuple

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c
from PIL import ExifTags, Image, ImageChops, ImageOps, UnidentifiedImageError

from recto.errors import (
    DamagedDocumentError,
    DocumentTooLargeError,
    EncryptedDocumentError,
    UnsupportedDocumentError,
)
from recto.formats import JPEG, PDF, TIFF, format_of
from recto.pdf_bombs import refuse_bombs

HOLDERS_OF_PIXELS = frozenset({pdfium_c.FPDF_PAGEOBJ_IMAGE, pdfium_c.FPDF_PAGEOBJ_FORM})
WHITE = (255, 255, 255)
MAX_IMAGE_SIDE = 10_000
MAX_PDF_SIDE = 14_400.0
"""Points; the largest page of the PDF format's own limits (200 inches)."""
MAX_NESTED_FORMS = 8
JPEG_QUALITY = 85
PNG_LEVEL = 2
"""Chosen by measurement: level 6 makes the files 12 % smaller and takes half as long again."""
ROUNDING = 1e-6
"""Of a pixel: what floating point may add to a whole number."""
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PNG_HEAD, PNG_CHECKSUM = struct.Struct(">I4s"), 4
GREY_DEPTHS = (8, 10, 12, 14, 16)
TIFF_BITS, TIFF_PHOTOMETRIC, WHITE_IS_ZERO = 258, 262, 0


def _through_numbers(function: Any, result: type, *arguments: type) -> Callable[..., Any]:
    """A function of PDFium that takes and gives addresses as numbers: a third of the time of a typed call."""
    return ctypes.CFUNCTYPE(result, *arguments)(ctypes.cast(function, ctypes.c_void_p).value or 0)


_object_on_page = _through_numbers(
    pdfium_c.FPDFPage_GetObject, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int
)
_kind_of_object = _through_numbers(pdfium_c.FPDFPageObj_GetType, ctypes.c_int, ctypes.c_void_p)


class Limits(NamedTuple):
    """What a document may have at most."""

    pages: int
    pixels: int
    """Of one stored image, before it is decoded; in a PDF, of one image on a page."""
    document_pixels: int = 50_000_000_000
    """Of all frames of a TIFF together: 3,000 pages of A4 at 400 dpi."""


Sizing = Callable[[float, float], tuple[int, int]]
"""From what a page measures, upright, to the pixels of its image."""


class PageSource(NamedTuple):
    """An open document."""

    num_pages: int
    draw: Callable[[int, int], Image.Image]
    """Page number (from 1) and longest side in pixels -> upright RGB image, its metadata stripped."""
    draw_for_file: Callable[[int, int], Image.Image]
    """The same, perhaps with a spare byte in each pixel (RGBX): what PDFium paints, not copied once more."""
    draw_sized: Callable[[int, Sizing], Image.Image]
    """The same in a size of one's own, a distorted one too; an image file is enlarged if need be."""


@contextmanager
def open_pages(path: Path, limits: Limits, name: str) -> Iterator[PageSource]:
    """The document in a file, `name` for messages; DocumentError by name where it cannot be read."""
    with path.open("rb") as file:
        kind = format_of(file.read(1024))
    if kind is None:
        raise UnsupportedDocumentError(
            f"{name}: expected a PDF, TIFF, PNG or JPEG, its first bytes are none of these"
        )
    opened = {PDF: _open_pdf, TIFF: _open_tiff}.get(kind, _open_image)
    with opened(path, limits, name) as (num_pages, draw_sized):
        if num_pages < 1:
            raise DamagedDocumentError(f"{name}: a {kind.name} without pages")
        if num_pages > limits.pages:
            raise DocumentTooLargeError(f"{name}: {num_pages:,} pages, the limit is {limits.pages:,}")
        enlarge = kind is PDF
        yield PageSource(
            num_pages,
            draw=lambda page, side: _plain(draw_sized(page, _within(side, enlarge=enlarge))),
            draw_for_file=lambda page, side: draw_sized(page, _within(side, enlarge=enlarge)),
            draw_sized=draw_sized,
        )


Opened = tuple[int, Callable[[int, Sizing], Image.Image]]
"""Number of pages, and `PageSource.draw_sized`."""


def _within(side: int, *, enlarge: bool) -> Sizing:
    """Into a square; what is stored as pixels is never enlarged."""

    def size_of(width: float, height: float) -> tuple[int, int]:
        scale = side / max(width, height)
        if scale > 1 and not enlarge:
            scale = 1.0
        return math.ceil(width * scale - ROUNDING), math.ceil(height * scale - ROUNDING)

    return size_of


def _plain(image: Image.Image) -> Image.Image:
    return image if image.mode == "RGB" else image.convert("RGB")


def as_jpeg(image: Image.Image) -> bytes:
    """The image as a JPEG file, as it is kept for review."""
    return encoded(image, "JPEG", quality=JPEG_QUALITY)


def as_png(image: Image.Image) -> bytes:
    """The image as a PNG file; in one channel where all its pixels are grey, which loses nothing."""
    grey = grey_of(image)
    return encoded(_plain(image) if grey is None else grey, "PNG", compress_level=PNG_LEVEL)


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def grey_of(image: Image.Image) -> Image.Image | None:
    """The one channel of an image without colour. Channel by channel: `split` needs four times the memory."""
    red = image.getchannel(0)
    for number in (1, 2):
        if ImageChops.difference(red, image.getchannel(number)).getbbox() is not None:
            return None
    return red


@contextmanager
def _open_pdf(path: Path, limits: Limits, name: str) -> Iterator[Opened]:
    _forget_last_error()
    refuse_bombs(path, name)
    try:
        document = pdfium.PdfDocument(path)
    except pdfium.PdfiumError as error:
        if getattr(error, "err_code", None) in (pdfium_c.FPDF_ERR_PASSWORD, pdfium_c.FPDF_ERR_SECURITY):
            raise EncryptedDocumentError(
                f"{name}: the PDF is encrypted; a password is needed to read it"
            ) from error
        raise DamagedDocumentError(f"{name}: not a readable PDF: {error}") from error
    try:
        if document.get_formtype() == pdfium_c.FORMTYPE_XFA_FULL:  # others have pages to draw below the form
            raise UnsupportedDocumentError(f"{name}: an XFA form; expected a PDF with pages of its own")
        document.init_forms()  # or else what was typed into form fields is not drawn
        yield len(document), lambda page, size_of: _draw_pdf(document, page, size_of, limits, name)
    finally:
        document.close()


def _forget_last_error() -> None:
    """PDFium keeps the last file's error where it refuses a file without one of its own (one of no pages)."""
    pdfium_c.FPDF_LoadMemDocument(b"", 0, None)


def _draw_pdf(
    document: pdfium.PdfDocument, number: int, size_of: Sizing, limits: Limits, name: str
) -> Image.Image:
    where = f"{name}, page {number}"
    try:
        page = document[number - 1]
        size = size_of(*_checked_size(page, where))
        _check_images(page, limits, where)
        image = _painted(document, page, size)
        page.close()
    except (pdfium.PdfiumError, ValueError) as error:
        raise DamagedDocumentError(f"{where}: cannot be drawn: {error}") from error
    return image


def _painted(document: pdfium.PdfDocument, page: pdfium.PdfPage, size: tuple[int, int]) -> Image.Image:
    """On white, with annotations and what was typed into forms. Only the raw API draws in any size."""
    bitmap = pdfium.PdfBitmap.new_native(*size, pdfium_c.FPDFBitmap_BGRx, rev_byteorder=True)
    bitmap.fill_rect((*WHITE, 255), 0, 0, *size)
    flags = pdfium_c.FPDF_ANNOT | pdfium_c.FPDF_REVERSE_BYTE_ORDER
    pdfium_c.FPDF_RenderPageBitmap(bitmap, page, 0, 0, *size, 0, flags)
    if document.formenv:
        pdfium_c.FPDF_FFLDraw(document.formenv, bitmap, page, 0, 0, *size, 0, flags)
    image: Image.Image = bitmap.to_pil()
    return image


def _checked_size(page: pdfium.PdfPage, where: str) -> tuple[float, float]:
    """In points; a page that nobody can draw is refused before memory is taken for it."""
    width, height = page.get_size()
    if not (math.isfinite(width) and math.isfinite(height) and width > 0 and height > 0):
        raise DamagedDocumentError(
            f"{where}: its size is {width:g} x {height:g} points; expected more than 0"
        )
    if max(width, height) > MAX_PDF_SIDE:
        raise DocumentTooLargeError(
            f"{where}: {width:,.0f} x {height:,.0f} points, the limit is {MAX_PDF_SIDE:,.0f} a side"
        )
    return width, height


def _check_images(page: pdfium.PdfPage, limits: Limits, where: str) -> None:
    """Refuse a page with an image of too many pixels; asks for sizes only, decodes nothing."""
    if HOLDERS_OF_PIXELS.isdisjoint(_kinds_on(page)):
        return
    for width, height in _image_sizes(page, pdfium_c.FPDFPage_CountObjects, pdfium_c.FPDFPage_GetObject):
        if width * height > limits.pixels:
            raise DocumentTooLargeError(
                f"{where}: holds an image of {width} x {height} pixels, the limit is {limits.pixels:,} in all"
            )


def _kinds_on(page: pdfium.PdfPage) -> set[int]:
    """Kinds of the objects on a page. A page of text has thousands: no Python between the calls."""
    address = ctypes.cast(page.raw, ctypes.c_void_p).value
    numbers = range(pdfium_c.FPDFPage_CountObjects(page))
    return set(map(_kind_of_object, map(_object_on_page, repeat(address), numbers)))


def _image_sizes(
    holder: Any, count: Callable[[Any], int], get: Callable[[Any, int], Any], depth: int = 0
) -> Iterator[tuple[int, int]]:
    """Sizes of the images on a page or in a form of it."""
    width, height = pdfium_c.c_uint(), pdfium_c.c_uint()
    for index in range(count(holder)):
        found = get(holder, index)
        kind = pdfium_c.FPDFPageObj_GetType(found)
        if kind == pdfium_c.FPDF_PAGEOBJ_IMAGE:
            if pdfium_c.FPDFImageObj_GetImagePixelSize(found, width, height):
                yield width.value, height.value
        elif kind == pdfium_c.FPDF_PAGEOBJ_FORM and depth < MAX_NESTED_FORMS:
            yield from _image_sizes(
                found, pdfium_c.FPDFFormObj_CountObjects, pdfium_c.FPDFFormObj_GetObject, depth + 1
            )


@contextmanager
def _open_image(path: Path, limits: Limits, name: str) -> Iterator[Opened]:
    """PNG and JPEG: one page, opened anew for each drawing: a JPEG is decoded at twice the size asked."""
    _check_chunks(path, name)
    with _image_errors(name), Image.open(path) as image:
        _check_size(image, limits, name)

    def draw(number: int, size_of: Sizing) -> Image.Image:
        with _image_errors(f"{name}, page {number}"), Image.open(path) as image:
            if image.format == JPEG.name:
                twice = 2 * max(size_of(*image.size))
                image.draft(None, (twice, twice))
            return _drawn(image, size_of)

    yield 1, draw


def _check_chunks(path: Path, name: str) -> None:
    """Refuse a PNG with a chunk that says it is longer than the file: Pillow takes memory for all of it."""
    size = path.stat().st_size
    with path.open("rb") as file:
        if file.read(len(PNG_SIGNATURE)) != PNG_SIGNATURE:
            return
        while len(head := file.read(PNG_HEAD.size)) == PNG_HEAD.size:
            length, kind = PNG_HEAD.unpack(head)
            if length > size:
                said = (
                    f"its {kind.decode('latin-1')!r} chunk says {length:,} bytes, the whole file has {size:,}"
                )
                raise DamagedDocumentError(f"{name}: not a readable image: {said}")
            if kind == b"IEND":
                return
            file.seek(length + PNG_CHECKSUM, io.SEEK_CUR)


@contextmanager
def _open_tiff(path: Path, limits: Limits, name: str) -> Iterator[Opened]:
    """A page a frame. The file stays open while it is drawn: a later frame is one seek, not a walk to it."""
    num_pages = _count_frames(path, limits, name)
    with _image_errors(name):
        image = Image.open(path)
    with image:

        def draw(number: int, size_of: Sizing) -> Image.Image:
            with _image_errors(f"{name}, page {number}"):
                image.seek(number - 1)
                return _drawn(image, size_of)

        yield num_pages, draw


def _count_frames(path: Path, limits: Limits, name: str) -> int:
    """How many frames there are; reads their directories, no pixels, and stops where a limit is passed."""
    pixels, number = 0, 1
    with _image_errors(name), Image.open(path) as image:
        while number <= limits.pages:
            where = f"{name}, page {number}"
            _check_size(image, limits, where)
            pixels += image.width * image.height
            if pixels > limits.document_pixels:
                raise DocumentTooLargeError(
                    f"{where}: {pixels:,} pixels up to here, the limit is {limits.document_pixels:,} in all"
                )
            try:
                with _image_errors(f"{name}, page {number + 1}", but=EOFError):
                    image.seek(number)
            except EOFError:
                return number
            number += 1
    raise DocumentTooLargeError(f"{name}: more than {limits.pages:,} pages, which is the limit")


def _drawn(image: Image.Image, size_of: Sizing) -> Image.Image:
    """An upright copy in plain colour, in the size asked."""
    flat = _flat(_upright(image))
    size = size_of(*flat.size)
    small = (
        flat.copy() if size == flat.size else flat.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    )
    plain = _plain(small)
    plain.info = {}  # what cameras and scanners wrote beside the pixels stays behind
    return plain


def _upright(image: Image.Image) -> Image.Image:
    """Turned as the file says; the image itself where it is upright, since a copy of a large one is dear."""
    image.load()  # Pillow turns a TIFF by itself when it is read, and takes the mark away
    if image.getexif().get(ExifTags.Base.Orientation, 1) == 1:
        return image
    return ImageOps.exif_transpose(image)


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
def _image_errors(name: str, but: type[Exception] | tuple[()] = ()) -> Iterator[None]:
    """Errors of Pillow by our names, all `but` one that means something to the caller."""
    try:
        with warnings.catch_warnings(
            action="ignore"
        ):  # a file is drawn or refused; Pillow's doubts are neither
            yield
    except but:
        raise
    except Image.DecompressionBombError as error:
        raise DocumentTooLargeError(f"{name}: {error}") from error
    except UnidentifiedImageError as error:
        raise DamagedDocumentError(f"{name}: not a readable image: no decoder knows its content") from error
    except (OSError, SyntaxError, ValueError, EOFError, KeyError, TypeError, AssertionError) as error:
        # Pillow asserts where a file lacks what its kind must have: a palette, say
        raise DamagedDocumentError(f"{name}: not a readable image: {error!r}") from error


def in_colour(image: Image.Image) -> Image.Image:
    """The same picture in plain RGB: 16 bits scaled down, transparency on white, the rest converted."""
    return _plain(_flat(image))


def _flat(image: Image.Image) -> Image.Image:
    """In RGB, or in 8 bits of grey where there is no colour: a third of the memory until it is small."""
    if image.mode.startswith("I") or image.mode == "F":
        return _to_8_bit(image)
    if image.has_transparency_data:
        layered = image.convert("RGBA")
        paper = Image.new("RGB", image.size, WHITE)
        paper.paste(layered, mask=layered.getchannel("A"))
        return paper
    if image.mode in ("1", "L"):
        return image.convert("L")
    return _plain(image)


def _to_8_bit(image: Image.Image) -> Image.Image:
    """More than 8 bits of grey, scaled by the depth that holds its values.

    Scanners keep 10, 12 or 14 bits unscaled in words of 16: by the full range of a word such a page is black.
    """
    wide = image if image.mode == "F" else image.convert("I")
    lowest, highest = _extremes(wide)
    bottom = min(lowest, 0.0)
    fitting = (2.0**bits - 1 for bits in GREY_DEPTHS if 2.0**bits > highest - bottom)
    scale = 255.0 / next(fitting, max(highest - bottom, 1.0))
    if image.mode == "F" and lowest >= 0 and highest <= 1:
        scale = 255.0
    grey = wide.convert("F").point(lambda value: value * scale - bottom * scale).convert("L")
    grey.info = {}
    return ImageOps.invert(grey) if _is_white_zero(image) else grey


def _is_white_zero(image: Image.Image) -> bool:
    """Whether a TIFF counts from white to black; Pillow turns 8 bits and less around, more it does not."""
    tags = getattr(image, "tag_v2", {})
    return bool(tags.get(TIFF_PHOTOMETRIC, 1) == WHITE_IS_ZERO and tags.get(TIFF_BITS, (16,))[0] > 8)


def _extremes(image: Image.Image) -> tuple[float, float]:
    extremes: Any = image.getextrema()
    return float(extremes[0]), float(extremes[1])
