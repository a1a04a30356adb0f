"""What is held of a document while its fields are found: mentions, and many of them in little memory.

Not how they are found, nor what they say: that is `recto.entities`.
"""

import marshal
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from recto.confidence import Evidence
from recto.geometry import Box


class Mention(NamedTuple):
    """Words of one class, at one place of one page."""

    class_id: int
    name: str
    page: int
    words: tuple[int, ...]
    """Indices into the page's words, in reading order."""
    blocks: tuple[str, ...]
    """The OCR's ids of these words."""
    box: Box
    boxes: tuple[Box, ...]
    """One per line."""
    text: str
    """Words are joined by a space, lines by a line break."""
    evidence: Evidence
    raw_text: str | None = None
    """The print, where a normaliser service has rewritten `text`."""


class MentionList:
    """Mentions in their order, each packed into bytes: a long document has tens of thousands of them."""

    def __init__(self, found: Iterable[Mention] = ()) -> None:
        self._packed = [_pack(mention) for mention in found]

    def append(self, mention: Mention) -> None:
        self._packed.append(_pack(mention))

    def __len__(self) -> int:
        return len(self._packed)

    def __iter__(self) -> Iterator[Mention]:
        return map(_unpack, self._packed)

    def __getitem__(self, place: int) -> Mention:
        return _unpack(self._packed[place])


def _pack(mention: Mention) -> bytes:
    box, boxes, evidence = tuple(mention.box), tuple(map(tuple, mention.boxes)), tuple(mention.evidence)
    return marshal.dumps((*mention[:5], box, boxes, mention.text, evidence, mention.raw_text))


def _unpack(packed: bytes) -> Mention:
    """The very same mention: numbers keep all their digits."""
    content = marshal.loads(packed)  # noqa: S302 - made by `_pack` in this process
    class_id, name, page, words, blocks, box, boxes, text, evidence, raw_text = content
    lines, seen = tuple(map(Box._make, boxes)), Evidence._make(evidence)
    return Mention(class_id, name, page, words, blocks, Box._make(box), lines, text, seen, raw_text)
