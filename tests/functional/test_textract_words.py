"""All real Textract responses at hand into the page store and back: words in are words out, oddities told."""

import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from recto.aws.s3 import S3Objects
from recto.document import NO_LINE, Page, PagePredictions, Word
from recto.errors import DamagedDocumentError, OcrFailedError, RectoError
from recto.fields import parse_fields
from recto.messages import (
    DocumentRef,
    OcrJob,
    PageRange,
    PageWork,
    PostprocessRequest,
    TextractFetchRequest,
)
from recto.pagestore import PageIndex
from recto.places import DocumentPlaces, document_id
from recto.places import Location as Place
from recto.reading_order import reading_order
from recto.steps.model import ModelInvoke, classify_range
from recto.steps.ocr_fetch import OcrFetch, fetch
from recto.steps.postprocess import Postprocess, extract_fields, load_result
from recto.steps.stored_pages import stored_pages
from recto.textract import blocks_of, read_pages
from recto_local.standins.reading import read_page
from tests.contract.template import ROOT
from tests.fakes import FakeOcr, FakeTextEndpoints
from tests.functional.conftest import INBOX, WORK

TEXTRACT = ROOT.parent / "shared" / "data" / "textract"
RELEASE = ROOT / "local" / "releases" / "demo"
MILLIONTH = 1e-6
ODD = {
    "deepdoctection/textract.json": {"dangling_reference": 92},
    "trp/180-degree-roation.json": {"turned": 372},
    "trp/all_features_with_floating_title_header.json": {"unknown_block": 1},
    "trp/gib__180_degrees.json": {"turned": 136},
    "trp/gib__25_degrees.json": {"slanted": 121},
    "trp/in-table-footer.json": {"unknown_block": 4},
    "trp-js/test-multicol-response-2.json": {"unknown_block": 4},
    "trp-js/test-query-response.json": {"unknown_block": 18},
}
"""What is odd about the real ones, but for the page numbers that synchronous responses leave out."""
REFUSED = {
    "selectable-pdf/data/SampleStatement.json": DamagedDocumentError,
    "trp-js/test-failed-response.json": OcrFailedError,
    "trp-js/test-inprogress-response.json": OcrFailedError,
}

needs_responses = pytest.mark.skipif(not TEXTRACT.exists(), reason="../shared/data is not here")


def responses() -> Iterator[tuple[str, Any]]:
    for path in sorted(TEXTRACT.rglob("*.json")):
        name = path.relative_to(TEXTRACT).as_posix()
        response = json.loads(path.read_bytes()) if name not in REFUSED else None
        if response and any(True for _ in blocks_of(response)):
            yield name, response  # analyses of invoices and identities may come without any block


def word_blocks(part: Any) -> Iterator[dict[str, Any]]:
    """Every word block anywhere in a JSON: a walk that knows nothing of responses."""
    if isinstance(part, dict):
        if part.get("BlockType") == "WORD":
            yield part
        for value in part.values():
            yield from word_blocks(value)
    elif isinstance(part, list):
        for value in part:
            yield from word_blocks(value)


def through_the_store(
    name: str, blocks: list[dict[str, Any]], objects: S3Objects
) -> tuple[list[Page], OcrJob]:
    """The pages as later steps read them, and the job as postprocessing does."""
    document = DocumentRef(
        document_id=document_id(Place(bucket=INBOX, key=name), "etag", "1"), bucket=INBOX, key=name
    )
    pages = max([1, *(int(block.get("Page") or 1) for block in blocks)])
    ocr = FakeOcr(blocks, num_pages=pages, page_size=1000)
    step = OcrFetch(ocr, objects, objects, WORK, lambda: False)
    fetch(TextractFetchRequest(document=document, job=OcrJob(job_id="job-0")), step)
    places = DocumentPlaces(WORK, document.document_id)
    index = PageIndex.from_json(objects.read(places.ocr_index))
    job = OcrJob.model_validate_json(objects.read(places.ocr_job))
    return list(stored_pages(objects, places, index, 1, index.num_pages)), job


def as_given(block: dict[str, Any]) -> tuple[str, int, float, tuple[float, ...]]:
    """Text, page, confidence and box of a block, in Textract's own words."""
    box = block["Geometry"]["BoundingBox"]
    return (
        block["Text"],
        block.get("Page") or 1,
        block["Confidence"] / 100,
        (box["Left"], box["Top"], box["Left"] + box["Width"], box["Top"] + box["Height"]),
    )


def is_same(word: Word, page: int, given: tuple[str, int, float, tuple[float, ...]]) -> bool:
    text, given_page, confidence, box = given
    return (
        (word.text, page) == (text, given_page)
        and math.isclose(word.confidence, confidence, abs_tol=MILLIONTH)
        and all(math.isclose(a, b, abs_tol=2 * MILLIONTH) for a, b in zip(word.box, box, strict=True))
    )


@needs_responses
def test_words_in_are_words_out_with_text_confidence_box_page_and_id(objects: S3Objects) -> None:
    lost, num_words, num_pages = {}, 0, 0
    for name, response in responses():
        given = list(word_blocks(response))

        pages, _ = through_the_store(name, list(blocks_of(response)), objects)

        found = [(page.number, word) for page in pages for word in page.words]
        pairs = zip(found, given, strict=False)
        same = sum(is_same(word, number, as_given(block)) and word.id == block["Id"]
                   for (number, word), block in pairs)  # fmt: skip
        if not same == len(found) == len(given):
            lost[name] = (len(given), len(found), same)
        num_words, num_pages = num_words + len(found), num_pages + len(pages)

    assert lost == {}, "file: (words in, words out, the same)"
    assert num_words > 19_000
    assert num_pages > 100


@needs_responses
def test_what_is_odd_about_a_response_is_told_in_the_job_that_is_kept(
    objects: S3Objects,
) -> None:
    told = {}
    for name, response in responses():
        _, job = through_the_store(name, list(blocks_of(response)), objects)
        counts = dict(remark.split(" (")[0].split(": ") for remark in job.remarks)
        counts.pop("no_page_number", None)
        if counts:
            told[name] = {oddity: int(count) for oddity, count in counts.items()}

    assert told == ODD


@needs_responses
@pytest.mark.parametrize(("name", "error"), REFUSED.items())
def test_what_is_no_finished_response_is_refused_by_name(name: str, error: type[RectoError]) -> None:
    with pytest.raises(error):
        list(read_pages(blocks_of(json.loads((TEXTRACT / name).read_bytes()))))


@needs_responses
@pytest.mark.parametrize("name", ["trp/180-degree-roation.json", "trp/gib__180_degrees.json"])
def test_a_page_upside_down_is_read_as_if_it_stood_upright(name: str) -> None:
    (page,) = read_pages(blocks_of(json.loads((TEXTRACT / name).read_bytes())))
    upright = [word._replace(box=type(word.box)(1 - word.box.right, 1 - word.box.bottom, 1 - word.box.left,
                                                1 - word.box.top)) for word in page.words]  # fmt: skip

    assert list(reading_order(page.words).words()) == list(reading_order(upright).words())


@needs_responses
def test_words_of_one_line_of_the_ocr_are_read_in_its_order_however_the_page_lies() -> None:
    torn, num_lines = Counter[str](), 0
    for name, response in responses():
        for page in read_pages(blocks_of(response)):
            place = {index: rank for rank, index in enumerate(reading_order(page.words).words())}
            lines: dict[int, list[int]] = {}
            for index, word in enumerate(page.words):
                if word.line != NO_LINE:
                    lines.setdefault(word.line, []).append(place[index])
            num_lines += len(lines)
            torn[name] += sum(ranks != sorted(ranks) for ranks in lines.values())

    assert num_lines > 7000
    assert {name: count for name, count in torn.items() if "degree" in name and count} == {}
    assert torn.total() <= num_lines / 500, torn.most_common(5)


def odd_word(number: int, **changes: Any) -> dict[str, Any]:
    box = {"Left": 0.1, "Top": 0.09 * number, "Width": 0.1, "Height": 0.02}
    block = {"BlockType": "WORD", "Id": f"w{number}", "Text": f"word{number}", "Confidence": 99.0, "Page": 1}
    return {**block, "Geometry": {"BoundingBox": box}, **changes}


def odd_line(number: int, *ids: str) -> dict[str, Any]:
    return {
        "BlockType": "LINE",
        "Id": f"l{number}",
        "Page": 1,
        "Relationships": [{"Type": "CHILD", "Ids": ids}],
    }


def polygon(across: float, down: float) -> dict[str, Any]:
    points = [(0.5, 0.5), (0.5 + across, 0.5 + down), (0.5, 0.6), (0.4, 0.5)]
    return {"Polygon": [{"X": x, "Y": y} for x, y in points]}


def test_every_kind_of_oddity_is_counted_with_its_pages_and_no_word_is_lost(objects: S3Objects) -> None:
    blocks = [
        {"BlockType": "PAGE", "Id": "p1", "Page": 1},
        {"BlockType": "PAGE", "Id": "p1 again", "Page": 1},
        odd_line(0, "w1", "w2", "gone"),
        odd_line(1, "w2", "w3", "w4", "w5", "w6", "w7", "w8", "w9"),
        odd_word(1),
        odd_word(2, Id="w1"),
        odd_word(3, Confidence=None),
        odd_word(4, Geometry=None),
        odd_word(5, Geometry={"BoundingBox": {"Left": 0.95, "Top": 0.1, "Width": 0.1, "Height": 0.02}}),
        odd_word(6, Geometry=polygon(-0.1, 0.0)),
        odd_word(7, Geometry=polygon(0.1, 0.02)),
        odd_word(8, Page=None),
        odd_word(9, Text=""),
        odd_word(10),
        {"BlockType": "HOLOGRAM", "Id": "h", "Page": 1},
        {"BlockType": "LAYOUT_TEXT", "Id": "t", "Page": 1},
    ]

    (page,), job = through_the_store("odd.pdf", blocks, objects)

    counts = {name: int(count) for name, count in (said.split(" (")[0].split(": ") for said in job.remarks)}
    assert [word.text for word in page.words] == [f"word{n}" for n in (1, 2, 3, 4, 5, 6, 7, 8, 10)]
    assert counts == {
        "dangling_reference": 2,  # "gone", and "w2", which came under another id
        "duplicate_id": 2,
        "no_confidence": 1,
        "no_geometry": 1,
        "no_line": 1,
        "no_page_number": 1,
        "no_text": 1,
        "outside_page": 1,
        "second_page_block": 1,
        "slanted": 1,
        "turned": 1,
        "two_lines": 1,
        "unknown_block": 1,
    }
    assert all(said.endswith("pages 1") for said in job.remarks)


def test_remarks_of_a_document_fetched_in_many_calls_are_told_once_for_each_page(objects: S3Objects) -> None:
    blocks = []
    for number in range(1, 8):
        page = {"Page": number}
        blocks.append({"BlockType": "PAGE", "Id": f"p{number}", **page})
        blocks += [odd_word(n, Id=f"p{number}w{n}", **page) for n in range(1, 4)]
    ocr = FakeOcr(blocks, num_pages=7, page_size=5)
    document = DocumentRef(document_id="0" * 32, bucket=INBOX, key="a.pdf")
    step = OcrFetch(ocr, objects, objects, WORK, lambda: True)
    request = TextractFetchRequest(document=document, job=OcrJob(job_id="job-0"))

    response = fetch(request, step)
    calls = 1
    while not response.done:
        request = request.model_copy(
            update={
                "next_token": response.next_token,
                "pages_done": response.pages_done,
                "part": response.part,
            }
        )
        response, calls = fetch(request, step), calls + 1

    job = OcrJob.model_validate_json(objects.read(DocumentPlaces(WORK, document.document_id).ocr_job))
    assert calls == 7
    (said,) = job.remarks
    assert said.startswith("no_line: 21 (")
    assert said.endswith("pages 1-7")


class NoFields:
    """A model that finds nothing."""

    def predict_pages(self, pages: Iterable[Page]) -> Iterator[PagePredictions]:
        fields = parse_fields((RELEASE / "fields.json").read_bytes())
        for page in pages:
            num_words = len(page.words)
            yield PagePredictions(page.number, (len(fields),) * num_words, (1.0,) * num_words)


@needs_responses
def test_the_operator_reads_oddities_and_unread_pages_in_the_result(objects: S3Objects) -> None:
    upside_down = json.loads((TEXTRACT / "trp" / "gib__180_degrees.json").read_bytes())
    document = DocumentRef(document_id="1" * 32, bucket=INBOX, key="a.pdf", release="releases/demo")
    for path in RELEASE.iterdir():
        objects.write(Place(bucket=WORK, key=f"releases/demo/{path.name}"), path.read_bytes())
    bad_page = [{"ErrorCode": "BAD_PAGE", "Pages": [2]}]
    ocr = FakeOcr(list(blocks_of(upside_down)), num_pages=2, warnings=bad_page, status="PARTIAL_SUCCESS")
    job = OcrJob(job_id="job-0", warnings=("BAD_PAGE: pages 2",))
    step = OcrFetch(ocr, objects, objects, WORK, lambda: False)
    fetch(TextractFetchRequest(document=document, job=job), step)
    work = PageWork(document=document, range=PageRange(part=1, first=1, last=2))
    classify_range(work, ModelInvoke(objects, lambda _release: NoFields(), WORK))

    answer = extract_fields(
        PostprocessRequest(document=document), Postprocess(objects, FakeTextEndpoints(), WORK)
    )

    result = load_result(objects, DocumentPlaces(WORK, document.document_id))
    assert result.warnings is not None
    unread, no_page_number, turned = sorted(result.warnings)
    assert unread == "BAD_PAGE: pages 2"
    assert turned.startswith("turned: 136 (")
    assert no_page_number.startswith("no_page_number: ")
    assert [reason for reason in answer.reasons if "unread" in reason] == ["pages_unread"]


SOURCES = ("paystub_single_table.png", "receipt.jpg")
"""Small pictures with Textract's own answer beside them; elsewhere Tesseract loses cells of ruled tables."""


@needs_responses
@pytest.mark.parametrize("name", SOURCES)
def test_words_of_our_own_ocr_come_out_whole_and_are_mostly_textracts(name: str, objects: S3Objects) -> None:
    kind = "JPEG" if name.endswith("jpg") else "PNG"
    blocks = read_page(str(TEXTRACT / "textractor" / name), kind, 1, "seed", ("eng",), layout=False)
    answer = TEXTRACT / "textractor" / "saved_api_responses" / f"test_document_to_html_{name}.json"

    (page,), job = through_the_store(name, blocks, objects)

    assert [word.text for word in page.words] == [block["Text"] for block in word_blocks(blocks)]
    assert job.remarks == ()
    textracts = Counter(block["Text"] for block in word_blocks(json.loads(answer.read_bytes())))
    shared = textracts & Counter(word.text for word in page.words)
    assert shared.total() >= 0.7 * textracts.total(), (textracts - shared).most_common(20)
