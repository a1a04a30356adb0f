"""Labelled documents as a labelling job leaves them: a manifest of boxes on pages, and the OCR beside it.

Each mention becomes one box a line, as annotators draw them, in the pixels of the page's image where that
lies here, and the boxes of a mention are tied together as Recto's own task ties them (`entities`). A page on
which boxes cannot say it, since words lie upon each other or are of unknown class, has lists of word ids
instead (words of unknown class as UNASSIGNED), so nothing is lost. The truth by value, where there is one,
stands in the line of a document's first page. `manifests.manifest_corpus` reads all of it back.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image, UnidentifiedImageError

from recto.document import Page, Word
from recto.geometry import Box
from recto.model_exchange import response_of
from recto_training.corpus import IGNORED, NO_FIELD, Corpus, LabelledDocument, LabelledPage
from recto_training.exporters.places import check_ids
from recto_training.faults import DataError
from recto_training.importers.comprehend import UNASSIGNED
from recto_training.manifest_lines import PROVENANCE, VALUES
from recto_training.matching import ClassBox, match_words


class Grid(NamedTuple):
    """What boxes are drawn on, in pixels: the page's image, where there is one."""

    width: int
    height: int


NO_IMAGE = Grid(10_000, 10_000)
"""Of a page without an image here: nothing is known of its proportions, and no image can contradict."""
LEAST = 2
"""Width and height of a box around a word without area, in pixels."""
LABEL = "labels"
OCR_FOLDER = "textract"


def write_manifest(corpus: Corpus, folder: Path, prefix: str, label: str = LABEL) -> Path:
    """A manifest in the folder and the documents' JSON below it; `prefix` is where it will lie: s3://...

    DataError, before anything is written, for a document whose id would lead out of the folder.
    """
    check_ids(corpus)
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
        values = {VALUES: dict(document.values)} if document.values and not place else {}
        grid = grid_of(labelled)
        boxes = boxes_of(labelled, len(labels) - 1, grid)
        said = _word_ids(labelled, labels) if boxes is None else _boxes(boxes, labels, grid)
        yield {
            "source-ref": labelled.image or f"{ocr.removesuffix('.json')}-{labelled.page.number:04d}.png",
            "textract-ref": ocr,
            "page-num": labelled.page.number,
            **values,
            **({PROVENANCE: {"prefilled": True}} if document.prefilled else {}),
            label: said.annotation,
            f"{label}-metadata": {**said.metadata, "human-annotated": "yes"},
        }


class _Said(NamedTuple):
    """A page's labels, and what the service would say of the job."""

    annotation: dict[str, Any]
    metadata: dict[str, Any]


def grid_of(labelled: LabelledPage) -> Grid:
    """The true size of the page's image; DataError for an image that lies here and cannot be read."""
    path = Path(labelled.image)
    if not labelled.image or not path.is_file():
        return NO_IMAGE
    try:
        with Image.open(path) as image:
            return Grid(*image.size)
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError) as error:
        raise DataError(f"{path}: not an image that can be read ({error})") from error


def _boxes(boxes: Sequence[ClassBox], labels: Sequence[str], grid: Grid) -> _Said:
    used = sorted({box.class_id for box in boxes})
    annotation = {
        "image_size": [{"width": grid.width, "height": grid.height, "depth": 3}],
        "annotations": [_annotation(box, grid) for box in boxes],
        "entities": _entities(boxes),
    }
    names = {str(number): labels[number] for number in used}
    return _Said(annotation, {"class-map": names, "type": "groundtruth/custom"})


def _word_ids(labelled: LabelledPage, labels: Sequence[str]) -> _Said:
    page = told_apart(labelled.page)
    spans = [
        {"label": labels[labelled.classes[some[0]]], "blocks": [page.words[index].id for index in some]}
        for some in _mentions(labelled, len(labels) - 1)
    ]
    unknown = [page.words[index].id for index, one in enumerate(labelled.classes) if one == IGNORED]
    if unknown:
        spans.append({"label": UNASSIGNED, "blocks": unknown})
    return _Said({"annotations": {"entities": spans}}, {"type": "groundtruth/text-span"})


def boxes_of(labelled: LabelledPage, other: int, grid: Grid = NO_IMAGE) -> list[ClassBox] | None:
    """Boxes, one for each line of a mention, that give each word its class back; None where none do."""
    words, classes = labelled.page.words, labelled.classes
    wanted = [NO_FIELD] * len(words)
    boxes: list[ClassBox] = []
    for number, indices in enumerate(_mentions(labelled, other)):
        boxes += [
            ClassBox(_drawn(of_line, grid), classes[indices[0]], number)
            for of_line in _by_line(words, indices)
        ]
        for index in indices:
            wanted[index] = number
    matched = match_words(words, boxes, other)
    return boxes if (matched.classes, matched.entities) == (classes, tuple(wanted)) else None


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


def _by_line(words: Sequence[Word], indices: Sequence[int]) -> list[list[Word]]:
    by_line: dict[int, list[Word]] = {}
    for index in indices:
        by_line.setdefault(words[index].line, []).append(words[index])
    return list(by_line.values())


def _drawn(words: Sequence[Word], grid: Grid) -> Box:
    """A box around the words on the grid of pixels, never without area."""
    box = Box.around(word.box for word in words)
    left, right = _sides(box.left, box.right, grid.width)
    top, bottom = _sides(box.top, box.bottom, grid.height)
    return Box(left, top, right, bottom)


def _sides(near: float, far: float, pixels: int) -> tuple[float, float]:
    """Two sides moved apart to whole pixels, as parts of the whole."""
    first = max(0, min(int(near * pixels), pixels - LEAST))
    last = min(pixels, max(-int(-far * pixels // 1), first + LEAST))
    return first / pixels, last / pixels


def _annotation(one: ClassBox, grid: Grid) -> dict[str, int]:
    left, right = (round(side * grid.width) for side in (one.box.left, one.box.right))
    top, bottom = (round(side * grid.height) for side in (one.box.top, one.box.bottom))
    place = {"left": left, "top": top, "width": right - left, "height": bottom - top}
    return {"class_id": one.class_id, **place}


def _entities(boxes: Sequence[ClassBox]) -> list[dict[str, Any]]:
    """Which boxes are one mention, in the form of Recto's task; nothing in it was checked by a person."""
    mentions: dict[int, list[int]] = {}
    for index, box in enumerate(boxes):
        mentions.setdefault(box.mention, []).append(index)
    return [{"detectionId": str(number), "boxIxs": indices} for number, indices in mentions.items()]
