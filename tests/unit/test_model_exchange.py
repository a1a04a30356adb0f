"""Pages as a model's endpoint reads them, and its answers as predictions: nothing lost, nothing moved."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recto.document import NO_LINE, Page, PagePredictions, Word
from recto.errors import ModelFailedError, RectoError, ReleaseError, WordMismatchError
from recto.geometry import Box
from recto.model_exchange import read_predictions, response_of, word_ids
from recto.textract import blocks_of, read_pages

LABELS = ("Total", "Date", "other")
millionths = st.integers(0, 1_000_000).map(lambda value: value / 1_000_000)


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    left, right = sorted((draw(millionths), draw(millionths)))
    top, bottom = sorted((draw(millionths), draw(millionths)))
    return Box(left, top, right, bottom)


words = st.builds(
    Word,
    text=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=5),
    box=boxes(),
    confidence=st.integers(0, 100).map(lambda value: value / 100),
    line=st.sampled_from([NO_LINE, 0, 1, 2]),
    id=st.sampled_from(["", "a", "b", "0b0b0b0b-0000-4000-8000-000000000001"]),
)


@given(st.lists(st.lists(words, max_size=4), min_size=1, max_size=3), st.sampled_from([1, 101]))
def test_what_is_sent_is_read_as_the_same_words_at_the_same_places_of_a_models_grid(
    of_pages: list[list[Word]], first: int
) -> None:
    pages = [Page(number, tuple(found)) for number, found in enumerate(of_pages, first)]

    response = json.loads(response_of(pages))
    found = list(read_pages(blocks_of(response)))

    assert [page.number for page in found] == [page.number for page in pages]
    for sent, read in zip(pages, found, strict=True):
        assert [(w.text, w.box.on_grid()) for w in read.words] == [
            (w.text, w.box.on_grid()) for w in sent.words
        ]
        assert [w.id for w in read.words] == word_ids(sent)


def page(number: int, num_words: int) -> Page:
    box = Box(0.1, 0.1, 0.2, 0.2)
    return Page(number, tuple(Word(f"w{n}", box, 0.9, 0, f"{number}.{n}") for n in range(num_words)))


def answer(pages: list[Page], **changes: Any) -> list[dict[str, Any]]:
    """The sent blocks with classes on the words, as a container answers."""
    blocks: list[dict[str, Any]] = json.loads(response_of(pages))["Blocks"]
    verdict = {"ClassificationProbabilities": [0.1, 0.7, 0.2], "PredictedClassAgreement": 0.5, **changes}
    return [block | verdict if block["BlockType"] == "WORD" else block for block in blocks]


def read(blocks: list[dict[str, Any]], pages: list[Page]) -> list[PagePredictions]:
    return list(read_predictions(blocks, pages, LABELS, "endpoint e"))


def test_every_word_gets_its_most_probable_class_in_the_words_order() -> None:
    pages = [page(101, 2), page(102, 0), page(103, 1)]
    blocks = answer(pages)
    [block for block in blocks if block["BlockType"] == "WORD"][1]["ClassificationProbabilities"] = [1, 0, 0]

    found = read(blocks, pages)

    assert found == [
        PagePredictions(101, (1, 0), (0.7, 1.0), (0.5, 0.5)),
        PagePredictions(102, (), ()),
        PagePredictions(103, (1,), (0.7,), (0.5,)),
    ]


def test_an_answer_without_agreements_has_none() -> None:
    pages = [page(1, 2)]

    assert read(answer(pages, PredictedClassAgreement=None), pages)[0].agreements == ()


def without(blocks: list[dict[str, Any]], block_id: str) -> list[dict[str, Any]]:
    return [block for block in blocks if block["Id"] != block_id]


@pytest.mark.parametrize("lost", ["1.0", "2.2"])
def test_a_lost_word_is_an_error_by_name(lost: str) -> None:
    pages = [page(1, 2), page(2, 3)]

    with pytest.raises(WordMismatchError, match="endpoint e: "):
        read(without(answer(pages), lost), pages)


def test_a_word_too_many_and_words_in_another_order_are_errors_by_name() -> None:
    pages = [page(1, 2)]
    blocks = answer(pages)

    with pytest.raises(WordMismatchError, match="words after those that were sent"):
        read([*blocks, blocks[-1]], pages)
    with pytest.raises(
        WordMismatchError, match=r"word 1 of page 1 was sent as '1\.0', the answer has '1\.1'"
    ):
        read([*blocks[:-2], blocks[-1], blocks[-2]], pages)


@pytest.mark.parametrize(
    ("probabilities", "error", "told"),
    [
        ([0.5, 0.5], ReleaseError, "has 2 classes, the release 3 labels"),
        (None, ModelFailedError, "expected ClassificationProbabilities"),
        (["0.1", "0.2", "0.7"], ModelFailedError, "a number for each of 3 labels"),
        ([0.5, 0.5, 0.5], ModelFailedError, r"add up to 1, got 1\.500"),
        ([float("nan"), 0.5, 0.5], ModelFailedError, "add up to 1"),
        ([-0.5, 1.0, 0.5], ModelFailedError, "add up to 1"),
    ],
)
def test_classes_that_are_not_those_of_the_release_are_refused(
    probabilities: Any, error: type[RectoError], told: str
) -> None:
    pages = [page(1, 1)]

    with pytest.raises(error, match=told):
        read(answer(pages, ClassificationProbabilities=probabilities), pages)
