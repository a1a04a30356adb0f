"""Pages that took long to read, kept on disk under a hash of what they were read from. Not a store of truth.

A file holds an index and then the pages as `recto.pagestore` packs them, so that some pages of a long
document are read without the others. It is written beside its place and then moved there, so that several
processes may share a folder: each sees a whole file or none. Anything in the folder may be deleted.
"""

import json
import os
from collections.abc import Callable, Collection, Iterable, Iterator
from hashlib import file_digest, sha256
from pathlib import Path
from tempfile import NamedTemporaryFile

from recto.document import Page
from recto.pagestore import decode_page, encode_page

VERSION = "1"
"""Changes when what is kept changes its form."""
HASH_DIGITS = 32

Index = list[tuple[int, int, int]]
"""Number, offset and length of each page."""


class StoredPages:
    """The pages of one document in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with path.open("rb") as file:
            line = file.readline()
        self._index: Index = [(n, offset, length) for n, offset, length in json.loads(line)]
        self._start = len(line)

    @property
    def numbers(self) -> tuple[int, ...]:
        """Numbers of the pages, ascending."""
        return tuple(number for number, _, _ in self._index)

    def read(self, numbers: Collection[int] | None = None) -> Iterator[Page]:
        """All pages, or those with these numbers, in ascending order."""
        with self._path.open("rb") as file:
            for number, offset, length in self._index:
                if numbers is None or number in numbers:
                    file.seek(self._start + offset)
                    yield decode_page(file.read(length))


class PageCache:
    """A folder of pages that were read before."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def stored(self, kind: str, content: str, read: Callable[[], Iterable[Page]]) -> StoredPages:
        """The pages of a document of this content (a hash); `read` is called if they are not kept yet.

        `kind` names the reader and its version: other readers make other pages of the same content.
        """
        key = sha256(f"{VERSION} {kind} {content}".encode()).hexdigest()[:HASH_DIGITS]
        path = self.folder / f"{kind}-{key}.pages"
        if not path.exists():
            store_pages(path, read())
        return StoredPages(path)


def store_pages(path: Path, pages: Iterable[Page]) -> None:
    """The pages in one file, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    index: Index = []
    body = bytearray()
    for page in pages:
        packed = encode_page(page)
        index.append((page.number, len(body), len(packed)))
        body += packed
    with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        file.write(json.dumps(index, separators=(",", ":")).encode() + b"\n")
        file.write(body)
    os.replace(file.name, path)  # noqa: PTH105 - the atomic one, by name


def hash_file(path: Path) -> str:
    """What a file holds, as one number."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
