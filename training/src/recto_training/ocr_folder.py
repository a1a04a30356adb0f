"""The OCR's output that manifests refer to, in local folders or in S3: each document parsed once, then kept.

An `s3://` reference is looked up in the folders that `--map s3://bucket/prefix=folder` names, the longest
prefix first; what no prefix covers is read from S3 itself. Anything else is a path, from the manifest's
folder on. Any number of processes may share the cache. Knows nothing of labels.
"""

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple, Protocol

from PIL import Image, UnidentifiedImageError

from recto.document import Page
from recto.errors import DamagedDocumentError, DocumentMissingError
from recto.places import Location
from recto.ports import ObjectInfo
from recto.textract import blocks_of, read_pages
from recto_training.caching import PageCache, StoredPages, hash_file
from recto_training.faults import DataError
from recto_training.textract_file import checked, read_root

KIND = "textract-1"
ANY_BUCKET = "s3://*"


class Objects(Protocol):
    """What is needed of S3; `recto.aws.s3.S3Objects` is one."""

    def info(self, place: Location) -> ObjectInfo | None: ...

    def download(self, place: Location, path: Path) -> None: ...


class Mapped(NamedTuple):
    """Objects below a URI that lie in a folder; the bucket `*` stands for any."""

    prefix: str
    folder: Path

    @classmethod
    def parse(cls, text: str) -> "Mapped":
        """`s3://bucket/prefix=folder`; DataError for anything else."""
        prefix, equals, folder = text.partition("=")
        if not equals or not prefix.startswith("s3://") or not folder:
            raise DataError(f"--map {text!r}: expected s3://bucket/prefix=folder")
        if not Path(folder).is_dir():
            raise DataError(f"--map {text!r}: there is no folder {folder}")
        return cls(prefix, Path(folder))

    def path(self, uri: str) -> Path | None:
        """Where the object lies, if it lies below this prefix."""
        prefix = self.prefix.rstrip("/")
        if prefix.startswith(ANY_BUCKET):
            bucket = uri.removeprefix("s3://").partition("/")[0]
            prefix = f"s3://{bucket}{prefix.removeprefix(ANY_BUCKET)}"
        if not uri.startswith(f"{prefix}/"):
            return None
        rest = PurePosixPath(uri[len(prefix) :].lstrip("/"))
        return None if ".." in rest.parts else self.folder / rest


class OcrFolder:
    """Pages and other files by the references of a manifest."""

    def __init__(
        self,
        cache: PageCache,
        mapped: Sequence[Mapped] = (),
        base: Path = Path(),
        objects: Callable[[], Objects] | None = None,
    ) -> None:
        """`base` is where relative paths begin; `objects` opens S3 when it is first needed."""
        self._cache = cache
        self._mapped = sorted(mapped, key=lambda one: -len(one.prefix))
        self._base = base
        self._objects = objects
        self._opened: Objects | None = None
        self._stored: dict[str, StoredPages] = {}

    def path(self, reference: str) -> Path | None:
        """The local path of a reference; None for an object that no folder is mapped to."""
        if not reference.startswith("s3://"):
            return self._base / reference
        found = [path for one in self._mapped if (path := one.path(reference))]
        return next((path for path in found if path.is_file()), found[0] if found else None)

    def fault(self, reference: str) -> str:
        """Why the reference leads to nothing, and what to do; empty where it leads to an object."""
        path = self.path(reference)
        if path is not None:
            return "" if path.is_file() else f"{reference} is not there (looked for {path})"
        if self._objects is None:
            return f"{reference} is in no mapped folder; give --map s3://bucket/prefix=folder"
        try:
            place = Location.from_uri(reference)
        except ValueError as error:
            return str(error)
        return "" if self._s3.info(place) else f"{reference} is not in S3, and no --map covers it"

    def stored(self, reference: str) -> StoredPages:
        """The pages of an OCR result, parsed at most once; DocumentError for what is not one."""
        if reference not in self._stored:
            path = self.path(reference)
            self._stored[reference] = self._of_object(reference) if path is None else self._of_file(path)
        return self._stored[reference]

    def pages(self, reference: str, numbers: Collection[int] | None = None) -> Iterator[Page]:
        """Pages of an OCR result, all or those with these numbers."""
        return self.stored(reference).read(numbers)

    def text(self, reference: str) -> str:
        """A text file."""
        with TemporaryDirectory() as folder:
            path = self.path(reference) or self._downloaded(reference, Path(folder))
            return path.read_text(encoding="utf-8-sig")

    def image_size(self, reference: str) -> tuple[int, int] | None:
        """Width and height of a page image that lies in a folder; None where it does not, or is no image."""
        path = self.path(reference)
        if path is None or not path.is_file():
            return None
        try:
            with Image.open(path) as image:
                return image.size
        except (UnidentifiedImageError, Image.DecompressionBombError, OSError):
            return None

    def any_image_size(self, reference: str) -> tuple[int, int]:
        """The same wherever the image lies, in S3 too; DocumentError for what is not one."""
        try:
            with TemporaryDirectory() as folder:
                path = self.path(reference) or self._downloaded(reference, Path(folder))
                with Image.open(path) as image:
                    return image.size
        except FileNotFoundError as error:
            raise DocumentMissingError(f"{reference} is not there ({error.filename})") from error
        except (UnidentifiedImageError, Image.DecompressionBombError, OSError) as error:
            raise DamagedDocumentError(f"{reference}: not an image that can be read ({error})") from error

    @property
    def _s3(self) -> Objects:
        if self._opened is None:
            if self._objects is None:
                raise DataError("an S3 reference without access to S3; give --map s3://bucket/prefix=folder")
            self._opened = self._objects()
        return self._opened

    def _of_file(self, path: Path) -> StoredPages:
        return self._cache.stored(KIND, hash_file(path), lambda: textract_pages(path))

    def _of_object(self, reference: str) -> StoredPages:
        place = Location.from_uri(reference)
        info = self._s3.info(place)
        if info is None:
            raise DocumentMissingError(f"{reference} is not in S3")
        version = f"{reference} {info.etag} {info.size}"
        with TemporaryDirectory() as folder:
            return self._cache.stored(
                KIND, version, lambda: textract_pages(self._downloaded(reference, Path(folder)))
            )

    def _downloaded(self, reference: str, folder: Path) -> Path:
        path = folder / "object"
        self._s3.download(Location.from_uri(reference), path)
        return path


def textract_pages(path: Path) -> Iterator[Page]:
    """The pages of a Textract-shaped file, streamed where it is large; a list of responses is one."""
    if _is_list(path):
        return read_pages(blocks_of(_parsed(path)))
    _, document = read_root(path)
    if document.blocks is None:  # AnalyzeExpense and AnalyzeID keep blocks with each of their documents
        return read_pages(blocks_of(document.rest))
    return read_pages(checked(document).blocks)


def _is_list(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(64).lstrip().startswith(b"[")


def _parsed(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except ValueError as error:
        raise DamagedDocumentError(f"not JSON: {error}") from error
