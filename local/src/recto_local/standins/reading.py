"""OCR of pages for the Textract stand-in, in worker processes. What runs there knows files, not services."""

from concurrent.futures import Future
from pathlib import Path
from typing import Any

from recto_local.standins.layout import layout_blocks
from recto_ocr.blocks import blocks_of_page
from recto_ocr.pages import Content, Unreadable, UnreadableDocumentError, inspect, page_image
from recto_ocr.tesseract import read_image
from recto_ocr.workers import Workers


def read_page(
    path: str, kind: str, page: int, seed: str, languages: tuple[str, ...], layout: bool
) -> list[dict[str, Any]]:
    """The blocks of one page of a document file."""
    image = page_image(Path(path), kind, page)
    try:
        lines = read_image(image, languages)
    except TimeoutError as error:
        raise UnreadableDocumentError(Unreadable.DAMAGED, f"page {page}: {error}") from error
    blocks = blocks_of_page(lines, page, seed)
    if layout:
        found = layout_blocks(lines, [b["Id"] for b in blocks if b["BlockType"] == "LINE"], page, seed)
        if found:
            blocks[0].setdefault("Relationships", []).append(
                {"Type": "CHILD", "Ids": [b["Id"] for b in found]}
            )
        blocks += found
    return blocks


def content_of(path: str) -> Content:
    """Kind and number of pages of a document file."""
    return inspect(Path(path))


class Readers:
    """The worker processes; a broken one costs the pages under way, and all are made anew."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self.pool = Workers(workers)

    def inspect(self, path: Path) -> Content:
        return self.pool.submit(content_of, str(path)).result()

    def read(
        self, path: Path, kind: str, page: int, seed: str, languages: tuple[str, ...], layout: bool
    ) -> "Future[list[dict[str, Any]]]":
        return self.pool.submit(read_page, str(path), kind, page, seed, languages, layout)

    def close(self) -> None:
        """Drop what waits; pages being read are finished by nobody."""
        self.pool.close()
