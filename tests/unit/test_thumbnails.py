"""Thumbnails for models: uniform, in one file, never pickled."""

import io
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from recto.imaging import Limits, open_pages
from recto.thumbnail_arrays import read_thumbnails
from recto.thumbnails import Fit, ThumbnailStyle, draw_thumbnail, npz_of, small_png

STRETCHED = ThumbnailStyle(60, 40, Fit.STRETCH, "white", 0)


def thumbnail(image: Image.Image, style: ThumbnailStyle, kind: str = "png") -> Image.Image:
    """The thumbnail of a document that holds just this image."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"page.{kind}"
        image.save(path)
        with open_pages(path, Limits(10, 2_000_000), path.name) as pages:
            return draw_thumbnail(pages, 1, style).convert("RGB")


def encoded_thumbnail(image: Image.Image, style: ThumbnailStyle) -> bytes:
    return small_png(thumbnail(image, style))


def page(size: tuple[int, int] = (100, 200), colour: str = "red") -> Image.Image:
    return Image.new("RGB", size, colour)


@pytest.mark.parametrize("size", [(100, 200), (200, 100), (3, 2000), (60, 40), (1, 1)])
@pytest.mark.parametrize("fit", [Fit.STRETCH, Fit.LETTERBOX])
def test_thumbnails_of_all_pages_have_one_size(size: tuple[int, int], fit: Fit) -> None:
    small = thumbnail(page(size), STRETCHED._replace(fit=fit))

    assert (small.mode, small.size) == ("RGB", (60, 40))


@pytest.mark.parametrize("kind", ["png", "pdf", "tif"])
def test_a_letterbox_keeps_the_page_undistorted_between_bars_of_the_colour(kind: str) -> None:
    style = ThumbnailStyle(60, 40, Fit.LETTERBOX, "#000080", 0)
    white = page((100, 200), "white")

    small = thumbnail(white, style, kind)

    row = [small.getpixel((x, 20)) for x in range(60)]
    assert row == [(0, 0, 128)] * 20 + [(255, 255, 255)] * 20 + [(0, 0, 128)] * 20
    assert small.getpixel((30, 0)) == small.getpixel((30, 39)) == (255, 255, 255)


@pytest.mark.parametrize("kind", ["png", "pdf", "tif"])
def test_stretching_leaves_no_bars_and_keeps_every_place_relative_to_the_page(kind: str) -> None:
    large = page((100, 200), "white")
    large.paste("black", (50, 100, 100, 200))

    small = thumbnail(large, STRETCHED, kind)

    assert small.size == (60, 40)
    assert [small.getpixel(place) for place in ((2, 2), (57, 2), (2, 37))] == [(255, 255, 255)] * 3
    assert max(small.getpixel((57, 37))) < 10  # type: ignore[arg-type,type-var]
    assert max(small.getpixel((33, 23))) < 40  # type: ignore[arg-type,type-var]


@pytest.mark.parametrize(
    ("size", "max_side", "expected"),
    [
        ((100, 200), 0, (40, 80)),
        ((200, 100), 0, (80, 40)),
        ((100, 200), 60, (30, 60)),
        ((20, 20), 0, (40, 40)),
        ((1, 4000), 60, (1, 60)),
    ],
)
def test_the_shortest_edge_rules_unless_the_longest_would_pass_its_limit(
    size: tuple[int, int], max_side: int, expected: tuple[int, int]
) -> None:
    style = ThumbnailStyle(60, 40, Fit.SHORTEST, "white", max_side)

    assert thumbnail(page(size), style).size == expected


def test_a_document_of_one_page_is_its_pixels() -> None:
    content = npz_of([encoded_thumbnail(page(colour="navy"), STRETCHED)], is_whole_document=True)

    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        assert arrays.files == ["image"]
        image = arrays["image"]
    assert (image.dtype, image.shape) == (np.uint8, (40, 60, 3))
    assert image.reshape(-1, 3).tolist() == [[0, 0, 128]] * 2400


def test_a_document_of_several_pages_is_its_png_files_byte_for_byte() -> None:
    noise = Image.effect_noise((60, 40), 90)
    files = [encoded_thumbnail(image, STRETCHED) for image in (page(), noise, page(colour="blue"))]

    content = npz_of(files, is_whole_document=True)

    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        assert arrays.files == ["images"]
        images = arrays["images"]
    assert (images.dtype.kind, images.ndim) == ("S", 1)
    assert images.tolist() == files
    assert len({len(file) for file in files}) > 1


def test_a_lone_page_of_a_longer_document_is_still_a_row_of_files() -> None:
    content = npz_of([encoded_thumbnail(page(), STRETCHED)], is_whole_document=False)

    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        assert arrays.files == ["images"]


@pytest.mark.parametrize("num_pages", [1, 2, 100])
def test_what_is_written_is_read_again(num_pages: int) -> None:
    rng = np.random.default_rng(7)
    pixels = [rng.integers(0, 255, (40, 60, 3), dtype=np.uint8) for _ in range(num_pages)]
    files = [encoded_thumbnail(Image.fromarray(array), STRETCHED) for array in pixels]

    pages = list(read_thumbnails(npz_of(files, is_whole_document=True)))

    assert len(pages) == num_pages
    assert all((seen == given).all() for seen, given in zip(pages, pixels, strict=True))


def test_the_same_pages_give_the_same_bytes() -> None:
    files = [encoded_thumbnail(page(), STRETCHED)] * 2

    assert npz_of(files, is_whole_document=True) == npz_of(files, is_whole_document=True)


def test_what_numpy_itself_wrote_is_read() -> None:
    pixels = np.zeros((4, 5, 3), np.uint8)
    buffer = io.BytesIO()
    np.savez(buffer, image=pixels)

    (image,) = read_thumbnails(buffer.getvalue())

    assert (image == pixels).all()


class Trap:
    """Unpickling it would show."""

    sprung = False

    def __reduce__(self) -> tuple[object, tuple[()]]:
        return spring, ()


def spring() -> str:
    Trap.sprung = True
    return "sprung"


@pytest.mark.parametrize("name", ["image", "images"])
def test_a_pickle_is_refused_and_not_run(name: str) -> None:
    buffer = io.BytesIO()
    np.savez(buffer, **{name: np.array([Trap()], dtype=object)})

    with pytest.raises(ValueError, match="allow_pickle=False"):
        list(read_thumbnails(buffer.getvalue()))

    assert not Trap.sprung


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"image": np.zeros((4, 5), np.uint8)}, r"expected uint8 \(height, width, 3\), got uint8 \(4, 5\)"),
        ({"image": np.zeros((4, 5, 3))}, "got float64"),
        ({"images": np.zeros((2, 4), np.uint8)}, "expected a row of byte strings"),
        ({"other": np.zeros(3)}, "expected one array, image or images, got other"),
        ({"image": np.zeros(3), "images": np.zeros(3)}, "expected one array"),
    ],
)
def test_other_arrays_are_refused_by_what_they_are(arrays: dict[str, object], message: str) -> None:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]

    with pytest.raises(ValueError, match=message):
        list(read_thumbnails(buffer.getvalue()))


def test_a_zip_bomb_is_refused_before_it_is_unpacked() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("image.npy", bytes(2_000_000))

    with pytest.raises(ValueError, match="thumbnails of 2,000,000 bytes, the limit is 1,000,000"):
        list(read_thumbnails(buffer.getvalue(), max_bytes=1_000_000))


@given(st.binary(min_size=35, max_size=35))
def test_a_small_grey_picture_keeps_every_pixel(levels: bytes) -> None:
    picture = Image.frombytes("L", (5, 7), levels).convert("RGB")

    file = small_png(picture)

    with Image.open(io.BytesIO(file)) as read:
        assert read.convert("RGB").tobytes() == picture.tobytes()
