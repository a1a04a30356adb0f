"""Which pages to label next."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recto.document import Page, Word
from recto.geometry import Box
from recto.page_choice import (
    SAME,
    ChoiceRules,
    PageToLabel,
    Reason,
    TooFewPagesError,
    choose_pages,
    page_doubt,
    page_features,
)


def page(name: str, words: str, doubt: float = 1.0, *, is_first: bool = False) -> PageToLabel:
    return PageToLabel(name, frozenset(words.split()), doubt, is_first)


def rules(count: int, random_share: float = 0.0, first_share: float | None = None) -> ChoiceRules:
    return ChoiceRules(count=count, random_share=random_share, first_share=first_share)


def names(pages: list[PageToLabel], labelled: list[PageToLabel], how: ChoiceRules) -> list[str]:
    return [one.id for one in choose_pages(pages, labelled, how)]


ACME = [page(f"acme-{n}", f"acme invoice street berlin tel fax page one thanks no{n}") for n in range(4)]
BOLT = [page(f"bolt-{n}", f"bolt receipt road paris cash change open daily n{n}") for n in range(2)]
COG = [page("cog-0", "cog letter lane rome dear sir we write")]


def test_each_sort_of_page_is_taken_before_a_second_of_any() -> None:
    chosen = names([*ACME, *BOLT, *COG], [], rules(3))

    assert [name.split("-")[0] for name in chosen] == ["acme", "bolt", "cog"]


def test_what_labelled_pages_look_like_is_not_asked_for_again() -> None:
    chosen = names([*ACME[1:], *BOLT, *COG], [ACME[0]], rules(2))

    assert {name.split("-")[0] for name in chosen} == {"bolt", "cog"}


def test_of_two_sorts_the_one_that_is_doubted_comes_first() -> None:
    sure = [one._replace(doubt=0.1) for one in ACME]
    unsure = [one._replace(doubt=0.9) for one in BOLT]

    first, second = choose_pages([*sure, *unsure], [], rules(2))

    assert (first.id, first.reason, first.doubt) == ("bolt-0", Reason.DOUBT, 0.9)
    assert second.id.startswith("acme")


def test_chance_takes_its_share_in_the_order_given_and_says_so() -> None:
    chosen = choose_pages([*ACME, *BOLT, *COG], [], rules(5, random_share=0.4))

    assert [(one.id, one.reason) for one in chosen[:2]] == [
        ("acme-0", Reason.CHANCE),
        ("acme-1", Reason.CHANCE),
    ]
    assert all(one.reason is not Reason.CHANCE for one in chosen[2:])


def test_a_page_scanned_twice_is_taken_once_while_others_remain() -> None:
    twins = [page("one", "a b c d"), page("two", "a b c d"), page("other", "a x y z")]

    assert set(names(twins, [], rules(2, random_share=1.0))) == {"one", "other"}
    assert set(names(twins, [], rules(3, random_share=1.0))) == {"one", "two", "other"}


def test_pages_without_words_come_last() -> None:
    assert names([page("empty", ""), *BOLT], [], rules(2, 0.5)) == ["bolt-0", "bolt-1"]
    assert names([page("empty", ""), *BOLT], [], rules(3))[2] == "empty"


def test_first_pages_have_the_share_that_was_asked_for() -> None:
    pages = [page(f"{n}", f"word{n} common", is_first=n % 5 == 0) for n in range(50)]

    chosen = names(pages, [], rules(10, 0.2, first_share=0.4))

    assert sum(int(name) % 5 == 0 for name in chosen) == 4


def test_too_few_pages_are_told_with_what_is_there() -> None:
    with pytest.raises(TooFewPagesError, match="3 pages are to be chosen, but only 1 without labels"):
        choose_pages(BOLT, [BOLT[0]], rules(3))
    with pytest.raises(TooFewPagesError, match="1 first pages are to be chosen, but only 0"):
        choose_pages(BOLT, [], rules(2, first_share=0.5))


some_pages = st.lists(
    st.builds(
        PageToLabel,
        id=st.integers(0, 30).map(str),
        features=st.frozensets(st.sampled_from("abcdefgh"), max_size=6),
        doubt=st.floats(0, 1),
        is_first=st.booleans(),
    ),
    min_size=1,
    max_size=25,
)


@given(some_pages, st.integers(0, 10), st.floats(0, 1), st.data())
def test_any_choice_has_its_number_none_labelled_none_twice_and_is_made_again(
    pages: list[PageToLabel], num_labelled: int, random_share: float, data: st.DataObject
) -> None:
    labelled = pages[:num_labelled]
    left = {one.id: one for one in pages if one.id not in {known.id for known in labelled}}
    if not left:
        return
    how = rules(data.draw(st.integers(1, len(left))), random_share)

    chosen = choose_pages(pages, labelled, how)

    assert len(chosen) == how.count == len({one.id for one in chosen})
    assert {one.id for one in chosen} <= left.keys()
    assert choose_pages(pages, labelled, how) == chosen
    taken = {one.id for one in chosen}
    doubles = [one for one in chosen if one.likeness >= SAME]
    if doubles:  # then nothing else was left: each page that was not taken is the same as one that was
        seen = [one.features for one in (*labelled, *(left[name] for name in taken))]
        assert all(not one.features or one.features in seen or _like(one.features, seen) >= SAME
                   for name, one in left.items() if name not in taken)  # fmt: skip


def _like(one: frozenset[str], others: list[frozenset[str]]) -> float:
    return max(len(one & other) / len(one | other) for other in others if other)


# --- what a page looks like, and doubt ----------------------------------------------------------------


def test_the_same_form_with_other_numbers_looks_alike() -> None:
    def receipt(amount: str) -> Page:
        texts = ("Total", amount)
        boxes = (Box(0.1, 0.5, 0.2, 0.52), Box(0.6, 0.5, 0.7, 0.52))
        return Page(1, tuple(Word(text, box, 1.0) for text, box in zip(texts, boxes, strict=True)))

    one, other = page_features(receipt("12.50")), page_features(receipt("7.95"))

    assert len(one & other) == 3
    assert "12.50" in one - other


def test_a_model_that_is_sure_and_finds_what_is_usual_has_no_doubt() -> None:
    sure = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]

    assert page_doubt(sure, [1.0, 1.0]) == 0.0


def test_what_is_usual_and_missing_is_doubtful_and_what_is_rare_is_not() -> None:
    only_first = [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]

    assert page_doubt(only_first, [1.0, 1.0]) == pytest.approx(0.5)
    assert page_doubt(only_first, [1.0, 0.1]) == pytest.approx(0.05)


def test_a_page_of_no_words_lacks_everything_usual() -> None:
    assert page_doubt([], [1.0, 0.5]) == pytest.approx(0.75)


def test_words_of_no_field_around_it_change_nothing() -> None:
    doubtful = [[0.6, 0.4, 0.0]]

    short, long = (page_doubt([*doubtful, *[[0.0, 0.0, 1.0]] * n], [1.0, 0.0]) for n in (1, 500))

    assert short == pytest.approx(long)
    assert short > 0.4


@given(
    st.lists(st.lists(st.floats(0.01, 1), min_size=3, max_size=3), max_size=8),
    st.lists(st.floats(0, 1), min_size=2, max_size=2),
)
def test_doubt_lies_between_0_and_1(words: list[list[float]], usual: list[float]) -> None:
    normed = [[one / sum(word) for one in word] for word in words]

    assert 0 <= page_doubt(normed, usual) <= 1 + 1e-9
