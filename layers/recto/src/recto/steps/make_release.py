"""Makes releases in the work bucket, proves that one is whole, names the one to use. Deletes nothing.

A release's index is written last, so one that was left half-way is never taken for whole. Its prefix holds
the hash of the index, which holds the hashes of all files: two people never write to the same place unless
they write the same bytes.
"""

import json
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from recto.errors import (
    ConfigurationError,
    FieldConfigurationError,
    ParameterMissingError,
    ReleaseError,
)
from recto.field_changes import field_changes
from recto.fields import FieldList, dump_fields
from recto.places import Location
from recto.ports import Clock, Copies, ObjectStore, Parameters
from recto.release import (
    FIELDS,
    INDEX,
    MODEL,
    TOKENIZER,
    Release,
    dump_release,
    hash_files,
    parse_release,
    release_prefix,
)
from recto.release_contents import (
    THRESHOLDS,
    FieldsOfRelease,
    check_contents,
    check_name,
    dump_thresholds,
    misfits,
    renamed_thresholds,
)
from recto.steps.fields_of_release import load_fields
from recto.steps.model import read_release_file

OF_THE_MODEL = (MODEL, TOKENIZER)
CHUNK_BYTES = 8 * 1024 * 1024
JSON_TYPE = "application/json"
BINARY_TYPE = "application/octet-stream"


class ReleaseMaker(NamedTuple):
    """What making and naming releases works with."""

    objects: ObjectStore
    copies: Copies
    parameters: Parameters
    clock: Clock
    work_bucket: str
    release_parameter: str


class MadeRelease(NamedTuple):
    """A release that is whole in the work bucket."""

    prefix: str
    changes: tuple[str, ...]
    """Against the one it was made from, in plain words; empty where that one says it all already."""


class Used(NamedTuple):
    """What naming a release did."""

    before: str
    """Named until now; empty for none."""
    version: int
    """Of the parameter, after this."""


def fields_text(fields: FieldList) -> bytes:
    """The field list as a release keeps it."""
    return (json.dumps(dump_fields(fields), indent=2, ensure_ascii=False) + "\n").encode()


def read_release_folder(folder: Path) -> dict[str, bytes]:
    """A release's files in a folder, as far as they are there; ReleaseError where there is no index."""
    if not (folder / INDEX).is_file():
        raise ReleaseError(f"{folder}: expected a release's folder, seen no {INDEX}")
    index = (folder / INDEX).read_bytes()
    names = [name for name in parse_release(index).files if (folder / name).is_file()]
    return {INDEX: index, **{name: (folder / name).read_bytes() for name in names}}


def publish_release(contents: Mapping[str, bytes], objects: ObjectStore, work_bucket: str) -> str:
    """Put a release there, index last, and say its prefix; ReleaseError before anything is written."""
    release = check_contents(contents).release
    prefix = release_prefix(release.name, contents[INDEX])
    if _is_there(prefix, contents[INDEX], objects, work_bucket):
        return prefix
    for name in release.files:
        objects.write(_place(work_bucket, prefix, name), contents[name], _type_of(name))
    objects.write(_place(work_bucket, prefix, INDEX), contents[INDEX], JSON_TYPE)
    return prefix


def remake_with_fields(base: str, fields: FieldList, step: ReleaseMaker, name: str = "") -> MadeRelease:
    """A release of the model at `base` with other fields; the same one where nothing changes.

    FieldConfigurationError where the list does not fit the model; ReleaseError where the base is broken.
    """
    was = load_fields(step.objects, step.work_bucket, base)
    changes = field_changes(was.fields, fields)
    if not changes and name in ("", was.release.name):
        return MadeRelease(base, ())
    if problems := misfits(was.release.labels, fields):
        raise FieldConfigurationError(f"field list: {'; '.join(problems)} (model of {base})")
    check_name(name or was.release.name)
    prove_whole(base, step.objects, step.work_bucket)
    changed = _changed_files(was, fields)
    release = was.release.model_copy(
        update={
            "name": name or was.release.name,
            "created": f"{step.clock():%Y-%m-%dT%H:%M:%SZ}",
            "files": {**was.release.files, **hash_files(changed)},
            "made_from": base,
        }
    )
    return MadeRelease(_store(base, release, changed, step), tuple(changes))


def remake_with_endpoint(base: str, endpoint: str, step: ReleaseMaker) -> MadeRelease:
    """A release with the fields of `base` and the model behind this endpoint; without one, in the function.

    The model that runs in the function again is the one that ran there before: the release with it is named
    in each that was made of it. ConfigurationError where there was none.
    """
    was = load_fields(step.objects, step.work_bucket, base)
    if endpoint == was.release.endpoint:
        return MadeRelease(base, ())
    if not endpoint:
        return _remake_embedded(base, was, step)
    prove_whole(base, step.objects, step.work_bucket)
    release = was.release.model_copy(
        update={
            "created": f"{step.clock():%Y-%m-%dT%H:%M:%SZ}",
            "files": {name: seen for name, seen in was.release.files.items() if name not in OF_THE_MODEL},
            "figures": {},  # they were measured on another model
            "made_from": base,
            "backend": "sagemaker",
            "endpoint": endpoint,
            "embedded_release": was.release.embedded_release or base,
        }
    )
    before = was.release.endpoint or "its own, in the function"
    return MadeRelease(_store(base, release, {}, step), (f"model: endpoint {endpoint}, before {before}",))


def _remake_embedded(base: str, was: FieldsOfRelease, step: ReleaseMaker) -> MadeRelease:
    embedded = was.release.embedded_release
    if not embedded:
        raise ConfigurationError(
            f"release {base} has no model of its own and was made of none that has; name one that has by "
            "recto release use"
        )
    made = remake_with_fields(embedded, was.fields, step)
    told = f"model: that of {embedded}, before endpoint {was.release.endpoint}"
    return MadeRelease(made.prefix, (told, *made.changes))


def prove_whole(prefix: str, objects: ObjectStore, work_bucket: str) -> Release:
    """ReleaseError unless the index is one, and every file is there, byte for byte; read in small pieces."""
    release = parse_release(read_release_file(objects, work_bucket, prefix, INDEX))
    for name, expected in release.files.items():
        place = _place(work_bucket, prefix, name)
        info = objects.info(place)
        if info is None:
            raise ReleaseError(f"release {prefix}: {name} is missing at {place.uri}")
        hashed = sha256()
        for piece in _pieces(objects, place, info.size):
            hashed.update(piece)
        if hashed.hexdigest() != expected:
            raise ReleaseError(
                f"release {prefix}: {name} ({info.size} bytes) has sha256 {hashed.hexdigest()}, "
                f"expected {expected}"
            )
    return release


def use_release(prefix: str, parameters: Parameters, release_parameter: str) -> Used:
    """Name the release that new documents use; running ones keep theirs."""
    before = in_use(parameters, release_parameter)
    return Used(before, parameters.write(release_parameter, prefix))


def in_use(parameters: Parameters, release_parameter: str) -> str:
    """The release that new documents use; empty where none is named."""
    try:
        return parameters.read(release_parameter).rstrip("/")
    except ParameterMissingError:
        return ""


def _changed_files(was: FieldsOfRelease, fields: FieldList) -> dict[str, bytes]:
    changed = {FIELDS: fields_text(fields)}
    if THRESHOLDS in was.release.files:
        changed[THRESHOLDS] = dump_thresholds(renamed_thresholds(was.thresholds, was.fields, fields))
    return changed


def _store(base: str, release: Release, changed: Mapping[str, bytes], step: ReleaseMaker) -> str:
    """Copy what stays, write what is new, and the index at the end."""
    index = dump_release(release)
    prefix = release_prefix(release.name, index)
    if _is_there(prefix, index, step.objects, step.work_bucket):
        return prefix
    for name in release.files:
        place = _place(step.work_bucket, prefix, name)
        if name in changed:
            step.objects.write(place, changed[name], _type_of(name))
        else:
            step.copies.copy(_place(step.work_bucket, base, name), place)
    step.objects.write(_place(step.work_bucket, prefix, INDEX), index, JSON_TYPE)
    return prefix


def _is_there(prefix: str, index: bytes, objects: ObjectStore, work_bucket: str) -> bool:
    """Whether this very release lies there; ReleaseError for another one, which is never overwritten."""
    place = _place(work_bucket, prefix, INDEX)
    if objects.info(place) is None:
        return False
    if objects.read(place) != index:
        raise ReleaseError(f"another release lies at {place.uri}; give this one another name")
    return True


def _pieces(objects: ObjectStore, place: Location, size: int) -> Iterator[bytes]:
    for offset in range(0, size, CHUNK_BYTES):
        yield objects.read_range(place, offset, min(CHUNK_BYTES, size - offset))


def _place(work_bucket: str, prefix: str, name: str) -> Location:
    return Location(bucket=work_bucket, key=f"{prefix.rstrip('/')}/{name}")


def _type_of(name: str) -> str:
    return JSON_TYPE if name.endswith(".json") else BINARY_TYPE
