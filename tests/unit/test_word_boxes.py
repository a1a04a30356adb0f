"""Which box a word belongs to."""

import pytest

from recto.geometry import Box
from recto.word_boxes import owner_of

WORD = Box(0.4, 0.4, 0.6, 0.5)


@pytest.mark.parametrize(
    ("boxes", "owner"),
    [
        ([], None),
        ([(Box(0.4, 0.4, 0.5, 0.5), 3)], 0),
        ([(Box(0.4, 0.4, 0.49, 0.5), 3)], None),
        ([(Box(0.4, 0.4, 0.5, 0.5), 3), (Box(0.4, 0.4, 0.6, 0.5), 5)], 1),
        ([(Box(0.3, 0.3, 0.7, 0.7), 5), (Box(0.4, 0.4, 0.6, 0.5), 3)], 1),
        ([(Box(0.6, 0.4, 0.8, 0.5), 3)], None),
    ],
)
def test_a_word_belongs_to_the_box_that_covers_most_of_it(
    boxes: list[tuple[Box, int]], owner: int | None
) -> None:
    assert owner_of(WORD, boxes) == owner


def test_a_word_without_area_belongs_where_its_middle_is() -> None:
    speck = Box(0.5, 0.5, 0.5, 0.5)

    assert owner_of(speck, [(Box(0.0, 0.0, 0.4, 0.4), 0), (Box(0.4, 0.4, 0.6, 0.6), 1)]) == 1
    assert owner_of(speck, [(Box(0.5, 0.5, 0.6, 0.6), 1)]) is None
