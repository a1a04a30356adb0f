"""Admission's arithmetic: rates that hold in every second, limits and their sources, shards, places."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recto.admission import (
    PER_SHARD,
    Place,
    Rate,
    ServiceLimits,
    ask_next,
    home_of,
    limits_in_use,
    limits_of_quotas,
    num_shards,
    pause_after,
    place_in_line,
    shard_limits,
    share_of,
    turn_of,
)

NOW = datetime(2026, 11, 22, tzinfo=UTC)


@given(
    st.floats(0.5, 50),
    st.integers(1, 10),
    st.lists(st.floats(0, 2), min_size=1, max_size=60),
)
def test_a_rate_holds_in_every_second_but_for_its_burst(
    per_second: float, burst: int, gaps: list[float]
) -> None:
    rate, now, free = Rate(per_second, burst), 1000.0, None
    made = []
    for gap in gaps:
        now += gap
        turn = turn_of(free, now, rate)
        made.append(turn.at)
        free, now = turn.following, max(now, turn.at)

    assert made == sorted(made)
    for begin in made:
        inside = sum(begin <= at < begin + 1 - 1e-6 for at in made)
        assert inside <= per_second + burst


def test_a_rest_saves_no_more_than_a_burst() -> None:
    rate, free, at = Rate(2, burst=3), None, []
    for _ in range(5):
        turn = turn_of(free, 100.0, rate)
        free = turn.following
        at.append(turn.at)

    assert at == [100.0, 100.0, 100.0, 100.5, 101.0]


def test_pauses_double_up_to_half_a_minute() -> None:
    assert [pause_after(n).total_seconds() for n in (1, 2, 3, 4, 5, 6, 99)] == [1, 2, 4, 8, 16, 30, 30]


QUOTAS = [
    ("StartDocumentTextDetection throttle limit in transactions per second", 15.0),
    ("StartDocumentAnalysis throttle limit in transactions per second", 10.0),
    ("GetDocumentTextDetection throttle limit in transactions per second", 25.0),
    ("GetDocumentAnalysis throttle limit in transactions per second", 30.0),
    ("Async DocumentTextDetection throttle limit for max number of concurrent jobs", 600.0),
    ("Async DocumentAnalysis throttle limit for max number of concurrent jobs", 400.0),
    ("Async ExpenseAnalysis throttle limit for max number of concurrent jobs", 3.0),
    ("StartExpenseAnalysis throttle limit in transactions per second", 1.0),
    ("DetectDocumentText throttle limit in transactions per second", 2.0),
    ("AnalyzeDocument throttle limit in transactions per second", 1.0),
]


def test_of_text_detection_and_analysis_the_lower_quota_counts_and_no_other() -> None:
    found = limits_of_quotas(QUOTAS)

    assert found == ServiceLimits(concurrent_jobs=400, start_per_second=10, get_per_second=25)


def test_a_parameter_is_used_as_it_is_a_quota_and_a_default_to_90_percent() -> None:
    wanted = ServiceLimits(start_per_second=5)
    quotas = ServiceLimits(concurrent_jobs=100, start_per_second=50)

    limits = limits_in_use(wanted, quotas)

    assert (limits.concurrent_jobs, limits.start_per_second, limits.get_per_second) == (90, 5, 22.5)
    assert limits.source == "concurrent_jobs: quota, start_per_second: parameter, get_per_second: default"


def test_without_quotas_the_defaults_count() -> None:
    limits = limits_in_use(ServiceLimits(), limits_of_quotas([]))

    assert (limits.concurrent_jobs, limits.start_per_second, limits.get_per_second) == (540, 9, 22.5)


@given(st.integers(1, 5000))
def test_shards_share_a_limit_and_stay_small(limit: int) -> None:
    limits = shard_limits(limit)

    assert sum(limits) == limit
    assert len(limits) == num_shards(limit)
    assert 0 < min(limits) <= max(limits) <= min(PER_SHARD, min(limits) + 1)


def test_homes_are_spread() -> None:
    homes = [home_of(f"{n:032x}-1", 30) for n in range(3000)]

    assert set(homes) == set(range(30))
    assert max(map(homes.count, range(30))) < 150


@pytest.mark.parametrize(("share", "most"), [(0, 0), (0.8, 72), (1, 90), (0.001, 1)])
def test_the_share_of_backfill(share: float, most: int) -> None:
    assert share_of(90, share) == most


def test_a_line_is_live_first_and_then_by_time() -> None:
    early, late = NOW, NOW + timedelta(seconds=1)
    line = sorted(
        [
            place_in_line("backfill", early, "a"),
            place_in_line("live", late, "b"),
            place_in_line("live", early, "c"),
        ]
    )

    assert [Place(place).owner for place in line] == ["c", "b", "a"]
    assert Place(line[1]).since == late


def test_a_job_is_asked_about_less_and_less_often() -> None:
    at, asked = NOW, None
    minutes = []
    for asks in range(8):
        at = ask_next(NOW, asks, asked)
        minutes.append((at - (asked or NOW)).total_seconds() / 60)
        asked = at

    assert minutes == [2, 2, 4, 8, 16, 30, 30, 30]
