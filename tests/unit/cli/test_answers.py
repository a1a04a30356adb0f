"""A reviewer's options become what the review page would post."""

import json
import re
from datetime import UTC, datetime

import pytest

from recto.errors import ReviewFailedError
from recto.fields import parse_fields
from recto.places import Location
from recto.review import ReviewTask, parse_answer, parse_human_answers
from recto.steps.review import _output
from recto_cli.answers import Edits, a2i_output, answer_content, doubtful_fields

FIELDS = parse_fields(
    [
        {"ClassId": 0, "Name": "Provider Name", "Select": "longest"},
        {"ClassId": 1, "Name": "Card Name"},
        {"ClassId": 2, "Name": "Provider Address", "Select": "confidence", "Optional": True},
        {"ClassId": 3, "Name": "Fee - Annual", "Select": "confidence", "Optional": True},
    ]
)


@pytest.fixture
def settled(task: ReviewTask) -> ReviewTask:
    """The same task without a doubtful field: whatever is said is enough."""
    calm = task.model_result.model_copy(update={"review_reasons": ()})
    return task.model_copy(update={"model_result": calm})


def test_accepting_confirms_values_and_missing_values_alike(task: ReviewTask) -> None:
    content = answer_content(task, Edits(accept=True))

    answers = parse_answer(content, FIELDS, task)
    assert {name: answer.values for name, answer in answers.items()} == {
        "Provider Name": ("Frist Bank",),
        "Card Name": ("Gold", "Silver"),
        "Provider Address": ("1 Main Street",),
        "Fee - Annual": None,
    }
    assert answers["Fee - Annual"].is_absent


def test_a_set_value_replaces_and_leaves_the_other_fields_unmentioned(settled: ReviewTask) -> None:
    content = answer_content(settled, Edits(set=["provider name = First Bank"]))

    assert content == {"field-present-Provider Name": True, "field-value-Provider Name": "First Bank"}


def test_a_value_may_hold_an_equals_sign(settled: ReviewTask) -> None:
    content = answer_content(settled, Edits(set=["Provider Name=A=B"]))

    assert content["field-value-Provider Name"] == "A=B"


def test_an_added_value_comes_after_those_that_were_found(settled: ReviewTask) -> None:
    content = answer_content(settled, Edits(add=["Card Name=Platinum"]))

    assert parse_answer(content, FIELDS, settled)["Card Name"].values == ("Gold", "Silver", "Platinum")


def test_set_then_add_lists_all_values_of_a_field_anew(settled: ReviewTask) -> None:
    content = answer_content(settled, Edits(set=["Card Name=Bronze"], add=["Card Name=Platinum"]))

    assert parse_answer(content, FIELDS, settled)["Card Name"].values == ("Bronze", "Platinum")


def test_an_absent_field_is_posted_unticked_and_without_a_value(settled: ReviewTask) -> None:
    content = answer_content(settled, Edits(absent=["Provider Address"]))

    assert content == {"field-present-Provider Address": False}


def test_a_second_value_is_refused_where_a_field_takes_one(task: ReviewTask) -> None:
    with pytest.raises(
        ReviewFailedError, match=r"takes one value and has 'Frist Bank': replace it with --set"
    ):
        answer_content(task, Edits(add=["Provider Name=Second Bank"]))


def test_a_first_value_may_be_added_where_a_field_takes_one(settled: ReviewTask) -> None:
    content = answer_content(settled, Edits(add=["Fee - Annual=$5"]))

    assert content == {"field-present-Fee - Annual": True, "field-value-Fee - Annual": "$5"}


@pytest.mark.parametrize("option", ["Provider Name", "Provider Name=", "Provider Name=  "])
def test_an_option_without_a_value_is_refused_by_name(option: str, task: ReviewTask) -> None:
    with pytest.raises(ReviewFailedError, match=r"expected 'Field=value'; for no value there is --absent"):
        answer_content(task, Edits(set=[option]))


def test_a_field_that_the_review_does_not_have_is_refused_with_those_it_has(task: ReviewTask) -> None:
    with pytest.raises(
        ReviewFailedError, match=r"no field 'Colour' in this review; it has Provider Name, Card"
    ):
        answer_content(task, Edits(set=["Colour=red"]))


def test_an_answer_about_nothing_is_refused(task: ReviewTask) -> None:
    with pytest.raises(ReviewFailedError, match="nothing to hand in"):
        answer_content(task, Edits())


def test_the_output_file_is_one_that_the_pipeline_takes(task: ReviewTask) -> None:
    begun, now = datetime(2026, 11, 21, 9, 0, tzinfo=UTC), datetime(2026, 11, 21, 9, 0, 12, tzinfo=UTC)

    output = a2i_output(task, answer_content(task, Edits(accept=True)), "ada", begun, now)

    place = Location(bucket="reviews", key="reviews/x/output.json")
    taken = _output(json.dumps(output).encode(), place)
    (answer,) = parse_human_answers(taken["humanAnswers"], FIELDS, task)
    assert taken["inputContent"]["ReviewId"] == "review-1"
    assert (answer.worker_id, answer.time_spent_in_seconds) == ("ada", 12.0)
    assert answer.fields["Provider Name"].values == ("Frist Bank",)


def test_a_doubtful_field_must_be_mentioned_or_accepted(task: ReviewTask) -> None:
    doubtful = doubtful_fields(task)
    assert doubtful

    with pytest.raises(
        ReviewFailedError, match=f"still doubtful and not mentioned: {re.escape(doubtful[0])}"
    ):
        answer_content(task, Edits(absent=["Fee - Annual"]))


@pytest.mark.parametrize(
    "edits",
    [
        Edits(set=["Provider Name=A", "provider name=B"], accept=True),
        Edits(set=["Provider Name=A"], absent=["Provider Name"], accept=True),
    ],
)
def test_two_statements_about_one_field_are_refused(edits: Edits, task: ReviewTask) -> None:
    with pytest.raises(ReviewFailedError, match="more than once by --set or --absent: Provider Name"):
        answer_content(task, edits)
