"""A task's frame for tests: a page around that records what the frame says, and the task's objects.

The frame is served as the workbench serves it (`recto_workbench.framing`): same sandbox, same policy, same
nonce. Objects lie on another origin with CORS, as in S3.
"""

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw
from playwright.sync_api import FrameLocator, Page
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from recto_cli.labelling.templates import For, TemplateText, filled
from recto_workbench.framing import Frame, frame_policy, framed
from recto_workbench.rendering import render

TEMPLATES = Path(__file__).parents[2] / "workbench" / "templates"
NONCE = "n0nce"
AWS_SCRIPT = '<script src="https://assets.crowd.aws/crowd-html-elements.js"></script>'
WIDTH, HEIGHT = 600, 400

HOST = """<!doctype html><title>host</title>
<style>html,body{margin:0;height:100%} iframe{border:0;width:100%;height:100%}</style>
<iframe id="frame" title="task" sandbox="allow-scripts allow-forms" src="/frame"></iframe>
<script>
window.said = [];
window.send = (message) => document.getElementById("frame").contentWindow.postMessage(
  {recto: 1, nonce: "NONCE", ...message}, "*");
addEventListener("message", (event) => {
  if (event.source !== document.getElementById("frame").contentWindow) return;
  if (event.origin !== "null" || event.data.recto !== 1 || event.data.nonce !== "NONCE") return;
  said.push(event.data);
  if (event.data.type === "ready") send({type: "init", draft: DRAFT});
});
</script>"""


def drawn_page() -> bytes:
    """A small page with two printed words, as a PNG."""
    image = Image.new("RGB", (WIDTH, HEIGHT), "white")
    draw = ImageDraw.Draw(image)
    draw.text((100, 100), "TOTAL 12.50", fill="black")
    draw.rectangle((300, 200, 400, 300), outline="black")
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def textract(*words: tuple[str, int, int, int, int], page: int = 1) -> dict[str, Any]:
    """Textract's JSON of words given in pixels: text, left, top, width, height."""
    blocks: list[dict[str, Any]] = [{"BlockType": "PAGE", "Id": "page", "Page": page}]
    for at, (text, left, top, width, height) in enumerate(words):
        box = {"Left": left / WIDTH, "Top": top / HEIGHT, "Width": width / WIDTH, "Height": height / HEIGHT}
        blocks.append(
            {
                "BlockType": "WORD",
                "Id": f"w{at}",
                "Page": page,
                "Text": text,
                "Geometry": {"BoundingBox": box},
            }
        )
    return {"DocumentMetadata": {"Pages": 1}, "Blocks": blocks}


@dataclass
class Harness:
    """What the two origins serve; tests fill it, then open the page."""

    static: Path
    html: str = ""
    draft: Mapping[str, Any] | None = None
    about: Mapping[str, Any] = field(default_factory=dict)
    """Of `recto_workbench.framing.Frame`: `description`, `preview`."""
    files: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    origin: str = ""
    objects: str = ""

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/", self._host),
                Route("/frame", self._frame),
                Route("/plain", self._plain),
                Mount("/frame-assets", StaticFiles(directory=self.static / "frame-assets")),
            ]
        )

    def store(self) -> Starlette:
        return Starlette(routes=[Route("/{name:path}", self._file)])

    async def _host(self, _: Request) -> Response:
        return HTMLResponse(HOST.replace("NONCE", NONCE).replace("DRAFT", json.dumps(self.draft)))

    async def _frame(self, _: Request) -> Response:
        frame = Frame(origin=self.origin, nonce=NONCE, object_origins=(self.objects,), **self.about)
        policy = {"Content-Security-Policy": frame_policy(frame)}
        return HTMLResponse(framed(self.html, frame), headers=policy)

    async def _plain(self, _: Request) -> Response:
        """The page as it is: no workbench around, no AWS script."""
        return HTMLResponse(self.html)

    async def _file(self, request: Request) -> Response:
        found = self.files.get(request.path_params["name"])
        cors = {"Access-Control-Allow-Origin": "*"}
        if found is None:
            return Response("not found", status_code=404, headers=cors)
        return Response(found[0], media_type=found[1], headers=cors)

    def url(self, name: str) -> str:
        return f"{self.objects}/{name}"

    def put(self, name: str, content: bytes | dict[str, Any], kind: str = "image/png") -> str:
        if isinstance(content, dict):
            content, kind = json.dumps(content).encode(), "application/json"
        self.files[name] = (content, kind)
        return self.url(name)

    def elements(self, html: str, draft: Mapping[str, Any] | None = None) -> None:
        """A template written by hand."""
        self.html, self.draft = AWS_SCRIPT + html, draft

    def template(self, name: str, task_input: Mapping[str, Any], **text: Any) -> None:
        """One of ours, filled as `recto label template` fills it and rendered as the server renders it."""
        self.html = rendered(name, task_input, self.url, For.WORKBENCH, **text)
        self.draft = None


def rendered(
    name: str, task_input: Mapping[str, Any], link: Callable[[str], str], use: For, **text: Any
) -> str:
    source = (TEMPLATES / f"{name}.liquid.html").read_text(encoding="utf-8")
    values = {
        "title": "Task",
        "header": "Look here",
        "instructions": "Be careful.",
        "labels": ("A", "B"),
        **text,
    }
    made = filled(source, TemplateText.model_validate(values), use)
    result = render(made, task_input, lambda uri: link(uri.rsplit("/", 1)[-1]))
    assert not result.errors, result.errors
    return result.html


@dataclass
class Opened:
    """The opened frame, and what it has said."""

    page: Page
    origin: str

    @property
    def frame(self) -> FrameLocator:
        return self.page.frame_locator("#frame")

    def open(self) -> "Opened":
        self.page.goto(self.origin + "/")
        self.wait("ready")
        return self

    def said(self, kind: str) -> list[dict[str, Any]]:
        return self.page.evaluate("kind => said.filter(m => m.type === kind)", kind)

    def wait(self, kind: str, count: int = 1) -> dict[str, Any]:
        self.page.wait_for_function(
            "([kind, count]) => said.filter(m => m.type === kind).length >= count", arg=[kind, count]
        )
        return self.said(kind)[-1]

    def send(self, message: Mapping[str, Any]) -> None:
        self.page.evaluate("message => send(message)", dict(message))

    def submit(self) -> dict[str, Any]:
        """Asks for the answer; fails where the frame says that something is missing."""
        self.send({"type": "request-submit"})
        return self.wait("submit")["answer"]

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def picture(self) -> "Picture":
        stage = self.frame.locator(".stage")
        stage.locator(".loading").wait_for(state="hidden")
        stage.focus()
        return Picture(self.page, stage)


class Picture:
    """Points of the picture, wherever zoom and window put them."""

    def __init__(self, page: Page, stage: Any) -> None:
        self.page = page
        self.stage = stage

    def at(self, x: float, y: float) -> tuple[float, float]:
        box = self.stage.locator("img").first.bounding_box()
        size = self.stage.locator("img").first.evaluate("i => [i.naturalWidth, i.naturalHeight]")
        return box["x"] + x * box["width"] / size[0], box["y"] + y * box["height"] / size[1]

    def at_rest(self) -> None:
        """Wait until the picture lies still: what has just been shown or answered may still move it."""
        before, still = None, 0
        while still < 4:
            now = self.stage.locator("img").first.bounding_box()
            still = still + 1 if now and now == before else 0
            before = now
            self.page.wait_for_timeout(50)

    def drag(self, x0: float, y0: float, x1: float, y1: float) -> None:
        self.at_rest()
        self.page.mouse.move(*self.at(x0, y0))
        self.page.mouse.down()
        self.page.mouse.move(*self.at((x0 + x1) / 2, (y0 + y1) / 2))
        self.page.mouse.move(*self.at(x1, y1))
        self.page.mouse.up()

    def click(self, x: float, y: float) -> None:
        self.at_rest()
        self.page.mouse.click(*self.at(x, y))
