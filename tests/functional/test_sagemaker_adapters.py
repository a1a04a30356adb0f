"""What is said to SageMaker, to the parameter: checked by botocore against the service's own model."""

import io
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.response import StreamingBody
from botocore.stub import Stubber

from recto.aws.sagemaker import SageMakerEndpoints, SageMakerTextEndpoints
from recto.errors import (
    AccessError,
    ConfigurationError,
    ModelFailedError,
    RectoError,
    ServiceUnavailableError,
    ThrottledError,
)
from recto.places import Location
from recto.ports import EndpointInfo, Inference

REQUEST = Location(bucket="work", key="documents/d1/predictions/request-0001.json")
ASKED = {
    "EndpointName": "recto-words",
    "InputLocation": REQUEST.uri,
    "ContentType": "application/json",
    "InferenceId": "tag-1",
    "InvocationTimeoutSeconds": 3600,
}
ERRORS = [
    ("ValidationError", 400, ConfigurationError),
    ("ThrottlingException", 400, ThrottledError),
    ("AccessDeniedException", 403, AccessError),
    ("InternalFailure", 500, ServiceUnavailableError),
]


@pytest.fixture
def endpoints() -> SageMakerEndpoints:
    return SageMakerEndpoints("recto-tests")


@pytest.fixture
def runtime(endpoints: SageMakerEndpoints) -> Iterator[Stubber]:
    with Stubber(endpoints._runtime) as stub:
        yield stub
        stub.assert_no_pending_responses()


def test_an_inference_is_asked_for_by_reference_with_no_attributes_of_ours(
    endpoints: SageMakerEndpoints, runtime: Stubber
) -> None:
    """Defect 8: the task token was put into CustomAttributes. Parameters beside these fail the stub."""
    answer = {
        "InferenceId": "tag-1",
        "OutputLocation": "s3://work/a.out",
        "FailureLocation": "s3://work/f.out",
    }
    runtime.add_response("invoke_endpoint_async", answer, ASKED)

    found = endpoints.invoke("recto-words", REQUEST, "tag-1", "application/json", "")

    assert found == Inference("s3://work/a.out", "s3://work/f.out")


def test_what_is_accepted_is_said_where_it_matters(endpoints: SageMakerEndpoints, runtime: Stubber) -> None:
    answer = {"InferenceId": "tag-1", "OutputLocation": "s3://work/a.out"}
    runtime.add_response("invoke_endpoint_async", answer, {**ASKED, "Accept": "application/x-npz"})

    found = endpoints.invoke("recto-words", REQUEST, "tag-1", "application/json", "application/x-npz")

    assert found.failure == ""


@pytest.mark.parametrize(("code", "status", "error"), ERRORS)
def test_a_refused_inference_is_one_of_our_errors_and_not_asked_twice(
    endpoints: SageMakerEndpoints, runtime: Stubber, code: str, status: int, error: type[RectoError]
) -> None:
    runtime.add_client_error("invoke_endpoint_async", code, http_status_code=status)

    with pytest.raises(error, match="InvokeEndpointAsync recto-words"):
        endpoints.invoke("recto-words", REQUEST, "tag-1", "application/json", "")

    assert endpoints._runtime.meta.config.retries["total_max_attempts"] == 1


def described(**more: Any) -> dict[str, Any]:
    return {
        "EndpointName": "recto-words",
        "EndpointArn": "arn:aws:sagemaker:us-east-1:000000000000:endpoint/recto-words",
        "EndpointStatus": "InService",
        "CreationTime": 0,
        "LastModifiedTime": 0,
        **more,
    }


def test_an_endpoint_is_described_as_far_as_the_pipeline_depends_on_it(endpoints: SageMakerEndpoints) -> None:
    output = {
        "S3OutputPath": "s3://work/model-endpoint/answers",
        "S3FailurePath": "s3://work/model-endpoint/failures",
        "NotificationConfig": {
            "SuccessTopic": "arn:aws:sns:us-east-1:000000000000:yes",
            "ErrorTopic": "arn:aws:sns:us-east-1:000000000000:no",
            "IncludeInferenceResponseIn": ["ERROR_NOTIFICATION_TOPIC"],
        },
    }
    asked = {"EndpointName": "recto-words"}
    with Stubber(endpoints._sagemaker) as stub:
        answer = described(AsyncInferenceConfig={"OutputConfig": output})
        stub.add_response("describe_endpoint", answer, asked)
        stub.add_response("describe_endpoint", described(), asked)
        stub.add_client_error("describe_endpoint", "ValidationException", "Could not find endpoint")

        asynchronous, synchronous = (endpoints.describe("recto-words") for _ in range(2))
        with pytest.raises(ConfigurationError, match="Could not find endpoint"):
            endpoints.describe("recto-words")

    assert asynchronous == EndpointInfo(
        "InService", True, "s3://work/model-endpoint/answers", "s3://work/model-endpoint/failures",
        "arn:aws:sns:us-east-1:000000000000:yes", "arn:aws:sns:us-east-1:000000000000:no",
        ("ERROR_NOTIFICATION_TOPIC",),
    )  # fmt: skip
    assert (synchronous.is_async, synchronous.output_path) == (False, "")


def test_a_normaliser_is_asked_in_json_and_its_failure_is_the_models() -> None:
    endpoints = SageMakerTextEndpoints("recto-tests")
    body, said = b'{"inputs": ["a"]}', b'{"generated_text": ["b"]}'
    json_type = "application/json"
    asked = {"EndpointName": "recto-dates", "Body": body, "ContentType": json_type, "Accept": json_type}
    with Stubber(endpoints._runtime) as stub:
        stub.add_response("invoke_endpoint", {"Body": StreamingBody(io.BytesIO(said), len(said))}, asked)
        stub.add_client_error("invoke_endpoint", "ModelError", "out of memory", 424)

        answer = endpoints.ask("recto-dates", body)
        with pytest.raises(ModelFailedError, match="out of memory"):
            endpoints.ask("recto-dates", body)

    assert answer == said
    assert endpoints._runtime.meta.config.retries["total_max_attempts"] == 2
