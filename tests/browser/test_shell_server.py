"""The pages against the workbench's own server, with its rows in memory: the two fit each other."""

import json
import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from recto_workbench.tasks import Assignment, AssignmentState
from tests.browser.conftest import Serve
from tests.memory import MemoryObjects
from tests.web_fakes import Bench, make_bench
from tests.workbench_fakes import MemoryTasks, add_open_job, add_team, make_desk

TEMPLATE = """<script src="https://assets.crowd.aws/crowd-html-elements.js"></script>
<crowd-form><crowd-input name="total" label="Total" required></crowd-input></crowd-form>"""
YEARS = 10**9
CURRENT = "iframe:not(.ahead)"


@pytest.fixture
def served(web_static: Path, serve: Serve) -> tuple[Bench, str]:
    """A bench needs its address before it is made, so what is served is named afterwards."""
    made: list[Bench] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await made[0].app(scope, receive, send)

    origin = serve(app)
    desk = replace(make_desk(), clock=lambda: datetime.now(UTC), make_id=lambda: secrets.token_hex(12))
    made.append(make_bench(web_static, desk, origin))
    add_team(desk, groups=("annotators",))
    add_open_job(desk, "receipts", 3, TEMPLATE, TaskAvailabilityLifetimeInSeconds=YEARS)
    return made[0], origin


def rows_of(bench: Bench) -> dict[tuple[str, int, str], Assignment]:
    assert isinstance(bench.desk.tasks, MemoryTasks)
    return bench.desk.tasks.of_worker


def bodies_of(bench: Bench) -> dict[str, bytes]:
    assert isinstance(bench.desk.objects, MemoryObjects)
    return bench.desk.objects.bodies


@pytest.fixture
def sign_in(page: Page, served: tuple[Bench, str]) -> Callable[..., None]:
    def come_in(person: str, *groups: str) -> None:
        bench, origin = served
        [cookie] = [
            each.value
            for each in bench.signed_in(person, *groups).cookies.jar
            if each.name == "recto_session"
        ]
        page.context.clear_cookies()
        page.context.add_cookies([{"name": "recto_session", "value": cookie, "url": f"{origin}/api"}])

    return come_in


def test_a_person_works_and_an_operator_stops_the_job(
    page: Page, served: tuple[Bench, str], sign_in: Callable[..., None], axe: Callable[[Page], list[str]]
) -> None:
    bench, origin = served
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    sign_in("anna", "annotators")
    page.goto(origin)
    page.get_by_role("link", name="Work on").click()
    frame = page.frame_locator(CURRENT)
    expect(page.get_by_text("Still to do:")).to_be_visible()
    expect(page.locator("iframe.ahead")).to_have_count(1)

    frame.get_by_label("Total").fill("12.50")
    expect(page.locator("[data-test=saved]")).to_contain_text("Saved ")
    page.reload()
    expect(frame.get_by_label("Total")).to_have_value("12.50")
    assert axe(page) == []
    page.get_by_role("button", name="Submit").first.click()

    expect(page.get_by_text("Task 2 ·")).to_be_visible()
    page.get_by_role("button", name="Skip", exact=True).click()
    page.get_by_label("Reason").fill("cannot be read")
    page.get_by_role("dialog").get_by_role("button", name="Skip", exact=True).click()
    expect(page.get_by_text("Task 3 ·")).to_be_visible()
    page.get_by_role("button", name="Give back").click()
    page.get_by_role("dialog").get_by_role("button", name="Give back").click()
    expect(page.get_by_role("heading", name="Jobs", exact=True)).to_be_visible()
    expect(page.get_by_text("1 done by me")).to_be_visible()

    found = {each.number: each for each in rows_of(bench).values()}
    assert {n: each.state for n, each in found.items()} == {
        0: AssignmentState.SUBMITTED,
        1: AssignmentState.SKIPPED,
        2: AssignmentState.RETURNED,
    }
    [answer] = [json.loads(body) for place, body in bodies_of(bench).items() if "/answers/" in place]
    assert answer == {"total": "12.50"}

    sign_in("olga", "operators")
    page.goto(f"{origin}/#/jobs/receipts")
    page.reload()
    page.get_by_role("button", name="Stop the job").click()
    page.get_by_role("dialog").get_by_role("button", name="Stop the job").click()
    expect(page.get_by_role("button", name="Stop the job")).to_have_count(0)
    assert complaints == []


def test_an_answer_after_the_task_was_taken_back_is_told(
    page: Page, served: tuple[Bench, str], sign_in: Callable[..., None]
) -> None:
    bench, origin = served
    sign_in("anna", "annotators")
    page.goto(f"{origin}/#/jobs/receipts/work")
    frame = page.frame_locator(CURRENT)
    frame.get_by_label("Total").fill("3")
    expect(page.locator("[data-test=saved]")).to_contain_text("Saved ")
    [mine] = [each for each in rows_of(bench).values() if each.state is AssignmentState.STARTED]
    ended = mine.moved(state=AssignmentState.EXPIRED)
    rows_of(bench)[mine.job, mine.number, mine.worker_id] = ended

    page.get_by_role("button", name="Submit").first.click()

    expect(page.get_by_role("dialog", name="The time for this task is over")).to_be_visible()


def test_the_icon_that_browsers_ask_for_by_themselves_is_there(page: Page, served: tuple[Bench, str]) -> None:
    _, origin = served
    answer = page.request.get(f"{origin}/favicon.ico")

    assert answer.status == 200
    assert answer.body()[:4] == b"\0\0\1\0"
