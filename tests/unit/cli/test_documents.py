"""A document is found by what a person calls it, with its result wherever it stands."""

from datetime import UTC, datetime

import boto3
import pytest

from recto.errors import DocumentMissingError, ServiceUnavailableError
from recto.messages import Status
from recto.ports import DocumentRow
from recto.review import ReviewTask
from recto_cli.documents import find_document, load, recent, wait_for
from recto_cli.stack import Stack
from tests.unit.cli.conftest import ID

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


def add(stack: Stack, document: str, key: str, minute: int = 0, **changes: object) -> DocumentRow:
    moment = NOW.replace(minute=minute)
    row = DocumentRow(
        document_id=document,
        status=Status.PROCESSED,
        bucket="inbox",
        key=key,
        received=moment,
        updated=moment,
    ).model_copy(update=changes)
    assert stack.documents.add(row)
    return row


def test_a_document_is_found_by_id_by_first_digits_and_by_file_name(stack: Stack) -> None:
    row = add(stack, ID, "a.pdf")
    add(stack, "f" * 32, "b.pdf")

    assert find_document(ID, stack) == row
    assert find_document(ID[:6], stack) == row
    assert find_document("a.pdf", stack) == row


def test_a_file_name_means_its_newest_version(stack: Stack) -> None:
    add(stack, "1" * 32, "a.pdf", minute=1)
    newest = add(stack, "2" * 32, "a.pdf", minute=2)

    assert find_document("a.pdf", stack) == newest


def test_digits_that_begin_two_ids_are_refused(stack: Stack) -> None:
    add(stack, "a" + "1" * 31, "a.pdf")
    add(stack, "a" + "2" * 31, "b.pdf")

    with pytest.raises(DocumentMissingError, match="'a' is the beginning of 2 ids"):
        find_document("a", stack)


def test_a_document_that_is_not_there_is_named_with_the_bucket(stack: Stack) -> None:
    with pytest.raises(DocumentMissingError, match=r"'x\.pdf' in s3://inbox"):
        find_document("x.pdf", stack)


def test_recent_documents_come_latest_change_first_over_all_statuses(stack: Stack) -> None:
    old = add(stack, "1" * 32, "a.pdf", minute=1)
    new = add(stack, "2" * 32, "b.pdf", minute=2, status=Status.FAILED)

    assert recent(stack, 10) == [new, old]


def test_the_final_result_goes_before_the_models_fields(
    stack: Stack, stored_result: str, task: ReviewTask
) -> None:
    row = add(stack, stored_result, "a.pdf")
    boto3.client("s3").put_object(Bucket="work", Key=f"documents/{ID}/fields.json", Body=b"{}")

    loaded = load(row, stack)

    assert loaded.place.key == f"documents/{ID}/result.json"
    assert loaded.result == task.model_result


def test_a_failed_document_without_fields_says_why(stack: Stack) -> None:
    changes = {"status": Status.FAILED, "error": "EmptyDocumentError", "cause": "zero bytes"}
    row = add(stack, ID, "a.pdf", **changes)

    with pytest.raises(DocumentMissingError, match=r"a\.pdf\) is FAILED, .*EmptyDocumentError: zero bytes"):
        load(row, stack)


def test_waiting_ends_with_the_status_that_it_was_for(stack: Stack) -> None:
    row = add(stack, ID, "a.pdf")

    assert wait_for(ID, [Status.PROCESSED], stack) == row


def test_waiting_too_long_says_where_the_document_stands(stack: Stack) -> None:
    add(stack, ID, "a.pdf", status=Status.RUNNING)

    with pytest.raises(ServiceUnavailableError, match="is still RUNNING after 0 s"):
        wait_for(ID, [Status.PROCESSED], stack, timeout=0)
