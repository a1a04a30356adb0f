"""A model folder as a release: what the pipeline embeds. The network goes into ONNX, the rest is copied.

Beside the model folder's own files, `fields.json`, `calibration.json` and `thresholds.json` in it are taken
over where they are there. The export is compared with torch before anything is written: a float release says
the same to 0.001 in every probability. Eight-bit weights are a quarter of the size and faster, and say nearly
the same; how nearly is measured on pages that the caller names.
"""

import json
import tempfile
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from recto.confidence import Calibration
from recto.document import Page
from recto.errors import ConfigurationError, ReleaseError
from recto.fields import FieldConfiguration, dump_fields, field_list, parse_fields
from recto.inference import Verdict, WordClassifier
from recto.release import (
    CALIBRATION,
    FIELDS,
    INDEX,
    MODEL,
    TOKENIZER,
    Release,
    dump_release,
    hash_files,
)
from recto.release_contents import THRESHOLDS, check_contents, check_name, misfits
from recto_training import export
from recto_training.encoders.model import Base
from recto_training.encoders.stored import read_model
from recto_training.models import load_model

RUN = "run.json"
PARITY = 1e-3
"""How far torch and a float export may differ in any probability."""
SAMPLE_TOKENS = 3000
"""Of the windows of chance on which an export is compared where no pages are given."""


class ExportOptions(NamedTuple):
    """What may be asked of an export."""

    name: str = ""
    """Empty for the model folder's."""
    eight_bit: bool = False
    fields: Path | None = None
    """Empty for the model folder's fields.json, or a plain list made of its labels."""
    licence: str = "not stated"
    pages: Sequence[Page] = ()
    """On which the export is compared with torch."""


def write_release_of(model: Path, folder: Path, options: ExportOptions) -> Release:
    """Export a model folder into a release folder; a ConfigurationError that says why where it cannot be."""
    base = read_model(model)
    _require_embeddable(base, model.name)
    name = options.name or model.resolve().name
    check_name(name)
    contents = _small_files(model, base, options)
    exported = export.to_onnx(base.model)
    parity = {"precision": "int8 weights" if options.eight_bit else "float32"}
    parity |= _parity_by_chance(base, exported)
    contents[MODEL] = _quantised(exported) if options.eight_bit else exported
    release = _index(name, base, contents, _record(model), options.licence, parity)
    contents[INDEX] = dump_release(release)
    check_contents(contents)
    _write(folder, contents)
    if not options.pages:
        return release
    measured = {**parity, "pages": compare_on_pages(model, folder, options.pages)}
    return export.amend_release(folder, {}, {"parity": measured})


def _small_files(model: Path, base: Base, options: ExportOptions) -> dict[str, bytes]:
    """Everything but the network and the index."""
    contents = {
        TOKENIZER: base.reading.tokenizer.encode(),
        FIELDS: _fields(model, base.labels, options.fields),
        CALIBRATION: _kept(model / CALIBRATION, Calibration.default().model_dump_json(indent=2)),
    }
    if (model / THRESHOLDS).is_file():
        contents[THRESHOLDS] = (model / THRESHOLDS).read_bytes()
    return contents


def _quantised(exported: bytes) -> bytes:
    with tempfile.TemporaryDirectory(prefix="recto-export-") as scratch:
        return export.quantise(exported, Path(scratch))


def _index(
    name: str,
    base: Base,
    contents: dict[str, bytes],
    record: dict[str, Any],
    licence: str,
    parity: dict[str, Any],
) -> Release:
    return Release(
        schema_version=1,
        name=name,
        created=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        recipe=str(record.get("recipe", {}).get("name", "")),
        seed=int(record.get("seed") or 0),
        licence=licence,
        labels=base.labels,
        windows=base.reading.windows,
        special_tokens=base.reading.special,
        files=hash_files(contents),
        figures={"training": _training_figures(record), "parity": parity},
    )


def _require_embeddable(base: Base, name: str) -> None:
    if base.model.takes_images:
        raise ConfigurationError(
            f"model {name} is of kind {base.kind}, which looks at page images: it cannot be embedded. "
            "Deploy it to an endpoint: recto deploy-model MODEL --endpoint NAME"
        )
    if not base.labels:
        raise ConfigurationError(
            f"model {name} has no labels: it was pre-trained and not yet trained (recto train)"
        )


def _fields(model: Path, labels: Sequence[str], given: Path | None) -> bytes:
    """The field list; ReleaseError where it is not that of the labels."""
    path = given or model / FIELDS
    if given is None and not path.is_file():
        plain = field_list(FieldConfiguration(class_id=i, name=name) for i, name in enumerate(labels[:-1]))
        return (json.dumps(dump_fields(plain), indent=2, ensure_ascii=False) + "\n").encode()
    content = path.read_bytes()
    if problems := misfits(labels, parse_fields(content)):
        raise ReleaseError(f"{path.name} does not fit the model {model.name}: {'; '.join(problems)}")
    return content


def _kept(path: Path, otherwise: str) -> bytes:
    return path.read_bytes() if path.is_file() else (otherwise + "\n").encode()


def _record(model: Path) -> dict[str, Any]:
    path = model / RUN
    record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return record


def _training_figures(record: dict[str, Any]) -> dict[str, Any]:
    kept = ("data_sha256", "data", "examples", "parameters", "seconds", "steps", "best")
    return {key: record[key] for key in kept if key in record}


def _write(folder: Path, contents: dict[str, bytes]) -> None:
    """The index last: a folder with one is whole."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / INDEX).unlink(missing_ok=True)
    for name in sorted(contents, key=lambda name: name == INDEX):
        (folder / name).write_bytes(contents[name])


def _parity_by_chance(base: Base, exported: bytes) -> dict[str, Any]:
    """How far torch and the float export differ on windows of chance, several in a batch and padded."""
    batch = export.windows_of_chance(base.pages, SAMPLE_TOKENS)
    difference = export.largest_difference(base.model, exported, batch)
    if difference > PARITY:
        raise ReleaseError(
            f"the export differs from torch by {difference:.2g} in a probability; at most {PARITY} is allowed"
        )
    return {"largest_difference": difference}


def compare_on_pages(model: Path, release: Path, pages: Sequence[Page]) -> dict[str, float]:
    """What a release says of pages, against its model folder in full precision."""
    ours = load_model(model, half=False).verdicts((page, None) for page in pages)
    theirs = WordClassifier.load(release).verdicts((page, None) for page in pages)
    return agreement(ours, theirs)


def agreement(ours: Iterable[Verdict], theirs: Iterable[Verdict]) -> dict[str, float]:
    """Share of words with the same class, and how far their probabilities differ, over all pages."""
    apart, same, same_of_fields, num_fields = [np.zeros(1)], 0, 0, 0
    num_words = 0
    for one, other in zip(ours, theirs, strict=True):
        num_words += len(one.means_WK)
        if not len(one.means_WK):
            continue
        apart.append(np.abs(one.means_WK - other.means_WK).max(axis=1))
        first, second = one.means_WK.argmax(1), other.means_WK.argmax(1)
        told = (first != one.means_WK.shape[1] - 1) | (second != one.means_WK.shape[1] - 1)
        same += int((first == second).sum())
        same_of_fields += int((first == second)[told].sum())
        num_fields += int(told.sum())
    differences = np.concatenate(apart)
    return {
        "words": num_words,
        "same_class": same / max(1, num_words),
        "same_class_of_field_words": same_of_fields / max(1, num_fields),
        "largest_difference": float(differences.max()),
        "mean_difference": float(differences[1:].mean()) if num_words else 0.0,
    }
