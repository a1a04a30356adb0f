"""Labelled documents: what importers give and what training, evaluation and calibration take.

Labels stand off from the words: one class id per word, none inside the page. A corpus is read as often
as one likes and gives one document at a time; it need not lie in memory. Not here: files and formats
(`importers`, `manifests`), tokens and windows (`encoders`).

Classes are positions in `labels`; the last label is OTHER, for words of no field.
"""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from hashlib import sha256
from random import Random
from typing import NamedTuple, Protocol, runtime_checkable

from recto.document import Page
from recto.errors import ConfigurationError

OTHER = "other"
"""Name of the last label: words that belong to no field."""
IGNORED = -100
"""Class of a word that is neither trained on nor scored."""
NO_FIELD = -1
"""Stands in `entities` for a word that belongs to no mention."""
ALL_PREFILLED = (
    "the labels of all {count} documents began with a model's own values (recto review export), and whoever "
    "is shown an answer tends to agree with it. Name documents that were labelled without it, or audits "
    "(--blind-only); --allow-prefilled grades on them all the same"
)
NO_VALUES: Mapping[str, tuple[str, ...]] = {}
"""A plain dictionary, since documents go to other processes."""


class LabelledPage(NamedTuple):
    """The words of a page and what each of them is; entry i of a tuple belongs to word i."""

    page: Page
    classes: tuple[int, ...]
    """Class id of each word; IGNORED where it is not known."""
    entities: tuple[int, ...] = ()
    """Number of the true mention that the word belongs to, NO_FIELD for none; empty where not known."""
    image: str = ""
    """Path or URI of the page's image, empty for none."""


class LabelledDocument(NamedTuple):
    """A document; its pages ascend, and need not be all of its pages."""

    id: str
    pages: tuple[LabelledPage, ...]
    values: Mapping[str, tuple[str, ...]] = NO_VALUES
    """The truth by value, where the source has it: field name to its values."""
    prefilled: bool = False
    """Whether the person who labelled it was shown a model's values: no model is graded on it unasked."""


@runtime_checkable
class Corpus(Protocol):
    """Labelled documents that can be read again and again."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the classes by id; the last is that of no field."""
        ...

    def __iter__(self) -> Iterator[LabelledDocument]: ...

    def __len__(self) -> int:
        """Number of documents."""
        ...


class ListCorpus:
    """A corpus that lies in memory."""

    def __init__(self, documents: Iterable[LabelledDocument], labels: Sequence[str]) -> None:
        self.documents = tuple(documents)
        self.labels = tuple(labels)

    def __iter__(self) -> Iterator[LabelledDocument]:
        return iter(self.documents)

    def __len__(self) -> int:
        return len(self.documents)


class ReadCorpus:
    """A corpus that reads each document when it is asked for it, and keeps it with `keep`."""

    def __init__(
        self,
        ids: Iterable[str],
        labels: Sequence[str],
        read: Callable[[str], LabelledDocument],
        *,
        keep: bool = False,
        prefilled: Collection[str] = (),
    ) -> None:
        self.ids = tuple(ids)
        self.prefilled = frozenset(prefilled)
        """Ids of documents whose labels began with a model's values."""
        self.labels = tuple(labels)
        self._read = cache(read) if keep else read

    def __iter__(self) -> Iterator[LabelledDocument]:
        return map(self._read, self.ids)

    def __len__(self) -> int:
        return len(self.ids)

    def some(self, ids: Collection[str]) -> Iterator[LabelledDocument]:
        """Only these documents, in the order of the corpus; the others are not read."""
        return (self._read(one) for one in self.ids if one in ids)


class PartOfCorpus:
    """The documents of a corpus that have one of these ids, in the order of the corpus."""

    def __init__(self, corpus: Corpus, ids: Collection[str]) -> None:
        self._corpus = corpus
        self._ids = frozenset(ids)
        self._count = len(self._ids & set(document_ids(corpus)))

    @property
    def labels(self) -> tuple[str, ...]:
        return self._corpus.labels

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of these documents, without their being read."""
        return tuple(one for one in document_ids(self._corpus) if one in self._ids)

    @property
    def prefilled(self) -> frozenset[str]:
        """Those whose labels began with a model's values."""
        return prefilled_ids(self._corpus) & self._ids

    def __iter__(self) -> Iterator[LabelledDocument]:
        some = getattr(self._corpus, "some", None)
        if some is not None:
            return iter(some(self._ids))
        return (document for document in self._corpus if document.id in self._ids)

    def __len__(self) -> int:
        return self._count


class ChangedCorpus:
    """A corpus whose documents are changed as they are read, for instance by augmentation."""

    def __init__(self, corpus: Corpus, change: Callable[[LabelledDocument], LabelledDocument]) -> None:
        self._corpus = corpus
        self._change = change

    @property
    def labels(self) -> tuple[str, ...]:
        return self._corpus.labels

    def __iter__(self) -> Iterator[LabelledDocument]:
        return map(self._change, self._corpus)

    def __len__(self) -> int:
        return len(self._corpus)


def document_ids(corpus: Corpus) -> tuple[str, ...]:
    """The ids of all documents, in order; a corpus that knows them in an attribute `ids` is not read."""
    known = getattr(corpus, "ids", None)
    return tuple(known) if known is not None else tuple(document.id for document in corpus)


def split_documents(ids: Iterable[str], share: float, seed: int = 1337) -> tuple[list[str], list[str]]:
    """The ids in two parts: the rest, and `share` (0-1) of them held out; whole documents on one side.

    The same ids and seed give the same parts, in whatever order the ids come. With two documents or
    more and a share above 0, neither part is empty.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"share {share}: expected between 0 and 1")
    ordered = sorted(set(ids))
    Random(seed).shuffle(ordered)
    held_out = round(share * len(ordered))
    if 0 < share < 1 and len(ordered) > 1:
        held_out = min(max(1, held_out), len(ordered) - 1)
    cut = len(ordered) - held_out
    return ordered[:cut], ordered[cut:]


def split_corpus(corpus: Corpus, share: float, seed: int = 1337) -> tuple[PartOfCorpus, PartOfCorpus]:
    """The corpus in two parts by document: the rest, and `share` of it held out.

    Pre-filled documents are never held out. The share is of the others, so that the same ones are held out
    before and after reviewed documents come in. ConfigurationError where there are no others.
    """
    prefilled = prefilled_ids(corpus)
    fair = [one for one in document_ids(corpus) if one not in prefilled]
    if share and prefilled and not fair:
        raise ConfigurationError(f"nothing can be held out: {ALL_PREFILLED.format(count=len(prefilled))}")
    kept, held_out = split_documents(fair, share, seed)
    return PartOfCorpus(corpus, {*kept, *prefilled}), PartOfCorpus(corpus, held_out)


def prefilled_ids(corpus: Corpus) -> frozenset[str]:
    """The ids of the documents whose labels began with a model's values."""
    known: frozenset[str] = getattr(corpus, "prefilled", frozenset())
    return known


def fair_part(corpus: Corpus) -> Corpus:
    """The documents that a model may be graded on; ConfigurationError where there are none among some."""
    prefilled = prefilled_ids(corpus)
    if not prefilled:
        return corpus
    fair = PartOfCorpus(corpus, set(document_ids(corpus)) - prefilled)
    if not len(fair):
        raise ConfigurationError(f"nothing to judge by: {ALL_PREFILLED.format(count=len(prefilled))}")
    return fair


def folds(ids: Iterable[str], count: int, seed: int = 1337) -> list[list[str]]:
    """The ids in `count` parts of nearly one size, each id in exactly one."""
    ordered = sorted(set(ids))
    if not 2 <= count <= len(ordered):
        raise ValueError(f"{count} folds of {len(ordered)} documents: expected 2 to one per document")
    Random(seed).shuffle(ordered)
    return [ordered[start::count] for start in range(count)]


def hash_corpus(corpus: Corpus) -> str:
    """What the corpus says, as one number: labels, ids, words, boxes and classes, in order."""
    digest = sha256(json.dumps(corpus.labels).encode())
    for document in corpus:
        digest.update(hash_document(document).encode())
    return digest.hexdigest()


def hash_document(document: LabelledDocument) -> str:
    """What one document says, as one number; its image's path does not count."""
    digest = sha256(document.id.encode())
    for labelled in document.pages:
        words = [(word.text, word.box) for word in labelled.page.words]
        digest.update(json.dumps((labelled.page.number, words, labelled.classes)).encode())
    digest.update(json.dumps(sorted(document.values.items())).encode())
    return digest.hexdigest()
