"""One local runtime for all end-to-end tests, with a state of its own; what was built is kept.

With `pytest -n 2 --dist loadfile --no-loadscope-reorder` (`make e2e`) there are two lanes: two runtimes at
a time, each with a home of its own below that of the tests and with the same builds. What
a lane's functions have called stays in its home for `test_z_roles.py`.
"""

import json
import os
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict

from recto.aws.admission import SlotLeases
from recto.aws.dynamodb import DocumentRows, ReviewRows, Table
from recto.aws.s3 import S3Objects
from recto.messages import FINAL_STATUSES, Status
from recto.places import DocumentPlaces, Location
from recto.ports import DocumentRow
from recto_local.runtime import Runtime, RuntimeInfo

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "local" / "samples"
DATA = ROOT.parent / "shared" / "data"
ALL_HOMES = Path(os.environ.get("RECTO_TEST_HOME") or ROOT / ".recto" / "tests")
LANE = os.environ.get("PYTEST_XDIST_WORKER", "")
"""The name of this process's lane; empty where the tests run one after the other."""
HOME = ALL_HOMES / "lanes" / LANE if LANE else ALL_HOMES
BUILT = {"build", "build.toml", "build-cache", "built-from", "build.lock"}
RECORD = "lane.json"
LONG_FILES = (
    "test_3_reviews_and_restart.py", "test_7_reprocess.py", "test_6_mail.py", "test_b1_labelling.py",
    "test_b2_workbench_web.py", "test_b4_two_people.py", "test_8c_trained_model.py", "test_9_review.py",
)  # fmt: skip
"""These begin first where there are lanes, so that no lane ends long after the others; those of labelling in
their order, since b1 and b2 look at all jobs that there are.
"""
SETTLED = FINAL_STATUSES | {Status.IN_REVIEW}
CALLER = "recto-tests"


class LaneRecord(BaseModel):
    """What a lane leaves in its home: of which run, process and runtime it is, and whether it has ended."""

    model_config = ConfigDict(frozen=True)

    run: str
    process: int
    info: RuntimeInfo
    has_ended: bool = False

    def write(self, home: Path) -> None:
        fresh = home / f"{RECORD}.new"
        fresh.write_text(self.model_dump_json(indent=2))
        fresh.replace(home / RECORD)


def this_run() -> str:
    """What all lanes of one run have in common."""
    return os.environ.get("PYTEST_XDIST_TESTRUNUID", "")


class Pipeline:
    """The deployed pipeline as the outside sees it: an inbox, a table, results, events."""

    def __init__(self, runtime: Runtime, info: RuntimeInfo) -> None:
        self.runtime, self.info = runtime, info
        self.inbox = info.outputs["InputBucketName"]
        self.work = info.outputs["WorkBucketName"]
        self.reviews_bucket = info.outputs["A2IHumanReviewBucketName"]
        self.objects = S3Objects(CALLER)
        table = Table(info.outputs["DocumentTableName"], CALLER)
        self.documents, self.reviews, self.slots = DocumentRows(table), ReviewRows(table), SlotLeases(table)
        self.queue = self._listen()
        self._heard: list[dict[str, Any]] = []

    def client(self, service: str) -> Any:
        return self.runtime.client(self.info, service)

    def _listen(self) -> str:
        """A queue that hears all of Recto's events."""
        sqs, events = self.client("sqs"), self.client("events")
        queue = sqs.create_queue(QueueName="recto-tests-events")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        pattern = json.dumps({"source": [f"recto.{self.info.project}"]})
        events.put_rule(Name="recto-tests", EventPattern=pattern)
        events.put_targets(Rule="recto-tests", Targets=[{"Id": "queue", "Arn": arn}])
        return str(queue)

    def told(self, document: str, least: int = 1) -> list[str]:
        """Kinds of a document's events, once so many were heard: each comes some moments after its row."""

        def heard() -> list[str] | None:
            kinds = self.events_of(document)
            return kinds if len(kinds) >= least else None

        found: list[str] = wait_for(heard, 90, lambda: self.events_of(document))
        return found

    def events_of(self, document: str) -> list[str]:
        """Kinds of the events heard of a document so far."""
        sqs = self.client("sqs")
        while messages := sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                self._heard.append(json.loads(message["Body"]))
                sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        return [
            event["detail-type"] for event in self._heard if event["detail"].get("DocumentId") == document
        ]

    def send(self, body: bytes | Path, key: str) -> Location:
        content = body.read_bytes() if isinstance(body, Path) else body
        place = Location(bucket=self.inbox, key=key)
        self.objects.write(place, content)
        return place

    def row(self, place: Location) -> DocumentRow | None:
        found = self.documents.of_source(place.bucket, place.key)
        return self.documents.find(found[0]) if found else None

    def settled(self, places: list[Location], seconds: float = 240) -> list[DocumentRow]:
        """The rows once all have ended or wait for a review; fails with what is missing at the deadline."""

        def rows() -> list[DocumentRow] | None:
            found = [self.row(place) for place in places]
            done = [row for row in found if row and row.status in SETTLED]
            return done if len(done) == len(places) else None

        return wait_for(rows, seconds, lambda: [str(self.row(place)) for place in places])

    def ended(self, document: str, seconds: float = 120) -> DocumentRow:
        def row() -> DocumentRow | None:
            found = self.documents.find(document)
            return found if found and found.status in FINAL_STATUSES else None

        return wait_for(row, seconds, lambda: str(self.documents.find(document)))

    def result(self, document: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.objects.read(DocumentPlaces(self.work, document).result))
        return found

    def no_slot_is_held(self, seconds: float = 60) -> None:
        wait_for(lambda: not self.slots.owners() or None, seconds, lambda: dict(self.slots.owners()))


def wait_for(look: Callable[[], Any], seconds: float, seen: Callable[[], Any]) -> Any:
    """What `look` finds, as soon as it finds something."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = look()
        if found is not None:
            return found
        time.sleep(0.3)
    raise AssertionError(f"not within {seconds:.0f} s; last seen: {seen()}")


@pytest.fixture(scope="session")
def pipeline() -> Iterator[Pipeline]:
    for path in HOME.iterdir() if HOME.exists() else ():
        if path.name not in BUILT:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    runtime = Runtime(ROOT, HOME, builds=ALL_HOMES)
    with runtime.running() as info, pytest.MonkeyPatch.context() as patch:
        record = LaneRecord(run=this_run(), process=os.getpid(), info=info)
        record.write(HOME)
        for name, value in info.environment().items():
            patch.setenv(name, value)
        yield Pipeline(runtime, info)
    record.model_copy(update={"has_ended": True}).write(HOME)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if LANE:
        items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    name = item.path.name
    return LONG_FILES.index(name) if name in LONG_FILES else len(LONG_FILES)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How long each lane was at work."""
    seconds: Counter[str] = Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            seconds[getattr(report, "worker_id", "")] += getattr(report, "duration", 0)
    for lane, total in sorted(seconds.items()):
        if lane:
            terminalreporter.write_line(f"lane {lane}: {total:.0f} s")
