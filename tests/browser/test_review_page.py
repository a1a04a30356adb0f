"""The review page in a real browser, over the real API: what a reviewer does all day, by keys where he can.

Documents are real ones (`tests.browser.review_stub`); what was saved is read where the server put it.
"""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from recto.fields import parse_fields
from recto.places import Location
from recto.review import parse_answer
from recto_workbench.loops import LoopPlaces
from recto_workbench.review_ports import LoopChange
from recto_workbench.steps import desk as reviewing
from tests.browser import review_stub
from tests.browser.conftest import Serve
from tests.browser.stub_server import StubServer
from tests.workbench_fakes import WORK

pytestmark = pytest.mark.skipif(
    not review_stub.DATA.exists(), reason="real documents lie in ../shared/data, which is not here"
)

Faults = Callable[[Page], list[str]]
ROOT = Path(__file__).parents[2]
PICTURES = os.environ.get("RECTO_SCREENSHOTS")
LAPTOP, DESK = {"width": 1366, "height": 768}, {"width": 1920, "height": 1080}
MOST_STROKES_EACH = 3


@pytest.fixture(scope="module")
def served(web_static: Path, serve: Serve) -> tuple[StubServer, str]:
    made: list[StubServer] = []
    store = serve(review_stub.object_app(lambda: made[0].review))
    made.append(StubServer(web_static, store))
    return made[0], serve(made[0].app)


@pytest.fixture
def page(context: BrowserContext) -> Page:
    made = context.new_page()
    made.set_viewport_size(LAPTOP)
    return made


class Hands:
    """A person at the keyboard: what is typed, and how many strokes there are besides."""

    def __init__(self, page: Page) -> None:
        self.page, self.strokes = page, 0

    def press(self, key: str) -> None:
        self.strokes += 1
        self.page.keyboard.press(key)

    def type(self, text: str) -> None:
        self.page.keyboard.type(text)

    def count(self) -> int:
        strokes, self.strokes = self.strokes, 0
        return strokes


def sign_in(page: Page, origin: str, server: StubServer, person: str, to: str = "/") -> None:
    server.signs_in = person
    page.goto(f"{origin}/api/auth/sign-in?next=/")
    expect(page.get_by_text(f"{person}@example.com")).to_be_visible()
    if to != "/":
        page.goto(f"{origin}{to}")


def review(page: Page, origin: str, server: StubServer, name: str, person: str = "rita") -> None:
    """Claim a review and wait until its first value can be typed over."""
    sign_in(page, origin, server, person, f"/#/reviews/{name}")
    page.get_by_role("button", name="Review it").click()
    expect(page.locator("[data-submit]")).to_be_visible()
    expect(page.locator("[data-value]:focus")).to_be_visible()


def value(page: Page, name: str) -> Locator:
    return page.get_by_role("textbox", name=name, exact=True)


def answer_of(server: StubServer, loop: str, person: str = "rita") -> dict[str, Any]:
    """The last answer that the server has kept of a person."""
    place = LoopPlaces(WORK, loop).answer(f"worker-{person}", "").uri.removesuffix(".json")
    found = [body for uri, body in sorted(server.review.objects.bodies.items()) if uri.startswith(place)]
    assert found, sorted(server.review.objects.bodies)
    return dict(json.loads(found[-1])["answerContent"])


def draft_of(server: StubServer, loop: str, person: str = "rita") -> dict[str, Any]:
    body = server.review.objects.read(LoopPlaces(WORK, loop).draft(f"worker-{person}"))
    return dict(json.loads(body)["answer"])


# ---- by keys ----------------------------------------------------------------------------------------


def test_three_of_nineteen_fields_are_found_and_corrected_by_keys_alone(
    page: Page, server: StubServer, origin: str, broken: list[str]
) -> None:
    server.review.add(review_stub.cards())
    review(page, origin, server, "cards")
    expect(page.locator("[data-number]")).to_have_count(19)
    hands, counts = Hands(page), []

    hands.type("2% of each transaction")  # the first doubtful one is selected: typing replaces it
    hands.press("Enter")
    counts.append(hands.count())
    expect(page.get_by_label("Card Name, value 1 of 2")).to_be_focused()
    hands.type("Motel Visa")
    hands.press("Enter")
    hands.press("Enter")  # the second value is right
    counts.append(hands.count())
    hands.press("Alt+g")  # a field that nobody doubted
    hands.type("late pay")
    hands.press("Enter")
    expect(value(page, "Fee - Late Payment")).to_be_focused()
    hands.type("$25")
    counts.append(hands.count())
    hands.press("Control+Enter")

    expect(page.get_by_role("heading", name="Nothing more waits")).to_be_visible()
    # 1, 2 and 2 strokes as it is: no more than the three that are allowed, and one to submit.
    assert max(counts) <= MOST_STROKES_EACH, counts
    assert hands.strokes == 1
    assert answer_of(server, "cards") == {
        "field-present-Fee - Foreign Transaction": True,
        "field-value-Fee - Foreign Transaction": "2% of each transaction",
        "field-present-Fee - Late Payment": True,
        "field-value-Fee - Late Payment": "$25",
        "field-present-Card Name": True,
        "field-multival-0-Card Name": "Motel Visa",
        "field-multival-1-Card Name": "Green Rewards Visa®",
    }
    assert broken == []


def test_absent_added_removed_undone_and_brought_back(page: Page, server: StubServer, origin: str) -> None:
    server.review.add(review_stub.receipt())
    review(page, origin, server, "receipt")
    date = value(page, "Date")
    found = date.input_value()

    page.keyboard.press("Alt+a")
    expect(date).to_have_attribute("placeholder", "not in the document")
    page.keyboard.press("Control+z")
    expect(date).to_have_value(found)
    page.keyboard.press("Control+Shift+z")
    expect(date).to_have_value("")
    page.keyboard.press("Alt+r")
    expect(date).to_have_value(found)
    page.get_by_label("Item, value 1 of 4").focus()
    page.keyboard.press("Alt+x")
    page.keyboard.press("Alt+n")
    expect(page.get_by_label("Item, value 4 of 4")).to_be_focused()
    page.keyboard.type("a teapot")
    page.keyboard.press("ArrowUp")
    expect(page.get_by_label("Item, value 3 of 4")).to_be_focused()

    expect(page.locator("[data-test=saved]")).to_contain_text("Saved")
    draft = draft_of(server, "receipt")
    items = [draft[f"field-multival-{n}-Item"] for n in range(4)]
    assert items[-1] == "a teapot"
    assert "field-value-Date" not in draft  # brought back: nobody has said anything of it yet


def test_a_value_is_checked_as_it_is_typed_and_let_through_with_a_reason(
    page: Page, server: StubServer, origin: str
) -> None:
    server.review.add(review_stub.receipt())
    review(page, origin, server, "receipt")
    page.keyboard.type("3 May 2018")
    expect(page.get_by_text("= 2018-05-03")).to_be_visible()
    for name in ("Date", "Address"):
        expect(value(page, name)).to_be_focused()
        page.keyboard.press("Enter")
    page.keyboard.type("99999.00")
    expect(page.get_by_text("money_range")).to_be_visible()
    page.keyboard.press("Enter")
    for number in range(4):
        expect(page.get_by_label(f"Item, value {number + 1} of 4")).to_be_focused()
        page.keyboard.press("Enter")
    page.keyboard.press("Control+Enter")

    expect(value(page, "Total")).to_be_focused()  # what keeps it from being sent
    page.keyboard.press("Alt+w")
    page.keyboard.type("it is printed so")
    page.keyboard.press("Control+Enter")

    expect(page.get_by_role("heading", name="Nothing more waits")).to_be_visible()
    assert answer_of(server, "receipt")["field-confirmed-Total"] == "it is printed so"


def test_what_nobody_has_looked_at_is_not_sent(page: Page, server: StubServer, origin: str) -> None:
    server.review.add(review_stub.contract())
    review(page, origin, server, "contract")

    page.keyboard.press("Control+Enter")
    expect(page.get_by_label("party, value 1 of 2")).to_be_focused()
    expect(page.locator(".fault", has_text="Not looked at yet.")).to_have_count(2)
    value(page, "term").focus()
    page.keyboard.press("Enter")  # required, and empty
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("term is required: give it, or mark it as absent", exact=True)).to_be_visible()
    expect(value(page, "term")).to_be_focused()
    page.keyboard.press("Alt+a")
    page.keyboard.press("Control+Enter")

    expect(page.get_by_role("heading", name="Nothing more waits")).to_be_visible()
    assert answer_of(server, "contract")["field-present-term"] is False


# ---- the document and its fields --------------------------------------------------------------------


def test_boxes_and_fields_lead_to_each_other_and_words_fill_a_value(
    page: Page, server: StubServer, origin: str
) -> None:
    server.review.add(review_stub.contract())
    review(page, origin, server, "contract")
    box = page.locator("[data-mark]").first
    expect(box).to_be_visible()

    box.click()
    expect(page.get_by_label("party, value 1 of 2")).to_be_focused()
    value(page, "term").focus()
    sheet = page.locator("[data-page='1']")
    word = next(w for w in server_words(server) if w["text"] == "COMPETITION" or w["text"] == "AGREEMENT:")
    left, top, right, bottom = word["box"]
    size = sheet.bounding_box()
    assert size
    x, y = size["x"] + size["width"] * (left + right) / 2, size["y"] + size["height"] * (top + bottom) / 2
    page.mouse.dblclick(x, y)

    expect(value(page, "term")).to_have_value(word["text"])
    expect(value(page, "term")).to_be_focused()


def server_words(server: StubServer) -> list[dict[str, Any]]:
    """The words of the contract's first page, which are on the screen when the page opens."""
    return list(review_stub.pages_of_words(review_stub.contract().content)[0]["words"])


# ---- who may, and who was faster --------------------------------------------------------------------


def test_two_reviewers_at_once_and_what_was_typed_is_kept(
    page: Page, server: StubServer, origin: str, context: BrowserContext
) -> None:
    server.review.add(review_stub.receipt())
    review(page, origin, server, "receipt")
    page.keyboard.type("1 May 2018")
    expect(page.locator("[data-test=saved]")).to_contain_text("Saved")
    other = context.browser.new_context() if context.browser else context
    beside = other.new_page()
    sign_in(beside, origin, server, "ralf", "/#/reviews/receipt")
    expect(beside.get_by_role("heading", name="004.jpg")).to_be_visible()
    expect(beside.get_by_role("button", name="Review it")).to_have_count(0)

    desk = server.review.desk
    reviewing.release("receipt", server.review.worker("rita"), desk)
    reviewing.claim("receipt", server.review.worker("ralf"), desk)
    page.keyboard.type("0")

    dialog = page.get_by_role("dialog", name="Your claim has ended")
    expect(dialog).to_be_visible()
    with page.expect_download() as kept:
        dialog.get_by_role("button", name="Download it").click()
    told = json.loads(Path(kept.value.path()).read_text())
    assert told["answer"]["field-value-Date"] == "1 May 20180"
    other.close()


def test_what_was_answered_elsewhere_is_closed_and_can_be_opened_again(
    page: Page, server: StubServer, origin: str
) -> None:
    server.review.add(review_stub.cards())
    review(page, origin, server, "cards")
    submission = reviewing.Submission(answer={"field-present-APR - Penalty": True}, seconds=1.0)
    reviewing.submit("cards", server.review.worker("rita"), submission, server.review.desk)

    page.keyboard.type("x")
    dialog = page.get_by_role("dialog", name="This review is closed")
    expect(dialog).to_contain_text("has its answers")
    dialog.get_by_role("button", name="Next review").click()
    expect(page.get_by_role("heading", name="Nothing more waits")).to_be_visible()
    page.goto(f"{origin}/#/reviews")
    page.get_by_role("button", name="Done").click()
    page.get_by_role("link", name="pricing-table.pdf").click()
    page.get_by_role("button", name="Open again").click()
    expect(page.locator("[data-submit]")).to_be_visible()


def test_a_review_that_has_expired_says_so(page: Page, server: StubServer, origin: str) -> None:
    server.review.add(review_stub.cards())
    review(page, origin, server, "cards")
    loops: Any = server.review.desk.loops
    loop = loops.loop("cards")
    past = review_stub.now().replace(year=2020)
    assert loops.write(LoopChange(loop=loop.model_copy(update={"expires": past}).next_of(loop)))

    page.keyboard.type("x")
    expect(page.get_by_role("dialog", name="This review is closed")).to_be_visible()


def test_who_has_not_the_role_sees_no_review(page: Page, server: StubServer, origin: str) -> None:
    server.review.add(review_stub.receipt())
    sign_in(page, origin, server, "ana", "/#/reviews/receipt")

    expect(page.get_by_role("heading", name="This page is not for you")).to_be_visible()
    expect(page.get_by_role("link", name="Reviews")).to_have_count(0)


def test_a_document_that_was_removed_can_be_rejected(page: Page, server: StubServer, origin: str) -> None:
    example = review_stub.receipt()
    server.review.add(example)
    server.review.objects.delete(Location(bucket=review_stub.INBOX, key=example.key))
    sign_in(page, origin, server, "rita", "/#/reviews/receipt")
    page.get_by_role("button", name="Review it").click()
    expect(page.locator("[data-value]:focus")).to_be_visible()
    why = "The document itself cannot be shown: the document has been removed from the inbox"
    expect(page.get_by_text(why)).to_be_visible()

    page.keyboard.press("Alt+j")
    page.keyboard.type("it was removed")
    page.keyboard.press("Control+Enter")

    expect(page.get_by_role("heading", name="Nothing more waits")).to_be_visible()
    assert answer_of(server, "receipt")["document-rejected-why"] == "it was removed"


def test_a_review_whose_task_was_removed_says_so_and_can_be_rejected(
    page: Page, server: StubServer, origin: str
) -> None:
    server.review.add(review_stub.receipt())
    server.review.objects.delete(Location(bucket=review_stub.WORK, key="reviews/receipt/input.json"))
    sign_in(page, origin, server, "rita", "/#/reviews/receipt")
    page.get_by_role("button", name="Review it").click()
    expect(page.get_by_text("This review names no fields")).to_be_visible()

    page.get_by_role("button", name="Reject").click()
    page.keyboard.type("its task is gone")
    page.keyboard.press("Control+Enter")

    expect(page.get_by_role("heading", name="Nothing more waits")).to_be_visible()
    assert answer_of(server, "receipt")["document-rejected-why"] == "its task is gone"


# ---- looking again, and deciding --------------------------------------------------------------------


def test_an_audit_shows_no_value_and_no_reason(page: Page, server: StubServer, origin: str) -> None:
    example = review_stub.receipt()
    server.review.add(example, audit=True)
    review(page, origin, server, "receipt")

    expect(page.get_by_text("Read these fields: 0 of 6 done.")).to_be_visible()
    values = page.locator("[data-value]").evaluate_all("all => all.map((each) => each.value)")
    assert values == [""] * 6
    said = page.locator(".fields").inner_text()
    assert not [text for texts in example.said.values() for text, _ in texts if text in said]
    assert "%" not in said
    expect(page.locator("[data-mark]")).to_have_count(0)


def test_of_two_opinions_one_is_taken_by_a_key(page: Page, server: StubServer, origin: str) -> None:
    server.review.add_disputed()
    review(page, origin, server, "disputed")
    expect(page.get_by_text("Reviewers disagree: take an answer")).to_be_visible()

    page.keyboard.press("Alt+2")
    expect(value(page, "Total")).to_have_value("38.90")
    for _ in range(7):  # what was doubtful and nobody has spoken of, the four items among it
        page.keyboard.press("Enter")
    expect(page.locator(".fields-count")).to_contain_text("All looked at.")
    page.keyboard.press("Control+Enter")

    expect(page.get_by_role("heading", name="Nothing more waits")).to_be_visible()
    assert answer_of(server, "disputed")["field-value-Total"] == "38.90"


# ---- drafts, notes, history, the next one -----------------------------------------------------------


def test_a_draft_waits_for_the_network_and_is_there_after_a_reload(
    page: Page, server: StubServer, origin: str, context: BrowserContext
) -> None:
    server.review.add(review_stub.receipt())
    review(page, origin, server, "receipt")
    saved = page.locator("[data-test=saved]")

    context.set_offline(True)
    page.keyboard.type("2 May 2018")
    expect(saved).to_contain_text("Not saved")
    context.set_offline(False)
    expect(saved).to_contain_text("Saved")
    assert draft_of(server, "receipt")["field-value-Date"] == "2 May 2018"
    page.reload()

    expect(value(page, "Date")).to_have_value("2 May 2018")
    expect(value(page, "Address")).to_be_focused()  # the first that was not looked at yet


def test_notes_history_and_giving_back(page: Page, server: StubServer, origin: str) -> None:
    server.review.add(review_stub.receipt())
    review(page, origin, server, "receipt")

    page.keyboard.press("Alt+o")
    page.keyboard.type("<b>stamp</b> over the total")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("button", name="Notes (1)")).to_be_visible()
    page.keyboard.type("4 May 2018")
    page.keyboard.press("Alt+y")
    expect(page.get_by_role("dialog", name="History")).to_contain_text("4 May 2018")
    page.keyboard.press("Escape")
    expect(value(page, "Date")).to_be_focused()
    page.keyboard.press("Alt+l")
    page.get_by_role("dialog").get_by_role("button", name="Give back").click()

    expect(page.get_by_role("heading", name="Reviews")).to_be_visible()
    page.get_by_role("button", name="Review 004.jpg").click()
    expect(value(page, "Date")).to_have_value("4 May 2018")  # claimed again: he goes on where he was
    page.get_by_role("button", name="Notes (1)").click()
    expect(page.get_by_role("dialog")).to_contain_text("<b>stamp</b> over the total")


def test_the_next_review_loads_at_once(page: Page, server: StubServer, origin: str) -> None:
    server.review.add(review_stub.cards())
    server.review.add(review_stub.receipt(), created=review_stub.now())
    sign_in(page, origin, server, "rita")
    page.get_by_role("button", name="Review the next one").click()
    expect(page.get_by_role("heading", name="pricing-table.pdf")).to_be_visible()
    for _ in range(3):
        page.keyboard.press("Enter")
    page.keyboard.press("Control+Enter")

    expect(page.get_by_role("heading", name="004.jpg")).to_be_visible()
    expect(value(page, "Date")).to_be_focused()
    assert "#/reviews/receipt" in page.url


# ---- for everybody ----------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [LAPTOP, DESK], ids=["1366x768", "1920x1080"])
def test_all_is_in_sight_and_no_serious_fault_is_found(
    page: Page, server: StubServer, origin: str, axe: Faults, broken: list[str], size: Any
) -> None:
    server.review.add_examples()
    page.set_viewport_size(size)
    sign_in(page, origin, server, "rita")
    expect(page.get_by_role("row")).to_have_count(7)
    assert axe(page) == []
    page.goto(f"{origin}/#/reviews/receipt")
    page.get_by_role("button", name="Review it").click()
    expect(value(page, "Date")).to_be_focused()
    expect(page.locator("[data-mark]").first).to_be_visible()
    assert axe(page) == []
    assert page.evaluate("document.documentElement.scrollHeight <= innerHeight")
    expect(page.get_by_role("button", name="Submit")).to_be_in_viewport(ratio=1)
    expect(value(page, "Date")).to_be_in_viewport(ratio=1)
    page.keyboard.press("F1")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    assert axe(page) == []
    assert broken == []


# ---- loops of somebody's own task UI ----------------------------------------------------------------

LEGACY = """
<script src="https://assets.crowd.aws/crowd-html-elements.js"></script>
<crowd-form>
  <p>{{ task.input.TaskObject }}</p>
  {% for field in task.input.ModelResult.Fields %}
    <crowd-checkbox name="field-present-{{ field[0] }}" checked>{{ field[0] }}</crowd-checkbox>
    <crowd-input name="field-value-{{ field[0] }}" value="{{ field[1].Value }}"></crowd-input>
  {% endfor %}
</crowd-form>
"""


def own_template(server: StubServer, text: str) -> str:
    """Where a task UI of somebody's own lies."""
    place = "s3://work/reviews/task-uis/own.html"
    server.review.objects.bodies[place] = text.encode()
    return place


def test_a_template_of_others_is_filled_in_a_frame_and_answered(
    page: Page, server: StubServer, origin: str
) -> None:
    example = review_stub.contract()
    server.review.add(example, template=own_template(server, LEGACY))
    sign_in(page, origin, server, "rita", "/#/reviews/contract")
    page.get_by_role("button", name="Review it").click()
    frame = page.frame_locator("iframe")
    field = frame.locator("crowd-input[name='field-value-term'] input")
    field.fill("two years")
    expect(page.locator("[data-test=saved]")).to_contain_text("Saved")
    page.reload()
    expect(field).to_have_value("two years")
    page.get_by_role("button", name="Submit").click()

    expect(page.get_by_role("heading", name="Nothing more waits")).to_be_visible()
    answer = answer_of(server, "contract")
    said = parse_answer(answer, example.fields)
    assert said["term"].values == ("two years",)
    assert said["term"].is_present


def test_the_page_for_a2i_works_in_the_workbench_as_well(
    page: Page, server: StubServer, origin: str, broken: list[str]
) -> None:
    made = ROOT / "workbench" / "templates" / "review.liquid.html"
    if not made.exists():
        pytest.skip(f"{made.name} is made by `make web`")
    viewer = f"{origin}/frame-assets/review-pdf.js"
    text = made.read_text(encoding="utf-8").replace("[[recto:pdf-viewer]]", viewer)
    example = review_stub.contract()
    server.review.add(example, template=own_template(server, text))
    sign_in(page, origin, server, "rita", "/#/reviews/contract")
    page.get_by_role("button", name="Review it").click()
    frame = page.frame_locator("iframe")
    expect(frame.locator(".viewer canvas").first).to_be_visible()
    expect(frame.locator("[data-value]:focus")).to_be_visible()

    page.keyboard.type("April 19, 2001")
    for _ in range(3):
        page.keyboard.press("Enter")
    page.keyboard.press("Alt+a")
    page.keyboard.press("Control+Enter")

    expect(page.get_by_role("heading", name="Nothing more waits")).to_be_visible()
    said = parse_answer(answer_of(server, "contract"), example.fields)
    assert said["effective_date"].values == ("April 19, 2001",)
    assert said["term"].is_absent


# ---- pictures for the docs, of our own samples alone ------------------------------------------------

TERMS = [
    {"ClassId": 0, "Name": "Card Name"},
    {"ClassId": 1, "Name": "Provider Name", "Select": "first", "Type": "company"},
    {"ClassId": 2, "Name": "APR - Penalty", "Select": "confidence", "Type": "percentage"},
    {"ClassId": 3, "Name": "APR - General", "Select": "longest"},
    {"ClassId": 4, "Name": "Fee - Annual", "Select": "confidence", "Type": "money", "Currency": "USD",
     "Validators": [{"Name": "money_range", "Minimum": 0, "Maximum": 500}]},
    {"ClassId": 5, "Name": "Fee - Foreign Transaction", "Select": "longest"},
    {"ClassId": 6, "Name": "Agreement Effective Date", "Select": "first", "Type": "date"},
]  # fmt: skip


def terms(name: str) -> review_stub.Example:
    example = review_stub.cards()
    doubted = {"Card Name": 0.74, "Fee - Annual": 0.81, "Fee - Foreign Transaction": 0.62}
    said = {
        field: [(text, doubted.get(field, 0.98)) for text, _ in values]
        for field, values in example.said.items()
        if field in {str(each["Name"]) for each in TERMS}
    }
    return replace(example, name=name, fields=parse_fields(TERMS), said=said)


@pytest.mark.skipif(not PICTURES, reason="pictures are taken by `make screenshots`")
def test_pictures(page: Page, server: StubServer, origin: str) -> None:
    def picture(name: str) -> None:
        page.wait_for_timeout(300)
        page.screenshot(path=Path(str(PICTURES)) / f"{name}.png")

    server.review.add_examples()
    server.review.add(terms("terms"))
    sign_in(page, origin, server, "rita")
    expect(page.get_by_role("row")).to_have_count(8)
    picture("reviews")
    page.goto(f"{origin}/#/reviews/terms")
    page.get_by_role("button", name="Review it").click()
    expect(page.locator("[data-value]:focus")).to_be_visible()
    expect(page.locator(".viewer canvas").first).to_be_visible()
    picture("review")
    page.keyboard.press("F1")
    picture("review-keys")
    page.keyboard.press("Escape")
    value(page, "Fee - Annual").focus()
    page.keyboard.type("$5,000")
    expect(page.get_by_text("money_range")).to_be_visible()
    picture("review-check")
    dispute(server, terms("disputed-terms"))
    page.goto(f"{origin}/#/reviews/disputed-terms")
    page.get_by_role("button", name="Review it").click()
    expect(page.get_by_text("Reviewers disagree: take an answer").first).to_be_visible()
    expect(page.locator(".viewer canvas").first).to_be_visible()
    picture("review-opinions")


def dispute(server: StubServer, example: review_stub.Example) -> None:
    """Two reviewers have answered, and differ."""
    desk = server.review.desk
    loop = server.review.add(example, wanted=2)
    for person, fee in (
        ("ralf", "2% of each transaction"),
        ("rosa", "1% of each single-currency transaction"),
    ):
        reviewing.claim(loop.name, server.review.worker(person), desk)
        answer = {
            "field-present-Fee - Foreign Transaction": True,
            "field-value-Fee - Foreign Transaction": fee,
            "field-present-Fee - Annual": True,
            "field-value-Fee - Annual": "$0",
            "field-present-Agreement Effective Date": False,
            "field-present-Card Name": True,
            "field-multival-0-Card Name": "Hotel Visa®",
        }
        submission = reviewing.Submission(answer=answer, seconds=40.0)
        reviewing.submit(loop.name, server.review.worker(person), submission, desk)
    settled = desk.loops.loop(loop.name)
    assert settled
    assert desk.loops.write(LoopChange(loop=settled.in_dispute()))
