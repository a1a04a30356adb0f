"""Pairs from what people have reviewed: transcriptions of labelling jobs, and answers to Recto's own reviews.

A labelling job's manifest has, per page, `entities` with `rawText`, `ocrStatus` and, where a person typed
one, `targetText`. A reviewed document has its fields before (`fields.json`) and after the review
(`review/fields.json`): what was printed, and the value that a person left there. The prompt is
`Normalize FIELD: `.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from recto.results import DocumentResult, FieldResult
from recto_training.faults import Faults
from recto_training.json_lines import read_json_lines
from recto_training.normaliser.pairs import Pair

CORRECT, UNCLEAR, WRONG = "correct", "unclear", "wrong"
BEFORE, AFTER = "fields.json", "review/fields.json"


def read_reviewed(sources: Sequence[Path], label: str = "") -> list[Pair]:
    """Pairs of manifests and of folders with documents; DataError with every fault and its line."""
    faults = Faults()
    pairs: list[Pair] = []
    for source in sources:
        if source.is_dir():
            pairs += _documents(source, faults)
        elif source.is_file():
            pairs += _manifest(source, label, faults)
        else:
            faults.add(str(source), "no such file or folder; expected a manifest or a folder of documents")
    faults.end_if_any()
    if not pairs:
        names = ", ".join(str(one) for one in sources)
        faults.add(
            names, "nobody has reviewed a text here; expected entities with rawText, or reviewed results"
        )
        faults.end_if_any()
    return pairs


# --- transcriptions of labelling jobs -----------------------------------------------------------------


def _manifest(path: Path, label: str, faults: Faults) -> Iterator[Pair]:
    for row in read_json_lines(path, faults):
        yield from _page(row.content, label, row.place, faults)


def _page(record: Any, label: str, place: str, faults: Faults) -> Iterator[Pair]:
    found = [
        name
        for name, value in record.items()
        if isinstance(value, dict) and isinstance(value.get("entities"), list) and label in ("", name)
    ] if isinstance(record, dict) else []  # fmt: skip
    if len(found) != 1:
        seen = f"{len(found)} of them: {', '.join(found)}; choose with --label" if found else "none"
        faults.add(place, f"expected one label attribute {label} with entities, seen {seen}")
        return
    names = record.get(f"{found[0]}-metadata", {}).get("class-map", {})
    document = str(record.get("textract-ref") or record.get("source-ref") or place)
    for at, entity in enumerate(record[found[0]]["entities"]):
        pair = _entity(entity, names, f"{place}, entity {at}", faults)
        if pair is not None:
            yield pair._replace(document=document)


def _entity(entity: Mapping[str, Any], names: Mapping[str, str], place: str, faults: Faults) -> Pair | None:
    """The pair; none where a person could not tell."""
    status, raw = entity.get("ocrStatus"), entity.get("rawText")
    name = entity.get("label") or names.get(str(entity.get("classId")), entity.get("classId"))
    if status not in (CORRECT, UNCLEAR, WRONG) or not isinstance(raw, str) or name is None:
        seen = json.dumps(entity, ensure_ascii=False)[:120]
        faults.add(
            place,
            f"expected ocrStatus (correct, unclear or wrong), rawText and classId or label, seen {seen}",
        )
        return None
    target = entity.get("targetText")
    if target is None and status == WRONG:
        faults.add(
            place, f"{raw!r} was read wrong, but no targetText says what is right; type it or take it out"
        )
        return None
    if (target is None and status == UNCLEAR) or not raw.strip() or not str(target or raw).strip():
        return None
    return Pair(f"Normalize {name}: {raw}", str(raw if target is None else target), str(name))


# --- Recto's own reviews ------------------------------------------------------------------------------


def _documents(folder: Path, faults: Faults) -> Iterator[Pair]:
    """Of every folder below that holds both files, as the work bucket has them below documents/."""
    for after in sorted(folder.rglob(AFTER)):
        # a review that an operator had made anew may be of fields that an earlier attempt found
        places = (after.parents[1] / BEFORE, after.parents[2] / BEFORE)
        before = next((place for place in places if place.is_file()), None)
        if before is None:
            faults.add(str(after.relative_to(folder)), f"no {BEFORE} above it; copy documents/ID/ as a whole")
            continue
        document = before.parent.relative_to(folder).as_posix()
        was, now = (_result(one, folder, faults) for one in (before, after))
        if was is not None and now is not None and now.review is not None:
            yield from _changes(was, now, document)


def _result(path: Path, folder: Path, faults: Faults) -> DocumentResult | None:
    try:
        return DocumentResult.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        faults.add(str(path.relative_to(folder)), f"is no result of a document: {where}: {first['msg']}")
        return None


def _changes(was: DocumentResult, now: DocumentResult, document: str) -> Iterator[Pair]:
    """What was printed and what a person left there, of fields with one value before and after."""
    for name, field in now.fields.items():
        printed, value = _printed(was.fields.get(name)), _only(field)
        if field.reviewed and not field.absent and printed and value:
            yield Pair(f"Normalize {name}: {printed}", value, name, document)


def _printed(field: FieldResult | None) -> str:
    found = field.found if field else ()
    return (found[0].raw_text or found[0].value) if len(found) == 1 else ""


def _only(field: FieldResult) -> str:
    return field.found[0].value if len(field.found) == 1 else ""
