"""The fields a business asks for, as the operator configures them. Not what was found in a document.

The JSON is the list that users of the reference already have (`EntityConfiguration`, PascalCase), with
`Type`, `ReviewThreshold`, `Normalizer`, `Validators`, `Rules` (between fields) and conventions such as
`DateOrder` added. A key that nobody knows is refused by
name: a misspelt `Optinal` must not silently make a field required.
"""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import StrEnum
from functools import cached_property
from typing import Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_serializer,
    field_validator,
    model_validator,
)
from pydantic.alias_generators import to_pascal

from recto.errors import FieldConfigurationError
from recto.normalise import NORMALIZERS, Conventions, DateOrder, Normalized, normalise
from recto.suggestions import nearest
from recto.validators import CrossFieldRule, ValidatorRule

OTHER = "other"
"""The label of words that belong to no field; its class id is the number of fields."""


class Select(StrEnum):
    """Which of several values of one field is taken; no selector at all means: all of them."""

    CONFIDENCE = "confidence"
    FIRST = "first"
    LAST = "last"
    LONGEST = "longest"
    SHORTEST = "shortest"


class FieldType(StrEnum):
    """What kind of thing the text of a field says."""

    TEXT = "text"
    DATE = "date"
    MONEY = "money"
    PERCENTAGE = "percentage"
    NUMBER = "number"
    DURATION = "duration"
    ADDRESS = "address"
    COMPANY = "company"
    PERSON = "person"
    EMAIL = "email"
    PHONE = "phone"
    IDENTIFIER = "identifier"


DATES = frozenset({"date", "date_day_first"})
NUMBERS = frozenset({"money", "number", "percentage"})
"""Normalisers by what their values can be compared as."""
CONVENTIONS: Mapping[str, frozenset[str]] = {
    "date_order": DATES,
    "two_digit_years_from": DATES,
    "decimal_mark": NUMBERS,
    "currency": frozenset({"money"}),
    "country": frozenset({"address", "phone"}),
}
"""How a field is written, and the normalisers that look at it."""


class FieldConfiguration(BaseModel):
    """One field: a class of the word model, and what is to be made of its words."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_pascal, validate_by_name=True, validate_by_alias=True
    )

    class_id: int = Field(ge=0)
    name: str = Field(min_length=1)
    ignore: bool | None = None
    """The model is trained on it all the same; it is not reported."""
    optional: bool | None = None
    """Not finding it does not lower the document's confidence."""
    select: Select | None = None
    """None: multi-valued."""
    annotation_guidance: str | None = None
    """HTML for annotators."""
    normalizer_endpoint: str | None = None
    normalizer_prompt: str | None = None
    type: FieldType | None = None
    review_threshold: float | None = Field(default=None, ge=0, le=1)
    """Set by hand; overrides the release's."""
    normalizer: str | None = None
    """Name of a normaliser in `recto.normalise`, where the one of the type does not fit."""
    validators: tuple[ValidatorRule, ...] | None = None
    """What each value must keep."""
    rules: tuple[CrossFieldRule, ...] | None = None
    """What the field owes to others."""
    date_order: DateOrder | None = None
    """Without it, dates with two readings go to a person."""
    two_digit_years_from: int | None = Field(default=None, ge=1000, le=9900)
    """First of the hundred years that a two-digit year can mean; 1970."""
    decimal_mark: Literal[".", ","] | None = None
    """Without it, numbers with two readings go to a person."""
    currency: str | None = Field(default=None, pattern="^[A-Z]{3}$")
    """What `$` or `kr` mean here."""
    country: str | None = Field(default=None, pattern="^[A-Z]{2}$")

    @field_validator("select", mode="before")
    @classmethod
    def _select_in_any_case(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @field_validator("normalizer")
    @classmethod
    def _known_normalizer(cls, value: str | None) -> str | None:
        if value is not None and value not in NORMALIZERS:
            known = ", ".join(sorted(NORMALIZERS))
            raise ValueError(f"unknown normalizer {value!r}{nearest(value, NORMALIZERS)}; known: {known}")
        return value

    @field_validator("validators", "rules", mode="before")
    @classmethod
    def _rules_by_name(cls, value: object) -> object:
        if isinstance(value, list | tuple):
            return [{"Name": item} if isinstance(item, str) else item for item in value]
        return value

    @model_validator(mode="after")
    def _endpoint_and_prompt_together(self) -> Self:
        if (self.normalizer_endpoint is None) != (self.normalizer_prompt is None):
            raise ValueError("NormalizerEndpoint and NormalizerPrompt come together or not at all")
        return self

    @model_validator(mode="after")
    def _conventions_fit(self) -> Self:
        for name, normalizers in CONVENTIONS.items():
            if getattr(self, name) is not None and self.normalizer_name not in normalizers:
                kinds = " or ".join(sorted(normalizers))
                raise ValueError(f"{to_pascal(name)} is for {kinds}, the field is {self.normalizer_name}")
        return self

    @field_serializer("validators", "rules")
    def _rules_in_short(self, rules: tuple[ValidatorRule | CrossFieldRule, ...] | None) -> list[Any] | None:
        return None if rules is None else [rule.short() for rule in rules]

    @property
    def kind(self) -> FieldType:
        """The type; text where none is configured."""
        return self.type or FieldType.TEXT

    @property
    def is_required(self) -> bool:
        return not self.optional

    @property
    def is_multi_valued(self) -> bool:
        return self.select is None

    @property
    def normalizer_name(self) -> str:
        """The normaliser to use: the configured one, else that of the type."""
        return self.normalizer or self.kind.value

    @cached_property
    def conventions(self) -> Conventions:
        """How the field's values are written, as far as the operator said."""
        told = {name: getattr(self, name) for name in CONVENTIONS}
        return Conventions(**{name: value for name, value in told.items() if value is not None})

    def normalise(self, text: str) -> Normalized:
        """A value of the field, understood."""
        return normalise(text, self.normalizer_name, self.conventions)


class FieldList(BaseModel):
    """All fields of a release, in the order in which they are configured and reported."""

    model_config = ConfigDict(frozen=True)

    fields: tuple[FieldConfiguration, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        faults = _faults_together([(field.name, field.class_id) for field in self.fields])
        if faults := faults + _faults_of_rules(self.fields, {field.name for field in self.fields}):
            raise ValueError("; ".join(faults))
        return self

    def __len__(self) -> int:
        return len(self.fields)

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def __getitem__(self, name: str) -> FieldConfiguration:
        """The field of that name, ignored ones included; KeyError for none."""
        return self._by_name[name]

    @cached_property
    def _by_name(self) -> dict[str, FieldConfiguration]:
        return {field.name: field for field in self.fields}

    @cached_property
    def by_class(self) -> dict[int, FieldConfiguration]:
        """Class id to field, in the order of the ids."""
        return {field.class_id: field for field in sorted(self.fields, key=lambda field: field.class_id)}

    @property
    def other_class(self) -> int:
        """The class id that means: no field."""
        return len(self.fields)

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The model's labels by class id; the last one is 'other'."""
        return (*(field.name for field in self.by_class.values()), OTHER)

    @cached_property
    def active(self) -> tuple[FieldConfiguration, ...]:
        """The fields that are reported; a field's index here is its SortOrder."""
        return tuple(field for field in self.fields if not field.ignore)

    @cached_property
    def active_by_class(self) -> dict[int, FieldConfiguration]:
        """Class id to field for the fields that are reported."""
        return {field.class_id: field for field in self.active}

    @cached_property
    def sort_orders(self) -> dict[str, int]:
        """Name to SortOrder."""
        return {field.name: index for index, field in enumerate(self.active)}


def field_list(fields: Iterable[FieldConfiguration]) -> FieldList:
    """The list of these fields; FieldConfigurationError where they do not go together."""
    try:
        return FieldList(fields=tuple(fields))
    except ValidationError as error:
        raise FieldConfigurationError(f"field list: {_in_words(error)}") from error


def parse_fields(source: str | bytes | Iterable[Mapping[str, Any]]) -> FieldList:
    """Fields from JSON text, or from the list already decoded.

    FieldConfigurationError tells all faults at once, each with the field's name.
    """
    entries = _entries(source)
    read = [_read_field(index, entry) for index, entry in enumerate(entries)]
    if faults := _all_faults(entries, read):
        raise FieldConfigurationError("; ".join(faults))
    return FieldList(fields=tuple(field for field, _ in read if field))


def field_faults(source: str | bytes | Iterable[Mapping[str, Any]]) -> list[str]:
    """Everything that `parse_fields` would refuse, one sentence each; empty for a good list."""
    try:
        entries = _entries(source)
    except FieldConfigurationError as error:
        return [str(error)]
    return _all_faults(entries, [_read_field(index, entry) for index, entry in enumerate(entries)])


def dump_fields(fields: FieldList) -> list[dict[str, Any]]:
    """The JSON list that `parse_fields` reads: PascalCase, keys that are not set left out."""
    return [field.model_dump(mode="json", by_alias=True, exclude_none=True) for field in fields.fields]


# --- what is wrong with a list, all of it at once -----------------------------------------------------

_Read = tuple[FieldConfiguration | None, list[str]]
"""A field, or what is wrong with it."""


def _entries(source: str | bytes | Iterable[Mapping[str, Any]]) -> list[Any]:
    entries: Any = _decoded(source) if isinstance(source, str | bytes) else source
    if not isinstance(entries, Iterable) or isinstance(entries, Mapping | str | bytes):
        raise FieldConfigurationError(f"field list: expected a JSON list, seen {type(entries).__name__}")
    return list(entries)


def _decoded(text: str | bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise FieldConfigurationError(f"field list is not JSON: {error}") from error
    except RecursionError as error:
        raise FieldConfigurationError("field list: nested too deeply for a list of fields") from error


def _read_field(index: int, entry: Any) -> _Read:
    try:
        return FieldConfiguration.model_validate(entry, by_alias=True, by_name=False), []
    except ValidationError as error:
        name = entry.get("Name") if isinstance(entry, Mapping) else None
        who = f"field {name!r}" if name else f"field number {index + 1}"
        return None, [f"{who}: {clause}" for clause in _clauses(error)]


def _all_faults(entries: Sequence[Any], read: Iterable[_Read]) -> list[str]:
    """The faults of each field, then those of the fields together, as far as these can be read."""
    faults = [fault for _, faults in read for fault in faults]
    if not entries:
        return ["field list: expected at least 1 field, seen none"]
    known = [_name_and_id(entry) for entry in entries]
    faults += [f"field list: {fault}" for fault in _faults_together(known)]
    names = {name for name, _ in known if name}
    return faults + _faults_of_rules([field for field, _ in read if field], names)


def _name_and_id(entry: Any) -> tuple[str | None, int | None]:
    if not isinstance(entry, Mapping):
        return None, None
    name, class_id = entry.get("Name"), entry.get("ClassId")
    is_id = isinstance(class_id, int) and not isinstance(class_id, bool) and class_id >= 0
    return name if isinstance(name, str) and name else None, class_id if is_id else None


def _faults_together(known: Sequence[tuple[str | None, int | None]]) -> list[str]:
    """Repeated names and class ids, and gaps; an entry that could not be read counts as neither."""
    names = Counter(name for name, _ in known if name is not None)
    faults = [f"Name used more than once: {name}" for name, count in names.items() if count > 1]
    by_id: dict[int, list[str]] = {}
    for name, class_id in known:
        if class_id is not None:
            by_id.setdefault(class_id, []).append(repr(name) if name else "a field without a name")
    for class_id, holders in sorted(by_id.items()):
        if len(holders) > 1:
            faults.append(f"ClassId used more than once: {class_id} ({', '.join(holders)})")
    return faults + _gaps(by_id, len(known), all(class_id is not None for _, class_id in known))


def _faults_of_rules(fields: Sequence[FieldConfiguration], names: Collection[str]) -> list[str]:
    """Rules that name a field that is not there, not reported, of another kind, or the rule's own."""
    by_name = {field.name: field for field in fields}
    faults = []
    for field in fields:
        for rule in field.rules or ():
            problems = [_fault_of_own(field, rule)]
            problems += [_fault_of_other(field, other, rule, by_name, names) for other in rule.others]
            faults += [f"field {field.name!r}: rule {rule.name!r} {one}" for one in problems if one]
    return faults


def _fault_of_own(field: FieldConfiguration, rule: CrossFieldRule) -> str:
    if field.ignore:
        return "is of a field that is ignored and so never has a value"
    return _fault_of_kind(field, rule)


def _fault_of_other(
    field: FieldConfiguration,
    other: str,
    rule: CrossFieldRule,
    by_name: Mapping[str, FieldConfiguration],
    names: Collection[str],
) -> str:
    if other == field.name:
        return "names the field itself"
    if other not in names:
        return f"names {other!r}, which is no field{nearest(other, names)}"
    if other not in by_name:
        return ""  # the field has faults of its own
    is_ignored = by_name[other].ignore
    return f"names {other!r}, which is ignored" if is_ignored else _fault_of_kind(by_name[other], rule)


def _fault_of_kind(field: FieldConfiguration, rule: CrossFieldRule) -> str:
    wanted = {"date": DATES, "number": NUMBERS}.get(rule.wants)
    if wanted is None or field.normalizer_name in wanted:
        return ""
    return f"compares {rule.wants}s, but {field.name!r} is {field.normalizer_name}"


def _gaps(by_id: Mapping[int, list[str]], count: int, is_complete: bool) -> list[str]:
    """That the ids do not run from 0 on; not asked where an id is missing, which is a fault of its own."""
    missing = [str(number) for number in range(count) if number not in by_id]
    past = [f"{number} ({', '.join(by_id[number])})" for number in sorted(by_id) if number >= count]
    if not is_complete or not past:
        return []
    expected = f"ClassId must run from 0 to {count - 1} without gaps"
    return [f"{expected}, missing {', '.join(missing)}, seen instead {', '.join(past)}"]


def _in_words(error: ValidationError) -> str:
    return "; ".join(_clauses(error))


def _clauses(error: ValidationError) -> list[str]:
    """What is wrong, one clause per problem, each with its key."""
    clauses = []
    for problem in error.errors():
        key = ".".join(str(part) for part in problem["loc"])
        if problem["type"] == "extra_forbidden":
            clauses.append(f"unknown key {key!r}{nearest(key, _KEYS)}")
        elif problem["type"] == "missing":
            clauses.append(f"key {key!r} is missing")
        else:
            message = problem["msg"].removeprefix("Value error, ")
            clauses.append(f"{key}: {message}" if key else message)
    return clauses


_KEYS = tuple(to_pascal(name) for name in FieldConfiguration.model_fields)
