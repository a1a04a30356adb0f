"""The stand-in's labelling operations: handed on to the deployed control plane, its refusals too."""

import io
import json
import uuid
import zipfile
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from recto_local.standins.labelling import OPERATIONS
from recto_workbench.steps.control import OPERATIONS as ANSWERED
from tests.functional.local.conftest import Servers, Standins

CODE = """
def lambda_handler(event, context):
    operation, parameters = event["Operation"], event["Parameters"]
    if operation == "DescribeLabelingJob":
        message = parameters["LabelingJobName"] + " is not there"
        return {"Error": {"Code": "ResourceNotFound", "Message": message}}
    if operation == "StopLabelingJob":
        raise RuntimeError("broken on purpose")
    if operation == "ListLabelingJobs":
        after = str(parameters.get("CreationTimeAfter"))
        return {"Result": {"LabelingJobSummaryList": [], "NextToken": after}}
    return {"Result": {"WorkteamArn": parameters["Description"]}}
"""


@pytest.fixture(scope="module")
def project(servers: Servers) -> str:
    return f"p{uuid.uuid4().hex[:8]}"


@pytest.fixture(scope="module")
def labelling(servers: Servers, project: str) -> Standins:
    """Stand-ins of a project of their own, without a control plane yet."""
    return servers.start_standins(f"labelling-{project}", "--workers", "1", "--project", project)


@pytest.fixture
def control(labelling: Standins, project: str) -> Standins:
    """With a control plane that says what it was asked."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("app.py", CODE)
    functions, name = labelling.client("lambda"), f"{project}-control-{uuid.uuid4().hex[:6]}"
    functions.create_function(
        FunctionName=name,
        Runtime="python3.11",
        Role="arn:aws:iam::000000000000:role/control",
        Handler="app.lambda_handler",
        Code={"ZipFile": archive.getvalue()},
    )
    parameter = f"/{project}/static/LabellingControlFunction"
    labelling.client("ssm").put_parameter(Name=parameter, Value=name, Type="String", Overwrite=True)
    return labelling


def refused(call: Any, **parameters: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as error:
        call(**parameters)
    found = error.value.response["Error"]
    return found["Code"], found["Message"]


def test_the_stand_in_knows_the_operations_of_the_control_plane() -> None:
    assert set(ANSWERED) == OPERATIONS


def test_without_a_deployed_control_plane_the_parameter_that_is_missing_is_told(labelling: Standins) -> None:
    code, message = refused(labelling.client("sagemaker").list_workteams)

    assert code == "InternalFailure"
    assert "static/LabellingControlFunction" in message


def test_parameters_and_results_go_through(control: Standins) -> None:
    sagemaker = control.client("sagemaker")
    member = {"UserPool": "us-east-1_a", "UserGroup": "g", "ClientId": "c"}
    arn = "arn:aws:sagemaker:us-east-1:000000000000:workteam/private-crowd/ä"

    made = sagemaker.create_workteam(
        WorkteamName="t", Description=arn, MemberDefinitions=[{"CognitoMemberDefinition": member}]
    )
    listed = sagemaker.list_labeling_jobs(CreationTimeAfter=datetime(2026, 11, 2, tzinfo=UTC))

    assert made["WorkteamArn"] == arn
    assert float(json.loads(listed["NextToken"])) == datetime(2026, 11, 2, tzinfo=UTC).timestamp()


def test_refusals_and_faults_have_codes(control: Standins) -> None:
    sagemaker = control.client("sagemaker")

    assert refused(sagemaker.describe_labeling_job, LabelingJobName="a") == (
        "ResourceNotFound", "a is not there",
    )  # fmt: skip
    code, message = refused(sagemaker.stop_labeling_job, LabelingJobName="a")
    assert code == "InternalFailure"
    assert "broken on purpose" in message
