"""The status page in a real browser, over the real API: what an operator sees, and what he has done again.

Documents are real ones (`tests.browser.review_stub`); only the deployment's function for processing again is
played, and its requests are read where it got them.
"""

import json
import os
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from recto.document import Page as ReadPage
from recto.document import Word
from recto.errors import ReprocessRefusedError
from recto.fields import parse_fields
from recto.geometry import Box
from recto.messages import Status, Step
from recto.places import DocumentPlaces, Location
from recto.ports import DocumentRow, ObjectInfo
from recto.review import LOOP, human_loop_name
from recto_workbench.loops import LoopPlaces
from recto_workbench.review_ports import LoopChange
from tests.browser import review_stub
from tests.browser.conftest import Serve
from tests.browser.review_stub import Example
from tests.browser.stub_server import StubServer
from tests.workbench_fakes import WORK

pytestmark = pytest.mark.skipif(
    not review_stub.DATA.exists(), reason="real documents lie in ../shared/data, which is not here"
)

Faults = Callable[[Page], list[str]]
PICTURES = os.environ.get("RECTO_SCREENSHOTS")
LAPTOP = {"width": 1366, "height": 768}
ASKED = "Attempt 2 is asked for, from {} on."
HOSTILE = '"><img src=x onerror="window.owned=1">\u202egpj.<script>owned=1</script>'
IMAGE = "<img/src=x/onerror=owned=1>"
# Refreshes at once, as when somebody comes back to the tab.
LOOK_AGAIN = "document.dispatchEvent(new Event('visibilitychange'))"


@pytest.fixture(scope="module")
def fetched() -> list[str]:
    """What the browser has read of the object store."""
    return []


@pytest.fixture(scope="module")
def served(web_static: Path, serve: Serve, fetched: list[str]) -> tuple[StubServer, str]:
    made: list[StubServer] = []
    store = serve(review_stub.object_app(lambda: made[0].review, fetched))
    made.append(StubServer(web_static, store))
    return made[0], serve(made[0].app)


@pytest.fixture
def page(context: BrowserContext) -> Page:
    made = context.new_page()
    made.set_viewport_size(LAPTOP)
    return made


def sign_in(page: Page, origin: str, server: StubServer, to: str, person: str = "olga") -> None:
    server.signs_in = person
    page.goto(f"{origin}/api/auth/sign-in?next=/")
    expect(page.get_by_text(f"{person}@example.com")).to_be_visible()
    page.goto(f"{origin}{to}")


def published(server: StubServer, example: Example, **changes: Any) -> DocumentRow:
    """A document that has been through everything, with its result."""
    row = server.review.add_document(example, Status.PROCESSED, **{"confidence": 0.93, **changes})
    body = json.dumps(review_stub._judged(example).to_json()).encode()
    places = DocumentPlaces(WORK, row.document_id)
    for place in (places.fields, places.result):
        server.review.objects.write(place, body)
    return row


def written(server: StubServer, row: DocumentRow, monkeypatch: pytest.MonkeyPatch) -> None:
    """The memory's objects know no times: here the steps' results were written one after the other."""
    places, began = DocumentPlaces(WORK, row.document_id), row.updated - timedelta(seconds=7)
    after = {places.ocr_index: 3, places.predictions_part_index(1): 4.5, places.fields: 5, places.result: 6}
    whole = server.review.objects.info
    server.review.objects.write(places.predictions_part_index(1), b"{}")

    def info(place: Location) -> ObjectInfo | None:
        found = whole(place)
        if found is None or place not in after:
            return found
        return found._replace(changed=began + timedelta(seconds=after[place]))

    monkeypatch.setattr(server.review.objects, "info", info)


def in_review(server: StubServer, example: Example) -> DocumentRow:
    """With its loop under the name that the pipeline gives loops."""
    loop = server.review.add(example)
    row = server.review.documents.rows[loop.document_id]
    named = loop.model_copy(update={"name": human_loop_name(LOOP, row.review_id)})
    task = server.review.objects.read(LoopPlaces(WORK, loop.name).input)
    server.review.objects.write(LoopPlaces(WORK, named.name).input, task)
    assert server.review.desk.loops.write(LoopChange(loop=named))
    return row


def many(server: StubServer, count: int) -> None:
    """Rows alone, the newest first: `scan-000.pdf` is the newest."""
    for number in range(count):
        moment = review_stub.now() - timedelta(minutes=10 + number)
        row = DocumentRow(
            document_id=f"{number:032x}", status=Status.WAITING, bucket="inbox", received=moment,
            key=f"batch/scan-{number:03d}.pdf", updated=moment,
        )  # fmt: skip
        server.review.documents.add(row)


def opened(page: Page, origin: str, server: StubServer, row: DocumentRow) -> None:
    sign_in(page, origin, server, f"/#/documents/{row.document_id}")
    expect(page.locator("[data-test=status]")).to_be_visible()


def rows(page: Page) -> Locator:
    return page.locator("tbody tr")


def part(page: Page, name: str) -> Locator:
    page.get_by_role("button", name=name, exact=True).click()
    return page.get_by_role("region", name=name, exact=True)


def every_kind(server: StubServer) -> DocumentRow:
    """Documents as a desk has them on a working day; the published one that is looked at."""
    for example in (review_stub.receipt(), review_stub.cards(), review_stub.fax()):
        in_review(server, example)
    names = {2: ("letters/holiday.jpg", Status.REJECTED, "DocumentRejectedError", "a holiday picture")}
    names[3] = ("receipts/torn.jpg", Status.FAILED, "OcrFailedError", "Textract: INVALID_IMAGE_TYPE")
    for number, (key, status, error, cause) in names.items():
        example = review_stub.receipt(number)
        example.name, example.key = key, key
        server.review.add_document(example, status, error=error, cause=cause)
    for number in (4, 5):
        published(server, review_stub.receipt(number), confidence=0.9 + number / 60)
    waiting = review_stub.receipt(6)
    row = server.review.add_document(waiting, Status.IN_REVIEW)
    server.review.documents.move(row.document_id, (Status.IN_REVIEW,), Status.RUNNING, review_stub.now())
    signed = review_stub.contract()
    signed.name, signed.key = "signed", "contracts/signed.pdf"
    return published(server, signed)


def alert(page: Page) -> Locator:
    """What is said in the page; the region for screen readers says it as well."""
    return page.locator("main").get_by_role("alert")


def picture(page: Page, name: str) -> None:
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"{name}.png")


# ---- the list ---------------------------------------------------------------------------------------


def test_documents_by_state_and_what_was_chosen_is_in_the_address(
    page: Page, server: StubServer, origin: str
) -> None:
    server.review.add_examples()
    sign_in(page, origin, server, "/#/documents")
    expect(rows(page)).to_have_count(10)
    page.get_by_role("button", name="failed (1)").click()

    expect(rows(page)).to_have_count(1)
    expect(rows(page)).to_contain_text("OcrFailedError: Textract: INVALID_IMAGE_TYPE")
    expect(rows(page)).to_contain_text(re.compile(r"\d+ min"))
    rows(page).get_by_role("link").click()
    expect(page.locator("[data-test=status]")).to_have_text("failed")
    page.go_back()
    expect(page.get_by_role("button", name="failed (1)")).to_have_attribute("aria-pressed", "true")
    expect(rows(page)).to_have_count(1)
    page.get_by_role("link", name="Documents").click()
    expect(rows(page)).to_have_count(10)

    page.get_by_role("button", name="processed (1)").click()
    expect(rows(page)).to_have_count(1)
    expect(rows(page)).to_contain_text("93 %")
    page.get_by_role("button", name="in review (7)").click()
    expect(rows(page)).to_have_count(7)
    # The examples' loops have names of their own: as where another desk has them, no link leads nowhere.
    expect(rows(page).get_by_role("link", name="Review")).to_have_count(0)


def test_documents_are_found_by_name_and_by_number(page: Page, server: StubServer, origin: str) -> None:
    many(server, 12)
    sign_in(page, origin, server, "/#/documents")
    box = page.get_by_role("searchbox")

    box.fill("SCAN-007")
    expect(rows(page)).to_have_count(1)
    expect(rows(page)).to_contain_text("scan-007.pdf")
    assert "search=SCAN-007" in page.url
    box.fill(f"{3:032x}")
    expect(rows(page)).to_contain_text("scan-003.pdf")
    box.fill("nowhere")
    expect(page.get_by_role("heading", name="Nothing found")).to_be_visible()
    page.reload()
    expect(box).to_have_value("nowhere")
    box.fill("")
    expect(rows(page)).to_have_count(12)


def test_pages_of_results_and_a_refresh_in_place(page: Page, server: StubServer, origin: str) -> None:
    many(server, 120)
    sign_in(page, origin, server, "/#/documents")
    expect(rows(page)).to_have_count(50)
    page.get_by_role("button", name="Older documents").click()
    expect(rows(page).first).to_contain_text("scan-050.pdf")
    page.get_by_role("button", name="Older documents").click()
    expect(rows(page)).to_have_count(20)
    expect(page.get_by_role("button", name="Older documents")).to_be_disabled()
    page.get_by_role("button", name="Newer documents").click()
    expect(rows(page).first).to_contain_text("scan-050.pdf")

    first = rows(page).first
    first.get_by_role("link").focus()
    page.evaluate("document.querySelector('tbody tr').kept = true")
    moved = server.review.documents.rows[f"{50:032x}"]
    server.review.documents.move(
        moved.document_id, (Status.WAITING,), Status.FAILED, review_stub.now(), error="PageError", cause="x"
    )
    page.evaluate(LOOK_AGAIN)
    expect(first).to_contain_text("PageError: x")
    assert page.evaluate("document.querySelector('tbody tr').kept") is True
    expect(first.get_by_role("link")).to_be_focused()


def test_a_list_that_cannot_be_refreshed_stays_and_says_so(
    page: Page, server: StubServer, origin: str, context: BrowserContext
) -> None:
    many(server, 3)
    sign_in(page, origin, server, "/#/documents")
    expect(rows(page)).to_have_count(3)
    server.faults = [("/documents", 503, "ServiceUnavailableError")]
    page.evaluate(LOOK_AGAIN)
    expect(alert(page)).to_contain_text("ServiceUnavailableError")
    expect(rows(page)).to_have_count(3)
    page.get_by_role("button", name="Try again").click()
    expect(alert(page)).to_have_count(0)

    server.sessions.clear()
    page.evaluate(LOOK_AGAIN)
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()


# ---- one document -----------------------------------------------------------------------------------


def test_fields_lead_to_their_places_and_boxes_to_their_fields(
    page: Page, server: StubServer, origin: str, broken: list[str]
) -> None:
    row = published(server, review_stub.contract())
    opened(page, origin, server, row)
    expect(page.get_by_text("As published.")).to_be_visible()
    box = page.locator("[data-mark][aria-label^='party: ']").first
    expect(box).to_be_visible()
    part(page, "Timeline")
    box.click()
    active = page.locator("[data-found].active")
    expect(active).to_contain_text("party")
    expect(active.locator("[aria-pressed=true]")).to_have_count(1)

    page.locator("[data-found]", has_text="jurisdiction").get_by_role("button").click()
    place = page.locator("[data-mark][aria-label^='jurisdiction: ']")
    expect(place).to_be_in_viewport()
    expect(place).to_have_attribute("aria-current", "true")
    assert broken == []


def test_the_document_is_not_drawn_anew_by_a_refresh(
    page: Page, server: StubServer, origin: str, fetched: list[str]
) -> None:
    row = published(server, review_stub.contract())
    opened(page, origin, server, row)
    expect(page.locator(".viewer-page canvas").first).to_be_visible()
    page.evaluate("document.querySelector('.viewer-page canvas').kept = true")
    asked = len([line for line in server.requests if line.endswith(row.document_id)])
    reads = len(fetched)

    for _ in range(3):
        with page.expect_response(f"**/api/documents/{row.document_id}"):
            page.evaluate(f"later = (window.later ?? 1e9) + 1e6; performance.now = () => later; {LOOK_AGAIN}")

    assert len([line for line in server.requests if line.endswith(row.document_id)]) >= asked + 3
    assert page.evaluate("document.querySelector('.viewer-page canvas').kept") is True
    assert len(fetched) == reads


def test_what_happened_what_it_cost_and_where_the_result_is(
    page: Page,
    server: StubServer,
    origin: str,
    context: BrowserContext,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    example = review_stub.receipt()
    row = published(server, example)
    written(server, row, monkeypatch)
    opened(page, origin, server, row)

    timeline = part(page, "Timeline")
    expect(timeline.locator("li.status")).to_have_text(
        [re.compile(each) for each in ("received.*1.0 s", "waiting.*1.0 s", "running.*7.0 s", "processed")]
    )
    steps = ("OCR done.*3.0 s", "model done.*1.5 s", "postprocessing done.*0.5 s", "publishing done.*1.0 s")
    expect(timeline.locator("li.step")).to_have_text([re.compile(each) for each in steps])
    about = part(page, "Cost and links")
    expect(about).to_contain_text("OCR jobs")
    expect(about).to_contain_text("DocumentProcessed")
    expect(about).to_contain_text(row.document_id)
    link = about.get_by_role("link", name="The result file")
    address = link.get_attribute("href")
    assert address
    assert "expires=900" in address
    assert context.request.get(address).json()["Fields"]["Total"]["Value"] == example.said["Total"][0][0]


def test_a_waiting_review_is_one_click_away(page: Page, server: StubServer, origin: str) -> None:
    row = in_review(server, review_stub.receipt())
    opened(page, origin, server, row)

    expect(page.get_by_text("As the model found them; not published yet.")).to_be_visible()
    expect(part(page, "Timeline").locator("li.status").last).to_contain_text("since")
    page.get_by_role("link", name="Open the review").click()
    expect(page.get_by_role("heading", name="004.jpg")).to_be_visible()
    expect(page.get_by_role("button", name="Review it")).to_be_visible()
    page.go_back()
    page.get_by_role("link", name="Documents").last.click()
    expect(rows(page)).to_contain_text("unsure Date, unsure Address, unsure Total and 1 more")
    page.get_by_role("link", name="Review receipts/004.jpg").click()
    expect(page.get_by_role("button", name="Review it")).to_be_visible()


def test_a_running_document_is_followed_to_its_end(page: Page, server: StubServer, origin: str) -> None:
    row = server.review.add_document(review_stub.receipt(), Status.IN_REVIEW)
    server.review.documents.move(row.document_id, (Status.IN_REVIEW,), Status.RUNNING, review_stub.now())
    opened(page, origin, server, row)
    expect(page.locator("[data-test=status]")).to_have_text("running")
    expect(page.get_by_role("button", name="Process again")).to_have_count(0)

    server.review.documents.move(
        row.document_id, (Status.RUNNING,), Status.FAILED, review_stub.now(),
        error="ModelError", cause="the endpoint answered nothing",
    )  # fmt: skip
    expect(page.locator("[data-test=status]")).to_have_text("failed")
    expect(page.get_by_text("ModelError: the endpoint answered nothing").first).to_be_visible()
    expect(page.get_by_role("button", name="Go on where it stopped")).to_be_visible()


def test_a_document_whose_object_is_gone_and_one_that_never_was(
    page: Page, server: StubServer, origin: str
) -> None:
    example = review_stub.receipt()
    row = published(server, example)
    server.review.objects.delete(Location(bucket=review_stub.INBOX, key=example.key))
    opened(page, origin, server, row)
    expect(page.get_by_text("the document has been removed from the inbox")).to_be_visible()
    expect(page.locator("[data-found]", has_text="Total")).to_be_visible()

    page.goto(f"{origin}/#/documents/none")
    expect(page.get_by_role("heading", name="This document cannot be shown")).to_be_visible()
    expect(alert(page)).to_contain_text("there is no document 'none'")


# ---- once more --------------------------------------------------------------------------------------


def test_processing_again_asks_first_and_says_what_came_of_it(
    page: Page, server: StubServer, origin: str
) -> None:
    row = published(server, review_stub.receipt())
    opened(page, origin, server, row)
    page.get_by_role("button", name="Process again").click()
    dialog = page.get_by_role("dialog", name="Process this document again?")
    go = dialog.get_by_role("button", name="Process again")
    expect(go).to_be_disabled()
    dialog.get_by_role("radio", name="OCR").check()
    expect(go).to_be_disabled()  # OCR costs money: that is said by a tick
    dialog.get_by_role("checkbox", name="Pay for OCR again (1 page)").check()
    expect(go).to_be_enabled()
    dialog.get_by_role("radio", name="postprocessing").check()
    go.click()

    expect(page.locator("[data-test=outcome]")).to_have_text(ASKED.format("postprocessing"))
    expect(dialog).to_have_count(0)
    [asked] = server.review.again.asked
    assert (asked.document_id, asked.of_attempt, asked.from_) == (row.document_id, 1, Step.POSTPROCESS)
    assert asked.pay_for_ocr is False
    assert asked.operator == "olga@example.com"


def test_ocr_is_paid_again_only_after_a_tick(page: Page, server: StubServer, origin: str) -> None:
    row = published(server, review_stub.receipt())
    opened(page, origin, server, row)
    page.get_by_role("button", name="Process again").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("radio", name="OCR").check()
    dialog.get_by_role("checkbox").check()
    dialog.get_by_role("button", name="Process again").click()

    expect(page.locator("[data-test=outcome]")).to_contain_text("from OCR on")
    [asked] = server.review.again.asked
    assert (asked.from_, asked.pay_for_ocr) == (Step.OCR, True)


def test_a_refusal_is_shown_where_it_was_asked(page: Page, server: StubServer, origin: str) -> None:
    row = in_review(server, review_stub.receipt())
    server.review.again.refuses = ReprocessRefusedError("somebody was faster: attempt 2 waits already")
    opened(page, origin, server, row)
    page.get_by_role("button", name="Process again").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("The review that waits is withdrawn")
    dialog.get_by_role("radio", name="model").check()
    dialog.get_by_role("button", name="Process again").click()

    expect(dialog.get_by_role("alert")).to_contain_text("somebody was faster: attempt 2 waits already")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(page.locator("[data-test=outcome]")).to_have_count(0)
    assert server.review.again.asked == []


def test_a_failed_document_goes_on_where_it_stopped(page: Page, server: StubServer, origin: str) -> None:
    said = {"error": "ModelError", "cause": "the endpoint answered nothing"}
    row = server.review.add_document(review_stub.receipt(), Status.FAILED, **said)
    opened(page, origin, server, row)
    page.get_by_role("button", name="Go on where it stopped").click()
    dialog = page.get_by_role("dialog", name="Go on where it stopped?")
    expect(dialog).to_contain_text("Attempt 2 begins with the first step whose result is missing")
    dialog.get_by_role("button", name="Go on").click()

    expect(page.locator("[data-test=outcome]")).to_have_text(ASKED.format("model"))
    [asked] = server.review.again.asked
    assert (asked.from_, asked.of_attempt, asked.pay_for_ocr) == (None, 1, False)


# ---- safety, and for everybody ----------------------------------------------------------------------


def hostile() -> Example:
    words = [
        Word(text, Box(0.1, 0.1 + n / 10, 0.6, 0.15 + n / 10), 0.9, n, f"{n}")
        for n, text in enumerate(["<script>owned=1</script>", IMAGE, "{{constructor}}"])
    ]
    fields = parse_fields([{"ClassId": 0, "Name": HOSTILE}, {"ClassId": 1, "Name": "__proto__"}])
    said = {HOSTILE: [(word.text, 0.5) for word in words], "__proto__": [(words[0].text, 0.9)]}
    content = review_stub.receipt().content
    return Example("hostile", f"{HOSTILE}.jpg", content, [ReadPage(1, tuple(words))], fields, said)


def test_names_and_texts_are_text_whatever_they_say(
    page: Page, server: StubServer, origin: str, broken: list[str]
) -> None:
    row = published(server, hostile())
    worse = {"error": "<b>Bad</b>", "cause": "javascript:owned=1 <iframe src=/stolen></iframe>"}
    server.review.add_document(review_stub.receipt(), Status.FAILED, **worse)
    sign_in(page, origin, server, "/#/documents")
    expect(page.get_by_text("<b>Bad</b>: javascript:owned=1 <iframe")).to_be_visible()
    page.get_by_role("link", name=row.key).click()

    expect(page.get_by_role("heading", level=1)).to_have_text(row.key)
    first = page.locator("[data-found='0']")
    expect(first).to_contain_text(HOSTILE)
    expect(first).to_contain_text(IMAGE)
    expect(page.locator("[data-found='1']")).to_contain_text("__proto__")
    expect(page.locator("[data-mark]")).to_have_count(4)
    expect(part(page, "Cost and links")).to_contain_text(HOSTILE)
    page.get_by_role("button", name="Process again").click()
    expect(page.get_by_role("dialog")).to_contain_text(HOSTILE)
    assert page.evaluate("window.owned") is None
    expect(page.locator("main iframe, main script")).to_have_count(0)
    assert broken == []


@pytest.mark.parametrize("person", ["rita", "ana"])
def test_who_is_no_operator_is_told_so(page: Page, server: StubServer, origin: str, person: str) -> None:
    row = published(server, review_stub.receipt())
    for place in ("/#/documents", f"/#/documents/{row.document_id}"):
        sign_in(page, origin, server, place, person)
        expect(page.get_by_role("heading", name="This page is not for you")).to_be_visible()
        expect(page.get_by_role("link", name="Documents")).to_have_count(0)
    assert [line for line in server.requests if "/api/documents" in line] == []

    refused = page.evaluate(
        """id => Promise.all([fetch('/api/documents'), fetch(`/api/documents/${id}`),
          fetch(`/api/documents/${id}/redrive`, {method: 'POST', headers: {'X-Recto': '1'}, body: '{}'})])
          .then((all) => Promise.all(all.map(async (one) => [one.status, (await one.json()).error])))""",
        row.document_id,
    )
    assert refused == [[403, "NotAllowedError"]] * 3
    assert server.review.again.asked == []


def test_all_is_in_sight_and_no_serious_fault_is_found(
    page: Page,
    server: StubServer,
    origin: str,
    axe: Faults,
    broken: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    row = every_kind(server)
    written(server, row, monkeypatch)
    sign_in(page, origin, server, "/#/documents")
    expect(rows(page)).to_have_count(9)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert axe(page) == []
    picture(page, "documents")

    page.goto(f"{origin}/#/documents/{row.document_id}")
    expect(page.locator(".viewer-page canvas").first).to_be_visible()
    page.locator("[data-found]", has_text="party").get_by_role("button").first.click()
    assert page.evaluate("document.documentElement.scrollHeight <= innerHeight")
    expect(page.get_by_role("button", name="Process again")).to_be_in_viewport(ratio=1)
    assert axe(page) == []
    picture(page, "document-fields")
    expect(part(page, "Timeline").locator("li.step")).to_have_count(4)
    assert axe(page) == []
    picture(page, "document-timeline")
    part(page, "Cost and links")
    assert axe(page) == []
    page.get_by_role("button", name="Process again").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert axe(page) == []
    picture(page, "document-again")
    assert broken == []


def test_a_small_window_and_a_dark_one(page: Page, server: StubServer, origin: str, axe: Faults) -> None:
    row = every_kind(server)
    page.set_viewport_size({"width": 800, "height": 900})
    page.emulate_media(color_scheme="dark")
    sign_in(page, origin, server, "/#/documents")
    expect(rows(page)).to_have_count(9)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert axe(page) == []
    page.goto(f"{origin}/#/documents/{row.document_id}")
    expect(page.locator(".viewer-page canvas").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    expect(page.locator("[data-found]").first).to_be_in_viewport(ratio=1)
    for name in ("Timeline", "Cost and links", "Fields"):
        part(page, name)
        assert axe(page) == [], name
