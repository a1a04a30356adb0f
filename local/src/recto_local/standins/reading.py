"""OCR of pages for the Textract stand-in, in worker processes. What runs there knows files, not services."""

from concurrent.futures import Future
from pathlib import Path
from typing import Any

from recto_local.standins.layout import layout_blocks
from recto_local.standins.ocr_cache import cached_lines
from recto_ocr.blocks import blocks_of_page
from recto_ocr.documents import engine_of
from recto_ocr.engines import DEFAULT_ENGINE, reading_code
from recto_ocr.pages import Content, Unreadable, UnreadableDocumentError, inspect, page_image
from recto_ocr.workers import Workers


def read_page(
    path: str, kind: str, page: int, seed: str, languages: tuple[str, ...], layout: bool,
    cache_folder: str = "", engine_name: str = DEFAULT_ENGINE,
) -> list[dict[str, Any]]:  # fmt: skip
    """The blocks of one page of a document file; `cache_folder` keeps what was read, where one is named."""
    engine, image = engine_of(engine_name), page_image(Path(path), kind, page)
    try:
        if cache_folder:
            reader = f"{reading_code(engine)} {'+'.join(languages)}"
            lines = cached_lines(Path(cache_folder), reader, image, lambda: engine.read(image, languages))
        else:
            lines = engine.read(image, languages)
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

    def __init__(
        self, workers: int, ocr_cache: Path | None = None, engine_name: str = DEFAULT_ENGINE
    ) -> None:
        """Every page is read, but for those whose image `ocr_cache` has seen, where it is given."""
        self.engine_name = engine_name
        self.ocr_cache = ocr_cache
        self.workers = workers
        self.pool = Workers(workers)

    def inspect(self, path: Path) -> Content:
        return self.pool.submit(content_of, str(path)).result()

    def read(
        self, path: Path, kind: str, page: int, seed: str, languages: tuple[str, ...], layout: bool
    ) -> "Future[list[dict[str, Any]]]":
        return self.pool.submit(
            read_page, str(path), kind, page, seed, languages, layout, str(self.ocr_cache or ""),
            self.engine_name,
        )  # fmt: skip

    def close(self) -> None:
        """Drop what waits; pages being read are finished by nobody."""
        self.pool.close()
