"""What all tests share: repeatable property tests, and two things that keep them fast.

`pytest --hypothesis-profile=search` looks for new examples; otherwise every run has the same.
"""

import gc
from functools import cache
from typing import Any

import pytest
from hypothesis import settings

try:
    from botocore.loaders import JSONFileLoader
except ModuleNotFoundError:  # the training environment may do without
    JSONFileLoader = None

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("search", deadline=None, max_examples=2000)
settings.load_profile("repeatable")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Leave what collection imported out of every later garbage collection: tests took seconds more."""
    if JSONFileLoader is not None:
        read_service_models_once()
    gc.collect()
    gc.freeze()


def read_service_models_once() -> None:
    """A new boto3 session parses megabytes of JSON that never change; moto has one for each test."""
    read = JSONFileLoader.load_file
    loader = JSONFileLoader()

    @cache
    def once(path: str) -> Any:
        return read(loader, path)

    JSONFileLoader.load_file = lambda _, path: once(path)
