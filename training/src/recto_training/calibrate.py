"""Fits what a confidence means, on documents that training never saw, through the real assembly.

A row is a mention that the assembly reports, with its features and whether it is right. The fit is a
logistic regression with a common part and a part for each class that is held closer to nothing, so that
a field with few values follows the others. How strongly both are held is chosen by the log loss on
documents left out; with few documents the calibration set by hand, stretched and shifted, is what stays.

Not here: which confidence is enough (`evaluation.thresholds`).
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from recto.confidence import FEATURES, LOWEST, Calibration, Offset, feature_vector, fingerprint, shape
from recto.document import PagePredictions
from recto.entities import assemble, document_mentions, value_features
from recto.errors import ConfigurationError
from recto.fields import FieldList
from recto.mentions import Mention
from recto_training.corpus import LabelledDocument
from recto_training.evaluation.confidence import threshold_for
from recto_training.evaluation.fields import DocumentScore, Judged, score_result
from recto_training.evaluation.truth import Match, key_of, true_keys, true_texts
from recto_training.score import Read, is_right

PRECISION = 0.9
"""Share of values at or above the threshold that are to be right."""
FOLDS = 5
"""Parts that the documents are cut into to choose how strongly a fit is held back."""
LEAST_OF_EACH = 5
"""Right and wrong values from which on coefficients are fitted at all."""
SPOILT = ("parsed", "complete", "valid")
"""Features that are seldom 0, and then mostly of wrong values: expected before any such value was seen."""
EXPECTED = 1.0
"""How many values this expectation weighs as much as."""
FURTHEST_SHIFT = 30.0
"""Of an intercept, in log-odds."""
BY_HAND = Calibration.default()

Floats = NDArray[np.float64]


class CalibrationDataError(ConfigurationError):
    """The held-out documents say nothing about confidence: too few values, or all right or all wrong."""


class Row(NamedTuple):
    """The features of a mention, and whether its value is right."""

    features: list[float]
    """In the order of FEATURES."""
    is_right: bool
    class_id: int = 0
    document: str = ""


class Strength(NamedTuple):
    """How free a fit is."""

    common: float
    """Inverse of the penalty on the common coefficients (of features in standard deviations)."""
    own: float
    """How far a class may go its own way, against the common part; 0: not at all."""
    by_hand: bool = False
    """Only stretch and shift the calibration that was set by hand."""


STRENGTHS = (
    Strength(1.0, 0.0, by_hand=True),
    Strength(0.3, 0.0),
    Strength(0.2, 0.5),
    Strength(0.2, 1.0),
    Strength(1.0, 0.5),
    Strength(1.0, 1.0),
)
"""From the most held back to the freest; the first of equals is taken."""


def calibration_rows(reads: Iterable[Read], fields: FieldList) -> list[Row]:
    """One row for each mention that the assembly reports of synthetic agreements."""
    rows = []
    for number, read in enumerate(reads):
        found = [m for page in read.mentions for m in page if m.class_id in fields.active_by_class]
        for name, _, mention, features in value_features(found, fields):
            right = is_right(mention.text, fields[name], read.source.agreement)
            rows.append(Row(feature_vector(features), right, mention.class_id, str(number)))
    return rows


class Known(NamedTuple):
    """The values of training documents, as a calibration keeps them."""

    fingerprints: tuple[str, ...] = ()
    shapes: Mapping[int, tuple[str, ...]] = MappingProxyType({})

    @classmethod
    def of(cls, calibration: Calibration) -> "Known":
        """Those that a calibration has."""
        return cls(calibration.known, calibration.known_shapes)


class Found(NamedTuple):
    """A held-out document with what the assembly finds in it, before anyone says how sure that is."""

    document: LabelledDocument
    mentions: tuple[Mention, ...]
    known: Known = Known()
    """The values of the documents that its model was trained on."""


def find(
    document: LabelledDocument,
    predictions: Sequence[PagePredictions],
    fields: FieldList,
    known: Known = Known(),  # noqa: B008 - immutable
) -> Found:
    """The mentions in a document; its predictions are parallel to its pages."""
    pages = ((one.page, said) for one, said in zip(document.pages, predictions, strict=True))
    return Found(document, tuple(document_mentions(pages, fields)), known)


def known_values(documents: Iterable[LabelledDocument], fields: FieldList) -> Known:
    """The true values of training documents.

    Documents that a calibration is fitted or judged on must not be among them: they would know themselves.
    """
    keys = {
        (fields[name].class_id, fields[name].normalise(text).key)
        for document in documents
        for name, texts in true_texts(document, fields).items()
        for text in texts
    }
    shapes: dict[int, set[str]] = defaultdict(set)
    for class_id, key in keys:
        if bits := shape(key):
            shapes[class_id].add(f"{bits:016x}")
    return Known(
        tuple(sorted({fingerprint(*key) for key in keys})),
        {class_id: tuple(sorted(found)) for class_id, found in sorted(shapes.items())},
    )


def knowing(calibration: Calibration, known: Known) -> Calibration:
    """The calibration with these known values."""
    if not known.fingerprints:
        return calibration
    values = {"known": known.fingerprints, "known_shapes": dict(known.shapes), "schema_version": 2}
    return calibration.model_copy(update=values)


def rows_of(found: Found, fields: FieldList, match: Match) -> Iterator[Row]:
    """One row for each mention that the assembly reports of a labelled document.

    Judged without the day of reading, which the pipeline knows from the OCR: labelled documents carry none.
    """
    keys = true_keys(true_texts(found.document, fields), fields, match)
    told = value_features(found.mentions, fields, calibration=knowing(BY_HAND, found.known))
    for name, _, mention, features in told:
        right = key_of(mention.text, fields[name], match) in keys[name]
        yield Row(feature_vector(features), right, mention.class_id, found.document.id)


def score_found(found: Found, fields: FieldList, calibration: Calibration, match: Match) -> DocumentScore:
    """What would be reported of a document with this calibration, against the truth."""
    result = assemble(found.mentions, fields, knowing(calibration, found.known))
    return score_result(found.document, result, fields, match)


def fit_calibration(rows: Sequence[Row], strengths: Sequence[Strength] = STRENGTHS) -> Calibration:
    """The calibration that is least surprised by documents left out of its fit.

    CalibrationDataError where all values are right or all are wrong, or there is none.
    """
    right = sum(row.is_right for row in rows)
    if min(right, len(rows) - right) == 0:
        raise CalibrationDataError(
            f"{len(rows)} values on the held-out documents, {right} of them right: expected some right and "
            "some wrong; hold out more documents, or keep the calibration set by hand"
        )
    if min(right, len(rows) - right) < LEAST_OF_EACH:
        return _fitted(rows, STRENGTHS[0])
    return _fitted(rows, strengths[0] if len(strengths) == 1 else choose_strength(rows, strengths))


def choose_strength(rows: Sequence[Row], strengths: Sequence[Strength] = STRENGTHS) -> Strength:
    """The one with the lowest log loss over documents left out, each left out once."""
    losses = [(_loss_left_out(rows, strength), number) for number, strength in enumerate(strengths)]
    return strengths[min(losses)[1]]


def cross_fitted(
    rows: Sequence[Row], fit: Callable[[Sequence[Row]], Calibration] = fit_calibration, folds: int = FOLDS
) -> list[float]:
    """The confidence of each row by a calibration fitted on the other parts of the documents.

    What a threshold may be chosen on without fooling oneself: no row has seen its own document.
    """
    confidences = np.zeros(len(rows))
    for part in _parts(rows, folds):
        inside = np.array([row.document in part for row in rows])
        calibration = fit([row for row in rows if row.document not in part])
        confidences[inside] = confidences_of([row for row in rows if row.document in part], calibration)
    return [float(one) for one in confidences]


def calibrated_scores(
    everything: Sequence[Found], fields: FieldList, match: Match, kept: Calibration | None = None
) -> tuple[Calibration, list[DocumentScore]]:
    """A calibration fitted on all documents, and what each would report by one that did not see it.

    With `kept`, that one and what it reports: right where it was fitted on other documents.
    """
    if kept is not None:
        return kept, [score_found(one, fields, kept, match) for one in everything]
    rows = [row for one in everything for row in rows_of(one, fields, match)]
    return fit_calibration(rows), cross_fitted_scores(everything, fields, match)


def cross_fitted_scores(everything: Sequence[Found], fields: FieldList, match: Match) -> list[DocumentScore]:
    """What would be reported of each document by a calibration that was fitted without it.

    How strongly the fits are held back is chosen once, for all of them.
    """
    rows = [row for one in everything for row in rows_of(one, fields, match)]
    strengths = [choose_strength(rows)]
    scores: dict[str, DocumentScore] = {}
    for part in _parts(rows, FOLDS):
        calibration = fit_calibration([row for row in rows if row.document not in part], strengths)
        for one in everything:
            if one.document.id in part:
                scores[one.document.id] = score_found(one, fields, calibration, match)
    return [
        scores.get(one.document.id) or score_found(one, fields, BY_HAND, match)
        for one in everything  # a document without any mention has no row and so is in no part
    ]


def confidences_of(rows: Sequence[Row], calibration: Calibration) -> Floats:
    """Of all rows at once; what `Calibration.confidence` gives for each."""
    columns = [FEATURES.index(name) for name in calibration.features]
    values_NF = np.array([row.features for row in rows]).reshape(len(rows), len(FEATURES))[:, columns]
    if calibration.ranges:
        low_F, high_F = np.array(calibration.ranges).T
        values_NF = values_NF.clip(low_F, high_F)
    scores_N = values_NF @ np.array(calibration.coefficients) + calibration.intercept
    ids_N = np.array([row.class_id for row in rows])
    for class_id, offset in calibration.classes.items():
        mine = ids_N == class_id
        scores_N[mine] += values_NF[mine] @ np.array(offset.coefficients) + offset.intercept
    return np.asarray(expit(scores_N).clip(LOWEST, 1 - LOWEST))


def choose_threshold(judged: Sequence[Judged]) -> float:
    """From which confidence on a value needs no review; never below one half."""
    return round(min(0.99, max(0.5, threshold_for(judged, PRECISION))), 3)


def _parts(rows: Sequence[Row], folds: int) -> list[frozenset[str]]:
    """The documents in so many parts of equal size; each part has whole documents."""
    documents = list(dict.fromkeys(row.document for row in rows))
    order = np.random.default_rng(0).permutation(len(documents))
    shuffled = [documents[index] for index in order]
    return [frozenset(shuffled[start::folds]) for start in range(min(folds, len(shuffled)))]


def _loss_left_out(rows: Sequence[Row], strength: Strength) -> float:
    """Mean of -ln(probability given to what is so), over rows whose document the fit did not see."""
    losses: list[float] = []
    for part in _parts(rows, FOLDS):
        kept = [row for row in rows if row.document not in part]
        left_out = [row for row in rows if row.document in part]
        if len({row.is_right for row in kept}) == 2:
            said_N = confidences_of(left_out, _fitted(kept, strength))
            right_N = np.array([row.is_right for row in left_out])
            losses.extend(-np.log(np.where(right_N, said_N, 1 - said_N)))
    return float(np.mean(losses)) if losses else np.inf


def _fitted(rows: Sequence[Row], strength: Strength) -> Calibration:
    truths = np.array([row.is_right for row in rows])
    if strength.by_hand:
        return _stretched(rows, truths)
    num_seen = len(rows)
    rows, weights_N = _with_expected(rows)
    truths = np.array([row.is_right for row in rows])
    values_NF = np.array([row.features for row in rows])
    means_F, spreads_F = values_NF.mean(axis=0), values_NF.std(axis=0)
    spreads_F = np.where(spreads_F > 1e-9, spreads_F, np.inf)  # a feature that never varies says nothing
    scaled_NF = (values_NF - means_F) / spreads_F
    classes = sorted({row.class_id for row in rows}) if strength.own else []
    ids_N = np.array([row.class_id for row in rows])
    blocks = [scaled_NF, *(_own_block(scaled_NF, ids_N == one, strength.own) for one in classes)]
    model = LogisticRegression(C=strength.common, solver="newton-cholesky", max_iter=200)
    with threadpool_limits(limits=1):  # small matrices: more threads only wait for each other
        model.fit(np.hstack(blocks), truths, sample_weight=weights_N)
    weights = model.coef_[0]
    common_F, num = weights[: len(means_F)], len(means_F) + 1
    own = {one: weights[len(means_F) + i * num :][:num] * strength.own for i, one in enumerate(classes)}
    coefficients, shift = _unscaled(common_F, means_F, spreads_F)
    fitted = Calibration(
        schema_version=2,
        features=FEATURES,
        coefficients=coefficients,
        intercept=_rounded(float(model.intercept_[0]) + shift),
        ranges=tuple(
            (_rounded(low), _rounded(high))
            for low, high in zip(values_NF.min(axis=0), values_NF.max(axis=0), strict=True)
        ),
        classes=_offsets(own, means_F, spreads_F),
    )
    return _shifted(fitted, rows[:num_seen])


def _shifted(calibration: Calibration, rows: Sequence[Row]) -> Calibration:
    """With the intercept that makes the mean confidence of these rows their share of right ones."""
    scores_N = logit(confidences_of(rows, calibration))
    right = sum(row.is_right for row in rows)
    shift = brentq(lambda by: float(expit(scores_N + by).sum()) - right, -FURTHEST_SHIFT, FURTHEST_SHIFT)
    return calibration.model_copy(update={"intercept": _rounded(calibration.intercept + shift)})


def _with_expected(rows: Sequence[Row]) -> tuple[list[Row], Floats]:
    """The rows, and what is expected before any is seen: the same values, spoilt in one of `SPOILT`, wrong.

    All that are spoilt in the same way weigh as much as `EXPECTED` values.
    """
    everything, weights = list(rows), [1.0] * len(rows)
    for name in SPOILT:
        column = FEATURES.index(name)
        for row in rows:
            features = [*row.features[:column], 0.0, *row.features[column + 1 :]]
            everything.append(Row(features, False, row.class_id, row.document))
            weights.append(EXPECTED / len(rows))
    return everything, np.array(weights)


def _own_block(scaled_NF: Floats, of_class_N: NDArray[np.bool_], own: float) -> Floats:
    """The columns in which one class may differ: an intercept's and each feature's."""
    ones = np.ones((len(scaled_NF), 1))
    return np.hstack([ones, scaled_NF]) * (of_class_N[:, None] * own)


def _offsets(own: Mapping[int, Floats], means_F: Floats, spreads_F: Floats) -> dict[int, Offset]:
    offsets = {}
    for class_id, weights in own.items():
        coefficients, shift = _unscaled(weights[1:], means_F, spreads_F)
        offsets[class_id] = Offset(coefficients=coefficients, intercept=_rounded(float(weights[0]) + shift))
    return offsets


def _unscaled(weights_F: Floats, means_F: Floats, spreads_F: Floats) -> tuple[tuple[float, ...], float]:
    """Coefficients of the features as they come, and what that adds to the intercept."""
    raw_F = weights_F / spreads_F
    return tuple(_rounded(float(one)) for one in raw_F), -float((raw_F * means_F).sum())


def _stretched(rows: Sequence[Row], truths: NDArray[np.bool_]) -> Calibration:
    """The calibration set by hand with its score stretched and shifted (Platt, 1999), never turned around."""
    scores = logit(confidences_of(rows, BY_HAND))[:, None]
    model = LogisticRegression(C=1.0).fit(scores, truths)
    stretch = max(0.05, float(model.coef_[0][0]))
    return BY_HAND.model_copy(
        update={
            "coefficients": tuple(_rounded(stretch * one) for one in BY_HAND.coefficients),
            "intercept": _rounded(stretch * BY_HAND.intercept + float(model.intercept_[0])),
        }
    )


def _rounded(number: float) -> float:
    return round(float(number), 5)
