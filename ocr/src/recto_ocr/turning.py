"""Pages that lie on their side or upside down: read each likely way. No engine is here."""

from collections.abc import Callable, Iterable, Sequence

from PIL import Image

from recto.geometry import Box
from recto_ocr.engine import OcrLine

POOR_CONFIDENCE = 55.0
"""A page read worse than this, on average, may lie on its side."""
TURNS = {1: Image.Transpose.ROTATE_90, 2: Image.Transpose.ROTATE_180, 3: Image.Transpose.ROTATE_270}
"""Counter-clockwise, as Pillow turns."""
FAINTEST_MARK = 24
"""Of 255 grey values: paper alone varies less."""


def best_of_turns(
    lines: list[OcrLine],
    image: Image.Image,
    read: Callable[[Image.Image], Sequence[OcrLine]],
    turns: Iterable[int],
    good: float = POOR_CONFIDENCE,
) -> list[OcrLine]:
    """What was read in the image as it lies, or after the counter-clockwise quarter turn that reads best.

    The first turn that reads at least `good`, on average, ends the search. Boxes stay those of the image
    as it lies.
    """
    for quarters in turns:
        upright = read(image.transpose(TURNS[quarters]))
        turned = [turned_back(line, quarters) for line in upright]
        lines = max(lines, turned, key=legible_characters)
        if lines is turned and mean_confidence(turned) >= good:
            break
    return lines


def turned_back(line: OcrLine, quarters: int) -> OcrLine:
    """The line where it stands on the page before it was turned counter-clockwise."""
    words = list(line.words)
    for _ in range(quarters):
        words = [word._replace(box=clockwise(word.box)) for word in words]
    return OcrLine(tuple(words), (line.turn + quarters) % 4)


def clockwise(box: Box) -> Box:
    return Box(1.0 - box.bottom, box.left, 1.0 - box.top, box.right)


def counter_clockwise(box: Box) -> Box:
    return Box(box.top, 1.0 - box.right, box.bottom, 1.0 - box.left)


def mean_confidence(lines: Sequence[OcrLine]) -> float:
    """Of the words, 0-100; 0 for none."""
    confidences = [word.confidence for line in lines for word in line.words]
    return sum(confidences) / len(confidences) if confidences else 0.0


def legible_characters(lines: Sequence[OcrLine]) -> float:
    """How much was read, each character counted as far as it is believed."""
    return sum(len(word.text) * word.confidence for line in lines for word in line.words)


def has_marks(image: Image.Image) -> bool:
    """Whether a grey image shows more than paper."""
    darkest, lightest = image.getextrema()
    return isinstance(darkest, int) and isinstance(lightest, int) and lightest - darkest > FAINTEST_MARK
