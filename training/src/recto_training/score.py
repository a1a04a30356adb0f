"""Figures for what a release makes of agreements: entities, fields, and whether confidence can be believed.

Three ways of counting, from strict to useful:
  entities  a mention found by the library's assembly is right when it has exactly the OCR words of a true
            mention and its class; a true mention that the OCR lost counts as missed
  runs      the same with runs of one class in the OCR's order, on both sides, as seqeval counts
  fields    a field's value after assembly and selection is right when its normal form is that of any of
            the field's true mentions; a field with truth and no value counts as missed
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from recto.confidence import Calibration
from recto.document import PagePredictions
from recto.entities import assemble, mentions
from recto.fields import FieldConfiguration, FieldList, field_list
from recto.inference import WordClassifier
from recto.mentions import Mention
from recto.normalise import normalise
from recto.results import DocumentResult
from recto_training.evaluation.confidence import confidence_figures
from recto_training.evaluation.fields import Judged
from recto_training.evaluation.spans import add_entities
from recto_training.evaluation.tally import Tallies, Tally, total
from recto_training.real_ocr import ReadAgreement, ReadPage
from recto_training.synthetic.agreement import Agreement
from recto_training.synthetic.markup import NO_FIELD


class Read(NamedTuple):
    """What the model and the assembly make of an agreement."""

    source: ReadAgreement
    predictions: tuple[PagePredictions, ...]
    mentions: tuple[tuple[Mention, ...], ...]
    """Per page, of all fields, ignored ones too."""
    result: DocumentResult


def read_all(
    agreements: Iterable[ReadAgreement],
    classifier: WordClassifier,
    fields: FieldList,
    calibration: Calibration,
) -> Iterator[Read]:
    """Each agreement through model and assembly."""
    everything = unignored(fields)
    for one in agreements:
        predictions = tuple(classifier.predict(read.page) for read in one.pages)
        pairs = [(read.page, said) for read, said in zip(one.pages, predictions, strict=True)]
        found = tuple(tuple(mentions(page, said, everything)) for page, said in pairs)
        active = [m for page in found for m in page if m.class_id in fields.active_by_class]
        yield Read(one, predictions, found, assemble(active, fields, calibration))


def unignored(fields: FieldList) -> FieldList:
    """The same fields, none ignored: training and its figures are about all of them."""
    return field_list(field.model_copy(update={"ignore": None}) for field in fields.fields)


def figures(reads: Sequence[Read], fields: FieldList) -> dict[str, Any]:
    """All figures of some agreements."""
    judged = [one for read in reads for one in judged_values(read, fields)]
    by_class: dict[int, Tally] = defaultdict(Tally)
    by_family: dict[str, Tally] = defaultdict(Tally)
    for read in reads:
        for class_id, tally in entity_tallies(read).items():
            by_class[class_id] = by_class[class_id].plus(*tally)
            family = read.source.agreement.family
            by_family[family] = by_family[family].plus(*tally)
    return {
        "documents": len(reads),
        "pages": sum(len(read.source.pages) for read in reads),
        "entities": total(by_class.values()).figures(),
        "runs": total(
            run_tally(r, p, fields.labels) for read in reads for r, p in _page_pairs(read)
        ).figures(),
        "fields": total(field_tally(read, fields) for read in reads).figures(),
        "confidence": confidence_figures(judged),
        "entities_by_field": {fields.labels[c]: by_class[c].figures() for c in sorted(by_class)},
        "entities_by_family": {name: by_family[name].figures() for name in sorted(by_family)},
    }


def entity_tallies(read: Read) -> dict[int, Tally]:
    """Hits by class; a mention is its page and its exact words."""
    tallies: dict[int, Tally] = defaultdict(Tally)
    true = true_entities(read.source)
    found = {(m.class_id, m.page, frozenset(m.words)) for page in read.mentions for m in page}
    for class_id, count in Counter(entity[0] for entity in true).items():
        tallies[class_id] = tallies[class_id].plus(0, 0, count)
    for entity in found:
        tallies[entity[0]] = tallies[entity[0]].plus(int(entity in true), 1, 0)
    return tallies


def true_entities(source: ReadAgreement) -> Counter[tuple[int, int, frozenset[int]]]:
    """Class, page and OCR words of each true mention; no words where the OCR lost it."""
    entities: Counter[tuple[int, int, frozenset[int]]] = Counter()
    for read, truth in zip(source.pages, source.agreement.pages, strict=True):
        for entity in sorted({word.entity for word in truth if word.entity != NO_FIELD}):
            field = next(word.field for word in truth if word.entity == entity)
            words = frozenset(index for index, owner in enumerate(read.entities) if owner == entity)
            entities[(field, read.page.number, words)] += 1
    return entities


def _page_pairs(read: Read) -> list[tuple[ReadPage, PagePredictions]]:
    return list(zip(read.source.pages, read.predictions, strict=True))


def run_tally(read: ReadPage, said: PagePredictions, labels: Sequence[str]) -> Tally:
    """Runs of one class in the OCR's order."""
    other = len(labels) - 1
    tallies = Tallies()
    add_entities(tallies, [other if one == NO_FIELD else one for one in read.fields], said.classes, labels)
    return tallies.total


def true_keys(agreement: Agreement, field: FieldConfiguration) -> set[str]:
    """Normal forms of what the agreement prints for a field."""
    texts = [mention.text for mention in agreement.mentions if mention.field == field.class_id]
    return {_key(text, field) for text in texts}


def _key(text: str, field: FieldConfiguration) -> str:
    return normalise(text, field.normalizer_name).key


def is_right(text: str, field: FieldConfiguration, agreement: Agreement) -> bool:
    """Whether the agreement prints this value for the field."""
    return _key(text, field) in true_keys(agreement, field)


def judged_values(read: Read, fields: FieldList) -> Iterator[Judged]:
    """Every value that the result reports."""
    for name, result in read.result.fields.items():
        for value in result.found:
            right = is_right(value.value, fields[name], read.source.agreement)
            yield Judged(name, value.confidence, right)


def field_tally(read: Read, fields: FieldList) -> Tally:
    """Values against truth; one true value is enough for a single-valued field."""
    tally = Tally()
    for field in fields.active:
        true = true_keys(read.source.agreement, field)
        keys = {_key(value.value, field) for value in read.result.fields[field.name].found}
        wanted = len(true) if field.is_multi_valued else min(1, len(true))
        tally = tally.plus(len(keys & true), len(keys), wanted)
    return tally
