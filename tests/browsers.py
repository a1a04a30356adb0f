"""A real browser for everything that a person sees: Debian's Chromium, driven by Playwright, headless.

CHROMIUM names another binary; `make setup` installs one where it may. Each test has a context of its own: no
cookie, no cache, no storage.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

FLAGS = (
    "--no-sandbox",  # tests run as root in containers
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WAIT_MS = 15_000


def chromium() -> str | None:
    """The browser's path, or None where there is none."""
    given = os.environ.get("CHROMIUM")
    return given or shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="module")  # an open one would hold this thread's event loop
def browser() -> Iterator[Browser]:
    path = chromium()
    if path is None:
        pytest.fail("no chromium was found: apt-get install chromium, or name one in CHROMIUM")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield started
        started.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page in a context of its own; errors that its scripts throw fail the test unless it expects them."""
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    context.set_default_timeout(WAIT_MS)
    page = context.new_page()
    thrown: list[str] = []
    page.on("pageerror", lambda error: thrown.append(str(error)))
    page.expected_errors = thrown  # type: ignore[attr-defined]
    yield page
    context.close()
    assert not thrown, f"scripts of the page threw: {thrown}"


@pytest.fixture(scope="session")
def static() -> Path:
    """The built pages; `make setup-demo` builds them."""
    folder = Path(__file__).parents[2] / "workbench" / "src" / "recto_workbench" / "static"
    if not (folder / "index.html").exists():
        pytest.fail(f"the workbench's pages are not built: {folder} is missing; run: make setup-demo")
    return folder
