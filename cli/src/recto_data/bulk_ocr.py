"""OCR of many documents in S3 through the deployed OCR state machine: one execution for each document.

What has its result is left alone, by one listing. Executions are named by what they do, so a second run joins
those that the first one left under way, and tries again what failed; nothing is paid for twice. They are
started at a pace that lets Textract's quotas breathe, and only so many are under way at once.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from recto.aws.state_machines import Run
from recto.errors import AccessError, ConfigurationError, OcrFailedError, RectoError
from recto.places import digest
from recto_data.endings import RESULT
from recto_data.places import Entry, Prefix
from recto_data.progress import SILENT, Bars
from recto_data.reports import Finding, Report, Status

THERE = "its result is there"
MAX_ATTEMPTS = 100


class Pace(NamedTuple):
    """How fast documents are sent, in seconds between two: quickly at first, then slower in a line."""

    first: float = 0.2
    last: float = 1.0
    slows_from: int = 20
    slows_to: int = 120
    at_once: int = 90
    """Executions under way at most; new accounts may have 100 Textract jobs."""
    poll: float = 2.0

    def pause(self, number: int) -> float:
        """The seconds after the document of this number, from 0."""
        share = (number - self.slows_from) / (self.slows_to - self.slows_from)
        return self.first + (self.last - self.first) * min(1.0, max(0.0, share))


class Runs(Protocol):
    """Executions of the OCR state machine; `recto.aws.state_machines.StateMachine` is one."""

    def start(self, name: str, content: Mapping[str, Any]) -> bool: ...

    def running(self) -> set[str]: ...

    def look(self, name: str) -> Run | None: ...


class OcrTask(NamedTuple):
    """Which documents, where the results go, what is asked for beside the text."""

    documents: Prefix
    output: Prefix
    features: tuple[str, ...] = ()

    def content(self, entry: Entry) -> dict[str, Any]:
        """The state machine's input."""
        source = self.documents.location(entry.name)
        target = self.output.location(result_name(entry.name))
        output = {"Bucket": target.bucket, "Key": target.key, "Features": list(self.features), "Type": "s3"}
        return {"Input": {"Bucket": source.bucket, "Key": source.key}, "Output": output}

    def name(self, entry: Entry) -> str:
        """The same for the same document, features and result."""
        source, target = self.documents.ref(entry.name), self.output.ref(entry.name)
        return f"ocr-{digest(source, entry.etag, target, *self.features)}"


def result_name(document: str) -> str:
    return f"{document}/{RESULT}"


def missing_results(documents: Sequence[Entry], results: Sequence[Entry]) -> list[Entry]:
    """The documents without a result, or with one that is older than they are."""
    there = {entry.name: entry for entry in results if entry.size}
    return [entry for entry in documents if is_outdated(entry, there.get(result_name(entry.name)))]


def is_outdated(document: Entry, result: Entry | None) -> bool:
    if result is None:
        return True
    return bool(document.changed and result.changed and result.changed < document.changed)


class BulkOcr:
    """One run over some documents."""

    def __init__(
        self, task: OcrTask, runs: Runs, pace: Pace | None = None, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._task, self._runs, self._pace, self._sleep = task, runs, pace or Pace(), sleep
        self._under_way: dict[str, Entry] = {}
        self._report = Report()

    def run(self, documents: Sequence[Entry], bars: Bars = SILENT) -> Report:
        """A result or an error for every document; AccessError where the role may not start executions."""
        bars.begin("documents", len(documents))
        for number, entry in enumerate(documents):
            while len(self._under_way) >= self._pace.at_once:
                self._look(bars)
            self._start(entry, bars)
            self._sleep(self._pace.pause(number))
        while self._under_way:
            self._look(bars)
        self._check_results()
        self._report.findings.sort(key=lambda finding: finding.name)
        return self._report

    def _start(self, entry: Entry, bars: Bars) -> None:
        try:
            self._under_way[self._started(entry)] = entry
        except (AccessError, ConfigurationError):
            raise
        except RectoError as error:
            self._end(Finding.of_error(entry.name, error), bars)

    def _started(self, entry: Entry) -> str:
        """The name of a new execution, or of the one that is under way for the document."""
        base = self._task.name(entry)
        for attempt in range(1, MAX_ATTEMPTS + 1):
            name = f"{base}-{attempt}"
            if self._runs.start(name, self._task.content(entry)):
                return name
            run = self._runs.look(name)
            if run is not None and run.is_running:
                return name
        raise OcrFailedError(f"{MAX_ATTEMPTS} executions of it have ended without a result")

    def _look(self, bars: Bars) -> None:
        """One request tells who has ended; what went wrong is asked of those alone."""
        self._sleep(self._pace.poll)
        for name in self._under_way.keys() - self._runs.running():
            run = self._runs.look(name)
            if run is None or run.is_running:  # not listed yet: it has only just started
                continue
            entry = self._under_way.pop(name)
            if run.went_well:
                self._end(Finding(entry.name, Status.DONE), bars)
            else:
                cause = run.cause or f"the execution {name} ended as {run.status}"
                self._end(Finding(entry.name, Status.FAILED, cause, run.error or run.status), bars)

    def _end(self, finding: Finding, bars: Bars) -> None:
        self._report.findings.append(finding)
        bars.step()

    def _check_results(self) -> None:
        """An execution that went well without a result has failed all the same."""
        there = {entry.name for entry in self._task.output.entries() if entry.size}
        lost = "the execution went well, but its result is not there"
        self._report.findings = [
            Finding(finding.name, Status.FAILED, lost, "ResultMissingError")
            if finding.status is Status.DONE and result_name(finding.name) not in there
            else finding
            for finding in self._report.findings
        ]
