"""Pages of words out of Textract's blocks, one page in memory at a time. Reads PAGE, LINE and WORD only.

Tables, forms, queries and layout blocks pass by unread: exports and drawings use trp for those. Real
responses are looser than their documentation, so this holds with: blocks without `Page` (a
synchronous response), words in no line, duplicate ids, references to blocks that are not there, pages
turned by any angle, coordinates a little outside the page.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from recto.document import NO_LINE, Page, Word
from recto.errors import DamagedDocumentError, OcrFailedError, PageOrderError
from recto.geometry import Box

Block = Mapping[str, Any]

NESTED_DOCUMENTS = ("ExpenseDocuments", "IdentityDocuments")
"""Keys under which AnalyzeExpense and AnalyzeID keep the blocks of each document."""
FINISHED = ("SUCCEEDED", "PARTIAL_SUCCESS")


def blocks_of(response: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> Iterator[Block]:
    """The blocks of one response, of a list of responses in their order, or of a consolidated file.

    OcrFailedError for a job that did not end well, DamagedDocumentError for JSON of another kind.
    """
    if not isinstance(response, Mapping):
        return chain.from_iterable(blocks_of(one) for one in response)
    status = response.get("JobStatus")
    if status is not None and status not in FINISHED:
        said = response.get("StatusMessage") or "without a message"
        raise OcrFailedError(f"Textract response with JobStatus {status}, expected SUCCEEDED: {said}")
    if not {"Blocks", "DocumentMetadata", "JobStatus", *NESTED_DOCUMENTS} & response.keys():
        keys = ", ".join(sorted(map(str, response))[:8])
        raise DamagedDocumentError(f"not a Textract response: expected Blocks, seen keys {keys or 'none'}")
    parts = [response, *(part for key in NESTED_DOCUMENTS for part in response.get(key) or ())]
    return chain.from_iterable(part.get("Blocks") or () for part in parts)


def read_pages(blocks: Iterable[Block]) -> Iterator[Page]:
    """One page after the other, each as soon as the next begins; PageOrderError when one comes again."""
    number, pending = 0, _PageBlocks()
    for block in blocks:
        kind = block.get("BlockType")
        if kind not in ("PAGE", "LINE", "WORD"):
            continue
        found = _page_number(block, number, pending)
        if found != number:
            if number:
                yield pending.page(number)
            if found < number:
                raise PageOrderError(
                    f"page {found} comes again after page {number}; expected ascending pages"
                )
            number, pending = found, _PageBlocks()
        pending.add(kind, block)
    if number:
        yield pending.page(number)


def _page_number(block: Block, current: int, pending: "_PageBlocks") -> int:
    """The block's page; without one, a PAGE block begins the next page, others belong to the current."""
    stated = block.get("Page")
    if stated:
        return int(stated)
    begins = block.get("BlockType") == "PAGE" and not pending.is_empty
    return current + 1 if begins else max(1, current)


class _PageBlocks:
    """What was seen of the page that is being read."""

    def __init__(self) -> None:
        self.is_empty = True
        self._words: list[Block] = []
        self._lines: dict[str, int] = {}
        """Word id to index of its line; the first line that claims a word keeps it."""
        self._num_lines = 0

    def add(self, kind: str, block: Block) -> None:
        self.is_empty = False
        if kind == "WORD":
            self._words.append(block)
        elif kind == "LINE":
            for word_id in _children(block):
                self._lines.setdefault(word_id, self._num_lines)
            self._num_lines += 1

    def page(self, number: int) -> Page:
        return Page(number, tuple(_word(block, self._lines) for block in self._words if block.get("Text")))


def _children(block: Block) -> Iterator[str]:
    for relationship in block.get("Relationships") or ():
        if relationship.get("Type") == "CHILD":
            yield from relationship.get("Ids") or ()


def _word(block: Block, lines: Mapping[str, int]) -> Word:
    block_id = block.get("Id") or ""
    confidence = min(1.0, max(0.0, float(block.get("Confidence") or 0.0) / 100))
    return Word(str(block["Text"]), _box(block), confidence, lines.get(block_id, NO_LINE), block_id)


def _box(block: Block) -> Box:
    """The word's box; from its polygon where that is all there is, the page's corner for neither."""
    geometry = block.get("Geometry") or {}
    if bounding_box := geometry.get("BoundingBox"):
        return Box.from_textract(bounding_box)
    points = [(float(point["X"]), float(point["Y"])) for point in geometry.get("Polygon") or ()]
    if not points:
        return Box(0.0, 0.0, 0.0, 0.0)
    across, down = zip(*points, strict=True)
    return Box.clipped(min(across), min(down), max(across), max(down))
