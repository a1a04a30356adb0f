"""Lines of words as Textract's blocks, and the head of its response. Neither files nor engines.

For text that lies turned on the page, Textract's polygons begin at the text's own top left corner while the
bounding box stays upright; so do these.
"""

import uuid
from collections import Counter
from collections.abc import Sequence
from typing import Any

from recto.geometry import Box
from recto_ocr.engine import OcrEngine, OcrLine, OcrWord

BLOCK_NAMESPACE = uuid.UUID("7d3cb7bd-9d2c-5f0c-8a6b-2c1f5ac1c1a4")
PAGE_BOX = Box(0.0, 0.0, 1.0, 1.0)


def model_version(engine: OcrEngine) -> str:
    """What stands in `DetectDocumentTextModelVersion`: `custom-tesseract-5.5.4`."""
    return f"custom-{engine.name}-{engine.version}"


def response_head(version: str, num_pages: int) -> dict[str, Any]:
    """A response without its blocks."""
    return {
        "DetectDocumentTextModelVersion": version,
        "DocumentMetadata": {"Pages": num_pages},
        "JobStatus": "SUCCEEDED",
    }


def blocks_of_page(lines: Sequence[OcrLine], page_number: int, id_seed: str) -> list[dict[str, Any]]:
    """The page as Textract's blocks: PAGE, its LINEs, then all WORDs; the same seed gives the same ids."""
    seed = f"{id_seed}/{page_number}"
    line_ids = [block_id(seed, f"line-{n}") for n in range(len(lines))]
    word_ids = [
        [block_id(seed, f"word-{n}-{m}") for m in range(len(line.words))] for n, line in enumerate(lines)
    ]
    turns = Counter(line.turn for line in lines)
    page: dict[str, Any] = {
        "BlockType": "PAGE",
        "Geometry": geometry(PAGE_BOX, turns.most_common(1)[0][0] if turns else 0),
        "Id": block_id(seed, "page"),
        "Page": page_number,
    }
    if lines:
        page["Relationships"] = [{"Type": "CHILD", "Ids": line_ids}]
    blocks = [page]
    for line, line_id, ids in zip(lines, line_ids, word_ids, strict=True):
        block = _text_block("LINE", line, line.turn, line_id, page_number)
        blocks.append(block | {"Relationships": [{"Type": "CHILD", "Ids": ids}]})
    for line, ids in zip(lines, word_ids, strict=True):
        for word, word_id in zip(line.words, ids, strict=True):
            block = _text_block("WORD", word, line.turn, word_id, page_number)
            blocks.append(block | {"TextType": "PRINTED"})
    return blocks


def block_id(seed: str, name: str) -> str:
    """The id of a block, always the same for the same seed and name."""
    return str(uuid.uuid5(BLOCK_NAMESPACE, f"{seed}/{name}"))


def geometry(box: Box, turn: int = 0) -> dict[str, Any]:
    """A box as Textract's Geometry, for text turned by so many clockwise quarters."""
    left, top, right, bottom = box
    corners = ((left, top), (right, top), (right, bottom), (left, bottom))
    from_text = (*corners[turn:], *corners[:turn])
    return {"BoundingBox": box.to_textract(), "Polygon": [{"X": x, "Y": y} for x, y in from_text]}


def _text_block(
    kind: str, read: OcrLine | OcrWord, turn: int, identity: str, page_number: int
) -> dict[str, Any]:
    return {
        "BlockType": kind,
        "Confidence": read.confidence,
        "Text": read.text,
        "Geometry": geometry(read.box, turn),
        "Id": identity,
        "Page": page_number,
    }
