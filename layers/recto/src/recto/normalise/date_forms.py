"""The written forms of dates: patterns and month names. What they mean is decided in `dates`."""

import re
from collections.abc import Mapping
from typing import Final

from recto.normalise import number_words

_MONTH_NAMES: Final = (
    "january janvier januar enero gennaio janeiro januari jan janv ene gen",
    "february février fevrier februar febrero febbraio fevereiro februari feb fév fev",
    "march mars märz maerz marzo março marco maart marts mac mar mär mrz mrt",
    "april avril abril aprile apr avr abr",
    "may mai mayo maggio maio mei maj mag",
    "june juin juni junio giugno junho jun giu",
    "july juillet juli julio luglio julho julai jul juil lug",
    "august août aout agosto augustus augusti ogos aug ago",
    "september septembre septiembre settembre setembro sept sep set",
    "october octobre oktober octubre ottobre outubro oct okt ott out",
    "november novembre noviembre novembro nov",
    "december décembre decembre dezember diciembre dicembre dezembro disember dec déc dez dic dis",
)
MONTHS: Final[Mapping[str, int]] = {
    name: number for number, names in enumerate(_MONTH_NAMES, start=1) for name in names.split()
}
"""Month names of English, French, German, Spanish, Italian, Portuguese, Dutch, Swedish, Danish, Malay."""

_MONTH: Final = r"(?P<month>" + "|".join(sorted(MONTHS, key=len, reverse=True)) + r")\.?"
_DAY: Final = r"(?P<day>\d{1,2})(?:\s?(?:st|nd|rd|th|er)(?![^\W\d_])|º|°|\.)?"
_DIGIT_LIKE: Final = r"[\dOoQDlI|!SsB]"
"""A digit, or what may be one that was misread: beside a number it makes the number doubtful."""
_YEAR: Final = rf"(?P<year>\d{{4}}|'?\d{{2}})(?!{_DIGIT_LIKE})"
_MISREAD: Final = r"[OQDlI|!SB]"
_NO_NUMBER: Final = rf"(?<!\d)(?<!(?<![^\W\d_]){_MISREAD})(?<!\d{_MISREAD}{{2}})"
"""Before a number that stands alone: it is no end of one that was misread, as the 1 of `20l1`."""
_NO_NUMBER_BEFORE: Final = "".join(rf"(?<!\d{_MISREAD * count}[-/])" for count in (0, 1, 2))
"""Before a month with whose mark no number ends, read well or not: `2026-Jan-24` has no year 24."""
_BEFORE_YEAR: Final = r"(?:,?\s*in\s+the\s+year\s+|of\s+|,|-|/|de\s+|del\s+)?"
FORMS: Final = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(?<!\d)(?P<year>\d{4})\s?(?P<mark>[-/.])\s?(?P<month>\d{1,2})\s?(?P=mark)\s?(?P<day>\d{1,2})(?!\d)",
        r"(?<!\d)(?P<year>\d{4})\s*年\s*(?P<month>\d{1,2})\s*月\s*(?P<day>\d{1,2})\s*日",
        rf"(?<!{_DIGIT_LIKE})(?<![/.-])(?P<a>\d{{1,2}})\s?(?P<mark>[-/.])\s?(?P<b>\d{{1,2}})\s?(?P=mark)\s?{_YEAR}",
        rf"(?<!\w){_MONTH}\s*(?:the\s+)?{_DAY}(?!\d)\s*(?:,|\.|of)?\s*(?:of\s+)?{_YEAR}",
        rf"(?<!\w){_MONTH}\s?(?P<mark>[-/])\s?(?P<day>\d{{1,2}})\s?(?P=mark)\s?{_YEAR}",
        rf"{_NO_NUMBER}{_DAY}\s*(?:day\s+of\s+|of\s+|de\s+|-|/|,)?\s*{_MONTH}\s*{_BEFORE_YEAR}\s*{_YEAR}",
        rf"(?<!\d)(?P<year>(?:19|20)\d{{2}})\s*[-/.,]?\s*{_MONTH}\s*[-/.]?\s*{_DAY}(?!{_DIGIT_LIKE})",
        r"(?<![\d/.-])(?P<a>\d{1,2})(?P<mark> )(?P<b>\d{1,2}) (?P<year>(?:19|20)\d{2})(?!\d)",
        rf"(?<!\w){_MONTH}\s*(?:,|-|/|of\s|de\s)?\s*(?P<year>\d{{4}})(?!\d)",
        rf"(?<!\w){_NO_NUMBER_BEFORE}{_MONTH}\s*(?:[-/]\s*'?|')(?P<year>\d{{2}})(?!\w)(?![-/]\d)",
        r"(?<![\w/.-])(?P<month>\d{1,2})\s?[/.-]\s?(?P<year>(?:19|20)\d{2})(?!\d)",
        r"(?<!\d)(?P<year>(?:19|20)\d{2})[-/](?P<month>0[1-9]|1[0-2])(?![\d/-])",
        r"(?<!\d)(?P<year>(?:19|20)\d{2})(?P<month>0[1-9]|1[0-2])(?P<day>[0-2]\d|3[01])(?!\d)",
        r"(?<!\d)(?P<a>\d{2})(?P<mark>)(?P<b>\d{2})(?P<year>(?:19|20)\d{2})(?!\d)",
    )
)
"""Those that say more come before those that say less."""

QUARTERS: Final = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(?<!\w)q\s?(?P<quarter>[1-4])[\s/,-]*(?:of\s+|fy\s*)?(?P<year>\d{4}|'?\d{2})(?!\d)",
        r"(?<!\w)(?P<quarter>[1-4])\s?q[\s/,-]*(?P<year>\d{4}|'?\d{2})(?!\d)",
        r"(?<!\d)(?P<year>(?:19|20)\d{2})[\s/,-]*q(?P<quarter>[1-4])(?!\w)",
        r"(?<!\w)(?P<quarter>[1-4])(?:st|nd|rd|th)?\.?\s+(?:calendar\s+)?(?:quarter|quartal)\s*(?:of\s+|,\s*)?(?P<year>\d{4})(?!\d)",
    )
)
YEAR_ALONE: Final = re.compile(
    r"\W*(?:(?:in|of|the|year|calendar|fiscal|fy)\s*)*(?P<year>(?:19|20)\d{2})\W*", re.IGNORECASE
)
"""A whole text that is only a year."""

_ANY_MONTH: Final = _MONTH.replace("?P<month>", "?:")
_ORDINAL: Final = re.compile(
    rf"(?<!\w)(?P<words>{number_words.ORDINAL})"
    rf"(?=\s+(?:day\b|of\b|calendar\b|quarter\b|{_ANY_MONTH}(?!\w))|\s*\(\s*\d{{1,2}}(?:st|nd|rd|th)?\s*\))",
    re.IGNORECASE,
)
_YEAR_WORDS: Final = re.compile(
    r"(?<!\w)(?:two\s+thousand(?:\s+and)?|nineteen(?:\s+hundred(?:\s+and)?)?|twenty)"
    rf"(?:[\s-]+{number_words.CARDINAL})?(?!\w)",
    re.IGNORECASE,
)
_DAY_IN_PARENTHESES: Final = re.compile(
    r"(?<!\w)(?P<day>\d{1,2})(?:st|nd|rd|th)?\s*\(\s*(?P=day)(?:st|nd|rd|th)?\s*\)", re.IGNORECASE
)


def with_digits(text: str) -> str:
    """Ordinals and years in words as digits: `third day of March, two thousand nineteen`."""
    text = _ORDINAL.sub(lambda match: str(number_words.ordinal(match["words"]) or match[0]), text)
    text = _DAY_IN_PARENTHESES.sub(r"\g<day>", text)
    return _YEAR_WORDS.sub(lambda match: str(number_words.year(match[0]) or match[0]), text)


_TO_DIGITS: Final = str.maketrans("OoQDlI|!iZzSsBGg", "0000111112255866")
_TO_LETTERS: Final = str.maketrans("01589", "olsbg")
_TOKEN: Final = re.compile(r"[^\s,]+")


def without_look_alikes(text: str) -> str:
    """Letters among digits as digits, digits in month names as letters: what an OCR often confuses."""
    return _TOKEN.sub(lambda match: _repaired(match[0]), text)


def _repaired(token: str) -> str:
    if token.rstrip(".").translate(_TO_LETTERS).casefold() in MONTHS:
        return token.translate(_TO_LETTERS)
    pieces = re.split(r"([-/.])", token)
    digits = [piece.translate(_TO_DIGITS) for piece in pieces]
    if not any(mark.isdecimal() for mark in token):
        return token
    kept = [
        piece if piece.casefold() in MONTHS else number for piece, number in zip(pieces, digits, strict=True)
    ]
    is_date = all(
        piece.isdecimal() or piece in ("-", "/", ".", "") or piece.casefold() in MONTHS for piece in kept
    )
    return "".join(kept) if is_date else token
