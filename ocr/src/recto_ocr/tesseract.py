"""Reading text from a page image with Tesseract, and its result as Textract's blocks.

It knows images and text lines only: documents, jobs and services are elsewhere. Coordinates are 0-1
of the image, top left first; confidences are 0-100, as both Tesseract and Textract give them.
One engine per process; Tesseract runs one thread (use processes to use more cores).
"""

import os
import uuid
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

import tesserocr
from PIL import Image
from tesserocr import OEM, PSM, RIL

from recto.errors import ConfigurationError
from recto.geometry import Box

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
SPECK_CONFIDENCE = 50.0
"""Below it, a word without any letter or digit is a rule, a dot or a stain."""
BLOCK_NAMESPACE = uuid.UUID("7d3cb7bd-9d2c-5f0c-8a6b-2c1f5ac1c1a4")


class OcrWord(NamedTuple):
    """One word, its confidence 0-100 and its place 0-1."""

    text: str
    confidence: float
    box: Box


class OcrLine(NamedTuple):
    """Words that stand in one line without a column gap."""

    words: tuple[OcrWord, ...]

    @property
    def text(self) -> str:
        return " ".join(word.text for word in self.words)

    @property
    def confidence(self) -> float:
        return sum(word.confidence for word in self.words) / len(self.words)

    @property
    def box(self) -> Box:
        return Box.around(word.box for word in self.words)


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


def folder_with(languages: Sequence[str], environment: Mapping[str, str]) -> Path:
    """The folder of the language files, which has these languages; ConfigurationError otherwise."""
    folder = tessdata_folder(environment)
    missing = [language for language in languages if not (folder / f"{language}.traineddata").exists()]
    if missing:
        raise ConfigurationError(f"Tesseract language {', '.join(missing)} is not installed in {folder}")
    return folder


def read_image(image: Image.Image, languages: tuple[str, ...] = ("eng",)) -> list[OcrLine]:
    """The text lines of one page, in Tesseract's reading order.

    A page that reads badly as it lies is turned upright and read again, where the language file that
    finds the orientation (`osd`) is installed; boxes stay those of the image as given.
    """
    prepared = readable(image)
    with _LOCK:
        lines = _read(_engine(languages), prepared)
        if _mean_confidence(lines) >= POOR_CONFIDENCE:
            return lines
        quarters = _quarter_turns(prepared)
        if not quarters:
            return lines
        upright = _read(_engine(languages), prepared.transpose(_TURNS[quarters]))
    return max(lines, [_turned_back(line, quarters) for line in upright], key=_legible_characters)


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


def blocks_of_page(lines: Sequence[OcrLine], page_number: int, id_seed: str) -> list[dict[str, Any]]:
    """The page as Textract's blocks: PAGE, its LINEs, then all WORDs; the same seed gives the same ids."""
    seed = f"{id_seed}/{page_number}"
    line_ids = [block_id(seed, f"line-{n}") for n in range(len(lines))]
    word_ids = [
        [block_id(seed, f"word-{n}-{m}") for m in range(len(line.words))] for n, line in enumerate(lines)
    ]
    page: dict[str, Any] = {
        "BlockType": "PAGE",
        "Geometry": geometry(Box(0.0, 0.0, 1.0, 1.0)),
        "Id": block_id(seed, "page"),
        "Page": page_number,
    }
    if lines:
        page["Relationships"] = [{"Type": "CHILD", "Ids": line_ids}]
    blocks = [page]
    for line, line_id, ids in zip(lines, line_ids, word_ids, strict=True):
        block = _text_block("LINE", line, line_id, page_number)
        blocks.append(block | {"Relationships": [{"Type": "CHILD", "Ids": ids}]})
    for line, ids in zip(lines, word_ids, strict=True):
        for word, word_id in zip(line.words, ids, strict=True):
            blocks.append(_text_block("WORD", word, word_id, page_number) | {"TextType": "PRINTED"})
    return blocks


def block_id(seed: str, name: str) -> str:
    """The id of a block, always the same for the same seed and name."""
    return str(uuid.uuid5(BLOCK_NAMESPACE, f"{seed}/{name}"))


def geometry(box: Box) -> dict[str, Any]:
    """A box as Textract's Geometry; text is taken to stand straight, so the polygon is the box."""
    left, top, right, bottom = box
    corners = ((left, top), (right, top), (right, bottom), (left, bottom))
    return {"BoundingBox": box.to_textract(), "Polygon": [{"X": x, "Y": y} for x, y in corners]}


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


def _quarter_turns(image: Image.Image) -> int:
    """How many counter-clockwise quarter turns make the page upright; 0 where that cannot be told."""
    engine = _orientation_engine()
    if engine is None:
        return 0
    engine.SetImage(image)
    engine.SetSourceResolution(RESOLUTION)
    found = engine.DetectOrientationScript()
    engine.Clear()
    return int(found["orient_deg"]) // 90 % 4 if found else 0


def _turned_back(line: OcrLine, quarters: int) -> OcrLine:
    """The line where it stands on the page before it was turned counter-clockwise."""
    words = list(line.words)
    for _ in range(quarters):
        words = [word._replace(box=_clockwise(word.box)) for word in words]
    return OcrLine(tuple(words))


def _clockwise(box: Box) -> Box:
    return Box(1.0 - box.bottom, box.left, 1.0 - box.top, box.right)


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
        aspect = image.width / image.height
        return [line for words in _lines_of(iterator, image.size) for line in _at_column_gaps(words, aspect)]
    finally:
        engine.Clear()


def _lines_of(iterator: Any, size: tuple[int, int]) -> Iterator[list[OcrWord]]:
    words: list[OcrWord] = []
    while True:
        if iterator.IsAtBeginningOf(RIL.TEXTLINE) and words:
            yield words
            words = []
        word = _word_at(iterator, size)
        if word:
            words.append(word)
        if not iterator.Next(RIL.WORD):
            break
    if words:
        yield words


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


def _text_block(kind: str, read: OcrLine | OcrWord, identity: str, page_number: int) -> dict[str, Any]:
    return {
        "BlockType": kind,
        "Confidence": read.confidence,
        "Text": read.text,
        "Geometry": geometry(read.box),
        "Id": identity,
        "Page": page_number,
    }


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
