"""A small layout engine: puts marked words on pages and remembers where each one stands. Draws nothing.

Points from the top left corner. Text flows down the frames (columns) of a page and on to the next page.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import NamedTuple

from reportlab.pdfbase.pdfmetrics import getFont, stringWidth

from recto_training.synthetic.markup import NO_FIELD, MarkedWord, marked_words

LETTER = (612.0, 792.0)
A4 = (595.3, 841.9)
LEGAL = (612.0, 1008.0)

LOW = frozenset("acemnorsuvwxz.,:;_-–·…")
DEEP = frozenset("gjpqyQ,;()[]{}|$@/")


class Placed(NamedTuple):
    """A word on a page; `left` and `baseline` in points."""

    text: str
    left: float
    baseline: float
    font: str
    size: float
    field: int
    entity: int
    value: str

    @property
    def right(self) -> float:
        return self.left + text_width(self.text, self.font, self.size)

    @property
    def top(self) -> float:
        """The upper edge of the ink, near enough."""
        low = all(character in LOW for character in self.text)
        return self.baseline - self.size * (0.48 if low else 0.72)

    @property
    def bottom(self) -> float:
        deep = any(character in DEEP for character in self.text)
        return self.baseline + self.size * (0.21 if deep else 0.01)


class Line(NamedTuple):
    """A ruled line, or a shaded rectangle where `fill` is set."""

    left: float
    top: float
    right: float
    bottom: float
    fill: float | None = None


@dataclass
class SheetPage:
    """What stands on one page."""

    words: list[Placed] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)


class Frame(NamedTuple):
    """A column that text flows down."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True)
class Style:
    """How text looks."""

    font: str = "Helvetica"
    size: float = 10.0
    leading: float = 1.2
    """Line height as a multiple of the size."""
    align: str = "left"

    @property
    def line_height(self) -> float:
        return self.size * self.leading

    def bold(self) -> "Style":
        return replace(self, font=BOLD[self.font])

    def sized(self, factor: float) -> "Style":
        return replace(self, size=self.size * factor)

    def aligned(self, align: str) -> "Style":
        return replace(self, align=align)


BOLD = {
    "Helvetica": "Helvetica-Bold",
    "Times-Roman": "Times-Bold",
    "Courier": "Courier-Bold",
    "Helvetica-Bold": "Helvetica-Bold",
    "Times-Bold": "Times-Bold",
    "Courier-Bold": "Courier-Bold",
}


@lru_cache(maxsize=200_000)
def text_width(text: str, font: str, size: float) -> float:
    """Width in points."""
    getFont(font)
    return float(stringWidth(text, font, size))


class Sheet:
    """Pages in the making."""

    def __init__(
        self,
        size: tuple[float, float],
        frames: Sequence[Frame],
        later_frames: Sequence[Frame] | None = None,
        on_page: "Callable[[Sheet], None] | None" = None,
    ) -> None:
        self.size = size
        self.pages: list[SheetPage] = []
        self._frames = frames
        self._later_frames = later_frames or frames
        self._on_page = on_page
        self._entities = 0
        self._new_page()

    @property
    def page(self) -> SheetPage:
        return self.pages[-1]

    @property
    def frame(self) -> Frame:
        frames = self._frames if len(self.pages) == 1 else self._later_frames
        return frames[self._frame_index]

    def next_frame(self) -> None:
        """Go on at the top of the next column, or of the next page."""
        frames = self._frames if len(self.pages) == 1 else self._later_frames
        if self._frame_index + 1 < len(frames):
            self._frame_index += 1
            self.y = self.frame.top
        else:
            self._new_page()

    def _new_page(self) -> None:
        self.pages.append(SheetPage())
        self._frame_index = 0
        if self._on_page is not None:
            self._on_page(self)
        self.y = self.frame.top

    def skip(self, height: float) -> None:
        self.y += height

    def ensure(self, height: float) -> None:
        """Go to the next frame if so much does not fit any more."""
        if self.y + height > self.frame.bottom and self.y > self.frame.top:
            self.next_frame()

    def text(self, marked: str, style: Style, *, indent: float = 0, after: float = 0) -> None:
        """A paragraph in the frame, line by line, over to the next frame where it is full."""
        lines = self._wrap(self._numbered(marked), style, self.frame.right - self.frame.left - indent)
        for number, line in enumerate(lines):
            self.ensure(style.line_height)
            self._place_line(
                line,
                style,
                self.frame.left + indent,
                self.frame.right,
                self.y,
                last=number == len(lines) - 1,
            )
            self.y += style.line_height
        self.y += after

    def block_height(self, marked: str, style: Style, width: float) -> float:
        """How high the text would be in a box of this width."""
        return len(self._wrap(marked_words(marked), style, width)) * style.line_height

    def block(self, marked: str, style: Style, left: float, top: float, right: float) -> float:
        """Text in a box at a fixed place of this page; gives the y below it."""
        lines = self._wrap(self._numbered(marked), style, right - left)
        for number, line in enumerate(lines):
            at = top + number * style.line_height
            self._place_line(line, style, left, right, at, last=number == len(lines) - 1)
        return top + len(lines) * style.line_height

    def rule(self, left: float, top: float, right: float, bottom: float, fill: float | None = None) -> None:
        self.page.lines.append(Line(left, top, right, bottom, fill))

    def _numbered(self, marked: str) -> list[MarkedWord]:
        """The words, their entities numbered through the document."""
        words = [
            word if word.field == NO_FIELD else word._replace(entity=word.entity + self._entities)
            for word in marked_words(marked)
        ]
        self._entities = max([self._entities, *(word.entity + 1 for word in words)])
        return words

    def _wrap(self, words: list[MarkedWord], style: Style, width: float) -> list[list[MarkedWord]]:
        space = text_width(" ", style.font, style.size)
        lines: list[list[MarkedWord]] = []
        used = width + 1
        for word in words:
            own = text_width(word.text, style.font, style.size)
            if lines and not word.starts_line and used + space + own <= width:
                lines[-1].append(word)
                used += space + own
            else:
                lines.append([word])
                used = own
        return lines

    def _place_line(
        self, line: list[MarkedWord], style: Style, left: float, right: float, top: float, *, last: bool
    ) -> None:
        widths = [text_width(word.text, style.font, style.size) for word in line]
        space = text_width(" ", style.font, style.size)
        free = right - left - sum(widths) - space * (len(line) - 1)
        x = left + {"center": free / 2, "right": free}.get(style.align, 0.0)
        if style.align == "justify" and not last and len(line) > 1:
            space += max(0.0, free) / (len(line) - 1)
        baseline = top + style.size * 0.85
        for word, width in zip(line, widths, strict=True):
            self.page.words.append(
                Placed(word.text, x, baseline, style.font, style.size, word.field, word.entity, word.value)
            )
            x += width + space


class Column(NamedTuple):
    """A column of a table: its share of the width and how its text looks."""

    share: float
    style: Style


def table(
    sheet: Sheet,
    rows: Sequence[Sequence[str]],
    columns: Sequence[Column],
    *,
    ruled: bool = True,
    padding: float = 4,
    shaded_first: bool = False,
) -> None:
    """A table over the frame's width; rows are kept whole."""
    for number, row in enumerate(rows):
        width = sheet.frame.right - sheet.frame.left
        heights = [
            sheet.block_height(cell, column.style, width * column.share - 2 * padding)
            for cell, column in zip(row, columns, strict=True)
        ]
        height = max(heights) + 2 * padding
        sheet.ensure(height)
        left, top = sheet.frame.left, sheet.y
        if shaded_first and number == 0:
            sheet.rule(left, top, sheet.frame.right, top + height, 0.88)
        for cell, column in zip(row, columns, strict=True):
            right = left + width * column.share
            sheet.block(cell, column.style, left + padding, top + padding, right - padding)
            if ruled:
                _frame_cell(sheet, left, top, right, top + height)
            left = right
        sheet.y = top + height


def _frame_cell(sheet: Sheet, left: float, top: float, right: float, bottom: float) -> None:
    sheet.rule(left, top, right, top)
    sheet.rule(left, bottom, right, bottom)
    sheet.rule(left, top, left, bottom)
    sheet.rule(right, top, right, bottom)
