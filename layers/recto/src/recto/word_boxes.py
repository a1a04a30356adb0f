"""Which labelled box a word of a page belongs to: one rule for looking at labels and for learning from them.

A word belongs to the box that covers most of it, if that is at least half of its area; to the lowest class
among equals. A word without area (a scanner's speck) belongs where its middle lies inside a box.
`recto_training.matching` does the same for thousands of words at once; a test holds both together.
"""

from collections.abc import Sequence

from recto.geometry import Box

HALF = 0.5


def owner_of(word: Box, boxes: Sequence[tuple[Box, int]]) -> int | None:
    """Index of the box, given with their class ids, that the word belongs to; None for none."""
    best, covered = None, 0.0
    for index in sorted(range(len(boxes)), key=lambda index: boxes[index][1]):
        share = share_in(word, boxes[index][0])
        if share >= HALF and share > covered:
            best, covered = index, share
    return best


def share_in(word: Box, box: Box) -> float:
    """The share of the word that the box covers."""
    if word.area > 0:
        return word.intersection(box) / word.area
    across, down = (word.left + word.right) / 2, (word.top + word.bottom) / 2
    return float(box.left < across < box.right and box.top < down < box.bottom)
