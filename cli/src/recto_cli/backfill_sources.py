"""What a backfill is made of: a prefix of a bucket, a manifest, or a folder on this machine.

A prefix of a million objects is looked through in one listing and never held at once: what is kept is how
many there are, and a few to look at closer, drawn while it passes by.
"""

import json
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path, PurePosixPath
from random import Random
from typing import Generic, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict

from recto.aws.s3 import S3Objects
from recto.backfills import why_skipped
from recto.errors import AccessError, BackfillRefusedError, ManifestError
from recto.manifests import BrokenLine, ManifestLine, document_of, read_manifest
from recto.places import Location
from recto_cli.stack import CALLER, Stack
from recto_data.places import Folder, Prefix
from recto_data.sampling import SEED

LOOKED_AT = 50
MANIFEST_ENDINGS = frozenset({".jsonl", ".manifest"})
CORPORA = "corpora/"
"""Where in the work bucket all functions that read documents may read."""
CHUNK = 1024 * 1024


class Kind(StrEnum):
    """What the operator named."""

    PREFIX = "prefix"
    MANIFEST = "manifest"
    FOLDER = "folder"


class Source(NamedTuple):
    """A backfill's source, as it was named."""

    name: str
    kind: Kind


class Survey(BaseModel):
    """What there is at a source."""

    model_config = ConfigDict(frozen=True)

    documents: int
    bytes: int | None
    """None where only a look at each object would tell."""
    left_out: int = 0
    problems: tuple[str, ...] = ()
    """Of a manifest's lines, the first few."""
    sample: tuple[Location | Path, ...] = ()
    lines: Path | None = None
    """A list of the documents, where the source is none that Step Functions could read."""


def source_of(name: str) -> Source:
    """BackfillRefusedError for what is neither s3://bucket/prefix, a manifest nor a folder."""
    is_manifest = PurePosixPath(name).suffix.lower() in MANIFEST_ENDINGS
    if name.startswith("s3://"):
        return Source(name, Kind.MANIFEST if is_manifest else Kind.PREFIX)
    if Path(name).is_dir():
        return Source(str(Path(name).expanduser().resolve()), Kind.FOLDER)
    if is_manifest and Path(name).is_file():
        return Source(name, Kind.MANIFEST)
    raise BackfillRefusedError(
        f"{name}: expected s3://bucket/prefix/, a folder, or a manifest "
        f"({', '.join(sorted(MANIFEST_ENDINGS))}); single documents go by recto process"
    )


def prefix_of(name: str) -> Prefix:
    bucket, _, prefix = name.removeprefix("s3://").partition("/")
    if not bucket:
        raise BackfillRefusedError(f"{name}: expected s3://bucket/prefix/")
    return Prefix(bucket, prefix, S3Objects(CALLER))


# --- who may read -----------------------------------------------------------------------------------


def require_readable(bucket: str, prefix: str, stack: Stack) -> None:
    """AccessError where the stack's functions may not read the documents there."""
    if bucket == stack.inbox:
        raise BackfillRefusedError(
            f"s3://{bucket}/{prefix}: documents of the inbox are taken in by themselves; "
            "recto reprocess has them processed again"
        )
    if bucket == stack.work:
        if not prefix.startswith(CORPORA):
            raise AccessError(f"s3://{bucket}/{prefix}: in the work bucket, documents lie below {CORPORA}")
        return
    allowed = readable_buckets(stack)
    if bucket not in allowed:
        told = ", ".join(sorted(allowed)) or "none"
        raise AccessError(
            f"s3://{bucket}: the stack's functions may not read this bucket. Add its ARN to the parameter "
            f"BackfillBuckets (now: {told}) and deploy, or copy the documents to s3://{stack.work}/{CORPORA}…"
        )


def readable_buckets(stack: Stack) -> set[str]:
    told = stack.names.get("static/BackfillBuckets", "none")
    return {arn.strip().rpartition(":")[2] for arn in told.split(",")} - {"none", ""}


# --- what is there ----------------------------------------------------------------------------------


T = TypeVar("T")


class _Drawn(Generic[T]):
    """A few of many that pass by, each as likely as any other; the same of the same, each time."""

    def __init__(self, most: int) -> None:
        self._most, self._seen = most, 0
        self._random = Random(SEED)  # noqa: S311 - to draw the same each time
        self.kept: list[T] = []

    def see(self, thing: T) -> None:
        self._seen += 1
        if len(self.kept) < self._most:
            self.kept.append(thing)
        elif (place := self._random.randrange(self._seen)) < self._most:
            self.kept[place] = thing


def survey(source: Source, limit: int, folder: Path, stack: Stack) -> Survey:
    """What there is at a source, at most `limit` documents of it; lists go into `folder`.

    AccessError where the stack's functions could not read it, BackfillRefusedError where there is nothing.
    """
    if source.kind is Kind.FOLDER:
        found = _survey_folder(Path(source.name), limit)
    elif source.kind is Kind.MANIFEST:
        found = _survey_manifest(source, limit, folder / "list.jsonl", stack)
    else:
        prefix = prefix_of(source.name)
        require_readable(prefix.bucket, prefix.prefix, stack)
        found = _survey_prefix(prefix, limit, folder / "list.jsonl")
    if not found.documents:
        raise BackfillRefusedError(f"{source.name}: there is no document ({found.left_out} left out)")
    return found


def _survey_prefix(prefix: Prefix, limit: int, lines: Path) -> Survey:
    drawn: _Drawn[Location | Path] = _Drawn(LOOKED_AT)
    documents = num_bytes = left_out = 0
    with lines.open("wb") as file:
        for key, info in S3Objects(CALLER).listing(prefix.bucket, prefix.prefix):
            if limit and documents == limit:
                break
            if why_skipped(key, info.size):
                left_out += 1
                continue
            documents, num_bytes = documents + 1, num_bytes + info.size
            place = Location(bucket=prefix.bucket, key=key)
            drawn.see(place)
            if limit:
                file.write(_ascii({"raw-ref": place.uri}))
    return Survey(
        documents=documents,
        bytes=num_bytes,
        left_out=left_out,
        sample=tuple(drawn.kept),
        lines=lines if limit else None,
    )


def documents_of_folder(folder: Path, limit: int) -> list[tuple[str, int]]:
    """Names and sizes of a folder's documents, in the order of their names."""
    entries = [entry for entry in Folder(folder).entries() if not why_skipped(entry.name, entry.size)]
    return [(entry.name, entry.size) for entry in (entries[:limit] if limit else entries)]


def _survey_folder(folder: Path, limit: int) -> Survey:
    found = documents_of_folder(folder, limit)
    num_all = len(Folder(folder).entries())
    drawn: _Drawn[Location | Path] = _Drawn(LOOKED_AT)
    for name, _ in found:
        drawn.see(folder / name)
    return Survey(
        documents=len(found),
        bytes=sum(size for _, size in found),
        left_out=0 if limit else num_all - len(found),
        sample=tuple(drawn.kept),
    )


def _survey_manifest(source: Source, limit: int, lines: Path, stack: Stack) -> Survey:
    drawn: _Drawn[Location | Path] = _Drawn(LOOKED_AT)
    places: set[tuple[str, str]] = set()
    problems: list[str] = []
    documents = left_out = 0
    with lines.open("wb") as file:
        for line in read_manifest(_chunks(source.name), source.name):
            if limit and documents == limit:
                break
            try:
                place = _named(line)
            except ManifestError as error:
                problems.append(str(error))
                reason = str(error).removeprefix(f"{line.place}: ")
                file.write(_ascii({"problem": reason, "line": line.number}))
                continue
            left_out += bool(why_skipped(place.key))
            documents += not why_skipped(place.key)
            places.add((place.bucket, CORPORA if place.key.startswith(CORPORA) else ""))
            drawn.see(place)
            file.write(_ascii({"raw-ref": place.uri}))
    for bucket, prefix in sorted(places):
        require_readable(bucket, prefix, stack)
    return Survey(
        documents=documents,
        bytes=None,
        left_out=left_out + len(problems),
        problems=tuple(problems),
        sample=tuple(drawn.kept),
        lines=lines,
    )


def _named(line: ManifestLine | BrokenLine) -> Location:
    """The document that a line names; ManifestError where it names none that lies in S3."""
    if isinstance(line, BrokenLine):
        raise line.error
    ref = document_of(line).raw_ref
    try:
        return Location.from_uri(ref)
    except ValueError as error:
        raise ManifestError(
            f"{line.place}: raw-ref: {error}; recto data push brings a folder there"
        ) from error


def _ascii(content: dict[str, object]) -> bytes:
    """One line for every reader: some take other marks than a line feed for the end of a line."""
    return json.dumps(content).encode() + b"\n"


def _chunks(name: str) -> Iterator[bytes]:
    if not name.startswith("s3://"):
        with Path(name).open("rb") as file:
            yield from iter(lambda: file.read(CHUNK), b"")
        return
    place, objects = Location.from_uri(name), S3Objects(CALLER)
    info = objects.info(place)
    if info is None:
        raise BackfillRefusedError(f"{name}: there is no such manifest")
    for offset in range(0, info.size, CHUNK):
        yield objects.read_range(place, offset, min(CHUNK, info.size - offset))
