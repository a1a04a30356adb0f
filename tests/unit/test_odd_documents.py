"""Documents that were cut, mixed or made to harm: drawn, or refused by a name that says what and where."""

import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from recto.errors import (
    DamagedDocumentError,
    DocumentError,
    DocumentTooLargeError,
    UnsupportedDocumentError,
)
from recto.formats import JPEG, PDF, PNG, TIFF, format_of
from recto.imaging import Limits, open_pages
from recto_ocr.pages import kind_of
from tests.bad_files import (
    XFA_ALONE,
    XFA_WITH_PAGES,
    as_file,
    broken_second_frame,
    damaged_png,
    huge_png,
    jpeg_with_pdf_in_its_comment,
    picture,
    some_pdf,
    written_pdf,
    zipped,
)
from tests.contract.template import ROOT

DATA = ROOT.parent / "shared" / "data"
LIMITS = Limits(pages=3000, pixels=250_000_000)
NAME = "s3://inbox/letter.pdf"


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


def test_a_png_whose_chunk_says_two_gigabytes_is_refused_before_memory_is_taken_for_it(
    tmp_path: Path,
) -> None:
    body = as_file(Image.effect_noise((300, 300), 90), "PNG")
    at = body.index(b"IDAT") - 4
    lying = body[:at] + struct.pack(">I", 2**31 - 1) + body[at + 4 :]

    with pytest.raises(DamagedDocumentError, match=f"{NAME}: .*IDAT.* 2,147,483,647 bytes"):
        drawn(tmp_path, lying)


def test_a_png_of_colours_from_a_palette_that_is_not_there_is_damaged(tmp_path: Path) -> None:
    whole = as_file(picture().convert("P"), "PNG")
    start = whole.index(b"PLTE") - 4
    end = start + 12 + struct.unpack_from(">I", whole, start)[0]

    with pytest.raises(DamagedDocumentError, match=NAME):
        drawn(tmp_path, whole[:start] + whole[end:])


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
        (lambda: written_pdf(XFA_ALONE),
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
        (lambda: written_pdf(XFA_WITH_PAGES), 1),
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
