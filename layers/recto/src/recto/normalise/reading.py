"""What a normaliser answers, what a field can tell it beforehand, and how texts are folded for comparison."""

import re
import unicodedata
from collections.abc import Callable
from decimal import Decimal
from enum import StrEnum
from typing import Final, NamedTuple

AMBIGUOUS = "ambiguous"
LOOK_ALIKES = "look-alikes read"
OTHER_CONVENTION = "against the field's convention"
NONE_STATED = "none stated"
SEVERAL = "several"
TWO_DIGIT_YEAR = "two-digit year"
NO_DAY = "no day"
NO_MONTH = "no month"
CURRENCY_UNCLEAR = "currency unclear"
CREDIT = "credit"
DEBIT = "debit"
NO_POSTCODE = "no postcode"
NO_COUNTRY_CODE = "no country code"
CASE_CHANGED = "case changed"

MAX_TEXT = 2000
"""Characters of a text that are looked at; no date or amount is that long."""


class Certainty(StrEnum):
    """What is known about a normal form."""

    EXACT = "exact"
    PARTIAL = "partial"
    """Something is open: a date without its day, the first of several values."""
    AMBIGUOUS = "ambiguous"
    """Other readings exist, or letters had to be read as digits."""
    UNREADABLE = "unreadable"


_PARTIAL: Final = frozenset({NO_DAY, NO_MONTH, SEVERAL, CURRENCY_UNCLEAR, NO_POSTCODE, NO_COUNTRY_CODE})


class Normalized(NamedTuple):
    """One text, understood."""

    value: str | None
    """The normal form; None where the text was not understood."""
    key: str
    """Texts with equal keys say the same; what merging goes by."""
    amounts: tuple[Decimal, ...] = ()
    """The numbers in it, in their order; a percentage in per cent, a length of time in days."""
    flags: tuple[str, ...] = ()
    """What was decided between readings."""
    alternatives: tuple[str, ...] = ()
    """The other readings, in normal form."""
    reason: str = ""
    """Why there is no value, where more can be said than that there is none."""

    @property
    def certainty(self) -> Certainty:
        """How much the normal form can be relied on, as far as the text itself tells."""
        if self.value is None:
            return Certainty.UNREADABLE
        if self.alternatives or AMBIGUOUS in self.flags or LOOK_ALIKES in self.flags:
            return Certainty.AMBIGUOUS
        return Certainty.PARTIAL if _PARTIAL.intersection(self.flags) else Certainty.EXACT


class DateOrder(StrEnum):
    """In which order a field's documents write day, month and year."""

    DMY = "DMY"
    MDY = "MDY"
    YMD = "YMD"


class Conventions(NamedTuple):
    """What the operator knows about how a field is written; nothing is needed."""

    date_order: DateOrder | None = None
    """None: dates with two readings are marked."""
    two_digit_years_from: int = 1970
    """First of the hundred years that a two-digit year can mean."""
    decimal_mark: str | None = None
    """`.` or `,`; None: numbers with two readings are marked."""
    currency: str | None = None
    """What `$`, `kr` or `¥` mean here, as an ISO code."""
    country: str | None = None
    """ISO code of the country whose addresses, phone numbers or tax numbers are printed."""


NO_CONVENTIONS = Conventions()

Normalizer = Callable[[str, Conventions], Normalized]

_QUOTES: Final = str.maketrans({"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u2212": "-"})


_FRACTIONS: Final = str.maketrans({"\u00bd": " 1/2", "\u00bc": " 1/4", "\u00be": " 3/4"})
_FOOTNOTE: Final = re.compile(r"(?<=[\d%)])[\u00b2\u00b3\u00b9\u2070-\u2079]+")


def folded(text: str) -> str:
    """White space, Unicode forms and quotes made one; the mark of a footnote is no digit of its number."""
    plain = _FOOTNOTE.sub("", text).translate(_FRACTIONS)
    return " ".join(unicodedata.normalize("NFKC", plain).translate(_QUOTES).split())


def text_key(text: str) -> str:
    """Letters and digits without case; punctuation stays only between digits, where it changes the number."""
    plain = folded(text).casefold()
    return re.sub(r"(?<!\d)[\W_]+|[\W_]+(?!\d)", "", plain) or plain


def not_understood(text: str, reason: str = "") -> Normalized:
    """No value; the text stands for itself."""
    return Normalized(None, text_key(text), reason=reason)


def text_value(text: str, _: Conventions = NO_CONVENTIONS) -> Normalized:
    """White space folded, Unicode forms unified; case and punctuation count in the value, not in the key."""
    value = folded(text).strip(" ,;:")
    return Normalized(value or None, text_key(value))
