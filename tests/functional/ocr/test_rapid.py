"""PP-OCR's networks as an engine: words where they stand, pages that lie turned, what it does not read."""

import sys
from itertools import pairwise

import pytest
from PIL import Image

from recto_ocr.engine import EngineMissingError, LanguageMissingError, OcrLine
from recto_ocr.engines import engine_named
from recto_ocr.rapid import LANGUAGES, read_image
from tests.functional.local.drawn import PAGE, page

LINES = ("Credit limit 5000", "Minimum payment 25", "Sunny Mart Sdn Bhd, Johor")
TURNS = {
    1: Image.Transpose.ROTATE_270,
    2: Image.Transpose.ROTATE_180,
    3: Image.Transpose.ROTATE_90,
}
"""Clockwise quarters, and how Pillow, which turns the other way, calls them."""
PIXELS = 12
"""A word may stand so far from where it was drawn."""


@pytest.fixture(scope="module")
def read() -> list[OcrLine]:
    return read_image(page(*LINES))


def test_lines_are_read_from_top_to_bottom_with_their_words(read: list[OcrLine]) -> None:
    assert tuple(line.text for line in read) == LINES
    assert [word.text for word in read[0].words] == ["Credit", "limit", "5000"]
    assert all(90 < word.confidence <= 100 for line in read for word in line.words)


def test_words_stand_where_they_were_drawn_and_do_not_overlap(read: list[OcrLine]) -> None:
    width, height = PAGE
    for number, line in enumerate(read):
        assert abs(line.box.left * width - 100) < PIXELS
        assert line.box.top * height - PIXELS < 100 + 90 * number < line.box.bottom * height
        for word, following in pairwise(line.words):
            assert word.box.right < following.box.left


def test_values_far_apart_in_a_row_are_lines_of_their_own() -> None:
    wide = page("Total")
    wide.paste(page("12.50"), (700, 3))

    assert [line.text for line in read_image(wide)] == ["Total", "12.50"]


LONG = pytest.mark.prove


@pytest.mark.parametrize("turn", [1, pytest.param(2, marks=LONG), pytest.param(3, marks=LONG)])
def test_a_turned_page_is_read_and_told_of_as_it_lies(turn: int, read: list[OcrLine]) -> None:
    turned = read_image(page(*LINES).transpose(TURNS[turn]))

    assert sorted(line.text for line in turned) == sorted(LINES)
    assert {line.turn for line in turned} == {turn}
    first = next(line for line in turned if line.text == LINES[0]).box
    sides = {1: 1 - first.right, 2: 1 - first.bottom, 3: first.left}
    assert sides[turn] == pytest.approx(read[0].box.top, abs=0.01)


@pytest.mark.parametrize(
    "mode", ["1", "CMYK", *(pytest.param(mode, marks=LONG) for mode in ("P", "LA", "I"))]
)
def test_any_kind_of_pixels_is_read(mode: str) -> None:
    assert tuple(line.text for line in read_image(page(*LINES).convert(mode))) == LINES


def test_an_empty_page_has_no_lines() -> None:
    assert read_image(Image.new("RGB", (600, 800), "white")) == []


def test_a_language_with_other_letters_is_refused_with_those_that_are_read() -> None:
    with pytest.raises(LanguageMissingError, match=r"does not read rus; it reads .*eng"):
        engine_named("rapidocr").check(("eng", "rus"))

    engine_named("rapidocr").check(LANGUAGES)


def test_without_its_package_the_engine_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rapidocr", None)

    with pytest.raises(EngineMissingError, match=r"pip install rapidocr"):
        engine_named("rapidocr").check(("eng",))
