"""Steps against moto's S3 and DynamoDB in one process, sockets off."""

import json
import threading
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.core.botocore_stubber import BotocoreStubber

from recto.aws.admission import SlotLeases
from recto.aws.dynamodb import DocumentRows, JobRows, ReviewRows, Table
from recto.aws.s3 import S3Objects
from tests.contract.template import asl, resources
from tests.fakes import FakeClock, FakeWorkflow

INBOX, WORK, REVIEWS = "inbox", "work", "reviews"


@pytest.fixture(autouse=True)
def one_request_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table takes each request whole, as DynamoDB does; moto copies and rolls back what others write."""
    lock, answer = threading.RLock(), BotocoreStubber.process_request

    def process_request(self: BotocoreStubber, request: Any) -> Any:
        with lock:
            return answer(self, request)

    monkeypatch.setattr(BotocoreStubber, "process_request", process_request)


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A fresh account with the buckets and the table of the template."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    with mock_aws():
        s3 = boto3.client("s3")
        for bucket in (INBOX, WORK, REVIEWS):
            s3.create_bucket(Bucket=bucket)
        properties = resources("AWS::DynamoDB::Table")["DocumentTable"]
        kept = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")
        boto3.client("dynamodb").create_table(
            TableName="documents", **{name: properties[name] for name in kept}
        )
        yield


@pytest.fixture
def events_machine(aws: None) -> str:
    """The ARN of the state machine that tells events."""
    role = "arn:aws:iam::123456789012:role/probe"
    made = boto3.client("stepfunctions").create_state_machine(
        name="recto-event", definition=json.dumps(asl("event")), roleArn=role
    )
    return str(made["stateMachineArn"])


@pytest.fixture
def table(aws: None) -> Table:
    return Table("documents", "recto-tests")


@pytest.fixture
def documents(table: Table) -> DocumentRows:
    return DocumentRows(table)


@pytest.fixture
def slots(table: Table) -> SlotLeases:
    return SlotLeases(table)


@pytest.fixture
def jobs(table: Table) -> JobRows:
    return JobRows(table)


@pytest.fixture
def reviews(table: Table) -> ReviewRows:
    return ReviewRows(table)


@pytest.fixture
def objects(aws: None) -> S3Objects:
    return S3Objects("recto-tests")


@pytest.fixture
def workflow() -> FakeWorkflow:
    return FakeWorkflow()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()
