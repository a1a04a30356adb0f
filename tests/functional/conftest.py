"""Steps against moto's S3 and DynamoDB in one process, sockets off."""

from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from recto.aws.dynamodb import DocumentRows, JobRows, ReviewRows, SlotLeases, Table
from recto.aws.s3 import S3Objects
from tests.contract.template import resources

INBOX, WORK, REVIEWS = "inbox", "work", "reviews"


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
