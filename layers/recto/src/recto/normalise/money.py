"""Amounts of money: `25.00 USD`, or `25.00` where no currency is printed. Always Decimal, never a float.

"None" and "no fee" are an amount of 0, with the flag `none stated`. "Up to $25", "$5 to $10" and "$5 or 3%"
keep their structure. A credit (`12.50 CR`) counts as negative.
"""

import re
from decimal import Decimal
from typing import Final, NamedTuple

from recto.normalise import number_words
from recto.normalise.currencies import CURRENCY, currency_of
from recto.normalise.numbers import NUMBER, parse_decimal, plain
from recto.normalise.reading import (
    AMBIGUOUS,
    CREDIT,
    CURRENCY_UNCLEAR,
    DEBIT,
    NO_CONVENTIONS,
    NONE_STATED,
    SEVERAL,
    Conventions,
    Normalized,
    folded,
    not_understood,
)

_SCALE: Final = (
    r"(?:hundred\s+thousand|thousand|million|billion|lakhs?|crores?|mn\b|bn\b|mio\b|(?-i:[KMkB])(?![^\W\d_]))"
)
_SCALES: Final = {
    "hundred thousand": 10**5, "thousand": 10**3, "k": 10**3, "million": 10**6, "m": 10**6, "mn": 10**6,
    "mio": 10**6, "billion": 10**9, "bn": 10**9, "b": 10**9, "lakh": 10**5, "crore": 10**7,
}  # fmt: skip
_MONEY: Final = re.compile(
    rf"(?P<open>\()?(?P<minus>[-\u2212]\s*)?(?:(?<![^\W\d_])(?P<before>{CURRENCY})\s*)?(?P<minus2>[-\u2212])?"
    rf"(?P<open2>\()?(?P<digits>{NUMBER})(?P<tail>-(?![\w$€£¥₹]))?(?:\s*(?P<scale>{_SCALE}))?"
    rf"(?P<close>\))?"
    rf"(?:\s*(?P<percent>%|per\s?cent\b)|\s*(?P<cents>¢|cents?\b)|\s*(?P<after>{CURRENCY})(?![^\W\d_]))?"
    rf"(?P<close2>\))?(?:\s*(?P<side>(?-i:CR|Cr|DR|Dr))\.?(?!\w))?",
    re.IGNORECASE,
)
_NONE: Final = re.compile(
    r"(?:there\s+is\s+)?(?:none|nil|n/?a|no\s+(?:\w+\s+){0,4}(?:fee|charge|cost)s?|no\s+fee|waived|free|zero|not\s+applicable)[.*]?",
    re.IGNORECASE,
)
_LIMIT: Final = re.compile(
    r"\b(?:up\s+to|as\s+(?:much|high)\s+as|no(?:t)?\s+more\s+than|not\s+(?:to\s+)?exceed(?:ing)?|at\s+most|maximum(?:\s+of)?|max\.?)"
    r"\s*(?:a\s+|of\s+)?$",
    re.IGNORECASE,
)
_FLOOR: Final = re.compile(
    r"\b(?:at\s+least|no(?:t)?\s+less\s+than|minimum(?:\s+of)?|min\.?)\s*(?:a\s+|of\s+)?$", re.IGNORECASE
)
_FLOOR_BEHIND: Final = re.compile(r"\s*(?:minimum|min\b)", re.IGNORECASE)
_CHOICE: Final = re.compile(r"\bor\b|/|greater|larger|less(?:er)?\b|higher|lower", re.IGNORECASE)
RANGE: Final = re.compile(r"\s*(?:up\s+to|to|-|–|—|through|and)\s*", re.IGNORECASE)
"""What stands between the two ends of a range."""
_NO_DECIMALS: Final = re.compile(r"(?<=\d)[.,][-–—]{1,2}(?!\d)")
_AMOUNT_IN_WORDS: Final = re.compile(
    rf"(?<!\w)(?:{number_words.CARDINAL}|dollars?|euros?|pounds?|ringgit|rupees?|million|billion)"
    r"(?:\s+(?:sterling|only))?\s*$",
    re.IGNORECASE,
)
_MAX_BEFORE: Final = 60
"""Characters before an amount in which `up to` and the like are looked for."""


class _Amount(NamedTuple):
    number: Decimal
    currency: str | None
    is_percentage: bool
    bound: str
    """`up to `, `at least ` or nothing."""
    other: Decimal | None
    """The second reading of the digits."""
    flags: tuple[str, ...]
    is_printed_as_money: bool
    start: int
    end: int

    @property
    def written(self) -> str:
        return self.bound + self._text(self.number)

    @property
    def other_written(self) -> str | None:
        return None if self.other is None else self.bound + self._text(self.other)

    def _text(self, number: Decimal) -> str:
        if self.is_percentage:
            return f"{plain(number)}%"
        return money_text(number) + (f" {self.currency}" if self.currency else "")

    @property
    def key(self) -> str:
        """Without the currency: one of two prints of an amount often lacks it."""
        number = f"{plain(self.number)}%" if self.is_percentage else plain(self.number)
        return self.bound + number


def money_text(number: Decimal) -> str:
    """With two decimals, or with as many as are printed where these are more."""
    exponent = number.as_tuple().exponent
    places = max(2, -exponent) if isinstance(exponent, int) else 2
    return f"{number:.{places}f}"


def money_value(text: str, conventions: Conventions = NO_CONVENTIONS) -> Normalized:
    """An amount with its currency; a limit, a choice or a range of amounts keeps its structure."""
    whole = _NO_DECIMALS.sub("", folded(text))
    found = _amounts(whole, conventions) or _amounts(
        number_words.with_digits(whole), conventions, only_money=True
    )
    if not found:
        is_none = _NONE.fullmatch(whole.strip())
        stated = Normalized("0.00", "0", (Decimal(0),), (NONE_STATED,))
        return stated if is_none else not_understood(text, "no amount in it")
    return _joined(whole, found)


def is_none_stated(text: str) -> bool:
    """Whether a text says that there is no fee or rate."""
    return bool(_NONE.fullmatch(text.strip()))


def _amounts(text: str, conventions: Conventions, *, only_money: bool = False) -> list[_Amount]:
    """The amounts of a text; numbers without a currency only where no amount has one."""
    found = [amount for match in _MONEY.finditer(text) if (amount := _amount(match, text, conventions))]
    printed = [amount for amount in found if amount.is_printed_as_money]
    return printed if only_money else printed or found


def _amount(match: re.Match[str], text: str, conventions: Conventions) -> _Amount | None:
    is_percentage = bool(match["percent"])
    parsed = parse_decimal(match["digits"], not is_percentage, conventions.decimal_mark)
    if parsed is None:
        return None
    factor = _factor(match, text)
    symbol = match["before"] or match["after"] or ("$" if match["cents"] else None)
    currency = currency_of(symbol, conventions.currency) if symbol else None
    unclear = (CURRENCY_UNCLEAR,) * (symbol is not None and currency is None)
    side = {"CR": (CREDIT,), "DR": (DEBIT,)}.get((match["side"] or "").upper(), ())
    is_dash = match["minus"] and not _has_minus(match, text)
    return _Amount(
        number=parsed.number * factor,
        currency=currency,
        is_percentage=is_percentage,
        bound=_bound(text[max(0, match.start() - _MAX_BEFORE) : match.start()], text[match.end() :]),
        other=None if parsed.other is None or match["scale"] else parsed.other * factor,
        flags=unclear + side,
        is_printed_as_money=bool(symbol) or is_percentage,
        start=match.end("minus") if is_dash else match.start(),
        end=match.end(),
    )


def _factor(match: re.Match[str], text: str) -> Decimal:
    """The sign, and what words such as `million` or `cents` make of the digits."""
    in_parentheses = (match["open"] or match["open2"]) and (match["close"] or match["close2"])
    is_credit = (match["side"] or "").upper() == "CR"
    is_negative = (
        _has_minus(match, text) or match["tail"] or is_credit or _is_loss(match, in_parentheses, text)
    )
    scale = " ".join((match["scale"] or "").casefold().split())
    scale = scale if len(scale) > 1 or match["before"] else ""  # the B of `Exhibit 5 B` is no billion
    scaled = Decimal(_SCALES.get(scale) or _SCALES.get(scale.removesuffix("s")) or 1)
    return scaled * (Decimal("0.01") if match["cents"] else 1) * (-1 if is_negative else 1)


def _is_loss(match: re.Match[str], in_parentheses: str | None, text: str) -> bool:
    """Whether parentheses mean a negative amount; those behind an amount in words repeat it."""
    before = text[max(0, match.start() - _MAX_BEFORE) : match.start()]
    return bool(in_parentheses) and not _AMOUNT_IN_WORDS.search(before)


def _bound(before: str, behind: str) -> str:
    """Whether an amount is the most or the least that there can be."""
    if _LIMIT.search(before):
        return "up to "
    return "at least " if _FLOOR.search(before) or _FLOOR_BEHIND.match(behind) else ""


def _has_minus(match: re.Match[str], text: str) -> bool:
    """Whether a minus belongs to the amount; behind an amount or a word it is a dash."""
    before_number = bool(match["minus"]) and not re.search(
        r"[\w%)]\s*$", text[max(0, match.start() - _MAX_BEFORE) : match.start()]
    )
    return before_number or bool(match["minus2"])


def _joined(text: str, found: list[_Amount]) -> Normalized:
    """One amount as it is; several joined the way in which the text joins them."""
    amounts = tuple(amount.number for amount in found)
    is_several = len(found) == 1 and re.match(r"(?:none|no|free)\b(?! (?:more|less))", text, re.IGNORECASE)
    flags = (AMBIGUOUS,) * any(amount.other is not None for amount in found) + (SEVERAL,) * bool(is_several)
    flags += tuple(dict.fromkeys(flag for amount in found for flag in amount.flags))
    if len(found) == 1:
        others = (found[0].other_written,) if found[0].other_written else ()
        return Normalized(found[0].written, found[0].key, amounts, flags, others)
    between = text[found[0].end : found[1].start]
    if len(found) == 2 and RANGE.fullmatch(between):
        joint = " to "
        found = [amount._replace(bound="") for amount in found]
    elif any(amount.bound == "at least " for amount in found):
        joint = ", "
    elif _CHOICE.search(text):
        joint = " or "
    else:
        return Normalized(found[0].written, found[0].key, amounts, (*flags, SEVERAL))
    value = joint.join(amount.written for amount in found)
    return Normalized(value, joint.join(amount.key for amount in found), amounts, flags)
