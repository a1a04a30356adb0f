"""The lines of Ground Truth's output manifests, understood and checked by themselves. No objects, no OCR.

Every line that cannot be used is told, with its number, what is wrong and what to do (`faults`). What the
objects that lines name hold is looked at in `manifests`.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from recto.fields import FieldList
from recto_training import annotations as an
from recto_training.corpus import OTHER
from recto_training.faults import DataError, Faults
from recto_training.importers.comprehend import UNASSIGNED
from recto_training.json_lines import read_json_lines

OCR = "textract-ref"
SOURCE = "source-ref"
TEXT = "text-file-s3-uri"
PAGE = "page-num"
PAGE_IMAGES = "page-refs"
"""Images of all pages of a document, in lines that name no page."""
VALUES = "field-values"
"""Recto's own, on one line of a document: the truth by value, field name to list of values."""
PROVENANCE = "reviewed"
"""Of lines that `recto review export` wrote: who said so, and whether a model's values were before him."""
JOB_PAGE = "page"
"""The same in jobs of Amazon Comprehend's tool, as a string."""


class Line(NamedTuple):
    """A line of a manifest."""

    place: str
    """File and number of the line, for messages."""
    content: Mapping[str, Any]
    file: Path


class Example(NamedTuple):
    """A line with a label: one page, or one text."""

    place: str
    content: Mapping[str, Any]
    annotation: an.Annotation
    page: int | None
    """None where the line names none."""

    @property
    def document(self) -> str:
        """What tells its document from others: its OCR, its text, or its source."""
        return str(self.content.get(OCR) or self.content.get(TEXT) or self.content.get(SOURCE) or self.place)

    @property
    def is_prefilled(self) -> bool:
        """Whether the person who labelled it was shown a model's values; a line that does not say was not."""
        told = self.content.get(PROVENANCE)
        return isinstance(told, Mapping) and told.get("prefilled") is not False


def read_lines(paths: Sequence[Path]) -> list[Line]:
    """The lines of the manifests; DataError for lines that are no JSON objects, and for none at all."""
    faults = Faults()
    lines: list[Line] = []
    for path in paths:
        lines += [Line(row.place, row.content, path) for row in read_json_lines(path, faults)]
    if not lines and not faults:
        faults.add(", ".join(map(str, paths)), "the manifest is empty; expected one JSON object on each line")
    faults.end_if_any()
    return lines


def by_file(lines: Sequence[Line]) -> list[list[Line]]:
    """The lines of each manifest."""
    files: dict[Path, list[Line]] = {}
    for line in lines:
        files.setdefault(line.file, []).append(line)
    return list(files.values())


def find_label(lines: Sequence[Line]) -> str:
    """The attribute that holds the labels; DataError where there is none, or a choice.

    An adjustment job writes its own attribute beside the one that it began with: it says so in its
    metadata, and wins.
    """
    found = list(dict.fromkeys(chain.from_iterable(an.label_attributes(line.content) for line in lines)))
    if len(found) == 1:
        return found[0]
    place = lines[0].place
    if not found:
        segmented = [key for line in lines for key in line.content if key.endswith("-ref-metadata")]
        names = (name.removesuffix("-metadata") for name in segmented[:1])
        hint = "".join(f"; {name} is a segmentation, which marks no words" for name in names)
        keys = ", ".join(lines[0].content) or "nothing"
        raise DataError(f"{place}: no label attribute among {keys}{hint}; name the right one with --label")
    adjusted = [name for name in found if any(_is_adjusted(line, name) for line in lines)]
    if len(adjusted) == 1:
        return adjusted[0]
    raise DataError(f"{place}: several label attributes: {', '.join(found)}; choose one with --label")


def _is_adjusted(line: Line, name: str) -> bool:
    return "adjustment-status" in an.job_metadata(line.content, name)


def read_examples(
    files: Sequence[tuple[Sequence[Line], str]], fields: FieldList | None, *, skip_failed: bool
) -> list[Example]:
    """The labelled lines of each file under its own label, understood."""
    faults = Faults()
    examples: list[Example] = []
    for line, label in ((line, label) for lines, label in files for line in lines):
        try:
            example = _example(line, label, skip_failed=skip_failed)
        except DataError as error:
            faults.add(line.place, str(error))
            continue
        if example:
            examples.append(example)
    if not examples and not faults:
        faults.add(files[0][0][0].place, "every line was left out, since its labelling failed")
    if fields:
        _check_classes(examples, fields.labels, faults)
    _check_twice(examples, faults)
    faults.end_if_any()
    return examples


def _example(line: Line, label: str, *, skip_failed: bool) -> Example | None:
    reason = _failure(line.content, label)
    if reason and skip_failed:
        return None
    if reason:
        raise DataError(f"its labelling failed ({reason[:90]}); leave it out with --skip-failed")
    if label not in line.content:
        keys = ", ".join(line.content) or "nothing"
        raise DataError(f"no label {label!r}, seen {keys}; choose another with --label, or take the line out")
    annotation = an.annotation_of(line.content[label], an.job_metadata(line.content, label))
    page = line.content.get(PAGE)
    if page is None and str(line.content.get(JOB_PAGE, "")).isdigit():
        page = int(line.content[JOB_PAGE])
    if page is not None and (not isinstance(page, int) or page < 1):
        raise DataError(f"{PAGE} {page!r}: expected a whole number from 1")
    an.check_values(line.content.get(VALUES, {}), VALUES)
    needs_ocr = isinstance(annotation, an.Boxes) or (
        isinstance(annotation, an.Spans) and _has_blocks(annotation)
    )
    if needs_ocr and OCR not in line.content:
        raise DataError(f"no {OCR}: boxes and word ids need the OCR's output of the document")
    return Example(line.place, line.content, annotation, page)


def _failure(content: Mapping[str, Any], label: str) -> str:
    """Why the line has no label, as the service or a consolidation wrote it; empty where nothing failed."""
    if label in content:
        told = [content[label]]  # a custom job's function may have written it in the label's place
    else:
        told = [value for key, value in content.items() if key.endswith(an.METADATA)]
    return next(
        (str(one[an.FAILURE]) for one in told if isinstance(one, Mapping) and one.get(an.FAILURE)), ""
    )


def _has_blocks(annotation: an.Spans) -> bool:
    return any(span.blocks for span in annotation.spans)


def _check_twice(examples: Sequence[Example], faults: Faults) -> None:
    seen: dict[tuple[str, int | None], str] = {}
    for example in examples:
        key = (example.document, example.page)
        if key in seen:
            what = f"page {example.page} of {example.document}" if example.page else example.document
            faults.add(example.place, f"{what} is labelled in {seen[key]} too; take one out")
        seen.setdefault(key, example.place)


# --- classes ----------------------------------------------------------------------------------------


def labels_of(examples: Sequence[Example]) -> tuple[str, ...]:
    """The labels by id as the manifests name them; those without an id follow in order of their names."""
    by_id: dict[int, str] = {}
    names: set[str] = set()
    for example in examples:
        if isinstance(example.annotation, an.Boxes):
            for box in example.annotation.boxes:
                if box.class_id is None:
                    names.add(str(box.name))
                elif box.name is None:
                    raise DataError(
                        f"{example.place}: class id {box.class_id} has no name in the line's class-map; take "
                        "the box out, or give the field list with --fields"
                    )
                elif by_id.setdefault(box.class_id, box.name) != box.name:
                    raise DataError(
                        f"{example.place}: class {box.class_id} is {box.name!r} here and "
                        f"{by_id[box.class_id]!r} before; give the field list with --fields"
                    )
        elif isinstance(example.annotation, an.Spans):
            names.update(span.name for span in example.annotation.spans if span.name != UNASSIGNED)
        else:
            told = (example.content.get("metadata") or {}).get("labels") or ()
            names.update(map(str, told))
    listed = [by_id.get(number, f"class {number}") for number in range(max(by_id, default=-1) + 1)]
    return (*listed, *sorted(names - set(listed)), OTHER)


def _check_classes(examples: Sequence[Example], labels: Sequence[str], faults: Faults) -> None:
    for example in examples:
        for fault in dict.fromkeys(_class_faults(example.annotation, labels)):
            faults.add(example.place, f"{fault}; known: {', '.join(labels[:-1])}")


def _class_faults(annotation: an.Annotation, labels: Sequence[str]) -> Iterator[str]:
    if isinstance(annotation, an.Boxes):
        for box in annotation.boxes:
            if class_of(box.name, box.class_id, labels) is None:
                yield _unknown(box, len(labels) - 1)
    elif isinstance(annotation, an.Spans):
        for span in annotation.spans:
            if span.name not in {*labels[:-1], UNASSIGNED}:
                yield f"label {span.name!r} is not in the field list"


def _unknown(box: an.NamedBox, count: int) -> str:
    if box.name is not None:
        return f"label {box.name!r} (class {box.class_id}) is not in the field list"
    return f"class id {box.class_id}, expected 0 to {count - 1}"


def class_of(name: str | None, class_id: int | None, labels: Sequence[str]) -> int | None:
    """The class that a box or span is of: by name, since jobs number their labels as they like."""
    known = labels[:-1]
    if name is not None:
        return known.index(name) if name in known else None
    return class_id if class_id is not None and 0 <= class_id < len(known) else None
