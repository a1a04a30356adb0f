"""The generated schemas are today's messages, and the kept events are valid ones."""

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

import recto.messages

ROOT = Path(__file__).parents[2]
EVENTS = sorted((ROOT / "tests" / "events").glob("*.json"))


def write_schemas() -> Any:
    spec = importlib.util.spec_from_file_location("write_schemas", ROOT / "scripts" / "write_schemas.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_schemas_in_docs_are_those_of_today() -> None:
    expected = write_schemas().schemas()

    found = {path.name: path.read_text() for path in (ROOT / "docs" / "schemas").glob("*.json")}

    assert found == expected, "run .venv/bin/python scripts/write_schemas.py"


@pytest.mark.parametrize("path", EVENTS, ids=lambda path: path.stem)
def test_kept_events_are_valid_messages(path: Path) -> None:
    message = getattr(recto.messages, path.name.split(".")[0])

    parsed = message.model_validate(json.loads(path.read_text()))

    assert message.model_validate(parsed.dump()) == parsed


@pytest.mark.parametrize("path", EVENTS, ids=lambda path: path.stem)
def test_an_unknown_key_is_refused_by_name(path: Path) -> None:
    message = getattr(recto.messages, path.name.split(".")[0])

    with pytest.raises(ValueError, match="Surprise"):
        message.model_validate({**json.loads(path.read_text()), "Surprise": 1})
