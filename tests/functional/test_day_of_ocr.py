"""The day by which dates in the future are judged."""

from datetime import UTC, datetime, timedelta

from recto.aws.s3 import S3Objects
from recto.places import DocumentPlaces
from recto.steps.postprocess import _day_of_ocr


def test_the_reference_day_is_the_one_on_which_the_ocr_ended(objects: S3Objects) -> None:
    places = DocumentPlaces("work", "0" * 32)
    objects.write(places.ocr_job, b"{}")

    day = _day_of_ocr(places, objects)

    assert day is not None
    assert datetime.now(UTC).date() - day <= timedelta(days=1)


def test_without_an_ocr_job_there_is_no_reference_day(objects: S3Objects) -> None:
    assert _day_of_ocr(DocumentPlaces("work", "1" * 32), objects) is None
