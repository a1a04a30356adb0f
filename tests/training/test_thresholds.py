"""Thresholds for a share of right values: what they keep, what they cost, and when they cannot be told."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recto_training.evaluation.fields import DocumentScore, FieldScore, Judged
from recto_training.evaluation.thresholds import (
    FEWEST,
    FEWEST_ACCEPTED,
    NOTHING_ACCEPTED,
    Candidate,
    candidates_by_field,
    choose,
    enough_for,
    passing_documents,
    threshold_at,
    whole_documents,
    wilson,
)


def honest(count: int, seed: int = 1) -> list[Candidate]:
    """Values that are right as often as their confidence says, four to a document."""
    draw = random.Random(seed)
    said = [draw.uniform(0.4, 1.0) for _ in range(count)]
    return [Candidate(f"d{n // 4}", one, draw.random() < one) for n, one in enumerate(said)]


def scored(name: str, **fields: list[tuple[float, bool]]) -> DocumentScore:
    found = {}
    for field, values in fields.items():
        judged = tuple(Judged(field, confidence, right) for confidence, right in values)
        hits = sum(one.is_right for one in judged)
        found[field] = FieldScore(judged, ("x",), hits, len(judged), 1)
    return DocumentScore(name, found)


def test_a_threshold_keeps_its_target_on_values_that_it_was_not_chosen_on() -> None:
    chosen_on, later = honest(4000), honest(4000, seed=2)

    threshold = threshold_at(chosen_on, 0.9)
    accepted = [one.is_right for one in later if one.confidence >= threshold]

    assert len(accepted) > 1000
    assert sum(accepted) / len(accepted) == pytest.approx(0.9, abs=0.02)


@given(st.integers(0, 400), st.sampled_from([0.9, 0.95, 0.99]), st.integers(0, 5))
def test_what_is_accepted_is_surer_than_not_and_no_handful_whatever_the_values(
    count: int, target: float, seed: int
) -> None:
    candidates = honest(count, seed)

    threshold = threshold_at(candidates, target)
    accepted = [one for one in candidates if one.confidence >= threshold]

    assert not accepted or len(accepted) >= FEWEST_ACCEPTED
    assert all(one.confidence >= 0.5 for one in accepted)


def test_with_many_values_what_was_seen_decides_not_what_was_promised() -> None:
    boastful = [Candidate(f"{n}", 0.99, n % 10 > 0) for n in range(8000)]

    assert threshold_at(boastful, 0.95) == NOTHING_ACCEPTED
    assert threshold_at(boastful, 0.85) == 0.99


def test_a_confidence_that_promises_less_than_the_target_is_not_accepted_by_luck() -> None:
    lucky = [Candidate(f"{n}", 0.8, True) for n in range(100)]

    assert threshold_at(lucky, 0.95) == NOTHING_ACCEPTED


def test_too_few_values_are_all_looked_at_and_it_is_said_why() -> None:
    choice = choose("total", honest(FEWEST - 1), 0.95)

    assert choice.threshold == NOTHING_ACCEPTED
    assert (choice.num_accepted, choice.right) == (0, None)
    assert choice.reviewed == (1.0, 0.0, 1.0)
    assert choice.advice == f"too few: 29 values, at least {FEWEST} are needed to choose a threshold at all"


def test_a_target_that_few_values_cannot_show_is_said_to_be_unshown() -> None:
    sure = [Candidate(f"d{n}", 0.995, True) for n in range(40)]

    choice = choose("total", sure, 0.99)

    assert choice.num_accepted == 40
    assert choice.advice.startswith("not shown: of 40 accepted as few as 91.2% may be right; about 299")


def test_many_right_values_show_what_was_asked() -> None:
    choice = choose("total", [Candidate(f"d{n}", 0.999, True) for n in range(600)], 0.99)

    assert choice.advice == ""
    assert choice.reviewed.share == 0.0


def test_the_margin_of_the_share_looked_at_narrows_with_more_documents() -> None:
    few, many = choose("f", honest(200), 0.9).reviewed, choose("f", honest(4000), 0.9).reviewed

    assert few.low <= few.share <= few.high
    assert many.high - many.low < 0.8 * (few.high - few.low)


def test_wilsons_interval_is_the_published_one() -> None:
    # Newcombe, Statistics in Medicine 17 (1998), table I: 81 of 263
    share, low, high = wilson(81, 263)

    assert (share, low, high) == pytest.approx((0.3080, 0.2553, 0.3662), abs=5e-5)


def test_three_hundred_right_values_show_99_in_100() -> None:
    assert enough_for(0.99) == 299
    assert 0.99**299 < 0.05 < 0.99**298


def test_values_are_candidates_of_their_field() -> None:
    scores = [
        scored("a", date=[(0.9, True)], total=[]),
        scored("b", date=[(0.7, False)], total=[(0.6, True)]),
    ]

    assert candidates_by_field(scores) == {
        "date": [Candidate("a", 0.9, True), Candidate("b", 0.7, False)],
        "total": [Candidate("b", 0.6, True)],
    }


def test_a_document_is_as_sure_as_its_least_sure_value_and_right_when_all_are() -> None:
    scores = [
        scored("a", date=[(0.9, True)], total=[(0.8, True)]),
        scored("b", date=[(0.9, True)], total=[(0.95, False)]),
        scored("c", date=[(0.9, True)], total=[]),
    ]

    assert whole_documents(scores, ["date"]) == [
        Candidate("a", 0.8, True), Candidate("b", 0.9, False), Candidate("c", 0.9, False),
    ]  # fmt: skip
    assert whole_documents(scores, ["date", "total"])[2] == Candidate("c", 0.0, False)


def test_a_document_passes_when_each_value_reaches_its_fields_threshold_and_none_is_missing() -> None:
    scores = [
        scored("a", date=[(0.9, True)], total=[(0.8, True)]),
        scored("b", date=[(0.6, True)], total=[(0.95, True)]),
        scored("c", date=[(0.9, True)], total=[]),
    ]

    passed = passing_documents(scores, {"date": 0.7, "total": 0.8}, ["date", "total"])

    assert [(score.id, passes) for score, passes in passed] == [("a", True), ("b", False), ("c", False)]
