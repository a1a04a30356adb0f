"""Documents that were cut, mixed or made to harm: drawn, or refused by a name that says what and where."""

import struct
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pytest
from PIL import Image, ImageDraw
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from recto.errors import (
    DamagedDocumentError,
    DocumentError,
    DocumentTooLargeError,
    UnsupportedDocumentError,
)
from recto.formats import JPEG, PDF, PNG, TIFF, format_of
from recto.imaging import Limits, open_pages
from recto_ocr.pages import kind_of
from tests.contract.template import ROOT

DATA = ROOT.parent / "shared" / "data"
LIMITS = Limits(pages=3000, pixels=250_000_000)
NAME = "s3://inbox/letter.pdf"


def some_pdf(num_pages: int = 2) -> bytes:
    buffer = BytesIO()
    canvas = Canvas(buffer, pagesize=A4, pageCompression=0)
    for number in range(num_pages):
        canvas.drawString(100, 700, f"page {number + 1}")
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def written_pdf(catalog: str = "", page: str = "") -> bytes:
    """A PDF of one page, written by hand; without a table of references, as repaired files come."""
    objects = [
        f"<< /Type /Catalog /Pages 2 0 R {catalog} >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 100] {page} >>",
        "<< /Length 0 >>\nstream\n\nendstream",
    ]
    body = "".join(f"{number} 0 obj\n{each}\nendobj\n" for number, each in enumerate(objects, 1))
    return f"%PDF-1.7\n{body}trailer << /Root 1 0 R /Size 5 >>\n%%EOF\n".encode()


def picture(colour: str = "white", size: tuple[int, int] = (300, 200)) -> Image.Image:
    image = Image.new("RGB", size, colour)
    ImageDraw.Draw(image).rectangle((0, 0, 100, 60), fill="black")
    return image


def as_file(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def huge_png(side: int = 20_000) -> bytes:
    """White, one bit a pixel, packed a row at a time: about 50 kB on disk."""
    packer = zlib.compressobj(9)
    row = b"\0" + b"\xff" * (side // 8)
    rows = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def zipped() -> bytes:
    buffer = BytesIO()
    with ZipFile(buffer, "w") as archive:
        archive.writestr("letter.txt", "text")
    return buffer.getvalue()


def drawn(folder: Path, body: bytes) -> list[Image.Image]:
    """All pages, small."""
    (folder / "document").write_bytes(body)
    with open_pages(folder / "document", LIMITS, NAME) as source:
        return [source.draw(number, 100) for number in range(1, source.num_pages + 1)]


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_truncated_pdf_is_damaged_and_no_page_of_it_is_shown(tmp_path: Path, share: float) -> None:
    whole = some_pdf(3)

    with pytest.raises(DamagedDocumentError, match=NAME):
        drawn(tmp_path, whole[: int(len(whole) * share)])


@pytest.mark.skipif(not DATA.exists(), reason="../shared/data is not here")
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_real_pdfs_are_damaged_when_truncated(tmp_path: Path, share: float) -> None:
    contracts = sorted((DATA / "kleister-nda" / "documents").glob("*.pdf"))[:20]
    bodies = [path.read_bytes() for path in [DATA / "inputs" / "lending_package.pdf", *contracts]]

    for body in bodies:
        with pytest.raises(DamagedDocumentError):
            drawn(tmp_path, body[: int(len(body) * share)])


def broken_second_frame() -> bytes:
    """Two frames of noise, packed; the strips of the second one written over."""
    frames = [Image.effect_noise((300, 300), 90), Image.effect_noise((300, 300), 90)]
    body = bytearray(as_file(frames[0], "TIFF", save_all=True, append_images=frames[1:], compression="jpeg"))
    second = _ifd_offsets(body)[1]
    offset, length = _tag(body, second, 273), _tag(body, second, 279)
    body[offset : offset + length] = b"\xff" * length
    return bytes(body)


def _ifd_offsets(body: bytearray) -> list[int]:
    offsets = []
    offset = struct.unpack_from("<I", body, 4)[0]
    while offset:
        offsets.append(offset)
        offset = struct.unpack_from("<I", body, offset + 2 + 12 * struct.unpack_from("<H", body, offset)[0])[
            0
        ]
    return offsets


def _tag(body: bytearray, ifd: int, tag: int) -> int:
    """The value of a tag with one value."""
    for number in range(struct.unpack_from("<H", body, ifd)[0]):
        found, kind, count, value = struct.unpack_from("<HHII", body, ifd + 2 + 12 * number)
        if found == tag:
            start = value if count > 1 else ifd + 2 + 12 * number + 8
            return int(struct.unpack_from("<H" if kind == 3 else "<I", body, start)[0])
    raise LookupError(tag)


def test_a_tiff_whose_second_frame_is_broken_names_page_2(tmp_path: Path) -> None:
    with pytest.raises(DamagedDocumentError, match=f"{NAME}, page 2"):
        drawn(tmp_path, broken_second_frame())


def test_a_picture_of_twenty_thousand_by_twenty_thousand_is_refused_before_it_is_unpacked(
    tmp_path: Path,
) -> None:
    body = huge_png()
    assert len(body) < 100_000

    with pytest.raises(DocumentTooLargeError, match=r"(20,?000 x 20,?000|400,?000,?000) pixels"):
        drawn(tmp_path, body)


def damaged_png(kind: bytes, *, checksum_only: bool) -> bytes:
    """The last byte of the first chunk of a kind changed, or only the chunk's checksum."""
    png = as_file(picture(), "PNG")
    start = png.index(kind)
    end = start + 4 + struct.unpack_from(">I", png, start - 4)[0] - (0 if checksum_only else 1)
    return png[:end] + bytes([png[end] ^ 0xFF]) + png[end + 1 :]


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (lambda: as_file(Image.effect_noise((300, 300), 90), "PNG")[:20_000], DamagedDocumentError),
        (lambda: damaged_png(b"IHDR", checksum_only=True), DamagedDocumentError),
        (lambda: damaged_png(b"IDAT", checksum_only=False), DamagedDocumentError),
        (lambda: as_file(Image.effect_noise((300, 300), 90), "JPEG")[:10_000], DamagedDocumentError),
        (lambda: b"", UnsupportedDocumentError),
        (zipped, UnsupportedDocumentError),
        (lambda: b"Dear Sir or Madam,\n" * 100, UnsupportedDocumentError),
        (lambda: b" " * 1020 + some_pdf(), UnsupportedDocumentError),
        (lambda: written_pdf("/AcroForm << /XFA 4 0 R /Fields [] >> /NeedsRendering true"),
         UnsupportedDocumentError),
    ],
    ids=["cut png", "png head", "png data", "cut jpeg", "nothing", "zip", "text", "far leading junk", "xfa"],
)  # fmt: skip
def test_what_cannot_be_read_says_so_by_name(
    tmp_path: Path, body: Callable[[], bytes], error: type[DocumentError]
) -> None:
    with pytest.raises(error, match=NAME):
        drawn(tmp_path, body())


@pytest.mark.parametrize(
    ("body", "num_pages"),
    [
        (lambda: b"junk from a mail gateway\r\n" * 20 + some_pdf(), 2),
        (lambda: some_pdf() + b"\r\n-- appended by a gateway\r\n" * 20, 2),
        (written_pdf, 1),
        (lambda: written_pdf("/AcroForm << /XFA 4 0 R /Fields [] >>"), 1),
        (lambda: some_pdf() + zipped(), 2),
        (lambda: as_file(picture(), "JPEG") + some_pdf(3), 1),
        (lambda: as_file(picture(), "PNG") + zipped(), 1),
        # Packed data carries a checksum of its own, so the picture is known to be right.
        (lambda: damaged_png(b"IDAT", checksum_only=True), 1),
    ],
    ids=["leading junk", "trailing junk", "no references", "xfa with pages", "pdf and zip", "jpeg and pdf",
         "png and zip", "png data checksum"],
)  # fmt: skip
def test_what_can_be_read_is_read(tmp_path: Path, body: Callable[[], bytes], num_pages: int) -> None:
    assert len(drawn(tmp_path, body())) == num_pages


def jpeg_with_pdf_in_its_comment() -> bytes:
    """Both by its first thousand bytes."""
    jpeg = as_file(picture(), "JPEG")
    comment = some_pdf(3)[:900]
    return jpeg[:2] + b"\xff\xfe" + struct.pack(">H", len(comment) + 2) + comment + jpeg[2:]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (jpeg_with_pdf_in_its_comment, JPEG),
        (lambda: as_file(picture(), "PNG"), PNG),
        (lambda: as_file(picture(), "TIFF"), TIFF),
        (some_pdf, PDF),
        (zipped, None),
    ],
    ids=["jpeg and pdf", "png", "tiff", "pdf", "zip"],
)
def test_intake_page_images_and_local_ocr_see_the_same_format(
    body: Callable[[], bytes], kind: object
) -> None:
    head = body()[:1024]

    assert format_of(head) is kind
    assert kind_of(head) == (kind.name if kind else "")  # type: ignore[attr-defined]
