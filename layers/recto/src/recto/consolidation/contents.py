"""What the consolidation of an object writes into the manifest: names and order as readers know them.

Under the label's attribute stand what Ground Truth's built-in jobs write there and, where that is an object,
how sure the workers were (`objects`, `consolidation`). What built-in jobs write into `<attribute>-metadata`
stands there too: the workbench keeps it, Ground Truth overwrites it for custom jobs. Where the label is a
number or a name, `<attribute>-consolidation` says how sure they were.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from recto.consolidation.classes import AgreedClasses
from recto.consolidation.forms import AgreedForm
from recto.consolidation.pages import AgreedEntity, AgreedPage
from recto.consolidation.rules import LeftOut, Rules
from recto.consolidation.spans import AgreedText
from recto.labels import ImageSize, pixels_of
from recto.manifests import METADATA

CONSOLIDATION = "-consolidation"
WARNINGS = "consolidationWarnings"
ALL_ANSWERS = "annotationsFromAllWorkers"
FAILURE = "failure-reason"
DIGITS = 4

Content = dict[str, Any]


class Label(NamedTuple):
    """How the job calls what it labels."""

    attribute: str
    categories: tuple[str, ...] | None
    """None where the request names none: then labels have names and no ids."""

    def class_id(self, label: str) -> int | None:
        return self.categories.index(label) if self.categories and label in self.categories else None

    def fault(self, label: str) -> str:
        """A warning for a label that the job does not have."""
        is_known = not label or self.categories is None or label in self.categories
        return "" if is_known else f"label {label!r} is none of the job's labels"


class SetAside(NamedTuple):
    """A worker's answer that did not count."""

    worker: str
    reason: str


class Account(NamedTuple):
    """Of the answers to one object: which counted, which did not."""

    counted: int
    set_aside: tuple[SetAside, ...]
    warnings: tuple[str, ...]
    annotations: tuple[Mapping[str, Any], ...]
    """All answers as they came, for those who read them."""
    shortfall: str = ""
    """Told where so few people's answers can be used that somebody should look again."""


# --- by kind ----------------------------------------------------------------------------------------


def page_content(page: AgreedPage, label: Label, account: Account, rules: Rules) -> Content:
    """Boxes as built-in object detection writes them, with the custom OCR task's entities."""
    names = [*(one.label for one in page.boxes), *(one.label for one in page.entities)]
    boxes = [_box(one.label, pixels_of(one.box, page.size), label) for one in page.boxes]
    objects = [{"confidence": _rounded(one.confidence)} for one in page.boxes]
    sure = [*(one.confidence for one in page.boxes), *(one.confidence for one in page.entities)]
    value = {
        "image_size": [_size(page.size)],
        "annotations": boxes,
        "entities": [_entity(one, label) for one in page.entities],
        "objects": objects,
    }
    metadata = {"objects": objects, **_class_map(names, label)}
    return _content(
        label, value, metadata, account, _Sureness(sure, page.left_out, _unsure_pages(page, rules)), names
    )


def text_content(text: AgreedText, label: Label, account: Account, rules: Rules) -> Content:
    """Spans as built-in named entity recognition writes them, with all workers' answers beside them."""
    entities = [
        {"label": one.label, "startOffset": one.start, "endOffset": one.end,
         "confidence": _rounded(one.confidence)}
        for one in text.spans
    ]  # fmt: skip
    names = [one.label for one in text.spans]
    value: Content = {
        "annotations": {"entities": entities, "labels": [{"label": one} for one in dict.fromkeys(names)]},
        ALL_ANSWERS: list(account.annotations),
    }
    if text.quality is not None:
        answer = "yes" if text.quality else "no"
        value["quality"] = {"answer": answer, "confidence": _rounded(text.quality_confidence)}
    metadata = {"entities": [{"confidence": one["confidence"]} for one in entities]}
    sure = [*(one.confidence for one in text.spans), text.quality_confidence]
    doubts = _below(((f"span {one.start} to {one.end}", one.confidence) for one in text.spans), rules)
    doubts += _below([("quality of the text", text.quality_confidence)], rules)
    return _content(label, value, metadata, account, _Sureness(sure, text.left_out, doubts), names)


def class_content(found: AgreedClasses, label: Label, account: Account, rules: Rules) -> Content:
    """A class as built-in classification writes it: its id, or its name where there are no ids."""
    (one,) = found.chosen
    metadata = {"class-name": one.label, "confidence": _rounded(one.confidence)}
    number = label.class_id(one.label)
    doubts = _below([("class", one.confidence)], rules)
    sure = _Sureness([one.confidence], (), doubts)
    return _content(label, one.label if number is None else number, metadata, account, sure, [one.label])


def classes_content(found: AgreedClasses, label: Label, account: Account, rules: Rules) -> Content:
    """Classes as built-in multi-label classification writes them."""
    keys = [label.class_id(one.label) for one in found.chosen]
    pairs = [(one.label if key is None else key, one) for key, one in zip(keys, found.chosen, strict=True)]
    metadata = {
        "class-map": {str(key): one.label for key, one in pairs},
        "confidence-map": {str(key): _rounded(one.confidence) for key, one in pairs},
    }
    doubts = _below([("classes", found.confidence)], rules)
    names = [one.label for one in found.chosen]
    sure = _Sureness([found.confidence], (), doubts)
    return _content(label, [key for key, _ in pairs], metadata, account, sure, names)


class LabelImage(NamedTuple):
    """The label image of an object, written."""

    uri: str
    colours: Mapping[str, str]
    """Label to `#rrggbb`, the background first, in the order of their numbers."""
    confidences: Mapping[str, float]
    """Of each label: the share of its votes, over its pixels."""
    set_aside: tuple[SetAside, ...] = ()
    """Images that did not count."""


def image_content(image: LabelImage, label: Label, account: Account, rules: Rules) -> Content:
    """A label image as built-in segmentation writes it: where it lies, and what its colours are."""
    colours = {
        str(number): {
            "class-name": name, "hex-color": colour, "confidence": _rounded(image.confidences.get(name, 1.0)),
        }
        for number, (name, colour) in enumerate(image.colours.items())
    }  # fmt: skip
    doubts = _below(((f"the pixels of {name}", share) for name, share in image.confidences.items()), rules)
    sure = _Sureness(list(image.confidences.values()), (), doubts)
    content = _content(label, image.uri, {"internal-color-map": colours}, account, sure, [])
    content[label.attribute + CONSOLIDATION]["internal-color-map"] = colours
    return content


def form_content(form: AgreedForm, label: Label, account: Account, rules: Rules) -> Content:
    """The values of most, with all workers' answers beside them."""
    value = {"answers": dict(form.values), ALL_ANSWERS: list(account.annotations)}
    doubts = _below([("an answer of the form", form.confidence)], rules)
    return _content(label, value, {}, account, _Sureness([form.confidence], (), doubts), [])


def failure_content(reason: str, label: Label, account: Account) -> Content:
    """What is written of an object that has no label: why."""
    value = {
        FAILURE: reason,
        "consolidation": {**_accounted(account), "confidence": 0.0, "adjudicate": [reason]},
        **_warnings(account.warnings),
    }
    return {label.attribute: value, label.attribute + METADATA: {FAILURE: reason}}


# --- what all have ----------------------------------------------------------------------------------


class _Sureness(NamedTuple):
    confidences: Sequence[float]
    left_out: Sequence[LeftOut]
    doubts: Sequence[str]


def _content(
    label: Label, value: Any, metadata: Content, account: Account, sure: _Sureness, names: Iterable[str]
) -> Content:
    faults = [fault for name in dict.fromkeys(names) if (fault := label.fault(name))]
    doubtful = [
        f"{one.what} ({one.label}) was left out, though {one.workers} marked it".replace(" ()", "")
        for one in sure.left_out
        if one.is_doubtful
    ]
    told: Content = {
        **_accounted(account),
        "confidence": _rounded(min(sure.confidences, default=1.0)),
        "adjudicate": [*([account.shortfall] if account.shortfall else []), *sure.doubts, *doubtful],
        "leftOut": [
            {"label": one.label, "what": one.what, "workers": one.workers,
             "confidence": _rounded(one.confidence)}
            for one in sure.left_out
        ],
    }  # fmt: skip
    warnings = _warnings([*account.warnings, *faults])
    if isinstance(value, dict):
        content = {label.attribute: {**value, "consolidation": told, **warnings}}
    else:
        content = {label.attribute: value, label.attribute + CONSOLIDATION: {**told, **warnings}}
    return {**content, **({label.attribute + METADATA: metadata} if metadata else {})}


def consolidation_of(content: Mapping[str, Any], attribute: str) -> Mapping[str, Any]:
    """How sure the workers were, of a manifest line or a consolidation's content; empty where nobody says."""
    value = content.get(attribute)
    told = value.get("consolidation") if isinstance(value, Mapping) else None
    if told is None:
        told = content.get(attribute + CONSOLIDATION)
    return told if isinstance(told, Mapping) else {}


def failure_of(content: Mapping[str, Any], attribute: str) -> str:
    """Why an object has no label, empty where it has one."""
    value = content.get(attribute)
    return str(value.get(FAILURE) or "") if isinstance(value, Mapping) else ""


def _accounted(account: Account) -> Content:
    aside = [{"workerId": one.worker, "reason": one.reason} for one in account.set_aside]
    return {"answers": account.counted, "setAside": aside}


def _warnings(warnings: Sequence[str]) -> Content:
    return {WARNINGS: list(warnings)} if warnings else {}


def _below(shares: Iterable[tuple[str, float]], rules: Rules) -> list[str]:
    return [
        f"{what}: agreement {share:.2f}, expected {rules.min_agreement:g}"
        for what, share in shares
        if share < rules.min_agreement
    ]


def _unsure_pages(page: AgreedPage, rules: Rules) -> list[str]:
    boxes = ((f"box {number} ({one.label})", one.confidence) for number, one in enumerate(page.boxes))
    entities = ((f"transcription {one.uid} ({one.label})", one.confidence) for one in page.entities)
    return [*_below(boxes, rules), *_below(entities, rules)]


def _size(size: ImageSize) -> Content:
    sides = {"width": size.width, "height": size.height, "depth": size.depth}
    return {
        name: int(side) if side == int(side) else side for name, side in sides.items() if side is not None
    }


def _box(name: str, pixels: Mapping[str, float], label: Label) -> Content:
    number = label.class_id(name)
    return {
        **({} if number is None else {"class_id": number}),
        **pixels,
        **({"label": name} if name else {}),
    }


def _entity(one: AgreedEntity, label: Label) -> Content:
    optional = {
        "classId": label.class_id(one.label),
        "label": one.label or None,
        "rawText": one.raw_text,
        "targetText": one.target_text,
    }
    return {
        "detectionId": one.uid,
        "ocrStatus": one.status,
        "boxIxs": list(one.boxes),
        **{key: value for key, value in optional.items() if value is not None},
        "confidence": _rounded(one.confidence),
    }


def _class_map(names: Sequence[str], label: Label) -> Content:
    numbers = {name: label.class_id(name) for name in dict.fromkeys(names)}
    known = {str(number): name for name, number in numbers.items() if number is not None}
    return {"class-map": known} if known else {}


def _rounded(share: float) -> float:
    return round(share, DIGITS)
