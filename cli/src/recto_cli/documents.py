"""Finds documents and their results, by whatever a person calls a document."""

import json
import time
from collections.abc import Collection
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

from recto.errors import DocumentMissingError, ServiceUnavailableError
from recto.messages import Status
from recto.places import DocumentPlaces, Location, MadeIn
from recto.ports import DocumentRow
from recto.results import DocumentResult
from recto_cli.pictures import draw_fields, pages_with_fields
from recto_cli.stack import Stack

RECENT = 500
"""How many documents of each status are searched for the beginning of an id."""
POLL_SECONDS = 0.5
ABOUT_THE_DOCUMENT = ("DocumentId", "CorrelationId", "Input", "Status", "Attempt", "Release", "Reviewed")


class Loaded(NamedTuple):
    """A document's row with what was found in it, final or not."""

    row: DocumentRow
    content: dict[str, Any]
    """The JSON as it lies in the bucket."""
    place: Location
    is_superseded: bool = False
    """Whether a later attempt is at work on it, or has failed."""

    @property
    def result(self) -> DocumentResult:
        fields = {key: value for key, value in self.content.items() if key not in ABOUT_THE_DOCUMENT}
        return DocumentResult.model_validate(fields)


def find_document(name: str, stack: Stack) -> DocumentRow:
    """By id, its first digits, or the object's key (the newest version); DocumentMissingError for none."""
    exact = stack.documents.find(name)
    if exact:
        return exact
    bucket, key = _source(name, stack)
    for document in stack.documents.of_source(bucket, key, limit=1):
        row = stack.documents.find(document)
        if row:
            return row
    rows = recent(stack, RECENT)
    found = [row for row in rows if row.document_id.startswith(name) or row.correlation_id == name]
    if len(found) == 1:
        return found[0]
    if found:
        raise DocumentMissingError(f"{name!r} is the beginning of {len(found)} ids; give more digits")
    raise DocumentMissingError(f"no document has the id or the key {name!r} in s3://{stack.inbox}")


def _source(name: str, stack: Stack) -> tuple[str, str]:
    """Bucket and key of a document: s3://bucket/key, as a backfill's are named, or a key in the inbox."""
    bucket, _, key = name.removeprefix("s3://").partition("/")
    return (bucket, key) if name.startswith("s3://") else (stack.inbox, name)


def recent(stack: Stack, limit: int) -> list[DocumentRow]:
    """Documents of every status, the latest change first."""
    rows = [row for status in Status for row in stack.documents.with_status(status, limit)]
    return sorted(rows, key=lambda row: row.updated, reverse=True)


def load(row: DocumentRow, stack: Stack, attempt: int | None = None) -> Loaded:
    """The final result, else the fields as the model gave them; DocumentMissingError for neither.

    While a document is processed again, or where that has failed, the result of before. With `attempt`,
    what that one made and nothing else.
    """
    made_in = row.made_in if attempt is None else MadeIn().anew_from("ocr", attempt)
    places = DocumentPlaces(stack.work, row.document_id, made_in)
    for place in (places.result, places.reviewed_fields, places.fields):
        if stack.objects.info(place) is not None:
            about = {} if place == places.result else _about(row, place == places.reviewed_fields)
            return Loaded(row, {**about, **json.loads(stack.objects.read(place))}, place)
    if attempt is not None:
        raise DocumentMissingError(
            f"document {row.document_id} ({row.key}): attempt {attempt} left no fields"
        )
    if row.supersedes_key:
        place = Location(bucket=stack.work, key=row.supersedes_key)
        return Loaded(row, json.loads(stack.objects.read(place)), place, is_superseded=True)
    reason = f": {row.error}: {row.cause}" if row.error else ""
    raise DocumentMissingError(
        f"document {row.document_id} ({row.key}) is {row.status}, it has no fields{reason}"
    )


def _about(row: DocumentRow, is_reviewed: bool) -> dict[str, Any]:
    """What a published result says of its document; fields that wait for a person do not say it yet."""
    return {
        "DocumentId": row.document_id,
        "Input": {"Bucket": row.bucket, "Key": row.key, "VersionId": row.version_id},
        "Status": str(row.status),
        "Attempt": row.attempt,
        "Release": row.release,
        "Reviewed": is_reviewed,
    }


def pictures_of(loaded: Loaded, stack: Stack) -> dict[int, Image.Image]:
    """Every page on which something was found, by its number, with the fields drawn on it."""
    places = DocumentPlaces(stack.work, loaded.row.document_id, loaded.row.made_in)
    result = loaded.result
    return {
        page: draw_fields(stack.objects.read(places.image(page)), page, result)
        for page in pages_with_fields(result) or [1]
    }


def save_pictures(loaded: Loaded, stack: Stack, folder: Path) -> list[Path]:
    """The pages with their fields drawn on them, as PNG files named after the document."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = Path(loaded.row.key).stem
    paths = []
    for page, image in pictures_of(loaded, stack).items():
        paths.append(folder / f"{stem}-page-{page}.png")
        image.save(paths[-1])
    return paths


def wait_for(document: str, statuses: Collection[Status], stack: Stack, timeout: float = 120) -> DocumentRow:
    """The document's row once it has one of the statuses; ServiceUnavailableError when it takes too long."""
    deadline = time.monotonic() + timeout
    while True:
        row = stack.documents.find(document)
        if row is not None and row.status in statuses:
            return row
        if time.monotonic() > deadline:
            seen = row.status if row else "unknown"
            raise ServiceUnavailableError(f"document {document} is still {seen} after {timeout:.0f} s")
        time.sleep(POLL_SECONDS)
