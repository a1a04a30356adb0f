"""Textract's JSON in a file, read and written block by block. Not what the blocks mean.

A file of usual size is parsed whole, which is several times as fast; a larger one is streamed, so that
a document of 3,000 pages needs no more memory than one of some hundred.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import ijson

from recto.errors import DamagedDocumentError
from recto.textract import blocks_of

STREAMED_BYTES = 32 * 1024 * 1024
"""A file of more than this is streamed; parsed, it takes seven times as much memory."""
CONTENT, BLOCKS = "Content", "Blocks"

Block = dict[str, Any]


class TextractFile(NamedTuple):
    """A response, its blocks apart."""

    rest: dict[str, Any]
    """Everything but the blocks."""
    blocks: Iterable[Block]


def read_root(path: Path, streamed_bytes: int = STREAMED_BYTES) -> tuple[dict[str, Any], TextractFile]:
    """What stands at the file's root beside a document, and the document: the root itself or its `Content`.

    DamagedDocumentError where the file is not JSON. Whether it is a document is checked by `checked`.
    """
    is_streamed = path.stat().st_size > streamed_bytes
    try:
        root = _without_blocks(path) if is_streamed else json.loads(path.read_bytes())
    except (ValueError, ijson.JSONError) as error:
        raise DamagedDocumentError(f"not JSON: {error}") from error
    if not isinstance(root, dict):
        raise DamagedDocumentError(f"expected a JSON object, got a {type(root).__name__}")
    content = root.get(CONTENT, root)
    if not isinstance(content, dict):
        raise DamagedDocumentError(f"{CONTENT}: expected an object, got a {type(content).__name__}")
    prefix = BLOCKS if content is root else f"{CONTENT}.{BLOCKS}"
    blocks = content.get(BLOCKS)
    if is_streamed and isinstance(blocks, list):
        blocks = _streamed(path, prefix)
    return root, TextractFile({k: v for k, v in content.items() if k != BLOCKS}, blocks)  # type: ignore[arg-type]


def checked(document: TextractFile) -> TextractFile:
    """The document, if it is one with blocks; OcrFailedError or DamagedDocumentError otherwise."""
    has_blocks = document.blocks is not None
    for _ in blocks_of({**document.rest, **({BLOCKS: ()} if has_blocks else {})}):
        break
    if not has_blocks:
        raise DamagedDocumentError(f"not a Textract response with {BLOCKS}: seen {sorted(document.rest)[:8]}")
    if isinstance(document.blocks, Mapping | str | int | float):
        raise DamagedDocumentError(f"{BLOCKS}: expected a list, got a {type(document.blocks).__name__}")
    return document


def _without_blocks(path: Path) -> Any:
    """The file's JSON with empty lists for the blocks."""
    builder = ijson.ObjectBuilder()
    with path.open("rb") as file:
        for prefix, event, value in ijson.parse(file, use_float=True):
            if not prefix.startswith((f"{BLOCKS}.item", f"{CONTENT}.{BLOCKS}.item")):
                builder.event(event, value)
    return builder.value


def _streamed(path: Path, prefix: str) -> Iterator[Block]:
    with path.open("rb") as file:
        yield from ijson.items(file, f"{prefix}.item", use_float=True)


def write_response(path: Path, rest: Mapping[str, Any], blocks: Iterable[Block], warnings: list[str]) -> None:
    """The response with these blocks; `warnings` may still grow while they are written."""
    with path.open("w", encoding="utf-8") as file:
        file.write("{")
        for key, value in rest.items():
            if key != "Warnings":
                file.write(f"{json.dumps(key)}: {json.dumps(value)}, ")
        file.write(f'"{BLOCKS}": [')
        for count, block in enumerate(blocks):
            file.write((",\n" if count else "") + json.dumps(block))
        file.write("]")
        if warnings or "Warnings" in rest:
            said = [*(rest.get("Warnings") or []), *warnings] if warnings else rest["Warnings"]
            file.write(f', "Warnings": {json.dumps(said)}')
        file.write("}")
