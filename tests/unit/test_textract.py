import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from recto.document import NO_LINE
from recto.errors import DamagedDocumentError, OcrFailedError, PageOrderError
from recto.textract import blocks_of, read_pages

RESPONSES = Path(__file__).parents[3] / "shared" / "data" / "textract"
REFUSED = {
    "SampleStatement.json": DamagedDocumentError,
    "test-failed-response.json": OcrFailedError,
    "test-inprogress-response.json": OcrFailedError,
}


def box(left: float, top: float, width: float = 0.1, height: float = 0.02) -> dict[str, Any]:
    return {"BoundingBox": {"Left": left, "Top": top, "Width": width, "Height": height}}


def word(text: str, page: int | None = 1, block_id: str = "", confidence: float = 99.0) -> dict[str, Any]:
    block = {"BlockType": "WORD", "Id": block_id or text, "Text": text, "Confidence": confidence}
    return block | {"Geometry": box(0.1, 0.1)} | ({"Page": page} if page else {})


def line(*ids: str, page: int | None = 1) -> dict[str, Any]:
    block = {
        "BlockType": "LINE",
        "Id": "l-" + "-".join(ids),
        "Relationships": [{"Type": "CHILD", "Ids": list(ids)}],
    }
    return block | ({"Page": page} if page else {})


def begin(page: int | None = 1) -> dict[str, Any]:
    return {"BlockType": "PAGE", "Id": f"page-{page}"} | ({"Page": page} if page else {})


def test_a_page_is_yielded_before_the_next_one_is_read_through() -> None:
    taken: list[str] = []

    def blocks() -> Iterator[dict[str, Any]]:
        for block in (begin(1), word("A", 1), begin(2), word("B", 2), word("C", 2)):
            taken.append(str(block["Id"]))
            yield block

    first = next(read_pages(blocks()))

    assert [one.text for one in first.words] == ["A"]
    assert taken == ["page-1", "A", "page-2"]


def test_a_response_without_page_numbers_is_page_1() -> None:
    pages = list(read_pages([begin(None), line("A", page=None), word("A", None)]))

    assert [(page.number, len(page.words)) for page in pages] == [(1, 1)]


def test_without_page_numbers_each_page_block_begins_a_page() -> None:
    pages = list(read_pages([begin(None), word("A", None), begin(None), begin(None), word("C", None)]))

    assert [(page.number, len(page.words)) for page in pages] == [(1, 1), (2, 0), (3, 1)]


def test_pages_without_words_are_yielded_empty() -> None:
    pages = list(read_pages([begin(1), begin(2), begin(3), word("C", 3), begin(4)]))

    assert [(page.number, len(page.words)) for page in pages] == [(1, 0), (2, 0), (3, 1), (4, 0)]


@pytest.mark.parametrize("last", [1, 2])
def test_a_page_that_comes_again_is_an_error_that_names_both_pages(last: int) -> None:
    pages = read_pages([begin(1), begin(3), word("C", 3), word("A", last)])

    with pytest.raises(PageOrderError, match=f"page {last} comes again after page 3"):
        list(pages)


def test_words_keep_their_order_their_line_and_those_in_no_line_stay() -> None:
    (page,) = read_pages(
        [begin(), line("A", "B"), line("D", "gone"), word("A"), word("B"), word("C"), word("D")]
    )

    assert [(one.text, one.line) for one in page.words] == [("A", 0), ("B", 0), ("C", NO_LINE), ("D", 1)]


def test_words_with_one_id_are_both_kept_and_lines_may_come_after_them() -> None:
    (page,) = read_pages([word("A", block_id="x"), word("B", block_id="x"), line("x"), line("x")])

    assert [(one.text, one.line) for one in page.words] == [("A", 0), ("B", 0)]


def test_confidence_and_box_are_converted_at_the_border() -> None:
    (page,) = read_pages([word("A", confidence=87.5)])

    assert page.words[0].confidence == 0.875
    assert tuple(page.words[0].box) == pytest.approx((0.1, 0.1, 0.2, 0.12))


def test_a_word_with_a_polygon_only_gets_the_box_around_it() -> None:
    block = word("A") | {
        "Geometry": {"Polygon": [{"X": 0.2, "Y": 0.1}, {"X": 0.1, "Y": 0.3}, {"X": 0.3, "Y": 0.2}]}
    }

    (page,) = read_pages([block])

    assert page.words[0].box == (0.1, 0.1, 0.3, 0.3)


@pytest.mark.parametrize(
    "geometry",
    [{"BoundingBox": {"Left": 0.1}}, {"BoundingBox": [0.1, 0.1, 0.2, 0.2]}, {"Polygon": [{"x": 1}] * 4}],
)
def test_geometry_of_another_shape_is_damage_that_names_the_page(geometry: dict[str, Any]) -> None:
    with pytest.raises(DamagedDocumentError, match="page 4"):
        list(read_pages([word("A", 4) | {"Geometry": geometry}]))


def test_blocks_come_from_one_response_from_several_and_from_nested_documents() -> None:
    one, two = {"Blocks": [word("A", 1)]}, {"JobStatus": "SUCCEEDED", "Blocks": [word("B", 2)]}
    nested = {"ExpenseDocuments": [{"Blocks": [word("C", 3)]}, {"ExpenseIndex": 2}]}

    pages = list(read_pages(blocks_of([one, two, nested])))

    assert [page.words[0].text for page in pages] == ["A", "B", "C"]


def test_a_failed_job_is_not_an_empty_document() -> None:
    with pytest.raises(OcrFailedError, match=r"FAILED.*bad file"):
        blocks_of({"JobStatus": "FAILED", "StatusMessage": "bad file", "Blocks": []})


@pytest.mark.skipif(not RESPONSES.is_dir(), reason="../shared/data is not here")
def test_every_real_response_is_read_without_losing_a_word() -> None:
    files = sorted(RESPONSES.rglob("*.json"))

    refused, pages, words = {}, 0, 0
    for file in files:
        response = json.loads(file.read_bytes())
        try:
            read = list(read_pages(blocks_of(response)))
        except (DamagedDocumentError, OcrFailedError) as error:
            refused[file.name] = type(error)
            continue
        expected = sum(block["BlockType"] == "WORD" for block in blocks_of(response))
        assert sum(len(page.words) for page in read) == expected, file
        assert [page.number for page in read] == list(range(1, len(read) + 1)), file
        pages, words = pages + len(read), words + expected

    assert refused == REFUSED
    assert len(files) > 100
    assert pages > 100
    assert words > 19_000
