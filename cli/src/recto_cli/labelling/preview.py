"""A task's page with a real record, as workers would see it: served on this machine, or as one file.

Rendered and framed by the workbench's own modules, in the same sandbox and under the same policy. Objects go
through this server, so that a preview needs no CORS on any bucket; it hands out only what the template asked
for. Answers are shown and forgotten.
"""

import base64
import json
import mimetypes
import re
import secrets
import socket
from collections.abc import Callable, Mapping
from html import escape
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from recto.errors import LabelRequestError, RectoError
from recto.places import Location
from recto.ports import ObjectStore
from recto_cli.labelling.manifest_facts import is_s3, s3_location
from recto_cli.labelling.tasks import SOURCE, TEXT, TEXT_FILE
from recto_workbench import __file__ as workbench_package
from recto_workbench.framing import ELEMENTS_PATH, Frame, frame_policy, framed
from recto_workbench.grants import named_objects
from recto_workbench.rendering import Rendered, render

HOST = "127.0.0.1"
ELEMENTS = Path(workbench_package).parent / "static" / "frame-assets" / "elements.js"
LARGEST_TEXT = 1024 * 1024
LARGEST_IN_A_FILE = 32 * 1024 * 1024
SANDBOX = "allow-scripts allow-forms"
ENTITIES = "<crowd-entity-annotation"
TEXT_ASKED = re.compile(r"task\.input\.text\b")


def require_text(template: str, given: Mapping[str, Any], name: str) -> None:
    """LabelRequestError where a template for texts would show an empty page, since the record has no text."""
    if ENTITIES not in template or not TEXT_ASKED.search(template) or str(given.get("text") or "").strip():
        return
    line = given["manifestLine"]
    if line.get(TEXT_FILE) or line.get(TEXT):
        raise LabelRequestError(f"{name}: the record's text has no words, nobody would be asked about it")
    raise LabelRequestError(
        f"{name}: the template is for texts, the record has none: expected the key {TEXT_FILE} or {TEXT}, "
        f"seen {', '.join(map(str, line)) or 'no key'}; recto label text-files makes texts of a page manifest"
    )


def task_input(line: Mapping[str, Any], read: Callable[[str], bytes]) -> dict[str, Any]:
    """What a template finds in `task.input`: as AWS's pre-labelling functions and Recto's give it."""
    content = dict(line)
    text = text_of(content, read)
    task_object = content.get(SOURCE) or content.get(TEXT) or ""
    return {
        **content,
        "taskObject": task_object,
        "manifestLine": content,
        **({"text": text} if text is not None else {}),
    }


def text_of(content: Mapping[str, Any], read: Callable[[str], bytes]) -> str | None:
    """The text that a line is about, where it is about one."""
    if isinstance(content.get(TEXT_FILE), str):
        body = read(str(content[TEXT_FILE]))
        if len(body) > LARGEST_TEXT:
            raise LabelRequestError(f"{content[TEXT_FILE]}: {len(body):,} bytes, at most {LARGEST_TEXT:,}")
        return body.decode("utf-8-sig", errors="replace")
    source = content.get(TEXT)
    return source if isinstance(source, str) and not is_s3(source) else None


def rendered(template: str, given: Mapping[str, Any], grant: Callable[[str], str]) -> str:
    """The filled-in template; LabelRequestError tells line and column of what is wrong with it."""
    result: Rendered = render(template, given, grant)
    if result.errors:
        told = "; ".join(f"{one['Code']}: {one['Message']}" for one in result.errors)
        raise LabelRequestError(f"the template: {told}")
    return result.html


class Preview:
    """One task on a small server."""

    def __init__(self, template: str, line: Mapping[str, Any], objects: ObjectStore, title: str) -> None:
        self.nonce = secrets.token_urlsafe(16)
        self.answers: list[dict[str, Any]] = []
        self.port = 0
        self._template, self._line, self._title = template, dict(line), title
        self._objects = objects
        self._granted: dict[str, str] = {}

    @property
    def origin(self) -> str:
        return f"http://{HOST}:{self.port}"

    def html(self) -> str:
        """The rendered template, once."""
        return rendered(self._template, task_input(self._line, self._read), self._grant)

    def _read(self, uri: str) -> bytes:
        return self._objects.read(s3_location(uri, "object"))

    def _grant(self, uri: str) -> str:
        _require_named(uri, self._line)
        token = next((one for one, known in self._granted.items() if known == uri), "")
        token = token or secrets.token_urlsafe(16)
        self._granted[token] = uri
        return f"{self.origin}/objects/{token}"

    @property
    def frame(self) -> Frame:
        return Frame(
            origin=self.origin,
            nonce=self.nonce,
            title=self._title,
            object_origins=(self.origin,),
            preview=True,
        )

    def app(self, on_answer: Callable[[dict[str, Any]], None]) -> Starlette:
        """The server's pages: the page around, the frame, the elements, the objects, where answers go."""

        def page(_: Request) -> Response:
            around = around_page(self._title, self.nonce, 'src="/frame"', posts_answers=True)
            policy = (
                "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
                "connect-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'"
            )
            return HTMLResponse(around, headers={"Content-Security-Policy": policy})

        def frame(_: Request) -> Response:
            headers = {"Content-Security-Policy": frame_policy(self.frame), "Referrer-Policy": "no-referrer"}
            return HTMLResponse(framed(self.html(), self.frame), headers=headers)

        def script(_: Request) -> Response:
            return Response(elements(), media_type="text/javascript", headers=ANY_ORIGIN)

        def handed_out(request: Request) -> Response:
            uri = self._granted.get(request.path_params["token"])
            if uri is None:
                return Response("no such object", status_code=404)
            try:
                body = self._read(uri)
            except RectoError as error:
                return Response(str(error), status_code=404, headers=ANY_ORIGIN)
            return Response(body, media_type=media_type(uri), headers=ANY_ORIGIN)

        async def answer(request: Request) -> Response:
            told = await request.json()
            if request.headers.get("origin") != self.origin or told.get("nonce") != self.nonce:
                return JSONResponse({"error": "NonceError"}, status_code=409)
            self.answers.append(told["answer"])
            on_answer(told["answer"])
            return JSONResponse({"state": "SHOWN"})

        routes = [
            Route("/", page),
            Route("/frame", frame),
            Route(ELEMENTS_PATH, script),
            Route("/objects/{token}", handed_out),
            Route("/answer", answer, methods=["POST"]),
        ]
        guard = Middleware(TrustedHostMiddleware, allowed_hosts=[HOST])
        return Starlette(routes=routes, middleware=[guard])


ANY_ORIGIN = {"Access-Control-Allow-Origin": "*", "Cache-Control": "no-store"}
"""The frame's origin is nobody's; names of objects are random."""


def _require_named(uri: str, line: Mapping[str, Any]) -> None:
    if uri not in named_objects(dict(line)):
        raise ValueError(f"{uri} is not an object that the record names")


def elements() -> str:
    """The drop-in crowd elements; LabelRequestError where they have not been built."""
    try:
        return ELEMENTS.read_text(encoding="utf-8")
    except OSError as error:
        raise LabelRequestError(f"{ELEMENTS}: {error.strerror}; it is made by: make web") from error


def media_type(uri: str) -> str:
    return mimetypes.guess_type(uri)[0] or "application/octet-stream"


def serve(
    preview: Preview, on_ready: Callable[[str], None], on_answer: Callable[[dict[str, Any]], bool]
) -> None:
    """Serve until interrupted, or until `on_answer` says that it was the last one."""
    with socket.socket() as listening:
        listening.bind((HOST, 0))
        listening.listen()  # a browser that is quicker than the server waits, instead of being refused
        preview.port = listening.getsockname()[1]
        elements()
        preview.html()  # a template that cannot be rendered is told before a browser opens

        def taken(answer: dict[str, Any]) -> None:
            server.should_exit = on_answer(answer)

        config = uvicorn.Config(preview.app(taken), log_level="error")
        server = uvicorn.Server(config)
        on_ready(f"{preview.origin}/")
        server.run(sockets=[listening])


# --- one file -----------------------------------------------------------------------------------------


def as_file(template: str, line: Mapping[str, Any], objects: ObjectStore, title: str) -> str:
    """The same page as one file: objects and elements inside, to be opened without any server."""

    def read(uri: str) -> bytes:
        return objects.read(Location.from_uri(uri))

    def grant(uri: str) -> str:
        _require_named(uri, line)
        body = read(uri)
        if len(body) > LARGEST_IN_A_FILE:
            raise ValueError(f"{uri} has {len(body):,} bytes, a file takes {LARGEST_IN_A_FILE:,}")
        return f"data:{media_type(uri)};base64,{base64.b64encode(body).decode()}"

    html = rendered(template, task_input(line, read), grant)
    nonce = secrets.token_urlsafe(16)
    page = framed(html, Frame(origin="", nonce=nonce, title=title, preview=True))
    script = elements().replace("</script", "<\\/script")
    page = _with_script(page, script)
    return around_page(title, nonce, f'srcdoc="{escape(page)}"', posts_answers=False)


def _with_script(page: str, script: str) -> str:
    """The elements' script inside the page, where it names it."""
    before, mark, after = page.partition(f'"{ELEMENTS_PATH}"')
    if not mark:
        return page
    head, _, _ = before.rpartition("<script")
    _, _, rest = after.partition("</script>")
    return f"{head}<script>{script}</script>{rest}"


def around_page(title: str, nonce: str, frame: str, *, posts_answers: bool) -> str:
    """The page around the frame: it takes messages of this frame with this nonce only, and shows answers."""
    told = json.dumps({"nonce": nonce, "posts": posts_answers}).replace("<", "\\u003c")
    return PAGE.replace("@TITLE@", escape(title)).replace("@FRAME@", frame, 1).replace("@TOLD@", told)


PAGE = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Preview: @TITLE@</title>
<style>
html, body {{ height: 100%; margin: 0; font: 15px/1.4 system-ui, sans-serif; }}
body {{ display: grid; grid-template-rows: auto 1fr auto; }}
header {{ display: flex; gap: 1rem; align-items: center; padding: .4rem .8rem; }}
header {{ background: #1d2733; color: #fff; }}
header h1 {{ font-size: 1rem; margin: 0; flex: 1; }}
button {{ font: inherit; padding: .3rem .9rem; }}
iframe {{ border: 0; width: 100%; height: 100%; }}
#told {{ margin: 0; max-height: 40vh; overflow: auto; padding: .5rem .8rem; }}
#told {{ background: #f3f4f6; white-space: pre-wrap; }}
</style></head><body>
<header><h1>Preview: @TITLE@</h1><span id="state" role="status"></span>
<button id="submit" type="button">Submit</button></header>
<iframe id="task" title="Task" sandbox="{SANDBOX}" @FRAME@></iframe>
<pre id="told" aria-live="polite" hidden></pre>
<script>
const told = @TOLD@;
const frame = document.getElementById("task");
const out = document.getElementById("told");
const state = document.getElementById("state");
const send = (message) => frame.contentWindow.postMessage({{ recto: 1, nonce: told.nonce, ...message }}, "*");
const show = (text) => {{ out.hidden = false; out.textContent = text; }};
document.getElementById("submit").addEventListener("click", () => send({{ type: "request-submit" }}));
addEventListener("message", async (event) => {{
  const message = event.data;
  if (event.source !== frame.contentWindow || event.origin !== "null") return;
  if (!message || message.recto !== 1 || message.nonce !== told.nonce) return;
  if (message.type === "ready") send({{ type: "init", draft: null }});
  if (message.type === "state") state.textContent = message.complete ? "complete" : message.missing || "";
  if (message.type === "error") show("a script threw: " + message.message);
  if (message.type === "submit") {{
    show(JSON.stringify(message.answer, null, 2));
    if (told.posts) {{
      await fetch("/answer", {{
        method: "POST",
        headers: {{ "content-type": "application/json" }},
        body: JSON.stringify({{ nonce: told.nonce, answer: message.answer }}),
      }});
    }}
  }}
}});
</script></body></html>
"""
