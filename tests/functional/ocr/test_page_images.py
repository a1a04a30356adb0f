"""Page images of a folder in bulk: names as manifests have them, upright, small ones uniform."""

import io
from pathlib import Path

import pypdfium2
import pytest
from PIL import Image

from recto.errors import ConfigurationError
from recto_ocr.page_images import HowToDraw, draw_document, how_of, run

HOW = HowToDraw(dpi=72, thumbnail=(32, 32))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    source = tmp_path / "raw" / "sub"
    source.mkdir(parents=True)
    pages = [Image.new("RGB", (60, 80), colour) for colour in ("white", "red")]
    document = pypdfium2.PdfDocument.new()
    for _ in pages:
        document.new_page(60, 80)
    document.save(source / "Agreement.pdf")
    document.close()
    pages[0].save(source / "Fax.tif", save_all=True, append_images=pages[1:])
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.new("RGB", (80, 60), "blue").save(source / "photo.jpg", exif=turned)
    return tmp_path / "raw"


def drawn(folder: Path, output: Path, name: str, *, again: bool = False) -> str:
    return draw_document(str(folder / name), name, str(output), HOW, again=again).status


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_pages_have_the_names_that_manifests_have(folder: Path, tmp_path: Path) -> None:
    for name in ("sub/Agreement.pdf", "sub/Fax.tif", "sub/photo.jpg"):
        assert drawn(folder, tmp_path / "out", name) == "DONE"

    images = ["Agreement-0001-1.png", "Agreement-0001-2.png", "Fax-0001.png", "Fax-0002.png", "photo.jpg"]
    assert names(tmp_path / "out" / "imgs-clean") == [f"sub/{name}" for name in images]
    assert len(names(tmp_path / "out" / "thumbnails")) == len(images)


def test_a_turned_photo_is_upright_and_says_nothing_of_its_camera(folder: Path, tmp_path: Path) -> None:
    drawn(folder, tmp_path, "sub/photo.jpg")

    image = Image.open(io.BytesIO((tmp_path / "imgs-clean" / "sub" / "photo.jpg").read_bytes()))
    assert image.size == (60, 80)
    assert not image.getexif()


def test_thumbnails_are_all_of_one_size(folder: Path, tmp_path: Path) -> None:
    for name in ("sub/Agreement.pdf", "sub/photo.jpg"):
        drawn(folder, tmp_path, name)

    files = (tmp_path / "thumbnails").rglob("*.png")
    sizes = {Image.open(io.BytesIO(path.read_bytes())).size for path in files}
    assert sizes == {(32, 32)}


def test_what_is_there_is_left_alone_unless_asked(folder: Path, tmp_path: Path) -> None:
    drawn(folder, tmp_path, "sub/Agreement.pdf")

    assert drawn(folder, tmp_path, "sub/Agreement.pdf") == "SKIPPED"
    assert drawn(folder, tmp_path, "sub/Agreement.pdf", again=True) == "DONE"


def test_a_damaged_document_is_told_by_name_and_stops_no_other(folder: Path, tmp_path: Path) -> None:
    (folder / "bad.pdf").write_bytes(b"%PDF-1.4 nothing else")

    outcome = draw_document(str(folder / "bad.pdf"), "bad.pdf", str(tmp_path), HOW, again=False)

    assert (outcome.status, outcome.error) == ("FAILED", "DamagedDocumentError")


def test_an_empty_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="holds no document"):
        list(run(tmp_path, tmp_path / "out", HOW, 1))


@pytest.mark.parametrize(("dpi", "thumbnail"), [(300, "224"), (300, "0,224"), (10, "224,224"), (300, "a,b")])
def test_sizes_that_cannot_be_are_refused(dpi: int, thumbnail: str) -> None:
    with pytest.raises(ConfigurationError, match="--thumbnail"):
        how_of(dpi, thumbnail, "stretch")
