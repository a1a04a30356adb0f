"""A release in memory, small enough to read: two fields, an ignored one, a model that nobody opens."""

import json
from typing import Any

from recto.confidence import Calibration
from recto.release import CALIBRATION, FIELDS, INDEX, MODEL, TOKENIZER, hash_files
from recto.release_contents import THRESHOLDS

ENTRIES: list[dict[str, Any]] = [
    {"ClassId": 0, "Name": "Total", "Select": "confidence", "Type": "money"},
    {"ClassId": 1, "Name": "Date", "Select": "first", "Optional": True, "Type": "date"},
    {"ClassId": 2, "Name": "Header", "Ignore": True},
]
LABELS = ["Total", "Date", "Header", "other"]


def contents(entries: list[dict[str, Any]] | None = None, **index: Any) -> dict[str, bytes]:
    """The files of a release; `index` overrides what its index says, `thresholds` are its file's."""
    thresholds = index.pop("thresholds", {"default": 0.7, "fields": {"Total": 0.9}})
    own = {} if index.get("endpoint") else {MODEL: b"a model" * 100, TOKENIZER: b"{}"}
    files = {
        **own,
        FIELDS: json.dumps(ENTRIES if entries is None else entries).encode(),
        CALIBRATION: Calibration.default().model_dump_json().encode(),
        THRESHOLDS: json.dumps(thresholds).encode(),
    }
    entry = {
        "schema": 1,
        "name": "small",
        "created": "2026-11-21T00:00:00Z",
        "recipe": "tiny",
        "seed": 7,
        "licence": "Apache-2.0",
        "labels": LABELS,
        "windows": {"max_tokens": 64, "stride": 16},
        "files": hash_files(files),
        "figures": {"evaluation": {"test": {"entities": {"f1": 0.5}}}},
    }
    return {**files, INDEX: json.dumps({**entry, **index}).encode()}


def changed(**fields: dict[str, Any]) -> list[dict[str, Any]]:
    """The field list with keys of the field `Total` and so on replaced."""
    return [{**entry, **fields.get(entry["Name"], {})} for entry in ENTRIES]
