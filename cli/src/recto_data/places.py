"""Where a corpus lies: a local folder, or a prefix of a bucket, on AWS or in the local runtime, all alike.

A file's name is its path below the place, with slashes. One listing tells all names, sizes and times, so that
nothing here ever asks S3 about one object after the other.
"""

import mimetypes
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import NamedTuple, Protocol

from recto.aws.s3 import S3Objects
from recto.errors import ConfigurationError, DocumentMissingError
from recto.places import Location
from recto.ports import ObjectInfo

CALLER = "recto-data"
S3 = "s3://"
PART = ".part"
"""Ending of what is being written: what has its own name is whole."""


class Entry(NamedTuple):
    """A file of a place, as its listing tells it."""

    name: str
    size: int
    changed: datetime | None = None
    etag: str = ""
    """What S3 says of the content; empty for a local file."""


class Objects(Protocol):
    """What is needed of S3; `recto.aws.s3.S3Objects` is one."""

    def listing(self, bucket: str, prefix: str = "") -> Iterator[tuple[str, ObjectInfo]]: ...

    def read(self, place: Location) -> bytes: ...

    def write(self, place: Location, body: bytes, content_type: str = ...) -> None: ...

    def download(self, place: Location, path: Path) -> None: ...

    def upload(self, path: Path, place: Location, content_type: str = ...) -> None: ...


class Place(Protocol):
    """A corpus, or a part of one."""

    @property
    def uri(self) -> str:
        """As it is told, with a slash at the end."""
        ...

    def entries(self) -> list[Entry]:
        """All files, in the order of their names; ConfigurationError where there is no such place."""
        ...

    def ref(self, name: str) -> str:
        """How manifests name the file."""
        ...

    def name_of(self, ref: str) -> str | None:
        """The name of a file that a manifest names; None for one that lies elsewhere."""
        ...

    def read(self, name: str) -> bytes:
        """DocumentMissingError where there is no such file."""
        ...

    def write(self, name: str, content: bytes) -> None: ...

    def fetch(self, name: str, path: Path) -> None:
        """Copy the file to a local one."""
        ...

    def store(self, path: Path, name: str) -> None:
        """Copy a local file here."""
        ...


def place_of(where: str | Path, objects: Objects | None = None) -> Place:
    """The place that `s3://bucket/prefix` or a folder's path names."""
    text = str(where)
    if not text.startswith(S3):
        return Folder(Path(where))
    bucket, _, prefix = text.removeprefix(S3).partition("/")
    if not bucket:
        raise ConfigurationError(f"{text}: expected s3://bucket/prefix")
    return Prefix(bucket, prefix, objects or S3Objects(CALLER))


def is_remote(where: str | Path) -> bool:
    return str(where).startswith(S3)


class Folder:
    """A local folder."""

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser().resolve()

    @property
    def uri(self) -> str:
        return f"{self.path}/"

    def entries(self) -> list[Entry]:
        if not self.path.is_dir():
            raise ConfigurationError(f"{self.path}: there is no such folder")
        files = (path for path in self.path.rglob("*") if path.is_file())
        return sorted(map(self._entry, files), key=lambda entry: entry.name)

    def _entry(self, path: Path) -> Entry:
        told = path.stat()
        return Entry(
            path.relative_to(self.path).as_posix(), told.st_size, datetime.fromtimestamp(told.st_mtime, UTC)
        )

    def ref(self, name: str) -> str:
        return str(self.path / safe(name))

    def name_of(self, ref: str) -> str | None:
        path = Path(ref)
        return path.relative_to(self.path).as_posix() if path.is_relative_to(self.path) else None

    def read(self, name: str) -> bytes:
        try:
            return (self.path / safe(name)).read_bytes()
        except FileNotFoundError as error:
            raise DocumentMissingError(f"{self.ref(name)}: there is no such file") from error

    def write(self, name: str, content: bytes) -> None:
        part = self._part(name)
        part.write_bytes(content)
        part.replace(self.path / name)

    def fetch(self, name: str, path: Path) -> None:
        try:
            shutil.copyfile(self.path / safe(name), path)
        except FileNotFoundError as error:
            raise DocumentMissingError(f"{self.ref(name)}: there is no such file") from error

    def store(self, path: Path, name: str) -> None:
        part = self._part(name)
        shutil.copyfile(path, part)
        part.replace(self.path / name)

    def _part(self, name: str) -> Path:
        place = self.path / safe(name)
        place.parent.mkdir(parents=True, exist_ok=True)
        return place.with_name(place.name + PART)


class Prefix:
    """What lies below a prefix of a bucket."""

    def __init__(self, bucket: str, prefix: str, objects: Objects) -> None:
        self.bucket = bucket
        self.prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self._objects = objects

    @property
    def uri(self) -> str:
        return f"{S3}{self.bucket}/{self.prefix}"

    def entries(self) -> list[Entry]:
        """Without the markers that consoles make for empty folders."""
        found = (
            Entry(key.removeprefix(self.prefix), info.size, info.changed, info.etag)
            for key, info in self._objects.listing(self.bucket, self.prefix)
            if not key.endswith("/")
        )
        return sorted(found, key=lambda entry: entry.name)

    def ref(self, name: str) -> str:
        return self.uri + name

    def name_of(self, ref: str) -> str | None:
        return ref.removeprefix(self.uri) if ref.startswith(self.uri) else None

    def location(self, name: str) -> Location:
        return Location(bucket=self.bucket, key=self.prefix + name)

    def read(self, name: str) -> bytes:
        return self._objects.read(self.location(name))

    def write(self, name: str, content: bytes) -> None:
        self._objects.write(self.location(name), content, content_type(name))

    def fetch(self, name: str, path: Path) -> None:
        self._objects.download(self.location(name), path)

    def store(self, path: Path, name: str) -> None:
        self._objects.upload(path, self.location(name), content_type(name))


def safe(name: str) -> str:
    """A name that stays in its folder; ConfigurationError for one that leads out of it."""
    path = PurePosixPath(name)
    if not path.parts or path.is_absolute() or ".." in path.parts or "\0" in name:
        raise ConfigurationError(f"{name!r}: expected a name that stays in its folder")
    return name


def content_type(name: str) -> str:
    if name.endswith((".jsonl", ".manifest")):
        return "application/jsonlines"
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


def ref_reader(base: Path = Path(), objects: Objects | None = None) -> Callable[[str], bytes]:
    """A function that reads what manifests name: objects, and files from `base` on.

    DocumentMissingError for what is not there; S3 is opened when it is first needed.
    """
    opened: list[Objects] = [objects] if objects else []

    def read(ref: str) -> bytes:
        if not is_remote(ref):
            return _file(base / ref)
        if not opened:
            opened.append(S3Objects(CALLER))
        try:
            return opened[0].read(Location.from_uri(ref))
        except ValueError as error:
            raise ConfigurationError(str(error)) from error

    return read


def _file(path: Path) -> bytes:
    if not path.is_file():
        raise DocumentMissingError(f"{path}: there is no such file")
    return path.read_bytes()
