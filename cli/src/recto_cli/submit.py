"""Documents into the inbox, and what becomes of them. The pipeline does the work; this only watches it."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from botocore.exceptions import ClientError

from recto.aws.clients import client, code_of, errors_of
from recto.correlation import METADATA
from recto.errors import DocumentMissingError
from recto.messages import FINAL_STATUSES, Status
from recto.places import Location
from recto.ports import DocumentRow
from recto_cli.stack import CALLER, Stack

SUFFIXES = frozenset({".pdf", ".png", ".jpg", ".jpeg", ".tif", ".tiff"})
SETTLED = FINAL_STATUSES | {Status.IN_REVIEW}
GONE_WELL = frozenset({Status.PROCESSED, Status.IN_REVIEW})
POLL_SECONDS = 0.5


class Submission(NamedTuple):
    """A document that was put into the inbox."""

    name: str
    source: Location
    etag: str
    known: frozenset[str]
    """Documents that were made of the same key before."""


class Outcome(NamedTuple):
    """What became of a submission so far; no row yet where the intake has not seen it."""

    submission: Submission
    row: DocumentRow | None

    @property
    def is_settled(self) -> bool:
        return self.row is not None and self.row.status in SETTLED

    @property
    def went_well(self) -> bool:
        return self.row is not None and self.row.status in GONE_WELL


def expand(arguments: Iterable[str]) -> Iterator[Path | Location]:
    """Files, documents of folders, objects, and all objects below an `s3://…/` prefix, in a stable order."""
    for argument in arguments:
        if argument.startswith("s3://"):
            yield from _objects_at(argument)
        elif Path(argument).is_dir():
            yield from sorted(path for path in Path(argument).iterdir() if path.suffix.lower() in SUFFIXES)
        elif Path(argument).is_file():
            yield Path(argument)
        else:
            raise DocumentMissingError(f"{argument}: no such file")


def _objects_at(uri: str) -> Iterator[Location]:
    if not uri.endswith("/"):
        yield Location.from_uri(uri)
        return
    bucket, _, prefix = uri.removeprefix("s3://").partition("/")
    pages = client("s3", CALLER).get_paginator("list_objects_v2")
    with errors_of(f"ListObjectsV2 {uri}", {"NoSuchBucket": DocumentMissingError}):
        for page in pages.paginate(Bucket=bucket, Prefix=prefix):
            for entry in page.get("Contents", []):
                if Path(entry["Key"]).suffix.lower() in SUFFIXES:
                    yield Location(bucket=bucket, key=entry["Key"])


def submit(document: Path | Location, stack: Stack, prefix: str = "", correlation_id: str = "") -> Submission:
    """Put one document into the inbox under its own name, and with the name that it is to be told by."""
    name = document.name if isinstance(document, Path) else document.key.rsplit("/", 1)[-1]
    key = prefix + name
    known = frozenset(stack.documents.of_source(stack.inbox, key))
    s3 = client("s3", CALLER)
    metadata = {METADATA: correlation_id} if correlation_id else {}
    with errors_of(f"upload of {name} to s3://{stack.inbox}/{key}"):
        if isinstance(document, Path):
            s3.upload_file(str(document), stack.inbox, key, ExtraArgs={"Metadata": metadata})
        else:
            _copy(s3, document, Location(bucket=stack.inbox, key=key), metadata)
        head = s3.head_object(Bucket=stack.inbox, Key=key)
    source = Location(bucket=stack.inbox, key=key, version_id=head.get("VersionId") or "")
    return Submission(name, source, head["ETag"].strip('"'), known)


def _copy(s3: object, document: Location, target: Location, metadata: Mapping[str, str]) -> None:
    """Copy an object; onto itself as well, which S3 allows only together with new metadata."""
    try:
        s3.copy_object(  # type: ignore[attr-defined]
            Bucket=target.bucket,
            Key=target.key,
            CopySource={"Bucket": document.bucket, "Key": document.key},
            MetadataDirective="REPLACE",
            Metadata=metadata,
        )
    except ClientError as error:
        if code_of(error) in {"NoSuchKey", "NoSuchBucket", "404"}:
            raise DocumentMissingError(f"{document.uri}: no such object") from error
        raise


def look(submission: Submission, stack: Stack) -> Outcome:
    """What became of a submission until now."""
    source = submission.source
    for document in stack.documents.of_source(source.bucket, source.key):
        row = stack.documents.find(document)
        if row is not None and _is_of(row, submission):
            return Outcome(submission, row)
    return Outcome(submission, None)


def _is_of(row: DocumentRow, submission: Submission) -> bool:
    """By version where the event carried one, otherwise by being new and the same bytes."""
    if row.version_id:
        return row.version_id == submission.source.version_id
    return row.document_id not in submission.known and row.etag in ("", submission.etag)


def watch(
    submissions: Sequence[Submission],
    stack: Stack,
    timeout: float,
    report: Callable[[Outcome], None],
    settled: Callable[[Outcome], bool] = lambda outcome: outcome.is_settled,
) -> list[Outcome]:
    """Look until all are settled or the time is over; `report` hears of each change."""
    deadline = time.monotonic() + timeout
    outcomes = {submission: Outcome(submission, None) for submission in submissions}
    while True:
        for submission, before in outcomes.items():
            if settled(before):
                continue
            now = look(submission, stack)
            if now.row is not None and (before.row is None or before.row.status != now.row.status):
                report(now)
            outcomes[submission] = now
        if all(settled(outcome) for outcome in outcomes.values()) or time.monotonic() > deadline:
            return list(outcomes.values())
        time.sleep(POLL_SECONDS)
