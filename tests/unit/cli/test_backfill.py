"""`recto backfill`: what a source holds, what is told and asked first, how it goes on, what is sent again."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import boto3
import pytest
from PIL import Image

from recto.backfills import BackfillRow, BackfillState
from recto.messages import Status
from recto.places import Location
from recto_cli import backfill_runs, backfill_sources
from recto_cli.backfill_forecasts import in_bytes
from recto_cli.backfill_runs import rows_of, utc_now
from recto_cli.backfill_sources import Kind, source_of, survey
from recto_cli.main import app
from recto_cli.stack import Stack, read_stack
from tests.unit.cli.conftest import ID, PROJECT
from tests.unit.cli.test_documents import add
from tests.unit.cli.test_main import no_runtime, runner
from tests.unit.cli.test_reprocess import Function, function

__all__ = ["function", "no_runtime"]
EMPTY = "no backfill yet; recto backfill start PREFIX begins one"
LIMITS = {"MaxRunningDocuments": 90, "BackfillShare": 0.8, "TextractStartPerSecond": 0.1}


def invoke(*words: str) -> tuple[int, str]:
    """Exit code, and all that was told, errors among it."""
    outcome = runner.invoke(app, ["--project", PROJECT, *words])
    return outcome.exit_code, f"{outcome.output}{outcome.exception or ''}"


class Woken:
    """Dispatch, told that there is something to do."""

    calls: ClassVar[list[str]] = []

    def __init__(self, caller: str) -> None:
        pass

    def invoke_later(self, function: str, payload: dict[str, Any]) -> None:
        self.calls.append(function)


@pytest.fixture
def deployed(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Stack:
    """The stack with the state machine that takes documents in, and its limits."""
    machine = boto3.client("stepfunctions").create_state_machine(
        name=f"{PROJECT}-backfill", definition="{}", roleArn="arn:aws:iam::123456789012:role/r"
    )
    names = {"BackfillStateMachine": machine["stateMachineArn"], "DispatchFunction": "dispatch",
             "Limits": json.dumps(LIMITS), "BackfillBuckets": "arn:aws:s3:::archive"}  # fmt: skip
    for name, value in names.items():
        boto3.client("ssm").put_parameter(Name=f"/{PROJECT}/static/{name}", Value=value, Type="String")
    for bucket in ("archive", "other"):
        boto3.client("s3").create_bucket(Bucket=bucket)
    monkeypatch.setattr(backfill_runs, "LambdaFunctions", Woken)
    Woken.calls = []
    return read_stack(PROJECT)


def picture(folder: Path, name: str = "page.png") -> bytes:
    path = folder / name
    Image.new("L", (20, 20), "white").save(path)
    return path.read_bytes()


@pytest.fixture
def archive(deployed: Stack, tmp_path: Path) -> str:
    """Three documents, a marker and a hidden file in a bucket that backfills may read."""
    body = picture(tmp_path)
    for key in ("in/a.png", "in/b.png", "in/sub/c.png", "in/.hidden.png", "inside.png"):
        deployed.objects.write(Location(bucket="archive", key=key), body)
    deployed.objects.write(Location(bucket="archive", key="in/sub/"), b"")
    return "s3://archive/in"


def executions(stack: Stack) -> list[dict[str, Any]]:
    states = boto3.client("stepfunctions")
    arn = stack.name("static/BackfillStateMachine")
    found = states.list_executions(stateMachineArn=arn)["executions"]
    return [states.describe_execution(executionArn=each["executionArn"]) for each in found]


def only(stack: Stack) -> BackfillRow:
    [row] = rows_of(stack).all()
    return row


def test_a_dry_run_tells_what_it_would_take_and_begins_nothing(deployed: Stack, archive: str) -> None:
    code, output = invoke("backfill", "start", archive, "--dry-run")

    assert code == 0, output
    assert "documents  3, " in output
    assert "left out   2 " in output
    assert "pages      3 (all counted)" in output
    assert "limit: textract-start" in output
    assert "dollars    0.0" in output
    assert (rows_of(deployed).all(), executions(deployed)) == ([], [])


def test_without_yes_and_without_anybody_to_ask_nothing_begins(deployed: Stack, archive: str) -> None:
    code, output = invoke("backfill", "start", archive)

    assert (code, "say --yes" in output) == (1, True)
    assert executions(deployed) == []


def test_a_prefix_is_begun_with_its_forecast(deployed: Stack, archive: str) -> None:
    code, output = invoke("backfill", "start", archive, "--yes", "--operator", "ann")

    row = only(deployed)
    [execution] = executions(deployed)
    assert (code, row.backfill_id in output) == (0, True)
    assert (row.state, row.operator, row.runs) == (BackfillState.LISTING, "ann", 1)
    assert row.forecast
    assert (row.forecast.documents, row.forecast.pages.value) == (3, 3)
    assert execution["name"] == row.execution
    assert json.loads(execution["input"]) == {
        "BackfillId": row.backfill_id, "Bucket": "archive", "Prefix": "in/",
    }  # fmt: skip
    code, output = invoke("backfill", "start", archive, "--yes")
    assert (code, f"start --resume {row.backfill_id}" in output) == (1, True)


def test_with_a_limit_a_prefix_becomes_a_list(deployed: Stack, archive: str) -> None:
    assert invoke("backfill", "start", archive, "--yes", "--limit", "2")[0] == 0

    row = only(deployed)
    lines = deployed.objects.read(Location(bucket="work", key=row.manifest)).decode().splitlines()
    assert [json.loads(line)["raw-ref"] for line in lines] == [
        "s3://archive/in/a.png",
        "s3://archive/in/b.png",
    ]
    assert json.loads(executions(deployed)[0]["input"])["Manifest"] == row.manifest


def test_a_manifests_bad_lines_are_told_and_kept(deployed: Stack, archive: str, tmp_path: Path) -> None:
    manifest = tmp_path / "some.jsonl"
    good = json.dumps({"raw-ref": "s3://archive/in/a.png", "label": "x"})
    manifest.write_text(f'{good}\nnot json\n{{"source-ref": "x"}}\n{{"raw-ref": "/home/a.png"}}\n')

    code, output = invoke("backfill", "start", str(manifest), "--yes")

    assert code == 0, output
    assert "some.jsonl, line 2: not JSON" in output
    row = only(deployed)
    lines = deployed.objects.read(Location(bucket="work", key=row.manifest)).decode().splitlines()
    first, *bad = map(json.loads, lines)
    assert first == {"raw-ref": "s3://archive/in/a.png"}
    assert [line["line"] for line in bad] == [2, 3, 4]
    assert bad[0]["problem"].startswith("not JSON")


def test_a_folder_is_brought_to_the_work_bucket_and_not_to_the_inbox(deployed: Stack, tmp_path: Path) -> None:
    folder = tmp_path / "letters"
    (folder / "sub").mkdir(parents=True)
    picture(folder, "a.png")
    picture(folder, "sub/b.png")
    (folder / ".DS_Store").write_bytes(b"x")

    assert invoke("backfill", "start", str(folder), "--yes")[0] == 0

    row = only(deployed)
    keys = [key for key, _ in deployed.objects.listing("work", row.prefix)]
    assert row.prefix.startswith("corpora/backfills/")
    assert [key.removeprefix(row.prefix) for key in keys] == ["a.png", "sub/b.png"]
    assert list(deployed.objects.listing("inbox")) == []
    assert row.folder == ""
    before = dict(deployed.objects.listing("work", row.prefix))
    rows_of(deployed).move(row.backfill_id, tuple(BackfillState), BackfillState.DONE)
    assert invoke("backfill", "start", str(folder), "--yes")[0] == 0
    assert {each.prefix for each in rows_of(deployed).all()} == {row.prefix}
    assert dict(deployed.objects.listing("work", row.prefix)) == before


def test_what_was_killed_while_files_were_sent_goes_on_with_those_that_are_missing(
    deployed: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "letters"
    folder.mkdir()
    for name in ("a.png", "b.png", "c.png"):
        picture(folder, name)
    row = BackfillRow(
        backfill_id="20261121-090000-abcd", state=BackfillState.LISTING, source=str(folder), bucket="work",
        prefix="corpora/backfills/x/", folder=str(folder), started=utc_now(), updated=utc_now(),
    )  # fmt: skip
    rows_of(deployed).add(row)
    deployed.objects.upload(folder / "a.png", Location(bucket="work", key="corpora/backfills/x/a.png"))
    sent: list[str] = []
    real = backfill_runs.S3Objects.upload
    monkeypatch.setattr(
        backfill_runs.S3Objects, "upload",
        lambda self, path, place, kind: (sent.append(path.name), real(self, path, place, kind))[1],
    )  # fmt: skip

    code, output = invoke("backfill", "start", "--resume", "abcd")

    assert code == 0, output
    assert sorted(sent) == ["b.png", "c.png"]
    assert (only(deployed).runs, only(deployed).folder) == (1, "")
    assert [each["name"] for each in executions(deployed)] == ["20261121-090000-abcd-1"]


REFUSED = {
    "s3://inbox/a/": "taken in by themselves",
    "s3://work/documents/": "documents lie below corpora/",
    "s3://other/a/": "Add its ARN to the parameter BackfillBuckets (now: archive)",
    "s3://archive/nothing/": "there is no document",
    "/no/such/folder": "expected s3://bucket/prefix/, a folder, or a manifest",
    "s3://": "expected s3://bucket/prefix/",
}


def test_what_cannot_be_read_is_refused_before_anything_begins(deployed: Stack) -> None:
    for source, told in REFUSED.items():
        code, output = invoke("backfill", "start", source, "--yes")

        assert (code, told in output) == (1, True), output
    assert rows_of(deployed).all() == []


def test_stopped_it_goes_on_where_it_was(deployed: Stack, archive: str) -> None:
    invoke("backfill", "start", archive, "--yes")
    row = only(deployed)

    assert invoke("backfill", "stop", row.backfill_id, "--operator", "ann")[0] == 0

    assert (only(deployed).state, only(deployed).reason) == (BackfillState.STOPPED, "stopped by ann")
    assert [each["status"] for each in executions(deployed)] == ["ABORTED"]
    code, output = invoke("backfill", "start", "--resume", row.backfill_id)
    assert (code, "taken in again" in output) == (0, True)
    assert only(deployed).state is BackfillState.LISTING
    assert {each["name"] for each in executions(deployed)} == {f"{row.backfill_id}-{n}" for n in (1, 2)}


def test_with_all_in_only_dispatch_is_woken(deployed: Stack, archive: str) -> None:
    invoke("backfill", "start", archive, "--yes")
    row = only(deployed)
    rows_of(deployed).note(row.backfill_id, listed=True)
    boto3.client("stepfunctions").stop_execution(executionArn=executions(deployed)[0]["executionArn"])
    invoke("backfill", "stop", row.backfill_id)

    code, output = invoke("backfill", "start", "--resume", row.backfill_id)

    assert (code, "started in turn" in output) == (0, True)
    assert (only(deployed).state, only(deployed).runs, Woken.calls) == (
        BackfillState.RUNNING,
        1,
        ["dispatch"],
    )


def test_what_is_paused_or_done_says_what_goes_on(deployed: Stack, archive: str) -> None:
    invoke("backfill", "start", archive, "--yes")
    row, rows = only(deployed), rows_of(deployed)
    rows.move(
        row.backfill_id, (BackfillState.LISTING,), BackfillState.PAUSED, reason="the budget", listed=True
    )

    paused = invoke("backfill", "start", "--resume", row.backfill_id)
    rows.move(row.backfill_id, (BackfillState.PAUSED,), BackfillState.DONE)
    boto3.client("stepfunctions").stop_execution(executionArn=executions(deployed)[0]["executionArn"])
    done = invoke("backfill", "stop", row.backfill_id)

    assert "MonthlyBudgetUsd" in paused[1]
    assert "nothing to stop" in done[1]


def take_in(stack: Stack, backfill: str, document: str, **changes: Any) -> None:
    row = add(stack, document, f"{document}.pdf", **changes)
    known = row.model_copy(
        update={"document_id": f"x{document}", "backfill_id": backfill, "lane": "backfill"}
    )
    assert rows_of(stack).take_in(known)


def test_status_tells_numbers_speed_and_what_is_waited_for(deployed: Stack, archive: str) -> None:
    invoke("backfill", "start", archive, "--yes")
    row, rows = only(deployed), rows_of(deployed)
    for number in range(3):
        take_in(deployed, row.backfill_id, f"{number}{ID[1:]}", status=Status.BACKLOG)
    place = rows.waiting(row.backfill_id, 10)[0]
    rows.left_line(row.backfill_id, place.document_id, place.place)
    rows.count(row.backfill_id, place.document_id, Status.PROCESSED)
    rows.miss(row.backfill_id, "line 7", "ManifestError", "line 7: not JSON")

    code, output = invoke("backfill", "status", row.backfill_id)

    assert code == 0, output
    assert "now        2 waiting, 0 running" in output
    assert "ended      1 processed, 0 failed, 0 rejected" in output
    assert "speed " in output
    assert "waits for  " in output
    assert "line 7: ManifestError: line 7: not JSON" in output
    assert f"start --resume {row.backfill_id}" in output
    code, output = invoke("backfill", "status")
    assert (code, row.backfill_id in output) == (0, True)


def test_status_without_any_says_how_to_begin(deployed: Stack) -> None:
    code, output = invoke("backfill", "status")

    assert (code, EMPTY in output) == (0, True)


def test_redrive_pays_only_when_told_and_names_what_is_hopeless(
    deployed: Stack, archive: str, function: Function
) -> None:
    invoke("backfill", "start", archive, "--yes")
    row = only(deployed)
    failed = {"a": "ModelFailedError", "b": "OcrFailedError", "c": "UnsupportedDocumentError"}
    for name, error in failed.items():
        document = f"{name}{ID[1:]}"
        size = 0 if name == "c" else 100
        take_in(deployed, row.backfill_id, document, status=Status.FAILED, error=error, size=size)

    code, output = invoke("backfill", "redrive", row.backfill_id)
    assert (code, "say --yes" in output, function.requests) == (1, True, [])

    code, output = invoke("backfill", "redrive", row.backfill_id, "--yes")
    assert "was no document" in output
    paid = {each["DocumentId"][1:2]: each["PayForOcr"] for each in function.requests}
    assert paid == {"a": False, "b": False}
    function.requests.clear()
    invoke("backfill", "redrive", row.backfill_id, "--error", "OcrFailedError", "--pay", "--yes")
    assert [each["PayForOcr"] for each in function.requests] == [True]


def test_a_survey_of_a_large_prefix_holds_a_few_only(
    deployed: Stack, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Listing:
        def __init__(self, caller: str) -> None:
            pass

        def listing(self, bucket: str, prefix: str = "") -> Iterator[tuple[str, Any]]:
            for number in range(5_000):
                yield f"in/{number:06d}.pdf", type("Info", (), {"size": 10})

    monkeypatch.setattr(backfill_sources, "S3Objects", Listing)

    found = survey(source_of("s3://archive/in/"), 0, tmp_path, deployed)
    again = survey(source_of("s3://archive/in/"), 0, tmp_path, deployed)

    assert (found.documents, found.bytes, len(found.sample)) == (5_000, 50_000, 50)
    assert found.sample == again.sample
    assert len({str(place) for place in found.sample}) == 50


def test_sources_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "list.manifest").write_text("{}")

    assert source_of("s3://a/b").kind is Kind.PREFIX
    assert source_of("s3://a/b.jsonl").kind is Kind.MANIFEST
    assert source_of(str(tmp_path)).kind is Kind.FOLDER
    assert source_of(str(tmp_path / "list.manifest")).kind is Kind.MANIFEST


def test_numbers_read_well() -> None:
    assert [in_bytes(size) for size in (12, 1234, 5_600_000, 7e12)] == [
        "12 bytes",
        "1.2 kB",
        "5.6 MB",
        "7.0 TB",
    ]
