"""Manifests in files and in S3: read whole, written whole. What is in a line is `recto.manifests`' matter."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from recto.aws.s3 import S3Objects
from recto.errors import ConfigurationError, DocumentMissingError
from recto.manifests import ManifestLine, line_of, read_whole_manifest
from recto.places import Location
from recto_data.places import CALLER, PART, content_type, is_remote

ENDINGS = (".manifest", ".jsonl")
CHUNK = 1024 * 1024
REFERENCES = ("-ref", "-refs", "-uri")
"""Endings of the keys that name files."""


def read_lines(where: str | Path) -> list[ManifestLine]:
    """The lines of a manifest; ManifestError for a broken one, DocumentMissingError where there is none."""
    return list(read_whole_manifest(_chunks(where), str(where)))


def read_content(where: str | Path) -> list[dict[str, Any]]:
    """What the lines of a manifest say."""
    return [line.content for line in read_lines(where)]


def write_lines(where: str | Path, lines: Iterable[Mapping[str, Any]]) -> int:
    """Write a manifest, whole or not at all; how many lines it has."""
    written = [line_of(line) for line in lines]
    content = b"".join(written)
    if is_remote(where):
        S3Objects(CALLER).write(_location(where), content, content_type(str(where)))
        return len(written)
    path = Path(where)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + PART)
    part.write_bytes(content)
    part.replace(path)
    return len(written)


def _chunks(where: str | Path) -> Iterator[bytes]:
    if is_remote(where):
        yield S3Objects(CALLER).read(_location(where))
        return
    try:
        with Path(where).open("rb") as file:
            while chunk := file.read(CHUNK):
                yield chunk
    except FileNotFoundError as error:
        raise DocumentMissingError(f"{where}: there is no such manifest") from error
    except IsADirectoryError as error:
        raise ConfigurationError(f"{where}: expected a manifest, this is a folder") from error


def _location(where: str | Path) -> Location:
    try:
        return Location.from_uri(str(where))
    except ValueError as error:
        raise ConfigurationError(str(error)) from error


class Mapped(NamedTuple):
    """What a reference begins with, and what it begins with from now on."""

    before: str
    after: str

    @classmethod
    def parse(cls, text: str) -> "Mapped":
        """`s3://theirs/data=s3://mine/corpus` or `…=folder`; ConfigurationError for anything else."""
        before, equals, after = text.partition("=")
        if not equals or not before or not after:
            raise ConfigurationError(
                f"--map {text!r}: expected FROM=TO, as s3://theirs/data=s3://mine/corpus"
            )
        return cls(before.rstrip("/"), after.rstrip("/"))


def mapping(pairs: Sequence[Mapped]) -> Callable[[str], str]:
    """A function that changes references; of several that fit, the longest beginning counts."""
    by_length = sorted(pairs, key=lambda pair: -len(pair.before))

    def change(ref: str) -> str:
        for before, after in by_length:
            if ref == before or ref.startswith(before + "/"):
                return after + ref[len(before) :]
        return ref

    return change


def map_references(content: Mapping[str, Any], change: Callable[[str], str]) -> dict[str, Any]:
    """The line with each S3 URI in it changed, and each path under a key that names files."""
    return {key: _mapped(key, value, change) for key, value in content.items()}


def _mapped(key: str, value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value) if value.startswith("s3://") or key.endswith(REFERENCES) else value
    if isinstance(value, Mapping):
        return {name: _mapped(name, one, change) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_mapped(key, one, change) for one in value]
    return value
