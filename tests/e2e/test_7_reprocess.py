"""Once more from any step, and kills in the middle: each document ends once, its OCR is paid once.

The state of a killed emulator is that of its last save, at most some seconds ago; so each kill waits for one.
"""

import contextlib
import json
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recto.messages import Status
from recto.places import DocumentPlaces, Location
from recto.ports import DocumentRow
from recto_local import processes
from tests.e2e.conftest import HOME, SAMPLES, SETTLED, Pipeline, wait_for
from tests.e2e.test_1_pipeline import hand_in
from tests.e2e.test_2_bad_input import blank_page, small_document
from tests.e2e.test_3_reviews_and_restart import ANSWER
from tests.e2e.test_5_command_line import recto

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]
BOOKLET = SAMPLES / "booklet.pdf"


def jobs_of(pipeline: Pipeline, place: Location) -> int:
    """OCR jobs that the stand-in for Textract has for a document: what would have been paid for."""
    stored = (HOME / "standins" / "textract" / "jobs").glob("*/job.json")
    jobs = [json.loads(path.read_text())["request"] for path in stored]
    return sum(job["DocumentLocation"]["S3Object"]["Name"] == place.key for job in jobs)


def again(pipeline: Pipeline, place: Location, *options: str) -> DocumentRow:
    """`recto reprocess`, and the row once the new attempt has settled."""
    before = pipeline.row(place)
    assert before
    done = recto("reprocess", before.document_id, *options)
    assert done.returncode == 0, done.stdout + done.stderr

    def row() -> DocumentRow | None:
        found = pipeline.documents.find(before.document_id)
        return found if found and found.attempt > before.attempt and found.status in SETTLED else None

    return wait_for(row, 120, lambda: pipeline.documents.find(before.document_id))


def details_of(pipeline: Pipeline, document: str, least: int) -> list[dict[str, Any]]:
    pipeline.told(document, least)
    return [e["detail"] for e in pipeline._heard if e["detail"].get("DocumentId") == document]


@pytest.fixture(scope="module")
def reviewed(pipeline: Pipeline) -> Location:
    """A document that a person has answered."""
    place = pipeline.send(blank_page(), "again/reviewed.pdf")
    (row,) = pipeline.settled([place])
    hand_in(pipeline, row.review_id, ANSWER)
    assert pipeline.ended(row.document_id).status is Status.PROCESSED
    return place


def test_from_every_later_step_without_paying_and_with_each_result_kept(
    pipeline: Pipeline, reviewed: Location
) -> None:
    published = again(pipeline, reviewed, "--from", "publish")
    asked = again(pipeline, reviewed, "--from", "review")
    asked_anew = again(pipeline, reviewed, "--from", "postprocess")
    modelled = again(pipeline, reviewed, "--from", "model")

    assert published.status is Status.PROCESSED
    statuses = {row.status for row in (asked, asked_anew, modelled)}
    assert statuses == {Status.IN_REVIEW}, "a blank page asks for a person each time"
    assert len({asked.review_id, asked_anew.review_id, modelled.review_id}) == 3
    assert jobs_of(pipeline, reviewed) == 1
    first, second = details_of(pipeline, published.document_id, 2)
    assert second["Attempt"] == published.attempt
    assert second["Supersedes"] == {"Attempt": first["Attempt"], "Result": first["Result"]}
    results = [
        json.loads(pipeline.objects.read(Location.from_uri(detail["Result"]["S3Uri"])))
        for detail in (first, second)
    ]
    assert [result["Attempt"] for result in results] == [first["Attempt"], published.attempt]
    assert [result["Fields"]["Provider Name"]["Value"] for result in results] == ["ACME", "ACME"]
    pipeline.no_slot_is_held()


def test_an_answer_to_a_withdrawn_review_is_refused_kept_and_told(
    pipeline: Pipeline, reviewed: Location
) -> None:
    before = again(pipeline, reviewed, "--from", "review")
    after = again(pipeline, reviewed, "--from", "review")

    hand_in(pipeline, before.review_id, {**ANSWER, "field-value-Provider Name": "Too late"})

    def noted() -> dict[str, Any] | None:
        entries = pipeline.documents.history(after.document_id, 1000)
        return next((e for e in entries if before.review_id in e.get("answer", "")), None)

    assert wait_for(noted, 90, lambda: "history")["error"] == "ReviewWithdrawnError"
    refused = recto("review", "answer", before.review_id, "--accept")
    assert refused.returncode == 1
    assert "processed again from review" in refused.stderr
    assert "answer not taken" in recto("history", after.document_id).stdout
    rejected = recto("review", "reject", after.document_id, "--reason", "a white page")
    assert rejected.returncode == 0, rejected.stderr
    assert pipeline.ended(after.document_id).status is Status.REJECTED


def test_ocr_is_paid_again_only_when_asked_for_and_confirmed(pipeline: Pipeline) -> None:
    place = pipeline.send(small_document(), "again/pay.pdf")
    (row,) = pipeline.settled([place])

    refused = recto("reprocess", "again/pay.pdf", "--from", "ocr")
    assert (refused.returncode, jobs_of(pipeline, place)) == (1, 1)
    after = again(pipeline, place, "--from", "ocr", "--yes")

    assert (after.ocr_attempt, jobs_of(pipeline, place)) == (row.ocr_attempt + 1, 2)


def test_failed_documents_go_on_when_the_cause_is_gone(pipeline: Pipeline) -> None:
    ssm, name = pipeline.client("ssm"), pipeline.info.outputs["ReleaseParamName"]
    good = ssm.get_parameter(Name=name)["Parameter"]["Value"]
    ssm.put_parameter(Name=name, Value="releases/there-is-none", Type="String", Overwrite=True)
    try:
        place = pipeline.send(small_document(), "again/failed.pdf")
        (row,) = pipeline.settled([place])
    finally:
        ssm.put_parameter(Name=name, Value=good, Type="String", Overwrite=True)
    assert (row.status, row.error) == (Status.FAILED, "ReleaseError")

    done = recto("reprocess", "--status", "FAILED", "--error", "ReleaseError", "--yes", "--wait")

    assert done.returncode == 0, done.stdout
    after = pipeline.documents.find(row.document_id)
    assert after
    assert after.status in (Status.PROCESSED, Status.IN_REVIEW)
    assert jobs_of(pipeline, place) == 1


def test_a_document_deleted_or_overwritten_while_it_waits_is_read_as_it_was(pipeline: Pipeline) -> None:
    s3 = pipeline.client("s3")
    deleted = pipeline.send(BOOKLET, "again/deleted.pdf")
    replaced = pipeline.send(BOOKLET, "again/replaced.pdf")
    first = {
        place.key: wait_for(lambda place=place: pipeline.row(place), 60, lambda: "rows")
        for place in (deleted, replaced)
    }
    s3.delete_object(Bucket=deleted.bucket, Key=deleted.key)
    pipeline.send(blank_page(), "again/replaced.pdf")

    rows = [
        wait_for(
            lambda row=row: (
                found if (found := pipeline.documents.find(row.document_id)).status in SETTLED else None
            ),
            120,
            lambda row=row: pipeline.documents.find(row.document_id),
        )
        for row in first.values()
    ]

    for row in rows:
        assert row.status in (Status.PROCESSED, Status.IN_REVIEW), (row.error, row.cause)
        places = DocumentPlaces(pipeline.work, row.document_id)
        words = json.loads(pipeline.objects.read(places.ocr_index))["pages"]
        assert sum(page[3] for page in words) > 100, "the words of the booklet, not of a blank page"
    pipeline.settled([replaced])


# --- kills ------------------------------------------------------------------------------------------


def kill(pipeline: Pipeline, name: str) -> None:
    """End a process of the runtime, and what it started, as a power cut would; then start again."""
    process = pipeline.runtime.status().info.processes[name]
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    assert processes.wait_until(lambda: not processes.is_alive(process), 30)
    pipeline.info = pipeline.runtime.up()


def kill_workers(pipeline: Pipeline) -> int:
    """End the functions' processes, which the emulator starts; it stays up."""
    emulator = pipeline.runtime.status().info.processes["emulator"].pid
    numbers = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
    parents = {pid: _parent(pid) for pid in numbers}
    workers = [pid for pid, parent in parents.items() if parent == emulator]
    for pid in workers:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return len(workers)


def _parent(pid: int) -> int:
    with contextlib.suppress(OSError):
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return 0


def wait_for_a_save(pipeline: Pipeline, document: str) -> None:
    """Until the emulator's saved table knows the document."""
    saved = HOME / "emulator" / "state" / "dynamodb.json"

    def is_saved() -> bool | None:
        return (saved.exists() and document in saved.read_text()) or None

    wait_for(is_saved, 90, lambda: f"no save of {document}")


def sent_and_saved(pipeline: Pipeline, key: str, body: Path | bytes) -> tuple[Location, DocumentRow]:
    place = pipeline.send(body, key)
    row = wait_for(lambda: pipeline.row(place), 60, lambda: place)
    wait_for_a_save(pipeline, row.document_id)
    return place, row


def held_back(pipeline: Pipeline, key: str, body: Path | bytes) -> tuple[Location, DocumentRow]:
    """A document that waits, saved: without a release nothing starts."""
    ssm, name = pipeline.client("ssm"), pipeline.info.outputs["ReleaseParamName"]
    good = ssm.get_parameter(Name=name)["Parameter"]["Value"]
    ssm.put_parameter(Name=name, Value="undefined", Type="String", Overwrite=True)
    try:
        return sent_and_saved(pipeline, key, body)
    finally:
        ssm.put_parameter(Name=name, Value=good, Type="String", Overwrite=True)
        time.sleep(6)  # the parameter is saved with the next save


def start(pipeline: Pipeline) -> None:
    pipeline.client("lambda").invoke(
        FunctionName=pipeline.info.outputs["DispatchFunctionName"], InvocationType="Event", Payload=b"{}"
    )


def is_in(step: str, pipeline: Pipeline, document: str) -> bool:
    """Whether a document is in the middle of a step, as far as its files tell."""
    places = DocumentPlaces(pipeline.work, document)
    there = pipeline.objects.info
    return {
        "ocr": lambda: there(places.image_plan) is not None,
        "model": lambda: there(places.ocr_index) is not None,
        "publishing": lambda: there(places.fields) is not None,
    }[step]()


def ended_well_and_once(pipeline: Pipeline, place: Location, row: DocumentRow) -> None:
    def settled() -> DocumentRow | None:
        found = pipeline.documents.find(row.document_id)
        return found if found and found.status in SETTLED else None

    found = wait_for(settled, 150, lambda: pipeline.documents.find(row.document_id))
    assert found.status in (Status.PROCESSED, Status.IN_REVIEW), (found.error, found.cause)
    assert jobs_of(pipeline, place) == 1, "OCR is paid once"
    kinds = Counter(pipeline.events_of(row.document_id))
    assert "DocumentFailed" not in kinds


@pytest.mark.parametrize(
    ("what", "step"),
    [("standins", "ocr"), ("workers", "model"),
     pytest.param("emulator", "model", marks=pytest.mark.prove),
     pytest.param("emulator", "ocr", marks=pytest.mark.prove),
     pytest.param("emulator", "publishing", marks=pytest.mark.prove)],
)  # fmt: skip
def test_a_kill_in_the_middle_of_a_step_costs_nothing(pipeline: Pipeline, what: str, step: str) -> None:
    place, row = held_back(pipeline, f"kill/{what} {step}.pdf", BOOKLET)
    start(pipeline)
    wait_for(lambda: is_in(step, pipeline, row.document_id) or None, 60, lambda: pipeline.row(place))

    if what == "workers":
        assert kill_workers(pipeline)
    else:
        kill(pipeline, what)

    ended_well_and_once(pipeline, place, row)
    pipeline.no_slot_is_held(60)


def test_a_kill_while_a_review_waits_keeps_it(pipeline: Pipeline) -> None:
    place, row = sent_and_saved(pipeline, "kill/review.pdf", blank_page())
    (waiting,) = pipeline.settled([place])
    sent_and_saved(pipeline, "kill/after the review.pdf", b"")  # with the review before it

    kill(pipeline, "emulator")

    wait_for(
        lambda: pipeline.documents.find(row.document_id).attempt > waiting.attempt or None, 60, lambda: row
    )
    hand_in(pipeline, waiting.review_id, ANSWER)
    ended = pipeline.ended(row.document_id)
    assert (ended.status, ended.review_id) == (Status.PROCESSED, waiting.review_id), ended.cause
    assert pipeline.told(row.document_id) == ["DocumentProcessed"]


@pytest.mark.prove
@pytest.mark.timeout(3000)
def test_twenty_documents_outlive_kills_at_random_moments(pipeline: Pipeline) -> None:
    chance = random.Random(1337)
    bodies = [BOOKLET, small_document(), blank_page(), SAMPLES / "letter.pdf"]
    ssm, name = pipeline.client("ssm"), pipeline.info.outputs["ReleaseParamName"]
    good = ssm.get_parameter(Name=name)["Parameter"]["Value"]
    ssm.put_parameter(Name=name, Value="undefined", Type="String", Overwrite=True)
    sent = [
        sent_and_saved(pipeline, f"storm/{number}.pdf", bodies[number % len(bodies)]) for number in range(20)
    ]
    ssm.put_parameter(Name=name, Value=good, Type="String", Overwrite=True)
    time.sleep(6)
    start(pipeline)

    for _ in range(12):
        time.sleep(chance.uniform(1, 12))
        what: Callable[[], object] = chance.choice(
            [
                lambda: kill(pipeline, "emulator"),
                lambda: kill(pipeline, "standins"),
                lambda: kill_workers(pipeline),
            ]
        )
        what()

    for place, row in sent:
        ended_well_and_once(pipeline, place, row)
    pipeline.no_slot_is_held(90)
