"""What changes from one field list to another, told class by class in plain words. Decides nothing."""

from collections.abc import Iterator, Mapping
from typing import Any

from recto.fields import FieldConfiguration, FieldList

UNSET = "unset"
LONG_TEXTS = frozenset({"AnnotationGuidance", "NormalizerPrompt"})
BY_HAND = "ReviewThreshold"


def field_changes(before: FieldList, after: FieldList) -> list[str]:
    """One line per change, in the order of the new list; empty where the lists say the same."""
    lines = [line for field in after.fields for line in _of_field(before.by_class.get(field.class_id), field)]
    gone = [field for field in before.fields if field.class_id not in after.by_class]
    lines += [f"removed: class {field.class_id} {field.name!r}" for field in gone]
    if not gone and len(before) == len(after) and _order(before) != _order(after):
        lines.append(f"order: {', '.join(field.name for field in after.fields)}")
    return lines


def _order(fields: FieldList) -> list[int]:
    return [field.class_id for field in fields.fields]


def _of_field(before: FieldConfiguration | None, after: FieldConfiguration) -> Iterator[str]:
    if before is None:
        yield f"added: class {after.class_id} {after.name!r}"
        return
    if before.name != after.name:
        yield f"renamed: class {after.class_id} from {before.name!r} to {after.name!r}"
    old, new = _settings(before), _settings(after)
    for key in sorted(old.keys() | new.keys()):
        if old.get(key) != new.get(key):
            yield f"changed: {after.name!r} {key} {_told(key, old, new)}"


def _settings(field: FieldConfiguration) -> dict[str, Any]:
    return field.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"class_id", "name"})


def _told(key: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    if key in LONG_TEXTS:
        return f"({len(old.get(key, ''))} to {len(new.get(key, ''))} characters)"
    hand = ", set by hand" if key == BY_HAND and key in new else ""
    return f"from {old.get(key, UNSET)} to {new.get(key, UNSET)}{hand}"
