"""The values of labelled documents as JSON lines: what `score_fields.py` and `importers.values` read."""

import json
from pathlib import Path

from recto.fields import FieldList
from recto_training.corpus import Corpus, LabelledDocument
from recto_training.evaluation.truth import true_texts


def write_values(corpus: Corpus, path: Path, fields: FieldList) -> int:
    """A line for each document: its values where the source has them, else what its mentions say."""
    count = 0
    with path.open("w", encoding="utf-8") as file:
        for document in corpus:
            line = {"id": document.id, "fields": values_of(document, fields)}
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
            count += 1
    return count


def values_of(document: LabelledDocument, fields: FieldList) -> dict[str, list[str]]:
    """The distinct values of each field that has any."""
    return {name: list(dict.fromkeys(texts)) for name, texts in true_texts(document, fields).items() if texts}
