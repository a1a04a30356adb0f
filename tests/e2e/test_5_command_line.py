"""The command line as a user types it, against the deployed pipeline."""

import json
import os
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from recto.alignment import letters_of
from recto.messages import Status
from tests.e2e.conftest import DATA, HOME, SAMPLES, Pipeline

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]
RECTO = Path(sys.executable).with_name("recto")
RECEIPT = DATA / "sroie" / "img" / "023.jpg"


def recto(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """The command, with the tests' runtime as the one that is up."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    command = [str(RECTO), *map(str, arguments)]
    environment |= {"RECTO_HOME": str(HOME)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def sent(pipeline: Pipeline) -> subprocess.CompletedProcess[str]:
    """A sample that is sent and waited for."""
    return recto("process", SAMPLES / "booklet.pdf", "--prefix", "cli/", "--wait", "--timeout", "300")


def test_a_document_is_processed_with_its_outcome_and_exit_code_0(
    sent: subprocess.CompletedProcess[str],
) -> None:
    assert sent.returncode == 0, sent.stderr
    assert "cli/booklet.pdf" in sent.stdout
    assert "recto-local" in sent.stderr


def test_its_result_is_the_pipelines_json_and_a_picture(
    pipeline: Pipeline, sent: subprocess.CompletedProcess[str], tmp_path: Path
) -> None:
    done = recto("result", "cli/booklet.pdf", "--json", "--picture", tmp_path)

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["Fields"]["Provider Name"]["ClassId"] == 16
    assert [path.name for path in tmp_path.iterdir() if path.stat().st_size > 10_000]


def test_a_review_is_answered_and_the_document_ends_with_that_value(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    empty_page = tmp_path / "blank.png"
    empty_page.write_bytes(_blank_png())
    assert recto("process", empty_page, "--prefix", "cli/", "--wait", "--timeout", "300").returncode == 0
    waiting = recto("review", "list")

    answered = recto("review", "answer", "cli/blank.png", "--set", "provider name=First Bank", "--accept")

    again = recto("review", "answer", "cli/blank.png", "--accept")
    result = json.loads(recto("result", "cli/blank.png", "--json").stdout)
    assert "cli/blank.png" in waiting.stdout
    assert answered.returncode == 0, answered.stderr
    assert result["Fields"]["Provider Name"]["Value"] == "First Bank"
    assert result["Fields"]["Card Name"]["Absent"] is True
    assert again.returncode == 1
    assert "answered already" in again.stderr


@pytest.mark.skipif(not RECEIPT.is_file(), reason="no ../shared/data/sroie")
def test_what_a_person_corrected_on_a_real_receipt_comes_out_as_labels_of_its_words(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    truth = next(
        entry["fields"]
        for entry in map(json.loads, (RECEIPT.parents[1] / "truth.jsonl").read_text().splitlines())
        if entry["id"] == RECEIPT.stem
    )
    key = f"cli/{RECEIPT.name}"
    values = {"Provider Name": truth["company"][0], "Agreement Effective Date": truth["date"][0]}
    assert recto("process", RECEIPT, "--prefix", "cli/", "--wait", "--timeout", "300").returncode == 0
    typed = [word for name, value in values.items() for word in ("--set", f"{name}={value}")]
    assert recto("review", "answer", key, *typed, "--accept").returncode == 0

    done = recto("review", "export", key, "--output", tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
    (line,) = map(json.loads, (tmp_path / "output.manifest").read_text().splitlines())
    name = line["textract-ref"].rpartition("/")[2]
    blocks = json.loads((tmp_path / "textract" / name).read_bytes())["Blocks"]
    texts = {block["Id"]: block.get("Text", "") for block in blocks}
    said = {
        one["label"]: " ".join(texts[word] for word in one["blocks"])
        for one in line["labels"]["annotations"]["entities"]
    }
    assert line["reviewed"]["prefilled"] is True
    assert {line["reviewed"]["fields"][name]["how"] for name in values} <= {"confirmed", "corrected", "added"}
    for field, value in values.items():
        assert letters_of(said[field])[:6] == letters_of(value)[:6], (said, done.stdout)


def test_a_document_that_fails_gives_its_error_and_exit_code_1(pipeline: Pipeline, tmp_path: Path) -> None:
    (tmp_path / "empty.pdf").write_bytes(b"")

    done = recto("process", tmp_path / "empty.pdf", "--prefix", "cli/", "--wait", "--timeout", "120")

    assert done.returncode == 1
    assert "EmptyDocumentError" in done.stdout


def test_status_and_project_tell_of_what_is_there(
    pipeline: Pipeline, sent: subprocess.CompletedProcess[str]
) -> None:
    status, names = recto("status", "--limit", "1000"), recto("project", "show", "--json")

    assert "cli/booklet.pdf" in status.stdout
    assert json.loads(names.stdout)["static/InputBucket"] == pipeline.inbox
    assert str(Status.PROCESSED).lower() in status.stdout


def _blank_png() -> bytes:
    """A white page: nothing to find, so a person is asked."""
    body = BytesIO()
    Image.new("L", (850, 1100), 255).save(body, "PNG")
    return body.getvalue()
