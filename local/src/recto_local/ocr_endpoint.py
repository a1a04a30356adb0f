"""The one endpoint of the local deployment, made with the calls that make it on AWS: OCR by Tesseract.

Which documents it reads is the parameter `config/OcrEngine`, which stays as it is.
"""

from typing import Any, Protocol

from botocore.exceptions import ClientError

IMAGE = "recto-ocr"


class Deployed(Protocol):
    """`recto_local.runtime.RuntimeInfo`, as far as this needs it."""

    @property
    def project(self) -> str: ...

    @property
    def outputs(self) -> dict[str, str]: ...


def endpoint_name(project: str) -> str:
    return f"{project}-ocr-tesseract"


def provide_ocr_endpoint(info: Deployed, sagemaker: Any, languages: str) -> None:
    """Make the endpoint, anew where its model, its buckets or its topic have changed."""
    name = endpoint_name(info.project)
    model = {
        "ExecutionRoleArn": info.outputs["OcrEndpointRoleArn"],
        "PrimaryContainer": {
            "Image": IMAGE,
            "Environment": {"OCR_ENGINE": "tesseract", "OCR_DEFAULT_LANGUAGES": languages},
        },
    }
    config = _async_config(info)
    if _is_as_wanted(sagemaker, name, model, config):
        return
    for delete, key in (
        (sagemaker.delete_endpoint, "EndpointName"),
        (sagemaker.delete_endpoint_config, "EndpointConfigName"),
        (sagemaker.delete_model, "ModelName"),
    ):
        _if_there(delete, {key: name})
    variant = {"VariantName": "AllTraffic", "ModelName": name, "InitialInstanceCount": 1}
    sagemaker.create_model(ModelName=name, **model)
    sagemaker.create_endpoint_config(
        EndpointConfigName=name,
        ProductionVariants=[{**variant, "InstanceType": "ml.c5.xlarge"}],
        AsyncInferenceConfig=config,
    )
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)


def _async_config(info: Deployed) -> dict[str, Any]:
    place = f"s3://{info.outputs['WorkBucketName']}/ocr-endpoint"
    topic = info.outputs["OcrEndpointTopicArn"]
    return {
        "OutputConfig": {
            "S3OutputPath": f"{place}/answers",
            "S3FailurePath": f"{place}/failures",
            "NotificationConfig": {"SuccessTopic": topic, "ErrorTopic": topic},
        }
    }


def _is_as_wanted(sagemaker: Any, name: str, model: dict[str, Any], config: dict[str, Any]) -> bool:
    endpoint = _if_there(sagemaker.describe_endpoint, {"EndpointName": name})
    found = _if_there(sagemaker.describe_model, {"ModelName": name})
    return (
        endpoint is not None
        and found is not None
        and endpoint.get("AsyncInferenceConfig") == config
        and all(found.get(key) == value for key, value in model.items())
    )


def _if_there(call: Any, request: dict[str, str]) -> dict[str, Any] | None:
    """The answer; None where SageMaker could not find it."""
    try:
        answer: dict[str, Any] = call(**request)
    except ClientError as error:
        if "Could not find" in str(error):
            return None
        raise
    return answer
