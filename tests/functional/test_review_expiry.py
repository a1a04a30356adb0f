"""Reviews that nobody answers, and answers that come too late: nothing is lost, nothing is stuck."""

import json
from datetime import timedelta
from typing import Any

import pytest

from recto.errors import ConfigurationError, ThrottledError
from recto.messages import Status
from recto.places import Location
from recto.steps.review_expiry import expire_loop
from tests.review_rig import DOCUMENT, RELEASE, REVIEWS, WORK, ReviewRig

CORRECTED = {"field-present-Provider Name": True, "field-value-Provider Name": "ACME National Bank"}
AFTER = {"days": 10, "minutes": 11}


def fields_of(rig: ReviewRig) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(rig.objects.read(rig.places.reviewed_fields))
    return found


def test_a_review_starts_a_loop_at_the_workbench_and_the_same_again_starts_nothing_new() -> None:
    rig = ReviewRig()

    assert rig.open("token-1") == rig.open("token-2") == "r1"

    ((flow, name, content),) = rig.bench.started
    assert (flow, name) == ("workbench", "recto-r1")
    assert content["FieldConfiguration"][0]["Name"] == "Provider Name"
    assert content["Document"]["Release"] == RELEASE
    assert "token" not in json.dumps(content)
    assert (rig.review().loop_name, rig.review().task_token) == ("recto-r1", "token-2")
    assert rig.a2i.started == []


def test_nothing_is_done_before_the_time_is_over_and_the_answer_may_be_on_its_way() -> None:
    rig = ReviewRig()
    rig.open()

    rig.clock.pass_time(days=10, minutes=9)

    assert rig.expire("fail") == []
    assert rig.hand_in("r1", CORRECTED).outcome == "taken"


def test_accept_lets_the_models_values_go_on_marked_as_not_reviewed() -> None:
    rig = ReviewRig()
    rig.open()
    rig.clock.pass_time(**AFTER)

    (expired,) = rig.expire("accept")

    assert expired.outcome == "accept"
    assert rig.workflow.succeeded == [("token-1", {"ReviewId": "r1"})]
    rig.publish()
    assert (rig.result["Reviewed"], rig.result["ReviewStatus"]) == (False, "not_reviewed")
    assert rig.result["Fields"]["Provider Name"]["Value"] == "ACME Bank"
    ((kind, event),) = rig.events.published
    assert (kind, event["Reviewed"], event["ReviewStatus"]) == ("DocumentProcessed", False, "not_reviewed")
    assert "nobody answered review r1" in event["ReviewStatusReason"]
    cause = rig.told[0]["Cause"]
    assert rig.told == [{"LoopName": "recto-r1", "Outcome": "expired", "Cause": cause, "Answer": ""}]
    assert rig.reviews.pointers == set()


def test_fail_ends_the_document_by_name() -> None:
    rig = ReviewRig()
    rig.open()
    rig.clock.pass_time(**AFTER)

    rig.expire("fail")

    ((token, error, cause),) = rig.workflow.failed
    assert (token, error) == ("token-1", "ReviewExpiredError")
    assert "document d1: nobody answered review r1 until 2026-12-01" in cause
    assert rig.history("REVIEW_EXPIRED")[0]["error"] == "ReviewExpiredError"
    assert rig.expire("fail") == []


def test_escalate_offers_it_once_more_then_fails() -> None:
    rig = ReviewRig()
    rig.open()
    rig.clock.pass_time(**AFTER)

    assert [one.outcome for one in rig.expire("escalate")] == ["escalate"]

    assert rig.workflow.failed == []
    assert rig.told == [{"LoopName": "recto-r1", "Expires": rig.told[0]["Expires"]}]
    assert [kind for kind, _ in rig.events.published] == ["ReviewEscalated"]
    assert timedelta(days=9.9) < rig.review().expires - rig.clock.now < timedelta(days=10)
    assert rig.expire("escalate") == []
    rig.clock.pass_time(**AFTER)
    assert [one.outcome for one in rig.expire("escalate")] == ["fail"]
    assert rig.workflow.failed[0][1] == "ReviewExpiredError"


def test_an_escalated_review_is_answered_like_any_other() -> None:
    rig = ReviewRig()
    rig.open()
    rig.clock.pass_time(**AFTER)
    rig.expire("escalate")

    assert rig.hand_in("r1", CORRECTED).outcome == "taken"
    rig.clock.pass_time(**AFTER)
    assert [one.outcome for one in rig.expire("escalate")] == ["closed"]
    assert rig.workflow.failed == []


def test_a_review_is_not_escalated_beyond_the_state_machines_patience() -> None:
    rig = ReviewRig()
    rig.open()
    rig.clock.pass_time(**AFTER)

    (expired,) = rig.expire("escalate", timeout=timedelta(days=11))

    assert expired.outcome == "fail"
    assert "ReviewTimeoutSeconds leaves no time" in expired.cause


def test_a_state_machine_without_the_patience_for_reviews_is_told_before_anybody_is_asked() -> None:
    rig = ReviewRig()

    with pytest.raises(ConfigurationError, match="ReviewTimeoutSeconds is 864000; expected more than"):
        rig.open(timeout=timedelta(days=10))

    assert rig.bench.started == []


def test_an_expired_review_of_amazon_a2i_is_asked_again_under_another_name() -> None:
    rig = ReviewRig()
    rig.parameters.values["/recto/config/HumanReviewFlowArn"] = "arn:flow"
    rig.open()
    rig.clock.pass_time(**AFTER)

    rig.expire("escalate")

    assert [name for _, name, _ in rig.a2i.started] == ["recto-r1", "recto-r1-again"]
    assert rig.a2i.stopped == ["recto-r1"]
    assert (rig.review().loop_name, rig.told) == ("recto-r1-again", [])
    place = Location(bucket=REVIEWS, key="reviews/flow/2026/12/01/recto-r1-again/output.json")
    rig.objects.write(place, b"{")
    assert rig.take(place).outcome == "failed"  # found by its key although it is truncated


def test_a_loop_that_amazon_a2i_has_given_up_is_over_at_once() -> None:
    rig = ReviewRig()
    rig.parameters.values["/recto/config/HumanReviewFlowArn"] = "arn:flow"
    rig.open()

    assert expire_loop("recto-of-somebody-else", rig.expiry("fail")) is None
    expired = expire_loop("recto-r1", rig.expiry("fail"))

    assert expired
    assert expired.outcome == "fail"
    assert rig.workflow.failed[0][1] == "ReviewExpiredError"
    assert rig.reviews.pointers == set()


def test_an_expiry_that_was_cut_off_before_the_call_back_is_finished_by_the_next_round() -> None:
    class CutOff:
        def succeed(self, token: str, output: object) -> bool:
            raise ThrottledError("SendTaskSuccess: slow down")

    rig = ReviewRig()
    rig.open()
    rig.clock.pass_time(**AFTER)

    (first,) = rig.expire("accept", workflow=CutOff())
    (second,) = rig.expire("accept")

    assert (first.outcome, first.cause) == ("error", "ThrottledError: SendTaskSuccess: slow down")
    assert second.outcome == "accept"
    assert len(rig.workflow.succeeded) == 1
    assert rig.expire("accept") == []


def test_one_review_that_cannot_be_dealt_with_stops_no_other() -> None:
    rig = ReviewRig()
    rig.open()
    rig.reviews.add(rig.review().model_copy(update={"review_id": "r0", "document_id": "gone"}))
    rig.clock.pass_time(**AFTER)

    outcomes = {one.review_id: one.outcome for one in rig.expire("fail")}

    assert outcomes == {"r0": "withdrawn", "r1": "fail"}


@pytest.mark.parametrize(("rule", "ends_as"), [("accept", "succeeded"), ("fail", "failed")])
def test_an_execution_that_asks_again_after_the_expiry_is_told_the_same(rule: Any, ends_as: str) -> None:
    """Its own was stopped when the time ran out."""
    rig = ReviewRig()
    rig.open("token-1")
    rig.clock.pass_time(**AFTER)
    rig.workflow.failed.append(("token-1", "States.ServiceRestart", ""))
    rig.expire(rule)

    rig.open("token-2")

    assert [told[0] for told in getattr(rig.workflow, ends_as)][-1] == "token-2"


# --- answers that come at a bad time -----------------------------------------------------------------


def test_an_answer_after_the_expiry_is_kept_named_and_changes_nothing() -> None:
    rig = ReviewRig()
    rig.open()
    rig.clock.pass_time(**AFTER)
    rig.expire("accept")

    answered = rig.hand_in("r1", CORRECTED)

    assert answered.outcome == "late"
    (noted,) = rig.history("ANSWER_NOT_TAKEN")
    assert noted["error"] == "ReviewExpiredError"
    assert "then the model's values went on" in noted["cause"]
    assert noted["answer"] in rig.objects.bodies
    assert fields_of(rig)["Fields"]["Provider Name"]["Value"] == "ACME Bank"
    assert rig.told[-1]["Outcome"] == "late"


def test_an_answer_after_the_execution_was_stopped_is_named_and_counts_when_it_runs_again() -> None:
    rig = ReviewRig()
    rig.open("token-1")
    rig.workflow.failed.append(("token-1", "Aborted", "by hand"))

    answered = rig.hand_in("r1", CORRECTED)
    rig.open("token-2")

    assert answered.outcome == "late"
    (noted,) = rig.history("ANSWER_NOT_TAKEN")
    assert "was stopped; the answer is kept and counts once the document runs again" in noted["cause"]
    assert [token for token, _ in rig.workflow.succeeded] == ["token-2"]
    assert fields_of(rig)["Fields"]["Provider Name"]["Value"] == "ACME National Bank"


def test_a_second_answer_is_named_and_told_to_the_desk() -> None:
    rig = ReviewRig()
    rig.open()
    rig.hand_in("r1", CORRECTED)

    second = rig.hand_in("r1", {**CORRECTED, "field-value-Provider Name": "Other"}, name="two")

    assert second.outcome == "ignored"
    assert [news["Outcome"] for news in rig.told] == ["taken", "ignored"]
    assert "was answered before" in rig.history("ANSWER_NOT_TAKEN")[0]["cause"]


def test_a_refused_answer_is_told_to_the_desk_and_the_review_waits_on() -> None:
    rig = ReviewRig()
    rig.open()

    rig.hand_in("r1", {"field-value-Unknown": "x"})

    assert (rig.told[0]["Outcome"], rig.review().state) == ("refused", "OPEN")
    assert rig.told[0]["Cause"].startswith("ReviewFailedError: ")
    assert rig.told[0]["Answer"] == rig.history("ANSWER_NOT_TAKEN")[0]["answer"]
    assert rig.hand_in("r1", CORRECTED).outcome == "taken"


def test_a_refusal_fits_into_rows_and_messages_whatever_was_posted() -> None:
    rig = ReviewRig()
    rig.open()

    rig.hand_in("r1", {f"field-value-{'x' * 500_000}": "x"})

    assert (rig.told[0]["Outcome"], rig.review().state) == ("refused", "OPEN")
    assert 0 < len(rig.review().refusal) <= 2_000
    assert len(rig.told[0]["Cause"]) < 2_100
    assert len(rig.history("ANSWER_NOT_TAKEN")[0]["cause"]) <= 2_000


@pytest.mark.parametrize("gone", ["fields", "release"])
def test_an_answer_whose_document_has_lost_its_fields_or_release_ends_the_execution_by_name(
    gone: str,
) -> None:
    rig = ReviewRig()
    rig.open()
    place = rig.places.fields if gone == "fields" else Location(bucket=WORK, key=f"{RELEASE}/fields.json")
    del rig.objects.bodies[place.uri]

    answered = rig.hand_in("r1", CORRECTED)

    name = "DocumentMissingError" if gone == "fields" else "ReleaseError"
    assert answered.outcome == "failed"
    assert [(token, error) for token, error, _ in rig.workflow.failed] == [("token-1", name)]
    assert rig.history("ANSWER_NOT_TAKEN")[0]["error"] == name
    assert rig.told[-1]["Outcome"] == "failed"


def test_an_answer_whose_document_is_not_in_the_table_any_more_leaves_nothing_waiting() -> None:
    rig = ReviewRig()
    rig.open()
    del rig.documents.rows[DOCUMENT]

    answered = rig.hand_in("r1", CORRECTED)

    assert answered.outcome == "failed"
    assert [(token, error) for token, error, _ in rig.workflow.failed] == [
        ("token-1", "DocumentMissingError")
    ]


def test_a_document_that_is_not_in_the_table_any_more_leaves_nothing_waiting_when_its_time_is_over() -> None:
    rig = ReviewRig()
    rig.open()
    del rig.documents.rows[DOCUMENT]
    rig.clock.pass_time(**AFTER)

    (expired,) = rig.expire("escalate")

    assert (expired.outcome, rig.review().state) == ("withdrawn", "WITHDRAWN")
    assert [(token, error) for token, error, _ in rig.workflow.failed] == [
        ("token-1", "DocumentMissingError")
    ]
    assert rig.told[-1]["Outcome"] == "withdrawn"


def test_a_document_removed_from_the_inbox_can_be_reviewed_all_the_same() -> None:
    rig = ReviewRig()  # its inbox never had it

    rig.open()

    assert rig.bench.started[0][2]["Document"]["Kind"] == "images"
    assert rig.hand_in("r1", CORRECTED).outcome == "taken"


def test_a_changed_field_configuration_does_not_touch_a_review_that_is_open() -> None:
    """The document is pinned to its release: the answer is judged by what the reviewer saw."""
    rig = ReviewRig()
    rig.open()
    rig.objects.write(Location(bucket=WORK, key="releases/two/fields.json"), b"[]")
    rig.parameters.values["/recto/config/Release"] = "releases/two"
    rig.parameters.values["/recto/config/EntityConfiguration"] = '[{"ClassId": 0, "Name": "Other"}]'

    answered = rig.hand_in("r1", {**CORRECTED, "field-value-Date": "2020-01-02"})

    assert answered.outcome == "taken"
    assert fields_of(rig)["Fields"]["Date"]["NormalizedValue"] == "2020-01-02"


def test_the_row_waits_for_its_review_all_the_time() -> None:
    rig = ReviewRig()
    rig.open()

    assert (rig.row.status, rig.row.review_id) == (Status.IN_REVIEW, "r1")
