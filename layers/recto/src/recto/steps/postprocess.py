"""Classified words to fields: read both back page by page, assemble, decide whether a person must look."""

import json
from collections.abc import Iterator
from datetime import UTC, date

from recto.document import Page, PagePredictions
from recto.entities import extract, review_reasons, with_reasons
from recto.errors import PageCountMismatchError, ReleaseError
from recto.fields import FieldList
from recto.messages import DocumentRef, OcrJob, PagePlan, PostprocessRequest, PostprocessResponse
from recto.pagestore import PageIndex
from recto.places import DocumentPlaces
from recto.ports import ObjectStore
from recto.release import INDEX, parse_release
from recto.results import DocumentResult, ReasonCode, ReviewReason
from recto.steps.fields_of_release import load_fields
from recto.steps.model import read_release_file
from recto.steps.page_images import plan_of
from recto.steps.stored_pages import stored_marked_pages

JSON_TYPE = "application/json"


def extract_fields(
    request: PostprocessRequest, objects: ObjectStore, work_bucket: str
) -> PostprocessResponse:
    """Write the document's fields; say whether a person must look, and why."""
    places = DocumentPlaces(work_bucket, request.document.document_id, request.document.made_in)
    release = load_fields(objects, work_bucket, request.document.release)
    require_same_labels(request.document, places, objects, work_bucket)
    pages = _marked_pages(request.document, places, objects, release.fields)
    result = extract(pages, release.fields, release.calibration, _day_of_ocr(places, objects))
    job = OcrJob.model_validate_json(objects.read(places.ocr_job))
    reasons = [
        *_unread_pages(job),
        *review_reasons(result, release.fields, release.thresholds.fields, release.thresholds.default),
    ]
    result = with_reasons(result, reasons).model_copy(update={"warnings": _warnings(job)})
    body = json.dumps(result.to_json(), ensure_ascii=False).encode()
    objects.write(places.fields, body, JSON_TYPE)
    return PostprocessResponse(
        needs_review=bool(reasons),
        reasons=tuple(_in_short(reason) for reason in reasons[:20]),
        confidence=result.confidence,
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
    plan = plan_of(PageIndex.from_json(objects.read(places.ocr_index)).num_pages)
    parts = (objects.read(places.predictions_part_index(each.part)) for each in plan.ranges)
    releases = {PageIndex.from_json(part).release or made_by for part in parts} - {"", document.release}
    for release in sorted(releases):
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


def _marked_pages(
    document: DocumentRef, places: DocumentPlaces, objects: ObjectStore, fields: FieldList
) -> Iterator[tuple[Page, PagePredictions]]:
    """The pages on which a field has words; PageCountMismatchError where any page has no predictions."""
    index = PageIndex.from_json(objects.read(places.ocr_index))
    predicted = _predictions_index(plan_of(index.num_pages), places, objects)
    if predicted.num_pages != index.num_pages:
        raise PageCountMismatchError(
            f"document {document.document_id}: {index.num_pages} pages came out of OCR, "
            f"{predicted.num_pages} out of the model"
        )
    return stored_marked_pages(objects, places, index, predicted, fields.active_by_class.keys())


def _predictions_index(plan: PagePlan, places: DocumentPlaces, objects: ObjectStore) -> PageIndex:
    contents = (objects.read(places.predictions_part_index(each.part)) for each in plan.ranges)
    return PageIndex.joined(PageIndex.from_json(content).pages for content in contents)


def _warnings(job: OcrJob) -> tuple[str, ...] | None:
    """For the operator: unread pages, and what was odd about the OCR's answer."""
    return (*job.warnings, *job.remarks) or None


def _unread_pages(job: OcrJob) -> list[ReviewReason]:
    """What the OCR said that it could not read: a person should look at those pages."""
    return [ReviewReason(code=ReasonCode.PAGES_UNREAD, message=f"OCR: {said}") for said in job.warnings]


def _in_short(reason: ReviewReason) -> str:
    """Code and field: what may stand in logs and in the execution, without any text of the document."""
    return f"{reason.code}: {reason.field}" if reason.field else str(reason.code)
