"""How currencies are printed: ISO codes, symbols, words. What an amount is, is in `recto.normalise.money`."""

import re
from collections.abc import Mapping
from typing import Final

_CODE_LIST: Final = (
    "AED ARS AUD BDT BGN BHD BRL CAD CHF CLP CNY COP CZK DKK EGP EUR GBP HKD HUF IDR ILS INR ISK JOD JPY KES "
    "KRW KWD LKR MXN MYR NGN NOK NPR NZD OMR PHP PKR PLN QAR RON RSD RUB SAR SEK SGD THB TND TWD UAH USD UYU "
    "VND ZAR"
)
_WORD_CODES: Final = "ALL CUP GEL MAD PEN TOP TRY"
"""Codes that are words: only in capitals."""
CODES: Final = frozenset((*_CODE_LIST.split(), *_WORD_CODES.split()))
SYMBOLS: Final[Mapping[str, str]] = {
    "us$": "USD", "u.s.$": "USD", "u.s. $": "USD", "$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY",
    "₹": "INR", "rm": "MYR", "ca$": "CAD", "c$": "CAD", "a$": "AUD", "au$": "AUD", "s$": "SGD",
    "hk$": "HKD", "nz$": "NZD", "nt$": "TWD", "mx$": "MXN", "r$": "BRL", "cn¥": "CNY", "rmb": "CNY",
    "₩": "KRW", "₽": "RUB", "₪": "ILS", "₫": "VND", "฿": "THB", "₱": "PHP", "₺": "TRY", "₦": "NGN",
    "₴": "UAH", "zł": "PLN", "kč": "CZK", "rp": "IDR", "rp.": "IDR", "fr.": "CHF", "sfr.": "CHF",
    "sfr": "CHF", "rs": "INR", "rs.": "INR", "dhs": "AED", "dhs.": "AED", "lei": "RON", "euro": "EUR",
    "euros": "EUR", "dollar": "USD", "dollars": "USD", "pound": "GBP", "pounds": "GBP", "ringgit": "MYR",
    "rupee": "INR", "rupees": "INR", "yen": "JPY", "yuan": "CNY", "zloty": "PLN", "rand": "ZAR",
    "baht": "THB",
}  # fmt: skip
"""What a printed currency means, in lower case."""
SEVERAL_COUNTRIES: Final = frozenset(
    {"kr", "kr.", "kroner", "kronor", "krona", "krone", "peso", "pesos", "francs", "franc", "dinar", "dinars"}
)
"""Currencies of several countries: which one, only the field's Currency can say."""
OPEN_SYMBOLS: Final = frozenset(
    {"$", "dollar", "dollars", "¥", "rs", "rs.", "rupee", "rupees", "£", "pound", "pounds"}
)
"""Read as the commonest currency, unless the field's Currency says another."""


def _pattern() -> str:
    printed = sorted((*SYMBOLS, *SEVERAL_COUNTRIES), key=len, reverse=True)
    words = "|".join(map(re.escape, printed))
    codes = "|".join(sorted(_CODE_LIST.split()))
    return rf"(?:{codes}|(?-i:{'|'.join(_WORD_CODES.split())}|Ft)|{words})"


CURRENCY: Final = _pattern()
"""A pattern for any printed currency; to be compiled with IGNORECASE."""


def currency_of(printed: str, own: str | None) -> str | None:
    """The ISO code of a printed currency; None where it is one of several. `own` is the field's currency."""
    plain = printed.casefold()
    if printed.upper() in CODES:
        return printed.upper()
    if printed == "Ft":
        return "HUF"
    if own and (plain in OPEN_SYMBOLS or plain in SEVERAL_COUNTRIES):
        return own
    return SYMBOLS.get(plain)
