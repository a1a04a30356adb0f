"""Lengths of time: `7 years`, `thirty (30) days`, `a two-year term`. Not dates, not opening hours."""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final, NamedTuple

from recto.normalise import number_words
from recto.normalise.numbers import plain
from recto.normalise.reading import (
    AMBIGUOUS,
    NO_CONVENTIONS,
    SEVERAL,
    Conventions,
    Normalized,
    folded,
    not_understood,
)

DAYS: Final[Mapping[str, int]] = {"year": 365, "month": 30, "week": 7, "day": 1}
"""For comparison only: how many days a unit counts."""
_UNIT: Final = r"(?P<unit>year|yr|month|mth|mo|week|wk|day|anniversary)"
_UNITS: Final[Mapping[str, str]] = {
    "yr": "year", "mth": "month", "mo": "month", "wk": "week", "anniversary": "year",
}  # fmt: skip
_LENGTH: Final = re.compile(
    rf"(?<![\w.,])(?:(?P<words>{number_words.CARDINAL}|an?)(?![a-z])[\s-]*)?"
    rf"(?:\(?\s*(?P<digits>\d{{1,4}}(?:[.,]\d{{1,2}})?)\s*(?:st|nd|rd|th)?\s*\)?)?[\s-]*"
    rf"(?:(?:full|consecutive|calendar|business|working|successive|additional)\s+)?(?:\(\s*)?{_UNIT}(?:\s*\(\s*s\s*\))?(?:'?s'?)?\.?(?![a-z])",
    re.IGNORECASE,
)
_ISO: Final = re.compile(r"P(?=\d)(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?")
_ORDINAL_YEAR: Final = re.compile(
    rf"(?<!\w)(?P<words>{number_words.ORDINAL})(?=\s*(?:\(\s*\d{{1,2}}(?:st|nd|rd|th)\s*\)\s*)?(?:anniversary|year|month)\b)",
    re.IGNORECASE,
)
_FOREVER: Final = re.compile(r"\b(?:perpetual(?:ly)?|in perpetuity|indefinite(?:ly)?)\b", re.IGNORECASE)
_BETWEEN: Final = re.compile(r"\s*(?:,|and|,\s*and|\+)?\s*", re.IGNORECASE)
INDEFINITE = "indefinite"


class _Length(NamedTuple):
    counts: tuple[Decimal, ...]
    """The readings, the likeliest first; two where words and digits differ."""
    unit: str
    start: int
    end: int

    def written(self, reading: int = 0) -> str:
        count = plain(self.counts[reading])
        return f"{count} {self.unit}{'' if count == '1' else 's'}"


def duration_value(text: str, _: Conventions = NO_CONVENTIONS) -> Normalized:
    """A length of time as `2 years 6 months`; its amount is counted in days, for comparison."""
    whole = folded(text)
    if iso := _ISO.fullmatch(whole):
        whole = " ".join(f"{count} {unit}" for count, unit in zip(iso.groups(), DAYS, strict=True) if count)
    whole = _with_fractions(whole)
    whole = _ORDINAL_YEAR.sub(lambda match: str(number_words.ordinal(match["words"]) or match[0]), whole)
    found = list(_lengths(whole))
    if not found:
        if _FOREVER.search(whole):
            return Normalized(INDEFINITE, INDEFINITE)
        return not_understood(text, "no length of time in it")
    return _joined(whole, found)


def _with_fractions(text: str) -> str:
    """Halves and quarters as decimals: `1 1/2`, `one and a half`, `half a`."""
    text = _AND_A_HALF.sub(_and_a_half, text)
    text = _HALF_A.sub("0.5 ", text)
    return _FRACTION.sub(_fraction, text)


def _and_a_half(match: re.Match[str]) -> str:
    digits = match["digits"] or number_words.cardinal(match["words"])
    return match[0] if digits is None else f"{digits}.5"


def _fraction(match: re.Match[str]) -> str:
    part = Decimal(match["over"]) / Decimal(match["under"])
    return plain(Decimal(match["whole"] or 0) + part)


_HALF_A: Final = re.compile(r"(?<!\w)(?:one[\s-]+)?half(?:\s+(?:of\s+)?an?\b|[\s-]+(?=year))", re.IGNORECASE)
_AND_A_HALF: Final = re.compile(
    rf"(?<!\w)(?:(?P<digits>\d{{1,3}})|(?P<words>{number_words.CARDINAL}))\s+and\s+(?:a|one)[\s-]+half(?!\w)",
    re.IGNORECASE,
)
_FRACTION: Final = re.compile(
    r"(?<![\d/.,])(?:(?P<whole>\d{1,3})[\s-]+)?(?P<over>[13])[/\u2044](?P<under>[24])(?![\d/])"
)


def _lengths(text: str) -> Iterator[_Length]:
    for match in _LENGTH.finditer(text):
        counts = tuple(dict.fromkeys(_counts(match)))
        if counts:
            unit = match["unit"].casefold()
            yield _Length(counts, _UNITS.get(unit, unit), match.start(), match.end())


def _counts(match: re.Match[str]) -> Iterator[Decimal]:
    """What the digits say, then what the words say."""
    if match["digits"]:
        yield Decimal(match["digits"].replace(",", "."))
    words = (match["words"] or "").casefold()
    if words in ("a", "an") and not match["digits"]:
        yield Decimal(1)
    elif words not in ("", "a", "an") and (number := number_words.cardinal(words)) is not None:
        yield Decimal(number)


def _joined(text: str, found: list[_Length]) -> Normalized:
    """The first length, with the smaller units that follow it at once."""
    parts = [found[0]]
    for one in found[1:]:
        is_smaller = DAYS[one.unit] < DAYS[parts[-1].unit]
        if not is_smaller or not _BETWEEN.fullmatch(text[parts[-1].end : one.start]):
            break
        parts.append(one)
    value = " ".join(part.written() for part in parts)
    days = sum((part.counts[0] * DAYS[part.unit] for part in parts), Decimal(0))
    is_open = len(parts) == 1 and len(parts[0].counts) > 1
    others = tuple(parts[0].written(reading) for reading in range(1, len(parts[0].counts))) if is_open else ()
    several = len({one.written() for one in found}) > len(parts)
    flags = (AMBIGUOUS,) * is_open + (SEVERAL,) * several
    return Normalized(value, _key(parts, value), (days,), flags, others)


def _key(parts: list[_Length], value: str) -> str:
    """Years counted in months, weeks in days: 24 months are 2 years."""
    months = sum(
        (p.counts[0] * (12 if p.unit == "year" else 1) for p in parts if p.unit in ("year", "month")),
        Decimal(0),
    )
    days = sum((p.counts[0] * DAYS[p.unit] for p in parts if p.unit in ("week", "day")), Decimal(0))
    return f"{plain(months)}m{plain(days)}d" if parts else value
