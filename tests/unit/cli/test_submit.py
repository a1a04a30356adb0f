"""Documents reach the inbox under their own names, and each is told from those that came before."""

from datetime import UTC, datetime
from pathlib import Path

import boto3
import pytest

from recto.errors import DocumentMissingError
from recto.messages import Status
from recto.places import Location
from recto.ports import DocumentRow
from recto_cli.stack import Stack
from recto_cli.submit import Outcome, Submission, expand, look, submit, watch

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


def taken_in(stack: Stack, submission: Submission, number: int, **changes: object) -> DocumentRow:
    """The row that the intake writes for a submission, from an event without a version id."""
    row = DocumentRow(
        document_id=f"{number:032x}",
        status=Status.WAITING,
        bucket=submission.source.bucket,
        key=submission.source.key,
        etag=submission.etag,
        received=NOW.replace(minute=number),
        updated=NOW.replace(minute=number),
    ).model_copy(update=changes)
    assert stack.documents.add(row)
    return row


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a ünï+%41.pdf"
    path.write_bytes(b"%PDF-1.7 one")
    return path


def test_a_file_lands_under_its_own_name_whatever_that_holds(stack: Stack, file: Path) -> None:
    submission = submit(file, stack, prefix="today/")

    stored = boto3.client("s3").get_object(Bucket="inbox", Key="today/a ünï+%41.pdf")
    assert stored["Body"].read() == b"%PDF-1.7 one"
    assert submission.source.version_id == stored["VersionId"]


def test_an_object_of_another_bucket_is_copied_into_the_inbox(stack: Stack) -> None:
    boto3.client("s3").put_object(Bucket="work", Key="deep/b.pdf", Body=b"%PDF-1.7 two")

    submission = submit(Location(bucket="work", key="deep/b.pdf"), stack)

    assert submission.source.key == "b.pdf"
    assert boto3.client("s3").get_object(Bucket="inbox", Key="b.pdf")["Body"].read() == b"%PDF-1.7 two"


def test_an_object_that_is_in_the_inbox_already_becomes_a_new_version(stack: Stack, file: Path) -> None:
    first = submit(file, stack)

    again = submit(first.source.model_copy(update={"version_id": ""}), stack)

    assert again.source.key == first.source.key
    assert again.source.version_id != first.source.version_id


def test_an_object_that_is_not_there_is_named(stack: Stack) -> None:
    with pytest.raises(DocumentMissingError, match=r"s3://work/none\.pdf: no such object"):
        submit(Location(bucket="work", key="none.pdf"), stack)


def test_the_same_bytes_sent_again_are_not_mistaken_for_the_first(stack: Stack, file: Path) -> None:
    taken_in(stack, submit(file, stack), 1)
    again = submit(file, stack)

    before = look(again, stack)
    second = taken_in(stack, again, 2)

    assert before.row is None
    assert look(again, stack).row == second


def test_where_the_event_told_the_version_only_that_version_counts(stack: Stack, file: Path) -> None:
    mine = submit(file, stack)
    other = submit(file, stack)
    taken_in(stack, other, 2, version_id=other.source.version_id)
    row = taken_in(stack, mine, 1, version_id=mine.source.version_id)

    assert look(mine, stack).row == row


def test_watching_ends_when_all_are_settled_and_reports_each_change_once(stack: Stack, file: Path) -> None:
    submission = submit(file, stack)
    row = taken_in(stack, submission, 1)
    heard: list[Status] = []

    def report(outcome: Outcome) -> None:
        assert outcome.row is not None
        heard.append(outcome.row.status)
        following = {Status.WAITING: Status.RUNNING, Status.RUNNING: Status.FAILED}.get(outcome.row.status)
        if following:
            assert stack.documents.move(
                row.document_id, [outcome.row.status], following, NOW, error="OcrFailedError"
            )

    (outcome,) = watch([submission], stack, timeout=30, report=report)

    assert heard == [Status.WAITING, Status.RUNNING, Status.FAILED]
    assert outcome.is_settled
    assert not outcome.went_well


def test_watching_gives_up_after_its_time(stack: Stack, file: Path) -> None:
    (outcome,) = watch([submit(file, stack)], stack, timeout=0, report=lambda _: None)

    assert outcome.row is None
    assert not outcome.is_settled
    assert not outcome.went_well


def test_a_folder_gives_its_documents_in_order_and_nothing_else(tmp_path: Path) -> None:
    for name in ("b.PDF", "a.tiff", "notes.txt", "truth.jsonl"):
        (tmp_path / name).write_bytes(b"x")

    assert list(expand([str(tmp_path)])) == [tmp_path / "a.tiff", tmp_path / "b.PDF"]


def test_a_file_is_taken_whatever_its_name_says(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_bytes(b"x")

    assert list(expand([str(tmp_path / "letter.txt")])) == [tmp_path / "letter.txt"]


def test_a_prefix_gives_all_documents_below_it(stack: Stack) -> None:
    for key in ("in/a.pdf", "in/deep/b.png", "in/c.txt", "other/d.pdf"):
        boto3.client("s3").put_object(Bucket="work", Key=key, Body=b"x")

    assert [place.key for place in expand(["s3://work/in/"]) if isinstance(place, Location)] == [
        "in/a.pdf",
        "in/deep/b.png",
    ]


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(DocumentMissingError, match=r"nowhere\.pdf: no such file"):
        list(expand(["nowhere.pdf"]))


@pytest.mark.parametrize("is_copied", [False, True])
def test_a_document_goes_in_with_the_name_that_it_is_told_by(
    is_copied: bool, stack: Stack, tmp_path: Path
) -> None:
    file = tmp_path / "a.pdf"
    file.write_bytes(b"%PDF-1.7")
    boto3.client("s3").upload_file(str(file), "work", "deep/a.pdf")
    document = Location(bucket="work", key="deep/a.pdf") if is_copied else file

    submission = submit(document, stack, correlation_id="order-4711")

    head = boto3.client("s3").head_object(Bucket=submission.source.bucket, Key=submission.source.key)
    assert head["Metadata"] == {"correlation-id": "order-4711"}
