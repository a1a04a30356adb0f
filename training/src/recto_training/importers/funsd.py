"""Forms with labelled words in FUNSD's JSON: `form` holds entities of `label`, `box` and `words`.

Boxes are pixels; the files say no page size, so it comes from the image where one is given, else from
`USUAL_SIZE`. With `bio` the labels are B-question, I-question and so on, so that two answers side by side
stay two; without, they are question, answer, header. Words keep the file's order and stand in no line.
"""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

from recto.document import Page, Word
from recto.errors import DamagedDocumentError
from recto.geometry import Box
from recto_training.corpus import NO_FIELD, OTHER, LabelledDocument, LabelledPage, ReadCorpus
from recto_training.faults import DataError
from recto_training.importers.lines import image_of

LABELS = ("question", "answer", "header")
USUAL_SIZE = (762, 1000)
"""Width and height of most scans of the set."""


class _LabelledWord(NamedTuple):
    text: str
    sides: tuple[float, float, float, float]
    class_id: int
    entity: int


def bio_labels(labels: Iterable[str]) -> tuple[str, ...]:
    """B- and I- of each label, side by side, and OTHER."""
    return (*(f"{part}-{label}" for label in labels for part in "BI"), OTHER)


def funsd_corpus(
    folder: Path,
    *,
    bio: bool = True,
    images: Path | None = None,
    labels: tuple[str, ...] = LABELS,
) -> ReadCorpus:
    """The forms of a folder, by name; DataError for a folder without any."""
    names = sorted(path.stem for path in folder.glob("*.json"))
    if not names:
        raise DataError(f"{folder}: no .json files in it; expected one form a file")

    def read(name: str) -> LabelledDocument:
        image = image_of(images, name)
        return read_form(folder / f"{name}.json", labels, bio=bio, image=image)

    return ReadCorpus(names, bio_labels(labels) if bio else (*labels, OTHER), read)


def read_form(
    path: Path, labels: tuple[str, ...] = LABELS, *, bio: bool = True, image: Path | None = None
) -> LabelledDocument:
    """One form; DamagedDocumentError for another form of file or a label that is not among these."""
    try:
        entities = json.loads(path.read_text(encoding="utf-8"))["form"]
        words = [word for one in enumerate(entities) for word in _words(one, labels, bio=bio)]
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedDocumentError(f"{path}: expected FUNSD's form of labelled words, {error!r}") from error
    width, height = _size(words, image)
    page = Page(
        1,
        tuple(
            Word(
                word.text,
                Box.clipped(
                    word.sides[0] / width,
                    word.sides[1] / height,
                    word.sides[2] / width,
                    word.sides[3] / height,
                ),
                confidence=1.0,
                id=str(index),
            )
            for index, word in enumerate(words)
        ),
    )
    classes = tuple(word.class_id for word in words)
    numbers = tuple(word.entity for word in words)
    labelled = LabelledPage(page, classes, numbers, str(image or ""))
    return LabelledDocument(path.stem, (labelled,))


def _words(
    entity: tuple[int, dict[str, Any]], labels: tuple[str, ...], *, bio: bool
) -> Iterator[_LabelledWord]:
    """The words of one entity that have any text."""
    number, content = entity
    label = content["label"]
    if label != OTHER and label not in labels:
        raise ValueError(f"label {label!r}, expected one of {', '.join((*labels, OTHER))}")
    other = len(labels) * (2 if bio else 1)
    begins = True
    for word in content["words"]:
        left, top, right, bottom = map(float, word["box"])
        if not word["text"].strip():
            continue
        class_id = other if label == OTHER else labels.index(label) * (2 if bio else 1) + (bio and not begins)
        sides = (left, top, right, bottom)
        yield _LabelledWord(word["text"], sides, class_id, NO_FIELD if label == OTHER else number)
        begins = False


def _size(words: list[_LabelledWord], image: Path | None) -> tuple[float, float]:
    """Width and height of the page in pixels; large enough for all boxes."""
    if image is not None:
        with Image.open(image) as opened:
            return opened.size
    width, height = USUAL_SIZE
    return (
        max([width, *(word.sides[2] for word in words)]),
        max([height, *(word.sides[3] for word in words)]),
    )
