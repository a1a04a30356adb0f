"""Reading text from a page image with Tesseract. Documents, jobs and services are elsewhere.

One engine per process; Tesseract runs one thread (use processes to use more cores).
"""

import os
import time
from collections.abc import Iterator, Sequence
from functools import lru_cache
from threading import Lock
from typing import Any

import tesserocr
from PIL import Image
from tesserocr import OEM, PSM, RIL, WritingDirection

from recto.geometry import Box
from recto_ocr.engine import OcrLine, OcrWord
from recto_ocr.orientation import likely_turns
from recto_ocr.preparation import RESOLUTION, readable
from recto_ocr.splitting import at_column_gaps
from recto_ocr.tessdata import folder_with, installed_languages, tessdata_folder
from recto_ocr.turning import POOR_CONFIDENCE, best_of_turns, mean_confidence

PAGE_SECONDS = 120
"""Noise without letters can keep Tesseract busy for very long."""
GUESSING_CONFIDENCE = 40.0
"""Below it, a page is worth reading each way: the wrong way round, pages read at 20 to 35."""
GUESSING_SECONDS = 10
"""A page that took longer is read once: pictures and noise keep Tesseract busy each way."""
SPECK_CONFIDENCE = 50.0
"""Below it, a word without any letter or digit is a rule, a dot or a stain."""


class TesseractEngine:
    """`recto_ocr.engine.OcrEngine` over Tesseract's LSTM models."""

    name = "tesseract"

    @property
    def version(self) -> str:
        return str(tesserocr.tesseract_version()).split()[1]

    def installed_languages(self) -> tuple[str, ...]:
        return installed_languages(tessdata_folder(os.environ))

    def check(self, languages: Sequence[str]) -> None:
        folder_with(languages, os.environ)

    def read(self, image: Image.Image, languages: tuple[str, ...]) -> list[OcrLine]:
        return read_image(image, languages)


def read_image(image: Image.Image, languages: tuple[str, ...] = ("eng",)) -> list[OcrLine]:
    """The text lines of one page, in Tesseract's reading order.

    A page that reads badly as it lies is turned upright and read again: as the orientation file (`osd`)
    says, where that is installed and can tell, and otherwise, if it reads very badly, each way. Boxes stay
    those of the image as given.
    """
    prepared = readable(image)
    with _LOCK:
        engine, began = _engine(languages), time.monotonic()
        lines = _read(engine, prepared)
        if mean_confidence(lines) >= POOR_CONFIDENCE:
            return lines
        is_quick = time.monotonic() - began < GUESSING_SECONDS
        may_guess = is_quick and mean_confidence(lines) < GUESSING_CONFIDENCE
        turns = likely_turns(prepared, may_guess=may_guess)
        return best_of_turns(lines, prepared, lambda image: _read(engine, image), turns)


_LOCK = Lock()


@lru_cache(maxsize=4)
def _engine(languages: tuple[str, ...]) -> tesserocr.PyTessBaseAPI:
    folder = folder_with(languages, os.environ)
    return tesserocr.PyTessBaseAPI(
        path=str(folder), lang="+".join(languages), oem=OEM.LSTM_ONLY, psm=PSM.AUTO
    )


def _read(engine: tesserocr.PyTessBaseAPI, image: Image.Image) -> list[OcrLine]:
    engine.SetImage(image)
    engine.SetSourceResolution(RESOLUTION)
    try:
        if not engine.Recognize(1000 * PAGE_SECONDS):
            raise TimeoutError(
                f"no text found within {PAGE_SECONDS} s, which is far beyond what a page takes"
            )
        iterator = engine.GetIterator()
        if iterator is None:
            return []
        return [
            line for words in _lines_of(iterator, image.size) for line in at_column_gaps(words, image.size)
        ]
    finally:
        engine.Clear()


def _lines_of(iterator: Any, size: tuple[int, int]) -> Iterator[OcrLine]:
    words: list[OcrWord] = []
    turn = 0
    while True:
        if iterator.IsAtBeginningOf(RIL.TEXTLINE):
            if words:
                yield OcrLine(tuple(words), turn)
            words = []
            turn = 1 if iterator.Orientation()[1] == WritingDirection.TOP_TO_BOTTOM else 0
        word = _word_at(iterator, size)
        if word:
            words.append(word)
        if not iterator.Next(RIL.WORD):
            break
    if words:
        yield OcrLine(tuple(words), turn)


def _word_at(iterator: Any, size: tuple[int, int]) -> OcrWord | None:
    if iterator.Empty(RIL.WORD):
        return None
    text = (iterator.GetUTF8Text(RIL.WORD) or "").strip()
    bounds = iterator.BoundingBox(RIL.WORD)
    if not text or bounds is None:
        return None
    confidence = min(max(float(iterator.Confidence(RIL.WORD)), 0.0), 100.0)
    if confidence < SPECK_CONFIDENCE and not any(letter.isalnum() for letter in text):
        return None
    width, height = size
    left, top, right, bottom = bounds
    return OcrWord(text, confidence, Box.clipped(left / width, top / height, right / width, bottom / height))
