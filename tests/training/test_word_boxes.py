"""Looking at labels and learning from them agree on which box a word belongs to."""

from hypothesis import given
from hypothesis import strategies as st

from recto.document import Word
from recto.geometry import Box
from recto.word_boxes import owner_of
from recto_training.corpus import NO_FIELD
from recto_training.matching import ClassBox, owners_of

SIDES = st.integers(0, 8)
BOXES = st.tuples(SIDES, SIDES, SIDES, SIDES).map(lambda sides: Box.clipped(*(side / 8 for side in sides)))


@given(BOXES, st.lists(st.tuples(BOXES, st.integers(0, 3)), min_size=1, max_size=6))
def test_both_rules_give_every_word_the_same_box(word: Box, boxes: list[tuple[Box, int]]) -> None:
    (learned,) = owners_of([Word("x", word, 1.0)], [ClassBox(*box) for box in boxes])

    shown = owner_of(word, boxes)

    assert shown == (None if learned == NO_FIELD else learned)
