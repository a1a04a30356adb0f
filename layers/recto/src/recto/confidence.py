"""How much a value can be believed, from what the model and the OCR said about its words.

A `Calibration` is a logistic regression over named features; its coefficients are fitted on documents
that training never saw and travel in the release (`calibration.json`). Evaluated here by plain
arithmetic; the fitting lives in training. Not a threshold: those belong to review.

The features, all known for every value (`FEATURES`, in this order in `feature_vector`):

of the best mention of the value
    min_probability   lowest class probability among its words, 0-1
    mean_probability  mean class probability of its words, 0-1
    min_ocr           lowest OCR confidence among its words, 0-1
    mean_ocr          mean OCR confidence of its words, 0-1
    agreement         lowest share of the model's windows that agree on a word, 0-1
    log_words         ln(1 + number of words)
of the value among all that was found for its field
    parsed            1 where the text was understood as the field's type, else 0
    log_mentions      ln(number of mentions that say this)
    support           share of the field's mentions that say this, 0-1
    rival             highest mean class probability of a mention that says something else, 0 for none
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from recto.errors import ReleaseError

FEATURES = (
    "min_probability",
    "mean_probability",
    "min_ocr",
    "mean_ocr",
    "agreement",
    "log_words",
    "parsed",
    "log_mentions",
    "support",
    "rival",
)
LOWEST = 1e-6
"""Confidence is never 0 for something found, nor 1 for something that no person has seen."""


class Evidence(NamedTuple):
    """What the model and the OCR said about the words of one mention."""

    min_probability: float
    mean_probability: float
    min_ocr: float
    mean_ocr: float
    agreement: float
    num_words: int

    @classmethod
    def of_words(
        cls, probabilities: Sequence[float], ocr: Sequence[float], agreements: Sequence[float] = ()
    ) -> "Evidence":
        """From the entries of its words; no agreements means that all windows agree."""
        return cls(
            min(probabilities),
            math.fsum(probabilities) / len(probabilities),
            min(ocr),
            math.fsum(ocr) / len(ocr),
            min(agreements, default=1.0),
            len(probabilities),
        )


class Standing(NamedTuple):
    """How a value stands among all that was found for its field."""

    parsed: bool = True
    num_mentions: int = 1
    support: float = 1.0
    rival: float = 0.0


ALONE = Standing()
"""The only value of its field, mentioned once and understood."""


def features_of(evidence: Evidence, standing: Standing = ALONE) -> dict[str, float]:
    """The features of a value by name, in the order of `FEATURES`."""
    return {
        "min_probability": evidence.min_probability,
        "mean_probability": evidence.mean_probability,
        "min_ocr": evidence.min_ocr,
        "mean_ocr": evidence.mean_ocr,
        "agreement": evidence.agreement,
        "log_words": math.log1p(evidence.num_words),
        "parsed": float(standing.parsed),
        "log_mentions": math.log(standing.num_mentions),
        "support": standing.support,
        "rival": standing.rival,
    }


def feature_vector(features: Mapping[str, float], names: Iterable[str] = FEATURES) -> list[float]:
    """The features as a row for fitting, in the order of `names`."""
    return [features[name] for name in names]


class Calibration(BaseModel):
    """Features to the probability that a value is right."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: Literal["logistic"] = "logistic"
    features: tuple[str, ...]
    coefficients: tuple[float, ...]
    intercept: float

    @model_validator(mode="after")
    def _coefficients_for_known_features(self) -> Self:
        if len(self.features) != len(self.coefficients):
            raise ValueError(f"{len(self.features)} features with {len(self.coefficients)} coefficients")
        unknown = sorted(set(self.features) - set(FEATURES))
        if unknown:
            raise ValueError(f"unknown features: {', '.join(unknown)}; known: {', '.join(FEATURES)}")
        if not all(math.isfinite(number) for number in (*self.coefficients, self.intercept)):
            raise ValueError("coefficients and intercept must be finite numbers")
        return self

    @classmethod
    def default(cls) -> "Calibration":
        """Set by hand, for a release without held-out documents to fit on.

        Class probability and OCR confidence count alike and both must be high: certain words read well
        give 0.98; a probability of 0.5, or an OCR confidence of 0.5, about 0.4; an OCR confidence of
        0.12 almost nothing. Another value that the model gives 0.9 takes 0.98 down to 0.93.
        """
        return cls(
            features=("min_probability", "mean_probability", "min_ocr", "mean_ocr", "agreement", "rival"),
            coefficients=(5.0, 4.0, 4.0, 4.0, 1.0, -1.5),
            intercept=-14.0,
        )

    def confidence(self, features: Mapping[str, float]) -> float:
        """The probability (strictly between 0 and 1) that a value with these features is right."""
        terms = (
            weight * features[name] for name, weight in zip(self.features, self.coefficients, strict=True)
        )
        return min(1 - LOWEST, max(LOWEST, _logistic(self.intercept + math.fsum(terms))))


def parse_calibration(source: str | bytes) -> Calibration:
    """The calibration of a release; ReleaseError where it is not one."""
    try:
        return Calibration.model_validate_json(source)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, one['loc']))} {one['msg']}".strip() for one in error.errors()
        )
        raise ReleaseError(f"calibration.json: {problems}") from error


def _logistic(score: float) -> float:
    if score >= 0:
        return 1 / (1 + math.exp(-min(score, 700.0)))
    return math.exp(max(score, -700.0)) / (1 + math.exp(max(score, -700.0)))
