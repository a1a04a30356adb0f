"""OCR of folders: every file has an outcome, what is there is whole, and only what is missing is done."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from recto.errors import ConfigurationError
from recto.textract import blocks_of, read_pages
from recto_ocr.batch import Batch, Outcome, Progress, is_complete, run_batch
from recto_ocr.documents import FileContent, HowToRead, ReadPage
from recto_ocr.pages import Content
from recto_ocr.processing import host_name
from recto_ocr.workers import Workers
from tests.functional.local.drawn import page, pdf, stored

HOW = HowToRead("tesseract", ("eng",), 200)


def corpus(folder: Path) -> None:
    """Documents, broken ones, and what is none."""
    small = page("Credit limit 5000", size=(800, 300))
    files = {
        "letter.pdf": pdf([["Page one"], ["Page two"], ["Page three"]]),
        "sub/übung 日本/letter.tif": stored(small, "TIFF"),
        "sub/übung 日本/letter.tiff": stored(small, "TIFF"),
        "sub/letter.PNG": stored(small, "PNG"),
        "broken.pdf": b"%PDF-1.7 and no more",
        "locked.pdf": pdf([["x"]], password="pw"),
        "text.jpg": b"this is no picture",
        "notes.txt": b"hello",
        ".DS_Store": b"x",
        "__MACOSX/letter.pdf": b"x",
    }
    for name, body in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(body)


def run(source: Path, output: Path, **options: Any) -> dict[str, Outcome]:
    report = output / "report.jsonl"
    outcomes = run_batch(source, output, HOW, 2, report, Progress(), **options)
    told = [json.loads(line)["Document"] for line in report.read_text().splitlines()]
    assert sorted(told) == sorted(outcome.document for outcome in outcomes)
    return {outcome.document: outcome for outcome in outcomes}


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, dict[str, Outcome]]:
    folder = tmp_path_factory.mktemp("corpus")
    source, output = folder / "in", folder / "out"
    corpus(source)
    return source, output, run(source, output)


Done = tuple[Path, Path, dict[str, Outcome]]


def test_every_file_has_an_outcome_and_every_failure_a_name(done: Done) -> None:
    _, _, outcomes = done

    assert {name: (o.status, o.error) for name, o in outcomes.items()} == {
        "letter.pdf": ("DONE", ""),
        "sub/übung 日本/letter.tif": ("DONE", ""),
        "sub/übung 日本/letter.tiff": ("DONE", ""),
        "sub/letter.PNG": ("DONE", ""),
        "broken.pdf": ("FAILED", "DamagedDocumentError"),
        "locked.pdf": ("FAILED", "EncryptedDocumentError"),
        "text.jpg": ("FAILED", "UnsupportedDocumentError"),
        "notes.txt": ("SKIPPED", ""),
        ".DS_Store": ("SKIPPED", ""),
        "__MACOSX/letter.pdf": ("SKIPPED", ""),
    }


def test_results_lie_at_the_documents_names_with_pages_in_order(done: Done) -> None:
    _, output, outcomes = done

    results = sorted(p.parent.relative_to(output).as_posix() for p in output.rglob("consolidated.json"))
    assert results == sorted(name for name, o in outcomes.items() if o.status == "DONE")
    response = json.loads((output / "letter.pdf" / "consolidated.json").read_text())
    pages = list(read_pages(blocks_of(response)))
    assert [" ".join(word.text for word in each.words) for each in pages] == [
        "Page one",
        "Page two",
        "Page three",
    ]
    assert {key: value for key, value in response.items() if key != "Blocks"} == {
        "DetectDocumentTextModelVersion": response["DetectDocumentTextModelVersion"],
        "DocumentMetadata": {"Pages": 3},
        "JobStatus": "SUCCEEDED",
    }
    assert outcomes["letter.pdf"].words == 6
    assert not list(output.rglob("*.part"))


def test_a_second_run_does_only_what_is_missing_or_cut_off(done: Done) -> None:
    source, output, _ = done
    cut = output / "sub/letter.PNG/consolidated.json"
    cut.write_bytes(cut.read_bytes()[:-20])
    kept = output / "letter.pdf" / "consolidated.json"
    before = kept.stat().st_mtime_ns

    outcomes = run(source, output)

    assert {name for name, o in outcomes.items() if o.status == "DONE"} == {"sub/letter.PNG"}
    assert kept.stat().st_mtime_ns == before
    assert json.loads(cut.read_text())["Blocks"]


def test_a_changed_document_is_read_again(tmp_path: Path) -> None:
    source, result = tmp_path / "a.pdf", tmp_path / "consolidated.json"
    source.write_bytes(b"x")
    result.write_text('{"JobStatus": "SUCCEEDED", "Blocks": []}')
    assert is_complete(result, source)

    os.utime(source, (4e9, 4e9))

    assert not is_complete(result, source)


def test_a_folder_cannot_be_read_into_itself_and_must_exist(tmp_path: Path) -> None:
    for source in (tmp_path, tmp_path / "absent"):
        with pytest.raises(ConfigurationError, match="expected a folder"):
            run_batch(source, tmp_path, HOW, 1, tmp_path / "r", Progress())


def test_a_missing_language_ends_the_run_before_anything_is_read(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()

    with pytest.raises(ConfigurationError, match="xyz is not installed"):
        run_batch(
            tmp_path / "in", tmp_path / "out", HOW._replace(languages=("xyz",)), 1, tmp_path / "r", Progress()
        )

    assert not (tmp_path / "out").exists()


def deadly(path: str, kind: str, number: int, seed: str, how: HowToRead) -> ReadPage:
    """Reads a page, except that one page of one document ends the process."""
    if path.endswith("deadly.pdf") and number == 2:
        os._exit(9)
    return ReadPage(b'{"BlockType": "PAGE"}', 1)


def three_pages(path: str) -> FileContent:
    return FileContent(Content("PDF", 3), 1)


def test_a_page_that_kills_its_process_costs_only_its_document(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in").mkdir()
    for name in ("a.pdf", "deadly.pdf", "z.pdf"):
        (tmp_path / "in" / name).write_bytes(b"x")
    monkeypatch.setattr("recto_ocr.batch.read_page", deadly)
    monkeypatch.setattr("recto_ocr.batch.content_of", three_pages)
    workers = Workers(2)

    try:
        outcomes = Batch(tmp_path / "in", tmp_path / "out", HOW, "v", workers).run(Progress())
    finally:
        workers.close()

    found = {o.document: (o.status, o.reason) for o in outcomes}
    assert found["a.pdf"] == found["z.pdf"] == ("DONE", "")
    assert found["deadly.pdf"] == ("FAILED", "page 2: the process that read it has died")
    assert not (tmp_path / "out" / "deadly.pdf" / "consolidated.json").exists()


def deadly_to_open(path: str) -> FileContent:
    if path.endswith("deadly.pdf"):
        os._exit(9)
    return FileContent(Content("PDF", 1), 1)


def test_a_file_that_kills_the_process_that_opens_it_costs_only_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in").mkdir()
    for name in ("a.pdf", "deadly.pdf", "z.pdf"):
        (tmp_path / "in" / name).write_bytes(b"x")
    monkeypatch.setattr("recto_ocr.batch.read_page", deadly)
    monkeypatch.setattr("recto_ocr.batch.content_of", deadly_to_open)
    workers = Workers(2)

    try:
        outcomes = Batch(tmp_path / "in", tmp_path / "out", HOW, "v", workers).run(Progress())
    finally:
        workers.close()

    assert {o.document: o.reason for o in outcomes} == {
        "a.pdf": "",
        "z.pdf": "",
        "deadly.pdf": "the process that opened it has died",
    }


def test_a_processing_job_reads_its_environment_and_tells_by_its_exit_code(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.png").write_bytes(stored(page("Credit limit", size=(800, 300)), "PNG"))
    command = [sys.executable, "-m", "recto_ocr.processing", "--input", str(tmp_path / "in")]
    command += ["--output", str(tmp_path / "out")]

    def job(**environment: str) -> subprocess.CompletedProcess[str]:
        settings = {**os.environ, **environment}
        return subprocess.run(command, env=settings, capture_output=True, text=True, check=False)

    good, no_language = job(), job(OCR_DEFAULT_LANGUAGES="xyz")
    (tmp_path / "in" / "b.pdf").write_bytes(b"%PDF-1.7")
    one_failed = job()

    assert (good.returncode, no_language.returncode, one_failed.returncode) == (0, 2, 1)
    assert "LanguageMissingError" in no_language.stderr
    assert (tmp_path / "out" / "a.png" / "consolidated.json").exists()
    assert (tmp_path / "out" / "ocr-report-algo-1.jsonl").exists()


def test_each_machine_of_a_job_has_a_report_of_its_own(tmp_path: Path) -> None:
    resources = tmp_path / "resourceconfig.json"
    resources.write_text('{"current_host": "algo-2", "hosts": ["algo-1", "algo-2"]}')

    assert host_name(resources) == "algo-2"
