"""Windows of labelled pages as numbers, and the batches made of them. Encodes with the library's own encoder.

Shapes: B windows, L tokens of a window.
"""

from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from random import Random
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recto.inference import NO_WORD, PageEncoder
from recto_training.corpus import IGNORED, LabelledDocument, LabelledPage

GRID = 1000


class Example(NamedTuple):
    """One window; the arrays have one entry per token."""

    ids_L: NDArray[np.int32]
    boxes_L4: NDArray[np.int16]
    words_L: NDArray[np.int32]
    """Index of the token's word on its page, NO_WORD for special tokens."""
    labels_L: NDArray[np.int16]
    page: int = 0
    """Which page of all that were given."""
    image: str = ""

    @property
    def length(self) -> int:
        return len(self.ids_L)


class Numbers(NamedTuple):
    """A batch, padded to one length."""

    ids_BL: NDArray[np.int64]
    mask_BL: NDArray[np.int64]
    boxes_BL4: NDArray[np.int64]
    labels_BL: NDArray[np.int64]


def make_examples(
    documents: Iterable[LabelledDocument], encoder: PageEncoder, *, first_only: bool = False
) -> Iterator[Example]:
    """The windows of all pages in order; a page without words has none.

    Every token of a word carries the word's class, since prediction averages them all; `first_only` leaves
    all but the first out of the loss.
    """
    pages = (page for document in documents for page in document.pages)
    for number, page in enumerate(pages):
        yield from _windows(page, number, encoder, first_only=first_only)


def _windows(page: LabelledPage, number: int, encoder: PageEncoder, *, first_only: bool) -> Iterator[Example]:
    if len(page.classes) != len(page.page.words):
        raise ValueError(
            f"page {page.page.number}: {len(page.classes)} classes, {len(page.page.words)} words"
        )
    classes_W = np.asarray([*page.classes, IGNORED], np.int16)
    for window in encoder.encode(page.page):
        words_L = np.asarray(window.words, np.int32)
        labels_L = np.where(words_L == NO_WORD, IGNORED, classes_W[words_L]).astype(np.int16)
        if first_only:
            labels_L[1:][words_L[1:] == words_L[:-1]] = IGNORED
        yield Example(
            np.asarray(window.input_ids, np.int32),
            np.asarray(window.boxes, np.int16),
            words_L,
            labels_L,
            number,
            page.image,
        )


def kept_examples(examples: Iterable[Example], other: int, share: float, seed: object) -> list[Example]:
    """All windows with a field, and this share of those without, drawn by the seed.

    A window without any label is left out: a batch of only such ones has no loss (0 of 0 tokens).
    """
    rng = Random(f"{seed} empty windows")
    labelled = (example for example in examples if (example.labels_L != IGNORED).any())
    return [e for e in labelled if has_field(e, other) or rng.random() < share]


def has_field(example: Example, other: int) -> bool:
    """Whether any token of the window is of a field."""
    return bool(((example.labels_L != IGNORED) & (example.labels_L != other)).any())


def pad(examples: Sequence[Example], padding_id: int, multiple_of: int = 1) -> Numbers:
    """The windows padded to the longest, or the next multiple: new lengths are slow at first."""
    longest = max(example.length for example in examples)
    shape = (len(examples), longest + -longest % multiple_of)
    numbers = Numbers(
        np.full(shape, padding_id, np.int64),
        np.zeros(shape, np.int64),
        np.zeros((*shape, 4), np.int64),
        np.full(shape, IGNORED, np.int64),
    )
    for row, example in enumerate(examples):
        numbers.ids_BL[row, : example.length] = example.ids_L
        numbers.mask_BL[row, : example.length] = 1
        numbers.boxes_BL4[row, : example.length] = example.boxes_L4
        numbers.labels_BL[row, : example.length] = example.labels_L
    return numbers


def moved_boxes(
    boxes_L4: NDArray[np.int16], words_L: NDArray[np.int32], rng: Random, strength: float
) -> NDArray[np.int64]:
    """The boxes of a window, its page moved and stretched a little, as another scan would have it.

    `strength` is the largest shift as a share of the page; stretching is up to twice that. Special tokens
    stay where they are.
    """
    scale_x, scale_y = (1 + rng.uniform(-2, 2) * strength for _ in range(2))
    shift_x, shift_y = (rng.uniform(-1, 1) * strength * GRID for _ in range(2))
    middle = GRID / 2
    factors = np.array([scale_x, scale_y, scale_x, scale_y])
    shifts = np.array([shift_x, shift_y, shift_x, shift_y])
    moved = np.clip(np.rint((boxes_L4 - middle) * factors + middle + shifts), 0, GRID)
    return np.where((words_L == NO_WORD)[:, None], boxes_L4, moved).astype(np.int64)


def hidden_words(words_L: NDArray[np.int32], rng: Random, share: float) -> NDArray[np.bool_]:
    """Tokens of words that are hidden: each word whole, with this probability."""
    count = int(words_L.max(initial=NO_WORD)) + 1
    draws = np.random.default_rng(rng.getrandbits(64)).random(count + 1) < share
    draws[-1] = False
    hidden: NDArray[np.bool_] = draws[words_L]
    return hidden


def hash_examples(examples: Iterable[Example]) -> str:
    """What a run is trained on, as one number."""
    digest = sha256()
    for example in examples:
        for array in (example.ids_L, example.boxes_L4, example.labels_L):
            digest.update(array.tobytes())
    return digest.hexdigest()
