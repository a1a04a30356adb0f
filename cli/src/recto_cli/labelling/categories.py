"""The label category file of a job: which labels there are, and the instructions with them."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from recto.errors import LabelRequestError
from recto.fields import FieldList
from recto_cli.labelling.tasks import JUDGEMENTS, TASKS, TaskType

DOCUMENT_VERSION = "2018-11-28"
MAX_CHARACTERS = 256


def labels_of(fields: FieldList, task: TaskType) -> tuple[str, ...]:
    """The fields' names in the order of their classes, ignored fields too: the model is trained on them.

    A verification judges, whatever the fields are.
    """
    if task.endswith("-verification"):
        return JUDGEMENTS
    return tuple(field.name for field in fields.by_class.values())


def category_faults(labels: Sequence[str], task: TaskType) -> list[str]:
    """Too few or many labels for the task, and names that do not work as labels."""
    asked = TASKS[task]
    faults = []
    if len(labels) < asked.fewest_labels:
        faults.append(f"{task} needs at least {asked.fewest_labels} labels, got {len(labels)}")
    if asked.most_labels is not None and len(labels) > asked.most_labels:
        faults.append(f"{task} takes at most {asked.most_labels} labels, got {len(labels)}")
    seen: set[str] = set()
    for label in labels:
        fault = _label_fault(label, seen)
        faults += [fault] if fault else []
        seen.add(label.casefold())
    return faults


def _label_fault(label: str, seen: set[str]) -> str:
    if not label.strip() or label != label.strip():
        return f"label {label!r}: expected a name without spaces around it"
    if len(label) > MAX_CHARACTERS:
        return f"label {label[:40]!r}…: expected at most {MAX_CHARACTERS} characters, got {len(label)}"
    if any(ord(character) < 32 for character in label):
        return f"label {label!r}: expected no control characters"
    return (
        f"label {label!r} comes twice (upper and lower case count as one)" if label.casefold() in seen else ""
    )


def category_file(labels: Sequence[str], short: str, full: str, adjust: str = "") -> bytes:
    """The file; `adjust` is the attribute whose labels a job reviews."""
    content: dict[str, Any] = {
        "document-version": DOCUMENT_VERSION,
        "labels": [{"label": label} for label in labels],
        "instructions": {"shortInstruction": short, "fullInstruction": full},
    }
    if adjust:
        content["auditLabelAttributeName"] = adjust
    return json.dumps(content, indent=1, ensure_ascii=False).encode() + b"\n"


def read_labels(content: bytes, name: str) -> tuple[str, ...]:
    """The labels of a category file; LabelRequestError where it is none."""
    try:
        entries = json.loads(content)["labels"]
        return tuple(_text(entry["label"]) for entry in _list(entries))
    except (ValueError, KeyError, TypeError) as error:
        raise LabelRequestError(
            f'{name}: expected {{"document-version": "{DOCUMENT_VERSION}", "labels": [{{"label": "…"}}]}}: '
            f"{type(error).__name__} {error}"
        ) from error


def _list(value: Any) -> Iterable[Any]:
    if not isinstance(value, list):
        raise TypeError(f"labels is a {type(value).__name__}")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"a label is a {type(value).__name__}")
    return value
