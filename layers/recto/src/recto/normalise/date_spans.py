"""Which days a date in normal form covers: one, a month, a quarter or a year."""

import re
from calendar import monthrange
from datetime import date
from typing import Final

_ISO: Final = re.compile(r"(?!0000)([0-9]{4})(?:-Q([1-4])|-(0[1-9]|1[0-2])(?:-(0[1-9]|[12][0-9]|3[01]))?)?")


def first_and_last_day(iso: str | None) -> tuple[date, date] | None:
    """The days that a normal form covers: one, a month, a quarter or a year; None for what is no date."""
    match = _ISO.fullmatch(iso or "")
    if match is None:
        return None
    year, quarter, month, day = (int(part) if part else 0 for part in match.groups())
    if quarter:
        return date(year, quarter * 3 - 2, 1), date(year, quarter * 3, monthrange(year, quarter * 3)[1])
    last_month = month or 12
    last = day or monthrange(year, last_month)[1]
    return date(year, month or 1, day or 1), date(year, last_month, last)
