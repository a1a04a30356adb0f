"""A waiting review survives a stop and start of everything; Amazon A2I can be the desk instead."""

import json

import pytest

from recto.audit import audit_id
from recto.aws.dynamodb import AuditRows, Table
from recto.messages import ReprocessRequest, Status, Step
from recto.places import Location
from recto.ports import DocumentRow, ReviewRow
from tests.e2e.conftest import Pipeline, wait_for
from tests.e2e.test_2_bad_input import blank_page

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]
ANSWER = {
    "field-present-Provider Name": True,
    "field-value-Provider Name": "ACME",
    "field-multival-0-Card Name": "Gold Card",
}


def waiting_review(pipeline: Pipeline, key: str) -> tuple[str, str]:
    (row,) = pipeline.settled([pipeline.send(blank_page(), key)])
    assert row.status is Status.IN_REVIEW, (row.error, row.cause)
    return row.document_id, row.review_id


def test_a_review_through_amazon_a2i(pipeline: Pipeline) -> None:
    ssm, sagemaker = pipeline.client("ssm"), pipeline.client("sagemaker")
    role = "arn:aws:iam::000000000000:role/a2i"
    flow = sagemaker.create_flow_definition(
        FlowDefinitionName="recto-tests",
        RoleArn=role,
        HumanLoopConfig={
            "WorkteamArn": "arn:aws:sagemaker:us-east-1:000000000000:workteam/private-crowd/reviewers",
            "HumanTaskUiArn": "arn:aws:sagemaker:us-east-1:000000000000:human-task-ui/recto-workbench",
            "TaskTitle": "Review",
            "TaskDescription": "Review",
            "TaskCount": 1,
        },
        OutputConfig={"S3OutputPath": f"s3://{pipeline.reviews_bucket}/reviews"},
    )["FlowDefinitionArn"]
    name = pipeline.info.outputs["A2IHumanReviewFlowParamName"]
    ssm.put_parameter(Name=name, Value=flow, Type="String", Overwrite=True)
    try:
        document, review = waiting_review(pipeline, "a2i/blank.pdf")
    finally:
        ssm.put_parameter(Name=name, Value="workbench", Type="String", Overwrite=True)
    loop = pipeline.reviews.find(review)
    assert loop
    assert loop_at_desk(pipeline, loop.loop_name)["HumanLoopStatus"] == "InProgress"

    answer_loop(pipeline, loop.loop_name)

    ended = pipeline.ended(document)
    assert (ended.status, ended.cause) == (Status.PROCESSED, "")
    assert pipeline.result(document)["Fields"]["Card Name"]["Values"][0]["Value"] == "Gold Card"


def loop_at_desk(pipeline: Pipeline, loop: str) -> dict[str, object]:
    """Of a document in review: the desk hears of it a moment after the document's row says so."""
    runtime = pipeline.client("sagemaker-a2i-runtime")

    def described() -> dict[str, object] | None:
        try:
            return dict(runtime.describe_human_loop(HumanLoopName=loop))
        except runtime.exceptions.ResourceNotFoundException:
            return None

    return wait_for(described, 120, lambda: loop)  # type: ignore[no-any-return]


def review_at_desk(pipeline: Pipeline, row: DocumentRow) -> ReviewRow:
    """The review of a document's row, once the desk has heard of it."""
    review = pipeline.reviews.find(row.review_id)
    assert review
    loop_at_desk(pipeline, review.loop_name)
    return review


def answer_loop(pipeline: Pipeline, loop: str, answer: dict[str, object] | None = None) -> None:
    """As a reviewer does at either desk's page, by the control function's own operation."""
    loop_at_desk(pipeline, loop)
    parameters = {"HumanLoopName": loop, "AnswerContent": answer or ANSWER, "WorkerId": "w1"}
    event = {"Operation": "AnswerHumanLoop", "Parameters": parameters}
    told = pipeline.client("lambda").invoke(
        FunctionName=pipeline.info.outputs["ReviewControlFunctionName"], Payload=json.dumps(event)
    )
    content = json.loads(told["Payload"].read())
    assert "Result" in content, content


def test_waiting_and_answered_reviews_survive_a_stop_and_start_of_everything(pipeline: Pipeline) -> None:
    document, review = waiting_review(pipeline, "restart/blank.pdf")
    answered, its_review = waiting_review(pipeline, "restart/blank too.pdf")
    loop_at_desk(pipeline, f"recto-{its_review}")
    before = pipeline.documents.find(document)
    assert before
    place = Location(bucket=pipeline.reviews_bucket, key="by-hand/answer.json")
    output = {
        "inputContent": {"ReviewId": its_review},
        "humanAnswers": [{"workerId": "w", "answerContent": ANSWER}],
    }
    pipeline.objects.write(place, json.dumps(output).encode())
    assert pipeline.reviews.answer(its_review, place.uri), (
        "claimed, and the callback died before it called back"
    )

    pipeline.runtime.down()
    pipeline.info = pipeline.runtime.up()

    def renewed() -> bool | None:
        row = pipeline.documents.find(document)
        return (row is not None and row.attempt > before.attempt) or None

    wait_for(renewed, 60, lambda: pipeline.documents.find(document))
    ended = pipeline.ended(answered)
    assert (ended.status, ended.attempt) == (Status.PROCESSED, 2), ended.cause
    answer_loop(pipeline, f"recto-{review}")
    ended = pipeline.ended(document)
    assert (ended.status, ended.review_id) == (Status.PROCESSED, review), ended.cause
    assert pipeline.result(document)["Fields"]["Provider Name"]["Value"] == "ACME"


MANY = 10


@pytest.mark.prove
def test_many_reviews_survive_two_restarts_and_are_each_published_once(pipeline: Pipeline) -> None:
    """`benchmarks/reviews_restart.py` does it with 200."""
    rows = pipeline.settled([pipeline.send(blank_page(), f"many/{number}.pdf") for number in range(MANY)])
    assert {row.status for row in rows} == {Status.IN_REVIEW}
    reviews = {row.document_id: row.review_id for row in rows}
    pipeline.no_slot_is_held()

    for _ in range(2):
        attempts = {name: row.attempt for name in reviews if (row := pipeline.documents.find(name))}
        pipeline.runtime.down()
        pipeline.info = pipeline.runtime.up()
        wait_for(
            lambda before=attempts: _all_wait_again(pipeline, before) or None,
            120,
            lambda: [str(pipeline.documents.find(name)) for name in reviews],
        )
        pipeline.no_slot_is_held()

    for number, review in enumerate(reviews.values()):
        assert pipeline.slots.owners() == {}
        answer_loop(pipeline, f"recto-{review}", {"field-value-Provider Name": f"Bank {number}"})
    for number, (document, review) in enumerate(reviews.items()):
        ended = pipeline.ended(document)
        assert (ended.status, ended.review_id, ended.ocr_attempt) == (Status.PROCESSED, review, 1)
        assert pipeline.result(document)["Fields"]["Provider Name"]["Value"] == f"Bank {number}"
        assert pipeline.told(document) == ["DocumentProcessed"]
        ends = [entry for entry in pipeline.documents.history(document) if entry["to"] == "PROCESSED"]
        assert len(ends) == 1


def _all_wait_again(pipeline: Pipeline, before: dict[str, int]) -> bool:
    rows = [pipeline.documents.find(name) for name in before]
    return all(
        row and row.status is Status.IN_REVIEW and row.attempt > before[row.document_id] for row in rows
    )


def test_reprocessing_from_later_steps_pays_for_no_ocr(pipeline: Pipeline) -> None:
    """A result that was published is made again, then reviewed anew; Textract hears of it once."""
    document, review = waiting_review(pipeline, "again/blank.pdf")
    answer_loop(pipeline, f"recto-{review}")
    assert pipeline.ended(document).status is Status.PROCESSED
    started = ocr_jobs(pipeline)

    for step in ("postprocess", "review"):
        reprocess(pipeline, document, step)
        row = wait_for(lambda: _in_review(pipeline, document), 90, lambda: pipeline.documents.find(document))
        assert (row.review_id != review, row.ocr_attempt) == (True, 1)
        answer_loop(pipeline, f"recto-{row.review_id}")
        assert pipeline.ended(document).status is Status.PROCESSED

    assert ocr_jobs(pipeline) == started


def ocr_jobs(pipeline: Pipeline) -> int:
    """OCR jobs that were started since the runtime began, by its log of calls."""
    lines = pipeline.info.access_log.read_text().splitlines()
    return sum("StartDocument" in json.loads(line)["operation"] for line in lines)


def reprocess(pipeline: Pipeline, document: str, step: str) -> None:
    row = pipeline.documents.find(document)
    assert row
    request = ReprocessRequest(
        document_id=document, of_attempt=row.attempt, request_id=f"{step}-{row.attempt}", from_=Step(step)
    )
    told = pipeline.client("lambda").invoke(
        FunctionName=f"{pipeline.info.project}-reprocess", Payload=json.dumps(request.dump())
    )
    assert "FunctionError" not in told, told["Payload"].read()


def _in_review(pipeline: Pipeline, document: str) -> DocumentRow | None:
    row = pipeline.documents.find(document)
    return row if row and row.status is Status.IN_REVIEW else None


def test_an_audit_from_the_function_to_the_table(pipeline: Pipeline) -> None:
    """Blind, answered at the desk, counted; the document stays as it is."""
    document, review = waiting_review(pipeline, "audit/blank.pdf")
    answer_loop(pipeline, f"recto-{review}")
    row = pipeline.ended(document)
    before = pipeline.result(document)
    name = f"recto-{audit_id(document, row.attempt)}"

    told = pipeline.client("lambda").invoke(
        FunctionName=f"{pipeline.info.project}-a2i-audit", Payload=json.dumps({"Document": row.ref().dump()})
    )
    assert "FunctionError" not in told, told["Payload"].read()
    answer_loop(pipeline, name, {**ANSWER, "field-value-Provider Name": "Somebody else"})

    audits = AuditRows(Table(pipeline.info.outputs["DocumentTableName"], "recto-tests"))
    found = wait_for(
        lambda: next((one for one in audits.latest(50) if one.document_id == document), None),
        60,
        lambda: None,
    )
    assert sorted((field, right) for field, _, right in found.values) == [
        ("Card Name", True), ("Provider Name", False),
    ]  # fmt: skip
    assert (pipeline.result(document), pipeline.documents.find(document)) == (before, row)
    wait_for(
        lambda: "AuditCompleted" in pipeline.events_of(document) or None,
        90,
        lambda: pipeline.events_of(document),
    )


def test_a_review_that_nobody_answers_is_escalated_then_fails(pipeline: Pipeline) -> None:
    """By the event of a loop that ended without an answer, since nobody waits ten days here."""
    document, review = waiting_review(pipeline, "expired/blank.pdf")
    event = json.dumps({"LoopName": f"recto-{review}"})

    for wanted in (Status.IN_REVIEW, Status.FAILED):
        told = pipeline.client("lambda").invoke(
            FunctionName=f"{pipeline.info.project}-review-expiry", Payload=event
        )
        assert "FunctionError" not in told, told["Payload"].read()
        row = pipeline.ended(document) if wanted is Status.FAILED else pipeline.documents.find(document)
        assert row
        assert row.status is wanted

    assert row.error == "ReviewExpiredError"
    hear(pipeline, document, "ReviewEscalated", "DocumentFailed")


def hear(pipeline: Pipeline, document: str, *kinds: str) -> None:
    """Wait until these events of the document were told."""
    wait_for(
        lambda: set(kinds) <= set(pipeline.events_of(document)) or None,
        90,
        lambda: pipeline.events_of(document),
    )
