"""What a worker answered in a labelling task, in whatever form. Not what several answers mean together.

Forms, told by their shape and not by the names of the elements, which templates choose:

  boxes           {"<element>": {"boundingBoxes": [...], "inputImageProperties": {...}}}, with the custom OCR
                  task's `ocr-<uid>-meta`, `-correct`, `-wrong`, `-unclear`, `-override` beside it
  spans           {"<element>": {"entities": [{startOffset, endOffset, label}]}} or the text workflow's
                  {"annotations": '{"value": [{start, end, label}]}', "notes", "quality"}
  classes         {"<element>": {"label": "A"}} or {"labels": ["A", "B"]}
  label image     {"<element>": {"labeledImage": {"pngImageData"}, "labelMappings": {...}}}
  any other form  its values as they are

Each may be JSON text or an object, also within another. Pixels end here: boxes are 0-1 from now on. What is
odd about an answer and can be left out is a warning; AnswerError says why an answer cannot be used at all.
"""

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from recto.errors import AnswerError
from recto.geometry import Box

Status = Literal["correct", "wrong", "unclear"]
STATUSES: tuple[Status, ...] = ("correct", "wrong", "unclear")
OCR_FIELD = re.compile(r"ocr-(.+)-(meta|correct|wrong|unclear|override)", re.DOTALL)
SPANS = ("value", "entities", "annotations", "spans")
STARTS, ENDS = ("startOffset", "start"), ("endOffset", "end")
YES, NO = frozenset({"yes", "true", "on", "good"}), frozenset({"no", "false", "off", "bad"})
MAX_NESTING = 20
MAX_SHOWN = 80


class ImageSize(NamedTuple):
    """Of the image that was labelled, in pixels."""

    width: float
    height: float
    depth: float | None = None
    """Colours; None where the answer does not say."""


class LabelledBox(NamedTuple):
    """A box that somebody drew."""

    label: str
    """Empty where the task has no labels."""
    box: Box


class Transcription(NamedTuple):
    """What somebody said of the text in a group of boxes."""

    uid: str
    """Stays with the group, whatever boxes are drawn and deleted before it."""
    label: str
    boxes: tuple[int, ...]
    """Indexes of the answer's boxes."""
    status: Status
    raw_text: str | None
    """What the OCR read."""
    override: str | None
    """What was typed instead."""

    @property
    def target_text(self) -> str | None:
        """What the text is; None where nobody said."""
        return self.raw_text if self.status == "correct" else self.override


class PageAnswer(NamedTuple):
    """Boxes on an image, and perhaps what they hold."""

    size: ImageSize
    boxes: tuple[LabelledBox, ...]
    transcriptions: tuple[Transcription, ...] = ()
    warnings: tuple[str, ...] = ()


class LabelledSpan(NamedTuple):
    """Characters `start` up to, but not including, `end` of a text."""

    label: str
    start: int
    end: int


class SpanAnswer(NamedTuple):
    """Entities in a text."""

    spans: tuple[LabelledSpan, ...]
    notes: str = ""
    quality: bool | None = None
    """Whether the text is good enough; None where nobody said."""
    warnings: tuple[str, ...] = ()


class ClassAnswer(NamedTuple):
    """What something is."""

    labels: tuple[str, ...]
    is_multiple: bool
    """Whether it could have been several."""
    warnings: tuple[str, ...] = ()


class ImageAnswer(NamedTuple):
    """A class for each pixel."""

    png: str
    """Base64 text; empty where the image lies in S3."""
    uri: str
    colours: Mapping[str, str]
    """Label to `#rrggbb`."""
    warnings: tuple[str, ...] = ()


class FormAnswer(NamedTuple):
    """Values of a form that is none of the others."""

    values: Mapping[str, Any]
    warnings: tuple[str, ...] = ()


Answer = PageAnswer | SpanAnswer | ClassAnswer | ImageAnswer | FormAnswer


def parse_answer(content: str | Mapping[str, Any]) -> Answer:
    """A worker's answer understood; AnswerError where it cannot be."""
    form = _object(content, "the answer")
    for value in form.values():
        element = _element(value)
        if element is not None and "boundingBoxes" in element:
            return _page(element, form)
        if element is not None and "labeledImage" in element:
            return _image(element)
    spans = _span_list(form)
    if spans is not None:
        return _text(spans, form)
    for name, value in form.items():
        element = None if OCR_FIELD.fullmatch(name) else _element(value)
        if element is not None and element.keys() & {"label", "labels"}:
            return _classes(element)
    return FormAnswer(form)


def content_of(content: str | Mapping[str, Any]) -> dict[str, Any]:
    """The answer as it came, an object; AnswerError where it is none."""
    return _object(content, "the answer")


def _object(value: Any, what: str) -> dict[str, Any]:
    for _ in range(3):  # JSON in JSON in JSON was seen
        if not isinstance(value, str):
            break
        try:
            value = json.loads(value)
        except (ValueError, RecursionError) as error:
            raise AnswerError(f"{what}: expected JSON, seen {_short(value)} ({error})") from error
    if not isinstance(value, Mapping):
        raise AnswerError(f"{what}: expected a JSON object, seen {_short(value)}")
    return dict(value)


def _element(value: Any) -> Mapping[str, Any] | None:
    """What an element of a form answered, where that is an object or the JSON text of one."""
    decoded = _decoded(value)
    return decoded if isinstance(decoded, Mapping) else None


# --- boxes ------------------------------------------------------------------------------------------


def _page(element: Mapping[str, Any], form: Mapping[str, Any]) -> PageAnswer:
    drawn = element["boundingBoxes"]
    if not isinstance(drawn, list):
        raise AnswerError(f"boundingBoxes: expected a list, seen {_short(drawn)}")
    size = _image_size(element.get("inputImageProperties"))
    warnings: list[str] = []
    boxes: list[LabelledBox] = []
    places: dict[int, int] = {}  # where each box that was kept stood
    for index, one in enumerate(drawn):
        try:
            box = _box(one, size)
        except AnswerError as error:
            warnings.append(f"box {index} left out: {error}")
            continue
        places[index] = len(boxes)
        boxes.append(box)
    transcriptions = tuple(_transcriptions(form, boxes, places, warnings))
    return PageAnswer(size, tuple(boxes), transcriptions, tuple(warnings))


def _image_size(value: Any) -> ImageSize:
    try:
        depth = value.get("depth")
        size = ImageSize(
            _number(value["width"]), _number(value["height"]), None if depth is None else _number(depth)
        )
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
        raise AnswerError(
            f"inputImageProperties: expected the image's width and height in pixels, seen {_short(value)}"
        ) from error
    if size.width <= 0 or size.height <= 0:
        raise AnswerError(f"inputImageProperties: {size.width:g} x {size.height:g}, expected positive pixels")
    return size


def _number(value: Any) -> float:
    if isinstance(value, bool):
        raise TypeError("expected a number, seen a yes or no")
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"expected a number, seen {value!r}")
    return number


def _box(one: Any, size: ImageSize) -> LabelledBox:
    try:
        left, top = _number(one["left"]), _number(one["top"])
        width, height = _number(one["width"]), _number(one["height"])
    except (KeyError, OverflowError, TypeError, ValueError) as error:
        raise AnswerError(f"expected left, top, width and height in pixels, seen {_short(one)}") from error
    box = Box(left / size.width, top / size.height, (left + width) / size.width, (top + height) / size.height)
    if min(box) < 0 or max(box) > 1:
        box = Box.clipped(*box)
    if not (width > 0 and height > 0 and box[0] < box[2] and box[1] < box[3]):
        seen = f"{width:g} x {height:g} pixels at {left:g}, {top:g}"
        raise AnswerError(f"{seen}, expected an area on the image")
    return LabelledBox(_label(one), box)


def _label(one: Mapping[str, Any]) -> str:
    label = one.get("label")
    return "" if label is None else str(label)


def pixels_of(box: Box, size: ImageSize) -> dict[str, float]:
    """A box as Ground Truth writes it; whole pixels as whole numbers."""
    left, top = _whole(box.left * size.width), _whole(box.top * size.height)
    width, height = _whole(box.width * size.width), _whole(box.height * size.height)
    return {"top": top, "left": left, "height": height, "width": width}


def _whole(value: float) -> float:
    rounded = round(value, 4)
    return int(rounded) if rounded == int(rounded) else rounded


# --- transcriptions ---------------------------------------------------------------------------------


def _transcriptions(
    form: Mapping[str, Any], boxes: Sequence[LabelledBox], places: Mapping[int, int], warnings: list[str]
) -> Iterator[Transcription]:
    """The groups of an answer to the custom OCR task, in the order in which they stand there."""
    fields: dict[str, dict[str, Any]] = {}
    for name, value in form.items():
        if match := OCR_FIELD.fullmatch(name):
            fields.setdefault(match[1], {})[match[2]] = value
    for uid, group in fields.items():
        try:
            found = _transcription(uid, group, boxes, places, warnings)
        except AnswerError as error:
            warnings.append(f"transcription {uid} left out: {error}")
        else:
            yield found


def _transcription(
    uid: str,
    group: Mapping[str, Any],
    boxes: Sequence[LabelledBox],
    places: Mapping[int, int],
    warnings: list[str],
) -> Transcription:
    if "meta" not in group:
        raise AnswerError(f"no ocr-{uid}-meta, seen {', '.join(sorted(group))}")
    meta = _object(group["meta"], f"ocr-{uid}-meta")
    named = meta.get("boxIxs")
    if not isinstance(named, list):
        raise AnswerError(f"boxIxs: expected a list of box numbers, seen {_short(named)}")
    known = [places[one] for one in named if isinstance(one, int) and one in places]
    if len(known) < len(named):
        warnings.append(f"transcription {uid} names boxes {named}, of which {len(known)} can be used")
    if not known:
        raise AnswerError(f"none of its boxes {named} is there")
    ticked = [status for status in STATUSES if _is_on(group.get(status))]
    if len(ticked) != 1:
        told = " and ".join(ticked) or "nothing"
        warnings.append(f"transcription {uid}: {told} chosen, expected one of {', '.join(STATUSES)}: unclear")
    return Transcription(
        uid=uid,
        label=_label(meta) or boxes[known[0]].label,
        boxes=tuple(dict.fromkeys(known)),
        status=ticked[0] if len(ticked) == 1 else "unclear",
        raw_text=_text_or_none(meta.get("ocrText")),
        override=_text_or_none(group.get("override")) or None,
    )


def _is_on(value: Any) -> bool:
    """A radio button or box, in the shapes in which browsers and elements send them."""
    if isinstance(value, Mapping):
        return any(_is_on(value.get(key)) for key in ("on", "checked", "value"))
    return value is True or (isinstance(value, str) and value.strip().lower() in YES)


def _text_or_none(value: Any) -> str | None:
    return None if value is None else str(value)


# --- spans ------------------------------------------------------------------------------------------


def _span_list(value: Any, depth: int = 0) -> list[Any] | None:
    """The list of spans, however deep and however often it was written as text; None for none."""
    value = _decoded(value)
    if isinstance(value, list):
        return value if all(isinstance(one, Mapping) and _offset(one, STARTS) for one in value) else None
    if not isinstance(value, Mapping) or depth > MAX_NESTING:
        return None
    others = (one for key, one in value.items() if key not in SPANS)  # none twice: twenty deep, that is a lot
    inner = [value[key] for key in SPANS if key in value] + [_with_spans(one) for one in others]
    return next((found for one in inner if (found := _span_list(one, depth + 1)) is not None), None)


def _decoded(value: Any) -> Any:
    """What JSON text says; any other text is nothing."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value) if value.lstrip().startswith(("{", "[")) else None
    except (ValueError, RecursionError):
        return None


def _with_spans(value: Any) -> Mapping[str, Any] | None:
    element = _element(value)
    return element if element is not None and element.keys() & set(SPANS) else None


def _offset(one: Mapping[str, Any], names: Iterable[str]) -> tuple[Any, ...]:
    """The value of the first of these keys that is there, in a tuple; an empty one for none."""
    return next(((one[name],) for name in names if name in one), ())


def _text(spans: Sequence[Any], form: Mapping[str, Any]) -> SpanAnswer:
    warnings: list[str] = []
    found: list[LabelledSpan] = []
    for index, one in enumerate(spans):
        start, end = (*_offset(one, STARTS), None)[0], (*_offset(one, ENDS), None)[0]
        if _is_whole(start) and _is_whole(end) and 0 <= start < end:
            found.append(LabelledSpan(_label(one), start, end))
        else:
            seen = f"{_short(start)} and {_short(end)}"
            warnings.append(f"span {index} left out: expected 0 <= start < end, seen {seen}")
    quality = _quality(form)
    return SpanAnswer(tuple(dict.fromkeys(found)), _notes(form), quality, tuple(warnings))


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _notes(form: Mapping[str, Any]) -> str:
    named = next((form[key] for key in ("notes", "note", "comments") if key in form), None)
    return named.strip() if isinstance(named, str) else ""


def _quality(form: Mapping[str, Any]) -> bool | None:
    """Yes or no: as text, as a value, or as two radio buttons, within `quality` or beside each other."""
    for name, value in form.items():
        if name.lower() == "quality":
            if isinstance(value, Mapping):
                pair = _is_on(value.get("yes")), _is_on(value.get("no"))
            else:
                text = str(value).strip().lower()
                pair = text in YES, text in NO
            return pair[0] if pair[0] != pair[1] else None
    yes, no = (_is_on(form.get(f"quality-{one}")) for one in ("yes", "no"))
    return yes if yes != no else None


# --- classes and label images -----------------------------------------------------------------------


def _classes(element: Mapping[str, Any]) -> ClassAnswer:
    is_multiple = "labels" in element
    named = element["labels"] if is_multiple else [element["label"]]
    if not isinstance(named, list) or not all(isinstance(one, str) for one in named):
        raise AnswerError(f"expected a label or a list of labels, seen {_short(dict(element))}")
    return ClassAnswer(tuple(dict.fromkeys(named)), is_multiple)


def _image(element: Mapping[str, Any]) -> ImageAnswer:
    image, mappings = element["labeledImage"], element.get("labelMappings")
    if not isinstance(image, Mapping) or not isinstance(mappings, Mapping):
        raise AnswerError(
            "expected labeledImage and labelMappings to be objects, seen "
            f"{type(image).__name__} and {type(mappings).__name__}"
        )
    content = image.get("pngImageData")
    uri = image.get("s3Uri") or (content.get("s3Uri") if isinstance(content, Mapping) else None)
    if not uri and not (isinstance(content, str) and content):
        raise AnswerError("labeledImage: expected pngImageData as base64 text or an s3Uri, seen neither")
    colours = {str(label): _colour(label, one) for label, one in mappings.items()}
    return ImageAnswer(content if isinstance(content, str) else "", str(uri or ""), colours)


def _colour(label: Any, one: Any) -> str:
    colour = one.get("color") if isinstance(one, Mapping) else one
    if not isinstance(colour, str) or not re.fullmatch("#[0-9A-Fa-f]{6}", colour):
        raise AnswerError(f"labelMappings: {label!r} has the colour {_short(colour)}, expected #rrggbb")
    return colour.lower()


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 3]}..."
