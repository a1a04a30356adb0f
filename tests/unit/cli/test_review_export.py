"""`recto review export`: what reviews and audits of a deployment become on disk, and what is left out."""

import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from recto.audit import audit_id
from recto.aws.dynamodb import AuditRows
from recto.confidence import Calibration
from recto.document import Page, PagePredictions, Word
from recto.entities import extract
from recto.fields import parse_fields
from recto.geometry import Box
from recto.messages import Status
from recto.pagestore import PageIndex, PartWriter
from recto.places import DocumentPlaces, Location
from recto.ports import AuditRow, ReviewRow
from recto.review import apply_answers, parse_human_answers
from recto_cli.stack import Stack
from tests.unit.cli.test_documents import NOW, add
from tests.unit.cli.test_main import invoke, no_runtime
from tests.unit.releases import ENTRIES, contents

__all__ = ["no_runtime"]

RELEASE = "releases/small"
FIELDS = parse_fields(ENTRIES)
OTHER = FIELDS.other_class
SEEN, AUDITED, REJECTED, EXPIRED, ALONE = (letter * 32 for letter in "abcde")
DATA = Path(__file__).parents[4] / "shared" / "data" / "sroie"


def page_of(*lines: str, number: int = 1) -> Page:
    words = [
        Word(text, Box(0.05 + 0.1 * column, 0.06 * row, 0.14 + 0.1 * column, 0.06 * row + 0.03), 0.99, row)
        for row, line in enumerate(lines)
        for column, text in enumerate(line.split())
    ]
    return Page(number, tuple(word._replace(id=f"{number}-{i}") for i, word in enumerate(words)))


PAGES = (
    page_of("Receipt 17", "03/04/2019", "tea 4.00", "total 12.50"),
    page_of("terms of sale", number=2),
)


def put(stack: Stack, place: Location, content: bytes | Any) -> None:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    stack.objects.write(place, body, "application/json")


def read_document(stack: Stack, name: str, pages: tuple[Page, ...] = PAGES, **marked: int) -> None:
    """The document as the pipeline leaves it: words, predictions, fields; `marked` is word to class."""
    places = DocumentPlaces("work", name)
    words, said = PartWriter(1), PartWriter(1)
    predictions = [
        PagePredictions(
            page.number,
            tuple(marked.get(word.text, OTHER) for word in page.words),
            tuple(0.9 for _ in page.words),
        )
        for page in pages
    ]
    for page, one in zip(pages, predictions, strict=True):
        words.add(page)
        said.add_predictions(one)
    for writer, part, index in (
        (words, places.ocr_part(1), places.ocr_index),
        (said, places.predictions_part(1), places.predictions_part_index(1)),
    ):
        body, entries = writer.finish()
        put(stack, part, body)
        put(stack, index, PageIndex(pages=entries).to_json())
    result = extract(zip(pages, predictions, strict=True), FIELDS, Calibration.default())
    put(stack, places.fields, result.to_bytes())


def answer(stack: Stack, name: str, review: str, **posted: Any) -> str:
    """One person's `output.json`; its place."""
    place = Location(bucket="reviews", key=f"answers/{name}/output.json")
    content = {key.replace("__", "-"): value for key, value in posted.items()}
    put(stack, place, {
        "inputContent": {"ReviewId": review},
        "humanAnswers": [{"answerContent": content, "workerId": "w1", "timeSpentInSeconds": 9}],
    })  # fmt: skip
    return place.uri


def finish(stack: Stack, name: str, review: str, posted: Mapping[str, Any]) -> None:
    """A review's answer, applied as the pipeline applies it."""
    stack.reviews.add(_review(name, review))
    uri = answer(stack, name, review, **posted)
    stack.reviews.answer(review, uri)
    places = DocumentPlaces("work", name)
    output = json.loads(stack.objects.read(Location.from_uri(uri)))
    before = extract([], FIELDS, Calibration.default()).model_validate_json(stack.objects.read(places.fields))
    after = apply_answers(before, parse_human_answers(output["humanAnswers"], FIELDS), FIELDS)
    put(stack, places.reviewed_fields, after.to_bytes())


def _review(name: str, review: str, **more: Any) -> ReviewRow:
    return ReviewRow(
        review_id=review, document_id=name, task_token="token", created=NOW,
        expires=NOW + timedelta(days=1), **more,
    )  # fmt: skip


@pytest.fixture
def deployment(stack: Stack) -> Stack:
    """A review that corrected, an audit, a document turned down, a review that expired, one unreviewed."""
    for name, content in contents().items():
        boto3.client("s3").put_object(Bucket="work", Key=f"{RELEASE}/{name}", Body=content)
    for minute, name in enumerate((SEEN, AUDITED, EXPIRED, ALONE)):
        review = {SEEN: "r1", EXPIRED: "r2"}.get(name, "")
        add(stack, name, f"{name[0]}.pdf", minute=minute, release=RELEASE, review_id=review)
    add(stack, REJECTED, "c.pdf", minute=9, release=RELEASE, review_id="r3", status=Status.REJECTED)
    read_document(stack, SEEN, **{"4.00": 0, "Receipt": 2})
    finish(stack, SEEN, "r1", {"field-present-Total": True, "field-value-Total": "12.50"})
    read_document(stack, AUDITED, **{"12.50": 0})
    audit = audit_id(AUDITED, 1)
    stack.reviews.add(_review(AUDITED, audit, kind="audit", release=RELEASE))
    posted = {
        "field-present-Total": True, "field-value-Total": "12.50",
        "field-present-Date": True, "field-value-Date": "3.4.2019",
    }  # fmt: skip
    uri = answer(stack, AUDITED, audit, **posted)
    stack.reviews.answer(audit, uri)
    AuditRows(stack.table).add(
        AuditRow(audit_id=audit, document_id=AUDITED, opened=NOW, completed=NOW, answer=uri)
    )
    stack.reviews.add(_review(EXPIRED, "r2"))
    stack.reviews.expire("r2", "accept")
    return stack


def lines_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "output.manifest").read_text().splitlines()]


def labelled(line: Mapping[str, Any], folder: Path) -> list[tuple[str, str]]:
    """Label and words of each entity, by the OCR result that the line names."""
    name = line["textract-ref"].rpartition("/")[2]
    blocks = json.loads((folder / "textract" / name).read_bytes())["Blocks"]
    texts = {block["Id"]: block.get("Text", "") for block in blocks}
    entities = line["labels"]["annotations"]["entities"]
    return [(one["label"], " ".join(texts[name] for name in one["blocks"])) for one in entities]


def test_reviews_and_audits_become_labelled_pages_that_say_how_they_came_about(
    deployment: Stack, tmp_path: Path
) -> None:
    code, told = invoke("review", "export", "--output", str(tmp_path))

    lines = lines_of(tmp_path)
    assert code == 0
    assert [(line["raw-ref"], line["page-num"]) for line in lines] == [
        ("s3://inbox/b.pdf", 1), ("s3://inbox/b.pdf", 2), ("s3://inbox/a.pdf", 1), ("s3://inbox/a.pdf", 2),
    ]  # fmt: skip
    assert labelled(lines[0], tmp_path) == [("Date", "03/04/2019"), ("Total", "12.50")]
    # nobody looked at the date, and the release ignores headers: what may be one is not known
    assert labelled(lines[2], tmp_path) == [("Total", "12.50"), ("UNASSIGNED", "Receipt")]
    assert [labelled(line, tmp_path) for line in (lines[1], lines[3])] == [[], []]
    audit, seen = lines[0]["reviewed"], lines[2]["reviewed"]
    assert (audit["prefilled"], audit["blind"], audit["agreement"]) == (False, True, "single")
    assert (seen["prefilled"], seen["review-id"], seen["release"]) == (True, "r1", RELEASE)
    assert seen["fields"] == {
        "Date": {"how": "unseen", "prefilled": False}, "Total": {"how": "corrected", "prefilled": True},
    }  # fmt: skip
    assert lines[0]["field-values"] == {"Total": ["12.50"], "Date": ["3.4.2019"]}
    assert "field-values" not in lines[2]
    assert "2 of 4 documents, 4 pages; 1 reviewed blind" in told
    assert f"recto train {tmp_path}/output.manifest --map s3://labelled-data/{tmp_path.name}=" in told


def test_what_is_left_out_is_told_with_its_reason(deployment: Stack, tmp_path: Path) -> None:
    invoke("review", "export", "--output", str(tmp_path))

    told = [json.loads(line) for line in (tmp_path / "left-out.jsonl").read_text().splitlines()]
    reasons = {one["name"]: one["reason"] for one in told}
    assert set(reasons) == {"c.pdf", "d.pdf"}
    assert "turned down" in reasons["c.pdf"]
    assert "nobody has answered" in reasons["d.pdf"]


def test_only_some_documents(deployment: Stack, tmp_path: Path) -> None:
    def exported(*options: str) -> set[str]:
        invoke("review", "export", *options, "--output", str(tmp_path))
        return {line["raw-ref"] for line in lines_of(tmp_path)}

    assert exported("a.pdf") == {"s3://inbox/a.pdf"}
    assert exported("--blind-only") == {"s3://inbox/b.pdf"}
    assert exported("--whole-only") == {"s3://inbox/b.pdf"}
    assert exported("--since", "2026-11-21T09:01:00") == {"s3://inbox/b.pdf"}
    assert exported("--release", "small") == {"s3://inbox/a.pdf", "s3://inbox/b.pdf"}
    assert exported("--release", "other") == set()


def test_nothing_to_export_is_an_error(deployment: Stack, tmp_path: Path) -> None:
    code, _ = invoke("review", "export", "e.pdf", "--output", str(tmp_path))

    assert code == 1
    assert "nobody has reviewed it" in (tmp_path / "left-out.jsonl").read_text()


def test_an_answer_whose_document_is_gone_does_not_hold_up_the_others(
    deployment: Stack, tmp_path: Path
) -> None:
    s3 = boto3.client("s3")
    s3.delete_object(Bucket="work", Key=DocumentPlaces("work", SEEN).ocr_index.key)

    code, _ = invoke("review", "export", "--output", str(tmp_path))

    assert code == 0
    assert {line["raw-ref"] for line in lines_of(tmp_path)} == {"s3://inbox/b.pdf"}
    assert "a.pdf" in (tmp_path / "left-out.jsonl").read_text()


def test_images_come_along(deployment: Stack, tmp_path: Path) -> None:
    put(deployment, DocumentPlaces("work", SEEN).image(1), b"a picture")

    invoke("review", "export", "a.pdf", "--images", "--output", str(tmp_path), "--prefix", "s3://mine/set/")

    first, second = lines_of(tmp_path)
    assert first["source-ref"] == f"s3://mine/set/images/{SEEN}-0001.jpg"
    assert (tmp_path / "images" / f"{SEEN}-0001.jpg").read_bytes() == b"a picture"
    assert second["source-ref"] == DocumentPlaces("work", SEEN).image(2).uri
    assert first["textract-ref"] == f"s3://mine/set/textract/{SEEN}.json"


@pytest.mark.skipif(not DATA.is_dir(), reason="no ../shared/data/sroie")
def test_a_real_receipts_total_is_placed_on_its_words(deployment: Stack, tmp_path: Path) -> None:
    truth = [json.loads(line) for line in (DATA / "truth.jsonl").read_text().splitlines()][:20]
    for number, entry in enumerate(truth):
        name = f"{number:032x}"
        box = json.loads((DATA / "box" / f"{entry['id']}.json").read_text())
        page = page_of(*(line["text"] for line in box["lines"]))
        add(deployment, name, f"{name}.jpg", release=RELEASE, review_id=f"sroie-{number}")
        read_document(deployment, name, (page,))
        posted = {
            "field-present-Total": True, "field-value-Total": entry["fields"]["total"][0],
            "field-present-Date": True, "field-value-Date": entry["fields"]["date"][0],
        }  # fmt: skip
        finish(deployment, name, f"sroie-{number}", posted)

    invoke("review", "export", "--output", str(tmp_path))

    left = [json.loads(line) for line in (tmp_path / "left-out.jsonl").read_text().splitlines()]
    lost = [one for one in left if one.get("field")]
    dates = [
        line for line in lines_of(tmp_path)
        if any(label == "Date" for label, _ in labelled(line, tmp_path))
    ]  # fmt: skip
    assert all("places" in one["reason"] for one in lost if one["field"] == "Total")
    assert len(dates) >= 20
