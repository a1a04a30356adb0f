"""What a reviewer is given, and what answers may say beside values: reasons, and who decides."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from recto.errors import ReviewFailedError
from recto.fields import parse_fields
from recto.results import DocumentResult, ReviewStatus
from recto.review import (
    ReviewTask,
    TaskDocument,
    TaskThresholds,
    TaskWords,
    apply_answers,
    blind,
    parse_answer,
    parse_human_answers,
    rejection_of,
    result_elsewhere,
    review_id_of,
)

FIELDS = parse_fields(
    [
        {"ClassId": 0, "Name": "Total", "Select": "confidence", "Type": "money"},
        {"ClassId": 1, "Name": "Hidden", "Ignore": True},
        {"ClassId": 2, "Name": 'fee-1 "x" 日付', "Validators": [{"Name": "pattern", "Pattern": "[A-Z]+"}]},
    ]
)
ODD = FIELDS.active[1].name
COMMON = {"Confidence": 0.5, "NumDetections": 1, "NumDetectedValues": 1}
RESULT = DocumentResult.model_validate(
    {
        "Confidence": 0.5,
        "Fields": {
            "Total": {"ClassId": 0, "SortOrder": 0, "Value": "$ 5", **COMMON},
            ODD: {"ClassId": 2, "SortOrder": 1, "Values": [{"Value": "abc", "Confidence": 0.5}], **COMMON},
        },
        "ReviewReasons": [{"Code": "nothing_found", "Message": "look"}],
    }
)
TASK = ReviewTask(
    review_id="r",
    task_object="s3://inbox/a.pdf",
    model_result=RESULT,
    document=TaskDocument(document_id="d", name="a.pdf", num_pages=3, release="releases/one"),
    field_configuration=FIELDS.active,
    thresholds=TaskThresholds(default=0.9, fields={"Total": 0.95}),
    words=TaskWords(index="s3://work/i.json", parts=("s3://work/p.bin",)),
    page_images=("s3://work/1.jpg",),
)


def human(worker: str, value: str, **metadata: Any) -> dict[str, Any]:
    content = {"field-value-Total": value}
    return {"workerId": worker, "answerContent": content, "workerMetadata": metadata}


ADJUDICATOR = {"recto": {"role": "adjudicator"}}


def test_a_task_is_the_same_after_it_was_json() -> None:
    content = TASK.to_json()

    assert ReviewTask.model_validate(content) == TASK
    assert content["Document"]["MadeIn"] == {
        "Ocr": 1,
        "Model": 1,
        "Postprocess": 1,
        "Review": 1,
        "Publish": 1,
    }
    assert [field["Name"] for field in content["FieldConfiguration"]] == ["Total", ODD]
    assert "Audit" not in content


@pytest.mark.parametrize(
    "task", [TASK, TASK.model_copy(update={"model_result": blind(RESULT), "thresholds": None, "audit": True})]
)
def test_the_bytes_of_a_task_are_the_json_of_the_whole(task: ReviewTask) -> None:
    assert task.to_bytes() == json.dumps(task.to_json(), ensure_ascii=False).encode()


def test_a_task_of_somebody_else_needs_no_more_than_it_ever_did() -> None:
    content = {"ReviewId": "r", "TaskObject": "s3://b/k", "ModelResult": {"Confidence": 0.1}}

    task = ReviewTask.model_validate(content)

    assert (task.fields, task.document, task.audit) == (None, None, False)
    assert task.to_json().keys() == content.keys()


@pytest.mark.parametrize(
    "place",
    [(), ("Document",), ("Thresholds",), ("Words",), ("ModelResult",)],
    ids=lambda p: p[0] if p else "task",
)
def test_no_token_can_slip_into_any_part_of_a_task(place: tuple[str, ...]) -> None:
    content = TASK.to_json()
    part = content
    for name in place:
        part = part[name]
    part["TaskToken"] = "AQCE"

    with pytest.raises(ValidationError, match="TaskToken"):
        ReviewTask.model_validate(content)


def test_a_task_has_the_fields_to_judge_an_answer_by_although_ignored_ones_are_left_out() -> None:
    fields = TASK.fields

    assert fields
    assert parse_answer({f"field-multival-0-{ODD}": "ABC"}, fields)[ODD].values == ("ABC",)
    with pytest.raises(ReviewFailedError, match="Hidden"):
        parse_answer({"field-value-Hidden": "x"}, fields)


def test_a_blind_result_has_the_fields_and_nothing_of_what_was_found() -> None:
    hidden = blind(RESULT)

    assert list(hidden.fields) == ["Total", ODD]
    assert [one.found for one in hidden.fields.values()] == [(), ()]
    assert [one.is_multi_valued for one in hidden.fields.values()] == [False, True]
    assert {one.confidence for one in hidden.fields.values()} == {hidden.confidence} == {0.0}
    assert hidden.review_reasons is None


def test_why_a_value_that_breaks_a_rule_is_right_all_the_same_stays_with_it() -> None:
    content = {f"field-multival-0-{ODD}": "abc", f"field-confirmed-{ODD}": " it is printed so "}
    answers = parse_human_answers([{"workerId": "w", "answerContent": content}], FIELDS)

    one = apply_answers(RESULT, answers, FIELDS).fields[ODD]

    assert one.confirmed == "it is printed so"
    assert one.model_dump(mode="json")["Confirmed"] == "it is printed so"


def test_a_reason_alone_is_no_answer_and_needs_a_field() -> None:
    with pytest.raises(ReviewFailedError, match="answer without a field"):
        parse_answer({"field-confirmed-Total": "so"}, FIELDS)
    with pytest.raises(ReviewFailedError, match="does not have"):
        parse_answer({"field-value-Total": "5", "field-confirmed-Nothing": "so"}, FIELDS)


def test_a_field_that_is_absent_has_no_value_to_confirm() -> None:
    content = {"field-present-Total": False, "field-confirmed-Total": "so"}
    answers = parse_human_answers([{"workerId": "w", "answerContent": content}], FIELDS)

    assert apply_answers(RESULT, answers, FIELDS).fields["Total"].confirmed is None


def test_an_adjudicator_decides_alone_and_the_others_stay_in_the_record() -> None:
    answers = parse_human_answers([human("a", "6"), human("b", "6"), human("c", "7", **ADJUDICATOR)], FIELDS)

    after = apply_answers(RESULT, answers, FIELDS)

    assert (after.fields["Total"].value, after.fields["Total"].confidence) == ("7", 1.0)
    assert after.review
    assert (after.review.worker_id, after.review.adjudicator) == ("c", "c")
    assert after.review.worker_ids == ("a", "b", "c")
    assert after.review_status is ReviewStatus.REVIEWED
    assert "reviewers_disagree" not in {reason.code for reason in after.review_reasons or ()}


def test_an_adjudicators_word_counts_where_a_document_is_turned_down() -> None:
    down = {"workerId": "a", "answerContent": {"document-rejected": True, "document-rejected-why": "a menu"}}

    assert rejection_of([down, human("b", "6")]) == "turned down by a: a menu"
    assert rejection_of([down, human("b", "6"), human("c", "7", **ADJUDICATOR)]) is None
    assert rejection_of([human("b", "6"), {**down, "workerMetadata": ADJUDICATOR}])


@pytest.mark.parametrize(
    "metadata", [None, "text", {"recto": None}, {"recto": {"role": "reviewer"}}, {"recto": []}]
)
def test_metadata_of_any_shape_makes_nobody_an_adjudicator(metadata: Any) -> None:
    entry = {**human("a", "6"), "workerMetadata": metadata}

    assert not parse_human_answers([entry], FIELDS)[0].is_adjudicator


def test_a_large_result_is_told_by_its_place() -> None:
    assert result_elsewhere({"ModelResult": {"S3Uri": "s3://b/k"}}) == "s3://b/k"
    assert result_elsewhere(TASK.to_json()) is None
    assert result_elsewhere({}) is None


@pytest.mark.parametrize(
    ("loop", "review"),
    [("recto-ab12", "ab12"), ("recto-ab12-again", "ab12"), ("recto-a-b", ""), ("other-ab12", ""), ("", "")],
)
def test_a_loops_name_tells_its_review(loop: str, review: str) -> None:
    assert review_id_of(loop) == review
