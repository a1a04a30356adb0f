"""Files with one JSON object a line; every line that is none is told. Not what stands in them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from recto_training.faults import Faults


class Row(NamedTuple):
    """One object."""

    place: str
    """File and line, for messages."""
    content: dict[str, Any]
    text: str


def read_json_lines(path: Path, faults: Faults) -> Iterator[Row]:
    """The objects of a file; faults for one that cannot be read and for each line that is no JSON object.

    Only a line feed ends a line: JSON may hold other line ends. Empty lines are passed over.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        faults.add(str(path), f"cannot be read as text ({error})")
        return
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        place = f"{path}, line {number}"
        try:
            content = json.loads(line)
        except ValueError as error:
            faults.add(place, f"not JSON ({error}); expected one JSON object on each line")
            continue
        if isinstance(content, dict):
            yield Row(place, content, line)
        else:
            faults.add(place, f"expected a JSON object, seen a {type(content).__name__}")
