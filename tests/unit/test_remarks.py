from hypothesis import given
from hypothesis import strategies as st

from recto.remarks import MEANING, Oddity, Remark, in_short, in_words


@given(st.sets(st.integers(1, 60)))
def test_pages_in_short_are_the_same_pages(pages: set[int]) -> None:
    runs = [part.split("-") for part in in_short(sorted(pages)).split(", ") if part]
    told = [range(int(run[0]), int(run[-1]) + 1) for run in runs]

    assert {page for run in told for page in run} == pages
    assert sum(len(run) for run in told) == len(pages)


def test_runs_of_pages_are_drawn_together() -> None:
    assert in_short([1, 2, 3, 7, 9, 10]) == "1-3, 7, 9-10"
    assert in_short([]) == ""


def test_each_kind_is_one_line_with_its_sum_and_its_pages() -> None:
    remarks = [Remark(1, Oddity.TURNED, 30), Remark(1, Oddity.NO_TEXT, 1), Remark(2, Oddity.TURNED, 12)]

    no_text, turned = in_words(remarks)

    assert no_text.startswith("no_text: 1 (")
    assert turned.startswith("turned: 42 (")
    assert turned.endswith("; pages 1-2")


def test_every_oddity_has_a_meaning() -> None:
    assert set(MEANING) == set(Oddity)
