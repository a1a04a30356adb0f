"""Labelled pages in FUNSD's JSON, one file a page. Boxes are pixels on a page of 1000 x 1000.

Words of unknown class become words of no field. Labels that begin with B- and I- lose that.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from recto.geometry import Box
from recto_training.corpus import IGNORED, NO_FIELD, Corpus, LabelledPage
from recto_training.exporters.places import check_ids

SIZE = 1000


def write_funsd(corpus: Corpus, folder: Path) -> int:
    """A file for each page, named after its document; how many. DataError for an id that leaves it."""
    check_ids(corpus)
    folder.mkdir(parents=True, exist_ok=True)
    count = 0
    for document in corpus:
        for labelled in document.pages:
            number = labelled.page.number
            name = document.id if len(document.pages) == 1 else f"{document.id}-{number:04d}"
            path = folder / f"{name}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(
                json.dumps(form_of(labelled, corpus.labels), ensure_ascii=False), encoding="utf-8"
            )
            count += 1
    return count


def form_of(labelled: LabelledPage, labels: Sequence[str]) -> dict[str, Any]:
    """The page as FUNSD's form: mentions in the order of their first words, other words each alone."""
    mentions: dict[tuple[int, int], list[int]] = {}
    for index, key in enumerate(_keys(labelled, labels)):
        mentions.setdefault(key, []).append(index)
    form = [_entity(number, labelled, indices, labels) for number, indices in enumerate(mentions.values())]
    return {"form": form}


def _keys(labelled: LabelledPage, labels: Sequence[str]) -> list[tuple[int, int]]:
    """What tells the mentions of the words apart."""
    other = len(labels) - 1
    keys, run, before = [], 0, other
    for index, class_id in enumerate(labelled.classes):
        entity = labelled.entities[index] if labelled.entities else NO_FIELD
        is_other = class_id in {other, IGNORED}
        begins = is_other or labels[class_id].startswith("B-") or _bare(class_id, labels) != before
        run += begins
        before = other if is_other else _bare(class_id, labels)
        keys.append((0, run) if entity == NO_FIELD or is_other else (1, entity))
    return keys


def _bare(class_id: int, labels: Sequence[str]) -> int:
    """The class of the label without B- or I-, as the first label that has this name."""
    names = [_name(label) for label in labels]
    return names.index(names[class_id])


def _name(label: str) -> str:
    return label.removeprefix("B-").removeprefix("I-")


def _entity(
    number: int, labelled: LabelledPage, indices: Sequence[int], labels: Sequence[str]
) -> dict[str, Any]:
    words = [labelled.page.words[index] for index in indices]
    class_id = labelled.classes[indices[0]]
    return {
        "id": number,
        "label": _name(labels[class_id if class_id != IGNORED else -1]),
        "box": _pixels(Box.around(word.box for word in words)),
        "text": " ".join(word.text for word in words),
        "words": [{"text": word.text, "box": _pixels(word.box)} for word in words],
        "linking": [],
    }


def _pixels(box: Box) -> list[int]:
    return [round(side * SIZE) for side in box]
