"""Which of several typed texts is right: the one that most typed, else the one nearest to all others."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

MAX_LENGTH = 400
"""Characters that are compared; longer texts are told apart by their beginnings."""


class AgreedText(NamedTuple):
    """A text, and by how many it is held."""

    text: str
    votes: int


def agreed_text(texts: Sequence[str]) -> AgreedText:
    """The text of most; ValueError for no texts. Spaces are no difference.

    Of several with as many votes, the one with the least distance to all texts, then the first by letters:
    two people who differ in one letter are thus heard against a third who typed something else.
    """
    if not texts:
        raise ValueError("no texts to choose from")
    votes = Counter(map(squeezed, texts))
    most = max(votes.values())
    leading = sorted(text for text, count in votes.items() if count == most)
    chosen = leading[0] if len(leading) == 1 else min(leading, key=lambda one: (_total(one, votes), one))
    return AgreedText(min(text for text in texts if squeezed(text) == chosen), most)


def squeezed(text: str) -> str:
    """The text without spaces at its ends and with single ones inside."""
    return " ".join(text.split())


def _total(text: str, votes: Counter[str]) -> int:
    return sum(count * distance(text, other) for other, count in votes.items())


def distance(one: str, other: str) -> int:
    """How many letters must be changed, put in or taken out (Levenshtein)."""
    one, other = one[:MAX_LENGTH], other[:MAX_LENGTH]
    same = 0
    while same < min(len(one), len(other)) and one[same] == other[same]:
        same += 1
    one, other = one[same:], other[same:]
    if len(one) < len(other):
        one, other = other, one
    before = list(range(len(other) + 1))
    for row, letter in enumerate(one, start=1):
        now = [row]
        for column, seen in enumerate(other, start=1):
            now.append(min(now[-1] + 1, before[column] + 1, before[column - 1] + (letter != seen)))
        before = now
    return before[-1]
