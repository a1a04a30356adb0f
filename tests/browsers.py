"""A real browser for tests of pages: Debian's Chromium without a window, driven by Playwright.

    browser            one Chromium for a module
    context, page      a fresh profile and one page of it, for each test
    serve(app)         runs an ASGI application on a free port until the module ends; gives its origin
    web_static         the built pages, with the drop-in elements below frame-assets/
    axe(page)          the serious and critical accessibility faults of a page, as readable lines

`RECTO_CHROMIUM` names another browser of the Chromium family, `RECTO_WEB_STATIC` pages built elsewhere.
"""

import os
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Frame, Page, expect, sync_playwright

ROOT = Path(__file__).parents[1]
WEB = ROOT / "workbench" / "web"
AXE = WEB / "node_modules" / "axe-core" / "axe.min.js"
STATIC = ROOT / "workbench" / "src" / "recto_workbench" / "static"
# Long, for machines that are busy; what is right is there long before.
WAIT_MS = 20_000
WINDOW = {"width": 1280, "height": 800}

Serve = Callable[[Any], str]


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of the browser."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = os.environ.get("RECTO_CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if not found:
        pytest.fail("no Chromium was found: run `make setup`, or install Debian's package chromium")
    return found


@pytest.fixture(scope="session")
def web_static() -> Path:
    """Folder of the built pages."""
    folder = Path(os.environ.get("RECTO_WEB_STATIC") or STATIC)
    if not (folder / "index.html").exists():
        pytest.fail(f"{folder} has no built pages: run `make web`")
    return folder


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """For a module and no longer: an open Playwright leaves an event loop in the thread of all tests."""
    expect.set_options(timeout=WAIT_MS)
    with sync_playwright() as playwright:
        # Without its sandbox, which root may not use; it only ever sees pages of these tests.
        started = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield started
        started.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    opened = browser.new_context(viewport=WINDOW, locale="en-GB", timezone_id="UTC")
    opened.set_default_timeout(WAIT_MS)
    yield opened
    opened.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


class Served(threading.Thread):
    """An application on a port of this machine, in a thread of its own."""

    def __init__(self, app: Any) -> None:
        super().__init__(daemon=True)
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.origin = f"http://localhost:{self.listener.getsockname()[1]}"
        config = uvicorn.Config(app, ws="none", lifespan="off", log_level="warning", log_config=None)
        self.server = uvicorn.Server(config)

    def run(self) -> None:
        self.server.run(sockets=[self.listener])

    def wait(self) -> None:
        deadline = time.monotonic() + WAIT_MS / 1000
        while not self.server.started:
            if time.monotonic() > deadline:
                pytest.fail("the application under test did not start")
            time.sleep(0.01)

    def stop(self) -> None:
        self.server.should_exit = True
        self.server.force_exit = True
        self.join(WAIT_MS / 1000)
        self.listener.close()


@pytest.fixture(scope="module")
def serve() -> Iterator[Serve]:
    running: list[Served] = []

    def start(app: Any) -> str:
        served = Served(app)
        served.start()
        served.wait()
        running.append(served)
        return served.origin

    yield start
    for served in running:
        served.stop()


@pytest.fixture(scope="session")
def axe() -> Callable[[Page | Frame], list[str]]:
    """Asks axe-core; put in by the browser's debugger, so a Content-Security-Policy does not stop it."""
    script = AXE.read_text()

    def faults(page: Page | Frame) -> list[str]:
        page.evaluate(script)
        found = page.evaluate(
            "axe.run(document, {resultTypes: ['violations'], iframes: false}).then(r => r.violations)"
        )
        return [
            f"{fault['id']} ({fault['impact']}): {fault['help']}: {[node['html'] for node in fault['nodes']]}"
            for fault in found
            if fault["impact"] in {"serious", "critical"}
        ]

    return faults
