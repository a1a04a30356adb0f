"""Cuts the words of a page into overlapping windows that a model can read. Knows token counts, no tokens.

Windows begin and end between words. Consecutive windows share about `stride` tokens, so that a word
at the edge of one is seen with its surroundings in another. Not a tokenizer, not a batcher.
"""

from collections.abc import Sequence
from typing import NamedTuple


class Window(NamedTuple):
    """Words `first` up to, but not including, `end`."""

    first: int
    end: int


def kept_tokens(num_tokens: int, capacity: int) -> int:
    """How many tokens of a word are read: all, but of a word longer than a whole window its first ones."""
    return min(num_tokens, capacity)


def split_into_windows(token_counts: Sequence[int], *, capacity: int, stride: int) -> list[Window]:
    """Windows of at most `capacity` tokens over words of these token counts; no words, no windows.

    `capacity` leaves the special tokens out. `stride` is the number of tokens that a window repeats
    of the one before, at most: whole words only, and fewer where the next word would not fit.
    """
    if capacity < 1 or not 0 <= stride < capacity:
        raise ValueError(f"expected 0 <= stride < capacity, seen stride {stride} and capacity {capacity}")
    counts = [kept_tokens(count, capacity) for count in token_counts]
    windows: list[Window] = []
    first = 0
    while first < len(counts):
        end = _furthest_end(counts, first, capacity)
        windows.append(Window(first, end))
        first = _next_first(counts, end, capacity=capacity, stride=stride)
    return windows


def _furthest_end(counts: Sequence[int], first: int, capacity: int) -> int:
    """Past the last word that still fits into a window that begins at `first`."""
    used = 0
    for index in range(first, len(counts)):
        used += counts[index]
        if used > capacity:
            return index
    return len(counts)


def _next_first(counts: Sequence[int], end: int, *, capacity: int, stride: int) -> int:
    """Where the next window begins: as far back as the overlap allows while word `end` still fits."""
    if end == len(counts):
        return end
    room = min(stride, capacity - counts[end])
    first = end
    while first > 0 and counts[first - 1] <= room:
        room -= counts[first - 1]
        first -= 1
    return first
