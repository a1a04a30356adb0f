"""Rules that one value must keep. What several fields owe each other is in `recto.validators.rules`.

A rule sees the normalised value and the text; it never changes either. A value that a rule cannot
judge (no date where a date is expected) breaks it. An empty value only breaks `not_empty`: whether a
field may be missing is the field's `Optional`, not a rule's business.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final, Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic.alias_generators import to_pascal

from recto.normalise import (
    KINDS,
    Certainty,
    Normalized,
    checksum_fault,
    first_and_last_day,
    normalise,
)
from recto.suggestions import nearest
from recto.validators.patterns import MAX_PATTERN, MAX_PATTERN_TEXT, refuse_slow_pattern


class Parameters(BaseModel):
    """What a rule can be told; a key that it does not know is refused."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_pascal,
        validate_by_name=True,
        validate_by_alias=True,
        defer_build=True,  # most rules are not used by most field lists
    )


class NoParameters(Parameters):
    """For rules that need none."""


class DateRange(Parameters):
    """Limits of a date, both included."""

    earliest: date | None = None
    latest: date | None = None


class Future(Parameters):
    """How many days past the reference day a date may be; one by default, for time zones."""

    days: int = Field(default=1, ge=0)
    reference: date | None = None
    """A fixed day; without it the day on which the document was read."""


class AmountRange(Parameters):
    """Limits of an amount, both included."""

    minimum: Decimal | None = None
    maximum: Decimal | None = None


class PercentageRange(Parameters):
    """Limits of a percentage in per cent, both included."""

    minimum: Decimal = Decimal(0)
    maximum: Decimal = Decimal(100)


class DurationRange(Parameters):
    """Limits of a length of time, both included: `"1 month"`, `"10 years"`."""

    minimum: str | None = None
    maximum: str | None = None

    @field_validator("minimum", "maximum")
    @classmethod
    def _is_a_length_of_time(cls, value: str | None) -> str | None:
        if value is not None and not normalise(value, "duration").amounts:
            raise ValueError(f"{value!r} is not a length of time such as '10 years'")
        return value


class Length(Parameters):
    """How many characters a text may have."""

    minimum: int = Field(default=0, ge=0)
    maximum: int | None = Field(default=None, ge=1)


class Pattern(Parameters):
    """A regular expression that the whole text must match."""

    pattern: str = Field(min_length=1, max_length=MAX_PATTERN)
    ignore_case: bool = False

    @model_validator(mode="after")
    def _is_safe(self) -> Self:
        refuse_slow_pattern(self.pattern)
        return self


class Choices(Parameters):
    """The values that are allowed."""

    values: tuple[str, ...] = Field(min_length=1)
    ignore_case: bool = True


class Checksum(Parameters):
    """What kind of number it is."""

    kind: str

    @field_validator("kind")
    @classmethod
    def _is_known(cls, value: str) -> str:
        if value not in KINDS:
            raise ValueError(
                f"unknown kind {value!r}{nearest(value, KINDS)}; known: {', '.join(sorted(KINDS))}"
            )
        return value


class Charset(Parameters):
    """The scripts that a text may be written in; digits, signs and spaces are in all."""

    scripts: tuple[Literal["ascii", "latin", "greek", "cyrillic", "arabic", "hebrew", "cjk", "thai"], ...] = (
        Field(min_length=1)
    )


class Certainties(Parameters):
    """How well a value must be understood."""

    at_least: Literal["exact", "partial"] = "exact"


class Judged(NamedTuple):
    """What a rule looks at."""

    text: str
    normalized: Normalized
    reference: date | None = None
    """The day on which the document was read, where it is known."""


Check = Callable[[Any, Judged], str]
"""Says what is wrong with a value, or nothing."""


def _date_in_range(limits: DateRange, seen: Judged) -> str:
    days = first_and_last_day(seen.normalized.value)
    if days is None:
        return f"{seen.text!r} is not a date"
    first, last = days
    if limits.earliest and last < limits.earliest:
        return f"{seen.normalized.value} is before {limits.earliest}"
    if limits.latest and first > limits.latest:
        return f"{seen.normalized.value} is after {limits.latest}"
    return ""


def _not_in_future(limit: Future, seen: Judged) -> str:
    days = first_and_last_day(seen.normalized.value)
    if days is None:
        return f"{seen.text!r} is not a date"
    reference = limit.reference or seen.reference
    if reference is None or days[0] <= reference + timedelta(days=limit.days):
        return ""
    return f"{seen.normalized.value} is in the future: the document was read on {reference}"


def _amount_in_range(limits: AmountRange, seen: Judged) -> str:
    if not seen.normalized.amounts:
        return f"{seen.text!r} is not an amount"
    for amount in seen.normalized.amounts:
        if limits.minimum is not None and amount < limits.minimum:
            return f"{amount} is below {limits.minimum}"
        if limits.maximum is not None and amount > limits.maximum:
            return f"{amount} is above {limits.maximum}"
    return ""


def _percentage_in_range(limits: PercentageRange, seen: Judged) -> str:
    return _amount_in_range(AmountRange(minimum=limits.minimum, maximum=limits.maximum), seen)


def _duration_in_range(limits: DurationRange, seen: Judged) -> str:
    if not seen.normalized.amounts:
        return f"{seen.text!r} is not a length of time"
    days = seen.normalized.amounts[0]
    if limits.minimum and days < normalise(limits.minimum, "duration").amounts[0]:
        return f"{seen.normalized.value} is shorter than {limits.minimum}"
    if limits.maximum and days > normalise(limits.maximum, "duration").amounts[0]:
        return f"{seen.normalized.value} is longer than {limits.maximum}"
    return ""


def _length(limits: Length, seen: Judged) -> str:
    count = len(" ".join(seen.text.split()))
    if count < limits.minimum:
        return f"{count} characters are too few, at least {limits.minimum} are expected"
    if limits.maximum is not None and count > limits.maximum:
        return f"{count} characters are too many, at most {limits.maximum} are expected"
    return ""


def _matches(rule: Pattern, seen: Judged) -> str:
    return _pattern_fault(rule, seen.text)


def _normal_form(rule: Pattern, seen: Judged) -> str:
    if seen.normalized.value is None:
        return _understood(NoParameters(), seen)
    return _pattern_fault(rule, seen.normalized.value)


def _pattern_fault(rule: Pattern, text: str) -> str:
    if len(text) > MAX_PATTERN_TEXT:
        return f"{len(text)} characters are too long to check; at most {MAX_PATTERN_TEXT}"
    flags = re.IGNORECASE if rule.ignore_case else 0
    return "" if re.fullmatch(rule.pattern, text, flags) else f"{text!r} does not match {rule.pattern!r}"


def _one_of(choices: Choices, seen: Judged) -> str:
    said = {seen.text, seen.normalized.value or seen.text}
    if choices.ignore_case:
        is_known = {value.casefold() for value in said} & {value.casefold() for value in choices.values}
    else:
        is_known = said & set(choices.values)
    return "" if is_known else f"{seen.text!r} is none of {', '.join(choices.values)}"


def _not_empty(_rule: NoParameters, seen: Judged) -> str:
    return "" if seen.text.strip() else "empty"


def _understood(_: NoParameters, seen: Judged) -> str:
    if seen.normalized.value is not None:
        return ""
    why = f": {seen.normalized.reason}" if seen.normalized.reason else ""
    return f"{seen.text!r} was not understood{why}"


def _certain(rule: Certainties, seen: Judged) -> str:
    if seen.normalized.value is None:
        return _understood(NoParameters(), seen)
    certainty = seen.normalized.certainty
    is_enough = certainty is Certainty.EXACT or certainty.value == rule.at_least
    open_points = ", ".join(seen.normalized.flags)
    return "" if is_enough else f"{seen.normalized.value} is {certainty} ({open_points})"


def _checksum(rule: Checksum, seen: Judged) -> str:
    return checksum_fault(rule.kind, seen.text)


def _charset(rule: Charset, seen: Judged) -> str:
    foreign = next((mark for mark in seen.text if mark.isalpha() and not _is_of(mark, rule.scripts)), None)
    return f"{foreign!r} is not {' or '.join(rule.scripts)}" if foreign else ""


def _is_of(letter: str, scripts: tuple[str, ...]) -> bool:
    name = unicodedata.name(letter, "")
    return any(
        letter.isascii() if script == "ascii" else name.startswith(script.upper()) for script in scripts
    )


VALIDATORS: Final[Mapping[str, tuple[type[Parameters], Check]]] = {
    "certain": (Certainties, _certain),
    "charset": (Charset, _charset),
    "checksum": (Checksum, _checksum),
    "date_in_range": (DateRange, _date_in_range),
    "duration_range": (DurationRange, _duration_in_range),
    "length": (Length, _length),
    "money_range": (AmountRange, _amount_in_range),
    "normal_form": (Pattern, _normal_form),
    "not_empty": (NoParameters, _not_empty),
    "not_in_future": (Future, _not_in_future),
    "number_range": (AmountRange, _amount_in_range),
    "one_of": (Choices, _one_of),
    "pattern": (Pattern, _matches),
    "percentage_range": (PercentageRange, _percentage_in_range),
    "understood": (NoParameters, _understood),
}
"""Name to the parameters it takes and the check it makes."""
