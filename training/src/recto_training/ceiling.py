"""What the labels themselves could give: the values that perfect predictions of every word would bring.

Labels on words lose some of the truth: values printed otherwise than the truth says them, values that are
nowhere on the page, mentions that the pipeline's assembly joins or parts. What is lost here, no model can
win back, so this is the first figure to look at.
"""

from recto.confidence import Calibration
from recto.document import PagePredictions
from recto.fields import FieldList
from recto_training.corpus import IGNORED, Corpus, LabelledDocument, LabelledPage
from recto_training.evaluation.fields import DocumentScore, score_document
from recto_training.evaluation.truth import Match


def perfect_predictions(labelled: LabelledPage, other: int) -> PagePredictions:
    """What a model that never errs would say of a page; words of unknown class are in no field."""
    classes = tuple(other if one == IGNORED else one for one in labelled.classes)
    return PagePredictions(labelled.page.number, classes, (1.0,) * len(classes))


def ceiling_of(corpus: Corpus, fields: FieldList, match: Match) -> list[DocumentScore]:
    """The score of each document, had its words been read without an error."""
    return [ceiling_of_document(document, fields, match) for document in corpus]


def ceiling_of_document(document: LabelledDocument, fields: FieldList, match: Match) -> DocumentScore:
    """The same for one document."""
    said = [perfect_predictions(labelled, fields.other_class) for labelled in document.pages]
    return score_document(document, said, fields, Calibration.default(), match)
