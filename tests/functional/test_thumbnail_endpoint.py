"""Thumbnails drawn by an endpoint: asked by reference, proved to be whole, and where the model looks."""

import io
import json
from datetime import timedelta

import numpy as np
import pytest

from recto.aws.dynamodb import JobRows
from recto.aws.s3 import S3Objects
from recto.errors import ModelFailedError, PageCountMismatchError, RectoError
from recto.messages import (
    DocumentRef,
    PageRange,
    ThumbnailEndpointStartRequest,
    ThumbnailEndpointStoreRequest,
)
from recto.places import DocumentPlaces, Location
from recto.steps.async_inference import MODEL, InferenceStart
from recto.steps.thumbnail_endpoint import (
    ThumbnailEndpointStore,
    start_thumbnails,
    store_thumbnails,
    tag_of,
)
from recto.thumbnail_files import count_thumbnails
from tests.fakes import FakeClock, FakeEndpoints, FakeWorkflow
from tests.functional.conftest import INBOX, WORK

TOPIC = "arn:aws:sns:us-east-1:000000000000:model"
DOCUMENT = DocumentRef(
    document_id="d1", bucket=INBOX, key="a.pdf", version_id="v1", thumbnail_endpoint="recto-thumbnails"
)
RANGE = PageRange(part=2, first=101, last=103)
ANSWER = f"s3://{WORK}/model-endpoint/answers/1.out"


def npz(**arrays: object) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def pages(number: int) -> bytes:
    return npz(images=np.array([b"\x89PNG" + bytes([n]) * 9 for n in range(1, number + 1)], dtype=np.bytes_))


def stored(objects: S3Objects, answer: bytes) -> int:
    objects.write(Location.from_uri(ANSWER), answer)
    request = ThumbnailEndpointStoreRequest(document=DOCUMENT, range=RANGE, output=ANSWER)
    return store_thumbnails(request, ThumbnailEndpointStore(objects, WORK)).num_pages


def test_the_endpoint_is_asked_for_a_range_by_reference(jobs: JobRows, objects: S3Objects) -> None:
    endpoints = FakeEndpoints(WORK, TOPIC, "model-endpoint")
    days = timedelta(days=8)
    step = InferenceStart(MODEL, endpoints, jobs, objects, FakeWorkflow(), FakeClock(), WORK, TOPIC, days)

    for token in ("t1", "t2"):
        request = ThumbnailEndpointStartRequest(document=DOCUMENT, range=RANGE, task_token=token)
        start_thumbnails(request, step)

    ((name, place, _),) = endpoints.invoked
    row = jobs.find(tag_of(DOCUMENT, RANGE))
    assert name == "recto-thumbnails"
    assert json.loads(objects.read(place)) == {
        "S3Input": {"Bucket": INBOX, "Key": "a.pdf", "VersionId": "v1"},
        "Pages": {"First": 101, "Last": 103},
    }
    assert row
    assert row.task_token == "t2"


def test_an_answer_that_is_whole_lies_where_models_look_for_it(objects: S3Objects) -> None:
    answer = pages(3)

    assert stored(objects, answer) == 3

    assert objects.read(DocumentPlaces(WORK, "d1").thumbnails_part(2)) == answer


@pytest.mark.parametrize(
    ("answer", "error", "told"),
    [
        (pages(2), PageCountMismatchError, "asked for pages 101 to 103, got 2 thumbnails"),
        (npz(image=np.zeros((4, 4, 3), np.uint8)), PageCountMismatchError, "got 1 thumbnails"),
        (b"<html>", ModelFailedError, "expected an npz file"),
        (npz(other=np.zeros(3)), ModelFailedError, "expected one array, image or images, got other"),
        (npz(images=np.zeros(3)), ModelFailedError, "expected pixels or a row of PNG files"),
        (npz(images=np.array([{}, {}, {}], dtype=object)), ModelFailedError, r"got \|O"),
    ],
)
def test_an_answer_of_another_kind_is_refused_and_not_stored(
    objects: S3Objects, answer: bytes, error: type[RectoError], told: str
) -> None:
    with pytest.raises(error, match=told):
        stored(objects, answer)

    assert objects.info(DocumentPlaces(WORK, "d1").thumbnails_part(2)) is None


def test_the_pages_of_both_forms_are_counted_by_the_header_alone() -> None:
    assert count_thumbnails(npz(image=np.zeros((4, 5, 3), np.uint8))) == 1
    assert count_thumbnails(pages(100)) == 100
