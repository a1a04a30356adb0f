"""A laptop's screen of 1366 x 768 pixels, or smaller: a task beside its document leaves room for both."""

import json
import os
import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, FrameLocator, Page, expect

from recto_cli.labelling.templates import For
from tests.browser.conftest import WAIT_MS, Serve
from tests.browser.frame_harness import rendered
from tests.browser.stub_server import StubJob, StubServer, store_app
from tests.browser.test_shell_task import task_has_keys
from tests.browser.test_shell_templates import DOCUMENT, folder

__all__ = ["folder"]
CURRENT = "iframe:not(.ahead)"
LEAST_PICTURE, LEAST_DOCUMENT = 350, 300
"""Pixels in which a page can be read and boxes be drawn."""
Faults = Callable[[Page], list[str]]


@pytest.fixture(params=[1366, 1280])
def narrow(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": request.param, "height": 768})
    context.set_default_timeout(WAIT_MS)
    yield context.new_page()
    context.close()


@pytest.fixture(scope="module")
def served(web_static: Path, serve: Serve, folder: Path) -> tuple[StubServer, str]:
    server = StubServer(web_static, serve(store_app(folder, {}, [])))
    return server, serve(server.app)


@pytest.fixture
def task(narrow: Page, served: tuple[StubServer, str]) -> FrameLocator:
    """A task of boxes and their text, whose document is open."""
    server, origin = served
    server.reset()

    def link(uri: str) -> str:
        return f"{server.store}/{urllib.parse.quote(uri)}"

    place = "s3://store/page.png"
    given = {"taskObject": place, "source-ref": place, "textract-ref": "s3://store/ocr.json", "page-num": 1}
    text = {"header": "Draw a box around each field", "labels": ("Provider", "Fee", "Date")}
    server.pages["template"] = rendered("ocr-boxes", given, link, For.WORKBENCH, title="Boxes", **text)
    document = {"url": link(DOCUMENT), "page": 1}
    server.add(StubJob("boxes", ["template"] * 2, title="Boxes of receipts", document=document))
    server.sessions.add("both")
    narrow.context.add_cookies([{"name": "recto_session", "value": "both", "url": f"{origin}/api"}])
    narrow.goto(f"{origin}/#/jobs/boxes/work")
    frame = narrow.frame_locator(CURRENT)
    task_has_keys(narrow)
    frame.locator(".stage").wait_for()
    frame.locator(".stage .loading").wait_for(state="hidden")
    narrow.get_by_role("button", name="Document").click()
    expect(narrow.locator("li[data-page='1'] canvas")).to_be_visible()
    return frame


def width(page: Page, frame: FrameLocator, selector: str) -> float:
    box = frame.locator(selector).bounding_box()
    assert box
    return box["width"]


def document_width(page: Page) -> float:
    box = page.get_by_label("The whole document").bounding_box()
    assert box
    return box["width"]


def test_task_and_document_stand_beside_each_other_on_a_small_laptop(
    narrow: Page, task: FrameLocator, axe: Faults
) -> None:
    stage, tools = task.locator(".stage").bounding_box(), task.locator("aside").last.bounding_box()
    if target := os.environ.get("RECTO_SCREENSHOTS_NARROW"):
        narrow.screenshot(path=target)

    assert stage
    assert tools
    assert stage["width"] >= LEAST_PICTURE
    assert stage["height"] >= LEAST_PICTURE
    assert tools["x"] >= stage["x"] + stage["width"], "the tools stand beside the picture, not below it"
    assert document_width(narrow) >= LEAST_DOCUMENT
    assert narrow.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing is cut off"
    assert axe(narrow) == []


def test_the_document_is_made_wider_by_keys_and_by_dragging_and_stays_so(
    narrow: Page, task: FrameLocator
) -> None:
    divider = narrow.get_by_role("separator", name="Width of the document")
    usual = document_width(narrow)

    divider.focus()
    for _ in range(5):
        narrow.keyboard.press("ArrowLeft")
    wider = document_width(narrow)
    at = divider.bounding_box()
    assert at
    narrow.mouse.move(at["x"] + at["width"] / 2, at["y"] + 100)
    narrow.mouse.down()
    narrow.mouse.move(at["x"] - 100, at["y"] + 100, steps=5)  # over the frame, which would take the pointer
    narrow.mouse.up()
    dragged = document_width(narrow)
    narrow.get_by_role("button", name="Document").click()
    expect(divider).to_have_count(0)
    narrow.get_by_role("button", name="Document").click()

    assert wider > usual + 100
    assert dragged > wider + 80
    assert abs(document_width(narrow) - dragged) < 5
    assert json.loads(narrow.evaluate("localStorage.getItem('recto.document-share')")) > 45
    divider.dblclick()
    assert abs(document_width(narrow) - usual) < 5
