"""Lines that the OCR has read from a page image, kept by the image's content. Off unless a folder is named.

For proofs with very long documents, whose pages have been read before: the first reading of an image is real,
and a page that looks different by one pixel is read anew. Nothing is looked up by file, name or page number.
"""

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from PIL import Image

from recto.geometry import Box
from recto_ocr.engine import OcrLine, OcrWord


def cached_lines(
    folder: Path, reader: str, image: Image.Image, read: Callable[[], Sequence[OcrLine]]
) -> list[OcrLine]:
    """What `reader` (its name, languages and all that its result depends on) reads in the image."""
    path = folder / f"{_digest(reader, image)}.json"
    try:
        return [_line(*stored) for stored in json.loads(path.read_bytes())]
    except FileNotFoundError:
        lines = list(read())
        _write(path, [[line.turn, line.words] for line in lines])
        return lines


def _digest(reader: str, image: Image.Image) -> str:
    digest = hashlib.sha256(f"{reader}\0{image.mode}\0{image.size}\0".encode())
    digest.update(image.tobytes())
    return digest.hexdigest()


def _line(turn: int, words: Sequence[tuple[str, float, Sequence[float]]]) -> OcrLine:
    return OcrLine(tuple(OcrWord(text, confidence, Box(*box)) for text, confidence, box in words), turn)


def _write(path: Path, values: object) -> None:
    """Whole or not at all: several processes may read the same page at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(f".{os.getpid()}")
    fresh.write_text(json.dumps(values))
    fresh.replace(path)
