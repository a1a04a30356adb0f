"""The word model behind an endpoint: asked by reference, once; its answer becomes the same predictions."""

import json
from datetime import timedelta
from typing import Any

import pytest

from recto.aws.dynamodb import JobRows
from recto.aws.s3 import S3Objects
from recto.document import Page, Word
from recto.errors import ConfigurationError, ModelFailedError, ReleaseError, WordMismatchError
from recto.geometry import Box
from recto.messages import (
    DocumentRef,
    ModelEndpointStartRequest,
    ModelEndpointStoreRequest,
    PageRange,
    PageWork,
)
from recto.pagestore import PageIndex, PartWriter
from recto.places import DocumentPlaces, Location, MadeIn
from recto.steps import model_endpoint
from recto.steps.async_inference import (
    MODEL,
    InferenceCallback,
    InferenceStart,
    hear_of_inference,
    inference_of,
)
from recto.steps.make_release import publish_release
from recto.steps.model import plan_ranges
from recto.steps.model_endpoint import ModelEndpointStore, start_classification, store_classification, tag_of
from recto.steps.page_images import plan_of
from recto.steps.stored_pages import stored_predictions
from tests.fakes import FakeClock, FakeEndpoints, FakeWorkflow
from tests.functional.conftest import INBOX, WORK
from tests.functional.test_ocr_endpoint import notice
from tests.unit.releases import LABELS, contents

TOPIC = "arn:aws:sns:us-east-1:000000000000:model"
RANGE = PageRange(part=1, first=1, last=2)
PLACES = DocumentPlaces(WORK, "d1")
ANSWER = f"s3://{WORK}/model-endpoint/answers/1.out"


@pytest.fixture
def document(objects: S3Objects) -> DocumentRef:
    """Two pages of words in the page store, their thumbnails, and a release behind an endpoint."""
    writer = PartWriter(1)
    for number in (1, 2):
        box = Box(0.1, 0.2, 0.30001, 0.4)
        writer.add(Page(number, tuple(Word(f"w{n}", box, 0.9, 0, f"{number}.{n}") for n in range(3))))
    content, entries = writer.finish()
    objects.write(PLACES.ocr_part(1), content)
    objects.write(PLACES.ocr_index, PageIndex(pages=entries).to_json())
    objects.write(PLACES.thumbnails_part(1), b"npz")
    objects.write(PLACES.image_plan, json.dumps(plan_of(2).dump()).encode())
    objects.write(PLACES.image_part_index(1), json.dumps({"Part": 1, "Pages": [{}, {}]}).encode())
    release = publish_release(contents(backend="sagemaker", endpoint="recto-words"), objects, WORK)
    return DocumentRef(document_id="d1", bucket=INBOX, key="a.pdf", release=release)


class Bench:
    """Start, callback and store over one endpoint, one table and one bucket."""

    def __init__(self, document: DocumentRef, jobs: JobRows, objects: S3Objects) -> None:
        self.document, self.jobs, self.objects = document, jobs, objects
        self.endpoints, self.workflow = FakeEndpoints(WORK, TOPIC, "model-endpoint"), FakeWorkflow()
        days, clock = timedelta(days=8), FakeClock()
        self.start = InferenceStart(
            MODEL, self.endpoints, jobs, objects, self.workflow, clock, WORK, TOPIC, days
        )
        self.callback = InferenceCallback(MODEL, jobs, objects, self.workflow, WORK)

    def ask(self, token: str) -> str:
        request = ModelEndpointStartRequest(
            document=self.document, endpoint="recto-words", range=RANGE, task_token=token
        )
        return start_classification(request, self.start)

    def hear(self, inference_id: str, **changes: Any) -> None:
        answered = {"responseParameters": {"outputLocation": ANSWER}}
        inference = inference_of(notice(inference_id, **{**answered, **changes}))
        assert inference
        hear_of_inference(inference, self.callback)

    def sent(self) -> dict[str, Any]:
        """The request, with the pages that it refers to."""
        body: dict[str, Any] = json.loads(self.objects.read(PLACES.model_request(1)))
        return body

    def answer(self, probabilities: list[float] | None = None, **root: Any) -> None:
        """Put what a container makes of the pages that it was sent."""
        response = json.loads(self.objects.read(Location(**_lower(self.sent()["S3Input"]))))
        said = probabilities or [0.1, 0.2, 0.6, 0.1]
        for block in response["Blocks"]:
            if block["BlockType"] == "WORD":
                block |= {"ClassificationProbabilities": said, "PredictedClassAgreement": 1}
        body = json.dumps({**response, **root}).encode()
        self.objects.write(Location.from_uri(ANSWER), body)

    def store(self) -> Any:
        request = ModelEndpointStoreRequest(
            document=self.document, endpoint="recto-words", range=RANGE, output=ANSWER
        )
        return store_classification(request, ModelEndpointStore(self.objects, WORK))


def _lower(reference: dict[str, str]) -> dict[str, str]:
    return {key.lower(): value for key, value in reference.items()}


@pytest.fixture
def bench(document: DocumentRef, jobs: JobRows, objects: S3Objects) -> Bench:
    return Bench(document, jobs, objects)


def test_the_plan_says_where_the_releases_model_runs(document: DocumentRef, objects: S3Objects) -> None:
    here = publish_release(contents(name="here"), objects, WORK)

    away = plan_ranges(PageWork(document=document), objects, WORK)
    at_home = plan_ranges(PageWork(document=document.model_copy(update={"release": here})), objects, WORK)

    assert (away.backend, away.endpoint, away.num_pages) == ("sagemaker", "recto-words", 2)
    assert (at_home.backend, at_home.endpoint) == ("embedded", "")


def test_the_endpoint_is_sent_references_and_the_token_stays_in_the_table(bench: Bench) -> None:
    inference = bench.ask("secret-token")

    ((name, place, inference_id),) = bench.endpoints.invoked
    body, pages = bench.objects.read(place), bench.objects.read(PLACES.model_input(1))
    row = bench.jobs.find(tag_of(bench.document, "recto-words", RANGE))
    assert (name, inference_id) == ("recto-words", inference)
    assert json.loads(body) == {
        "S3Input": {"Bucket": WORK, "Key": PLACES.model_input(1).key},
        "S3Thumbnails": {"Bucket": WORK, "Key": PLACES.thumbnails_part(1).key},
    }
    assert b"secret-token" not in body + pages
    assert row
    assert row.task_token == "secret-token"


def test_a_finished_inference_calls_back_and_its_classes_are_stored(bench: Bench) -> None:
    bench.hear(bench.ask("t1"))
    bench.answer(Warnings=["no picture of page 2", "no picture of page 2"])

    done = bench.store()

    index = PageIndex.from_json(bench.objects.read(PLACES.predictions_part_index(1)))
    pages = list(stored_predictions(bench.objects, PLACES, index, 1, 2))
    assert bench.workflow.succeeded == [("t1", {"Output": ANSWER})]
    assert (done.part, done.num_pages) == (1, 2)
    assert [(page.number, page.classes, page.probabilities) for page in pages] == [
        (1, (2, 2, 2), (0.6, 0.6, 0.6)),
        (2, (2, 2, 2), (0.6, 0.6, 0.6)),
    ]
    assert (index.release, index.warnings) == (bench.document.release, ("no picture of page 2",))


def test_a_repeated_state_waits_for_the_same_inference_and_finds_an_answer_nobody_told_of(
    bench: Bench,
) -> None:
    bench.ask("t1")
    bench.ask("t2")
    bench.answer()

    bench.ask("t3")

    assert len(bench.endpoints.invoked) == 1
    assert bench.workflow.succeeded == [("t3", {"Output": ANSWER})]


def test_a_new_attempt_of_the_model_is_an_inference_of_its_own(bench: Bench) -> None:
    again = bench.document.model_copy(update={"made_in": MadeIn(model=2)})

    assert tag_of(again, "recto-words", RANGE) != tag_of(bench.document, "recto-words", RANGE)


def test_a_failed_inference_fails_its_document_by_name(bench: Bench) -> None:
    bench.hear(bench.ask("t1"), invocationStatus="Failed", failureReason="ClientError: out of memory")

    ((token, name, cause),) = bench.workflow.failed
    assert (token, name) == ("t1", "ModelFailedError")
    assert "out of memory" in cause


def test_an_endpoint_that_does_not_wait_is_refused_before_it_is_asked(bench: Bench) -> None:
    bench.endpoints.info = bench.endpoints.info._replace(is_async=False)

    with pytest.raises(ConfigurationError, match="expected an asynchronous one"):
        bench.ask("t1")


@pytest.mark.parametrize(
    "body", [b"<html>", b"[]", b'{"Blocks": ["x"]}', b'{"Blocks": [{"BlockType": "WORD"']
)
def test_an_answer_of_another_kind_is_a_failed_model_or_has_other_words(bench: Bench, body: bytes) -> None:
    bench.ask("t1")
    bench.objects.write(Location.from_uri(ANSWER), body)

    with pytest.raises((ModelFailedError, WordMismatchError), match="answer of endpoint recto-words"):
        bench.store()


def test_a_model_with_other_classes_than_the_release_is_told_by_both_numbers(bench: Bench) -> None:
    bench.ask("t1")
    bench.answer([0.5, 0.5])

    with pytest.raises(ReleaseError, match=f"has 2 classes, the release {len(LABELS)} labels"):
        bench.store()


def test_an_answer_that_no_disk_holds_is_not_fetched(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.ask("t1")
    bench.answer()
    monkeypatch.setattr(model_endpoint, "MAX_ANSWER", 100)

    with pytest.raises(ModelFailedError, match="the limit is 100"):
        bench.store()
