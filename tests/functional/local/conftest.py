"""The stand-ins as processes beside the emulator, spoken to by real boto3 clients."""

import os
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from recto_local import processes
from recto_local.runtime import endpoint_environment

ROOT = Path(__file__).resolve().parents[3]
LAUNCHER = ROOT / "local" / "src" / "recto_local" / "emulator.py"
TOPIC_ROLE = "arn:aws:iam::000000000000:role/recto-textract"


@pytest.fixture(autouse=True)
def aws() -> None:
    """In place of moto, which the other functional tests use."""


class Servers:
    """One emulator, and as many stand-ins as a test wants."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.emulator_port = processes.free_port()
        self._running: list[processes.ProcessRef] = []

    def client(self, service: str) -> Any:
        """A client of the emulator that tries once."""
        return boto3.client(  # type: ignore[call-overload]
            service,
            endpoint_url=f"http://127.0.0.1:{self.emulator_port}",
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}, read_timeout=240),
        )

    def start_emulator(self, *more: str) -> None:
        command = [str(ROOT / ".venv-tools" / "bin" / "python"), str(LAUNCHER)]
        options = ["--port", str(self.emulator_port), "--state", str(self.home / "emulator"), *more]
        url = f"http://127.0.0.1:{self.emulator_port}/_ministack/health"
        self._start("emulator", [*command, *options], self.emulator_port, url)

    def start_standins(self, name: str, *options: str) -> "Standins":
        port = processes.free_port()
        command = [
            sys.executable,
            "-m",
            "recto_local.standins",
            "--port",
            str(port),
            "--state",
            str(self.home / name),
        ]
        process = self._start(name, [*command, *options], port, f"http://127.0.0.1:{port}/_local/health")
        return Standins(self, name, process, port, options)

    def _start(self, name: str, command: list[str], port: int, url: str) -> processes.ProcessRef:
        environment = {"PATH": os.environ["PATH"], **endpoint_environment(self.emulator_port, port)}
        process = processes.start(name, command, environment, self.home, self.home / f"{name}.log")
        self._running.append(process)
        processes.wait_healthy(process, url, 60)
        return process

    def stop(self) -> None:
        for process in reversed(self._running):
            processes.stop(process, 15)


class Standins:
    """One process of the stand-ins."""

    def __init__(
        self, servers: Servers, name: str, process: processes.ProcessRef, port: int, options: tuple[str, ...]
    ) -> None:
        self.servers, self.name, self.process, self.port, self.options = servers, name, process, port, options

    def url(self, path: str = "") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def client(self, service: str) -> Any:
        environment = endpoint_environment(self.servers.emulator_port, self.port)
        variable = f"AWS_ENDPOINT_URL_{service.upper().replace('-', '_')}"
        return boto3.client(  # type: ignore[call-overload]
            service,
            endpoint_url=environment.get(variable, environment["AWS_ENDPOINT_URL"]),
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}, read_timeout=240),
        )

    def restarted(self) -> "Standins":
        processes.stop(self.process, 15)
        return self.servers.start_standins(self.name, *self.options)

    def upload(self, body: bytes, key: str = "") -> dict[str, Any]:
        """Put a document into the emulator's S3; the DocumentLocation of it."""
        key = key or uuid.uuid4().hex
        self.client("s3").put_object(Bucket="documents", Key=key, Body=body)
        return {"S3Object": {"Bucket": "documents", "Name": key}}

    def ended(self, job: str, api: str = "get_document_text_detection") -> dict[str, Any]:
        get: Callable[..., dict[str, Any]] = getattr(self.client("textract"), api)
        found: list[dict[str, Any]] = []

        def done() -> bool:
            found[:] = [get(JobId=job)]
            return found[0]["JobStatus"] != "IN_PROGRESS"

        assert processes.wait_until(done, 150), f"job {job} still in progress"
        return found[0]

    def topic_with_queue(self) -> tuple[str, str]:
        """A new topic's ARN and the URL of a queue that hears it."""
        sns, sqs, name = self.client("sns"), self.client("sqs"), uuid.uuid4().hex
        topic, url = sns.create_topic(Name=name)["TopicArn"], sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        return topic, url

    def messages(self, url: str, seconds: int = 10) -> list[dict[str, Any]]:
        answer = self.client("sqs").receive_message(
            QueueUrl=url, WaitTimeSeconds=seconds, MaxNumberOfMessages=10
        )
        messages: list[dict[str, Any]] = answer.get("Messages", [])
        return messages


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    running = Servers(tmp_path_factory.mktemp("servers"))
    try:
        running.start_emulator()
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="session")
def standins(servers: Servers) -> Standins:
    """Read with Tesseract alone, since these made-up words would all be read twice by the default engine."""
    started = servers.start_standins("standins", "--workers", "2", "--engine", "tesseract")
    started.client("s3").create_bucket(Bucket="documents")
    return started
