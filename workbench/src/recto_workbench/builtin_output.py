"""Labels in the forms of Ground Truth's built-in task types, made of what `smgt_post` gives.

`smgt_post` writes for custom jobs: how sure the workers were stands within the label. A built-in type has
that in the metadata, and in the label nothing but what AWS documents. Nothing is consolidated here.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from recto.consolidation.contents import CONSOLIDATION, consolidation_of
from recto_workbench.errors import ObjectFailedError
from recto_workbench.jobs import Job
from recto_workbench.outputs import METADATA, metadata_of

BOX = ("class_id", "top", "left", "height", "width")
SPAN = ("startOffset", "endOffset", "label")


def builtin_label(job: Job, content: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """What a labelled object adds to its line. ObjectFailedError for content of another task type."""
    name, kind = job.label_attribute, job.task_kind
    if kind is None or content.get(name) is None:
        raise ObjectFailedError(
            f"ClientError: the consolidated content has {sorted(content)}, expected {name!r}"
        )
    metadata = {**content.get(name + METADATA, {}), **metadata_of(job, now, kind.name)}
    if kind.is_adjustment:
        metadata["adjustment-status"] = "adjusted"
    form = FORMS.get(kind.name, _as_it_is)
    told = consolidation_of(content, name)
    sure = {name + CONSOLIDATION: dict(told)} if told else {}
    return {name: form(content[name]), name + METADATA: metadata, **sure}


def _boxes(label: Any) -> Any:
    boxes = [{key: box[key] for key in BOX if key in box} for box in _list(label, "annotations")]
    return {"image_size": label.get("image_size", []), "annotations": boxes}


def _spans(label: Any) -> Any:
    annotations = label.get("annotations", {}) if isinstance(label, dict) else {}
    spans = [{key: span[key] for key in SPAN if key in span} for span in _list(annotations, "entities")]
    return {"annotations": {"entities": spans, "labels": annotations.get("labels", [])}}


def _list(value: Any, name: str) -> list[Any]:
    found = value.get(name) if isinstance(value, dict) else None
    if not isinstance(found, list):
        raise ObjectFailedError(f"ClientError: the consolidated content has no list {name!r}")
    return found


def _as_it_is(label: Any) -> Any:
    return label


FORMS = {"object-detection": _boxes, "text-span": _spans}
