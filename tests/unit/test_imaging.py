"""Opening and drawing documents: upright, in plain colour, bounded, or refused by name."""

import csv
import math
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import pytest
from PIL import ExifTags, Image, ImageDraw, TiffImagePlugin
from PIL.PngImagePlugin import PngInfo
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfgen.canvas import Canvas

from recto.errors import (
    DamagedDocumentError,
    DocumentError,
    DocumentTooLargeError,
    UnsupportedDocumentError,
)
from recto.imaging import Limits, _checked_size, as_jpeg, as_png, in_colour, open_pages
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


CORNERS = {
    1: (0.1, 0.1),
    2: (0.9, 0.1),
    3: (0.9, 0.9),
    4: (0.1, 0.9),
    5: (0.1, 0.1),
    6: (0.9, 0.1),
    7: (0.9, 0.9),
    8: (0.1, 0.9),
}
"""Where the black corner of a stored picture is seen, by EXIF orientation."""


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tif"])
@pytest.mark.parametrize("orientation", CORNERS)
def test_exif_rotation_is_applied_and_stripped(tmp_path: Path, name: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    exif[ExifTags.Base.Artist] = "A photographer"
    picture().save(tmp_path / name, exif=exif)

    image = drawn(tmp_path / name)

    assert image.size == ((100, 50) if orientation < 5 else (50, 100))
    assert [corner for corner in set(CORNERS.values()) if is_black(image, corner)] == [CORNERS[orientation]]
    assert dict(image.getexif()) == {}
    assert b"photographer" not in as_jpeg(image) + as_png(image)


def test_metadata_of_every_kind_stays_behind(tmp_path: Path) -> None:
    text = PngInfo()
    text.add_text("Author", "A photographer")
    picture().save(tmp_path / "a.png", pnginfo=text, icc_profile=b"profile", dpi=(300, 300))
    picture().save(tmp_path / "a.jpg", comment=b"A photographer", icc_profile=b"profile")

    for name in ("a.png", "a.jpg"):
        image = drawn(tmp_path / name, side=200)

        assert image.info == {}
        assert b"photographer" not in as_jpeg(image)


def test_a_turned_frame_is_upright_whatever_its_neighbours_are(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    turned = picture()
    turned.encoderinfo = {"exif": exif}
    picture().save(tmp_path / "a.tif", save_all=True, append_images=[turned, picture()])

    with open_pages(tmp_path / "a.tif", LIMITS, "a.tif") as source:
        seen = [source.draw(page, 100) for page in (2, 1, 3, 2)]

    assert [image.size for image in seen] == [(50, 100), (100, 50), (100, 50), (50, 100)]
    assert [is_black(image, (0.9, 0.1)) for image in seen] == [True, False, False, True]


def test_colours_of_print_are_the_colours_seen(tmp_path: Path) -> None:
    Image.new("CMYK", (40, 40), (0, 255, 255, 0)).save(tmp_path / "a.jpg", quality=95)
    Image.new("CMYK", (40, 40), (0, 255, 255, 0)).save(tmp_path / "a.tif")
    Image.new("LAB", (40, 40), (136, 208, 195)).save(tmp_path / "b.tif")

    for name in ("a.jpg", "a.tif", "b.tif"):
        red, green, blue = drawn(tmp_path / name).getpixel((20, 20))  # type: ignore[misc]

        assert red > 240, name
        assert max(green, blue) < 30, name


@pytest.mark.skipif(not ODD.exists(), reason="../shared/data is not here")
@pytest.mark.parametrize(
    "name",
    [
        "pil_sample_cmyk.jpg",
        "tiff_strip_cmyk_jpeg.tif",
        "tiff_tiled_cmyk_jpeg.tif",
        "tiff_strip_cmyk_16l_jpeg.tif",
    ],
)
def test_inverted_inks_of_real_files_come_out_right(name: str) -> None:
    image = drawn(ODD / "images" / "pillow" / name)

    assert image.getpixel((2, 2))[0] > 200  # type: ignore[index]
    assert is_black(image, (0.97, 0.97))


@pytest.mark.parametrize("top", [255, 1023, 4095, 16383, 65535])
def test_grey_of_any_depth_in_words_of_16_bits_is_readable(tmp_path: Path, top: int) -> None:
    page = picture("L").convert("I").point(lambda value: value * (top / 255)).convert("I;16")
    page.save(tmp_path / "a.tif")
    page.save(tmp_path / "a.png")

    for name in ("a.tif", "a.png"):
        image = drawn(tmp_path / name)

        assert is_black(image, (0.1, 0.1))
        assert min(image.getpixel((80, 40))) > 250  # type: ignore[arg-type,type-var]


def test_sixteen_bits_from_white_to_black_are_turned_around(tmp_path: Path) -> None:
    negative = picture("L").convert("I").point(lambda value: 65535 - value * 257).convert("I;16")
    negative.save(tmp_path / "a.tif", tiffinfo={262: 0})

    image = drawn(tmp_path / "a.tif")

    assert is_black(image, (0.1, 0.1))
    assert not is_black(image, (0.8, 0.8))


def test_floating_point_from_nought_to_one_is_not_black() -> None:
    page = Image.new("F", (4, 4), 1.0)
    page.putpixel((0, 0), 0.0)

    plain = in_colour(page)

    assert (plain.getpixel((0, 0)), plain.getpixel((3, 3))) == ((0, 0, 0), (255, 255, 255))


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


def test_many_frames_are_found_by_one_walk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    walks = []
    read_directory = TiffImagePlugin.ImageFileDirectory_v2.load
    monkeypatch.setattr(
        TiffImagePlugin.ImageFileDirectory_v2,
        "load",
        lambda directory, file: (walks.append(file.tell()), read_directory(directory, file))[1],
    )
    counts = {}
    for frames in (100, 400):
        many = [picture(size=(8, 8))] * frames
        many[0].save(tmp_path / "a.tif", save_all=True, append_images=many[1:])
        walks.clear()

        with open_pages(tmp_path / "a.tif", Limits(500, 2_000_000), "a.tif") as source:
            for page in range(frames, 0, -1):
                source.draw(page, 8)
        counts[frames] = len(walks)

    assert counts[400] < 4.2 * counts[100]


def test_too_many_frames_are_refused_without_counting_them_all(tmp_path: Path) -> None:
    frames = [picture(size=(8, 8))] * 11
    frames[0].save(tmp_path / "long.tif", save_all=True, append_images=frames[1:])

    with pytest.raises(DocumentTooLargeError, match="more than 10 pages"):
        drawn(tmp_path / "long.tif")


def test_a_large_frame_behind_small_ones_is_refused_by_its_page(tmp_path: Path) -> None:
    frames = [picture(), Image.new("1", (2000, 1001)), picture()]
    frames[0].save(tmp_path / "a.tif", save_all=True, append_images=frames[1:])

    with pytest.raises(DocumentTooLargeError, match=r"a\.tif, page 2: 2000 x 1001 pixels"):
        drawn(tmp_path / "a.tif")


def test_a_tiff_of_many_large_frames_is_refused_as_a_whole(tmp_path: Path) -> None:
    frames = [Image.new("1", (1000, 1000))] * 5
    frames[0].save(tmp_path / "a.tif", save_all=True, append_images=frames[1:])
    limits = Limits(pages=10, pixels=2_000_000, document_pixels=3_500_000)

    with (
        pytest.raises(DocumentTooLargeError, match="page 4: 4,000,000 pixels up to here"),
        open_pages(tmp_path / "a.tif", limits, "a.tif"),
    ):
        pass


def test_a_broken_frame_in_the_middle_is_named_and_its_neighbours_are_drawn(tmp_path: Path) -> None:
    frames = [Image.effect_noise((64, 64), 90).convert("RGB") for _ in range(3)]
    frames[0].save(
        tmp_path / "a.tif", save_all=True, append_images=frames[1:], compression="tiff_adobe_deflate"
    )
    with Image.open(tmp_path / "a.tif") as stored:
        stored.seek(1)
        start = stored.tag_v2[273][0]
    content = bytearray((tmp_path / "a.tif").read_bytes())
    content[start : start + 500] = b"\xff" * 500
    (tmp_path / "a.tif").write_bytes(content)

    with open_pages(tmp_path / "a.tif", LIMITS, "a.tif") as source:
        assert source.draw(1, 64).size == (64, 64)
        with pytest.raises(DamagedDocumentError, match=r"a\.tif, page 2"):
            source.draw(2, 64)
        assert source.draw(3, 64).size == (64, 64)


def pdf(*objects: bytes) -> bytes:
    """A PDF of objects from number 1; a page's parent is object 2."""
    content, starts = b"%PDF-1.7\n", []
    for number, body in enumerate(objects, 1):
        starts.append(len(content))
        content += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % start for start in starts)
    size, end = len(objects) + 1, len(content)
    content += b"xref\n0 %d\n0000000000 65535 f \n%b" % (size, table)
    return content + b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (size, end)


def pdf_of(pages: list[bytes], *others: bytes, catalog: bytes = b"") -> bytes:
    """A PDF of page objects (from number 3) and others behind them."""
    kids = b" ".join(b"%d 0 R" % (number + 3) for number in range(len(pages)))
    tree = b"<</Type/Pages/Count %d/Kids[%b]>>" % (len(pages), kids)
    return pdf(b"<</Type/Catalog/Pages 2 0 R%b>>" % catalog, tree, *pages, *others)


def page_of(box: bytes = b"0 0 200 100", more: bytes = b"") -> bytes:
    return b"<</Type/Page/Parent 2 0 R/MediaBox[%b]%b>>" % (box, more)


def stream(content: bytes, entries: bytes = b"") -> bytes:
    return b"<<%b/Length %d>>stream\n%b\nendstream" % (entries, len(content), content)


BLACK_CORNER = stream(b"0 75 50 25 re f")
"""The upper left quarter of a quarter."""


@pytest.mark.parametrize(("turn", "orientation"), [(0, 1), (90, 6), (180, 3), (270, 8)])
def test_a_turned_pdf_page_is_drawn_as_readers_show_it(tmp_path: Path, turn: int, orientation: int) -> None:
    page = page_of(more=b"/Contents 4 0 R/Rotate %d" % turn)
    (tmp_path / "a.pdf").write_bytes(pdf_of([page], BLACK_CORNER))

    image = drawn(tmp_path / "a.pdf")

    assert image.size == ((100, 50) if orientation < 5 else (50, 100))
    assert [corner for corner in set(CORNERS.values()) if is_black(image, corner)] == [CORNERS[orientation]]


def test_what_was_typed_into_a_form_is_drawn(tmp_path: Path) -> None:
    field = b"<</Type/Annot/Subtype/Widget/FT/Tx/T(a)/V(x)/F 4/P 3 0 R/Rect[0 75 50 100]/AP<</N 5 0 R>>>>"
    typed = stream(b"0 0 50 25 re f", b"/Type/XObject/Subtype/Form/BBox[0 0 50 25]")
    form = b"/AcroForm<</Fields[4 0 R]>>"
    (tmp_path / "a.pdf").write_bytes(pdf_of([page_of(more=b"/Annots[4 0 R]")], field, typed, catalog=form))

    image = drawn(tmp_path / "a.pdf")

    assert is_black(image, (0.1, 0.1))


@pytest.mark.parametrize("box", [b"0 0 1000000000 10", b"0 0 20000 20000"])
def test_a_pdf_page_of_a_size_that_no_paper_has_is_refused(tmp_path: Path, box: bytes) -> None:
    (tmp_path / "a.pdf").write_bytes(pdf_of([page_of(), page_of(box)]))

    with pytest.raises(DocumentTooLargeError, match=r"a\.pdf, page 2: .* points, the limit is 14,400"):
        drawn(tmp_path / "a.pdf", page=2)


@pytest.mark.parametrize("box", [b"0 0 0 0", b"0 0 nan nan", b"0 0 0 100", b"-5 -5 -5 -5", b"0 0 1e9 10"])
def test_a_pdf_page_without_a_size_is_a_letter_as_in_other_readers(tmp_path: Path, box: bytes) -> None:
    (tmp_path / "a.pdf").write_bytes(pdf_of([page_of(box)]))

    assert drawn(tmp_path / "a.pdf").size == (78, 100)


class SizedPage(NamedTuple):
    size: tuple[float, float]

    def get_size(self) -> tuple[float, float]:
        return self.size


@pytest.mark.parametrize("size", [(0.0, 5.0), (math.nan, 5.0), (math.inf, 5.0), (-5.0, 5.0)])
def test_a_size_that_cannot_be_drawn_is_damage(size: tuple[float, float]) -> None:
    with pytest.raises(DamagedDocumentError, match="page 7: its size is"):
        _checked_size(SizedPage(size), "page 7")


@pytest.mark.parametrize("nested", [False, True])
def test_an_image_bomb_within_a_pdf_is_refused_before_it_is_decoded(tmp_path: Path, *, nested: bool) -> None:
    entries = b"/Type/XObject/Subtype/Image/Width 30000/Height 30000/BitsPerComponent 1/ColorSpace/DeviceGray"
    show, image = b"q 9 0 0 9 0 0 cm /I Do Q", stream(b"0", entries)
    form = stream(show, b"/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</I 4 0 R>>>>")
    page = page_of(more=b"/Contents 5 0 R/Resources<</XObject<</I %d 0 R>>>>" % (6 if nested else 4))
    (tmp_path / "a.pdf").write_bytes(pdf_of([page], image, stream(show), form))

    with pytest.raises(DocumentTooLargeError, match="page 1: holds an image of 30000 x 30000 pixels"):
        drawn(tmp_path / "a.pdf")


def test_a_broken_pdf_page_in_the_middle_is_named_and_its_neighbours_are_drawn(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(pdf_of([page_of(), b"null", page_of()]))

    with open_pages(tmp_path / "a.pdf", LIMITS, "a.pdf") as source:
        assert source.draw(1, 100).size == (100, 50)
        with pytest.raises(DamagedDocumentError, match=r"a\.pdf, page 2: cannot be drawn"):
            source.draw(2, 100)
        assert source.draw(3, 100).size == (100, 50)


def test_a_small_drawing_before_a_large_one_costs_it_nothing(tmp_path: Path) -> None:
    Image.effect_noise((800, 800), 90).convert("RGB").save(tmp_path / "a.jpg")

    with open_pages(tmp_path / "a.jpg", LIMITS, "a.jpg") as source:
        before = source.draw(1, 800)
        source.draw(1, 20)
        after = source.draw(1, 800)

    assert before.tobytes() == after.tobytes()


def test_a_page_for_a_file_shows_what_the_plain_one_shows(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(
        pdf_of([page_of(more=b"/Contents 4 0 R")], stream(b"1 0 0 rg 0 75 50 25 re f"))
    )

    with open_pages(tmp_path / "a.pdf", LIMITS, "a.pdf") as source:
        plain, for_file = source.draw(1, 100), source.draw_for_file(1, 100)

    with Image.open(BytesIO(as_png(for_file))) as png:
        assert (png.mode, png.tobytes()) == ("RGB", plain.tobytes())
    assert as_jpeg(for_file) == as_jpeg(plain)


def test_a_png_without_colour_has_one_channel_and_every_pixel() -> None:
    grey = Image.effect_noise((60, 40), 50)

    with Image.open(BytesIO(as_png(grey.convert("RGB")))) as png:
        assert (png.mode, png.tobytes()) == ("L", grey.tobytes())


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
