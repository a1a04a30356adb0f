"""Entities as seqeval counts: its own documented examples, and cases counted by hand."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recto_training.evaluation.spans import Span, add_entities, entity_names, is_bio, spans
from recto_training.evaluation.tally import Tallies
from recto_training.evaluation.words import Confusion

LABELS = ("B-MISC", "I-MISC", "B-PER", "I-PER", "other")
MISC, IN_MISC, PER, IN_PER, OTHER = range(5)
IO = ("date", "total", "other")


def counted(true: list[list[int]], said: list[list[int]], labels: tuple[str, ...]) -> Tallies:
    tallies = Tallies(entity_names(labels))
    for one, other in zip(true, said, strict=True):
        add_entities(tallies, one, other, labels)
    return tallies


def test_the_documented_example_of_seqeval_gives_its_documented_figures() -> None:
    # https://github.com/chakki-works/seqeval, README: f1 0.50; MISC 0.00, PER 1.00, macro 0.50
    true = [[OTHER, OTHER, OTHER, MISC, IN_MISC, IN_MISC, OTHER], [PER, IN_PER, OTHER]]
    said = [[OTHER, OTHER, MISC, IN_MISC, IN_MISC, IN_MISC, OTHER], [PER, IN_PER, OTHER]]

    tallies = counted(true, said, LABELS)

    assert tallies.total.f1 == tallies.total.precision == tallies.total.recall == 0.5
    assert (tallies["MISC"].f1, tallies["PER"].f1, tallies.macro_f1) == (0.0, 1.0, 0.5)
    assert (tallies["MISC"].true, tallies["PER"].true) == (1, 1)


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        # get_entities in seqeval's docstring
        (["B-PER", "I-PER", "O", "B-LOC"], [("PER", 0, 2), ("LOC", 3, 4)]),
        # an entity may begin with I-, after O or after another class
        (["O", "I-PER", "I-LOC"], [("PER", 1, 2), ("LOC", 2, 3)]),
        # B- parts neighbours of one class
        (["B-PER", "B-PER", "I-PER"], [("PER", 0, 1), ("PER", 1, 3)]),
        # I- of another class does not go on
        (["B-PER", "I-LOC", "I-LOC"], [("PER", 0, 1), ("LOC", 1, 3)]),
        # runs without prefixes; one that ends the row counts
        (["date", "date", "O", "total"], [("date", 0, 2), ("total", 3, 4)]),
        # a dash within a name is no prefix
        (["purchase-date", "purchase-date"], [("purchase-date", 0, 2)]),
        (["O", "O"], []),
        ([], []),
    ],
)
def test_tags_make_entities_by_the_rules_of_conlleval(
    tags: list[str], expected: list[tuple[str, int, int]]
) -> None:
    assert spans(tags) == [Span(*one) for one in expected]


def test_the_same_words_with_another_class_are_wrong_on_both_sides() -> None:
    tallies = counted([[0, 0, 2]], [[1, 1, 2]], IO)

    assert tallies["date"] == (0, 0, 1)
    assert tallies["total"] == (0, 1, 0)


def test_neighbours_of_one_class_are_one_entity_without_prefixes_and_two_with() -> None:
    assert counted([[0, 0]], [[0, 0]], IO).total.true == 1
    assert counted([[PER, PER]], [[PER, PER]], LABELS).total.true == 2
    assert (is_bio(IO), is_bio(LABELS)) == (False, True)


def test_words_that_are_not_scored_are_taken_out_of_both_rows() -> None:
    tallies = counted([[0, -100, 0]], [[0, 2, 0]], IO)

    assert tallies["date"] == (1, 1, 1)


@given(st.lists(st.sampled_from(["O", "B-X", "I-X", "B-Y", "I-Y"])))
def test_entities_cover_exactly_the_tagged_words_and_never_overlap(tags: list[str]) -> None:
    found = spans(tags)

    covered = [index for span in found for index in range(span.first, span.end)]
    assert covered == [index for index, tag in enumerate(tags) if tag != "O"]
    assert all(one.end <= other.first for one, other in pairwise(found))


def test_words_are_counted_by_class_without_those_of_no_field() -> None:
    confusion = Confusion(IO)
    confusion.add([0, 0, 1, 2, -100], [0, 1, 1, 0, 1])

    assert confusion.matrix == [[1, 1, 0], [0, 1, 0], [1, 0, 0]]
    assert confusion.tallies["date"] == (1, 2, 2)
    assert confusion.tallies["total"] == (1, 2, 1)
    assert confusion.accuracy == 0.5
