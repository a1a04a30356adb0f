"""Trains a row's model, lets it read the documents that were held out, and scores what it says.

Training is `recto_training.fit`, reading is `recto_training.models`, fields are put together by
`recto.entities`: what `recto train` and the pipeline use.
"""

import json
import pickle
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields as dataclass_fields
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from recto.confidence import Calibration
from recto.document import PagePredictions
from recto.entities import extract
from recto.fields import FieldList
from recto.results import DocumentResult, Value
from recto_training.corpus import Corpus, LabelledDocument, ListCorpus, PartOfCorpus
from recto_training.evaluation.spans import add_entities, entity_names
from recto_training.evaluation.tally import Tallies
from recto_training.fit import fit
from recto_training.models import load_model
from recto_training.word_recipes import WordRecipe
from word_rows.rows import SCORER, Row, Split

Read = tuple[LabelledDocument, tuple[PagePredictions, ...]]
"""A document and what the model says of each of its pages."""
_LINE = re.compile(
    r"^(?P<name>\S.*?)\s+P (?P<precision>[\d.]+) R (?P<recall>[\d.]+) F1 (?P<f1>[\d.]+)", re.MULTILINE
)


class Trained(NamedTuple):
    """A model folder, and what its making took."""

    folder: Path
    seconds: float
    parameters: int
    history: list[dict[str, float]]


def changed(recipe: WordRecipe, settings: Iterable[str]) -> WordRecipe:
    """The recipe with single values in place of its own: `name=value`, each read as the value's kind."""
    kinds = {one.name: type(getattr(recipe, one.name)) for one in dataclass_fields(recipe)}
    values: dict[str, Any] = {}
    for setting in settings:
        name, _, text = setting.partition("=")
        if name not in kinds:
            raise SystemExit(f"--set {setting}: no such value; known: {', '.join(sorted(kinds))}")
        values[name] = text.lower() == "true" if kinds[name] is bool else kinds[name](text)
    return replace(recipe, **values)


def train(recipe: WordRecipe, training: Corpus, folder: Path, validation: Corpus | None = None) -> Trained:
    """A model of these documents alone; without documents for validation the last weights are kept."""
    shutil.rmtree(folder, ignore_errors=True)
    began = time.monotonic()
    run = fit(recipe, training, validation or ListCorpus((), training.labels), folder)
    seconds = time.monotonic() - began
    shutil.rmtree(folder / "checkpoints", ignore_errors=True)
    model = load_model(folder, threads=recipe.threads)
    parameters = sum(one.numel() for one in model.base.model.parameters())
    return Trained(folder, seconds, parameters, run.history)


def read(folder: Path, documents: Sequence[LabelledDocument], threads: int = 0) -> list[Read]:
    """What the model of a folder says of each page, kept in `verdicts.pickle` for a later look."""
    model = load_model(folder, threads=threads)
    pages = ((page.page, None) for document in documents for page in document.pages)
    said = list(model.verdicts(pages))
    kept = [(verdict.predictions, verdict.means_WK) for verdict in said]
    (folder / "verdicts.pickle").write_bytes(pickle.dumps(([document.id for document in documents], kept)))
    rest = iter(said)
    return [(one, tuple(next(rest).predictions for _ in one.pages)) for one in documents]


def part(corpus: Corpus, ids: Sequence[str]) -> ListCorpus:
    """These documents of a corpus, in memory."""
    return ListCorpus(PartOfCorpus(corpus, ids), corpus.labels)


# --- what was said against the truth ------------------------------------------------------------------


def results(
    readings: Iterable[Read], fields: FieldList, calibration: Calibration
) -> Iterator[tuple[str, DocumentResult]]:
    """Each document's id and fields, by the pipeline's assembly."""
    for document, said in readings:
        pages = ((page.page, one) for page, one in zip(document.pages, said, strict=True))
        yield document.id, extract(pages, fields, calibration)


def write_predictions(path: Path, found: Iterable[tuple[str, DocumentResult]], row: Row) -> None:
    """The scorer's file: a document a line, its fields' values with their confidences."""
    with path.open("w", encoding="utf-8") as lines:
        for name, result in found:
            fields = {field: _values(field, one.found, row) for field, one in result.fields.items()}
            lines.write(json.dumps({"id": name, "fields": fields}, ensure_ascii=False) + "\n")


def _values(field: str, found: Iterable[Value], row: Row) -> list[dict[str, Any]]:
    said = ((one.normalized_value if field in row.normalised else one.value, one.confidence) for one in found)
    least = row.accepted_from.get(field, 0.0)
    return [{"value": text, "confidence": sure} for text, sure in said if text and sure >= least]


def write_truth(path: Path, documents: Iterable[LabelledDocument]) -> None:
    """The truth of these documents alone, in the scorer's form."""
    with path.open("w", encoding="utf-8") as lines:
        for document in documents:
            entry = {"id": document.id, "fields": {name: list(v) for name, v in document.values.items()}}
            lines.write(json.dumps(entry, ensure_ascii=False) + "\n")


def official_score(truth: Path, predictions: Path, match: str) -> tuple[dict[str, dict[str, float]], str]:
    """What `score_fields.py` prints: precision, recall and F1 by field and for ALL, and its whole text."""
    told = subprocess.run(
        [sys.executable, str(SCORER), str(truth), str(predictions), "--match", match],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    figures = {
        line["name"]: {name: float(line[name]) for name in ("precision", "recall", "f1")}
        for line in _LINE.finditer(told)
    }
    return figures, told


def entity_figures(readings: Iterable[Read], labels: Sequence[str]) -> dict[str, Any]:
    """Entities as seqeval counts them, in all and by name."""
    tallies = Tallies(entity_names(labels))
    for document, said in readings:
        for page, one in zip(document.pages, said, strict=True):
            add_entities(tallies, page.classes, one.classes, labels)
    by_name = {name: tallies[name].figures() for name in entity_names(labels)}
    return {"ALL": tallies.total.figures(), **by_name}


def score(
    row: Row, readings: Sequence[Read], labels: Sequence[str], folder: Path
) -> tuple[float, Mapping[str, Any]]:
    """The figure that the row is about, and everything behind it."""
    if row.fields is None:
        figures = entity_figures(readings, labels)
        return figures["ALL"]["f1"], {"entities": figures}
    truth, predictions = folder / "truth.jsonl", folder / "predictions.jsonl"
    write_truth(truth, [document for document, _ in readings])
    write_predictions(predictions, results(readings, row.fields, Calibration.default()), row)
    by_field, told = official_score(truth, predictions, row.match)
    return by_field["ALL"]["f1"], {"fields": by_field, "scorer": told.splitlines()}


def score_again(row: Row, split: Split, folder: Path) -> dict[str, Any]:
    """The figures anew from what the model said when it read: after a change of assembly or normal forms."""
    corpus = row.corpus()
    ids, kept = pickle.loads((folder / "verdicts.pickle").read_bytes())  # noqa: S301 - our own file
    documents = {one.id: one for one in part(corpus, split.test).documents}
    if sorted(ids) != sorted(documents):
        raise SystemExit(f"{folder}: predictions are of other documents than the split's test part")
    said = iter(kept)
    readings = [(documents[name], tuple(next(said)[0] for _ in documents[name].pages)) for name in ids]
    figure, details = score(row, readings, corpus.labels, folder)
    return {"f1": figure, **details}


def run(row: Row, recipe: WordRecipe, split: Split, folder: Path, limit: int = 0) -> dict[str, Any]:
    """One training and one reading of the held-out documents; `limit` takes the first training documents."""
    processor = time.process_time()
    corpus = row.corpus()
    training, test = part(corpus, split.training[: limit or None]), part(corpus, split.test)
    trained = train(recipe, training, folder)
    began = time.monotonic()
    readings = read(folder, test.documents, recipe.threads)
    reading_seconds = time.monotonic() - began
    figure, details = score(row, readings, corpus.labels, folder)
    return {
        "f1": figure,
        "training_documents": len(training),
        "test_documents": len(test),
        "parameters": trained.parameters,
        "training_seconds": round(trained.seconds, 1),
        "reading_seconds": round(reading_seconds, 1),
        "processor_seconds": round(time.process_time() - processor, 1),
        **details,
    }
