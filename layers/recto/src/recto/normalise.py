"""What a text says, in one form: dates, money, percentages, numbers. The text itself is never lost.

A normaliser reads the words of a value and answers with a `Normalized`: the normal form, or None where
the text is not understood (a person then sees the text as it is printed). Nothing is guessed silently:
whatever was decided between two readings is said in `flags`. Not here: repair of OCR errors, and
models that rewrite text (`NormalizerEndpoint`).

The rules
- Dates become ISO 8601, `2020-07-01`, or `2020-07` where no day is printed. With slashes or hyphens the
  month comes first (en-US; `date_day_first` turns that round), with dots the day does (de, fr). A number
  above 12 decides. Where both readings exist the flag is `ambiguous`. Two-digit years: 70 to 99 are 19xx.
- Money becomes `25.00 USD`, or `25.00` where no currency is printed. `$` is read as USD. "None" and "no
  fee" are an amount of 0, with the flag `none stated`. "Up to $25" and "$5 or 3%" keep their structure.
- Percentages become `9.99%`; `Prime + 9.99%`, `14.99% to 24.99%` and `0% for 6 months` keep theirs.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Final, NamedTuple

AMBIGUOUS = "ambiguous"
NONE_STATED = "none stated"
SEVERAL = "several"
TWO_DIGIT_YEAR = "two-digit year"
NO_DAY = "no day"

MAX_TEXT = 2000
"""Characters of a text that are looked at; no date or amount is that long."""


class Normalized(NamedTuple):
    """One text, understood."""

    value: str | None
    """The normal form; None where the text was not understood."""
    key: str
    """Texts with equal keys say the same; what merging goes by."""
    amounts: tuple[Decimal, ...] = ()
    """The numbers in it, in their order; a percentage in per cent."""
    flags: tuple[str, ...] = ()
    """What was decided between readings."""


Normalizer = Callable[[str], Normalized]


def normalise(text: str, normalizer: str) -> Normalized:
    """The text in the normal form that this normaliser gives; KeyError for a name nobody knows."""
    return NORMALIZERS[normalizer](text[:MAX_TEXT])


# --- text ------------------------------------------------------------------------------------------

_QUOTES: Final = str.maketrans({"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u2212": "-"})


def text_value(text: str) -> Normalized:
    """White space folded, Unicode forms unified; case and punctuation count in the value, not in the key."""
    value = _folded(text).strip(" ,;:")
    return Normalized(value or None, _text_key(value))


def _folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).translate(_QUOTES).split())


def _text_key(text: str) -> str:
    """Letters and digits without case; punctuation stays only between digits, where it changes the number."""
    folded = _folded(text).casefold()
    return re.sub(r"(?<!\d)[\W_]+|[\W_]+(?!\d)", "", folded) or folded


def _not_understood(text: str) -> Normalized:
    return Normalized(None, _text_key(text))


# --- numbers ---------------------------------------------------------------------------------------

_NUMBER: Final = r"(?:\d{1,3}(?:[ '\u00a0\u202f]\d{3})+(?:[.,]\d+)?|\d[\d.,]*\d|\d|[.,]\d+)"
_SIGNED: Final = re.compile(
    rf"(?P<open>\()?\s*(?P<minus>[-\u2212])?\s*(?P<digits>{_NUMBER})(?P<tail>-(?![\w$€£¥₹]))?\s*(?P<close>\))?"
)


class _Parsed(NamedTuple):
    number: Decimal
    is_ambiguous: bool


def parse_decimal(digits: str, groups_of_three: bool = False) -> _Parsed | None:
    """The number that digits with separators mean, in American or European writing.

    One separator followed by exactly three digits has two readings: a comma then separates thousands,
    a point decimals (en-US), unless `groups_of_three` says that three decimals cannot be.
    """
    bare = re.sub(r"[ '\u00a0\u202f]", "", digits)
    point, is_ambiguous = _decimal_separator(bare, groups_of_three)
    whole = "".join(mark for mark in bare if mark.isdigit() or mark == point)
    try:
        return _Parsed(Decimal(whole.replace(",", ".")), is_ambiguous)
    except InvalidOperation:
        return None


def _decimal_separator(bare: str, groups_of_three: bool) -> tuple[str, bool]:
    """The character that separates the decimals ('' for none), and whether another reading exists."""
    last = max(bare.rfind("."), bare.rfind(","))
    if last < 0:
        return "", False
    mark = bare[last]
    other = "," if mark == "." else "."
    if bare.count(mark) > 1:
        return ("", False) if other not in bare else (other, False)
    if other in bare or len(bare) - last - 1 != 3 or last == 0 or last > 3 or bare.startswith("0"):
        return mark, False
    if mark == ",":
        return "", False
    return ("", True) if groups_of_three else (mark, True)


def number_value(text: str) -> Normalized:
    """The one number in a text, without thousands separators: `1,234.50` gives `1234.50`."""
    folded = _folded(text)
    found = [
        (match, parsed) for match in _SIGNED.finditer(folded) if (parsed := parse_decimal(match["digits"]))
    ]
    if not found:
        return _not_understood(text)
    match, parsed = found[0]
    number = -parsed.number if _is_negative(match) else parsed.number
    flags = (AMBIGUOUS,) * parsed.is_ambiguous + (SEVERAL,) * (len(found) > 1)
    return Normalized(f"{number:f}", _plain(number), (number,), flags)


def _is_negative(match: re.Match[str]) -> bool:
    return bool(match["minus"] or match["tail"] or (match["open"] and match["close"]))


def _plain(number: Decimal) -> str:
    """Without trailing zeros and exponent."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


# --- money -----------------------------------------------------------------------------------------

_CURRENCIES: Final[Mapping[str, str]] = {
    "us$": "USD", "u.s.$": "USD", "$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR",
    "rm": "MYR", "ca$": "CAD", "c$": "CAD", "a$": "AUD", "au$": "AUD", "s$": "SGD", "hk$": "HKD",
    "euro": "EUR", "euros": "EUR", "dollar": "USD", "dollars": "USD", "rs": "INR", "rs.": "INR",
    "pounds": "GBP", "cents": "USD",
}  # fmt: skip
_CODE_LIST: Final = (
    "AED ARS AUD BGN BRL CAD CHF CLP CNY COP CZK DKK EUR GBP HKD HUF IDR ILS INR ISK JPY KRW MXN MYR NOK NZD "
    "PEN PHP PLN RON RUB SAR SEK SGD THB TRY TWD USD VND ZAR"
)
_CODES: Final = frozenset(_CODE_LIST.split())
_CURRENCY: Final = (
    r"(?:"
    + "|".join(sorted(_CODES))
    + r"|U\.S\.\$|US\$|CA\$|AU\$|HK\$|C\$|A\$|S\$|[$€£¥₹]|RM|Rs\.?|euros?|dollars?|pounds)"
)
_MONEY: Final = re.compile(
    rf"(?P<open>\()?(?P<minus>[-\u2212]\s*)?(?:(?<![^\W\d_])(?P<before>{_CURRENCY})\s*)?(?P<minus2>[-\u2212])?(?P<digits>{_NUMBER})"
    rf"(?P<tail>-(?![\w$€£¥₹]))?(?P<close>\))?(?:\s*(?P<percent>%|per\s?cent\b)|\s*(?P<after>{_CURRENCY})(?![^\W\d_]))?",
    re.IGNORECASE,
)
_NONE: Final = re.compile(
    r"(?:there\s+is\s+)?(?:none|nil|n/?a|no\s+(?:\w+\s+){0,4}(?:fee|charge|cost)s?|no\s+fee|waived|free|zero|not\s+applicable)[.*]?",
    re.IGNORECASE,
)
_LIMIT: Final = re.compile(
    r"\b(?:up\s+to|as\s+(?:much|high)\s+as|no\s+more\s+than|not\s+(?:to\s+)?exceed(?:ing)?|maximum(?:\s+of)?|max\.?)"
    r"\s*(?:a\s+|of\s+)?$",
    re.IGNORECASE,
)
_FLOOR: Final = re.compile(
    r"\b(?:at\s+least|no(?:t)?\s+less\s+than|minimum(?:\s+of)?|min\.?)\s*(?:a\s+|of\s+)?$", re.IGNORECASE
)
_FLOOR_BEHIND: Final = re.compile(r"\s*(?:minimum|min\b)", re.IGNORECASE)
_CHOICE: Final = re.compile(r"\bor\b|/|greater|larger|less(?:er)?\b|higher|lower", re.IGNORECASE)
_RANGE: Final = re.compile(r"\s*(?:up\s+to|to|-|–|—|through|and)\s*", re.IGNORECASE)


class _Amount(NamedTuple):
    number: Decimal
    currency: str | None
    is_percentage: bool
    bound: str
    """`up to `, `at least ` or nothing."""
    is_ambiguous: bool
    start: int
    end: int

    @property
    def written(self) -> str:
        if self.is_percentage:
            text = f"{_plain(self.number)}%"
        else:
            text = money_text(self.number) + (f" {self.currency}" if self.currency else "")
        return self.bound + text

    @property
    def key(self) -> str:
        """Without the currency: one of two prints of an amount often lacks it."""
        number = f"{_plain(self.number)}%" if self.is_percentage else _plain(self.number)
        return self.bound + number


def money_text(number: Decimal) -> str:
    """With two decimals, or with as many as are printed where these are more."""
    exponent = number.as_tuple().exponent
    places = max(2, -exponent) if isinstance(exponent, int) else 2
    return f"{number:.{places}f}"


def money_value(text: str) -> Normalized:
    """An amount with its currency; a limit, a choice or a range of amounts keeps its structure."""
    folded = _folded(text)
    found = [amount for match in _MONEY.finditer(folded) if (amount := _amount(match, folded))]
    printed = [amount for amount in found if amount.currency or amount.is_percentage]
    found = printed or found
    if not found:
        is_none = _NONE.fullmatch(folded.strip())
        return Normalized("0.00", "0", (Decimal(0),), (NONE_STATED,)) if is_none else _not_understood(text)
    return _joined(folded, found)


def _amount(match: re.Match[str], text: str) -> _Amount | None:
    parsed = parse_decimal(match["digits"], groups_of_three=not match["percent"])
    if parsed is None:
        return None
    is_negative = _has_minus(match, text) or match["tail"] or (match["open"] and match["close"])
    bound = _bound(text[: match.start()], text[match.end() :])
    number = -parsed.number if is_negative else parsed.number
    currency = _currency(match["before"] or match["after"])
    is_dash = match["minus"] and not _has_minus(match, text)
    start = match.end("minus") if is_dash else match.start()
    return _Amount(number, currency, bool(match["percent"]), bound, parsed.is_ambiguous, start, match.end())


def _bound(before: str, behind: str) -> str:
    """Whether an amount is the most or the least that there can be."""
    if _LIMIT.search(before):
        return "up to "
    return "at least " if _FLOOR.search(before) or _FLOOR_BEHIND.match(behind) else ""


def _has_minus(match: re.Match[str], text: str) -> bool:
    """Whether a minus belongs to the amount; behind an amount or a word it is a dash."""
    before_number = bool(match["minus"]) and not re.search(r"[\w%)]\s*$", text[: match.start()])
    return before_number or bool(match["minus2"])


def _currency(symbol: str | None) -> str | None:
    if symbol is None:
        return None
    return symbol.upper() if symbol.upper() in _CODES else _CURRENCIES.get(symbol.casefold())


def _joined(text: str, found: list[_Amount]) -> Normalized:
    """One amount as it is; several joined the way in which the text joins them."""
    amounts = tuple(amount.number for amount in found)
    is_several = len(found) == 1 and re.match(r"(?:none|no|free)\b(?! (?:more|less))", text, re.IGNORECASE)
    flags = (AMBIGUOUS,) * any(amount.is_ambiguous for amount in found) + (SEVERAL,) * bool(is_several)
    if len(found) == 1:
        return Normalized(found[0].written, found[0].key, amounts, flags)
    between = text[found[0].end : found[1].start]
    if len(found) == 2 and _RANGE.fullmatch(between):
        joint = " to "
        found = [amount._replace(bound="") for amount in found]
    elif any(amount.bound == "at least " for amount in found):
        joint = ", "
    elif _CHOICE.search(text):
        joint = " or "
    else:
        return Normalized(found[0].written, found[0].key, amounts, (*flags, SEVERAL))
    return Normalized(
        joint.join(amount.written for amount in found),
        joint.join(amount.key for amount in found),
        amounts,
        flags,
    )


# --- percentages -----------------------------------------------------------------------------------

_PERCENT: Final = re.compile(
    rf"(?P<minus>[-\u2212]\s?)?(?P<digits>{_NUMBER})\s*(?:%|per\s?cent(?:age)?\b|pct\b)", re.IGNORECASE
)
_BARE_PERCENT: Final = re.compile(rf"(?P<minus>[-\u2212]\s?)?(?P<digits>{_NUMBER})")
_PRIME: Final = re.compile(
    r"\b(?P<base>prime|libor|sofr|euribor)(?:\s+(?:interest\s+)?rate)?[*†‡\d]{0,2}(?:\s*\([^)]{0,40}\))?"
    r"\s*(?P<sign>\+|plus|-|–|minus|less)\s*(?:an?\s+)?(?:(?:additional|margin|spread)\s+(?:of\s+)?)?$",
    re.IGNORECASE,
)
_BASES: Final[Mapping[str, str]] = {"prime": "Prime", "libor": "LIBOR", "sofr": "SOFR", "euribor": "EURIBOR"}
_PERIOD: Final = re.compile(
    r"\b(?P<count>\d{1,3})[\s-]+(?P<unit>month|year|week|day|(?:billing|statement)\s+(?:cycle|period))s?\b",
    re.IGNORECASE,
)


def percentage_value(text: str) -> Normalized:
    """A rate in per cent; an index it is added to, a range and a period stay in the normal form."""
    folded = _folded(text)
    found = _without_index_rates(folded, list(_PERCENT.finditer(folded)))
    if not found and (bare := _BARE_PERCENT.fullmatch(folded)):
        found = [bare]
    numbers = [(match, parsed) for match in found if (parsed := parse_decimal(match["digits"]))]
    if not numbers:
        is_none = _NONE.fullmatch(folded.strip())
        return Normalized("0%", "0%", (Decimal(0),), (NONE_STATED,)) if is_none else _not_understood(text)
    rates = [_rate(folded, match, parsed.number) for match, parsed in numbers]
    value = _joint_of_rates(folded, found).join(rates) + _period(folded)
    amounts = tuple(-p.number if _is_minus(folded, m) else p.number for m, p in numbers)
    return Normalized(value, value.casefold(), amounts)


def _without_index_rates(text: str, found: list[re.Match[str]]) -> list[re.Match[str]]:
    """Without the index's own level, as in `Prime (3.25%) + 9.99%`."""
    indices = [index for match in found if (index := _PRIME.search(text[: _digits_from(match)]))]
    return [match for match in found if not any(i.start() <= match.start() < i.end() - 1 for i in indices)]


def _digits_from(match: re.Match[str]) -> int:
    """Where the rate begins, a sign that may belong to an index left out."""
    return match.start() + (1 if match["minus"] else 0)


def _rate(text: str, match: re.Match[str], number: Decimal) -> str:
    """`9.99%`, or `Prime + 9.99%` where the text before adds it to an index."""
    index = _PRIME.search(text[: _digits_from(match)])
    if index is None:
        return ("-" if _is_minus(text, match) else "") + f"{_plain(number)}%"
    sign = "+" if index["sign"].casefold() in ("+", "plus") else "-"
    return f"{_BASES[index['base'].casefold()]} {sign} {_plain(number)}%"


def _is_minus(text: str, match: re.Match[str]) -> bool:
    """Whether a minus belongs to the number: not a range's dash, not the one behind an index's name."""
    return bool(match["minus"]) and not re.search(r"[\w%)]\s*$", text[: match.start()])


def _joint_of_rates(text: str, found: list[re.Match[str]]) -> str:
    between = text[found[0].end() : found[-1].start()] + (found[-1]["minus"] or "") if len(found) == 2 else ""
    return " to " if between and _RANGE.fullmatch(between) else ", "


def _period(text: str) -> str:
    """` for 6 months` where a length of time is printed."""
    match = _PERIOD.search(text)
    if match is None:
        return ""
    count = int(match["count"])
    return f" for {count} {' '.join(match['unit'].casefold().split())}{'' if count == 1 else 's'}"


# --- dates -----------------------------------------------------------------------------------------

_MONTH_NAMES: Final = (
    "january janvier januar enero gennaio janeiro jan janv ene gen",
    "february février fevrier februar febrero febbraio fevereiro feb fév fev",
    "march mars märz maerz marzo março marco mar mär mrz",
    "april avril abril aprile apr avr abr",
    "may mai mayo maggio maio mag",
    "june juin juni junio giugno junho jun giu",
    "july juillet juli julio luglio julho jul juil lug",
    "august août aout agosto aug ago",
    "september septembre septiembre settembre setembro sep sept set",
    "october octobre oktober octubre ottobre outubro oct okt ott out",
    "november novembre noviembre novembro nov",
    "december décembre decembre dezember diciembre dicembre dezembro dec déc dez dic",
)
_MONTHS: Final[Mapping[str, int]] = {
    name: number for number, names in enumerate(_MONTH_NAMES, start=1) for name in names.split()
}
_MONTH: Final = r"(?P<month>" + "|".join(sorted(_MONTHS, key=len, reverse=True)) + r")\.?"
_DAY: Final = r"(?P<day>\d{1,2})(?:st|nd|rd|th|er|º|°|\.)?"
_YEAR: Final = r"(?P<year>\d{4}|'?\d{2})(?!\d)"
_FORMS: Final = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(?<!\d)(?P<year>\d{4})\s?(?P<mark>[-/.])\s?(?P<month>\d{1,2})\s?(?P=mark)\s?(?P<day>\d{1,2})(?!\d)",
        r"(?<!\d)(?P<year>\d{4})\s*年\s*(?P<month>\d{1,2})\s*月\s*(?P<day>\d{1,2})\s*日",
        r"(?<![\d/.-])(?P<a>\d{1,2})\s?(?P<mark>[-/.])\s?(?P<b>\d{1,2})\s?(?P=mark)\s?" + _YEAR,
        rf"(?<!\w){_MONTH}\s*{_DAY}(?!\d)\s*(?:,|\.|of)?\s*{_YEAR}",
        rf"(?<!\d){_DAY}\s*(?:day\s+of\s+|of\s+|de\s+|-|/|,)?\s*{_MONTH}\s*(?:,|-|/|de\s+|del\s+)?\s*{_YEAR}",
        rf"(?<!\w){_MONTH}\s*(?:,|of\s|de\s)?\s*(?P<year>\d{{4}})(?!\d)",
        r"(?<![\d/.-])(?P<month>\d{1,2})\s?[/.-]\s?(?P<year>(?:19|20)\d{2})(?!\d)",
        r"(?<!\d)(?P<year>(?:19|20)\d{2})-(?P<month>\d{2})(?![\d-])",
        r"(?<!\d)(?P<year>(?:19|20)\d{2})(?P<month>0[1-9]|1[0-2])(?P<day>[0-2]\d|3[01])(?!\d)",
    )
)


class _Date(NamedTuple):
    iso: str
    flags: tuple[str, ...]
    start: int


def date_value(text: str) -> Normalized:
    """The date as ISO 8601, the month first where slashes or hyphens leave it open."""
    return _date(text, day_first=False)


def date_day_first_value(text: str) -> Normalized:
    """The date as ISO 8601, the day first where slashes or hyphens leave it open."""
    return _date(text, day_first=True)


def _date(text: str, day_first: bool) -> Normalized:
    folded = _folded(text)
    dates = _dates_in(folded, day_first)
    if not dates:
        return _not_understood(text)
    several = (SEVERAL,) * (len({found.iso for found in dates}) > 1)
    return Normalized(dates[0].iso, dates[0].iso, (), (*dates[0].flags, *several))


def _dates_in(text: str, day_first: bool) -> list[_Date]:
    """All dates, in the order of the text; a form that says more is read before one that says less."""
    found: list[_Date] = []
    for form in _FORMS:
        matches = list(form.finditer(text))
        found += (
            _Date(*reading, match.start()) for match in matches if (reading := _reading(match, day_first))
        )
        for match in matches:
            text = text[: match.start()] + "\x00" * len(match[0]) + text[match.end() :]
    return sorted(found, key=lambda one: one.start)


def _reading(match: re.Match[str], day_first: bool) -> tuple[str, tuple[str, ...]] | None:
    parts = match.groupdict()
    year, flags = _year(parts["year"])
    if "a" in parts:
        ordered = _month_and_day(int(parts["a"]), int(parts["b"]), day_first or parts["mark"] == ".")
        return _iso(year, ordered.month, ordered.day, flags + (AMBIGUOUS,) * ordered.is_ambiguous)
    month = _MONTHS.get(parts["month"].casefold()) or int(parts["month"])
    if parts.get("day") is None:
        return (f"{year:04d}-{month:02d}", (*flags, NO_DAY)) if 1 <= month <= 12 else None
    return _iso(year, month, int(parts["day"]), flags)


def _iso(year: int, month: int, day: int, flags: tuple[str, ...]) -> tuple[str, tuple[str, ...]] | None:
    try:
        return date(year, month, day).isoformat(), flags
    except ValueError:
        return None


def _year(digits: str) -> tuple[int, tuple[str, ...]]:
    year = int(digits.strip("'"))
    if len(digits.strip("'")) == 4:
        return year, ()
    return year + (1900 if year >= 70 else 2000), (TWO_DIGIT_YEAR,)


class _MonthAndDay(NamedTuple):
    month: int
    day: int
    is_ambiguous: bool


def _month_and_day(first: int, second: int, day_first: bool) -> _MonthAndDay:
    """Which of two numbers is the month: one above 12 decides, else the convention does."""
    if first > 12 or second > 12:
        month, day = (second, first) if first > 12 else (first, second)
        return _MonthAndDay(month, day, False)
    month, day = (second, first) if day_first else (first, second)
    return _MonthAndDay(month, day, first != second)


NORMALIZERS: Final[Mapping[str, Normalizer]] = {
    "text": text_value,
    "date": date_value,
    "date_day_first": date_day_first_value,
    "money": money_value,
    "percentage": percentage_value,
    "number": number_value,
}
"""Normalisers by the name that a field's `Type` or `Normalizer` gives."""
