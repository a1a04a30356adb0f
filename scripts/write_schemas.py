"""Write `docs/schemas/*.json`, one for every message between states, functions and the outside.

.venv/bin/python scripts/write_schemas.py
"""

import inspect
import json
from pathlib import Path

import recto.messages
from recto.messages import Message

FOLDER = Path(__file__).parents[1] / "docs" / "schemas"


def schemas() -> dict[str, str]:
    """File name to content."""
    classes = [
        cls for _, cls in inspect.getmembers(recto.messages, inspect.isclass) if issubclass(cls, Message)
    ]
    return {
        f"{cls.__name__}.json": json.dumps(cls.model_json_schema(by_alias=True), indent=2, sort_keys=True)
        + "\n"
        for cls in classes
        if cls is not Message
    }


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for path in FOLDER.glob("*.json"):
        path.unlink()
    for name, content in schemas().items():
        (FOLDER / name).write_text(content)
    print(f"{len(schemas())} schemas in {FOLDER}")
