"""Thumbnails for models by an asynchronous SageMaker endpoint instead of `page_images`.

A range of pages is one inference: the endpoint reads the document itself and answers with the npz that
`page_images` would have written. How an inference is asked for and heard of is in
`recto.steps.async_inference`.
"""

import json
from typing import NamedTuple

from recto.errors import ModelFailedError, PageCountMismatchError
from recto.messages import (
    DocumentRef,
    PageRange,
    RangeDone,
    ThumbnailEndpointStartRequest,
    ThumbnailEndpointStoreRequest,
)
from recto.places import DocumentPlaces, Location, digest
from recto.ports import ObjectStore
from recto.steps.async_inference import (
    JSON_TYPE,
    MODEL,
    InferenceStart,
    Question,
    ask,
    place_of_answer,
)
from recto.thumbnail_files import count_thumbnails

NPZ_TYPE = "application/x-npz"
MAX_ANSWER = 200_000_000
"""Bytes of an answer, which is held whole: 2 MB for each page."""


class ThumbnailEndpointStore(NamedTuple):
    """What storing works with."""

    objects: ObjectStore
    work_bucket: str


def tag_of(document: DocumentRef, pages: PageRange) -> str:
    """Names what is asked for: 32 hexadecimal digits."""
    made_in, ends = str(document.made_in.ocr), (str(pages.first), str(pages.last))
    return digest("thumbnails", document.document_id, made_in, document.thumbnail_endpoint, *ends)


def start_thumbnails(request: ThumbnailEndpointStartRequest, step: InferenceStart) -> str:
    """The inference's id; see `recto.steps.async_inference.ask`."""
    document, pages = request.document, request.range
    places = DocumentPlaces(step.work_bucket, document.document_id, document.made_in)
    place = places.thumbnails_request(pages.part)

    def write() -> Location:
        source = {"Bucket": document.bucket, "Key": document.key}
        source |= {"VersionId": document.version_id} if document.version_id else {}
        body = {"S3Input": source, "Pages": {"First": pages.first, "Last": pages.last}}
        step.objects.write(place, json.dumps(body).encode(), JSON_TYPE)
        return place

    question = Question(
        tag=tag_of(document, pages),
        document_id=document.document_id,
        endpoint=document.thumbnail_endpoint,
        task_token=request.task_token,
        write=write,
        accept=NPZ_TYPE,
        correlation_id=document.correlation_id,
    )
    return ask(question, step)


def store_thumbnails(request: ThumbnailEndpointStoreRequest, step: ThumbnailEndpointStore) -> RangeDone:
    """The endpoint's answer where the model looks for it, once it has proved to hold the range's pages."""
    document, pages = request.document, request.range
    place = place_of_answer(request.output, step.work_bucket, MODEL)
    said_by = f"document {document.document_id}, answer of endpoint {document.thumbnail_endpoint}"
    info = step.objects.info(place)
    if info and info.size > MAX_ANSWER:
        raise ModelFailedError(f"{said_by}: {info.size:,} bytes, the limit is {MAX_ANSWER:,}")
    content = step.objects.read(place)
    try:
        num_pages = count_thumbnails(content)
    except ValueError as error:
        raise ModelFailedError(f"{said_by}: {error}") from error
    if num_pages != pages.last - pages.first + 1:
        raise PageCountMismatchError(
            f"{said_by}: asked for pages {pages.first} to {pages.last}, got {num_pages} thumbnails"
        )
    places = DocumentPlaces(step.work_bucket, document.document_id, document.made_in)
    step.objects.write(places.thumbnails_part(pages.part), content, NPZ_TYPE)
    return RangeDone(part=pages.part, num_pages=num_pages)
