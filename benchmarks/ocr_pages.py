"""Pages of the benchmarks' documents as our own OCR reads them, kept by image and code. No model is here.

    .venv/bin/python benchmarks/ocr_pages.py --documents 3
    .venv/bin/python benchmarks/ocr_pages.py --engine tesseract

Reads the SROIE photos ahead, so that other benchmarks find them in `.recto/benchmarks/ocr`. The first
reading of an image is real; nothing is looked up by name.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from PIL import Image
from recording import ROOT

from recto.document import Page, Word
from recto_local.standins.ocr_cache import cached_lines
from recto_ocr.automatic import AutomaticEngine
from recto_ocr.engine import OcrEngine, OcrLine
from recto_ocr.engines import DEFAULT_ENGINE, ENGINES, engine_named, reading_code
from recto_ocr.pages import inspect, page_image

DATA = ROOT.parent / "shared" / "data"
PHOTOS = DATA / "sroie" / "img"
CACHE = ROOT / ".recto" / "benchmarks" / "ocr"
LANGUAGES = ("eng",)


class KeptEngine:
    """An engine that remembers what it has read, in the folder named after it."""

    def __init__(self, engine: OcrEngine) -> None:
        self._engine = engine
        self._code = reading_code(engine)
        self.name = engine.name
        self.version = engine.version

    def installed_languages(self) -> tuple[str, ...]:
        return self._engine.installed_languages()

    def check(self, languages: Sequence[str]) -> None:
        self._engine.check(languages)

    def read(self, image: Image.Image, languages: tuple[str, ...]) -> list[OcrLine]:
        reader = f"{self._code} {'+'.join(languages)}"
        return cached_lines(CACHE / self.name, reader, image, lambda: self._engine.read(image, languages))


@cache
def kept_engine(name: str) -> OcrEngine:
    """The engine of that name; of `auto`, what its two engines have read is kept."""
    if name == "auto":
        return AutomaticEngine(kept_engine("tesseract"), kept_engine("rapidocr"))
    return KeptEngine(engine_named(name))


def read_document(path: Path, engine: str = DEFAULT_ENGINE) -> tuple[Page, ...]:
    """The words of each page of a PDF, TIFF, PNG or JPEG, in the OCR's order."""
    content = inspect(path)
    images = (page_image(path, content.kind, number) for number in range(1, content.num_pages + 1))
    read = kept_engine(engine).read
    return tuple(page_of_lines(number, read(image, LANGUAGES)) for number, image in enumerate(images, 1))


def page_of_lines(number: int, lines: list[OcrLine]) -> Page:
    """The library's page: each word with the line it stands in."""
    words = [(word, line) for line, of_line in enumerate(lines) for word in of_line.words]
    return Page(
        number,
        tuple(
            Word(word.text, word.box, word.confidence / 100, line, f"{number}-{index}")
            for index, (word, line) in enumerate(words)
        ),
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--engine", default=DEFAULT_ENGINE, choices=sorted(ENGINES))
    parser.add_argument("--documents", type=int, help="only so many")
    parser.add_argument("--part", default="1/1", help="2/3: the second of three equal parts")
    options = parser.parse_args()
    part, parts = map(int, options.part.split("/"))
    paths = sorted(PHOTOS.glob("*.jpg"))
    began, num_pages = time.process_time(), 0
    for path in paths[: options.documents][part - 1 :: parts]:
        num_pages += len(read_document(path, options.engine))
        print(f"{path.name}: {(time.process_time() - began) / num_pages:.2f} s a page", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
