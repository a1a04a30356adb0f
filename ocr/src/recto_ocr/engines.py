"""The engines that are here, by name. Another one: a class with `OcrEngine`'s methods, and a line below."""

import hashlib
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from recto_ocr.automatic import AutomaticEngine
from recto_ocr.engine import EngineMissingError, OcrEngine
from recto_ocr.rapid import RapidEngine
from recto_ocr.tesseract import TesseractEngine


class _Entry(NamedTuple):
    make: Callable[[], OcrEngine]
    modules: tuple[str, ...]
    """Those that are its own."""


ENGINES = {
    "auto": _Entry(
        lambda: AutomaticEngine(TesseractEngine(), RapidEngine()), ("automatic", "tesseract", "rapid")
    ),
    "tesseract": _Entry(TesseractEngine, ("tesseract",)),
    "rapidocr": _Entry(RapidEngine, ("rapid",)),
}
DEFAULT_ENGINE = "auto"
SHARED_MODULES = ("engine", "preparation", "orientation", "turning", "splitting", "tessdata")
"""What decides, beside an engine's own modules, what is read in an image."""


def engine_named(name: str) -> OcrEngine:
    """EngineMissingError, naming those that are here, for any other."""
    if name not in ENGINES:
        raise EngineMissingError(f"OCR engine {name!r} is not here; expected one of {', '.join(ENGINES)}")
    return ENGINES[name].make()


def reading_code(engine: OcrEngine) -> str:
    """Changes with the engine, its version and the code that reads, for caches of what was read."""
    digest = hashlib.sha256(f"{engine.name} {engine.version}".encode())
    for name in (*ENGINES[engine.name].modules, *SHARED_MODULES):
        digest.update(Path(str(import_module(f"recto_ocr.{name}").__file__)).read_bytes())
    return digest.hexdigest()
