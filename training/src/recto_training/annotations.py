"""What one line of a labelling job's output says, by the form that it has. No files, no OCR, no words.

Four forms are read under the label's attribute:

  boxes        built-in object detection and Recto's own page task: `image_size`, `annotations` in pixels,
               and, from Recto's, `entities` that say which boxes are one mention
  spans        text tasks: labels with character offsets, from `crowd-entity-annotation`, the built-in
               text-span job or consolidated ones
  blocks       the same with the ids of the OCR's words in place of offsets
  reference    a custom job that leaves its annotation in a file (`annotation-ref`): words, entities and all

DataError says what is wrong with a form, without its place. Source: the output data of SageMaker Ground
Truth's labelling jobs, and the answers of crowd elements, as AWS documents them.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from recto.geometry import Box
from recto_training.corpus import NO_FIELD
from recto_training.faults import DataError

REFERENCE = "annotation-ref"
METADATA = "-metadata"
FAILURE = "failure-reason"
MAX_CLASS = 9999
"""Largest class id that is taken for one."""
OUTSIDE = 1.0
"""Pixels by which a box may reach out of its image."""
NESTED = ("annotations", "entities", "value", "spans")
"""Keys under which lists of spans are found."""
STARTS = ("startOffset", "start", "BeginOffset", "beginOffset")
ENDS = ("endOffset", "end", "EndOffset")
BLOCKS = ("blocks", "words", "wordIds", "BlockIds")


class NamedBox(NamedTuple):
    """A box of a class, which has an id, a name or both."""

    box: Box
    class_id: int | None
    name: str | None
    mention: int = NO_FIELD


class Span(NamedTuple):
    """Characters `start` up to, but not including, `end` of a text, or words by their ids."""

    name: str
    start: int = 0
    end: int = 0
    blocks: tuple[str, ...] = ()


class Boxes(NamedTuple):
    """What a page task says of a page."""

    boxes: tuple[NamedBox, ...]
    width: float
    height: float


class Spans(NamedTuple):
    """What a text task says of a text."""

    spans: tuple[Span, ...]


class Reference(NamedTuple):
    """Where the annotation lies."""

    uri: str


Annotation = Boxes | Spans | Reference


def annotation_of(value: Any, metadata: Mapping[str, Any]) -> Annotation:
    """What stands under the label's attribute; DataError that says what is wrong with it."""
    if not isinstance(value, Mapping):
        raise DataError(f"expected an object, seen {_short(value)}")
    if REFERENCE in value:
        return Reference(str(value[REFERENCE]))
    if "image_size" in value:
        return _boxes(value, _class_map(metadata))
    spans = _span_list(value)
    if spans is None:
        keys = ", ".join(sorted(map(str, value))) or "none"
        raise DataError(
            f"neither boxes (image_size, annotations) nor spans (entities with offsets), seen {keys}"
        )
    return Spans(tuple(map(_span, spans)))


def label_attributes(line: Mapping[str, Any]) -> list[str]:
    """The attributes of a line that hold annotations of the kinds read here."""
    return [
        name
        for name, value in line.items()
        if isinstance(value, Mapping)
        and not name.endswith(METADATA)
        and (f"{name}{METADATA}" in line or REFERENCE in value or "annotations" in value)
    ]


def job_metadata(line: Mapping[str, Any], label: str) -> Mapping[str, Any]:
    """What the service says of the job of this attribute."""
    found = line.get(f"{label}{METADATA}")
    return found if isinstance(found, Mapping) else {}


def _class_map(metadata: Mapping[str, Any]) -> dict[int, str]:
    names = metadata.get("class-map") or {}
    try:
        return {int(number): str(name) for number, name in names.items()}
    except (AttributeError, ValueError) as error:
        raise DataError(f"class-map: expected class ids with names, seen {_short(names)}") from error


# --- boxes ------------------------------------------------------------------------------------------


def _boxes(value: Mapping[str, Any], names: Mapping[int, str]) -> Boxes:
    width, height = _image_size(value["image_size"])
    drawn = value.get("annotations")
    if not isinstance(drawn, Sequence) or isinstance(drawn, str):
        raise DataError(f"annotations: expected a list of boxes, seen {_short(drawn)}")
    mentions = _mentions(value.get("entities") or (), len(drawn))
    boxes = [
        _named_box(index, one, width, height, names)._replace(mention=mentions.get(index, NO_FIELD))
        for index, one in enumerate(drawn)
    ]
    return Boxes(tuple(boxes), width, height)


def _image_size(sizes: Any) -> tuple[float, float]:
    try:
        size = sizes[0] if isinstance(sizes, Sequence) else sizes
        width, height = float(size["width"]), float(size["height"])
    except (IndexError, KeyError, TypeError, ValueError) as error:
        raise DataError(f"image_size: expected width and height, seen {_short(sizes)}") from error
    if width <= 0 or height <= 0:
        raise DataError(f"image_size: {width:g} x {height:g}, expected positive pixels")
    return width, height


def _named_box(index: int, one: Any, width: float, height: float, names: Mapping[int, str]) -> NamedBox:
    try:
        left, top, wide, high = (float(one[key]) for key in ("left", "top", "width", "height"))
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"box {index}: expected left, top, width and height, seen {_short(one)}") from error
    if not (wide > 0 and high > 0 and math.isfinite(left + top)):
        raise DataError(f"box {index}: {wide:g} x {high:g} pixels, expected an area; take it out")
    if min(left, top) < -OUTSIDE or left + wide > width + OUTSIDE or top + high > height + OUTSIDE:
        raise DataError(
            f"box {index}: {left:g}, {top:g} to {left + wide:g}, {top + high:g} reaches out of its image of "
            f"{width:g} x {height:g}; the image_size is not the one that the box was drawn on"
        )
    box = Box.clipped(left / width, top / height, (left + wide) / width, (top + high) / height)
    class_id, name = one.get("class_id"), one.get("label")
    if class_id is None and name is None:
        raise DataError(f"box {index}: neither class_id nor label")
    if class_id is not None and not (isinstance(class_id, int) and 0 <= class_id <= MAX_CLASS):
        raise DataError(f"box {index}: class_id {class_id!r}, expected a whole number from 0 to {MAX_CLASS}")
    if name is not None and not isinstance(name, str):
        raise DataError(f"box {index}: label {_short(name)}, expected text")
    return NamedBox(box, class_id, name or (None if class_id is None else names.get(class_id)))


def _mentions(entities: Any, count: int) -> dict[int, int]:
    """Box index to number of its mention, where the task reviewed mentions."""
    found: dict[int, int] = {}
    if not isinstance(entities, Sequence) or not all(isinstance(one, Mapping) for one in entities):
        raise DataError(f"entities: expected a list of mentions with boxIxs, seen {_short(entities)}")
    for number, entity in enumerate(entities):
        indices = entity.get("boxIxs") or ()
        if not isinstance(indices, Sequence):
            raise DataError(f"entity {number}: boxIxs {_short(indices)}, expected a list")
        for index in indices:
            if index not in range(count):
                raise DataError(f"entity {number}: names box {index!r} of {count} boxes")
            found[index] = number
    return found


def check_values(values: Any, name: str) -> None:
    """DataError unless the truth by value is lists of values by field name."""
    if not isinstance(values, Mapping) or not all(isinstance(listed, list) for listed in values.values()):
        raise DataError(f"{name}: expected lists of values by field name, seen {_short(values)}")


# --- spans ------------------------------------------------------------------------------------------


def _span_list(value: Any) -> list[Any] | None:
    """The list of spans, however deep and however often it was written as text; None for none."""
    if isinstance(value, str):
        try:
            return _span_list(json.loads(value))
        except ValueError:
            return None
    if isinstance(value, list):
        return value
    if not isinstance(value, Mapping):
        return None
    return next((found for key in NESTED if (found := _span_list(value.get(key))) is not None), None)


def _span(one: Any) -> Span:
    if not isinstance(one, Mapping):
        raise DataError(f"expected a span with label and offsets, seen {_short(one)}")
    name = one.get("label") or one.get("Type")
    if not name:
        raise DataError(f"a span without a label: {_short(one)}")
    blocks = next((one[key] for key in BLOCKS if key in one), None)
    if blocks is not None:
        return Span(str(name), blocks=tuple(map(str, blocks)))
    start, end = (next((one[key] for key in keys if key in one), None) for keys in (STARTS, ENDS))
    if not (isinstance(start, int) and isinstance(end, int) and 0 <= start < end):
        raise DataError(f"span of {name!r}: expected 0 <= start < end, seen {start} and {end}")
    return Span(str(name), start, end)


def words_in_spans(words: Sequence[str], text: str) -> Iterator[tuple[int, int]]:
    """Where each word stands in the text, one after the other; (-1, -1) for one that is not there."""
    position = 0
    for word in words:
        found = text.find(word, position)
        if found < 0:
            yield -1, -1
        else:
            position = found + len(word)
            yield found, position


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
