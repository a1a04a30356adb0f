"""Queues, functions, links and ids of the workbench."""

import json
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ReadTimeoutError

from recto.aws.clients import client, errors_of
from recto.errors import ServiceUnavailableError, ThrottledError
from recto.messages import ReviewAnswered
from recto.places import Location
from recto_workbench.errors import FunctionFailedError
from recto_workbench.messages import TO_INTAKE, LabellingMessage
from recto_workbench.ports import Link

REFUSED = {
    "ResourceNotFoundException": FunctionFailedError,
    "AccessDeniedException": FunctionFailedError,
    "InvalidRequestContentException": FunctionFailedError,
    "RequestTooLargeException": FunctionFailedError,
    "InvalidParameterValueException": FunctionFailedError,
    "EC2ThrottledException": ThrottledError,
    "ResourceNotReadyException": ServiceUnavailableError,
}
LONGEST_PRE_CALL, LONGEST_POST_CALL = 30, 300
"""Seconds."""
MOST_SHOWN = 300


def new_id() -> str:
    """32 characters that nobody can guess."""
    return secrets.token_hex(16)


class SqsMessages:
    """`recto_workbench.ports.Messages` over SQS."""

    def __init__(self, caller: str, intake_queue_url: str, consolidation_queue_url: str) -> None:
        self._sqs = client("sqs", caller)
        self._intake, self._consolidation = intake_queue_url, consolidation_queue_url

    def send(self, message: LabellingMessage, delay_seconds: int = 0) -> None:
        url = self._intake if message.kind in TO_INTAKE else self._consolidation
        with errors_of(f"SendMessage {message.kind}"):
            self._sqs.send_message(
                QueueUrl=url, MessageBody=json.dumps(message.dump()), DelaySeconds=delay_seconds
            )


class SqsDeskQueue:
    """`recto_workbench.review_ports.DeskQueue` over SQS."""

    def __init__(self, caller: str, url: str) -> None:
        self._sqs = client("sqs", caller)
        self._url = url

    def send(self, message: ReviewAnswered, delay_seconds: int = 0) -> None:
        body = json.dumps(message.dump())
        with errors_of(f"SendMessage to the review desk about {message.loop_name}"):
            self._sqs.send_message(QueueUrl=self._url, MessageBody=body, DelaySeconds=delay_seconds)


class LambdaLabellingFunctions:
    """`recto_workbench.ports.LabellingFunctions` over Lambda."""

    def __init__(self, caller: str, seconds: int) -> None:
        config = Config(
            user_agent_appid=caller,
            connect_timeout=5,
            read_timeout=seconds,
            retries={"total_max_attempts": 1},
        )
        self._functions: Any = boto3.client("lambda", config=config)

    def call(self, function: str, event: Mapping[str, Any]) -> Any:
        with errors_of(f"Invoke {function}", REFUSED), _in_time(function):
            answer = self._functions.invoke(FunctionName=function, Payload=json.dumps(event).encode())
        body = answer["Payload"].read()
        if answer.get("FunctionError"):
            raise FunctionFailedError(f"{function} failed: {_told(body)}")
        try:
            return json.loads(body or b"null")
        except ValueError as error:
            raise FunctionFailedError(f"{function} answered what is no JSON: {error}") from error


@contextmanager
def _in_time(function: str) -> Iterator[None]:
    try:
        yield
    except ReadTimeoutError as error:
        raise FunctionFailedError(f"{function} did not answer in time: {error}") from error


def _told(body: bytes) -> str:
    """What a failed function says of itself, shortened."""
    try:
        error = json.loads(body)
        return f"{error.get('errorType', 'error')}: {error.get('errorMessage', '')}"[:MOST_SHOWN]
    except (ValueError, AttributeError):
        return body[:MOST_SHOWN].decode(errors="replace")


class S3Links:
    """`recto_workbench.ports.Links`: signed addresses. Signed by the version that all regions take."""

    def __init__(self, caller: str) -> None:
        config = Config(user_agent_appid=caller, signature_version="s3v4")
        self._s3: Any = boto3.client("s3", config=config)

    def to_read(self, place: Location, seconds: int) -> Link:
        address = {"Bucket": place.bucket, "Key": place.key}
        address |= {"VersionId": place.version_id} if place.version_id else {}
        with errors_of(f"a link to {place.uri}"):
            url = self._s3.generate_presigned_url("get_object", Params=address, ExpiresIn=seconds)
        return Link(str(url), {})

    def to_write(self, place: Location, content_type: str, num_bytes: int, seconds: int) -> Link:
        signed = {"ContentType": content_type, "ContentLength": num_bytes}
        request = {"Bucket": place.bucket, "Key": place.key, **signed}
        url = self._s3.generate_presigned_url("put_object", Params=request, ExpiresIn=seconds)
        # A browser sets Content-Length itself and lets nobody else do it; S3 compares it with the signed one.
        return Link(str(url), {"Content-Type": content_type})
