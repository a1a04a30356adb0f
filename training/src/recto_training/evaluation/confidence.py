"""Whether confidence orders right above wrong and means what it says, and how much it lets through.

The figures are those of the benchmarks' field scorer: AUROC, expected calibration error over ten bins of
equal count, and the share that can be accepted at a precision (an upper bound, since it sees the truth).
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from sklearn.metrics import roc_auc_score

from recto_training.evaluation.fields import Judged

BINS = 10


class Bin(NamedTuple):
    """Values of similar confidence: the mean of what was said, and the share that is right."""

    confidence: float
    right: float
    count: int


class CurvePoint(NamedTuple):
    """What accepting all values from a confidence on gives."""

    threshold: float
    accepted: float
    """Share of all values, 0-1."""
    precision: float
    """Share of the accepted ones that are right."""


def confidence_figures(judged: Sequence[Judged]) -> dict[str, Any]:
    """AUROC (None where all are right or all wrong), ECE, and coverage at three precisions."""
    right = [one.is_right for one in judged]
    scores = [one.confidence for one in judged]
    both = len(set(right)) == 2
    return {
        "values": len(judged),
        "right": round(sum(right) / len(right), 4) if right else 0.0,
        "auroc": round(float(roc_auc_score(right, scores)), 4) if both else None,
        "ece": round(expected_error(judged), 4),
        "coverage_at_95": round(coverage(judged, 0.95), 4),
        "coverage_at_98": round(coverage(judged, 0.98), 4),
        "coverage_at_99": round(coverage(judged, 0.99), 4),
    }


def reliability(judged: Sequence[Judged], bins: int = BINS) -> list[Bin]:
    """Bins of equal count, least believed first; fewer where there are fewer values."""
    ordered = sorted(judged, key=lambda one: one.confidence)
    edges = [round(i * len(ordered) / bins) for i in range(bins + 1)]
    parts = (ordered[low:high] for low, high in pairwise(edges) if high > low)
    return [
        Bin(
            sum(one.confidence for one in part) / len(part),
            sum(one.is_right for one in part) / len(part),
            len(part),
        )
        for part in parts
    ]


def expected_error(judged: Sequence[Judged], bins: int = BINS) -> float:
    """Mean distance between confidence and share right, over bins of equal count."""
    return sum(abs(one.confidence - one.right) * one.count for one in reliability(judged, bins)) / max(
        1, len(judged)
    )


def coverage_curve(judged: Sequence[Judged]) -> list[CurvePoint]:
    """Accepting ever more, highest confidence first; values of equal confidence go together."""
    ordered = sorted(judged, key=lambda one: -one.confidence)
    points, hits = [], 0
    for number, one in enumerate(ordered, start=1):
        hits += one.is_right
        if number == len(ordered) or ordered[number].confidence != one.confidence:
            points.append(CurvePoint(one.confidence, number / len(ordered), hits / number))
    return points


def threshold_for(judged: Sequence[Judged], precision: float) -> float:
    """The lowest confidence from which on at least this share of values is right; 1 where there is none."""
    return min(
        (point.threshold for point in coverage_curve(judged) if point.precision >= precision), default=1.0
    )


def coverage(judged: Sequence[Judged], precision: float) -> float:
    """The largest share of the values that can be accepted with this share of them right."""
    return max(
        (point.accepted for point in coverage_curve(judged) if point.precision >= precision), default=0.0
    )
