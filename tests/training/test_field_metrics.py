"""Fields and confidence against the truth, on documents small enough to count by hand."""

import pytest

from recto.confidence import Calibration
from recto.document import Page, PagePredictions, Word
from recto.fields import FieldList, parse_fields
from recto.geometry import Box
from recto_training.corpus import LabelledDocument, LabelledPage
from recto_training.evaluation.confidence import coverage, expected_error, reliability, threshold_for
from recto_training.evaluation.fields import DocumentScore, Judged, field_tallies, score_document
from recto_training.evaluation.truth import Match

FIELDS = parse_fields(
    [
        {"ClassId": 0, "Name": "date", "Type": "date", "DateOrder": "DMY", "Select": "confidence"},
        {"ClassId": 1, "Name": "party"},
    ]
)
OTHER = 2


def page(*lines: str) -> Page:
    """One line of words below the other."""
    words = [
        Word(text, Box(0.1 * column, 0.1 * row, 0.1 * column + 0.09, 0.1 * row + 0.05), 0.99, row)
        for row, line in enumerate(lines)
        for column, text in enumerate(line.split())
    ]
    return Page(1, tuple(words))


def score(
    labelled: LabelledPage,
    said: list[int],
    *,
    values: dict[str, tuple[str, ...]] | None = None,
    match: Match = Match.NORMAL,
    fields: FieldList = FIELDS,
) -> DocumentScore:
    document = LabelledDocument("d", (labelled,), values or {})
    predictions = PagePredictions(1, tuple(said), tuple(0.9 for _ in said))
    return score_document(document, [predictions], fields, Calibration.default(), match)


def test_a_date_written_otherwise_is_right_in_normal_form_and_wrong_as_written() -> None:
    labelled = LabelledPage(page("on 01/02/2019"), (OTHER, 0))
    truth = {"date": ("1 February 2019",)}

    assert score(labelled, [OTHER, 0], values=truth).fields["date"].hits == 1
    assert score(labelled, [OTHER, 0], values=truth, match=Match.EXACT).fields["date"].hits == 0


def test_punctuation_and_spaces_do_not_count_among_letters_and_digits() -> None:
    labelled = LabelledPage(page("A.B.C Ltd."), (1, 1))
    truth = {"party": ("ABC LTD",)}

    assert score(labelled, [1, 1], values=truth, match=Match.ALNUM).fields["party"].hits == 1
    assert score(labelled, [1, 1], values=truth, match=Match.UPPER).fields["party"].hits == 0


def test_one_of_several_true_mentions_is_enough_for_a_single_valued_field() -> None:
    labelled = LabelledPage(page("01/02/2019", "x", "03/04/2019"), (0, OTHER, 0))

    found = score(labelled, [0, OTHER, OTHER]).fields["date"]

    assert (found.hits, found.predicted, found.wanted) == (1, 1, 1)


def test_every_listed_value_is_wanted_of_a_field_with_several() -> None:
    labelled = LabelledPage(page("Alpha x Beta"), (1, OTHER, 1))

    found = score(labelled, [1, OTHER, OTHER], values={"party": ("Alpha", "Beta")}).fields["party"]

    assert (found.hits, found.predicted, found.wanted) == (1, 1, 2)
    assert found.errors == 1


def test_mentions_side_by_side_are_two_where_the_labels_tell_them_apart() -> None:
    labelled = LabelledPage(page("Alpha Beta"), (1, 1), (0, 1))

    assert score(labelled, [1, 1]).fields["party"].true == ("Alpha", "Beta")


def test_a_wrong_value_in_place_of_the_true_one_is_one_error() -> None:
    labelled = LabelledPage(page("01/02/2019", "x", "03/04/2019"), (0, OTHER, OTHER))

    one = score(labelled, [OTHER, OTHER, 0])
    tallies = field_tallies([one], FIELDS)

    assert one.errors == 1
    assert tallies["date"] == (0, 1, 1)
    assert tallies.total.f1 == 0.0


def test_a_field_without_truth_and_without_value_is_no_error() -> None:
    assert score(LabelledPage(page("x"), (OTHER,)), [OTHER]).errors == 0


def test_the_threshold_is_the_lowest_that_keeps_the_precision() -> None:
    judged = [Judged("f", 0.9, True), Judged("f", 0.8, True), Judged("f", 0.5, False)]

    assert threshold_for(judged, 1.0) == 0.8
    assert coverage(judged, 1.0) == pytest.approx(2 / 3)


def test_values_of_equal_confidence_are_accepted_together_or_not_at_all() -> None:
    judged = [Judged("f", 0.9, True), Judged("f", 0.9, False)]

    assert coverage(judged, 1.0) == 0.0
    assert threshold_for(judged, 1.0) == 1.0


def test_the_error_of_a_confidence_is_its_distance_from_the_share_right() -> None:
    assert expected_error([Judged("f", 0.7, True)]) == pytest.approx(0.3)
    assert [one.count for one in reliability([Judged("f", i / 30, True) for i in range(30)])] == [3] * 10
    assert reliability([]) == []
