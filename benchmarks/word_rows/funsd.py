"""FUNSD, word boxes: questions, answers and headers of 199 noisy forms, entities as seqeval counts them.

Its own split (149 train, 50 test). Words come in the file's order, which goes entity by entity, as in the
published figures. The data may be used for research figures only.
"""

from recto_training.corpus import Corpus, ListCorpus, document_ids
from recto_training.importers.funsd import funsd_corpus
from recto_training.word_recipes import WordRecipe
from word_rows.rows import DATA, Row, Split, base_recipe

FOLDER = DATA / "funsd"


def corpus() -> Corpus:
    """All forms; boxes of their words only, not of entities."""
    parts = _parts()
    return ListCorpus((document for part in parts for document in part), parts[0].labels)


def split(_: Corpus) -> Split:
    """As the data set has it."""
    return Split(*(list(document_ids(part)) for part in _parts()))


def _parts() -> list[Corpus]:
    return [funsd_corpus(FOLDER / part) for part in ("training_data", "testing_data")]


def recipe() -> WordRecipe:
    """Few documents, many entities on each."""
    return base_recipe("funsd", num_train_epochs=20, ema_decay=0.98, max_seq_length=512)


ROW = Row(
    name="funsd",
    what="entity F1 as seqeval counts, word boxes, words in the file's order; its own split of 149 and 50",
    corpus=corpus,
    split=split,
    recipe=recipe,
    to_reach=0.52,
    aim=0.60,
)
