"""The Textract stand-in, as a real boto3 client sees the service."""

import io
import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
import trp
from botocore.exceptions import ClientError
from PIL import Image

from recto_local.processes import wait_until
from tests.functional.local.conftest import TOPIC_ROLE, Servers, Standins
from tests.functional.local.drawn import page, pdf, stored

TWO_PAGES = [["Annual fee 95 dollars", "Late payment 29 dollars"], ["Second page of the agreement"]]


def all_blocks(standins: Standins, job: str, size: int = 1000) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = []
    more: dict[str, str] = {}
    while True:
        answer = standins.client("textract").get_document_text_detection(JobId=job, MaxResults=size, **more)
        assert len(answer["Blocks"]) <= size
        blocks += answer["Blocks"]
        if "NextToken" not in answer:
            return blocks
        more = {"NextToken": answer["NextToken"]}


def start(standins: Standins, body: bytes, **more: Any) -> str:
    answer = standins.client("textract").start_document_text_detection(
        DocumentLocation=standins.upload(body), **more
    )
    return str(answer["JobId"])


def code_of(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def test_a_pdf_comes_back_page_by_page_with_its_words(standins: Standins) -> None:
    job = start(standins, pdf(TWO_PAGES))

    ended = standins.ended(job)

    assert (ended["JobStatus"], ended["DocumentMetadata"]) == ("SUCCEEDED", {"Pages": 2})
    lines = [(b["Page"], b["Text"]) for b in ended["Blocks"] if b["BlockType"] == "LINE"]
    assert lines == [
        (1, "Annual fee 95 dollars"),
        (1, "Late payment 29 dollars"),
        (2, "Second page of the agreement"),
    ]
    assert [b["Page"] for b in ended["Blocks"]] == sorted(b["Page"] for b in ended["Blocks"])


def test_the_response_parser_reads_the_blocks(standins: Standins) -> None:
    ended = standins.ended(start(standins, pdf(TWO_PAGES)))

    document = trp.Document(ended)

    assert [line.text for line in document.pages[0].lines] == TWO_PAGES[0]
    first = document.pages[0].lines[0].words[0]
    assert first.text == "Annual"
    assert first.geometry.boundingBox.left == pytest.approx(60 / 595, abs=0.01)
    assert 80 < first.confidence <= 100


def test_small_answers_add_up_to_the_large_one_and_every_reference_resolves(standins: Standins) -> None:
    job = start(standins, pdf(TWO_PAGES))
    standins.ended(job)

    small, large = all_blocks(standins, job, size=4), all_blocks(standins, job)

    assert small == large
    ids = [block["Id"] for block in large]
    assert len(set(ids)) == len(ids)
    children = [i for block in large for r in block.get("Relationships", []) for i in r["Ids"]]
    assert set(children) == {block["Id"] for block in large if block["BlockType"] != "PAGE"}


def test_a_long_page_is_given_in_answers_of_at_most_1000_blocks(standins: Standins) -> None:
    words = [" ".join(f"w{row}x{n}" for n in range(12)) for row in range(26)]
    job = start(standins, pdf([words] * 4))

    ended = standins.ended(job)

    assert len(ended["Blocks"]) == 1000
    assert len(all_blocks(standins, job)) > 1000


def test_the_end_of_a_job_is_announced_once_with_its_tag(standins: Standins) -> None:
    topic, queue = standins.topic_with_queue()
    location = standins.upload(pdf(TWO_PAGES), "a b/ü+%.pdf")
    request = {
        "DocumentLocation": location, "JobTag": "JOB:1.a-b_c", "ClientRequestToken": uuid.uuid4().hex,
        "NotificationChannel": {"SNSTopicArn": topic, "RoleArn": TOPIC_ROLE},
    }  # fmt: skip
    job = standins.client("textract").start_document_text_detection(**request)["JobId"]

    standins.ended(job)
    messages = standins.messages(queue)
    again = standins.client("textract").start_document_text_detection(**request)["JobId"]

    notice = json.loads(json.loads(messages[0]["Body"])["Message"])
    assert isinstance(notice.pop("Timestamp"), int)
    assert notice == {
        "JobId": job, "Status": "SUCCEEDED", "API": "StartDocumentTextDetection", "JobTag": "JOB:1.a-b_c",
        "DocumentLocation": {"S3ObjectName": "a b/ü+%.pdf", "S3Bucket": "documents"},
    }  # fmt: skip
    assert again == job
    assert standins.messages(queue, seconds=2) == []


def test_a_client_token_with_other_parameters_is_refused(standins: Standins) -> None:
    client, location = standins.client("textract"), standins.upload(pdf([["once"]]))
    token = uuid.uuid4().hex
    client.start_document_text_detection(DocumentLocation=location, ClientRequestToken=token)

    with pytest.raises(client.exceptions.IdempotentParameterMismatchException):
        client.start_document_text_detection(DocumentLocation=location, ClientRequestToken=token, JobTag="x")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "BadDocumentException"),
        (b"plain text under another name", "UnsupportedDocumentException"),
        (b"\x89PNG\r\n\x1a\n" + bytes(10 * 1024 * 1024), "DocumentTooLargeException"),
    ],
)
def test_a_document_that_cannot_be_read_is_refused_at_once(
    standins: Standins, body: bytes, code: str
) -> None:
    with pytest.raises(ClientError) as refused:
        start(standins, body)

    assert code_of(refused) == code


def test_an_object_that_is_not_there_is_refused(standins: Standins) -> None:
    client = standins.client("textract")

    with pytest.raises(client.exceptions.InvalidS3ObjectException):
        client.start_document_text_detection(
            DocumentLocation={"S3Object": {"Bucket": "documents", "Name": "none"}}
        )


@pytest.mark.parametrize("more", [{"JobTag": "x" * 65}, {"JobTag": "a#b"}, {"ClientRequestToken": "a b"}])
def test_parameters_out_of_bounds_are_refused(standins: Standins, more: dict[str, str]) -> None:
    with pytest.raises(ClientError) as refused:
        start(standins, pdf([["x"]]), **more)

    assert code_of(refused) == "InvalidParameterException"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (pdf([["secret"]], password="open sesame"), "ENCRYPTED_DOCUMENT"),
        (b"%PDF-1.7\nnothing else", "BAD_DOCUMENT"),
        (stored(page("cut short"), "PNG")[:3000], "BAD_DOCUMENT"),
    ],
)
def test_a_job_fails_with_its_reason_and_announces_it(standins: Standins, body: bytes, reason: str) -> None:
    topic, queue = standins.topic_with_queue()
    job = start(standins, body, NotificationChannel={"SNSTopicArn": topic, "RoleArn": TOPIC_ROLE})

    ended = standins.ended(job)

    assert ended["JobStatus"] == "FAILED"
    assert ended["StatusMessage"].startswith(reason)
    assert "Blocks" not in ended
    notice = json.loads(json.loads(standins.messages(queue)[0]["Body"])["Message"])
    assert (notice["JobId"], notice["Status"]) == (job, "FAILED")


def test_job_ids_belong_to_their_operation_and_tokens_to_their_job(standins: Standins) -> None:
    client, job = standins.client("textract"), start(standins, pdf(TWO_PAGES))
    other = start(standins, pdf([["other"]]))
    standins.ended(job)
    standins.ended(other)
    token = client.get_document_text_detection(JobId=job, MaxResults=2)["NextToken"]

    with pytest.raises(client.exceptions.InvalidJobIdException):
        client.get_document_text_detection(JobId="unknown")
    with pytest.raises(client.exceptions.InvalidJobIdException):
        client.get_document_analysis(JobId=job)
    with pytest.raises(client.exceptions.InvalidParameterException):
        client.get_document_text_detection(JobId=other, NextToken=token)


def test_output_goes_to_s3_in_parts_where_asked(standins: Standins) -> None:
    words = [" ".join(f"w{row}x{n}" for n in range(12)) for row in range(26)]
    topic, queue = standins.topic_with_queue()
    channel = {"SNSTopicArn": topic, "RoleArn": TOPIC_ROLE}
    job = start(
        standins, pdf([words] * 4), NotificationChannel=channel,
        OutputConfig={"S3Bucket": "documents", "S3Prefix": "out"},
    )  # fmt: skip
    standins.ended(job)
    assert standins.messages(queue, seconds=20)
    s3 = standins.client("s3")

    keys = [o["Key"] for o in s3.list_objects_v2(Bucket="documents", Prefix=f"out/{job}/")["Contents"]]

    parts = [json.loads(s3.get_object(Bucket="documents", Key=key)["Body"].read()) for key in sorted(keys)]
    assert keys == [f"out/{job}/1", f"out/{job}/2"]
    assert [b for part in parts for b in part["Blocks"]] == all_blocks(standins, job)


def test_analysis_finds_paragraphs_and_no_tables(standins: Standins) -> None:
    location = standins.upload(pdf(TWO_PAGES))
    client = standins.client("textract")
    job = client.start_document_analysis(DocumentLocation=location, FeatureTypes=["LAYOUT", "TABLES"])[
        "JobId"
    ]

    ended = standins.ended(job, "get_document_analysis")

    kinds = {block["BlockType"] for block in ended["Blocks"]}
    assert kinds == {"PAGE", "LINE", "WORD", "LAYOUT_TEXT"}
    assert "AnalyzeDocumentModelVersion" in ended


def test_results_and_unfinished_jobs_survive_a_restart(servers: Servers, standins: Standins) -> None:
    first = servers.start_standins("restarted", "--workers", "1")
    topic, queue = first.topic_with_queue()
    done = start(first, pdf([["finished before"]]))
    before = first.ended(done)["Blocks"]
    channel = {"SNSTopicArn": topic, "RoleArn": TOPIC_ROLE}
    unfinished = start(first, pdf([["page of a long one"]] * 12), NotificationChannel=channel)

    second = first.restarted()

    assert second.ended(done)["Blocks"] == before
    ended = second.ended(unfinished)
    assert ended["DocumentMetadata"] == {"Pages": 12}
    assert [b["Page"] for b in ended["Blocks"] if b["BlockType"] == "PAGE"] == list(range(1, 13))
    assert len(second.messages(queue)) == 1


def test_quotas_are_kept(servers: Servers, standins: Standins) -> None:
    small = servers.start_standins(
        "small", "--workers", "1", "--concurrent-jobs", "1", "--get-per-second", "2"
    )
    client, location = small.client("textract"), small.upload(pdf([["one"]] * 8))
    job = client.start_document_text_detection(DocumentLocation=location)["JobId"]

    with pytest.raises(client.exceptions.LimitExceededException):
        client.start_document_text_detection(DocumentLocation=location)

    def asked(_: int) -> str:
        try:
            client.get_document_text_detection(JobId=job)
        except client.exceptions.ProvisionedThroughputExceededException:
            return "refused"
        return "answered"

    with ThreadPoolExecutor(3) as at_once:  # within the quota's second, on a busy machine too
        assert sorted(at_once.map(asked, range(3))) == ["answered", "answered", "refused"]


def test_one_page_is_read_while_the_caller_waits(standins: Standins) -> None:
    image = stored(page("Total 12.50", "Thank you"), "PNG")

    by_bytes = standins.client("textract").detect_document_text(Document={"Bytes": image})
    by_place = standins.client("textract").analyze_document(
        Document=standins.upload(image), FeatureTypes=["LAYOUT"]
    )

    assert [b["Text"] for b in by_bytes["Blocks"] if b["BlockType"] == "LINE"] == ["Total 12.50", "Thank you"]
    assert {b["BlockType"] for b in by_place["Blocks"]} == {"PAGE", "LINE", "WORD", "LAYOUT_TEXT"}


def test_several_pages_are_refused_in_one_call(standins: Standins) -> None:
    client = standins.client("textract")

    with pytest.raises(client.exceptions.UnsupportedDocumentException):
        client.detect_document_text(Document={"Bytes": pdf(TWO_PAGES)})


def test_every_frame_of_a_tiff_is_a_page(standins: Standins) -> None:
    frames = [page(f"Frame number {n}") for n in (1, 2, 3)]
    out = io.BytesIO()
    frames[0].save(out, "TIFF", save_all=True, append_images=frames[1:])

    ended = standins.ended(start(standins, out.getvalue()))

    lines = [(b["Page"], b["Text"]) for b in ended["Blocks"] if b["BlockType"] == "LINE"]
    assert lines == [(n, f"Frame number {n}") for n in (1, 2, 3)]


def test_a_page_without_text_is_still_a_page(standins: Standins) -> None:
    ended = standins.ended(start(standins, stored(Image.new("L", (600, 800), "white"), "PNG")))

    assert [block["BlockType"] for block in ended["Blocks"]] == ["PAGE"]


def test_older_sdks_speak_json(standins: Standins) -> None:
    headers = {
        "X-Amz-Target": "Textract.GetDocumentTextDetection",
        "Content-Type": "application/x-amz-json-1.1",
    }

    answer = httpx.post(standins.url("/"), headers=headers, content=b'{"JobId": "unknown"}', trust_env=False)

    assert answer.status_code == httpx.codes.BAD_REQUEST
    assert answer.json()["__type"] == "InvalidJobIdException"


def test_every_call_is_in_the_access_log(servers: Servers, standins: Standins) -> None:
    client = standins.client("textract")
    with pytest.raises(client.exceptions.InvalidJobIdException):
        client.get_document_analysis(JobId="logged")
    log = servers.home / "standins" / "access.jsonl"

    def logged() -> bool:
        text = log.read_text() if log.exists() else ""
        if not text.endswith("\n"):
            return False
        last = json.loads(text.splitlines()[-1])
        return (last["service"], last["operation"], last["status"]) == (
            "textract",
            "GetDocumentAnalysis",
            400,
        )

    assert wait_until(logged, 30)
