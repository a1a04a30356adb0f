"""Pages that took long to read, kept on disk under a hash of what they were read from. Not a store of truth.

A file is written beside its place and then moved there, so that several processes may share a folder:
each sees a whole file or none. Anything in the folder may be deleted at any time.
"""

import gzip
import json
import os
from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, NamedTuple

from recto.document import Page, Word
from recto.geometry import Box

VERSION = "1"
"""Changes when what is kept changes its form."""


class PageCache(NamedTuple):
    """A folder of read pages; without a folder, nothing is kept."""

    folder: Path | None = None

    def pages(
        self, kind: str, content: Sequence[bytes], read: Callable[[], Iterable[Page]]
    ) -> tuple[Page, ...]:
        """The pages that `read` gives for this content; `kind` names the reader and its version."""
        if self.folder is None:
            return tuple(read())
        path = self.folder / f"{content_key(kind, content)}.json.gz"
        if path.exists():
            return load_pages(path)
        pages = tuple(read())
        save_pages(path, pages)
        return pages


def content_key(kind: str, content: Sequence[bytes]) -> str:
    """A name for what a reader makes of this content."""
    digest = sha256(f"{VERSION} {kind}".encode())
    for part in content:
        digest.update(sha256(part).digest())
    return f"{kind}-{digest.hexdigest()[:32]}"


def save_pages(path: Path, pages: Iterable[Page]) -> None:
    """The pages in one file, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps([[page.number, page.words] for page in pages], separators=(",", ":"))
    with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        file.write(gzip.compress(text.encode(), compresslevel=3, mtime=0))
    os.replace(file.name, path)  # noqa: PTH105 - the atomic one, by name


def load_pages(path: Path) -> tuple[Page, ...]:
    """What `save_pages` wrote."""
    return tuple(map(_page, json.loads(gzip.decompress(path.read_bytes()))))


def _page(entry: Any) -> Page:
    number, words = entry
    return Page(number, tuple(Word(text, Box(*box), *rest) for text, box, *rest in words))
