"""How much of what a corpus holds: mentions, words and documents of each class, and what that warns of."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from recto_training.corpus import IGNORED, NO_FIELD, Corpus, LabelledPage

FEW = 10
"""A class with fewer mentions than this is hardly learned."""


class ClassCount(NamedTuple):
    """How often a class occurs."""

    name: str
    mentions: int = 0
    words: int = 0
    documents: int = 0


class Balance(NamedTuple):
    """What a corpus holds."""

    documents: int
    pages: int
    words: int
    ignored: int
    """Words whose class is not known."""
    empty_pages: int
    """Pages without words."""
    classes: tuple[ClassCount, ...]
    """By class id, without the class of no field."""
    other: int
    """Words of no field."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What will keep a model from learning, in plain words."""
        return tuple(self._warnings())

    def _warnings(self) -> Iterator[str]:
        used = [one for one in self.classes if one.words]
        unused = [one.name for one in self.classes if not one.words]
        if not used:
            yield "no word has a class: there is nothing to learn"
        elif len(used) == 1:
            yield f"only one class is ever used: {used[0].name}"
        if unused and used:
            yield f"never used: {', '.join(unused)}"
        begun = {one.name.removeprefix("B-") for one in self.classes if one.name.startswith("B-")}
        for one in used:
            goes_on = one.name.startswith("I-") and one.name[2:] in begun  # counted where it begins
            if one.mentions < FEW and not goes_on:
                yield f"{one.name}: {one.mentions} examples, at least {FEW} wanted"
        if used and not self.other:
            yield "every word has a class: the model cannot learn what belongs to none"
        if self.empty_pages:
            yield f"{self.empty_pages} pages without words"


def balance_of(corpus: Corpus) -> Balance:
    """The balance of a corpus, which is read once."""
    mentions: Counter[int] = Counter()
    words: Counter[int] = Counter()
    documents: Counter[int] = Counter()
    pages = empty = total = 0
    for document in corpus:
        of_document: set[int] = set()
        for labelled in document.pages:
            pages += 1
            empty += not labelled.page.words
            words.update(labelled.classes)
            mentions.update(_mentions(labelled))
            of_document.update(labelled.classes)
        documents.update(of_document)
        total += 1
    other = len(corpus.labels) - 1
    counts = tuple(
        ClassCount(name, mentions[number], words[number], documents[number])
        for number, name in enumerate(corpus.labels[:-1])
    )
    num_words = sum(words.values())
    return Balance(total, pages, num_words, words[IGNORED], empty, counts, words[other])


def _mentions(labelled: LabelledPage) -> Iterator[int]:
    """The class of each mention; where mentions are not told apart, of each run of words of one class."""
    if labelled.entities:
        first = {
            entity: class_id
            for entity, class_id in reversed(list(zip(labelled.entities, labelled.classes, strict=True)))
            if entity != NO_FIELD
        }
        return iter(first.values())
    classes = labelled.classes
    return (one for index, one in enumerate(classes) if index == 0 or classes[index - 1] != one)


def table_of(balance: Balance) -> Sequence[str]:
    """The balance as lines of text."""
    width = max([len(one.name) for one in balance.classes] + [5])
    head = f"{'class':{width}}  mentions    words  documents"
    rows = [
        f"{one.name:{width}}  {one.mentions:8d} {one.words:8d}  {one.documents:9d}" for one in balance.classes
    ]
    share = 100 * balance.other / balance.words if balance.words else 0.0
    counts = f"{balance.documents} documents, {balance.pages} pages, {balance.words} words"
    return [
        f"{counts}; {share:.1f} % of the words in no field, {balance.ignored} left out",
        "",
        head,
        *rows,
        *(f"warning: {warning}" for warning in balance.warnings),
    ]
