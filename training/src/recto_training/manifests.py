"""Output manifests of SageMaker Ground Truth, with the OCR's output, as a corpus of labelled documents.

One JSON object a line. Lines of one document (one `textract-ref`) are gathered, whatever their order, so
that a split by document keeps them together; each document's OCR is parsed once. What is wrong with any
line is told at once and in full, with the line's number: first what the lines themselves show
(`manifest_lines`), then what the objects that they name show, before anything is trained.

Lines without a label (documents to be labelled) are read by `unlabelled_corpus`, for pre-training.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from itertools import chain
from pathlib import Path

from recto.document import Page, Word
from recto.errors import AccessError, DocumentError, ServiceUnavailableError
from recto.fields import FieldList
from recto.geometry import Box
from recto_training import annotations as an
from recto_training.corpus import IGNORED, NO_FIELD, OTHER, LabelledDocument, LabelledPage, ReadCorpus
from recto_training.faults import DataError, Faults
from recto_training.importers.comprehend import UNASSIGNED, read_annotation
from recto_training.manifest_lines import (
    OCR,
    PAGE,
    PAGE_IMAGES,
    SOURCE,
    TEXT,
    VALUES,
    Example,
    Line,
    by_file,
    class_of,
    find_label,
    labels_of,
    read_examples,
    read_lines,
)
from recto_training.matching import ClassBox, match_words
from recto_training.ocr_folder import OcrFolder

ASPECT = 0.02
"""By how much the proportions of an image may differ from those of the image that was labelled."""
ENDINGS = r"(/consolidated)?\.\w+$"
NOWHERE = Box(0.0, 0.0, 0.0, 0.0)


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
    files = by_file(read_lines(paths))
    named = [(lines, label or find_label(lines)) for lines in files]
    examples = read_examples(named, fields, skip_failed=skip_failed)
    labels = fields.labels if fields else labels_of(examples)
    documents = _by_document(examples)
    _check_objects(examples, ocr)
    reader = _Reader(ocr, labels)
    _check_documents(documents, reader)
    names = _short_names(list(documents))

    def read(name: str) -> LabelledDocument:
        document = reader.read(name, documents[names[name]])
        return document._replace(prefilled=True) if name in prefilled else document

    prefilled = {
        name for name, reference in names.items() if any(one.is_prefilled for one in documents[reference])
    }
    return ReadCorpus(names, labels, read, prefilled=prefilled)


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
                known[reference] = _object_fault(example, reference, ocr)
            if known[reference]:
                faults.add(example.place, known[reference])
        if fault := _other_image(example, ocr):
            faults.add(example.place, fault)
    faults.end_if_any()


def _object_fault(example: Example, reference: str, ocr: OcrFolder) -> str:
    """Why the object is not there; DataError where S3 does not answer, as it would not for the next one."""
    try:
        return ocr.fault(reference)
    except (AccessError, ServiceUnavailableError) as error:
        told = "if it lies here, say where by --map s3://bucket/prefix=folder; else S3 needs credentials"
        raise DataError(f"{example.place}: {error}; {told}") from error


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
