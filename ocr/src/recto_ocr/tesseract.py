"""Reading text from a page image with Tesseract. Documents, jobs and services are elsewhere.

One engine per process; Tesseract runs one thread (use processes to use more cores).
"""

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

import tesserocr
from PIL import Image
from tesserocr import OEM, PSM, RIL, WritingDirection

from recto.errors import ConfigurationError
from recto.geometry import Box
from recto_ocr.engine import LanguageMissingError, OcrLine, OcrWord
from recto_ocr.preparation import readable
from recto_ocr.splitting import at_column_gaps
from recto_ocr.turning import POOR_CONFIDENCE, best_of_turns, has_marks, mean_confidence

DEBIAN_TESSERACT = Path("/usr/share/tesseract-ocr")
OTHER_TESSDATA = ("/usr/share/tessdata", "/usr/local/share/tessdata", "/opt/homebrew/share/tessdata")
RESOLUTION = 200
"""Told to Tesseract for every image: what files say of their own resolution is too often wrong."""
PAGE_SECONDS = 120
"""Noise without letters can keep Tesseract busy for very long."""
SURE_ORIENTATION = 2.0
"""Below it, Tesseract's own word on the orientation is a guess, and each way is tried."""
GUESSING_CONFIDENCE = 40.0
"""Below it, a page is worth reading each way: the wrong way round, pages read at 20 to 35."""
GUESSING_SECONDS = 10
"""A page that took longer is read once: pictures and noise keep Tesseract busy each way."""
SPECK_CONFIDENCE = 50.0
"""Below it, a word without any letter or digit is a rule, a dot or a stain."""


def tessdata_folder(environment: Mapping[str, str]) -> Path:
    """The folder of Tesseract's language files: TESSDATA_PREFIX, or where the system keeps them."""
    named = environment.get("TESSDATA_PREFIX")
    if named:
        places = [Path(named), Path(named) / "tessdata"]
    else:
        debian = sorted(DEBIAN_TESSERACT.glob("*/tessdata"), reverse=True)
        places = [*debian, *(Path(place) for place in OTHER_TESSDATA)]
    for place in places:
        if any(place.glob("*.traineddata")):
            return place
    raise ConfigurationError(
        f"no Tesseract language files (*.traineddata) in {', '.join(str(place) for place in places)}: "
        "install them (Debian: apt-get install tesseract-ocr) or set TESSDATA_PREFIX"
    )


def installed_languages(folder: Path) -> tuple[str, ...]:
    """The languages whose files lie in a folder; those that only find the orientation are none."""
    found = (path.relative_to(folder).with_suffix("") for path in folder.rglob("*.traineddata"))
    return tuple(sorted(str(name) for name in found if name.name not in ("osd", "equ")))


def folder_with(languages: Sequence[str], environment: Mapping[str, str]) -> Path:
    """The folder of the language files, which has these languages; LanguageMissingError otherwise."""
    folder = tessdata_folder(environment)
    missing = [language for language in languages if not (folder / f"{language}.traineddata").exists()]
    if missing:
        raise LanguageMissingError(
            f"Tesseract language {', '.join(missing)} is not installed in {folder}; "
            f"installed: {', '.join(installed_languages(folder)) or 'none'}"
        )
    return folder


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


@lru_cache(maxsize=1)
def _orientation_engine() -> tesserocr.PyTessBaseAPI | None:
    folder = tessdata_folder(os.environ)
    if not (folder / "osd.traineddata").exists():
        return None
    return tesserocr.PyTessBaseAPI(path=str(folder), lang="osd", psm=PSM.OSD_ONLY)


def likely_turns(image: Image.Image, *, may_guess: bool) -> tuple[int, ...]:
    """Counter-clockwise quarter turns that may make the page upright, the likeliest first.

    None for a page without a mark, and for one that the orientation file finds upright.
    """
    if not has_marks(image):
        return ()
    engine = _orientation_engine()
    if engine is not None:
        engine.SetImage(image)
        engine.SetSourceResolution(RESOLUTION)
        found = engine.DetectOrientationScript()
        engine.Clear()
        if found and found["orient_conf"] >= SURE_ORIENTATION:
            quarters = int(found["orient_deg"]) // 90 % 4
            return (quarters,) if quarters else ()
    return (1, 3, 2) if may_guess else ()


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
