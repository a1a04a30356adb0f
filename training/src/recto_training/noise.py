"""Makes truth words look as an OCR would have read them: misread, shaken, split, merged, lost.

Training sees these instead of real OCR, which takes a second a page; figures are always measured
through the real one. Confidence is simulated as well, though the model does not read it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from recto.document import Page, Word
from recto.geometry import Box
from recto_training.synthetic.agreement import TruthWord
from recto_training.synthetic.markup import NO_FIELD
from recto_training.synthetic.salad import WORDS, coined

CONFUSIONS = {
    "0": "oO8", "1": "lI7", "5": "S6", "8": "B3", "6": "5b", "2": "Z7", "l": "1I", "I": "l1", "O": "0",
    "o": "0c", "S": "5$", "e": "c", "c": "e", "n": "m", "m": "n", "i": "l", "t": "f", "f": "t", "%": "Y8",
    "$": "5S", ".": ",", ",": ".", "a": "o", "u": "v", "h": "b", "g": "q", "-": "~", "–": "-", "’": "'",
    "“": '"', "”": '"',
}  # fmt: skip

ANY = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ01234567890123456789.,:;-'$%/()"
"""Characters that a smear may leave."""


@dataclass(frozen=True)
class NoiseLevels:
    """How often each thing goes wrong, per word unless said otherwise."""

    bad_page: float = 0.15
    """Share of pages that are read five times worse."""
    confused: float = 0.006
    """Per character."""
    smeared: float = 0.0
    """Share of pages that are read with many more characters wrong, a share of them drawn for each page."""
    smear: tuple[float, float] = (0.02, 0.1)
    """Least and largest share of wrong characters on such a page."""
    split: float = 0.004
    merged: float = 0.004
    lost: float = 0.004
    shaken: float = 0.0012
    """Standard deviation of each side of a box, of the page."""
    line_order: float = 0.25
    """Share of pages read line by line across columns and cells."""
    moved: float = 0.5
    """Share of pages whose boxes are shifted and scaled as a whole."""
    renamed: float = 0.0
    """Share of the words of names and addresses that become invented ones, on a third of the pages; twice
    that on another third."""
    reworded: float = 0.0
    """Share of the words outside fields that become everyday or invented ones, in the same way; words that
    say which field a value belongs to stay."""


SYLLABLES = (
    "ba", "cor", "del", "fin", "gra", "hol", "jen", "kal", "lum", "mer", "nor", "pel", "quo", "ris", "sto",
    "tal", "ven", "wex", "yor", "zan", "ith", "ock", "und", "ery", "amp", "est",
)  # fmt: skip

CUES = (
    "apr", "annual", "year", "percent", "rate", "interest", "purchas", "buy", "bought", "goods",
    "merchan", "retail", "balance", "transfer", "debt", "cash", "advance", "atm", "teller", "withdraw",
    "check", "penal", "default", "delinq", "intro", "promo", "special", "offer", "welcome", "first",
    "start", "begin", "late", "overdue", "past", "return", "bounce", "dishonor", "nsf", "unpaid",
    "reject", "insufficient", "foreign", "international", "abroad", "currenc", "conver", "border",
    "countr", "outside", "overseas", "fee", "charge", "cost", "member", "minimum", "limit", "copy",
    "copies", "replac", "rush", "expedit", "stop", "research", "wire", "overdraft", "all", "any",
    "effective", "prime", "index", "date", "due", "after", "then", "later", "normal", "standard",
    "daily", "month", "issue", "bank", "card", "agreement", "resident", "pay", "miss", "plan", "state",
    "law", "account",
)  # fmt: skip

CLEAN = NoiseLevels(bad_page=0, confused=0, split=0, merged=0, lost=0, shaken=0, line_order=0, moved=0)


class LabelledPage(NamedTuple):
    """A page as the model gets it, and the class of each word."""

    page: Page
    fields: tuple[int, ...]
    """Class ids, NO_FIELD outside any field."""


class _Read(NamedTuple):
    text: str
    box: Box
    field: int
    confidence: float


def read_with_noise(
    words: Sequence[TruthWord], number: int, rng: Random, levels: NoiseLevels
) -> LabelledPage:
    """The page as an imperfect OCR would have read it."""
    factor = 5.0 if rng.random() < levels.bad_page else 1.0
    read: list[_Read] = []
    for word in words:
        read.extend(_read_word(word, rng, levels, factor))
    if levels.smeared and rng.random() < levels.smeared:
        rate = rng.uniform(*levels.smear)
        read = [word._replace(text=_smeared(word.text, rng, rate)) for word in read]
    read = _merged(read, rng, levels.merged * factor)
    if rng.random() < levels.line_order:
        read.sort(key=lambda word: (round(word.box.bottom * 100), word.box.left))
    if rng.random() < levels.moved:
        read = _moved(read, rng)
    page = Page(number, tuple(Word(word.text, word.box, word.confidence) for word in read))
    return LabelledPage(page, tuple(word.field for word in read))


def _read_word(word: TruthWord, rng: Random, levels: NoiseLevels, factor: float) -> list[_Read]:
    if rng.random() < levels.lost * factor:
        return []
    text = _misread(word.text, rng, levels.confused * factor)
    confidence = min(1.0, max(0.05, rng.gauss(0.93 if text == word.text else 0.7, 0.07)))
    box = _shaken(word.box, rng, levels.shaken * factor**0.5)
    if len(text) > 3 and rng.random() < levels.split * factor:
        cut = rng.randint(1, len(text) - 1)
        middle = box.left + box.width * cut / len(text)
        parts = ((text[:cut], box._replace(right=middle)), (text[cut:], box._replace(left=middle)))
        return [_Read(part, place, word.field, confidence * 0.8) for part, place in parts]
    return [_Read(text, box, word.field, confidence)]


def _misread(text: str, rng: Random, rate: float) -> str:
    if rate <= 0:
        return text
    read = []
    for character in text:
        if rng.random() < rate:
            options = CONFUSIONS.get(character, "")
            read.append(
                rng.choice(options) if options and rng.random() < 0.85 else rng.choice(("", character * 2))
            )
        else:
            read.append(character)
    return "".join(read) or text


def _smeared(text: str, rng: Random, rate: float) -> str:
    """The text with characters confused, replaced by any other, dropped or doubled by chance; never empty."""
    read = [character if rng.random() >= rate else _smear(character, rng) for character in text]
    return "".join(read) or rng.choice(ANY)


def _smear(character: str, rng: Random) -> str:
    options, chance = CONFUSIONS.get(character, ANY), rng.random()
    if chance < 0.45:
        return rng.choice(options)
    if chance < 0.7:
        return rng.choice(ANY)
    if chance < 0.87:
        return ""
    return character + rng.choice(ANY)


def _shaken(box: Box, rng: Random, deviation: float) -> Box:
    if deviation <= 0:
        return box
    return Box.clipped(*(side + rng.gauss(0, deviation) for side in box))


def _merged(words: list[_Read], rng: Random, rate: float) -> list[_Read]:
    """Some neighbours in a line become one word; it keeps the class of the longer part."""
    merged: list[_Read] = []
    for word in words:
        before = merged[-1] if merged else None
        if before and rng.random() < rate and before.box.vertical_overlap(word.box) > 0.5:
            field = before.field if len(before.text) >= len(word.text) else word.field
            box = Box.around((before.box, word.box))
            merged[-1] = _Read(before.text + word.text, box, field, min(before.confidence, word.confidence))
        else:
            merged.append(word)
    return merged


def _moved(words: list[_Read], rng: Random) -> list[_Read]:
    """All boxes shifted and scaled alike, as another margin or paper size would do."""
    scale_x, scale_y = rng.uniform(0.85, 1.1), rng.uniform(0.8, 1.1)
    dx, dy = rng.uniform(-0.06, 0.06), rng.uniform(-0.08, 0.08)

    def move(box: Box) -> Box:
        return Box.clipped(
            0.5 + (box.left - 0.5) * scale_x + dx,
            0.5 + (box.top - 0.5) * scale_y + dy,
            0.5 + (box.right - 0.5) * scale_x + dx,
            0.5 + (box.bottom - 0.5) * scale_y + dy,
        )

    return [word._replace(box=move(word.box)) for word in words]


def with_other_words(
    words: Sequence[TruthWord], rng: Random, levels: NoiseLevels, names: frozenset[int]
) -> list[TruthWord]:
    """Some words replaced, so that neither names nor sentences are learnt by heart."""
    factor = rng.choice((0, 1, 2))
    renamed, reworded = levels.renamed * factor, levels.reworded * rng.choice((0, 1, 2))
    changed = []
    for word in words:
        if word.field in names and rng.random() < renamed:
            changed.append(word._replace(text=invented_word(rng, word.text)))
        elif word.field == NO_FIELD and rng.random() < reworded and not is_cue(word.text):
            changed.append(word._replace(text=invented_word(rng, word.text, everyday=0.7)))
        else:
            changed.append(word)
    return changed


def is_cue(text: str) -> bool:
    """Whether a word may say which field a value belongs to."""
    plain = text.casefold().strip(".,;:()*•-–—\"'")
    return plain.startswith(CUES)


def invented_word(rng: Random, like: str, *, everyday: float = 0.3) -> str:
    """A word in the place of a name's: an everyday one, of syllables, or of letters."""
    if rng.random() < everyday:
        return dressed(rng.choice(WORDS), like)
    syllables = "".join(rng.choices(SYLLABLES, k=rng.randint(1, 4)))
    return dressed(rng.choice((syllables, coined(rng))), like)


def dressed(text: str, like: str) -> str:
    """The text with the capitals and the final mark of another; a number stays what it is."""
    if not like[0].isalpha():
        return like
    tail = like[len(like.rstrip(".,;:)")) :]
    return (text.upper() if like.isupper() else text.capitalize() if like[0].isupper() else text) + tail
