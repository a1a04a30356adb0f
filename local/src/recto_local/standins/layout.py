"""The one LAYOUT element that can be told from lines alone: paragraphs (LAYOUT_TEXT).

Titles, lists, tables and figures are not told apart; the real service does.
"""

from collections.abc import Sequence
from typing import Any

from recto.geometry import Box
from recto_ocr.blocks import block_id, geometry
from recto_ocr.engine import OcrLine

PARAGRAPH_GAP = 0.9
"""A vertical gap of more than this many line heights begins a new paragraph."""


def layout_blocks(
    lines: Sequence[OcrLine], line_ids: Sequence[str], page: int, seed: str
) -> list[dict[str, Any]]:
    """One LAYOUT_TEXT block per run of lines that stand under each other."""
    blocks = []
    for number, run in enumerate(_paragraphs(lines)):
        members = [lines[n] for n in run]
        blocks.append(
            {
                "BlockType": "LAYOUT_TEXT",
                "Confidence": sum(line.confidence for line in members) / len(members),
                "Geometry": geometry(Box.around(line.box for line in members), members[0].turn),
                "Id": block_id(f"{seed}/{page}", f"layout-{number}"),
                "Relationships": [{"Type": "CHILD", "Ids": [line_ids[n] for n in run]}],
                "Page": page,
            }
        )
    return blocks


def _paragraphs(lines: Sequence[OcrLine]) -> list[list[int]]:
    runs: list[list[int]] = []
    for number, line in enumerate(lines):
        if runs and _continues(lines[runs[-1][-1]].box, line.box):
            runs[-1].append(number)
        else:
            runs.append([number])
    return runs


def _continues(above: Box, below: Box) -> bool:
    gap = below.top - above.bottom
    side_by_side = min(above.right, below.right) > max(above.left, below.left)
    return side_by_side and -above.height <= gap <= PARAGRAPH_GAP * min(above.height, below.height)
