"""From words to tokens in windows, and from what windows say back to words."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.pre_tokenizers import BertPreTokenizer

from recto.document import Page, Word
from recto.errors import ReleaseError
from recto.geometry import Box
from recto.inference import (
    NO_WORD,
    SEP_BOX,
    PageEncoder,
    Votes,
    WordClassifier,
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
