"""The engines that are here, by name. Another one: a class with `OcrEngine`'s methods, and a line below."""

import hashlib
from importlib import import_module
from pathlib import Path

from recto_ocr.engine import EngineMissingError, OcrEngine
from recto_ocr.rapid import RapidEngine
from recto_ocr.tesseract import TesseractEngine

ENGINES: dict[str, type[OcrEngine]] = {"tesseract": TesseractEngine, "rapidocr": RapidEngine}
READING = ("engine", "preparation", "orientation", "turning", "splitting", "tessdata")
"""Modules that decide, beside the engine's own, what is read in an image."""


def engine_named(name: str) -> OcrEngine:
    """EngineMissingError, naming those that are here, for any other."""
    if name not in ENGINES:
        raise EngineMissingError(f"OCR engine {name!r} is not here; expected one of {', '.join(ENGINES)}")
    return ENGINES[name]()


def reading_code(engine: OcrEngine) -> str:
    """Changes with the engine, its version and the code that reads, for caches of what was read."""
    own = import_module(type(engine).__module__)
    modules = [own, *(import_module(f"recto_ocr.{name}") for name in READING)]
    digest = hashlib.sha256(f"{engine.name} {engine.version}".encode())
    for module in modules:
        digest.update(Path(str(module.__file__)).read_bytes())
    return digest.hexdigest()
