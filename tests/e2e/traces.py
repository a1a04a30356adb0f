"""What a run leaves in logs, memory and on disk, for tests to look at. It starts and changes nothing."""

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from recto.document import Word
from recto.pagestore import PageIndex
from recto.places import DocumentPlaces
from recto.steps.stored_pages import stored_pages
from tests.e2e.conftest import ROOT, Pipeline

RAISED = re.compile(r"^(?P<name>[A-Za-z_][\w.]*(?:Error|Exception|Exit|Interrupt|Timeout))(?::|$)")
CHAINED = ("The above exception was the direct cause", "During handling of the above exception")
CRASHED = re.compile(r"Task timed out|Runtime\.\w+Error|Runtime exited|Segmentation fault|MemoryError")
LEAST_LETTERS = 10


def function_logs(pipeline: Pipeline, since: datetime) -> dict[str, list[str]]:
    """The lines that each function wrote, by the name of its log group."""
    start = int(since.timestamp() * 1000)
    logs = pipeline.client("logs")
    groups = [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]]
    pages = logs.get_paginator("filter_log_events")
    return {
        group: [
            line
            for page in pages.paginate(logGroupName=group, startTime=start)
            for event in page["events"]
            for line in event["message"].splitlines()
        ]
        for group in groups
    }


def uncaught(lines: Iterable[str]) -> Iterator[str]:
    """The errors that ended an invocation: of each traceback, the last of its chain."""
    last = ""
    for line in lines:
        if line.startswith(CHAINED):
            last = ""
        elif line.startswith(("Traceback ", "START ", "END ", "REPORT ")):
            if last:
                yield last
            last = ""
        elif found := RAISED.match(line):
            last = found["name"]
    if last:
        yield last


def crashes(lines: Iterable[str]) -> list[str]:
    """Lines that tell of an invocation that ended without an answer."""
    return [line for line in lines if CRASHED.search(line)]


def telling_words(pipeline: Pipeline, documents: Iterable[str], known: str) -> set[str]:
    """Long words of the documents that neither their keys nor the product's own code use."""
    vocabulary = known.casefold() + "".join(_source_code())
    words = {word.text for document in documents for word in _words(pipeline, document)}
    return {
        word
        for word in words
        if len(word) >= LEAST_LETTERS and word.isalpha() and word.casefold() not in vocabulary
    }


def _source_code() -> Iterator[str]:
    for folder in ("layers", "functions", "local", "ocr"):
        for path in (ROOT / folder).rglob("*.py"):
            yield path.read_text(encoding="utf-8").casefold()


def _words(pipeline: Pipeline, document: str) -> Iterator[Word]:
    places = DocumentPlaces(pipeline.work, document)
    index = PageIndex.from_json(pipeline.objects.read(places.ocr_index))
    for page in stored_pages(pipeline.objects, places, index, 1, min(3, index.num_pages)):
        yield from page.words


def resident_bytes(pipeline: Pipeline) -> int:
    """Memory of the runtime's processes: those of its sessions, and those that name its home."""
    sessions = {str(process.pid) for process in pipeline.info.processes.values()}
    home = str(pipeline.runtime.home).encode()
    total = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            session = (folder / "stat").read_text().rpartition(")")[2].split()[3]
            if session in sessions or home in (folder / "cmdline").read_bytes():
                total += int((folder / "statm").read_text().split()[1]) * 4096
        except (OSError, IndexError):
            continue  # it has ended meanwhile
    return total


def bytes_on_disk(folder: Path) -> int:
    total = 0
    for place, _, names in os.walk(folder):  # which passes over folders that have gone meanwhile
        for name in names:
            with suppress(FileNotFoundError):
                total += (Path(place) / name).lstat().st_size
    return total


def waiting_messages(pipeline: Pipeline) -> dict[str, int]:
    """Messages in the deployment's queues, the dead letters among them; those of the tests do not count."""
    sqs = pipeline.client("sqs")
    kinds = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
    counts = {}
    for url in sqs.list_queues()["QueueUrls"]:
        attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        if url != pipeline.queue and (count := sum(int(attributes.get(kind, 0)) for kind in kinds)):
            counts[url.rpartition("/")[2]] = count
    return counts
