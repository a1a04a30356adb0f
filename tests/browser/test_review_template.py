"""The review page for Amazon A2I: one file, filled in as A2I does, used in a browser, its answer read back.

AWS's own elements cannot be fetched here: where they are meant, a stand-in of a few lines does what their
documentation says of a form (it sends the named inputs when a submitting button is pressed).
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import FrameLocator, Page, expect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from recto.review import ReviewAnswer, parse_human_answers, rejection_of
from recto_local.processes import wait_until
from recto_workbench.framing import Frame, frame_policy, framed
from recto_workbench.loops import LoopPlaces
from recto_workbench.rendering import render
from tests.browser import review_stub
from tests.browser.conftest import Serve
from tests.browser.frame_harness import AWS_SCRIPT, HOST, NONCE, TEMPLATES
from tests.browser.stub_server import StubServer
from tests.workbench_fakes import WORK

TEMPLATE = TEMPLATES / "review.liquid.html"
PLACEHOLDER = "[[recto:pdf-viewer]]"
PDF_VIEWER = "s3://tools/review-pdf.js"

pytestmark = [
    pytest.mark.skipif(not review_stub.DATA.exists(), reason="real documents lie in ../shared/data"),
    pytest.mark.skipif(not TEMPLATE.exists(), reason=f"{TEMPLATE.name} is made by `make web`"),
]

CROWD = """
customElements.define("crowd-button", class extends HTMLElement {
  connectedCallback() { this.addEventListener("click", () => this.closest("crowd-form").send()); }
});
customElements.define("crowd-form", class extends HTMLElement {
  send() {
    if (!this.dispatchEvent(new Event("submit", {bubbles: true, cancelable: true}))) return;
    const answer = {};
    for (const input of this.querySelectorAll("input[name]")) answer[input.name] = input.value;
    fetch("/submitted", {method: "POST", body: JSON.stringify(answer)});
  }
});
"""


class Portal:
    """What stands for A2I: the rendered page, in a frame with a sandbox, and what it sends."""

    def __init__(self, static: Path) -> None:
        self.page, self.policy = "", ""
        self.submitted: list[dict[str, Any]] = []
        self.app = Starlette(
            routes=[
                Route("/", self._host),
                Route("/frame", self._frame),
                Route("/submitted", self._submitted, methods=["POST"]),
                Mount("/frame-assets", StaticFiles(directory=static / "frame-assets")),
            ]
        )

    async def _host(self, _: Request) -> Response:
        return HTMLResponse(HOST.replace("NONCE", NONCE).replace("DRAFT", "null"))

    async def _frame(self, _: Request) -> Response:
        headers = {"Content-Security-Policy": self.policy} if self.policy else {}
        return HTMLResponse(self.page, headers=headers)

    async def _submitted(self, request: Request) -> Response:
        self.submitted.append(json.loads(await request.body()))
        return JSONResponse({}, headers={"Access-Control-Allow-Origin": "*"})


@pytest.fixture(scope="module")
def served(web_static: Path, serve: Serve) -> tuple[StubServer, str, Portal, str]:
    made: list[StubServer] = []
    store = serve(review_stub.object_app(lambda: made[0].review))
    made.append(StubServer(web_static, store))
    portal = Portal(web_static)
    return made[0], store, portal, serve(portal.app)


class Case:
    """One task in the portal."""

    def __init__(self, page: Page, served: tuple[StubServer, str, Portal, str], static: Path) -> None:
        self.browser_page = page
        self.server, self.store, self.portal, self.origin = served
        self.server.reset()
        self.portal.submitted.clear()
        self.viewer = (static / "frame-assets" / "review-pdf.js").read_bytes()

    def task_of(self, example: review_stub.Example) -> dict[str, Any]:
        self.server.review.add(example)
        return dict(json.loads(self.server.review.objects.read(LoopPlaces(WORK, example.name).input)))

    def render(self, task: Mapping[str, Any], viewer: str = PDF_VIEWER) -> str:
        """As A2I fills it in."""
        self.server.review.objects.bodies[PDF_VIEWER] = self.viewer
        link = f"{{{{ '{viewer}' | grant_read_access }}}}" if viewer else ""
        template = TEMPLATE.read_text(encoding="utf-8").replace(PLACEHOLDER, link)
        rendered = render(template, task, lambda uri: uri.replace("s3:/", self.store))
        assert rendered.errors == []
        return rendered.html

    def open(self, task: Mapping[str, Any], viewer: str = PDF_VIEWER) -> FrameLocator:
        """With AWS's elements, of which a stand-in is here."""
        html = self.render(task, viewer)
        assert AWS_SCRIPT in html
        self.portal.page = html.replace(AWS_SCRIPT, f"<script>{CROWD}</script>")
        self.portal.policy = ""
        return self._shown()

    def open_in_workbench(self, task: Mapping[str, Any]) -> FrameLocator:
        """With our elements, under the policy of the workbench's frames."""
        frame = Frame(origin=self.origin, nonce=NONCE, object_origins=(self.store,))
        self.portal.page, self.portal.policy = framed(self.render(task), frame), frame_policy(frame)
        return self._shown()

    def _shown(self) -> FrameLocator:
        self.browser_page.goto(self.origin)
        shown = self.browser_page.frame_locator("#frame")
        expect(shown.locator("[data-value]").first).to_be_visible()
        at_hand = "() => document.activeElement.matches('[data-value]')"
        assert wait_until(lambda: bool(shown.locator("body").evaluate(at_hand)), 20), "no value is at hand"
        # The browser may give the focus to the page around just then: as one who clicks into the frame.
        self.browser_page.locator("#frame").focus()
        expect(shown.locator("[data-value]:focus")).to_be_visible()
        return shown

    def answer(self) -> dict[str, Any]:
        for _ in range(100):
            if self.portal.submitted:
                break
            self.browser_page.wait_for_timeout(100)
        assert len(self.portal.submitted) == 1, self.portal.submitted
        return self.portal.submitted[0]


@pytest.fixture
def case(page: Page, served: tuple[StubServer, str, Portal, str], web_static: Path) -> Case:
    return Case(page, served, web_static)


def shapes_of(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The same answer in the shapes that are or were in use: flat, under `store`, as `{"checked": …}`."""
    checked = {
        key: {"checked": value == "true"} if key.startswith("field-present-") else value
        for key, value in answer.items()
    }
    return [dict(answer), {"store": dict(answer)}, {"store": json.dumps(answer)}, checked]


def read(answer: Mapping[str, Any], example: review_stub.Example) -> ReviewAnswer:
    """The answer as the pipeline reads it, the same in each shape."""
    read = [
        parse_human_answers([{"workerId": "w", "answerContent": each}], example.fields)[0]
        for each in shapes_of(answer)
    ]
    assert all(each == read[0] for each in read)
    return read[0]


def test_a_contract_is_corrected_and_its_answer_is_read_in_every_shape(case: Case, page: Page) -> None:
    example = review_stub.contract()
    shown = case.open(case.task_of(example))
    expect(shown.locator(".viewer canvas").first).to_be_visible()  # PDF.js, from the bucket
    expect(shown.locator("[data-mark]").first).to_be_visible()

    page.keyboard.type("April 19, 2001")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    page.keyboard.press("Alt+x")
    page.keyboard.press("Enter")
    page.keyboard.press("Control+Enter")
    expect(shown.locator(".fault", has_text="term is required")).to_be_visible()
    page.keyboard.press("Alt+a")
    page.keyboard.press("Control+Enter")

    said = read(case.answer(), example).fields
    assert said["effective_date"].values == ("April 19, 2001",)
    assert said["party"].values == ("Eric Dean Sprunk",)
    assert said["term"].is_absent
    assert "jurisdiction" not in said  # nobody looked


def test_words_of_the_page_fill_a_value(case: Case, page: Page) -> None:
    shown = case.open(case.task_of(review_stub.receipt()))
    mark = shown.locator("[data-mark]").first
    expect(mark).to_be_visible()

    mark.dblclick()
    expect(shown.get_by_role("textbox", name="Date", exact=True)).to_have_value("18-11-18")


def test_the_reference_s_tasks_work_too(case: Case, page: Page) -> None:
    """TaskObject, TaskToken and ModelResult, and nothing else."""
    example = review_stub.contract()
    whole = case.task_of(example)
    result = {"Confidence": 0.5, "Fields": whole["ModelResult"]["Fields"]}
    for field in result["Fields"].values():
        field.pop("ReviewReasons", None)
    task = {"TaskObject": whole["TaskObject"], "TaskToken": "opens-nothing", "ModelResult": result}
    shown = case.open(task)
    expect(shown.locator(".viewer canvas").first).to_be_visible()

    page.keyboard.type("none")
    page.keyboard.press("Control+Enter")
    assert read(case.answer(), example).fields["term"].values == ("none",)


def test_a_result_by_reference_and_images_without_pdf_js(case: Case, page: Page) -> None:
    example = review_stub.fax()
    task = case.task_of(example)
    place = "s3://work/large/result.json"
    case.server.review.objects.bodies[place] = json.dumps(task["ModelResult"]).encode()
    shown = case.open({**task, "ModelResult": {"S3Uri": place}}, viewer="")

    expect(shown.locator(".viewer img").first).to_be_visible()
    page.keyboard.press("Alt+j")
    page.keyboard.type('not a "contract" </script>')
    page.keyboard.press("Control+Enter")
    why = rejection_of([{"workerId": "w", "answerContent": case.answer()}])
    assert why == 'turned down by w: not a "contract" </script>'


def test_names_and_texts_are_text_whatever_is_in_them(case: Case, page: Page) -> None:
    name = "a\"b'c <img src=x onerror=alert(1)> {{ task }} __proto__ -0-"
    field = {"ClassId": 0, "Confidence": 0.1, "SortOrder": 0, "Value": "</script><b>{{ 1 }}{% if %}"}
    task = {
        "TaskObject": "s3://inbox/none.png",
        "ModelResult": {"Confidence": 0.1, "Fields": {name: field, "__proto__": {**field, "Values": []}}},
    }
    shown = case.open(task, viewer="")
    expect(shown.get_by_role("textbox", name=name, exact=True)).to_have_value(field["Value"])
    expect(shown.locator("img[onerror]")).to_have_count(0)

    page.keyboard.press("Enter")
    page.keyboard.type("typed")
    page.keyboard.press("Control+Enter")
    assert case.answer() == {
        f"field-present-{name}": "true",
        f"field-value-{name}": field["Value"],
        "field-present-__proto__": "true",
        "field-multival-0-__proto__": "typed",
    }


def test_in_the_workbench_s_own_frame_its_submit_is_asked_first(case: Case, page: Page) -> None:
    example = review_stub.contract()
    shown = case.open_in_workbench(case.task_of(example))
    expect(shown.locator(".viewer canvas").first).to_be_visible()  # though its policy allows no worker

    page.evaluate("send({type: 'request-submit'})")
    expect(shown.get_by_text("Not looked at yet.").first).to_be_visible()
    for _ in range(3):
        page.keyboard.press("Enter")
    page.keyboard.press("Alt+a")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    page.evaluate("send({type: 'request-submit'})")
    page.wait_for_function("said.some((each) => each.type === 'submit')")
    answer = page.evaluate("said.find((each) => each.type === 'submit').answer")
    assert read(answer, example).fields["effective_date"].values == ("April 18, 2001",)
