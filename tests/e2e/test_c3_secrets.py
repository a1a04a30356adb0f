"""Nothing of a document's text, no task token and no reviewer's answer is in any log of a whole run.

What may be there: ids, and the names (S3 keys) of documents that fail; docs/security.md says so.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from recto.messages import Status
from recto.pagestore import PageIndex
from recto.places import DocumentPlaces
from recto.steps.stored_pages import stored_pages
from tests.e2e.conftest import Pipeline, wait_for
from tests.e2e.test_b4_two_people import recto
from tests.e2e.traces import function_logs

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]
PRINTED = "QUIXOTRIVANDEL"
TYPED = "Wexmoorhaven Holdings"
BROKEN = "Zorblaxian"
"""Words that occur nowhere else; the last is what two documents that fail begin with or hold."""


def letter() -> bytes:
    """One page in large type that says the word, and nothing that a field is made of."""
    buffer = BytesIO()
    canvas = Canvas(buffer, pagesize=A4)
    canvas.setFont("Helvetica-Bold", 28)
    for line in range(4):
        canvas.drawString(60, 700 - 80 * line, PRINTED)
    canvas.save()
    return buffer.getvalue()


@pytest.fixture(scope="module")
def since() -> datetime:
    return datetime.now(tz=UTC) - timedelta(seconds=1)


@pytest.fixture(scope="module")
def tokens(pipeline: Pipeline, since: datetime) -> set[str]:
    """A document through OCR, model, review and publication, beside two that fail; the tokens it had."""
    sent = pipeline.send(letter(), "c3/letter.pdf")
    bad = [
        pipeline.send(BROKEN.encode() * 40, "c3/text.pdf"),
        pipeline.send(b"%PDF-1.7\n" + BROKEN.encode() * 40, "c3/damaged.pdf"),
    ]
    row, *failed = pipeline.settled([sent, *bad])
    assert row.status is Status.IN_REVIEW, (row.error, row.cause)
    assert [one.status for one in failed] == [Status.FAILED] * 2
    assert PRINTED in words_of(pipeline, row.document_id)
    found = set(tokens_in_table(pipeline, row.document_id))
    at_the_desk(pipeline, row.review_id)
    recto("review", "answer", row.key, "--set", f"Provider Name={TYPED}", "--accept")
    assert pipeline.ended(row.document_id).status is Status.PROCESSED
    assert TYPED in json.dumps(pipeline.result(row.document_id))
    return found


def at_the_desk(pipeline: Pipeline, review: str) -> None:
    """The desk hears of a review a moment after its row is written; on a busy machine a long one."""
    loop = pipeline.reviews.find(review)
    assert loop
    runtime = pipeline.client("sagemaker-a2i-runtime")

    def described() -> Any:
        try:
            return runtime.describe_human_loop(HumanLoopName=loop.loop_name)
        except runtime.exceptions.ResourceNotFoundException:
            return None

    wait_for(described, 120, lambda: loop.loop_name)


def words_of(pipeline: Pipeline, document: str) -> set[str]:
    places = DocumentPlaces(pipeline.work, document)
    index = PageIndex.from_json(pipeline.objects.read(places.ocr_index))
    (page,) = stored_pages(pipeline.objects, places, index, 1, 1)
    return {word.text for word in page.words}


def tokens_in_table(pipeline: Pipeline, document: str) -> Iterator[str]:
    pages = pipeline.client("dynamodb").get_paginator("scan")
    for page in pages.paginate(TableName=pipeline.info.outputs["DocumentTableName"]):
        for item in page["Items"]:
            if document in json.dumps(item) and (token := item.get("task_token", {}).get("S")):
                yield token


def all_logs(pipeline: Pipeline, since: datetime) -> Iterator[tuple[str, str]]:
    """Name and text of everything that the functions, the state machines, the API and the runtime wrote."""
    for group, lines in function_logs(pipeline, since).items():
        yield group, "\n".join(lines)
    home = pipeline.runtime.home
    for path in [*home.glob("logs/*.log"), *home.glob("*.jsonl"), *home.glob("standins/**/*.log")]:
        yield str(path.relative_to(home)), path.read_text(errors="replace")


@pytest.fixture(scope="module")
def logs(pipeline: Pipeline, since: datetime, tokens: set[str]) -> dict[str, str]:
    """Once the last function of the run has told of its work."""

    def written() -> Any:
        found = dict(all_logs(pipeline, since))
        return found if any("-publish" in name and text for name, text in found.items()) else None

    return dict(wait_for(written, 30, lambda: "no line of publish"))


def where(secret: str, logs: dict[str, str]) -> list[str]:
    """Each log that holds it, with what stands around it."""
    found = ((name, text, text.casefold().find(secret.casefold())) for name, text in logs.items())
    return [f"{name}: {text[max(0, at - 200) : at + 60]!r}" for name, text, at in found if at >= 0]


def test_logs_are_there_to_look_at(logs: dict[str, str]) -> None:
    spoke = {name for name, text in logs.items() if text}

    for part in (
        "-intake",
        "-textract-start",
        "-textract-fetch",
        "-a2i-trigger",
        "-a2i-callback",
        "-publish",
    ):
        assert any(part in name for name in spoke), (part, sorted(spoke))
    assert {"access.jsonl", "logs/emulator.log"} <= spoke


@pytest.mark.parametrize("secret", [PRINTED, "Wexmoorhaven", BROKEN, BROKEN[:8]])
def test_no_log_holds_a_documents_text_or_an_answer(secret: str, logs: dict[str, str]) -> None:
    assert where(secret, logs) == []


def test_no_log_holds_a_task_token(tokens: set[str], logs: dict[str, str]) -> None:
    assert tokens
    assert min(map(len, tokens)) > 20
    assert {token: seen for token in tokens if (seen := where(token, logs))} == {}
