"""Labelled pages to look at: the image with its boxes, the OCR's words, and the class that each word has.

One PNG for each page, or one HTML page that scrolls and needs nothing else: images are inside it, text is
escaped, nothing is loaded from elsewhere, its one script only hides and shows classes.
"""

import base64
import hashlib
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from html import escape
from pathlib import PurePosixPath
from typing import NamedTuple

from PIL import Image, ImageOps, UnidentifiedImageError

from recto.document import Word
from recto.errors import DamagedDocumentError, DocumentMissingError, ManifestError, RectoError
from recto.geometry import Box
from recto.manifests import ManifestLine, page_of
from recto.word_boxes import owner_of
from recto_data.collating import ocr_pages
from recto_data.drawing import Colour, Mark, colour_of, draw_marks
from recto_data.endings import document_of
from recto_data.page_labels import DrawnBox, PageLabels, page_labels
from recto_data.reports import Finding, Report, Status

WORD_COLOUR = (90, 90, 90)
LONGEST_SIDE = 1600
JPEG_QUALITY = 80
MAX_PIXELS = 100_000_000
SLANT = 0.02
"""How far the image's shape may be from that of the image that was labelled, before it is told."""
Read = Callable[[str], bytes]
"""Gives what a reference names."""


class ShownWord(NamedTuple):
    """A word of the OCR, and the box that it belongs to."""

    word: Word
    box: DrawnBox | None


class ShownPage(NamedTuple):
    """A labelled page with all that is drawn on it."""

    title: str
    name: str
    """Of its image, without an ending."""
    image: Image.Image
    labels: PageLabels
    words: tuple[ShownWord, ...]

    @property
    def classes(self) -> dict[str, int]:
        """The classes on the page by name."""
        return {box.name: box.class_id for box in self.labels.boxes}


class HowToShow(NamedTuple):
    label: str = ""
    """Name of the attribute; the only one unless told."""
    classes: Sequence[str] = ()
    """Only these; all unless told."""
    words: bool = True
    """Fetch the OCR's words."""
    blank: bool = False
    """Draw on white paper of the labelled size where the image, or the OCR, is not there."""


def pages_to_show(
    lines: Iterable[ManifestLine], read: Read, how: HowToShow | None = None, report: Report | None = None
) -> Iterator[ShownPage]:
    """Each page that can be shown; `report` hears of those that cannot, and of what is odd about others."""
    how, report = how or HowToShow(), report if report is not None else Report()
    ocr: dict[str, dict[int, tuple[Word, ...]]] = {}
    for line in lines:
        try:
            yield _page(line, read, how, report, ocr)
        except (RectoError, OSError) as error:
            report.findings.append(Finding.of_error(line.place, error))


def _page(
    line: ManifestLine,
    read: Read,
    how: HowToShow,
    report: Report,
    ocr: dict[str, dict[int, tuple[Word, ...]]],
) -> ShownPage:
    labels = page_labels(line, how.label)
    if how.classes:
        labels = labels._replace(boxes=tuple(box for box in labels.boxes if box.name in how.classes))
    known = page_of(line)
    image = _image(known.source_ref, labels, read, how)
    if odd := _other_shape(image, labels):
        report.add(line.place, Status.WARNING, odd)
    if labels.label_image:
        image = _overlaid(image, open_image(read(labels.label_image), labels.label_image))
    words: tuple[Word, ...] = ()
    if how.words and known.textract_ref and known.page_num:
        try:
            words = _words_of(_ocr_of(known.textract_ref, read, ocr), known.page_num, line)
        except DocumentMissingError:
            if not how.blank:
                raise
    page = f", page {known.page_num}" if known.page_num else ""
    title = f"{PurePosixPath(document_of(line.content)).name}{page}"
    name = PurePosixPath(known.source_ref).stem
    return ShownPage(title, name, image, labels, owned(words, labels.boxes))


def _image(ref: str, labels: PageLabels, read: Read, how: HowToShow) -> Image.Image:
    try:
        return open_image(read(ref), ref)
    except DocumentMissingError:
        if not how.blank or labels.image_size is None:
            raise
        width, height = map(round, labels.image_size)
        return Image.new("RGB", (width, height), "white")


def _ocr_of(
    ref: str, read: Read, known: dict[str, dict[int, tuple[Word, ...]]]
) -> dict[int, tuple[Word, ...]]:
    """The words of a document by page; only one document is kept, as its pages come one after the other."""
    if ref not in known:
        known.clear()
        known[ref] = {page.number: page.words for page in ocr_pages(read(ref), ref)}
    return known[ref]


def _words_of(pages: dict[int, tuple[Word, ...]], number: int, line: ManifestLine) -> tuple[Word, ...]:
    """A page without words may have no blocks at all; one past the last page is not there."""
    last = max(pages, default=0)
    if number > last:
        raise ManifestError(f"{line.place}: page {number}: its OCR result has {last} pages")
    return pages.get(number, ())


def owned(words: Iterable[Word], boxes: Sequence[DrawnBox]) -> tuple[ShownWord, ...]:
    """Each word with its box, by the rule that training has."""
    places = [(box.box, box.class_id) for box in boxes]
    owners = ((word, owner_of(word.box, places)) for word in words)
    return tuple(ShownWord(word, None if owner is None else boxes[owner]) for word, owner in owners)


def open_image(content: bytes, name: str) -> Image.Image:
    """Upright, in colours; DamagedDocumentError for what is no image or too large a one."""
    try:
        with Image.open(io.BytesIO(content)) as image:
            if image.width * image.height > MAX_PIXELS:
                raise DamagedDocumentError(f"{name}: {image.width} x {image.height} pixels are too many")
            return ImageOps.exif_transpose(image).convert("RGB")
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError) as error:
        raise DamagedDocumentError(f"{name}: cannot be shown as an image: {error}") from error


def _other_shape(image: Image.Image, labels: PageLabels) -> str:
    """What is odd where the labelled image had another shape; another size of the same shape is not."""
    if labels.image_size is None:
        return ""
    width, height = labels.image_size
    if abs(image.width / image.height * height / width - 1) <= SLANT:
        return ""
    return f"the image has {image.width} x {image.height} pixels, the labelled one had {width:g} x {height:g}"


def _overlaid(image: Image.Image, label_image: Image.Image) -> Image.Image:
    """Label images are white where there is nothing."""
    return Image.blend(image, label_image.resize(image.size, Image.Resampling.NEAREST), 0.4)


# --- PNG --------------------------------------------------------------------------------------------


def as_picture(page: ShownPage) -> Image.Image:
    """The page with its boxes and their classes beside it; words of a class are framed in its colour."""
    boxes = [
        Mark(_told(box), colour_of(box.class_id), *_pixels(box.box, page.image)) for box in page.labels.boxes
    ]
    words = [
        Mark("", colour_of(box.class_id) if box else WORD_COLOUR, *_pixels(word.box, page.image))
        for word, box in page.words
    ]
    whole = [Mark(name, WORD_COLOUR, 0, 0, 0, 0) for name in page.labels.classes]
    return draw_marks(page.image, [*words, *boxes, *whole], page.labels.colours)


def _pixels(box: Box, image: Image.Image) -> tuple[float, float, float, float]:
    return box.left * image.width, box.top * image.height, box.right * image.width, box.bottom * image.height


def _told(box: DrawnBox) -> str:
    return box.name if box.confidence is None else f"{box.name} {box.confidence:.0%}"


# --- HTML -------------------------------------------------------------------------------------------

STYLE = """
body { font: 15px/1.4 system-ui, sans-serif; margin: 0; color: #222; background: #f4f4f4; }
header { position: sticky; top: 0; z-index: 1; background: #fff; padding: 8px 16px; }
header label { display: inline-block; margin-right: 14px; white-space: nowrap; }
.key { display: inline-block; width: 1em; height: 1em; vertical-align: -2px; border: 1px solid #222; }
section { margin: 16px; }
h2 { font-size: 16px; overflow-wrap: anywhere; }
figure { margin: 0; position: relative; max-width: 1200px; background: #fff; }
figure img, figure svg { display: block; width: 100%; }
figure svg { position: absolute; inset: 0; height: 100%; }
rect { vector-effect: non-scaling-stroke; }
.word { fill: transparent; stroke: #5a5a5a; stroke-width: 0.6; }
.box { fill-opacity: 0.12; stroke-width: 2; }
.hidden { display: none; }
table { border-collapse: collapse; margin: 8px 0; } td { padding: 2px 12px 2px 0; vertical-align: top; }
""".strip()
SCRIPT = """
for (const box of document.querySelectorAll("header input")) {
  box.addEventListener("change", () => {
    for (const one of document.querySelectorAll("[data-class]")) {
      if (one.dataset.class === box.value) one.classList.toggle("hidden", !box.checked);
    }
  });
}
""".strip()


def as_html(pages: Iterable[ShownPage], title: str) -> Iterator[str]:
    """The parts of an HTML page that shows all of them, written as they come."""
    shown = list(pages)
    classes = {name: number for page in shown for name, number in page.classes.items()}
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    yield (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        f"<style>{STYLE}</style></head>\n<body>"
    )
    yield f"<header>{''.join(_key(name, number) for name, number in sorted(classes.items(), key=_by_number))}"
    yield f"{_key('', -1)}</header>\n<main>"
    for page in shown:
        yield _section(page)
    yield f"</main>\n<script>{SCRIPT}</script></body></html>\n"


def _by_number(pair: tuple[str, int]) -> tuple[int, str]:
    return pair[1], pair[0]


def _key(name: str, number: int) -> str:
    """A class of the legend, to be hidden and shown; words in no box have the empty name."""
    colour = f'<span class="key" style="background:{_css(number)}"></span> ' if number >= 0 else ""
    told = escape(name) if number >= 0 else "other words"
    return f'<label><input type="checkbox" checked value="{escape(name)}"> {colour}{told}</label>'


def _section(page: ShownPage) -> str:
    rects = [
        _rect(word.box, box.name if box else "", _word_told(word, box), "word") for word, box in page.words
    ]
    rects += [
        _rect(box.box, box.name, _told(box), "box", f"fill:{_css(box.class_id)};stroke:{_css(box.class_id)}")
        for box in page.labels.boxes
    ]
    classes = f"<p>{escape(', '.join(page.labels.classes))}</p>" if page.labels.classes else ""
    painted = " ".join(_colour_key(name, colour) for name, colour in page.labels.colours)
    classes += f"<p>{painted}</p>" if painted else ""
    return (
        f"<section><h2>{escape(page.title)}</h2>{classes}<figure>"
        f'<img alt="{escape(page.title)}" src="data:image/jpeg;base64,{_jpeg(page.image)}">'
        f'<svg viewBox="0 0 1 1" preserveAspectRatio="none">{"".join(rects)}</svg></figure>'
        f"{_table(page)}</section>"
    )


def _rect(box: Box, name: str, told: str, kind: str, style: str = "") -> str:
    place = f'x="{box.left:.5f}" y="{box.top:.5f}" width="{box.width:.5f}" height="{box.height:.5f}"'
    styled = f' style="{style}"' if style else ""
    title = f"<title>{escape(told)}</title>"
    return f'<rect class="{kind}" data-class="{escape(name)}" {place}{styled}>{title}</rect>'


def _word_told(word: Word, box: DrawnBox | None) -> str:
    return f"{word.text} ({box.name})" if box else word.text


def _table(page: ShownPage) -> str:
    """What each class says on the page: the words of each of its boxes."""
    texts: dict[DrawnBox, list[str]] = {box: [] for box in page.labels.boxes}
    for word, box in page.words:
        if box is not None:
            texts[box].append(word.text)
    rows = "".join(
        f'<tr data-class="{escape(box.name)}"><td><span class="key" style="background:{_css(box.class_id)}">'
        f"</span> {escape(_told(box))}</td><td>{escape(' '.join(words))}</td></tr>"
        for box, words in texts.items()
    )
    return f"<table>{rows}</table>" if rows else ""


def _colour_key(name: str, colour: Colour) -> str:
    return f'<span class="key" style="background:{_hex(colour)}"></span> {escape(name)}'


def _css(class_id: int) -> str:
    return _hex(colour_of(class_id))


def _hex(colour: Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)


def _jpeg(image: Image.Image) -> str:
    """Small enough for many pages in one file."""
    small = image.copy()
    small.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=JPEG_QUALITY)
    return base64.b64encode(buffer.getvalue()).decode()
