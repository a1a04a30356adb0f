"""Marks the words of a document that say known values: truth by value becomes truth by word.

Where a value stands is found by `recto.alignment`. Which of several places are its mentions is a choice per
field (`Policy`); what stands nowhere is reported as missing. Not a model, and never used on documents that
are to be predicted.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from recto.alignment import PageText, Place, find_value, letters_of
from recto.document import Page
from recto.fields import FieldConfiguration, FieldList
from recto_training.corpus import NO_FIELD, LabelledDocument, LabelledPage


class Policy(StrEnum):
    """Which of the places where a value stands are its mentions."""

    ALL = "all"
    FIRST = "first"
    BEST = "best"
    """Those beside a cue; without any such, all. Among those, the ones with the fewest wrong letters."""


class Alignment(NamedTuple):
    """How the values of a field are found."""

    policy: Policy = Policy.ALL
    cues: tuple[str, ...] = ()
    """Words that stand before or above the right place; letters only, upper case, or parts of such."""
    max_wrong: float = 0.15
    """Share of letters that may be wrong, added or missing."""
    others: int | None = None
    """Class of the places that the policy leaves out; None for that of no field."""
    reach: int = 6
    """How many words before the value a cue may stand."""


ALL_MENTIONS = Alignment()


class Missing(NamedTuple):
    """A value that was not found."""

    document: str
    field: str
    value: str


class Aligned(NamedTuple):
    """A document with the words of its values marked, and the values that no word says."""

    document: LabelledDocument
    missing: tuple[Missing, ...]


def align_document(
    name: str,
    pages: Sequence[Page],
    values: Mapping[str, Sequence[str]],
    fields: FieldList,
    how: Mapping[str, Alignment] | Alignment = ALL_MENTIONS,
    images: Sequence[str] = (),
) -> Aligned:
    """The document with each value's words in its field's class; on a word of two, the longer value wins."""
    texts = [PageText(page) for page in pages]
    marks = _Marks(pages, fields.other_class)
    missing: list[Missing] = []
    for field, value in _longest_first(values, fields):
        settings = how if isinstance(how, Alignment) else how.get(field.name, ALL_MENTIONS)
        places = list(filter(marks.is_free, find_value(texts, value, field, settings.max_wrong)))
        if not places:
            missing.append(Missing(name, field.name, value))
        chosen = choose(places, texts, settings)
        for place in places:
            if place in chosen:
                marks.add(place, field.class_id)
            elif settings.others is not None:
                marks.set_aside(place, settings.others)
    truth = {field: tuple(listed) for field, listed in values.items()}
    labelled = marks.labelled(pages, images or [""] * len(pages))
    return Aligned(LabelledDocument(name, labelled, truth), tuple(missing))


def _longest_first(
    values: Mapping[str, Sequence[str]], fields: FieldList
) -> list[tuple[FieldConfiguration, str]]:
    pairs = [(fields[name], value) for name, listed in values.items() for value in dict.fromkeys(listed)]
    return sorted(pairs, key=lambda pair: -len(letters_of(pair[1])))


class _Marks:
    """What the words of a document are so far."""

    def __init__(self, pages: Sequence[Page], other: int) -> None:
        self._classes = [[other] * len(page.words) for page in pages]
        self._entities = [[NO_FIELD] * len(page.words) for page in pages]
        self._count = 0

    def is_free(self, place: Place) -> bool:
        return all(self._entities[place.page][word] == NO_FIELD for word in place.words)

    def add(self, place: Place, class_id: int) -> None:
        """The place is a mention."""
        for word in place.words:
            self._classes[place.page][word] = class_id
            self._entities[place.page][word] = self._count
        self._count += 1

    def set_aside(self, place: Place, class_id: int) -> None:
        """The place says a value, and is none of its mentions."""
        for word in place.words:
            self._classes[place.page][word] = class_id

    def labelled(self, pages: Sequence[Page], images: Sequence[str]) -> tuple[LabelledPage, ...]:
        columns = zip(pages, self._classes, self._entities, images, strict=True)
        return tuple(LabelledPage(page, tuple(some), tuple(ids), image) for page, some, ids, image in columns)


def choose(places: Sequence[Place], texts: Sequence[PageText], settings: Alignment) -> list[Place]:
    """The places that the policy takes, in their order."""
    if settings.policy is Policy.ALL or len(places) < 2:
        return list(places)
    if settings.policy is Policy.FIRST:
        return list(places[:1])
    cued = [place for place in places if _is_cued(place, texts[place.page], settings)] or list(places)
    least = min(place.wrong for place in cued)
    return [place for place in cued if place.wrong == least]


def _is_cued(place: Place, text: PageText, settings: Alignment) -> bool:
    first = text.order.index(place.words[0])
    before = "".join(text.parts[max(0, first - settings.reach) : first])
    return any(cue in before for cue in settings.cues)
