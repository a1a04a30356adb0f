"""The OCR that reads the next document, and OCR of folders, on the command line."""

import json
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from typer.testing import CliRunner

from recto.errors import ConfigurationError
from recto.steps.ocr_engine import OcrChoice
from recto_cli import ocr_setting
from recto_cli.main import app
from recto_cli.ocr_setting import OcrSetting
from recto_cli.stack import Stack, read_stack
from tests.fakes import FakeEndpoints
from tests.functional.local.drawn import page, stored

TOPIC = "arn:aws:sns:us-east-1:000000000000:ocr"
ENDPOINT = "recto-test-ocr"


@pytest.fixture
def deployed(stack: Stack) -> Iterator[Stack]:
    ssm = boto3.client("ssm")
    names = {
        "config/OcrEngine": "textract",
        "config/SMOCREndpointName": "undefined",
        "static/OcrEndpointTopicArn": TOPIC,
    }
    for name, value in names.items():
        ssm.put_parameter(Name=f"/{stack.project}/{name}", Value=value, Type="String")
    return read_stack(stack.project)


def test_textract_reads_until_an_endpoint_is_named(deployed: Stack) -> None:
    endpoints = FakeEndpoints("work", TOPIC)
    assert ocr_setting.current(deployed) == OcrSetting("textract", "")

    chosen = ocr_setting.use(deployed, "sagemaker", ENDPOINT, endpoints)

    assert chosen == OcrChoice("sagemaker", ENDPOINT)
    assert ocr_setting.current(deployed, endpoints) == OcrSetting("sagemaker", ENDPOINT)


def test_the_endpoint_used_last_is_used_again(deployed: Stack) -> None:
    endpoints = FakeEndpoints("work", TOPIC)
    ocr_setting.use(deployed, "sagemaker", ENDPOINT, endpoints)
    ocr_setting.use(deployed, "textract")

    assert ocr_setting.use(deployed, "sagemaker", endpoints=endpoints).endpoint == ENDPOINT


@pytest.mark.parametrize(
    ("engine", "endpoint", "told"),
    [
        ("tesseract", "", "expected textract or sagemaker"),
        ("sagemaker", "", "which endpoint"),
        ("sagemaker", "another-project-ocr", "begins with recto-test-"),
        ("textract", ENDPOINT, "needs no endpoint"),
    ],
)
def test_what_could_not_work_changes_nothing(deployed: Stack, engine: str, endpoint: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        ocr_setting.use(deployed, engine, endpoint, FakeEndpoints("work", TOPIC))

    assert ocr_setting.current(deployed) == OcrSetting("textract", "")


def test_an_endpoint_that_stopped_being_usable_is_told(deployed: Stack) -> None:
    endpoints = FakeEndpoints("work", TOPIC)
    ocr_setting.use(deployed, "sagemaker", ENDPOINT, endpoints)
    endpoints.info = endpoints.info._replace(status="Failed")

    assert "it is Failed" in ocr_setting.current(deployed, endpoints).fault


def test_a_folder_is_read_and_its_failures_are_told(tmp_path: Path) -> None:
    source, output = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    (source / "a.png").write_bytes(stored(page("Credit limit", size=(800, 300)), "PNG"))
    (source / "b.pdf").write_bytes(b"%PDF-1.7")

    done = CliRunner().invoke(app, ["data", "ocr", str(source), "--output", str(output), "--workers", "1"])

    assert done.exit_code == 1
    assert "read 1 documents (1 pages, 2 words), skipped 0, failed 1" in " ".join(done.output.split())
    assert (output / "a.png" / "consolidated.json").exists()
    told = [json.loads(line) for line in (output / "ocr-report.jsonl").read_text().splitlines()]
    assert {line["Document"]: line["Status"] for line in told} == {"a.png": "DONE", "b.pdf": "FAILED"}
