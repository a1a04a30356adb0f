"""Rules that a value must keep, by name. A broken rule sends the document to a person and says why.

A rule sees the normalised value and the text; it never changes either. A value that a rule cannot
judge (no date where a date is expected) breaks it. An empty value only breaks `not_empty`: whether a
field may be missing is the field's `Optional`, not a rule's business.
"""

import re
from calendar import monthrange
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from decimal import Decimal
from re import _parser  # type: ignore[attr-defined]  # no public parser of patterns exists
from typing import Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_pascal

from recto.normalise import Normalized
from recto.suggestions import nearest

MAX_PATTERN = 200
"""Longest pattern, in characters, that `pattern` accepts."""
MAX_PATTERN_TEXT = 200
"""Longest text that is put to a pattern; a longer one breaks the rule."""
MAX_WAYS = 100_000_000
"""Bound on the ways in which a pattern can match; three unlimited repeats are under it, four are not."""


class Verdict(BaseModel):
    """What one rule says about one value."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_pascal, validate_by_name=True, validate_by_alias=True
    )

    validator: str
    passed: bool
    message: str = ""
    """Why it did not pass; empty when it did."""


class _Parameters(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_pascal, validate_by_name=True, validate_by_alias=True
    )


class NoParameters(_Parameters):
    """For rules that need none."""


class DateRange(_Parameters):
    """Limits of a date, both included."""

    earliest: date | None = None
    latest: date | None = None


class AmountRange(_Parameters):
    """Limits of an amount, both included."""

    minimum: Decimal | None = None
    maximum: Decimal | None = None


class PercentageRange(_Parameters):
    """Limits of a percentage in per cent, both included."""

    minimum: Decimal = Decimal(0)
    maximum: Decimal = Decimal(100)


class Pattern(_Parameters):
    """A regular expression that the whole text must match."""

    pattern: str = Field(min_length=1, max_length=MAX_PATTERN)
    ignore_case: bool = False

    @model_validator(mode="after")
    def _is_safe(self) -> Self:
        refuse_slow_pattern(self.pattern)
        return self


class Choices(_Parameters):
    """The values that are allowed."""

    values: tuple[str, ...] = Field(min_length=1)
    ignore_case: bool = True


Check = Callable[[Any, str, Normalized], str]
"""Says what is wrong with a value, or nothing."""


def _date_in_range(limits: DateRange, text: str, normalized: Normalized) -> str:
    first = _first_day(normalized.value)
    if first is None:
        return f"{text!r} is not a date"
    last = _last_day(normalized.value, first)
    if limits.earliest and last < limits.earliest:
        return f"{normalized.value} is before {limits.earliest}"
    if limits.latest and first > limits.latest:
        return f"{normalized.value} is after {limits.latest}"
    return ""


def _amount_in_range(limits: AmountRange, text: str, normalized: Normalized) -> str:
    if not normalized.amounts:
        return f"{text!r} is not an amount"
    for amount in normalized.amounts:
        if limits.minimum is not None and amount < limits.minimum:
            return f"{amount} is below {limits.minimum}"
        if limits.maximum is not None and amount > limits.maximum:
            return f"{amount} is above {limits.maximum}"
    return ""


def _percentage_in_range(limits: PercentageRange, text: str, normalized: Normalized) -> str:
    return _amount_in_range(AmountRange(minimum=limits.minimum, maximum=limits.maximum), text, normalized)


def _matches(rule: Pattern, text: str, _: Normalized) -> str:
    if len(text) > MAX_PATTERN_TEXT:
        return f"{len(text)} characters are too long to check; at most {MAX_PATTERN_TEXT}"
    flags = re.IGNORECASE if rule.ignore_case else 0
    return "" if re.fullmatch(rule.pattern, text, flags) else f"{text!r} does not match {rule.pattern!r}"


def _one_of(choices: Choices, text: str, normalized: Normalized) -> str:
    seen = {text, normalized.value or text}
    if choices.ignore_case:
        is_known = {value.casefold() for value in seen} & {value.casefold() for value in choices.values}
    else:
        is_known = seen & set(choices.values)
    return "" if is_known else f"{text!r} is none of {', '.join(choices.values)}"


def _not_empty(_rule: NoParameters, text: str, _: Normalized) -> str:
    return "" if text.strip() else "empty"


def _understood(_: NoParameters, text: str, normalized: Normalized) -> str:
    return "" if normalized.value is not None else f"{text!r} was not understood"


VALIDATORS: Final[Mapping[str, tuple[type[_Parameters], Check]]] = {
    "date_in_range": (DateRange, _date_in_range),
    "money_range": (AmountRange, _amount_in_range),
    "number_range": (AmountRange, _amount_in_range),
    "percentage_range": (PercentageRange, _percentage_in_range),
    "pattern": (Pattern, _matches),
    "one_of": (Choices, _one_of),
    "not_empty": (NoParameters, _not_empty),
    "understood": (NoParameters, _understood),
}
"""Name to the parameters it takes and the check it makes."""


class ValidatorRule(BaseModel):
    """A validator as a field configuration names it: `"not_empty"` or `{"Name": "pattern", "Pattern": …}`."""

    model_config = ConfigDict(
        frozen=True, extra="allow", alias_generator=to_pascal, validate_by_name=True, validate_by_alias=True
    )

    name: str

    @model_validator(mode="after")
    def _is_known_with_its_parameters(self) -> Self:
        if self.name not in VALIDATORS:
            known = ", ".join(sorted(VALIDATORS))
            raise ValueError(
                f"unknown validator {self.name!r}; known: {known}{nearest(self.name, VALIDATORS)}"
            )
        try:
            self.parameters()
        except ValidationError as error:
            problems = (
                f"{'.'.join(map(str, one['loc']))} {one['msg'].removeprefix('Value error, ')}".strip()
                for one in error.errors()
            )
            raise ValueError(f"validator {self.name!r}: {'; '.join(problems)}") from error
        return self

    def parameters(self) -> _Parameters:
        """The parameters, parsed."""
        return VALIDATORS[self.name][0].model_validate(self.model_extra or {})

    def short(self) -> str | dict[str, Any]:
        """As the configuration writes it: the bare name where there are no parameters."""
        return {"Name": self.name, **(self.model_extra or {})} if self.model_extra else self.name


def judge(rules: Iterable[ValidatorRule], text: str, normalized: Normalized) -> tuple[Verdict, ...]:
    """What each rule says about a value."""
    verdicts = []
    for rule in rules:
        check = VALIDATORS[rule.name][1]
        is_unset = not text.strip() and rule.name != "not_empty"
        message = "" if is_unset else check(rule.parameters(), text, normalized)
        verdicts.append(Verdict(validator=rule.name, passed=not message, message=message))
    return tuple(verdicts)


def _first_day(value: str | None) -> date | None:
    """The day, or the first of the month where only that is known."""
    try:
        return date.fromisoformat(value if value and len(value) > 7 else f"{value}-01")
    except ValueError:
        return None


def _last_day(value: str | None, first: date) -> date:
    if value and len(value) > 7:
        return first
    return first.replace(day=monthrange(first.year, first.month)[1])


# --- patterns that cannot run away -------------------------------------------------------------------


def refuse_slow_pattern(pattern: str) -> None:
    """ValueError for a pattern that is not valid, or that could try too many ways to match a text."""
    try:
        parsed = _parser.parse(pattern)
    except re.error as error:
        raise ValueError(f"pattern {pattern!r} is not a regular expression: {error}") from error
    if _ways(parsed) > MAX_WAYS:
        raise ValueError(
            f"pattern {pattern!r} could take too long: use fixed counts instead of nested or many '*', '+'"
        )


def _ways(node: Any) -> int:
    """An upper bound on the ways in which a backtracking matcher can go through a parsed pattern."""
    ways = 1
    for operator, argument in node:
        ways = min(MAX_WAYS + 1, ways * _ways_of(str(operator), argument))
    return ways


def _ways_of(operator: str, argument: Any) -> int:
    if operator in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
        least, most, body = argument
        return _ways_of_repeat(int(least), min(int(most), MAX_PATTERN_TEXT), _ways(body))
    if operator == "BRANCH":
        return sum(_ways(branch) for branch in argument[1])
    parts = argument if isinstance(argument, tuple) else (argument,)
    ways = 1
    for part in parts:
        ways *= _ways(part) if isinstance(part, _parser.SubPattern) else 1
    return ways


def _ways_of_repeat(least: int, most: int, ways: int) -> int:
    if ways == 1:
        return max(1, most - least + 1)
    total = 0
    for count in range(least, most + 1):
        total += ways**count
        if total > MAX_WAYS:
            break
    return max(1, total)
