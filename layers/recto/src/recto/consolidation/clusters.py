"""Which marks of several people are of the same thing: closest first, never two of one person together."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from recto.geometry import Box

SAME_CLASS = 0.5
"""What being of one class adds to the closeness of two marks, so that those are joined first."""
OVERLAP, OVERLAP_OF_OTHERS = 0.4, 0.5
"""Intersection over union from which two boxes are of one thing: of one class, and of two."""
SHARED = 0.5
"""Part of the shorter of two spans that both must cover."""
LINKED = 0.5
"""Share of the pairs of two groups that must be close, for the groups to be joined."""


class Mark(NamedTuple):
    """What one person marked."""

    worker: int
    label: str


class Pair(NamedTuple):
    """Two marks of different people that may be of one thing, by their numbers."""

    closeness: float
    first: int
    second: int


def grouped(marks: Sequence[Mark], pairs: Iterable[Pair]) -> list[list[int]]:
    """The numbers of the marks of each thing, in order; a mark that nobody else made stands alone."""
    ordered = sorted(pairs, key=lambda one: (-one.closeness, one.first, one.second))
    linked = {(one.first, one.second) for one in ordered}
    group_of = list(range(len(marks)))
    groups = {number: [number] for number in group_of}
    for pair in ordered:
        one, other = sorted((group_of[pair.first], group_of[pair.second]))
        if one != other and _is_one(groups[one], groups[other], marks, linked):
            for number in groups.pop(other):
                group_of[number] = one
                groups[one].append(number)
    return [sorted(group) for group in groups.values()]


def _is_one(
    first: Sequence[int], second: Sequence[int], marks: Sequence[Mark], linked: set[tuple[int, int]]
) -> bool:
    if {marks[one].worker for one in first} & {marks[one].worker for one in second}:
        return False
    close = sum((min(a, b), max(a, b)) in linked for a in first for b in second)
    return close >= LINKED * len(first) * len(second)


def overlap(one: Box, other: Box) -> float:
    """Intersection over union."""
    shared = one.intersection(other)
    return shared / (one.area + other.area - shared) if shared else 0.0


def close_boxes(marks: Sequence[Mark], boxes: Sequence[Box]) -> Iterator[Pair]:
    """The pairs of boxes that may be of one thing; looks only at those that share some height of the page."""
    order = sorted(range(len(boxes)), key=lambda number: (boxes[number].top, number))
    open_: list[int] = []
    for number in order:
        box, mark = boxes[number], marks[number]
        open_ = [one for one in open_ if boxes[one].bottom > box.top]
        for one in open_:
            other = boxes[one]
            if other.left >= box.right or box.left >= other.right or marks[one].worker == mark.worker:
                continue
            yield from _pair(number, one, overlap(box, other), is_same=marks[one].label == mark.label)
        open_.append(number)


def _pair(number: int, one: int, shared: float, *, is_same: bool) -> Iterator[Pair]:
    if shared >= (OVERLAP if is_same else OVERLAP_OF_OTHERS):
        yield Pair(shared + SAME_CLASS * is_same, min(one, number), max(one, number))


def close_spans(marks: Sequence[Mark], spans: Sequence[tuple[int, int]]) -> Iterator[Pair]:
    """The pairs of spans that may be of one thing."""
    order = sorted(range(len(spans)), key=lambda number: (spans[number], number))
    open_: list[int] = []
    for number in order:
        start, end = spans[number]
        open_ = [one for one in open_ if spans[one][1] > start]
        for one in open_:
            if marks[one].worker == marks[number].worker:
                continue
            shared = min(end, spans[one][1]) - start
            lengths = end - start, spans[one][1] - spans[one][0]
            if shared >= SHARED * min(lengths):
                closeness = shared / (sum(lengths) - shared)
                closeness += SAME_CLASS * (marks[one].label == marks[number].label)
                yield Pair(closeness, min(one, number), max(one, number))
        open_.append(number)


def group_of_mark(groups: Sequence[Sequence[int]]) -> Mapping[int, int]:
    """Mark to group, by their numbers."""
    return {mark: number for number, group in enumerate(groups) for mark in group}
