"""The tokenizer that releases ship: misreadings share the number of the word, and nothing else changes."""

from collections import Counter
from itertools import islice

from tokenizers import Tokenizer

from recto_training import examples as ex
from recto_training.recipes import tiny
from recto_training.tokenizer import near_misses, train_tokenizer, with_misreadings

TEXTS = ["Annual", "Payment", "Purchases", "fee", "late", "rate", "date", "Paymentbook"] * 10


def trained() -> tuple[Tokenizer, Tokenizer]:
    plain = train_tokenizer(TEXTS, 400)
    return plain, Tokenizer.from_str(with_misreadings(plain, TEXTS))


def ids(tokenizer: Tokenizer, text: str) -> list[int]:
    return list(tokenizer.encode(text, add_special_tokens=False).ids)


def test_a_word_with_one_letter_wrong_is_read_as_the_word() -> None:
    _, tolerant = trained()

    for misread in ("Purch4ses", "Purchses", "Purchasses", "Purchaxes"):
        assert ids(tolerant, misread) == ids(tolerant, "Purchases"), misread


def test_what_could_be_two_words_is_read_as_neither() -> None:
    plain, tolerant = trained()

    assert ids(tolerant, "1ate") == ids(plain, "1ate")
    assert ids(tolerant, "rate") != ids(tolerant, "late")


def test_words_of_the_texts_keep_their_tokens() -> None:
    recipe = tiny()
    plain = ex.make_tokenizer(recipe)
    texts = list(islice(ex.familiar_texts(recipe), 8000))

    tolerant = Tokenizer.from_str(with_misreadings(plain, texts))

    often = [text for text, count in Counter(texts).items() if count > 1]
    assert len(often) > 300
    assert not [text for text in often if ids(plain, text) != ids(tolerant, text)]


def test_the_file_names_no_number_that_the_network_lacks() -> None:
    plain, tolerant = trained()

    assert max(tolerant.get_vocab().values()) < plain.get_vocab_size()


def test_near_misses_are_one_letter_away() -> None:
    assert {"fe", "fea", "f0e", "fiee"} < near_misses("fee")
    assert "fee" not in near_misses("fee")
    assert all(abs(len(miss) - 3) <= 1 for miss in near_misses("fee"))
