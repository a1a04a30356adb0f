"""Draws a result's fields on the page images: boxes on the page, their names in a margin beside it."""

import io
from collections.abc import Iterator

from PIL import Image

from recto.results import DocumentResult
from recto_data.drawing import Mark, colour_of, draw_marks

DOUBTFUL = (200, 0, 0)
"""Red, with a question mark: a person should look."""


def draw_fields(page_image: bytes, page: int, result: DocumentResult) -> Image.Image:
    """The page with a box around each value, and each box's field and confidence in the margin."""
    original = Image.open(io.BytesIO(page_image)).convert("RGB")
    return draw_marks(original, list(marks_on(page, result, original.size)))


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
