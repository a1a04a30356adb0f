"""The browser of `tests/browsers.py`, for tests of single pages and elements."""

from tests.browsers import browser, page, static

__all__ = ["browser", "page", "static"]
