import gzip
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recto.document import Page, PagePredictions, Word
from recto.errors import DamagedDocumentError, PageCountMismatchError, PageOrderError
from recto.geometry import Box
from recto.pagestore import (
    PageEntry,
    PageIndex,
    PartWriter,
    decode_members,
    decode_page,
    decode_predictions,
    encode_page,
    encode_predictions,
)

millionths = st.integers(0, 1_000_000).map(lambda value: value / 1_000_000)


def words_with(ids: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[Word, ...]]:
    boxes = st.builds(Box.clipped, millionths, millionths, millionths, millionths)
    word = st.builds(Word, st.text(max_size=12), boxes, millionths, st.integers(-1, 300), ids)
    return st.lists(word, max_size=8).map(tuple)


uuids = st.uuids().map(str)
ids_of_all_kinds = st.one_of(uuids, uuids.map(str.upper), st.text("0af-", max_size=40), st.text(max_size=36))
pages = st.builds(Page, st.integers(1, 3000), st.one_of(words_with(uuids), words_with(ids_of_all_kinds)))


@given(pages)
def test_every_page_comes_back_as_it_was(page: Page) -> None:
    assert decode_page(encode_page(page)) == page


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_page_stored_again_and_again_stays_the_same(left: float, confidence: float) -> None:
    page = Page(1, (Word("A", Box(left, left, 1.0, 1.0), confidence),))

    once = decode_page(encode_page(page))

    assert decode_page(encode_page(once)) == once
    assert abs(once.words[0].box.left - left) <= 0.5e-6


@given(st.integers(1, 3000), st.lists(st.tuples(st.integers(0, 50), millionths, millionths), max_size=8))
def test_predictions_come_back_as_they_were(number: int, entries: list[tuple[int, float, float]]) -> None:
    classes, probabilities, agreements = zip(*entries, strict=True) if entries else ((), (), ())
    predictions = PagePredictions(number, classes, probabilities, agreements)

    assert decode_predictions(encode_predictions(predictions)) == predictions


def page_of(number: int, *texts: str) -> Page:
    return Page(number, tuple(Word(text, Box(0.1, 0.1, 0.2, 0.2), 0.5, 0, text) for text in texts))


def test_equal_pages_give_equal_bytes_that_any_gzip_reads() -> None:
    content = encode_page(page_of(1, "A"))

    assert content == encode_page(page_of(1, "A"))
    assert content[4:8] == b"\0\0\0\0"
    assert gzip.decompress(content).startswith(b'{"n":1,"t":["A"],"i":["A"]}\n')


def test_each_page_of_a_part_is_read_by_its_place_alone() -> None:
    writer = PartWriter(2, first_page=3)
    stored = [page_of(3, "A", "B"), page_of(4), page_of(5, "C")]

    for page in stored:
        writer.add(page)
    content, entries = writer.finish()

    assert [entry.num_words for entry in entries] == [2, 0, 1]
    assert [decode_page(content[e.offset : e.offset + e.length]) for e in entries] == stored
    assert list(decode_members(content, decode_page)) == stored
    assert entries[-1].offset + entries[-1].length == len(content)


def test_a_part_takes_pages_in_their_order_only() -> None:
    writer = PartWriter(1)
    writer.add(page_of(1))

    with pytest.raises(PageOrderError, match="page 3 where page 2 was expected"):
        writer.add(page_of(3))


def test_an_index_is_joined_from_parts_and_comes_back_from_its_file() -> None:
    index = PageIndex.joined([[PageEntry(1, 0, 10, 5), PageEntry(1, 10, 20, 6)], [PageEntry(2, 0, 30, 7)]])

    assert PageIndex.from_json(index.to_json()) == index
    assert (index.num_pages, index.num_words, index.entry(3)) == (3, 18, PageEntry(2, 0, 30, 7))
    assert [page for page, _ in index.span(2, 3)] == [2, 3]


@pytest.mark.parametrize("page", [0, 4])
def test_a_page_that_the_document_does_not_have_is_an_error(page: int) -> None:
    index = PageIndex(pages=(PageEntry(1, 0, 1, 1),) * 3)

    with pytest.raises(PageCountMismatchError, match=f"page {page} of a document of 3 pages"):
        index.entry(page)


def test_ids_that_are_uuids_are_stored_without_their_digits() -> None:
    ids = [str(uuid.uuid5(uuid.NAMESPACE_OID, str(number))) for number in range(500)]
    words = tuple(Word("A", Box(0.1, 0.1, 0.2, 0.2), 0.5, 0, id_) for id_ in ids)

    packed, plain = (
        encode_page(Page(1, chosen)) for chosen in (words, (*words[:-1], words[-1]._replace(id="a")))
    )

    assert decode_page(packed).words == words
    assert len(packed) < 0.75 * len(plain)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"text",
        gzip.compress(b"{}", mtime=0),
        gzip.compress(b"[1]", mtime=0),
        encode_page(page_of(1))[:-9],
        gzip.compress(b'{"n":1,"t":["A"]}\n' + bytes(24), mtime=0),
        gzip.compress(b'{"n":1,"t":["A"],"i":[""]}\n' + bytes(23), mtime=0),
        gzip.compress(gzip.decompress(encode_page(page_of(1, "A")))[:-1], mtime=0),
        gzip.compress(b'{"n":1,"t":["A"]}\n' + bytes(24 + 17), mtime=0),
    ],
)
def test_bytes_that_are_no_page_are_damaged(content: bytes) -> None:
    with pytest.raises(DamagedDocumentError):
        decode_page(content)


@pytest.mark.parametrize(
    "content",
    [
        gzip.compress(b"{}\n", mtime=0),
        gzip.compress(b'{"n":1,"w":2,"a":true}\n' + bytes(23), mtime=0),
        gzip.compress(b'{"n":1,"w":-2,"a":true}\n' + bytes(24), mtime=0),
    ],
)
def test_bytes_that_are_no_predictions_are_damaged(content: bytes) -> None:
    with pytest.raises(DamagedDocumentError):
        decode_predictions(content)


@pytest.mark.parametrize("content", [b"{}", b"[", b'{"pages": [[1, 2, 3]]}', b'{"pages": [[1, -2, 3, 4]]}'])
def test_bytes_that_are_no_index_are_damaged(content: bytes) -> None:
    with pytest.raises(DamagedDocumentError):
        PageIndex.from_json(content)
