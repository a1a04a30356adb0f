"""OCR by an asynchronous SageMaker endpoint instead of Textract: a range of pages is one inference.

The row with the task token comes before the inference, under a tag that derives from document, OCR attempt,
endpoint and range: a repeated state finds it, waits for the same inference and pays nothing. Inferences of a
tag are numbered, so that a notification that comes twice fails none but its own. The token goes nowhere but
into the row. The endpoint reads the document itself and answers in Textract's shape.
"""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

import recto.errors
from recto.document import Page
from recto.errors import (
    ConfigurationError,
    DocumentMissingError,
    OcrFailedError,
    PageCountMismatchError,
    RectoError,
)
from recto.messages import (
    DocumentRef,
    OcrEndpointAnswer,
    OcrEndpointStartRequest,
    OcrEndpointStoreRequest,
    OcrJob,
    PagePlan,
    PageRange,
    RangeDone,
)
from recto.pagestore import PageIndex, PartWriter
from recto.places import DocumentPlaces, Location, digest
from recto.ports import AsyncEndpoints, Clock, EndpointInfo, JobRow, Jobs, ObjectStore, Workflow
from recto.remarks import Remark, in_words
from recto.textract import blocks_of, read_pages

JSON_TYPE = "application/json"
OUTPUT_PREFIX = "ocr-endpoint/"
"""Where in the work bucket endpoints put what they have read; its objects expire by themselves."""
USABLE = frozenset({"InService", "Updating", "SystemUpdating"})
SHOWN = 500
MAX_ANSWER = 250_000_000
"""Bytes of an answer, which is read whole: some 5,000 words on each page of a range. In memory it takes seven
times as much, and the function has 2 GB."""


class OcrEndpointStart(NamedTuple):
    """What the start works with."""

    endpoints: AsyncEndpoints
    jobs: Jobs
    objects: ObjectStore
    workflow: Workflow
    clock: Clock
    work_bucket: str
    topic: str
    """ARN of the topic that must hear of every inference's end."""
    keep_row: timedelta


class OcrEndpointCallback(NamedTuple):
    """What the callback works with."""

    jobs: Jobs
    objects: ObjectStore
    workflow: Workflow
    work_bucket: str


class OcrEndpointStore(NamedTuple):
    """What storing works with."""

    objects: ObjectStore
    work_bucket: str


class InferenceNotice(BaseModel):
    """What SageMaker tells of a finished inference."""

    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_camel)

    invocation_status: str
    inference_id: str
    failure_reason: str = ""
    response_parameters: dict[str, Any] = {}


# ---- start


def tag_of(document: DocumentRef, pages: PageRange) -> str:
    """Names what is asked for: 32 hexadecimal digits."""
    attempt = str(document.ocr_attempt)
    ends = (str(pages.first), str(pages.last))
    return digest("ocr-endpoint", document.document_id, attempt, document.ocr_endpoint, *ends)


def start_inference(request: OcrEndpointStartRequest, step: OcrEndpointStart) -> str:
    """The inference's id. The token is called back at once where the result is there already.

    What has ended is looked for after the token is in the row: an end before that was told to another token.
    """
    tag = tag_of(request.document, request.range)
    new = JobRow(tag=tag, document_id=request.document.document_id, task_token=request.task_token)
    known = step.jobs.find(tag) or new
    row = known.model_copy(update={"task_token": request.task_token})
    if row.output:
        step.jobs.put(row, step.clock() + step.keep_row)
    if not _is_under_way(row, step.objects):
        row = _invoke(request, row, step)
    if step.objects.info(Location.from_uri(row.output)):
        step.workflow.succeed(row.task_token, OcrEndpointAnswer(output=row.output).dump())
    return row.job_id


def _is_under_way(row: JobRow, objects: ObjectStore) -> bool:
    """Asked for, and not failed: one that failed may be asked for again."""
    return bool(row.output) and not (row.failure and objects.info(Location.from_uri(row.failure)))


def _invoke(request: OcrEndpointStartRequest, row: JobRow, step: OcrEndpointStart) -> JobRow:
    document, pages = request.document, request.range
    found = step.endpoints.describe(document.ocr_endpoint)
    require_usable(document.ocr_endpoint, found, step.topic, step.work_bucket)
    source = {"Bucket": document.bucket, "Name": document.key}
    source |= {"Version": document.version_id} if document.version_id else {}
    body = {"Document": {"S3Object": source}, "Pages": {"First": pages.first, "Last": pages.last}}
    places = DocumentPlaces(step.work_bucket, document.document_id, document.made_in)
    step.objects.write(places.ocr_request(pages.part), json.dumps(body).encode(), JSON_TYPE)
    row = row.model_copy(update={"job_id": _next_inference(row), "output": "", "failure": ""})
    step.jobs.put(row, step.clock() + step.keep_row)
    output, failure = step.endpoints.invoke(document.ocr_endpoint, places.ocr_request(pages.part), row.job_id)
    step.jobs.note(row.tag, row.job_id, output, failure)
    return row.model_copy(update={"output": output, "failure": failure})


def _next_inference(row: JobRow) -> str:
    """The tag and a number."""
    number = row.job_id.rpartition("-")[2]
    return f"{row.tag}-{int(number or 0) + 1}"


def require_usable(name: str, endpoint: EndpointInfo, topic: str, work_bucket: str) -> None:
    """ConfigurationError for an endpoint of whose answers nobody would hear, or which nobody may read."""
    if endpoint.status not in USABLE:
        raise ConfigurationError(f"endpoint {name}: expected it InService, it is {endpoint.status}")
    if not endpoint.is_async:
        raise ConfigurationError(
            f"endpoint {name}: expected an asynchronous one (AsyncInferenceConfig): a synchronous answer may "
            "take 60 seconds, which pages of OCR need more than"
        )
    if {endpoint.success_topic, endpoint.error_topic} != {topic}:
        raise ConfigurationError(
            f"endpoint {name}: expected SuccessTopic and ErrorTopic {topic}, it has "
            f"{endpoint.success_topic or 'none'} and {endpoint.error_topic or 'none'}"
        )
    if endpoint.answers_on_topics:
        raise ConfigurationError(
            f"endpoint {name}: expected no IncludeInferenceResponseIn, for words of documents go into the "
            f"work bucket only; it has {', '.join(endpoint.answers_on_topics)}"
        )
    wanted = f"s3://{work_bucket}/{OUTPUT_PREFIX}"
    for what, place in (("S3OutputPath", endpoint.output_path), ("S3FailurePath", endpoint.failure_path)):
        if not f"{place.rstrip('/')}/".startswith(wanted):
            raise ConfigurationError(
                f"endpoint {name}: expected its {what} below {wanted}, it is {place or 'absent'}"
            )


# ---- callback


def inference_of(body: str) -> InferenceNotice | None:
    """SageMaker's message in a queue message, with or without the envelope of SNS.

    None for the one that SageMaker sends as a test when an endpoint is made or changed.
    """
    try:
        content = json.loads(body)
        if content.get("Type") == "Notification":
            content = json.loads(content["Message"])
        if content.get("eventName") == "TestNotification":
            return None
        return InferenceNotice.model_validate(content)
    except (ValueError, AttributeError, KeyError, TypeError, ValidationError) as error:
        raise ConfigurationError(
            f"expected SageMaker's notification of an inference, got {body[:200]!r}: {error!r}"
        ) from error


def hear_of_inference(inference: InferenceNotice, step: OcrEndpointCallback) -> JobRow:
    """Call the waiting token back with where the answer lies, or with why there is none.

    A failure that is told once more, when its state already waits for the next inference, changes nothing.
    """
    tag = inference.inference_id.rpartition("-")[0]
    row = step.jobs.find(tag)
    if row is None:
        raise ConfigurationError(f"inference {inference.inference_id!r}: no row for it")
    if inference.invocation_status == "Completed":
        output = str(inference.response_parameters.get("outputLocation") or row.output)
        _place_of(output, step.work_bucket)
        step.workflow.succeed(row.task_token, OcrEndpointAnswer(output=output).dump())
        return row
    error, said = _failure_of(inference, row, step.objects)
    if not step.jobs.note(tag, inference.inference_id, output="", failure=row.failure):
        return row
    row = step.jobs.find(tag) or row  # the token may have been renewed meanwhile
    ended = f"OCR inference {inference.inference_id} ended as {inference.invocation_status}"
    step.workflow.fail(row.task_token, error.__name__, f"document {row.document_id}: {ended}: {said}")
    return row


def _failure_of(
    inference: InferenceNotice, row: JobRow, objects: ObjectStore
) -> tuple[type[RectoError], str]:
    """The error that the container named, where it is one of Recto's; OcrFailedError otherwise."""
    said = inference.failure_reason or "no reason given"
    body = _read_or_nothing(row.failure, objects)
    try:
        answer = json.loads(body)
        named, message = str(answer["Error"]), str(answer["Message"])
    except (ValueError, KeyError, TypeError):
        shown = body[:SHOWN].decode(errors="replace")
        return OcrFailedError, f"{said}: {shown}" if shown else said
    error = getattr(recto.errors, named, None)
    if isinstance(error, type) and issubclass(error, RectoError):
        return error, message
    return OcrFailedError, f"{named}: {message}"


def _read_or_nothing(uri: str, objects: ObjectStore) -> bytes:
    if not uri:
        return b""
    try:
        return objects.read(Location.from_uri(uri))
    except DocumentMissingError:
        return b""


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
    place = _place_of(request.output, step.work_bucket)
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


def _place_of(uri: str, work_bucket: str) -> Location:
    """An endpoint's output; ConfigurationError for one that lies elsewhere."""
    try:
        place = Location.from_uri(uri)
    except ValueError as error:
        raise ConfigurationError(f"endpoint's output: {error}") from error
    if place.bucket != work_bucket or not place.key.startswith(OUTPUT_PREFIX):
        raise ConfigurationError(
            f"endpoint's output: expected it below s3://{work_bucket}/{OUTPUT_PREFIX}, got {uri}"
        )
    return place
