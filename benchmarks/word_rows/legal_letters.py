"""Legal letters: ten kinds of entities in 200 demand letters, annotated word by word in a real labelling job.

150 letters train, 50 test, by letter. A word of an entity without a label is neither trained on nor scored.
"""

from collections.abc import Iterator

from recto_training.corpus import OTHER, Corpus, LabelledDocument, ListCorpus
from recto_training.importers.comprehend import annotation_labels, read_annotation
from recto_training.word_recipes import WordRecipe
from word_rows.rows import DATA, Row, base_recipe, by_share

FOLDER = DATA / "legal-letters" / "annotations"
NO_LABEL = "UNASSIGNED"


def corpus() -> Corpus:
    """All letters, by the name of their PDF."""
    labels = (*(label for label in annotation_labels(FOLDER) if label != NO_LABEL), OTHER)
    return ListCorpus(_letters(labels), labels)


def _letters(labels: tuple[str, ...]) -> Iterator[LabelledDocument]:
    for path in sorted(FOLDER.glob("*.json")):
        letter = path.name.split("-")[0]
        yield read_annotation(path.read_text(encoding="utf-8"), labels, letter)


def recipe() -> WordRecipe:
    """Templated text: few epochs do."""
    return base_recipe("legal-letters", num_train_epochs=8, ema_decay=0.98, max_seq_length=512)


ROW = Row(
    name="legal-letters",
    what="entity F1 by word ids, 150 letters train, 50 test, by letter",
    corpus=corpus,
    split=by_share(0.25),
    recipe=recipe,
    to_reach=0.97,
    aim=0.97,
)
