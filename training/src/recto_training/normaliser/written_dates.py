"""How dates are written: input formats with their weights, the formats a prompt asks for, months in words.

A template has places in braces: d, dd day; o, its ordinal (3rd); words, the ordinal in words; m, mm month;
M, Mon its name and short name; y, yy year; W, Wk weekday and its short name. Only writing, no reading.
"""

from collections.abc import Mapping
from datetime import date
from typing import Final, NamedTuple

MONTHS: Final[Mapping[str, tuple[str, ...]]] = {
    "en": ("January", "February", "March", "April", "May", "June", "July", "August", "September",
           "October", "November", "December"),
    "de": ("Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September",
           "Oktober", "November", "Dezember"),
    "fr": ("janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre",
           "octobre", "novembre", "décembre"),
    "es": ("enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre",
           "octubre", "noviembre", "diciembre"),
}  # fmt: skip
WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_UNITS: Final = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth",
                 "tenth", "eleventh", "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth",
                 "seventeenth", "eighteenth", "nineteenth", "twentieth")  # fmt: skip


class Written(NamedTuple):
    """One way to write a date."""

    template: str
    weight: float
    language: str = "en"
    is_held_out: bool = False
    """Never trained on; evaluation tells how far a model carries over."""

    @property
    def order(self) -> str:
        """`day first` or `month first` where only numbers stand there and the year last, else empty."""
        if any(place in self.template for place in ("{M", "{o}", "{words}")) or self.template[1] == "y":
            return ""
        day, month = self.template.find("{d"), self.template.find("{m")
        return "day first" if day < month else "month first"


FORMATS: Final = (
    Written("{M} {d}, {y}", 12), Written("{mm}/{dd}/{y}", 9), Written("{m}/{d}/{y}", 6),
    Written("{dd}/{mm}/{y}", 9), Written("{d}/{m}/{y}", 4), Written("{y}-{mm}-{dd}", 6),
    Written("{dd}-{mm}-{y}", 4), Written("{mm}-{dd}-{y}", 3), Written("{dd}.{mm}.{y}", 4),
    Written("{mm}/{dd}/{yy}", 4), Written("{m}/{d}/{yy}", 3), Written("{dd}/{mm}/{yy}", 4),
    Written("{dd}-{mm}-{yy}", 2), Written("{dd}.{mm}.{yy}", 1.5), Written("{d}.{m}.{y}", 1.5),
    Written("{d} {M} {y}", 5), Written("{dd} {Mon} {y}", 4), Written("{dd}-{Mon}-{y}", 3),
    Written("{dd}-{Mon}-{yy}", 2), Written("{Mon} {d}, {y}", 4), Written("{Mon}. {d}, {y}", 2),
    Written("{M} {o}, {y}", 3), Written("{o} {M} {y}", 2), Written("{o} day of {M}, {y}", 4),
    Written("this {o} day of {M}, {y}", 3), Written("the {o} of {M} {y}", 1.5),
    Written("{words} day of {M}, {y}", 1), Written("{W}, {M} {d}, {y}", 2.5),
    Written("{W} {d} {M} {y}", 1.5), Written("{Wk} {dd}/{mm}/{y}", 1), Written("{y}/{mm}/{dd}", 2),
    Written("{y}.{mm}.{dd}", 1), Written("{M} {d} {y}", 2), Written("{dd}{Mon}{y}", 1),
    Written("{y} {M} {d}", 0.7), Written("{Mon}-{dd}-{y}", 0.8),
    Written("{d}. {M} {y}", 1.5, "de"), Written("{d} {M} {y}", 1.5, "fr"),
    Written("{d} de {M} de {y}", 1.5, "es"),
    Written("{M} the {o}, {y}", 1, is_held_out=True), Written("{Wk}, {dd} {Mon} {y}", 1, is_held_out=True),
    Written("{o} {Mon}, {y}", 1, is_held_out=True), Written("{dd}/{Mon}/{y}", 1, is_held_out=True),
    Written("{Mon} {dd} '{yy}", 1, is_held_out=True), Written("{W} the {o} of {M}, {y}", 1, is_held_out=True),
    Written("{y}-{Mon}-{dd}", 1, is_held_out=True), Written("le {d} {M} {y}", 1, "fr", is_held_out=True),
)  # fmt: skip
TARGETS: Final[Mapping[str, str]] = {
    "YYYY-MM-DD": "{y}-{mm}-{dd}",
    "DD/MM/YYYY": "{dd}/{mm}/{y}",
    "MM/DD/YYYY": "{mm}/{dd}/{y}",
    "DD.MM.YYYY": "{dd}.{mm}.{y}",
    "Month D, YYYY": "{M} {d}, {y}",
    "D Month YYYY": "{d} {M} {y}",
}
"""What a prompt may ask for."""


def ordinal(day: int) -> str:
    """3 as 3rd."""
    suffix = "th" if 10 < day < 14 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    return f"{day}{suffix}"


def ordinal_words(day: int) -> str:
    """23 as twenty-third."""
    if day <= 20:
        return _UNITS[day - 1]
    return "thirtieth" if day == 30 else f"{'twenty' if day < 30 else 'thirty'}-{_UNITS[day % 10 - 1]}"


def write(template: str, year: int, month: int, day: int, language: str = "en") -> str:
    """The day as a template says it. The day need not exist; then its weekday is made up."""
    name = MONTHS[language][(month - 1) % 12]
    weekday = WEEKDAYS[date(year, (month - 1) % 12 + 1, min(day, 28)).weekday()]
    return template.format(
        d=day, dd=f"{day:02d}", o=ordinal(day), words=ordinal_words(day), m=month, mm=f"{month:02d}",
        M=name, Mon=name[:3], y=f"{year:04d}", yy=f"{year % 100:02d}", W=weekday, Wk=weekday[:3],
    )  # fmt: skip


def write_iso(iso: str, target: str) -> str:
    """An ISO date in the format that a prompt names."""
    year, month, day = (int(part) for part in iso.split("-"))
    return write(TARGETS[target], year, month, day)
