"""Annotation files of Amazon Comprehend's tool for documents: Textract's blocks, and entities by word ids.

A file is one page's answer of a custom labelling job: `Blocks` of WORD and LINE, `Entities` with a `Type`
and, line by line, the ids of their words with offsets into them. An entity takes a word whose characters it
has at least half of.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from recto.document import Page
from recto.errors import DocumentError
from recto.textract import read_pages
from recto_training.corpus import IGNORED, NO_FIELD, LabelledDocument, LabelledPage
from recto_training.faults import DataError

UNASSIGNED = "UNASSIGNED"
"""The type of an entity that the annotator marked and gave no label: nobody knows what its words are."""


def read_annotation(text: str, labels: Sequence[str], name: str) -> LabelledDocument:
    """The document of one annotation file; DataError for another form or label."""
    try:
        content = json.loads(text)
        pages = list(read_pages(content["Blocks"]))
        entities = [(str(one["Type"]), list(_words(one))) for one in content["Entities"]]
    except (DocumentError, KeyError, TypeError, ValueError) as error:
        raise DataError(f"{name}: expected Blocks and Entities with word ids, {error!r}") from error
    unknown = sorted({kind for kind, _ in entities if kind not in {*labels[:-1], UNASSIGNED}})
    if unknown:
        known = ", ".join(labels[:-1])
        raise DataError(f"{name}: label {unknown[0]!r} is not in the field list; known: {known}")
    return LabelledDocument(name, tuple(_labelled(page, entities, labels) for page in pages))


def _labelled(
    page: Page, entities: Sequence[tuple[str, list[tuple[str, int]]]], labels: Sequence[str]
) -> LabelledPage:
    places = {word.id: index for index, word in enumerate(page.words)}
    classes, numbers = [len(labels) - 1] * len(page.words), [NO_FIELD] * len(page.words)
    for number, (kind, words) in enumerate(entities):
        for word_id, length in words:
            index = places.get(word_id)
            if index is not None and 2 * length >= len(page.words[index].text):
                classes[index] = IGNORED if kind == UNASSIGNED else labels.index(kind)
                numbers[index] = NO_FIELD if kind == UNASSIGNED else number
    return LabelledPage(page, tuple(classes), tuple(numbers))


def _words(entity: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """Ids of the entity's words, each with how many of its characters belong to the entity."""
    for reference in entity["BlockReferences"]:
        for child in reference["ChildBlocks"]:
            yield str(child["ChildBlockId"]), int(child["EndOffset"]) - int(child["BeginOffset"])


def annotation_labels(folder: Path) -> list[str]:
    """The labels that the annotation files of a folder use, in order of their names."""
    kinds = {
        str(entity["Type"])
        for path in folder.glob("*.json")
        for entity in json.loads(path.read_text(encoding="utf-8")).get("Entities") or ()
    }
    return sorted(kinds)
