"""Rules that values must keep, by name. A broken rule sends the document to a person and says why.

`values` has the rules for one value, `rules` those between fields, `patterns` what keeps an operator's
regular expression from hanging a document. Nothing here repairs or changes a value.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_pascal

from recto.normalise import Normalized
from recto.validators.named import NamedRule
from recto.validators.patterns import MAX_PATTERN, MAX_PATTERN_TEXT, refuse_slow_pattern
from recto.validators.rules import RULES, CrossFieldRule, Outcome, RuleVerdict, Said, judge_together
from recto.validators.values import VALIDATORS, Judged


class Verdict(BaseModel):
    """What one rule says about one value."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_pascal,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
    )

    validator: str
    passed: bool
    message: str = ""
    """Why it did not pass; empty when it did."""


class ValidatorRule(NamedRule):
    """A validator as a field configuration names it: `"not_empty"` or `{"Name": "pattern", "Pattern": …}`."""

    WHAT: ClassVar[str] = "validator"

    @classmethod
    def table(cls) -> Mapping[str, tuple[type[BaseModel], Any]]:
        return VALIDATORS


def judge(
    rules: Iterable[ValidatorRule], text: str, normalized: Normalized, reference: date | None = None
) -> tuple[Verdict, ...]:
    """What each rule says about a value; `reference` is the day on which the document was read."""
    seen = Judged(text, normalized, reference)
    verdicts = []
    for rule in rules:
        is_unset = not text.strip() and rule.name != "not_empty"
        message = "" if is_unset else VALIDATORS[rule.name][1](rule.parameters(), seen)
        verdicts.append(Verdict(validator=rule.name, passed=not message, message=message))
    return tuple(verdicts)


__all__ = [
    "MAX_PATTERN",
    "MAX_PATTERN_TEXT",
    "RULES",
    "VALIDATORS",
    "CrossFieldRule",
    "Outcome",
    "RuleVerdict",
    "Said",
    "ValidatorRule",
    "Verdict",
    "judge",
    "judge_together",
    "refuse_slow_pattern",
]
