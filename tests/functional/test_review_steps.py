"""A review from its opening to the result: tokens stay inside, one answer counts once, restarts keep it."""

import json
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest

from recto.aws.dynamodb import AuditRows, DocumentRows, ReviewRows, Table
from recto.aws.s3 import S3Objects
from recto.errors import ReviewFailedError, ThrottledError
from recto.messages import DocumentRef, Failure, PublishRequest, ReviewRequest, Status
from recto.places import DocumentPlaces, Location
from recto.ports import DocumentRow
from recto.steps.audit import AuditCallback
from recto.steps.desks import Desks
from recto.steps.publish import INLINE_BYTES, Publish, inline_or_reference, publish
from recto.steps.review import ReviewCallback, ReviewTrigger, open_review, take_answer
from tests.fakes import FakeClock, FakeDesk, FakeEvents, FakeLoops, FakeParameters, FakeWorkflow
from tests.functional.conftest import REVIEWS, WORK

FLOW = "/recto/config/HumanReviewFlowArn"
RELEASE = "releases/one"
FIELDS = [
    {"ClassId": 0, "Name": "Provider Name", "Select": "longest"},
    {"ClassId": 1, "Name": "Card Name"},
    {"ClassId": 2, "Name": "Date", "Optional": True, "Select": "first", "Type": "date"},
]
FOUND = {
    "Confidence": 0.4,
    "Fields": {
        "Provider Name": {
            "ClassId": 0,
            "Confidence": 0.4,
            "NumDetections": 1,
            "NumDetectedValues": 1,
            "SortOrder": 0,
            "Value": "ACME Bank",
            "Detections": [],
        },
        "Card Name": {
            "ClassId": 1,
            "Confidence": 0.9,
            "NumDetections": 1,
            "NumDetectedValues": 1,
            "SortOrder": 1,
            "Values": [{"Value": "Gold", "Confidence": 0.9}],
        },
        "Date": {
            "ClassId": 2,
            "Confidence": 0.0,
            "NumDetections": 0,
            "NumDetectedValues": 0,
            "SortOrder": 2,
            "Optional": True,
            "Value": "",
            "Detections": [],
        },
    },
}


@pytest.fixture
def loops() -> FakeLoops:
    return FakeLoops()


@pytest.fixture
def bench() -> FakeLoops:
    """The workbench's loops; `loops` are Amazon A2I's."""
    return FakeLoops()


@pytest.fixture
def desk() -> FakeDesk:
    return FakeDesk()


@pytest.fixture
def trigger(
    objects: S3Objects,
    documents: DocumentRows,
    reviews: ReviewRows,
    workflow: FakeWorkflow,
    loops: FakeLoops,
    bench: FakeLoops,
) -> ReviewTrigger:
    write_release(objects)
    clock = FakeClock()
    now = clock()
    row = DocumentRow(
        document_id="d1",
        status=Status.RUNNING,
        bucket="inbox",
        key="a.pdf",
        received=now,
        updated=now,
        release=RELEASE,
    )
    documents.add(row)
    objects.write(DocumentPlaces(WORK, "d1").fields, json.dumps(FOUND).encode())
    names = iter(f"review{number}" for number in range(9))
    return ReviewTrigger(
        objects,
        documents,
        reviews,
        workflow,
        Desks(bench, loops),
        FakeParameters({FLOW: "workbench"}),
        clock,
        lambda: next(names),
        WORK,
        FLOW,
        timedelta(days=10),
    )


def write_release(objects: S3Objects) -> None:
    calibration = {"method": "logistic", "features": ["min_ocr"], "coefficients": [1.0], "intercept": 0.0}
    files = {
        "fields.json": json.dumps(FIELDS).encode(),
        "calibration.json": json.dumps(calibration).encode(),
        "model.onnx": b"m",
        "tokenizer.json": b"t",
    }
    index = {
        "schema": 1,
        "name": "one",
        "created": "2026-11-21T00:00:00Z",
        "recipe": "r",
        "seed": 1,
        "licence": "Apache-2.0",
        "labels": [*(field["Name"] for field in FIELDS), "other"],
        "windows": {"max_tokens": 64, "stride": 16},
        "files": {name: sha256(content).hexdigest() for name, content in files.items()},
    }
    for name, content in {**files, "release.json": json.dumps(index).encode()}.items():
        objects.write(Location(bucket=WORK, key=f"{RELEASE}/{name}"), content)


@pytest.fixture
def callback(trigger: ReviewTrigger, desk: FakeDesk, table: Table) -> ReviewCallback:
    objects, documents, reviews, clock = trigger.objects, trigger.documents, trigger.reviews, trigger.clock
    audits = AuditCallback(
        objects, documents, reviews, AuditRows(table), FakeEvents(), clock, WORK, 500, 0.001
    )
    return ReviewCallback(objects, documents, reviews, trigger.workflow, WORK, clock, desk, audits)


def document(attempt: int = 1) -> DocumentRef:
    return DocumentRef(document_id="d1", attempt=attempt, bucket="inbox", key="a.pdf", release=RELEASE)


def ask(trigger: ReviewTrigger, token: str = "token-1") -> str:  # noqa: S107
    return open_review(ReviewRequest(document=document(), task_token=token), trigger)


def hand_in(objects: S3Objects, review: str, *answers: dict[str, Any], name: str = "one") -> Location:
    place = Location(bucket=REVIEWS, key=f"reviews/{name}/output.json")
    human = [
        {"workerId": f"w{number}", "timeSpentInSeconds": 3.5, "answerContent": content}
        for number, content in enumerate(answers)
    ]
    output = {"inputContent": {"ReviewId": review, "TaskObject": "s3://inbox/a.pdf"}, "humanAnswers": human}
    objects.write(place, json.dumps(output).encode())
    return place


CORRECTED = {"field-present-Provider Name": True, "field-value-Provider Name": "ACME National Bank"}


def test_a_review_waits_with_a_task_that_holds_no_token(
    trigger: ReviewTrigger, documents: DocumentRows, reviews: ReviewRows, objects: S3Objects
) -> None:
    review = ask(trigger)

    task = objects.read(DocumentPlaces(WORK, "d1").review_task(review))
    assert b"token-1" not in task
    assert json.loads(task)["ReviewId"] == review
    found = documents.find("d1")
    assert found
    assert (found.status, found.review_id) == (Status.IN_REVIEW, review)
    kept = reviews.find(review)
    assert kept
    assert (kept.task_token, kept.state) == ("token-1", "OPEN")
    assert kept.expires - kept.created == timedelta(days=10)


def test_an_answer_goes_on_with_the_corrected_value(
    trigger: ReviewTrigger, callback: ReviewCallback, objects: S3Objects, workflow: FakeWorkflow
) -> None:
    review = ask(trigger)

    answered = take_answer(hand_in(objects, review, CORRECTED), callback)

    assert answered.outcome == "taken"
    ((token, output),) = workflow.succeeded
    assert token == "token-1"
    assert output == {"ReviewId": review}
    reviewed = reviewed_fields(objects)
    assert reviewed["Fields"]["Provider Name"]["Value"] == "ACME National Bank"
    assert reviewed["Fields"]["Provider Name"]["Confidence"] == 1.0
    assert reviewed["Fields"]["Card Name"]["Values"][0]["Value"] == "Gold"
    assert reviewed["Review"]["WorkerId"] == "w0"


def reviewed_fields(objects: S3Objects) -> Any:
    return json.loads(objects.read(DocumentPlaces(WORK, "d1").reviewed_fields))


def test_the_same_answer_delivered_twice_counts_once(
    trigger: ReviewTrigger, callback: ReviewCallback, objects: S3Objects, workflow: FakeWorkflow
) -> None:
    place = hand_in(objects, ask(trigger), CORRECTED)

    outcomes = [take_answer(place, callback).outcome for _ in range(2)]

    assert outcomes == ["taken", "late"]
    assert len(workflow.succeeded) == 1


def test_a_second_answer_does_not_replace_the_first(
    trigger: ReviewTrigger, callback: ReviewCallback, objects: S3Objects
) -> None:
    review = ask(trigger)
    take_answer(hand_in(objects, review, CORRECTED), callback)

    late = {**CORRECTED, "field-value-Provider Name": "Somebody else"}
    outcome = take_answer(hand_in(objects, review, late, name="two"), callback).outcome

    assert outcome == "ignored"
    assert b"Somebody else" not in objects.read(DocumentPlaces(WORK, "d1").reviewed_fields)


def test_a_restart_keeps_the_review_and_renews_its_token(
    trigger: ReviewTrigger, callback: ReviewCallback, objects: S3Objects, workflow: FakeWorkflow
) -> None:
    first = ask(trigger, "token-1")
    second = ask(trigger, "token-2")

    take_answer(hand_in(objects, first, CORRECTED), callback)

    assert first == second
    assert [token for token, _ in workflow.succeeded] == ["token-2"]


def test_an_answer_that_came_while_nobody_waited_is_handed_to_the_next_execution(
    trigger: ReviewTrigger, callback: ReviewCallback, objects: S3Objects, workflow: FakeWorkflow
) -> None:
    workflow.failed.append(("token-1", "States.ServiceRestart", ""))
    assert take_answer(hand_in(objects, ask(trigger), CORRECTED), callback).outcome == "late"

    ask(trigger, "token-2")

    assert [token for token, _ in workflow.succeeded] == ["token-2"]
    assert reviewed_fields(objects)["Fields"]["Provider Name"]["Value"] == "ACME National Bank"


class AnsweredMeanwhile:
    """Reviews whose answer arrives between the look at the row and the renewal of its token."""

    def __init__(self, reviews: ReviewRows, place: Location) -> None:
        self._reviews, self._place = reviews, place

    def renew_token(self, review: str, task_token: str) -> bool:
        self._reviews.answer(review, self._place.uri)
        return self._reviews.renew_token(review, task_token)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reviews, name)


def test_an_answer_that_arrives_during_a_restart_is_not_lost(
    trigger: ReviewTrigger, reviews: ReviewRows, objects: S3Objects, workflow: FakeWorkflow
) -> None:
    place = hand_in(objects, ask(trigger), CORRECTED)

    ask(trigger._replace(reviews=AnsweredMeanwhile(reviews, place)), "token-2")

    assert [token for token, _ in workflow.succeeded] == ["token-2"]
    assert reviewed_fields(objects)["Fields"]["Provider Name"]["Value"] == "ACME National Bank"


def test_a_human_loop_that_could_not_be_started_is_started_by_the_next_try(
    trigger: ReviewTrigger, loops: FakeLoops
) -> None:
    trigger = trigger._replace(parameters=FakeParameters({FLOW: "arn:flow"}))
    loops.refuses = True
    with pytest.raises(ThrottledError):
        ask(trigger)

    loops.refuses = False
    review = ask(trigger, "token-2")

    assert [name for _, name, _ in loops.started] == [f"recto-{review}"]


BAD_ANSWERS: list[list[Any]] = [
    [],
    [{"workerId": "w", "answerContent": {"nothing": "here"}}],
    [{"workerId": "w", "answerContent": {"field-value-Unknown": "x"}}],
    [{"workerId": "w", "answerContent": {**CORRECTED, "field-present-Extra": True}}],
    [{"workerId": "w", "answerContent": [1]}],
    ["text"],
    [None],
]


def hand_in_badly(objects: S3Objects, review: str, human: list[Any]) -> Location:
    place = Location(bucket=REVIEWS, key="reviews/odd/output.json")
    output = {"inputContent": {"ReviewId": review}, "humanAnswers": human}
    objects.write(place, json.dumps(output).encode())
    return place


@pytest.mark.parametrize("human", BAD_ANSWERS)
def test_an_answer_that_cannot_be_used_is_refused_by_name_and_the_review_waits_for_a_better_one(
    human: list[Any],
    trigger: ReviewTrigger,
    callback: ReviewCallback,
    objects: S3Objects,
    reviews: ReviewRows,
    documents: DocumentRows,
    workflow: FakeWorkflow,
) -> None:
    review = ask(trigger)

    answered = take_answer(hand_in_badly(objects, review, human), callback)

    assert answered.outcome == "refused"
    noted = documents.history("d1")[-1]
    assert (noted["to"], noted["error"]) == ("ANSWER_NOT_TAKEN", "ReviewFailedError")
    assert noted["answer"].endswith("reviews/odd/output.json")
    kept = reviews.find(review)
    assert kept
    assert (kept.state, kept.refusal) == ("OPEN", noted["cause"])
    assert (workflow.succeeded, workflow.failed) == ([], [])
    assert take_answer(hand_in(objects, review, CORRECTED), callback).outcome == "taken"


@pytest.mark.parametrize("human", BAD_ANSWERS)
def test_an_answer_of_amazon_a2i_that_cannot_be_used_fails_the_document_by_name(
    human: list[Any],
    trigger: ReviewTrigger,
    callback: ReviewCallback,
    objects: S3Objects,
    workflow: FakeWorkflow,
) -> None:
    """Its loop has ended: nobody can answer it again."""
    review = ask(trigger._replace(parameters=FakeParameters({FLOW: "arn:flow"})))

    answered = take_answer(hand_in_badly(objects, review, human), callback)

    assert answered.outcome == "failed"
    ((token, error, cause),) = workflow.failed
    assert (token, error) == ("token-1", "ReviewFailedError")
    assert "document d1" in cause


@pytest.mark.parametrize("body", [b"", b"{", b'{"inputContent": {"Task', b"\xff\xfe", b"[1]", b"null"])
def test_a_truncated_or_foreign_answer_is_told_to_the_review_that_its_key_names(
    body: bytes, trigger: ReviewTrigger, callback: ReviewCallback, objects: S3Objects, reviews: ReviewRows
) -> None:
    review = ask(trigger)
    place = Location(bucket=REVIEWS, key=f"reviews/workbench/2026/11/21/{review}/output.json")
    objects.write(place, body)

    assert take_answer(place, callback).outcome == "refused"
    kept = reviews.find(review)
    assert kept
    assert kept.state == "OPEN"


def test_a_truncated_answer_of_a_human_loop_fails_its_document(
    trigger: ReviewTrigger, callback: ReviewCallback, objects: S3Objects, workflow: FakeWorkflow
) -> None:
    review = ask(trigger._replace(parameters=FakeParameters({FLOW: "arn:flow"})))
    place = Location(bucket=REVIEWS, key=f"reviews/flow/2026/11/21/recto-{review}/output.json")
    objects.write(place, b'{"inputContent"')

    assert take_answer(place, callback).outcome == "failed"
    assert workflow.failed[0][1] == "ReviewFailedError"


def test_a_huge_answer_is_refused_unread(
    trigger: ReviewTrigger, callback: ReviewCallback, monkeypatch: pytest.MonkeyPatch
) -> None:
    review = ask(trigger)
    place = Location(bucket=REVIEWS, key=f"reviews/workbench/{review}/output.json")
    callback.objects.write(place, b" " * 2000)
    monkeypatch.setattr("recto.steps.review.MAX_ANSWER", 1999)

    answered = take_answer(place, callback)

    assert (answered.outcome, "2,000 bytes, the limit is 1,999" in answered.cause) == ("refused", True)


def test_an_answer_that_is_gone_is_named(callback: ReviewCallback) -> None:
    with pytest.raises(ReviewFailedError, match="no object any more"):
        take_answer(Location(bucket=REVIEWS, key="gone/output.json"), callback)


def test_an_answer_to_an_unknown_review_is_named_and_its_message_kept(callback: ReviewCallback) -> None:
    with pytest.raises(ReviewFailedError, match="no review has the id 'nobody'"):
        take_answer(hand_in(callback.objects, "nobody", CORRECTED), callback)


def test_an_answer_to_a_withdrawn_review_is_refused_by_name_and_kept(
    trigger: ReviewTrigger,
    callback: ReviewCallback,
    objects: S3Objects,
    documents: DocumentRows,
    reviews: ReviewRows,
    workflow: FakeWorkflow,
) -> None:
    review = ask(trigger)
    documents.move("d1", (Status.IN_REVIEW,), Status.WAITING, trigger.clock(), attempt=2, review_id="")
    reviews.withdraw(review, "document d1 is processed again from model, attempt 2, by ann")
    place = hand_in(objects, review, CORRECTED)

    answered = take_answer(place, callback)

    assert answered.outcome == "withdrawn"
    noted = documents.history("d1")[-1]
    assert (noted["error"], noted["answer"]) == ("ReviewWithdrawnError", place.uri)
    assert "processed again from model, attempt 2, by ann" in noted["cause"]
    assert objects.info(place), "nothing is lost"
    assert workflow.succeeded == []


def test_an_answer_to_a_document_that_failed_meanwhile_is_refused_by_name(
    trigger: ReviewTrigger, callback: ReviewCallback, objects: S3Objects, documents: DocumentRows
) -> None:
    """Its review has expired, say: the token is dead, and the reviewer's work must not vanish unseen."""
    review = ask(trigger)
    documents.move("d1", (Status.IN_REVIEW,), Status.FAILED, trigger.clock(), error="ReviewExpiredError")

    answered = take_answer(hand_in(objects, review, CORRECTED), callback)

    assert answered.outcome == "withdrawn"
    assert "is FAILED and waits for nobody" in documents.history("d1")[-1]["cause"]


def test_an_answer_is_late_as_soon_as_the_document_has_moved_on(
    trigger: ReviewTrigger, callback: ReviewCallback, objects: S3Objects, documents: DocumentRows
) -> None:
    """A reprocess that ended between its write and the withdrawal of the review."""
    review = ask(trigger)
    documents.move("d1", (Status.IN_REVIEW,), Status.WAITING, trigger.clock(), attempt=2, review_id="")

    assert take_answer(hand_in(objects, review, CORRECTED), callback).outcome == "withdrawn"


@pytest.mark.parametrize("stored", [False, True])
def test_a_reviewer_can_turn_a_document_down(
    stored: bool,
    trigger: ReviewTrigger,
    callback: ReviewCallback,
    publishing: tuple[Publish, FakeEvents],
    documents: DocumentRows,
    workflow: FakeWorkflow,
) -> None:
    step, events = publishing
    posted = {"document-rejected": True, "document-rejected-why": "a holiday picture"}
    content = {"store": posted} if stored else posted

    answered = take_answer(hand_in(callback.objects, ask(trigger), content), callback)
    ((_, error, cause),) = workflow.failed
    publish(PublishRequest(document=document(), failure=Failure(Error=error, Cause=cause)), step)

    assert (answered.outcome, error) == ("rejected", "DocumentRejectedError")
    found = documents.find("d1")
    assert found
    assert (found.status, found.cause) == (
        Status.REJECTED,
        "document d1: turned down by w0: a holiday picture",
    )
    assert [kind for kind, _ in events.published] == ["DocumentRejected"]


def test_a_document_that_was_turned_down_while_nobody_waited_is_rejected_in_the_end(
    trigger: ReviewTrigger, callback: ReviewCallback, workflow: FakeWorkflow
) -> None:
    workflow.failed.append(("token-1", "States.ServiceRestart", ""))
    take_answer(hand_in(callback.objects, ask(trigger), {"document-rejected": True}), callback)

    ask(trigger, "token-2")

    assert workflow.failed[-1][:2] == ("token-2", "DocumentRejectedError")


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"inputContent": {}}', b'{"inputContent": {"ReviewId": 1}, "humanAnswers": []}']
)
def test_a_file_that_is_no_answer_is_refused_and_its_message_kept(
    body: bytes, callback: ReviewCallback
) -> None:
    place = Location(bucket=REVIEWS, key="stray/output.json")
    callback.objects.write(place, body)

    with pytest.raises(ReviewFailedError, match=r"stray/output\.json"):
        take_answer(place, callback)


def test_amazon_a2i_gets_the_same_task_under_a_name_that_it_accepts(
    trigger: ReviewTrigger, loops: FakeLoops
) -> None:
    flow = "arn:aws:sagemaker:us-east-1:1:flow-definition/f"

    review = ask(trigger._replace(parameters=FakeParameters({FLOW: flow})))

    ((arn, name, content),) = loops.started
    assert arn == flow
    assert name == f"recto-{review}"
    assert content["ReviewId"] == review
    assert "token-1" not in json.dumps(content)


def test_a_document_that_failed_meanwhile_is_not_put_before_a_person(
    trigger: ReviewTrigger, documents: DocumentRows
) -> None:
    documents.move("d1", (Status.RUNNING,), Status.FAILED, FakeClock()(), error="X", cause="y")

    with pytest.raises(ReviewFailedError, match="status FAILED"):
        ask(trigger)


@pytest.fixture
def publishing(trigger: ReviewTrigger) -> tuple[Publish, FakeEvents]:
    events = FakeEvents()
    return Publish(trigger.objects, trigger.documents, events, trigger.clock, WORK), events


def test_the_reviewed_fields_are_what_is_published(
    trigger: ReviewTrigger,
    callback: ReviewCallback,
    publishing: tuple[Publish, FakeEvents],
    objects: S3Objects,
    documents: DocumentRows,
) -> None:
    step, events = publishing
    take_answer(hand_in(objects, ask(trigger), CORRECTED), callback)

    response = publish(PublishRequest(document=document()), step)

    assert response.result
    result = json.loads(objects.read(Location.from_uri(response.result["S3Uri"])))
    assert result["Reviewed"]
    assert result["Fields"]["Provider Name"]["Value"] == "ACME National Bank"
    ((kind, detail),) = events.published
    assert (kind, detail["Result"]["Key"]) == ("DocumentProcessed", "documents/d1/result.json")
    found = documents.find("d1")
    assert found
    assert (found.status, found.confidence) == (Status.PROCESSED, result["Confidence"])
    assert [entry["to"] for entry in documents.history("d1")] == [
        "RECEIVED",
        "RUNNING",
        "IN_REVIEW",
        "PROCESSED",
    ]


def test_publishing_again_changes_nothing_and_tells_nobody_twice(
    publishing: tuple[Publish, FakeEvents], documents: DocumentRows
) -> None:
    step, events = publishing

    for _ in range(2):
        publish(PublishRequest(document=document()), step)

    assert [kind for kind, _ in events.published] == ["DocumentProcessed"]
    found = documents.find("d1")
    assert found
    assert found.status is Status.PROCESSED


def test_an_older_attempt_can_not_close_a_document(
    publishing: tuple[Publish, FakeEvents], documents: DocumentRows
) -> None:
    step, events = publishing
    documents.move("d1", (Status.RUNNING,), Status.RUNNING, FakeClock()(), attempt=2)

    publish(PublishRequest(document=document(attempt=1), failure=Failure(Error="X")), step)

    found = documents.find("d1")
    assert found
    assert found.status is Status.RUNNING
    assert events.published == []


def test_a_failure_is_told_without_lambdas_wrapping(
    publishing: tuple[Publish, FakeEvents], documents: DocumentRows
) -> None:
    step, events = publishing
    wrapped = json.dumps({"errorMessage": "the PDF is encrypted", "errorType": "EncryptedDocumentError"})

    publish(
        PublishRequest(document=document(), failure=Failure(Error="EncryptedDocumentError", Cause=wrapped)),
        step,
    )

    ((kind, detail),) = events.published
    assert kind == "DocumentFailed"
    assert (detail["Error"], detail["Cause"]) == ("EncryptedDocumentError", "the PDF is encrypted")
    found = documents.find("d1")
    assert found
    assert (found.status, found.error, found.cause) == (
        Status.FAILED,
        "EncryptedDocumentError",
        "the PDF is encrypted",
    )


@pytest.mark.parametrize(
    ("letter", "share", "is_inline"),
    [("a", 0.9, True), ("a", 1.0, False), ("字", 0.9, False), ("字", 0.4, True)],
)
def test_fields_travel_between_states_only_where_they_fit_however_lambda_writes_them(
    letter: str, share: float, is_inline: bool
) -> None:
    """Some runtimes escape letters that are not ASCII; what is too large between states ends an execution."""
    text = letter * int(share * INLINE_BYTES / len(letter.encode()))
    place = Location(bucket=WORK, key="fields.json")

    told = inline_or_reference(json.dumps({"Text": text}, ensure_ascii=False).encode(), place)

    assert told == ({"Text": text} if is_inline else {"S3Uri": place.uri})
    assert len(json.dumps(told)) < INLINE_BYTES
