"""`recto clean`: what costs money goes after a yes; documents only after the project's name was typed."""

import boto3
import pytest
from moto.core import set_initial_no_auth_action_count

from recto_cli import cleaning
from recto_cli.cleaning import Costly, Unseen, beside_the_stack
from recto_cli.main import app
from recto_cli.stack import Stack, read_stack
from tests.unit.cli.conftest import PROJECT
from tests.unit.cli.test_main import invoke, no_runtime, runner

__all__ = ["no_runtime"]
ROLE = "arn:aws:iam::123456789012:role/r"


@pytest.fixture(autouse=True)
def no_labelling_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one kind of job that moto cannot list."""
    kept = tuple(kind for kind in cleaning.JOBS if kind.words != "labelling job")
    monkeypatch.setattr(cleaning, "JOBS", kept)


def make_model(name: str) -> None:
    image = {"Image": "i", "ModelDataUrl": "s3://work/model.tar.gz"}
    boto3.client("sagemaker").create_model(ModelName=name, PrimaryContainer=image, ExecutionRoleArn=ROLE)


def make_endpoint(name: str, config: str = "", model: str = "") -> None:
    """All three under one name, where no other is said."""
    sagemaker = boto3.client("sagemaker")
    make_model(model or name)
    variant = {
        "VariantName": "all", "ModelName": model or name, "InitialInstanceCount": 1,
        "InstanceType": "ml.m5.large", "InitialVariantWeight": 1.0,
    }  # fmt: skip
    sagemaker.create_endpoint_config(EndpointConfigName=config or name, ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config or name)


@pytest.fixture
def endpoint(stack: Stack) -> Stack:
    """An endpoint of the project, another project's, and a model that no endpoint has."""
    make_endpoint(f"{PROJECT}-words")
    make_endpoint("payroll-words")
    make_model(f"{PROJECT}-old")
    boto3.client("ssm").put_parameter(
        Name=f"/{PROJECT}/static/WorkbenchTable", Value="workbench", Type="String"
    )
    return read_stack(PROJECT)


def names() -> tuple[list[str], list[str]]:
    sagemaker = boto3.client("sagemaker")
    endpoints = [each["EndpointName"] for each in sagemaker.list_endpoints()["Endpoints"]]
    return sorted(endpoints), sorted(each["ModelName"] for each in sagemaker.list_models()["Models"])


def test_what_costs_is_found_by_the_projects_name(endpoint: Stack) -> None:
    found = [str(each) for each in beside_the_stack(endpoint) if isinstance(each, Costly)]

    assert found == [f"endpoint {PROJECT}-words", f"model {PROJECT}-old"]


def test_another_project_whose_name_begins_alike_keeps_its_own(endpoint: Stack) -> None:
    boto3.client("ssm").put_parameter(
        Name=f"/{PROJECT}-dev/static/StackName", Value=f"{PROJECT}-dev", Type="String"
    )
    make_endpoint(f"{PROJECT}-dev-words")
    make_endpoint(f"{PROJECT}-device-words")
    make_model(f"{PROJECT}-dev-old")
    boto3.client("sagemaker").create_training_job(
        TrainingJobName=f"{PROJECT}-dev-train",
        AlgorithmSpecification={"TrainingImage": "i", "TrainingInputMode": "File"},
        RoleArn=ROLE,
        OutputDataConfig={"S3OutputPath": "s3://work/out"},
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        StoppingCondition={"MaxRuntimeInSeconds": 60},
    )

    found = [str(each) for each in beside_the_stack(endpoint)]

    assert found == [
        f"endpoint {PROJECT}-device-words", f"endpoint {PROJECT}-words", f"model {PROJECT}-old",
    ]  # fmt: skip


def test_jobs_are_told_apart_by_project_too(endpoint: Stack) -> None:
    boto3.client("ssm").put_parameter(Name=f"/{PROJECT}-dev/static/StackName", Value="x", Type="String")

    assert cleaning._own(endpoint, [f"{PROJECT}-train", f"{PROJECT}-dev-train"]) == [f"{PROJECT}-train"]


def test_what_an_endpoint_has_is_asked_and_not_guessed_by_its_name(endpoint: Stack) -> None:
    make_endpoint("payroll-of-ours", config=f"{PROJECT}-second", model=f"{PROJECT}-elsewhere")
    make_model(f"{PROJECT}-words-before")

    found = [str(each) for each in beside_the_stack(endpoint) if isinstance(each, Costly)]

    assert found == [
        f"endpoint {PROJECT}-words", f"model {PROJECT}-old", f"model {PROJECT}-words-before",
    ]  # fmt: skip


def test_it_goes_after_a_yes_and_nothing_of_others_does(endpoint: Stack) -> None:
    dry = invoke("clean", "--dry-run")
    asked = invoke("clean")
    before = names()
    code, output = invoke("clean", "--yes")

    assert (dry[0], asked[0]) == (0, 1)
    assert before[0] == ["payroll-words", f"{PROJECT}-words"]
    assert (code, f"removed endpoint {PROJECT}-words" in output) == (0, True)
    assert names() == (["payroll-words"], ["payroll-words"])


def test_what_the_pipeline_uses_is_left_and_said(endpoint: Stack) -> None:
    boto3.client("ssm").put_parameter(
        Name=f"/{PROJECT}/config/SageMakerEndpointName", Value=f"{PROJECT}-words", Type="String"
    )

    code, output = invoke("clean", "--yes")

    assert (code, f"removed model {PROJECT}-old" in output) == (1, True)
    assert names()[0] == ["payroll-words", f"{PROJECT}-words"]


@set_initial_no_auth_action_count(0)
def test_what_one_may_not_look_for_is_said(account: None) -> None:
    found = beside_the_stack(Stack(PROJECT, {}))

    assert len(found) == 2 + len(cleaning.JOBS)
    assert all(isinstance(each, Unseen) and each.why for each in found)


@pytest.fixture
def filled(endpoint: Stack) -> Stack:
    """Documents in two versions, and the second table."""
    s3 = boto3.client("s3")
    for body in (b"1", b"2"):
        s3.put_object(Bucket="inbox", Key="a.pdf", Body=body)
    s3.delete_object(Bucket="inbox", Key="a.pdf")
    boto3.client("dynamodb").create_table(
        TableName="workbench",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
    )
    return endpoint


@pytest.mark.parametrize("typed", ["", "yes", "recto"])
def test_no_document_goes_without_the_projects_name(filled: Stack, typed: str) -> None:
    outcome = runner.invoke(app, ["--project", PROJECT, "clean", "--yes", "--data"], input=f"{typed}\n")

    assert outcome.exit_code == 1
    assert len(boto3.client("s3").list_object_versions(Bucket="inbox")["Versions"]) == 2


def test_with_the_name_everything_goes_for_good(filled: Stack) -> None:
    outcome = runner.invoke(app, ["--project", PROJECT, "clean", "--yes", "--data"], input=f"{PROJECT}\n")

    assert outcome.exit_code == 0, outcome.output
    assert "bucket inbox: 3 object versions" in outcome.output
    assert boto3.client("s3").list_buckets()["Buckets"] == []
    assert boto3.client("dynamodb").list_tables()["TableNames"] == []
