"""What was odd about the OCR's answer, page by page, for an operator to read. It loses nothing."""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple


class Oddity(StrEnum):
    """What can be odd about a page of blocks."""

    DUPLICATE_ID = "duplicate_id"
    DANGLING_REFERENCE = "dangling_reference"
    NO_LINE = "no_line"
    TWO_LINES = "two_lines"
    NO_TEXT = "no_text"
    NO_CONFIDENCE = "no_confidence"
    NO_GEOMETRY = "no_geometry"
    OUTSIDE_PAGE = "outside_page"
    TURNED = "turned"
    SLANTED = "slanted"
    NO_PAGE_NUMBER = "no_page_number"
    SECOND_PAGE_BLOCK = "second_page_block"
    UNKNOWN_BLOCK = "unknown_block"


MEANING = {
    Oddity.DUPLICATE_ID: "words share an id with another block of their page; all are kept",
    Oddity.DANGLING_REFERENCE: "words that a line names are not there",
    Oddity.NO_LINE: "words stand in no line; kept, ordered by where they stand",
    Oddity.TWO_LINES: "words are claimed by two lines; the first keeps them",
    Oddity.NO_TEXT: "word blocks hold no text; there is nothing to keep",
    Oddity.NO_CONFIDENCE: "words come without a confidence; taken as 0",
    Oddity.NO_GEOMETRY: "words come without a place; kept in the page's corner",
    Oddity.OUTSIDE_PAGE: "words reach out of the page; their boxes are cut back",
    Oddity.TURNED: "words do not run to the right; read the way their text runs",
    Oddity.SLANTED: "words stand aslant; read the way their text runs",
    Oddity.NO_PAGE_NUMBER: "words and lines name no page; counted to the page they come with",
    Oddity.SECOND_PAGE_BLOCK: "page blocks beyond the first of a page",
    Oddity.UNKNOWN_BLOCK: "blocks of a kind that Textract does not document; passed by unread",
}


class Remark(NamedTuple):
    """So many oddities of one kind on one page."""

    page: int
    oddity: Oddity
    times: int


def in_words(remarks: Iterable[Remark]) -> tuple[str, ...]:
    """One line for each kind of oddity: how many, what was done, on which pages."""
    found: dict[Oddity, list[Remark]] = {}
    for remark in remarks:
        found.setdefault(remark.oddity, []).append(remark)
    return tuple(_line(oddity, of_kind) for oddity, of_kind in sorted(found.items()))


def _line(oddity: Oddity, of_kind: Sequence[Remark]) -> str:
    count = sum(remark.times for remark in of_kind)
    pages = in_short(sorted({remark.page for remark in of_kind}))
    return f"{oddity}: {count} ({MEANING[oddity]}); pages {pages}"


def in_short(pages: Sequence[int]) -> str:
    """Ascending page numbers with runs drawn together: `1-3, 7`."""
    if not pages:
        return ""
    starts = [pages[0], *(page for before, page in pairwise(pages) if page != before + 1)]
    ends = [*(before for before, page in pairwise(pages) if page != before + 1), pages[-1]]
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in zip(starts, ends, strict=True))
