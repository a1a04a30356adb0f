"""What is still wrong with a reviewer's answer, said while it is typed and before it is taken. No browser.

The verdict is the pipeline's own: the answer is applied to the result as it will be (`apply_answers`), and
the fields' normalisers, validators and rules say what they say of it. Nothing here changes a value.

A value that breaks a rule may be right all the same ("it is printed so"): `field-confirmed-F`, with the
reason as text, lets it through. The rules between fields are let through by any field that takes part.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from recto.errors import FieldConfigurationError
from recto.fields import FieldConfiguration, FieldList, Select, field_list
from recto.results import DocumentResult, FieldResult, Value
from recto.review import (
    CONFIRMED,
    MULTI_VALUE,
    PRESENT,
    VALUE,
    FieldAnswer,
    ReviewAnswer,
    apply_answers,
    parse_answer,
)
from recto.validators import RuleVerdict

OF_FIELDS = (PRESENT, VALUE, MULTI_VALUE, "store")
MAX_VALUE = 10_000
"""Characters of one value: more is a page that was pasted."""
MAX_VALUES = 1_000
"""Values of one field."""
MOST_NAMED = 8


class _Checked(BaseModel):
    model_config = ConfigDict(frozen=True, defer_build=True)


class CheckedValue(_Checked):
    """One value as the pipeline understands it."""

    value: str
    normalized: str | None
    alternatives: tuple[str, ...] = ()
    """Its other readings, in normal form."""
    flags: tuple[str, ...] = ()
    parsed: bool
    failed: tuple[str, ...] = ()
    """What the validators have against it."""


class CheckedField(_Checked):
    """One field with its values as they would be published."""

    values: tuple[CheckedValue, ...] = ()
    failed_rules: tuple[str, ...] = ()
    missing: bool = False
    """Required, and neither a value nor the word that the document does not have it."""


class Problem(_Checked):
    """Why an answer cannot be taken as it is."""

    field: str | None
    message: str


class AnswerCheck(_Checked):
    """An answer judged."""

    fields: Mapping[str, CheckedField]
    problems: tuple[Problem, ...] = ()

    @property
    def is_complete(self) -> bool:
        return not self.problems


def fields_of_task(task: Mapping[str, Any], result: DocumentResult) -> FieldList:
    """The fields that a task asks about; what its result has, where a task of others does not say more.

    FieldConfigurationError for a configuration that cannot be read.
    """
    told = task.get("FieldConfiguration")
    fields = [_told_field(entry) for entry in told] if isinstance(told, list) and told else []
    known = {field.name for field in fields}
    fields += [_field_of(name, one) for name, one in result.fields.items() if name not in known]
    # Fields that are ignored are not in a task, so the class ids that are there have gaps.
    return field_list(field.model_copy(update={"class_id": i}) for i, field in enumerate(fields))


def _told_field(entry: Any) -> FieldConfiguration:
    try:
        return FieldConfiguration.model_validate(entry, by_alias=True, by_name=False)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise FieldConfigurationError(f"field configuration of a task: {where}: {first['msg']}") from error


def _field_of(name: str, one: FieldResult) -> FieldConfiguration:
    select = None if one.is_multi_valued else Select.CONFIDENCE
    return FieldConfiguration(
        class_id=one.class_id, name=name, type=one.type, optional=one.optional, select=select
    )


def check_answer(answer: Mapping[str, Any], result: DocumentResult, fields: FieldList) -> AnswerCheck:
    """What the pipeline makes of an answer; ReviewFailedError for one that it could not read at all."""
    result = _with_all_fields(result, fields)
    given = _given(as_taken(answer), fields)
    confirmed = frozenset(name for name, one in given.items() if one.confirmed)
    held = {name: _bounded(one, fields[name]) for name, one in given.items()}
    reviewed = apply_answers(result, [ReviewAnswer("", held)], fields)
    checked = {field.name: _checked(field, reviewed.fields[field.name]) for field in fields.active}
    problems = [
        problem
        for field in fields.active
        for problem in _problems(
            field, checked[field.name], given.get(field.name), result.fields[field.name], confirmed
        )
    ]
    return AnswerCheck(
        fields=checked, problems=(*problems, *_problems_of_rules(reviewed.fields.values(), confirmed))
    )


def _with_all_fields(result: DocumentResult, fields: FieldList) -> DocumentResult:
    """The result with a place for each field: a task may leave out what was not found."""
    missing = {
        field.name: _nothing(field, number)
        for number, field in enumerate(fields.active)
        if field.name not in result.fields
    }
    return result.model_copy(update={"fields": {**result.fields, **missing}}) if missing else result


def _nothing(field: FieldConfiguration, number: int) -> FieldResult:
    content: dict[str, Any] = {"values": ()} if field.is_multi_valued else {"value": "", "detections": ()}
    return FieldResult(
        class_id=field.class_id,
        confidence=0.0,
        num_detections=0,
        num_detected_values=0,
        sort_order=number,
        type=field.kind,
        optional=field.optional,
        **content,
    )


def _given(answer: Mapping[str, Any], fields: FieldList) -> dict[str, FieldAnswer]:
    """What the answer says of fields; nothing yet is no fault while somebody types."""
    return parse_answer(answer, fields) if is_about_a_field(answer) else {}


def is_about_a_field(answer: Mapping[str, Any]) -> bool:
    """Whether anything is said; the pipeline refuses an answer that says nothing."""
    return any(key.startswith(OF_FIELDS) for key in answer)


def as_taken(answer: Mapping[str, Any]) -> dict[str, Any]:
    """The answer as it is judged and kept: who confirms a field's value has said that it is present."""
    given = {key: why for key, why in answer.items() if key.startswith(CONFIRMED) and str(why or "").strip()}
    named = [key[len(CONFIRMED) :] for key in given]
    return {**{f"{PRESENT}{name}": True for name in named}, **answer}


def _bounded(one: FieldAnswer, field: FieldConfiguration) -> FieldAnswer:
    """The answer without what the pipeline would refuse whole; `_problems` says that it is too much."""
    if one.values is None:
        return one
    most = MAX_VALUES if field.is_multi_valued else 1
    return one._replace(values=tuple(text[:MAX_VALUE] for text in one.values[:most]))


def _checked(field: FieldConfiguration, one: FieldResult) -> CheckedField:
    return CheckedField(
        values=tuple(map(_checked_value, one.found)),
        failed_rules=tuple(f"{rule.rule}: {rule.message}" for rule in one.failed_rules),
        missing=field.is_required and not one.found and not one.absent,
    )


def _checked_value(value: Value) -> CheckedValue:
    return CheckedValue(
        value=value.value,
        normalized=value.normalized_value,
        alternatives=value.alternatives or (),
        flags=value.flags or (),
        parsed=value.normalized_value is not None,
        failed=tuple(f"{one.validator}: {one.message}" for one in value.failed_verdicts),
    )


def _problems(
    field: FieldConfiguration,
    checked: CheckedField,
    given: FieldAnswer | None,
    before: FieldResult,
    confirmed: frozenset[str],
) -> Iterator[Problem]:
    """What keeps one field from being taken."""
    if checked.missing or _was_only_cleared(field, given):
        yield Problem(field=field.name, message=f"{field.name} is required: give it, or mark it as absent")
    if given is not None:
        yield from _too_much(field, given)
    if field.name in confirmed:
        return
    known = {value.value for value in before.found}
    for value in checked.values:
        yield from (Problem(field=field.name, message=message) for message in value.failed)
        if not (value.parsed or value.failed or value.value in known):
            message = f"{value.value[:60]!r} is not understood as {field.normalizer_name}"
            yield Problem(field=field.name, message=message)


def _was_only_cleared(field: FieldConfiguration, given: FieldAnswer | None) -> bool:
    """Ticked and left empty. It would count as absent, which nobody has said."""
    return field.is_required and given is not None and given.is_present is True and given.values == ()


def _too_much(field: FieldConfiguration, given: FieldAnswer) -> Iterator[Problem]:
    values = given.values or ()
    most = MAX_VALUES if field.is_multi_valued else 1
    if len(values) > most:
        takes = f"{most:,} values at most" if field.is_multi_valued else "one value"
        message = f"{field.name} takes {takes}, the answer has {len(values):,}"
        yield Problem(field=field.name, message=message)
    if longest := max((len(text) for text in values if len(text) > MAX_VALUE), default=0):
        message = f"{field.name}: a value of {longest:,} characters, at most {MAX_VALUE:,}"
        yield Problem(field=field.name, message=message)


def _problems_of_rules(results: Iterable[FieldResult], confirmed: frozenset[str]) -> Iterator[Problem]:
    """Each broken rule once, beside the field that it belongs to."""
    failed: dict[tuple[str, str, str], RuleVerdict] = {
        (rule.rule, rule.field, rule.message): rule for one in results for rule in one.failed_rules
    }
    for rule in failed.values():
        if confirmed.isdisjoint((rule.field, *rule.fields)):
            yield Problem(field=rule.field, message=f"{rule.rule}: {rule.message}")


def in_short(problems: Sequence[Problem]) -> str:
    """The fields that have problems, without a text of the document."""
    names = list(dict.fromkeys(problem.field or "the document" for problem in problems))
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return f"{', '.join(names[:MOST_NAMED])}{more}"
