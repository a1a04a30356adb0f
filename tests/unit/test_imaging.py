"""Opening and drawing documents: upright, in plain colour, bounded, or refused by name."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageDraw
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfgen.canvas import Canvas

from recto.errors import (
    DamagedDocumentError,
    DocumentError,
    DocumentTooLargeError,
    UnsupportedDocumentError,
)
from recto.imaging import Limits, in_colour, open_pages
from tests.bad_files import NO_PAGES

LIMITS = Limits(pages=10, pixels=2_000_000)
ODD = Path(__file__).parents[3] / "shared" / "data" / "inputs" / "odd"


def picture(mode: str = "RGB", size: tuple[int, int] = (200, 100)) -> Image.Image:
    image = Image.new("RGB", size, "white")
    ImageDraw.Draw(image).rectangle((0, 0, size[0] // 4, size[1] // 4), fill="black")
    return image.convert(mode)


def drawn(path: Path, page: int = 1, side: int = 100) -> Image.Image:
    with open_pages(path, LIMITS, path.name) as source:
        return source.draw(page, side)


def is_black(image: Image.Image, where: tuple[float, float]) -> bool:
    pixel = image.getpixel((int(where[0] * image.width), int(where[1] * image.height)))
    assert isinstance(pixel, tuple)
    return max(pixel) < 100


@pytest.mark.parametrize(
    ("name", "save"),
    [
        ("a.png", lambda path: picture().save(path)),
        ("b.png", lambda path: picture("1").save(path)),
        ("c.png", lambda path: picture("P").save(path)),
        ("d.png", lambda path: picture("RGBA").save(path)),
        ("e.png", lambda path: picture("L").convert("I").point(lambda v: v * 257).convert("I;16").save(path)),
        ("f.jpg", lambda path: picture("CMYK").save(path, quality=95)),
        ("g.tif", lambda path: picture("1").save(path, compression="group4")),
        ("h.pdf", lambda path: picture().save(path)),
    ],
)
def test_every_format_is_drawn_in_plain_colour_within_the_size(
    tmp_path: Path, name: str, save: Callable[[Path], None]
) -> None:
    save(tmp_path / name)

    image = drawn(tmp_path / name)

    assert image.mode == "RGB"
    assert image.size == (100, 50)
    assert is_black(image, (0.1, 0.1))
    assert not is_black(image, (0.8, 0.8))


@pytest.mark.parametrize(
    ("orientation", "corner"), [(1, (0.1, 0.1)), (3, (0.9, 0.9)), (6, (0.9, 0.1)), (8, (0.1, 0.9))]
)
def test_exif_rotation_is_applied_and_stripped(
    tmp_path: Path, orientation: int, corner: tuple[float, float]
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture().save(tmp_path / "a.jpg", exif=exif, quality=95)

    image = drawn(tmp_path / "a.jpg")

    assert is_black(image, corner)
    assert 0x0112 not in image.getexif()


def test_all_frames_of_a_tiff_are_pages(tmp_path: Path) -> None:
    frames = [picture(), picture("1"), picture("L", (100, 200))]
    frames[0].save(tmp_path / "a.tiff", save_all=True, append_images=frames[1:])

    with open_pages(tmp_path / "a.tiff", LIMITS, "a.tiff") as source:
        sizes = [source.draw(page, 100).size for page in range(1, source.num_pages + 1)]

    assert sizes == [(100, 50), (100, 50), (50, 100)]


def test_transparency_is_white_paper() -> None:
    clear = Image.new("RGBA", (2, 2), (0, 0, 0, 0))

    assert in_colour(clear).getpixel((0, 0)) == (255, 255, 255)


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"no document at all", UnsupportedDocumentError),
        (b"%PDF-1.7\nbut nothing behind it", DamagedDocumentError),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 50, DamagedDocumentError),
        (b"\xff\xd8\xff" + b"\0" * 50, DamagedDocumentError),
        (b"II*\x00" + b"\xff" * 50, DamagedDocumentError),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(
    tmp_path: Path, content: bytes, error: type[DocumentError]
) -> None:
    (tmp_path / "a").write_bytes(content)

    with pytest.raises(error, match=r"report\.pdf"), open_pages(tmp_path / "a", LIMITS, "report.pdf"):
        pass


def test_too_many_pixels_are_refused_before_they_are_decoded(tmp_path: Path) -> None:
    Image.new("1", (2000, 1001)).save(tmp_path / "bomb.png")

    with pytest.raises(DocumentTooLargeError, match="2000 x 1001 pixels"):
        drawn(tmp_path / "bomb.png")


def test_too_many_pages_are_refused(tmp_path: Path) -> None:
    frames = [picture(size=(8, 8))] * 11
    frames[0].save(tmp_path / "long.pdf", save_all=True, append_images=frames[1:])

    with pytest.raises(DocumentTooLargeError, match="11 pages, the limit is 10"):
        drawn(tmp_path / "long.pdf")


def test_a_truncated_photo_is_damaged(tmp_path: Path) -> None:
    noise = Image.effect_noise((300, 300), 90).convert("RGB")
    noise.save(tmp_path / "a.jpg")
    whole = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "a.jpg").write_bytes(whole[: len(whole) // 2])

    with pytest.raises(DamagedDocumentError, match="page 1"):
        drawn(tmp_path / "a.jpg")


@pytest.mark.skipif(not ODD.exists(), reason="../shared/data is not here")
def test_encrypted_pdfs_are_refused_by_that_name() -> None:
    rows = csv.DictReader((ODD / "catalog.csv").read_text().splitlines())
    locked = [row["file"] for row in rows if "needs_password" in row["tags"]]

    outcomes = {name: outcome(ODD / name) for name in locked}

    assert len(outcomes) > 5
    assert set(outcomes.values()) == {"EncryptedDocumentError"}, outcomes


@pytest.mark.skipif(not ODD.exists(), reason="../shared/data is not here")
def test_every_odd_file_is_drawn_or_refused_by_name() -> None:
    outcomes = {path.name: outcome(path) for path in sorted(ODD.rglob("*")) if path.suffix in SUFFIXES}

    assert len(outcomes) > 100
    strange = {name: seen for name, seen in outcomes.items() if seen not in NAMED}
    assert strange == {}


SUFFIXES = {".pdf", ".tif", ".tiff", ".png", ".jpg", ".jpeg"}
NAMED = {"drawn", *(cls.__name__ for cls in DocumentError.__subclasses__())}


def outcome(path: Path) -> str:
    """What happens to the first page, at thumbnail size."""
    try:
        with open_pages(path, Limits(pages=3000, pixels=100_000_000), path.name) as source:
            source.draw(1, 64)
    except Exception as error:  # noqa: BLE001 - the test looks at the name
        return type(error).__name__
    return "drawn"


def test_a_pdf_without_pages_is_damaged_whatever_was_refused_before_it(tmp_path: Path) -> None:
    locked = Canvas(str(tmp_path / "locked.pdf"), encrypt=StandardEncryption("secret"))
    locked.drawString(100, 700, "for those who know the word")
    locked.save()
    (tmp_path / "empty.pdf").write_bytes(NO_PAGES)

    outcomes = [outcome(tmp_path / name) for name in ("empty.pdf", "locked.pdf", "empty.pdf")]

    assert outcomes == ["DamagedDocumentError", "EncryptedDocumentError", "DamagedDocumentError"]
