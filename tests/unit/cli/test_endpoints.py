"""Endpoints of models: what their requests say, how they are made, connected, registered and removed."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from typer.testing import CliRunner

from recto.aws.sagemaker import SageMakerEndpoints
from recto.errors import ConfigurationError, ModelFailedError, ServiceUnavailableError
from recto.steps.async_inference import MODEL, require_usable
from recto.steps.make_release import publish_release
from recto_cli import endpoints, model_archives
from recto_cli.endpoints import Choices, EndpointPlan, Kind
from recto_cli.main import app
from recto_cli.stack import Stack, read_stack
from recto_local.standins.sagemaker_endpoints import Endpoints
from recto_local.standins.shapes import checked, operation_model
from tests.unit.cli.conftest import NAMES, PROJECT
from tests.unit.releases import changed, contents

ROLE = "arn:aws:iam::111122223333:role/recto-model"
REGISTRY = "111122223333.dkr.ecr.us-east-1.amazonaws.com/recto-test-images"
ARCHIVE = "s3://work/models/recto-test-words-0123456789ab/model.tar.gz"
NAME = "recto-test-words"
runner = CliRunner()


@pytest.fixture
def deployed(stack: Stack, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Stack:
    monkeypatch.setenv("RECTO_HOME", str(tmp_path / "home"))
    names = {
        "static/ImageRegistry": REGISTRY,
        "static/ModelEndpointRoleArn": ROLE,
        "static/ThumbnailEndpointRoleArn": f"{ROLE}-thumbnails",
        "config/SageMakerEndpointName": "undefined",
        "config/ThumbnailEndpointName": "undefined",
    }
    for name, value in names.items():
        boto3.client("ssm").put_parameter(Name=f"/{PROJECT}/{name}", Value=value, Type="String")
    return read_stack(PROJECT)


def plan(stack: Stack, **choices: Any) -> EndpointPlan:
    """On a machine that moto knows too."""
    return endpoints.plan_of(Choices("words", **{"instance_type": "ml.m5.xlarge", **choices}), ARCHIVE, stack)


def valid(operation: str, request: dict[str, Any]) -> dict[str, Any]:
    """The request, held against SageMaker's own model: names, types, lengths, patterns, lists of values."""
    model = operation_model("sagemaker", operation)
    assert model
    assert model.input_shape
    assert set(request) <= set(model.input_shape.members)
    return checked(model, request)


@pytest.mark.parametrize("kind", Kind)
def test_every_request_is_one_that_sagemakers_model_allows(deployed: Stack, kind: Kind) -> None:
    for operation, request in plan(deployed, kind=kind, environment={"INFERENCE_THREADS": "4"}).requests():
        assert valid(operation, request) == request


def test_the_container_is_told_its_kind_and_allows_large_payloads(deployed: Stack) -> None:
    container = plan(deployed, kind=Kind.THUMBNAILS).model_request()["PrimaryContainer"]

    assert container["Environment"]["RECTO_KIND"] == "thumbnails"
    assert int(container["Environment"]["MAX_REQUEST_BYTES"]) == 1024**3
    assert container["Image"] == f"{REGISTRY}/recto-model:latest"
    assert container["ModelDataUrl"] == ARCHIVE


@pytest.mark.parametrize(("kind", "told"), [(Kind.WORD, "true"), (Kind.NORMALISER, "false")])
def test_the_container_is_told_whether_it_is_asynchronous(deployed: Stack, kind: Kind, told: str) -> None:
    """Its role may not ask SageMaker."""
    container = plan(deployed, kind=kind).model_request()["PrimaryContainer"]

    assert container["Environment"]["RECTO_ANSWERS_INTO_S3"] == told


def test_each_kind_has_the_role_that_the_stack_made_for_it(deployed: Stack) -> None:
    assert plan(deployed).role == ROLE
    assert plan(deployed, kind=Kind.THUMBNAILS).role == f"{ROLE}-thumbnails"


@pytest.mark.parametrize("kind", [Kind.WORD, Kind.THUMBNAILS])
def test_an_asynchronous_endpoint_is_one_that_the_pipeline_can_use(
    deployed: Stack, kind: Kind, tmp_path: Path
) -> None:
    sagemaker = Endpoints(tmp_path / "sagemaker", "us-east-1", now=lambda: 0.0)
    for operation, request in plan(deployed, kind=kind).requests():
        sagemaker.call(operation, request)
    adapter = SageMakerEndpoints("test")
    adapter._sagemaker = SimpleNamespace(
        describe_endpoint=lambda **request: sagemaker.call("DescribeEndpoint", request)
    )

    require_usable(NAME, adapter.describe(NAME), NAMES["static/ModelCallbackTopicArn"], "work", MODEL)


def test_a_normaliser_is_synchronous_since_a_state_asks_it(deployed: Stack) -> None:
    assert "AsyncInferenceConfig" not in plan(deployed, kind=Kind.NORMALISER).config_request()


def test_requests_at_once_are_what_was_said(deployed: Stack) -> None:
    config = plan(deployed, max_concurrent=7).config_request()["AsyncInferenceConfig"]

    assert config["ClientConfig"]["MaxConcurrentInvocationsPerInstance"] == 7


@pytest.mark.parametrize(
    ("choices", "told"),
    [
        ({"instance_type": "ml.c7i.huge"}, r"ml\.c7i\.huge.*there are ml\.c7i\.large"),
        ({"instance_type": "gpu"}, "instance type 'gpu'"),
        ({"max_concurrent": 0}, "max_concurrent"),
    ],
)
def test_what_sagemaker_does_not_have_is_refused_before_any_call(
    deployed: Stack, choices: dict[str, Any], told: str
) -> None:
    with pytest.raises(ConfigurationError, match=told):
        plan(deployed, **choices)

    assert boto3.client("sagemaker").list_models()["Models"] == []


def test_a_name_that_is_no_endpoints_is_refused(deployed: Stack) -> None:
    with pytest.raises(ConfigurationError, match="name"):
        endpoints.plan_of(Choices("two words"), ARCHIVE, deployed)


def test_nothing_is_left_behind_where_a_later_request_is_refused(
    deployed: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = plan(deployed)
    monkeypatch.setattr(
        EndpointPlan, "endpoint_request", lambda self: {"EndpointName": NAME, "EndpointConfigName": "another"}
    )

    with pytest.raises(Exception, match="another"):
        endpoints.make_endpoint(broken)

    sagemaker = boto3.client("sagemaker")
    assert sagemaker.list_models()["Models"] == []
    assert sagemaker.list_endpoint_configs()["EndpointConfigs"] == []


def test_an_endpoint_that_is_there_is_not_made_again(deployed: Stack) -> None:
    endpoints.make_endpoint(plan(deployed))

    with pytest.raises(ConfigurationError, match=f"recto undeploy {NAME}"):
        endpoints.make_endpoint(plan(deployed))


def states(*found: dict[str, Any] | None) -> Callable[[str], dict[str, Any] | None]:
    rest = iter(found)
    return lambda _: next(rest)


def test_a_wait_ends_when_the_endpoint_is_in_service(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(
        endpoints, "describe", states({"EndpointStatus": "Creating"}, {"EndpointStatus": "InService"})
    )

    endpoints.wait_until_ready(NAME, say=said.append, sleep=lambda _: None)

    assert said == [f"endpoint {NAME}: Creating"]


def test_a_wait_tells_why_an_endpoint_failed_or_that_it_takes_too_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    failed = {"EndpointStatus": "Failed", "FailureReason": "no such image"}
    monkeypatch.setattr(endpoints, "describe", lambda _: failed)
    with pytest.raises(ModelFailedError, match="no such image"):
        endpoints.wait_until_ready(NAME)

    monkeypatch.setattr(endpoints, "describe", lambda _: {"EndpointStatus": "Creating"})
    with pytest.raises(ServiceUnavailableError, match="still Creating after 30 s"):
        endpoints.wait_until_ready(NAME, timeout=30, sleep=lambda _: None)


def test_a_connected_endpoint_is_named_by_its_parameter_and_cannot_be_removed(deployed: Stack) -> None:
    endpoints.make_endpoint(plan(deployed))
    name = endpoints.connect(plan(deployed), deployed)

    value = boto3.client("ssm").get_parameter(Name=name)["Parameter"]["Value"]
    assert (name, value) == (f"/{PROJECT}/config/SageMakerEndpointName", NAME)
    with pytest.raises(ConfigurationError, match="connected by config/SageMakerEndpointName"):
        endpoints.remove_endpoint(NAME, read_stack(PROJECT))


def test_an_endpoint_of_the_release_in_use_cannot_be_removed(deployed: Stack) -> None:
    endpoints.make_endpoint(plan(deployed))
    files = contents(backend="sagemaker", endpoint=NAME)
    prefix = publish_release(files, deployed.objects, deployed.work)
    boto3.client("ssm").put_parameter(Name=f"/{PROJECT}/config/Release", Value=prefix, Overwrite=True)

    with pytest.raises(ConfigurationError, match="named by the release in use"):
        endpoints.remove_endpoint(NAME, read_stack(PROJECT))


def test_a_normaliser_of_the_release_in_use_cannot_be_removed(deployed: Stack) -> None:
    endpoints.make_endpoint(plan(deployed, kind=Kind.NORMALISER))
    asks = {"NormalizerEndpoint": NAME, "NormalizerPrompt": "As written: "}
    prefix = publish_release(contents(changed(Total=asks)), deployed.objects, deployed.work)
    boto3.client("ssm").put_parameter(Name=f"/{PROJECT}/config/Release", Value=prefix, Overwrite=True)

    with pytest.raises(ConfigurationError, match="rewrites Total of the release in use"):
        endpoints.remove_endpoint(NAME, read_stack(PROJECT))


def test_an_endpoint_that_cannot_be_removed_yet_is_not_said_to_be(
    deployed: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoints.make_endpoint(plan(deployed))
    monkeypatch.setattr(endpoints, "describe", lambda _: {"EndpointStatus": "Creating"})

    with pytest.raises(ConfigurationError, match=f"{NAME} is Creating: .* costs while it is there"):
        endpoints.remove_endpoint(NAME, deployed)
    assert boto3.client("sagemaker").list_endpoint_configs()["EndpointConfigs"]


@pytest.mark.usefixtures("deployed")
def test_only_a_name_that_sagemaker_does_not_know_counts_as_removed() -> None:
    sagemaker = boto3.client("sagemaker", "us-east-1")
    with Stubber(sagemaker) as stubber:
        stubber.add_client_error("delete_endpoint", "ValidationException", 'Could not find endpoint "x".')
        stubber.add_client_error(
            "delete_endpoint", "ValidationException", "Cannot update in-progress endpoint"
        )

        assert not endpoints._delete(sagemaker, "Endpoint", NAME)
        with pytest.raises(ConfigurationError, match="in-progress"):
            endpoints._delete(sagemaker, "Endpoint", NAME)


def test_a_normaliser_is_connected_by_its_fields(deployed: Stack) -> None:
    with pytest.raises(ConfigurationError, match=f"NormalizerEndpoint {NAME}"):
        endpoints.connect(plan(deployed, kind=Kind.NORMALISER), deployed)


def test_a_normaliser_that_is_to_be_connected_is_refused_before_anything_is_made(deployed: Stack) -> None:
    words = ["deploy-model", "runs/dates", "--kind", "normaliser", "--endpoint", "words", "--connect"]

    result = runner.invoke(app, ["--project", PROJECT, *words])

    assert result.exit_code != 0
    assert boto3.client("sagemaker").list_models()["Models"] == []


def test_endpoint_configuration_and_model_go_together(deployed: Stack) -> None:
    endpoints.make_endpoint(plan(deployed))

    removed = endpoints.remove_endpoint(NAME, deployed)

    assert removed == [f"endpoint {NAME}", f"configuration {NAME}", f"model {NAME}"]
    sagemaker = boto3.client("sagemaker")
    assert not sagemaker.list_endpoints()["Endpoints"]
    assert not sagemaker.list_endpoint_configs()["EndpointConfigs"]
    assert not sagemaker.list_models()["Models"]
    assert endpoints.remove_endpoint(NAME, deployed) == []


def test_the_registrys_requests_are_ones_that_sagemakers_model_allows(deployed: Stack) -> None:
    request = endpoints.package_request(
        "words", plan(deployed), approved=True, figures={"eval_f1": 0.91, "note": "x"}
    )

    assert valid("CreateModelPackage", request) == request
    assert valid("CreateModelPackageGroup", endpoints.group_request("words", PROJECT))
    assert request["CustomerMetadataProperties"] == {"eval_f1": "0.91"}
    assert request["ModelApprovalStatus"] == "Approved"


def test_a_model_of_other_labels_than_the_release_in_use_is_not_connected(
    deployed: Stack, tmp_path: Path
) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    (tmp_path / "labels.json").write_text('["Date", "Total", "Header", "other"]')
    prefix = publish_release(contents(), deployed.objects, deployed.work)
    boto3.client("ssm").put_parameter(Name=f"/{PROJECT}/config/Release", Value=prefix, Overwrite=True)
    words = ["deploy-model", str(tmp_path), "--endpoint", "words", "--connect", "--dry-run"]

    result = runner.invoke(app, ["--project", PROJECT, *words])

    assert result.exit_code != 0
    told = str(result.exception or "") + result.output
    assert "Date, Total, Header, those of the release in use Total, Date, Header" in " ".join(told.split())


def test_a_dry_run_prints_the_requests_and_makes_nothing(
    deployed: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model.safetensors").write_bytes(b"weights")
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    monkeypatch.setattr(model_archives, "built_wheels", lambda: _Here(wheels))

    result = runner.invoke(
        app,
        ["--project", PROJECT, "deploy-model", str(tmp_path / "model"), "--endpoint", "words", "--dry-run"],
    )

    assert result.exit_code == 0, result.output
    printed = json.loads(result.stdout)
    assert [each["Operation"] for each in printed] == [
        "CreateModel",
        "CreateEndpointConfig",
        "CreateEndpoint",
    ]
    assert printed[0]["Parameters"]["PrimaryContainer"]["ModelDataUrl"].startswith(
        "s3://work/models/recto-test-words-"
    )
    assert boto3.client("s3").list_objects_v2(Bucket="work", Prefix="models/")["KeyCount"] == 0


class _Here:
    """A folder as `built_wheels` gives one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> Path:
        return self._folder

    def __exit__(self, *_: object) -> None: ...
