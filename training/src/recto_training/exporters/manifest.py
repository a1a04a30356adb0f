"""Labelled documents as a labelling job leaves them: a manifest of boxes on pages, and the OCR beside it.

Each mention becomes one box a line, as annotators draw them, and the boxes of a mention are tied together
as Recto's own task ties them (`entities`); where such a box would catch words of others, each word has a box
of its own. What is not known of a word (IGNORED) cannot be said in a manifest: those words come back as
words of no field. The truth by value, where there is one, stands in the line of a document's first page.
`manifests.manifest_corpus` reads all of it back.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from recto.document import Page, Word
from recto.geometry import Box
from recto.model_exchange import response_of
from recto_training.corpus import IGNORED, NO_FIELD, Corpus, LabelledDocument, LabelledPage
from recto_training.manifests import VALUES
from recto_training.matching import ClassBox, match_words

SIZE = 10_000
"""Width and height of the pages that the boxes are drawn on, in pixels."""
LEAST = 2
"""Width and height of a box around a word without area, in pixels."""
LABEL = "labels"
OCR_FOLDER = "textract"


def write_manifest(corpus: Corpus, folder: Path, prefix: str, label: str = LABEL) -> Path:
    """A manifest in the folder and the documents' JSON below it; `prefix` is where it will lie: s3://..."""
    (folder / OCR_FOLDER).mkdir(parents=True, exist_ok=True)
    path = folder / "output.manifest"
    with path.open("w", encoding="utf-8") as file:
        for document in corpus:
            name = f"{OCR_FOLDER}/{document.id}.json"
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(response_of(told_apart(labelled.page) for labelled in document.pages))
            for line in _lines(document, f"{prefix.rstrip('/')}/{name}", corpus.labels, label):
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
    return path


def told_apart(page: Page) -> Page:
    """The page with ids that are its own: Textract's lines name their words by id."""
    words = (word._replace(id=f"p{page.number}-w{index}") for index, word in enumerate(page.words))
    return Page(page.number, tuple(words))


def _lines(
    document: LabelledDocument, ocr: str, labels: Sequence[str], label: str
) -> Iterator[dict[str, Any]]:
    for place, labelled in enumerate(document.pages):
        boxes = boxes_of(labelled, len(labels) - 1)
        used = sorted({box.class_id for box in boxes})
        values = {VALUES: dict(document.values)} if document.values and not place else {}
        yield {
            **values,
            "source-ref": labelled.image or f"{ocr.removesuffix('.json')}-{labelled.page.number:04d}.png",
            "textract-ref": ocr,
            "page-num": labelled.page.number,
            label: {
                "image_size": [{"width": SIZE, "height": SIZE, "depth": 3}],
                "annotations": [_annotation(box) for box in boxes],
                "entities": _entities(boxes),
            },
            f"{label}-metadata": {
                "class-map": {str(number): labels[number] for number in used},
                "type": "groundtruth/custom",
                "human-annotated": "yes",
            },
        }


def boxes_of(labelled: LabelledPage, other: int) -> list[ClassBox]:
    """Boxes that give each word its class back: one a line where that is enough, else one a word."""
    words, classes = labelled.page.words, labelled.classes
    mentions = _mentions(labelled, other)
    lines = [_line_boxes(words, classes, number, indices) for number, indices in enumerate(mentions)]
    boxes = [box for some in lines for box in some]
    wanted = tuple(other if one == IGNORED else one for one in classes)
    if match_words(words, boxes, other).classes == wanted:
        return boxes
    return [
        ClassBox(_drawn([words[index]]), classes[index], number)
        for number, indices in enumerate(mentions)
        for index in indices
    ]


def _mentions(labelled: LabelledPage, other: int) -> list[list[int]]:
    """The words of each mention; runs of one class where mentions are not told apart."""
    found: dict[tuple[int, int], list[int]] = {}
    run = 0
    for index, class_id in enumerate(labelled.classes):
        run += index > 0 and labelled.classes[index - 1] != class_id
        if class_id not in {other, IGNORED}:
            entity = labelled.entities[index] if labelled.entities else NO_FIELD
            key = (class_id, run if entity == NO_FIELD else -2 - entity)
            found.setdefault(key, []).append(index)
    return list(found.values())


def _line_boxes(
    words: Sequence[Word], classes: Sequence[int], number: int, indices: Sequence[int]
) -> list[ClassBox]:
    by_line: dict[int, list[Word]] = {}
    for index in indices:
        by_line.setdefault(words[index].line, []).append(words[index])
    return [ClassBox(_drawn(of_line), classes[indices[0]], number) for of_line in by_line.values()]


def _drawn(words: Sequence[Word]) -> Box:
    """A box around the words on the grid of pixels, never without area."""
    box = Box.around(word.box for word in words)
    left, top = int(box.left * SIZE), int(box.top * SIZE)
    right, bottom = -int(-box.right * SIZE // 1), -int(-box.bottom * SIZE // 1)
    left, top = min(left, SIZE - LEAST), min(top, SIZE - LEAST)
    right, bottom = max(right, left + LEAST), max(bottom, top + LEAST)
    return Box(left / SIZE, top / SIZE, min(right, SIZE) / SIZE, min(bottom, SIZE) / SIZE)


def _annotation(one: ClassBox) -> dict[str, int]:
    left, top, right, bottom = (round(side * SIZE) for side in one.box)
    place = {"left": left, "top": top, "width": right - left, "height": bottom - top}
    return {"class_id": one.class_id, **place}


def _entities(boxes: Sequence[ClassBox]) -> list[dict[str, Any]]:
    """Which boxes are one mention, in the form of Recto's task; nothing in it was checked by a person."""
    mentions: dict[int, list[int]] = {}
    for index, box in enumerate(boxes):
        mentions.setdefault(box.mention, []).append(index)
    return [{"detectionId": str(number), "boxIxs": indices} for number, indices in mentions.items()]
