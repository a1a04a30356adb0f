"""How much a value can be believed, from what the model and the OCR said about its words.

A `Calibration` is a logistic regression over named features; its coefficients are fitted on documents
that training never saw and travel in the release (`calibration.json`). Evaluated here by plain
arithmetic; the fitting lives in training. Not a threshold: those belong to review.

The features, all known for every value (`FEATURES`, in this order in `feature_vector`). Probabilities are
of the class that the model gave, 0-1; log-odds of p are ln(p / (1 - p)), p held within 0.0001 of 0 and 1.

of the best mention of the value
    min_probability   lowest probability among its words
    mean_probability  mean probability of its words
    min_ocr           lowest OCR confidence among its words, 0-1
    mean_ocr          mean OCR confidence of its words, 0-1
    agreement         lowest share of the model's windows that agree on a word, 0-1
    log_words         ln(1 + number of words)
    log_odds_min      log-odds of the lowest probability
    log_odds_mean     log-odds of the mean probability
    log_odds_first    log-odds of its first word's probability: is it where the value begins?
    log_odds_last     the same of its last word
    log_odds_before   log-odds of the word before it (that it belongs to none or to another field)
    log_odds_after    the same of the word after it
    surprise          sum over its words of -ln(probability)
    starts_line       1 where its first word is the first of its line, else 0
    ends_line         1 where its last word is the last of its line, else 0
    log_lines         ln(number of lines it runs over)
of the value among all that was found for its field
    parsed            1 where the text was understood as the field's type, else 0
    log_mentions      ln(number of mentions that say this)
    support           share of the field's mentions that say this, 0-1
    rival             highest mean probability of a mention that says something else, 0 for none
    log_odds_rival    log-odds of that, held within 0.02 of 0 and 1
    log_rivals        ln(1 + number of mentions that say something else)
    complete          0 where the normal form lacks a part (a date its day, an address its postcode), else 1
    unambiguous       0 where the text has two readings, else 1
    valid             1 where it keeps all validators of its field, else 0
    known             1 where people have confirmed the same value in training documents, else 0
    near_known        0-1, how like it is to the likest of these values, where it is none of them itself: what
                      differs in a letter or two from a value confirmed again and again was probably misread
"""

import math
import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b, sha256
from typing import Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from recto.errors import ReleaseError

LOWEST = 1e-6
"""Confidence is never 0 for something found, nor 1 for something that no person has seen."""
NEAR = 1e-4
NEAR_RIVAL = 0.02
"""Log-odds are of probabilities that are at least so far from 0 and 1."""

GRAM = 3
SHORTEST_SHAPE = 10
"""Characters from which on a value has a shape: a date or an amount is not like another one."""
_SHAPE = re.compile("[0-9a-f]{16}")
SHAPE_BITS = 16
"""Differing bits of two shapes from which on nothing is said to be like."""


class Evidence(NamedTuple):
    """What the model and the OCR said about the words of one mention, and about their neighbours."""

    min_probability: float
    mean_probability: float
    min_ocr: float
    mean_ocr: float
    agreement: float
    num_words: int
    first_probability: float = 1.0
    last_probability: float = 1.0
    before: float = 1.0
    """Probability of what the model says of the word before; 1 where there is none."""
    after: float = 1.0
    surprise: float = 0.0
    """Sum of -ln(probability)."""
    starts_line: bool = True
    ends_line: bool = True
    num_lines: int = 1

    @classmethod
    def of_words(
        cls, probabilities: Sequence[float], ocr: Sequence[float], agreements: Sequence[float] = ()
    ) -> "Evidence":
        """From the entries of its words, in reading order; no agreements means that all windows agree."""
        return cls(
            min(probabilities),
            math.fsum(probabilities) / len(probabilities),
            min(ocr),
            math.fsum(ocr) / len(ocr),
            min(agreements, default=1.0),
            len(probabilities),
            probabilities[0],
            probabilities[-1],
            surprise=-math.fsum(math.log(max(LOWEST, one)) for one in probabilities),
        )


class Standing(NamedTuple):
    """How a value stands among all that was found for its field."""

    parsed: bool = True
    num_mentions: int = 1
    support: float = 1.0
    rival: float = 0.0
    num_rivals: int = 0
    """Mentions that say something else."""
    is_complete: bool = True
    is_ambiguous: bool = False
    is_valid: bool = True
    is_known: bool = False
    near_known: float = 0.0


ALONE = Standing()
"""The only value of its field, mentioned once and understood."""

_FEATURES: Mapping[str, Callable[[Evidence, Standing], float]] = {
    "min_probability": lambda mention, _: mention.min_probability,
    "mean_probability": lambda mention, _: mention.mean_probability,
    "min_ocr": lambda mention, _: mention.min_ocr,
    "mean_ocr": lambda mention, _: mention.mean_ocr,
    "agreement": lambda mention, _: mention.agreement,
    "log_words": lambda mention, _: math.log1p(mention.num_words),
    "log_odds_min": lambda mention, _: log_odds(mention.min_probability),
    "log_odds_mean": lambda mention, _: log_odds(mention.mean_probability),
    "log_odds_first": lambda mention, _: log_odds(mention.first_probability),
    "log_odds_last": lambda mention, _: log_odds(mention.last_probability),
    "log_odds_before": lambda mention, _: log_odds(mention.before),
    "log_odds_after": lambda mention, _: log_odds(mention.after),
    "surprise": lambda mention, _: mention.surprise,
    "starts_line": lambda mention, _: float(mention.starts_line),
    "ends_line": lambda mention, _: float(mention.ends_line),
    "log_lines": lambda mention, _: math.log(mention.num_lines),
    "parsed": lambda _, value: float(value.parsed),
    "log_mentions": lambda _, value: math.log(value.num_mentions),
    "support": lambda _, value: value.support,
    "rival": lambda _, value: value.rival,
    "log_odds_rival": lambda _, value: log_odds(value.rival, NEAR_RIVAL),
    "log_rivals": lambda _, value: math.log1p(value.num_rivals),
    "complete": lambda _, value: float(value.is_complete),
    "unambiguous": lambda _, value: float(not value.is_ambiguous),
    "valid": lambda _, value: float(value.is_valid),
    "known": lambda _, value: float(value.is_known),
    "near_known": lambda _, value: value.near_known,
}
FEATURES = tuple(_FEATURES)


def fingerprint(class_id: int, key: str) -> str:
    """By which a value is known again without being told: 48 bits of the hash of its class and normal form.

    Not a secret: who guesses a value can check the guess.
    """
    return sha256(f"{class_id} {key}".encode()).hexdigest()[:12]


def shape(key: str) -> int:
    """64 bits that are like those of texts with mostly the same letters; 0 for a text too short to have one.

    Charikar's simhash over runs of three characters (2002): of like texts few bits differ, of others half.
    Less secret than a hash, since it tells how near a guess is.
    """
    if len(key) < SHORTEST_SHAPE:
        return 0
    grams = {key[start : start + GRAM] for start in range(len(key) - GRAM + 1)}
    hashes = [int.from_bytes(blake2b(gram.encode(), digest_size=8).digest()) for gram in grams]
    columns = zip(*(f"{one:064b}" for one in hashes), strict=True)
    return int("".join("1" if 2 * column.count("1") > len(hashes) else "0" for column in columns), 2)


def log_odds(probability: float, near: float = NEAR) -> float:
    """ln(p / (1 - p)), with p held between `near` and 1 - `near`."""
    held = min(1 - near, max(near, probability))
    return math.log(held / (1 - held))


def features_of(
    evidence: Evidence, standing: Standing = ALONE, names: Iterable[str] = FEATURES
) -> dict[str, float]:
    """The features of a value by name, in the order of `names`; others are not computed."""
    return {name: _FEATURES[name](evidence, standing) for name in names}


def feature_vector(features: Mapping[str, float], names: Iterable[str] = FEATURES) -> list[float]:
    """The features as a row for fitting, in the order of `names`."""
    return [features[name] for name in names]


class Offset(BaseModel):
    """What is added to the common coefficients and the intercept for the values of one class."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    coefficients: tuple[float, ...]
    intercept: float


class Calibration(BaseModel):
    """Features to the probability that a value is right.

    Files of schema 1 have neither ranges nor classes and are read as they always were.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_by_name=True, validate_by_alias=True, serialize_by_alias=True
    )

    schema_version: Literal[1, 2] = Field(default=1, alias="schema")
    method: Literal["logistic"] = "logistic"
    features: tuple[str, ...]
    coefficients: tuple[float, ...]
    intercept: float
    ranges: tuple[tuple[float, float], ...] = ()
    """Lowest and highest value of each feature that the fit saw: what lies beyond counts as the nearest of
    them, since nothing is known of it. Empty: as it comes."""
    classes: dict[int, Offset] = {}
    """By class id, which a field's new name does not change."""
    known: tuple[str, ...] = ()
    """Fingerprints of values of training documents, ascending."""
    known_shapes: dict[int, tuple[str, ...]] = {}
    """By class id, the shapes (16 hexadecimal digits) of those of them that have one, ascending."""

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

    @model_validator(mode="after")
    def _ranges_and_classes_fit(self) -> Self:
        if self.ranges and len(self.ranges) != len(self.features):
            raise ValueError(f"{len(self.features)} features with {len(self.ranges)} ranges")
        if not all(low <= high and math.isfinite(low) and math.isfinite(high) for low, high in self.ranges):
            raise ValueError("each range must be two finite numbers, the lower one first")
        for class_id, offset in self.classes.items():
            if len(offset.coefficients) != len(self.features):
                raise ValueError(
                    f"class {class_id}: {len(self.features)} features with "
                    f"{len(offset.coefficients)} coefficients"
                )
            if not all(math.isfinite(number) for number in (*offset.coefficients, offset.intercept)):
                raise ValueError(f"class {class_id}: coefficients and intercept must be finite numbers")
        if self.schema_version == 1 and (self.ranges or self.classes or self.known or self.known_shapes):
            raise ValueError("ranges, classes and known values need schema 2")
        if list(self.known) != sorted(self.known):
            raise ValueError("known values must ascend")
        if not all(_SHAPE.fullmatch(one) for shapes in self.known_shapes.values() for one in shapes):
            raise ValueError("known_shapes: a shape is 16 hexadecimal digits")
        if not all(self.known_shapes.values()):
            raise ValueError("known_shapes: a class without any shape is left out")
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

    def confidence(self, features: Mapping[str, float], class_id: int | None = None) -> float:
        """The probability (strictly between 0 and 1) that a value of this class is right."""
        values = [features[name] for name in self.features]
        if self.ranges:
            pairs = zip(values, self.ranges, strict=True)
            values = [min(high, max(low, value)) for value, (low, high) in pairs]
        score = self.intercept + _weighted(self.coefficients, values)
        if class_id is not None and class_id in self.classes:
            offset = self.classes[class_id]
            score += offset.intercept + _weighted(offset.coefficients, values)
        return min(1 - LOWEST, max(LOWEST, _logistic(score)))

    def knows(self, class_id: int, key: str) -> bool:
        """Whether a value with this normal form was among those of the training documents."""
        mark = fingerprint(class_id, key) if self.known else ""
        place = bisect_left(self.known, mark)
        return place < len(self.known) and self.known[place] == mark

    def nearness(self, class_id: int, key: str) -> float:
        """0-1, how like a value is to the likest known one of its class."""
        mine = shape(key) if class_id in self.known_shapes else 0
        if not mine:
            return 0.0
        differing = min((mine ^ other).bit_count() for other in _bits(self.known_shapes[class_id]))
        return max(0.0, 1 - differing / SHAPE_BITS)

    def of(self, evidence: Evidence, standing: Standing, class_id: int | None = None) -> float:
        """The same from what the features are made of; computes only those that count."""
        return self.confidence(features_of(evidence, standing, self.features), class_id)


def dump_calibration(calibration: Calibration) -> bytes:
    """The JSON that `parse_calibration` reads."""
    return (calibration.model_dump_json(indent=2) + "\n").encode()


def parse_calibration(source: str | bytes) -> Calibration:
    """The calibration of a release; ReleaseError where it is not one."""
    try:
        return Calibration.model_validate_json(source)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, one['loc']))} {one['msg']}".strip() for one in error.errors()
        )
        raise ReleaseError(f"calibration.json: {problems}") from error


@lru_cache(maxsize=64)
def _bits(shapes: tuple[str, ...]) -> tuple[int, ...]:
    return tuple(int(text, 16) for text in shapes)


def _weighted(coefficients: Sequence[float], values: Sequence[float]) -> float:
    return math.fsum(weight * value for weight, value in zip(coefficients, values, strict=True))


def _logistic(score: float) -> float:
    if score >= 0:
        return 1 / (1 + math.exp(-min(score, 700.0)))
    return math.exp(max(score, -700.0)) / (1 + math.exp(max(score, -700.0)))
