"""Rates: `9.99%`, `Prime + 9.99%`, `0% for 6 months, then 14.24% to 23.24%`. A basis point is 0.01%."""

import re
from collections.abc import Mapping
from decimal import Decimal
from itertools import pairwise
from typing import Final, NamedTuple

from recto.normalise import number_words
from recto.normalise.money import RANGE, is_none_stated
from recto.normalise.numbers import NUMBER, parse_decimal, plain
from recto.normalise.reading import (
    AMBIGUOUS,
    NO_CONVENTIONS,
    NONE_STATED,
    Conventions,
    Normalized,
    folded,
    not_understood,
)

_UNIT: Final = r"(?:%|per\s?cent(?:age)?(?:\s+points?)?\b|pct\b|(?P<points>basis\s+points?\b|bps?\b))"
_PERCENT: Final = re.compile(
    rf"(?P<minus>[-\u2212]\s?)?(?P<digits>{NUMBER})\s*(?:{_UNIT}|(?=\s*(?:to|-|–|—)\s*{NUMBER}\s*%))",
    re.IGNORECASE,
)
_BARE_PERCENT: Final = re.compile(rf"(?P<minus>[-\u2212]\s?)?(?P<digits>{NUMBER})(?P<points>(?!))?")
_NAMES: Final = r"prime|libor|sofr|euribor|estr|sonia|index"
_INDEX: Final = re.compile(
    rf"\b(?P<base>{_NAMES})(?:\s+(?:interest\s+)?rate)?[*†‡\d]{{0,2}}(?:\s*\([^)]{{0,40}}\))?"
    r"\s*(?P<sign>\+|plus|-|–|minus|less)\s*(?:an?\s+)?(?:(?:additional|margin|spread)\s+(?:of\s+)?)?$",
    re.IGNORECASE,
)
_INDEX_BEHIND: Final = re.compile(
    rf"\s*(?:points\s+)?(?P<sign>above|over|below|under)\s+(?:the\s+)?(?:(?:u\.?s\.?|wall\s+street\s+journal|wsj)\s+)?"
    rf"(?P<base>{_NAMES})\b",
    re.IGNORECASE,
)
_BASES: Final[Mapping[str, str]] = {
    "prime": "Prime", "libor": "LIBOR", "sofr": "SOFR", "euribor": "EURIBOR", "estr": "ESTR",
    "sonia": "SONIA", "index": "Index",
}  # fmt: skip
_PERIOD: Final = re.compile(
    r"\b(?P<count>\d{1,3})[\s-]+(?P<unit>month|year|week|day|(?:billing|statement)\s+(?:cycle|period))s?\b",
    re.IGNORECASE,
)
_THEN: Final = re.compile(r"\b(?:then|thereafter|afterwards|after\s+that)\b", re.IGNORECASE)
_MAX_BEFORE: Final = 120
"""Characters before a rate in which its index is looked for."""


class Rate(NamedTuple):
    """One rate: a margin on an index where there is one, a span where two ends are printed."""

    low: Decimal
    """In per cent; negative for a margin that is taken off."""
    high: Decimal | None = None
    """The other end of a range."""
    base: str | None = None
    """`Prime`, `SOFR` …: the rate is this index with `low` added."""
    period: str = ""
    """`6 months`, where the rate holds so long."""

    @property
    def ends(self) -> tuple[Decimal, ...]:
        """One number or two; of a margin without its sign."""
        ends = (self.low,) if self.high is None else (self.low, self.high)
        return ends if self.base is None else tuple(map(abs, ends))

    @property
    def written(self) -> str:
        length = f" for {self.period}" if self.period else ""
        rate = " to ".join(f"{plain(end)}%" for end in self.ends)
        sign = "-" if self.low < 0 else "+"
        return (f"{self.base} {sign} {rate}" if self.base else rate) + length


class _Found(NamedTuple):
    rate: Rate
    other: Decimal | None
    start: int
    end: int


def percentage_value(text: str, conventions: Conventions = NO_CONVENTIONS) -> Normalized:
    """A rate in per cent; an index it is added to, a range and a period stay in the normal form."""
    whole = folded(text)
    found = _rates(whole, conventions)
    if not found and _PERCENT.search(in_digits := number_words.with_digits(whole)):
        whole, found = in_digits, _rates(in_digits, conventions)
    if not found:
        stated = Normalized("0%", "0%", (Decimal(0),), (NONE_STATED,))
        return stated if is_none_stated(whole) else not_understood(text, "no rate in it")
    value = found[0].rate.written
    for before, one in pairwise(found):
        joint = ", then " if _THEN.search(whole[before.end : one.start]) else ", "
        value += joint + one.rate.written
    ends = [end for one in found for end in one.rate.ends]
    is_open = any(one.other is not None for one in found)
    others = (
        tuple(f"{plain(one.other)}%" for one in found if one.other is not None) if len(found) == 1 else ()
    )
    return Normalized(value, value.casefold(), tuple(ends), (AMBIGUOUS,) * is_open, others)


def rates_in(text: str, conventions: Conventions = NO_CONVENTIONS) -> tuple[Rate, ...]:
    """The rates of a text with their parts, in their order."""
    return tuple(one.rate for one in _rates(folded(text), conventions))


def _rates(text: str, conventions: Conventions) -> list[_Found]:
    matches = _without_index_rates(text, list(_PERCENT.finditer(text)))
    if not matches and (bare := _BARE_PERCENT.fullmatch(text)):
        matches = [bare]
    found = [one for match in matches if (one := _found(text, match, conventions))]
    return _with_periods(text, _with_ranges(text, found))


def _without_index_rates(text: str, found: list[re.Match[str]]) -> list[re.Match[str]]:
    """Without the index's own level, as in `Prime (3.25%) + 9.99%`."""
    spans = [span for match in found if (span := _index_before(text, match))]
    return [m for m in found if not any(start <= m.start() < end - 1 for start, end, _ in spans)]


def _index_before(text: str, match: re.Match[str]) -> tuple[int, int, re.Match[str]] | None:
    """Where the index stands that a rate is added to; its sign may have been taken for a minus."""
    end = match.start() + (1 if match["minus"] else 0)
    start = max(0, end - _MAX_BEFORE)
    index = _INDEX.search(text[start:end])
    return (start + index.start(), start + index.end(), index) if index else None


def _found(text: str, match: re.Match[str], conventions: Conventions) -> _Found | None:
    parsed = parse_decimal(match["digits"], decimal_mark=conventions.decimal_mark)
    if parsed is None:
        return None
    size = Decimal("0.01") if match["points"] else Decimal(1)
    number, other = parsed.number * size, None if parsed.other is None else parsed.other * size
    if other is not None and not match["points"]:
        number, other = min(number, other), None  # nobody charges a thousand per cent
    if before := _index_before(text, match):
        sign = 1 if before[2]["sign"].casefold() in ("+", "plus") else -1
        rate = Rate(sign * number, base=_BASES[before[2]["base"].casefold()])
        return _Found(rate, other, match.start(), match.end())
    if behind := _INDEX_BEHIND.match(text, match.end()):
        sign = 1 if behind["sign"].casefold() in ("above", "over") else -1
        rate = Rate(sign * number, base=_BASES[behind["base"].casefold()])
        return _Found(rate, other, match.start(), behind.end())
    is_dash = match["minus"] and re.search(r"[\w%)]\s*$", text[max(0, match.start() - 5) : match.start()])
    start = match.end("minus") if is_dash else match.start()
    return _Found(Rate(-number if match["minus"] and not is_dash else number), other, start, match.end())


def _with_ranges(text: str, found: list[_Found]) -> list[_Found]:
    """Two rates with `to` between them made one."""
    joined: list[_Found] = []
    for one in found:
        last = joined[-1] if joined else None
        if last and last.rate.high is None and one.rate.base is None and _is_range(text, last, one):
            high = -one.rate.low if last.rate.low < 0 and last.rate.base else one.rate.low
            joined[-1] = _Found(last.rate._replace(high=high), last.other or one.other, last.start, one.end)
        else:
            joined.append(one)
    return joined


def _is_range(text: str, low: _Found, high: _Found) -> bool:
    """`and` joins two ends only behind `between`."""
    joint = text[low.end : high.start]
    if not joint or not RANGE.fullmatch(joint):
        return False
    is_and = joint.strip().casefold() == "and"
    return not is_and or bool(re.search(r"between\s*$", text[: low.start][-20:], re.IGNORECASE))


def _with_periods(text: str, found: list[_Found]) -> list[_Found]:
    """Each length of time given to the rate before it, or to the first one."""
    for match in _PERIOD.finditer(text):
        if not found:
            break
        place = max((i for i, one in enumerate(found) if one.start < match.start()), default=0)
        if not found[place].rate.period:
            count = int(match["count"])
            unit = " ".join(match["unit"].casefold().split())
            period = f"{count} {unit}{'' if count == 1 else 's'}"
            found[place] = found[place]._replace(rate=found[place].rate._replace(period=period))
    return found
