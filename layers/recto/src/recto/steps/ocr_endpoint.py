"""OCR by an asynchronous SageMaker endpoint instead of Textract: a range of pages is one inference.

The endpoint reads the document itself and answers in Textract's shape. How an inference is asked for and
heard of is in `recto.steps.async_inference`.
"""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from recto.document import Page
from recto.errors import OcrFailedError, PageCountMismatchError
from recto.messages import (
    DocumentRef,
    OcrEndpointStartRequest,
    OcrEndpointStoreRequest,
    OcrJob,
    PagePlan,
    PageRange,
    RangeDone,
)
from recto.pagestore import PageIndex, PartWriter
from recto.places import DocumentPlaces, Location, digest
from recto.ports import ObjectStore
from recto.remarks import Remark, in_words
from recto.steps.async_inference import (
    JSON_TYPE,
    OCR,
    InferenceStart,
    Question,
    ask,
    place_of_answer,
)
from recto.textract import blocks_of, read_pages

MAX_ANSWER = 250_000_000
"""Bytes of an answer, which is read whole: some 5,000 words on each page of a range. In memory it takes seven
times as much, and the function has 2 GB."""


class OcrEndpointStore(NamedTuple):
    """What storing works with."""

    objects: ObjectStore
    work_bucket: str


# ---- start


def tag_of(document: DocumentRef, pages: PageRange) -> str:
    """Names what is asked for: 32 hexadecimal digits."""
    attempt = str(document.ocr_attempt)
    ends = (str(pages.first), str(pages.last))
    return digest("ocr-endpoint", document.document_id, attempt, document.ocr_endpoint, *ends)


def start_inference(request: OcrEndpointStartRequest, step: InferenceStart) -> str:
    """The inference's id; see `recto.steps.async_inference.ask`."""
    document, pages = request.document, request.range
    place = DocumentPlaces(step.work_bucket, document.document_id, document.made_in).ocr_request(pages.part)

    def write() -> Location:
        step.objects.write(place, json.dumps(_body(document, pages)).encode(), JSON_TYPE)
        return place

    tag = tag_of(document, pages)
    question = Question(
        tag=tag,
        document_id=document.document_id,
        endpoint=document.ocr_endpoint,
        task_token=request.task_token,
        write=write,
        correlation_id=document.correlation_id,
    )
    return ask(question, step)


def _body(document: DocumentRef, pages: PageRange) -> dict[str, Any]:
    """The document by reference, and which of its pages."""
    source = {"Bucket": document.bucket, "Name": document.key}
    source |= {"Version": document.version_id} if document.version_id else {}
    return {"Document": {"S3Object": source}, "Pages": {"First": pages.first, "Last": pages.last}}


# ---- store


def store_range(request: OcrEndpointStoreRequest, step: OcrEndpointStore) -> RangeDone:
    """The words of one range of pages, out of the endpoint's answer into one part of the page store."""
    if request.range is None:
        raise ValueError("store_range needs a range")
    places = DocumentPlaces(step.work_bucket, request.document.document_id, request.document.made_in)
    remarks: list[Remark] = []
    pages = _pages_of(_answer(request, step), request.range, remarks)
    writer = PartWriter(request.range.part, request.range.first)
    for number in range(request.range.first, request.range.last + 1):
        if number not in pages:
            raise PageCountMismatchError(
                f"document {request.document.document_id}: endpoint {request.document.ocr_endpoint} was "
                f"asked for pages {request.range.first} to {request.range.last}, page {number} is missing"
            )
        writer.add(pages[number])
    content, entries = writer.finish()
    of_part = tuple(remark for remark in remarks if remark.page in pages)
    step.objects.write(places.ocr_part(request.range.part), content)
    index = PageIndex(pages=entries, remarks=of_part)
    step.objects.write(places.ocr_part_index(request.range.part), index.to_json(), JSON_TYPE)
    return RangeDone(part=request.range.part, num_pages=len(entries))


def _answer(request: OcrEndpointStoreRequest, step: OcrEndpointStore) -> Mapping[str, Any]:
    place = place_of_answer(request.output, step.work_bucket, OCR)
    info = step.objects.info(place)
    if info and info.size > MAX_ANSWER:
        raise OcrFailedError(
            f"{place.uri}: an answer of {info.size:,} bytes, the limit is {MAX_ANSWER:,}; expected the pages "
            "that were asked for and no others"
        )
    try:
        answer: Any = json.loads(step.objects.read(place))
    except ValueError as error:
        raise OcrFailedError(f"{place.uri}: expected a response in Textract's shape, {error}") from error
    if not isinstance(answer, dict):
        raise OcrFailedError(f"{place.uri}: expected a response in Textract's shape, got no object")
    return answer


def _pages_of(answer: Mapping[str, Any], pages: PageRange, remarks: list[Remark]) -> dict[int, Page]:
    """The range's pages; an endpoint that cannot read ranges answers with all of them."""
    found = read_pages(blocks_of(answer), remarks)
    return {page.number: page for page in found if pages.first <= page.number <= pages.last}


def join_ranges(request: OcrEndpointStoreRequest, step: OcrEndpointStore) -> RangeDone:
    """One index out of the parts', once every page that was planned is there."""
    document = request.document
    places = DocumentPlaces(step.work_bucket, document.document_id, document.made_in)
    plan = PagePlan.model_validate_json(step.objects.read(places.image_plan))
    parts = [PageIndex.from_json(step.objects.read(places.ocr_part_index(r.part))) for r in plan.ranges]
    index = PageIndex.joined(part.pages for part in parts)
    if index.num_pages != plan.num_pages:
        raise PageCountMismatchError(
            f"document {document.document_id}: {plan.num_pages} pages were planned, endpoint "
            f"{document.ocr_endpoint} gave {index.num_pages}"
        )
    remarks = in_words(remark for part in parts for remark in part.remarks)
    job = OcrJob(job_id=f"sagemaker:{document.ocr_endpoint}", remarks=remarks)
    step.objects.write(places.ocr_job, json.dumps(job.dump()).encode(), JSON_TYPE)
    step.objects.write(places.ocr_index, index.to_json(), JSON_TYPE)
    return RangeDone(part=len(parts), num_pages=index.num_pages)
