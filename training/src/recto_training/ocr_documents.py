"""A folder of OCR results as documents without labels: Textract's JSON, or lines with pixel boxes.

Reads what `recto data ocr` and SageMaker jobs leave (`NAME/consolidated.json`) and ICDAR-style line files;
the kind of each file is told by its content. Page images, where there are any, are found by name.
"""

from collections.abc import Iterator
from pathlib import Path

from recto.document import Page
from recto.errors import ConfigurationError
from recto_training.caching import PageCache
from recto_training.corpus import IGNORED, OTHER, LabelledDocument, LabelledPage, ReadCorpus
from recto_training.importers.lines import read_lines, words_of_lines
from recto_training.ocr_folder import OcrFolder

LINES = '"lines"'
BLOCKS = '"Blocks"'
HEAD = 65_536
"""Characters of a file that tell its kind."""
IMAGE_ENDINGS = (".png", ".jpg", ".jpeg")


def ocr_documents(folder: Path, cache: PageCache, images: Path | None = None) -> ReadCorpus:
    """All OCR results below a folder, by name; ConfigurationError where there is none."""
    paths = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*.json"))}
    known = {name: kind for name, path in paths.items() if (kind := _kind(path))}
    if not known:
        raise ConfigurationError(
            f"{folder}: none of its {len(paths)} JSON files is an OCR result; expected Textract's "
            f"(with {BLOCKS}) or lines with boxes (with {LINES})"
        )
    ocr = OcrFolder(cache, base=folder)

    def read(name: str) -> LabelledDocument:
        pages = _line_pages(paths[name]) if known[name] == LINES else ocr.pages(name)
        return LabelledDocument(name, tuple(_unlabelled(page, images, name) for page in pages))

    return ReadCorpus(known, (OTHER,), read)


def _kind(path: Path) -> str:
    with path.open(encoding="utf-8", errors="replace") as file:
        head = file.read(HEAD)
    return next((kind for kind in (BLOCKS, LINES) if kind in head), "")


def _line_pages(path: Path) -> Iterator[Page]:
    yield Page(1, words_of_lines(read_lines(path)))


def _unlabelled(page: Page, images: Path | None, name: str) -> LabelledPage:
    return LabelledPage(page, (IGNORED,) * len(page.words), image=_image(images, name, page.number))


def _image(images: Path | None, name: str, number: int) -> str:
    """The image of a page: `NAME-0001-1.png` as page images are called, or `NAME.png` of a single page."""
    if images is None:
        return ""
    stem = name.removesuffix(".json").removesuffix("/consolidated")
    wanted = [f"{stem}-{number:04}-1{ending}" for ending in IMAGE_ENDINGS]
    wanted += [f"{stem}{ending}" for ending in IMAGE_ENDINGS] if number == 1 else []
    return next((str(images / one) for one in wanted if (images / one).is_file()), "")
