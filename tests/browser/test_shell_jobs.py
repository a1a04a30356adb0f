"""Sign-in, the list of jobs and what operators see, in a real browser against an API in memory."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import Serve
from tests.browser.stub_server import StubJob, StubServer

HTML = '<img src=x onerror="document.title=1"> & <b>bold</b>'
Faults = Callable[[Page], list[str]]


@pytest.fixture(scope="module")
def served(web_static: Path, serve: Serve) -> tuple[StubServer, str]:
    server = StubServer(web_static)
    return server, serve(server.app)


def sign_in(page: Page, origin: str, server: StubServer, person: str, to: str = "/") -> None:
    server.signs_in = person
    page.goto(f"{origin}{to}")
    page.get_by_role("link", name="Sign in").click()
    expect(page.get_by_text(f"{person}@example.com")).to_be_visible()


def test_who_is_not_signed_in_is_sent_to_the_sign_in_and_comes_back_to_the_page(
    page: Page, server: StubServer, origin: str, broken: list[str], axe: Faults
) -> None:
    server.add(StubJob("receipts", ["field"], title="Receipts"))
    server.signs_in = "olga"

    page.goto(f"{origin}/#/jobs/receipts")
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()
    assert axe(page) == []
    page.get_by_role("link", name="Sign in").click()

    expect(page.get_by_role("heading", name="Receipts")).to_be_visible()
    assert page.url == f"{origin}/#/jobs/receipts"
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()
    assert server.sessions == set()
    assert broken == []


def test_jobs_are_listed_with_what_is_open_and_why_one_failed(
    page: Page, server: StubServer, origin: str, broken: list[str], axe: Faults
) -> None:
    server.add(StubJob("done", ["field"], title="Old job", status="Completed"))
    server.add(StubJob("bad", [], title="Bad job", status="Failed", failure=f"line 3 {HTML} is no JSON"))
    server.add(StubJob("receipts", ["field"] * 4, title=HTML, description=HTML))

    sign_in(page, origin, server, "ana")

    first = page.get_by_role("listitem").first
    expect(first.get_by_role("heading")).to_have_text(HTML)
    expect(first).to_contain_text("4 open for me · 0 done by me")
    expect(first).to_contain_text("0 of 4")
    expect(page.get_by_text(f"Failed: line 3 {HTML} is no JSON")).to_be_visible()
    expect(page.get_by_role("link", name="Work on")).to_have_count(1)
    expect(page.get_by_role("link", name="Details")).to_have_count(0)
    expect(page.locator("img"), "HTML in a title is text").to_have_count(0)
    assert axe(page) == []
    assert broken == []


@pytest.mark.parametrize(
    ("person", "says"), [("ana", "ask who runs the labelling"), ("olga", "recto label create")]
)
def test_an_empty_list_tells_what_to_do(
    page: Page, server: StubServer, origin: str, person: str, says: str, axe: Faults
) -> None:
    sign_in(page, origin, server, person)

    expect(page.get_by_text(says)).to_be_visible()
    assert axe(page) == []


def test_more_jobs_are_listed_when_they_are_asked_for(
    page: Page, server: StubServer, origin: str, axe: Faults, broken: list[str]
) -> None:
    server.jobs_a_page = 3
    for number in range(7):
        server.add(StubJob(f"job-{number}", ["field"]))

    sign_in(page, origin, server, "ana")
    more, items = page.get_by_role("button", name="More jobs"), page.get_by_role("listitem")
    expect(items).to_have_count(3)
    assert axe(page) == []
    more.focus()
    page.keyboard.press("Enter")
    expect(items).to_have_count(6)
    server.jobs["job-6"].title = "Renamed"
    more.click()

    expect(items).to_have_count(7)
    expect(more).to_have_count(0)
    expect(page.get_by_role("heading", name="Renamed")).to_be_visible()
    assert broken == []


def test_roles_hide_what_one_may_not(page: Page, server: StubServer, origin: str) -> None:
    server.add(StubJob("receipts", ["field"]))

    sign_in(page, origin, server, "olga")
    expect(page.get_by_role("link", name="Details of")).to_be_visible()
    expect(page.get_by_role("link", name="Work on")).to_have_count(0)
    page.goto(f"{origin}/#/jobs/receipts/work")

    expect(page.get_by_role("heading", name="This page is not for you")).to_be_visible()
    assert not [request for request in server.requests if request.endswith("/next")]


def test_operators_page_through_objects_and_see_errors_and_reasons(
    page: Page, server: StubServer, origin: str, axe: Faults, broken: list[str]
) -> None:
    job = server.add(StubJob("receipts", ["field"] * 7))
    job.objects[1].update(error=f"the image is gone {HTML}", state="FAILED")
    job.objects[5].update(adjudicate=["agreement 0.4 is below 0.6", HTML])

    sign_in(page, origin, server, "olga", "/#/jobs/receipts")
    expect(page.get_by_text(f"the image is gone {HTML}")).to_be_visible()
    assert axe(page) == []
    expect(page.get_by_role("button", name="Earlier objects")).to_be_disabled()
    page.get_by_role("button", name="Later objects").click()

    expect(page.get_by_text("To decide: agreement 0.4 is below 0.6")).to_be_visible()
    expect(page.get_by_text(f"To decide: {HTML}")).to_be_visible()
    page.get_by_role("button", name="Later objects").click()
    expect(page.get_by_role("cell", name="7", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Later objects")).to_be_disabled()
    page.get_by_role("button", name="Earlier objects").click()
    expect(page.get_by_role("cell", name="6", exact=True)).to_be_visible()
    assert broken == []


def test_a_job_is_stopped_only_after_a_question(
    page: Page, server: StubServer, origin: str, axe: Faults
) -> None:
    job = server.add(StubJob("receipts", ["field"]))
    sign_in(page, origin, server, "olga", "/#/jobs/receipts")

    page.get_by_role("button", name="Stop the job").click()
    expect(page.get_by_role("button", name="Leave it running")).to_be_focused()
    assert axe(page) == []
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("button", name="Stop the job")).to_be_focused()
    assert job.status == "InProgress"
    page.get_by_role("button", name="Stop the job").click()
    page.get_by_role("dialog").get_by_role("button", name="Stop the job").click()

    expect(page.get_by_text("stopping", exact=True)).to_be_visible()
    assert job.status == "Stopping"
    expect(page.get_by_role("button", name="Stop the job")).to_have_count(0)


def test_a_server_that_is_away_is_told_and_tried_again(page: Page, server: StubServer, origin: str) -> None:
    server.faults, server.faults_stay = [("/me", 503, "ServiceUnavailable")], True
    page.goto(origin)
    expect(page.get_by_role("heading", name="The workbench does not answer")).to_be_visible()

    server.faults = []
    page.get_by_role("button", name="Try again").click()

    expect(page.get_by_role("link", name="Sign in")).to_be_visible()


def test_dark_colours_have_enough_contrast_too(
    context: BrowserContext, page: Page, server: StubServer, origin: str, axe: Faults
) -> None:
    page.emulate_media(color_scheme="dark")
    server.add(StubJob("bad", [], title="Bad job", status="Failed", failure="line 3"))
    server.add(StubJob("receipts", ["field"]))

    sign_in(page, origin, server, "both")

    expect(page.get_by_role("link", name="Work on")).to_be_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(21, 24, 28)"
    assert axe(page) == []


def test_a_page_that_is_not_there_says_so(page: Page, server: StubServer, origin: str) -> None:
    sign_in(page, origin, server, "ana", "/#/nowhere/at/all")

    expect(page.get_by_role("heading", name=re.compile("no such page"))).to_be_visible()
