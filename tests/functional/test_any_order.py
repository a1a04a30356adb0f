"""Uploads, crashes, reprocessing and late answers in any order: what holds at every moment, and in the end.

The steps around a document are real; OCR, model and post-processing are played by a few writes that carry
the numbers of the attempts which made what they read, so that a mixture would show in the result.
"""

import json
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from recto.errors import RectoError, ThrottledError
from recto.messages import (
    DispatchRequest,
    DocumentRef,
    Failure,
    PublishRequest,
    ReprocessRequest,
    ReviewRequest,
    Status,
    Step,
    TextractStartRequest,
)
from recto.pagestore import PageEntry, PageIndex
from recto.places import DocumentPlaces, Location
from recto.ports import DocumentRow
from recto.steps.audit import AuditCallback
from recto.steps.desks import Desks
from recto.steps.dispatch import Dispatch, dispatch
from recto.steps.ocr_job import OcrStart, start_ocr
from recto.steps.publish import Publish, publish
from recto.steps.reprocess import Reprocess, reprocess
from recto.steps.review import ReviewCallback, ReviewTrigger, open_review, take_answer
from recto.steps.review_expiry import ReviewExpiry, Rule, expire_reviews
from tests.fakes import FakeClock, FakeDesk, FakeEvents, FakeLoops, FakeOcr, FakeParameters, FakeWorkflow
from tests.functional.test_review_steps import FLOW, FOUND, write_release
from tests.gate_fakes import gate_of
from tests.memory import MemoryAudits, MemoryDocuments, MemoryObjects, MemoryReviews, MemorySlots

RELEASE, WORK, REVIEWS, LIMIT = "/recto/config/Release", "work", "reviews", 2
PLAN = b'{"NumPages": 1, "Ranges": [{"Part": 1, "First": 1, "Last": 1}]}'
FIELD = "Provider Name"
PICK, ALL, MOST = st.integers(0, 11), 99, 3
ENDED = (Status.PROCESSED, Status.FAILED, Status.REJECTED)


@dataclass
class Execution:
    """One execution: where it stands. A stopped one may go on for a moment, as branches and functions do."""

    document: DocumentRef
    at: Step
    token: str = ""


class CutOff:
    """A workflow that cannot be reached."""

    def _refuse(self, *told: object) -> bool:
        raise ThrottledError("SendTaskSuccess: slow down")

    succeed = fail = _refuse


class Unheard:
    """Events that tell nothing of a document's end."""

    def publish(self, kind: str, detail: object, of: str) -> None: ...


class Documents(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.clock, self.workflow, self.events = FakeClock(), FakeWorkflow(), FakeEvents()
        self.documents, self.slots, self.reviews = MemoryDocuments(), MemorySlots(), MemoryReviews()
        self.objects, self.ocr = MemoryObjects(), FakeOcr(status="IN_PROGRESS")
        self.parameters = FakeParameters({RELEASE: "releases/one", FLOW: "workbench"})
        self.executions: dict[str, Execution] = {}
        self.handed_in: list[Location] = []
        self.number = 0
        self.wrongly_refused: list[RectoError] = []
        write_release(self.objects)  # type: ignore[arg-type]
        self.dispatching = Dispatch(
            self.documents, self.slots, self.workflow, self.objects, self.parameters, self.events,
            self.clock, WORK, RELEASE, LIMIT, timedelta(hours=1),
        )  # fmt: skip
        self.desks = Desks(FakeLoops(), FakeLoops())
        self.reprocessing = Reprocess(
            self.documents, self.slots, self.reviews, self.objects, self.workflow, self.desks,
            self.parameters, self.clock, WORK, RELEASE,
        )  # fmt: skip
        self.publishing = Publish(self.objects, self.documents, self.events, self.clock, WORK)
        audits = AuditCallback(
            self.objects,
            self.documents,
            self.reviews,
            MemoryAudits(),
            self.events,
            self.clock,
            WORK,
            50,
            0.001,
        )
        self.answering = ReviewCallback(
            self.objects, self.documents, self.reviews, self.workflow, WORK, self.clock, FakeDesk(), audits
        )
        self.asking = ReviewTrigger(
            self.objects, self.documents, self.reviews, self.workflow, self.desks, self.parameters,
            self.clock, self._next_name, WORK, FLOW, timedelta(days=1),
        )  # fmt: skip

    def _next_name(self) -> str:
        self.number += 1
        return f"n{self.number}"

    # ---- what happens

    @initialize()
    def a_day_begins(self) -> None:
        for _ in range(2):
            self.upload()
        self.dispatch()

    @rule()
    @precondition(lambda self: len(self.documents.rows) < MOST)
    def upload(self) -> None:
        name, now = self._next_name(), self.clock()
        row = DocumentRow(
            document_id=name,
            status=Status.WAITING,
            bucket="inbox",
            key=f"{name}.pdf",
            received=now,
            updated=now,
        )
        self.documents.add(row)

    @rule()
    def dispatch(self) -> None:
        dispatch(DispatchRequest(), self.dispatching)
        self._take_up()

    def _take_up(self) -> None:
        for name, execution in self.workflow.executions.items():
            if name in self.workflow.running and name not in self.executions:
                self.executions[name] = Execution(execution.document, execution.from_)

    @rule(pick=PICK, steps=st.integers(1, 6), doubtful=st.booleans())
    @precondition(lambda self: self.executions)
    def go_on(self, pick: int, steps: int, doubtful: bool) -> None:
        """Some execution makes some steps."""
        name = sorted(self.executions)[pick % len(self.executions)]
        for _ in range(steps):
            if name in self.executions:
                self._make_step(name, doubtful, ALL)

    @rule(doubtful=st.booleans())
    def all_go_on(self, doubtful: bool) -> None:
        """Until each has ended or waits for a person."""
        for name in sorted(self.executions):
            for _ in range(6):
                if name in self.executions:
                    self._make_step(name, doubtful, ALL)

    @rule(kind=st.sampled_from(["dies", "dies", "fails", "all die"]), pick=PICK, writes=st.integers(0, 4))
    @precondition(lambda self: self.executions)
    def trouble(self, kind: str, pick: int, writes: int) -> None:
        """An execution dies within a step after so many writes, or fails by name; or a power cut."""
        name = sorted(self.executions)[pick % len(self.executions)]
        if kind == "fails":
            self._fail(name, self.executions[name], Failure(Error="ReleaseError"))
        else:
            self._make_step(name, True, writes)
        for died in [name] if kind == "dies" else list(self.executions) if kind == "all die" else []:
            self._die(died)

    def _make_step(self, name: str, doubtful: bool, num_writes: int) -> None:
        execution = self.executions[name]
        writes = self._writes(execution, doubtful)
        for place, body in writes[:num_writes]:
            self.objects.write(place, body)
        if num_writes >= len(writes) and num_writes:
            self._finish_step(name, execution, doubtful)

    def _writes(self, execution: Execution, doubtful: bool) -> list[tuple[Location, bytes]]:
        """What a step leaves, in its order; each carries what it was made of."""
        document = execution.document
        places = DocumentPlaces(WORK, document.document_id, document.made_in)
        made = document.made_in
        index = PageIndex(pages=(PageEntry(1, 0, 1, 0),)).to_json()
        if execution.at is Step.OCR:
            return [
                (places.image_plan, PLAN), (places.ocr_part(1), f"{made.ocr}".encode()),
                (places.image_part_index(1), b'{"Pages": [{}]}'), (places.ocr_job, b'{"JobId": "j"}'),
                (places.ocr_index, index),
            ]  # fmt: skip
        if execution.at is Step.MODEL:
            read = self.objects.read(places.ocr_part(1)).decode()
            return [
                (places.predictions_part(1), f"{read}.{made.model}".encode()),
                (places.predictions_part_index(1), index),
            ]
        if execution.at is Step.POSTPROCESS:
            read = self.objects.read(places.predictions_part(1)).decode()
            found: dict[str, Any] = json.loads(json.dumps(FOUND))
            found["Fields"][FIELD]["Value"] = f"{read}.{made.postprocess}"
            reasons = [{"Code": "nothing_found", "Message": "look"}] if doubtful else []
            return [(places.fields, json.dumps({**found, "ReviewReasons": reasons}).encode())]
        return []

    def _finish_step(self, name: str, execution: Execution, doubtful: bool) -> None:
        document = execution.document
        if execution.at is Step.OCR:
            gate = gate_of(self.ocr, self.workflow, self.clock)
            start = OcrStart(gate, self.documents, (), timedelta(1))
            start_ocr(TextractStartRequest(document=document, task_token=name), start)
            execution.at = Step.MODEL
        elif execution.at is Step.MODEL:
            execution.at = Step.POSTPROCESS
        elif execution.at is Step.POSTPROCESS:
            dispatch(DispatchRequest(action="release", document=document), self.dispatching)
            self._take_up()
            execution.at = Step.REVIEW if doubtful else Step.PUBLISH
        elif execution.at is Step.REVIEW:
            self._wait_for_a_person(name, execution)
        else:
            publish(PublishRequest(document=document), self.publishing)
            self._die(name)

    def _wait_for_a_person(self, name: str, execution: Execution) -> None:
        told = dict(self.workflow.succeeded), {token: (e, c) for token, e, c in self.workflow.failed}
        if not execution.token:
            execution.token = self._next_name()
            request = ReviewRequest(document=execution.document, task_token=execution.token)
            try:
                open_review(request, self.asking)
            except RectoError as error:
                self._fail(name, execution, Failure(Error=type(error).__name__, Cause=str(error)))
        elif execution.token in told[0]:
            execution.at = Step.PUBLISH
        elif execution.token in told[1]:
            self._fail(name, execution, Failure(Error=told[1][execution.token][0], Cause=""))

    def _fail(self, name: str, execution: Execution, failure: Failure) -> None:
        dispatch(DispatchRequest(action="release", document=execution.document), self.dispatching)
        publish(PublishRequest(document=execution.document, failure=failure), self.publishing)
        self._die(name)
        self._take_up()

    def _die(self, name: str) -> None:
        self.executions.pop(name, None)
        self.workflow.running.discard(name)

    @rule()
    def recover(self) -> None:
        request = DispatchRequest(action="recover", older_than_seconds=0, include_reviews=True)
        dispatch(request, self.dispatching)
        self._take_up()

    @rule(
        pick=PICK, step=st.sampled_from([None, *Step]), force=st.booleans(), pay=st.booleans(),
    )  # fmt: skip
    @precondition(lambda self: self.documents.rows)
    def reprocess(self, pick: int, step: Step | None, force: bool, pay: bool) -> None:
        rows = list(self.documents.rows.values())
        row = rows[pick % len(rows)]
        request = ReprocessRequest(
            document_id=row.document_id, of_attempt=row.attempt, request_id=self._next_name(), from_=step,
            force=force, pay_for_ocr=pay,
        )  # fmt: skip
        try:
            response = reprocess(request, self.reprocessing)
        except RectoError as error:
            assert self.documents.rows[row.document_id] == row, "refused, so nothing has changed"
            may_start = step is None and row.status is Status.FAILED and pay
            self.wrongly_refused += [error] if may_start else []
        else:
            assert response.attempt == row.attempt + 1
            self.dispatch()

    @rule(pick=PICK, rejects=st.integers(0, 9))
    @precondition(lambda self: self.reviews.rows)
    def answer(self, pick: int, rejects: int) -> None:
        """Any review that ever was, open or not."""
        reviews = sorted(self.reviews.rows)
        review = self.reviews.rows[reviews[pick % len(reviews)]]
        content = {"document-rejected": True} if rejects == 0 else {f"field-present-{FIELD}": True}
        place = Location(bucket=REVIEWS, key=f"{self._next_name()}/output.json")
        output = {
            "inputContent": {"ReviewId": review.review_id},
            "humanAnswers": [{"workerId": "w", "answerContent": content}],
        }
        self.objects.write(place, json.dumps(output).encode())
        outcome = take_answer(place, self.answering).outcome
        row = self.documents.rows[review.document_id]
        if outcome in ("taken", "rejected"):
            assert (row.status, row.review_id) == (Status.IN_REVIEW, review.review_id)

    @rule(rule=st.sampled_from(["accept", "fail", "escalate"]), writes=st.booleans())
    @precondition(lambda self: self.reviews.pointers)
    def nobody_answers(self, rule: Rule, writes: bool) -> None:
        """The time of all open reviews is over, whatever becomes of that; the function may be cut off."""
        before = dict(self.reviews.rows)
        workflow = self.workflow if writes else CutOff()
        step = ReviewExpiry(
            self.objects, self.documents, self.reviews, workflow, FakeLoops(), FakeDesk(), Unheard(),
            self.clock, WORK, rule, timedelta(days=1), timedelta(days=-3), timedelta(days=30),
        )  # type: ignore[arg-type]  # fmt: skip
        for one in expire_reviews(step):
            row = self.documents.rows[one.document_id]
            if one.outcome in ("accept", "fail"):
                assert row.status in (Status.RUNNING, Status.IN_REVIEW)
                assert row.review_id == one.review_id
            if before[one.review_id].state == "ANSWERED":
                assert self.reviews.rows[one.review_id] == before[one.review_id], "an answer is never lost"

    # ---- what holds

    @invariant()
    def slots_are_never_more_than_the_limit(self) -> None:
        assert len(self.slots.held) <= LIMIT

    @invariant()
    def a_failed_document_can_always_start_again(self) -> None:
        assert self.wrongly_refused == []

    @invariant()
    def an_attempt_ends_once_and_in_one_way(self) -> None:
        ends = Counter((d["DocumentId"], d["Attempt"]) for _, d in self.events.published)
        assert all(number == 1 for number in ends.values()), ends

    @invariant()
    def a_rows_status_is_what_was_told_last(self) -> None:
        kinds = {"DocumentProcessed": Status.PROCESSED, "DocumentFailed": Status.FAILED,
                 "DocumentRejected": Status.REJECTED}  # fmt: skip
        last = {d["DocumentId"]: (kinds[kind], d["Attempt"]) for kind, d in self.events.published}
        for name, row in self.documents.rows.items():
            if row.status in ENDED:
                assert last[name] == (row.status, row.attempt)

    @invariant()
    def ocr_is_paid_once_for_each_attempt_of_it(self) -> None:
        paid = Counter(
            request.source.key for request in {r.client_token: r for r in self.ocr.requests}.values()
        )
        for row in self.documents.rows.values():
            assert paid[row.key] <= row.ocr_attempt

    @invariant()
    def a_result_is_made_of_its_own_attempts_and_never_changes(self) -> None:
        for kind, detail in self.events.published:
            if kind == "DocumentProcessed":
                place = Location.from_uri(detail["Result"]["S3Uri"])
                result = json.loads(self.objects.read(place))
                assert result["Attempt"] == detail["Attempt"]
                row = self.documents.rows[detail["DocumentId"]]
                if row.attempt == detail["Attempt"]:
                    made = row.made_in
                    value = result["Fields"][FIELD]["Value"]
                    assert value == f"{made.ocr}.{made.model}.{made.postprocess}"

    @invariant()
    def what_is_superseded_is_named_and_still_there(self) -> None:
        processed: dict[str, list[dict[str, Any]]] = {}
        for kind, detail in self.events.published:
            if kind == "DocumentProcessed":
                processed.setdefault(detail["DocumentId"], []).append(dict(detail))
        for details in processed.values():
            assert "Supersedes" not in details[0]
            for earlier, later in pairwise(details):
                assert later["Supersedes"]["Attempt"] == earlier["Attempt"]
                assert later["Supersedes"]["Result"] == earlier["Result"] != later["Result"]

    def teardown(self) -> None:
        """Left alone, with people who answer, everything ends and nothing is held."""
        for _ in range(60):
            self.recover()
            self.dispatch()
            for _ in range(8):
                for pick in range(len(self.executions)):
                    if self.executions:
                        self.go_on(pick, steps=6, doubtful=False)
            for number in range(len(self.reviews.rows)):
                self.answer(number, rejects=1)
            if any(self.reviews.rows[name].state == "EXPIRED" for _, name in self.reviews.pointers):
                self.nobody_answers("fail", writes=True)  # the next round, after one that was cut off
            if all(row.status in ENDED for row in self.documents.rows.values()):
                break
        assert all(row.status in ENDED for row in self.documents.rows.values()), self.documents.rows
        self.clock.pass_time(minutes=5)
        self.recover()
        assert self.slots.held == {}


TestAnyOrder = Documents.TestCase
TestAnyOrder.settings = settings(
    max_examples=80, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
