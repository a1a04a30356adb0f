"""What a page probably says, from labelled pages that look like it: the same form, the same sender.

Of the labelled pages that are most like a page, a mention is found again by its words (a company's name), or
by its place: moved as the words around it have moved, and written alike (`12.30` where `7.95` was). No model,
so it works from the first labelled page on; it says nothing of a page unlike all others.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from statistics import median
from typing import NamedTuple

from recto.document import Page, Word
from recto.geometry import Box
from recto.page_choice import page_features
from recto.prelabels import Suggestion
from recto.reading_order import reading_order

LIKE = 0.2
"""Share of words in common from which an earlier page tells of another."""
NEAREST = 3
"""So many of the pages that are most alike are asked."""
ANCHORS = 4
"""So many of the nearest words that both pages have tell how a place has moved."""
LEAST_ANCHORS = 2
COVERED = 0.5
"""Share of a word that lies in a place that is the word's."""
STRAY = 0.01
"""By how much of a page a place is uncertain, on each side."""


class KnownMention(NamedTuple):
    """Words of a labelled page that are one mention."""

    class_id: int
    name: str
    words: tuple[int, ...]
    """Indices into the page's words."""


class EarlierPage(NamedTuple):
    """A labelled page."""

    page: Page
    mentions: tuple[KnownMention, ...]
    features: frozenset[str]
    name: str = ""
    """Its document, for the reader of a suggestion."""


def earlier_page(page: Page, mentions: Iterable[KnownMention], name: str = "") -> EarlierPage:
    """A labelled page, ready to be compared."""
    return EarlierPage(page, tuple(mentions), page_features(page), name)


def of_earlier(page: Page, earlier: Sequence[EarlierPage]) -> list[Suggestion]:
    """The mentions that pages like this one had, class by class from the likest that has it here."""
    features = page_features(page)
    likest = sorted(
        ((_likeness(features, one.features), -index) for index, one in enumerate(earlier)), reverse=True
    )
    found: dict[int, list[Suggestion]] = {}
    there = _There.of(page)
    for likeness, index in likest[:NEAREST]:
        if likeness < LIKE:
            break
        for one in _found_again(earlier[-index], there, likeness):
            known = found.setdefault(one.class_id, [])
            if all(other.source == one.source for other in known):
                known.append(one)
    return [one for listed in found.values() for one in listed]


def _likeness(one: frozenset[str], other: frozenset[str]) -> float:
    shared = len(one & other)
    return shared / (len(one) + len(other) - shared) if shared else 0.0


class _There(NamedTuple):
    """A page on which mentions are looked for."""

    words: Sequence[Word]
    order: tuple[int, ...]
    """Indices of its words as they are read."""
    texts: tuple[str, ...]
    """Folded, in that order."""
    unique: Mapping[str, Word]
    """The words that stand on it once."""

    @classmethod
    def of(cls, page: Page) -> "_There":
        order = tuple(reading_order(page.words).words())
        return cls(
            page.words, order, tuple(page.words[index].text.casefold() for index in order), _once(page.words)
        )


def _once(words: Iterable[Word]) -> dict[str, Word]:
    found: dict[str, list[Word]] = {}
    for word in words:
        found.setdefault(word.text.casefold(), []).append(word)
    return {text: listed[0] for text, listed in found.items() if len(listed) == 1}


def _found_again(earlier: EarlierPage, there: _There, likeness: float) -> list[Suggestion]:
    anchors = {text: word for text, word in _once(earlier.page.words).items() if text in there.unique}
    found: list[Suggestion] = []
    taken: set[int] = set()
    for mention in earlier.mentions:
        words = [earlier.page.words[index] for index in mention.words]
        shift = _shift(Box.around(word.box for word in words), words, anchors, there.unique)
        indices = _same_text(words, there, shift) or _same_place(words, there, shift)
        if not indices or taken & set(indices):
            continue
        taken |= set(indices)
        source = f"earlier page {earlier.page.number} of {earlier.name}".rstrip()
        found.append(
            Suggestion(
                mention.class_id, mention.name, *_lines([there.words[index] for index in indices]),
                likeness, source,
            )
        )  # fmt: skip
    return found


def _shift(
    box: Box, words: Sequence[Word], anchors: Mapping[str, Word], unique: Mapping[str, Word]
) -> tuple[float, float] | None:
    """How the words around a place have moved; None where too few of them are on both pages."""
    own = {word.text.casefold() for word in words}
    near = sorted(
        (abs(word.box.middle - box.middle) * 2 + abs(word.box.left - box.left), text)
        for text, word in anchors.items()
        if text not in own
    )[:ANCHORS]
    if len(near) < LEAST_ANCHORS:
        return None
    moves = [(anchors[text].box, unique[text].box) for _, text in near]
    return (
        median(now.left - then.left for then, now in moves),
        median(now.middle - then.middle for then, now in moves),
    )


def _same_text(words: Sequence[Word], there: _There, shift: tuple[float, float] | None) -> tuple[int, ...]:
    """The words as they stand on the other page, where they are nearest to their place."""
    texts = tuple(word.text.casefold() for word in words)
    starts = [
        start
        for start in range(len(there.texts) - len(texts) + 1)
        if there.texts[start] == texts[0] and there.texts[start : start + len(texts)] == texts
    ]
    if not starts or not any(any(map(str.isalpha, text)) for text in texts):
        return ()  # the same number again is chance, unless it stands at the same place
    move = shift or (0.0, 0.0)

    def distance(start: int) -> float:
        box = there.words[there.order[start]].box
        return abs(box.left - words[0].box.left - move[0]) + abs(box.top - words[0].box.top - move[1])

    best = min(starts, key=distance)
    return there.order[best : best + len(texts)]


def _same_place(words: Sequence[Word], there: _There, shift: tuple[float, float] | None) -> tuple[int, ...]:
    """The words at the place to which a mention has moved, if they are written as it was."""
    if shift is None:
        return ()
    places = [_moved(_around_line(line), shift) for line in _by_line(words)]
    found = tuple(
        index
        for index in there.order
        if any(place.intersection(there.words[index].box) > COVERED * there.words[index].box.area
               for place in places)
    )  # fmt: skip
    written = [[word.text for word in words], [there.words[index].text for index in found]]
    return found if found and _shape(written[0]) == _shape(written[1]) else ()


def _moved(box: Box, shift: tuple[float, float]) -> Box:
    across, down = shift
    return Box.clipped(
        box.left + across - STRAY, box.top + down - STRAY / 2,
        box.right + across + STRAY, box.bottom + down + STRAY / 2,
    )  # fmt: skip


def _shape(texts: Iterable[str]) -> str:
    """Digits and letters as such, however many: `15/03/2018` and `1/12/2017` are written alike."""
    text = re.sub(r"\d+", "0", " ".join(texts))
    return re.sub(r"[^\W\d_]+", "a", text)


def _by_line(words: Sequence[Word]) -> list[list[Word]]:
    return [list(line) for _, line in groupby(words, key=lambda word: word.line)]


def _around_line(words: Iterable[Word]) -> Box:
    return Box.around(word.box for word in words)


def _lines(words: Sequence[Word]) -> tuple[tuple[Box, ...], str]:
    """A box for each line, and the text."""
    lines = _by_line(words)
    return (
        tuple(_around_line(line) for line in lines),
        "\n".join(" ".join(word.text for word in line) for line in lines),
    )
