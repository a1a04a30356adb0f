"""OCR of pages in worker processes, one Tesseract engine each. What runs here knows files, not services."""

import multiprocessing
import os
import signal
import threading
import time
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

from recto_local.standins.layout import layout_blocks
from recto_ocr.blocks import blocks_of_page
from recto_ocr.pages import Content, Unreadable, UnreadableDocumentError, inspect, page_image
from recto_ocr.tesseract import read_image


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
    """The worker processes; a broken one costs the page it worked on, and all are made anew."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._lock = threading.Lock()
        self._pool = self._new_pool()

    def inspect(self, path: Path) -> Content:
        return self._submit(content_of, str(path)).result()  # type: ignore[no-any-return]

    def read(
        self, path: Path, kind: str, page: int, seed: str, languages: tuple[str, ...], layout: bool
    ) -> "Future[list[dict[str, Any]]]":
        return self._submit(read_page, str(path), kind, page, seed, languages, layout)

    def close(self) -> None:
        """Drop what waits; pages being read are finished by nobody."""
        processes = list((getattr(self._pool, "_processes", None) or {}).values())
        self._pool.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            process.terminate()

    def _submit(self, task: Any, *arguments: Any) -> "Future[Any]":
        with self._lock:
            try:
                return self._pool.submit(task, *arguments)
            except BrokenProcessPool:
                self._pool = self._new_pool()
                return self._pool.submit(task, *arguments)

    def _new_pool(self) -> ProcessPoolExecutor:
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(self.workers, context, initializer=_begin_worker, initargs=(os.getpid(),))


def _begin_worker(parent: int) -> None:
    """Leave Ctrl-C to the parent, and end when it has gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)
