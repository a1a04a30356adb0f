"""A page drawn as SVG: its picture or its words, with what is true and what the model said.

Text is escaped and nothing is loaded from elsewhere. Colours are never the only sign: what is wrong also
differs in its outline, and each box tells its story on hovering.
"""

import base64
import io
from html import escape
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from recto.document import PagePredictions
from recto_training.corpus import IGNORED, LabelledPage

WIDTH = 700
"""Of a drawn page, in pixels."""
A4 = 2**0.5
TALLEST = 4.0
"""Height to width of the tallest picture that is drawn as it is."""
QUALITY = 60


class Style(NamedTuple):
    """How a word is marked."""

    name: str
    says: str
    colour: str
    dashes: str


RIGHT = Style("right", "right class", "#1a7f37", "none")
MISSED = Style("missed", "true, but not found", "#bc4c00", "7 4")
INVENTED = Style("invented", "found, but not true", "#8250df", "2 3")
MIXED_UP = Style("mixed", "another field's", "#cf222e", "none")
STYLES = (RIGHT, MISSED, INVENTED, MIXED_UP)


def draw_page(page: LabelledPage, said: PagePredictions, labels: tuple[str, ...]) -> str:
    """An `<svg>` element of the page."""
    picture = _picture(page.image)
    height = round(WIDTH * (picture[1] if picture else A4))
    back = f'<image href="{picture[0]}" width="{WIDTH}" height="{height}"/>' if picture else ""
    parts = [back, *([] if picture else _words(page, height)), *_marks(page, said, labels, height)]
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-label="page {page.page.number}"><rect width="{WIDTH}" height="{height}" fill="#fff"/>'
        f"{''.join(parts)}</svg>"
    )


def has_error(page: LabelledPage, said: PagePredictions) -> bool:
    """Whether any word of the page got another class than it has."""
    return any(one not in (other, IGNORED) for one, other in zip(page.classes, said.classes, strict=True))


def style_of(true: int, said: int, other: int) -> Style | None:
    """None for words of no field that were left alone, and for words that are not scored."""
    if true == IGNORED or true == said == other:
        return None
    if true == said:
        return RIGHT
    if said == other:
        return MISSED
    return INVENTED if true == other else MIXED_UP


def _words(page: LabelledPage, height: int) -> list[str]:
    """The words where they stand, each as wide as its box."""
    return [
        f'<text x="{word.box.left * WIDTH:.1f}" y="{(word.box.bottom - 0.2 * word.box.height) * height:.1f}" '
        f'font-size="{max(4.0, 0.8 * word.box.height * height):.1f}" '
        f'textLength="{max(1.0, word.box.width * WIDTH):.1f}" lengthAdjust="spacingAndGlyphs">'
        f"{escape(word.text)}</text>"
        for word in page.page.words
    ]


def _marks(page: LabelledPage, said: PagePredictions, labels: tuple[str, ...], height: int) -> list[str]:
    marks = []
    entries = zip(page.page.words, page.classes, said.classes, said.probabilities, strict=True)
    for word, true, found, probability in entries:
        style = style_of(true, found, len(labels) - 1)
        if style is None:
            continue
        told = f"{word.text}: true {labels[true]}, found {labels[found]} ({probability:.2f})"
        marks.append(
            f'<rect x="{word.box.left * WIDTH:.1f}" y="{word.box.top * height:.1f}" '
            f'width="{max(1.0, word.box.width * WIDTH):.1f}" '
            f'height="{max(1.0, word.box.height * height):.1f}" fill="{style.colour}" fill-opacity="0.12" '
            f'stroke="{style.colour}" stroke-width="2" stroke-dasharray="{style.dashes}">'
            f"<title>{escape(told)}</title></rect>"
        )
    return marks


def _picture(path: str) -> tuple[str, float] | None:
    """The page's picture as a data address, and its height over its width; None where there is none here."""
    file = Path(path)
    if not path or not file.is_file():
        return None
    with Image.open(file) as image:
        small = image.convert("L")
    ratio = min(TALLEST, small.height / small.width)
    small = small.resize((WIDTH, round(WIDTH * ratio)))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}", ratio
