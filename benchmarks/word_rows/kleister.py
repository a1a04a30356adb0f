"""Kleister-NDA: date, jurisdiction, parties and term of 254 agreements, words from the PDFs' text layer.

The truth is by value and normalised (`2017-02-10`, `7 years`); 200 agreements train, 54 test, by id.
"""

from recto.fields import parse_fields
from recto_training.alignment import Alignment, Policy
from recto_training.caching import PageCache
from recto_training.corpus import IGNORED, Corpus, document_ids, split_documents
from recto_training.importers.values import values_corpus
from recto_training.word_recipes import WordRecipe
from word_rows.rows import CACHE, DATA, SEED, Row, Split, base_recipe

FOLDER = DATA / "kleister-nda"
NUM_TRAINING, NUM_TEST = 200, 54
FIELDS = parse_fields(
    [
        {"ClassId": 0, "Name": "effective_date", "Type": "date", "DateOrder": "MDY", "Select": "confidence"},
        {"ClassId": 1, "Name": "jurisdiction", "Normalizer": "jurisdiction", "Select": "confidence"},
        {"ClassId": 2, "Name": "party", "Type": "company", "Normalizer": "party"},
        {"ClassId": 3, "Name": "term", "Type": "duration", "Select": "confidence", "Optional": True},
    ]
)
LAW = ("LAWSOF", "LAWOF", "GOVERN", "CONSTRUE", "ACCORDANCEWITH")
PLACES = {
    "effective_date": Alignment(
        Policy.BEST, cues=("EFFECTIVE", "DATED", "ASOF", "MADE", "ENTERED"), others=IGNORED
    ),
    "jurisdiction": Alignment(Policy.BEST, cues=LAW, max_wrong=0.0, others=IGNORED, reach=12),
    "party": Alignment(Policy.ALL, max_wrong=0.05),
    "term": Alignment(
        Policy.BEST, cues=("TERM", "PERIOD", "EXPIRE", "UNTIL", "CONTINUE"), others=IGNORED, reach=15
    ),
}


def corpus() -> Corpus:
    """All agreements; their words are kept between runs."""
    cache = PageCache(CACHE / "kleister-pages")
    return values_corpus(FOLDER / "documents", FOLDER / "truth.jsonl", FIELDS, cache=cache, how=PLACES)


def split(corpus: Corpus) -> Split:
    """200 and 54 by id."""
    share = NUM_TEST / (NUM_TRAINING + NUM_TEST)
    return Split(*split_documents(document_ids(corpus), share, SEED))


def recipe() -> WordRecipe:
    """Most windows of an agreement hold no field: a part of them is enough."""
    return base_recipe(
        "kleister", num_train_epochs=3, empty_windows=0.1, dropout=0.0, hidden_words=0.05, ema_decay=0.98
    )


ROW = Row(
    name="kleister",
    what="field F1 on accepted values' normal forms (--match upper), text layer; 200 train, 54 test",
    corpus=corpus,
    split=split,
    recipe=recipe,
    to_reach=0.62,
    aim=0.70,
    fields=FIELDS,
    match="upper",
    normalised=("effective_date", "jurisdiction", "party", "term"),
    accepted_from={"effective_date": 0.5, "term": 0.5, "party": 0.85},
)
