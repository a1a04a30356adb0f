"""A corpus that can be learnt in seconds: a name on top, a few words, a number behind 'Total'."""

from random import Random

from recto.document import Page, Word
from recto.geometry import Box
from recto_training.corpus import LabelledDocument, LabelledPage, ListCorpus

LABELS = ("name", "total", "other")
NAMES = ("Acme", "Borealis", "Cobalt", "Dunder", "Ember", "Flint")
FILLER = ("invoice", "thank", "you", "for", "your", "order", "tax", "item", "date")


def page(number: int, rng: Random, image: str = "") -> LabelledPage:
    """A name, some words, 'Total' and an amount, each on a line of its own."""
    texts = [
        rng.choice(NAMES),
        *rng.choices(FILLER, k=rng.randint(3, 9)),
        "Total",
        f"{rng.randint(1, 99)}.50",
    ]
    classes = (0, *[2] * (len(texts) - 2), 1)
    words = tuple(
        Word(text, Box(0.1, 0.05 + 0.06 * i, 0.1 + 0.02 * len(text), 0.09 + 0.06 * i), 0.99)
        for i, text in enumerate(texts)
    )
    return LabelledPage(Page(number, words), classes, image=image)


def corpus(number: int, seed: int = 0, image: str = "") -> ListCorpus:
    """So many documents of two pages, one of them without a word now and then."""
    documents = []
    for n in range(number):
        rng = Random(f"{seed} {n}")
        pages = [page(1, rng, image), page(2, rng, image)]
        if n % 4 == 3:
            pages.append(LabelledPage(Page(3, ()), ()))
        documents.append(LabelledDocument(f"{seed}-{n}", tuple(pages)))
    return ListCorpus(documents, LABELS)
