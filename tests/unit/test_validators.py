import re
import time
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recto.normalise import NORMALIZERS, normalise
from recto.validators import MAX_PATTERN_TEXT, ValidatorRule, judge


def rule(name: str, **parameters: object) -> ValidatorRule:
    return ValidatorRule.model_validate({"Name": name, **parameters})


@pytest.mark.parametrize(
    ("one", "normalizer", "text", "message"),
    [
        (rule("date_in_range", Earliest="2020-01-01"), "date", "July 1, 2020", ""),
        (
            rule("date_in_range", Earliest="2020-01-01"),
            "date",
            "July 1, 2019",
            "2019-07-01 is before 2020-01-01",
        ),
        (rule("date_in_range", Latest="2020-01-01"), "date", "July 2020", "2020-07 is after 2020-01-01"),
        (rule("date_in_range", Latest="2020-07-15"), "date", "July 2020", ""),
        (rule("date_in_range", Earliest="2020-07-15"), "date", "July 2020", ""),
        (rule("date_in_range"), "date", "soon", "'soon' is not a date"),
        (rule("money_range", Minimum=0, Maximum="39.5"), "money", "$39.50", ""),
        (rule("money_range", Maximum=39), "money", "$5 or $40", "40 is above 39"),
        (rule("money_range"), "money", "some", "'some' is not an amount"),
        (rule("percentage_range"), "percentage", "109%", "109 is above 100"),
        (rule("percentage_range", Maximum=30), "percentage", "Prime + 9.99%", ""),
        (rule("number_range", Minimum=1), "number", "0", "0 is below 1"),
        (rule("pattern", Pattern=r"[A-Z]{2}-\d+"), "text", "AB-12", ""),
        (rule("pattern", Pattern=r"[A-Z]{2}-\d+"), "text", "AB-12x", "does not match"),
        (rule("pattern", Pattern="ab", IgnoreCase=True), "text", "AB", ""),
        (rule("one_of", Values=["Visa", "Amex"]), "text", "VISA", ""),
        (rule("one_of", Values=["Visa", "Amex"], IgnoreCase=False), "text", "VISA", "none of Visa, Amex"),
        (rule("understood"), "date", "soon", "was not understood"),
        (rule("not_empty"), "text", "  ", "empty"),
        (rule("date_in_range"), "date", "", ""),
    ],
)
def test_a_rule_passes_or_says_why_not(one: ValidatorRule, normalizer: str, text: str, message: str) -> None:
    (verdict,) = judge([one], text, normalise(text, normalizer))

    assert verdict.passed == (not message)
    assert message in verdict.message


def test_a_rule_is_written_in_its_short_form() -> None:
    assert rule("not_empty").short() == "not_empty"
    assert rule("one_of", Values=["A"]).short() == {"Name": "one_of", "Values": ["A"]}


@pytest.mark.parametrize(
    "pattern",
    ["(a+)+b", "(a|a)*b", "(a?){30}a{30}", ".*.*.*.*b", "(?:x+x+)+y", r"(\w{1,16}){4,9}", "a" * 201],
)
def test_a_pattern_that_could_run_away_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"too long|at most"):
        rule("pattern", Pattern=pattern)


@pytest.mark.parametrize(
    "pattern", [r"\d{5}(-\d{4})?", r"[A-Z]+ [a-z]+", r".*\d+.*", "(?i)yes|no", r"\$?\d{1,3}(,\d{3}){0,3}"]
)
def test_ordinary_patterns_are_accepted_and_end_soon_on_the_worst_text(pattern: str) -> None:
    text = "1" * (MAX_PATTERN_TEXT - 1) + "!"
    started = time.process_time()

    judge([rule("pattern", Pattern=pattern)], text, normalise(text, "text"))

    assert time.process_time() - started < 5


def test_a_text_too_long_to_check_breaks_the_pattern_rule() -> None:
    text = "a" * (MAX_PATTERN_TEXT + 1)

    (verdict,) = judge([rule("pattern", Pattern="a*")], text, normalise(text, "text"))

    assert not verdict.passed


@pytest.mark.parametrize(
    ("one", "normalizer", "text", "message"),
    [
        (rule("length", Minimum=3, Maximum=5), "text", "abcd", ""),
        (rule("length", Minimum=3), "text", "ab", "2 characters are too few, at least 3"),
        (rule("length", Maximum=5), "text", "abcdef", "6 characters are too many, at most 5"),
        (rule("duration_range", Minimum="1 month", Maximum="10 years"), "duration", "7 years", ""),
        (rule("duration_range", Maximum="10 years"), "duration", "121 months", ""),
        (rule("duration_range", Maximum="10 years"), "duration", "11 years", "longer than 10 years"),
        (rule("duration_range", Minimum="1 month"), "duration", "two weeks", "2 weeks is shorter"),
        (rule("duration_range"), "duration", "soon", "'soon' is not a length of time"),
        (rule("checksum", Kind="iban"), "iban", "DE89 3704 0044 0532 0130 00", ""),
        (rule("checksum", Kind="iban"), "iban", "DE89 3704 0044 0532 0130 01", "check digits do not fit"),
        (rule("checksum", Kind="card_number"), "text", "4111 1111 1111 1112", "not a valid card number"),
        (rule("charset", Scripts=["latin"]), "text", "Café 5%", ""),
        (rule("charset", Scripts=["latin"]), "text", "Саfe", "'С' is not latin"),
        (rule("charset", Scripts=["ascii"]), "text", "Café", "'é' is not ascii"),
        (rule("normal_form", Pattern=r"\d{4}-\d{2}-\d{2}"), "date", "July 1, 2020", ""),
        (rule("normal_form", Pattern=r"\d{4}-\d{2}-\d{2}"), "date", "July 2020", "'2020-07' does not match"),
        (rule("normal_form", Pattern="x"), "date", "soon", "'soon' was not understood: no date in it"),
        (rule("certain"), "date", "July 1, 2020", ""),
        (rule("certain"), "date", "July 2020", "2020-07 is partial (no day)"),
        (rule("certain", AtLeast="partial"), "date", "July 2020", ""),
        (rule("certain", AtLeast="partial"), "date", "03/04/2020", "is ambiguous"),
        (rule("understood"), "date", "30/02/2020", "there is no such day as 30/02/2020"),
        (rule("date_in_range", Earliest="2020-04-01"), "date", "Q1 2020", "2020-Q1 is before 2020-04-01"),
    ],
)
def test_a_deeper_rule_passes_or_says_why_not(
    one: ValidatorRule, normalizer: str, text: str, message: str
) -> None:
    (verdict,) = judge([one], text, normalise(text, normalizer))

    assert verdict.passed == (not message)
    assert message in verdict.message


@pytest.mark.parametrize(
    ("text", "passes"), [("2026-11-21", True), ("2026-11-22", True), ("2026-11-23", False), ("2027", False)]
)
def test_the_future_begins_after_the_day_on_which_the_document_was_read(text: str, passes: bool) -> None:
    (verdict,) = judge([rule("not_in_future")], text, normalise(text, "date"), date(2026, 11, 21))

    assert verdict.passed == passes


def test_without_a_reference_nothing_is_in_the_future_and_a_fixed_one_counts_more() -> None:
    fixed = rule("not_in_future", Reference="2000-01-01", Days=0)
    seen = normalise("2001-01-01", "date")

    assert judge([rule("not_in_future")], "2001-01-01", seen)[0].passed
    assert not judge([fixed], "2001-01-01", seen, date(2026, 11, 21))[0].passed


@pytest.mark.parametrize(
    ("name", "parameters", "said"),
    [
        ("checksum", {"Kind": "ibam"}, "unknown kind 'ibam', did you mean 'iban'"),
        ("checksum", {}, "parameter 'Kind' is missing"),
        ("duration_range", {"Maximum": "long"}, "'long' is not a length of time"),
        ("money_range", {"Minimun": 3}, "unknown parameter 'Minimun', did you mean 'Minimum'?"),
        ("not_emty", {}, "unknown validator 'not_emty', did you mean 'not_empty'?"),
    ],
)
def test_a_wrong_rule_is_refused_with_what_was_probably_meant(
    name: str, parameters: dict[str, object], said: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        rule(name, **parameters)


def test_verdicts_are_written_in_pascal_case() -> None:
    (verdict,) = judge([rule("not_empty")], "", normalise("", "text"))

    assert verdict.model_dump() == {"Validator": "not_empty", "Passed": False, "Message": "empty"}


@given(st.text(max_size=60), st.sampled_from(sorted(NORMALIZERS)))
def test_no_text_breaks_a_rule(text: str, normalizer: str) -> None:
    rules = [
        *(
            rule(name)
            for name in ("not_in_future", "date_in_range", "money_range", "duration_range", "certain")
        ),
        rule("charset", Scripts=["latin"]),
        rule("length", Maximum=5),
        rule("checksum", Kind="card_number"),
    ]

    verdicts = judge(rules, text, normalise(text, normalizer), date(2026, 11, 21))

    assert all(verdict.passed or verdict.message for verdict in verdicts)
