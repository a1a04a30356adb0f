"""Output manifests of SageMaker Ground Truth, with the OCR's output, as a corpus of labelled documents.

One JSON object a line. Lines of one document (one `textract-ref`) are gathered, whatever their order, so
that a split by document keeps them together; each document's OCR is parsed once. What is wrong with any
line is told at once and in full, with the line's number: first what the lines themselves show, then what
the objects that they name show, before anything is trained.

Lines without a label (documents to be labelled) are read by `unlabelled_corpus`, for pre-training.
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from recto.document import Page, Word
from recto.errors import DocumentError
from recto.fields import FieldList
from recto.geometry import Box
from recto_training import annotations as an
from recto_training.corpus import IGNORED, NO_FIELD, OTHER, LabelledDocument, LabelledPage, ReadCorpus
from recto_training.faults import DataError, Faults
from recto_training.importers.comprehend import UNASSIGNED, read_annotation
from recto_training.matching import ClassBox, match_words
from recto_training.ocr_folder import OcrFolder

OCR = "textract-ref"
SOURCE = "source-ref"
TEXT = "text-file-s3-uri"
PAGE = "page-num"
PAGE_IMAGES = "page-refs"
"""Images of all pages of a document, in lines that name no page."""
VALUES = "field-values"
"""Recto's own, on one line of a document: the truth by value, field name to list of values."""
JOB_PAGE = "page"
"""The same in jobs of Amazon Comprehend's tool, as a string."""
ASPECT = 0.02
"""By how much the proportions of an image may differ from those of the image that was labelled."""
ENDINGS = r"(/consolidated)?\.\w+$"
NOWHERE = Box(0.0, 0.0, 0.0, 0.0)


class Line(NamedTuple):
    """A line of a manifest."""

    place: str
    """File and number of the line, for messages."""
    content: Mapping[str, Any]


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


def manifest_corpus(
    paths: Sequence[Path],
    ocr: OcrFolder,
    fields: FieldList | None = None,
    *,
    label: str = "",
    skip_failed: bool = False,
) -> ReadCorpus:
    """The labelled documents of some manifests; DataError that lists what is wrong with them.

    Without a field list the labels are those that the manifests name. Without a `label`, the attribute is,
    manifest by manifest, the only one there, or the one of the adjustment job. `skip_failed` leaves out
    lines whose labelling ended with a `failure-reason`.
    """
    of_files = [read_lines([path]) for path in paths]
    labels_of_files = [label or find_label(lines) for lines in of_files]
    examples = _examples(list(zip(of_files, labels_of_files, strict=True)), fields, skip_failed=skip_failed)
    labels = fields.labels if fields else _labels_of(examples)
    documents = _by_document(examples)
    _check_objects(examples, ocr)
    reader = _Reader(ocr, labels)
    _check_documents(documents, reader)
    names = _short_names(list(documents))

    def read(name: str) -> LabelledDocument:
        return reader.read(name, documents[names[name]])

    return ReadCorpus(names, labels, read)


# --- lines ------------------------------------------------------------------------------------------


def read_lines(paths: Sequence[Path]) -> list[Line]:
    """The lines of the manifests; DataError for lines that are no JSON objects, and for none at all."""
    faults = Faults()
    lines = []
    for path in paths:
        try:
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            faults.add(str(path), f"cannot be read as text ({error})")
            continue
        for number, row in enumerate(text.splitlines(), start=1):
            if not row.strip():
                continue
            place = f"{path}, line {number}"
            try:
                content = json.loads(row)
            except ValueError as error:
                faults.add(place, f"not JSON ({error}); a manifest has one JSON object on each line")
                continue
            if not isinstance(content, dict):
                faults.add(place, f"expected a JSON object, seen a {type(content).__name__}")
                continue
            lines.append(Line(place, content))
    if not lines and not faults:
        faults.add(", ".join(map(str, paths)), "the manifest is empty; expected one JSON object on each line")
    faults.end_if_any()
    return lines


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
        hint = f"; {segmented[0].removesuffix('-metadata')} is a segmentation, which marks no words"
        keys = ", ".join(lines[0].content)
        raise DataError(f"{place}: no label attribute among {keys}{hint if segmented else ''}")
    adjusted = [name for name in found if any(_is_adjusted(line, name) for line in lines)]
    if len(adjusted) == 1:
        return adjusted[0]
    raise DataError(f"{place}: several label attributes: {', '.join(found)}; choose one with --label")


def _is_adjusted(line: Line, name: str) -> bool:
    return "adjustment-status" in an.job_metadata(line.content, name)


def _examples(
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
    if label not in line.content:
        reason = next(
            (
                value[an.FAILURE]
                for key, value in line.content.items()
                if key.endswith(an.METADATA) and isinstance(value, Mapping) and an.FAILURE in value
            ),
            None,
        )
        if reason is not None and skip_failed:
            return None
        if reason is not None:
            raise DataError(f"its labelling failed ({reason[:90]}); leave it out with --skip-failed")
        keys = ", ".join(line.content) or "nothing"
        raise DataError(f"no label {label!r}, seen {keys}; choose another with --label, or take the line out")
    annotation = an.annotation_of(line.content[label], an.job_metadata(line.content, label))
    page = line.content.get(PAGE)
    if page is None and str(line.content.get(JOB_PAGE, "")).isdigit():
        page = int(line.content[JOB_PAGE])
    if page is not None and (not isinstance(page, int) or page < 1):
        raise DataError(f"{PAGE} {page!r}: expected a whole number from 1")
    needs_ocr = isinstance(annotation, an.Boxes) or (
        isinstance(annotation, an.Spans) and _has_blocks(annotation)
    )
    if needs_ocr and OCR not in line.content:
        raise DataError(f"no {OCR}: boxes and word ids need the OCR's output of the document")
    return Example(line.place, line.content, annotation, page)


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


def _labels_of(examples: Sequence[Example]) -> tuple[str, ...]:
    """The labels by id as the manifests name them; those without an id follow in order of their names."""
    by_id: dict[int, str] = {}
    names: set[str] = set()
    for example in examples:
        if isinstance(example.annotation, an.Boxes):
            for box in example.annotation.boxes:
                if box.class_id is None:
                    names.add(str(box.name))
                elif by_id.setdefault(box.class_id, box.name or f"class {box.class_id}") != box.name:
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


# --- objects ----------------------------------------------------------------------------------------


def _by_document(examples: Sequence[Example]) -> dict[str, list[Example]]:
    documents: dict[str, list[Example]] = {}
    for example in examples:
        documents.setdefault(example.document, []).append(example)
    return documents


def _references(example: Example) -> list[str]:
    """The objects that a line cannot do without."""
    if isinstance(example.annotation, an.Reference):
        return [example.annotation.uri]
    keys = (OCR, TEXT) if isinstance(example.annotation, an.Spans) else (OCR,)
    return [str(example.content[key]) for key in keys if key in example.content]


def _check_objects(examples: Sequence[Example], ocr: OcrFolder) -> None:
    faults = Faults()
    known: dict[str, str] = {}
    for example in examples:
        for reference in _references(example):
            if reference not in known:
                known[reference] = ocr.fault(reference)
            if known[reference]:
                faults.add(example.place, known[reference])
        if fault := _other_image(example, ocr):
            faults.add(example.place, fault)
    faults.end_if_any()


def _other_image(example: Example, ocr: OcrFolder) -> str:
    """What is wrong where the page's image lies here and is of other proportions than the labelled one."""
    if not isinstance(example.annotation, an.Boxes) or SOURCE not in example.content:
        return ""
    size = ocr.image_size(str(example.content[SOURCE]))
    if size is None:
        return ""
    labelled, seen = example.annotation.width / example.annotation.height, size[0] / size[1]
    if abs(labelled - seen) <= ASPECT * labelled:
        return ""
    return (
        f"image_size {example.annotation.width:g} x {example.annotation.height:g}, but "
        f"{example.content[SOURCE]} is {size[0]} x {size[1]}: other proportions, so the boxes are not on "
        "their words; label it again"
    )


def _check_documents(documents: Mapping[str, Sequence[Example]], reader: "_Reader") -> None:
    """That each page and annotation file can be read; parses each document's OCR, once, into the cache."""
    faults = Faults()
    for examples in documents.values():
        for example in examples:
            try:
                fault = reader.fault(example)
            except DocumentError as error:
                faults.add(example.place, f"{example.document}: {error}")
                break
            if fault:
                faults.add(example.place, fault)
    faults.end_if_any()


def _page_fault(example: Example, ocr: OcrFolder) -> str:
    if isinstance(example.annotation, an.Reference) or OCR not in example.content:
        return ""
    reference = str(example.content[OCR])
    numbers = ocr.stored(reference).numbers
    if example.page is None and len(numbers) > 1 and isinstance(example.annotation, an.Boxes):
        return f"no {PAGE}, but {reference} has {len(numbers)} pages"
    if example.page is not None and example.page not in numbers:
        pages = f"pages {numbers[0]} to {numbers[-1]}" if numbers else "no pages"
        return f"page {example.page} is out of range: {reference} has {pages}"
    return ""


# --- documents --------------------------------------------------------------------------------------


class _Reader:
    """Reads labelled documents."""

    def __init__(self, ocr: OcrFolder, labels: Sequence[str]) -> None:
        self._ocr = ocr
        self._labels = tuple(labels)
        self._other = len(labels) - 1

    def read(self, name: str, examples: Sequence[Example]) -> LabelledDocument:
        references = [one.annotation for one in examples if isinstance(one.annotation, an.Reference)]
        if references:
            pages = chain.from_iterable(self._read_reference(name, one).pages for one in references)
            return LabelledDocument(name, tuple(sorted(pages, key=lambda one: one.page.number)))
        numbers = {example.page for example in examples if example.page is not None}
        words = self._pages(examples[0], numbers or None)
        first = next(iter(words))
        labelled = [self._label(words[example.page or first], example) for example in examples]
        values = chain.from_iterable(example.content.get(VALUES, {}).items() for example in examples)
        truth = {field: tuple(map(str, listed)) for field, listed in values}
        return LabelledDocument(name, tuple(sorted(labelled, key=lambda one: one.page.number)), truth)

    def fault(self, example: Example) -> str:
        """What is wrong with what the line refers to; empty where nothing is."""
        if not isinstance(example.annotation, an.Reference):
            return _page_fault(example, self._ocr)
        try:
            self._read_reference(example.document, example.annotation)
        except DataError as error:
            return str(error)
        return ""

    def _read_reference(self, name: str, annotation: an.Reference) -> LabelledDocument:
        return read_annotation(self._ocr.text(annotation.uri), self._labels, name)

    def _pages(self, example: Example, numbers: Collection[int] | None) -> dict[int, Page]:
        if OCR in example.content:
            return {page.number: page for page in self._ocr.pages(str(example.content[OCR]), numbers)}
        words = tuple(Word(text, NOWHERE, 1.0) for text in self._text(example, ()).split())
        return {1: Page(1, words)}

    def _label(self, page: Page, example: Example) -> LabelledPage:
        path = _image([example.content[SOURCE]] if SOURCE in example.content else [], self._ocr)
        if isinstance(example.annotation, an.Boxes):
            boxes = [self._class_box(box) for box in example.annotation.boxes]
            matched = match_words(page.words, boxes, self._other)
            return LabelledPage(page, matched.classes, matched.entities, path)
        assert isinstance(example.annotation, an.Spans)  # noqa: S101
        classes, entities = self._spans(page, example, example.annotation)
        return LabelledPage(page, tuple(classes), tuple(entities), path)

    def _class_box(self, box: an.NamedBox) -> ClassBox:
        class_id = class_of(box.name, box.class_id, self._labels)
        assert class_id is not None  # noqa: S101 - checked line by line before
        return ClassBox(box.box, class_id, box.mention)

    def _text(self, example: Example, words: Sequence[str]) -> str:
        """The text that the offsets count in; without one, the words with spaces between."""
        if TEXT in example.content:
            return self._ocr.text(str(example.content[TEXT]))
        return str(example.content.get("source") or " ".join(words))

    def _spans(self, page: Page, example: Example, annotation: an.Spans) -> tuple[list[int], list[int]]:
        """Classes and mentions of the words that lie in spans, by at least half of their characters."""
        words = [word.text for word in page.words]
        places = list(an.words_in_spans(words, self._text(example, words)))
        by_id = {word.id: index for index, word in enumerate(page.words) if word.id}
        classes, entities = [self._other] * len(words), [NO_FIELD] * len(words)
        for number, span in enumerate(annotation.spans):
            if span.blocks:
                inside = [by_id[block] for block in span.blocks if block in by_id]
            else:
                inside = [i for i, (start, end) in enumerate(places) if _is_inside(start, end, span)]
            is_known = span.name != UNASSIGNED
            for index in inside:
                classes[index] = self._labels.index(span.name) if is_known else IGNORED
                entities[index] = number if is_known else NO_FIELD
        return classes, entities


def _is_inside(start: int, end: int, span: an.Span) -> bool:
    return start >= 0 and 2 * (min(end, span.end) - max(start, span.start)) >= end - start


def _short_names(references: Sequence[str]) -> dict[str, str]:
    """A short name for each document, to its reference: what is not common to all of them."""
    bare = [re.sub(ENDINGS, "", one) for one in references]
    if len(set(bare)) < len(references):
        bare = list(references)
    parts = [one.split("/") for one in bare]
    common = 0
    while all(len(one) > common + 1 for one in parts) and len({one[common] for one in parts}) == 1:
        common += 1
    return {"/".join(one[common:]): reference for one, reference in zip(parts, references, strict=True)}


# --- without labels ---------------------------------------------------------------------------------


def unlabelled_corpus(paths: Sequence[Path], ocr: OcrFolder) -> ReadCorpus:
    """The documents of manifests with all their pages, nothing labelled: for pre-training.

    Images are those that `page-refs` names, page by page, where they lie in a folder.
    """
    faults = Faults()
    lines: dict[str, Line] = {}
    for line in read_lines(paths):
        reference = str(line.content.get(OCR, ""))
        if not reference:
            faults.add(line.place, f"no {OCR}, seen {', '.join(line.content)}")
        elif reference not in lines and (fault := ocr.fault(reference)):
            faults.add(line.place, fault)
        lines.setdefault(reference, line)
    faults.end_if_any()
    names = _short_names(list(lines))

    def read(name: str) -> LabelledDocument:
        images = lines[names[name]].content.get(PAGE_IMAGES) or ()
        pages = (
            LabelledPage(page, (IGNORED,) * len(page.words), image=_image(images[page.number - 1 :], ocr))
            for page in ocr.pages(names[name])
        )
        return LabelledDocument(name, tuple(pages))

    return ReadCorpus(names, (OTHER,), read)


def _image(references: Sequence[str], ocr: OcrFolder) -> str:
    """The path of the first of the images, empty where it does not lie here."""
    path = ocr.path(str(references[0])) if references else None
    return str(path) if path is not None and path.is_file() else ""
