"""What a text says, in one form: dates, money, rates, lengths of time, names, addresses, identifiers.

A normaliser reads the words of a value and answers with a `Normalized`: the normal form, or None where
the text is not understood (a person then sees the text as it is printed), and what is known about it: other
readings, what is open, why there is none. Nothing is guessed silently. The text itself is never lost.
Not here: repair of OCR errors beyond look-alike digits in dates, models that rewrite text
(`NormalizerEndpoint`), any clock, any network.

One module per subject; `reading` has what they share.
"""

from collections.abc import Mapping
from typing import Final

from recto.normalise.addresses import Address, address_value, parse_address
from recto.normalise.dates import date_day_first_value, date_value, first_and_last_day
from recto.normalise.durations import duration_value
from recto.normalise.identifiers import (
    KINDS,
    checksum_fault,
    email_value,
    identifier_value,
    normaliser_of,
    phone_value,
)
from recto.normalise.money import money_value
from recto.normalise.names import company_value, person_value
from recto.normalise.numbers import number_value, parse_decimal
from recto.normalise.percentages import Rate, percentage_value, rates_in
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

NORMALIZERS: Final[Mapping[str, Normalizer]] = {
    "text": text_value,
    "date": date_value,
    "date_day_first": date_day_first_value,
    "money": money_value,
    "percentage": percentage_value,
    "number": number_value,
    "duration": duration_value,
    "address": address_value,
    "company": company_value,
    "person": person_value,
    "email": email_value,
    "phone": phone_value,
    "identifier": identifier_value,
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
    "Address",
    "Certainty",
    "Conventions",
    "DateOrder",
    "Normalized",
    "Normalizer",
    "Rate",
    "checksum_fault",
    "first_and_last_day",
    "normalise",
    "parse_address",
    "parse_decimal",
    "rates_in",
]
