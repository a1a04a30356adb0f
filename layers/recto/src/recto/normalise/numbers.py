"""Numbers with separators, in American, European, Swiss or Indian writing. No currency, no unit."""

import re
from decimal import Decimal, InvalidOperation
from typing import Final, NamedTuple

from recto.normalise.reading import (
    AMBIGUOUS,
    NO_CONVENTIONS,
    SEVERAL,
    Conventions,
    Normalized,
    folded,
    not_understood,
)

NUMBER: Final = r"(?:\d{1,3}(?:[ '\u00a0\u202f]\d{3})+(?:[.,]\d+)?|\d[\d.,]*\d|\d|[.,]\d+)"
"""A pattern for a number without its sign."""
_SIGNED: Final = re.compile(
    rf"(?P<open>\()?\s*(?P<minus>[-\u2212])?\s*(?P<digits>{NUMBER})(?P<tail>-(?![\w$€£¥₹]))?\s*(?P<close>\))?"
)


class Parsed(NamedTuple):
    """The number that digits mean."""

    number: Decimal
    other: Decimal | None = None
    """The second reading, where there is one: 1.234 is a thousand or a little more than one."""

    @property
    def is_ambiguous(self) -> bool:
        return self.other is not None


def parse_decimal(
    digits: str, groups_of_three: bool = False, decimal_mark: str | None = None
) -> Parsed | None:
    """The number that digits with separators mean.

    One separator followed by exactly three digits has two readings. `decimal_mark` decides; without it a
    comma separates thousands, a point decimals, unless `groups_of_three` says that three decimals cannot be.
    """
    bare = re.sub(r"[ '\u00a0\u202f]", "", digits)
    if decimal_mark and _fits(bare, decimal_mark):
        number = _decimal(bare, decimal_mark)
        return None if number is None else Parsed(number)
    point, other = _decimal_separator(bare, groups_of_three)
    number = _decimal(bare, point)
    if number is None:
        return None
    return Parsed(number, None if other is None else _decimal(bare, other))


def _fits(bare: str, decimal_mark: str) -> bool:
    """Whether a number can be written so where this is the decimal mark."""
    group = "," if decimal_mark == "." else "."
    whole = rf"\d{{1,3}}(?:\{group}\d{{2,3}})*\{group}\d{{3}}|\d*"
    return bool(re.fullmatch(rf"(?:{whole})(?:\{decimal_mark}\d+)?", bare))


def _decimal(bare: str, point: str) -> Decimal | None:
    whole = "".join(mark for mark in bare if mark.isdigit() or mark == point)
    try:
        return Decimal(whole.replace(",", "."))
    except InvalidOperation:
        return None


def _decimal_separator(bare: str, groups_of_three: bool) -> tuple[str, str | None]:
    """The character that separates the decimals ('' for none), and that of the other reading, if any."""
    last = max(bare.rfind("."), bare.rfind(","))
    if last < 0:
        return "", None
    mark = bare[last]
    other = "," if mark == "." else "."
    if bare.count(mark) > 1:
        return ("" if other not in bare else other), None
    if other in bare or len(bare) - last - 1 != 3 or last == 0 or last > 3 or bare.startswith("0"):
        return mark, None
    if mark == ",":
        return "", None if groups_of_three else mark
    return ("", mark) if groups_of_three else (mark, "")


def number_value(text: str, conventions: Conventions = NO_CONVENTIONS) -> Normalized:
    """The one number in a text, without thousands separators: `1,234.50` gives `1234.50`."""
    found = [
        (match, parsed)
        for match in _SIGNED.finditer(folded(text))
        if (parsed := parse_decimal(match["digits"], decimal_mark=conventions.decimal_mark))
    ]
    if not found:
        return not_understood(text, "no number in it")
    match, parsed = found[0]
    sign = -1 if is_negative(match) else 1
    number = sign * parsed.number
    others = () if parsed.other is None else (f"{sign * parsed.other:f}",)
    flags = (AMBIGUOUS,) * parsed.is_ambiguous + (SEVERAL,) * (len(found) > 1)
    return Normalized(f"{number:f}", plain(number), (number,), flags, others)


def is_negative(match: re.Match[str]) -> bool:
    """A minus before or behind the digits, or parentheses around them."""
    return bool(match["minus"] or match["tail"] or (match["open"] and match["close"]))


def plain(number: Decimal) -> str:
    """Without trailing zeros and exponent."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
