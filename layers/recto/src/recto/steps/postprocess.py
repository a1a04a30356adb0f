"""Classified words to fields: read both back page by page, assemble, decide whether a person must look."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from datetime import UTC, date
from typing import NamedTuple

from recto.audit import is_drawn
from recto.entities import assemble, document_mentions, review_reasons, with_reasons
from recto.errors import PageCountMismatchError, ReleaseError
from recto.messages import DocumentRef, OcrJob, PostprocessRequest, PostprocessResponse
from recto.pagestore import PageIndex
from recto.places import DocumentPlaces
from recto.ports import ObjectStore, TextEndpoints
from recto.release import INDEX, parse_release
from recto.results import DocumentResult, ReasonCode, ReviewReason
from recto.steps.fields_of_release import load_fields
from recto.steps.model import read_release_file
from recto.steps.normaliser import rewrite
from recto.steps.page_images import plan_of
from recto.steps.stored_pages import stored_marked_pages

JSON_TYPE = "application/json"


class Postprocess(NamedTuple):
    """What the step works with."""

    objects: ObjectStore
    endpoints: TextEndpoints
    """Of normalisers, where fields name any."""
    work_bucket: str
    audit_share: float = 0.0
    """Of the documents that go straight through, how many are looked at again."""


def extract_fields(request: PostprocessRequest, step: Postprocess) -> PostprocessResponse:
    """Write the document's fields; say whether a person must look, and why."""
    objects, work_bucket = step.objects, step.work_bucket
    places = DocumentPlaces(work_bucket, request.document.document_id, request.document.made_in)
    release = load_fields(objects, work_bucket, request.document.release)
    index = PageIndex.from_json(objects.read(places.ocr_index))
    parts = _predicted_parts(index, places, objects)
    _require_same_labels(request.document, {part.release for part in parts}, objects, work_bucket)
    predicted = PageIndex.joined(part.pages for part in parts)
    _require_same_pages(request.document, index, predicted)
    wanted = release.fields.active_by_class.keys()
    pages = stored_marked_pages(objects, places, index, predicted, wanted)
    rewritten = rewrite(document_mentions(pages, release.fields), release.fields, step.endpoints)
    day = _day_of_ocr(places, objects)
    result = assemble(rewritten.mentions, release.fields, release.calibration, day)
    job = OcrJob.model_validate_json(objects.read(places.ocr_job))
    reasons = [
        *_unread_pages(job),
        *review_reasons(result, release.fields, release.thresholds.fields, release.thresholds.default),
    ]
    warnings = (*_warnings(job, parts), *rewritten.warnings)
    result = with_reasons(result, reasons).model_copy(update={"warnings": warnings or None})
    objects.write(places.fields, result.to_bytes(), JSON_TYPE)
    return PostprocessResponse(
        needs_review=bool(reasons),
        reasons=tuple(_in_short(reason) for reason in reasons[:20]),
        confidence=result.confidence,
        failed_normalizers=rewritten.failed,
        is_drawn=not reasons and is_drawn(request.document.document_id, step.audit_share),
    )


def _day_of_ocr(places: DocumentPlaces, objects: ObjectStore) -> date | None:
    """The day on which the OCR ended: no clock, so that a document processed again is judged as before."""
    info = objects.info(places.ocr_job)
    return info.changed.astimezone(UTC).date() if info and info.changed else None


def load_result(objects: ObjectStore, places: DocumentPlaces) -> DocumentResult:
    """The fields as `extract_fields` wrote them."""
    return DocumentResult.model_validate_json(objects.read(places.fields))


def require_same_labels(
    document: DocumentRef, places: DocumentPlaces, objects: ObjectStore, work_bucket: str, made_by: str = ""
) -> None:
    """ReleaseError where the predictions are of a release whose classes mean something else.

    `made_by` is taken for parts that do not say which release made them.
    """
    index = PageIndex.from_json(objects.read(places.ocr_index))
    parts = _predicted_parts(index, places, objects)
    _require_same_labels(document, {part.release or made_by for part in parts}, objects, work_bucket)


def _require_same_labels(
    document: DocumentRef, made_by: AbstractSet[str], objects: ObjectStore, work_bucket: str
) -> None:
    for release in sorted(made_by - {"", document.release}):
        theirs = _labels(objects, work_bucket, release)
        ours = _labels(objects, work_bucket, document.release)
        if theirs != ours:
            raise ReleaseError(
                f"document {document.document_id}: the model of release {release} classified its words, with "
                f"{len(theirs)} labels that are not the {len(ours)} of release {document.release}; "
                "start from the model, or with the same release"
            )


def _labels(objects: ObjectStore, work_bucket: str, release: str) -> tuple[str, ...]:
    return parse_release(read_release_file(objects, work_bucket, release, INDEX)).labels


def _predicted_parts(index: PageIndex, places: DocumentPlaces, objects: ObjectStore) -> list[PageIndex]:
    """The index of each part of the predictions, read once: a long document has dozens."""
    ranges = plan_of(index.num_pages).ranges
    return [PageIndex.from_json(objects.read(places.predictions_part_index(each.part))) for each in ranges]


def _require_same_pages(document: DocumentRef, index: PageIndex, predicted: PageIndex) -> None:
    if predicted.num_pages != index.num_pages:
        raise PageCountMismatchError(
            f"document {document.document_id}: {index.num_pages} pages came out of OCR, "
            f"{predicted.num_pages} out of the model"
        )


def _warnings(job: OcrJob, predicted: Iterable[PageIndex]) -> tuple[str, ...]:
    """For the operator: unread pages, what was odd about the OCR's answer, what the model warned of."""
    by_model = dict.fromkeys(f"model: {said}" for part in predicted for said in part.warnings)
    return (*job.warnings, *job.remarks, *by_model)


def _unread_pages(job: OcrJob) -> list[ReviewReason]:
    """What the OCR said that it could not read: a person should look at those pages."""
    return [ReviewReason(code=ReasonCode.PAGES_UNREAD, message=f"OCR: {said}") for said in job.warnings]


def _in_short(reason: ReviewReason) -> str:
    """Code and field: what may stand in logs and in the execution, without any text of the document."""
    return f"{reason.code}: {reason.field}" if reason.field else str(reason.code)
