"""Finds PDFs whose streams unpack to more than memory holds, before anything unpacks them.

PDFium unpacks contents, fonts and tables of objects whole, whatever their size: 3 kB on disk can become
gigabytes. Here each stream is unpacked a piece at a time and only counted. Not a parser: names can be written
in many ways or stand in another object, so what begins as Flate does counts as Flate, as often as it does,
and ends where Flate says. Of a dictionary only an image's width and height are believed, since PDFium unpacks
no more of an image than these say.

Not seen: what is encrypted, packed by other filters than Flate (LZW, run lengths), or by Flate below another
one (hexadecimal, ASCII 85); contents that are called images large enough, each below MAX_UNPACKED. What
object streams hold needs no look of its own: no stream can be in them.
"""

import mmap
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

from recto.errors import DocumentTooLargeError

MAX_UNPACKED = 512 * 1024 * 1024
"""Bytes of one stream, and of a document's large streams together; real ones keep below a tenth of this."""
LARGE = 32 * 1024 * 1024
MOST_OF_A_PIXEL = 8
"""Bytes: four colours of 16 bits."""
MOST_LAYERS = 8
"""Flate in Flate; real documents have two at most, and some made ones unpack to themselves for ever."""
PIECE = 1024 * 1024
FIRST_PIECE = 512
LONGEST_HEAD = 64 * 1024
MAPPED = 8 * 1024 * 1024
"""Bytes of the file, about, that are held in memory at a time."""
BEGIN = re.compile(rb"stream[^\r\n]*(?:\r\n?|\n|\Z)")
"""As PDFium reads it, to the line's end whatever stands before; after `endstream` nothing begins as Flate."""
END = b"endstream"
WIDTH = re.compile(rb"/Width\s+(\d{1,9})\b")
HEIGHT = re.compile(rb"/Height\s+(\d{1,9})\b")


def refuse_bombs(path: Path, name: str, limit: int = MAX_UNPACKED) -> None:
    """DocumentTooLargeError where a stream, or the file's large ones together, are more than the limit."""
    if path.stat().st_size == 0:
        return
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        left, to_read = limit, 2 * len(content) + PIECE
        for head, begin in _streams(content):
            layer = _Layer(limit)
            to_read -= _unpack(content, begin, layer)
            if layer.is_double or layer.largest > max(LARGE, _size_of_image(content, head, begin)):
                left -= layer.largest
            if layer.largest > limit or left < 0:
                raise DocumentTooLargeError(
                    f"{name}: its streams unpack to more than {limit:,} bytes, one at byte {begin:,}"
                )
            if to_read < 0:  # each byte is in one stream; where all are in all, reading takes for ever
                raise DocumentTooLargeError(
                    f"{name}: its streams lie in one another: up to the one at byte {begin:,} they are more "
                    f"than twice the file's {len(content):,} bytes"
                )


def _streams(content: mmap.mmap) -> Iterator[tuple[int, int]]:
    """Where the head of each Flate stream begins at the earliest, and where its bytes do."""
    head = held_from = 0
    for found in BEGIN.finditer(content):
        begin = found.end()
        if begin - held_from > MAPPED and hasattr(content, "madvise"):  # Windows has none
            content.madvise(mmap.MADV_DONTNEED)
            held_from = begin
        if _begins_as_flate(content[begin : begin + 2]):
            yield max(head, begin - LONGEST_HEAD), begin
        head = begin


def _begins_as_flate(content: bytes) -> bool:
    return len(content) > 1 and content[0] & 15 == 8 and (content[0] * 256 + content[1]) % 31 == 0


def _size_of_image(content: mmap.mmap, head: int, begin: int) -> int:
    """Bytes that the stream has at most if it is the image it says it is; 0 if it does not say so."""
    said = content[head:begin].rpartition(END)[2]
    widths, heights = WIDTH.findall(said), HEIGHT.findall(said)
    if b"/Image" not in said or not widths or not heights:
        return 0
    return int(widths[-1]) * int(heights[-1]) * MOST_OF_A_PIXEL


def _unpack(content: mmap.mmap, begin: int, layer: "_Layer") -> int:
    """Counts a stream in the layer; gives the bytes that were read for it.

    Its end is Flate's: `endstream` may be part of it, and its length may stand in another object.
    """
    at, size = begin, FIRST_PIECE
    while at < len(content) and not layer.has_ended:
        layer.take(content[at : at + size])
        at, size = min(at + size, len(content)), min(2 * size, PIECE)
    return at - begin - layer.unread


class _Layer:
    """Counts what Flate unpacks, and what that unpacks to where it begins as Flate again. Keeps nothing."""

    def __init__(self, limit: int, depth: int = 1) -> None:
        self._limit, self._depth = limit, depth
        self._unpacker = zlib.decompressobj()
        self._begin = b""
        self._inner: _Layer | None = None
        self._size = 0
        self._is_broken = False

    @property
    def largest(self) -> int:
        """Bytes of the largest of the layers: which of them the document asks for is not known."""
        return max(self._size, self._inner.largest if self._inner else 0)

    @property
    def is_double(self) -> bool:
        """Whether there is more within than what begins as Flate by chance; hardly any document has it."""
        return self._inner is not None and self._inner.largest > PIECE

    @property
    def has_ended(self) -> bool:
        return self._unpacker.eof or self._is_broken or self.largest > self._limit

    @property
    def unread(self) -> int:
        """Bytes taken that lie after the end."""
        return len(self._unpacker.unused_data)

    def take(self, packed: bytes) -> None:
        """Counts up to the first piece past the limit."""
        while packed and not self.has_ended:
            try:
                piece = self._unpacker.decompress(packed, PIECE)
            except zlib.error:  # for PDFium to judge; up to here it was harmless
                self._is_broken = True
                return
            packed = self._unpacker.unconsumed_tail
            self._size += len(piece)
            self._take_within(piece)

    def _take_within(self, piece: bytes) -> None:
        if len(self._begin) < 2:
            piece = self._begin + piece
            self._begin = piece[:2]
            if _begins_as_flate(self._begin):
                self._inner = _Layer(self._limit, self._depth + 1)
        if self._inner and self._depth < MOST_LAYERS:
            self._inner.take(piece)
        elif self._inner:
            self._size = self._limit + 1  # there is no end to it
