"""A corpus from a folder to a page manifest through the deployed stack, by the commands that a user types."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from recto_cli.main import app
from recto_data import read_lines
from tests.e2e.conftest import HOME, SAMPLES, Pipeline

pytestmark = pytest.mark.e2e
PREFIX = "corpora/a1"
DOCUMENTS = ("letter.pdf", "rate-tiles.pdf", "fax.tiff")


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    folder = tmp_path / "raw" / "bank"
    folder.mkdir(parents=True)
    for name in DOCUMENTS:
        (folder / name).write_bytes((SAMPLES / name).read_bytes())
    (folder / "broken.pdf").write_bytes(b"no PDF at all")
    (folder / ".DS_Store").write_bytes(b"x")
    return folder.parent


def recto(*words: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, list(words), env={"RECTO_HOME": str(HOME)})
    assert done.exit_code == code, done.output
    return " ".join(done.output.split())


def test_a_corpus_is_read_drawn_and_collated_in_the_stacks_bucket(
    pipeline: Pipeline, raw: Path, tmp_path: Path
) -> None:
    place = f"s3://{pipeline.work}/{PREFIX}"
    catalogue, report, pages = (str(tmp_path / name) for name in ("all.jsonl", "report.jsonl", "pages.jsonl"))

    assert "uploaded 4 of 5 files" in recto("data", "push", str(raw), f"{place}/raw")
    assert "4 documents" in recto("data", "catalogue", f"{place}/raw", "-o", catalogue)
    ocr = (
        "data",
        "ocr",
        f"{place}/raw",
        "--output",
        f"{place}/ocr",
        "--with",
        "pipeline",
        "--report",
        report,
    )
    first = recto(*ocr, code=1)
    again = recto(*ocr, code=1)
    drawing = ("--output", f"{place}/images", "--dpi", "72", "--report", str(tmp_path / "images.jsonl"))
    images = recto("data", "images", f"{place}/raw", *drawing, code=1)
    options = (
        "--documents",
        f"{place}/raw",
        "--ocr",
        f"{place}/ocr",
        "--images",
        f"{place}/images/imgs-clean",
    )
    collated = recto("data", "collate", catalogue, *options, "--content", "flag", "-o", pages)

    assert "read 3, skipped 0, failed 1" in first
    assert "free on this machine" in first
    assert "read 0, skipped 3, failed 1" in again
    told = [json.loads(line) for line in Path(report).read_text().splitlines()]
    failed = [line for line in told if line["Status"] == "FAILED"]
    assert [(line["Name"], line["Error"]) for line in failed] == [
        ("bank/broken.pdf", "UnsupportedDocumentError")
    ]
    assert "drew 3 documents, skipped 0, failed 1" in images
    assert "of 3 documents, 1 documents left out" in collated
    assert "warning: bank/broken.pdf: no OCR result, no page images" in collated
    lines = [line.content for line in read_lines(pages)]
    assert {line["raw-ref"].rpartition("/")[2] for line in lines} == set(DOCUMENTS)
    assert all(line["has-content"] for line in lines)
    assert "documents 3" in recto("data", "stats", pages)
    assert "downloaded 3 of 3 files" in recto("data", "pull", f"{place}/ocr", str(tmp_path / "ocr"))
