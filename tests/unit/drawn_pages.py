"""Pages drawn as text, for tests that must be readable: each row a line, each character a place.

`Fee: $25@8 None@8/0.6/0.4` is four words on one line: `@8` gives a word its class, then the model's
probability and the OCR's confidence where they matter. Wide gaps are drawn with spaces.
"""

import re
from collections.abc import Sequence

from recto.document import NO_LINE, Page, PagePredictions, Word
from recto.fields import FieldList, parse_fields
from recto.geometry import Box

CHARACTER, HEIGHT, PITCH = 0.0095, 0.012, 0.02
"""Width of a character, height of a word, distance of two lines."""
OTHER = 4

FIELDS = parse_fields(
    [
        {"ClassId": 0, "Name": "Date", "Select": "first", "Type": "date", "Optional": True},
        {"ClassId": 1, "Name": "Fee", "Select": "confidence", "Type": "money", "Optional": True},
        {"ClassId": 2, "Name": "Card", "Optional": True},
        {"ClassId": 3, "Name": "Notes", "Ignore": True},
    ]
)


def drawn(
    *rows: str, number: int = 1, with_lines: bool = False, other: int = OTHER
) -> tuple[Page, PagePredictions]:
    """The page that these rows draw, and its predictions."""
    words: list[Word] = []
    marks: list[tuple[int, float]] = []
    for row_number, row in enumerate(rows):
        for match in re.finditer(r"\S+", _unmarked(row)):
            text, class_id, probability, confidence = _parsed(_marked_words(row), match, other)
            top = 0.05 + row_number * PITCH
            left = match.start() * CHARACTER
            box = Box(left, top, left + len(text) * CHARACTER, top + HEIGHT)
            line = row_number if with_lines else NO_LINE
            words.append(Word(text, box, confidence, line, f"p{number}-w{len(words)}"))
            marks.append((class_id, probability))
    classes, probabilities = zip(*marks, strict=True) if marks else ((), ())
    return Page(number, tuple(words)), PagePredictions(number, classes, probabilities)


def in_words(page: Page, lines: Sequence[Sequence[int]]) -> list[str]:
    """Lines of word indices as text."""
    return [" ".join(page.words[i].text for i in line) for line in lines]


def field_list(*entries: dict[str, object]) -> FieldList:
    """Fields with class ids in the order given."""
    return parse_fields([{"ClassId": number, **entry} for number, entry in enumerate(entries)])


_MARK = re.compile(r"@(\d+)(?:/([\d.]+))?(?:/([\d.]+))?(?=\s|$)")


def _unmarked(row: str) -> str:
    return _MARK.sub("", row)


def _marked_words(row: str) -> dict[int, re.Match[str]]:
    """Where in the unmarked row a marked word ends, and its mark."""
    marks, removed = {}, 0
    for match in _MARK.finditer(row):
        marks[match.start() - removed] = match
        removed += len(match[0])
    return marks


def _parsed(
    marks: dict[int, re.Match[str]], word: re.Match[str], other: int
) -> tuple[str, int, float, float]:
    mark = marks.get(word.end())
    if mark is None:
        return word[0], other, 0.99, 0.99
    return word[0], int(mark[1]), float(mark[2] or 0.99), float(mark[3] or 0.99)
