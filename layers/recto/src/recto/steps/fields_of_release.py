"""The field configuration, calibration and thresholds of the release that a document is pinned to."""

from recto.ports import ObjectStore
from recto.release import INDEX, parse_release
from recto.release_contents import READ, FieldsOfRelease, read_fields_of
from recto.steps.model import read_release_file


def load_fields(objects: ObjectStore, work_bucket: str, prefix: str) -> FieldsOfRelease:
    """Checked against the release's index; ReleaseError or FieldConfigurationError otherwise."""
    release = parse_release(read_release_file(objects, work_bucket, prefix, INDEX))
    names = [name for name in READ if name in release.files]
    contents = {name: read_release_file(objects, work_bucket, prefix, name) for name in names}
    return read_fields_of(release, contents)
