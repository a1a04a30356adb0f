"""Real documents for tests of the review page: contracts joined to any length, their words as OCR gives them.

Words come from the PDF's own text, placed as pdfium places it (turned pages as they are seen), so they agree
with what the pipeline's page images show.
"""

import ctypes
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pypdfium2 as pdfium
from pypdfium2 import raw

DATA = Path(__file__).parents[2].parent / "shared" / "data"
CONTRACTS = DATA / "kleister-nda" / "documents"
FINE = 100_000
"""Steps of the grid that places are told in."""


def contracts(num_pages: int) -> bytes:
    """Pages of real contracts, one after the other, as one PDF."""
    target = pdfium.PdfDocument.new()
    for path in sorted(CONTRACTS.glob("*.pdf")):
        source = pdfium.PdfDocument(path)
        wanted = min(len(source), num_pages - len(target))
        target.import_pages(source, list(range(wanted)))
        if len(target) == num_pages:
            break
    assert len(target) == num_pages, f"{CONTRACTS} has {len(target)} pages, {num_pages} were wanted"
    out = io.BytesIO()
    target.save(out)
    return out.getvalue()


def pages_of_words(pdf: bytes | Path) -> list[dict[str, Any]]:
    """`{"page", "words", "image"}` of each page, as `GET /api/reviews/{id}/pages/{n}` answers."""
    document = pdfium.PdfDocument(pdf)
    return [
        {"page": number, "words": list(_words(document[number - 1], number)), "image": None}
        for number in range(1, len(document) + 1)
    ]


def _words(page: pdfium.PdfPage, number: int) -> Iterator[dict[str, Any]]:
    text = page.get_textpage()
    signs = text.get_text_range()
    start = 0
    for end in range(len(signs) + 1):
        if end < len(signs) and not signs[end].isspace():
            continue
        if end > start:
            boxes = [text.get_charbox(at, loose=True) for at in range(start, end)]
            word = {"id": f"{number}-{start}", "text": signs[start:end], "confidence": 0.99}
            yield {**word, "box": _seen(page, boxes)}
        start = end + 1


def _seen(page: pdfium.PdfPage, boxes: Sequence[tuple[float, float, float, float]]) -> list[float]:
    """The box around boxes of the PDF's own space, 0-1 from the top left of the page as it is shown."""
    corners = [
        _device(page, x, y) for left, bottom, right, top in boxes for x, y in ((left, bottom), (right, top))
    ]
    xs, ys = zip(*corners, strict=True)
    return [round(value / FINE, 5) for value in (min(xs), min(ys), max(xs), max(ys))]


def _device(page: pdfium.PdfPage, x: float, y: float) -> tuple[int, int]:
    across, down = ctypes.c_int(), ctypes.c_int()
    raw.FPDF_PageToDevice(page, 0, 0, FINE, FINE, 0, x, y, across, down)
    return across.value, down.value


def marks(pages: Sequence[dict[str, Any]], fields: int, each: int) -> list[dict[str, Any]]:
    """As many marks on every page, over its words, of fields in turn."""
    colours = ("#0072b2", "#c24e00", "#00795c", "#a63d7f")
    made = []
    for page in pages:
        step = max(len(page["words"]) // each, 1)
        for at, word in enumerate(page["words"][::step][:each]):
            field = f"Field {at % fields + 1}"
            own = {"id": f"m{page['page']}-{at}", "field": field, "page": page["page"], "box": word["box"]}
            made.append(
                {
                    **own,
                    "colour": colours[at % 4],
                    "label": f"{field}: {word['text']}",
                    "current": at % 3 == 0,
                }
            )
    return made
