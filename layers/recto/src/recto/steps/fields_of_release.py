"""The field configuration, calibration and thresholds of the release that a document is pinned to."""

from typing import Annotated, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from recto.confidence import Calibration, parse_calibration
from recto.entities import DEFAULT_THRESHOLD
from recto.errors import ReleaseError
from recto.fields import FieldList, parse_fields
from recto.ports import ObjectStore
from recto.release import CALIBRATION, FIELDS, INDEX, Release, parse_release
from recto.steps.model import read_release_file

THRESHOLDS = "thresholds.json"
Confidence = Annotated[float, Field(ge=0, le=1)]


class Thresholds(BaseModel):
    """`thresholds.json`: from which confidence on a value needs no review. A release may go without."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    default: Confidence = DEFAULT_THRESHOLD
    fields: dict[str, Confidence] = {}


class FieldsOfRelease(NamedTuple):
    """What turns words into believable fields."""

    fields: FieldList
    calibration: Calibration
    thresholds: Thresholds
    release: Release


def load_fields(objects: ObjectStore, work_bucket: str, prefix: str) -> FieldsOfRelease:
    """Checked against the release's index; ReleaseError or FieldConfigurationError otherwise."""
    release = parse_release(read_release_file(objects, work_bucket, prefix, INDEX))
    names = [name for name in (FIELDS, CALIBRATION, THRESHOLDS) if name in release.files]
    contents = {name: read_release_file(objects, work_bucket, prefix, name) for name in names}
    for name, content in contents.items():
        release.verify_file(name, content)
    return FieldsOfRelease(
        fields=parse_fields(contents[FIELDS]),
        calibration=parse_calibration(contents[CALIBRATION]),
        thresholds=_parse_thresholds(contents.get(THRESHOLDS, b"{}"), release.name),
        release=release,
    )


def _parse_thresholds(content: bytes, name: str) -> Thresholds:
    try:
        return Thresholds.model_validate_json(content)
    except ValidationError as error:
        raise ReleaseError(f"release {name}: {THRESHOLDS}: {error.errors()[0]['msg']}") from error
