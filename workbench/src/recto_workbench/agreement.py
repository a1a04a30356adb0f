"""Whether several reviewers say the same, told apart by the pipeline's own normal forms."""

from collections.abc import Mapping, Sequence
from typing import Any

from recto.fields import FieldConfiguration, FieldList
from recto.results import DocumentResult, FieldResult
from recto.review import FieldAnswer, parse_answer

Statement = tuple[str, ...]
"""A field's values in normal form, in their order; empty for absent."""


def disputed_fields(
    contents: Sequence[Mapping[str, Any]], result: DocumentResult, fields: FieldList
) -> tuple[str, ...]:
    """The fields about which these answers disagree. ReviewFailedError for an answer that cannot be read.

    Who does not mention a field lets stand what was found: that is an opinion too, since he saw it.
    """
    given = [parse_answer(content, fields) for content in contents]
    return tuple(
        field.name
        for field in fields.active
        if len({_said(answer.get(field.name), result.fields.get(field.name), field) for answer in given}) > 1
    )


def _said(answer: FieldAnswer | None, one: FieldResult | None, field: FieldConfiguration) -> Statement:
    if answer is not None and answer.is_absent:
        return ()
    if answer is None or answer.values is None:
        texts = tuple(value.value for value in one.found) if one else ()
    else:
        texts = answer.values
    return tuple(sorted(field.normalise(text).key or " ".join(text.split()) for text in texts))
