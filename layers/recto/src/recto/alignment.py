"""Finds where a known value stands among the words of a page, however it is printed there.

A value is looked for in the words in reading order, page by page, as an assembly would read them:

  text      the same letters and digits, whatever stands between them (marks, spaces, line ends), with a
            few of them wrong; the words that the value begins and ends in are taken whole
  meaning   dates, lengths of time, money and names that are printed otherwise than the truth says them:
            the fewest words whose normal form is that of the value, by `recto.normalise`
  lines     a long value with other words among its lines: the words of its lines

Which of several places are meant is not decided here (`recto.review_labels`, `recto_training.alignment`).
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from rapidfuzz.distance import Levenshtein

from recto.document import Page
from recto.fields import DATES, NUMBERS, FieldConfiguration
from recto.normalise import Conventions, Normalized, normalise, number_words
from recto.reading_order import reading_order

MAX_WORDS = 14
"""A value that is found by its meaning has at most so many words."""
LEAST_FUZZY = 6
"""A value of fewer letters and digits is found exactly or not at all."""
LEAST_BY_LINES = 12
"""A value of fewer letters and digits does not lie over lines with others among them."""
LEAST_PIECE = 3
"""A piece of such a value has so many letters and digits, or is a whole word of it."""
WIDEST_INSERTION = 3
"""How many lines further down the next line of such a value may be."""
UNITS = ("DAY", "WEEK", "MONTH", "YEAR", "ANNIVERSAR")
_REACHES = {"date": (9, 6), "date_day_first": (9, 6), "duration": (5, 3), "money": (3, 3), "number": (1, 1)}
"""How many words before and behind its anchor a value may have."""
COUNTED = frozenset({"date", "date_day_first", "duration", "money", "number", "percentage"})
LONGEST_FORM = 14
"""By how many letters a name may be longer or shorter than the truth: `Incorporated` for `Inc.`."""
_MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_COUNTING = re.compile(
    rf"\W*(?:\w*\d|(?:{number_words.CARDINAL}|{number_words.ORDINAL}|{_MONTHS}|an?\b))", re.IGNORECASE
)
SEED = 4
"""Letters in a row that a misread place still has right."""


class Place(NamedTuple):
    """Words of one page that say a value."""

    page: int
    """Index of the page in the document, from 0."""
    words: tuple[int, ...]
    """Indices of the words on the page, in reading order."""
    wrong: int = 0
    """Letters and digits that are not those of the value."""


# --- the text of a page, letter by letter -------------------------------------------------------------


@lru_cache(maxsize=1 << 16)
def letters_of(text: str) -> str:
    """Only the letters and digits, in upper case: what two prints of one value have in common."""
    return "".join(mark for mark in text.upper() if mark.isalnum())


@lru_cache(maxsize=1 << 16)
def _counts(word: str) -> bool:
    return _COUNTING.match(word) is not None


class PageText:
    """The words of a page in reading order, and all of their letters in one string."""

    def __init__(self, page: Page) -> None:
        order = reading_order(page.words)
        self.order = tuple(order.words())
        self.segments = [segment.words for segment in order.segments]
        self.words = [page.words[index].text for index in self.order]
        self.parts = [letters_of(word) for word in self.words]
        self.starts, position = [], 0
        for part in self.parts:
            self.starts.append(position)
            position += len(part)
        self.ends = [start + len(part) for start, part in zip(self.starts, self.parts, strict=True)]
        self.letters = "".join(self.parts)
        self.counts = list(map(_counts, self.words))
        """Whether each word has a digit, is a number in words or a month's name."""

    def word_at(self, letter: int) -> int:
        """Position, in reading order, of the word that has this letter."""
        return bisect_right(self.starts, letter) - 1

    def text(self, first: int, end: int) -> str:
        """The words from `first` up to, but not including, `end`, as an assembly joins them."""
        return " ".join(self.words[first:end])

    def place(self, page: int, first: int, end: int, wrong: int = 0) -> Place:
        """These words as a place; those without a letter at its edges are left out."""
        while first < end - 1 and not self.parts[first]:
            first += 1
        while end - 1 > first and not self.parts[end - 1]:
            end -= 1
        return Place(page, self.order[first:end], wrong)


# --- by text, by meaning, by lines -------------------------------------------------------------------


def find_value(
    texts: Sequence[PageText], value: str, field: FieldConfiguration, max_wrong: float = 0.15
) -> list[Place]:
    """All places where a value stands, in reading order, no two of them over one word.

    The first of text, meaning, misread text and lines that finds any.
    """
    finders = (_exactly, _by_meaning, _misread, _by_lines)
    for finder in finders:
        places = [
            place
            for number, text in enumerate(texts)
            for place in finder(number, text, value, field, max_wrong)
        ]
        if places:
            return _apart(places)
    return []


def _apart(places: list[Place]) -> list[Place]:
    """The places without those that share words with a better one, in their order."""
    taken: set[tuple[int, int]] = set()
    kept = []
    for place in sorted(places, key=lambda one: (one.wrong, one.page)):
        words = {(place.page, word) for word in place.words}
        if not words & taken:
            taken |= words
            kept.append(place)
    return [place for place in places if place in kept]


def _exactly(page: int, text: PageText, value: str, field: FieldConfiguration, _: float) -> Iterator[Place]:
    """Where the letters and digits of the value stand in a row and no number or word goes on."""
    wanted = letters_of(value)
    position = text.letters.find(wanted) if wanted else -1
    while position >= 0:
        first, end = text.word_at(position), text.word_at(position + len(wanted) - 1) + 1
        before = position - text.starts[first]
        after = text.ends[end - 1] - position - len(wanted)
        if _stands_alone(text, first, end, before, after) and _means(text, first, end, value, field):
            yield text.place(page, *_with_number_words(text, first, end, value, field), before + after)
        position = text.letters.find(wanted, position + 1)


def _stands_alone(text: PageText, first: int, end: int, before: int, after: int) -> bool:
    """Whether what the first and last word have beside the value is set off by a mark or a change of kind."""
    return _is_set_off(text.words[first], before) and _is_set_off(text.words[end - 1], -after)


def _is_set_off(word: str, extra: int) -> bool:
    """Whether the first `extra` letters of a word, the last ones where negative, are apart from the rest."""
    if extra == 0:
        return True
    marks = [index for index, mark in enumerate(word) if mark.isalnum()]
    if len(marks) != len(letters_of(word)):
        return False  # a letter whose capital is two: no telling which is which
    one, other = marks[extra - 1], marks[extra]
    return other - one > 1 or word[one].isdigit() != word[other].isdigit()


def _means(text: PageText, first: int, end: int, value: str, field: FieldConfiguration) -> bool:
    """Whether the words mean the same number: 3390 is not 33.90. Anything else means what it spells."""
    if field.normalizer_name not in NUMBERS:
        return True
    said, wanted = (_understood(field, one).amounts for one in (text.text(first, end), value))
    return not said or not wanted or said[0] == wanted[0]


def _by_meaning(
    page: int, text: PageText, value: str, field: FieldConfiguration, _: float
) -> Iterator[Place]:
    """The fewest words around an anchor that have the value's normal form."""
    wanted = _understood(field, value)
    if field.normalizer_name == "text" or wanted.value is None:
        return
    done = 0
    for anchor in _anchors(text, value, wanted, field):
        for first, end in _spans(anchor, text, field, len(letters_of(value))):
            if first >= done and _says(field, text.text(first, end), wanted):
                done = end
                yield text.place(page, *_with_number_words(text, first, end, value, field))
                break


def _anchors(text: PageText, value: str, wanted: Normalized, field: FieldConfiguration) -> Iterator[int]:
    """Words that any print of the value has: a year, a unit of time, a name's beginning."""
    kind = field.normalizer_name
    if kind in DATES:
        year = (wanted.value or "")[:4]
        return (i for i, part in enumerate(text.parts) if year in part or part.endswith(year[2:]))
    if kind == "duration":
        return (i for i, part in enumerate(text.parts) if part.startswith(UNITS))
    if kind in NUMBERS:
        digits = re.sub(r"\D", "", value)[:2]
        return (i for i, part in enumerate(text.parts) if digits in part)
    beginning = letters_of(value.split(maxsplit=1)[0])[:SEED]
    return (i for i, part in enumerate(text.parts) if part.startswith(beginning))


def _spans(anchor: int, text: PageText, field: FieldConfiguration, length: int) -> list[tuple[int, int]]:
    """Spans of words with the anchor in them that could say such a value, the shortest first.

    Names begin with their anchor; dates, lengths of time and amounts begin and end with a word that counts.
    """
    kind = field.normalizer_name
    back, forth = _REACHES.get(kind, (0, MAX_WORDS))
    last = min(len(text.words), anchor + 1 + forth)
    if kind in COUNTED:
        firsts = [i for i in range(max(0, anchor - back), anchor + 1) if i == anchor or text.counts[i]]
        ends = [i + 1 for i in range(anchor, last) if i == anchor or text.counts[i]]
    else:
        firsts = [anchor]
        ends = [
            end for end in range(anchor + 1, last + 1)
            if abs(text.ends[end - 1] - text.starts[anchor] - length) <= LONGEST_FORM
        ]  # fmt: skip
    return sorted(((i, j) for i in firsts for j in ends), key=lambda span: span[1] - span[0])


def _says(field: FieldConfiguration, text: str, wanted: Normalized) -> bool:
    said = _understood(field, text)
    return said.value is not None and (said.key == wanted.key or wanted.value in said.alternatives)


def _with_number_words(
    text: PageText, first: int, end: int, value: str, field: FieldConfiguration
) -> tuple[int, int]:
    """A length of time with all that counts: `(7) years` is `seven (7) years` where that stands there."""
    if field.normalizer_name != "duration":
        return first, end
    unit, wanted = text.words[end - 1], _understood(field, value)
    while first > 0 and _says(field, f"{text.words[first - 1]} {unit}", wanted):
        first -= 1
    return first, end


def _misread(
    page: int, text: PageText, value: str, field: FieldConfiguration, max_wrong: float
) -> Iterator[Place]:
    """Whole words that spell the value but for some letters; numbers and dates are never taken for others."""
    wanted = letters_of(value)
    allowed = int(max_wrong * len(wanted))
    if len(wanted) < LEAST_FUZZY or not allowed or field.normalizer_name in NUMBERS | DATES:
        return
    for first in _misread_beginnings(text, wanted, allowed):
        start = text.starts[first]
        low = bisect_left(text.ends, start + len(wanted) - allowed, lo=first)
        high = bisect_right(text.ends, start + len(wanted) + allowed, lo=first)
        for end in range(low + 1, high + 1):
            letters = text.letters[start : text.ends[end - 1]]
            wrong = Levenshtein.distance(letters, wanted, score_cutoff=allowed)
            if wrong <= allowed:
                yield _without_strangers(text.place(page, first, end, wrong), text, first, letters, wanted)


def _without_strangers(place: Place, text: PageText, first: int, letters: str, wanted: str) -> Place:
    """The place without words of which the value has no letter: another field's within a long text."""
    start = text.starts[first]
    added = [
        index
        for edit in Levenshtein.opcodes(letters, wanted)
        if edit.tag == "delete"
        for index in range(start + edit.src_start, start + edit.src_end)
    ]
    strangers = {
        text.order[word]
        for word in {text.word_at(index) for index in added}
        if set(range(text.starts[word], text.ends[word])) <= set(added)
    }
    return place._replace(words=tuple(word for word in place.words if word not in strangers))


def _misread_beginnings(text: PageText, wanted: str, allowed: int) -> list[int]:
    """Words at which the value could begin, judged by some letters in a row that both have."""
    starts = {
        match.start() - offset
        for offset in range(len(wanted) - SEED + 1)
        for match in re.finditer(f"(?={re.escape(wanted[offset : offset + SEED])})", text.letters)
    }
    words: set[int] = set()
    for start in starts:
        low = bisect_left(text.starts, start - allowed)
        words.update(range(low, bisect_right(text.starts, start + allowed)))
    return sorted(word for word in words if text.parts[word])


class _Piece(NamedTuple):
    """Part of a line that is part of a value."""

    segment: int
    first: int
    end: int
    offset: int
    """Where it begins in the value's letters."""
    length: int


def _by_lines(
    page: int, text: PageText, value: str, field: FieldConfiguration, max_wrong: float
) -> Iterator[Place]:
    """The lines of a value among which other words stand: at least so many of its letters, in their order."""
    wanted = letters_of(value)
    if len(wanted) < LEAST_BY_LINES or field.normalizer_name in NUMBERS | DATES:
        return
    chain = _best_chain(list(_pieces(text, wanted)))
    covered = sum(piece.length for piece in chain)
    if len(wanted) - covered <= 2 * max_wrong * len(wanted):
        words = tuple(word for piece in chain for word in text.order[piece.first : piece.end])
        yield Place(page, words, len(wanted) - covered)


def _pieces(text: PageText, wanted: str) -> Iterator[_Piece]:
    """For each line its longest run of words that the value has too."""
    position = 0
    for number, segment in enumerate(text.segments):
        runs = (
            _Piece(number, first, end, wanted.find(letters), len(letters))
            for first in range(position, position + len(segment))
            for end in range(first + 1, position + len(segment) + 1)
            if (letters := text.letters[text.starts[first] : text.ends[end - 1]]) in wanted
            and len(letters) >= LEAST_PIECE
        )
        longest = max(runs, key=lambda piece: piece.length, default=None)
        if longest:
            yield longest
        position += len(segment)


def _best_chain(pieces: Sequence[_Piece]) -> list[_Piece]:
    """The pieces that cover most of the value, in its order and the page's, near each other."""
    best: list[tuple[int, list[_Piece]]] = []
    for index, piece in enumerate(pieces):
        before = [
            best[other]
            for other in range(index)
            if pieces[other].offset + pieces[other].length <= piece.offset
            and piece.segment - pieces[other].segment <= WIDEST_INSERTION
        ]
        covered, chain = max(before, key=lambda one: one[0], default=(0, []))
        best.append((covered + piece.length, [*chain, piece]))
    return max(best, key=lambda one: one[0], default=(0, []))[1]


def _understood(field: FieldConfiguration, text: str) -> Normalized:
    return _normalised(text, field.normalizer_name, field.conventions)


@lru_cache(maxsize=1 << 17)
def _normalised(text: str, normalizer: str, conventions: Conventions) -> Normalized:
    return normalise(text, normalizer, conventions)
