"""What the small files of a release say, and that they and the model's labels go together.

Field list, calibration and thresholds are read from bytes that others have fetched. The model itself is
not opened here: `recto.inference` does that.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from recto.confidence import Calibration, parse_calibration
from recto.entities import DEFAULT_THRESHOLD
from recto.errors import ReleaseError
from recto.fields import OTHER, FieldList, parse_fields
from recto.release import CALIBRATION, FIELDS, INDEX, Release, parse_release
from recto.suggestions import nearest

THRESHOLDS = "thresholds.json"
READ = (FIELDS, CALIBRATION, THRESHOLDS)
"""The files that post-processing reads; a release may go without thresholds."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

Confidence = Annotated[float, Field(ge=0, le=1)]


class Thresholds(BaseModel):
    """`thresholds.json`: from which confidence on a value needs no review."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    default: Confidence = DEFAULT_THRESHOLD
    fields: dict[str, Confidence] = {}


class FieldsOfRelease(NamedTuple):
    """What turns words into believable fields."""

    fields: FieldList
    calibration: Calibration
    thresholds: Thresholds
    release: Release


def read_fields_of(release: Release, contents: Mapping[str, bytes]) -> FieldsOfRelease:
    """From the release's files; ReleaseError or FieldConfigurationError where they do not go together."""
    listed = {name: contents[name] for name in READ if name in release.files}
    for name, content in listed.items():
        release.verify_file(name, content)
    fields = parse_fields(listed[FIELDS])
    thresholds = parse_thresholds(listed.get(THRESHOLDS, b"{}"), release.name)
    if problems := [*misfits(release.labels, fields), *_unknown_thresholds(thresholds, fields)]:
        raise ReleaseError(f"release {release.name}: {'; '.join(problems)}")
    return FieldsOfRelease(fields, parse_calibration(listed[CALIBRATION]), thresholds, release)


def check_contents(contents: Mapping[str, bytes]) -> FieldsOfRelease:
    """All of a release, index included, except that the model runs; an error by name otherwise."""
    if INDEX not in contents:
        raise ReleaseError(f"there is no {INDEX} among {', '.join(sorted(contents)) or 'no files at all'}")
    release = parse_release(contents[INDEX])
    check_name(release.name)
    release.verify(contents)
    return read_fields_of(release, contents)


def check_name(name: str) -> None:
    """ReleaseError for a name that would make a strange prefix."""
    if not NAME.fullmatch(name):
        raise ReleaseError(
            f"release name {name!r}: expected up to 64 letters, digits, '.', '_' or '-', the first one a "
            "letter or digit"
        )


def misfits(labels: Sequence[str], fields: FieldList) -> list[str]:
    """Why these fields are not those of a model with these labels; empty where they are.

    Ignored fields count: the model knows their classes. A name that the model does not know is a new name
    for a class; a name that it knows under another class id is a mistake that would swap two fields.
    """
    known = [label for label in labels[:-1] if label not in fields]
    new = [name for name in fields.labels[:-1] if name not in labels]
    if len(fields) + 1 != len(labels):
        told = [f"not in the list: {', '.join(known)}"] if known else []
        told += [f"unknown to the model: {', '.join(new)}"] if new else []
        classes = f"the model has {len(labels)} classes ({len(labels) - 1} fields and {OTHER!r})"
        seen = f"the field list has {len(fields)} fields, ignored ones included"
        return ["; ".join([f"{classes}, {seen}", *told])]
    return [
        f"ClassId {class_id} is named {field.name!r}, which the model knows as class "
        f"{list(labels).index(field.name)}; its class {class_id} is {labels[class_id]!r}"
        for class_id, field in fields.by_class.items()
        if field.name != labels[class_id] and field.name in labels
    ]


def renamed_thresholds(thresholds: Thresholds, before: FieldList, after: FieldList) -> Thresholds:
    """The same thresholds by class, under the names of the new list; those of absent classes left out."""
    names = {
        field.name: after.by_class[class_id].name
        for class_id, field in before.by_class.items()
        if class_id in after.by_class
    }
    kept = {names[name]: value for name, value in thresholds.fields.items() if name in names}
    return thresholds.model_copy(update={"fields": kept})


def dump_thresholds(thresholds: Thresholds) -> bytes:
    return (thresholds.model_dump_json(indent=2) + "\n").encode()


def parse_thresholds(content: bytes, name: str) -> Thresholds:
    """The thresholds of the release `name`; ReleaseError where they are none."""
    try:
        return Thresholds.model_validate_json(content)
    except ValidationError as error:
        clauses = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise ReleaseError(f"release {name}: {THRESHOLDS}: {clauses}") from error


def _unknown_thresholds(thresholds: Thresholds, fields: FieldList) -> list[str]:
    return [
        f"{THRESHOLDS} names {name!r}, which is not in the field list{nearest(name, fields.labels[:-1])}"
        for name in thresholds.fields
        if name not in fields
    ]
