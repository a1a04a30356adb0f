"""The browser of `tests/browsers.py`, for tests of single pages and elements."""

from tests.browsers import WAIT_MS, Serve, axe, browser, chromium, context, page, serve, web_static

__all__ = ["WAIT_MS", "Serve", "axe", "browser", "chromium", "context", "page", "serve", "web_static"]
