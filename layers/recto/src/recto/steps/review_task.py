"""The task that is put before a reviewer: made of what the pipeline has stored, the same on every try."""

import json
from collections.abc import Mapping
from typing import Any

from recto.errors import DocumentMissingError
from recto.fields import FieldList
from recto.formats import PDF, format_of
from recto.pagestore import PageIndex
from recto.places import DocumentPlaces, Location
from recto.ports import DocumentRow, ObjectStore
from recto.release_contents import FieldsOfRelease
from recto.review import ReviewTask, TaskDocument, TaskThresholds, TaskWords, blind
from recto.steps.fields_of_release import load_fields
from recto.steps.postprocess import load_result

HEAD_BYTES = 1024
JSON_TYPE = "application/json"
MAX_INPUT_CONTENT = 3_000_000
"""Bytes; A2I takes 3 MiB of InputContent."""


def write_task(
    review_id: str, row: DocumentRow, objects: ObjectStore, work_bucket: str, audit: bool = False
) -> None:
    """Put the whole task where the desk and the command line find it."""
    task = make_task(review_id, row, objects, work_bucket, audit)
    objects.write(_places(row, work_bucket).review_task(review_id), task.to_bytes(), JSON_TYPE)


def make_task(
    review_id: str, row: DocumentRow, objects: ObjectStore, work_bucket: str, audit: bool = False
) -> ReviewTask:
    """What a reviewer is given; in an audit nothing of what was found."""
    places = _places(row, work_bucket)
    release = load_fields(objects, work_bucket, row.release)
    result = load_result(objects, places)
    index = _page_index(places, objects)
    kind = "pdf" if _is_pdf(row, objects) else "images"
    return ReviewTask(
        review_id=review_id,
        task_object=row.ref().source.uri,
        model_result=blind(result) if audit else result,
        document=TaskDocument(
            document_id=row.document_id,
            correlation_id=row.correlation_id,
            name=row.key.rpartition("/")[2] or row.key,
            kind="pdf" if kind == "pdf" else "images",
            num_pages=index.num_pages if index else 0,
            release=row.release,
            made_in=row.made_in,
        ),
        field_configuration=release.fields.active,
        thresholds=None if audit else _thresholds(release),
        words=_words(places, index) if index else None,
        page_images=_page_images(places, index, objects) if index and kind == "images" else None,
        audit=audit,
    )


def input_content(
    review_id: str, row: DocumentRow, objects: ObjectStore, work_bucket: str
) -> Mapping[str, Any]:
    """The task as a human loop takes it: whole, or with the fields by reference where they are too large.

    An audit's are small, for there is nothing in them, and must not be read where they lie.
    """
    places = _places(row, work_bucket)
    body = objects.read(places.review_task(review_id))
    content: dict[str, Any] = json.loads(body)
    is_small = len(body) < MAX_INPUT_CONTENT and len(json.dumps(content)) < MAX_INPUT_CONTENT
    return (
        content
        if is_small or content.get("Audit")
        else {**content, "ModelResult": {"S3Uri": places.fields.uri}}
    )


def _places(row: DocumentRow, work_bucket: str) -> DocumentPlaces:
    return DocumentPlaces(work_bucket, row.document_id, row.made_in)


def _page_index(places: DocumentPlaces, objects: ObjectStore) -> PageIndex | None:
    """None where the words are not stored any more: the document can be reviewed without them."""
    try:
        return PageIndex.from_json(objects.read(places.ocr_index))
    except DocumentMissingError:
        return None


def _is_pdf(row: DocumentRow, objects: ObjectStore) -> bool:
    """By its first bytes; one that is gone from the inbox can be shown by its pages' images still."""
    source = Location(bucket=row.bucket, key=row.key, version_id=row.version_id)
    try:
        return format_of(objects.read_range(source, 0, HEAD_BYTES)) is PDF
    except DocumentMissingError:
        return False


def _thresholds(release: FieldsOfRelease) -> TaskThresholds:
    """By field, as `review_reasons` judges by them: what is set by hand before the release's."""
    by_hand = _by_hand(release.fields)
    return TaskThresholds(default=release.thresholds.default, fields={**release.thresholds.fields, **by_hand})


def _by_hand(fields: FieldList) -> dict[str, float]:
    told = {field.name: field.review_threshold for field in fields.active}
    return {name: threshold for name, threshold in told.items() if threshold is not None}


def _words(places: DocumentPlaces, index: PageIndex) -> TaskWords:
    parts = sorted({entry.part for entry in index.pages})
    return TaskWords(index=places.ocr_index.uri, parts=tuple(places.ocr_part(part).uri for part in parts))


def _page_images(places: DocumentPlaces, index: PageIndex, objects: ObjectStore) -> tuple[str, ...] | None:
    """None where they were not drawn."""
    if not objects.info(places.image(1)):
        return None
    return tuple(places.image(page).uri for page in range(1, index.num_pages + 1))
