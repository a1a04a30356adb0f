"""Draw the pages: an image for people and a thumbnail for models, in ranges, one page in memory at a time."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple, Protocol

from recto.messages import ImagePlan, PagePlan, PageRange, PageWork, RangeDone
from recto.places import DocumentPlaces, Location, page_ranges
from recto.ports import ObjectStore

AT_ONCE = 5
"""Pages of a document that is drawn while it is planned: OCR waits no longer than a moment for that."""


class Drawing(Protocol):
    """A Pillow image, as far as this step uses it."""

    @property
    def size(self) -> tuple[int, int]: ...


class OpenPages(Protocol):
    """An open document: `recto.imaging.PageSource`."""

    @property
    def num_pages(self) -> int: ...

    @property
    def draw_for_file(self) -> Callable[[int, int], Any]: ...


class ThumbnailsFile(Protocol):
    """`recto.thumbnails.npz_of`."""

    def __call__(self, thumbnails: Sequence[bytes], *, is_whole_document: bool) -> bytes: ...


class PageImages(NamedTuple):
    """What the step works with."""

    objects: ObjectStore
    open_pages: Callable[[Path, str], AbstractContextManager[OpenPages]]
    work_bucket: str
    review_pixels: int
    """The longest side."""
    review_file: Callable[[Any], bytes]
    """A JPEG file of an image."""
    thumbnail_file: Callable[[Any, int], bytes]
    """A PNG file of the thumbnail of an open document's page."""
    thumbnails_file: ThumbnailsFile


def plan_pages(work: PageWork, step: PageImages) -> ImagePlan:
    """Open the document and count its pages: what cannot be read fails here, before anything is paid for.

    The pages of a short one are drawn while it is open, unless an endpoint must draw its thumbnails first.
    """
    places = DocumentPlaces(step.work_bucket, work.document.document_id, work.document.made_in)
    with _opened(work, step) as pages:
        plan = plan_of(pages.num_pages)
        step.objects.write(places.image_plan, json.dumps(plan.dump()).encode(), "application/json")
        if plan.num_pages > AT_ONCE or work.document.thumbnail_endpoint:
            return ImagePlan(num_pages=plan.num_pages, ranges=plan.ranges, to_draw=plan.ranges)
        for page_range in plan.ranges:
            _draw(pages, work.model_copy(update={"range": page_range}), step)
    return ImagePlan(num_pages=plan.num_pages, ranges=plan.ranges)


def plan_of(num_pages: int) -> PagePlan:
    ranges = enumerate(page_ranges(num_pages), 1)
    return PagePlan(
        num_pages=num_pages,
        ranges=tuple(PageRange(part=part, first=first, last=last) for part, (first, last) in ranges),
    )


def draw_range(work: PageWork, step: PageImages) -> RangeDone:
    """Draw one range's pages; store them, an index of their sizes, and their thumbnails in one file.

    The thumbnails only where no endpoint has drawn them already.
    """
    with _opened(work, step) as pages:
        return _draw(pages, work, step)


def _draw(pages: OpenPages, work: PageWork, step: PageImages) -> RangeDone:
    if work.range is None:
        raise ValueError("drawing needs a range")
    places = DocumentPlaces(step.work_bucket, work.document.document_id, work.document.made_in)
    numbers = range(work.range.first, work.range.last + 1)
    sizes = [_draw_page(pages, number, places, step) for number in numbers]
    if not work.document.thumbnail_endpoint:
        _draw_thumbnails(pages, numbers, places.thumbnails_part(work.range.part), step)
    index = {"Part": work.range.part, "Pages": sizes}
    step.objects.write(
        places.image_part_index(work.range.part), json.dumps(index).encode(), "application/json"
    )
    return RangeDone(part=work.range.part, num_pages=len(sizes))


def _draw_thumbnails(pages: OpenPages, numbers: range, place: Location, step: PageImages) -> None:
    thumbnails = [step.thumbnail_file(pages, number) for number in numbers]
    content = step.thumbnails_file(thumbnails, is_whole_document=pages.num_pages == 1)
    step.objects.write(place, content, "application/x-npz")


def _draw_page(pages: OpenPages, number: int, places: DocumentPlaces, step: PageImages) -> dict[str, int]:
    """The page's entry in the index."""
    image: Drawing = pages.draw_for_file(number, step.review_pixels)
    step.objects.write(places.image(number), step.review_file(image), "image/jpeg")
    width, height = image.size
    return {"Page": number, "Width": width, "Height": height}


@contextmanager
def _opened(work: PageWork, step: PageImages) -> Iterator[OpenPages]:
    source = work.document.source
    with TemporaryDirectory(prefix="recto-") as folder:
        path = Path(folder) / "document"
        step.objects.download(source, path)
        with step.open_pages(path, f"document {work.document.document_id} ({source.uri})") as pages:
            yield pages
