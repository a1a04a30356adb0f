"""Draws a result's fields on the page images."""

import colorsys
import io
from collections.abc import Iterator

from PIL import Image, ImageDraw, ImageFont

from recto.results import DocumentResult, FieldResult

GOLDEN_RATIO = 0.618034
LINE_WIDTH = 3


def draw_fields(page_image: bytes, page: int, result: DocumentResult) -> Image.Image:
    """The page with a box around each value and its field's name above."""
    image = Image.open(io.BytesIO(page_image)).convert("RGB")
    pen = ImageDraw.Draw(image, "RGBA")
    font = ImageFont.load_default(max(12, image.width // 90))
    for name, field in result.fields.items():
        for left, top, right, bottom in _boxes_on(page, field, image.size):
            colour = colour_of(field.class_id)
            pen.rectangle((left, top, right, bottom), outline=colour, width=LINE_WIDTH, fill=(*colour, 40))
            _label(pen, font, f"{name} {field.confidence:.0%}", (left, top), colour)
    return image


def pages_with_fields(result: DocumentResult) -> list[int]:
    """The pages on which something was found."""
    return sorted({value.page for field in result.fields.values() for value in field.found if value.page})


def colour_of(class_id: int) -> tuple[int, int, int]:
    """A colour of its own for each class, neighbours far apart."""
    red, green, blue = colorsys.hsv_to_rgb(class_id * GOLDEN_RATIO % 1, 0.85, 0.75)
    return round(red * 255), round(green * 255), round(blue * 255)


def _boxes_on(
    page: int, field: FieldResult, size: tuple[int, int]
) -> Iterator[tuple[float, float, float, float]]:
    width, height = size
    for value in field.found:
        for found in value.boxes if value.page == page else ():
            left, top, right, bottom = found.box
            yield left * width - 2, top * height - 2, right * width + 2, bottom * height + 2


def _label(
    pen: ImageDraw.ImageDraw,
    font: ImageFont.ImageFont | ImageFont.FreeTypeFont,
    text: str,
    corner: tuple[float, float],
    colour: tuple[int, int, int],
) -> None:
    """The text on its colour, just above the corner, inside the page."""
    left, _, right, height = pen.textbbox((0, 0), text, font=font)
    place = corner[0], max(0.0, corner[1] - height - 4)
    pen.rectangle((*place, place[0] + right - left + 6, place[1] + height + 4), fill=(*colour, 255))
    pen.text((place[0] + 3, place[1] + 1), text, font=font, fill="white")
