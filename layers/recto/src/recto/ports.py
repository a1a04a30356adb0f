"""What the steps need from the outside, as they see it. The adapters are in `recto.aws`.

All adapters translate their service's errors into `recto.errors`; steps never see a vendor's.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, Protocol

from pydantic import BaseModel, ConfigDict

from recto.admission import Place, Rate, RateState, ServiceLimits
from recto.cost import Unit, Use
from recto.messages import DocumentRef, ExecutionInput, Lane, Message, OcrEngine, Status
from recto.places import Location, MadeIn


class ObjectInfo(NamedTuple):
    """What S3 says of an object without its content."""

    size: int
    etag: str
    version_id: str = ""
    """Of the version that is meant, or of the newest; empty where the bucket keeps none."""
    changed: datetime | None = None
    """When it was written, with time zone."""
    metadata: Mapping[str, str] = MappingProxyType({})
    """What its uploader noted with it."""


class ObjectStore(Protocol):
    """Objects in buckets."""

    def info(self, place: Location) -> ObjectInfo | None:
        """None where there is no such object."""
        ...

    def read(self, place: Location) -> bytes:
        """DocumentMissingError where there is no such object."""
        ...

    def read_range(self, place: Location, offset: int, length: int) -> bytes: ...

    def write(self, place: Location, body: bytes, content_type: str = "application/octet-stream") -> None: ...

    def download(self, place: Location, path: Path) -> None: ...


class Uploads(Protocol):
    """Objects written in parts, over several calls."""

    def begin(self, place: Location, content_type: str) -> str: ...

    def add(self, place: Location, upload_id: str, number: int, body: bytes) -> str:
        """The part's ETag."""
        ...

    def finish(self, place: Location, upload_id: str, etags: Sequence[str]) -> None: ...


class Copies(Protocol):
    """Objects copied where they lie, without passing through here."""

    def copy(self, source: Location, target: Location) -> None:
        """DocumentMissingError where there is no such object."""
        ...


class DocumentRow(BaseModel):
    """A document as the table knows it."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    document_id: str
    status: Status
    lane: Lane = "live"
    backfill_id: str = ""
    """Of which backfill it is; empty for an upload to the inbox."""
    bucket: str
    key: str
    version_id: str = ""
    etag: str = ""
    size: int = 0
    received: datetime
    updated: datetime
    attempt: int = 1
    ocr_attempt: int = 1
    made_in: MadeIn = MadeIn()
    since_attempt: int = 1
    """The first attempt that counts against the limit: an operator's reprocess counts anew."""
    reprocess_id: str = ""
    operator: str = ""
    """Who had it reprocessed last."""
    start_from: str = "ocr"
    ocr_engine: OcrEngine | Literal[""] = ""
    """Empty until the document starts for the first time, and when its OCR is to be paid for again."""
    ocr_endpoint: str = ""
    thumbnail_endpoint: str = ""
    release: str = ""
    error: str = ""
    cause: str = ""
    confidence: float | None = None
    review_id: str = ""
    result_attempt: int = 0
    """The attempt that was published, 0 for none yet or since the last reprocess."""
    result_key: str = ""
    supersedes_attempt: int = 0
    """The attempt that the next result supersedes, 0 for none."""
    supersedes_key: str = ""
    correlation_id: str = ""
    """What the document is called in logs, messages and events; empty for its id."""
    correlation_refusal: str = ""
    """Why it is not called what its upload said."""

    def ref(self, release: str | None = None) -> DocumentRef:
        """The reference that travels through the state machine."""
        return DocumentRef(
            document_id=self.document_id,
            attempt=self.attempt,
            ocr_attempt=self.ocr_attempt,
            made_in=self.made_in,
            bucket=self.bucket,
            key=self.key,
            version_id=self.version_id,
            release=self.release if release is None else release,
            ocr_engine=self.ocr_engine or "textract",
            ocr_endpoint=self.ocr_endpoint,
            thumbnail_endpoint=self.thumbnail_endpoint,
            correlation_id=self.correlation_id,
        )


class Documents(Protocol):
    """Rows and histories of documents; each change is one conditional write with its history row."""

    def add(self, row: DocumentRow) -> bool:
        """False where the row is there already: the same event came twice."""
        ...

    def find(self, document: str) -> DocumentRow | None: ...

    def with_status(self, status: Status, limit: int, lane: Lane | None = None) -> list[DocumentRow]:
        """The oldest first; at most `limit`, of one lane or of all."""
        ...

    def count(self, status: Status, most: int) -> int:
        """How many documents have a status; counting ends at `most`."""
        ...

    def move(
        self,
        document: str,
        expected: Iterable[Status],
        status: Status,
        now: datetime,
        of_attempt: int | None = None,
        **changes: str | float | Mapping[str, int],
    ) -> bool:
        """False where the row is in no expected status, or on another attempt: somebody else moved it."""
        ...

    def note(self, document: str, now: datetime, what: str, **notes: str) -> None:
        """A line in the document's history, where nothing about the document itself changes."""
        ...


class Slots(Protocol):
    """Leases of a bottleneck, of OCR and model together say: at most `limit` owners, each with an expiry."""

    def take(self, owner: str, limit: int, expires: datetime, share: int | None = None) -> bool:
        """False where all places are taken, or `share` of them, or the owner holds one already."""
        ...

    def release(self, owner: str) -> bool:
        """False where the owner held none: releasing twice does no harm."""
        ...

    def take_back_expired(self, now: datetime) -> list[str]: ...

    def owners(self) -> Mapping[str, datetime]: ...


class Rates(Protocol):
    """So many calls a second, over all who make them."""

    def take(self, name: str, rate: Rate, now: datetime, patience: float) -> float | None:
        """Seconds until the call may be made; None where they are more than `patience`: nothing is taken."""
        ...

    def state(self, name: str, now: datetime) -> RateState: ...

    def refused(self, name: str, now: datetime) -> None:
        """The service itself refused a call: nobody makes one for a while, longer each time."""
        ...

    def accepted(self, name: str) -> None:
        """The service took a call again."""
        ...


class Line(Protocol):
    """Those who wait for a bottleneck."""

    def join(self, place: str) -> None:
        """Joining with the same place again changes nothing."""
        ...

    def first(self, limit: int) -> list[Place]:
        """Live before backfill, the oldest first."""
        ...

    def leave(self, place: str) -> None:
        """Leaving where one does not stand is no error."""
        ...


class Ticks(Protocol):
    """Messages that have a line moved on; never more than one is under way because calls are short."""

    def later(self, seconds: float, now: datetime) -> bool:
        """Have the line moved on in so many seconds; False where that is under way already."""
        ...

    def came(self) -> None:
        """The message that was under way has arrived."""
        ...

    def look_after(self) -> None:
        """Have the line and its leases looked after, now."""
        ...


class OcrJobRow(BaseModel):
    """An OCR job: all that it takes to start it, who waits for it, how far it is.

    Rows of versions before admission have neither `source` nor `place`: their jobs run already.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    tag: str
    document_id: str
    correlation_id: str = ""
    task_token: str
    features: tuple[str, ...] = ()
    source: Location | None = None
    place: str = ""
    """Where it stands in line, or stood."""
    job_id: str = ""
    """Empty until the job is known to run."""
    tries: int = 0
    """Starts that nobody knows the outcome of, one after the other."""
    tried: datetime | None = None
    started: datetime | None = None
    ended: bool = False
    asks: int = 0
    """How often it was asked about, its end not having been told."""
    asked: datetime | None = None


class OcrJobs(Protocol):
    """Rows of OCR jobs; each change leaves alone what others write."""

    def ask(self, row: OcrJobRow, expires: datetime) -> OcrJobRow:
        """The row as it is then: the newest token counts; of a job that is known only that is changed."""
        ...

    def find(self, tag: str) -> OcrJobRow | None: ...

    def try_start(self, tag: str, now: datetime) -> OcrJobRow | None:
        """Note that it is being started; None where it runs, has ended or is not there."""
        ...

    def not_started(self, tag: str) -> None:
        """The service refused the start: nothing is under way."""
        ...

    def started(self, tag: str, job_id: str, now: datetime) -> None: ...

    def ended(self, tag: str, job_id: str) -> OcrJobRow | None:
        """The row as it is then: the token may have been renewed meanwhile."""
        ...

    def asked(self, tag: str, now: datetime) -> None:
        """Note that it was asked about and runs on."""
        ...

    def forget_job(self, tag: str, job_id: str) -> None:
        """Its result is gone: it is to be started again."""
        ...


class LimitRows(Protocol):
    """What Service Quotas said last."""

    def read(self) -> tuple[ServiceLimits, datetime] | None: ...

    def write(self, limits: ServiceLimits, now: datetime) -> None: ...


class Quotas(Protocol):
    """The account's quotas of a service."""

    def of(self, service: str) -> list[tuple[str, float]]:
        """Names and values; none where they cannot be read."""
        ...


class BackfillPlace(NamedTuple):
    """A document in the line of its backfill."""

    document_id: str
    place: str
    """Where it stands: texts that sort as their times, oldest first."""


class Backfills(Protocol):
    """Backfills, and who of their documents waits to be started."""

    def active(self) -> list[str]:
        """Ids of those whose documents may be started, the oldest first."""
        ...

    def waiting(self, backfill: str, limit: int) -> list[BackfillPlace]:
        """Documents that have not been started yet; the oldest first, at most `limit`."""
        ...

    def left_line(self, backfill: str, document: str, place: str) -> None:
        """Take a document out of the line; one that is not there any more is no error."""
        ...

    def count(self, backfill: str, document: str, outcome: Status) -> bool:
        """Note how a document of the backfill ended; False where the same outcome was counted before."""
        ...

    def uncount(self, backfill: str, document: str) -> None:
        """The document is processed again: it has not ended, and neither has its backfill."""
        ...


class JobRow(BaseModel):
    """Who waits for an OCR job, or for an inference of an endpoint."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    tag: str
    document_id: str
    correlation_id: str = ""
    task_token: str
    features: tuple[str, ...] = ()
    job_id: str = ""
    """Of an endpoint: the inference that the row waits for. Textract's notifications name their jobs."""
    output: str = ""
    """S3 URI of an endpoint's answer to come; empty for Textract, and where none was asked for."""
    failure: str = ""
    """S3 URI of what an endpoint says instead where it fails."""
    asking_since: datetime | None = None
    """While an endpoint is being asked, and when the asking broke off: nobody knows then whether it heard."""


class Jobs(Protocol):
    def put(self, row: JobRow, expires: datetime) -> None: ...

    def find(self, tag: str) -> JobRow | None: ...

    def note(self, tag: str, job_id: str, output: str, failure: str) -> bool:
        """Where the end of a job will lie, empty for nowhere; False where the row waits for another job.

        The asking is over with that. Nothing else is written: the token may have been renewed meanwhile.
        """
        ...


class EndpointInfo(NamedTuple):
    """An endpoint, as far as the pipeline depends on it; empty where it has none of it."""

    status: str
    is_async: bool
    output_path: str
    failure_path: str
    success_topic: str
    error_topic: str
    answers_on_topics: tuple[str, ...] = ()
    """Which of its notifications hold the answers themselves."""


class Inference(NamedTuple):
    """Where the answer will lie, or the failure; S3 URIs, the second may be empty."""

    output: str
    failure: str


class AsyncEndpoints(Protocol):
    """SageMaker's asynchronous endpoints."""

    def describe(self, name: str) -> EndpointInfo:
        """ConfigurationError where there is no such endpoint."""
        ...

    def invoke(
        self, name: str, request: Location, inference_id: str, content_type: str, accept: str
    ) -> Inference:
        """Ask once more each time that it is called. `accept` may be empty."""
        ...


class TextEndpoints(Protocol):
    """SageMaker's synchronous endpoints that rewrite texts."""

    def ask(self, name: str, body: bytes) -> bytes:
        """JSON in, JSON out. ModelFailedError where the container failed."""
        ...


class ReviewRow(BaseModel):
    """Who waits for a review; the task token leaves this row for the workflow only."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    review_id: str
    document_id: str
    correlation_id: str = ""
    task_token: str = ""
    """Empty in an audit, for which nobody waits."""
    kind: Literal["review", "audit"] = "review"
    state: str = "OPEN"
    """OPEN, ANSWERED, EXPIRED or WITHDRAWN."""
    created: datetime
    expires: datetime
    escalated: bool = False
    """Whether its time ran out once already and it was given more."""
    backend: str = "workbench"
    loop_name: str = ""
    answer: str = ""
    """S3 URI of the answer that counted."""
    reason: str = ""
    """Why it was withdrawn."""
    refusal: str = ""
    """Why the last answer that came could not be used."""
    rule: str = ""
    """What was done when it expired: accept or fail."""
    release: str = ""
    """Of an audit: the release of what was published."""
    result: str = ""
    """Of an audit: S3 URI of what was published."""


class Reviews(Protocol):
    def add(self, row: ReviewRow) -> bool:
        """False where there is one already; it stays as it is."""
        ...

    def find(self, review: str) -> ReviewRow | None: ...

    def renew_token(self, review: str, task_token: str) -> bool:
        """False where the review is not open any more."""
        ...

    def answer(self, review: str, answer: str) -> bool:
        """True for the first answer, and for the same one again; False for any other."""
        ...

    def withdraw(self, review: str, reason: str) -> bool:
        """False where it was not open any more."""
        ...

    def refuse(self, review: str, refusal: str) -> bool:
        """Note why an answer could not be used; False where the review is not open any more."""
        ...

    def due(self, until: datetime, limit: int) -> list[str]:
        """Reviews whose time was over then and that nobody has cleared away yet; the oldest first."""
        ...

    def clear_due(self, row: ReviewRow) -> None:
        """Nothing more is to be done when this review's time is over."""
        ...

    def expire(self, review: str, rule: str) -> bool:
        """Close it without an answer; False where it was not open any more."""
        ...

    def escalate(self, row: ReviewRow, expires: datetime, loop_name: str) -> bool:
        """Give it more time, once; False where it is not open any more or had it already."""
        ...


class AuditRow(BaseModel):
    """What the audit of one document gave: which published values were right. Never the values."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    audit_id: str
    document_id: str
    release: str = ""
    opened: datetime
    completed: datetime
    answer: str = ""
    """S3 URI."""
    values: tuple[tuple[str, float, bool], ...] = ()
    """Field, confidence, whether it was right; one entry per published value."""
    missed: dict[str, int] = {}
    """By field, values of the document that were not published."""


class Audits(Protocol):
    def add(self, row: AuditRow) -> bool:
        """False where it is there already: the same answer came twice."""
        ...

    def latest(self, limit: int) -> list[AuditRow]:
        """At most `limit` audits, those of the newest documents first."""
        ...


class Desk(Protocol):
    """The workbench's desk of the review, as the pipeline tells it of what became of a loop."""

    def tell(self, news: Message) -> None: ...


class Workflow(Protocol):
    """The document state machine and its waiting tasks."""

    def start(self, name: str, execution: ExecutionInput) -> str:
        """The execution's ARN; starting the same name with the same input again is no error."""
        ...

    def is_running(self, name: str) -> bool: ...

    def stop(self, name: str, error: str, cause: str) -> None:
        """End an execution; one that has ended or never was is no error."""
        ...

    def succeed(self, task_token: str, output: Mapping[str, Any]) -> bool:
        """False where nobody waits for the token any more."""
        ...

    def fail(self, task_token: str, error: str, cause: str) -> bool:
        """False where nobody waits for the token any more."""
        ...


class OcrRequest(BaseModel):
    """A Textract job to start."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    source: Location
    features: tuple[str, ...]
    tag: str
    client_token: str


class Ocr(Protocol):
    """Asynchronous OCR, Textract's way."""

    def start(self, request: OcrRequest) -> str:
        """The job's id; the same client token gives the same job."""
        ...

    def pages(
        self, job_id: str, features: Sequence[str], next_token: str, max_results: int = 1000
    ) -> dict[str, Any]:
        """One Get* response: JobStatus, StatusMessage, Blocks, Warnings, NextToken."""
        ...


class Events(Protocol):
    def publish(self, kind: str, detail: Mapping[str, Any], of: str) -> None:
        """Tell the outside, once: what was told already by this `kind` and `of` is not told again.

        `of` is what it is about, by a name that does not change when a killed function is called again.
        """
        ...


class Parameters(Protocol):
    def read(self, name: str) -> str:
        """ParameterMissingError where it is absent, 'undefined' or 'null'."""
        ...

    def version(self, name: str) -> int:
        """It grows with each change. ParameterMissingError where the parameter is absent."""
        ...

    def write(self, name: str, value: str) -> int:
        """The parameter's new version."""
        ...


class HumanLoops(Protocol):
    """Amazon A2I, or the workbench, which has the same operations."""

    def start(self, flow_definition_arn: str, name: str, content: Mapping[str, Any]) -> None:
        """Starting the same name again is no error."""
        ...

    def stop(self, name: str) -> None:
        """Take the task away from the workers; a loop that has ended is no error."""
        ...


class Functions(Protocol):
    def invoke_later(self, function: str, payload: Mapping[str, Any]) -> None: ...


class UseRow(BaseModel):
    """What one call of a function used for one document."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    document_id: str
    attempt: int
    step: str
    request_id: str
    units: Mapping[Unit, Decimal]
    cpu_seconds: Decimal = Decimal(0)
    """Of the processor; the rest of the time was waiting."""
    memory_mb: int = 0
    """Of the function."""
    trace: str = ""
    """Of X-Ray, where the call was sampled."""


class LedgerDay(BaseModel):
    """What was used in one lane on one day."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    date: str
    lane: str
    documents: int
    uses: tuple[Use, ...]


class Ledger(Protocol):
    """What all documents together used, by day and lane."""

    def month(self, month: str) -> list[LedgerDay]:
        """Of a month, `yyyy-mm`; in order."""
        ...


class Clock(Protocol):
    def __call__(self) -> datetime:
        """Now, with time zone."""
        ...
