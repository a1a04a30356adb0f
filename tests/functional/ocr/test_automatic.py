"""Which engine reads which page: the quick one what it believes, the careful one the rest."""

from collections.abc import Sequence

import pytest
from PIL import Image, ImageFilter

from recto.geometry import Box
from recto_ocr.automatic import DOUBTFUL, AutomaticEngine
from recto_ocr.engine import LanguageMissingError, OcrLine, OcrWord
from recto_ocr.engines import engine_named
from tests.functional.local.drawn import page

MARKED = page("Total 12.50", size=(300, 200))


class FakeEngine:
    """Reads what it was told to, in every image."""

    version = "1"

    def __init__(self, name: str, *words: tuple[str, float], error: Exception | None = None) -> None:
        self.name = name
        self.num_pages = 0
        self._words = tuple(OcrWord(text, confidence, Box(0, 0, 1, 1)) for text, confidence in words)
        self._error = error

    def installed_languages(self) -> tuple[str, ...]:
        return ("eng",)

    def check(self, languages: Sequence[str]) -> None:
        pass

    def read(self, image: Image.Image, languages: tuple[str, ...]) -> list[OcrLine]:
        self.num_pages += 1
        if self._error:
            raise self._error
        return [OcrLine(self._words)] if self._words else []


def read(quick: FakeEngine, careful: FakeEngine, image: Image.Image = MARKED) -> list[str]:
    return [line.text for line in AutomaticEngine(quick, careful).read(image, ("eng",))]


def test_what_the_quick_engine_believes_is_not_read_again() -> None:
    careful = FakeEngine("careful", ("other", 99))

    assert read(FakeEngine("quick", ("Total", DOUBTFUL)), careful) == ["Total"]
    assert careful.num_pages == 0


def test_a_doubtful_page_is_read_by_the_careful_engine() -> None:
    assert read(FakeEngine("quick", ("T0ta1", 60)), FakeEngine("careful", ("Total", 99))) == ["Total"]


def test_the_reading_that_says_more_is_taken() -> None:
    assert read(FakeEngine("quick", ("Total", 60)), FakeEngine("careful", ("T", 90))) == ["Total"]


def test_marks_without_words_are_read_again_and_empty_paper_is_not() -> None:
    careful = FakeEngine("careful", ("Total", 99))

    assert read(FakeEngine("quick"), careful) == ["Total"]
    assert read(FakeEngine("quick"), careful, Image.new("RGB", (300, 200), "white")) == []
    assert careful.num_pages == 1


def test_a_page_that_takes_the_quick_engine_too_long_is_read_by_the_other() -> None:
    quick = FakeEngine("quick", error=TimeoutError("no text found within 120 s"))

    assert read(quick, FakeEngine("careful", ("Total", 99))) == ["Total"]


def test_a_language_that_the_careful_engine_does_not_read_stays_with_the_quick_one() -> None:
    careful = FakeEngine("careful", error=LanguageMissingError("rus"))

    assert read(FakeEngine("quick", ("Итого", 60)), careful) == ["Итого"]


@pytest.mark.prove
def test_a_small_and_blurred_photo_is_read_and_the_same_each_time() -> None:
    lines = ["SUNNY MART SDN BHD", "Jalan Dedap 13, Johor Bahru", "Total RM 80.90"]
    photo = page(*lines).resize((330, 467)).filter(ImageFilter.GaussianBlur(0.6)).crop((0, 0, 330, 120))

    first, second = (engine_named("rapidocr").read(photo, ("eng",)) for _ in range(2))

    assert first == second
    assert [line.text for line in first] == lines
