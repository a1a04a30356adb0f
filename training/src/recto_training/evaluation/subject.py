"""What is evaluated: a model folder or a release, with the fields and the calibration that lie beside it.

Predicts documents one after the other; many windows share a batch, so a little is read ahead.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recto.confidence import Calibration, parse_calibration
from recto.document import PagePredictions
from recto.errors import ConfigurationError
from recto.fields import OTHER, FieldConfiguration, FieldList, Select, field_list, parse_fields
from recto.inference import NO_WORD, Batch, Picture, Verdict, classify_pages
from recto.release import CALIBRATION, FIELDS
from recto.release_contents import misfits
from recto_training.corpus import IGNORED, LabelledDocument
from recto_training.evaluation.focus import FocusTally
from recto_training.evaluation.spans import is_bio
from recto_training.predict import HowToRun, WordModel, open_word_model

Predicted = tuple[LabelledDocument, tuple[PagePredictions, ...]]


class Subject(NamedTuple):
    """A model with what turns its words into values."""

    folder: Path
    model: WordModel
    fields: FieldList | None
    """None where the labels are no fields (BIO labels of forms)."""
    calibration: Calibration
    is_calibrated: bool
    """Whether the calibration was fitted; else it is the one set by hand."""
    remarks: tuple[str, ...] = ()
    """What was taken for granted, for the reader."""


def open_subject(
    folder: Path,
    fields: FieldList | None = None,
    how: HowToRun = HowToRun(),  # noqa: B008 - a tuple of numbers
) -> Subject:
    """From a folder; ConfigurationError where there is no model in it, or the fields are not the model's."""
    model = open_word_model(folder, how)
    remarks = []
    if fields is None and (folder / FIELDS).is_file():
        fields = parse_fields((folder / FIELDS).read_text(encoding="utf-8"))
    elif fields is None and not is_bio(model.labels):
        fields = plain_fields(model.labels)
        remarks.append("No field list was given: every label is taken for a field of text with one value.")
    if fields is not None and (problems := misfits(model.labels, fields)):
        raise ConfigurationError(f"field list and model {folder.name}: {'; '.join(problems)}")
    path = folder / CALIBRATION
    calibration = parse_calibration(path.read_bytes()) if path.is_file() else Calibration.default()
    is_calibrated = path.is_file() and calibration != Calibration.default()
    if fields is not None and not is_calibrated:
        remarks.append(
            "Confidence is not calibrated: its figures are those of a rule set by hand. "
            "`recto threshold` fits it on documents that were held out."
        )
    return Subject(folder, model, fields, calibration, is_calibrated, tuple(remarks))


def plain_fields(labels: Sequence[str]) -> FieldList:
    """Each label a field of text, of which the surest value is taken."""
    return field_list(
        FieldConfiguration(class_id=class_id, name=label, select=Select.CONFIDENCE)
        for class_id, label in enumerate(labels[:-1])
    )


def check_labels(subject: Subject, labels: Sequence[str]) -> None:
    """ConfigurationError where the documents were labelled with other classes than the model has."""
    if tuple(labels[:-1]) != subject.model.labels[:-1]:
        raise ConfigurationError(
            f"model {subject.folder.name} knows {', '.join(subject.model.labels[:-1])}; the data has "
            f"{', '.join(labels[:-1])}, in that order. Name the model's field list with --fields, or "
            f"relabel; {OTHER!r} does not count"
        )


def predict_documents(subject: Subject, documents: Iterable[LabelledDocument]) -> Iterator[Predicted]:
    """Each document with what the model says of its pages."""
    waiting: deque[LabelledDocument] = deque()
    verdicts = subject.model.verdicts(
        (labelled.page, picture) for labelled, picture in _pages(subject, documents, waiting)
    )
    return _by_document(verdicts, waiting)


class Counted(NamedTuple):
    """Predictions, and the reference's figures over the windows that gave them, once all have been read."""

    predicted: Iterator[Predicted]
    focus: list[FocusTally]
    """One entry, added up as documents are read; empty for a model without windows."""


def predict_and_count(subject: Subject, documents: Iterable[LabelledDocument]) -> Counted:
    """`predict_documents`, counting every window's sub-words on the way."""
    windows = subject.model.windows
    if windows is None:
        return Counted(predict_documents(subject, documents), [])
    waiting: deque[LabelledDocument] = deque()
    tallies = [FocusTally()]
    other = len(subject.model.labels) - 1

    def forward(batch: Batch, carried: Sequence[object]) -> NDArray[np.float32]:
        known = [one for one in carried if isinstance(one, _Carried)]
        logits_BLK = windows.forward(batch, [one.picture for one in known])
        for words_L, logits_LK, one in zip(batch.words_BL, logits_BLK, known, strict=True):
            labels_L = np.where(words_L == NO_WORD, IGNORED, one.classes_W[words_L])
            tallies[0] = tallies[0].plus([labels_L], [logits_LK.argmax(axis=-1)], other)
        return logits_BLK

    pages = (
        (labelled.page, _Carried(np.array([*labelled.classes, IGNORED]), picture))
        for labelled, picture in _pages(subject, documents, waiting)
    )
    verdicts = classify_pages(pages, windows.encoder, forward, other + 1, windows.limits)  # type: ignore[arg-type]
    return Counted(_by_document(verdicts, waiting), tallies)


class _Carried(NamedTuple):
    """What goes with a page through the batches in its picture's place."""

    classes_W: NDArray[np.int64]
    picture: Picture


def _pages(subject: Subject, documents: Iterable[LabelledDocument], waiting: deque[LabelledDocument]):  # noqa: ANN202
    """Pages with their pictures; each document is noted before its pages are read."""
    images = None
    if subject.model.wants_pictures:
        from recto_training.images import PageImages  # noqa: PLC0415 - brings torch

        images = PageImages()
    for document in documents:
        waiting.append(document)
        for labelled in document.pages:
            yield labelled, images[labelled.image] if images is not None else None


def _by_document(verdicts: Iterator[Verdict], waiting: deque[LabelledDocument]) -> Iterator[Predicted]:
    """Verdicts of pages gathered by document; documents without pages too."""
    gathered: list[PagePredictions] = []
    for verdict in verdicts:
        while not waiting[0].pages:
            yield waiting.popleft(), ()
        gathered.append(verdict.predictions)
        if len(gathered) == len(waiting[0].pages):
            yield waiting.popleft(), tuple(gathered)
            gathered = []
    while waiting:
        yield waiting.popleft(), ()
