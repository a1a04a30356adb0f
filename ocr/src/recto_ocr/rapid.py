"""Reading text from a page image with PP-OCR's networks, through RapidOCR. Documents are elsewhere.

Slower than Tesseract and far better on photos, receipts and noise: a detector finds lines at any slant, a
recogniser reads each one cut out and straightened. The networks (PP-OCRv6 small; Apache-2.0) come inside the
package; nothing is fetched. One thread: use processes to use more cores.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib.metadata import version
from itertools import pairwise
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from recto.geometry import Box
from recto_ocr.engine import EngineMissingError, LanguageMissingError, OcrLine, OcrWord
from recto_ocr.orientation import likely_turns
from recto_ocr.preparation import in_grey
from recto_ocr.splitting import at_column_gaps
from recto_ocr.turning import best_of_turns, mean_confidence

LANGUAGES = (
    "ces", "dan", "deu", "eng", "est", "fin", "fra", "hun", "ita", "lav", "lit", "nld", "nor", "pol", "por",
    "ron", "slk", "slv", "spa", "swe", "tur",
)  # fmt: skip
"""Languages in words with spaces between them, whose letters the recogniser's alphabet holds."""
LEAST_CONFIDENCE = 0.3
"""A line believed less (0-1) is a picture or a stain that was taken for text."""
GOOD_CONFIDENCE = 80.0
"""Pages read the right way round come to 95, on average, and upside down to 65."""
TALL = 1.5
"""RapidOCR turns a cut-out that is so many times higher than wide counter-clockwise before it reads it."""
SAME_ROW = 0.5
"""Cut-outs stand side by side when they share this much of the lower one's height."""
MOST_OF_SPACE = 0.35
"""Words on both sides of a space take so much of the way between their letters' middles."""
MOSTLY = 0.5
"""A page with more of its letters than this in tall cut-outs lies on its side."""


class RapidEngine:
    """`recto_ocr.engine.OcrEngine` over RapidOCR."""

    name = "rapidocr"

    @property
    def version(self) -> str:
        _library()
        return version("rapidocr")

    def installed_languages(self) -> tuple[str, ...]:
        return LANGUAGES

    def check(self, languages: Sequence[str]) -> None:
        _library()
        if missing := [language for language in languages if language not in LANGUAGES]:
            raise LanguageMissingError(
                f"the engine rapidocr does not read {', '.join(missing)}; it reads {', '.join(LANGUAGES)}"
            )

    def read(self, image: Image.Image, languages: tuple[str, ...]) -> list[OcrLine]:
        self.check(languages)
        return read_image(image)


def read_image(image: Image.Image) -> list[OcrLine]:
    """The lines of one page from top to bottom; a page on its side or upside down is turned and read again.

    All languages are read at once: the recogniser has one alphabet.
    """
    coloured = image if image.mode == "RGB" else in_grey(image).convert("RGB")
    with _LOCK:
        lines = _read(coloured)
        lies = _share_of_turned(lines) > MOSTLY
        if not lies and mean_confidence(lines) >= GOOD_CONFIDENCE:
            return lines
        turns = likely_turns(coloured.convert("L"), may_guess=bool(lines)) or ((1, 3) if lies else ())
        begin = [] if lies and turns else lines
        return best_of_turns(begin, coloured, _read, turns, GOOD_CONFIDENCE)


_LOCK = Lock()


class _CutOut(NamedTuple):
    """A line as the recogniser has read it, and where on the page it was cut out."""

    text: str
    confidences: tuple[float, ...]
    """Of each character, 0-1."""
    columns: tuple[float, ...]
    """The middle of each character but spaces, 0-1 of the length of the cut-out."""
    corners: tuple[tuple[float, float], ...]
    """0-1 of the page; the cut-out's own top left first, clockwise."""
    is_tall: bool


def _read(image: Image.Image) -> list[OcrLine]:
    cut_outs = [found for found in _cut_outs(image) if _is_believed(found)]
    lines = [OcrLine(tuple(_words(found)), int(found.is_tall)) for found in cut_outs]
    rows = _rows([line for line in lines if line.words])
    return [part for row in rows for part in at_column_gaps(row, image.size)]


def _cut_outs(image: Image.Image) -> Iterator[_CutOut]:
    """What is found and read, in the detector's order; nothing for a page without text."""
    rapid, library = _engine(), _library()
    pixels = np.ascontiguousarray(np.asarray(image)[:, :, ::-1])
    scaled, record = rapid.preprocess_img(pixels)
    try:
        cropped, found = rapid.detect_and_crop(scaled, record)
    except library.main.RapidOCRError:
        return
    cropped = [crop for crop in cropped if min(crop.shape[:2]) > 0]
    if len(cropped) < len(found.boxes):  # a box without area: of no text, but it would shift all others
        return
    read = rapid.recognize_txt(cropped)
    height, width = scaled.shape[:2]
    shift = record["padding_1"]["top"]
    for text, word_info, quad in zip(read.txts, read.word_results, found.boxes, strict=True):
        if text.strip():
            corners = tuple((float(x) / width, (float(y) - shift) / height) for x, y in quad)
            yield _cut_out(text, word_info, corners, is_tall=_is_tall(quad))


def _cut_out(
    text: str, word_info: Any, corners: tuple[tuple[float, float], ...], *, is_tall: bool
) -> _CutOut:
    columns = [column for word in word_info.word_cols for column in word]
    middles = tuple(min(1.0, (column + 0.5) / word_info.line_txt_len) for column in columns)
    return _CutOut(text, tuple(word_info.confs), middles, corners, is_tall)


def _is_tall(quad: Any) -> bool:
    """Whether RapidOCR turns what it cuts out here, by its own rule."""
    sides = [float(np.linalg.norm(quad[i] - quad[(i + 1) % 4])) for i in range(4)]
    width, height = int(max(sides[0], sides[2])), int(max(sides[1], sides[3]))
    return height >= TALL * width


def _is_believed(found: _CutOut) -> bool:
    return sum(found.confidences) / len(found.confidences) >= LEAST_CONFIDENCE


def _words(found: _CutOut) -> Iterator[OcrWord]:
    """The text at its spaces."""
    runs = list(_runs(found.text))
    letters = [end - begin for begin, end in runs]
    firsts = [sum(letters[:number]) for number in range(len(runs))]
    reach = _reach(found.columns, firsts)
    for (begin, end), first, count in zip(runs, firsts, letters, strict=True):
        confidences = found.confidences[begin:end]
        left, right = found.columns[first] - reach, found.columns[first + count - 1] + reach
        box = _part(found, max(0.0, left), min(1.0, right))
        text = unicodedata.normalize("NFKC", found.text[begin:end])
        yield OcrWord(text, 100.0 * sum(confidences) / len(confidences), box)


def _reach(middles: Sequence[float], firsts: Sequence[int]) -> float:
    """How far words reach past the middles of their outer letters: half a letter, never to the next word."""
    steps = [after - before for before, after in pairwise(middles)]
    usual = sorted(steps)[len(steps) // 2] if steps else 1.0
    return min([usual / 2, *(MOST_OF_SPACE * steps[first - 1] for first in firsts if first)])


def _runs(text: str) -> Iterator[tuple[int, int]]:
    """Where each run of characters without a space begins and ends."""
    begin = None
    for index, character in enumerate([*text, " "]):
        if character.isspace():
            if begin is not None:
                yield begin, index
            begin = None
        elif begin is None:
            begin = index


def _part(found: _CutOut, begin: float, end: float) -> Box:
    """The box of a part of the cut-out's length; the text of a tall one runs from its top to its bottom."""
    first, second, third, fourth = found.corners
    edges = ((second, third), (first, fourth)) if found.is_tall else ((first, second), (fourth, third))
    points = [
        (start[0] + share * (stop[0] - start[0]), start[1] + share * (stop[1] - start[1]))
        for start, stop in edges
        for share in (begin, end)
    ]
    across, down = zip(*points, strict=True)
    return Box.clipped(min(across), min(down), max(across), max(down))


def _rows(lines: Sequence[OcrLine]) -> list[OcrLine]:
    """Cut-outs that stand side by side as one line, from top to bottom; tall ones stay as they are."""
    level = [line for line in lines if not line.turn]
    rows: list[list[OcrLine]] = []
    for line in sorted(level, key=lambda line: (line.box.middle, line.box.left)):
        row = next((row for row in reversed(rows[-3:]) if _stands_beside(line, row)), None)
        if row is None:
            rows.append([line])
        else:
            row.append(line)
    joined = [_joined(row) for row in rows]
    turned = [line for line in lines if line.turn]
    return joined + sorted(turned, key=lambda line: -line.box.left)


def _stands_beside(line: OcrLine, row: Sequence[OcrLine]) -> bool:
    """Beside the nearest of the row, since rows of a photo slope, and over none of them."""
    box = line.box
    if any(min(box.right, other.box.right) - max(box.left, other.box.left) > box.height / 2 for other in row):
        return False
    nearest = min(row, key=lambda o: max(box.left - o.box.right, o.box.left - box.right))
    return box.vertical_overlap(nearest.box) >= SAME_ROW


def _joined(row: Sequence[OcrLine]) -> OcrLine:
    ordered = sorted(row, key=lambda line: line.box.left)
    return OcrLine(tuple(word for line in ordered for word in line.words))


def _share_of_turned(lines: Sequence[OcrLine]) -> float:
    letters = [(len(word.text), line.turn) for line in lines for word in line.words]
    total = sum(count for count, _ in letters)
    return sum(count for count, turn in letters if turn) / total if total else 0.0


def _library() -> Any:
    """The package, which is large and not everywhere: loaded where it is used."""
    try:
        import rapidocr  # noqa: PLC0415
        import rapidocr.main  # noqa: PLC0415
    except ImportError as error:
        raise EngineMissingError(
            f"the engine rapidocr needs the package rapidocr, which is not installed here ({error}): "
            "pip install rapidocr"
        ) from error
    return rapidocr


@lru_cache(maxsize=1)
def _engine() -> Any:
    options = {
        "Global.log_level": "error",
        "Global.use_cls": False,
        "Global.return_word_box": True,
        # one line at a time, none padded to a longer one's width: 30 % faster, and reads short lines better
        "Rec.rec_batch_num": 1,
        "Rec.rec_img_shape": [3, 48, 64],
        "EngineConfig.onnxruntime.intra_op_num_threads": 1,
        "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        "EngineConfig.onnxruntime.enable_cpu_mem_arena": True,
    }
    return _library().RapidOCR(params=options)
