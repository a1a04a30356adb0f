"""Which annotator's box a word belongs to. Boxes and words of one page, 0-1.

A word takes the class of a box that covers at least half of it; of several, the one that covers most of
it, and the lowest class among equals. A word without area (a scanner's speck, a word without a place)
belongs where its middle lies inside a box: it does not match every box, as half of nothing would.
Boxes of one class that share area mark one mention, since annotators draw one box per line.

Shapes: W words, B boxes.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recto.document import Word
from recto.geometry import Box
from recto_training.corpus import NO_FIELD

HALF = 0.5


class ClassBox(NamedTuple):
    """A box that an annotator drew."""

    box: Box
    class_id: int
    mention: int = NO_FIELD
    """Number of the mention that it is part of, where the annotation says so."""


class Matched(NamedTuple):
    """What each word of a page belongs to."""

    classes: tuple[int, ...]
    entities: tuple[int, ...]
    empty_boxes: tuple[int, ...]
    """Indices of the boxes that no word belongs to."""


def match_words(words: Sequence[Word], boxes: Sequence[ClassBox], other: int) -> Matched:
    """Class and mention of every word; `other` and NO_FIELD for words in no box."""
    if not words or not boxes:
        nothing = (other,) * len(words), (NO_FIELD,) * len(words)
        return Matched(*nothing, tuple(range(len(boxes))))
    owners = owners_of(words, boxes)
    mentions = mentions_of(boxes)
    owned = set(owners)
    return Matched(
        tuple(other if owner == NO_FIELD else boxes[owner].class_id for owner in owners),
        tuple(NO_FIELD if owner == NO_FIELD else mentions[owner] for owner in owners),
        tuple(index for index in range(len(boxes)) if index not in owned),
    )


def owners_of(words: Sequence[Word], boxes: Sequence[ClassBox]) -> list[int]:
    """Index of the box that each word belongs to, NO_FIELD for none."""
    order = sorted(range(len(boxes)), key=lambda index: boxes[index].class_id)
    boxes_B4 = np.array([boxes[index].box for index in order])
    words_W4 = np.array([word.box for word in words])
    shares_WB = _covered_shares(words_W4, boxes_B4)
    best_W = shares_WB.argmax(axis=1)  # the first among equals: the lowest class
    is_owned_W = shares_WB[np.arange(len(words)), best_W] >= HALF
    return [order[best] if owned else NO_FIELD for best, owned in zip(best_W, is_owned_W, strict=True)]


def _covered_shares(words_W4: NDArray[np.float64], boxes_B4: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share [W, B] of each word's area in each box; for a word without area 1 where its middle is inside."""
    low_WB2 = np.maximum(words_W4[:, None, :2], boxes_B4[None, :, :2])
    high_WB2 = np.minimum(words_W4[:, None, 2:], boxes_B4[None, :, 2:])
    shared_WB = np.clip(high_WB2 - low_WB2, 0, None).prod(axis=2)
    area_W1 = (words_W4[:, 2:] - words_W4[:, :2]).prod(axis=1)[:, None]
    middle_W12 = ((words_W4[:, :2] + words_W4[:, 2:]) / 2)[:, None]
    inside_WB = ((boxes_B4[None, :, :2] < middle_W12) & (middle_W12 < boxes_B4[None, :, 2:])).all(axis=2)
    shares_WB = shared_WB / np.where(area_W1 > 0, area_W1, 1)
    return np.where(area_W1 > 0, shares_WB, inside_WB.astype(float))


def mentions_of(boxes: Sequence[ClassBox]) -> list[int]:
    """The mention of each box: as the annotation says, else boxes of one class that share area are one."""
    numbers = list(range(len(boxes)))

    def root(index: int) -> int:
        while numbers[index] != index:
            index = numbers[index]
        return index

    for index, one in enumerate(boxes):
        for other in range(index):
            if _same_mention(one, boxes[other]):
                numbers[root(index)] = root(other)
    roots = [root(index) for index in range(len(boxes))]
    in_order = {number: place for place, number in enumerate(dict.fromkeys(roots))}
    return [in_order[number] for number in roots]


def _same_mention(one: ClassBox, other: ClassBox) -> bool:
    if one.class_id != other.class_id:
        return False
    if NO_FIELD in {one.mention, other.mention}:
        return one.mention == other.mention and one.box.intersection(other.box) > 0
    return one.mention == other.mention
