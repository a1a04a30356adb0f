"""A waiting review survives a stop and start of everything; Amazon A2I can be the desk instead."""

import json

import pytest

from recto.messages import Status
from recto.places import Location
from tests.e2e.conftest import Pipeline, wait_for
from tests.e2e.test_1_pipeline import hand_in
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
    state = pipeline.client("sagemaker-a2i-runtime").describe_human_loop(HumanLoopName=loop.loop_name)
    assert state["HumanLoopStatus"] == "InProgress"

    answer_loop(pipeline, loop.loop_name)

    ended = pipeline.ended(document)
    assert (ended.status, ended.cause) == (Status.PROCESSED, "")
    assert pipeline.result(document)["Fields"]["Card Name"]["Values"][0]["Value"] == "Gold Card"


def answer_loop(pipeline: Pipeline, loop: str) -> None:
    """As a worker does in A2I's own page, which the desk's own operation replaces for programs."""
    answer = {"HumanLoopName": loop, "AnswerContent": ANSWER, "WorkerId": "w1"}
    event = json.dumps({"Operation": "AnswerHumanLoop", "Parameters": answer}).encode()
    function = pipeline.info.outputs["ReviewControlFunctionName"]
    said = json.loads(
        pipeline.client("lambda").invoke(FunctionName=function, Payload=event)["Payload"].read()
    )
    assert "Result" in said, said


def test_waiting_and_answered_reviews_survive_a_stop_and_start_of_everything(pipeline: Pipeline) -> None:
    document, review = waiting_review(pipeline, "restart/blank.pdf")
    answered, its_review = waiting_review(pipeline, "restart/blank too.pdf")
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
    hand_in(pipeline, review, ANSWER)
    ended = pipeline.ended(document)
    assert (ended.status, ended.review_id) == (Status.PROCESSED, review), ended.cause
    assert pipeline.result(document)["Fields"]["Provider Name"]["Value"] == "ACME"
