"""How often accepted values are wrong, measured: which documents are looked at again, and what that says.

Of the documents that went straight through a share is reviewed blind. A published value is right where the
reviewer says the same in normal form. Confidence promised how many would be wrong, the sum of 1 - confidence;
where far more are than that, calibration does not fit the documents any more: drift.

Values in, values out. Values of one document are counted as if they were independent of each other.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from math import sqrt
from typing import NamedTuple

from recto.fields import FieldConfiguration, FieldList
from recto.results import DocumentResult, FieldResult

Z_95 = 1.959964
"""Of a normal distribution, for intervals of 95 %."""
LEAST_ERROR = 0.001
"""No confidence promises less: calibration is fitted on hundreds of documents, not on thousands."""
DRIFT_LEVEL = 0.001
"""Drift is told where so many errors or more would be as rare as this. Small: every audit asks anew."""


class AuditedValue(NamedTuple):
    """One published value that somebody has looked at without knowing it."""

    field: str
    confidence: float
    is_right: bool


class Comparison(NamedTuple):
    """What was published beside what the auditors say."""

    values: tuple[AuditedValue, ...]
    missed: Mapping[str, int]
    """By field, values of the document that were not published."""

    @property
    def errors(self) -> int:
        return sum(not value.is_right for value in self.values)


class Interval(NamedTuple):
    """Of a share."""

    low: float
    high: float


class Measured(NamedTuple):
    """The error of accepted values: measured, and as it was promised."""

    num_values: int
    errors: int
    promised: float
    """How many errors confidence promised: the sum of 1 - confidence."""
    missed: int = 0
    tail: float = 1.0
    """How likely so many errors or more are where confidence keeps its promise."""

    @property
    def error(self) -> float:
        return self.errors / self.num_values if self.num_values else 0.0

    @property
    def promised_error(self) -> float:
        return self.promised / self.num_values if self.num_values else 0.0

    @property
    def excess(self) -> float:
        """The share of values that are wrong beyond what was promised; negative where fewer are."""
        return self.error - self.promised_error

    @property
    def interval(self) -> Interval:
        return wilson(self.errors, self.num_values)

    def has_drifted(self, level: float = DRIFT_LEVEL) -> bool:
        return self.tail < level


def is_drawn(document_id: str, share: float) -> bool:
    """Whether a document is looked at again: always the same for the same one."""
    number = int.from_bytes(sha256(f"audit\0{document_id}".encode()).digest()[:8])
    return number < share * 2**64


def audit_id(document_id: str, attempt: int) -> str:
    """The review id of an audit: one for each attempt, however often it is asked for."""
    return sha256(f"audit\0{document_id}\0{attempt}".encode()).hexdigest()[:32]


# --- comparing ---------------------------------------------------------------------------------------


def compare(published: DocumentResult, audited: DocumentResult, fields: FieldList) -> Comparison:
    """What the auditors say of the published values; fields that they did not look at are left out."""
    values: list[AuditedValue] = []
    missed: Counter[str] = Counter()
    for name, theirs in audited.fields.items():
        ours = published.fields.get(name)
        if ours is None or not theirs.reviewed:
            continue
        said = _keys(theirs, fields[name])
        values += [
            AuditedValue(name, value.confidence, _key(value.value, fields[name]) in said)
            for value in ours.found
        ]
        if more := len(said - _keys(ours, fields[name])):
            missed[name] = more
    return Comparison(tuple(values), dict(missed))


def _keys(one: FieldResult, field: FieldConfiguration) -> set[str]:
    return {_key(value.value, field) for value in one.found}


def _key(text: str, field: FieldConfiguration) -> str:
    return field.normalise(text).key or text


# --- measuring ---------------------------------------------------------------------------------------


def measured(values: Sequence[AuditedValue], missed: int = 0) -> Measured:
    """Over all of them: error, promise, and whether the two go together."""
    promises = [promised_error(value.confidence) for value in values]
    errors = sum(not value.is_right for value in values)
    return Measured(len(values), errors, sum(promises), missed, tail_of_errors(promises, errors))


def measured_by_field(comparisons: Iterable[Comparison]) -> dict[str, Measured]:
    """The same field by field, in the order of the names."""
    values: dict[str, list[AuditedValue]] = {}
    missed: Counter[str] = Counter()
    for comparison in comparisons:
        missed.update(comparison.missed)
        for value in comparison.values:
            values.setdefault(value.field, []).append(value)
    return {name: measured(values.get(name, ()), missed[name]) for name in sorted({*values, *missed})}


def promised_error(confidence: float) -> float:
    """How likely a value is to be wrong, by its confidence."""
    return min(1.0, max(LEAST_ERROR, 1.0 - confidence))


def wilson(errors: int, total: int, z: float = Z_95) -> Interval:
    """Where the true share lies, by Wilson's score; everywhere for none at all."""
    if not total:
        return Interval(0.0, 1.0)
    share, scale = errors / total, 1 + z * z / total
    middle = share + z * z / (2 * total)
    width = z * sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    return Interval(max(0.0, (middle - width) / scale), min(1.0, (middle + width) / scale))


def tail_of_errors(promises: Sequence[float], errors: int) -> float:
    """The probability of that many errors or more where each value is wrong as it was promised; exact.

    The distribution of the number of errors (Poisson's binomial), value by value, up to `errors`.
    """
    if errors <= 0:
        return 1.0
    below = [1.0, *([0.0] * (errors - 1))]  # of exactly 0, 1 … errors - 1 errors so far
    for promise in promises:
        for count in range(errors - 1, 0, -1):
            below[count] = below[count] * (1 - promise) + below[count - 1] * promise
        below[0] *= 1 - promise
    return min(1.0, max(0.0, 1.0 - sum(below)))
