"""A release put together out of the files of another one and new parts. Reads files; knows no S3."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from recto.errors import ReleaseError
from recto.fields import FieldList, parse_fields
from recto.release import (
    CALIBRATION,
    FIELDS,
    INDEX,
    MODEL,
    TOKENIZER,
    Release,
    dump_release,
    hash_files,
    parse_release,
)
from recto.release_contents import (
    THRESHOLDS,
    FieldsOfRelease,
    Thresholds,
    check_contents,
    dump_thresholds,
    parse_thresholds,
    renamed_thresholds,
)
from recto.steps.make_release import OF_THE_MODEL, fields_text

OF_A_MODEL = (MODEL, TOKENIZER, CALIBRATION, THRESHOLDS)


class Parts(NamedTuple):
    """What is new in a release; the rest is taken over."""

    model: Path | None = None
    """A file, or a folder with a tokenizer and whatever else belongs to the model."""
    fields: Path | None = None
    calibration: Path | None = None
    thresholds: Sequence[str] = ()
    """`0.8`, or `Field=0.9`."""
    name: str = ""
    endpoint: str = ""
    """Of the model, where it lies behind one."""

    @property
    def are_none(self) -> bool:
        return not any(self)


def assemble(base: Mapping[str, bytes], parts: Parts, created: str, made_from: str = "") -> dict[str, bytes]:
    """The files of the new release, index included; the base's own where no part is new.

    ReleaseError or FieldConfigurationError by what does not fit. That the model runs is not asked here.
    """
    was = check_contents(base)
    if parts.are_none:
        return dict(base)
    if parts.model and parts.endpoint:
        raise ReleaseError("a release has a model or the endpoint of one: expected --model or --endpoint")
    brought = _model_files(parts.model) if parts.model else {}
    index = brought.pop(INDEX, None)
    left_out = OF_THE_MODEL if parts.endpoint else ()
    files = {**{name: base[name] for name in was.release.files if name not in left_out}, **brought}
    if parts.fields:
        files[FIELDS] = fields_text(parse_fields(_read(parts.fields)))
    if parts.calibration:
        files[CALIBRATION] = _read(parts.calibration)
    fields = parse_fields(files[FIELDS])
    files[THRESHOLDS] = dump_thresholds(_thresholds(was, fields, brought.get(THRESHOLDS), parts))
    model = parse_release(index) if index else _taken_over(was.release, fields, parts)
    changed = {"name": parts.name or was.release.name, "created": created, "made_from": made_from}
    release = model.model_copy(update={**changed, "files": hash_files(files)})
    contents = {**files, INDEX: dump_release(release)}
    check_contents(contents)
    return contents


def _taken_over(release: Release, fields: FieldList, parts: Parts) -> Release:
    """The base's index. With a bare model or an endpoint, which do not name their classes: those of the field
    list that comes with it, and no figures, since they were measured on another model.
    """
    if not (parts.model or parts.endpoint):
        return release
    labels = fields.labels if parts.fields else release.labels
    changed = {"labels": labels, "figures": {}, "endpoint": parts.endpoint, "embedded_release": ""}
    return release.model_copy(update={**changed, "backend": "sagemaker" if parts.endpoint else "embedded"})


def _model_files(path: Path) -> dict[str, bytes]:
    if path.is_file():
        return {MODEL: path.read_bytes()}
    if not (path / MODEL).is_file():
        raise ReleaseError(f"{path}: expected a model file, or a folder with {MODEL}")
    names = [name for name in (*OF_A_MODEL, INDEX) if (path / name).is_file()]
    return {name: (path / name).read_bytes() for name in names}


def _thresholds(was: FieldsOfRelease, fields: FieldList, brought: bytes | None, parts: Parts) -> Thresholds:
    """The model's own, else those taken over under the fields' new names; what was typed comes first."""
    found = parse_thresholds(brought, str(parts.model)) if brought else was.thresholds
    if parts.fields and not parts.model:
        found = renamed_thresholds(found, was.fields, fields)
    typed = dict(_typed(each) for each in parts.thresholds)
    entry = {"default": typed.pop("", found.default), "fields": {**found.fields, **typed}}
    return Thresholds.model_validate(entry)


def _typed(option: str) -> tuple[str, float]:
    """Field and threshold; no field for the one that holds for all others."""
    name, _, number = option.rpartition("=")
    try:
        value = float(number)
    except ValueError:
        value = -1
    if not 0 <= value <= 1:
        raise ReleaseError(f"threshold {option!r}: expected a number from 0 to 1, or 'Field=number'")
    return name.strip(), value


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ReleaseError(f"{path}: {error.strerror}") from error
