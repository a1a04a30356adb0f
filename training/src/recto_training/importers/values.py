"""Lists of the values that documents have, without places: `{"id": ..., "fields": {name: [values]}}` a line.

The form that `score_fields.py` reads, and Kleister's own once its columns are joined. A value may also be
a plain string in place of a list. The documents are PDFs with a text layer (`values_corpus`), or pages
that somebody else reads.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from recto.fields import FieldList
from recto_training.alignment import ALL_MENTIONS, Alignment, align_document
from recto_training.caching import PageCache
from recto_training.corpus import LabelledDocument, ReadCorpus
from recto_training.faults import DataError, Faults
from recto_training.importers.pdf_text import read_pdf


def read_values(path: Path, fields: FieldList) -> dict[str, dict[str, tuple[str, ...]]]:
    """Document id to field name to values; DataError that lists every faulty line."""
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    faults = Faults()
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read ({error})") from error
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            name, values = _entry(json.loads(line), fields)
        except ValueError as error:
            faults.add(f"{path}, line {number}", str(error))
            continue
        if name in found:
            faults.add(f"{path}, line {number}", f"document {name!r} comes twice; leave one out")
        found[name] = values
    if not found and not faults:
        faults.add(str(path), "no documents in it; expected a JSON object on each line")
    faults.end_if_any()
    return found


def _entry(entry: Any, fields: FieldList) -> tuple[str, dict[str, tuple[str, ...]]]:
    if not isinstance(entry, dict) or not isinstance(entry.get("fields"), dict) or "id" not in entry:
        raise ValueError("expected an object with id and fields")
    unknown = [name for name in entry["fields"] if name not in fields]
    if unknown:
        known = ", ".join(fields.labels[:-1])
        raise ValueError(f"field {unknown[0]!r} is not in the field list; known: {known}")
    return str(entry["id"]), {name: _texts(values) for name, values in entry["fields"].items()}


def _texts(values: Any) -> tuple[str, ...]:
    listed = values if isinstance(values, list) else [values]
    texts = [one.get("value") if isinstance(one, dict) else one for one in listed]
    return tuple(str(text) for text in texts if text not in {None, ""})


def values_corpus(
    folder: Path,
    truth: Path,
    fields: FieldList,
    *,
    cache: PageCache | None = None,
    how: Mapping[str, Alignment] | Alignment = ALL_MENTIONS,
) -> ReadCorpus:
    """The PDFs of a folder whose values are known, their words from the text layer."""
    values = read_values(truth, fields)
    missing = [name for name in values if not (folder / f"{name}.pdf").is_file()]
    if missing:
        raise DataError(
            f"{truth}: {len(missing)} documents have no PDF in {folder}, the first is {missing[0]}.pdf"
        )

    def read(name: str) -> LabelledDocument:
        pages = read_pdf(folder / f"{name}.pdf", cache)
        return align_document(name, pages, values[name], fields, how).document

    return ReadCorpus(values, fields.labels, read, keep=True)
