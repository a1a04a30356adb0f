import time

import pytest

from recto.normalise import normalise
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
    started = time.perf_counter()

    judge([rule("pattern", Pattern=pattern)], text, normalise(text, "text"))

    assert time.perf_counter() - started < 5


def test_a_text_too_long_to_check_breaks_the_pattern_rule() -> None:
    text = "a" * (MAX_PATTERN_TEXT + 1)

    (verdict,) = judge([rule("pattern", Pattern="a*")], text, normalise(text, "text"))

    assert not verdict.passed
