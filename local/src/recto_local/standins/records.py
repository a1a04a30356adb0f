"""Small records kept as one JSON file each, written atomically: what the stand-ins must not forget."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class Records:
    """A folder of records by name; names come checked against the service's patterns."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def find(self, name: str) -> dict[str, Any] | None:
        try:
            record: dict[str, Any] = json.loads(self._path(name).read_text())
        except FileNotFoundError:
            return None
        return record

    def save(self, name: str, record: dict[str, Any]) -> None:
        fresh = self._path(name).with_suffix(".new")
        fresh.write_text(json.dumps(record))
        fresh.replace(self._path(name))

    def delete(self, name: str) -> bool:
        """False where there was none."""
        try:
            self._path(name).unlink()
        except FileNotFoundError:
            return False
        return True

    def all(self) -> Iterator[dict[str, Any]]:
        for path in sorted(self._folder.glob("*.json")):
            yield json.loads(path.read_text())

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.json"
