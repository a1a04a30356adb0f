"""Pages of words out of Textract's blocks, one page in memory at a time. Reads PAGE, LINE and WORD only.

Tables, forms, queries and layout blocks pass by unread: exports and drawings use trp for those. Real
responses are looser than their documentation, so this holds with: blocks without `Page` (a
synchronous response), words in no line, duplicate ids, references to blocks that are not there, pages
turned by any angle, coordinates a little outside the page. It keeps their words and remarks on the rest.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from recto.document import NO_LINE, Page, Word
from recto.errors import DamagedDocumentError, OcrFailedError, PageOrderError
from recto.geometry import Box
from recto.remarks import Oddity, Remark

Block = Mapping[str, Any]

NESTED_DOCUMENTS = ("ExpenseDocuments", "IdentityDocuments")
"""Keys under which AnalyzeExpense and AnalyzeID keep the blocks of each document."""
FINISHED = ("SUCCEEDED", "PARTIAL_SUCCESS")
READ = ("PAGE", "LINE", "WORD")
PASSED_BY = frozenset(
    {
        "CELL", "KEY_VALUE_SET", "MERGED_CELL", "QUERY", "QUERY_RESULT", "SELECTION_ELEMENT", "SIGNATURE",
        "TABLE", "TABLE_FOOTER", "TABLE_TITLE", "TITLE",
    }
)  # fmt: skip
"""Kinds that Textract documents beside those that are read and those that begin with LAYOUT_."""
ROUNDING = 0.001
"""How far a box may reach out of the page before it is remarked on."""
SLANT = 0.05
"""How far a word may rise over its length before it is remarked on; some three degrees on a square page."""


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


def read_pages(blocks: Iterable[Block], remarks: list[Remark] | None = None) -> Iterator[Page]:
    """One page after the other, each as soon as the next begins; PageOrderError when one comes again.

    What is odd about a page is added to `remarks` before the page is given.
    """
    remarks = [] if remarks is None else remarks
    number, pending = 0, _PageBlocks()
    for block in blocks:
        kind = block.get("BlockType")
        if kind not in READ:
            pending.pass_by(str(kind))
            continue
        found = _page_number(block, number, pending)
        if found != number:
            if number:
                yield pending.finished(number, remarks)
            if found < number:
                raise PageOrderError(
                    f"page {found} comes again after page {number}; expected ascending pages"
                )
            number, pending = found, _PageBlocks() if number else pending
        pending.add(kind, block)
    if number:
        yield pending.finished(number, remarks)


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
        self._odd: Counter[Oddity] = Counter()
        self._num_page_blocks = 0

    def add(self, kind: str, block: Block) -> None:
        self.is_empty = False
        if kind == "WORD":
            self._words.append(block)
        elif kind == "LINE":
            self._add_line(block)
        else:
            self._num_page_blocks += 1
        if not block.get("Page") and kind != "PAGE":
            self._odd[Oddity.NO_PAGE_NUMBER] += 1

    def pass_by(self, kind: str) -> None:
        """A block that is not read; those before the first page count to it."""
        if kind not in PASSED_BY and not kind.startswith("LAYOUT_"):
            self._odd[Oddity.UNKNOWN_BLOCK] += 1

    def _add_line(self, block: Block) -> None:
        for word_id in _children(block):
            if self._lines.setdefault(word_id, self._num_lines) != self._num_lines:
                self._odd[Oddity.TWO_LINES] += 1
        self._num_lines += 1

    def finished(self, number: int, remarks: list[Remark]) -> Page:
        """The page; what was odd about it is added to `remarks`."""
        try:
            remarks += self._remarks(number)
            words = tuple(_word(block, self._lines) for block in self._words if block.get("Text"))
        except (KeyError, TypeError, ValueError) as error:
            raise DamagedDocumentError(
                f"page {number} of the OCR's answer: expected words as Textract writes them, {error!r}"
            ) from error
        return Page(number, words)

    def _remarks(self, number: int) -> Iterator[Remark]:
        """What was odd about the page, in a fixed order."""
        words = self._words
        ids = Counter(block.get("Id") or "" for block in words)
        odd = self._odd + Counter(oddity for block in words for oddity in _oddities(block))
        odd[Oddity.DUPLICATE_ID] += sum(count for count in ids.values() if count > 1)
        odd[Oddity.NO_LINE] += sum(count for word_id, count in ids.items() if word_id not in self._lines)
        odd[Oddity.DANGLING_REFERENCE] += sum(word_id not in ids for word_id in self._lines)
        odd[Oddity.SECOND_PAGE_BLOCK] += max(0, self._num_page_blocks - 1)
        return (Remark(number, oddity, odd[oddity]) for oddity in Oddity if odd[oddity])


def _children(block: Block) -> Iterator[str]:
    for relationship in block.get("Relationships") or ():
        if relationship.get("Type") == "CHILD":
            yield from relationship.get("Ids") or ()


def _oddities(block: Block) -> Iterator[Oddity]:
    """What is odd about one word."""
    if not block.get("Text"):
        yield Oddity.NO_TEXT
    if block.get("Confidence") is None:
        yield Oddity.NO_CONFIDENCE
    geometry = block.get("Geometry") or {}
    box: Mapping[str, float] | None = geometry.get("BoundingBox")
    points: Sequence[Mapping[str, float]] = geometry.get("Polygon") or ()
    if not box and not points:
        yield Oddity.NO_GEOMETRY
    if box and _reaches_out(box):
        yield Oddity.OUTSIDE_PAGE
    if len(points) == 4:
        across, down = points[1]["X"] - points[0]["X"], points[1]["Y"] - points[0]["Y"]
        if across <= abs(down):
            yield Oddity.TURNED
        elif abs(down) > SLANT * across:
            yield Oddity.SLANTED


def _reaches_out(box: Mapping[str, Any]) -> bool:
    left, top = box["Left"], box["Top"]
    right, bottom = left + box["Width"], top + box["Height"]
    return bool(min(left, top) < -ROUNDING or max(right, bottom) > 1 + ROUNDING)


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
