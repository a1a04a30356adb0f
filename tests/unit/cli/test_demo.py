"""The demo's reviewer answers what is doubtful, from what the sample says, and accepts the rest."""

import json
import shlex
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from rich.console import Console

from recto.errors import DocumentMissingError
from recto.messages import Status
from recto.places import DocumentPlaces
from recto.ports import DocumentRow, ReviewRow
from recto.release import parse_release
from recto.review import ReviewTask
from recto_cli import tables
from recto_cli.demo import (
    _answer_one,
    _let_look,
    _say_what_waits,
    how_good,
    sample_files,
    stated_edits,
    truth_of,
)
from recto_cli.stack import Stack
from recto_cli.submit import Outcome
from recto_local.people import PASSWORD, PEOPLE
from tests.unit.cli.conftest import ID

ROOT = Path(__file__).parents[3]


def test_a_doubtful_field_is_set_to_what_the_sample_says(task: ReviewTask) -> None:
    edits = stated_edits(task, {"Provider Name": ["First Bank", "Bank"], "Card Name": ["Gold"]})

    assert edits.set == ["Provider Name=First Bank"]
    assert edits.absent == ["Fee - Annual"]
    assert edits.accept


def test_the_command_that_is_shown_hands_in_the_same(task: ReviewTask) -> None:
    edits = stated_edits(task, {"Provider Name": ["O'Neil Bank"]})

    line = tables.command_line("a b.pdf", edits)

    assert shlex.split(line) == [
        *("recto", "review", "answer", "a b.pdf", "--set", "Provider Name=O'Neil Bank"),
        *("--absent", "Fee - Annual", "--accept"),
    ]


def test_a_samples_truth_is_found_by_its_file_name(tmp_path: Path) -> None:
    lines = [{"id": "a.pdf", "fields": {"X": ["1"]}}, {"id": "b.pdf", "fields": {"X": ["2"]}}]
    (tmp_path / "truth.jsonl").write_text("\n".join(map(json.dumps, lines)))

    assert truth_of("b.pdf", tmp_path) == {"X": ["2"]}
    assert truth_of("c.pdf", tmp_path) == {}


def test_a_folder_without_documents_is_named(tmp_path: Path) -> None:
    with pytest.raises(DocumentMissingError, match="no sample documents in"):
        sample_files(tmp_path)


def test_the_model_is_introduced_with_its_figure_on_unfamiliar_documents_first() -> None:
    release = parse_release((ROOT / "local" / "releases" / "demo" / "release.json").read_bytes())
    figures = release.figures["evaluation"]

    line = how_good(release)

    assert f"{figures['test']['entities']['f1']:.2f}" in line.split("absent from training")[0]
    assert f"{figures['seen']['entities']['f1']:.2f}" in line.split("absent from training")[1]


def test_a_release_without_figures_says_so() -> None:
    release = parse_release((ROOT / "local" / "releases" / "demo" / "release.json").read_bytes())

    assert "not measured" in how_good(release.model_copy(update={"figures": {}}))


NOW = datetime(2026, 11, 22, tzinfo=UTC)
WAITING = DocumentRow(
    document_id=ID, status=Status.IN_REVIEW, bucket="inbox", key="a b.pdf", received=NOW, updated=NOW,
    review_id="review-1",
)  # fmt: skip


def session_of(stack: Any) -> Any:
    running = SimpleNamespace(workbench_url=lambda: "http://127.0.0.1:4580/")
    return SimpleNamespace(out=Console(width=200), stack=stack, running=running)


def test_the_only_review_is_left_to_who_looks_on(
    stack: Stack, task: ReviewTask, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    key = DocumentPlaces("work", ID).review_task("review-1").key
    boto3.client("s3").put_object(Bucket="work", Key=key, Body=task.model_dump_json(by_alias=True).encode())

    _answer_one(session_of(stack), [Outcome(None, WAITING)], tmp_path)  # type: ignore[arg-type]

    assert "one document waits for a review: it is yours" in capsys.readouterr().out


def one_review() -> Any:
    review = ReviewRow(
        review_id="review-1", document_id=ID, created=NOW, expires=NOW, loop_name="recto-review-1"
    )
    return SimpleNamespace(reviews=SimpleNamespace(find=lambda name: review if name == "review-1" else None))


def test_the_way_to_a_review_that_is_left_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    _say_what_waits(session_of(one_review()), [WAITING])

    told = capsys.readouterr().out
    assert "http://127.0.0.1:4580/#/reviews/recto-review-1" in told
    assert f"sign in as rita, password {PASSWORD}" in told
    assert ".venv/bin/recto result 'a b.pdf'" in told
    assert "reviewers" in next(person.groups for person in PEOPLE if person.name == "rita")


@pytest.mark.parametrize("ending", [None, EOFError, KeyboardInterrupt])
def test_the_pages_stay_until_one_has_looked(
    ending: type[BaseException] | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[str] = []

    def wait(prompt: str) -> str:
        asked.append(capsys.readouterr().out)
        if ending:
            raise ending
        return ""

    monkeypatch.setattr("builtins.input", wait)

    _let_look(session_of(one_review()), [Outcome(None, WAITING)])  # type: ignore[arg-type]

    assert len(asked) == 1
    assert "/#/reviews/recto-review-1" in asked[0]


def test_nobody_is_kept_waiting_where_no_review_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builtins.input", lambda _: pytest.fail("it waits for nothing"))

    _let_look(session_of(one_review()), [])
