"""The engines that are here, by name. Another one: a class with `OcrEngine`'s methods, and a line below."""

from recto_ocr.engine import EngineMissingError, OcrEngine
from recto_ocr.rapid import RapidEngine
from recto_ocr.tesseract import TesseractEngine

ENGINES: dict[str, type[OcrEngine]] = {"tesseract": TesseractEngine, "rapidocr": RapidEngine}


def engine_named(name: str) -> OcrEngine:
    """EngineMissingError, naming those that are here, for any other."""
    if name not in ENGINES:
        raise EngineMissingError(f"OCR engine {name!r} is not here; expected one of {', '.join(ENGINES)}")
    return ENGINES[name]()
