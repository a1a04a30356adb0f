"""Rows of words cut into lines at column gaps, as Textract cuts them. Not how words are found."""

from collections.abc import Iterator, Sequence

from recto_ocr.engine import OcrLine, OcrWord
from recto_ocr.turning import counter_clockwise, turned_back

COLUMN_GAP = 2.5
"""A gap of this many line heights ends a line, as Textract ends it between columns."""


def at_column_gaps(line: OcrLine, size: tuple[int, int]) -> Iterator[OcrLine]:
    """The line cut at column gaps; gaps run down the page where the text does. `size` in pixels."""
    width, height = size
    if not line.turn:
        yield from _cut(line.words, width / height)
        return
    upright = [word._replace(box=counter_clockwise(word.box)) for word in line.words]
    for part in _cut(upright, height / width):
        yield turned_back(part, line.turn)


def _cut(words: Sequence[OcrWord], aspect: float) -> Iterator[OcrLine]:
    """One line per run of words without a wide gap; `aspect` is the page's width by its height."""
    heights = sorted(word.box.height for word in words)
    widest = COLUMN_GAP * heights[len(heights) // 2] / aspect
    run: list[OcrWord] = []
    for word in words:
        if run and word.box.left - run[-1].box.right > widest:
            yield OcrLine(tuple(run))
            run = []
        run.append(word)
    yield OcrLine(tuple(run))
