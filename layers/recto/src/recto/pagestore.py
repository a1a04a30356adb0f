"""Pages to bytes and back, so that one page of a document is one ranged read. Not where the bytes lie.

Each page is a gzip member of its own: parts are plain concatenations, `zcat` reads them, and the index
says where each page begins. The content is JSON in columns; coordinates and confidences are whole
millionths, so a page that was stored once stays the same however often it is stored again. Equal pages
give equal bytes.
"""

import json
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from recto.document import Page, PagePredictions, Word
from recto.errors import DamagedDocumentError, PageCountMismatchError, PageOrderError
from recto.geometry import Box

MILLION = 1_000_000
GZIP = 31
"""zlib's window bits for a gzip member; its header carries no time, so that bytes repeat."""
LEVEL = 6

T = TypeVar("T")


def encode_page(page: Page) -> bytes:
    """The page as one gzip member."""
    words = page.words
    columns = {
        "n": page.number,
        "t": [word.text for word in words],
        "b": [[round(word.box[side] * MILLION) for word in words] for side in range(4)],
        "c": _millionths(word.confidence for word in words),
        "l": [word.line for word in words],
        "i": [word.id for word in words],
    }
    return _pack(columns)


def decode_page(content: bytes) -> Page:
    """The page in a gzip member; DamagedDocumentError for anything else."""
    columns = _unpack(content)
    try:
        sides = ([value / MILLION for value in side] for side in columns["b"])
        boxes = map(Box, *sides)
        confidences = [value / MILLION for value in columns["c"]]
        words = map(Word, columns["t"], boxes, confidences, columns["l"], columns["i"])
        return Page(columns["n"], tuple(words))
    except (KeyError, TypeError) as error:
        raise DamagedDocumentError(f"page store: expected the columns of a page, {error!r}") from error


def encode_predictions(predictions: PagePredictions) -> bytes:
    """The predictions of one page as one gzip member."""
    columns = {
        "n": predictions.number,
        "k": list(predictions.classes),
        "p": _millionths(predictions.probabilities),
        "a": _millionths(predictions.agreements),
    }
    return _pack(columns)


def decode_predictions(content: bytes) -> PagePredictions:
    """The predictions in a gzip member; DamagedDocumentError for anything else."""
    columns = _unpack(content)
    try:
        probabilities = tuple(value / MILLION for value in columns["p"])
        agreements = tuple(value / MILLION for value in columns["a"])
        return PagePredictions(columns["n"], tuple(columns["k"]), probabilities, agreements)
    except (KeyError, TypeError) as error:
        raise DamagedDocumentError(f"page store: expected the columns of predictions, {error!r}") from error


def decode_members(content: bytes, decode: Callable[[bytes], T]) -> Iterator[T]:
    """All members of a part, one after the other."""
    while content:
        reader = zlib.decompressobj(GZIP)
        try:
            reader.decompress(content)
        except zlib.error as error:
            raise DamagedDocumentError(f"page store: not a gzip member: {error}") from error
        rest = reader.unused_data
        yield decode(content[: len(content) - len(rest)])
        content = rest


class PageEntry(NamedTuple):
    """Where one page lies."""

    part: int
    """Number of the part object that holds it."""
    offset: int
    length: int
    num_words: int


class PageIndex(BaseModel):
    """Where each page of a document lies; page n is entry n - 1."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pages: tuple[PageEntry, ...]
    release: str = ""
    """The release that made the predictions of a part; empty for the OCR's pages."""

    @model_validator(mode="after")
    def _entries_are_places(self) -> "PageIndex":
        if any(min(entry) < 0 for entry in self.pages):
            raise ValueError("part, offset, length and words are at least 0")
        return self

    @classmethod
    def joined(cls, parts: Iterable[Iterable[PageEntry]]) -> "PageIndex":
        """The index of a document out of its parts' entries, in the order of the pages."""
        return cls(pages=tuple(entry for part in parts for entry in part))

    @property
    def num_pages(self) -> int:
        return len(self.pages)

    @property
    def num_words(self) -> int:
        return sum(entry.num_words for entry in self.pages)

    def entry(self, page: int) -> PageEntry:
        """Where the page lies; PageCountMismatchError for a page that the document does not have."""
        if not 1 <= page <= self.num_pages:
            raise PageCountMismatchError(f"page {page} of a document of {self.num_pages} pages")
        return self.pages[page - 1]

    def span(self, first: int, last: int) -> Iterator[tuple[int, PageEntry]]:
        """Page numbers first to last, both included, each with its place."""
        return ((page, self.entry(page)) for page in range(first, last + 1))

    def to_json(self) -> bytes:
        release = {"release": self.release} if self.release else {}
        return json.dumps({**release, "pages": self.pages}, separators=(",", ":")).encode()

    @classmethod
    def from_json(cls, content: bytes) -> "PageIndex":
        """The index in its JSON; DamagedDocumentError for anything else."""
        try:
            return cls.model_validate_json(content)
        except ValidationError as error:
            raise DamagedDocumentError(f"page index: {error.errors()[0]['msg']}") from error


class PartWriter:
    """Collects the encoded pages of one part, in ascending order without gaps."""

    def __init__(self, part: int, first_page: int = 1) -> None:
        self._part = part
        self._next = first_page
        self._content = bytearray()
        self._entries: list[PageEntry] = []

    def __len__(self) -> int:
        """Bytes collected so far."""
        return len(self._content)

    @property
    def num_pages(self) -> int:
        return len(self._entries)

    def add(self, page: Page) -> PageEntry:
        """Append a page; where it came to lie."""
        return self._append(page.number, len(page.words), encode_page(page))

    def add_predictions(self, predictions: PagePredictions) -> PageEntry:
        """Append the predictions of a page; where they came to lie."""
        content = encode_predictions(predictions)
        return self._append(predictions.number, len(predictions.classes), content)

    def finish(self) -> tuple[bytes, tuple[PageEntry, ...]]:
        """The part's bytes, and where each of its pages lies."""
        return bytes(self._content), tuple(self._entries)

    def _append(self, number: int, num_words: int, content: bytes) -> PageEntry:
        if number != self._next:
            raise PageOrderError(f"part {self._part}: page {number} where page {self._next} was expected")
        entry = PageEntry(self._part, len(self._content), len(content), num_words)
        self._content += content
        self._entries.append(entry)
        self._next += 1
        return entry


def _millionths(values: Iterable[float]) -> list[int]:
    return [round(value * MILLION) for value in values]


def _pack(columns: dict[str, Any]) -> bytes:
    writer = zlib.compressobj(LEVEL, zlib.DEFLATED, GZIP)
    content = json.dumps(columns, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    return writer.compress(content) + writer.flush()


def _unpack(content: bytes) -> Any:
    try:
        return json.loads(zlib.decompress(content, GZIP).decode("utf-8", "surrogatepass"))
    except (zlib.error, ValueError) as error:
        raise DamagedDocumentError(f"page store: expected a gzip member of JSON, {error}") from error
