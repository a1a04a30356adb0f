"""Our task templates with the real elements inside the pages: each type is opened, answered and submitted.

    RECTO_SCREENSHOTS=docs/screenshots python -m pytest tests/browser/test_shell_templates.py

writes a picture of each as well; `make screenshots` does that.
"""

import io
import json
import os
import urllib.parse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, FrameLocator, Page, expect

from recto_cli.labelling.templates import For
from tests.browser.conftest import Serve
from tests.browser.frame_harness import Picture, rendered
from tests.browser.stub_server import StubJob, StubServer, store_app
from tests.browser.test_shell_task import task_has_keys

SAMPLES = Path(__file__).parents[2] / "local" / "samples"
DOCUMENT = "pricing-table.pdf"
SCALE = 1.5
COLOURS = 96
CURRENT = "iframe:not(.ahead)"
EARLIER = {
    "annotations": [
        {"class_id": 0, "left": 90, "top": 60, "width": 420, "height": 50},
        {"class_id": 1, "left": 95, "top": 210, "width": 320, "height": 40},
    ],
    "image_size": [{"width": 918, "height": 1188, "depth": 3}],
}
Shot = Callable[[Page, str], None]
Faults = Callable[[Page], list[str]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample's page as an image, its words as Textract gives them, and the document itself."""
    folder = tmp_path_factory.mktemp("store")
    pdf = pypdfium2.PdfDocument(SAMPLES / DOCUMENT)
    page = pdf[0]
    page.render(scale=SCALE).to_pil().save(folder / "page.png")
    (folder / "ocr.json").write_text(json.dumps({"DocumentMetadata": {"Pages": 1}, "Blocks": blocks(page)}))
    pdf.close()
    (folder / DOCUMENT).write_bytes((SAMPLES / DOCUMENT).read_bytes())
    return folder


def blocks(page: Any) -> list[dict[str, Any]]:
    """WORD blocks of a PDF's own text."""
    text = page.get_textpage()
    characters = text.get_text_range()
    width, height = page.get_size()
    found: list[dict[str, Any]] = [{"BlockType": "PAGE", "Id": "page", "Page": 1}]
    start = 0
    for end in range(len(characters) + 1):
        if end < len(characters) and not characters[end].isspace():
            continue
        if end > start:
            corners = [text.get_charbox(at) for at in range(start, end)]
            left, bottom = min(c[0] for c in corners), min(c[1] for c in corners)
            right, top = max(c[2] for c in corners), max(c[3] for c in corners)
            box = {
                "Left": left / width,
                "Top": 1 - top / height,
                "Width": (right - left) / width,
                "Height": (top - bottom) / height,
            }
            word = {"BlockType": "WORD", "Id": f"w{start}", "Page": 1, "Text": characters[start:end]}
            found.append({**word, "Confidence": 99.0, "Geometry": {"BoundingBox": box}})
        start = end + 1
    return found


@pytest.fixture(scope="module")
def stored() -> dict[str, bytes]:
    return {}


@pytest.fixture(scope="module")
def served(web_static: Path, serve: Serve, folder: Path, stored: dict[str, bytes]) -> tuple[StubServer, str]:
    server = StubServer(web_static, serve(store_app(folder, stored, [])))
    return server, serve(server.app)


@pytest.fixture
def shot() -> Shot:
    """Saves a picture of the page where RECTO_SCREENSHOTS names a folder; with few colours, to be small."""
    target = os.environ.get("RECTO_SCREENSHOTS")

    def take(page: Page, name: str) -> None:
        if target:
            Path(target).mkdir(parents=True, exist_ok=True)
            taken = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
            few = taken.quantize(COLOURS, dither=Image.Dither.NONE)
            few.save(Path(target) / f"{name}.png", optimize=True)

    return take


@pytest.fixture
def work(
    context: BrowserContext, page: Page, served: tuple[StubServer, str]
) -> Callable[..., tuple[FrameLocator, StubServer]]:
    """Opens a task of a template; `task_input` names files of the store."""
    server, origin = served
    server.reset()

    def begin(
        template: str, title: str, task_input: dict[str, Any], **text: Any
    ) -> tuple[FrameLocator, StubServer]:
        def link(uri: str) -> str:
            return f"{server.store}/{urllib.parse.quote(uri)}"

        server.pages["template"] = rendered(template, task_input, link, For.WORKBENCH, title=title, **text)
        document = {"url": link(DOCUMENT), "page": 1}
        server.add(
            StubJob(template, ["template"] * 3, title=title, description=text["header"], document=document)
        )
        server.sessions.add("both")
        context.add_cookies([{"name": "recto_session", "value": "both", "url": f"{origin}/api"}])
        page.goto(f"{origin}/#/jobs/{template}/work")
        task_has_keys(page)
        return page.frame_locator(CURRENT), server

    return begin


def picture(page: Page, frame: FrameLocator) -> Picture:
    stage = frame.locator(".stage")
    stage.wait_for()
    stage.locator(".loading").wait_for(state="hidden")
    stage.locator("img").first.wait_for()
    return Picture(page, stage)


def submit(page: Page, server: StubServer) -> dict[str, Any]:
    """Submits by the page's own button and gives the answer that arrived."""
    expect(page.locator(".missing")).to_have_count(0)
    page.get_by_role("button", name="Submit").first.click()
    expect(page.get_by_text("Task 2 ·")).to_be_visible()
    taken = server.only(number=0)
    assert taken.state == "SUBMITTED"
    assert taken.answer is not None
    return taken.answer


IMAGE = {"source-ref": "s3://work/page.png", "textract-ref": "s3://work/ocr.json", "page-num": 1}
FIELDS = ("Card name", "APR", "Annual fee")
Work = Callable[..., tuple[FrameLocator, StubServer]]


def test_boxes(page: Page, work: Work, shot: Shot, axe: Faults) -> None:
    frame, server = work(
        "bounding-box", "Fields of card agreements", IMAGE, header="Box each field", labels=FIELDS
    )
    drawing = picture(page, frame)
    drawing.drag(90, 60, 500, 110)
    expect(page.get_by_role("button", name="Undo")).to_be_enabled()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("button", name="Redo")).to_be_enabled()
    page.get_by_role("button", name="Redo").click()
    expect(page.locator("[data-test=saved]")).to_contain_text("Saved ")
    for once in ("Undo", "Redo", "Keys", "Submit"):
        expect(page.get_by_role("button", name=once, exact=True)).to_have_count(1)
        expect(frame.get_by_role("button", name=once, exact=True)).to_have_count(0)
    shot(page, "boxes")
    assert axe(page) == []

    answer = submit(page, server)

    (box,) = answer["boundingBox"]["boundingBoxes"]
    assert box["label"] == "Card name"
    assert abs(box["left"] - 90) < 5
    assert abs(box["width"] - 410) < 10


def test_boxes_of_an_earlier_job(page: Page, work: Work, shot: Shot) -> None:
    line = {**IMAGE, "fields": EARLIER, "fields-metadata": {"class-map": {"0": "Card name", "1": "APR"}}}
    frame, server = work(
        "bounding-box-adjustment",
        "Check the boxes of last month",
        line,
        header="Correct the boxes",
        labels=FIELDS,
        previous="fields",
    )
    picture(page, frame)
    expect(frame.locator("[data-id]")).to_have_count(2)
    shot(page, "adjustment")

    answer = submit(page, server)

    assert [box["label"] for box in answer["boundingBox"]["boundingBoxes"]] == ["Card name", "APR"]
    assert answer["boundingBox"]["initialValueModified"] is False


def test_one_class_of_a_page(page: Page, work: Work, shot: Shot) -> None:
    classes = ("Card agreement", "Letter", "Form", "Other")
    frame, server = work(
        "image-classification", "Kinds of pages", IMAGE, header="What is this page?", labels=classes
    )
    picture(page, frame)
    expect(page.get_by_text("Still to do:")).to_be_visible()
    frame.get_by_text("Card agreement").first.click()
    shot(page, "classification")

    assert submit(page, server) == {"crowd-image-classifier": {"label": "Card agreement"}}


def test_segmentation(page: Page, work: Work, shot: Shot, folder: Path) -> None:
    frame, server = work(
        "semantic-segmentation", "Parts of pages", IMAGE, header="Paint tables", labels=("Table", "Heading")
    )
    drawing = picture(page, frame)
    drawing.drag(120, 250, 700, 250)
    drawing.drag(120, 280, 700, 280)
    expect(page.get_by_role("button", name="Undo")).to_be_enabled()
    shot(page, "segmentation")

    answer = submit(page, server)["crowd-semantic-segmentation"]

    with Image.open(folder / "page.png") as image:
        assert answer["inputImageProperties"] == {"width": image.width, "height": image.height}
    assert answer["labeledImage"]["pngImageData"]


def test_boxes_with_transcriptions_beside_the_document(
    page: Page, work: Work, shot: Shot, axe: Faults
) -> None:
    frame, server = work(
        "ocr-boxes", "Fields and their text", IMAGE, header="Box each field and check its text", labels=FIELDS
    )
    drawing = picture(page, frame)
    drawing.drag(70, 50, 520, 115)
    expect(page.get_by_text("Still to do:")).to_be_visible()
    shot(page, "transcriptions")
    page.get_by_role("button", name="Document").click()
    expect(page.locator("li[data-page='1'] canvas")).to_be_visible()
    shot(page, "document-beside")
    assert axe(page) == []
    page.keyboard.press("Alt+Shift+T")
    frame.get_by_role("radio", name="Correct").first.check(force=True)

    answer = submit(page, server)

    assert len(answer["boxtool"]["boundingBoxes"]) == 1
    assert [key for key in answer if key.startswith("ocr-")]


def test_text_entities(page: Page, work: Work, shot: Shot) -> None:
    text = "Acme Ltd. leases the ground floor to Bob Miller from 1 March 2024 for five years."
    frame, server = work(
        "text-entities",
        "Parties and dates",
        {"text": text},
        header="Mark parties and dates",
        labels=("Party", "Date"),
    )
    frame.get_by_role("textbox").first.focus()
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("1")
    frame.locator("mark").first.wait_for()
    frame.get_by_text("Yes", exact=True).click()
    shot(page, "text-entities")

    answer = submit(page, server)

    assert answer["crowd-entity-annotation"]["entities"][0]["label"] == "Party"
    assert answer["quality-yes"] == {"yes": True}


def test_the_keys_of_the_elements_are_in_the_overlay(page: Page, work: Work, shot: Shot) -> None:
    frame, _ = work(
        "bounding-box", "Fields of card agreements", IMAGE, header="Box each field", labels=FIELDS
    )
    picture(page, frame)
    frame.locator(".stage").focus()
    page.keyboard.press("?")

    overlay = page.get_by_role("dialog", name="Keys and help")
    expect(overlay).to_contain_text("In this task")
    expect(overlay).to_contain_text("the label of what you mark next")
    expect(overlay.get_by_text("Ctrl+Z", exact=False)).to_have_count(1)
    shot(page, "keys")


def test_jobs_and_their_details(
    page: Page, context: BrowserContext, served: tuple[StubServer, str], shot: Shot
) -> None:
    server, origin = served
    server.reset()
    first = server.add(StubJob("card-fields-2026-11", ["field"] * 40, title="Fields of card agreements"))
    for each in first.objects[:17]:
        each.update(answers=1, state="LABELED")
    first.objects[1].update(adjudicate=["agreement 0.40 on 'APR' is below 0.60"])
    first.objects[2].update(state="FAILED", answers=0, error="the page's image is not there: s3://…/p3.png")
    server.add(StubJob("parties", ["field"] * 5, title="Parties and dates", description="Mark them."))
    failure = "line 12 of the manifest is no JSON"
    server.add(StubJob("letters", [], title="Kinds of letters", status="Failed", failure=failure))
    server.sessions.add("both")
    context.add_cookies([{"name": "recto_session", "value": "both", "url": f"{origin}/api"}])

    page.goto(origin)
    expect(page.get_by_role("listitem")).to_have_count(3)
    shot(page, "jobs")
    page.get_by_role("link", name="Details of Fields").click()
    expect(page.get_by_text("To decide: agreement 0.40")).to_be_visible()
    shot(page, "job")
