"""Rules between the fields of a document, from the configuration to the reviewer."""

import json
from datetime import date

import pytest

from recto.entities import extract, review_reasons, with_reasons, with_rules
from recto.fields import FieldList, field_faults
from recto.results import DocumentResult, FieldResult, ReasonCode, Value
from recto.review import FieldAnswer, ReviewAnswer, apply_answers
from recto.validators import Outcome
from tests.unit.drawn_pages import drawn, field_list

TOTAL = {"Name": "Total", "Type": "money", "Select": "first", "Optional": True}
LINES = {"Name": "Line", "Type": "money", "Optional": True}
TAX = {"Name": "Tax", "Type": "money", "Select": "first", "Optional": True}
START = {"Name": "Start", "Type": "date", "Select": "first", "Optional": True}
END = {"Name": "End", "Type": "date", "Select": "first", "Optional": True}
SUM = {"Name": "sum_of", "Fields": ["Line", "Tax"]}


def told(fields: FieldList, **texts: str | tuple[str, ...]) -> DocumentResult:
    """A result in which these fields have these values, judged by the rules."""
    results = {}
    for order, field in enumerate(fields.active):
        given = texts.get(field.name, ())
        values = (given,) if isinstance(given, str) else given
        common = {
            "class_id": field.class_id,
            "confidence": 0.99,
            "num_detections": len(values),
            "num_detected_values": len(values),
            "sort_order": order,
            "type": field.kind,
            "optional": field.optional,
        }
        content = {"value": values[0] if values else ""}
        if field.is_multi_valued:
            content = {"values": tuple(Value(value=text, confidence=0.99) for text in values)}
        results[field.name] = FieldResult.model_validate({**common, **content})
    return with_rules(DocumentResult(confidence=0.99, fields=results), fields)


def outcome(fields: FieldList, name: str, **texts: str | tuple[str, ...]) -> tuple[Outcome, str]:
    (verdict,) = told(fields, **texts).fields[name].validation or ()
    return verdict.outcome, verdict.message


@pytest.mark.parametrize(
    ("texts", "seen"),
    [
        ({"Total": "$11.00", "Line": ("$8.00", "$2.00"), "Tax": "$1.00"}, Outcome.PASSED),
        ({"Total": "11.01", "Line": ("8.00", "2.00"), "Tax": "1.00"}, Outcome.PASSED),
        ({"Total": "12.00", "Line": ("8.00", "2.00"), "Tax": "1.00"}, Outcome.FAILED),
        ({"Total": "10.00", "Line": ("8.00", "2.00")}, Outcome.PASSED),
        ({"Total": "12.00", "Line": ("8.00", "2.00")}, Outcome.NOT_APPLICABLE),
        ({"Line": ("8.00", "2.00")}, Outcome.NOT_APPLICABLE),
        ({"Total": "12.00"}, Outcome.NOT_APPLICABLE),
        ({"Total": "a lot", "Line": "8.00"}, Outcome.NOT_APPLICABLE),
        ({"Total": "8.00 EUR", "Line": "$8.00"}, Outcome.FAILED),
    ],
)
def test_a_sum_holds_or_does_not_or_cannot_be_told(texts: dict[str, str], seen: Outcome) -> None:
    fields = field_list(TOTAL | {"Rules": [SUM]}, LINES, TAX)

    assert outcome(fields, "Total", **texts)[0] == seen


def test_a_broken_sum_is_told_in_numbers() -> None:
    fields = field_list(TOTAL | {"Rules": [SUM]}, LINES, TAX)

    _, message = outcome(fields, "Total", Total="12.00", Line=("8.00", "2.00"), Tax="1.00")

    assert message == "Total is 12.00, but Line 8.00 + 2.00 + Tax 1.00 is 11.00 (difference 1.00)"


def test_what_is_to_be_taken_off_is_taken_off() -> None:
    rule = {"Name": "sum_of", "Fields": ["Line"], "Minus": ["Tax"], "Tolerance": 0}
    fields = field_list(TOTAL | {"Rules": [rule]}, LINES, TAX)

    assert outcome(fields, "Total", Total="9.00", Line="10.00", Tax="1.00")[0] == Outcome.PASSED
    _, message = outcome(fields, "Total", Total="9.01", Line="10.00", Tax="1.00")
    assert "Line 10.00 - Tax 1.00 is 9.00" in message


@pytest.mark.parametrize(
    ("name", "start", "end", "seen"),
    [
        ("not_before", "2020-01-01", "2020-01-01", Outcome.PASSED),
        ("not_before", "2020-01-01", "2019-12-31", Outcome.FAILED),
        ("not_before", "2020-01-15", "January 2020", Outcome.PASSED),
        ("not_before", "2020-01-15", "2019", Outcome.FAILED),
        ("not_before", "2020-01-15", "soon", Outcome.NOT_APPLICABLE),
        ("not_after", "2020-01-01", "2019-12-31", Outcome.PASSED),
        ("not_after", "2020-01-01", "2020-01-02", Outcome.FAILED),
    ],
)
def test_dates_stand_in_order_as_far_as_they_are_known(
    name: str, start: str, end: str, seen: Outcome
) -> None:
    fields = field_list(START, END | {"Rules": [{"Name": name, "Field": "Start"}]})

    assert outcome(fields, "End", Start=start, End=end)[0] == seen


def test_the_same_day_can_be_refused() -> None:
    rule = {"Name": "not_before", "Field": "Start", "AllowSame": False}
    fields = field_list(START, END | {"Rules": [rule]})

    assert outcome(fields, "End", Start="2020-01-01", End="Jan 1, 2020") == (
        Outcome.FAILED,
        "End 2020-01-01 is not after Start 2020-01-01",
    )


@pytest.mark.parametrize(
    ("rule", "texts", "seen"),
    [
        ({"Name": "equal_to", "Field": "B"}, {"A": "ACME", "B": "Acme"}, Outcome.PASSED),
        ({"Name": "equal_to", "Field": "B"}, {"A": "ACME", "B": "Other"}, Outcome.FAILED),
        ({"Name": "equal_to", "Field": "B"}, {"A": "ACME"}, Outcome.NOT_APPLICABLE),
        ({"Name": "required_if", "Field": "B"}, {"B": "x"}, Outcome.FAILED),
        ({"Name": "required_if", "Field": "B"}, {"A": "y", "B": "x"}, Outcome.PASSED),
        ({"Name": "required_if", "Field": "B"}, {}, Outcome.NOT_APPLICABLE),
        ({"Name": "required_if", "Field": "B", "Values": ["Yes"]}, {"B": "no"}, Outcome.NOT_APPLICABLE),
        ({"Name": "required_if", "Field": "B", "Values": ["Yes"]}, {"B": "YES"}, Outcome.FAILED),
        ({"Name": "at_least_one_of", "Fields": ["B"]}, {}, Outcome.FAILED),
        ({"Name": "at_least_one_of", "Fields": ["B"]}, {"B": "x"}, Outcome.PASSED),
        ({"Name": "exclusive_with", "Fields": ["B"]}, {"A": "x", "B": "x"}, Outcome.FAILED),
        ({"Name": "exclusive_with", "Fields": ["B"]}, {"B": "x"}, Outcome.PASSED),
    ],
)
def test_presence_and_equality(rule: dict[str, object], texts: dict[str, str], seen: Outcome) -> None:
    both = {"Select": "first", "Optional": True}
    fields = field_list({"Name": "A", "Rules": [rule]} | both, {"Name": "B"} | both)

    assert outcome(fields, "A", **texts)[0] == seen


@pytest.mark.parametrize(
    ("name", "minimum", "balance", "seen"),
    [
        ("not_more_than", "25.00", "100", Outcome.PASSED),
        ("not_more_than", "125.00", "100", Outcome.FAILED),
        ("not_less_than", "125.00", "100", Outcome.PASSED),
        ("not_less_than", "99.00", "100", Outcome.FAILED),
    ],
)
def test_numbers_are_compared(name: str, minimum: str, balance: str, seen: Outcome) -> None:
    fields = field_list(TOTAL | {"Rules": [{"Name": name, "Field": "Tax"}]}, TAX)

    assert outcome(fields, "Total", Total=minimum, Tax=balance)[0] == seen


# --- what the reviewer sees ---------------------------------------------------------------------------


def test_every_field_that_takes_part_goes_to_review_with_the_rule_and_the_reason() -> None:
    fields = field_list(START, END | {"Rules": [{"Name": "not_before", "Field": "Start"}]}, TAX)
    result = told(fields, Start="2020-01-01", End="2019-01-01", Tax="1.00")

    reasons = review_reasons(result, fields, {})
    shown = with_reasons(result, reasons).to_json()

    assert [(reason.code, reason.field) for reason in reasons] == [
        (ReasonCode.RULE_FAILED, "Start"),
        (ReasonCode.RULE_FAILED, "End"),
    ]
    assert reasons[0].message == "not_before: End 2019-01-01 is not after Start 2020-01-01"
    assert shown["Fields"]["Start"]["Validation"] == [
        {
            "Rule": "not_before",
            "Field": "End",
            "Fields": ["End", "Start"],
            "Outcome": "failed",
            "Message": "End 2019-01-01 is not after Start 2020-01-01",
        }
    ]
    assert "Validation" not in shown["Fields"]["Tax"]
    assert DocumentResult.model_validate(shown).to_json() == shown


def test_a_rule_that_does_not_apply_sends_nothing_to_review() -> None:
    fields = field_list(START, END | {"Rules": [{"Name": "not_before", "Field": "Start"}]})

    assert review_reasons(told(fields, End="2019-01-01"), fields, {}) == []


def test_two_readings_send_a_field_to_review_unless_its_order_is_told() -> None:
    row, dates = "03/04/2019@0 y", {"Name": "D", "Type": "date", "Select": "first"}
    for order, codes in (({}, [ReasonCode.AMBIGUOUS]), ({"DateOrder": "DMY"}, [])):
        fields = field_list(dates | order)
        result = extract([drawn(row, other=1)], fields)

        reasons = review_reasons(result, fields, {})

        assert [reason.code for reason in reasons] == codes
    assert result.fields["D"].normalized_value == "2019-04-03"


def test_what_can_be_read_in_two_ways_is_told_with_both() -> None:
    fields = field_list({"Name": "D", "Type": "date", "Select": "first"})
    result = extract([drawn("03/04/2019@0 y", other=1)], fields)

    (reason,) = review_reasons(result, fields, {})

    assert reason.message == "'03/04/2019' can be read as 2019-03-04 or 2019-04-03"
    assert result.to_json()["Fields"]["D"]["Alternatives"] == ["2019-04-03"]


def test_a_reviewers_value_is_judged_again_and_may_stand_though_it_breaks_a_rule() -> None:
    fields = field_list(START, END | {"Rules": [{"Name": "not_before", "Field": "Start"}]})
    result = told(fields, Start="2020-01-01", End="2019-01-01")

    def answered(end: str) -> FieldResult:
        answer = ReviewAnswer("w", {"End": FieldAnswer(is_present=True, values=(end,))})
        return apply_answers(result, [answer], fields).fields["End"]

    assert answered("2021-01-01").failed_rules == ()
    broken = answered("2018-01-01")
    assert (broken.value, broken.reviewed) == ("2018-01-01", True)
    assert [rule.rule for rule in broken.failed_rules] == ["not_before"]


def test_the_reference_day_goes_with_the_result_and_judges_the_reviewers_value_too() -> None:
    fields = field_list(START | {"Validators": ["not_in_future"]})
    page = drawn("2026-11-20@0 y", other=1)
    result = extract([page], fields, reference=date(2026, 11, 21))
    stored = DocumentResult.model_validate_json(json.dumps(result.to_json()))

    answer = ReviewAnswer("w", {"Start": FieldAnswer(is_present=True, values=("2027-01-01",))})
    reviewed = apply_answers(stored, [answer], fields)

    assert result.fields["Start"].verdicts[0].passed
    (verdict,) = reviewed.fields["Start"].verdicts
    assert "2027-01-01 is in the future: the document was read on 2026-11-21" in verdict.message
    assert reviewed.reference_date == date(2026, 11, 21)


# --- what the operator is told ------------------------------------------------------------------------


def test_all_faulty_rules_of_a_list_are_named_at_once() -> None:
    fields = [
        {"ClassId": 0, "Name": "Total", "Type": "money", "Rules": [SUM | {"Fields": ["Lines", "Total"]}]},
        {"ClassId": 1, "Name": "Line", "Type": "money", "Rules": [{"Name": "sum", "Fields": ["Total"]}]},
        {"ClassId": 2, "Name": "End", "Type": "date", "Rules": [{"Name": "not_before", "Field": "Total"}]},
        {"ClassId": 3, "Name": "Old", "Ignore": True},
        {"ClassId": 4, "Name": "New", "Rules": [{"Name": "equal_to", "Field": "Old"}]},
        {"ClassId": 5, "Name": "Due", "Type": "date", "Rules": [{"Name": "not_before", "Feld": "End"}]},
    ]  # fmt: skip

    faults = field_faults(fields)

    assert faults[0].startswith(
        "field 'Line': Rules.0: unknown rule 'sum', did you mean 'sum_of'?; known: at_least"
    )
    assert "rule 'not_before': parameter 'Field' is missing" in faults[1]
    assert "unknown parameter 'Feld', did you mean 'Field'?; it takes Field, AllowSame" in faults[1]
    assert faults[2:] == [
        "field 'Total': rule 'sum_of' names 'Lines', which is no field, did you mean 'Line'?",
        "field 'Total': rule 'sum_of' names the field itself",
        "field 'End': rule 'not_before' compares dates, but 'Total' is money",
        "field 'New': rule 'equal_to' names 'Old', which is ignored",
    ]
