"""Fields are drawn where they stand on the page."""

import io

from PIL import Image

from recto.results import DocumentResult
from recto.review import ReviewTask
from recto_cli.pictures import colour_of, draw_fields, pages_with_fields
from tests.unit.cli.conftest import field

WHITE = (255, 255, 255)


def white_page(width: int = 800, height: int = 1000) -> bytes:
    body = io.BytesIO()
    Image.new("RGB", (width, height), "white").save(body, "PNG")
    return body.getvalue()


def test_a_fields_box_is_outlined_in_its_own_colour_and_the_rest_stays_white() -> None:
    result = DocumentResult(confidence=1, fields={"Name": field(3, "x")})

    image = draw_fields(white_page(), 1, result)

    assert image.size == (1056, 1000)
    assert image.getpixel((199, 300)) == colour_of(3)
    assert image.getpixel((400, 300)) != WHITE
    assert image.getpixel((700, 340)) == WHITE
    assert image.getpixel((400, 500)) == WHITE


def test_nothing_is_drawn_on_a_page_without_fields() -> None:
    result = DocumentResult(confidence=1, fields={"Name": field(3, "x")})

    image = draw_fields(white_page(), 2, result)

    assert image.getcolors() == [(1056 * 1000, WHITE)]


def test_names_stand_in_the_margin_one_below_the_other() -> None:
    result = DocumentResult(confidence=1, fields={"One": field(3, "x"), "Two": field(4, "y")})

    margin = draw_fields(white_page(), 1, result).crop((810, 0, 1056, 1000))

    rows = {colour: [y for y in range(1000) if _has(margin, y, colour)] for colour in map(colour_of, (3, 4))}
    assert all(rows.values())
    assert max(rows[colour_of(3)]) < min(rows[colour_of(4)])


def _has(image: Image.Image, row: int, colour: tuple[int, int, int]) -> bool:
    return any(image.getpixel((x, row)) == colour for x in range(image.width))


def test_only_pages_with_a_value_are_drawn(task: ReviewTask) -> None:
    assert pages_with_fields(task.model_result) == [1]
    assert pages_with_fields(DocumentResult(confidence=0)) == []


def test_classes_have_colours_of_their_own() -> None:
    assert len({colour_of(class_id) for class_id in range(50)}) == 50
