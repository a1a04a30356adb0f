"""Money, rates, numbers and lengths of time: conventions, what is open, structure."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recto.normalise import Certainty, Conventions, normalise
from recto.normalise.percentages import Rate, rates_in

MONEY = {
    "RM 1,234.50": "1234.50 MYR",
    "Rs. 1,23,456.00": "123456.00 INR",
    "1.234,50 zł": "1234.50 PLN",
    "CHF 1'234.50": "1234.50 CHF",
    "CHF 1’234.50": "1234.50 CHF",
    "Fr. 12.–": "12.00 CHF",
    "R$ 1.234,56": "1234.56 BRL",
    "1\u00a0234\u00a0567,89 €": "1234567.89 EUR",
    "12.345.678,90 €": "12345678.90 EUR",
    "(1,234.50)": "-1234.50",
    "($ 25.00)": "-25.00 USD",
    "12.50 CR": "-12.50",
    "12.50DR": "12.50",
    "$1.5 million": "1500000.00 USD",
    "$12k": "12000.00 USD",
    "Rs 5 lakh": "500000.00 INR",
    "50¢": "0.50 USD",
    "50 cents": "0.50 USD",
    "$25¹": "25.00 USD",
    "five hundred dollars ($500.00)": "500.00 USD",
    "five hundred dollars": "500.00 USD",
    "between $5 and $10": "5.00 USD to 10.00 USD",
    "either $10 or 5%": "10.00 USD or 5%",
    "up to $38": "up to 38.00 USD",
    "25 ft": "25.00",
    "Net loss (25.00)": "-25.00",
    "Exhibit 5 B": "5.00",
}
PERCENTAGES = {
    "0% intro for 12 months, then 14.24%-23.24%": "0% for 12 months, then 14.24% to 23.24%",
    "14.24 - 23.24%": "14.24% to 23.24%",
    "9.74% and 10.74%": "9.74%, 10.74%",
    "between 3% and 5%": "3% to 5%",
    "25 basis points": "0.25%",
    "Prime plus 250 bps": "Prime + 2.5%",
    "Prime Rate + 9.99% to 19.99%": "Prime + 9.99% to 19.99%",
    "29.70% (20.57% above Prime)": "29.7%, Prime + 20.57%",
    "the index plus 7.35 percentage points": "Index + 7.35%",
    "nine percent": "9%",
    "9.999%": "9.999%",
}
DURATIONS = {
    "7 years": "7 years",
    "thirty (30) days": "30 days",
    "two (2) years and six (6) months": "2 years 6 months",
    "a two-year term": "2 years",
    "18-month period": "18 months",
    "one hundred eighty (180) days": "180 days",
    "the fifth anniversary": "5 years",
    "1 1/2 years": "1.5 years",
    "1½ years": "1.5 years",
    "two and a half years": "2.5 years",
    "half a year": "0.5 years",
    "P1Y6M": "1 year 6 months",
    "in perpetuity": "indefinite",
}
CASES = [
    *(("money", text, value) for text, value in MONEY.items()),
    *(("percentage", text, value) for text, value in PERCENTAGES.items()),
    *(("duration", text, value) for text, value in DURATIONS.items()),
]


@pytest.mark.parametrize(("name", "text", "value"), CASES)
def test_an_amount_is_understood_with_nothing_left_open(name: str, text: str, value: str) -> None:
    normalized = normalise(text, name)

    assert (normalized.value, normalized.certainty) == (value, Certainty.EXACT)


@pytest.mark.parametrize(
    ("name", "text", "value", "other"),
    [
        ("money", "1.234", "1234.00", "1.234"),
        ("money", "1.234 €", "1234.00 EUR", "1.234 EUR"),
        ("number", "1,234", "1234", "1.234"),
        ("number", "1.234", "1.234", "1234"),
        ("number", "-1,234", "-1234", "-1.234"),
        ("duration", "three (5) years", "5 years", "3 years"),
    ],
)
def test_two_readings_are_told(name: str, text: str, value: str, other: str) -> None:
    normalized = normalise(text, name)

    assert (normalized.value, normalized.alternatives) == (value, (other,))
    assert normalized.certainty == Certainty.AMBIGUOUS


@pytest.mark.parametrize(
    ("name", "text", "mark", "value"),
    [
        ("number", "1,234", ".", "1234"),
        ("number", "1,234", ",", "1.234"),
        ("number", "1.234", ",", "1234"),
        ("money", "1.234", ",", "1234.00"),
        ("money", "1.234", ".", "1.234"),
        ("number", "12,50", ".", "12.50"),
        ("number", "1,23,456.5", ".", "123456.5"),
    ],
)
def test_the_fields_decimal_mark_decides_where_it_can(name: str, text: str, mark: str, value: str) -> None:
    normalized = normalise(text, name, Conventions(decimal_mark=mark))

    assert (normalized.value, normalized.alternatives) == (value, ())


def test_the_fields_currency_says_what_an_open_symbol_means() -> None:
    assert normalise("$5", "money", Conventions(currency="CAD")).value == "5.00 CAD"
    assert normalise("US$5", "money", Conventions(currency="CAD")).value == "5.00 USD"
    assert normalise("kr 5", "money", Conventions(currency="SEK")).value == "5.00 SEK"
    assert normalise("kr 5", "money")[0::3] == ("5.00", ("currency unclear",))


def test_a_rate_keeps_its_parts() -> None:
    rates = rates_in("0% intro for 12 months, then Prime + 14.24% to 23.24%")

    assert rates == (
        Rate(Decimal(0), period="12 months"),
        Rate(Decimal("14.24"), Decimal("23.24"), base="Prime"),
    )


def test_lengths_of_time_that_are_equal_have_one_key() -> None:
    assert normalise("24 months", "duration").key == normalise("two (2) years", "duration").key
    assert normalise("30 days", "duration").key != normalise("1 month", "duration").key


MARKS = [",.", ".,", " ,", "'."]
SYMBOLS = ["$", "€", "£", "RM", "CHF ", "USD ", "Rs. ", ""]


@given(
    st.decimals(Decimal("0.01"), 10**9, places=2),
    st.sampled_from(SYMBOLS),
    st.sampled_from(MARKS),
)
def test_an_amount_in_any_writing_comes_back(amount: Decimal, symbol: str, marks: str) -> None:
    digits = f"{amount:,.2f}".translate(str.maketrans(",.", marks))

    normalized = normalise(f"{symbol}{digits}", "money")

    assert normalized.amounts == (amount,)


@given(st.decimals(0, 99, places=2), st.decimals(0, 99, places=2))
def test_a_range_of_rates_comes_back(low: Decimal, high: Decimal) -> None:
    assert rates_in(f"{low}% to {high}%") == (Rate(low, high),)
    assert rates_in(f"Prime + {low}%") == (Rate(low, base="Prime"),)


@given(st.integers(1, 999), st.sampled_from(["day", "week", "month", "year"]))
def test_a_length_of_time_comes_back(count: int, unit: str) -> None:
    text = f"{count} {unit}{'s' * (count != 1)}"

    assert normalise(f"for a period of {text}.", "duration").value == text
