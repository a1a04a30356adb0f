"""Tokens of pages: what was given out comes back, and all else is refused by name."""

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recto_workbench.errors import RequestError
from recto_workbench.page_tokens import place_in, token_of


def read(told: Any) -> tuple[int, str]:
    number, name = told
    return int(number), str(name)


@given(st.integers(0, 10**9), st.text())
def test_a_token_is_the_place_that_it_was_given_out_for(number: int, name: str) -> None:
    assert place_in(token_of([number, name]), read) == (number, name)


@pytest.mark.parametrize("told", ["[1e999, 1]", "[1]", "{}", "null", "[[], 2]", "[1", ""])
def test_a_token_that_was_not_given_out_is_refused(told: str) -> None:
    with pytest.raises(RequestError, match="none that was given out"):
        place_in(base64.urlsafe_b64encode(told.encode()).decode(), read)


@given(st.text(alphabet="!? äß€"))
def test_text_that_somebody_wrote_is_refused(text: str) -> None:
    with pytest.raises(RequestError, match=r"^next: "):
        place_in(text, read)
