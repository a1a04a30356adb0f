"""One document asked of one model: an endpoint's request and answer, a release here, the picture."""

import io
import json
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.response import StreamingBody
from PIL import Image

from recto.document import Page, PagePredictions, Word
from recto.errors import ConfigurationError, DocumentMissingError, ModelFailedError, ServiceUnavailableError
from recto.geometry import Box
from recto.model_exchange import blocks_of_page
from recto.steps.async_inference import AD_HOC
from recto_cli import predict
from recto_cli.predict import Asking, Seen, ask_endpoint, ask_release, draw_classes, mentions
from recto_cli.stack import Stack
from tests.contract.template import ROOT

WORDS = ("Total", "12.50", "Thank", "you")
ASYNC, SYNC = {"AsyncInferenceConfig": {}}, dict[str, Any]()


def page(number: int) -> Page:
    boxes = [Box(0.1 + column / 5, 0.1, 0.2 + column / 5, 0.12) for column in range(len(WORDS))]
    return Page(number, tuple(Word(text, box, 0.99) for text, box in zip(WORDS, boxes, strict=True)))


def answer(*pages: Page) -> bytes:
    """Every second word has class 0, the others none."""
    blocks = [block for each in pages for block in blocks_of_page(each)]
    for index, block in enumerate(block for block in blocks if block["BlockType"] == "WORD"):
        block["ClassificationProbabilities"] = [0.1, 0.9] if index % 2 == 0 else [0.8, 0.2]
    return json.dumps({"Blocks": blocks, "Warnings": ["grey pages"]}).encode()


class Runtime:
    """SageMaker's runtime: answers at once, or puts what it says where it said it would."""

    def __init__(self, said: bytes, *, fails: bool = False, silent: bool = False) -> None:
        self.said, self.fails, self.silent = said, fails, silent
        self.asked: dict[str, Any] = {}

    def invoke_endpoint(self, **request: Any) -> dict[str, Any]:
        self.asked = request
        return {"Body": StreamingBody(io.BytesIO(self.said), len(self.said))}

    def invoke_endpoint_async(self, **request: Any) -> dict[str, Any]:
        self.asked = request
        if not self.silent:
            key = "model-endpoint/failures/f" if self.fails else "model-endpoint/answers/a"
            boto3.client("s3").put_object(Bucket="work", Key=key, Body=self.said)
        return {
            "OutputLocation": "s3://work/model-endpoint/answers/a",
            "FailureLocation": "s3://work/model-endpoint/failures/f",
        }

    def body(self) -> dict[str, Any]:
        """The request, wherever it was put."""
        if "Body" in self.asked:
            return dict(json.loads(self.asked["Body"]))
        key = self.asked["InputLocation"].removeprefix("s3://work/")
        return dict(json.loads(boto3.client("s3").get_object(Bucket="work", Key=key)["Body"].read()))


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> Runtime:
    made = Runtime(answer(page(1)))
    monkeypatch.setattr(predict, "client", lambda service, _: made)
    monkeypatch.setattr(predict, "POLL_SECONDS", 0.01)
    return made


def test_a_synchronous_endpoint_is_asked_by_value_or_by_reference(stack: Stack, runtime: Runtime) -> None:
    ask_endpoint("recto-test-words", SYNC, [page(1)], Asking(by_value=True), stack)
    by_value = runtime.body()
    seen = ask_endpoint("recto-test-words", SYNC, [page(1)], Asking(), stack)
    by_reference = runtime.body()

    assert set(by_value) == {"Content"}
    assert by_reference["S3Input"]["Bucket"] == "work"
    kept = boto3.client("s3").get_object(**by_reference["S3Input"])["Body"].read()
    assert json.loads(kept) == by_value["Content"]
    assert [(m.label, m.text) for m in mentions(seen)] == [("class 0", "12.50"), ("class 0", "you")]
    assert seen.warnings == ("grey pages",)


@pytest.mark.parametrize(
    ("told", "label"), [(["Total", "other"], "Total"), (["Total"], "class 0"), ("Total", "class 0")]
)
def test_classes_have_the_names_that_the_answer_tells(
    stack: Stack, runtime: Runtime, told: object, label: str
) -> None:
    runtime.said = json.dumps({**json.loads(answer(page(1))), "ClassificationLabels": told}).encode()

    seen = ask_endpoint("recto-test-words", SYNC, [page(1)], Asking(), stack)

    assert {m.label for m in mentions(seen)} == {label}


def test_one_page_and_page_images_are_asked_for_by_the_references_names(
    stack: Stack, runtime: Runtime
) -> None:
    runtime.said = answer(page(2))

    seen = ask_endpoint(
        "recto-test-words", SYNC, [page(1), page(2)], Asking(page=2, thumbnails="s3://b/t.npz"), stack
    )

    body = runtime.body()
    assert (body["TargetPageNum"], body["TargetPageOnly"]) == (2, True)
    assert body["S3Thumbnails"] == {"Bucket": "b", "Key": "t.npz"}
    assert [page.number for page in seen.pages] == [2]


def test_an_asynchronous_endpoint_answers_in_s3_and_nobody_waits_for_the_notification(
    stack: Stack, runtime: Runtime
) -> None:
    seen = ask_endpoint("recto-test-words", ASYNC, [page(1)], Asking(), stack)

    assert runtime.asked["InferenceId"].startswith(AD_HOC)
    assert runtime.asked["InputLocation"].startswith("s3://work/model-endpoint/requests/")
    assert seen.predictions[0].classes == (1, 0, 1, 0)


def test_a_failed_inference_says_why(stack: Stack, runtime: Runtime) -> None:
    runtime.said, runtime.fails = b'{"Error": "PageRangeError"}', True

    with pytest.raises(ModelFailedError, match="PageRangeError"):
        ask_endpoint("recto-test-words", ASYNC, [page(1)], Asking(), stack)


def test_an_endpoint_that_sleeps_too_long_tells_where_its_answer_will_be(
    stack: Stack, runtime: Runtime
) -> None:
    runtime.silent = True

    with pytest.raises(ServiceUnavailableError, match="s3://work/model-endpoint/answers/a"):
        ask_endpoint("recto-test-words", ASYNC, [page(1)], Asking(timeout=0.05), stack)


def test_what_is_no_answer_is_told(stack: Stack, runtime: Runtime) -> None:
    runtime.said = b"<html>"

    with pytest.raises(ModelFailedError, match="expected Textract's shape"):
        ask_endpoint("recto-test-words", SYNC, [page(1)], Asking(), stack)


def test_a_release_on_this_machine_reads_the_page_that_was_asked_for() -> None:
    seen = ask_release(ROOT / "local" / "releases" / "demo", [page(1), page(2)], Asking(page=2))

    assert [each.number for each in seen.pages] == [2]
    assert len(seen.predictions[0].classes) == len(WORDS)
    assert seen.labels[-1] == "other"


def test_a_page_that_the_document_does_not_have_is_named(tmp_path: Path) -> None:
    file = tmp_path / "ocr.json"
    file.write_text(json.dumps({"Blocks": list(blocks_of_page(page(1)))}))

    with pytest.raises(DocumentMissingError, match=r"page 7: .* has pages 1 to 1"):
        predict.ask("any", str(file), Asking(page=7), None)  # type: ignore[arg-type]


def test_a_file_that_is_no_ocr_is_told(tmp_path: Path) -> None:
    (tmp_path / "ocr.json").write_text("not JSON")

    with pytest.raises(ConfigurationError, match="expected Textract's JSON"):
        predict.pages_of(str(tmp_path / "ocr.json"), None)  # type: ignore[arg-type]


def test_words_of_a_class_beside_each_other_are_one_mention() -> None:
    said = PagePredictions(number=1, classes=(0, 0, 1, 2), probabilities=(0.9, 0.7, 0.8, 0.99))

    found = list(mentions(Seen((page(1),), (said,), ("A", "B", "other"))))

    assert [(each.label, each.text, each.confidence) for each in found] == [
        ("A", "Total 12.50", 0.7), ("B", "Thank", 0.8),
    ]  # fmt: skip


def test_the_picture_marks_words_that_have_a_class_and_names_the_classes_below() -> None:
    said = PagePredictions(number=1, classes=(0, 1, 1, 1), probabilities=(0.9, 0.9, 0.9, 0.9))
    blank = Image.new("RGB", (400, 300), "white")

    drawn = draw_classes(blank, page(1), said, ("Total", "other"))

    assert drawn.height > blank.height
    first = [drawn.getpixel((x, 33)) for x in range(40, 80)]
    second = [drawn.getpixel((x, 33)) for x in range(125, 155)]
    assert any(pixel != (255, 255, 255) for pixel in first)
    assert all(pixel == (255, 255, 255) for pixel in second)
