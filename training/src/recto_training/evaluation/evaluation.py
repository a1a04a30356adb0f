"""One pass over labelled documents and what a model says of them: every figure, and the worst documents.

Documents come one by one and are let go, but for the worst. Which model, which files and what is printed
is the command's business.
"""

import heapq
from collections.abc import Iterable, Sequence
from itertools import count
from typing import Any, NamedTuple

from recto.confidence import Calibration
from recto.document import PagePredictions
from recto.fields import FieldList
from recto_training.corpus import IGNORED, LabelledDocument
from recto_training.evaluation.confidence import confidence_figures
from recto_training.evaluation.fields import DocumentScore, field_tallies, score_document
from recto_training.evaluation.spans import add_entities, entity_names, is_bio
from recto_training.evaluation.tally import Tallies
from recto_training.evaluation.truth import Match
from recto_training.evaluation.words import Confusion

WORST = 8
"""Documents that are kept to be drawn."""


class Rules(NamedTuple):
    """What the figures go by."""

    labels: tuple[str, ...]
    """Of the model; the last means: no field."""
    fields: FieldList | None
    """None where the labels are no fields, as those of FUNSD: no figures of fields then."""
    calibration: Calibration
    match: Match = Match.NORMAL


class Bad(NamedTuple):
    """A document with errors, to be drawn."""

    errors: int
    """Of fields where there are any, else of words."""
    document: LabelledDocument
    predictions: tuple[PagePredictions, ...]
    score: DocumentScore | None


class Evaluation:
    """What has been counted so far."""

    def __init__(self, rules: Rules, worst: int = WORST) -> None:
        self.rules = rules
        self.confusion = Confusion(rules.labels)
        self.entities = Tallies(entity_names(rules.labels))
        self.scores: list[DocumentScore] = []
        self.num_documents = self.num_pages = 0
        self._kept: list[tuple[int, int, Bad]] = []
        self._most, self._number = worst, count()

    def add(self, document: LabelledDocument, predictions: Sequence[PagePredictions]) -> None:
        """Count one document; its predictions are parallel to its pages."""
        self.num_documents += 1
        self.num_pages += len(document.pages)
        wrong_words = 0
        for labelled, said in zip(document.pages, predictions, strict=True):
            self.confusion.add(labelled.classes, said.classes)
            add_entities(self.entities, labelled.classes, said.classes, self.rules.labels)
            wrong_words += wrong(labelled.classes, said.classes)
        score = self._score(document, predictions)
        errors = wrong_words if score is None else score.errors
        self._keep(Bad(errors, document, tuple(predictions), score))

    @property
    def worst(self) -> list[Bad]:
        """Documents with the most errors, worst first."""
        return [bad for _, _, bad in sorted(self._kept, key=lambda kept: (-kept[0], -kept[1]))]

    @property
    def field_tallies(self) -> Tallies | None:
        """By field; None where the labels are no fields."""
        return None if self.rules.fields is None else field_tallies(self.scores, self.rules.fields)

    def figures(self) -> dict[str, Any]:
        """Everything that was counted, for `metrics.json`."""
        words = self.confusion.tallies
        found: dict[str, Any] = {
            "documents": self.num_documents,
            "pages": self.num_pages,
            "words": {
                "accuracy": round(self.confusion.accuracy, 4),
                "all": words.total.figures(),
                "by_class": words.figures(),
            },
            "entities": {
                "counted": "as seqeval, BIO"
                if is_bio(self.rules.labels)
                else "as seqeval, runs of one class",
                "all": self.entities.total.figures(),
                "macro_f1": round(self.entities.macro_f1, 4),
                "by_class": self.entities.figures(),
            },
            "confusion": {"labels": list(self.rules.labels), "matrix": self.confusion.matrix},
        }
        tallies = self.field_tallies
        if tallies is not None:
            found["fields"] = {
                "match": self.rules.match.value,
                "all": tallies.total.figures(),
                "macro_f1": round(tallies.macro_f1, 4),
                "by_field": tallies.figures(),
                "documents_without_error": sum(score.errors == 0 for score in self.scores),
            }
            found["confidence"] = self._confidence()
        return found

    def _confidence(self) -> dict[str, Any]:
        judged = [value for score in self.scores for value in score.judged]
        names = [field.name for field in self.rules.fields.active] if self.rules.fields else []
        by_field = {name: [one for one in judged if one.field == name] for name in names}
        return {
            **confidence_figures(judged),
            "by_field": {name: confidence_figures(some) for name, some in by_field.items()},
        }

    def _score(
        self, document: LabelledDocument, predictions: Sequence[PagePredictions]
    ) -> DocumentScore | None:
        rules = self.rules
        if rules.fields is None:
            return None
        score = score_document(document, predictions, rules.fields, rules.calibration, rules.match)
        self.scores.append(score)
        return score

    def _keep(self, bad: Bad) -> None:
        if bad.errors and self._most:
            entry = (bad.errors, -next(self._number), bad)
            keep = heapq.heappush if len(self._kept) < self._most else heapq.heappushpop
            keep(self._kept, entry)


def evaluate(
    predicted: Iterable[tuple[LabelledDocument, Sequence[PagePredictions]]], rules: Rules, worst: int = WORST
) -> Evaluation:
    """All documents counted."""
    evaluation = Evaluation(rules, worst)
    for document, predictions in predicted:
        evaluation.add(document, predictions)
    return evaluation


def wrong(true: Sequence[int], said: Sequence[int]) -> int:
    """Words whose class is known and another one was given."""
    return sum(one not in (other, IGNORED) for one, other in zip(true, said, strict=True))
