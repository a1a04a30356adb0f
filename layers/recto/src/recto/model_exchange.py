"""What a word model's endpoint is sent, and what it answers: Textract's blocks, with classes on the words.

Pages become a response in Textract's shape, with the ids of the words kept, so that any container that reads
Textract can work on them. The answer is the same response, whose WORD blocks carry
`ClassificationProbabilities` (one for each label) and, from our own containers, `PredictedClassAgreement`;
these name the labels too, in `ClassificationLabels` beside the blocks. It is read as a stream of blocks. Not
the transport.
"""

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from recto.document import NO_LINE, Page, PagePredictions, Word
from recto.errors import ModelFailedError, ReleaseError, WordMismatchError
from recto.geometry import Box

Block = Mapping[str, Any]

PROBABILITIES, AGREEMENT = "ClassificationProbabilities", "PredictedClassAgreement"
LABELS = "ClassificationLabels"
"""Names of the classes by number, for people: the pipeline goes by its release's."""
WHOLE_PAGE = Box(0.0, 0.0, 1.0, 1.0)
TOLERANCE = 0.01
"""How far the probabilities of a word may be from adding up to 1."""


# --- pages to a response ------------------------------------------------------------------------------


def response_of(pages: Iterable[Page]) -> bytes:
    """The pages as one response in Textract's shape, in JSON; pages keep their numbers."""
    pieces, num_pages = [], 0
    for page in pages:
        num_pages += 1
        pieces += [json.dumps(block, separators=(",", ":")).encode() for block in blocks_of_page(page)]
    head = {"DocumentMetadata": {"Pages": num_pages}, "JobStatus": "SUCCEEDED"}
    return json.dumps(head)[:-1].encode() + b', "Blocks": [' + b",\n".join(pieces) + b"]}"


def blocks_of_page(page: Page) -> Iterator[dict[str, Any]]:
    """PAGE, then LINEs, then WORDs; a word that stands in no line gets one of its own: none is lost."""
    ids = word_ids(page)
    lines: dict[object, list[int]] = {}
    for index, word in enumerate(page.words):
        key = ("alone", index) if word.line == NO_LINE else word.line
        lines.setdefault(key, []).append(index)
    line_ids = [f"p{page.number}-l{number}" for number in range(len(lines))]
    yield _block("PAGE", f"p{page.number}", page.number, WHOLE_PAGE) | _children(line_ids)
    for line_id, indices in zip(line_ids, lines.values(), strict=True):
        words = [page.words[index] for index in indices]
        common = _block("LINE", line_id, page.number, Box.around(word.box for word in words))
        mean = sum(word.confidence for word in words) / len(words)
        yield common | _text(" ".join(w.text for w in words), mean) | _children([ids[i] for i in indices])
    for word_id, word in zip(ids, page.words, strict=True):
        common = _block("WORD", word_id, page.number, word.box)
        yield common | _text(word.text, word.confidence) | {"TextType": "PRINTED"}


def word_ids(page: Page) -> list[str]:
    """The OCR's ids; an id made of the word's place for one that has none."""
    return [_id_of(page.number, index, word) for index, word in enumerate(page.words)]


def _id_of(page: int, index: int, word: Word) -> str:
    return word.id or f"p{page}-w{index}"


def _block(kind: str, block_id: str, page: int, box: Box) -> dict[str, Any]:
    corners = [(box.left, box.top), (box.right, box.top), (box.right, box.bottom), (box.left, box.bottom)]
    bounding_box = {
        "Left": box.left,
        "Top": box.top,
        "Width": _extent(box.left, box.right),
        "Height": _extent(box.top, box.bottom),
    }
    polygon = [{"X": x, "Y": y} for x, y in corners]
    geometry = {"BoundingBox": bounding_box, "Polygon": polygon}
    return {"BlockType": kind, "Id": block_id, "Page": page, "Geometry": geometry}


def _extent(low: float, high: float) -> float:
    """What added to `low` gives `high`, or where no number does, the next one above it.

    Never one below: the model's grid truncates, and must not see another box than ours.
    """
    extent = high - low
    while low + extent > high:
        extent = math.nextafter(extent, -math.inf)
    while low + extent < high:
        extent = math.nextafter(extent, math.inf)
    return extent


def _text(text: str, confidence: float) -> dict[str, Any]:
    return {"Text": text, "Confidence": round(confidence * 100, 4)}


def _children(ids: Sequence[str]) -> dict[str, Any]:
    return {"Relationships": [{"Type": "CHILD", "Ids": list(ids)}]} if ids else {}


# --- an answer to predictions -------------------------------------------------------------------------


def read_predictions(
    blocks: Iterable[Block], pages: Iterable[Page], labels: Sequence[str], said_by: str
) -> Iterator[PagePredictions]:
    """Page after page of an answer, held against what was sent; one page in memory at a time.

    WordMismatchError for other words than these, ReleaseError for another number of classes than labels,
    ModelFailedError for words that carry no classes. `said_by` names the answer in messages.
    """
    words = (block for block in blocks if block.get("BlockType") == "WORD")
    for page in pages:
        found = list(islice(words, len(page.words)))
        _require_same_words(found, page, said_by)
        yield _predictions(found, page, labels, said_by)
    if next(words, None) is not None:
        raise WordMismatchError(f"{said_by}: there are words after those that were sent")


def _require_same_words(found: Sequence[Block], page: Page, said_by: str) -> None:
    ids = word_ids(page)
    if len(found) != len(ids):
        raise WordMismatchError(
            f"{said_by}: page {page.number} was sent with {len(ids)} words, the answer ends after "
            f"{len(found)}"
        )
    for index, (block, sent) in enumerate(zip(found, ids, strict=True)):
        if block.get("Id") != sent:
            raise WordMismatchError(
                f"{said_by}: word {index + 1} of page {page.number} was sent as {sent!r}, the answer has "
                f"{block.get('Id')!r} there (page {block.get('Page')}); expected the same words in the "
                "same order"
            )


def _predictions(found: Sequence[Block], page: Page, labels: Sequence[str], said_by: str) -> PagePredictions:
    verdicts = [
        _verdict(block, len(labels), f"{said_by}: word {index + 1} of page {page.number}")
        for index, block in enumerate(found)
    ]
    agreements = [block.get(AGREEMENT) for block in found]
    return PagePredictions(
        number=page.number,
        classes=tuple(class_id for class_id, _ in verdicts),
        probabilities=tuple(probability for _, probability in verdicts),
        agreements=()
        if None in agreements
        else tuple(min(1.0, max(0.0, float(share))) for share in agreements if share is not None),
    )


def _verdict(block: Block, num_labels: int, which: str) -> tuple[int, float]:
    """The most probable class of a word, with its probability."""
    probabilities = block.get(PROBABILITIES)
    if not isinstance(probabilities, list) or not all(isinstance(p, int | float) for p in probabilities):
        raise ModelFailedError(f"{which}: expected {PROBABILITIES}, a number for each of {num_labels} labels")
    if len(probabilities) != num_labels:
        raise ReleaseError(
            f"{which}: the endpoint's model has {len(probabilities)} classes, the release {num_labels} labels"
        )
    if not abs(sum(probabilities) - 1) <= TOLERANCE or min(probabilities) < 0:
        raise ModelFailedError(
            f"{which}: expected probabilities that add up to 1, got {sum(probabilities):.3f} in all"
        )
    best = max(range(num_labels), key=probabilities.__getitem__)
    return best, min(1.0, float(probabilities[best]))
