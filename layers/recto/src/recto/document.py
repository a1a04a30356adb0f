"""A page of words, and what the model said about them. Labels stand off from text.

Pages are the unit: a document is a stream of pages and never lies in memory whole.
"""

from typing import NamedTuple

from recto.geometry import Box

NO_LINE = -1


class Word(NamedTuple):
    """One word as the OCR read it."""

    text: str
    box: Box
    confidence: float
    """The OCR's own, 0-1."""
    line: int = NO_LINE
    """Index of the OCR's line on the page, NO_LINE where it stands in none. A hint, not the reading order."""
    id: str = ""
    """The OCR's block id; not unique in every response."""


class Page(NamedTuple):
    """The words of one page, in the OCR's order."""

    number: int
    """From 1, as people count."""
    words: tuple[Word, ...]


class PagePredictions(NamedTuple):
    """What the word model says about one page: entry i belongs to word i of the page."""

    number: int
    classes: tuple[int, ...]
    """Class id of each word; the number of fields means 'other'."""
    probabilities: tuple[float, ...]
    """Probability (0-1) of that class: the mean over its sub-words and over all windows that saw it."""
    agreements: tuple[float, ...] = ()
    """Share (0-1) of the windows that saw the word whose best class is the same; empty means all agree."""
