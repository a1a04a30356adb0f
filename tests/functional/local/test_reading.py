"""Pages of files of many kinds, and their text as Tesseract reads it."""

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps
from reportlab.pdfgen.canvas import Canvas

from recto.errors import ConfigurationError
from recto_local.standins import cbor
from recto_ocr.blocks import blocks_of_page
from recto_ocr.pages import Unreadable, UnreadableDocumentError, inspect, page_image
from recto_ocr.tesseract import read_image, tessdata_folder
from tests.functional.local.drawn import page, pdf, stored

LINES = ("Credit limit 5000", "Minimum payment 25")


def text_of(image: Image.Image) -> tuple[str, ...]:
    return tuple(line.text for line in read_image(image))


def turned_by_exif(image: Image.Image, orientation: int, turn: Image.Transpose) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return stored(image.transpose(turn), "JPEG", exif=exif, quality=95)


@pytest.mark.parametrize(
    "image",
    [
        pytest.param(page(*LINES), id="grey"),
        pytest.param(page(*LINES).convert("1"), id="1-bit"),
        pytest.param(page(*LINES).convert("CMYK"), id="cmyk"),
        pytest.param(page(*LINES).convert("P"), id="palette"),
        pytest.param(page(*LINES).point(lambda v: v * 257, mode="I"), id="32-bit"),
        pytest.param(
            Image.merge("LA", (Image.new("L", (1240, 1754)), ImageOps.invert(page(*LINES)))), id="alpha"
        ),
    ],
)
def test_any_kind_of_pixels_is_read(image: Image.Image) -> None:
    assert text_of(image) == LINES


def test_a_16_bit_tiff_is_read(tmp_path: Path) -> None:
    path = tmp_path / "deep.tif"
    page(*LINES).convert("I").point(lambda v: v * 200).convert("I;16").save(path)

    assert inspect(path).num_pages == 1
    assert text_of(page_image(path, "TIFF", 1)) == LINES


def test_a_small_image_is_enlarged_before_it_is_read() -> None:
    small = page(*LINES).resize((420, 594), Image.Resampling.LANCZOS)

    assert text_of(small) == LINES


def test_a_photo_is_turned_as_its_exif_says(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(turned_by_exif(page(*LINES), 6, Image.Transpose.ROTATE_90))

    image = page_image(path, inspect(path).kind, 1)

    assert image.size == (1240, 1754)
    assert text_of(image) == LINES


@pytest.mark.parametrize(
    "turn", [Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270]
)
def test_a_page_that_lies_on_its_side_is_read_and_its_boxes_stay_where_the_words_are(
    turn: Image.Transpose,
) -> None:
    upright = page(*(f"This agreement covers the card account number {n}" for n in range(31, 45)))
    lying = upright.transpose(turn)

    lines = read_image(lying)

    assert lines[0].text == "This agreement covers the card account number 31"
    box = lines[0].words[0].box
    pixels = tuple(round(v * s) for v, s in zip(box, (*lying.size, *lying.size), strict=True))
    assert lying.crop(pixels).getextrema()[0] < 100
    outside = lying.copy()
    outside.paste(255, pixels)
    assert read_image(outside)[0].text != lines[0].text


def test_columns_are_lines_of_their_own() -> None:
    image = page()
    image.paste(page("Left column", size=(600, 400)), (0, 0))
    image.paste(page("Right column", size=(600, 400)), (640, 0))

    assert sorted(text_of(image)) == ["Left column", "Right column"]


def test_block_ids_repeat_for_the_same_seed_and_differ_between_pages() -> None:
    lines = read_image(page(*LINES))

    first, again, other = (
        blocks_of_page(lines, 1, "job"),
        blocks_of_page(lines, 1, "job"),
        blocks_of_page(lines, 2, "job"),
    )

    assert first == again
    assert not {b["Id"] for b in first} & {b["Id"] for b in other}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", Unreadable.UNSUPPORTED),
        (b"GIF89a", Unreadable.UNSUPPORTED),
        (b"%PDF-1.4 broken", Unreadable.DAMAGED),
        (pdf([["x"]], password="pw"), Unreadable.ENCRYPTED),
        (stored(Image.new("1", (10_001, 4)), "PNG"), Unreadable.TOO_LARGE),
    ],
)
def test_what_cannot_be_opened_says_why(tmp_path: Path, content: bytes, reason: Unreadable) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)

    with pytest.raises(UnreadableDocumentError) as refused:
        inspect(path)

    assert refused.value.reason is reason


def test_a_very_large_pdf_page_is_drawn_no_larger_than_helps(tmp_path: Path) -> None:
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(14_000, 7_000))
    canvas.showPage()
    canvas.save()
    path = tmp_path / "poster.pdf"
    path.write_bytes(out.getvalue())

    assert page_image(path, "PDF", 1).size == (4000, 2000)


def test_missing_language_files_are_reported_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="TESSDATA_PREFIX"):
        tessdata_folder({"TESSDATA_PREFIX": str(tmp_path)})
    with pytest.raises(ConfigurationError, match="xyz"):
        read_image(page("x"), ("xyz",))


JSON_LIKE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(JSON_LIKE)
def test_cbor_gives_back_what_was_written(value: object) -> None:
    assert cbor.loads(cbor.dumps(value)) == value


@given(st.binary(max_size=40))
def test_any_bytes_are_cbor_or_refused(content: bytes) -> None:
    try:
        cbor.loads(content)
    except cbor.CborError:
        return
