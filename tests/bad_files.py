"""Makers of documents that are cut, mixed or made to harm: bytes only, tests say what becomes of them."""

import struct
import zlib
from io import BytesIO
from zipfile import ZipFile

from PIL import Image, ImageDraw
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas


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


def damaged_png(kind: bytes, *, checksum_only: bool) -> bytes:
    """The last byte of the first chunk of a kind changed, or only the chunk's checksum."""
    png = as_file(picture(), "PNG")
    start = png.index(kind)
    end = start + 4 + struct.unpack_from(">I", png, start - 4)[0] - (0 if checksum_only else 1)
    return png[:end] + bytes([png[end] ^ 0xFF]) + png[end + 1 :]


def jpeg_with_pdf_in_its_comment() -> bytes:
    """Both by its first thousand bytes."""
    jpeg = as_file(picture(), "JPEG")
    comment = some_pdf(3)[:900]
    return jpeg[:2] + b"\xff\xfe" + struct.pack(">H", len(comment) + 2) + comment + jpeg[2:]


NO_PAGES = b"""%PDF-1.3
1 0 obj << /Type /Catalog /Pages 2 0 R >> endobj
2 0 obj << /Type /Pages /Count 0 /Kids [] >> endobj
trailer << /Root 1 0 R /Size 3 >>
%%EOF
"""
XFA_ALONE = "/AcroForm << /XFA 4 0 R /Fields [] >> /NeedsRendering true"
XFA_WITH_PAGES = "/AcroForm << /XFA 4 0 R /Fields [] >>"


def padded_png(num_bytes: int) -> bytes:
    """A picture in a file of exactly this size: what follows a PNG's end is not read."""
    return as_file(picture(), "PNG").ljust(num_bytes, b"\0")
