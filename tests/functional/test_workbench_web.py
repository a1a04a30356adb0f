"""The workbench's HTTP API and frames, over rows in memory."""

import base64
import hashlib
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from starlette.testclient import TestClient

from recto_workbench.steps.assignment import Desk
from recto_workbench.tasks import JobPlaces
from tests.web_fakes import CHANGE, CLIENT, PROVIDER, URL, Bench, make_bench
from tests.workbench_fakes import WORK, FakeClock, add_open_job, add_team

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    for name, text in {
        "index.html": "<!doctype html><title>Recto</title>",
        "favicon.svg": "<svg/>",
        "assets/index-1a2b.js": "let a = 1;" * 500,
        "frame-assets/elements.js": "let b = 1;",
        ".made-from": "secret",
    }.items():
        file = tmp_path / "pages" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    (tmp_path / "outside.txt").write_text("outside")
    made = make_bench(tmp_path / "pages")
    add_team(made.desk)
    return made


def clock_of(desk: Desk) -> FakeClock:
    assert isinstance(desk.clock, FakeClock)
    return desk.clock


def refusal(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]


def taken_task(browser: TestClient, job: str = "job") -> dict[str, Any]:
    answer = browser.post(f"/api/jobs/{job}/next", json={}, headers=CHANGE)
    assert answer.status_code == 200, answer.text
    task: dict[str, Any] = answer.json()["task"]
    return task


# ---- signing in


def test_a_sign_in_is_a_code_flow_with_pkce_state_and_nonce(bench: Bench) -> None:
    bench.tokens.groups["anna"] = ("annotators",)
    browser = bench.browser()

    sent = browser.get("/api/auth/sign-in?next=/jobs/j1")
    parts = urlsplit(sent.headers["location"])
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    bench.tokens.nonce = query["nonce"]
    back = browser.get("/api/auth/callback", params={"code": "anna", "state": query["state"]})

    assert sent.status_code == back.status_code == 302
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == f"{PROVIDER}/oauth2/authorize"
    assert (query["response_type"], query["client_id"]) == ("code", CLIENT)
    assert query["redirect_uri"] == f"{URL}/api/auth/callback"
    assert query["code_challenge_method"] == "S256"
    [(code, verifier, redirect_uri)] = bench.tokens.exchanges
    digest = hashlib.sha256(verifier.encode()).digest()
    assert base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == query["code_challenge"]
    assert (code, redirect_uri) == ("anna", query["redirect_uri"])
    assert back.headers["location"] == "/jobs/j1"
    assert browser.get("/api/me").json() == {"name": "anna", "worker_id": "sub-anna", "roles": ["annotator"]}


def test_the_session_cookie_is_for_the_api_alone_and_for_no_script(bench: Bench) -> None:
    browser = bench.signed_in("anna", "annotators")

    [cookie] = [each for each in browser.cookies.jar if each.name == "recto_session"]
    assert cookie.path == "/api"
    assert cookie.secure
    assert cookie.has_nonstandard_attr("HttpOnly")
    assert cookie.get_nonstandard_attr("SameSite") == "lax"
    assert cookie.value not in bench.sessions.sessions
    assert all("refresh-anna" not in str(each.value) for each in browser.cookies.jar)


def test_a_laptops_own_address_gets_a_cookie_that_it_can_send_back(tmp_path: Path) -> None:
    bench = make_bench(tmp_path, url="http://127.0.0.1:8080")

    sent = bench.browser().get("/api/auth/sign-in")

    assert "secure" not in sent.headers["set-cookie"].lower()
    assert "httponly" in sent.headers["set-cookie"].lower()


@pytest.mark.parametrize(
    ("groups", "roles"),
    [
        ((), []),
        (("operators",), ["operator"]),
        (("reviewers", "annotators"), ["annotator", "reviewer"]),
        (("team-a",), ["annotator"]),
    ],
)
def test_roles_are_groups(bench: Bench, groups: tuple[str, ...], roles: list[str]) -> None:
    assert bench.signed_in("p", *groups).get("/api/me").json()["roles"] == roles


def test_somebody_without_a_session_is_told_where_to_sign_in(bench: Bench) -> None:
    for path in ("/api/me", "/api/jobs", "/api/jobs/job", "/api/tasks/x"):
        answer = bench.browser().get(path)
        assert refusal(answer) == (401, "NotSignedInError")
        assert answer.json()["sign_in"] == "/api/auth/sign-in"
    guessed = bench.browser().get("/api/me", headers={"Cookie": "recto_session=guessed"})
    assert refusal(guessed) == (401, "NotSignedInError")


def test_a_callback_that_this_browser_did_not_begin_is_refused(bench: Bench) -> None:
    bench.tokens.groups["eve"] = ("operators",)
    victim, attacker = bench.browser(), bench.browser()
    sent = attacker.get("/api/auth/sign-in")
    state = parse_qs(urlsplit(sent.headers["location"]).query)["state"][0]

    answer = victim.get("/api/auth/callback", params={"code": "eve", "state": state})

    assert refusal(answer) == (401, "NotSignedInError")
    assert bench.tokens.exchanges == []


def test_a_sign_in_is_used_once_with_its_own_state_and_nonce(bench: Bench) -> None:
    bench.tokens.groups["anna"] = ("annotators",)
    browser = bench.browser()
    browser.get("/api/auth/sign-in")
    wrong_state = browser.get("/api/auth/callback?code=anna&state=other")
    sent = browser.get("/api/auth/sign-in")
    query = parse_qs(urlsplit(sent.headers["location"]).query)
    bench.tokens.nonce = "of another sign-in"
    wrong_nonce = browser.get("/api/auth/callback", params={"code": "anna", "state": query["state"][0]})
    again = browser.get("/api/auth/callback", params={"code": "anna", "state": query["state"][0]})

    for answer in (wrong_state, wrong_nonce, again):
        assert refusal(answer) == (401, "NotSignedInError")
    assert bench.sessions.sessions == {}


def test_what_cognito_refuses_is_told(bench: Bench) -> None:
    browser = bench.browser()
    sent = browser.get("/api/auth/sign-in")
    state = parse_qs(urlsplit(sent.headers["location"]).query)["state"][0]

    answer = browser.get("/api/auth/callback", params={"error": "access_denied", "state": state})

    assert refusal(answer) == (401, "NotSignedInError")
    assert "access_denied" in answer.json()["message"]


def test_a_person_who_comes_back_in_vain_reads_why(bench: Bench) -> None:
    query = {"error_description": "<b>no</b>", "state": "s"}
    browser = bench.browser()
    browser.get("/api/auth/sign-in")

    answer = browser.get("/api/auth/callback", params=query, headers={"Accept": "text/html,*/*"})

    assert answer.status_code == 401
    assert 'href="/api/auth/sign-in"' in answer.text
    assert "<b>" not in answer.text
    assert policy_of(answer)["default-src"] == "'none'"


def test_a_sign_in_that_took_too_long_is_refused(bench: Bench) -> None:
    browser = bench.browser()
    sent = browser.get("/api/auth/sign-in")
    state = parse_qs(urlsplit(sent.headers["location"]).query)["state"][0]
    clock_of(bench.desk).pass_by(601)

    assert browser.get("/api/auth/callback", params={"code": "a", "state": state}).status_code == 401


@pytest.mark.parametrize(
    "path",
    [
        "//[",
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "javascript:x",
        "/a\nb",
        "/api/me",
        "x",
    ],
)
def test_a_sign_in_leads_to_our_own_pages_only(bench: Bench, path: str) -> None:
    assert refusal(bench.browser().get("/api/auth/sign-in", params={"next": path})) == (400, "RequestError")


def test_groups_are_asked_for_again_when_their_token_ends(bench: Bench) -> None:
    browser = bench.signed_in("anna", "operators")
    bench.tokens.groups["anna"] = ("annotators",)

    before = browser.get("/api/me").json()["roles"]
    clock_of(bench.desk).pass_by(3601)
    after = browser.get("/api/me").json()["roles"]

    assert (before, after) == (["operator"], ["annotator"])


def test_a_person_who_was_removed_is_signed_out_within_the_hour(bench: Bench) -> None:
    browser = bench.signed_in("anna", "annotators")
    clock_of(bench.desk).pass_by(3601)
    bench.tokens.refused.add("anna")

    assert refusal(browser.get("/api/me")) == (401, "NotSignedInError")
    assert bench.sessions.sessions == {}


def test_a_session_that_is_ended_while_its_groups_are_asked_for_stays_ended(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = bench.signed_in("anna", "annotators")
    clock_of(bench.desk).pass_by(3601)
    refresh = bench.tokens.refresh

    def signed_out_meanwhile(token: str) -> Any:
        browser.post("/api/auth/sign-out", headers=CHANGE)
        return refresh(token)

    monkeypatch.setattr(bench.tokens, "refresh", signed_out_meanwhile)

    assert refusal(browser.get("/api/me")) == (401, "NotSignedInError")
    assert bench.sessions.sessions == {}


def test_a_sign_in_service_that_is_down_does_not_sign_people_out(bench: Bench) -> None:
    browser = bench.signed_in("anna", "annotators")
    clock_of(bench.desk).pass_by(3601)
    bench.tokens.is_down = True
    down = browser.get("/api/me")
    bench.tokens.is_down = False

    assert refusal(down) == (503, "ServiceUnavailableError")
    assert browser.get("/api/me").status_code == 200


def test_a_session_ends_after_half_a_day_and_at_sign_out(bench: Bench) -> None:
    browser = bench.signed_in("anna", "annotators")
    cookie = browser.cookies["recto_session"]
    out = browser.post("/api/auth/sign-out", headers=CHANGE)

    assert out.json()["location"].startswith(f"{PROVIDER}/logout?client_id={CLIENT}&logout_uri=")
    assert bench.tokens.revoked == ["refresh-anna"]
    stolen = bench.browser().get("/api/me", headers={"Cookie": f"recto_session={cookie}"})
    assert stolen.status_code == 401
    other = bench.signed_in("ben", "annotators")
    clock_of(bench.desk).pass_by(12 * 3600 + 1)
    assert other.get("/api/me").status_code == 401


# ---- changes come from our own pages


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Recto": "1"},
        {"Origin": URL},
        {"X-Recto": "1", "Origin": "https://evil.example"},
        {"X-Recto": "1", "Origin": "null"},
        {"X-Recto": "1", "Origin": f"{URL}.evil.example"},
        {"X-Recto": "1", "Origin": URL, "Sec-Fetch-Site": "cross-site"},
        {"X-Recto": "1", "Origin": URL, "Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_change_from_elsewhere_is_refused(bench: Bench, headers: dict[str, str]) -> None:
    add_open_job(bench.desk)
    browser = bench.signed_in("anna", "readers", "operators")

    changes = [
        browser.post("/api/jobs/job/next", json={}, headers=headers),
        browser.post("/api/jobs/job/stop", headers=headers),
        browser.post("/api/tasks/x/start", headers=headers),
        browser.put("/api/tasks/x/draft", json={"answer": {}}, headers=headers),
        browser.post("/api/tasks/x/submit", json={"nonce": "n", "answer": {}}, headers=headers),
        browser.post("/api/auth/sign-out", headers=headers),
    ]

    assert [refusal(answer) for answer in changes] == [(403, "NotAllowedError")] * len(changes)
    assert browser.get("/api/me").status_code == 200
    assert browser.get("/api/jobs").json()["jobs"][0]["status"] == "InProgress"


# ---- jobs and tasks


def test_jobs_are_those_of_ones_teams(bench: Bench) -> None:
    add_open_job(bench.desk)

    [job] = bench.signed_in("anna", "readers").get("/api/jobs").json()["jobs"]
    of_others = bench.signed_in("ben", "writers").get("/api/jobs").json()["jobs"]
    [of_operators] = bench.signed_in("olga", "operators").get("/api/jobs").json()["jobs"]

    assert of_others == []
    assert of_operators["name"] == "job"
    assert job == {
        "name": "job", "title": "Boxes", "description": "Draw boxes", "status": "InProgress",
        "task_type": "custom", "workers_per_object": 1, "time_limit_seconds": 600,
        "created": "2026-11-02T09:00:00+00:00", "open_for_me": 3, "done_by_me": 0, "failure": None,
        "counters": {"total": 3, "human_labeled": 0, "machine_labeled": 0, "failed": 0, "unlabeled": 3},
    }  # fmt: skip


def test_jobs_come_in_pages(bench: Bench) -> None:
    for number in range(3):
        add_open_job(bench.desk, f"job-{number}")
    browser = bench.signed_in("anna", "readers")

    first = browser.get("/api/jobs?limit=2").json()
    second = browser.get("/api/jobs", params={"limit": 2, "next_token": first["next_token"]}).json()

    assert [len(page["jobs"]) for page in (first, second)] == [2, 1]
    assert {job["name"] for page in (first, second) for job in page["jobs"]} == {"job-0", "job-1", "job-2"}
    assert second["next_token"] is None
    for query in ("limit=0", "limit=101", "limit=x", "limit=-1", "next_token=x"):
        assert refusal(browser.get(f"/api/jobs?{query}")) == (400, "RequestError")


def test_operators_see_objects_and_stop_jobs_and_annotators_do_not(bench: Bench) -> None:
    add_open_job(bench.desk)
    anna, olga = bench.signed_in("anna", "readers"), bench.signed_in("olga", "operators")

    assert refusal(anna.get("/api/jobs/job")) == (403, "NotAllowedError")
    assert refusal(anna.post("/api/jobs/job/stop", headers=CHANGE)) == (403, "NotAllowedError")
    detail = olga.get("/api/jobs/job").json()
    assert detail["objects"][0] == {
        "number": 0, "state": "OPEN", "answers": 0, "error": None, "adjudicate": []
    }  # fmt: skip
    assert (detail["name"], detail["next_token"]) == ("job", None)
    assert refusal(olga.get("/api/jobs/other")) == (404, "TaskMissingError")
    assert olga.post("/api/jobs/job/stop", headers=CHANGE).json() == {"status": "Stopping"}
    assert anna.post("/api/jobs/job/next", json={}, headers=CHANGE).json() == {"task": None}


def test_a_task_is_taken_drafted_submitted_once_and_the_next_is_another(bench: Bench) -> None:
    add_open_job(bench.desk)
    anna = bench.signed_in("anna", "readers")

    task = taken_task(anna)
    path = f"/api/tasks/{task['assignment']}"
    ahead = anna.post("/api/jobs/job/next", json={"reserve": True}, headers=CHANGE).json()["task"]
    saved = anna.put(f"{path}/draft", json={"answer": {"boxes": [1]}}, headers=CHANGE)
    again = anna.get(path).json()
    submission = {"nonce": task["nonce"], "answer": {"boxes": [1, 2]}}
    taken = anna.post(f"{path}/submit", json=submission, headers=CHANGE)
    twice = anna.post(f"{path}/submit", json=submission, headers=CHANGE)

    assert (task["state"], ahead["state"]) == ("STARTED", "RESERVED")
    assert task["number"] != ahead["number"]
    assert task["expires"] == "2026-11-02T09:10:00+00:00"
    assert saved.json() == {"saved": "2026-11-02T09:00:00+00:00"}
    assert again["draft"] == {"boxes": [1]}
    assert again["document"] is None
    assert taken.json() == {"state": "SUBMITTED"}
    assert refusal(twice) == (409, "AlreadySubmittedError")


def test_what_is_refused_is_refused_by_name(bench: Bench) -> None:
    add_open_job(bench.desk)
    anna, ben = bench.signed_in("anna", "readers"), bench.signed_in("ben", "readers")
    other = bench.signed_in("eve", "writers")
    task = taken_task(anna)
    path, answer = f"/api/tasks/{task['assignment']}", {"nonce": task["nonce"], "answer": {}}

    forged = {**answer, "nonce": "forged"}
    assert refusal(anna.post(f"{path}/submit", json=forged, headers=CHANGE)) == (409, "NonceError")
    assert refusal(ben.get(path)) == (403, "NotAllowedError")
    assert refusal(ben.post(f"{path}/submit", json=answer, headers=CHANGE)) == (403, "NotAllowedError")
    assert refusal(other.post("/api/jobs/job/next", json={}, headers=CHANGE)) == (403, "NotAllowedError")
    assert refusal(anna.get("/api/tasks/none")) == (404, "TaskMissingError")
    no_reason = anna.post(f"{path}/skip", json={"reason": " "}, headers=CHANGE)
    assert refusal(no_reason) == (400, "RequestError")
    clock_of(bench.desk).pass_by(601)
    assert refusal(anna.post(f"{path}/submit", json=answer, headers=CHANGE)) == (409, "TaskExpiredError")


def test_tasks_are_skipped_and_given_back(bench: Bench) -> None:
    add_open_job(bench.desk)
    anna = bench.signed_in("anna", "readers")
    first = taken_task(anna)
    skipped = anna.post(
        f"/api/tasks/{first['assignment']}/skip", json={"reason": "blurred"}, headers=CHANGE
    ).json()
    second = taken_task(anna)
    returned = anna.post(f"/api/tasks/{second['assignment']}/release", headers=CHANGE).json()

    assert (skipped, returned) == ({"state": "SKIPPED"}, {"state": "RETURNED"})
    assert second["number"] != first["number"]


def test_label_images_go_past_us_by_a_link_for_one_of_them(bench: Bench) -> None:
    add_open_job(bench.desk)
    anna = bench.signed_in("anna", "readers")
    path = f"/api/tasks/{taken_task(anna)['assignment']}"

    wanted = {"content_type": "image/png", "bytes": 12}
    link = anna.post(f"{path}/uploads", json=wanted, headers=CHANGE).json()
    html = anna.post(f"{path}/uploads", json={**wanted, "content_type": "text/html"}, headers=CHANGE)
    large = anna.post(f"{path}/uploads", json={**wanted, "bytes": 10**9}, headers=CHANGE)

    assert link["upload"] in link["url"]
    assert link["headers"]["Content-Type"] == "image/png"
    assert refusal(html) == (400, "RequestError")
    assert refusal(large) == (413, "TooLargeError")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{", "JSON"),
        (b"[]", "object"),
        (b'{"nonce": 5, "answer": {}}', "nonce"),
        (b'{"nonce": "n", "answer": []}', "answer"),
        (b'{"nonce": "n", "answer": {}, "worker": "other"}', "worker"),
    ],
)
def test_a_body_that_does_not_fit_is_told_by_field(bench: Bench, body: bytes, words: str) -> None:
    add_open_job(bench.desk)
    anna = bench.signed_in("anna", "readers")
    path = f"/api/tasks/{taken_task(anna)['assignment']}/submit"

    answer = anna.post(path, content=body, headers={**CHANGE, "Content-Type": "application/json"})

    assert refusal(answer) == (400, "RequestError")
    assert words in answer.json()["message"]


@pytest.mark.parametrize("number", ["NaN", "-Infinity", "1e999"])
def test_a_number_that_is_none_is_refused_before_it_is_kept(bench: Bench, number: str) -> None:
    """It would be read back from the draft, and no answer of ours could hold it."""
    add_open_job(bench.desk)
    anna = bench.signed_in("anna", "readers")
    task = taken_task(anna)
    path, sent = f"/api/tasks/{task['assignment']}", {**CHANGE, "Content-Type": "application/json"}

    draft = anna.put(f"{path}/draft", content=f'{{"answer": {{"x": {number}}}}}', headers=sent)
    body = f'{{"nonce": "{task["nonce"]}", "answer": {{"x": {number}}}}}'
    submitted = anna.post(f"{path}/submit", content=body, headers=sent)

    assert refusal(draft) == refusal(submitted) == (400, "RequestError")
    assert anna.get(path).status_code == 200


def test_a_draft_is_no_longer_than_what_can_travel_back(bench: Bench) -> None:
    """All quotes of JSON within JSON are escaped once more where the function answers."""
    add_open_job(bench.desk)
    anna = bench.signed_in("anna", "readers")
    path = f"/api/tasks/{taken_task(anna)['assignment']}"
    quotes = {"answer": {"text": '"' * 1_500_000}}

    assert refusal(anna.put(f"{path}/draft", json=quotes, headers=CHANGE)) == (413, "TooLargeError")
    fits = anna.put(f"{path}/draft", json={"answer": {"text": '"' * 1_200_000}}, headers=CHANGE)
    assert fits.status_code == 200
    assert len(json.dumps(anna.get(path).text)) < 5_900_000


def test_a_body_past_the_limit_is_refused(bench: Bench) -> None:
    add_open_job(bench.desk)
    anna = bench.signed_in("anna", "readers")
    path = f"/api/tasks/{taken_task(anna)['assignment']}/draft"

    answer = anna.put(path, json={"answer": {"image": "x" * 6_000_000}}, headers=CHANGE)

    assert refusal(answer) == (413, "TooLargeError")


def test_a_page_of_a_document_brings_a_link_to_the_whole(bench: Bench) -> None:
    add_open_job(bench.desk)
    line = {"source-ref": "s3://in/p.png", "raw-ref": "s3://docs/a.pdf", "page-num": 3}
    bench.desk.objects.write(JobPlaces(WORK, "job").manifest, json.dumps(line).encode())
    for number in range(3):
        each = bench.desk.tasks.object("job", number)
        assert each
        rows = bench.desk.tasks.objects_of["job"]  # type: ignore[attr-defined]
        rows[number] = each.model_copy(update={"offset": 0, "length": len(json.dumps(line))})

    anna = bench.signed_in("anna", "readers")
    task = taken_task(anna)

    assert task["document"]["page"] == 3
    assert task["document"]["url"].startswith("https://docs.example/a.pdf?")
    path = f"/api/tasks/{task['assignment']}"
    anna.post(f"{path}/submit", json={"nonce": task["nonce"], "answer": {}}, headers=CHANGE)
    assert anna.get(path).json()["document"] is None  # of no more use to whoever has handed it in


def test_paths_that_are_not_and_methods_that_are_not(bench: Bench) -> None:
    anna = bench.signed_in("anna", "readers")

    assert refusal(anna.get("/api/nothing")) == (404, "RequestError")
    assert anna.delete("/api/jobs/job", headers=CHANGE).status_code in (404, 405)
    assert anna.get("/api/auth/sign-out").status_code in (404, 405)


def test_a_crash_of_ours_says_nothing_of_itself(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    anna = bench.signed_in("anna", "readers")
    monkeypatch.setattr(bench.desk.jobs, "all", lambda: 1 / 0)

    answer = anna.get("/api/jobs")

    assert refusal(answer) == (500, "InternalError")
    assert "division" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"


# ---- the frame


def policy_of(answer: Any) -> dict[str, str]:
    parts = answer.headers["content-security-policy"].split("; ")
    return {part.split(" ")[0]: part.partition(" ")[2] for part in parts}


def frame_of(bench: Bench, template: str, task_input: dict[str, Any]) -> tuple[dict[str, Any], Any]:
    """A task and its page, fetched by somebody without any cookie."""
    add_open_job(bench.desk, template=template, task_input=task_input)
    task = taken_task(bench.signed_in("anna", "readers"))
    return task, bench.browser().get(task["frame"])


def test_the_frame_needs_no_cookie_and_has_a_policy_of_its_own(bench: Bench) -> None:
    template = (
        '<script src="https://assets.crowd.aws/crowd-html-elements.js"></script><crowd-form>'
        "<img src=\"{{ task.input['source-ref'] | grant_read_access }}\"></crowd-form>"
    )

    task, page = frame_of(bench, template, {"source-ref": "s3://in/p.png"})

    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert "set-cookie" not in page.headers
    policy = policy_of(page)
    assert policy["sandbox"] == "allow-scripts allow-forms"
    assert policy["script-src"] == f"'unsafe-inline' {URL}"
    assert policy["connect-src"] == policy["img-src"] == "https://in.example data: blob:"
    assert policy["frame-ancestors"] == URL
    told = re.search(r"window\.rectoTask = (\{.*?\});</script>", page.text)
    assert told
    assert json.loads(told[1]) == {"nonce": task["nonce"], "description": task["description"]}
    assert page.text.index("rectoTask") < page.text.index("crowd-form")
    assert re.search(rf'{URL}/frame-assets/elements.js\?v=\w{{16}}"', page.text)
    assert 'src="https://in.example/p.png?read=600"' in page.text


def test_a_large_page_goes_out_packed_and_is_refused_by_name_where_it_cannot_be(bench: Bench) -> None:
    """4.5 MB of text, 8 MB as API Gateway would carry it: an Ä is six characters in JSON."""
    given = {"text": "ÄÖÜ Vertrag " * 300_000}
    add_open_job(bench.desk, template="<p>{{ task.input.text }}</p>", task_input=given)
    task = taken_task(bench.signed_in("anna", "readers"))
    browser = bench.browser()

    packed = browser.get(task["frame"], headers={"Accept-Encoding": "br, gzip"})
    plain = browser.get(task["frame"], headers={"Accept-Encoding": "gzip;q=0, br"})

    assert packed.status_code == 200
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["vary"] == "Accept-Encoding"
    assert int(packed.headers["content-length"]) < 1_000_000
    assert "ÄÖÜ Vertrag" in packed.text
    assert plain.status_code == 413
    assert "content-encoding" not in plain.headers
    assert "TooLargeError: its page takes" in plain.text
    assert "frame-ancestors" in plain.headers["content-security-policy"]


def test_a_page_that_is_too_large_even_packed_is_refused_by_name(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recto_workbench.web.frames.MOST_CARRIED", 2_000)
    noise = base64.b64encode(hashlib.shake_256(b"seed").digest(3_000)).decode()
    add_open_job(bench.desk, template="<p>{{ task.input.text }}</p>", task_input={"text": noise})
    task = taken_task(bench.signed_in("anna", "readers"))

    page = bench.browser().get(task["frame"])

    assert page.status_code == 413
    assert "(packed), at most 2,000 are carried" in page.text


def test_what_documents_and_people_wrote_stays_text(bench: Bench) -> None:
    template = (
        '<p>{{ task.input.text }}</p><input value="{{ task.input.notes }}">'
        "<b x='{{ task.input.list | to_json }}'>"
        "<script>let all = {{ task.input | to_json }};</script><i>{{ task.input.guidance.Total }}</i>"
    )
    values = {"text": HOSTILE, "notes": HOSTILE, "list": [HOSTILE], "guidance": {"Total": HOSTILE}}

    _, page = frame_of(bench, template, values)

    assert "<img src=x" not in page.text
    assert page.text.count("<script>") == 2
    assert page.text.count("</script>") == 2


@pytest.mark.parametrize(
    "template",
    [
        "{{ 's3://secrets/all.json' | grant_read_access }}",
        "{% capture u %}s3://in/{{ task.input.other }}{% endcapture %}{{ u | s3_presign }}",
        "{{ task.input['source-ref'] | append: '.key' | grant_read_access }}",
    ],
)
def test_a_template_reads_no_object_that_its_task_does_not_name(bench: Bench, template: str) -> None:
    _, page = frame_of(bench, template, {"source-ref": "s3://in/p.png", "other": "q.png"})

    assert page.status_code == 500
    assert "not named in this task" in page.text
    assert "read=" not in page.text
    assert policy_of(page)["connect-src"] == "data: blob:"


def test_a_template_cannot_widen_its_policy_or_take_the_elements_from_elsewhere(bench: Bench) -> None:
    template = (
        '<base href="https://evil.example/">'
        '<meta http-equiv="Content-Security-Policy" content="script-src *">'
        '<script src="https://assets.crowd.aws/crowd-html-elements.js"></script>'
    )

    _, page = frame_of(bench, template, {})

    policy = policy_of(page)
    assert (policy["base-uri"], policy["default-src"]) == ("'none'", "'none'")
    assert f'src="{URL}/frame-assets/elements.js' in page.text


def test_a_liquid_error_is_shown_with_its_line_and_told_to_the_page_around(bench: Bench) -> None:
    task, page = frame_of(bench, "<p>\n{{ task.input.x | no_such }}", {})

    assert page.status_code == 500
    assert "line 2" in page.text
    assert task["nonce"] in page.text
    assert 'type: "error"' in page.text


def test_an_address_of_a_frame_is_not_to_be_guessed_or_kept(bench: Bench) -> None:
    task, page = frame_of(bench, "<p>one</p>", {})
    path = task["frame"]
    assignment, until, signature = path.removeprefix("/frames/").split(".")
    browser = bench.browser()

    assert page.status_code == 200
    for altered in (
        f"/frames/{assignment}", f"/frames/{assignment}.{until}", f"/frames/{assignment}.{until}.x",
        f"/frames/{assignment}.{int(until) + 1}.{signature}", f"/frames/other.{until}.{signature}",
        f"/frames/{assignment}.٣.{signature}", f"/frames/{assignment}.{'9' * 30}.{signature}",
    ):  # fmt: skip
        assert browser.get(altered).status_code == 404, altered
    clock_of(bench.desk).pass_by(901)
    late = browser.get(path)
    assert late.status_code == 409
    assert "one" not in late.text


def test_the_frame_of_a_task_that_has_ended_shows_nothing(bench: Bench) -> None:
    add_open_job(bench.desk, template="<p>one</p>")
    anna = bench.signed_in("anna", "readers")
    task = taken_task(anna)
    anna.post(f"/api/tasks/{task['assignment']}/release", headers=CHANGE)

    page = anna.get(task["frame"])

    assert page.status_code == 409
    assert "one" not in page.text


# ---- pages


def test_pages_have_a_strict_policy_and_are_cached_by_their_names(bench: Bench) -> None:
    browser = bench.browser()
    index, script = browser.get("/"), browser.get("/assets/index-1a2b.js")
    elements = browser.get("/frame-assets/elements.js?v=1")

    policy = policy_of(index)
    assert policy["default-src"] == "'none'"
    assert "unsafe-inline" not in index.headers["content-security-policy"]
    assert policy["script-src"] == "'self' 'wasm-unsafe-eval'"
    assert policy["frame-ancestors"] == "'none'"
    assert policy["frame-src"] == f"{URL}/frames/"
    assert policy["connect-src"] == "'self' https://work.example"
    assert index.headers["cache-control"] == "no-store"
    assert "immutable" in script.headers["cache-control"]
    assert script.headers["content-encoding"] == "gzip"
    assert script.headers["cross-origin-resource-policy"] == "same-origin"
    assert elements.headers["cross-origin-resource-policy"] == "cross-origin"
    assert "immutable" in elements.headers["cache-control"]
    assert browser.get("/frame-assets/elements.js").headers["cache-control"] == "no-cache"
    for answer in (index, script, elements, browser.get("/api/me")):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "max-age" in answer.headers["strict-transport-security"]


def test_every_path_of_the_pages_is_the_entry_page(bench: Bench) -> None:
    browser = bench.browser()

    assert "Recto" in browser.get("/jobs/some-job/task").text
    assert browser.get("/favicon.svg").text == "<svg/>"


@pytest.mark.parametrize(
    "path",
    ["/../outside.txt", "/%2e%2e/outside.txt", "/assets/../../outside.txt", "/.made-from", "/none.txt",
     "/assets/%2e%2e%2f%2e%2e%2foutside.txt", "/assets/none.js"],
)  # fmt: skip
def test_no_file_beside_the_pages_is_served(bench: Bench, path: str) -> None:
    answer = bench.browser().get(path)

    assert "outside" not in answer.text
    assert "secret" not in answer.text
    assert answer.status_code == 404 or "Recto" in answer.text
