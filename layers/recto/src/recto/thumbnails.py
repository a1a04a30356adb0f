"""Small uniform pictures of pages for models, and the npz file that a model endpoint reads them from.

The file is numpy's, with no pickle in it: `image`, the pixels of a document of one page, as uint8 (height,
width, 3); or `images`, one PNG file a page, as byte strings of one length. It is written without numpy, which
the imaging layer need not carry for it; `recto.thumbnail_arrays` reads it.
"""

import io
import struct
import zipfile
import zlib
from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from PIL import Image, ImageColor

from recto.imaging import PageSource, as_png, encoded, grey_of

NPY_MAGIC = b"\x93NUMPY\x01\x00"
NPY_ALIGNMENT = 64
GREYS = bytes(level for level in range(256) for _ in "RGB")


class Fit(StrEnum):
    """How a page comes into the size."""

    STRETCH = "stretch"
    """To the whole of it: a word's box, relative to the page, stays right."""
    LETTERBOX = "letterbox"
    """Undistorted in its middle, the rest in a colour."""
    SHORTEST = "shortest"
    """Undistorted, the shorter edge as long as the size's; not uniform."""


class ThumbnailStyle(NamedTuple):
    """What a model was trained with."""

    width: int
    height: int
    fit: Fit
    colour: str
    """Of the bars of a letterbox: a name or `#rrggbb`."""
    max_side: int
    """For `shortest`, the longer edge at most, whatever becomes of the shorter; 0 for no limit."""


def draw_thumbnail(pages: PageSource, page: int, style: ThumbnailStyle) -> Image.Image:
    """A page in a style, drawn in its size at once: a large image is not needed for it."""
    small = pages.draw_sized(page, lambda width, height: _size_within((width, height), style))
    if style.fit is not Fit.LETTERBOX:
        return small
    whole = Image.new("RGB", (style.width, style.height), ImageColor.getrgb(style.colour))
    whole.paste(small.convert("RGB"), ((style.width - small.width) // 2, (style.height - small.height) // 2))
    return whole


def _size_within(size: tuple[float, float], style: ThumbnailStyle) -> tuple[int, int]:
    """What the page itself measures in its thumbnail."""
    if style.fit is Fit.STRETCH:
        return style.width, style.height
    if style.fit is Fit.LETTERBOX:
        scale = min(style.width / size[0], style.height / size[1])
    else:
        scale = min(style.width, style.height) / min(size)
        if style.max_side:
            scale = min(scale, style.max_side / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def npz_of(thumbnails: Sequence[bytes], *, is_whole_document: bool) -> bytes:
    """PNG files as an npz: pixels where one is the whole document, the files themselves otherwise."""
    if is_whole_document and len(thumbnails) == 1:
        with Image.open(io.BytesIO(thumbnails[0])) as image:
            plain = image.convert("RGB")
        member = "image.npy", _npy("|u1", (plain.height, plain.width, 3), plain.tobytes())
    else:
        longest = max(map(len, thumbnails))
        files = b"".join(file.ljust(longest, b"\0") for file in thumbnails)
        member = "images.npy", _npy(f"|S{longest}", (len(thumbnails),), files)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(member[0]), member[1], zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _npy(kind: str, shape: tuple[int, ...], content: bytes) -> bytes:
    """A file in numpy's format 1.0: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html."""
    header = repr({"descr": kind, "fortran_order": False, "shape": shape}).encode("latin-1")
    start = len(NPY_MAGIC) + 2
    padding = -(start + len(header) + 1) % NPY_ALIGNMENT
    header += b" " * padding + b"\n"
    return NPY_MAGIC + struct.pack("<H", len(header)) + header + content


def encoded_thumbnail(pages: PageSource, page: int, style: ThumbnailStyle) -> bytes:
    """The page's thumbnail as a PNG file."""
    return small_png(draw_thumbnail(pages, page, style))


def small_png(image: Image.Image) -> bytes:
    """A small picture as a PNG file, its pixels unchanged; grey ones as numbers into a palette of greys.

    Rows of such numbers are not filtered: for pictures of this size the search for the best filter
    takes longer than all the rest of the encoding, and saves nothing.
    """
    grey = grey_of(image)
    if grey is None:
        return as_png(image)
    grey.putpalette(GREYS)
    return encoded(grey, "PNG", compress_level=1, compress_type=zlib.Z_RLE)
