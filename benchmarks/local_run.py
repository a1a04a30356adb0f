"""A local runtime of its own for a benchmark: documents in, rows, execution histories and calls out.

It measures nothing itself and leaves nothing running; its state is below `.recto/benchmarks`, built once.
"""

import json
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from recording import ROOT

from recto.aws.dynamodb import DocumentRows, Table
from recto.aws.s3 import S3Objects
from recto.messages import FINAL_STATUSES, Status
from recto.places import DocumentPlaces, Location, execution_name
from recto.ports import DocumentRow
from recto_local.runtime import Runtime, RuntimeInfo

HOME = Path(os.environ.get("RECTO_HOME") or ROOT / ".recto") / "benchmark-runtime"
BUILT = {"build", "build-cache", "built-from"}
SETTLED = FINAL_STATUSES | {Status.IN_REVIEW}
CALLER = "recto-benchmarks"


class Call(NamedTuple):
    """One line of the access log."""

    seconds: float
    """Since 1970."""
    caller: str
    operation: str
    resource: str


class LocalRun:
    """The deployed pipeline from outside."""

    def __init__(self, runtime: Runtime, info: RuntimeInfo) -> None:
        self.runtime, self.info = runtime, info
        self.inbox, self.work = info.outputs["InputBucketName"], info.outputs["WorkBucketName"]
        self.objects = S3Objects(CALLER)
        self._ids: dict[str, str] = {}
        """Document by key: no key is used twice in a run."""
        self.documents = DocumentRows(Table(info.outputs["DocumentTableName"], CALLER))

    @property
    def endpoint(self) -> str:
        return self.info.environment()["AWS_ENDPOINT_URL"]

    def under(self, faults: Path | None) -> None:
        """From now on with the faults of a plan, or without any."""
        self.info = self.runtime.follow(faults)

    def restart(self, faults: Path | None) -> None:
        """Stop everything in good order and start it again, with the faults of a plan."""
        self.runtime.down()
        self.runtime.faults = faults
        self.info = self.runtime.up()
        self.runtime.faults = None

    def send(self, path: Path, key: str) -> Location:
        place = Location(bucket=self.inbox, key=key)
        self.objects.write(place, path.read_bytes())
        return place

    def row(self, place: Location) -> DocumentRow | None:
        """One read where the document's id is known from before, so that looking costs little."""
        if place.key not in self._ids:
            found = self.documents.of_source(place.bucket, place.key)
            if not found:
                return None
            self._ids[place.key] = found[0]
        return self.documents.find(self._ids[place.key])

    def settled(self, places: Sequence[Location], seconds: float, every: float = 0.5) -> list[DocumentRow]:
        """The rows once all have ended or wait for a person; TimeoutError with the first that does not."""
        deadline, done = time.monotonic() + seconds, dict[str, DocumentRow]()
        while time.monotonic() < deadline:
            for place in places:
                row = None if place.key in done else self.row(place)
                if row and row.status in SETTLED:
                    done[place.key] = row
            if len(done) == len(places):
                return [done[place.key] for place in places]
            time.sleep(every)
        missing = next(place for place in places if place.key not in done)
        raise TimeoutError(f"not within {seconds:.0f} s: {missing.key}, {self.row(missing)}")

    def history(self, row: DocumentRow) -> list[dict[str, Any]]:
        """The events of the document's execution."""
        machine = self.info.outputs["PipelineStateMachine"]
        name = execution_name(row.document_id, row.attempt)
        arn = f"{machine.replace(':stateMachine:', ':execution:')}:{name}"
        pages = self.runtime.client(self.info, "stepfunctions").get_paginator("get_execution_history")
        return [event for page in pages.paginate(executionArn=arn) for event in page["events"]]

    def places(self, row: DocumentRow) -> DocumentPlaces:
        return DocumentPlaces(self.work, row.document_id)

    def calls(self, since: float, until: float) -> list[Call]:
        """What was called in that time, by whom."""
        entries = (json.loads(line) for line in self.info.access_log.read_text().splitlines())
        found = (
            Call(
                datetime.fromisoformat(entry["time"]).timestamp(),
                entry["caller"], entry["operation"], entry["resource"],
            )
            for entry in entries
        )  # fmt: skip
        return [call for call in found if since <= call.seconds <= until]


@contextmanager
def local_run(ocr_cache: Path | None = None, home: Path = HOME, **options: Any) -> Iterator[LocalRun]:
    """A fresh runtime, stopped at the end; what was built for an earlier one is used again.

    `options` are the runtime's: workers, faults, parameters of the template.
    """
    for path in home.iterdir() if home.exists() else ():
        if path.name not in BUILT:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    runtime = Runtime(ROOT, home, ocr_cache=ocr_cache, **options)
    with runtime.running() as info:
        os.environ.update(info.environment())
        yield LocalRun(runtime, info)


def spans(history: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Seconds in each state of the outer machine, by its name."""
    entered: dict[str, float] = {}
    taken: dict[str, float] = {}
    for event in history:
        at = event["timestamp"].timestamp()
        if detail := event.get("stateEnteredEventDetails"):
            entered[detail["name"]] = at
        elif detail := event.get("stateExitedEventDetails"):
            taken[detail["name"]] = taken.get(detail["name"], 0.0) + at - entered.get(detail["name"], at)
    return taken
