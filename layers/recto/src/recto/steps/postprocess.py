"""Classified words to fields: read both back page by page, assemble, decide whether a person must look."""

import json
from collections.abc import Iterator

from recto.document import Page, PagePredictions
from recto.entities import extract, review_reasons, with_reasons
from recto.errors import PageCountMismatchError
from recto.messages import DocumentRef, OcrJob, PagePlan, PostprocessRequest, PostprocessResponse
from recto.pagestore import PageIndex
from recto.places import DocumentPlaces
from recto.ports import ObjectStore
from recto.results import DocumentResult, ReasonCode, ReviewReason
from recto.steps.fields_of_release import load_fields
from recto.steps.page_images import plan_of
from recto.steps.stored_pages import stored_pages, stored_predictions

JSON_TYPE = "application/json"


def extract_fields(
    request: PostprocessRequest, objects: ObjectStore, work_bucket: str
) -> PostprocessResponse:
    """Write the document's fields; say whether a person must look, and why."""
    places = DocumentPlaces(work_bucket, request.document.document_id, request.document.made_in)
    release = load_fields(objects, work_bucket, request.document.release)
    pages = _classified_pages(request.document, places, objects)
    result = extract(pages, release.fields, release.calibration)
    reasons = [
        *_unread_pages(places, objects),
        *review_reasons(result, release.fields, release.thresholds.fields, release.thresholds.default),
    ]
    result = with_reasons(result, reasons)
    body = json.dumps(result.to_json(), ensure_ascii=False).encode()
    objects.write(places.fields, body, JSON_TYPE)
    return PostprocessResponse(
        needs_review=bool(reasons),
        reasons=tuple(_in_short(reason) for reason in reasons[:20]),
        confidence=result.confidence,
    )


def load_result(objects: ObjectStore, places: DocumentPlaces) -> DocumentResult:
    """The fields as `extract_fields` wrote them."""
    return DocumentResult.model_validate_json(objects.read(places.fields))


def _classified_pages(
    document: DocumentRef, places: DocumentPlaces, objects: ObjectStore
) -> Iterator[tuple[Page, PagePredictions]]:
    """Every page with its predictions; PageCountMismatchError where one has no partner."""
    index = PageIndex.from_json(objects.read(places.ocr_index))
    predicted = _predictions_index(plan_of(index.num_pages), places, objects)
    if predicted.num_pages != index.num_pages:
        raise PageCountMismatchError(
            f"document {document.document_id}: {index.num_pages} pages came out of OCR, "
            f"{predicted.num_pages} out of the model"
        )
    last = index.num_pages
    pages = stored_pages(objects, places, index, 1, last)
    return zip(pages, stored_predictions(objects, places, predicted, 1, last), strict=True)


def _predictions_index(plan: PagePlan, places: DocumentPlaces, objects: ObjectStore) -> PageIndex:
    contents = (objects.read(places.predictions_part_index(each.part)) for each in plan.ranges)
    return PageIndex.joined(PageIndex.from_json(content).pages for content in contents)


def _unread_pages(places: DocumentPlaces, objects: ObjectStore) -> list[ReviewReason]:
    """What the OCR said that it could not read: a person should look at those pages."""
    job = OcrJob.model_validate_json(objects.read(places.ocr_job))
    return [ReviewReason(code=ReasonCode.PAGES_UNREAD, message=f"OCR: {said}") for said in job.warnings]


def _in_short(reason: ReviewReason) -> str:
    """Code and field: what may stand in logs and in the execution, without any text of the document."""
    return f"{reason.code}: {reason.field}" if reason.field else str(reason.code)
