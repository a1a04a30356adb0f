"""The word accuracies that users of the reference know, under their names: `acc`, `focus_acc` and so on.

An example is one window, not a page. Tokens, not words, are counted: every sub-word carries its word's
label. Labels of -100 (special tokens, padding, words not to be scored) do not count.

These three are kept so that old curves and early-stopping settings go on; they say nothing of fields. For
those see `recto_training.evaluation.fields`.

Shapes: B windows, L tokens of a window.
"""

import math
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike

IGNORED = -100


class FocusTally(NamedTuple):
    """Sums over the windows seen so far; `plus` takes a batch more."""

    accuracies: float = 0.0
    """Sum over windows of correct / counted tokens."""
    num_examples: int = 0
    focus_accuracies: float = 0.0
    """The same over tokens in focus: those whose label or whose prediction is a field."""
    num_focus_examples: int = 0
    """Windows with at least one token in focus."""

    def plus(self, labels_BL: ArrayLike, predictions_BL: ArrayLike, other: int) -> Self:
        """With a batch of class ids added; `other` is the class id that means: no field.

        A window without a single token that counts is an example with accuracy 0 over 0 in the reference
        (NaN for the whole run); here it is left out.
        """
        labels, predictions = np.asarray(labels_BL), np.asarray(predictions_BL)
        if labels.shape != predictions.shape or labels.ndim != 2:
            raise ValueError(
                f"labels {labels.shape} and predictions {predictions.shape}: expected two equal shapes (B, L)"
            )
        counted = labels != IGNORED
        right = counted & (labels == predictions)
        focus = counted & ((labels != other) | (predictions != other))
        shares, num = _shares(right, counted)
        focus_shares, num_focus = _shares(right & focus, focus)
        return type(self)(
            self.accuracies + shares,
            self.num_examples + num,
            self.focus_accuracies + focus_shares,
            self.num_focus_examples + num_focus,
        )

    def figures(self) -> dict[str, float]:
        """By the reference's names.

        `focus_else_acc_minus_one` is focus_acc where that is above 0, else acc - 1, below every focus_acc:
        early stopping sees progress before the first field is found. Without a token in focus `focus_acc`
        is NaN, and `focus_else_acc_minus_one` is acc - 1.
        """
        acc = self.accuracies / self.num_examples if self.num_examples else math.nan
        focus = self.focus_accuracies / self.num_focus_examples if self.num_focus_examples else math.nan
        return {
            "acc": acc,
            "focus_acc": focus,
            "focus_else_acc_minus_one": focus if focus > 0 else acc - 1,
            "n_examples": self.num_examples,
            "n_focus_examples": self.num_focus_examples,
        }


def focus_figures(labels_BL: ArrayLike, predictions_BL: ArrayLike, other: int) -> dict[str, float]:
    """The figures of one batch; for several, add them up with `FocusTally`."""
    return FocusTally().plus(labels_BL, predictions_BL, other).figures()


def _shares(hits_BL: np.ndarray, counted_BL: np.ndarray) -> tuple[float, int]:
    """Sum over windows of hits / counted, and how many windows had anything to count."""
    counts_B = counted_BL.sum(axis=1)
    some = counts_B > 0
    return float((hits_BL.sum(axis=1)[some] / counts_B[some]).sum()), int(some.sum())
