"""SROIE, words given: company, date, address and total of 500 receipts; 400 train, 100 test, by id."""

from recto.fields import parse_fields
from recto_training.alignment import Alignment, Policy
from recto_training.corpus import IGNORED, Corpus
from recto_training.importers.lines import lines_corpus
from recto_training.word_recipes import WordRecipe
from word_rows.rows import DATA, Row, base_recipe, by_share

FOLDER = DATA / "sroie"
FIELDS = parse_fields(
    [
        {"ClassId": 0, "Name": "company", "Type": "company", "Select": "confidence"},
        {"ClassId": 1, "Name": "date", "Type": "date", "DateOrder": "DMY", "Select": "confidence"},
        {"ClassId": 2, "Name": "address", "Type": "address", "Select": "confidence"},
        {"ClassId": 3, "Name": "total", "Type": "money", "Select": "confidence"},
    ]
)
PLACES = {
    "company": Alignment(Policy.FIRST, others=IGNORED),
    "date": Alignment(Policy.FIRST, max_wrong=0.0, others=IGNORED),
    "address": Alignment(Policy.FIRST, max_wrong=0.2, others=IGNORED),
    "total": Alignment(Policy.BEST, cues=("TOTAL", "AMOUNT", "AMT"), max_wrong=0.0, others=IGNORED),
}
"""A value that is printed again elsewhere is neither trained on there nor held against the model."""


def corpus() -> Corpus:
    """All receipts, their lines split into words."""
    return lines_corpus(FOLDER / "box", FOLDER / "truth.jsonl", FIELDS, images=FOLDER / "img", how=PLACES)


def recipe() -> WordRecipe:
    """The laptop's recipe for this many receipts."""
    return base_recipe("sroie", num_train_epochs=14, dropout=0.0, hidden_words=0.1, ema_decay=0.99)


ROW = Row(
    name="sroie",
    what="field F1 (--match alnum), words given; 400 receipts train, 100 test, split by id",
    corpus=corpus,
    split=by_share(0.2),
    recipe=recipe,
    to_reach=0.91,
    aim=0.94,
    fields=FIELDS,
    normalised=("company",),  # without the registration number behind the name
)
