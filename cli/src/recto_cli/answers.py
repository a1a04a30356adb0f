"""What a reviewer says on the command line, as the review page would post it. Values in, values out."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from recto.errors import ReviewFailedError
from recto.results import FieldResult
from recto.review import MULTI_VALUE, PRESENT, REJECTED, REJECTED_WHY, VALUE, ReviewTask


class Edits(NamedTuple):
    """The options of `recto review answer`."""

    set: Sequence[str] = ()
    """`Field=value`: this is the value."""
    add: Sequence[str] = ()
    """`Field=value`: this one as well."""
    absent: Sequence[str] = ()
    """The document does not have the field."""
    accept: bool = False
    """All that is not mentioned is right as it stands: values, and fields without one."""


def answer_content(task: ReviewTask, edits: Edits) -> dict[str, Any]:
    """The `answerContent` for a task; ReviewFailedError for fields or values that do not fit it."""
    fields = task.model_result.fields
    _refuse_contradictions(edits, fields)
    values: dict[str, tuple[str, ...]] = {}
    if edits.accept:
        values = {name: shown(field) for name, field in fields.items()}
    for name, value in _pairs(edits.set, fields):
        values[name] = (value,)
    for name, value in _pairs(edits.add, fields):
        values[name] = _added(name, value, values.get(name, shown(fields[name])), fields[name])
    for name in edits.absent:
        values[_known(name, fields)] = ()
    if not values:
        raise ReviewFailedError("nothing to hand in: say --set, --add, --absent or --accept")
    left = [name for name in doubtful_fields(task) if name not in values]
    if left:
        raise ReviewFailedError(
            f"still doubtful and not mentioned: {', '.join(left)}; name them, or say --accept for the rest"
        )
    return {key: entry for name, told in values.items() for key, entry in _posted(name, told, fields[name])}


def rejection_content(reason: str) -> dict[str, Any]:
    """The `answerContent` that turns a document down; ReviewFailedError without a reason."""
    if not reason.strip():
        raise ReviewFailedError("say why the document is turned down: --reason is empty")
    return {REJECTED: True, REJECTED_WHY: reason.strip()}


def doubtful_fields(task: ReviewTask) -> list[str]:
    """The fields that the review is about, each once."""
    reasons = task.model_result.review_reasons or ()
    return list(dict.fromkeys(reason.field for reason in reasons if reason.field))


def _refuse_contradictions(edits: Edits, fields: Mapping[str, FieldResult]) -> None:
    """A field has one value by --set, or none by --absent, not both and not two."""
    told = [name for name, _ in _pairs(edits.set, fields)] + [_known(name, fields) for name in edits.absent]
    twice = [name for name, times in Counter(told).items() if times > 1]
    if twice:
        raise ReviewFailedError(f"said more than once by --set or --absent: {', '.join(twice)}")


def shown(field: FieldResult) -> tuple[str, ...]:
    """The values that the reviewer sees."""
    return tuple(value.value for value in field.found)


def _pairs(options: Iterable[str], fields: Mapping[str, FieldResult]) -> Iterable[tuple[str, str]]:
    for option in options:
        name, equals, value = option.partition("=")
        if not equals or not value.strip():
            raise ReviewFailedError(f"{option!r}: expected 'Field=value'; for no value there is --absent")
        yield _known(name, fields), value.strip()


def _known(name: str, fields: Mapping[str, FieldResult]) -> str:
    """The field's own spelling; case does not matter."""
    by_folded = {known.casefold(): known for known in fields}
    try:
        return by_folded[name.strip().casefold()]
    except KeyError:
        raise ReviewFailedError(
            f"no field {name.strip()!r} in this review; it has {', '.join(fields)}"
        ) from None


def _added(name: str, value: str, values: tuple[str, ...], field: FieldResult) -> tuple[str, ...]:
    if values and not field.is_multi_valued:
        raise ReviewFailedError(f"{name} takes one value and has {values[0]!r}: replace it with --set")
    return (*values, value)


def _posted(name: str, values: tuple[str, ...], field: FieldResult) -> Iterable[tuple[str, Any]]:
    yield PRESENT + name, bool(values)
    if field.is_multi_valued:
        for index, value in enumerate(values):
            yield f"{MULTI_VALUE}{index}-{name}", value
    elif values:
        yield VALUE + name, values[0]


def a2i_output(
    task: ReviewTask, content: Mapping[str, Any], worker: str, begun: datetime, now: datetime
) -> dict[str, Any]:
    """The `output.json` that A2I writes when a loop has ended, with one answer."""
    return {
        "flowDefinitionArn": "workbench",
        "humanLoopName": task.review_id,
        "inputContent": task.to_json(),
        "humanAnswers": [
            {
                "acceptanceTime": begun.isoformat(),
                "submissionTime": now.isoformat(),
                "timeSpentInSeconds": round((now - begun).total_seconds(), 3),
                "workerId": worker,
                "answerContent": dict(content),
            }
        ],
    }
