"""Numbers written in English words, `two thousand and nineteen`; no other language."""

import re
from collections.abc import Callable, Mapping
from typing import Final

_ONES: Final = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
)
_TENS: Final = "twenty thirty forty fifty sixty seventy eighty ninety"
UNITS: Final[Mapping[str, int]] = {word: number for number, word in enumerate(_ONES.split())}
TENS: Final[Mapping[str, int]] = {word: number * 10 for number, word in enumerate(_TENS.split(), start=2)}
_ORDINAL_WORDS: Final = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth "
    "fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth"
)
ORDINALS: Final[Mapping[str, int]] = {
    **{word: number for number, word in enumerate(_ORDINAL_WORDS.split(), start=1)},
    "twentieth": 20,
    "thirtieth": 30,
}
_ANY: Final = "|".join(sorted((*UNITS, *TENS), key=len, reverse=True))
CARDINAL: Final = rf"(?:{_ANY})(?:[\s-]+(?:and\s+)?(?:{_ANY}|hundred|thousand))*"
"""A pattern for a number in words; matches more than `cardinal` accepts."""
_IN_WORDS: Final = re.compile(rf"(?<!\w)(?:{CARDINAL})(?!\w)", re.IGNORECASE)
ORDINAL: Final = rf"(?:(?:twenty|thirty)[\s-]+)?(?:{'|'.join(sorted(ORDINALS, key=len, reverse=True))})"
"""A pattern for an ordinal up to the thirty-ninth."""


def cardinal(words: str) -> int | None:
    """The number that the words mean; None where they are no number: `five seven`."""
    parts = [part for part in re.split(r"[\s-]+", words.casefold().strip()) if part != "and"]
    return _grouped(parts, "thousand", 1000, _below_thousand)


def _below_thousand(parts: list[str]) -> int | None:
    return _grouped(parts, "hundred", 100, _below_hundred)


def _grouped(parts: list[str], word: str, size: int, read: Callable[[list[str]], int | None]) -> int | None:
    """`three hundred five`: how many hundreds, and what is left."""
    if word not in parts:
        return read(parts)
    place = parts.index(word)
    many, rest = read(parts[:place]), read(parts[place + 1 :]) if parts[place + 1 :] else 0
    return None if many is None or rest is None else many * size + rest


def _below_hundred(parts: list[str]) -> int | None:
    if len(parts) == 1:
        return UNITS.get(parts[0], TENS.get(parts[0]))
    if len(parts) == 2 and parts[0] in TENS and 0 < UNITS.get(parts[1], 0) < 10:
        return TENS[parts[0]] + UNITS[parts[1]]
    return None


def with_digits(text: str) -> str:
    """Numbers in words as digits: `five hundred dollars` as `500 dollars`."""

    def digits(match: re.Match[str]) -> str:
        number = cardinal(match[0])
        return match[0] if number is None else str(number)

    return _IN_WORDS.sub(digits, text)


def ordinal(words: str) -> int | None:
    """`thirty-first` gives 31."""
    *tens, one = re.split(r"[\s-]+", words.casefold().strip())
    number = ORDINALS.get(one)
    if number is None or (tens and number > 9):
        return None
    return number + (TENS[tens[0]] if tens else 0)


def year(words: str) -> int | None:
    """`two thousand nineteen`, `nineteen ninety-nine`, `twenty nineteen`; None for what is no year."""
    plain = re.sub(r"[\s-]+", " ", words.casefold().strip())
    century, _, rest = plain.partition(" ")
    if century in ("nineteen", "twenty") and rest:
        ending = cardinal(re.sub(r"^hundred(?: and)? ?", "", rest) or "zero")
        is_year = ending is not None and (10 <= ending < 100 or "hundred" in rest)
        return (1900 if century == "nineteen" else 2000) + (ending or 0) if is_year else None
    number = cardinal(plain)
    return number if number is not None and 1900 <= number < 2100 else None
