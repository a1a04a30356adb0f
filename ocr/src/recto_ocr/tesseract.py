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

DEBIAN_TESSERACT = Path("/usr/share/tesseract-ocr")
OTHER_TESSDATA = ("/usr/share/tessdata", "/usr/local/share/tessdata", "/opt/homebrew/share/tessdata")
SMALLEST_SIDE = 1000
"""Pixels of the shorter side below which letters tend to be too small to read."""
LONGEST_SIDE = 4000
MOST_ENLARGEMENT = 4.0
RESOLUTION = 200
"""Told to Tesseract for every image: what files say of their own resolution is too often wrong."""
PAGE_SECONDS = 120
"""Noise without letters can keep Tesseract busy for very long."""
COLUMN_GAP = 2.5
"""A gap of this many line heights ends a line, as Textract ends it between columns."""
POOR_CONFIDENCE = 55.0
"""A page read worse than this, on average, may lie on its side."""
SURE_ORIENTATION = 2.0
"""Below it, Tesseract's own word on the orientation is a guess, and each way is tried."""
GUESSING_CONFIDENCE = 40.0
"""Below it, a page is worth reading each way: the wrong way round, pages read at 20 to 35."""
GUESSING_SECONDS = 10
"""A page that took longer is read once: pictures and noise keep Tesseract busy each way."""
FAINTEST_MARK = 24
"""Of 255 grey values: paper alone varies less."""
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
        began = time.monotonic()
        lines = _read(_engine(languages), prepared)
        if _mean_confidence(lines) >= POOR_CONFIDENCE:
            return lines
        is_quick = time.monotonic() - began < GUESSING_SECONDS
        may_guess = is_quick and _mean_confidence(lines) < GUESSING_CONFIDENCE
        for quarters in _likely_turns(prepared, may_guess=may_guess):
            upright = _read(_engine(languages), prepared.transpose(_TURNS[quarters]))
            turned = [_turned_back(line, quarters) for line in upright]
            lines = max(lines, turned, key=_legible_characters)
            if lines is turned and _mean_confidence(turned) >= POOR_CONFIDENCE:
                break
    return lines


def readable(image: Image.Image) -> Image.Image:
    """The image in grey, not too small to read and not larger than helps; its proportions stay."""
    grey = in_grey(image)
    shorter, longer = sorted(grey.size)
    factor = max(1.0, min(SMALLEST_SIDE / max(shorter, 1), MOST_ENLARGEMENT))
    factor = min(factor, LONGEST_SIDE / longer)
    if factor == 1.0:
        return grey
    size = (max(1, round(grey.width * factor)), max(1, round(grey.height * factor)))
    return grey.resize(size, Image.Resampling.LANCZOS)


def in_grey(image: Image.Image) -> Image.Image:
    """Any of Pillow's modes as 8-bit grey on white paper."""
    if image.mode == "L":
        return image
    if image.mode.startswith(("I", "F")):
        return _spread(image)
    if "A" in image.getbands() or "transparency" in image.info:
        coloured = image.convert("RGBA")
        paper = Image.new("RGBA", coloured.size, "white")
        return Image.alpha_composite(paper, coloured).convert("L")
    return image.convert("RGB").convert("L") if image.mode != "1" else image.convert("L")


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


_TURNS = {1: Image.Transpose.ROTATE_90, 2: Image.Transpose.ROTATE_180, 3: Image.Transpose.ROTATE_270}
"""Counter-clockwise, as Pillow turns."""


def _likely_turns(image: Image.Image, *, may_guess: bool) -> tuple[int, ...]:
    """Counter-clockwise quarter turns that may make the page upright, the likeliest first.

    None for a page without a mark, and for one that the orientation file finds upright.
    """
    if not _has_marks(image):
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


def _has_marks(image: Image.Image) -> bool:
    darkest, lightest = image.getextrema()
    return isinstance(darkest, int) and isinstance(lightest, int) and lightest - darkest > FAINTEST_MARK


def _turned_back(line: OcrLine, quarters: int) -> OcrLine:
    """The line where it stands on the page before it was turned counter-clockwise."""
    words = list(line.words)
    for _ in range(quarters):
        words = [word._replace(box=_clockwise(word.box)) for word in words]
    return OcrLine(tuple(words), (line.turn + quarters) % 4)


def _clockwise(box: Box) -> Box:
    return Box(1.0 - box.bottom, box.left, 1.0 - box.top, box.right)


def _counter_clockwise(box: Box) -> Box:
    return Box(box.top, 1.0 - box.right, box.bottom, 1.0 - box.left)


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
        return [line for words in _lines_of(iterator, image.size) for line in _split(words, image.size)]
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


def _split(line: OcrLine, size: tuple[int, int]) -> Iterator[OcrLine]:
    """The line cut at column gaps; gaps run down the page where the text does."""
    width, height = size
    if not line.turn:
        yield from _at_column_gaps(line.words, width / height)
        return
    upright = [word._replace(box=_counter_clockwise(word.box)) for word in line.words]
    for part in _at_column_gaps(upright, height / width):
        yield _turned_back(part, line.turn)


def _at_column_gaps(words: Sequence[OcrWord], aspect: float) -> Iterator[OcrLine]:
    """One line per run of words without a wide gap; `aspect` is the page's width by its height."""
    heights = sorted(word.box.height for word in words)
    widest = COLUMN_GAP * heights[len(heights) // 2] / aspect
    run: list[OcrWord] = []
    for word in words:
        if run and word.box.left - run[-1].box.right > widest:
            yield OcrLine(tuple(run))
            run = []
        run.append(word)
    yield OcrLine(tuple(run))


def _spread(image: Image.Image) -> Image.Image:
    """Sixteen or more bits a pixel: the range in use, spread over 8 bits."""
    wide = image.convert("F")
    darkest, lightest = wide.getextrema()
    if not isinstance(darkest, float) or not isinstance(lightest, float) or lightest <= darkest:
        return Image.new("L", image.size, "white")
    scale = 255.0 / (lightest - darkest)
    return wide.point(lambda value: value * scale - darkest * scale).convert("L")


def _mean_confidence(lines: Sequence[OcrLine]) -> float:
    confidences = [word.confidence for line in lines for word in line.words]
    return sum(confidences) / len(confidences) if confidences else 0.0


def _legible_characters(lines: Sequence[OcrLine]) -> float:
    return sum(len(word.text) * word.confidence for line in lines for word in line.words)
