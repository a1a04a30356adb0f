"""Dates in many written forms to ISO 8601: `2020-07-01`, `2020-07`, `2020-Q3`, `2020`. No clock is read.

Where day and month can be told apart in two ways, a field's DateOrder decides. Without one the month
comes first with slashes and hyphens (en-US), the day with points (de, fr), and the other reading is told.
Letters are read as digits (`l2/O1/2018`) only where there is no date without that, and it is said.
"""

import re
from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from recto.normalise.date_forms import FORMS, MONTHS, QUARTERS, YEAR_ALONE, with_digits, without_look_alikes
from recto.normalise.reading import (
    AMBIGUOUS,
    LOOK_ALIKES,
    NO_CONVENTIONS,
    NO_DAY,
    NO_MONTH,
    OTHER_CONVENTION,
    SEVERAL,
    TWO_DIGIT_YEAR,
    Conventions,
    DateOrder,
    Normalized,
    folded,
    not_understood,
)


class _Date(NamedTuple):
    """One date in a text: its readings, the likeliest first; none for a day that does not exist."""

    readings: tuple[str, ...]
    flags: tuple[str, ...]
    start: int
    written: str


def date_value(text: str, conventions: Conventions = NO_CONVENTIONS) -> Normalized:
    """The first date of the text as ISO 8601."""
    plain = with_digits(folded(text))
    found = _dates_in(plain, conventions)
    if not any(one.readings for one in found) and (repaired := without_look_alikes(plain)) != plain:
        again = _dates_in(repaired, conventions)
        found = [one._replace(flags=(*one.flags, LOOK_ALIKES)) for one in again if one.readings] or found
    dates = [one for one in found if one.readings]
    if not dates:
        return not_understood(text, _why_not(found))
    first = dates[0]
    several = (SEVERAL,) * (len({one.readings[0] for one in dates}) > 1)
    value, *others = first.readings
    return Normalized(value, value, (), (*first.flags, *several), tuple(others))


def date_day_first_value(text: str, conventions: Conventions = NO_CONVENTIONS) -> Normalized:
    """The date with the day first, whatever the field's DateOrder is: an older way of saying DMY."""
    return date_value(text, conventions._replace(date_order=DateOrder.DMY))


def _why_not(found: list[_Date]) -> str:
    return f"there is no such day as {found[0].written}" if found else "no date in it"


def _dates_in(text: str, conventions: Conventions) -> list[_Date]:
    """All dates, in the order of the text; a form that says more is read before one that says less."""
    found: list[_Date] = []
    for form in FORMS:
        matches = list(form.finditer(text))
        found += (_date(match, conventions) for match in matches)
        for match in matches:
            text = text[: match.start()] + "\x00" * len(match[0]) + text[match.end() :]
    found += _quarters_in(text, conventions)
    if not found and (alone := YEAR_ALONE.fullmatch(text)):
        found = [_Date((alone["year"],), (NO_DAY, NO_MONTH), alone.start(), alone[0])]
    return sorted(found, key=lambda one: one.start)


def _quarters_in(text: str, conventions: Conventions) -> Iterator[_Date]:
    for form in QUARTERS:
        for match in form.finditer(text):
            year, flags = _year(match["year"], conventions)
            quarter = int(match["quarter"])
            yield _Date((f"{year:04d}-Q{quarter}",), (*flags, NO_DAY, NO_MONTH), match.start(), match[0])


def _date(match: re.Match[str], conventions: Conventions) -> _Date:
    parts = match.groupdict()
    if "a" in parts:
        readings, flags = _numeric(match, conventions)
        return _Date(readings, flags, match.start(), match[0])
    year, flags = _year(parts["year"], conventions)
    month = MONTHS.get(parts["month"].casefold()) or int(parts["month"])
    if parts.get("day") is None:
        readings = (f"{year:04d}-{month:02d}",) if 1 <= month <= 12 and year else ()
        return _Date(readings, (*flags, NO_DAY), match.start(), match[0])
    return _Date(_iso(year, month, int(parts["day"])), flags, match.start(), match[0])


def _numeric(match: re.Match[str], conventions: Conventions) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The readings of three numbers, by the field's order or else by what is usual with these marks."""
    wanted = conventions.date_order
    usual = DateOrder.DMY if match["mark"] == "." else DateOrder.MDY
    usual = DateOrder.DMY if wanted is DateOrder.DMY else usual
    flags = (TWO_DIGIT_YEAR,) * (len(match["year"].strip("'")) == 2)
    if wanted and (readings := _in_order(match, wanted, conventions)):
        return readings, flags
    other = DateOrder.MDY if usual is DateOrder.DMY else DateOrder.DMY
    both = (*_in_order(match, usual, conventions), *_in_order(match, other, conventions))
    readings = tuple(dict.fromkeys(both))
    flags += (AMBIGUOUS,) * (len(readings) > 1) + (OTHER_CONVENTION,) * bool(wanted and readings)
    return readings, flags


def _in_order(match: re.Match[str], order: DateOrder, conventions: Conventions) -> tuple[str, ...]:
    first, second, third = match["a"], match["b"], match["year"]
    if order is DateOrder.YMD and len(third.strip("'")) == 2:
        return _iso(_year(first.zfill(2), conventions)[0], int(second), int(third.strip("'")))
    day, month = (second, first) if order is DateOrder.MDY else (first, second)
    return _iso(_year(third, conventions)[0], int(month), int(day))


def _iso(year: int, month: int, day: int) -> tuple[str, ...]:
    """The date, or nothing for a day that does not exist."""
    try:
        return (date(year, month, day).isoformat(),)
    except ValueError:
        return ()


def _year(digits: str, conventions: Conventions) -> tuple[int, tuple[str, ...]]:
    year = int(digits.strip("'"))
    if len(digits.strip("'")) == 4:
        return year, ()
    start = conventions.two_digit_years_from
    return start + (year - start) % 100, (TWO_DIGIT_YEAR,)
