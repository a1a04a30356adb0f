"""The order in which a person reads the words of a page, from where they stand. Not what they mean.

A page becomes segments: words side by side with no wider gap than a space. Prose in columns is read
column by column; everything else (tables, forms, receipts) row by row, left to right. The OCR's lines
are used as hints only: where it saw one line, a wide space is more likely a space; where it saw two, a
narrow gap is more likely a column's. A page that lies on its side, upside down or askew is read the way
its text runs, which the hints tell.

Same words, same order: nothing depends on chance or on the order of ties in the input beyond the
input's own order.
"""

import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median
from typing import NamedTuple

from recto.document import NO_LINE, Word
from recto.geometry import Box

WIDEST_SPACE = 3.0
"""A gap of more characters than this parts two segments where the OCR gave no lines."""
WIDEST_SPACE_IN_LINE = 4.5
"""The same within one line of the OCR."""
WIDEST_SPACE_BETWEEN_LINES = 1.8
"""The same between two lines of the OCR."""
SAME_ROW = 0.5
"""Words stand side by side when they share this much of the lower one's height."""
WIDEST_LINE_GAP = 2.5
"""The next line of a text begins no further down than this many line heights, however the page is set."""
CLOSE_LINE_GAP = 1.0
"""Lines that are closer than this many line heights belong together on any page."""
LOOSER_THAN_USUAL = 1.5
"""Beyond that, a gap of so many times the page's usual one parts two texts: rows of a table, paragraphs."""
LEAST_COLUMN_LINES = 4
"""A column of prose has at least this many lines."""
LEAST_COLUMN_WORDS = 3.0
"""Words in the median line of a column of prose; cells of tables and forms have fewer."""
STRAIGHT = math.radians(0.15)
"""A text that runs less askew than this is read as it stands."""


class Segment(NamedTuple):
    """Words side by side, without a column's gap between them."""

    words: tuple[int, ...]
    """Indices into the page's words, in reading order."""
    box: Box


class ReadingOrder(NamedTuple):
    """The segments of a page in the order in which they are read."""

    segments: tuple[Segment, ...]
    below: tuple[int | None, ...]
    """For each segment, the one that continues its text on the next line of its column, if there is one."""

    def words(self) -> Iterator[int]:
        """Indices of the words, in reading order."""
        return (word for segment in self.segments for word in segment.words)


class _Run(NamedTuple):
    """A segment while it is built: boxes are those of the straightened page."""

    words: tuple[int, ...]
    box: Box


def reading_order(words: Sequence[Word]) -> ReadingOrder:
    """All words of a page, each exactly once, in segments in the order in which they are read."""
    if not words:
        return ReadingOrder((), ())
    boxes = _straightened(words)
    runs = _ordered(_segments(words, boxes))
    if boxes[0] is words[0].box:
        segments = tuple(Segment(run.words, run.box) for run in runs)
    else:
        segments = tuple(Segment(run.words, Box.around(words[i].box for i in run.words)) for run in runs)
    return ReadingOrder(segments, _continuations([run.box for run in runs]))


# --- which way the text runs ------------------------------------------------------------------------


def _straightened(words: Sequence[Word]) -> Sequence[Box]:
    """The words' boxes on a page turned so that text runs to the right and lines go down."""
    across, down = _direction(words)
    angle = math.atan2(down, across)
    if abs(angle) < STRAIGHT:
        return [word.box for word in words]
    if abs(angle) > math.pi - STRAIGHT:
        is_right_to_left = _lines_go_down(words)
        return [_mirrored(word.box) if is_right_to_left else _half_turned(word.box) for word in words]
    cosine, sine = math.cos(angle), math.sin(angle)
    if max(abs(cosine), abs(sine)) > math.cos(math.radians(5)):
        return [_turned(word.box, cosine, sine) for word in words]
    return [_turned_thin(word, cosine, sine) for word in words]


def _direction(words: Sequence[Word]) -> tuple[float, float]:
    """The sum of the steps from word to word within the OCR's lines; to the right where it gave none."""
    across = down = last_left = last_top = last_right = last_bottom = 0.0
    last_line = NO_LINE
    for _, (left, top, right, bottom), _, line, _ in words:
        if line == last_line != NO_LINE:
            across += left + right - last_left - last_right
            down += top + bottom - last_top - last_bottom
        last_left, last_top, last_right, last_bottom, last_line = left, top, right, bottom, line
    return (across, down) if across or down else (1.0, 0.0)


def _lines_go_down(words: Sequence[Word]) -> bool:
    """Whether line follows line downwards: text that runs left then is a right-to-left script."""
    steps = [b.box.top - a.box.top for a, b in pairwise(words) if a.line != b.line]
    return sum(1 if step > 0 else -1 for step in steps if step) > 0


def _mirrored(box: Box) -> Box:
    return Box(1 - box.right, box.top, 1 - box.left, box.bottom)


def _half_turned(box: Box) -> Box:
    return Box(1 - box.right, 1 - box.bottom, 1 - box.left, 1 - box.top)


def _turned(box: Box, cosine: float, sine: float) -> Box:
    """The box turned back; its corners move, so a small slant makes it a little taller."""
    slant = abs(cosine) > abs(sine)
    width, height = (box.width, box.height) if slant else (box.height, box.width)
    return _around_centre(box, cosine, sine, width, height)


def _turned_thin(word: Word, cosine: float, sine: float) -> Box:
    """The box of a word on a slant: its upright box is mostly air, so its height is guessed from its text."""
    box = word.box
    length = math.hypot(box.width, box.height)
    width = length * max(0.3, 1 - 1 / (1 + len(word.text)))
    return _around_centre(box, cosine, sine, width, min(length, 1.6 * width / max(1, len(word.text))))


def _around_centre(box: Box, cosine: float, sine: float, width: float, height: float) -> Box:
    x, y = (box.left + box.right) / 2, (box.top + box.bottom) / 2
    across, down = x * cosine + y * sine, y * cosine - x * sine
    return Box(across - width / 2, down - height / 2, across + width / 2, down + height / 2)


# --- words to segments ------------------------------------------------------------------------------


def _segments(words: Sequence[Word], boxes: Sequence[Box]) -> list[_Run]:
    """Words chained side by side: neighbours in the OCR's order first, then whatever else touches."""
    chains: list[list[int]] = [[0]]
    for index in range(1, len(words)):
        if _gap(words, boxes, index - 1, index) is None:
            chains.append([index])
        else:
            chains[-1].append(index)
    joined = _joined(words, boxes, chains)
    return [_Run(tuple(chain), Box.around(boxes[i] for i in chain)) for chain in joined]


def _gap(words: Sequence[Word], boxes: Sequence[Box], one: int, other: int) -> float | None:
    """The gap in characters between a word and the one right of it; None where these are not neighbours.

    Asked for every word of every page: comparisons stand here in place of calls.
    """
    left, top, right, bottom = boxes[one]
    other_left, other_top, other_right, other_bottom = boxes[other]
    if other_left <= left or other_top >= bottom or top >= other_bottom:
        return None
    height, other_height = bottom - top, other_bottom - other_top
    low = height if height < other_height else other_height  # noqa: FURB136
    lower_end = bottom if bottom < other_bottom else other_bottom  # noqa: FURB136
    shared = lower_end - (top if top > other_top else other_top)  # noqa: FURB136
    if shared < SAME_ROW * low:
        return None
    text, _, _, line, _ = words[one]
    other_text, _, _, other_line, _ = words[other]
    letters = len(text) + len(other_text)
    character = (right - left + other_right - other_left) / letters if letters else low / 2
    gap = other_left - right
    if gap < -character or gap > character * _widest_space(line, other_line):
        return None
    return gap


def _widest_space(line: int, other: int) -> float:
    if line == NO_LINE or other == NO_LINE:  # noqa: PLR1714 - a tuple for each pair of words takes time
        return WIDEST_SPACE
    return WIDEST_SPACE_IN_LINE if line == other else WIDEST_SPACE_BETWEEN_LINES


def _joined(words: Sequence[Word], boxes: Sequence[Box], chains: list[list[int]]) -> list[list[int]]:
    """Chains whose ends stand side by side made one, nearest pairs first."""
    pairs = sorted(_neighbours(words, boxes, chains))
    follower: dict[int, int] = {}
    taken: set[int] = set()
    for _, one, other in pairs:
        if one not in follower and other not in taken:
            follower[one] = other
            taken.add(other)
    return [_followed(chains, follower, start) for start in range(len(chains)) if start not in taken]


def _neighbours(
    words: Sequence[Word], boxes: Sequence[Box], chains: list[list[int]]
) -> Iterator[tuple[float, int, int]]:
    """(gap, chain, chain right of it) for ends that could be joined."""
    by_top = sorted(range(len(chains)), key=lambda i: boxes[chains[i][0]].top)
    tallest = max(box.bottom - box.top for box in boxes)
    tops = [boxes[chains[i][0]].top for i in by_top]
    for index, words_of in enumerate(chains):
        end = boxes[words_of[-1]]
        for position in range(bisect_left(tops, end.top - tallest), len(by_top)):
            if tops[position] > end.bottom:
                break
            other = by_top[position]
            start = boxes[chains[other][0]]
            if start.left <= end.left or other == index:
                continue
            gap = _gap(words, boxes, words_of[-1], chains[other][0])
            if gap is not None:
                yield gap, index, other


def _followed(chains: list[list[int]], follower: dict[int, int], start: int) -> list[int]:
    chain = list(chains[start])
    while start in follower:
        start = follower[start]
        chain += chains[start]
    return chain


# --- segments in order ------------------------------------------------------------------------------


def _ordered(runs: list[_Run]) -> list[_Run]:
    """Row by row, but prose in columns column by column."""
    gutter = _gutter(runs)
    if gutter is None:
        return _by_rows(runs)
    above, left, right, after = gutter
    return [*_by_rows(above), *_ordered(left), *_ordered(right), *_ordered(after)]


class _Gutter(NamedTuple):
    """Runs above columns, left and right of a gutter, and below."""

    above: list[_Run]
    left: list[_Run]
    right: list[_Run]
    below: list[_Run]


def _gutter(runs: list[_Run]) -> _Gutter | None:
    """The topmost band of the page that white space from top to bottom parts into columns of prose."""
    if len(runs) < 2 * LEAST_COLUMN_LINES:
        return None
    found = [
        band for x in _gutter_candidates(runs) for band in _bands(runs, x) if _is_prose(band.left, band.right)
    ]
    if not found:
        return None
    return min(found, key=lambda band: (len(band.above), -min(len(band.left), len(band.right))))


def _gutter_candidates(runs: list[_Run]) -> list[float]:
    """Places just left of where several segments begin, at most one per two hundredth of the page."""
    starts: dict[int, list[float]] = {}
    for run in runs:
        starts.setdefault(int(run.box.left * 50), []).append(run.box.left)
    leftmost = min(run.box.left for run in runs)
    places = [min(lefts) for lefts in starts.values() if len(lefts) >= LEAST_COLUMN_LINES - 1]
    return sorted(place - 1e-9 for place in places if place > leftmost + 0.05)


def _bands(runs: list[_Run], x: float) -> Iterator[_Gutter]:
    """What lies between one segment that crosses x and the next, where there is something on both sides."""
    by_middle = sorted(runs, key=lambda run: run.box.middle)
    start = 0
    crossing = [i for i, run in enumerate(by_middle) if run.box.left < x < run.box.right]
    for end in (*crossing, len(by_middle)):
        band = by_middle[start:end]
        left = [run for run in band if run.box.right <= x]
        right = [run for run in band if run.box.left >= x]
        if left and right:
            yield _Gutter(by_middle[:start], left, right, by_middle[end:])
        start = end + 1 if end < len(by_middle) else end


def _is_prose(left: list[_Run], right: list[_Run]) -> bool:
    """Whether both sides read like columns of running text rather than like cells."""
    return all(_is_column(side) for side in (left, right))


def _is_column(side: list[_Run]) -> bool:
    return len(side) >= LEAST_COLUMN_LINES and median(len(run.words) for run in side) >= LEAST_COLUMN_WORDS


def _by_rows(runs: list[_Run]) -> list[_Run]:
    """Top to bottom; what stands side by side, left to right."""
    rows: list[list[_Run]] = []
    for run in sorted(runs, key=lambda run: (run.box.middle, run.box.left)):
        if rows and _same_row(rows[-1], run.box):
            rows[-1].append(run)
        else:
            rows.append([run])
    return [run for row in rows for run in sorted(row, key=lambda run: run.box.left)]


def _same_row(row: list[_Run], box: Box) -> bool:
    """Whether a box stands beside all of a row; two in one place stand above each other."""
    return all(
        one.box.vertical_overlap(box) >= SAME_ROW
        and min(one.box.right, box.right) - max(one.box.left, box.left) <= 0.5 * min(one.box.width, box.width)
        for one in row
    )


def _continuations(boxes: Sequence[Box]) -> tuple[int | None, ...]:
    """For each segment the one next below it in its column, near enough to go on with its text."""
    by_top = sorted(range(len(boxes)), key=lambda i: (boxes[i].top, boxes[i].left))
    tops = [boxes[i].top for i in by_top]
    below = [_next_below(boxes, by_top, tops, index) for index in range(len(boxes))]
    gaps = [
        None if other is None else _line_gap(boxes[index], boxes[other]) for index, other in enumerate(below)
    ]
    usual = median([gap for gap in gaps if gap is not None] or [0.0])
    widest = max(CLOSE_LINE_GAP, LOOSER_THAN_USUAL * usual)
    return tuple(
        other if gap is not None and gap <= widest else None for other, gap in zip(below, gaps, strict=True)
    )


def _line_gap(box: Box, lower: Box) -> float:
    """The white space between two lines, in heights of the taller one."""
    height = max(box.bottom - box.top, lower.bottom - lower.top)
    return (lower.top - box.bottom) / height if height else 0.0


def _next_below(boxes: Sequence[Box], by_top: list[int], tops: list[float], index: int) -> int | None:
    """The nearest segment under this one; where several begin side by side, the leftmost."""
    box = boxes[index]
    height = box.bottom - box.top
    best: tuple[float, int] | None = None
    for position in range(bisect_left(tops, box.middle), len(by_top)):
        number = by_top[position]
        other = boxes[number]
        if other.top - box.bottom > WIDEST_LINE_GAP * height or (best and other.middle > best[0]):
            break
        low = min(height, other.bottom - other.top)
        is_below = number != index and other.top >= box.bottom - SAME_ROW * low
        if is_below and min(box.right, other.right) > max(box.left, other.left):
            best = best if best and boxes[best[1]].left <= other.left else (other.bottom, number)
    return best[1] if best else None
