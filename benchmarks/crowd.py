"""A crowd of one-page documents through the local runtime, and what is left of each of them in the end.

Shared by `storm.py` and `chaos.py`, which say how many, under which quotas and faults, and what must hold.
The pages are real ones of ../shared/data. A few differ, so that their OCR is answered from a cache of real
readings; each document is its own file all the same, with its number behind the PDF's end.
"""

import io
import json
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple, Protocol

import pypdfium2
from PIL import Image

from recto.admission import DOCUMENTS, MODEL, TEXTRACT_JOBS
from recto.aws.admission import Leases
from recto.aws.dynamodb import DocumentRows, Table
from recto.aws.s3 import S3Objects
from recto.aws.services import ParameterStore
from recto.fields import parse_fields
from recto.messages import FINAL_STATUSES, Status
from recto.places import Location, execution_name
from recto.ports import DocumentRow
from recto.release import FIELDS
from recto.release import MODEL as MODEL_FILE
from recto.steps.make_release import publish_release, read_release_folder
from recto_cli.release_parts import Parts, assemble
from recto_local.runtime import Runtime, RuntimeInfo

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data"
CALLER = "recto-benchmarks"
UPLOADS_AT_ONCE = 8
LOOK_SECONDS, TELL_SECONDS = 2.0, 30.0
MANY = 1_000_000
SETTLED = (*FINAL_STATUSES, Status.IN_REVIEW)
PAGE_WIDTH = 850
SAMPLE = 100
"""Documents whose execution's history is read."""
BOTTLENECKS = (DOCUMENTS, TEXTRACT_JOBS, MODEL)


class Deployed(Protocol):
    """A local runtime, as a benchmark or a test has it."""

    @property
    def runtime(self) -> Runtime: ...
    @property
    def info(self) -> RuntimeInfo: ...
    @property
    def objects(self) -> S3Objects: ...
    @property
    def documents(self) -> DocumentRows: ...
    @property
    def inbox(self) -> str: ...
    @property
    def work(self) -> str: ...


# --- documents ----------------------------------------------------------------------------------------


def real_pages(count: int) -> list[bytes]:
    """PDFs of one page: half receipts, half first pages of contracts."""
    photos = sorted((DATA / "sroie" / "img").glob("*.jpg"))[: count - count // 2]
    contracts = sorted((DATA / "kleister-nda" / "documents").glob("*.pdf"))[: count // 2]
    return [*map(_photo_as_pdf, photos), *map(_first_page, contracts)]


def _photo_as_pdf(path: Path) -> bytes:
    with Image.open(path) as photo:
        page = photo.convert("L")
        page.thumbnail((PAGE_WIDTH, 2 * PAGE_WIDTH))
        buffer = io.BytesIO()
        page.save(buffer, "PDF", resolution=100)
    return buffer.getvalue()


def _first_page(path: Path) -> bytes:
    single, buffer = pypdfium2.PdfDocument.new(), io.BytesIO()
    single.import_pages(pypdfium2.PdfDocument(path), [0])
    single.save(buffer)
    return buffer.getvalue()


def numbered(page: bytes, name: str) -> bytes:
    """The same page in a file of its own: readers stop at the mark of the end."""
    return page + f"\n% {name}\n".encode()


# --- the release --------------------------------------------------------------------------------------


def use_release_without_reviews(run: Deployed) -> None:
    """The demo's model with fields that ask nobody: a crowd shows the machine, not the model's doubts."""
    base = read_release_folder(ROOT / "local" / "releases" / "demo")
    fields = [
        {"ClassId": field.class_id, "Name": field.name, "Optional": True, "ReviewThreshold": 0}
        for field in parse_fields(base[FIELDS]).fields
    ]
    with TemporaryDirectory(prefix="recto-benchmark-") as folder:
        path = Path(folder) / "fields.json"
        path.write_text(json.dumps(fields))
        contents = assemble(base, Parts(fields=path, name="no-reviews"), "2026-01-01T00:00:00Z")
    if contents[MODEL_FILE] != base[MODEL_FILE]:
        raise AssertionError("the model is not the demo's")
    prefix = publish_release(contents, S3Objects(CALLER), run.work)
    ParameterStore(CALLER).write(run.info.outputs["ReleaseParamName"], prefix)


# --- a crowd ------------------------------------------------------------------------------------------


class Crowd:
    """Documents put in at once below one prefix, and what is known of them."""

    def __init__(self, run: Deployed, prefix: str, count: int, pages: Sequence[bytes]) -> None:
        self.run, self.prefix, self.count = run, prefix, count
        self._pages = pages
        self._table = Table(run.info.outputs["DocumentTableName"], CALLER)
        self._before = self._num_settled()
        self._histories: dict[str, list[dict[str, Any]]] = {}
        self.began = self.uploaded = self.ended = 0.0
        self.rows: dict[str, DocumentRow] = {}
        self.highest: Counter[str] = Counter()
        """Most owners of a bottleneck that were seen at once."""

    def key(self, number: int) -> str:
        return f"{self.prefix}/{number:05d}.pdf"

    def put_in(self) -> None:
        """All of them, several at once, in order as far as that goes."""
        self.began = time.time()
        with ThreadPoolExecutor(UPLOADS_AT_ONCE) as pool:
            list(pool.map(self._put, range(self.count)))
        self.uploaded = time.time()

    def _put(self, number: int) -> None:
        body = numbered(self._pages[number % len(self._pages)], self.key(number))
        self.run.objects.write(Location(bucket=self.run.inbox, key=self.key(number)), body)

    def wait(self, seconds: float, at_half: Callable[[], None] | None = None) -> None:
        """Until each has ended or waits for a person; TimeoutError with how many stand where."""
        deadline, told, ended = time.time() + seconds, time.time(), 0
        while (ended := self.num_ended()) < self.count:
            if at_half and ended >= self.count / 2:
                at_half()
                at_half = None
            if time.time() > deadline:
                raise TimeoutError(f"not within {seconds:.0f} s: {self.standing()}")
            if time.time() - told > TELL_SECONDS:
                told = time.time()
                print(f"  {told - self.began:5.0f} s: {self.standing()}", flush=True)
            time.sleep(LOOK_SECONDS)
        self.ended = time.time()
        for status in SETTLED:
            self.rows.update({row.document_id: row for row in self._of_status(status)})
        with ThreadPoolExecutor(UPLOADS_AT_ONCE) as pool:
            self._histories = dict(pool.map(self._history, self.rows))

    def num_ended(self) -> int:
        """Counted, since reading thousands of rows would be a load of its own; the places are looked at."""
        for bottleneck in BOTTLENECKS:
            held = len(Leases(self._table, bottleneck).owners())
            self.highest[bottleneck] = max(self.highest[bottleneck], held)
        return self._num_settled() - self._before

    def _num_settled(self) -> int:
        return sum(self.run.documents.count(status, MANY) for status in SETTLED)

    def _history(self, document: str) -> tuple[str, list[dict[str, Any]]]:
        return document, self.run.documents.history(document)

    def _of_status(self, status: Status) -> Iterator[DocumentRow]:
        there = self.run.documents.with_status(status, MANY)
        return (row for row in there if row.key.startswith(f"{self.prefix}/"))

    def standing(self) -> str:
        counts = {str(status): self.run.documents.count(status, MANY) for status in Status}
        shown = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
        return f"{shown}; {self._before} of them before, {self.count} expected"

    def leases(self) -> dict[str, list[str]]:
        return {name: sorted(Leases(self._table, name).owners()) for name in BOTTLENECKS}

    def rest(self, seconds: float) -> tuple[dict[str, int], float]:
        """Places still taken once all is quiet, or after so many seconds; and how long that took."""
        began = time.time()
        while any(self.leases().values()) and time.time() - began < seconds:
            time.sleep(1)
        return {name: len(owners) for name, owners in self.leases().items()}, time.time() - began

    # ---- what is left of each

    def outcomes(self) -> Counter[str]:
        return Counter(f"{row.status} {row.error}".strip() for row in self.rows.values())

    def unnamed(self) -> list[str]:
        """Documents that ended without a result and without a name for it."""
        without = (row for row in self.rows.values() if row.status is not Status.PROCESSED)
        return [row.document_id for row in without if not row.error]

    def results(self) -> int:
        """How many of those processed have a result of their own that can be read."""
        return sum(self._has_result(row) for row in self.rows.values() if row.status is Status.PROCESSED)

    def _has_result(self, row: DocumentRow) -> bool:
        place = Location(bucket=self.run.work, key=row.result_key)
        result = json.loads(self.run.objects.read(place))
        return bool(result["DocumentId"] == row.document_id and result["Input"]["Key"] == row.key)

    def closings(self) -> Counter[int]:
        """How often a document's history says that it was processed or failed: documents by number."""
        return Counter(
            sum(entry["to"] in FINAL_STATUSES for entry in history) for history in self._histories.values()
        )

    def paid_jobs(self) -> Counter[str]:
        """OCR jobs that were started, by key, as the stand-in's own records have them."""
        folder = self.run.runtime.home / "standins" / "textract" / "jobs"
        requests = (json.loads(path.read_text())["request"] for path in folder.glob("*/job.json"))
        names = (request["DocumentLocation"]["S3Object"]["Name"] for request in requests)
        return Counter(name for name in names if name.startswith(f"{self.prefix}/"))

    def overtaken(self) -> dict[str, float]:
        """How far from first come, first served: places between a document's turn and its start."""
        started = self.started()
        received = sorted(started, key=lambda document: self.rows[document].received)
        turn = {document: place for place, document in enumerate(received)}
        order = sorted(started, key=lambda document: started[document])
        apart = [abs(turn[document] - place) for place, document in enumerate(order)]
        return {"most": max(apart, default=0), "mean": round(sum(apart) / max(1, len(apart)), 1)}

    def started(self) -> dict[str, datetime]:
        """When each began to run for the first time, by its history."""
        return {
            document: min(began)
            for document, history in self._histories.items()
            if (began := [_time(entry) for entry in history if entry["to"] == Status.RUNNING])
        }

    def repeated(self) -> int:
        """Executions beyond a document's first."""
        return sum(row.attempt - 1 for row in self.rows.values())

    def transitions(self) -> dict[str, float]:
        """State transitions of a document: each state entered, and each try again."""
        rows = list(self.rows.values())[:: max(1, self.count // SAMPLE)]
        counts = [_transitions(self._events(row)) for row in rows]
        return {"mean": round(sum(counts) / len(counts), 2), "most": max(counts), "documents": len(counts)}

    def _events(self, row: DocumentRow) -> list[dict[str, Any]]:
        """Of the document's last execution."""
        machine = self.run.info.outputs["PipelineStateMachine"]
        name = execution_name(row.document_id, row.attempt)
        arn = f"{machine.replace(':stateMachine:', ':execution:')}:{name}"
        client = self.run.runtime.client(self.run.info, "stepfunctions")
        pages = client.get_paginator("get_execution_history").paginate(executionArn=arn)
        return [event for page in pages for event in page["events"]]


def _time(entry: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(str(entry["time"]))


def _transitions(history: Sequence[Mapping[str, Any]]) -> int:
    entered = sum(event["type"].endswith("StateEntered") for event in history)
    scheduled = sum(event["type"] == "TaskScheduled" for event in history)
    tasks = sum(event["type"] == "TaskStateEntered" for event in history)
    return int(entered + max(0, scheduled - tasks))


# --- calls --------------------------------------------------------------------------------------------


class FunctionCall(NamedTuple):
    function: str
    seconds: float
    """Since 1970, when it began."""
    milliseconds: float
    waited_ms: float
    failed: bool


def function_calls(run: Deployed, since: float, until: float) -> list[FunctionCall]:
    """The functions' calls in that time, from the emulator's log."""
    found = []
    for path in (run.runtime.call_log.with_suffix(".old.jsonl"), run.runtime.call_log):
        for line in path.read_text().splitlines() if path.exists() else ():
            entry = json.loads(line)
            began = datetime.fromisoformat(entry["time"]).timestamp()
            if since <= began <= until:
                found.append(
                    FunctionCall(
                        entry["function"], began, entry["milliseconds"], entry["waited_ms"], entry["failed"]
                    )
                )
    return found


def per_document(crowd: Crowd) -> dict[str, Any]:
    """Function calls and API calls of each document, on average, with those that the minute made."""
    run, count = crowd.run, crowd.count
    calls = function_calls(run, crowd.began, crowd.ended)
    by_function = Counter(call.function.removeprefix(f"{run.info.stack}-") for call in calls)
    services: defaultdict[str, int] = defaultdict(int)
    for line in run.info.access_log.read_text().splitlines():
        entry = json.loads(line)
        began = datetime.fromisoformat(entry["time"]).timestamp()
        if crowd.began <= began <= crowd.ended and entry["caller"] not in (CALLER, "standins", "recto-local"):
            services[entry["service"]] += 1
    return {
        "function_calls": round(len(calls) / count, 2),
        "failed_function_calls": sum(call.failed for call in calls),
        "by_function": {name: round(number / count, 2) for name, number in sorted(by_function.items())},
        "api_calls": {name: round(number / count, 2) for name, number in sorted(services.items())},
        "waited_for_a_worker_ms": round(sum(call.waited_ms for call in calls) / max(1, len(calls))),
    }


# --- events -------------------------------------------------------------------------------------------


class Listener:
    """A queue that hears all of Recto's events, emptied as they come."""

    def __init__(self, run: Deployed) -> None:
        self._run = run
        self._heard: Counter[tuple[str, str, int]] = Counter()
        self._stop = threading.Event()
        self._queue = self._listen()

    def client(self, service: str) -> Any:
        return self._run.runtime.client(self._run.info, service)

    def _listen(self) -> str:
        sqs, events = self.client("sqs"), self.client("events")
        queue = str(sqs.create_queue(QueueName="recto-crowd-events")["QueueUrl"])
        arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        pattern = json.dumps({"source": [f"recto.{self._run.info.project}"]})
        events.put_rule(Name="recto-crowd", EventPattern=pattern)
        events.put_targets(Rule="recto-crowd", Targets=[{"Id": "queue", "Arn": arn}])
        return queue

    def told(self, count: int, seconds: float) -> Counter[tuple[str, str, int]]:
        """What was heard, once so many have ended or the time is up: an event comes after its row."""
        deadline = time.monotonic() + seconds
        while sum(kind in ENDS for kind, _, _ in self.heard()) < count and time.monotonic() < deadline:
            time.sleep(0.5)
        return self._heard

    def heard(self) -> Counter[tuple[str, str, int]]:
        """Events by kind, document and attempt, as often as they came."""
        sqs = self.client("sqs")
        while messages := sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                event = json.loads(message["Body"])
                detail = event["detail"]
                kind = event["detail-type"], detail.get("DocumentId", ""), detail.get("Attempt", 0)
                self._heard[kind] += 1
            entries = [
                {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
                for number, message in enumerate(messages)
            ]
            sqs.delete_message_batch(QueueUrl=self._queue, Entries=entries)
        return self._heard


class EventFigures(NamedTuple):
    """How often a document's end was told."""

    told: int
    """Documents whose end was told as the row has it."""
    untold: int
    doubled: int
    """Ends that were told more than once."""
    contradicted: int
    """Documents of which two different ends were told."""


ENDS = {"DocumentProcessed": Status.PROCESSED, "DocumentFailed": Status.FAILED}


def event_figures(crowd: Crowd, heard: Counter[tuple[str, str, int]]) -> EventFigures:
    told: defaultdict[str, set[Status]] = defaultdict(set)
    doubled = 0
    for (kind, document, _), times in heard.items():
        if kind in ENDS and document in crowd.rows:
            told[document].add(ENDS[kind])
            doubled += times > 1
    right = sum(row.status in told[document] for document, row in crowd.rows.items())
    return EventFigures(
        told=right, untold=crowd.count - right, doubled=doubled,
        contradicted=sum(len(ends) > 1 for ends in told.values()),
    )  # fmt: skip


def dead_letters(run: Deployed) -> dict[str, int]:
    """Messages in queues for what could not be handled, where there are any."""
    sqs = run.runtime.client(run.info, "sqs")
    urls = sqs.list_queues(MaxResults=1000).get("QueueUrls", [])
    found = {}
    for url in urls:
        if "dead" in url.lower() or "dlq" in url.lower():
            about = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
            if number := int(about["Attributes"]["ApproximateNumberOfMessages"]):
                found[url.rpartition("/")[2]] = number
    return found
