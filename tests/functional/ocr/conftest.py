"""The OCR project by itself: files, folders, its server. No AWS, real Tesseract."""

import pytest


@pytest.fixture(autouse=True)
def aws() -> None:
    """In place of moto, which the other functional tests use."""
