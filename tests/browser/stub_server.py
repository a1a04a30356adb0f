"""The workbench's HTTP API (docs/workbench.md) in memory: for the tests of the pages, and for nothing else.

It answers as the real server must, with faults on demand, and serves the built pages under the real
server's Content-Security-Policy. Its frames are small pages that speak the frame's
protocol; some of them are hostile. `store_app` stands for S3: another origin, with CORS and ranges.

Reviews and documents (`server.review`, see `tests.browser.review_stub`) are the real API over rows in memory;
`python -m tests.browser.review_stub` starts it all by hand, with examples.
"""

import json
import time
import urllib.parse
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from recto_workbench.framing import Frame, frame_policy, framed
from recto_workbench.web.headers import page_policy
from tests.browser.review_stub import ReviewStub

OBJECTS_A_PAGE = 3
REVIEW_PATHS = (
    "/api/reviews", "/api/reviews/{rest:path}", "/api/documents", "/api/documents/{rest:path}",
    "/frames/review.{rest}",
)  # fmt: skip
FRAME_POLICY = "sandbox allow-scripts allow-forms; default-src 'none'; script-src 'unsafe-inline'"
NOT_OPEN = {"SUBMITTED", "SKIPPED", "RETURNED", "EXPIRED"}

# A frame that does what the drop-in elements do: one text field with undo, redo, drafts and what is missing.
TALK = """
const nonce = NONCE;
const tell = (message) => parent.postMessage({recto: 1, nonce, ...message}, "*");
"""
FIELD = (
    TALK
    + """
document.body.innerHTML = '<label>Total <input id="total"></label><p id="got"></p>';
const field = document.getElementById("total");
let past = [""], at = 0;
const state = () => tell({type: "state", complete: field.value !== "", missing: "the total",
  canUndo: at > 0, canRedo: at < past.length - 1});
const show = (value) => { field.value = value; state(); tell({type: "draft", answer: {total: value}}); };
field.addEventListener("input", () => {
  past = [...past.slice(0, at + 1), field.value]; at += 1; state();
  tell({type: "draft", answer: {total: field.value}});
});
addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.ctrlKey) tell({type: "key", key: "Ctrl+Enter"});
  if (event.key === "Escape") tell({type: "key", key: "Escape"});
});
addEventListener("message", (event) => {
  if (event.source !== parent || event.data.nonce !== nonce) return;
  const {type, draft} = event.data;
  if (type === "init" && draft) { field.value = draft.total; past = [draft.total]; at = 0; state(); }
  if (type === "undo" && at > 0) show(past[--at]);
  if (type === "redo" && at < past.length - 1) show(past[++at]);
  if (type === "request-submit") field.value ? tell({type: "submit", answer: ANSWER}) : state();
  if (type === "submitted") document.getElementById("got").textContent = "submitted";
});
addEventListener("DOMContentLoaded", state);
tell({type: "ready", keys: [{key: "B", does: "draw a box"}]});
state();
"""
)
FRAMES = {
    "field": FIELD.replace("ANSWER", "{total: field.value}"),
    "image": FIELD.replace("ANSWER", '{labeledImage: {pngImageData: "iVBO".repeat(20000)}}'),
    "slow": FIELD.replace("ANSWER", "{total: field.value}")
    .replace("\nstate();\n", "\nsetTimeout(state, 1500);\n")
    .replace('addEventListener("DOMContentLoaded", state);', ""),
    "throws": TALK + 'tell({type: "error", message: "<b>boom</b> is not a function"});',
    "silent": "document.body.textContent = 'nothing is said here';",
    "twice": TALK
    + """
tell({type: "ready"});
addEventListener("message", ({data}) => data.type === "request-submit" && (
  tell({type: "submit", answer: {n: 1}}), tell({type: "submit", answer: {n: 2}})));
""",
    "hostile": TALK
    + """
const tried = {};
const trying = (name, act) => { try { act(); tried[name] = "done"; } catch (e) { tried[name] = e.name; } };
trying("parent", () => parent.document.body.innerHTML = "owned");
trying("cookie", () => document.cookie);
trying("storage", () => localStorage.setItem("a", "b"));
trying("top", () => { top.location.href = "/stolen"; });
trying("popup", () => { if (!open("/stolen")) throw new TypeError("blocked"); });
trying("dialog", () => alert("hostile"));
for (const forged of ["", "guessed", undefined, null])
  parent.postMessage({recto: 1, nonce: forged, type: "submit", answer: {forged: true}}, "*");
parent.postMessage({nonce, type: "submit", answer: {forged: true}}, "*");
parent.postMessage({recto: 1, nonce, type: "submit", answer: "no object"}, "*");
parent.postMessage({recto: 1, nonce, type: "error", message: 7}, "*");
fetch("/api/me", {credentials: "include"}).then((r) => tried.api = "status " + r.status)
  .catch((e) => tried.api = e.name).then(() => tell({type: "draft", answer: tried}));
tell({type: "ready", keys: "none"});
document.body.textContent = "hostile";
""",
}


@dataclass
class StubJob:
    name: str
    frames: list[str]
    """Kind of the frame of each object."""
    title: str = "Totals of receipts"
    description: str = "Type the total that the receipt shows."
    status: str = "InProgress"
    limit: int = 600
    document: dict[str, Any] | None = None
    failure: str | None = None
    objects: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.objects = [
            {"number": n, "state": "WAITING", "answers": 0, "error": None, "adjudicate": []}
            for n in range(len(self.frames))
        ]


@dataclass
class StubAssignment:
    id: str
    job: StubJob
    number: int
    worker: str
    nonce: str
    state: str = "RESERVED"
    draft: dict[str, Any] | None = None
    answer: dict[str, Any] | None = None
    reason: str = ""
    expires: float = 0


class Refused(Exception):  # noqa: N818  an answer, not a fault
    def __init__(self, status: int, name: str, message: str) -> None:
        super().__init__(message)
        self.status, self.name = status, name


class StubServer:
    """State and faults of one server; `app` is what is served."""

    def __init__(self, static: Path, store: str = "http://store.invalid") -> None:
        self.static, self.store = static, store
        self.people: dict[str, list[str]] = {
            "ana": ["annotator"],
            "olga": ["operator"],
            "both": ["annotator", "operator"],
            "rita": ["reviewer"],
            "ralf": ["reviewer"],
            "rosa": ["reviewer"],
        }
        self.sessions: set[str] = set()
        self.review = ReviewStub(self.people, self.sessions, static, store)
        self.reset()
        self.app = Starlette(routes=self.routes())

    def reset(self) -> None:
        self.signs_in = "ana"
        self.sessions.clear()
        self.review.reset()
        self.jobs: dict[str, StubJob] = {}
        self.assignments: dict[str, StubAssignment] = {}
        self.faults: list[tuple[str, int, str]] = []
        """End of a path, status and error name; each is answered once, or always while `faults_stay`."""
        self.faults_stay = False
        self.jobs_a_page = 25
        self.requests: list[str] = []
        self.uploads: list[int] = []
        self.pages: dict[str, str] = {}
        """Rendered templates by the kind of frame that shows them, with the real elements."""

    def add(self, job: StubJob) -> StubJob:
        self.jobs[job.name] = job
        return job

    def only(self, **wanted: Any) -> StubAssignment:
        """The one assignment of these properties."""
        found = [a for a in self.assignments.values() if all(getattr(a, k) == v for k, v in wanted.items())]
        assert len(found) == 1, [(a.id, a.state) for a in self.assignments.values()]
        return found[0]

    # ---- HTTP --------------------------------------------------------------------------------------

    def routes(self) -> list[Route | Mount]:
        api = [
            ("GET", "/me", self.me),
            ("POST", "/auth/sign-out", self.sign_out),
            ("GET", "/jobs", self.list_jobs),
            ("GET", "/jobs/{name}", self.job_detail),
            ("POST", "/jobs/{name}/stop", self.stop),
            ("POST", "/jobs/{name}/next", self.next),
            ("GET", "/tasks/{id}", self.task),
            ("POST", "/tasks/{id}/start", self.start),
            ("PUT", "/tasks/{id}/draft", self.save_draft),
            ("POST", "/tasks/{id}/uploads", self.upload),
            ("POST", "/tasks/{id}/submit", self.submit),
            ("POST", "/tasks/{id}/skip", self.skip),
            ("POST", "/tasks/{id}/release", self.release),
        ]
        return [
            Route("/api/auth/sign-in", self.sign_in),
            *(Route(f"/api{path}", self.answering(act), methods=[method]) for method, path, act in api),
            *(Route(path, Delegated(self)) for path in REVIEW_PATHS),
            Route("/frames/{token}", self.frame),
            Mount("/", PoliciedFiles(self.static, self.store)),
        ]

    def answering(self, act: Any) -> Any:
        async def endpoint(request: Request) -> Response:
            self.requests.append(f"{request.method} {request.url.path}")
            try:
                self.check(request)
                body = json.loads(await request.body() or b"{}")
                return JSONResponse(act(request, body))
            except Refused as refused:
                body = {"error": refused.name, "message": str(refused)}
                if refused.status == 401:
                    body["sign_in"] = "/api/auth/sign-in"
                return JSONResponse(body, refused.status)

        return endpoint

    def check(self, request: Request) -> None:
        for fault in self.faults:
            end, status, name = fault
            if request.url.path.endswith(end):
                if not self.faults_stay:
                    self.faults.remove(fault)
                raise Refused(status, name, f"the test asked for {name}")
        if request.method != "GET":
            own = str(request.base_url).rstrip("/")
            if request.headers.get("x-recto") != "1" or request.headers.get("origin") != own:
                raise Refused(403, "NotAllowedError", "a change needs X-Recto and an Origin of our own")

    def worker(self, request: Request) -> str:
        name = request.cookies.get("recto_session", "")
        if name not in self.sessions:
            raise Refused(401, "NotSignedInError", "nobody is signed in")
        return name

    def sign_in(self, request: Request) -> Response:
        self.sessions.add(self.signs_in)
        answer = RedirectResponse(request.query_params["next"], 302)
        answer.set_cookie("recto_session", self.signs_in, path="/api", httponly=True, samesite="lax")
        return answer

    def sign_out(self, request: Request, _: Any) -> Any:
        self.sessions.discard(self.worker(request))
        return {"location": "/"}

    def me(self, request: Request, _: Any) -> Any:
        name = self.worker(request)
        return {"name": f"{name}@example.com", "worker_id": f"worker-{name}", "roles": self.people[name]}

    # ---- jobs --------------------------------------------------------------------------------------

    def list_jobs(self, request: Request, _: Any) -> Any:
        worker = self.worker(request)
        first = int(request.query_params.get("next_token", "0"))
        last = first + self.jobs_a_page
        token = str(last) if last < len(self.jobs) else None
        shown = [self.shown(job, worker) for job in list(self.jobs.values())[first:last]]
        return {"jobs": shown, "next_token": token}

    def shown(self, job: StubJob, worker: str) -> dict[str, Any]:
        mine = [a for a in self.assignments.values() if a.job is job and a.worker == worker]
        done = sum(a.state == "SUBMITTED" for a in mine)
        labelled = sum(o["answers"] > 0 for o in job.objects)
        failed = sum(o["error"] is not None for o in job.objects)
        return {
            "name": job.name,
            "title": job.title,
            "description": job.description,
            "status": job.status,
            "task_type": "boxes",
            "workers_per_object": 1,
            "time_limit_seconds": job.limit,
            "created": "2026-11-20T08:00:00Z",
            "counters": {
                "total": len(job.objects),
                "human_labeled": labelled,
                "machine_labeled": 0,
                "failed": failed,
                "unlabeled": len(job.objects) - labelled - failed,
            },
            "open_for_me": len(self.open_to(job, worker)),
            "done_by_me": done,
            "failure": job.failure,
        }

    def open_to(self, job: StubJob, worker: str) -> list[int]:
        taken = {
            a.number
            for a in self.assignments.values()
            if a.job is job and (a.state not in {"RETURNED", "EXPIRED", "SKIPPED"} or a.worker == worker)
            if a.state != "RETURNED"
        }
        return [n for n in range(len(job.frames)) if n not in taken and job.objects[n]["error"] is None]

    def job_detail(self, request: Request, _: Any) -> Any:
        worker = self.worker(request)
        if "operator" not in self.people[worker]:
            raise Refused(403, "NotAllowedError", "operators alone see a job's objects")
        job = self.job_of(request)
        begin = int(request.query_params.get("next_token", "0"))
        end = begin + OBJECTS_A_PAGE
        more = str(end) if end < len(job.objects) else None
        return {**self.shown(job, worker), "objects": job.objects[begin:end], "next_token": more}

    def job_of(self, request: Request) -> StubJob:
        if request.path_params["name"] not in self.jobs:
            raise Refused(404, "TaskMissingError", "there is no such job")
        return self.jobs[request.path_params["name"]]

    def stop(self, request: Request, _: Any) -> Any:
        if "operator" not in self.people[self.worker(request)]:
            raise Refused(403, "NotAllowedError", "operators alone stop jobs")
        self.job_of(request).status = "Stopping"
        return {}

    # ---- tasks -------------------------------------------------------------------------------------

    def next(self, request: Request, body: Any) -> Any:
        worker, job = self.worker(request), self.job_of(request)
        mine = [a for a in self.assignments.values() if a.job is job and a.worker == worker]
        ahead = [a for a in mine if a.state == "RESERVED"]
        at_work = [a for a in mine if a.state == "STARTED" and a.expires > time.time()]
        held = ahead if body["reserve"] else [*at_work, *ahead]
        made = held[0] if held else self.reserved(job, worker)
        if made and not body["reserve"]:
            self.started(made)
        return {"task": made and self.as_task(made)}

    def reserved(self, job: StubJob, worker: str) -> StubAssignment | None:
        free = self.open_to(job, worker)
        if not free or job.status != "InProgress":
            return None
        number = len(self.assignments)
        made = StubAssignment(f"a{number}", job, free[0], worker, f"nonce-{number}")
        made.expires = time.time() + job.limit
        earlier = [
            a for a in self.assignments.values() if (a.job, a.number, a.worker) == (job, free[0], worker)
        ]
        made.draft = earlier[-1].draft if earlier else None
        self.assignments[made.id] = made
        return made

    def started(self, found: StubAssignment) -> None:
        if found.state == "RESERVED":
            found.state, found.expires = "STARTED", time.time() + found.job.limit

    def as_task(self, a: StubAssignment) -> dict[str, Any]:
        shown = self.shown(a.job, a.worker)
        return {
            "assignment": a.id,
            "job": a.job.name,
            "title": a.job.title,
            "description": a.job.description,
            "state": a.state,
            "number": a.number,
            "time_limit_seconds": a.job.limit,
            "expires": datetime.fromtimestamp(a.expires, UTC).isoformat(),
            # Signed anew each time, as the real one may be.
            "frame": f"/frames/{a.id}~{time.time_ns()}",
            "nonce": a.nonce,
            "draft": a.draft,
            "progress": {"done": shown["done_by_me"], "open": shown["open_for_me"]},
            "document": a.job.document,
        }

    def mine(self, request: Request) -> StubAssignment:
        worker = self.worker(request)
        found = self.assignments.get(request.path_params["id"])
        if found is None:
            raise Refused(404, "TaskMissingError", "there is no such task")
        if found.worker != worker:
            raise Refused(403, "NotAllowedError", "this task is somebody else's")
        if found.state in {"STARTED", "RESERVED"} and time.time() > found.expires:
            found.state = "EXPIRED"
        return found

    def open_task(self, request: Request) -> StubAssignment:
        found = self.mine(request)
        if found.state == "SUBMITTED":
            raise Refused(409, "AlreadySubmittedError", "this task has an answer")
        if found.state in NOT_OPEN:
            raise Refused(409, "TaskExpiredError", f"this task is {found.state}")
        return found

    def task(self, request: Request, _: Any) -> Any:
        return self.as_task(self.mine(request))

    def start(self, request: Request, _: Any) -> Any:
        found = self.open_task(request)
        self.started(found)
        return self.as_task(found)

    def save_draft(self, request: Request, body: Any) -> Any:
        self.open_task(request).draft = body["answer"]
        return {"saved": datetime.now(UTC).isoformat()}

    def upload(self, request: Request, body: Any) -> Any:
        found = self.open_task(request)
        self.uploads.append(body["bytes"])
        name = f"{found.id}-{len(self.uploads)}"
        return {"upload": name, "url": f"{self.store}/{name}", "headers": {"Content-Type": "image/png"}}

    def submit(self, request: Request, body: Any) -> Any:
        found = self.open_task(request)
        if body["nonce"] != found.nonce:
            raise Refused(409, "NonceError", "this is not the newest page of this task")
        found.state, found.answer = "SUBMITTED", body["answer"]
        found.job.objects[found.number].update(answers=1, state="LABELED")
        return {"state": "SUBMITTED"}

    def skip(self, request: Request, body: Any) -> Any:
        found = self.open_task(request)
        found.state, found.reason = "SKIPPED", body["reason"]
        return {"state": "SKIPPED"}

    def release(self, request: Request, _: Any) -> Any:
        found = self.open_task(request)
        found.state = "RETURNED"
        return {"state": "RETURNED"}

    def frame(self, request: Request) -> Response:
        found = self.assignments[request.path_params["token"].split("~")[0]]
        kind = found.job.frames[found.number]
        if kind in self.pages:
            own = str(request.base_url).rstrip("/")
            frame = Frame(
                origin=own,
                nonce=found.nonce,
                object_origins=(self.store,),
                description=found.job.description,
            )
            policy = {"Content-Security-Policy": frame_policy(frame)}
            return HTMLResponse(framed(self.pages[kind], frame), headers=policy)
        script = FRAMES[kind].replace("NONCE", json.dumps(found.nonce))
        page = f'<!doctype html><html lang="en"><title>Task</title><body><script>{script}</script>'
        return HTMLResponse(page, headers={"Content-Security-Policy": FRAME_POLICY})


class Delegated:
    """What the real application answers, unless a fault was asked for."""

    def __init__(self, server: StubServer) -> None:
        self.server = server

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        request = Request(scope)
        self.server.requests.append(f"{request.method} {request.url.path}")
        try:
            self.server.check(request)
        except Refused as refused:
            answer = JSONResponse({"error": refused.name, "message": str(refused)}, refused.status)
            await answer(scope, receive, send)
            return
        app = self.server.review.app(str(request.base_url).rstrip("/"))
        await app(scope, receive, send)


class PoliciedFiles(StaticFiles):
    """The built pages, under the policy that the real server sends with them."""

    def __init__(self, folder: Path, store: str) -> None:
        super().__init__(directory=folder, html=True)
        self.policy = page_policy([store])

    async def get_response(self, path: str, scope: Any) -> Response:
        answer = await super().get_response(path, scope)
        answer.headers["Content-Security-Policy"] = self.policy
        answer.headers["X-Content-Type-Options"] = "nosniff"
        return answer


def store_app(folder: Path, stored: dict[str, bytes], served: list[str]) -> Starlette:
    """An S3 for browsers: GET with ranges, PUT, CORS that names what PDF.js reads."""

    async def get(request: Request) -> Response:
        served.append(request.headers.get("range", "whole"))
        return FileResponse(folder / urllib.parse.unquote(request.path_params["name"]))

    async def put(request: Request) -> Response:
        stored[request.path_params["name"]] = await request.body()
        return Response()

    cors = Middleware(
        CORSMiddleware,
        allow_origins=["*"],
        allow_methods=["GET", "PUT"],
        allow_headers=["Content-Type", "Range"],
        expose_headers=["Accept-Ranges", "Content-Range", "Content-Length", "ETag"],
    )
    routes = [Route("/{name}", get, methods=["GET"]), Route("/{name}", put, methods=["PUT"])]
    return Starlette(routes=routes, middleware=[cors])
