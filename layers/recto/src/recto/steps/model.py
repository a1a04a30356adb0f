"""Let the word model look at the pages, in ranges; check first that no page was lost on the way here."""

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

from recto.document import Page, PagePredictions
from recto.errors import DocumentMissingError, PageCountMismatchError, ReleaseError
from recto.messages import ModelPlan, PagePlan, PageRange, PageWork, RangeDone
from recto.pagestore import PageIndex, PartWriter
from recto.places import DocumentPlaces, Location
from recto.ports import ObjectStore
from recto.release import INDEX, parse_release
from recto.steps.page_images import plan_of
from recto.steps.stored_pages import stored_pages

JSON_TYPE = "application/json"


class Classifier(Protocol):
    """`recto.inference.WordClassifier`, as far as this step uses it."""

    def predict_pages(self, pages: Iterable[Page]) -> Iterator[PagePredictions]: ...


class ModelInvoke(NamedTuple):
    """What the step works with."""

    objects: ObjectStore
    classifier: Callable[[str], Classifier]
    """The model of a release, by the release's prefix."""
    work_bucket: str


def plan_ranges(work: PageWork, objects: ObjectStore, work_bucket: str) -> ModelPlan:
    """The ranges to work on, and where; PageCountMismatchError unless OCR and images have the same pages.

    Where is what the release says: it never changes, so with it the back-end is pinned as well.
    """
    places = DocumentPlaces(work_bucket, work.document.document_id, work.document.made_in)
    num_ocr = PageIndex.from_json(objects.read(places.ocr_index)).num_pages
    planned = PagePlan.model_validate_json(objects.read(places.image_plan))
    num_drawn = sum(_num_drawn(places, page_range.part, objects) for page_range in planned.ranges)
    if not num_ocr == num_drawn == planned.num_pages:
        raise PageCountMismatchError(
            f"document {work.document.document_id}: {planned.num_pages} pages were planned, "
            f"{num_ocr} came out of OCR and {num_drawn} were drawn"
        )
    release = parse_release(read_release_file(objects, work_bucket, work.document.release, INDEX))
    plan = plan_of(num_ocr)
    return ModelPlan(
        num_pages=plan.num_pages, ranges=plan.ranges, backend=release.backend, endpoint=release.endpoint
    )


def classify_short(work: PageWork, plan: ModelPlan, step: ModelInvoke) -> ModelPlan:
    """The plan; where it is one range for the embedded model, with that range's words classified."""
    if plan.backend != "embedded" or len(plan.ranges) > 1:
        return plan
    classify_range(work.model_copy(update={"range": plan.ranges[0]}), step)
    return plan.model_copy(update={"done": True})


def _num_drawn(places: DocumentPlaces, part: int, objects: ObjectStore) -> int:
    return len(json.loads(objects.read(places.image_part_index(part)))["Pages"])


def classify_range(work: PageWork, step: ModelInvoke) -> RangeDone:
    """Predictions for one range's pages, one part object."""
    if work.range is None:
        raise ValueError("classify_range needs a range")
    places = DocumentPlaces(step.work_bucket, work.document.document_id, work.document.made_in)
    index = PageIndex.from_json(step.objects.read(places.ocr_index))
    classifier = step.classifier(work.document.release)
    writer = PartWriter(work.range.part, work.range.first)
    pages = stored_pages(step.objects, places, index, work.range.first, work.range.last)
    for predictions in classifier.predict_pages(pages):
        writer.add_predictions(predictions)
    _require_all_pages(work.document.document_id, work.range, writer.num_pages)
    content, entries = writer.finish()
    step.objects.write(places.predictions_part(work.range.part), content)
    place = places.predictions_part_index(work.range.part)
    step.objects.write(place, PageIndex(pages=entries, release=work.document.release).to_json(), JSON_TYPE)
    return RangeDone(part=work.range.part, num_pages=writer.num_pages)


def _require_all_pages(document: str, pages: PageRange, num_classified: int) -> None:
    """Here and not where the ranges join: later it would not be known which range lost one."""
    expected = pages.last - pages.first + 1
    if num_classified != expected:
        raise PageCountMismatchError(
            f"document {document}: pages {pages.first} to {pages.last} went into the model, {expected} pages,"
            f" and {num_classified} came out"
        )


def download_release(objects: ObjectStore, work_bucket: str, prefix: str, folder: Path) -> Path:
    """A release's files in a folder of this machine; ReleaseError where one is missing."""
    read = read_release_file(objects, work_bucket, prefix, INDEX)
    folder.mkdir(parents=True, exist_ok=True)
    for name in parse_release(read).files:
        (folder / name).write_bytes(read_release_file(objects, work_bucket, prefix, name))
    (folder / INDEX).write_bytes(read)
    return folder


def read_release_file(objects: ObjectStore, work_bucket: str, prefix: str, name: str) -> bytes:
    """One file of a release."""
    if not prefix or "/" in name or name.startswith("."):
        raise ReleaseError(f"expected a release's prefix and a plain file name, got {prefix!r} and {name!r}")
    place = Location(bucket=work_bucket, key=f"{prefix.rstrip('/')}/{name}")
    try:
        return objects.read(place)
    except DocumentMissingError as error:
        raise ReleaseError(f"release {prefix}: {name} is missing at {place.uri}") from error
