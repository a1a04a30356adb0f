"""Data preparation against S3: pagination, transfers of what changed, OCR and images from and to buckets."""

import io
import json
from pathlib import Path

import boto3
import pypdfium2
import pytest
from PIL import Image
from typer.testing import CliRunner

from recto.errors import ConfigurationError
from recto_cli import corpus_commands
from recto_cli.data_commands import here_mapped
from recto_cli.main import app
from recto_data import (
    Corpus,
    Mapped,
    Status,
    catalogue,
    collate,
    names_in,
    place_of,
    pull,
    push,
    read_lines,
    write_lines,
)
from recto_data.corpus_work import Documents, Effort, draw_corpus, read_corpus
from recto_data.transfer import PART_BYTES
from recto_ocr.documents import HowToRead
from recto_ocr.page_images import HowToDraw
from tests.functional.conftest import WORK
from tests.functional.local.drawn import page, stored

HOW = HowToDraw(dpi=72, thumbnail=(32, 32))


def put(key: str, body: bytes = b"%PDF-") -> None:
    boto3.client("s3").put_object(Bucket=WORK, Key=key, Body=body)


def keys(prefix: str) -> list[str]:
    found = boto3.client("s3").list_objects_v2(Bucket=WORK, Prefix=prefix).get("Contents", [])
    return [entry["Key"].removeprefix(prefix) for entry in found]


def pdf(pages: int) -> bytes:
    document = pypdfium2.PdfDocument.new()
    for _ in range(pages):
        document.new_page(60, 80)
    buffer = io.BytesIO()
    document.save(buffer)
    document.close()
    return buffer.getvalue()


@pytest.mark.prove
def test_a_listing_of_more_than_a_thousand_objects_is_read_to_its_end(aws: None) -> None:
    for number in range(1005):
        put(f"raw/{number:04}.pdf")
    put("raw/", b"")
    put("rawer/other.pdf")

    found = catalogue(place_of(f"s3://{WORK}/raw"))

    assert len(found.documents) == 1005
    assert found.lines()[-1] == {"raw-ref": f"s3://{WORK}/raw/1004.pdf"}
    assert found.report.findings == []


def test_a_bucket_that_is_not_there_is_told(aws: None) -> None:
    with pytest.raises(ConfigurationError, match="NoSuchBucket"):
        catalogue(place_of("s3://no-such-bucket/raw"))


def test_only_what_changed_is_sent_and_brought(aws: None, tmp_path: Path) -> None:
    here, back = tmp_path / "here", tmp_path / "back"
    (here / "a b").mkdir(parents=True)
    (here / "a b" / "c.pdf").write_bytes(b"one")
    (here / "large.tif").write_bytes(bytes(PART_BYTES) + b"tail")
    (here / ".DS_Store").write_bytes(b"x")
    where = f"s3://{WORK}/corpus"

    first, second = push(here, where), push(here, where)
    (here / "a b" / "c.pdf").write_bytes(b"two")
    third = push(here, where)

    assert [report.count(Status.DONE) for report in (first, second, third)] == [2, 0, 1]
    assert keys("corpus/") == ["a b/c.pdf", "large.tif"]
    assert [pull(where, back).count(Status.DONE) for _ in range(2)] == [2, 0]
    assert (back / "a b" / "c.pdf").read_bytes() == b"two"
    assert (back / "large.tif").stat().st_size == PART_BYTES + 4


def test_nothing_leads_out_of_the_folder_that_is_brought_to(aws: None, tmp_path: Path) -> None:
    put("corpus/../../out.pdf")
    put("corpus/in.pdf")

    report = pull(f"s3://{WORK}/corpus", tmp_path / "in")

    assert [(finding.error, finding.name) for finding in report.of(Status.FAILED)] == [
        ("ConfigurationError", "../../out.pdf")
    ]
    assert [path.name for path in tmp_path.rglob("*.pdf")] == ["in.pdf"]
    with pytest.raises(ConfigurationError, match="nothing below"):
        pull(f"s3://{WORK}/nothing", tmp_path / "in")


def test_manifests_lie_in_s3_as_well(aws: None) -> None:
    write_lines(f"s3://{WORK}/m.manifest", [{"raw-ref": "s3://b/é.pdf"}])

    assert [line.content for line in read_lines(f"s3://{WORK}/m.manifest")] == [{"raw-ref": "s3://b/é.pdf"}]


def test_images_are_drawn_from_a_bucket_into_a_bucket_once(aws: None) -> None:
    put("raw/sub/A.pdf", pdf(2))
    buffer = io.BytesIO()
    Image.new("RGB", (60, 40), "red").save(buffer, "JPEG")
    put("raw/photo.jpg", buffer.getvalue())
    put("raw/bad.pdf", b"%PDF-1.7 nothing")
    raw, output = place_of(f"s3://{WORK}/raw"), place_of(f"s3://{WORK}/img")

    def draw() -> dict[str, str]:
        documents = Documents(raw, catalogue(raw).documents, output)
        return {outcome.document: outcome.status for outcome in draw_corpus(documents, HOW, Effort(1))}

    assert draw() == {"sub/A.pdf": "DONE", "photo.jpg": "DONE", "bad.pdf": "FAILED"}
    assert keys("img/") == [
        "imgs-clean/photo.jpg",
        "imgs-clean/sub/A-0001-1.png",
        "imgs-clean/sub/A-0001-2.png",
        "thumbnails/photo.png",
        "thumbnails/sub/A-0001-1.png",
        "thumbnails/sub/A-0001-2.png",
    ]
    boto3.client("s3").delete_object(Bucket=WORK, Key="img/thumbnails/photo.png")
    assert draw() == {"sub/A.pdf": "SKIPPED", "photo.jpg": "DONE", "bad.pdf": "FAILED"}


def test_a_local_sample_is_collated_against_what_was_pushed(
    aws: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = tmp_path / "raw"
    raw.mkdir()
    for name in ("a.pdf", "b.pdf"):
        (raw / name).write_bytes(b"%PDF-")
    sample = tmp_path / "sample.jsonl"
    write_lines(sample, catalogue(place_of(raw)).lines())
    for name in ("raw/a.pdf", "raw/b.pdf", "ocr/a.pdf/consolidated.json", "imgs-clean/a-0001-1.png"):
        put(f"corpora/x/{name}")
    monkeypatch.chdir(tmp_path)
    places = [place_of(f"s3://{WORK}/corpora/x/{name}") for name in ("raw", "ocr", "imgs-clean")]
    mapped = [here_mapped(Mapped.parse(f"raw=s3://{WORK}/corpora/x/raw"))]

    names = names_in(places[0], read_lines(sample), mapped)
    found = collate(names, Corpus(*places))

    assert names == ["a.pdf", "b.pdf"]
    assert [line["raw-ref"] for line in found.lines] == [f"s3://{WORK}/corpora/x/raw/a.pdf"]
    assert [finding.name for finding in found.report.findings] == ["b.pdf"]


def test_a_bucket_is_read_by_an_engine_of_this_machine_and_collated(aws: None, tmp_path: Path) -> None:
    put("raw/a.png", stored(page("Credit limit", size=(800, 300)), "PNG"))
    put("raw/b.pdf", b"%PDF-1.7 nothing")
    raw, ocr = place_of(f"s3://{WORK}/raw"), place_of(f"s3://{WORK}/ocr")
    documents = Documents(raw, catalogue(raw).documents, ocr)
    how = HowToRead("tesseract", ("eng",), 200)

    outcomes = {outcome.document: outcome for outcome in read_corpus(documents, how, Effort(1))}
    again = {outcome.document: outcome.status for outcome in read_corpus(documents, how, Effort(1))}
    list(draw_corpus(documents._replace(output=place_of(tmp_path)), HOW, Effort(1)))
    found = collate(["a.png", "b.pdf"], Corpus(raw, ocr, place_of(tmp_path / "imgs-clean")))

    assert (outcomes["a.png"].status, outcomes["a.png"].words) == ("DONE", 2)
    assert outcomes["b.pdf"].error == "DamagedDocumentError"
    assert again == {"a.png": "SKIPPED", "b.pdf": "FAILED"}
    assert keys("ocr/") == ["a.png/consolidated.json"]
    assert [line["source-ref"] for line in found.lines] == [str(tmp_path / "imgs-clean" / "a.png")]


def test_a_job_gets_the_manifests_documents_as_sagemakers_list(
    aws: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    launched: list[list[str]] = []
    monkeypatch.setattr(
        corpus_commands, "run_job", lambda _, image, step, words: launched.append([image, step, *words])
    )
    monkeypatch.setattr(corpus_commands, "require_no_more", lambda _: (_ for _ in ()).throw(SystemExit(0)))
    write_lines(f"s3://{WORK}/sample.jsonl", [{"raw-ref": f"s3://{WORK}/raw/sub/a.pdf"}])
    words = ["data", "images", f"s3://{WORK}/raw", "--output", f"s3://{WORK}/img", "--on", "sagemaker"]

    done = CliRunner().invoke(app, ["--target", "aws", *words, "--manifest", f"s3://{WORK}/sample.jsonl"])

    assert done.exit_code == 0, done.output
    assert launched[0][2:4] == ["--input", f"s3://{WORK}/img/documents.manifest"]
    listed = boto3.client("s3").get_object(Bucket=WORK, Key="img/documents.manifest")["Body"].read()
    assert json.loads(listed) == [{"prefix": f"s3://{WORK}/raw/"}, "sub/a.pdf"]
