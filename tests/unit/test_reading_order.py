import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recto.document import NO_LINE, Page, Word
from recto.geometry import Box
from recto.reading_order import reading_order
from recto.textract import blocks_of, read_pages
from tests.unit.drawn_pages import drawn, in_words

RESPONSES = Path(__file__).parents[3] / "shared" / "data" / "textract"

TWO_COLUMNS = (
    "         The agreement in two columns",
    "This is the text of       which goes on in the",
    "the left column and       right column for as",
    "it has more lines in      many lines as there",
    "it than it needs to       are in the left one",
    "make a column of it.      and then it ends too.",
    "Below both there is one line that is as wide",
)


def lines_of(page: Page) -> list[str]:
    return in_words(page, [segment.words for segment in reading_order(page.words).segments])


def test_prose_in_two_columns_is_read_column_by_column() -> None:
    page, _ = drawn(*TWO_COLUMNS)

    assert lines_of(page) == [
        "The agreement in two columns",
        "This is the text of",
        "the left column and",
        "it has more lines in",
        "it than it needs to",
        "make a column of it.",
        "which goes on in the",
        "right column for as",
        "many lines as there",
        "are in the left one",
        "and then it ends too.",
        "Below both there is one line that is as wide",
    ]


def test_a_receipt_is_read_row_by_row_with_prices_apart_from_names() -> None:
    page, _ = drawn(
        "      CORNER SHOP",
        "Bread            2.50",
        "Blue cheese      4.00",
        "Milk             1.20",
        "Total            7.70",
    )

    assert lines_of(page) == [
        "CORNER SHOP",
        *("Bread", "2.50", "Blue cheese", "4.00", "Milk", "1.20", "Total", "7.70"),
    ]


def test_a_table_is_read_row_by_row() -> None:
    page, _ = drawn(
        "Name        Rate      Fee",
        "Gold card   9.99%     $25",
        "Blue card   12.5%     none",
        "Red card    14%       $5",
    )

    assert lines_of(page)[:6] == ["Name", "Rate", "Fee", "Gold card", "9.99%", "$25"]


def test_columns_whose_lines_stand_at_different_heights_are_kept_apart() -> None:
    page, _ = drawn(*TWO_COLUMNS[1:6])
    shifted = [
        word._replace(box=Box(word.box.left, word.box.top + 0.009, word.box.right, word.box.bottom + 0.009))
        if word.box.left > 0.24
        else word
        for word in page.words
    ]

    found = lines_of(Page(1, tuple(shifted)))

    assert found[4:6] == ["make a column of it.", "which goes on in the"]


def test_the_ocrs_lines_decide_whether_a_middling_gap_is_a_space() -> None:
    page, _ = drawn("paid  in  full    today")
    one_line = [word._replace(line=0) for word in page.words]
    two_lines = [word._replace(line=index) for index, word in enumerate(page.words)]

    assert lines_of(page) == ["paid in full", "today"]
    assert lines_of(Page(1, tuple(one_line))) == ["paid in full today"]
    assert lines_of(Page(1, tuple(two_lines))) == ["paid", "in", "full", "today"]


def turned(word: Word, quarter_turns: int) -> Word:
    left, top, right, bottom = word.box
    for _ in range(quarter_turns):
        left, top, right, bottom = 1 - bottom, left, 1 - top, right
    return word._replace(box=Box(left, top, right, bottom))


@pytest.mark.parametrize("quarter_turns", [1, 2, 3])
def test_a_turned_page_is_read_the_way_its_text_runs(quarter_turns: int) -> None:
    page, _ = drawn("The annual fee", "is $25 for each", "card that you hold.", with_lines=True)

    words = tuple(turned(word, quarter_turns) for word in page.words)

    assert lines_of(Page(1, words)) == ["The annual fee", "is $25 for each", "card that you hold."]


def test_a_page_that_is_a_little_askew_keeps_its_lines() -> None:
    row = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen"
    page, _ = drawn(row, row, row, with_lines=True)
    askew = tuple(
        word._replace(box=Box(word.box.left, word.box.top + shift, word.box.right, word.box.bottom + shift))
        for word in page.words
        for shift in (0.03 * word.box.left,)
    )

    assert lines_of(Page(1, askew)) == [row] * 3


def test_a_line_goes_on_in_the_line_below_it_in_its_own_column() -> None:
    page, _ = drawn("Annual fee      $25 for the", "of the card     first year", "", "", "", "Far below")
    order = reading_order(page.words)
    texts = in_words(page, [segment.words for segment in order.segments])

    below = {texts[i]: None if other is None else texts[other] for i, other in enumerate(order.below)}

    assert below == {
        "Annual fee": "of the card",
        "$25 for the": "first year",
        "of the card": None,
        "first year": None,
        "Far below": None,
    }


shares = st.floats(0, 1)
words = st.builds(
    Word,
    st.text(max_size=8),
    st.builds(Box.clipped, shares, shares, shares, shares),
    shares,
    st.integers(NO_LINE, 4),
)


@given(st.lists(words, max_size=40))
def test_every_word_is_read_exactly_once_wherever_it_stands(words: list[Word]) -> None:
    order = reading_order(words)

    assert sorted(order.words()) == list(range(len(words)))
    assert len(order.below) == len(order.segments)
    assert all(other is None or 0 <= other < len(order.below) for other in order.below)
    assert reading_order(words) == order


@given(st.permutations(drawn(*TWO_COLUMNS)[0].words))
def test_the_order_does_not_depend_on_the_ocrs_order(words: list[Word]) -> None:
    page, _ = drawn(*TWO_COLUMNS)

    assert lines_of(Page(1, tuple(words))) == lines_of(page)


@pytest.mark.skipif(not RESPONSES.is_dir(), reason="../shared/data is not here")
def test_a_real_two_column_page_with_header_and_footer_is_read_like_a_person_would() -> None:
    response = json.loads((RESPONSES / "trp-js" / "test-twocol-header-footer-response.json").read_bytes())
    (page,) = read_pages(blocks_of(response))

    found = lines_of(page)

    left_end = found.index("ML model-based approaches may be appropriate.")
    assert found[left_end + 1] == "The Amazon Textract Response Parser aims to"
    assert found[found.index("The included sample test documents are fully synthetic.") + 1].startswith(
        "After a two"
    )
    assert found[-1] == "footer content"


@pytest.mark.skipif(not RESPONSES.is_dir(), reason="../shared/data is not here")
def test_every_real_page_is_read_in_full() -> None:
    num_pages = 0
    for file in sorted(RESPONSES.rglob("*.json")):
        response = json.loads(file.read_bytes())
        if not response.get("Blocks"):
            continue
        for page in read_pages(blocks_of(response)):
            assert sorted(reading_order(page.words).words()) == list(range(len(page.words))), file
            num_pages += 1

    assert num_pages > 90
