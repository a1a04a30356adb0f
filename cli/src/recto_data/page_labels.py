"""What a labelled line says of its page: boxes of classes, a class of the whole page, or a label image.

Pixels end here: boxes are 0-1 from now on. ManifestError says what is wrong with a label, and on which line.
"""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from recto.errors import ManifestError
from recto.geometry import Box
from recto.manifests import LabelAttribute, ManifestLine, chosen_label
from recto_data.drawing import Colour

MAX_SHOWN = 60
BACKGROUND = "BACKGROUND"
COLOURS = "internal-color-map"
CONSOLIDATION = "-consolidation"
"""Where Recto's post-labelling function keeps it: Ground Truth overwrites the metadata of custom jobs."""
OUTSIDE = 1.0
"""Pixels by which a box may reach out of its image."""


class DrawnBox(NamedTuple):
    """A box that somebody drew, or a model did."""

    name: str
    """Of its class."""
    class_id: int
    box: Box
    confidence: float | None = None


class PageLabels(NamedTuple):
    """All that a label says of a page."""

    boxes: tuple[DrawnBox, ...] = ()
    image_size: tuple[float, float] | None = None
    """Width and height of the image that was labelled, in pixels."""
    classes: tuple[str, ...] = ()
    """Of the whole page."""
    label_image: str = ""
    """Reference of an image with a class for each pixel."""
    colours: tuple[tuple[str, Colour], ...] = ()
    """Classes of the label image, each with its colour there."""


def page_labels(line: ManifestLine, name: str = "") -> PageLabels:
    """The labels of a line under the attribute of that name, or under its only one."""
    label = chosen_label(line, name)
    if label.failure:
        raise ManifestError(f"{line.place}: its labelling failed: {label.failure}")
    value = label.value
    if label.kind.startswith("semantic-segmentation") or (
        label.name.endswith("-ref") and isinstance(value, str)
    ):
        return PageLabels(label_image=str(value), colours=_colours(label, line))
    if isinstance(value, Mapping) and "image_size" in value:
        return _boxes(value, label, line)
    if isinstance(value, int | list | str):
        return PageLabels(classes=_classes(value, label))
    seen = ", ".join(value) if isinstance(value, Mapping) else _short(value)
    raise ManifestError(
        f"{line.place}: label {label.name}: expected boxes, a class or a label image, "
        f"seen {seen or 'nothing'}; labels of texts mark nothing on a page"
    )


def _colours(label: LabelAttribute, line: ManifestLine) -> tuple[tuple[str, Colour], ...]:
    """Of the `internal-color-map`; the class BACKGROUND is what nobody painted."""
    ours = line.content.get(label.name + CONSOLIDATION)
    kept = ours if isinstance(ours, Mapping) else {}
    told = label.metadata.get(COLOURS) or kept.get(COLOURS) or {}
    if not isinstance(told, Mapping):
        raise ManifestError(f"{line.place}: {COLOURS}: expected a mapping, seen {_short(told)}")
    return tuple(
        (str(one["class-name"]), _rgb(one["hex-color"], line))
        for one in told.values()
        if isinstance(one, Mapping) and "hex-color" in one and one.get("class-name", BACKGROUND) != BACKGROUND
    )


def _rgb(told: Any, line: ManifestLine) -> Colour:
    digits = str(told).removeprefix("#")
    if not re.fullmatch("[0-9A-Fa-f]{6}", digits):
        raise ManifestError(f"{line.place}: hex-color: expected #rrggbb, seen {_short(told)}")
    red, green, blue = bytes.fromhex(digits)
    return red, green, blue


def _classes(value: Any, label: LabelAttribute) -> tuple[str, ...]:
    told = label.metadata.get("class-name")
    if told:
        return (str(told),)
    values = value if isinstance(value, list) else [value]
    return tuple(label.class_names.get(one, str(one)) if isinstance(one, int) else str(one) for one in values)


def _boxes(value: Mapping[str, Any], label: LabelAttribute, line: ManifestLine) -> PageLabels:
    size = _image_size(value["image_size"], line)
    drawn = value.get("annotations")
    if not isinstance(drawn, list):
        raise ManifestError(f"{line.place}: annotations: expected a list of boxes, seen {_short(drawn)}")
    objects = label.metadata.get("objects")
    told = objects if isinstance(objects, list) and len(objects) == len(drawn) else [{}] * len(drawn)
    boxes = tuple(
        _box(one, size, label.class_names, f"{line.place}: box {index}")._replace(
            confidence=_confidence(known)
        )
        for index, (one, known) in enumerate(zip(drawn, told, strict=True))
    )
    return PageLabels(_with_class_ids(boxes), size)


def _image_size(sizes: Any, line: ManifestLine) -> tuple[float, float]:
    try:
        size = sizes[0] if isinstance(sizes, Sequence) else sizes
        width, height = float(size["width"]), float(size["height"])
    except (IndexError, KeyError, TypeError, ValueError) as error:
        seen = _short(sizes)
        raise ManifestError(f"{line.place}: image_size: expected width and height, seen {seen}") from error
    if not (width > 0 and height > 0):
        raise ManifestError(f"{line.place}: image_size {width:g} x {height:g}: expected positive pixels")
    return width, height


def _box(one: Any, size: tuple[float, float], names: Mapping[int, str], place: str) -> DrawnBox:
    try:
        left, top, wide, high = (float(one[key]) for key in ("left", "top", "width", "height"))
    except (KeyError, TypeError, ValueError) as error:
        raise ManifestError(f"{place}: expected left, top, width and height, seen {_short(one)}") from error
    if not (wide > 0 and high > 0 and math.isfinite(left + top + wide + high)):
        raise ManifestError(f"{place}: {wide:g} x {high:g} pixels, expected an area")
    width, height = size
    if min(left, top) < -OUTSIDE or left + wide > width + OUTSIDE or top + high > height + OUTSIDE:
        reaches = f"{left:g}, {top:g} to {left + wide:g}, {top + high:g}"
        raise ManifestError(f"{place}: {reaches} reaches out of its image of {width:g} x {height:g}")
    class_id, name = one.get("class_id"), one.get("label")
    if class_id is None and not name:
        raise ManifestError(f"{place}: neither class_id nor label")
    number = int(class_id) if class_id is not None else -1
    box = Box.clipped(left / width, top / height, (left + wide) / width, (top + high) / height)
    return DrawnBox(str(name or names.get(number) or f"class {number}"), number, box)


def _with_class_ids(boxes: Sequence[DrawnBox]) -> tuple[DrawnBox, ...]:
    """Classes that have only a name are numbered behind the others, in the order of their names."""
    unnumbered = sorted({box.name for box in boxes if box.class_id < 0})
    first = max((box.class_id for box in boxes), default=-1) + 1
    numbers = {name: first + index for index, name in enumerate(unnumbered)}
    return tuple(box._replace(class_id=numbers.get(box.name, box.class_id)) for box in boxes)


def _confidence(told: Any) -> float | None:
    """As the service tells it; 0 is what it says of boxes by one worker, and says nothing."""
    value = told.get("confidence") if isinstance(told, Mapping) else None
    return float(value) if isinstance(value, int | float) and value > 0 else None


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 3]}..."
