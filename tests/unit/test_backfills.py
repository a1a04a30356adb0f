"""What backfills are: who waits for what, how long it takes, what is nobody's document."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from recto.backfills import (
    BackfillRow,
    BackfillState,
    Counts,
    Guess,
    Rates,
    Surroundings,
    hours_of,
    is_done,
    left_of,
    pace_of,
    require_stoppable,
    state_again,
    total_of,
    waits_for,
    why_skipped,
)
from recto.errors import BackfillRefusedError

NOW = datetime(2026, 11, 21, 9, 5, tzinfo=UTC)


def row(state: BackfillState, *, listed: bool = False, reason: str = "") -> BackfillRow:
    return BackfillRow(
        backfill_id="b1", state=state, source="s3://a/b/", bucket="a", prefix="b/", started=NOW, updated=NOW,
        listed=listed, reason=reason, runs=2,
    )  # fmt: skip


def test_counts_fit_together() -> None:
    counts = Counts(taken=20, started=12, processed=7, failed=3, rejected=1, failed_at_intake=2)

    assert (counts.ended, counts.pending, counts.waiting, counts.running) == (11, 9, 6, 3)


def test_a_backfill_is_done_when_all_is_in_and_nothing_is_pending() -> None:
    ended, pending = Counts(taken=2, started=2, processed=2), Counts(taken=2, started=2, processed=1)

    assert is_done(row(BackfillState.RUNNING, listed=True), ended)
    assert not is_done(row(BackfillState.RUNNING, listed=True), pending)
    assert is_done(row(BackfillState.LISTING, listed=True), ended)
    assert not is_done(row(BackfillState.LISTING), ended)
    assert not is_done(row(BackfillState.PAUSED, listed=True), ended)
    assert not is_done(row(BackfillState.STOPPED, listed=True), ended)


def test_a_stopped_backfill_goes_on_where_it_was() -> None:
    assert state_again(row(BackfillState.STOPPED)) is BackfillState.LISTING
    assert state_again(row(BackfillState.PAUSED, listed=True)) is BackfillState.RUNNING


def test_what_has_ended_cannot_be_stopped() -> None:
    with pytest.raises(BackfillRefusedError, match="b1 is DONE"):
        require_stoppable(row(BackfillState.DONE))


@pytest.mark.parametrize(
    ("key", "size", "why"),
    [
        ("a/b.pdf", 10, ""),
        ("a/", 0, "folder marker"),
        ("a/", None, "folder marker"),
        ("a/", 10, ""),
        ("a/.hidden.pdf", 10, "hidden file"),
        (".git/a.pdf", 10, "hidden file"),
        ("a/~$b.pdf", 10, "hidden file"),
        ("a/Thumbs.db", 10, "hidden file"),
        ("__MACOSX/a.pdf", 10, "hidden file"),
        ("a/note.txt", 10, ""),
    ],
)
def test_markers_and_hidden_files_are_nobodys_documents(key: str, size: int | None, why: str) -> None:
    assert why_skipped(key, size) == why


def test_pages_are_exact_where_all_were_counted() -> None:
    assert total_of([1, 2, 3], 3) == Guess(6, 6, 6)
    assert total_of([5], 3) == Guess(15, 5, 15)
    assert total_of([], 3) == Guess(3, 3, 3)


def test_the_interval_holds_nine_times_out_of_ten() -> None:
    """Of 400 samples of 50 out of 2,000 documents with lengths as they are in archives: few long ones."""
    random = Random(5)
    lengths = [max(1, round(random.lognormvariate(1.4, 0.8))) for _ in range(2000)]
    guesses = [total_of(random.sample(lengths, 50), len(lengths)) for _ in range(400)]

    held = sum(guess.low <= sum(lengths) <= guess.high for guess in guesses) / len(guesses)

    assert 0.84 <= held <= 0.94


def test_hours_come_from_the_slowest_bottleneck() -> None:
    rates = Rates(slots=72, textract_jobs=540, textract_starts=9, textract_gets=22.5)

    hours, slowest = hours_of(20_000, Guess(20_000, 20_000, 20_000), rates)
    slow, limit = hours_of(
        20_000, Guess(20_000, 20_000, 40_000), rates.model_copy(update={"textract_starts": 0.5})
    )

    assert slowest == "documents"
    assert hours.value == pytest.approx(20_000 * (4 + 0.5 + 8 + 0.6) / 72 / 3600)
    assert (limit, slow.value) == ("textract-start", pytest.approx(20_000 / 0.5 / 3600))
    assert slow.high >= slow.value


def test_speed_is_that_of_the_last_hour() -> None:
    ended = {NOW - timedelta(minutes=m): 10 for m in (5, 15, 25, 300)}

    assert pace_of(ended, NOW - timedelta(hours=9), NOW) == pytest.approx(30)
    assert pace_of({NOW.replace(minute=0): 6}, NOW - timedelta(minutes=2), NOW) == pytest.approx(180)
    assert pace_of({}, NOW - timedelta(hours=9), NOW) == 0
    assert left_of(Counts(taken=90), 30) == timedelta(hours=3)
    assert left_of(Counts(taken=90), 0) is None


@pytest.mark.parametrize(
    ("state", "reason", "seen", "told"),
    [
        (BackfillState.STOPPED, "stopped by ann", Surroundings(), "stopped by ann"),
        (BackfillState.PAUSED, "", Surroundings(), "paused"),
        (BackfillState.RUNNING, "", Surroundings(live_waiting=2), "live documents that wait (2)"),
        (BackfillState.RUNNING, "", Surroundings(0, 3, 3), "slots (3 taken, 3 for backfills)"),
        (
            BackfillState.RUNNING,
            "",
            Surroundings(0, 1, 3),
            "its turn: documents start with the next slot or minute",
        ),
    ],
)
def test_what_a_backfill_waits_for(state: BackfillState, reason: str, seen: Surroundings, told: str) -> None:
    assert waits_for(row(state, reason=reason), Counts(taken=5, started=1), seen) == told


def test_nothing_waits_where_all_have_started() -> None:
    started = Counts(taken=5, started=5)

    assert waits_for(row(BackfillState.RUNNING), started, Surroundings(9, 9, 9)) == ""
    assert "taken in" in waits_for(row(BackfillState.LISTING), started, Surroundings())


def test_the_execution_is_named_by_backfill_and_run() -> None:
    assert row(BackfillState.LISTING).execution == "b1-2"
    assert row(BackfillState.LISTING).input() == {"BackfillId": "b1", "Bucket": "a", "Prefix": "b/"}
