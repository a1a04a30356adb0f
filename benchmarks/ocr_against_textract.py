"""The OCR engines against Amazon Textract's own words, on ordinary documents: what `auto` changes and costs.

    .venv/bin/python benchmarks/ocr_against_textract.py --documents 2
    .venv/bin/python benchmarks/ocr_against_textract.py

First pages of documents in ../shared/data/textract/textractor that a real response of Textract lies beside.
Words are compared as they are printed, each as often as it occurs; Textract is no truth, but near it. Seconds
are of the processor. 2 to 4 minutes.
"""

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ocr_pages import DATA, LANGUAGES, page_of_lines
from recording import print_table, write_result

from recto_ocr.engines import engine_named
from recto_ocr.pages import inspect, page_image

FOLDER = DATA / "textract" / "textractor"
PREFIX = "test_detect_no_duplicate_words_"
ENGINES = ("tesseract", "auto")


class Reading(NamedTuple):
    """One page by one engine."""

    engine: str
    common: int
    read: int
    given: int
    seconds: float

    @property
    def recall(self) -> float:
        return self.common / self.given if self.given else 1.0


def pairs() -> list[tuple[Path, Path]]:
    """Documents and Textract's responses, by name."""
    responses = sorted((FOLDER / "saved_api_responses").glob(f"{PREFIX}*.json"))
    found = ((FOLDER / one.name.removeprefix(PREFIX).removesuffix(".json"), one) for one in responses)
    return [(document, response) for document, response in found if document.exists()]


def given_words(response: Path) -> Counter[str]:
    """Textract's words of the first page."""
    blocks = json.loads(response.read_text())["Blocks"]
    return Counter(b["Text"] for b in blocks if b["BlockType"] == "WORD" and b.get("Page", 1) == 1)


def reading(document: Path, given: Counter[str], engine: str) -> Reading:
    image = page_image(document, inspect(document).kind, 1)
    began = time.process_time()
    page = page_of_lines(1, engine_named(engine).read(image, LANGUAGES))
    seconds = time.process_time() - began
    read = Counter(word.text for word in page.words)
    return Reading(engine, (read & given).total(), read.total(), given.total(), round(seconds, 2))


def main(arguments: Sequence[str]) -> int:
    """1 where `auto` reads fewer of Textract's words than Tesseract alone."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--documents", type=int)
    options = parser.parse_args(arguments)
    rows, all_readings = [], []
    for document, response in pairs()[: options.documents]:
        given = given_words(response)
        readings = [reading(document, given, engine) for engine in ENGINES]
        all_readings.append({"document": document.name, "readings": [one._asdict() for one in readings]})
        rows.append(
            (document.name, readings[0].given, *(f"{r.recall:.3f} ({r.seconds} s)" for r in readings))
        )
        print(*rows[-1], flush=True)
    totals = [total([page["readings"][n] for page in all_readings]) for n in range(len(ENGINES))]
    print_table("Textract's words that were read", ("document", "words", *ENGINES), rows)
    print(
        *(f"{name}: recall {recall:.4f}, precision {right:.4f}" for name, recall, right in totals), sep="\n"
    )
    write_result(
        "ocr_against_textract",
        ".venv/bin/python benchmarks/ocr_against_textract.py",
        {"pages": all_readings, "totals": totals},
    )
    return 0 if totals[1][1] >= totals[0][1] else 1


def total(readings: Sequence[dict[str, float]]) -> tuple[str, float, float]:
    """An engine's name, its recall and its precision over all pages."""
    common, read, given = (sum(one[key] for one in readings) for key in ("common", "read", "given"))
    return str(readings[0]["engine"]), round(common / given, 4), round(common / read, 4)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
