"""Which marks of several people are of the same thing: closest first, never two of one person together."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
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
MANY_BOXES, MOST_PAIRS = 1_000, 300_000
"""From so many boxes on an object, pairs are counted; ten people with 500 careful boxes each make 22,500."""


class Mark(NamedTuple):
    """What one person marked."""

    worker: int
    label: str


class Pair(NamedTuple):
    """Two marks of different people that may be of one thing, by their numbers."""

    apart: float
    """The less, the closer; so that pairs in order are the closest first."""
    first: int
    second: int


def grouped(marks: Sequence[Mark], pairs: Iterable[Pair]) -> list[list[int]]:
    """The numbers of the marks of each thing, in order; a mark that nobody else made stands alone."""
    ordered = sorted(pairs)
    linked = {(first, second) for _, first, second in ordered}
    group_of = list(range(len(marks)))
    groups = {number: [number] for number in group_of}
    workers = [{mark.worker} for mark in marks]
    for _, first, second in ordered:
        one, other = group_of[first], group_of[second]
        if one == other or not workers[one].isdisjoint(workers[other]):
            continue
        if one > other:
            one, other = other, one
        if _is_linked(groups[one], groups[other], linked):
            workers[one] |= workers[other]
            for number in groups.pop(other):
                group_of[number] = one
                groups[one].append(number)
    return [sorted(group) for group in groups.values()]


def _is_linked(first: Sequence[int], second: Sequence[int], linked: set[tuple[int, int]]) -> bool:
    """Whether enough of the marks of both groups are close to each other."""
    if len(first) == len(second) == 1:
        return True  # there is but one pair, and it has brought us here
    close = sum(((a, b) if a < b else (b, a)) in linked for a in first for b in second)
    return close >= LINKED * len(first) * len(second)


def overlap(one: Box, other: Box) -> float:
    """Intersection over union."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height  # by index: this is where the time goes
    areas = (one[2] - one[0]) * (one[3] - one[1]) + (other[2] - other[0]) * (other[3] - other[1])
    return shared / (areas - shared)


def close_boxes(marks: Sequence[Mark], boxes: Sequence[Box]) -> Iterator[Pair]:
    """The pairs of boxes that may be of one thing; looks only at those that share some height of the page."""
    order = sorted(range(len(boxes)), key=lambda number: (boxes[number].top, number))
    open_: list[int] = []
    for number in order:
        box, (worker, label) = boxes[number], marks[number]
        left, top, right, _ = box
        open_ = [one for one in open_ if boxes[one][3] > top]
        for one in open_:
            other = boxes[one]
            if other[0] >= right or left >= other[2] or marks[one][0] == worker:
                continue
            is_same = marks[one][1] == label
            shared = overlap(box, other)
            if shared >= (OVERLAP if is_same else OVERLAP_OF_OTHERS):
                yield Pair(-shared - SAME_CLASS * is_same, *sorted((one, number)))
        open_.append(number)


def is_flood(marks: Sequence[Mark], boxes: Sequence[Box]) -> bool:
    """Whether so many boxes lie on each other that grouping them would take minutes."""
    return len(boxes) > MANY_BOXES and any(islice(close_boxes(marks, boxes), MOST_PAIRS, None))


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
                yield Pair(-closeness, *sorted((one, number)))
        open_.append(number)


def group_of_mark(groups: Sequence[Sequence[int]]) -> Mapping[int, int]:
    """Mark to group, by their numbers."""
    return {mark: number for number, group in enumerate(groups) for mark in group}
