"""Rules between the fields of a document: sums, order of dates, equality, what excludes what.

A rule belongs to one field and names the others. It is `not applicable` where a field that it needs was not
found or could not be read as a number or date: whether a field may be missing is its `Optional`, whether
it must be understood the validator `understood`. Every field that takes part is told when a rule is broken.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from itertools import product
from typing import Any, ClassVar, Final, NamedTuple

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_pascal

from recto.normalise import Normalized, first_and_last_day
from recto.validators.named import NamedRule
from recto.validators.values import Parameters


class Outcome(StrEnum):
    """What became of a rule."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_APPLICABLE = "not_applicable"


class RuleVerdict(BaseModel):
    """What one rule says about the fields of one document."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_pascal,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
    )

    rule: str
    field: str
    """To which the rule belongs."""
    fields: tuple[str, ...]
    """All that take part, the rule's own first."""
    outcome: Outcome
    message: str = ""
    """Why it failed or does not apply; empty when it passed."""


class Said(NamedTuple):
    """One value of a field."""

    text: str
    normalized: Normalized


class Own(NamedTuple):
    """A field with its values."""

    name: str
    values: Sequence[Said]


class RuleParameters(Parameters):
    """What all rules have: the names of other fields."""

    wants: ClassVar[str] = ""
    """`date` or `number` where only such fields can be compared."""

    @property
    def others(self) -> tuple[str, ...]:
        """The fields that are named, in their order."""
        raise NotImplementedError


class OneField(RuleParameters):
    """Another field."""

    field: str

    @property
    def others(self) -> tuple[str, ...]:
        return (self.field,)


class SeveralFields(RuleParameters):
    """Other fields."""

    fields: tuple[str, ...] = Field(min_length=1)

    @property
    def others(self) -> tuple[str, ...]:
        return self.fields


class Sum(SeveralFields):
    """The fields to add up, those to take off, and by how much the sum may differ."""

    wants: ClassVar[str] = "number"
    minus: tuple[str, ...] = ()
    tolerance: Decimal = Field(default=Decimal("0.01"), ge=0)

    @property
    def others(self) -> tuple[str, ...]:
        return (*self.fields, *self.minus)


class OtherDate(OneField):
    """A date to compare with; the same day is allowed unless `AllowSame` is false."""

    wants: ClassVar[str] = "date"
    allow_same: bool = True


class OtherNumber(OneField):
    """A number to compare with, and by how much the comparison may fail."""

    wants: ClassVar[str] = "number"
    tolerance: Decimal = Field(default=Decimal(0), ge=0)


class Condition(OneField):
    """A field whose presence, or one of whose values, makes the rule's own field required."""

    values: tuple[str, ...] = ()


Found = Mapping[str, Sequence[Said]]
"""Field name to its values; none where nothing was found."""
Judgement = tuple[Outcome, str]
PASSED: Final[Judgement] = (Outcome.PASSED, "")


class _Unusable(Exception):  # noqa: N818  # never leaves this module
    """A value that a rule cannot use, in words."""


def _failed(message: str) -> Judgement:
    return Outcome.FAILED, message


def _does_not_apply(message: str) -> Judgement:
    return Outcome.NOT_APPLICABLE, message


def _missing(found: Found, *names: str) -> str:
    """That fields were not found, in words; empty where all were."""
    absent = [name for name in names if not found.get(name)]
    return f"{', '.join(absent)}: not found" if absent else ""


def _amount(name: str, said: Said) -> Decimal:
    if len(said.normalized.amounts) != 1:
        raise _Unusable(f"{name} {said.text!r} is not one number")
    return said.normalized.amounts[0]


def _sum_of(rule: Sum, own: Own, found: Found) -> Judgement:
    present = [name for name in rule.others if found.get(name)]
    if not own.values or not present:
        return _does_not_apply(_missing(found, own.name, *rule.others))
    currencies = {c for name in (own.name, *present) for said in found[name] if (c := _currency(said))}
    if len(currencies) > 1:
        return _failed(f"different currencies: {', '.join(sorted(currencies))}")
    signs = {name: -1 if name in rule.minus else 1 for name in present}
    total = sum((signs[n] * _amount(n, said) for n in present for said in found[n]), Decimal(0))
    wrong = [said for said in own.values if abs(_amount(own.name, said) - total) > rule.tolerance]
    if not wrong:
        return PASSED
    if missing := _missing(found, *rule.others):
        return _does_not_apply(missing)
    seen = _amount(own.name, wrong[0])
    return _failed(
        f"{own.name} is {seen}, but {_in_terms(present, signs, found)} is {total} (difference {seen - total})"
    )


def _in_terms(names: Sequence[str], signs: Mapping[str, int], found: Found) -> str:
    """`Subtotal 8.00 + Tax 1.00`, a field with several values as `Line 1 + 2 + 5`."""
    terms = ""
    for name in names:
        numbers = [str(_amount(name, said)) for said in found[name]]
        text = f"{name} {' + '.join(numbers[:6])}{' + …' if len(numbers) > 6 else ''}"
        joint = " - " if signs[name] < 0 else " + "
        terms += (joint if terms else joint.strip(" +")) + text
    return terms


def _currency(said: Said) -> str:
    last = (said.normalized.value or "").rsplit(" ", 1)[-1]
    return last if len(last) == 3 and last.isalpha() and last.isupper() else ""


def _in_order(earlier: tuple[str, Said], later: tuple[str, Said], allow_same: bool) -> str:
    """That two dates are in the wrong order; only what is certain, where a day or month is open."""
    spans = [first_and_last_day(said.normalized.value) for _, said in (earlier, later)]
    for span, (name, said) in zip(spans, (earlier, later), strict=True):
        if span is None:
            raise _Unusable(f"{name} {said.text!r} is not a date")
    (first, _), (_, last) = spans[0] or (), spans[1] or ()  # type: ignore[misc]  # both are there
    if first < last or (allow_same and first == last):
        return ""
    return f"{later[0]} {later[1].normalized.value} is not after {earlier[0]} {earlier[1].normalized.value}"


def _not_before(rule: OtherDate, own: Own, found: Found) -> Judgement:
    return _for_each_pair(
        rule,
        own,
        found,
        lambda mine, other: _in_order((rule.field, other), (own.name, mine), rule.allow_same),
    )


def _not_after(rule: OtherDate, own: Own, found: Found) -> Judgement:
    return _for_each_pair(
        rule,
        own,
        found,
        lambda mine, other: _in_order((own.name, mine), (rule.field, other), rule.allow_same),
    )


def _for_each_pair(rule: OneField, own: Own, found: Found, fault: Callable[[Said, Said], str]) -> Judgement:
    """Each value of one field against each of the other."""
    if missing := _missing(found, own.name, rule.field):
        return _does_not_apply(missing)
    faults = (fault(mine, other) for mine, other in product(own.values, found[rule.field]))
    message = next((one for one in faults if one), "")
    return _failed(message) if message else PASSED


def _not_less_than(rule: OtherNumber, own: Own, found: Found) -> Judgement:
    def fault(mine: Said, other: Said) -> str:
        left, right = _amount(own.name, mine), _amount(rule.field, other)
        return f"{own.name} {left} is less than {rule.field} {right}" if left + rule.tolerance < right else ""

    return _for_each_pair(rule, own, found, fault)


def _not_more_than(rule: OtherNumber, own: Own, found: Found) -> Judgement:
    def fault(mine: Said, other: Said) -> str:
        left, right = _amount(own.name, mine), _amount(rule.field, other)
        return f"{own.name} {left} is more than {rule.field} {right}" if left > right + rule.tolerance else ""

    return _for_each_pair(rule, own, found, fault)


def _equal_to(rule: OneField, own: Own, found: Found) -> Judgement:
    if missing := _missing(found, own.name, rule.field):
        return _does_not_apply(missing)
    mine, theirs = ({said.normalized.key for said in values} for values in (own.values, found[rule.field]))
    if mine == theirs:
        return PASSED
    return _failed(
        f"{own.name} {_texts(own.values)} is not the same as {rule.field} {_texts(found[rule.field])}"
    )


def _texts(values: Sequence[Said]) -> str:
    return ", ".join(repr(" ".join((said.normalized.value or said.text).split())) for said in values[:5])


def _required_if(rule: Condition, own: Own, found: Found) -> Judgement:
    others = found.get(rule.field, ())
    wanted = {value.casefold() for value in rule.values}
    met = [
        s for s in others if not wanted or {s.text.casefold(), (s.normalized.value or "").casefold()} & wanted
    ]
    if not met:
        return _does_not_apply(f"{rule.field}: {'not one of the values' if others else 'not found'}")
    return PASSED if own.values else _failed(f"{own.name} is missing, but {rule.field} is {_texts(met)}")


def _at_least_one_of(rule: SeveralFields, own: Own, found: Found) -> Judgement:
    names = (own.name, *rule.fields)
    return (
        PASSED if any(found.get(name) for name in names) else _failed(f"none of {', '.join(names)} was found")
    )


def _exclusive_with(rule: SeveralFields, own: Own, found: Found) -> Judgement:
    present = [name for name in (own.name, *rule.fields) if found.get(name)]
    if not own.values or len(present) < 2:
        return PASSED
    return _failed(f"only one of {', '.join(present)} can be there")


Check = Callable[[Any, Own, Found], Judgement]
RULES: Final[Mapping[str, tuple[type[RuleParameters], Check]]] = {
    "at_least_one_of": (SeveralFields, _at_least_one_of),
    "equal_to": (OneField, _equal_to),
    "exclusive_with": (SeveralFields, _exclusive_with),
    "not_after": (OtherDate, _not_after),
    "not_before": (OtherDate, _not_before),
    "not_less_than": (OtherNumber, _not_less_than),
    "not_more_than": (OtherNumber, _not_more_than),
    "required_if": (Condition, _required_if),
    "sum_of": (Sum, _sum_of),
}
"""Name to the parameters it takes and the check it makes."""


class CrossFieldRule(NamedRule):
    """A rule of a field about others: `{"Name": "sum_of", "Fields": ["Subtotal", "Tax"]}`."""

    WHAT: ClassVar[str] = "rule"

    @classmethod
    def table(cls) -> Mapping[str, tuple[type[BaseModel], Any]]:
        return RULES

    @property
    def others(self) -> tuple[str, ...]:
        """The other fields that it names."""
        named: RuleParameters = self.parameters()
        return named.others

    @property
    def wants(self) -> str:
        """`date` or `number` where only such fields can take part; else empty."""
        return RULES[self.name][0].wants


def judge_together(rules: Iterable[tuple[str, CrossFieldRule]], found: Found) -> tuple[RuleVerdict, ...]:
    """What each rule, given with the field it belongs to, says about the values of a document."""
    verdicts = []
    for name, rule in rules:
        try:
            outcome, message = RULES[rule.name][1](rule.parameters(), Own(name, found.get(name, ())), found)
        except _Unusable as error:
            outcome, message = _does_not_apply(str(error))
        fields = tuple(dict.fromkeys((name, *rule.others)))
        verdicts.append(
            RuleVerdict(rule=rule.name, field=name, fields=fields, outcome=outcome, message=message)
        )
    return tuple(verdicts)
