"""Corpora, their splits, their balance, and pages that are moved for training."""

import pickle
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recto.geometry import Box
from recto_training import corpus as cp
from recto_training.augmentation import Moves, augmented_corpus, augmented_document, with_moved_copies
from recto_training.balance import balance_of
from recto_training.corpus import IGNORED, ListCorpus, ReadCorpus
from tests.training.labelled import LABELS, document_of, labelled_pages, page_of

NAMES = st.lists(st.text("abcdef", min_size=1), min_size=2, max_size=30, unique=True)
MOVES = Moves(shift=0.03, scale=0.1, jitter=0.1, drop=0.1, line_order=0.5)


@given(NAMES, st.floats(0.01, 0.99), st.integers())
def test_a_split_puts_each_document_on_one_side_and_leaves_none_empty(
    names: list[str], share: float, seed: int
) -> None:
    kept, held_out = cp.split_documents(names, share, seed)

    assert sorted([*kept, *held_out]) == sorted(names)
    assert kept
    assert held_out
    assert cp.split_documents(reversed(names), share, seed) == (kept, held_out)


def test_pages_of_one_document_never_part() -> None:
    documents = [
        document_of(f"d{n}", (page_of("a"), (0,)), (page_of("b", number=2), (0,))) for n in range(20)
    ]

    parts = cp.split_corpus(ListCorpus(documents, LABELS), 0.3)

    assert [len(part) for part in parts] == [14, 6]
    assert all(len(document.pages) == 2 for part in parts for document in part)
    assert not {one.id for one in parts[0]} & {one.id for one in parts[1]}


@given(NAMES, st.integers())
def test_each_document_is_in_one_fold(names: list[str], seed: int) -> None:
    parts = cp.folds(names, 2, seed)

    assert sorted(parts[0] + parts[1]) == sorted(names)
    assert abs(len(parts[0]) - len(parts[1])) <= 1


def test_more_folds_than_documents_are_refused() -> None:
    with pytest.raises(ValueError, match="3 folds of 2 documents"):
        cp.folds(["a", "b"], 3)


def test_a_part_reads_only_its_documents() -> None:
    read: list[str] = []

    def reader(name: str) -> cp.LabelledDocument:
        read.append(name)
        return document_of(name, (page_of("a"), (0,)))

    corpus = ReadCorpus(["a", "b", "c"], LABELS, reader)
    part = cp.PartOfCorpus(corpus, ["c", "a"])

    assert (len(part), part.ids, read) == (2, ("a", "c"), [])
    assert [document.id for document in part] == read == ["a", "c"]


def test_the_hash_tells_of_any_change_in_words_or_classes_but_not_of_image_paths() -> None:
    page = page_of("total 5.00")
    one = document_of("d", (page, (0, 2)))
    other_class = document_of("d", (page, (0, 1)))
    moved = document_of("d", (page._replace(words=page.words[::-1]), (0, 2)))
    with_image = one._replace(pages=(one.pages[0]._replace(image="/somewhere/d.png"),))

    hashes = [cp.hash_corpus(ListCorpus([document], LABELS)) for document in (one, other_class, moved)]

    assert len(set(hashes)) == 3
    assert cp.hash_corpus(ListCorpus([with_image], LABELS)) == hashes[0]


def test_a_balance_counts_mentions_words_and_documents() -> None:
    first = document_of("a", (page_of("ACME Ltd 1/2/19 x"), (0, 0, 1, 2)))
    second = document_of("b", (page_of("ACME x ACME"), (0, IGNORED, 0)), (page_of(number=2), ()))

    balance = balance_of(ListCorpus([first, second], LABELS))

    assert (balance.documents, balance.pages, balance.words, balance.ignored) == (2, 3, 7, 1)
    company, date = balance.classes
    assert (company.mentions, company.words, company.documents) == (3, 4, 2)
    assert (date.mentions, date.words, date.documents) == (1, 1, 1)
    assert balance.warnings == (
        "company: 3 examples, at least 10 wanted",
        "date: 1 examples, at least 10 wanted",
        "1 pages without words",
    )


@pytest.mark.parametrize(
    ("classes", "warning"),
    [
        ((2, 2), "no word has a class: there is nothing to learn"),
        ((0, 2), "only one class is ever used: company"),
        ((0, 2), "never used: date"),
        ((0, 1), "every word has a class: the model cannot learn what belongs to none"),
    ],
)
def test_a_corpus_that_cannot_be_learned_from_is_warned_of(classes: tuple[int, ...], warning: str) -> None:
    corpus = ListCorpus([document_of("a", (page_of("one two"), classes))], LABELS)

    assert warning in balance_of(corpus).warnings


def test_a_class_that_only_goes_on_is_counted_where_it_begins() -> None:
    page = cp.LabelledPage(page_of("ACME Ltd x"), (0, 1, 2), (1, 1, cp.NO_FIELD))
    document = cp.LabelledDocument("a", (page,))

    balance = balance_of(ListCorpus([document] * 10, ("B-company", "I-company", "O")))

    assert [one.mentions for one in balance.classes] == [10, 0]
    assert balance.warnings == ()


@given(labelled_pages())
def test_moved_words_stay_on_the_page_and_keep_their_class(labelled: cp.LabelledPage) -> None:
    document = cp.LabelledDocument("d", (labelled,))

    (moved,) = augmented_document(document, MOVES, seed=1, epoch=1).pages

    before = {word.id: pair for word, *pair in _rows(labelled)}
    assert all(before[word.id] == pair for word, *pair in _rows(moved))
    assert all(0 <= side <= 1 for word in moved.page.words for side in word.box)
    assert all(box.left <= box.right and box.top <= box.bottom for box in (w.box for w in moved.page.words))


def _rows(labelled: cp.LabelledPage) -> Iterator[tuple[object, ...]]:
    return zip(labelled.page.words, labelled.classes, labelled.entities, strict=True)


def test_an_epoch_is_the_same_each_time_and_another_one_differs() -> None:
    corpus = ListCorpus([document_of("a", (page_of("one two", "three"), (0, 1, 2)))], LABELS)

    first, again, later = (tuple(augmented_corpus(corpus, MOVES, seed=5, epoch=epoch)) for epoch in (1, 1, 2))

    assert first == again != later


def test_moved_copies_come_after_the_documents_as_they_are() -> None:
    corpus = ListCorpus([document_of("a", (page_of("one two", "three"), (0, 1, 2)))], LABELS)

    original, first, second = with_moved_copies(corpus, MOVES, seed=5, copies=2)

    assert original == corpus.documents[0]
    assert [one.id for one in (original, first, second)] == ["a", "a~1", "a~2"]
    assert first.pages != second.pages


def test_without_moves_a_page_stays_as_it_is() -> None:
    document = document_of("a", (page_of("one two", "three"), (0, 1, 2)))

    assert augmented_document(document, Moves(), seed=1, epoch=1) == document


def test_a_page_moves_as_a_whole() -> None:
    document = document_of("a", (page_of("one two"), (0, 1)))

    (moved,) = augmented_document(document, Moves(shift=0.02, scale=0.05), seed=1, epoch=1).pages

    one, two = (word.box for word in moved.page.words)
    assert isinstance(one, Box)
    assert one.top == two.top
    assert one.width == pytest.approx(two.width)
    assert one != document.pages[0].page.words[0].box


def test_moves_that_are_no_shares_are_refused() -> None:
    with pytest.raises(ValueError, match="drop"):
        Moves(drop=1.5)


def test_documents_go_to_other_processes_whole() -> None:
    document = document_of("a", (page_of("one two"), (0, 1)))

    assert pickle.loads(pickle.dumps(document)) == document  # noqa: S301 - our own bytes
