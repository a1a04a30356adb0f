"""Fields of documents against the truth: precision, recall and F1 per field, through the pipeline's assembly.

A value that is reported is right when its key (`Match`) is among the field's true keys. For truth by
mention one right value is all that a single-valued field can give, however often the document says it;
for truth by value each listed value is wanted, as `score_fields` of the benchmarks counts.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from recto.confidence import Calibration
from recto.document import PagePredictions
from recto.entities import extract
from recto.fields import FieldList
from recto.results import DocumentResult
from recto_training.corpus import LabelledDocument
from recto_training.evaluation.tally import Tallies
from recto_training.evaluation.truth import Match, has_values, key_of, true_keys, true_texts


class Judged(NamedTuple):
    """A value with its confidence, and whether it is right."""

    field: str
    confidence: float
    is_right: bool
    value: str = ""
    page: int | None = None


class FieldScore(NamedTuple):
    """One field of one document."""

    values: tuple[Judged, ...]
    """What was reported."""
    true: tuple[str, ...]
    """What is true, as written."""
    hits: int
    predicted: int
    wanted: int

    @property
    def errors(self) -> int:
        """Wrong values and missed ones; a wrong value in place of a missed one counts once."""
        return max(self.predicted, self.wanted) - self.hits


class DocumentScore(NamedTuple):
    """All fields of one document."""

    id: str
    fields: Mapping[str, FieldScore]

    @property
    def errors(self) -> int:
        return sum(one.errors for one in self.fields.values())

    @property
    def judged(self) -> list[Judged]:
        return [value for one in self.fields.values() for value in one.values]


def score_document(
    document: LabelledDocument,
    predictions: Sequence[PagePredictions],
    fields: FieldList,
    calibration: Calibration,
    match: Match,
) -> DocumentScore:
    """What the pipeline would report, against the truth."""
    pages = ((one.page, said) for one, said in zip(document.pages, predictions, strict=True))
    return score_result(document, extract(pages, fields, calibration), fields, match)


def score_result(
    document: LabelledDocument, result: DocumentResult, fields: FieldList, match: Match
) -> DocumentScore:
    """A result that is already there, against the truth."""
    texts = true_texts(document, fields)
    keys = true_keys(texts, fields, match)
    any_will_do = not has_values(document)
    scores = {}
    for field in fields.active:
        true = keys[field.name]
        values, found = [], set()
        for value in result.fields[field.name].found:
            if key := key_of(value.value, field, match):
                found.add(key)
                values.append(Judged(field.name, value.confidence, key in true, value.value, value.page))
        wanted = min(1, len(true)) if any_will_do and not field.is_multi_valued else len(true)
        scores[field.name] = FieldScore(
            tuple(values), tuple(texts[field.name]), len(found & true), len(found), wanted
        )
    return DocumentScore(document.id, scores)


def field_tallies(scores: Sequence[DocumentScore], fields: FieldList) -> Tallies:
    """All documents together, by field."""
    tallies = Tallies(field.name for field in fields.active)
    for score in scores:
        for name, one in score.fields.items():
            tallies.add(name, one.hits, one.predicted, one.wanted)
    return tallies
