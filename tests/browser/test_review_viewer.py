"""The document of a review in a real browser: pages, boxes, words, search; documents that cannot be shown.

The page, its API and its steps are the real ones (`tests.browser.review_stub`), and so are the documents.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from recto.document import Word
from recto.places import Location
from recto_workbench.steps.desk import claim
from tests.browser import review_stub
from tests.browser.conftest import Serve
from tests.browser.review_documents import DATA, contracts, pages_of_words
from tests.browser.stub_server import StubServer

pytestmark = pytest.mark.skipif(not DATA.exists(), reason="no real documents: ../shared/data is absent")

LONG = 150
ROTATED = DATA / "inputs" / "odd" / "pdf" / "pdfplumber" / "issue-1054-example.pdf"
ALL_TURNS = DATA / "inputs" / "odd" / "pdf" / "qpdf" / "rotated.pdf"
HOSTILE = "<img src=x onerror=alert(1)>"

# Of the boxes that lie on a page: how many have ink in them.
INKED = """number => {
  const page = document.querySelector(`.viewer-page[data-page="${number}"]`);
  const canvas = page.querySelector("canvas");
  const whole = canvas.getBoundingClientRect();
  const scale = canvas.width / whole.width;
  const context = canvas.getContext("2d");
  const marks = [...page.querySelectorAll("[data-mark]")];
  const inked = marks.filter((mark) => {
    const box = mark.getBoundingClientRect();
    const [x, y] = [(box.left - whole.left) * scale, (box.top - whole.top) * scale];
    const [width, height] = [box.width, box.height].map((side) => Math.max(1, side * scale));
    const {data} = context.getImageData(x, y, width, height);
    return data.some((value, at) => at % 4 === 0 && value < 140);
  });
  return [inked.length, marks.length];
}"""
IS_SEEN = """mark => {
  const area = document.querySelector(".viewer-area").getBoundingClientRect();
  const box = mark.getBoundingClientRect();
  return box.top >= area.top && box.bottom <= area.bottom && box.left >= area.left && box.right <= area.right;
}"""

Faults = Callable[[Page], list[str]]


class Opened:
    """A review's page, and where things are on it."""

    def __init__(self, page: Page, server: StubServer, origin: str) -> None:
        self.page, self.server, self.origin = page, server, origin
        self.asked: list[str] = []
        self.faults: list[str] = []
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("dialog", lambda dialog: self.faults.append(dialog.message))

    @property
    def area(self) -> Locator:
        return self.page.locator(".viewer-area")

    def open(self, loop: Any) -> "Opened":
        review = self.server.review
        claim(loop.name, review.worker("rita"), review.desk)
        self.server.sessions.add("rita")
        cookie = {"name": "recto_session", "value": "rita", "url": f"{self.origin}/api"}
        self.page.context.add_cookies([cookie])  # type: ignore[list-item]
        with self.page.expect_response("**/pages/1"):
            self.page.goto(f"{self.origin}/#/reviews/{loop.name}")
        expect(self.page.locator(".viewer-page").first).to_be_visible()
        return self

    def pdf(self, content: bytes, each: int = 5, name: str = "document") -> "Opened":
        return self.open(self.server.review.add_long(content, name, each))

    def drawn(self, number: int) -> Locator:
        shown = self.page.locator(f".viewer-page[data-page='{number}']")
        expect(shown.locator("canvas")).to_be_attached()
        return shown

    def turn_to(self, number: int) -> Locator:
        field = self.page.get_by_label("Page", exact=True)
        field.fill(str(number))
        field.press("Enter")
        return self.drawn(number)

    def at(self, number: int, word: dict[str, Any]) -> tuple[float, float]:
        """The middle of a word in the window."""
        box = self.page.locator(f".viewer-page[data-page='{number}']").bounding_box()
        assert box
        left, top, right, bottom = word["box"]
        return box["x"] + (left + right) / 2 * box["width"], box["y"] + (top + bottom) / 2 * box["height"]

    def inked(self, number: int) -> tuple[int, int]:
        self.drawn(number)
        inked, marks = self.page.evaluate(INKED, number)
        return inked, marks

    @property
    def value(self) -> Locator:
        """The value at hand."""
        return self.page.locator("[data-value='0.0']")


@pytest.fixture(scope="module")
def served(web_static: Path, serve: Serve) -> tuple[StubServer, str]:
    made: list[StubServer] = []
    store = serve(review_stub.object_app(lambda: made[0].review))
    made.append(StubServer(web_static, store))
    return made[0], serve(made[0].app)


@pytest.fixture(scope="module")
def contract() -> bytes:
    return contracts(3)


@pytest.fixture(scope="module")
def words(contract: bytes) -> list[dict[str, Any]]:
    """Of the contract's first page, without those that a box covers."""
    return list(pages_of_words(contract)[0]["words"])


@pytest.fixture
def opened(page: Page, served: tuple[StubServer, str]) -> Opened:
    server, origin = served
    server.reset()
    page.set_viewport_size({"width": 1366, "height": 768})
    return Opened(page, server, origin)


def test_of_a_long_document_only_the_pages_near_the_eye_are_there(opened: Opened) -> None:
    opened.pdf(contracts(LONG), each=2)
    opened.turn_to(1)

    last = opened.turn_to(LONG - 1)

    expect(opened.page.get_by_label("Page", exact=True)).to_have_value(str(LONG - 1))
    assert opened.inked(LONG - 1) == (2, 2)
    top = last.bounding_box()
    area = opened.area.bounding_box()
    assert top
    assert area
    assert abs(top["y"] - area["y"]) < 20, "the page asked for begins at the top of the view"
    assert opened.page.locator(".viewer-page").count() <= 5
    assert opened.page.locator(".viewer-page canvas").count() <= 5
    assert len({url for url in opened.asked if "/pages/" in url}) <= 12, (
        "the words of few pages were asked for"
    )
    assert opened.faults == []


def test_boxes_lie_on_what_they_name_on_turned_pages_and_in_a_turned_view(opened: Opened) -> None:
    opened.pdf(ROTATED.read_bytes(), each=60)

    inked, marks = opened.inked(1)
    assert marks >= 30
    assert inked >= 0.95 * marks, "as the page is turned in the file"

    for quarter in range(4):
        opened.page.get_by_role("button", name="Turn clockwise").click()
        opened.page.wait_for_timeout(300)
        inked, marks = opened.inked(1)
        assert inked >= 0.95 * marks, f"turned by {quarter + 1} quarters"


def test_pages_turned_by_every_quarter_have_their_boxes_in_place(opened: Opened) -> None:
    opened.pdf(ALL_TURNS.read_bytes(), each=5)

    for number in (1, 2, 3, 4):
        opened.turn_to(number)
        inked, marks = opened.inked(number)
        assert inked == marks > 0, f"page {number}"


def test_a_field_brings_its_box_into_view_and_a_box_its_field(opened: Opened, contract: bytes) -> None:
    opened.pdf(contract, each=19)
    opened.turn_to(1)
    marked = opened.page.locator(".viewer-mark.active")

    opened.page.locator("[data-value='0.2']").click()

    expect(marked).to_have_count(1)
    expect(opened.page.locator(".viewer-page[data-page='3'] .viewer-mark.active")).to_have_count(1)
    assert marked.evaluate(IS_SEEN)

    other = opened.page.locator(".viewer-page[data-page='3'] [data-mark]:not(.active)").first
    label = other.get_attribute("aria-label")
    other.dispatch_event("click")

    field = opened.page.locator("[data-value]:focus")
    expect(field).to_have_count(1)
    assert label
    assert field.input_value() in label
    assert opened.faults == []


def test_words_are_chosen_by_dragging_by_a_double_click_and_with_shift(
    opened: Opened, contract: bytes, words: list[dict[str, Any]]
) -> None:
    opened.pdf(contract, each=1)
    opened.turn_to(1)
    opened.value.click()
    mouse = opened.page.mouse
    first = next(n for n, word in enumerate(words) if n > 20 and opened.at(1, word)[1] > 300)

    mouse.move(*opened.at(1, words[first]))
    mouse.down()
    mouse.move(*opened.at(1, words[first + 4]), steps=8)
    expect(opened.page.locator(".viewer-chosen")).to_have_count(5)
    mouse.up()
    texts = [word["text"] for word in words]
    expect(opened.value).to_have_value(" ".join(texts[first : first + 5]))
    expect(opened.value).to_be_focused()

    mouse.dblclick(*opened.at(1, words[first + 2]))
    expect(opened.value).to_have_value(texts[first + 2])
    opened.page.keyboard.down("Shift")
    mouse.click(*opened.at(1, words[first + 6]))
    opened.page.keyboard.up("Shift")
    expect(opened.value).to_have_value(" ".join(texts[first + 2 : first + 7]))
    assert opened.faults == []


def test_words_and_boxes_are_reached_by_keys_alone(opened: Opened, contract: bytes, axe: Faults) -> None:
    opened.pdf(contract, each=19)
    opened.turn_to(1)
    keys = opened.page.keyboard
    expect(opened.page.locator("[data-mark][tabindex='0']"), "one stop for all boxes").to_have_count(1)

    opened.area.focus()
    keys.press("m")
    first = opened.page.locator("[data-mark]:focus").get_attribute("data-mark")
    for _ in range(25):
        keys.press("ArrowDown")
    focused = opened.page.locator("[data-mark]:focus")
    expect(focused).to_have_count(1)
    assert focused.get_attribute("data-mark") != first
    assert focused.evaluate(IS_SEEN), "over the end of a page"
    label = focused.get_attribute("aria-label")
    keys.press("Enter")
    field = opened.page.locator("[data-value]:focus")
    expect(field).to_have_count(1)
    assert label
    assert field.input_value() in label

    opened.area.focus()
    keys.press("c")
    keys.press("ArrowRight")
    keys.press("Shift+ArrowRight")
    chosen = opened.page.locator(".viewer-chosen")
    expect(chosen).to_have_count(2)
    keys.press("Enter")
    expect(field).to_have_value(" ".join(field.input_value().split()))
    assert len(field.input_value().split()) == 2
    axe(opened.page)
    faults = opened.page.evaluate("axe.run('.viewer', {resultTypes: ['violations']}).then(r => r.violations)")
    assert [fault["id"] for fault in faults if fault["impact"] in {"serious", "critical"}] == []
    assert opened.faults == []


def test_the_place_under_the_pointer_stays_while_one_zooms(opened: Opened, contract: bytes) -> None:
    opened.pdf(contract, each=19)
    opened.turn_to(1)
    mark = opened.page.locator(".viewer-page[data-page='1'] [data-mark]").nth(9)
    before = mark.bounding_box()
    assert before
    x, y = before["x"] + before["width"] / 2, before["y"] + before["height"] / 2

    opened.page.mouse.move(x, y)
    opened.page.keyboard.down("Control")
    for _ in range(4):
        opened.page.mouse.wheel(0, -100)
        opened.page.wait_for_timeout(60)
    opened.page.keyboard.up("Control")

    opened.page.wait_for_function("([mark, width]) => mark.getBoundingClientRect().width > 2 * width",
                                  arg=[mark.element_handle(), before["width"]])  # fmt: skip
    after = mark.bounding_box()
    assert after
    assert abs(after["x"] + after["width"] / 2 - x) < 6
    assert abs(after["y"] + after["height"] / 2 - y) < 6
    opened.area.focus()
    opened.page.keyboard.press("0")
    expect(opened.page.get_by_text("100 %", exact=True).first).to_be_visible()


def test_text_is_found_on_a_far_page_and_what_is_nowhere_is_said(opened: Opened) -> None:
    document = contracts(40)
    pages = pages_of_words(document)
    before = {word["text"].lower() for page in pages[:29] for word in page["words"]}
    rare = next(
        word for page in pages[29:] for word in page["words"]
        if word["text"].isalpha() and not any(word["text"].lower() in text for text in before)
    )  # fmt: skip
    opened.pdf(document, each=1)
    opened.turn_to(1)

    opened.area.focus()
    opened.page.keyboard.press("/")
    opened.page.keyboard.type(rare["text"].upper())
    opened.page.keyboard.press("Enter")

    place = opened.page.locator(".viewer-found")
    expect(place).to_have_count(1)
    number = rare["id"].split("-")[0]
    expect(opened.page.get_by_text(f"found on page {number}")).to_be_visible()
    assert place.evaluate(IS_SEEN)
    search = opened.page.get_by_label("Search the words of the document")
    search.fill("xyzzy plugh")
    search.press("Enter")
    expect(opened.page.get_by_text("not found")).to_be_visible()


def test_a_pdf_that_cannot_be_read_is_said_and_its_words_stand_in_their_places(
    opened: Opened, contract: bytes, words: list[dict[str, Any]]
) -> None:
    review = opened.server.review
    loop = review.add_long(contract, "damaged", 5)
    place = next(uri for uri in review.objects.bodies if uri.endswith("/damaged.pdf"))
    bucket, key = place.removeprefix("s3://").split("/", 1)
    review.objects.write(Location(bucket=bucket, key=key), b"%PDF-1.7 and then nothing")

    opened.open(loop)

    expect(opened.page.locator(".viewer-notice")).to_contain_text("not a PDF, or damaged")
    shown = opened.page.locator(".viewer-page[data-page='1'] .viewer-text text")
    expect(shown).to_have_count(len(words))
    assert [text.strip() for text in shown.all_text_contents()] == [word["text"] for word in words]
    expect(opened.page.locator(".viewer-page[data-page='1'] [data-mark]")).to_have_count(5)
    assert opened.faults == []


def test_a_tiff_is_shown_by_the_images_of_its_pages_and_so_is_a_document_that_is_gone(opened: Opened) -> None:
    example = review_stub.fax()
    opened.open(opened.server.review.add(example))
    image = opened.page.locator(".viewer-page[data-page='1'] img")
    expect(image).to_be_visible()
    opened.page.wait_for_function(
        """image => {
          const page = image.closest(".viewer-page").getBoundingClientRect();
          const own = image.naturalWidth / image.naturalHeight;
          return image.naturalWidth > 100 && Math.abs(page.width / page.height - own) < 0.01;
        }""",
        arg=image.element_handle(),
    )
    page = opened.page.locator(".viewer-page[data-page='1']").bounding_box()
    assert page
    ratio = image.evaluate("image => image.naturalWidth / image.naturalHeight")
    assert abs(page["width"] / page["height"] - ratio) < 0.01, "the page has the shape of its image"

    review = opened.server.review
    gone = next(uri for uri in review.objects.bodies if uri.endswith(f"/{example.key}"))
    bucket, key = gone.removeprefix("s3://").split("/", 1)
    review.objects.delete(Location(bucket=bucket, key=key))
    opened.page.reload()

    expect(opened.page.locator(".viewer-notice")).to_contain_text("it is not there any more")
    expect(opened.page.locator(".viewer-page[data-page='1'] img")).to_be_visible()
    assert opened.faults == []


def test_what_was_read_never_becomes_html(opened: Opened) -> None:
    example = review_stub.receipt()
    page = example.pages[0]
    hostile = tuple(word._replace(text=HOSTILE) for word in page.words[:3])
    words: tuple[Word, ...] = (*hostile, *page.words[3:])
    example.pages = [page._replace(words=words)]
    example.said = {"Total": [(HOSTILE, 0.4)]}
    example.content = b"no image at all"

    opened.open(opened.server.review.add(example))

    expect(opened.page.get_by_text("did not load")).to_be_visible()
    expect(opened.page.locator(".viewer-text text").first).to_have_text(HOSTILE)
    expect(opened.page.locator("img[src='x']")).to_have_count(0)
    assert opened.faults == []
