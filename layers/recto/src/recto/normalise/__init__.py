"""What a text says, in one form: dates, money, rates, lengths of time, names, addresses, identifiers.

A normaliser reads the words of a value and answers with a `Normalized`: the normal form, or None where
the text is not understood (a person then sees the text as it is printed), and what is known about it: other
readings, what is open, why there is none. Nothing is guessed silently. The text itself is never lost.
Not here: repair of OCR errors beyond look-alike digits in dates, models that rewrite text
(`NormalizerEndpoint`), any clock, any network.

One module per subject; `reading` has what they share.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import Final

from recto.normalise.date_spans import first_and_last_day
from recto.normalise.identifiers import KINDS, checksum_fault, normaliser_of
from recto.normalise.numbers import parse_decimal
from recto.normalise.reading import (
    MAX_TEXT,
    NO_CONVENTIONS,
    Certainty,
    Conventions,
    DateOrder,
    Normalized,
    Normalizer,
    text_value,
)


def _late(module: str) -> Normalizer:
    """The normaliser of a module that is imported when it is first used: patterns take time to compile."""
    place, function = module.split(":")

    def value_of(text: str, conventions: Conventions = NO_CONVENTIONS) -> Normalized:
        found: Normalizer = getattr(import_module(f"recto.normalise.{place}"), function)
        return found(text, conventions)

    return value_of


NORMALIZERS: Final[Mapping[str, Normalizer]] = {
    "text": text_value,
    "date": _late("dates:date_value"),
    "date_day_first": _late("dates:date_day_first_value"),
    "money": _late("money:money_value"),
    "percentage": _late("percentages:percentage_value"),
    "number": _late("numbers:number_value"),
    "duration": _late("durations:duration_value"),
    "address": _late("addresses:address_value"),
    "company": _late("names:company_value"),
    "person": _late("names:person_value"),
    "party": _late("parties:party_value"),
    "jurisdiction": _late("parties:jurisdiction_value"),
    "email": _late("identifiers:email_value"),
    "phone": _late("identifiers:phone_value"),
    "identifier": _late("identifiers:identifier_value"),
    **{kind: normaliser_of(kind) for kind in KINDS},
}
"""Normalisers by the name that a field's `Type` or `Normalizer` gives."""


def normalise(text: str, normalizer: str, conventions: Conventions = NO_CONVENTIONS) -> Normalized:
    """The text in the normal form that this normaliser gives; KeyError for a name nobody knows."""
    return NORMALIZERS[normalizer](text[:MAX_TEXT], conventions)


__all__ = [
    "KINDS",
    "NORMALIZERS",
    "NO_CONVENTIONS",
    "Certainty",
    "Conventions",
    "DateOrder",
    "Normalized",
    "Normalizer",
    "checksum_fault",
    "first_and_last_day",
    "normalise",
    "parse_decimal",
]
