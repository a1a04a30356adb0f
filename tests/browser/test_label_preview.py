"""`recto label preview` in a real browser: the task is drawn on, submitted, and its answer shown."""

import io
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from recto_cli.labelling import preview
from recto_cli.labelling.preview import Preview, as_file
from recto_cli.labelling.tasks import TaskType
from recto_cli.labelling.templates import For, TemplateText, filled, template_source
from tests.browser.conftest import WAIT_MS
from tests.memory import MemoryObjects

LINE = {"source-ref": "s3://work/page.png", "textract-ref": "s3://work/ocr.json", "page-num": 1}
TEXT = TemplateText(title="Boxes", header="Draw", instructions="All of them", labels=("Party", "Total"))
START, END = (0.4, 0.5), (0.6, 0.6)
"""Corners of a box, in shares of the picture."""


@pytest.fixture
def objects() -> MemoryObjects:
    picture = io.BytesIO()
    Image.new("RGB", (800, 1000), "white").save(picture, "PNG")
    blocks = [{"BlockType": "PAGE", "Id": "p", "Page": 1}]
    ocr = json.dumps({"DocumentMetadata": {"Pages": 1}, "Blocks": blocks}).encode()
    return MemoryObjects({"s3://work/page.png": picture.getvalue(), "s3://work/ocr.json": ocr})


def template(task: TaskType) -> str:
    return filled(template_source(task), TEXT, For.WORKBENCH)


@pytest.fixture
def served(objects: MemoryObjects) -> Iterator[tuple[str, list[dict[str, Any]], threading.Thread]]:
    """The command's server, which ends with the first answer."""
    shown = Preview(template(TaskType.BOUNDING_BOX), LINE, objects, "boxes")
    ready, urls, answers = threading.Event(), list[str](), list[dict[str, Any]]()

    def on_ready(url: str) -> None:
        urls.append(url)
        ready.set()

    def on_answer(answer: dict[str, Any]) -> bool:
        answers.append(answer)
        return True

    thread = threading.Thread(target=preview.serve, args=(shown, on_ready, on_answer), daemon=True)
    thread.start()
    assert ready.wait(WAIT_MS / 1000)
    yield urls[0], answers, thread
    thread.join(WAIT_MS / 1000)


def draw(page: Page) -> None:
    """A box of the first label on the picture in the frame."""
    frame = page.frame_locator("#task")
    expect(frame.get_by_text("Boxes: 0")).to_be_visible()
    area = page.locator("#task").bounding_box()
    assert area
    corners = [(area["x"] + x * area["width"], area["y"] + y * area["height"]) for x, y in (START, END)]
    page.mouse.move(*corners[0])
    page.mouse.down()
    page.mouse.move(*corners[1], steps=5)
    page.mouse.up()
    expect(frame.get_by_text("Boxes: 1")).to_be_visible()


def test_an_answer_is_shown_and_the_command_has_it(
    page: Page, served: tuple[str, list[dict[str, Any]], threading.Thread]
) -> None:
    url, answers, thread = served
    page.goto(url)
    draw(page)

    page.get_by_role("button", name="Submit").first.click()

    expect(page.locator("#told")).to_contain_text('"label": "Party"')
    thread.join(WAIT_MS / 1000)
    (box,) = answers[0]["boundingBox"]["boundingBoxes"]
    assert box["label"] == "Party"
    assert answers[0]["boundingBox"]["inputImageProperties"] == {"height": 1000, "width": 800}
    assert not thread.is_alive()


def test_one_file_works_without_a_server(page: Page, objects: MemoryObjects, tmp_path: Path) -> None:
    path = tmp_path / "task.html"
    path.write_text(as_file(template(TaskType.BOUNDING_BOX), LINE, objects, "boxes"), encoding="utf-8")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    page.goto(path.as_uri())
    draw(page)
    page.get_by_role("button", name="Submit").first.click()

    expect(page.locator("#told")).to_contain_text('"label": "Party"')
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:", "about:"))] == []


def test_the_page_around_has_no_serious_accessibility_fault(
    page: Page,
    served: tuple[str, list[dict[str, Any]], threading.Thread],
    axe: Callable[[Page], list[str]],
) -> None:
    url, _, _ = served
    page.goto(url)
    expect(page.frame_locator("#task").get_by_text("Boxes: 0")).to_be_visible()

    assert axe(page) == []
    page.get_by_role("button", name="Submit").first.click()
    expect(page.locator("#told")).to_be_visible()
    assert axe(page) == []
