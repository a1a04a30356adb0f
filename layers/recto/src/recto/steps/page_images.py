"""Draw the pages: an image for people and a thumbnail each, in ranges, one page in memory at a time."""

import io
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple, Protocol

from recto.messages import PagePlan, PageRange, PageWork, RangeDone
from recto.places import DocumentPlaces, page_ranges
from recto.ports import ObjectStore

JPEG_QUALITY = 85


class Drawing(Protocol):
    """A Pillow image, as far as this step uses it."""

    @property
    def size(self) -> tuple[int, int]: ...

    def copy(self) -> Any: ...

    def save(self, fp: Any, kind: str, /, **options: Any) -> None: ...


class OpenPages(Protocol):
    """An open document: `recto.imaging.PageSource`."""

    @property
    def num_pages(self) -> int: ...

    @property
    def draw(self) -> Callable[[int, int], Any]: ...


class PageImages(NamedTuple):
    """What the step works with; sizes are the longest side in pixels."""

    objects: ObjectStore
    open_pages: Callable[[Path, str], AbstractContextManager[OpenPages]]
    work_bucket: str
    review_pixels: int
    thumbnail_pixels: int


def plan_pages(work: PageWork, step: PageImages) -> PagePlan:
    """Open the document and count its pages: what cannot be read fails here, before anything is paid for."""
    places = DocumentPlaces(step.work_bucket, work.document.document_id, work.document.made_in)
    with _opened(work, step) as pages:
        num_pages = pages.num_pages
    plan = plan_of(num_pages)
    step.objects.write(places.image_plan, json.dumps(plan.dump()).encode(), "application/json")
    return plan


def plan_of(num_pages: int) -> PagePlan:
    ranges = enumerate(page_ranges(num_pages), 1)
    return PagePlan(
        num_pages=num_pages,
        ranges=tuple(PageRange(part=part, first=first, last=last) for part, (first, last) in ranges),
    )


def draw_range(work: PageWork, step: PageImages) -> RangeDone:
    """Draw one range's pages and store an index of their sizes."""
    if work.range is None:
        raise ValueError("draw_range needs a range")
    places = DocumentPlaces(step.work_bucket, work.document.document_id, work.document.made_in)
    numbers = range(work.range.first, work.range.last + 1)
    with _opened(work, step) as pages:
        sizes = [_draw_page(pages, number, places, step) for number in numbers]
    index = {"Part": work.range.part, "Pages": sizes}
    step.objects.write(
        places.image_part_index(work.range.part), json.dumps(index).encode(), "application/json"
    )
    return RangeDone(part=work.range.part, num_pages=len(sizes))


def _draw_page(pages: OpenPages, number: int, places: DocumentPlaces, step: PageImages) -> dict[str, int]:
    image: Drawing = pages.draw(number, step.review_pixels)
    step.objects.write(places.image(number), encoded(image, "JPEG", quality=JPEG_QUALITY), "image/jpeg")
    width, height = image.size
    small = image.copy()
    small.thumbnail((step.thumbnail_pixels, step.thumbnail_pixels))
    step.objects.write(places.thumbnail(number), encoded(small, "PNG"), "image/png")
    return {"Page": number, "Width": width, "Height": height}


def encoded(image: Drawing, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


@contextmanager
def _opened(work: PageWork, step: PageImages) -> Iterator[OpenPages]:
    source = work.document.source
    with TemporaryDirectory(prefix="recto-") as folder:
        path = Path(folder) / "document"
        step.objects.download(source, path)
        with step.open_pages(path, f"document {work.document.document_id} ({source.uri})") as pages:
            yield pages
