"""A deployed stack in moto, as the command line finds it, and a small review task."""

import json
from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from recto.places import DocumentId
from recto.results import BoundingBox, DocumentResult, FieldResult, ReasonCode, ReviewReason, Value
from recto.review import ReviewTask
from recto_cli.stack import Stack, read_stack
from tests.contract.template import resources

PROJECT = "recto-test"
NAMES = {
    "static/InputBucket": "inbox",
    "static/WorkBucket": "work",
    "static/ReviewsBucket": "reviews",
    "static/DocumentTable": "documents",
    "static/ModelCallbackTopicArn": "arn:aws:sns:us-east-1:000000000000:model",
    "config/Release": "releases/demo",
}
ID: DocumentId = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty AWS account."""
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        yield


@pytest.fixture
def stack(account: None) -> Stack:
    """The template's buckets, table and parameters."""
    s3, ssm = boto3.client("s3"), boto3.client("ssm")
    for bucket in ("inbox", "work", "reviews"):
        s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket="inbox", VersioningConfiguration={"Status": "Enabled"})
    properties = resources("AWS::DynamoDB::Table")["DocumentTable"]
    kept = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")
    boto3.client("dynamodb").create_table(TableName="documents", **{name: properties[name] for name in kept})
    for name, value in NAMES.items():
        ssm.put_parameter(Name=f"/{PROJECT}/{name}", Value=value, Type="String")
    return read_stack(PROJECT)


def field(
    class_id: int, *values: str, is_multi_valued: bool = False, optional: bool | None = None
) -> FieldResult:
    """A field with values on page 1, each in a box of its own."""
    box = BoundingBox(top=0.25, left=0.25, height=0.1, width=0.5)
    found = tuple(Value(value=text, confidence=0.5, page=1, boxes=(box,)) for text in values)
    common = {
        "class_id": class_id,
        "confidence": 0.5 if values else 0.0,
        "num_detections": len(values),
        "num_detected_values": len(values),
        "sort_order": class_id,
        "optional": optional,
    }
    if is_multi_valued:
        return FieldResult(**common, values=found)
    return FieldResult(**common, value=values[0] if values else "", page=1 if values else None, boxes=(box,))


@pytest.fixture
def task() -> ReviewTask:
    """A doubtful name, two cards, an address that is there and a fee that is not."""
    result = DocumentResult(
        confidence=0.5,
        fields={
            "Provider Name": field(0, "Frist Bank"),
            "Card Name": field(1, "Gold", "Silver", is_multi_valued=True),
            "Provider Address": field(2, "1 Main Street", optional=True),
            "Fee - Annual": field(3, optional=True),
        },
        review_reasons=(
            ReviewReason(
                code=ReasonCode.BELOW_THRESHOLD, field="Provider Name", message="Provider Name is doubtful"
            ),
            ReviewReason(
                code=ReasonCode.BELOW_THRESHOLD, field="Fee - Annual", message="Fee - Annual is doubtful"
            ),
        ),
    )
    return ReviewTask(review_id="review-1", task_object="s3://inbox/a.pdf", model_result=result)


@pytest.fixture
def stored_result(stack: Stack, task: ReviewTask) -> str:
    """The id of a document whose final result lies in the work bucket."""
    about = {"DocumentId": ID, "Input": {"Bucket": "inbox", "Key": "a.pdf"}, "Attempt": 1, "Reviewed": False}
    body = json.dumps({**about, **task.model_result.to_json()})
    boto3.client("s3").put_object(Bucket="work", Key=f"documents/{ID}/result.json", Body=body.encode())
    return ID
