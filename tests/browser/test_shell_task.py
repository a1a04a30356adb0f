"""A person at work: tasks, drafts, time, hostile frames and a server that says no, in a real browser."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, FrameLocator, Page, Route, expect

from tests.browser.conftest import WAIT_MS, Serve
from tests.browser.stub_server import StubAssignment, StubJob, StubServer, store_app

Faults = Callable[[Page], list[str]]
CURRENT = "iframe:not(.ahead)"


@pytest.fixture(scope="module")
def stored() -> dict[str, bytes]:
    return {}


@pytest.fixture(scope="module")
def served(
    web_static: Path, serve: Serve, stored: dict[str, bytes], tmp_path_factory: Any
) -> tuple[StubServer, str]:
    store = serve(store_app(tmp_path_factory.mktemp("store"), stored, []))
    server = StubServer(web_static, store)
    return server, serve(server.app)


@pytest.fixture
def broken(page: Page) -> list[str]:
    """Scripts that throw; the policy is meant to forbid things to the hostile frames of these tests."""
    found: list[str] = []
    page.on("pageerror", lambda error: found.append(str(error)))
    return found


def work_at(page: Page, origin: str, server: StubServer, job: StubJob) -> FrameLocator:
    """Open the job's first task, signed in already."""
    server.add(job)
    signed_in(page, origin, server)
    page.goto(f"{origin}/#/jobs/{job.name}/work")
    task_has_keys(page)
    return page.frame_locator(CURRENT)


def task_has_keys(page: Page) -> None:
    """Wait until the task is loaded and has the focus, which the browser hands over between its processes.

    Chromium can lose the focus of who clicks elsewhere just then.
    """
    shown = page.locator(CURRENT).element_handle().content_frame()
    assert shown
    shown.wait_for_function(
        "() => location.href !== 'about:blank' && document.readyState === 'complete' && document.hasFocus()"
    )


def signed_in(page: Page, origin: str, server: StubServer) -> None:
    server.sessions.add("ana")
    page.context.add_cookies([{"name": "recto_session", "value": "ana", "url": f"{origin}/api"}])


def wait(page: Page, holds: Callable[[], object], seconds: float = WAIT_MS / 1000) -> None:
    """Wait for something that the browser does on its own time, while Playwright goes on with its events."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        page.wait_for_timeout(50)


def type_total(frame: FrameLocator, text: str) -> None:
    frame.get_by_label("Total").fill(text)


def saved(page: Page) -> Any:
    return page.locator("[data-test=saved]")


def test_a_job_is_worked_through_by_keyboard_alone(
    page: Page, server: StubServer, origin: str, broken: list[str], axe: Faults
) -> None:
    job = StubJob("receipts", ["field"] * 3)
    frame = work_at(page, origin, server, job)
    expect(page.locator("iframe.ahead")).to_have_count(1)
    assert axe(page) == []

    for number in range(3):
        expect(page.get_by_text(f"Task {number + 1} ·")).to_be_visible()
        task_has_keys(page)
        page.keyboard.press("Tab")  # the frame has the focus: on to its field
        expect(frame.get_by_label("Total")).to_be_focused()
        page.keyboard.type(f"{number}.50")
        page.keyboard.press("Control+Enter")
        wait(page, lambda number=number: job.objects[number]["answers"] == 1)

    expect(page.get_by_role("heading", name="Nothing more is open for you here")).to_be_visible()
    expect(page.get_by_text("you have done 3")).to_be_visible()
    assert axe(page) == []
    answers = {a.number: a.answer for a in server.assignments.values() if a.state == "SUBMITTED"}
    assert answers == {n: {"total": f"{n}.50"} for n in range(3)}
    assert broken == []


def test_a_task_takes_the_keys_once_it_is_loaded_unless_a_person_has_gone_elsewhere(
    page: Page, server: StubServer, origin: str
) -> None:
    coming: list[Route] = []

    def hold(route: Route) -> None:
        coming.append(route)

    page.route("**/frames/*~*", hold)
    server.add(StubJob("receipts", ["field"]))
    signed_in(page, origin, server)

    page.goto(f"{origin}/#/jobs/receipts/work")
    wait(page, lambda: coming)
    assert page.evaluate("document.activeElement.tagName") != "IFRAME", "keys go to a frame that is not there"
    coming.pop().continue_()
    task_has_keys(page)

    page.reload()
    wait(page, lambda: coming)
    page.get_by_role("button", name="Give back").focus()
    coming.pop().continue_()
    expect(page.frame_locator(CURRENT).get_by_label("Total")).to_be_visible()
    page.wait_for_timeout(300)
    expect(page.get_by_role("button", name="Give back")).to_be_focused()


def test_the_next_task_is_loaded_ahead_and_not_again(page: Page, server: StubServer, origin: str) -> None:
    loaded: list[str] = []
    page.on("request", lambda request: loaded.append(request.url) if "/frames/" in request.url else None)
    frame = work_at(page, origin, server, StubJob("receipts", ["field"] * 2))
    expect(page.locator("iframe.ahead")).to_have_count(1)
    wait(page, lambda: len(loaded) == 2)
    assert server.only(number=1).state == "RESERVED"

    type_total(frame, "1")
    page.get_by_role("button", name="Submit").click()

    expect(page.get_by_text("Task 2 ·")).to_be_visible()
    wait(page, lambda: server.only(number=1).state == "STARTED")
    assert len(loaded) == 2, "the frame that was there is the one that is shown"


def test_drafts_are_saved_and_come_back_after_a_reload(
    page: Page, server: StubServer, origin: str, broken: list[str]
) -> None:
    frame = work_at(page, origin, server, StubJob("receipts", ["field"] * 2))

    type_total(frame, "12.40")
    expect(saved(page)).to_contain_text("Saved ")
    assert server.only(number=0).draft == {"total": "12.40"}
    page.reload()

    expect(frame.get_by_label("Total")).to_have_value("12.40")
    expect(page.get_by_text("Task 1 ·")).to_be_visible()
    assert broken == []


def test_a_draft_outlives_a_lost_network_and_a_reload(
    page: Page, context: BrowserContext, server: StubServer, origin: str
) -> None:
    frame = work_at(page, origin, server, StubJob("receipts", ["field"]))
    server.faults, server.faults_stay = [("/draft", 503, "ServiceUnavailable")], True

    type_total(frame, "9.99")
    expect(saved(page)).to_contain_text("Not saved: trying again")
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()

    expect(frame.get_by_label("Total")).to_have_value("9.99")
    assert server.only().draft is None
    server.faults = []
    expect(saved(page)).to_contain_text("Saved ")
    assert server.only().draft == {"total": "9.99"}
    assert page.evaluate("sessionStorage.length") == 0, "what is saved is not kept here"


def test_work_goes_on_where_it_stopped_from_the_list_of_jobs(
    page: Page, server: StubServer, origin: str
) -> None:
    frame = work_at(page, origin, server, StubJob("receipts", ["field"] * 3))
    type_total(frame, "5")
    expect(saved(page)).to_contain_text("Saved ")

    page.get_by_role("link", name="Recto workbench").click()
    page.get_by_role("link", name="Work on").click()

    expect(page.get_by_text("Task 1 ·")).to_be_visible()
    expect(frame.get_by_label("Total")).to_have_value("5")


def test_an_incomplete_answer_is_not_sent_and_what_is_missing_is_said(
    page: Page, server: StubServer, origin: str
) -> None:
    work_at(page, origin, server, StubJob("receipts", ["field"]))

    page.get_by_role("button", name="Submit").click()

    expect(page.get_by_text("Still to do: the total")).to_be_visible()
    expect(page.get_by_role("alert")).to_contain_text("Not complete: the total")
    assert server.only().state == "STARTED"


def test_what_is_missing_is_said_though_it_was_not_known_at_the_press(
    page: Page, server: StubServer, origin: str
) -> None:
    work_at(page, origin, server, StubJob("receipts", ["slow"]))

    page.get_by_role("button", name="Submit").click()

    expect(page.get_by_role("alert")).to_contain_text("Not complete: the total")


def test_undo_and_redo_by_button_and_key(page: Page, server: StubServer, origin: str) -> None:
    frame = work_at(page, origin, server, StubJob("receipts", ["field"]))
    undo, redo = page.get_by_role("button", name="Undo"), page.get_by_role("button", name="Redo")
    expect(undo).to_be_disabled()
    type_total(frame, "1")
    type_total(frame, "12")

    undo.click()
    expect(frame.get_by_label("Total")).to_have_value("1")
    page.keyboard.press("Control+Shift+Z")
    expect(frame.get_by_label("Total")).to_have_value("12")
    expect(redo).to_be_disabled()


def test_help_shows_all_keys_and_gives_the_focus_back(
    page: Page, server: StubServer, origin: str, axe: Faults
) -> None:
    frame = work_at(page, origin, server, StubJob("receipts", ["field"]))
    frame.get_by_label("Total").press("Escape")  # out of the frame
    expect(page.locator("#main")).to_be_focused()
    page.keyboard.press("?")

    expect(page.get_by_role("dialog")).to_contain_text("draw a box")
    expect(page.get_by_role("dialog")).to_contain_text("Ctrl+Enter")
    assert axe(page) == []
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.locator(CURRENT)).to_be_focused()


def test_a_task_is_skipped_with_a_reason(page: Page, server: StubServer, origin: str, axe: Faults) -> None:
    work_at(page, origin, server, StubJob("receipts", ["field"] * 2))

    page.get_by_role("button", name="Skip").click()
    assert axe(page) == []
    expect(page.get_by_role("dialog").get_by_role("button", name="Skip", exact=True)).to_be_disabled()
    page.get_by_label("Reason").fill("upside down")
    page.keyboard.press("Control+Enter")

    expect(page.get_by_text("Task 2 ·")).to_be_visible()
    assert (server.only(number=0).state, server.only(number=0).reason) == ("SKIPPED", "upside down")


def test_a_task_is_given_back_and_keeps_its_draft(page: Page, server: StubServer, origin: str) -> None:
    frame = work_at(page, origin, server, StubJob("receipts", ["field"]))
    type_total(frame, "3")

    page.get_by_role("button", name="Give back").click()
    page.get_by_role("dialog").get_by_role("button", name="Give back").click()

    expect(page.get_by_role("heading", name="Jobs")).to_be_visible()
    given = server.only()
    assert (given.state, given.draft) == ("RETURNED", {"total": "3"})


def test_a_task_reserved_ahead_is_released_when_one_leaves(
    page: Page, server: StubServer, origin: str
) -> None:
    work_at(page, origin, server, StubJob("receipts", ["field"] * 2))
    expect(page.locator("iframe.ahead")).to_have_count(1)

    page.get_by_role("link", name="Recto workbench").click()

    expect(page.get_by_role("heading", name="Jobs")).to_be_visible()
    wait(page, lambda: server.only(number=1).state == "RETURNED")
    assert server.only(number=0).state == "STARTED"


def test_time_runs_out_with_a_warning_and_a_clear_end(
    page: Page, server: StubServer, origin: str, axe: Faults
) -> None:
    page.clock.install()
    page.clock.resume()
    frame = work_at(page, origin, server, StubJob("receipts", ["field"] * 2, limit=6000))
    type_total(frame, "3")
    expect(page.locator(".time")).to_contain_text("min")
    expect(saved(page)).to_contain_text("Saved ")

    page.clock.fast_forward(5_950_000)
    expect(page.locator(".time.now")).to_be_visible()
    expect(page.get_by_role("alert")).to_contain_text("left for this task")
    server.only(number=0).expires = time.time() - 1
    page.clock.fast_forward(60_000)

    expect(page.get_by_role("heading", name="The time for this task is over")).to_be_visible()
    expect(page.get_by_role("dialog")).to_contain_text("is kept as a draft")
    assert axe(page) == []


def test_a_wrong_clock_on_this_machine_changes_nothing(page: Page, server: StubServer, origin: str) -> None:
    page.clock.install(time=time.time() + 7200)
    page.clock.resume()

    work_at(page, origin, server, StubJob("receipts", ["field"], limit=600))

    expect(page.locator(".time")).to_contain_text("9 min")


@pytest.mark.parametrize(
    ("error", "says"),
    [
        ("TaskExpiredError", "The time for this task is over"),
        ("AlreadySubmittedError", "This task has its answer already"),
        ("NotAllowedError", "This task is not yours any more"),
    ],
)
def test_a_refused_answer_is_told_plainly_and_work_goes_on(
    page: Page, server: StubServer, origin: str, error: str, says: str
) -> None:
    frame = work_at(page, origin, server, StubJob("receipts", ["field"] * 2))
    type_total(frame, "3")
    expect(saved(page)).to_contain_text("Saved ")
    server.faults = [("/submit", 409, error)]

    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_role("dialog", name=says)).to_be_visible()
    expect(page.get_by_role("dialog")).to_contain_text(f"the test asked for {error}")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Next task").click()

    expect(page.get_by_text("Task 2 ·")).to_be_visible()


def test_a_task_opened_anew_elsewhere_is_loaded_again_with_its_work(
    page: Page, server: StubServer, origin: str
) -> None:
    frame = work_at(page, origin, server, StubJob("receipts", ["field"]))
    type_total(frame, "3")
    server.only().nonce = "nonce-of-another-tab"

    page.get_by_role("button", name="Submit").click()
    page.get_by_role("button", name="Load again").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(frame.get_by_label("Total")).to_have_value("3")
    page.get_by_role("button", name="Submit").click()

    wait(page, lambda: server.only().answer == {"total": "3"})


def test_an_answer_that_could_not_be_sent_is_kept_and_sent_again(
    page: Page, server: StubServer, origin: str
) -> None:
    frame = work_at(page, origin, server, StubJob("receipts", ["field"]))
    type_total(frame, "3")
    server.faults = [("/submit", 503, "ServiceUnavailable")]

    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_role("dialog", name="Not sent yet")).to_be_visible()
    page.get_by_role("button", name="Send again").click()

    wait(page, lambda: server.only().answer == {"total": "3"})


def test_a_session_that_ends_amid_work_loses_nothing(
    page: Page, server: StubServer, origin: str, axe: Faults
) -> None:
    frame = work_at(page, origin, server, StubJob("receipts", ["field"]))
    server.sessions.clear()
    type_total(frame, "3")
    expect(page.get_by_role("dialog", name="You are signed out")).to_be_visible()
    assert axe(page) == []

    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Sign in (new tab)").click()
    expect(opened.value.get_by_text("ana@example.com")).to_be_visible()
    page.get_by_role("button", name="I have signed in: go on").click()

    expect(saved(page)).to_contain_text("Saved ")
    assert server.only().draft == {"total": "3"}


def test_large_label_images_go_by_a_link_of_their_own(
    page: Page, server: StubServer, origin: str, stored: dict[str, bytes]
) -> None:
    frame = work_at(page, origin, server, StubJob("segments", ["image"]))
    type_total(frame, "3")

    page.get_by_role("button", name="Submit").click()

    wait(page, lambda: server.only().state == "SUBMITTED")
    assert server.only().answer == {"labeledImage": {"pngImageData": {"uploaded": "a0-1"}}}
    assert server.uploads == [60_000]
    assert stored["a0-1"][:3] == b"\x89PN"
    assert len(stored["a0-1"]) == 60_000


def test_a_frame_that_throws_is_shown_as_text_and_can_be_reported(
    page: Page, server: StubServer, origin: str, axe: Faults
) -> None:
    work_at(page, origin, server, StubJob("receipts", ["throws", "field"]))

    expect(page.get_by_text("<b>boom</b> is not a function")).to_be_visible()
    assert axe(page) == []
    page.get_by_role("button", name="Skip and report").click()
    page.get_by_role("dialog").get_by_role("button", name="Skip", exact=True).click()

    expect(page.get_by_text("Task 2 ·")).to_be_visible()
    assert "boom" in server.only(number=0).reason


def test_a_frame_that_says_nothing_is_told_after_a_while(page: Page, server: StubServer, origin: str) -> None:
    page.clock.install()
    page.clock.resume()
    work_at(page, origin, server, StubJob("receipts", ["silent"]))

    page.clock.fast_forward(20_000)

    expect(page.get_by_text("has not said that it is ready")).to_be_visible()


def test_a_frame_that_submits_twice_gives_one_answer(page: Page, server: StubServer, origin: str) -> None:
    work_at(page, origin, server, StubJob("receipts", ["twice"]))

    page.get_by_role("button", name="Submit").click()

    expect(page.get_by_role("heading", name="Nothing more is open for you here")).to_be_visible()
    assert server.only().answer == {"n": 1}
    assert len([r for r in server.requests if r.endswith("/submit")]) == 1


def test_a_hostile_frame_reaches_nothing_and_its_forgeries_are_dropped(
    page: Page, server: StubServer, origin: str, broken: list[str]
) -> None:
    work_at(page, origin, server, StubJob("receipts", ["hostile"]))
    server_side: Callable[[], StubAssignment] = server.only

    wait(page, lambda: server_side().draft is not None)

    assert server_side().draft == {
        "parent": "SecurityError",
        "cookie": "SecurityError",
        "storage": "SecurityError",
        "top": "SecurityError",
        "popup": "TypeError",
        "dialog": "done",  # the browser shows none
        "api": "TypeError",
    }
    assert server_side().state == "STARTED"
    assert page.url.startswith(f"{origin}/#/tasks/")
    expect(page.get_by_role("button", name="Submit")).to_be_enabled()
    assert broken == []


def test_a_task_that_is_somebody_elses_or_gone_is_told(page: Page, server: StubServer, origin: str) -> None:
    job = server.add(StubJob("receipts", ["field"] * 2))
    server.assignments["a9"] = StubAssignment("a9", job, 0, "both", "n", state="STARTED")
    signed_in(page, origin, server)
    page.goto(f"{origin}/#/tasks/a9")
    expect(page.get_by_role("dialog")).to_contain_text("this task is somebody else's")

    page.goto(f"{origin}/#/tasks/missing")

    expect(page.get_by_role("dialog")).to_contain_text("there is no such task")
