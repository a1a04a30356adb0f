"""Audits of documents that went straight through: blind, after they were published, and changing nothing."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from recto.audit import audit_id
from recto.aws.dynamodb import AuditRows, ReviewRows, Table
from recto.messages import Status
from recto.ports import AuditRow, ReviewRow
from recto.steps.audit import latest_values
from tests.review_rig import ReviewRig

RIGHT = {"field-value-Provider Name": "ACME Bank", "field-multival-0-Card Name": "Gold"}
WRONG = {**RIGHT, "field-value-Provider Name": "ACME Bancorp"}


def audited() -> tuple[ReviewRig, str]:
    """A published document, and the audit that was opened of it."""
    rig = ReviewRig()
    rig.found["ReviewReasons"] = []
    rig.objects.write(rig.places.fields, json.dumps(rig.found).encode())
    assert rig.publish(share=1.0)
    return rig, rig.audit()


def test_only_what_went_straight_through_is_drawn() -> None:
    rig = ReviewRig()
    rig.found["ReviewReasons"] = [{"Code": "nothing_found", "Message": "look"}]
    rig.objects.write(rig.places.fields, json.dumps(rig.found).encode())

    assert not rig.publish(share=1.0)


def test_a_reviewed_document_is_not_audited() -> None:
    rig = ReviewRig()
    rig.open()
    rig.hand_in("r1", RIGHT)

    assert not rig.publish(share=1.0)


def test_the_auditor_sees_nothing_of_what_was_found() -> None:
    rig, audit = audited()

    ((_, name, content),) = rig.bench.started
    assert name == f"recto-{audit}"
    assert content["Audit"] is True
    seen = json.dumps(content["ModelResult"])
    assert "ACME" not in seen
    assert "0.9" not in seen
    assert "ReviewReasons" not in seen
    assert "Thresholds" not in content
    assert [field["Name"] for field in content["FieldConfiguration"]] == [
        "Provider Name", "Card Name", "Date",
    ]  # fmt: skip
    assert rig.row.status is Status.PROCESSED


def test_asking_for_the_same_audit_twice_opens_one() -> None:
    rig, audit = audited()

    assert rig.audit() == audit == audit_id("d1", 1)
    assert len(rig.bench.started) == len(rig.reviews.rows) == 1


def test_a_document_that_has_moved_on_is_not_audited() -> None:
    rig = ReviewRig()  # runs

    assert rig.audit() == ""
    assert rig.bench.started == []


def test_what_an_audit_finds_wrong_is_counted_and_told_and_changes_nothing() -> None:
    rig, audit = audited()
    before = dict(rig.result)

    answered = rig.hand_in(audit, WRONG)

    assert answered.outcome == "audited"
    assert answered.audit
    assert (answered.audit.num_values, answered.audit.errors) == (2, 1)
    assert rig.audits.rows[audit].values == (("Provider Name", 0.4, False), ("Card Name", 0.9, True))
    kind, event = rig.events.published[-1]
    assert (kind, event["WrongFields"], event["NumErrors"]) == ("AuditCompleted", ["Provider Name"], 1)
    assert "Bancorp" not in json.dumps(event)
    assert (rig.result, rig.row.status) == (before, Status.PROCESSED)
    assert rig.history("AUDIT_COMPLETED")[0]["errors"] == "1"
    assert rig.told[-1]["Outcome"] == "audited"
    assert (rig.workflow.succeeded, rig.workflow.failed) == ([], [])


def test_an_audits_answer_that_comes_twice_is_counted_once_and_another_is_not() -> None:
    rig, audit = audited()
    rig.hand_in(audit, RIGHT)

    again = rig.hand_in(audit, RIGHT)
    other = rig.hand_in(audit, WRONG, name="two")

    assert again.audit
    assert not again.audit.is_new
    assert other.outcome == "ignored"
    assert len(rig.audits.rows) == 1


def test_an_answer_about_nothing_leaves_the_audit_open() -> None:
    rig, audit = audited()

    assert rig.hand_in(audit, {"field-value-Unknown": "x"}).outcome == "refused"
    assert rig.review(audit).state == "OPEN"


def test_an_audit_of_which_the_result_is_gone_is_named() -> None:
    rig, audit = audited()
    del rig.objects.bodies[rig.places.result.uri]

    answered = rig.hand_in(audit, RIGHT)

    assert answered.outcome == "failed"
    assert rig.history("ANSWER_NOT_TAKEN")[0]["error"] == "DocumentMissingError"


def test_an_audit_that_nobody_answers_ends_without_a_word_to_the_document() -> None:
    rig, audit = audited()
    rig.clock.pass_time(days=10, minutes=11)

    (expired,) = rig.expire("fail")

    assert expired.outcome == "audit"
    assert rig.row.status is Status.PROCESSED
    assert rig.workflow.failed == []
    assert rig.hand_in(audit, RIGHT).outcome == "late"


def test_a_document_turned_down_in_its_audit_is_told() -> None:
    rig, audit = audited()

    rig.hand_in(audit, {"document-rejected": True, "document-rejected-why": "a menu"})

    assert rig.events.published[-1][1]["Rejected"] == "turned down by w: a menu"
    assert rig.row.status is Status.PROCESSED


# --- the table ---------------------------------------------------------------------------------------


def at(minute: int) -> datetime:
    return datetime(2026, 11, 21, 9, minute, tzinfo=UTC)


@pytest.fixture
def audits(table: Table) -> AuditRows:
    return AuditRows(table)


def test_the_table_has_audits_newest_first_each_once(audits: AuditRows) -> None:
    def row(minute: int, **changes: Any) -> AuditRow:
        values = (("A", 0.9, True), ("B", 0.75, minute != 2))
        return AuditRow(
            audit_id=f"a{minute}",
            document_id="d",
            opened=at(minute),
            completed=at(59),
            values=values,
            **changes,
        )

    assert all(audits.add(row(minute, missed={"A": 2})) for minute in (1, 2, 3))
    assert not audits.add(row(2))

    assert [one.audit_id for one in audits.latest(2)] == ["a3", "a2"]
    assert audits.latest(9)[2] == row(1, missed={"A": 2})
    assert [value.is_right for value in latest_values(audits, 4)] == [True, True, True, False]


def test_the_table_tells_what_is_due_and_forgets_it(reviews: ReviewRows) -> None:
    def row(minute: int) -> ReviewRow:
        return ReviewRow(
            review_id=f"r{minute}", document_id="d", task_token="secret", created=at(0), expires=at(minute)
        )

    assert all(reviews.add(row(minute)) for minute in (5, 3, 9))
    assert reviews.due(at(6), 10) == ["r3", "r5"]

    assert reviews.escalate(row(3), at(20), "recto-r3-again")
    assert not reviews.escalate(row(3), at(20), "recto-r3-again"), "it has been moved already"
    reviews.clear_due(row(5))

    assert reviews.due(at(30), 10) == ["r9", "r3"]
    found = reviews.find("r3")
    assert found
    assert (found.expires, found.escalated, found.loop_name) == (at(20), True, "recto-r3-again")
    assert reviews.expire("r9", "fail")
    assert not reviews.expire("r9", "fail")
    assert not reviews.answer("r9", "s3://late")
    gone = reviews.find("r9")
    assert gone
    assert (gone.state, gone.rule) == ("EXPIRED", "fail")


def test_what_is_due_holds_no_task_token(reviews: ReviewRows, table: Table) -> None:
    reviews.add(ReviewRow(review_id="r", document_id="d", task_token="secret", created=at(0), expires=at(1)))

    items = table.query(
        9, KeyConditionExpression="pk = :pk", ExpressionAttributeValues=table.pack({":pk": "DUE#reviews"})
    )

    assert [set(item) for item in items] == [{"pk", "sk"}]
