"""The browser of `tests/browsers.py`, for tests of single pages and elements.

A module that shows the workbench has a fixture `served`: its stub server, and where that answers.
"""

import pytest
from playwright.sync_api import Page

from tests.browser.stub_server import StubServer
from tests.browsers import WAIT_MS, Serve, axe, browser, chromium, context, page, serve, web_static

__all__ = ["WAIT_MS", "Serve", "axe", "browser", "chromium", "context", "page", "serve", "web_static"]


@pytest.fixture
def server(served: tuple[StubServer, str]) -> StubServer:
    """The module's stub server, as new."""
    served[0].reset()
    return served[0]


@pytest.fixture
def origin(served: tuple[StubServer, str]) -> str:
    return served[1]


@pytest.fixture
def broken(page: Page) -> list[str]:
    """What the browser complains of: scripts that throw, and what the policy forbade."""
    found: list[str] = []
    page.on("pageerror", lambda error: found.append(str(error)))
    page.on(
        "console",
        lambda message: found.append(message.text) if "Content Security Policy" in message.text else None,
    )
    return found
