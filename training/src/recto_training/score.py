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
from itertools import pairwise
from typing import Any, NamedTuple

from sklearn.metrics import roc_auc_score

from recto.confidence import Calibration
from recto.document import PagePredictions
from recto.entities import Mention, assemble, mentions
from recto.fields import FieldConfiguration, FieldList, field_list
from recto.inference import WordClassifier
from recto.normalise import normalise
from recto.results import DocumentResult
from recto_training.real_ocr import ReadAgreement, ReadPage
from recto_training.synthetic.agreement import Agreement
from recto_training.synthetic.markup import NO_FIELD


class Tally(NamedTuple):
    """Hits, what was predicted, what is true."""

    hits: int = 0
    predicted: int = 0
    true: int = 0

    def plus(self, hits: int, predicted: int, true: int) -> "Tally":
        return Tally(self.hits + hits, self.predicted + predicted, self.true + true)

    @property
    def f1(self) -> float:
        return 2 * self.hits / (self.predicted + self.true) if self.predicted + self.true else 0.0

    def figures(self) -> dict[str, float]:
        return {
            "precision": round(self.hits / self.predicted, 4) if self.predicted else 0.0,
            "recall": round(self.hits / self.true, 4) if self.true else 0.0,
            "f1": round(self.f1, 4),
            "true": self.true,
        }


class Judged(NamedTuple):
    """A value with its confidence, and whether it is right."""

    field: str
    confidence: float
    is_right: bool


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
            run_tally(r, p, fields.other_class) for read in reads for r, p in _page_pairs(read)
        ).figures(),
        "fields": total(field_tally(read, fields) for read in reads).figures(),
        "confidence": confidence_figures(judged),
        "entities_by_field": {fields.labels[c]: by_class[c].figures() for c in sorted(by_class)},
        "entities_by_family": {name: by_family[name].figures() for name in sorted(by_family)},
    }


def total(tallies: Iterable[Tally]) -> Tally:
    """All of them together."""
    columns = tuple(zip(*tallies, strict=True))
    return Tally(*(sum(column) for column in columns)) if columns else Tally()


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


def run_tally(read: ReadPage, said: PagePredictions, other_class: int) -> Tally:
    """Runs of one class in the OCR's order."""
    true = _runs(read.fields, NO_FIELD)
    found = _runs(said.classes, other_class)
    return Tally(len(true & found), len(found), len(true))


def _runs(classes: Sequence[int], left_out: int) -> set[tuple[int, int, int]]:
    runs, start = set(), 0
    for end in range(1, len(classes) + 1):
        if end == len(classes) or classes[end] != classes[start]:
            if classes[start] != left_out:
                runs.add((classes[start], start, end))
            start = end
    return runs


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


def confidence_figures(judged: Sequence[Judged]) -> dict[str, Any]:
    """Whether confidence orders right above wrong and means what it says, and how much it lets through."""
    right = [one.is_right for one in judged]
    scores = [one.confidence for one in judged]
    both = len(set(right)) == 2
    return {
        "values": len(judged),
        "right": round(sum(right) / len(right), 4) if right else 0.0,
        "auroc": round(float(roc_auc_score(right, scores)), 4) if both else None,
        "ece": round(expected_error(judged), 4),
        "coverage_at_95": round(coverage(judged, 0.95), 4),
        "coverage_at_98": round(coverage(judged, 0.98), 4),
        "coverage_at_99": round(coverage(judged, 0.99), 4),
    }


def expected_error(judged: Sequence[Judged], bins: int = 10) -> float:
    """Mean distance between confidence and share right, in bins of equal count."""
    ordered = sorted(judged, key=lambda one: one.confidence)
    edges = [round(i * len(ordered) / bins) for i in range(bins + 1)]
    error = 0.0
    for low, high in pairwise(edges):
        part = ordered[low:high]
        if part:
            gap = sum(one.confidence for one in part) - sum(one.is_right for one in part)
            error += abs(gap) / len(ordered)
    return error


def threshold_for(judged: Sequence[Judged], precision: float) -> float:
    """The lowest confidence above which at least this share of values is right; 1 where there is none."""
    best, hits = 1.0, 0
    for number, one in enumerate(sorted(judged, key=lambda one: -one.confidence), start=1):
        hits += one.is_right
        if hits / number >= precision:
            best = one.confidence
    return best


def coverage(judged: Sequence[Judged], precision: float) -> float:
    """The share of values at or above that threshold."""
    if not judged:
        return 0.0
    threshold = threshold_for(judged, precision)
    return sum(one.confidence >= threshold for one in judged) / len(judged)
