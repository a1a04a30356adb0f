"""What a labelled document says for each field, and when a value counts as the same. No predictions here.

The truth comes by value (the source lists values, such as SROIE's or Kleister's) or by mention (the words
that annotators marked, read through the library's own normalisers).
"""

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum

from recto.document import Page, PagePredictions
from recto.entities import mentions
from recto.fields import FieldConfiguration, FieldList
from recto.reading_order import reading_order
from recto_training.corpus import IGNORED, NO_FIELD, LabelledDocument, LabelledPage


class Match(StrEnum):
    """When two values are the same. Every figure on fields goes with one of these rules."""

    ALNUM = "alnum"
    """Letters and digits only, upper case: receipts, where spaces and punctuation do not count."""
    UPPER = "upper"
    """Upper case, white space folded."""
    EXACT = "exact"
    """As written."""
    NORMAL = "normal"
    """The same normal form by the field's own type: 01/02/2019 is 1 February 2019."""


def key_of(text: str, field: FieldConfiguration, match: Match) -> str:
    """Values with equal keys are the same; empty for a value that says nothing under this rule."""
    if match is Match.NORMAL:
        return field.normalise(text).key
    if match is Match.EXACT:
        return text
    if match is Match.ALNUM:
        return re.sub(r"[^0-9A-Z\u00c0-\uffff]", "", text.upper())
    return " ".join(text.upper().split())


def has_values(document: LabelledDocument) -> bool:
    """Whether its truth comes by value."""
    return bool(document.values)


def true_texts(document: LabelledDocument, fields: FieldList) -> dict[str, list[str]]:
    """The true values of each reported field, as the source writes them or as the pages print them."""
    if has_values(document):
        return {field.name: list(document.values.get(field.name, ())) for field in fields.active}
    texts: dict[str, list[str]] = {field.name: [] for field in fields.active}
    for labelled in document.pages:
        for name, text in _marked(labelled, fields):
            texts[name].append(text)
    return texts


def true_keys(texts: Mapping[str, Iterable[str]], fields: FieldList, match: Match) -> dict[str, set[str]]:
    """The keys of the true values by field; empty ones left out."""
    keys = {name: {key_of(text, fields[name], match) for text in some} for name, some in texts.items()}
    return {name: some - {""} for name, some in keys.items()}


def _marked(labelled: LabelledPage, fields: FieldList) -> list[tuple[str, str]]:
    """Field and text of each true mention: by mention where they are told apart, else as assembly has it."""
    if labelled.entities:
        return _by_entity(labelled, fields)
    known = tuple(fields.other_class if one == IGNORED else one for one in labelled.classes)
    perfect = PagePredictions(labelled.page.number, known, tuple(1.0 for _ in known))
    return [(found.name, found.text) for found in mentions(labelled.page, perfect, fields)]


def _by_entity(labelled: LabelledPage, fields: FieldList) -> list[tuple[str, str]]:
    words: dict[int, list[int]] = {}
    for index in _in_reading_order(labelled.page):
        entity = labelled.entities[index]
        if entity != NO_FIELD and labelled.classes[index] in fields.active_by_class:
            words.setdefault(entity, []).append(index)
    return [
        (
            fields.active_by_class[labelled.classes[some[0]]].name,
            " ".join(labelled.page.words[index].text for index in some),
        )
        for some in words.values()
    ]


def _in_reading_order(page: Page) -> list[int]:
    return [index for segment in reading_order(page.words).segments for index in segment.words]
