"""The figures: what counts as right, on cases small enough to count by hand."""

from recto.confidence import Calibration
from recto.document import Page, PagePredictions, Word
from recto.entities import assemble, mentions
from recto.geometry import Box
from recto_training import score
from recto_training.export import demo_fields
from recto_training.real_ocr import ReadAgreement, label_page
from recto_training.synthetic.agreement import ALL_SEEN, Agreement, generate

FIELDS = demo_fields()
OTHER = FIELDS.other_class


def perfectly_read(agreement: Agreement) -> ReadAgreement:
    pages = []
    for number, truth in enumerate(agreement.pages, start=1):
        page = Page(number, tuple(Word(word.text, word.box, 0.95) for word in truth))
        pages.append(label_page(page, truth))
    return ReadAgreement(agreement, tuple(pages))


def read_with(source: ReadAgreement, *, silent: bool) -> score.Read:
    said, found = [], []
    for one in source.pages:
        classes = tuple(OTHER if silent or field < 0 else field for field in one.fields)
        predictions = PagePredictions(one.page.number, classes, tuple(0.9 for _ in classes))
        said.append(predictions)
        found.append(tuple(mentions(one.page, predictions, score.unignored(FIELDS))))
    active = [m for page in found for m in page if m.class_id in FIELDS.active_by_class]
    return score.Read(source, tuple(said), tuple(found), assemble(active, FIELDS, Calibration.default()))


def test_perfect_predictions_find_nearly_all_entities_and_all_runs() -> None:
    reads = [read_with(perfectly_read(generate(f"s {n}", ALL_SEEN)), silent=False) for n in range(12)]

    figures = score.figures(reads, FIELDS)

    assert figures["runs"]["f1"] == 1.0
    assert figures["entities"]["f1"] > 0.95
    assert figures["fields"]["f1"] > 0.95


def test_a_model_that_says_nothing_scores_nothing() -> None:
    figures = score.figures([read_with(perfectly_read(generate("s", ALL_SEEN)), silent=True)], FIELDS)

    assert figures["entities"]["f1"] == figures["fields"]["f1"] == 0.0
    assert figures["entities"]["true"] > 5


def test_a_mention_that_the_ocr_lost_counts_as_missed() -> None:
    source = perfectly_read(generate("s", ALL_SEEN))
    lost = source.pages[0]._replace(page=Page(1, ()), fields=(), entities=())
    before = sum(score.true_entities(source).values())

    after = score.true_entities(source._replace(pages=(lost, *source.pages[1:])))

    assert sum(after.values()) == before
    assert any(not words for _, _, words in after)


def test_an_ocr_word_belongs_to_the_word_that_covers_half_of_it() -> None:
    truth = generate("s", ALL_SEEN).pages[0]
    box = next(word.box for word in truth if word.field >= 0)
    inside = Box(box.left, box.top, box.left + box.width * 0.6, box.bottom)
    outside = Box(
        box.left, min(1.0, box.top + box.height * 40), box.right, min(1.0, box.top + box.height * 80)
    )

    read = label_page(Page(1, (Word("a", inside, 0.9), Word("b", outside, 0.9))), truth)

    assert read.fields[0] >= 0
    assert read.fields[1] != read.fields[0]
