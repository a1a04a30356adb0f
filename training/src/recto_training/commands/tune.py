"""`recto tune`: some runs of `recto train` with settings drawn by chance; the best one is named.

    recto tune labels.manifest --textract ocr --output_dir runs/search --trials 8 --num_train_epochs 5
    recto tune labels.manifest --textract ocr --range learning_rate=1e-5:1e-3:log --range layers=2:6

Every other option is `recto train`'s. A search that was interrupted goes on: trials that have ended with the
same settings and options are not run again. One whose loss is no number any more comes last. On SageMaker
(`--on sagemaker`) the search is Bayesian and its runs are jobs.
"""

import argparse
import json
import math
import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from recto.errors import ConfigurationError
from recto_training.commands import train
from recto_training.loop import LossError
from recto_training.metrics_log import LOGGED
from recto_training.ranges import Range, ranges_of

OBJECTIVE = "eval_focus_else_acc_minus_one"
SUMMARY, RESULT = "search.json", "trial.json"
Figures = Mapping[str, float]
RunTrial = Callable[[Sequence[str]], Figures]
"""Runs `recto train` with these arguments; the figures of the evaluation that was kept."""


def main(arguments: Sequence[str]) -> int:
    """Search; 0 when every trial has ended."""
    options, rest = _parser().parse_known_args(arguments)
    objective = _objective(options.objective)
    if options.trials < 1:
        raise ConfigurationError(f"--trials {options.trials}: expected at least 1")
    folder = Path(options.output_dir)
    trials = drawn(ranges_of(options.range), options.trials, options.tune_seed)
    found = run_trials(trials, rest, folder, run_trial)
    ranked = ranking(found, objective, minimize=options.minimize)
    (folder / SUMMARY).write_text(json.dumps({"objective": objective, "trials": ranked}, indent=1) + "\n")
    for each in ranked:
        print(f"{objective}={each['figures'][objective]:.5g}  {each['folder']}  {each['settings']}")
    print(f"best: {ranked[0]['folder']}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="recto tune",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--range", action="append", default=[], metavar="NAME=LOW:HIGH[:log]|NAME=A,B")
    parser.add_argument("--trials", "--max-jobs", type=int, default=8, help="runs in all")
    parser.add_argument("--objective", default=OBJECTIVE, help="figure to be large")
    parser.add_argument("--minimize", action="store_true", help="figure to be small")
    parser.add_argument("--tune_seed", type=int, default=1337, help="of the draws")
    parser.add_argument(
        "--output_dir", "--output-dir", default=".recto/runs/search", help="folder of all trials"
    )
    return parser


def _objective(said: str) -> str:
    """SageMaker's name of a figure counts too; ConfigurationError for one that no run logs."""
    name = said.replace("validation:", "eval_", 1)
    if name not in LOGGED:
        raise ConfigurationError(f"objective {said!r}: no run logs this; expected one of {', '.join(LOGGED)}")
    return name


def drawn(ranges: Mapping[str, Range], count: int, seed: int) -> list[dict[str, str]]:
    """Settings of each trial; the first ones are the same whatever the count."""
    chance = random.Random(seed)
    return [{name: each.draw(chance) for name, each in ranges.items()} for _ in range(count)]


def run_trials(
    trials: Sequence[Mapping[str, str]], rest: Sequence[str], folder: Path, run: RunTrial
) -> list[dict[str, Any]]:
    """What each trial reached; one that has ended with the same settings and options is not run again."""
    found = []
    for number, settings in enumerate(trials, start=1):
        place = folder / f"trial-{number:02d}"
        record = place / RESULT
        known = json.loads(record.read_text()) if record.is_file() else {}
        asked = {"settings": dict(settings), "options": list(rest)}
        if {name: known.get(name) for name in asked} != asked:
            print(f"trial {number} of {len(trials)}: {dict(settings)}", flush=True)
            options = [part for name, value in settings.items() for part in (f"--{name}", value)]
            figures = run([*rest, *options, "--output_dir", str(place), "--overwrite_output_dir", "true"])
            place.mkdir(parents=True, exist_ok=True)
            known = {**asked, "folder": str(place), "figures": dict(figures)}
            record.write_text(json.dumps(known, indent=1) + "\n")
        found.append(known)
    return found


def ranking(found: Sequence[dict[str, Any]], objective: str, *, minimize: bool) -> list[dict[str, Any]]:
    """The best first; ConfigurationError where the runs have no such figure."""
    if any(objective not in each["figures"] for each in found):
        seen = ", ".join(sorted(found[0]["figures"])) or "none: give documents to validate on"
        raise ConfigurationError(f"objective {objective}: the runs have figures {seen}")

    def badness(each: dict[str, Any]) -> float:
        value = float(each["figures"][objective])
        return math.inf if math.isnan(value) else value if minimize else -value

    return sorted(found, key=badness)


def run_trial(arguments: Sequence[str]) -> Figures:
    """One run in this process; figures that are no numbers where the loss is none."""
    try:
        if train.main(arguments):
            raise ConfigurationError("a trial did not end well; its message stands above")
    except LossError as error:
        print(error, flush=True)
        return dict.fromkeys(LOGGED, math.nan)
    place = Path(arguments[list(arguments).index("--output_dir") + 1])
    return dict(json.loads((place / train.RUN).read_text())["best"])
