"""Draws a result's fields on the page images: boxes on the page, their names in a margin beside it."""

import colorsys
import io
from collections.abc import Iterator
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont

from recto.results import DocumentResult

GOLDEN_RATIO = 0.618034
LINE_WIDTH = 2
DOUBTFUL = (200, 0, 0)
"""Red, with a question mark: a person should look."""
MARGIN_SHARE = 0.32
"""Width of the margin, as a share of the page's."""


class Mark(NamedTuple):
    """One box on a page, in pixels."""

    text: str
    colour: tuple[int, int, int]
    left: float
    top: float
    right: float
    bottom: float


def draw_fields(page_image: bytes, page: int, result: DocumentResult) -> Image.Image:
    """The page with a box around each value, and each box's field and confidence in the margin."""
    original = Image.open(io.BytesIO(page_image)).convert("RGB")
    width, height = original.size
    image = Image.new("RGB", (width + round(width * MARGIN_SHARE), height), "white")
    image.paste(original)
    pen = ImageDraw.Draw(image, "RGBA")
    marks = sorted(marks_on(page, result, original.size), key=lambda mark: (mark.top, mark.left))
    for mark in marks:
        pen.rectangle(mark[2:], outline=mark.colour, width=LINE_WIDTH, fill=(*mark.colour, 40))
    _label(pen, marks, width, max(12, width // 80))
    return image


def marks_on(page: int, result: DocumentResult, size: tuple[int, int]) -> Iterator[Mark]:
    """Every box of the page."""
    width, height = size
    for name, field in result.fields.items():
        doubt = " ?" if field.review_reasons and not field.reviewed else ""
        for value in field.found:
            for found in value.boxes if value.page == page else ():
                box = found.box
                corners = (
                    box.left * width - 2,
                    box.top * height - 2,
                    box.right * width + 2,
                    box.bottom * height + 2,
                )
                text = f"{name} {value.confidence:.0%}{doubt}"
                yield Mark(text, DOUBTFUL if doubt else colour_of(field.class_id), *corners)


def pages_with_fields(result: DocumentResult) -> list[int]:
    """The pages on which something was found."""
    return sorted({value.page for field in result.fields.values() for value in field.found if value.page})


def colour_of(class_id: int) -> tuple[int, int, int]:
    """A colour of its own for each class, neighbours far apart, none of them red."""
    red, green, blue = colorsys.hsv_to_rgb(0.08 + 0.8 * (class_id * GOLDEN_RATIO % 1), 0.85, 0.7)
    return round(red * 255), round(green * 255), round(blue * 255)


def _label(pen: ImageDraw.ImageDraw, marks: list[Mark], page_width: int, font_size: int) -> None:
    """Names beside the page, level with their boxes or below the name before, each with a line to its box."""
    font = ImageFont.load_default(font_size)
    next_free = 0.0
    for mark in marks:
        top = max(mark.top, next_free)
        middle = top + font_size * 0.7
        leader = [(mark.right, mark.bottom), (page_width, mark.bottom), (page_width + 6, middle)]
        pen.line(leader, fill=(*mark.colour, 110))  # below the line of text, not through it
        pen.text((page_width + 10, top), mark.text, font=font, fill=mark.colour)
        next_free = top + font_size * 1.4
