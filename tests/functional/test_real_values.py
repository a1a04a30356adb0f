"""Values of real receipts and contracts as printed, against what people say that they are.

The printed mention is found by its parts (day, month and year near each other), not by the patterns of the
normalisers, so that what they do not know counts against them.
"""

import json
import re
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple

import pypdfium2
import pytest

from recto.normalise import Conventions, DateOrder, normalise
from recto.normalise.addresses import parse_address
from tests.contract.template import ROOT

RECEIPTS = ROOT.parent / "shared" / "data" / "sroie"
CONTRACTS = ROOT.parent / "shared" / "data" / "kleister-nda"
DAY_FIRST = Conventions(date_order=DateOrder.DMY)
RECEIPT_DATES = [
    "%d/%m/%Y",
    "%d-%m-%Y",
    "%d.%m.%Y",
    "%d/%m/%y",
    "%d-%m-%y",
    "%d.%m.%y",
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%Y%m%d",
    "%d%m%Y",
    "%d%b%Y",
    "%d%b%y",
    "%d-%b-%Y",
    "%d-%b-%y",
    "%d/%b/%Y",
    "%b%d,%Y",
    "%B%d,%Y",
    "%d%B%Y",
    "%m/%d/%Y",
    "%m/%d/%y",
]
MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
ORDINALS = [
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
    "sixteenth",
    "seventeenth",
    "eighteenth",
    "nineteenth",
    "twentieth",
    "twenty-first",
    "twenty-second",
    "twenty-third",
    "twenty-fourth",
    "twenty-fifth",
    "twenty-sixth",
    "twenty-seventh",
    "twenty-eighth",
    "twenty-ninth",
    "thirtieth",
    "thirty-first",
]
NUMBERS = {
    1: "one", 2: "two", 3: "three", 4: "four", 5: "five", 6: "six", 7: "seven", 8: "eight", 9: "nine",
    10: "ten", 12: "twelve", 15: "fifteen", 18: "eighteen", 20: "twenty", 24: "twenty-four", 30: "thirty",
    36: "thirty-six", 60: "sixty", 90: "ninety",
}  # fmt: skip


class Checked(NamedTuple):
    """One printed value, what it means, and what the normaliser makes of it."""

    text: str
    truth: str | None
    seen: str | None

    @property
    def is_right(self) -> bool:
        return self.seen == self.truth


def share_right(what: str, checked: list[Checked]) -> float:
    """Prints the share and some that are wrong; `pytest -s` shows them."""
    wrong = [one for one in checked if not one.is_right]
    share = 1 - len(wrong) / len(checked)
    print(f"{what}: {len(checked) - len(wrong)} of {len(checked)} right ({share:.1%}); wrong: {wrong[:5]}")  # noqa: T201
    return share


def receipt_values(name: str) -> Iterator[str]:
    if not RECEIPTS.exists():
        pytest.skip("../shared/data/sroie is not here")
    for line in (RECEIPTS / "truth.jsonl").read_text().splitlines():
        yield from json.loads(line)["fields"].get(name, ())


def written_date(text: str) -> str | None:
    """A receipt's date by strptime, the day first."""
    bare = re.sub(r"[\s'()]+", "", text)
    for form in RECEIPT_DATES:
        try:
            return datetime.strptime(bare, form).date().isoformat()  # noqa: DTZ007
        except ValueError:
            continue
    return None


def test_dates_of_receipts_are_understood() -> None:
    checked = [
        Checked(text, written_date(text), normalise(text, "date", DAY_FIRST).value)
        for text in receipt_values("date")
    ]

    assert len(checked) == 500
    assert share_right("dates of receipts", checked) >= 0.995


def test_totals_of_receipts_are_understood() -> None:
    checked = [
        Checked(text, str(Decimal(re.sub(r"[^\d.-]", "", text))), str(normalise(text, "money").amounts[0]))
        for text in receipt_values("total")
    ]

    assert share_right("totals of receipts", checked) >= 0.995


def test_postcodes_of_receipts_are_found_where_five_digits_are_printed() -> None:
    checked = [
        Checked(text, digits[-1], parse_address(text, "MY").postcode)
        for text in receipt_values("address")
        if (digits := re.findall(r"(?<!\w)\d{5}(?!\w)", text))
    ]

    assert share_right("postcodes of receipts", checked) >= 0.98


@cache
def contracts() -> tuple[tuple[str, dict[str, Any]], ...]:
    """The text of each contract, and what people say is in it."""
    if not CONTRACTS.exists():
        pytest.skip("../shared/data/kleister-nda is not here")
    entries = map(json.loads, (CONTRACTS / "truth.jsonl").read_text().splitlines())
    return tuple((_text_of(entry["id"]), entry["fields"]) for entry in entries)


def _text_of(name: str) -> str:
    document = pypdfium2.PdfDocument(CONTRACTS / "documents" / f"{name}.pdf")
    try:
        texts = []
        for number in range(len(document)):
            page = document[number]
            text_page = page.get_textpage()
            texts.append(text_page.get_text_range())
            text_page.close()
            page.close()
        return "\n".join(texts).replace("_", " ")
    finally:
        document.close()


def printed_date(text: str, iso: str) -> str | None:
    """The shortest stretch that has day, month and year of a date."""
    year, month, day = iso[:4], int(iso[5:7]), int(iso[8:])
    names = rf"(?:{MONTHS[month - 1]}|{MONTHS[month - 1][:3]}\.?)"
    days = rf"(?:0?{day}(?:\s?(?:st|nd|rd|th))?|{ORDINALS[day - 1]})"
    patterns = (
        rf"(?<!\w){days}(?!\d)[\s\S]{{0,25}}?{names}[\s\S]{{0,25}}?{year}(?!\d)",
        rf"(?<!\w){names}[\s\S]{{0,6}}?(?<!\d){days}(?!\d)[\s\S]{{0,12}}?{year}(?!\d)",
        rf"(?<!\d)0?{month}\s?[/.-]\s?0?{day}\s?[/.-]\s?(?:{year}|{year[2:]})(?!\d)",
    )
    found = [match[0] for pattern in patterns for match in re.finditer(pattern, text, re.IGNORECASE)]
    return min(found, key=len, default=None)


def printed_term(text: str, term: str) -> str | None:
    """A number, as digits or in words, and shortly behind it the unit."""
    count, unit = term.split()[:2]
    words = NUMBERS.get(int(count), count) if count.isdigit() else re.escape(count)
    pattern = rf"(?<![\w.])(?:{words}|{re.escape(count)})(?!\w)[\s\S]{{0,14}}?{unit.rstrip('s')}[\w()']*"
    match = re.search(pattern, text, re.IGNORECASE)
    return match[0] if match else None


def printed_name(text: str, name: str) -> str | None:
    """The letters of a name in their order, whatever stands between them."""
    letters = r"[\W_]*?".join(map(re.escape, re.findall(r"\w", name)))
    match = re.search(rf"(?<!\w){letters}\.?", text, re.IGNORECASE)
    return match[0] if match else None


def test_effective_dates_of_contracts_are_understood() -> None:
    checked = [
        Checked(printed, iso, normalise(printed, "date").value)
        for text, fields in contracts()
        for iso in fields.get("effective_date", ())
        if (printed := printed_date(text, iso))
    ]

    assert len(checked) > 160
    assert share_right("effective dates of contracts", checked) >= 0.98


def test_terms_of_contracts_are_understood() -> None:
    checked = [
        Checked(printed, normalise(term, "duration").key, normalise(printed, "duration").key)
        for text, fields in contracts()
        for term in fields.get("term", ())
        if (printed := printed_term(text, term))
    ]

    assert len(checked) > 65
    assert share_right("terms of contracts", checked) >= 0.97


def test_printed_parties_of_contracts_are_the_ones_that_people_name() -> None:
    checked = [
        Checked(printed, normalise(name, "company").key, normalise(printed, "company").key)
        for text, fields in contracts()
        for name in fields.get("party", ())
        if (printed := printed_name(text, name))
    ]

    assert len(checked) > 430
    assert share_right("parties of contracts", checked) >= 0.98
