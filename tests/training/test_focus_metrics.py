"""The reference's word accuracies, on windows small enough to count by hand. Class 2 means: no field."""

import math

import pytest

from recto_training.evaluation.focus import FocusTally, focus_figures

OTHER = 2
PAD = -100


def test_accuracy_is_the_mean_over_windows_not_over_tokens() -> None:
    found = focus_figures([[0, 2, PAD, PAD], [2, 2, 2, 2]], [[0, 0, 1, 1], [2, 2, 2, 2]], OTHER)

    assert found["acc"] == pytest.approx((1 / 2 + 4 / 4) / 2)
    assert found["n_examples"] == 2


def test_focus_is_on_tokens_that_are_or_are_taken_for_a_field() -> None:
    found = focus_figures([[0, 2, 1, 2, PAD]], [[0, 1, 2, 2, 0]], OTHER)

    assert found["focus_acc"] == pytest.approx(1 / 3)
    assert found["focus_else_acc_minus_one"] == pytest.approx(1 / 3)
    assert found["n_focus_examples"] == 1


def test_a_window_without_a_field_counts_for_accuracy_alone() -> None:
    found = focus_figures([[0, 2], [2, 2]], [[0, 2], [2, 2]], OTHER)

    assert (found["n_examples"], found["n_focus_examples"]) == (2, 1)
    assert found["focus_acc"] == 1.0


def test_no_token_in_focus_gives_accuracy_less_one_and_no_focus_accuracy() -> None:
    found = focus_figures([[2, 2]], [[2, 2]], OTHER)

    assert math.isnan(found["focus_acc"])
    assert found["focus_else_acc_minus_one"] == 0.0


def test_no_focus_token_right_gives_accuracy_less_one() -> None:
    found = focus_figures([[0, 2, 2, 2]], [[2, 2, 2, 2]], OTHER)

    assert found["focus_acc"] == 0.0
    assert found["focus_else_acc_minus_one"] == pytest.approx(3 / 4 - 1)


def test_batches_add_up_to_what_all_windows_give_at_once() -> None:
    labels, said = [[0, 2, 1], [2, 2, 1], [2, 2, 2]], [[0, 1, 1], [2, 0, 2], [2, 2, 2]]
    tally = FocusTally()
    for one, other in zip(labels, said, strict=True):
        tally = tally.plus([one], [other], OTHER)

    assert tally.figures() == pytest.approx(focus_figures(labels, said, OTHER))


def test_other_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(1, 2\) and predictions \(1, 3\)"):
        focus_figures([[1, 2]], [[1, 2, 3]], OTHER)
