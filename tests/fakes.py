"""Small stand-ins for the ports that moto does not cover; each keeps what it was told, to be looked at."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from recto.errors import ConfigurationError, ParameterMissingError, ThrottledError
from recto.messages import ExecutionInput, Message, Status
from recto.places import Location
from recto.ports import BackfillPlace, EndpointInfo, Inference, OcrRequest


class FakeClock:
    """A clock that moves when told."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(microseconds=1)
        return self.now

    def pass_time(self, **duration: float) -> None:
        self.now += timedelta(**duration)


@dataclass
class FakeWorkflow:
    """Executions by name; tokens that wait until they are told."""

    executions: dict[str, ExecutionInput] = field(default_factory=dict)
    running: set[str] = field(default_factory=set)
    succeeded: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    failed: list[tuple[str, str, str]] = field(default_factory=list)
    refuses: set[str] = field(default_factory=set)
    stopped: list[tuple[str, str, str]] = field(default_factory=list)

    def start(self, name: str, execution: ExecutionInput) -> str:
        if name in self.refuses:
            raise ThrottledError("StartExecution: slow down")
        self.executions[name] = execution
        self.running.add(name)
        return f"arn:{name}"

    def is_running(self, name: str) -> bool:
        return name in self.running

    def stop(self, name: str, error: str, cause: str) -> None:
        if name in self.running:
            self.running.discard(name)
            self.stopped.append((name, error, cause))

    def _told(self, task_token: str) -> bool:
        return task_token in {token for token, *_ in (*self.succeeded, *self.failed)}

    def succeed(self, task_token: str, output: Mapping[str, Any]) -> bool:
        if self._told(task_token):
            return False
        self.succeeded.append((task_token, output))
        return True

    def fail(self, task_token: str, error: str, cause: str) -> bool:
        if self._told(task_token):
            return False
        self.failed.append((task_token, error, cause))
        return True


@dataclass
class FakeEvents:
    """What was published, each event once."""

    published: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    names: set[tuple[str, str]] = field(default_factory=set)

    def publish(self, kind: str, detail: Mapping[str, Any], of: str) -> None:
        if (kind, of) not in self.names:
            self.names.add((kind, of))
            self.published.append((kind, detail))


@dataclass
class FakeParameters:
    values: dict[str, str]
    written: list[tuple[str, str]] = field(default_factory=list)

    def read(self, name: str) -> str:
        if name not in self.values:
            raise ParameterMissingError(f"parameter {name} is missing")
        return self.values[name]

    def version(self, name: str) -> int:
        return 1 + sum(written == name for written, _ in self.written)

    def write(self, name: str, value: str) -> int:
        self.values[name] = value
        self.written.append((name, value))
        return self.version(name)


@dataclass
class FakeLoops:
    started: list[tuple[str, str, Mapping[str, Any]]] = field(default_factory=list)
    refuses: bool = False
    stopped: list[str] = field(default_factory=list)

    def start(self, flow_definition_arn: str, name: str, content: Mapping[str, Any]) -> None:
        if self.refuses:
            raise ThrottledError("StartHumanLoop: slow down")
        if name in [other for _, other, _ in self.started]:
            return
        self.started.append((flow_definition_arn, name, content))

    def stop(self, name: str) -> None:
        self.stopped.append(name)


@dataclass
class FakeDesk:
    """The workbench's desk, which hears what became of its loops."""

    told: list[Message] = field(default_factory=list)

    def tell(self, news: Message) -> None:
        self.told.append(news)


@dataclass
class FakeBackfills:
    """Backfills by id, with the places of those who wait; all are active but those that rest."""

    lines: dict[str, list[BackfillPlace]] = field(default_factory=dict)
    resting: set[str] = field(default_factory=set)
    outcomes: dict[tuple[str, str], Status] = field(default_factory=dict)

    def active(self) -> list[str]:
        return [backfill for backfill in self.lines if backfill not in self.resting]

    def waiting(self, backfill: str, limit: int) -> list[BackfillPlace]:
        return sorted(self.lines.get(backfill, []), key=lambda each: each.place)[:limit]

    def left_line(self, backfill: str, document: str, place: str) -> None:
        line = self.lines.get(backfill, [])
        self.lines[backfill] = [each for each in line if each != BackfillPlace(document, place)]

    def count(self, backfill: str, document: str, outcome: Status) -> bool:
        known = self.outcomes.get((backfill, document))
        self.outcomes[backfill, document] = outcome
        return known is not outcome

    def uncount(self, backfill: str, document: str) -> None:
        self.outcomes.pop((backfill, document), None)


@dataclass
class FakeOcr:
    """A job service: the same client token gives the same job; responses hold `page_size` blocks."""

    blocks: Sequence[Mapping[str, Any]] = ()
    num_pages: int = 1
    status: str = "SUCCEEDED"
    message: str = ""
    warnings: Sequence[Mapping[str, Any]] = ()
    page_size: int = 1000
    requests: list[OcrRequest] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)

    @property
    def jobs(self) -> dict[str, str]:
        tokens = dict.fromkeys(request.client_token for request in self.requests)
        return {token: f"job-{number}" for number, token in enumerate(tokens)}

    def start(self, request: OcrRequest) -> str:
        self.requests.append(request)
        return self.jobs[request.client_token]

    def pages(
        self, job_id: str, features: Sequence[str], next_token: str, max_results: int = 1000
    ) -> dict[str, Any]:
        self.fetched.append(next_token)
        begin = int(next_token or 0)
        end = begin + min(max_results, self.page_size)
        answer: dict[str, Any] = {"JobStatus": self.status, "StatusMessage": self.message}
        if self.status == "IN_PROGRESS":
            return answer
        answer |= {"DocumentMetadata": {"Pages": self.num_pages}, "Blocks": list(self.blocks[begin:end])}
        answer |= {"Warnings": list(self.warnings)} if self.warnings else {}
        return {**answer, "NextToken": str(end)} if end < len(self.blocks) else answer


class FakeEndpoints:
    """One asynchronous endpoint that answers when the test says so."""

    def __init__(self, work_bucket: str, topic: str, folder: str = "ocr-endpoint") -> None:
        place = f"s3://{work_bucket}/{folder}"
        self.info = EndpointInfo("InService", True, f"{place}/answers", f"{place}/failures", topic, topic)
        self.invoked: list[tuple[str, Location, str]] = []
        self.while_invoking: Callable[[str], None] = lambda _: None

    def describe(self, name: str) -> EndpointInfo:
        return self.info

    def invoke(
        self, name: str, request: Location, inference_id: str, content_type: str, accept: str
    ) -> Inference:
        self.invoked.append((name, request, inference_id))
        self.while_invoking(inference_id)
        number = len(self.invoked)
        return Inference(f"{self.info.output_path}/{number}.out", f"{self.info.failure_path}/{number}.out")


class FakeTextEndpoints:
    """Endpoints that answer as the test says; none unless it says so."""

    def __init__(self, **answers: Callable[[list[str]], Any]) -> None:
        self.answers = answers
        self.asked: list[tuple[str, list[str]]] = []

    def ask(self, name: str, body: bytes) -> bytes:
        inputs = json.loads(body)["inputs"]
        self.asked.append((name, inputs))
        if name not in self.answers:
            raise ConfigurationError(f"InvokeEndpoint {name}: no such endpoint")
        answer = self.answers[name](inputs)
        return answer if isinstance(answer, bytes) else json.dumps(answer).encode()
