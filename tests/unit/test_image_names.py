"""Names of page images in exports: what existing manifests point to."""

import json
from pathlib import Path, PurePosixPath

import pytest

from recto.formats import JPEG, PDF, PNG, TIFF, Format
from recto.image_names import page_image_name

MANIFESTS = Path(__file__).parents[3] / "shared" / "data" / "groundtruth" / "manifests"


@pytest.mark.parametrize(
    ("source", "kind", "page", "num_pages", "name"),
    [
        ("Doc.pdf", PDF, 1, 1, "Doc-0001-1.png"),
        ("Doc.pdf", PDF, 9, 9, "Doc-0001-9.png"),
        ("Doc.pdf", PDF, 9, 10, "Doc-0001-09.png"),
        ("Doc.pdf", PDF, 10, 402, "Doc-0001-010.png"),
        (
            "Bank A/2021/Card 25.9% APR, $99 AF.PDF",
            PDF,
            2,
            3,
            "Bank A/2021/Card 25.9% APR, $99 AF-0001-2.png",
        ),
        ("a/Straße – 契約.v2.pdf", PDF, 1, 1, "a/Straße – 契約.v2-0001-1.png"),
        ("fax.tif", TIFF, 7, 12, "fax-0007.png"),
        ("in/fax.x.tiff", TIFF, 3000, 3000, "in/fax.x-3000.png"),
        ("in/fax.tif", TIFF, 1, 1, "in/fax.png"),
        ("in/photo.JPG", JPEG, 1, 1, "in/photo.JPG"),
        ("scan.jpeg", JPEG, 1, 1, "scan.jpeg"),
        ("in.d/scan.png", PNG, 1, 1, "in.d/scan.png"),
        ("in.d/scan", PNG, 1, 1, "in.d/scan.png"),
        (".hidden", PDF, 1, 1, ".hidden-0001-1.png"),
    ],
)
def test_a_page_image_is_named_as_in_existing_exports(
    source: str, kind: Format, page: int, num_pages: int, name: str
) -> None:
    assert page_image_name(source, kind, page, num_pages) == name


def test_another_ending_can_be_asked_for() -> None:
    assert page_image_name("a/Doc.pdf", PDF, 1, 1, ".jpg") == "a/Doc-0001-1.jpg"
    assert page_image_name("a/fax.tif", TIFF, 2, 3, ".jpg") == "a/fax-0002.jpg"


@pytest.mark.parametrize("page", [0, 4])
def test_a_page_that_is_not_there_has_no_name(page: int) -> None:
    with pytest.raises(ValueError, match=r"Doc\.pdf: page"):
        page_image_name("Doc.pdf", PDF, page, 3)


@pytest.mark.skipif(not MANIFESTS.exists(), reason="../shared/data is not here")
def test_the_names_in_real_manifests_are_made_again() -> None:
    entries = [
        json.loads(line)
        for path in MANIFESTS.rglob("*.manifest")
        for line in path.read_text().splitlines()
        if "imgs-clean/" in line and "textract-ref" in line
    ]
    images = {entry["source-ref"].partition("imgs-clean/")[2]: entry for entry in entries}

    made = {name: name_by_page(name, entry) for name, entry in images.items()}

    assert len(made) > 50
    assert {name: again for name, again in made.items() if again != name} == {}


def name_by_page(image: str, entry: dict[str, object]) -> str:
    """What we call the page of the document that the manifest names; the length is in the image's digits."""
    document = str(entry["textract-ref"]).partition("textracted/")[2].removesuffix("/consolidated.json")
    page = entry["page-num"]
    assert isinstance(page, int)
    digits = len(PurePosixPath(image).stem.rpartition("-")[2])
    return page_image_name(document, PDF, page, max(page, 10 ** (digits - 1)))
