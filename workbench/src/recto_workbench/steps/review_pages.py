"""The document that a review or an operator looks at: how it is shown, and the words of its pages.

Words come from the page store, one ranged read a page, so 400 pages are never loaded at once. Links are
signed for some minutes, for the one document that is looked at. What a task names is looked for in the
inbox and among the documents' own objects, and nowhere else in our buckets: a task is what somebody wrote.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from recto.document import Page
from recto.errors import AccessError, ConfigurationError, DocumentMissingError
from recto.formats import PDF, format_of
from recto.pagestore import PageIndex, decode_page
from recto.places import DocumentPlaces, Location, MadeIn
from recto.ports import DocumentRow, ObjectInfo, ObjectStore
from recto_workbench.errors import RequestError
from recto_workbench.ports import Links

LINK_SECONDS = 900
HEAD_BYTES = 1024
SHOWN_AS_THEY_ARE = {".jpg", ".jpeg", ".png"}
KINDS = {
    ".pdf": "pdf",
    ".jpg": "images",
    ".jpeg": "images",
    ".png": "images",
    ".tif": "images",
    ".tiff": "images",
}
OF_DOCUMENTS = ("documents/", "corpora/")
"""In the work bucket: all that is derived from documents, and documents that backfills have taken in."""


class PageFiles(NamedTuple):
    """What showing a document works with."""

    objects: ObjectStore
    links: Links
    work_bucket: str
    inbox_bucket: str
    row: Callable[[str], DocumentRow | None] = lambda _: None
    """A document's row by its id: which version of the object was read is told there alone."""


@dataclass(frozen=True)
class Shown:
    """Where the parts of a document lie, as far as somebody has told."""

    source: Location | None
    kind: str = ""
    """`pdf` or `images`; empty: nobody has said."""
    num_pages: int = 0
    """0: nobody has said."""
    index: Location | None = None
    """Of the OCR's pages."""
    part: Callable[[int], Location | None] = lambda _: None
    image: Callable[[int], Location | None] = lambda _: None
    drawn: Callable[[int], Location | None] = lambda _: None
    """The pipeline's own picture of a page, for when the document itself is gone."""


def shown_by_task(task: Mapping[str, Any], files: PageFiles) -> Shown:
    """What a review's task says of its document; whatever is missing or not ours is left out."""
    told = _mapping(task.get("Document"))
    words = _mapping(task.get("Words"))
    parts = [_ours(uri, files) for uri in _texts(words.get("Parts"))]
    images = [_ours(uri, files) for uri in _texts(task.get("PageImages"))]
    pages = told.get("NumPages")
    places = _places(told, files)
    return Shown(
        source=_version_read(_ours(task.get("TaskObject"), files), places, told, files),
        kind=str(told.get("Kind") or ""),
        num_pages=pages if isinstance(pages, int) and pages > 0 else 0,
        index=_ours(words.get("Index"), files) or (places.ocr_index if places else None),
        part=lambda number: _part_of(parts, number) or (places.ocr_part(number) if places else None),
        image=lambda page: images[page - 1] if page <= len(images) else None,
        drawn=lambda page: places.image(page) if places else None,
    )


def shown_by_row(row: DocumentRow, files: PageFiles) -> Shown:
    """What the document's own row says."""
    places = DocumentPlaces(files.work_bucket, row.document_id, row.made_in)
    suffix = PurePosixPath(row.key).suffix.lower()
    kind = KINDS.get(suffix, "")
    return Shown(
        source=Location(bucket=row.bucket, key=row.key, version_id=row.version_id),
        kind=kind,
        index=places.ocr_index,
        part=places.ocr_part,
        # A browser shows a JPEG, a PNG and the pages of a PDF by itself.
        image=lambda page: None if kind == "pdf" or suffix in SHOWN_AS_THEY_ARE else places.image(page),
        drawn=places.image,
    )


def _places(told: Mapping[str, Any], files: PageFiles) -> DocumentPlaces | None:
    document = told.get("DocumentId")
    if not isinstance(document, str) or not document or "/" in document:
        return None
    try:
        made_in = MadeIn.model_validate(told.get("MadeIn") or {})
    except ValueError:
        made_in = MadeIn()
    return DocumentPlaces(files.work_bucket, document, made_in)


def _version_read(
    place: Location | None, places: DocumentPlaces | None, told: Mapping[str, Any], files: PageFiles
) -> Location | None:
    """The version that the fields were found in: the object may have been written over since."""
    row = files.row(told["DocumentId"]) if place and places else None
    if place is None or row is None or (row.bucket, row.key) != (place.bucket, place.key):
        return place
    return place.model_copy(update={"version_id": row.version_id})


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _texts(value: Any) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def _ours(uri: Any, files: PageFiles) -> Location | None:
    """The place that a task names; None for text that is none, and for what of ours is no document's."""
    try:
        place = Location.from_uri(uri if isinstance(uri, str) else "")
    except ValueError:
        return None
    is_hidden = place.bucket == files.work_bucket and not place.key.startswith(OF_DOCUMENTS)
    return None if is_hidden else place


def _part_of(parts: Sequence[Location | None], number: int) -> Location | None:
    """By its name, whatever the list's order."""
    name = f"/part-{number:04d}.bin"
    return next((part for part in parts if part and part.key.endswith(name)), None)


# ---- the document


def document_view(shown: Shown, files: PageFiles) -> dict[str, Any]:
    """How a browser shows it: `kind`, `url`, `pages`, and whether it is `missing`, with a message.

    Where the document was removed meanwhile, the pictures that the pipeline drew of its pages stand in.
    """
    index = _index(shown, files)
    pages = index.num_pages if index else shown.num_pages
    head, why = _head(shown, files)
    if head is None:
        message = why or "the document has been removed from the inbox; its page images are shown instead"
        return {"kind": "images", "url": None, "pages": pages, "missing": True, "message": message}
    kind = shown.kind if shown.kind in ("pdf", "images") else _kind_of(head)
    return {"kind": kind, "url": _link(shown.source, files), "pages": pages, "missing": False}


def _head(shown: Shown, files: PageFiles) -> tuple[bytes | None, str]:
    """The document's first bytes, or None and why there are none."""
    if shown.source is None:
        return None, "the task does not say where its document is; what was read of it is shown instead"
    try:
        info = _info(shown.source, files)
        if info is None:
            return None, ""
        if shown.kind in ("pdf", "images"):
            return b"", ""
        return files.objects.read_range(shown.source, 0, max(1, min(HEAD_BYTES, info.size))), ""
    except DocumentMissingError:
        return None, ""
    except (AccessError, ConfigurationError):
        bucket = shown.source.bucket
        return None, f"the document is in the bucket {bucket}, which the workbench may not read"


def _info(place: Location, files: PageFiles) -> ObjectInfo | None:
    """None where the object was removed, even where S3 keeps its versions: somebody wanted it gone."""
    latest = files.objects.info(Location(bucket=place.bucket, key=place.key))
    if latest is None or place.version_id in ("", latest.version_id):
        return latest
    return files.objects.info(place)


def _kind_of(head: bytes) -> str:
    return "pdf" if format_of(head) is PDF else "images"


def _link(place: Location | None, files: PageFiles) -> str | None:
    return files.links.to_read(place, LINK_SECONDS).url if place else None


# ---- one page


def page_view(shown: Shown, page: int, files: PageFiles) -> dict[str, Any]:
    """The words of page n and a link to its image; RequestError for a page that the document has not."""
    index = _index(shown, files)
    most = index.num_pages if index else shown.num_pages
    if page < 1 or (most and page > most):
        raise RequestError(f"page {page}: the document has the pages 1 to {most}")
    words = _words(shown, index, page, files) if index else []
    return {"page": page, "words": words, "image": _image(shown, page, files)}


def _index(shown: Shown, files: PageFiles) -> PageIndex | None:
    """None where the OCR has left none, or none any more."""
    try:
        return PageIndex.from_json(files.objects.read(shown.index)) if shown.index else None
    except (DocumentMissingError, AccessError):
        return None


def _words(shown: Shown, index: PageIndex, page: int, files: PageFiles) -> list[dict[str, Any]]:
    entry = index.entry(page)
    place = shown.part(entry.part)
    if place is None or not entry.num_words:
        return []
    try:
        stored = decode_page(files.objects.read_range(place, entry.offset, entry.length))
    except (DocumentMissingError, AccessError):
        return []
    return _as_json(stored)


def _as_json(stored: Page) -> list[dict[str, Any]]:
    """Ids need not be unique in what an OCR answers: those that repeat get their place on the page."""
    seen: set[str] = set()
    words = []
    for number, word in enumerate(stored.words):
        name = word.id if word.id and word.id not in seen else f"{word.id}#{number}"
        seen.add(name)
        box = [round(side, 5) for side in word.box]
        words.append({"id": name, "text": word.text, "box": box, "confidence": round(word.confidence, 4)})
    return words


def _image(shown: Shown, page: int, files: PageFiles) -> str | None:
    """The page's picture: the one that the task names, the document itself, or what the pipeline drew."""
    if named := shown.image(page):
        return _link(named, files)
    source = shown.source
    if source is not None and _is_there(source, files):
        is_picture = PurePosixPath(source.key).suffix.lower() in SHOWN_AS_THEY_ARE
        return _link(source, files) if is_picture and page == 1 else _drawn_unless_pdf(shown, page, files)
    return _drawn(shown, page, files)


def _drawn_unless_pdf(shown: Shown, page: int, files: PageFiles) -> str | None:
    return None if shown.kind == "pdf" else _drawn(shown, page, files)


def _drawn(shown: Shown, page: int, files: PageFiles) -> str | None:
    place = shown.drawn(page)
    return _link(place, files) if place is not None and _is_there(place, files) else None


def _is_there(place: Location, files: PageFiles) -> bool:
    try:
        return _info(place, files) is not None
    except (AccessError, ConfigurationError):
        return False
