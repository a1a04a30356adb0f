"""Every payload between states, functions and the outside: references, never documents or text.

In JSON the keys are PascalCase, as Step Functions' users write them. `docs/schemas/` holds the
generated JSON schemas; a test keeps them equal to this file.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer
from pydantic.alias_generators import to_pascal

from recto.correlation import CorrelationId
from recto.places import DocumentId, Location, MadeIn
from recto.release import Backend


class Message(BaseModel):
    """Frozen, PascalCase in JSON, unknown keys refused."""

    model_config = ConfigDict(
        defer_build=True,  # when a model is first used: a function uses few of them and starts sooner
        frozen=True,
        alias_generator=to_pascal,
        populate_by_name=True,
        extra="forbid",
        ser_json_inf_nan="constants",
    )

    def dump(self) -> dict[str, Any]:
        """As JSON-ready values under the names of the wire."""
        return self.model_dump(mode="json", by_alias=True)


class Status(StrEnum):
    """Where a document stands. The last three are final."""

    RECEIVED = "RECEIVED"
    BACKLOG = "BACKLOG"
    """In the line of its backfill: nothing starts it but its turn there."""
    WAITING = "WAITING"
    RUNNING = "RUNNING"
    IN_REVIEW = "IN_REVIEW"
    PROCESSED = "PROCESSED"
    FAILED = "FAILED"
    REJECTED = "REJECTED"


FINAL_STATUSES = frozenset({Status.PROCESSED, Status.FAILED, Status.REJECTED})

Lane = Literal["live", "backfill"]
"""Live documents go first at every bottleneck."""


class Step(StrEnum):
    """The steps that a document can start from."""

    OCR = "ocr"
    MODEL = "model"
    POSTPROCESS = "postprocess"
    REVIEW = "review"
    PUBLISH = "publish"


OcrEngine = Literal["textract", "sagemaker"]
OCR_ENGINES: tuple[str, ...] = get_args(OcrEngine)


CORRELATION_KEYS = ("CorrelationId", "correlation_id")


class DocumentRef(Message):
    """One version of one document in one attempt: what every state passes on."""

    document_id: DocumentId
    attempt: Annotated[int, Field(ge=1)] = 1
    """Counts executions of this document."""
    ocr_attempt: Annotated[int, Field(ge=1)] = 1
    """Counts OCR jobs: it moves only when a failed OCR is to be paid for again."""
    made_in: MadeIn = MadeIn()
    """Of which attempt the results of each step are."""
    bucket: str
    key: str
    version_id: str = ""
    release: str = ""
    """The release's prefix in the work bucket, pinned when the document started."""
    ocr_engine: OcrEngine = "textract"
    """What reads it, pinned when the document started."""
    ocr_endpoint: str = ""
    """The endpoint's name, where the engine is one."""
    thumbnail_endpoint: str = ""
    """What draws its thumbnails, pinned when the document started; empty for `page_images` itself."""
    correlation_id: CorrelationId = ""
    """What its upload named itself; empty for the document's id."""

    @model_serializer(mode="wrap")
    def _leave_out_no_name(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """While a stack is upgraded a function of the version before may read it, which refuses new keys."""
        fields: dict[str, Any] = handler(self)
        named = self.correlation_id not in ("", self.document_id)
        return {key: value for key, value in fields.items() if named or key not in CORRELATION_KEYS}

    @property
    def correlation(self) -> str:
        """What it is called in logs and events."""
        return self.correlation_id or self.document_id

    @property
    def source(self) -> Location:
        return Location(bucket=self.bucket, key=self.key, version_id=self.version_id)


class SourceInput(Message):
    """The execution's `Input`, as readers of the reference's executions expect it."""

    bucket: str
    key: str


class ExecutionInput(Message):
    """What `dispatch` starts the document state machine with."""

    from_: Annotated[Step, Field(alias="From")]
    document: DocumentRef
    input: SourceInput


class DispatchRequest(Message):
    """Start what waits; first give back a slot, take back expired ones, or restart what was interrupted."""

    action: Literal["dispatch", "release", "recover"] = "dispatch"
    execution: str = ""
    """With `recover`: the name of one execution that has ended; empty for all documents that should run."""
    document: DocumentRef | None = None
    """Whose slot to give back, with `release`."""
    older_than_seconds: Annotated[int, Field(ge=0)] = 900
    """With `recover`: leave alone what moved since."""
    include_reviews: bool = False
    """With `recover`: look at documents that wait for a review as well."""


class DispatchResponse(Message):
    started: tuple[str, ...] = ()
    restarted: tuple[str, ...] = ()
    """Interrupted documents that wait or run again."""
    reaped: tuple[str, ...] = ()
    """Owners whose slots had expired."""
    refused: tuple[str, ...] = ()
    """Documents that could not be started; they wait on."""
    backfill_paused: str = ""
    """Why no document of a backlog was started, where that is so: the budget, for instance."""


class ReprocessRequest(Message):
    """Process a document again, from one of its steps on."""

    document_id: DocumentId
    of_attempt: Annotated[int, Field(ge=1)]
    """The attempt that the operator saw: whoever comes second is refused."""
    request_id: Annotated[str, Field(min_length=1)]
    """The same one again changes nothing: an answer may get lost on its way."""
    from_: Annotated[Step | None, Field(alias="From")] = None
    """None: the first step whose result is missing."""
    release: str = ""
    """`current`, `same` or a prefix; empty: current where fields are made, else the same."""
    pay_for_ocr: bool = False
    """Whether a new OCR job may be started."""
    force: bool = False
    """Whether a running execution may be stopped."""
    operator: str = ""


class ReprocessResponse(Message):
    """What the document does now."""

    document_id: DocumentId
    attempt: int
    from_: Annotated[Step, Field(alias="From")]
    release: str


Feature = Literal["FORMS", "LAYOUT", "SIGNATURES", "TABLES"]


class TextractStartRequest(Message):
    """Start one OCR job; the token is called back when it has ended."""

    document: DocumentRef
    features: tuple[Feature, ...] | None = None
    """None: the deployment's default; none at all: text detection only, the cheapest."""
    task_token: str


class PumpRequest(Message):
    """Move the line of OCR jobs on; with `recover`, first look after its leases."""

    action: Literal["tick", "recover"] = "tick"


class OcrJob(Message):
    """An OCR job that has ended well."""

    job_id: str
    features: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    """Pages that the OCR could not read; a person looks at them."""
    remarks: tuple[str, ...] = ()
    """What was odd about its answer and lost nothing; told in the result, no reason for a review."""


class OcrOutput(Message):
    """Where the OCR state machine's caller wants the consolidated Textract JSON."""

    model_config = ConfigDict(extra="ignore")

    bucket: str = ""
    key: str = ""
    prefix: str = ""
    features: tuple[str, ...] = ()
    type: Literal["s3"] = "s3"


class Upload(Message):
    """A multipart upload in progress."""

    upload_id: str
    etags: tuple[str, ...] = ()


class TextractFetchRequest(Message):
    """Fetch a job's pages from `next_token` on until the deadline is near."""

    document: DocumentRef
    job: OcrJob
    output: OcrOutput | None = None
    """Absent: into the page store; given: consolidated JSON to this place."""
    next_token: str = ""
    pages_done: Annotated[int, Field(ge=0)] = 0
    part: Annotated[int, Field(ge=0)] = 0
    upload: Upload | None = None


class TextractFetchResponse(Message):
    """How far fetching came; `next_token` empty and `done` true at the end."""

    done: bool
    next_token: str = ""
    pages_done: int = 0
    part: int = 0
    upload: Upload | None = None
    location: dict[str, str] | None = None
    """Of the consolidated JSON, once written: Bucket, Key, S3Uri."""


class PageRange(Message):
    """Pages first to last, both counted in; `part` numbers the object that holds them."""

    part: Annotated[int, Field(ge=1)]
    first: Annotated[int, Field(ge=1)]
    last: Annotated[int, Field(ge=1)]


class PageWork(Message):
    """Work on a document's pages: without a range, plan the ranges; with one, do it."""

    document: DocumentRef
    range: PageRange | None = None


class OcrEndpointStartRequest(Message):
    """Let an endpoint read one range of pages; the token is called back when it has ended."""

    document: DocumentRef
    range: PageRange
    task_token: str


class ThumbnailEndpointStartRequest(Message):
    """Let an endpoint draw the thumbnails of one range of pages; the token is called back at its end."""

    document: DocumentRef
    range: PageRange
    task_token: str


class ThumbnailEndpointStoreRequest(Message):
    """Put an endpoint's thumbnails of a range where models look for them."""

    document: DocumentRef
    range: PageRange
    output: str


class ModelEndpointStartRequest(Message):
    """Let an endpoint classify the words of one range of pages; the token is called back at its end."""

    document: DocumentRef
    endpoint: str
    range: PageRange
    task_token: str


class EndpointAnswer(Message):
    """Where an endpoint's answer lies."""

    output: str
    """An S3 URI."""


class ModelEndpointStoreRequest(Message):
    """Store a range's predictions out of an endpoint's answer."""

    document: DocumentRef
    endpoint: str
    range: PageRange
    output: str


class OcrEndpointStoreRequest(Message):
    """Store a range's pages out of an endpoint's answer; without a range, join what was stored."""

    document: DocumentRef
    range: PageRange | None = None
    output: str = ""


class PagePlan(Message):
    """How many pages there are and in which ranges they are worked on."""

    num_pages: Annotated[int, Field(ge=1)]
    ranges: tuple[PageRange, ...]


class ImagePlan(PagePlan):
    """The plan, and what of it is still to be drawn: the pages of a short document are drawn already."""

    to_draw: tuple[PageRange, ...] = ()


class ModelPlan(PagePlan):
    """The ranges to classify, and where: as the document's release says."""

    backend: Backend = "embedded"
    endpoint: str = ""
    """The endpoint's name, where the model lies behind one."""
    done: bool = False
    """The words of the only range are classified already."""


class RangeDone(Message):
    """What one range of pages gave."""

    part: int
    num_pages: int


class PostprocessRequest(Message):
    document: DocumentRef


class PostprocessResponse(Message):
    """Whether a person must look, and why; the fields lie in S3."""

    needs_review: bool
    reasons: tuple[str, ...] = ()
    confidence: float
    failed_normalizers: tuple[str, ...] = ()
    """Endpoints that rewrote nothing, each with its error's name."""
    is_drawn: bool = False
    """Whether it goes straight through and was drawn to be looked at again once it is published."""


class ReviewRequest(Message):
    document: DocumentRef
    task_token: str


class AuditRequest(Message):
    """Look at a published document again."""

    document: DocumentRef


class ExpiryRequest(Message):
    """Look for reviews whose time is over, or at that of one loop which has ended by itself."""

    loop_name: str = ""


class ReviewOutcome(Message):
    """What a finished review hands to the state machine."""

    review_id: str


SettledAs = Literal[
    "taken", "rejected", "late", "ignored", "refused", "failed", "withdrawn", "expired", "audited"
]


class ReviewSettled(Message):
    """To the desk: what the pipeline made of an answer, or of the review without one.

    `refused` alone leaves the review open: the answer was of no use, another one is wanted.
    """

    loop_name: str
    outcome: SettledAs
    cause: str = ""
    """Why it was not taken, as an error's name and message."""
    answer: str = ""
    """S3 URI of the `output.json` that this is about; empty where there was none."""


class ReviewAnswered(Message):
    """To the desk, by itself: a loop may have all its answers."""

    loop_name: str


class ReviewEscalated(Message):
    """To the desk: nobody answered in time; the loop stands on top from now on, and stays on offer longer."""

    loop_name: str
    expires: datetime
    """Until when."""


class Failure(BaseModel):
    """An error as Step Functions' Catch gives it."""

    model_config = ConfigDict(frozen=True)

    Error: str
    Cause: str = ""


class BackfillRequest(Message):
    """One item of a backfill to take in; or all have been looked at, or could not be read."""

    action: Literal["take-in", "listed", "not-listed"] = "take-in"
    backfill_id: DocumentId
    bucket: str = ""
    """Of an item of a listing; a manifest's lines name their buckets."""
    item: dict[str, Any] = {}
    """As S3 lists an object, or a line of a manifest."""
    index: Annotated[int, Field(ge=0)] = 0
    """Of the item, in its listing or manifest."""
    execution: str = ""
    """With `listed`: the ARN of the execution that took the items in."""
    failure: Failure | None = None
    """Why the item, or all of them, could not be taken in."""


class BackfillResponse(Message):
    """What became of the item."""

    outcome: Literal["taken", "failed", "known", "skipped", "missed", "listed", "not-listed"]
    failure: Failure | None = None


class PublishRequest(Message):
    document: DocumentRef
    failure: Failure | None = None


class PublishResponse(Message):
    status: Status
    input: dict[str, str] | None = None
    """Bucket and Key, as the execution was given them."""
    result: dict[str, str] | None = None
    model_result: dict[str, Any] | None = None
    """The fields as published, or their S3Uri from 200 KB on."""
    audit: bool = False
    """Whether the document was drawn to be looked at again."""
    failure: Failure | None = None


class ParameterChange(Message):
    """Somebody has changed one of the parameters that a release is made of."""

    name: str


class ParameterFollowed(Message):
    """What became of a changed parameter."""

    outcome: Literal["made", "unchanged", "undefined", "overtaken", "refused", "repeated"]
    release: str = ""
    """The release that is in use after it."""
    changes: tuple[str, ...] = ()
    failure: Failure | None = None
