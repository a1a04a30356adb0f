"""SageMaker's endpoints: what asynchronous ones are, and one inference each; synchronous ones, asked once."""

from functools import cached_property
from typing import Any

from recto.aws.clients import client, errors_of
from recto.errors import ConfigurationError, ModelFailedError
from recto.places import Location
from recto.ports import EndpointInfo, Inference

INVOCATION_SECONDS = 3600
"""The longest that SageMaker lets one inference take."""
NO_RETRIES = 0
"""A call without an answer may have been heard: made once more at once, it would be paid twice."""
SYNCHRONOUS_RETRIES = 1
"""A call may take a minute, and a document has all its endpoints asked within one function's time."""
REFUSED = {"ValidationError": ConfigurationError, "ValidationException": ConfigurationError}


class SageMakerEndpoints:
    """`recto.ports.AsyncEndpoints` over SageMaker and its runtime."""

    def __init__(self, caller: str) -> None:
        self._sagemaker = client("sagemaker", caller)
        self._runtime = client("sagemaker-runtime", caller, NO_RETRIES)

    def describe(self, name: str) -> EndpointInfo:
        with errors_of(f"DescribeEndpoint {name}", {"ValidationException": ConfigurationError}):
            found: dict[str, Any] = self._sagemaker.describe_endpoint(EndpointName=name)
        asynchronous = found.get("AsyncInferenceConfig")
        output = (asynchronous or {}).get("OutputConfig", {})
        topics = output.get("NotificationConfig", {})
        return EndpointInfo(
            status=found["EndpointStatus"],
            is_async=asynchronous is not None,
            output_path=output.get("S3OutputPath", ""),
            failure_path=output.get("S3FailurePath", ""),
            success_topic=topics.get("SuccessTopic", ""),
            error_topic=topics.get("ErrorTopic", ""),
            answers_on_topics=tuple(topics.get("IncludeInferenceResponseIn", ())),
        )

    def invoke(
        self, name: str, request: Location, inference_id: str, content_type: str, accept: str
    ) -> Inference:
        with errors_of(f"InvokeEndpointAsync {name}", REFUSED):
            answer = self._runtime.invoke_endpoint_async(
                EndpointName=name,
                InputLocation=request.uri,
                ContentType=content_type,
                InferenceId=inference_id,
                InvocationTimeoutSeconds=INVOCATION_SECONDS,
                **({"Accept": accept} if accept else {}),
            )
        return Inference(output=answer["OutputLocation"], failure=answer.get("FailureLocation", ""))


class SageMakerTextEndpoints:
    """`recto.ports.TextEndpoints` over SageMaker's runtime; the client is made when it is first needed."""

    def __init__(self, caller: str) -> None:
        self._caller = caller

    @cached_property
    def _runtime(self) -> Any:
        return client("sagemaker-runtime", self._caller, SYNCHRONOUS_RETRIES)

    def ask(self, name: str, body: bytes) -> bytes:
        with errors_of(f"InvokeEndpoint {name}", {**REFUSED, "ModelError": ModelFailedError}):
            answer = self._runtime.invoke_endpoint(
                EndpointName=name, Body=body, ContentType="application/json", Accept="application/json"
            )
            content: bytes = answer["Body"].read()
        return content
