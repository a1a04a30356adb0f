"""The whole document beside a task: a long PDF read in parts, a scan, an image, and links that have ended."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Page, expect
from reportlab.pdfgen.canvas import Canvas

from tests.browser.conftest import Serve
from tests.browser.stub_server import StubJob, StubServer, store_app
from tests.browser.test_shell_task import task_has_keys

PAGES = 400
Faults = Callable[[Page], list[str]]
Ink = Callable[[Page, int], int]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("documents")
    (folder / "long.pdf").write_bytes(long_pdf())
    scan(1).save(folder / "scan.pdf", "PDF")  # one bit a pixel: CCITT, as scanners write
    scan(2).convert("RGB").save(folder / "receipt.png")
    (folder / "damaged.pdf").write_bytes(b"%PDF-1.7 and then nothing")
    return folder


def long_pdf() -> bytes:
    """400 pages of 50 kB each: 20 MB."""
    target = io.BytesIO()
    canvas = Canvas(target, pagesize=(595, 842), pageCompression=0)
    for number in range(1, PAGES + 1):
        canvas.setFont("Helvetica", 40)
        canvas.drawString(100, 700, f"This is page {number}")
        canvas.rect(100, 300, 300, 200, fill=1)
        canvas._code.append("%" + "filling " * 6250)
        canvas.showPage()
    canvas.save()
    return target.getvalue()


def scan(number: int) -> Image.Image:
    image = Image.new("1", (1200, 1600), 1)
    ImageDraw.Draw(image).rectangle((200, 200, 900, 600), fill=0)
    ImageDraw.Draw(image).text((200, 700), f"scan {number}", fill=0)
    return image


@pytest.fixture(scope="module")
def asked() -> list[str]:
    """The ranges that the store was asked for."""
    return []


@pytest.fixture(scope="module")
def served(web_static: Path, serve: Serve, folder: Path, asked: list[str]) -> tuple[StubServer, str]:
    server = StubServer(web_static, serve(store_app(folder, {}, asked)))
    return server, serve(server.app)


@pytest.fixture
def opened(
    page: Page, served: tuple[StubServer, str], asked: list[str]
) -> Callable[[str, int], tuple[Page, StubJob, list[str]]]:
    """Opens a task whose document is the named file, and its panel."""
    server, origin = served
    server.reset()
    asked.clear()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda message: (
            complaints.append(message.text) if "Content Security Policy" in message.text else None
        ),
    )

    def open_at(name: str, number: int) -> tuple[Page, StubJob, list[str]]:
        job = StubJob("receipts", ["field"], document={"url": f"{server.store}/{name}", "page": number})
        server.add(job)
        server.sessions.add("ana")
        page.context.add_cookies([{"name": "recto_session", "value": "ana", "url": f"{origin}/api"}])
        page.goto(f"{origin}/#/jobs/receipts/work")
        task_has_keys(page)
        page.get_by_role("button", name="Document").click()
        return page, job, complaints

    return open_at


def inked(page: Page, number: int, least: int) -> None:
    """Wait until a page is drawn with more than `least` dark pixels: it is drawn anew at each size."""
    page.wait_for_function(
        """([number, least]) => {
          const canvas = document.querySelector(`li[data-page='${number}'] canvas`);
          if (!canvas || !canvas.width || !canvas.height) return false;
          const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          let dark = 0;
          for (let at = 0; at < data.length; at += 4) dark += data[at] < 128;
          return dark > least;
        }""",
        arg=[number, least],
    )


def test_a_document_of_400_pages_opens_at_its_page_without_being_loaded_whole(
    opened: Callable[..., tuple[Page, StubJob, list[str]]], folder: Path, asked: list[str], axe: Faults
) -> None:
    page, _, complaints = opened("long.pdf", 200)

    inked(page, 200, 1000)
    assert page.evaluate("document.documentElement.scrollHeight <= innerHeight"), "the window does not scroll"
    expect(page.get_by_text(f"of {PAGES}", exact=True)).to_be_visible()
    expect(page.get_by_label("Page", exact=True)).to_have_value("200")
    page.wait_for_function("() => document.querySelectorAll('li canvas').length <= 4")  # what is near the eye
    size = (folder / "long.pdf").stat().st_size
    read = sum(length_of(each) for each in asked)
    assert size > 15_000_000
    assert read < size / 5, f"{read} of {size} bytes were read: {asked}"
    assert axe(page) == []

    page.get_by_label("Page", exact=True).fill("399")
    page.get_by_label("Page", exact=True).press("Enter")
    inked(page, 399, 1000)
    expect(page.locator("li[data-page='200'] canvas")).to_have_count(0)
    page.get_by_role("button", name="Back to page 200").click()
    inked(page, 200, 1000)
    page.get_by_role("button", name="Larger").click()
    expect(page.get_by_text("150 %")).to_be_visible()
    inked(page, 200, 2000)
    assert complaints == []


def length_of(asked: str) -> int:
    """Bytes of a range; the first request has none, and is given up once its headers are there."""
    if asked == "whole":
        return 0
    first, last = asked.removeprefix("bytes=").split("-")
    return int(last) - int(first) + 1


def test_a_scan_is_drawn_under_the_policy(
    opened: Callable[..., tuple[Page, StubJob, list[str]]], folder: Path
) -> None:
    page, _, complaints = opened("scan.pdf", 1)

    assert b"CCITTFax" in (folder / "scan.pdf").read_bytes()
    inked(page, 1, 1000)
    assert complaints == []


def test_an_image_is_shown_plainly(opened: Callable[..., tuple[Page, StubJob, list[str]]]) -> None:
    page, _, complaints = opened("receipt.png", 1)

    image = page.get_by_role("img", name="The document that this task belongs to")
    expect(image).to_be_visible()
    assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") == 1200
    loaded = page.evaluate("performance.getEntriesByType('resource').map(e => e.name)")
    assert not [name for name in loaded if "pdf" in name.lower()], "PDF.js is not loaded for an image"
    assert complaints == []


def test_a_document_that_cannot_be_shown_says_why_and_is_asked_for_anew(
    opened: Callable[..., tuple[Page, StubJob, list[str]]], served: tuple[StubServer, str]
) -> None:
    page, job, _ = opened("damaged.pdf", 1)
    expect(page.get_by_text("could not be shown: it is not a PDF, or damaged")).to_be_visible()

    job.document = {"url": f"{served[0].store}/scan.pdf", "page": 1}
    page.get_by_role("button", name="Load it again").click()

    inked(page, 1, 1000)
