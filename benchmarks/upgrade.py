"""A stack that is upgraded while documents are under way: none is lost, none is processed twice.

    .venv/bin/python benchmarks/upgrade.py --documents 12     a quick look, a few minutes
    .venv/bin/python benchmarks/upgrade.py                    the figures: 200 documents

Version n is this tree. Version n+1 is a copy of it with what an upgrade changes: the shared library (so every
function gets a new layer), a function's own code and environment, and the document state machine, which gets
one state more before its last. A third of the documents is sent before, the rest while `sam deploy` replaces
the stack and after it. Counted at the end: rows, results, events and history lines per document, executions
of the old and of the new definition, documents that needed another attempt, messages in dead-letter queues
and slots that are held by nobody. Documents are the samples that go straight through, under names of their
own, so that each is one document.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from local_run import BUILT, HOME, LocalRun, local_run
from recording import ROOT, print_table, write_result

from recto.aws.admission import SlotLeases
from recto.aws.dynamodb import Table
from recto.errors import RectoError
from recto.messages import Status
from recto.places import Location
from recto.ports import DocumentRow
from recto_local.deployment import INPUTS, Sam, fingerprint
from recto_local.runtime import Runtime

SAMPLES = ROOT / "local" / "samples"
CALLER = "recto-benchmarks"
COPIED = (*INPUTS, "local/releases")
LINKED = (".venv", ".venv-tools", ".wheels")
"""Environments: read, never written."""
MARK = "UpgradedState"
"""A state that only the new definition has."""
AT_REST_SECONDS = 90
DEPLOY_SECONDS = 60
"""About as long as `sam deploy` takes here: so long the documents keep arriving."""


# --- version n+1 ----------------------------------------------------------------------------------------


@contextmanager
def next_version() -> Iterator[Path]:
    """A copy of the tree as its next version, gone at the end."""
    with tempfile.TemporaryDirectory(prefix="recto-upgrade-") as folder:
        root = Path(folder)
        for name in COPIED:
            source, target = ROOT / name, root / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)
        for name in LINKED:
            if (ROOT / name).exists():
                (root / name).symlink_to(ROOT / name)
        for place, old, new in CHANGES:
            _change(root / place, old, new)
        yield root


CHANGES = (
    ("layers/recto/src/recto/__init__.py", '__version__ = "', '__version__ = "upgraded-'),
    ("functions/publish/app.py", 'CALLER = "recto-publish"', 'CALLER = "recto-publish-upgraded"'),
    ("template.yaml", "POWERTOOLS_SERVICE_NAME: publish\n", "POWERTOOLS_SERVICE_NAME: publish_upgraded\n"),
    ("statemachine/document.asl.json", '"Next": "Publish"', f'"Next": "{MARK}"'),
    ("statemachine/document.asl.json", '"Default": "Publish"', f'"Default": "{MARK}"'),
    (
        "statemachine/document.asl.json",
        '    "Publish": {',
        f'    "{MARK}": {{"Type": "Pass", "Next": "Publish"}},\n    "Publish": {{',
    ),
)
"""Files with what stands there and what comes in its place."""


def _change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    if old not in text:
        raise LookupError(f"{path}: expected {old!r}; this benchmark must be brought up to date")
    path.write_text(text.replace(old, new))


# --- the run ---------------------------------------------------------------------------------------------


class Upgraded(NamedTuple):
    """What the upgrade took."""

    seconds: float
    sent_during: int
    said: list[str]


class Documents:
    """Samples that need nobody, sent again and again under new names."""

    def __init__(self, run: LocalRun) -> None:
        self.run = run
        self.places: list[Location] = []
        self.straight: list[Path] = []

    def warm_up(self) -> None:
        """Every sample once: which go straight through, and each function has run."""
        paths = sorted(SAMPLES.glob("*.pdf"))
        places = [self.run.send(path, f"warm/{path.name}") for path in paths]
        rows = self.run.settled(places, 600)
        self.straight = [
            path for path, row in zip(paths, rows, strict=True) if row.status is Status.PROCESSED
        ]
        if not self.straight:
            raise LookupError(f"no sample goes straight through: {[(row.key, row.status) for row in rows]}")

    def send(self) -> None:
        number = len(self.places)
        path = self.straight[number % len(self.straight)]
        self.places.append(self.run.send(path, f"upgrade/{number:04d}.pdf"))


def upgrade(root: Path, documents: Documents, count: int) -> Upgraded:
    """Deploy the next version over the one that runs, while documents go on arriving."""
    said: list[str] = []
    run = documents.run
    next_runtime = Runtime(root, run.runtime.home, say=said.append, builds=HOME / "next")
    failure: list[BaseException] = []

    def deploy() -> None:
        try:
            run.info = next_runtime.up()
        except BaseException as error:  # noqa: BLE001 - raised again below, in the thread that waits
            failure.append(error)

    build(root, run)  # ahead: what is measured is the change of a running stack
    for _ in range(count // 3):
        documents.send()
    before, began = len(documents.places), time.monotonic()
    thread = threading.Thread(target=deploy)
    thread.start()
    while thread.is_alive():
        if len(documents.places) < count - count // 6:
            documents.send()
        thread.join(DEPLOY_SECONDS / count)
    if failure:
        raise failure[0]
    run.runtime = next_runtime
    return Upgraded(time.monotonic() - began, len(documents.places) - before, said)


def build(root: Path, run: LocalRun) -> None:
    """What `up` of the next version would build, in its place."""
    builds = HOME / "next"
    Sam(root, run.runtime.home, root / ".venv-tools" / "bin" / "sam", builds).build(dict(os.environ))
    (builds / "built-from").write_text(fingerprint(root))


def measure(run: LocalRun, root: Path, count: int) -> dict[str, Any]:
    documents, queue = Documents(run), listen(run)
    documents.warm_up()
    began = time.monotonic()
    upgraded = upgrade(root, documents, count)
    while len(documents.places) < count:
        documents.send()
    rows = run.settled(documents.places, 300 + 20 * count)
    took = time.monotonic() - began
    time.sleep(3)  # for an event too many
    figures = counted(run, rows, heard(run, queue))
    return figures | {
        "documents": count,
        "sent_during_the_upgrade": upgraded.sent_during,
        "upgrade_seconds": round(upgraded.seconds, 1),
        "seconds": round(took, 1),
        "restarted_by_the_upgrade": [line for line in upgraded.said if "go on" in line],
    }


def counted(run: LocalRun, rows: Sequence[DocumentRow], events: Counter[tuple[str, str]]) -> dict[str, Any]:
    marked = [is_new_definition(run, row) for row in rows]
    published = [events["DocumentProcessed", row.document_id] for row in rows]
    closed = [
        sum(entry["to"] == Status.PROCESSED for entry in run.documents.history(row.document_id))
        for row in rows
    ]
    return {
        "processed": sum(row.status is Status.PROCESSED for row in rows),
        "statuses": dict(Counter(f"{row.status} {row.error}".strip() for row in rows)),
        "results": sum(has_result(run, row) for row in rows),
        "events_per_document": {"fewest": min(published), "most": max(published)},
        "closed_per_document": {"fewest": min(closed), "most": max(closed)},
        "by_the_old_definition": marked.count(False),
        "by_the_new_definition": marked.count(True),
        "more_than_one_attempt": sum(row.attempt > 1 for row in rows),
        "dead_letters": dead_letters(run),
        "slots_held_at_rest": slots_at_rest(run),
    }


def is_new_definition(run: LocalRun, row: DocumentRow) -> bool:
    """Whether its execution went through the state that only the new version has."""
    names = (event.get("stateEnteredEventDetails", {}).get("name") for event in run.history(row))
    return MARK in names


def has_result(run: LocalRun, row: DocumentRow) -> bool:
    try:
        content = json.loads(run.objects.read(Location(bucket=run.work, key=row.result_key)))
    except RectoError:
        return False
    return bool(content["DocumentId"] == row.document_id and content["Status"] == "PROCESSED")


def dead_letters(run: LocalRun) -> dict[str, int]:
    """Messages in the stack's dead-letter queues, of those that hold any."""
    sqs, ssm = run.runtime.client(run.info, "sqs"), run.runtime.client(run.info, "ssm")
    pages = ssm.get_paginator("get_parameters_by_path").paginate(Path=f"/{run.info.project}/static")
    found = {}
    for parameter in (each for page in pages for each in page["Parameters"]):
        name = parameter["Name"].rpartition("/")[2]
        if name.endswith(("DeadLetters", "Failures")):
            wanted = "ApproximateNumberOfMessages"
            about = sqs.get_queue_attributes(QueueUrl=parameter["Value"], AttributeNames=[wanted])
            found[name] = int(about["Attributes"][wanted])
    return {name: count for name, count in found.items() if count}


def slots_at_rest(run: LocalRun) -> int:
    slots = SlotLeases(Table(run.info.outputs["DocumentTableName"], CALLER))
    deadline = time.monotonic() + AT_REST_SECONDS
    while slots.owners() and time.monotonic() < deadline:
        time.sleep(1)
    return len(slots.owners())


# --- events ----------------------------------------------------------------------------------------------


def listen(run: LocalRun) -> str:
    sqs, events = run.runtime.client(run.info, "sqs"), run.runtime.client(run.info, "events")
    queue = str(sqs.create_queue(QueueName="recto-benchmark-upgrade")["QueueUrl"])
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = json.dumps({"source": [f"recto.{run.info.project}"]})
    events.put_rule(Name="recto-benchmark-upgrade", EventPattern=pattern)
    events.put_targets(Rule="recto-benchmark-upgrade", Targets=[{"Id": "queue", "Arn": arn}])
    return queue


def heard(run: LocalRun, queue: str) -> Counter[tuple[str, str]]:
    """Events by kind and document, as often as they came."""
    sqs, found = run.runtime.client(run.info, "sqs"), Counter[tuple[str, str]]()
    while messages := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            event = json.loads(message["Body"])
            found[event["detail-type"], event["detail"].get("DocumentId", "")] += 1
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    return found


# --- the verdict -----------------------------------------------------------------------------------------


def is_right(figures: dict[str, Any]) -> bool:
    """All processed, none twice, documents of both definitions, nothing left over."""
    count, once = figures["documents"], {"fewest": 1, "most": 1}
    return (
        figures["processed"] == figures["results"] == count
        and figures["events_per_document"] == figures["closed_per_document"] == once
        and figures["by_the_old_definition"] > 0
        and figures["by_the_new_definition"] > 0
        and not figures["dead_letters"]
        and figures["slots_held_at_rest"] == 0
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--documents", type=int, default=200)
    count = parser.parse_args().documents
    if count < 6:
        parser.error(f"--documents: expected at least 6, got {count}")
    # Read once, then from the cache: what is proved here is not how fast pages are read.
    cache = Path(os.environ.get("RECTO_OCR_CACHE") or HOME / "ocr-cache")
    BUILT.update({"next", "ocr-cache"})
    cache.mkdir(parents=True, exist_ok=True)
    with next_version() as root, local_run(ocr_cache=cache) as run:
        figures = measure(run, root, count)
    print_table("Upgrade under load", ("what", "count"), [(k, json.dumps(v)) for k, v in figures.items()])
    right = is_right(figures)
    if count >= 200:
        print(write_result("upgrade", "benchmarks/upgrade.py", {"passed": right, **figures}))
    print("passed" if right else "FAILED")
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
