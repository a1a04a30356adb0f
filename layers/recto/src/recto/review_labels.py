"""What a review teaches: the words of a reviewed document with the fields that a person said they are.

Only what a person saw is a label. For each field that somebody answered, its values are looked for among
the words of the pages (`alignment`); what a value that stands nowhere would have been is never guessed, it is
told in `left_out`. Every other word is one of three:

  a value's        the person confirmed words that the model had marked, or typed a value that stands there
  of no field      all fields that it could be were looked at, and it is none of them
  not known        taken for a field that nobody looked at, another place where a value stands, a place where
                   the model was corrected to something that the page does not say: training ignores it

Which of several places are meant: those that the model had marked for the field and that say the value; else
all of them, where they are few (`Placing.max_places`) or the value is so long that it says itself (a
company's name); else none: an amount or a year stands in many places that mean something else. Pages
without a value are labelled pages, too: they say what a field does not look like.

Not here: where documents lie, and files. `line_of` gives the line of a manifest that the training reads.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from rapidfuzz.distance import Levenshtein

from recto.alignment import COUNTED, PageText, Place, find_value, letters_of
from recto.document import Page, PagePredictions
from recto.fields import DATES, NUMBERS, FieldConfiguration, FieldList
from recto.model_exchange import word_ids
from recto.results import Detection, DocumentResult, FieldResult, ReasonCode, Value

LABEL = "labels"
PROVENANCE = "reviewed"
"""Key of a line under which it says how its labels came about."""
UNASSIGNED = "UNASSIGNED"
"""Label of words of which nobody knows what they are; training neither learns them nor scores them."""
LOOK_ALIKE = str.maketrans("OQDILZSGTB", "0001125678")
"""Letters that an OCR takes for digits."""


class How(StrEnum):
    """What a person did with a field."""

    CONFIRMED = "confirmed"
    """The values are those that the model had found."""
    CORRECTED = "corrected"
    ADDED = "added"
    """The model had found nothing."""
    ABSENT = "absent"
    """The document does not have it."""
    UNSEEN = "unseen"
    """Nobody looked."""


class Agreement(StrEnum):
    """What several answers made of it."""

    SINGLE = "single"
    AGREED = "agreed"
    MAJORITY = "majority"
    """Reviewers disagreed, and most of them, or the first, decided."""
    ADJUDICATED = "adjudicated"


class Placing(NamedTuple):
    """How values are found among words."""

    max_wrong: float = 0.15
    """Share of letters that the OCR may have misread."""
    max_wrong_there: float = 0.4
    """The same where the model had marked the words for this field: a person read the same place."""
    max_places: int = 3
    """A short value, or one that counts, is not placed at all where it stands in more places, none marked."""
    telling: int = 12
    """A text of so many letters and digits means the same wherever it stands."""


PLACING = Placing()


class LeftOut(NamedTuple):
    """A value that became no label, and why."""

    field: str
    value: str
    reason: str


class Mention(NamedTuple):
    """Words of a page that say a value."""

    field: str
    words: tuple[int, ...]
    """Indices of the words on the page, in reading order."""


class PageLabels(NamedTuple):
    """What is known of the words of a page."""

    page: Page
    mentions: tuple[Mention, ...]
    unknown: tuple[int, ...]
    """Indices of words of which nobody knows what they are."""


class FieldRecord(NamedTuple):
    """How one field came about."""

    how: How
    prefilled: bool
    """Whether the reviewer was shown what the model had found."""


class Labels(NamedTuple):
    """A reviewed document, labelled."""

    pages: tuple[PageLabels, ...]
    fields: Mapping[str, FieldRecord]
    values: Mapping[str, tuple[str, ...]]
    """The truth by value, of the fields that a person saw; none for one that is absent."""
    left_out: tuple[LeftOut, ...]

    @property
    def is_whole(self) -> bool:
        """Whether a person looked at every field."""
        return all(one.how is not How.UNSEEN for one in self.fields.values())


class Provenance(NamedTuple):
    """Who said so, and what they were shown."""

    review_id: str
    document_id: str
    release: str
    """That read the document; of the values that were filled in."""
    reviewers: int
    agreement: Agreement
    blind: bool
    """The reviewers were not shown what the model had found."""
    time: datetime


class Reviewed(NamedTuple):
    """A document before and after its review."""

    before: DocumentResult
    """As the model gave it, whether a person was shown it or not."""
    after: DocumentResult
    pages: Sequence[Page]
    predictions: Sequence[PagePredictions] = ()
    """What the model said of each word; empty where that is not kept."""
    blind: bool = False


# --- labels of a document -----------------------------------------------------------------------------


def label_reviewed(one: Reviewed, fields: FieldList, placing: Placing = PLACING) -> Labels:
    """The labels that the review gives; on a word of two values, the longer one wins."""
    marks = _Marks(one.pages)
    texts = [PageText(page) for page in one.pages]
    records = {field.name: _record(one, field) for field in fields.active}
    left_out = [
        left
        for field, value, marked in _longest_first(one, fields, records)
        for left in _place(field, value, marked, texts, marks, placing)
    ]
    _set_aside(one, fields, records, marks, {left.field for left in left_out})
    values = {
        name: tuple(value.value for value in one.after.fields[name].found)
        for name, record in records.items()
        if record.how is not How.UNSEEN
    }
    return Labels(marks.labelled(), records, values, tuple(left_out))


def _record(one: Reviewed, field: FieldConfiguration) -> FieldRecord:
    after, before = one.after.fields.get(field.name), one.before.fields.get(field.name)
    if after is None or not after.reviewed:
        return FieldRecord(How.UNSEEN, prefilled=False)
    found = before.found if before else ()
    prefilled = bool(found) and not one.blind
    if after.absent or not after.found:
        return FieldRecord(How.ABSENT, prefilled)
    if not found:
        return FieldRecord(How.ADDED, prefilled)
    same = _keys(after.found, field) == _keys(found, field)
    return FieldRecord(How.CONFIRMED if same else How.CORRECTED, prefilled)


def _keys(values: Iterable[Value], field: FieldConfiguration) -> set[str]:
    return {field.normalise(value.value).key or value.value for value in values}


class _Wanted(NamedTuple):
    """A value to be placed."""

    field: FieldConfiguration
    value: str
    marked: tuple[Detection, ...]
    """What the model had marked for this field."""


def _longest_first(one: Reviewed, fields: FieldList, records: Mapping[str, FieldRecord]) -> list[_Wanted]:
    wanted = [
        _Wanted(fields[name], text, _detections(one.before.fields.get(name)))
        for name, record in records.items()
        if record.how not in {How.UNSEEN, How.ABSENT}
        for text in dict.fromkeys(value.value for value in one.after.fields[name].found)
    ]
    return sorted(wanted, key=lambda pair: -len(letters_of(pair.value)))


def _detections(field: FieldResult | None) -> tuple[Detection, ...]:
    if field is None:
        return ()
    return field.detections or tuple(one for value in field.found for one in value.detections)


class _Marks:
    """What the words of a document are so far, by page and index."""

    def __init__(self, pages: Sequence[Page]) -> None:
        self.pages = pages
        self._ids = [{name: index for index, name in enumerate(word_ids(page))} for page in pages]
        self._places = {page.number: index for index, page in enumerate(pages)}
        self._mentions: list[list[Mention]] = [[] for _ in pages]
        self._taken: list[dict[int, str]] = [{} for _ in pages]
        self._unknown: list[set[int]] = [set() for _ in pages]

    def place_of(self, detection: Detection) -> Place | None:
        """The words that the model had marked; None where they are not among these pages."""
        page = self._places.get(detection.page_num)
        if page is None:
            return None
        words = tuple(self._ids[page][one] for one in detection.blocks if one in self._ids[page])
        return Place(page, words) if words else None

    def is_free(self, place: Place) -> bool:
        return self._taken[place.page].keys().isdisjoint(place.words)

    def is_of(self, place: Place, field: str) -> bool:
        """Whether a value of this field is labelled there, such as a longer one that contains it."""
        return any(self._taken[place.page].get(word) == field for word in place.words)

    def add(self, place: Place, field: str) -> None:
        """The place says a value of the field."""
        self._mentions[place.page].append(Mention(field, place.words))
        self._taken[place.page].update(dict.fromkeys(place.words, field))

    def set_aside(self, place: Place) -> None:
        """Nobody knows what these words are, unless another value takes them."""
        self._unknown[place.page].update(place.words)

    def labelled(self) -> tuple[PageLabels, ...]:
        return tuple(
            PageLabels(page, tuple(mentions), tuple(sorted(unknown - taken.keys())))
            for page, mentions, unknown, taken in zip(
                self.pages, self._mentions, self._unknown, self._taken, strict=True
            )
        )


def _place(
    field: FieldConfiguration, value: str, marked: Sequence[Detection], texts: Sequence[PageText],
    marks: _Marks, placing: Placing,
) -> Iterator[LeftOut]:  # fmt: skip
    """Mark the words that say the value; what is told instead where that is not possible."""
    anywhere = find_value(texts, value, field, placing.max_wrong)
    found = list(filter(marks.is_free, anywhere))
    shown = [place for one in marked if (place := marks.place_of(one)) and marks.is_free(place)]
    chosen = _chosen(found, shown, value, field, texts, placing)
    for place in chosen:
        if marks.is_free(place):
            marks.add(place, field.name)
    for place in found:
        if marks.is_free(place):
            marks.set_aside(place)
    if not chosen and not any(marks.is_of(place, field.name) for place in anywhere):
        yield LeftOut(field.name, value, _why_not(anywhere, found))


def _why_not(anywhere: Sequence[Place], free: Sequence[Place]) -> str:
    """Why a value has no place."""
    if free:
        return f"stands in {len(free)} places, and nothing tells which is meant"
    if anywhere:
        return "stands only where a longer value of another field does"
    return "stands nowhere on the pages as the OCR read them"


def _chosen(
    found: Sequence[Place], shown: Sequence[Place], value: str, field: FieldConfiguration,
    texts: Sequence[PageText], placing: Placing,
) -> list[Place]:  # fmt: skip
    """The places that are the value's mentions."""
    said = [place for place in shown if _is_said(place, value, field, texts, placing)]
    if said:
        # what the finder has at the same place is tighter, or wider by a word that the model had missed
        return [next((one for one in found if _overlap(one, place)), place) for place in said]
    is_telling = field.normalizer_name not in COUNTED and len(letters_of(value)) >= placing.telling
    return list(found) if is_telling or len(found) <= placing.max_places else []


def _overlap(one: Place, other: Place) -> bool:
    return one.page == other.page and not set(one.words).isdisjoint(other.words)


def _is_said(
    place: Place, value: str, field: FieldConfiguration, texts: Sequence[PageText], placing: Placing
) -> bool:
    """Whether words that the model had marked say the value, but for what the OCR may have misread."""
    page = texts[place.page]
    words = {index: position for position, index in enumerate(page.order)}
    printed = " ".join(page.words[words[index]] for index in place.words)
    said, wanted = field.normalise(printed), field.normalise(value)
    if said.key == wanted.key and said.value is not None:
        return True
    letters, asked = letters_of(printed), letters_of(value)
    if field.normalizer_name in NUMBERS | DATES:
        return letters.translate(LOOK_ALIKE) == asked.translate(LOOK_ALIKE)
    wrong = Levenshtein.distance(letters, asked)
    return bool(asked) and wrong <= placing.max_wrong_there * max(len(letters), len(asked))


def _set_aside(
    one: Reviewed, fields: FieldList, records: Mapping[str, FieldRecord], marks: _Marks, lost: set[str]
) -> None:
    """Words that may be of a field that nobody looked at, or of a value that was not found."""
    doubtful = {name for name, record in records.items() if record.how is How.UNSEEN} | lost
    for name in doubtful:
        for detection in _detections(one.before.fields.get(name)):
            if place := marks.place_of(detection):
                marks.set_aside(place)
    unseen = {
        class_id
        for class_id, field in fields.by_class.items()
        if field.name not in records or records[field.name].how is How.UNSEEN
    }
    for index, said in enumerate(one.predictions):
        words = tuple(word for word, class_id in enumerate(said.classes) if class_id in unseen)
        marks.set_aside(Place(index, words))


def only_fields(labels: Labels, fields: FieldList) -> Labels:
    """The labels of fields that this list has; values of others are told in `left_out`."""
    names = {field.name for field in fields.active}
    gone = [
        LeftOut(name, value, "the field list does not have this field")
        for name, values in labels.values.items()
        if name not in names
        for value in values
    ]
    pages = tuple(
        one._replace(mentions=tuple(mention for mention in one.mentions if mention.field in names))
        for one in labels.pages
    )
    return Labels(
        pages,
        {name: labels.fields.get(name, FieldRecord(How.UNSEEN, prefilled=False)) for name in sorted(names)},
        {name: values for name, values in labels.values.items() if name in names},
        (*(one for one in labels.left_out if one.field in names), *gone),
    )


def agreement_of(after: DocumentResult) -> Agreement:
    """What the answers of a review have in common, as its result tells."""
    if after.review is None or not after.review.worker_ids:
        return Agreement.SINGLE
    if after.review.adjudicator:
        return Agreement.ADJUDICATED
    reasons = after.review_reasons or ()
    disagree = any(one.code is ReasonCode.REVIEWERS_DISAGREE for one in reasons)
    return Agreement.MAJORITY if disagree else Agreement.AGREED


# --- lines of a manifest ------------------------------------------------------------------------------


def with_own_ids(page: Page) -> Page:
    """The page as lines name its words: the OCR's ids where each word has one of its own, else ours."""
    ids = [word.id for word in page.words]
    if all(ids) and len(set(ids)) == len(ids):
        return page
    words = (word._replace(id=f"p{page.number}-w{index}") for index, word in enumerate(page.words))
    return Page(page.number, tuple(words))


class PlacesOfLine(NamedTuple):
    """Where what a line names lies."""

    ocr: str
    image: str
    document: str = ""
    """The document itself; empty where nobody asked for it."""


def line_of(
    labels: Labels, number: int, places: PlacesOfLine, origin: Provenance, label: str = LABEL
) -> dict[str, Any]:
    """The line of the page at this index: Ground Truth's keys, word ids, and how the labels came about."""
    one = labels.pages[number]
    ids = word_ids(with_own_ids(one.page))
    entities = [
        {"label": mention.field, "blocks": [ids[i] for i in mention.words]} for mention in one.mentions
    ]
    if one.unknown:
        entities.append({"label": UNASSIGNED, "blocks": [ids[index] for index in one.unknown]})
    values = {"field-values": {name: list(some) for name, some in labels.values.items()}}
    return {
        "source-ref": places.image,
        "textract-ref": places.ocr,
        **({"raw-ref": places.document} if places.document else {}),
        "page-num": one.page.number,
        **(values if number == 0 and labels.is_whole else {}),
        label: {"annotations": {"entities": entities}},
        f"{label}-metadata": {
            "type": "groundtruth/text-span",
            "human-annotated": "yes",
            "creation-date": origin.time.replace(tzinfo=None).isoformat(),
            "job-name": f"review/{origin.review_id}",
        },
        PROVENANCE: provenance_of(labels, origin),
    }


def provenance_of(labels: Labels, origin: Provenance) -> dict[str, Any]:
    """How labels came about, for `recto train` and for people."""
    return {
        "prefilled": not origin.blind,
        "blind": origin.blind,
        "review-id": origin.review_id,
        "document-id": origin.document_id,
        "release": origin.release,
        "reviewers": origin.reviewers,
        "agreement": str(origin.agreement),
        "fields": {
            name: {"how": str(record.how), "prefilled": record.prefilled}
            for name, record in labels.fields.items()
        },
    }
