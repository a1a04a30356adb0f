"""A long PDF of real pages, and the count of its pages at every place where the pipeline's ranges join.

The pages come from ../shared/data and are repeated in turn until the document is long enough: the product
does not know, only an OCR cache does. The PDF is written where the caller says, never into the project.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pypdfium2

from recto.pagestore import PageIndex
from recto.places import DocumentPlaces
from recto.ports import ObjectStore


def write_long_pdf(path: Path, sources: Sequence[Path], distinct: int, num_pages: int) -> int:
    """`num_pages` pages, of which at most `distinct` differ; how many do."""
    document = pypdfium2.PdfDocument.new()
    for source in sources:
        room = distinct - len(document)
        if room > 0:
            pages = pypdfium2.PdfDocument(source)
            document.import_pages(pages, list(range(min(len(pages), room))))
    found = len(document)
    if not found:
        raise ValueError(f"no pages in {len(sources)} sources")
    repeated = pypdfium2.PdfDocument.new()
    while len(repeated) < num_pages:
        repeated.import_pages(document, list(range(min(found, num_pages - len(repeated)))))
    repeated.save(path)
    return found


def page_counts(objects: ObjectStore, places: DocumentPlaces) -> dict[str, int]:
    """Pages at each join: planned, drawn, pictures there, read, classified; words read, words classified."""
    plan = json.loads(objects.read(places.image_plan))
    parts = [part["Part"] for part in plan["Ranges"]]
    drawn = [json.loads(objects.read(places.image_part_index(part))) for part in parts]
    read = PageIndex.from_json(objects.read(places.ocr_index))
    classified = [PageIndex.from_json(objects.read(places.predictions_part_index(part))) for part in parts]
    numbers = range(1, plan["NumPages"] + 1)
    return {
        "planned": plan["NumPages"],
        "drawn": sum(len(part["Pages"]) for part in drawn),
        "pictures": sum(1 for number in numbers if objects.info(places.image(number))),
        "read": read.num_pages,
        "classified": sum(index.num_pages for index in classified),
        "words read": read.num_words,
        "words classified": sum(index.num_words for index in classified),
    }


def lost_pages(counts: dict[str, int], num_pages: int) -> list[str]:
    """What does not agree with the number of pages, or of words; nothing for a document that came through."""
    wrong = [
        f"{count} pages {name}, expected {num_pages}"
        for name, count in counts.items()
        if not name.startswith("words") and count != num_pages
    ]
    if counts["words read"] != counts["words classified"]:
        wrong.append(f"{counts['words read']} words read, {counts['words classified']} classified")
    return wrong


def largest_payload(history: Sequence[dict[str, Any]]) -> int:
    """Bytes of the largest input or output between states; Step Functions allows 262,144."""
    details = (value for event in history for value in event.values() if isinstance(value, dict))
    texts = (detail.get(key) or "" for detail in details for key in ("input", "output", "parameters"))
    return max((len(text.encode()) for text in texts), default=0)
