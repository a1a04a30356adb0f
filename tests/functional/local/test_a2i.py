"""The stand-in's A2I operations, as real boto3 clients see them: handed on to the deployed function."""

import io
import json
import uuid
import zipfile
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

from tests.functional.local.conftest import Servers, Standins

CODE = """
def lambda_handler(event, context):
    operation, parameters = event["Operation"], event["Parameters"]
    loop = {
        "HumanLoopName": "loop", "HumanLoopArn": "arn:aws:sagemaker:us-east-1:000000000000:human-loop/loop",
        "HumanLoopStatus": "Completed", "CreationTime": 1730538000.5,
        "FlowDefinitionArn": "arn:aws:sagemaker:us-east-1:000000000000:flow-definition/f",
    }
    if operation == "DescribeHumanLoop":
        if parameters["HumanLoopName"] == "none":
            return {"Error": {"Code": "ResourceNotFoundException", "Message": "none does not exist"}}
        return {"Result": loop | {"HumanLoopOutput": {"OutputS3Uri": "s3://b/output.json"}}}
    if operation == "ListHumanLoops":
        return {"Result": {"HumanLoopSummaries": [loop], "NextToken": __import__("json").dumps(parameters)}}
    if operation == "StartHumanLoop":
        if parameters["HumanLoopInput"]["InputContent"] == "{}":
            return {"Error": {"Code": "ConflictException", "Message": "has another input"}}
        return {"Result": {"HumanLoopArn": loop["HumanLoopArn"]}}
    if operation == "StopHumanLoop":
        raise RuntimeError("broken on purpose")
    if operation == "CreateFlowDefinition":
        return {"Error": {"Code": "ResourceInUse", "Message": parameters["FlowDefinitionName"]}}
    return {"Result": {}}
"""
FLOW = "arn:aws:sagemaker:us-east-1:000000000000:flow-definition/f"


@pytest.fixture(scope="module")
def project(servers: Servers) -> str:
    return f"p{uuid.uuid4().hex[:8]}"


@pytest.fixture(scope="module")
def alone(servers: Servers, project: str) -> Standins:
    """Stand-ins of a project of their own, without a control function yet."""
    return servers.start_standins(f"a2i-{project}", "--workers", "1", "--project", project)


@pytest.fixture
def control(alone: Standins, project: str) -> Standins:
    """With a control function that says what it was asked."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("app.py", CODE)
    name = f"{project}-control-{uuid.uuid4().hex[:6]}"
    alone.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.11",
        Role="arn:aws:iam::000000000000:role/control",
        Handler="app.lambda_handler",
        Code={"ZipFile": archive.getvalue()},
    )
    parameter = f"/{project}/static/ReviewControlFunction"
    alone.client("ssm").put_parameter(Name=parameter, Value=name, Type="String", Overwrite=True)
    return alone


def refused(call: Any, **parameters: Any) -> tuple[str, str, int]:
    with pytest.raises(ClientError) as error:
        call(**parameters)
    found, response = error.value.response["Error"], error.value.response["ResponseMetadata"]
    return found["Code"], found["Message"], response["HTTPStatusCode"]


def test_without_a_deployed_function_the_parameter_that_is_missing_is_told(alone: Standins) -> None:
    code, message, status = refused(
        alone.client("sagemaker-a2i-runtime").describe_human_loop, HumanLoopName="loop"
    )

    assert (code, status) == ("InternalFailure", 500)
    assert "static/ReviewControlFunction" in message


def test_parameters_and_results_go_through(control: Standins) -> None:
    client = control.client("sagemaker-a2i-runtime")
    after = datetime(2026, 11, 2, tzinfo=UTC)

    started = client.start_human_loop(
        HumanLoopName="loop", FlowDefinitionArn=FLOW, HumanLoopInput={"InputContent": '{"ä": 1}'}
    )
    found = client.describe_human_loop(HumanLoopName="loop")
    listed = client.list_human_loops(
        FlowDefinitionArn=FLOW, CreationTimeAfter=after, MaxResults=7, SortOrder="Ascending"
    )
    client.delete_human_loop(HumanLoopName="loop")

    assert started["HumanLoopArn"] == found["HumanLoopArn"]
    assert found["CreationTime"] == datetime.fromtimestamp(1730538000.5, UTC)
    assert found["HumanLoopOutput"] == {"OutputS3Uri": "s3://b/output.json"}
    asked = json.loads(listed["NextToken"])
    assert datetime.fromisoformat(asked.pop("CreationTimeAfter")) == after
    assert asked == {"FlowDefinitionArn": FLOW, "MaxResults": 7, "SortOrder": "Ascending"}


def test_refusals_and_faults_have_the_services_codes_and_statuses(control: Standins) -> None:
    client, sagemaker = control.client("sagemaker-a2i-runtime"), control.client("sagemaker")
    role, output = "arn:aws:iam::000000000000:role/a2i", {"S3OutputPath": "s3://b/r"}

    absent = refused(client.describe_human_loop, HumanLoopName="none")
    conflict = refused(
        client.start_human_loop,
        HumanLoopName="l",
        FlowDefinitionArn=FLOW,
        HumanLoopInput={"InputContent": "{}"},
    )
    taken = refused(
        sagemaker.create_flow_definition, FlowDefinitionName="f", RoleArn=role, OutputConfig=output
    )
    fault = refused(client.stop_human_loop, HumanLoopName="loop")

    assert absent == ("ResourceNotFoundException", "none does not exist", httpx.codes.NOT_FOUND)
    assert conflict == ("ConflictException", "has another input", httpx.codes.CONFLICT)
    assert taken == ("ResourceInUse", "f", httpx.codes.BAD_REQUEST)
    assert (fault[0], fault[2]) == ("InternalFailure", httpx.codes.INTERNAL_SERVER_ERROR)
    assert "broken on purpose" in fault[1]
