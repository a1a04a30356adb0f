"""Dates: what is written, in which order, what is open, what cannot be."""

from datetime import date

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from recto.normalise import Certainty, Conventions, DateOrder, first_and_last_day, normalise

EXACT = {
    "the 3rd day of March, 2019": "2019-03-03",
    "third day of March, two thousand nineteen": "2019-03-03",
    "this twenty-first (21st) day of June, nineteen hundred and ninety-nine": "1999-06-21",
    "Mar. 3rd 2019": "2019-03-03",
    "3-Mar-19": "2019-03-03",
    "December 9 th , 2014": "2014-12-09",
    "Wednesday, 5th of May 2018": "2018-05-05",
    "01-JAN-19 12:30 PM": "2019-01-01",
    "25/12/2018T10:00": "2018-12-25",
    "Date25/12/2018": "2018-12-25",
    "２０１８／０３／０５": "2018-03-05",
    "25032018": "2018-03-25",
    "25 12 2018": "2018-12-25",
    "15 Mac 2018": "2018-03-15",
    "31 Ogos 2018": "2018-08-31",
    "5 de mayo de 2018": "2018-05-05",
    "3. Juni 2018": "2018-06-03",
    "1er février 2019": "2019-02-01",
    "4 maart 2019": "2019-03-04",
    "2018年3月5日": "2018-03-05",
    "Jan-24-2026": "2026-01-24",
    "Sept/9/2001": "2001-09-09",
    "2033-Dec-16": "2033-12-16",
    "2011 March 12th": "2011-03-12",
    "2026, January 24": "2026-01-24",
    "Dated3 March 2012": "2012-03-03",
    "12 March 2011 March 13": "2011-03-12",
}
PARTIAL = {
    "March 2019": "2019-03",
    "as of __ day of May, 2018": "2018-05",
    "12/2018": "2018-12",
    "2018-12": "2018-12",
    "Mar-19": "2019-03",
    "Q1 2019": "2019-Q1",
    "1Q19": "2019-Q1",
    "third quarter of 2019": "2019-Q3",
    "2019": "2019",
    "FY2020": "2020",
    "Jan-24": "2024-01",
    "Mar-19-Apr": "2019-03",
    "l1 March 2012": "2012-03",
}
MISREAD = {
    "l2/O1/2018": ("2018-12-01", ("2018-01-12",)),
    "l5/01/2018": ("2018-01-15", ()),
    "25/01/20I8": ("2018-01-25", ()),
    "2018/O1/O5": ("2018-01-05", ()),
    "0ct 5, 2018": ("2018-10-05", ()),
    "20l1 March 12": ("2011-03-12", ()),
    "2OI1 March 12": ("2011-03-12", ()),
    "20II-March-12": ("2011-03-12", ()),
    "2011 March 1l": ("2011-03-11", ()),
    "Mar-24-2O26": ("2026-03-24", ()),
}


@pytest.mark.parametrize(("text", "iso"), EXACT.items())
def test_a_whole_date_is_exact(text: str, iso: str) -> None:
    normalized = normalise(text, "date")

    assert (normalized.value, normalized.certainty) == (iso, Certainty.EXACT)


@pytest.mark.parametrize(("text", "iso"), PARTIAL.items())
def test_a_date_without_its_day_stays_as_open_as_it_is(text: str, iso: str) -> None:
    normalized = normalise(text, "date")

    assert (normalized.value, normalized.certainty) == (iso, Certainty.PARTIAL)


@pytest.mark.parametrize(("text", "reading"), MISREAD.items())
def test_letters_are_read_as_digits_only_aloud(text: str, reading: tuple[str, tuple[str, ...]]) -> None:
    normalized = normalise(text, "date")

    assert (normalized.value, normalized.alternatives) == reading
    assert "look-alikes read" in normalized.flags
    assert normalized.certainty == Certainty.AMBIGUOUS


IMPOSSIBLE = (
    "30/02/2018", "2018-13-01", "31 février 2019", "32/01/2018", "00/00/2018", "Feb-31-2030", "2030-Feb-31",
)  # fmt: skip


@pytest.mark.parametrize("text", IMPOSSIBLE)
def test_a_day_that_does_not_exist_is_refused_and_named(text: str) -> None:
    normalized = normalise(text, "date")

    assert normalized.certainty == Certainty.UNREADABLE
    assert text in normalized.reason


@pytest.mark.parametrize("text", ["March 15", "soon", "1/2/3", "version 2019 of the form", "555-1234"])
def test_what_is_no_date_is_none(text: str) -> None:
    assert normalise(text, "date").value is None


@pytest.mark.parametrize(
    ("order", "text", "iso"),
    [
        (DateOrder.DMY, "03/04/2019", "2019-04-03"),
        (DateOrder.MDY, "03/04/2019", "2019-03-04"),
        (DateOrder.MDY, "03.04.2019", "2019-03-04"),
        (DateOrder.YMD, "19/03/04", "2019-03-04"),
        (DateOrder.DMY, "12-01-19", "2019-01-12"),
    ],
)
def test_the_fields_order_leaves_nothing_open(order: DateOrder, text: str, iso: str) -> None:
    normalized = normalise(text, "date", Conventions(date_order=order))

    assert (normalized.value, normalized.certainty) == (iso, Certainty.EXACT)


def test_a_date_that_the_fields_order_makes_impossible_is_read_the_other_way_and_says_so() -> None:
    normalized = normalise("03/14/2019", "date", Conventions(date_order=DateOrder.DMY))

    assert (normalized.value, normalized.flags) == ("2019-03-14", ("against the field's convention",))


def test_without_an_order_both_readings_are_told() -> None:
    normalized = normalise("03/04/2019", "date")

    assert (normalized.value, normalized.alternatives) == ("2019-03-04", ("2019-04-03",))
    assert normalise("04/04/2019", "date").certainty == Certainty.EXACT


@pytest.mark.parametrize(("start", "year"), [(1970, 2026), (1926, 1926), (1927, 2026), (2000, 2026)])
def test_two_digit_years_fall_into_the_hundred_years_that_the_field_says(start: int, year: int) -> None:
    told = Conventions(two_digit_years_from=start)

    assert normalise("July 14, 26", "date", told).value == f"{year}-07-14"


FORMATS = [
    "%Y-%m-%d", "%Y/%m/%d", "%d %B %Y", "%B %d, %Y", "%b. %d, %Y", "%d-%b-%Y", "%A, %d %B %Y", "%Y%m%d",
    "%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y", "%d/%m/%y", "%d %m %Y", "%dth day of %B, %Y", "%d.%m.%Y %H:%M",
]  # fmt: skip


@given(st.dates(date(1970, 1, 1), date(2069, 12, 31)), st.sampled_from(FORMATS))
def test_a_date_in_any_known_format_comes_back(day: date, form: str) -> None:
    assert normalise(day.strftime(form), "date", Conventions(date_order=DateOrder.DMY)).value == str(day)


@given(st.dates(date(1970, 1, 1), date(2069, 12, 31)), st.sampled_from(["%d/%m/%Y", "%m/%d/%Y", "%m-%d-%y"]))
def test_without_an_order_the_right_date_is_among_the_readings(day: date, form: str) -> None:
    normalized = normalise(day.strftime(form), "date")

    assert str(day) in (normalized.value, *normalized.alternatives)


@given(st.dates(date(1970, 1, 1), date(2069, 12, 31)), st.data())
def test_one_misread_digit_never_gives_another_date_in_silence(day: date, data: st.DataObject) -> None:
    text = day.strftime("%d/%m/%Y")
    places = [place for place, mark in enumerate(text) if mark in "0158"]
    assume(places)
    place = data.draw(st.sampled_from(places))
    misread = text[:place] + {"0": "O", "1": "l", "5": "S", "8": "B"}[text[place]] + text[place + 1 :]

    normalized = normalise(misread, "date", Conventions(date_order=DateOrder.DMY))

    assert normalized.value == str(day) or normalized.value is None
    assert normalized.certainty in (Certainty.AMBIGUOUS, Certainty.UNREADABLE)


@pytest.mark.parametrize(
    ("iso", "first", "last"),
    [
        ("2020-02-05", date(2020, 2, 5), date(2020, 2, 5)),
        ("2020-02", date(2020, 2, 1), date(2020, 2, 29)),
        ("2020-Q4", date(2020, 10, 1), date(2020, 12, 31)),
        ("2020", date(2020, 1, 1), date(2020, 12, 31)),
    ],
)
def test_a_partial_date_covers_all_its_days(iso: str, first: date, last: date) -> None:
    assert first_and_last_day(iso) == (first, last)
    assert first_and_last_day("soon") is None
