"""The stand-in's memory for pages it has read: asked for by name, by the page's image alone."""

from pathlib import Path

from PIL import Image

from recto.geometry import Box
from recto_local.standins.ocr_cache import cached_lines
from recto_local.standins.reading import read_page
from recto_ocr.engine import OcrLine, OcrWord
from tests.functional.local.drawn import page, pdf

LINES = [
    OcrLine(
        (OcrWord("Krümmel", 96.5, Box(0.1, 0.2, 0.3, 0.4)), OcrWord("2", 11.25, Box(0.5, 0.2, 0.6, 0.4))), 1
    ),
    OcrLine((OcrWord("end", 50.0, Box(0.1, 0.6, 0.3, 0.7)),)),
]


class Reader:
    """Counts how often it is asked to read."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> list[OcrLine]:
        self.times += 1
        return LINES


def test_an_image_is_read_once_and_comes_back_the_same(tmp_path: Path) -> None:
    read, image = Reader(), page("Krümmel 2")

    first = cached_lines(tmp_path, "eng", image, read)
    again = cached_lines(tmp_path, "eng", image.copy(), read)

    assert first == again == LINES
    assert read.times == 1


def test_another_pixel_another_size_or_another_reader_is_read_anew(tmp_path: Path) -> None:
    read, image = Reader(), Image.new("L", (20, 30), "white")
    other = image.copy()
    other.putpixel((7, 7), 254)

    for reader, seen in (
        ("eng", image),
        ("eng", other),
        ("eng", image.rotate(90, expand=True)),
        ("deu", image),
    ):
        cached_lines(tmp_path, reader, seen, read)

    assert read.times == 4


def test_pages_are_remembered_only_where_a_folder_is_named(tmp_path: Path) -> None:
    document, cache = tmp_path / "a.pdf", tmp_path / "cache"
    document.write_bytes(pdf([["Annual fee 35"], ["Annual fee 35"], ["Late fee 40"]]))

    plain = [read_page(str(document), "PDF", number, "job", ("eng",), False) for number in (1, 2, 3)]
    assert not cache.exists()
    cached = [
        read_page(str(document), "PDF", number, "job", ("eng",), False, str(cache)) for number in (1, 2, 3, 1)
    ]

    assert cached[:3] == plain
    assert cached[3] == plain[0]
    assert len(list(cache.iterdir())) == 2
