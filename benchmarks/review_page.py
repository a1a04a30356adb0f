"""The review page: first page of a PDF with 500 boxes, field click to box, memory and jump in 400 pages.

    npm --prefix workbench/web run build                          once: the pages
    .venv/bin/python benchmarks/review_page.py --rounds 1         a quick look
    .venv/bin/python benchmarks/review_page.py                    the figures, about three minutes

Headless Chromium, 1280 x 800, the whole page as the workbench serves it, over the real API with rows in
memory. The PDFs are real contracts (`../shared/data/kleister-nda`) joined to 10 and to 400 pages, with 500
and 2,000 boxes.

First page: from asking for the address until the first page is drawn with all its boxes, painted. Field: from
the press on a value until its box is outlined in view, painted; values of all pages in random order. Jump:
from the entered number until page 399 is drawn. Memory: the most that the tab's process held for itself
(anonymous and shared pages, without the browser's program) while all 400 pages were scrolled through.
"""

import argparse
import os
import random
import statistics
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import recording
from playwright.sync_api import Browser, Locator, Page, Playwright, sync_playwright

sys.path.insert(0, str(recording.ROOT))

from recto_workbench.steps.desk import claim
from tests.browser.review_documents import contracts
from tests.browser.review_stub import object_app
from tests.browser.stub_server import StubServer
from tests.browsers import STATIC, WINDOW, Served

FIGURES = {
    "first_page_ms": 1500.0,
    "field_click_ms": 100.0,
    "jump_ms": 1000.0,
    "memory_mb": 300.0,
}
BROWSER = "/usr/bin/chromium"
CLICKS = 20
REVIEWER = "rita"

# Runs before the page's own scripts: times of what was asked for, each told once it is painted.
WATCH = """
// Held when a frame is about to be painted; told right after it is.
const until = async (holds) => {
  do await new Promise((done) => requestAnimationFrame(done)); while (!holds());
  return new Promise((done) => setTimeout(() => done(performance.now())));
};
const page = (number) => document.querySelector(`.viewer-page[data-page="${number}"]`);
const isSeen = (element) => {
  const area = document.querySelector(".viewer-area")?.getBoundingClientRect();
  const box = element?.getBoundingClientRect();
  return !!box && !!area && box.top >= area.top && box.bottom <= area.bottom
    && box.left >= area.left && box.right <= area.right;
};
window.firstPage = (boxes) => until(() => {
  const drawn = document.querySelector(".viewer-page canvas")?.closest(".viewer-page");
  return drawn && drawn.querySelectorAll("[data-mark]").length >= boxes;
});
const outlined = () => document.querySelector(".viewer-mark.active");
addEventListener("pointerdown", (event) => {
  const before = outlined()?.dataset.mark;
  const isOther = () => outlined() && outlined().dataset.mark !== before && isSeen(outlined());
  window.took = until(isOther).then((end) => end - event.timeStamp);
}, {capture: true});
addEventListener("change", (event) => {
  const wanted = Number(event.target.value);
  window.took = until(() => page(wanted)?.querySelector("canvas")).then((end) => end - event.timeStamp);
}, {capture: true});
"""


class Bench:
    """The server with both documents, and what a browser needs to open them."""

    def __init__(self, static: Path) -> None:
        self.server = StubServer(static, self._serve(object_app(lambda: self.server.review)))
        self.origin = self._serve(self.server.app)
        self.server.sessions.add(REVIEWER)
        self.worker = self.server.review.worker(REVIEWER)

    def _serve(self, app: Any) -> str:
        served = Served(app)
        served.start()
        served.wait()
        return served.origin

    def add(self, num_pages: int, boxes_a_page: int) -> str:
        """A claimed review of contracts of so many pages; its id."""
        loop = self.server.review.add_long(contracts(num_pages), f"contracts-{num_pages}", boxes_a_page)
        claim(loop.name, self.worker, self.server.review.desk)
        return loop.name

    @contextmanager
    def opened(self, playwright: Playwright) -> Iterator[tuple[Browser, Page]]:
        """A browser of its own, so that no memory is another document's."""
        browser = playwright.chromium.launch(
            executable_path=BROWSER, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        context = browser.new_context(viewport=WINDOW)
        context.add_cookies([{"name": "recto_session", "value": REVIEWER, "url": f"{self.origin}/api"}])
        context.add_init_script(WATCH)
        yield browser, context.new_page()
        browser.close()


def first_page(page: Page, bench: Bench, review: str, boxes: int) -> float:
    page.goto(f"{bench.origin}/#/reviews/{review}", wait_until="commit")
    return float(page.evaluate("boxes => firstPage(boxes)", boxes))


def field_clicks(page: Page, numbers: random.Random) -> list[float]:
    """Milliseconds for values anywhere in the document: each is scrolled to in its list, then pressed."""
    for fold in page.locator("[aria-expanded='false']").all():
        fold.click()
    values = page.evaluate("[...document.querySelectorAll('[data-value]')].map((one) => one.dataset.value)")
    values.remove("0.0")  # where the page begins
    if len(values) < CLICKS:
        raise SystemExit(f"{len(values)} values can be pressed, expected {CLICKS} at least")
    return [_click(page, value) for value in numbers.sample(values, CLICKS)]


def _click(page: Page, value: str) -> float:
    field = page.locator(f"[data-value='{value}']")
    field.scroll_into_view_if_needed()
    page.wait_for_timeout(150)
    page.mouse.click(*_middle(field))
    return float(page.evaluate("took"))


def jump(page: Page, number: int) -> float:
    field = page.get_by_label("Page", exact=True)
    field.fill(str(number))
    field.press("Enter")
    return float(page.evaluate("took"))


def memory_mb(browser: Browser) -> float:
    """What the largest renderer holds for itself."""
    told = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
    return max(_own_mb(process["id"]) for process in told if process["type"] == "renderer")


def _own_mb(process: int) -> float:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith(("RssAnon:", "RssShmem:"))) / 1024


def scrolled_memory(browser: Browser, page: Page, num_pages: int) -> float:
    """The most held while one scrolls from the first page to the last, a view at a time."""
    jump(page, 1)
    most = memory_mb(browser)
    page.mouse.move(*_middle(page.locator(".viewer-area")))
    for step in range(num_pages * 4):
        page.mouse.wheel(0, 400)
        page.wait_for_timeout(25)
        if step % 20 == 0:
            most = max(most, memory_mb(browser))
            at = int(page.get_by_label("Page", exact=True).input_value())
            if at == num_pages:
                break
    return most


def _middle(shown: Locator) -> tuple[float, float]:
    box = shown.bounding_box()
    if not box:
        raise SystemExit(f"{shown} is not on the screen")
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def measured(bench: Bench, playwright: Playwright, rounds: int) -> dict[str, Any]:
    ten, long = bench.add(10, 50), bench.add(400, 5)
    numbers = random.Random(7)
    firsts: list[float] = []
    clicks: list[float] = []
    jumps: list[float] = []
    longs: list[float] = []
    memories: list[float] = []
    afterwards: list[float] = []
    for _ in range(rounds):
        with bench.opened(playwright) as (_browser, page):
            firsts.append(first_page(page, bench, ten, 50))
            clicks += field_clicks(page, numbers)
        with bench.opened(playwright) as (browser, page):
            longs.append(first_page(page, bench, long, 1))
            jumps.append(jump(page, 399))
            afterwards.append(memory_mb(browser))
            memories.append(scrolled_memory(browser, page, 400))
    return {
        "first_page_ms": round(statistics.median(firsts), 1),
        "first_page_worst_ms": round(max(firsts), 1),
        "field_click_ms": round(statistics.median(clicks), 1),
        "field_click_p95_ms": round(sorted(clicks)[int(0.95 * len(clicks))], 1),
        "field_clicks": len(clicks),
        "jump_ms": round(statistics.median(jumps), 1),
        "jump_worst_ms": round(max(jumps), 1),
        "memory_mb": round(max(memories), 1),
        "memory_after_jump_mb": round(max(afterwards), 1),
        "first_page_of_400_ms": round(statistics.median(longs), 1),
        "rounds": rounds,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    static = Path(os.environ.get("RECTO_WEB_STATIC") or STATIC)
    if not (static / "index.html").exists():
        raise SystemExit("the pages are not built: npm --prefix workbench/web run build")
    with sync_playwright() as playwright:
        values = measured(Bench(static), playwright, asked.rounds)
    rows = [(name, values[name], f"at most {most:g}") for name, most in FIGURES.items()]
    recording.print_table("the review page, headless Chromium", ("what", "is", "figure"), rows)
    recording.write_result(
        "review_page",
        f".venv/bin/python benchmarks/review_page.py --rounds {asked.rounds}",
        {"window": WINDOW, "asked": FIGURES, **values},
    )
    return int(any(values[name] > most for name, most in FIGURES.items()))


if __name__ == "__main__":
    sys.exit(main())
