"""Corrupts what an OCR has read by a known share of characters, to measure what a model makes of it.

For figures only: training has its own noise (`noise.py`), with other tables and other rates. Each character
of each word goes wrong with the given probability, independently and seeded by document and page:

  7 in 10   replaced; seven tenths of these by a look-alike where one is listed, the others by any character
            of the same kind (digit, small letter, capital, mark)
  2 in 10   deleted; a character that stands alone is replaced instead, since an OCR reports no empty word
  1 in 10   kept, with a character of any kind inserted behind it

Boxes, the order of words and what each word belongs to stay: the truth is carried over by area, before this.
"""

import string
from random import Random

from recto_training.real_ocr import ReadAgreement, ReadPage

LOOK_ALIKES = (
    "0OoDQ", "1lI|i!", "2Zz", "3B8", "4A", "5S$s", "6bG", "7T/", "8B&", "9gq", "ceo", "ao", "un", "vy", "hb",
    "mn", "rn", "tf", "ij", "EF", "CG", "PR", "UV", "MN", "KX", "WV", ".,", ":;", "-~_", "'`", "%8", "$S",
    "()", "*\"",
)  # fmt: skip
"""Characters that an OCR takes for one another, within each group."""
KINDS = (string.digits, string.ascii_lowercase, string.ascii_uppercase, ".,:;-'%$()*/")
REPLACED, DELETED = 0.7, 0.2
ALIKE = 0.7


def corrupt_agreement(read: ReadAgreement, share: float) -> ReadAgreement:
    """The agreement with so many of its characters wrong, always the same ones."""
    pages = tuple(
        _corrupt_page(one, share, Random(f"corruption {read.agreement.seed} {one.page.number}"))
        for one in read.pages
    )
    return read._replace(pages=pages)


def _corrupt_page(read: ReadPage, share: float, rng: Random) -> ReadPage:
    words = tuple(word._replace(text=corrupt_text(word.text, share, rng)) for word in read.page.words)
    return read._replace(page=read.page._replace(words=words))


def corrupt_text(text: str, share: float, rng: Random) -> str:
    """The text with each character wrong with this probability; never empty."""
    written = []
    for character in text:
        wrong = rng.random() < share
        written.append(_misread(character, rng, alone=len(text) == 1) if wrong else character)
    return "".join(written) or text[:1]


def _misread(character: str, rng: Random, *, alone: bool) -> str:
    chance = rng.random()
    if chance < REPLACED or (alone and chance < REPLACED + DELETED):
        return _instead(character, rng)
    if chance < REPLACED + DELETED:
        return ""
    return character + rng.choice(rng.choice(KINDS))


def _instead(character: str, rng: Random) -> str:
    """A look-alike, or another character of the same kind."""
    alike = "".join(group for group in LOOK_ALIKES if character in group).replace(character, "")
    if alike and rng.random() < ALIKE:
        return rng.choice(alike)
    kind = next((kind for kind in KINDS if character in kind), KINDS[-1])
    return rng.choice(kind.replace(character, ""))
