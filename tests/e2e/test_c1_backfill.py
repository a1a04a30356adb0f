"""A backfill beside live traffic, by the command that operators use: live first, stopped and gone on with,
one bad document, counts that fit.
"""

import json
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image, ImageDraw
from typer.testing import CliRunner

from recto.aws.backfills import BackfillRows
from recto.aws.dynamodb import Table
from recto.backfills import Counts
from recto.messages import FINAL_STATUSES, Status
from recto.ports import DocumentRow
from recto_cli.backfill_runs import utc_now
from recto_cli.main import app
from tests.e2e.conftest import CALLER, HOME, Pipeline, wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]
NUM_GOOD = 11
MOMENT = timedelta(seconds=2)
SETTLED = FINAL_STATUSES | {Status.IN_REVIEW}


def page(number: int) -> bytes:
    """A little page, quick to read, unlike all others."""
    drawn, buffer = Image.new("L", (500, 300), "white"), BytesIO()
    ImageDraw.Draw(drawn).text((40, 60), f"Letter number {number}\nTotal 12.{number:02d} USD", fill="black")
    drawn.save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Eleven good documents, a bad one, and what nobody wants."""
    folder = tmp_path / "letters"
    (folder / "more").mkdir(parents=True)
    for number in range(NUM_GOOD):
        (folder / ("more" if number % 2 else ".") / f"letter-{number:02d}.png").write_bytes(page(number))
    (folder / "note.pdf").write_bytes(b"This is no PDF at all.\n" * 20)
    (folder / ".DS_Store").write_bytes(b"Mac")
    return folder


class Desk:
    """An operator at a terminal, and what the table says."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self.rows = BackfillRows(Table(pipeline.info.outputs["DocumentTableName"], CALLER), utc_now)

    def recto(self, *words: str) -> tuple[int, str]:
        """In this process, so that nothing is imported anew; nobody is there to be asked."""
        outcome = CliRunner().invoke(app, ["--target", "local", *words], env={"RECTO_HOME": str(HOME)})
        return outcome.exit_code, f"{outcome.output}{outcome.exception or ''}"

    def wait(self, backfill: str, look: Callable[[Counts], bool], seconds: float = 120) -> Counts:
        """The counts, once something is true of them."""

        def seen() -> Counts | None:
            counts = self.rows.counts(backfill)
            return counts if look(counts) else None

        found: Counts = wait_for(seen, seconds, lambda: self.rows.counts(backfill))
        return found

    def documents(self, backfill: str) -> list[DocumentRow]:
        found = [row for status in Status for row in self.pipeline.documents.with_status(status, 1000)]
        return [row for row in found if row.backfill_id == backfill]

    def is_listed(self, backfill: str) -> bool:
        row = self.rows.find(backfill)
        return row is not None and row.listed

    def begun(self, backfill: str) -> list[DocumentRow]:
        """Those that have left the line, or never stood in it."""
        return [row for row in self.documents(backfill) if row.status is not Status.BACKLOG]

    def began(self, row: DocumentRow) -> datetime:
        """When it ran for the first time."""
        history = self.pipeline.documents.history(row.document_id)
        return min(datetime.fromisoformat(each["time"]) for each in history if each["to"] == Status.RUNNING)


def test_a_backfill_beside_live_documents_stopped_and_gone_on_with(pipeline: Pipeline, folder: Path) -> None:
    desk = Desk(pipeline)
    code, output = desk.recto("backfill", "start", str(folder))
    assert (code, "say --yes" in output) == (1, True), output

    code, output = desk.recto("backfill", "start", str(folder), "--yes")
    assert code == 0, output
    backfill = desk.rows.all(1)[0].backfill_id
    desk.wait(backfill, lambda counts: counts.started >= 1)
    live = [pipeline.send(page(number), f"live/letter-{number}.png") for number in (91, 92)]
    desk.wait(backfill, lambda counts: counts.taken == NUM_GOOD + 1)
    code, output = desk.recto("backfill", "stop", backfill, "--operator", "ann")
    assert code == 0, output
    wait_for(lambda: settled(desk.begun(backfill)) or None, 90, lambda: desk.documents(backfill))
    stopped = desk.rows.counts(backfill)
    assert 0 < stopped.waiting < NUM_GOOD
    assert len(desk.begun(backfill)) == stopped.started + stopped.failed_at_intake
    code, output = desk.recto("backfill", "start", "--resume", backfill)
    assert code == 0, output

    desk.wait(backfill, lambda counts: counts.waiting == 0)
    wait_for(lambda: settled(desk.documents(backfill)) or None, 120, lambda: desk.documents(backfill))
    rows = desk.documents(backfill)
    statuses = Counter(row.status for row in rows)
    ended = sum(statuses[each] for each in FINAL_STATUSES)
    done = desk.wait(backfill, lambda counts: counts.ended >= ended)  # counted a moment after its row

    assert (done.taken, done.failed_at_intake, len(rows)) == (NUM_GOOD + 1, 1, NUM_GOOD + 1)
    assert statuses[Status.PROCESSED] + statuses[Status.IN_REVIEW] == NUM_GOOD, statuses
    assert (done.processed, done.failed) == (statuses[Status.PROCESSED], 1)
    [bad] = [row for row in rows if row.status is Status.FAILED]
    assert (bad.error, bad.key.rpartition("/")[2]) == ("UnsupportedDocumentError", "note.pdf")
    live_first(desk, pipeline.settled(live), [row for row in rows if row is not bad])
    code, output = desk.recto("backfill", "redrive", backfill, "--yes")
    assert (code, "was no document when it was taken in" in output) == (1, True), output
    code, output = desk.recto("backfill", "status", backfill)
    assert (code, f"{NUM_GOOD + 1} taken in" in output) == (0, True), output
    pipeline.no_slot_is_held()


def test_a_manifest_with_lines_of_no_use_is_taken_in_all_the_same(pipeline: Pipeline, tmp_path: Path) -> None:
    desk = Desk(pipeline)
    known = [f"s3://{row.bucket}/{row.key}" for row in desk.documents(desk.rows.all(1)[0].backfill_id)][:2]
    gone = f"s3://{pipeline.work}/corpora/backfills/gone.pdf"
    lines = [json.dumps({"raw-ref": ref}) for ref in (*known, gone)]
    manifest = tmp_path / "some.jsonl"
    manifest.write_text("\n".join([lines[0], "this is no JSON", *lines[1:]]))

    code, output = desk.recto("backfill", "start", str(manifest), "--yes")

    assert (code, "line 2: not JSON" in output) == (0, True), output
    backfill = desk.rows.all(1)[0].backfill_id
    counts = desk.wait(backfill, lambda counts: counts.known + counts.missed == 4)
    assert (counts.taken, counts.known, counts.missed) == (0, 2, 2)
    wait_for(lambda: desk.is_listed(backfill) or None, 60, lambda: desk.rows.find(backfill))
    code, output = desk.recto("backfill", "status", backfill)
    assert (code, "done" in output) == (0, True), output
    assert f"{gone}: DocumentMissingError" in output
    assert "line 2: ManifestError: line 2: not JSON" in output


def settled(rows: list[DocumentRow]) -> bool:
    return all(row.status in SETTLED for row in rows)


def live_first(desk: Desk, live: list[DocumentRow], others: list[DocumentRow]) -> None:
    """No document of the backfill began while a live one waited, but for what was begun in that moment."""
    began = [desk.began(row) for row in others]
    for row in live:
        begin = desk.began(row)
        overtaken = [each for each in began if row.received + MOMENT < each < begin]
        assert overtaken == [], (row.received, begin)
        assert any(each > begin for each in began), "live documents were to come in the middle"
