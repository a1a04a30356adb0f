"""Labels in the forms of Ground Truth's built-in task types, made of what `smgt_post` gives.

A custom job keeps confidences within the label, since the service overwrites its metadata; a built-in type
has them in the metadata. Nothing is consolidated here.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from recto_workbench.errors import ObjectFailedError
from recto_workbench.jobs import Job
from recto_workbench.outputs import METADATA, metadata_of

GEOMETRY = ("class_id", "top", "left", "height", "width")


def builtin_label(job: Job, content: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """What a labelled object adds to its line. ObjectFailedError for content of another task type."""
    kind = job.task_kind
    name = job.label_attribute
    label = content.get(name)
    if kind is None or label is None:
        raise ObjectFailedError(
            f"ClientError: the consolidated content has {sorted(content)}, expected {name!r}"
        )
    metadata = metadata_of(job, now, kind.name)
    if kind.is_adjustment:
        metadata["adjustment-status"] = "adjusted"
    form = FORMS.get(kind.name, _as_it_is)
    value, more = form(job, label)
    rest = {key: each for key, each in content.items() if key not in (name, name + METADATA)}
    own = content.get(name + METADATA)
    return {
        name: value,
        name + METADATA: {**(own if isinstance(own, dict) else {}), **more, **metadata},
        **rest,
    }


def _class_map(job: Job, ids: set[int]) -> dict[str, str]:
    return {str(number): job.labels[number] for number in sorted(ids) if 0 <= number < len(job.labels)}


def _boxes(job: Job, label: Any) -> tuple[Any, dict[str, Any]]:
    annotations = label.get("annotations") if isinstance(label, dict) else None
    if not isinstance(annotations, list):
        raise ObjectFailedError("ClientError: the consolidated content has no list `annotations`")
    boxes = [{key: box[key] for key in GEOMETRY if key in box} for box in annotations]
    objects = [{"confidence": box.get("confidence", 0)} for box in annotations]
    ids = {int(box["class_id"]) for box in boxes if "class_id" in box}
    size = label.get("image_size", [])
    return {"image_size": size, "annotations": boxes}, {"objects": objects, "class-map": _class_map(job, ids)}


def _as_it_is(_job: Job, label: Any) -> tuple[Any, dict[str, Any]]:
    return label, {}


FORMS = {"object-detection": _boxes}
