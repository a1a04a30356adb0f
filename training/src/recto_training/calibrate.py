"""Fits what a confidence means on documents that training never saw, through the real OCR and assembly.

Half of the documents are like those of training, half are held out in names and wordings, because a
confidence that was only ever fitted on the familiar is too sure of the rest. Their layouts are the
training ones: the held-out layouts stay for the evaluation.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from sklearn.linear_model import LogisticRegression

from recto.confidence import FEATURES, Calibration, feature_vector
from recto.entities import value_features
from recto.fields import FieldList
from recto_training.evaluation.confidence import threshold_for
from recto_training.evaluation.fields import Judged
from recto_training.score import Read, is_right

PRECISION = 0.9
"""Share of values at or above the threshold that are to be right."""


class Row(NamedTuple):
    """The features of a mention, and whether its value is right."""

    features: list[float]
    is_right: bool


def calibration_rows(reads: Iterable[Read], fields: FieldList) -> list[Row]:
    """One row for each mention that the assembly reports."""
    rows = []
    for read in reads:
        found = [m for page in read.mentions for m in page if m.class_id in fields.active_by_class]
        for name, _, mention, features in value_features(found, fields):
            right = is_right(mention.text, fields[name], read.source.agreement)
            rows.append(Row(feature_vector(features), right))
    return rows


def fit_calibration(rows: Sequence[Row]) -> Calibration:
    """Logistic regression over all features."""
    values = np.array([row.features for row in rows])
    truths = np.array([row.is_right for row in rows])
    if len(set(truths.tolist())) < 2:
        raise ValueError(
            f"{len(rows)} values that are all {'right' if truths.all() else 'wrong'}; expected both"
        )
    model = LogisticRegression(C=1.0, max_iter=5000).fit(values, truths)
    return Calibration(
        features=FEATURES,
        coefficients=tuple(round(float(weight), 5) for weight in model.coef_[0]),
        intercept=round(float(model.intercept_[0]), 5),
    )


def choose_threshold(judged: Sequence[Judged]) -> float:
    """From which confidence on a value needs no review; never below one half."""
    return round(min(0.99, max(0.5, threshold_for(judged, PRECISION))), 3)
