"""Reviews over memory: a document that runs, both desks, and everything that the review's steps tell."""

import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from recto.messages import AuditRequest, PublishRequest, ReviewRequest, Status
from recto.places import DocumentPlaces, Location
from recto.ports import DocumentRow, ReviewRow
from recto.steps.audit import AuditCallback, AuditTrigger, open_audit
from recto.steps.desks import Desks
from recto.steps.publish import Publish, publish
from recto.steps.review import Answered, ReviewCallback, ReviewTrigger, open_review, take_answer
from recto.steps.review_expiry import Expired, ReviewExpiry, Rule, expire_reviews
from tests.fakes import FakeClock, FakeDesk, FakeEvents, FakeLoops, FakeParameters, FakeWorkflow
from tests.functional.test_review_steps import FLOW, FOUND, RELEASE, write_release
from tests.memory import MemoryAudits, MemoryDocuments, MemoryObjects, MemoryReviews

WORK, REVIEWS, DOCUMENT = "work", "reviews", "d1"
ON_OFFER = timedelta(days=10)


@dataclass
class ReviewRig:
    """One document, `d1`, from the moment its fields are there."""

    objects: MemoryObjects = field(default_factory=MemoryObjects)
    documents: MemoryDocuments = field(default_factory=MemoryDocuments)
    reviews: MemoryReviews = field(default_factory=MemoryReviews)
    audits: MemoryAudits = field(default_factory=MemoryAudits)
    workflow: FakeWorkflow = field(default_factory=FakeWorkflow)
    bench: FakeLoops = field(default_factory=FakeLoops)
    a2i: FakeLoops = field(default_factory=FakeLoops)
    desk: FakeDesk = field(default_factory=FakeDesk)
    events: FakeEvents = field(default_factory=FakeEvents)
    clock: FakeClock = field(default_factory=FakeClock)
    parameters: FakeParameters = field(default_factory=lambda: FakeParameters({FLOW: "workbench"}))
    found: dict[str, Any] = field(default_factory=lambda: json.loads(json.dumps(FOUND)))
    number: int = 0

    def __post_init__(self) -> None:
        write_release(self.objects)  # type: ignore[arg-type]
        now = self.clock()
        row = DocumentRow(
            document_id=DOCUMENT, status=Status.RUNNING, bucket="inbox", key="in/a.pdf", received=now,
            updated=now, release=RELEASE,
        )  # fmt: skip
        self.documents.add(row)
        self.objects.write(self.places.fields, json.dumps(self.found).encode())

    @property
    def places(self) -> DocumentPlaces:
        return DocumentPlaces(WORK, DOCUMENT)

    @property
    def row(self) -> DocumentRow:
        return self.documents.rows[DOCUMENT]

    def review(self, review: str = "r1") -> ReviewRow:
        return self.reviews.rows[review]

    def history(self, what: str) -> list[dict[str, Any]]:
        return [dict(notes) for _, said, notes in self.documents.entries if said == what]

    @property
    def told(self) -> list[dict[str, Any]]:
        """What the desk heard."""
        return [news.dump() for news in self.desk.told]

    def open(self, token: str = "token-1", **changes: Any) -> str:  # noqa: S107
        self.number += 1
        trigger = ReviewTrigger(
            self.objects, self.documents, self.reviews, self.workflow, Desks(self.bench, self.a2i),
            self.parameters, self.clock, lambda: f"r{self.number}", WORK, FLOW, ON_OFFER,
        )._replace(**changes)  # fmt: skip
        return open_review(ReviewRequest(document=self.row.ref(), task_token=token), trigger)

    def take(self, place: Location) -> Answered:
        audits = AuditCallback(
            self.objects, self.documents, self.reviews, self.audits, self.events, self.clock, WORK, 500, 0.001
        )
        callback = ReviewCallback(
            self.objects, self.documents, self.reviews, self.workflow, WORK, self.clock, self.desk, audits
        )
        return take_answer(place, callback)

    def hand_in(self, review: str, content: dict[str, Any], name: str = "one") -> Answered:
        """As either desk does."""
        place = Location(bucket=REVIEWS, key=f"reviews/{name}/recto-{review}/output.json")
        human = [{"workerId": "w", "answerContent": content}]
        output = {"inputContent": {"ReviewId": review}, "humanAnswers": human}
        self.objects.write(place, json.dumps(output).encode())
        return self.take(place)

    def expire(self, rule: Rule, **changes: Any) -> list[Expired]:
        return expire_reviews(self.expiry(rule, **changes))

    def expiry(self, rule: Rule, **changes: Any) -> ReviewExpiry:
        return ReviewExpiry(
            self.objects, self.documents, self.reviews, self.workflow, self.a2i, self.desk, self.events,
            self.clock, WORK, rule, ON_OFFER, timedelta(minutes=10), timedelta(days=21),
        )._replace(**changes)  # fmt: skip

    def publish(self, share: float = 0.0) -> bool:
        """Whether the document was drawn to be audited."""
        step = Publish(self.objects, self.documents, self.events, self.clock, WORK, share)
        return publish(PublishRequest(document=self.row.ref()), step).audit

    def audit(self) -> str:
        step = AuditTrigger(
            self.objects, self.documents, self.reviews, Desks(self.bench, self.a2i), self.parameters,
            self.clock, WORK, FLOW, ON_OFFER,
        )  # fmt: skip
        return open_audit(AuditRequest(document=self.row.ref()).document, step)

    @property
    def result(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.objects.read(self.places.result))
        return found
