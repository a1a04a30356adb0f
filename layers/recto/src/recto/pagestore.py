"""Pages to bytes and back, so that one page of a document is one ranged read. Not where the bytes lie.

Each page is a gzip member of its own: parts are plain concatenations, `zcat` reads them, and the index
says where each page begins. A member is one line of JSON, then columns with an entry per word, each entry
a little-endian whole number of four bytes; the format is spelled out at `encode_page` and
`encode_predictions`. Coordinates and confidences are whole millionths, so a page that was stored once
stays the same however often it is stored again. Equal pages give equal bytes.
"""

import json
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import repeat
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from recto.document import Page, PagePredictions, Word
from recto.errors import DamagedDocumentError, PageCountMismatchError, PageOrderError
from recto.geometry import Box
from recto.remarks import Remark

MILLION = 1_000_000
GZIP = 31
"""zlib's window bits for a gzip member; its header carries no time, so that bytes repeat."""
LEVEL = 6
ENTRY = 4
"""Bytes of a column's entry."""
UUID_BYTES = 16
UUID_SHAPE = b"........-....-....-....-............ "
"""How ids come in lines of text: 32 digits, four dashes, a space."""
DIGIT_PLACES = tuple(place for place, sign in enumerate(UUID_SHAPE) if sign == ord("."))

T = TypeVar("T")


def encode_page(page: Page) -> bytes:
    """The page as one gzip member.

    The line of JSON: `n`, number of the page; `t`, the words' texts; `i`, their ids, where these are not
    all UUIDs. The columns: left, top, right, bottom and confidence in millionths, line. Then the ids of 16
    bytes each, where they are UUIDs: hexadecimal digits would be half of the page.
    """
    words = page.words
    ids = [word.id for word in words]
    packed = _packed_uuids(ids)
    head = {"n": page.number, "t": [word.text for word in words]}
    columns = [
        *(_millionths(word.box[side] for word in words) for side in range(4)),
        _millionths(word.confidence for word in words),
        [word.line for word in words],
    ]
    return _pack(head if packed is not None else {**head, "i": ids}, columns, packed or b"")


def decode_page(content: bytes) -> Page:
    """The page in a gzip member; DamagedDocumentError for anything else."""
    head, body = _unpack(content)
    try:
        texts = head["t"]
        columns, rest = _columns(body, 6, len(texts))
        *sides, confidences = ([value / MILLION for value in column] for column in columns[:5])
        ids = head["i"] if "i" in head else _unpacked_uuids(rest)
        boxes = _tuples(Box, zip(*sides, strict=True))
        words = _tuples(Word, zip(texts, boxes, confidences, columns[5], ids, strict=True))
        return Page(head["n"], tuple(words))
    except (KeyError, TypeError, ValueError, struct.error) as error:
        raise DamagedDocumentError(f"page store: expected the columns of a page, {error!r}") from error


def encode_predictions(predictions: PagePredictions) -> bytes:
    """The predictions of one page as one gzip member.

    The line of JSON: `n`, number of the page; `w`, number of words; `a`, whether there are agreements.
    The columns: class, probability in millionths, agreement in millionths.
    """
    classes = predictions.classes
    columns = [list(classes), _millionths(predictions.probabilities)]
    if predictions.agreements:
        columns.append(_millionths(predictions.agreements))
    return _pack({"n": predictions.number, "w": len(classes), "a": len(columns) > 2}, columns)


def decode_predictions(content: bytes) -> PagePredictions:
    """The predictions in a gzip member; DamagedDocumentError for anything else."""
    head, body = _unpack(content)
    try:
        (classes, *measures), _ = _columns(body, 2 + head["a"], head["w"])
        shares = [tuple([value / MILLION for value in column]) for column in measures]
        return PagePredictions(head["n"], classes, *shares)
    except (KeyError, TypeError, struct.error) as error:
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
    remarks: tuple[Remark, ...] = ()
    """What was odd about a part's pages, as the OCR gave them."""
    warnings: tuple[str, ...] = ()
    """What the endpoint warned of that classified a part's words."""

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
        extra = {"release": self.release, "remarks": self.remarks, "warnings": self.warnings}
        told = {name: value for name, value in extra.items() if value}
        return json.dumps({**told, "pages": self.pages}, separators=(",", ":")).encode()

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

    @property
    def pages(self) -> range:
        """Numbers of the pages collected so far."""
        return range(self._next - self.num_pages, self._next)

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


def _pack(head: dict[str, Any], columns: Sequence[Sequence[int]], rest: bytes = b"") -> bytes:
    line = json.dumps(head, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    body = b"".join(struct.pack(f"<{len(column)}i", *column) for column in columns)
    writer = zlib.compressobj(LEVEL, zlib.DEFLATED, GZIP)
    return writer.compress(line + b"\n" + body + rest) + writer.flush()


def _unpack(content: bytes) -> tuple[Any, bytes]:
    """The line of JSON, and what follows it."""
    try:
        line, _, body = zlib.decompress(content, GZIP).partition(b"\n")
        return json.loads(line.decode("utf-8", "surrogatepass")), body
    except (zlib.error, ValueError) as error:
        raise DamagedDocumentError(
            f"page store: expected a gzip member with a line of JSON, {error}"
        ) from error


def _columns(body: bytes, num_columns: int, num_words: int) -> tuple[list[tuple[int, ...]], bytes]:
    """So many columns, and what follows them."""
    column = struct.Struct(f"<{num_words}i")
    starts = range(0, num_columns * column.size, column.size or ENTRY)
    read = [column.unpack_from(body, start) for start in starts] or [()] * num_columns
    return read, body[num_columns * column.size :]


def _tuples(kind: type[T], rows: Iterable[tuple[Any, ...]]) -> Iterator[T]:
    """Named tuples of one kind: what `map(kind._make, rows)` gives, in a third of the time."""
    return map(tuple.__new__, repeat(kind), rows)  # type: ignore[arg-type]


def _packed_uuids(ids: Sequence[str]) -> bytes | None:
    """The ids as 16 bytes each; None where that would not give them back as they are."""
    try:
        packed = bytes.fromhex("".join(ids).replace("-", ""))
    except ValueError:
        return None
    is_whole = len(packed) == UUID_BYTES * len(ids)
    return packed if is_whole and _unpacked_uuids(packed) == ids else None


def _unpacked_uuids(packed: bytes) -> list[str]:
    """Digit by digit for all ids at once, since a page has hundreds."""
    digits = packed.hex().encode()
    lines = bytearray(UUID_SHAPE * (len(packed) // UUID_BYTES))
    for number, place in enumerate(DIGIT_PLACES):
        lines[place :: len(UUID_SHAPE)] = digits[number :: 2 * UUID_BYTES]
    return lines.decode("ascii").split()
