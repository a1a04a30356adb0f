"""Engines by name, their languages, and pages that lie turned: as Textract tells of them."""

import json
import warnings
from pathlib import Path
from typing import Any

import pytest
import trp
from PIL import Image

from recto.errors import ConfigurationError
from recto.geometry import Box
from recto.textract import blocks_of, read_pages
from recto_ocr.blocks import blocks_of_page, geometry, model_version, response_head
from recto_ocr.engine import EngineMissingError, LanguageMissingError, OcrLine, OcrWord, languages_of
from recto_ocr.engines import ENGINES, engine_named, reading_code
from tests.functional.local.drawn import page

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"
PROSE = [f"This agreement covers the card account number {n}" for n in range(31, 45)]
TURNS = {
    1: Image.Transpose.ROTATE_270,
    2: Image.Transpose.ROTATE_180,
    3: Image.Transpose.ROTATE_90,
}
"""Clockwise quarters, and how Pillow, which turns the other way, calls them."""


def test_an_engine_is_found_by_name_and_says_its_version() -> None:
    engine = engine_named("tesseract")

    assert model_version(engine).startswith("custom-tesseract-5")
    assert "eng" in engine.installed_languages()


def test_an_engine_that_is_not_here_is_refused_with_those_that_are() -> None:
    with pytest.raises(EngineMissingError, match="'paddle' is not here; expected one of auto, tesseract"):
        engine_named("paddle")


def test_what_reads_is_told_apart_for_caches_by_engine_and_is_the_same_each_time() -> None:
    codes = [reading_code(engine_named(name)) for name in ENGINES]

    assert len(set(codes)) == len(ENGINES)
    assert codes == [reading_code(engine_named(name)) for name in ENGINES]


def test_a_missing_language_is_refused_with_those_that_are_installed() -> None:
    with pytest.raises(LanguageMissingError, match=r"xyz is not installed in .*; installed: .*eng"):
        engine_named("tesseract").check(("eng", "xyz"))


@pytest.mark.parametrize("given", ["eng+deu", "eng,deu", ["eng", "deu"], "eng + deu+eng"])
def test_languages_come_as_text_or_list(given: Any) -> None:
    assert languages_of(given) == ("eng", "deu")


@pytest.mark.parametrize("given", ["", [], "../../etc/passwd", "eng+", ["eng;rm"]])
def test_what_is_no_language_is_refused(given: Any) -> None:
    with pytest.raises(ConfigurationError, match="languages: expected"):
        languages_of(given)


@pytest.mark.parametrize("turn", [1, 2, 3])
def test_a_turned_page_is_read_and_its_polygons_begin_where_the_text_begins(turn: int) -> None:
    lying = page(*PROSE).transpose(TURNS[turn])

    lines = engine_named("tesseract").read(lying, ("eng",))

    assert [line.text for line in lines] == PROSE
    assert {line.turn for line in lines} == {turn}
    first = next(b for b in blocks_of_page(lines, 1, "seed") if b["BlockType"] == "WORD")
    corner = first["Geometry"]["Polygon"][0]
    box = lines[0].words[0].box
    expected = {1: (box.right, box.top), 2: (box.right, box.bottom), 3: (box.left, box.bottom)}[turn]
    assert (corner["X"], corner["Y"]) == expected


def test_a_page_that_leans_a_little_is_read() -> None:
    leaning = page(*PROSE).rotate(2, fillcolor=255, resample=Image.Resampling.BICUBIC)

    lines = engine_named("tesseract").read(leaning, ("eng",))

    found = {word.text for line in lines for word in line.words}
    assert {"agreement", "covers", "account", "number"} <= found


@pytest.mark.skipif(not DATA.exists(), reason="../shared/data is not here")
def test_our_polygons_are_turned_as_textracts_are() -> None:
    response = json.loads((DATA / "textract" / "trp" / "gib__180_degrees.json").read_text())
    theirs = [b["Geometry"] for b in response["Blocks"] if b["BlockType"] == "WORD"]

    ours = [geometry(Box.from_textract(each["BoundingBox"]), 2) for each in theirs]

    assert len(theirs) > 100
    for mine, given in zip(ours, theirs, strict=True):
        for seen, wanted in zip(mine["Polygon"], given["Polygon"], strict=True):
            assert seen == pytest.approx(wanted, abs=1e-4)


def test_words_in_are_words_out_for_our_reader_and_trp() -> None:
    words = [OcrWord(text, 90.0, Box(0.1 * n, 0.1, 0.1 * n + 0.05, 0.2)) for n, text in enumerate("abc", 1)]
    lines = [OcrLine(tuple(words)), OcrLine((words[0],), 3)]
    blocks = [b for number in (1, 2) for b in blocks_of_page(lines, number, "seed")]

    response = response_head("custom-x-1", 2) | {"Blocks": blocks}

    ours = [[word.text for word in each.words] for each in read_pages(blocks_of(response))]
    with warnings.catch_warnings(action="ignore"):
        document = trp.Document(response)
    theirs = [[word.text for line in each.lines for word in line.words] for each in document.pages]
    assert ours == theirs == [["a", "b", "c", "a"]] * 2
