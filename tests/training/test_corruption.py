"""The corruption of figures: as much as it says, always the same, and never of the truth."""

from random import Random

import pytest

from recto.document import Page, Word
from recto_training.corruption import corrupt_agreement, corrupt_text
from recto_training.noise import CLEAN, NoiseLevels, read_with_noise
from recto_training.real_ocr import ReadAgreement, label_page
from recto_training.synthetic.agreement import generate

LONG = "Annual Percentage Rate (APR) for Purchases: 15.24% – $35; “Bank’s” fee" * 200


def read() -> ReadAgreement:
    agreement = generate("corrupt")
    pages = (
        label_page(Page(number, tuple(Word(word.text, word.box, 0.9) for word in truth)), truth)
        for number, truth in enumerate(agreement.pages, start=1)
    )
    return ReadAgreement(agreement, tuple(pages))


@pytest.mark.parametrize("character", ["a", "Q", "7", "%", "–", "é"])
def test_five_in_a_hundred_characters_go_wrong(character: str) -> None:
    rng = Random(1)

    wrong = sum(corrupt_text(character, 0.05, rng) != character for _ in range(20_000))

    assert 0.045 < wrong / 20_000 < 0.055


def test_more_is_lost_than_added() -> None:
    corrupted = corrupt_text(LONG, 0.05, Random(1))

    lost = len(LONG) - len(corrupted)

    assert lost / len(LONG) == pytest.approx(0.05 * (0.2 - 0.1), abs=0.002)


def test_no_word_becomes_empty() -> None:
    rng = Random(1)

    assert all(corrupt_text(text, 1.0, rng) for text in ("a", "of", "$5") for _ in range(500))


def test_an_agreement_is_corrupted_alike_each_time_and_keeps_its_truth() -> None:
    source = read()

    first, second = corrupt_agreement(source, 0.05), corrupt_agreement(source, 0.05)

    assert first == second
    for before, after in zip(source.pages, first.pages, strict=True):
        assert [word.box for word in after.page.words] == [word.box for word in before.page.words]
        assert (after.fields, after.entities) == (before.fields, before.entities)
        changed = sum(a.text != b.text for a, b in zip(before.page.words, after.page.words, strict=True))
        assert 0.1 < changed / len(before.page.words) < 0.4


def test_nothing_is_corrupted_where_nothing_is_asked() -> None:
    source = read()

    assert corrupt_agreement(source, 0.0) == source


def test_smeared_pages_of_training_keep_their_number_of_words() -> None:
    words = generate("smear").pages[0]
    levels = NoiseLevels(**{**vars(CLEAN), "smeared": 1.0, "smear": (0.08, 0.08)})

    smeared = read_with_noise(words, 1, Random(1), levels)

    changed = sum(a.text != b.text for a, b in zip(words, smeared.page.words, strict=True))
    assert 0.2 < changed / len(words) < 0.6
    assert all(word.text for word in smeared.page.words)
