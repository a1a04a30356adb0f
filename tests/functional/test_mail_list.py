"""The mail's outcomes as far as opening and drawing decide them: all odd files, without a runtime."""

from pathlib import Path

import pytest

from recto.errors import DocumentError
from recto.imaging import Limits, open_pages
from tests.e2e.mail import RESULT, Outcome, differences, expected, name_of, odd_files, ordinary_files

LIMITS = Limits(pages=3000, pixels=100_000_000)
SIDE = 32

FILES = [*odd_files(), *ordinary_files()]


def outcome(path: Path) -> Outcome:
    """What opening the document and drawing every page of it comes to."""
    try:
        with open_pages(path, LIMITS, path.name) as source:
            for number in range(1, source.num_pages + 1):
                source.draw(number, SIDE)
            return Outcome(RESULT, str(source.num_pages))
    except DocumentError as error:
        return Outcome(type(error).__name__, "", str(error))


@pytest.mark.skipif(not FILES, reason="../shared/data is not here")
def test_every_odd_file_opens_and_draws_as_the_list_says() -> None:
    seen = {name_of(path): outcome(path) for path in FILES}
    wanted = {name: one for name, one in expected().items() if name in seen}

    assert len(seen) > 330
    assert not (table := differences(wanted, seen)), f"not as tests/e2e/mail.csv says:\n{table}"
