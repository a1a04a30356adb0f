"""From words to tokens in windows, and from what windows say back to words."""
# ruff: noqa: N806 - arrays carry their shape in their name

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Barrier

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.pre_tokenizers import BertPreTokenizer

from recto.document import Page, Word
from recto.errors import ReleaseError
from recto.geometry import Box
from recto.inference import (
    NO_WORD,
    SEP_BOX,
    Batch,
    BatchLimits,
    PageEncoder,
    Picture,
    Votes,
    WordClassifier,
    classify_pages,
    open_session,
    special_tokens_of,
)
from recto.release import ROBERTA_TOKENS, SpecialTokens, WindowSettings, parse_release

VOCABULARY = {
    token: i for i, token in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "##a", "b", "##b"])
}


def encoder(max_tokens: int = 8, stride: int = 2) -> PageEncoder:
    tokenizer = Tokenizer(WordPiece(VOCABULARY, unk_token="[UNK]", max_input_chars_per_word=1000))
    tokenizer.pre_tokenizer = BertPreTokenizer()
    return PageEncoder(tokenizer, WindowSettings(max_tokens=max_tokens, stride=stride))


def page(*texts: str) -> Page:
    return Page(1, tuple(Word(text, Box(0.1, 0.2, 0.3, 0.4), 0.9) for text in texts))


def test_each_token_has_the_box_and_the_number_of_its_word() -> None:
    (window,) = encoder().encode(page("ab", "b"))

    assert window.input_ids == [2, 4, 7, 6, 3]
    assert window.words == [NO_WORD, 0, 0, 1, NO_WORD]
    assert window.boxes == [(0, 0, 0, 0), *[(100, 200, 300, 400)] * 3, SEP_BOX]


def test_a_word_that_the_tokenizer_makes_nothing_of_is_one_unknown_token() -> None:
    (window,) = encoder().encode(page("a", " ", "b"))

    assert window.input_ids == [2, 4, 1, 6, 3]
    assert window.words == [NO_WORD, 0, 1, 2, NO_WORD]


def test_of_a_word_longer_than_a_window_the_first_tokens_are_read() -> None:
    (window,) = encoder().encode(page("ab" * 50))

    assert window.input_ids == [2, 4, 7, 5, 7, 5, 7, 3]


def test_a_page_without_words_has_no_windows() -> None:
    assert encoder().encode(page()) == []


@given(st.lists(st.text(alphabet="ab ", max_size=12), min_size=1, max_size=40))
def test_every_word_of_a_page_is_read_in_windows_of_the_right_size(texts: list[str]) -> None:
    windows = encoder().encode(page(*texts))

    assert {word for window in windows for word in window.words} == {NO_WORD, *range(len(texts))}
    assert max(len(window.input_ids) for window in windows) <= 8


def test_a_batch_is_padded_to_its_longest_window() -> None:
    some = encoder()

    batch = some.collate([*some.encode(page("a")), *some.encode(page("a", "b"))])

    assert batch.input_ids_BL.tolist() == [[2, 4, 3, 0], [2, 4, 6, 3]]
    assert batch.attention_mask_BL.tolist() == [[1, 1, 1, 0], [1, 1, 1, 1]]
    assert batch.words_BL.tolist() == [[-1, 0, -1, -1], [-1, 0, 1, -1]]
    assert batch.boxes_BL4.shape == (2, 4, 4)


def test_a_word_gets_the_mean_over_its_tokens_and_windows() -> None:
    votes = Votes(num_words=1, num_classes=2)
    even, sure = [0.0, 0.0], [np.log(9.0), 0.0]

    votes.add_window(np.array([-1, 0, 0]), np.array([[0.0, 99.0], even, sure], np.float32))
    votes.add_window(np.array([0]), np.array([[0.0, np.log(3.0)]], np.float32))

    result = votes.result(number=3)
    assert result.number == 3
    assert result.classes == (0,)
    assert result.probabilities == pytest.approx([(0.5 + 0.9 + 0.25) / 3])
    assert result.agreements == (0.5,)


def test_a_page_without_words_gets_an_empty_verdict() -> None:
    assert Votes(0, 5).result(2) == (2, (), (), ())


def test_a_tokenizer_without_the_special_tokens_is_refused() -> None:
    with pytest.raises(ReleaseError, match=r"no token \[CLS\]"):
        PageEncoder(
            Tokenizer(WordPiece({"[UNK]": 0}, unk_token="[UNK]")), WindowSettings(max_tokens=8, stride=0)
        )


ROBERTA = {token: i for i, token in enumerate(["<s>", "<pad>", "</s>", "<unk>", "a"])}


def test_a_tokenizer_of_the_roberta_family_gives_its_own_special_tokens() -> None:
    tokenizer = Tokenizer(WordPiece(ROBERTA, unk_token="<unk>"))

    special = special_tokens_of(tokenizer)
    some = PageEncoder(tokenizer, WindowSettings(max_tokens=8, stride=0), special)

    assert special == ROBERTA_TOKENS
    assert [window.input_ids for window in some.encode(page("a", "?"))] == [[0, 4, 3, 2]]
    assert some.pad == 1


def test_a_tokenizer_of_no_known_family_is_refused_with_what_was_expected() -> None:
    with pytest.raises(ReleaseError, match=r"expected \[CLS\], .* or <s>"):
        special_tokens_of(Tokenizer(WordPiece({"?": 0}, unk_token="?")))


def test_an_index_without_special_tokens_means_those_of_bert() -> None:
    release = parse_release((DEMO / "release.json").read_bytes())

    assert release.special_tokens == SpecialTokens(cls="[CLS]", sep="[SEP]", pad="[PAD]", unk="[UNK]")


def guesses(batch: Batch, pictures: Sequence[Picture]) -> NDArray[np.float32]:
    """A model of two classes: even token ids are of the first; what it sees of the padding is nonsense."""
    assert len(pictures) == len(batch.input_ids_BL)
    logits_BLK = np.stack([batch.input_ids_BL % 2 == 0, batch.input_ids_BL % 2 == 1], axis=-1)
    return np.where(batch.attention_mask_BL[..., None] == 1, 3.0 * logits_BLK, np.nan).astype(np.float32)


PAGES_OF_TEXTS = st.lists(st.lists(st.text(alphabet="ab ", max_size=12), max_size=20), max_size=12)


@given(
    PAGES_OF_TEXTS,
    st.integers(1, 40),
    st.integers(1, 9),
    st.integers(1, 60),
    st.integers(1, 4),
    st.integers(1, 3),
)
def test_how_pages_are_batched_changes_nothing(
    texts: list[list[str]], tokens: int, windows: int, ahead: int, multiple_of: int, at_once: int
) -> None:
    pages = [page(*some)._replace(number=number) for number, some in enumerate(texts, 1)]
    limits = BatchLimits(tokens, windows, ahead, multiple_of, at_once)

    together = list(classify_pages(((p, None) for p in pages), encoder(), guesses, 2, limits))

    alone = [next(classify_pages([(p, None)], encoder(), guesses, 2)) for p in pages]
    assert [v.predictions.number for v in together] == [p.number for p in pages]
    assert [v.predictions.classes for v in together] == [v.predictions.classes for v in alone]
    for one, other in zip(together, alone, strict=True):
        assert np.allclose(one.means_WK, other.means_WK)
        assert one.predictions.agreements == other.predictions.agreements


def test_short_windows_are_not_batched_with_long_ones() -> None:
    seen = []

    def watched(batch: Batch, pictures: Sequence[Picture]) -> NDArray[np.float32]:
        seen.append(batch.input_ids_BL.shape)
        return guesses(batch, pictures)

    pages = [(page(*["a"] * num_words), None) for num_words in (1, 6, 1, 6)]
    list(classify_pages(pages, encoder(), watched, 2, BatchLimits(tokens=16)))

    assert seen == [(2, 8), (2, 3)]


def test_batches_are_computed_at_the_same_time_where_that_is_wanted() -> None:
    both = Barrier(2, timeout=10)

    def waiting(batch: Batch, pictures: Sequence[Picture]) -> NDArray[np.float32]:
        both.wait()
        return guesses(batch, pictures)

    pages = [(page("a", "b"), None), (page("b"), None)]
    said = list(classify_pages(pages, encoder(), waiting, 2, BatchLimits(tokens=4, at_once=2)))

    assert [len(verdict.predictions.classes) for verdict in said] == [2, 1]


def test_of_a_long_document_only_some_pages_are_read_ahead() -> None:
    read = []

    def document() -> Iterator[tuple[Page, Picture]]:
        for number in range(1, 3001):
            read.append(number)
            yield page("a", "b")._replace(number=number), None

    verdicts = classify_pages(document(), encoder(), guesses, 2, BatchLimits(ahead=40))

    assert next(verdicts).predictions.number == 1
    assert len(read) == 10


def test_a_window_meets_the_picture_of_its_page() -> None:
    pictures = [np.full((1, 1, 3), 10 * number, np.uint8) for number in range(3)]
    met = {}

    def watched(batch: Batch, seen: Sequence[Picture]) -> NDArray[np.float32]:
        for mask_L, picture in zip(batch.attention_mask_BL, seen, strict=True):
            met[int(mask_L.sum())] = picture
        return guesses(batch, seen)

    pages = [page(*["a"] * num_words) for num_words in (3, 1, 2)]
    list(classify_pages(zip(pages, pictures, strict=True), encoder(), watched, 2))

    assert {length: int(picture[0, 0, 0]) for length, picture in met.items()} == {5: 0, 3: 10, 4: 20}


DEMO = Path(__file__).parents[2] / "local" / "releases" / "demo"


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """A copy of the demo release that a test may spoil."""
    return Path(shutil.copytree(DEMO, tmp_path / "demo"))


def test_the_demo_release_reads_a_rate_in_its_row() -> None:
    texts = ["Annual", "Percentage", "Rate", "(APR)", "for", "Purchases", "15.24%"]
    words = tuple(
        Word(text, Box(0.1 + 0.08 * i, 0.3, 0.17 + 0.08 * i, 0.312), 0.95) for i, text in enumerate(texts)
    )
    classifier = WordClassifier.load(DEMO)

    said = classifier.predict(Page(4, words))

    assert said.number == 4
    assert [classifier.release.labels[c] for c in said.classes][-1] == "APR - Purchases"
    assert said.classes[:3] == (classifier.release.other_class,) * 3
    assert all(0 < probability <= 1 for probability in said.probabilities)


def test_a_page_without_words_is_classified_without_the_model() -> None:
    assert WordClassifier.load(DEMO).predict(Page(1, ())) == (1, (), (), ())


def test_the_size_of_batches_and_the_number_of_threads_change_nothing() -> None:
    words = tuple(Word(f"word{i}", Box(0.1, i / 900, 0.2, i / 900 + 0.01), 0.9) for i in range(800))
    page = Page(1, words)

    one = WordClassifier.load(DEMO, threads=1, batch_size=1).predict(page)
    many = WordClassifier.load(DEMO, threads=2, batch_size=16).predict(page)

    assert one.classes == many.classes
    assert one.probabilities == pytest.approx(many.probabilities, abs=2e-3)


def test_pages_together_get_what_each_gets_alone() -> None:
    classifier = WordClassifier.load(DEMO)
    pages = [
        Page(
            number,
            tuple(
                Word(f"rate{i % 13}", Box(0.1, i / 900, 0.2 + i / 1000, i / 900 + 0.01), 0.9)
                for i in range(num_words)
            ),
        )
        for number, num_words in enumerate((300, 4, 0, 120, 7), 1)
    ]

    together = list(classifier.predict_pages(pages))

    for one, alone in zip(together, map(classifier.predict, pages), strict=True):
        assert one.number == alone.number
        assert one.classes == alone.classes
        assert one.probabilities == pytest.approx(alone.probabilities, abs=1e-3)


def test_an_altered_model_is_refused(release: Path) -> None:
    with (release / "model.onnx").open("ab") as model:
        model.write(b"!")

    with pytest.raises(ReleaseError, match=r"demo: model\.onnx .* has sha256 .* expected"):
        WordClassifier.load(release)


def test_a_release_without_its_tokenizer_is_refused(release: Path) -> None:
    (release / "tokenizer.json").unlink()

    with pytest.raises(ReleaseError, match=r"missing tokenizer\.json"):
        WordClassifier.load(release)


def test_bytes_that_are_no_model_are_refused() -> None:
    with pytest.raises(ReleaseError, match=r"model\.onnx \(5 bytes\) is not a model"):
        open_session(b"hello", threads=1)
