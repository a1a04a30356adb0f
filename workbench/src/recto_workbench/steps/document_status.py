"""Documents as operators see them: lists by status, one document whole, and doing it again.

Everything is read from the documents' own rows and objects. When a step ended is told by when its result
was written; what AWS charged is not known here, so the cost is told in pages and jobs, without money.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, NamedTuple, Protocol

from pydantic import ValidationError

from recto.errors import DocumentMissingError
from recto.messages import FINAL_STATUSES, OcrJob, ReprocessRequest, ReprocessResponse, Status, Step
from recto.pagestore import PageIndex
from recto.places import DocumentPlaces, Location
from recto.ports import Clock, DocumentRow
from recto.review import LOOP, human_loop_name
from recto_workbench.errors import RequestError, TaskMissingError
from recto_workbench.loops import Loop
from recto_workbench.page_tokens import place_in, token_of
from recto_workbench.ports import MakeId
from recto_workbench.steps.review_pages import PageFiles, Shown, document_view, page_view, shown_by_row

LIST_PAGE = 50
MOST_SEARCHED = 500
"""Rows that one search looks through; the next page goes on behind them."""
MOST_COUNTED = 1000
MOST_HISTORY = 1000
MOST_REASON = 300
MOST_TOLD = 3
"""Of a review's reasons."""
AT_ONCE = 8
S3_TELLS_SECONDS = timedelta(seconds=1)
"""S3 leaves out the parts of a second."""
EVENTS = {
    Status.PROCESSED: "DocumentProcessed",
    Status.FAILED: "DocumentFailed",
    Status.REJECTED: "DocumentRejected",
}
NOT_TOLD = {"pk", "sk", "time", "to", "status"}
AGAIN = frozenset({Status.PROCESSED, Status.FAILED, Status.REJECTED, Status.IN_REVIEW})


class WatchedDocuments(Protocol):
    """Documents' rows and histories, to look at."""

    def find(self, document: str) -> DocumentRow | None: ...

    def latest(self, status: Status, until: datetime | None, limit: int) -> list[DocumentRow]:
        """The newest first, of those received at `until` or before."""
        ...

    def count(self, status: Status, most: int) -> int:
        """How many there are; counting ends at `most`."""
        ...

    def history(self, document: str, limit: int = 100) -> list[dict[str, Any]]:
        """What became of the document, oldest first."""
        ...


class Consoles(NamedTuple):
    """Where operators find more: AWS's own pages. Empty on a laptop."""

    state_machine_arn: str = ""


class Watch(NamedTuple):
    """What the status page works with."""

    documents: WatchedDocuments
    files: PageFiles
    reprocess: Callable[[ReprocessRequest], ReprocessResponse]
    """Ask the deployment's function; its refusals come by their own names."""
    clock: Clock
    make_id: MakeId
    consoles: Consoles = Consoles()
    loop: Callable[[str], Loop | None] = lambda _: None
    """A review's row by its name; None where the desk is Amazon A2I."""


# ---- lists


class Cursor(NamedTuple):
    """Behind which document a list goes on: received at or before a time, and not one of these."""

    until: datetime | None = None
    shown: tuple[str, ...] = ()


def list_documents(status: str, search: str, token: str, watch: Watch) -> dict[str, Any]:
    """A page of documents, newest first, with how many there are of each status.

    A search looks at names and ids of at most 500 documents at a time and says how many it looked at.
    """
    statuses = (_status(status),) if status else tuple(Status)
    text, cursor = search.strip().casefold(), _cursor(token)
    exact = _by_id(text, statuses, watch) if text and not token else None
    if exact:
        return {
            "documents": _all_listed([exact], watch),
            "next": None,
            "counts": _counts(watch),
            "searched": 1,
        }
    found: list[DocumentRow] = []
    num_read = 0
    for row in _newest(statuses, cursor, watch):
        num_read += 1
        cursor = _behind(row, cursor)
        if not text or text in row.key.casefold() or row.document_id.startswith(text):
            found.append(row)
        if len(found) == LIST_PAGE or num_read == MOST_SEARCHED:
            break
    else:
        cursor = Cursor()
    return {
        "documents": _all_listed(found, watch),
        "next": _token(cursor) if cursor.until else None,
        "counts": _counts(watch),
        "searched": num_read if text else None,
    }


def _status(text: str) -> Status:
    try:
        return Status(text.upper())
    except ValueError as error:
        known = ", ".join(Status)
        raise RequestError(f"status: expected one of {known}, got {text[:40]!r}") from error


def _by_id(text: str, statuses: Sequence[Status], watch: Watch) -> DocumentRow | None:
    """The document of exactly this id: it is found however old it is."""
    is_id = text.isascii() and text.isalnum()
    row = watch.documents.find(text) if is_id else None
    return row if row and row.status in statuses else None


def _newest(statuses: Sequence[Status], cursor: Cursor, watch: Watch) -> Iterator[DocumentRow]:
    """Documents of some statuses behind the cursor, newest first; read in pages as they are wanted."""
    streams = {status: _of_status(status, cursor, watch) for status in statuses}
    heads = {status: row for status, stream in streams.items() if (row := next(stream, None))}
    while heads:
        status = max(heads, key=lambda each: (heads[each].received, heads[each].document_id))
        yield heads.pop(status)
        if row := next(streams[status], None):
            heads[status] = row


def _of_status(status: Status, cursor: Cursor, watch: Watch) -> Iterator[DocumentRow]:
    while True:
        limit = LIST_PAGE + len(cursor.shown)
        rows = watch.documents.latest(status, cursor.until, limit)
        new = [row for row in rows if row.document_id not in cursor.shown]
        yield from new
        if len(rows) < limit or not new:
            return
        for row in new:
            cursor = _behind(row, cursor)


def _behind(row: DocumentRow, cursor: Cursor) -> Cursor:
    """The cursor moved on; documents of one moment are told apart by name."""
    is_same = cursor.until == row.received
    return Cursor(row.received, (*(cursor.shown if is_same else ()), row.document_id))


def _token(cursor: Cursor) -> str:
    return token_of([cursor.until.isoformat() if cursor.until else "", cursor.shown])


def _cursor(token: str) -> Cursor:
    return place_in(token, _read_cursor) if token else Cursor()


def _read_cursor(told: Any) -> Cursor:
    until, shown = told
    return Cursor(datetime.fromisoformat(until).astimezone(UTC), tuple(map(str, shown)))


def _counts(watch: Watch) -> dict[str, int]:
    """How many documents there are of each status; 1000 stands for that many or more."""
    return {str(status): watch.documents.count(status, MOST_COUNTED) for status in Status}


def _all_listed(rows: Sequence[DocumentRow], watch: Watch) -> list[dict[str, Any]]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(lambda row: _listed(row, _waiting(row, watch)), rows))


def _waiting(row: DocumentRow, watch: Watch) -> Loop | None:
    """The review that a document waits for; None where Amazon A2I is the desk, or none was begun yet."""
    return _loop(row, watch) if row.status is Status.IN_REVIEW else None


def _loop(row: DocumentRow, watch: Watch) -> Loop | None:
    return watch.loop(human_loop_name(LOOP, row.review_id)) if row.review_id else None


def _listed(row: DocumentRow, loop: Loop | None) -> dict[str, Any]:
    """`in_workbench` says whether the review is one of the workbench's, so that a link leads somewhere."""
    return {
        "id": row.document_id,
        "name": row.key,
        "status": str(row.status),
        "received": row.received.isoformat(),
        "updated": row.updated.isoformat(),
        "confidence": row.confidence,
        "attempt": row.attempt,
        "reason": _reason(row) or _why_in_review(row, loop),
        "review": human_loop_name(LOOP, row.review_id) if row.review_id else None,
        "in_workbench": loop is not None,
    }


def _reason(row: DocumentRow) -> str | None:
    return f"{row.error}: {row.cause}"[:MOST_REASON] if row.error else None


def _why_in_review(row: DocumentRow, loop: Loop | None) -> str | None:
    """What a person is to look at, in short: `validator_failed Total, required_missing Date and 3 more`."""
    if row.status is not Status.IN_REVIEW or loop is None or not loop.reasons:
        return None
    all_told = [f"{reason.code} {reason.field}".strip() for reason in loop.reasons]
    # A field may fail by several validators: that is said once.
    told = list(dict.fromkeys(all_told))[:MOST_TOLD]
    num_more = loop.num_reasons - sum(each in told for each in all_told)
    more = f" and {num_more} more" if num_more > 0 else ""
    return f"{', '.join(told)}{more}"


# ---- one document


def document_detail(document: str, watch: Watch) -> dict[str, Any]:
    """All about one document; TaskMissingError where there is none."""
    row = _row(document, watch)
    places = DocumentPlaces(watch.files.work_bucket, row.document_id, row.made_in)
    history = sorted(watch.documents.history(row.document_id, MOST_HISTORY), key=_order)
    content, place, state = _fields(row, places, watch)
    return {
        **_listed(row, _loop(row, watch)),
        **_about(row),
        "fields": content.get("Fields", {}),
        "review_reasons": content.get("ReviewReasons", []),
        "warnings": content.get("Warnings", []),
        "fields_are": state,
        "result_url": _link(place, watch),
        "document": document_view(_shown(row, watch), watch.files),
        "timeline": _timeline(history, row, places, watch),
        "cost": _cost(row, places, watch),
        "events": _events(history, row),
        "links": _links(row, places, watch.consoles),
        "can": _can(row),
    }


def document_page(document: str, page: int, watch: Watch) -> dict[str, Any]:
    """The words and image of one page."""
    return page_view(_shown(_row(document, watch), watch), page, watch.files)


def _shown(row: DocumentRow, watch: Watch) -> Shown:
    return shown_by_row(row, watch.files)


def _row(document: str, watch: Watch) -> DocumentRow:
    row = watch.documents.find(document)
    if row is None:
        raise TaskMissingError(f"there is no document {document[:64]!r}")
    return row


def _about(row: DocumentRow) -> dict[str, Any]:
    return {
        "correlation_id": row.correlation_id or row.document_id,
        "bucket": row.bucket,
        "key": row.key,
        "size": row.size,
        "release": row.release or None,
        "ocr_engine": row.ocr_engine or None,
        "start_from": row.start_from,
        "operator": row.operator or None,
        "error": row.error or None,
        "cause": row.cause or None,
    }


def _fields(
    row: DocumentRow, places: DocumentPlaces, watch: Watch
) -> tuple[dict[str, Any], Location | None, str | None]:
    """What was found, where it lies, and what it is: published, reviewed, found, or of an earlier attempt."""
    tried = [(places.result, "published"), (places.reviewed_fields, "reviewed"), (places.fields, "found")]
    if row.supersedes_key:
        tried.append((Location(bucket=watch.files.work_bucket, key=row.supersedes_key), "superseded"))
    for place, state in tried:
        try:
            content = json.loads(watch.files.objects.read(place))
        except DocumentMissingError:
            continue
        if isinstance(content, dict):
            return content, place, state
    return {}, None, None


def _link(place: Location | None, watch: Watch) -> str | None:
    return watch.files.links.to_read(place, 900).url if place else None


# ---- what happened


def _timeline(
    history: Sequence[Mapping[str, Any]], row: DocumentRow, places: DocumentPlaces, watch: Watch
) -> list[dict[str, Any]]:
    """The document's statuses with how long each lasted, and the steps of this attempt, oldest first.

    `kind` is `status`, `note` (nothing about the document changed) or `step`; a status that lasts has no end:
    its `seconds` are those until now.
    """
    entries = [*_statuses(history, row, watch.clock()), *_steps(history, places, watch)]
    runs = [_time(entry) for entry in history if entry["to"] == Status.RUNNING]
    return sorted(entries, key=lambda entry: _stands(entry, runs))


def _stands(entry: Mapping[str, Any], runs: Sequence[datetime]) -> datetime:
    """A step stands behind the start of its run, though S3 tells no parts of its second."""
    when = datetime.fromisoformat(entry["when"])
    if entry["kind"] != "step":
        return when
    return max([when, *(run for run in runs if when <= run < when + S3_TELLS_SECONDS)])


def _statuses(
    history: Sequence[Mapping[str, Any]], row: DocumentRow, now: datetime
) -> Iterator[dict[str, Any]]:
    changes = [entry for entry in history if entry["to"] in set(Status)]
    ends = {id(entry): _time(after) for entry, after in pairwise(changes)}
    for entry in history:
        is_status, when = entry["to"] in set(Status), _time(entry)
        seconds = None
        if is_status and not (id(entry) not in ends and row.status in FINAL_STATUSES):
            seconds = round((ends.get(id(entry), now) - when).total_seconds(), 3)
        notes = {key: _plain(value) for key, value in entry.items() if key not in NOT_TOLD and value != ""}
        kind = "status" if is_status else "note"
        yield {
            "kind": kind,
            "what": str(entry["to"]),
            "when": when.isoformat(),
            "seconds": seconds,
            "notes": notes,
        }


def _order(entry: Mapping[str, Any]) -> tuple[datetime, int]:
    """Of one moment, what comes first: the table has them by name, and FAILED would stand before RECEIVED."""
    statuses = list(Status)
    return _time(entry), statuses.index(entry["to"]) if entry["to"] in statuses else len(statuses)


def _time(entry: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(entry["time"])


def _plain(value: Any) -> Any:
    """What JSON has: the table's numbers are decimals."""
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    return value if isinstance(value, str | bool) or value is None else float(value)


def _steps(
    history: Sequence[Mapping[str, Any]], places: DocumentPlaces, watch: Watch
) -> Iterator[dict[str, Any]]:
    """When each step's result was written, and how long that was after what it waited for."""
    ends: dict[str, datetime] = {}
    starts = sorted(_time(entry) for entry in history if entry["to"] == Status.RUNNING)
    for name, place, needs in (
        ("ocr", places.ocr_index, ()),
        ("images", places.image_part_index(1), ()),
        ("model", places.predictions_part_index(1), ("ocr", "images")),
        ("postprocess", places.fields, ("model",)),
        ("review", places.reviewed_fields, ("postprocess",)),
        ("publish", places.result, ("review", "postprocess")),
    ):
        info = watch.files.objects.info(place)
        if info is None or info.changed is None:
            continue
        ends[name] = info.changed
        begun = [ends[need] for need in needs if need in ends]
        begun += [start for start in starts if start <= info.changed + S3_TELLS_SECONDS][-1:]
        seconds = max(0.0, (info.changed - max(begun)).total_seconds()) if begun else None
        yield {
            "kind": "step",
            "what": name,
            "when": info.changed.isoformat(),
            "seconds": seconds,
            "notes": {},
        }


def _events(history: Sequence[Mapping[str, Any]], row: DocumentRow) -> list[dict[str, Any]]:
    """What was told to the outside: an event follows each end."""
    return [
        {"type": EVENTS[Status(entry["to"])], "when": _time(entry).isoformat(), "id": row.document_id}
        for entry in history
        if entry["to"] in EVENTS
    ]


def _cost(row: DocumentRow, places: DocumentPlaces, watch: Watch) -> dict[str, Any]:
    """What was worked for: pages, words, OCR jobs with their features. Prices are AWS's, not known here."""
    index = _stored(places.ocr_index, PageIndex.from_json, watch)
    job = _stored(places.ocr_job, OcrJob.model_validate_json, watch)
    return {
        "pages": index.num_pages if index else None,
        "words": index.num_words if index else None,
        "ocr_jobs": row.ocr_attempt if index else 0,
        "ocr_engine": row.ocr_engine or None,
        "ocr_features": list(job.features) if job else None,
        "dollars": None,
    }


def _stored(place: Location, read: Callable[[bytes], Any], watch: Watch) -> Any:
    try:
        return read(watch.files.objects.read(place))
    except (DocumentMissingError, ValidationError):
        return None


CONSOLES = {
    "aws": "console.aws.amazon.com",
    "aws-cn": "console.amazonaws.cn",
    "aws-us-gov": "console.amazonaws-us-gov.com",
}
"""Where AWS's own pages are, by partition; those of the isolated ones are not known outside."""


def _links(row: DocumentRow, places: DocumentPlaces, consoles: Consoles) -> list[dict[str, str]]:
    """AWS's own pages about the document; none on a laptop."""
    parts = consoles.state_machine_arn.split(":")
    if len(parts) != 7 or parts[1] not in CONSOLES:
        return []
    region = parts[3]
    base = f"https://{region}.{CONSOLES[parts[1]]}"
    execution = ":".join([*parts[:5], "execution", parts[6], f"{row.document_id}-{row.attempt}"])
    prefix = places.prefix
    return [
        {
            "what": "execution",
            "url": f"{base}/states/home?region={region}#/v2/executions/details/{execution}",
        },
        {
            "what": "objects",
            "url": f"{base}/s3/buckets/{places.bucket}?region={region}&prefix={prefix}",
        },
    ]


def _can(row: DocumentRow) -> list[str]:
    can = ["reprocess"] if row.status in AGAIN else []
    return [*can, "redrive"] if row.status in (Status.FAILED, Status.REJECTED) else can


# ---- once more


class Again(NamedTuple):
    """How a document is to be processed again."""

    start_from: Step | None
    """None: from the first step whose result is missing."""
    operator: str
    of_attempt: int | None = None
    """The attempt that the operator saw; None: whichever it is now."""
    pay_for_ocr: bool = False


def process_again(document: str, again: Again, watch: Watch) -> dict[str, Any]:
    """Let a document wait for a new attempt; ReprocessRefusedError where that cannot be."""
    row = _row(document, watch)
    request = ReprocessRequest(
        document_id=row.document_id,
        of_attempt=again.of_attempt or row.attempt,
        request_id=watch.make_id(),
        from_=again.start_from,
        pay_for_ocr=again.pay_for_ocr,
        operator=again.operator,
    )
    done = watch.reprocess(request)
    return {"status": str(Status.WAITING), "attempt": done.attempt, "from": str(done.from_)}
