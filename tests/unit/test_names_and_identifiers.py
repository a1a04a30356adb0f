"""Companies, persons, addresses, contacts and numbers with check digits."""

import pytest

from recto.normalise import (
    KINDS,
    Certainty,
    Conventions,
    checksum_fault,
    normalise,
)
from recto.normalise.addresses import Address, parse_address

NAMES = {
    ("company", "NIKE, INC., an Oregon corporation"): "Nike Inc.",
    ("company", "Kite Pharma, Inc."): "Kite Pharma Inc.",
    ("company", 'High Speed Net Solutions, Inc. ("HSNS")'): "High Speed Net Solutions Inc.",
    ("company", "Acme Holdings, L.L.C. doing business as Acme Pay"): "Acme Holdings LLC d/b/a Acme Pay",
    ("company", "C W KHOO HARDWARE SDN. BHD."): "C W Khoo Hardware Sdn Bhd",
    ("company", "ACME GMBH & CO. KG"): "Acme GmbH & Co. KG",
    ("company", "THE BANK OF NEW YORK"): "The Bank of NEW York",
    ("company", "IBM"): "IBM",
    ("company", "GARDENIA BAKERIES (KL) SDN BHD (139386 X)"): "Gardenia Bakeries (KL) Sdn Bhd",
    ("company", "Broadview Marketing Sdn Bhd(728384-M)"): "Broadview Marketing Sdn Bhd",
    ("company", "King's Confectionery S/B 273500-U (KSB)"): "King's Confectionery S/B",
    ("company", "Acme Ltd (Reg. No. 00123456)"): "Acme Ltd.",
    ("company", "Club 1872 Ltd"): "Club 1872 Ltd.",
    ("company", "Studio 54"): "Studio 54",
    ("company", "eBay"): "eBay",
    ("person", "SPRUNK, ERIC D."): "Eric D. Sprunk",
    ("person", "O'BRIEN, JOHN, JR."): "John O'Brien Jr.",
    ("person", "MCDONALD, R. J."): "R. J. McDonald",
    ("person", "Dr. Maher Albitar"): "Maher Albitar",
    ("email", "Mail: John.Doe @ Example .com."): "john.doe@example.com",
    ("phone", "+49 (0)30 123456"): "+4930123456",
    ("identifier", "Acct No: 12-345 678"): "12345678",
}


@pytest.mark.parametrize(("case", "value"), NAMES.items())
def test_a_name_or_contact_has_one_spelling(case: tuple[str, str], value: str) -> None:
    name, text = case

    assert normalise(text, name).value == value


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("NIKE, INC.", "Nike Inc"),
        ("Johnson and Johnson", "JOHNSON & JOHNSON"),
        ("Acme Corporation", "Acme Corp."),
    ],
)
def test_spellings_of_one_company_have_one_key(one: str, other: str) -> None:
    assert normalise(one, "company").key == normalise(other, "company").key


def test_companies_of_another_legal_form_are_others() -> None:
    assert normalise("Acme Inc.", "company").key != normalise("Acme LLC", "company").key


@pytest.mark.parametrize(
    ("text", "country", "address"),
    [
        (
            "One Bowerman Drive\nBeaverton, Oregon 97005-6453",
            None,
            Address(("One Bowerman Drive", "Beaverton", "Oregon 97005-6453"), "97005-6453", "Oregon", "US"),
        ),
        (
            "10 Downing Street, London SW1A 2AA",
            None,
            Address(("10 Downing Street", "London SW1A 2AA"), "SW1A 2AA", None, "GB"),
        ),
        (
            "Musterstr. 5, D-10115 Berlin, Germany",
            None,
            Address(("Musterstr. 5", "D-10115 Berlin", "Germany"), "10115", None, "DE"),
        ),
        (
            "NO 12 JALAN DEDAP 13, 81100 JOHOR BAHRU, JOHOR",
            "MY",
            Address(("NO 12 JALAN DEDAP 13", "81100 JOHOR BAHRU", "JOHOR"), "81100", "JOHOR", "MY"),
        ),
        ("somewhere", None, Address(("somewhere",))),
    ],
)
def test_an_address_has_the_parts_that_are_printed(text: str, country: str | None, address: Address) -> None:
    assert parse_address(text, country) == address


def test_an_address_without_a_postcode_is_partial_and_abbreviations_do_not_part_equal_ones() -> None:
    assert normalise("5 Main Street, Springfield", "address").certainty == Certainty.PARTIAL
    long, short = normalise("5 Main Street", "address"), normalise("5 Main St.", "address")
    assert long.key == short.key


def test_a_national_number_becomes_international_where_the_country_is_told() -> None:
    assert normalise("(212) 555-1234", "phone", Conventions(country="US")).value == "+12125551234"
    assert normalise("03-8961 2345", "phone", Conventions(country="MY")).value == "+60389612345"
    assert normalise("03-8961 2345", "phone")[0::3] == ("0389612345", ("no country code",))


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("iban", "IBAN: DE89 3704 0044 0532 0130 00"),
        ("bic", "DEUTDEFF500"),
        ("card_number", "4111 1111 1111 1111"),
        ("eu_vat", "VAT No. DE 136695976"),
        ("gb_vat", "GB980780684"),
        ("ch_uid", "CHE-100.155.212"),
        ("us_ein", "EIN 12-3456789"),
        ("us_routing_number", "111000025"),
        ("lei", "213800KUD8LAJWSQ9D15"),
        ("my_nric", "770305-02-1234"),
    ],
)
def test_a_valid_number_is_taken_without_its_spaces_and_label(kind: str, text: str) -> None:
    value = normalise(text, kind).value

    assert value
    assert checksum_fault(kind, value) == ""


def test_a_misread_character_breaks_the_checksum_and_the_message_says_so() -> None:
    fault = checksum_fault("iban", "DE89 3704 0044 0532 0130 01")

    assert "not a valid IBAN: its check digits do not fit, so a character may be misread" in fault


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_has_its_checksum(kind: str) -> None:
    assert checksum_fault(kind, "x")
    assert normalise("x", kind).value is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Sears, Roebuck & Co", "Sears Roebuck and Co."),
        ("(Peter H. Kesser)", "Peter H. Kesser"),
        ("/s/ Richard Harcke", "Richard Harcke"),
        ("Progress Software Corporation,", "Progress Software Corporation"),
        ("Kite Pharma, Inc., a Delaware corporation", "Kite Pharma Inc."),
        ("VistaPrint USA, Incorporated", "VistaPrint USA Inc."),
        ("R. J. Seifert Enterprises.", "R. J. Seifert Enterprises"),
        (
            "Open Joint Stock Company “Vimpel-Communications”",
            "Open Joint Stock Company “Vimpel-Communications”",
        ),
        ("Roundy’s, Inc.", "Roundy’s Inc."),
    ],
)
def test_a_party_is_spelled_as_registers_do_whether_company_or_person(text: str, value: str) -> None:
    assert normalise(text, "party").value == value


def test_a_party_is_the_same_with_its_legal_form_in_full_or_short() -> None:
    one, other = (normalise(text, "party").key for text in ("Exar Corporation", "EXAR CORP."))

    assert one == other


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("the State of New York.", "New York"),
        ("Delaware.", "Delaware"),
        ("Commonwealth of Massachusetts,", "Massachusetts"),
        ("laws of the State of California", "California"),
        ("U.S.A.", "U.S.A."),
    ],
)
def test_a_jurisdiction_loses_what_introduces_it(text: str, value: str) -> None:
    assert normalise(text, "jurisdiction").value == value


@pytest.mark.parametrize("kind", ["party", "jurisdiction"])
@pytest.mark.parametrize("text", ["", ",", "12 (3)", "&"])
def test_marks_and_numbers_name_no_party_and_no_jurisdiction(kind: str, text: str) -> None:
    assert normalise(text, kind).value is None
