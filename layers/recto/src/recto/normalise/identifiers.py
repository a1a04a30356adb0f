"""Numbers that name something: IBAN, VAT, card, tax and bank numbers, by python-stdnum; phone, e-mail.

A normaliser brings one into the form in which it is written without spaces. Whether its checksum is right
is the business of the validator `checksum`. python-stdnum has a module per kind; each is imported when a
value of its kind is looked at, none at start.
"""

import re
from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final, NamedTuple

from recto.normalise.reading import (
    NO_CONVENTIONS,
    NO_COUNTRY_CODE,
    Conventions,
    Normalized,
    Normalizer,
    folded,
    not_understood,
)


class _Kind(NamedTuple):
    module: str
    shape: re.Pattern[str]
    """Of the compact form."""


def _kind(module: str, shape: str) -> _Kind:
    return _Kind(module, re.compile(shape))


KINDS: Final[Mapping[str, _Kind]] = {
    "iban": _kind("iban", r"[A-Z]{2}[A-Z0-9]{13,32}"),
    "bic": _kind("bic", r"[A-Z0-9]{8}(?:[A-Z0-9]{3})?"),
    "lei": _kind("lei", r"[A-Z0-9]{20}"),
    "isin": _kind("isin", r"[A-Z0-9]{12}"),
    "card_number": _kind("luhn", r"\d{12,19}"),
    "eu_vat": _kind("eu.vat", r"[A-Z]{2}[A-Z0-9+*]{2,13}"),
    "gb_vat": _kind("gb.vat", r"(?:GB)?(?:\d{9}|\d{12}|(?:GD|HA)\d{3})"),
    "ch_uid": _kind("ch.uid", r"CHE\d{9}(?:MWST|TVA|IVA)?"),
    "us_ein": _kind("us.ein", r"\d{9}"),
    "us_ssn": _kind("us.ssn", r"\d{9}"),
    "us_tin": _kind("us.tin", r"\d{9}"),
    "us_routing_number": _kind("us.rtn", r"\d{9}"),
    "de_tax_id": _kind("de.idnr", r"\d{11}"),
    "gb_utr": _kind("gb.utr", r"\d{10}"),
    "in_gstin": _kind("in_.gstin", r"[A-Z0-9]{15}"),
    "in_pan": _kind("in_.pan", r"[A-Z0-9]{10}"),
    "my_nric": _kind("my.nric", r"\d{12}"),
    "au_abn": _kind("au.abn", r"\d{11}"),
}
"""Kinds of identifiers by the name that a field's Normalizer, or the validator `checksum`, gives."""

_LABEL: Final = re.compile(
    r"^\W*(?:(?:iban|bic|swift|lei|isin|ein|ssn|tin|vat|ust|uid|abn|gstin|pan|nric|utr|tax|id|ident|nr|no|number|code|reg|card|account|acct|routing|aba)\b[.\s:#/-]*)+",
    re.IGNORECASE,
)
_SEPARATORS: Final = re.compile(r"[\s.\-/]+")
_EMAIL: Final = re.compile(r"[\w.+%'-]{1,64}\s?@\s?[\w-]+(?:\s?\.\s?[\w-]+)+")
_PHONE: Final = re.compile(r"(?<![\w.])(?P<plus>\+|00)?[\s(]*\d(?:[\s()./-]{0,3}\d){5,16}(?!\d)")
_CALLING_CODES: Final[Mapping[str, str]] = {
    "US": "1", "CA": "1", "GB": "44", "IE": "353", "DE": "49", "AT": "43", "CH": "41", "FR": "33",
    "NL": "31", "BE": "32", "ES": "34", "IT": "39", "PT": "351", "SE": "46", "NO": "47", "DK": "45",
    "FI": "358", "PL": "48", "MY": "60", "SG": "65", "IN": "91", "AU": "61", "NZ": "64", "BR": "55",
    "MX": "52", "JP": "81", "CN": "86", "ZA": "27",
}  # fmt: skip
_KEEPS_ITS_ZERO: Final = frozenset({"IT"})


def compact(text: str) -> str:
    """Capitals and digits without separators and without the label in front."""
    plain = _LABEL.sub("", folded(text)) or folded(text)
    return _SEPARATORS.sub("", plain).strip(",;:*#()\"'").upper()


def identifier_value(text: str, _: Conventions = NO_CONVENTIONS) -> Normalized:
    """Any number or code, without separators."""
    value = compact(text)
    return Normalized(value, value) if value and any(map(str.isalnum, value)) else not_understood(text)


def normaliser_of(kind: str) -> Normalizer:
    """The normaliser for identifiers of a kind."""

    def value_of(text: str, _: Conventions = NO_CONVENTIONS) -> Normalized:
        value = compact(text)
        if not KINDS[kind].shape.fullmatch(value):
            return not_understood(text, f"not the shape of {_spoken(kind)}")
        return Normalized(value, value)

    return value_of


def checksum_fault(kind: str, value: str) -> str:
    """What is wrong with an identifier of a kind, in words; empty for nothing."""
    try:
        checked: Any = import_module(f"stdnum.{KINDS[kind].module}")
        checked.validate(compact(value))
    except ValueError as error:  # the base of all that python-stdnum raises
        return f"{value!r} is not {_spoken(kind)}: {_REASONS.get(type(error).__name__, 'it is not valid')}"
    return ""


_REASONS: Final[Mapping[str, str]] = {
    "InvalidFormat": "it is not written like one",
    "InvalidChecksum": "its check digits do not fit, so a character may be misread",
    "InvalidLength": "it has too many or too few characters",
    "InvalidComponent": "a part of it (country, bank, office) does not exist",
}


def _spoken(kind: str) -> str:
    return f"a valid {_SPOKEN.get(kind) or kind.replace('_', ' ').upper()}"


_SPOKEN: Final[Mapping[str, str]] = {
    "card_number": "card number",
    "eu_vat": "EU VAT number",
    "gb_vat": "British VAT number",
    "us_routing_number": "US routing number",
    "de_tax_id": "German tax number",
    "my_nric": "Malaysian identity number",
}


def email_value(text: str, _: Conventions = NO_CONVENTIONS) -> Normalized:
    """The first e-mail address, in small letters."""
    match = _EMAIL.search(folded(text))
    if match is None:
        return not_understood(text, "no e-mail address in it")
    value = re.sub(r"\s", "", match[0]).casefold().strip(".'")
    return Normalized(value, value)


def phone_value(text: str, conventions: Conventions = NO_CONVENTIONS) -> Normalized:
    """The first telephone number as `+60312345678`; as digits where no country is known."""
    match = _PHONE.search(re.sub(r"\(0\)", "", folded(text)))
    if match is None:
        return not_understood(text, "no telephone number in it")
    digits = "".join(
        str(int(mark)) for mark in match[0].removeprefix(match["plus"] or "") if mark.isdecimal()
    )
    if not match["plus"]:
        code = _CALLING_CODES.get(conventions.country or "")
        if code is None:
            return Normalized(digits, digits.lstrip("0"), flags=(NO_COUNTRY_CODE,))
        digits = _international(digits, code, conventions.country or "")
    if not 7 <= len(digits) <= 15:
        return not_understood(text, f"{len(digits)} digits are no telephone number")
    return Normalized(f"+{digits}", digits)


def _international(digits: str, code: str, country: str) -> str:
    if code == "1" and len(digits) == 11 and digits.startswith("1"):
        return digits
    return code + (digits if country in _KEEPS_ITS_ZERO else digits.removeprefix("0"))
