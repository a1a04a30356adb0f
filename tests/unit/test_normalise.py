import time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recto.normalise import NORMALIZERS, normalise, parse_decimal

DATES = {
    "July 1, 2020": "2020-07-01",
    "JULY 1 2020": "2020-07-01",
    "Jul. 1st, 2020": "2020-07-01",
    "1 July 2020": "2020-07-01",
    "1st day of July, 2020": "2020-07-01",
    "1 de julio de 2020": "2020-07-01",
    "1. März 2020": "2020-03-01",
    "07/14/2020": "2020-07-14",
    "14/07/2020": "2020-07-14",
    "7-14-20": "2020-07-14",
    "14.07.2020": "2020-07-14",
    "2020-07-14": "2020-07-14",
    "2020/7/14": "2020-07-14",
    "20200714": "2020-07-14",
    "2020-07-14T10:00:00Z": "2020-07-14",
    "25/12/2018 8:13:39 PM": "2018-12-25",
    "12-JAN-19": "2019-01-12",
    "12JAN2019": "2019-01-12",
    "July 2020": "2020-07",
    "(07/2020)": "2020-07",
    "Dated as of July 1,\n2020": "2020-07-01",
}
MONEY = {
    "$25": "25.00 USD",
    "$ 25.00": "25.00 USD",
    "US$1,234.56": "1234.56 USD",
    "USD 1,000": "1000.00 USD",
    "1.234,56 €": "1234.56 EUR",
    "EUR 12,50": "12.50 EUR",
    "1 234,56 €": "1234.56 EUR",
    "£5": "5.00 GBP",
    "RM 9.00": "9.00 MYR",
    "9.00": "9.00",
    "-$5": "-5.00 USD",
    "($12.50)": "-12.50 USD",
    "25.00-": "-25.00",
    "Up to $25": "up to 25.00 USD",
    "up to\n$1,234.56": "up to 1234.56 USD",
    "$5 - $10": "5.00 USD to 10.00 USD",
    "$5 to $10": "5.00 USD to 10.00 USD",
    "$5 up to $10": "5.00 USD to 10.00 USD",
    "3% of the amount, minimum $10": "3%, at least 10.00 USD",
    "3% of each balance ($ 10 minimum)": "3%, at least 10.00 USD",
    "no less than $0.50": "at least 0.50 USD",
    "as much as $39": "up to 39.00 USD",
    "Either $5 or 3% of the amount, whichever is greater": "5.00 USD or 3%",
    "3% of the US dollar amount": "3%",
    "None": "0.00",
    "no annual fee": "0.00",
}
PERCENTAGES = {
    "9.99%": "9.99%",
    "9.90 %": "9.9%",
    "9,99 %": "9.99%",
    "9.99 percent": "9.99%",
    "9.99": "9.99%",
    "-0.5%": "-0.5%",
    "Prime + 9.99%": "Prime + 9.99%",
    "U.S. Prime Rate plus 9.99%": "Prime + 9.99%",
    "Prime Rate (3.25%) + 9.99%": "Prime + 9.99%",
    "Prime Rate* plus a margin of 9.99%": "Prime + 9.99%",
    "9.99% up to 19.99%": "9.99% to 19.99%",
    "SOFR - 0.25%": "SOFR - 0.25%",
    "14.99% to 24.99%": "14.99% to 24.99%",
    "14.99%-24.99%": "14.99% to 24.99%",
    "9.74% , 10.74%, 11.74%": "9.74%, 10.74%, 11.74%",
    "0% for the first 6 months": "0% for 6 months",
    "9.99% introductory APR for 12 billing cycles": "9.99% for 12 billing cycles",
    "None": "0%",
}
NUMBERS = {
    "1,234": "1234",
    "1,234.5": "1234.5",
    "1.234,5": "1234.5",
    "1.234.567": "1234567",
    "1,5": "1.5",
    "0.123": "0.123",
    "1'234.56": "1234.56",
    "(12.50)": "-12.50",
    "7 years": "7",
}
CASES = [
    *(("date", text, value) for text, value in DATES.items()),
    *(("money", text, value) for text, value in MONEY.items()),
    *(("percentage", text, value) for text, value in PERCENTAGES.items()),
    *(("number", text, value) for text, value in NUMBERS.items()),
    ("text", " Visa\n Gold  Card, ", "Visa Gold Card"),
    ("text", "Acme\u2019s \ufb01ne", "Acme's fine"),
]


@pytest.mark.parametrize(("name", "text", "value"), CASES)
def test_common_american_and_european_forms_are_understood(name: str, text: str, value: str) -> None:
    assert normalise(text, name).value == value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("date", "2020-02-30"),
        ("date", "May I help"),
        ("date", "13/13/2020"),
        ("money", "see the table"),
        ("percentage", "Prime"),
        ("number", "seven"),
        ("text", "  "),
    ],
)
def test_what_is_not_understood_has_no_value(name: str, text: str) -> None:
    assert normalise(text, name).value is None


def test_the_month_comes_first_where_both_readings_exist_and_that_is_said() -> None:
    american = normalise("03/04/2019", "date")
    european = normalise("03/04/2019", "date_day_first")

    assert (american.value, american.flags) == ("2019-03-04", ("ambiguous",))
    assert american.alternatives == ("2019-04-03",)
    assert (european.value, european.flags) == ("2019-04-03", ())
    assert normalise("03/14/2019", "date").flags == ()
    assert normalise("03.04.2019", "date").value == "2019-04-03"


@pytest.mark.parametrize(("digits", "year"), [("69", 2069), ("70", 1970), ("99", 1999), ("00", 2000)])
def test_two_digit_years_turn_at_70(digits: str, year: int) -> None:
    normalized = normalise(f"July 14, {digits}", "date")

    assert normalized.value == f"{year}-07-14"
    assert "two-digit year" in normalized.flags


def test_no_fee_is_an_amount_of_zero_and_flagged_as_stated_so() -> None:
    normalized = normalise("None", "money")

    assert normalized.amounts == (Decimal(0),)
    assert normalized.flags == ("none stated",)


def test_several_dates_or_amounts_take_the_first_and_say_so() -> None:
    assert normalise("July 1, 2020 until August 1, 2021", "date")[0::3] == ("2020-07-01", ("several",))
    assert normalise("$5 then $7", "money")[0::3] == ("5.00 USD", ("several",))


def test_one_separator_before_three_digits_is_flagged() -> None:
    assert normalise("1.234", "number").flags == ("ambiguous",)
    assert normalise("1.234 €", "money").value == "1234.00 EUR"


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("text", "Visa\u00ae Gold", "VISA gold"),
        ("date", "July 1, 2020", "2020-07-01"),
        ("money", "$25", "25.00"),
        ("percentage", "3.00%", "3%"),
        ("number", "1,000", "1000"),
    ],
)
def test_texts_that_say_the_same_have_one_key(name: str, one: str, other: str) -> None:
    assert normalise(one, name).key == normalise(other, name).key


def test_punctuation_between_digits_keeps_texts_apart() -> None:
    assert normalise("Version 1.5", "text").key != normalise("Version 15", "text").key


@given(st.text(max_size=80), st.sampled_from(sorted(NORMALIZERS)))
def test_no_text_breaks_a_normaliser(text: str, name: str) -> None:
    normalized = normalise(text, name)

    assert normalized.value is None or normalized.value.strip()


@given(
    st.text(alphabet="0123456789.,-+()%$ €PrimeupotJuly/", max_size=40), st.sampled_from(sorted(NORMALIZERS))
)
def test_no_mixture_of_digits_and_signs_breaks_a_normaliser(text: str, name: str) -> None:
    normalise(text, name)


@pytest.mark.parametrize("name", sorted(NORMALIZERS))
@pytest.mark.parametrize("piece", ["1", "1,", "1 ", "$1 ", "1/", "no ", "prime ", "1% ", "( ", "may 1 "])
def test_a_long_text_is_read_in_no_time(name: str, piece: str) -> None:
    started = time.process_time()

    normalise(piece * 3000, name)

    assert time.process_time() - started < 2


@given(st.dates())
def test_every_iso_date_is_itself(day: object) -> None:
    assert normalise(str(day), "date").value == str(day)


@given(st.decimals(0, 10**9, places=2))
def test_an_amount_means_the_same_in_american_and_european_writing(amount: Decimal) -> None:
    american = f"{amount:,.2f}"
    european = american.translate(str.maketrans(",.", ".,"))

    for digits in (american, european):
        parsed = parse_decimal(digits)
        assert parsed is not None
        assert parsed.number == amount
