"""Suggested labels of a page, in the shape in which Ground Truth's tasks show earlier labels to be changed.

What a model, or an earlier page, says of a page is not a label: it is drawn as boxes that a person accepts
or changes, under an attribute of its own, which says that no human has seen it. Pixels of the page's image,
since Ground Truth has no other coordinates. Not here: where suggestions
come from (`entities`, `earlier_pages`).
"""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from recto.document import Page, PagePredictions
from recto.entities import mentions
from recto.fields import FieldList
from recto.geometry import Box

INITIAL = "initial"
"""Name of the attribute, where nothing else is asked for."""
LEAST_PIXELS = 2
"""Width and height of a box around a word without area."""
ROUNDING = 1e-6
"""Pixels by which a side is out only because 0.18 is no binary fraction."""
UNSEEN = "unclear"
"""Status of a text that no person has confirmed."""


class Suggestion(NamedTuple):
    """A mention that a page probably has."""

    class_id: int
    name: str
    boxes: tuple[Box, ...]
    """One for each line, around words."""
    text: str
    confidence: float
    """Of its source, 0-1; not calibrated."""
    source: str = ""
    """Where it comes from, as a person is told."""


class ImageSize(NamedTuple):
    """Pixels of a page's image."""

    width: int
    height: int


class Origin(NamedTuple):
    """Who suggests, for the attribute's metadata."""

    name: str
    """Of the model, or of the manifest of earlier pages."""
    time: datetime


def of_predictions(
    page: Page, predictions: PagePredictions, fields: FieldList, least: float = 0.0
) -> list[Suggestion]:
    """What a model found, in reading order, where it is at least so sure (mean over a mention's words)."""
    found = []
    for one in mentions(page, predictions, fields):
        sure = sum(predictions.probabilities[index] for index in one.words) / len(one.words)
        if sure >= least:
            found.append(Suggestion(one.class_id, one.name, one.boxes, one.text, sure, "model"))
    return found


def together(first: Sequence[Suggestion], second: Sequence[Suggestion]) -> list[Suggestion]:
    """The first ones, and of the second those of classes that the first have not, where nothing lies yet."""
    classes = {one.class_id for one in first}
    drawn = [box for one in first for box in one.boxes]
    more = [
        one
        for one in second
        if one.class_id not in classes
        and not any(box.intersection(other) > 0 for box in one.boxes for other in drawn)
    ]
    return [*first, *more]


def attribute_of(
    suggestions: Sequence[Suggestion], size: ImageSize, name: str, origin: Origin
) -> dict[str, Any]:
    """The attribute and its metadata, to add to a line of a manifest.

    Boxes as the built-in box tasks and their adjustment templates take them; `entities` tie the boxes of a
    mention together and give its text, as Recto's page task does.
    """
    boxes = [(one, box) for one in suggestions for box in one.boxes]
    annotation = {
        "image_size": [{"width": size.width, "height": size.height, "depth": 3}],
        "annotations": [
            {"class_id": one.class_id, "label": one.name, **_in_pixels(box, size)} for one, box in boxes
        ],
        "entities": _entities(suggestions),
    }
    return {name: annotation, f"{name}-metadata": _metadata(suggestions, origin)}


def _in_pixels(box: Box, size: ImageSize) -> dict[str, int]:
    """Whole pixels around the box, on the image, never without area."""
    left, width = _side(box.left, box.right, size.width)
    top, height = _side(box.top, box.bottom, size.height)
    return {"left": left, "top": top, "width": width, "height": height}


def _side(low: float, high: float, pixels: int) -> tuple[int, int]:
    least = min(LEAST_PIXELS, pixels)
    start = min(math.floor(low * pixels + ROUNDING), pixels - least)
    end = min(max(math.ceil(high * pixels - ROUNDING), start + least), pixels)
    return start, end - start


def _entities(suggestions: Sequence[Suggestion]) -> list[dict[str, Any]]:
    entities, first = [], 0
    for number, one in enumerate(suggestions):
        entities.append(
            {
                "detectionId": str(number),
                "ocrStatus": UNSEEN,
                "boxIxs": list(range(first, first + len(one.boxes))),
                "classId": one.class_id,
                "label": one.name,
                "rawText": one.text,
                "source": one.source,
            }
        )
        first += len(one.boxes)
    return entities


def _metadata(suggestions: Sequence[Suggestion], origin: Origin) -> Mapping[str, Any]:
    names = {one.class_id: one.name for one in suggestions}
    return {
        "objects": [{"confidence": round(one.confidence, 4)} for one in suggestions for _ in one.boxes],
        "class-map": {str(number): names[number] for number in sorted(names)},
        "type": "groundtruth/object-detection",
        "human-annotated": "no",
        "creation-date": origin.time.replace(tzinfo=None).isoformat(),
        "job-name": f"prelabel/{origin.name}",
    }
