"""What a job must know of its input manifest before it is made: its objects, its keys, what is missing."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from recto.aws.clients import client, errors_of
from recto.aws.s3 import MISSING
from recto.errors import LabelRequestError, ManifestError
from recto.manifests import METADATA, REFERENCE, BrokenLine, ManifestLine, read_manifest
from recto.places import Location
from recto_cli.labelling.tasks import SOURCE, TASKS, TEXT, TEXT_FILE, TaskType
from recto_cli.stack import CALLER

S3 = "s3://"
CHUNK = 1024 * 1024
MAX_TOLD = 5
PICTURES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".gif", ".webp", ".bmp")


class ManifestFacts(NamedTuple):
    """What was seen in a manifest."""

    name: str
    num_objects: int
    keys: frozenset[str]
    """Every key of every line."""
    without_earlier_labels: tuple[int, ...] = ()
    """Numbers of the lines that have no labels of the earlier job."""
    faults: tuple[str, ...] = ()
    """What is wrong with lines, the first few."""


def is_s3(text: str) -> bool:
    return text.startswith(S3)


def s3_location(uri: str, what: str) -> Location:
    """`s3://bucket/key`; LabelRequestError that names the option otherwise."""
    try:
        return Location.from_uri(uri)
    except ValueError as error:
        raise LabelRequestError(f"{what}: {error}") from error


def chunks_of(manifest: str) -> Iterator[bytes]:
    """The bytes of a file here or in S3, in chunks."""
    if is_s3(manifest):
        place = s3_location(manifest, "manifest")
        with errors_of(f"GetObject {manifest}", MISSING | {"NoSuchBucket": LabelRequestError}):
            body = client("s3", CALLER).get_object(Bucket=place.bucket, Key=place.key)["Body"]
        yield from body.iter_chunks(CHUNK)
        return
    try:
        with Path(manifest).open("rb") as file:
            while chunk := file.read(CHUNK):
                yield chunk
    except OSError as error:
        raise LabelRequestError(f"{manifest}: {error.strerror}") from error


def manifest_facts(manifest: str, task: TaskType, adjust: str = "") -> ManifestFacts:
    """All of it in one pass; faults of lines are collected, so that all can be told at once."""
    return facts_of(read_manifest(chunks_of(manifest), manifest), manifest, task, adjust)


def facts_of(
    lines: Iterable[ManifestLine | BrokenLine], name: str, task: TaskType, adjust: str = ""
) -> ManifestFacts:
    num_objects = num_faults = 0
    keys: set[str] = set()
    faults: list[str] = []
    without: list[int] = []
    for line in lines:
        fault = f"{line.place}: {line.reason}" if isinstance(line, BrokenLine) else line_fault(line, task)
        if fault:
            num_faults += 1
            faults += [fault] if num_faults <= MAX_TOLD else []
        if isinstance(line, BrokenLine):
            continue
        num_objects += 1
        keys |= line.content.keys()
        if adjust and line.content.get(adjust) is None:
            without.append(line.number)
    if num_faults > MAX_TOLD:
        faults.append(f"{name}: {num_faults - MAX_TOLD:,} more lines like these")
    return ManifestFacts(name, num_objects, frozenset(keys), tuple(without), tuple(faults))


def line_fault(line: ManifestLine, task: TaskType) -> str:
    """Why a line cannot be labelled in this kind of task; empty where it can."""
    asked = TASKS[task]
    content = line.content
    if not any(content.get(key) for key in asked.one_of):
        return f"{line.place}: expected the key {' or '.join(asked.one_of)}, seen {_seen(content)}"
    if task is TaskType.TEXT_ENTITIES and _is_picture_alone(content):
        return f"{line.place}: source-ref is a picture, {task} needs texts: recto label text-files"
    for key in asked.needs:
        if not content.get(key):
            return f"{line.place}: {task} needs the key {key}, seen {_seen(content)}"
    for key, value in content.items():
        names_an_object = key == TEXT_FILE or (key.endswith(REFERENCE) and not key.endswith(METADATA))
        if names_an_object and not (isinstance(value, str) and is_s3(value)):
            return (
                f"{line.place}: {key}: expected s3://…, seen {str(value)[:60]!r}; workers read from S3 only"
            )
    return ""


def _is_picture_alone(content: Mapping[str, Any]) -> bool:
    """A page's line as `recto data collate` writes it; a source-ref may also name a text."""
    has_text = content.get(TEXT_FILE) or content.get(TEXT)
    return not has_text and str(content.get(SOURCE)).lower().endswith(PICTURES)


def _seen(content: Any) -> str:
    return ", ".join(map(str, content)) or "no key"


def record(manifest: str, number: int) -> ManifestLine:
    """One line of a manifest, from 1; LabelRequestError where it has not that many."""
    count = 0
    for line in read_manifest(chunks_of(manifest), manifest):
        count += 1
        if count == number:
            if isinstance(line, BrokenLine):
                raise ManifestError(f"{line.place}: {line.reason}")
            return line
    raise LabelRequestError(f"{manifest} has {count} objects, expected one with number {number}")
