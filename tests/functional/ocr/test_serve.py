"""The container's server as a real process, with requests as SageMaker sends them."""

import base64
import io
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.response import StreamingBody
from botocore.stub import Stubber
from starlette.testclient import TestClient

from recto.errors import ConfigurationError
from recto.textract import blocks_of, read_pages
from recto_local import processes
from recto_ocr.configuration import OcrSettings
from recto_ocr.serve import OcrServer
from tests.functional.local.drawn import page, pdf, stored

JSON = {"content-type": "application/json"}
THREE = pdf([["Page one"], ["Page two"], ["Page three"]])


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder, port = tmp_path_factory.mktemp("serve"), processes.free_port()
    command = [sys.executable, "-m", "recto_ocr.serve", "--host", "127.0.0.1", "--port", str(port)]
    settings = {"OCR_WORKERS": "2", "OCR_MAX_REQUEST_BYTES": "200000", "OCR_MAX_PAGES": "3"}
    environment = {"PATH": os.environ["PATH"], "TMPDIR": str(folder), "AWS_DEFAULT_REGION": "us-east-1"}
    process = processes.start("serve", command, {**environment, **settings}, folder, folder / "log")
    try:
        processes.wait_healthy(process, f"http://127.0.0.1:{port}/ping", 60)
        yield f"http://127.0.0.1:{port}"
    finally:
        processes.stop(process, 15)


def invoke(url: str, body: Any, content_type: str = "application/json") -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"content-type": content_type} if content_type else {}
    return httpx.post(f"{url}/invocations", content=content, headers=headers, timeout=60)


def given(body: bytes, **more: Any) -> dict[str, Any]:
    return {"Document": {"Bytes": base64.b64encode(body).decode()}, **more}


def texts(answer: httpx.Response) -> dict[int, str]:
    assert answer.status_code == 200, answer.text
    pages = read_pages(blocks_of(answer.json()))
    return {each.number: " ".join(word.text for word in each.words) for each in pages}


def test_ping_tells_engine_and_languages(url: str) -> None:
    answer = httpx.get(f"{url}/ping").json()

    assert answer["Engine"].startswith("custom-auto-5")
    assert "eng" in answer["Languages"]


@pytest.mark.parametrize("content_type", ["application/pdf", "application/octet-stream", ""])
def test_raw_bytes_are_read_whole(url: str, content_type: str) -> None:
    answer = invoke(url, THREE, content_type)

    assert texts(answer) == {1: "Page one", 2: "Page two", 3: "Page three"}
    assert answer.json()["DocumentMetadata"] == {"Pages": 3}
    assert answer.json()["JobStatus"] == "SUCCEEDED"


def test_bytes_in_json_are_read_in_the_languages_and_pages_asked_for(url: str) -> None:
    request = given(THREE, Languages=["eng"], Pages={"First": 2, "Last": 3})

    assert texts(invoke(url, request)) == {2: "Page two", 3: "Page three"}


@pytest.mark.parametrize(
    ("body", "content_type", "status", "error"),
    [
        (b"{", "application/json", 400, "InvalidRequestError"),
        ({}, "application/json", 400, "InvalidRequestError"),
        ({"Document": {}}, "application/json", 400, "InvalidRequestError"),
        ({"Document": {"Bytes": "%%"}}, "application/json", 400, "InvalidRequestError"),
        (given(THREE, Surprise=1), "application/json", 400, "InvalidRequestError"),
        (given(THREE, Languages=["xyz"]), "application/json", 400, "LanguageMissingError"),
        (given(THREE, Languages="../x"), "application/json", 400, "ConfigurationError"),
        (given(THREE, Pages={"First": 2, "Last": 9}), "application/json", 400, "PageRangeError"),
        (given(THREE, Pages={"First": 3, "Last": 2}), "application/json", 400, "PageRangeError"),
        (given(THREE, Pages={"First": 0}), "application/json", 400, "InvalidRequestError"),
        (b"", "application/pdf", 400, "InvalidRequestError"),
        (b"a,b", "text/csv", 415, "UnsupportedContentTypeError"),
        (b"no document", "application/pdf", 422, "UnsupportedDocumentError"),
        (b"%PDF-1.7 broken", "application/pdf", 422, "DamagedDocumentError"),
        (pdf([["x"]], password="pw"), "application/pdf", 422, "EncryptedDocumentError"),
        (pdf([["x"]] * 4), "application/pdf", 413, "RequestTooLargeError"),
        (b"x" * 200_001, "application/octet-stream", 413, "RequestTooLargeError"),
    ],
)
def test_what_cannot_be_answered_is_refused_by_name(
    url: str, body: Any, content_type: str, status: int, error: str
) -> None:
    answer = invoke(url, body, content_type)

    assert (answer.status_code, answer.json()["Error"]) == (status, error)
    assert answer.json()["Message"]


def test_nothing_of_a_request_stays_behind(url: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    invoke(url, THREE, "application/pdf")
    invoke(url, b"no document", "application/pdf")

    folder = next(tmp_path_factory.getbasetemp().glob("serve[0-9]*"))
    assert processes.wait_until(lambda: not list(folder.glob("recto-ocr-*")), 30)


def s3_client() -> Any:
    return boto3.client("s3", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")


def test_a_document_in_s3_is_fetched_in_its_version() -> None:
    s3, body = s3_client(), stored(page("Credit limit", size=(800, 300)), "PNG")
    server = OcrServer(OcrSettings(ocr_workers=1), lambda: s3)
    place = {"Bucket": "inbox", "Name": "a b.png", "Version": "v1"}
    with Stubber(s3) as stub, TestClient(server.app()) as client:
        found = {"Body": StreamingBody(io.BytesIO(body), len(body)), "ContentLength": len(body)}
        stub.add_response("get_object", found, {"Bucket": "inbox", "Key": "a b.png", "VersionId": "v1"})

        answer = client.post("/invocations", json={"Document": {"S3Object": place}})

    assert texts(answer) == {1: "Credit limit"}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("NoSuchKey", 404, "DocumentMissingError"),
        ("AccessDenied", 403, "AccessError"),
        ("SlowDown", 503, "ServiceUnavailableError"),
    ],
)
def test_a_document_that_s3_does_not_give_is_refused_by_name(code: str, status: int, error: str) -> None:
    s3 = s3_client()
    server = OcrServer(OcrSettings(ocr_workers=1), lambda: s3)
    with Stubber(s3) as stub, TestClient(server.app()) as client:
        stub.add_client_error("get_object", code)

        answer = client.post(
            "/invocations", json={"Document": {"S3Object": {"Bucket": "inbox", "Name": "a.pdf"}}}
        )

    assert (answer.status_code, answer.json()["Error"]) == (status, error)
    assert "s3://inbox/a.pdf" in answer.json()["Message"]


def test_an_s3_that_cannot_be_reached_is_worth_another_try() -> None:
    class Gone:
        def get_object(self, **_: Any) -> Any:
            raise EndpointConnectionError(endpoint_url="http://nowhere")

    server = OcrServer(OcrSettings(ocr_workers=1), Gone)
    with TestClient(server.app()) as client:
        answer = client.post(
            "/invocations", json={"Document": {"S3Object": {"Bucket": "inbox", "Name": "a.pdf"}}}
        )

    assert (answer.status_code, answer.json()["Error"]) == (503, "ServiceUnavailableError")


def test_a_container_that_lacks_its_language_does_not_start() -> None:
    with pytest.raises(ConfigurationError, match="xyz is not installed"):
        OcrServer(OcrSettings(ocr_default_languages="eng+xyz"))


def test_settings_that_do_not_fit_are_named() -> None:
    with pytest.raises(ConfigurationError, match="OCR_DEFAULT_DPI"):
        OcrSettings.read({"OCR_DEFAULT_DPI": "many"})


def test_the_image_starts_what_it_says() -> None:
    folder = Path(__file__).resolve().parents[3] / "ocr" / "container"

    script = (folder / "entrypoint.sh").read_text()

    assert os.access(folder / "entrypoint.sh", os.X_OK)
    for module in ("recto_ocr.serve", "recto_ocr.processing"):
        assert f"python -m {module}" in script
    copied = [
        line.split()[1] for line in (folder / "Dockerfile").read_text().splitlines() if line[:4] == "COPY"
    ]
    assert copied
    assert all((folder.parents[1] / name).exists() for name in copied)
