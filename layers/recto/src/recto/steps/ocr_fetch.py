"""Fetch a finished OCR job's pages until the deadline is near, and say where to go on.

Into the page store for the pipeline, or as one consolidated Textract JSON for callers of the OCR state
machine. Either way one response at a time: memory is flat, however long the document.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from recto.document import Page
from recto.errors import ConfigurationError, PageCountMismatchError, TransientError
from recto.messages import OcrOutput, TextractFetchRequest, TextractFetchResponse, Upload
from recto.pagestore import PageIndex, PartWriter
from recto.places import MAX_RANGE_PAGES, DocumentPlaces, Location
from recto.ports import ObjectStore, Ocr, Uploads
from recto.remarks import Remark, in_words
from recto.steps.publish import address
from recto.textract import read_pages

UPLOAD_BYTES = 8 * 1024 * 1024
JSON_TYPE = "application/json"
BLOCKS_BEGIN = b', "Blocks": ['


class OcrFetch(NamedTuple):
    """What the step works with."""

    ocr: Ocr
    objects: ObjectStore
    uploads: Uploads
    work_bucket: str
    out_of_time: Callable[[], bool]


def fetch(request: TextractFetchRequest, step: OcrFetch) -> TextractFetchResponse:
    """The next stretch of a job's result."""
    return _consolidate(request, request.output, step) if request.output else _store_pages(request, step)


class _Responses:
    """A job's responses in their order; knows which token gave the one in hand."""

    def __init__(self, request: TextractFetchRequest, ocr: Ocr) -> None:
        self._job, self._ocr = request.job, ocr
        self.token = request.next_token
        self.num_pages = 0
        self.page_blocks: set[int] = set()
        self.unread: set[int] = set()
        """Pages that Textract itself says it could not read."""
        self.remarks: list[Remark] = []
        """What was odd about the pages read so far."""

    def __iter__(self) -> Iterator[dict[str, Any]]:
        while True:
            answer = self._ocr.pages(self._job.job_id, self._job.features, self.token)
            self.num_pages = int(answer.get("DocumentMetadata", {}).get("Pages", 0))
            self.unread.update(page for w in answer.get("Warnings") or () for page in w.get("Pages") or ())
            yield answer
            following = answer.get("NextToken")
            if not following:
                return
            self.token = following

    def blocks(self) -> Iterator[dict[str, Any]]:
        for answer in self:
            for block in answer.get("Blocks") or ():
                if block.get("BlockType") == "PAGE":
                    self.page_blocks.add(int(block.get("Page") or 1))
                yield block


def _store_pages(request: TextractFetchRequest, step: OcrFetch) -> TextractFetchResponse:
    """Pages into parts of at most 100; what an interrupted call left of a part is written over.

    Where a call fails for the moment once pages were read, these are kept and the state goes on behind them:
    a long document among many is fetched a stretch at a time, and its tries begin anew with each.
    """
    places = DocumentPlaces(step.work_bucket, request.document.document_id, request.document.made_in)
    responses = _Responses(request, step.ocr)
    part, done, token = request.part, request.pages_done, request.next_token
    writer = PartWriter(part + 1, done + 1)
    try:
        for page in _whole_pages(request, responses):
            writer.add(page)
            done, token = page.number, responses.token
            late = step.out_of_time()
            if writer.num_pages == MAX_RANGE_PAGES or late:
                part = _finish_part(writer, part + 1, places, step.objects, responses.remarks)
                writer = PartWriter(part + 1, done + 1)
            if late and done < responses.num_pages:
                return TextractFetchResponse(done=False, next_token=token, pages_done=done, part=part)
    except TransientError:
        if done == request.pages_done:
            raise
        if writer.num_pages:
            part = _finish_part(writer, part + 1, places, step.objects, responses.remarks)
        return TextractFetchResponse(done=False, next_token=token, pages_done=done, part=part)
    if writer.num_pages:
        part = _finish_part(writer, part + 1, places, step.objects, responses.remarks)
    _finish_document(request, done, part, responses.num_pages, places, step)
    return TextractFetchResponse(done=True, pages_done=done, part=part)


def _whole_pages(request: TextractFetchRequest, responses: _Responses) -> Iterator[Page]:
    """Pages after those already done, without gaps; a page that Textract names unreadable is there, empty."""
    expected = request.pages_done + 1
    for page in read_pages(responses.blocks(), responses.remarks):
        if page.number < expected:
            continue  # the tail of a page stored by the call before
        yield from _unread_pages(request, responses, expected, page.number)
        yield page
        expected = page.number + 1
    yield from _unread_pages(request, responses, expected, responses.num_pages + 1)


def _unread_pages(
    request: TextractFetchRequest, responses: _Responses, first: int, end: int
) -> Iterator[Page]:
    for number in range(first, end):
        if number not in responses.unread:
            raise PageCountMismatchError(
                f"document {request.document.document_id}: OCR job {request.job.job_id} has "
                f"{responses.num_pages} pages, page {number} is missing from its result and from its warnings"
            )
        yield Page(number, ())


def _finish_part(
    writer: PartWriter, part: int, places: DocumentPlaces, objects: ObjectStore, remarks: Sequence[Remark]
) -> int:
    content, entries = writer.finish()
    objects.write(places.ocr_part(part), content)
    of_part = tuple(remark for remark in remarks if remark.page in writer.pages)
    index = PageIndex(pages=entries, remarks=of_part)
    objects.write(places.ocr_part_index(part), index.to_json(), JSON_TYPE)
    return part


def _finish_document(
    request: TextractFetchRequest,
    done: int,
    parts: int,
    num_pages: int,
    places: DocumentPlaces,
    step: OcrFetch,
) -> None:
    """One index out of the parts', once every page is there."""
    indexes = [PageIndex.from_json(step.objects.read(places.ocr_part_index(n))) for n in range(1, parts + 1)]
    index = PageIndex.joined(part.pages for part in indexes)
    if not index.num_pages == done == num_pages:
        raise PageCountMismatchError(
            f"document {request.document.document_id}: OCR says {num_pages} pages, {done} were read, "
            f"{index.num_pages} are stored"
        )
    remarks = in_words(remark for part in indexes for remark in part.remarks)
    job = request.job.model_copy(update={"remarks": remarks})
    step.objects.write(places.ocr_job, json.dumps(job.dump()).encode(), JSON_TYPE)
    step.objects.write(places.ocr_index, index.to_json(), JSON_TYPE)


def output_place(request: TextractFetchRequest, output: OcrOutput) -> Location:
    """Where the caller wants the JSON: its key, or prefix and source key, in its bucket or the source's."""
    if not output.key and not output.prefix:
        raise ConfigurationError("Output: expected Key or Prefix, got neither")
    key = output.key or f"{output.prefix.rstrip('/')}/{request.document.key}.textract.json"
    return Location(bucket=output.bucket or request.document.bucket, key=key)


def _consolidate(request: TextractFetchRequest, output: OcrOutput, step: OcrFetch) -> TextractFetchResponse:
    """One JSON object as the synchronous call would give it, written in parts while responses come in."""
    place = output_place(request, output)
    responses = _Responses(request, step.ocr)
    upload, buffer = request.upload, bytearray()
    for number, answer in enumerate(responses):
        if number and upload and not buffer and step.out_of_time():
            return TextractFetchResponse(done=False, next_token=responses.token, upload=upload)
        _append_json(buffer, answer, first=not number and not request.next_token)
        if len(buffer) >= UPLOAD_BYTES:
            upload = upload or Upload(upload_id=step.uploads.begin(place, JSON_TYPE))
            upload = _add_part(place, upload, buffer, step)
    buffer += b"]}"
    _finish_consolidated(place, upload, buffer, step)
    return TextractFetchResponse(done=True, pages_done=responses.num_pages, location=address(place))


def _append_json(buffer: bytearray, answer: dict[str, Any], *, first: bool) -> None:
    if first:
        head = {k: v for k, v in answer.items() if k not in ("Blocks", "NextToken", "ResponseMetadata")}
        buffer += json.dumps(head, ensure_ascii=False)[:-1].encode() + BLOCKS_BEGIN
    blocks = json.dumps(answer.get("Blocks") or [], ensure_ascii=False)[1:-1].encode()
    if blocks and not buffer.endswith(BLOCKS_BEGIN):
        buffer += b","
    buffer += blocks


def _add_part(place: Location, upload: Upload, buffer: bytearray, step: OcrFetch) -> Upload:
    etag = step.uploads.add(place, upload.upload_id, len(upload.etags) + 1, bytes(buffer))
    buffer.clear()
    return Upload(upload_id=upload.upload_id, etags=(*upload.etags, etag))


def _finish_consolidated(place: Location, upload: Upload | None, buffer: bytearray, step: OcrFetch) -> None:
    if upload is None:
        step.objects.write(place, bytes(buffer), JSON_TYPE)
        return
    upload = _add_part(place, upload, buffer, step)
    step.uploads.finish(place, upload.upload_id, upload.etags)
