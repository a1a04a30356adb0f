"""The fields a business asks for, as the operator configures them. Not what was found in a document.

The JSON is the list that users of the reference already have (`EntityConfiguration`, PascalCase), with
`Type`, `ReviewThreshold`, `Normalizer` and `Validators` added. A key that nobody knows is refused by
name: a misspelt `Optinal` must not silently make a field required.
"""

import json
from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import cached_property
from typing import Any, Self

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
from recto.normalise import NORMALIZERS
from recto.validators import ValidatorRule

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

    @field_validator("select", mode="before")
    @classmethod
    def _select_in_any_case(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @field_validator("normalizer")
    @classmethod
    def _known_normalizer(cls, value: str | None) -> str | None:
        if value is not None and value not in NORMALIZERS:
            raise ValueError(f"unknown normalizer {value!r}; known: {', '.join(sorted(NORMALIZERS))}")
        return value

    @field_validator("validators", mode="before")
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

    @field_serializer("validators")
    def _rules_in_short(self, rules: tuple[ValidatorRule, ...] | None) -> list[Any] | None:
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


class FieldList(BaseModel):
    """All fields of a release, in the order in which they are configured and reported."""

    model_config = ConfigDict(frozen=True)

    fields: tuple[FieldConfiguration, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _ids_and_names_are_unique(self) -> Self:
        _refuse_repeats("Name", [field.name for field in self.fields])
        _refuse_repeats("ClassId", [field.class_id for field in self.fields])
        ids = sorted(field.class_id for field in self.fields)
        if ids != list(range(len(ids))):
            raise ValueError(f"ClassId must run from 0 to {len(ids) - 1} without gaps, seen {ids}")
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
    """Fields from JSON text, or from the list already decoded."""
    entries: Any = _decoded(source) if isinstance(source, str | bytes) else source
    if not isinstance(entries, Iterable) or isinstance(entries, Mapping | str | bytes):
        raise FieldConfigurationError(f"field list: expected a JSON list, seen {type(entries).__name__}")
    return field_list(_parse_field(index, entry) for index, entry in enumerate(entries))


def dump_fields(fields: FieldList) -> list[dict[str, Any]]:
    """The JSON list that `parse_fields` reads: PascalCase, keys that are not set left out."""
    return [field.model_dump(mode="json", by_alias=True, exclude_none=True) for field in fields.fields]


def _decoded(text: str | bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise FieldConfigurationError(f"field list is not JSON: {error}") from error


def _parse_field(index: int, entry: Mapping[str, Any]) -> FieldConfiguration:
    try:
        return FieldConfiguration.model_validate(entry, by_alias=True, by_name=False)
    except ValidationError as error:
        name = entry.get("Name") if isinstance(entry, Mapping) else None
        who = f"field {name!r}" if name else f"field number {index + 1}"
        raise FieldConfigurationError(f"{who}: {_in_words(error)}") from error


def _in_words(error: ValidationError) -> str:
    """What is wrong, one clause per problem, each with its key."""
    clauses = []
    for problem in error.errors():
        key = ".".join(str(part) for part in problem["loc"])
        if problem["type"] == "extra_forbidden":
            clauses.append(f"unknown key {key!r}")
        elif problem["type"] == "missing":
            clauses.append(f"key {key!r} is missing")
        else:
            message = problem["msg"].removeprefix("Value error, ")
            clauses.append(f"{key}: {message}" if key else message)
    return "; ".join(clauses)


def _refuse_repeats(what: str, values: list[Any]) -> None:
    repeated = sorted({value for value in values if values.count(value) > 1})
    if repeated:
        raise ValueError(f"{what} used more than once: {', '.join(str(value) for value in repeated)}")
