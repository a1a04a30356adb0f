"""Text lines with boxes, and the values of fields: what ICDAR's receipt competition (SROIE) gives out.

A line is split into words; each gets the part of the line's box that its characters take. Two forms of
file are read: `ID.json` with `width`, `height` and `lines` of `box` (left, top, right, bottom in pixels)
and `text`; and the competition's own `ID.txt` with eight pixel coordinates and the text on each line,
for which the size of the page comes from its image. The values are aligned to the words
(`alignment`); they lie in one JSON-lines file, `{"id": ..., "fields": {name: [values]}}`.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

from recto.document import Page, Word
from recto.errors import DamagedDocumentError
from recto.fields import FieldList
from recto.geometry import Box
from recto_training.alignment import ALL_MENTIONS, Alignment, align_document
from recto_training.corpus import LabelledDocument, ReadCorpus
from recto_training.faults import DataError
from recto_training.importers.values import read_values

IMAGES = (".jpg", ".jpeg", ".png")
_PARTS = re.compile(
    r"""(?<=[^\W\d_]:)(?=\S)            # label:value
      | (?<=[^\W\d_]\.:)(?=\S)
      | (?<=:)(?=[^\W\d_])              # :value, but not 12:30
      | (?<=[$€£¥])(?=[\d.-])          # a code of letters is part of the amount: RM39.00
      | (?<=\w)(?=\() | (?<=\))(?=\w)   # BHD(1234-M), (GST)12
      | (?<=\d[.,]\d\d)(?=[A-Z]{1,3}$)   # 5.90SR
      | (?<=\d{4})(?=[A-Za-z]{3}) | (?<=\d{8})(?=/\d)  # 2018TIME, 20180428/191204""",
    re.VERBOSE,
)
"""Places inside a run of characters without white space where a new word begins."""


class TextLine(NamedTuple):
    """A line of text and its place on the page, 0-1."""

    text: str
    box: Box


def read_lines(path: Path, image: Path | None = None) -> list[TextLine]:
    """The lines of one file; DamagedDocumentError for a file of another form."""
    if path.suffix == ".json":
        return _lines_of_json(path)
    if image is None:
        raise DamagedDocumentError(f"{path}: pixel coordinates without a page size; expected its image too")
    with Image.open(image) as opened:
        width, height = opened.size
    return list(_lines_of_text(path, width, height))


def words_of_lines(lines: Sequence[TextLine]) -> tuple[Word, ...]:
    """All words of the lines, in their order; each line counts as a line of an OCR."""
    return tuple(
        word._replace(id=f"{index}-{place}")
        for index, line in enumerate(lines)
        for place, word in enumerate(split_line(line, index))
    )


def split_line(line: TextLine, number: int) -> Iterator[Word]:
    """The words of a line, each with the part of its box that its characters take."""
    total = len(line.text)
    for start, end in word_spans(line.text):
        left = line.box.left + line.box.width * start / total
        right = line.box.left + line.box.width * end / total
        yield Word(
            line.text[start:end], Box(left, line.box.top, right, line.box.bottom), confidence=1.0, line=number
        )


def word_spans(text: str) -> Iterator[tuple[int, int]]:
    """Where the words of a line begin and end: at white space, and where a label runs into its value."""
    for match in re.finditer(r"\S+", text):
        cuts = [cut.start() for cut in _PARTS.finditer(match[0]) if 0 < cut.start() < len(match[0])]
        edges = [0, *cuts, len(match[0])]
        for start, end in pairwise(edges):
            yield match.start() + start, match.start() + end


def lines_corpus(
    folder: Path,
    truth: Path,
    fields: FieldList,
    *,
    images: Path | None = None,
    how: Mapping[str, Alignment] | Alignment = ALL_MENTIONS,
) -> ReadCorpus:
    """The documents of a folder of lines whose values are known, in the order of the truth."""
    values = read_values(truth, fields)
    paths = {name: _path_of(folder, name, truth) for name in values}

    def read(name: str) -> LabelledDocument:
        image = image_of(images, name)
        page = Page(1, words_of_lines(read_lines(paths[name], image)))
        return align_document(name, [page], values[name], fields, how, images=[str(image or "")]).document

    return ReadCorpus(values, fields.labels, read, keep=True)


def _path_of(folder: Path, name: str, truth: Path) -> Path:
    found = [path for suffix in (".json", ".txt") if (path := folder / f"{name}{suffix}").is_file()]
    if not found:
        raise DataError(f"{truth}: document {name!r} has no {name}.json or {name}.txt in {folder}")
    return found[0]


def image_of(images: Path | None, name: str) -> Path | None:
    """The image of this name in a folder of images, where there is one."""
    if images is None:
        return None
    return next((path for suffix in IMAGES if (path := images / f"{name}{suffix}").is_file()), None)


def _lines_of_json(path: Path) -> list[TextLine]:
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        width, height = float(content["width"]), float(content["height"])
        return [
            TextLine(line["text"], _box(line["box"], width, height))
            for line in content["lines"]
            if line["text"].strip()
        ]
    except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
        raise DamagedDocumentError(
            f"{path}: expected width, height and lines of box and text, {error!r}"
        ) from error


def _lines_of_text(path: Path, width: int, height: int) -> Iterator[TextLine]:
    rows = path.read_text(encoding="utf-8-sig", errors="replace").splitlines()
    for number, row in enumerate(rows, start=1):
        if not row.strip():
            continue
        parts = row.split(",", 8)
        try:
            xs, ys = [float(x) for x in parts[:8:2]], [float(y) for y in parts[1:8:2]]
            text = parts[8]
        except (IndexError, ValueError) as error:
            raise DamagedDocumentError(
                f"{path}, line {number}: expected eight coordinates and a text"
            ) from error
        if text.strip():
            yield TextLine(text, _box((min(xs), min(ys), max(xs), max(ys)), width, height))


def _box(sides: Sequence[float], width: float, height: float) -> Box:
    left, top, right, bottom = sides
    return Box.clipped(left / width, top / height, right / width, bottom / height)
