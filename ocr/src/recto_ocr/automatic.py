"""Tesseract for what it reads well, PP-OCR's networks for the pages that it doubts. Neither engine is here.

Clean print costs what Tesseract costs and reads as Tesseract reads it; photos, receipts and noise are read
again by the slower engine, and the reading that says more, as far as it is believed, is taken whole.
"""

from collections.abc import Sequence

from PIL import Image

from recto_ocr.engine import LanguageMissingError, OcrEngine, OcrLine
from recto_ocr.preparation import in_grey
from recto_ocr.turning import has_marks, legible_characters, mean_confidence

DOUBTFUL = 90.0
"""Clean pages come to 95 and 96 by Tesseract's own word, faxes too; photos of receipts to 50 to 88."""


class AutomaticEngine:
    """`recto_ocr.engine.OcrEngine` over a quick engine and a careful one."""

    name = "auto"

    def __init__(self, quick: OcrEngine, careful: OcrEngine) -> None:
        self._quick = quick
        self._careful = careful

    @property
    def version(self) -> str:
        return f"{self._quick.version}-{self._careful.version}"

    def installed_languages(self) -> tuple[str, ...]:
        return self._quick.installed_languages()

    def check(self, languages: Sequence[str]) -> None:
        self._quick.check(languages)

    def read(self, image: Image.Image, languages: tuple[str, ...]) -> list[OcrLine]:
        try:
            lines = self._quick.read(image, languages)
        except TimeoutError:  # noise that never ends for the one is a page like any other for the other
            lines = []
        if mean_confidence(lines) >= DOUBTFUL or not has_marks(in_grey(image)):
            return lines
        try:
            again = self._careful.read(image, languages)
        except LanguageMissingError:  # letters that only the quick engine knows
            return lines
        return max(again, lines, key=legible_characters)
