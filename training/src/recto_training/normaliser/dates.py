"""Made-up dates as they are printed and what a prompt's format makes of them; ambiguity and nonsense told.

    Convert dates to YYYY-MM-DD: this 3rd day of May, 2019          2019-05-03
    Convert dates to DD/MM/YYYY: May 3rd, 2019                      03/05/2019
    Convert dates to YYYY-MM-DD: 03/04/2019                         ambiguous: 2019-03-04 or 2019-04-03
    Convert dates to YYYY-MM-DD, day first: 03/04/2019              2019-04-03
    Convert dates to YYYY-MM-DD: 31 February 2019                   invalid
    Convert dates to YYYY-MM-DD: May 2019                           incomplete
    Convert dates to YYYY-MM-DD: see attached                       none

Years are 1950 to 2049, so that two digits mean one year. Nothing here reads a date: the truth of a pair is
what it was written from.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from random import Random
from typing import Final, NamedTuple

from recto_training.normaliser.pairs import Pair
from recto_training.normaliser.written_dates import FORMATS, TARGETS, Written, write, write_iso

AMBIGUOUS, INVALID, INCOMPLETE, NONE = "ambiguous", "invalid", "incomplete", "none"
FIRST_YEAR, LAST_YEAR = 1950, 2049
ORDERS: Final = ("day first", "month first")
ISO: Final = "YYYY-MM-DD"

_AROUND: Final = ("{}", "{}", "{}", "{}", "{}", "{}", "Date: {}", "dated {}", "as of {}", "{}.", "{},",
                  "on {}", "Effective Date: {}", "Date {}", "is made on {}", "{} 12:40", "{} 9:05:17 PM",
                  '{} (the "Effective Date")', "Due {}", "DATE : {}")  # fmt: skip
_NO_DATE: Final = ("N/A", "n.a.", "-", "see attached", "see below", "to be determined", "TBD", "upon request",
                   "the Effective Date", "signature", "Date:", "not applicable", "upon completion",
                   "the date first written above", "immediately", "on the closing date", "Monday", "today",
                   "Invoice", "Total", "none stated", "on demand", "Page 1 of 3", "void")  # fmt: skip
_LOOKS: Final = {"0": "Oo", "1": "lI", "5": "S", "8": "B", "O": "0", "l": "1", "S": "5", "o": "0", "B": "8",
                 ",": ".", "m": "rn", "y": "v", "e": "c"}  # fmt: skip


class Mixture(NamedTuple):
    """Shares of what is made."""

    noisy: float = 0.2
    """With OCR's errors."""
    invalid: float = 0.05
    incomplete: float = 0.03
    none: float = 0.05
    ordered: float = 0.6
    """Numeric dates whose prompt names the order."""
    iso: float = 0.5
    """Prompts for YYYY-MM-DD; the rest is shared by the other formats."""


TRAINING = Mixture()
CLEAN = Mixture(noisy=0.0, invalid=0.0, incomplete=0.0, none=0.0)


def make_pairs(
    count: int,
    seed: int | str,
    mixture: Mixture = TRAINING,
    formats: Sequence[Written] = tuple(one for one in FORMATS if not one.is_held_out),
) -> Iterator[Pair]:
    """Pairs with their format as group, the same ones for a seed."""
    rng = Random(f"dates {seed}")
    weights = [one.weight for one in formats]
    for _ in range(count):
        (written,) = rng.choices(formats, weights)
        yield make_pair(written, mixture, rng)


def make_pair(written: Written, mixture: Mixture, rng: Random) -> Pair:
    """One pair, in that format where it is a whole date."""
    target = ISO if rng.random() < mixture.iso else rng.choice([name for name in TARGETS if name != ISO])
    kind = rng.random()
    if kind < mixture.none:
        return _pair(target, _some_order(rng, 0.2), no_date(rng), NONE, NONE)
    if kind < mixture.none + mixture.incomplete:
        return _pair(target, _some_order(rng, 0.2), _month_alone(rng), INCOMPLETE, INCOMPLETE)
    if kind < mixture.none + mixture.incomplete + mixture.invalid:
        return _invalid(written, target, rng)
    year, month, day = _some_day(rng)
    text = write(written.template, year, month, day, written.language)
    text = rng.choice(_AROUND).format(text) if rng.random() < 0.4 else text
    text = text.upper() if rng.random() < 0.08 else text
    is_noisy = rng.random() < mixture.noisy
    text = misread(text, rng) if is_noisy else text
    group = "OCR noise" if is_noisy else _name(written)
    if not written.order:
        return _pair(target, _some_order(rng, 0.15), text, write(TARGETS[target], year, month, day), group)
    order = written.order if rng.random() < mixture.ordered else ""
    order = rng.choice(ORDERS) if day > 12 and order else order  # what one order forbids, the other reads
    said = answer_of(year, month, day, order=order, printed=written.order, target=target)
    return _pair(target, order, text, said, group)


def prompt_of(target: str, order: str = "") -> str:
    """What stands before the text."""
    return f"Convert dates to {target}{', ' + order if order else ''}: "


def answer_of(year: int, month: int, day: int, *, order: str, printed: str, target: str) -> str:
    """What may honestly be said of a numeric date, written in the order `printed`, when told `order`."""
    here = date(year, month, day).isoformat()
    if order or day > 12 or day == month:
        return write_iso(here, target)
    swapped = date(year, day, month).isoformat()
    first, second = (here, swapped) if printed == "month first" else (swapped, here)
    return f"{AMBIGUOUS}: {write_iso(first, target)} or {write_iso(second, target)}"


def misread(text: str, rng: Random) -> str:
    """The text as OCR might give it: one or two letters or digits confused, spaces lost or doubled."""
    letters = list(text)
    for _ in range(rng.choice((1, 1, 2))):
        places = [at for at, letter in enumerate(letters) if letter in _LOOKS]
        spaces = [at for at, letter in enumerate(letters) if letter == " "]
        if spaces and rng.random() < 0.35:
            at = rng.choice(spaces)
            parts_numbers = "".join(letters[at - 1 : at + 2 : 2]).isdigit()
            letters[at] = "" if not parts_numbers and rng.random() < 0.6 else rng.choice(("  ", "\n"))
        elif places:
            at = rng.choice(places)
            letters[at] = rng.choice(_LOOKS[letters[at]]) if letters[at] != "m" else "rn"
    return "".join(letters)


def no_date(rng: Random) -> str:
    """A text that stands where a date should and is none."""
    if rng.random() < 0.5:
        return rng.choice(_NO_DATE)
    number = rng.randrange(10, 99999)
    forms = (
        "No. {}",
        "${}.00",
        "{}%",
        "{} days",
        "Ref {}",
        "INV-{}",
        "Article {}",
        "{} of {}",
        "{}.5",
        "Tel {}",
    )
    return rng.choice(forms).format(number, rng.randrange(1, 99))


def _name(written: Written) -> str:
    return written.template.replace("{", "").replace("}", "") + f" ({written.language})"


def _pair(target: str, order: str, text: str, said: str, group: str) -> Pair:
    return Pair(prompt_of(target, order) + text, said, group)


def _some_order(rng: Random, share: float) -> str:
    """Where the order says nothing about a text, a prompt may name one all the same."""
    return rng.choice(ORDERS) if rng.random() < share else ""


def _some_day(rng: Random) -> tuple[int, int, int]:
    first, last = date(FIRST_YEAR, 1, 1).toordinal(), date(LAST_YEAR, 12, 31).toordinal()
    chosen = date.fromordinal(rng.randint(first, last))
    return chosen.year, chosen.month, chosen.day


def _month_alone(rng: Random) -> str:
    year, month, _ = _some_day(rng)
    template = rng.choice(("{M} {y}", "{M}, {y}", "{Mon} {y}", "{mm}/{y}", "the month of {M} {y}"))
    return write(template, year, month, 1)


def _invalid(written: Written, target: str, rng: Random) -> Pair:
    """A day that no calendar has, in whatever order it is read."""
    year, month, _ = _some_day(rng)
    if written.order and rng.random() < 0.6:
        month, day = rng.randint(13, 31), rng.randint(13, 31)
    else:
        month, day = rng.choice(((2, 30), (2, 31), (4, 31), (6, 31), (9, 31), (11, 31)))
    text = write(written.template, year, month, day, written.language)
    order = written.order if rng.random() < 0.5 else ""
    return _pair(target, order, text, INVALID, INVALID)
