"""The four formats of documents, told by their first bytes, with the limits that Textract sets on each.

Limits: https://docs.aws.amazon.com/textract/latest/dg/limits-document.html (asynchronous calls).
"""

from typing import NamedTuple

MEBIBYTE = 1024 * 1024


class Format(NamedTuple):
    """A kind of document."""

    name: str
    content_type: str
    max_bytes: int


PDF = Format("PDF", "application/pdf", 500 * MEBIBYTE)
TIFF = Format("TIFF", "image/tiff", 500 * MEBIBYTE)
PNG = Format("PNG", "image/png", 10 * MEBIBYTE)
JPEG = Format("JPEG", "image/jpeg", 10 * MEBIBYTE)

SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"\xff\xd8\xff", JPEG),
    (b"II*\x00", TIFF),
    (b"MM\x00*", TIFF),
    (b"II+\x00", TIFF),
    (b"MM\x00+", TIFF),
)


def format_of(head: bytes) -> Format | None:
    """The format by its first 1,024 bytes, None for any other; a PDF's mark may stand behind some rubbish."""
    for signature, kind in SIGNATURES:
        if head.startswith(signature):
            return kind
    return PDF if b"%PDF-" in head[:1024] else None
