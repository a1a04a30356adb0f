"""Human loops by A2I's own API: boto3 starts, lists, describes and stops them; many answer at once."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from tests.e2e.conftest import Pipeline, wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
ARN = "arn:aws:sagemaker:us-east-1:000000000000:"


class Loops:
    """A flow definition with a template of its own, and its loops."""

    def __init__(self, pipeline: Pipeline, count: int) -> None:
        self.pipeline, self.a2i = pipeline, pipeline.client("sagemaker-a2i-runtime")
        sagemaker, name = pipeline.client("sagemaker"), f"loops-{uuid4().hex[:8]}"
        template = {"Content": "<crowd-form>{{ task.input.text | escape }}</crowd-form>"}
        ui = sagemaker.create_human_task_ui(HumanTaskUiName=name, UiTemplate=template)["HumanTaskUiArn"]
        self.flow = sagemaker.create_flow_definition(
            FlowDefinitionName=name,
            RoleArn="arn:aws:iam::000000000000:role/a2i",
            HumanLoopConfig={
                "WorkteamArn": f"{ARN}workteam/private-crowd/reviewers",
                "HumanTaskUiArn": ui,
                "TaskTitle": "Look",
                "TaskDescription": "Look at it",
                "TaskCount": count,
            },
            OutputConfig={"S3OutputPath": f"s3://{pipeline.reviews_bucket}/others"},
        )["FlowDefinitionArn"]

    def start(self, name: str, content: Any) -> None:
        self.a2i.start_human_loop(
            HumanLoopName=name,
            FlowDefinitionArn=self.flow,
            HumanLoopInput={"InputContent": json.dumps(content)},
        )

    def answer(self, name: str, worker: str, answer: dict[str, Any]) -> dict[str, Any]:
        parameters = {"HumanLoopName": name, "AnswerContent": answer, "WorkerId": worker}
        event = json.dumps({"Operation": "AnswerHumanLoop", "Parameters": parameters}).encode()
        function = self.pipeline.info.outputs["ReviewControlFunctionName"]
        invoked = self.pipeline.client("lambda").invoke(FunctionName=function, Payload=event)
        return json.loads(invoked["Payload"].read())  # type: ignore[no-any-return]

    def status(self, name: str) -> str:
        return str(self.a2i.describe_human_loop(HumanLoopName=name)["HumanLoopStatus"])

    def output(self, name: str) -> dict[str, Any]:
        def completed() -> bool | None:
            return self.status(name) == "Completed" or None

        wait_for(completed, 60, lambda: self.status(name))
        uri = self.a2i.describe_human_loop(HumanLoopName=name)["HumanLoopOutput"]["OutputS3Uri"]
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        body = self.pipeline.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        return json.loads(body)  # type: ignore[no-any-return]


def test_a_boto3_client_starts_lists_describes_and_stops_loops(pipeline: Pipeline) -> None:
    loops, prefix = Loops(pipeline, 2), uuid4().hex[:8]
    names = [f"{prefix}-{number}" for number in range(5)]
    for name in names:
        loops.start(name, {"text": f"täsk <{name}>"})

    pages = loops.a2i.get_paginator("list_human_loops").paginate(
        FlowDefinitionArn=loops.flow, PaginationConfig={"PageSize": 2}
    )
    listed = [each["HumanLoopName"] for page in pages for each in page["HumanLoopSummaries"]]
    loops.a2i.stop_human_loop(HumanLoopName=names[1])
    assert "Result" in loops.answer(names[0], "one", {"seen": True})
    assert loops.status(names[0]) == "InProgress"
    assert "Result" in loops.answer(names[0], "two", {"seen": False})

    assert listed == names[::-1]
    assert loops.status(names[1]) == "Stopped"
    output = loops.output(names[0])
    assert output["inputContent"] == {"text": f"täsk <{names[0]}>"}
    assert [each["workerId"] for each in output["humanAnswers"]] == ["one", "two"]
    loops.a2i.delete_human_loop(HumanLoopName=names[1])
    with pytest.raises(ClientError) as gone:
        loops.a2i.describe_human_loop(HumanLoopName=names[1])
    assert gone.value.response["Error"]["Code"] == "ResourceNotFoundException"


def test_of_many_who_answer_at_once_one_counts_and_no_answer_is_lost(pipeline: Pipeline) -> None:
    loops, name, num_workers = Loops(pipeline, 1), f"race-{uuid4().hex[:8]}", 6
    loops.start(name, {"text": "one wins"})

    def hand_in(number: int) -> dict[str, Any]:
        return loops.answer(name, f"worker-{number}", {"mark": f"mark-{number}"})

    with ThreadPoolExecutor(num_workers) as pool:
        said = list(pool.map(hand_in, range(num_workers)))

    taken = [number for number, each in enumerate(said) if "Result" in each]
    refused = [each["Error"] for each in said if "Error" in each]
    assert len(taken) == 1, said
    (answer,) = loops.output(name)["humanAnswers"]
    assert answer["answerContent"] == {"mark": f"mark-{taken[0]}"}
    assert {error["Code"] for error in refused} <= {"ConflictException", "ValidationException"}
    work = pipeline.info.outputs["WorkBucketName"]
    s3 = pipeline.client("s3")
    keys = [e["Key"] for e in s3.list_objects_v2(Bucket=work, Prefix=f"reviews/{name}/answers/")["Contents"]]
    kept = b"".join(s3.get_object(Bucket=work, Key=key)["Body"].read() for key in keys)
    assert all(f'"mark-{number}"'.encode() in kept for number in range(num_workers))
