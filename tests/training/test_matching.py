"""Words and annotators' boxes."""

from hypothesis import given
from hypothesis import strategies as st

from recto.document import Word
from recto.geometry import Box
from recto_training.corpus import NO_FIELD
from recto_training.matching import HALF, ClassBox, match_words, mentions_of, owners_of
from tests.training.labelled import boxes

OTHER = 3


def word(*box: float) -> Word:
    return Word("word", Box(*box), 0.9)


def owner_by_hand(one: Word, drawn: list[ClassBox]) -> int:
    """The rule, word by word and box by box."""
    best, best_share, best_class = NO_FIELD, 0.0, OTHER
    for index, (box, class_id, _) in enumerate(drawn):
        if one.box.area > 0:
            share = one.box.intersection(box) / one.box.area
        else:
            across, down = (one.box.left + one.box.right) / 2, (one.box.top + one.box.bottom) / 2
            share = float(box.left < across < box.right and box.top < down < box.bottom)
        if share >= HALF and (share > best_share or (share == best_share and class_id < best_class)):
            best, best_share, best_class = index, share, class_id
    return best


@given(
    st.lists(boxes().map(lambda box: Word("w", box, 0.9)), max_size=8),
    st.lists(st.builds(ClassBox, boxes(), st.integers(0, OTHER - 1)), max_size=5),
)
def test_words_take_the_class_that_the_rule_gives_one_by_one(
    words: list[Word], drawn: list[ClassBox]
) -> None:
    matched = match_words(words, drawn, OTHER)

    owners = [owner_by_hand(one, drawn) for one in words]
    assert list(matched.classes) == [OTHER if n == NO_FIELD else drawn[n].class_id for n in owners]


def test_a_word_without_area_matches_only_the_box_around_it() -> None:
    speck, nowhere = word(0.5, 0.5, 0.5, 0.5), word(0, 0, 0, 0)
    around, elsewhere = ClassBox(Box(0.4, 0.4, 0.6, 0.6), 1), ClassBox(Box(0, 0, 0.2, 0.2), 0)

    assert match_words([speck, nowhere], [around, elsewhere], OTHER).classes == (1, OTHER)


def test_the_box_that_covers_most_of_a_word_has_it() -> None:
    drawn = [ClassBox(Box(0.0, 0.0, 0.6, 1.0), 0), ClassBox(Box(0.0, 0.0, 0.9, 1.0), 1)]

    assert match_words([word(0.0, 0.2, 1.0, 0.3)], drawn, OTHER).classes == (1,)


def test_half_of_a_word_is_enough_and_less_is_not() -> None:
    drawn = [ClassBox(Box(0.0, 0.0, 0.5, 1.0), 0)]

    words = [word(0.25, 0.0, 0.75, 0.5), word(0.3, 0.0, 0.8, 0.5)]

    assert match_words(words, drawn, OTHER).classes == (0, OTHER)


def test_boxes_without_words_are_told() -> None:
    drawn = [ClassBox(Box(0, 0, 0.1, 0.1), 0), ClassBox(Box(0.5, 0.5, 1, 1), 1)]

    assert match_words([word(0.6, 0.6, 0.7, 0.7)], drawn, OTHER).empty_boxes == (0,)
    assert match_words([], drawn, OTHER).empty_boxes == (0, 1)


def test_boxes_of_a_class_that_share_area_are_one_mention_and_those_that_touch_are_two() -> None:
    upper, lower = Box(0.1, 0.1, 0.5, 0.2), Box(0.1, 0.19, 0.3, 0.3)
    touching, apart = Box(0.1, 0.3, 0.3, 0.4), Box(0.6, 0.1, 0.7, 0.2)

    drawn = [ClassBox(box, 0) for box in (upper, touching, lower, apart)]

    assert mentions_of(drawn) == [0, 1, 0, 2]
    assert mentions_of([ClassBox(upper, 0), ClassBox(lower, 1)]) == [0, 1]


def test_mentions_that_the_annotation_tells_apart_stay_apart() -> None:
    box = Box(0.1, 0.1, 0.5, 0.2)

    assert mentions_of([ClassBox(box, 0, 4), ClassBox(box, 0, 7), ClassBox(Box(0.8, 0.8, 1, 1), 0, 4)]) == [
        0,
        1,
        0,
    ]


@given(st.lists(boxes(least=1).map(lambda box: Word("w", box, 0.9)), max_size=6))
def test_no_boxes_no_owners(words: list[Word]) -> None:
    assert match_words(words, [], OTHER).classes == (OTHER,) * len(words)
    if words:
        whole = [ClassBox(Box(0, 0, 1, 1), 0)]
        assert owners_of(words, whole) == [0] * len(words)
