"""Searches on this machine: ranges as people write them, draws that repeat, trials that are not run twice."""

import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from recto.errors import ConfigurationError
from recto_training.commands import train
from recto_training.commands.tune import drawn, main, ranking, run_trial, run_trials
from recto_training.loop import LossError
from recto_training.ranges import DEFAULT_RANGES, Range, parse_range, ranges_of


def test_whole_ends_make_a_range_of_whole_numbers() -> None:
    assert parse_range("layers=2:6") == ("layers", Range(2, 6, is_whole=True))
    assert parse_range("dropout=0.0:0.3:linear") == ("dropout", Range(0, 0.3, "Linear"))
    assert parse_range("batch=2,4") == ("batch", Range(values=("2", "4")))
    assert ranges_of([]) == dict(DEFAULT_RANGES)


@pytest.mark.parametrize("text", ["rate", "rate=", "rate=2:1", "rate=a:b", "rate=0:1:log", "x=1:2:cubic"])
def test_what_is_no_range_is_told(text: str) -> None:
    with pytest.raises(ConfigurationError, match="range"):
        parse_range(text)


def test_draws_stay_within_their_range() -> None:
    chance = random.Random(7)

    rates = [float(Range(1e-5, 1e-3, "Logarithmic").draw(chance)) for _ in range(200)]

    assert all(0.99e-5 <= rate <= 1.01e-3 for rate in rates)
    assert 0.3 < sum(rate < 1e-4 for rate in rates) / 200 < 0.7, "by magnitude"
    assert {Range(2, 4, is_whole=True).draw(chance) for _ in range(50)} == {"2", "3", "4"}


def test_the_first_trials_are_the_same_whatever_their_number() -> None:
    assert drawn(DEFAULT_RANGES, 8, seed=1)[:3] == drawn(DEFAULT_RANGES, 3, seed=1)
    assert drawn(DEFAULT_RANGES, 3, seed=1) != drawn(DEFAULT_RANGES, 3, seed=2)


def test_trials_that_have_ended_are_not_run_again(tmp_path: Path) -> None:
    seen: list[Sequence[str]] = []

    def run(arguments: Sequence[str]) -> dict[str, float]:
        seen.append(arguments)
        return {"eval_loss": float(len(seen))}

    trials = [{"seed": "1"}, {"seed": "2"}]
    run_trials(trials[:1], ["labels.manifest"], tmp_path, run)
    found = run_trials(trials, ["labels.manifest"], tmp_path, run)

    assert [each["figures"]["eval_loss"] for each in found] == [1.0, 2.0]
    assert len(seen) == 2
    assert list(seen[1][:3]) == ["labels.manifest", "--seed", "2"]


def test_trials_over_other_data_or_with_other_options_are_run(tmp_path: Path) -> None:
    seen: list[Sequence[str]] = []

    def run(arguments: Sequence[str]) -> dict[str, float]:
        seen.append(arguments)
        return {"eval_loss": float(len(seen))}

    for rest in (["labels.manifest"], ["others.manifest"], ["others.manifest", "--layers", "2"]):
        run_trials([{"seed": "1"}], rest, tmp_path, run)

    assert len(seen) == 3


def test_a_trial_whose_loss_is_no_number_comes_last_and_ends_no_search(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def diverge(_: Sequence[str]) -> int:
        raise LossError("step 7: the loss is nan")

    monkeypatch.setattr(train, "main", diverge)
    known = {"figures": {"eval_loss": 3.0}}

    found = run_trials([{"seed": "1"}], [], tmp_path, run_trial)

    assert ranking([*found, known], "eval_loss", minimize=True)[0] == known


def test_the_best_is_the_largest_unless_a_small_one_is_wanted() -> None:
    found = [{"figures": {"eval_loss": value}} for value in (2.0, float("nan"), 1.0)]

    assert ranking(found, "eval_loss", minimize=True)[0]["figures"]["eval_loss"] == 1.0
    assert ranking(found, "eval_loss", minimize=False)[0]["figures"]["eval_loss"] == 2.0


def test_a_figure_that_the_runs_do_not_have_is_told() -> None:
    with pytest.raises(ConfigurationError, match="the runs have figures eval_loss"):
        ranking([{"figures": {"eval_loss": 1.0}}], "eval_entity_f1", minimize=False)


@pytest.mark.parametrize("words", [["--objective", "beauty"], ["--trials", "0"]])
def test_a_search_that_cannot_be_is_refused_before_any_run(words: list[str], tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"beauty|trials"):
        main([*words, "--output_dir", str(tmp_path)])
