"""The A2I and flow definition stand-ins, as real boto3 clients see the services."""

import json
import re
import uuid
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

from recto_local.processes import wait_until
from tests.functional.local.conftest import Servers, Standins

ROLE = "arn:aws:iam::000000000000:role/recto-a2i"


@pytest.fixture
def flow(standins: Standins) -> str:
    return new_flow(standins)


def new_flow(standins: Standins, **more: Any) -> str:
    answer = standins.client("sagemaker").create_flow_definition(
        FlowDefinitionName=f"flow-{uuid.uuid4().hex}", RoleArn=ROLE,
        OutputConfig={"S3OutputPath": "s3://documents/reviews/"}, **more,
    )  # fmt: skip
    return str(answer["FlowDefinitionArn"])


def worked(count: int, **more: Any) -> dict[str, Any]:
    arn = "arn:aws:sagemaker:us-east-1:000000000000:{}/private-crowd/team"
    return {
        "HumanLoopConfig": {
            "WorkteamArn": arn.format("workteam"), "HumanTaskUiArn": arn.format("human-task-ui"),
            "TaskTitle": "t", "TaskDescription": "d", "TaskCount": count, **more,
        }
    }  # fmt: skip


def new_loop(standins: Standins, flow: str, content: Any = None) -> str:
    name = f"loop-{uuid.uuid4().hex}"
    standins.client("sagemaker-a2i-runtime").start_human_loop(
        HumanLoopName=name, FlowDefinitionArn=flow,
        HumanLoopInput={"InputContent": json.dumps(content or {"TaskObject": "s3://b/k"})},
    )  # fmt: skip
    return name


def answer(standins: Standins, name: str, content: dict[str, Any], **more: Any) -> httpx.Response:
    body = {"answerContent": content, **more}
    return httpx.post(standins.url(f"/_local/human-loops/{name}/answer"), json=body, trust_env=False)


def output_of(standins: Standins, name: str) -> tuple[str, dict[str, Any]]:
    loop = standins.client("sagemaker-a2i-runtime").describe_human_loop(HumanLoopName=name)
    uri = loop["HumanLoopOutput"]["OutputS3Uri"]
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    body = standins.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    return uri, json.loads(body)


def test_an_answer_completes_the_loop_and_lands_where_a2i_writes_it(standins: Standins, flow: str) -> None:
    name = new_loop(standins, flow, {"TaskObject": "s3://b/k", "ModelResult": {"Fields": {}}})

    done = answer(
        standins, name, {"field-value-Total": "12.50"}, workerId="worker-7", timeSpentInSeconds=12.5
    )

    assert done.json()["HumanLoopStatus"] == "Completed"
    uri, output = output_of(standins, name)
    flow_name = flow.rpartition("/")[2]
    assert re.fullmatch(rf"s3://documents/reviews/{flow_name}/\d{{4}}(/\d\d){{5}}/{name}/output\.json", uri)
    assert output["flowDefinitionArn"] == flow
    assert output["humanLoopName"] == name
    assert output["inputContent"] == {"TaskObject": "s3://b/k", "ModelResult": {"Fields": {}}}
    human = output["humanAnswers"][0]
    assert human["answerContent"] == {"field-value-Total": "12.50"}
    assert (human["workerId"], human["timeSpentInSeconds"]) == ("worker-7", 12.5)
    assert {"acceptanceTime", "submissionTime", "workerMetadata"} <= set(human)


def test_a_loop_waits_for_as_many_answers_as_its_flow_wants(standins: Standins) -> None:
    name = new_loop(standins, new_flow(standins, **worked(2)))

    first = answer(standins, name, {"a": True}, workerId="one")
    second = answer(standins, name, {"a": False}, workerId="two")
    third = answer(standins, name, {"a": False}, workerId="three")

    assert [first.json()["HumanLoopStatus"], second.json()["HumanLoopStatus"]] == ["InProgress", "Completed"]
    assert third.status_code == httpx.codes.CONFLICT
    assert [a["workerId"] for a in output_of(standins, name)[1]["humanAnswers"]] == ["one", "two"]


def test_the_same_loop_again_is_the_same_and_other_input_a_conflict(standins: Standins, flow: str) -> None:
    client, name = standins.client("sagemaker-a2i-runtime"), f"loop-{uuid.uuid4().hex}"
    request = {"HumanLoopName": name, "FlowDefinitionArn": flow}
    first = client.start_human_loop(**request, HumanLoopInput={"InputContent": '{"a": 1}'})

    again = client.start_human_loop(**request, HumanLoopInput={"InputContent": '{"a": 1}'})
    with pytest.raises(client.exceptions.ConflictException):
        client.start_human_loop(**request, HumanLoopInput={"InputContent": '{"a": 2}'})

    assert again["HumanLoopArn"] == first["HumanLoopArn"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"HumanLoopName": "Upper-Case"}, "HumanLoopName"),
        ({"HumanLoopName": "a" * 64}, "HumanLoopName"),
        ({"HumanLoopInput": {"InputContent": json.dumps("x" * 3 * 1024 * 1024)}}, "InputContent"),
        ({"HumanLoopInput": {"InputContent": "not json"}}, "InputContent"),
        (
            {"FlowDefinitionArn": "arn:aws:sagemaker:us-east-1:000000000000:flow-definition/none"},
            "Flow definition",
        ),
    ],
)
def test_what_a2i_refuses_is_refused(
    standins: Standins, flow: str, change: dict[str, Any], says: str
) -> None:
    client = standins.client("sagemaker-a2i-runtime")
    request = {"HumanLoopName": "fine", "FlowDefinitionArn": flow, "HumanLoopInput": {"InputContent": "{}"}}

    with pytest.raises(ClientError) as refused:
        client.start_human_loop(**(request | change))

    assert refused.value.response["Error"]["Code"] == "ValidationException"
    assert says in refused.value.response["Error"]["Message"]


def test_loops_are_listed_in_pages_newest_first(standins: Standins, flow: str) -> None:
    names = [new_loop(standins, flow) for _ in range(3)]
    client = standins.client("sagemaker-a2i-runtime")

    pages = client.get_paginator("list_human_loops").paginate(
        FlowDefinitionArn=flow, PaginationConfig={"PageSize": 2}
    )

    sizes = [[s["HumanLoopName"] for s in page["HumanLoopSummaries"]] for page in pages]
    assert [len(page) for page in sizes] == [2, 1]
    assert [name for page in sizes for name in page] == names[::-1]


def test_a_stopped_loop_takes_no_answer_and_can_be_deleted(standins: Standins, flow: str) -> None:
    client, name = standins.client("sagemaker-a2i-runtime"), new_loop(standins, flow)

    client.stop_human_loop(HumanLoopName=name)

    assert client.describe_human_loop(HumanLoopName=name)["HumanLoopStatus"] == "Stopped"
    assert answer(standins, name, {}).status_code == httpx.codes.CONFLICT
    client.delete_human_loop(HumanLoopName=name)
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.describe_human_loop(HumanLoopName=name)


def test_a_loop_that_nobody_answers_in_time_has_failed(standins: Standins) -> None:
    flow = new_flow(standins, **worked(1, TaskAvailabilityLifetimeInSeconds=1))
    name = new_loop(standins, flow)
    client = standins.client("sagemaker-a2i-runtime")

    def expired() -> bool:
        return bool(client.describe_human_loop(HumanLoopName=name)["HumanLoopStatus"] == "Failed")

    assert wait_until(expired, 5)
    assert client.describe_human_loop(HumanLoopName=name)["FailureCode"] == "Expired"


def test_flow_definitions_are_kept_listed_and_deleted(standins: Standins) -> None:
    client, arn = standins.client("sagemaker"), new_flow(standins)
    name = arn.rpartition("/")[2]

    found = client.describe_flow_definition(FlowDefinitionName=name)
    listed = client.list_flow_definitions(MaxResults=100)["FlowDefinitionSummaries"]
    with pytest.raises(client.exceptions.ResourceInUse):
        client.create_flow_definition(
            FlowDefinitionName=name, RoleArn=ROLE, OutputConfig={"S3OutputPath": "s3://documents/reviews"}
        )
    client.delete_flow_definition(FlowDefinitionName=name)

    assert (found["FlowDefinitionArn"], found["FlowDefinitionStatus"]) == (arn, "Active")
    assert name in {flow["FlowDefinitionName"] for flow in listed}
    with pytest.raises(client.exceptions.ResourceNotFound):
        client.describe_flow_definition(FlowDefinitionName=name)


def test_loops_survive_a_restart(servers: Servers, standins: Standins) -> None:
    first = servers.start_standins("a2i-restarted", "--workers", "1")
    name = new_loop(first, new_flow(first), {"kept": True})

    second = first.restarted()

    task = httpx.get(second.url(f"/_local/human-loops/{name}"), trust_env=False).json()
    assert (task["HumanLoopStatus"], task["InputContent"]) == ("InProgress", {"kept": True})
    assert answer(second, name, {"x": 1}).json()["HumanLoopStatus"] == "Completed"
