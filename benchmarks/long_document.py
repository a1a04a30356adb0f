"""Makes the same long, classified document twice: in our page store, and as Textract JSON with predictions.

Words, boxes, classes and probabilities are equal on both sides and follow from a seed. The words are made
up; their lengths, the layout of 45 lines of 11 words, and the number of blocks are those of a dense page of
print. Not a test of quality: nothing here resembles a real agreement closely enough.
"""

import json
import random
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from recto.document import Page, PagePredictions, Word
from recto.geometry import Box
from recto.pagestore import PageIndex, PartWriter
from recto.places import DocumentPlaces, page_ranges

LINES, WORDS = 45, 11
OTHER = 19
"""Class of words in no field: the demo release has 19 fields."""
DATES = ("January 1, 2021", "03/15/2022", "June 30, 2023")
RATES = ("14.99%", "24.99%", "Prime + 9.99%", "29.99%", "0%")
AMOUNTS = ("$35", "$40.00", "$5 or 3%", "Up to $41", "None")
NAMES = ("First Meridian Bank", "Visa Signature", "Platinum Rewards Mastercard")
SENTENCE = (
    "the", "of", "and", "to", "you", "your", "account", "will", "any", "balance", "interest", "charge", "we",
    "may", "fee", "agreement", "payment", "credit", "card", "rate", "transactions", "annual", "percentage",
    "each", "billing", "cycle", "daily", "amount", "minimum", "due", "if", "not", "under",
)  # fmt: skip


class Density(NamedTuple):
    """How much of a document's text stands in fields."""

    name: str
    share: float
    """Of the words, about."""
    repeats: bool
    """Whether a document says the same things again and again, as documents do."""


DENSITIES = {
    density.name: density
    for density in (
        Density("usual", 0.01, repeats=True),
        Density("busy", 0.10, repeats=True),
        Density("worst", 1.0, repeats=False),
    )
}


def pages_of(num_pages: int, density: Density, seed: int = 7) -> Iterator[tuple[Page, PagePredictions]]:
    """The pages of the document, one at a time."""
    chance = random.Random(seed)
    for number in range(1, num_pages + 1):
        marked = _marked_texts(chance, density)
        words = tuple(_word(chance, place, text) for place, (text, _) in enumerate(marked))
        classes = tuple(class_id for _, class_id in marked)
        probabilities = tuple(round(chance.uniform(0.5, 0.999), 6) for _ in marked)
        agreements = tuple(chance.choice((1.0, 1.0, 1.0, 0.5)) for _ in marked)
        yield Page(number, words), PagePredictions(number, classes, probabilities, agreements)


def write_page_store(folder: Path, places: DocumentPlaces, num_pages: int, density: Density) -> None:
    """As `textract_fetch` and `model_invoke` leave a document; a bucket is a folder of that name."""
    root = folder / places.bucket
    (root / places.prefix / "ocr").mkdir(parents=True)
    (root / places.prefix / "predictions").mkdir(parents=True)
    pages = pages_of(num_pages, density)
    entries = []
    for part, (first, last) in enumerate(page_ranges(num_pages), start=1):
        words, predictions = PartWriter(part, first), PartWriter(part, first)
        for _ in range(first, last + 1):
            page, predicted = next(pages)
            words.add(page)
            predictions.add_predictions(predicted)
        content, places_of = words.finish()
        entries.append(places_of)
        (root / places.ocr_part(part).key).write_bytes(content)
        content, places_of = predictions.finish()
        (root / places.predictions_part(part).key).write_bytes(content)
        (root / places.predictions_part_index(part).key).write_bytes(PageIndex(pages=places_of).to_json())
    (root / places.ocr_index.key).write_bytes(PageIndex.joined(entries).to_json())
    (root / places.ocr_job.key).write_text(json.dumps({"JobId": "made", "Features": [], "Warnings": []}))


def write_textract_json(path: Path, num_pages: int, density: Density) -> None:
    """One consolidated response whose WORD blocks carry the predictions, as the reference had."""
    chance = random.Random(1)
    with path.open("w") as file:
        file.write(f'{{"DocumentMetadata": {{"Pages": {num_pages}}}, "Blocks": [')
        for page, predictions in pages_of(num_pages, density):
            blocks = ",".join(json.dumps(block) for block in _blocks(page, predictions, chance))
            file.write(("," if page.number > 1 else "") + blocks)
        file.write('], "JobStatus": "SUCCEEDED"}')


def _marked_texts(chance: random.Random, density: Density) -> list[tuple[str, int]]:
    """The page's words with their classes: running text, and here and there what a field asks for."""
    marked: list[tuple[str, int]] = []
    while len(marked) < LINES * WORDS:
        if chance.random() < density.share / (2.0 - density.share):
            class_id = chance.randrange(OTHER)
            marked += [(text, class_id) for text in _value(chance, class_id, density).split()]
        else:
            marked.append((chance.choice(SENTENCE), OTHER))
    return marked[: LINES * WORDS]


def _value(chance: random.Random, class_id: int, density: Density) -> str:
    if class_id == 0:
        return (
            chance.choice(DATES)
            if density.repeats
            else f"{chance.randint(1, 28)}.{chance.randint(1, 12)}.2021"
        )
    if class_id < 8:
        return chance.choice(RATES) if density.repeats else f"{chance.uniform(0, 40):.3f}%"
    if class_id < 14:
        return chance.choice(AMOUNTS) if density.repeats else f"${chance.uniform(0, 900):.2f}"
    return chance.choice(NAMES) if density.repeats else f"Name{chance.randrange(10**6)} Bank"


def _word(chance: random.Random, place: int, text: str) -> Word:
    line, column = divmod(place, WORDS)
    left, top = 0.1 + column * 0.073, 0.05 + line * 0.02 + chance.uniform(0, 0.001)
    box = Box(*(round(side, 6) for side in (left, top, left + 0.068, top + 0.012)))
    identity = str(uuid.UUID(int=chance.getrandbits(128), version=4))
    return Word(text, box, round(chance.uniform(0.9, 0.9999), 6), line, identity)


def _blocks(page: Page, predictions: PagePredictions, chance: random.Random) -> Iterator[dict[str, Any]]:
    def identity() -> str:
        return str(uuid.UUID(int=chance.getrandbits(128), version=4))

    lines = [page.words[start : start + WORDS] for start in range(0, len(page.words), WORDS)]
    line_ids = [identity() for _ in lines]
    common = {"Page": page.number}
    whole = Box(0.0, 0.0, 1.0, 1.0)
    yield {
        "BlockType": "PAGE", "Geometry": _geometry(whole), "Id": identity(), **common,
        "Relationships": [{"Type": "CHILD", "Ids": line_ids}],
    }  # fmt: skip
    for line_id, words in zip(line_ids, lines, strict=True):
        yield {
            "BlockType": "LINE", "Confidence": 99.0, "Text": " ".join(word.text for word in words),
            "Geometry": _geometry(Box.around(word.box for word in words)), "Id": line_id,
            "Relationships": [{"Type": "CHILD", "Ids": [word.id for word in words]}], **common,
        }  # fmt: skip
    for word, class_id, probability in zip(
        page.words, predictions.classes, predictions.probabilities, strict=True
    ):
        rest = round((1 - probability) / OTHER, 6)
        yield {
            "BlockType": "WORD", "Confidence": word.confidence * 100, "Text": word.text,
            "TextType": "PRINTED", "Geometry": _geometry(word.box), "Id": word.id, **common,
            "PredictedClass": class_id, "PredictedClassConfidence": probability,
            "ClassificationProbabilities": [probability if n == class_id else rest for n in range(OTHER + 1)],
        }  # fmt: skip


def _geometry(box: Box) -> dict[str, Any]:
    corners = (box.left, box.top), (box.right, box.top), (box.right, box.bottom), (box.left, box.bottom)
    return {"BoundingBox": box.to_textract(), "Polygon": [{"X": x, "Y": y} for x, y in corners]}
