"""SageMaker's endpoints and runtime over the OCR container, spoken to by real boto3 clients."""

import json
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from recto.textract import blocks_of, read_pages
from recto_local import processes
from recto_local.ocr_endpoint import endpoint_name, provide_ocr_endpoint
from tests.functional.local.conftest import Standins
from tests.functional.local.drawn import pdf

TWO = pdf([["Page one"], ["Page two"]])


class Deployed:
    """As much of a deployment as the endpoint needs."""

    def __init__(self, topic: str) -> None:
        self.project = f"p{uuid.uuid4().hex[:8]}"
        role = "arn:aws:iam::000000000000:role/ocr"
        self.outputs = {
            "OcrEndpointRoleArn": role,
            "OcrEndpointTopicArn": topic,
            "WorkBucketName": "documents",
        }


class Endpoint:
    def __init__(self, standins: Standins) -> None:
        self.standins = standins
        topic, self.queue = standins.topic_with_queue()
        self.info = Deployed(topic)
        provide_ocr_endpoint(self.info, standins.client("sagemaker"), "eng")
        self.name = endpoint_name(self.info.project)

    def invoke(self, body: Any, **more: Any) -> dict[str, Any]:
        place = self.standins.upload(json.dumps(body).encode())["S3Object"]
        answer: dict[str, Any] = self.standins.client("sagemaker-runtime").invoke_endpoint_async(
            EndpointName=self.name,
            InputLocation=f"s3://{place['Bucket']}/{place['Name']}",
            ContentType="application/json",
            **more,
        )
        return answer

    def heard(self) -> dict[str, Any]:
        found: list[dict[str, Any]] = []

        def told() -> bool:
            found.extend(self.standins.messages(self.queue, 2))
            return bool(found)

        assert processes.wait_until(told, 60), "no notification"
        notice: dict[str, Any] = json.loads(json.loads(found[0]["Body"])["Message"])
        return notice

    def read(self, uri: str) -> Any:
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        return json.loads(self.standins.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())


@pytest.fixture
def endpoint(standins: Standins) -> Endpoint:
    return Endpoint(standins)


def test_an_endpoint_describes_itself_and_is_made_once(endpoint: Endpoint) -> None:
    sagemaker = endpoint.standins.client("sagemaker")
    made = sagemaker.describe_endpoint(EndpointName=endpoint.name)

    provide_ocr_endpoint(endpoint.info, sagemaker, "eng")

    again = sagemaker.describe_endpoint(EndpointName=endpoint.name)
    output = again["AsyncInferenceConfig"]["OutputConfig"]
    assert again["CreationTime"] == made["CreationTime"]
    assert again["EndpointStatus"] == "InService"
    assert output["NotificationConfig"]["ErrorTopic"] == endpoint.info.outputs["OcrEndpointTopicArn"]


def test_endpoints_are_listed_by_a_part_of_their_names(endpoint: Endpoint) -> None:
    pages = endpoint.standins.client("sagemaker").get_paginator("list_endpoints")

    found = [
        each for page in pages.paginate(NameContains=endpoint.info.project) for each in page["Endpoints"]
    ]

    assert [(each["EndpointName"], each["EndpointStatus"]) for each in found] == [
        (endpoint.name, "InService")
    ]


def test_an_endpoint_whose_topic_has_changed_is_made_anew(endpoint: Endpoint) -> None:
    sagemaker = endpoint.standins.client("sagemaker")
    endpoint.info.outputs["OcrEndpointTopicArn"] = "arn:aws:sns:us-east-1:000000000000:other"

    provide_ocr_endpoint(endpoint.info, sagemaker, "eng")

    output = sagemaker.describe_endpoint(EndpointName=endpoint.name)["AsyncInferenceConfig"]["OutputConfig"]
    assert output["NotificationConfig"]["SuccessTopic"].endswith(":other")


def test_an_inference_ends_with_an_answer_in_s3_and_a_message(endpoint: Endpoint) -> None:
    document = endpoint.standins.upload(TWO)

    taken = endpoint.invoke({"Document": document, "Pages": {"First": 2, "Last": 2}}, InferenceId="range-2")

    notice = endpoint.heard()
    assert taken["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert taken["InferenceId"] == "range-2"
    assert (notice["invocationStatus"], notice["inferenceId"]) == ("Completed", "range-2")
    assert notice["responseParameters"]["outputLocation"] == taken["OutputLocation"]
    assert notice["requestParameters"]["endpointName"] == endpoint.name
    (found,) = read_pages(blocks_of(endpoint.read(taken["OutputLocation"])))
    assert (found.number, [word.text for word in found.words]) == (2, ["Page", "two"])


def test_a_failed_inference_leaves_the_containers_words_and_a_message(endpoint: Endpoint) -> None:
    document = endpoint.standins.upload(b"%PDF-1.7 broken")

    taken = endpoint.invoke({"Document": document})

    notice = endpoint.heard()
    assert notice["invocationStatus"] == "Failed"
    assert notice["inferenceId"] == taken["InferenceId"]
    assert "error (422)" in notice["failureReason"]
    assert "responseParameters" not in notice
    assert endpoint.read(taken["FailureLocation"])["Error"] == "DamagedDocumentError"


def refused(call: Any, **request: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as error:
        call(**request)
    found = error.value.response["Error"]
    return found["Code"], found["Message"]


def test_what_the_service_refuses_is_refused(endpoint: Endpoint) -> None:
    sagemaker, runtime = (endpoint.standins.client(name) for name in ("sagemaker", "sagemaker-runtime"))

    code, told = refused(sagemaker.describe_endpoint, EndpointName="absent")
    assert (code, "Could not find" in told) == ("ValidationException", True)
    asked = {"EndpointName": "absent", "InputLocation": "s3://documents/a"}
    code, told = refused(runtime.invoke_endpoint_async, **asked)
    assert (code, "not found" in told) == ("ValidationError", True)
    code, told = refused(runtime.invoke_endpoint, EndpointName=endpoint.name, Body=b"x")
    assert (code, "InvokeEndpointAsync" in told) == ("ValidationError", True)
    code, _ = refused(runtime.invoke_endpoint_async, EndpointName=endpoint.name, InputLocation="https://a/b")
    assert code == "ValidationError"


def test_a_synchronous_endpoint_answers_at_once_and_passes_the_containers_refusals_on(
    endpoint: Endpoint,
) -> None:
    sagemaker, runtime = (endpoint.standins.client(name) for name in ("sagemaker", "sagemaker-runtime"))
    name = f"sync-{uuid.uuid4().hex[:8]}"
    variant = {"VariantName": "AllTraffic", "ModelName": endpoint.name}
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)

    answer = runtime.invoke_endpoint(EndpointName=name, Body=TWO, ContentType="application/pdf")
    code, told = refused(runtime.invoke_endpoint, EndpointName=name, Body=b"a,b", ContentType="text/csv")

    assert json.loads(answer["Body"].read())["DocumentMetadata"] == {"Pages": 2}
    assert answer["ContentType"] == "application/json"
    assert "AsyncInferenceConfig" not in sagemaker.describe_endpoint(EndpointName=name)
    assert code == "ModelError"
    assert "UnsupportedContentTypeError" in told


def test_an_inference_goes_on_after_a_restart(standins: Standins, endpoint: Endpoint) -> None:
    taken = standins.servers.start_standins("interrupted", "--workers", "1")
    try:
        other = Endpoint(taken)
        document = taken.upload(pdf([["Page one"]] * 6))
        other.invoke({"Document": document}, InferenceId="long")
        other.standins = taken = taken.restarted()

        notice = other.heard()

        assert (notice["inferenceId"], notice["invocationStatus"]) == ("long", "Completed")
    finally:
        processes.stop(taken.process, 15)
