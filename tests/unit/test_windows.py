"""Windows over token counts: nothing is lost, nothing is too long."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recto.windows import Window, kept_tokens, split_into_windows

COUNTS = st.lists(st.integers(0, 40), max_size=120)
SIZES = st.integers(1, 30).flatmap(lambda c: st.tuples(st.just(c), st.integers(0, c - 1)))


@given(COUNTS, SIZES)
def test_every_word_is_seen_and_windows_go_forward(counts: list[int], sizes: tuple[int, int]) -> None:
    capacity, stride = sizes

    windows = split_into_windows(counts, capacity=capacity, stride=stride)

    seen = {index for window in windows for index in range(window.first, window.end)}
    assert seen == set(range(len(counts)))
    assert all(a.first < b.first and a.end < b.end for a, b in pairwise(windows))


@given(COUNTS, SIZES)
def test_no_window_holds_more_tokens_than_fit(counts: list[int], sizes: tuple[int, int]) -> None:
    capacity, stride = sizes

    windows = split_into_windows(counts, capacity=capacity, stride=stride)

    for window in windows:
        assert sum(kept_tokens(counts[i], capacity) for i in range(window.first, window.end)) <= capacity


@given(COUNTS, SIZES)
def test_windows_share_at_most_the_stride(counts: list[int], sizes: tuple[int, int]) -> None:
    capacity, stride = sizes

    windows = split_into_windows(counts, capacity=capacity, stride=stride)

    for before, after in pairwise(windows):
        shared = range(after.first, before.end)
        assert sum(kept_tokens(counts[i], capacity) for i in shared) <= stride


def test_neighbouring_windows_overlap_by_whole_words() -> None:
    assert split_into_windows([2] * 8, capacity=8, stride=4) == [Window(0, 4), Window(2, 6), Window(4, 8)]


def test_a_page_without_words_has_no_windows() -> None:
    assert split_into_windows([], capacity=8, stride=2) == []


def test_words_of_zero_tokens_stand_in_a_window() -> None:
    assert split_into_windows([0, 0, 0], capacity=4, stride=1) == [Window(0, 3)]


def test_a_word_longer_than_a_window_has_one_of_its_own() -> None:
    assert split_into_windows([1, 99, 1], capacity=4, stride=2) == [Window(0, 1), Window(1, 2), Window(2, 3)]
    assert kept_tokens(99, 4) == 4


def test_an_overlap_as_long_as_the_window_is_refused() -> None:
    with pytest.raises(ValueError, match="seen stride 4 and capacity 4"):
        split_into_windows([1], capacity=4, stride=4)
