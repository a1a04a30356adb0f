"""What a terminal shows of fields and reviews."""

from rich.console import Console

from recto.results import DocumentResult, FieldResult, ReasonCode, ReviewReason
from recto.validators import Outcome, RuleVerdict, Verdict
from recto_cli.tables import fields_table

RULE = "'10, 2025' is not a date"


def shown(result: DocumentResult, *, all_fields: bool = False) -> str:
    console = Console(width=200, no_color=True)
    with console.capture() as capture:
        console.print(fields_table(result, all_fields))
    return capture.get()


def doubtful(**changes: object) -> DocumentResult:
    """A date whose validator failed, with both reasons for the review."""
    date = FieldResult(
        class_id=0,
        confidence=0.14,
        num_detections=1,
        num_detected_values=1,
        sort_order=0,
        value="10, 2025",
        page=3,
        verdicts=(Verdict(validator="date_in_range", passed=False, message=RULE),),
    ).model_copy(update=changes)
    reasons = (
        ReviewReason(code=ReasonCode.BELOW_THRESHOLD, field="Date", message="below the threshold"),
        ReviewReason(code=ReasonCode.VALIDATOR_FAILED, field="Date", message=f"date_in_range: {RULE}"),
    )
    return DocumentResult(confidence=0.14, fields={"Date": date}, review_reasons=reasons)


def test_a_doubt_is_told_once() -> None:
    text = shown(doubtful())

    assert text.count(RULE) == 1
    assert "below the threshold" in text


def test_what_a_person_has_reviewed_is_in_doubt_no_more() -> None:
    text = shown(doubtful(reviewed=True, verdicts=()))

    assert "below the threshold" not in text
    assert "reviewed" in text


def test_a_broken_rule_between_fields_is_told_once_also_after_the_review() -> None:
    message = "Date 2019-01-01 is not after Start 2020-01-01"
    broken = RuleVerdict(
        rule="not_before", field="Date", fields=("Date", "Start"), outcome=Outcome.FAILED, message=message
    )
    result = doubtful(validation=(broken,), verdicts=())
    reason = ReviewReason(code=ReasonCode.RULE_FAILED, field="Date", message=f"not_before: {message}")

    assert shown(result.model_copy(update={"review_reasons": (reason,)})).count(message) == 1
    assert message in shown(doubtful(validation=(broken,), verdicts=(), reviewed=True))


def test_an_optional_field_without_a_value_is_shown_only_on_request() -> None:
    result = doubtful(value="", optional=True)

    assert "Date" not in shown(result)
    assert "Date" in shown(result, all_fields=True)


def test_a_value_that_looks_like_markup_is_shown_as_it_is() -> None:
    assert "[bold]x[/]" in shown(doubtful(value="[bold]x[/]"))
