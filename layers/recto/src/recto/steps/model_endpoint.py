"""The word model behind an asynchronous SageMaker endpoint: a range of pages is one inference.

What the endpoint is sent are references: the range's pages in Textract's shape, and their thumbnails. What it
answers is read as a stream and becomes the same predictions that the model inside the function gives. How an
inference is asked for and heard of is in `recto.steps.async_inference`.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import ijson

from recto.document import Page
from recto.errors import DocumentMissingError, ModelFailedError
from recto.messages import (
    DocumentRef,
    ModelEndpointStartRequest,
    ModelEndpointStoreRequest,
    PageRange,
    RangeDone,
)
from recto.model_exchange import read_predictions, response_of
from recto.pagestore import PageIndex, PartWriter
from recto.places import DocumentPlaces, Location, digest
from recto.ports import ObjectStore
from recto.release import INDEX, parse_release
from recto.steps.async_inference import (
    JSON_TYPE,
    MODEL,
    InferenceStart,
    Question,
    ask,
    place_of_answer,
)
from recto.steps.model import read_release_file
from recto.steps.stored_pages import stored_pages

MAX_ANSWER = 450_000_000
"""Bytes of an answer, which lies on the function's disk while it is read: some 5,000 words on each page."""
MAX_WARNINGS = 10
SHOWN = 300


class ModelEndpointStore(NamedTuple):
    """What storing works with."""

    objects: ObjectStore
    work_bucket: str


# ---- start


def tag_of(document: DocumentRef, endpoint: str, pages: PageRange) -> str:
    """Names what is asked for: 32 hexadecimal digits."""
    made_in, ends = str(document.made_in.model), (str(pages.first), str(pages.last))
    return digest("model-endpoint", document.document_id, made_in, endpoint, *ends)


def start_classification(request: ModelEndpointStartRequest, step: InferenceStart) -> str:
    """The inference's id; see `recto.steps.async_inference.ask`."""
    question = Question(
        tag=tag_of(request.document, request.endpoint, request.range),
        document_id=request.document.document_id,
        endpoint=request.endpoint,
        task_token=request.task_token,
        write=lambda: _write_request(request, step.objects, step.work_bucket),
        correlation_id=request.document.correlation_id,
    )
    return ask(question, step)


def _write_request(request: ModelEndpointStartRequest, objects: ObjectStore, work_bucket: str) -> Location:
    """Put the range's pages there, and the request that refers to them."""
    places = DocumentPlaces(work_bucket, request.document.document_id, request.document.made_in)
    part = request.range.part
    objects.write(places.model_input(part), response_of(_pages(request, objects, places)), JSON_TYPE)
    body = {"S3Input": _reference(places.model_input(part))}
    if objects.info(places.thumbnails_part(part)):  # documents of earlier versions have none
        body["S3Thumbnails"] = _reference(places.thumbnails_part(part))
    objects.write(places.model_request(part), json.dumps(body).encode(), JSON_TYPE)
    return places.model_request(part)


def _pages(
    request: ModelEndpointStartRequest | ModelEndpointStoreRequest,
    objects: ObjectStore,
    places: DocumentPlaces,
) -> Iterator[Page]:
    index = PageIndex.from_json(objects.read(places.ocr_index))
    return stored_pages(objects, places, index, request.range.first, request.range.last)


def _reference(place: Location) -> dict[str, str]:
    return {"Bucket": place.bucket, "Key": place.key}


# ---- store


def store_classification(request: ModelEndpointStoreRequest, step: ModelEndpointStore) -> RangeDone:
    """Predictions for one range's pages out of the endpoint's answer, one part object."""
    document, part = request.document, request.range.part
    places = DocumentPlaces(step.work_bucket, document.document_id, document.made_in)
    release = parse_release(read_release_file(step.objects, step.work_bucket, document.release, INDEX))
    writer = PartWriter(part, request.range.first)
    said_by = f"document {document.document_id}, answer of endpoint {request.endpoint}"
    with TemporaryDirectory(prefix="recto-answer-") as folder:
        answer = _download(request, step, Path(folder) / "answer.json")
        pages = _pages(request, step.objects, places)
        for predictions in read_predictions(
            _items(answer, "Blocks", said_by), pages, release.labels, said_by
        ):
            writer.add_predictions(predictions)
        warnings = _warnings(answer, said_by)
    content, entries = writer.finish()
    step.objects.write(places.predictions_part(part), content)
    index = PageIndex(pages=entries, release=document.release, warnings=warnings)
    step.objects.write(places.predictions_part_index(part), index.to_json(), JSON_TYPE)
    return RangeDone(part=part, num_pages=writer.num_pages)


def _download(request: ModelEndpointStoreRequest, step: ModelEndpointStore, path: Path) -> Path:
    place = place_of_answer(request.output, step.work_bucket, MODEL)
    info = step.objects.info(place)
    if info is None:
        raise DocumentMissingError(f"{place.uri}: the answer of endpoint {request.endpoint} is gone")
    if info.size > MAX_ANSWER:
        raise ModelFailedError(
            f"{place.uri}: an answer of {info.size:,} bytes, the limit is {MAX_ANSWER:,}; expected the words "
            "that were sent and no others"
        )
    step.objects.download(place, path)
    return path


def _items(answer: Path, key: str, said_by: str) -> Iterator[Any]:
    """What stands in a list of the answer's root, one after the other."""
    with answer.open("rb") as file:
        try:
            for item in ijson.items(file, f"{key}.item", use_float=True):
                if key == "Blocks" and not isinstance(item, dict):
                    raise ModelFailedError(f"{said_by}: expected blocks in Blocks, got {type(item).__name__}")
                yield item
        except ijson.JSONError as error:
            raise ModelFailedError(f"{said_by}: expected a response in Textract's shape, {error}") from error


def _warnings(answer: Path, said_by: str) -> tuple[str, ...]:
    """What the endpoint warns of, each once: pages without a picture, for example."""
    told = dict.fromkeys(str(item)[:SHOWN] for item in _items(answer, "Warnings", said_by))
    return tuple(told)[:MAX_WARNINGS]
