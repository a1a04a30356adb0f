"""Boxes drawn on page images, their names in a margin beside the page. Where boxes come from is elsewhere."""

import colorsys
from collections.abc import Sequence
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont

GOLDEN_RATIO = 0.618034
LINE_WIDTH = 2
MARGIN_SHARE = 0.32
"""Width of the margin, as a share of the page's."""
Colour = tuple[int, int, int]


class Mark(NamedTuple):
    """One box on a page, in pixels."""

    text: str
    colour: Colour
    left: float
    top: float
    right: float
    bottom: float


def draw_marks(
    original: Image.Image, marks: Sequence[Mark], legend: Sequence[tuple[str, Colour]] = ()
) -> Image.Image:
    """The page with the marks on it, and what they and its colours are in a margin beside it."""
    page = original.convert("RGB")
    width, height = page.size
    image = Image.new("RGB", (width + round(width * MARGIN_SHARE), height), "white")
    image.paste(page)
    pen = ImageDraw.Draw(image, "RGBA")
    ordered = sorted(marks, key=lambda mark: (mark.top, mark.left))
    for mark in ordered:
        pen.rectangle(mark[2:], outline=mark.colour, width=LINE_WIDTH, fill=(*mark.colour, 40))
    size = max(12, width // 80)
    for row, (name, colour) in enumerate(legend):
        top = 4 + row * size * 1.6
        pen.rectangle((width + 10, top, width + 10 + size, top + size), fill=colour, outline="black")
        pen.text((width + 16 + size, top), name, font=ImageFont.load_default(size), fill="black")
    _label(pen, ordered, width, size)
    return image


def colour_of(class_id: int) -> Colour:
    """A colour of its own for each class, neighbours far apart, none of them red."""
    red, green, blue = colorsys.hsv_to_rgb(0.08 + 0.8 * (class_id * GOLDEN_RATIO % 1), 0.85, 0.7)
    return round(red * 255), round(green * 255), round(blue * 255)


def _label(pen: ImageDraw.ImageDraw, marks: Sequence[Mark], page_width: int, font_size: int) -> None:
    """Names beside the page, level with their boxes or below the name before, each with a line to its box."""
    font = ImageFont.load_default(font_size)
    next_free = 0.0
    for mark in marks:
        if not mark.text:
            continue
        top = max(mark.top, next_free)
        middle = top + font_size * 0.7
        leader = [(mark.right, mark.bottom), (page_width, mark.bottom), (page_width + 6, middle)]
        pen.line(leader, fill=(*mark.colour, 110))  # below the line of text, not through it
        pen.text((page_width + 10, top), mark.text, font=font, fill=mark.colour)
        next_free = top + font_size * 1.4
