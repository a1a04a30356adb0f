"""Documents through the deployed template, as the outside sees it: upload, row, review, result, event."""

import json
from pathlib import Path

import pytest
from PIL import Image

from recto.messages import Status
from recto.places import DocumentPlaces, Location
from recto.thumbnail_arrays import read_thumbnails
from tests.e2e.conftest import DATA, SAMPLES, Pipeline, wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


def samples() -> list[Path]:
    index = json.loads((SAMPLES / "samples.json").read_text())
    return [SAMPLES / entry["file"] for entry in index]


@pytest.fixture(scope="module")
def sent(pipeline: Pipeline) -> dict[str, Location]:
    return {path.name: pipeline.send(path, f"samples/{path.name}") for path in samples()}


def test_samples_go_straight_through_or_wait_for_a_person(
    pipeline: Pipeline, sent: dict[str, Location]
) -> None:
    rows = pipeline.settled(list(sent.values()), seconds=400)

    statuses = [row.status for row in rows]
    assert set(statuses) == {Status.PROCESSED, Status.IN_REVIEW}, [
        (r.key, r.status, r.error, r.cause) for r in rows
    ]
    for row in rows:
        if row.status is Status.PROCESSED:
            result = pipeline.result(row.document_id)
            assert result["Fields"]["Provider Name"]["Value"]
            assert result["Fields"]["Card Name"]["Values"]
            assert 0 < result["Confidence"] <= 1
            assert pipeline.told(row.document_id) == ["DocumentProcessed"]
    pipeline.no_slot_is_held()


def test_every_page_has_its_image_and_its_words(pipeline: Pipeline, sent: dict[str, Location]) -> None:
    index = json.loads((SAMPLES / "samples.json").read_text())

    for entry in index:
        row = pipeline.row(sent[entry["file"]])
        assert row
        places = DocumentPlaces(pipeline.work, row.document_id)
        plan = json.loads(pipeline.objects.read(places.image_plan))
        words = json.loads(pipeline.objects.read(places.ocr_index))["pages"]
        assert plan["NumPages"] == len(words) == entry["pages"]
        for page in range(1, entry["pages"] + 1):
            assert pipeline.objects.read(places.image(page)).startswith(b"\xff\xd8\xff")
        thumbnails = read_thumbnails(pipeline.objects.read(places.thumbnails_part(1)))
        assert [page.shape for page in thumbnails] == [(224, 224, 3)] * entry["pages"]


def test_an_answered_review_goes_on_with_the_answer(pipeline: Pipeline, sent: dict[str, Location]) -> None:
    waiting = [row for row in pipeline.settled(list(sent.values())) if row.status is Status.IN_REVIEW]
    row = waiting[0]
    answer = {"field-present-Provider Name": True, "field-value-Provider Name": "Corrected by Hand Bank"}

    hand_in(pipeline, row.review_id, answer)

    ended = pipeline.ended(row.document_id)
    assert (ended.status, ended.cause) == (Status.PROCESSED, "")
    result = pipeline.result(row.document_id)
    assert result["Reviewed"]
    assert result["Fields"]["Provider Name"]["Value"] == "Corrected by Hand Bank"
    assert result["Fields"]["Provider Name"]["Confidence"] == 1.0
    assert pipeline.told(row.document_id) == ["DocumentProcessed"]


def hand_in(pipeline: Pipeline, review: str, answer: dict[str, object]) -> None:
    """As a review desk does: the worker's answer in an `output.json` in the reviews bucket."""
    output = {
        "inputContent": {"ReviewId": review},
        "humanAnswers": [{"workerId": "tester", "timeSpentInSeconds": 1.0, "answerContent": answer}],
    }
    place = Location(bucket=pipeline.reviews_bucket, key=f"reviews/{review}/output.json")
    pipeline.objects.write(place, json.dumps(output).encode())


def test_no_token_lies_where_a_reviewer_can_read(pipeline: Pipeline, sent: dict[str, Location]) -> None:
    rows = [row for place in sent.values() if (row := pipeline.row(place)) and row.review_id]
    assert rows

    for row in rows:
        review = pipeline.reviews.find(row.review_id)
        assert review
        task = pipeline.objects.read(
            DocumentPlaces(pipeline.work, row.document_id).review_task(row.review_id)
        )
        assert review.task_token.encode() not in task


def test_the_execution_s_output_is_readable_as_before(pipeline: Pipeline, sent: dict[str, Location]) -> None:
    done = [row for place in sent.values() if (row := pipeline.row(place)) and row.status is Status.PROCESSED]
    machine = pipeline.info.outputs["PipelineStateMachine"]
    arn = machine.replace(":stateMachine:", ":execution:") + f":{done[0].document_id}-{done[0].attempt}"

    def output() -> str | None:
        execution = pipeline.client("stepfunctions").describe_execution(executionArn=arn)
        return execution.get("output") if execution["status"] == "SUCCEEDED" else None

    found = json.loads(wait_for(output, 90, lambda: arn))

    assert set(found) == {"Input", "ModelResult", "Result"}
    assert found["Input"] == {"Bucket": done[0].bucket, "Key": done[0].key}
    assert found["ModelResult"]["Fields"]
    assert found["Result"]["Key"] == f"documents/{done[0].document_id}/result.json"


def test_the_ocr_machine_alone_gives_one_consolidated_textract_json(pipeline: Pipeline) -> None:
    source = Location(bucket=pipeline.work, key="corpora/raw/sample.pdf")
    pipeline.objects.write(source, samples()[0].read_bytes())
    states = pipeline.client("stepfunctions")
    place = {"Bucket": pipeline.work, "Key": "corpora/one/consolidated.json"}
    given = {
        "Input": {"Bucket": source.bucket, "Key": source.key},
        "Output": {**place, "Features": ["LAYOUT"], "Type": "s3"},
    }

    arn = states.start_execution(
        stateMachineArn=pipeline.info.outputs["PlainTextractStateMachine"], input=json.dumps(given)
    )["executionArn"]

    def ended() -> dict[str, str] | None:
        execution = states.describe_execution(executionArn=arn)
        return None if execution["status"] == "RUNNING" else execution

    execution = wait_for(ended, 120, lambda: arn)
    assert execution["status"] == "SUCCEEDED", execution
    expected = {**place, "S3Uri": f"s3://{place['Bucket']}/{place['Key']}"}
    assert json.loads(execution["output"]) == {"Input": given["Input"], "Output": expected}
    body = json.loads(pipeline.objects.read(Location(bucket=place["Bucket"], key=place["Key"])))
    assert body["JobStatus"] == "SUCCEEDED"
    assert {block["BlockType"] for block in body["Blocks"]} >= {"PAGE", "LINE", "WORD"}


@pytest.mark.skipif(not DATA.exists(), reason="../shared/data is not here")
def test_real_documents_end_processed_in_review_or_failed_by_name(pipeline: Pipeline, tmp_path: Path) -> None:
    receipts = sorted((DATA / "sroie" / "img").glob("*.jpg"))[:4]
    contracts = sorted((DATA / "kleister-nda" / "documents").glob("*.pdf"))[:2]
    tiffs = [
        tiff_of(receipts[:3], tmp_path),
        DATA / "inputs" / "odd" / "images" / "pillow" / "multipage.tiff",
    ]
    places = [pipeline.send(path, f"real/{path.name}") for path in (*receipts, *contracts, *tiffs)]

    rows = pipeline.settled(places, seconds=400)

    outcomes = {row.key: (row.status, row.error) for row in rows}
    assert len(outcomes) == 8
    assert all(status in (Status.PROCESSED, Status.IN_REVIEW) for status, _ in outcomes.values()), outcomes
    pipeline.no_slot_is_held()


def tiff_of(photos: list[Path], folder: Path) -> Path:
    """Receipts as a scanner with a feeder leaves them: one TIFF, a page each."""
    pages = [Image.open(photo).convert("L") for photo in photos]
    path = folder / "scanned receipts.tiff"
    pages[0].save(path, save_all=True, append_images=pages[1:], compression="tiff_lzw")
    return path
