"""Document files read page by page by any engine: what worker processes run. Not where files come from."""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from recto.errors import (
    DamagedDocumentError,
    DocumentError,
    DocumentTooLargeError,
    EncryptedDocumentError,
    UnsupportedDocumentError,
)
from recto_ocr.blocks import blocks_of_page, response_head
from recto_ocr.engine import OcrEngine
from recto_ocr.engines import engine_named
from recto_ocr.pages import Content, Unreadable, UnreadableDocumentError, inspect, page_image

BLOCKS_BEGIN = b', "Blocks": ['
BLOCKS_END = b"]}"
ERRORS: dict[Unreadable, type[DocumentError]] = {
    Unreadable.UNSUPPORTED: UnsupportedDocumentError,
    Unreadable.ENCRYPTED: EncryptedDocumentError,
    Unreadable.DAMAGED: DamagedDocumentError,
    Unreadable.TOO_LARGE: DocumentTooLargeError,
}


class HowToRead(NamedTuple):
    """The engine and what it is told."""

    engine: str
    languages: tuple[str, ...]
    dpi: int


class ReadPage(NamedTuple):
    """One page's blocks as JSON without the brackets around them, and how many words they hold."""

    blocks: bytes
    num_words: int


class FileContent(NamedTuple):
    """What a file is, and roughly how much work it makes."""

    content: Content
    num_bytes: int


def content_of(path: str) -> FileContent:
    """Kind and pages of a document file; the error that says why where it is none."""
    try:
        return FileContent(inspect(Path(path)), Path(path).stat().st_size)
    except UnreadableDocumentError as error:
        raise named(error) from error


def read_page(path: str, kind: str, page: int, seed: str, how: HowToRead) -> ReadPage:
    """The blocks of one page of a document file."""
    try:
        image = page_image(Path(path), kind, page, how.dpi)
    except UnreadableDocumentError as error:
        raise named(error) from error
    try:
        lines = engine_of(how.engine).read(image, how.languages)
    except TimeoutError as error:
        raise DamagedDocumentError(f"page {page}: {error}") from error
    blocks = json.dumps(blocks_of_page(lines, page, seed), ensure_ascii=False)[1:-1].encode()
    return ReadPage(blocks, sum(len(line.words) for line in lines))


@lru_cache(maxsize=2)
def engine_of(name: str) -> OcrEngine:
    """The engine of this process."""
    return engine_named(name)


def named(error: UnreadableDocumentError) -> DocumentError:
    """The library's error for a file that cannot be drawn."""
    return ERRORS[error.reason](error.detail)


def json_head(version: str, num_pages: int) -> bytes:
    """The beginning of a response; blocks with commas between them and `BLOCKS_END` complete it."""
    head: dict[str, Any] = response_head(version, num_pages)
    return json.dumps(head)[:-1].encode() + BLOCKS_BEGIN
