"""Damages real documents in ways that a seed draws, each with what may become of it; and reads them as
`page_images` does.

The bytes follow from the sources, the seed and the number alone. A damage that leaves open whether a reader
copes may end as a result or as any refusal by name; one whose end is known says which. Nothing here starts
a process: see `fuzzing.py` and `poison.py`.
"""

import random
import re
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfgen.canvas import Canvas

from recto.errors import DocumentError
from recto.formats import JPEG, PDF, PNG, TIFF, format_of
from recto.imaging import Limits, as_jpeg, open_pages
from recto.messages import DocumentRef, PageWork
from recto.places import Location
from recto.ports import ObjectInfo
from recto.steps.page_images import PageImages, draw_range, plan_pages
from recto.thumbnails import Fit, ThumbnailStyle, encoded_thumbnail, npz_of

RESULT = "result"
TOO_LARGE, DAMAGED, ENCRYPTED = "DocumentTooLargeError", "DamagedDocumentError", "EncryptedDocumentError"
UNSUPPORTED, EMPTY = "UnsupportedDocumentError", "EmptyDocumentError"
REFUSED = frozenset({TOO_LARGE, DAMAGED, ENCRYPTED, UNSUPPORTED, EMPTY})
OPEN = REFUSED | {RESULT}
"""A reader may cope or not; what counts is that it says so by name."""
MOST_SOURCE_BYTES, MOST_SOURCE_PAGES = 400_000, 12
WORK = "recto-fuzzing"

Chance = random.Random
Change = Callable[[bytes, Chance], bytes]


class Damage(NamedTuple):
    """A way to spoil a document, and what may become of it."""

    name: str
    change: Change
    expected: frozenset[str] = OPEN


class Damaged(NamedTuple):
    """A spoiled document."""

    name: str
    """Number, damage and source; a file name."""
    body: bytes
    expected: frozenset[str]


class Source(NamedTuple):
    """A real document."""

    name: str
    body: bytes
    is_plain: bool
    """Whether it comes through as it is; so does its copy under another name, then."""


def damaged_documents(sources: Sequence[Source], seed: int) -> Iterator[Damaged]:
    """Spoiled documents without end, all damages in turn in a drawn order, each on a source of its format."""
    by_format = {
        kind: [source for source in sources if format_of(source.body[:1024]) is kind]
        for kind in (PDF, TIFF, JPEG, PNG)
    }
    fitting = [(damage, kind) for kind, damages in DAMAGES.items() if by_format[kind] for damage in damages]
    Chance(f"{seed}").shuffle(fitting)
    number = 0
    while fitting:
        for damage, kind in fitting:
            chance = Chance(f"{seed}-{number}")
            source = chance.choice(by_format[kind])
            yield _damaged(number, damage, kind.name.lower(), source, chance)
            number += 1


def _damaged(number: int, damage: Damage, kind: str, source: Source, chance: Chance) -> Damaged:
    stem = re.sub(r"[^a-z0-9]+", "-", Path(source.name).stem.lower())[:40]
    expected = damage.expected
    if damage.name == "another-extension":
        kind, expected = (
            chance.choice(("pdf", "tif", "jpg", "png", "txt")),
            expected if source.is_plain else OPEN,
        )
    body = damage.change(source.body, chance)
    return Damaged(f"{number:06}-{damage.name}-{stem}.{kind}", body, expected)


# ---- any format


def _cut(body: bytes, chance: Chance) -> bytes:
    return body[: max(1, int(len(body) * chance.random()))]


def _cut_near_end(body: bytes, chance: Chance) -> bytes:
    return body[: -chance.randint(1, min(64, len(body) - 1))]


def _flipped(body: bytes, chance: Chance) -> bytes:
    """Single bits, few or many."""
    spoiled = bytearray(body)
    for _ in range(chance.choice((1, 4, 16, 64, 512))):
        spoiled[chance.randrange(len(spoiled))] ^= 1 << chance.randrange(8)
    return bytes(spoiled)


def _flipped_head(body: bytes, chance: Chance) -> bytes:
    """Where a format keeps what its readers believe first."""
    spoiled = bytearray(body)
    for _ in range(chance.choice((1, 2, 4, 8))):
        spoiled[chance.randrange(4, min(512, len(spoiled)))] = chance.choice((0, 1, 0x7F, 0x80, 0xFF))
    return bytes(spoiled)


def _zeros(body: bytes, chance: Chance) -> bytes:
    """A hole, as an interrupted copy leaves."""
    start = chance.randrange(len(body))
    length = chance.randint(1, max(1, len(body) // 4))
    return body[:start] + bytes(min(length, len(body) - start)) + body[start + length :]


def _moved(body: bytes, chance: Chance) -> bytes:
    """A piece taken out and put in elsewhere, so that all offsets behind it are wrong."""
    start = chance.randrange(len(body))
    piece = body[start : start + chance.randint(1, 4096)]
    rest = body[:start] + body[start + len(piece) :]
    at = chance.randrange(len(rest) + 1)
    return rest[:at] + piece + rest[at:]


def _doubled(body: bytes, chance: Chance) -> bytes:
    start = chance.randrange(len(body))
    piece = body[start : start + chance.randint(1, 4096)]
    return body[:start] + piece * chance.choice((2, 3, 50)) + body[start + len(piece) :]


def _as_text_mode(body: bytes, _: Chance) -> bytes:
    """What a transfer in text mode leaves."""
    return body.replace(b"\n", b"\r\n")


ANY = (
    Damage("cut", _cut),
    Damage("cut-near-end", _cut_near_end),
    Damage("bits", _flipped),
    Damage("head", _flipped_head),
    Damage("hole", _zeros),
    Damage("moved", _moved),
    Damage("doubled", _doubled),
    Damage("text-mode", _as_text_mode),
    Damage("another-extension", lambda body, _: body, frozenset({RESULT})),
    Damage("empty", lambda _, __: b"", frozenset({EMPTY})),
    Damage("html", lambda _, __: b"<!doctype html><title>Sign in</title>" * 40, frozenset({UNSUPPORTED})),
)


# ---- PDF


def _digits(pattern: bytes, new: Callable[[Chance, int], int]) -> Change:
    """Each number that a pattern finds perhaps replaced by another, as wide as before if it can be."""

    def change(body: bytes, chance: Chance) -> bytes:
        def other(match: re.Match[bytes]) -> bytes:
            if chance.random() > 0.6:
                return match[0]
            told = str(new(chance, int(match[1][:18]))).encode()
            return match[0].replace(match[1], told.ljust(len(match[1])))

        return re.sub(pattern, other, body)

    return change


def _wild(chance: Chance, value: int) -> int:
    return chance.choice((0, 1, -1, value + 1, value * 2, 65_535, 2**31 - 1, 2**31, 2**32, 10**12))


def _names(body: bytes, chance: Chance) -> bytes:
    """Names of dictionaries exchanged: an object is taken for another."""
    names = [b"/Page", b"/Pages", b"/Catalog", b"/Font", b"/XObject", b"/Image", b"/Form", b"/ObjStm",
             b"/XRef", b"/FlateDecode", b"/DCTDecode", b"/LZWDecode", b"/CCITTFaxDecode", b"/Kids",
             b"/Parent", b"/Contents", b"/Resources", b"/DeviceRGB", b"/Indexed"]  # fmt: skip
    present = [name for name in names if name in body]
    for _ in range(min(3, len(present))):
        body = body.replace(chance.choice(present), chance.choice(names), chance.choice((1, 3, 1000)))
    return body


def _references(body: bytes, chance: Chance) -> bytes:
    """References that point to another object, one that is not there, or their own."""

    def other(match: re.Match[bytes]) -> bytes:
        if chance.random() > 0.3:
            return match[0]
        return f"{chance.choice((0, 1, 2, int(match[1]) + 1, 99_999))} 0 R".encode()

    return re.sub(rb"(\d{1,6}) 0 R", other, body)


def _page_tree(kids: Callable[[int], str], depth: int) -> bytes:
    """A page tree of nodes, written by hand: node n holds what `kids(n)` says."""
    nodes = [
        f"{n} 0 obj\n<< /Type /Pages /Kids [{kids(n)}] /Count 1 >>\nendobj\n" for n in range(2, 2 + depth)
    ]
    leaf = f"{2 + depth} 0 obj\n<< /Type /Page /Parent {1 + depth} 0 R /MediaBox [0 0 200 100] >>\nendobj\n"
    return ("%PDF-1.7\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n" + "".join(nodes) + leaf
            + f"trailer << /Root 1 0 R /Size {3 + depth} >>\n%%EOF\n").encode()  # fmt: skip


def _deep_tree(_: bytes, chance: Chance) -> bytes:
    return _page_tree(lambda n: f"{n + 1} 0 R", chance.choice((30, 500, 5000)))


def _looped_tree(_: bytes, chance: Chance) -> bytes:
    depth = chance.randint(1, 5)
    return _page_tree(lambda n: f"{n + 1} 0 R" if n < 1 + depth else "2 0 R", depth)


def _wide_tree(_: bytes, chance: Chance) -> bytes:
    """Nodes that each name their successor many times: few bytes, many pages."""
    times = chance.choice((8, 30))
    return _page_tree(lambda n: f"{n + 1} 0 R " * times, chance.choice((4, 12)))


def _large_page(_: bytes, chance: Chance) -> bytes:
    side = chance.choice((20_000, 10**6))
    return (f"%PDF-1.7\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n2 0 obj\n<< /Type /Pages /Kids "
            f"[3 0 R] /Count 1 >>\nendobj\n3 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {side} 99] >>"
            "\nendobj\ntrailer << /Root 1 0 R /Size 4 >>\n%%EOF\n").encode()  # fmt: skip


def _locked(_: bytes, chance: Chance) -> bytes:
    buffer = BytesIO()
    lock = StandardEncryption(f"word-{chance.random()}", strength=chance.choice((40, 128)))
    page = Canvas(buffer, encrypt=lock, invariant=1)
    page.drawString(100, 700, "for those who know the word")
    page.save()
    return buffer.getvalue()


PDF_DAMAGES = (
    Damage("lengths", _digits(rb"/Length (\d+)", _wild)),
    Damage("counts", _digits(rb"/Count (\d+)", _wild)),
    Damage("image-sizes", _digits(rb"/(?:Width|Height|BitsPerComponent|Columns|Colors) (\d+)", _wild)),
    Damage("stream-parameters", _digits(rb"/(?:Predictor|First|N|Size|Prev|Index|W) \[?(\d+)", _wild)),
    Damage("offsets", _digits(rb"(\d{10}) \d{5} n", lambda chance, value: value + chance.randrange(99))),
    Damage("start-of-references", _digits(rb"startxref\s+(\d+)", _wild)),
    Damage("object-numbers", _digits(rb"\n(\d+) 0 obj", _wild)),
    Damage("names", _names),
    Damage("references", _references),
    Damage("deep-tree", _deep_tree),
    Damage("looped-tree", _looped_tree),
    Damage("wide-tree", _wide_tree),
    Damage("large-page", _large_page, frozenset({TOO_LARGE})),
    Damage("locked", _locked, frozenset({ENCRYPTED})),
)  # fmt: skip


# ---- JPEG


def _jpeg_segments(body: bytes) -> Iterator[tuple[int, int]]:
    """Marker and offset of each segment before the pixels."""
    at = 2
    while at + 4 <= len(body) and body[at] == 0xFF:
        marker = body[at + 1]
        yield marker, at
        if marker == 0xDA:
            return
        at += 2 + struct.unpack_from(">H", body, at + 2)[0]


def _frame_head(body: bytes) -> int:
    """Where the frame's height stands."""
    return next((at + 5 for marker, at in _jpeg_segments(body) if marker in (0xC0, 0xC1, 0xC2)), 0)


def _jpeg_size(body: bytes, chance: Chance) -> bytes:
    at = _frame_head(body)
    return (
        body[:at] + struct.pack(">HH", *chance.choice(((65_500, 65_500), (20_000, 11_000)))) + body[at + 4 :]
    )


def _jpeg_other_size(body: bytes, chance: Chance) -> bytes:
    at = _frame_head(body)
    size = struct.pack(">HH", *chance.choice(((0, 0), (1, 1), (9_999, 9_999), (9_999, 1), (1, 9_999))))
    return body[:at] + size + body[at + 4 :]


def _jpeg_segment(body: bytes, chance: Chance) -> bytes:
    """A segment that lies about its length, or is gone."""
    _, at = chance.choice(list(_jpeg_segments(body)) or [(0, 2)])
    if chance.random() < 0.3:
        length = struct.unpack_from(">H", body, at + 2)[0]
        return body[:at] + body[at + 2 + length :]
    return body[: at + 2] + struct.pack(">H", chance.choice((0, 1, 2, 3, 0x7FFF, 0xFFFF))) + body[at + 4 :]


JPEG_DAMAGES = (
    Damage("size-large", _jpeg_size, frozenset({TOO_LARGE})),
    Damage("size-other", _jpeg_other_size),
    Damage("segment", _jpeg_segment),
    Damage("no-end", lambda body, _: body.removesuffix(b"\xff\xd9")),
)


# ---- PNG


def _png_chunks(body: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Kind, offset and length of each chunk."""
    at = 8
    while at + 12 <= len(body):
        length = struct.unpack_from(">I", body, at)[0]
        yield body[at + 4 : at + 8], at, length
        at += 12 + length


def _png_head(body: bytes, *numbers: int) -> bytes:
    """Another width, height, depth, colour, compression, filter and interlacing, with the right checksum."""
    head = struct.pack(">IIBBBBB", *numbers)
    return body[:16] + head + struct.pack(">I", zlib.crc32(b"IHDR" + head)) + body[33:]


def _png_size(body: bytes, chance: Chance) -> bytes:
    rest = struct.unpack_from(">BBBBB", body, 24)
    return _png_head(body, *chance.choice(((2**31 - 1, 2**31 - 1), (60_000, 60_000), (10_001, 5))), *rest)


def _png_kind(body: bytes, chance: Chance) -> bytes:
    """Another depth, colour type or interlacing than the pixels have."""
    width, height = struct.unpack_from(">II", body, 16)
    return _png_head(
        body, chance.choice((width, 1, 9_999)), chance.choice((height, 1, 9_999)),
        chance.choice((1, 2, 8, 16, 3)), chance.choice((0, 2, 3, 4, 6, 7)), 0, 0, chance.choice((0, 1)),
    )  # fmt: skip


def _png_chunk(body: bytes, chance: Chance) -> bytes:
    """A chunk gone, twice there, or with a length that is not its own."""
    _, at, length = chance.choice(list(_png_chunks(body)))
    way = chance.choice(("gone", "twice", "length"))
    whole = body[at : at + 12 + length]
    if way == "length":
        return (
            body[:at]
            + struct.pack(">I", chance.choice((0, length + 1, 2**31 - 1, 2**32 - 1)))
            + body[at + 4 :]
        )
    return body[:at] + (whole * 2 if way == "twice" else b"") + body[at + len(whole) :]


def _png_text_bomb(body: bytes, chance: Chance) -> bytes:
    """A compressed comment that unpacks to far more than it says."""
    packed = b"Comment\0\0" + zlib.compress(bytes(chance.choice((2, 64)) * 1024 * 1024), 9)
    chunk = struct.pack(">I", len(packed)) + b"zTXt" + packed
    return body[:33] + chunk + struct.pack(">I", zlib.crc32(b"zTXt" + packed)) + body[33:]


PNG_DAMAGES = (
    Damage("size-large", _png_size, frozenset({TOO_LARGE})),
    Damage("kind", _png_kind),
    Damage("chunk", _png_chunk),
    Damage("comment-bomb", _png_text_bomb),
)


# ---- TIFF


def _tiff_entries(body: bytes) -> tuple[str, list[int], list[int]]:
    """Byte order, offsets of all entries, and offsets of the pointers from directory to directory."""
    order = "<" if body[:2] == b"II" else ">"
    entries, pointers, at = [], [4], struct.unpack_from(order + "I", body, 4)[0]
    while 0 < at + 2 <= len(body) and len(pointers) < 100:
        count = struct.unpack_from(order + "H", body, at)[0]
        following = at + 2 + 12 * count
        if following + 4 > len(body):
            break
        entries += range(at + 2, following, 12)
        pointers.append(following)
        at = struct.unpack_from(order + "I", body, following)[0] or -2
    return order, entries, pointers


def _tiff_loop(body: bytes, _: Chance) -> bytes:
    """A directory that names itself or an earlier one as the next."""
    order, _, pointers = _tiff_entries(body)
    target = struct.unpack_from(order + "I", body, pointers[0])[0]
    return _written(body, pointers[-1], order + "I", target)


def _tiff_entry(body: bytes, chance: Chance) -> bytes:
    """Entries with another tag, type, count or value."""
    order, entries, _ = _tiff_entries(body)
    for _ in range(chance.choice((1, 1, 3))):
        if not entries:
            return body
        at, field = chance.choice(entries), chance.randrange(4)
        if field < 2:
            body = _written(
                body, at + 2 * field, order + "H", chance.choice((0, 1, 3, 4, 12, 16, 256, 65_535))
            )
        else:
            value = chance.choice((0, 1, 2, 65_535, 2**31 - 1, 2**32 - 1, chance.randrange(len(body))))
            body = _written(body, at + 4 * (field - 1), order + "I", value)
    return body


def _tiff_tag(tags: Sequence[int], values: Sequence[int]) -> Change:
    """Other values for some tags, as whole numbers of four bytes."""

    def change(body: bytes, chance: Chance) -> bytes:
        order, entries, _ = _tiff_entries(body)
        for at in entries:
            if struct.unpack_from(order + "H", body, at)[0] in tags:
                body = _written(body, at + 2, order + "HII", 4, 1, chance.choice(values))
        return body

    return change


def _written(body: bytes, at: int, form: str, *values: int) -> bytes:
    changed = bytearray(body)
    if at + struct.calcsize(form) <= len(changed):
        struct.pack_into(form, changed, at, *values)
    return bytes(changed)


WIDTH, LENGTH, BITS, COMPRESSION, PHOTOMETRIC = 256, 257, 258, 259, 262
STRIPS, SAMPLES, ROWS, STRIP_BYTES, PLANAR, PREDICTOR = 273, 277, 278, 279, 284, 317
TIFF_DAMAGES = (
    Damage("loop", _tiff_loop),
    Damage("entry", _tiff_entry),
    Damage("size-large", _tiff_tag((WIDTH, LENGTH), (100_000, 2**31 - 1))),
    Damage("size-other", _tiff_tag((WIDTH, LENGTH), (0, 1, 9_000))),
    Damage("strips", _tiff_tag((STRIPS, STRIP_BYTES, ROWS), (0, 1, 8, 2**31 - 1, 2**32 - 1))),
    Damage("kind", _tiff_tag((BITS, PHOTOMETRIC, SAMPLES, PLANAR, PREDICTOR), (0, 1, 2, 3, 4, 8, 16, 32))),
    Damage("compression", _tiff_tag((COMPRESSION,), (0, 1, 2, 3, 4, 5, 6, 7, 8, 34_712, 50_000, 32_773))),
)  # fmt: skip

DAMAGES = {
    PDF: (*ANY, *PDF_DAMAGES),
    TIFF: (*ANY, *TIFF_DAMAGES),
    JPEG: (*ANY, *JPEG_DAMAGES),
    PNG: (*ANY, *PNG_DAMAGES),
}


# ---- sources


def real_sources(data: Path, contracts: int = 40) -> list[Source]:
    """Real PDFs, TIFFs, JPEGs and PNGs, small ones; some of the PDFs are odd to begin with.

    Contracts have several pages, which matters to those who read them by OCR.
    """
    plain = [
        *sorted((data / "kleister-nda" / "documents").glob("*.pdf"))[:contracts],
        *sorted((data / "inputs" / "invoices").glob("*.p*")),
        *sorted((data / "sroie" / "img").glob("*.jpg"))[:20],
    ]
    odd = sorted(path for path in (data / "inputs" / "odd").rglob("*") if path.is_file())
    named = [(path, True) for path in plain] + [(path, False) for path in odd]
    return [
        Source(path.relative_to(data).as_posix(), path.read_bytes(), is_plain)
        for path, is_plain in named
        if 200 < path.stat().st_size <= MOST_SOURCE_BYTES and path.suffix != ".csv"
    ]


# ---- reading


class Reading(NamedTuple):
    """What became of a document."""

    outcome: str
    """`result`, or the error's name."""
    pages: int
    cause: str


class FolderObjects:
    """One document to read, and nothing kept of what is written."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def info(self, _: Location) -> ObjectInfo | None:
        return ObjectInfo(size=self._path.stat().st_size, etag="")

    def read(self, _: Location) -> bytes:
        return self._path.read_bytes()

    def read_range(self, _: Location, offset: int, length: int) -> bytes:
        return self._path.read_bytes()[offset : offset + length]

    def write(self, place: Location, body: bytes, content_type: str = "") -> None:
        """Forgotten: it is the reading that is tried."""

    def download(self, _: Location, path: Path) -> None:
        path.write_bytes(self._path.read_bytes())

    def delete(self, _: Location) -> None:
        raise NotImplementedError("the document is only read")

    def copy(self, source: Location, target: Location) -> None:
        raise NotImplementedError("the document is only read")

    def listing(self, bucket: str, prefix: str = "") -> Iterator[tuple[str, ObjectInfo]]:
        raise NotImplementedError("the document is only read")


def read_document(path: Path, most_pages: int = 3) -> Reading:
    """Count a document's pages and draw the first ones, by the step and with the limits of `page_images`.

    A refusal by name is a reading; anything else that is raised is a bug and comes out as it is.
    """
    head = path.read_bytes()[:1024]
    if not head:
        return Reading(EMPTY, 0, "")  # intake refuses these two before a page is looked for
    if format_of(head) is None:
        return Reading(UNSUPPORTED, 0, "")
    document = DocumentRef(document_id="f" * 32, bucket=WORK, key=path.name, attempt=1)
    try:
        plan = plan_pages(PageWork(document=document), _step(path))
        first = plan.ranges[0]
        drawn = first.model_copy(update={"last": min(first.last, most_pages)})
        done = draw_range(PageWork(document=document, range=drawn), _step(path))
    except DocumentError as error:
        return Reading(type(error).__name__, 0, str(error))
    if done.num_pages != drawn.last:
        raise AssertionError(f"{path.name}: {drawn.last} pages asked for, {done.num_pages} drawn")
    return Reading(RESULT, plan.num_pages, "")


def _step(path: Path) -> PageImages:
    limits = Limits(pages=3000, pixels=100_000_000)
    style = ThumbnailStyle(224, 224, fit=Fit.STRETCH, colour="white", max_side=0)
    return PageImages(
        objects=FolderObjects(path),
        open_pages=lambda file, name: open_pages(file, limits, name),
        work_bucket=WORK,
        review_pixels=1600,
        review_file=as_jpeg,
        thumbnail_file=lambda pages, number: encoded_thumbnail(pages, number, style),
        thumbnails_file=npz_of,
    )
