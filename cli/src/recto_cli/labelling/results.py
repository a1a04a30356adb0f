"""What a labelling job has given: where it stands, its output brought here, what failed, what is in doubt."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from recto.aws.clients import client, errors_of
from recto.aws.s3 import S3Objects
from recto.consolidation import consolidation_of, failure_of
from recto.errors import DocumentMissingError, LabelRequestError
from recto.manifests import BrokenLine, ManifestLine, label_attributes, read_manifest
from recto.places import Location
from recto.suggestions import nearest
from recto_cli.labelling.back_ends import BackEnd, found, listed
from recto_cli.labelling.jobs import OUTPUT_MANIFEST, output_manifest
from recto_cli.stack import CALLER

FINAL = frozenset({"Completed", "Failed", "Stopped"})
POLL_SECONDS = 5.0
LONGEST_SHOWN = 400
LEVELS = 3
ANSWERS = "annotations/worker-response/"
CONSOLIDATION = "annotations/consolidated-annotation/"
ADJUDICATION_FILE, FAILED_FILE = "adjudicate.jsonl", "failed.jsonl"


class Counters(NamedTuple):
    """A job's counters in the service's words."""

    total: int
    human: int
    machine: int
    failed: int
    unlabeled: int

    @property
    def objects(self) -> int:
        return self.total + self.failed + self.unlabeled


class Found(NamedTuple):
    """What was brought here."""

    folder: Path
    num_objects: int
    num_answers: int
    failed: tuple[tuple[str, str], ...]
    """Objects without a label, and why."""
    doubtful: tuple[tuple[str, str], ...]
    """Objects that a person should decide about, and why."""
    skipped: tuple[str, ...]
    """Lines that could not be read, objects whose names leave the folder."""


def describe(name: str, end: BackEnd) -> dict[str, Any]:
    """A job; LabelRequestError with the nearest name where there is none."""
    answer = found(end, "DescribeLabelingJob", {"LabelingJobName": name})
    if answer is None:
        known = [str(job["LabelingJobName"]) for job in all_jobs(end)]
        hint = nearest(name, known) or (
            f"; known: {', '.join(known[:10])}" if known else "; there is none yet"
        )
        raise LabelRequestError(f"no labelling job {name!r}{hint}")
    return answer


def all_jobs(end: BackEnd) -> list[dict[str, Any]]:
    """Newest first."""
    jobs = listed(end, "ListLabelingJobs", "LabelingJobSummaryList")
    return sorted(jobs, key=lambda job: moment(job["CreationTime"]), reverse=True)


def counters(description: Mapping[str, Any]) -> Counters:
    told = description.get("LabelCounters") or {}
    names = ("TotalLabeled", "HumanLabeled", "MachineLabeled", "FailedNonRetryableError", "Unlabeled")
    return Counters(*(int(told.get(name) or 0) for name in names))


def moment(value: Any) -> datetime:
    """A time as boto3, JSON or a clock write it."""
    if isinstance(value, datetime):
        return value
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC)
    return datetime.fromisoformat(str(value))


def watch(
    name: str, end: BackEnd, report: Callable[[dict[str, Any]], None], timeout: float
) -> dict[str, Any]:
    """Look until the job has ended or the time is over; `report` hears of each look. The last description."""
    deadline = time.monotonic() + timeout
    while True:
        description = describe(name, end)
        report(description)
        if description["LabelingJobStatus"] in FINAL or time.monotonic() > deadline:
            return description
        time.sleep(POLL_SECONDS)


def first_lines(description: dict[str, Any], count: int) -> list[str]:
    """The beginning of a job's output manifest; none where it is not written yet."""
    lines: list[str] = []
    try:
        for line in read_manifest(_chunks(output_manifest(description)), "output manifest"):
            if len(lines) >= count:
                break
            content = line.reason if isinstance(line, BrokenLine) else line.content
            lines.append(json.dumps(content, ensure_ascii=False))
    except DocumentMissingError:
        return []
    return lines


def shortened(line: str, most: int = LONGEST_SHOWN) -> str:
    """A line of a manifest as JSON still, short enough to be read: what is long in it says how long it is."""
    try:
        content = json.loads(line)
    except ValueError:  # the reason why a line is broken
        return line
    for size in (80, 24, 8):
        short = json.dumps(_brief(content, size, LEVELS), ensure_ascii=False)
        if len(short) <= most:
            return short
    return json.dumps(_brief(content, 8, 1), ensure_ascii=False)


def _brief(value: Any, size: int, levels: int) -> Any:
    """Texts by their beginning and end, lists by their first, and nothing below so many levels."""
    if isinstance(value, str) and len(value) > 2 * size:
        return f"{value[:size]}…{value[-size:]}"
    if isinstance(value, dict):
        if not levels:
            return f"{{{len(value)} keys}}"
        return {key: _brief(item, size, levels - 1) for key, item in value.items()}
    if isinstance(value, list) and value:
        if not levels:
            return f"[{len(value)}]"
        more = [f"and {len(value) - 1} more"] if len(value) > 1 else []
        return [_brief(value[0], size, levels - 1), *more]
    return value


def _chunks(place: Location) -> Iterator[bytes]:
    missing = {"NoSuchKey": DocumentMissingError, "NoSuchBucket": DocumentMissingError}
    with errors_of(f"GetObject {place.uri}", missing):
        body = client("s3", CALLER).get_object(Bucket=place.bucket, Key=place.key)["Body"]
    yield from body.iter_chunks(1024 * 1024)


# --- bringing it here ---------------------------------------------------------------------------------


def bring(description: dict[str, Any], folder: Path, *, everything: bool = False) -> Found:
    """The output manifest and the workers' answers in a folder, with lists of what failed and is in doubt.

    An object that is here already in the same size is not fetched again: answers never change.
    """
    manifest = output_manifest(description)
    name = description["LabelingJobName"]
    prefix = manifest.key.removesuffix(OUTPUT_MANIFEST)
    if prefix == manifest.key:
        raise LabelRequestError(
            f"job {name}: expected its output at …/{OUTPUT_MANIFEST}, seen {manifest.uri}"
        )
    wanted = (OUTPUT_MANIFEST, ANSWERS, *((CONSOLIDATION,) if everything else ()))
    fetched, skipped = _fetch(manifest.bucket, prefix, wanted, folder)
    here = folder / OUTPUT_MANIFEST
    if OUTPUT_MANIFEST not in fetched:
        status = description["LabelingJobStatus"]
        raise LabelRequestError(f"job {name} is {status}: it has no output manifest yet ({manifest.uri})")
    return _sorted_out(here, folder, str(description["LabelAttributeName"]), fetched, skipped)


def _fetch(bucket: str, prefix: str, wanted: tuple[str, ...], folder: Path) -> tuple[list[str], list[str]]:
    objects = S3Objects(CALLER)
    fetched: list[str] = []
    skipped: list[str] = []
    for part in wanted:
        for key, size in _listing(bucket, prefix + part):
            name = key.removeprefix(prefix)
            if not is_inside(name):
                skipped.append(f"{key}: its name leaves the folder")
                continue
            path = folder / name
            fetched.append(name)
            if name != OUTPUT_MANIFEST and path.is_file() and path.stat().st_size == size:
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            objects.download(Location(bucket=bucket, key=key), path)
    return fetched, skipped


def _listing(bucket: str, prefix: str) -> Iterator[tuple[str, int]]:
    pages = client("s3", CALLER).get_paginator("list_objects_v2")
    with errors_of(f"ListObjectsV2 s3://{bucket}/{prefix}", {"NoSuchBucket": LabelRequestError}):
        for page in pages.paginate(Bucket=bucket, Prefix=prefix):
            for entry in page.get("Contents", ()):
                yield str(entry["Key"]), int(entry["Size"])


def is_inside(name: str) -> bool:
    """Whether a name stays in the folder that it is put in."""
    parts = PurePosixPath(name).parts
    return bool(parts) and not name.startswith("/") and ".." not in parts and not name.endswith("/")


def _sorted_out(
    manifest: Path, folder: Path, attribute: str, fetched: list[str], skipped: list[str]
) -> Found:
    failed: list[tuple[str, str]] = []
    doubtful: list[tuple[str, str]] = []
    num_objects = 0
    with (
        manifest.open("rb") as lines,
        (folder / FAILED_FILE).open("wb") as failures,
        (folder / ADJUDICATION_FILE).open("wb") as doubts,
    ):
        for line in read_manifest(iter(lambda: lines.read(1024 * 1024), b""), manifest.name):
            if isinstance(line, BrokenLine):
                skipped.append(f"{line.place}: {line.reason}")
                continue
            num_objects += 1
            written = json.dumps(line.content, ensure_ascii=False).encode() + b"\n"
            if why := why_failed(line, attribute):
                failed.append((object_name(line), why))
                failures.write(written)
            elif why := why_doubtful(line.content, attribute):
                doubtful.append((object_name(line), why))
                doubts.write(written)
    num_answers = sum(name.startswith(ANSWERS) for name in fetched)
    return Found(folder, num_objects, num_answers, tuple(failed), tuple(doubtful), tuple(skipped))


def object_name(line: ManifestLine) -> str:
    """What a line is about, for people."""
    for key in ("source-ref", "text-file-s3-uri", "raw-ref"):
        if isinstance(line.content.get(key), str):
            return str(line.content[key])
    return line.place


def why_failed(line: ManifestLine, attribute: str) -> str:
    """Why the job has no label for an object; empty where it has one.

    The service's metadata tells it, or Recto's own label where Ground Truth overwrites that.
    """
    if told := failure_of(line.content, attribute):
        return told
    label = next((one for one in label_attributes(line.content) if one.name == attribute), None)
    if label is None:
        return "" if line.content.get(attribute) is not None else "the line has no label of this job"
    return label.failure


def why_doubtful(content: Mapping[str, Any], attribute: str) -> str:
    """Why a person should decide about an object: what the consolidation says; empty for nothing."""
    reasons = consolidation_of(content, attribute).get("adjudicate") or ()
    return "; ".join(str(reason) for reason in reasons)
